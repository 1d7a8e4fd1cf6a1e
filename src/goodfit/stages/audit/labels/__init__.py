"""Which labels are probably wrong, which label is likelier, and how many are wrong at least and at most. Part of audit.

opinion.py     START HERE: what a second reader says of every row: cross-validated regression, mixed with the nearest rows
  linear.py  folds.py  neighbours.py
ranking.py     from probabilities to a ranking, a likelier label, strata for reviews
joint.py       the confident joint, and what it prunes
flags.py       flagged rows; at least and at most
planted.py     how many of the flags are real: labels changed on purpose, and looked for
review.py      how many labels are wrong, once people have looked at some
suspects.py    the glue: a Scene in, audit/suspects.parquet out
first.py       the rows to look at first, on a screen
"""

from goodfit.stages.audit.labels.first import first_rows, told
from goodfit.stages.audit.labels.ranking import STRATA
from goodfit.stages.audit.labels.review import ALLOCATION, noise_rate
from goodfit.stages.audit.labels.suspects import Suspects, suspects_of

__all__ = ["ALLOCATION", "STRATA", "Suspects", "first_rows", "noise_rate", "suspects_of", "told"]
