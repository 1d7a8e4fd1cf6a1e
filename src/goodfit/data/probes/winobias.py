"""WinoBias: are pronouns understood by what a sentence says, or by who usually has the job? Part of data.probes.

Zhao et al. 2018, "Gender Bias in Coreference Resolution: Evaluation and Debiasing Methods", https://aclanthology.org/N18-2003; the files
`{pro,anti}_stereotyped_type{1,2}.txt.{dev,test}` of github.com/uclanlp/corefBias. A line is a number and a sentence with brackets around
the person and around the pronouns that mean him or her. The line of the same number in the other file has the other gender. Type 1 takes
knowledge of the world to resolve, type 2 only grammar. Score: accuracy on pro- minus accuracy on anti-stereotyped sentences; 0 is ideal.

Lines whose two versions differ in more than the pronouns (17 of 1,584 in the published files) are no pairs, and are left out and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from goodfit.data.probes.files import error, some, text_of

NAME = re.compile(r"(pro|anti)_stereotyped_type([12])\.txt\.(\w+)")
FIX = "the folder WinoBias/wino/data of github.com/uclanlp/corefBias"
PRONOUNS = frozenset(["he", "him", "his", "himself", "she", "her", "hers", "herself"])
_BRACKET = re.compile(r"\[\s*([^\[\]]*?)\s*\]")
_ARTICLE = re.compile(r"(?:the|an?|some)\s+", re.IGNORECASE)


@dataclass(frozen=True)
class Sentence:
    """One sentence."""

    text: str
    """Without brackets."""
    pronoun: str
    """The first that is bracketed."""
    right: str
    """The person meant, without the article."""


@dataclass(frozen=True)
class Pronouns:
    """A sentence with the gender that is usual for the person's job, and with the other."""

    kind: str
    """`type 1`, `type 2`"""
    part: str
    """`dev`, `test`"""
    number: int
    pro: Sentence
    anti: Sentence
    people: tuple[str, ...]
    """The persons in it, by their jobs: the one meant and the others."""

    @property
    def cluster(self) -> tuple[str, ...]:
        """Sentences about the same two jobs hang together."""
        return tuple(sorted(one.lower() for one in self.people))


class Read(NamedTuple):
    """Pairs, and the lines that are none."""

    pairs: list[Pronouns]
    left_out: int


class _Line(NamedTuple):
    sentence: Sentence
    frame: str


def read_winobias(path: Path) -> Read:
    """All pairs of a folder."""
    if not path.is_dir():
        raise error(path, "it is no folder", FIX)
    named = {match.groups(): file for file in sorted(path.iterdir()) if (match := NAME.fullmatch(file.name))}
    if not named:
        raise error(path, "there is no file pro_stereotyped_type1.txt.dev or the like", FIX)
    lines = {key: _lines(file) for key, file in named.items()}
    for (which, kind, part), file in named.items():
        if ("anti" if which == "pro" else "pro", kind, part) not in named:
            raise error(file, "the file of the other direction is not beside it", FIX)
    jobs = {line.sentence.right.lower(): line.sentence.right for of in lines.values() for line in of.values()}
    pairs, left_out = [], 0
    for (which, kind, part), pro in lines.items():
        if which == "anti":
            continue
        anti = lines["anti", kind, part]
        for number in sorted(set(pro) | set(anti)):
            made = _pair(pro.get(number), anti.get(number), jobs)
            left_out += made is None
            if made is not None:
                pairs.append(Pronouns(f"type {kind}", part, number, *made))
    some(pairs, path)
    return Read(pairs, left_out)


def _lines(path: Path) -> dict[int, _Line]:
    found: dict[int, _Line] = {}
    for at, line in enumerate(text_of(path).split("\n"), 1):
        if not line.strip():
            continue
        number, _, rest = line.strip().partition(" ")
        marks = _BRACKET.findall(rest)
        pronouns = [mark for mark in marks if mark.lower() in PRONOUNS]
        people = [mark for mark in marks if mark.lower() not in PRONOUNS]
        if not number.isdecimal() or not pronouns or len(people) != 1 or not people[0]:
            raise error(path, "the line is no number and sentence with [a person] and [a pronoun] in brackets", FIX, at)
        if int(number) in found:
            raise error(path, f"number {number} stands there twice", FIX, at)
        frame = _BRACKET.sub(lambda m: "#" if m[1].lower() in PRONOUNS else m[1], rest)
        found[int(number)] = _Line(Sentence(plain(rest), pronouns[0], _ARTICLE.sub("", people[0], count=1).strip()), plain(frame).lower())
    some(list(found), path)
    return found


def plain(text: str) -> str:
    """The sentence as one writes it: no brackets, no doubled article (`the [the chief]`), no space before an apostrophe or a full stop."""
    words = " ".join(_BRACKET.sub(r"\1", text).split())
    return re.sub(r"\b(the) the\b", r"\1", re.sub(r" (['.,])", r"\1", words), flags=re.IGNORECASE)


def _pair(pro: _Line | None, anti: _Line | None, jobs: Mapping[str, str]) -> tuple[Sentence, Sentence, tuple[str, ...]] | None:
    """The two versions with the people in them; None where they differ in more than pronouns, or only one person is there."""
    if pro is None or anti is None or pro.frame != anti.frame or pro.sentence.right.lower() != anti.sentence.right.lower():
        return None
    if pro.sentence.pronoun.lower() == anti.sentence.pronoun.lower():
        return None
    others = [jobs[job] for job in named(pro.sentence.text, jobs) if job != pro.sentence.right.lower()]
    return (pro.sentence, anti.sentence, (pro.sentence.right, *others)) if others else None


def named(text: str, jobs: Iterable[str]) -> list[str]:
    """The jobs that a sentence names, the longest names first, each word once (`construction worker` is no `worker`)."""
    left, out = text.lower(), []
    for job in sorted(jobs, key=lambda one: (-len(one), one)):
        pattern = re.compile(rf"\b{re.escape(job)}\b")
        if pattern.search(left):
            out.append(job)
            left = pattern.sub(" ", left)
    return out


def refers(sentence: Sentence) -> str:
    """The question whose continuation names the person: `… In this sentence, "he" means the`."""
    return f'{sentence.text}\nIn this sentence, "{sentence.pronoun}" means'


def answers(people: Sequence[str]) -> list[str]:
    """The possible continuations; the first is right."""
    return [f"the {one}" for one in people]
