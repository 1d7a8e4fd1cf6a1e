"""The search's memory and its sampler: an Optuna study in a file of the run, or in a database that several machines share.

Part of tune. The study is always maximised: its value is the validation score, or the loss with its sign changed. Each trial has a sampler
of its own, seeded by (seed, trial): a search that was cut and resumed draws what an uninterrupted one would have drawn. The journal file
is written by one process at a time, and survives a kill at any instant.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, TrialState

from goodfit.errors import MachineError, SettingsError, first_line
from goodfit.recipe import Peft, Range
from goodfit.recipe.tune import is_whole
from goodfit.stages.tune.space import Point, Space, matters, spread

JOURNAL = "study.journal"
FEW = 12
"""Trials up to which points are spread evenly, and from which (with those of earlier runs) a model of them is worth having."""
DEFAULT, OWNER, WARM, PLACE, FIXED = "default", "run", "warm", "place", "point"
"""Attributes of a trial; `point`: its parameters, where no sampler draws them."""
Sampler = Literal["tpe", "gp", "qmc", "random"]


def open_study(storage: str | None, folder: Path, name: str) -> optuna.Study:
    """The study of that name, made where it is not there; SettingsError where the database cannot be reached or its driver is absent."""
    with quietly():
        if storage is None:
            file = folder / JOURNAL
            lock = JournalFileOpenLock(str(file))
            backend = JournalFileBackend(str(file), lock_obj=lock)
            return optuna.create_study(
                storage=optuna.storages.JournalStorage(backend), study_name=name, direction="maximize", load_if_exists=True
            )
        try:
            return optuna.create_study(storage=storage, study_name=name, direction="maximize", load_if_exists=True)
        except ImportError as error:
            raise SettingsError(f"tune.storage: {first_line(error)}", fix="pip install the driver of that database") from error
        except Exception as error:  # SQLAlchemy's and the drivers' errors have no common root
            raise SettingsError(
                f"tune.storage: {shown(storage)} cannot be used ({type(error).__name__}: {first_line(error)[:200]})",
                fix="an address as Optuna takes it, for example postgresql://user@host/name; or leave tune.storage out",
            ) from error


def mend(folder: Path) -> None:
    """Cut off what a kill left of a half-written last line; for the one process that begins or resumes a search, before it opens it."""
    file = folder / JOURNAL
    folder.mkdir(parents=True, exist_ok=True)
    held = file.read_bytes() if file.is_file() else b""
    if held and not held.endswith(b"\n"):
        with file.open("r+b") as handle:
            handle.truncate(held.rfind(b"\n") + 1)


def shown(storage: str) -> str:
    """The address without a password."""
    head, at, rest = storage.rpartition("@")
    return f"{head.split('://')[0]}://…@{rest}" if at else storage


def distribution(tried: Range, key: str) -> BaseDistribution:
    """A range as Optuna writes it."""
    if tried.choices:
        return CategoricalDistribution(tried.choices)
    assert tried.low is not None
    assert tried.high is not None
    if is_whole(key):
        return IntDistribution(int(tried.low), int(tried.high), log=tried.log, step=int(tried.step or 1))
    return FloatDistribution(tried.low, tried.high, log=tried.log, step=tried.step)


def sampler_for(asked: str, trials: int, known: int) -> Sampler:
    """`auto` by the number of trials, those of earlier runs included."""
    if asked != "auto":
        return asked  # type: ignore[return-value]
    return "qmc" if trials <= FEW and known < FEW else "tpe"


def _sampler(name: Sampler, trials: int, seed: int) -> Any:
    if name == "gp":
        return optuna.samplers.GPSampler(seed=seed, deterministic_objective=False)
    if name == "tpe":
        startup = max(5, min(10, trials // 3))
        return optuna.samplers.TPESampler(multivariate=True, group=True, constant_liar=True, n_startup_trials=startup, seed=seed)
    return optuna.samplers.RandomSampler(seed=seed)


class Asked:
    """One trial of the study, asked for and not told yet."""

    def __init__(self, number: int, trial_id: int, point: Point, *, default: bool) -> None:
        self.number, self.trial_id, self.point, self.default = number, trial_id, point, default


class Searcher:
    """Asks the study for the next point, and tells it what came of it."""

    def __init__(self, study: optuna.Study, space: Space, peft: Peft, *, owner: str, seed: int) -> None:
        self.study, self.space, self.peft, self.owner, self.seed = study, space, peft, owner, seed

    def trials(self, *states: TrialState) -> list[FrozenTrial]:
        """The trials of this search, those of earlier runs left out."""
        return [t for t in self.study.get_trials(deepcopy=False, states=states or None) if not t.user_attrs.get(WARM)]

    def interrupted(self) -> list[Asked]:
        """The trials that this run began and never finished."""
        mine = [t for t in self.trials(TrialState.RUNNING) if t.user_attrs.get(OWNER) == self.owner]
        return [Asked(t.number, t._trial_id, dict(t.params), default=bool(t.user_attrs.get(DEFAULT))) for t in mine]

    def add_default(self) -> None:
        """The default is the first trial, of whoever comes first."""
        if not any(t.user_attrs.get(DEFAULT) for t in self.trials()):
            with quietly():
                self._enqueue(self.space.inside(), {DEFAULT: True})

    def add_known(self, known: list[tuple[Point, float]]) -> None:
        """Trials of earlier runs, so that the sampler knows them; the best of them is tried again here."""
        if not known or any(t.user_attrs.get(WARM) for t in self.study.get_trials(deepcopy=False)):
            return
        with quietly():
            for point, value in known:
                self.study.add_trial(optuna.trial.create_trial(
                    params=point, distributions={key: distribution(self.space.tried[key], key) for key in point}, value=value,
                    user_attrs={WARM: True},
                ))  # fmt: skip
            self._enqueue(max(known, key=lambda pair: pair[1])[0], {})

    def _enqueue(self, point: Point, attributes: dict[str, Any]) -> None:
        self.study.enqueue_trial(point, user_attrs={FIXED: point, **attributes})

    def ask(self, sampler: Sampler, trials: int) -> Asked:
        """The next trial, with its point."""
        with quietly():
            waiting = self.study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
            place = len([t for t in self.trials() if PLACE in t.user_attrs])
            if not waiting and sampler == "qmc":
                self._enqueue(spread(self.space, self.peft, self.seed, place), {PLACE: place})
            self.study.sampler = _sampler(sampler, trials, self.seed % 2**20 * 4096 + len(self.trials()))
            trial = self.study.ask()
            trial.set_user_attr(OWNER, self.owner)
            default, fixed = bool(trial.user_attrs.get(DEFAULT)), trial.user_attrs.get(FIXED)
            point: Point = {}
            for key in self.space.keys:
                if matters(key, point, self.peft) if fixed is None else key in fixed:
                    point[key] = self._drawn(trial, key)
        return Asked(trial.number, trial._trial_id, point, default=default)

    def _drawn(self, trial: optuna.Trial, key: str) -> Any:
        found = distribution(self.space.tried[key], key)
        if isinstance(found, CategoricalDistribution):
            return trial.suggest_categorical(key, found.choices)
        if isinstance(found, IntDistribution):
            return trial.suggest_int(key, found.low, found.high, step=found.step, log=found.log)
        assert isinstance(found, FloatDistribution)
        return trial.suggest_float(key, found.low, found.high, step=found.step, log=found.log)

    def tell(self, number: int, value: float | None, *, failed: bool = False) -> None:
        """A value; None where the trial was stopped or went wrong (`failed`: for reasons that say nothing of its point)."""
        state = TrialState.FAIL if failed else TrialState.PRUNED if value is None else TrialState.COMPLETE
        with quietly():
            self.study.tell(number, value, state, skip_if_finished=True)


def report(study: optuna.Study, trial_id: int, rung: int, value: float) -> None:
    """Write what a trial has reached at a rung."""
    study._storage.set_trial_intermediate_value(trial_id, rung, value)


def reached(study: optuna.Study, rung: int) -> list[float]:
    """What the trials so far have reached at a rung."""
    return [t.intermediate_values[rung] for t in study.get_trials(deepcopy=False) if rung in t.intermediate_values]


@contextmanager
def quietly() -> Iterator[None]:
    """Without Optuna's log lines and its warnings about experimental parts; a storage that fails later is the machine's trouble."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except optuna.exceptions.StorageInternalError as error:
        raise MachineError(f"the search's storage failed: {first_line(error)}", fix="the same command goes on when it answers") from error
    finally:
        optuna.logging.set_verbosity(before)
