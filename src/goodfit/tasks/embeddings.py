"""Embeddings: texts as vectors of a frozen encoder, computed once and shared by audit, choose, baselines and slices.

Part of tasks. `find_encoder` says which encoder (an encoder model, or TF-IDF with SVD where none is installed); `embed` gives unit
vectors, cosine similarity being their product. Vectors of a model lie in the cache by text, so that another subset of the same rows, or
the same rows in another run, costs only what is new. Shapes: n texts, d dimensions.

A model's vector is the mean of its last hidden states over the text's tokens (Reimers & Gurevych 2019), behind the prefix that its family
was trained with. Source of the defaults: methods 1 and 5.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.decomposition import TruncatedSVD

from goodfit.data.duplicates import hash_strings
from goodfit.data.vectors import VectorStore
from goodfit.engine.examples import Examples
from goodfit.engine.infer import infer
from goodfit.errors import ModelError
from goodfit.memory import give_back, resident_bytes
from goodfit.models.encoders import installed_encoders
from goodfit.models.identity import Identity, identify
from goodfit.models.load import load
from goodfit.models.source import Source, resolve
from goodfit.monitor.words import duration
from goodfit.tasks.baselines.features import TfidfFeatures
from goodfit.tasks.encoding import encode

LEXICAL = "tfidf_svd"
MOST_TOKENS = 128
"""Tokens of a text that are read: what sentence encoders were trained on, and what keeps 5,000 long texts within a minute or two."""
LARGEST = 150e6
"""Parameters of a model that `auto` still embeds with: beyond, the vectors cost more than the training that they should inform."""
DIMENSIONS = 128
"""Of TF-IDF with SVD."""
FEATURES = 50_000
CHUNK = 2048
"""Texts tokenised and kept at a time."""
BATCH_TOKENS = 2048
"""Tokens in memory at once: as fast as twice as many, in two thirds of the memory."""
SHARE = 256
"""Rows per tokenizer batch."""
PREFIXES = ((re.compile(r"(^|[-_/])e5([-_]|$)", re.IGNORECASE), "query: "),)
"""Families that were trained with words before the text (Wang et al. 2022)."""
VERSION = 1
"""Rises when equal texts get other vectors."""

Vectors = NDArray[np.float32]
Tell = Callable[[str, float, float | None, str], object]


class Encoder(Protocol):
    """Makes vectors of texts."""

    @property
    def name(self) -> str:
        """For people: `all-MiniLM-L6-v2`."""

    @property
    def content(self) -> str:
        """A hash of what decides the vectors; part of the inputs of what uses them."""

    def embed(self, texts: pa.ChunkedArray | pa.Array, tell: Tell | None = None) -> Vectors:
        """Unit vectors [n, d] of the texts (null as the empty text); `tell` hears of the progress."""


@dataclass
class ModelEncoder:
    """A transformers encoder, loaded when a text is not in the cache."""

    identity: Identity
    source: Source
    _loaded: Any = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The model's."""
        return self.identity.name

    @property
    def content(self) -> str:
        """Of its files, and of how the vectors are made."""
        return f"{self.identity.content}/{MOST_TOKENS}/{VERSION}"

    @property
    def prefix(self) -> str:
        """What stands before every text."""
        said = f"{self.source.name} {self.source.path.name} {self.source.config().get('_name_or_path', '')}"
        return next((words for pattern, words in PREFIXES if any(pattern.search(part) for part in said.split())), "")

    def embed(self, texts: pa.ChunkedArray | pa.Array, tell: Tell | None = None) -> Vectors:
        """Unit vectors [n, d], from the cache where they are there."""
        whole = _one(texts)
        keys = hash_strings(whole)
        store = VectorStore.of(self.content)
        known = store.find(keys)
        unknown = _first_of_each(keys, ~known.here)
        begin, held = time.monotonic(), resident_bytes()
        for start in range(0, len(unknown), CHUNK):
            part = unknown[start : start + CHUNK]
            made = self._encode(whole.take(pa.array(part)).to_pylist())
            store.add(keys[part], made)
            held = give_back(held)
            if tell is not None:
                done = start + len(part)
                left = (time.monotonic() - begin) / done * (len(unknown) - done)
                tell(f"embedding texts with {self.name}", done, len(unknown), f"{duration(left)} left")
        store.close()
        return known.vectors if not len(unknown) else store.find(keys).vectors

    def encode(self, texts: Sequence[str]) -> Vectors:
        """The same for a list of texts, past the cache."""
        return self._encode(list(texts)) if len(texts) else np.zeros((0, self.identity.hidden_size), np.float32)

    def _encode(self, texts: list[str | None]) -> Vectors:
        loaded = self._model()
        most = min(MOST_TOKENS, self.identity.max_length or MOST_TOKENS)
        rows = [f"{self.prefix}{text or ''}" for text in texts]
        parts = [encode(rows[at : at + SHARE], loaded.tokenizer, most) for at in range(0, len(rows), SHARE)]
        lengths = np.concatenate([part.lengths for part in parts])
        examples = Examples.from_arrays(
            np.concatenate([part.input_ids for part in parts]), np.r_[0, np.cumsum(lengths)], np.zeros(len(rows), np.int64)
        )
        out = np.empty((len(rows), self.identity.hidden_size), dtype=np.float32)
        for batch in infer(loaded.model, examples, want=("hidden_mean",), precision="auto", batch_tokens=BATCH_TOKENS):
            assert batch.hidden_mean is not None
            out[batch.indices] = batch.hidden_mean
        return unit(out)

    def _model(self) -> Any:
        if self._loaded is None:
            self._loaded = load(self.source, labels=("a", "b"))
        return self._loaded


