"""What systems wrote, and how likely they found what they should have written -> scores.json: scores, verdicts, gates.

Part of evaluate, for generation. Losses are of all rows, written text of the rows that were drawn for it; each score knows its own n.
Nothing is measured here: metrics come from tasks/writing, their intervals and comparisons from statistics.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from goodfit.ledger import Looks
from goodfit.recipe import Evaluate
from goodfit.score import Score, Verdict
from goodfit.stages.evaluate.scoring import MODEL, SCHEMA, Headlined, judged_gates
from goodfit.statistics.multiple import adjust
from goodfit.tasks.writing import metrics
from goodfit.tasks.writing.said import Said

LOSSES = ("bits_per_byte", "token_loss", "perplexity")
"""Metrics of the losses of all rows; every other one is of what was written."""
SECOND = "token_loss"
SELF_STOP = "self_stop_rate"
HEALTH = (SELF_STOP, "empty_rate", "repetition_rate", "memorised_rate")
"""Measured of whatever is written, asked for or not: findings are made of them."""
RETAINED, IN_TEMPLATE = "retain", "retain_in_template"
REFERENCES = "references"


@dataclass(frozen=True)
class Heard:
    """One system."""

    wrote: Said | None = None
    """Of the rows that were drawn."""
    read: Said | None = None
    """Losses of all rows."""

    def of(self, name: str) -> Said | None:
        """What a metric is made from."""
        return self.read if name in LOSSES else self.wrote

    def at(self, level: float) -> Heard:
        """The same with wider intervals."""
        return Heard(*(None if said is None else dataclasses.replace(said, level=level) for said in (self.wrote, self.read)))


@dataclass(frozen=True)
class Kept:
    """What the model still knows of texts that it must not forget."""

    documents: int = 0
    before: dict[str, Score] = field(default_factory=dict)
    """RETAINED, IN_TEMPLATE -> bits per byte of the base model."""
    after: dict[str, Score] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    why_not: str | None = None

    def to_json(self) -> dict[str, Any]:
        """A plain dict."""
        if self.why_not is not None:
            return {"why_absent": self.why_not}
        return {"documents": self.documents} | {
            where: {"base": self.before[where].to_json(), "model": self.after[where].to_json(), "verdict": verdict.to_json()}
            for where, verdict in self.verdicts.items()
        }


@dataclass(frozen=True)
class LanguageScored(Headlined):
    """What came of one split; `Judged` of questions.py."""

    split: str
    n: int
    """Rows whose losses were measured."""
    written: int
    """Rows that were answered by writing."""
    primary: str
    systems: list[str]
    scores: list[Score]
    verdicts: list[Verdict]
    gates: list[dict[str, Any]]
    ledger: Looks | None
    references: Heard
    """What the same measures give for the answers that stand in the rows."""
    heard: Mapping[str, Heard]

    def scarce(self) -> str | None:
        """More rows could be answered by writing."""
        if self.primary in LOSSES or self.written >= self.n:
            return None
        return f"answer more rows by writing: evaluate.rows above {self.written:,}"

    def against_references(self, name: str) -> Verdict | None:
        """The model against the rows' own answers on a fault that they may have too."""
        ours, theirs = self.heard[MODEL].wrote, self.references.wrote
        return (
            None if ours is None or theirs is None else metrics.against(name, ours, theirs, question=f"{MODEL} vs {REFERENCES} on {name}")
        )


def score_language(
    split: str, heard: Mapping[str, Heard], references: Heard, section: Evaluate, looks: Looks | None, *, selected: bool
) -> LanguageScored:  # fmt: skip
    """Everything that is said of one split. `selected`: the split chose the step, so that the model's scores flatter."""
    mine = heard[MODEL]
    parts = [part for part in (mine.wrote, mine.read) if part is not None]
    asked = list(dict.fromkeys(name for part in parts for name in metrics.names_for(section.metrics, part)))
    wanted = list(dict.fromkeys([*asked, *section.gates, *(HEALTH if mine.wrote is not None else ())]))

    def said(name: str, of: Heard, names: Sequence[str]) -> list[Score]:
        made = [score for metric in names for score in _measured(metric, of, own=name == MODEL)]
        return [s.about(system=name, split=split, selected=selected and name == MODEL) for s in made]

    scores = [score for name, of in heard.items() for score in said(name, of, wanted)]
    trusted = scores
    if looks is not None and looks.models_scored > 1:
        trusted = said(MODEL, mine.at(looks.level_corrected), list(dict.fromkeys([asked[0], *section.gates])))
        scores = [*scores, *trusted]
    return LanguageScored(
        split, 0 if mine.read is None else mine.read.n, 0 if mine.wrote is None else mine.wrote.n, asked[0], list(heard), scores,
        _verdicts(asked[0], heard), judged_gates(section.gates, trusted), looks, references, heard,
    )  # fmt: skip


def _measured(metric: str, of: Heard, *, own: bool) -> list[Score]:
    """The score; of another system that was not heard in this way none at all."""
    said = of.of(metric)
    return metrics.measure([metric], said if said is not None else Said()) if own or said is not None else []


def _verdicts(primary: str, heard: Mapping[str, Heard]) -> list[Verdict]:
    """The model against each system on the primary score, then on the loss per token; corrected together."""
    asked = []
    for name, of in heard.items():
        for kind in dict.fromkeys([primary, SECOND]):
            ours, theirs = heard[MODEL].of(kind), of.of(kind)
            if name != MODEL and ours is not None and theirs is not None:
                asked.append(metrics.against(kind, ours, theirs, question=f"{MODEL} vs {name} on {kind}"))
    return adjust([verdict for verdict in asked if verdict is not None], "baselines")


def document(scored: LanguageScored, facts: Mapping[str, Any]) -> dict[str, Any]:
    """scores.json; `facts`: run, rows, systems, generation, left_out, forgetting."""
    out = {
        "schema": SCHEMA, "run": facts["run"], "task": facts["task"], "on": scored.split, "n": scored.n, "written": scored.written,
        "rows": facts["rows"], "labels": [], "primary": scored.primary, "systems": facts["systems"],
        "scores": [s.to_json() for s in scored.scores], "verdicts": [v.to_json() for v in scored.verdicts], "gates": scored.gates,
        "generation": facts["generation"], "left_out": facts["left_out"], "forgetting": facts["forgetting"],
        "references": [s.to_json() for s in references_of(scored)], "predictions": "evaluate/predictions.parquet",
    }  # fmt: skip
    if scored.ledger is not None:
        out["ledger"] = scored.ledger.to_json()
    return out


def references_of(scored: LanguageScored) -> list[Score]:
    """How often the rows' own answers loop, are empty, refuse or repeat training answers."""
    said = scored.references.wrote
    names = ("memorised_rate", "repetition_rate", "empty_rate", "refusal_rate", "length_words")
    return [] if said is None else [s.about(system=REFERENCES, split=scored.split) for s in metrics.measure(names, said)]
