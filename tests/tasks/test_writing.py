"""Measures of written text: published and hand-computed values, properties, hostile text."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goodfit.errors import SettingsError
from goodfit.statistics.written import chrf
from goodfit.tasks.writing.habits import empty, loops, refuses
from goodfit.tasks.writing.matches import ends_in_number, exact_match, last_number, numeric_match, regex_match
from goodfit.tasks.writing.memorised import Memorised
from goodfit.tasks.writing.overlap import chrf_counts, distinct_counts, longest_common, rouge_l
from goodfit.tasks.writing.structure import calls_of, json_valid, strict, tool_call_match
from goodfit.tasks.writing.words import Vocabulary, words

HOSTILE = [
    "",
    " ",
    "\x00" * 9,
    "\u202eabc\u202c",
    "\ud800",
    "a\udfffb",
    "<script>alert(1)</script>",
    "\x1b[31mred",
    "𝔘𝔫𝔦",
    "\u0301",
    "####",
    "-",
    "[",
    "{",
]
anything = st.text(st.characters(), max_size=40) | st.sampled_from(HOSTILE)
rows = st.lists(anything, min_size=1, max_size=6)


def of_corpus(predictions: list[str], references: list[str]) -> float:
    return float(chrf(chrf_counts(predictions, references).sum(axis=0)))


# --- chrF and ROUGE-L


def test_chrf_is_what_sacrebleu_says() -> None:
    """The example of sacrebleu's README with its first references, scored by sacrebleu 2.6.0."""
    said = ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."]
    wanted = ["The dog bit the man.", "It was not unexpected.", "The man bit him first."]
    assert of_corpus(said, wanted) == pytest.approx(0.50043063606582294, abs=1e-12)


def test_chrf_removes_white_space_and_keeps_case() -> None:
    assert of_corpus(["a b\nc"], ["abc"]) == 1
    assert of_corpus(["ABC"], ["abc"]) == 0
    assert chrf_counts(["abcabc"], ["abc"])[0].tolist() == [3, 2, 1, 0, 0, 0, 6, 5, 4, 0, 0, 0, 3, 2, 1, 0, 0, 0]


@pytest.mark.parametrize(
    ("said", "wanted", "f"), [("testing", "testing one two", 0.5), ("testing one", "testing one two", 0.8), ("", "a", 0), ("x", "", 0)]
)
def test_rouge_l_of_rouge_scores_own_tests(said: str, wanted: str, f: float) -> None:
    assert rouge_l([said], [wanted])[0] == pytest.approx(f)


def test_words_of_scripts_without_spaces_are_characters() -> None:
    assert words("Café, naïve_test 1ère") == ["café", "naïve", "test", "1ère"]
    assert words("我是abc学生") == ["我", "是", "abc", "学", "生"]
    assert words("नमस्ते दुनिया") == ["नमस्ते", "दुनिया"]
    assert rouge_l(["我是学生"], ["我是老师"])[0] == pytest.approx(0.5)


@given(st.lists(st.sampled_from("abc"), max_size=12), st.lists(st.sampled_from("abc"), max_size=12))
def test_longest_common_subsequence(a: list[str], b: list[str]) -> None:
    table = np.zeros((len(a) + 1, len(b) + 1), dtype=int)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i + 1, j + 1] = table[i, j] + 1 if x == y else max(table[i, j + 1], table[i + 1, j])
    assert longest_common(a, b) == table[-1, -1]


@pytest.mark.slow
def test_against_sacrebleu_and_rouge_score() -> None:
    metrics = pytest.importorskip("sacrebleu.metrics")
    scorer = pytest.importorskip("rouge_score.rouge_scorer").RougeScorer(["rougeL"], use_stemmer=False)
    rng = np.random.default_rng(0)
    said, wanted = (["".join(rng.choice(list("abcde  f12.é\n"), size=k)) for k in rng.integers(0, 60, 400)] for _ in range(2))
    assert of_corpus(said, wanted) == pytest.approx(metrics.CHRF().corpus_score(said, [wanted]).score / 100, abs=1e-12)
    for p, r, row in zip(said, wanted, chrf_counts(said, wanted)):
        assert chrf(row) == pytest.approx(metrics.CHRF().sentence_score(p, [r]).score / 100, abs=1e-12)
    said, wanted = ([text.replace("é", "e") for text in part] for part in (said, wanted))
    ours = rouge_l(said, wanted)
    assert ours == pytest.approx([scorer.score(r, p)["rougeL"].fmeasure if words(p + r) else 1 for p, r in zip(said, wanted)], abs=1e-12)


