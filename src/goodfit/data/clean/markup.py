"""Markup that was left over: HTML, forum codes, Markdown and escapes that a reader of the text was never meant to see.

Layer: data. RE2 over whole columns. Only names that HTML and forums know count, so that `a < b and c > d`, `<3`, `[sic]` and `[1]`
are what they are.
"""

from __future__ import annotations

import re
from html.entities import html5

import numpy as np
import pyarrow as pa

from goodfit.data.clean.columns import Counts, counted, matching, suspects

_ELEMENTS = (
    "a abbr address article aside audio b big blockquote body br button canvas caption center cite code col dd del details div dl dt em "
    "embed fieldset figcaption figure font footer form frame h1 h2 h3 h4 h5 h6 head header hr html i iframe img input ins kbd label legend "
    "li link main map mark meta nav noscript object ol option p param picture pre q s samp script section select small source span strike "
    "strong style sub summary sup svg table tbody td textarea tfoot th thead title tr tt u ul var video"
).replace(" ", "|")
_FORUM = "b|i|u|s|url|img|quote|code|color|size|font|list|center|left|right|spoiler|youtube|email|table|tr|td"
MARKUP: dict[str, tuple[str, str]] = {
    "tag": ("HTML tags", rf"(?i)</?(?:{_ELEMENTS})(?:\s[^<>]{{0,400}})?/?>|<!--|<!doctype\s|<\?xml\s"),
    "entity": ("HTML entities", r"&(?:[A-Za-z][A-Za-z0-9]{1,30}|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});"),
    "forum": ("forum codes", rf"(?i)\[/(?:{_FORUM})\]|\[(?:url|img|quote|color|size|font)=[^\[\]]{{1,300}}\]"),
    "markdown": (
        "Markdown",
        r"\*\*[^\s*][^*\n]{0,200}\*\*|!?\[[^\[\]\n]{1,200}\]\((?:https?://|/|#|mailto:)[^()\s]{0,400}\)|(?m)^#{1,6}\s\S|^```",
    ),
    "escape": (
        "escapes",
        r"\\u[0-9A-Fa-f]{4}|\\x[89A-Fa-f][0-9A-Fa-f]|(?:\\r)?\\n(?:\\r)?\\n|\\r\\n|%(?:20|0[AD]|C3%[89AB][0-9A-F]|E2%80%9[0-9A-F])",
    ),
}
"""Kind -> what it is, and its pattern for RE2."""
_LINK = r"https?://\S*%[0-9A-F]{2}"
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")


def markup(texts: pa.Array) -> dict[str, Counts]:
    """Kind of MARKUP -> how often each text has it, [n]. A % in a link is how links are written."""
    out = {kind: counted(texts, pattern) for kind, (_, pattern) in MARKUP.items()}
    if out["escape"].any():
        out["escape"][matching(texts, _LINK)] = 0
    if out["entity"].any():
        out["entity"] = _known(texts)
    return out


def _known(texts: pa.Array) -> Counts:
    """Entities that HTML has a name for: `AT&T; then` has none."""
    out = np.zeros(len(texts), dtype=np.int32)
    for i, text in suspects(texts, MARKUP["entity"][1]):
        out[i] = sum(found[1] == "#" or found[1:] in html5 for found in _ENTITY.findall(text))
    return out
