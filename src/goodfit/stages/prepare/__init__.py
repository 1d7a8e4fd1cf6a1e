"""prepare: rows -> tokens and targets, for train and validation. Fourth stage of the path; the test rows stay sealed.

Rows are tokenised once into a memory-mapped cache keyed by what they are made from (row ids, tokenizer, labels, maximum length).
What a maximum length cuts is counted, per class, and never silent. Writes `prepare/manifest.json`.

    stage.py      the story
    lengths.py    the maximum length, where it is `auto`
    tokenise.py   one split into the cache, counting
    record.py, findings.py   what is written
"""

from goodfit.stages.prepare.stage import Tokens, prepare

__all__ = ["Tokens", "prepare"]
