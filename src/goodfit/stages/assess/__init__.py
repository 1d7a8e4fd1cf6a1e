"""assess: for whom the model works worse, how sure that is, and what was not measured.

plan.py        what will be asked, before test rows are opened      grid.py        every question of it
before.py      groups and labels in the training data               population.py  rows, axes, intersections
rows.py        the rows that evaluate scored                        suites.py      files made to assess a model
probe.py       the base model on the same rows                      measure.py     rates, gaps, answers
swaps.py       the same text about somebody else                    findings.py    what is said of it
"""

from goodfit.stages.assess.plan import foresee_assessment, planned, write_plan
from goodfit.stages.assess.stage import Assessment, assess

__all__ = ["Assessment", "assess", "foresee_assessment", "planned", "write_plan"]
