"""What the palette finds."""

from __future__ import annotations

import pytest

from models.errors import BadSetting
from models.knobs import Knob, describe
from studio.finding import Entry, Settable, folded, named, pages_with, ranked, score, settings, spelt, value_name

GAMMA = Knob("gamma", "float", "γ", "diversity ratio, E L(G(z)) / E L(x)", 0.5, 0.0, 1.0, False, (), "")
EPS = Knob("epsilon1", "float", "ε₁", "prior", 1e-5, 0.0, None, True, (), "")
STEP = Knob("step_size", "float", "step_size", "step size", 0.1, 1e-6, 10.0, True, (), "")
KIND = Knob("divergence", "choice", "f", "divergence", "js", None, None, False, ("gan", "js", "kl", "reverse_kl"), "")
SEED = Knob("seed", "int", "seed", "seed of the samples", 0, 0, 2**31 - 1, False, (), "")


def go(text: str) -> tuple[int, str]:
    if not text.isdecimal():
        raise BadSetting("go takes a step.")
    return int(text), f"Train to step {int(text):,}"


@pytest.fixture
def told() -> list:
    return []


@pytest.fixture
def values(told) -> list[Settable]:
    def one(knob, *names, now=None, read=None):
        return Settable(names or (knob.name, knob.symbol), knob, lambda v: told.append((knob.name, v)), now, read)

    return [
        one(GAMMA, now=0.5),
        one(EPS),
        one(STEP, "mala step_size"),
        one(STEP, "metropolis step_size"),
        one(KIND, now="js"),
        one(SEED),
        one(SEED, "go", read=go),
    ]


@pytest.mark.parametrize(
    ("line", "change"),
    [
        ("gamma .6", [("gamma", 0.6)]),
        ("γ 0.6", [("gamma", 0.6)]),
        ("Gamma=0.6", [("gamma", 0.6)]),
        ("set gam : .6", [("gamma", 0.6)]),
        ("epsilon1 1e-4", [("epsilon1", 1e-4)]),
        ("ε1 1e-4", [("epsilon1", 1e-4)]),
        ("ε₁ 0", [("epsilon1", 0.0)]),
        ("mala step size .2", [("step_size", 0.2)]),
        ("divergence rev", [("divergence", "reverse_kl")]),
        ("seed 42", [("seed", 42)]),
        ("go 1200", [("seed", 1200)]),
    ],
)
def test_a_value_is_set_by_its_name(values, told, line, change):
    found = settings(line, values)
    assert len(found) == 1
    assert not found[0].bad
    found[0].act()
    assert told == change


def test_what_it_would_do_is_said(values):
    assert settings("gamma .6", values)[0].title == "γ diversity ratio: 0.5 → 0.6"
    assert settings("gamma .6", values)[0].detail == "gamma takes a number in [0, 1]"
    assert settings("go 1200", values)[0].title == "Train to step 1,200"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("gamma 2", "γ (gamma) must be a number in [0, 1]; got '2'."),
        ("gamma nan", "γ (gamma) must be a number in [0, 1]; got 'nan'."),
        ("gamma x", "γ (gamma) must be a number in [0, 1]; got 'x'."),
        ("seed 1.5", "seed must be a whole number in [0, 2.14748e+09]; got '1.5'."),
        ("divergence w", "f (divergence) must be one of gan, js, kl, reverse_kl; got 'w'."),
        ("go away", "go takes a step."),
    ],
)
def test_a_bad_value_says_why_and_does_nothing(values, line, sentence):
    (found,) = settings(line, values)
    assert (found.act, found.bad, found.detail) == (None, True, sentence)


def test_two_of_one_name_are_both_offered(values):
    values[3] = values[3]._replace(names=("metropolis step_size", "step_size"))
    values[2] = values[2]._replace(names=("mala step_size", "step_size"))
    assert len(settings("step_size 0.3", values)) == 2


def test_what_names_no_value_sets_none(values):
    assert settings("export png", values) == []
    assert settings("gamma", values) == []
    assert settings("", values) == []


def test_a_name_alone_waits_for_its_value(values):
    found = ranked("gam", named(values))
    assert found[0].fill == "gamma "
    assert found[0].note == "0.5"


@pytest.mark.parametrize(
    ("line", "name"),
    [("gamma 0.6", "gamma"), ("γ=.6", "γ"), ("set step size : -1e-3", "step size"), ("export png", ""), ("gamma", ""), ("0.6", ""), ("", "")],
)
def test_the_name_in_a_line_that_sets_a_value(line, name):
    assert value_name(line) == name


def test_a_knob_leads_to_its_pages():
    assert pages_with("Gamma") == ["began", "maskgan"]
    assert "lab" in pages_with("step_size")
    assert pages_with("colour of the sky") == []


def test_letters_words_and_beginnings():
    assert score("copy py", "Copy as Python") is not None
    assert score("cpy", "Copy as Python") is not None
    assert score("xyz", "Copy as Python") is None
    assert score("begin", "Start", "begin go") is not None
    assert score("run", "Run or pause") > score("run", "Prune the tree")
    assert score("", "Anything") is not None


def test_what_was_used_last_is_first():
    entries = [Entry("a", "Export"), Entry("b", "Undo"), Entry("c", "Redo")]
    assert [e.id for e in ranked("", entries, ["c", "b"])] == ["c", "b", "a"]
    assert [e.id for e in ranked("do", entries, ["c"])] == ["c", "b"]
    assert next(iter(ranked("undo", entries, ["c"]))).id == "b"


def test_what_cannot_be_done_now_stands_behind():
    entries = [Entry("a", "Undo"), Entry("b", "Undock", act=print), Entry("c", "Under", fill="under ")]
    assert [e.id for e in ranked("und", entries)] == ["c", "b", "a"]


def test_greek_and_small_figures_are_spelt():
    assert spelt("ε₁₂") == "epsilon12"
    assert folded("  Step_Size ") == "step size"
    assert folded("λ_k") == "lambda k"


def test_every_knob_of_every_system_can_be_named():
    from models.algorithms.began import Knobs

    for knob in describe(Knobs):
        found = settings(f"{knob.symbol} {knob.default}", [Settable((knob.name, knob.symbol), knob, print)])
        assert found[0].act is not None
