from __future__ import annotations

import math
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models import catalog, device, knobs
from models.errors import BadSetting
from models.knobs import knob


class Toy(knobs.Knobs):
    gamma: float = knob(0.5, "diversity ratio", symbol="γ", low=0.0, high=1.0, group="Balance")
    rate: float = knob(1e-4, "step size", low=1e-7, high=1e-2, log=True)
    width: int = knob(16, "filters", low=4, high=512)
    free: int = knob(0, "no bounds")
    least: float = knob(1.0, "one bound", low=0.5)
    most: float = knob(1.0, "the other bound", high=1.5)
    skips: bool = knob(True, "skip connections")
    eta: Literal[1, 2] = knob(1, "exponent", symbol="η")
    layout: Literal["authors", "figure"] = knob("authors", "layout")
    note: str = knob("", "what is left out")


class Other(knobs.Config):
    size: int = knob(32, "side", low=8, high=256)


BY_NAME = {k.name: k for k in knobs.describe(Toy)}


def test_describe_reads_everything_in_order():
    assert list(BY_NAME) == list(Toy.model_fields)
    assert BY_NAME["gamma"] == knobs.Knob("gamma", "float", "γ", "diversity ratio", 0.5, 0.0, 1.0, False, (), "Balance")
    assert BY_NAME["rate"].log
    assert BY_NAME["rate"].symbol == "rate"
    assert (BY_NAME["free"].kind, BY_NAME["free"].low, BY_NAME["free"].high) == ("int", None, None)
    assert BY_NAME["skips"].kind == "bool"
    assert (BY_NAME["eta"].kind, BY_NAME["eta"].choices) == ("choice", (1, 2))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gamma", "a number in [0, 1]"),
        ("rate", "a number in [1e-07, 0.01]"),
        ("width", "a whole number in [4, 512]"),
        ("free", "a whole number"),
        ("least", "a number of at least 0.5"),
        ("most", "a number of at most 1.5"),
        ("skips", "on or off"),
        ("eta", "one of 1, 2"),
        ("layout", "one of authors, figure"),
        ("note", "text"),
    ],
)
def test_limits_in_words(name, words):
    assert knobs.limits(BY_NAME[name]) == words


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("gamma", 1.5, "γ (gamma) must be a number in [0, 1]; got 1.5."),
        ("gamma", -0.001, "γ (gamma) must be a number in [0, 1]; got -0.001."),
        ("gamma", math.nan, "γ (gamma) must be a number in [0, 1]; got nan."),
        ("least", math.inf, "least must be a number of at least 0.5; got inf."),
        ("gamma", None, "γ (gamma) must be a number in [0, 1]; got None."),
        ("width", 8.5, "width must be a whole number in [4, 512]; got 8.5."),
        ("width", 513, "width must be a whole number in [4, 512]; got 513."),
        ("layout", "wild", "layout must be one of authors, figure; got 'wild'."),
        ("eta", 3, "η (eta) must be one of 1, 2; got 3."),
    ],
)
def test_a_wrong_value_is_named_with_symbol_and_range(name, value, message):
    for attempt in (lambda: knobs.make(Toy, {name: value}), lambda: knobs.changed(Toy(), {name: value})):
        with pytest.raises(BadSetting) as raised:
            attempt()
        assert str(raised.value) == message


def test_bounds_are_inclusive():
    made = knobs.make(Toy, {"gamma": 1, "width": 4, "rate": 1e-2})
    assert (made.gamma, made.width, made.rate) == (1.0, 4, 1e-2)


def test_an_unknown_name_is_told_with_the_known_ones():
    with pytest.raises(BadSetting, match=r"There is no setting 'gama' here; the settings are gamma, rate, width"):
        knobs.make(Toy, {"gama": 1})
    with pytest.raises(BadSetting, match=r"'gama'.*gamma.*layout, note, size\."):
        knobs.split({"gama": "1"}, Toy, Other)


def test_changed_replaces_only_what_is_named_and_never_the_old_one():
    old = knobs.make(Toy, {"gamma": 0.3, "width": 8})
    new = knobs.changed(old, {"gamma": 0.4})
    assert (new.gamma, new.width, old.gamma) == (0.4, 8, 0.3)


def test_settings_are_frozen():
    with pytest.raises(ValidationError):
        Toy().gamma = 0.1  # pyright: ignore[reportAttributeAccessIssue]


