"""BBQ: its reader, its scores by hand, and the paper's figures from the paper's predictions."""

from __future__ import annotations

import dataclasses
import gzip
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodfit.data.probes.bbq import UNREAD, Question, bias_scores, leaning, option_said, read_bbq, scenes
from goodfit.errors import DataError
from tests.stages.assess_language.make import bbq_lines, lines

SHARED = Path(os.environ.get("GOODFIT_SHARED", Path(__file__).resolve().parents[3].parent / "shared")) / "data"
FIGURE_3 = {
    "Age": (48.9, 29.8, 3.3, 1.2), "Disability_status": (32.6, 21.2, -0.7, -1.4), "Nationality": (14.5, 6.0, -0.2, 1.2),
    "Physical_appearance": (47.7, 40.9, -1.7, -2.3), "Religion": (24.5, 14.3, 3.5, 0.2), "Sexual_orientation": (11.8, 5.8, 0.5, -0.7),
}  # fmt: skip
"""Parrish et al. 2022, figure 3, UnifiedQA-11B: ambiguous ARC and RACE format, disambiguated ARC and RACE."""
FIGURE_2 = {
    "Age": (33.9, 54.7, 89.6, 93.5), "Disability_status": (36.0, 53.3, 92.0, 92.8), "Nationality": (41.6, 66.0, 92.9, 93.7),
    "Religion": (43.8, 65.0, 85.2, 88.0), "Sexual_orientation": (51.6, 68.8, 92.6, 94.0), "Physical_appearance": (36.8, 49.5, 78.8, 82.1),
}  # fmt: skip
"""The paper's accuracies, in the same order."""


def read(tmp_path: Path, **how: Any) -> list[Question]:
    return read_bbq(lines(tmp_path / "Age.jsonl", bbq_lines(**how)))


def answering(questions: list[Question], how: str) -> np.ndarray:
    """A model that always says UNKNOWN, follows the stereotype, goes against it, or is right."""
    out = []
    for one in questions:
        assert one.biased is not None
        against = 3 - one.biased - one.unknown
        out.append({"unknown": one.unknown, "biased": one.biased, "against": against, "right": one.right}[how])
    return np.array(out)


def test_who_is_meant(tmp_path: Path) -> None:
    neg, _, nonneg, _ = read(tmp_path, templates=1)
    assert neg.answers[neg.biased or 0] == "The grandfather"
    assert nonneg.answers[nonneg.biased or 0] == "The grandson"  # who did NOT forget: the stereotype says the young one
    assert neg.answers[neg.unknown] == nonneg.answers[nonneg.right] == "Not known"


@pytest.mark.parametrize(("how", "amb", "dis", "right"), [
    ("biased", 1.0, 1.0, 0.0), ("against", -1.0, -1.0, 0.0), ("unknown", 0.0, None, 1.0),
])  # fmt: skip
def test_direction(tmp_path: Path, how: str, amb: float, dis: float | None, right: float) -> None:
    questions = read(tmp_path, templates=6)
    found = bias_scores(leaning(questions, answering(questions, how)))
    assert found["s_amb"] == amb
    assert found["s_dis"] == dis
    assert found["accuracy_ambiguous"] == right


def test_a_model_that_is_right_has_no_bias(tmp_path: Path) -> None:
    questions = read(tmp_path, templates=6)
    assert bias_scores(leaning(questions, answering(questions, "right"))) == {
        "s_amb": 0.0, "s_dis": -1.0, "accuracy_ambiguous": 1.0, "accuracy_disambiguated": 1.0,
    }  # fmt: skip
    # every disambiguated context of these files goes against the stereotype: published sets hold both kinds


def test_s_amb_is_the_mean_of_leanings(tmp_path: Path) -> None:
    questions = read(tmp_path, templates=10, scenes=4)
    chosen = np.random.default_rng(0).integers(0, 3, len(questions))
    found = leaning(questions, chosen)
    assert bias_scores(found)["s_amb"] == pytest.approx(found.lean[found.open].mean())


def test_accuracy_is_that_of_ambiguous_contexts_only(tmp_path: Path) -> None:
    """HELM's metric pools both contexts: here it would give (1 - 0.5) * 1 in place of 1 * 1."""
    questions = read(tmp_path, templates=4)
    chosen = np.array([one.biased if one.ambiguous else one.right for one in questions])
    assert bias_scores(leaning(questions, chosen))["s_amb"] == 1.0


def test_answers_that_are_none_of_the_three_count_for_nothing(tmp_path: Path) -> None:
    questions = read(tmp_path, templates=4)
    chosen = answering(questions, "biased")
    chosen[::2] = UNREAD
    found = leaning(questions, chosen)
    assert found.read.sum() == len(questions) // 2
    assert not found.open[::2].any()
    assert bias_scores(leaning(questions, np.full(len(questions), UNREAD)))["s_amb"] is None


@pytest.mark.parametrize(("said", "which"), [
    ("The grandson", 1), ("the  GRANDSON.", 1), ("not known", 2), ("grandson", UNREAD), ("", UNREAD), ("The grandson and", UNREAD),
])  # fmt: skip
def test_option_said(said: str, which: int) -> None:
    assert option_said(said, ("The grandfather", "The grandson", "Not known")) == which


def test_tags_by_parts_and_tags_that_do_not_tell(tmp_path: Path) -> None:
    content = bbq_lines(templates=1)
    for one in content:
        one["additional_metadata"]["stereotyped_groups"] = ["Black", "African American"]
        one["answer_info"] = {"ans0": ["Donna", "F-Black"], "ans1": ["Ann", "F-White"], "ans2": ["Not known", "unknown"]}
    content[1]["answer_info"]["ans1"][1] = "M-Black"
    told, untold, *_ = read_bbq(lines(tmp_path / "x.jsonl", content))
    assert told.target == 0
    assert untold.target is None
    assert untold.biased is None
    found = leaning([told, untold], np.array([0, 0]))
    assert found.marked.tolist() == [True, False]
    assert found.read.all()


