"""The pages that explain findings (docs/findings/CODE.md): in the repository, and inside the installed package.

Layer: beside the nouns (standard library only). `goodfit explain` prints them.
"""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDERS = (HERE / "pages" / "findings", HERE.parents[1] / "docs" / "findings")
"""The wheel carries the pages inside the package; a checkout has them under docs/."""


def finding_page(code: str) -> str | None:
    """The page's Markdown, or None where the code is not known."""
    if not code.isalnum():
        return None
    for folder in FOLDERS:
        path = folder / f"{code}.md"
        if path.is_file():
            return path.read_text(encoding="utf-8")
    return None


def known_codes() -> list[str]:
    """Every code that has a page, sorted."""
    return sorted({path.stem for folder in FOLDERS if folder.is_dir() for path in folder.glob("*.md") if path.stem[-1].isdigit()})
