"""Statistics that need no D: how often each pixel is set, each colour or character occurs, in data and in samples."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from studio import theme
from studio.panels.plot import Reason
from studio.panels.samples import ImageGrid
from studio.panels.visible import named, sign
from studio.picture import rgb
from studio.widgets import Card, ElidedLabel, Legend, label, number, row

if TYPE_CHECKING:
    from models.contract import View

MOST, CELLS = 24, 64  # letters that have room, and cells
LEAST = 0.05  # a difference that the full colour stands for, at least: small ones are not made to look dramatic
TIP = "Distance: the mean difference between real data and samples; its floor is the same between two halves of the real data"
_COLOR = re.compile(r"#[0-9a-fA-F]{6}\Z")
_CENTER = int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter)


def diverging(difference: np.ndarray, reach: float) -> np.ndarray:
    """Numbers (H, W) as colours (H, W, 3): blue where real data have more, orange where samples have, grey for none."""
    t, steps = theme.theme(), 64
    table = np.array([QColor(t.heat(k / steps)).getRgb()[:3] for k in range(-steps, steps + 1)], np.uint8)  # pyright: ignore[reportIndexIssue]
    share = np.nan_to_num(np.clip(difference / (reach or 1.0), -1, 1))
    return table[np.rint(share * steps).astype(int) + steps]


class PairBars(QWidget):
    """Two bars for each name beside each other, real and generated; in the colours that the names are, if they are colours."""

    FOOT = 18

    def __init__(self) -> None:
        super().__init__()
        self.names: Sequence[str] = ()
        self.real, self.fake = np.zeros(0), np.zeros(0)
        self.note, self.stale = "", False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.notifier.changed.connect(self.update)

    def show_shares(self, names: Sequence[str], real: np.ndarray, fake: np.ndarray, note: str = "") -> None:
        """Shares of each name in [0, 1]; a note stands above them at the right."""
        self.names, self.real, self.fake, self.note = tuple(names), real, fake, note
        self.setAccessibleDescription("; ".join(self.words_of(i) for i in range(len(names))))
        self.update()

    def words_of(self, i: int) -> str:
        """What the mouse is told."""
        return f"{named(self.names[i])}: real {self.real[i]:.2%}, samples {self.fake[i]:.2%}"

    def sizeHint(self) -> QSize:
        """As in a row of three."""
        return QSize(theme.theme().px(320), theme.theme().px(130))

    def minimumSizeHint(self) -> QSize:
        """Still readable."""
        return QSize(theme.theme().px(160), theme.theme().px(72))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Bars that stand on a line, names below it, the height of the highest at the top."""
        del event
        if not len(self.names):
            return
        t, painter = theme.theme(), QPainter(self)
        painter.setOpacity(theme.STALE_OPACITY if self.stale else 1.0)
        base, wide = self.height() - t.px(self.FOOT), min(t.px(56), self.width() / len(self.names))
        most = float(np.nan_to_num(np.concatenate([self.real, self.fake])).max(initial=0.0)) or 1.0
        top, gap = t.px(16), max(2.0, 0.22 * wide)
        thick = max(1.0, (wide - gap - 1) / 2)
        painter.setFont(theme.font(11))
        painter.setPen(QColor(t.muted))
        painter.drawText(QRectF(0, 0, t.px(120), t.px(14)), int(Qt.AlignmentFlag.AlignLeft), f"{most:.1%}")
        painter.drawText(QRectF(0, 0, self.width(), t.px(14)), int(Qt.AlignmentFlag.AlignRight), self.note)
        painter.fillRect(QRectF(0, top, wide * len(self.names), 1), QColor(theme.mix(t.panel, t.hairline, 0.6)))
        painter.fillRect(QRectF(0, base, wide * len(self.names), 1), QColor(t.hairline))
        for i, name in enumerate(self.names):
            left = i * wide + gap / 2
            for k, (share, role) in enumerate(((self.real[i], "real"), (self.fake[i], "generated"))):
                high = (base - top) * float(np.nan_to_num(share)) / most
                self._paint_bar(painter, QRectF(left + k * (thick + 1), base - high, thick, high), name, role)
        self._paint_names(painter, wide, base)
        painter.end()

    @staticmethod
    def _paint_bar(painter: QPainter, bar: QRectF, name: str, role: str) -> None:
        """In the role's colour; of a colour of a palette in that colour, with the role's as its foot and a line around it."""
        t = theme.theme()
        if not _COLOR.match(name):
            painter.fillRect(bar, QColor(t.curves[role]))
            return
        painter.fillRect(bar, QColor(t.edge))
        painter.fillRect(bar.adjusted(1, 1, -1, 0), QColor(name))
        painter.fillRect(QRectF(bar.left(), bar.bottom() + 2, bar.width(), t.px(3)), QColor(t.curves[role]))

    def _paint_names(self, painter: QPainter, wide: float, base: float) -> None:
        """Whole where they fit, else by one letter; where that is too long too, every second or third."""
        t, metrics = theme.theme(), QFontMetricsF(painter.font())
        painter.setPen(QColor(t.ink))
        wholes = [named(name) for name in self.names]
        texts = [whole if metrics.horizontalAdvance(whole) <= wide - 2 else sign(name) for whole, name in zip(wholes, self.names, strict=True)]
        longest = max(metrics.horizontalAdvance(text) for text in texts)
        for i in range(0, len(texts), max(1, math.ceil((longest + 2) / wide))):
            if not _COLOR.match(self.names[i]):
                left = min(max(0.0, (i + 0.5) * wide - longest / 2), self.width() - longest)
                painter.drawText(QRectF(left - 2, base + 2, longest + 4, t.px(self.FOOT - 2)), _CENTER, texts[i])

    def event(self, event: object) -> bool:
        """The shares under the mouse."""
        if isinstance(event, QHelpEvent):
            i = int(event.pos().x() // min(theme.theme().px(56), self.width() / max(1, len(self.names))))
            QToolTip.showText(event.globalPos(), self.words_of(i) if i < len(self.names) else "", self)
            return True
        return super().event(event)  # pyright: ignore[reportArgumentType]


class MarginalsPanel(Card):
    """Three pictures, or pairs of bars; at the right the distance with its floor."""

    def __init__(self) -> None:
        super().__init__(margin=12, spacing=6)
        self.title, self.at = label("Marginals", "section"), ElidedLabel("", "caption")
        self.title.setToolTip(TIP)
        self.at.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.legend = Legend([("real", "real"), ("samples", "generated")])
        head = row(self.title, self.at, spacing=12)
        head.setStretch(1, 1)
        self.body.addLayout(head)
        self.body.addWidget(self.legend)  # on a line of its own: the distance needs the other
        self.grid, self.bars, self.reason = ImageGrid("", 3, whole=True), PairBars(), Reason()
        self.grid.set_columns(3, strict=True)
        self.grid.setAccessibleName("Mean picture: real, samples, their difference")
        for part in (self.grid, self.bars, self.reason):
            self.body.addWidget(part, 1)
        self._view: View | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.show_reason("No samples yet")
        theme.notifier.changed.connect(self._again)

    def show_view(self, view: View) -> None:
        """A View `marginals`; what was stale is fresh."""
        self._view = view
        distance, floor = (float(view.numbers[name][0]) for name in ("distance", "floor"))
        self.at.setText(f"distance {number(distance)} · floor {number(floor)}")
        self.at.setProperty("own_tip", True)
        self.at.setToolTip(TIP)
        self.set_stale(False)
        if "real" in view.pictures:
            self._show_pictures(view)
            self._show(self.grid)
        else:
            self._show_bars(view)
            self._show(self.bars)

    def show_reason(self, text: str) -> None:
        """Why there is nothing to see."""
        self._view = None
        self.reason.setText(text)
        self.at.setText("")
        self._show(self.reason)

    def set_stale(self, stale: bool) -> None:
        """Fade what no longer belongs to the present settings."""
        self.grid.set_stale(stale)
        if stale != self.bars.stale:
            self.bars.stale = stale
            self.bars.update()

    def _show(self, shown: QWidget) -> None:
        for part in (self.grid, self.bars, self.reason):
            part.setVisible(part is shown)
        self.legend.setVisible(shown is self.bars)

    def _show_pictures(self, view: View) -> None:
        """The difference is of the numbers, with its sign, where there is one for each pixel."""
        real, fake = (rgb(view.pictures[name][0]) for name in ("real", "fake"))
        difference = np.asarray(view.numbers["fake"], float) - np.asarray(view.numbers["real"], float)
        if difference.size == real.shape[0] * real.shape[1]:
            reach = max(LEAST, float(np.nan_to_num(np.abs(difference)).max(initial=0.0)))
            third, words = diverging(difference.reshape(real.shape[:2]), reach), f"apart, ± {number(reach)}"
            tip = f"Samples minus real: orange where samples have more, blue where real pictures have more; full colour is {number(reach)}"
        else:
            third, words, tip = rgb(view.pictures["difference"][0]), "difference", "How far the two are apart"
        tips = ["Mean of real pictures", "Mean of samples", tip]
        self.grid.show_images(np.stack([real, fake, third]), ["real", "samples", words], tips)

    def _show_bars(self, view: View) -> None:
        """In their order where all have room, else the commonest first."""
        real, fake = (np.asarray(view.numbers[name], float) for name in ("real", "fake"))
        names = view.words["names"]
        fit = MOST if np.median([len(name) for name in names]) == 1 else CELLS  # a letter has no neighbours, a cell has
        order, note = np.arange(len(names)), ""
        if len(names) > fit:
            order, note = np.argsort(-np.nan_to_num(real + fake), kind="stable")[:MOST], f"the {MOST} commonest of {len(names):,}"
        self.bars.setAccessibleName(note or "All shares")
        self.bars.show_shares([names[int(i)] for i in order], real[order], fake[order], note)

    def _again(self) -> None:
        if self._view is not None and "real" in self._view.pictures:
            self._show_pictures(self._view)
            self.grid.set_stale(self.bars.stale)
