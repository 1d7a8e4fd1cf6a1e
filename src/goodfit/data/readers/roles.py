"""Which given split a name speaks of: `drugsComTrain.tsv`, `dev`, `test-00000-of-00002.parquet`, the key `validation` of a json file.

Layer: data. A word of the name says it, wherever it stands; names are cut into words at case changes and at all that is no letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

ROLE_WORDS = {
    "train": "train", "training": "train", "valid": "valid", "validation": "valid", "val": "valid", "dev": "valid",
    "test": "test", "testing": "test", "eval": "test",
}  # fmt: skip
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def role_of(name: str) -> str | None:
    """`train`, `valid` or `test` where one of its words says so; None where none does, or two disagree (`train_test_split.csv`)."""
    words = (word.lower().removesuffix("set") for word in _WORD.findall(name))
    found = {ROLE_WORDS[word] for word in words if word in ROLE_WORDS}
    return found.pop() if len(found) == 1 else None


def by_role(names: Iterable[str]) -> dict[str, list[str]]:
    """Role -> names, for those that have one."""
    out: dict[str, list[str]] = {}
    for name in names:
        role = role_of(name)
        if role is not None:
            out.setdefault(role, []).append(name)
    return out
