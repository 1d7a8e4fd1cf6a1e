"""Run: one folder on disk, and everything that is known of it. Every file name of a run is a constant here.

Layer: run (nouns, files and ledger only; no torch). A run is written by one process (`run.lock`), its JSON files appear whole or
not at all, its JSONL files only grow. The sealed test set has its one door here: `Run.unseal`.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import secrets
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Protocol

import pyarrow.compute as pc
import pyarrow.parquet as pq
from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field, ValidationError

import goodfit
from goodfit import ledger
from goodfit.errors import RunError, machine_error, nearest
from goodfit.files import append_jsonl, read_json, read_jsonl, write_atomic, write_json
from goodfit.finding import Finding

RECIPE = "recipe.yaml"
RESOLVED = "resolved.yaml"
RECORD = "run.json"
LOCK = "run.lock"
LOG = "log.txt"
FINDINGS = "findings.jsonl"
ASSIGNMENT = "assignment.parquet"
DECISIONS = "decisions.jsonl"
MANIFEST = "manifest.json"
PROFILE = "profile.json"
SUSPECTS = "suspects.parquet"
FIRST_SUSPECTS = "first.jsonl"
CANDIDATES = "candidates.json"
PLAN = "plan.json"
TRIALS = "trials"
TRIALS_FILE = "trials.jsonl"
SEARCH = "search.json"
MEASURED = "measured.json"
EVENTS = "events.jsonl"
BEST = "best.json"
CHECKPOINTS = "checkpoints"
LOOKS = "looks"
LOSSES = "losses.parquet"
LOOKED_AT = "looked_at.parquet"
DATAMAP = "datamap.parquet"
MODEL = "model"
FOLDS = "folds"
"""Folder of train, and the name of all rows as folds' models answer them."""
SCORES = "scores.json"
PREDICTIONS = "predictions.parquet"
MISTAKES = "mistakes.jsonl"
CONFUSIONS = "confusions.jsonl"
GAPS = "gaps.json"
CONTEXTS = "contexts.jsonl"
SWAPPED = "swapped.jsonl"
SAMPLES = "samples.jsonl"
SHOWN = "shown.jsonl"
REVIEW = "review"
REVIEW_RESULTS = "results.json"
REPORT_HTML = "report.html"
REPORT_JSON = "report.json"
CARD = "README.md"
DATA_CARD = "DATACARD.md"

RunStatus = Literal["running", "interrupted", "partial", "failed", "stopped", "done"]
StageState = Literal["pending", "running", "done", "reused", "skipped", "failed"]


class Screen(Protocol):
    """Where a run tells people what it does; the CLI gives a live one, tests none."""

    def stage(self, name: str, state: StageState, seconds: float, note: str = "") -> None:
        """A stage began, ended, was reused or failed."""

    def progress(self, what: str, done: float, total: float | None, note: str = "") -> None:
        """Part of a stage's work is done; `total` None where it is not known."""

    def event(self, event: dict[str, Any]) -> None:
        """A training event (SCHEMAS: events.jsonl)."""

    def say(self, text: str) -> None:
        """A sentence worth reading."""


class Silent:
    """A Screen that shows nothing."""

    def stage(self, name: str, state: StageState, seconds: float, note: str = "") -> None:
        """Nothing."""

    def progress(self, what: str, done: float, total: float | None, note: str = "") -> None:
        """Nothing."""

    def event(self, event: dict[str, Any]) -> None:
        """Nothing."""

    def say(self, text: str) -> None:
        """Nothing."""


class StageRecord(BaseModel):
    """What is known of one stage of a run."""

    model_config = ConfigDict(extra="allow")

    state: StageState = "pending"
    version: int = 1
    seconds: float = 0.0
    inputs: str | None = None
    """Hash of all that it was made from."""
    parts: dict[str, str] = Field(default_factory=dict)
    """The same by part, so that a later run can say what changed."""
    reused_from: str | None = None
    reason: str | None = None
    findings: dict[str, int] = Field(default_factory=lambda: {"error": 0, "warning": 0, "note": 0})


