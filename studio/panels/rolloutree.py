"""Roll-outs of one prefix as a tree: what begins alike is drawn once, and each ends in the discriminator's verdict."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QVariantAnimation, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QStyle, QToolTip, QWidget

from models.settings import settings
from studio import theme
from studio.panels.tokenheat import cut, said, short

ROW, HEAD = 22, 30  # pixels of a roll-out; of the line above the bars
UNFOLD = 120  # milliseconds, at most
ENDS = "(ends here)"
_SCALES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True)
class Branch:
    """A piece of text that all of `members` share, after which they part, or end."""

    tokens: tuple[str, ...]
    members: tuple[int, ...]  # places of the roll-outs that run through it
    verdict: float  # mean of theirs: D's, or what stands for it
    children: tuple[Branch, ...] = ()

    def leaves(self) -> Iterator[Branch]:
        """The ends, from the top."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()


def grow(rollouts: Sequence[Sequence[str]], verdicts: Sequence[float] | np.ndarray) -> Branch:
    """The tree of N continuations of one prefix: common beginnings become one branch, equal continuations one leaf of several members.

    The root holds what all begin with, often nothing. Branches that part are sorted by the mean verdict of their members,
    the best first; a continuation that ends where others go on is a leaf without tokens. `verdicts`: (N,).
    """
    values = np.asarray(verdicts, float)
    return _grown([tuple(r) for r in rollouts], tuple(range(len(rollouts))), values, 0)


def _grown(texts: Sequence[tuple[str, ...]], members: tuple[int, ...], values: np.ndarray, start: int) -> Branch:
    stop, least = start, min((len(texts[m]) for m in members), default=0)
    while stop < least and len({texts[m][stop] for m in members}) == 1:
        stop += 1
    shared = texts[members[0]][start:stop] if members else ()
    mean = float(values[list(members)].mean()) if members else math.nan
    if len({texts[m] for m in members}) <= 1:
        return Branch(shared, members, mean)
    parts: dict[str | None, list[int]] = {}
    for m in members:
        parts.setdefault(texts[m][stop] if stop < len(texts[m]) else None, []).append(m)
    children = (_grown(texts, tuple(part), values, stop) for part in parts.values())
    return Branch(shared, members, mean, tuple(sorted(children, key=lambda b: (not math.isfinite(b.verdict), -b.verdict))))


def scale_of(verdicts: Sequence[np.ndarray]) -> float:
    """Where the bars end: the smallest of 0.01, 0.02, 0.05 … 1 that holds all of them."""
    most = max((float(v[np.isfinite(v)].max(initial=0.0)) for v in verdicts), default=1.0)
    return next((s for s in _SCALES if s >= most), 1.0)


@dataclass(frozen=True)
class _Place:
    """A branch on the screen."""

    branch: Branch
    x: float  # where its text begins
    end: float  # where its text ends
    rows: range  # of its leaves
    text: str
    parent: int  # -1: it grows from nothing


