"""Numbers and names as people read them: durations, sizes, shares, counted nouns, metrics, systems. For every screen and the report.

Layer: monitor (standard library only).
"""

from __future__ import annotations

import math
import re
import unicodedata
from typing import Any

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
    "aurc": "mean share wrong over all shares answered",
    "excess_aurc": "the same, above a confidence that knows every mistake",
    "set_coverage": "sets that hold the true label",
    "labels_found": "labels found",
    "selective_error_rate": "wrong among the answers given",
    "answered_rate": "answered",
    "one_label_rate": "sets of one label",
    "confusion_rate": "taken for the other",
    "accuracy_difference": "difference in accuracy",
    "error_rate": "error rate",
    "calibration_slope": "calibration slope",
    "calibration_intercept": "calibration intercept",
    "chrf": "chrF",
    "rouge_l": "ROUGE-L",
    "exact_match": "exact match",
    "json_valid": "valid JSON",
    "token_loss": "loss per token",
    "bits_per_byte": "bits per byte",
    "choice_accuracy": "right choice",
    "choice_accuracy_norm": "right choice per character",
    "choice_accuracy_token": "right choice per token",
    "numeric_match": "right number",
    "regex_match": "pattern found",
    "tool_call_match": "right tool call",
    "self_stop_rate": "self-stop rate",
    "empty_rate": "empty answers",
    "repetition_rate": "looping answers",
    "refusal_rate": "refusals",
    "memorised_rate": "copied passages",
    "distinct_1": "distinct words",
    "distinct_2": "distinct word pairs",
    "length_words": "words per answer",
    "win_share": "win share",
    "self_consistency": "same answer when asked again",
    "first_shown_wins": "won by the answer shown first",
    "longer_wins": "won by the longer answer",
    "length_slope": "pull of length (log-odds per doubling)",
}
SYSTEMS = {
    "model": "this model",
    "majority": "giving every row the same answer",
    "tfidf": "TF-IDF with logistic regression",
    "knn": "nearest neighbours",
    "zero_shot": "the base model untrained",
    "base": "the base model",
    "few_shot": "the base model with examples in its prompt",
    "retrieval": "the answer of the nearest training row",
}
SHORT_SYSTEMS = {
    "model": "this model", "majority": "one answer for all", "tfidf": "TF-IDF", "knn": "neighbours", "zero_shot": "untrained",
    "base": "the base model", "few_shot": "the base model with examples", "retrieval": "the nearest training answer",
}  # fmt: skip
SHARES = frozenset({"macro_f1", "micro_f1", "accuracy", "subset_accuracy", "token_accuracy"})
"""Scores by which a training is judged that are shares, and read in percent."""
_TOO_FEW = re.compile(r"^n below (\d+)$")
_FITTED = re.compile(
    r"^temperature (?P<t>[\d.]+) (?P<not>not )?applied: it (?:lowers|is not sure to lower) the log-loss "
    r"\(by (?P<gain>-?[\d.]+)(?: \[(?P<low>-?[\d.]+), (?P<high>-?[\d.]+)\])?, out of fold\)(?P<more>.*)$",
    re.DOTALL,
)


def duration(seconds: float | None) -> str:
    """`8 s`, `2 min 05 s`, `1 h 12 min`; `?` where it is not known."""
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return "?"
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def amount(value: float) -> str:
    """`950`, `12.3 k`, `4.5 M`."""
    for size, suffix in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if value >= size:
            return f"{value / (1e3 if suffix == ' k' else size):.3g}{suffix}"
    return f"{value:,.0f}"


def size(bytes_: float) -> str:
    """`91 MB`, `1.4 GB` (decimal)."""
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if bytes_ >= unit:
            return f"{bytes_ / unit:.1f} {name}" if bytes_ < 10 * unit else f"{bytes_ / unit:.0f} {name}"
    return f"{bytes_:.0f} B"


def percent(share: float | None) -> str:
    """`84.2%`; `–` where there is none."""
    return "–" if share is None else f"{100 * share:.1f}%"


def setting(value: Any) -> str:
    """The value of a recipe key: rates with three digits that count, `yes` and `no`."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def visible(text: str, limit: int = 200) -> str:
    """Text of unknown origin, safe for a terminal: control, format and bidi characters shown as their escapes, long text cut."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(c if c == " " or unicodedata.category(c)[0] != "C" else c.encode("unicode_escape").decode() for c in cut)


def count(n: int, noun: str, plural: str | None = None) -> str:
    """`1 row`, `1,234 rows`; `count(2, "class", "classes")`."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def part(n: int, total: int, noun: str, verb: tuple[str, str], plural: str | None = None) -> str:
    """`1 of 2 labels has`, `2 of 3 labels have`, `all 7 labels have`, `both labels have`, `the only label has`."""
    if n == total and n in (1, 2):
        return f"the only {noun} {verb[0]}" if n == 1 else f"both {plural or noun + 's'} {verb[1]}"
    if n == total:
        return f"all {count(n, noun, plural)} {verb[1]}"
    return f"{n:,} of {count(total, noun, plural)} {verb[0] if n == 1 else verb[1]}"


def metric(key: str) -> str:
    """`macro_f1` -> `macro F1`; an unknown name with its underscores as spaces."""
    return METRICS.get(key) or visible(key.replace("_", " "))


def system(key: str, *, short: bool = False) -> str:
    """`tfidf` -> `TF-IDF with logistic regression`, or `TF-IDF`."""
    return (SHORT_SYSTEMS if short else SYSTEMS).get(key) or visible(key.replace("_", " "))


def too_few(why: str | None, n: int, rows: str = "row") -> str:
    """Why there is no number: statistics' `n below 20` with the rows that there are, `5 test rows; at least 20 are needed`."""
    found = _TOO_FEW.match(why or "")
    return f"{count(n, rows)}; at least {found[1]} are needed" if found else why or ""


def decision(reason: str) -> str:
    """Why a temperature is used or not, as the task noted it, in plain words with units; other reasons stay as they are."""
    found = _FITTED.match(reason)
    if found is None:
        return reason
    told = {key: float(value) for key in ("gain", "low", "high") if (value := found[key]) is not None}
    digits = 3 if min(abs(value) for value in told.values()) >= 0.01 else 4
    used = found["not"] is None
    by, *ends = (_nats(value if used else -value, digits) for value in told.values())
    change = f"{by} nats" + (f" [{', '.join(ends if used else reversed(ends))}]" if ends else "")
    what = f"A temperature of {float(found['t']):.2f} was fitted on validation rows"
    if used:
        return f"{what} and is used: on rows held out of the fit it lowers the log-loss by {change}{found['more']}"
    plus = "" if by.startswith("\u2212") else "+"
    return (
        f"{what} but is not used: on rows held out of the fit it is not shown to lower the log-loss (change {plus}{change}){found['more']}"
    )


def _nats(value: float, digits: int) -> str:
    return f"{0.0 if round(value, digits) == 0 else value:.{digits}f}".replace("-", "\u2212")
