"""Is it a good fit? One word by written rules, and what each rule saw.

Part of the report stage (`collect` calls it; `sentences` words the rest of the first screen). The word is derived from verdicts,
gates and findings, never from a bare number. The first rule that applies decides, in this order:

no (something measured speaks against the model)
    `diverged`            the training broke down: finding diverged, dead or collapsed, or a non-finite loss
    `gate_missed`         a bar set beforehand lies outside the interval, on the wrong side
    `worse_than_baseline` a paired verdict on the primary score says that a simple method does better
not yet (nothing speaks against the model itself; something has to be repaired or finished first)
    `stopped`             a finding stopped the run
    `error_finding`       an error is open
    `no_better`           no difference that matters to a simple method
    `group_gap`           a sure gap between groups in a declared measure (ASM005)
    `unfinished`          the training is diagnosed as underfitted, too short, or of a wrong rate
    `not_confirmed`       scored on validation rows, which also chose the weights
    `no_model`            the run was asked to go no further than a stage before train (`goodfit audit FILE`)
cannot tell (the evidence is missing, or too thin)
    `failed`, `running`, `not_scored`
    `gate_undecided`      the bar lies inside the interval
    `verdict_open`        too few rows to tell it from a simple method
    `test_spent`          more models were scored on these rows than they can judge
    `nothing_to_compare`  neither a baseline nor a bar
yes
    `better`              better than every baseline, every bar met, no error open
    `bar_met`             every bar met; no baseline was asked for
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from goodfit.finding import SEVERITIES, Finding
from goodfit.score import Score, Verdict
from goodfit.stages.report import words
from goodfit.stages.report.results import MODEL, of
from goodfit.stages.report.schema import AnswerWord, RunFacts, ScoreFacts
from goodfit.stages.report.text import label
from goodfit.stages.report.text import name as readable

BROKEN = ("diverged", "dead", "collapsed")
TOLD = (*BROKEN, "worse_than_baseline", "gate")
"""Errors that a rule of their own speaks of."""
UNFINISHED = ("underfitting", "too_short", "rate_too_low", "rate_too_high")
NO_SHARES = (
    "log_loss",
    "mcc",
    "kappa",
    "brier",
    "calibration_slope",
    "calibration_intercept",
    "token_loss",
    "perplexity",
    "bits_per_byte",
    "length_words",
)
"""Scores that are not shown in percent; a gate's line does not carry its unit."""
UNDONE = ("running", "interrupted", "partial")
SCARCE = 30
"""Scored rows below which a class is named as what is lacking."""
EXPLAINS = {
    "diverged": BROKEN,
    "gate_missed": ("gate",),
    "gate_undecided": ("gate",),
    "worse_than_baseline": ("worse_than_baseline",),
    "no_better": ("worse_than_baseline",),
    "verdict_open": ("worse_than_baseline",),
    "group_gap": ("group_gap",),
    "unfinished": UNFINISHED,
    "not_scored": ("few_rows",),
    "test_spent": ("test_reused",),
}
"""Rule -> kinds of the findings (of train, evaluate and assess) that say more about it."""


@dataclass(frozen=True)
class Known:
    """All that the rules may look at."""

    run: RunFacts
    findings: Sequence[Finding]
    scores: ScoreFacts | None
    diverged: bool = False
    """The events hold a non-finite loss or gradient."""
    supports: Mapping[str, int] = field(default_factory=dict)
    """Class -> scored rows."""

    @property
    def open(self) -> list[Finding]:
        """Findings that nobody has muted."""
        return [f for f in self.findings if f.status == "open"]

    @property
    def primary(self) -> Score | None:
        """The model's headline score."""
        return of(self.scores, self.scores.primary) if self.scores else None


@dataclass(frozen=True)
class Reason:
    """One rule that applied."""

    word: AnswerWord
    rule: str
    text: str


def decide(known: Known) -> list[Reason]:
    """Every rule that applied, the deciding one first; never empty."""
    found = [reason for rule in RULES for reason in rule(known)]
    return found or list(_yes(known))


def first_findings(known: Known, reasons: Sequence[Reason], most: int) -> list[Finding]:
    """What to look at first: what explains the word, then errors and warnings, those of the data after those of the model.

    A note stands here only where it explains the word: else it has never changed what somebody does next.
    """
    kinds = EXPLAINS.get(reasons[0].rule, ()) if reasons else ()

    def explains(finding: Finding) -> bool:
        return finding.kind in kinds and finding.stage in ("train", "evaluate", "assess")

    def place(finding: Finding) -> tuple[bool, int, bool, int, str]:
        of_data = finding.stage in ("split", "audit", "prepare")
        return (not explains(finding), -SEVERITIES.index(finding.severity), of_data, -finding.n_rows, finding.code)

    loud = [f for f in known.open if f.severity != "note"]
    return sorted(
        loud if any(map(explains, loud)) else [*loud, *(f for f in known.open if f.severity == "note" and explains(f))], key=place
    )[:most]


