"""How the weights of many z are spread, and how many samples of a z count."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from studio import theme
from studio.panels.essgauge import ADVICE, ALONE, EssGauge, collapsed, said
from studio.panels.plot import Reason
from studio.widgets import Card, ElidedLabel, column, label, number, row

if TYPE_CHECKING:
    from models.contract import View

DECADE, LEAST = 8, -3  # bins in a factor of ten; weights under a thousandth of an equal share are in the first
TIP = "w̃·M of the M samples of many z, on a logarithmic axis: 1 is an equal share, M is all the weight of its z"


def binned(relative: np.ndarray, M: int) -> tuple[np.ndarray, np.ndarray]:
    """Edges (k + 1,) of w̃·M and the share of samples (k,) in each bin; 1 is in the middle of a bin, smaller ones than the first are in it."""
    last = math.ceil(DECADE * math.log10(max(M, 2)))
    edges = 10.0 ** ((np.arange(LEAST * DECADE, last + 2) - 0.5) / DECADE)
    known = relative[np.isfinite(relative)]
    counts = np.histogram(np.clip(known, edges[0], edges[-1]), edges)[0]
    return edges, counts / max(1, len(known))


class _Histogram(QWidget):
    """The bars and their axis."""

    FOOT, HEAD = 16, 16

    def __init__(self) -> None:
        super().__init__()
        self.edges, self.shares = binned(np.zeros(0), 1)
        self.stale = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Histogram of the weights")
        theme.notifier.changed.connect(self.update)

    def show_weights(self, relative: np.ndarray, M: int) -> None:
        """w̃·M of all samples."""
        self.edges, self.shares = binned(relative, M)
        self.update()

    def sizeHint(self) -> QSize:
        """As in a row of three."""
        return QSize(theme.theme().px(280), theme.theme().px(110))

    def minimumSizeHint(self) -> QSize:
        """Still readable."""
        return QSize(theme.theme().px(160), theme.theme().px(64))

    def _x(self, value: float) -> float:
        low, high = math.log10(self.edges[0]), math.log10(self.edges[-1])
        return (math.log10(value) - low) / (high - low) * self.width()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Bars, the line at 1, numbers."""
        del event
        t, painter = theme.theme(), QPainter(self)
        painter.setOpacity(theme.STALE_OPACITY if self.stale else 1.0)
        base, top = self.height() - t.px(self.FOOT), t.px(self.HEAD)
        most, full = float(self.shares.max(initial=0.0)) or 1.0, QColor(t.curves["controller"])
        pale = QColor(theme.mix(t.panel, t.curves["controller"], 0.45))
        for low, high, share in zip(self.edges[:-1], self.edges[1:], self.shares, strict=True):
            if share:
                left, tall = self._x(low), max(1.0, (base - top) * share / most)
                painter.fillRect(QRectF(left, base - tall, max(1.0, self._x(high) - left - 1), tall), full if high > 1 else pale)
        painter.setPen(QPen(QColor(t.hairline), 1))
        painter.drawLine(0, base, self.width(), base)
        x = round(self._x(1.0))
        painter.setPen(theme.pen("baseline"))
        painter.drawLine(x, 0, x, base)
        painter.setFont(theme.font(11))
        painter.setPen(QColor(t.muted))
        painter.drawText(QRectF(x - t.px(124), 0, t.px(120), t.px(14)), int(Qt.AlignmentFlag.AlignRight), "equal weights")
        metrics = QFontMetricsF(painter.font())
        for power in range(LEAST, math.floor(math.log10(self.edges[-1])) + 1):
            words = f"{10.0**power:g}"
            wide = metrics.horizontalAdvance(words) + 2
            left = min(self.width() - wide, max(0.0, self._x(10.0**power) - wide / 2))
            painter.drawText(QRectF(left, base + 2, wide, t.px(14)), int(Qt.AlignmentFlag.AlignHCenter), words)
        painter.end()

    def words_at(self, x: float) -> str:
        """What the mouse is told at a pixel: the bin and how many samples are in it."""
        marks = [self._x(edge) for edge in self.edges]
        i = min(len(self.shares) - 1, max(0, int(np.searchsorted(marks, x)) - 1))
        low = f"{number(float(self.edges[i]))} to" if i else "up to"
        return f"w̃·M {low} {number(float(self.edges[i + 1]))}: {self.shares[i]:.1%} of the samples"

    def event(self, event: object) -> bool:
        """The bin under the mouse."""
        if isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.words_at(event.pos().x()), self)
            return True
        return super().event(event)  # pyright: ignore[reportArgumentType]


class WeightHistogram(Card):
    """The mean ESS large, advice where the weights have collapsed, and the histogram."""

    def __init__(self) -> None:
        super().__init__(margin=12, spacing=4)
        self.title, self.at = label("Weights w̃·M", "section"), ElidedLabel("", "caption")
        self.title.setToolTip(TIP)
        self.at.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        head = row(self.title, self.at, spacing=8)
        head.setStretch(1, 1)
        self.body.addLayout(head)
        self.readout, self.gauge, self.words = label("ESS –", "readout"), EssGauge(), label("", "caption")
        self.words.setWordWrap(True)
        self.plot, self.reason = _Histogram(), Reason()
        beside = column(spacing=0)
        beside.addStretch(1)
        beside.addWidget(self.gauge)
        beside.addStretch(1)
        line = row(self.readout, spacing=12)
        line.addLayout(beside, 1)
        self.body.addLayout(line)
        self.body.addWidget(self.words)
        self.body.addWidget(self.plot, 1)
        self.body.addWidget(self.reason, 1)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.show_reason("No weights yet")

    def show_view(self, view: View) -> None:
        """A View `weights`; what was stale is fresh."""
        M, relative = int(view.numbers["M"][0]), np.asarray(view.numbers["all"], float)
        ess = np.asarray(view.numbers["ess_all"], float)
        known = ess[np.isfinite(ess)]
        self._set_shown(True)
        self.plot.show_weights(relative, M)
        self.set_stale(False)
        self.at.setText(f"{relative.size:,} samples, {ess.size:,} z")
        self.show_ess(float(known.mean()) if len(known) else math.nan, M)

    def show_ess(self, ess: float, M: int) -> None:
        """The mean ESS alone, as it is newer than a View."""
        low = collapsed(ess, M)
        self.readout.setText(said(ess, M))
        if bool(self.readout.property("tone")) != low:
            self.readout.setProperty("tone", "warn" if low else "")
            theme.restyle(self.readout)
        self.gauge.show_ess(ess, M)
        self.words.setText(ALONE if M == 1 else ADVICE if low else "")
        theme.set_kind(self.words, "warn" if low else "caption")
        self.words.setVisible(bool(self.words.text()))

    def show_reason(self, text: str) -> None:
        """Why there is nothing to see."""
        self.reason.setText(text)
        self.at.setText("")
        self._set_shown(False)

    def set_stale(self, stale: bool) -> None:
        """Fade what no longer belongs to the present settings."""
        if stale != self.plot.stale:
            self.plot.stale = stale
            self.plot.update()

    def _set_shown(self, on: bool) -> None:
        self.reason.setVisible(not on)
        for part in (self.readout, self.gauge, self.plot):
            part.setVisible(on)
        self.words.setVisible(on and bool(self.words.text()))