class RolloutTree(QWidget):
    """The prefix as trunk, its roll-outs as branches, the verdicts as bars; the trunk stays in view when it scrolls.

    Signals:
        grown(): it has unfolded.
    """

    grown = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "clear")
        self.setAccessibleName("Roll-outs of the chosen word")
        self.prefix: tuple[str, ...] = ()
        self.root: Branch | None = None
        self.leaves: tuple[Branch, ...] = ()
        self.rollouts: Sequence[Sequence[str]] = ()
        self._verdicts, self._mean, self._joiner, self._scale, self._hover, self._stale = np.zeros(0), math.nan, " ", 1.0, -1, False
        self._heat: Callable[[float], float] = lambda _: 0.0
        self._places: list[_Place] | None = None
        self._unfolding = QVariantAnimation(self)
        self._unfolding.setStartValue(0.0)
        self._unfolding.setEndValue(1.0)
        self._unfolding.valueChanged.connect(self._on_grow)
        self._unfolding.finished.connect(self.grown)
        self._share = 1.0
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.notifier.changed.connect(self.again)

    # --- what the panel says ---

    def show_tree(
        self,
        prefix: Sequence[str],
        rollouts: Sequence[Sequence[str]],
        verdicts: np.ndarray,
        mean: float,
        *,
        joiner: str,
        scale: float,
        heat: Callable[[float], float],
    ) -> None:
        """Another one: `verdicts` (N,) of `rollouts`, whose mean is marked across the bars; `heat` gives the colour of a verdict in [-1, 1]."""
        self.prefix, self.rollouts, self._verdicts, self._mean = tuple(prefix), rollouts, verdicts, mean
        self._joiner, self._scale, self._heat, self._stale = joiner, scale, heat, False
        root = grow(rollouts, verdicts)
        self.root = Branch((), root.members, root.verdict, (root,)) if root.tokens else root  # the trunk is the prefix alone
        self.leaves = tuple(self.root.leaves()) if rollouts else ()
        lines = (f"{short(leaf.verdict, 3)} {said(rollouts[leaf.members[0]], joiner) or ENDS}" for leaf in self.leaves[:8])
        self.setAccessibleDescription("; ".join(lines))
        self.again()

    def clear(self) -> None:
        """Show none."""
        self.root, self.leaves, self.prefix, self.rollouts = None, (), (), ()
        self.again()

    def unfold(self) -> None:
        """Let it grow, at most 120 ms; at once where the desktop or the settings ask for no motion."""
        wait = 0 if settings().reduce_motion else min(UNFOLD, self.style().styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration, None, self))
        self._unfolding.stop()
        if wait <= 0 or not self.isVisible():
            self._on_grow(1.0)
            self.grown.emit()
            return
        self._share = 0.0
        self._unfolding.setDuration(wait)
        self._unfolding.start()

    def share_grown(self) -> float:
        """How far it has unfolded, from 0 to 1."""
        return self._share

    def set_stale(self, stale: bool) -> None:
        """Fade what no longer belongs to the present settings."""
        if stale != self._stale:
            self._stale = stale
            self.update()

    def again(self) -> None:
        """Everything is placed anew."""
        self._places = None
        self.setMinimumHeight(theme.theme().px(ROW) * len(self.leaves) + theme.theme().px(4))
        self.update()

    def _on_grow(self, share: float) -> None:
        self._share = float(share)
        self.update()

    # --- where things are ---

    def bars(self) -> QRectF:
        """The column of the bars, as high as the widget; a number stands at its right."""
        t = theme.theme()
        numbers, wide = t.px(40), min(t.px(320), max(t.px(72), 0.22 * self.width()))
        return QRectF(self.width() - numbers - wide, 0, wide, self.height())

    def row_at(self, y: float) -> int:
        """The leaf at a height; -1 for none."""
        at = int(y // theme.theme().px(ROW))
        return at if 0 <= at < len(self.leaves) else -1

    def sizeHint(self) -> QSize:
        """Six roll-outs."""
        return QSize(theme.theme().px(480), theme.theme().px(6 * ROW))

    def _placed(self) -> list[_Place]:
        if self._places is None:
            self._places = []
            if self.root is not None and self.rollouts:
                t, metrics = theme.theme(), QFontMetricsF(theme.font(13))
                room = self.bars().left() * (0.3 if self.root.children else 0.9)
                text = cut(self.prefix, self._joiner, metrics, max(float(t.px(60)), room), left=True)
                end = t.px(2) + metrics.horizontalAdvance(text)
                self._places.append(_Place(self.root, t.px(2), end, range(len(self.leaves)), text, -1))
                self._place_children(0, metrics)
        return self._places

    def _place_children(self, at: int, metrics: QFontMetricsF) -> None:
        assert self._places is not None
        t, parent, row = theme.theme(), self._places[at], self._places[at].rows.start
        x = parent.end + min(t.px(96 if at == 0 else 48), max(t.px(36 if at == 0 else 26), self.width() * (0.07 if at == 0 else 0.035)))
        for child in parent.branch.children:
            n = sum(1 for _ in child.leaves())
            left = self.bars().left() - t.px(16) - x
            times = f"  ×{len(child.members)}" if not child.children and len(child.members) > 1 else ""
            most = left - metrics.horizontalAdvance(times) if not child.children else max(left * 0.45, min(left, t.px(40)))
            text = (cut(child.tokens, self._joiner, metrics, most) if child.tokens else ENDS) + times
            self._places.append(_Place(child, x, x + metrics.horizontalAdvance(text), range(row, row + n), text, at))
            row += n
            if child.children:
                self._place_children(len(self._places) - 1, metrics)

    def _seen(self) -> tuple[float, float]:
        """The part that is scrolled into view."""
        parent = self.parentWidget()
        return (-self.y(), -self.y() + parent.height()) if parent is not None else (0.0, self.height())

    def _y(self, rows: range) -> float:
        """The middle of these rows, of those of them that are seen if there are some."""
        high, (low, bottom) = theme.theme().px(ROW), self._seen()
        first, last = float(rows.start * high), float(rows.stop * high)
        top, end = first + high / 2, last - high / 2
        if last > low + high and first < bottom - high:
            first, last = max(first, low), min(last, bottom)
        return min(max((first + last) / 2, top), end)

    # --- painting ---

    def paintEvent(self, event: QPaintEvent) -> None:
        """Branches, words, bars, the mean across them."""
        if self.root is None or not self.leaves:
            return
        t, painter, bars = theme.theme(), QPainter(self), self.bars()
        high = t.px(ROW)
        whole = int((self._seen()[1] + high / 4) // high)  # a row that is hardly seen is not begun
        rows = range(max(0, event.rect().top() // high), min(len(self.leaves), event.rect().bottom() // high + 1, whole))
        painter.setOpacity(theme.STALE_OPACITY if self._stale else 1.0)
        if self._hover in rows:
            painter.fillRect(QRectF(0, self._hover * high, self.width(), high), QColor(t.hover))
        painter.save()
        start = self._placed()[0].end
        painter.setClipRect(QRectF(0, 0, start + (bars.left() - start) * self._share, self.height()))
        painter.setFont(theme.font(13))
        seen = [place for place in self._placed() if (place.rows.start < rows.stop and place.rows.stop > rows.start) or place.parent == 0]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for place in seen:
            self._paint_branch(painter, place)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for place in seen:
            if place.rows.start < rows.stop and place.rows.stop > rows.start:
                self._paint_words(painter, place, bars.left())
        painter.restore()
        self._paint_bars(painter, bars, rows)
        painter.end()

    def _paint_branch(self, painter: QPainter, place: _Place) -> None:
        """The curve from where its parent ends; the more roll-outs run through it, the wider."""
        if place.parent < 0:
            return
        t, parent = theme.theme(), self._placed()[place.parent]
        a, b = QPointF(parent.end + t.px(5), self._y(parent.rows)), QPointF(place.x - t.px(5), self._y(place.rows))
        path, bend = QPainterPath(a), (b.x() - a.x()) * 0.55
        path.cubicTo(a + QPointF(bend, 0), b - QPointF(bend, 0), b)
        wide = t.px(1) * (1.25 + 3.5 * math.sqrt((len(place.branch.members) - 1) / max(1, len(self.rollouts))))
        painter.strokePath(path, QPen(self._line_color(place.branch.verdict), wide, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))

    def _paint_words(self, painter: QPainter, place: _Place, right: float) -> None:
        """The text of a branch, and after a leaf's a hairline that leads to its bar."""
        t, high, y = theme.theme(), theme.theme().px(ROW), self._y(place.rows)
        ends = not place.branch.tokens and place.parent >= 0
        painter.setPen(QColor(t.muted if ends else t.ink))
        box = QRectF(place.x, y - high / 2, place.end - place.x + 4, high)
        painter.drawText(box, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), place.text)
        if not place.branch.children and place.end < right - t.px(60):
            painter.fillRect(QRectF(place.end + t.px(12), round(y), right - t.px(12) - place.end - t.px(12), 1), QColor(t.hairline))

    def _paint_bars(self, painter: QPainter, bars: QRectF, rows: range) -> None:
        """Verdicts as bars and numbers, and across all the mean."""
        t, high = theme.theme(), theme.theme().px(ROW)
        places, thick = 2 if self._scale > 0.1 else 3, t.px(8)
        at_right, ink = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), QColor(t.ink)
        painter.setFont(theme.font(11))
        painter.setPen(ink)
        for i in rows:
            verdict, y = self.leaves[i].verdict, i * high + (high - thick) / 2
            if math.isfinite(verdict):
                wide = bars.width() * min(1.0, max(0.0, verdict / self._scale)) * self._share
                painter.fillRect(QRectF(bars.left(), y, wide, thick), self._color(verdict))
                painter.fillRect(QRectF(bars.left() + max(0.0, wide - 2), y, 2, thick), self._line_color(verdict))
            number = QRectF(bars.right(), i * high, self.width() - bars.right() - t.px(2), high)
            painter.drawText(number, at_right, short(verdict, places))
        painter.fillRect(QRectF(bars.left() - 1, 0, 1, high * len(self.leaves)), QColor(t.edge))
        if math.isfinite(self._mean):
            painter.fillRect(QRectF(round(self.mean_x()) - 1, 0, 2, high * len(self.leaves)), ink)

    def mean_x(self) -> float:
        """Where the mean is marked."""
        bars = self.bars()
        return bars.left() + bars.width() * min(1.0, max(0.0, self._mean / self._scale))

    def _color(self, verdict: float) -> QColor:
        return QColor(theme.theme().heat(self._heat(verdict)))

    def _line_color(self, verdict: float) -> QColor:
        """The heat for what is thin: its neutral is the grey of edges, which a line can be seen in."""
        t, lean = theme.theme(), self._heat(verdict)
        return QColor(theme.mix(t.edge, t.heat(math.copysign(1.0, lean)), abs(lean)))

    # --- what the person does ---

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """What the mouse is on."""
        self._set_hover(self.row_at(event.position().y()))

    def leaveEvent(self, event: object) -> None:
        """Nothing."""
        self._set_hover(-1)

    def _set_hover(self, at: int) -> None:
        if at != self._hover:
            self._hover = at
            self.update()

    def words_of(self, at: int) -> str:
        """All of a roll-out and its verdict in full."""
        leaf = self.leaves[at]
        text = said((*self.prefix, *self.rollouts[leaf.members[0]]), self._joiner)
        times = f", drawn {len(leaf.members)} times" if len(leaf.members) > 1 else ""
        return f"{text}\n{leaf.verdict:.6g}{times}".replace("-", "−") if math.isfinite(leaf.verdict) else text

    def event(self, event: object) -> bool:
        """The whole sentence of the row under the mouse."""
        if isinstance(event, QHelpEvent):
            at = self.row_at(event.pos().y())
            QToolTip.showText(event.globalPos(), self.words_of(at) if at >= 0 else "", self)
            return True
        return super().event(event)  # pyright: ignore[reportArgumentType]


class TreeHead(QWidget):
    """The line above the tree: words at the left, and over the bars their ends and the mean."""

    def __init__(self, tree: RolloutTree) -> None:
        super().__init__()
        self._tree, self._text, self._scale, self._mean = tree, "", 1.0, ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.notifier.changed.connect(self._again)

    def show_words(self, text: str, scale: float, mean: str) -> None:
        """What the roll-outs are of, where the bars end, and the mean; no bars for a mean of ""."""
        self._text, self._scale, self._mean = text, scale, mean
        self.setAccessibleName(f"{text} {mean}".strip())
        self.update()

    def sizeHint(self) -> QSize:
        """Two lines of captions."""
        return QSize(theme.theme().px(300), theme.theme().px(HEAD))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Words; 0, scale and mean over the bars."""
        del event
        t, painter, bars = theme.theme(), QPainter(self), self._tree.bars()
        if not self._text:
            return
        painter.setFont(theme.font(11))
        metrics, line = painter.fontMetrics(), t.px(14)
        painter.setPen(QColor(t.muted))
        room = bars.left() - t.px(16)
        words = metrics.elidedText(self._text, Qt.TextElideMode.ElideMiddle, int(room))
        at_left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(QRectF(t.px(2), self.height() - line - 1, room, line), at_left, words)
        middle = int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter)
        ends = QRectF(0, self.height() - line - 1, t.px(40), line)
        for x, end in ((bars.left(), "0"), (bars.right(), f"{self._scale:g}")):
            ends.moveCenter(QPointF(x, ends.center().y()))
            painter.drawText(ends, middle, end)
        painter.setPen(QColor(t.ink))
        painter.setFont(theme.font(11, 600))
        wide = QFontMetricsF(painter.font()).horizontalAdvance(self._mean) + 4
        left = min(max(self._tree.mean_x() - wide / 2, bars.left() - t.px(60)), self.width() - wide)
        painter.drawText(QRectF(left, 0, wide, line), middle, self._mean)
        painter.setPen(QColor(t.muted))
        painter.setFont(theme.font(11))
        name, room = "D’s verdict", painter.fontMetrics().horizontalAdvance("D’s verdict") + t.px(12)
        beside = self._tree.width() - t.px(2) - room + t.px(12) if left + wide + room < self._tree.width() else left - room
        painter.drawText(QRectF(beside, 0, room, line), at_left, name)
        painter.fillRect(QRectF(round(self._tree.mean_x()) - 1, line + 1, 2, self.height() - line - 1), QColor(t.ink))
        painter.end()

    def _again(self) -> None:
        self.updateGeometry()
        self.update()
