"""The specifications say what the report shows, in Vega-Lite; the drawings are of the same facts."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from goodfit.stages.report import collect
from goodfit.stages.report.charts import layer, names, paint, palette, quantity, spec
from goodfit.stages.report.draw import MARKS, svg
from goodfit.stages.report.frame import least_width
from goodfit.stages.report.plots import confusion
from goodfit.stages.report.plots.classes import MOST_CELLS
from goodfit.stages.report.plots.common import unique
from goodfit.stages.report.results import confusion_facts
from goodfit.stages.report.scales import FORMATS, Bands, Linear, fitted, round_step, text_width, tick
from goodfit.stages.report.schema import Confusion
from tests.stages.report.make_run import make_run
from tests.stages.report.test_collect import KINDS

Chart = dict[str, Any]


def read(document: dict[str, Any]) -> Confusion:
    found = confusion_facts(document)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def charts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Chart]]:
    made = {kind: collect(make_run(tmp_path_factory.mktemp(kind) / "run", how)) for kind, how in KINDS.items()}
    return {kind: {chart["id"]: chart for chart in report["charts"]} for kind, report in made.items()}


def test_which_charts_a_run_has(charts: dict[str, dict[str, Chart]]) -> None:
    whole = {"headline", "labels", "lengths", "curve-loss", "curve-score", "verdicts", "class-f1", "confusion", "reliability"}
    assert set(charts["five"]) == whole
    assert set(charts["multi_label"]) == whole - {"confusion"}
    assert set(charts["stopped"]) == {"labels", "lengths"}


@pytest.mark.parametrize("kind", KINDS)
def test_specifications_are_whole(charts: dict[str, dict[str, Chart]], kind: str) -> None:
    for chart in charts[kind].values():
        made = chart["spec"]
        assert made["$schema"].endswith("/vega-lite/v6.json")
        for one in made["layer"]:
            assert one["mark"]["type"] in MARKS
            rows = one.get("data", made["data"])["values"]
            assert rows
            for channel in one["encoding"].values():
                assert "datum" in channel or all(channel["field"] in row for row in rows)
                form = channel.get("axis", {}).get("format")
                assert form is None or form in FORMATS


@pytest.mark.parametrize("kind", KINDS)
def test_every_chart_says_in_words_and_rows_what_it_shows(charts: dict[str, dict[str, Chart]], kind: str) -> None:
    for chart in charts[kind].values():
        assert chart["text"].endswith(".")
        assert chart["rows"]
        assert {len(row) for row in chart["rows"]} == {len(chart["columns"])}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", [335.0, 440.0, 920.0])
def test_drawings_are_well_formed_and_stay_inside(charts: dict[str, dict[str, Chart]], kind: str, width: float) -> None:
    for chart in charts[kind].values():
        wide = max(width, least_width(chart["spec"]))
        root = ET.fromstring(svg(chart["spec"], wide, "a <label> & more"))
        assert root.attrib["aria-label"] == "a <label> & more"
        _, _, right, bottom = map(float, root.attrib["viewBox"].split())
        for element in root.iter():
            for key in ("x", "cx", "y", "cy"):
                if key in element.attrib:
                    assert -1 <= float(element.attrib[key]) <= (right if key in ("x", "cx") else bottom) + 1, chart["id"]
            assert float(element.attrib.get("width", 0)) >= 0
            assert "NaN" not in json.dumps(element.attrib)


def test_the_confusion_matrix_is_drawn_cell_by_cell(charts: dict[str, dict[str, Chart]]) -> None:
    chart = charts["five"]["confusion"]
    drawn = re.findall(r"<title>([^<]*) of ", svg(chart["spec"], 440, ""))
    assert len(drawn) == 25
    cells = {(c["label"], c["prediction"]): c["n"] for c in chart["spec"]["data"]["values"]}
    for row in chart["rows"]:
        assert [f"{cells[row[0], other]:,}" for other in chart["columns"][1:]] == row[1:]
    assert sum(cells.values()) == 750


def test_many_classes_show_their_most_frequent_confusions() -> None:
    n = MOST_CELLS + 1
    matrix = [[100 if i == j else 0 for j in range(n)] for i in range(n)]
    matrix[3][7], matrix[7][3], matrix[5][1] = 30, 4, 9
    labels = [f"c{i}" for i in range(n)]
    (chart,) = confusion(read({"confusion": {"labels": labels, "matrix": matrix}}))
    assert [row[:2] for row in chart.rows] == [["c3 → c7", "30"], ["c5 → c1", "9"], ["c7 → c3", "4"]]
    (grid,) = confusion(read({"confusion": {"labels": labels[:-1], "matrix": [row[:-1] for row in matrix[:-1]]}}))
    assert len(grid.spec["data"]["values"]) == MOST_CELLS**2


def test_pairs_without_their_matrix_are_drawn_too() -> None:
    pairs = [{"label": "a", "prediction": "b", "rows": 3}, {"label": "b", "prediction": "c", "rows": 9}, "not a pair"]
    (chart,) = confusion(read({"confusion": {"labels": ["a", "b", "c"], "pairs": pairs}}))
    assert [row[:2] for row in chart.rows] == [["b → c", "9"], ["a → b", "3"]]


@pytest.mark.parametrize(
    "bad",
    [{}, {"labels": []}, {"labels": ["a"], "matrix": [[1, 2]]}, {"labels": ["a"], "matrix": [["1"]]}, {"labels": ["a"], "matrix": [1]}],
)
def test_a_matrix_that_is_not_whole_is_left_out(bad: Chart) -> None:
    assert confusion_facts({"confusion": bad}) is None


def test_many_classes_have_both_ends_of_the_ranking(charts: dict[str, dict[str, Chart]]) -> None:
    chart = charts["seventy_seven"]["class-f1"]
    shown = chart["spec"]["layer"][0]["encoding"]["y"]["scale"]["domain"]
    assert len(shown) == 31
    assert shown[15] == "⋯"
    every = [row[0] for row in chart["rows"]]
    assert shown[:15] == every[:15]
    assert shown[16:] == every[-15:]


def test_the_kept_step_and_the_cut_are_marked(charts: dict[str, dict[str, Chart]]) -> None:
    def marks(key: str) -> list[float]:
        encodings = [one["encoding"] for one in charts["five"][key]["spec"]["layer"]]
        return [e["x"]["datum"] for e in encodings if "datum" in e.get("x", {})]

    assert marks("curve-loss") == marks("curve-score") == [360]
    assert marks("lengths") == [128]
    assert marks("verdicts") == [0]
    assert marks("headline") == [75]


def test_labels_that_are_cut_alike_stay_apart() -> None:
    assert unique(["a", "b", "a", "a (2)", "a"]) == ["a", "b", "a (2)", "a (2) (2)", "a (3)"]


def test_what_it_cannot_draw_is_refused() -> None:
    values = [{"a": "x", "b": 1.0}]
    bad = spec(
        values, [layer("arc", {"x": quantity("b", None), "y": names("a", None, ["x"])}, color=paint("ink"))], height={"step": 22}, about=""
    )
    with pytest.raises(ValueError, match="arc"):
        svg(bad, 300, "")


def test_the_palette_names_are_told_apart() -> None:
    assert {"model", "rival", "train", "bar", "mark", "good", "ink", "paper", "onmodel"} == set(palette())
    assert len(set(palette().values())) == len(palette())


@pytest.mark.parametrize("span", [(0, 1), (0, 100), (-3, 7), (0.001, 0.0042), (0, 12_345_678), (5, 5)])
def test_ticks_are_round_few_and_inside(span: tuple[float, float]) -> None:
    ticks = Linear((float(span[0]), float(span[1])), (0.0, 400.0)).ticks(50)
    assert 1 <= len(ticks) <= 9
    assert all(span[0] - 1e-9 <= t <= span[1] + 1e-9 for t in ticks)
    steps = [b - a for a, b in itertools.pairwise(ticks)]
    assert all(step == pytest.approx(steps[0]) for step in steps)


def test_whole_numbers_have_whole_ticks() -> None:
    assert Linear((0.0, 3.0), (0.0, 700.0)).ticks(50, 1.0) == [0, 1, 2, 3]
    assert Linear((0.0, 16.0), (0.0, 380.0)).ticks(56, 1.0) == [0, 5, 10, 15]


@pytest.mark.parametrize(("least", "step"), [(1, 1), (1.1, 2), (2.1, 2.5), (3, 5), (6, 10), (0.03, 0.05), (249, 250)])
def test_round_steps(least: float, step: float) -> None:
    assert round_step(least) == pytest.approx(step)


def test_ticks_as_they_are_written() -> None:
    assert [tick(v, "~s") for v in (0, 950, 1200, 3_000_000)] == ["0", "950", "1.2k", "3M"]
    assert [tick(v, "+.6~g") for v in (-5, 0, 0.5)] == ["−5", "0", "+0.5"]
    assert tick(0.1 + 0.2, ".6~g") == "0.3"
    assert tick(12345, ",d") == "12,345"


def test_scales_and_widths() -> None:
    assert Bands(("a", "b"), (0.0, 100.0))("b") == 75
    assert text_width("日本") > text_width("ii")
    assert text_width(fitted("a very long name indeed " * 5, 100)) <= 100
    assert fitted("short", 100) == "short"


@pytest.mark.slow
def test_vega_lite_itself_takes_every_specification(charts: dict[str, dict[str, Chart]], tmp_path: Path) -> None:
    """Compiles with the real thing, without a warning; GOODFIT_NODE_MODULES names a folder with vega and vega-lite in it."""
    modules, node = os.environ.get("GOODFIT_NODE_MODULES"), shutil.which("node")
    if not modules or node is None or not (Path(modules) / "vega-lite").is_dir():
        pytest.skip("no node with vega-lite: npm install vega vega-lite somewhere and set GOODFIT_NODE_MODULES")
    (tmp_path / "node_modules").symlink_to(modules)
    specs = {f"{kind}-{key}": chart["spec"] | {"width": 400} for kind, held in charts.items() for key, chart in held.items()}
    (tmp_path / "specs.json").write_text(json.dumps(specs))
    (tmp_path / "take.mjs").write_text(TAKE)
    answer = subprocess.run([node, "take.mjs"], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120)
    assert json.loads(answer.stdout) == dict.fromkeys(specs, [])


TAKE = """
import fs from 'fs'; import * as vl from 'vega-lite'; import * as vega from 'vega';
const said = {};
for (const [key, spec] of Object.entries(JSON.parse(fs.readFileSync('specs.json')))) {
  const words = said[key] = [];
  const keep = (...a) => { words.push(a.join(' ')); return logger; };
  const logger = {level: () => logger, warn: keep, error: keep, info: () => logger, debug: () => logger};
  try {
    await new vega.View(vega.parse(vl.compile(spec, {logger}).spec), {renderer: 'none'}).toSVG();
  } catch (error) { words.push(String(error)); }
}
console.log(JSON.stringify(said));
"""
