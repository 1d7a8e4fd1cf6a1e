"""Perturbations: seeded, bounded, what could change the label is left alone, any script, any text."""

from __future__ import annotations

import difflib

import pytest

from goodfit.tasks.perturb import BY_NAME, PERTURBATIONS, perturb

TEXT = "I did not receive my replacement card, although the support promised delivery within 12 days."
ODD = [
    "",
    " ",
    "a",
    "ok",
    "\n\n",
    "🙂🙂",
    "12345",
    "私は新しいカードをまだ受け取っていません",
    "Я так и не получил свою карту",
    "لم أستلم بطاقتي",
    "x" * 30_000,
    "don't 'quote' \"me\"",
]


@pytest.mark.parametrize("name", BY_NAME)
def test_seeded_and_for_any_text(name: str) -> None:
    one = BY_NAME[name]
    assert perturb(one, [TEXT], 1) == perturb(one, [TEXT], 1)
    assert perturb(one, [TEXT, *ODD], 1)[0] == perturb(one, [TEXT], 1)[0]
    for text, changed in zip(ODD, perturb(one, ODD, 3), strict=True):
        assert isinstance(changed, str)
        assert len(changed) <= 2 * len(text) + 40
        assert changed.strip() or not text.strip() or name == "no_punctuation"


@pytest.mark.parametrize("name", ["typos_2", "typos_5", "typos_10", "slips_5", "look_alikes"])
def test_slips_touch_long_words_only_and_as_many_as_said(name: str) -> None:
    rate = int(name.rsplit("_", 1)[1]) / 100 if name[-1].isdigit() else 0.05
    seen = set()
    for seed in range(20):
        [changed] = perturb(BY_NAME[name], [TEXT], seed)
        words = changed.split(" ")
        for word in ("I", "did", "not", "my", "the", "12"):
            assert word in words
        assert changed.endswith(".")
        edits = sum(1 for op in difflib.ndiff(TEXT, changed) if op[0] in "+-")
        assert edits <= 4 * max(1, round(rate * sum(c.isalpha() for c in TEXT)))
        assert changed != TEXT
        seen.add(changed)
    assert len(seen) > 10


def test_other_scripts_get_swapped_letters() -> None:
    [changed] = perturb(BY_NAME["typos_5"], ["Я так и не получил свою новую карту"], 0)
    assert changed != "Я так и не получил свою новую карту"
    assert sorted(changed) == sorted("Я так и не получил свою новую карту")
    [kanji] = perturb(BY_NAME["typos_5"], ["私は新しいカードをまだ受け取っていません"], 0)
    assert sorted(kanji) == sorted("私は新しいカードをまだ受け取っていません")


def test_what_each_does() -> None:
    def of(name: str, text: str) -> str:
        return perturb(BY_NAME[name], [text], 0)[0]

    assert of("lower", "Hi THERE") == "hi there"
    assert of("no_punctuation", "Well, isn't it (really)?") == "Well isn't it really"
    assert of("no_accents", "café über") == "cafe uber"
    assert of("curly_quotes", 'it\'s "so"') == "it’s “so”"
    assert of("contracted", "I do not know. Cannot say.") == "I don't know. Can't say."
    assert of("contracted", "I don't know") == "I do not know"
    assert of("contracted", "I'm sure it's fine") == "I am sure it is fine"
    assert of("numbers", "3 cards, 12 days, 2.5 or 10:30 and 100") == "three cards, twelve days, 2.5 or 10:30 and 100"
    assert of("cut_50", "one two three four five six") == "one two three"
    assert of("cut_75", "one two three four") == "one two three"
    assert of("spaces", "a b c").split() == ["a", "b", "c"]
    assert of("greeting", "x") == "Hello, x Thank you."
    assert {one.name for one in PERTURBATIONS if not one.preserving} == {"typos_10", "cut_75", "cut_50"}
