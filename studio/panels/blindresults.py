"""What a blind test found: the score of each source with its interval, how to read it, and every sentence with its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QGridLayout, QHeaderView, QSizePolicy, QTreeWidget, QTreeWidgetItem, QWidget

from models.metrics.blind import Row
from studio import theme
from studio.panels.tradeoff import roles
from studio.widgets import Card, ElidedLabel, button, column, label, row

LEVEL = 0.05  # of all comparisons together
SAID = {"human": "a person", "machine": "a machine", "skipped": "skipped"}
HEADS = (
    ("Source", ""),
    ("Judged", "Sentences that were answered; skipped ones do not count"),
    ("Called human", "How many of these you said a person wrote"),
    ("Score, with its 95 % interval", "The share called human, with Wilson's 95 % interval; the line in the middle is one half"),
    ("p against real", ""),
)
LEFT, RIGHT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class BlindResults(QWidget):
    """The last page of a blind test.

    Signals:
        export_wanted (): the answers are to be written to a file.
        again (): the same test with other sentences.
    """

    export_wanted = Signal()
    again = Signal()

    def __init__(self) -> None:
        super().__init__()
        card, each = Card("Blind test: results"), Card("What you judged")
        self.about = ElidedLabel("", "caption")
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(20)
        self._grid.setVerticalSpacing(6)
        self._grid.setColumnStretch(3, 1)
        self.reading = label()
        self.reading.setWordWrap(True)
        self.test = label("", "caption")
        self.test.setWordWrap(True)
        self.export_button = button("Export answers…", "export", clicked=self.export_wanted.emit, tip="Every sentence, its source and your answer")
        self.again_button = button("Again with other samples", kind="primary", clicked=self.again.emit)
        card.body.addWidget(self.about)
        card.body.addLayout(self._grid)
        card.body.addSpacing(4)
        for text in (self.reading, self.test):
            card.body.addWidget(text)
        card.body.addLayout(row(self.again_button, self.export_button, 1))
        self.list = QTreeWidget()
        self.list.setHeaderLabels(["", "You said", "It was of", "Sentence"])
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setAccessibleName("Every sentence, its source and your answer")
        self.list.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.list.header().setStretchLastSection(True)
        each.body.addWidget(self.list, 1)
        whole = column(self, spacing=12)
        whole.addWidget(card)
        whole.addWidget(each, 1)
        self.cells: dict[str, list[QWidget]] = {}

    def show_results(self, rows: Sequence[Row], answers: Sequence[Mapping[str, Any]], title: str) -> None:
        """Rows of `blind.results`, and what `BlindTestPanel.answers` gives."""
        self.about.setText(title)
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        for c, (head, tip) in enumerate(HEADS):
            one = label(head, "caption")
            one.setToolTip(tip or self._named(rows))
            self._grid.addWidget(one, 0, c, RIGHT if c in (1, 2, 4) else LEFT)
        colours = roles({r.source: None for r in rows if r.p is not None or r is not rows[0]}) | {rows[0].source: "real"}
        self.cells = {}
        for i, r in enumerate(rows, 1):
            cells: list[QWidget] = [label(r.source, "strong"), label(f"{r.judged:,}"), label(f"{r.human:,}")]
            cells += [IntervalBar(r, colours[r.source]), label(p_words(r.p))]
            for c, cell in enumerate(cells):
                if isinstance(cell, IntervalBar):
                    self._grid.addWidget(cell, i, c)
                else:
                    self._grid.addWidget(cell, i, c, RIGHT if c in (1, 2, 4) else LEFT)
            self.cells[r.source] = cells
        self.reading.setText(reading(rows))
        self.test.setText(self._named(rows))
        self._show_sentences(answers)

    @staticmethod
    def _named(rows: Sequence[Row]) -> str:
        test = next((r.test for r in rows if r.test), "")
        several = f", so {LEVEL:g} divided by {many} counts as found" if (many := sum(bool(r.test) for r in rows)) > 1 else ""
        return f"p: {test}, of each source against {rows[0].source}, not corrected{several}. Interval: Wilson, 95 %." if test else ""

    def _show_sentences(self, answers: Sequence[Mapping[str, Any]]) -> None:
        self.list.clear()
        for a in answers:
            item = QTreeWidgetItem([f"{a['order']:,}", SAID[a["answer"]], str(a["source"]), " ".join(str(a["text"]).split())])
            item.setTextAlignment(0, RIGHT)
            item.setToolTip(3, str(a["text"]))
            self.list.addTopLevelItem(item)


class IntervalBar(QWidget):
    """A share in [0, 1] as a dot on its interval, and in words."""

    def __init__(self, source: Row, role: str) -> None:
        super().__init__()
        self._row, self._role = source, role
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(self.words())
        self.setAccessibleName(f"{source.source}: {self.words()}")

    def words(self) -> str:
        """Score and interval."""
        r = self._row
        return "–" if r.score is None else f"{r.score:.0%} ({r.low:.0%} to {r.high:.0%})"

    def sizeHint(self) -> QSize:
        """A line of text."""
        return QSize(theme.theme().px(280), theme.theme().px(22))

    def minimumSizeHint(self) -> QSize:
        """The words and a short bar."""
        return QSize(theme.theme().px(180), theme.theme().px(22))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Track, half, interval, dot, words."""
        t, painter, r = theme.theme(), QPainter(self), self._row
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        words = t.px(128)
        room, middle = QRectF(t.px(6), 0, max(1.0, self.width() - words - t.px(12)), self.height()), self.height() / 2
        colour = QColor(t.curves[self._role])
        painter.fillRect(QRectF(room.left(), middle - 2, room.width(), 4), QColor(t.hairline))
        painter.setPen(QPen(QColor(t.edge), 1))
        half = round(room.center().x()) + 0.5
        painter.drawLine(QPointF(half, middle - t.px(7)), QPointF(half, middle + t.px(7)))
        if r.score is not None:
            low, high, at = (room.left() + v * room.width() for v in (r.low, r.high, r.score))
            painter.fillRect(QRectF(low, middle - 2, high - low, 4), colour)
            painter.setPen(QPen(colour, 1.5))
            for end in (low, high):
                painter.drawLine(QPointF(end, middle - t.px(5)), QPointF(end, middle + t.px(5)))
            painter.setPen(QPen(QColor(t.panel), 2))
            painter.setBrush(colour)
            painter.drawEllipse(QPointF(at, middle), t.px(6), t.px(6))
        painter.setPen(QColor(t.ink))
        painter.setFont(theme.font(13))
        painter.drawText(QRectF(self.width() - words, 0, words, self.height()), LEFT, self.words())
        painter.end()


