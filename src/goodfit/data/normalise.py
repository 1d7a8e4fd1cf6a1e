"""Texts made comparable: two texts are the same when they differ only in case, punctuation, spaces or invisible characters.

Layer: data (methods 2, tier 1). Vectorised over Arrow arrays; nothing becomes a Python string.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_APOSTROPHES = r"['’‘ʼ`´＇]"
_DROPPED = r"[\p{Cf}\x{FE00}-\x{FE0F}\x{034F}]"
"""Zero-width, soft hyphen, direction marks, byte order mark, variation selectors."""
_SPACES = r"[\p{P}\p{Z}\s\p{Cc}]+"


def normalise(texts: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Normalised texts (null stays null): NFKC, lower case, no invisible characters, no punctuation, single spaces.

    Apostrophes vanish (don't = dont); other punctuation becomes a space (check-in = check in). Symbols stay: `+ $ € 😀` carry
    meaning. A text that consists of punctuation only becomes the empty string; see `text_keys`.
    """
    out = pc.utf8_normalize(texts, form="NFKC")
    out = pc.utf8_normalize(pc.utf8_lower(out), form="NFKC")
    for pattern, replacement in ((_APOSTROPHES, ""), (_DROPPED, ""), (_SPACES, " ")):
        out = pc.replace_substring_regex(out, pattern=pattern, replacement=replacement)
    return pc.utf8_trim(out, characters=" ")


def normalise_text(text: str) -> str:
    """One text, normalised."""
    return str(normalise(pa.array([text], pa.string()))[0])
