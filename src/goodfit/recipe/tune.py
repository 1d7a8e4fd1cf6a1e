"""The section `tune`: a search over keys of `train` and `peft`, and cheap measurements before training. Part of recipe."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from goodfit.errors import SettingsError, nearest
from goodfit.recipe.section import Section
from goodfit.recipe.train import Peft, Train

_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(s|sec|seconds?|m|min|minutes?|h|hours?|d|days?)?\s*", re.IGNORECASE)
_PASSWORD = re.compile(r"://[^/@:]*:[^@]+@")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
SECTIONS: dict[str, type[Section]] = {"train": Train, "peft": Peft}
"""The sections whose keys can be searched."""
FIXED = {
    "train": ("batch_tokens", "eval_steps", "save_steps", "logging_steps", "samples", "metric_for_best_model", "precision"),
    "peft": (),
}
"""Keys that change what is written, how fast, or by what is judged: not what is learned."""
_RANGE = ("low", "high", "log", "step", "choices")


def seconds_of(duration: str) -> float:
    """Seconds of a duration: `30min` is 1,800; a number alone counts seconds. ValueError for what is none."""
    match = _DURATION.fullmatch(duration)
    if match is None or float(match[1]) <= 0:
        raise ValueError("a duration is a number with its unit, for example 30min or 2h")
    return float(match[1]) * _SECONDS[(match[2] or "s")[0].lower()]


def _duration(value: Any) -> Any:
    """`30min` as the text that it is, checked; a number counts seconds."""
    if value is None:
        return None
    seconds_of(str(value))  # `true` is none
    return str(value)


def _ranged(value: Any) -> Any:
    """A list stands for the choices in it."""
    return {"choices": value} if isinstance(value, list | tuple) else value


class Range(Section):
    """What may be tried for one key: a range with `low` and `high`, or `choices` (a plain list will do)."""

    low: float | None = None
    """Least value."""
    high: float | None = None
    """Largest value."""
    log: bool = False
    """Drawn evenly on a logarithmic scale, as rates should be."""
    step: Annotated[float, Field(gt=0)] | None = None
    """Only `low`, `low + step`, `low + 2 step` …"""
    choices: tuple[int | float | bool | str, ...] = ()
    """The values themselves."""


Duration = Annotated[str, BeforeValidator(_duration)]
"""Time with its unit."""
Tried = Annotated[Range, BeforeValidator(_ranged)]
"""A range, or a list of choices."""


class Tune(Section):
    """The numbers of the training: computed, and searched for where `trials` says so."""

    trials: Annotated[int, Field(ge=0)] = 0
    """Trainings of the search, the default among them; 0: none, the computed defaults are taken."""
    budget: Duration | None = None
    """Time for search and repeats together, for example `30min`; nothing: as long as the trials take."""
    space: dict[str, Tried] = Field(default_factory=dict)
    """Key of `train` or `peft` -> what is tried; none: rate, rows per step and (LoRA) rank, around the computed defaults."""
    sampler: Literal["auto", "tpe", "gp", "qmc", "random"] = "auto"
    """How trials are drawn; `auto`: an even grid of points (qmc) up to 12 trials, TPE above."""
    pruner: Literal["auto", "halving", "none"] = "auto"
    """Stops trials that are behind at an eighth and three eighths of the training; `auto`: where prefixes are comparable."""
    finalists: Annotated[int, Field(gt=0, le=10)] = 3
    """Best trials that are repeated, beside the default, over fresh seeds."""
    seeds: Annotated[int, Field(ge=2, le=20)] = 3
    """Repeats of each of them: a difference within one seed may be luck."""
    parallel: Annotated[int, Field(gt=0)] = 1
    """Trials at the same time, in processes of their own."""
    storage: str | None = None
    """Database that the search is kept in, as Optuna writes its address (`postgresql://…`), so that several machines share it; none: a
    file in the run."""
    warm_start: bool = True
    """Searches of earlier runs on the same rows and model tell where to look."""
    range_test: bool = False
    """Before training, a hundred steps of a rising rate on a copy: where the loss falls fastest, where it breaks."""
    noise_scale: bool = False
    """Before training, from how many rows a step no longer gains by more of them (the gradient's noise scale)."""

    @field_validator("space", mode="before")
    @classmethod
    def _flat(cls, space: Any) -> Any:
        """`train: {learning_rate: …}` as `train.learning_rate: …`."""
        if not isinstance(space, Mapping):
            return space
        flat: dict[str, Any] = {}
        for key, value in space.items():
            nested = key in SECTIONS and isinstance(value, Mapping) and not set(value) & set(_RANGE)
            flat |= {f"{key}.{name}": inner for name, inner in value.items()} if nested else {str(key): value}
        return flat

    @model_validator(mode="after")
    def _searchable(self) -> Tune:
        if self.storage is not None and _PASSWORD.search(self.storage):
            raise SettingsError(
                "tune.storage holds a password, and a run keeps its recipe",
                fix="give it as the database takes it from its surroundings, for example PGPASSWORD or ~/.pgpass",
            )
        for key, tried in self.space.items():
            _check_key(key)
            _check_range(key, tried)
        return self


def is_whole(key: str) -> bool:
    """Whether a key of `train` or `peft` takes whole numbers only."""
    section, name = key.split(".", 1)
    return _refusal(section, name, 1.5) is not None and _refusal(section, name, 2) is None


def _check_key(key: str) -> None:
    section, _, name = key.partition(".")
    known = [f"{part}.{field}" for part, model in SECTIONS.items() for field in model.model_fields if field not in FIXED[part]]
    if key in known:
        return
    if section in SECTIONS and name in SECTIONS[section].model_fields:
        raise SettingsError(f"tune.space: {key} changes nothing that is learned, so there is nothing to search", fix="leave it out")
    near = nearest(key, known) or nearest(key, [k.split(".", 1)[1] for k in known])
    near = near if near is None or "." in near else next(k for k in known if k.endswith(f".{near}"))
    fix = f"did you mean {near}?" if near else "keys of train and peft can be searched, for example train.learning_rate"
    raise SettingsError(f"tune.space: {key} cannot be searched", fix=fix)


def _check_range(key: str, tried: Range) -> None:
    """A range or choices, not both, with values that the key itself takes."""
    ends = tried.low is not None, tried.high is not None
    if tried.choices:
        if any(ends) or tried.log or tried.step is not None:
            raise SettingsError(f"tune.space: {key} has a range and choices", fix="give one of them")
        if len(set(map(repr, tried.choices))) < max(2, len(tried.choices)):
            raise SettingsError(f"tune.space: {key}: choices are two values or more, each once", fix="or take the key out")
        values: tuple[Any, ...] = tried.choices
    else:
        if not all(ends):
            raise SettingsError(f"tune.space: {key} needs low and high, or choices", fix="{low: 1.0e-5, high: 1.0e-3, log: true}")
        assert tried.low is not None
        assert tried.high is not None
        _check_ends(key, tried, tried.low, tried.high)
        values = (tried.low, tried.high)
    section, name = key.split(".", 1)
    for value in values:
        reason = _refusal(section, name, _as_written(key, value))
        if reason is not None:
            raise SettingsError(f"tune.space: {key} cannot be {value}: {reason}", fix=f"see {key} in docs/reference/recipe.md")


def _check_ends(key: str, tried: Range, low: float, high: float) -> None:
    if low >= high:
        raise SettingsError(f"tune.space: {key}: low ({low:g}) is not below high ({high:g})", fix="swap them, or take the key out")
    if tried.log and low <= 0:
        raise SettingsError(f"tune.space: {key}: a logarithmic range starts above 0, not at {low:g}", fix="raise low, or log: false")
    if tried.log and tried.step is not None:
        raise SettingsError(f"tune.space: {key}: a logarithmic range has no step", fix="leave step or log out")
    if tried.step is not None and tried.step > high - low:
        raise SettingsError(f"tune.space: {key}: the step {tried.step:g} is wider than the range", fix="give a smaller step")
    if is_whole(key) and any(x is not None and x != int(x) for x in (low, high, tried.step)):
        raise SettingsError(f"tune.space: {key} takes whole numbers", fix="give whole numbers for low, high and step")


def _as_written(key: str, value: Any) -> Any:
    return int(value) if isinstance(value, float) and value == int(value) and is_whole(key) else value


def _refusal(section: str, name: str, value: Any) -> str | None:
    """Why the section does not take this value for this key; None where it does."""
    try:
        SECTIONS[section].model_validate({name: value})
    except ValidationError as error:
        return str(error.errors(include_url=False)[0]["msg"])
    except SettingsError as error:
        return error.message
    return None
