"""Habits of a writer that need no reference: saying nothing, loops, refusals.

Part of tasks/writing. Shapes: n rows.

- *empty*: nothing but white space and control characters.
- *loops*: at least four times back to back the same phrase of up to 64 words (eight words or more in all), or of up to 64 characters (100
  or more in all, white space apart); or the same line of two words or more four times anywhere. A model that does not stop usually
  ends so (Holtzman 2020). A table, a poem's refrain or a list is not called a loop unless it repeats itself word for word.
- *refuses*: a heuristic. One of a short list of phrases stands in the first 300 characters, in English, German, French or Spanish. It
  misses refusals in other words and other languages, and catches answers that quote one: read the rows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from goodfit.tasks.writing.words import Ints, Vocabulary, characters, words

Flags = NDArray[np.bool_]
TIMES, LONGEST_PHRASE = 4, 64
LEAST_WORDS, LEAST_CHARACTERS = 8, 100
LINE_WORDS = 2
MOST_LOOKED_AT = 100_000
"""Words and characters at the end of an answer in which loops are looked for."""
OPENING = 300
"""Characters in which a refusal is looked for."""

_HELP = r"(?:help|assist|provide|fulfil|comply|answer|discuss|do that)"
REFUSALS: dict[str, tuple[str, ...]] = {
    "en": (
        r"\bI(?:'m| am) (?:sorry|afraid),? (?:but )?I (?:can(?:'t|not)|am (?:not able|unable)|(?:wo|do)n't)",
        rf"\bI (?:can(?:'t|not)|won't|am (?:not able|unable) to) {_HELP}",
        rf"\bI'm (?:not able|unable) to {_HELP}",
        r"\bI must (?:decline|refuse)\b",
        r"\bas an? (?:AI|artificial intelligence|(?:large )?language model)\b.{0,80}\b(?:can(?:'t|not)|unable|don't)\b",
    ),
    "de": (
        r"\b(?:es )?tut mir leid,? (?:aber )?(?:ich|das|dabei|dazu|hierbei)\b.{0,60}\b(?:nicht|kein\w*)\b",
        r"\b(?:ich kann|kann ich)\b.{0,40}\bnicht (?:helfen|beantworten|unterstützen|bereitstellen|nachkommen)\b",
        r"\bich (?:muss|möchte) (?:das )?(?:ablehnen|verweigern)\b",
        r"\bals (?:KI|künstliche Intelligenz|Sprachmodell)\b.{0,80}\b(?:nicht|kein\w*)\b",
    ),
    "fr": (
        r"\bje (?:suis )?(?:désolée?|regrette),? (?:mais )?je ne (?:peux|puis)\b",
        r"\bje ne (?:peux|puis) (?:malheureusement )?pas (?:vous |t')?(?:aider|répondre|fournir|faire cela|satisfaire)",
        r"\bje suis dans l'incapacité de\b",
        r"\bje dois (?:refuser|décliner)\b",
        r"\ben tant qu(?:e |')(?:IA|intelligence artificielle|modèle de langage)\b.{0,80}\bne (?:peux|puis)\b",
    ),
    "es": (
        r"\blo siento,? (?:pero )?no puedo\b",
        r"\bno puedo (?:ayudar(?:te|le|los)?|responder|proporcionar|cumplir|hacer eso|asistir)\b",
        r"\bdebo (?:negarme|rechazar)\b",
        r"\bcomo (?:IA|inteligencia artificial|modelo de lenguaje)\b.{0,80}\bno puedo\b",
    ),
}
"""Language -> phrases of a refusal (regular expressions, case ignored)."""
_REFUSAL = re.compile("|".join(phrase for phrases in REFUSALS.values() for phrase in phrases), re.IGNORECASE | re.DOTALL)


def empty(texts: Sequence[str]) -> Flags:
    """Which texts say nothing [n]."""
    return np.array([not any(c.isprintable() and not c.isspace() for c in text) for text in texts], dtype=np.bool_)


def loops(texts: Sequence[str]) -> Flags:
    """Which texts repeat themselves over and over [n]."""
    return np.array([_loops(text) for text in texts], dtype=np.bool_)


def _loops(text: str) -> bool:
    end = text[-MOST_LOOKED_AT:]
    lines = Counter(line.strip() for line in end.splitlines())
    if any(times >= TIMES and len(words(line)) >= LINE_WORDS for line, times in lines.most_common(20)):
        return True
    return _repeats(Vocabulary().learn(end), LEAST_WORDS) or _repeats(characters("".join(end.split())), LEAST_CHARACTERS)


def _repeats(sequence: Ints, least: int) -> bool:
    """Whether a phrase of up to LONGEST_PHRASE stands TIMES times back to back, `least` entries or more in all."""
    for period in range(1, min(LONGEST_PHRASE, len(sequence) // TIMES) + 1):
        wanted = max(period * TIMES, least) - period
        same = sequence[period:] == sequence[:-period]
        breaks = np.flatnonzero(~same)
        edges = np.concatenate([[-1], breaks, [len(same)]])
        if (np.diff(edges) - 1).max() >= wanted:
            return True
    return False


def refuses(texts: Sequence[str]) -> Flags:
    """Which texts read like a refusal [n]; a heuristic."""
    return np.array(
        [_REFUSAL.search(" ".join(text[:OPENING].replace("\u2019", "'").split())) is not None for text in texts], dtype=np.bool_
    )
