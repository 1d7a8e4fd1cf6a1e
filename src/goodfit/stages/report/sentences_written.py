"""What only a model that writes has in the five sentences: where its answers end, what it copies and forgets, what people say of them.

Part of the report stage (`sentences` calls it).
"""

from __future__ import annotations

from collections.abc import Iterator

from goodfit.score import Score
from goodfit.stages.report import words
from goodfit.stages.report.results import of
from goodfit.stages.report.schema import Evidence, ScoreFacts
from goodfit.stages.report.schema_written import GenerationFacts, Preferred, ReviewFacts

UNSCORED = "Everything that needs a score is unknown: how well it writes, what it copies and forgets, for whom it works worse."
STOPS = 0.95
"""Share of answers that a model should end itself."""
CHOICES = ("choice_accuracy", "choice_accuracy_norm", "choice_accuracy_token")
RIGHT = (*CHOICES, "exact_match", "numeric_match", "regex_match", "json_valid", "tool_call_match")
"""Scores that say whether an answer is right, not how like the reference it is."""
LOSSES = ("token_loss", "perplexity", "bits_per_byte")

Part = tuple[str, Evidence | None]


def whose(metric: str) -> str:
    """`the chrF of its answers`, `its loss per token`."""
    name = words.metric(metric)
    if metric in CHOICES:
        return f"its share of the {name}"
    return f"its {name}" if metric in LOSSES else f"the {name} of its answers"


def limits(scores: ScoreFacts | None, written: GenerationFacts, review: ReviewFacts | None) -> Iterator[Part]:
    """What is wrong with the answers, and what was not asked of them, worst first."""
    yield from _stops(of(scores, "self_stop_rate"), written)
    yield from _copies(of(scores, "memorised_rate"))
    yield from _forgets(written)
    if scores is not None and scores.primary not in RIGHT:
        yield "whether what it writes is true was not measured, only how like the references it is", None
    if review is None:
        yield "no person has judged its answers yet (goodfit review)", None


def _stops(rate: Score | None, written: GenerationFacts) -> Iterator[Part]:
    if rate is not None and rate.value is not None and rate.value < STOPS:
        limit = f" at {written.max_new_tokens:,} tokens" if written.max_new_tokens else ""
        yield f"it ends {words.score(rate)} of its answers itself, and the rest are cut off{limit}", _evidence(rate)


def _copies(rate: Score | None) -> Iterator[Part]:
    if rate is not None and rate.value:
        yield f"{words.score(rate)} of its answers hold eight words or more in a row of a training answer", _evidence(rate)


def _forgets(written: GenerationFacts) -> Iterator[Part]:
    if not written.forgetting:
        yield "what it has forgotten was not measured (evaluate.retain)", None
    for one in written.forgetting:
        if one.verdict is not None and one.verdict.answer == "worse" and one.verdict.difference is not None:
            gap = words.difference(words.size_of(one.verdict.difference), sign=False)
            yield (
                f"it has become worse at texts that it should still know, by {gap} bits per byte",
                Evidence(kind="verdict", text=f"retained texts: bits per byte {words.score(one.model)}", ref="scores"),
            )
            return


def _evidence(score: Score) -> Evidence:
    return Evidence(kind="score", text=f"{words.metric(score.name)} {words.score(score)}", ref="scores")


def preferred(review: ReviewFacts | None) -> list[Evidence]:
    """What people prefer, for the first sentence."""
    return [
        Evidence(kind="verdict", text=_liked(pair), ref="reviews")
        for pair in (review.pairs if review else [])[:2]
        if pair.win_share.value is not None
    ]


def _liked(pair: Preferred) -> str:
    answer = words.preference(pair.verdict.answer) if pair.verdict else ""
    return f"people, against {words.system(pair.other, short=True)}: {answer} {words.score(pair.win_share)}"


def left_out(written: GenerationFacts) -> str:
    """`; 3 rows of training and validation were left out (2 too long, 1 with nothing to learn)`, or an empty string."""
    dropped = written.prepared.dropped if written.prepared else {}
    n = sum(dropped.values())
    if not n:
        return ""
    return f"; {words.count(n, 'row')} of training and validation {'was' if n == 1 else 'were'} left out ({words.left_out(dropped)})"
