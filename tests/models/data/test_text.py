from __future__ import annotations

import bz2
import gzip
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from models.data import grammar, oracle, text, textfile
from models.data.text import END, UNKNOWN, encode, lengths, open_texts, split_words, spoken
from models.data.vocabulary import tokens
from models.errors import BadData

REAL = Path(__file__).parents[4] / "shared" / "data"
ASKED = {
    "T": 8, "vocab": 5000, "unit": "words", "punctuation": "split", "min_count": 1, "long": "cut",
    "held_out": 0.2, "split": 0, "oracle_seed": 0, "oracle_size": 40,
}  # fmt: skip
LINES = [f"the {a} {b} {c}." for a in ("old", "small") for b in ("cat", "dog", "bird") for c in ("sleeps", "sings loudly", "runs")]


@pytest.fixture(autouse=True)
def _few(monkeypatch):
    monkeypatch.setattr(oracle, "OWN", 100)


@pytest.fixture
def write(tmp_path):
    def call(content: str | bytes | list[str], name: str = "a.txt") -> str:
        if isinstance(content, list):
            content = "".join(f"{line}\n" for line in content)
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(tmp_path / name)

    return call


def opened(spec: str, **changes):
    return open_texts(spec, **(ASKED | changes))


# --- tokens -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("punctuation", "want"),
    [
        ("split", 'I don\'t know ! ! ? the " well-known " 1,000.5 cats ... end . Next , $ 5 ☺'),
        ("keep", 'I don\'t know!!? the "well-known" 1,000.5 cats... end.Next, $5 ☺'),
        ("strip", "I don't know the well-known 1,000.5 cats end Next 5 ☺"),
    ],
)
def test_punctuation_of_words(punctuation, want):
    found = tokens('I don\'t know!!? the "well-known" 1,000.5 cats... end.Next, $5 ☺', "words", punctuation)
    assert found == want.replace("! !", "!!").split()


@pytest.mark.parametrize(
    ("sentence", "unit", "punctuation", "want"),
    [
        ("秦川，雄帝宅。「好」！", "words", "split", "秦川|，|雄帝宅|。|「|好|」|！"),
        ("秦川，雄帝宅、好。", "words", "strip", "秦川|雄帝宅|好"),
        ("秦 川 ， □ □ 。", "chars", "split", "秦|川|，|□|□|。"),
        ("秦 川 ， □ □ 。", "chars", "strip", "秦|川|□|□"),
        ("秦川，雄 帝ē。", "chars", "strip", "秦|川|雄|帝|ē"),
        ("如 ē 好", "chars", "split", "如|ē|好"),
        ("  a  dog. ", "chars", "split", "a| |d|o|g|."),
        ("a dog, it's", "chars", "strip", "a| |d|o|g| |i|t|'|s"),
        ("rock 'n' roll", "words", "split", "rock|'|n|'|roll"),
        ("l’été dogs’", "words", "split", "l’été|dogs|’"),
        ("नमस्ते दुनिया।", "words", "split", "नमस्ते|दुनिया|।"),  # marks above and below belong to their letter
        ("the <unk> of N <eos>", "words", "split", "the|<unk>|of|N|<|eos|>"),
        ("...", "words", "strip", ""),
        (" \t\u3000", "chars", "keep", ""),
    ],
)
def test_tokens(sentence, unit, punctuation, want):
    assert tokens(sentence, unit, punctuation) == (want.split("|") if want else [])


# --- rows ---------------------------------------------------------------------------------------------------------


def test_a_file_becomes_rows_of_its_words(write):
    data = opened(write(LINES))
    assert data.title == "a (18 sentences)"
    assert (data.T, data.ends, data.joiner, data.tokens.dtype, data.tokens.shape) == (6, True, " ", np.int32, (18, 6))
    assert data.words[:4] == ("", "<unk>", ".", "the")  # equally common: by the alphabet
    assert data.V == len(data.words) == 2 + len({w for line in LINES for w in line.replace(".", " .").split()})
    assert [data.text(i) for i in range(18)] == LINES
    assert split_words(data.tokens[:1], data.words, True) == [["the", "old", "cat", "sleeps", "."]]
    assert data.tokens[0, -1] == END
    assert not data.tokens.flags.writeable
    assert len(data.id) == 16
    assert data.id == opened(write(LINES)).id != opened(write(LINES[:-1])).id
    assert data.spec == os.path.abspath(data.spec)


