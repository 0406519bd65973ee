"""What is known about a set of sentences before anything is trained on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from models.data.vocabulary import RESERVED
from studio import theme
from studio.panels.cells import CellPlot
from studio.panels.datacard import ClassBars, DataCard
from studio.widgets import column, label

HIGH, AXIS = 56, 16  # pixels of the bars, and of the numbers below them
MOST_WORDS = 24


class LengthBars(QWidget):
    """How many sentences have which length; what lies right of T is more than a row holds."""

    def __init__(self) -> None:
        super().__init__()
        self._bins: list[tuple[int, int, int]] = []
        self._longest = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.notifier.changed.connect(self.updateGeometry)

    def show_lengths(self, bins: Sequence[Sequence[int]], longest: int) -> None:
        """(first, last, how many) of each bar, in tokens; and T, the tokens of a row."""
        self._bins = [(int(a), int(b), int(n)) for a, b, n in bins]
        self._longest = longest
        self.setAccessibleName(", ".join(f"{_span(a, b)} tokens: {n:,}" for a, b, n in self._bins))
        self.update()

    def sizeHint(self) -> QSize:
        """A dozen bars and a line of numbers."""
        return QSize(theme.theme().px(220), theme.theme().px(HIGH + AXIS))

    minimumSizeHint = sizeHint

    def bars(self) -> list[tuple[int, int, int, QRectF]]:
        """First and last length, how many, and the place of each bar."""
        t = theme.theme()
        most, wide, high = max((n for _, _, n in self._bins), default=1) or 1, self.width() / max(1, len(self._bins)), t.px(HIGH)
        tall = [max(1.0, (high - 2) * n / most) if n else 0.0 for _, _, n in self._bins]
        return [(a, b, n, QRectF(i * wide, high - tall[i], wide - 2, tall[i])) for i, (a, b, n) in enumerate(self._bins)]

    def paintEvent(self, event: QPaintEvent) -> None:
        """Bars, T, numbers."""
        t, painter = theme.theme(), QPainter(self)
        painter.setFont(theme.font(11))
        metrics, base = painter.fontMetrics(), t.px(HIGH)
        bars, end = self.bars(), -1e9
        for a, b, _, box in bars:
            painter.fillRect(box, QColor(t.curves["baseline" if a > self._longest else "real"]))
            text = _span(a, b)
            wide = metrics.horizontalAdvance(text)
            at = min(max(0.0, box.center().x() - wide / 2), self.width() - wide)
            if at > end + t.px(6):  # as many numbers as there is room for
                painter.setPen(QColor(t.muted))
                painter.drawText(QPointF(at, base + t.px(AXIS) - 3), text)
                end = at + wide
        painter.setPen(QPen(QColor(t.hairline), 1))
        painter.drawLine(QPointF(0, base + 0.5), QPointF(self.width(), base + 0.5))
        if (limit := self.limit()) is not None:
            painter.setPen(QPen(QColor(t.ink), 1, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(limit, 0), QPointF(limit, base))
            painter.setPen(QColor(t.ink))
            text = f"T = {self._longest}"
            fits = limit + metrics.horizontalAdvance(text) + 4 < self.width()
            painter.drawText(QPointF(limit + 4 if fits else limit - metrics.horizontalAdvance(text) - 4, metrics.ascent()), text)
        painter.end()

    def limit(self) -> float | None:
        """Where T lies, if there are longer ones."""
        if not self._bins or self._longest >= self._bins[-1][1]:
            return None
        wide = self.width() / len(self._bins)
        for i, (a, b, _) in enumerate(self._bins):
            if self._longest <= b:
                return (i + max(0, self._longest - a + 1) / (b - a + 1)) * wide - 1
        return None

    def event(self, event: QEvent) -> bool:
        """The numbers of a bar, where the mouse rests."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.tip_at(event.pos().x()), self)
            return True
        return super().event(event)

    def tip_at(self, x: float) -> str:
        """The words about the bar at a place."""
        total = sum(n for _, _, n in self._bins) or 1
        for a, b, n, box in self.bars():
            if box.left() <= x < box.right() + 2:
                longer = ", longer than a row" if a > self._longest else ""
                return f"{_span(a, b)} tokens{longer}: {n:,} sentences, {n / total:.1%}"
        return ""


