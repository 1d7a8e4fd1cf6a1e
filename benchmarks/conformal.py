"""Promises on real data: does the coverage of sets follow its Beta law, and is the share wrong of withheld answers kept?

`python -m benchmarks.conformal` writes benchmarks/results/4-conformal.json. Logits are those of logistic regressions on MiniLM's vectors of real
sets (banking77, tweeteval emotion, medical abstracts), made too sharp by a factor of two, and the trained part of the rows is not used again.
The rest is divided at random into calibration (500 rows) and evaluation (all others), 300 times: coverage of nine of ten beside Beta(n + 1 - l, l)
with the noise of the evaluation rows (beta-binomial), and how often more than 5 or 10% of the answers given are wrong.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from scipy import stats
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from benchmarks.claims import record, row
from benchmarks.sets import rows_of
from goodfit.statistics.conformal import lac, law, quantile, raps
from goodfit.statistics.proportions import wilson
from goodfit.statistics.selective import levels_of, promised
from goodfit.tasks.embeddings import find_encoder

COMMAND = "python -m benchmarks.conformal"
SETS = ("banking77", "emotion", "medical")
TRAIN, CALIBRATE, DRAWS, ALPHA = 1500, 500, 300, 0.1
ROWS = 4500
RISKS = (0.05, 0.10)


def probabilities(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Of rows that were not trained on [n, L], and their labels."""
    rng = np.random.default_rng(7)
    pool = rows_of(name)
    some = [pool[i] for i in rng.permutation(len(pool))[:ROWS]]
    labels = sorted({label for _, label in some})
    y = np.array([labels.index(label) for _, label in some])
    encoder, _ = find_encoder("all-MiniLM-L6-v2", "auto", Path())
    x = encoder.embed(pa.array([text for text, _ in some]))
    model = LogisticRegression(C=10, max_iter=300).fit(x[:TRAIN], y[:TRAIN])
    keep = np.isin(y, model.classes_)
    keep[:TRAIN] = False
    z = 2 * model.decision_function(x[keep])
    z = np.stack([-z, z], axis=1) / 2 if z.ndim == 1 else z
    p = np.exp(z - z.max(axis=1, keepdims=True))
    place = {label: i for i, label in enumerate(model.classes_.tolist())}
    return p / p.sum(axis=1, keepdims=True), np.array([place[label] for label in y[keep].tolist()])


def coverages(p: np.ndarray, y: np.ndarray, score: Any) -> tuple[list[float], list[float]]:
    """Coverage of every draw, and its place (mid-p) in the law."""
    strange = score(p)[np.arange(len(y)), y]
    seen, places = [], []
    for draw in range(DRAWS):
        order = np.random.default_rng(draw).permutation(len(y))
        calibrate, rest = order[:CALIBRATE], order[CALIBRATE:]
        covered = int((strange[rest] <= quantile(strange[calibrate], ALPHA)).sum())
        seen.append(covered / len(rest))
        places.append(
            float(
                stats.betabinom.cdf(covered, len(rest), *law(CALIBRATE, ALPHA))
                - stats.betabinom.pmf(covered, len(rest), *law(CALIBRATE, ALPHA)) / 2
            )
        )
    return seen, places


def coverage_rows(name: str, p: np.ndarray, y: np.ndarray) -> list[dict[str, Any]]:
    out = []
    for way, score in (("LAC", lac), ("RAPS", lambda q: raps(q, 0.01, 2))):
        seen, places = coverages(p, y, score)
        # draws share rows, so their places are not independent: each tail is asked for by itself, with the noise of 300 draws
        inside = float(np.mean([(0.025 <= one <= 0.975) for one in places]))
        low, high = wilson(sum(0.025 <= one <= 0.975 for one in places), len(places))
        a, b = law(CALIBRATE, ALPHA)
        out.append(row(
            f"sets by {way} on {name}: coverage within the middle 95% of its Beta law", ">= 0.92", round(inside, 4), low=round(low, 4),
            high=round(high, 4), n=len(places), passed=inside >= 0.92, command=COMMAND, mean_coverage=round(float(np.mean(seen)), 4),
            law_mean=round(a / (a + b), 4), spread=round(float(np.std(seen)), 4),
            law_spread=round(float(stats.betabinom(len(y) - CALIBRATE, a, b).std() / (len(y) - CALIBRATE)), 4),
        ))  # fmt: skip
        print(out[-1]["claim"], out[-1]["value"], out[-1]["mean_coverage"], out[-1]["spread"], out[-1]["law_spread"], flush=True)
    return out


def withheld_rows(tables: dict[str, tuple[np.ndarray, np.ndarray]]) -> list[dict[str, Any]]:
    out = []
    for risk in RISKS:
        broken = given = naive = 0
        answered = []
        for p, y in tables.values():
            confidence, right = p.max(axis=1), p.argmax(axis=1) == y
            for draw in range(DRAWS):
                order = np.random.default_rng(draw).permutation(len(y))
                calibrate, rest = order[:CALIBRATE], order[CALIBRATE:]
                levels = levels_of(confidence[calibrate], right[calibrate])
                level = promised(levels, risk)
                plain = [one for one in levels if one.errors <= risk * one.covered]
                naive += _wrong(confidence[rest], right[rest], plain[-1].threshold) > risk if plain else 0
                if level is None:
                    continue
                given += 1
                answered.append(float((confidence[rest] > level.threshold).mean()))
                broken += _wrong(confidence[rest], right[rest], level.threshold) > risk
        tries = DRAWS * len(tables)
        low, high = wilson(broken, tries)
        out.append(row(
            f"withheld answers: draws in which more than {100 * risk:.0f}% of the answers given are wrong", "<= 0.05", round(broken / tries, 4),
            low=round(low, 4), high=round(high, 4), n=tries, passed=broken / tries <= 0.05, command=COMMAND,
            promised=round(given / tries, 4), answered=round(float(np.mean(answered)), 4) if answered else 0.0,
            peers={"threshold by the share seen, broken": round(naive / tries, 4)},
        ))  # fmt: skip
        print(out[-1]["claim"], out[-1]["value"], out[-1]["promised"], out[-1]["peers"], flush=True)
    return out


def _wrong(confidence: np.ndarray, right: np.ndarray, threshold: float) -> float:
    given = confidence > threshold
    return float((~right[given]).mean()) if given.any() else 0.0


def main() -> None:
    with threadpool_limits(1):
        tables = {name: probabilities(name) for name in SETS}
        rows = [one for name, (p, y) in tables.items() for one in coverage_rows(name, p, y)]
        rows += withheld_rows(tables)
    print(record("conformal", rows, part=4))


if __name__ == "__main__":
    main()
