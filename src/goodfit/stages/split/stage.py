"""split: the story. Rows are read, looked at, divided, proven apart, counted, and from then on the test set is sealed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from goodfit.data.fingerprint import data_fingerprint
from goodfit.data.store import open_store
from goodfit.files import write_json
from goodfit.recipe import Recipe
from goodfit.run import Run
from goodfit.stage import stage
from goodfit.stages.split.assign import assign, check
from goodfit.stages.split.findings import findings_of
from goodfit.stages.split.hygiene import HYGIENE, repeats_of, write_hygiene
from goodfit.stages.split.inherit import lineage, parent_of, rules, settings
from goodfit.stages.split.look import look
from goodfit.stages.split.record import Origin, assignment_of, manifest_of, write_assignment, write_manifest
from goodfit.stages.split.sources import as_written, columns_of, shown_name, sources_of
from goodfit.stages.split.splits import Splits


def inputs(recipe: Recipe, run: Run) -> dict[str, Any]:
    """What a split depends on beside the recipe: the files' content, and the sides that it inherits."""
    data = data_fingerprint(sources_of(recipe.data, run.base), on_progress=_progress(run))
    return {"data": data, "lineage": lineage(recipe, run, data)}


@stage("split", result=Splits, version=2, reads=("seed", "task", "data", "groups", "split"), extra=inputs)
def split(recipe: Recipe, run: Run) -> Splits:
    """Divides the rows without leaks; writes assignment.parquet, manifest.json and hygiene; DataError (file, line, fix) where the
    data cannot be read or not be split.
    """
    origin = _read(recipe, run)
    seen = look(origin.store, recipe, origin.sources, on_progress=_progress(run))
    check(seen, recipe, ", ".join(shown_name(source.path, origin.names) for source in origin.sources))
    parent = parent_of(recipe, run, origin.data)
    division = assign(seen, recipe, origin.store.column("row"), parent)
    folder = run.folder("split")
    repeats = repeats_of(division, origin.store)
    write_json(folder / HYGIENE, write_hygiene(folder, division, origin, repeats))
    table = assignment_of(division, origin)
    write_assignment(folder, table)
    manifest = manifest_of(division, origin, table) | {
        "rules": rules(recipe), "settings": settings(recipe), "lineage": lineage(recipe, run, origin.data),
        "declared_labels": recipe.task.labels is not None,
        "inherited": {"from": parent.id, "rows": division.inherited} if parent else None,
    }  # fmt: skip
    write_manifest(folder, manifest)
    run.record.data = {"fingerprint": origin.data, "rows": manifest["used"], "splits": manifest["splits"]}
    run.record.test = {"fingerprint": manifest["test"], "models_scored": 0} if manifest["test"] else None
    run.report(findings_of(division, origin, manifest, folder))
    run.screen.say(summary(manifest))
    return Splits.load(run)


def summary(manifest: dict[str, Any]) -> str:
    """`  5,012 rows read: 3,500 train, 750 valid, 750 test; 12 not used (9 missing label, 3 empty text)`."""
    sides = ", ".join(f"{n:,} {name}" for name, n in manifest["splits"].items() if n)
    lost = sum(manifest["dropped"].values())
    reasons = ", ".join(f"{n:,} {reason.replace('_', ' ')}" for reason, n in manifest["dropped"].items())
    return f"  {manifest['read']:,} rows read: {sides}" + (f"; {lost:,} not used ({reasons})" if lost else "")


def _read(recipe: Recipe, run: Run) -> Origin:
    sources, columns = sources_of(recipe.data, run.base), columns_of(recipe)
    store = open_store(sources, columns, on_progress=_progress(run))
    return Origin(store, sources, columns, data_fingerprint(sources), as_written(recipe.data, run.base))


def _progress(run: Run) -> Callable[[int, int | None, str], None]:
    def tell(done: int, total: int | None, text: str) -> None:
        run.screen.progress(text, done, total)

    return tell
