"""Behavioural tests: read with clear errors, filled as written, bounded and seeded."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from goodfit.errors import GoodfitError
from goodfit.tasks import behaviour
from goodfit.tasks.behaviour import cases_of, read_suite

LABELS = ("negative", "positive")
WHOLE = """
lexicons:
  name: [Anna, Mehmet, Olga]
  thing: [card, phone]
tests:
  - {name: negated praise, kind: MFT, template: "I do not {verb} the {thing}.", lexicons: {verb: [like, want]}, label: negative}
  - {name: names, kind: INV, template: ["{name} has lost the {thing}.", "The {thing} of {name} is gone."], vary: name}
  - {name: typing errors, kind: INV, rows: 5, change: typos_5}
  - {name: thanks, kind: DIR, texts: It works., add: " Thank you!", label: positive}
"""


def suite(folder: Path, text: str) -> behaviour.Suite:
    (folder / "t.yaml").write_text(text, encoding="utf-8")
    return read_suite("t.yaml", folder, LABELS)


def test_cases_are_what_is_written(tmp_path: Path) -> None:
    found = suite(tmp_path, WHOLE)
    negated, names, typing, thanks = found.tests
    assert [case.texts for case in cases_of(negated, found, [], 0)] == [
        (f"I do not {v} the {t}.",) for v in ("like", "want") for t in ("card", "phone")
    ]
    varied = cases_of(names, found, [], 0)
    assert [case.unit for case in varied] == [0, 0, 1, 1]
    assert varied[0].texts == tuple(f"{name} has lost the card." for name in ("Anna", "Mehmet", "Olga"))
    rows = ["my payment was declined yesterday", "no", "where is the replacement", "x"]
    changed = cases_of(typing, found, rows, 0)
    assert 1 <= len(changed) <= 2  # short texts stay as they are and do not count
    assert all(case.texts[0] in rows and case.texts[1] != case.texts[0] for case in changed)
    assert cases_of(thanks, found, [], 0)[0].texts == ("It works.", "It works. Thank you!")


def test_many_combinations_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(behaviour, "MOST", 50)
    words = ", ".join(f"w{i}" for i in range(40))
    found = suite(
        tmp_path, f"lexicons: {{a: [{words}], b: [{words}]}}\ntests: [{{name: n, kind: MFT, template: '{{a}} {{b}}', label: positive}}]"
    )
    cases = cases_of(found.tests[0], found, [], 0)
    assert len(cases) == 50 == len({case.texts for case in cases})
    assert cases == cases_of(found.tests[0], found, [], 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tests: [", "it is not YAML"),
        ("- a", "holds no tests"),
        ("tests: []", "tests"),
        ("tests: [{name: a, kind: MTF, texts: x, label: positive}]", r"test 1 \(a\): kind"),
        ("tests: [{name: a, kind: MFT, texts: x}]", r"test 1 \(a\): MFT needs label"),
        ("tests: [{name: a, kind: MFT, texts: x, label: postive}]", "'postive' is no label.*did you mean 'positive'"),
        (
            "tests: [{name: a, kind: MFT, template: '{nme} x', label: positive}]\nlexicons: {name: [b]}",
            "the lexicon 'nme'.*did you mean 'name'",
        ),
        ("tests: [{name: a, kind: INV, texts: x}]", "exactly one of vary and change"),
        ("tests: [{name: a, kind: INV, texts: x, change: typo_2}]", "did you mean 'typos_2'"),
        ("tests: [{name: a, kind: INV, template: 'x {b}', vary: c}]\nlexicons: {b: [1], c: [2]}", "no template has the lexicon 'c'"),
        ("tests: [{name: a, kind: MFT, rows: 3, label: positive}]", "MFT needs texts whose answer is known"),
        (
            "tests: [{name: a, kind: MFT, texts: x, label: positive}, {name: a, kind: MFT, texts: x, label: positive}]",
            "two tests are called 'a'",
        ),
        ("tests: [{name: a, kind: MFT, texts: x, label: positive, labels: 2}]", "labels"),
        ("lexicons: {a: [yes]}\ntests: [{name: a, kind: MFT, texts: x, label: positive}]", "need quotes"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(GoodfitError) as caught:
        suite(tmp_path, text)
    assert re.search(message, str(caught.value), re.DOTALL), str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_bytes(b"\xff\xfe\x00bad")
    for name in ("none.yaml", "t.yaml"):
        with pytest.raises(GoodfitError, match="evaluate.tests"):
            read_suite(name, tmp_path, LABELS)
