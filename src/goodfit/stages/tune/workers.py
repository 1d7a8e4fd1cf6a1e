"""Who does the trainings: this process, or several of its own with a share of the processor's cores each. Part of tune.

Work that is done elsewhere ends with this process, however that ends: Ctrl-C reaches all of them, and a worker whose parent was killed
stops by itself.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from goodfit.engine.events import Event
from goodfit.errors import Interrupted, MachineError
from goodfit.stages.tune.trial import Ground, Job, Result, run

Next = Callable[[], Job | None]
Done = Callable[[Job, Result], None]


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def work(ground: Ground, next_job: Next, done: Done, *, parallel: int, tell: Callable[[Job, Event], None]) -> None:
    """Do jobs until there is none left; `done` hears of each here, in this process, `tell` of the events where there is one worker.

    Raises Interrupted (after nothing more is running), MachineError where a worker is lost.
    """
    if parallel == 1:
        while (job := next_job()) is not None:
            done(job, run(ground, job, lambda event, job=job: tell(job, event)))
        return
    pool = ProcessPoolExecutor(parallel, mp_context=multiprocessing.get_context("spawn"), initializer=_end_with_parent)
    running: dict[Future[Result | None], Job] = {}
    try:
        while True:
            while len(running) < parallel and (job := next_job()) is not None:
                running[pool.submit(_elsewhere, ground, job)] = job
            if not running:
                break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                job, result = running.pop(future), future.result()
                if result is None:
                    raise Interrupted("stopped while trials were running")
                done(job, result)
    except BrokenProcessPool as error:
        raise MachineError(
            "a process that trained a trial was lost (killed, out of memory, or it could not start)",
            fix="the same command goes on; set tune.parallel lower. From a script, start inside `if __name__ == '__main__':`",
        ) from error
    finally:
        _close(pool)


def _elsewhere(ground: Ground, job: Job) -> Result | None:
    """A job in a worker; None where it was interrupted."""
    try:
        return run(ground, job)
    except (Interrupted, KeyboardInterrupt):
        return None


def _end_with_parent() -> None:
    """A worker does not outlive the process that it works for."""
    parent: Any = multiprocessing.parent_process()

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _close(pool: ProcessPoolExecutor) -> None:
    """No more work; what is still running is ended."""
    processes = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        if process.is_alive():
            process.terminate()
