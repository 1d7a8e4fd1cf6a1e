"""What the scores of a language model say about it: the findings of evaluate for generation. Docs: docs/findings/EVA001.md to EVA017.md.

Part of evaluate; EVA018 stands in `language_leaked.py`. Every question is asked every time, as in `findings.py`; those that only
classes have say that they do not apply.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from goodfit.finding import Finding
from goodfit.monitor.words import count, metric, part
from goodfit.score import Gate
from goodfit.stages.evaluate.language_scoring import IN_TEMPLATE, RETAINED, SELF_STOP, Kept, LanguageScored
from goodfit.stages.evaluate.questions import (
    VERY_WIDE,
    WIDE,
    baselines,
    finding,
    gates,
    interval,
    reused,
    truncated,
    why_absent,
)  # fmt: skip
from goodfit.stages.evaluate.scoring import MODEL

STOPS = ">= 0.95"
"""Share of answers that a model should end itself."""
FORGETS, FORGETS_MUCH = 0.02, 0.05
"""Relative loss of bits per byte on retained texts."""
ALIKE = 1e-6
"""Relative difference of logits below which they are the same."""
MANY_UNSCORED = 0.01
"""Share of the rows that are not scored from which it is a warning."""
ANSWERS = "the answers are open: there are no classes"
WRITES_NOT = "plain text has no answers to write"


@dataclass(frozen=True)
class Seen:
    """What was seen beside the scores."""

    cut: int
    """Rows that were longer than the model reads."""
    rows: int
    unscored: int
    """Rows that the template refuses, or of which nothing is learned."""
    effect: float | None
    """Largest relative difference of the logits of model and base; None where the base model was not asked."""
    kept: Kept
    parity: Mapping[str, Any] | None
    """parity.json; None where there were no validation rows to ask."""
    new_tokens: int


def language_findings(scored: LanguageScored, seen: Seen) -> list[Finding]:
    """All answers, in the order of their codes."""
    return [
        *baselines(scored), *_collapsed(scored), _of_classes("EVA003", "weak_class", scored),
        _of_classes("EVA004", "overconfident", scored),
        _enough_rows(scored), _of_classes("EVA006", "few_rows", scored), *gates(scored), _of_classes("EVA008", "unknown_label", scored),
        *reused(scored), truncated(scored, seen.cut, seen.rows), _no_effect(scored, seen), _never_stops(scored, seen), _memorising(scored),
        *_forgetting(scored, seen.kept), *_degenerate(scored), _parity(scored, seen.parity),
        _unscored(scored, seen),
    ]  # fmt: skip


def _of_classes(code: str, kind: str, scored: LanguageScored) -> Finding:
    return finding(code, kind, "a question about classes", scored, state="not_applicable", reason=ANSWERS)


def _collapsed(scored: LanguageScored) -> Iterator[Finding]:
    """EVA002: error where the model writes the same to every row although the rows have several answers."""
    code, kind, wrote = "EVA002", "collapsed", scored.heard[MODEL].wrote
    if wrote is None or wrote.n < 2 or len(set(wrote.references or ())) < 2:
        reason = WRITES_NOT if wrote is None else "the rows all have the same answer"
        yield finding(code, kind, "whether the model gives one answer only was not asked", scored, state="not_applicable", reason=reason)
    elif len(set(wrote.said)) == 1:
        yield finding(
            code, kind, f"the model writes {wrote.said[0][:80]!r} to every row", scored, severity="error", n_rows=wrote.n,
            detail="It has learned nothing of what is asked.", fix="look at the training curves and the masks (goodfit show RUN prepare)",
        )  # fmt: skip
    else:
        yield finding(code, kind, "the model gives different answers to different rows", scored, state="passed")


def _enough_rows(scored: LanguageScored) -> Finding:
    """EVA005: note where the primary score is known to no better than 5 points, warning from 10 or where it is not scored."""
    code, kind, top = "EVA005", "few_rows", scored.headline
    more = "answer more rows: evaluate.rows, or a larger split"
    if top.value is None:
        title = f"{metric(top.name)} is not scored: {why_absent(top, scored)}"
        return finding(code, kind, title, scored, severity="warning", n_rows=top.n, fix=more)
    if top.unit != "share" or top.low is None or top.high is None:
        reason = f"{metric(top.name)} has no interval between 0 and 1"
        return finding(code, kind, "whether the rows are enough was not asked", scored, state="not_applicable", reason=reason)
    half, rows = (top.high - top.low) / 2, f"{count(top.n, 'row')} {'gives' if top.n == 1 else 'give'} {metric(top.name)}"
    if half <= WIDE:
        return finding(code, kind, f"{rows} to within {100 * half:.1f} points", scored, state="passed", evidence=(top,))
    return finding(
        code, kind, f"{rows} only to within {100 * half:.1f} points", scored, evidence=(top,), n_rows=top.n, fix=more,
        severity="warning" if half > VERY_WIDE else "note",
    )  # fmt: skip


def _no_effect(scored: LanguageScored, seen: Seen) -> Finding:
    """EVA011: error where model and base say the same: the scores are of a model that was never trained, or not loaded."""
    code, kind = "EVA011", "no_effect"
    if seen.effect is None:
        reason = "the base model was not asked: evaluate.baselines leaves it out"
        return finding(code, kind, "whether the training changed the model was not asked", scored, state="not_applicable", reason=reason)
    if seen.effect > ALIKE:
        return finding(code, kind, f"the training changed what the model says (logits by up to {seen.effect:.2g} of the largest)", scored,
                       state="passed")  # fmt: skip
    return finding(
        code, kind, "the trained model says exactly what the base model says", scored, severity="error",
        detail="Not one logit differs on the prompts looked at: the adapter or the weights were not trained, not saved or not loaded.",
        fix="look at the rate, at what is frozen, and at the target modules of the adapter; train again",
    )  # fmt: skip


def _never_stops(scored: LanguageScored, seen: Seen) -> Finding:
    """EVA012: error where less than 95% of the answers end by themselves for certain, warning where it cannot be told and looks so."""
    code, kind, top = "EVA012", "never_stops", scored.of(SELF_STOP)
    if top is None or top.value is None:
        reason = WRITES_NOT if top is None else top.why_absent or ""
        return finding(code, kind, "whether the model ends its answers was not asked", scored, state="not_applicable", reason=reason)
    gate = Gate.parse(SELF_STOP, STOPS)
    answer, said = gate.judge(top)["answer"], f"the model ends {interval(top)} of its answers itself"
    if answer == "met" or (answer == "undecided" and top.value >= gate.bar):
        return finding(code, kind, said, scored, state="passed", evidence=(top,))
    return finding(
        code, kind, f"{said}, and {100 * gate.bar:.0f}% are wanted", scored, severity="error" if answer == "missed" else "warning",
        evidence=(top,), n_rows=round((1 - top.value) * top.n),
        detail=f"The others were cut at {count(seen.new_tokens, 'token')} (evaluate.max_new_tokens).",
        fix="see that the end token is learned (goodfit show RUN prepare marks it), train longer, or allow longer answers",
    )  # fmt: skip


def _memorising(scored: LanguageScored) -> Finding:
    """EVA013: warning where more answers hold runs of training answers than the rows' own answers do."""
    name = "memorised_rate"
    code, kind, top, verdict = "EVA013", "memorising", scored.of(name), scored.against_references(name)
    if top is None or top.value is None or verdict is None:
        return finding(code, kind, "copies of training answers were not looked for", scored, state="not_applicable",
                       reason=WRITES_NOT if scored.heard[MODEL].wrote is None else f"{name} was not asked for")  # fmt: skip
    if verdict.answer == "worse":
        return finding(
            code, kind, f"{interval(top)} of the answers hold eight words or more of a training answer in a row", scored,
            severity="warning", verdict=verdict, evidence=(top,), n_rows=round(top.value * top.n),
            detail=f"More than the rows' own answers do: {verdict.text}.",
            fix="train fewer epochs or at a lower rate, drop repeated answers (split.duplicates: drop), or set train.neftune_noise_alpha",
        )  # fmt: skip
    if verdict.answer == "cannot_tell" and verdict.difference is not None and verdict.difference.value is None:
        return finding(code, kind, "copies of training answers cannot be judged", scored, state="not_applicable", reason=verdict.text)
    return finding(code, kind, f"no more runs of training answers than in the rows' own answers: {interval(top)}", scored, state="passed",
                   evidence=(top,), verdict=verdict)  # fmt: skip


