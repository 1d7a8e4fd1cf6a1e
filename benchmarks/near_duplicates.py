"""Near-duplicates: recall and precision per kind of edit, beside datasketch and semhash; a million rows, seconds and memory.

`python -m benchmarks.near_duplicates [--only edits|paraphrases|million]` writes benchmarks/results/3-near-duplicates.json. Six sets of
`shared/data` that no rule was chosen on; of each 500 rows from which whatever is alike was taken beforehand (by character 4-grams and by
vectors, both far below what is reported), and per kind of edit 120 of them edited. What a tool ties is true where it ties a text to its
own edit, and false elsewhere. datasketch: MinHash of 128 permutations on our shingles, LSH, pairs above the threshold; semhash: our
vectors. Curves go over each tool's threshold.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
from scipy.sparse import csr_matrix

from benchmarks import edits
from benchmarks.claims import RESULTS, record, row
from benchmarks.classification import SHARED
from benchmarks.peak import PEAK
from benchmarks.sets import rows_of
from goodfit.data import alike
from goodfit.data.near import near_groups
from goodfit.data.normalise import normalise_text
from goodfit.data.paraphrases import paraphrases
from goodfit.statistics.proportions import wilson
from goodfit.tasks.embeddings import find_encoder

COMMAND = "python -m benchmarks.near_duplicates"
BASE, EDITED = 500, 120
GOAL = 0.95
Pairs = set[tuple[int, int]]
STRICTNESS = (-0.2, -0.1, 0.0, 0.1, 0.2, 0.3)
"""Of our curve: added to the thresholds of J and, halved, to those of C and L."""


def _lines(name: str, column: str) -> Callable[[], list[str]]:
    def read() -> list[str]:
        return [json.loads(line)[column] for line in (SHARED / name).open(encoding="utf-8")]

    return read


def _hausa() -> list[str]:
    lines = (SHARED / "african_noisy_news" / "hausa_newsclass" / "train_clean.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return [line.split("\t")[0] for line in lines]


SETS: dict[str, Callable[[], list[str]]] = {
    **{name: (lambda name=name: [text for text, _ in rows_of(name)]) for name in ("phrasebank", "emotion", "crowdflower", "medical")},
    "hausa": _hausa, "gsm8k": _lines("gsm8k/train.jsonl", "question"),
}  # fmt: skip
KINDS = ("case, spaces, punctuation", "one typo per 50 characters", "one dropped word", "one replaced word", "greeting and signature")
LIGHT = "paraphrase by rules"
ENGLISH = ("phrasebank", "emotion", "crowdflower", "gsm8k")


def distinct(texts: list[str], vectors: np.ndarray, rng: np.random.Generator) -> list[int]:
    """At most BASE rows, no two of which share two fifths of their character 4-grams, or more, or have a cosine above 0.85."""
    order = rng.permutation(len(texts))
    grams = [{t[i : i + 4] for i in range(max(1, len(t) - 3))} for t in (normalise_text(texts[i]) for i in order)]
    names = {gram: i for i, gram in enumerate(sorted(set().union(*grams)))}
    columns = np.array([names[g] for of in grams for g in of])
    starts = np.r_[0, np.cumsum([len(of) for of in grams])]
    matrix = csr_matrix((np.ones(len(columns), np.int32), columns, starts), shape=(len(order), len(names)))
    common, sizes = (matrix @ matrix.T).toarray(), np.diff(starts)
    least, either = np.minimum(sizes[:, None], sizes[None]), sizes[:, None] + sizes[None] - common
    close = (common >= 0.4 * either) | (common >= 0.6 * least) | (vectors[order] @ vectors[order].T > 0.85)
    kept: list[int] = []
    for i in range(len(order)):
        if not close[i, kept].any():
            kept.append(i)
    return [int(order[i]) for i in kept[:BASE]]


@dataclass
class Corpus:
    """A base and the edits of one kind: row BASE + i is an edit of `of[i]`."""

    texts: list[str]
    of: np.ndarray
    vectors: np.ndarray

    @cached_property
    def hashes(self) -> list[Any]:
        """Of datasketch."""
        return minhashes(self.texts)

    @property
    def truth(self) -> Pairs:
        """Source and edit."""
        start = len(self.texts) - len(self.of)
        return {(int(source), start + i) for i, source in enumerate(self.of)}


@dataclass
class Tally:
    """Counts over sets: what was to be found, what was told, what of that is true."""

    wanted: int = 0
    told: int = 0
    right: int = 0
    sets: dict[str, tuple[float, float]] = field(default_factory=dict)

    def add(self, name: str, found: Pairs, truth: Pairs) -> None:
        """What a tool told of one set."""
        right = len(found & truth)
        self.wanted, self.told, self.right = self.wanted + len(truth), self.told + len(found), self.right + right
        self.sets[name] = (right / len(truth), right / max(1, len(found)))

    @property
    def recall(self) -> float:
        """Over all sets."""
        return self.right / max(1, self.wanted)

    @property
    def precision(self) -> float:
        """Over all sets."""
        return self.right / max(1, self.told)


def goodfit_pairs(texts: list[str], strictness: float = 0.0) -> Pairs:
    """All pairs within our groups; the thresholds moved for the curve."""
    moved = {
        "JACCARD": strictness,
        "LONG_JACCARD": strictness,
        "CONTAINMENT": strictness / 2,
        "LONG_CONTAINMENT": strictness / 2,
        "EDIT": strictness / 2,
    }
    with mock.patch.multiple(alike, **{name: min(1.0, getattr(alike, name) + by) for name, by in moved.items()}):
        group = near_groups(pa.chunked_array([texts])).group
    members: dict[int, list[int]] = {}
    for i, g in enumerate(group.tolist()):
        members.setdefault(g, []).append(i)
    return {(a, b) for of in members.values() for k, a in enumerate(of) for b in of[k + 1 :]}


def minhashes(texts: list[str]) -> list[Any]:
    from datasketch import MinHash

    out = []
    for text in texts:
        padded = f" {normalise_text(text)} "
        made = MinHash(num_perm=128)
        made.update_batch([padded[k : k + 5].encode() for k in range(max(1, len(padded) - 4))])
        out.append(made)
    return out


def datasketch_pairs(hashes: list[Any], threshold: float) -> Pairs:
    from datasketch import MinHashLSH

    lsh = MinHashLSH(threshold=threshold, num_perm=128)
    for i, made in enumerate(hashes):
        lsh.insert(i, made)
    pairs = {(min(i, j), max(i, j)) for i, made in enumerate(hashes) for j in lsh.query(made) if i != j}
    return {(i, j) for i, j in pairs if hashes[i].jaccard(hashes[j]) >= threshold}


def semhash_pairs(corpus: Corpus, threshold: float) -> Pairs:
    from semhash import SemHash

    records = [{"text": text, "id": str(i)} for i, text in enumerate(corpus.texts)]
    index = SemHash.from_embeddings(corpus.vectors, records, model=None, columns=["text"])
    found = index.self_deduplicate(threshold=threshold).filtered
    return {tuple(sorted((int(one.record["id"]), int(one.duplicate_of["id"])))) for one in found}  # type: ignore[misc]


def paraphrase_pairs(corpus: Corpus) -> Pairs:
    """Both tiers: groups by characters, and pairs by vectors."""
    groups = near_groups(pa.chunked_array([corpus.texts])).group
    lexical = goodfit_pairs(corpus.texts)
    return lexical | {(int(a), int(b)) for a, b in paraphrases(corpus.vectors, groups).pairs}


TOOLS: dict[str, tuple[Iterable[float], Callable[[Corpus, float], Pairs]]] = {
    "goodfit": (STRICTNESS, lambda corpus, t: goodfit_pairs(corpus.texts, t)),
    "datasketch 2.0.0": ((0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9), lambda corpus, t: datasketch_pairs(corpus.hashes, t)),
    "semhash 0.5.0 with MiniLM": ((0.7, 0.75, 0.8, 0.85, 0.9, 0.95), semhash_pairs),
}


def editors(base: list[str]) -> dict[str, edits.Edit]:
    vocabulary = sorted({word for text in base for word in text.split()})
    return dict(zip(KINDS, (edits.surface, edits.typos, edits.dropped, edits.replacing(vocabulary), edits.wrapped)))


def corpora(name: str, encoder: Any) -> dict[str, Corpus]:
    """The corpora of a set, by kind of edit."""
    rng = np.random.default_rng([7, sum(name.encode())])
    pool = [text.strip() for text in SETS[name]() if len(text.split()) >= 4]
    pool = [pool[i] for i in rng.permutation(len(pool))[: BASE + BASE // 2]]
    known = encoder.embed(pa.array(pool))
    kept = distinct(pool, known, rng)
    base, vectors = [pool[i] for i in kept], known[kept]
    kinds = editors(base) | ({LIGHT: edits.paraphrased} if name in ENGLISH else {})
    out = {}
    for kind, edit in kinds.items():
        made = [(int(i), edit(rng, base[i])) for i in rng.permutation(len(base))]
        made = [(i, text) for i, text in made if text != base[i] and (kind != LIGHT or edits.changed(base[i], text) >= 0.2)][:EDITED]
        texts = [text for _, text in made]
        out[kind] = Corpus(base + texts, np.array([i for i, _ in made]), np.concatenate([vectors, encoder.embed(pa.array(texts))]))
    print(f"{name}: {len(base)} rows", flush=True)
    return out


def curve(of_kind: dict[str, Corpus], tool: str) -> list[tuple[float, Tally]]:
    """Recall and precision over the sets, at every threshold."""
    thresholds, pairs = TOOLS[tool]
    out = []
    for threshold in thresholds:
        tally = Tally()
        for name, corpus in of_kind.items():
            tally.add(name, pairs(corpus, threshold), corpus.truth)
        out.append((threshold, tally))
    return out


def best(points: list[tuple[float, Tally]], precision: float) -> float:
    """The highest recall at this precision or above; 0 where none is so precise."""
    return max((tally.recall for _, tally in points if tally.precision >= precision), default=0.0)


def edit_claims(made: dict[str, dict[str, Corpus]]) -> list[dict[str, Any]]:
    """One row per kind of edit, with all curves."""
    claims = []
    for kind in KINDS:
        of_kind = {name: of[kind] for name, of in made.items()}
        curves = {tool: curve(of_kind, tool) for tool in TOOLS}
        ours = next(tally for strictness, tally in curves["goodfit"] if strictness == 0)
        low, high = wilson(ours.right, ours.wanted)
        claims.append(row(
            f"near-duplicates, {kind}: recall at precision {ours.precision:.3f}", ">= 0.95 at precision >= 0.95", round(ours.recall, 4),
            low=round(low, 4), high=round(high, 4), n=ours.wanted, passed=ours.recall >= GOAL and ours.precision >= GOAL, command=COMMAND,
            precision=round(ours.precision, 4), sets={name: [round(x, 3) for x in pair] for name, pair in ours.sets.items()},
            peers={f"{tool}: best recall at precision >= 0.95": round(best(points, GOAL), 4) for tool, points in curves.items() if tool != "goodfit"},
            curves={tool: [[t, round(of.recall, 4), round(of.precision, 4)] for t, of in points] for tool, points in curves.items()},
        ))  # fmt: skip
        print(kind, round(ours.recall, 3), round(ours.precision, 3), claims[-1]["peers"], flush=True)
    return claims


def dialogues(encoder: Any) -> Corpus:
    """Summaries of the same 500 conversations by two people: what people call the same in their own words."""
    lines = [json.loads(line) for line in (SHARED / "dialogsum" / "dialogsum.test.jsonl").open(encoding="utf-8")]
    seen = {normalise_text(line["dialogue"])[:200]: line for line in lines}
    one, other = ([line[f"summary{k}"] for line in seen.values()] for k in (1, 2))
    return Corpus(one + other, np.arange(len(one)), encoder.embed(pa.array(one + other)))


def paraphrase_claims(made: dict[str, dict[str, Corpus]], encoder: Any) -> list[dict[str, Any]]:
    """Both tiers together, on paraphrases by rules and by people."""
    claims = []
    for what, of_kind, goal in (
        (LIGHT, {name: of[LIGHT] for name, of in made.items() if LIGHT in of}, True),
        ("summaries of one conversation by two people", {"dialogsum": dialogues(encoder)}, False),
    ):
        tally = Tally()
        for name, corpus in of_kind.items():
            tally.add(name, paraphrase_pairs(corpus), corpus.truth)
        points = curve(of_kind, "semhash 0.5.0 with MiniLM")
        low, high = wilson(tally.right, tally.wanted)
        claims.append(row(
            f"{what}, {encoder.name}: recall at precision {tally.precision:.3f}", ">= 0.8 at precision >= 0.9" if goal else "reported",
            round(tally.recall, 4), low=round(low, 4), high=round(high, 4), n=tally.wanted, command=COMMAND,
            passed=tally.recall >= 0.8 and tally.precision >= 0.9 if goal else None, precision=round(tally.precision, 4),
            sets={name: [round(x, 3) for x in pair] for name, pair in tally.sets.items()},
            peers={"semhash 0.5.0 with MiniLM: best recall at precision >= 0.9": round(best(points, 0.9), 4)},
            curves={"semhash 0.5.0 with MiniLM": [[t, round(of.recall, 4), round(of.precision, 4)] for t, of in points]},
        ))  # fmt: skip
        print(what, round(tally.recall, 3), round(tally.precision, 3), claims[-1]["peers"], flush=True)
    return claims


# -- a million rows -----------------------------------------------------------------------------------------------------

PROGRAM = """
import sys, time, json
import numpy as np, pyarrow as pa
from goodfit.data.near import near_groups
with pa.memory_map(sys.argv[1]) as source:
    texts = pa.ipc.open_file(source).read_all()["text"]
