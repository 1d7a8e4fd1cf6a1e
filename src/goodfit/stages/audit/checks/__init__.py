"""The checks of audit, one file each. Importing this package registers them all, in the order of their codes."""

from goodfit.stages.audit.checks import (
    artefacts,
    conflicting_labels,
    duplicates,
    empty_text,
    few_rows,
    imbalance,
    leakage,
    long_texts,
    missing_label,
    missing_text,
    more_data,
    shift,
    similar_labels,
    thin_regions,
)

__all__ = [
    "artefacts",
    "conflicting_labels",
    "duplicates",
    "empty_text",
    "few_rows",
    "imbalance",
    "leakage",
    "long_texts",
    "missing_label",
    "missing_text",
    "more_data",
    "shift",
    "similar_labels",
    "thin_regions",
]
