"""judge: a model answers the items of a review, as one more reader of a kind of its own; never instead of people.

Above the path, beside `review`. Reads the drawn items of a review, keeps what a judge says in `review/judges/<name>.jsonl`.

    asking    an item -> questions, with what others wrote kept apart from what we ask
    local     a model on this disk: how likely it finds each option
    remote    an OpenAI-compatible address, given by the user: which option it writes
    session   all items, both orders, saved one by one; what it will cost, said beforehand

What judges say is counted by `review.results`, beside people's answers and never among them: without enough people, or without
agreement with them, there is no win share. `judge.local` is not imported here: it needs torch, nothing else of judges does.
"""

from goodfit.improve.judge.asking import Judge, Question
from goodfit.improve.judge.remote import RemoteJudge
from goodfit.improve.judge.session import Outcome, Work, judge_all, work_left

__all__ = ["Judge", "Outcome", "Question", "RemoteJudge", "Work", "judge_all", "work_left"]
