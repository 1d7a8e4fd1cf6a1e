"""The shapes of personal data, and the words that stand beside it: every regular expression that `personal` searches with.

Layer: data. All of them are bounded and unambiguous from their first sign on: the time is in proportion to the text, whatever it is.
"""

from __future__ import annotations

import re

_LOCAL = r"[\w.!#$%&'+/=?^`{|}~-]"
EMAIL = re.compile(
    rf"(?<![\w@/:.+=-])(?!git@){_LOCAL}{{1,64}}(?<!\.)"
    r"(?:@|\s?[\[({]\s?(?:at|AT|@)\s?[\])}]\s?)"
    r"(?:[^\W_](?:[\w-]{0,62}(?<!-))?(?:\.|\s?[\[({]\s?(?:dot|DOT|\.)\s?[\])}]\s?)){1,8}"
    r"(?!(?:png|jpe?g|gif|svg|webp|css|js|py|html?|pdf|txt|json)\b)(?:xn--[\w-]{2,59}|[^\W\d_]{2,24})(?![\w@])"
)
"""Also with letters beyond ASCII, and written as `jane (at) example (dot) com`; not a file such as logo@2x.png."""
CARD = re.compile(
    r"(?<![\w.,+/-])(?:\d{4}(?P<a>[ -])\d{4}(?P=a)\d{4}(?P=a)\d{4}(?:(?P=a)\d{1,3})?|\d{4}(?P<b>[ -])\d{6}(?P=b)\d{4,5}|\d{12,19})"
    r"(?![\w-]|[.,/]\d)"
)
"""In the groups that are printed on cards, or in one piece."""
ISSUERS = re.compile(
    r"4\d{12}(?:\d{3})?(?:\d{3})?|5[1-5]\d{14}|2(?:2[2-9]|[3-6]\d|7[01])\d{13}|2720\d{12}|3[47]\d{13}|3(?:0[0-59]|[689]\d)\d{11,16}"
    r"|(?:2131|1800)\d{11}|35(?:2[89]|[3-8]\d)\d{12,15}|6(?:011|4[4-9]\d|5\d\d)\d{12,15}|62\d{14,17}|(?:50|5[6-9]|6[0-9])\d{10,17}"
    r"|220[0-4]\d{12,15}|8[12]\d{14}|9792\d{12}"
)
"""Beginnings and lengths of Visa, Mastercard, American Express, Diners, JCB, Discover, UnionPay, Maestro, Mir, RuPay, Troy."""
IBAN = re.compile(r"(?<![^\W_])[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}(?![^\W_])", re.IGNORECASE)
_LENGTHS = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 "
    "FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 "
    "ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 "
    "ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
)
IBAN_LENGTHS = {code[:2]: int(code[2:]) for code in _LENGTHS.split()}
IP4 = re.compile(r"(?<![\w.,/-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)")
IP6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])")

_EXTENSION = r"(?: ?(?:x|ext\.?) ?\d{1,5})?"
_BEFORE, _AFTER = r"(?<![\w.,/=+-])", r"(?![\w@]|[.,:/-]\d)"
_APART = r"[ .\-/()\u2010-\u2015\u00a0]"
INTERNATIONAL = re.compile(rf"(?<![\w.+-])\(?(?:\+ ?|00(?=[1-9]))\d(?:{_APART}{{0,3}}\d){{7,14}}{_EXTENSION}{_AFTER}")
"""+49 30 123456, (+44) 20 7946 0958, 0049 30 123456."""
_NATIONAL = (
    r"(?:1[ .-])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[ .-])[2-9]\d{2}[ .-]\d{4}",  # North America
    r"0\d(?:[ .-]\d{2}){4}",  # France
    r"\(?0\d{1,4}\)?[ /-]{1,3}\d{3,4}[ -]?\d{3,4}", r"\(?0\d{2,5}\)?[ /-]{1,3}\d{5,8}", r"0\d{4} \d{6}",
    r"0\d{3,4}[ -]\d{2,3}[ -]\d{2,3}(?:[ -]\d{2,3})?",  # where a 0 stands before the area
    r"\(\d{2}\) ?9?\d{4}-\d{4}",  # Brazil
    r"1[3-9]\d-\d{4}-\d{4}", r"0\d{1,3}-\d{2,4}-\d{4}", r"8 ?\(\d{3}\) ?\d{3}-\d{2}-\d{2}",  # East Asia, Russia
)  # fmt: skip
NATIONAL = re.compile(rf"{_BEFORE}(?:{'|'.join(_NATIONAL)}){_EXTENSION}{_AFTER}")
"""Forms that are written for phone numbers only."""
LOCAL = re.compile(rf"{_BEFORE}\(?\d(?:{_APART}{{0,2}}\d){{6,14}}{_EXTENSION}{_AFTER}")
"""Any other group of digits: a phone number beside a word that says so."""
NO_PHONE = re.compile(
    r"(?:19|20)\d{2}([-./ ])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12]\d|3[01])\b.*"
    r"|(?:0?[1-9]|[12]\d|3[01])([-./ ])(?:0?[1-9]|[12]\d|3[01])\2(?:19|20)?\d{2}"
    r"|\(?(?:19|20)\d{2} ?[-\u2010-\u2015/] ?(?:19|20)\d{2}\)?|\d+\.\d+|[^0].*/.*|.*\d\s[-/]\s?\d.*|(?:19|20)\d{2}(?:0[1-9]|1[0-2])[0-3]\d"
)
"""Dates, spans of years, decimal numbers, sums."""

