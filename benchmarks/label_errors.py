"""Label errors: rankings beside cleanlab's on the same vectors, the range without a review, and the estimate with one.

`python -m benchmarks.label_errors` reads real sets beside the repository (folder `shared/data`, or $GOODFIT_SHARED), changes labels in them by
chance (to any class), as the classes are confused, or near the boundary of classes, and writes benchmarks/results/3-label-errors.json.
Every cell is kept in .demo/label-errors.jsonl as soon as it is measured, so that the command can be stopped and goes on where it was;
`--cells FILE` keeps them elsewhere, `--report` only makes the rows.

Methods were chosen on other sets (tweeteval irony, financial_phrasebank, single intents of nlupp), see docs/why/label-noise.md; nothing here was
tuned on the cells that are reported. cleanlab gets cross-validated probabilities of the same regression on the same vectors: of
one division into folds, as its own code makes them, and of three; the better of its scores on the better of the two is what counts.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from scipy import stats
from sklearn.metrics import average_precision_score
from threadpoolctl import threadpool_limits

from benchmarks.claims import ROOT, record, row
from goodfit.stages.audit.labels.flags import bounds, flagged
from goodfit.stages.audit.labels.opinion import Opinion, Subject, centred, opinion_of, out_of_fold
from goodfit.stages.audit.labels.planted import look_for_planted, precision
from goodfit.stages.audit.labels.ranking import positions, rank_classes, strata_of
from goodfit.stages.audit.labels.review import ALLOCATION, stratified
from goodfit.statistics.proportions import wilson
from goodfit.tasks.embeddings import find_encoder

SHARED = Path(os.environ.get("GOODFIT_SHARED", ROOT.parent / "shared")) / "data"
CELLS = ROOT / ".demo" / "label-errors.jsonl"
COMMAND = "python -m benchmarks.label_errors"
ENCODER = "all-MiniLM-L6-v2"
KINDS, RATES, DRAWS = ("uniform", "class_dependent", "near_boundary"), (0.05, 0.10, 0.20), 3
ROWS = 3000
REVIEW, REVIEWS = 200, 100
SCORES = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")
Rows = list[tuple[str, str]]


def tweets(name: str) -> Rows:
    folder = SHARED / "tweeteval" / name
    labels = (folder / "train_labels.txt").read_text(encoding="utf-8").split()
    texts = (folder / "train_text.txt").read_text(encoding="utf-8").split("\n")[: len(labels)]
    return list(zip(texts, labels, strict=True))


def sms() -> Rows:
    lines = (SHARED / "sms_spam" / "sms.tsv").read_text(encoding="utf-8").splitlines()
    return [(text, label) for label, _, text in (line.partition("\t") for line in lines)]


def banking77() -> Rows:
    with (SHARED / "banking77" / "train.csv").open(encoding="utf-8", newline="") as handle:
        return [(r["text"], r["category"]) for r in csv.DictReader(handle)]


SETS: dict[str, Callable[[], Rows]] = {
    "sms_spam": sms, "banking77": banking77, "tweet_emotion": lambda: tweets("emotion"), "tweet_hate": lambda: tweets("hate"),
}  # fmt: skip


def african(name: str) -> tuple[list[str], list[str], list[str]]:
    """Texts, labels by people, labels by distant supervision."""
    folder = SHARED / "african_noisy_news" / f"{name}_newsclass"

    def read(file: str) -> list[dict[str, str]]:
        with (folder / file).open(encoding="utf-8", newline="") as handle:
            return list(csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE))

    clean, noisy = read("train_clean.tsv"), read("train_clean_noisy_labels.tsv")
    assert [r["news_title"] for r in clean] == [r["news_title"] for r in noisy]
    return [r["news_title"] for r in clean], [r["label"].lower() for r in clean], [r["label"].lower() for r in noisy]


def imdb(others: int = 1500) -> tuple[list[str], list[str], np.ndarray, np.ndarray]:
    """Texts, given labels, which rows five people reviewed, which of those fewer than three gave the label that stands."""
    votes = {v["id"]: v["mturk"]["given"] for v in json.loads((SHARED / "imdb_label_errors" / "imdb_mturk.json").read_text())}
    with gzip.open(SHARED / "imdb_label_errors" / "imdb_test.jsonl.gz", "rt", encoding="utf-8") as handle:
        rows = [json.loads(line) for line in handle]
    known = [r for r in rows if r["id"] in votes]
    rest = [r for r in rows if r["id"] not in votes]
    kept = known + [rest[i] for i in np.random.default_rng(0).permutation(len(rest))[:others]]
    reviewed = np.array([r["id"] in votes for r in kept])
    return [r["text"] for r in kept], [str(r["label"]) for r in kept], reviewed, np.array([votes.get(r["id"], 5) < 3 for r in kept])


def vectors(texts: Sequence[str]) -> np.ndarray:
    """Of the encoder, cached by text."""
    encoder, _ = find_encoder(ENCODER, "auto", Path())
    return encoder.embed(pa.array(texts, pa.string()), lambda what, done, total, note: print(f"  {what} {done}/{total} {note}", flush=True))


def coded(labels: Sequence[str]) -> tuple[np.ndarray, int]:
    names, codes = np.unique(labels, return_inverse=True)
    return codes, len(names)


def subject_of(features: np.ndarray, labels: np.ndarray, k: int, seed: int) -> Subject:
    return Subject(features, np.eye(k, dtype=np.float32)[labels], np.arange(len(labels)), True, seed)


def noisy(labels: np.ndarray, clean: np.ndarray, kind: str, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Labels with a share `rate` changed; `clean` are held-out probabilities on the labels as they were."""
    n, k = clean.shape
    changed, count, every = labels.copy(), round(rate * n), np.arange(n)
    if kind == "uniform":
        rows = rng.permutation(n)[:count]
        changed[rows] = (labels[rows] + rng.integers(1, k, size=count)) % k
    elif kind == "class_dependent":  # classes are wrong more or less often, and go where they are confused
        like = np.stack([clean[labels == c].mean(axis=0) for c in range(k)]) ** 2
        np.fill_diagonal(like, 0)
        weight = rng.uniform(0.4, 1.6, size=k)[labels]
        rows = rng.choice(n, count, replace=False, p=weight / weight.sum())
        changed[rows] = [rng.choice(k, p=like[c] / like[c].sum()) for c in labels[rows]]
    else:  # rows between two classes go to the other
        rivals = clean.copy()
        rivals[every, labels] = -1
        weight = np.exp(-6 * np.abs(clean[every, labels] - rivals.max(axis=1)))
        rows = rng.choice(n, count, replace=False, p=weight / weight.sum())
        changed[rows] = rivals.argmax(axis=1)[rows]
    return changed


