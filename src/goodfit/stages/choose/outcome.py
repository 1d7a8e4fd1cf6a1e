"""What is asked of a comparison, and what it comes to, whatever the task. Part of choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from goodfit.models.identity import Identity
from goodfit.recipe import Recipe
from goodfit.run import Run
from goodfit.score import Score, Verdict
from goodfit.stages.choose.candidates import Candidate, labels_of

if TYPE_CHECKING:
    from goodfit.stages.choose.costs import Costs
    from goodfit.stages.split import Splits


@dataclass(frozen=True)
class Asked:
    """The candidates of a run."""

    recipe: Recipe
    splits: Splits
    run: Run
    candidates: tuple[Candidate, ...]

    @property
    def named(self) -> bool:
        """Whether the recipe names the model itself: then it stays, whatever is measured."""
        return self.recipe.choose.model_name_or_path != "auto"

    def label(self, place: int) -> str:
        """What people read of a candidate."""
        return labels_of(self.candidates)[place]

    @property
    def usable(self) -> list[int]:
        """Places of the candidates that can be measured."""
        return [i for i, one in enumerate(self.candidates) if one.usable]

    def limited(self, most: int) -> Asked:
        """Of candidates that nobody named, the first `most`; the others are refused, with what to do."""
        if self.recipe.choose.candidates:
            return self
        out, seen = [], 0
        for one in self.candidates:
            seen += one.usable
            more = one.usable and seen > most
            out.append(replace(one, refused=f"the {most} largest are measured; name it in choose.candidates") if more else one)
        return replace(self, candidates=tuple(out))

    def refuse(self, place: int, reason: str) -> Asked:
        """The same without one candidate."""
        listed = list(self.candidates)
        listed[place] = replace(listed[place], refused=reason)
        return replace(self, candidates=tuple(listed))


@dataclass(frozen=True)
class Facts:
    """What was measured of one candidate."""

    scores: tuple[Score, ...] = ()
    reading: dict[str, Any] | None = None
    """How its tokenizer reads the rows (`reading.Reading.to_json`)."""
    chance: float | None = None
    """Of being the best of those measured."""
    epoch_seconds: float | None = None
    """Of one pass over the training rows here."""
    seconds: float = 0.0
    """That measuring took."""


@dataclass(frozen=True)
class Outcome:
    """The candidates, which of them is taken, and why."""

    candidates: Sequence[Candidate]
    place: int
    reason: str
    facts: dict[int, Facts] = field(default_factory=dict)
    """Place -> what was measured."""
    verdicts: tuple[Verdict, ...] = ()
    """The first against the others, paired."""
    tied: tuple[int, ...] = ()
    """Places that could not be told apart from the one that is first, it among them."""
    first: int | None = None
    """The one that measures best; None where nothing was measured."""
    notes: tuple[str, ...] = ()
    """Sentences worth reading."""
    costs: Costs | str | None = None
    """What training answers cost the one that is taken, row by row, for a task that writes; or why not. None: they were not read."""

    def label(self, place: int) -> str:
        """What people read of a candidate."""
        return labels_of(self.candidates)[place]

    @property
    def name(self) -> str:
        """What people read of the one that is taken."""
        return self.label(self.place)

    @property
    def chosen(self) -> Identity:
        """The model that is taken."""
        base = self.candidates[self.place].base
        assert base is not None
        return base

    @property
    def measured(self) -> bool:
        """Whether candidates were compared."""
        return bool(self.facts)
