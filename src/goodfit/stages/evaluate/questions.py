"""Questions that are asked of any model, whatever its task: baselines, gates, used test rows, cut rows, systems
that did not answer (EVA001, 007, 009, 010, 019).

Part of evaluate; `findings.py` and `language_findings.py` ask the others, and make their findings here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from goodfit.finding import Finding, Where
from goodfit.ledger import Looks
from goodfit.monitor.words import count, metric, part, system, too_few
from goodfit.score import Score, Verdict
from goodfit.stages.evaluate.scoring import MODEL
from goodfit.statistics.comparing import MANY_ROWS

WIDE, VERY_WIDE = 0.05, 0.10
"""Half-widths of the primary score's interval from which the rows are few, or too few."""
CUT_MUCH = 0.10


class Judged(Protocol):
    """What came of one split, of classes or of texts."""

    @property
    def split(self) -> str:
        """Which rows."""

    @property
    def systems(self) -> Sequence[str]:
        """Who answered them, the model first."""

    @property
    def primary(self) -> str:
        """The score that systems are compared on first."""

    @property
    def headline(self) -> Score:
        """The model's."""

    @property
    def scores(self) -> Sequence[Score]:
        """All of them."""

    @property
    def verdicts(self) -> Sequence[Verdict]:
        """The model against the others."""

    @property
    def gates(self) -> Sequence[dict[str, Any]]:
        """Bars set beforehand, judged."""

    @property
    def ledger(self) -> Looks | None:
        """How often the test rows were opened; None for validation rows."""

    def of(self, name: str, system: str = MODEL) -> Score | None:
        """One system's plain score of one kind."""

    def scarce(self) -> str | None:
        """What more rows are lacking of, where it is something in particular."""


def finding(code: str, kind: str, title: str, scored: Judged, **more: Any) -> Finding:
    """An open note unless `severity` and `state` say otherwise."""
    facts = {"code": code, "stage": "evaluate", "kind": kind, "title": title, "where": Where(split=scored.split)}
    return Finding.model_validate(facts | {"severity": more.pop("severity", "note"), "status": more.pop("state", "open")} | more)


def more_rows(scored: Judged) -> str:
    """How there would be more rows to score on."""
    return "label more rows" if scored.split == "folds" else "score on more rows: raise split.test_size, or label more"


def baselines(scored: Judged) -> Iterator[Finding]:
    """EVA001: error where the model is worse than a baseline on the primary score, warning where that cannot be told."""
    code, kind = "EVA001", "worse_than_baseline"
    asked = [v for v in scored.verdicts if v.question.startswith(f"{MODEL} vs ") and v.question.endswith(f" on {scored.primary}")]
    if not asked:
        reason = "no baseline was asked for" if len(scored.systems) == 1 else f"systems are not compared on {scored.primary}"
        yield finding(code, kind, "the model was not compared with a baseline", scored, state="not_applicable", reason=reason)
    for verdict in asked:
        key = verdict.question.removeprefix(f"{MODEL} vs ").removesuffix(f" on {scored.primary}")
        name, on = system(key, short=True), metric(scored.primary)
        evidence = tuple(s for s in (scored.headline, scored.of(scored.primary, key)) if s is not None)
        if verdict.answer == "better":
            title = f"the model beats {name}: {verdict.text}"
            yield finding(code, kind, title, scored, state="passed", verdict=verdict, evidence=evidence)
            continue
        worse = verdict.answer == "worse"
        title = f"the model is worse than {name}" if worse else f"the model is not shown to beat {name}"
        fix = f"use {name}, or look at the curves (train longer, another rate) and at the labels" if worse else _settle(verdict, scored)
        yield finding(
            code, kind, f"{title} on {on}", scored, severity="error" if worse else "warning",
            detail=verdict.text, verdict=verdict, evidence=evidence, fix=fix,
        )  # fmt: skip


def _settle(verdict: Verdict, scored: Judged) -> str:
    """What would settle a comparison that is open: a number of rows, rows of a scarce label, or a model that differs."""
    if verdict.rows_needed and verdict.rows_needed > MANY_ROWS:
        return f"no number of rows that anyone labels (more than {MANY_ROWS:,}) would settle so small a difference; a better model would"
    if verdict.rows_needed:
        return f"about {count(verdict.rows_needed, 'scored row')} would settle a difference of this size; a better model needs fewer"
    if verdict.difference is None or verdict.difference.value is None:
        return more_rows(scored)
    if verdict.difference.value == 0:
        return "the two score alike on these rows: more rows may tell them apart, a better model would"
    lacking = scored.scarce()
    return more_rows(scored) if lacking is None else lacking


