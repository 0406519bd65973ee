"""Typed densities: read by our own parser, never handed to Python."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import BadInput
from models.samplers import formula
from models.samplers.expression import Expression


def value(text: str, **at: float) -> float:
    read = formula.read(f"{text} + 0*{next(iter(at))}" if at else f"{text} + 0*x")
    axes = {"x": 0, "y": 1} | {f"x{k}": k - 1 for k in range(1, 21)}
    x = torch.zeros(1, max(read.d, 1 + max([axes[n] for n in at], default=0)), dtype=torch.float64)
    for name, number in at.items():
        x[0, axes[name]] = number
    return float(read.value(x))


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("-2**2", -4),
        ("2**3**2", 512),
        ("2**-1", 0.5),
        ("2^-2^2", 2**-4),
        ("--3", 3),
        ("8/4/2", 1),
        ("1-2-3", -4),
        ("2+3*4", 14),
        ("(2+3)*4", 20),
        ("-(1+2)*3", -9),
        ("1e3 + .5 + 2. + 1.5E-1", 1002.65),
        ("pi*e", math.pi * math.e),
        ("min(3, 1, 2) + max(4, 5)", 6),
        ("logsumexp(0, 0, 0)", math.log(3)),
        ("abs(-2)+sqrt(9)+exp(0)+log(1)+sin(0)+cos(0)+tanh(0)", 7),
        (" 1\t+\n1 ", 2),
    ],
)
def test_arithmetic(text, result):
    assert value(text) == pytest.approx(result)


def test_variables_and_dimensions():
    assert value("x*y + y", x=3.0, y=2.0) == 8
    assert formula.read("x").d == 1
    assert formula.read("y").d == 2
    assert formula.read("x1 + x7").d == 7
    assert value("x2 - x1", x1=1.0, x2=5.0) == 4


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("x +", "place 4: the expression ends too early"),
        ("x ** ", "place 5: the expression ends too early"),
        ("(x", "bracket of place 1 is not closed"),
        ("x)", "place 2: '\\)' is not expected"),
        ("x $ 2", "place 3: '\\$' is not understood"),
        ("2x", "place 2: 'x' is not expected"),
        ("foo(x)", "place 1: there is no function 'foo'"),
        ("exp", "there is no 'exp': the variables are x and y"),
        ("z", "there is no 'z'"),
        ("exp(x, x)", "exp takes one value, not 2"),
        ("min(x)", "min takes two values or more"),
        ("x + x1", "use x and y, or x1, x2"),
        ("1 + 2", "no variable"),
        ("x21", "at most 20 dimensions"),
        ("x0", "there is no 'x0'"),
        ("x.real", "place 2: '.' is not understood"),
        ("x[0]", "is not understood"),
        ("'x'", "is not understood"),
        ("lambda x", "there is no 'lambda'"),
        ("__import__('os')", "is not understood|no function '__import__'"),
        ("x if x else y", "place 3: 'if' is not expected"),
        ("(" * 500 + "x" + ")" * 500, "more than 60 brackets"),
        ("-" * 500 + "x", "more than 60 brackets"),
        ("2**" * 500 + "x", "more than 60 brackets"),
        ("x+" * 1500 + "x", "at most 2,000"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_sentence(text, says):
    with pytest.raises(BadInput, match=says) as caught:
        formula.read(text)
    assert "\n" not in str(caught.value)
    assert str(caught.value).count(". ") == 0


def test_a_thousand_summands():
    assert value("+".join(["1"] * 900)) == 900


WORDS = [
    "x",
    "y",
    "x1",
    "x2",
    "1",
    "2.5",
    "1e999",
    "+",
    "-",
    "*",
    "/",
    "**",
    "^",
    "(",
    ")",
    ",",
    " ",
    "exp",
    "log",
    "min",
    "logsumexp(",
    "pi",
    "abs(",
]
TEXTS = st.one_of(st.text(max_size=60), st.lists(st.sampled_from([*WORDS, "__import__", "os", ".", "[", "]", "'", ":"]), max_size=30).map("".join))


@settings(deadline=None)
@given(TEXTS)
def test_anything_is_read_or_refused_and_nothing_runs(text):
    try:
        read = formula.read(text)
    except BadInput as error:
        sentence = str(error)
    else:
        assert torch.as_tensor(read.value(torch.zeros(3, read.d, dtype=torch.float64))).numel() in (1, 3)
        return
    assert sentence.startswith("The expression")
    assert sentence.endswith((".", "…"))
    assert "\n" not in sentence.replace(text, "")


def test_truth_of_typed_densities():
    target = Expression("-(x-3)**2/(2*0.01**2)")  # narrow, and off the middle
    assert float(target.mean[0]) == pytest.approx(3, abs=1e-5)
    assert float(target.covariance[0, 0]) == pytest.approx(1e-4, rel=1e-3)
    far = Expression("-(x-150)**2/200 - (y+80)**2/50")
    assert far.mean.tolist() == pytest.approx([150, -80], rel=1e-3)
    assert far.covariance.diagonal().tolist() == pytest.approx([100, 25], rel=1e-3)
    half = Expression("log(x) - x")  # Gamma(2, 1): log is not a number below 0
    assert float(half.mean[0]) == pytest.approx(2, rel=1e-3)
    assert float(half.covariance[0, 0]) == pytest.approx(2, rel=2e-3)
    assert (half.draw(1000, np.random.default_rng(0)) > -0.01).all()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x", "does not fall off"),
        ("0*x", "does not fall off"),
        ("-x**2 + 0*y", "does not fall off"),
        ("x**2", "does not fall off"),
        ("exp(exp(x**2))", "infinite"),
        ("log(-1-x**2)", "nowhere a finite number"),
    ],
)
def test_what_is_no_density_is_told(text, says):
    with pytest.raises(BadInput, match=says):
        Expression(text)


def test_heavy_tails_and_many_dimensions_walk_without_a_truth():
    for text in ("-log(1+x**2)", "-x1**2-x2**2-x3**2"):
        target = Expression(text)
        assert target.mean is None
        assert not target.drawable
        with pytest.raises(BadInput, match="no exact draws"):
            target.draw(3, np.random.default_rng(0))
