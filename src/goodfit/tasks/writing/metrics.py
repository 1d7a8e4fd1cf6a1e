"""Metrics of written text: which there are, their intervals and paired comparisons, and the door through which one more is declared.

Part of tasks/writing; evaluate asks for `measure` and `against`, as it does of `tasks/metrics` for labels. A metric here is a function from
what a system said (`Said`) to one number per row (`Rows`); the interval and the comparison follow from its kind in the table of statistics.

    @text_metric("mentions_price", kind="rate", auto=False)
    def mentions_price(said: Said) -> Rows: ...

A function raises Unscorable with the reason where the number does not exist; the Score then says so. Shapes: n rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from goodfit.errors import SettingsError, UserError, nearest
from goodfit.score import Score, Unit, Verdict
from goodfit.statistics.comparing import Question, compare, no_answer
from goodfit.statistics.sample import Unscorable
from goodfit.statistics.scoring import absent, score
from goodfit.statistics.table import kind_of
from goodfit.tasks.writing import choices, habits, matches, overlap, structure
from goodfit.tasks.writing.said import Rows, Said
from goodfit.tasks.writing.words import Vocabulary, lengths, words

T = TypeVar("T")
LOOKED_AT = 1_000
"""References that `auto` looks at."""
SHORT = 10
"""Words up to which a reference is short enough to be met exactly."""
ALIKE = 1.1
"""Two systems are compared on distinct n-grams if neither wrote more than this many times as much as the other."""


OfRows = Callable[[Said], Rows]
Applies = Callable[[Said], bool]


@dataclass(frozen=True)
class TextMetric:
    """A declared metric of text."""

    name: str
    rows: OfRows
    kind: str
    """Its row in the table of statistics."""
    auto: Applies
    """Whether `evaluate.metrics: auto` reports it for such rows."""
    compared: bool
    """Whether more (or less) of it is better, so that two systems are compared on it."""
    unit: Unit | None
    """In place of the kind's unit."""

    def rows_of(self, said: Said) -> Rows:
        """The rows, made once for each outcome; Unscorable where the number does not exist."""
        if self.name not in said.made:
            said.made[self.name] = self.rows(said)
        return said.made[self.name]


TEXT_METRICS: dict[str, TextMetric] = {}
"""Every metric, in the order of the report."""


def text_metric(
    name: str, *, kind: str, auto: Applies | bool = False, compared: bool = True, unit: Unit | None = None
) -> Callable[[OfRows], OfRows]:
    """Declares a metric: a function from what a system said to one number per row."""

    def declare(rows: OfRows) -> OfRows:
        assert name not in TEXT_METRICS, f"there are two metrics of text called {name}"
        applies: Applies = auto if callable(auto) else lambda said: bool(auto)
        TEXT_METRICS[name] = TextMetric(name, rows, kind, applies, compared, unit)
        return rows

    return declare


def names_for(asked: str | Sequence[str], said: Said, key: str = "evaluate.metrics") -> list[str]:
    """The metrics that a recipe asks for, the primary one first; `auto`: those that apply to these rows."""
    if not isinstance(asked, str):
        return list(dict.fromkeys(require(name, key).name for name in asked))
    return [name for name, one in TEXT_METRICS.items() if one.auto(said)]


def require(name: str, key: str) -> TextMetric:
    """The metric of a name; SettingsError (with the key of the recipe) where there is none."""
    if name in TEXT_METRICS:
        return TEXT_METRICS[name]
    near = nearest(name, list(TEXT_METRICS))
    fix = (f"did you mean {near}? " if near else "") + f"there are {', '.join(TEXT_METRICS)}"
    raise SettingsError(f"{key}: {name!r} is not a score of written text", fix=fix)


def measure(names: Sequence[str], said: Said) -> list[Score]:
    """The scores of one system, in the order of the names."""
    return [_measure(TEXT_METRICS[name], said) for name in names]


def _measure(one: TextMetric, said: Said) -> Score:
    try:
        sizes, values, clusters = one.rows_of(said).kept(said.clusters)
        made = score(one.kind, sizes, values, clusters=clusters, level=said.level)
    except Unscorable as reason:
        made = absent(kind_of(one.kind), 0, said.level, str(reason))
    return made.about(name=one.name, unit=one.unit or made.unit)


def against(name: str, a: Said, b: Said, *, question: str) -> Verdict | None:
    """Is a better than b on these rows? None for a metric that is not compared."""
    one = TEXT_METRICS[name]
    if not one.compared:
        return None
    _require_same_rows(a, b)
    asked = Question(question, level=a.level)
    try:
        ours, theirs = one.rows_of(a), one.rows_of(b)
        _require_comparable(one, ours, theirs)
        sizes, values, clusters = ours.kept(a.clusters)
        made = compare(one.kind, sizes, values, theirs.kept(a.clusters)[1], clusters=clusters, question=asked)
    except Unscorable as reason:
        made = no_answer(kind_of(one.kind), asked, a.n, str(reason))
    assert made.difference is not None
    return made.model_copy(update={"difference": made.difference.about(name=f"{name}_difference", unit=one.unit or made.difference.unit)})


