"""What people's answers say: win shares, ratings, agreement, whether to stop, worst answers -> review/results.json.

Part of review; `results` is what report, compare, the studio and the command line show. Every number is a Score, every claim a Verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from goodfit import statistics
from goodfit.errors import RunError
from goodfit.files import write_json
from goodfit.improve.review import judged
from goodfit.improve.review.book import Book, has_items
from goodfit.improve.review.judged import Said
from goodfit.improve.review.judges import judge_results
from goodfit.run import REVIEW, REVIEW_RESULTS, Run
from goodfit.score import Score, Verdict

WORST = 10
SHOWN_TEXT = 2000
"""Characters of a text that results.json holds."""
LEAST_FOR_EFFECTS = 20
"""Judged prompts below which neither position nor length effects are estimated."""


def results(run: Run) -> dict[str, Any]:
    """Everything that the answers so far say (schema `goodfit/review/1`); RunError where no review has begun."""
    if not has_items(run):
        raise RunError(f"no review of {run.id} has begun", fix=f"goodfit review {run.id}")
    book = Book.open(run)
    said = judged.all_said(book)
    first = judged.originals(said)
    preferred = judged.preferences(first)
    pairs = _pairs(book, preferred)
    out: dict[str, Any] = {
        "schema": "goodfit/review/1", "run": run.id, "runs": book.document["runs"], "made": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "ask": list(book.asks), "systems": book.systems,
        "items": {
            "drawn": len({item["row"] for item in book.items.values()}), "asked": len(book.items),
            "population": book.document["population"], "identical": book.document["identical"],
        },
        "reviewers": [_reviewer(book, name) for name in book.reviewers()],
        "judgements": len(preferred), "pairs": pairs, "strengths": _strengths(book, preferred), "effects": _effects(book, preferred),
        "ratings": _ratings(book, first), "agreement": _agreement(first), "consistency": _consistency(said),
        "worst": _worst(book, first), "judges": judge_results(book, first),
    }  # fmt: skip
    return out | {"text": _sentences(out)}


def write_results(run: Run) -> dict[str, Any]:
    """The same, written to review/results.json too."""
    found = results(run)
    write_json(run.path / REVIEW / REVIEW_RESULTS, found)
    return found


def _reviewer(book: Book, name: str) -> dict[str, Any]:
    done, of = book.progress(name)
    skipped = sum(bool(answer.get("skipped")) for answer in book.answers(name).values())
    return {"name": name, "answered": done, "of": of, "skipped": skipped}


# -- preferences ------------------------------------------------------------------------------------------------------


def _pairs(book: Book, preferred: Sequence[Said]) -> list[dict[str, Any]]:
    """The subject against each other system: counts, win share, verdict (corrected together), sequential state, what is still needed."""
    subject, rivals = book.systems[0], book.systems[1:]
    if "prefer" not in book.asks and not preferred:
        return []
    level = 1 - 0.05 / max(1, len(rivals))
    out: list[dict[str, Any]] = []
    verdicts = []
    for rival in rivals:
        own = [one for one in preferred if rival in one.item["systems"]]
        made = judged.judgements(own, [subject, rival])
        won = [one.won(subject) for one in own]
        verdicts.append(statistics.preferred(made, subject, rival))
        out.append({
            "a": subject, "b": rival, "wins": won.count(1.0), "ties": won.count(0.5), "losses": won.count(0.0),
            "win_share": statistics.win_share(made, subject, rival).to_json(), "stopping": _stopping(book, own, level),
        })  # fmt: skip
    corrected = statistics.adjust(verdicts, "review") if len(verdicts) > 1 else verdicts
    for entry, verdict in zip(out, corrected, strict=True):
        n = entry["wins"] + entry["ties"] + entry["losses"]
        more = max(0, verdict.rows_needed - n) if verdict.rows_needed is not None and verdict.answer == "cannot_tell" else None
        entry |= {"verdict": verdict.to_json(), "more_judgements": more}
    return out


def _stopping(book: Book, own: Sequence[Said], level: float) -> dict[str, Any]:
    """May one stop? Valid however often it is looked at."""
    units = judged.in_order(own)
    rival = set(book.systems[1:]) & {name for one in own for name in one.item["systems"]}
    design = [1 / item["p"] for item in book.items.values() if item["repeat_of"] is None and rival & set(item["systems"])]
    most = max(design, default=1.0)
    state = statistics.sequence(
        [one.won(book.systems[0]) for one in units], weights=[one.weight / most for one in units] if units else None,
        mean_weight=float(np.mean(design)) / most if design else None, level=level,
    )  # fmt: skip
    return {
        "stop": state.decided, "decided_at": state.decided_at, "evidence": round(state.evidence, 4), "needed": round(1 / (1 - level), 4),
        "n": state.n, "low": round(state.low, 4), "high": round(state.high, 4), "level": level,
    }  # fmt: skip


def _strengths(book: Book, preferred: Sequence[Said]) -> list[dict[str, Any]]:
    """With three systems or more: each one's chance to beat the subject by Bradley-Terry, best first."""
    subject = book.systems[0]
    seen = [name for name in book.systems if any(name in one.item["systems"] for one in preferred)]
    if len(seen) < 3 or len({one.item["row"] for one in preferred}) < LEAST_FOR_EFFECTS:
        return []
    fit = statistics.bradley_terry(judged.judgements(preferred, seen))
    scores = {name: fit.win_share(name, subject, level=1 - 0.05 / (len(seen) - 1)) for name in seen if name != subject}
    order = sorted(seen, key=lambda name: -float(fit.strengths[seen.index(name)]))
    return [
        {"system": name, "strength": round(float(fit.strengths[seen.index(name)]), 4), "beats": subject,
         "win_share": scores[name].to_json() if name in scores else None}
        for name in order
    ]  # fmt: skip


