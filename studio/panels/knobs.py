"""The settings that can be turned while something runs, built from their descriptions alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QSize, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QWidget

from models.knobs import Knob, Value
from studio import theme
from studio.panels.knob import KnobRow
from studio.panels.scrolling import scrolled_side, side_width
from studio.widgets import column, label

_EVERY_MS = 50


class KnobsPanel(QFrame):
    """Knobs under the headings of their groups, then whatever a page adds.

    Signals:
        changed(str, object): name and value, while a slider is dragged (at most 20 times a second) and when a field is left.
    """

    changed = Signal(str, object)

    def __init__(self, knobs: Sequence[Knob]) -> None:
        super().__init__()
        self.setProperty("kind", "side")
        self.rows: dict[str, KnobRow] = {}
        self._groups: dict[str, list[QWidget]] = {}
        outer = column(self, spacing=0)
        self._frozen = label("", "caption")
        self._frozen.setWordWrap(True)
        self._frozen.setContentsMargins(16, 10, 16, 0)
        self._frozen.hide()
        self._area, self._body = scrolled_side()
        outer.addWidget(self._frozen)
        outer.addWidget(self._area, 1)
        self._outer = outer
        for group in dict.fromkeys(k.group for k in knobs):
            if group:
                self._groups[group] = [self._heading(group)]
            for knob in (k for k in knobs if k.group == group):
                self.rows[knob.name] = KnobRow(knob)
                self.rows[knob.name].changed.connect(lambda value, name=knob.name: self._on_row(name, value))
                self._body.addWidget(self.rows[knob.name])
                self._groups.setdefault(group, []).append(self.rows[knob.name])
        self._body.addStretch(1)
        self._waiting: dict[str, Value] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self._flush)
        theme.notifier.changed.connect(self._on_theme)
        self._on_theme()

    def showEvent(self, event: QShowEvent) -> None:
        """Its rows have their sizes now."""
        super().showEvent(event)
        self._on_theme()

    def sizeHint(self) -> QSize:
        """As wide as it is, whatever its rows would like."""
        return QSize(self.width(), super().sizeHint().height())

    def set_values(self, values: Mapping[str, Value]) -> None:
        """Show values without telling anybody; names that are not here are passed over."""
        for name, value in values.items():
            if name in self.rows and name not in self._waiting:
                self.rows[name].show_value(value)

    def values(self) -> dict[str, Value]:
        """What is shown now."""
        return {name: r.value for name, r in self.rows.items()}

    def allow(self, name: str, on: bool, why: str = "") -> None:
        """Grey out a knob that has no effect now, with the reason as its tooltip."""
        self.rows[name].allow(on, why)

    def freeze(self, why: str) -> None:
        """Values that are only to be read, and why; "" lets them be turned again."""
        self._frozen.setText(why)
        self._frozen.setVisible(bool(why))
        self._area.setEnabled(not why)

    def show_group(self, name: str, on: bool) -> None:
        """Whether the knobs of a group, with its heading, can be seen; what they say counts all the same."""
        for widget in self._groups.get(name, ()):
            widget.setVisible(on)

    def add_section(self, title: str, widget: QWidget) -> None:
        """More controls below the knobs, for example of the view."""
        self._heading(title, self._body.count() - 1)
        self._body.insertWidget(self._body.count() - 1, widget)

    def set_footer(self, widget: QWidget) -> None:
        """Something that stays at the bottom, for example the journal."""
        holder = QWidget()
        column(holder, margin=16).addWidget(widget)
        holder.layout().setContentsMargins(16, 8, 16, 12)  # pyright: ignore[reportOptionalMemberAccess]
        line = QFrame()
        line.setProperty("kind", "line")
        self._outer.addWidget(line)
        self._outer.addWidget(holder)

    def _heading(self, text: str, place: int = -1) -> QWidget:
        head = label(text[:1].upper() + text[1:], "section")
        if self._body.count() > (1 if place >= 0 else 0):
            head.setContentsMargins(0, 8, 0, 0)
        self._body.insertWidget(place, head)
        return head

    def _on_theme(self) -> None:
        self.setFixedWidth(side_width(self._area))

    def _on_row(self, name: str, value: Value) -> None:
        self._waiting[name] = value
        if not self._timer.isActive():
            self._flush()

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for name, value in waiting.items():
            self.changed.emit(name, value)
        if waiting:
            self._timer.start()