def _forgetting(scored: LanguageScored, kept: Kept) -> Iterator[Finding]:
    """EVA014: note where retained texts cost 2% more bits for certain, warning from 5%."""
    code, kind = "EVA014", "forgetting"
    if kept.why_not is not None:
        yield finding(code, kind, "what the model forgot was not measured", scored, state="not_applicable", reason=kept.why_not)
    for where, verdict in kept.verdicts.items():
        base, difference = kept.before[where], verdict.difference
        said = {RETAINED: "retained texts", IN_TEMPLATE: "retained texts inside the chat template"}[where]
        if base.value is None or difference is None or difference.value is None or difference.low is None or difference.high is None:
            yield finding(code, kind, f"{said} cannot be judged", scored, state="not_applicable", reason=verdict.text)
            continue
        least, most = difference.low / base.value, difference.high / base.value
        title = f"{said} cost {100 * difference.value / base.value:+.1f}% bits per byte [{100 * least:+.1f}, {100 * most:+.1f}]"
        facts: dict[str, Any] = {"verdict": verdict, "evidence": (base, kept.after[where])}
        if least < FORGETS:
            yield finding(code, kind, title, scored, state="passed", **facts)
            continue
        yield finding(
            code, kind, title, scored, severity="warning" if least >= FORGETS_MUCH else "note", **facts,
            detail=f"The model has become worse at {count(kept.documents, 'text')} that it should still know.",
            fix="an adapter (peft.method: lora), a lower rate, fewer epochs, or general data among the training rows",
        )  # fmt: skip


