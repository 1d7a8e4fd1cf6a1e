"""suspects: people look at the rows whose label audit finds suspicious, and decide; what they decide is applied by the next run.

Above the path: reads `audit/suspects.parquet` and the training rows of one run, keeps what was shown in `review/suspects/`, and appends to
the decisions file of the data.

    listing   the suspects of a run, most suspicious first
    sample    a sample over all strata of suspicion, with known chances
    desk      which rows a reviewer sees, and what each has decided
    outcome   counts, agreement, what is left -> review/suspects/results.json

The page is in `studio/`, the terminal form in `cli/suspects.py`; both go through Desk.
"""

from goodfit.improve.suspects.desk import Desk, Said, Shown
from goodfit.improve.suspects.outcome import results, write_results

__all__ = ["Desk", "Said", "Shown", "results", "write_results"]
