"""split: the story. Rows are read, looked at, divided, decided, proven apart, counted, and from then on the test set is sealed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from goodfit.data.beside import Beside, decisions_of
from goodfit.data.decisions import Decisions
from goodfit.data.fingerprint import data_fingerprint
from goodfit.data.identity.match import Matcher
from goodfit.data.store import open_store
from goodfit.errors import SettingsError
from goodfit.files import write_json, write_jsonl
from goodfit.recipe import Recipe
from goodfit.run import DECISIONS, Run
from goodfit.stage import stage
from goodfit.stages.split.decide import divide, opened_rows
from goodfit.stages.split.findings import findings_of
from goodfit.stages.split.findings_decided import findings_on
from goodfit.stages.split.hygiene import HYGIENE, repeats_of, write_hygiene
from goodfit.stages.split.inherit import content_of, lineage, parent_of, rules, settings
from goodfit.stages.split.named import lists_of, named_counts
from goodfit.stages.split.record import Origin, assignment_of, manifest_of, write_assignment, write_manifest
from goodfit.stages.split.sources import as_written, columns_of, sources_of
from goodfit.stages.split.splits import Splits


def inputs(recipe: Recipe, run: Run) -> dict[str, Any]:
    """What a split depends on beside the recipe: the files' content, what was decided of rows, and the sides that it inherits."""
    data = data_fingerprint(sources_of(recipe.data, run.base), on_progress=_progress(run))
    decided = _decisions(recipe, run)[0].fingerprint
    found = {"data": data, "lineage": lineage(recipe, run, content_of(data, decided))}
    terms = {axis: asdict(listed) for axis, listed in lists_of(recipe, run.base).items()}
    return found | ({} if decided is None else {"decisions": decided}) | ({"terms": terms} if terms else {})


@stage("split", result=Splits, version=2, reads=("seed", "task", "data", "groups", "split"), extra=inputs)
def split(recipe: Recipe, run: Run) -> Splits:
    """Divides the rows without leaks; writes assignment.parquet, manifest.json and hygiene; DataError (file, line, fix) where the
    data cannot be read or not be split.
    """
    decisions = _decisions(recipe, run)
    origin = _read(recipe, run)
    content = content_of(origin.data, decisions[0].fingerprint)
    parent = parent_of(recipe, run, content)
    if recipe.split.fresh_test and parent is None:
        raise SettingsError("split.fresh_test: there is no earlier run, divided by the same rules, whose test rows could be replaced",
                            fix="goodfit split RUN --fresh-test, on the run whose test rows are spent")  # fmt: skip
    origin, division, ruling = divide(origin, recipe, decisions, parent, opened_rows(run), on_progress=_progress(run))
    folder = run.folder("split")
    if ruling.changing:
        write_jsonl(folder / DECISIONS, [decision.to_json() for decision in ruling.changing.values()])
    repeats = repeats_of(division, origin.store)
    write_json(folder / HYGIENE, write_hygiene(folder, division, origin, repeats))
    table = assignment_of(division, origin)
    write_assignment(folder, table)
    manifest = manifest_of(division, origin, table) | {
        "rules": rules(recipe), "settings": settings(recipe), "lineage": lineage(recipe, run, content),
        "declared_labels": recipe.task.labels is not None,
        "inherited": {"from": parent.id, "rows": division.inherited} if parent else None, "decisions": ruling.to_json(),
    }  # fmt: skip
    manifest["groups"] |= {axis: named_counts(division, origin, Matcher(terms)) for axis, terms in lists_of(recipe, run.base).items()}
    write_manifest(folder, manifest)
    run.record.data = {"fingerprint": origin.data, "rows": manifest["used"], "splits": manifest["splits"]}
    if ruling.fingerprint:
        run.record.data["decisions"] = ruling.fingerprint
    run.record.test = {"fingerprint": manifest["test"], "models_scored": 0} if manifest["test"] else None
    run.report([*findings_of(division, origin, manifest, folder), *findings_on(ruling)])
    run.screen.say(summary(manifest))
    return Splits.load(run)


def summary(manifest: dict[str, Any]) -> str:
    """`  5,012 rows read: 3,500 train, 750 valid, 750 test; 12 not used (9 missing label, 3 empty text)`."""
    sides = ", ".join(f"{n:,} {name}" for name, n in manifest["splits"].items() if n)
    lost = sum(manifest["dropped"].values())
    reasons = ", ".join(f"{n:,} {reason.replace('_', ' ')}" for reason, n in manifest["dropped"].items())
    told = f"  {manifest['read']:,} rows read: {sides}" + (f"; {lost:,} not used ({reasons})" if lost else "")
    return told + decided_words(manifest.get("decisions"))


def decided_words(decided: dict[str, Any] | None) -> str:
    """`; decided: 30 relabelled, 8 dropped`, and what could not be; nothing where there are no decisions."""
    if decided is None:
        return ""
    counts = {DONE[action]: n for action, n in decided["applied"].items()}
    counts |= {words: decided[key] for key, words in NOT_DONE.items() if decided[key]}
    return "; decided: " + (", ".join(f"{n:,} {words}" for words, n in counts.items()) or "nothing that changes a row")


DONE = {"relabel": "relabelled", "drop": "dropped", "mask": "masked"}
NOT_DONE = {"unknown": "of rows that are not in the data", "refused": "refused (test rows)"}


def _decisions(recipe: Recipe, run: Run) -> tuple[Decisions, Beside]:
    return decisions_of(recipe.data, run.base, guessed=run.record.guessed)


def _read(recipe: Recipe, run: Run) -> Origin:
    sources, columns = sources_of(recipe.data, run.base), columns_of(recipe)
    store = open_store(sources, columns, on_progress=_progress(run))
    return Origin(store, sources, columns, data_fingerprint(sources), as_written(recipe.data, run.base))


def _progress(run: Run) -> Callable[[int, int | None, str], None]:
    def tell(done: int, total: int | None, text: str) -> None:
        run.screen.progress(text, done, total)

    return tell
