"""The sampler lab: chains on a density, to be played, stepped, steered, raced and measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QGridLayout, QPushButton, QWidget

from models.errors import BadInput
from models.files import home
from models.settings import settings
from studio import theme
from studio.doors import Take
from studio.finding import Settable
from studio.messages import Frame, Limit, Trouble, Walk, WalkOpened
from studio.pages.labdoor import walk_of
from studio.pages.labdoors import LabDoors
from studio.pages.labmeasuring import LabMeasuring
from studio.pages.page import Page, played
from studio.pages.restoring import fresh
from studio.pages.settable import of_rows, of_spin
from studio.panels.density import DensityView
from studio.panels.diagnostics import Diagnostics
from studio.panels.knob import written
from studio.panels.labsetup import LabSetup
from studio.panels.labside import KERNELS as SAMPLERS
from studio.panels.labside import LabSide
from studio.panels.lane import LaneCard
from studio.panels.limiterror import LimitErrorPlot
from studio.panels.playback import Playback
from studio.session import Session
from studio.workers.lab import LabWorker

BESIDE = 300  # pixels of the numbers at the right of a single walk
MOST = 3  # samplers side by side
KERNELS = dict(SAMPLERS)  # name -> as people write it


class LabPage(Page):
    """One target, one to three samplers.

    Attributes:
        setup, side, lanes, diagnostics, errors, playback: header, controls, the walks, their numbers, the error against ε, the foot.
        opened, frame, walk: the walks, the last that was seen of them, and what they were asked for; None before the first.
        drawn_file: where the painting is on disk, unchanged; None where it is not.
        doors, measuring: what comes out of it; the error of MALA-approx.
    """

    SYSTEM, TITLE = "lab", "Sampler lab"

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.opened: WalkOpened | None = None
        self.frame: Frame | None = None
        self.walk: Walk | None = None
        self._knobs: dict[str, dict[str, float]] = {}  # of each sampler, as long as the target stays
        self.drawn_file: Path | None = None
        self.worker = LabWorker(self)
        self.setup, self.side, self.playback = LabSetup(), LabSide(), Playback()
        self.tools.addWidget(self.setup)
        self.doors = LabDoors(self)
        self.tools.addWidget(self.doors.copy_button)
        self.tools.addWidget(self.doors.export_button)
        self.live = self._stage()
        self.measuring = LabMeasuring(self)
        self.stage.addWidget(self.live)
        self.add_side(self.side)
        self.add_foot(self.playback)
        self._connect()
        self.worker.start()
        self._open()

    # --- how it is made ---------------------------------------------------------------------------------------

    def _stage(self) -> QWidget:
        live = QWidget()
        self.lanes = [LaneCard() for _ in range(MOST)]
        self.diagnostics, self.errors = Diagnostics(), LimitErrorPlot()
        self.errors.hide()
        self.diagnostics.plots.addWidget(self.errors, 1)
        self._grid = QGridLayout(live)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(theme.theme().px(12))
        for i, card in enumerate(self.lanes):
            card.hide()
            self._grid.addWidget(card, 0, i)
            card.view.watched.connect(self._on_watched)
            card.view.dropped.connect(lambda chain, at, i=i: self.worker.move(i, chain, at))
            card.view.dabbed.connect(self.side.brush.dab)
            card.view.stroke_ended.connect(self.side.brush.end_stroke)
        return live

    def _arrange(self, lanes: int) -> None:
        """One walk beside its numbers, or several above theirs."""
        grid, px = self._grid, theme.theme().px
        grid.removeWidget(self.diagnostics)
        one = lanes == 1
        for i, card in enumerate(self.lanes):
            card.setVisible(i < lanes)
        for c in range(MOST):
            grid.setColumnStretch(c, 1 if c < lanes else 0)
        grid.addWidget(self.diagnostics, *((0, 1) if one else (1, 0, 1, MOST)))
        grid.setRowStretch(0, 3)
        grid.setRowStretch(1, 0 if one else 2)
        self.diagnostics.setMaximumWidth(px(BESIDE) if one and self.width() < px(1500) else px(440) if one else 16_777_215)
        self.diagnostics.setMinimumWidth(px(BESIDE) if one else 0)

    def _connect(self) -> None:
        worker, side, playback = self.worker, self.side, self.playback
        worker.opened.connect(self._on_opened)
        worker.framed.connect(self._on_frame)
        worker.summed.connect(self.diagnostics.show_diagnoses)
        worker.limited.connect(self._on_limit)
        worker.turned.connect(self._on_turned)
        worker.running.connect(lambda: playback.show_playing(True))
        worker.paused.connect(lambda: playback.show_playing(False))
        worker.trouble.connect(self._on_trouble)
        worker.written.connect(lambda path: self.tell(f"Exported {path}", path))
        playback.play.connect(worker.play)
        playback.pause.connect(worker.pause)
        playback.step.connect(worker.step)
        playback.back.connect(worker.back)
        playback.reset.connect(worker.reset)
        playback.speed.connect(worker.set_speed)
        self.setup.target_chosen.connect(self._on_target)
        self.setup.changed.connect(self._open)
        self.setup.refused.connect(self.card.show_error)
        side.kernels_chosen.connect(lambda _: self._open())
        side.currency_chosen.connect(worker.set_currency)
        side.knob.connect(self._on_knob)
        side.suit.connect(worker.suit)
        side.looked.connect(self._on_look)
        side.brush.painted.connect(self._on_painted)
        side.brush.stroked.connect(self._on_stroked)
        side.brush.brush_changed.connect(lambda _: self._set_brush())
        side.brush.save.connect(lambda: self._ask_painting(save=True))
        side.brush.load.connect(lambda: self._ask_painting(save=False))
        side.brush.failed.connect(self.card.show_error)
        side.formula.entered.connect(lambda _: self._on_target("typed"))

    # --- what a person does -----------------------------------------------------------------------------------

    def target(self) -> str | np.ndarray:
        """The name or formula of the density, or the weights of a painting."""
        match self.setup.target:
            case "drawn":
                return self.side.brush.weights
            case "typed":
                return f"expr:{self.side.formula.field.text().strip()}"
            case "ill-conditioned":
                return f"ill-conditioned:{self.setup.dimensions.value()}"
            case name:
                return name

    def _open(self) -> None:
        """Make the chains as the header and the side say."""
        start = self.setup.start()
        if start is None:
            return
        kernels = self.side.chosen()
        self.walk = Walk(kernels, self.target(), self.setup.chains.value(), self.setup.seed.value(), start, dict(self._knobs))
        self.worker.open(self.walk)

    def show_demo(self, about: Mapping[str, Any]) -> None:
        """The walks that Home shows, from their start, played."""
        told = about["lab"]
        self.setup.show_choice(str(told["target"]), int(told["chains"]), int(told["seed"]), str(told["start"]))
        self.side.choose(about["kernels"])
        self._on_target(self.setup.target)
        if not settings().reduce_motion:
            self.worker.play()

    def _on_target(self, name: str) -> None:
        self._knobs = {}
        self.own_history.clear()
        self.side.show_tools(name)
        self._set_brush()
        self.card.close_card()
        if name == "drawn" and not self.side.brush.weights.any():
            self.card.show_error("The square is empty: paint something, and it becomes the target.")
        elif name != "typed" or self.side.formula.check(self.side.formula.field.text()):
            self._open()

    def _set_brush(self) -> None:
        radius = self.side.brush.radius if self.setup.target == "drawn" else None
        for card in self.lanes:
            card.view.set_brush(radius)

    def _on_painted(self, weights: np.ndarray) -> None:
        self.drawn_file = None
        self.card.close_card()
        if self.opened is not None and self.opened.name == "drawn":
            self.worker.repaint(weights)
        else:
            self._open()

    def _on_stroked(self, before: np.ndarray, now: np.ndarray, what: str) -> None:
        self.own_history.done(what, lambda: self.side.brush.put(before), lambda: self.side.brush.put(now))

    def _ask_painting(self, *, save: bool) -> None:
        folder = home() / "paintings"
        folder.mkdir(parents=True, exist_ok=True)
        use = self.save_painting if save else self.load_painting
        self.ask_path(
            "Save the painting" if save else "Load a painting",
            folder / "painting.json",
            "JSON (*.json);;PNG (*.png)" if save else "Paintings (*.json *.png)",
            use,
            there=not save,
        )

    def save_painting(self, path: Path) -> None:
        """Write it as .json or .png."""
        if self.side.brush.write(path):
            self.drawn_file = path if path.suffix == ".json" else None
            self.tell(f"Saved {path}", path)

    def load_painting(self, path: Path) -> None:
        """A painting from disk becomes the target."""
        if self.side.brush.read(path):
            self.drawn_file = path

    def _on_knob(self, lane: int, name: str, value: float) -> None:
        self.worker.set_knobs(lane, {name: float(value)})
        panel = self.side.lanes[lane]
        kernel, symbol = panel.lane.kernel, panel.rows[name].knob.symbol
        before, now = {name: self._knobs[kernel][name]}, {name: float(value)}
        values = (written(before[name]), written(now[name]))
        self.own_history.done(
            f"{symbol} of {KERNELS[kernel]}", lambda: self.turn(kernel, before), lambda: self.turn(kernel, now), f"{kernel} {name}", values
        )
        self._keep_knobs()

    def turn(self, kernel: str, knobs: dict[str, float]) -> None:
        """Knobs of a sampler, which keeps them if it does not walk now; nothing is remembered."""
        self._knobs[kernel] = {**self._knobs.get(kernel, {}), **knobs}
        for i, panel in enumerate(self.side.lanes):
            if panel.lane.kernel == kernel:
                self.worker.set_knobs(i, knobs)
                panel.show_values(knobs)

    def _on_watched(self, chain: int) -> None:
        for card in self.lanes:
            card.view.select(chain)
        self.worker.watch(chain)

    def _on_look(self, what: int) -> None:
        for card in self.lanes:
            card.look(what)

    # --- what the worker says ---------------------------------------------------------------------------------

    def _on_opened(self, opened: WalkOpened) -> None:
        same = self.opened is not None and [x.kernel for x in self.opened.lanes] == [x.kernel for x in opened.lanes]
        other = self.opened is None or self.opened.name != opened.name or not opened.fresh
        self.opened = opened
        if not same:
            self._arrange(len(opened.lanes))
        if opened.fresh or not same:
            self.card.close_card()
            self.side.show_opened(opened)
            self.diagnostics.show_lanes(opened.lanes)
        approximate = any(lane.best is None for lane in opened.lanes)
        if not approximate or not same:
            self.side.show_limit(False)
        if other or not same:
            self.measuring.stop()
            self.errors.clear()
        self.errors.setVisible(approximate and opened.d <= 2)
        for card, lane in zip(self.lanes, opened.lanes, strict=False):
            card.show_lane(lane, opened)
        axes = "" if opened.d <= 2 else ", the first two axes"
        self.subtitle.setText(f"{opened.title}{axes}")
        self._keep_knobs()

    def _on_frame(self, frame: Frame) -> None:
        self.frame = frame
        for card, lane in zip(self.lanes, frame.lanes, strict=False):
            card.show_frame(lane, frame)
        self.playback.show_progress(frame.lanes[0].step, frame.rate, self.setup.chains.value(), "")
        QTimer.singleShot(0, self.worker, self.worker.taken)

    def _on_limit(self, limit: Limit) -> None:
        if limit.lane < len(self.lanes):
            self.lanes[limit.lane].show_limit(limit)
        self.side.show_limit(any(card.has_limit for card in self.lanes if card.isVisible()))
        if not self.measuring.is_on():
            self.errors.clear()

    def _on_turned(self, lane: int, knobs: dict[str, float]) -> None:
        if lane < len(self.side.lanes) and set(self.side.lanes[lane].rows) == set(knobs):
            kernel = self.side.lanes[lane].lane.kernel
            before = dict(self._knobs.get(kernel, knobs))
            if before != knobs:  # the best step was found
                text = f"best step of {KERNELS[kernel]}"
                self.own_history.done(text, lambda: self.turn(kernel, before), lambda: self.turn(kernel, knobs))
            self.side.lanes[lane].show_values(knobs)
            self._keep_knobs()

    def _keep_knobs(self) -> None:
        self._knobs |= {panel.lane.kernel: panel.values() for panel in self.side.lanes}

    def _on_trouble(self, trouble: Trouble, asked: str) -> None:
        if asked == "open" and self.setup.target == "typed" and not trouble.details:
            self.side.formula.refuse(trouble.sentence)
        else:
            self.card.show_error(trouble.sentence, "", trouble.details)

    # --- what an exported walk brings back ---------------------------------------------------------------------

    def seed_taker(self) -> bool:
        """The chains take any seed."""
        return True

    def take_seed(self, seed: int) -> None:
        """The same walk from another seed."""
        self.setup.seed.setValue(seed)

    def random_seed(self) -> int:
        """From one that nobody has chosen."""
        self.take_seed(seed := fresh())
        return seed

    def restore(self, recipe: Mapping[str, Any], take: Take = "all") -> None:
        """The target, the sampler with its steps, chains, seed and start of a table that was exported; what is out of range is told."""
        try:
            found = walk_of(recipe)
        except BadInput as error:
            self.card.show_error(str(error))
            return
        if found.painting is not None and not self.side.brush.read(found.painting):
            return  # it has told why
        self.side.choose((found.kernel,))
        self.setup.show_choice(found.target, found.chains, fresh() if take == "no-seed" else found.seed, found.start)
        self.setup.show_more(found.dimensions, found.point)
        if found.formula:
            self.side.formula.field.setText(found.formula)
        self._on_target(self.setup.target)
        self.drawn_file = found.painting
        self._knobs = {found.kernel: dict(found.settings)}
        self._open()

    # --- doors ------------------------------------------------------------------------------------------------

    def settable(self) -> list[Settable]:
        """The knobs of every sampler, chains and seed."""
        one = len(self.side.lanes) == 1
        knobs = [s for panel in self.side.lanes for s in of_rows(panel.rows, "" if one else panel.lane.kernel)]
        return [*knobs, of_spin(("seed",), self.setup.seed, "seed of the walk"), of_spin(("chains",), self.setup.chains, "chains")]

    def export_buttons(self) -> list[QPushButton]:
        """One."""
        return [self.doors.export_button]

    def choose_export(self) -> None:
        """Ctrl+E."""
        self.doors.export_button.showMenu()

    def copy(self, text: str, what: str) -> None:
        """Into the clipboard; a walk that is still being set up is told."""
        if not text and (self.opened is None or self.frame is None):
            self.tell("The walk is still being set up: copy it in a moment.")
        else:
            super().copy(text, what)

    def why_no_keep(self) -> str:
        """The gallery has samples of runs."""
        return "The lab's chains are no samples of a run, so the gallery does not take them: export the walk (Ctrl+E)."

    def as_command(self) -> str:
        """One line a sampler."""
        return self.doors.command()

    def as_python(self) -> str:
        """The same walks."""
        return self.doors.python()

    # --- keys -------------------------------------------------------------------------------------------------

    def toggle(self) -> bool:
        """Play or pause."""
        self.playback.toggle()
        return True

    def step_once(self) -> bool:
        """One step of all chains."""
        self.worker.step()
        return True

    def step_back(self) -> None:
        """Take it back."""
        self.worker.back()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space plays and Backspace steps back while the stage has the focus."""
        if not played(self, event, DensityView):
            super().keyPressEvent(event)

    def hideEvent(self, event: Any) -> None:
        """Nobody looks: the walk waits."""
        super().hideEvent(event)
        self.worker.pause()

    def resizeEvent(self, event: Any) -> None:
        """A wide window has wider numbers."""
        super().resizeEvent(event)
        if self.opened is not None:
            self._arrange(len(self.opened.lanes))

    def stop(self) -> None:
        """The window is closing."""
        self.measuring.stop()
        self.worker.quit_lab()
        self.worker.wait()
        self.measuring.wait()
