"""presidio-analyzer's answer to the texts on standard input, run by a Python of its own that has it: `PYTHON pii_peer.py < texts.json`.

Its pattern recognisers on a spaCy pipeline without a model (names are not compared). Prints its version, and per text the spans of the kinds that we
compare: `[kind, begin, end, score]`.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version

import spacy
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import SpacyNlpEngine

KINDS = ("EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "US_SSN", "IP_ADDRESS")


class Blank(SpacyNlpEngine):
    """English words, no model."""

    def __init__(self) -> None:
        super().__init__()
        self.nlp = {"en": spacy.blank("en")}


def main() -> None:
    """Reads texts, writes spans."""
    engine = AnalyzerEngine(nlp_engine=Blank(), supported_languages=["en"])
    out = []
    for text in json.load(sys.stdin):
        found = engine.analyze(text=text, language="en", entities=list(KINDS))
        out.append([[one.entity_type, one.start, one.end, one.score] for one in found])
    json.dump({"version": version("presidio-analyzer"), "spans": out}, sys.stdout)


if __name__ == "__main__":
    main()
