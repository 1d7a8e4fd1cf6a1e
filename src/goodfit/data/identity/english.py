"""What a swap needs to know about English: which slot a form stands in, and whether the article before it is a or an.

Layer: data, part of `swap`. Both are rules of a few words, not a parser. In a paradigm of five forms (subject, object, determiner,
possessive, reflexive: she/her/her/hers/herself) a form is the determiner if a word of content follows, else the other slot it could be.
In a paradigm of three (adjective, person, people: Jewish/Jew/Jews) it is the adjective if a word of content follows, the person after a
determiner, else the adjective. Where the rule was needed the swap says so: it reads
`I saw her yesterday` rightly, and `I gave her money` not.
"""

from __future__ import annotations

import re

PRONOUNS, PEOPLE = 5, 3
"""Slots of the paradigms that have a rule."""
_DETERMINER = 2
_WORD_AFTER = re.compile(r"\s+['\"“‘(]?([^\W_][\w'’-]{0,40})")
_WORD_BEFORE = re.compile(r"([^\W_][\w'’]{0,20})\s+$")
_ARTICLE = re.compile(r"(?<![\w'’-])(a|an)(?=\s{1,8}$)", re.IGNORECASE)
_NEAR = 60
"""Characters looked at on either side."""
_WORDS = """
a about above across after again against ago all almost along already also although always am amid among an and another any anyway
anything are around as aside at away back be because been before behind being below beneath beside besides between beyond both but
by can could daily despite did do does doing down during each either enough even ever every everything except far for forever from
further had has have he hence her here hers herself him himself his how however i if in inside instead into is it its itself just
last lately later less like maybe me might mine more most much must my myself near neither never next nobody nor not nothing now
of off often on once only onto or other others otherwise our ours out outside over past per perhaps quite rather really right
round self shall she should since so some something sometimes soon still such than that the their theirs them themselves then
there these they this those though through throughout till to today together tomorrow tonight too toward towards under unless
unlike until unto up upon us very via was we well were what whatever when whenever where wherever whether which while who whoever
whom whose why will with within without would yes yesterday yet you your yours
"""
FUNCTION = frozenset(_WORDS.split())
"""Words after which a pronoun is not a determiner."""
_BEFORE_A_PERSON = frozenset({"a", "an", "the", "one", "this", "that", "every", "each", "another", "any", "no", "some"})
_CONSONANT = re.compile(r"(?:eu|ewe|uni(?!n|m)|use|usu|uti|ukr|ug[ae]|one(?![a-z])|once|ouija)")
"""Written with a vowel, spoken with a consonant: a European, a Ukrainian, a unit (and an uninvited guest)."""
_VOWEL = re.compile(r"(?:hour|honest|honou?r|heir)")


def content_follows(text: str, end: int) -> bool:
    """Whether the next thing after `end` is a word that is not a function word (no punctuation, no end of the text)."""
    found = _WORD_AFTER.match(text[end : end + _NEAR])
    if found is None:
        return False
    word = found[1].lower().replace("’", "'")
    return word.split("'")[0] not in FUNCTION


def slot(text: str, start: int, end: int, slots: tuple[int, ...], size: int) -> int | None:
    """In which of several slots the form between `start` and `end` stands; None where there is no rule for such a paradigm."""
    if size == PRONOUNS and _DETERMINER in slots:
        others = [one for one in slots if one != _DETERMINER]
        return _DETERMINER if content_follows(text, end) else others[0]
    if size == PEOPLE and set(slots) == {0, 1}:
        before = _WORD_BEFORE.search(text[max(0, start - _NEAR) : start])
        after_determiner = before is not None and before[1].lower() in _BEFORE_A_PERSON
        return 1 if after_determiner and not content_follows(text, end) else 0
    return None


def article(text: str, start: int) -> tuple[int, int] | None:
    """Where an indefinite article stands right before `start`, or None."""
    low = max(0, start - _NEAR)
    found = _ARTICLE.search(text[low:start])
    return None if found is None else (low + found.start(), low + found.end())


def takes_an(word: str) -> bool:
    """Whether the article before a word is `an`: by its letters, with the common exceptions (a European, an heir)."""
    low = word.lower()
    if low.startswith(("a", "e", "i", "o", "u")):
        return _CONSONANT.match(low) is None
    return _VOWEL.match(low) is not None


def other_article(old: str, an: bool, *, capitals: bool) -> str:
    """`a` or `an` in the case of the old one; `capitals`: the word after it is in capitals."""
    new = "an" if an else "a"
    if not old[0].isupper():
        return new
    return new.upper() if capitals else new.capitalize()