def test_distinct_counts_do_not_reach_over_the_end_of_a_text() -> None:
    vocabulary = Vocabulary()
    made = [vocabulary.learn(text) for text in ("a b a", "b a", "c", "")]
    two = distinct_counts(made, 2)
    assert two[:, 0].tolist() == [2, 1, 0, 0]
    assert two[:, 1:].sum() == pytest.approx(2)  # `a b` and `b a`; the second stands in two rows
    assert two[:, 1].tolist() == [1, 0, 0, 0]
    together = distinct_counts(made, 2, np.array([0, 0, 1, 1]))
    assert together[:, 1].tolist() == [1, 1, 0, 0]
    assert distinct_counts(made, 5).sum() == 0


# --- matches


def test_exact_match_is_squads() -> None:
    said = ["The  Eiffel Tower!", "eiffel tower", "Eiffel", "", "", "?"]
    wanted = ["eiffel tower", "an Eiffel-Tower", "the Eiffel Tower", "x", "!", "?"]
    assert exact_match(said, wanted).tolist() == [True, False, False, False, False, True]


@pytest.mark.parametrize(
    ("text", "number"),
    [("She has 3 + 4 = 7.\n#### 7", 7), ("#### 1,234", 1234), ("so $1,234.50 in all", 1234.5), ("-$5", -5), ("$-5.0", -5), ("10-5", 5), ("−3", -3),
     ("1.234,56 €", 1234.56), ("1.234.567", 1234567), ("3,5", 3.5), ("1.234", 1.234), ("50%", 50), ("3/4", 0.75), ("1/2/2024", 2024), ("1'000", 1000),
     ("2e3", 2000), ("1,2,3", 3), ("7 ####", 7), ("no number", None), ("1/0", None), ("٤٢", 42), ("9" * 500, None)],
)  # fmt: skip
def test_last_number(text: str, number: float | None) -> None:
    assert last_number(text) == (None if number is None else pytest.approx(number))


def test_numeric_match_applies_where_the_reference_has_a_number() -> None:
    right, applies = numeric_match(["it is 42", "43", "", "7", "0.3333333"], ["#### 42.0", "42", "5", "none", "1/3"])
    assert right.tolist() == [True, False, False, False, True]
    assert applies.tolist() == [True, True, True, False, True]
    assert numeric_match(["99"], ["100"], tolerance=0.02)[0].all()
    assert ends_in_number("It is 5%.")
    assert not ends_in_number("5 apples")


def test_regex_match() -> None:
    right, applies = regex_match(["A: x\nAnswer: B ", "Answer: C", "?"], ["Answer: B", "Answer: D", "none"], r"Answer: (\w)")
    assert right.tolist() == [True, False, False]
    assert applies.tolist() == [True, True, False]
    assert regex_match(["id-17", "17"], None, r"id-\d+")[0].tolist() == [True, False]
    with pytest.raises(SettingsError, match="no regular expression"):
        regex_match(["a"], None, "(")
    with pytest.raises(SettingsError, match="takes more than"):
        regex_match(["a" * 5_000 + "b"], None, r"(a+)+$")


# --- structure


def test_json_is_strict() -> None:
    good = ['{"a": [1, 2.5e3, null, true]}', " [] \n", '"text"', "-0", "9" * 5_000]
    bad = ["", "{'a': 1}", '{"a": 1,}', "NaN", "[Infinity]", '```json\n{"a": 1}\n```', '{"a": 1} x', "[" * 100_000, '"\x01"', "\ufeff{}"]
    assert json_valid(good).all()
    assert not json_valid(bad).any()