def test_the_vocabulary_is_of_the_commonest_words(write):
    path = write([*(f"{'a ' * k}{'b ' * (9 - k)}{w}" for k, w in enumerate("cdefghijkl")), "C c once twice twice"])
    data = opened(path, vocab=6, T=10)
    assert data.words == ("", "<unk>", "a", "b", "c", "twice")
    assert data.V == 6
    assert data.about["distinct"] == 15
    assert data.text(10) == "<unk> c <unk> twice twice"
    assert data.about["unknown"] == pytest.approx((9 + 2) / 105)
    assert data.about["common"] == [["a", 45], ["b", 45], ["c", 2], ["twice", 2]]
    assert opened(path, min_count=2, T=10).words == ("", "<unk>", "a", "b", "c", "twice")
    with pytest.raises(BadData, match="occurs 50 times: lower min_count"):
        opened(path, min_count=50, T=10)
    with pytest.raises(BadData, match="1 sentence that differ in the words that are known"):
        opened(write(["a a a " + w for w in "bcdefghijk"], "b.txt"), min_count=2)


def test_unk_in_a_file_is_the_unknown_word(write):
    data = opened(write([f"the <unk> word {k}" for k in range(9)]))
    assert data.words.count("<unk>") == 1
    assert (data.tokens[:, 1] == UNKNOWN).all()
    assert data.about["unknown"] == 0.25


def test_rows_of_one_length_have_no_end(write):
    data = opened(write([f"{a}川雄{b}" for a in "秦汉唐" for b in "帝宅居皇"]), unit="chars", T=4)
    assert (data.ends, data.T, data.joiner, data.tokens.shape) == (False, 4, "", (12, 4))
    assert data.tokens.min() == 2  # nothing unknown, and 0 is only the token before the first
    assert data.text(0) == "秦川雄帝"
    assert "none needs an end" in " ".join(data.about["notes"])


def test_long_lines_are_cut_or_dropped(write):
    path = write([*LINES, "a very long line that goes on and on and on", "another one that is longer than all the others are"])
    cut, dropped = opened(path), opened(path, long="drop")
    assert (len(cut), cut.T, cut.about["cut"], cut.about["dropped"], cut.about["left_out"]) == (20, 8, 2, 0, 0)
    assert cut.text(18) == "a very long line that goes on and"
    assert END not in cut.tokens[18]
    assert (len(dropped), dropped.T, dropped.about["cut"], dropped.about["dropped"], dropped.about["left_out"]) == (18, 6, 0, 2, 2)
    assert dropped.skipped[0] == "Line 19 has 11 tokens, more than T = 8."
    assert dropped.about["lengths"] == cut.about["lengths"]
    assert dropped.about["lengths"]["max"] == 11
    assert "T is 6, not 8" in " ".join(dropped.about["notes"])


def test_statistics(write):
    data = opened(write([LINES[0], "", *LINES, "   "]))
    about = data.about
    assert (about["read"], about["empty"], about["left_out"], about["tokens"]) == (21, 2, 2, int((data.tokens != END).sum()))
    assert about["duplicates"] == {"count": 1, "examples": [[0, 1]]}
    assert (about["lengths"]["min"], about["lengths"]["median"]) == (5, 5)
    assert about["lengths"]["histogram"] == [[5, 5, 13], [6, 6, 6]]
    assert about["lengths"]["mean"] == pytest.approx((13 * 5 + 6 * 6) / 19)


def test_batches_are_functions_of_seed_and_number(write):
    data = opened(write(LINES))
    n = len(data.train)
    assert data.batch(3, 5, 4).dtype == torch.int64
    assert torch.equal(data.batch(3, 5, 4), opened(data.spec).batch(3, 5, 4))
    assert torch.equal(data.batch(3, 1, n), torch.from_numpy(data.rows(data.order(3, n, n))))
    assert sorted(data.order(1, 0, n).tolist()) == data.train.tolist()
    assert data.held(2).tolist() == data.rows(data.held_out[:2]).tolist()
    assert data.held(1000).shape == (len(data.held_out), data.T)


# --- the split ----------------------------------------------------------------------------------------------------


