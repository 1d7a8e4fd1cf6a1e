"""What `auto` would have become for a run: the rules of tune, asked again for the data and the model of that run. Part of iterate."""

from __future__ import annotations

from goodfit.improve.iterate.evidence import Evidence
from goodfit.stages.tune.defaults import Facts, settle


def default_of(evidence: Evidence, key: str) -> float | None:
    """The computed value of a dotted key of `train`; None where the run does not say what it was trained on."""
    base, recipe = evidence.candidates.get("base") or {}, evidence.recipe
    rows = evidence.run.record.data.get("splits", {}).get("train")
    if "parameters" not in base or not rows:
        return None
    facts = Facts(
        rows=int(rows), parameters=int(base["parameters"]), causal=bool(base.get("causal")), lora=recipe.peft.method != "full",
        multi_label=recipe.task.multi_label, writes=not recipe.task.label_columns,
        model_type=str(base.get("model_type", "")),
    )  # fmt: skip
    name = key.split(".", 1)[1]
    open_ = recipe.train.model_copy(update={name: "auto"})
    found = settle(open_, recipe.peft, facts, seed=recipe.seed).resolved.get(key)
    return None if found is None else float(found)
