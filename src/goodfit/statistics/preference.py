"""Which system do people prefer? Bradley-Terry with ties and a position effect; for two systems the plain share of wins.

Part of statistics; `improve.review` is its caller. A judgement compares two answers to one prompt: the system shown first against the
one shown second. Prompts are the unit: several judgements of one prompt (reviewers, repeats) are one cluster.

    P(first wins)  proportional to  exp( (s_first - s_second + position + slope * covariate) / 2)
    P(second wins) proportional to  exp(-(the same) / 2)
    P(tie)         proportional to  exp(tie)

(Bradley & Terry 1952; Davidson 1970 for ties; Davidson & Beaver 1977 for the position.) The likelihood is concave: Newton's method finds
its top, a weak ridge keeps strengths finite where one system wins always, the covariance is the sandwich summed within prompts, with
Student's t of prompts - 1 degrees of freedom.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from goodfit.score import Score, Verdict
from goodfit.statistics.comparing import LEAST_ROWS, answer_of
from goodfit.statistics.influence import Spread, on_scale, spread, wilson_interval
from goodfit.statistics.power import POWER
from goodfit.statistics.proportions import normal_quantile
from goodfit.statistics.sample import Floats, Ints, Unscorable

RIDGE = 1e-2
STEPS = 100
TIE_AT, POSITION_AT, SYSTEMS_AT = 0, 1, 2
"""Where the parameters stand: tie, position, one per system, then the slope of the covariate where there is one."""
WIN, TIE, LOSS = 1.0, 0.5, 0.0


@dataclass(frozen=True)
class Judgements:
    """Answers to "which is better?": `first` and `second` are indices of systems [n], `outcome` [n] is 1 (the first), 0.5 (a tie) or 0.

    `prompts` is any name per judgement; `weights` are inverse inclusion probabilities, or None where every prompt was as likely.
    """

    systems: tuple[str, ...]
    first: Ints
    second: Ints
    outcome: Floats
    prompts: Ints
    weights: Floats

    @classmethod
    def of(cls, systems: Any, first: Any, second: Any, outcome: Any, *, prompts: Any, weights: Any = None) -> Judgements:
        """Checks and converts; ValueError for what a caller did wrong."""
        result = np.asarray(outcome, dtype=np.float64)
        if not np.isin(result, (WIN, TIE, LOSS)).all():
            raise ValueError("an outcome is 1 (the first wins), 0.5 (a tie) or 0 (the second wins)")
        a, b = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
        if (a == b).any() or not len(a) == len(b) == len(result) == len(prompts):
            raise ValueError("each judgement compares two different systems of one prompt")
        _, codes = np.unique(np.asarray(prompts), return_inverse=True)
        w = np.ones(len(result)) if weights is None else np.asarray(weights, dtype=np.float64)
        if len(w) != len(result) or (w <= 0).any():
            raise ValueError("there is one weight above 0 per judgement")
        return cls(tuple(systems), a, b, result, codes.astype(np.int64).reshape(-1), w)

    @property
    def n(self) -> int:
        """Judgements."""
        return len(self.outcome)

    def between(self, a: str, b: str) -> tuple[Floats, Ints, Floats]:
        """Share of the win that went to `a` (1, 0.5, 0), prompts and weights of the judgements that compare these two."""
        i, j = self.systems.index(a), self.systems.index(b)
        forward, back = (self.first == i) & (self.second == j), (self.first == j) & (self.second == i)
        won = np.where(forward, self.outcome, 1 - self.outcome)
        chosen = forward | back
        return won[chosen], self.prompts[chosen], self.weights[chosen]


@dataclass(frozen=True)
class BradleyTerry:
    """The fitted model: strengths [k] (they add up to 0), position effect, log of the tie parameter, slope of a covariate."""

    systems: tuple[str, ...]
    strengths: Floats
    position: float
    tie: float
    slope: float | None
    pulls: Floats
    """What each prompt pulls each parameter [G, parameters]: squares add up to the sandwich variance."""
    n: int

    def spread(self, contrast: Floats) -> Spread:
        """Standard error and degrees of freedom of `contrast @ parameters`."""
        return Spread(float(np.linalg.norm(self.pulls @ contrast)), max(len(self.pulls) - 1.0, 1.0))

    def win_share(self, a: str, b: str, level: float = 0.95) -> Score:
        """Chance that `a` beats `b`, half of the ties to each, were neither shown first; interval on the log-odds scale."""
        i, j = SYSTEMS_AT + self.systems.index(a), SYSTEMS_AT + self.systems.index(b)
        theta = np.zeros(self.pulls.shape[1])
        theta[SYSTEMS_AT : SYSTEMS_AT + len(self.systems)] = self.strengths
        theta[TIE_AT] = self.tie

        def share(at: Floats) -> float:
            half = (at[i] - at[j]) / 2
            up, down, tied = math.exp(half), math.exp(-half), math.exp(at[TIE_AT])
            return (up + tied / 2) / (up + down + tied)

        gradient = np.array([(share(theta + e) - share(theta - e)) / 2e-5 for e in np.eye(len(theta)) * 1e-5])
        value, about = share(theta), self.spread(gradient)
        low, high = on_scale(value, about, "logit", level)
        return Score(name="win_share", value=value, low=low, high=high, level=level, n=self.n, system=a, clusters=len(self.pulls),
                     method="bradley_terry_sandwich")  # fmt: skip

    def position_effect(self, level: float = 0.95) -> Score:
        """Share of decisive judgements that the answer shown first wins against an equal one: 50% is no effect."""
        value = 1 / (1 + math.exp(-self.position))
        about = self.spread(_unit(self.pulls.shape[1], POSITION_AT))
        low, high = (1 / (1 + math.exp(-x)) for x in on_scale(self.position, about, "identity", level))
        return Score(name="first_shown_wins", value=value, low=low, high=high, level=level, n=self.n, clusters=len(self.pulls),
                     method="bradley_terry_sandwich")  # fmt: skip

    def slope_effect(self, name: str, level: float = 0.95) -> Score:
        """The covariate's slope in log-odds per unit, at equal strengths."""
        assert self.slope is not None
        low, high = on_scale(self.slope, self.spread(_unit(self.pulls.shape[1], SYSTEMS_AT + len(self.systems))), "identity", level)
        return Score(name=name, value=self.slope, low=low, high=high, level=level, n=self.n, unit="ratio", clusters=len(self.pulls),
                     method="bradley_terry_sandwich")  # fmt: skip


