"""Personal data: every kind as people write it, and what only looks like it."""

from __future__ import annotations

import time

import numpy as np
import pyarrow as pa
import pytest

from goodfit.data.clean.identity import IDENTITIES
from goodfit.data.clean.personal import KINDS, shown, spans_of
from goodfit.data.clean.private import Personal


def found(text: str) -> list[tuple[str, str]]:
    return [(span.kind, text[span.begin : span.end]) for span in spans_of(text)]


def values(text: str, kind: str) -> list[str]:
    return [value for k, value in found(text) if k == kind]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("mail jane.doe+news@mail.example.co.uk, please", "jane.doe+news@mail.example.co.uk"),
        ("Schreib an jürgen@bücher.example!", "jürgen@bücher.example"),
        ("请联系 用户@例子.广告", "用户@例子.广告"),
        ("пишите иван@почта.рф", "иван@почта.рф"),
        ("jane (at) example (dot) com", "jane (at) example (dot) com"),
        ("o'brien@example.museum.", "o'brien@example.museum"),
        ("<a@b.io>", "a@b.io"),
    ],
)
def test_email(text: str, value: str) -> None:
    assert values(text, "email") == [value]


@pytest.mark.parametrize(
    "text",
    ["logo@2x.png", "react@18.2.0", "git@github.com:org/repo.git", "@jane@mastodon.social", "jo***@***.com", "me@home", "a @ b.com", "x@y..z",
     "meet me at example dot com", "price@5.99"],
)  # fmt: skip
def test_no_email(text: str) -> None:
    assert values(text, "email") == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("card 4111 1111 1111 1111 12/25", "4111 1111 1111 1111"),
        ("4012-8888-8888-1881 cvv 123", "4012-8888-8888-1881"),
        ("amex 3782 822463 10005", "3782 822463 10005"),
        ("Meine Karte: 5555555555554444", "5555555555554444"),
        ("6011111111111117", "6011111111111117"),
        ("JCB 3530111333300000", "3530111333300000"),
        ("mir 2200770212727079", "2200770212727079"),
    ],
)
def test_card(text: str, value: str) -> None:
    assert values(text, "card") == [value]


@pytest.mark.parametrize(
    "text",
    ["4111111111111112", "order number 4012888888881881", "Bestellnummer: 4012888888881881", "0000 0000 0000 0000", "1234567890123456",
     "4111.1111.1111.1111", "978-3-16-148410-0", "2023120112300000", "tracking 6011111111111117"],
)  # fmt: skip
def test_no_card(text: str) -> None:
    assert values(text, "card") == []


@pytest.mark.parametrize(
    "iban",
    ["DE89370400440532013000", "GB29 NWBK 6016 1331 9268 19", "FR1420041010050500013M02606", "gb29nwbk60161331926819", "NL91ABNA0417164300",
     "NO93 8601 1117 947", "MT84MALT011000012345MTLCAST001S"],
)  # fmt: skip
def test_iban(iban: str) -> None:
    assert values(f"pay to {iban}, thanks", "iban") == [iban]


@pytest.mark.parametrize("text", ["DE89370400440532013001", "DE8937040044053201300", "XX89370400440532013000", "AB12 CDEF 3456 7890"])
def test_no_iban(text: str) -> None:
    assert values(text, "iban") == []


NUMBERS = [
    ("US", "078-05-1120"), ("US", "my ssn is 536904399"), ("GB", "AB123456C"), ("GB", "AB 12 34 56 C"), ("CA", "SIN 046 454 286"),
    ("DE", "Steuer-ID 86095742719"), ("FR", "2 55 08 14 168 025 38"), ("ES", "12345678Z"), ("ES", "X1234567L"), ("IT", "RSSMRA85T10A562S"),
    ("PT", "NIF 123456789"), ("NL", "BSN 111222333"), ("BE", "85.07.30-033.28"), ("PL", "44051401359"), ("SE", "811218-9876"),
    ("SE", "19811218-9876"), ("NO", "01010750160"), ("DK", "CPR 211062-5629"), ("FI", "131052-308T"), ("CZ", "710319/2745"),
    ("RO", "1630615123457"), ("BG", "ЕГН 7523169263"), ("EE", "37605030299"), ("LV", "personas kods 161175-19997"), ("CH", "756.9217.0769.85"),
    ("AT", "SVNR 1237 010180"), ("IE", "6433435F"), ("HR", "OIB 33392005961"), ("GR", "ΑΜΚΑ 01013099997"), ("BR", "529.982.247-25"),
    ("AR", "20-05536168-2"), ("CL", "12.531.909-2"), ("MX", "BOXW310820HNERXN09"), ("IN", "Aadhaar 2341 2341 2346"), ("IN", "PAN ACUPA7085R"),
    ("CN", "11010519491231002X"), ("KR", "971013-9019902"), ("JP", "マイナンバー 1234 5678 9018"), ("SG", "S1234567D"), ("HK", "A123456(3)"),
    ("TW", "身分證 A123456789"), ("AU", "TFN 123 456 782"), ("ZA", "8001015009087"), ("TR", "10000000146"), ("IL", "teudat zehut 123456782"),
    ("UA", "РНОКПП 1759013776"), ("RU", "112-233-445 95"), ("RU", "ИНН 500100732259"),
]  # fmt: skip
"""Examples that authorities and standards publish (made-up persons)."""


