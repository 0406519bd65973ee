"""The words of one sentence, each with its number and that number's heat under it."""

from __future__ import annotations

import math
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from models.data.vocabulary import spaces
from studio import theme

UNKNOWN = "<unk>"
SIZES = (22, 18, 15, 13)  # pixels of the words, from the desk's to the smallest that still reads well
_BAR, _NUMBER, _ABOVE = 5, 14, 3  # pixels: the heat, the line of the number, the air over each
_MIDDLE = int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter)
_LEAST = 0.05  # a sentence whose numbers all lie closer than this to the middle is not made to look dramatic


def said(tokens: Sequence[str], joiner: str) -> str:
    """Tokens as a sentence."""
    return "".join(space + token for space, token in zip(spaces(tokens, joiner), tokens, strict=True))


def cut(tokens: Sequence[str], joiner: str, metrics: QFontMetricsF, room: float, *, left: bool = False) -> str:
    """As many whole tokens as fit, … for the others at the end, or at the beginning where `left`: half a number would be another number."""
    if metrics.horizontalAdvance(whole := said(tokens, joiner)) <= room:
        return whole

    def some(n: int) -> str:
        return f"…{joiner}{said(tokens[-n:], joiner)}" if left else f"{said(tokens[:n], joiner)}{joiner}…"

    n = bisect_right(range(1, len(tokens)), room, key=lambda k: metrics.horizontalAdvance(some(k)))
    return some(n) if n else metrics.elidedText(tokens[-1 if left else 0], Qt.TextElideMode.ElideRight, int(max(0.0, room)))


def from_right(tokens: Sequence[str]) -> bool:
    """Whether a sentence is read from right to left: the first letter that has a direction has that one."""
    kinds = (unicodedata.bidirectional(letter) for token in tokens for letter in token)
    return next((kind != "L" for kind in kinds if kind in ("L", "R", "AL")), False)


def reach_of(values: np.ndarray, middle: np.ndarray | float) -> float:
    """How far from the middle the full colour is: where the farthest value is, but at least 0.05."""
    away = np.abs(np.asarray(values, float) - middle)
    return max(_LEAST, float(away[np.isfinite(away)].max(initial=0.0)))


def leans(values: np.ndarray | float, middle: np.ndarray | float, reach: float) -> np.ndarray:
    """Heat in [-1, 1] of each value: -1 (blue) at `reach` above the middle or further, 1 (orange) below it, 0 where there is no value."""
    return np.nan_to_num(np.clip((np.asarray(middle, float) - np.asarray(values, float)) / reach, -1.0, 1.0))


def digits(values: np.ndarray) -> int:
    """How many decimals tell the values apart: 2, or 3 where all lie within 0.02."""
    known = values[np.isfinite(values)]
    return 2 if not len(known) or float(np.ptp(known)) >= 0.02 else 3


def short(value: float, places: int) -> str:
    """A number under a word; a dash for none."""
    return f"{value:.{places}f}".replace("-", "−") if math.isfinite(value) else "–"


def mirrored(boxes: Sequence[QRectF], width: float) -> list[QRectF]:
    """The same boxes, flowing from the right."""
    return [QRectF(width - box.right(), box.top(), box.width(), box.height()) for box in boxes]


def flow(widths: Sequence[float], room: float, gap: float) -> list[tuple[float, int]]:
    """Where boxes of these widths go, in lines of `room`: (left, line) of each; a box that is wider gets a line to itself."""
    out, x, line = [], 0.0, 0
    for wide in widths:
        if x and x + wide > room:
            x, line = 0.0, line + 1
        out.append((x, line))
        x += wide + gap
    return out


class Token(NamedTuple):
    """A word with its number; `lean` is its heat as `leans` gives it, `tip` what the mouse is told."""

    word: str
    value: float
    lean: float
    tip: str = ""


