"""Between two conditions: a pad whose width is the share of the second, and whose height the strength ε2 of both."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio import theme
from studio.panels.conditionfield import ConditionField, kind_and_text
from studio.widgets import Card, label, number

LOW, HIGH = 1e-2, 1e2  # of ε2
NUDGE = 0.05


class Pad(QWidget):
    """A square that one drags a point in.

    Attributes:
        held: while the mouse drags. drags: how often it has begun to.

    Signals:
        moved(float, float): share of B in [0, 1], and the height in [0, 1].
    """

    moved = Signal(float, float)

    def __init__(self) -> None:
        super().__init__()
        self.at = (0.0, 0.5)
        self.held, self.drags = False, 0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Blend of two conditions")
        self.setAccessibleDescription("Left and right move between A and B, up and down change how strongly the condition pulls")
        self.setToolTip("Left: only A. Right: only B. Up: the condition pulls harder (ε2). Arrow keys move the point")
        theme.notifier.changed.connect(self.update)

    def put(self, share: float, height: float) -> None:
        """Take a place without telling anybody."""
        self.at = (min(1.0, max(0.0, share)), min(1.0, max(0.0, height)))
        self.update()

    def sizeHint(self) -> QSize:
        """A square."""
        return QSize(theme.theme().px(220), theme.theme().px(180))

    def _room(self) -> QRectF:
        return QRectF(self.rect()).adjusted(10, 10, -10, -10)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Field, cross lines, point."""
        t, painter, r = theme.theme(), QPainter(self), self._room()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.accent(self) if self.hasFocus() else t.hairline), 2 if self.hasFocus() else 1))
        painter.setBrush(QColor(t.field))
        painter.drawRoundedRect(r, 6, 6)
        painter.setPen(QPen(QColor(t.hairline), 1))
        for share in (0.25, 0.5, 0.75):
            painter.drawLine(QPointF(r.left() + share * r.width(), r.top()), QPointF(r.left() + share * r.width(), r.bottom()))
            painter.drawLine(QPointF(r.left(), r.top() + share * r.height()), QPointF(r.right(), r.top() + share * r.height()))
        painter.setFont(theme.font(13, 600))
        painter.setPen(QColor(t.muted))
        inside = r.adjusted(8, 6, -8, -6)
        painter.drawText(inside, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, "A")
        painter.drawText(inside, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, "B")
        painter.setFont(theme.font(11))
        painter.drawText(inside, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, f"ε2 = {HIGH:g}")
        painter.drawText(inside, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom, f"ε2 = {LOW:g}")
        here = QPointF(r.left() + self.at[0] * r.width(), r.bottom() - self.at[1] * r.height())
        painter.setPen(QPen(QColor(t.panel), 2))
        painter.setBrush(QColor(theme.accent(self)))
        painter.drawEllipse(here, 8, 8)
        painter.end()

    def _go(self, share: float, height: float) -> None:
        self.put(share, height)
        self.moved.emit(*self.at)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """There."""
        self.held, self.drags = True, self.drags + 1
        self.mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """No further."""
        super().mouseReleaseEvent(event)
        self.held = False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """And on."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            r, p = self._room(), event.position()
            self._go((p.x() - r.left()) / r.width(), (r.bottom() - p.y()) / r.height())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows."""
        way = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1)}.get(Qt.Key(event.key()))
        if way is None:
            super().keyPressEvent(event)
        else:
            self._go(self.at[0] + NUDGE * way[0], self.at[1] + NUDGE * way[1])


class BlendPad(Card):
    """The second condition, and the pad.

    Signals:
        blended(tuple, float, float): conditions B, their share in [0, 1], and ε2.
    """

    blended = Signal(object, float, float)

    def __init__(self) -> None:
        super().__init__(margin=12, spacing=4)
        self.second = ConditionField("Condition B")
        self.second.field.setToolTip("A is the condition above the stage")
        self.second.entered.connect(lambda _: self._tell())
        self.pad, self.words = Pad(), label("", "caption")
        self.words.setWordWrap(True)
        self.pad.moved.connect(lambda *_: self._tell())
        self.body.addWidget(label("B, blended with the condition above", "section"))
        self.body.addWidget(self.second)
        self.body.addWidget(self.pad, 1)
        self.body.addWidget(self.words)
        self._say()

    def show_strength(self, epsilon2: float) -> None:
        """ε2 is another now; nothing is told."""
        height = math.log(min(HIGH, max(LOW, epsilon2)) / LOW) / math.log(HIGH / LOW) if epsilon2 > 0 else 0.0
        if abs(height - self.pad.at[1]) > 1e-6:
            self.pad.put(self.pad.at[0], height)
            self._say()

    def leave(self) -> None:
        """Only A, as before."""
        self.pad.put(0.0, self.pad.at[1])
        self._say()

    def share(self) -> float:
        """Of B, in [0, 1]; 0 as long as there is no B."""
        return self.pad.at[0] if self.second.is_good() else 0.0

    def sign(self) -> str:
        """Both shares in short, for a place away from the pad; "" where A is alone."""
        share = self.share()
        both = f"{1 - share:.0%} A + {share:.0%} B" if share < 1 else "100% B"
        return f"{both}: {kind_and_text(self.second.wishes())[1]}" if share > 0 else ""

    def strength(self) -> float:
        """ε2 at the point."""
        return float(f"{LOW * (HIGH / LOW) ** self.pad.at[1]:.3g}")

    def _tell(self) -> None:
        self._say()
        if self.second.is_good():
            self.blended.emit(self.second.wishes(), self.pad.at[0], self.strength())

    def _say(self) -> None:
        if not self.second.is_good():
            self.words.setText("Name B, press Enter, and drag the point.")
        else:
            self.words.setText(f"{1 - self.pad.at[0]:.0%} A, {self.pad.at[0]:.0%} B, ε2 = {number(self.strength())}")