CARD_WORDS = re.compile(
    r"(?i)card|visa|master|amex|american express|maestro|discover|diners|jcb|karte|tarjeta|carte|carta|cart[ãa]o|kort|karta|карт|卡|カード"
    r"|카드|kart"
)
_PHONE = (
    r"phone|\bnumber(?: is|:)|\btel\b|\btel[.:]|call|mobile|\bmob\b|\bcell(?:phone)?\b|\bfax|whats?app|\bsms\b",
    r"text me|hotline|reach|ring me|dial",
    r"contact|telef|handy\b|rufen|anruf|\bnummer|téléph|portable|appel|numéro|llam|m[óo]vil|celular|numero|chiam|cellulare|ligue|ligar|contato",
    r"bel me|bellen|mobiel|zadzwo|dzwo|komórk|puhelin|ring |mobilnr|τηλ|тел|звон|номер|моб|هاتف|جوال|اتصل|טלפון|फ़?ोन|电话|電話|手机|手機",
    r"联系|连絡|連絡|携帯|전화|연락|โทร|điện thoại",
)
PHONE_WORDS = re.compile("(?i)" + "|".join(_PHONE))
PHONE_AFTER = re.compile(r"(?i)[\s,;()-]{0,3}(?:office|fax|mobile|mob|cell|home|work|desk|phone|tel|landline|büro|mobil)\b")
_NUMBERED = (
    "licen[cs]e|passport|member(?:ship)?|customer|student|employee|patient|plate|registration|kunden\\w*|matrikel\\w*|order|invoice|inv|ref(?:erence)?|ticket|case|article|item|sku|isbn|issn|serial|tracking|parcel|model|part|account|acct|policy|"
    r"transaction|trans|id|no|nr|bestell\w*|rechnung\w*|auftrag\w*|sendung\w*|pedido|factura|commande|facture|ordine|fattura|"
    r"zamówieni\w*|заказ\w*"
)
NUMBERED = re.compile(rf"(?i)\b(?:{_NUMBERED})(?:\W{{1,3}}(?:number|nummer|numero|no|nr|id|code|is|of)){{0,2}}\W{{0,4}}$")
"""Before a number that is the number of an order, a case, a part."""
VERSION_WORDS = re.compile(
    r"(?i)\b(?:version|ver|v|release|firmware|build|driver|update|section|chapter|paragraph|chrome|firefox|safari|edge|patch|kernel|item)"
    r"\W{0,3}$|§\s?$"
)
IP_WORDS = re.compile(r"(?i)\bips?\b|address|server|host|client|ping|dns|subnet|gateway|network|remote|login|from")

PREFILTER = (
    r"@|(?i:[\[({]\s?at\s?[\])}])|\d(?:[^\d\n]{0,4}\d){5}|\d\.\d{1,3}\.\d{1,3}\.\d|:[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:|::[0-9A-Fa-f]"
    r"|[A-Z]{5}\d{4}[A-Z]"
)
"""For RE2: a text that this does not match holds nothing personal."""