def bradley_terry(judged: Judgements, *, covariate: Any = None) -> BradleyTerry:
    """The fit by Newton's method; `covariate` [n] favours the first where positive (the log-ratio of lengths, say).

    Unscorable with fewer than two prompts.
    """
    design = _design(judged, covariate)
    groups = int(judged.prompts.max()) + 1 if judged.n else 0
    if groups < 2:
        raise Unscorable("fewer than two judged prompts")
    weights = judged.weights / judged.weights.mean()
    parameters = np.zeros(design.shape[1])
    value, gradient, curvature = _likelihood(parameters, design, judged.outcome, weights)
    for _ in range(STEPS):
        step = np.linalg.solve(curvature, gradient)
        size = 1.0
        while size > 1e-8:
            tried = parameters + size * step
            ahead = _likelihood(tried, design, judged.outcome, weights)
            if ahead[0] >= value - 1e-12:
                break
            size /= 2
        parameters, (value, gradient, curvature) = tried, ahead
        if float(np.abs(step).max()) * size < 1e-10:
            break
    scores = _scores(parameters, design, judged.outcome) * weights[:, None]
    summed = np.zeros((groups, design.shape[1]))
    np.add.at(summed, judged.prompts, scores)
    summed -= summed.mean(axis=0)
    pulls = np.asarray(np.linalg.solve(curvature, summed.T).T, dtype=np.float64) * math.sqrt(groups / (groups - 1))
    k = len(judged.systems)
    slope = float(parameters[-1]) if covariate is not None else None
    strengths = parameters[SYSTEMS_AT : SYSTEMS_AT + k]
    return BradleyTerry(
        judged.systems, strengths - strengths.mean(), float(parameters[POSITION_AT]), float(parameters[TIE_AT]), slope, pulls, judged.n
    )


