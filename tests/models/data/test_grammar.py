from __future__ import annotations

import random
import time

import pytest

from models.data import grammar

VERBS = {"IVs", "IVp", "TVs", "TVp", "BEs", "BEp", "DOs", "DOp"}
FEW = [grammar.sentence(i) for i in range(2000)]


def classes(words):
    return [grammar._CLASS[w] for w in words]


def test_drawn_sentences_are_valid_and_not_too_long():
    assert all(grammar.valid(s) for s in FEW)
    assert all(3 <= len(s) <= grammar.LONGEST for s in FEW)
    assert max(map(len, FEW)) == grammar.LONGEST
    assert len(set(FEW)) > 1900


def test_a_sentence_is_a_function_of_its_number():
    grammar.sentence.cache_clear()
    assert [grammar.sentence(i) for i in reversed(range(50))][::-1] == FEW[:50]
    assert " ".join(FEW[0]) == "the dog beside many quiet horses smiles ."  # a change of the grammar raises VERSION


def test_no_word_is_of_two_classes():
    assert len(grammar.VOCABULARY) == sum(map(len, grammar.WORDS.values())) <= 110


def test_a_verb_of_the_other_number_is_never_valid():
    swapped = 0
    for s in FEW:
        for k, name in enumerate(classes(s)):
            if name in VERBS:
                wrong = [*s[:k], grammar._FLIPS[s[k]], *s[k + 1 :]]
                assert not grammar.valid(wrong), wrong
                swapped += 1
    assert swapped > 3000


def test_why_names_the_number_of_a_swapped_verb():
    for s in FEW[:300]:
        for k, name in enumerate(classes(s)):
            if name in VERBS - {"DOs", "DOp"}:
                wrong = [*s[:k], grammar._FLIPS[s[k]], *s[k + 1 :]]
                said = grammar.why(wrong)
                assert "agree" in said, (wrong, said)
                assert wrong[k] in said, (wrong, said)


def test_shuffled_words_are_not_valid():
    rng = random.Random(5)
    for s in FEW:
        words = list(s)
        rng.shuffle(words)
        if sorted(classes(words)) != classes(words) and classes(words) != classes(s):
            assert not grammar.valid(words), words


def test_a_sentence_without_its_end_or_with_more_is_not_valid():
    for s in FEW[:300]:
        assert not grammar.valid(s[:-1])
        assert not grammar.valid([*s, "."])
        assert "ends too soon" in grammar.why(s[:-1])


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("the old cats near the house sleep quietly .", ""),
        ("the old cats that the dog near the trees sees sleep .", ""),
        ("does the cat that the dogs see sleep ?", ""),
        ("the old cats near the house sleeps quietly .", "'cats … sleeps' do not agree in number."),
        ("the cats that the dog see sleep .", "'dog … see' do not agree in number."),
        ("these cat sleeps .", "'these … cat' do not agree in number."),
        ("do the cat sleep ?", "'do … cat' do not agree in number."),
        ("cat sleeps .", "'cat' (word 1) should be 'cats': it does not agree in number."),
        ("the zebra sleeps .", "Word 2, 'zebra', is not a word of the grammar."),
        ("the cat sleeps . .", "'.' (word 5) cannot stand after '.'."),
        ("sleeps the cat .", "'sleeps' (word 1) cannot stand at the beginning."),
        ("the cat", "It ends too soon, after 'cat'."),
        ("", "There is no word."),
    ],
)
def test_why(sentence, said):
    assert grammar.why(sentence.split()) == said
    assert grammar.valid(sentence.split()) == (said == "")


def test_depth_has_no_limit_but_length_counts():
    deep = ["the", "dog", *["that", "the", "cats"] * 20, *["see"] * 20, "sleeps", "."]
    assert grammar.valid(deep)
    assert not grammar.valid([*deep[:-2], "sleep", "."])


def test_it_is_fast():
    long = [s for s in (grammar.sentence(i) for i in range(6000)) if len(s) >= 19]
    began = time.process_time()
    for s in long:
        grammar.valid(s)
    assert len(long) / (time.process_time() - began) > 2000
