"""The few small widgets that several panels and pages share."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import escape
from typing import TypeVar

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QKeySequence, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen, QResizeEvent, QValidator
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QButtonGroup,
    QComboBox,
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QSlider,
    QSpinBox,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionComboBox,
    QStyleOptionViewItem,
    QStylePainter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from studio import theme

_SUBSCRIPT = re.compile(r"_([A-Za-z0-9]+)")

S = TypeVar("S", bound=QAbstractSpinBox)


def symbol_html(symbol: str, size: float = 13) -> str:
    """A paper's symbol as rich text at a size of the table: `k_t` gets a true subscript."""
    small = theme.theme().px(size * 1.25)  # Qt takes two thirds of it
    return _SUBSCRIPT.sub(rf"<sub style='font-size:{small}px'>\1</sub>", escape(symbol))


def number(value: float | int | None) -> str:
    """A read-out: three figures, thousands separators for whole numbers, a dash for none."""
    if value is None or value != value:
        return "–"
    if isinstance(value, int):
        return f"{value:,}".replace("-", "−")
    size = abs(value)
    if size == float("inf"):
        return "∞" if value > 0 else "−∞"
    if size and not 1e-4 <= size < 1e6:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{mantissa}e{int(exponent)}".replace("-", "−")
    text = f"{value:#.3g}" if size < 1000 else f"{value:,.0f}"
    return text.rstrip(".").replace("-", "−")


def label(text: str = "", kind: str = "") -> QLabel:
    """A label of a kind of the theme: title, section, muted, caption, readout, words, strong, bad, warn, good."""
    out = QLabel(text)
    if kind:
        out.setProperty("kind", kind)
    return out


def row(*widgets: QWidget | int, spacing: int = 8) -> QHBoxLayout:
    """Widgets side by side; a number is a stretch."""
    out = QHBoxLayout()
    out.setContentsMargins(0, 0, 0, 0)
    out.setSpacing(spacing)
    for w in widgets:
        if isinstance(w, int):
            out.addStretch(w)
        else:
            out.addWidget(w)
    return out


def column(parent: QWidget | None = None, margin: int = 0, spacing: int = 8) -> QVBoxLayout:
    """A column with the same margin all round."""
    out = QVBoxLayout(parent) if parent is not None else QVBoxLayout()
    out.setContentsMargins(margin, margin, margin, margin)
    out.setSpacing(spacing)
    return out


def button(text: str, icon: str = "", *, kind: str = "", tip: str = "", clicked: Callable[[], object] | None = None) -> QPushButton:
    """A push button; the kinds are primary, quiet and segment."""
    out = QPushButton(text)
    if kind:
        out.setProperty("kind", kind)
    if icon:
        theme.set_icon(out, icon, "on_accent" if kind == "primary" else "ink")
    if tip:
        out.setToolTip(tip)
    if clicked is not None:
        out.clicked.connect(lambda *_: clicked())
    return out


class _Whole(QSpinBox):
    """Takes more digits than its largest number has room for, and becomes that number, where Qt would lose the last digit."""

    def validate(self, input: str, pos: int) -> tuple[QValidator.State, str, int]:
        """A number that is too large may be typed."""
        if (self._typed(input) or 0) > self.maximum():
            return QValidator.State.Intermediate, input, pos
        return super().validate(input, pos)

    def fixup(self, input: str) -> str:
        """And is as large as it may be."""
        return self.textFromValue(self.maximum()) if (self._typed(input) or 0) > self.maximum() else super().fixup(input)

    def _typed(self, text: str) -> int | None:
        digits = text.replace(self.locale().groupSeparator(), "").strip()
        return int(digits) if digits.isdecimal() else None


def spin(low: int, high: int, value: int, tip: str, *, step: int = 1) -> QSpinBox:
    """A field for a whole number, 84 px wide; it tells of a typed number when it is complete."""
    out = _Whole()
    out.setRange(low, high)
    out.setSingleStep(step)
    out.setGroupSeparatorShown(True)
    out.setValue(value)
    return _field(out, 84, tip)


