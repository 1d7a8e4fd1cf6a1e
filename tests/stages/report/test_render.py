"""The page: whole, offline, without script, escaped, small, readable in both themes; the three files written whole."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import pytest

from goodfit.errors import GoodfitError
from goodfit.stages.report import collect, html, write_report
from tests.stages.report.make_run import HOSTILE, Made, make_run
from tests.stages.report.test_collect import KINDS

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """Tags, ids, links and text of a page; complains of what is not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.style = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.style += data
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {kind: html(collect(make_run(tmp_path_factory.mktemp(kind) / "run", made))) for kind, made in KINDS.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_is_whole_offline_and_small(pages: dict[str, str], kind: str) -> None:
    text = pages[kind]
    page = Page(text)
    assert len(text.encode()) < 2_000_000
    names = {tag for tag, _ in page.tags}
    assert not names & {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "base",
        "form",
        "audio",
        "video",
        "foreignobject",
        "use",
        "image",
    }
    for tag, attributes in page.tags:
        held = set(attributes)
        assert not held & {"src", "srcset", "style", "action", "data", "background", "poster", "xlink:href", "srcdoc"}, tag
        assert not [key for key in held if key.startswith("on")], tag
        assert (attributes.get("href") or "#").startswith("#")
    assert "url(" not in page.style
    assert "@import" not in page.style


@pytest.mark.parametrize("kind", KINDS)
def test_the_policy_forbids_everything_but_the_style_sheet(pages: dict[str, str], kind: str) -> None:
    page = Page(pages[kind])
    policy = next(a["content"] for tag, a in page.tags if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy")
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@pytest.mark.parametrize("kind", KINDS)
def test_links_lead_somewhere_and_ids_are_unique(pages: dict[str, str], kind: str) -> None:
    page = Page(pages[kind])
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    wanted = {str(a["href"])[1:] for tag, a in page.tags if tag == "a"}
    assert wanted <= set(ids)


@pytest.mark.parametrize("kind", KINDS)
def test_it_can_be_used_without_eyes_or_mouse(pages: dict[str, str], kind: str) -> None:
    page = Page(pages[kind])
    drawings = [a for tag, a in page.tags if tag == "svg"]
    assert all(a["role"] == "img" and a["aria-label"] for a in drawings)
    assert [tag for tag, _ in page.tags if tag == "h1"] == ["h1"]
    assert ("html", {"lang": "en"}) in page.tags
    scrolling = [a for tag, a in page.tags if "scroll" in str(a.get("class", "")).split()]
    assert all(a.get("tabindex") == "0" for a in scrolling)


def test_hostile_names_are_text_and_nothing_else(pages: dict[str, str]) -> None:
    text, page = pages["hostile"], Page(pages["hostile"])
    assert "<script>alert" not in text
    assert "<img" not in text
    assert "<script>alert('label')</script>" in page.text
    assert "{{ 7 * 7 }}{% raw %}" in page.text
    assert "49{%" not in page.text
    for character in ("\u202e", "\u0000", "\u200b"):
        assert character not in text
    assert "⟨U+202E⟩" in text
    assert "ein sehr langer Name " * 30 not in text


def test_the_first_screen_answers(pages: dict[str, str]) -> None:
    page = Page(pages["five"])
    first = page.text[: page.text.index("Classes")]
    assert "Is support-tickets a good fit? Yes." in first
    for topic in ("Score", "Bar", "Training", "Data", "Limits"):
        assert topic in first
    assert first.index("Limits") < first.index("Look at this first") < first.rindex("41 texts carry different labels")


def test_what_is_not_there_is_not_shown(pages: dict[str, str]) -> None:
    page = Page(pages["stopped"])
    ids = {a["id"] for _, a in page.tags if "id" in a}
    assert {"data", "findings", "reproduce"} <= ids
    assert not ids & {"training", "scores", "classes", "calibration", "mistakes"}
    assert "Not in this report" in page.text
    assert "choose, prepare, tune, train, evaluate not done: a finding stopped the run before it" in page.text


def test_all_findings_are_listed(pages: dict[str, str]) -> None:
    text = Page(pages["five"]).text
    for title in (
        "Validation has not turned",
        "Near-duplicates across languages",
        "all rows are in one language",
        "The rarest class has 6%",
    ):
        assert title in text


def test_every_chart_is_there_as_a_table_too(pages: dict[str, str], tmp_path: Path) -> None:
    report = collect(make_run(tmp_path / "run", KINDS["seventy_seven"]))
    table = next(c for c in report["charts"] if c["id"] == "class-f1")
    assert len(table["rows"]) == 77
    text = Page(pages["seventy_seven"]).text
    assert all(row[0] in text for row in table["rows"])


@pytest.mark.parametrize("how", ["masked", "none"])
def test_private_texts_are_not_on_the_page(tmp_path: Path, how: str) -> None:
    page = html(collect(make_run(tmp_path / "run", Made(show_text=how))))
    assert "Petersen" not in page
    assert "refund Anna" not in page


def colours(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+):\s*(#[0-9a-f]{6})", css))


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1])
def test_text_has_contrast_in_both_themes(theme: int) -> None:
    css = files("goodfit.stages.report").joinpath("assets/tokens.css").read_text(encoding="utf-8")
    found = colours(css.split("@media")[theme])
    for ground in ("paper", "raised"):
        for text in ("ink", "soft", "link", "yes", "not-yet", "no", "cannot-tell", "chart-ink"):
            assert contrast(found[ground], found[text]) >= 4.5, (text, ground)
    for mark in ("chart-model", "chart-train", "chart-mark", "chart-good", "chart-rival"):
        assert contrast(found["paper"], found[mark]) >= 3, mark
    assert contrast(found["chart-onmodel"], found["chart-model"]) >= 4.5


def test_no_colour_stands_outside_the_tokens() -> None:
    folder = files("goodfit.stages.report")
    for path in ("assets/report.css", "templates/report.html"):
        assert re.findall(r"#[0-9a-fA-F]{3,8}\b", folder.joinpath(path).read_text(encoding="utf-8").replace("--paper: #ffffff", "")) == []


def test_three_files_are_written(run: Path) -> None:
    report = write_report(run)
    assert json.loads((run / "report.json").read_text(encoding="utf-8")) == report
    assert (run / "report.html").read_text(encoding="utf-8") == html(report)
    assert (run / "README.md").read_text(encoding="utf-8").startswith("---\n")
    assert not list(run.glob(".*"))


def test_writing_twice_gives_the_same_bytes(run: Path) -> None:
    write_report(run)
    before = [(run / file).read_bytes() for file in ("report.html", "report.json", "README.md")]
    write_report(run)
    assert [(run / file).read_bytes() for file in ("report.html", "report.json", "README.md")] == before


def test_a_folder_that_cannot_be_written_is_an_error_in_words(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("goodfit.files.os.fsync", full)
    with pytest.raises(GoodfitError, match="disk is full"):
        write_report(run)
    assert not (run / "report.json").exists()
    assert not list(run.glob(".*"))


def test_the_hostile_list_has_what_it_should() -> None:
    assert any("<script>" in label for label in HOSTILE)
    assert any("\u202e" in label for label in HOSTILE)


def test_a_thousand_classes_make_a_page_of_bearable_size(tmp_path: Path) -> None:
    labels = tuple(f"a class with a name of some length, number {i}" for i in range(1000))
    report = write_report(make_run(tmp_path / "run", Made(labels=labels, n_test=3000)))
    assert (tmp_path / "run" / "report.html").stat().st_size < 1_000_000
    assert len(report["classes"]) == 1000
    assert report["confusion"]["matrix"] is None
    assert len(report["confusion"]["pairs"]) == 100
    chart = next(c for c in report["charts"] if c["id"] == "class-f1")
    assert "the table has the 400 weakest" in chart["text"]
