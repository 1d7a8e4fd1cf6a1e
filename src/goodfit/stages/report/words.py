"""Numbers and names as people read them: 84.2% [81.5, 86.7], macro F1, 4.1 points, 1,234 rows, 6 min 42 s.

Part of the report stage; used by the sentences, the charts, the page and the model card, so that a number looks the same
everywhere. A share is shown in percent, the difference of two shares in points.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from goodfit.monitor.words import duration, size
from goodfit.score import Score
from goodfit.stages.report.text import name as readable

__all__ = [
    "answer", "count", "day", "difference", "duration", "interval", "listing", "metric", "number", "reasons", "score", "sentence", "sides",
    "size", "size_of", "split", "system",
]  # fmt: skip

MINUS = "\u2212"

METRICS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "micro_f1": "micro F1",
    "weighted_f1": "weighted F1",
    "samples_f1": "F1 per row",
    "f1": "F1",
    "precision": "precision",
    "recall": "recall",
    "subset_accuracy": "exact match",
    "hamming_loss": "Hamming loss",
    "mcc": "Matthews correlation",
    "kappa": "Cohen's kappa",
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "log_loss": "log-loss",
    "brier": "Brier score",
    "macro_f1_common": "macro F1 of the commoner labels",
    "ece": "calibration error",
    "error_rate": "error rate",
    "calibration_slope": "calibration slope",
    "calibration_intercept": "calibration intercept",
}
SYSTEMS = {
    "model": "this model",
    "majority": "guessing the commonest class",
    "tfidf": "TF-IDF with logistic regression",
    "knn": "nearest neighbours",
    "zero_shot": "the base model untrained",
}
SHORT_SYSTEMS = {"model": "this model", "majority": "commonest class", "tfidf": "TF-IDF", "knn": "neighbours", "zero_shot": "untrained"}
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
_QUESTION = re.compile(r"^(?P<one>.+?) vs (?P<other>.+?) on (?P<metric>\S+)$", re.DOTALL)


def metric(key: str) -> str:
    """`macro_f1` -> `macro F1`; an unknown name with its underscores as spaces."""
    return METRICS.get(key, readable(key.replace("_", " ")))


def system(key: str, *, short: bool = False) -> str:
    """`tfidf` -> `TF-IDF with logistic regression`, or `TF-IDF`."""
    return (SHORT_SYSTEMS if short else SYSTEMS).get(key, readable(key.replace("_", " ")))


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
        text = f"{value:{plus},.0f}"
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
    """`84.2% [81.5, 86.7]`, or why there is no number."""
    if score.value is None:
        return f"not scored: {readable(score.why_absent)}"
    return f"{number(score.value, score.unit)} {interval(score.low, score.high, score.unit)}".rstrip()


def difference(score: Score, *, sign: bool = True) -> str:
    """The difference of two scores: shares in points, `+4.1 points [2.2, 6.0]`."""
    if score.value is None:
        return f"not measured: {readable(score.why_absent)}"
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


def count(n: int, noun: str, plural: str | None = None) -> str:
    """`1 row`, `1,234 rows`."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def listing(items: Sequence[str], limit: int = 3) -> str:
    """`a, b and c`; beyond `limit`: `a, b, c and 4 more`."""
    if len(items) > limit:
        return f"{', '.join(items[:limit])} and {len(items) - limit} more"
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def reasons(dropped: Mapping[str, int]) -> str:
    """`{"missing_label": 3, "duplicate": 1}` -> `3 missing label, 1 duplicate`; largest first, zeros left out."""
    held = sorted(((n, why) for why, n in dropped.items() if n), key=lambda pair: (-pair[0], pair[1]))
    return listing([f"{n:,} {readable(why.replace('_', ' '))}" for n, why in held])


def day(stamp: str | None) -> str:
    """`2026-05-01T08:59:40Z` -> `2026-05-01 08:59 UTC`."""
    return f"{stamp[:10]} {stamp[11:16]} UTC" if stamp and len(stamp) >= 16 else readable(stamp or "")
