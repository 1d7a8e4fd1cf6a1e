"""Tiny models that know some language, and real sets as tokens: what the engineered runs are made of. Part of `benchmarks.engineered`.

The models (a BERT and a Llama of two layers) are first taught, for a minute each, which of 64 clusters of a sentence encoder's vectors a
text lies in, on texts of sets that no engineered run uses: so a fine-tuning starts from features that are of some use, as a real one does.
They lie in the cache.
"""

from __future__ import annotations

import csv
import functools
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
import transformers as tf
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import PCA

from benchmarks.classification import SHARED, unique
from benchmarks.label_errors import african
from benchmarks.sets import rows_of
from goodfit.data.cache import folder
from goodfit.engine.examples import Examples
from goodfit.engine.fit import fit
from goodfit.engine.plan import Plan
from goodfit.models.identity import Identity
from goodfit.models.load import LoadedModel, load, mark_fresh
from goodfit.tasks.classification import Classification
from goodfit.tasks.embeddings import find_encoder

TAUGHT_ON = ("sentiment", "irony", "davidson")
SETS = {
    "sms_spam": None, "hausa": None, "medical": None, "banking77": 10, "yoruba": None, "offensive": None, "hatecheck": None, "cards77": 10,
    "phrasebank": None, "emotion": None, "hate": None, "crowdflower": None, "crows": None,
}  # fmt: skip
"""Set -> how many of its commonest classes are used (None: all). `cards77` are the ten next commonest intents of banking77."""
VOCABULARY_OF = ("sms_spam", "hausa", "medical", "banking77", "yoruba", "offensive")
"""The sets whose texts the vocabulary is counted in."""
CALIBRATED_ON, HELD_OUT = (*VOCABULARY_OF, "hatecheck", "cards77", "phrasebank"), ("emotion", "hate", "crowdflower", "crows")
"""docs/log.md says which sets were looked at when."""
VOCABULARY, LONGEST, WIDTH = 6000, 28, 64
TEXTS, CLUSTERS = 9000, 64
FAMILIES = ("bert", "llama")
TAUGHT_WITH = {"bert": 2e-3, "llama": 2e-3}


@functools.cache
def tokenizer() -> Any:
    return load("all-MiniLM-L6-v2", labels=("a", "b")).tokenizer


def _pieces(texts: list[str]) -> list[list[int]]:
    return [list(ids) for ids in tokenizer()(texts, truncation=True, max_length=LONGEST)["input_ids"]]


@functools.cache
def known() -> dict[int, int]:
    """Token of the encoder's tokenizer -> ours: the commonest of all texts, whatever their labels; 0 pads, 1 is unknown."""
    texts = taught_texts() + [text for name in VOCABULARY_OF for text in rows(name)[0][:TEXTS]]
    counts = Counter(token for text in _pieces(texts) for token in text)
    return {token: place + 2 for place, (token, _) in enumerate(counts.most_common(VOCABULARY - 2))}


