"""National identity and tax numbers with their check digits: about 40 countries, each a shape and a rule.

Layer: data, part of `personal`. A number is believed by its rule where the shape is its own (a date and a check digit, letters,
dots and dashes in their places); where any number of that length could be one (nine digits, one in ten fits), only beside a word that
says what it is. The rules are those that the authorities publish; the tests hold examples that the authorities publish too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

from goodfit.data.clean.digits import all_same, day, ean13, luhn, mod11_10, verhoeff, weighted

BALTIC = (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)
_FINNISH = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_SPANISH = "TRWAGMYFPDXBNJZSQVHLCKE"
_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
"""Values of the characters at odd places of an Italian codice fiscale."""
_SINGAPORE = {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "G": "XWUTRQPNMLK", "M": "XWUTRQPNJLK"}
_TAIWAN = "ABCDEFGHJKLMNPQRSTUVXYWZIO"
_IRISH = "WABCDEFGHIJKLMNOPQRSTUV"


@dataclass(frozen=True)
class Identity:
    """One country's number."""

    country: str
    """ISO 3166 code."""
    name: str
    shape: str
    """Regular expression of the whole number, as people write it."""
    fits: Callable[[str], bool]
    """The rule, on the number in capitals without separators."""
    words: str = ""
    """Words beside it without which it is not believed; empty: the shape is its own."""


def _us(n: str) -> bool:
    area, group = int(n[:3]), int(n[3:5])
    if area >= 900:  # a taxpayer number (ITIN)
        return 50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or group >= 94
    return area not in (0, 666) and group > 0 and n[5:] != "0000" and n != "123456789"


def _fr(n: str) -> bool:
    body = n[:13].replace("2A", "19").replace("2B", "18")
    return n[0] in "1278" and (1 <= int(n[3:5]) <= 12 or int(n[3:5]) >= 20) and int(n[13:]) == 97 - int(body) % 97


def _de(n: str) -> bool:
    most = max(n[:10].count(d) for d in set(n[:10]))
    return n[0] != "0" and most in (2, 3) and max(len(list(run)) for _, run in groupby(n[:10])) < 3 and mod11_10(n)


def _be(n: str) -> bool:
    return day(n, "yymmdd.....", months=(0, 20, 40)) and int(n[9:]) in (97 - int(n[:9]) % 97, 97 - int("2" + n[:9]) % 97)


def _es(n: str) -> bool:
    return _SPANISH[int(n[:-1].translate(str.maketrans("XYZ", "012"))) % 23] == n[-1]


def _it(n: str) -> bool:
    values = [ord(c) - 65 if c.isalpha() else int(c) for c in n]
    return (sum(_ODD[v] for v in values[:15:2]) + sum(values[1:15:2])) % 26 == values[15]


def _pt(n: str) -> bool:
    rest = weighted(n, range(9, 1, -1)) % 11
    return n[0] in "1235689" and int(n[8]) == (0 if rest < 2 else 11 - rest)


def _pl(n: str) -> bool:
    return day(n, "yymmdd.....", months=(0, 20, 40, 60, 80)) and weighted(n, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def _se(n: str) -> bool:
    ten = n[-10:]
    moved = ten[:4] + f"{int(ten[4:6]) - 60:02d}" if int(ten[4:6]) > 60 else ten  # coordination numbers
    return day(moved, "yymmdd....") and luhn(ten)


def _no(n: str) -> bool:
    born = f"{int(n[0]) - 4}{n[1:]}" if n[0] in "4567" else n
    first, second = weighted(n, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)), weighted(n, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1))
    return day(born, "ddmm.......", months=(0, 40, 80)) and first % 11 == 0 and second % 11 == 0


def _fi(n: str) -> bool:
    return day(n, "ddmmyy") and _FINNISH[int(n[:6] + n[-4:-1]) % 31] == n[-1]


def _cz(n: str) -> bool:
    dated = day(n, "yymmdd....", months=(0, 20, 50, 70))
    return dated and (len(n) == 9 or int(n) % 11 == 0 or (int(n[:9]) % 11 == 10 and n[9] == "0"))


