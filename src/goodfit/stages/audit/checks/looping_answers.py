"""AUD074: answers that say the same over and over: written by a model that did not stop."""

from __future__ import annotations

from goodfit.stages.audit.answers import Limits, told
from goodfit.stages.audit.check import Outcome, check
from goodfit.stages.audit.scene import Scene
from goodfit.tasks.writing.habits import loops

LIMITS = Limits(note=0.0, warning=0.01, least=1)


@check(code="AUD074", kind="loops", severity="warning", looks_for="answers that say the same over and over", tasks=("generation",))
def looping_answers(scene: Scene) -> Outcome:
    """Rows whose answer is a loop."""
    seen = scene.answered
    return told(
        seen, loops(seen.answers), LIMITS, ("answers say the same over and over", "no answer is a loop"),
        "A phrase stands four times or more back to back in them, or a line four times. Who learns them is more likely not to stop.",
        "drop or shorten them",
    )  # fmt: skip
