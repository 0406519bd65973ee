"""A card for every blank: the likeliest words there, with their probabilities; a click puts one of them in."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolTip, QWidget

from models.algorithms.maskgan.fillings import Fillings
from studio import theme
from studio.panels.bars import ROW, Bar, Bars
from studio.panels.scrolling import scrolled
from studio.panels.tokenheat import short
from studio.widgets import Card, ElidedLabel, column, label, number, row, tool

LEAST, MOST = 4, 9  # candidates that a card shows
WIDE = 196  # pixels of a card, at least
END = "(end)"  # a candidate that is the end of the sentence
_NAMES, _NUMBER, _DOT = 84, 44, 6


class Candidates(Bars):
    """Words with bars; the mouse, the arrows with Enter, and the figures pick one.

    Signals:
        picked(int): this one, from 0.
    """

    picked = Signal(int)
    INSET = 6

    def __init__(self) -> None:
        super().__init__(LEAST, _NAMES, _NUMBER)
        self.truth, self._hover, self._cursor = "", -1, 0
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def seen(self) -> int:
        """Candidates that have room."""
        return min(self._rows, len(self.lines))

    def paintEvent(self, event: QPaintEvent) -> None:
        """What the mouse or the keys are on, the words and bars, and a dot at the truth."""
        t, high = theme.theme(), theme.theme().px(ROW)
        painter = QPainter(self)
        if 0 <= self._hover < self.seen():
            painter.fillRect(QRectF(0, self._hover * high, self.width(), high), QColor(t.hover))
        painter.end()
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = t.px(_DOT)
        for i in range(self.seen()):
            if self.truth and self.lines[i].name.partition(" ")[2] == self.truth:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(t.good))
                painter.drawEllipse(QRectF(t.px(self.INSET + _NAMES) - side - t.px(5), (i + 0.5) * high - side / 2, side, side))
        if self.hasFocus() and self._cursor < self.seen():
            painter.setPen(QPen(QColor(theme.accent(self)), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(1, self._cursor * high + 1, self.width() - 2, high - 2), t.px(4), t.px(4))
        painter.end()

    def index_at(self, y: float) -> int:
        """The candidate at a height; -1 for none."""
        at = int(y // theme.theme().px(ROW))
        return at if 0 <= at < self.seen() else -1

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up, Down, Enter and Space, 1 to 9."""
        key = event.key()
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down) and self.seen():
            self._cursor = min(self.seen() - 1, max(0, self._cursor + (1 if key == Qt.Key.Key_Down else -1)))
            self.update()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._cursor < self.seen():
            self.picked.emit(self._cursor)
        elif 0 <= key - Qt.Key.Key_1 < self.seen():
            self.picked.emit(key - Qt.Key.Key_1)
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pick."""
        at = self.index_at(event.position().y())
        if event.button() == Qt.MouseButton.LeftButton and at >= 0:
            self._cursor = at
            self.picked.emit(at)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """What the mouse is on."""
        self._set_hover(self.index_at(event.position().y()))

    def leaveEvent(self, event: object) -> None:
        """Nothing."""
        self._set_hover(-1)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """With the frame."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Without it."""
        super().focusOutEvent(event)
        self.update()

    def _set_hover(self, at: int) -> None:
        if at != self._hover:
            self._hover = at
            self.update()

    def event(self, event: object) -> bool:
        """The whole word, and p in full."""
        if isinstance(event, QHelpEvent):
            at = self.index_at(event.pos().y())
            QToolTip.showText(event.globalPos(), self.tip_of(at) if at >= 0 else "", self)
            return True
        return super().event(event)  # pyright: ignore[reportArgumentType]

    def tip_of(self, index: int) -> str:
        """What is said of a candidate."""
        line = self.lines[index]
        word = line.name.partition(" ")[2]
        stood = "\nThis stood there" if self.truth and word == self.truth else ""
        return f"{word}: p {number(line.parts[0][0])} after what stands before it{stood}\nA click, or {index + 1}, puts it in"


class BlankCard(Card):
    """One blank: its word, whether that stays, and what else could stand there."""

    def __init__(self) -> None:
        super().__init__(margin=12, spacing=4)
        self.body.setContentsMargins(6, 6, 6, 8)
        self.place = -1
        self.head = ElidedLabel("", "section")
        self.lock = tool("unlock", "Lock")
        self.lock.setCheckable(True)
        line = row(self.head, self.lock, spacing=4)
        line.setContentsMargins(6, 0, 0, 0)
        line.setStretch(0, 1)
        self.body.addLayout(line)
        self.bars = Candidates()
        self.body.addWidget(self.bars)
        self.body.addStretch(1)

    def show_blank(self, fillings: Fillings, k: int, truth: bool) -> None:
        """Blank k of the fillings."""
        self.place = place = fillings.blanks[k]
        word, fixed = fillings.tokens[fillings.shown][place], place in fillings.fixed
        pairs = [(name or END, float(p)) for name, p in zip(fillings.candidates[k], fillings.candidates_p[k], strict=True) if not math.isnan(p)]
        self.head.setText(f"blank {k + 1} · {word or END}")
        stood = fillings.truth[place] if truth else ""
        self.bars.truth = stood
        self.bars.show_bars([Bar(f"{i + 1} {name}", ((p, "accent"),), short(p, 2), name == (word or END)) for i, (name, p) in enumerate(pairs)])
        self.bars.setAccessibleName(f"Candidates of blank {k + 1}")
        self.lock.setChecked(fixed)
        theme.set_icon(self.lock, "lock" if fixed else "unlock", "maskgan" if fixed else "muted")
        says = "Unlock: the next fillings may change it" if fixed else "Lock: the next fillings leave it as it is"
        self.lock.setToolTip(says)
        self.lock.setAccessibleName(f"{says.partition(':')[0]} blank {k + 1}")
        self.lock.setEnabled(bool(word))
        self.bars.update()


