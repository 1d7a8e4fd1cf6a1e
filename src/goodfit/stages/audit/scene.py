"""What a check may see: the counts that split took over all rows, and the texts and labels of train and validation, never of test.

Part of audit. Everything is computed when first asked for, and once. Rows stream: what stays in memory is a few numbers per row.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from goodfit.data.texts import Wanted, sample_texts
from goodfit.finding import Where
from goodfit.recipe import Recipe
from goodfit.run import Screen
from goodfit.score import Score
from goodfit.stages.audit.answers import Answered, answered
from goodfit.stages.audit.association import Axis
from goodfit.stages.audit.check import TaskName
from goodfit.stages.audit.curve import CURVE_ROWS, Learned, Probe, learn
from goodfit.stages.audit.inside import Inside, look_inside
from goodfit.stages.audit.labels import Suspects, suspects_of
from goodfit.stages.audit.likeness import LEAST_ROWS, Topics, topics_of
from goodfit.stages.audit.seen import Annotated, Featured, Grouped, Lengths, Reference, Sampled
from goodfit.statistics import score
from goodfit.tasks.embeddings import MOST_TOKENS, Encoder, find_encoder

if TYPE_CHECKING:
    from goodfit.stages.split import Splits

SEEN = ("train", "valid")
SAMPLE = 20_000
"""Rows that a fitted check looks at, at most."""
REFERENCE = 2_000
"""Rows of validation, and texts of production, that the training rows are compared with, at most."""
EMBEDDED_TOKENS = 1_500_000
"""Tokens that are embedded, at most: two to three minutes on two cores the first time, nothing the second."""
BATCH = 8192
_LETTER = r"[^\P{L}\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}]"
"""A letter of a script that writes spaces between words."""


class Scene:
    """The data of one run, as audit sees it."""

    def __init__(self, recipe: Recipe, splits: Splits, screen: Screen, base: Path = Path()) -> None:
        self.recipe = recipe
        self.splits = splits
        self.screen = screen
        self.base = base
        """The recipe's folder."""

    @property
    def task(self) -> TaskName:
        """Which checks apply."""
        if not self.recipe.task.label_columns:
            return "generation"
        return "multi_label" if self.splits.multi_label else "single_label"

    @property
    def labels(self) -> tuple[str, ...]:
        """Every class in order."""
        return self.splits.labels

    # -- counts over all rows -------------------------------------------------------------------------------------------

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """split/manifest.json."""
        return self.splits.manifest()

    @cached_property
    def hygiene(self) -> dict[str, Any]:
        """split/hygiene.json."""
        return self.splits.hygiene()

    @cached_property
    def hygiene_rows(self) -> pa.Table:
        """split/hygiene.parquet: dropped rows and repeats."""
        return self.splits.hygiene_rows()

    def dropped(self, *reasons: str) -> tuple[pa.Array, Where | None]:
        """The ids of the rows dropped for these reasons, in file order, and where the first stands."""
        table = self.hygiene_rows.filter(pc.is_in(self.hygiene_rows["reason"], value_set=pa.array(reasons)))
        return one_array(table["row"]), place(table["at"][0].as_py()) if table.num_rows else None

    def counts(self, *splits: str) -> npt.NDArray[np.int64]:
        """Rows per class in these splits, shape (classes,)."""
        table: Mapping[str, Mapping[str, int]] = self.splits.label_counts()
        return np.array([sum(table[name][split] for split in splits) for name in self.labels], dtype=np.int64)

    # -- texts of train and validation ----------------------------------------------------------------------------------

    @cached_property
    def lengths(self) -> Lengths:
        """How long every row of train and validation is."""
        parts: list[tuple[Any, ...]] = []
        done, total = 0, sum(self.splits.counts[name] for name in SEEN)
        names = pa.array(self.labels, pa.string())
        for name in SEEN:
            for batch in self.splits.batches(name, size=BATCH, columns=("text", "label")):  # type: ignore[arg-type]
                rows, codes = label_pairs(batch.column(1), names)
                parts.append((*measure(batch.column(0)), rows + done, codes, np.full(len(batch), name == "train")))
                done += len(batch)
                self.screen.progress("measuring texts", done, total)
        return Lengths(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))

    @cached_property
    def inside(self) -> Inside:
        """What stands inside the texts of train and validation."""
        return look_inside(self.splits, self.recipe, self.screen)

    def sample(self, seed: int, size: int = SAMPLE) -> Sampled:
        """At most `size` training rows, by chance."""
        table, clusters = self._drawn("train", seed, size)
        files = pc.replace_substring_regex(one_array(table["at"]), pattern=r":\d+$", replacement="")
        return Sampled(one_array(table["row"]), one_array(table["text"]), self._labels_of(table["label"]), clusters, files)

    def _drawn(self, split: Literal["train", "valid"], seed: int, size: int) -> tuple[pa.Table, npt.NDArray[np.int64]]:
        n = self.splits.counts[split]
        wanted = np.zeros(n, dtype=bool)
        wanted[np.random.default_rng(seed).permutation(n)[:size]] = True
        tables, start = [], 0
        for batch in self.splits.batches(split, size=BATCH, columns=("row", "text", "label", "at")):
            tables.append(batch.filter(pa.array(wanted[start : start + len(batch)])))
            start += len(batch)
        return pa.Table.from_batches(tables), self.splits.clusters(split)[wanted]

    def _labels_of(self, column: pa.ChunkedArray) -> npt.NDArray[Any]:
        names = pa.array(self.labels, pa.string())
        if self.task == "generation":
            return np.full(len(column), -1, np.int64)
        if self.task == "single_label":
            return numpy_of(pc.index_in(one_array(column), value_set=names)).astype(np.int64)
        rows, codes = label_pairs(one_array(column), names)
        held = np.zeros((len(column), len(names)), np.bool_)
        held[rows, codes] = True
        return held

    # -- vectors --------------------------------------------------------------------------------------------------------

    @cached_property
    def encoder(self) -> tuple[Encoder, str]:
        """What makes the vectors, and why it."""
        return encoder_of(self.recipe, self.base)

    @property
    def featured(self) -> Featured:
        """At most SAMPLE training rows with their vectors; fewer where texts are long, so that embedding ends within minutes."""
        return self._embedded[0]

    @property
    def references(self) -> tuple[Reference, ...]:
        """At most REFERENCE rows of validation (where there are any), and texts of production where the recipe names a file."""
        return self._embedded[1]

    @cached_property
    def _embedded(self) -> tuple[Featured, tuple[Reference, ...]]:
        """All that is embedded, in one call: vectors of a lexical encoder are comparable only then."""
        seed, assets = self.recipe.seed, []
        sampled = self.sample(seed, self._affordable())
        if self.splits.counts.get("valid"):
            table, clusters = self._drawn("valid", seed, REFERENCE)
            assets.append(("validation", one_array(table["row"]), one_array(table["text"]), clusters))
        if (texts := self._production()) is not None:
            assets.append(("production", pa.array([""] * len(texts)), texts, -1 - np.arange(len(texts))))
        encoder, _ = self.encoder
        vectors = encoder.embed(pa.chunked_array([sampled.texts, *(asset[2] for asset in assets)]), self.screen.progress)
        parts = np.split(vectors, np.cumsum([len(sampled), *(len(asset[2]) for asset in assets)])[:-1])
        first = Featured(sampled.rows, sampled.texts, sampled.labels, sampled.clusters, sampled.files, parts[0], encoder.name)
        return first, tuple(Reference(*asset, part) for asset, part in zip(assets, parts[1:], strict=True))

    @cached_property
    def grouped(self) -> Grouped:
        """All training rows with what they belong to."""
        columns = [f"group.{axis}" for axis in self.splits.axes]
        table = self.splits.table("train", columns=("row", "label", "source", *columns))
        axes = [axis_of(name.removeprefix("group."), table[name]) for name in columns]
        files = self.splits.source_names()
        if len(files) > 1:
            axes.append(Axis("source", tuple(files), numpy_of(one_array(table["source"])).astype(np.int64)))
        lengths = self.lengths
        return Grouped(axes, self._labels_of(table["label"]), lengths.words[lengths.in_train], self.splits.clusters("train"))

    @cached_property
    def annotated(self) -> Annotated:
        """What each annotator said of the training rows, of all with at least one such label."""
        names, known = self.recipe.task.annotators, pa.array(self.labels, pa.string())
        table = self.splits.table("train", columns=("row", "label", *(f"annotator.{name}" for name in names)))
        said = [table[f"annotator.{name}"] for name in names]
        codes = np.stack([pc.index_in(one, value_set=known).fill_null(-1).to_numpy() for one in said], axis=1).astype(np.int64)
        blank = np.stack([pc.is_null(one).to_numpy() for one in said], axis=1)
        some = (codes >= 0).any(axis=1)
        given = numpy_of(pc.index_in(one_array(table["label"]), value_set=known)).astype(np.int64)
        rows = one_array(table["row"]).filter(pa.array(some))
        return Annotated(rows, names, self.labels, codes[some], given[some], int(((codes < 0) & ~blank).sum()))

    @cached_property
    def answered(self) -> Answered:
        """Generation: training rows with their answers, at most so many as `answers.SAMPLE`."""
        return answered(self.splits, self.recipe.seed)

    @cached_property
    def topics(self) -> Topics | None:
        """The clusters of the sampled training rows; None where they are too few."""
        if self.splits.counts["train"] < LEAST_ROWS:
            return None
        rows = self.featured
        return topics_of(rows.texts.to_pylist(), rows.vectors, seed=self.recipe.seed)

    @cached_property
    def learned(self) -> Learned | str:
        """The learning curve of the sampled training rows, or why there is none."""
        n, seed, show = self.splits.counts["train"], self.recipe.seed, self.screen.progress
        if not self.labels:
            return "the answers are open: there are no classes"
        if n < CURVE_ROWS:
            return f"it takes {CURVE_ROWS} training rows; there are {n:,}"
        rows = self.featured
        probe = Probe(rows.vectors, rows.labels, rows.clusters, len(self.labels))
        return learn(probe, n, seed=seed, tell=lambda done, total: show("learning curve", done, total))

    def _production(self) -> pa.Array | None:
        assert self.recipe.audit is not False
        named, columns = self.recipe.audit.production, self.recipe.task.text
        if not named:
            return None
        found = sample_texts(named, self.base, Wanted("audit.production", REFERENCE, columns), self.recipe.seed)
        return pa.array(found, pa.string())

    @cached_property
    def suspects(self) -> Suspects | str:
        """Training rows by how suspicious their labels are, or why there is no saying."""
        return suspects_of(self)

    def _affordable(self) -> int:
        tokens = self.lengths.tokens[self.lengths.in_train]
        each = float(np.minimum(tokens, MOST_TOKENS).mean()) if len(tokens) else 1.0
        return int(min(SAMPLE, EMBEDDED_TOKENS / max(each, 1.0)))


