"""tune: every number that the training is made of, settled before it starts. Fifth stage of the path.

What the recipe gives is taken as it is; every `auto` becomes a number by the rules in `defaults.py`, with the reason beside it. Where the
recipe asks for a search, trials around these numbers are trained, and one replaces them only where fresh seeds and fresh rows show that it
is better. Writes `tune/plan.json`.

    defaults.py    what `auto` becomes            measured.py   range test and noise scale
    space.py       what may be tried              study.py      the search's memory and sampler (Optuna)
    trial.py       one training                   halving.py    which trials are stopped
    search.py      trial after trial              finals.py     the last word
    rows.py        who chooses and who judges     earlier.py    what earlier runs know
    record.py, words.py, findings.py              what is written and said
"""

from goodfit.stages.tune.stage import Tuned, tune

__all__ = ["Tuned", "tune"]