class BlankCards(QWidget):
    """Cards of equal width in a row, which scrolls sideways where there are many; as many candidates as the height takes, 4 to 9.

    Signals:
        picked(int, int): the blank at this place is to hold its candidate of this rank, from 0.
        locked(int, bool): what is in the blank at this place is to stay, or not.
    """

    picked = Signal(int, int)
    locked = Signal(int, bool)

    def __init__(self) -> None:
        super().__init__()
        self.cards: list[BlankCard] = []
        self._shown = 0
        inside = QWidget()
        inside.setProperty("kind", "clear")
        self._line = QHBoxLayout(inside)
        self._line.setContentsMargins(0, 0, 0, 0)
        self._line.setSpacing(12)
        self._line.addStretch(0)
        self.area = scrolled(inside)
        self.area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.empty = label("No blank: what could stand in a blank is listed here", "muted")
        self.empty.setWordWrap(True)
        body = column(self, spacing=0)
        body.addWidget(self.empty, 0, Qt.AlignmentFlag.AlignTop)
        body.addWidget(self.area, 1)
        self.setAccessibleName("Candidates of each blank")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.area.hide()
        theme.notifier.changed.connect(self._fit)

    def show_fillings(self, fillings: Fillings, truth: bool) -> None:
        """Candidates of alternative `shown`, with a dot at what stood there if `truth` and if that is known.

        The end itself has a card where it was filled in; blanks behind it have none.
        """
        row_ = fillings.tokens[fillings.shown] if fillings.n else ()

        def has_card(place: int, p: np.ndarray) -> bool:
            return bool(row_[place] or ((not place or row_[place - 1]) and p[:1].sum() > 0))

        there = [k for k, p in enumerate(fillings.candidates_p) if fillings.n and has_card(fillings.blanks[k], p)]
        while len(self.cards) < len(there):
            self._add()
        for card, k in zip(self.cards, there, strict=False):
            card.show_blank(fillings, k, truth)
        for i, card in enumerate(self.cards):
            card.setVisible(i < len(there))
        self._shown = len(there)
        self.empty.setVisible(not there)
        self.area.setVisible(bool(there))
        self.set_stale(False)
        self._fit()

    def show_reason(self, text: str) -> None:
        """Why there are none, in one line."""
        self.empty.setText(text)
        self.empty.show()
        self.area.hide()
        self._shown = 0

    def set_stale(self, stale: bool) -> None:
        """Fade what no longer belongs to the present desk."""
        for card in self.cards:
            card.bars.set_stale(stale)

    def see(self, place: int) -> None:
        """Scroll to the card of the blank at a place."""
        for card in self.cards[: self._shown]:
            if card.place == place:
                self.area.ensureWidgetVisible(card, 0, 0)

    def sizeHint(self) -> QSize:
        """Four candidates."""
        return QSize(theme.theme().px(360), self._high(LEAST))

    def minimumSizeHint(self) -> QSize:
        """One card of four candidates."""
        return QSize(theme.theme().px(WIDE), self._high(LEAST))

    def _high(self, rows: int) -> int:
        t = theme.theme()
        many = self._shown * (t.px(WIDE) + 12) - 12 > self.width()
        return t.px(rows * ROW) + t.px(28) + 22 + (t.px(10) if many else 0)

    def _add(self) -> None:
        card = BlankCard()
        card.bars.picked.connect(lambda k, card=card: self.picked.emit(card.place, k))
        card.lock.clicked.connect(lambda on, card=card: self.locked.emit(card.place, on))
        self._line.insertWidget(len(self.cards), card, 1)
        self.cards.append(card)

    def _fit(self) -> None:
        t = theme.theme()
        wide = t.px(WIDE)
        room = next((n for n in range(MOST, LEAST, -1) if self._high(n) <= self.height()), LEAST)
        for card in self.cards:
            card.setMinimumWidth(wide)
            card.setMaximumWidth(round(2.2 * wide))
            card.bars.set_rows(room)
        self.setMaximumHeight(self._high(MOST) + t.px(8))
        self.updateGeometry()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Other rows."""
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        """Another accent."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self.update()