def axis_of(name: str, column: pa.ChunkedArray) -> Axis:
    """A column of members as codes, in the order of their first row; a missing value is none."""
    encoded = one_array(column).dictionary_encode()
    return Axis(name, tuple(encoded.dictionary.to_pylist()), numpy_of(encoded.indices.fill_null(-1)).astype(np.int64))


def encoder_of(recipe: Recipe, base: Path) -> tuple[Encoder, str]:
    """What makes the vectors of a recipe's texts, and why it; `base`: the recipe's folder."""
    assert recipe.audit is not False
    return find_encoder(recipe.audit.encoder, recipe.choose.model_name_or_path, base, seed=recipe.seed)


def measure(texts: pa.Array) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Characters, words and estimated tokens of every text, shape (n,) each."""
    characters = numpy_of(pc.utf8_length(texts)).astype(np.int32)
    words = numpy_of(pc.count_substring_regex(texts, pattern=r"\S+")).astype(np.int32)
    return characters, words, estimate_tokens(texts, characters)


def estimate_tokens(texts: pa.Array, characters: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Tokens of every text, estimated without a tokenizer: 1.08 per word, 0.42 more for one of 8 letters, 1.63 more for one of 12,
    0.75 per punctuation mark, one per Han, kana, Hangul or Thai character, 2 that mark begin and end; at least one per 4.8 characters.

    Fitted to MiniLM's WordPiece, with equal weight for six sets: on average within 6% of it over English questions, tweets, financial
    news, reviews of drugs and films, and medical abstracts. A language that the model was not made for takes up to four times as many.
    """
    words = numpy_of(pc.count_substring_regex(texts, pattern=r"[\p{L}\p{M}\p{N}]+"))
    marks = numpy_of(pc.count_substring_regex(texts, pattern=r"[^\p{L}\p{M}\p{N}\s]"))
    signs = numpy_of(pc.count_substring_regex(texts, pattern=r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}]"))
    long, longer = (numpy_of(pc.count_substring_regex(texts, pattern=f"{_LETTER}{{{n},}}")) for n in (8, 12))
    pieces = 1.08 * words + 0.42 * long + 1.63 * longer + 0.75 * marks + signs + 2
    out: npt.NDArray[np.int32] = np.maximum(pieces, characters / 4.8).astype(np.int32)
    return out


