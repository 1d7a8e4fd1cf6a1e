"""Recipe: what the user asked for, one frozen section per stage.

Nouns layer: standard library and pydantic. Keys are those of transformers / TRL / PEFT where one exists. The docstring under a
key is its help text (docs/reference/recipe.md is generated from it). `auto` means: the stage decides from what it measures, and
writes the value to `resolved.yaml`. Reading a recipe from a file, with line numbers in its errors, is `settings`.

task.py      task
data.py      data, groups, split
prepare.py   choose, prepare
train.py     train, peft
tune.py      tune
evaluate.py  audit, evaluate, report
assess.py    assess
whole.py     Recipe, and a stage's view of it
"""

from goodfit.recipe.assess import Assess, Suite
from goodfit.recipe.data import Data, DataSource, Form, GroupAxis, Split
from goodfit.recipe.evaluate import Audit, Evaluate, Report
from goodfit.recipe.prepare import Choose, Mix, Prepare
from goodfit.recipe.section import Auto, Names, Section, Share
from goodfit.recipe.task import Task
from goodfit.recipe.train import Peft, Train
from goodfit.recipe.tune import Range, Tune
from goodfit.recipe.whole import Recipe, view, with_values

__all__ = [
    "Assess",
    "Audit",
    "Auto",
    "Choose",
    "Data",
    "DataSource",
    "Evaluate",
    "Form",
    "GroupAxis",
    "Mix",
    "Names",
    "Peft",
    "Prepare",
    "Range",
    "Recipe",
    "Report",
    "Section",
    "Share",
    "Split",
    "Suite",
    "Task",
    "Train",
    "Tune",
    "view",
    "with_values",
]