begin = time.monotonic(); used = time.process_time()
group = near_groups(texts).group
n, planted = len(texts), int(sys.argv[2])
found = int((group[n - planted :] == group[np.arange(planted) * 7]).sum())
print(json.dumps({"seconds": time.monotonic() - begin, "cpu": time.process_time() - used, "peak": peak(), "found": found}))
"""


def write_texts(path: Path, rows: int, planted: int) -> None:
    """Made-up texts of 5 to 30 words with Zipf's frequencies, and edits of some of them at the end."""
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list(edits.LETTERS), size=rng.integers(2, 11))) for _ in range(50_000)]
    shares = np.cumsum(1 / np.arange(1, len(words) + 1))
    texts: list[str] = []
    kinds = (edits.typos, edits.dropped, edits.replacing(words), edits.wrapped)
    with pa.ipc.new_file(str(path), pa.schema([("text", pa.string())])) as writer:
        for start in range(0, rows - planted, 8192):
            n = min(8192, rows - planted - start)
            sizes = rng.integers(5, 31, size=n)
            drawn = np.searchsorted(shares, rng.random(int(sizes.sum())) * shares[-1])
            ends = np.cumsum(sizes)
            part = [" ".join(words[w] for w in drawn[b - size : b]) for b, size in zip(ends, sizes)]
            texts += part if len(texts) <= 7 * planted else []
            writer.write_batch(pa.record_batch({"text": part}))
        made = [kinds[i % 4](rng, texts[7 * i]) for i in range(planted)]
        writer.write_batch(pa.record_batch({"text": made}))


