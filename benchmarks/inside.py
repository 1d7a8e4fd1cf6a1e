"""What stands inside texts: planted damage that has to be found, clean data that has to pass, and the time for a million rows.

`python -m benchmarks.inside [--rows N]` writes benchmarks/results/3-inside.json. Planted: 2% of 1,000 sentences of real sets with letters or
quotes beyond ASCII are decoded by another table than they were written with (30 seeds; five tables; damage that a table cannot do to a
sentence is drawn again). Clean: subsets of 500 rows of real sets, and made-up data, shuffled; AUD050 - AUD061 are asked. What is noted
there may well be so: the notes are listed by code. The patterns were seen to work on these real sets as a whole while they were written, so that
the real controls are no independent proof; the made-up ones are.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.claims import ROOT, record, row
from benchmarks.peak import PEAK
from benchmarks.scale import write_table
from goodfit.data import Columns, Source, open_store
from goodfit.files import write_json
from goodfit.recipe import Recipe
from goodfit.run import Run
from goodfit.stages.audit import Scene
from goodfit.stages.audit.check import CHECKS
from goodfit.stages.audit.inside import Inside
from goodfit.stages.split import split
from goodfit.statistics.proportions import wilson

SHARED = Path(os.environ.get("GOODFIT_SHARED", ROOT.parent / "shared")) / "data"
COMMAND = "python -m benchmarks.inside"
CODES = sorted(code for code in CHECKS if "AUD050" <= code <= "AUD061")
SETS = {
    "banking77": ("banking77/train.csv", ("text",), "category"), "hatecheck": ("hatecheck/test_suite_cases.csv", ("test_case",), "label_gold"),
    "medical": ("medical_abstracts/medical_tc_test.csv", ("medical_abstract",), "condition_label"),
    "german templates": ("identity_templates/de_sentence_templates.csv.gz", ("phrase",), "toxicity"),
    "dutch templates": ("identity_templates/nl_sentence_templates.csv.gz", ("phrase",), "toxicity"),
    "hausa": ("african_noisy_news/hausa_newsclass/train_clean.tsv", ("news_title",), "label"),
    "yoruba": ("african_noisy_news/yoruba_newsclass/train_clean.tsv", ("news_title",), "label"),
}  # fmt: skip
TABLES = ("latin-1", "cp1252", "cp1250", "cp1251", "mac-roman")
SYLLABLES = [a + b + c for a in "bdfglmnprst" for b in "aeiou" for c in ("", "", "n", "r", "s")]


def texts_of(name: str) -> list[tuple[str, str]]:
    """Texts and labels of a set."""
    file, text, label = SETS[name]
    store = open_store([Source(str(SHARED / file))], Columns(text=text, label=(label,)))
    pairs = zip(store.column("text").to_pylist(), store.column("label").to_pylist())
    return [(text, label) for text, label in pairs if text and label]


def asked(pairs: list[tuple[str, str]], folder: Path) -> dict[str, tuple[str, str]]:
    """Code -> status and severity of the checks of this benchmark on such rows."""
    write_json(folder / "data.json", [{"text": text, "label": label} for text, label in pairs])
    run = Run.create(folder / "runs", name="b", recipe_text="{}\n", recipe_hash="b2:0", base=folder)
    document = {"fail_on": "never", "task": {"text": "text", "label": "label"}, "data": {"path": "data.json"}, "split": {"test_size": 0}}
    recipe = Recipe.model_validate(document)
    scene = Scene(recipe, split(recipe, run), run.screen)
    answers = {code: CHECKS[code].look(scene) for code in CODES}
    return {code: (answer.status, answer.severity) for code, answer in answers.items()}


def drawn(name: str, n: int, seed: int) -> list[tuple[str, str]]:
    """So many rows by chance."""
    pairs = texts_of(name)
    return [pairs[i] for i in np.random.default_rng(seed).permutation(len(pairs))[:n]]


def damaged(text: str, rng: np.random.Generator) -> str | None:
    """The text written as UTF-8 and read by a table, with a word of it that has signs beyond ASCII; None where it cannot be."""
    word = str(rng.choice(["café", "don’t", "Größe", "naïve", "50 €", "“quoted”", "señor", "Ärzte", "déjà vu", "–"]))
    try:
        return f"{text} {word}".encode().decode(str(rng.choice(TABLES)))
    except UnicodeDecodeError:
        return None


def planted(seeds: range) -> dict[str, Any]:
    """How many of the seeded cases are found."""
    found = 0
    for seed in seeds:
        rng, pairs = np.random.default_rng(seed), drawn("banking77", 1_000, seed)
        for place in rng.permutation(len(pairs))[:20]:
            text = None
            while text is None:
                text = damaged(pairs[place][0], rng)
            pairs[place] = (text, pairs[place][1])
        with tempfile.TemporaryDirectory() as folder:
            found += asked(pairs, Path(folder))["AUD050"] == ("open", "warning")
    low, high = wilson(found, len(seeds))
    return row("planted mojibake in 2% of 1,000 real texts, warned of", ">= 0.9 of 30 seeded cases", round(found / len(seeds), 4), low=round(low, 4),
               high=round(high, 4), n=len(seeds), passed=found >= 0.9 * len(seeds), command=COMMAND)  # fmt: skip


def made_up(seed: int) -> list[tuple[str, str]]:
    """Texts of words that no language has, with names, numbers and punctuation by chance."""
    rng = np.random.default_rng(seed)
    words = ["".join(rng.choice(SYLLABLES, size=rng.integers(1, 5))) for _ in range(800)]
    shares = 1 / np.arange(1, 801)
    out = []
    for i in range(int(rng.choice([100, 300, 1000]))):
        chosen = list(rng.choice(words, size=int(np.clip(rng.lognormal(2.5, 0.6), 3, 120)), p=shares / shares.sum()))
        if rng.random() < 0.15:
            chosen.insert(0, str(rng.integers(10 ** int(rng.integers(1, 10)))))
        text = " ".join(chosen)
        out.append((text.capitalize() + str(rng.choice(["", ".", "!", "?"])) + f" {i}", str(rng.choice(["a", "b", "c"]))))
    return out


def clean_sets() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Ten subsets of each real set, and a hundred made-up sets."""
    for name in SETS:
        for seed in range(10):
            yield "real", drawn(name, 500, seed)
    for seed in range(100):
        yield "made up", made_up(seed)