def _degenerate(scored: LanguageScored) -> Iterator[Finding]:
    """EVA015: warning where loops, or empty answers, are more frequent than among the rows' own answers."""
    code, kind = "EVA015", "degenerate"
    for name, what in (("repetition_rate", "loop"), ("empty_rate", "are empty")):
        top, verdict = scored.of(name), scored.against_references(name)
        if top is None or top.value is None or verdict is None:
            reason = WRITES_NOT if scored.heard[MODEL].wrote is None else f"{name} was not asked for"
            yield finding(code, kind, f"answers that {what} were not looked for", scored, state="not_applicable", reason=reason)
        elif verdict.answer == "worse":
            yield finding(
                code, kind, f"{interval(top)} of the answers {what}", scored, severity="warning", verdict=verdict, evidence=(top,),
                n_rows=round(top.value * top.n), detail=f"The rows' own answers do so less: {verdict.text}.",
                fix="read evaluate/samples.jsonl; train longer or at a lower rate, and see that the end token is learned",
            )  # fmt: skip
        elif verdict.difference is not None and verdict.difference.value is None:
            yield finding(code, kind, f"answers that {what} cannot be judged", scored, state="not_applicable", reason=verdict.text)
        else:
            yield finding(code, kind, f"{interval(top)} of the answers {what}: no more than the rows' own", scored, state="passed",
                          verdict=verdict, evidence=(top,))  # fmt: skip


def _parity(scored: LanguageScored, document: Mapping[str, Any] | None) -> Finding:
    """EVA016: error where plain transformers reads other tokens, or cannot load the folder; warning where it writes others."""
    code, kind = "EVA016", "parity"
    if document is None:
        return finding(
            code,
            kind,
            "plain transformers was not asked",
            scored,
            state="not_applicable",
            reason="no validation row has room for an answer",
        )
    n = document["prompts"]
    if document["failed"] is not None:
        return finding(code, kind, "plain transformers cannot use the saved folder", scored, severity="error", detail=document["failed"],
                       fix="evaluate/parity.json has what it said; save the model again")  # fmt: skip
    if document["equal"]:
        return finding(code, kind, f"plain transformers reads and writes the same on {count(n, 'prompt')}", scored, state="passed")
    if document["prompts_equal"] < n:
        return finding(
            code, kind, f"{part(n - document['prompts_equal'], n, 'prompt', ('has', 'have'))} other tokens in plain transformers", scored,
            severity="error", detail="Served from the saved folder the model is asked otherwise than it was trained and scored.",
            fix="evaluate/parity.json names the rows; give the template as task.chat_template, so that it is saved",
        )  # fmt: skip
    return finding(
        code, kind, f"{part(n - document['answers_equal'], n, 'answer', ('is', 'are'))} another one in plain transformers", scored,
        severity="warning", detail="The prompts are the same; near ties of two tokens, or an end token that only one of the two knows.",
        fix="evaluate/parity.json says where they part; see generation_config.json beside the weights",
    )  # fmt: skip


def _unscored(scored: LanguageScored, seen: Seen) -> Finding:
    """EVA017: note where rows of the split have no score, warning from 1%."""
    code, kind = "EVA017", "not_scored"
    if not seen.unscored:
        return finding(code, kind, "every row is scored", scored, state="passed")
    return finding(
        code, kind, f"{part(seen.unscored, seen.rows, 'row', ('is', 'are'))} not scored", scored, n_rows=seen.unscored,
        severity="warning" if seen.unscored >= MANY_UNSCORED * seen.rows else "note",
        detail="The chat template refuses them, or nothing of them is to be learned. The scores are those of the others.",
        fix="correct the roles of these rows, or name another task.chat_template (PRE005 and PRE002 quote training rows of the kind)",
    )  # fmt: skip