def _ro(n: str) -> bool:
    return n[0] != "0" and day(n, ".yymmdd......") and int(n[12]) == weighted(n, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11 % 10


def _bg(n: str) -> bool:
    dated = day(n, "yymmdd....", months=(0, 20, 40))
    return dated and weighted(n, (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10 == int(n[9])


def _baltic(n: str) -> bool:
    rest = weighted(n, BALTIC) % 11
    rest = weighted(n, (*BALTIC[2:9], 1, 2, 3)) % 11 if rest == 10 else rest
    return n[0] in "123456" and day(n, ".yymmdd....") and int(n[10]) == rest % 10


def _br(n: str) -> bool:
    first, second = weighted(n, range(10, 1, -1)) * 10 % 11 % 10, weighted(n, range(11, 1, -1)) * 10 % 11 % 10
    return not all_same(n) and n[9:] == f"{first}{second}"


def _ar(n: str) -> bool:
    return n[:2] in ("20", "23", "24", "25", "26", "27") and weighted(n, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def _cl(n: str) -> bool:
    rest = sum(int(d) * (2 + i % 6) for i, d in enumerate(reversed(n[:-1]))) % 11
    return n[-1] == "0K987654321"[rest]


def _mx(n: str) -> bool:
    total = sum("0123456789ABCDEFGHIJKLMN#OPQRSTUVWXYZ".index(c) * (18 - i) for i, c in enumerate(n[:17]))
    return day(n, "....yymmdd") and int(n[17]) == -total % 10


def _cn(n: str) -> bool:
    weights = tuple(2 ** (17 - i) % 11 for i in range(17))
    return n[6:8] in ("18", "19", "20") and day(n, "..........mmdd") and "10X98765432"[weighted(n, weights) % 11] == n[17]


def _za(n: str) -> bool:
    return n[10] in "012" and day(n, "yymmdd.......") and luhn(n)


def _tr(n: str) -> bool:
    tenth = (sum(map(int, n[:9:2])) * 7 - sum(map(int, n[1:8:2]))) % 10
    return n[0] != "0" and int(n[9]) == tenth and int(n[10]) == sum(map(int, n[:10])) % 10


def _sg(n: str) -> bool:
    total = weighted(n[1:8], (2, 7, 6, 5, 4, 3, 2)) + {"T": 4, "G": 4, "M": 3}.get(n[0], 0)
    return _SINGAPORE[n[0]][total % 11] == n[8]


def _tw(n: str) -> bool:
    code = _TAIWAN.index(n[0]) + 10
    return (code // 10 + code % 10 * 9 + weighted(n[1:], (8, 7, 6, 5, 4, 3, 2, 1, 1))) % 10 == 0


def _hk(n: str) -> bool:
    body = n[:-1].rjust(8)
    total = sum((36 if c == " " else int(c, 36)) * (9 - i) for i, c in enumerate(body))
    return (total + (10 if n[-1] == "A" else int(n[-1]))) % 11 == 0


def _ie(n: str) -> bool:
    more = 9 * (ord(n[8]) - 64) if len(n) == 9 and n[8] != "W" else 0
    return _IRISH[(weighted(n[:7], range(8, 1, -1)) + more) % 23] == n[7]


def _snils(n: str) -> bool:
    total = weighted(n, range(9, 0, -1))
    return not all_same(n[:9]) and int(n[9:]) == (total if total < 100 else total % 101 % 100)


def _inn(n: str) -> bool:
    first = weighted(n, (7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10
    second = weighted(n, (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10
    return n[10:] == f"{first}{second}" and not all_same(n)


def _jp(n: str) -> bool:
    rest = sum(int(d) * (i + 2 if i < 6 else i - 4) for i, d in enumerate(reversed(n[:11]))) % 11
    return int(n[11]) == (0 if rest < 2 else 11 - rest)


def _ua(n: str) -> bool:
    return int(n[9]) == weighted(n, (-1, 5, 7, 9, 4, 6, 10, 5, 7)) % 11 % 10


IDENTITIES: tuple[Identity, ...] = (
    Identity("US", "social security number", r"\d{3}-\d{2}-\d{4}|\d{3} \d{2} \d{4}", _us),
    Identity("US", "social security number", r"\d{9}", _us, r"\bssn\b|social security"),
    Identity("GB", "National Insurance number", r"(?-i:[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?:\d{6}| \d{2} \d{2} \d{2} ?)[A-D])",
             lambda n: n[:2] not in ("BG", "GB", "NK", "KN", "TN", "NT", "ZZ")),
    Identity("CA", "social insurance number", r"\d{3}[ -]?\d{3}[ -]?\d{3}", lambda n: n[0] != "8" and luhn(n),
             r"(?-i:\bSIN\b|\bNAS\b)|social insurance|assurance sociale"),
    Identity("DE", "Steuer-ID", r"\d{2} \d{3} \d{3} \d{3}|\d{11}", _de, r"steuer|idnr|\btin\b|tax id"),
    Identity("FR", "numéro de sécurité sociale", r"[1278] ?\d{2} ?\d{2} ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}", _fr),
    Identity("ES", "DNI or NIE", r"(?-i:\d{2}\.?\d{3}\.?\d{3}[ -]?[A-HJ-NP-TV-Z]|[XYZ][ -]?\d{7}[ -]?[A-HJ-NP-TV-Z])", _es),
    Identity("IT", "codice fiscale", r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]", _it),
    Identity("PT", "NIF", r"\d{3} ?\d{3} ?\d{3}", _pt, r"\bnif\b|contribuinte"),
    Identity("NL", "BSN", r"\d{9}|\d{4}[. ]\d{2}[. ]\d{3}",
             lambda n: weighted(n, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0 and not all_same(n),
             r"\bbsn\b|burgerservice|sofi"),
    Identity("BE", "rijksregisternummer", r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}|\d{11}", _be),
    Identity("PL", "PESEL", r"\d{11}", _pl),
    Identity("SE", "personnummer", r"(?:\d{2})?\d{6}[-+]\d{4}", _se),
    Identity("NO", "fødselsnummer", r"\d{6} ?\d{5}", _no),
    Identity("DK", "CPR-nummer", r"\d{6}-?\d{4}", lambda n: day(n, "ddmmyy...."), r"\bcpr\b|personnummer"),
    Identity("FI", "henkilötunnus", r"(?-i:\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y])", _fi),
    Identity("CZ", "rodné číslo", r"\d{6}/\d{3,4}", _cz),
    Identity("RO", "CNP", r"\d{13}", _ro),
    Identity("BG", "ЕГН", r"\d{10}", _bg, r"егн|\begn\b"),
    Identity("EE", "isikukood or asmens kodas", r"\d{11}", _baltic),
    Identity("LV", "personas kods", r"\d{6}-\d{5}", lambda n: day(n, "ddmmyy....."), r"personas kod|pers\. ?kod"),
    Identity("CH", "AHV number", r"756\.\d{4}\.\d{4}\.\d{2}|756\d{10}", ean13),
    Identity("AT", "Sozialversicherungsnummer", r"\d{4} ?\d{6}",
             lambda n: n[0] != "0" and day(n, "....ddmmyy", months=(0,)) and weighted(n, (3, 7, 9, 0, 5, 8, 4, 2, 1, 6)) % 11 == int(n[3]),
             r"sv-?nr|sozialversicherung|svnr"),
    Identity("IE", "PPS number", r"(?-i:\d{7}[A-W][A-IW]?)", _ie),
    Identity("HR", "OIB", r"\d{11}", mod11_10, r"\boib\b"),
    Identity("GR", "ΑΜΚΑ", r"\d{11}", lambda n: day(n, "ddmmyy.....") and luhn(n), r"αμκα|\bamka\b"),
    Identity("BR", "CPF", r"\d{3}\.\d{3}\.\d{3}-\d{2}|\d{11}", _br),
    Identity("AR", "CUIL", r"\d{2}-\d{8}-\d", _ar),
    Identity("CL", "RUT", r"\d{1,2}\.\d{3}\.\d{3}-[\dK]", _cl),
    Identity("CL", "RUT", r"\d{7,8}-[\dK]", _cl, r"\brut\b|\brun\b"),
    Identity("MX", "CURP", r"(?-i:[A-Z][AEIOUX][A-Z]{2}\d{6}[HMX][A-Z]{2}[B-DF-HJ-NP-TV-ZÑ]{3}[0-9A-Z]\d)", _mx),
    Identity("IN", "Aadhaar", r"[2-9]\d{3}[ -]\d{4}[ -]\d{4}|[2-9]\d{11}", verhoeff, r"aadh?aar|uidai|आधार"),
    Identity("IN", "PAN", r"(?-i:[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z])", lambda n: True, r"(?-i:\bPAN\b)|permanent account"),
    Identity("CN", "resident identity number", r"\d{17}[\dX]", _cn),
    Identity("KR", "resident registration number", r"\d{6}-\d{7}", lambda n: day(n, "yymmdd.......")),
    Identity("JP", "My Number", r"\d{4}[ -]?\d{4}[ -]?\d{4}", _jp, r"マイナンバー|個人番号|my ?number"),
    Identity("SG", "NRIC or FIN", r"(?-i:[STFGM]\d{7}[A-Z])", _sg),
    Identity("HK", "identity card number", r"(?-i:[A-Z]{1,2}\d{6}\([0-9A]\))", _hk),
    Identity("TW", "national identification number", r"(?-i:[A-Z][1289]\d{8})", _tw, r"身[分份]證|national id|identity card"),
    Identity("AU", "tax file number", r"\d{3} ?\d{3} ?\d{3}", lambda n: weighted(n, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0,
             r"(?-i:\bTFN\b)|tax file"),
    Identity("ZA", "identity number", r"\d{13}|\d{6} \d{4} \d{3}", _za),
    Identity("TR", "T.C. kimlik no", r"\d{11}", _tr),
    Identity("IL", "teudat zehut", r"\d{9}", luhn, r"ת\.?ז|תעודת זהות|teudat|israeli id"),
    Identity("UA", "РНОКПП", r"\d{10}", _ua, r"рнокпп|іпн|ідентифікаційн"),
    Identity("RU", "СНИЛС", r"\d{3}-\d{3}-\d{3}[ -]\d{2}", _snils),
    Identity("RU", "ИНН", r"\d{12}", _inn, r"инн"),
)  # fmt: skip


def _width(shape: str) -> int:
    """About how many signs a shape takes: a longer one is tried before one that it begins with."""
    return -sum(map(int, re.findall(r"\{(\d+)", shape.split("|")[0])))


_SHAPES = sorted(dict.fromkeys(identity.shape for identity in IDENTITIES), key=_width)
PATTERN = re.compile(rf"(?<![\w.+/-])(?:{'|'.join(_SHAPES)})(?![\w-]|\.\w|,\d)", re.IGNORECASE)
"""Anything that has the shape of one of them."""
_COMPILED = tuple(
    (identity, re.compile(identity.shape, re.IGNORECASE), re.compile(identity.words, re.IGNORECASE) if identity.words else None)
    for identity in IDENTITIES
)
_SEPARATORS = str.maketrans("", "", " .-+/()")


@dataclass(frozen=True)
class Fitting:
    """What a number is, as far as its shape and its rule tell."""

    said: str
    """`PESEL (PL)`, or several: `CNP (RO) or identity number (ZA)`."""
    beside: bool
    """A word beside it says so too."""


def identity_of(number: str, around: str) -> Fitting | None:
    """Whose number it is (`around`: the text beside it), or None."""
    plain = number.upper().translate(_SEPARATORS)
    fitting = [
        (identity, words)
        for identity, shape, words in _COMPILED
        if shape.fullmatch(number) and (words is None or words.search(around)) and identity.fits(plain)
    ]
    beside = [identity for identity, words in fitting if words is not None]
    named = beside or [identity for identity, _ in fitting]
    return Fitting(" or ".join(f"{i.name} ({i.country})" for i in named[:2]), bool(beside)) if named else None
