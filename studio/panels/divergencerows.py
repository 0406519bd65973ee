"""The f-divergence table: a line a divergence, of which one is picked."""

from __future__ import annotations

import re

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from models.divergences import DIVERGENCES
from studio import theme

NAMES = tuple(DIVERGENCES)
LINES = dict(zip(NAMES, theme.SERIES, strict=True))  # the line that each has wherever several are drawn
HEADS = ("divergence", "f(u)", "f*(t)", "T = ν(F)", "w(F)")
TIPS = (
    "Which divergence D_f of the data P and the samples Q the discriminator estimates",
    "The convex function of the divergence, of u = p/q: D_f = E_Q[f(p/q)]",
    "Its convex conjugate, sup over u of u t − f(u)",
    "What makes of the raw output F of D a number for which f* is finite",
    "The importance weight f*'(ν(F)) of a sample: the discriminator's estimate of p/q",
)
LINE, INDENT, GAP, USED = 26, 34, 16, "in use"
_RAISED = re.compile(r"([_^])(\([^)]*\)|[A-Za-z0-9])")


class DivergenceRows(QWidget):
    """Painted by hand, because of the exponents; the arrow keys pick as well.

    Signals:
        picked(str): another row.
    """

    picked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._picked, self._used, self._hover = NAMES[0], "", -1
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("f-divergences")
        theme.notifier.changed.connect(self._again)
        self._tell()

    def pick(self, name: str) -> None:
        """Go to a row, as if the person had."""
        if name != self._picked:
            self._picked = name
            self._tell()
            self.update()
            self.picked.emit(name)

    def name(self) -> str:
        """The row that is picked."""
        return self._picked

    def show_used(self, name: str) -> None:
        """Mark the row that the run trains with; none for ""."""
        if name != self._used:
            self._used = name
            self._tell()
            self.update()

    def sizeHint(self) -> QSize:
        """All rows, and their formulas in full."""
        return QSize(round(sum(self._wide())), theme.theme().px(LINE * (len(NAMES) + 1)))

    def minimumSizeHint(self) -> QSize:
        """All rows, with shorter formulas."""
        return QSize(theme.theme().px(420), self.sizeHint().height())

    # --- drawing ----------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Heads, then the rows."""
        t, painter = theme.theme(), QPainter(self)
        high, lefts = t.px(LINE), self._lefts()
        painter.setFont(theme.font(11))
        painter.setPen(QColor(t.muted))
        for head, left in zip(HEADS, lefts, strict=False):
            painter.drawText(QRectF(left, 0, 200, high), Qt.AlignmentFlag.AlignVCenter, head)
        for i, name in enumerate(NAMES):
            self._paint_row(painter, name, lefts, QRectF(0, (i + 1) * high, self.width(), high), hover=i == self._hover)
        painter.end()

    def _paint_row(self, painter: QPainter, name: str, lefts: list[float], box: QRectF, *, hover: bool) -> None:
        t, chosen, accent = theme.theme(), name == self._picked, theme.accent(self)
        if chosen or hover:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.mix(t.panel, accent, theme.TINT_OPACITY) if chosen else t.hover))
            painter.drawRoundedRect(box, t.px(4), t.px(4))
        if chosen and self.hasFocus():
            painter.setPen(QPen(QColor(accent), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), t.px(4), t.px(4))
        line = theme.pen(LINES[name])
        line.setWidthF(2)
        if dash := theme.dash_of(LINES[name]):
            line.setDashPattern([v / 2 for v in dash])
        painter.setPen(line)
        y = round(box.center().y())
        painter.drawLine(t.px(8), y, t.px(8 + 18), y)
        base = box.center().y() + QFontMetricsF(theme.font(12)).capHeight() / 2
        painter.setPen(QColor(t.ink))
        painter.setFont(theme.font(12, 600 if chosen else 400))
        painter.drawText(round(lefts[0]), round(base), DIVERGENCES[name].title)
        for text, left, right in zip(formulas(name), lefts[1:-1], lefts[2:], strict=True):
            painter.save()
            painter.setClipRect(QRectF(left, box.top(), right - left - t.px(4), box.height()))
            draw_formula(painter, left, base, text, theme.font(12))
            painter.restore()
        if name == self._used:
            painter.setPen(QColor(accent))
            painter.setFont(theme.font(11, 600))
            painter.drawText(box.adjusted(0, 0, -t.px(8), 0), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, USED)

    def _wide(self) -> list[float]:
        """Of the line sample, each column with the gap behind it, and the mark."""
        px, face = theme.theme().px, theme.font(12)
        titles = max(QFontMetricsF(theme.font(12, 600)).horizontalAdvance(d.title) for d in DIVERGENCES.values())
        columns = [max(formula_width(words[i], face) for words in map(formulas, NAMES)) for i in range(len(HEADS) - 1)]
        mark = QFontMetricsF(theme.font(11, 600)).horizontalAdvance(USED) + px(8)
        return [px(INDENT), *(w + px(GAP) for w in (titles, *columns)), mark]

    def _lefts(self) -> list[float]:
        """Where the columns begin, and where the last ends; spare room goes between them, what is missing is taken from the formulas."""
        first, *columns, mark = self._wide()
        spare = self.width() - first - mark - sum(columns)
        share = spare / len(columns) if spare > 0 else spare / (len(columns) - 1)
        share = min(share, theme.theme().px(48))
        lefts = [first]
        for i, wide in enumerate(columns):
            lefts.append(lefts[-1] + wide + (share if spare > 0 or i else 0))
        return lefts

    # --- the mouse and the keys -------------------------------------------------------------------------------

    def _row_at(self, y: float) -> int:
        i = int(y // theme.theme().px(LINE)) - 1
        return i if 0 <= i < len(NAMES) else -1

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pick."""
        i = self._row_at(event.position().y())
        if i >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self.pick(NAMES[i])

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Light up."""
        self._set_hover(self._row_at(event.position().y()))

    def leaveEvent(self, event: QEvent) -> None:
        """And out."""
        self._set_hover(-1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and down."""
        by = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()), 0)
        if by:
            self.pick(NAMES[min(len(NAMES) - 1, max(0, NAMES.index(self._picked) + by))])
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """What a column is."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            lefts = self._lefts()
            place = sum(event.pos().x() >= left for left in lefts[1:-1])
            i = self._row_at(event.pos().y())
            said = plain(formulas(NAMES[i])[place - 1]) + "\n" if i >= 0 and place else ""
            QToolTip.showText(event.globalPos(), said + TIPS[place], self)
            return True
        return super().event(event)

    def _set_hover(self, row: int) -> None:
        if row != self._hover:
            self._hover = row
            self.update()

    def _again(self) -> None:
        self.updateGeometry()
        self.update()

    def _tell(self) -> None:
        used = f"; {DIVERGENCES[self._used].title} is in use" if self._used else ""
        said = "; ".join(f"{head}: {plain(text)}" for head, text in zip(HEADS[1:], formulas(self._picked), strict=True))
        self.setAccessibleDescription(f"{DIVERGENCES[self._picked].title}: {said}{used}")


def formulas(name: str) -> tuple[str, str, str, str]:
    """What stands in the columns of a row, exponents as ^ and indices as _."""
    d = DIVERGENCES[name]
    texts = (d.f_text, d.conjugate_text, d.nu_text, d.w_text)
    return tuple(text.replace("ᵗ", "^t") for text in texts)  # pyright: ignore[reportReturnType]


def plain(text: str) -> str:
    """In one line, for a tooltip."""
    return text.replace("_Q", " over Q ")


def formula_width(text: str, face: QFont) -> float:
    """How wide `draw_formula` draws."""
    return sum(QFontMetricsF(_face(face, way)).horizontalAdvance(said) for said, way in _parts(text))


def draw_formula(painter: QPainter, x: float, baseline: float, text: str, face: QFont) -> None:
    """Paint a formula with its exponents raised and its indices lowered."""
    for said, way in _parts(text):
        small = _face(face, way)
        painter.setFont(small)
        painter.drawText(round(x), round(baseline - 0.35 * face.pixelSize() * way), said)
        x += QFontMetricsF(small).horizontalAdvance(said)


def _parts(text: str) -> list[tuple[str, int]]:
    """Words, and 1 for an exponent, −1 for an index, 0 for neither."""
    out, at = [], 0
    for found in _RAISED.finditer(text):
        out += [(text[at : found.start()], 0), (found[2].strip("()"), 1 if found[1] == "^" else -1)]
        at = found.end()
    return [(said, way) for said, way in [*out, (text[at:], 0)] if said]


def _face(face: QFont, way: int) -> QFont:
    out = QFont(face)
    if way:
        out.setPixelSize(max(8, round(face.pixelSize() * 0.8)))
    return out
