"""Fetches the demo's data: 23,703 sentences from four domains, each rated for sentiment by about 20 people (Hutto & Gilbert 2014).

The set lies inside the source package of vaderSentiment 3.3.2 (MIT), which pip downloads; nothing of it is kept in this repository.
Run by `make demo`: `python demo/fetch.py FOLDER` writes FOLDER/sentiment.csv with the columns

    text      the sentence, decoded as it came (latin-1: some mojibake is part of the data)
    sentiment negative | neutral | positive: the mean rating (-4 to 4) below -0.5, between, above 0.5
    domain    movie | news | product | tweet
    document  the review or editorial that the sentence is from (each tweet and film snippet is its own)
    rating, raters   the mean rating and how many people gave one
"""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "vaderSentiment==3.3.2"
INNER = "additional_resources/hutto_ICWSM_2014.tar.gz"
DOMAINS = {"movie": "movieReviewSnippets", "news": "nytEditorialSnippets", "product": "amazonReviewSnippets", "tweet": "tweets"}
CUT = 0.5
EVERY = 9
"""Documents kept, of every 20: 45%, about 10,700 sentences, so that the demo ends in minutes on two cores."""


def download(folder: Path) -> Path:
    """The source package, downloaded once by pip."""
    found = list(folder.glob("vaderSentiment-*.tar.gz"))
    if not found:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", PACKAGE, "-d", str(folder)]
        if subprocess.run(command, check=False).returncode:
            sys.exit(f"the demo's data could not be downloaded: pip download {PACKAGE} failed (is there a network?)")
        found = list(folder.glob("vaderSentiment-*.tar.gz"))
    return found[0]


def members(package: Path) -> dict[str, str]:
    """File name -> text of the rating archive inside the package."""
    with tarfile.open(package) as outer:
        inner_name = next(name for name in outer.getnames() if name.endswith(INNER))
        inner = outer.extractfile(inner_name)
        assert inner is not None
        with tarfile.open(fileobj=io.BytesIO(inner.read())) as archive:
            files = {Path(m.name).name: archive.extractfile(m) for m in archive.getmembers() if m.isfile()}
            return {name: handle.read().decode("latin-1") for name, handle in files.items() if handle and name.endswith(".txt")}


def raters(text: str) -> dict[str, int]:
    """Sentence id -> number of ratings."""
    out = {}
    for line in text.splitlines():
        parts = line.split("\t")
        if len(parts) >= 4:
            out[parts[0].lstrip("ï»¿")] = len(json.loads(parts[3]))
    return out


def rows(files: dict[str, str]) -> Iterator[dict[str, object]]:
    """Every sentence, domain by domain, in the order of the files."""
    for domain, stem in DOMAINS.items():
        counts = raters(files[f"{stem}_anonDataRatings.txt"])
        for line in files[f"{stem}_GroundTruth.txt"].splitlines():
            parts = line.lstrip("ï»¿").split("\t", 2)
            if len(parts) < 3:
                continue
            ident, mean, text = parts[0], float(parts[1]), parts[2]
            sentiment = "positive" if mean > CUT else "negative" if mean < -CUT else "neutral"
            document = f"{domain}-{ident.split('_')[0]}"
            yield {"text": text, "sentiment": sentiment, "domain": domain, "document": document,
                   "rating": round(mean, 3), "raters": counts.get(ident, "")}  # fmt: skip


def kept(document: str) -> bool:
    """A fixed 45% of the documents of each domain."""
    number = int(document.rsplit("-", 1)[1])
    return (number * 7) % 20 < EVERY


def main() -> None:
    """Writes the table, and says what it is."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".demo")
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "sentiment.csv"
    table = [row for row in rows(members(download(folder))) if kept(str(row["document"]))]
    partial = target.with_suffix(".tmp")
    with partial.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    partial.replace(target)
    print(f"{target}: {len(table):,} sentences of four domains, rated by people (Hutto & Gilbert, ICWSM 2014)")


if __name__ == "__main__":
    main()