class RunRecord(BaseModel):
    """run.json (SCHEMAS: run.json)."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)

    schema_: Literal["goodfit/run/1"] = Field("goodfit/run/1", alias="schema")
    id: str
    name: str
    parent: str | None = None
    proposal: str | None = None
    status: RunStatus = "running"
    created: str
    finished: str | None = None
    attempts: int = 0
    base: str = "."
    """Folder that relative data paths of the recipe start from."""
    guessed: bool = False
    """There is no recipe file: the recipe is the one that `init` would write for a data file."""
    recipe_hash: str
    overrides: list[str] = Field(default_factory=list)
    """`key=value` words of the command, applied to recipe.yaml."""
    resolved: dict[str, Any] = Field(default_factory=dict)
    """Dotted key -> what a stage made of `auto` (they stand in resolved.yaml)."""
    data: dict[str, Any] = Field(default_factory=dict)
    test: dict[str, Any] | None = None
    stages: dict[str, StageRecord] = Field(default_factory=dict)
    model: dict[str, Any] | None = None
    goodfit: str = goodfit.__version__
    commit: str | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    hardware: dict[str, Any] = Field(default_factory=dict)
    error: dict[str, Any] | None = None


@dataclass(frozen=True)
class TestKey:
    """What `Run.unseal` returns: without it the reader in data/ refuses test rows."""

    __test__ = False  # not a pytest class

    fingerprint: str
    reason: str
    looks: ledger.Looks


class Run:
    """One run folder. Make one with `Run.create`, open one with `Run.open`, find one with `find`."""

    def __init__(self, path: Path, record: RunRecord, screen: Screen | None = None) -> None:
        self.path = path
        self.record = record
        self.screen: Screen = screen or Silent()
        self.until: str | None = None
        self._lock = FileLock(str(path / LOCK), blocking=False)

    # -- making and opening -------------------------------------------------------------------------------------------

    @classmethod
    def create(cls, workspace: Path, *, name: str, recipe_text: str, base: Path, **facts: Any) -> Run:
        """A new folder `<workspace>/<date>-<name>-<4 hex>` with the recipe as it was written; `facts` go to its record."""
        now = datetime.now(UTC)
        run_id = f"{now:%Y-%m-%d}-{name}-{secrets.token_hex(2)}"
        path = workspace / run_id
        try:
            path.mkdir(parents=True)
        except OSError as error:
            raise machine_error(error, "making the run folder", path) from error
        with write_atomic(path / RECIPE) as handle:
            handle.write(recipe_text)
        record = RunRecord(
            id=run_id, name=name, created=_stamp(fraction=True), base=str(base.resolve()), **facts,
            commit=_commit(), versions=_versions(), hardware=hardware(),
        )  # fmt: skip
        run = cls(path, record)
        run.save()
        return run

    @classmethod
    def open(cls, path: Path) -> Run:
        """The run in a folder; a RunError says what is wrong with one that cannot be read."""
        file = path / RECORD
        if not file.is_file():
            raise RunError(f"{path} is not a run: it has no {RECORD}", fix="goodfit list")
        try:
            return cls(path, RunRecord.model_validate(read_json(file)))
        except (json.JSONDecodeError, ValidationError, UnicodeDecodeError) as error:
            raise RunError(f"{file} is damaged, or of a newer Goodfit: {str(error).splitlines()[0]}") from error

    def save(self) -> None:
        """Writes run.json."""
        write_json(self.path / RECORD, self.record.model_dump(mode="json", by_alias=True))

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.record.id

    @property
    def workspace(self) -> Path:
        """The folder of runs."""
        return self.path.parent

    @property
    def base(self) -> Path:
        """Where relative data paths start."""
        return Path(self.record.base)

    def folder(self, stage: str) -> Path:
        """The stage's folder, made if needed."""
        path = self.path / stage
        path.mkdir(parents=True, exist_ok=True)
        return path

    # -- one writer ---------------------------------------------------------------------------------------------------

    def __enter__(self) -> Run:
        """Takes run.lock; another process that holds it is named. A lock left by a dead process does not count."""
        owner = self.path / f"{LOCK}.owner"
        try:
            self._lock.acquire()
        except Timeout as error:
            who = owner.read_text(encoding="utf-8").strip() if owner.exists() else "another process"
            raise RunError(
                f"{self.id} is being written by {who}", fix="wait for it, or stop that process; the same command then resumes"
            ) from error
        except OSError as error:
            raise machine_error(error, "locking", self.path) from error
        self.record = Run.open(self.path).record
        owner.write_text(f"process {os.getpid()} on {platform.node()}\n", encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        """Gives the lock back."""
        (self.path / f"{LOCK}.owner").unlink(missing_ok=True)
        self._lock.release()

    # -- findings, log ------------------------------------------------------------------------------------------------

    def findings(self, stage: str | None = None) -> list[Finding]:
        """The findings of one stage, or of all."""
        names = [stage] if stage else [*self.record.stages]
        lines = [line for name in names for line in read_jsonl(self.path / name / FINDINGS)]
        return [Finding.model_validate(line) for line in lines]

    def report(self, findings: Iterable[Finding]) -> list[Finding]:
        """Appends findings to their stages' files, and counts them."""
        listed = list(findings)
        for finding in listed:
            append_jsonl(self.path / finding.stage / FINDINGS, [finding.to_json()])
        return listed

    def finish(self, status: RunStatus) -> None:
        """Sets the status; `finished` is the time where the path has ended."""
        self.record.status = status
        self.record.finished = None if status in ("running", "interrupted", "partial") else _stamp()
        self.save()

    def resolve(self, values: dict[str, Any]) -> None:
        """What a stage made of the recipe's `auto`: dotted key -> value."""
        self.record.resolved |= values
        self.save()

    def log(self, text: str) -> None:
        """One line in log.txt, with the time."""
        with (self.path / LOG).open("a", encoding="utf-8") as handle:
            handle.write(f"{_stamp()} {text}\n")

    # -- the sealed test set ------------------------------------------------------------------------------------------

    def unseal(self, reason: str, *, stage: str) -> TestKey:
        """The one door to the test rows: writes the ledger, then returns the key (evaluate and assess only; a test holds that)."""
        assignment = pq.read_table(self.path / "split" / ASSIGNMENT, columns=["row", "split"])
        rows = assignment.filter(pc.equal(assignment["split"], "test"))["row"].combine_chunks()
        fingerprint = str((self.record.test or {}).get("fingerprint"))
        look = {"run": self.id, "model": self._model_key(), "stage": stage, "reason": reason}
        found = ledger.record(self.workspace, test=fingerprint, rows=rows, look=look)
        self.record.test = {"fingerprint": fingerprint, "models_scored": found.models_scored}
        self.save()
        return TestKey(fingerprint, reason, found)

    def _model_key(self) -> str:
        """What the weights were made from; runs that reuse them share it."""
        trained = self.record.stages.get("train")
        return (trained.inputs if trained else None) or self.id


def find(workspace: Path, reference: str) -> Run:
    """The run meant by a folder, an id, a unique prefix of one, or `last`."""
    direct = Path(reference)
    if direct.is_dir() and (direct / RECORD).is_file():
        return Run.open(direct)
    runs = list_runs(workspace)
    if reference == "last":
        if not runs:
            raise RunError(f"there is no run in {workspace}", fix="goodfit run RECIPE, or --workspace FOLDER")
        return runs[-1]
    matching = [run for run in runs if run.id == reference] or [run for run in runs if run.id.startswith(reference)]
    if len(matching) == 1:
        return matching[0]
    if matching:
        listed = ", ".join(run.id for run in matching[:4])
        raise RunError(f"{reference!r} fits {len(matching)} runs: {listed}", fix="give more of the id")
    near = nearest(reference, ["last", *(run.id for run in runs)])
    raise RunError(f"{reference!r} is no run of {workspace}", fix=f"did you mean {near}? (goodfit list)" if near else "goodfit list")


def list_runs(workspace: Path) -> list[Run]:
    """Every readable run of a workspace, oldest first."""
    if not workspace.is_dir():
        return []
    out = []
    for path in sorted(workspace.iterdir()):
        if (path / RECORD).is_file():
            try:
                out.append(Run.open(path))
            except RunError:
                continue
    return sorted(out, key=lambda run: (run.record.created, run.id))


def digest(value: Any) -> str:
    """`b2:` and 16 hex of blake2b over canonical JSON: the form of every fingerprint."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=str)
    return "b2:" + hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def hardware() -> dict[str, Any]:
    """Processor, threads that may be used, memory in GB; `gpu` is filled by the stage that uses one."""
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30 if hasattr(os, "sysconf") else None
    return {"cpu": _cpu(), "threads": threads, "memory_gb": round(memory) if memory else None, "gpu": None}


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _versions() -> dict[str, str]:
    out = {"python": platform.python_version()}
    for name in ("torch", "transformers", "peft", "tokenizers", "numpy", "scikit-learn"):
        try:
            out[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return out


def _commit() -> str | None:
    """The commit of Goodfit's own checkout, when it is run from one."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists() or shutil.which("git") is None:
        return None
    command: Sequence[str] = ["git", "-C", str(root), "rev-parse", "--short", "HEAD"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    return answer.stdout.strip() or None


def _stamp(*, fraction: bool = False) -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f" if fraction else "%Y-%m-%dT%H:%M:%S")[: 23 if fraction else 19] + "Z"