def p_words(p: float | None) -> str:
    """A p-value for a table."""
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def reading(rows: Sequence[Row]) -> str:
    """What may be said after such a test, in one sentence; `rows` of `blind.results`, the real source first."""
    real, others = rows[0], rows[1:]
    tested = [r for r in others if r.p is not None]
    if not tested or real.score is None:
        return "There is nothing to compare yet: real sentences and those of a model have to be judged."
    found = [r for r in tested if r.p is not None and r.p < LEVEL / len(tested)]
    less = [r.source for r in found if (r.score or 0) < real.score]
    more = [r.source for r in found if (r.score or 0) > real.score]
    rest = [r.source for r in tested if r not in found]
    parts = []
    if less:
        parts.append(f"Sentences of {_and(less)} were called human less often than real ones")
    if more:
        parts.append(f"{'those' if parts else 'Sentences'} of {_and(more)} more often than real ones")
    if rest:
        between = f"{'between' if parts else 'Between'} real sentences and those of {_and(rest)}"
        parts.append(f"{between} no difference was found, which does not show that there is none")
    fewest = min(r.judged for r in (real, *tested))
    judged = f"{fewest:,} judgement{'s' if fewest != 1 else ''} a source by one person"
    return f"{'; '.join(parts)}: {judged} {'can show large differences only' if fewest < 100 else 'are one person’s view'}."


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
