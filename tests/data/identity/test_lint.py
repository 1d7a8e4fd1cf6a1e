"""The linter: what it finds in broken lists; contexts; coverage."""

from __future__ import annotations

from pathlib import Path

import pytest

from goodfit.data.identity.lint import SIDE, contexts, coverage, lint
from goodfit.data.identity.match import Matcher
from goodfit.data.identity.reading import read_list, term_list
from goodfit.data.identity.terms import TermList


def terms(members: str, swap: str = "aligned", more: str = "", language: str = "en") -> TermList:
    return read_list("mine", f"axis: a\nlanguage: {language}\nswap: {swap}\nmembers: {members}\n{more}")


def kinds(of: TermList) -> list[str]:
    return [fault.kind for fault in lint(of) if not fault.note]


@pytest.mark.parametrize(
    ("members", "swap", "found"),
    [
        ("{x: [a/b, c], y: [p/q, r]}", "aligned", []),
        ("{x: [he/him/his/his/himself], y: [she/her/her/hers/herself]}", "aligned", []),
        ("{x: [a/b, c], y: [p/q]}", "aligned", ["arity"]),
        ("{x: [a/b], y: [p]}", "aligned", ["arity"]),
        ("{x: [a/b], y: [p]}", "none", []),
        ("{x: [a/b, c], y: [r, p/q]}", "any", []),
        ("{x: [a/b, c], y: [p/q]}", "any", ["arity"]),
        ("{x: [a], y: [a]}", "none", ["two members"]),
        ("{x: [a/a, b], y: [p/q, q]}", "aligned", ["involution", "duplicate"]),
        ("{x: [a, a], y: [p, q]}", "none", ["duplicate"]),
        ("{x: [African American, african-american], y: [p, q]}", "none", ["duplicate"]),
        ("{x: [Mr, Sir], y: [Mrs, Mrs]}", "aligned", ["involution", "duplicate"]),
    ],
)
def test_what_is_found(members: str, swap: str, found: list[str]) -> None:
    assert sorted(set(kinds(terms(members, swap)))) == sorted(found)


def test_the_published_plural_slip() -> None:
    """A published table put `grandmothers` opposite `grandfather`."""
    assert "number" in kinds(terms("{w: [grandmothers], m: [grandfather]}"))
    assert "number" in kinds(terms("{w: [woman/women], m: [men/man]}"))
    assert "number" in kinds(terms("{w: [businesswomen], m: [businessman]}"))
    (fault,) = [fault for fault in lint(terms("{w: [aunt, nieces], m: [uncle, nephew]}")) if not fault.note]
    assert (fault.where, "'nieces'" in fault.words, "'nephew'" in fault.words) == ("members.w[1]", True, True)
    assert kinds(terms("{w: [princess/princesses], m: [prince/princes]}")) == []
    assert kinds(terms("{w: [grandmothers], m: [grandfather]}", language="de")) == []


def test_a_form_that_cannot_be_found() -> None:
    assert kinds(terms("{x: ['wo(man)'], y: [man]}", "none")) == []
    assert kinds(terms("{x: [red wine], y: [bottle]}", "none", "exclude: [wine bottle, red wine]")) == ["excluded"]
    assert kinds(terms("{x: [-minded], y: [man]}", "none")) == ["boundary"]
    assert kinds(terms("{x: ['#metoo', c++], y: [man]}", "none")) == []


def test_excluded_phrases_must_hold_a_form() -> None:
    (fault,) = [fault for fault in lint(terms("{x: [black], y: [white]}", more="exclude: [black tea, blak coffee]")) if not fault.note]
    assert (fault.kind, fault.where) == ("idle", "exclude[1]")


def test_ambiguous_forms_are_notes_with_their_why() -> None:
    found = lint(terms("{x: [black], y: [white]}", more="ambiguous: {black: the colour, blak: nothing}"))
    assert [(fault.kind, fault.note) for fault in found] == [
        ("stray", False),
        ("ambiguous", True),
        ("ambiguous", True),
        ("unreviewed", True),
    ]
    assert "the colour" in found[1].words
    assert found[-1].words == "not reviewed by a native speaker"
    assert all(fault.fix and fault.where for fault in found)


def test_a_signed_list_has_no_such_note() -> None:
    assert lint(terms("{x: [black], y: [white]}", more="reviewed_by: somebody")) == []


def test_a_form_of_an_unspaced_language_inside_another_is_found_as_itself() -> None:
    assert kinds(terms("{f: [女, 女人], m: [男, 男人]}", language="zh")) == []


def test_contexts_show_the_words_around() -> None:
    matcher = Matcher(term_list("ethnicity-en", Path()))
    texts = ["a black dog", None, "x" * 100 + " black " + "y" * 100, "no\nblack\tdog's eye", "white"]
    found = contexts(matcher, texts)
    assert list(found) == ["black", "white"]
    first, second, third = found["black"]
    assert (first.row, first.left, first.hit, first.right) == (0, "a ", "black", " dog")
    assert second.left == "…" + "x" * (SIDE - 1) + " "
    assert second.right == " " + "y" * (SIDE - 1) + "…"
    assert (third.row, third.left) == (3, "no ")


def test_contexts_are_drawn_with_a_seed_from_all_matches() -> None:
    matcher = Matcher(term_list("gender-en", Path()))
    texts = [f"{i} she" for i in range(500)]
    one, two, other = (contexts(matcher, texts, k=20, seed=seed)["she"] for seed in (1, 1, 2))
    assert one == two != other
    assert len(one) == 20
    assert [context.row for context in one] == sorted({context.row for context in one})
    rows = [context.row for seed in range(40) for context in contexts(matcher, texts, k=5, seed=seed)["she"]]
    assert 150 < sum(rows) / len(rows) < 350
    assert contexts(matcher, [], 3) == {}


def test_coverage_counts_forms_and_members() -> None:
    matcher = Matcher(terms("{x: [black/blacks, ebony], y: [white]}", "none"))
    found = coverage(matcher, ["black black white", "ebony", None, "nothing"])
    assert found.texts == 4
    assert found.forms == {"black": 2, "blacks": 0, "ebony": 1, "white": 1}
    x, y = found.members["x"], found.members["y"]
    assert (x.rows, x.matches, x.forms, x.seen) == (2, 3, 3, 2)
    assert (y.rows, y.matches, y.forms, y.seen) == (1, 1, 1, 1)
