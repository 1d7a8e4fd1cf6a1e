"""One number for a whole axis: largest difference, worst group, equalised odds, FPED and FNED, ratio, root mean square over classes.

Part of statistics.gaps. Such numbers are above 0 also where no group differs: with six groups of 100 rows and no gap the largest difference
is 0.1 on average, and a percentile interval leaves out 0 in every case. Here:

- `raw` is the number as others print it; the Score's value is sqrt(raw^2 - mean square under the null), 0 where that is negative. Far from
  the null that takes next to nothing away (the plain mean under the null would take too much); at the null it takes all.
- All but the worst group and the ratio are norms N of the vector of rates, so |N(seen) - N(true)| <= N(seen - true). With q the 95%
  quantile of N(drawn - seen) over cluster bootstrap draws, N(seen) +- q holds the truth in 95% or more (conservative: 97-100%), and
  its lower end is 0 unless a valid test rejects equality. The worst group takes the largest deviation, the ratio the range of logarithms.

Shapes: J parts (metrics or classes), S members, B draws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy import sparse, stats

from goodfit.score import Score
from goodfit.statistics.bootstrap import draws_for, resample, units_of
from goodfit.statistics.gaps.rate import LEAST_INTERVAL, LEAST_RATE, codes_of
from goodfit.statistics.gaps.rows import Axis
from goodfit.statistics.influence import Flags
from goodfit.statistics.proportions import normal_quantile
from goodfit.statistics.sample import Floats

PerRow = tuple[Floats, Flags]
"""`rows.per_row`."""
Kind = Literal["max_min", "sum_of_differences", "mean_of_differences", "root_mean_square", "highest", "lowest", "ratio"]


@dataclass(frozen=True)
class Whole:
    """`score` holds the corrected value and its interval; `raw` the plain number; `bias` what was taken off."""

    score: Score
    raw: float | None = None
    bias: float | None = None
    p: float | None = None
    """Of no difference at all (None for the worst group)."""
    lowest: str | None = None
    """The member (or class) at the lower end, of the part that decides."""
    highest: str | None = None
    left_out: tuple[str, ...] = ()
    """Members (or classes) with fewer than 20 counted rows."""


def max_min(name: str, parts: Sequence[PerRow], axis: Axis, *, level: float = 0.95, seed: int = 0) -> Whole:
    """Largest rate minus smallest of an axis; of several parts the largest (equalised odds: tpr and fpr, Hardt et al. 2016)."""
    return whole(name, "max_min", parts, axis, level=level, seed=seed)


def equality_difference(name: str, part: PerRow, axis: Axis, *, mean: bool = False, level: float = 0.95, seed: int = 0) -> Whole:
    """Sum over members of |rate of all - rate of the member| (FPED, FNED: Dixon et al. 2018), which grows with members; or the mean."""
    return whole(name, "mean_of_differences" if mean else "sum_of_differences", [part], axis, level=level, seed=seed)


def gap_rms(parts: Mapping[str, PerRow], axis: Axis, *, name: str = "gap_rms", level: float = 0.95, seed: int = 0) -> Whole:
    """Root mean square over classes of a member's gap against the rest (De-Arteaga et al. 2019); `axis` has that one member."""
    if len(axis.members) != 1:
        raise ValueError(f"gap_rms is of one member, the axis has {len(axis.members)}")
    return whole(name, "root_mean_square", list(parts.values()), axis, level=level, seed=seed)


def whole(name: str, kind: Kind, parts: Sequence[PerRow], axis: Axis, *, level: float = 0.95, seed: int = 0) -> Whole:
    """The number of this kind; absent where fewer than two members (root_mean_square: no class) have 20 counted rows."""
    parts, axis, left_out = _with_rows(kind, parts, axis)
    known = np.logical_or.reduce([counted for _, counted in parts]) if parts else np.zeros(0, dtype=np.bool_)
    if axis.known is not None and parts:
        known &= axis.known
    unit: Literal["ratio", "share"] = "ratio" if kind == "ratio" else "share"
    about: dict[str, Any] = {
        "name": name,
        "level": level,
        "n": int(known.sum()),
        "unit": unit,
        "higher_is_better": kind in ("lowest", "ratio"),
    }
    if not parts or len(axis.members) < (1 if kind == "root_mean_square" else 2):
        return Whole(Score(**about, why_absent=f"fewer than two members have {LEAST_RATE} counted rows"), left_out=left_out)
    rng = np.random.default_rng([seed, 0x9A])
    groups = None if axis.clusters is None else codes_of(axis.clusters[known])
    units = units_of(_sums(parts, axis, known), groups, rng)
    shape = (len(parts), len(axis.members) + 1, 2)
    seen = _rates(units.total(), shape, kind)
    if kind == "ratio" and not _plain(units.total(), shape).max() > 0:
        return Whole(Score(**about, why_absent="every rate is 0"), left_out=left_out)
    few = groups is not None and units.n < LEAST_INTERVAL
    draws = draws_for(level)
    drawn = _draws(resample, units, (shape, kind), draws, rng)
    deviations = (drawn - seen) * _small_sample(units.n if groups is not None else None, level)
    plain = _plain(units.total(), shape)
    made = _made(kind, plain, seen, deviations, level)
    low, high = (None, None) if few else (made.low, made.high)
    method = f"none: fewer than {LEAST_INTERVAL} clusters" if few else "bootstrap_norm" if groups is None else "cluster_bootstrap_norm"
    score = Score(
        **about, value=made.value, low=low, high=high, method=method, resamples=draws, clusters=None if groups is None else units.n
    )
    names = _extremes(kind, plain, axis)
    return Whole(score, made.raw, made.raw - made.value, made.p, *names, left_out)


