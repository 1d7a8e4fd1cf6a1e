"""Conversations -> tokens and what is learned of them: rows that fit, rows that are cut or left out, all of it counted.

Part of prepare, for generation. Which tokens are learned comes from the chat template (tasks/masks); an answer is never cut unless the
recipe says so (`prepare.truncation_mode`), and a row that would teach nothing is an error.
"""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from goodfit.data import cache
from goodfit.data.conversations import answer_text, out_of_order
from goodfit.data.named import masked_kinds
from goodfit.engine.examples import ExamplesWriter
from goodfit.errors import DataError, Place, SettingsError
from goodfit.models.identity import Identity
from goodfit.models.load import load_tokenizer
from goodfit.models.templates import unknown_tokens
from goodfit.models.vocabulary import Vocabulary
from goodfit.recipe import Mix, Recipe
from goodfit.run import SHOWN as SHOWN_ROWS
from goodfit.run import Run, digest
from goodfit.stages.prepare.lengths import within
from goodfit.stages.prepare.mix import LEAK, Block, Mixed, draws_of
from goodfit.stages.prepare.outcome import BIN, SIDES, Prepared, Side, row_hash
from goodfit.stages.prepare.pieces import publish
from goodfit.stages.prepare.told import findings_of, manifest_of, table_of
from goodfit.tasks.generation import Generation
from goodfit.tasks.masks import Marked, chunks, control_tokens, stop_token_ids

if TYPE_CHECKING:
    from goodfit.stages.choose import Choice
    from goodfit.stages.split import Splits

BATCH = 1024
LONGEST = 4096
"""`max_length: auto` goes no further, whatever the model takes: memory grows with it."""
SHOWN = 100
LONGEST_SHOWN = 5
MIX = -1
"""Where the mix stands among the sources."""
HELD_OUT: tuple[Literal["valid", "test"], ...] = ("valid", "test")
MASKS = 3
"""Version of tasks/masks: raised with every change of what it marks."""


@dataclass(frozen=True)
class Encoder:
    """Everything that turns a conversation into tokens."""

    task: Generation
    tokenizer: Any
    max_length: int
    mode: str
    """`drop`, `keep_start` or `keep_end`."""
    stops: frozenset[int]
    """Tokens that end an answer."""
    bos: int | None
    unknown: tuple[str, ...] = ()
    """Control tokens that the template writes and the tokenizer does not know."""


class Piece(NamedTuple):
    """One example of the training: a whole row, or a piece of a plain text."""

    ids: list[int]
    learned: list[bool]


@dataclass
class Facts:
    """What tokenising one split found out."""

    rows: int = 0
    """Rows that are used."""
    examples: int = 0
    """More than rows where plain texts are cut into pieces."""
    tokens_read: int = 0
    tokens_used: int = 0
    learned: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    """Reason -> rows."""
    dropped_tokens: Counter[str] = field(default_factory=Counter)
    cut: Counter[str] = field(default_factory=Counter)
    """`prompt`, `answer` -> rows of which that was cut."""
    rows_of: dict[str, list[str]] = field(default_factory=dict)
    """What was met -> ids of the rows, the first SHOWN."""
    met: Counter[str] = field(default_factory=Counter)
    """The same -> rows: too_long, zero_targets, refused, never_stops, lost_content, broken_prompt, turn_order, control_tokens, cut."""
    first: dict[str, str] = field(default_factory=dict)
    """The same -> where the first stands, and what was said of it."""
    lengths: Counter[int] = field(default_factory=Counter)
    """Uncut length, in bins -> rows."""
    longest: list[tuple[int, str]] = field(default_factory=list)
    """(tokens, row id) of the longest rows."""
    blocks: dict[int, Block] = field(default_factory=dict)
    """Source -> what of its rows is used."""

    def note(self, what: str, row: str, said: str) -> None:
        """One more row of which this is true."""
        self.met[what] += 1
        self.first.setdefault(what, said)
        if self.met[what] <= SHOWN:
            self.rows_of.setdefault(what, []).append(row)