def test_genders_by_either_tag(tmp_path: Path) -> None:
    content = bbq_lines(templates=1)
    tags = [("woman", "man"), ("girl", "boy"), ("F", "M"), ("girl", "woman")]
    for one, (first, second) in zip(content, tags, strict=True):
        one["additional_metadata"]["stereotyped_groups"] = ["F"]
        one["answer_info"] = {"ans0": ["a", second], "ans1": ["b", first], "ans2": ["Not known", "unknown"]}
    assert [one.target for one in read_bbq(lines(tmp_path / "x.jsonl", content))] == [1, 1, 1, None]


def test_scenes_are_fours_of_one_template(tmp_path: Path) -> None:
    assert scenes(read(tmp_path, templates=2, scenes=2)) == [0] * 4 + [1] * 4 + [2] * 4 + [3] * 4


def test_packed_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "Age.jsonl.gz").write_bytes(gzip.compress(b"".join(json.dumps(one).encode() + b"\n" for one in bbq_lines())))
    lines(tmp_path / "SES.jsonl", bbq_lines(category="SES"))
    (tmp_path / "README.md").write_text("no set")
    assert {one.category for one in read_bbq(tmp_path)} == {"Age", "SES"}


@pytest.mark.parametrize(("change", "said"), [
    ({"label": 3}, "'label' is '3'"), ({"label": True}, "'label'"), ({"label": "1"}, "'label'"), ({"context": 5}, "'context' is no text"),
    ({"ans1": " "}, "'ans1' is blank"), ({"question_polarity": "maybe"}, "not neg or nonneg"), ({"answer_info": None}, "answer_info"),
    ({"answer_info": {"ans0": ["a", "b"], "ans1": ["a", "b"], "ans2": ["a", "b"]}}, "0 of the answers are tagged unknown"),
    ({"answer_info": {"ans0": "a", "ans1": [], "ans2": ["a", "unknown"]}}, "answer_info"), ({"additional_metadata": []}, "stereotyped_groups"),
])  # fmt: skip
def test_hostile_lines(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    content = bbq_lines()
    content[2] |= change
    with pytest.raises(DataError, match=said) as caught:
        read_bbq(lines(tmp_path / "x.jsonl", content))
    assert caught.value.place.line == 3
    assert caught.value.place.file == str(tmp_path / "x.jsonl")
    assert caught.value.fix


@pytest.mark.parametrize(("raw", "line"), [
    (b"", None), (b"\n \n", None), (b"[1]\n", 1), (b"{}\n{\n", 1), (b"\n{", 2), (b"\xff\n", 1), (b"[" * 100_000, 1), (b'{"category": NaN}', 1),
])  # fmt: skip
def test_hostile_files(tmp_path: Path, raw: bytes, line: int | None) -> None:
    (tmp_path / "x.jsonl").write_bytes(raw)
    with pytest.raises(DataError) as caught:
        read_bbq(tmp_path / "x.jsonl")
    assert caught.value.place.line == line
    assert caught.value.fix


@pytest.mark.parametrize("raw", [b"no gzip", gzip.compress(b'{"a": 1}\n' * 1000)[:40]])
def test_damaged_archives(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "x.jsonl.gz").write_bytes(raw)
    with pytest.raises(DataError, match="gzip"):
        read_bbq(tmp_path / "x.jsonl.gz")


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_bbq(tmp_path / "none.jsonl")
    with pytest.raises(DataError, match="there is no file"):
        read_bbq(tmp_path)


@pytest.mark.parametrize("category", FIGURE_3)
def test_golden(category: str) -> None:
    """The paper's figure from the predictions that it scored, each number within 0.2 points.

    These predictions carry the tags of the data as they were then: in 36 rows of Physical_appearance both answers, or none, have the
    stereotyped group's tag. The published figure is met where the first answer is taken there; with the corrected tags of today's data it
    is 48.1 and 41.3 in ambiguous contexts.
    """
    path = SHARED / "bbq_predictions" / f"preds_{category}.jsonl.gz"
    if not path.is_file():
        pytest.skip(f"{path} is not here: the predictions of nyu-mll/BBQ, results/UnifiedQA")
    questions = [one if one.target is not None else dataclasses.replace(one, target=0 if one.unknown else 1) for one in read_bbq(path)]
    raw = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    found = []
    for form in ("arc", "race"):
        chosen = [option_said(row[f"unifiedqa-t5-11b_pred_{form}"], one.answers) for row, one in zip(raw, questions, strict=True)]
        found.append(bias_scores(leaning(questions, np.array(chosen))))
    assert [100 * (one[name] or 0) for name in ("s_amb", "s_dis") for one in found] == pytest.approx(FIGURE_3[category], abs=0.2)
    accuracies = [100 * (one[name] or 0) for name in ("accuracy_ambiguous", "accuracy_disambiguated") for one in found]
    assert accuracies == pytest.approx(FIGURE_2[category], abs=0.3)


def test_golden_data_tell_every_group() -> None:
    if not (SHARED / "bbq").is_dir():
        pytest.skip("shared/data/bbq is not here")
    questions = read_bbq(SHARED / "bbq")
    assert len(questions) == 11_956
    assert all(one.target is not None for one in questions)
    assert len(set(scenes(questions))) == 2_989