def test_equal_sentences_are_on_one_side(write):
    many = [f"the {a} {b} {c}" for a in "abcdefgh" for b in "ijklmnop" for c in "qrstuv"]
    data = opened(write([*many, *many]), held_out=0.25)
    sides = np.zeros(len(data), bool)
    sides[data.held_out] = True
    assert np.array_equal(sides[: len(many)], sides[len(many) :])
    assert 0.18 < sides.mean() < 0.32
    assert sorted([*data.train, *data.held_out]) == list(range(len(data)))
    assert data.train.tolist() == sorted(data.train.tolist())
    other = opened(data.spec, held_out=0.25, split=1)
    assert set(other.held_out.tolist()) != set(data.held_out.tolist())
    assert other.id == data.id
    assert len(opened(data.spec, held_out=0).held_out) == 0
    added = opened(write([*many, "a new one", "and another"], "b.txt"), held_out=0.25)
    assert [i for i in added.held_out if i < len(many)] == [i for i in data.held_out if i < len(many)]


def test_what_is_cut_alike_is_alike(write):
    """A training sentence that begins like a held-out one must not be the same row."""
    data = opened(write([*(f"{w} is the same" for w in "abcdefgh"), *(f"all {k} begin so and end with {w}" for k in "xy" for w in "abcdef")]), T=4)
    held = {tuple(row) for row in data.rows(data.held_out)}
    assert held
    assert held.isdisjoint(tuple(row) for row in data.rows(data.train))


@pytest.mark.parametrize("seed", range(5))
def test_neither_side_is_empty(write, seed):
    for share in (0.001, 0.9):
        data = opened(write(LINES[:8]), held_out=share, split=seed)
        assert len(data.train)
        assert len(data.held_out)


# --- files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("a.txt", lambda b: b),
        ("a.txt", lambda b: b"\xef\xbb\xbf" + b),
        ("a.txt", lambda b: b.replace(b"\n", b"\r\n")),
        ("a.txt", lambda b: b.replace(b"\n", b"\r")),
        ("a.txt.gz", gzip.compress),
        ("a.txt.bz2", bz2.compress),
        ("a", lambda b: b),
    ],
)
def test_packed_marked_and_foreign_line_ends(write, name, pack):
    plain = opened(write(LINES, "plain.txt"))
    data = opened(write(pack("\n".join(LINES).encode()), name))
    assert data.id == plain.id
    assert data.title == "a (18 sentences)"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty: give a text file"),
        (b"\xef\xbb\xbf", "no sentence, and 8 are needed"),
        (b"\n\n \n", "no sentence, and 8 are needed"),
        (b"the only one\n", "1 sentence, and 8 are needed"),
        (b"always the same\n" * 100, "1 sentence that differ|1 sentence"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "is binary, not text"),
        (b"words\n" * 3 + b"a\0b\n", "is binary, not text"),
        ("words\n".encode("utf-16"), "is UTF-16: save it as UTF-8"),
        ("plain\nder B\xe4r\n".encode("latin-1"), "not UTF-8: byte 0xe4 at place 6 of line 2; save it as UTF-8"),
        (gzip.compress(b"some words\n" * 500, mtime=0)[:-30], "cut short|damaged"),
        (b"\x1f\x8b\x08\x00 nothing of the kind", "damaged"),
        (b"one two three four five six seven eight nine ten\n" * 20, "raise T, or cut them"),
        (b"x" * (1 << 20) + b"yy\n", "Line 1 .* is longer than 1 MB"),
    ],
)
def test_bad_files_are_refused_in_one_sentence(write, content, words):
    with pytest.raises(BadData, match=words) as said:
        opened(write(content), long="drop")
    assert "\n" not in str(said.value)
    assert "a.txt" in str(said.value) or "sentence" in str(said.value)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("grammer", "did you mean 'grammar'"),
        ("nowhere.txt", "There is no text source or file 'nowhere.txt': for text, --data accepts grammar, oracle, a UTF-8"),
        ("", "There is no text source"),
        ("a\0b", "There is no text source"),
        ("toy-line", "'toy-line' is a known distribution, which bgan takes: for text"),
        ("faces", "source of pictures, which began, ppgn and bgan take"),
        ("hub:mnist", "source of pictures"),
        ("{folder}", "is a folder: for text"),
        ("{folder}/a.zip", "holds pictures, which began, ppgn and bgan take"),
        ("{folder}/a.png", "holds pictures"),
        ("{folder}/a.npz", "has no array 'emb'"),
    ],
)
def test_other_sources_are_refused(tmp_path, spec, words):
    (tmp_path / "a.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    (tmp_path / "a.png").write_bytes(b"words")
    np.savez(tmp_path / "a.npz", images=np.zeros((9, 4, 4), np.uint8))
    with pytest.raises(BadData, match=words):
        opened(spec.format(folder=tmp_path))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"T": 1}, "must be from 2 to 500; got 1"),
        ({"T": 501}, "T, the tokens .* must be from 2 to 500"),
        ({"vocab": 200_001}, "from 3 to 200,000; got 200,001 .the net has"),
        ({"vocab": 2}, "from 3 to"),
        ({"min_count": 0}, "Min_count, how often a word occurs, must be from 1"),
        ({"held_out": 1.0}, "from 0 to 0.9"),
        ({"held_out": -0.1}, "from 0 to 0.9"),
        ({"unit": "letters"}, "Tokens cannot be 'letters': choose words or chars"),
        ({"punctuation": "drop"}, "choose split or keep or strip"),
        ({"long": "wrap"}, "choose cut or drop"),
    ],
)
def test_settings_that_cannot_be(write, change, words):
    with pytest.raises(BadData, match=words):
        opened(write(LINES), **change)


