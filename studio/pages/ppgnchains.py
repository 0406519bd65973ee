"""Chains stepped under the hand: a face of the PPGN page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QStackedWidget, QWidget

from studio.chainmessages import ChainsFrame, ChainsOpened, ChainWish, Facts, Judged, Plugged, Wishes
from studio.gallery.store import gallery_path
from studio.messages import Trouble
from studio.pages.chaindoors import CLASSIFIERS, ChainDoors
from studio.pages.chainrestoring import ChainRestoring
from studio.pages.chainstage import ChainStage
from studio.pages.chainstart import ChainStart
from studio.pages.chainsteering import PIXELS, Steering
from studio.pages.page import played
from studio.panels.card import EmptyStage
from studio.panels.chainside import ChainSide
from studio.panels.conditionfield import check, weighted
from studio.panels.opening import OpeningStage
from studio.panels.playback import Playback
from studio.panels.samples import ImageGrid
from studio.widgets import column
from studio.workers.chains import ChainWorker

SPEEDS = (
    ("2 steps a second", 2, "to watch every step"),
    ("10 steps a second", 10, "to watch the pictures move"),
    ("As fast as it goes", 0, "a step as soon as the last one is done"),
)
NO_RUN = ("No run is open", ("Chains need the parts of a run: its encoder, generator and priors.", "Open a run, or train one on the face Train."))
UNTRAINED = "This run cannot make chains yet"


def _to_train(why_not: str) -> str:
    """Why no variant can be used, without the advice to choose one: none can be chosen."""
    return why_not.replace(": go on with the run, or choose another variant.", ": train it on the face Train.")


class ChainsFace(QWidget):
    """The stage; `side` and `foot` belong beside and below it.

    Attributes:
        side, foot: widgets for the page.
        copy_button, export_button: in the foot; a page may put them into its header.
        facts: what the open run can do; None without one.
        opened, frame: the chains, and the last that was seen of them; None without any.
        path: of the run.
        waiting: on the stage while a run is being opened.
        doors, start, restoring: what comes out, where chains start, chains of an exported file.
        plugged_in: spec and trust of the classifier; ("", None) for the run's own.

    Signals:
        failed(str): bad news for the page's card.
        told(str, object): good news, and the Path of what was made, or None.
        mended(): something succeeded, so older bad news is over.
        train_wanted(): the person wants to train what is missing.
    """

    failed = Signal(str)
    told = Signal(str, object)
    mended = Signal()
    train_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        from models.chains import SCALARS

        self._names = SCALARS
        self.facts: Facts | None = None
        self.opened: ChainsOpened | None = None
        self.frame: ChainsFrame | None = None
        self.judged: Judged | None = None
        self.path: Path | None = None
        self._at: tuple[int | None, str | None] = (None, None)  # the checkpoint of the parts; the newest
        self._newer = False  # the run has a checkpoint that these chains were not made from
        self._plays = False  # the next chains, from their start
        self._wishes: tuple[str, ...] = ()  # A, as it stands in the bar
        self.plugged_in: tuple[str, str | None] = ("", None)  # spec and trust of the classifier, once it is plugged
        self._asked_plug: tuple[str, str | None] = ("", None)
        self.worker = ChainWorker(self)
        self.stage, self.side = ChainStage(), ChainSide()
        self.steering = Steering(self.side.epsilons, self)
        self.history = self.steering.history
        self.foot = Playback(SPEEDS, chosen=2)
        self.foot.speeds.setAccessibleName("Speed of the chains")
        self.empty = EmptyStage(NO_RUN[0], NO_RUN[1], "Train")
        self.shown = QStackedWidget()
        self.shown.addWidget(self.empty)
        self.shown.addWidget(self.stage)
        self.waiting = OpeningStage()
        self.shown.addWidget(self.waiting)
        column(self, spacing=0).addWidget(self.shown)
        self.doors, self.start, self.restoring = ChainDoors(self), ChainStart(self), ChainRestoring(self)
        self.copy_button, self.export_button = self.doors.copy_button, self.doors.export_button
        self.foot.line.addWidget(self.copy_button)
        self.foot.line.addWidget(self.export_button)
        self.foot.line.addWidget(self.doors.cancel_button)
        self._connect_worker()
        self._connect_panels()
        self._enable(False)
        self.worker.start()

    def _connect_worker(self) -> None:
        worker, stage = self.worker, self.stage
        worker.ready.connect(self._on_ready)
        worker.opened.connect(self._on_opened)
        worker.framed.connect(self._on_frame)
        worker.judged.connect(self._on_judged)
        worker.traced.connect(self._on_traces)
        worker.stripped.connect(stage.show_strip)
        worker.mixed.connect(stage.mixing.show_mixing)
        worker.plugged.connect(self._on_plugged)
        worker.untrusted.connect(lambda spec, sha, _: stage.trust.ask(spec, sha))
        worker.tried.connect(self.side.show_tried)
        worker.froze.connect(self._on_froze)
        worker.recorded.connect(self.doors.copy_script)
        worker.running.connect(lambda: self.foot.show_playing(True))
        worker.paused.connect(lambda: self.foot.show_playing(False))
        worker.written.connect(lambda path: self.told.emit(f"Exported {path}", path))
        worker.trouble.connect(self._on_trouble)
        for news in (worker.opened, worker.plugged, worker.pictured, self.told):
            news.connect(lambda *_: self.mended.emit())

    def _connect_panels(self) -> None:
        ask, stage, side, foot = self.worker.ask_for, self.stage, self.side, self.foot
        for signal, kind in ((foot.play, "play"), (foot.pause, "pause"), (foot.step, "step"), (foot.back, "back")):
            signal.connect(lambda kind=kind: ask(kind))
        foot.reset.connect(self._on_reset)
        foot.speed.connect(lambda n: ask("speed", float(n)))
        stage.bar.entered.connect(self._on_condition)
        stage.bar.variant_chosen.connect(self._on_variant)
        stage.bar.unblended.connect(self._on_unblended)
        stage.grid_button.clicked.connect(self._on_sweep)
        stage.sweep.replanned.connect(self.make)
        stage.sweep.swept.connect(self._on_swept)
        stage.sweep.selected.connect(self.select)
        stage.grid.clicked.connect(self.select)
        stage.strip.looked.connect(lambda back: ask("look", back))
        stage.strip.forked.connect(self._on_fork)
        stage.strip.resized.connect(lambda _: self._want())
        stage.tabs.currentChanged.connect(lambda _: self._want())
        stage.blend.blended.connect(lambda *_: self._ask(pulled=True))
        stage.trust.trusted.connect(self.plug)
        self.steering.turned.connect(self._on_turned)
        side.chains.valueChanged.connect(lambda _: self.make())
        side.seed.valueChanged.connect(lambda _: self.make())
        side.plug.open.connect(lambda: self.doors.ask("Another classifier", CLASSIFIERS, lambda path: self.plug(str(path))))
        side.plug.folder.connect(lambda: self.doors.ask("Another classifier", "", lambda path: self.plug(str(path))))
        side.plug.own.connect(lambda: ask("own"))
        side.plug.why.connect(lambda: ask("why"))
        self.empty.start.connect(self.train_wanted)

    # --- the run ----------------------------------------------------------------------------------------------

    def set_run(self, path: Path | None, title: str, at: tuple[int | None, str | None] = (None, None)) -> None:
        """A run was opened, or closed (None), or has a newer checkpoint, which the chains take at their next reset.

        `at`: step and name of the checkpoint that the parts are taken from; the newest if None.
        """
        if path is not None and path == self.path and at == self._at and self.opened is not None:
            self._newer = True
            self.foot.reset_button.setToolTip("The run has a newer checkpoint: the same chains from their start, with the parts as they are now")
            return
        if path != self.path and path is not None:
            self.waiting.show_name(f"Opening {title} …", "Its parts are read: encoder, generator and priors")
            self.await_run()
        self.path, self._newer, self._at = path, False, at
        self.worker.ask_for("run", None if path is None else (path, title, at))

    def await_run(self) -> None:
        """Another run is being opened: `waiting` says which, and how far it is."""
        self.shown.setCurrentWidget(self.waiting)
        self._enable(False)

    def prefer(self, *wishes: str, plays: bool = False) -> None:
        """What the chains of the next run that is opened go for, if it knows that; and whether they play by themselves."""
        self._wishes, self._plays = wishes, plays

    def _on_ready(self, facts: Facts | None) -> None:
        same = facts is not None and self.facts is not None and facts.path == self.facts.path and facts.knows == self.facts.knows
        self.facts = facts
        self._newer, self.plugged_in = False, ("", None)
        self.side.plug.show_plugged("")
        if facts is None or not self.steering.show_facts(facts) or not facts.example:
            self.opened = self.frame = None
            self._plays = False
            title, lines = NO_RUN
            if facts is not None:
                title, lines = UNTRAINED, (_to_train(facts.members[0].why_not) or "It knows no classes and no captions.",)
            self.foot.text.setText("")
            self.empty.title.setText(title)
            self.empty.lines.setText("\n".join(lines))
            self.shown.setCurrentWidget(self.empty)
            self._enable(False)
            return
        self.foot.reset_button.setToolTip("The same chains from their start, with the knobs as they are")
        self.shown.setCurrentWidget(self.stage)
        self._enable(True)
        self.stage.bar.show_facts(facts, self.steering.variant)
        if not same:
            self.stage.show_facts(facts)
            self.start.settle()
            if not self._wishes or check(self._wishes, facts.knows):
                self._wishes = (facts.example,)
            self.stage.bar.condition.show_wishes(self._wishes)
            self.steering.masked = False
            self.steering.show_own()
            self._show_own()
        if self.isVisible() and not isinstance(self.focusWidget(), QLineEdit):
            self.stage.grid.setFocus()
        self._want()
        if not self.restoring.restore():
            self.make()

    def _enable(self, on: bool) -> None:
        for b in (self.foot.play_button, self.foot.step_button, self.foot.back_button, self.foot.reset_button, self.copy_button, self.export_button):
            b.setEnabled(on)
        self.side.setEnabled(on)

    # --- making and steering ----------------------------------------------------------------------------------

    def _plan(self) -> tuple[Wishes, dict[str, tuple[float, ...]], int]:
        """Conditions, values of each chain, and how many chains."""
        if not self.stage.sweeps:
            return self.blended(), {}, self.side.chains.value()
        from models.chains import grid

        plan = self.stage.sweep.plan(self.side.epsilons.values())
        self.stage.sweep.axes.show_plan(plan)
        wishes, each = grid([[w] for w in plan.rows], [{plan.name: v} for v in plan.values])
        return tuple(map(tuple, wishes)), {name: tuple(v) for name, v in each.items()}, len(wishes)

    def blended(self) -> tuple[str, ...]:
        """A, or A and B with their shares."""
        share = self.stage.blend.share()
        if share == 0 or self.facts is None:
            return self._wishes
        knows = self.stage.bar.condition.knows
        second = weighted(self.stage.blend.second.wishes(), knows, share)
        return tuple(second if share == 1 else [*weighted(self._wishes, knows, 1 - share), *second])

    def make(self) -> None:
        """New chains, as everything says; they play on if they did."""
        if self.facts is None or not self._wishes or self.shown.currentWidget() is not self.stage:
            return
        self._show_blend()
        wishes, each, n = self._plan()
        start, hole = self.stage.start.start(), self.stage.start.hole()
        self.worker.ask_for("open", ChainWish(self.steering.variant, wishes, self.steering.in_force, each, n, self.side.seed.value(), start, hole))

    def _ask(self, *, pulled: bool = False) -> None:
        """The conditions, and the pad's ε2, from the next step on."""
        blend = self.stage.blend
        change: dict[str, Any] = {}
        if pulled and blend.second.is_good() and blend.strength() != self.steering.in_force["epsilon2"]:
            change = {"epsilon2": blend.strength()}
            self.steering.pull(blend.strength(), blend.pad.drags, held=blend.pad.held)
        self._show_blend()
        self.worker.ask_for("ask", (self.blended(), change))

    def _show_blend(self) -> None:
        self.stage.bar.show_blend("" if self.stage.sweeps else self.stage.blend.sign())

    def _on_unblended(self) -> None:
        self.stage.blend.leave()
        self._ask()

    def _on_condition(self, wishes: tuple[str, ...]) -> None:
        before = self._wishes
        if wishes != before:
            values = (", ".join(before), ", ".join(wishes))
            self.history.done("condition", lambda: self.wish(before), lambda: self.wish(wishes), values=values)
        self._wishes = wishes
        self._ask()

    def wish(self, wishes: tuple[str, ...]) -> None:
        """Ask for something else, which then stands in the bar."""
        self.stage.bar.condition.show_wishes(wishes)
        self._wishes = wishes
        self._ask()

    def _on_variant(self, name: str) -> None:
        self.steering.choose(name)
        self._show_own()
        self.make()

    def _on_turned(self, change: dict[str, Any]) -> None:
        _, each, _ = self._plan()
        self.worker.ask_for("knobs", (change, each if self.stage.sweeps else None))
        if "epsilon2" in change:
            self.stage.blend.show_strength(float(change["epsilon2"]))

    def _show_own(self) -> None:
        self.stage.blend.show_strength(float(self.steering.in_force["epsilon2"]))
        self.stage.norms.show_space("x" if self.steering.variant in PIXELS else "h")

    def undo(self) -> None:
        """Ctrl+Z: the last change as it was."""
        self.history.undo()

    def _on_swept(self) -> None:
        self._on_turned({})

    def _on_sweep(self) -> None:
        self.stage.show_sweep(self.stage.grid_button.isChecked())
        self._want()
        self.make()

    def select(self, chain: int) -> None:
        """Look at one chain."""
        self.stage.select(chain)
        self.worker.ask_for("watch", chain)
        if self.frame is not None:
            self.stage.show_frame(self.frame, self.judged.agreed if self.judged else (), self._names)

    def _on_fork(self, back: int) -> None:
        self.worker.ask_for("fork", (max(0, self.stage.chain), back, 0.1))

    def plug(self, spec: str, trust: str | None = None) -> None:
        """Another network in the place of C; a .pt2 waits for trust."""
        self._asked_plug = (spec, trust)
        self.worker.ask_for("plug", (spec, trust))

    def _want(self) -> None:
        self.worker.ask_for("want", (self.stage.wanted(), self.stage.strip.fits() or 12))

    # --- what the worker says ---------------------------------------------------------------------------------

    def _on_opened(self, opened: ChainsOpened) -> None:
        self.opened = opened
        self.judged = None
        if not self.stage.sweeps:
            self.stage.show_count(opened.wish.chains)
        self.stage.select(min(self.stage.chain, opened.wish.chains - 1))
        plays, self._plays = self._plays, False
        if plays and self.isVisible():
            self.worker.ask_for("play")

    def _on_frame(self, frame: ChainsFrame) -> None:
        self.frame = frame
        agreed = self.judged.agreed if self.judged is not None and len(self.judged.agreed) == len(frame.pictures) else ()
        if self.isVisible():
            self.stage.show_frame(frame, agreed, self._names)
            self.foot.show_progress(frame.step, frame.rate, len(frame.pictures), " · reset takes the newer checkpoint" if self._newer else "")
        QTimer.singleShot(0, self.worker, self.worker.taken)

    def _on_judged(self, judged: Judged) -> None:
        self.judged = judged
        self.stage.show_judged(judged)

    def _on_traces(self, traces: Any) -> None:
        if self.stage.shown.currentWidget() is self.stage.norms:
            self.stage.norms.show_traces(traces, self._names)
        else:
            self.stage.traces.show_traces(traces, self._names)

    def _on_plugged(self, plugged: Plugged) -> None:
        self.plugged_in = self._asked_plug if plugged.name else ("", None)
        self.side.plug.show_plugged(plugged.name)
        for field in (self.stage.bar.condition, self.stage.blend.second):
            field.show_knows(plugged.knows)
        self.stage.sweep.show_knows(plugged.knows)
        self._show_blend()
        if self.stage.sweeps:
            self.make()
        first = plugged.wishes[0] if plugged.wishes else ""
        if isinstance(first, str) and not self.stage.sweeps and self.stage.blend.share() == 0 and plugged.wishes != self._wishes:
            self._wishes = tuple(map(str, plugged.wishes))
            self.stage.bar.condition.show_wishes(self._wishes)
            self.told.emit(f"{plugged.name or 'C'} does not know what was asked for, so it is asked for {first}.", None)

    def _on_froze(self, gone: int, step: int) -> None:
        many = f"{gone} chains have" if gone > 1 else "One chain has"
        self.failed.emit(
            f"{many} left the finite numbers at step {step:,}, and {'are' if gone > 1 else 'is'} frozen and crossed out; "
            "the others go on. Lower ε2, or reset."
        )

    def _on_trouble(self, trouble: Trouble, asked: str) -> None:
        if asked == "ask" and not trouble.details:
            self.stage.bar.condition.refuse(trouble.sentence)
        elif asked == "run":
            self._on_ready(None)
            self.failed.emit(trouble.sentence)
        else:
            self.failed.emit(trouble.sentence)

    # --- doors ------------------------------------------------------------------------------------------------

    def choose_export(self) -> None:
        """Ctrl+E."""
        if self.export_button.isEnabled():
            self.export_button.showMenu()

    def keep(self) -> None:
        """K: the chains that are seen, all of them."""
        if self.opened is not None:
            self.worker.ask_for("keep", (gallery_path(), None))

    def _on_reset(self) -> None:
        if self._newer and self.path is not None and self.facts is not None:
            self._newer = False
            self.worker.ask_for("run", (self.path, self.facts.title, self._at))
        else:
            self.worker.ask_for("reset")

    # --- keys -------------------------------------------------------------------------------------------------

    def toggle(self) -> bool:
        """Play or pause; False if there is nothing to play."""
        if self.opened is None:
            return False
        self.foot.toggle()
        return True

    def step_once(self) -> bool:
        """One step of all chains; False if there are none."""
        if self.opened is None:
            return False
        self.worker.ask_for("step")
        return True

    def step_back(self) -> None:
        """Take it back."""
        self.worker.ask_for("back")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space plays and Backspace steps back while pictures have the focus."""
        if not played(self, event, ImageGrid):
            super().keyPressEvent(event)

    def hideEvent(self, event: Any) -> None:
        """Nobody looks: the chains wait."""
        super().hideEvent(event)
        self.worker.ask_for("pause")

    def stop(self) -> None:
        """The window is closing."""
        self.worker.quit_chains()
        self.worker.wait()
