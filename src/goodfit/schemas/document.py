"""What every file of a run has in common, as a schema. Layer: run."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Document(BaseModel):
    """A file or a line of one; extra keys are allowed."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)
