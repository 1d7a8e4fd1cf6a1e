"""What is wrong with a term list, how its forms read in real texts, and how often each occurs.

Layer: data. `lint` needs no text: it says what cannot swap back, what cannot match, what counts twice. `contexts` shows matches with the
words around them, which is the only way to see that `black` is coffee. `coverage` counts, so that a list that is longer for one
member than for another is seen before its numbers are compared.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from goodfit.data.identity import english
from goodfit.data.identity.folding import key
from goodfit.data.identity.match import Match, Matcher, Texts, each_text
from goodfit.data.identity.terms import Paradigm, TermList, each_form

Kind = Literal[
    "arity", "number", "involution", "two members", "duplicate", "boundary", "excluded", "idle", "stray", "ambiguous", "unreviewed"
]
NOTES: frozenset[Kind] = frozenset({"ambiguous", "unreviewed"})
"""What is said of a list that is in order."""
SIDE = 40
"""Characters of context on either side."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a list, or (`note`) that its reader should know."""

    kind: Kind
    where: str
    """The key in the list: `members.women[3]`."""
    words: str
    fix: str

    @property
    def note(self) -> bool:
        """Not an error: an ambiguity that the list declares, a review that is still to come."""
        return self.kind in NOTES


@dataclass(frozen=True, slots=True)
class Context:
    """One match with the text around it."""

    row: int
    """Place of the text, from 0."""
    left: str
    """Up to 40 characters, on one line, with `…` where cut."""
    hit: str
    right: str


@dataclass(frozen=True, slots=True)
class Mentions:
    """What was found of one member."""

    rows: int
    """Texts that mention it."""
    matches: int
    forms: int
    """Forms in the list."""
    seen: int
    """Forms that occur."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Counts over texts."""

    texts: int
    members: Mapping[str, Mentions]
    forms: Mapping[str, int]
    """Form -> matches, in the order of the list; forms that never occur are 0."""


def lint(terms: TermList) -> list[Fault]:
    """Everything that is wrong with a list, and notes; in the order of the checks."""
    out: list[Fault] = []
    for check in (_arity, _number, _involution, _twice, _boundary, _idle, _stray, _notes):
        out += check(terms)
    return out


def _arity(terms: TermList) -> Iterator[Fault]:
    if terms.swap == "none":
        return
    first = terms.members[0]
    for member in terms.members[1:]:
        mine, theirs = ([len(p) for p in m.paradigms] for m in (member, first))
        if terms.swap == "any":
            mine, theirs = sorted(mine), sorted(theirs)
        if len(mine) != len(theirs):
            words = f"{member.name} has {len(mine)} paradigms, {first.name} has {len(theirs)}"
            yield Fault("arity", f"members.{member.name}", words, "give both as many, or move what has no counterpart to unpaired")
        for index, (a, b) in enumerate(zip(mine, theirs, strict=False)):
            if a != b:
                words = f"paradigm {index} of {member.name} has {a} forms, that of {first.name} has {b}"
                yield Fault("arity", f"members.{member.name}[{index}]", words, "give both as many forms, in the same order")
                if terms.swap == "any":
                    break


def _number(terms: TermList) -> Iterator[Fault]:
    """Singular opposite plural, in English: grandmothers beside grandfather."""
    if terms.language.split("-")[0] != "en":
        return
    for source, index, _, mine, theirs in _partners(terms):
        if source > 0 or len(mine) == english.PRONOUNS:
            continue
        for slot, (a, b) in enumerate(zip(mine, theirs, strict=True)):
            adjective, name = len(mine) == english.PEOPLE and slot == 0, len(mine) == 1 and a[0].isupper()
            if not adjective and not name and _plural(a, mine) != _plural(b, theirs):
                words = f"{a!r} stands opposite {b!r}: one looks singular, the other plural"
                where = f"members.{terms.members[source].name}[{index}]"
                yield Fault("number", where, words, "put singular opposite singular and plural opposite plural")


def _plural(form: str, paradigm: Paradigm) -> bool:
    word = form.lower()
    if any(one in ("people", "children") or one.endswith("men") for one in word.split()):
        return True
    if not word.endswith("s") or len(word) < 4:
        return False
    return form[:-1] in paradigm or not word.endswith(("ss", "us", "is"))


def _partners(terms: TermList) -> Iterator[tuple[int, int, int, Paradigm, Paradigm]]:
    """(source, paradigm, target, the paradigm's forms, its counterpart's) for every pair of members."""
    for source, member in enumerate(terms.members):
        for index, mine in enumerate(member.paradigms):
            for target in range(len(terms.members)):
                theirs = terms.counterpart(source, index, target) if target != source else None
                if theirs is not None:
                    yield source, index, target, mine, theirs


def _involution(terms: TermList) -> Iterator[Fault]:
    """A form whose swap, whichever slot it is read in, does not lead back to it."""
    places: dict[str, tuple[int, int]] = {}
    slots: dict[str, list[int]] = defaultdict(list)
    for member, paradigm, slot, form in each_form(terms):
        name = key(form)
        if paradigm is not None and places.setdefault(name, (member, paradigm)) == (member, paradigm):
            slots[name].append(slot)
    said = set()
    for source, index, target, mine, theirs in _partners(terms):
        for slot, form in enumerate(mine):
            there = places.get(key(theirs[slot]))
            back = None if there is None or there[0] != target else terms.counterpart(*there, source)
            found = set() if back is None else {key(back[s]) for s in slots[key(theirs[slot])]}
            if key(form) not in found and (source, index, target, form) not in said:
                said.add((source, index, target, form))
                where = f"members.{terms.members[source].name}[{index}]"
                to = ", ".join(sorted(found)) or "nothing"
                words = f"{form!r} becomes {theirs[slot]!r}, and that does not become {form!r} again but {to}"
                yield Fault("involution", where, words, "let every form stand once, or move one that has no partner to unpaired")


