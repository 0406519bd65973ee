"""An exported file that was dropped: what it is, and the ways back to what made it. Nothing modal; it is put away when a way was taken."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QFrame, QPushButton, QSizePolicy, QWidget

from studio import theme
from studio.doors import MEANS, TAKES, Door, Take
from studio.export.thumbs import Thumb, thumb, whole
from studio.pages import called
from studio.picture import to_pixmap
from studio.recipe import is_recipe
from studio.widgets import ElidedLabel, button, column, label, row, spin, tool

WIDE, HIGH = 300, 220  # of the picture, at most


class SheetView(QWidget):
    """The picture of a file, whose samples can be pointed at: the mouse, or the arrow keys and Enter.

    Signals:
        chosen(int): a sample was clicked.
        pointed(int): another one is marked; -1 for none.
    """

    chosen = Signal(int)
    pointed = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._thumb, self._marked = Thumb(), -1
        self._pixmap: QPixmap | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Samples of the file")

    def show_thumb(self, found: Thumb) -> None:
        """Another file."""
        self._thumb, self._marked = found, -1
        self._pixmap = None if found.pixels is None else to_pixmap(found.pixels)
        self.setVisible(found.pixels is not None)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if found.geometry else Qt.FocusPolicy.NoFocus)
        self.updateGeometry()
        self.update()

    def scale(self) -> float:
        """Screen pixels of one of the picture."""
        pixels = self._thumb.pixels
        if pixels is None:
            return 1.0
        px = theme.theme().px
        fit = min(px(WIDE) / pixels.shape[1], px(HIGH) / pixels.shape[0])
        return fit if fit < 1 else float(int(min(fit, 8)))

    def sizeHint(self) -> QSize:
        """As large as there is room for."""
        pixels = self._thumb.pixels
        return QSize(0, 0) if pixels is None else QSize(max(1, round(pixels.shape[1] * self.scale())), max(1, round(pixels.shape[0] * self.scale())))

    @property
    def clickable(self) -> bool:
        """Whether it is known where its samples are."""
        return self._thumb.geometry is not None

    def marked(self) -> int:
        """The sample that is pointed at; -1 for none."""
        return self._marked

    def cell(self, index: int) -> QRect:
        """Where a sample is on the screen."""
        assert self._thumb.geometry is not None
        x, y, wide, high = (value * self.scale() for value in self._thumb.geometry.place(index))
        return QRect(round(x), round(y), round(wide), round(high))

    def _at(self, place: QPointF) -> int:
        geometry = self._thumb.geometry
        found = None if geometry is None else geometry.at(int(place.x() / self.scale()), int(place.y() / self.scale()))
        return -1 if found is None else found

    def _mark(self, index: int) -> None:
        if index != self._marked:
            self._marked = index
            self.setCursor(Qt.CursorShape.PointingHandCursor if index >= 0 else Qt.CursorShape.ArrowCursor)
            self.pointed.emit(index)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The picture, and a frame around the sample that is pointed at."""
        del event
        if self._pixmap is None:
            return
        painter, t = QPainter(self), theme.theme()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.scale() < 1)
        painter.drawPixmap(self.rect(), self._pixmap)
        if self._marked >= 0:
            place = self.cell(self._marked)
            for grow, colour in ((2, t.panel), (1, t.ink)):  # seen on any picture
                painter.setPen(QPen(QColor(colour), 2))
                painter.drawRect(place.adjusted(-grow, -grow, grow - 1, grow - 1))
        if self.hasFocus():
            painter.setPen(QPen(QColor(t.accent("gallery")), 2))
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Mark what is under the mouse."""
        self._mark(self._at(event.position()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click chooses."""
        found = self._at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and found >= 0:
            self._mark(found)
            self.chosen.emit(found)

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is pointed at."""
        super().leaveEvent(event)
        if not self.hasFocus():
            self._mark(-1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows mark, Enter chooses."""
        geometry = self._thumb.geometry
        moves = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if geometry is None:
            super().keyPressEvent(event)
            return
        moves |= {Qt.Key.Key_Up: -geometry.columns, Qt.Key.Key_Down: geometry.columns}
        if event.key() in moves:
            there = self._marked + moves[Qt.Key(event.key())] if self._marked >= 0 else 0
            self._mark(there if 0 <= there < geometry.count else self._marked)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._marked >= 0:
            self.chosen.emit(self._marked)
        else:
            super().keyPressEvent(event)


