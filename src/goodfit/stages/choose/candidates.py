"""Candidates: which base models could be fine-tuned here, where each comes from, and why others could not. Part of choose.

Named models come from the recipe; with `auto` and no `choose.candidates` they are those of installed packages and of the hub's cache.
Nothing is loaded and nothing is downloaded but what the recipe names itself; models of the catalog that are not here are listed with the
command that gets them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from goodfit.errors import ModelError
from goodfit.models import packaged
from goodfit.models.encoders import ENCODERS, OPEN
from goodfit.models.heads import Head, Language
from goodfit.models.hubcache import cached
from goodfit.models.identity import Identity, identify
from goodfit.models.memory import estimate
from goodfit.models.source import Source, resolve
from goodfit.monitor.words import size
from goodfit.recipe import Choose, Peft
from goodfit.recipe.prepare import bytes_of
from goodfit.stages.choose.catalog import Entry, catalog

Origin = Literal["named", "installed", "hub cache", "catalog"]
WRITERS = frozenset({"gguf", "llama", "qwen2", "qwen3", "gemma3_text", "gemma2", "mistral", "phi3", "gpt2", "smollm3"})
"""Kinds of model that `auto` takes for generation."""
SHARE_OF_MEMORY = 0.9
"""Of the machine's, that a training may take."""
BATCH_TOKENS, LONGEST = 4096, 256
"""The forward pass whose memory is estimated."""


@dataclass(frozen=True)
class Candidate:
    """A base model that was looked at without loading it."""

    name: str
    origin: Origin
    base: Identity | None = None
    """None where it is refused, or not here."""
    license: str | None = None
    memory: int | None = None
    """Bytes that training takes, estimated."""
    refused: str | None = None
    """Why it is no candidate."""
    here: bool = True
    """Whether its files lie on this machine."""
    command: str | None = None
    """What gets it, where it is not here."""
    entry: Entry | None = None
    """What the catalog knows of it."""
    seconds: float = 0.0
    """That looking took."""

    @property
    def usable(self) -> bool:
        """Whether it can be measured and trained."""
        return self.base is not None and self.refused is None


def locate(name: str, folder: Path) -> Source:
    """A relative folder or file is looked for beside the recipe first, as every path of a recipe is."""
    beside = folder / name
    return resolve(beside if beside.exists() else name)


def named(names: Sequence[str], folder: Path, head: Head, section: Choose, peft: Peft) -> list[Candidate]:
    """The models that a recipe names in `choose.candidates`; one that cannot be used is refused with the reason, none is an error."""
    found = [_look(name, "named", lambda name=name: locate(name, folder), head) for name in dict.fromkeys(names)]
    return _limited(_once(found), section, peft, head)


def around(head: Head, section: Choose, peft: Peft) -> list[Candidate]:
    """What `auto` finds: installed packages, then the hub's cache. Equal files count once."""
    found = [*_installed(head, section.licenses), *_in_cache(head, section.licenses)]
    return _limited(_once(found), section, peft, head)


def elsewhere(found: Sequence[Candidate], head: Head, section: Choose, folder: Path) -> list[Candidate]:
    """Models of the catalog for this task that are not among `found`, and what gets each; refused where the recipe's bounds say so."""
    kind = "generation" if isinstance(head, Language) else "classification"
    known = {name for one in found for name in _spellings(one)}
    return [_absent(entry, section) for entry in catalog(section.catalog, folder) if kind in entry.tasks and _plain(entry.id) not in known]


def _absent(entry: Entry, section: Choose) -> Candidate:
    memory = 16 * entry.parameters
    refused = _bound(entry.license, memory, section, section.licenses or tuple(OPEN))
    return Candidate(
        entry.id, "catalog", license=entry.license, memory=memory, here=False, entry=entry, command=f"hf download {entry.id}",
        refused="it is not here" if refused is None else refused,
    )  # fmt: skip


def _installed(head: Head, licenses: Sequence[str]) -> Iterator[Candidate]:
    for model in packaged.discover():
        reason = _unfit(model.model_type, model.architectures, model.license, head, licenses)
        if reason is not None:
            yield Candidate(model.name, "installed", license=model.license, refused=reason)
            continue
        yield _look(model.name, "installed", lambda model=model: resolve(model.name), head)