def test_json_schema() -> None:
    schema = {"type": "object", "required": ["age"], "properties": {"age": {"type": "integer"}}}
    assert json_valid(['{"age": 3}', '{"age": "3"}', "[]", "{"], schema).tolist() == [True, False, False, False]
    with pytest.raises(SettingsError, match="schema is broken"):
        json_valid(["{}"], {"type": "nothing"})
    with pytest.raises(SettingsError, match="not in it"):
        json_valid(["{}"], {"$ref": "http://localhost:1/schema.json"})


def test_tool_calls_are_compared_as_calls() -> None:
    wanted = 'Let me look.\n[{"name": "find", "arguments": {"q": "x", "n": 1}}, {"name": "now", "arguments": {}}]'
    same = [
        '[{"arguments": {}, "name": "now"}, {"name": "find", "arguments": {"n": 1.0, "q": "x"}}]',
        '<tool_call>\n{"name": "find", "arguments": {"q": "x", "n": 1}}\n</tool_call>\n<tool_call>\n{"name": "now", "arguments": "{}"}\n</tool_call>',
        '[TOOL_CALLS] [{"name": "now", "arguments": {}}, {"name": "find", "arguments": "{\\"q\\": \\"x\\", \\"n\\": 1}"}]</s>',
        '[\n  {"name": "find",\n   "parameters": {"q": "x", "n": 1}},\n  {"function": {"name": "now", "arguments": null}}\n]',
    ]
    other = [
        '[{"name": "find", "arguments": {"q": "x", "n": true}}, {"name": "now", "arguments": {}}]',
        '[{"name": "now", "arguments": {}}]',
        "x",
        "",
    ]
    assert tool_call_match(same, [wanted] * 4)[0].all()
    right, applies = tool_call_match([*other, "Hello"], [*[wanted] * 4, "Hello"])
    assert not right.any()
    assert applies.tolist() == [True] * 4 + [False]
    assert calls_of('{"name": "Bob", "age": 3}') is None


# --- habits


def test_loops() -> None:
    looping = [
        "I think so. " * 8,
        "ha ha " * 4,
        "the cat sat\n" * 4,
        "!" * 200,
        "我是学生" * 5,
        "x = 1;\n" + "\n".join(f"{i}\nsame line here" for i in range(4)),
    ]
    fine = [
        "",
        "no no no",
        "- a\n- b\n- c\n- d\n- e",
        "-" * 40,
        "The cat sat on the mat, and the dog sat on the cat.",
        "1, 2, 3, 4, 5, 6, 7, 8, 9, 10",
    ]
    assert loops(looping).all()
    assert not loops(fine).any()


def test_refusals_in_four_languages() -> None:
    refused = ["I'm sorry, but I can’t help with that.", "As an AI language model, I cannot browse the web.", "Es tut mir leid, aber dabei kann ich nicht helfen.",
               "Je suis désolé, mais je ne peux pas répondre.", "Lo siento, pero no puedo ayudarte con eso."]  # fmt: skip
    answered = [
        "Sure, here it is.",
        "You cannot divide by zero.",
        "I'm sorry for the delay; here is your order.",
        "Das geht nicht.",
        "No puedo creerlo, dijo ella.",
        "",
    ]
    assert refuses(refused).all()
    assert not refuses(answered).any()


def test_empty() -> None:
    assert empty(["", " \n", "\x00\u202e", "a", "."]).tolist() == [True, True, True, False, False]


# --- memorised


def test_memorised_runs() -> None:
    training = ["zero " + " ".join(f"w{i}" for i in range(20)), "short text"]
    answers = [
        " ".join(f"W{i}" for i in range(5, 15)),
        "w0 w1 w2 w3 w4 w5 w6 new w7 w8",
        "x " + " ".join(f"w{i}" for i in range(8)),
        "short text",
        "",
    ]
    prompts = ["", "", "repeat: " + " ".join(f"w{i}" for i in range(8)), "", ""]
    assert Memorised(answers, prompts).see(iter(training)).longest().tolist() == [10, 0, 0, 0, 0]
    assert Memorised(answers).see(training).longest().tolist() == [10, 0, 8, 0, 0]
    assert Memorised(["short text"], words=2).see(training[:1]).see(training[1:]).copied().tolist() == [True]
    with pytest.raises(ValueError, match="1 prompts for 2"):
        Memorised(["a", "b"], ["a"])


