"""Behavioural tests of a classifier in YAML, after CheckList (Ribeiro et al. 2020): what it must answer, what must and must not matter.

Part of tasks; `evaluate.tests: tests.yaml` names the file.

    lexicons:
      name: [Anna, Mehmet, Olga]
    tests:
      - {name: negated praise, kind: MFT, template: "I do not {verb} it.", lexicons: {verb: [like, want]}, label: negative}
      - {name: names do not matter, kind: INV, template: "{name} has lost the card.", vary: name}
      - {name: typing errors do not matter, kind: INV, rows: 100, change: typos_2}
      - {name: thanks do not make it worse, kind: DIR, texts: [It works.], add: " Thank you!", label: positive, direction: not_down}

A template is filled with every combination of its lexicons (at most MOST, drawn by chance). INV compares the answers of texts that differ
in what must not matter; DIR compares the probability of a label with and without an addition. Seeded.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from goodfit.errors import DataError, Place, SettingsError, nearest
from goodfit.tasks.perturb import BY_NAME, perturb

MOST = 500
"""Cases of a test."""
TOLERANCE = 0.1
"""Probability by which a DIR test's label may move against the direction."""
_FIELD = re.compile(r"\{([^{}]*)\}")


def _listed(value: Any) -> Any:
    """One text as a list of one; numbers as they are written in short. (`yes` and `no` are true and false in YAML: they need quotes.)"""
    listed = [value] if isinstance(value, str | int | float) else value
    if not isinstance(listed, list):
        return value
    return [str(one) if isinstance(one, int | float) and not isinstance(one, bool) else one for one in listed]


Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class Test(BaseModel):
    """One test as it is written."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    __test__ = False

    name: Annotated[str, Field(min_length=1, max_length=120)]
    kind: Literal["MFT", "INV", "DIR"]
    template: Texts = ()
    texts: Texts = ()
    rows: Annotated[int, Field(gt=0)] | None = None
    """Texts of validation rows, drawn by chance."""
    lexicons: dict[str, Texts] = Field(default_factory=dict)
    label: str | None = None
    """MFT: the answer that is right; DIR: whose probability moves."""
    vary: str | None = None
    """INV: the lexicon that must not matter."""
    change: str | None = None
    """INV: a perturbation that must not matter."""
    add: str | None = None
    """DIR: what is added behind a text (`{text}` in it: around it)."""
    direction: Literal["not_down", "not_up"] = "not_down"
    at_most: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of failures that is borne."""
    severity: Literal["note", "warning", "error"] = "warning"

    @model_validator(mode="after")
    def _whole(self) -> Test:
        if sum(map(bool, (self.template, self.texts, self.rows))) != 1:
            raise ValueError("give exactly one of template, texts, rows")
        lacking = {
            "MFT": self.label is None,
            "INV": (self.vary is None) == (self.change is None),
            "DIR": self.add is None or self.label is None,
        }
        if lacking[self.kind]:
            needs = {"MFT": "label", "INV": "exactly one of vary and change", "DIR": "add and label"}
            raise ValueError(f"{self.kind} needs {needs[self.kind]}")
        if self.rows and self.kind == "MFT":
            raise ValueError("MFT needs texts whose answer is known: template or texts")
        if self.change is not None and self.change not in BY_NAME:
            near = nearest(self.change, BY_NAME)
            raise ValueError(
                f"there is no change {self.change!r}" + (f"; did you mean {near!r}?" if near else f"; there are {', '.join(BY_NAME)}")
            )
        return self


