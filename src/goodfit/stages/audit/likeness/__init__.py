"""Likeness: which texts are alike, what two sets of texts differ in, and where one has nothing that the other is full of.

`words.py` names a set of texts by its words, `topics.py` divides texts into clusters, `shift.py` tests whether two samples come from one
source and finds the regions that one leaves thin. Part of audit (methods 3); pure functions of texts and vectors.
"""

from goodfit.stages.audit.likeness.shift import Coverage, Region, Shift, coverage, regions, shift
from goodfit.stages.audit.likeness.topics import LEAST_ROWS, Topic, Topics, effective_number, topics_of
from goodfit.stages.audit.likeness.words import distinctive, word_counts

__all__ = [
    "Coverage",
    "LEAST_ROWS",
    "Region",
    "Shift",
    "Topic",
    "Topics",
    "coverage",
    "distinctive",
    "effective_number",
    "regions",
    "shift",
    "topics_of",
    "word_counts",
]