def primary_verdicts(scores: ScoreFacts | None) -> list[tuple[str, Verdict]]:
    """(baseline, verdict) of the model on the primary score, where one was compared with it; else on whatever was compared."""
    if scores is None:
        return []
    mine = [(sides[1], sides[2], v) for v in scores.verdicts if (sides := words.sides(v.question)) and sides[0] == MODEL]
    main = [(other, v) for other, metric, v in mine if metric == scores.primary]
    return main or [(other, v) for other, _, v in mine]


def _broken(known: Known) -> Iterator[Reason]:
    for finding in known.open:
        if finding.kind in BROKEN and finding.severity != "note":
            yield Reason("no", "diverged", f"The training broke down: {_title(finding)}.")
            return
    if known.diverged:
        yield Reason("no", "diverged", "The training broke down: the loss or a gradient was not a finite number.")


def _gates_missed(known: Known) -> Iterator[Reason]:
    for gate in known.scores.gates if known.scores else ():
        if gate.answer == "missed":
            yield Reason("no", "gate_missed", f"It misses the bar that was set beforehand, {bar(gate.gate)}.")


def _worse(known: Known) -> Iterator[Reason]:
    for other, verdict in primary_verdicts(known.scores):
        if verdict.answer == "worse":
            yield Reason("no", "worse_than_baseline", f"A simpler method does better: {words.system(other)}.")


def _stopped(known: Known) -> Iterator[Reason]:
    if known.run.status == "stopped":
        worst = next((f for f in known.open if f.severity == "error"), None)
        why = f": {_title(worst)}" if worst else f": {_sentence(known.run.error)}" if known.run.error else ""
        yield Reason("not yet", "stopped", f"A finding stopped the run{why}.")


def _errors(known: Known) -> Iterator[Reason]:
    for finding in known.open:
        if finding.severity == "error" and finding.kind not in TOLD:
            yield Reason("not yet", "error_finding", f"An error is open: {_title(finding)}.")


def _no_better(known: Known) -> Iterator[Reason]:
    for other, verdict in primary_verdicts(known.scores):
        if verdict.answer == "no_difference":
            yield Reason("not yet", "no_better", f"It is no better than a simpler method: {words.system(other)}.")


def _group_gap(known: Known) -> Iterator[Reason]:
    """One reason, however many gaps; a note too: where only a group that is better off can be named, everybody else is worse off."""
    found = sorted((f for f in known.open if f.kind == "group_gap"), key=lambda f: -SEVERITIES.index(f.severity))
    if found:
        more = f", and {words.count(len(found) - 1, 'more such gap')}" if len(found) > 1 else ""
        yield Reason("not yet", "group_gap", f"It does not work equally well for every group: {_title(found[0])}{more}.")


def _unfinished(known: Known) -> Iterator[Reason]:
    for finding in known.open:
        if finding.kind in UNFINISHED and finding.severity != "note":
            yield Reason("not yet", "unfinished", f"The training was not done well enough yet: {_title(finding)}.")


def _not_confirmed(known: Known) -> Iterator[Reason]:
    if known.scores and known.scores.on == "valid" and known.primary:
        yield Reason(
            "not yet", "not_confirmed", "It was scored on validation rows, which also chose the weights: the test is still to come."
        )


def _no_model(known: Known) -> Iterator[Reason]:
    done = [stage.name for stage in known.run.stages if stage.state in ("done", "reused")]
    if known.run.status == "partial" and done and "train" not in done:
        loud = sum(f.severity != "note" for f in known.open)
        found = f"{words.count(loud, 'finding')} to look at first" if loud else "nothing stands against the data so far"
        yield Reason("not yet", "no_model", f"No model was trained yet: the run ends with {done[-1]}; {found}.")


def _nothing_scored(known: Known) -> Iterator[Reason]:
    primary = known.primary
    if primary is not None and primary.value is not None:
        return
    if known.run.status == "failed":
        yield Reason("cannot tell", "failed", f"The run failed before the model was scored{_because(known.run.error)}.")
    elif known.run.status in UNDONE:
        yield Reason("cannot tell", "running", f"The run is {_undone(known.run.status)}; the model is not scored yet.")
    elif primary is not None:
        yield Reason("cannot tell", "not_scored", f"The {words.metric(primary.name)} could not be measured: {words.absent(primary)}.")
    else:
        yield Reason("cannot tell", "not_scored", "The model was not scored.")


