"""Reading recipes: what is understood, what is refused, and in which words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goodfit.errors import SettingsError
from goodfit.recipe import Recipe
from goodfit.settings import dump, from_here, from_mapping, inline, load, parse, read

DATA = "data: {path: rows.csv}\n"


def refusal(text: str, overrides: tuple[str, ...] = ()) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        parse(text, overrides, file="recipe.yaml")
    return caught.value


def test_the_recipe_of_the_design_is_read(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(
        "name: support-tickets\npurpose: Route tickets to a queue; a person reads every ticket.\nseed: 42\n"
        "task: {kind: classification, text: [subject, body], label: queue}\ndata: {path: tickets.csv}\n"
        "groups: {language: {column: language}}\nsplit: {test_size: 0.15, by: customer_id}\n"
        "train: {learning_rate: 5e-5, num_train_epochs: auto, warmup_steps: 0.06}\n"
        "evaluate: {on: test, metrics: [accuracy, macro_f1], gates: {macro_f1: '>= 0.80'}}\n",
        encoding="utf-8",
    )
    recipe = load(path)
    assert recipe.task.text == ("subject", "body")
    assert recipe.train.learning_rate == 5e-5
    assert recipe.evaluate.on == "test"
    assert recipe.split.by == "customer_id"
    assert recipe.groups["language"].column == "language"


@pytest.mark.parametrize(
    ("written", "number"), [("5e-5", 5e-5), ("1E-4", 1e-4), ("1e-04", 1e-4), (".001", 1e-3), ("'5e-5'", 5e-5), ("+0.5", 0.5)]
)
def test_numbers_are_numbers_however_they_are_written(written: str, number: float) -> None:
    assert parse(f"{DATA}train: {{learning_rate: {written}}}").train.learning_rate == number
    assert parse(DATA, [f"train.learning_rate={written}"]).train.learning_rate == number


def test_labels_stay_as_they_are_written() -> None:
    labels = parse(f"{DATA}task: {{labels: [yes, no, on, off, 007, 1, 1.10, true, 2024-01-01, 0x1F, 1e5, 12:30]}}").task.labels
    assert labels == ("yes", "no", "on", "off", "007", "1", "1.10", "true", "2024-01-01", "0x1F", "1e5", "12:30")
    described = parse(f"{DATA}task:\n  labels:\n    0: negative\n    1: 5\n    no: x\n").task.labels
    assert described == {"0": "negative", "1": "5", "no": "x"}
    assert parse(f"{DATA}task: {{text: 0, label: 1}}").task.text == ("0",)
    assert parse(DATA, ["task.labels=[yes, 007]", "task.label=2020"]).task.labels == ("yes", "007")
    assert from_mapping({"data": {"path": "x"}, "task": {"labels": [0, True]}}).task.labels == ("0", "true")


def test_yes_and_no_are_understood_where_a_switch_is_meant() -> None:
    recipe = parse(f"{DATA}task: {{multi_label: yes}}\ntrain: {{early_stopping: off}}")
    assert recipe.task.multi_label is True
    assert recipe.train.early_stopping is False


def test_a_section_whose_keys_are_all_commented_out_means_its_defaults() -> None:
    assert parse(f"{DATA}train:\n  # learning_rate: 1e-4\npeft:\n").train == Recipe.model_validate({"data": {"path": "x"}}).train


def test_a_stage_can_be_left_out() -> None:
    assert parse(f"{DATA}audit: false").audit is False
    assert parse(f"{DATA}audit: false", ["audit.ignore=[AUD001]"]).audit.ignore == ("AUD001",)


# What is wrong, where, and what to write

PROBLEMS = [
    ("train: {learnin_rate: 1e-4}", "train.learnin_rate is not a key; did you mean learning_rate?", "train.learning_rate"),
    ("train: {Learning-Rate: 1e-4}", "did you mean learning_rate?", "train.learning_rate"),
    ("train: {learningRate: 1e-4}", "did you mean learning_rate?", "train.learning_rate"),
    ("learning_rate: 1e-4", "learning_rate belongs under train", "train.learning_rate"),
    ("task: {learning_rate: 1e-4}", "task.learning_rate: learning_rate belongs under train", "train.learning_rate"),
    ("train: {seed: 3}", "train.seed: seed belongs at the top of the recipe", "seed"),
    ("trian: {learning_rate: 1e-4}", "trian is not a key; did you mean train?", "train"),
    ("lr: 1e-4", "lr is called train.learning_rate here", "train.learning_rate"),
    ("train: {lr: 1e-4}", "train.lr is called train.learning_rate here", "train.learning_rate"),
    ("base_model: bert", "base_model is called choose.model_name_or_path here", "choose.model_name_or_path"),
    ("model_name_or_path: bert", "model_name_or_path belongs under choose", "choose.model_name_or_path"),
    ("load_in_4bit: true", "load_in_4bit is not available", "remove the line"),
    ("overwrite_output_dir: true", "overwrite_output_dir is not needed", "remove the line"),
    ("train.learning_rate: 1e-4", "is written as one word", "write `train: {learning_rate: …}`"),
    ("xyzzy: 1", "xyzzy is not a key", "the keys of the recipe are name, purpose"),
    ("peft: {xyzzy: 1}", "peft.xyzzy is not a key", "the keys of peft are method, r,"),
    ("train: {num_train_epochs: three}", "train.num_train_epochs: 'three' is not a number or auto", "give a number or auto"),
    ("train: {max_steps: 2.5}", "train.max_steps: 2.5 is not a whole number", "give a whole number"),
    ("train: {max_steps: true}", "train.max_steps: true is not a number", "give a number"),
    ("train: {freeze: true}", "train.freeze: true is not a number", "give a number"),
    ("train: {num_train_epochs: inf}", "train.num_train_epochs: inf is not a finite number", "give a finite number"),
    ("train: {num_train_epochs: 1e999}", "is not a finite number", "give a finite number"),
    ("train: {learning_rate: nan}", "train.learning_rate", "give a number"),
    ("train: {early_stopping: maybe}", "train.early_stopping: 'maybe' is not true or false", "give true or false"),
    ("train: {learning_rate: -1}", "train.learning_rate: -1 must be above 0", "give a number above 0"),
    ("train: {learning_rate: 2}", "train.learning_rate: 2 must be below 1", "a share: 0.02 for 2%"),
    ("split: {test_size: 15}", "split.test_size: 15 must be below 1", "a share: 0.15 for 15%"),
    ("split: {test_size: 15%}", "split.test_size: '15%' is not a number", "write 0.15 for 15%"),
    ("split: {test_size: 0.5, valid_size: 0.5}", "split: test_size + valid_size leave no rows for training", None),
    ("evaluate: {on: tset}", "evaluate.on: 'tset' is not one of test, valid, folds; did you mean test?", "test"),
    ("evaluate: {on: validation}", "evaluate.on: 'validation' is not one of", "valid"),
    ("train: {precision: bf16}", "train.precision: 'bf16' is not one of auto, float32, bfloat16", "bfloat16"),
    ("peft: {method: qlora}", "peft.method: 'qlora' is not one of full, lora", "lora (weights are not quantised"),
    ("evaluate: {gates: {macro_f1: high}}", "the gate macro_f1: 'high' is not of the form", 'write it as in {macro_f1: ">= 0.80"}'),
    ("evaluate: {gates: {macro_f1: 0.8}}", "the gate macro_f1: '0.8' is not of the form", 'write it as in {macro_f1: ">= 0.80"}'),
    ("name: 'two words'", "name: 'two words' may hold letters, digits", None),
    ("train: 5", "train: 5 is not a set of `key: value` lines", "give a set of"),
    ("choose: bert-base", "choose: 'bert-base' is not a set of `key: value` lines", "write `choose: {model_name_or_path: bert-base}`"),
    ("peft: lora", "peft: 'lora' is not a set of `key: value` lines", "write `peft: {method: lora}`"),
    ("task: {labels: [a, [b]]}", "task.labels[1]: ['b'] is not text", "give text"),
    ("task: {text: t, label: t}", "the column 't' cannot be both text and label", None),
    ("train:\n  learning_rate:\n", "train.learning_rate is empty", "give a value, or remove the line"),
    ("choose: {trust_remote_code: true}", "choose.trust_remote_code: true is not false", "never run"),
    ("groups: {language: language}", "groups.language: 'language' is not a set of", "write `groups.language: {column: language}`"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "message", "fix"), PROBLEMS)
def test_what_is_wrong_is_said_with_its_line_and_remedy(line: str, message: str, fix: str | None) -> None:
    error = refusal(f"# a comment\n{DATA}{line}\n")
    assert message in error.message
    assert (fix or "") in (error.fix or "")
    assert error.place.file == "recipe.yaml"
    assert error.place.line == (4 if line.startswith("train:\n") else 3)
    assert "\n" not in error.message, "one problem, one line"


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    text = (
        f"{DATA}train:\n  learnin_rate: 1\n  num_train_epochs: three\nreport:\n  show_text: all\n"
        "evaluate: {gates: {macro_f1: high}}\nlr: 3\nname: a\nname: b\n"
    )
    error = refusal(text)
    lines = error.message.splitlines()
    assert lines[0] == "train.learnin_rate is not a key; did you mean learning_rate?"
    assert [line.split(":")[1] for line in lines[1:]] == ["4", "6", "7", "8", "10"]
    assert "name stands twice (first in line 9)" in lines[-1]
    assert (error.place.line, error.place.key) == (3, "train.learnin_rate")
    assert error.fix is not None
    assert error.fix.splitlines()[0] == "line 3: train.learning_rate"
    assert error.to_json()["message"].startswith("recipe.yaml:3: train.learnin_rate")


def test_a_missing_section_that_was_written_under_a_foreign_name_is_one_problem() -> None:
    assert refusal("dataset: rows.csv").message == "dataset is called data.path here"
    assert "data is missing" in refusal("seed: 3").message
    assert "`data: {path: FILE}`" in (refusal("seed: 3").fix or "")


def test_an_error_without_a_file_still_names_its_key() -> None:
    with pytest.raises(SettingsError) as caught:
        from_mapping({"data": {"path": "x"}, "train": {"learnin_rate": 1}})
    assert str(caught.value).startswith("train.learnin_rate is not a key")
    assert caught.value.place.line is None


# Files


def test_files_that_are_no_recipe(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("")
    (tmp_path / "comments.yaml").write_text("# nothing\n\n")
    (tmp_path / "binary.yaml").write_bytes(b"PAR1\0\0\1")
    (tmp_path / "latin.yaml").write_bytes("name: x\npurpose: für alle\n".encode("latin-1"))
    (tmp_path / "large.yaml").write_text("text,label\n" * 200_000)
    (tmp_path / "rows.csv").write_text("text,label\nhello,a\n")
    (tmp_path / "list.yaml").write_text("- a\n- b\n")
    expected = {
        "missing.yaml": "there is no such recipe", "": "this is a folder", "empty.yaml": "the recipe is empty",
        "comments.yaml": "the recipe is empty", "binary.yaml": "binary file", "latin.yaml": "byte 0xfc is not UTF-8",
        "large.yaml": "too large", "rows.csv": "this is a line of text", "list.yaml": "this is a list",
    }  # fmt: skip
    for name, words in expected.items():
        with pytest.raises(SettingsError) as caught:
            load(tmp_path / name)
        assert words in caught.value.message, name
        assert caught.value.fix, name
        assert caught.value.exit_code == 2
    with pytest.raises(SettingsError) as caught:
        load(tmp_path / "latin.yaml")
    assert caught.value.place.line == 2


def test_marks_and_line_ends_of_other_systems(tmp_path: Path) -> None:
    text = "data: {path: größe.csv}\r\ntrain: {lr: 1}\r\n"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        (tmp_path / "recipe.yaml").write_bytes(text.encode(encoding))
        with pytest.raises(SettingsError) as caught:
            load(tmp_path / "recipe.yaml")
        assert caught.value.place.line == 2, encoding
        assert load(tmp_path / "recipe.yaml", ["train={}"]).data.path == "größe.csv"


# Overrides


def test_overrides_set_any_key_and_the_last_one_counts() -> None:
    recipe = parse(
        f"{DATA}train: {{learning_rate: 1e-3}}\ntask: {{multi_label: true}}",
        [
            "train.learning_rate=1e-4", "train.learning_rate=2e-5", "task.text=[subject, body]", "task.label_separator=|",
            "groups.language.column=lang", "purpose=Route: all of them # really", 'train.class_weights."v1.0"=2', "--seed=007",
            'evaluate.gates={macro_f1: ">= 0.8"}', "train.class_weights.bug report=0.5", "name='5e-5'",
        ],
    )  # fmt: skip
    assert recipe.train.learning_rate == 2e-5
    assert recipe.task.text == ("subject", "body")
    assert recipe.task.label_separator == "|"
    assert recipe.groups["language"].column == "lang"
    assert recipe.purpose == "Route: all of them # really"
    assert recipe.train.class_weights == {"v1.0": 2, "bug report": 0.5}
    assert recipe.seed == 7
    assert recipe.name == "5e-5"


def test_an_empty_override_takes_a_key_back_to_its_default() -> None:
    text = f"{DATA}train: {{learning_rate: 1e-3, max_steps: 5}}"
    recipe = parse(text, ["train.learning_rate=", "train.max_steps=null"])
    assert recipe.train.learning_rate == "auto"
    assert recipe.train.max_steps is None
    assert parse(text, ["train="]).train.learning_rate == "auto"
    assert parse(DATA, ["data.path=", "data.train=a.csv"]).data.train == "a.csv"


def test_lists_in_the_recipe_can_be_overridden_by_position() -> None:
    text = "data: {sources: [{path: a.csv}, {path: b.csv}]}"
    for override in ("data.sources[1].weight=0.5", "data.sources.1.weight=0.5"):
        assert [source.weight for source in parse(text, [override]).data.sources] == [1.0, 0.5]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.learning_rate", "is not of the form key=value"), ("=3", "is not of the form key=value"),
        ("train..x=3", "is not of the form key=value"), ("train.lr_scheduler_type=[a", "a bracket is opened here"),
        ("data.sources[0].path=x", "there is nothing at data.sources"), ("name.x=3", "name: {'x': 3} is not text (on the command line)"),
        ("data.path.x=3", "there is nothing at data.path"), ("train.lr=3", "train.lr is called train.learning_rate here (on the command line)"),
        ("learning_rate=3", "learning_rate belongs under train (on the command line)"),
        ("train.learning_rate=abc", "'abc' is not a number or auto (on the command line)"),
        ("evaluate.gates.macro_f1=high", "the gate macro_f1: 'high' is not of the form '>= 0.80' (on the command line)"),
    ],
)  # fmt: skip
def test_overrides_that_cannot_be_set(override: str, message: str) -> None:
    error = refusal(DATA, (override,))
    assert message in error.message
    assert error.place.line is None, "the line of the file is not to blame"
    assert error.fix


def test_data_paths_typed_in_a_shell_mean_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "recipes").mkdir()
    (tmp_path / "other.csv").write_text("text,label\n")
    monkeypatch.chdir(tmp_path)
    typed = ("data.path=other.csv", "data.test=absent.csv", "data.train=hub:a/b", "name=other.csv")
    assert from_here(typed, Path("recipes")) == ("data.path=../other.csv", "data.test=absent.csv", "data.train=hub:a/b", "name=other.csv")
    assert (Path("recipes") / "../other.csv").resolve() == (tmp_path / "other.csv").resolve()


# Where values come from, and writing them down


def test_every_value_knows_its_source(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("name: x\ndata:\n  path: rows.csv\ntask:\n  text: [a, b]\n")
    loaded = read(path, ["seed=3"])
    assert loaded.source("data", "path") == f"{path}:3"
    assert loaded.source("task", "text", 1) == f"{path}:5"
    assert loaded.source("seed") == "command line"
    assert loaded.source("train", "learning_rate") == "default"
    assert loaded.text == path.read_text()


NASTY = ["yes", "no", "on", "null", "~", "007", "5e-5", "0o17", "0x1F", "1_000", "1:30", ".inf", "2024-01-01", "=", "<<", "", " ", "a: b",
         "- a", "#x", "&a", "*a", "!x", "%x", "@x", "`x`", "'", '"', "\\", "é", "日本", "a\nb", "\t", "true", "-", "?", "[", "{a}", "|", ">"]  # fmt: skip
NAMES = st.one_of(st.sampled_from(NASTY), st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20))


@settings(max_examples=150, deadline=None)
@given(
    labels=st.one_of(st.none(), st.lists(NAMES, max_size=5), st.dictionaries(NAMES, NAMES, max_size=5)),
    purpose=NAMES,
    rate=st.one_of(st.just("auto"), st.floats(1e-300, 0.999, allow_subnormal=False)),
    weights=st.dictionaries(NAMES, st.floats(0, 1e9), max_size=3),
)
def test_a_dumped_recipe_reads_back_equal(labels: object, purpose: str, rate: object, weights: dict[str, float]) -> None:
    recipe = from_mapping(
        {
            "data": {"path": purpose or "x"}, "purpose": purpose, "task": {"labels": labels},
            "train": {"learning_rate": rate, "class_weights": weights},
        }
    )  # fmt: skip
    assert parse(dump(recipe)) == recipe


@pytest.mark.parametrize("value", [*NASTY, ["a", "b c", "d: e"], {"x y": "1", "on": "no"}])
def test_a_value_on_one_line_reads_back(value: object) -> None:
    line = inline(value)
    assert "\n" not in line
    if isinstance(value, str):
        assert parse(f"{DATA}purpose: {line}  # why").purpose == value
    else:
        assert from_mapping({"data": {"path": "x"}, "task": {"labels": value}}).task == parse(f"{DATA}task: {{labels: {line}}}").task


def test_what_stages_resolved_stands_in_the_dump() -> None:
    text = dump(parse(DATA), {"train.learning_rate": 2e-5, "train.num_train_epochs": 3, "choose.model_name_or_path": "a/b"})
    recipe = parse(text)
    assert (recipe.train.learning_rate, recipe.train.num_train_epochs, recipe.choose.model_name_or_path) == (2e-5, 3, "a/b")


def test_settings_are_light_to_import() -> None:
    code = "import sys, goodfit.settings; print(sorted({'torch','numpy','pyarrow','transformers','sklearn','scipy'} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
