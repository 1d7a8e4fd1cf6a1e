"""What a recipe asks of its task, known to be possible before anything is read or trained: scores, gates, baselines, the best step's.

Part of tasks; one function for each kind of task, in each table.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from goodfit.errors import DataError, SettingsError
from goodfit.models.templates import template_for
from goodfit.monitor.trackers import require_trackers
from goodfit.recipe import Evaluate, Prepare, Recipe
from goodfit.tasks import generation, metrics, objective
from goodfit.tasks.baselines import NAMES, check_names, names_of
from goodfit.tasks.writing import matches, structure
from goodfit.tasks.writing import metrics as written


def foresee(recipe: Recipe, base: Path | None = None) -> None:
    """SettingsError for a metric, a gate, a baseline or a score of validation that the task does not have.

    The same for a chat template that is not there or is not Jinja; DataError for a file of the evaluation that is not there. `base` is
    the recipe's folder (None: files are not looked for). MissingExtra for a tracker that is not installed.
    """
    require_trackers(recipe.train.report_to)
    foresee_evaluation(recipe, base)
    BEST[recipe.task.kind](recipe)
    _searched(recipe)
    PREPARED[recipe.task.kind](recipe, base)


def foresee_evaluation(recipe: Recipe, base: Path | None = None) -> None:
    """The part of it that the sections `task` and `evaluate` tell."""
    check_names(names_of(recipe), recipe.task.kind)
    SCORES[recipe.task.kind](recipe, base)


def _searched(recipe: Recipe) -> None:
    """Keys of tune.space that change nothing with this recipe: a search over them would be one over luck."""
    space = recipe.tune.space if recipe.tune else {}
    adapted = recipe.peft.method == "lora" or "peft.method" in space
    for key in space:
        if key.startswith("peft.") and not adapted:
            raise SettingsError(f"tune.space: {key} changes nothing while peft.method is {recipe.peft.method}",
                                fix="peft.method: lora, or search it too: peft.method: [full, lora]")  # fmt: skip
        if key in UNSEARCHED[recipe.task.kind]:
            raise SettingsError(f"tune.space: {key} changes nothing where task.kind is {recipe.task.kind}", fix=f"without {key}")
        if key == "train.freeze" and recipe.peft.method == "lora" and "peft.method" not in space:
            raise SettingsError("tune.space: train.freeze changes nothing with an adapter, beside which all is frozen", fix="leave it out")


def _classification(recipe: Recipe, base: Path | None) -> None:
    for name in OF_GENERATION:
        if getattr(recipe.evaluate, name) != Evaluate.model_fields[name].get_default(call_default_factory=True):
            raise SettingsError(f"evaluate.{name} is for generation, and task.kind is {recipe.task.kind}", fix=f"without evaluate.{name}")
    _brought(recipe, base)
    if base is not None and recipe.evaluate.tests is not None:
        _must_be("tests", recipe.evaluate.tests, base)
    kind = metrics.task_kind(recipe.task.multi_label)
    metrics.names_for(recipe.evaluate.metrics, kind)
    for name in recipe.evaluate.gates:
        metrics.require(name, kind, "evaluate.gates")


def _generation(recipe: Recipe, base: Path | None) -> None:
    section = recipe.evaluate
    if section.tests is not None:
        raise SettingsError("evaluate.tests is for classification, and task.kind is generation", fix="without evaluate.tests")
    if base is not None and recipe.task.chat_template != "auto":
        template_for(None, recipe.task.chat_template, base)
    metrics_asked = () if isinstance(section.metrics, str) else section.metrics
    for name in metrics_asked:
        written.require(name, "evaluate.metrics")
    for name in section.gates:
        written.require(name, "evaluate.gates")
    for name in (*metrics_asked, *section.gates):
        if name.startswith("choice_") and recipe.task.choices is None:
            raise SettingsError(f"{name} needs the possible answers of each row", fix="name their column: task.choices")
    _pattern(section.regex, asked="regex_match" in (*metrics_asked, *section.gates))
    _brought(recipe, base)
    if base is not None:
        files = [("retain", path) for path in section.retain]
        for key, path in [*files, *([] if section.json_schema is None else [("json_schema", section.json_schema)])]:
            _must_be(key, path, base)
        _schema(section.json_schema, base)


def _brought(recipe: Recipe, base: Path | None) -> None:
    """Systems that the user brings: their names are free, their files are there."""
    for name, path in recipe.evaluate.predictions.items():
        if name in OWN or name in NAMES[recipe.task.kind]:
            raise SettingsError(
                f"evaluate.predictions: {name!r} is the name of a system of Goodfit's own", fix="give the file another name"
            )
        if base is not None:
            _must_be("predictions", path, base)


def _must_be(key: str, path: str, base: Path) -> None:
    if not (base / Path(path).expanduser()).exists():
        raise DataError(f"evaluate.{key}: there is no {path}", fix=f"paths start from {base}")


def _pattern(pattern: str | None, *, asked: bool) -> None:
    if pattern is None:
        if asked:
            raise SettingsError("regex_match has no pattern to look for", fix="evaluate.regex: 'answer: [0-9]+'")
        return
    try:
        matches.regex_match([""], None, pattern)
    except SettingsError as error:
        raise SettingsError(f"evaluate.regex: {error.message}", fix=error.fix) from error


def _schema(path: str | None, base: Path) -> None:
    """The file is JSON, and a schema that can be followed; MissingExtra where what follows it is not installed."""
    if path is None:
        return
    try:
        found = json.loads((base / Path(path).expanduser()).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"evaluate.json_schema: {path} is not JSON ({error})", fix="give a JSON schema") from error
    if not isinstance(found, dict):
        raise DataError(f"evaluate.json_schema: {path} holds no object", fix="give a JSON schema")
    try:
        structure.json_valid(["{}"], found)
    except SettingsError as error:
        raise SettingsError(f"evaluate.json_schema: {path}: {error.message}", fix=error.fix) from error


def _nothing_to_write(recipe: Recipe, base: Path | None) -> None:
    for name in ("mix", "special_tokens", "added_tokens", "truncation_mode"):
        if getattr(recipe.prepare, name) != Prepare.model_fields[name].get_default(call_default_factory=True):
            raise SettingsError(f"prepare.{name} is for generation, and task.kind is {recipe.task.kind}", fix=f"without prepare.{name}")


def _can_prepare(recipe: Recipe, base: Path | None) -> None:
    if recipe.prepare.suspects != "keep":
        raise SettingsError(f"prepare.suspects is for classification, and task.kind is {recipe.task.kind}", fix="prepare.suspects: keep")
    mix, new = recipe.prepare.mix, (*recipe.prepare.special_tokens, *recipe.prepare.added_tokens)
    if new and recipe.train.freeze != "none" and recipe.peft.method == "full":
        raise SettingsError(f"the token {new[0]!r} is added, and train.freeze: {recipe.train.freeze} keeps its row as it is",
                            fix="train.freeze: none, or peft.method: lora, which learns the rows of added tokens")  # fmt: skip
    if mix is None or base is None or mix.path.startswith("hub:") or "*" in mix.path:
        return
    if not (base / Path(mix.path).expanduser()).exists():
        raise DataError(f"prepare.mix: there is no {mix.path}", fix=f"paths start from {base}")


OF_GENERATION = ("rows", "max_new_tokens", "few_shot", "retain", "regex", "json_schema")
"""Keys of `evaluate` that a classifier has no use for."""
OWN = ("model", "references")
"""Names that no file of predictions may have, beside those of the baselines."""
UNSEARCHED = {
    "classification": ("train.neftune_noise_alpha",),
    "generation": ("train.class_weights", "train.label_smoothing_factor", "train.head_learning_rate"),
}
"""Keys of `train` that this kind of task has no use for."""
SCORES: dict[str, Callable[[Recipe, Path | None], None]] = {"classification": _classification, "generation": _generation}
BEST: dict[str, Callable[[Recipe], object]] = {
    "classification": lambda recipe: objective.best_by(recipe.train.metric_for_best_model, multi_label=recipe.task.multi_label),
    "generation": lambda recipe: generation.best_by(recipe.train.metric_for_best_model),
}
PREPARED: dict[str, Callable[[Recipe, Path | None], None]] = {"classification": _nothing_to_write, "generation": _can_prepare}
