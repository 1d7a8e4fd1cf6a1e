"""A model that writes, as facts: rows as it sees them, samples of the training, best and worst answers, what it forgot, whether it is alike
in plain transformers.

Part of the report stage (`collect` calls it). Reads prepare/manifest.json and shown.jsonl, train/samples.jsonl, evaluate/scores.json,
samples.jsonl, mistakes.jsonl and parity.json. Nothing is measured here: answers are ordered by what evaluate says of each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from goodfit.finding import Finding
from goodfit.run import MANIFEST, MISTAKES, SAMPLES, SHOWN
from goodfit.score import Score, Verdict
from goodfit.stages.report.folder import Folder, counts, lenient, many, mapping, real, whole, word
from goodfit.stages.report.results import MODEL
from goodfit.stages.report.schema_written import (
    AnswerFacts,
    Forgotten,
    GenerationFacts,
    ParityFacts,
    Piece,
    PreparedFacts,
    PreparedSide,
    ShownRow,
    StepText,
    SystemText,
    TrainingSample,
)
from goodfit.stages.report.text import ShowText, mask, shorten, shown, visible
from goodfit.stages.report.text import name as readable

PARITY = "parity.json"
ROWS_SHOWN = 3
ROW_LONGEST = 3_000
"""Characters of a row whose tokens are coloured."""
TOLD = 600
"""Characters of a part that is not learned."""
PROMPTS_SHOWN = 4
STEPS_SHOWN = 8
BEST, WORST = 4, 8
QUOTED = re.compile(r"(['\"]).*\1|“[^”]*”", re.DOTALL)
LABELLED = re.compile(r"\b(class(es)?|labels?|(single|multi)-label)\b")
QUOTING = ("EVA002", "PRE004", "AUD040", "AUD041", "AUD076")
"""Findings whose words quote an answer, or words of rows."""


def generation_facts(folder: Folder, document: Mapping[str, Any], findings: Iterable[Finding], how: ShowText) -> GenerationFacts:
    """Everything beyond scores and curves; what is not there is empty. `document` is scores.json."""
    manifest = folder.document("prepare", MANIFEST)
    said, forgotten = mapping(document, "generation"), mapping(document, "forgetting")
    roles = mapping(manifest, "task").get("roles_to_train")
    worst, best = _answers(folder, how)
    return GenerationFacts(
        chat=bool(mapping(manifest, "task", "chat_template")), template=word(manifest, "chat_template") or word(said, "template"),
        roles=[str(role) for role in roles] if isinstance(roles, list) else [], max_length=whole(manifest, "max_length"),
        max_new_tokens=whole(said, "max_new_tokens"), sampled=said.get("do_sample") is True, written=whole(document, "written"),
        refused=whole(said, "refused") or 0, examples=whole(mapping(document, "systems", "few_shot"), "examples"),
        left_out={str(key): readable(why, 300) for key, why in mapping(document, "left_out").items()},
        prepared=_prepared(manifest, findings), rows=_rows(folder, how), samples=_samples(folder, how), best=best, worst=worst,
        references=many(Score, document.get("references")), documents=whole(forgotten, "documents"),
        forgetting=[one for name in forgotten if (one := _forgotten(forgotten, name)) is not None],
        forgetting_absent=word(forgotten, "why_absent"), parity=_parity(folder.document("evaluate", PARITY)),
    )  # fmt: skip


def discreet(findings: Iterable[Finding], how: ShowText) -> list[Finding]:
    """The findings, with the answers that some of them quote as `show_text` allows."""

    def hidden(text: str) -> str:
        return QUOTED.sub(lambda found: found[0] if how == "full" else mask(found[0]) if how == "masked" else "…", text)

    return [f.model_copy(update={"title": hidden(f.title), "detail": hidden(f.detail)}) if f.code in QUOTING else f for f in findings]


def of_classes(finding: Mapping[str, Any]) -> bool:
    """Whether a finding (of report.json) asks what only labelled rows have, and therefore was not asked of this run."""
    return finding["status"] == "not_applicable" and bool(LABELLED.search(f"{finding['title']} {finding['reason'] or ''}"))


# -- before the training ------------------------------------------------------------------------------------------------


def _prepared(manifest: Mapping[str, Any], findings: Iterable[Finding]) -> PreparedFacts | None:
    rows, examples, learned, cut = (counts(manifest, key) for key in ("rows", "examples", "learned", "truncated_rows"))
    if not rows:
        return None
    return PreparedFacts(
        sides=[
            PreparedSide(split=split, rows=n, examples=examples.get(split), learned=learned.get(split), cut=cut.get(split, 0))
            for split, n in rows.items()
        ],
        dropped=counts(manifest, "rows_dropped"), cut=counts(manifest, "truncated"), mode=word(manifest, "truncation_mode"),
        checks=[f.id for f in findings if f.stage == "prepare"],
    )  # fmt: skip


def _rows(folder: Folder, how: ShowText) -> list[ShownRow]:
    """The first rows, token by token."""
    return [
        ShownRow(
            row=readable(line.get("row", "")), split=readable(line.get("split", "train")), tokens=whole(line, "tokens") or 0,
            learned=whole(line, "learned") or 0, pieces=_pieces(line.get("pieces"), how),
        )
        for line in islice(folder.lines("prepare", SHOWN), ROWS_SHOWN)
    ]  # fmt: skip


def _pieces(listed: Any, how: ShowText) -> list[Piece]:
    """Bounded; of a long part that is not learned the middle is left out, so that what is learned stays in sight."""
    out: list[Piece] = []
    left = ROW_LONGEST
    for piece in listed if isinstance(listed, list) and how != "none" else ():
        if not isinstance(piece, Mapping) or not isinstance(piece.get("text"), str):
            continue
        special, learned = piece.get("special") is True, piece.get("learned") is True
        text = piece["text"]
        text = visible(mask(text) if how == "masked" and not special else text)
        text = shorten(text if learned else ends(text), left)
        out.append(Piece(text=text, learned=learned, special=special))
        left -= len(text)
        if left <= 1:
            break
    return out


def ends(text: str) -> str:
    """Both ends of a text longer than TOLD characters."""
    if len(text) <= TOLD:
        return text
    half = TOLD // 2 - 20
    return f"{text[:half]} ⋯ {len(text) - 2 * half:,} characters ⋯ {text[-half:]}"


# -- while it was trained -----------------------------------------------------------------------------------------------


def _samples(folder: Folder, how: ShowText) -> list[TrainingSample]:
    """The answers to each prompt in the order of the steps; of many steps some, the first and the last among them."""
    found: dict[str, dict[int, Mapping[str, Any]]] = {}
    for line in folder.lines("train", SAMPLES):
        row, step = word(line, "row"), whole(line, "step")
        if row is not None and step is not None and (row in found or len(found) < PROMPTS_SHOWN):
            found.setdefault(row, {})[step] = line
    return [
        TrainingSample(
            row=row, prompt=shown(next(iter(by_step.values())).get("prompt"), how),
            steps=[
                StepText(step=step, text=shown(by_step[step].get("text"), how), stopped=_flag(by_step[step]))
                for step in thin(sorted(by_step))
            ],
        )
        for row, by_step in found.items()
    ]  # fmt: skip


def thin(steps: Sequence[int]) -> list[int]:
    """At most STEPS_SHOWN of them, evenly, both ends kept."""
    if len(steps) <= STEPS_SHOWN:
        return list(steps)
    return [steps[round(i * (len(steps) - 1) / (STEPS_SHOWN - 1))] for i in range(STEPS_SHOWN)]


def _flag(line: Mapping[str, Any]) -> bool | None:
    stopped = line.get("stopped")
    return stopped if isinstance(stopped, bool) else None


# -- answers to the scored rows -----------------------------------------------------------------------------------------


def _answers(folder: Folder, how: ShowText) -> tuple[list[AnswerFacts], list[AnswerFacts]]:
    """The worst as evaluate ordered them (low in chrF and high in loss), and the best: the most alike to their reference."""
    worst = [row for line in islice(folder.lines("evaluate", MISTAKES), WORST) if (row := word(line, "row")) is not None]
    ranked = sorted(
        (-value, real(line, "loss") or 0.0, str(line.get("row")))
        for line in folder.lines("evaluate", SAMPLES)
        if line.get("system") == MODEL and (value := real(line, "chrf")) is not None and value > 0 and line.get("row") not in worst
    )
    best = [row for _, _, row in ranked[:BEST]]
    lines: dict[str, list[Mapping[str, Any]]] = {row: [] for row in (*worst, *best)}
    for line in folder.lines("evaluate", SAMPLES):
        if line.get("row") in lines:
            lines[str(line["row"])].append(line)
    made = {row: _answer(row, listed, how) for row, listed in lines.items() if listed}
    return [made[row] for row in worst if row in made], [made[row] for row in best if row in made]


def _answer(row: str, lines: Sequence[Mapping[str, Any]], how: ShowText) -> AnswerFacts:
    ordered = sorted(lines, key=lambda line: line.get("system") != MODEL)
    mine = ordered[0]
    return AnswerFacts(
        row=readable(row), prompt=shown(mine.get("prompt"), how), reference=shown(mine.get("reference"), how), loss=real(mine, "loss"),
        answers=[_system(line, how) for line in ordered],
    )  # fmt: skip


def _system(line: Mapping[str, Any], how: ShowText) -> SystemText:
    system = readable(line.get("system", ""))
    return SystemText(system=system, text=shown(line.get("text"), how), stopped=_flag(line), chrf=real(line, "chrf"))


# -- what else was measured ---------------------------------------------------------------------------------------------


def _forgotten(found: Mapping[str, Any], name: str) -> Forgotten | None:
    entry = mapping(found, name)
    base, model = (lenient(Score, entry.get(key)) for key in ("base", "model"))
    return (
        None
        if base is None or model is None
        else Forgotten(name=name, base=base, model=model, verdict=lenient(Verdict, entry.get("verdict")))
    )


def _parity(found: Mapping[str, Any]) -> ParityFacts | None:
    prompts = whole(found, "prompts")
    if prompts is None:
        return None
    failed = word(found, "failed")
    return ParityFacts(
        prompts=prompts, prompts_equal=whole(found, "prompts_equal") or 0, answers_equal=whole(found, "answers_equal") or 0,
        new_tokens=whole(found, "new_tokens"), failed=None if failed is None else readable(failed, 300),
    )  # fmt: skip
