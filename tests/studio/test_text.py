"""Texts as HTML: nothing acts, nothing hides, scripts that need joiners keep them."""

from __future__ import annotations

import pytest

pytest.importorskip("starlette")

from goodfit.studio.text import shown


def test_markup_is_text() -> None:
    assert shown("<b>&\"'") == "&lt;b&gt;&amp;&#34;&#39;"


def test_odd_characters_are_seen() -> None:
    assert shown("a\x1bb") == 'a<span class="odd">\\x1b</span>b'
    assert shown("\u202e<") == '<span class="odd">\\u202e</span>&lt;'
    assert shown("\ue000\U000e0041") == '<span class="odd">\\ue000</span><span class="odd">\\U000e0041</span>'


def test_lines_and_joiners_stay() -> None:
    assert shown("a\r\n\tb\u200c\u200d") == "a\n\tb\u200c\u200d"


def test_long_texts_say_what_is_cut() -> None:
    assert shown("x" * 20_001).endswith('<span class="cut"> … 1 character more</span>')
