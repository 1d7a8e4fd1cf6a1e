"""Where the base model of a run lies, and what measures texts in its place, for every task. Part of tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from goodfit.errors import ModelError
from goodfit.files import read_json
from goodfit.models.identity import identify
from goodfit.models.source import resolve
from goodfit.run import CANDIDATES, Run
from goodfit.tasks.embeddings import LEXICAL, Encoder, find_encoder
from goodfit.tasks.saved import Saved


def base_path(run: Run, saved: Saved[Any]) -> str:
    """Where the base model is: as `choose` found it, else by its name."""
    path = run.path / "choose" / CANDIDATES
    return str(read_json(path)["base"]["path"]) if path.is_file() else str(saved.base)


def encoder_of(run: Run, saved: Saved[Any], seed: int) -> Encoder | None:
    """The frozen base model where it is an encoder, else the largest installed one; None where there is none."""
    encoder, _ = find_encoder("auto", base_path(run, saved), Path(), seed=seed)
    return None if encoder.name == LEXICAL else encoder


def writer_of(run: Run, saved: Saved[Any]) -> str | None:
    """The path of the base model, where it is one that writes; None where it is an encoder, or gone."""
    path = base_path(run, saved)
    try:
        return path if identify(resolve(path, network=False)).causal else None
    except ModelError:
        return None
