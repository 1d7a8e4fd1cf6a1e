"""Group 1.2, silent truncation and masks: a row that teaches nothing is an error before any training, and every mask can be looked at.

UN = unslothai/unsloth, AX = axolotl, SW = ms-swift, LF = LLaMA-Factory.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file

from goodfit.data.conversations import answer_text
from goodfit.files import read_jsonl
from tests import made
from tests.threads.making import SHORT, answer, ask, assistant, chat, others, user, with_bad

LONG = chat(user("x" * 400), assistant("yy"))
"""423 tokens, where the model takes 256; the answer is at the end."""
CUT_BEHIND = {"truncation_mode": "keep_start"}
"""What TRL does: the end of a long row is cut off, and here it is the answer."""


def test_trl_3927_a_row_whose_answer_is_cut_off_ends_the_run(tmp_path: Path) -> None:
    """Truncation removes every trainable token: loss 0.0, grad_norm nan, and the run "succeeds" (also trl#6668, #6025, #6320, #6671)."""
    out = answer(tmp_path, "run", content=with_bad(LONG), prepare=CUT_BEHIND)
    assert (out.code, out.document["status"], out.error["code"]) == (1, "stopped", "Stopped")
    found = out.open("PRE002")
    assert (found["severity"], found["n_rows"], found["where"]["file"], found["where"]["line"]) == ("error", 1, "chats.jsonl", 61)
    assert not (out.run / "train").exists(), "no step was made"
    assert found["fix"] == "name the turns to learn in task.roles_to_train, raise prepare.max_length, or delete the rows"
    out.counted()


def test_soup_532_one_such_row_never_reaches_the_weights(tmp_path: Path) -> None:
    """MakazhanAlpamys/Soup: one row made all 105,906,176 values of the adapter NaN; exit code 0, "Training Complete"."""
    out = answer(tmp_path, "train", content=with_bad(LONG), prepare=CUT_BEHIND, fail_on="never", peft={"method": "lora", "r": 4})
    assert out.document["error"] is None
    assert out.open("PRE002")["n_rows"] == 1
    assert out.json("prepare/manifest.json")["rows_dropped"] == {"zero_targets": 1}
    (weights,) = (out.run / "train" / "model").glob("adapter_model.safetensors")
    assert all(bool(torch.isfinite(value).all()) for value in load_file(weights).values())
    losses = [line["loss"] for line in read_jsonl(out.run / "train" / "events.jsonl") if line["event"] == "step"]
    assert losses
    assert all(loss is not None and loss > 0 for loss in losses)


def test_un_2095_a_template_of_the_response_is_not_asked_for(tmp_path: Path) -> None:
    """`All labels in your dataset are -100`: the response template that the user had to copy did not match his chat template."""
    named = answer(tmp_path / "named", task={"kind": "generation", "response_template": "<|im_start|>assistant"})
    assert (named.code, named.error["key"]) == (2, "task.response_template")
    assert "task.roles_to_train" in named.said
    nothing = answer(tmp_path / "nothing", task={"kind": "generation", "roles_to_train": ["tool"]})
    assert nothing.code == 2
    assert "no training row can be learned from" in nothing.said
    assert "task.roles_to_train" in nothing.error["fix"]


def test_trl_1053_validation_rows_without_an_answer_left(tmp_path: Path) -> None:
    """The loss of validation is nan: "some instances get truncated"."""
    made.writing(tmp_path, data={"train": "chats.jsonl", "valid": "valid.jsonl"}, train=SHORT, prepare=CUT_BEHIND)
    made.lines(tmp_path / "valid.jsonl", [*others(12), LONG])
    out = ask(tmp_path)
    assert (out.code, out.document["status"]) == (1, "stopped")
    found = out.open("PRE002")
    assert (found["where"]["file"], found["where"]["line"]) == ("valid.jsonl", 13)
    assert out.json("prepare/manifest.json")["rows"]["valid"] == 12


def test_ax_1731_and_2211_what_happens_to_a_long_row_depends_on_no_other_switch(tmp_path: Path) -> None:
    """Long rows were dropped with packing and truncated without."""
    made_of = []
    for name, settings in {"tokens": {"batch_tokens": 512}, "rows": {"per_device_train_batch_size": 2}}.items():
        out = answer(tmp_path / name, content=with_bad(LONG), train=SHORT | settings)
        made_of.append({key: value for key, value in out.json("prepare/manifest.json").items() if key != "created"})
        assert out.open("PRE003")["n_rows"] == 1
    assert made_of[0] == made_of[1]


def test_sw_truncation_strategy_what_is_left_out_is_on_the_first_screen(tmp_path: Path) -> None:
    """`truncation_strategy: delete` and TRL's `max_length=1024` are defaults that leave out and cut without a number."""
    out = answer(tmp_path, content=with_bad(LONG))
    found = out.open("PRE003")
    assert (found["n_rows"], found["where"]["line"]) == (1, 61)
    assert "423 tokens, of which 256 fit" in found["detail"]
    manifest = out.json("prepare/manifest.json")
    assert manifest["rows_dropped"] == {"too_long": 1}
    assert manifest["tokens"]["dropped"]["too_long"] == 423
    out.counted()
    foreign = answer(tmp_path / "foreign", prepare={"truncation_strategy": "delete"})
    assert foreign.code == 2
    assert "prepare.truncation_mode" in foreign.said


def test_lf_6312_the_mask_of_any_row_can_be_looked_at(tmp_path: Path) -> None:
    """Whether the mask of ShareGPT rows is right could only be doubted by reading the code."""
    rows = [
        {"conversations": [{"from": "human", "value": f"{i}?"}, {"from": "gpt", "value": "Yes."}, {"from": "human", "value": "Sure?"},
                           {"from": "gpt", "value": "No."}]}
        for i in range(40)
    ]  # fmt: skip
    out = answer(tmp_path, content=rows)
    (row,) = out.json("prepare/manifest.json")["longest"][:1]
    shown = ask(tmp_path, "show", "last", "prepare", "--row", row["row"]).document["rows"][0]
    learned = [piece["text"] for piece in shown["pieces"] if piece["learned"]]
    assert learned == ["Yes.<|im_end|>", "No.<|im_end|>"]
    assert sum(shown["mask"]) == shown["learned"]
    assert "".join(piece["text"] for piece in shown["pieces"]).count("<|im_start|>assistant") == 2


def test_a_cut_answer_is_never_silent(tmp_path: Path) -> None:
    """The demand of the group: an answer loses its end only if the recipe says so, and the row is counted once."""
    row = chat(user("7"), assistant("y" * 300))
    assert len(answer_text(row) or "") == 300
    assert answer(tmp_path / "default", content=with_bad(row)).open("PRE003")["n_rows"] == 1
    cut = answer(tmp_path / "cut", content=with_bad(row), prepare=CUT_BEHIND)
    found = cut.open("PRE001")
    assert (found["n_rows"], found["severity"]) == (1, "warning")
    assert "A cut answer is learned as one that ends in the middle" in found["detail"]
    assert cut.json("prepare/manifest.json")["truncated"] == {"prompt": 0, "answer": 1}