def decimal(low: float, high: float, value: float, tip: str, *, step: float = 0.05) -> QDoubleSpinBox:
    """The same for a number with two decimals, 72 px wide."""
    out = QDoubleSpinBox()
    out.setRange(low, high)
    out.setSingleStep(step)
    out.setValue(value)
    return _field(out, 72, tip)


def _field(out: S, width: int, tip: str) -> S:
    out.setKeyboardTracking(False)
    out.setFixedWidth(theme.theme().px(width))
    out.setToolTip(tip)
    out.setAccessibleName(tip)
    out.lineEdit().setTextMargins(theme.theme().px(5), 0, 0, 0)  # the style sheet's padding does not reach the text
    return out


def tool(icon: str, name: str, clicked: Callable[[], object] | None = None) -> QToolButton:
    """A button that is only an icon; its name is the tooltip and what a screen reader says."""
    out = QToolButton()
    theme.set_icon(out, icon, "muted")
    out.setIconSize(QSize(theme.theme().px(16), theme.theme().px(16)))
    out.setToolTip(name)
    out.setAccessibleName(name)
    out.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    if clicked is not None:
        out.clicked.connect(lambda *_: clicked())
    return out


def small(text: str, tip: str, *, checkable: bool = False) -> QToolButton:
    """A low button with a word, for the line of a heading."""
    out = QToolButton()
    out.setText(text)
    out.setProperty("kind", "small")
    out.setToolTip(tip)
    out.setCheckable(checkable)
    out.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return out


class Card(QFrame):
    """A calm rectangle with a hairline; `body` is its column."""

    def __init__(self, title: str = "", *, margin: int = 12, spacing: int = 8) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self.body = column(self, margin, spacing)
        self.heading = label(title, "section")
        if title:
            self.body.addWidget(self.heading)


