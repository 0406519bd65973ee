"""Rows of sentences with filled blanks: what was filled stands out, and at the end is whether it is right."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QHelpEvent, QPainter, QTextCharFormat
from PySide6.QtWidgets import QToolTip

from studio import theme
from studio.panels.sentencerow import Row, Style
from studio.panels.sentences import Rows

RIGHT, WRONG = "✓", "✗"
_WORD, _SHARE = 84, 0.22  # pixels of the word that is wrong, and its share of the row, at most
_QUOTED = re.compile(r"""(?:Word \d+, )?(['"])(.+?)\1""")


def blamed(why: str) -> str:
    """The word that a sentence of `grammar.why` begins with; "" where it blames none."""
    found = _QUOTED.match(why)
    return found[2].split(" … ")[-1] if found else ""


@dataclass
class FillStyle(Style):
    """How what was filled is set."""

    same: QTextCharFormat  # a filling that is like the one it is compared with
    off: QTextCharFormat  # not the truth; laid over one of the others
    same_off: QTextCharFormat


@dataclass
class FillRow(Row):
    """A sentence with its fillings; `fresh` and `same` are places, `off` those of them that are not the truth."""

    name: str = ""
    fresh: frozenset[int] = frozenset()
    same: frozenset[int] = frozenset()
    off: frozenset[int] = frozenset()
    caption: str = ""
    valid: float = math.nan  # 1, 0, or NaN for not known
    why: str = ""

    @classmethod
    def of(
        cls, tokens: Sequence[str], blanks: Collection[int], beside: Sequence[str] | None = None, truth: Sequence[str] = (), **more: Any
    ) -> FillRow:
        """Compare the words in the blanks with those of `beside`, and with the truth where it has a word; "" stands behind an end."""
        words = {i: word for i, word in enumerate(tokens) if word}
        filled = [(k, i) for k, i in enumerate(words) if i in blanks]
        same = frozenset(k for k, i in filled if beside is not None and i < len(beside) and beside[i] == words[i])
        off = frozenset(k for k, i in filled if i < len(truth) and truth[i] not in ("", words[i]))
        return cls(tuple(words.values()), fresh=frozenset(k for k, _ in filled) - same, same=same, off=off, **more)

    def format_of(self, i: int, style: Style) -> QTextCharFormat | None:
        """How token i is set."""
        if isinstance(style, FillStyle):
            if i in self.fresh:
                return style.off if i in self.off else style.fresh
            if i in self.same:
                return style.same_off if i in self.off else style.same
        return None


class FillRows(Rows):
    """Rows of `FillRow`; the legend in the tooltip is `about`."""

    def __init__(self, name: str, about: str) -> None:
        super().__init__(name)
        self._about = about

    def show_fill(self, rows: Sequence[FillRow], joiner: str) -> None:
        """Other rows."""
        self.rows, self.joiner, self.stale = list(rows), joiner, False
        if self.selection >= len(self.rows):
            self.select(-1)
        self.again()

    def style_of_rows(self) -> FillStyle:
        """Accent and strong for what differs, calm for what does not, underlined for what is not the truth."""
        plain, t = super().style_of_rows(), theme.theme()
        accent = theme.accent(self)
        same = QTextCharFormat()
        same.setForeground(QColor(theme.mix(t.muted, accent, 0.5)))
        off, same_off = QTextCharFormat(plain.fresh), QTextCharFormat(same)
        for one in (off, same_off):
            one.setUnderlineStyle(QTextCharFormat.UnderlineStyle.DotLine)
            one.setUnderlineColor(QColor(t.warn))
        return FillStyle(plain.face, plain.fresh, plain.faint, plain.joiner, plain.pad, same, off, same_off)

    def name_of(self, index: int) -> str:
        """What stands before a row."""
        return self.rows[index].name

    def wide_of_names(self, metrics: QFontMetricsF) -> float:
        """Pixels of what stands before the rows."""
        return max((metrics.horizontalAdvance(line.name) for line in self.rows), default=0.0)

    def columns(self) -> tuple[int, int]:
        """Where the sentences begin, and where they end."""
        left, _ = super().columns()
        number, mark = self._ends()
        return left, self.width() - theme.theme().px(6) - round(number + mark)

    def _ends(self) -> tuple[float, float]:
        """Pixels of the number at the right, and of the mark before it."""
        t, metrics, strong = theme.theme(), QFontMetricsF(theme.font(11)), QFontMetricsF(_strong())
        number = max((metrics.horizontalAdvance(line.caption) for line in self.rows), default=0.0)
        mark = max((strong.horizontalAdvance(_mark(line)) for line in self.rows if not math.isnan(line.valid)), default=0.0)
        return number + t.px(10) if number else 0.0, min(mark, t.px(_WORD), _SHARE * self.width()) + t.px(12) if mark else 0.0

    def paint_caption(self, painter: QPainter, index: int, room: QRectF) -> None:
        """The mark and the word that is wrong, and the number."""
        t, line = theme.theme(), self.rows[index]
        at_right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(room, at_right, line.caption)
        if not math.isnan(line.valid):
            number, mark = self._ends()
            wide = mark - t.px(12)
            painter.save()
            painter.setFont(_strong())
            painter.setPen(QColor(t.good if line.valid else t.bad))
            text = painter.fontMetrics().elidedText(_mark(line), Qt.TextElideMode.ElideRight, math.ceil(wide) + 1)
            box = QRectF(room.right() - number - wide, room.top(), wide + 1, room.height())
            painter.drawText(box, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), text)
            painter.restore()

    def tip_of(self, index: int) -> str:
        """What is said of a row, with the legend."""
        line = self.rows[index]
        said = {1.0: "Of the grammar's language", 0.0: line.why or "Not of the grammar's language"}.get(line.valid, "")
        return "\n".join(filter(None, (said, self._about)))

    def event(self, event: object) -> bool:
        """Why a row is wrong, and what the colours say."""
        if isinstance(event, QHelpEvent):
            at = self.index_at(event.pos().y())
            QToolTip.showText(QPoint(event.globalPos()), self.tip_of(at) if at >= 0 else "", self)
            return True
        return super().event(event)  # pyright: ignore[reportArgumentType]


def _mark(line: FillRow) -> str:
    return RIGHT if line.valid else f"{WRONG} {blamed(line.why)}".rstrip()


def _strong() -> QFont:
    return theme.font(11, 600)
