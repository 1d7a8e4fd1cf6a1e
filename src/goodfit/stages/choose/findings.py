"""What choose found, as findings: of the model that is taken, and of the candidates beside it. Part of choose.

CHO001 unknown tokens    CHO002 words cut into many tokens    CHO003 rows beyond the context    CHO004 languages it was not made for
CHO005 a candidate fits better than the named model           CHO006 a tie                      CHO007 accents dropped
CHO008 nothing tells the labels better than the commonest class                                 CHO009 memory      CHO010 licence
CHO011 (base_loss.py) answers that the base model predicts almost whole, or finds far harder than the others
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from goodfit.finding import Finding
from goodfit.monitor.words import size
from goodfit.score import Score
from goodfit.stages.choose.base_loss import base_loss
from goodfit.stages.choose.candidates import memory_limit
from goodfit.stages.choose.outcome import Asked, Outcome
from goodfit.statistics import score

UNKNOWN = 0.01
"""Share of tokens unknown to the model from which it is a warning."""
MANY, TIMES = 3.0, 1.5
"""Tokens per word, and times those of the best candidate, from which it is a note."""
BEYOND = 0.05
"""Share of rows longer than the context from which it is a warning."""
DROPPED, MARKED = 0.5, 0.02
"""Share of the accents that are dropped, and accents per word, from which it is a warning."""
FEW = 50
"""Rows of a language below which nothing is said of it."""

Look = Callable[[Outcome, Asked], Iterator[Finding]]


def findings_of(outcome: Outcome, asked: Asked) -> list[Finding]:
    """Every finding; what was not measured says so."""
    return [finding for look in LOOKS for finding in look(outcome, asked)]


def _unknown(outcome: Outcome, asked: Asked) -> Iterator[Finding]:
    for where, read in _languages(outcome):
        n = int(read["tokens"])
        k = round(read["unknown_tokens"] * n)
        if n and k / n >= UNKNOWN:
            yield _finding(
                "CHO001", "unknown_tokens", "warning", f"{k / n:.1%} of the tokens of {where} are unknown to {outcome.name}",
                "What the vocabulary does not have becomes one and the same unknown token: the model cannot see what stands there.",
                fix=_other(outcome, "unknown_tokens"), evidence=(_rate("unknown_rate", k, n),),
            )  # fmt: skip


def _pieces(outcome: Outcome, asked: Asked) -> Iterator[Finding]:
    reads = _reads(outcome)
    mine = reads.get(outcome.place)
    if mine is None or len(reads) < 2:
        return
    least = min(reads, key=lambda place: float(reads[place]["tokens_per_word"]))
    ours, best = float(mine["tokens_per_word"]), float(reads[least]["tokens_per_word"])
    if ours >= MANY and ours >= TIMES * best:
        yield _finding(
            "CHO002", "many_tokens", "note",
            f"{outcome.name} cuts a word into {ours:.1f} tokens, {outcome.label(least)} into {best:.1f}",
            "Rows become longer, training slower, and words are spelled, not read: a sign of a language it was not made for.",
            fix=f"look at {outcome.label(least)} in choose/candidates.json",
            evidence=(
                Score(name="tokens_per_word", value=ours, n=int(mine["rows"]), unit="ratio", higher_is_better=False, method="counted"),
            ),
        )  # fmt: skip


def _beyond(outcome: Outcome, asked: Asked) -> Iterator[Finding]:
    mine = _reads(outcome).get(outcome.place)
    if mine is None or not mine["rows"] or outcome.chosen.max_length is None:
        return
    k, n = int(mine["rows_beyond_context"]), int(mine["rows"])
    longer = [outcome.label(i) for i, read in _reads(outcome).items() if int(read["rows_beyond_context"]) < k / 2]
    if k / n >= BEYOND:
        yield _finding(
            "CHO003", "context", "warning",
            f"{k / n:.1%} of the rows are longer than the {outcome.chosen.max_length} tokens of {outcome.name}",
            "What stands beyond the context is never read, in training and afterwards.",
            fix=f"choose a model that reads longer texts{': ' + ', '.join(longer) if longer else ''}",
            evidence=(_rate("beyond_rate", k, n),),
        )  # fmt: skip


def _foreign(outcome: Outcome, asked: Asked) -> Iterator[Finding]:
    known = outcome.candidates[outcome.place].entry
    spoken = _codes(outcome)
    if known is None or not spoken:
        return
    missing = {code: n for code, n in spoken.items() if code not in known.languages}
    if missing:
        names = ", ".join(f"{code} ({n:,} rows)" for code, n in missing.items())
        total = sum(spoken.values())
        yield _finding(
            "CHO004", "languages", "note",
            f"the data has {len(spoken)} languages; {outcome.name} was not made for {', '.join(missing)}",
            f"Its page ({known.source}) names {', '.join(known.languages[:8])}{' …' if len(known.languages) > 8 else ''}; not {names}.",
            fix="compare it with a multilingual model: choose.candidates", evidence=(_rate("foreign_rate", sum(missing.values()), total),),
        )  # fmt: skip


def _better(outcome: Outcome, asked: Asked) -> Iterator[Finding]:
    if not asked.named or outcome.first is None or outcome.first == outcome.place:
        return
    mine, first, name = outcome.name, outcome.label(outcome.first), outcome.candidates[outcome.first].name
    verdict = next((v for v in outcome.verdicts if v.question.startswith(f"{first} vs {mine} ") and v.answer == "better"), None)
    if verdict is not None:
        yield _finding(
            "CHO005", "better_candidate", "warning", f"{first} fits these rows better than {mine}: {verdict.text}",
            "Both were measured on the same training rows. The recipe names the model, so it stays.",
            fix=f"choose.model_name_or_path={name}, or auto", evidence=(verdict.difference,) if verdict.difference else (),
        ).model_copy(update={"verdict": verdict})  # fmt: skip


def _tie(outcome: Outcome, asked: Asked) -> Iterator[Finding]:
    if len(outcome.tied) > 1 and not asked.named:
        names = [outcome.label(i) for i in outcome.tied]
        chances = [facts.chance for i in outcome.tied if (facts := outcome.facts.get(i)) is not None]
        said = ", ".join(f"{name} {chance:.0%}" for name, chance in zip(names, chances, strict=False) if chance is not None)
        yield _finding(
            "CHO006", "tie", "note", f"{len(names)} candidates cannot be told apart on these rows: {', '.join(names[:4])}",
            f"Chance of being the best after fine-tuning: {said}. The one that measured best is taken.",
            fix="choose.race=true trains them for a short while; or take the cheapest of them",
        )  # fmt: skip


def _accents(outcome: Outcome, asked: Asked) -> Iterator[Finding]:
    for where, read in _languages(outcome):
        share = read.get("marks_dropped")
        if share is not None and share >= DROPPED and read["marks"] >= MARKED * read["words"]:
            yield _finding(
                "CHO007", "accents", "warning", f"{outcome.name} drops {share:.0%} of the accents of {where}",
                "Its tokenizer takes accents and tone marks off before it looks; words that differ by nothing else become the same.",
                fix=_other(outcome, "marks_dropped"), evidence=(_rate("marks_dropped", round(share * read["marks"]), read["marks"]),),
            )  # fmt: skip


def _nothing(outcome: Outcome, asked: Asked) -> Iterator[Finding]:
    probes = [score for facts in outcome.facts.values() for score in facts.scores if score.system and score.system.endswith("linear probe")]
    counts = np.array([sides.get("train", 0) for sides in asked.splits.label_counts().values()])
    if not probes or asked.splits.multi_label or not counts.sum():
        return
    share = counts.max() / counts.sum()
    commonest = 2 * share / (1 + share) / max(1, int((counts > 0).sum()))
    best = max(probes, key=lambda one: one.value or 0.0)
    if best.high is not None and best.high <= commonest + 0.02:
        yield _finding(
            "CHO008", "no_signal", "warning", "no candidate tells the labels better than always the commonest class",
            f"The best probe reaches {best.value:.1%}, the commonest class {commonest:.1%} (macro-F1). Either the texts do not say the "
            "labels, or the labels are wrong, or it takes far more than a linear look.",
            fix="read some rows with their labels (goodfit audit); look whether the right columns are named", evidence=(best,),
        )  # fmt: skip


def _memory(outcome: Outcome, asked: Asked) -> Iterator[Finding]:
    one, limit = outcome.candidates[outcome.place], memory_limit(asked.recipe.choose)
    if one.memory is not None and limit is not None and one.memory > limit:
        yield _finding(
            "CHO009", "memory", "warning", f"training {outcome.name} takes about {size(one.memory)} of memory; there are {size(limit)}",
            "Weights, gradients, two moments and what a pass of 4,096 tokens keeps.", fix="peft.method=lora, or a smaller model",
            evidence=(Score(name="memory", value=float(one.memory), n=1, unit="bytes", higher_is_better=False, method="estimate"),),
        )  # fmt: skip


def _license(outcome: Outcome, asked: Asked) -> Iterator[Finding]:
    if outcome.chosen.license is None and outcome.chosen.kind in ("hub", "package"):
        yield _finding(
            "CHO010", "license", "note", f"the licence of {outcome.name} is not known",
            "Neither its card nor the package that ships it says under which terms it may be used.", fix="look at the page it came from",
        )  # fmt: skip


LOOKS: tuple[Look, ...] = (_unknown, _pieces, _beyond, _foreign, _better, _tie, _accents, _nothing, _memory, _license, base_loss)


def _finding(code: str, kind: str, severity: Any, title: str, detail: str, **more: Any) -> Finding:
    return Finding(code=code, stage="choose", kind=kind, severity=severity, title=title, detail=detail, **more)


def _reads(outcome: Outcome) -> dict[int, dict[str, Any]]:
    return {place: facts.reading for place, facts in outcome.facts.items() if facts.reading is not None}


def _languages(outcome: Outcome) -> Iterator[tuple[str, dict[str, Any]]]:
    """What the chosen model reads: all rows, or each language where there are several, those with enough rows."""
    mine = _reads(outcome).get(outcome.place)
    if mine is None:
        return
    parts = mine.get("languages") or {"these rows": mine}
    yield from ((name, read) for name, read in parts.items() if read["rows"] >= FEW)


def _codes(outcome: Outcome) -> dict[str, int]:
    """Languages of the rows that are given as ISO 639-1 codes, with their rows."""
    mine = _reads(outcome).get(outcome.place) or {}
    parts = {name.lower().split("-")[0].split("_")[0]: read["rows"] for name, read in (mine.get("languages") or {}).items()}
    return {name: rows for name, rows in parts.items() if len(name) == 2 and name.isalpha()}


def _other(outcome: Outcome, key: str) -> str:
    """The candidate that does better by this count, where one was measured."""
    reads = _reads(outcome)
    mine = reads[outcome.place].get(key) or 0.0
    better = [place for place, read in reads.items() if (read.get(key) or 0.0) < mine / 2]
    if better:
        return f"choose.model_name_or_path={outcome.candidates[better[0]].name} reads them better"
    return "choose a model that was made for this language: choose.candidates"


def _rate(name: str, k: int, n: int) -> Score:
    return score("rate", None, np.arange(n) < k).about(name=name, split="train", higher_is_better=False)
