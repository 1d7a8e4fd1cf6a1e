"""tune: the story. The computed defaults; what is measured of them, if asked; what is better, if it is searched for and shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from goodfit.engine.plan import Plan
from goodfit.files import read_json, write_json
from goodfit.models.heads import Language
from goodfit.recipe import Recipe, Tune
from goodfit.run import PLAN, Run, digest
from goodfit.stage import stage
from goodfit.stages.tune.defaults import Facts
from goodfit.stages.tune.earlier import earlier
from goodfit.stages.tune.finals import Found, settle_it
from goodfit.stages.tune.findings import findings_of_measures, findings_of_search, nothing_searched
from goodfit.stages.tune.importance import importance
from goodfit.stages.tune.measured import measure
from goodfit.stages.tune.record import SEARCHED, Book
from goodfit.stages.tune.rows import LEAST, enough, halves, units_of
from goodfit.stages.tune.search import Given, search
from goodfit.stages.tune.space import Point, space_of
from goodfit.stages.tune.trial import Ground
from goodfit.tasks.beginning import Beginning

if TYPE_CHECKING:
    from goodfit.stages.choose import Choice
    from goodfit.stages.prepare import Tokens

SCHEMA = "goodfit/plan/1"
OFF = Tune()


@dataclass
class Tuned:
    """The plan that the engine follows, and where each number comes from."""

    plan: Plan
    lora_dropout: float
    reasons: dict[str, str] = field(default_factory=dict)
    """Key -> `given in the recipe`, or why `auto` became this."""
    chosen: Point = field(default_factory=dict)
    """Recipe keys that a search has changed; empty where the defaults stay."""
    fingerprint: str = ""

    @classmethod
    def load(cls, run: Run) -> Tuned:
        """From tune/plan.json."""
        document = read_json(run.path / "tune" / PLAN)
        return cls(Plan(**document["plan"]), document["lora_dropout"], document["reasons"], document.get("chosen", {}))


@stage("tune", result=Tuned, version=2, reads=("tune", "train", "peft", "seed"), keep=True)
def tune(recipe: Recipe, choice: Choice, tokens: Tokens, run: Run) -> Tuned:
    """Settles learning rate, batch, epochs and all that is `auto`."""
    section = recipe.tune or OFF
    ground, clusters = _ground(recipe, choice, tokens, run)
    _measure(section, ground, run)
    found = _search(section, ground, clusters, (choice, run)) if section.trials else Found()
    settled = ground.settled(found.point)
    peft = ground.sections(found.point)[1]
    reasons = settled.reasons | dict.fromkeys(found.point, f"trial {found.trial} of the search")
    document: dict[str, Any] = {
        "schema": SCHEMA, "plan": settled.plan.to_json(), "reasons": reasons, "lora_dropout": settled.lora_dropout, "chosen": found.point,
        "peft": peft.model_dump(mode="json"),
        **({"search": found.to_json()} if section.trials else {}),
    }  # fmt: skip
    write_json(run.folder("tune") / PLAN, document)
    run.resolve(settled.resolved | found.point)
    return Tuned(settled.plan, settled.lora_dropout, reasons, found.point)


def facts_of(recipe: Recipe, choice: Choice, tokens: Tokens) -> Facts:
    """What the rules look at."""
    train = tokens.examples("train")
    return Facts(
        rows=train.epoch_rows,
        parameters=choice.base.parameters,
        causal=choice.base.causal,
        lora=recipe.peft.method == "lora",
        multi_label=tokens.task.multi_label,
        writes=isinstance(tokens.task.head, Language),
        tokens_per_row=train.epoch_tokens / max(1, train.epoch_rows),
        model_type=choice.base.model_type,
    )


def _ground(recipe: Recipe, choice: Choice, tokens: Tokens, run: Run) -> tuple[Ground, Any]:
    """What all trainings have in common, and the cluster of each validation row."""
    start = Beginning(tokens.task, choice.base.path, tokens.rows["train"], tokens.label_counts)
    facts = facts_of(recipe, choice, tokens)
    clusters = np.zeros(0, dtype=np.int64)
    if (recipe.tune or OFF).trials and tokens.rows.get("valid"):
        valid = tokens.examples("valid")
        clusters = units_of(run.path, valid.row_ids(np.arange(len(valid))))
    choosing, judging = halves(clusters, recipe.seed)
    return Ground(recipe.train, recipe.peft, facts, start, tokens, choosing, judging, recipe.seed), clusters


def _measure(section: Tune, ground: Ground, run: Run) -> None:
    plan = ground.settled({}).plan
    found = measure(section, ground, run.folder("tune"), run.screen)
    run.report(findings_of_measures(found, plan.learning_rate, plan.train_batch_size or 0))


def _search(section: Tune, ground: Ground, clusters: Any, where: tuple[Choice, Run]) -> Found:
    """The search, its last word, and what is to be said of it."""
    choice, run = where
    if not enough(clusters, (ground.choosing, ground.judging)):
        run.report([nothing_searched(section, len(clusters), LEAST)])
        return Found(sentence="nothing was searched: too few validation rows")
    given = _given(section, ground, choice, run)
    search(given)
    found = settle_it(given, clusters[ground.judging])
    searched = given.book.of(SEARCHED)
    weights = importance(searched, given.space.tried, higher=given.higher, seed=ground.seed % 2**32)
    given.book.save(result=found.to_json(), importance={score.name: score.to_json() for score in weights})
    run.report(findings_of_search(given, found))
    run.screen.say(f"  {found.sentence}")
    return found


def _given(section: Tune, ground: Ground, choice: Choice, run: Run) -> Given:
    objective = ground.start.objective(ground.train)
    space = space_of(section, ground.train, ground.peft, ground.facts)
    rows = [ground.tokens.examples(side).fingerprint for side in ("train", "valid")]
    kin = digest([rows, choice.base.content, objective.primary])
    sections = {"train": ground.train.model_dump(mode="json"), "peft": ground.peft.model_dump(mode="json")}
    asked = section.model_dump(mode="json", exclude={"budget", "parallel", "storage", "range_test", "noise_scale"})
    name = f"goodfit-{digest([kin, sections, asked, ground.seed])[3:]}"
    facts = {
        "kin": kin, "sections": sections, "primary": objective.primary, "higher_is_better": objective.higher_is_better,
        "space": {key: tried.model_dump(mode="json") for key, tried in space.tried.items()}, "implied": space.implied,
        "default": space.default, "comparable": space.comparable, "trials": section.trials,
        "choosing": len(ground.choosing), "judging": len(ground.judging),
    }  # fmt: skip
    book = Book(run.folder("tune"), name, facts)
    known = earlier(run, kin, sections, space, higher=objective.higher_is_better) if section.warm_start else []
    book.save(warm=len(known))
    return Given(section, ground, space, book, name, run.id, objective.primary, objective.higher_is_better, run.screen, known)
