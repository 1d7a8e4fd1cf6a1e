"""A million rows: peak memory and time of split, audit, prepare and predict, each verb in a process of its own.

`python -m benchmarks.scale [--rows N]` makes a csv of 1,000,000 made-up tickets (200 MB and more, with quotes, line breaks,
duplicates, missing labels), and a two-layer model with random weights and a real tokenizer (what is measured is the path around the
model: the model's own time grows with its size). Writes benchmarks/results/1-scale.json.
"""

from __future__ import annotations

import csv
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.claims import record, row
from benchmarks.peak import PEAK

LIMIT = 2 * 2**30
LABELS = ("billing", "bug", "sales", "refund", "account", "other")
WORDS = (
    "the a please my your order invoice payment card account login password error screen broken late refund money back want need help "
    "cannot open close crash update version app phone website email address change delete cancel subscription plan price expensive cheap "
    "question about how why when where delivered package missing wrong item colour size support agent waiting days weeks angry happy thanks"
).split()


def write_table(path: Path, rows: int) -> None:
    """Made-up tickets of 5 to 60 words; 2% repeat an earlier text, 0.5% have no label, some hold line breaks and quotes."""
    rng = random.Random(7)
    recent: list[str] = []
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(("id", "text", "label", "customer", "region"))
        for number in range(rows):
            label = rng.choice(LABELS)
            if recent and rng.random() < 0.02:
                text = rng.choice(recent)
            else:
                words = rng.choices(WORDS, k=rng.randint(5, 60))
                text = f"{label if rng.random() < 0.5 else ''} {' '.join(words)} {number % 9973}"
                if number % 50 == 0:
                    text = text.replace(" the ", '\n"the", ')
                recent = [*recent[-99:], text]
            writer.writerow((number, text, "" if rng.random() < 0.005 else label, f"c{rng.randrange(rows // 3)}", rng.choice("nsew")))


def write_model(folder: Path) -> None:
    """A two-layer BERT with random weights and the tokenizer of an installed model."""
    from transformers import AutoTokenizer, BertConfig, BertModel

    from goodfit.models.source import resolve

    tokenizer = AutoTokenizer.from_pretrained(resolve("all-MiniLM-L6-v2").path)
    config = BertConfig(vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64)
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def measured(command: list[str], folder: Path) -> tuple[float, float, dict[str, Any]]:
    """Seconds, peak bytes of the process, and the answer of one verb."""
    code = (
        PEAK
        + "import sys; from goodfit.cli import main\ntry:\n    main(sys.argv[1:])\nfinally:\n    print('PEAK', peak(), file=sys.stderr)"
    )
    begin = time.monotonic()
    out = subprocess.run([sys.executable, "-c", code, *command, "--json"], cwd=folder, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - begin
    answer = json.loads(out.stdout)
    if answer["exit_code"] not in (0, 1):
        sys.exit(f"{command}: {answer['error']}")
    peak = next(int(line.split()[1]) for line in out.stderr.splitlines() if line.startswith("PEAK"))
    return seconds, float(peak), answer


def main() -> None:
    """Makes the table, walks the verbs, writes the claims."""
    rows = int(sys.argv[sys.argv.index("--rows") + 1]) if "--rows" in sys.argv else 1_000_000
    command = "python -m benchmarks.scale"
    claims = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_table(folder / "tickets.csv", rows)
        write_model(folder / "tiny")
        size = (folder / "tickets.csv").stat().st_size
        recipe = {"name": "scale", "data": {"path": "tickets.csv"}, "task": {"text": "text", "label": "label"},
                  "groups": {"region": {"column": "region"}}, "split": {"by": "customer"}, "fail_on": "never",
                  "choose": {"model_name_or_path": "tiny"}, "train": {"max_steps": 20, "eval_steps": 20}, "evaluate": {"on": "valid"}}  # fmt: skip
        (folder / "recipe.yaml").write_text(json.dumps(recipe))
        steps = [(verb, [verb, "recipe.yaml"]) for verb in ("split", "audit", "prepare", "train")]
        steps.append(("predict", ["predict", "last", "--file", "tickets.csv", "--out", "out.parquet"]))
        for verb, words in steps:
            seconds, peak, _ = measured(words, folder)
            print(f"{verb}: {seconds:.0f} s, {peak / 2**30:.2f} GiB")
            if verb == "train":  # a few steps only, so that there is a model to predict with
                continue
            claims.append(row(f"peak memory of {verb} on {rows:,} rows ({size / 1e6:.0f} MB csv), GiB", "< 2", round(peak / 2**30, 3),
                              passed=peak < LIMIT, command=command, n=rows, seconds=round(seconds, 1)))  # fmt: skip
    if rows == 1_000_000:
        record("scale", claims)


if __name__ == "__main__":
    main()
