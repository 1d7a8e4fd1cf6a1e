"""Recipe: all sections together, and the keyhole through which a stage sees its own. Part of recipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from goodfit.recipe.assess import Assess
from goodfit.recipe.data import Data, GroupAxis, Split, no_crossing
from goodfit.recipe.evaluate import Audit, Evaluate, Report
from goodfit.recipe.prepare import Choose, Prepare
from goodfit.recipe.task import Task
from goodfit.recipe.train import Peft, Train
from goodfit.recipe.tune import Tune


class Recipe(BaseModel):
    """Everything that a run is asked to do."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")] = "model"
    """Name of the run and of the model."""
    purpose: str = ""
    """What the model is for, and who it serves (model card)."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 42
    """Everything random starts from it."""
    fail_on: Literal["note", "warning", "error", "never"] = "error"
    """A finding of this severity or worse ends the run."""
    task: Task = Task()
    data: Data
    groups: Annotated[dict[str, GroupAxis], AfterValidator(no_crossing)] = Field(default_factory=dict)
    """Axis -> how a row's member is known; rows are counted per member."""
    split: Split = Split()
    audit: Audit | Literal[False] = Audit()
    choose: Choose = Choose()
    prepare: Prepare = Prepare()
    tune: Tune | Literal[False] = Tune()
    train: Train = Train()
    peft: Peft = Peft()
    evaluate: Evaluate = Evaluate()
    assess: Assess | Literal[False] = Assess()
    report: Report = Report()

    @model_validator(mode="before")
    @classmethod
    def _on_folds(cls, values: Any) -> Any:
        """Where there are folds, they are what is scored unless the recipe says otherwise."""
        if not isinstance(values, Mapping):
            return values
        split, evaluate = values.get("split"), values.get("evaluate", {})
        folds = split.get("folds") if isinstance(split, Mapping) else getattr(split, "folds", None)
        if folds is not None and isinstance(evaluate, Mapping) and "on" not in evaluate:
            return {**values, "evaluate": {**evaluate, "on": "folds"}}
        return values

    @model_validator(mode="after")
    def _of_folds(self) -> Recipe:
        if self.evaluate.on == "folds" and self.split.folds is None:
            raise ValueError("evaluate.on: folds needs split.folds (how many)")
        if self.split.folds is None:
            return self
        if self.evaluate.on == "test":
            raise ValueError("split.folds keeps no test rows back: evaluate.on is folds then (or valid)")
        if self.task.writes:
            raise ValueError("split.folds is for classification: for a model that writes keep test rows (split.test_size)")
        if self.data.test is not None:
            raise ValueError("data.test is given, and split.folds is for data without test rows: leave out one of them")
        if self.prepare.suspects == "leave_out":
            raise ValueError("prepare.suspects: leave_out would leave rows unanswered: with split.folds every row must be in a fold")
        return self

    def to_json(self) -> dict[str, Any]:
        """A plain dict with every default filled in."""
        return self.model_dump(mode="json")


def view(recipe: Recipe, reads: tuple[str, ...]) -> Recipe:
    """The recipe with the sections of `reads` only: any other attribute raises, so a stage cannot read what it did not declare."""
    return _View.of(recipe, reads)  # type: ignore[return-value]


def with_values(recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
    """The recipe with other values at some dotted keys (`train.learning_rate`), checked as if they had been written; a view stays one."""
    seen: Any = recipe
    if isinstance(seen, _View):
        return seen.with_values(values)  # type: ignore[return-value]
    changed: dict[str, Any] = {}
    for key, value in values.items():
        section, name = key.split(".", 1)
        changed.setdefault(section, getattr(recipe, section).model_dump())[name] = value
    made = {section: type(getattr(recipe, section)).model_validate(content) for section, content in changed.items()}
    return recipe.model_copy(update=made)


class _View:
    """A keyhole on a Recipe."""

    __slots__ = ("_reads", "_recipe")

    def __init__(self, recipe: Recipe, reads: tuple[str, ...]) -> None:
        self._recipe = recipe
        self._reads = reads

    @classmethod
    def of(cls, recipe: Recipe, reads: tuple[str, ...]) -> _View:
        """A view on `reads`, which must be sections that exist."""
        unknown = set(reads) - set(Recipe.model_fields)
        assert not unknown, f"a stage reads unknown sections {sorted(unknown)}"
        return cls(recipe, reads)

    def __getattr__(self, name: str) -> Any:
        if name not in self._reads:
            raise AttributeError(f"this stage reads {', '.join(self._reads)} of the recipe, not {name!r}: declare it in @stage(reads=…)")
        return getattr(self._recipe, name)

    def with_values(self, values: Mapping[str, Any]) -> _View:
        """A view of a recipe with other values."""
        return _View(with_values(self._recipe, values), self._reads)

    def resolved(self) -> dict[str, Any]:
        """The values behind the fingerprint."""
        values = self._recipe.to_json()
        return {name: values[name] for name in self._reads}