class TextCard(DataCard):
    """Facts, lengths, the commonest words, notes and what was left out; of a known distribution its probabilities."""

    TIP, ICON = "See and search every sentence", "search"

    def parts(self) -> Sequence[QWidget]:
        """Lengths and words."""
        self.lengths, self.words = LengthBars(), ClassBars(self.rows, "of these", rest=False)
        self.length_part, self.word_part, self.cells, self.cell_part = QWidget(), QWidget(), CellPlot(), QWidget()
        self.word_head = label("Most common", "section")
        for part, head, inside in (
            (self.length_part, label("Length in tokens", "section"), self.lengths),
            (self.word_part, self.word_head, self.words),
            (self.cell_part, label("Probability p", "section"), self.cells),
        ):
            body = column(part, spacing=6)
            body.addWidget(head)
            body.addWidget(inside)
        for part in (self.classes, self.palette_part):  # sentences have none
            part.setParent(self)
        return (self.length_part, self.word_part, self.cell_part)

    def facts_of(self, card: Mapping[str, Any]) -> list[tuple[str, str, str]]:
        """Name, value and tool tip of each fact."""
        return facts(card)

    def show_parts(self, card: Mapping[str, Any]) -> None:
        """Lengths that differ, and words; of a known distribution that alone."""
        self.cell_part.setVisible("p" in card)
        if "p" in card:
            self.cells.show_cells(card["p"], card["shape"])
            return
        spread = card.get("lengths") or {}
        bins = spread.get("histogram") or ()
        self.length_part.setVisible(len(bins) > 1)
        self.lengths.show_lengths(bins, int(card.get("T", 0)))
        common = [(str(word), int(count)) for word, count in card.get("common") or ()][:MOST_WORDS]
        self.word_part.setVisible(bool(common))
        self.word_head.setText(f"Most common {_tokens(card)}")
        self.words.show_counts(dict(common))

    def _quiet(self) -> None:
        super()._quiet()
        for widget in (self.length_part, self.word_part, self.cell_part):
            widget.hide()


def facts(card: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Name, value and tool tip of each fact of a card of sentences; an oracle's has its floor and ceiling."""
    if "p" in card:
        return _cells(card)
    out = [
        ("Sentences", f"{card.get('count', 0):,}", ""),
        ("To train on · held out", f"{card.get('train', 0):,} · {card.get('held_out', 0):,}", "Equal sentences are on the same side"),
    ]
    if card.get("unit") == "numbers":
        error = f" ± {card['floor_se']:.3f}" if card.get("floor_se") is not None else ""
        return [
            *out,
            ("Vocabulary", f"{card.get('V', 0):,} numbers", ""),
            ("Length", f"{card.get('T', 0)} tokens", "All sentences of an oracle are of one length"),
            ("Floor, nats a token", f"{card['floor']:.3f}{error}", "Of the oracle's own sentences: no model that is like it is lower"),
            ("Ceiling, nats a token", f"{card['ceiling']:.3f}" if card.get("ceiling") is not None else "–", "Of sentences of an untrained net"),
            ("Oracle", str(card.get("hash", "")), "The hash of its arrays: scores of one oracle say nothing about those of another"),
        ]
    spread, same, longest = card.get("lengths") or {}, card.get("duplicates") or {}, card.get("T", 0)
    low, high = spread.get("min", 0), spread.get("max", 0)
    mean = f"{spread['mean']:.1f} on average, before anything is cut" if "mean" in spread else ""
    cut, dropped = card.get("cut", 0), card.get("dropped", 0)
    long = f"{cut:,} cut" if cut else f"{dropped:,} left out" if dropped else "none"
    twins = "\n".join(["Sentences that equal an earlier one as they are learnt", *map(str, same.get("examples", ()))])
    return [
        *out,
        (
            "Vocabulary",
            f"{max(0, card.get('V', 0) - RESERVED):,} of {card.get('distinct', 0):,}",
            f"The commonest of all {_tokens(card)}; V = {card.get('V', 0):,} with the end and what is unknown",
        ),
        ("Unknown", f"{card.get('unknown', 0):.2%} of tokens", "What is not in the vocabulary is one token, <unk>"),
        ("Tokens a sentence", _span(low, high) + (f", median {spread['median']}" if low != high and "median" in spread else ""), mean),
        (f"Longer than T = {longest}", long, f"A row has {longest} tokens"),
        ("Duplicates", f"{same.get('count', 0):,}" if same.get("count") else "none", twins),
        ("Empty lines", f"{card['empty']:,}" if card.get("empty") else "none", ""),
    ]


def _cells(card: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Of a known distribution."""
    p, (high, across) = [float(share) for share in card["p"]], card["shape"]
    return [
        ("Cells", f"{len(p):,}" + (f" · {high} × {across}" if high > 1 else ""), ""),
        ("To train on · held out", f"{card.get('train', 0):,} · {card.get('held_out', 0):,}", "Draws of the distribution"),
        ("Probability of a cell", f"{min(p):.2g} to {max(p):.2g}", "Known exactly, and nowhere 0"),
    ]


def _tokens(card: Mapping[str, Any]) -> str:
    """What the tokens of a card are called."""
    return {"chars": "characters", "numbers": "numbers"}.get(str(card.get("unit")), "words")


def _span(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"
