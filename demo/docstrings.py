"""Makes the data of `make demo-generate` from the Python that runs it: functions of the standard library and the summaries people wrote.

`python demo/docstrings.py FOLDER` writes FOLDER/docstrings.jsonl, one line per function or method:

    function   its source without the docstring
    summary    the first sentence of its docstring
    module     the module that it stands in; the split keeps each on one side
    name       its name, with the module's
    task       what is asked, the same for all

and FOLDER/retain.jsonl: paragraphs of the Python language reference (one topic, one text), prose that the model must not forget.

The standard library is under the PSF licence; nothing of it is kept in this repository. Left out: tests, functions longer than
`LONGEST` characters, summaries that are not one sentence, and all but the first of functions with the same summary in one module. At most
`PER_MODULE` functions of one module, so that no single one decides.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import sys
import sysconfig
import textwrap
from collections.abc import Iterator
from pathlib import Path
from pydoc_data.topics import topics

TASK = "Write the first sentence of this Python function's docstring."
LEFT_OUT = {
    "test",
    "tests",
    "idlelib",
    "lib2to3",
    "site-packages",
    "dist-packages",
    "turtledemo",
    "pydoc_data",
    "__pycache__",
    "antigravity",
}
LONGEST, SHORTEST = 280, 60
"""Characters of a function's source."""
WORDS = (4, 20)
"""Words of a summary."""
PER_MODULE = 16
ROWS = 1600
"""Rows kept: the demo ends in minutes on two cores."""
PROSE = 800
"""Characters of a topic's prose."""


def modules(root: Path) -> Iterator[tuple[str, Path]]:
    """(dotted name, file) of every module of the standard library, in order."""
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if not LEFT_OUT.intersection(parts) and not parts[0].startswith(("config-", "_sysconfigdata")):
            yield ".".join(parts).removesuffix(".__init__"), path


def summary_of(docstring: str) -> str | None:
    """The first sentence, where the docstring begins with one."""
    line = " ".join(docstring.strip().split("\n\n", 1)[0].split())
    sentence = re.match(r"[A-Z][^.]*(?:\.(?=\w)[^.]*)*\.(?=\s|$)", line)
    if sentence is None or not WORDS[0] <= len(sentence[0].split()) <= WORDS[1]:
        return None
    return sentence[0]


def functions(tree: ast.AST, inside: str = "") -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """(dotted name, function) of a module, methods too."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{inside}.{node.name}" if inside else node.name
            if not isinstance(node, ast.ClassDef):
                yield name, node
            yield from functions(node, name)


def source_of(text: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> str | None:
    """The function without its docstring, from the first column on; None where nothing is left but that."""
    rest = node.body[1:]
    if not rest:
        return None
    lines = text.splitlines()
    docstring = node.body[0]
    first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
    kept = lines[first - 1 : docstring.lineno - 1] + lines[docstring.end_lineno : node.end_lineno]
    return textwrap.dedent("\n".join(line.rstrip() for line in kept)).strip("\n")


def rows(root: Path) -> Iterator[dict[str, str]]:
    """Every function with a summary."""
    for module, path in modules(root):
        try:
            text = path.read_text(encoding="utf-8")
            tree = ast.parse(text)
        except (SyntaxError, UnicodeDecodeError):
            continue
        for name, node in functions(tree):
            docstring = ast.get_docstring(node)
            summary = summary_of(docstring) if docstring else None
            source = source_of(text, node) if summary else None
            if summary and source and SHORTEST <= len(source) <= LONGEST:
                yield {"function": source, "summary": summary, "module": module, "name": f"{module}.{name}", "task": TASK}


def chosen(found: list[dict[str, str]]) -> list[dict[str, str]]:
    """At most `PER_MODULE` of each module, `ROWS` in all, drawn by a hash of their names; a summary counts once in a module."""
    seen: dict[str, set[str]] = {}
    kept: list[dict[str, str]] = []
    for row in sorted(found, key=lambda row: hashlib.sha256(row["name"].encode()).hexdigest()):
        summaries = seen.setdefault(row["module"], set())
        if len(summaries) < PER_MODULE and row["summary"] not in summaries:
            summaries.add(row["summary"])
            kept.append(row)
    return sorted(kept[:ROWS], key=lambda row: row["name"])


def retained() -> list[dict[str, str]]:
    """Prose of each topic of the language reference: its paragraphs of plain sentences, up to `PROSE` characters."""
    out = []
    for name, text in sorted(topics.items()):
        paragraphs = [" ".join(block.split()) for block in text.split("\n\n")]
        prose = "\n\n".join(p for p in paragraphs if len(p) > 200 and p[0].isupper() and p.endswith(".") and "::=" not in p)
        if len(prose) > 400:
            out.append({"text": prose[:PROSE], "topic": name})
    return out


def written(path: Path, table: list[dict[str, str]]) -> Path:
    """The file, complete or not there."""
    partial = path.with_suffix(".tmp")
    partial.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in table), encoding="utf-8")
    return partial.replace(path)


def main() -> None:
    """Writes the rows, and says what they are."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".demo")
    folder.mkdir(parents=True, exist_ok=True)
    table = chosen(list(rows(Path(sysconfig.get_paths()["stdlib"]))))
    if not table:
        sys.exit("this Python has no sources of its standard library: the demo has no data")
    written(folder / "retain.jsonl", retained())
    target = written(folder / "docstrings.jsonl", table)
    modules_seen, version = len({row["module"] for row in table}), sys.version.split()[0]
    print(f"{target}: {len(table):,} functions of {modules_seen} modules of Python {version}, with the first sentence of their docstrings")


if __name__ == "__main__":
    main()
