"""The words of other tools are answered with ours, and the answers are true."""

from __future__ import annotations

import ast
import importlib.util
from collections import Counter
from pathlib import Path

import pytest

from goodfit.errors import SettingsError
from goodfit.settings import foreign, parse
from goodfit.settings.foreign_words import ABSENT, NEEDLESS, OURS, PREFIXES
from goodfit.settings.keys import keys, names_in, section_of, sections_with

DATA = "data: {path: rows.csv}\n"
NAMED = (
    "lr epochs num_epochs micro_batch_size val_set_size max_seq_length sequence_len cutoff_len base_model model_name_or_path"
    " finetuning_type lora_rank lora_r lora_target lora_alpha dataset datasets data_files text_column label_column problem_type"
    " evaluation_strategy eval_strategy metric_for_best_model load_best_model_at_end report_to fp16 bf16 output_dir"
    " overwrite_output_dir warmup_ratio optim gradient_checkpointing packing sample_packing group_by_length tokenizer"
    " processing_class neftune_noise_alpha load_in_4bit deepspeed adapter val_size template chat_template train_on_inputs rl"
)


def fields(package: str, file: str, name: str) -> list[str]:
    """The fields of a dataclass, read from its source: importing it would load torch."""
    found = importlib.util.find_spec(package)
    assert found is not None
    assert found.submodule_search_locations
    tree = ast.parse((Path(found.submodule_search_locations[0]) / file).read_text(encoding="utf-8"))
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    return [node.target.id for node in body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)]


def test_the_table_is_large_and_says_each_word_once() -> None:
    words = [word for table in (OURS, NEEDLESS, ABSENT) for names in table.values() for word in names.split()]
    assert [word for word, n in Counter(words).items() if n > 1] == []
    assert len(words) >= 80
    assert set(foreign.NOTES) <= set(words)


def test_every_answer_names_a_key_that_exists() -> None:
    paths = {key.path for key in keys()}
    assert [ours for ours in OURS if ours not in paths] == []
    assert [entry for _, entry in PREFIXES if entry not in foreign.table()] == []
    assert [key for key, _ in foreign.VALUES if key not in paths] == []


@pytest.mark.parametrize("word", NAMED.split())
def test_each_word_is_answered_at_the_top_of_a_recipe(word: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(f"{DATA}{word}: x\n", file="recipe.yaml")
    message = caught.value.message
    assert any(words in message for words in (" is called ", " is not needed: ", " is not available: ", " belongs under ")), message
    assert caught.value.place.line == 2


@pytest.mark.parametrize(
    ("package", "file", "name"),
    [("transformers", "training_args.py", "TrainingArguments"), ("peft", "tuners/lora/config.py", "LoraConfig")],
)
def test_every_field_of_the_libraries_below_us_has_an_answer(package: str, file: str, name: str) -> None:
    known = fields(package, file, name)
    assert len(known) > 30, "the source was read"
    assert [field for field in known if not sections_with(field) and foreign.answer(field) is None] == []


def test_values_of_other_tools_are_answered() -> None:
    for (key, value), answer in foreign.VALUES.items():
        section, name = key.split(".")
        with pytest.raises(SettingsError) as caught:
            parse(f"data: {{path: x}}\n{section}: {{{name}: {value}}}\n")
        assert answer in (caught.value.fix or ""), (key, value)


def test_values_are_only_listed_where_they_are_refused() -> None:
    assert all(foreign.value_answer(key.path, "auto") is None or key.path == "train.class_weights" for key in keys())


def test_keys_know_their_sections() -> None:
    assert section_of(("data", "sources", 0)) == "data.sources[]"
    assert section_of(("groups", "language")) == "groups.NAME"
    assert section_of(("train",)) == "train"
    assert section_of(("nowhere", "x")) == ""
    assert "column" in names_in("groups.NAME")
    assert sections_with("learning_rate") == ("train",)
    assert all(key.help for key in keys() if key.section not in ("data.sources[]",) or key.name != "path"), "every key has help"
