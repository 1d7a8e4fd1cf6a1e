"""Damage: what was decoded by the wrong table is found and mended; sound text of any language is left alone."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pytest

from goodfit.data.clean.damage import invisible, lost, mojibake, repaired

SOUND = [
    "A plain sentence.", "Größe, Äpfel, Öl, Straße", "l’humanité est déçue — « voilà »", "¿Qué pasó, niño?", "Привет, Сёма! Как дела?", "Ελληνικά κείμενα",
    "Vượt qua đường", "日本語のテキスト", "한국어 텍스트", "שלום עולם", "مرحبا بالعالم", "ÀÉÈÙ ÄÖÜ", "naïve café – ok…", "50 € oder £40", "Çà et là", "👩‍👩‍👧 😀",
    "Ẹ káàárọ̀", "Příliš žluťoučký kůň", "Zażółć gęślą jaźń", "İstanbul’da ığdır", "ﬁne ﬂow", "x² + y² ≠ z°", "À Â Ê Î Ô Û",
]  # fmt: skip


@pytest.mark.parametrize("text", SOUND)
def test_sound_text_is_left_alone(text: str) -> None:
    assert repaired(text) == (text, "")
    assert mojibake(pa.array([text]))[0] == 0
    assert not any(counts[0] for counts in invisible(pa.array([text])).values())


READ_AS = [
    *[(text, table) for text in ("café au lait", "don’t you", "Größe und Öl", "Ärzte für 50 €") for table in ("latin-1", "mac-roman")],
    ("don’t you – really?", "cp1252"), ("Größe und Öl", "cp1252"), ("Привет мир", "cp1251"), ("Привет, как дела?", "latin-1"),
    ("Ελληνικά κείμενα", "latin-1"), ("naïve façade", "cp1250"), ("Zażółć gęślą", "cp1250"), ("résumé", "cp437"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "table"), READ_AS)
def test_utf8_read_by_a_one_byte_table_is_mended(text: str, table: str) -> None:
    mended = repaired(text.encode().decode(table))
    assert mended.text == text
    assert mended.how.startswith("utf-8 read as ")


def test_twice() -> None:
    damaged = "don’t".encode().decode("cp1252").encode().decode("cp1252")
    assert repaired(damaged).text == "don’t"


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("Здравствуйте, моя карта не работает уже неделю", "cp1251"), ("我的银行卡还没有收到，请问什么时候能到，谢谢", "gb18030"),
        ("カードがまだ届いていません。いつ届きますか", "shift_jis"), ("제 카드가 아직 도착하지 않았습니다 언제 오나요", "euc-kr"),
        ("Η κάρτα μου δεν έχει φτάσει ακόμα", "iso8859-7"),
    ],
)  # fmt: skip
def test_another_alphabet_read_as_latin(text: str, table: str) -> None:
    assert repaired(text.encode(table).decode("latin-1")).text == text


def test_columns_count_by_table() -> None:
    tables: Counter[str] = Counter()
    texts = pa.array(["fine", None, "cafÃ©", "That\x92s it", "also fine"])
    assert (mojibake(texts, tables=tables) > 0).tolist() == [False, False, True, True, False]
    assert sum(tables.values()) == 2
    assert tables["windows-1252 read as latin-1"] == 1
    assert lost(pa.array(["a\ufffdb\ufffd", "c", None])).tolist() == [2, 0, 0]


@pytest.mark.parametrize(
    ("text", "kind", "n"),
    [
        ("a\x00b", "control", 1), ("a\x07\x1b", "control", 2), ("zero\u200bwidth", "zero_width", 1), ("soft\u00adhyphen", "zero_width", 1),
        ("abc\u202etxt.exe", "direction", 1), ("seen\U000e0041\U000e0042", "hidden", 2), ("icon \ue001", "hidden", 1),
    ],
)  # fmt: skip
def test_invisible_signs(text: str, kind: str, n: int) -> None:
    counts = {name: int(found[0]) for name, found in invisible(pa.array([text])).items()}
    assert counts == dict.fromkeys(counts, 0) | {kind: n}


@pytest.mark.parametrize("text", ["tab\tand\nline\r\n", "می‌خواهم", "👨‍👩‍👧", "\u202bשלום\u202c", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "❤️", "क्‍ष", "a\u200eb"])
def test_signs_that_belong_to_spelling(text: str) -> None:
    assert not any(counts[0] for counts in invisible(pa.array([text])).values())