def prepare_language(recipe: Recipe, choice: Choice, splits: Splits, run: Run) -> Prepared:
    """Tokenises train and validation; DataError where no training row can be learned from."""
    encoder = encoder_of(recipe, choice.base, run.base, run.screen.say)
    mixed = _opened(recipe.prepare.mix, splits, run)
    rows = [row_hash(splits, side, ("row", "conversation", "source")) for side in SIDES]
    others = None if mixed is None else [mixed.store.fingerprint, mixed.to_json(), splits.source_weights()]
    key = digest([MASKS, choice.base.content, encoder.task.to_json(), encoder.max_length, encoder.mode, rows, others])
    folder = cache.folder("tokens") / key.removeprefix("b2:")
    facts = {side: _tokenise(splits, side, encoder, folder, run, mixed if side == "train" else None) for side in SIDES}
    refuse_nothing(facts["train"])
    used = min(encoder.max_length, max((n for f in facts.values() for n, _ in f.longest), default=encoder.max_length))
    manifest = manifest_of(encoder.task, facts, max_length=used, asked=recipe.prepare.max_length, mode=encoder.mode)
    sources = sources_of(facts["train"])
    run.report(findings_of(facts))
    publish(run.folder("prepare") / SHOWN_ROWS, folder / "train", encoder.tokenizer)
    for line in table_of(facts, sources, max_length=used):
        run.screen.say(line)
    if mixed is not None and mixed.dropped[LEAK]:
        run.screen.say(f"  {mixed.dropped[LEAK]:,} rows of prepare.mix ask what a validation or test row asks, and are left out")
    manifest |= {"sources": sources, "mix": None if mixed is None else mixed.to_json()}
    return Prepared(encoder.task, used, folder, {side: facts[side].examples for side in SIDES}, {}, manifest)


def _opened(section: Mix | None, splits: Splits, run: Run) -> Mixed | None:
    """The mix without what is asked in validation or test."""
    if section is None:
        return None
    mixed = Mixed.opened(section, run.base, masked_kinds(run.path))
    mixed.without(np.concatenate([splits.question_keys(side) for side in HELD_OUT]))
    return mixed


def encoder_of(recipe: Recipe, base: Identity, folder: Path, say: Callable[[str], None]) -> Encoder:
    """The tokenizer and the template of the base model (`folder`: the recipe's), and the longest row; `say` gets what is worth saying."""
    tokenizer = load_tokenizer(base.path)
    section = recipe.prepare
    task = Generation.of(recipe.task, tokenizer, folder, Vocabulary(section.special_tokens, section.added_tokens))
    asked, limit = section.max_length, base.max_length
    longest = min(limit or LONGEST, LONGEST) if asked == "auto" else within(asked, base, say)
    stops = frozenset(stop_token_ids(tokenizer, task.template))
    unknown = unknown_tokens(task.template, tokenizer)
    return Encoder(task, tokenizer, longest, section.truncation_mode, stops, tokenizer.bos_token_id, unknown)


def _tokenise(splits: Splits, side: Side, encoder: Encoder, folder: Path, run: Run, mixed: Mixed | None) -> Facts:  # noqa: PLR0913
    facts, total, done = Facts(), splits.counts.get(side, 0), 0
    names, weights = splits.source_names(), splits.source_weights()
    with cache.writing(folder), ExamplesWriter(folder / side) as writer:
        for batch in splits.batches(side, size=BATCH, columns=("row", "conversation", "at", "source")):
            columns = [batch.column(i).to_pylist() for i in range(4)]
            for source in dict.fromkeys(columns[3]):
                block = facts.blocks.setdefault(source, Block(names[source], weights[source]))
                _write([row[:3] for row in zip(*columns, strict=True) if row[3] == source], block, encoder, facts, writer)
            done += batch.num_rows
            run.screen.progress(f"tokenising {side}", done, total)
        if mixed is not None:
            mixed.few(sum(drawn for _, drawn in draws_of(list(facts.blocks.values()))))
            block = facts.blocks.setdefault(MIX, Block(mixed.section.path, mixed.section.share, is_mix=True))
            _write(mixed.rows(), block, encoder, facts, writer)
    return facts


