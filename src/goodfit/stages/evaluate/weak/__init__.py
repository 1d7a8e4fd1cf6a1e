"""Where a classifier is weak: slices of rows that fail more often than the rest, found on validation, confirmed on the evaluated rows.

START HERE: `slices_of` in `search.py`. `predicates.py` says which slices are looked at.
"""

from goodfit.stages.evaluate.weak.predicates import Rows
from goodfit.stages.evaluate.weak.search import Slices, slices_of

__all__ = ["Rows", "Slices", "slices_of"]
