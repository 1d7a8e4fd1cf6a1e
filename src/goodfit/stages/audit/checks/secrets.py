"""AUD061: secrets: keys of services, private keys, tokens and passwords."""

from __future__ import annotations

import numpy as np

from goodfit.stages.audit.check import ALL_TASKS, Outcome, check, found, passed
from goodfit.stages.audit.scene import Scene, listing, percent, rate


@check(code="AUD061", kind="secrets", severity="warning", looks_for="keys, tokens and passwords in the texts", tasks=ALL_TASKS)
def secrets(scene: Scene) -> Outcome:
    """Rows that hold a secret, in file order. Nothing of a value is told, only its kind."""
    held, n = scene.inside.secrets, scene.inside.n
    k = len(held.rows)
    if not k:
        return passed("no key, token or password was found", detail="Test rows were not looked at.")
    kinds = listing([f"{name} {count:,}" for name, count in held.named.most_common()])
    return found(
        "warning", f"{k:,} of {n:,} texts ({percent(k / n)}) hold what looks like a secret",
        detail=f"{kinds}. Whoever has the data or the model may use it; a model that writes can give it away word by word. "
        "Test rows were not looked at.",
        rows=scene.inside.ids(np.array(held.rows, dtype=np.int64)), evidence=(rate("secret_rate", k, n),),
        fix="withdraw these keys and passwords first: they are known now; then data.mask: [secret] replaces them, or delete the rows",
    )  # fmt: skip
