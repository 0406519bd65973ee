"""What is known about a set of pictures before anything is trained on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QPlainTextEdit, QSizePolicy, QToolTip, QWidget

from studio import theme
from studio.widgets import Combo, ElidedLabel, button, column, label, row

CELL, LINE, MOST_ROWS = 176, 18, 6  # pixels of a class with its bar; rows of them unless told
SWATCH = 22  # pixels of a colour of a palette
_COLOURS = {"colour": "colour", "grey": "grey", "binary": "black and white"}


class ClassBars(QWidget):
    """How many of each class there are: name, bar and count, side by side in columns; a full bar is the largest class."""

    def __init__(self, rows: int = MOST_ROWS, unit: str = "pictures", *, rest: bool = True) -> None:
        """`rows` at most; `unit` is what is counted; `rest` says how many classes are not shown."""
        super().__init__()
        self._rows, self._unit, self._rest = rows, unit, rest
        self._counts: list[tuple[str, int]] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_counts(self, counts: Mapping[str, int]) -> None:
        """Classes in their own order; the largest first where not all of them can be shown."""
        self._counts = [(str(name), int(count)) for name, count in counts.items()]
        self.setFixedHeight(self._height())
        self.setAccessibleName(", ".join(f"{name} {count:,}" for name, count in self._counts[:40]))
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fewer columns need more rows."""
        super().resizeEvent(event)
        self.setFixedHeight(self._height())

    def cells(self) -> list[tuple[str, int, QRectF]]:
        """What is drawn where: name, count and place; the last one may be ("and 12 more", 0)."""
        columns, wide = self._columns(self.width())
        room, shown = columns * self._rows, list(self._counts)
        if len(shown) > room:
            shown = sorted(shown, key=lambda pair: -pair[1])[: len(shown) if self._rest else room]
        if len(shown) > room:
            shown = [*shown[: room - 1], (f"and {len(shown) - room + 1:,} more", 0)]
        rows, high = -(-len(shown) // columns), theme.theme().px(LINE)
        return [(name, count, QRectF(i // max(1, rows) * wide, i % max(1, rows) * high, wide - 16, high)) for i, (name, count) in enumerate(shown)]

    def _columns(self, width: int) -> tuple[int, float]:
        columns = max(1, width // theme.theme().px(CELL))
        return columns, (width + 16) / columns

    def _height(self) -> int:
        columns, _ = self._columns(self.width())
        return max(1, min(self._rows, -(-len(self._counts) // columns))) * theme.theme().px(LINE)

    def sizeHint(self) -> QSize:
        """Two columns."""
        return QSize(2 * theme.theme().px(CELL), self._height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Names, bars, counts."""
        t, painter = theme.theme(), QPainter(self)
        painter.setFont(theme.font(11))
        metrics = painter.fontMetrics()
        largest = max((count for _, count in self._counts), default=1) or 1
        number = metrics.horizontalAdvance(f"{largest:,}")
        for name, count, box in self.cells():
            painter.setPen(QColor(t.muted))
            if name.startswith("and ") and not count:
                painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name)
                continue
            words = 0.42 * box.width()
            text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, int(words) - 6)
            painter.drawText(QRectF(box.left(), box.top(), words, box.height()), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
            bar = QRectF(box.left() + words, box.center().y() - 2, max(4.0, box.width() - words - number - 8), 4)
            painter.fillRect(bar, QColor(t.hairline))
            painter.fillRect(QRectF(bar.topLeft(), bar.size()).adjusted(0, 0, bar.width() * (count / largest - 1), 0), QColor(t.curves["real"]))
            painter.setPen(QColor(t.ink))
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{count:,}")
        painter.end()

    def event(self, event: QEvent) -> bool:
        """The whole name and its share, where the mouse rests."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.tip_at(event.pos().x(), event.pos().y()), self)
            return True
        return super().event(event)

    def tip_at(self, x: float, y: float) -> str:
        """The words about the class at a place."""
        total = sum(count for _, count in self._counts) or 1
        for name, count, box in self.cells():
            if box.contains(x, y) and not (name.startswith("and ") and not count):
                return f"{name}: {count:,} of {total:,} {self._unit}, {count / total:.1%}"
        return ""


class Swatches(QWidget):
    """The colours that pictures are made of, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.colours: tuple[str, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_colours(self, colours: Sequence[str]) -> None:
        """Of each, #rrggbb."""
        self.colours = tuple(colours)
        self.setAccessibleName(f"{len(self.colours)} colours: {', '.join(self.colours)}")
        self.update()

    def sizeHint(self) -> QSize:
        """One row."""
        return QSize(theme.theme().px(SWATCH) * max(1, len(self.colours)), theme.theme().px(SWATCH))

    def boxes(self) -> list[QRectF]:
        """The place of each colour."""
        side = min(theme.theme().px(SWATCH), self.width() / max(1, len(self.colours)))
        return [QRectF(i * side, 0, side - 2, theme.theme().px(SWATCH)) for i in range(len(self.colours))]

    def paintEvent(self, event: QPaintEvent) -> None:
        """Rectangles with an edge, for one may have the card's own colour."""
        painter = QPainter(self)
        painter.setPen(QPen(QColor(theme.theme().edge), 1))
        for colour, box in zip(self.colours, self.boxes(), strict=True):
            painter.setBrush(QColor(colour))
            painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()

    def event(self, event: QEvent) -> bool:
        """The colour's name, where the mouse rests."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            found = [colour for colour, box in zip(self.colours, self.boxes(), strict=True) if box.contains(event.pos())]
            QToolTip.showText(event.globalPos(), "".join(found), self)
            return True
        return super().event(event)


class DataCard(QWidget):
    """Facts, palette, classes, notes and what was left out, with the reasons.

    Signals:
        browse(): the person wants to see all the pictures.
    """

    browse = Signal()
    TIP, ICON = "See every picture, by class", "image"

    def __init__(self, columns: int = 3, rows: int = MOST_ROWS) -> None:
        """`columns` of facts, and up to `rows` of classes."""
        super().__init__()
        self._columns, self.rows = columns, rows
        self.title = ElidedLabel("", "strong")
        self.browse_button = button("Browse all", self.ICON, clicked=self.browse.emit, tip=self.TIP)
        self.facts: dict[str, ElidedLabel] = {}
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(16)
        self._grid.setVerticalSpacing(0)
        self.attribute, self.bars = Combo(), ClassBars(rows)
        self.attribute.setAccessibleName("Which classes")
        self.attribute.currentIndexChanged.connect(self._on_attribute)
        self.classes = QWidget()
        head = row(label("Classes", "section"), 1, self.attribute)
        body = column(self.classes, spacing=4)
        body.addLayout(head)
        body.addWidget(self.bars)
        self.palette_part, self.swatches = QWidget(), Swatches()
        body = column(self.palette_part, spacing=6)
        body.addWidget(label("Palette", "section"))
        body.addWidget(self.swatches)
        self.notes = label("", "caption")  # no problem, unlike what was left out
        self.notes.setWordWrap(True)
        self.why = button("", "chevron-right", kind="quiet", clicked=lambda: self._unfold(self.reasons.isHidden()))
        self.why.setProperty("tone", "warn")
        self.reasons = QPlainTextEdit()
        self.reasons.setReadOnly(True)
        self.reasons.setFont(theme.font(11))
        self.reasons.setMinimumHeight(theme.theme().px(84))
        self.reasons.setMaximumHeight(theme.theme().px(160))
        self.reasons.setAccessibleName("What was left out, and why")
        whole = column(self, spacing=8)
        top = row(self.title, self.browse_button)
        top.setStretch(0, 1)
        whole.addLayout(top)
        whole.addLayout(self._grid)
        for part in self.parts():
            whole.addWidget(part)
        whole.addWidget(self.notes)
        whole.addLayout(row(self.why, 1))
        whole.addWidget(self.reasons)
        self._card: Mapping[str, Any] = {}
        self._quiet()

    def parts(self) -> Sequence[QWidget]:
        """What stands below the facts."""
        return (self.palette_part, self.classes)

    def facts_of(self, card: Mapping[str, Any]) -> list[tuple[str, str, str]]:
        """Name, value and tool tip of each fact."""
        return facts(card)

    def show_parts(self, card: Mapping[str, Any]) -> None:
        """Fill `parts`."""
        self.palette_part.setVisible(bool(card.get("palette")))
        self.swatches.show_colours(card.get("palette") or ())
        self._show_classes(card.get("classes") or {})

    def show_card(self, card: Mapping[str, Any]) -> None:
        """A card of `models.data.card`, or of a kind that a subclass knows."""
        self._card = card
        self._quiet()
        self.title.setText(str(card.get("title", "")))
        told = self.facts_of(card)
        if list(self.facts) != [name for name, _, _ in told]:
            self._forget_facts()
        for i, (name, value, tip) in enumerate(told):
            self._fact(i, name, value, tip)
        self.show_parts(card)
        notes = [str(note) for note in card.get("notes") or ()]
        self.notes.setText("\n".join(notes))
        self.notes.setVisible(bool(notes))
        skipped = [str(sentence) for sentence in card.get("skipped") or ()]
        left_out = int(card.get("left_out") or len(skipped))
        self.why.setText(f"{left_out:,} left out: why")
        self.why.setVisible(bool(skipped))
        more = [f"… and {left_out - len(skipped):,} more"] if left_out > len(skipped) else []
        self.reasons.setPlainText("\n".join([*skipped, *more]))
        self.browse_button.setVisible(bool(card.get("count")) and "p" not in card)  # the cells of a known distribution are all seen

    def _forget_facts(self) -> None:
        """Other ones come."""
        self.facts = {}
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()

    def _fact(self, place: int, name: str, value: str, tip: str) -> None:
        if name not in self.facts:
            line, at = divmod(place, self._columns)
            self.facts[name] = ElidedLabel("")
            self._grid.addWidget(label(name, "caption"), 3 * line, at)
            self._grid.addWidget(self.facts[name], 3 * line + 1, at)
            self._grid.setRowMinimumHeight(3 * line + 2, 6)
            self._grid.setColumnStretch(at, 1)
        self.facts[name].setProperty("own_tip", bool(tip))
        self.facts[name].setToolTip(tip)
        self.facts[name].setText(value)

    def _show_classes(self, classes: Mapping[str, Mapping[str, int]]) -> None:
        self.classes.setVisible(bool(classes))
        was = self.attribute.currentText()
        self.attribute.blockSignals(True)
        self.attribute.clear()
        self.attribute.addItems([str(name) for name in classes])
        self.attribute.setCurrentIndex(max(0, self.attribute.findText(was)))
        self.attribute.blockSignals(False)
        self.attribute.setVisible(len(classes) > 1)
        self._on_attribute(self.attribute.currentIndex())

    def _on_attribute(self, place: int) -> None:
        classes = list((self._card.get("classes") or {}).values())
        if 0 <= place < len(classes):
            self.bars.show_counts(classes[place])

    def _unfold(self, on: bool) -> None:
        self.reasons.setVisible(on)
        theme.set_icon(self.why, "chevron-down" if on else "chevron-right", "muted")

    def _quiet(self) -> None:
        for widget in (self.palette_part, self.classes, self.notes, self.why):
            widget.hide()
        self._unfold(False)


def facts(card: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Name, value and tool tip of each fact of a card."""
    sides, same = card.get("original") or {}, card.get("duplicates") or {}
    examples = "\n".join(" = ".join(map(str, pair)) for pair in same.get("examples", ()))
    low, high, common = (_size(sides.get(k)) for k in ("smallest", "largest", "common"))
    spread = low if low == high else f"{low} to {high}"
    return [
        ("Pictures", f"{card.get('count', 0):,} at {card.get('size', 0)} px", ""),
        ("To train on · held out", f"{card.get('train', 0):,} · {card.get('held_out', 0):,}", "A tenth is held out; each picture's own bytes decide"),
        ("Colour", _COLOURS.get(str(card.get("colour")), str(card.get("colour", "–"))), ""),
        ("Original size", spread or "drawn here", f"{spread}, most often {common}" if spread and low != high else ""),
        ("Duplicates", f"{same.get('count', 0):,}" if same.get("count") else "none", f"The same bytes twice:\n{examples}" if examples else ""),
        ("Left out", f"{card['left_out']:,}" if card.get("left_out") else "none", ""),
    ]


def _size(side: Sequence[int] | None) -> str:
    return f"{side[0]:,}×{side[1]:,}" if side else ""