class Suite(BaseModel):
    """A file of tests."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lexicons: dict[str, Texts] = Field(default_factory=dict)
    tests: Annotated[tuple[Test, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _names(self) -> Suite:
        names = [one.name for one in self.tests]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two tests are called {twice!r}")
        return self


@dataclass(frozen=True)
class Case:
    """Texts whose answers are compared: one (MFT), the first with each other one (INV), without and with the addition (DIR)."""

    texts: tuple[str, ...]
    unit: int
    """The template, or the text, that it was made of: the unit of its interval."""


def read_suite(path: str, base: Path, labels: Sequence[str]) -> Suite:
    """The tests in a file; SettingsError or DataError says what is wrong, and with which test."""
    where = base / Path(path).expanduser()
    try:
        found = yaml.safe_load(where.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"evaluate.tests: {path} cannot be read ({error})", fix="check the path") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = Place(file=path, line=None if mark is None else mark.line + 1)
        raise SettingsError(f"evaluate.tests: it is not YAML ({getattr(error, 'problem', error)})", place=place) from error
    if not isinstance(found, dict):
        raise SettingsError(
            f"evaluate.tests: {path} holds no tests", fix="write lexicons and tests, as in docs/how-to/behavioural-tests.md"
        )
    try:
        suite = Suite.model_validate(found)
    except ValidationError as error:
        raise _said(error, found, path) from error
    for test in suite.tests:
        _check(test, suite, path, labels)
    return suite


def _said(error: ValidationError, found: Mapping[str, Any], path: str) -> SettingsError:
    """The first problem, with the name of its test."""
    first = error.errors()[0]
    places = list(first["loc"])
    who = ""
    if places[:1] == ["tests"] and len(places) > 1 and isinstance(places[1], int):
        listed = found.get("tests")
        one = listed[places[1]] if isinstance(listed, list) and places[1] < len(listed) else None
        who = f"test {places[1] + 1}" + (f" ({one['name']})" if isinstance(one, dict) and "name" in one else "") + ": "
        places = places[2:]
    key = ".".join(str(place) for place in places)
    said = f"evaluate.tests: {path}: {who}{f'{key}: ' if key else ''}{first['msg'].removeprefix('Value error, ')}"
    return SettingsError(said, fix='words such as yes, no, on need quotes: "yes"' if isinstance(first.get("input"), bool) else None)


def _check(test: Test, suite: Suite, path: str, labels: Sequence[str]) -> None:
    known = suite.lexicons | test.lexicons
    for template in test.template:
        for name in _FIELD.findall(template):
            if not known.get(name):
                near = nearest(name, known)
                raise SettingsError(
                    f"evaluate.tests: {path}: {test.name}: the lexicon {name!r} of its template is not there, or empty",
                    fix=f"did you mean {near!r}?" if near else f"lexicons: {{{name or 'name'}: [...]}}",
                )
    if test.vary is not None and not any(f"{{{test.vary}}}" in template for template in test.template):
        raise SettingsError(
            f"evaluate.tests: {path}: {test.name}: no template has the lexicon {test.vary!r} that is varied", fix="name one it has"
        )
    if test.label is not None and test.label not in labels:
        near = nearest(test.label, labels)
        fix = f"did you mean {near!r}?" if near else f"the labels are {', '.join(labels[:10])}"
        raise SettingsError(f"evaluate.tests: {path}: {test.name}: {test.label!r} is no label", fix=fix)


def cases_of(test: Test, suite: Suite, rows: Sequence[str], seed: int) -> list[Case]:
    """The cases of a test; `rows`: texts of validation rows, for tests that take theirs from there."""
    rng = np.random.default_rng([seed, 0xBE, sum(test.name.encode())])
    known = suite.lexicons | test.lexicons
    if test.kind == "INV" and test.vary is not None:
        return _varied(test, known, rng)
    texts = _texts(test, known, rows, rng)
    if test.kind == "MFT":
        return [Case((text,), unit) for text, unit in texts]
    if test.kind == "INV":
        assert test.change is not None
        changed = perturb(BY_NAME[test.change], [text for text, _ in texts], seed)
        return [Case((text, other), unit) for (text, unit), other in zip(texts, changed, strict=True) if other != text]
    assert test.add is not None
    return [Case((text, test.add.replace("{text}", text) if "{text}" in test.add else text + test.add), unit) for text, unit in texts]


def _texts(test: Test, known: Mapping[str, Sequence[str]], rows: Sequence[str], rng: np.random.Generator) -> list[tuple[str, int]]:
    if test.texts:
        return [(text, unit) for unit, text in enumerate(test.texts)][:MOST]
    if test.rows:
        places = rng.permutation(len(rows))[: min(test.rows, MOST)]
        return [(rows[i], unit) for unit, i in enumerate(sorted(places.tolist()))]
    each = max(1, MOST // len(test.template))
    return [(text, unit) for unit, template in enumerate(test.template) for text in _filled(template, known, each, rng)]


def _filled(template: str, known: Mapping[str, Sequence[str]], most: int, rng: np.random.Generator) -> list[str]:
    """The template with every combination of its lexicons, or with some of them."""
    names = list(dict.fromkeys(_FIELD.findall(template)))
    sizes = [len(known[name]) for name in names]
    total = math.prod(sizes)
    if total <= most:
        chosen = list(itertools.product(*(known[name] for name in names)))
    else:
        draws = {tuple(int(rng.integers(size)) for size in sizes) for _ in range(2 * most)}
        chosen = [tuple(known[name][k] for name, k in zip(names, places, strict=True)) for places in sorted(draws)[:most]]
    return [_with(template, dict(zip(names, words, strict=True))) for words in chosen]


def _with(template: str, words: Mapping[str, str]) -> str:
    return _FIELD.sub(lambda found: words[found[1]], template)


def _varied(test: Test, known: Mapping[str, Sequence[str]], rng: np.random.Generator) -> list[Case]:
    """Texts that differ in the varied lexicon alone, each set of them one case."""
    assert test.vary is not None
    values, out = known[test.vary], []
    fitting = [(unit, template) for unit, template in enumerate(test.template) if f"{{{test.vary}}}" in template]
    each = max(1, MOST // max(1, len(values) * len(fitting)))
    for unit, template in fitting:
        marked = template.replace(f"{{{test.vary}}}", "\0")
        frames = _filled(marked, known, each, rng)
        out += [Case(tuple(frame.replace("\0", value) for value in values[:MOST]), unit) for frame in frames]
    return out
