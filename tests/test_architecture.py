"""The shape of the code, held: import law, sizes, the sealed door, the frozen command line, an instant --help."""

from __future__ import annotations

import ast
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from goodfit.cli import VERBS, main
from goodfit.stage import STAGES

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "goodfit"
FILES = sorted(SOURCE.rglob("*.py"))
HEAVY = {"torch", "transformers", "peft", "pandas", "sklearn", "scipy"}

LAYERS: list[set[str]] = [
    {"errors", "score", "finding", "recipe", "files", "pages", "__init__"},
    {"run", "ledger", "memory", "schemas", "settings", "statistics", "stage"},
    {"data", "monitor"},
    {"models"},
    {"engine"},
    {"tasks"},
    {"stages"},
    {"pipeline", "init", "check", "predict"},
    {"improve"},
    {"serve", "studio"},
    {"cli", "__main__"},
]
"""Left never imports right; data and monitor do not import each other."""
NOUNS = ("errors.py", "score.py", "finding.py", *(f"recipe/{path.name}" for path in sorted((SOURCE / "recipe").glob("*.py"))))
TORCH_FREE = ("monitor", "settings", "statistics", "data", "cli", "stages/report")


def place(path: Path) -> str:
    """`stages/report/collect.py` -> `stages`; `run.py` -> `run`."""
    first = path.relative_to(SOURCE).parts[0]
    return first.removesuffix(".py")


def layer(name: str) -> int:
    for number, names in enumerate(LAYERS):
        if name in names:
            return number
    raise AssertionError(f"{name} has no place in the import law: add it to LAYERS knowingly")


def imports(path: Path, *, typing_too: bool = True) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = set()
    if not typing_too:
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
                skipped |= {id(inner) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module == "goodfit":
                yield from (f"goodfit.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_import_law(path: Path) -> None:
    """Nouns <- run, settings, statistics, stage <- data, monitor <- models <- engine <- tasks <- stages <- pipeline … <- cli."""
    mine = place(path)
    for name in imports(path, typing_too=path.name != "__init__.py"):
        parts = name.split(".")
        if parts[0] != "goodfit" or len(parts) == 1 or parts[1] == "__version__":
            continue
        theirs = parts[1]
        assert layer(theirs) <= layer(mine), f"{path.name} ({mine}) imports {name}, which stands to its right"
        assert {mine, theirs} != {"data", "monitor"}, "data and monitor do not import each other"


@pytest.mark.parametrize("path", sorted((SOURCE / "stages").rglob("*.py")), ids=lambda p: str(p.relative_to(SOURCE)))
def test_no_stage_imports_a_stage(path: Path) -> None:
    parts = path.relative_to(SOURCE / "stages").parts
    if len(parts) < 2:
        return
    for name in imports(path, typing_too=False):
        if name.startswith("goodfit.stages."):
            assert name.split(".")[2] == parts[0], f"{path} imports {name}: a stage takes another's Result as an argument"


@pytest.mark.parametrize("name", NOUNS)
def test_nouns_stand_alone(name: str) -> None:
    allowed = sys.stdlib_module_names | {"pydantic", "goodfit"}
    assert {n.split(".")[0] for n in imports(SOURCE / name)} <= allowed


def test_torch_stays_behind_its_wall() -> None:
    for path in FILES:
        relative = path.relative_to(SOURCE).as_posix()
        if relative.startswith(TORCH_FREE) or "/" not in relative:
            found = {n.split(".")[0] for n in imports(path)} & {"torch", "transformers", "peft"}
            assert not found, f"{relative} imports {found}"


def test_one_door_to_the_test_rows() -> None:
    """Only evaluate (and later assess) may unseal; only the run makes keys."""
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        relative = path.relative_to(SOURCE).as_posix()
        if ".unseal(" in text:
            assert relative.startswith(("stages/evaluate", "stages/assess")), f"{relative} unseals the test set"
        if "TestKey(" in text:
            assert relative == "run.py"


def test_no_task_is_asked_for_outside_tasks() -> None:
    for path in FILES:
        if place(path) in ("tasks", "recipe", "settings"):
            continue
        text = path.read_text(encoding="utf-8")
        assert "task.kind ==" not in text and "if task ==" not in text, f"{path} asks which task it is"


def test_sizes() -> None:
    lengths = []
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= 400, f"{path} has more than 400 lines"
        tree = ast.parse(text)
        assert not text.strip() or ast.get_docstring(tree), f"{path} does not say what it is"
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lengths.append((_body(node), f"{path.relative_to(SOURCE)}:{node.name}"))
                names = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs) if a.arg not in ("self", "cls")]
                assert len(names) <= 6 or "command" in node.name, f"{path}:{node.name} has {len(names)} parameters"
    over = [entry for entry in lengths if entry[0] > 50]
    assert not over, over
    assert sum(n > 40 for n, _ in lengths) <= 0.02 * len(lengths)