def _gates_undecided(known: Known) -> Iterator[Reason]:
    for gate in known.scores.gates if known.scores else ():
        if gate.answer == "undecided":
            more = f"; about {words.count(gate.rows_needed, 'row')} would tell" if gate.rows_needed else ""
            yield Reason("cannot tell", "gate_undecided", f"The bar {bar(gate.gate)} lies inside the interval{more}.")


def _verdict_open(known: Known) -> Iterator[Reason]:
    for other, verdict in primary_verdicts(known.scores):
        if verdict.answer == "cannot_tell":
            yield Reason("cannot tell", "verdict_open", f"Too few rows to tell it from {words.system(other)}{_lacking(known, verdict)}.")


def _lacking(known: Known, verdict: Verdict) -> str:
    """How many rows would tell; where rows as such are not what is lacking, of which class there are too few."""
    needed = words.rows_needed(verdict)
    if needed:
        return f"; about {words.count(needed, 'row')} would tell"
    held = {name: n for name, n in known.supports.items() if n}
    gap = verdict.difference.value if verdict.difference else None
    if not gap or not held or min(held.values()) >= SCARCE:
        return ""
    rare, n = min(held.items(), key=lambda pair: (pair[1], pair[0]))
    return f": only {words.count(n, 'row')} of the class “{label(rare, 40)}”"


def _spent(known: Known) -> Iterator[Reason]:
    if known.scores and known.scores.ledger.state == "spent":
        scored = known.scores.ledger.models_scored
        many = f" ({words.count(scored, 'model')} so far)" if scored else ""
        yield Reason("cannot tell", "test_spent", f"The test rows have judged too many models to be believed{many}.")


def _nothing_to_compare(known: Known) -> Iterator[Reason]:
    if known.scores and known.primary and not known.scores.gates and not primary_verdicts(known.scores):
        yield Reason("cannot tell", "nothing_to_compare", "Neither a baseline nor a bar was there to compare it with.")


RULES: tuple[Callable[[Known], Iterator[Reason]], ...] = (
    _broken, _gates_missed, _worse,
    _stopped, _errors, _no_better, _group_gap, _unfinished, _not_confirmed, _no_model,
    _nothing_scored, _gates_undecided, _verdict_open, _spent, _nothing_to_compare,
)  # fmt: skip
"""In the order of the module's docstring."""


def _yes(known: Known) -> Iterator[Reason]:
    others = [words.system(other) for other, _ in primary_verdicts(known.scores)]
    gates = known.scores.gates if known.scores else []
    folded = known.scores is not None and known.scores.on == "folds"
    unseen = ", each answered by a model that had not learned from it" if folded else " that it never saw"
    rows = f" on {known.primary.n:,} rows{unseen}" if known.primary else ""
    met = f"it meets the {words.count(len(gates), 'bar')} set beforehand" if len(gates) > 1 else "it meets the bar set beforehand"
    if not others:
        yield Reason("yes", "bar_met", f"{met[0].upper()}{met[1:]}{rows}.")
        return
    beaten = f"It is better than {words.listing(others)}{rows}"
    yield Reason("yes", "better", f"{beaten}, and {met}." if gates else f"{beaten}.")


def bar(gate: str) -> str:
    """`macro_f1 >= 0.8` -> `macro F1 ≥ 80%`; a bar on what is no share as it was written."""
    parts = gate.split()
    if len(parts) != 3:
        return readable(gate)
    key, operator, value = parts
    sign = {">=": "≥", "<=": "≤"}.get(operator, operator)
    try:
        height = float(value)
    except ValueError:
        return readable(gate)
    return f"{words.metric(key)} {sign} {height * 100:g}%" if _is_share(key) else f"{words.metric(key)} {sign} {height:g}"


def gate_score(gate: Mapping[str, Any]) -> str:
    """What was measured for a gate (a dict of `GateFacts`): `84.2% [81.5, 86.7]`."""
    unit = "share" if _is_share(gate["gate"].split()[0]) else "ratio"
    return f"{words.number(gate['value'], unit)} {words.interval(gate['low'], gate['high'], unit)}".rstrip()


def _is_share(key: str) -> bool:
    return key not in NO_SHARES


def _title(finding: Finding) -> str:
    return f"{_sentence(finding.title)} ({finding.code})"


def _sentence(text: str | None) -> str:
    return readable(text or "", 600).rstrip(".")


def _because(error: str | None) -> str:
    return f": {_sentence(error)}" if error else ""


def _undone(status: str) -> str:
    return {"running": "still going on", "interrupted": "interrupted, and can be resumed", "partial": "only done in part"}[status]
