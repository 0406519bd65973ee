"""What Home shows of a demo: pictures, sentences and chains that move by themselves, from files, without torch.

    view = moving(demo)
    view.advance()

Each is loaded when it is first seen, paints only what it must, and stands still unless somebody advances it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QImageReader, QPainter, QPainterPath, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio import theme
from studio.demos import Demo

TICK_MS = 110
LOW, HIGH, WIDE = 140, 204, 1580  # heights, and the width of the window from which on it is the larger one
GAP, LINES = 4, 2  # between pictures, and their rows
HOLD = 22  # ticks that an end stays


class Moving(QWidget):
    """The frame of all of them: a dark ground of the stage's colour, as wide as there is room.

    Attributes:
        tick: how often it was advanced.
        stands: it shows a moment that says most, for those who want no motion.
        trouble: why nothing can be shown; "" if all is well.
    """

    EVERY = 1  # of the ticks change something

    def __init__(self, demo: Demo) -> None:
        super().__init__()
        self.demo, self.tick, self.stands, self.trouble = demo, 0, False, ""
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.notifier.changed.connect(self._again)
        self._again()

    def advance(self) -> None:
        """The next moment, if anybody can see it."""
        self.tick, self.stands = self.tick + 1, False
        if self.tick % self.EVERY == 0 and self.changes() and not self.visibleRegion().isEmpty():
            self.update()

    def changes(self) -> bool:
        """Whether this tick looks different from the one before."""
        return True

    def show_still(self) -> None:
        """A moment that shows what it is about, for those who want no motion."""
        self.stands = True
        self.update()

    def draw(self, painter: QPainter, room: QRect) -> None:
        """The present moment; raises OSError, ValueError or KeyError for a file that cannot be read."""
        raise NotImplementedError

    def forget(self) -> None:
        """Another size or scheme: what was drawn ahead no longer fits."""

    def sizeHint(self) -> QSize:
        """As high as it is."""
        return QSize(theme.theme().px(340), self.height())

    def minimumSizeHint(self) -> QSize:
        """Narrower still shows something."""
        return QSize(theme.theme().px(200), self.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A wide one is higher."""
        super().resizeEvent(event)
        self._again()

    def _again(self) -> None:
        px = theme.theme().px
        high = px(HIGH if self.window().width() >= px(WIDE) else LOW)  # not its own width, which goes with the scroll bar that its height brings
        if self.height() != high or self.minimumHeight() != high:
            self.setFixedHeight(high)
        self.forget()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Ground and moment."""
        t, painter = theme.theme(), QPainter(self)
        painter.fillRect(self.rect(), QColor(t.panel))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = QPainterPath()
        ground.addRoundedRect(QRectF(self.rect()), 6, 6)
        painter.fillPath(ground, QColor(t.stage))
        try:
            if not self.trouble:
                self.draw(painter, self.rect())
        except (OSError, ValueError, KeyError, TypeError) as error:
            self.trouble = f"The demo's pictures cannot be read: {error}"
        if self.trouble:
            painter.setPen(QColor(t.muted))
            painter.setFont(theme.font(11))
            painter.drawText(self.rect().adjusted(12, 0, -12, 0), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.trouble)
        painter.end()


class Pictures(Moving):
    """Tiles in two rows, each a whole number of times enlarged."""

    def __init__(self, demo: Demo) -> None:
        self._scaled: dict[tuple[int, int], QImage] = {}
        super().__init__(demo)

    def forget(self) -> None:
        self._scaled.clear()

    def side(self) -> int:
        """Samples along a side of one picture."""
        raise NotImplementedError

    def most(self) -> int:
        """How many there are at most."""
        raise NotImplementedError

    def place(self, tile: int, tiles: int) -> tuple[int, int]:
        """Which file's frame, and which picture in it, a tile shows now."""
        raise NotImplementedError

    def picture(self, frame: int, index: int) -> QImage:
        """One picture, as it came."""
        raise NotImplementedError

    def draw(self, painter: QPainter, room: QRect) -> None:
        ratio = self.devicePixelRatioF()
        gap = round(GAP * ratio)
        side, wide, high = self.side(), int(room.width() * ratio) - 2 * gap, int(room.height() * ratio)
        zoom = max(1, (high - (LINES - 1) * gap) // (LINES * side))
        one = side * zoom
        columns = max(1, min((wide + gap) // (one + gap), -(-self.most() // LINES)))
        left = (int(room.width() * ratio) - columns * (one + gap) + gap) // 2
        top = (high - LINES * (one + gap) + gap) // 2
        painter.save()
        painter.scale(1 / ratio, 1 / ratio)
        for i in range(min(columns * LINES, self.most())):
            image = self._enlarged(*self.place(i, columns * LINES), one)
            painter.drawImage(left + i % columns * (one + gap), top + i // columns * (one + gap), image)
        painter.restore()

    def _enlarged(self, frame: int, index: int, one: int) -> QImage:
        if (frame, index) not in self._scaled:
            fast = Qt.TransformationMode.FastTransformation
            image = self.picture(frame, index).scaled(one, one, Qt.AspectRatioMode.IgnoreAspectRatio, fast)
            self._scaled[frame, index] = image.convertToFormat(QImage.Format.Format_RGB32)
        return self._scaled[frame, index]


class Loop(Pictures):
    """A closed way through latents, seen at several places at once."""

    @cached_property
    def _frames(self) -> list[QImage]:
        return read_frames(str(self.demo.moving[0]))

    def side(self) -> int:
        return self._frames[0].width()

    def most(self) -> int:
        return len(self._frames)

    def place(self, tile: int, tiles: int) -> tuple[int, int]:
        return (self.tick + round(tile * len(self._frames) / tiles)) % len(self._frames), 0

    def picture(self, frame: int, index: int) -> QImage:
        return self._frames[frame]


class Chains(Pictures):
    """Chains from their start to what they were asked for; the end stays a while."""

    @cached_property
    def _frames(self) -> list[QImage]:
        return [image for file in self.demo.moving for image in read_frames(str(file))]

    @property
    def _columns(self) -> int:
        return math.ceil(math.sqrt(self.most()))

    def side(self) -> int:
        return self._frames[0].width() // self._columns

    def most(self) -> int:
        return int(self.demo.about["chains"])

    def place(self, tile: int, tiles: int) -> tuple[int, int]:
        moment = len(self._frames) if self.stands else self.tick % (len(self._frames) + HOLD)
        return min(moment, len(self._frames) - 1), tile

    def changes(self) -> bool:
        return not 0 < self.tick % (len(self._frames) + HOLD) - len(self._frames) < HOLD - 1

    def picture(self, frame: int, index: int) -> QImage:
        sheet, side = self._frames[frame], self.side()
        return sheet.copy(index % self._columns * side, index // self._columns * side, side, side)


def read_frames(path: str) -> list[QImage]:
    """All frames of an animation; raises ValueError if it cannot be read."""
    reader, found = QImageReader(path), []
    while not (image := reader.read()).isNull():
        found.append(image)
        if len(found) > 2_000:
            break
    if not found:
        raise ValueError(reader.errorString())
    return found


def moving(demo: Demo) -> Moving:
    """The view that fits a demo; one of an unknown kind tells so."""
    from studio.panels.movingtext import Fillings, Sentences
    from studio.panels.movingwalk import Walks

    kinds: dict[str, Callable[[Demo], Moving]] = {"loop": Loop, "chains": Chains, "sentences": Sentences, "fillings": Fillings, "walks": Walks}
    found = kinds.get(demo.kind, Moving)(demo)
    if demo.kind not in kinds:
        found.trouble = "This demo is of another version."
    return found