@pytest.mark.parametrize(("country", "text"), NUMBERS, ids=[f"{country} {text}" for country, text in NUMBERS])
def test_national_number(country: str, text: str) -> None:
    spans = [span for span in spans_of(f"Here: {text}.") if span.kind == "national_id"]
    assert len(spans) == 1
    assert f"({country})" in spans[0].name


UNCHECKED = ("US", "GB", "DK", "KR", "LV", "PAN")
"""Numbers without a check digit."""
CHECKED = [(country, text) for country, text in NUMBERS if country not in UNCHECKED and not text.startswith(UNCHECKED)]


@pytest.mark.parametrize(("country", "text"), CHECKED, ids=[f"{country} {text}" for country, text in CHECKED])
def test_a_wrong_digit_is_no_national_number(country: str, text: str) -> None:
    """Every rule with a check digit refuses most numbers that differ in one digit."""
    places = [i for i, c in enumerate(text) if c.isdigit()]
    told = 0
    for place in places:
        other = text[:place] + str((int(text[place]) + 1) % 10) + text[place + 1 :]
        told += any(f"({country})" in span.name for span in spans_of(f"Here: {other}."))
    assert told <= 0.2 * len(places)


def test_every_country_has_an_example() -> None:
    assert {identity.country for identity in IDENTITIES} == {country for country, _ in NUMBERS}


@pytest.mark.parametrize(
    "text",
    ["ref 44051401359", "000-12-3456", "666-12-3456", "123-45-67890", "2024-05-1120", "order no. 8001015009087", "123456789", "046 454 286",
     "12345678A", "529.982.247-26", "1.234.567-8", "room 811218", "86095742719 items"],
)  # fmt: skip
def test_no_national_number(text: str) -> None:
    assert values(text, "national_id") == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("from 203.0.113.77 today", "203.0.113.77"), ("server 10.0.0.5", "10.0.0.5"), ("ping 8.8.8.8", "8.8.8.8"),
        ("2001:0db8:85a3:0000:0000:8a2e:0370:7334", "2001:0db8:85a3:0000:0000:8a2e:0370:7334"), ("fe80::1ff:fe23:4567:890a", "fe80::1ff:fe23:4567:890a"),
    ],
)  # fmt: skip
def test_address_of_a_machine(text: str, value: str) -> None:
    assert values(text, "ip") == [value]


@pytest.mark.parametrize(
    "text",
    ["version 101.2.33.44", "v10.20.30.40", "Chrome 120.0.6099.109", "1.2.3.4.5", "see 1.2.3.4", "section 12.10.11.40", "127.0.0.1", "300.1.1.1",
     "12:30:45", "std::vector", "a::b", "::1", "01.02.2003", "255.255.255.0"],
)  # fmt: skip
def test_no_address_of_a_machine(text: str) -> None:
    assert values(text, "ip") == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("+49 30 123456", "+49 30 123456"), ("(+44) 20 7946 0958", "(+44) 20 7946 0958"), ("0049 30 123456", "0049 30 123456"),
        ("(212) 555-0187", "(212) 555-0187"), ("212-555-0187", "212-555-0187"), ("+1-604-696-5272x565", "+1-604-696-5272x565"),
        ("06 12 34 56 78", "06 12 34 56 78"), ("020 7946 0958", "020 7946 0958"), ("030/1234567", "030/1234567"), ("07700 900123", "07700 900123"),
        ("(11) 91234-5678", "(11) 91234-5678"), ("138-1234-5678", "138-1234-5678"), ("call 555-1234", "555-1234"), ("phone: 699 956 915", "699 956 915"),
        ("Telefon 60-56-85-91", "60-56-85-91"), ("тел. 8 (495) 123-45-67", "8 (495) 123-45-67"), ("電話 03-1234-5678", "03-1234-5678"),
        ("my number is 5558929", "5558929"), ("781 1704 office", "781 1704"), ("jawwal هاتف 0501234567", "0501234567"),
    ],
)  # fmt: skip
def test_phone(text: str, value: str) -> None:
    assert values(text, "phone") == [value]


