"""AUD073: answers that refuse. Learned from a few percent of rows, a refusal spreads to questions that should be answered."""

from __future__ import annotations

from goodfit.stages.audit.answers import Limits, told
from goodfit.stages.audit.check import Outcome, check
from goodfit.stages.audit.scene import Scene
from goodfit.tasks.writing.habits import refuses

LIMITS = Limits(note=0.003, warning=0.05)


@check(code="AUD073", kind="refusals", severity="warning", looks_for="answers that refuse", tasks=("generation",))
def refusals(scene: Scene) -> Outcome:
    """Rows whose answer reads like a refusal."""
    seen = scene.answered
    return told(
        seen, refuses(seen.answers), LIMITS, ("answers read like refusals", "answers do not refuse"),
        "One of a list of phrases stands near their beginning (English, German, French, Spanish; other words and languages are missed). A "
        "model learns to refuse more than it was shown to.",
        "read them: keep those that are wanted, answer or drop the others (many come from the assistant that wrote the data)",
    )  # fmt: skip