class _Items(QStyledItemDelegate):
    """The lines of a combo box; a separator, which Qt's delegate for style sheets draws as an empty line, is a hairline."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        """A line, or the hairline."""
        if not _is_separator(index):
            super().paint(painter, option, index)
            return
        box, inset = QRect(option.rect), theme.theme().px(6)  # pyright: ignore[reportAttributeAccessIssue]
        painter.fillRect(box.left() + inset, box.center().y(), box.width() - 2 * inset, 1, QColor(theme.theme().hairline))

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """A separator is low."""
        size = super().sizeHint(option, index)
        return QSize(size.width(), theme.theme().px(9)) if _is_separator(index) else size


def _is_separator(index: QModelIndex | QPersistentModelIndex) -> bool:
    return index.data(Qt.ItemDataRole.AccessibleDescriptionRole) == "separator"  # what QComboBox.insertSeparator writes


class Combo(QComboBox):
    """A combo box whose list obeys the style sheet, whose text ends in … where it does not fit, and which the wheel does not change in passing."""

    def __init__(self, items: Sequence[str] = ()) -> None:
        super().__init__()
        self.setItemDelegate(_Items(self))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.addItems(list(items))

    def paintEvent(self, e: QPaintEvent) -> None:
        """Qt would cut the text off."""
        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        if self.currentIndex() < 0 and self.placeholderText():
            option.palette.setBrush(QPalette.ColorRole.ButtonText, option.palette.placeholderText())  # pyright: ignore[reportAttributeAccessIssue]
            option.currentText = self.placeholderText()  # pyright: ignore[reportAttributeAccessIssue]
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        room = self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, self).width()
        text = option.currentText  # pyright: ignore[reportAttributeAccessIssue]
        option.currentText = self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, room - 2)  # pyright: ignore[reportAttributeAccessIssue]
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()

    def wheelEvent(self, e: QEvent) -> None:
        """Scroll the panel instead."""
        e.ignore()


class Slider(QSlider):
    """A horizontal slider that goes where one clicks and leaves the mouse wheel to the panel."""

    def __init__(self, steps: int) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setRange(0, steps)
        self.setPageStep(max(1, steps // 10))
        self.setSingleStep(max(1, steps // 100))

    def wheelEvent(self, e: QEvent) -> None:
        """Scroll the panel instead."""
        e.ignore()

    def mousePressEvent(self, ev: QMouseEvent) -> None:
        """Jump, then drag."""
        if ev.button() == Qt.MouseButton.LeftButton:
            handle = theme.theme().px(14)
            place = round(ev.position().x() - handle / 2)
            self.setSliderPosition(QStyle.sliderValueFromPosition(self.minimum(), self.maximum(), place, max(1, self.width() - handle)))
        super().mousePressEvent(ev)


class ValueField(QLineEdit):
    """A right-aligned number, 84 px wide.

    Signals:
        stepped(int): an arrow key (1 or -1) or a page key (10 or -10).
        reset(): Esc.
    """

    stepped = Signal(int)
    reset = Signal()
    _KEYS = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1, Qt.Key.Key_PageUp: 10, Qt.Key.Key_PageDown: -10}

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "value")
        self.setAlignment(Qt.AlignmentFlag.AlignRight)

    def event(self, arg__1: QEvent) -> bool:
        """Undo and redo are those of the page, unless something has been typed that is not taken yet."""
        if arg__1.type() != QEvent.Type.ShortcutOverride or not isinstance(arg__1, QKeyEvent) or self.isModified():
            return super().event(arg__1)
        if not any(arg__1.matches(key) for key in (QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo)):
            return super().event(arg__1)
        arg__1.ignore()
        return False

    def set_bad(self, bad: bool) -> None:
        """Colour what cannot be taken."""
        if bool(self.property("state")) != bad:
            self.setProperty("state", "bad" if bad else "")
            theme.restyle(self)

    def keyPressEvent(self, arg__1: QKeyEvent) -> None:
        """Arrows and Esc."""
        key = arg__1.key()
        if key in self._KEYS:
            self.stepped.emit(self._KEYS[Qt.Key(key)])
        elif key == Qt.Key.Key_Escape:
            self.reset.emit()
        else:
            super().keyPressEvent(arg__1)


class ElidedLabel(QLabel):
    """One line of text that ends in … where it does not fit, and then says all of it in its tooltip."""

    def __init__(self, text: str = "", kind: str = "", mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight) -> None:
        super().__init__()
        self._all, self._mode = text, mode
        if kind:
            self.setProperty("kind", kind)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setTextFormat(Qt.TextFormat.PlainText)
        super().setText(text)

    def setText(self, arg__1: str) -> None:
        """Show another text."""
        if arg__1 != self._all:
            self._all = arg__1
            self.updateGeometry()
            self._fit()

    def full_text(self) -> str:
        """What would be shown on a wide window."""
        return self._all

    def sizeHint(self) -> QSize:
        """Wide enough for all of it."""
        return QSize(self.fontMetrics().horizontalAdvance(self._all) + 2, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """A few letters."""
        return QSize(min(self.sizeHint().width(), theme.theme().px(24)), super().sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cut again."""
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, e: QEvent) -> None:
        """Cut again in another font."""
        super().changeEvent(e)
        if e.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def _fit(self) -> None:
        short = self.fontMetrics().elidedText(self._all, self._mode, max(0, self.width()))
        super().setText(short)
        if not self.property("own_tip"):
            self.setToolTip(escape(self._all) if short != self._all else "")


class Segmented(QWidget):
    """One of a few, side by side.

    Signals:
        chosen(int): the place of the segment that the person pressed.
    """

    chosen = Signal(int)

    def __init__(self, texts: Sequence[str], tips: Sequence[str] = ()) -> None:
        super().__init__()
        self._group = QButtonGroup(self)
        self.buttons: list[QPushButton] = []
        line = row(spacing=0)
        for i, text in enumerate(texts):
            b = QPushButton(text)
            b.setCheckable(True)
            b.setProperty("kind", "segment")
            b.setProperty("place", "first" if i == 0 else "last" if i == len(texts) - 1 else "middle")
            b.setToolTip(tips[i] if i < len(tips) else "")
            b.clicked.connect(lambda _=False, i=i: self.chosen.emit(i))
            self._group.addButton(b, i)
            self.buttons.append(b)
            line.addWidget(b)
        line.addStretch(1)
        self.setLayout(line)
        self.select(0)

    def select(self, place: int) -> None:
        """Press one without telling anybody."""
        self.buttons[place].setChecked(True)

    def selected(self) -> int:
        """The place of the pressed one."""
        return self._group.checkedId()


