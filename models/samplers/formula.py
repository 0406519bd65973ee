"""Formulas that a person types, read by a small parser of their own: nothing is ever handed to Python.

sum      := product (("+" | "-") product)*
product  := sign (("*" | "/") sign)*
sign     := ("+" | "-") sign | power
power    := atom (("**" | "^") sign)?          -x**2 is -(x**2); 2**3**2 is 2**(3**2)
atom     := NUMBER | NAME | NAME "(" sum ("," sum)* ")" | "(" sum ")"
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import NoReturn

import torch
from torch import Tensor

from models.errors import BadInput

LONGEST = 2000  # characters
_DEEPEST = 60  # brackets, signs and powers inside each other
_MOST_DIMENSIONS = 20
_TOKEN = re.compile(r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)|(?P<sign>\*\*|[-+*/^(),]))", re.ASCII)
_CONSTANTS = {"pi": math.pi, "e": math.e}
_ONE: dict[str, Callable[[Tensor], Tensor]] = {
    "abs": torch.abs,
    "exp": torch.exp,
    "log": torch.log,
    "sqrt": torch.sqrt,
    "sin": torch.sin,
    "cos": torch.cos,
    "tanh": torch.tanh,
}
_SEVERAL: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"min": torch.minimum, "max": torch.maximum, "logsumexp": torch.logaddexp}
_TWO: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "+": torch.add,
    "-": torch.sub,
    "*": torch.mul,
    "/": torch.div,
    "**": torch.pow,
    "^": torch.pow,
}

Value = Callable[[Tensor], Tensor]  # (n, d) -> (n,), or 0-d for what does not depend on x


@dataclass
class Formula:
    """A formula that was read.

    Attributes:
        text: as it was typed.
        d: how many dimensions it speaks of: x is 1, y makes it 2, x1 … xd as many as the highest.
        value: (n, d) float64 -> its value at each row, (n,) or 0-d if it is constant.
    """

    text: str
    d: int
    value: Value


def read(text: str) -> Formula:
    """Read a formula; raises BadInput with the place where it cannot go on."""
    if not text.strip():
        raise BadInput("The expression is empty: type a log density, for example -x**2/2.")
    if len(text) > LONGEST:
        raise BadInput(f"The expression has {len(text):,} characters; at most {LONGEST:,} are read.")
    parser = _Parser(text)
    value = parser.whole()
    return Formula(text.strip(), _dimensions(parser.axes), value)


def _dimensions(axes: dict[str, int]) -> int:
    """How many dimensions the names speak of."""
    letters, numbered = {"x", "y"} & set(axes), set(axes) - {"x", "y"}
    if letters and numbered:
        raise BadInput(f"The expression names both {min(letters)} and {min(numbered)}: use x and y, or x1, x2, …")
    if not axes:
        raise BadInput("The expression has no variable: use x and y, or x1, x2, …")
    return 2 if "y" in axes else 1 + max(axes.values())


@dataclass
class _Parser:
    text: str
    tokens: list[tuple[str, str, int]] = field(default_factory=list)  # kind, word, place
    next: int = 0
    depth: int = 0
    axes: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        place, end = 0, len(self.text.rstrip())
        while place < end:
            found = _TOKEN.match(self.text, place)
            if not found:
                place += len(self.text[place:]) - len(self.text[place:].lstrip())
                self._fail(place, f"{self.text[place]!r} is not understood")
            kind = str(found.lastgroup)
            self.tokens.append((kind, found[kind], found.start(kind)))
            place = found.end()
        self.tokens.append(("end", "", end))

    def whole(self) -> Value:
        value = self._sum()
        if self._kind != "end":
            self._fail(self._place, f"{self._word!r} is not expected")
        return value

    def _sum(self) -> Value:
        return self._chain(self._product, ("+", "-"))

    def _product(self) -> Value:
        return self._chain(self._sign, ("*", "/"))

    def _chain(self, operand: Callable[[], Value], signs: tuple[str, str]) -> Value:
        parts: list[tuple[Callable[[Tensor, Tensor], Tensor], Value]] = []
        first = operand()
        while self._kind == "sign" and self._word in signs:
            operator = _TWO[self._take()]
            parts.append((operator, operand()))
        if not parts:
            return first

        def value(x: Tensor) -> Tensor:
            out = first(x)
            for operator, part in parts:  # a loop, so that a thousand summands are not a thousand calls deep
                out = operator(out, part(x))
            return out

        return value

    def _sign(self) -> Value:
        self.depth += 1
        if self.depth > _DEEPEST:
            self._fail(self._place, f"there are more than {_DEEPEST} brackets or signs inside each other")
        if self._kind == "sign" and self._word in "+-":
            minus = self._take() == "-"
            inner = self._sign()
            value: Value = (lambda x: -inner(x)) if minus else inner
        else:
            value = self._power()
        self.depth -= 1
        return value

    def _power(self) -> Value:
        base = self._atom()
        if self._kind == "sign" and self._word in ("**", "^"):
            self._take()
            exponent = self._sign()
            return lambda x: torch.pow(base(x), exponent(x))
        return base

    def _atom(self) -> Value:
        kind, word, place = self.tokens[self.next]
        if kind == "number":
            return _constant(float(self._take()))
        if kind == "name":
            self._take()
            return self._called(word, place) if self._word == "(" else self._named(word, place)
        if word == "(":
            self._take()
            inner = self._sum()
            self._close(place)
            return inner
        self._fail(place, "the expression ends too early" if kind == "end" else f"{word!r} is not expected")

    def _called(self, name: str, place: int) -> Value:
        if name not in _ONE and name not in _SEVERAL:
            self._fail(place, f"there is no function {name!r}, only {', '.join([*_ONE, *_SEVERAL])}")
        opened = self._place
        self._take()
        arguments = [self._sum()]
        while self._word == ",":
            self._take()
            arguments.append(self._sum())
        self._close(opened)
        if name in _ONE:
            if len(arguments) != 1:
                self._fail(place, f"{name} takes one value, not {len(arguments)}")
            function, inner = _ONE[name], arguments[0]
            return lambda x: function(inner(x))
        if len(arguments) < 2:
            self._fail(place, f"{name} takes two values or more")
        return _folded(_SEVERAL[name], arguments)

    def _named(self, name: str, place: int) -> Value:
        if name in _CONSTANTS:
            return _constant(_CONSTANTS[name])
        axis = {"x": 0, "y": 1}.get(name)
        if axis is None and re.fullmatch(r"x[1-9]\d?", name):
            axis = int(name[1:]) - 1
            if axis >= _MOST_DIMENSIONS:
                self._fail(place, f"there are at most {_MOST_DIMENSIONS} dimensions")
        if axis is None:
            self._fail(place, f"there is no {name!r}: the variables are x and y, or x1, x2, …")
        self.axes[name] = axis
        return lambda x: x[:, axis]

    def _close(self, opened: int) -> None:
        if self._word != ")":
            self._fail(self._place, f"the bracket of place {opened + 1} is not closed")
        self._take()

    def _take(self) -> str:
        word = self._word
        self.next += 1
        return word

    @property
    def _kind(self) -> str:
        return self.tokens[self.next][0]

    @property
    def _word(self) -> str:
        return self.tokens[self.next][1]

    @property
    def _place(self) -> int:
        return self.tokens[self.next][2]

    def _fail(self, place: int, what: str) -> NoReturn:
        raise BadInput(f"The expression cannot be read at place {place + 1}: {what}.")


def _constant(number: float) -> Value:
    tensor = torch.tensor(number, dtype=torch.float64)
    return lambda x: tensor


def _folded(function: Callable[[Tensor, Tensor], Tensor], arguments: Sequence[Value]) -> Value:
    return lambda x: reduce(function, [argument(x) for argument in arguments])
