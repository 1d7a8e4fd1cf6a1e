"""Which languages texts are in, roughly: by script, and by the commonest little words of the languages of the Latin script.

Layer: init. It is only good enough to say that an English encoder may not fit; a text of few words is often not recognised, and
that is said. No model and no download.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_SCRIPTS: tuple[tuple[str, str], ...] = (
    ("Japanese", "぀-ヿ"),
    ("Korean", "가-힯ᄀ-ᇿ"),
    ("Chinese", "㐀-鿿"),
    ("Cyrillic script", "Ѐ-ӿ"),
    ("Greek", "Ͱ-Ͽ"),
    ("Hebrew", "֐-׿"),
    ("Arabic script", "؀-ۿݐ-ݿ"),
    ("Devanagari script", "ऀ-ॿ"),
    ("Bengali", "ঀ-৿"),
    ("Tamil", "஀-௿"),
    ("Thai", "฀-๿"),
    ("Georgian", "Ⴀ-ჿ"),
    ("Armenian", "԰-֏"),
    ("Ethiopic script", "ሀ-፿"),
)
_SCRIPT = [(name, re.compile(f"[{letters}]")) for name, letters in _SCRIPTS]
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W\d_]+")
_LITTLE_WORDS = {
    "English": "the and of to in is that it for was with you are this have not be on my they",
    "German": "der die und das ist nicht ich ein eine mit zu den von sie auf für es im dem auch",
    "French": "le la les et est une des dans pas que pour vous je sur avec du il qui ce au",
    "Spanish": "el los las y que es una por con para como pero más su del se lo muy está fue",
    "Italian": "il che di è non per una sono con del della le gli ma più mi ho nel anche questo",
    "Portuguese": "o que não uma os para com do da em é um mais se na por muito foi são mas",
    "Dutch": "het een van en niet dat ik te met voor zijn er maar op aan ook naar wat wel nog",
    "Polish": "nie się jest na do że w to z jak ale po za od co być tak był przez dla",
    "Swedish": "och att det som inte jag är på en av för med till har den ett om men var vi",
    "Turkish": "bir ve bu için çok ile da de gibi ne ama daha var değil ben mi olarak kadar en sonra",
    "Hausa": "da na a ya ta ne ba ce wa ga don kuma sun yi cikin domin wani ko zai yadda",
    "Indonesian": "yang dan di ini itu dengan untuk tidak saya dari pada akan ada ke juga bisa karena sudah anda kami",
}
_WORDS = {name: frozenset(words.split()) for name, words in _LITTLE_WORDS.items()}
_LOOKED_AT = 400
_LEAST_WORDS = 4
UNKNOWN = "not recognised"


def languages(texts: Iterable[str]) -> dict[str, float]:
    """Language or script -> share of the texts, the commonest first; at most 400 texts are looked at."""
    found = Counter(language(text) for text, _ in zip(texts, range(_LOOKED_AT)))
    total = sum(found.values())
    return {name: n / total for name, n in found.most_common()}


def language(text: str) -> str:
    """The language of one text, a script, or `not recognised`."""
    letters = len(_LETTER.findall(text))
    if not letters:
        return UNKNOWN
    for name, pattern in _SCRIPT:
        if len(pattern.findall(text)) > (0.1 if name == "Japanese" else 0.4) * letters:
            return name
    words = _WORD.findall(text.lower())
    if len(words) < _LEAST_WORDS:
        return UNKNOWN
    hits = {name: sum(word in known for word in words) for name, known in _WORDS.items()}
    best, second = sorted(hits.values(), reverse=True)[:2]
    if best < max(1, 0.08 * len(words)) or best == second:
        return UNKNOWN
    return max(hits, key=lambda name: hits[name])
