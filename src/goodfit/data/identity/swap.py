"""Counterfactuals: the same text about somebody else. Every term is exchanged in one pass, with its slot and its case.

Layer: data. Two ways, by the list:

    mutual    an aligned list of two members: both directions at once, so that `he told her that she was late` becomes `she told him that
              he was late` (one replacement after the other would give `he told his that he was late`)
    towards   any other list: all mentions of one member become another's; a text that mentions two members is left out

A counterfactual is certain if nothing had to be guessed and the swap back gives the text again; otherwise `doubts` says why:

    slot         a form of two slots (her: him or his) was read by a rule of English (`english`)
    ambiguous    the list says that a form also means something else (black, straight)
    agreement    the language agrees in gender or number, and the forms are not complete noun phrases: articles, adjectives, participles
    article      the a or an before a term does not fit it, and was left
    case         a form in mixed letters
    round trip   the swap back gives another text (hyphen for space, an invisible character, a list that is uneven)

Not handled: names (Mr John stays John), who a pronoun points at, verbs (they are, she is), articles before an adjective (an old Sikh keeps
its an, rightly), nouns that imply a member and are not in the list (pregnant), and whether the new text is as likely or as true as
the old one. Only the a/an of English is repaired.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from goodfit.data.identity import english
from goodfit.data.identity.folding import joined
from goodfit.data.identity.match import Match, Matcher, Texts, each_text
from goodfit.data.identity.terms import Paradigm, TermList

WITHOUT_AGREEMENT = frozenset({"en", "zh", "yue", "ja", "ko", "vi", "th", "id", "ms", "fi", "et", "hu", "tr", "fa"})
"""Languages in which articles, adjectives and participles do not agree with the gender of a noun."""

# Why a text has no counterfactual
NO_TERM = "no term of the list"
MEASURE_ONLY = "the list only measures (swap: none)"
TWO_MEMBERS = "two members are mentioned"
UNPAIRED = "a form has no counterpart"
UNKNOWN_SLOT = "a form stands for two slots, and there is no rule for the language"
SAME = "the new text is the old one"


@dataclass(frozen=True, slots=True)
class Edit:
    """One replacement."""

    start: int
    """Offsets of the old words in the text, in characters; end exclusive."""
    end: int
    new_start: int
    """Offsets of the new words in the counterfactual."""
    new_end: int
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Swapped:
    """One counterfactual of one text."""

    text: str
    sources: tuple[str, ...]
    """Members that the old text mentions."""
    targets: tuple[str, ...]
    """Members that the new text mentions."""
    edits: tuple[Edit, ...]
    """From left to right, articles included."""
    articles: int = 0
    """Of the edits, those that made a of an, or an of a."""
    doubts: tuple[str, ...] = ()

    @property
    def certain(self) -> bool:
        """Nothing was guessed, and the swap back gives the text."""
        return not self.doubts


@dataclass(frozen=True, slots=True)
class Swaps:
    """Counterfactuals of many texts, and what was not made."""

    pairs: tuple[tuple[int, Swapped], ...]
    """(place of the text, counterfactual); a text may have several."""
    texts: int
    left_out: Mapping[str, int]
    """Reason -> texts without any counterfactual."""
    doubts: Mapping[str, int]
    """Doubt -> counterfactuals that have it; one may have several."""

    @property
    def certain(self) -> int:
        """Counterfactuals without a doubt."""
        return sum(one.certain for _, one in self.pairs)


def swaps(text: str, matcher: Matcher, to: Sequence[str] | None = None) -> list[Swapped]:
    """The counterfactuals of a text, one per target member in the order of the list; none where `why_not` gives a reason.

    `to` names the target members that are wanted (None: all; SettingsError for an unknown one). A mutual exchange of both members
    has both as targets.
    """
    return _swaps(text, matcher, to)[0]


def why_not(text: str, matcher: Matcher, to: Sequence[str] | None = None) -> str | None:
    """Why a text has no counterfactual; None if it has one."""
    return _swaps(text, matcher, to)[1]


def swap_all(texts: Texts, matcher: Matcher, to: Sequence[str] | None = None) -> Swaps:
    """The counterfactuals of many texts, with counts of what was left out and of what is in doubt; a missing text has no term."""
    pairs: list[tuple[int, Swapped]] = []
    left_out: Counter[str] = Counter()
    for number, text in enumerate(each_text(texts)):
        found, reason = _swaps(text or "", matcher, to)
        pairs += [(number, one) for one in found]
        if reason is not None:
            left_out[reason] += 1
    doubts = Counter(doubt for _, one in pairs for doubt in one.doubts)
    return Swaps(tuple(pairs), len(texts), dict(left_out.most_common()), dict(doubts.most_common()))


def mutual(terms: TermList) -> bool:
    """Whether a list exchanges both directions at once."""
    return terms.swap == "aligned" and len(terms.members) == 2


def _swaps(text: str, matcher: Matcher, to: Sequence[str] | None) -> tuple[list[Swapped], str | None]:
    terms = matcher.list
    wanted = set(range(len(terms.members))) if to is None else {terms.member(name) for name in to}
    matches = matcher.find(text)
    if not matches:
        return [], NO_TERM
    if terms.swap == "none":
        return [], MEASURE_ONLY
    mentioned = {one.member for one in matches}
    if len(mentioned) > 1 and not mutual(terms):
        return [], TWO_MEMBERS
    if any(one.paradigm is None for one in matches):
        return [], UNPAIRED
    found, reasons = [], []
    for mapping in _mappings(terms, mentioned):
        if set(mapping.values()) & wanted:
            made = _exchange(text, matches, terms, mapping)
            if isinstance(made, str):
                reasons.append(made)
            else:
                found.append(_checked(text, made, matcher, mapping))
    return found, None if found else (reasons or [NO_TERM])[0]


def _mappings(terms: TermList, mentioned: set[int]) -> Iterator[dict[int, int]]:
    """Source -> target member, one mapping per counterfactual."""
    if mutual(terms):
        yield {member: 1 - member for member in sorted(mentioned)}
        return
    (source,) = mentioned
    yield from ({source: target} for target in range(len(terms.members)) if target != source)


def _exchange(text: str, matches: Sequence[Match], terms: TermList, mapping: Mapping[int, int]) -> Swapped | str:
    """The text with every match replaced, from left to right over the old text; or the reason why not."""
    changes: list[tuple[int, int, str]] = []
    doubts: set[str] = set()
    articles = 0
    for match in matches:
        assert match.paradigm is not None
        target = terms.counterpart(match.member, match.paradigm, mapping[match.member])
        if target is None:
            return UNPAIRED
        slot, guessed = _slot(text, match, target, terms.language)
        if slot is None:
            return UNKNOWN_SLOT
        doubts |= {"slot"} if guessed else set()
        doubts |= {"ambiguous"} if match.ambiguous else set()
        old = text[match.start : match.end]
        new = _in_case(text, match, target[slot])
        if new is None:
            doubts.add("case")
            new = target[slot]
        if terms.language.split("-")[0] == "en":
            changed = _article(text, match.start, old, new)
            if isinstance(changed, str):
                doubts.add(changed)
            elif changed is not None:
                articles += 1
                changes.append(changed)
        changes.append((match.start, match.end, new))
    if terms.language.split("-")[0] not in WITHOUT_AGREEMENT and not terms.complete:
        doubts.add("agreement")
    made, edits = _applied(text, changes)
    if made == text:
        return SAME
    names = [member.name for member in terms.members]
    sources, targets = tuple(names[m] for m in mapping), tuple(names[m] for m in mapping.values())
    return Swapped(made, sources, targets, edits, articles, tuple(sorted(doubts)))


def _slot(text: str, match: Match, target: Paradigm, language: str) -> tuple[int | None, bool]:
    """The slot of a match (None: unknown), and whether a rule had to choose it."""
    if len({target[slot] for slot in match.slots}) == 1:
        return match.slots[0], False
    if language.split("-")[0] != "en":
        return None, True
    return english.slot(text, match.start, match.end, match.slots, len(target)), True


def _in_case(text: str, match: Match, new: str) -> str | None:
    """The new form in the case of the old one; None for mixed letters. A form as its list writes it gives one as its list writes it."""
    old, form = joined(text[match.start : match.end]), joined(match.form)
    if old == form:
        return _first_upper(new) if old[:1].isupper() and _begins_sentence(text, match.start) else new
    if old.isupper() and sum(c.isalpha() for c in old) > 1:
        return new.upper()
    if old == old.lower():
        return new.lower()
    if old[:1].isupper() and old[1:] in (form[1:], form[1:].lower()):
        return _first_upper(new)
    return None


def _first_upper(word: str) -> str:
    return word[:1].upper() + word[1:]


def _begins_sentence(text: str, start: int) -> bool:
    before = text[max(0, start - 20) : start].rstrip(" \t\"'“”‘’«»(¿¡")
    return not before and start <= 20 or before[-1:] in (".", "!", "?", "\n", "…", ":")


def _article(text: str, start: int, old: str, new: str) -> tuple[int, int, str] | str | None:
    """The change of the article before a term; `article` where the old one does not fit; None where nothing changes."""
    place = english.article(text, start)
    if place is None:
        return None
    written = text[place[0] : place[1]]
    if english.takes_an(old) != (len(written) == 2):
        return "article"
    if english.takes_an(new) == english.takes_an(old):
        return None
    capitals = old.isupper() and len(old) > 1
    return (*place, english.other_article(written, english.takes_an(new), capitals=capitals))


def _applied(text: str, changes: Sequence[tuple[int, int, str]]) -> tuple[str, tuple[Edit, ...]]:
    parts: list[str] = []
    edits: list[Edit] = []
    last = length = 0
    for start, end, new in changes:
        parts += [text[last:start], new]
        length += start - last
        edits.append(Edit(start, end, length, length + len(new), text[start:end], new))
        length += len(new)
        last = end
    return "".join([*parts, text[last:]]), tuple(edits)


def _checked(text: str, made: Swapped, matcher: Matcher, mapping: Mapping[int, int]) -> Swapped:
    """The counterfactual, in doubt if its way back does not lead to the text."""
    back = {target: source for source, target in mapping.items()}
    matches = matcher.find(made.text)
    if {one.member for one in matches} == set(back) and all(one.paradigm is not None for one in matches):
        again = _exchange(made.text, matches, matcher.list, back)
        if isinstance(again, Swapped) and again.text == text:
            return made
    return replace(made, doubts=(*made.doubts, "round trip"))
