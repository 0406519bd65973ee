"""How many of M samples count: the effective sample size of importance weights, in words and as a gauge."""

from __future__ import annotations

import math

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio import theme

ADVICE = "One sample takes nearly all the weight: lower d_lr, raise M, or set a penalty."
ALONE = "M = 1: every weight is 1, so G learns nothing from D; take M ≥ 2, or the global estimator."


def lowest(M: int) -> float:
    """The ESS below which the weights have collapsed: a tenth of M, at least 1.5."""
    return max(1.5, M / 10)


def collapsed(ess: float, M: int) -> bool:
    """Whether to warn; never for M = 1, where there is nothing to weigh."""
    return M > 1 and ess < lowest(M)


def said(ess: float, M: int) -> str:
    """ESS 7.3 of 20."""
    return f"ESS {ess:.1f} of {M}" if math.isfinite(ess) else f"ESS – of {M}"


def paint_gauge(painter: QPainter, room: QRectF, ess: float, M: int) -> None:
    """A bar of ESS / M with a mark where the alarm begins."""
    t = theme.theme()
    painter.fillRect(room, QColor(t.hairline))
    if math.isfinite(ess):
        full = QRectF(room.left(), room.top(), room.width() * min(1.0, max(0.0, ess / M)), room.height())
        painter.fillRect(full, QColor(t.warn if collapsed(ess, M) else t.curves["controller"]))
    if M > 1:
        x = room.left() + room.width() * min(1.0, lowest(M) / M)
        painter.fillRect(QRectF(round(x) - 1, room.top() - 1, 1, room.height() + 2), QColor(t.ink))


class EssGauge(QWidget):
    """The gauge by itself."""

    def __init__(self) -> None:
        super().__init__()
        self._ess, self._M = math.nan, 1
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.notifier.changed.connect(self._again)

    def show_ess(self, ess: float, M: int) -> None:
        """Another number, from 1 to M."""
        self._ess, self._M = ess, M
        self.setAccessibleName(said(ess, M))
        self.setToolTip(
            f"1 / Σ w̃², from 1 (one sample has all the weight) to {M} (equal weights); the mark at {lowest(M):g} is where they have collapsed"
        )
        self.update()

    def sizeHint(self) -> QSize:
        """A line."""
        return QSize(theme.theme().px(160), theme.theme().px(10))

    def minimumSizeHint(self) -> QSize:
        """A short line."""
        return QSize(theme.theme().px(60), theme.theme().px(10))

    def paintEvent(self, event: QPaintEvent) -> None:
        """The bar."""
        del event
        painter = QPainter(self)
        paint_gauge(painter, QRectF(0, 1, self.width(), self.height() - 2), self._ess, self._M)
        painter.end()

    def _again(self) -> None:
        self.updateGeometry()
        self.update()