def test_an_unreadable_file(write, monkeypatch):
    path = write(LINES)

    def refused(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(textfile, "unpacking", refused)
    with pytest.raises(BadData, match=r"cannot be read \(Permission denied\): check"):
        opened(path)


def test_limits_are_kept_and_said(write, monkeypatch):
    path = write(LINES)
    monkeypatch.setattr(textfile, "LINES", 10)
    monkeypatch.setattr(text, "LINES", 10)
    data = opened(path)
    assert len(data) == 10
    assert "Only the first 10 lines are read: that is the limit." in data.about["notes"]
    monkeypatch.setattr(textfile, "BYTES", 100)
    with pytest.raises(BadData, match="the limit is"):
        opened(path)
    with pytest.raises(BadData, match="unpacks to more than"):
        opened(write(gzip.compress(b"some more words\n" * 90, mtime=0), "b.gz"))
    monkeypatch.undo()
    monkeypatch.setattr(text, "ROOM", 200)
    with pytest.raises(BadData, match="too many tokens for memory at line 7"):
        opened(path)


def test_progress_is_told_and_may_cancel(write, monkeypatch):
    monkeypatch.setattr(textfile, "TOLD", 5)
    told: list[tuple[int, int]] = []
    path = write(LINES)
    opened(path, progress=lambda *a: told.append(a))
    size = Path(path).stat().st_size
    assert len(told) > 3
    assert told[-1] == (size, size)
    assert told == sorted(told)

    def cancel(*_):
        raise KeyboardInterrupt

    for spec in (path, "grammar", "oracle"):
        with pytest.raises(KeyboardInterrupt):
            opened(spec, progress=cancel, vocab=20)


def test_a_script_without_spaces_is_pointed_at(write):
    notes = " ".join(opened(write([f"{c}川雄帝宅" for c in "秦汉唐宋元明清周商"])).about["notes"])
    assert "--tokens chars" in notes


# --- grammar and oracle -------------------------------------------------------------------------------------------


def test_the_grammar_is_a_source(monkeypatch):
    monkeypatch.setattr(grammar, "COUNT", 600)
    data = opened("grammar", T=20)
    assert (data.title, data.spec, data.ends, len(data)) == ("grammar", "grammar", True, 600)
    assert set(data.words[2:]) == {w for i in range(600) for w in grammar.sentence(i)}
    assert data.valid is not None
    assert all(map(data.valid, split_words(data.tokens, data.words, data.ends)))
    short = opened("grammar", T=6)  # half a sentence is none, so long ones are left out whatever was asked
    assert short.about["dropped"] == 600 - len(short) > 100
    assert short.valid
    assert all(map(short.valid, split_words(short.tokens, short.words, short.ends)))
    assert opened("grammar", punctuation="strip").valid is None
    letters = opened("grammar", unit="chars", T=20, long="cut")
    assert letters.valid is None
    assert (letters.joiner, letters.about["dropped"]) == ("", 0)
    assert letters.text(0) == " ".join(grammar.sentence(0))[:20]


def test_an_oracle_is_a_source(tmp_path):
    data = opened("oracle", vocab=50, oracle_size=40, held_out=0.1)
    assert (data.V, data.T, data.ends, data.words, data.spec) == (50, 8, False, (), "oracle")
    assert (len(data.train), len(data.held_out), len(data)) == (40, 4, 44)
    assert data.oracle
    assert data.about["hash"] == data.oracle.hash
    assert data.about["floor"] < data.about["ceiling"]
    assert data.text(0) == " ".join(map(str, data.tokens[0].tolist()))
    assert data.id != opened("oracle", vocab=50, oracle_seed=1).id
    data.oracle.save(tmp_path / "mine.npz")
    again = opened(str(tmp_path / "mine.npz"), oracle_size=40, held_out=0.1)
    assert again.id == data.id  # the same oracle and the same sentences
    assert again.spec == str(tmp_path / "mine.npz")
    assert np.array_equal(again.tokens, data.tokens)
    for size in (4, 10**7):
        with pytest.raises(BadData, match="An oracle cannot draw"):
            opened("oracle", oracle_size=size)


# --- and back to words --------------------------------------------------------------------------------------------

WORDS = ("", "<unk>", "a", "dog", ",", "it", "’", "s", "(", "red", ")", "!", "don't")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ([2, 3, 4, 5, 0, 0], "a dog, it"),
        ([2, 3, 8, 9, 10, 11], "a dog (red)!"),
        ([5, 6, 0, 3, 3, 3], "it’"),  # what stands after the end is not said
        ([0, 2, 2, 2, 2, 2], ""),
        ([1, 12, 2, 3, 11, 0], "<unk> don't a dog!"),
    ],
)
def test_spoken(row, said):
    assert spoken(np.array([row]), WORDS, " ", True) == [said]


