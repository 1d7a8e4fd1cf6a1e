"""What every part of report.json is made of: a frozen record, and the nouns as they are written. Part of the report stage's schema."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainSerializer

from goodfit.finding import Finding
from goodfit.score import Score, Verdict

WrittenScore = Annotated[Score, PlainSerializer(Score.to_json)]
WrittenVerdict = Annotated[Verdict, PlainSerializer(Verdict.to_json)]
WrittenFinding = Annotated[Finding, PlainSerializer(Finding.to_json)]


class Record(BaseModel):
    """A frozen part of the report."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, use_attribute_docstrings=True, protected_namespaces=())
