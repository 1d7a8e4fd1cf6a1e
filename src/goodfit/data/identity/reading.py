"""YAML -> a term list, or one SettingsError that says what is wrong and in which line.

Layer: data. The same reader of YAML as for recipes: no types are guessed, tags are refused, size and depth are bounded. A list is
named by a shipped name (`gender-en`) or by a file, whose path is relative to the recipe's folder:

    axis: gender
    language: en
    swap: aligned                      # or any, none
    members:
      women: [she/her/her/hers/herself, woman/women]
      men: [he/him/his/his/himself, man/men]

and, where needed, unpaired, exclude, ambiguous, complete, license, sources and reviewed_by (docs/reference/term-lists.md).
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, get_args

from goodfit.data.identity.folding import key
from goodfit.data.identity.terms import Member, Paradigm, Swap, TermList
from goodfit.errors import Place, SettingsError, machine_error, nearest
from goodfit.settings.document import Document, Path_, compose, dotted
from goodfit.settings.problems import joined

LISTS = Path(__file__).with_name("lists")
LARGEST = 1_000_000
"""Bytes of a list."""
MOST_FORMS = 20_000
LONGEST_FORM = 100
"""Characters."""
KEYS = ("axis", "language", "swap", "members", "unpaired", "complete", "exclude", "ambiguous", "license", "sources", "reviewed_by")
NEEDED = KEYS[:4]
SWAPS: tuple[Swap, ...] = get_args(Swap)
_SEE = "see docs/reference/term-lists.md"
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def shipped() -> list[str]:
    """Names of the lists that Goodfit ships, `<axis>-<language>`, in order."""
    return sorted(path.stem for path in LISTS.glob("*.yaml"))


def term_list(name_or_path: str, base: Path) -> TermList:
    """A shipped list by its name, or the list in a YAML file (relative to `base`); SettingsError says what is wrong with it.

    A shipped name wins over a file of that name without an ending.
    """
    if name_or_path in shipped():
        return _shipped(name_or_path)
    try:
        path = base / Path(name_or_path).expanduser()
        there = path.is_file()
    except (OSError, ValueError, RuntimeError):
        there = False
    if not there:
        raise _missing(name_or_path, base)
    return read_list(path.stem, _text(path), str(path))


@cache
def _shipped(name: str) -> TermList:
    return read_list(name, _text(LISTS / f"{name}.yaml"), f"{name}.yaml")


def _missing(name: str, base: Path) -> SettingsError:
    close = nearest(name, shipped())
    others = f"name a YAML file, relative to {base}, or one of {', '.join(shipped())}"
    fix = f"did you mean {close!r}?" if close else others
    return SettingsError(f"there is no term list {name[:200]!r}", place=Place(key=name[:200]), fix=fix)


def _text(path: Path) -> str:
    name = str(path)
    try:
        with path.open("rb") as handle:
            raw = handle.read(LARGEST + 1)
    except OSError as error:
        raise machine_error(error, "reading", path) from error
    if len(raw) > LARGEST:
        raise SettingsError(f"this is too large for a term list (over {LARGEST:,} bytes)", place=Place(file=name), fix="make it several")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        message = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        raise SettingsError(message, place=Place(file=name, line=line), fix="save the list as UTF-8") from None


def read_list(name: str, text: str, file: str | None = None) -> TermList:
    """The list in a YAML text; `file` names it in errors."""
    try:
        document = compose(text, file)
    except SettingsError as error:  # the reader of recipes speaks of recipes
        fix = error.fix if error.fix and "recipe" not in error.fix and "goodfit" not in error.fix else _SEE
        raise SettingsError(error.message.replace("recipe", "term list"), place=error.place, fix=fix) from None
    if document.problems:
        raise joined(document.problems)
    return _Reader(name, document).read()


class _Reader:
    """The values of a document -> a TermList; every method raises a SettingsError with its line."""

    def __init__(self, name: str, document: Document) -> None:
        self.name = name
        self.document = document
        self.values = document.values

    def error(self, path: Path_, message: str, fix: str | None = None) -> SettingsError:
        return SettingsError(message, place=self.document.place(path), fix=fix or _SEE)

    def read(self) -> TermList:
        self._keys()
        members = self._members()
        forms = [form for member in members for form in member.forms]
        if len(forms) > MOST_FORMS:
            raise self.error(("members",), f"the list has {len(forms):,} forms; {MOST_FORMS:,} are the most", "make it several lists")
        swap = self._swap()
        if swap != "none" and len(members) < 2:
            raise self.error(("swap",), f"swap: {swap} needs two members or more", "write `swap: none`, or add a member")
        return TermList(
            name=self.name,
            axis=self._word("axis"),
            language=self._language(),
            members=members,
            swap=swap,
            complete=self._flag("complete"),
            exclude=self._phrases(("exclude",)),
            ambiguous=self._ambiguous(),
            license=self._optional("license"),
            sources=tuple(self._strings(("sources",))),
            reviewed_by=self._optional("reviewed_by"),
        )

    def _keys(self) -> None:
        for name in self.values:
            if name not in KEYS:
                close = nearest(name.lower(), KEYS)
                fix = f"did you mean {close}?" if close else f"the keys of a term list are {', '.join(KEYS)}"
                raise self.error((name,), f"{name[:80]} is not a key of a term list", fix)
        for name in NEEDED:
            if self.values.get(name) is None:
                raise self.error((name,), f"{name} is missing", f"add `{name}: …`; {_SEE}")

    def _string(self, path: Path_, value: Any, what: str = "text") -> str:
        if isinstance(value, str) and value.strip():
            return value.strip()
        if isinstance(value, str) or value is None:
            raise self.error(path, f"{dotted(path)} is empty", f"write {what}, or remove it")
        if isinstance(value, bool | int | float):
            shown = self.document.texts.get(path, str(value))
            raise self.error(path, f"{dotted(path)}: {shown} is read as a {type(value).__name__}, not as text", f'quote it: "{shown}"')
        raise self.error(path, f"{dotted(path)} is a {'list' if isinstance(value, list) else 'mapping'}, not {what}")

    def _word(self, name: str) -> str:
        return self._string((name,), self.values[name])

    def _optional(self, name: str) -> str | None:
        return None if self.values.get(name) is None else self._word(name)

    def _flag(self, name: str) -> bool:
        value = self.values.get(name, False)
        if not isinstance(value, bool):
            raise self.error((name,), f"{name}: {value!r} is not true or false", "write true or false")
        return value

    def _language(self) -> str:
        code = self._word("language")
        if not _LANGUAGE.fullmatch(code):
            raise self.error(("language",), f"language: {code[:40]!r} is not a language code", "write an ISO 639 code, such as en or pt-BR")
        return code

    def _swap(self) -> Swap:
        value = self._word("swap")
        for known in SWAPS:
            if value == known:
                return known
        close = nearest(value.lower(), SWAPS)
        raise self.error(
            ("swap",), f"swap: {value[:40]!r} is not one of {', '.join(SWAPS)}", f"did you mean {close}?" if close else "choose one of them"
        )

    def _strings(self, path: Path_) -> list[str]:
        value = self.values
        for part in path:
            value = value.get(str(part))  # type: ignore[assignment]
            if value is None:
                return []
        if not isinstance(value, list):
            raise self.error(path, f"{dotted(path)} is not a list", f"write `{path[-1]}: [ … ]`")
        return [self._string((*path, index), item) for index, item in enumerate(value)]

    def _phrases(self, path: Path_) -> tuple[str, ...]:
        found = self._strings(path)
        for index, phrase in enumerate(found):
            self._form((*path, index), phrase)
        return tuple(found)

    def _form(self, path: Path_, form: str) -> str:
        if len(form) > LONGEST_FORM:
            raise self.error(path, f"{dotted(path)}: a form of {len(form):,} characters; {LONGEST_FORM} are the most", "shorten it")
        if not key(form) or not any(c.isalnum() for c in form):
            raise self.error(path, f"{dotted(path)}: {form!r} holds no letter, nothing can match it", "write a word")
        return form

    def _mapping(self, name: str) -> dict[str, Any]:
        value = self.values.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.error((name,), f"{name} is not a set of `name: value` lines")
        return value

    def _members(self) -> tuple[Member, ...]:
        found = self._mapping("members")
        if not found:
            raise self.error(("members",), "members is empty", "write `members: {women: [woman/women], men: [man/men]}`")
        for name in self._mapping("unpaired"):
            if name not in found:
                close = nearest(name, found)
                fix = f"did you mean {close}?" if close else f"the members are {', '.join(found)}"
                raise self.error(("unpaired", name), f"unpaired: {name[:80]!r} is not a member", fix)
        return tuple(self._member(name) for name in found)

    def _member(self, name: str) -> Member:
        path: Path_ = ("members", name)
        if not name.strip():
            raise self.error(path, "a member without a name", "give it a name")
        paradigms = tuple(self._paradigm((*path, index), text) for index, text in enumerate(self._strings(path)))
        if not paradigms:
            raise self.error(path, f"the member {name!r} has no terms", "write its paradigms, such as [woman/women]")
        return Member(name, paradigms, self._phrases(("unpaired", name)))

    def _paradigm(self, path: Path_, text: str) -> Paradigm:
        forms = tuple(part.strip() for part in text.split("/"))
        if not all(forms):
            raise self.error(path, f"{dotted(path)}: {text[:80]!r} has an empty form", "write a form between any two slashes")
        return tuple(self._form(path, form) for form in forms)

    def _ambiguous(self) -> dict[str, str]:
        found = self._mapping("ambiguous")
        return {form: self._string(("ambiguous", form), why, "what else it means") for form, why in found.items()}
