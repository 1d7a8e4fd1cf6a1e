"""Near-duplicates by their characters: every kind of edit, any script, hostile texts, and all pairs as the oracle."""

from __future__ import annotations

import time

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from goodfit.data import near
from goodfit.data.alike import LONG, Texts, alike, edit_similarity, overlap
from goodfit.data.duplicates import duplicate_groups, text_keys
from goodfit.data.near import near_groups
from goodfit.data.normalise import normalise_text
from goodfit.data.rare import candidates, frequencies, postings_of
from goodfit.data.shingles import Shingles, characters_of, shingles

LETTERS = list("abcdefghijklmnopqrstuvwxyz")


def vocabulary(rng: np.random.Generator, n: int = 3000) -> list[str]:
    return ["".join(rng.choice(LETTERS, size=rng.integers(2, 10))) for _ in range(n)]


def sentences(rng: np.random.Generator, n: int, words: tuple[int, int] = (8, 20)) -> list[str]:
    vocab = vocabulary(rng)
    return [" ".join(vocab[i] for i in rng.integers(0, len(vocab), size=rng.integers(*words))) for _ in range(n)]


def typo(rng: np.random.Generator, text: str) -> str:
    i = int(rng.integers(1, len(text) - 1))
    return (text[:i] + text[i + 1 :], text[:i] + "q" + text[i:], text[: i - 1] + text[i] + text[i - 1] + text[i + 1 :])[
        int(rng.integers(3))
    ]


def dropped(rng: np.random.Generator, text: str) -> str:
    words = text.split()
    del words[int(rng.integers(len(words)))]
    return " ".join(words)


def replaced(rng: np.random.Generator, text: str) -> str:
    words = text.split()
    words[int(rng.integers(len(words)))] = "zxy" + "".join(rng.choice(LETTERS, size=4))
    return " ".join(words)


def wrapped(rng: np.random.Generator, text: str) -> str:
    return f"Hi there, hope you are well. {text} Kind regards, {''.join(rng.choice(LETTERS, size=6)).title()}"


EDITS = {"typo": typo, "dropped word": dropped, "replaced word": replaced, "greeting and signature": wrapped}


def groups_of(texts: list[str | None], **more: object) -> list[int]:
    return near_groups(pa.chunked_array([pa.array(texts, pa.string())]), **more).group.tolist()  # type: ignore[arg-type]