@functools.cache
def taught_texts() -> list[str]:
    rng = np.random.default_rng(0)
    out: list[str] = []
    for name in TAUGHT_ON:
        texts = [text for text, _ in rows_of(name)]
        out += [texts[i] for i in rng.permutation(len(texts))[: TEXTS // len(TAUGHT_ON)]]
    return out


def examples(texts: list[str], targets: Any, names: list[str] | None = None) -> Examples:
    """Rows of the small vocabulary."""
    rows = [[known().get(token, 1) for token in text] for text in _pieces(texts)]
    lengths = [len(row) for row in rows]
    return Examples.from_arrays(np.concatenate(rows), np.concatenate([[0], np.cumsum(lengths)]), targets, row=names)


def _config(family: str) -> Any:
    size = {"vocab_size": VOCABULARY, "hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 2 * WIDTH,
            "max_position_embeddings": 64, "pad_token_id": 0,
            "initializer_range": 0.08}  # fmt: skip
    return (
        tf.BertConfig(**size) if family == "bert" else tf.LlamaConfig(**size, num_key_value_heads=2, bos_token_id=None, eos_token_id=None)
    )


def _meanings() -> np.ndarray:
    """The encoder's own vectors of our tokens in WIDTH principal directions, [VOCABULARY - 2, WIDTH]."""
    words = load("all-MiniLM-L6-v2", labels=("a", "b")).model.get_input_embeddings().weight.detach().numpy()[list(known())]
    found = PCA(WIDTH, random_state=0).fit_transform(words)
    return np.asarray(found / found.std() * 0.3, dtype=np.float32)


def base(family: str) -> Path:
    """The folder of a taught model."""
    path = folder("benchmarks") / f"engineered-{family}-5"
    if (path / "config.json").exists():
        return path
    texts = taught_texts()
    vectors = find_encoder("auto", "auto", Path())[0].embed(pa.array(texts))
    cluster = MiniBatchKMeans(CLUSTERS, random_state=0, n_init=3).fit_predict(vectors)
    config = _config(family)
    config.num_labels = CLUSTERS
    torch.manual_seed(0)
    model = tf.AutoModelForSequenceClassification.from_config(config).eval()
    with torch.no_grad():
        model.get_input_embeddings().weight[2:].copy_(torch.from_numpy(_meanings()))
    rows = examples(texts, cluster.astype(np.int64))
    plan = Plan(
        learning_rate=TAUGHT_WITH[family],
        num_train_epochs=5,
        train_batch_size=32,
        threads=1,
        precision="float32",
        dropout=0.0,
        eval_steps=250,
    )
    order = np.random.default_rng(0).permutation(len(rows))
    parts = {"train": rows.subset(np.sort(order[600:])), "valid": rows.subset(np.sort(order[:600]))}
    made = fit(model, parts, plan, objective=Classification(tuple(map(str, range(CLUSTERS)))).objective())
    print(f"{family}: {made.reason}; {made.seconds:.0f} s", flush=True)
    getattr(made.model, made.model.base_model_prefix).save_pretrained(path)
    return path


def model(family: str, labels: tuple[str, ...], seed: int) -> LoadedModel:
    """The taught model with a fresh head."""
    path = base(family)
    torch.manual_seed(seed)
    made = tf.AutoModelForSequenceClassification.from_pretrained(
        path, id2label=dict(enumerate(labels)), label2id={label: i for i, label in enumerate(labels)}
    ).eval()
    fresh = frozenset(name for name, _ in made.named_parameters() if not name.startswith(f"{made.base_model_prefix}."))
    mark_fresh(made, set(fresh))
    facts = Identity(family, str(path), "folder", "", "", family, 0, VOCABULARY, WIDTH, 64, 2, family == "llama", None, None)
    return LoadedModel(made, None, facts, labels, fresh)


def _labelled(name: str) -> list[tuple[str, str]]:
    if name == "cards77":
        found = rows_of("banking77")
        first = {label for label, _ in Counter(label for _, label in found).most_common(10)}
        return [(text, label) for text, label in found if label not in first]
    if name == "hatecheck":
        with (SHARED / "hatecheck" / "test_suite_cases.csv").open(encoding="utf-8", newline="") as handle:
            return unique([(line["test_case"], line["target_ident"]) for line in csv.DictReader(handle) if line["target_ident"]], set())
    if name == "crows":
        with (SHARED / "crows_pairs" / "crows_pairs_anonymized.csv").open(encoding="utf-8", newline="") as handle:
            return unique([(line["sent_more"], line["bias_type"]) for line in csv.DictReader(handle)], set())
    if name not in ("hausa", "yoruba"):
        return rows_of(name)
    texts, by_people, _ = african(name)
    return unique(list(zip(texts, by_people, strict=True)), set())


@functools.cache
def rows(name: str) -> tuple[list[str], np.ndarray, tuple[str, ...]]:
    """Texts, targets and labels of a set."""
    found, most = _labelled(name), SETS[name]
    common = [label for label, _ in Counter(label for _, label in found).most_common(most)]
    labels = tuple(sorted(common))
    kept = [(text, labels.index(label)) for text, label in found if label in labels]
    return [text for text, _ in kept], np.array([target for _, target in kept]), labels