def controls() -> list[dict[str, Any]]:
    """Shares of clean sets with a warning and with a note."""
    warned, noted, n = Counter[str](), Counter[str](), Counter[str]()
    codes: dict[str, Counter[str]] = {"real": Counter(), "made up": Counter()}
    for kind, pairs in clean_sets():
        with tempfile.TemporaryDirectory() as folder:
            answers = asked(pairs, Path(folder))
        opened = {code: severity for code, (status, severity) in answers.items() if status == "open"}
        n[kind] += 1
        warned[kind] += any(severity != "note" for severity in opened.values())
        noted[kind] += "note" in opened.values()
        codes[kind].update(opened)
    out = []
    for kind in n:
        for what, counts, limit in (("warning", warned, 0.05), ("note", noted, 0.20)):
            low, high = wilson(counts[kind], n[kind])
            out.append(row(f"AUD050-AUD061 on clean data ({kind}): share of sets with a {what}", f"<= {limit}", round(counts[kind] / n[kind], 4),
                           low=round(low, 4), high=round(high, 4), n=n[kind], passed=counts[kind] <= limit * n[kind], command=COMMAND,
                           codes=dict(codes[kind])))  # fmt: skip
    return out


def million(rows: int) -> list[dict[str, Any]]:
    """Seconds and memory of one pass over made-up tickets, in the batches of audit; every hundredth holds an address or a number."""
    scope: dict[str, Any] = {}
    exec(PEAK, scope)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tickets.csv"
        write_table(path, rows)
        store = open_store([Source(str(path))], Columns(("text",), ("label",)))
        inside, begin = Inside(), time.process_time()
        for number, batch in enumerate(store.batches(("text",), 4096)):
            texts = batch.column(0).to_pylist()
            for place in range(number % 100, len(texts), 100):
                texts[place] = (
                    f"{texts[place]} write to user{place}@mail.example.org or call +49 30 {place:07d}" if texts[place] else texts[place]
                )
            column = pa.array(texts, pa.string())
            inside.add(column, column, np.arange(inside.n, inside.n + len(column)))
        sentences = len(inside.repeated.sentences(max(10, rows // 500)))
        seconds, peak = time.process_time() - begin, scope["peak"]() / 2**30
    print(f"{inside.n:,} rows, {sentences} sentences, {len(inside.personal.rows('email')):,} with e-mail")
    named = f"one pass over {rows:,} tickets (240 MB) for AUD050-AUD061"
    return [
        row(f"{named}, CPU seconds", "<= 120", round(seconds, 1), n=rows, passed=seconds <= 120, command=COMMAND),
        row(f"{named}, peak memory of the process, GiB", "< 2", round(peak, 3), n=rows, passed=peak < 2, command=COMMAND),
    ]


def main() -> None:
    """Plants, controls, and times."""
    rows = int(sys.argv[sys.argv.index("--rows") + 1]) if "--rows" in sys.argv else 1_000_000
    out = [planted(range(30)), *controls(), *million(rows)]
    for one in out:
        print(one["claim"], one["value"], one.get("codes", ""))
    if rows == 1_000_000:
        record("inside", out, part=3)


if __name__ == "__main__":
    main()
