"""The docs are held to the code: links resolve, verbs and keys exist, every code has a page, generated pages are fresh."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from goodfit.cli import VERBS
from goodfit.pages import known_codes
from goodfit.settings.keys import keys
from goodfit.stage import STAGES
from scripts.reference import stale

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
KEYS = {key.path for key in keys()}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_resolve(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_verbs_that_are_named_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for verb in re.findall(r"(?:^\$ |`)goodfit ([a-z]+)", text, re.MULTILINE):
        assert verb in VERBS, f"{page.name} speaks of goodfit {verb}"


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    source = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "src").rglob("*.py"))
    used = set(re.findall(r"\"((?:SPL|AUD|CHO|PRE|TUN|TRN|EVA|ASM|EXP)\d{3})\"", source))
    assert used == set(known_codes())


def test_pages_of_findings_say_what_how_and_what_to_do() -> None:
    for code in known_codes():
        text = (ROOT / "docs" / "findings" / f"{code}.md").read_text(encoding="utf-8")
        assert text.startswith(f"# {code}")
        assert len(text) > 400, f"{code} has hardly a page"


def test_every_stage_has_a_page() -> None:
    assert {p.stem for p in (ROOT / "docs" / "stages").glob("*.md")} == set(STAGES)


def test_generated_pages_are_fresh() -> None:
    assert stale() == [], "python -m scripts.reference --write"


def test_keys_named_in_the_docs_exist() -> None:
    sections = "|".join({path.split(".")[0] for path in KEYS if "." in path})
    pattern = rf"`((?:{sections})\.[a-z_]+)(?:: [^`]*)?`"
    for page in [*(ROOT / "docs" / "stages").glob("*.md"), ROOT / "docs" / "tutorial.md", *(ROOT / "docs" / "findings").glob("*.md")]:
        for key in re.findall(pattern, page.read_text(encoding="utf-8")):
            assert key in KEYS or any(k.startswith(key) for k in KEYS) or key.endswith((".json", ".parquet", ".jsonl", ".html")), (
                f"{page.name}: {key}"
            )


def test_the_readme_names_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make demo" in text
    assert "make test" in text
