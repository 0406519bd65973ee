"""Sentences of one source, the same seeds at every look: what changed since the last look is seen at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QTextCharFormat,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio import theme
from studio.panels.scrolling import scrolled
from studio.panels.sentencerow import LINE, PAD, Row, Style, changed
from studio.panels.tokenheat import UNKNOWN, said
from studio.widgets import ElidedLabel, column, label, row


class Rows(QWidget):
    """The sentences, painted."""

    clicked = Signal(int)
    selected = Signal(int)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setProperty("kind", "clear")
        self.setAccessibleName(name)
        self.rows: list[Any] = []  # of Row, or of a kind of it
        self.captions: Sequence[str] = ()
        self.joiner, self.stale, self.selection, self._hover = " ", False, -1, -1
        self._tops: list[int] = []
        self._dirty = self._reset = True
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.notifier.changed.connect(self.again)

    def show_rows(self, sentences: Sequence[Sequence[str]], captions: Sequence[str], joiner: str) -> None:
        """Another look at the same seeds."""
        self._reset = self._reset or len(sentences) != len(self.rows) or joiner != self.joiner
        self.captions, self.joiner, self.stale = tuple(captions), joiner, False
        known = len(self.rows)
        del self.rows[len(sentences) :]
        for i, sentence in enumerate(sentences):
            tokens = tuple(sentence)
            if i >= known:
                self.rows.append(Row(tokens, [False] * len(tokens)))
                continue
            line = self.rows[i]
            marks = changed(line.tokens, tokens)
            if tokens != line.tokens or marks != line.marks:
                line.tokens, line.marks, line.text = tokens, marks, None
        if self.selection >= len(self.rows):
            self.select(-1)
        self._dirty = True
        self.update()
        if self.isVisible():  # else it is laid out when it is asked for
            self._lay_out()

    def again(self) -> None:
        """Everything is laid out anew."""
        for line in self.rows:
            line.text = None
        self._dirty = self._reset = True
        if self.isVisible():
            self._lay_out()
        self.update()

    def select(self, index: int) -> None:
        """Frame a sentence, or none for -1."""
        index = index if 0 <= index < len(self.rows) else -1
        if index != self.selection:
            self.selection = index
            self.setAccessibleDescription(f"{index + 1}: {said(self.rows[index].tokens, self.joiner)}" if index >= 0 else "")
            self.selected.emit(index)
            self.update()

    def copy(self) -> None:
        """The selected sentence, or all of them, to the clipboard."""
        chosen = self.rows if self.selection < 0 else [self.rows[self.selection]]
        if chosen:
            QGuiApplication.clipboard().setText("\n".join(said(line.tokens, self.joiner) for line in chosen))

    # --- layout ---

    def style_of_rows(self) -> Style:
        """How the words are set now."""
        tokens = {token for line in self.rows for token in line.tokens} - {UNKNOWN}
        pad = max(map(len, tokens)) if tokens and all(map(str.isdecimal, tokens)) else 0
        face, strong = theme.font(13), theme.font(13, 600)
        fresh, faint = QTextCharFormat(), QTextCharFormat()
        fresh.setForeground(QColor(theme.accent(self)))
        fresh.setFontWeight(QFont.Weight.DemiBold)
        faint.setForeground(QColor(theme.theme().muted))
        if pad:  # columns stay where they are: strong digits are set as close as the others
            fresh.setFontLetterSpacingType(QFont.SpacingType.AbsoluteSpacing)
            fresh.setFontLetterSpacing(QFontMetricsF(face).horizontalAdvance("0") - QFontMetricsF(strong).horizontalAdvance("0"))
        elif not self.joiner:
            face.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, theme.theme().px(2))
        return Style(face, fresh, faint, self.joiner, pad)

    def columns(self) -> tuple[int, int]:
        """Where the sentences begin, and where they end."""
        t, metrics = theme.theme(), QFontMetricsF(theme.font(11))
        left = t.px(6) + round(self.wide_of_names(metrics)) + t.px(10)
        right = max((metrics.horizontalAdvance(text) for text in self.captions), default=0)
        return left, self.width() - t.px(6) - (round(right) + t.px(12) if right else 0)

    def wide_of_names(self, metrics: QFontMetricsF) -> float:
        """Pixels of what stands before the sentences."""
        return metrics.horizontalAdvance("0" * len(str(max(10, len(self.rows)))))

    def _lay_out(self) -> None:
        if not self._dirty:
            return
        t, style, (left, right) = theme.theme(), self.style_of_rows(), self.columns()
        signature = (left, right, style.pad)
        if signature != self._signature:
            self._signature, self._reset = signature, True
            for line in self.rows:
                line.text = None
        self._tops, y = [], 0
        for line in self.rows:
            if line.text is None:
                line.lay(style, right - left)
            line.keep(self._reset)
            self._tops.append(y)
            y += line.slot * t.px(LINE) + 2 * t.px(PAD)
        self._tops.append(y)
        self._dirty = self._reset = False
        self.setMinimumHeight(y + 1)

    _signature: tuple[int, int, int] = (0, 0, 0)

    def rect_of(self, index: int) -> QRectF:
        """Where a row is."""
        self._lay_out()
        return QRectF(1, self._tops[index], self.width() - 2, self._tops[index + 1] - self._tops[index])

    def index_at(self, y: float) -> int:
        """The row at a height; -1 for none."""
        self._lay_out()
        at = bisect_right(self._tops, y) - 1
        return at if 0 <= at < len(self.rows) else -1

    def sizeHint(self) -> QSize:
        """Ten sentences."""
        return QSize(theme.theme().px(360), theme.theme().px(10 * (LINE + 2 * PAD)))

    # --- painting ---

    def paintEvent(self, event: QPaintEvent) -> None:
        """The rows that are seen."""
        self._lay_out()
        t, painter, (left, right) = theme.theme(), QPainter(self), self.columns()
        painter.setOpacity(theme.STALE_OPACITY if self.stale else 1.0)
        ink, muted = QColor(t.ink), QColor(t.muted)
        high, gutter, end, pad = t.px(LINE), left - t.px(10), self.width() - t.px(6), t.px(PAD)
        at_right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        painter.setFont(theme.font(11))
        for i in self._between(event.rect().top(), event.rect().bottom()):
            top, text = self._tops[i] + pad, self.rows[i].text
            if (whole := (self._bottom() - top + pad) // high) < self.rows[i].slot:  # no line is cut through
                painter.setClipRect(QRectF(0, 0, self.width(), top + max(0, whole) * high))
            if i == self._hover and i != self.selection:
                painter.fillRect(self.rect_of(i), QColor(t.hover))
            painter.setPen(muted)
            painter.drawText(QRectF(0, top, gutter, high), at_right, self.name_of(i))
            self.paint_caption(painter, i, QRectF(right, top, end - right, high))
            painter.setPen(ink)
            if text is not None:
                text.draw(painter, QPointF(left, top))
            if i == self.selection:
                painter.setPen(QPen(QColor(theme.accent(self)), 2))
                painter.drawRoundedRect(self.rect_of(i).adjusted(0, 1, 0, 0), t.px(4), t.px(4))
        painter.end()

    def name_of(self, index: int) -> str:
        """What stands before a sentence."""
        return str(index + 1)

    def paint_caption(self, painter: QPainter, index: int, room: QRectF) -> None:
        """What stands behind a sentence, in muted small words."""
        if index < len(self.captions):
            painter.drawText(room, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), self.captions[index])

    def _bottom(self) -> int:
        """The end of the part that is scrolled into view."""
        parent = self.parentWidget()
        return parent.height() - self.y() if parent is not None else self.height()

    def _between(self, top: float, bottom: float) -> range:
        """The rows that touch this part."""
        first = bisect_right(self._tops, top) - 1
        return range(max(0, first), min(len(self.rows), bisect_right(self._tops, bottom)))

    # --- what the person does ---

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Other lines."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.again()

    def showEvent(self, event: object) -> None:
        """What came while it was hidden."""
        self._lay_out()

    def changeEvent(self, event: QEvent) -> None:
        """Another accent."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self.again()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows, Home and End select, Enter clicks, Esc selects none, the copy keys copy."""
        key, last = event.key(), len(self.rows) - 1
        moves = {Qt.Key.Key_Up: max(0, self.selection - 1), Qt.Key.Key_Down: min(last, self.selection + 1), Qt.Key.Key_Home: 0, Qt.Key.Key_End: last}
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        elif key in moves and last >= 0:
            self.select(moves[Qt.Key(key)])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.selection >= 0 and not event.modifiers():
            self.clicked.emit(self.selection)
        elif key == Qt.Key.Key_Escape and self.selection >= 0:
            self.select(-1)
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select and click."""
        if event.button() == Qt.MouseButton.LeftButton:
            index = self.index_at(event.position().y())
            self.select(index)
            if index >= 0:
                self.clicked.emit(index)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """What the mouse is on."""
        self._set_hover(self.index_at(event.position().y()))

    def leaveEvent(self, event: object) -> None:
        """Nothing."""
        self._set_hover(-1)

    def _set_hover(self, index: int) -> None:
        if index != self._hover:
            self._hover = index
            self.update()


class SentencesPanel(QWidget):
    """A column of sentences of one source under a heading; tokens that were not there at the last look are in accent.

    Signals:
        clicked(int): a sentence was clicked, or Enter pressed on it.
        selected(int): another sentence is selected; -1 for none.
    """

    clicked = Signal(int)
    selected = Signal(int)

    def __init__(self, title: str) -> None:
        super().__init__()
        self.right = ElidedLabel("", "caption")
        self.right.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.empty = label("No sentences yet", "muted")
        self.empty.setWordWrap(True)
        self.rows = Rows(title)
        self.rows.clicked.connect(self.clicked)
        self.rows.selected.connect(self._on_selected)
        self.area = scrolled(self.rows, sideways=False)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.verticalScrollBar().valueChanged.connect(self.rows.update)  # what was left out at the bottom comes now
        self.area.hide()
        self.heading = label(title, "section")
        head = row(self.heading, self.right)
        head.setStretch(1, 1)
        body = column(self, spacing=6)
        body.addLayout(head)
        body.addWidget(self.empty, 0, Qt.AlignmentFlag.AlignTop)
        body.addWidget(self.area, 1)
        self.setFocusProxy(self.rows)
        self.setAccessibleName(title)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._step = 0

    def show_sentences(
        self, sentences: Sequence[Sequence[str]], *, note: str = "", step: int = 0, joiner: str = " ", captions: Sequence[str] = ()
    ) -> None:
        """Sentences as lists of tokens, sentence i always from the same seed; what was stale is fresh.

        `captions` are small words at the right of each, `joiner` stands between words ("" between characters). The same
        sentences of the same step once more change nothing, so what is marked stays marked.
        """
        if not sentences:
            self.show_reason("No sentences")
            return
        again = step == self._step and [line.tokens for line in self.rows.rows] == [tuple(s) for s in sentences]
        self._step = step
        self.right.setText(" · ".join(filter(None, (note, f"step {step:,}" if step else ""))))
        self.empty.hide()
        self.area.show()
        if again and tuple(captions) == self.rows.captions:
            self.set_stale(False)
        else:
            self.rows.show_rows(sentences, captions, joiner)

    def show_reason(self, text: str) -> None:
        """Why there are none, in one line."""
        self.rows.show_rows((), (), self.rows.joiner)
        self.right.setText("")
        self.empty.setText(text)
        self.empty.show()
        self.area.hide()

    def sentences(self) -> list[tuple[str, ...]]:
        """The tokens of each sentence that is shown."""
        return [line.tokens for line in self.rows.rows]

    def marks(self, index: int) -> list[bool]:
        """Which tokens of a sentence were not there at the last look."""
        return list(self.rows.rows[index].marks)

    def set_stale(self, stale: bool) -> None:
        """Fade what no longer belongs to the present settings."""
        if stale != self.rows.stale:
            self.rows.stale = stale
            self.rows.update()

    def select(self, index: int) -> None:
        """Frame a sentence, or none for -1."""
        self.rows.select(index)

    def selection(self) -> int:
        """The framed sentence; -1 for none."""
        return self.rows.selection

    def copy(self) -> None:
        """The selected sentence, or all of them, to the clipboard."""
        self.rows.copy()

    def sizeHint(self) -> QSize:
        """Ten sentences."""
        return QSize(theme.theme().px(360), theme.theme().px(26 + 10 * (LINE + 2 * PAD)))

    def minimumSizeHint(self) -> QSize:
        """Three sentences."""
        return QSize(theme.theme().px(200), theme.theme().px(26 + 3 * (LINE + 2 * PAD)))

    def _on_selected(self, index: int) -> None:
        if index >= 0 and self.rows.isVisible():
            box = self.rows.rect_of(index).toAlignedRect()
            self.area.ensureVisible(0, box.center().y(), 0, box.height() // 2 + 2)
        self.selected.emit(index)
