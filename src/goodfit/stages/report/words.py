"""Numbers and names as people read them: 84.2% [81.5, 86.7], macro F1, 4.1 points, 1,234 rows, 6 min 42 s.

Part of the report stage; used by the sentences, the charts, the page and the model card, so that a number looks the same
everywhere. A share is shown in percent, the difference of two shares in points.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from goodfit.monitor.words import count, decision, duration, metric, part, size, system, too_few
from goodfit.score import Score, Verdict
from goodfit.stages.report.text import label
from goodfit.stages.report.text import name as readable

__all__ = [
    "absent", "answer", "count", "cut_rows", "day", "decision", "difference", "duration", "evidence", "full_stop", "interval",
    "intervals", "left_out", "listing", "means", "metric", "named", "number", "part", "preference", "rating", "reasons",
    "rows_needed", "score", "sentence", "sides", "size", "size_of", "split", "system", "upper", "whose",
]  # fmt: skip

MINUS = "\u2212"

SPLITS = {"train": "training", "valid": "validation", "test": "test", "folds": "out-of-fold", "train_probe": "training sample"}
ANSWERS = {
    "better": "better",
    "worse": "worse",
    "no_difference": "no difference that matters",
    "cannot_tell": "cannot tell",
    "met": "met",
    "missed": "missed",
    "undecided": "undecided",
}
MEANS = {
    "choice_accuracy": "of several answers, the right one is the likeliest",
    "choice_accuracy_norm": "likeliest for its length in characters",
    "choice_accuracy_token": "likeliest for its length in tokens",
    "chrf": "runs of characters shared with the reference",
    "rouge_l": "words shared with the reference, in order",
    "exact_match": "equal to the reference, but for case and punctuation",
    "numeric_match": "whose last number is the reference's",
    "regex_match": "in which the pattern stands",
    "json_valid": "that are JSON",
    "tool_call_match": "with the right call",
    "self_stop_rate": "answers it ended itself, before the limit",
    "empty_rate": "that say nothing",
    "repetition_rate": "that repeat themselves",
    "refusal_rate": "that read like a refusal",
    "memorised_rate": "with eight words in a row of a training answer",
    "distinct_1": "of all words",
    "distinct_2": "of all pairs of words",
    "token_loss": "nats a token of the reference costs; less is better",
    "perplexity": "exp of the loss per token; less is better",
    "bits_per_byte": "of the reference, whatever the tokenizer; less is better",
}
"""What a score of written text counts, in a few words."""
DROPPED = {"zero_targets": "with nothing to learn", "too_long": "too long", "refused_by_template": "refused by the chat template"}
_QUESTION = re.compile(r"^(?P<one>.+?) vs (?P<other>.+?) on (?P<metric>\S+)$", re.DOTALL)


def split(key: str) -> str:
    """`valid` -> `validation`."""
    return SPLITS.get(key, readable(key))


def answer(key: str) -> str:
    """`cannot_tell` -> `cannot tell`."""
    return ANSWERS.get(key, readable(key.replace("_", " ")))


def sides(question: str) -> tuple[str, str, str] | None:
    """`model vs tfidf on macro_f1` -> (`model`, `tfidf`, `macro_f1`); None for another kind of question."""
    match = _QUESTION.match(question)
    return (match["one"], match["other"], match["metric"]) if match else None


def number(value: float, unit: str = "share", *, sign: bool = False) -> str:
    """One number with its unit: `84.2%`, `0.312`, `1,234`; a true minus."""
    plus = "+" if sign and value else ""
    if unit == "share":
        text = f"{value * 100:{plus}.1f}%"
    elif unit in ("count", "bytes"):
        text = f"{value:{plus},.{0 if float(value).is_integer() or abs(value) >= 1000 else 1}f}"
    elif unit == "seconds":
        text = duration(value)
    elif unit == "points":
        text = f"{value:{plus}.1f} points"
    else:
        text = f"{value:{plus}.3f}"
    return text.replace("-", MINUS)


def _bare(value: float, unit: str) -> str:
    return number(value, unit).removesuffix("%").removesuffix(" points")


def interval(low: float | None, high: float | None, unit: str = "share") -> str:
    """`[81.5, 86.7]`, or an empty string where there is no interval."""
    if low is None or high is None:
        return ""
    return f"[{_bare(low, unit)}, {_bare(high, unit)}]"


def score(score: Score) -> str:
    """`84.2% [81.5, 86.7]`, `84.2% (no interval)`, or why there is no number."""
    if score.value is None:
        return f"not scored: {absent(score)}"
    ends = interval(score.low, score.high, score.unit) or ("" if score.unit in ("count", "bytes", "seconds") else "(no interval)")
    return f"{number(score.value, score.unit)} {ends}".rstrip()


def absent(score: Score) -> str:
    """Why a score has no value: `5 test rows; at least 20 are needed`."""
    return readable(too_few(score.why_absent, score.n, f"{split(score.split)} row" if score.split else "row"))


def whose(score: Score) -> str:
    """What was measured, and whose it is: `macro F1`, `TF-IDF: macro F1`, `F1 of “refund”`."""
    who = f"{system(score.system, short=True)}: " if score.system else ""
    return f"{who}{named(score.name, score.label)}"


def evidence(score_: Score) -> str:
    """A score as a finding shows it: `TF-IDF: macro F1 84.2% [81.5, 86.7]`."""
    return f"{whose(score_)} {score(score_)}"


def named(key: str, of: str | None) -> str:
    """`macro F1`, or `recall of “spam”` for a score of one class."""
    return metric(key) if of is None else f"{metric(key)} of “{label(of, 40)}”"


def intervals(scores: Sequence[Score]) -> str:
    """What the intervals of a table mean, and what a number without one does."""
    given = [s for s in scores if s.value is not None]
    held = [s for s in given if s.low is not None and s.high is not None]
    if not held:
        return "These rows are too few for an interval: a number tells how they went, not how others will go."
    meant = "An interval holds the true value in about 95 of 100 such measurements"
    return f"{meant}." if len(held) == len(given) else f"{meant}; a number without one tells of these rows only."


def means(key: str) -> str:
    """What a score of written text counts; an empty string for other scores."""
    return MEANS.get(key, "")


def preference(key: str) -> str:
    """What people prefer: `better` -> `preferred`."""
    return {"better": "preferred", "worse": "the other is preferred"}.get(key, answer(key))


def rating(score: Score) -> str:
    """A mean of 1 to 5: `4.2 [3.9, 4.4]`."""
    if score.value is None:
        return f"not rated: {absent(score)}"
    return f"{score.value:.1f} {'' if score.low is None or score.high is None else f'[{score.low:.1f}, {score.high:.1f}]'}".rstrip()


def left_out(dropped: Mapping[str, int]) -> str:
    """`{"zero_targets": 2, "too_long": 1}` -> `2 with nothing to learn, 1 too long`."""
    return reasons({DROPPED.get(why, why): n for why, n in dropped.items()})


def upper(text: str) -> str:
    """The text with a capital, unless its first word is a name that has one inside: `Loss per token`, `chrF`."""
    first = text.split(" ", 1)[0]
    return text[:1].upper() + text[1:] if first == first.lower() else text


def rows_needed(verdict: Verdict) -> int | None:
    """Rows that would settle a comparison, where that is more than there were: fewer cannot be what is lacking."""
    n = verdict.difference.n if verdict.difference else 0
    return verdict.rows_needed if verdict.rows_needed and verdict.rows_needed > n else None


def difference(score: Score, *, sign: bool = True) -> str:
    """The difference of two scores: shares in points, `+4.1 points [2.2, 6.0]`."""
    if score.value is None:
        return f"not measured: {absent(score)}"
    scale, unit = (100.0, "points") if score.unit == "share" else (1.0, score.unit)
    low, high = (None if x is None else x * scale for x in (score.low, score.high))
    return f"{number(score.value * scale, unit, sign=sign)} {interval(low, high, unit)}".rstrip()


def size_of(gap: Score) -> Score:
    """A difference without its direction, for sentences that say which is better: `10.6 points [5.0, 19.3]`."""
    if gap.value is None or gap.value >= 0:
        return gap
    low, high = (None if x is None else -x for x in (gap.high, gap.low))
    return gap.model_copy(update={"value": -gap.value, "low": low, "high": high})


def sentence(text: object) -> str:
    """A text of a check as a sentence begins: with a capital where it starts with a common word."""
    shown = readable(text, 1000)
    first = shown.split(" ", 1)[0]
    return shown[:1].upper() + shown[1:] if first.isalpha() and first.islower() else shown


def full_stop(text: str) -> str:
    """The text with a full stop, where it does not end a sentence itself."""
    return text if text.endswith((".", "?", "!", "…")) else f"{text}."


def listing(items: Sequence[str], limit: int = 3) -> str:
    """`a, b and c`; beyond `limit`: `a, b, c and 4 more`."""
    if len(items) > limit:
        return f"{', '.join(items[:limit])} and {len(items) - limit} more"
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def cut_rows(cut: Mapping[str, int]) -> str:
    """`{"valid": 1}` -> `1 validation row`; several splits: `3 rows (2 training, 1 validation)`."""
    if len(cut) == 1:
        ((of, n),) = cut.items()
        return count(n, f"{split(of)} row" if of else "row")
    return f"{count(sum(cut.values()), 'row')} ({', '.join(f'{n:,} {split(of)}' for of, n in cut.items())})"


def reasons(dropped: Mapping[str, int]) -> str:
    """`{"missing_label": 3, "duplicate": 1}` -> `3 missing label, 1 duplicate`; largest first, zeros left out."""
    held = sorted(((n, why) for why, n in dropped.items() if n), key=lambda pair: (-pair[0], pair[1]))
    return listing([f"{n:,} {readable(why.replace('_', ' '))}" for n, why in held])


def day(stamp: str | None) -> str:
    """`2026-05-01T08:59:40Z` -> `2026-05-01 08:59 UTC`."""
    return f"{stamp[:10]} {stamp[11:16]} UTC" if stamp and len(stamp) >= 16 else readable(stamp or "")
