"""AUD021: how many labels are wrong. Without a review a range, never one number; with one an estimate with its interval."""

from __future__ import annotations

from goodfit.score import Score, Verdict
from goodfit.stages.audit.check import Outcome, check, found, not_applicable, passed
from goodfit.stages.audit.checks.label_suspects import scope
from goodfit.stages.audit.labels import Suspects
from goodfit.stages.audit.scene import Scene, percent
from goodfit.statistics.proportions import wilson

NOTE, WARNING = 0.01, 0.03
"""Lower ends of the share of wrong labels that are worth a note, a warning."""
REVIEW = 200
"""Rows of a review that make an estimate."""


@check(code="AUD021", kind="label_noise", severity="warning", looks_for="how many labels are wrong")
def label_noise(scene: Scene) -> Outcome:
    """The range."""
    suspects = scene.suspects
    if isinstance(suspects, str):
        return not_applicable(suspects)
    limits = suspects.bounds
    ends = f"{percent(limits.low)} and {percent(limits.high)}" if limits.low >= NOTE else f"0% and {percent(limits.high)}"
    title = f"between {ends} of the labels are wrong: without a review there is no closer saying"
    detail = (
        f"{scope(suspects)} At least: rows of which both are sure that another class is right. At most: what looks, with the usual "
        "confidence of a class, like another class than its label says (the confident joint). Classes that overlap look the same as wrong "
        "labels, so the truth may lie anywhere between."
    )
    about = {
        "detail": detail,
        "evidence": range_of(suspects),
        "verdict": verdict_of(suspects),
        "fix": f"review {REVIEW} rows drawn by suspicion",
    }
    if limits.low < NOTE:
        return passed(title, **about)
    return found("warning" if limits.low >= WARNING else "note", title, n_rows=limits.agreed, **about)


def verdict_of(suspects: Suspects) -> Verdict:
    """Whether more labels are wrong than matter: only a review can tell, unless even the upper end is small."""
    limits = suspects.bounds
    question = f"are more than {percent(NOTE)} of the labels wrong"
    if limits.high < NOTE:
        return Verdict(question=question, answer="no_difference", text=f"no: at most {percent(limits.high)}", margin=NOTE)
    if limits.low >= NOTE:
        return Verdict(question=question, answer="worse", text=f"yes: at least {percent(limits.low)}", margin=NOTE)
    text = f"cannot tell: at most {percent(limits.high)}; a review of {REVIEW} rows would tell"
    return Verdict(question=question, answer="cannot_tell", text=text, margin=NOTE, rows_needed=REVIEW)


def range_of(suspects: Suspects) -> tuple[Score, Score]:
    """At least and at most, each with its own interval."""
    limits = suspects.bounds
    about = {"n": limits.n, "higher_is_better": False, "split": "train"}
    low, high = wilson(limits.agreed, limits.n)
    least = Score(name="label_noise_at_least", value=limits.agreed / limits.n, low=low, high=high, method="wilson", **about)
    ends = limits.joint_ends
    most = Score(name="label_noise_at_most", value=limits.joint, low=ends[0], high=ends[1], method="bootstrap_percentile", **about)
    return least, most
