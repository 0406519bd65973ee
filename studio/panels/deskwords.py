"""The words on the desk: which of them are blanks, what stands in those, and what a person does to them with mouse and keys."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QFontMetricsF, QGuiApplication, QKeyEvent, QKeySequence, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QWidget

from models.algorithms.maskgan.fillings import Fillings
from studio import theme
from studio.panels.tokenheat import Token, TokenHeat, leans, said
from studio.widgets import number

NONE = "—"  # in a blank that nothing fills yet
END, OPEN = "end", "open end"
_MIDDLE, _LOCK = 0.5, 12  # p(real) that says nothing; pixels of the lock
_TAB = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)


class DeskWords(TokenHeat):
    """Words, blanks in boxes, and the end as the last box; places are those of the tokens, and the end's is behind them all.

    With an open end the words that the net wrote there follow the sentence's own: they can be chosen, picked and locked, but not blanked.

    Signals:
        blanked(list, bool): these places are to be blanks, or to be none.
        end_toggled(bool): the end is to be open.
        picked(int, int): the blank at a place is to hold its candidate of this rank, from 0.
        locked(int, bool): what is shown in the blank at a place is to stay, or not.
        rerolled(): other fillings are wanted. edited(): the sentence is to be typed. pasted(str): it is to be this.
    """

    blanked = Signal(list, bool)
    end_toggled = Signal(bool)
    picked = Signal(int, int)
    locked = Signal(int, bool)
    rerolled = Signal()
    edited = Signal()
    pasted = Signal(str)
    GAPS, PAD = (2, 4), 3

    def __init__(self) -> None:
        super().__init__("The sentence on the desk")
        self.blanks: frozenset[int] = frozenset()
        self.fixed: frozenset[int] = frozenset()
        self.open_end, self.own = False, 0  # own: words of the sentence itself; those behind them the net has written
        self._choices: dict[int, int] = {}  # candidates of each blank
        self._from = self._to = self._toggled = -1  # where a drag is; what the last click changed

    def show_words(
        self,
        tokens: Sequence[str],
        blanks: Sequence[int],
        fixed: Sequence[tuple[int, str]],
        open_end: bool,
        fillings: Fillings | None,
        joiner: str,
    ) -> None:
        """As `DeskPanel.show_desk`."""
        held, places = dict(fixed), set(blanks)
        words, facts = list(tokens), fillings if fillings is not None and fillings.n else None
        row = facts.tokens[facts.shown] if facts is not None else ()
        more = [word for word in row[len(tokens) :] if word] if open_end else []
        places |= set(range(len(tokens), len(tokens) + len(more)))
        for place in sorted(places):
            filled = row[place] if facts is not None and place in facts.blanks else ""
            word = held.get(place, filled) or NONE
            words[place : place + 1] = [word]
        if len(tokens) != self.own:
            self._from = self._to = -1  # else a drag goes on: fillings may come at any time
        self.blanks, self.fixed, self.open_end, self.own = frozenset(places), frozenset(held), open_end, len(tokens)
        self._choices = {b: len(names) for b, names in zip(facts.blanks, facts.candidates, strict=True)} if facts is not None else {}
        out = [self._token(place, word, facts) for place, word in enumerate(words)]
        end = OPEN if open_end else END
        tip = "The net goes on as long as it likes; a click closes the end" if open_end else "The sentence ends here; a click opens the end"
        was = self._chosen == len(self.tokens) - 1 >= 0
        self.show_tokens([*out, Token(end, float("nan"), 0.0, tip)] if tokens else [], joiner)
        self.choose(len(self.tokens) - 1 if was else self._chosen)

    def _token(self, place: int, word: str, facts: Fillings | None) -> Token:
        real, lines = float("nan"), []
        if facts is not None and place < len(facts.given):
            real = float(facts.realism[facts.shown, place])
            if place in self.blanks and place in facts.blanks:
                p = float(facts.p[facts.shown, facts.blanks.index(place)])
                lines.append(f"p {number(p)} of this word after what stands before it")
            elif place not in self.blanks and facts.given[place] not in ("", word):
                lines.append(f"The net reads it as {facts.given[place]}")
        if place in self.blanks:
            lines.append("A person chose it, and it stays" if place in self.fixed else "A blank")
        return Token(word, real, float(leans(real, _MIDDLE, _MIDDLE)), "\n".join(lines))

    # --- what it asks about itself ---

    @property
    def end(self) -> int:
        """The place of the end; -1 without a sentence."""
        return len(self.tokens) - 1

    def words_of(self, place: int) -> str:
        """What is said of a word."""
        token = self.tokens[place]
        real = [] if place == self.end or not np.isfinite(token.value) else [f"D takes it for real with p {number(token.value)}"]
        return "\n".join(filter(None, [token.word, *real, token.tip]))

    def text(self) -> str:
        """The sentence as it is shown, without the end."""
        return said([token.word for token in self.tokens[:-1]], self._joiner)

    def wide(self, place: int, size: int) -> float:
        """Pixels of a word's box."""
        t = theme.theme()
        lock = t.px(_LOCK + 4) if place in self.fixed else 0
        return QFontMetricsF(self._face(place, size)).horizontalAdvance(self.tokens[place].word) + 2 * t.px(6) + lock

    def _face(self, place: int, size: int) -> theme.QFont:
        if place == self.end:
            return theme.font(11, 600 if self.open_end else 400)
        return theme.font(size, 600 if place in self.blanks else 400)

    # --- painting ---

    def paint_word(self, painter: QPainter, place: int, room: QRectF) -> None:
        """A word; a blank in a box, locked ones with a lock; the end as a chip."""
        t, word = theme.theme(), self.tokens[place].word
        accent, end = QColor(theme.accent(self)), place == self.end
        filled = self.open_end if end else place in self.blanks
        if end:
            high = t.px(20)
            room = QRectF(room.left(), room.center().y() - high / 2, room.width(), high)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if filled or end:
            painter.setPen(QPen(accent, t.px(2)) if filled else QPen(QColor(t.edge), 1))
            painter.setBrush(QColor(theme.mix(t.panel, theme.accent(self), theme.TINT_OPACITY)) if place in self.fixed else Qt.BrushStyle.NoBrush)
            inset = t.px(3) if place == self._chosen and self.hasFocus() else 1  # within the frame of the focus
            painter.drawRoundedRect(room.adjusted(inset, inset, -inset, -inset), t.px(6), t.px(6))
            painter.setBrush(Qt.BrushStyle.NoBrush)
        if self._from >= 0 and min(self._from, self._to) <= place <= max(self._from, self._to):
            painter.fillRect(room.adjusted(2, 2, -2, -2), QColor(theme.mix(t.panel, theme.accent(self), 0.30)))
        inside = room.adjusted(t.px(6), 0, -t.px(6), 0)
        if place in self.fixed:
            side = t.px(_LOCK)
            left = inside.left() if self._from_right else inside.right() - side
            theme.icon("lock", accent.name()).paint(painter, round(left), round(inside.center().y() - side / 2), side, side)
            inside.adjust(*((side + t.px(4), 0, 0, 0) if self._from_right else (0, 0, -side - t.px(4), 0)))
        painter.setPen(accent if filled else QColor(t.muted if end or self._unread(place) else t.ink))
        painter.setFont(self._face(place, self._size))
        painter.drawText(inside.adjusted(-2, 0, 2, 0), Qt.AlignmentFlag.AlignCenter, self.fitting(painter, word, inside.width()))

    def paint_heat(self, painter: QPainter, place: int, box: QRectF) -> None:
        """Nothing under the end; as wide as the word under a word, as the box under a blank."""
        if place != self.end:
            inset = 0 if place in self.blanks else theme.theme().px(6)
            super().paint_heat(painter, place, box.adjusted(inset, 0, -inset, 0))

    def _unread(self, place: int) -> bool:
        return "reads it as" in self.tokens[place].tip

    # --- keys ---

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space, figures, L, Enter, E and F2, the keys for copying and pasting, and what moves the chosen word."""
        key, place = event.key(), self._chosen
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if event.matches(QKeySequence.StandardKey.Copy) and self.tokens:
            QGuiApplication.clipboard().setText(self.text())
        elif event.matches(QKeySequence.StandardKey.Paste):
            self.pasted.emit(QGuiApplication.clipboard().text())
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and plain:
            self.rerolled.emit()
        elif key == Qt.Key.Key_F2 or (key == Qt.Key.Key_E and plain):
            self.edited.emit()
        elif key == Qt.Key.Key_Space and plain and place >= 0:
            self._toggle(place)
        elif Qt.Key.Key_1 <= key <= Qt.Key.Key_9 and plain:
            if key - Qt.Key.Key_1 < self._choices.get(place, 0) and place in self.blanks:
                self.picked.emit(place, key - Qt.Key.Key_1)
        elif key == Qt.Key.Key_L and plain:
            if place in self.blanks and self.tokens[place].word != NONE:
                self.locked.emit(place, place not in self.fixed)
        else:
            super().keyPressEvent(event)

    def focusNextPrevChild(self, next: bool) -> bool:
        """Tab goes from blank to blank, and from the last one away."""
        ahead = [b for b in self.blanks if (b > self._chosen if next else b < self._chosen)]
        if self._chosen < 0 or not ahead or not self.isVisible():  # Qt asks as well when it is hidden
            return super().focusNextPrevChild(next)
        self._go(min(ahead) if next else max(ahead))
        return True

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Who comes by Tab stands on a blank."""
        super().focusInEvent(event)
        if event.reason() in _TAB and self.tokens:
            first = event.reason() == Qt.FocusReason.TabFocusReason
            self._go((min if first else max)(self.blanks, default=max(0, self._chosen)))
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Without the frame."""
        super().focusOutEvent(event)
        self.update()

    # --- mouse ---

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click, or a drag, begins."""
        super().mousePressEvent(event)
        if event.button() == Qt.MouseButton.LeftButton:
            self._from = self._to = self._at(event)
            self._toggled = -1
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The words that a drag has passed."""
        super().mouseMoveEvent(event)
        at = self._at(event)
        if self._from >= 0 and at >= 0 and at != self._to and self._from < self.own and at < self.own:
            self._to = at
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A word was clicked, or several were passed: all become what the first of them was not."""
        start, stop = self._from, self._to
        if event.button() != Qt.MouseButton.LeftButton or start < 0:
            return
        self._from = self._to = -1
        self.update()
        if start == stop:
            if self._at(event) == start:
                self._toggled = start
                self._toggle(start)
        else:
            on = start not in self.blanks
            self.blanked.emit([i for i in range(min(start, stop), max(start, stop) + 1) if (i in self.blanks) != on], on)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Take back what the first click did, and type."""
        if event.button() == Qt.MouseButton.LeftButton:
            if self._toggled >= 0:
                self._toggle(self._toggled)
                self._toggled = -1
            self.edited.emit()

    def _at(self, event: QMouseEvent) -> int:
        return self.place_at(event.position().x(), event.position().y())

    def _toggle(self, place: int) -> None:
        if place == self.end:
            self.end_toggled.emit(not self.open_end)
        elif place < self.own:
            self.blanked.emit([place], place not in self.blanks)

    def changeEvent(self, event: QEvent) -> None:
        """Another accent."""
        QWidget.changeEvent(self, event)
        if event.type() == QEvent.Type.StyleChange:
            self.update()
