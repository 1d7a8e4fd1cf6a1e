"""@stage: what every line of `pipeline.fine_tune` has in common: a folder, a record, timing, resume, reuse, stops.

Layer: run. A stage is a function `(recipe, *results, run) -> Result`. It gets a view of the recipe with the sections that it
declared in `reads` (any other attribute raises, so the declaration cannot lie). Its fingerprint is the hash of those values, of
the Results it takes, of what `extra` adds (the data's content, the model's files) and of its version. A stage of this run with an
equal fingerprint is kept; one of the parent's, or of the workspace's, is linked and marked `reused_from`; else it is done.
"""

from __future__ import annotations

import functools
import shutil
import time
from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, Self, TypeVar

from goodfit.errors import GoodfitError, Interrupted, RunError, Stopped
from goodfit.files import link_tree, read_jsonl
from goodfit.finding import Finding, at_or_above, count
from goodfit.memory import give_back, resident_bytes
from goodfit.recipe import Recipe, view
from goodfit.run import FINDINGS, Run, RunRecord, StageRecord, digest, list_runs


class Result(Protocol):
    """What a stage returns: small, or a handle to files in the stage's folder."""

    fingerprint: str
    """Set by the stage machinery: the identity that later stages take up."""

    @classmethod
    def load(cls, run: Run) -> Self:
        """The Result from the run's folder; raises FileNotFoundError or ValueError where it is not whole."""


class PathEnd(Exception):  # noqa: N818 - not an error: the verb asked for no more
    """The stage that the verb asked for is done."""


R = TypeVar("R", bound=Result)
P = ParamSpec("P")
Extra = Callable[[Any, Run], Any]


