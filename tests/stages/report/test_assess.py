"""The page says for whom the model works worse: of whole, empty, damaged and older runs; small cells and private texts stay hidden."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import jsonschema
import pytest

from goodfit.cli.result import assessment
from goodfit.files import read_json, write_json, write_jsonl
from goodfit.run import Run
from goodfit.schemas import FILES, MODELS
from goodfit.stages.report import card, collect, html, plots
from goodfit.stages.report.assess import assess_facts
from goodfit.stages.report.assess_words import sentence as sentence_of
from goodfit.stages.report.card_assess import groups
from goodfit.stages.report.draw import MARKS, svg
from goodfit.stages.report.folder import Folder
from goodfit.stages.report.render import _environment
from goodfit.stages.report.schema import json_schema
from tests.stages.report.make_assess import HARM, add_assessment, finding, gap_line, gaps_document, plan_document
from tests.stages.report.make_run import HOSTILE, Made, make_run
from tests.stages.report.test_collect import KINDS
from tests.stages.report.test_render import Page

VALIDATOR = jsonschema.Draft202012Validator(json_schema())


@pytest.fixture
def assessed(run: Path) -> Path:
    return add_assessment(run)


def section(page: str) -> str:
    """The part of the page on groups."""
    start = page.index('id="whom"')
    return page[start : page.index("</section>", start)]


def text_of(part: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", part).split())


def test_the_made_up_files_are_as_the_schemas_have_them(assessed: Path) -> None:
    for file in ("assess/gaps.json", "assess/plan.json", "assess/swapped.jsonl"):
        path = assessed / file
        for line in path.read_text().splitlines() if file.endswith("l") else [path.read_text()]:
            MODELS[FILES[file]].model_validate(json.loads(line))


def test_the_facts_are_those_of_the_files(assessed: Path) -> None:
    report = collect(assessed)
    VALIDATOR.validate(report)
    facts = report["assess"]
    assert facts["asked"]
    assert facts["plan"]["hash"].startswith("b2:77cd")
    assert not facts["plan"]["late"]
    assert [one["metric"] for one in facts["plan"]["measures"]] == ["error", "fpr"]
    assert {(one["axis"], one["metric"]) for one in facts["compared"]} == {
        (axis, metric) for axis in ("region", "gender", "gender (any)") for metric in ("error", "fpr")
    }
    region = next(one for one in facts["compared"] if (one["axis"], one["metric"]) == ("region", "fpr"))
    assert region["harm"] == HARM
    assert [m["member"] for m in region["members"]] == ["north", "west", "south", "islands"]
    north = region["members"][0]
    assert (north["rate"]["value"], north["rest"], north["answer"], north["worse"]) == (0.312, 0.18, "gap", True)
    assert north["base"]["value"] == pytest.approx(north["gap"]["value"] / 2)
    men = next(m for one in facts["compared"] if one["axis"] == "gender" for m in one["members"] if m["member"] == "men")
    assert men["worse"] is False
    assert [(one["metric"], one["members"][0]["member"]) for one in facts["others"]] == [("ppv", "north")]
    assert facts["undecided"][0]["member"] == "west"
    assert facts["undecided"][0]["rows_needed"] == 910
    assert len(facts["not_measured"]) == 20
    assert facts["functions"][0]["function"] == "negation"
    assert not facts["lists"][0]["reviewed"]
    assert facts["lists"][0]["faults"] == ["men: a form stands twice"]
    assert report["missing"] == []


def test_small_cells_stay_hidden(assessed: Path) -> None:
    """The stage writes `n` of a rate that it does not show: no number of it is passed on."""
    rates = read_json(assessed / "assess" / "gaps.json")["rates"]
    assert any(one["n"] == 7 for one in rates)
    report = collect(assessed)
    islands = [m for one in report["assess"]["compared"] for m in one["members"] if m["member"] == "islands"]
    assert len(islands) == 2
    for found in islands:
        assert found["n"] is found["rate"] is found["gap"] is found["rest"] is None
    rare = next(one for one in report["assess"]["functions"] if one["function"] == "rare")
    assert rare["n"] is rare["accuracy"] is None
    line = gap_line("region", "north") | {"n": 7}
    write_json(assessed / "assess" / "gaps.json", gaps_document(gaps=[line]))
    assert collect(assessed)["assess"]["compared"][0]["members"][0]["n"] is None
    assert "fewer than 20" in text_of(section(html(collect(assessed))))


def test_what_the_page_says(assessed: Path) -> None:
    page = html(collect(assessed))
    text = text_of(section(page))
    for said in (
        "6 gaps found", "Planned before the test rows were opened", "Why region: postal delays differ.", "north: gap, worse off",
        "men: gap, better off", "any of them: within 5 points", "west: undecided", f"Harm: {HARM}.", "140 rows; about 910 would tell",
        "fewer than 20 rows", "Seen beside", "right among those called “refund”", "Labels that go with groups in the training data",
        "The same text about somebody else", "◆ above 5% for sure", "What hatecheck tests", "not reviewed by a native speaker",
        "1 fault: men: a form stands twice", "The label does not occur.", "question 8", "2 more reasons", "base model",
    ):  # fmt: skip
        assert said in text, said
    assert "debias" not in page.lower()


def test_every_chart_can_be_drawn_and_told_without_colour(assessed: Path) -> None:
    charts = [c for c in collect(assessed)["charts"] if c["section"] in ("groups", "functions")]
    assert [c["id"] for c in charts] == ["gaps-1", "gaps-2", "gaps-3", "gaps-4", "functions-1"]
    for chart in charts:
        assert chart["text"].endswith(".")
        assert {len(row) for row in chart["rows"]} == {len(chart["columns"])}
        assert all(one["mark"]["type"] in MARKS for one in chart["spec"]["layer"])
        for width in (335.0, 440.0, 920.0):
            root = ET.fromstring(svg(chart["spec"], width, chart["text"]))
            assert root.attrib["aria-label"] == chart["text"]
            assert "NaN" not in ET.tostring(root, encoding="unicode")
    first = charts[0]
    shapes = {one["mark"].get("shape") for one in first["spec"]["layer"] if one["mark"]["type"] == "point"}
    assert shapes == {"diamond", "square", "circle"}
    assert [row[0] for row in first["rows"]] == ["north", "west", "south", "islands"]
    assert [row[1] for row in first["rows"]] == ["gap, worse off", "undecided", "within 5 points", "undecided"]
    band = next(v for v in first["spec"]["data"]["values"] if v["group"].startswith("north"))
    assert (band["from"], band["rest"], band["to"]) == pytest.approx((13, 18, 23))


def test_of_many_groups_the_largest_differences_are_drawn(assessed: Path) -> None:
    lines = [gap_line("region", f"place {i}", value=0.001 * i, answer="no_gap_above_margin", rate=0.2, rate_rest=0.2) for i in range(60)]
    rates = [{"name": "error", "system": "model", "split": "test", "group": one["group"], "value": 0.2, "low": 0.1, "high": 0.3, "n": 99}
             for one in lines]  # fmt: skip
    write_json(assessed / "assess" / "gaps.json", gaps_document(gaps=lines, rates=rates))
    chart = next(c for c in collect(assessed)["charts"] if c["section"] == "groups")
    assert len(chart["spec"]["data"]["values"]) == 20
    assert chart["spec"]["data"]["values"][0]["group"].startswith("place 59")
    assert len(chart["rows"]) == 60
    assert "the table has all" in chart["text"]


def sentence(report: dict[str, Any]) -> str | None:
    return next((one["text"] for one in report["answer"]["sentences"] if one["topic"] == "groups"), None)


def only(folder: Path, *members: str, **changes: Any) -> dict[str, Any]:
    """The report of a run with these declared comparisons of regions, and no finding of them."""
    write_json(
        folder / "assess" / "gaps.json", gaps_document(gaps=[gap_line("region", one) for one in members], probes=[], functions=[]) | changes
    )
    write_jsonl(folder / "assess" / "findings.jsonl", [])
    return collect(folder)


def test_the_first_screen_tells_each_case(assessed: Path) -> None:
    found = collect(assessed)
    assert len(found["answer"]["sentences"]) == 6
    said = sentence(found)
    assert said is not None
    assert said.startswith("It does not work equally well for every group: wrong answers: region “north” 31.2% [27.2, 35.2], 13.2 points")
    assert "Of 14 declared comparisons: 6 sure gaps, 4 within 5 points and 4 undecided." in said
    assert "20 questions were not measured." in said
    assert "was not measured" not in found["answer"]["sentences"][-1]["text"]
    cases = {
        ("south",): "Between groups no difference above 5 points is left open. Of 1 declared comparison: 1 within 5 points.",
        ("west", "islands"): "Whether it works equally well for every group cannot be told from these rows.",
        ("south", "west"): "No sure difference between groups was found, and some are undecided (5 points would matter).",
    }
    for members, words in cases.items():
        report = only(assessed, *members)
        assert (sentence(report) or "").startswith(words)
        assert report["answer"]["word"] == "yes"


def test_a_declared_gap_is_not_hidden_behind_a_good_score(assessed: Path) -> None:
    answer = collect(assessed)["answer"]
    assert (answer["word"], answer["rule"]) == ("not yet", "group_gap")
    assert "region 'north'" in answer["because"]
    assert answer["because"].endswith("(ASM005).")
    assert [key[:6] for key in collect(assessed)["first"]][0] == "ASM005"
    two = [finding(), finding(title="others taken for 'refund': 24%", n_rows=3)]
    write_jsonl(assessed / "assess" / "findings.jsonl", [one.to_json() for one in two])
    assert collect(assessed)["answer"]["because"].endswith("(ASM005), and 1 more such gap.")
    write_jsonl(assessed / "assess" / "findings.jsonl", [finding(severity="note").to_json()])
    better_off = collect(assessed)
    assert (better_off["answer"]["word"], [key[:6] for key in better_off["first"]][0]) == ("not yet", "ASM005")
    for quiet in (finding(status="muted", reason="accepted"), finding(severity="note", status="passed"),
                  finding(code="ASM010", kind="other_gap", severity="note")):  # fmt: skip
        write_jsonl(assessed / "assess" / "findings.jsonl", [quiet.to_json()])
        assert collect(assessed)["answer"]["word"] == "yes"


def test_the_card_has_rates_answers_the_plan_and_what_was_not_measured(assessed: Path) -> None:
    text = card(collect(assessed))
    part = text[text.index("## Bias, risks and limitations") : text.index("## Use")]
    for said in (
        "Hash of the plan: b2:77cd00112233445566778899", HARM, "| north | 410 |", "gap, worse off", "about 910 rows would tell",
        "| islands | fewer than 20 |", "Seen beside, not declared", "not reviewed by a native speaker", "in place of each other", "hatecheck, negation",
        "written down before the test rows were opened",
    ):  # fmt: skip
        assert said in part, said
    assert all(f"question {i}" in part for i in range(9))
    assert all(f"'x{i}'" in part for i in range(11))
    assert "asked for" not in part
    late = plan_document(after_unsealing=True, opened_by="2026-04-30-x", changed=["margin"])
    write_json(assessed / "assess" / "plan.json", late)
    assert "had been opened by 2026-04-30-x" in card(collect(assessed)).replace("\\", "")
    page = text_of(section(html(collect(assessed))))
    assert "▲ planned late: these test rows had been opened before by 2026-04-30-x; what differs from its plan: margin" in page


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_only_text(run: Path, name: str) -> None:
    report = collect(add_assessment(run, name))
    VALIDATOR.validate(report)
    page, text = html(report), card(report)
    Page(page)
    for found in (page, text):
        assert "<script>alert" not in found
        assert "<img" not in found
        assert "\u202e" not in found
        assert "\u0000" not in found
    assert "49{%" not in page
    assert not re.search(r"(?<!\\)!?\[[^\]]*\]\(", text)
    tables = [line for line in text.splitlines() if line.startswith("| ") and ("gap" in line or "undecided" in line)]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in tables} == {6}


@pytest.mark.parametrize(("how", "seen"), [("masked", "Xxx xxxxx xxx 00 xxxxxxx"), ("full", "She asked for 42 refunds"), ("none", None)])
def test_swapped_texts_are_shown_as_the_recipe_wants(tmp_path: Path, how: str, seen: str | None) -> None:
    folder = add_assessment(make_run(tmp_path / "run", Made(show_text=how)))
    report = collect(folder)
    page = html(report)
    assert ("42 refunds" in page + json.dumps(report)) is (how == "full")
    assert "42 refunds" not in card(report)
    assert (report["assess"]["probes"][0]["examples"] == []) is (how == "none")
    if seen is not None:
        assert seen in page
        assert "The 2 pairs that move most" in page


def test_nothing_was_asked(run: Path) -> None:
    why = "the recipe names no groups and no suites"
    empty = {key: [] for key in ("rates", "gaps", "omnibus", "probes", "functions", "groups", "systems")}
    counts = {"gap": 0, "no_gap_above_margin": 0, "not_enough_data": 0, "not_measured": 1}
    told = {"plan": None, "not_measured": [{"what": "every group", "why": why}], "counts": counts, "text": f"not measured: {why}"}
    (run / "assess").mkdir()
    write_json(run / "assess" / "gaps.json", gaps_document(**empty, **told))
    report = collect(run)
    VALIDATOR.validate(report)
    assert (report["assess"]["asked"], report["assess"]["why_not"], report["assess"]["plan"]) == (False, why, None)
    text = text_of(section(html(report)))
    assert f"Not measured: {why}. To ask, name groups in the recipe: groups: {{gender: {{terms: gender-en}}" in text
    assert len(report["answer"]["sentences"]) == 5
    assert f"was not measured ({why})" in report["answer"]["sentences"][4]["text"]
    assert f"was not measured ({why})" in card(report).replace("\\", "")
    assert report["answer"]["word"] == "yes"


def test_older_runs_and_runs_that_came_not_so_far(run: Path, tmp_path: Path) -> None:
    report = collect(run)
    assert report["assess"] is None
    assert report["missing"] == []
    assert len(report["answer"]["sentences"]) == 5
    assert "Not measured: this run has no assessment." in text_of(section(html(report)))
    assert 'id="whom"' not in html(collect(make_run(tmp_path / "stopped", KINDS["stopped"])))
    (run / "assess").mkdir()
    write_json(run / "assess" / "plan.json", plan_document())
    planned = collect(run)["assess"]
    assert not planned["asked"]
    assert "the stage assess is not done" in planned["why_not"]
    assert planned["plan"]["hash"]


def test_a_stage_that_lost_its_file_is_missed(run: Path) -> None:
    record = read_json(run / "run.json")
    record["stages"]["assess"] = {"state": "done", "version": 1, "seconds": 3.0}
    write_json(run / "run.json", record)
    assert [one["what"] for one in collect(run)["missing"]] == ["assess/gaps.json"]
    record["stages"]["assess"] = {"state": "skipped", "reason": "assess: false"}
    write_json(run / "run.json", record)
    assert collect(run)["missing"] == [{"what": "assess", "why": "left out: assess: false"}]


@pytest.mark.parametrize("file", ["gaps.json", "plan.json", "swapped.jsonl"])
@pytest.mark.parametrize("content", [b"", b'{"gaps": ', b"[1, 2]\n", b"\xff\xfe\x00", b"\x00" * 40, b"{}"])
def test_damaged_files_never_stop_the_report(assessed: Path, file: str, content: bytes) -> None:
    (assessed / "assess" / file).write_bytes(content)
    report = collect(assessed)
    VALIDATOR.validate(report)
    Page(html(report))
    card(report)


JUNK: tuple[Any, ...] = (None, 3, "x", [], {}, [1, "x", None, {}], {"x": []}, True, [{"group": 3, "name": [], "answer": {}}], -1.5)


@pytest.mark.parametrize("file", ["gaps.json", "plan.json"])
def test_whatever_stands_under_a_key_the_report_comes_out(assessed: Path, file: str) -> None:
    document = read_json(assessed / "assess" / file)
    for key in document:
        for junk in JUNK:
            write_json(assessed / "assess" / file, document | {key: junk})
            found = assess_facts(Folder.open(assessed), "full")
            assert found is not None
            assert sentence_of(found) is None or found.asked
            list(plots.compared(found))
            list(plots.functions(found))
            list(groups({"assess": found.model_dump(mode="json")}))


def test_whatever_stands_in_a_line_it_is_left_out_or_read(assessed: Path) -> None:
    document = read_json(assessed / "assess" / "gaps.json")
    for listed in ("gaps", "rates", "probes", "functions", "not_measured"):
        first, *rest = document[listed]
        for key in first:
            for junk in JUNK:
                write_json(assessed / "assess" / "gaps.json", document | {listed: [first | {key: junk}, *rest]})
                found = assess_facts(Folder.open(assessed), "full")
                assert found is not None
                list(plots.compared(found))


def test_the_result_document_has_the_counts(assessed: Path) -> None:
    run = cast(Run, SimpleNamespace(path=assessed))
    assert assessment(run) == {"gap": 6, "no_gap_above_margin": 4, "not_enough_data": 4, "not_measured": 20}
    for damaged in ("", "[]", '{"counts": {"gap": 1}}', '{"counts": 3}'):
        (assessed / "assess" / "gaps.json").write_text(damaged)
        assert assessment(run) is None
    (assessed / "assess" / "gaps.json").unlink()
    assert assessment(run) is None


def test_a_model_that_writes_is_not_told_to_name_groups() -> None:
    macro = _environment().get_template("templates/assess.html").module.lede  # type: ignore[attr-defined]
    said = str(macro({"asked": False, "why_not": "models that write are not assessed", "plan": None}, True))
    assert "models that write are not assessed" in said
    assert "To ask" not in said