def gates(scored: Judged) -> Iterator[Finding]:
    """EVA007: error for a gate that is missed, note for one that is undecided."""
    code, kind = "EVA007", "gate"
    if not scored.gates:
        reason = "evaluate.gates is empty"
        yield finding(code, kind, "no gate was set", scored, state="not_applicable", reason=reason)
    for gate in scored.gates:
        answer = gate["answer"]
        ends = _gate_interval(gate)
        rows = f"; about {count(gate['rows_needed'], 'row')} would decide" if gate.get("rows_needed") else ""
        title = f"the gate {_bar(gate['gate'])} is {answer}: {ends}{rows}"
        if answer == "met":
            yield finding(code, kind, title, scored, state="passed")
        else:
            fix = "the model is not good enough yet for the bar you set" if answer == "missed" else "score on more rows"
            yield finding(code, kind, title, scored, severity="error" if answer == "missed" else "note", fix=fix)


def reused(scored: Judged) -> Iterator[Finding]:
    """EVA009: note where the test rows have judged more than one model, warning where they are spent."""
    code, kind, looks = "EVA009", "test_reused", scored.ledger
    if looks is None:
        yield finding(code, kind, "test rows were not opened", scored, state="not_applicable", reason="evaluate.on is not test")
    elif looks.models_scored <= 1:
        yield finding(code, kind, "these test rows have judged no other model", scored, state="passed")
    else:
        spent = looks.state == "spent"
        mine = [s for s in scored.scores if s.name == scored.primary and s.system == MODEL]
        widened = [s for s in mine if s.level == looks.level_corrected and s.value is not None]
        trusted = f" The interval that holds for all of them: {interval(widened[-1])}." if widened else ""
        yield finding(
            code, kind, f"these test rows have judged {count(looks.models_scored, 'model')}{' and are spent' if spent else ''}", scored,
            severity="warning" if spent else "note", evidence=tuple(widened[-1:]),
            detail=f"The best of several models on the same rows flatters.{trusted} Gates are judged by it.",
            fix="choose with evaluate.on: valid, then goodfit confirm the chosen run; goodfit split RUN --fresh-test starts anew",
        )  # fmt: skip


def truncated(scored: Judged, cut: int, rows: int) -> Finding:
    """EVA010: note where scored rows were cut at the maximum length, warning above 10%."""
    code, kind = "EVA010", "truncation"
    if not cut:
        return finding(code, kind, "no scored row was cut", scored, state="passed")
    return finding(
        code, kind, f"{part(cut, rows, 'scored row', ('was', 'were'))} cut at the maximum length", scored,
        severity="warning" if cut / max(1, rows) > CUT_MUCH else "note", n_rows=cut,
        detail="The model saw a part of them only, as it will when it is used.", fix="set prepare.max_length higher",
    )  # fmt: skip


def not_compared(scored: Judged, left_out: Mapping[str, str]) -> Finding:
    """EVA019: note where a system that was to answer these rows did not, with the reason."""
    code, kind = "EVA019", "not_compared"
    if not left_out:
        return finding(code, kind, "every system that was to answer these rows did", scored, state="passed")
    named = "; ".join(f"{system(name, short=True)}: {why}" for name, why in left_out.items())
    return finding(
        code, kind, f"{count(len(left_out), 'system')} did not answer these rows", scored, detail=f"{named}.",
        fix="evaluate.baselines names what is to be compared, evaluate.predictions what others answered",
    )  # fmt: skip


def _gate_interval(gate: dict[str, Any]) -> str:
    if gate.get("value") is None:
        return "not scored"
    if gate.get("low") is None or gate.get("high") is None:
        return f"{gate['value']:.3f} (no interval)"
    return f"{gate['value']:.3f} [{gate['low']:.3f}, {gate['high']:.3f}]"


def _bar(gate: str) -> str:
    """`macro_f1 >= 0.8` -> `macro F1 >= 0.8`."""
    name, space, rest = gate.partition(" ")
    return f"{metric(name)}{space}{rest}"


def why_absent(score: Score, scored: Judged) -> str:
    """Why there is no number, in plain words."""
    return too_few(score.why_absent, score.n, {"test": "test row", "folds": "row"}.get(scored.split, "validation row"))


def interval(score: Score) -> str:
    """`0.842 [0.815, 0.867]`."""
    if score.value is None or score.low is None or score.high is None:
        return str(score)
    return f"{score.value:.3f} [{score.low:.3f}, {score.high:.3f}]"