def _effects(book: Book, preferred: Sequence[Said]) -> list[dict[str, Any]]:
    """What may have moved reviewers besides quality: the side shown first, and length."""
    if len({one.item["row"] for one in preferred}) < LEAST_FOR_EFFECTS:
        why = f"fewer than {LEAST_FOR_EFFECTS} judged prompts"
        return [
            Score(name=name, n=len(preferred), why_absent=why).to_json() for name in ("first_shown_wins", "length_slope", "longer_wins")
        ]
    seen = [name for name in book.systems if any(name in one.item["systems"] for one in preferred)]
    ratio = judged.length_ratio(preferred)
    made = judged.judgements(preferred, seen)
    position = statistics.bradley_terry(made).position_effect()
    if np.unique(ratio).size > 1:
        slope = statistics.bradley_terry(made, covariate=ratio).slope_effect("length_slope")
    else:
        slope = Score(name="length_slope", n=len(preferred), unit="ratio", why_absent="all answers are equally long")
    return [position.to_json(), slope.to_json(), _longer(preferred, ratio).to_json()]


def _longer(preferred: Sequence[Said], ratio: Any) -> Score:
    """Share of decisive judgements between answers of clearly different length that the longer one won."""
    kept = [(one, r) for one, r in zip(preferred, ratio, strict=True) if abs(r) > 0.14 and one.answer["prefer"] != judged.TIE]
    if not kept:
        return Score(name="longer_wins", n=0, why_absent="no decisive judgement between answers of different length")
    longer = [one.won(one.shown[0 if r > 0 else 1]) == 1.0 for one, r in kept]
    return statistics.score("rate", None, longer, clusters=[one.item["row"] for one, _ in kept]).about(name="longer_wins")


# -- ratings, agreement -----------------------------------------------------------------------------------------------


def _ratings(book: Book, said: Sequence[Said]) -> list[dict[str, Any]]:
    """Per dimension: each system's mean rating, and the subject's lead over each other one on the answers rated side by side."""
    out = []
    for dimension in judged.rated_dimensions(said):
        scores = [_mean(judged.ratings(said, system, dimension), dimension, system) for system in book.systems]
        leads = [_lead(said, book.systems[0], rival, dimension) for rival in book.systems[1:]]
        out.append({
            "dimension": dimension, "scores": [score.to_json() for score in scores if score.n],
            "verdicts": [verdict.to_json() for verdict in leads if verdict is not None],
        })  # fmt: skip
    return out


def _mean(rated: Sequence[tuple[Said, int]], dimension: str, system: str) -> Score:
    if not rated:
        return Score(name=dimension, n=0, system=system, unit="points", why_absent="not rated")
    values, rows, weights = [value for _, value in rated], [one.item["row"] for one, _ in rated], [one.weight for one, _ in rated]
    return statistics.mean_rating(values, rows, weights).about(name=dimension, system=system)


