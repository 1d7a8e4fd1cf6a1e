"""split: rows from the user's files, divided into train, valid and test without leaks. First stage; from here on test is sealed.

stage.py     the story
sources.py   which files and columns the recipe means
look.py      what every row is, and why it may not be used
groups.py    which rows must stay together
assign.py    who goes where: given, inherited (inherit.py), or divided (cut.py; times.py)
leaks.py     what stands on two sides
record.py, hygiene.py, findings.py   what is written
splits.py    Splits, the handle that later stages take
"""

from goodfit.stages.split.splits import SIDES, Side, Splits
from goodfit.stages.split.stage import split

__all__ = ["SIDES", "Side", "Splits", "split"]