def _in_cache(head: Head, licenses: Sequence[str]) -> Iterator[Candidate]:
    for name, snapshot in cached().items():
        source = Source(name, snapshot, "hub", license=packaged.card_license(snapshot / "README.md"))
        try:
            config = source.config()
        except ModelError as error:
            yield Candidate(name, "hub cache", refused=error.message)
            continue
        kinds = (str(config.get("model_type")), tuple(map(str, config.get("architectures") or ())))
        reason = _unfit(*kinds, source.license, head, licenses)
        if reason is not None:
            yield Candidate(name, "hub cache", license=source.license, refused=reason)
            continue
        # By its folder: what lies here is enough, and the hub is not asked.
        yield _look(name, "hub cache", lambda s=source: replace(resolve(s.path), name=s.name, kind="hub"), head)


def _unfit(kind: str, made_for: Sequence[str], license_: str | None, head: Head, licenses: Sequence[str]) -> str | None:
    """Why a model that nobody named is no candidate, or None."""
    writes = isinstance(head, Language)
    if kind not in (WRITERS if writes else ENCODERS):
        return f"a {kind} model is not one that writes" if writes else f"a {kind} model is not an encoder"
    if license_ is None:
        return "its licence is not known: name it to use it"
    if license_ not in (licenses or OPEN):
        return f"its licence is {license_}: name it to use it"
    if not writes and any("MaskedLM" not in name and "Model" not in name for name in made_for):
        return f"it is already made for something else ({', '.join(made_for)})"
    return None


def _look(name: str, origin: Origin, find: object, head: Head) -> Candidate:
    """The facts of a model, or why it is refused; time is counted."""
    begin = time.monotonic()
    try:
        source = find()  # type: ignore[operator]
        base = identify(source, head)
    except ModelError as error:
        return Candidate(name, origin, refused=error.message, here=False, command=error.fix or None, seconds=time.monotonic() - begin)
    known = next((entry for entry in catalog(None, Path()) if _plain(entry.id) in (_plain(base.name), _plain(name))), None)
    return Candidate(base.name, origin, base, base.license, entry=known, seconds=time.monotonic() - begin)


def _limited(found: Sequence[Candidate], section: Choose, peft: Peft, head: Head) -> list[Candidate]:
    """With the memory of each, and those beyond `choose.max_memory` or outside `choose.licenses` refused."""
    out = []
    for one in found:
        if one.base is None or one.refused is not None:
            out.append(one)
            continue
        longest = min(LONGEST, one.base.max_length or LONGEST)
        lora = peft.r if peft.method == "lora" else None
        memory = estimate(one.base.path, head=head, batch_tokens=BATCH_TOKENS, longest=longest, lora_r=lora).total
        out.append(replace(one, memory=memory, refused=_bound(one.license, memory, section, section.licenses)))
    return out


def _bound(license_: str | None, memory: int, section: Choose, licenses: Sequence[str]) -> str | None:
    limit = memory_limit(section)
    if limit is not None and memory > limit:
        said = "of this machine's memory it may take" if section.max_memory == "auto" else "choose.max_memory is"
        return f"training it takes about {size(memory)}, and {said} {size(limit)}"
    if licenses and (license_ or "").lower() not in {name.lower() for name in licenses}:
        return f"its licence is {license_ or 'not known'}, which choose.licenses does not name"
    return None


def memory_limit(section: Choose) -> int | None:
    """Bytes that a training may take: as the recipe says, else most of what this machine has; None where that is not known."""
    if section.max_memory != "auto":
        return bytes_of(section.max_memory)
    try:
        return int(SHARE_OF_MEMORY * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return None


def _once(found: Sequence[Candidate]) -> list[Candidate]:
    """Equal files under two names: the second is refused."""
    first: dict[str, str] = {}
    out = []
    for one in found:
        content = None if one.base is None else one.base.content
        same = first.get(content) if content else None
        if content and same is None:
            first[content] = one.name
        out.append(one if same is None else replace(one, refused=f"it is the same model as {same}, file by file"))
    return out


def labels_of(found: Sequence[Candidate]) -> list[str]:
    """What people read: of a folder its own name where that is enough to tell the candidates apart."""
    short = [Path(one.name).name if one.base is not None and one.base.kind in ("folder", "file") else one.name for one in found]
    return [name if name and short.count(name) == 1 else one.name for name, one in zip(short, found, strict=True)]


def _spellings(one: Candidate) -> set[str]:
    short = one.name.rsplit("/", 1)[-1]
    return {_plain(one.name), *([_plain(one.entry.id)] if one.entry else []), *(_plain(f"{owner}/{short}") for owner in OWNERS)}


def _plain(name: str) -> str:
    return name.lower().replace("_", "-").strip("/")


OWNERS = ("sentence-transformers", "intfloat", "HuggingFaceTB")
"""Owners whose models packages ship under their short names."""
