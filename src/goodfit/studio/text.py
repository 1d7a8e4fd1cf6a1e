"""Texts of unknown origin as HTML in which nothing acts and nothing hides: escaped, control and bidi characters shown as their escapes.

Part of the studio. Zero-width joiners stay as they are: Persian, the scripts of India and many emoji are written with them.
"""

from __future__ import annotations

import unicodedata

from markupsafe import Markup, escape

from goodfit.monitor.words import count

LONGEST = 20_000
"""Characters of a text that a page shows."""
KEPT = "\n\t\u200c\u200d"


def shown(text: str) -> Markup:
    r"""The text; each odd character as `<span class="odd">\x1b</span>`; what is cut off is counted."""
    out: list[Markup] = []
    plain: list[str] = []
    for character in text[:LONGEST].replace("\r\n", "\n"):
        if character in KEPT or unicodedata.category(character)[0] != "C":
            plain.append(character)
            continue
        out += [escape("".join(plain)), Markup('<span class="odd">{}</span>').format(character.encode("unicode_escape").decode())]
        plain = []
    out.append(escape("".join(plain)))
    if len(text) > LONGEST:
        out.append(Markup('<span class="cut"> … {} more</span>').format(count(len(text) - LONGEST, "character")))
    return Markup("").join(out)
