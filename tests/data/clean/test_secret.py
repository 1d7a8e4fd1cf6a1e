"""Secrets: what services hand out, and words that only stand near one. The values are made here: no scanner shall mind this file."""

from __future__ import annotations

import random
import string

import pytest

from goodfit.data.clean.secret import PREFILTER, SECRETS, entropy, secrets_of

HEX, WORD = "0123456789abcdef", string.ascii_letters + string.digits


def made(n: int, signs: str = WORD) -> str:
    """n signs by chance, always the same."""
    return "".join(random.Random(n).choices(signs, k=n))


TEXTS = {
    "private key": "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE",
    "AWS access key": "AKIA" + "IOSFODNN7EXAMPLE",
    "GitHub token": "ghp" + "_" + made(36),
    "GitLab token": "glpat" + "-" + made(20),
    "Slack token": "xoxb" + "-123456789012-" + made(24),
    "Slack webhook": "https://hooks.slack" + ".com/services/T12345678/B12345678/" + made(24),
    "Stripe key": "sk_live" + "_" + made(24),
    "Google API key": "AIza" + made(35),
    "Google OAuth secret": "GOCSPX" + "-" + made(28),
    "OpenAI key": "sk-proj" + "-" + made(48),
    "Anthropic key": "sk-ant" + "-" + made(40),
    "Hugging Face token": "hf" + "_" + made(34, string.ascii_letters),
    "npm token": "npm" + "_" + made(36),
    "PyPI token": "pypi-" + "AgE" + made(60),
    "SendGrid key": "SG" + "." + made(22) + "." + made(43),
    "Twilio key": "SK" + made(32, HEX),
    "Mailgun key": "key" + "-" + made(32, HEX),
    "Telegram bot token": "123456789:" + "AA" + made(33),
    "Discord token": "M" + made(23) + "." + made(6) + "." + made(27),
    "Shopify token": "shpat" + "_" + made(32, HEX),
    "DigitalOcean token": "dop" + "_v1_" + made(64, HEX),
    "Databricks token": "dapi" + made(32, HEX),
    "Azure storage key": "Account" + "Key=" + made(86) + "==",
    "JSON web token": "eyJ" + made(20) + ".eyJ" + made(40) + "." + made(40),
    "password in a URL": "postgres://admin:" + "s3cr3t-pw" + "@db.example.com/x",
    "password or key": "api_key = '" + made(24) + "'",
}


@pytest.mark.parametrize("name", TEXTS)
def test_every_kind(name: str) -> None:
    spans = secrets_of(f"it is {TEXTS[name]} , keep it")
    assert [kind for _, _, kind in spans] == [name]


def test_every_kind_has_an_example() -> None:
    assert set(TEXTS) == {secret.name for secret in SECRETS}


def test_the_prefilter_leaves_nothing_out() -> None:
    import pyarrow as pa

    from goodfit.data.clean.columns import matching

    assert matching(pa.array(list(TEXTS.values())), PREFILTER).all()


@pytest.mark.parametrize(
    ("text", "value"),
    [("password: hunter2!", "hunter2!"), ("PASSWORD=Tr0ub4dor&3", "Tr0ub4dor&3"), ('"client_secret": "a1b2c3d4e5f6"', "a1b2c3d4e5f6")],
)
def test_the_value_alone_is_the_secret(text: str, value: str) -> None:
    assert [text[begin:end] for begin, end, _ in secrets_of(text)] == [value]


@pytest.mark.parametrize(
    "text",
    [
        "I forgot my password: please help", "password: ********", "api_key = <your key>", "secret = os.environ['X1']", "the secret: nobody knows",
        "password=changeme1", "pwd: xxxxxxxx1", "sk-learn", "task-force-one-and-only-one-of-a-kind", "https://user@example.com/", "AKIA",
        "https://example.com:8080/path@2x", "hf_hub_download", "Passwort vergessen", "SG.", "http://host:{port}@x",
    ],
)  # fmt: skip
def test_no_secret(text: str) -> None:
    assert secrets_of(text) == []


def test_entropy_is_that_of_the_signs() -> None:
    assert (entropy(""), entropy("aaaa"), entropy("abab"), entropy("abcdefgh")) == (0, 0, 1, 3)
