"""AUD075: one question, several answers. Fine where many answers are right; where one is, the model is taught that it does not matter."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pyarrow as pa

from goodfit.data.duplicates import duplicate_groups, text_keys
from goodfit.stages.audit.answers import Answered, Limits, told
from goodfit.stages.audit.check import Outcome, check
from goodfit.stages.audit.scene import Scene

LIMITS = Limits(note=0.003, warning=2.0)


@check(code="AUD075", kind="contradictory_answers", severity="note", looks_for="questions with several answers", tasks=("generation",))
def contradictory_answers(scene: Scene) -> Outcome:
    """Rows whose question stands elsewhere with another answer."""
    seen = scene.answered
    groups = disagreeing(seen)
    flags = np.zeros(len(seen), np.bool_)
    flags[[place for group in groups for place in group]] = True
    return told(
        seen, flags, LIMITS, ("rows share their question with a row of another answer", "no question has several answers"),
        f"{len(groups):,} questions, equal but for case, spaces and punctuation, have different answers. Where only one can be right, the "
        "others are wrong labels; where many can, the model learns to choose among them by chance.",
        "look at them question by question; keep one answer where there is one",
    )  # fmt: skip


def disagreeing(seen: Answered) -> list[list[int]]:
    """Places of the rows of each question that has several answers, in the order of the first."""
    asked = duplicate_groups(text_keys(pa.array(seen.questions, pa.string())))
    said = duplicate_groups(text_keys(pa.array([answer[:4000] for answer in seen.answers], pa.string())))
    members: dict[int, list[int]] = defaultdict(list)
    for place, group in enumerate(asked.tolist()):
        members[group].append(place)
    return [places for places in members.values() if len({int(said[place]) for place in places}) > 1]
