"""What judges (models) say of a review, counted apart from people, and how far they agree with them.

Part of review; `improve.judge` writes what is read here: `review/judges/<name>.jsonl`, a line per item, the later one counts. A judge's win
share stands only beside its measured agreement with people: too few items that both judged, or an agreement that chance alone could give,
and there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from goodfit import statistics
from goodfit.improve.review import judged
from goodfit.improve.review.book import Book
from goodfit.improve.review.judged import TIE, Said
from goodfit.improve.review.reviewers import lines_of, reviewers_in
from goodfit.score import Score
from goodfit.statistics import Agreement

FOLDER = "judges"
LEAST_ITEMS = 30
"""Items that people and the judge both judged, below which the judge is not trusted with anything."""
PEOPLE = "people"
NOT_ENOUGH = "not enough human judgements to say whether this judge can be trusted"
NO_BETTER = "it agrees with people no more than chance alone could"


def judge_names(book: Book) -> list[str]:
    """Every judge that has a file."""
    return reviewers_in(book.folder / FOLDER)


def judge_answers(book: Book, name: str) -> dict[str, dict[str, Any]]:
    """Item -> the last line of this judge; RunError where the file is damaged."""
    lines = lines_of(book.folder / FOLDER / f"{name}.jsonl", "item")
    return {line["item"]: line for line in lines if isinstance(line, dict) and line.get("item") in book.items}


def judged_items(book: Book) -> list[dict[str, Any]]:
    """The items that a judge is asked: all but those that are asked again."""
    return [item for item in book.items.values() if item["repeat_of"] is None]


def judge_results(book: Book, people: Sequence[Said]) -> list[dict[str, Any]]:
    """One entry per judge; `people`: what people said of the items, repeats left out."""
    return [_judge(book, name, people) for name in judge_names(book)]


def _judge(book: Book, name: str, people: Sequence[Said]) -> dict[str, Any]:
    lines = judge_answers(book, name)
    said = [Said(name, book.items[item], line | {"order": line["systems"]}) for item, line in lines.items()]
    preferred = judged.preferences(said)
    agreed, why = _trusted(people, preferred, _preferred_by_people)
    shares = []
    for rival in book.systems[1:] if preferred else []:
        own = [one for one in preferred if rival in one.item["systems"]]
        score = statistics.win_share(judged.judgements(own, [book.systems[0], rival]), book.systems[0], rival)
        shares.append({"a": book.systems[0], "b": rival, "win_share": _withheld(score, why).about(system=book.systems[0]).to_json()})
    out: dict[str, Any] = {
        "name": name, "judge": next((line["judge"] for line in lines.values()), {}), "items": len(lines),
        "unread": sum(line["unread"] is not None for line in lines.values()), "preferences": len(preferred),
        "trusted": why is None, "why_not": why, "agreement": _agreement(agreed), "pairs": shares,
        "effects": [score.to_json() for score in _effects(preferred)], "ratings": _ratings(book, said, people),
    }  # fmt: skip
    return out | {"text": _sentence(out)}


def _withheld(score: Score, why: str | None) -> Score:
    """The score, or its absence where the judge is not trusted."""
    return score if why is None or score.value is None else Score(name=score.name, n=score.n, unit=score.unit, why_absent=why)


# -- agreement --------------------------------------------------------------------------------------------------------

Values = Callable[[Sequence[Said]], dict[str, float]]


def _trusted(people: Sequence[Said], judge: Sequence[Said], values: Values) -> tuple[Agreement, str | None]:
    """How the judge agrees with the majority of people, and why it is not to be trusted (None where it may be)."""
    theirs, own = values(people), values(judge)
    both = sorted(set(theirs) & set(own))
    found = statistics.agreement(np.array([[theirs[unit] for unit in both], [own[unit] for unit in both]]), "ordinal")
    if len(both) < LEAST_ITEMS:
        return found, f"{NOT_ENOUGH}: {len(both)} judged by both, it takes {LEAST_ITEMS}"
    if found.alpha.value is None:
        return found, f"{NO_BETTER}: {found.alpha.why_absent}"
    if found.alpha.low is None or found.alpha.low <= 0:
        return found, f"{NO_BETTER}: alpha {found.alpha.value:.2f}, and its interval reaches 0"
    return found, None


def _preferred_by_people(said: Sequence[Said]) -> dict[str, float]:
    """Item -> 2 where most preferred its first system, 0 the second, 1 where they are divided."""
    won: dict[str, list[float]] = {}
    for one in judged.preferences(said):
        won.setdefault(one.item["item"], []).append(one.won(one.item["systems"][0]))
    return {item: 1 + float(np.sign(np.mean(values) - 0.5)) for item, values in won.items()}


def _rated_by_people(dimension: str) -> Values:
    """Item and system -> the mean of the ratings, to the nearest point."""

    def values(said: Sequence[Said]) -> dict[str, float]:
        given: dict[str, list[int]] = {}
        for one in said:
            for system, scores in one.answer["ratings"].items():
                if dimension in scores:
                    given.setdefault(f"{one.item['item']} {system}", []).append(scores[dimension])
        return {unit: float(int(np.mean(points) + 0.5)) for unit, points in given.items()}

    return values


def _agreement(found: Agreement) -> dict[str, Any]:
    return {"with": f"the majority of {PEOPLE}", "n": found.raw.n, "alpha": found.alpha.to_json(), "raw": found.raw.to_json()}


# -- effects, ratings, words ------------------------------------------------------------------------------------------


def _effects(preferred: Sequence[Said]) -> list[Score]:
    """How often the answer shown first is chosen (half without an effect: each was shown first once), and whether both orders agree."""
    first, rows, weights, same = [], [], [], []
    for one in preferred:
        picks = [_pick(entry) for entry in one.answer["orders"]]
        same.append(picks[0] == picks[1])
        for entry, pick in zip(one.answer["orders"], picks, strict=True):
            first.append(0.5 if pick == TIE else float(pick == entry["order"][0]))
            rows.append(one.item["row"])
            weights.append(one.weight)
    if len(set(rows)) < 2:
        return [
            Score(name=name, n=len(preferred), why_absent="fewer than two judged prompts") for name in ("first_shown_wins", "orders_agree")
        ]
    n = len(first)
    made = statistics.Judgements.of(["first", "second"], [0] * n, [1] * n, first, prompts=rows, weights=weights)
    position = statistics.win_share(made, "first", "second").about(name="first_shown_wins", system=None)
    return [position, statistics.score("rate", None, same, clusters=[one.item["row"] for one in preferred]).about(name="orders_agree")]


def _pick(entry: dict[str, Any]) -> str:
    chances: dict[str, float] = entry["chances"]
    return max(chances, key=lambda name: (chances[name], name == TIE))


def _ratings(book: Book, said: Sequence[Said], people: Sequence[Said]) -> list[dict[str, Any]]:
    """Per dimension: agreement on the answers that both rated, and the systems' mean ratings where that is enough."""
    out = []
    for dimension in judged.rated_dimensions(said):
        found, why = _trusted(people, said, _rated_by_people(dimension))
        scores = []
        for system in book.systems:
            rated = judged.ratings(said, system, dimension)
            if rated:
                rows, weights = [one.item["row"] for one, _ in rated], [one.weight for one, _ in rated]
                mean = statistics.mean_rating([value for _, value in rated], rows, weights).about(name=dimension)
                scores.append(_withheld(mean, why).about(system=system).to_json())
        out.append({"dimension": dimension, "trusted": why is None, "why_not": why, "agreement": _agreement(found), "scores": scores})
    return out


def _sentence(found: dict[str, Any]) -> str:
    name = f"judge {found['name']}"
    if not found["preferences"]:
        return f"{name}: {found['items']} items judged, no preference among them"
    if not found["trusted"]:
        return f"{name}: {found['why_not']}"
    raw, alpha = found["agreement"]["raw"], found["agreement"]["alpha"]
    shares = [
        f"prefers {pair['a']} to {pair['b']} in {100 * pair['win_share']['value']:.1f}% of {pair['win_share']['n']}"
        for pair in found["pairs"] if pair["win_share"].get("value") is not None
    ]  # fmt: skip
    agrees = f"agrees with people on {100 * raw['value']:.0f}% of {found['agreement']['n']} items (alpha {alpha['value']:.2f})"
    return "; ".join([f"{name} {agrees}", *shares])
