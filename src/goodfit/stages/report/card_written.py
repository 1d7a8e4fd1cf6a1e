"""The parts of the model card that only a model that writes has: what it is, what it forgot and copies, what people say, how to use it.

Part of the report stage (`card` calls it). Like the card, it holds no row of the data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from goodfit.score import Score, Verdict
from goodfit.stages.report import words
from goodfit.stages.report.sentences_written import RIGHT
from goodfit.stages.report.text import markdown as md
from goodfit.stages.report.text import name

NEW_TOKENS = 64
"""Of the example, where evaluate says no number."""
NAMES = {"retain": "as they are", "retain_in_template": "inside the chat template"}


def model_rows(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What it was made for, in lines of `## Model`."""
    g = report["generation"]
    roles = ", ".join(md(role) for role in g["roles"])
    return [
        ("Writes", "answers to conversations" if g["chat"] else "text that goes on from what it is given"),
        ("Chat template", _template(g) if g["chat"] else "none: prompts stand as they are"),
        *([("Learned", f"what is said by {roles}")] if roles else []),
        *([("Longest row of the training", f"{g['max_length']:,} tokens")] if g["max_length"] else []),
    ]


def _template(g: Mapping[str, Any]) -> str:
    return (
        "the base model's own, saved with the tokenizer" if g["template"] == "model" else f"{md(g['template'])}, saved with the tokenizer"
    )


def intended(report: Mapping[str, Any]) -> Iterator[str]:
    """What it is for, in the words of the recipe, and what follows from what was measured."""
    yield from ("## Intended use", "")
    said = report["run"]["purpose"]
    yield md(said, 2000) if said else "No purpose was stated (`purpose` in the recipe)."
    yield "It writes texts like the answers that it was trained on. It is no source of facts: see the limitations below."
    yield ""


def measured(report: Mapping[str, Any]) -> Iterator[str]:
    """After the table of scores: how it was asked, what it may have forgotten, whether plain transformers agrees, what people say."""
    g, scores = report["generation"], report["scores"]
    if scores is not None and g["max_new_tokens"]:
        how = "drawn by chance" if g["sampled"] else "greedy"
        of = (
            f" {words.count(g['written'], 'row')} were answered by writing; losses are of all."
            if g["written"] not in (None, scores["n"])
            else ""
        )
        yield from (f"Answers are {how}, up to {g['max_new_tokens']:,} tokens.{of}", "")
    yield from _forgetting(g)
    if g["parity"]:
        yield from ("### In plain transformers", "", _parity(g["parity"]), "")
    if report["review"]:
        yield from _review(report["review"])


def _forgetting(g: Mapping[str, Any]) -> Iterator[str]:
    if not g["forgetting"]:
        return
    of = words.count(g["documents"] or 0, "text")
    yield from ("### What it may have forgotten", "", f"Bits per byte of {of} that it should still know; less is better.", "")
    for one in g["forgetting"]:
        base, model = (words.score(Score.model_validate(one[key])) for key in ("base", "model"))
        yield f"- {NAMES.get(one['name'], md(one['name']))}: base model {md(base)}, this model {md(model)}{_answer(one['verdict'])}"
    yield ""


def _answer(found: Mapping[str, Any] | None) -> str:
    if not found:
        return ""
    verdict = Verdict.model_validate(found)
    gap = f" ({words.difference(verdict.difference)})" if verdict.difference else ""
    return f": {md(words.answer(verdict.answer) + gap)}"


def _parity(p: Mapping[str, Any]) -> str:
    if p["failed"]:
        return f"Plain transformers could not use the saved folder: {md(p['failed'], 300)}"
    prompts = words.count(p["prompts"], "validation prompt")
    return f"Of {prompts}, plain transformers reads {p['prompts_equal']} and answers {p['answers_equal']} token for token as Goodfit does."


def _review(v: Mapping[str, Any]) -> Iterator[str]:
    people = words.count(v["reviewers"], "person", "people")
    yield from (
        "### What people say",
        "",
        f"{people} judged answers without knowing who wrote them ({words.count(v['answered'], 'answer')}).",
        "",
    )
    for pair in v["pairs"]:
        share = words.score(Score.model_validate(pair["win_share"]))
        said = f": {words.preference(pair['verdict']['answer'])}" if pair["verdict"] else ""
        yield f"- Against {md(words.system(pair['other']))}, wins and half of the ties: {md(share)}{said}"
    for rated in v["ratings"]:
        means = (f"{words.system(s['system'] or '', short=True)} {words.rating(Score.model_validate(s))}" for s in rated["scores"])
        yield f"- Rated 1 to 5 for {md(words.metric(rated['dimension']))}: {md('; '.join(means), 400)}"
    for one in v["agreement"]:
        alpha, raw = (words.score(Score.model_validate(one[key])) for key in ("alpha", "raw"))
        yield f"- Agreement of {words.count(one['raters'], 'reviewer')} ({md(words.metric(one['about']))}): {md(raw)}, alpha {md(alpha)}"
    yield ""


def limits(report: Mapping[str, Any]) -> Iterator[str]:
    """What a reader of any such card should know, as far as it was not measured."""
    g, scores = report["generation"], report["scores"]
    if scores is None or scores["primary"] not in RIGHT:
        yield "- Whether what it writes is true was not measured, only how like the references it is. It can state what is false, fluently."
    if not g["forgetting"] and not any(f["kind"] == "forgetting" for f in report["findings"]):
        yield "- What it has forgotten of what its base model knew was not measured."
    if not report["review"]:
        yield "- No person has judged its answers."
    yield "- What its base model does wrong (bias, unsafe answers) it may do too: that was not measured."


def use(report: Mapping[str, Any]) -> Iterator[str]:
    """Code for plain transformers or PEFT that writes one answer, and the same with goodfit."""
    g, adapter = report["generation"], report["run"]["model"].get("kind") == "peft"
    kind = "AutoPeftModelForCausalLM" if adapter else "AutoModelForCausalLM"
    if adapter:
        base = md(report["run"]["model"].get("base", "the base model"))
        yield f"The folder holds a LoRA adapter: it needs its base model ({base}; where it lies elsewhere, change `base_model_name_or_path`"
        yield "in `adapter_config.json`). With plain transformers and PEFT:"
    else:
        yield "With plain transformers:"
    yield from ("", "```python")
    if adapter:
        yield from ("from peft import AutoPeftModelForCausalLM", "from transformers import AutoTokenizer")
    else:
        yield "from transformers import AutoModelForCausalLM, AutoTokenizer"
    yield ""
    yield 'tokenizer = AutoTokenizer.from_pretrained("train/model")'
    yield f'model = {kind}.from_pretrained("train/model")'
    if g["chat"]:
        yield 'messages = [{"role": "user", "content": "a question"}]'
        yield 'prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True, return_tensors="pt")'
    else:
        yield 'prompt = tokenizer("The beginning of a text", return_tensors="pt")'
    yield f"output = model.generate(**prompt, max_new_tokens={g['max_new_tokens'] or NEW_TOKENS}, do_sample=False)"
    yield 'print(tokenizer.decode(output[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True))'
    yield from ("```", "", "With goodfit:", "", "```sh")
    yield f'goodfit predict {name(report["run"]["id"])} "a question"'
    if g["chat"]:
        yield f"goodfit chat {name(report['run']['id'])}"
    yield from ("```", "")
