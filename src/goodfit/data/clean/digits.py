"""Check digits: what tells a card, an account or an identity number from any other number of that length.

Layer: data, under `identity` and `personal`. Every function takes digits (or letters and digits) without separators and answers
whether they fit; none raises. What share of random numbers fits by chance stands beside each pattern that uses them.
"""

from __future__ import annotations

from collections.abc import Sequence

_VERHOEFF = ("0123456789", "1234067895", "2340178956", "3401289567", "4012395678", "5987604321", "6598710432", "7659821043", "8765932104",
             "9876543210")  # fmt: skip
_TURNED = ("0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258")


def luhn(number: str) -> bool:
    """Luhn's check digit (ISO/IEC 7812), as on cards: 1 of 10 random numbers has it."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def mod97(text: str) -> bool:
    """ISO 7064 mod 97-10 over letters (A = 10 … Z = 35) and digits, as in an IBAN with its first four characters moved to the end."""
    return int("".join(str(int(c, 36)) for c in text)) % 97 == 1


def mod11_10(number: str) -> bool:
    """ISO 7064 mod 11,10: German tax numbers, Croatian OIB."""
    rest = 10
    for digit in number[:-1]:
        rest = (rest + int(digit)) % 10 or 10
        rest = rest * 2 % 11
    return (rest + int(number[-1])) % 10 == 1


def verhoeff(number: str) -> bool:
    """Verhoeff's check digit: Aadhaar."""
    check = 0
    for place, digit in enumerate(reversed(number)):
        check = int(_VERHOEFF[check][int(_TURNED[place % 8][int(digit)])])
    return check == 0


def ean13(number: str) -> bool:
    """The check digit of EAN-13, as in Swiss AHV numbers."""
    return weighted(number, (1, 3) * 6 + (1,)) % 10 == 0


def weighted(number: str, weights: Sequence[int]) -> int:
    """Sum of digit times weight, digit by digit from the left (weights may be fewer than digits)."""
    return sum(int(digit) * weight for digit, weight in zip(number, weights))


def all_same(number: str) -> bool:
    """000000000, 111111111: never given out, often made up."""
    return len(set(number)) == 1


def day(number: str, form: str, *, months: Sequence[int] = (0,)) -> bool:
    """Whether a number holds a date: `form` says where, as in `yymmdd....` (letters y m d, anything else is skipped).

    `months`: what may have been added to the month (80, 20 … for other centuries, 40 or 50 for women in some countries).
    """
    month = int("".join(c for c, sign in zip(number, form) if sign == "m"))
    of_month = int("".join(c for c, sign in zip(number, form) if sign == "d"))
    plain = [month - added for added in months if 1 <= month - added <= 12]
    return bool(plain) and 1 <= of_month <= (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[plain[0] - 1]
