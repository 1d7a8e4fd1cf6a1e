"""Term lists: reading, what is wrong with a file, the shipped lists, halves."""

from __future__ import annotations

from pathlib import Path

import pytest

from goodfit.data.identity.folding import key
from goodfit.data.identity.lint import lint
from goodfit.data.identity.match import Matcher
from goodfit.data.identity.reading import LISTS, read_list, shipped, term_list
from goodfit.data.identity.terms import NOT_REVIEWED, halves
from goodfit.errors import GoodfitError, SettingsError

GOOD = """
axis: gender
language: en
swap: aligned
members:
  women: [she/her/her/hers/herself, woman/women]
  men: [he/him/his/his/himself, man/men]
"""
HERE = Path()


def wrong(text: str) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        read_list("mine", text, "mine.yaml")
    return caught.value


def test_a_list_is_read() -> None:
    terms = read_list("mine", GOOD + "exclude: [man-made]\nambiguous: {her: object or determiner}\nsources: [me]\nlicense: CC0-1.0\n")
    assert (terms.name, terms.axis, terms.language, terms.swap, terms.complete) == ("mine", "gender", "en", "aligned", False)
    assert [member.name for member in terms.members] == ["women", "men"]
    assert terms.members[0].paradigms[0] == ("she", "her", "her", "hers", "herself")
    assert terms.members[0].forms == ("she", "her", "hers", "herself", "woman", "women")
    assert (terms.exclude, dict(terms.ambiguous), terms.license) == (("man-made",), {"her": "object or determiner"}, "CC0-1.0")
    assert terms.review == NOT_REVIEWED


def test_who_reviewed_it_is_said() -> None:
    assert read_list("mine", GOOD + "reviewed_by: A. Person\n").review == "reviewed by A. Person"


def test_a_file_is_found_beside_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "mine.yaml").write_text(GOOD, encoding="utf-8")
    assert term_list("lists/mine.yaml", tmp_path).name == "mine"
    assert term_list(str(tmp_path / "lists" / "mine.yaml"), HERE).axis == "gender"


def test_a_shipped_name_wins_over_a_file_of_that_name(tmp_path: Path) -> None:
    (tmp_path / "gender-en").write_text("axis: x", encoding="utf-8")
    assert term_list("gender-en", tmp_path).axis == "gender"


@pytest.mark.parametrize(("name", "word"), [("gendr-en", "'gender-en'"), ("religon-de", "'religion-de'"), ("qqqq", "gender-en")])
def test_an_unknown_name_gets_the_nearest(name: str, word: str) -> None:
    with pytest.raises(SettingsError) as caught:
        term_list(name, HERE)
    assert word in str(caught.value.fix)


@pytest.mark.parametrize("name", ["", "\0", "~nobody-of-that-name/x.yaml", "x" * 5000, "."])
def test_odd_names_are_no_tracebacks(name: str) -> None:
    with pytest.raises(SettingsError):
        term_list(name, HERE)


@pytest.mark.parametrize(
    ("old", "new", "words", "line"),
    [
        ("axis: gender", "axs: gender", "axs is not a key", 2),
        ("language: en", "", "language is missing", None),
        ("language: en", "language: English", "not a language code", 3),
        ("swap: aligned", "swap: align", "swap: 'align'", 4),
        ("swap: aligned", "swap: aligned\nswap: any", "stands twice", 5),
        ("women: [she/her/her/hers/herself, woman/women]", "women: []", "'women' has no terms", 6),
        ("women: [she/her/her/hers/herself, woman/women]", "women:", "'women' has no terms", 6),
        ("women: [she/her/her/hers/herself, woman/women]", "women: she", "members.women is not a list", 6),
        ("woman/women", "woman//women", "has an empty form", 6),
        ("woman/women", "42", "members.women[1]: 42 is read as a int, not as text", 6),
        ("woman/women", "true", "is read as a bool", 6),
        ("woman/women", "~", "members.women[1] is empty", 6),
        ("woman/women", "''", "members.women[1] is empty", 6),
        ("woman/women", "[woman, women]", "is a list, not text", 6),
        ("woman/women", "'?!'", "holds no letter", 6),
        ("woman/women", "'\u200b'", "holds no letter", 6),
        ("woman/women", "x" * 200, "a form of 200 characters", 6),
        ("woman/women", "!!python/name:os.system x", "tags", 6),
        ("woman/women", "*woman", "a value that begins with * is read as a reference", 6),
    ],
)
def test_what_is_wrong_is_said_with_its_line(old: str, new: str, words: str, line: int | None) -> None:
    error = wrong(GOOD.replace(old, new, 1))
    assert words in str(error)
    assert error.fix
    assert "recipe" not in str(error)
    assert line is None or error.place.line == line


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("unpaired: {womn: [Mrs]}", "'womn' is not a member"),
        ("unpaired: [Mrs]", "unpaired is not a set"),
        ("exclude: man-made", "exclude is not a list"),
        ("exclude: ['...']", "holds no letter"),
        ("ambiguous: [her]", "ambiguous is not a set"),
        ("ambiguous: {her: }", "ambiguous.her is empty"),
        ("complete: maybe", "not true or false"),
        ("reviewed_by: [me]", "reviewed_by is a list"),
        ("sources: written", "sources is not a list"),
    ],
)
def test_what_is_wrong_in_the_other_keys(more: str, words: str) -> None:
    assert words in str(wrong(GOOD + more + "\n"))


