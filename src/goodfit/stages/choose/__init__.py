"""choose: the pre-trained model to start from, measured on the training rows. Third stage of the path (after split and audit).

stage.py        the story
candidates.py   what could be taken: named, installed, in the hub's cache; why others could not
catalog.py      good models of the hub that are not here, from catalog.yaml and the user's own list
classifiers.py  several candidates for a classifier: measure.py on rows.py (reading, features, probe, measures), ranking.py, race.py
generators.py   several that write: bits per byte (writers.py)
record.py       candidates.json and the screen; findings.py: CHO001 …
"""

from goodfit.stages.choose.candidates import locate
from goodfit.stages.choose.record import listed
from goodfit.stages.choose.stage import Choice, choose, find_base, foresee_choice

__all__ = ["Choice", "choose", "find_base", "foresee_choice", "listed", "locate"]
