"""Perturbations: what people do to texts without meaning another thing by it. Seeded, for any language where that is possible.

Part of tasks (methods 13); evaluate asks the model once more after each. Words of up to three letters, words with digits, addresses and
negations are never touched by slips of the keyboard: they could change the label. Beyond 5% of the letters short texts become hard to read
for people too: such a change is marked as one that may lose the meaning, as is a text that is cut.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

Change = Callable[[str, np.random.Generator], str]
LONGEST = 20_000
"""Characters of a text that are changed; what comes behind stays."""
_KEYBOARD = (
    "q:wa w:qes e:wrd r:etf t:rzyg y:tuh u:yij i:uok o:ipl p:ol a:qsz s:adwx d:sfec f:dgrv g:fhtb h:gjyn j:hkum k:jlim l:kop z:asx x:zcsd "
    "c:xvdf v:cbfg b:vngh n:bmhj m:njk"
)
KEYS: dict[str, str] = dict(pair.split(":", 1) for pair in _KEYBOARD.split())
"""A letter -> the keys around it, on keyboards of Latin letters."""
ALIKE = str.maketrans("aceopxyiAEOPCTXHKM", "асеорхуіАЕОРСТХНКМ")  # noqa: RUF001
SHORT = {"do not": "don't", "is not": "isn't", "can not": "can't", "cannot": "can't", "will not": "won't", "i am": "I'm", "it is": "it's",
         "that is": "that's", "i have": "I've", "we are": "we're", "you are": "you're", "they are": "they're"}  # fmt: skip
LONG = {short.lower(): full for full, short in SHORT.items() if full != "can not"}
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_KEPT = re.compile(
    r"^(not|never|none|nothing|cannot|without|nicht|nichts|kein\w*|ohne|jamais|rien|sans|nunca|nada|senza|niet|geen)$|n['’]t$|[\d@/]|^https?",  # noqa: RUF001
    re.IGNORECASE,
)
_WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class Perturbation:
    """One way in which a text may be written otherwise."""

    name: str
    what: str
    """For people: `typing errors in 2% of the letters`."""
    change: Change
    preserving: bool = True
    """Whether people would still understand the same."""
    english: bool = False
    """Whether it is for English texts only."""


def perturb(one: Perturbation, texts: list[str], seed: int) -> list[str]:
    """Every text changed; equal seeds give equal changes, whatever stands beside a text."""
    return [_changed(one, text, seed) for text in texts]


def _changed(one: Perturbation, text: str, seed: int) -> str:
    rng = np.random.default_rng([seed, len(text), sum(one.name.encode()), sum(text[:200].encode("utf-8", "replace"))])
    return one.change(text[:LONGEST], rng) + text[LONGEST:]


def _slips(rate: float, slip: Callable[[list[str], int, np.random.Generator], None], only: Collection[int] | None = None) -> Change:
    """A slip at so many of the letters that may have one (`only`: code points), at least one in a text that has any."""

    def change(text: str, rng: np.random.Generator) -> str:
        letters = list(text)
        places = [i for start, stop in _touchable(text) for i in range(start + 1, stop - 1)]  # the first and last letter stay
        places = [i for i in places if only is None or ord(text[i]) in only]
        if not places:
            return text
        wanted = max(1, round(rate * sum(c.isalpha() for c in text)))
        chosen = sorted(rng.choice(places, size=min(wanted, len(places)), replace=False).tolist(), reverse=True)
        for place in chosen:
            slip(letters, place, rng)
        return "".join(letters)

    return change


def _touchable(text: str) -> list[tuple[int, int]]:
    """Words of more than three letters that may be changed; where spaces do not cut words (Chinese, Thai), stretches of letters."""
    return [m.span() for m in _WORD.finditer(text) if sum(c.isalpha() for c in m[0]) > 3 and not _KEPT.search(m[0])]


def _neighbour(letters: list[str], at: int, rng: np.random.Generator) -> None:
    """A neighbouring key; letters that no key map here has change places with the next."""
    keys = KEYS.get(letters[at].lower())
    if keys is None:
        _swap(letters, at, rng)
        return
    hit = keys[int(rng.integers(len(keys)))]
    letters[at] = hit.upper() if letters[at].isupper() else hit


def _swap(letters: list[str], at: int, rng: np.random.Generator) -> None:
    if at + 1 < len(letters) and letters[at].isalpha() and letters[at + 1].isalpha():
        letters[at], letters[at + 1] = letters[at + 1], letters[at]


def _slip(letters: list[str], at: int, rng: np.random.Generator) -> None:
    """Swapped, dropped or doubled."""
    kind = int(rng.integers(3))
    if kind == 0:
        _swap(letters, at, rng)
    elif letters[at].isalpha():
        letters[at] = "" if kind == 1 else letters[at] * 2


def _look_alikes(letters: list[str], at: int, rng: np.random.Generator) -> None:
    letters[at] = letters[at].translate(ALIKE)


def _spaces(text: str, rng: np.random.Generator) -> str:
    """Some spaces doubled, some at the ends."""
    parts = text.split(" ")
    return "  " + "".join(part + (" " if i == len(parts) - 1 else " " * (1 + int(rng.random() < 0.3))) for i, part in enumerate(parts))


def _replaced(table: dict[str, str]) -> Change:
    pattern = re.compile(r"\b(" + "|".join(re.escape(word) for word in sorted(table, key=len, reverse=True)) + r")\b", re.IGNORECASE)

    def swap(found: re.Match[str]) -> str:
        out = table[found[0].lower()]
        return out[:1].upper() + out[1:] if found[0][:1].isupper() else out

    return lambda text, rng: pattern.sub(swap, text)


def _cut(share: float) -> Change:
    def change(text: str, rng: np.random.Generator) -> str:
        words = list(_WORD.finditer(text))
        if len(words) < 4:
            return text[: max(1, int(share * len(text)))] if len(words) == 1 and len(text) > 8 else text
        return text[: words[int(np.ceil(share * len(words))) - 1].end()]

    return change


def _plain_letters(text: str, rng: np.random.Generator) -> str:
    """Without accents."""
    return "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")


def _without_punctuation(text: str, rng: np.random.Generator) -> str:
    return "".join(c for c in text if not unicodedata.category(c).startswith("P") or c in "'’-@_/")  # noqa: RUF001


def _curly(text: str, rng: np.random.Generator) -> str:
    out = text.replace("'", "\u2019")
    return re.sub(r'"([^"]*)"', "\u201c\\1\u201d", out)


def _numbers(text: str, rng: np.random.Generator) -> str:
    return re.sub(r"(?<![\w.,:/-])(\d{1,2})(?![\w.,:/%-]\d|\w)", lambda m: NUMBERS[int(m[1])] if int(m[1]) < len(NUMBERS) else m[1], text)


PERTURBATIONS: tuple[Perturbation, ...] = (
    Perturbation("typos_2", "typing errors in 2% of the letters", _slips(0.02, _neighbour)),
    Perturbation("typos_5", "typing errors in 5% of the letters", _slips(0.05, _neighbour)),
    Perturbation("typos_10", "typing errors in 10% of the letters", _slips(0.10, _neighbour), preserving=False),
    Perturbation("slips_5", "swapped, dropped and doubled letters, 5%", _slips(0.05, _slip)),
    Perturbation("lower", "all in small letters", lambda text, rng: text.lower()),
    Perturbation("upper", "all in capitals", lambda text, rng: text.upper()),
    Perturbation("title", "every word with a capital", lambda text, rng: text.title() if "'" not in text else text.lower().title()),
    Perturbation("no_punctuation", "without punctuation", _without_punctuation),
    Perturbation("spaces", "more spaces", _spaces),
    Perturbation("no_accents", "without accents", _plain_letters),
    Perturbation("curly_quotes", "curly quotes", _curly),
    Perturbation("look_alikes", "letters of another alphabet that look alike, 5%", _slips(0.05, _look_alikes, ALIKE)),
    Perturbation("contracted", "contractions made or undone", lambda text, rng: _either(text, rng), english=True),
    Perturbation("numbers", "small numbers in words", _numbers, english=True),
    Perturbation("greeting", "a greeting before and thanks behind", lambda text, rng: f"Hello, {text} Thank you.", english=True),
    Perturbation("cut_75", "the last quarter of the words lost", _cut(0.75), preserving=False),
    Perturbation("cut_50", "the second half of the words lost", _cut(0.50), preserving=False),
)
BY_NAME = {one.name: one for one in PERTURBATIONS}


def _either(text: str, rng: np.random.Generator) -> str:
    shorter = _replaced(SHORT)(text, rng)
    return shorter if shorter != text else _replaced(LONG)(text, rng)
