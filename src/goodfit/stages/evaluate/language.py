"""A language model and what it has to beat answer the same rows: the judge of generation. Part of evaluate.

Systems: the model; `base`, the base model asked in the same words; `few_shot`, the base model with training examples before the question;
`retrieval`, the answer of the nearest training row; files of answers. One model is in memory at a time: an adapter is switched off to
ask its base model, a fully trained model is gone before its base is loaded.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from peft import PeftModel

from goodfit.data.conversations import answer_text, input_text
from goodfit.files import write_json, write_jsonl
from goodfit.models.load import load_language
from goodfit.recipe import Recipe
from goodfit.run import MISTAKES, PREDICTIONS, SAMPLES, SCORES, Run, TestKey, digest
from goodfit.stages.evaluate.answering import SplitRows
from goodfit.stages.evaluate.language_answerer import PREDICTIONS_SCHEMA, Answerer, Dress, Texts, as_it_is, batches, table
from goodfit.stages.evaluate.language_brought import answers_of
from goodfit.stages.evaluate.language_choices import Picked, choosable, on_same_rows, pick, pick_by_text
from goodfit.stages.evaluate.language_files import sample_lines, systems_facts, worst
from goodfit.stages.evaluate.language_findings import Seen, language_findings
from goodfit.stages.evaluate.language_leaked import Leaking, leaked_language, without
from goodfit.stages.evaluate.language_memory import kept_of, read_retained, stream_training, with_copies
from goodfit.stages.evaluate.language_parity import NEW_TOKENS, compared
from goodfit.stages.evaluate.language_ready import BASE, FEW_SHOT, RETRIEVAL, Ready
from goodfit.stages.evaluate.language_rows import Asked, askable, rows_at
from goodfit.stages.evaluate.language_scoring import Heard, Kept, LanguageScored, document, score_language
from goodfit.stages.evaluate.leaked import leaked_rows
from goodfit.stages.evaluate.outcome import VALID, Evaluation, TrainedModel
from goodfit.stages.evaluate.scoring import MODEL
from goodfit.tasks.likelihood import Likelihood
from goodfit.tasks.tables import Write, writing
from goodfit.tasks.writing.said import Said

PARITY_FILE = "parity.json"


@dataclass
class Found:
    """What the systems said."""

    asked: Asked
    texts: dict[str, Texts] = field(default_factory=dict)
    read: dict[str, Likelihood] = field(default_factory=dict)
    picked: dict[str, Picked] = field(default_factory=dict)
    """Where rows have choices."""
    parity: dict[str, Any] | None = None
    effect: float | None = None
    kept: Kept = field(default_factory=lambda: Kept(why_not="evaluate.retain names no texts"))

    @property
    def known(self) -> NDArray[np.bool_]:
        """Rows of the split whose loss every system that reads has."""
        return np.logical_and.reduce([read.known for read in self.read.values()])


class Language:
    """The judge: made while the test rows are sealed, so that what can fail has failed by then."""

    def __init__(self, recipe: Recipe, trained: TrainedModel, splits: SplitRows, run: Run) -> None:
        self.recipe, self.splits, self.run = recipe, splits, run
        self.on = recipe.evaluate.on
        self.chooses = recipe.task.choices is not None
        self.ready = Ready(recipe, trained.folder, splits, run)
        self._model: Any = self.ready.loaded.model
        self._copied: Mapping[str, NDArray[np.int64]] = {}

    def judge(self, key: TestKey | None) -> Evaluation:
        """Every system answers; scores, findings and files come of it."""
        folder = self.run.folder("evaluate")
        with writing(folder / PREDICTIONS, PREDICTIONS_SCHEMA) as write:
            found = self._answers(key, write)
        heard, references = self._heard(found)
        looks = key.looks if key else None
        scored = score_language(self.on, heard, references, self.recipe.evaluate, looks, selected=self.on == VALID)
        leaking = self._leaking(found)
        self._leave(scored, found, leaking, key)
        mine = found.read[MODEL]
        cut = int(mine.cut.sum()) or found.texts.get(MODEL, Texts([])).cut
        seen = Seen(
            cut, len(mine.cut), int((~mine.known).sum()), found.effect, found.kept, found.parity, self.ready.decoding.max_new_tokens
        )
        self.run.report([*language_findings(scored, seen), leaked_language(scored, leaking)])
        return Evaluation(self.on, scored.n, scored.headline, scored.verdicts, scored.gates)

    # -- answering ----------------------------------------------------------------------------------------------------

    def _answers(self, key: TestKey | None, write: Write) -> Found:
        """Model first, then its base in both ways, then what needs no model."""
        ready = self.ready
        lines = rows_at(ready.places, self.on, self.splits, key, choices=self.chooses)
        rows = Asked(lines, ready.places, self._clusters(ready.places))
        found = Found(askable(rows, ready.task, ready.loaded.tokenizer))
        writer = ready.writer(self._model)
        if ready.plain is not None:
            found.parity = compared(ready.plain, ready.parity_rows, writer, NEW_TOKENS)
            write_json(self.run.folder("evaluate") / PARITY_FILE, found.parity)
        self._ask(MODEL, writer, as_it_is, found, key, write)
        logits, after = writer.logits(ready.probes), read_retained(writer, ready.retained) if ready.retained else None
        del writer
        if ready.asks_base:
            with self._base() as base:
                theirs = ready.writer(base)
                found.effect = _effect(logits, theirs.logits(ready.probes))
                if BASE in ready.names:
                    self._ask(BASE, theirs, as_it_is, found, key, write)
                if FEW_SHOT in ready.names:
                    self._ask(FEW_SHOT, theirs, theirs.examples_before(ready.examples), found, key, write)
                if after is not None:
                    found.kept = kept_of(read_retained(theirs, ready.retained), after, len(ready.retained))
        self._without_model(found, write)
        return found

    def _ask(self, name: str, writer: Answerer, dress: Dress, found: Found, key: TestKey | None, write: Write) -> None:  # noqa: PLR0913
        """One system writes the rows that are asked, and reads all; both go to predictions.parquet batch by batch."""
        asked = found.asked
        wrote = writer.write(name, asked, dress, self.run.screen.progress)
        if len(asked):
            found.texts[name] = wrote
        if len(asked) and self.chooses:
            found.picked[name] = pick(name, writer, asked, dress, self.run.screen.progress)
        lines = _lines(wrote)
        at = dict(zip(asked.places.tolist(), lines, strict=True))
        done, total = 0, self.splits.counts.get(self.on, 0)

        def keep(batch: pa.RecordBatch, read: Likelihood) -> None:
            nonlocal done
            write(table(batch, self.on, name, read, [at.get(place) for place in range(done, done + len(batch))]))
            done += len(batch)
            self.run.screen.progress(f"reading {self.on}, {name}", done, total)

        found.read[name] = writer.read(batches(self.on, self.splits, key), dress, keep)

    @contextlib.contextmanager
    def _base(self) -> Iterator[Any]:
        """The base model: the adapter switched off, or the base loaded in the place of the model."""
        if isinstance(self._model, PeftModel):
            with self._model.disable_adapter():
                yield self._model
            return
        self._model = None
        self.ready.loaded = dataclasses.replace(self.ready.loaded, model=None)
        gc.collect()
        yield self.ready.task.vocabulary.extend(load_language(self.ready.base_path)).model

    def _without_model(self, found: Found, write: Write) -> None:
        """The nearest training answers, and the files that the user brings."""
        asked = found.asked
        if not len(asked):
            return
        for file in self.ready.files:
            answers = answers_of(file, asked)
            if len(answers) < len(asked):
                missing = len(asked) - len(answers)
                self.ready.left_out[file.name] = f"{missing:,} of the {len(asked):,} rows asked have no answer in the file"
                continue
            found.texts[file.name] = Texts([answers[place] for place in range(len(asked))])
        written = {name: of.texts for name, of in found.texts.items()} | {"": asked.references}
        shown = {FEW_SHOT: "\n".join(f"{input_text(example)}\n{answer_text(example) or ''}" for example in self.ready.examples)}
        nearest, self._copied = stream_training(
            self.splits, asked, self.ready.sample, written, nearest=RETRIEVAL in self.ready.names, shown=shown
        )
        if nearest is not None:
            found.texts[RETRIEVAL] = Texts(nearest)
        if self.chooses:
            silent = [name for name in found.texts if name not in found.picked]
            found.picked |= {name: pick_by_text(asked, found.texts[name].texts) for name in silent}
        ids = pa.array([row.row for row in asked.rows], pa.string())
        batch = pa.record_batch({"row": ids, "label": pa.array(asked.references, pa.string())})
        for name in (*(file.name for file in self.ready.files), RETRIEVAL):
            if name in found.texts:
                write(table(batch, self.on, name, None, _lines(found.texts[name])))

    # -- scoring ------------------------------------------------------------------------------------------------------

    def _heard(self, found: Found) -> tuple[dict[str, Heard], Heard]:
        """Every system's outcome as metrics take it, and that of the rows' own answers."""
        asked, section = found.asked, self.recipe.evaluate
        known = found.known
        clusters = self._clusters(np.flatnonzero(known))
        sizes = found.read[MODEL].bytes[known]
        read = {
            name: Said(losses=of.losses[known], learned_tokens=of.tokens[known], bytes=sizes, clusters=clusters)
            for name, of in found.read.items()
        }
        common: dict[str, Any] = {"references": asked.references, "clusters": asked.clusters, "pattern": section.regex}
        common["schema"] = self.ready.schema
        picked = on_same_rows(found.picked)
        wrote = {
            name: with_copies(Said(predictions=of.texts, stopped=of.stopped, picked=picked.get(name), **common), self._copied.get(name))
            for name, of in found.texts.items()
        }
        own = with_copies(Said(predictions=asked.references, **common), self._copied.get("")) if wrote else None
        return {name: Heard(wrote.get(name), read.get(name)) for name in dict.fromkeys([*read, *wrote])}, Heard(own)

    def _leaking(self, found: Found) -> Leaking:
        """Rows that stand, or nearly stand, in a lower split."""
        leaks = leaked_rows(self.splits, self.on)
        return Leaking(leaks[found.known], leaks[found.asked.places])

    def _choosing(self, found: Found) -> dict[str, Any]:
        """How many of the rows asked have an answer among their choices, and how many choices."""
        if not self.chooses:
            return {}
        had = [one[0] for row in found.asked.rows if (one := choosable(row)) is not None]
        return {"choices": {"rows": len(had), "left_out": len(found.asked) - len(had), "of": sum(map(len, had)) / max(1, len(had))}}

    def _clusters(self, places: NDArray[np.int64]) -> NDArray[np.int64] | None:
        return self.splits.clusters(self.on)[places] if self.splits.clustered else None

    # -- files --------------------------------------------------------------------------------------------------------

    def _leave(self, scored: LanguageScored, found: Found, leaking: Leaking, key: TestKey | None) -> None:
        folder, ready = self.run.folder("evaluate"), self.ready
        write_jsonl(folder / SAMPLES, sample_lines(found.asked, found.texts, found.read))
        write_jsonl(folder / MISTAKES, worst(found.asked, found.texts[MODEL], found.read[MODEL]) if len(found.asked) else [])
        ids = self.splits.row_ids(self.on).to_pylist()
        said: dict[str, dict[str, Any]] = {name: {"prompts_hash": of.prompts} for name, of in found.texts.items() if of.prompts is not None}
        if FEW_SHOT in said:
            said[FEW_SHOT]["examples"] = len(ready.examples)
        facts = {
            "run": self.run.id, "task": self.recipe.task.kind, "rows": key.fingerprint if key else digest(sorted(ids)),
            "systems": systems_facts(scored.systems, said),
            "generation": ready.facts() | {"refused": len(ready.places) - len(found.asked)} | self._choosing(found),
            "left_out": ready.left_out, "forgetting": found.kept.to_json(),
        }  # fmt: skip
        leaks = without(scored, leaking)
        whole = document(scored, facts) | ({} if leaks is None else {"leaks": leaks})
        write_json(folder / f"scores.{self.on}.json", whole)
        write_json(folder / SCORES, whole)


def _lines(texts: Texts) -> list[tuple[str, Any, Any] | None]:
    """(text, stopped, tokens) of every row."""
    n = len(texts.texts)
    stopped = [None] * n if texts.stopped is None else texts.stopped.tolist()
    tokens = [None] * n if texts.tokens is None else texts.tokens.tolist()
    return list(zip(texts.texts, stopped, tokens, strict=True))


def _effect(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> float:
    """Largest difference of two sets of logits, as a part of the largest logit; infinite where the vocabularies differ."""
    if ours.shape != theirs.shape:
        return float("inf")
    return float(np.abs(ours - theirs).max() / max(float(np.abs(theirs).max()), 1e-30))