def test_memory_holds_the_answers_not_the_training_set() -> None:
    held = Memorised(["one two three four five six seven eight nine"])
    before = len(held._known), len(held._vocabulary._numbers)
    held.see(f"text number {i} of very many that are never stored anywhere" for i in range(1_000))
    assert (len(held._known), len(held._vocabulary._numbers)) == before


# --- properties


@given(rows)
def test_identical_texts_are_right(texts: list[str]) -> None:
    assert exact_match(texts, texts).all()
    assert rouge_l(texts, texts) == pytest.approx(np.ones(len(texts)))
    right, applies = numeric_match(texts, texts)
    assert (right == applies).all()
    right, applies = tool_call_match(texts, texts)
    assert (right == applies).all()
    for text, row in zip(texts, chrf_counts(texts, texts)):
        assert chrf(row) == pytest.approx(1 if text.split() else 0)


@given(rows, rows)
def test_any_texts_give_numbers_in_range(a: list[str], b: list[str]) -> None:
    n = min(len(a), len(b))
    a, b = a[:n], b[:n]
    counts = chrf_counts(a, b)
    assert counts.shape == (n, 18)
    assert 0 <= chrf(counts.sum(axis=0)) <= 1 + 1e-12
    for values in (
        rouge_l(a, b),
        exact_match(a, b),
        *numeric_match(a, b),
        *tool_call_match(a, b),
        json_valid(a),
        loops(a),
        refuses(a),
        empty(a),
    ):
        assert len(values) == n
        assert ((values >= 0) & (values <= 1)).all()
    assert (rouge_l(a, b) == rouge_l(b, a)).all()
    assert (Memorised(a, b).see(b).longest() >= 0).all()
    order = np.arange(n)[::-1]
    assert (chrf_counts([a[i] for i in order], [b[i] for i in order]) == counts[order]).all()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | anything,
        lambda x: st.lists(x, max_size=3) | st.dictionaries(anything, x, max_size=3),
        max_leaves=8,
    )
)
def test_what_json_writes_is_read_back(value: object) -> None:
    text = json.dumps(value)
    assert json_valid([text]).all()
    assert strict(text) == value
    call = json.dumps([{"name": "f", "arguments": {"x": value}}])
    assert tool_call_match([json.dumps(json.loads(call), sort_keys=True, indent=1)], [f"Said.\n{call}"])[0].all()


@given(rows)
@settings(max_examples=30)
def test_an_empty_answer_gets_nothing(references: list[str]) -> None:
    references = [text + "word 7" for text in references]
    nothing = [""] * len(references)
    assert of_corpus(nothing, references) == 0
    for values in (rouge_l(nothing, references), exact_match(nothing, references), numeric_match(nothing, references)[0]):
        assert not values.any()


LONG = [
    "a" * 1_000_000,
    "ab c " * 200_000,
    "1,111" * 200_000,
    "[" * 1_000_000,
    "[\n" * 500_000,
    "####" * 250_000,
    "-1/" * 330_000,
    "\x00" * 1_000_000,
    "我" * 300_000,
    " \n" * 500_000,
]


@pytest.mark.parametrize("text", LONG, ids=range(len(LONG)))
def test_a_megabyte_on_one_line_takes_seconds(text: str) -> None:
    begin = time.process_time()
    chrf_counts([text], ["a short reference"])
    for measure in (exact_match, rouge_l, numeric_match, tool_call_match):
        measure([text], ["a short reference 7"])
    for habit in (loops, refuses, empty, json_valid):
        habit([text])
    Memorised([text], [text]).see([text]).longest()
    assert time.process_time() - begin < 30