def cleanlab_scores(labels: np.ndarray, wrong: np.ndarray, chances: np.ndarray) -> dict[str, float]:
    whole = np.maximum(chances.astype(np.float64), 1e-9)
    whole /= whole.sum(axis=1, keepdims=True)
    return {m: float(average_precision_score(wrong, -get_label_quality_scores(labels, whole, method=m))) for m in SCORES}


def measured(subject: Subject, wrong: np.ndarray, opinion: Opinion | None = None) -> dict[str, Any]:
    """Everything of one cell: rankings of both, range, flags, simulated reviews; `wrong` [n]: rows whose label was changed."""
    opinion = opinion or opinion_of(subject)
    labels, n = subject.labels, len(wrong)
    one, _ = out_of_fold(subject, centred(subject.vectors), opinion.fold, opinion.strength)
    ranking = rank_classes(labels, opinion.mixed)
    limits, flags, found = bounds(subject, opinion), flagged(subject, opinion.mixed), look_for_planted(subject, opinion)
    noise = float(wrong.mean())
    issues = find_label_issues(labels, np.maximum(one, 1e-9) / np.maximum(one, 1e-9).sum(axis=1, keepdims=True), n_jobs=1)
    return {
        "n": n, "classes": int(subject.targets.shape[1]), "noise": noise, "strength": opinion.strength,
        "ours": float(average_precision_score(wrong, ranking.score)),
        "cleanlab": cleanlab_scores(labels, wrong, one), "cleanlab_three": cleanlab_scores(labels, wrong, opinion.linear),
        "low": limits.low, "high": limits.high, "flags": int(flags.sum()),
        "real": float(wrong[flags].mean()) if flags.any() else None, "cleanlab_flags": int(issues.sum()),
        "cleanlab_real": float(wrong[issues].mean()) if issues.any() else None,
        "expected": precision(found.recall, noise, n, int(flags.sum())),
        "expected_ends": [precision(end, noise, n, int(flags.sum())) for end in found.ends],
        **reviews(wrong[np.argsort(positions(ranking.score))], np.random.default_rng(subject.seed)),
    }  # fmt: skip