def _write(rows: Iterable[tuple[str, str, str]], block: Block, encoder: Encoder, facts: Facts, writer: ExamplesWriter) -> None:
    """Appends the examples of rows (id, conversation, file:line) of one source; sources come one after the other."""
    for some in _some(rows, BATCH):
        held = [(row, piece) for row, text, at in some for piece in examine(text, row, at, encoder, facts)]
        lengths = [len(piece.ids) for _, piece in held]
        learned = np.array([flag for _, piece in held for flag in piece.learned], dtype=np.bool_)
        ids = np.array([token for _, piece in held for token in piece.ids], dtype=np.int32)
        writer.append(ids, lengths, row=[row for row, _ in held], learned=learned)
        block.rows += len({row for row, _ in held})
        block.examples += len(held)
        block.tokens += sum(lengths)
        block.learned += int(learned.sum())


def _some(rows: Iterable[tuple[str, str, str]], size: int) -> Iterator[list[tuple[str, str, str]]]:
    walk = iter(rows)
    while some := list(islice(walk, size)):
        yield some


def sources_of(train: Facts) -> list[dict[str, Any]]:
    """`sources` of the manifest: rows, examples and tokens of each, and how many examples an epoch draws."""
    blocks = list(train.blocks.values())
    draws = draws_of(blocks)
    total = sum(drawn for _, drawn in draws)
    return [block.to_json(drawn, total) for block, (_, drawn) in zip(blocks, draws, strict=True)]