def stage(
    name: str, *, result: type[R], version: int = 1, reads: tuple[str, ...] = (), extra: Extra | None = None, keep: bool = False
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Makes a stage of a function.

    `keep`: files that an earlier, unfinished attempt left in the folder stay (checkpoints to resume from).
    What opens the test set or names the run is never reused from another run (NEVER_REUSED).
    """

    def wrap(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            recipe, *results, run = args
            assert isinstance(recipe, Recipe)
            assert isinstance(run, Run)
            assert not kwargs, "stages take positional arguments only"
            doing = _Doing(name, result, version, recipe, run)
            doing.seen = view(recipe, reads)
            doing.parts = _parts(doing.seen, version, [r.fingerprint for r in results], extra(doing.seen, run) if extra else None)  # type: ignore[attr-defined]
            doing.inputs = digest([name, doing.parts])
            found = doing.kept() or doing.reused()
            if found is None:
                found = doing.done(lambda: function(doing.seen, *results, run), keep=keep)  # type: ignore[call-arg,arg-type]
            found.fingerprint = doing.inputs
            return doing.end(found)

        call.stage_name = name  # type: ignore[attr-defined]
        call.reads = reads  # type: ignore[attr-defined]
        return call

    return wrap


STAGES = ("split", "audit", "choose", "prepare", "tune", "train", "evaluate", "assess", "report")
"""The path in order; each is also a verb, a recipe section, a folder of the run, and a page of the docs."""
NEVER_REUSED = ("evaluate", "assess", "report")
STOPPING = ("split", "audit", "prepare", "train")
"""A finding at or above `fail_on` ends the path after these; later stages run to their end, and the run then exits 1."""


BEFORE = "what comes before it"


def _parts(seen: Recipe, version: int, before: list[str], files: Any) -> dict[str, str]:
    """What a stage is made from, by the words that say what changed."""
    sections = {f"`{name}` of the recipe": digest(value) for name, value in seen.resolved().items()}  # type: ignore[attr-defined]
    return {**sections, BEFORE: digest(before), "its files": digest(files), "Goodfit itself": str(version)}


class _Doing:
    """One stage of one run, being done."""

    inputs: str
    parts: dict[str, str]
    seen: Recipe

    def __init__(self, name: str, result: type[Any], version: int, recipe: Recipe, run: Run) -> None:
        self.name, self.result, self.version, self.recipe, self.run = name, result, version, recipe, run

    @property
    def record(self) -> StageRecord:
        return self.run.record.stages.setdefault(self.name, StageRecord())

    def kept(self) -> Any | None:
        """The Result of an earlier attempt of this very run."""
        if self.record.state not in ("done", "reused", "skipped"):
            return None
        if self.record.inputs != self.inputs:
            raise RunError(
                f"{self.run.id}: what {self.name} was made from has changed since (the data, decisions on its rows, the base model, or "
                "Goodfit itself)",
                fix="goodfit run RECIPE --new starts a fresh run",
            )
        return _load(self.result, self.run)

    def reused(self) -> Any | None:
        """The Result of the parent's or another run's stage with an equal fingerprint, linked into this run."""
        if self.name in NEVER_REUSED:
            return None
        for other in self._candidates:
            theirs = other.record.stages.get(self.name)
            if theirs is None or theirs.state not in ("done", "reused") or theirs.inputs != self.inputs:
                continue
            link_tree(other.path / self.name, self.run.path / self.name)
            found = _load(self.result, self.run)
            if found is None:
                shutil.rmtree(self.run.path / self.name, ignore_errors=True)
                continue
            self._set(state="reused", reused_from=theirs.reused_from or other.id, seconds=0.0)
            self._copy_facts(other.record)
            self.run.screen.stage(self.name, "reused", 0.0, f"from {self.record.reused_from}")
            return found
        return None

    @functools.cached_property
    def _candidates(self) -> list[Run]:
        """The other runs of the workspace, the parent first, then the newest."""
        others = [run for run in reversed(list_runs(self.run.workspace)) if run.id != self.run.id]
        return sorted(others, key=lambda run: run.id != self.run.record.parent)

    def _copy_facts(self, theirs: RunRecord) -> None:
        """What the reused stage wrote into its run's record belongs to this run too."""
        if self.name == "split":
            self.run.record.data = theirs.data
            self.run.record.test = theirs.test and {"fingerprint": theirs.test["fingerprint"], "models_scored": 0}
        if self.name == "train":
            self.run.record.model = theirs.model

    def done(self, work: Callable[[], R], *, keep: bool) -> R:
        """Does the stage's work, timed and recorded, whatever comes of it."""
        folder = self.run.path / self.name
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
        (folder / FINDINGS).unlink(missing_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        self._set(state="running", reused_from=None)
        self.run.screen.stage(self.name, "running", 0.0)
        begin, held = time.monotonic(), resident_bytes()
        try:
            found = work()
        except Interrupted:
            self._fail("pending", begin)
            raise
        except (GoodfitError, KeyboardInterrupt, MemoryError, OSError):
            self._fail("failed", begin)
            raise
        give_back(held)
        off = getattr(self.recipe, self.name, None) is False  # `audit: false`: the stage says that nothing was looked at
        self._set(
            state="skipped" if off else "done", seconds=round(time.monotonic() - begin, 3), reason=f"{self.name}: false" if off else None
        )
        self.run.screen.stage(self.name, self.record.state, self.record.seconds, self._why_again())
        return found

    def _why_again(self) -> str:
        """What differs from the parent run, which did this stage too; earlier stages are named only where nothing else differs."""
        if self.name in NEVER_REUSED:
            return ""
        parent = next((run for run in self._candidates if run.id == self.run.record.parent), None)
        theirs = parent.record.stages.get(self.name) if parent is not None else None
        if theirs is None or theirs.state not in ("done", "reused") or not theirs.parts:
            return ""
        changed = [word for word in self.parts if theirs.parts.get(word) != self.parts[word]]
        own = [word for word in changed if word != BEFORE]
        return f"again: {', '.join(own or changed)} changed" if changed else ""

    def _fail(self, state: Any, begin: float) -> None:
        self._set(state=state, seconds=round(time.monotonic() - begin, 3))
        self.run.screen.stage(self.name, state, self.record.seconds)

    def _set(self, **values: Any) -> None:
        record = self.record.model_copy(update={"inputs": self.inputs, "parts": self.parts, "version": self.version, **values})
        record.findings = count(self._findings())
        self.run.record.stages[self.name] = record
        self.run.save()

    def _findings(self) -> list[Finding]:
        return [Finding.model_validate(line) for line in read_jsonl(self.run.path / self.name / FINDINGS)]

    def end(self, found: R) -> R:
        """Stops the path where a finding says so, or where the verb asked for no more."""
        if self.name in STOPPING:
            bad = at_or_above(self._findings(), self.recipe.fail_on)
            if bad:
                worst = bad[0]
                more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
                raise Stopped(f"{worst.code}: {worst.title}{more}", fix=worst.fix or f"goodfit explain {worst.code}")
        if self.run.until == self.name:
            raise PathEnd(self.name)
        return found


def _load(result: type[Any], run: Run) -> Any | None:
    """The Result, or None where its files are not whole."""
    try:
        return result.load(run)
    except (FileNotFoundError, ValueError, KeyError):
        return None