def _lead(said: Sequence[Said], subject: str, rival: str, dimension: str) -> Verdict | None:
    theirs = {(one.reviewer, one.item["item"]): value for one, value in judged.ratings(said, rival, dimension)}
    both = [
        (one, value - theirs[one.reviewer, one.item["item"]])
        for one, value in judged.ratings(said, subject, dimension)
        if (one.reviewer, one.item["item"]) in theirs
    ]
    if not both:
        return None
    made = statistics.mean_rating(
        [lead for _, lead in both], [one.item["row"] for one, _ in both], [one.weight for one, _ in both], ends=(-4.0, 4.0)
    ).about(name=f"{dimension}_difference")
    return statistics.rated_higher(made, f"{subject} vs {rival} on {dimension.replace('_', ' ')}")


def _agreement(said: Sequence[Said]) -> list[dict[str, Any]]:
    """Krippendorff's alpha (ordinal) beside raw agreement, where two reviewers or more judged the same."""
    matrices = [("preference", judged.preference_matrix(said))]
    matrices += [(dimension, judged.rating_matrix(said, dimension)) for dimension in judged.rated_dimensions(said)]
    out = []
    for about, matrix in matrices:
        if len(matrix) > 1:
            found = statistics.agreement(matrix, "ordinal")
            out.append({"about": about, "raters": len(matrix), "alpha": found.alpha.to_json(), "raw": found.raw.to_json()})
    return out


def _consistency(said: Sequence[Said]) -> dict[str, Any]:
    """Share of repeated items to which a reviewer gave the same answer again."""
    same, rows = judged.repeats(said)
    if not same:
        return Score(name="self_consistency", n=0, why_absent="no repeated item was answered twice").to_json()
    return statistics.score("rate", None, same, clusters=rows).about(name="self_consistency").to_json()


# -- worst answers, sentences -----------------------------------------------------------------------------------------


def _worst(book: Book, said: Sequence[Said]) -> list[dict[str, Any]]:
    """The subject's answers that people liked least: mean merit below one half, lowest first, with their notes."""
    subject = book.systems[0]
    out: list[dict[str, Any]] = []
    scored = [(float(np.mean([value for _, value in values])), row, values) for row, values in judged.merit(said, subject).items()]
    for value, row, values in sorted(scored, key=lambda entry: (entry[0], entry[1])):
        item = values[0][0].item
        if value >= 0.5 or len(out) == WORST:
            break
        notes = {one.reviewer: one.answer.get("note") for one, _ in values}
        tags = sorted({tag for one, _ in values for tag in one.answer.get("tags") or ()})
        out.append({
            "row": row, "merit": round(value, 4), "judgements": len(values), "prompt": item["prompt"][:SHOWN_TEXT],
            "texts": {name: text[:SHOWN_TEXT] for name, text in item["texts"].items()}, "strata": item["strata"], "tags": tags,
            "notes": [{"reviewer": name, "note": note} for name, note in notes.items() if note],
        })  # fmt: skip
    return out


def _sentences(found: dict[str, Any]) -> list[str]:
    """What a person should read first."""
    out = [f"{pair['verdict']['question']}: {pair['verdict']['text']}" for pair in found["pairs"]]
    for pair in found["pairs"]:
        if pair["stopping"]["stop"]:
            out.append(
                f"judging {pair['a']} vs {pair['b']} may stop: decided after {pair['stopping']['decided_at']} prompts, peeking allowed for"
            )
        elif pair["verdict"]["answer"] != "cannot_tell":
            evidence = f"evidence {pair['stopping']['evidence']:.1f} of {pair['stopping']['needed']:.0f}"
            out.append(f"{pair['a']} vs {pair['b']}: by the rule that allows looking at any time not decided yet ({evidence})")
        elif pair["more_judgements"]:
            out.append(f"{pair['a']} vs {pair['b']}: about {pair['more_judgements']:,} more judgements would settle what is seen so far")
    out += [f"{v['question']}: {v['text']}" for rating in found["ratings"] for v in rating["verdicts"]]
    for entry in found["agreement"]:
        if entry["alpha"].get("value") is not None:
            raw, alpha = entry["raw"], entry["alpha"]
            out.append(f"reviewers agree on {100 * raw['value']:.0f}% ({entry['about'].replace('_', ' ')}); alpha {alpha['value']:.2f}")
    out += [judge["text"] for judge in found["judges"]]
    if not any(reviewer["answered"] for reviewer in found["reviewers"]):
        out.insert(0, "nobody has judged yet")
    return out