def reviews(wrong: np.ndarray, rng: np.random.Generator) -> dict[str, float]:
    """Simulated reviews of REVIEW rows by a reviewer who is always right; `wrong` [n], most suspicious first."""
    stratum = strata_of(np.arange(len(wrong))).astype(np.int64)
    counts = np.minimum(np.round(np.array(ALLOCATION) * REVIEW).astype(int), np.bincount(stratum))
    held, widths, gaps = 0, [], []
    for _ in range(REVIEWS):
        seen = np.zeros(len(wrong), dtype=bool)
        for one, count in enumerate(counts):
            seen[rng.choice(np.flatnonzero(stratum == one), count, replace=False)] = True
        value, low, high = stratified(wrong, seen, stratum, 0.95)
        held += low <= wrong.mean() <= high
        widths.append(high - low)
        gaps.append(value - wrong.mean())
    return {"held": held / REVIEWS, "width": float(np.mean(widths)), "rmse": float(np.sqrt(np.mean(np.square(gaps))))}


def cells() -> Iterator[tuple[dict[str, Any], Callable[[], dict[str, Any]]]]:
    """What is measured: its key, and how."""
    for name, read in SETS.items():
        made: dict[str, Any] = {}

        def ready(read: Callable[[], Rows] = read, made: dict[str, Any] = made) -> dict[str, Any]:
            if not made:
                rows = read()
                kept = np.sort(np.random.default_rng(0).permutation(len(rows))[:ROWS])
                made["labels"], made["k"] = coded([rows[i][1] for i in kept])
                made["vectors"] = vectors([rows[i][0] for i in kept])
                made["clean"] = opinion_of(subject_of(made["vectors"], made["labels"], made["k"], 0)).linear
            return made

        for kind in KINDS:
            for rate in RATES:
                for draw in range(DRAWS):

                    def measure(
                        kind: str = kind, rate: float = rate, draw: int = draw, name: str = name, ready: Any = ready
                    ) -> dict[str, Any]:
                        data = ready()
                        rng = np.random.default_rng([draw, round(1000 * rate), zlib.crc32(f"{name} {kind}".encode())])
                        labels = noisy(data["labels"], data["clean"], kind, rate, rng)
                        return measured(subject_of(data["vectors"], labels, data["k"], draw), labels != data["labels"])

                    yield {"set": name, "kind": kind, "rate": rate, "draw": draw}, measure
    for name in ("hausa", "yoruba"):
        yield {"set": f"african_noisy_news/{name}"}, lambda name=name: _african(name)
    yield {"set": "imdb_label_errors"}, _imdb


def _african(name: str) -> dict[str, Any]:
    texts, true, given = african(name)
    codes, k = coded(given + true)
    labels, right = codes[: len(given)], codes[len(given) :]
    return measured(subject_of(vectors(texts), labels, k, 0), labels != right)


def _imdb() -> dict[str, Any]:
    texts, given, reviewed, doubtful = imdb()
    labels, k = coded(given)
    subject = subject_of(vectors(texts), labels, k, 0)
    opinion = opinion_of(subject)
    one, _ = out_of_fold(subject, centred(subject.vectors), opinion.fold, opinion.strength)
    score = rank_classes(labels, opinion.mixed).score
    flags = flagged(subject, opinion.mixed) & reviewed
    return {
        "n": int(reviewed.sum()), "noise": float(doubtful[reviewed].mean()),
        "ours": float(average_precision_score(doubtful[reviewed], score[reviewed])),
        "cleanlab": cleanlab_scores(labels[reviewed], doubtful[reviewed], one[reviewed]),
        "cleanlab_three": cleanlab_scores(labels[reviewed], doubtful[reviewed], opinion.linear[reviewed]),
        "flags": int(flags.sum()), "real": float(doubtful[flags].mean()),
    }  # fmt: skip


