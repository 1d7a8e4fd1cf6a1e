"""Numbers of written text: what they are, and that their intervals and comparisons are those of the rows behind them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from goodfit.statistics import compare, score
from goodfit.statistics.written import chrf
from goodfit.tasks.writing.overlap import distinct_counts


def counts(*orders: tuple[int, int, int]) -> np.ndarray:
    """(of the reference, of the prediction, common) by order -> the layout of the sums."""
    return np.array(orders, dtype=float).T.ravel()


def test_chrf_by_hand() -> None:
    """Orders: precision 1/2 and 0/1, recall 1/4 and 0/3; means 1/4 and 1/8; F2 = 5 * 1/4 * 1/8 / (4 * 1/4 + 1/8)."""
    assert chrf(counts((4, 2, 1), (3, 1, 0))) == pytest.approx(5 / 32 / (9 / 8))
    assert chrf(counts((4, 2, 1), (3, 0, 0))) == pytest.approx(5 * 0.5 * 0.25 / (4 * 0.5 + 0.25)), (
        "an order that one side lacks is left out"
    )
    assert chrf(np.zeros(18)) == 0


def test_chrf_weighs_recall_more() -> None:
    assert chrf(counts((10, 5, 5))) < chrf(counts((5, 10, 5)))


def test_chrf_of_the_corpus_is_not_the_mean_of_rows() -> None:
    rows = np.vstack([np.tile(counts((1, 1, 1)), (10, 1)), np.tile(counts((100, 100, 0)), (10, 1))])
    assert score("chrf", None, rows).value == pytest.approx(chrf(rows.sum(axis=0))) == pytest.approx(10 / 1010)


def test_answers_that_are_all_right_still_have_an_interval() -> None:
    made = score("chrf", None, np.tile(counts((9, 9, 9)), (40, 1)))
    assert made.value == made.high == 1
    assert made.low == pytest.approx(score("rate", None, np.ones(40, dtype=bool)).low)


def test_loss_is_a_ratio_of_sums() -> None:
    tokens, nats = np.array([1.0, 99.0] * 20), np.array([10.0, 99.0] * 20)
    made = score("token_loss", tokens, nats)
    assert made.value == pytest.approx(109 / 100)
    assert made.value != pytest.approx(np.mean(nats / tokens))
    assert made.unit == "nats"
    assert not made.higher_is_better


def test_perplexity_and_bits_are_the_same_loss_on_another_scale() -> None:
    rng = np.random.default_rng(0)
    tokens = rng.integers(1, 50, 200)
    nats = tokens * rng.gamma(3, 0.5, 200)
    loss, perplexity, bits = (score(kind, tokens, nats) for kind in ("token_loss", "perplexity", "bits_per_byte"))
    for end in ("low", "value", "high"):
        assert getattr(perplexity, end) == pytest.approx(math.exp(getattr(loss, end)))
        assert getattr(bits, end) == pytest.approx(getattr(loss, end) / math.log(2))


def test_documents_are_the_unit() -> None:
    rng = np.random.default_rng(1)
    document = np.repeat(np.arange(40), 10)
    tokens = np.full(400, 20.0)
    nats = tokens * (1 + rng.gamma(2, 0.3, 40))[document]
    alone, together = score("token_loss", tokens, nats), score("token_loss", tokens, nats, clusters=document)
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_rows_without_tokens_say_nothing() -> None:
    assert score("token_loss", np.zeros(30), np.zeros(30)).why_absent == "no row has a learned token"
    assert "no finite perplexity" in str(score("perplexity", np.ones(30), np.full(30, 1e4)).why_absent)
    with pytest.raises(ValueError, match="counted from 0"):
        score("token_loss", np.array([-1.0] * 30), np.zeros(30))


def test_a_difference_in_bits_says_bits() -> None:
    rng = np.random.default_rng(2)
    size, nats = rng.integers(20, 90, 200), rng.gamma(40, 1, 200)
    verdict = compare("bits_per_byte", size, nats * 0.8, nats)
    assert verdict.answer == "better"
    assert " bits [" in verdict.text


def texts(rng: np.random.Generator, n: int) -> list[np.ndarray]:
    return [rng.zipf(1.5, size=k) % 50 for k in rng.integers(1, 9, n)]


@pytest.mark.parametrize("clustered", [False, True])
def test_distinct_is_the_jackknife(clustered: bool) -> None:
    """Against the definition: every unit left out in turn, everything counted afresh."""
    rng = np.random.default_rng(3)
    made = texts(rng, 60)
    unit = np.arange(60) if not clustered else rng.permutation(np.arange(60) % 20)

    def share(keep: np.ndarray) -> float:
        grams = [tuple(text[i : i + 2]) for text, kept in zip(made, keep) if kept for i in range(len(text) - 1)]
        return len(set(grams)) / len(grams)

    value = share(np.ones(60, dtype=bool))
    without = np.array([share(unit != u) for u in np.unique(unit)])
    error = math.sqrt((len(without) - 1) / len(without) * np.sum((without - without.mean()) ** 2))
    clusters = unit if clustered else None
    found = score("distinct", None, distinct_counts(made, 2, clusters), clusters=clusters)
    assert found.value == pytest.approx(value)
    half = (found.high - found.low) / 2
    assert 1.9 * error < half < 3 * error, "t with at least 1.5 degrees of freedom"


def test_why_distinct_is_not_bootstrapped() -> None:
    rng = np.random.default_rng(4)
    made = texts(rng, 80)
    value = score("distinct", None, distinct_counts(made, 2)).value
    drawn = [score("distinct", None, distinct_counts([made[i] for i in rng.integers(0, 80, 80)], 2)).value for _ in range(100)]
    assert max(drawn) < value


def test_order_of_rows_does_not_matter() -> None:
    rng = np.random.default_rng(5)
    tokens, nats, order = rng.integers(1, 30, 100), rng.gamma(3, 5, 100), rng.permutation(100)
    for kind in ("token_loss", "perplexity", "bits_per_byte"):
        a, b = score(kind, tokens, nats), score(kind, tokens[order], nats[order])
        assert (a.low, a.value, a.high) == pytest.approx((b.low, b.value, b.high))
