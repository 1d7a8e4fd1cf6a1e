"""Goodfit: fine-tune language models, and show that the result is a good fit.

    from goodfit import Model, Run, conduct, load_recipe

The public names are resolved on first use, so that `import goodfit` is instant and loads no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_NAMES = {
    "DataError": "goodfit.errors",
    "Finding": "goodfit.finding",
    "Gate": "goodfit.score",
    "GoodfitError": "goodfit.errors",
    "MachineError": "goodfit.errors",
    "Model": "goodfit.predict",
    "ModelError": "goodfit.errors",
    "Outcome": "goodfit.pipeline",
    "Prediction": "goodfit.predict",
    "Recipe": "goodfit.recipe",
    "Run": "goodfit.run",
    "RunError": "goodfit.errors",
    "Score": "goodfit.score",
    "SettingsError": "goodfit.errors",
    "UserError": "goodfit.errors",
    "Verdict": "goodfit.score",
    "check": "goodfit.check",
    "compare_runs": "goodfit.improve.compare",
    "conduct": "goodfit.pipeline",
    "find_run": "goodfit.run",
    "fine_tune": "goodfit.pipeline",
    "guess_recipe": "goodfit.init",
    "load_recipe": "goodfit.settings",
    "start": "goodfit.pipeline",
    "write_report": "goodfit.stages.report",
}
"""Public name -> the module that has it, under `_ALIASES` there where the names differ."""
_ALIASES = {"compare_runs": "compare", "find_run": "find", "guess_recipe": "guess", "load_recipe": "load"}

__all__ = ["__version__", *_NAMES]

if TYPE_CHECKING:
    from goodfit.check import check
    from goodfit.errors import DataError, GoodfitError, MachineError, ModelError, RunError, SettingsError, UserError
    from goodfit.finding import Finding
    from goodfit.improve.compare import compare as compare_runs
    from goodfit.init import guess as guess_recipe
    from goodfit.pipeline import Outcome, conduct, fine_tune, start
    from goodfit.predict import Model, Prediction
    from goodfit.recipe import Recipe
    from goodfit.run import Run
    from goodfit.run import find as find_run
    from goodfit.score import Gate, Score, Verdict
    from goodfit.settings import load as load_recipe
    from goodfit.stages.report import write_report


def __getattr__(name: str) -> Any:
    """A public name, from its module."""
    if name not in _NAMES:
        raise AttributeError(f"goodfit has no {name!r}")
    value = getattr(importlib.import_module(_NAMES[name]), _ALIASES.get(name, name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