def label_pairs(labels: pa.Array, names: pa.Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Row and class of every label of a batch; a row of several labels gives several pairs."""
    if pa.types.is_list(labels.type):
        rows = numpy_of(pc.list_parent_indices(labels)).astype(np.int64)
        return rows, numpy_of(pc.index_in(pc.list_flatten(labels), value_set=names)).astype(np.int64)
    codes = pc.index_in(labels, value_set=names)
    if codes.null_count:  # answers are no classes
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    return np.arange(len(labels)), numpy_of(codes).astype(np.int64)


def rate(name: str, k: int, n: int, *, label: str | None = None, split: str | None = None) -> Score:
    """k of n rows as a Score with Wilson's interval."""
    return score("rate", None, np.arange(n) < k).about(name=name, label=label, split=split)


def place(at: str) -> Where:
    """`tickets.csv:118` as a Where."""
    file, _, line = at.rpartition(":")
    return Where(file=file, line=int(line)) if line.isdigit() else Where(file=at)


def one_array(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """A chunked column as one array."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(whole, pa.ChunkedArray):
        return pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], whole.type)
    return whole


def numpy_of(array: pa.Array) -> npt.NDArray[Any]:
    """An Arrow array as numpy."""
    out: npt.NDArray[Any] = array.to_numpy(zero_copy_only=False)
    return out


def listing(items: list[str], shown: int = 5) -> str:
    """`a, b, c and 4 more`."""
    return ", ".join(items[:shown]) + (f" and {len(items) - shown} more" if len(items) > shown else "")


def percent(share: float) -> str:
    """`4.2%`; more digits below a tenth of a percent."""
    return f"{100 * share:.1f}%" if share == 0 or share >= 0.001 else f"{100 * share:.2g}%"
