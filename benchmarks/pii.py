"""Personal data found by pattern: precision and recall per kind on presidio's synthetic set (spans with ground truth).

`python -m benchmarks.pii` reads shared/data/presidio_synth_pii (MIT, 1,500 sentences made from templates), and writes
benchmarks/results/3-pii.json. The patterns were developed on the sentences of one half of the templates (`--develop` prints what is missed
and what is wrong there); the figures are those of the other half, which was not looked at. A span counts as found where a span of the
same kind covers at least half of it. Names, addresses and dates have no pattern here and are not measured. Before any pattern was written, a dozen
values of each kind, without their sentences, had been seen from both halves.

`--peer PYTHON` counts presidio-analyzer (MIT) on the same sentences, in a Python of its own (`pip install presidio-analyzer`, some 300 MB with
spaCy): its spans with a score of 0.35 or more, its own patterns without a model of names.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.claims import ROOT, record, row
from goodfit.data.clean.personal import spans_of
from goodfit.statistics.proportions import wilson

FILE = Path(os.environ.get("GOODFIT_SHARED", ROOT.parent / "shared")) / "data" / "presidio_synth_pii" / "synth_dataset_v2.json"
KINDS = {"EMAIL_ADDRESS": "email", "PHONE_NUMBER": "phone", "CREDIT_CARD": "card", "IBAN_CODE": "iban", "US_SSN": "national_id",
         "IP_ADDRESS": "ip"}  # fmt: skip
COMMAND = "python -m benchmarks.pii"
PEER_SCORE = 0.35
Spans = list[tuple[str, tuple[int, int]]]


def half(entry: dict[str, Any]) -> str:
    """`develop` or `report`, by the template of a sentence."""
    digest = hashlib.blake2b(str(entry["template_id"]).encode(), digest_size=1).digest()[0]
    return "develop" if digest % 2 else "report"


def overlaps(a: tuple[int, int], b: tuple[int, int]) -> bool:
    """Whether b covers at least half of a."""
    return 2 * (min(a[1], b[1]) - max(a[0], b[0])) >= a[1] - a[0]


def ours(texts: list[str]) -> list[Spans]:
    """What Goodfit finds."""
    return [[(span.kind, (span.begin, span.end)) for span in spans_of(text)] for text in texts]


def peers(python: str, texts: list[str]) -> tuple[str, list[Spans]]:
    """Name and version of the peer, and what it finds."""
    script = Path(__file__).with_name("pii_peer.py")
    done = subprocess.run([python, str(script)], input=json.dumps(texts), capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    said = [[(KINDS[kind], (begin, end)) for kind, begin, end, score in spans if score >= PEER_SCORE] for spans in told["spans"]]
    return f"presidio-analyzer {told['version']}", said


def compare(entry: dict[str, Any], said: Spans, counts: Counter[tuple[str, str]], *, tell: bool = False) -> None:
    """Counts found, missed, right and wrong spans of one sentence."""
    text = entry["full_text"]
    true = [(KINDS[s["entity_type"]], (s["start_position"], s["end_position"])) for s in entry["spans"] if s["entity_type"] in KINDS]
    for kind, span in true:
        found = any(kind == k and overlaps(span, other) for k, other in said)
        counts[kind, "found" if found else "missed"] += 1
        if tell and not found:
            print(f"missed {kind}: {text[span[0] : span[1]]!r} in {text!r}")
    for kind, span in said:
        right = any(kind == k and overlaps(span, other) for k, other in true)
        counts[kind, "right" if right else "wrong"] += 1
        if tell and not right:
            print(f"wrong {kind}: {text[span[0] : span[1]]!r} in {text!r}")


def figures(counts: Counter[tuple[str, str]], peer: dict[str, Counter[tuple[str, str]]]) -> list[dict[str, Any]]:
    """Recall and precision of each kind, beside the peer's."""
    out = []
    for kind in KINDS.values():
        for name, yes, no in (("recall", "found", "missed"), ("precision", "right", "wrong")):
            k, n = counts[kind, yes], counts[kind, yes] + counts[kind, no]
            claim = f"PII: {name} of {kind} on presidio_synth_pii, templates not developed on"
            beside = {who: round(c[kind, yes] / (c[kind, yes] + c[kind, no]), 4) for who, c in peer.items() if c[kind, yes] + c[kind, no]}
            beside = beside or {"presidio-analyzer": "not run: --peer PYTHON"}
            if not n:
                out.append(
                    row(claim, "reported", None, passed=None, command=COMMAND, why_absent=f"no {kind} span to count", n=0, peers=beside)
                )
                continue
            low, high = wilson(k, n)
            out.append(row(claim, "reported", round(k / n, 4), low=round(low, 4), high=round(high, 4), n=n, passed=None, command=COMMAND,
                           peers=beside))  # fmt: skip
    return out


def main() -> None:
    """Counts one half, and writes the claims of the other."""
    develop = "--develop" in sys.argv
    entries = [e for e in json.loads(FILE.read_text(encoding="utf-8")) if half(e) == ("develop" if develop else "report")]
    texts = [entry["full_text"] for entry in entries]
    counts: Counter[tuple[str, str]] = Counter()
    beside: dict[str, Counter[tuple[str, str]]] = {}
    for entry, said in zip(entries, ours(texts), strict=True):
        compare(entry, said, counts, tell=develop)
    if "--peer" in sys.argv:
        name, spans = peers(sys.argv[sys.argv.index("--peer") + 1], texts)
        beside[name] = Counter()
        for entry, said in zip(entries, spans, strict=True):
            compare(entry, said, beside[name])
    rows = figures(counts, beside)
    for one in rows:
        print(one["claim"], one.get("value"), one.get("low"), one.get("high"), one["n"], one["peers"])
    if not develop:
        record("pii", rows, part=3)


if __name__ == "__main__":
    main()
