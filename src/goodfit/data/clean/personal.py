"""Personal data in a text: e-mail addresses, phone numbers, cards, accounts, identity numbers, network addresses.

Layer: data. `spans_of` finds them in one text, `private.Personal` in a column. What has a check digit is believed by it. A number
that fits by its check digit alone is *doubtful*: a column of order numbers holds some that fit by chance, and `private` leaves out what
is no more than that. Names and postal addresses have no pattern; they are not looked for here.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from goodfit.data.clean import shapes
from goodfit.data.clean.columns import claim
from goodfit.data.clean.digits import luhn, mod97
from goodfit.data.clean.identity import PATTERN as IDENTITY
from goodfit.data.clean.identity import identity_of

AROUND = 40
"""Characters beside a number in which a word may say what it is."""


class Span(NamedTuple):
    """Something personal in a text."""

    begin: int
    end: int
    kind: str
    """A key of KINDS."""
    name: str
    """More closely: `IBAN`, `PESEL (PL)`."""
    doubtful: bool
    """Told by a check digit alone, which some numbers have by chance."""


class Tried(NamedTuple):
    """A number that had the shape, and whether it had the check digit."""

    kind: str
    fits: bool


@dataclass(frozen=True)
class Kind:
    """One kind of personal data."""

    title: str
    """In words, plural."""
    placeholder: str
    """What stands in its place when it is masked."""
    chance: float = 0.0
    """Share of numbers of its shapes that have its check digit by chance, at most."""


KINDS: dict[str, Kind] = {
    "iban": Kind("bank accounts (IBAN)", "[IBAN]"),
    "card": Kind("payment cards", "[CARD]", 0.1),
    "national_id": Kind("national identity numbers", "[ID]", 0.06),
    "email": Kind("e-mail addresses", "[EMAIL]"),
    "ip": Kind("network addresses (IP)", "[IP]"),
    "phone": Kind("phone numbers", "[PHONE]"),
}
"""In the order in which an overlap is decided."""


def spans_of(text: str, kinds: Collection[str] = tuple(KINDS), *, tried: list[Tried] | None = None) -> list[Span]:
    """Everything personal in a text, in order, nothing twice; `tried` gets the numbers that were looked at for a check digit."""
    out: list[Span] = []
    taken = bytearray(len(text))
    for kind, finder in _FINDERS.items():
        if kind in kinds:
            found = finder(text, [] if tried is None else tried)
            out += [span for span in found if claim(taken, span.begin, span.end)]
    return sorted(out)


def shown(value: str, kind: str) -> str:
    """What may be printed of it: `jo***@***.com`, `41** **** **** **39`."""
    if kind == "email":
        end = re.search(r"\.[^\W\d_]{2,24}$", value)
        return f"{value[:2]}***@***{end[0] if end else ''}"
    signs = [i for i, c in enumerate(value) if c.isalnum()]
    kept = {*signs[:2], *signs[-2:]} if len(signs) > 8 else set(signs[:2])
    return "".join("*" if c.isalnum() and i not in kept else c for i, c in enumerate(value))


# -- the finders, most certain first ------------------------------------------------------------------------------------------


def _ibans(text: str, tried: list[Tried]) -> Iterator[Span]:
    for match in shapes.IBAN.finditer(text):
        length = shapes.IBAN_LENGTHS.get(match[0][:2].upper())
        end = _end_of(match[0], length) if length else 0
        plain = _plain(match[0][:end]).upper()
        if end and mod97(plain[4:] + plain[:4]) and not (len(match[0]) > end and match[0][end].isalnum()):
            yield Span(match.start(), match.start() + end, "iban", "IBAN", False)


def _end_of(value: str, signs: int) -> int:
    """Where the first so many letters and digits end; 0 where there are fewer."""
    places = [i for i, c in enumerate(value) if c.isalnum()]
    return places[signs - 1] + 1 if len(places) >= signs else 0


def _cards(text: str, tried: list[Tried]) -> Iterator[Span]:
    for match in shapes.CARD.finditer(text):
        grouped = match["a"] or match["b"]
        values = [match[0], match[0].rpartition(grouped)[0]] if match["a"] and match[0].count(grouped) == 4 else [match[0]]
        for value in values:  # what stands behind it may be its code
            plain = _plain(value)
            said = shapes.CARD_WORDS.search(_around(text, match)) is not None
            if (said or shapes.ISSUERS.fullmatch(plain)) and len(set(plain)) > 1:
                sure = bool(grouped or said)
                fits = luhn(plain) and (sure or not _is_ordered(text, match))
                if not sure:
                    tried.append(Tried("card", fits))
                if fits:
                    yield Span(match.start(), match.start() + len(value), "card", "card", not sure)
                    break


def _identities(text: str, tried: list[Tried]) -> Iterator[Span]:
    for match in IDENTITY.finditer(text):
        found = identity_of(match[0], _around(text, match))
        sure = found is not None and (found.beside or not match[0].isdigit())
        if not sure and match[0].isdigit():
            found = None if _is_ordered(text, match) else found
            tried.append(Tried("national_id", found is not None))
        if found is not None:
            yield Span(*match.span(), "national_id", found.said, not sure)


def _emails(text: str, tried: list[Tried]) -> Iterator[Span]:
    for match in shapes.EMAIL.finditer(text) if "@" in text or "at" in text or "AT" in text else ():
        yield Span(*match.span(), "email", "e-mail", False)


def _addresses(text: str, tried: list[Tried]) -> Iterator[Span]:
    for match in shapes.IP4.finditer(text):
        parts = [int(part) for part in match[0].split(".")]
        before = text[max(0, match.start() - AROUND) : match.start()]
        versioned = shapes.VERSION_WORDS.search(before) or (max(parts) < 30 and not shapes.IP_WORDS.search(before))
        padded = any(len(part) > 1 and part[0] == "0" for part in match[0].split("."))
        if max(parts) < 256 and not versioned and not padded and parts[0] not in (0, 127, 255):
            yield Span(*match.span(), "ip", "IPv4", False)
    for match in shapes.IP6.finditer(text) if ":" in text else ():
        if _is_ip6(match[0]):
            yield Span(*match.span(), "ip", "IPv6", False)


def _is_ip6(value: str) -> bool:
    """A whole address of at least four groups: `a::b` is C++ more often than a machine."""
    groups = [part for part in value.split(":") if part]
    if len(groups) < 3 or not any(c.isdigit() for c in value):
        return False
    try:
        address = ipaddress.IPv6Address(value)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)


def _phones(text: str, tried: list[Tried]) -> Iterator[Span]:
    for pattern in (shapes.INTERNATIONAL, shapes.NATIONAL, shapes.LOCAL):
        for match in pattern.finditer(text):
            if _is_phone(text, match):
                begin = match.start() + (match[0][0] == "(" and ")" not in match[0])
                yield Span(begin, match.end(), "phone", "phone", False)


def _is_phone(text: str, match: re.Match[str]) -> bool:
    digits = sum(c.isdigit() for c in match[0])
    if match.re is shapes.INTERNATIONAL:
        return 8 <= digits <= 20 and ("+" in match[0] or re.search(r"\D", match[0][2:-1]) is not None)
    if _is_ordered(text, match) or shapes.NO_PHONE.fullmatch(match[0]):
        return False
    if match.re is shapes.NATIONAL:
        return digits >= 9
    if match[0].count("(") != match[0].count(")") or text[match.end() : match.end() + 2].strip().startswith("="):
        return False
    before = shapes.PHONE_WORDS.search(text[max(0, match.start() - AROUND) : match.start()])
    return 7 <= digits <= 18 and (before or shapes.PHONE_AFTER.match(text, match.end())) is not None


def _is_ordered(text: str, match: re.Match[str]) -> bool:
    """Said to be the number of an order, a case, a part …"""
    return shapes.NUMBERED.search(text[max(0, match.start() - AROUND) : match.start()]) is not None


def _around(text: str, match: re.Match[str]) -> str:
    return text[max(0, match.start() - AROUND) : match.end() + 20]


def _plain(value: str) -> str:
    return "".join(c for c in value if c.isalnum())


_FINDERS: dict[str, Callable[[str, list[Tried]], Iterator[Span]]] = {
    "iban": _ibans, "card": _cards, "national_id": _identities, "email": _emails, "ip": _addresses, "phone": _phones,
}  # fmt: skip