def best(cell: dict[str, Any], method: str) -> float:
    return float(max(cell["cleanlab"][method], cell["cleanlab_three"][method]))


def by_cell(done: list[dict[str, Any]], value: Callable[[dict[str, Any]], float]) -> np.ndarray:
    """The mean over the draws of every set, kind and rate."""
    keys = sorted({(c["set"], c["kind"], c["rate"]) for c in done})
    return np.array([np.mean([value(c) for c in done if (c["set"], c["kind"], c["rate"]) == key]) for key in keys])


def mean_of(values: np.ndarray) -> dict[str, Any]:
    """A mean with its t interval."""
    half = float(stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    middle = float(values.mean())
    return {"value": round(middle, 4), "low": round(middle - half, 4), "high": round(middle + half, 4), "n": len(values)}


def share_of(hits: float, n: int) -> dict[str, Any]:
    low, high = wilson(hits, n)
    return {"value": round(hits / n, 4), "low": round(low, 4), "high": round(high, 4), "n": n}


def claim(about: str, goal: str, figure: dict[str, Any], passed: bool | None, **peers: float) -> dict[str, Any]:
    rest = {key: value for key, value in figure.items() if key != "value"}
    return row(
        f"label errors: {about}",
        goal,
        figure["value"],
        passed=None if passed is None else bool(passed),
        command=COMMAND,
        peers=peers,
        **rest,
    )


def rows_of(done: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of the results file from the cells that are there."""
    injected = [c for c in done if c.get("kind") in ("uniform", "class_dependent")]
    out = [*_rankings(injected, "uniform and class-dependent noise"), *_by_kind(done), *_ranges(injected), *_reviews(injected)]
    return out + _flags(injected) + _real(done) + _unmeasured(done)


def _rankings(injected: list[dict[str, Any]], about: str) -> list[dict[str, Any]]:
    ours = by_cell(injected, lambda c: c["ours"])
    theirs = {method: by_cell(injected, lambda c, m=method: best(c, m)) for method in SCORES}
    winner = max(theirs, key=lambda m: theirs[m].mean())
    gap, strict = mean_of(ours - theirs[winner]), mean_of(ours - np.max(list(theirs.values()), axis=0))
    peers = {f"cleanlab 2.9.0 {method}": round(float(values.mean()), 4) for method, values in theirs.items()}
    enough = len(ours) >= 24
    return [
        claim(f"average precision over {len(ours)} cells of {about}, less that of cleanlab's best score ({winner})", "interval above -0.01",
              gap, gap["low"] > -0.01 if enough else None),
        claim("the same, less the best of cleanlab's scores in each cell", "reported", strict, None),
        claim(f"average precision, mean over {len(ours)} cells", "reported", mean_of(ours), None, **peers),
    ]  # fmt: skip


def _by_kind(done: list[dict[str, Any]]) -> list[dict[str, Any]]:
    out = []
    for kind in KINDS:
        held = [c for c in done if c.get("kind") == kind]
        if held:
            peers = {f"cleanlab 2.9.0 {m}": round(float(by_cell(held, lambda c, m=m: best(c, m)).mean()), 4) for m in SCORES}
            out.append(
                claim(
                    f"average precision, {kind.replace('_', '-')} noise",
                    "reported",
                    mean_of(by_cell(held, lambda c: c["ours"])),
                    None,
                    **peers,
                )
            )
    return out


def _ranges(injected: list[dict[str, Any]]) -> list[dict[str, Any]]:
    hits = sum(c["low"] <= c["noise"] <= c["high"] for c in injected)
    held = share_of(hits, len(injected))
    width = float(np.median([c["high"] - c["low"] for c in injected]))
    return [
        claim("the range without a review holds the injected share", ">= 0.90", held, held["value"] >= 0.9),
        claim("width of that range, median", "reported", {"value": round(width, 4), "n": len(injected)}, None),
    ]


def _reviews(injected: list[dict[str, Any]]) -> list[dict[str, Any]]:
    tries = REVIEWS * len(injected)
    held = share_of(sum(c["held"] for c in injected) * REVIEWS, tries)
    widths = by_cell(injected, lambda c: c["width"])
    lowest = float(by_cell(injected, lambda c: c["held"]).min())
    return [
        claim(f"{REVIEW} simulated reviews: coverage of the interval, mean over cells", "0.93 to 0.97", held, 0.93 <= held["value"] <= 0.97),
        claim(f"{REVIEW} simulated reviews: coverage, lowest cell", "reported", {"value": round(lowest, 4), "n": REVIEWS * DRAWS}, None),
        claim(f"{REVIEW} simulated reviews: width of the interval, mean over cells", "<= 0.06", mean_of(widths), bool(widths.mean() <= 0.06)),
        claim(f"{REVIEW} simulated reviews: width of the interval, widest cell", "<= 0.06",
              {"value": round(float(widths.max()), 4), "n": len(widths)}, bool(widths.max() <= 0.06)),
        claim(f"{REVIEW} simulated reviews: root mean squared error of the estimate, mean over cells", "reported",
              mean_of(by_cell(injected, lambda c: c["rmse"])), None),
    ]  # fmt: skip


def _flags(injected: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Whether the expected share of real flags, at the true noise, is what comes out."""
    known = [c for c in injected if c["real"] is not None]
    gaps = mean_of(by_cell(known, lambda c: abs(c["expected"] - c["real"])))
    inside = share_of(sum(c["expected_ends"][0] <= c["real"] <= c["expected_ends"][1] for c in known), len(known))
    return [
        claim("expected share of real flags, the noise being known, against what is real: mean difference", "reported", gaps, None),
        claim("the interval of that share holds what is real", "reported", inside, None),
    ]


def _real(done: list[dict[str, Any]]) -> list[dict[str, Any]]:
    out = []
    for c in done:
        if "kind" not in c:
            about = "among the reviewed rows only" if c["set"].startswith("imdb") else f"{100 * c['noise']:.0f}% wrong"
            peers = {f"cleanlab 2.9.0 {m}": round(best(c, m), 4) for m in SCORES}
            out.append(
                claim(f"{c['set']}, average precision ({about})", "reported", {"value": round(c["ours"], 4), "n": c["n"]}, None, **peers)
            )
            if "low" in c:
                inside = {"value": round(c["noise"], 4), "low": round(c["low"], 4), "high": round(c["high"], 4), "n": c["n"]}
                out.append(
                    claim(f"{c['set']}, true share of wrong labels (interval: our range without a review)", "reported", inside, None)
                )
    return out


def _unmeasured(done: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sets with real errors that this file has no cell of."""
    lacking = {"african_noisy_news/hausa", "african_noisy_news/yoruba", "imdb_label_errors"} - {c["set"] for c in done}
    return [
        row(f"label errors: {name}, average precision", "reported", None, passed=None, command=COMMAND, why_absent="not measured yet")
        for name in sorted(lacking)
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures what is not there yet, then writes the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=Path, default=CELLS)
    parser.add_argument("--report", action="store_true", help="measure nothing")
    asked = parser.parse_args(arguments)
    asked.cells.parent.mkdir(parents=True, exist_ok=True)
    done = [json.loads(line) for line in asked.cells.read_text().splitlines()] if asked.cells.is_file() else []
    for key, measure in () if asked.report else cells():
        if any(key.items() <= c.items() for c in done):
            continue
        with threadpool_limits(1):
            done.append(key | measure())
        with asked.cells.open("a") as handle:
            handle.write(json.dumps(done[-1]) + "\n")
        print(json.dumps(done[-1])[:230], flush=True)
    print(record("label-errors", rows_of(done), part=3))


if __name__ == "__main__":
    main()
