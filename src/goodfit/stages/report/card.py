"""The dict of `collect` -> README.md: a model card as the Hugging Face hub reads it (YAML front matter, then Markdown).

Part of the report stage. The front matter is written by a YAML library and every name in the text is escaped, so that no label
name can break either. The card holds no row of the data and no path of the machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from goodfit.score import Score, Verdict
from goodfit.stages.report import card_assess as of_groups
from goodfit.stages.report import card_written as of_written
from goodfit.stages.report import words
from goodfit.stages.report.answer import bar
from goodfit.stages.report.plots.scores import question
from goodfit.stages.report.results import MODEL, first_table
from goodfit.stages.report.schema import ClassFacts, DataFacts, ScoreFacts
from goodfit.stages.report.text import label, name, visible
from goodfit.stages.report.text import markdown as md
from goodfit.stages.report.written import of_classes

HUB_METRICS = {
    "accuracy": ("accuracy", {}),
    "subset_accuracy": ("accuracy", {}),
    "macro_f1": ("f1", {"average": "macro"}),
    "micro_f1": ("f1", {"average": "micro"}),
    "weighted_f1": ("f1", {"average": "weighted"}),
    "samples_f1": ("f1", {"average": "samples"}),
    "mcc": ("matthews_correlation", {}),
    "roc_auc": ("roc_auc", {}),
    "rouge_l": ("rouge", {"variant": "rougeL"}),
}
"""Our scores under the hub's names for metrics; others keep ours."""
PIPELINES = {"classification": ("text-classification", "Text Classification"), "generation": ("text-generation", "Text Generation")}
"""Kind of task -> the hub's tag and name for it."""
CANDIDATES_SHOWN = 6
CLASSES_SHOWN = 30
_HUB_ID = re.compile(r"^[\w.-]+(/[\w.-]+)?$")


def card(report: Mapping[str, Any]) -> str:
    """The model card of a report (schema `goodfit/report/1`)."""
    front = yaml.safe_dump(_metadata(report), sort_keys=False, allow_unicode=True, width=10_000)
    return f"---\n{front}---\n\n" + "\n".join(_body(report)) + "\n"


# -- front matter -------------------------------------------------------------------------------------------------------


def _metadata(report: Mapping[str, Any]) -> dict[str, Any]:
    """What the hub indexes. `inference` and `datasets` are left to whoever publishes: a run does not know them."""
    model, run = report["run"]["model"], report["run"]
    base, adapter = model.get("base"), model.get("kind") == "peft"
    found: dict[str, Any] = {
        "language": report["data"]["languages"] or None,
        "license": _license(model.get("license")),
        "library_name": "peft" if adapter else "transformers",
        "pipeline_tag": _pipeline(report)[0],
        "base_model": base if isinstance(base, str) and _HUB_ID.match(base) else None,
        "base_model_relation": "adapter" if adapter else "finetune",
        "tags": [_pipeline(report)[0], *(["multi-label"] if run["multi_label"] else []), *_chat(report), "goodfit"],
        "metrics": sorted({HUB_METRICS.get(s.name, (s.name, {}))[0] for s in _measured(report)}) or None,
        "model-index": _index(report),
    }
    if found["base_model"] is None:
        del found["base_model_relation"]
    return {key: value for key, value in found.items() if value is not None}


def _pipeline(report: Mapping[str, Any]) -> tuple[str, str]:
    return PIPELINES.get(report["run"]["task"], PIPELINES["classification"])


def _chat(report: Mapping[str, Any]) -> list[str]:
    return ["conversational"] if report["generation"] and report["generation"]["chat"] else []


def _license(license_id: object) -> str:
    """The base model's licence where it is known; a fine-tuned model is a derivative of its base."""
    return license_id.lower() if isinstance(license_id, str) and re.fullmatch(r"[\w.+-]+", license_id) else "unknown"


def _measured(report: Mapping[str, Any]) -> list[Score]:
    """The model's scores that have a value."""
    listed = report["scores"]["scores"] if report["scores"] else []
    scores = [Score.model_validate(s) for s in listed if (s["system"] or MODEL) == MODEL]
    return [score for score in scores if score.value is not None]


