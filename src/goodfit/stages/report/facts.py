"""The run and its data as facts: what was run, rows in = used + dropped, labels, lengths, groups, base models considered.

Part of the report stage (`collect` calls it). Reads run.json, resolved.yaml, split/, audit/, choose/ and prepare/.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from pydantic import ValidationError

from goodfit.run import BEST, CANDIDATES, EVENTS, GAPS, MANIFEST, PLAN, PREDICTIONS, PROFILE, SCORES
from goodfit.score import Score
from goodfit.stages.report import words
from goodfit.stages.report.folder import STAGES, Folder, counts, mapping, real, whole, word
from goodfit.stages.report.schema import DataFacts, GroupCount, Missing, Reproduce, RunFacts, StageFacts
from goodfit.stages.report.text import ShowText
from goodfit.stages.report.text import name as readable

_ABSOLUTE = re.compile(r"(?<![\w.:/])(?:[A-Za-z]:\\|~?/)[^\s:'\"]*[\w]")
FILES = {
    "split": (MANIFEST,),
    "audit": (PROFILE,),
    "choose": (CANDIDATES,),
    "prepare": (MANIFEST,),
    "tune": (PLAN,),
    "train": (EVENTS, BEST),
    "evaluate": (SCORES, PREDICTIONS),
    "assess": (GAPS,),
}
"""What each stage leaves for the report."""
OPTIONAL = ("assess",)
"""Stages that older runs do not have: missed only where the run began them. Their own section says what is not there."""
MEASURED = {"macro_f1": "linear probe", "bits_per_byte": "bits per byte"}
"""Scores of a candidate that the report shows, and what it calls them."""
MACHINE = ("MachineError",)
"""Errors that may be gone when the same command is given again."""


def run_facts(folder: Folder, record: Mapping[str, Any], settings: Mapping[str, Any]) -> RunFacts:
    """The head of the report."""
    entries = {name: entry for name, entry in mapping(record, "stages").items() if isinstance(entry, Mapping)}
    stages = [_stage(name, entry) for name, entry in entries.items() if name != "report"]
    task, error = mapping(settings, "task"), mapping(record, "error")
    text = task.get("text", [])
    return RunFacts(
        id=word(record, "id") or folder.path.resolve().name,
        name=word(record, "name") or word(settings, "name") or folder.path.resolve().name,
        status=_status(word(record, "status") or "unknown", stages),
        parent=word(record, "parent"),
        created=word(record, "created"),
        finished=word(record, "finished"),
        seconds=sum(stage.seconds for stage in stages) if stages else None,
        attempts=whole(record, "attempts"),
        purpose=word(settings, "purpose") or "",
        task=word(task, "kind") or "classification",
        multi_label=task.get("multi_label") is True,
        label_column=word(task, "label"),
        text_columns=[text] if isinstance(text, str) else [str(column) for column in text or []],
        stages=stages,
        model=_model(mapping(record, "model")),
        error=homeless(word(error, "message")),
        error_kind=word(error, "code"),
        error_fix=homeless(word(error, "fix")) or None,
    )


def _status(status: str, stages: list[StageFacts]) -> str:
    """A run that has come as far as its report is done, though run.json will say so only after the report is written."""
    scored = any(stage.name == "evaluate" and stage.state in ("done", "reused") for stage in stages)
    return "done" if status == "running" and scored else status


def homeless(text: str | None) -> str | None:
    """A message without the folders of the machine: of an absolute path only its last part. A report travels."""
    return None if text is None else _ABSOLUTE.sub(lambda match: match[0].replace("\\", "/").rsplit("/", 1)[-1], text)


def _stage(name: str, entry: Mapping[str, Any]) -> StageFacts:
    return StageFacts(
        name=name, state=word(entry, "state") or "unknown", seconds=real(entry, "seconds") or 0.0, version=whole(entry, "version"),
        reused_from=word(entry, "reused_from"), reason=word(entry, "reason"),
    )  # fmt: skip


def _model(model: dict[str, Any]) -> dict[str, Any]:
    """The model's facts; of a base that is a folder only its name, for a report travels and a home folder should not."""
    base = model.get("base")
    if isinstance(base, str) and (base.startswith(("/", "~", ".")) or "\\" in base):
        model["base"] = PurePath(base.replace("\\", "/")).name
    return {key: value for key, value in model.items() if isinstance(value, str | int | float | bool)}


