"""Each finding of choose: said where it should be, with its fix, and not said where there is nothing."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from goodfit.finding import Finding
from goodfit.models.identity import Identity
from goodfit.pages import finding_page
from goodfit.recipe import Choose
from goodfit.score import Score, Verdict
from goodfit.stages.choose.candidates import Candidate
from goodfit.stages.choose.catalog import Entry, catalog
from goodfit.stages.choose.findings import findings_of
from goodfit.stages.choose.outcome import Asked, Facts, Outcome

READ: dict[str, Any] = {
    "rows": 400, "words": 4000, "tokens": 5000, "marks": 0, "tokens_per_word": 1.25, "unknown_tokens": 0.0, "rows_beyond_context": 0,
    "tokens_lost": 0, "marks_dropped": None,
}  # fmt: skip


def identity(name: str, **more: Any) -> Identity:
    facts = {
        "name": name, "path": f"/models/{name}", "kind": "package", "content": f"b2:{name}", "architecture": "BertModel", "model_type": "bert",
        "parameters": 1_000_000, "max_length": 128, "vocabulary": 1000, "hidden_size": 32, "layers": 2, "causal": False, "license": "mit",
        "package": None,
    }  # fmt: skip
    return Identity(**facts | more)


def looked(
    mine: dict[str, Any] | None = None, other: dict[str, Any] | None = None, *, named: bool = False, entry: Entry | None = None, **more: Any
) -> dict[str, Finding]:
    """The findings of two candidates, the first of which is taken."""
    base = more.pop("base", identity("mine"))
    candidates = (
        Candidate("mine", "named", base, base.license, memory=more.pop("memory", 10**9), entry=entry),
        Candidate("other", "named", identity("other"), "mit", memory=10**9),
    )
    probe = more.pop("probe", (0.7, 0.65, 0.75))
    scores = (Score(name="macro_f1", value=probe[0], low=probe[1], high=probe[2], n=400, system="mine: linear probe"),)
    facts = {0: Facts(scores, READ | (mine or {}), 0.6), 1: Facts(scores, READ | (other or {}), 0.4)} if more.pop("measured", True) else {}
    outcome = Outcome(candidates, 0, "said", facts, more.pop("verdicts", ()), more.pop("tied", ()), more.pop("first", 0))
    section = Choose(model_name_or_path="mine" if named else "auto", max_memory=more.pop("max_memory", "16GB"))
    splits = SimpleNamespace(
        label_counts=lambda: {"a": {"train": 300}, "b": {"train": 100}}, multi_label=False, counts={"train": 400}, labels=("a", "b")
    )
    asked = Asked(SimpleNamespace(choose=section), splits, SimpleNamespace(), candidates)  # type: ignore[arg-type]
    assert not more, more
    return {finding.code: finding for finding in findings_of(outcome, asked) if finding.status == "open"}


def test_nothing_to_say() -> None:
    assert looked() == {}
    assert looked(measured=False) == {}


@pytest.mark.parametrize(
    ("code", "given"),
    [
        ("CHO001", {"mine": {"unknown_tokens": 0.05}}),
        ("CHO002", {"mine": {"tokens_per_word": 4.0}}),
        ("CHO003", {"mine": {"rows_beyond_context": 80}}),
        ("CHO006", {"tied": (0, 1)}),
        ("CHO007", {"mine": {"marks": 900, "marks_dropped": 1.0}}),
        ("CHO008", {"probe": (0.4, 0.35, 0.42)}),
        ("CHO009", {"memory": 20 * 10**9}),
        ("CHO010", {"base": identity("mine", license=None)}),
    ],
)
def test_each_is_said_alone_with_evidence_page_and_fix(code: str, given: dict[str, Any]) -> None:
    found = looked(**given)
    assert set(found) == {code}
    assert found[code].fix
    assert found[code].detail
    assert found[code].stage == "choose"
    assert finding_page(code)


def test_just_below_is_nothing() -> None:
    assert looked({"unknown_tokens": 0.009, "tokens_per_word": 2.9, "rows_beyond_context": 19, "marks": 70, "marks_dropped": 1.0}) == {}
    assert looked({"tokens_per_word": 4.0}, {"tokens_per_word": 3.0}) == {}
    assert looked({"marks": 900, "marks_dropped": 0.4}) == {}


def test_languages_are_judged_one_by_one_where_there_are_enough_rows() -> None:
    parts = {"yo": READ | {"rows": 60, "unknown_tokens": 0.2}, "en": READ | {"rows": 300}, "ha": READ | {"rows": 40, "unknown_tokens": 0.9}}
    found = looked({"unknown_tokens": 0.005, "languages": parts}, {"unknown_tokens": 0.0})
    assert set(found) == {"CHO001"}
    assert "of yo" in found["CHO001"].title
    assert "other" in found["CHO001"].fix


def test_a_model_that_was_not_made_for_a_language() -> None:
    entry = next(one for one in catalog(None, Path()) if one.id.endswith("all-MiniLM-L6-v2"))
    parts = {"en": READ, "pt-BR": READ | {"rows": 30}, "unknown": READ}
    found = looked({"languages": parts}, entry=entry)
    assert set(found) == {"CHO004"}
    assert "pt (30 rows)" in found["CHO004"].detail
    assert looked({"languages": {"English": READ, "French": READ}}, entry=entry) == {}


def test_a_better_candidate_is_said_of_a_named_model_only() -> None:
    difference = Score(name="macro_f1_difference", value=0.1, low=0.05, high=0.15, n=400)
    verdict = Verdict(
        question="other vs mine on macro_f1 of a linear probe", answer="better", difference=difference, text="better by 10.0 points"
    )
    found = looked(named=True, first=1, verdicts=(verdict,))
    assert set(found) == {"CHO005"}
    assert found["CHO005"].fix.startswith("choose.model_name_or_path=other")
    unsure = verdict.model_copy(update={"answer": "cannot_tell"})
    assert looked(named=True, first=1, verdicts=(unsure,)) == {}
    assert looked(first=0, verdicts=(verdict,)) == {}