def _index(report: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    measured = _measured(report)
    if not measured:
        return None
    run, on = report["run"], report["scores"]["on"]
    result = {
        "task": dict(zip(("type", "name"), _pipeline(report), strict=True)),
        "dataset": {"type": "private", "name": _flat(run["name"]), "split": on, "revision": report["scores"]["rows"] or "unknown"},
        "metrics": [_metric(score) for score in measured],
    }
    return [{"name": _flat(run["name"]), "results": [result]}]


def _metric(score: Score) -> dict[str, Any]:
    kind, how = HUB_METRICS.get(score.name, (score.name, {}))
    level = f"{score.level * 100:g}% interval"
    ends = words.interval(score.low, score.high, score.unit)
    known = {"low": score.low, "high": score.high, "level": score.level, "n": score.n, "method": score.method}
    return {
        "type": kind,
        "name": f"{words.metric(score.name)}, {level} {ends}" if ends else words.metric(score.name),
        "value": _rounded(score.value),
        "args": {**how, **{key: _rounded(value) for key, value in known.items() if value is not None}},
    }


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value


# -- text ---------------------------------------------------------------------------------------------------------------


def _body(report: Mapping[str, Any]) -> Iterator[str]:
    run, said = report["run"], report["answer"]
    repair = f" What to do: {md(words.full_stop(run['error_fix']), 600)}" if run["error_fix"] else ""
    yield f"# {md(run['name'])}"
    yield ""
    if not report["generation"]:
        yield md(run["purpose"], 2000) if run["purpose"] else "No purpose was stated (`purpose` in the recipe)."
        yield ""
    yield f"**Is it a good fit? {said['word'].capitalize()}.** {md(said['because'], 600)}{repair}"
    yield ""
    for sentence in said["sentences"]:
        yield f"- {md(sentence['text'], 1500)}"
    yield ""
    if report["generation"]:
        yield from of_written.intended(report)
    yield from _model(report)
    yield from _scores(report)
    if report["generation"]:
        yield from of_written.measured(report)
    yield from _classes(report)
    yield from _data(report)
    yield from _limitations(report)
    yield from _use(report)
    yield from _made(report)


def _model(report: Mapping[str, Any]) -> Iterator[str]:
    model = report["run"]["model"]
    task = _pipeline(report)[1].lower()
    rows = [
        ("Task", f"multi-label {task}" if report["run"]["multi_label"] else task),
        ("Base model", md(model.get("base", "not recorded"))),
        *_others(report),
        ("Trained", _trained(report["training"])),
        *(of_written.model_rows(report) if report["generation"] else [("Classes", _class_list(report))]),
        ("Licence of the base model", md(model.get("license", "not recorded"))),
    ]
    yield from ("## Model", "", *(f"- {key}: {value}" for key, value in rows), "")


def _others(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Where candidates were measured: each with what it reached before training."""
    measured = [c for c in report["candidates"] if c.get("measured")]
    if len(measured) > 1:
        yield "Chosen among", "; ".join(md(f"{c['model']} ({c['measured']})") for c in measured[:CANDIDATES_SHOWN])


def _trained(training: Mapping[str, Any] | None) -> str:
    """The method, and what it was trained with: `LoRA, rank 16; learning rate 0.001, 3 epochs, batch 8 rows`."""
    if training is None:
        return "nothing"
    facts = training["facts"]
    epochs = facts.get("epochs")
    how = [f"learning rate {facts['learning rate']}"] if "learning rate" in facts else []
    how += [f"{epochs} epoch{'' if epochs == '1' else 's'}"] if epochs else []
    how += [f"batch {facts['batch']}"] if "batch" in facts else []
    return md("; ".join(filter(None, (facts.get("method", "not recorded"), ", ".join(how)))), 300)


def _class_list(report: Mapping[str, Any]) -> str:
    labels = (
        report["confusion"]["labels"]
        if report["confusion"]
        else sorted(report["data"]["labels"]) or [c["label"] for c in report["classes"]]
    )
    if not labels:
        return "not recorded"
    more = f", and {len(labels) - CLASSES_SHOWN} more" if len(labels) > CLASSES_SHOWN else ""
    return f"{len(labels)}: {', '.join(md(label(one, 60)) for one in labels[:CLASSES_SHOWN])}{more}"


def _scores(report: Mapping[str, Any]) -> Iterator[str]:
    scores = report["scores"]
    if scores is None:
        return
    facts = ScoreFacts.model_validate(scores)
    classes = [ClassFacts.model_validate(c) for c in report["classes"]]
    listed = first_table(facts, classes, multi_label=report["run"]["multi_label"])
    cells = {(s.name, s.label, s.system or MODEL): s for s in listed}
    others = [system for system in scores["systems"] if system != MODEL and any(key[2] == system for key in cells)]
    rows = list(dict.fromkeys(key[:2] for key in cells if key[2] == MODEL))
    yield from ("## Scores", "", f"On {words.count(scores['n'] or 0, words.split(scores['on']) + ' row')}. {words.intervals(listed)}", "")
    yield from _table(
        ["score", *(words.system(system) for system in (MODEL, *others))],
        [
            [words.named(metric, of), *(words.score(cells[metric, of, s]) if (metric, of, s) in cells else "" for s in (MODEL, *others))]
            for metric, of in rows
        ],
    )
    if scores["widened"]:
        wide = words.score(Score.model_validate(scores["widened"]))
        yield from (f"{scores['ledger']['models_scored']} models were scored on these rows; allowing for that: {wide}.", "")
    for verdict in (Verdict.model_validate(v) for v in scores["verdicts"]):
        gap = f" ({words.difference(verdict.difference)})" if verdict.difference else ""
        yield f"- {md(f'{question(verdict)}: {words.answer(verdict.answer)}{gap}', 300)}"
    for gate in scores["gates"]:
        yield f"- The bar {md(bar(gate['gate']))}: {words.answer(gate['answer'])}"
    yield ""


def _classes(report: Mapping[str, Any]) -> Iterator[str]:
    found = report["classes"][:CLASSES_SHOWN]
    if not found:
        return
    total = len(report["classes"])
    some = f" (the {len(found)} weakest of {total})" if total > len(found) else ""
    yield from (f"### By class, weakest first{some}", "")
    keys = ("f1", "precision", "recall")
    rows = [
        [
            label(c["label"]),
            f"{c['support']:,}",
            *(words.score(Score.model_validate(c["scores"][k])) if k in c["scores"] else "" for k in keys),
        ]
        for c in found
    ]
    yield from _table(["class", "rows", "F1", "precision", "recall"], rows)


def _data(report: Mapping[str, Any]) -> Iterator[str]:
    data = report["data"]
    yield from ("## Data", "")
    if data["read"] is not None and data["used"] is not None:
        dropped = words.reasons(data["dropped"])
        yield f"- {words.count(data['read'], 'row')} read, {data['used']:,} used{f'; dropped: {md(dropped)}' if dropped else ''}"
    for split, n in data["splits"].items():
        yield f"- {words.split(split)}: {words.count(n, 'row')}"
    left_out = (report["generation"] or {}).get("prepared") or {}
    if sum(left_out.get("dropped", {}).values()):
        yield f"- left out before the training: {md(words.left_out(left_out['dropped']), 300)}"
    cut = DataFacts.model_validate(data).cut
    if cut:
        yield f"- {words.cut_rows(cut)} cut at {data['max_length'] or 'the maximum number of'} tokens"
    yield ""


def _limitations(report: Mapping[str, Any]) -> Iterator[str]:
    """What is open, and what was not looked at: a card without this is an advertisement."""
    yield from ("## Bias, risks and limitations", "")
    for finding in report["findings"]:
        if finding["status"] == "open" and finding["severity"] != "note":
            yield f"- {finding['severity'].capitalize()} {finding['code']}: {md(finding['title'], 300)}"
    for finding in report["findings"]:
        if finding["status"] in ("not_applicable", "muted") and not (report["generation"] and of_classes(finding)):
            said = "Not looked for" if finding["status"] == "not_applicable" else "Muted"
            yield f"- {said} ({finding['code']}): {md(finding['title'], 200)}: {md(finding['reason'] or '', 200)}"
    for gap in report["missing"]:
        yield f"- Missing: {md(gap['what'])} {md(gap['why'], 300)}"
    if report["generation"]:
        yield from of_written.limits(report)
    yield "- Measured on rows like those it was trained on; on other texts it may do worse."
    measured = bool(report["assess"] and report["assess"]["asked"])
    yield from [""] if measured else []
    yield from of_groups.groups(report)
    yield from [] if measured else [""]


def _use(report: Mapping[str, Any]) -> Iterator[str]:
    if not report["run"]["model"]:
        return
    if report["generation"]:
        yield from ("## Use", "", *of_written.use(report))
        return
    many = ', top_k=None, function_to_apply="sigmoid"' if report["run"]["multi_label"] else ""
    yield from ("## Use", "", "With plain transformers:", "", "```python")
    if report["run"]["model"].get("kind") == "peft":
        yield "from peft import AutoPeftModelForSequenceClassification"
        yield "from transformers import AutoTokenizer, pipeline"
        yield ""
        yield 'model = AutoPeftModelForSequenceClassification.from_pretrained("train/model")'
        yield 'classify = pipeline("text-classification", model=model, tokenizer=AutoTokenizer.from_pretrained("train/model"))'
    else:
        yield "from transformers import pipeline"
        yield ""
        yield 'classify = pipeline("text-classification", model="train/model")'
    yield f'print(classify(["a text"]{many}))'
    yield from ("```", "", "With goodfit (label names, thresholds and calibration included):", "", "```sh")
    yield f'goodfit predict {name(report["run"]["id"])} "a text"'
    yield from ("```", "")


def _made(report: Mapping[str, Any]) -> Iterator[str]:
    again = report["reproduce"]
    versions = ", ".join(f"{md(key)} {md(value)}" for key, value in again["versions"].items())
    yield from ("## Made with", "", f"- goodfit {md(again['goodfit'] or 'unknown')}{f' ({versions})' if versions else ''}")
    for key, value in again["hashes"].items():
        yield f"- fingerprint of the {key}: {md(value)}"
    yield "- the whole report: report.html and report.json beside this card"


def _table(head: list[str], rows: list[list[str]]) -> Iterator[str]:
    yield f"| {' | '.join(md(cell) for cell in head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(md(cell) for cell in row)} |"
    yield ""


def _flat(text: object) -> str:
    return " ".join(visible(text).split())[:200]