def _with_rows(kind: Kind, parts: Sequence[PerRow], axis: Axis) -> tuple[list[PerRow], Axis, tuple[str, ...]]:
    known = True if axis.known is None else axis.known
    if kind == "root_mean_square":
        [inside] = axis.members.values()
        enough = [min(int((c & known & side).sum()) for side in (inside, ~inside)) >= LEAST_RATE for _, c in parts]
        return [x for x, ok in zip(parts, enough, strict=True) if ok], axis, tuple(str(j) for j, ok in enumerate(enough) if not ok)
    kept = {m: mask for m, mask in axis.members.items() if all(int((c & known & mask).sum()) >= LEAST_RATE for _, c in parts)}
    return list(parts), Axis(kept, axis.known, axis.clusters), tuple(m for m in axis.members if m not in kept)


def _sums(parts: Sequence[PerRow], axis: Axis, known: Flags) -> Any:
    """Sparse [n, J * (S + 1) * 2]: value and count of each row for each member and, last, for all known rows."""
    columns = []
    for values, counted in parts:
        for side in (*axis.members.values(), np.ones(len(known), dtype=np.bool_)):
            held = (counted & side)[known].astype(np.float64)
            columns += [sparse.csc_array((held * values[known])[:, None]), sparse.csc_array(held[:, None])]
    return sparse.csr_array(sparse.hstack(columns))


def _plain(sums: Floats, shape: tuple[int, int, int]) -> Floats:
    """Rates [J, S + 1], the last of all rows."""
    table = sums.reshape(shape)
    return np.asarray(table[..., 0] / np.maximum(table[..., 1], 1e-9))


def _rates(sums: Floats, shape: tuple[int, int, int], kind: Kind) -> Floats:
    """Rates as the draws compare them [..., J, S + 1]: root_mean_square against the rest, ratio as logarithms with half a hit added."""
    table = np.asarray(sums).reshape(*np.shape(sums)[:-1], *shape)
    hits, of = table[..., 0], table[..., 1]
    if kind == "root_mean_square":
        hits, of = np.stack([hits[..., 0], hits[..., 1] - hits[..., 0]], -1), np.stack([of[..., 0], of[..., 1] - of[..., 0]], -1)
    if kind == "ratio":
        return np.asarray(np.log((hits + 0.5) / (of + 1)))
    return np.asarray(np.where(of > 0, hits / np.maximum(of, 1e-9), np.nan))


def _draws(draw: Callable[..., Floats], units: Any, how: tuple[tuple[int, int, int], Kind], draws: int, rng: np.random.Generator) -> Floats:
    """Rates [B, J, S + 1]; a member that a draw leaves without rows keeps the rate seen."""
    shape, kind = how
    kept: list[Floats] = []

    def keep(sums: Floats) -> Floats:
        kept.append(_rates(np.asarray(sums), shape, kind))
        return np.zeros(len(sums))

    draw(units, keep, draws, rng)
    out, seen = np.concatenate(kept), _rates(units.total(), shape, kind)
    return np.where(np.isnan(out), seen, out)


def _small_sample(clusters: int | None, level: float) -> float:
    """Deviations are stretched by t / z and sqrt(G / (G - 1)) where there are few clusters."""
    if clusters is None or clusters < 2:
        return 1.0
    return float(stats.t.ppf(0.5 + level / 2, clusters - 1)) / normal_quantile(level) * float(np.sqrt(clusters / (clusters - 1)))


class _Made(NamedTuple):
    value: float
    raw: float
    low: float
    high: float
    p: float | None


def _made(kind: Kind, plain: Floats, seen: Floats, deviations: Floats, level: float) -> _Made:
    if kind in ("highest", "lowest"):
        sign = 1.0 if kind == "highest" else -1.0
        top = (sign * plain[..., :-1]).max()
        bias = float((sign * (plain + deviations)[..., :-1]).max(axis=(-1, -2)).mean() - top)
        q = float(np.quantile(np.abs(deviations[..., :-1]).max(axis=(-1, -2)), level))
        raw = float(sign * top)
        value = min(max(raw - sign * bias, raw - q), raw + q)
        return _Made(value, raw, raw - q, raw + q, None)
    norm = _norm(kind)
    under_null, size = norm(deviations), float(norm(seen[None])[0])
    q, corrected = float(np.quantile(under_null, level)), float(np.sqrt(max(size**2 - float(np.mean(under_null**2)), 0.0)))
    p = (1 + int(np.sum(under_null >= size - 1e-12))) / (1 + len(under_null))
    low, high = max(size - q, 0.0), size + q
    if kind == "ratio":
        raw = float(plain[..., :-1].min() / plain[..., :-1].max())
        return _Made(float(np.exp(-corrected)), raw, float(np.exp(-high)), float(np.exp(-low)), p)
    return _Made(corrected, size, low, high, p)


def _norm(kind: Kind) -> Callable[[Floats], Floats]:
    """[B, J, S + 1] -> [B]."""
    if kind in ("max_min", "ratio"):
        return lambda x: np.asarray(np.ptp(x[..., :-1], axis=-1).max(axis=-1))
    if kind == "root_mean_square":
        return lambda x: np.asarray(np.sqrt(((x[..., 0] - x[..., 1]) ** 2).mean(axis=-1)))
    total = np.sum if kind == "sum_of_differences" else np.mean
    return lambda x: np.asarray(total(np.abs(x[..., :-1] - x[..., -1:]), axis=-1).max(axis=-1))


def _extremes(kind: Kind, plain: Floats, axis: Axis) -> tuple[str | None, str | None]:
    if kind == "root_mean_square":
        return None, None
    names, part = list(axis.members), int(np.ptp(plain[:, :-1], axis=-1).argmax())
    return names[int(plain[part, :-1].argmin())], names[int(plain[part, :-1].argmax())]
