"""Which installed models read text (encoders), may be used by everybody, and are fit to start from or to measure texts with.

Part of models; choose takes its candidates from here, audit the encoder whose vectors it looks at.
"""

from __future__ import annotations

from goodfit.models import packaged

ENCODERS = frozenset({"bert", "roberta", "electra", "modernbert", "distilbert", "deberta-v2", "mpnet", "xlm-roberta", "albert"})
OPEN = frozenset({"apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "isc"})
"""Licences under which a default may take a model: what it gives to everybody must be free to use."""


def unfit_encoder(model: packaged.Packaged) -> str | None:
    """Why an installed model is no encoder to take by default, or None."""
    if model.model_type not in ENCODERS:
        return f"a {model.model_type} model is not an encoder"
    if model.license is None:
        return "its licence is not known"
    if any("MaskedLM" not in name and "Model" not in name for name in model.architectures):
        return f"it is already made for something else ({', '.join(model.architectures)})"
    return None


def installed_encoders() -> list[packaged.Packaged]:
    """The installed models that are encoders to take by default, by name."""
    return [model for model in packaged.discover() if unfit_encoder(model) is None]
