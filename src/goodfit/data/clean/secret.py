"""Secrets: keys of services, private keys, tokens and passwords that stand in a text and open something.

Layer: data. The prefixes are those that the services document for secret scanning; where a pattern has no prefix of its own (a value
after `password =`), its signs must be mixed enough (Shannon entropy) not to be a word or a placeholder.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass

from goodfit.data.clean.columns import claim

MIXED = 2.5
"""Bits per sign from which a value is no word and no placeholder."""


@dataclass(frozen=True)
class Secret:
    """One kind of secret: the group `value`, where there is one, is the secret itself."""

    name: str
    pattern: str
    mixed: float = 0.0
    """Least entropy of the value, bits per sign."""


SECRETS: tuple[Secret, ...] = (
    Secret("private key", r"-----BEGIN (?:[A-Z0-9]{2,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"),
    Secret("AWS access key", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7][A-Z0-9]{15}\b", 2.5),
    Secret("GitHub token", r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})", 3.0),
    Secret("GitLab token", r"\bgl(?:pat|dt|rt|ptt|oas|cbt)-[\w-]{20,}", 3.0),
    Secret("Slack token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,250}|\bxapp-\d-[A-Za-z0-9-]{10,250}", 2.5),
    Secret("Slack webhook", r"hooks\.slack\.com/services/T\w{8,12}/B\w{8,12}/\w{20,}"),
    Secret("Stripe key", r"\b[srp]k_(?:live|test)_[A-Za-z0-9]{10,99}|\bwhsec_[A-Za-z0-9]{24,}", 2.5),
    Secret("Google API key", r"\bAIza[\w-]{35}(?![\w-])", 3.0),
    Secret("Google OAuth secret", r"\bGOCSPX-[\w-]{28}(?![\w-])|\bya29\.[\w-]{20,}", 3.0),
    Secret("Anthropic key", r"\bsk-ant-[A-Za-z0-9_-]{20,}", 3.0),
    Secret("OpenAI key", r"\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{32,}", 3.5),
    Secret("Hugging Face token", r"\b(?:hf|api_org)_[A-Za-z]{34,}\b", 3.5),
    Secret("npm token", r"\bnpm_[A-Za-z0-9]{36}\b", 3.0),
    Secret("PyPI token", r"\bpypi-AgE[\w-]{50,}"),
    Secret("SendGrid key", r"\bSG\.[\w-]{16,32}\.[\w-]{16,64}", 3.5),
    Secret("Twilio key", r"\b(?:SK|AC)[0-9a-f]{32}\b", 3.0),
    Secret("Mailgun key", r"\bkey-[0-9a-z]{32}\b", 3.0),
    Secret("Telegram bot token", r"\b\d{8,10}:AA[\w-]{33}(?![\w-])", 3.0),
    Secret("Discord token", r"\b[MNO][A-Za-z\d_-]{23,27}\.[\w-]{6}\.[\w-]{27,40}", 3.5),
    Secret("Shopify token", r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b", 2.5),
    Secret("DigitalOcean token", r"\bdo[oprt]_v1_[0-9a-f]{64}\b"),
    Secret("Databricks token", r"\bdapi[0-9a-f]{32}\b", 2.5),
    Secret("Azure storage key", r"AccountKey=[A-Za-z0-9+/]{86}=="),
    Secret("JSON web token", r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"),
    Secret("password in a URL", r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s/:@<>\"']{1,100}:(?P<value1>[^\s/:@<>\"'{}$*]{3,100})@[\w.-]{2,}"),
    Secret(
        "password or key", r"(?i:\b(?:[\w-]{0,20}[_-])?(?:pass(?:word|wd|phrase)|pwd|secret|api[_-]?key|access[_-]?key|auth[_-]?token"
        r"|access[_-]?token|client[_-]?secret|private[_-]?key)[\"']?\s{0,3}(?:=>|:=|=|:)\s{0,3}[\"'`]?)(?P<value2>[^\s\"'`<>{}$*,;]{6,200})",
        MIXED,
    ),
)  # fmt: skip
_PLACEHOLDER = re.compile(
    r"(?i)^(?:x{4,}|\*+|\.+|your|my|the|change|example|placeholder|none|null|true|false|enter|insert|redacted)|^(.)\1+$"
)
_PLAIN = re.compile(r"[A-Za-z]+[.!?:)]*")
_COMPILED = tuple((secret, re.compile(secret.pattern)) for secret in SECRETS)
PREFILTER = (
    r"PRIVATE KEY|AKIA|ASIA|ABIA|ACCA|gh[pousr]_|github_pat_|gl(?:pat|dt|rt|ptt|oas|cbt)-|xox[abeoprs]-|xapp-|hooks\.slack\.com"
    r"|[srp]k_(?:live|test)_|whsec_|AIza|GOCSPX-|ya29\.|sk-|hf_|api_org_|npm_|pypi-AgE|SG\.|SK[0-9a-f]{8}|AC[0-9a-f]{8}|key-[0-9a-z]{8}"
    r"|\d{8}:AA|[MNO][\w-]{23,27}\.|shp(?:at|ca|pa|ss)_|do[oprt]_v1_|dapi[0-9a-f]{8}|AccountKey=|eyJ[\w-]{10}|://[^\s/@]{1,100}:[^\s/@]{1,100}@"
    r"|(?i:pass(?:word|wd|phrase)|pwd|secret|api[_-]?key|access[_-]?key|auth[_-]?token|access[_-]?token|private[_-]?key)[\"']?\s*(?:=>|:=|=|:)"
)
"""For RE2: a text that this does not match holds no secret."""


def secrets_of(text: str) -> list[tuple[int, int, str]]:
    """Begin, end and kind of every secret in a text, in order; where two overlap the first of the list above."""
    out: list[tuple[int, int, str]] = []
    taken = bytearray(len(text))
    for secret, pattern in _COMPILED:
        for match in pattern.finditer(text):
            begin, end = _value(match)
            if _is_secret(secret, text[begin:end]) and claim(taken, begin, end):
                out.append((begin, end, secret.name))
    return sorted(out)


def entropy(value: str) -> float:
    """Shannon entropy of a text's signs in bits."""
    counts = Counter(value)
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values()) if value else 0.0


def _value(match: re.Match[str]) -> tuple[int, int]:
    for name in match.re.groupindex:
        if match.group(name) is not None:
            return match.span(name)
    return match.span()


def _is_secret(secret: Secret, value: str) -> bool:
    if secret.name == "password or key" and (_PLAIN.fullmatch(value) or not re.search(r"\d.*[A-Za-z]|[A-Za-z].*\d", value)):
        return False
    if secret.name.startswith("password") and _PLACEHOLDER.search(value):
        return False
    return entropy(value) >= secret.mixed