def _body(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert node.end_lineno is not None
    length = node.end_lineno - node.lineno + 1
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        assert first.end_lineno is not None
        length -= first.end_lineno - first.lineno + 1
    return length


def test_help_is_light() -> None:
    probe = (
        "import sys, runpy; sys.argv=['goodfit','--help']\n"
        "try:\n    runpy.run_module('goodfit', run_name='__main__')\nexcept SystemExit:\n    pass\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)))"
    )
    begin = time.process_time()
    out = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert time.process_time() - begin < 5  # of this process: a guard against a hang, not a measurement
    assert out.stdout.strip().endswith("[]"), out.stdout


SURFACE = {
    "run": {"target", "overrides", "workspace", "new", "quiet", "as_json"},
    "init": {"data", "out", "text", "label", "force", "as_json"},
    "check": {"target", "overrides", "as_json"},
    "predict": {"reference", "texts", "file", "out", "force", "abstain_at", "sets", "workspace", "as_json"},
    "confirm": {"reference", "workspace", "quiet", "as_json"},
    "chat": {"references", "workspace", "system", "max_new_tokens", "temperature", "top_p", "seed"},
    "list": {"workspace", "as_json"},
    "show": {"reference", "stage", "row", "workspace", "as_json"},
    "watch": {"reference", "workspace", "as_json"},
    "compare": {"references", "workspace", "as_json"},
    "iterate": {"reference", "place", "loop", "budget", "pool", "workspace", "quiet", "as_json"},
    "review": {"references", "of", "reviewer", "prefer", "rate", "items", "sample", "show_results", "web", "port", "workspace", "as_json"},
    "judge": {"reference", "model", "base_url", "key_env", "name", "yes", "workspace", "as_json"},
    "explain": {"code", "as_json"},
    "doctor": {"workspace", "as_json"},
}
SURFACE |= dict.fromkeys(STAGES, SURFACE["run"])
SURFACE["prepare"] = SURFACE["run"] | {"show"}
SURFACE["split"] = SURFACE["run"] | {"fresh_test"}
SURFACE["evaluate"] = SURFACE["run"] | {"against"}
SURFACE["assess"] = SURFACE["run"] | {"plan"}
SURFACE["audit"] = SURFACE["run"] | {"fix", "drop_duplicates", "undoing", "out", "force"}


def test_command_line_is_frozen() -> None:
    """No flag per recipe key: `key.sub=value` overrides. A new flag is added here knowingly."""
    assert set(VERBS) == set(SURFACE)
    context = click.Context(main)
    for name, wanted in SURFACE.items():
        command = main.get_command(context, name)
        assert command is not None
        assert {p.name for p in command.params} == wanted, name


def test_every_stage_is_a_verb_a_folder_and_a_section() -> None:
    from goodfit.recipe import Recipe

    for stage in STAGES:
        assert stage in VERBS
        assert (SOURCE / "stages" / stage).is_dir()
        assert stage in Recipe.model_fields or stage == "tune"