@pytest.mark.parametrize("text", ["", "# nothing", "- a\n- b", "word", "members: {a: [b", "\ta: b", "a: b\n---\nc: d", "{" * 2000])
def test_a_file_that_is_no_list(text: str) -> None:
    error = wrong(text)
    assert "recipe" not in str(error)


def test_a_swap_needs_two_members() -> None:
    text = "axis: a\nlanguage: en\nswap: any\nmembers: {x: [y]}\n"
    assert "two members" in str(wrong(text))
    assert read_list("mine", text.replace("any", "none")).members[0].name == "x"


def test_too_many_bytes_and_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "big.yaml").write_text("# " + "x" * 1_000_001, encoding="utf-8")
    (tmp_path / "latin.yaml").write_bytes("axis: a\nlanguage: español".encode("latin-1"))
    with pytest.raises(SettingsError, match="too large"):
        term_list("big.yaml", tmp_path)
    with pytest.raises(SettingsError, match=r"latin\.yaml:2: byte 0xf1 is not UTF-8"):
        term_list("latin.yaml", tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(GoodfitError):
        term_list("folder", tmp_path)


def test_an_unknown_member_is_named() -> None:
    with pytest.raises(SettingsError, match="its members are women, men"):
        read_list("mine", GOOD).member("woman")


# The shipped lists


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_list_is_in_order(name: str) -> None:
    terms = term_list(name, HERE)
    assert [fault for fault in lint(terms) if not fault.note] == []
    assert name.endswith(f"-{terms.language}")
    assert (terms.license, terms.reviewed_by, terms.sources[0]) == ("Apache-2.0", None, "written for Goodfit")
    assert (LISTS / f"{name}.yaml").read_text(encoding="utf-8").startswith("# ")
    assert all(not any(c == "\u00ad" for c in form) for member in terms.members for form in member.forms)


def test_which_lists_are_shipped() -> None:
    english = {f"{axis}-en" for axis in ("gender", "ethnicity", "nationality", "religion", "orientation", "disability", "age")}
    others = {f"{axis}-{lang}" for axis in ("gender", "religion", "nationality", "orientation", "age") for lang in ("de", "fr", "es")}
    assert english | others <= set(shipped())


@pytest.mark.parametrize("name", shipped())
def test_every_form_of_a_shipped_list_is_found_alone_and_in_capitals(name: str) -> None:
    terms = term_list(name, HERE)
    matcher = Matcher(terms)
    for place, member in enumerate(terms.members):
        for form in member.forms:
            for text in (form, form.upper(), f"«{form}»,"):
                assert [one.member for one in matcher.find(text)] == [place], text


@pytest.mark.parametrize("name", [f"gender-{lang}" for lang in ("de", "fr", "es")])
def test_gender_only_measures_where_a_swap_breaks_agreement(name: str) -> None:
    assert term_list(name, HERE).swap == "none"


# Halves


def test_halves_of_an_aligned_list_keep_its_alignment() -> None:
    whole = term_list("gender-en", HERE)
    one, two = halves(whole, seed=3)
    pairs = set(zip(whole.members[0].paradigms, whole.members[1].paradigms, strict=True))
    found = [set(zip(half.members[0].paradigms, half.members[1].paradigms, strict=True)) for half in (one, two)]
    assert found[0] | found[1] == pairs
    assert not found[0] & found[1]
    assert abs(len(found[0]) - len(found[1])) <= 1
    assert (one.name, two.name) == ("gender-en/1", "gender-en/2")
    assert {*one.members[0].unpaired, *two.members[0].unpaired} == set(whole.members[0].unpaired)


@pytest.mark.parametrize("name", shipped())
@pytest.mark.parametrize("seed", [0, 1])
def test_halves_of_every_shipped_list_share_no_form(name: str, seed: int) -> None:
    one, two = halves(term_list(name, HERE), seed)
    forms = [{key(form) for member in half.members for form in member.forms} for half in (one, two)]
    assert not forms[0] & forms[1]
    assert all(member.paradigms for half in (one, two) for member in half.members)
    for half in (one, two):
        assert [fault for fault in lint(half) if not fault.note and fault.kind != "idle"] == []


def test_halves_depend_on_the_seed_alone() -> None:
    whole = term_list("age-en", HERE)
    assert halves(whole, 5) == halves(whole, 5)
    assert len({halves(whole, seed)[0].members[0].paradigms for seed in range(8)}) > 1


def test_a_phrase_of_the_other_half_is_not_seen_through_a_word_of_this_one() -> None:
    text = "axis: a\nlanguage: en\nswap: aligned\nmembers: {b: [black, black woman/black women], w: [white, white woman/white women]}"
    for half in halves(read_list("mine", text), 0):
        found = Matcher(half).find("black, and a black woman")
        assert len(found) == 1


def test_a_list_of_one_paradigm_cannot_be_cut() -> None:
    terms = read_list("mine", "axis: a\nlanguage: en\nswap: any\nmembers: {x: [y, z], v: [w]}")
    with pytest.raises(SettingsError, match="v has 1 paradigm"):
        halves(terms, 0)


def test_halves_of_members_of_different_length() -> None:
    terms = read_list("mine", "axis: a\nlanguage: en\nswap: any\nmembers: {x: [a, b, c, d, e], v: [w, q]}")
    one, two = halves(terms, 1)
    assert [len(member.paradigms) for member in (*one.members, *two.members)] == [3, 1, 2, 1]