def _twice(terms: TermList) -> Iterator[Fault]:
    first: dict[str, tuple[int, str]] = {}
    for member, where, form in _entries(terms):
        known, place = first.setdefault(key(form), (member, where))
        if place == where:
            continue
        if known != member:
            words = f"{form!r} stands for {terms.members[known].name} and for {terms.members[member].name}; the first counts"
            yield Fault("two members", where, words, "keep it for one of them, or leave it out")
        else:
            yield Fault("duplicate", where, f"{form!r} stands twice (first in {place})", "keep one of the two")


def _entries(terms: TermList) -> Iterator[tuple[int, str, str]]:
    """(member, place, form) with each form once in a paradigm."""
    for number, member in enumerate(terms.members):
        for index, paradigm in enumerate(member.paradigms):
            for form in {key(form): form for form in paradigm}.values():
                yield number, f"members.{member.name}[{index}]", form
        for index, form in enumerate(member.unpaired):
            yield number, f"unpaired.{member.name}[{index}]", form


def _boundary(terms: TermList) -> Iterator[Fault]:
    """A form alone, and between spaces, must be found as itself."""
    matcher = Matcher(terms)
    phrases = [key(phrase) for phrase in terms.exclude]
    for _, where, form in _entries(terms):
        if any(key(form) == phrase for phrase in phrases):
            yield Fault("excluded", where, f"{form!r} is also in exclude, and never counts", "remove it from one of the two")
        elif not _is_whole(matcher.find(f" {form} "), len(form)):
            words = f"{form!r} is not found in a text that holds it: another form, or an excluded phrase, takes its place"
            yield Fault("boundary", where, words, "write it as it stands in texts, with a letter at both ends")


def _is_whole(found: list[Match], length: int) -> bool:
    return len(found) == 1 and (found[0].start, found[0].end) == (1, 1 + length)


def _idle(terms: TermList) -> Iterator[Fault]:
    """An excluded phrase that holds no form does nothing."""
    plain = Matcher(TermList(terms.name, terms.axis, terms.language, terms.members, "none"))
    for index, phrase in enumerate(terms.exclude):
        if not plain.find(phrase):
            words = f"the excluded phrase {phrase!r} holds no form of the list"
            yield Fault("idle", f"exclude[{index}]", words, "remove it, or correct its spelling")


def _stray(terms: TermList) -> Iterator[Fault]:
    forms = {key(form) for _, _, _, form in each_form(terms)}
    for form in terms.ambiguous:
        if key(form) not in forms:
            yield Fault("stray", f"ambiguous.{form}", f"{form!r} is called ambiguous and is no form of the list", "remove it")


def _notes(terms: TermList) -> Iterator[Fault]:
    for form, why in terms.ambiguous.items():
        yield Fault("ambiguous", f"ambiguous.{form}", f"{form!r} also means: {why}", "look at its contexts before its counts are believed")
    if terms.reviewed_by is None:
        yield Fault("unreviewed", "reviewed_by", terms.review, "let a native speaker read the list, and write their name")


# The list in texts


def contexts(matcher: Matcher, texts: Texts, k: int = 20, seed: int = 0) -> dict[str, list[Context]]:
    """Up to `k` matches of each form with the words around them, drawn with `seed` from all matches; in the order of the texts.

    Forms that never occur are left out. A text is cut to 40 characters on either side.
    """
    dice = random.Random(seed)
    counts: Counter[str] = Counter()
    kept: dict[str, list[tuple[int, int, Context]]] = {}
    for row, text, match in _matches(matcher, texts):
        counts[match.form] += 1
        sample = kept.setdefault(match.form, [])
        place = len(sample) if len(sample) < k else dice.randrange(counts[match.form])
        if place < k:
            entry = (row, match.start, _context(row, text, match))
            sample[place : place + 1] = [entry]
    order = dict.fromkeys(form for _, _, _, form in each_form(matcher.list))
    return {form: [context for _, _, context in sorted(kept[form], key=lambda e: e[:2])] for form in order if form in kept}


def coverage(matcher: Matcher, texts: Texts) -> Coverage:
    """How often each form and each member occurs."""
    terms = matcher.list
    counts: Counter[str] = Counter()
    rows: list[set[int]] = [set() for _ in terms.members]
    matches: Counter[int] = Counter()
    for row, _, match in _matches(matcher, texts):
        counts[match.form] += 1
        matches[match.member] += 1
        rows[match.member].add(row)
    members = {
        member.name: Mentions(len(rows[place]), matches[place], len(member.forms), sum(counts[f] > 0 for f in member.forms))
        for place, member in enumerate(terms.members)
    }
    forms = {form: counts[form] for member in terms.members for form in member.forms}
    return Coverage(len(texts), members, forms)


def _matches(matcher: Matcher, texts: Texts) -> Iterator[tuple[int, str, Match]]:
    for row, text in enumerate(each_text(texts)):
        if text:
            for match in matcher.find(text):
                yield row, text, match


def _context(row: int, text: str, match: Match) -> Context:
    left, right = text[max(0, match.start - SIDE) : match.start], text[match.end : match.end + SIDE]
    return Context(
        row,
        ("…" if match.start > SIDE else "") + _one_line(left),
        _one_line(text[match.start : match.end]),
        _one_line(right) + ("…" if match.end + SIDE < len(text) else ""),
    )


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