class DoorCard(QFrame):
    """A file and its ways back.

    Signals:
        taken(object, str): a Door, and the way: of `doors.TAKES`.
        find_wanted(object): the person wants to tell where the Door's run is now.
        demo_wanted(object): set up the demo whose run this Door wants.
        verify(object): make the Door's file again, and compare.
        closed(): it was put away.
    """

    taken = Signal(object, str)
    find_wanted = Signal(object)
    verify = Signal(object)
    demo_wanted = Signal(object)
    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self.door: Door | None = None
        self._lost: Door | None = None  # the sample that was wanted, whose run is not found
        self._taker: Callable[[Door], str] = lambda door: ""
        self.view = SheetView()
        self.title, self.facts = ElidedLabel("", "strong"), ElidedLabel("", "muted")
        self.words, self.pointed = label("", "caption"), ElidedLabel("", "caption")
        self.problem, self.verdict = label("", "warn"), label("", "muted")
        self.number = spin(0, 0, 0, "Which sample of the file, from 0")
        self.number.setAccessibleName("Sample of the file")
        self.open_button = button("Open this sample", "open", tip="Its run as it was, with this sample selected", clicked=self._on_numbered)
        self.number.valueChanged.connect(lambda _: self._on_pointed(-1))
        for words in (self.words, self.problem, self.verdict):
            words.setTextFormat(Qt.TextFormat.PlainText)  # whatever a file says is no markup
            words.setWordWrap(True)
        self.close_button = tool("close", "Close (Esc)", self.close_card)
        self.takes: dict[Take, QPushButton] = {}
        for take, name in TAKES.items():
            self.takes[take] = button(name, kind="primary" if take == "all" else "", clicked=lambda take=take: self._take(take))
        self.verify_button = button("Verify", "search", tip="Make this file again from its run, and compare", clicked=self._verify)
        self.find_button = button("Find…", "open", tip="Tell where the folder of this run is now", clicked=self._find)
        self.demo_button = button("Set up the demo", "zip", tip="Unpack the demo's run into the runs folder", clicked=self._demo)
        self.nearest_button, self.newest_button = button("", clicked=self._nearest), button("", clicked=self._newest)
        self._lay_out()
        self.view.chosen.connect(self._on_sample)
        self.view.pointed.connect(self._on_pointed)
        self.hide()

    def _lay_out(self) -> None:
        whole = column(self, margin=12, spacing=0)
        line = row(spacing=16)
        line.addWidget(self.view, 0, Qt.AlignmentFlag.AlignTop)
        right = column(spacing=6)
        head = row(self.title, self.close_button)
        head.setStretch(0, 1)
        right.addLayout(head)
        right.addWidget(self.facts)
        right.addWidget(self.words)
        right.addWidget(self.pointed)
        self.picker = QWidget()
        self.picker.setLayout(row(self.number, self.open_button, 1))
        right.addWidget(self.picker)
        self.lost = QWidget()
        lost = row(self.problem, self.demo_button, self.find_button, self.nearest_button, self.newest_button)
        lost.setStretch(0, 1)
        self.lost.setLayout(lost)
        right.addWidget(self.lost)
        right.addStretch(1)
        right.addWidget(self.verdict)
        buttons = row(*self.takes.values(), 1, self.verify_button)
        right.addLayout(buttons)
        line.addLayout(right, 1)
        whole.addLayout(line)

    # --- what is shown ----------------------------------------------------------------------------------------

    def show_door(self, door: Door, taker: Callable[[Door], str] = lambda door: "") -> None:
        """Another file, or the same one with its run found; `taker` says why what is open cannot take the seed, "" where it can."""
        other = self.door is None or self.door.path != door.path
        self.door, self._taker = door, taker
        if other:
            found = thumb(door.path, door.recipe)
            self.view.show_thumb(found)
            self.words.setText(found.words)
            self.words.setVisible(bool(found.words))
            self.show_verdict("")
            self._lost = None
            self.picker.setVisible(door.samples > 1 and not whole(door.recipe, found))
            self.number.setRange(0, max(0, door.samples - 1))
            self._on_pointed(-1)
        self.title.setText(f"{door.kind} · {door.path.name}")
        self.facts.setText(" · ".join(facts_of(door)))
        self.setAccessibleName(f"{door.kind} {door.path.name}: {', '.join(facts_of(door))}")
        self._show_missing(door)
        for take, b in self.takes.items():
            why = door.why_not(take, taker(door))
            b.setEnabled(not why)
            b.setToolTip(why or MEANS[take])
        self.verify_button.setEnabled(door.recipe.get("kind") != "blind" and not is_recipe(door.path))
        self.show()

    def _show_missing(self, door: Door) -> None:
        at = door.step if door.step != door.recipe.get("step") else None
        told = f"At step {at:,}, in the place of step {door.recipe['step']:,}." if at is not None else door.missing
        self.problem.setText(told)
        self.lost.setVisible(bool(told))
        self._show_finding(door)
        near, newest = door.nearest, door.newest
        offers = bool(door.missing) and door.run is not None
        self.nearest_button.setVisible(offers and near is not None and near != newest)
        self.nearest_button.setText(f"Take step {near:,}" if near is not None else "")
        self.nearest_button.setToolTip("The nearest step that the run has a checkpoint of")
        self.newest_button.setVisible(offers and newest >= 0)
        self.newest_button.setText(f"Take step {newest:,}")
        self.newest_button.setToolTip("The newest step of the run")

    def _show_finding(self, door: Door) -> None:
        """How a run that is not there may be had."""
        named = door.demo
        self.demo_button.setVisible(bool(named))
        self.demo_button.setEnabled(True)
        self.demo_button.setText(f"Set up the demo of {called(named)}" if named else "")
        self.find_button.setVisible(door.run is None)  # it may have been set up, and moved

    def show_verdict(self, text: str) -> None:
        """What became of Verify, or that it goes on."""
        self.verdict.setText(text)
        self.verdict.setVisible(bool(text))

    def refresh(self) -> None:
        """What is open on the page has changed."""
        if self.door is not None and self.isVisible():
            self.show_door(self.door, self._taker)

    def close_card(self) -> None:
        """Put it away."""
        self.door = None
        self.hide()
        self.closed.emit()

    # --- what a person does -----------------------------------------------------------------------------------

    def _take(self, take: Take) -> None:
        if self.door is not None:
            self.taken.emit(self.door, take)

    def _find(self) -> None:
        if self.door is not None:
            self.find_wanted.emit(self._lost or self.door)

    def _demo(self) -> None:
        if self.door is not None:
            self.demo_button.setEnabled(False)
            self.demo_wanted.emit(self._lost or self.door)

    def _verify(self) -> None:
        if self.door is not None:
            self.verify.emit(self.door)

    def _nearest(self) -> None:
        if self.door is not None and self.door.nearest is not None:
            self.show_door(self.door.at(self.door.nearest), self._taker)

    def _newest(self) -> None:
        if self.door is not None:
            self.show_door(self.door.at(self.door.newest), self._taker)

    def _on_sample(self, index: int) -> None:
        """A click makes a sample live: its run as it was, the sample selected."""
        if self.door is None:
            return
        one = self.door.sample(index)
        if self.door.step is not None and self.door.step != self.door.recipe.get("step"):
            one = one.at(self.door.step)
        why = one.why_not("all")
        self._lost = one if why else None
        if why:
            self.problem.setText(one.missing or why)
            self._show_finding(one)
            self.lost.show()
        else:
            self.taken.emit(one, "all")

    def _on_numbered(self) -> None:
        self._on_sample(self.number.value())

    def _on_pointed(self, index: int) -> None:
        """What is under the mouse, or has the number; else what can be done."""
        door, numbered = self.door, not self.picker.isHidden()
        if door is None or not (self.view.clickable or numbered):
            self.pointed.hide()
            return
        way = " or ".join(["click one of them"] * self.view.clickable + ["choose one by its number"] * numbered)
        told = f"The samples are of several runs: {way}" if door.several else f"To open a sample, {way}"
        if numbered and index < 0 and self.number.value():
            index = self.number.value()
        if index >= 0:
            told = f"Sample {index} · " + " · ".join(facts_of(door.sample(index)))
        self.pointed.setText(told)
        self.pointed.show()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes."""
        if event.key() == Qt.Key.Key_Escape:
            self.close_card()
        else:
            super().keyPressEvent(event)


def facts_of(door: Door) -> list[str]:
    """System, run, step, seed, row and day, as far as they are known."""
    found = ["Sampler lab" if door.system == "lab" else called(door.system)] if door.system else []
    found += [door.name] if door.name else []
    if door.several:
        found.append(f"{door.samples:,} samples of {len(door.recipe['sources']):,} runs")
    if isinstance(door.recipe.get("step"), int):
        found.append(f"step {door.recipe['step']:,}")
    if door.seed is not None:
        found.append(f"seed {door.seed:,}" + (f" #{door.row:,}" if door.row is not None else ""))
    try:
        found.append(time.strftime("%d %b %Y", time.localtime(door.path.stat().st_mtime)))
    except OSError:
        pass
    return found
