"""Writes the examples' data: sentences from templates of our own, so that they can be shipped. `python examples/make.py`.

They show the files and the commands, not what a model can do: templates are easy. For real text see `make demo`.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
OPENERS = ("Hello,", "Hi there,", "Good morning,", "", "", "Quick question:", "Urgent:", "Hi team,")
CLOSERS = ("Thanks!", "Please help.", "", "", "Waiting for your answer.", "Best regards", "This is the second time I write.")
THINGS = ("laptop", "phone", "headset", "printer", "router", "keyboard", "monitor", "tablet")
MONTHS = ("January", "March", "April", "June", "August", "October")
TICKETS = {
    "billing": (
        "I was charged twice for the {thing} in {month}.", "The invoice for {month} shows a wrong amount.", "Where can I find the receipt of my {thing}?",
        "My card was declined although there is money on it.", "You took {n} euros from my account without asking.", "Can I pay the {thing} in {n} instalments?",
    ),
    "technical": (
        "The {thing} does not switch on any more.", "After the update of {month} the {thing} freezes.", "My {thing} loses the connection every {n} minutes.",
        "The app closes as soon as I open the settings.", "I see error {n} on the {thing}.", "The screen of the {thing} stays black.",
    ),
    "delivery": (
        "My {thing} has not arrived, it was promised for {month}.", "The parcel came without the {thing}.", "The tracking number {n} does not work.",
        "You sent the {thing} to my old address.", "When will the {thing} be shipped?", "The box was open and the {thing} scratched.",
    ),
    "account": (
        "I cannot log in since {month}.", "Please delete my account and all data.", "The reset link for my password has expired.",
        "How do I change the e-mail address of my account?", "Somebody else ordered a {thing} with my account.", "My user name is shown wrongly.",
    ),
}  # fmt: skip
TOPICS = {
    "politics": ("the parliament voted on a new law", "the minister resigned", "the coalition argues about the budget", "voters go to the polls"),
    "economy": ("prices rose by {n} percent", "the central bank kept its rate", "exports fell again", "the company cut {n} jobs"),
    "climate": ("a heat wave reached the coast", "the river carries record water", "wind farms delivered {n} percent more power", "glaciers shrink faster"),
    "health": ("hospitals report full wards", "a new vaccine was approved", "doctors warn of long waiting times", "{n} clinics may close"),
    "sport": ("the home team won by {n} goals", "the champion retires", "the final was postponed by rain", "a record fell after {n} years"),
}  # fmt: skip
DISHES = ("soup", "pasta", "coffee", "cake", "breakfast", "service", "room", "view")
REVIEWS = {
    "good": ("the {dish} was wonderful", "lovely {dish}, we will come back", "best {dish} in town", "friendly people and a great {dish}"),
    "bad": ("the {dish} was a disappointment", "never again, cold {dish}", "we waited {n} minutes for the {dish}", "overpriced {dish} and rude staff"),
}  # fmt: skip


def tickets(n: int = 480) -> list[dict[str, str]]:
    """Support tickets with a queue, a customer and a language column."""
    rng = random.Random(1)
    out = []
    for number in range(n):
        queue = rng.choices(list(TICKETS), weights=(4, 3, 3, 2))[0]
        body = rng.choice(TICKETS[queue]).format(thing=rng.choice(THINGS), month=rng.choice(MONTHS), n=rng.randint(2, 99))
        text = " ".join(part for part in (rng.choice(OPENERS), body, rng.choice(CLOSERS)) if part)
        out.append({"subject": " ".join(body.split()[:4]), "body": text, "queue": queue, "customer": f"C{rng.randrange(n // 2):04d}",
                    "channel": rng.choice(("mail", "mail", "chat", "phone")), "ticket": str(10_000 + number)})  # fmt: skip
    return out


def articles(n: int = 420) -> list[dict[str, object]]:
    """Short news lines, each about one to three topics."""
    rng = random.Random(2)
    out: list[dict[str, object]] = []
    for _ in range(n):
        topics = sorted(rng.sample(list(TOPICS), rng.choices((1, 2, 3), weights=(5, 4, 1))[0]))
        parts = [rng.choice(TOPICS[topic]).format(n=rng.randint(2, 60)) for topic in topics]
        rng.shuffle(parts)
        text = f"{rng.choice(('', 'On Monday ', 'This week ', 'Overnight '))}{', while '.join(parts)}."
        out.append({"text": text[0].upper() + text[1:], "topics": topics})
    return out


def reviews(n: int = 360) -> list[dict[str, str]]:
    """Short reviews with two classes: a file as people have it, with a semicolon and a stray column."""
    rng = random.Random(3)
    out = []
    for number in range(n):
        verdict = rng.choice(("good", "bad"))
        parts = [rng.choice(REVIEWS[verdict]).format(dish=rng.choice(DISHES), n=rng.randint(15, 90)) for _ in range(rng.randint(1, 2))]
        out.append(
            {
                "No": str(number + 1),
                "Review": f"{'; '.join(parts)}!".capitalize(),
                "Verdict": verdict,
                "City": rng.choice(("Lyon", "Turin", "Graz")),
            }
        )
    return out


def orders(n: int = 240) -> list[dict[str, object]]:
    """Conversations: an order in words, and the same as JSON."""
    rng = random.Random(4)
    forms = ("{how} {quantity} {item} to {city}.", "We need {quantity} {item} in {city}, please.", "{quantity} {item} for our office in {city}.",
             "Could {city} get {quantity} {item}?", "{city} has run out of {item}: {quantity}, please.")  # fmt: skip
    out: list[dict[str, object]] = []
    for number in range(n):
        item, city, quantity = rng.choice(THINGS), rng.choice(("Lyon", "Turin", "Graz", "Porto", "Ghent", "Lund")), rng.randint(2, 40)
        how = rng.choice(("Send", "Please ship", "Deliver"))
        told = rng.choice(forms).format(how=how, quantity=quantity, item=f"{item}s", city=city)
        answer = json.dumps({"item": item, "quantity": quantity, "city": city})
        turns = [("system", "Answer with the order as JSON."), ("user", told), ("assistant", answer)]
        out.append({"messages": [{"role": role, "content": content} for role, content in turns], "office": f"O{number % 120:03d}"})
    return out


def write_lines(path: Path, rows: Sequence[object]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def write_csv(path: Path, rows: list[dict[str, str]], delimiter: str = ",") -> None:
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Writes the four files."""
    write_csv(HERE / "single-label" / "tickets.csv", tickets())
    write_csv(HERE / "bring-your-own-csv" / "reviews.csv", reviews(), delimiter=";")
    write_lines(HERE / "multi-label" / "articles.jsonl", articles())
    write_lines(HERE / "instruction" / "orders.jsonl", orders())


if __name__ == "__main__":
    main()
