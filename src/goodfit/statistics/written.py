"""Numbers about written text that are not means over rows: chrF, losses per token and per byte, distinct n-grams.

Part of statistics; rows of `table`. What a text adds to each number is counted in `tasks/writing`; here only sums of rows are seen.

- chrF of a corpus is a function of summed n-gram counts, so it is drawn like macro-F1 (`Counted`).
- A loss per token is a ratio of sums, not a mean of the rows' means: short answers would weigh too much. Its influence is
  (loss_i - value * tokens_i) / tokens: t interval, the document (or conversation) as the unit. Perplexity is its exp, ends included.
- The share of distinct n-grams falls with every text that is added, and a row drawn twice adds nothing new: a bootstrap sample has
  about 63% of the rows, so all of its draws lie below the value. The jackknife adds no row twice; for any symmetric statistic its
  variance is on average not too small (Efron & Stein 1981). The truth that the interval holds is the value expected of *as many texts*.
"""

from __future__ import annotations

import math

import numpy as np

from goodfit.statistics.counted import Ends
from goodfit.statistics.influence import Pulled
from goodfit.statistics.proportions import wilson
from goodfit.statistics.sample import Floats, Sample, Unscorable

BETA = 2.0
"""chrF weighs recall BETA times as much as precision (Popović 2015)."""
MOST_NATS = 700.0
"""Loss per token beyond which its exp is no number."""


def chrf(sums: Floats) -> Floats:
    """chrF of summed counts [..., 3K], laid out as [of the references, of the predictions, common] by order 1..K.

    sacrebleu's definition: mean precision and mean recall of the orders that both sides have, then F-beta; 0 where there are none.
    """
    wanted, written, common = np.split(np.asarray(sums, dtype=np.float64), 3, axis=-1)
    there = (wanted > 0) & (written > 0)
    orders = np.maximum(there.sum(-1), 1)
    precision = np.divide(common, written, out=np.zeros_like(common), where=there).sum(-1) / orders
    recall = np.divide(common, wanted, out=np.zeros_like(common), where=there).sum(-1) / orders
    under = BETA**2 * precision + recall
    return np.asarray(np.divide((1 + BETA**2) * precision * recall, under, out=np.zeros_like(under), where=under > 0))


def chrf_edge(total: Floats, units: int, level: float) -> Ends:
    """All rows equal to their references, or none with a character of them: as that many yes/no rows."""
    value = float(chrf(total))
    return wilson(units * round(value), units, level) if min(value, 1 - value) < 1e-9 else None


def per_size(sample: Sample) -> Pulled:
    """Sum of the values over the sum of the sizes (labels): nats per token."""
    sizes, sums = np.asarray(sample.labels, dtype=np.float64), np.asarray(sample.predictions, dtype=np.float64)
    total = float(sizes.sum())
    if total <= 0:
        raise Unscorable("no row has a learned token")
    value = float(sums.sum()) / total
    return Pulled(value, (sums - value * sizes) / total)


def bits_per_size(sample: Sample) -> Pulled:
    """The same in bits: bits per byte."""
    value, influence, _ = per_size(sample)
    return Pulled(value / math.log(2), influence / math.log(2))


def perplexity(sample: Sample) -> Pulled:
    """exp of the nats per token."""
    value, influence, _ = per_size(sample)
    if value > MOST_NATS:
        raise Unscorable(f"a loss of {value:.3g} nats per token has no finite perplexity")
    return Pulled(math.exp(value), influence * math.exp(value))


def distinct(sample: Sample) -> Pulled:
    """Distinct n-grams over n-grams, with jackknife influences.

    Rows [n, 3]: n-grams; how many kinds of n-gram stand in this row's unit only (spread over the unit's rows); and the rest of the kinds,
    spread over all rows. The sum of the last two columns is the number of kinds; without a unit its own kinds are gone.
    """
    rows = np.asarray(sample.predictions, dtype=np.float64)
    unit = np.arange(sample.n) if sample.clusters is None else sample.clusters
    size = np.bincount(unit).astype(np.float64)
    grams = np.bincount(unit, weights=rows[:, 0])
    own = np.bincount(unit, weights=rows[:, 1])
    total, kinds = float(grams.sum()), float(rows[:, 1:].sum())
    if total <= 0:
        raise Unscorable("no text is long enough")
    rest = total - grams
    if len(size) == 1:
        return Pulled(kinds / total, np.zeros(sample.n))
    if (rest <= 0).any():
        raise Unscorable(f"all n-grams stand in one {'row' if sample.clusters is None else 'cluster'}")
    without = (kinds - own) / rest
    pulls = (sample.n - size) / sample.n * (without.mean() - without)
    return Pulled(kinds / total, (pulls / size)[unit])