def test_spoken_without_ends_or_words():
    rows = np.array([[0, 2, 0, 3]])
    assert spoken(rows, WORDS, " ", False) == ["a dog"]
    assert split_words(rows, WORDS, False) == [["", "a", "", "dog"]]  # a word for every token
    assert spoken(rows, (), " ", False) == ["0 2 0 3"]
    assert spoken(np.array([[2, 9, 1, 0]]), WORDS, "", True) == ["ared<unk>"]
    assert spoken(np.empty((0, 4), np.int64), WORDS, " ", True) == []


def test_lengths_count_the_end():
    rows = np.array([[2, 3, 0, 0], [0, 0, 0, 0], [2, 3, 4, 5], [0, 3, 0, 3]])
    assert lengths(rows, True).tolist() == [3, 1, 4, 1]
    assert lengths(rows, False).tolist() == [4, 4, 4, 4]
    assert lengths(rows[:0], True).tolist() == []


@pytest.mark.parametrize(
    ("sentence", "words", "unit", "ids", "unknown"),
    [
        ("a dog, don't!", WORDS, "words", [2, 3, 4, 12, 11], []),
        ("a zebra (red)", WORDS, "words", [2, 1, 8, 9, 10], ["zebra"]),
        ("a dog.", WORDS, "words", [2, 3, 1], ["."]),
        ("a dog.", ("", "<unk>", "a", "dog"), "words", [2, 3], []),  # a vocabulary without marks
        ("a dog.", ("", "<unk>", "a", "dog."), "words", [2, 3], []),  # one that keeps them
        ("秦 川，", ("", "<unk>", "秦", "川"), "chars", [2, 3], []),
        ("秦汉", ("", "<unk>", "秦", "川"), "chars", [2, 1], ["汉"]),
        ("12, 7 x", (), "words", [12, 7, 1], ["x"]),
        ("", WORDS, "words", [], []),
    ],
)
def test_encode(sentence, words, unit, ids, unknown):
    assert encode(sentence, words, unit) == (ids, unknown)


def test_what_is_spoken_is_read_back(write):
    data = opened(write(LINES))
    for i in range(len(data)):
        ids, unknown = encode(data.text(i), data.words, "words")
        assert not unknown
        assert ids == [t for t in data.tokens[i].tolist() if t != END]


@pytest.mark.real
@pytest.mark.skipif(not REAL.exists(), reason="../shared/data is not here")
def test_real_captions_and_quatrains():
    asked = ASKED | {"T": 20, "held_out": 0.1}
    captions = open_texts(str(REAL / "image_coco.txt"), **asked)
    assert captions.title == "image_coco (10,000 sentences)"
    assert (captions.T, captions.ends, captions.about["cut"]) == (20, True, 104)
    assert 850 < len(captions.held_out) < 1150
    assert captions.text(0) == "a bicycle replica with a clock as the front wheel."
    poems = open_texts(str(REAL / "shi_quatrains5.txt"), **asked | {"unit": "chars", "punctuation": "strip", "held_out": 0.5})
    assert (poems.tokens.shape, poems.ends) == ((16394, 20), False)
    assert 7900 < len(poems.held_out) < 8500
    assert poems.text(0) == "秦川雄帝宅函谷壮皇居绮殿千寻起离宫百雉余"
