"""tune: every number that the training is made of, settled before it starts. Fifth stage of the path.

What the recipe gives is taken as it is; every `auto` becomes a number by the rules in `defaults.py`, with the reason beside it.
Writes `tune/plan.json`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from goodfit.engine.plan import Plan
from goodfit.files import read_json, write_json
from goodfit.models.heads import Language
from goodfit.recipe import Recipe
from goodfit.run import PLAN, Run
from goodfit.stage import stage
from goodfit.stages.tune.defaults import Facts, settle

if TYPE_CHECKING:
    from goodfit.stages.choose import Choice
    from goodfit.stages.prepare import Tokens

SCHEMA = "goodfit/plan/1"


@dataclass
class Tuned:
    """The plan that the engine follows, and where each number comes from."""

    plan: Plan
    lora_dropout: float
    reasons: dict[str, str] = field(default_factory=dict)
    """Key -> `given in the recipe`, or why `auto` became this."""
    fingerprint: str = ""

    @classmethod
    def load(cls, run: Run) -> Tuned:
        """From tune/plan.json."""
        document = read_json(run.path / "tune" / PLAN)
        return cls(Plan(**document["plan"]), document["lora_dropout"], document["reasons"])


@stage("tune", result=Tuned, version=1, reads=("train", "peft", "seed"))
def tune(recipe: Recipe, choice: Choice, tokens: Tokens, run: Run) -> Tuned:
    """Settles learning rate, batch, epochs and all that is `auto`."""
    train = tokens.examples("train")
    lora = recipe.peft.method == "lora"
    facts = Facts(
        rows=train.epoch_rows,
        parameters=choice.base.parameters,
        causal=choice.base.causal,
        lora=lora,
        multi_label=tokens.task.multi_label,
        writes=isinstance(tokens.task.head, Language),
    )
    settled = settle(recipe.train, recipe.peft, facts, seed=recipe.seed)
    document: dict[str, Any] = {
        "schema": SCHEMA, "plan": settled.plan.to_json(), "reasons": settled.reasons, "lora_dropout": settled.lora_dropout,
    }  # fmt: skip
    write_json(run.folder("tune") / PLAN, document)
    run.resolve(settled.resolved)
    return Tuned(settled.plan, settled.lora_dropout, settled.reasons)
