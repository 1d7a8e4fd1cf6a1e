"""A run folder -> DATACARD.md: the fields of a datasheet (Gebru et al. 2021), filled in with what was measured.

Part of the report stage. What no program can know (why the rows were collected, by whom, with whose consent, under which licence) is asked
for by name, so that the card says what is missing in place of hiding it. It holds no row of the data and no path of the machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from goodfit.run import MANIFEST, PROFILE
from goodfit.stages.report import words
from goodfit.stages.report.folder import Folder
from goodfit.stages.report.text import markdown as md

CLASSES_SHOWN, TOPICS_SHOWN, MEMBERS_SHOWN = 40, 12, 12
_FOR_PEOPLE = {
    "Motivation": ("who made the data set, and who paid for it",),
    "Collection": (
        "where the texts come from, and how they were chosen", "when they were written and collected",
        "who labelled them, how they were told to, and how they were paid", "whether the people concerned were told, and agreed",
        "whether an ethical review took place",
    ),
    "Distribution": ("under which licence the data may be used and passed on",),
    "Maintenance": ("who keeps the data, how errors are reported, how long it is kept, how people have their rows removed",),
}  # fmt: skip
"""Section -> what only people know."""


def data_card(report: Mapping[str, Any], folder: Folder) -> str | None:
    """The card of a report (schema `goodfit/report/1`); None where the data was not looked at."""
    profile, manifest = folder.document("audit", PROFILE), folder.document("split", MANIFEST)
    if not manifest:
        return None
    lines = [f"# Data card: {md(report['run']['name'])}", ""]
    lines += ["Written by `goodfit` from what it measured; what it cannot know is asked for.", ""]
    lines += _motivation(report)
    lines += _composition(report, profile, manifest)
    lines += _section("Collection", [])
    lines += _cleaning(report, manifest)
    lines += _findings(report)
    lines += _section("Distribution", [])
    prints = f"Fingerprint of the data: `{md(manifest.get('data', ''))}`; of the test rows: `{md(manifest.get('test', ''))}`."
    lines += _section("Maintenance", [prints])
    return "\n".join(lines).rstrip() + "\n"


def _section(title: str, known: list[str]) -> list[str]:
    asked = [f"Not known to Goodfit, to be written here: {one}." for one in _FOR_PEOPLE.get(title, ())]
    return [f"## {title}", "", *(f"- {line}" for line in [*known, *asked]), ""]


def _motivation(report: Mapping[str, Any]) -> list[str]:
    purpose = report["run"]["purpose"]
    said = f"Purpose of the model: {md(purpose, 2000)}" if purpose else "The recipe states no purpose (`purpose`)."
    return _section("Motivation", [said])


def _composition(report: Mapping[str, Any], profile: Mapping[str, Any], manifest: Mapping[str, Any]) -> list[str]:
    splits = ", ".join(f"{words.split(name)} {n:,}" for name, n in manifest.get("splits", {}).items())
    known = [f"{manifest.get('read', 0):,} rows read, {manifest.get('used', 0):,} used: {splits}."]
    known += [
        f"File {md(PurePath(str(file.get('path', ''))).name)}: {file.get('used', 0):,} of {file.get('read', 0):,} rows."
        for file in manifest.get("files", [])
    ]
    known += _columns(manifest) + _lengths(profile)
    known += [f"{md(axis)}: {_members(members)}." for axis, members in manifest.get("groups", {}).items()]
    known += _repeats(profile) + _topics(report["data"], profile)
    return [*_section("Composition", known), *_classes(manifest, profile)]


def _columns(manifest: Mapping[str, Any]) -> list[str]:
    columns, said = manifest.get("columns", {}), []
    for role, key in (("input", "text"), ("label", "label"), ("annotators", "annotators")):
        if columns.get(key):
            said.append(f"{role}: {', '.join(f'`{md(name)}`' for name in columns[key])}")
    said += [f"rows stay together by `{md(columns['by'])}`"] if columns.get("by") else []
    return [f"Columns: {'; '.join(said)}."] if said else []


def _lengths(profile: Mapping[str, Any]) -> list[str]:
    quantiles = profile.get("words", {}).get("quantiles", {})
    if not quantiles:
        return []
    half, most, longest = (quantiles.get(key) for key in ("0.5", "0.95", "1"))
    return [f"Length in words: half of the texts have {half} or fewer, 95% {most} or fewer, the longest {longest}."]


def _members(members: Mapping[str, Mapping[str, int]]) -> str:
    counts = sorted(((sum(of.values()), name) for name, of in members.items()), reverse=True)
    shown = ", ".join(f"{md(name)} {n:,}" for n, name in counts[:MEMBERS_SHOWN])
    return shown + (f" and {len(counts) - MEMBERS_SHOWN} more" if len(counts) > MEMBERS_SHOWN else "")


def _repeats(profile: Mapping[str, Any]) -> list[str]:
    found = profile.get("duplicates", {})
    if not found:
        return []
    return [f"Rows that repeat the text of an earlier one: {found.get('extra', 0):,}."]


def _topics(data: Mapping[str, Any], profile: Mapping[str, Any]) -> list[str]:
    if not data["topics"]:
        return []
    rough = "" if data["topics_stable"] else " (unstable clusters: take the names as rough)"
    shown = "; ".join(f"{md(one['name'])} {100 * one['share']:.0f}%" for one in data["topics"][:TOPICS_SHOWN])
    found = profile.get("topics", {})
    diverse = f"{found.get('effective_texts', 0):,.0f} wholly different texts (Vendi score, vectors of {md(found.get('encoder', ''))})"
    return [f"Topics of the training texts{rough}: {shown}.", f"In effect as diverse as {diverse}."]


def _classes(manifest: Mapping[str, Any], profile: Mapping[str, Any]) -> list[str]:
    labels = manifest.get("labels", {})
    if not labels:
        return []
    names = list(manifest.get("splits", {}))
    lines = [f"| class | {' | '.join(words.split(name) for name in names)} |", f"|---|{'---:|' * len(names)}"]
    order = sorted(labels.items(), key=lambda pair: -sum(pair[1].values()))
    lines += [f"| {md(label)} | {' | '.join(f'{of.get(name, 0):,}' for name in names)} |" for label, of in order[:CLASSES_SHOWN]]
    left = [f"{len(order) - CLASSES_SHOWN} smaller classes are left out here."] if len(order) > CLASSES_SHOWN else []
    effective = (
        [f"The classes weigh as much as {profile['effective_classes']:,.1f} of equal size."] if profile.get("effective_classes") else []
    )
    return [*lines, "", *left, *effective, ""]


def _cleaning(report: Mapping[str, Any], manifest: Mapping[str, Any]) -> list[str]:
    dropped = words.reasons(report["data"]["dropped"])
    known = [f"Dropped: {md(dropped)}." if dropped else "No row was dropped."]
    rules = manifest.get("rules", {})
    known.append(f"Divided with seed {rules.get('seed')}; rows of one text stay on one side.")
    return _section("Preprocessing", known)


def _findings(report: Mapping[str, Any]) -> list[str]:
    lines = ["## What was looked for", ""]
    looked = [finding for finding in report["findings"] if finding["stage"] in ("split", "audit")]
    lines += [
        f"- {finding['severity']} {finding['code']}: {md(finding['title'], 300)}. {md(finding['detail'], 1200)}"
        for finding in looked if finding["status"] == "open"
    ]  # fmt: skip
    passed = sum(finding["status"] == "passed" for finding in looked)
    lines.append(f"- {passed} checks found nothing.")
    for finding in looked:
        if finding["status"] in ("not_applicable", "muted"):
            said = "not looked for" if finding["status"] == "not_applicable" else "muted"
            lines.append(f"- {said}: {finding['code']} {md(finding['kind'])}: {md(finding['reason'] or '', 300)}")
    return [*lines, ""]