@dataclass
class LexicalEncoder:
    """TF-IDF of words and character n-grams, reduced by SVD (latent semantic analysis); fitted to the texts that it embeds.

    Vectors of two calls are not comparable: what is to be compared is embedded in one.
    """

    seed: int = 0

    @property
    def name(self) -> str:
        """For people."""
        return LEXICAL

    @property
    def content(self) -> str:
        """Of how the vectors are made."""
        return f"{LEXICAL}/{FEATURES}/{DIMENSIONS}/{self.seed}/{VERSION}"

    def embed(self, texts: pa.ChunkedArray | pa.Array, tell: Tell | None = None) -> Vectors:
        """Unit vectors [n, d]; d is at most DIMENSIONS, and less than n."""
        return self.encode([text or "" for text in _one(texts).to_pylist()])

    def encode(self, texts: Sequence[str]) -> Vectors:
        """The same for a list of texts."""
        features = TfidfFeatures(FEATURES, min_df=2 if len(texts) > DIMENSIONS else 1).fit(list(texts)).transform(list(texts))
        d = min(DIMENSIONS, features.shape[1] - 1, features.shape[0] - 1)
        if d < 1:
            return np.ones((len(texts), 1), np.float32)
        with np.errstate(invalid="ignore"):  # the share of the variance, which is none where all texts are alike
            return unit(TruncatedSVD(d, random_state=self.seed).fit_transform(features).astype(np.float32))


def find_encoder(asked: str, named: str, folder: Path, *, seed: int = 0) -> tuple[Encoder, str]:
    """The encoder, and why it.

    `asked`: `audit.encoder`: `auto`, `tfidf_svd`, or a model on this machine. `named`: `choose.model_name_or_path`, which `auto` takes
    where it is an encoder on this machine, else the largest installed encoder that is not too large, else TF-IDF with SVD. `folder`: the
    recipe's.
    ModelError where a model is asked for that is not here.
    """
    if asked == LEXICAL:
        return LexicalEncoder(seed), "named in the recipe"
    if asked != "auto":
        source = resolve(_beside(asked, folder), network=False)
        return ModelEncoder(identify(source), source), "named in the recipe"
    chosen = _fitting(named, folder) if named != "auto" else None
    if chosen is not None:
        return chosen, "the model that is to be trained"
    found = [encoder for model in installed_encoders() if (encoder := _fitting(model.name, folder)) is not None]
    if found:
        return max(found, key=lambda encoder: (encoder.identity.parameters, encoder.name)), "the largest installed encoder"
    return LexicalEncoder(seed), "no encoder is installed"


def unit(vectors: NDArray[Any]) -> Vectors:
    """Rows at length 1; a row of zeros stays so."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    out: Vectors = np.divide(vectors, length, out=np.zeros_like(vectors, dtype=np.float32), where=length > 0)
    return out


def _fitting(name: str, folder: Path) -> ModelEncoder | None:
    """The model as an encoder, where it is here, reads in both directions, and is not too large."""
    try:
        source = resolve(_beside(name, folder), network=False)
        identity = identify(source)
    except ModelError:
        return None
    return None if identity.causal or identity.parameters > LARGEST else ModelEncoder(identity, source)


def _beside(name: str, folder: Path) -> str | Path:
    beside = folder / name
    return beside if beside.exists() else name


def _one(texts: pa.ChunkedArray | pa.Array) -> pa.Array:
    whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    return (pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole).cast(pa.string()).fill_null("")


def _first_of_each(keys: NDArray[np.uint64], wanted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Places of the first row of every different key among the wanted."""
    places = np.flatnonzero(wanted)
    _, first = np.unique(keys[places], axis=0, return_index=True)
    return np.sort(places[first])