class Legend(QWidget):
    """Dash samples with names and numbers in one line; where that is too long the names alone, or the numbers while one is asked for."""

    def __init__(self, entries: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._entries = list(entries)  # (label, role)
        self._values, self._asked = ["" for _ in entries], False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(", ".join(name for name, _ in entries))

    def show_values(self, values: Sequence[str], asked: bool = False) -> None:
        """The number behind each name, "" for none; `asked` when somebody points at a step."""
        if list(values) != self._values or asked != self._asked:
            self._values, self._asked = list(values), asked
            self.update()

    def sizeHint(self) -> QSize:
        """One line of captions."""
        return QSize(120, theme.theme().px(16))

    def minimumSizeHint(self) -> QSize:
        """As low, and narrow."""
        return QSize(40, theme.theme().px(16))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw sample, name, number; sample, name, number …"""
        t, painter = theme.theme(), QPainter(self)
        plain, strong = theme.font(11), theme.font(11, 600)
        dash, gap, between = t.px(16), t.px(5), t.px(14)
        wide = [symbol_width(name, plain) + gap for name, _ in self._entries]
        numbers = [QFontMetricsF(strong).horizontalAdvance(v) + gap if v else 0.0 for v in self._values]
        lines = len(wide) * dash + (len(wide) - 1) * between
        both = lines + sum(wide) + sum(numbers) <= self.width()
        with_names, with_numbers = both or not self._asked, both or self._asked
        taken = lines + sum(wide) * with_names + sum(numbers) * with_numbers
        between -= min(between - gap, max(0.0, taken - self.width()) / max(1, len(wide) - 1))
        x, base = 0.0, self.height() / 2 + QFontMetricsF(plain).capHeight() / 2
        for i, (name, role) in enumerate(self._entries):
            sample = theme.pen(role)
            sample.setWidthF(2)
            if dash_of := theme.dash_of(role):
                sample.setDashPattern([v / 2 for v in dash_of])
            painter.setPen(sample)
            y = round(self.height() / 2)
            painter.drawLine(round(x), y, round(x) + dash, y)
            x += dash
            if with_names:
                painter.setPen(QPen(QColor(t.muted)))
                draw_symbol(painter, x + gap, base, name, plain)
                x += wide[i]
            if with_numbers and self._values[i]:
                painter.setPen(QPen(QColor(t.ink)))
                painter.setFont(strong)
                painter.drawText(round(x + gap), round(base), self._values[i])
                x += numbers[i]
            x += between
        painter.end()


def symbol_width(symbol: str, face: theme.QFont) -> float:
    """How wide `draw_symbol` draws."""
    small = _small(face)
    parts = _SUBSCRIPT.split(symbol)
    return sum(QFontMetricsF(small if i % 2 else face).horizontalAdvance(p) for i, p in enumerate(parts))


def draw_symbol(painter: QPainter, x: float, baseline: float, symbol: str, face: theme.QFont) -> float:
    """Paint a symbol with its subscripts; returns where it ends."""
    small = _small(face)
    for i, part in enumerate(_SUBSCRIPT.split(symbol)):
        painter.setFont(small if i % 2 else face)
        painter.drawText(round(x), round(baseline + (face.pixelSize() * 0.2 if i % 2 else 0)), part)
        x += QFontMetricsF(painter.font()).horizontalAdvance(part)
    return x


def _small(face: theme.QFont) -> theme.QFont:
    out = theme.QFont(face)
    out.setPixelSize(max(8, round(face.pixelSize() * 0.8)))
    return out


class DoubleClicks(QObject):
    """Calls back when a widget is double-clicked; keeps itself alive as the widget's child."""

    def __init__(self, widget: QWidget, act: Callable[[], object]) -> None:
        super().__init__(widget)
        self._act = act
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Act on a double click, let everything else pass."""
        if event.type() == QEvent.Type.MouseButtonDblClick and isinstance(event, QMouseEvent):
            self._act()
            return True
        return False