# -- edits -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("kind", EDITS)
def test_edited_texts_are_found_and_nothing_else(kind: str, many: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """By five characters, and by the wide pieces of very many texts."""
    monkeypatch.setattr(near, "MANY", 0 if many else near.MANY)
    rng = np.random.default_rng(1)
    base = sentences(rng, 2000)
    chosen = rng.permutation(2000)[:400]
    texts = base + [EDITS[kind](rng, base[i]) for i in chosen]
    group = near_groups(pa.chunked_array([texts[:700], texts[700:]])).group
    found = group[2000:] == chosen
    assert found.mean() >= 0.99
    assert (group[:2000] == np.arange(2000)).all()


@pytest.mark.parametrize(
    ("texts", "same"),
    [
        (["Where is my new card that you sent?", "where is my new card that you send"], True),
        (["我想申请退款因为商品坏了请帮我处理", "我想申请退款因为产品坏了请帮我处理", "今天天气很好我们去公园散步吧朋友"], True),
        (["コンピューターが起動しないので修理をお願いします", "パソコンが起動しないので修理をお願いします"], True),
        (["배송이 아직 도착하지 않았습니다 확인 부탁드립니다", "배송이 아직 도착하지 않았어요 확인 부탁드립니다"], True),
        (["ฉันต้องการคืนเงินสำหรับคำสั่งซื้อนี้ครับ", "ฉันต้องการคืนเงินสำหรับคำสั่งซื้อนี้ค่ะ"], True),
        (["Где моя новая карта, которую вы отправили?", "Где моя новая карта, которую вы послали?"], True),
        (["اين بطاقتي الجديدة التي ارسلتموها لي", "اين بطاقتي الجديده التي ارسلتموها لي"], True),
        (["I do not like it at all, really", "I do like it at all, really"], True),
        (["thanks", "thanks a lot for everything that you did for us"], False),
        (["yes", "yes please", "no"], False),
        (["the card has not arrived yet and I am worried", "please tell me the limit for withdrawals abroad"], False),
        (["买", "卖"], False),
    ],
    ids=["word", "han", "kana", "hangul", "thai", "cyrillic", "arabic", "not", "contained", "tiny", "different", "one sign"],
)
def test_any_script(texts: list[str], same: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    for many in (near.MANY, 0):
        monkeypatch.setattr(near, "MANY", many)
        group = groups_of(texts + sentences(rng, 50))
        assert (group[1] == 0) == same
        assert group[2:] == list(range(2, len(group)))


def test_exact_repeats_are_in_one_group_with_their_near_kin() -> None:
    a, b = "where is my new card please", "where is my new card, pleese"
    found = near_groups(pa.chunked_array([[a, "something else altogether here", b, a.upper(), b + "!", None, "", a]]))
    assert found.group.tolist() == [0, 1, 0, 0, 0, 5, 6, 0]
    assert found.twin[[1, 5, 6]].tolist() == [-1, -1, -1]
    assert (found.twin[[0, 2, 3, 4, 7]] >= 0).all()
    assert all(found.group[i] == found.group[j] for i, j in found.pairs)


def test_rows_that_are_not_used_tie_nothing() -> None:
    texts = ["where is my new card please", "where is my new card, pleese", "where is my own card pleese"]
    assert groups_of(texts) == [0, 0, 0]
    assert groups_of(texts, used=np.array([True, False, True])) == [0, 1, 2] or groups_of(texts, used=np.array([True, False, True])) == [
        0,
        1,
        0,
    ]
    assert groups_of(texts, used=np.array([True, False, False])) == [0, 1, 2]


def test_how_the_column_is_cut_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    base = sentences(rng, 300)
    texts = base + [typo(rng, text) for text in base[:60]]
    whole = near_groups(pa.chunked_array([texts])).group
    pieces = near_groups(pa.chunked_array([texts[:1], texts[1:200], [], texts[200:]], pa.string())).group
    assert (whole == pieces).all()
    assert (whole == near_groups(pa.chunked_array([texts]), same=duplicate_groups(text_keys(pa.array(texts)))).group).all()


def test_the_order_of_rows_does_not_matter() -> None:
    rng = np.random.default_rng(5)
    base = sentences(rng, 400, (3, 9))
    texts = base + [typo(rng, text) for text in base[:150]] + [dropped(rng, text) for text in base[:150]] + base[:20]
    group = near_groups(pa.chunked_array([texts])).group
    order = rng.permutation(len(texts))
    other = near_groups(pa.chunked_array([[texts[i] for i in order]])).group
    assert (near.first_of(group[order]) == other).all()


# -- hostile texts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "groups"),
    [
        ([], []),
        ([None], [0]),
        (["a"] * 500, [0] * 500),
        (["", " ", None, "!!!", "???"], [0, 1, 2, 3, 4]),
        (["a" * 50, "a" * 60, "b" * 50], [0, 0, 2]),
        (["\x00\x01 strange \ufffd", "😀😀😀😀😀😀😀😀😀😀", "😀" * 11, "e\u0301" * 30], [0, 1, 1, 3]),
    ],
    ids=["none", "missing", "all equal", "no text", "one character", "signs"],
)
def test_hostile(texts: list[str | None], groups: list[int]) -> None:
    assert groups_of(texts) == groups


def test_a_row_of_ten_megabytes() -> None:
    rng = np.random.default_rng(0)
    huge = " ".join(sentences(rng, 5000, (100, 200)))
    huge = huge * (1 + 10_000_000 // len(huge))
    begin = time.process_time()
    assert groups_of([huge, "short one here please", huge[:-5] + "other", "short one here, pleasee"]) == [0, 1, 0, 1]
    assert time.process_time() - begin < 60


def test_a_template_with_one_changed_number_is_no_group() -> None:
    """More than a tenth of the rows share the frame: what they are compared by is what differs."""
    rng = np.random.default_rng(0)
    numbers = rng.permutation(90_000)[:1500] + 10_000
    texts = [f"Your parcel {i} is on its way and will be delivered to your door on Monday, thank you for your order" for i in numbers]
    found = near_groups(pa.chunked_array([texts + sentences(rng, 500)]))
    assert (found.framed[:1500] > 0.7).all()
    assert (found.framed[1500:] < 0.2).all()
    assert np.bincount(found.group).max() < 100


def test_a_long_chain_is_cut_and_a_short_one_is_not() -> None:
    """Every text is near to the next one, and the first says nothing of the last."""
    rng = np.random.default_rng(0)
    words = vocabulary(rng, 400)
    texts = [" ".join(words[2 * i : 2 * i + 10]) for i in range(60)]
    group = near_groups(pa.chunked_array([texts])).group
    assert 3 <= np.bincount(group).max() <= 12
    short = near_groups(pa.chunked_array([texts[:3]])).group
    assert short.tolist() == [0, 0, 0]


# -- parts and oracles -----------------------------------------------------------------------------------------------------


def levenshtein(a: str, b: str) -> int:
    """The textbook table."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row, above = [i], row
        for j, y in enumerate(b, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (x != y)))
    return row[-1]


WORD = st.text("abcd é日", max_size=64)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(WORD, st.text("abcd é日", max_size=80)), min_size=1, max_size=6))
def test_edit_distance_is_the_textbooks(pairs: list[tuple[str, str]]) -> None:
    def codes(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        starts = np.r_[0, np.cumsum([len(t) for t in texts])]
        return np.array([ord(c) for t in texts for c in t], dtype=np.uint32), starts

    found = edit_similarity(codes([a for a, _ in pairs]), codes([b for _, b in pairs]))
    assert found.tolist() == pytest.approx([1 - levenshtein(a, b) / max(1, len(a), len(b)) for a, b in pairs])


def pieces(text: str) -> set[str]:
    padded = f" {normalise_text(text)} "
    return {padded[i : i + 5] for i in range(len(padded) - 4)}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text("abc def", min_size=6, max_size=40), min_size=2, max_size=8))
def test_shingles_are_the_pieces_of_the_text(texts: list[str]) -> None:
    sets = shingles(pa.array(texts), 512)
    assert sets.sizes.tolist() == [len(pieces(t)) for t in texts]
    pairs = np.array([(i, j) for i in range(len(texts)) for j in range(i)])
    found = overlap(sets, pairs)
    both = [len(pieces(texts[i]) & pieces(texts[j])) for i, j in pairs]
    either = [len(pieces(texts[i]) | pieces(texts[j])) for i, j in pairs]
    assert found.jaccard.tolist() == pytest.approx([b / max(1, e) for b, e in zip(both, either)])


def test_thinned_sets_estimate_what_whole_ones_say() -> None:
    rng = np.random.default_rng(0)
    words = vocabulary(rng)
    texts = []
    for _ in range(40):
        drawn = rng.integers(0, len(words), size=600)
        texts.append(" ".join(words[i] for i in drawn))
        keep = rng.random(600) < 0.9
        texts.append(" ".join(words[i] for i in drawn[keep]) + (" end" * 400))
    pairs = np.arange(80).reshape(40, 2)
    whole, thin = overlap(shingles(pa.array(texts), 100_000), pairs), overlap(shingles(pa.array(texts), 256), pairs)
    assert np.abs(whole.jaccard - thin.jaccard).mean() < 0.04
    sizes = shingles(pa.array(texts), 256).sizes
    assert sizes.min() > 100
    assert sizes.max() < 320


def all_pairs(sets: Shingles) -> np.ndarray:
    """Every pair of texts that shares a shingle, by a sparse product."""
    columns = np.unique(sets.values, return_inverse=True)[1]
    matrix = csr_matrix((np.ones(len(columns), np.int32), columns, sets.starts))
    found = []
    for start in range(0, matrix.shape[0], 500):
        product = (matrix[start : start + 500] @ matrix.T).tocoo()
        row = product.row + start
        some = (row < product.col) & (product.data >= 3)
        found.append(np.stack([row[some], product.col[some]], axis=1))
    return np.concatenate(found).astype(np.int64)


def oracle(n: int, seed: int) -> tuple[float, int]:
    """Share of all near-duplicate pairs that are candidates; and pairs that the groups tie although all pairs do not."""
    rng = np.random.default_rng(seed)
    base = sentences(rng, n // 2, (4, 40))
    edits = list(EDITS.values())
    texts = base + [edits[i % 4](rng, base[int(rng.integers(len(base)))]) for i in range(n - n // 2)]
    texts = list(dict.fromkeys(texts))
    column = pa.chunked_array([texts])
    sets = shingles(column, 512)
    known = Texts(column, np.arange(len(texts)), sets, np.zeros(len(texts), bool))
    pairs = all_pairs(sets)
    truth = {(int(a), int(b)) for a, b in pairs[alike(known, pairs)]}
    tied = {(min(a, b), max(a, b)) for block in candidates(postings_of(sets, frequencies(sets))) for a, b in block.tolist()}
    group = near_groups(column).group
    joined = csr_matrix((np.ones(len(truth)), tuple(np.array(sorted(truth)).T)), shape=(len(texts), len(texts)))
    from scipy.sparse.csgraph import connected_components

    component = connected_components(joined, directed=False)[1]
    rows = np.flatnonzero(group != np.arange(len(texts)))
    strangers = int((component[rows] != component[group[rows]]).sum())
    return len(truth & tied) / len(truth), strangers


def test_candidates_miss_next_to_nothing_of_all_pairs() -> None:
    share, strangers = oracle(1000, 0)
    assert share >= 0.98
    assert strangers == 0


@pytest.mark.slow
def test_candidates_miss_next_to_nothing_of_all_pairs_of_5000_rows() -> None:
    share, strangers = oracle(5000, 1)
    assert share >= 0.98
    assert strangers == 0


def test_long_texts_are_judged_more_strictly() -> None:
    rng = np.random.default_rng(0)
    words = vocabulary(rng)
    one = [words[i] for i in rng.integers(0, len(words), size=200)]
    other = [w if rng.random() < 0.8 else words[int(rng.integers(len(words)))] for w in one]
    assert len(" ".join(one)) > LONG
    assert groups_of([" ".join(one), " ".join(other)]) == [0, 1]
    little = [w if rng.random() < 0.95 else words[int(rng.integers(len(words)))] for w in one]
    assert groups_of([" ".join(one), " ".join(little)]) == [0, 0]


def test_memory_of_many_texts_is_bounded() -> None:
    assert near.kept_of_each(1_000_000) * 1_000_000 <= near.BUDGET
    assert near.kept_of_each(10) == near.KEPT
    codes, starts = characters_of(pa.array(["ab", None, "日"]))
    assert starts.tolist() == [0, 4, 6, 9]
    assert codes.tolist() == [32, 97, 98, 32, 32, 32, 32, 0x65E5, 32]
