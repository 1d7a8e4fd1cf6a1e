"""Makes src/goodfit/data/clean/letters.txt: how usual each pair of letters is, in each of 31 languages of the Latin script.

    pip download --no-deps --no-binary :all: langdetect==1.0.9 && tar xzf langdetect-1.0.9.tar.gz
    python -m scripts.letters langdetect-1.0.9/langdetect/profiles

The counts are those of langdetect's profiles (Apache-2.0; abstracts of Wikipedia). A level is a digit: 0 where one of ten thousand
letters after the first is the second, or fewer, 9 where one in ten is, or more, and steps of equal ratio between.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from goodfit.data.clean.gibberish import TABLE, folded

_NAMES = "af ca cs cy da de en es et fi fr hr hu id it lt lv nl no pl pt ro sk sl so sq sv sw tl tr vi"
LANGUAGES = _NAMES.split()


def levels(profile: Path) -> str:
    """26 x 26 digits of one language."""
    counts = np.zeros((26, 26))
    for pair, n in json.loads(profile.read_text(encoding="utf-8"))["freq"].items():
        codes = folded(pair) if len(pair) == 2 else ()
        if len(codes) == 2 and min(codes) >= 0:
            counts[codes[0], codes[1]] += n
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    steps = np.clip(np.round((np.log10(np.maximum(shares, 1e-9)) + 4) * 3), 0, 9).astype(int)
    return "".join(map(str, steps.ravel()))


def main() -> None:
    """Writes the table."""
    folder = Path(sys.argv[1])
    TABLE.write_text("".join(f"{name} {levels(folder / name)}\n" for name in LANGUAGES), encoding="utf-8")


if __name__ == "__main__":
    main()