def _design(judged: Judgements, covariate: Any) -> Floats:
    """What lifts the first answer over the second, per judgement [n, parameters]; the tie's column is empty."""
    k = len(judged.systems)
    out = np.zeros((judged.n, SYSTEMS_AT + k + (covariate is not None)))
    rows = np.arange(judged.n)
    out[:, POSITION_AT] = 1.0
    out[rows, SYSTEMS_AT + judged.first] = 1.0
    out[rows, SYSTEMS_AT + judged.second] = -1.0
    if covariate is not None:
        out[:, -1] = np.asarray(covariate, dtype=np.float64)
    return out


def _chances(parameters: Floats, design: Floats) -> Floats:
    """P(first wins), P(second wins), P(tie) of each judgement [n, 3]."""
    lift = design @ parameters
    logits = np.stack([lift / 2, -lift / 2, np.full(len(lift), parameters[TIE_AT])], axis=1)
    chances = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(chances / chances.sum(axis=1, keepdims=True))


def _scores(parameters: Floats, design: Floats, outcome: Floats) -> Floats:
    """Each judgement's derivative of the log-likelihood [n, parameters], without the ridge."""
    chances = _chances(parameters, design)
    out = design * ((outcome - 0.5) - (chances[:, 0] - chances[:, 1]) / 2)[:, None]
    out[:, TIE_AT] = (outcome == TIE) - chances[:, 2]
    return out


def _likelihood(parameters: Floats, design: Floats, outcome: Floats, weights: Floats) -> tuple[float, Floats, Floats]:
    """Penalised log-likelihood, gradient, and curvature (minus the Hessian)."""
    chances = _chances(parameters, design)
    seen = np.where(outcome == WIN, chances[:, 0], np.where(outcome == LOSS, chances[:, 1], chances[:, 2]))
    value = float(weights @ np.log(np.maximum(seen, 1e-300))) - RIDGE / 2 * float(parameters @ parameters)
    gradient = _scores(parameters, design, outcome).T @ weights - RIDGE * parameters
    lean = (chances[:, 0] - chances[:, 1]) / 2
    curvature = design.T @ (design * (weights * ((chances[:, 0] + chances[:, 1]) / 4 - lean**2))[:, None])
    cross = design.T @ (weights * -lean * chances[:, 2])
    curvature[:, TIE_AT] += cross
    curvature[TIE_AT, :] += cross
    curvature[TIE_AT, TIE_AT] += float(weights @ (chances[:, 2] * (1 - chances[:, 2])))
    return value, gradient, curvature + RIDGE * np.eye(len(parameters))


def _unit(size: int, place: int) -> Floats:
    out = np.zeros(size)
    out[place] = 1.0
    return out


def win_share(judged: Judgements, a: str, b: str, level: float = 0.95) -> Score:
    """Share of judgements won by `a` against `b`, half of the ties to each: the weighted mean, interval clustered by prompt.

    Wilson on the effective number of prompts. Absent with fewer than two judged prompts.
    """
    won, prompts, weights = judged.between(a, b)
    units = len(np.unique(prompts))
    if units < 2:
        return Score(name="win_share", level=level, n=len(won), system=a, clusters=units, why_absent="fewer than two judged prompts")
    value, low, high, _ = _weighted(won, prompts, weights, level)
    return Score(name="win_share", value=value, low=low, high=high, level=level, n=len(won), system=a, clusters=units,
                 method="wilson_effective_clustered")  # fmt: skip