def _require_same_rows(a: Said, b: Said) -> None:
    if a.n != b.n:
        raise ValueError(f"a has {a.n} rows, b has {b.n}: they must answer the same ones")
    if (a.references is None) != (b.references is None) or list(a.references or ()) != list(b.references or ()):
        raise ValueError("a and b have different references: they must answer the same rows in the same order")
    if (a.clusters is None) != (b.clusters is None) or (a.clusters is not None and not np.array_equal(a.clusters, b.clusters)):  # type: ignore[arg-type]
        raise ValueError("a and b have different clusters: they must answer the same rows in the same order")


def _require_comparable(one: TextMetric, ours: Rows, theirs: Rows) -> None:
    """Unscorable where the two numbers do not mean the same."""
    if ours.sizes is not None and not np.array_equal(ours.sizes, theirs.sizes):  # type: ignore[arg-type]
        if one.name == "bits_per_byte":
            raise ValueError("the two systems were scored on different texts: their bytes differ")
        raise Unscorable("the two systems cut the rows into different tokens; bits_per_byte compares them")
    if one.kind == "distinct":
        much, more = (float(rows.values[:, 0].sum()) for rows in (ours, theirs))
        if max(much, more) > ALIKE * min(much, more):
            times = max(much, more) / max(min(much, more), 1)
            raise Unscorable(f"one system wrote {times:.1f} times as much, and more text has a smaller share of distinct n-grams")


# --- what `auto` looks at -----------------------------------------------------------------------------------------------------------


def _answered(said: Said) -> bool:
    return said.predictions is not None and said.references is not None


def _generated(said: Said) -> bool:
    return said.predictions is not None


def _has_choices(said: Said) -> bool:
    return said.picked is not None and not np.isnan(said.picked).all()


def _likely(said: Said) -> bool:
    return said.losses is not None and said.learned_tokens is not None


def _most(holds: Callable[[str], bool], share: float) -> Applies:
    """Whether at least this share of the references (of the first thousand) is such."""

    def applies(said: Said) -> bool:
        looked_at = (said.references or [])[:LOOKED_AT]
        return _answered(said) and len(looked_at) > 0 and sum(holds(text) for text in looked_at) >= share * len(looked_at)

    return applies


def _is_json(text: str) -> bool:
    return isinstance(structure.strict(text), dict | list)


# --- the metrics --------------------------------------------------------------------------------------------------------------------


@text_metric("choice_accuracy", kind="rate", auto=_has_choices)
def choice_accuracy(said: Said) -> Rows:
    """Share of rows whose right choice has the largest log-likelihood (lm-evaluation-harness: acc)."""
    return _picked(said, choices.RAW)


@text_metric("choice_accuracy_norm", kind="rate", auto=_has_choices)
def choice_accuracy_norm(said: Said) -> Rows:
    """The same of the log-likelihood per character of the choice (acc_norm)."""
    return _picked(said, choices.CHARACTERS)


@text_metric("choice_accuracy_token", kind="rate")
def choice_accuracy_token(said: Said) -> Rows:
    """The same of the log-likelihood per token."""
    return _picked(said, choices.TOKENS)


@text_metric("chrf", kind="chrf", auto=_answered)
def chrf(said: Said) -> Rows:
    """chrF2 of the corpus."""
    return Rows(overlap.chrf_counts(*said.pairs))


@text_metric("rouge_l", kind="bounded_mean", auto=_answered)
def rouge_l(said: Said) -> Rows:
    """Mean ROUGE-L F1."""
    return Rows(overlap.rouge_l(*said.pairs))


@text_metric("exact_match", kind="rate", auto=_most(lambda text: len(words(text)) <= SHORT, 0.5))
def exact_match(said: Said) -> Rows:
    """Share of answers equal to their reference after SQuAD's normalisation."""
    return Rows(matches.exact_match(*said.pairs))


@text_metric("numeric_match", kind="rate", auto=_most(lambda text: matches.ends_in_number(text) and not _is_json(text), 0.5))
def numeric_match(said: Said) -> Rows:
    """Share of answers whose last number is the reference's."""
    return _where(matches.numeric_match(*said.pairs), "no reference has a number")


