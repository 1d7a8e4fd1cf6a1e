"""Markup, gibberish, languages and boilerplate, with what only looks like them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from goodfit.data.clean.gibberish import gibberish, is_mash, is_repeated
from goodfit.data.clean.language import NAMES, identified, kin, languages_of
from goodfit.data.clean.markup import markup
from goodfit.data.clean.repeated import Repeated, ends_of


def kinds(text: str) -> set[str]:
    return {kind for kind, counts in markup(pa.array([text])).items() if counts[0]}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("a<br />b", "tag"), ("<p class='x'>hi</p>", "tag"), ("<!-- note -->", "tag"), ("AT&amp;T", "entity"), ("&#39;", "entity"), ("&#x27;", "entity"),
        ("&nbsp;", "entity"), ("[b]bold[/b]", "forum"), ("[quote=Anna]ja", "forum"), ("**bold** word", "markdown"), ("[a](https://b.c)", "markdown"),
        ("x\n## Heading", "markdown"), ("```\ncode", "markdown"), ("caf\\u00e9", "escape"), ("one\\n\\ntwo", "escape"), ("a%20b", "escape"),
    ],
)  # fmt: skip
def test_markup(text: str, kind: str) -> None:
    assert kinds(text) == {kind}


@pytest.mark.parametrize(
    "text",
    ["a < b and c > d", "<3 you", "I [sic] said [1]", "AT&T; yes", "fish & chips; please", "2 * 3 ** 4", "5% off", "https://x.y/a%20b", "C:\\new", "#hashtag", "# 1",
     "p<0.05", "<notatag>", "{name}", "http://a.b/c_(d)", "*** wow ***"],
)  # fmt: skip
def test_no_markup(text: str) -> None:
    assert kinds(text) - {"markdown"} == set()
    assert text == "# 1" or kinds(text) == set()


MASH = ["sdkfjh ksdjf lkjsdf", "jfkdls fjdksl ajfkdl sjfkd", "xkqzv wpgdj mbtzq", "dfkjghdkfjgh"]
KEYS = ["asdfghjkl qwertzuiop", "xcvbnm xcvb dfghj", "asdfgh", "фывапролдж", "йцукен фыва"]
SOUND = [
    "My card has not arrived yet", "Ich möchte mein Geld zurück", "Chciałbym zwrócić zakupione produkty", "Strč prst skrz krk, prosím tě", "Wstrząśnięty, nie zmieszany",
    "Llanfairpwllgwyngyll yn Gymraeg", "Ina son katin banki na yanzu", "Ẹ káàárọ̀ ṣé dáadáa ni", "Kartım henüz gelmedi", "Tôi muốn đổi thẻ", "Angstschweiß und Schlafstörungen",
    "HTTP XML SQL NVDA AMD MSFT", "for (i = 0; i < n; i++) printf(s);", "sha256 d41d8cd98f00b204e9800998ecf8427e", "https://xkcd.com/qwrtpsdfg", "rhythm myth crypt lynx",
    "Binh is a lgbtq person", "hmm brrr psst shhh", "Моя карта не работает", "我的卡还没到", "Süzgəclər və səlahiyyət", "12345 67890 12345", "my qwerty keyboard is broken", "asdf",
]  # fmt: skip


@pytest.mark.parametrize("text", MASH)
def test_keys_struck_at_random(text: str) -> None:
    assert is_mash(text)
    assert gibberish(pa.array([text]))[0]


@pytest.mark.parametrize("text", KEYS)
def test_keys_side_by_side(text: str) -> None:
    assert gibberish(pa.array([text]))[0] == (len(text) > 6)


@pytest.mark.parametrize("text", SOUND)
def test_no_language_is_gibberish(text: str) -> None:
    assert not gibberish(pa.array([text]))[0]


@pytest.mark.parametrize(("text", "repeated"), [
    ("aaaaaaaaaaaa", True), ("asdasdasdasd", True), ("ыыыыыыыыыы", True), ("x x x x x x x x", True), ("test test test test test test", True), ("啊啊啊啊啊啊啊啊啊", True),
    ("hahahahaha", False), ("哈哈哈哈哈哈哈哈", False), ("!!!!!!!!!!", False), ("----------", False), ("nooooooo way", False), ("no no no", False), ("55555555", False),
    ("ㅋㅋㅋㅋㅋㅋㅋㅋㅋ", False), ("ㅠㅠㅠㅠㅠㅠㅠㅠ", False), ("wkwkwkwkwk", False),
])  # fmt: skip
def test_one_sign_over_and_over(text: str, repeated: bool) -> None:
    assert is_repeated(text) == repeated
    assert bool(gibberish(pa.array([None, text]))[1]) == repeated


def test_keys_struck_at_random_are_mostly_found() -> None:
    rng = np.random.default_rng(0)
    texts = []
    for _ in range(300):
        keys = list(rng.choice(["asdfghjkl", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "zxcvbnm", "sdfjkl"]))
        texts.append(" ".join("".join(rng.choice(keys, size=rng.integers(5, 12))) for _ in range(rng.integers(2, 5))))
    assert gibberish(pa.array(texts)).mean() > 0.6


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("My card has not arrived yet and I am waiting", "en"), ("Ich warte seit zwei Wochen auf meine Karte", "de"), ("Je n'ai toujours pas reçu ma carte", "fr"),
        ("Todavía no he recibido mi tarjeta de crédito", "es"), ("Я до сих пор не получил свою банковскую карту", "ru"), ("我的银行卡还没有收到请问什么时候能到", "zh"),
        ("カードがまだ届いていません。いつ届きますか", "ja"), ("لم تصل بطاقتي المصرفية حتى الآن", "ar"),
    ],
)  # fmt: skip
def test_languages(text: str, code: str) -> None:
    assert identified(text).code in kin(code)
    assert code in NAMES


@pytest.mark.parametrize("text", ["", "ok", "12345 67890", "https://example.com/a/b", "@anna #topic", "<div></div>"])
def test_what_is_too_short_has_no_language(text: str) -> None:
    assert languages_of([text, None]) == ["", ""]


def test_relatives_are_kin_and_strangers_are_not() -> None:
    assert "da" in kin("no")
    assert "de" not in kin("en")
    assert kin("xx") == {"xx"}


def texts_with(sentence: str, n: int) -> list[str]:
    return [f"This is text number {i} about topic {i * 7}. {sentence} And it ends with word{i} here." for i in range(n)]


def test_boilerplate_is_what_many_different_texts_share() -> None:
    column = Repeated()
    column.add(pa.array([*texts_with("Sent from my telephone, please excuse.", 20), None, "short. text."]))
    column.add(pa.array(texts_with("SENT FROM MY TELEPHONE – please excuse!", 5)))
    found = column.sentences(10)
    assert [(one.texts, len(one.rows)) for one in found] == [(20, 25)]  # the second batch repeats the texts of the first up to case
    assert found[0].rows.tolist() == [*range(20), *range(22, 27)]


def test_repeated_rows_are_no_boilerplate() -> None:
    column = Repeated()
    column.add(pa.array(["The same first sentence here. The same second sentence here."] * 50))
    assert column.sentences(2) == []
    assert Repeated().sentences(2) == []


def test_the_ends_of_a_long_text_are_looked_at() -> None:
    rows, sentences = ends_of(pa.array([". ".join(f"sentence with the number {i}" for i in range(40)), None, "one only, without an end"]))
    assert rows.tolist() == [0] * 6
    assert sentences[0].as_py() == "sentence with the number 0"
    assert sentences[5].as_py() == "sentence with the number 39"