def data_facts(folder: Folder, settings: Mapping[str, Any], how: ShowText = "masked") -> DataFacts:
    """Rows, labels, lengths and groups; what no stage has counted yet stays empty. Topics have their words where `how` shows texts."""
    manifest, prepared, profile = (
        folder.document("split", MANIFEST),
        folder.document("prepare", MANIFEST),
        folder.document("audit", PROFILE),
    )
    labels, labels_of = _labels(
        profile, manifest, {"labels": {label: {"train": n} for label, n in counts(prepared, "label_counts").items()}}
    )
    maximum = whole(mapping(settings, "prepare"), "max_length")
    return DataFacts(
        read=whole(manifest, "read"),
        used=whole(manifest, "used"),
        dropped=counts(manifest, "dropped"),
        splits=counts(manifest, "splits"),
        labels=labels,
        labels_of=labels_of,
        groups=_groups(mapping(manifest, "groups")),
        tokens={key: prepared_tokens for key, prepared_tokens in mapping(prepared, "tokens").items() if key in ("read", "used", "dropped")},
        truncated=counts(prepared, "truncated"),
        truncated_rows=counts(prepared, "truncated_rows"),
        sources=[_source(one) for one in prepared.get("sources") or () if isinstance(one, Mapping)],
        mix=_source(mapping(prepared, "mix")),
        max_length=whole(prepared, "max_length") if maximum is None else maximum,
        lengths=_lengths(prepared) or _lengths(profile),
        languages=_languages(profile),
        topics=_topics(mapping(profile, "topics"), how),
        topics_stable=mapping(profile, "topics").get("stable") is not False,
        learning_curve=_learning_curve(mapping(profile, "learning_curve")),
        doubted=_doubted(mapping(profile, "label_suspects")),
    )


def _source(one: Mapping[str, Any]) -> dict[str, Any]:
    return {key: homeless(value) if isinstance(value, str) else value for key, value in one.items()}


def _labels(*sources: Mapping[str, Any]) -> tuple[dict[str, int], str | None]:
    """Rows per label, from the first source that has them: `{label: n}` or `{label: {split: n}}` (then those of train)."""
    for source in sources:
        flat = counts(source, "labels")
        if flat:
            return flat, None
        nested = {label: counts(splits) for label, splits in mapping(source, "labels").items() if isinstance(splits, Mapping)}
        if any(nested.values()):
            return {label: splits.get("train", 0) for label, splits in nested.items()}, "train"
    return {}, None


def _groups(axes: Mapping[str, Any]) -> list[GroupCount]:
    return [
        GroupCount(axis=axis, member=str(member), splits=counts(splits))
        for axis, members in axes.items()
        if isinstance(members, Mapping)
        for member, splits in members.items()
        if isinstance(splits, Mapping)
    ]


def _lengths(source: Mapping[str, Any]) -> dict[str, Any]:
    """The histogram of row lengths, where it is whole: k + 1 edges that rise, k counts."""
    found = mapping(source, "lengths")
    edges, heights = found.get("edges"), found.get("counts")
    if not isinstance(edges, list) or not isinstance(heights, list) or len(edges) != len(heights) + 1 or not heights:
        return {}
    if not all(isinstance(x, int | float) for x in (*edges, *heights)) or any(b <= a for a, b in zip(edges, edges[1:], strict=False)):
        return {}
    split = word(found, "split")
    return {"unit": word(found, "unit") or "tokens", "edges": edges, "counts": heights} | ({"split": split} if split else {})


def _topics(found: Mapping[str, Any], how: ShowText) -> list[dict[str, Any]]:
    """Name, rows and share of each cluster; what is damaged is left out. Words are words of rows: masked, a cluster has a number."""
    listed = [one for one in found.get("topics") or () if isinstance(one, Mapping)]
    whole_ones = [one for one in listed if whole(one, "n") is not None and real(one, "share") is not None]
    return [
        {"name": readable(one.get("name") or "?") if how == "full" else f"cluster {k}", "n": whole(one, "n"), "share": real(one, "share")}
        for k, one in enumerate(whole_ones, 1)
    ]


def _learning_curve(found: Mapping[str, Any]) -> dict[str, Any]:
    """The measured points and the forecast, where all of them are whole."""
    parts = {key: [_curve_point(one) for one in found.get(key) or () if isinstance(one, Mapping)] for key in ("measured", "forecast")}
    if len(parts["measured"]) < 2 or any(point is None for points in parts.values() for point in points):
        return {}
    return {"metric": word(found, "metric") or "score", **parts}


def _doubted(found: Mapping[str, Any]) -> dict[str, Any]:
    """How many labels are flagged, and what they carry instead of what; nothing where it is not whole."""
    listed = [one for one in found.get("pairs") or () if isinstance(one, Mapping)]
    pairs = [
        {"label": readable(one.get("label") or "?"), "likelier": readable(one.get("likelier") or "?"), "n": n}
        for one in listed if (n := whole(one, "n")) is not None
    ]  # fmt: skip
    judged, flags = whole(found, "judged"), whole(found, "flags")
    return {} if judged is None or flags is None or not pairs else {"judged": judged, "flags": flags, "pairs": pairs}


def _curve_point(one: Mapping[str, Any]) -> dict[str, float] | None:
    values = {key: real(one, key) for key in ("rows", "value", "low", "high")}
    return None if any(value is None for value in values.values()) else {key: value for key, value in values.items() if value is not None}


def _languages(profile: Mapping[str, Any]) -> list[str]:
    found = profile.get("languages")
    if isinstance(found, Mapping):
        found = list(found)
    return [value for value in found if isinstance(value, str)] if isinstance(found, list) else []


