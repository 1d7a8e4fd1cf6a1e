"""The model card: metadata that the hub can read, text that no label name can break."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard

from goodfit.stages.report import card, collect
from goodfit.stages.report.text import markdown as md
from tests.stages.report.make_run import HOSTILE, TEXTS, Made, make_run
from tests.stages.report.test_collect import KINDS


def parts(text: str) -> tuple[dict[str, Any], str]:
    assert text.startswith("---\n")
    _, front, body = text.split("---\n", 2)
    return yaml.safe_load(front), body


@pytest.mark.parametrize("kind", KINDS)
def test_the_front_matter_is_read_by_the_hub(tmp_path: Path, kind: str) -> None:
    text = card(collect(make_run(tmp_path / "run", KINDS[kind])))
    front, body = parts(text)
    assert front["pipeline_tag"] == "text-classification"
    assert "goodfit" in front["tags"]
    data = ModelCard(text, ignore_metadata_errors=False).data
    scored = kind not in ("stopped", "failed")
    assert (data.eval_results is not None) == scored
    assert "## Bias, risks and limitations" in body


def test_results_stand_in_the_model_index_with_their_intervals(run: Path) -> None:
    text = card(collect(run))
    results = ModelCard(text, ignore_metadata_errors=False).data.eval_results
    f1 = next(r for r in results if r.metric_type == "f1")
    assert f1.metric_value == pytest.approx(0.83)
    assert f1.metric_name == "macro F1, 95% interval [80.3, 85.7]"
    assert f1.dataset_split == "test"
    metric = next(m for m in parts(text)[0]["model-index"][0]["results"][0]["metrics"] if m["type"] == "f1")
    assert metric["args"]["average"] == "macro"
    assert metric["args"]["low"] < metric["value"] < metric["args"]["high"]
    assert metric["args"]["n"] == 750


def test_what_a_reader_needs_is_said(run: Path) -> None:
    front, body = parts(card(collect(run)))
    assert front["license"] == "apache-2.0"
    assert front["base_model"] == "all-MiniLM-L6-v2"
    assert front["language"] == ["en", "es"]
    for text in (
        "Is it a good fit? Yes.", "Route tickets to a queue", "TF-IDF with logistic regression", "5,060 rows read, 5,000 used", "AUD004",
        "Not looked for (AUD009)", 'pipeline("text-classification", model="train/model")', "goodfit predict 2026-05-01-support-tickets-7f3a",
        "was not measured", "fingerprint of the data",
    ):  # fmt: skip
        assert text in body, text


def test_adapters_and_many_labels_are_used_differently(tmp_path: Path) -> None:
    text = card(collect(make_run(tmp_path / "run", Made(kind="peft", multi_label=True))))
    front, body = parts(text)
    assert front["library_name"] == "peft"
    assert front["base_model_relation"] == "adapter"
    assert "multi-label" in front["tags"]
    assert "AutoPeftModelForSequenceClassification" in body
    assert 'function_to_apply="sigmoid"' in body
    for code in re.findall(r"```python\n(.*?)```", body, re.DOTALL):
        compile(code, "card", "exec")


def test_no_row_and_no_folder_of_the_machine(tmp_path: Path) -> None:
    text = card(collect(make_run(tmp_path / "run", Made(show_text="full", base="/home/somebody/my base"))))
    assert "somebody" not in text
    assert "base_model" not in parts(text)[0]
    assert not any(row[:20] in text for row in TEXTS)


def test_hostile_labels_are_only_text(tmp_path: Path) -> None:
    text = card(collect(make_run(tmp_path / "run", Made(labels=HOSTILE))))
    front, body = parts(text)
    assert front["model-index"][0]["name"] == "support-tickets"
    assert "<script" not in body
    assert "<img" not in body
    assert not re.search(r"(?<!\\)!?\[[^\]]*\]\(", body)
    assert "\u202e" not in text
    assert "\u0000" not in text
    rows = [line for line in body.splitlines() if line.startswith("| ")]
    pipes = {len(re.findall(r"(?<!\\)\|", line)) for line in rows if "precision" in line or "rows" not in line}
    assert pipes <= {5, 6}


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain-words (here)", "plain-words (here)"),
        ("a|b`c*d_e", r"a\|b\`c\*d\_e"),
        ("- item", r"\- item"),
        ("1. item", r"1\. item"),
        ("# head", r"\# head"),
        ("<b> & ![x](y)", r"&lt;b\> &amp; !\[x\](y)"),
        ("two\nlines", "two lines"),
        ("$x$ ~~y~~", r"\$x\$ \~\~y\~\~"),
    ],
)
def test_markdown_is_escaped(text: str, safe: str) -> None:
    assert md(text) == safe


def test_a_base_without_a_licence_says_unknown(tmp_path: Path) -> None:
    report = collect(make_run(tmp_path / "run"))
    report["run"]["model"].pop("license")
    assert parts(card(report))[0]["license"] == "unknown"