def mean_rating(values: Any, prompts: Any, weights: Any, *, ends: tuple[float, float] = (1.0, 5.0), level: float = 0.95) -> Score:
    """Weighted mean of ratings [n] that lie between `ends`; interval clustered by prompt, Wilson's carried over to that range.

    Ratings 1 to 5, or differences of two such with ends (-4, 4). Absent with fewer than two prompts.
    """
    x, w = np.asarray(values, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    units = len(np.unique(np.asarray(prompts)))
    facts: dict[str, Any] = {"name": "mean_rating", "level": level, "n": len(x), "unit": "points", "clusters": units}
    if units < 2:
        return Score(why_absent="fewer than two rated prompts", **facts)
    least, most = ends
    value, low, high, _ = (least + (most - least) * end for end in _weighted((x - least) / (most - least), np.asarray(prompts), w, level))
    return Score(value=value, low=low, high=high, method="wilson_effective_clustered", **facts)


def rated_higher(difference: Score, question: str) -> Verdict:
    """Is one rated higher than the other? From the `mean_rating` of paired differences."""
    facts: dict[str, Any] = {"question": question, "difference": difference}
    if difference.value is None or (difference.clusters or 0) < LEAST_ROWS:
        why = difference.why_absent or f"{difference.clusters} prompts rated, a verdict takes at least {LEAST_ROWS}"
        return Verdict(answer="cannot_tell", text=f"cannot tell: {why}", **facts)
    answer = answer_of(difference, 0.0, None)
    words = f"{difference.value:+.2f} points [{difference.low:+.2f}, {difference.high:+.2f}] on {difference.clusters:,} prompts"
    said = {"better": "rated higher: ", "worse": "rated lower: "}.get(answer, "cannot tell: ")
    return Verdict(answer=answer, text=said + words, **facts)


def _weighted(won: Floats, prompts: Ints, weights: Floats, level: float) -> tuple[float, float, float, float]:
    """Weighted mean of shares, its interval, and the p of one half; weights enter as inverse inclusion probabilities (Hajek)."""
    _, codes = np.unique(prompts, return_inverse=True)
    codes = codes.astype(np.int64).reshape(-1)
    units = int(codes.max()) + 1
    value = float(weights @ won / weights.sum())
    about = spread(weights * (won - value) / weights.sum() if units > 1 else won * 0, codes)
    if about.error <= 1e-12:
        low, high = wilson_interval(value, units, normal_quantile(level))
        return value, low, high, (1.0 if abs(value - 0.5) < 1e-12 else float(stats.binomtest(units, units).pvalue))
    low, high = on_scale(value, about, "wilson", level)
    return value, low, high, about.p(value - 0.5)


def preferred(judged: Judgements, a: str, b: str, level: float = 0.95) -> Verdict:
    """Do people prefer `a` to `b`? Better or worse where the interval of the win share leaves one half out, else cannot tell.

    The difference is win share - 1/2; `rows_needed` counts judgements in all (ties and prompts judged twice as often as seen).
    """
    won, prompts, weights = judged.between(a, b)
    question, units = f"{a} vs {b}, as people prefer", len(np.unique(prompts))
    if units < LEAST_ROWS:
        why = f"{units} prompts judged, a verdict takes at least {LEAST_ROWS}"
        absent = Score(name="win_share_over_half", level=level, n=len(won), why_absent=why)
        return Verdict(question=question, answer="cannot_tell", difference=absent, text=f"cannot tell: {why}",
                       rows_needed=judgements_needed(won) if len(won) else None)  # fmt: skip
    value, low, high, p = _weighted(won, prompts, weights, level)
    difference = Score(
        name="win_share_over_half", value=value - 0.5, low=low - 0.5, high=high - 0.5, level=level, n=len(won), clusters=units,
        method="wilson_effective_clustered",
    )  # fmt: skip
    answer = answer_of(difference, 0.0, None)
    needed = judgements_needed(won) if answer == "cannot_tell" else None
    share = f"{100 * value:.1f}% [{100 * low:.1f}, {100 * high:.1f}] of {len(won):,} judgements"
    text = f"preferred in {share}" if answer == "better" else f"cannot tell: preferred in {share}"
    if answer == "worse":
        text = f"the other is preferred: this one in {share}"
    if needed is not None and needed > len(won):
        text += f"; about {needed:,} would settle a preference of this size"
    return Verdict(question=question, answer=answer, difference=difference, rows_needed=needed, p=p, text=text)


def decisive_needed(share: float, *, level: float = 0.95, power: float = POWER) -> int | None:
    """Judgements without a tie that show a win share (among such) other than one half: 194 for 60%, 783 for 55%; None at one half."""
    gap = abs(share - 0.5)
    if gap < 1e-9:
        return None
    z, lift = normal_quantile(level), float(stats.norm.ppf(power))
    return math.ceil((0.5 * z + lift * math.sqrt(max(share * (1 - share), 0.0))) ** 2 / gap**2)


def judgements_needed(won: Floats, *, level: float = 0.95, power: float = POWER) -> int | None:
    """Judgements in all that would settle a preference like the one seen: the decisive ones, with as many ties as so far."""
    decisive = won[won != TIE]
    if not len(decisive):
        return None
    least = decisive_needed(float(decisive.mean()), level=level, power=power)
    return None if least is None else math.ceil(max(least, LEAST_ROWS) * len(won) / len(decisive))
