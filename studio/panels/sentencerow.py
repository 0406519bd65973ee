"""A sentence that is painted again and again: which of its words are new, and how it is laid out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QFont, QTextCharFormat, QTextLayout, QTextOption

from models.data.vocabulary import spaces
from studio import theme
from studio.panels.tokenheat import UNKNOWN, from_right

LINE, PAD = 18, 3  # pixels of a line of words; over and under them
CALM = 12  # looks after which a row gives up room that it no longer needs
NOTHING = "(empty)"
_FIGURE = "\u2007"  # a space as wide as a digit


def changed(old: Sequence[str], new: Sequence[str]) -> list[bool]:
    """Which tokens of `new` are not of `old`, both read from left to right: a word put in leaves its neighbours unchanged."""
    head, most = 0, min(len(old), len(new))
    while head < most and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < most - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    out = [head <= i < len(new) - tail for i in range(len(new))]
    if any(out) and head + tail < len(old):
        middle = SequenceMatcher(None, old[head : len(old) - tail], new[head : len(new) - tail], autojunk=False)
        for block in middle.get_matching_blocks():
            for i in range(block.b, block.b + block.size):
                out[head + i] = False
    return out


@dataclass
class Style:
    """How the present look is set."""

    face: QFont
    fresh: QTextCharFormat  # a token that was not there at the last look
    faint: QTextCharFormat  # an unknown word, an empty sentence
    joiner: str
    pad: int  # digits of the longest number, where all tokens are numbers; 0: they are words

    def pieces(self, tokens: Sequence[str]) -> list[str]:
        """What is drawn before each token."""
        if self.pad:
            return [("  " if i else "") + _FIGURE * (self.pad - len(token)) for i, token in enumerate(tokens)]
        return spaces(tokens, self.joiner)


@dataclass
class Row:
    """A sentence and how it is laid out; `slot` lines are kept for it, so that rows below stay where they are."""

    tokens: tuple[str, ...] = ()
    marks: list[bool] = field(default_factory=list)
    text: QTextLayout | None = None
    lines: int = 1
    slot: int = 0
    idle: int = 0

    def lay(self, style: Style, width: float) -> None:
        """Break it into lines of a width."""
        parts, ranges, at = [], [], 0
        for i, (space, token) in enumerate(zip(style.pieces(self.tokens), self.tokens, strict=True)):
            at += len(space)
            if (how := self.format_of(i, style)) is not None:
                ranges.append(_range(at, _units(token), how))
            parts += (space, token)
            at += _units(token)
        text = self.text = QTextLayout("".join(parts) or NOTHING, style.face)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        if from_right(self.tokens):
            option.setTextDirection(Qt.LayoutDirection.RightToLeft)
            option.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignAbsolute)
        text.setTextOption(option)
        text.setFormats(ranges if parts else [_range(0, len(NOTHING), style.faint)])
        text.setCacheEnabled(True)
        pitch, base = theme.theme().px(LINE), theme.theme().px(LINE) * 0.72
        self.lines = 0
        text.beginLayout()
        while (line := text.createLine()).isValid():
            line.setLineWidth(max(1.0, width))
            line.setPosition(QPointF(0, self.lines * pitch + round(base - line.ascent())))
            self.lines += 1
        text.endLayout()

    def format_of(self, i: int, style: Style) -> QTextCharFormat | None:
        """How token i is set; None for plain."""
        return style.faint if self.tokens[i] == UNKNOWN else style.fresh if self.marks[i] else None

    def keep(self, at_once: bool) -> None:
        """Take more room now, give it up only when it was not needed for some looks, or `at_once`."""
        self.idle = 0 if self.lines >= self.slot else self.idle + 1
        if at_once or self.lines > self.slot or self.idle > CALM:
            self.slot, self.idle = self.lines, 0


def _units(token: str) -> int:
    """How long Qt finds a token: what is beyond the first 65,536 characters counts twice."""
    return len(token.encode("utf-16-le")) // 2


def _range(start: int, length: int, style: QTextCharFormat) -> QTextLayout.FormatRange:
    out = QTextLayout.FormatRange()
    out.start, out.length, out.format = start, length, style  # pyright: ignore[reportAttributeAccessIssue]
    return out