def test_a_default_out_of_its_own_range_is_a_bug_that_shows():
    class Broken(knobs.Config):
        gamma: float = knob(2.0, "too large", low=0.0, high=1.0)

    with pytest.raises(BadSetting):
        knobs.make(Broken, {})


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("width", "1e2", 100),
        ("width", " 64 ", 64),
        ("width", "64.0", 64),
        ("gamma", "1e-3", 1e-3),
        ("gamma", ".5", 0.5),
        *[("skips", word, True) for word in ("true", "Yes", "ON", "1")],
        *[("skips", word, False) for word in ("false", "No", "OFF", "0")],
        ("eta", "2", 2),
        ("layout", "figure", "figure"),
    ],
)
def test_parse(name, text, value):
    parsed = knobs.parse(text, BY_NAME[name])
    assert parsed == value
    assert type(parsed) is type(value)
    assert getattr(knobs.make(Toy, {name: parsed}), name) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("width", "eight"),
        ("width", "nan"),
        ("width", "inf"),
        ("width", "-1e999"),
        ("width", ""),
        ("gamma", ""),
        ("gamma", "0,5"),
        ("skips", "2"),
        ("eta", "1.0"),
        ("layout", "Authors ?"),
    ],
)
def test_parse_refuses_with_range_and_word(name, text):
    with pytest.raises(BadSetting) as raised:
        knobs.parse(text, BY_NAME[name])
    assert knobs.limits(BY_NAME[name]) in str(raised.value)
    assert repr(text) in str(raised.value)


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e999"])
def test_a_number_that_is_none_is_refused_at_the_latest_when_made(text):
    for name in ("gamma", "least", "width"):
        with pytest.raises(BadSetting):
            knobs.make(Toy, {name: knobs.parse(text, BY_NAME[name])})


def test_half_a_filter_is_refused_when_made():
    with pytest.raises(BadSetting, match=r"got 8\.5"):
        knobs.make(Toy, {"width": knobs.parse("8.5", BY_NAME["width"])})


def test_split_sorts_to_the_owners():
    assert knobs.split({"size": "64", "gamma": "0.4", "skips": "off"}, Other, Toy) == ({"size": 64}, {"gamma": 0.4, "skips": False})
    assert knobs.split({}, Other, Toy) == ({}, {})


@given(
    st.fixed_dictionaries(
        {
            "gamma": st.floats(0, 1),
            "rate": st.floats(1e-7, 1e-2),
            "width": st.integers(4, 512),
            "free": st.integers(-(2**53), 2**53),
            "skips": st.booleans(),
            "eta": st.sampled_from([1, 2]),
            "layout": st.sampled_from(["authors", "figure"]),
        }
    )
)
def test_what_is_printed_reads_back_the_same(values):
    made = knobs.make(Toy, values)
    (again,) = knobs.split({k: str(v) for k, v in made.model_dump().items()}, Toy)
    assert knobs.make(Toy, again) == made
    assert knobs.make(Toy, made.model_dump()) == made
    assert Toy.model_validate_json(made.model_dump_json()) == made


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_no_number_slips_past_the_bounds(value):
    try:
        made = knobs.make(Toy, {"gamma": value})
    except BadSetting:
        assert not 0 <= value <= 1
    else:
        assert 0 <= made.gamma <= 1
        assert made.gamma == value


@pytest.mark.parametrize("name", list(catalog.ALGORITHMS))
def test_a_systems_settings_are_described_and_unique(name):
    system = catalog.algorithm(name)
    described = [*knobs.describe(system.Config), *knobs.describe(system.Knobs)]
    names = [k.name for k in described]
    assert len(names) == len(set(names))
    assert not set(names) & {k.name for k in knobs.describe(device.Choice)}  # the new-run panel shows them side by side
    for k in described:
        assert k.doc, k
        assert not k.doc.endswith("."), k
        assert k.group, k
        if k.kind in ("int", "float"):
            assert k.low is not None, k
            assert k.high is not None, k
            assert k.low <= float(k.default) <= k.high, k
    assert knobs.make(system.Config, {}) == system.Config()
    assert knobs.make(system.Knobs, {}) == system.Knobs()


def test_a_line_of_text_is_taken_as_it_is():
    assert knobs.split({"note": " a=b & c=d; e "}, Toy) == ({"note": "a=b & c=d; e"},)
    assert knobs.make(Toy, {"note": "x"}).note == "x"
    with pytest.raises(BadSetting, match="note must be text; got 3"):
        knobs.make(Toy, {"note": 3})
