"""Edits of a text that leave what it says: what near-duplicates look like. For benchmarks.near_duplicates; every edit is by chance, by seed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

LETTERS = "abcdefghijklmnopqrstuvwxyz"
GREETINGS = ("Hi there,", "Hello,", "Dear team,", "Good morning, I hope you are well.", "Hey,", "To whom it may concern:")
SIGNATURES = ("Thanks, {}", "Kind regards, {}", "Best, {}", "Thank you in advance. {}", "Cheers {}", "Sent from my phone, {}")
PHRASES = {
    "how do i": "what is the way to", "how can i": "what must i do to", "can i": "is it possible to", "can you": "could you please",
    "i want to": "i would like to", "i need to": "i have to", "why did": "what is the reason that", "is there": "do you have",
    "what is": "tell me", "i have": "i've got", "i am": "i'm", "it is": "it's", "do not": "don't", "does not": "doesn't",
    "did not": "didn't", "cannot": "can't", "can't": "am unable to", "don't": "do not", "doesn't": "does not", "i'm": "i am",
    "a lot of": "many", "because": "since", "so that": "in order that", "as well as": "and also", "according to": "as stated by",
    "in order to": "to", "due to": "because of", "such as": "like", "more than": "over", "at the moment": "right now",
}  # fmt: skip
WORDS = {
    "money": "cash", "buy": "purchase", "bought": "purchased", "get": "obtain", "got": "received", "help": "assist", "begin": "start",
    "started": "began", "big": "large", "large": "big", "small": "little", "quick": "fast", "quickly": "fast", "happy": "glad", "sad": "unhappy",
    "angry": "furious", "good": "great", "great": "excellent", "bad": "poor", "wrong": "incorrect", "show": "display", "tell": "inform",
    "increase": "rise", "increased": "rose", "decrease": "fall", "decreased": "fell", "profit": "earnings", "company": "firm", "sales": "revenue",
    "said": "stated", "also": "too", "children": "kids", "people": "persons", "man": "guy", "woman": "lady", "car": "vehicle", "job": "position",
    "house": "home", "friend": "pal", "doctor": "physician", "ill": "sick", "movie": "film", "film": "movie", "watch": "see", "think": "believe",
    "like": "enjoy", "love": "adore", "hate": "detest", "need": "require", "use": "employ", "used": "employed", "make": "create", "made": "created",
    "give": "hand", "answer": "reply", "ask": "inquire", "asked": "inquired", "day": "date", "today": "this day", "now": "currently", "often": "frequently",
    "always": "constantly", "never": "not once", "many": "numerous", "total": "overall", "each": "every", "left": "remaining", "whole": "entire",
    "beautiful": "lovely", "tired": "exhausted", "scared": "afraid", "smart": "clever", "stupid": "dumb", "patients": "people treated",
    "study": "investigation", "results": "findings", "showed": "indicated", "treatment": "therapy", "disease": "illness", "method": "approach",
    "important": "significant", "difficult": "hard", "easy": "simple", "new": "recent", "old": "earlier", "part": "portion", "card": "bank card",
    "account": "profile", "payment": "transaction", "transfer": "remittance", "fee": "charge", "wait": "hold on", "arrive": "come", "lost": "misplaced",
    "stolen": "taken", "phone": "mobile", "work": "function", "problem": "issue", "issue": "problem", "cost": "price", "pay": "spend", "paid": "spent",
}  # fmt: skip

Edit = Callable[[np.random.Generator, str], str]


def surface(rng: np.random.Generator, text: str) -> str:
    """Case, spaces and punctuation."""
    text = (str.upper, str.lower, str.title, str.capitalize)[int(rng.integers(4))](text)
    words = text.split(" ")
    text = "".join(word + ("  " if rng.random() < 0.2 else " ") for word in words).strip()
    text = re.sub(r"[,.!?;]+", lambda found: "" if rng.random() < 0.5 else found[0] * 2, text)
    return text + str(rng.choice(["", ".", "!", " ...", "?", "\n"]))


def typos(rng: np.random.Generator, text: str) -> str:
    """One slip per 50 characters, one at least: a letter left out, doubled, exchanged, or two swapped."""
    letters = list(text)
    for _ in range(max(1, round(len(text) / 50))):
        i = int(rng.integers(len(letters) - 1)) if len(letters) > 1 else 0
        kind = int(rng.integers(4))
        if kind == 0 and len(letters) > 4:
            del letters[i]
        elif kind == 1:
            letters.insert(i, letters[i])
        elif kind == 2:
            letters[i] = LETTERS[int(rng.integers(26))]
        else:
            letters[i : i + 2] = letters[i : i + 2][::-1]
    return "".join(letters)


def dropped(rng: np.random.Generator, text: str) -> str:
    """One word less."""
    words = text.split()
    del words[int(rng.integers(len(words)))]
    return " ".join(words)


def replacing(vocabulary: Sequence[str]) -> Edit:
    """One word exchanged for another of the corpus."""

    def replaced(rng: np.random.Generator, text: str) -> str:
        words = text.split()
        words[int(rng.integers(len(words)))] = vocabulary[int(rng.integers(len(vocabulary)))]
        return " ".join(words)

    return replaced


def wrapped(rng: np.random.Generator, text: str) -> str:
    """A greeting before it and a signature after it."""
    name = "".join(LETTERS[i] for i in rng.integers(26, size=int(rng.integers(4, 9)))).title()
    return f"{rng.choice(GREETINGS)} {text} {str(rng.choice(SIGNATURES)).format(name)}"


def paraphrased(rng: np.random.Generator, text: str) -> str:
    """Phrases and words exchanged for others of the same meaning wherever one is known, and clauses in another order."""
    out = text.lower()
    for phrase, other in PHRASES.items():
        out = re.sub(rf"\b{re.escape(phrase)}\b", f"\0{other}\0", out, count=1)
    parts = out.split("\0")
    out = "".join(part if k % 2 else re.sub(r"[a-z']+", lambda found: WORDS.get(found[0], found[0]), part) for k, part in enumerate(parts))
    clauses = re.split(r"(?<=[,;])\s+", out)
    return " ".join(clauses[::-1]) if len(clauses) > 1 and rng.random() < 0.5 else out


def changed(before: str, after: str) -> float:
    """Share of the words that are not the same."""
    a, b = before.lower().split(), after.lower().split()
    return 1 - len(set(a) & set(b)) / max(1, len(set(a) | set(b)))
