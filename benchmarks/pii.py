"""Personal data found by pattern: precision and recall per kind on presidio's synthetic set (spans with ground truth).

`python -m benchmarks.pii` reads shared/data/presidio_synth_pii (MIT, 1,500 sentences made from templates), and writes
benchmarks/results/3-pii.json. The patterns were developed on the sentences of one half of the templates (`--develop` prints what is missed
and what is wrong there); the figures are those of the other half, which was not looked at. A span counts as found where a span of the
same kind covers at least half of it. Names, addresses and dates have no pattern here and are not measured.
"""

from __future__ import annotations

import hashlib
import json
import os
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
PEER = {"presidio-analyzer": "not installed: it needs spaCy and a spaCy model, which is on no package index"}


def half(entry: dict[str, Any]) -> str:
    """`develop` or `report`, by the template of a sentence."""
    digest = hashlib.blake2b(str(entry["template_id"]).encode(), digest_size=1).digest()[0]
    return "develop" if digest % 2 else "report"


def overlaps(a: tuple[int, int], b: tuple[int, int]) -> bool:
    """Whether b covers at least half of a."""
    return 2 * (min(a[1], b[1]) - max(a[0], b[0])) >= a[1] - a[0]


def compare(entry: dict[str, Any], counts: Counter[tuple[str, str]], *, tell: bool) -> None:
    """Counts found, missed, right and wrong spans of one sentence."""
    text = entry["full_text"]
    true = [(KINDS[s["entity_type"]], (s["start_position"], s["end_position"])) for s in entry["spans"] if s["entity_type"] in KINDS]
    said = [(s.kind, (s.begin, s.end)) for s in spans_of(text)]
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


def figures(counts: Counter[tuple[str, str]]) -> list[dict[str, Any]]:
    """Recall and precision of each kind."""
    out = []
    for kind in KINDS.values():
        for name, yes, no in (("recall", "found", "missed"), ("precision", "right", "wrong")):
            k, n = counts[kind, yes], counts[kind, yes] + counts[kind, no]
            claim = f"PII: {name} of {kind} on presidio_synth_pii, templates not developed on"
            if not n:
                out.append(
                    row(claim, "reported", None, passed=None, command=COMMAND, why_absent=f"no {kind} span to count", n=0, peers=PEER)
                )
                continue
            low, high = wilson(k, n)
            out.append(row(claim, "reported", round(k / n, 4), low=round(low, 4), high=round(high, 4), n=n, passed=None, command=COMMAND,
                           peers=PEER))  # fmt: skip
    return out


def main() -> None:
    """Counts one half, and writes the claims of the other."""
    develop = "--develop" in sys.argv
    counts: Counter[tuple[str, str]] = Counter()
    for entry in json.loads(FILE.read_text(encoding="utf-8")):
        if half(entry) == ("develop" if develop else "report"):
            compare(entry, counts, tell=develop)
    rows = figures(counts)
    for one in rows:
        print(one["claim"], one.get("value"), one.get("low"), one.get("high"), one["n"])
    if not develop:
        record("pii", rows, part=3)


if __name__ == "__main__":
    main()
