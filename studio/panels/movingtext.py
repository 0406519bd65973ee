"""Sentences of a demo that are typed, and blanks that are filled."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPointF, QRect, QRectF
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from studio import theme
from studio.demos import Demo
from studio.panels.moving import HOLD, Moving

SPEED = 3  # letters a tick
ROWS = 5  # sentences that are seen at once, at most
PAUSE = 5  # ticks after a sentence
THINK = 5  # ticks until the next blank is filled
MARGIN = 14


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a .jsonl file."""
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


class Sentences(Moving):
    """One sentence after the other is typed below those before, which fade."""

    def __init__(self, demo: Demo) -> None:
        super().__init__(demo)
        self._at = (ROWS - 1, 0)  # the sentence that is being typed, and since when

    @cached_property
    def _lines(self) -> list[str]:
        found = [str(line["text"]) for file in self.demo.moving for line in read_lines(file)]
        if not found:
            raise ValueError("it has no sentences")
        return found

    def draw(self, painter: QPainter, room: QRect) -> None:
        t, px = theme.theme(), theme.theme().px
        number, since = self._at
        letters = (self.tick - since) * SPEED
        if letters > len(self._lines[number % len(self._lines)]) + PAUSE * SPEED:
            number, letters, self._at = number + 1, 0, (number + 1, self.tick)
        font = theme.font(13)
        step = px(24)
        rows = min(ROWS + 2, max(1, (room.height() - px(12)) // step))
        metrics = QFontMetricsF(font)
        painter.setFont(font)
        top = (room.height() - rows * step) / 2
        for k in range(rows):
            text = self._lines[(number - rows + 1 + k) % len(self._lines)]
            last = k == rows - 1
            typed = text[:letters] if last and not self.stands else text
            share = 1.0 if last else 0.25 + 0.6 * k / rows
            painter.setPen(QColor(theme.mix(t.stage, t.ink, share)))
            base = top + k * step + (step + metrics.capHeight()) / 2
            painter.drawText(QPointF(px(MARGIN), base), metrics.elidedText(typed, theme.Qt.TextElideMode.ElideRight, room.width() - 2 * px(MARGIN)))
            if last and not self.stands:
                x = px(MARGIN) + min(metrics.horizontalAdvance(typed) + 2, room.width() - 2 * px(MARGIN))
                painter.fillRect(QRectF(x, base - metrics.capHeight() - 2, px(2), metrics.capHeight() + 4), QColor(theme.accent(self)))


class Fillings(Moving):
    """A sentence whose blanks are filled one after the other; then again with other words, and the next sentence."""

    def __init__(self, demo: Demo) -> None:
        super().__init__(demo)
        self._seen = (-1, -1)

    @cached_property
    def _all(self) -> list[dict[str, Any]]:
        found = [line for file in self.demo.moving for line in read_lines(file)]
        if not found:
            raise ValueError("it has no fillings")
        return found

    def _moment(self) -> tuple[int, int]:
        """Which filling, and how many of its blanks are filled."""
        if self.stands:
            return 0, len(self._all[0]["blanks"])
        left = self.tick // THINK
        while True:
            for number, one in enumerate(self._all):
                takes = len(one["blanks"]) + 1 + HOLD // THINK
                if left < takes:
                    return number, min(left, len(one["blanks"]))
                left -= takes
            self.tick = left * THINK

    def changes(self) -> bool:
        return self._moment() != self._seen

    def draw(self, painter: QPainter, room: QRect) -> None:
        t, px = theme.theme(), theme.theme().px
        self._seen = number, filled = self._moment()
        one = self._all[number]
        font, strong = theme.font(18), theme.font(18, 600)
        plain, bold = QFontMetricsF(font), QFontMetricsF(strong)
        blanks = {place: i for i, place in enumerate(one["blanks"])}
        words = [(word, blanks.get(i, -1)) for i, word in enumerate(one["tokens"])]
        space, line, margin = plain.horizontalAdvance(" "), px(38), px(MARGIN + 4)
        wide = [max(bold.horizontalAdvance(word), px(44)) + px(8) if place >= 0 else plain.horizontalAdvance(word) for word, place in words]
        rows: list[list[int]] = [[]]
        x = 0.0
        for i, w in enumerate(wide):
            if rows[-1] and x + w > room.width() - 2 * margin:
                rows.append([])
                x = 0.0
            rows[-1].append(i)
            x += w + space
        top = (room.height() - len(rows) * line) / 2
        accent = QColor(theme.accent(self))
        for r, places in enumerate(rows):
            x = (room.width() - sum(wide[i] for i in places) - space * (len(places) - 1)) / 2
            base = top + r * line + (line + plain.capHeight()) / 2
            for i in places:
                word, place = words[i]
                box = QRectF(x, base - plain.capHeight() - px(8), wide[i], plain.capHeight() + px(16))
                if place >= 0:
                    now = place == filled
                    painter.setPen(QPen(accent, 2 if now else 1))
                    painter.setBrush(QColor(theme.mix(t.stage, accent.name(), theme.TINT_OPACITY)) if place < filled else QColor(t.field))
                    painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 6, 6)
                if place < filled:
                    painter.setFont(strong if place >= 0 else font)
                    painter.setPen(accent if place >= 0 else QColor(t.ink))
                    shift = (wide[i] - bold.horizontalAdvance(word)) / 2 if place >= 0 else 0.0
                    painter.drawText(QPointF(x + shift, base), word)
                x += wide[i] + space
