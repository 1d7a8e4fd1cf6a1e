"""A Document -> a Recipe, or one error that says everything that is wrong.

Layer: settings. pydantic judges the values against `recipe`. Around it stand three things that it does not do: text stays text
where a number was typed (a class called 007), true is not a number, and an error that a section raises about its own values is
traced to the value it speaks of.
"""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from goodfit.errors import SettingsError
from goodfit.recipe import Recipe
from goodfit.settings.document import Document, Path_, dotted
from goodfit.settings.problems import complain, joined, place_of, sentences
from goodfit.settings.tree import leaves, put, remove, value_at

_TEXT_WANTED = ("string_type", "tuple_type")


def validate(document: Document) -> tuple[Recipe, Document]:
    """The recipe, and the document as it was understood; a SettingsError lists all problems, in the order of the file."""
    # A section whose keys are all commented out reads as empty: its defaults are meant.
    understood = {key: copy.deepcopy(value) for key, value in document.values.items() if value is not None}
    document = replace(document, values=understood)
    found = list(document.problems)
    while True:
        try:
            recipe = Recipe.model_validate(understood)
        except SettingsError as error:
            path = _blame(understood, error.message)
            found.append(complain(path, error.message, error.fix, document))
            if not path:
                break
            remove(understood, path)  # so that the rest is judged too
        except ValidationError as error:
            if not _read_as_text(error, document):
                found += sentences(error, document)
                break
        else:
            found += _slipped_through(recipe, document)
            if not found:
                return recipe, document
            break
    raise joined(sorted(found, key=lambda p: (p.place.line is None, p.place.line or 0)))


def _read_as_text(error: ValidationError, document: Document) -> bool:
    """Where text is wanted and another scalar stands, take it as it was written; True if there was one."""
    changed = False
    for entry in error.errors(include_url=False):
        path = place_of(dict(entry), document.values)
        text, value = document.texts.get(path), value_at(document.values, path)
        if entry["type"] in _TEXT_WANTED and text is not None and value is not None and not isinstance(value, str):
            put(document.values, path, text)
            changed = True
    return changed


def _slipped_through(recipe: Recipe, document: Document) -> list[SettingsError]:
    """What pydantic lets pass: true as a number, and numbers that are not finite."""
    found = []
    for path, value in leaves(recipe.to_json()):
        written = value_at(document.values, path)
        if isinstance(written, bool) and not isinstance(value, bool | str):
            message = f"{dotted(path)}: {str(written).lower()} is not a number"
            found.append(complain(path, message, "give a number, or remove the line", document))
        elif isinstance(value, float) and not math.isfinite(value):
            message = f"{dotted(path)}: {written} is not a finite number"
            found.append(complain(path, message, "give a finite number, or remove the line", document))
    return found


def _blame(values: dict[str, Any], message: str) -> Path_:
    """The deepest value without which the error is not raised: the one it speaks of."""
    blamed: Path_ = ()
    while True:
        inner = value_at(values, blamed)
        candidates = [(*blamed, key) for key in inner] if isinstance(inner, dict) else []
        deeper = next((path for path in candidates if not _raises(values, path, message)), None)
        if deeper is None:
            return blamed
        blamed = deeper


def _raises(values: dict[str, Any], without: Path_, message: str) -> bool:
    """Whether the same error is raised with one value taken away."""
    trial = copy.deepcopy(values)
    remove(trial, without)
    try:
        Recipe.model_validate(trial)
    except SettingsError as error:
        return error.message == message
    except ValidationError:
        return False
    return False