@text_metric("regex_match", kind="rate", auto=lambda said: _generated(said) and said.pattern is not None)
def regex_match(said: Said) -> Rows:
    """Share of answers in which the pattern stands (and holds what it holds in the reference)."""
    if said.pattern is None:
        raise Unscorable("no pattern was given")
    found = _or_unscorable(lambda: matches.regex_match(said.said, said.references, str(said.pattern)))
    return _where(found, "the pattern stands in no reference")


@text_metric("json_valid", kind="rate", auto=lambda said: _most(_is_json, 0.9)(said) or (_generated(said) and said.schema is not None))
def json_valid(said: Said) -> Rows:
    """Share of answers that are JSON (and follow the schema)."""
    return Rows(_or_unscorable(lambda: structure.json_valid(said.said, said.schema)))


@text_metric("tool_call_match", kind="rate", auto=_most(lambda text: structure.calls_of(text) is not None, 1e-9))
def tool_call_match(said: Said) -> Rows:
    """Share of right calls among the rows whose reference makes calls."""
    return _where(structure.tool_call_match(*said.pairs), "no reference calls a tool")


@text_metric("self_stop_rate", kind="rate", auto=lambda said: said.stopped is not None)
def self_stop_rate(said: Said) -> Rows:
    """Share of answers that the system ended itself."""
    return Rows(_given(said.stopped, "it is not known which answers ended by themselves"))


@text_metric("empty_rate", kind="fault_rate", auto=_generated)
def empty_rate(said: Said) -> Rows:
    """Share of answers that say nothing."""
    return Rows(habits.empty(said.said))


@text_metric("repetition_rate", kind="fault_rate", auto=_generated)
def repetition_rate(said: Said) -> Rows:
    """Share of answers that loop."""
    return Rows(habits.loops(said.said))


@text_metric("refusal_rate", kind="fault_rate", auto=_generated, compared=False)
def refusal_rate(said: Said) -> Rows:
    """Share of answers that read like a refusal (a heuristic); whether refusing is right depends on the rows, so it is not compared."""
    return Rows(habits.refuses(said.said))


@text_metric("memorised_rate", kind="fault_rate", auto=lambda said: said.copied_words is not None)
def memorised_rate(said: Said) -> Rows:
    """Share of answers with a run of eight words or more of the training answers."""
    return Rows(_given(said.copied_words, "copies were not looked for: there are no training texts, or the answers are training texts") > 0)


@text_metric("distinct_1", kind="distinct", auto=_generated)
def distinct_1(said: Said) -> Rows:
    """Distinct words among all words."""
    return _distinct(said, 1)


@text_metric("distinct_2", kind="distinct", auto=_generated)
def distinct_2(said: Said) -> Rows:
    """Distinct pairs of words among all pairs."""
    return _distinct(said, 2)


@text_metric("length_words", kind="mean", auto=_generated, compared=False, unit="count")
def length_words(said: Said) -> Rows:
    """Mean number of words."""
    return Rows(lengths(said.said).astype(np.float64))


@text_metric("bits_per_byte", kind="bits_per_byte", auto=lambda said: said.losses is not None and said.bytes is not None)
def bits_per_byte(said: Said) -> Rows:
    """Bits that a byte of the text costs; comparable between tokenizers."""
    return Rows(_given(said.losses, "the losses are not known"), _given(said.bytes, "the bytes are not known"))


@text_metric("token_loss", kind="token_loss", auto=_likely)
def token_loss(said: Said) -> Rows:
    """Nats per learned token."""
    return Rows(_given(said.losses, "the losses are not known"), _given(said.learned_tokens, "the learned tokens are not counted"))


@text_metric("perplexity", kind="perplexity", auto=_likely)
def perplexity(said: Said) -> Rows:
    """exp of the nats per learned token."""
    return token_loss(said)


def _or_unscorable(made: Callable[[], T]) -> T:
    """What a pattern or a schema gives; Unscorable where one answer shows that it cannot be followed: the other scores stand."""
    try:
        return made()
    except UserError as error:
        raise Unscorable(error.message) from None


def _where(found: tuple[NDArray[np.bool_], NDArray[np.bool_]], nowhere: str) -> Rows:
    right, applies = found
    if not applies.any():
        raise Unscorable(nowhere)
    return Rows(right, applies=applies)


def _picked(said: Said, way: int) -> Rows:
    taken = _given(said.picked, "the recipe names no column of choices (task.choices)")[:, way]
    return _where((np.nan_to_num(taken) > 0, ~np.isnan(taken)), "no row has an answer among its choices")


def _given(part: NDArray[Any] | None, why_not: str) -> NDArray[Any]:
    if part is None:
        raise Unscorable(why_not)
    return np.asarray(part)


def _distinct(said: Said, order: int) -> Rows:
    vocabulary = Vocabulary()
    return Rows(overlap.distinct_counts([vocabulary.learn(text) for text in said.said], order, said.clusters))