def timed(path: Path, planted: int) -> dict[str, Any]:
    out = subprocess.run([sys.executable, "-c", PEAK + PROGRAM, str(path), str(planted)], capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(out.stdout.splitlines()[-1])
    return answer


def million_claims(rows: int = 1_000_000, planted: int = 5_000, beside: int = 20_000) -> list[dict[str, Any]]:
    """Seconds, memory and recall on many rows; and the ratio of CPU seconds to datasketch's on few."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "texts.arrow"
        write_texts(path, rows, planted)
        whole = timed(path, planted)
        write_texts(path, beside, 1_000)
        ours = timed(path, 1_000)
        texts = pa.ipc.open_file(pa.memory_map(str(path))).read_all()["text"].to_pylist()
    begin = time.process_time()
    datasketch_pairs(minhashes(texts), 0.5)
    theirs = time.process_time() - begin
    low, high = wilson(whole["found"], planted)
    print(whole, ours, theirs, flush=True)
    more = {"command": COMMAND, "n": rows, "cpu_seconds": round(whole["cpu"], 1)}
    return [
        row(f"near-duplicates of {rows:,} rows: minutes (machine shared with other jobs)", "minutes", round(whole["seconds"] / 60, 2),
            passed=whole["seconds"] < 1200, **more),
        row(f"near-duplicates of {rows:,} rows: peak memory, GiB", "< 2", round(whole["peak"] / 2**30, 3), passed=whole["peak"] < 2 * 2**30, **more),
        row(f"near-duplicate recall on {rows:,} rows (typos, dropped and replaced word, greeting)", ">= 0.95", round(whole["found"] / planted, 4),
            low=round(low, 4), high=round(high, 4), passed=whole["found"] >= GOAL * planted, **(more | {"n": planted})),
        row(f"near-duplicates of {beside:,} rows: CPU seconds of datasketch 2.0.0 (128 permutations, LSH at 0.5) over ours", "reported",
            round(theirs / ours["cpu"], 2), passed=None, command=COMMAND, n=beside, peers={"datasketch 2.0.0, seconds": round(theirs, 1)}),
    ]  # fmt: skip


def kept(claims: list[dict[str, Any]]) -> None:
    """Writes these claims in the place of their like, beside the others of the file."""
    path = RESULTS / "3-near-duplicates.json"
    names = {claim["claim"].split(":")[0] for claim in claims}
    others = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    record("near-duplicates", [claim for claim in others if claim["claim"].split(":")[0] not in names] + claims, part=3)


def main() -> None:
    """Writes the claims, part by part."""
    only = sys.argv[sys.argv.index("--only") + 1] if "--only" in sys.argv else None
    if only != "million":
        encoder = find_encoder("all-MiniLM-L6-v2", "auto", Path())[0]
        made = {name: corpora(name, encoder) for name in SETS}
        if only != "paraphrases":
            kept(edit_claims(made))
        if only != "edits":
            kept(paraphrase_claims(made, encoder))
    if only in (None, "million"):
        kept(million_claims())


if __name__ == "__main__":
    main()
