"""Encodings: found by a byte order mark, UTF-8, or the look of a Western text; the same everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goodfit.data.peek import peek
from goodfit.data.readers import encoding
from goodfit.data.readers.base import DataFile
from tests.data.reading import Write, lines, outcome, pairs, refused

GERMAN = "text,label\n" + "".join(f"Die Größe der Tür Nr. {i} ist mäßig – sagt er,übrig\n" for i in range(20))


@pytest.mark.parametrize("name", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_western_and_unicode_encodings(write: Write, name: str) -> None:
    path = write("a.csv", GERMAN.encode(name))
    assert pairs(path)[3] == ("Die Größe der Tür Nr. 3 ist mäßig – sagt er", "übrig")
    assert lines(path)[:2] == [2, 3]
    assert bool(peek(path).notes) == (name == "cp1252")


def test_the_bytes_that_cp1252_does_not_have_cost_no_other_character(write: Write) -> None:
    path = write("a.csv", GERMAN.encode("cp1252") + "“Grüße” ".encode("cp1252") + b"\x81 \x9d,x\n")
    seen = peek(path)
    assert seen.encoding == "cp1252"
    assert "cp1252" in seen.notes[0]
    assert pairs(path)[-1][0] == "“Grüße” \x81 \x9d"
    assert pairs(path)[0][0].count("–") == 1


@pytest.mark.parametrize("name", ["utf-7", "unicode_escape", "base64", "idna", "nonsense"])
def test_encodings_that_no_file_is_in(write: Write, name: str) -> None:
    error = refused(write("a.csv", "text,label\n\\ud800 a,x\nb,y\n"), encoding=name)
    assert "there is no encoding called" in error.message


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Привет, как мне вернуть деньги", "cp1251"),
        ("Привет, как мне вернуть деньги", "koi8-r"),
        ("私の注文はどこですか", "shift_jis"),
        ("我的订单在哪里", "gb18030"),
        ("Zażółć gęślą jaźń, proszę", "cp1250"),
        ("Où est ma commande, très déçu, hélas être été", "mac_roman"),
        ("Πού είναι η παραγγελία μου", "cp1253"),
    ],
)
def test_other_encodings_are_asked_for_and_then_read(write: Write, text: str, name: str) -> None:
    path = write("a.tsv", ("text\tlabel\n" + f"{text}\tx\n" * 5).encode(name))
    assert "encoding cannot be told" in str(refused(path))
    assert pairs(path, encoding=name)[0][0] == text


def test_a_western_text_with_curly_quotes_in_words_is_not_suspect(write: Write) -> None:
    path = write("a.csv", ("text,label\n" + "don’t say “café”… it’s 5 °C,x\n" * 5).encode("cp1252"))
    assert pairs(path)[0][0] == "don’t say “café”… it’s 5 °C"


def test_one_odd_line_in_a_large_ascii_file_is_not_a_mixture(write: Write) -> None:
    path = write("a.csv", b"text,label\n" + b"plain words,x\n" * 9000 + "café,x\n".encode("cp1252"))
    assert pairs(path)[-1] == ("café", "x")


def test_a_byte_order_mark_before_a_quoted_header(write: Write) -> None:
    assert pairs(write("a.csv", b'\xef\xbb\xbf"text","label"\na,x\n')) == [("a", "x")]
    assert pairs(write("a.jsonl", b'\xef\xbb\xbf{"text": "a", "label": "x"}\n')) == [("a", "x")]
    assert pairs(write("a.json", b'\xef\xbb\xbf[{"text": "a", "label": "x"}]')) == [("a", "x")]
    assert pairs(write("a.tsv", b'\xef\xbb\xbftext\tlabel\n"a\tx\n"b\tx\n')) == [('"a', "x"), ('"b', "x")]


def test_a_cut_off_utf_16_file(write: Write) -> None:
    assert "cut off" in str(refused(write("a.csv", GERMAN.encode("utf-16")[:-1])))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_have_an_encoding_or_a_clear_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = Path(tmp_path_factory.mktemp("bytes")) / "a.csv"
    path.write_bytes(b"text,label\n" + content)
    found: list[str] = []
    error = outcome(lambda: found.append(encoding.detect(DataFile(name=str(path)))))
    if error is None:
        assert found[0] in ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1")
    else:
        assert error.place.file == str(path)
        assert error.fix