def candidates(folder: Folder) -> list[dict[str, str]]:
    """Base models that were considered: name, chosen or why refused, what was measured, memory, licence. Empty where there was but one.

    Models that are not on this machine, which the catalog lists, are left out.
    """
    document = folder.document("choose", CANDIDATES)
    listed = [c for c in document.get("candidates") or [] if isinstance(c, Mapping) and c.get("here") is not False]
    if len(listed) < 2:
        return []
    return [_candidate(c, word(document, "chosen")) for c in listed]


def _candidate(candidate: Mapping[str, Any], chosen: str | None) -> dict[str, str]:
    model, memory = word(candidate, "model") or "?", real(candidate, "memory_bytes")
    refused = candidate.get("refused")
    verdict = "chosen" if model == chosen else readable(refused) if refused else "not chosen"
    label = _model({"base": model})["base"]
    return {
        "model": readable(label),
        "answer": verdict,
        "measured": _measured(candidate),
        "memory": words.size(memory) if memory is not None else "",
        "license": readable(word(candidate, "license") or ""),
    }


def _measured(candidate: Mapping[str, Any]) -> str:
    """`probe 71.2% [68.9, 73.4], best with chance 84%`; empty where nothing was measured."""
    scores = [s for s in candidate.get("scores") or [] if isinstance(s, Mapping) and s.get("name") in MEASURED]
    if not scores:
        return ""
    try:
        first = str(Score.model_validate(scores[0])).replace(scores[0]["name"], MEASURED[scores[0]["name"]], 1)
    except ValidationError:
        return ""
    chance = real(candidate, "chance_best")
    return first if chance is None else f"{first}, best with chance {chance:.0%}"


def reproduce(folder: Folder, run: RunFacts, record: Mapping[str, Any], settings: Mapping[str, Any]) -> Reproduce:
    """Command, versions, hardware, hashes and every setting."""
    hardware = mapping(record, "hardware")
    memory = hardware.get("memory_gb")
    found = {
        "recipe": word(record, "recipe_hash"),
        "data": word(mapping(record, "data"), "fingerprint"),
        "test rows": word(mapping(record, "test"), "fingerprint"),
        "base model": word(mapping(record, "model"), "base_hash"),
    }
    machine = {
        "processor": hardware.get("cpu"),
        "threads": hardware.get("threads"),
        "memory": f"{memory} GB" if memory is not None else None,
        "accelerator": hardware.get("gpu") or "none",
    }
    command, note = _command(run)
    return Reproduce(
        command=command,
        note=note,
        seed=whole(settings, "seed"),
        goodfit=word(record, "goodfit"),
        commit=word(record, "commit"),
        versions={key: str(value) for key, value in mapping(record, "versions").items()},
        hardware={key: str(value) for key, value in machine.items() if value is not None} if hardware else {},
        hashes={key: value for key, value in found.items() if value},
        settings=folder.text("resolved.yaml") or "",
    )


def _command(run: RunFacts) -> tuple[str, str]:
    """The command that does it again, and what to know before; none where it could only fail as it did."""
    if run.status == "failed" and run.error_kind in MACHINE:
        return f"goodfit run {run.id}", "The run goes on where it stopped, once the machine is able to."
    if run.status in ("failed", "stopped"):
        return "", f"This run {run.status}, and would again as it is. Repair the cause first, then run the recipe again."
    if run.status == "interrupted":
        return f"goodfit run {run.id}", "The run was interrupted; this goes on where it stopped."
    return f"goodfit run {run.id} --new", ""


def missing(folder: Folder, run: RunFacts) -> list[Missing]:
    """Every part that the report cannot show, and why: first what is damaged, then the stages in order."""
    out = [Missing(what=file, why=f"the file is damaged: {readable(why)}") for file, why in folder.damaged.items()]
    states = {stage.name: stage for stage in run.stages}
    for stage in STAGES:
        fact = states.get(stage)
        lacking = [f"{stage}/{file}" for file in FILES[stage] if not folder.has(stage, file)]
        if not lacking or (stage in OPTIONAL and fact is None):
            continue
        if fact is not None and fact.state in ("done", "reused"):
            out += [Missing(what=file, why=f"the stage {stage} ended well, but the file is not in the folder") for file in lacking]
        elif len(lacking) == len(FILES[stage]) or fact is not None:
            out.append(Missing(what=stage, why=_why_undone(stage, fact, run)))
    return out


def _why_undone(stage: str, fact: StageFacts | None, run: RunFacts) -> str:
    if fact is not None and fact.state == "skipped":
        return f"left out: {readable(fact.reason or 'the recipe says so')}"
    if fact is not None and (fact.state == "failed" or (fact.state, run.status) == ("running", "failed")):
        return "failed: see the error above" if run.error else "failed"
    if fact is not None and fact.state == "running":
        return "is being worked on" if run.status == "running" else f"was begun; the run is {run.status}"
    return {
        "stopped": "not done: a finding stopped the run before it",
        "failed": "not done: the run failed before it" + ("" if run.error else " (see log.txt)"),
        "interrupted": "not done: the run was interrupted before its end, and can be resumed",
        "running": "not done yet: the run is going on",
        "partial": "not done: the run was only asked for an earlier stage",
    }.get(run.status, "not done, and the run does not say why")