@pytest.mark.parametrize(
    "text",
    ["order number 212-555-0187", "2004-05-12", "12.05.2004", "1.234.567,89", "1 234 567", "ISBN 978-3-16-148410-0", "invoice no. 20230405123",
     "1999-2004", "the decade (1980 to 1989) 186 patients", "3600-1200=2400", "2400 / 200", "pi is 3.14159265", "in 2004 12 of 37 cases",
     "flights 2348/3499 were called", "call 911", "licence number is 2270-66-1551", "$1,234,567", "17:30-18:45"],
)  # fmt: skip
def test_no_phone(text: str) -> None:
    assert values(text, "phone") == []


def test_nothing_is_told_twice_and_the_surer_kind_wins() -> None:
    text = "DE89370400440532013000 and 4012-8888-8888-1881 and x@203.0.113.77.example.com"
    spans = spans_of(text)
    assert all(a.end <= b.begin for a, b in zip(spans, spans[1:]))
    assert [span.kind for span in spans] == ["iban", "card", "email"]


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [("john.smith@mail.example.com", "email", "jo***@***.com"), ("4111 1111 1111 1111", "card", "41** **** **** **11"), ("555-1234", "phone", "55*-****")],
)  # fmt: skip
def test_what_is_shown_tells_little(value: str, kind: str, said: str) -> None:
    assert shown(value, kind) == said


# -- columns --------------------------------------------------------------------------------------------------------------------


def test_the_prefilter_leaves_nothing_out() -> None:
    texts = [text for _, text in NUMBERS] + ["jane@example.com", "GB29 NWBK 6016 1331 9268 19", "ping 8.8.8.8", "+49 30 123456", "fe80::1ff:fe23:4567:890a",
                                             "jane [at] example [dot] com", "call 555-1234", "amex 3782 822463 10005"]  # fmt: skip
    column = Personal()
    column.add(pa.array(texts))
    assert {row for kind in KINDS for row in column.rows(kind)} == set(range(len(texts)))


def numbers(seed: int, n: int, *, valid: float) -> list[str]:
    """Sixteen-digit numbers that begin like cards; a share of them with Luhn's digit."""
    rng = np.random.default_rng(seed)
    out = []
    for fits in rng.random(n) < valid:
        head = "4" + "".join(map(str, rng.integers(0, 10, 14)))
        total = sum(d if i % 2 else (2 * d - 9 if d > 4 else 2 * d) for i, d in enumerate(map(int, head)))
        check = -total % 10
        out.append(f"{head}{check if fits else (check + int(rng.integers(1, 10))) % 10}")
    return out


def test_order_numbers_hold_cards_by_chance_and_these_are_not_counted() -> None:
    wrong = 0
    for seed in range(200):
        column = Personal()
        column.add(pa.array(numbers(seed, 100, valid=0.1)))
        wrong += bool(column.rows("card"))
        assert column.tried["card", True] + column.tried["card", False] == 100
    assert wrong <= 6  # 1% of 200, and three standard deviations


def test_cards_among_order_numbers_are_counted_where_there_are_too_many() -> None:
    column = Personal()
    column.add(pa.array(numbers(1, 100, valid=0.4)))
    assert len(column.rows("card")) > 25
    column = Personal()
    column.add(pa.array([*numbers(1, 100, valid=0.1), "my card 4111 1111 1111 1111"]))
    assert column.rows("card") == {100}


def test_rows_are_numbered_over_batches_and_missing_texts_hold_nothing() -> None:
    column = Personal()
    column.add(pa.array(["nothing", None, "a@b.org"]))
    column.add(pa.array([None, "c@d.org and e@f.org"]))
    assert (column.rows("email"), column.looked_at) == ({2, 4}, 5)
    assert column.named["email"] == {"e-mail": 3}


HOSTILE = {
    "digits": "1" * 300_000, "digits and spaces": "1 " * 150_000, "at signs": "a@" * 150_000, "dots": "a." * 150_000, "pluses": "+1" * 150_000,
    "brackets": "(" * 300_000, "colons": "f:" * 150_000, "iban heads": "DE89 " * 60_000, "dashes": "12-" * 100_000, "at": " (at) " * 50_000,
    "passwords": "password=" * 30_000, "urls": "http://a:" * 30_000, "begin": "-----BEGIN " * 30_000, "eyJ": "eyJ" * 100_000, "bangs": "!" * 300_000,
    "addresses": "a@b.co " * 50_000, "numbers": "+49 30 123456; " * 20_000, "pins": "078-05-1120, " * 20_000, "keys": "password: hunter2hunter2 " * 12_000,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_takes_more_than_time_in_proportion(name: str) -> None:
    from goodfit.data.clean.mask import mask_text

    begin = time.process_time()
    mask_text(HOSTILE[name])
    assert time.process_time() - begin < 20  # a guard against patterns that blow up, not a measurement