def examine(text: str, row: str, at: str, encoder: Encoder, facts: Facts) -> list[Piece]:
    """The examples that a row becomes: none where it is left out; everything that is true of it is noted."""
    told = json.loads(text)
    try:
        marked = encoder.task.encode(told, encoder.tokenizer, at_most=None if encoder.mode == "keep_start" else encoder.max_length)
    except DataError as error:
        facts.dropped["refused_by_template"] += 1
        facts.note("refused", row, f"{at}: {error.message}")
        return []
    size, longest, about = marked.size, encoder.max_length, "about " if marked.skipped else ""
    facts.tokens_read += size
    facts.lengths[size // BIN * BIN] += 1
    pieces, why = _pieces(marked, told, encoder)
    for what in _told(why):
        facts.note(what, row, f"{at}: {about}{size:,} tokens{f', of which {longest:,} fit' if size > longest else ''}")
    if not pieces:
        reason = next(what for what in why if what in ("too_long", "zero_targets"))
        facts.dropped[reason] += 1
        facts.dropped_tokens[reason] += size
        return []
    _look(marked, told, row, at, encoder, facts)
    facts.cut.update(what.removesuffix("_cut") for what in why if what.endswith("_cut"))
    facts.rows += 1
    facts.examples += len(pieces)
    facts.tokens_used += size if "text" in told else sum(len(piece.ids) for piece in pieces)
    facts.learned += sum(sum(piece.learned) for piece in pieces)
    heapq.heappush(facts.longest, (max(len(piece.ids) for piece in pieces), row))
    if len(facts.longest) > LONGEST_SHOWN:
        heapq.heappop(facts.longest)
    return pieces


def _pieces(marked: Marked, told: dict[str, Any], encoder: Encoder) -> tuple[list[Piece], list[str]]:
    """The examples, and what became of the row: too_long, zero_targets, prompt_cut, answer_cut."""
    longest = encoder.max_length
    if "text" in told and len(marked.ids) > longest:
        parts = chunks(marked.ids, longest, encoder.bos)
        return [Piece(part, [False] + [True] * (len(part) - 1)) for part in parts if len(part) > 1], []
    if not any(marked.learned) and not marked.skipped_learned:
        return [], ["zero_targets"]
    if marked.size <= longest:
        return [Piece(marked.ids, marked.learned)], []
    if encoder.mode == "drop":
        return [], ["too_long"]
    if encoder.mode == "keep_start":
        ids, learned = marked.ids[:longest], marked.learned[:longest]
    else:
        ids, learned = _end_of(marked, longest, encoder.bos)
    learned[0] = False
    lost = sum(marked.learned) - sum(learned)
    why = ["answer_cut"] if lost or marked.skipped_learned else []
    if _loses_prompt(marked, longest, lost, encoder.mode):
        why.append("prompt_cut")
    return ([Piece(ids, learned)], why) if any(learned) else ([], [*why, "zero_targets"])


def _loses_prompt(marked: Marked, longest: int, lost: int, mode: str) -> bool:
    """Whether something that an answer follows is cut: the template's end of the last turn is none."""
    if mode != "keep_start":
        return marked.size - longest > lost
    behind = marked.learned[longest:]
    return lost > 0 and not all(behind[: len(behind) - behind[::-1].index(True)])


def _told(why: list[str]) -> list[str]:
    """What is counted of a row: a cut once, whatever it takes away, and not where nothing is left to learn."""
    cut = any(what.endswith("_cut") for what in why) and "zero_targets" not in why
    return [*(what for what in why if not what.endswith("_cut")), *(["cut"] if cut else [])]


def _end_of(marked: Marked, longest: int, bos: int | None) -> tuple[list[int], list[bool]]:
    """The last tokens, behind the begin token where the row has one."""
    if bos is not None and marked.ids[0] == bos and longest > 1:
        return [bos, *marked.ids[-(longest - 1) :]], [False, *marked.learned[-(longest - 1) :]]
    return marked.ids[-longest:], marked.learned[-longest:]


def _look(marked: Marked, told: dict[str, Any], row: str, at: str, encoder: Encoder, facts: Facts) -> None:
    """What is strange about a row that is used."""
    last = max((place for place, learned in enumerate(marked.learned) if learned), default=None)
    if last is not None and marked.ids[last] not in encoder.stops:
        answer = answer_text(told) or ""
        facts.note("never_stops", row, f"{at}: the answer ends with {encoder.tokenizer.decode([marked.ids[last]])!r} ({answer[-20:]!r})")
    if found := [token for token in encoder.unknown if token in marked.text]:
        facts.note("unknown_token", row, f"{at}: {', '.join(found)}")
    if marked.dropped:
        role = told["messages"][marked.dropped[0]]["role"] if "messages" in told else "user"
        facts.note("lost_content", row, f"{at}: a {role} message")
    if not marked.continues_prompt:
        facts.note("broken_prompt", row, at)
    if order := out_of_order(told.get("messages", ())):
        facts.note("turn_order", row, f"{at}: {'; '.join(order)}")
    said = [turn["content"] for turn in told["messages"]] if "messages" in told else [value for value in told.values() if value]
    if control := control_tokens(said, encoder.tokenizer):
        facts.note("control_tokens", row, f"{at}: {', '.join(map(repr, dict.fromkeys(control)))}")


def refuse_nothing(train: Facts) -> None:
    """DataError where not one row is left: the first reason says why."""
    if train.examples:
        return
    what, said = next(iter(train.first.items()), ("", "there are no training rows"))
    fixes = {
        "refused": "correct the roles of the rows, or name another task.chat_template",
        "too_long": "set prepare.max_length higher, choose a model with a longer context, or set prepare.truncation_mode",
        "zero_targets": "name the turns to learn in task.roles_to_train, or give rows with an answer",
    }
    if what == "refused" and "no chat template" in said:
        raise SettingsError(said.partition(": ")[2] or said, fix="task.chat_template=chatml, or another; or name prompt and completion")
    at, _, why = said.partition(": ")
    file, _, line = at.rpartition(":")
    place = Place(file=file, line=int(line)) if line.isdigit() else None
    first = f"; the first: {why}" if place else f": {said}"
    raise DataError(f"no training row can be learned from{first}", place=place, fix=fixes.get(what, "give rows"))