class TokenHeat(QWidget):
    """Words that wrap, the heat of each as a bar under it and the number under that; one of them is chosen.

    Signals:
        chosen(int): a word was clicked, or reached by Left, Right, Home or End.
    """

    chosen = Signal(int)
    GAPS, PAD = (7, 10), 0  # pixels between characters and between words; over and under a word

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setProperty("kind", "clear")
        self.tokens: tuple[Token, ...] = ()
        self._joiner, self._places, self._size, self._numbers = " ", 2, SIZES[0], True
        self._chosen, self._hover, self._stale, self._from_right = -1, -1, False, False
        self._boxes: list[QRectF] | None = None
        self.setAccessibleName(name)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.notifier.changed.connect(self._again)

    # --- what the panel says ---

    def show_tokens(self, tokens: Sequence[Token], joiner: str = " ") -> None:
        """Another sentence, or other numbers; the chosen place stays where it still is one."""
        self.tokens, self._joiner, self._stale = tuple(tokens), joiner, False
        self._places = digits(np.array([token.value for token in tokens], float))
        self._from_right = from_right([token.word for token in tokens])
        if self._chosen >= len(self.tokens):
            self._chosen = -1
        self._again()

    def choose(self, place: int) -> None:
        """Underline a word, or none for -1, without telling anybody."""
        self._chosen = place if 0 <= place < len(self.tokens) else -1
        self.setAccessibleDescription(self.words_of(self._chosen) if self._chosen >= 0 else "")
        self.update()

    def place(self) -> int:
        """The chosen word; -1 for none."""
        return self._chosen

    def set_size(self, size: int, *, numbers: bool = True) -> None:
        """Pixels of the words, one of `SIZES`; without numbers a line is lower, and the mouse still tells them."""
        if (size, numbers) != (self._size, self._numbers):
            self._size, self._numbers = size, numbers
            self._again()

    def set_stale(self, stale: bool) -> None:
        """Fade what no longer belongs to the present settings."""
        if stale != self._stale:
            self._stale = stale
            self.update()

    def words_of(self, place: int) -> str:
        """What is said of a word: its number in full, and its tip."""
        token = self.tokens[place]
        return f"{token.word}: {token.value:.6g}".replace("-", "−") + (f"\n{token.tip}" if token.tip else "")

    def box_of(self, place: int) -> QRectF:
        """Where a word, its bar and its number are."""
        if self._boxes is None:
            self._boxes = self._boxes_in(self.width(), self._size, self._numbers)
        return self._boxes[place]

    def place_at(self, x: float, y: float) -> int:
        """The word at a point, with half the gap around it; -1 for none."""
        near = theme.theme().px(4)
        return next((i for i in range(len(self.tokens)) if self.box_of(i).adjusted(-near, 0, near, 0).contains(x, y)), -1)

    # --- sizes ---

    def high(self, width: int, size: int, numbers: bool = True) -> int:
        """Pixels it needs at a width with words of a size, with numbers or without."""
        boxes = self._boxes_in(width, size, numbers)
        return math.ceil(boxes[-1].bottom()) + 1 if boxes else 0

    def sizeHint(self) -> QSize:
        """As high as its lines."""
        return QSize(theme.theme().px(320), self.high(max(1, self.width()), self._size, self._numbers))

    def minimumSizeHint(self) -> QSize:
        """A word wide."""
        return QSize(theme.theme().px(120), self.sizeHint().height())

    def wide(self, place: int, size: int) -> float:
        """Pixels that a word takes."""
        return QFontMetricsF(theme.font(size)).horizontalAdvance(self.tokens[place].word)

    def high_of_word(self, size: int) -> int:
        """Pixels from the top of a word's box to the air above its bar."""
        return _line(size) + (theme.theme().px(2 * self.PAD) if self.PAD else 0)

    def _boxes_in(self, width: float, size: int, numbers: bool) -> list[QRectF]:
        t, small = theme.theme(), QFontMetricsF(theme.font(11, 600))
        least = small.horizontalAdvance(short(-0.5 if any(token.value < 0 for token in self.tokens) else 0.5, self._places))
        wide = [min(width - 2, max(least, self.wide(i, size))) for i in range(len(self.tokens))]
        line = self.high_of_word(size) + t.px(_ABOVE + _BAR + (_ABOVE + _NUMBER + 2 if numbers else 4))
        places = flow(wide, width - 2, t.px(self.GAPS[bool(self._joiner)]))
        boxes = [QRectF(x + 1, row * (line + t.px(6)), w, line) for (x, row), w in zip(places, wide, strict=True)]
        return mirrored(boxes, width) if self._from_right else boxes

    def _again(self) -> None:
        self._boxes = None
        self.setMinimumHeight(self.high(max(1, self.width()), self._size, self._numbers))
        self.updateGeometry()
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Other lines."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._again()

    # --- painting ---

    def paintEvent(self, event: QPaintEvent) -> None:
        """Word by word."""
        painter = QPainter(self)
        painter.setOpacity(theme.STALE_OPACITY if self._stale else 1.0)
        for i in range(len(self.tokens)):
            if self.box_of(i).toAlignedRect().intersects(event.rect()):
                self.paint_token(painter, i, self.box_of(i))
        painter.end()

    def paint_token(self, painter: QPainter, place: int, box: QRectF) -> None:
        """The word, its heat, its number, and the line under all that says it is chosen."""
        t, chosen = theme.theme(), place == self._chosen
        if place == self._hover and not chosen:
            painter.fillRect(box.adjusted(-t.px(3), 0, t.px(3), 0), QColor(t.hover))
        self.paint_word(painter, place, QRectF(box.left(), box.top(), box.width(), self.high_of_word(self._size)))
        self.paint_heat(painter, place, box)
        if chosen:
            accent = QColor(theme.accent(self))
            painter.fillRect(QRectF(box.left(), box.bottom() - 2, box.width(), 2), accent)
            if self.hasFocus():
                painter.setPen(QPen(accent, 2))
                painter.drawRoundedRect(box.adjusted(-t.px(3), 1, t.px(3), -1) & QRectF(self.rect()).adjusted(1, 1, -1, -1), t.px(4), t.px(4))

    def paint_word(self, painter: QPainter, place: int, room: QRectF) -> None:
        """A word in its part of the box."""
        t, word = theme.theme(), self.tokens[place].word
        painter.setPen(QColor(t.muted if word == UNKNOWN else t.ink))
        painter.setFont(theme.font(self._size))
        painter.drawText(room.adjusted(-8, 0, 8, 0), _MIDDLE, self.fitting(painter, word, room.width()))

    def paint_heat(self, painter: QPainter, place: int, box: QRectF) -> None:
        """The bar under a word, and the number under that."""
        t, token, chosen = theme.theme(), self.tokens[place], place == self._chosen
        bar = QRectF(box.left(), box.top() + self.high_of_word(self._size) + t.px(_ABOVE), box.width(), t.px(_BAR))
        painter.fillRect(bar, QColor(t.heat(token.lean)))
        if self._numbers:
            painter.setPen(QColor(t.ink if chosen else t.muted))
            painter.setFont(theme.font(11, 600 if chosen else 400))
            number = QRectF(box.left() - 8, bar.bottom() + t.px(_ABOVE) - 1, box.width() + 16, t.px(_NUMBER))
            painter.drawText(number, _MIDDLE, short(token.value, self._places))

    @staticmethod
    def fitting(painter: QPainter, word: str, room: float) -> str:
        """A word in the painter's font, with … where it is longer than a line."""
        metrics = QFontMetricsF(painter.font())
        return word if metrics.horizontalAdvance(word) <= room + 1 else metrics.elidedText(word, Qt.TextElideMode.ElideRight, room)

    # --- what the person does ---

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left, Right, Home, End."""
        last, key = len(self.tokens) - 1, event.key()
        ahead = -1 if self._from_right else 1
        moves = {Qt.Key.Key_Left: self._chosen - ahead, Qt.Key.Key_Right: self._chosen + ahead, Qt.Key.Key_Home: 0, Qt.Key.Key_End: last}
        if key in moves and last >= 0:
            self._go(min(last, max(0, moves[Qt.Key(key)])))
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._go(self.place_at(event.position().x(), event.position().y()))

    def _go(self, place: int) -> None:
        if place >= 0 and place != self._chosen:
            self.choose(place)
            self.chosen.emit(place)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """What the mouse is on."""
        self._set_hover(self.place_at(event.position().x(), event.position().y()))

    def leaveEvent(self, event: object) -> None:
        """Nothing."""
        self._set_hover(-1)

    def _set_hover(self, place: int) -> None:
        if place != self._hover:
            self._hover = place
            self.update()

    def event(self, event: object) -> bool:
        """The number in full."""
        if isinstance(event, QHelpEvent):
            at = self.place_at(event.pos().x(), event.pos().y())
            QToolTip.showText(event.globalPos(), self.words_of(at) if at >= 0 else "", self)
            return True
        return super().event(event)  # pyright: ignore[reportArgumentType]


class HeatKey(QWidget):
    """What the heat means: low, five steps, high."""

    def __init__(self) -> None:
        super().__init__()
        self._ends = ("below", "above")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.notifier.changed.connect(self._again)

    def show_ends(self, low: str, high: str) -> None:
        """Other words at its ends."""
        if (low, high) != self._ends:
            self._ends = (low, high)
            self.setAccessibleName(f"Orange is {low}, blue is {high}")
            self._again()

    def sizeHint(self) -> QSize:
        """Both words and the steps between them."""
        t, metrics = theme.theme(), QFontMetricsF(theme.font(11))
        return QSize(math.ceil(sum(metrics.horizontalAdvance(word) for word in self._ends)) + t.px(5 * 10 + 12), t.px(16))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Word, steps, word."""
        del event
        t, painter = theme.theme(), QPainter(self)
        painter.setFont(theme.font(11))
        painter.setPen(QColor(t.muted))
        painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), self._ends[0])
        painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), self._ends[1])
        left = painter.fontMetrics().horizontalAdvance(self._ends[0]) + t.px(6)
        for i in range(5):
            painter.fillRect(QRectF(left + i * t.px(10), (self.height() - t.px(_BAR)) / 2, t.px(10), t.px(_BAR)), QColor(t.heat(1 - i / 2)))
        painter.end()

    def _again(self) -> None:
        self.updateGeometry()
        self.update()


def _line(size: int) -> int:
    """Pixels of a line of words."""
    return theme.theme().px(size * 1.2 + 2)
