"""A term list: the words by which texts speak of groups of people on one axis (gender, religion, …) in one language.

Layer: data. A member (women, men) has paradigms (she/her/her/hers/herself, woman/women): forms of one word in fixed slots, so that a
swap keeps the slot. What swaps with what is the list's own rule:

    aligned   the i-th paradigm of a member with the i-th of every other, slot by slot
    any       a paradigm with one of as many slots: the j-th of these with the j-th of the other member's, modulo their number
    none      nothing: the list measures only (in many languages a swap would break the agreement of articles and adjectives)

Unpaired forms (Mrs, beside Mr and Ms) name a member and have no counterpart: they count as mentions, and a text that holds one is not
swapped. Words are all that a list has; it knows neither names nor what a pronoun points at.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from goodfit.errors import Place, SettingsError

Paradigm = tuple[str, ...]
"""Forms of one word, one a slot; a form may stand in several slots (he/him/his/his/himself)."""
Swap = Literal["aligned", "any", "none"]
_Item = TypeVar("_Item")
NOT_REVIEWED = "not reviewed by a native speaker"


@dataclass(frozen=True)
class Member:
    """One group of an axis."""

    name: str
    paradigms: tuple[Paradigm, ...]
    unpaired: tuple[str, ...] = ()
    """Forms that name the member and have no counterpart."""

    @property
    def forms(self) -> tuple[str, ...]:
        """Every form, in the order of the list; one that stands in several slots of a paradigm once."""
        return tuple(dict.fromkeys([form for paradigm in self.paradigms for form in paradigm] + list(self.unpaired)))


@dataclass(frozen=True)
class TermList:
    """The terms of one axis in one language."""

    name: str
    axis: str
    language: str
    """ISO 639 code, with a region or script where needed (`pt-BR`)."""
    members: tuple[Member, ...]
    swap: Swap
    complete: bool = False
    """Every form is a complete noun phrase (with its article), so that a swap keeps agreement."""
    exclude: tuple[str, ...] = ()
    """Phrases inside which a match does not count (black coffee)."""
    ambiguous: Mapping[str, str] = field(default_factory=dict)
    """Form -> what else it means."""
    license: str | None = None
    sources: tuple[str, ...] = ()
    reviewed_by: str | None = None
    """Who signed the list as a native speaker; None: nobody yet."""

    @property
    def review(self) -> str:
        """Who reviewed the list, in words for a report."""
        return f"reviewed by {self.reviewed_by}" if self.reviewed_by else NOT_REVIEWED

    def member(self, name: str) -> int:
        """The place of a member in `members`; SettingsError if there is none of that name."""
        names = [member.name for member in self.members]
        if name not in names:
            raise SettingsError(
                f"the term list {self.name} has no member {name!r}", place=Place(key=name), fix=f"its members are {', '.join(names)}"
            )
        return names.index(name)

    def counterpart(self, source: int, paradigm: int, target: int) -> Paradigm | None:
        """The paradigm of member `target` that stands for one of member `source`, by the rule of the list; None if there is none."""
        mine, theirs = self.members[source].paradigms, self.members[target].paradigms
        slots = len(mine[paradigm])
        if self.swap == "aligned":
            return theirs[paradigm] if paradigm < len(theirs) and len(theirs[paradigm]) == slots else None
        fitting = [one for one in theirs if len(one) == slots]
        if self.swap == "none" or not fitting:
            return None
        return fitting[sum(len(one) == slots for one in mine[:paradigm]) % len(fitting)]


def each_form(terms: TermList) -> Iterator[tuple[int, int | None, int, str]]:
    """(member, paradigm, slot, form) of every slot of a list, in its order; an unpaired form has paradigm None and slot 0."""
    for number, member in enumerate(terms.members):
        for index, paradigm in enumerate(member.paradigms):
            for slot, form in enumerate(paradigm):
                yield number, index, slot, form
        for form in member.unpaired:
            yield number, None, 0, form


def halves(terms: TermList, seed: int) -> tuple[TermList, TermList]:
    """A list cut in two by paradigms, so that the terms used to mitigate are not those used to assess.

    An aligned list is cut at the same paradigms for every member; in other lists each member is cut by itself. Phrases of the other
    half count as excluded, so that `black women` is not seen through `black`. SettingsError if a member has one paradigm only.
    """
    for member in terms.members:
        if len(member.paradigms) < 2:
            raise SettingsError(
                f"the term list {terms.name} cannot be cut in two: {member.name} has {len(member.paradigms)} paradigm",
                place=Place(file=terms.name, key=f"members.{member.name}"),
                fix="give every member two paradigms or more, or name another list",
            )
    dice = random.Random(seed)
    counts = [len(member.paradigms) for member in terms.members]
    if terms.swap == "aligned":
        shared = _first_half(min(counts), dice)
        firsts = [shared | {index for index in range(min(counts), count) if index % 2} for count in counts]
    else:
        firsts = [_first_half(count, dice) for count in counts]
    unpaired = [_first_half(len(member.unpaired), dice) for member in terms.members]
    one, two = (
        tuple(
            Member(member.name, _kept(member.paradigms, first, want), _kept(member.unpaired, alone, want))
            for member, first, alone in zip(terms.members, firsts, unpaired, strict=True)
        )
        for want in (True, False)
    )
    return _half(terms, one, two, 1), _half(terms, two, one, 2)


def _first_half(count: int, dice: random.Random) -> set[int]:
    return set(dice.sample(range(count), (count + 1) // 2))


def _kept(items: Sequence[_Item], first: set[int], want: bool) -> tuple[_Item, ...]:
    return tuple(item for index, item in enumerate(items) if (index in first) is want)


def _half(terms: TermList, mine: tuple[Member, ...], theirs: tuple[Member, ...], number: int) -> TermList:
    own = {form for member in mine for form in member.forms}
    phrases = [form for member in theirs for form in member.forms if (" " in form or "-" in form) and form not in own]
    ambiguous = {form: why for form, why in terms.ambiguous.items() if form in own}
    return replace(
        terms, name=f"{terms.name}/{number}", members=mine, exclude=tuple(dict.fromkeys([*terms.exclude, *phrases])), ambiguous=ambiguous
    )
