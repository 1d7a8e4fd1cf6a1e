"""review: people read what models wrote, blind, and their answers become scores with intervals.

Above the path: reads `evaluate/samples.jsonl` of one run or several, keeps everything in `review/` of the first.

    samples   what the systems wrote, one row with the answers of all
    draw      which rows people see, with known probabilities
    book      items, each reviewer's own order and sides, and the answers, saved one by one
    reviewers the file of each who reviews
    judged    answers -> judgements, ratings, repeats
    judges    what models said of the same items (`improve.judge`), and how far they agree with people
    results   win shares, ratings, agreement, when to stop, worst answers -> review/results.json
    between   how often one run was preferred to another

The page is in `studio/`, the terminal form in `cli/review.py`; both go through Book. `results(run)` gives plain dicts to report and
compare.
"""

from goodfit.improve.review.between import reviewed
from goodfit.improve.review.book import ASKS, DIMENSIONS, Book, Given, Shown, has_items
from goodfit.improve.review.results import results, write_results
from goodfit.improve.review.reviewers import reviewer_name

__all__ = ["ASKS", "DIMENSIONS", "Book", "Given", "Shown", "has_items", "results", "reviewed", "reviewer_name", "write_results"]
