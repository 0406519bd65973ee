"""Steps chains of the PPGN family in a QThread: play, step, back, reset, fork; knobs, conditions and the classifier swapped between two steps.

What crosses is in `studio.chainmessages`: numbers only. At most RATE frames a second leave, and none before the window has taken the last one.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QThread, Signal

from models.errors import BadInput
from studio.chainmessages import ChainsFrame, ChainsOpened, ChainWish, Wishes
from studio.workers import chainviews as views
from studio.workers.chaingiving import ChainGiving
from studio.workers.chainsagain import again
from studio.workers.inbox import Wish, taken, trouble_of

if TYPE_CHECKING:
    from models.chains import Chains

RATE = 15.0  # frames a second, at most
ALL_OUT = 0.0  # of speeds, which are steps a second
_JUDGE, _STRIP, _TRACE, _MIX = 0.35, 0.5, 0.2, 1.0  # seconds between two of each while it plays
_NEWEST = ("open", "run", "ask", "speed", "watch", "want", "look")  # of these wishes the newest alone counts


class ChainWorker(QThread):
    """The thread of the chains.

    Signals:
        ready (Facts or None): a run was opened, or none is.
        opened (ChainsOpened): chains stand at their start.
        framed (ChainsFrame): answered with `taken`, or no more come.
        traced (Traces), judged (Judged), stripped (Strip), mixed (Mixing): as far as they are wanted.
        pictured (ndarray, str): a start picture was read, and where from.
        plugged (Plugged): another condition network. untrusted (str, str, str): spec, SHA256 and sentence of a file that waits for trust.
        tried (Tried): why it does not work, or that it does.
        froze (int, int): so many chains left the finite numbers by this step, for the first time.
        recorded (dict, int): how to make these chains again, and the run's step.
        running (), paused (): whether it plays.
        written (Path): an export is on disk. exporting (Path, int, int): so much of one is: done, total; 0 of 0 when it was cancelled.
        kept (int, Path): so many chains are in the gallery there.
        trouble (Trouble, str): a person must read this; the word says what was asked.
    """

    ready = Signal(object)
    opened = Signal(object)
    framed = Signal(object)
    traced = Signal(object)
    judged = Signal(object)
    stripped = Signal(object)
    mixed = Signal(object)
    pictured = Signal(object, str)
    plugged = Signal(object)
    untrusted = Signal(str, str, str)
    tried = Signal(object)
    froze = Signal(int, int)
    recorded = Signal(object, int)
    running = Signal()
    paused = Signal()
    written = Signal(object)
    exporting = Signal(object, int, int)
    kept = Signal(int, object)
    trouble = Signal(object, str)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._inbox: queue.SimpleQueue[Wish] = queue.SimpleQueue()
        self._free = threading.Event()
        self._free.set()
        self._giving = ChainGiving(self)
        self._run: Any = None
        self._parts: Any = None
        self._chains: Any = None
        self._history = views.History(1, 1)
        self._wish: ChainWish | None = None
        self._classifier: Any = None
        self._playing = self._quit = False
        self._speed, self._chain, self._back = ALL_OUT, 0, 0
        self._frames = 12
        self._wanted: frozenset[str] = frozenset()
        self._due = 0.0
        self._told: dict[str, float] = {}
        self._frozen = 0
        self._marks: deque[tuple[float, int]] = deque(maxlen=60)

    # --- from the window, any time ----------------------------------------------------------------------------

    def ask_for(self, kind: str, content: Any = None) -> None:
        """Any wish: "run" (path, title) or None, "open" ChainWish, "play", "pause", "step", "back", "reset", "speed" steps a second (ALL_OUT),

        "knobs" (change, each or None), "ask" Wishes, "watch" chain, "want" (panels, frames of the strip), "look" moments ago, "fork" (chain,
        moments ago, spread), "plug" (spec, trust), "own" (the run's C), "why", "picture" Path, "again" (record, seed or None), "record",
        "export" (name, Path), "keep" (Path, rows or None).
        """
        self._inbox.put((kind, content))

    def taken(self) -> None:
        """The last frame was drawn."""
        self._free.set()

    def cancel_export(self) -> None:
        """End the export that is written now; nothing is left of it."""
        self._giving.cancel()

    def quit_chains(self) -> None:
        """End the thread within a step."""
        self._quit = True
        self._inbox.put(("quit", None))

    # --- in the thread ----------------------------------------------------------------------------------------

    def run(self) -> None:
        """Serve, and play, until told to quit."""
        while not self._quit:
            try:
                self._read(max(0.0, self._due - time.monotonic()) if self._playing else None)
                if self._playing and not self._quit and self._chains is not None and time.monotonic() >= self._due:
                    self._go_on()
            except Exception as error:
                self._rest()
                self._tell(error, "step")

    def _read(self, wait: float | None) -> None:
        """Everything in the inbox; of wishes that replace each other the newest, of knobs their sum."""
        for kind, content in taken(self._inbox, wait, _NEWEST):
            if self._quit:
                return
            try:
                self._on(kind, content)
            except Exception as error:
                self._tell(error, kind)

    def _on(self, kind: str, content: Any) -> None:
        match kind:
            case "run":
                self._open_run(content)
            case "speed":
                self._speed, self._due = content, 0.0
            case "want":
                self._wanted, self._frames = content
                self._told.clear()
                self._show()
            case "picture" if self._parts is not None:
                self.pictured.emit(views.read_picture(content, self._parts.size, self._parts.channels), str(content))
            case "open" if self._parts is not None:
                self._open(content)
            case "again" if self._parts is not None:
                self._again(*content)
            case _ if self._chains is not None:
                self._on_chains(kind, content)
            case _:
                pass

    def _on_chains(self, kind: str, content: Any) -> None:
        match kind:
            case "play":
                self._back = 0
                self._playing, self._due = True, 0.0
                self._marks.clear()
                self.running.emit()
            case "pause":
                self._rest()
                self._show()
            case "step":
                self._rest()
                self._back = 0
                self._step()
                self._show()
            case "back":
                self._rest()
                self._take_back()
            case "reset":
                self._reset()
            case "knobs":
                self._chains.set(*content)
            case "ask":
                self._ask(content)
            case "watch":
                self._chain = min(content, self._chains.chains - 1)
                self._show()
            case "look":
                self._rest()
                self._back = min(content, self._chains.kept)
                self._emit()
            case "fork":
                self._chains.fork(*content)
                self._after_jump()
            case _:
                self._on_seldom(kind, content)

    def _on_seldom(self, kind: str, content: Any) -> None:
        match kind:
            case "plug":
                self._plug(*content)
            case "own":
                self._classifier = None
                self.plugged.emit(views.plugged(self._chains, None, ""))
                self._show()
            case "why":
                self.tried.emit(views.tried(self._chains))
            case "record":
                self.recorded.emit(self._chains.record(), self._run.state.step)
            case "export":
                self._giving.export(self._chains, self._run, *content)
            case "keep":
                self._giving.keep(self._chains, self._run, *content)
            case _:
                pass

    # --- run and chains ---------------------------------------------------------------------------------------

    def _open_run(self, wish: tuple[Any, ...] | None) -> None:
        """The parts of a run's last checkpoint, or of one of a step and name; the chains of another run are gone."""
        self._rest()
        self._run = self._parts = self._chains = self._classifier = None
        if wish is None:
            self.ready.emit(None)
            return
        from models.run import Run

        path, title, *at = wish
        step, kept = at[0] if at else (None, None)
        run = Run.open(path, data=False, write=False, step=step, kept=kept)
        try:
            if not hasattr(run.algorithm, "parts"):
                raise BadInput(f"{path.name} is no run of PPGN, and chains need its parts: open one that is.")
            self._run, self._parts = run, run.algorithm.parts(run.state)
        finally:
            run.close()
        self.ready.emit(views.facts(self._run, self._parts, title))

    def _again(self, told: Mapping[str, Any], seed: int | None) -> None:
        """The chains of a recipe as they were, every step walked anew; with another seed at their start."""
        chains, wish = again(self._parts, told, seed, self._classifier)
        self._rest()
        self._stand(chains, wish)

    def _open(self, wish: ChainWish) -> None:
        from models.chains import Chains

        chains = Chains(
            self._parts,
            wish.variant,
            wish.wishes,
            wish.change,
            each=wish.each,
            chains=wish.chains,
            seed=wish.seed,
            start=wish.start,
            hole=wish.hole,
            classifier=self._classifier,
        )
        self._stand(chains, wish)

    def _stand(self, chains: Chains, wish: ChainWish) -> None:
        """Other chains take the place of these."""
        from models.chains import SCALARS

        self._chains, self._wish = chains, wish
        self._history = views.History(wish.chains, len(SCALARS))
        self._chain, self._back, self._frozen = min(self._chain, wish.chains - 1), 0, 0
        self._marks.clear()
        self.opened.emit(ChainsOpened(wish, chains.knobs.model_dump(), chains.target.terms))
        self._free.set()
        self._show()

    def _reset(self) -> None:
        """The same chains from their start, as they are steered now."""
        assert self._wish is not None
        setup = self._chains.setup
        self._open(replace(self._wish, wishes=setup.wishes, change=setup.knobs.model_dump(), each=dict(setup.each)))

    def _ask(self, content: tuple[Wishes, dict[str, Any]]) -> None:
        """Other conditions, and with them knobs, from the next step on."""
        wishes, change = content
        self._chains.ask(wishes)
        if change:
            self._chains.set(change)
        self._history.judged.clear()  # log p of what was asked for before is another number
        if not self._playing:
            self._show()

    def _plug(self, spec: str, trust: str | None) -> None:
        from models.plug import Untrusted, open_classifier

        p = self._parts
        try:
            found = open_classifier(spec, size=p.size, channels=p.channels, device=str(p.device), trust=trust)
        except Untrusted as error:
            self.untrusted.emit(spec, error.sha256, str(error))
            return
        told = views.plugged(self._chains, found, found.name)
        self._classifier = found
        self.plugged.emit(told)
        self._show()

    # --- steps ------------------------------------------------------------------------------------------------

    def _step(self) -> None:
        self._chains.step()
        self._history.follow(self._chains)
        self._marks.append((time.monotonic(), self._chains.t))
        gone = int(self._chains.frozen.sum())
        if gone > self._frozen:
            if not self._frozen:
                self.froze.emit(gone, self._chains.t)
            self._frozen = gone
            if gone == self._chains.chains:
                self._rest()

    def _take_back(self) -> None:
        if self._back:
            self._back = 0
        elif self._chains.back():
            self._frozen = int(self._chains.frozen.sum())
        self._after_jump()

    def _after_jump(self) -> None:
        self._back = 0
        self._history.cut(self._chains.t)
        self._marks.clear()
        self._show()

    def _go_on(self) -> None:
        started = time.monotonic()
        self._step()
        self._emit_if_due(started)
        self._show_some()
        self._due = started + 1 / self._speed if self._speed else 0.0

    def _rest(self) -> None:
        if self._playing:
            self._playing = False
            self.paused.emit()
        self._marks.clear()

    # --- what the window sees ---------------------------------------------------------------------------------

    def _emit_if_due(self, now: float) -> None:
        if self._free.is_set() and now >= self._told.get("frame", 0.0) + 1 / RATE:
            self._told["frame"] = now
            self._emit()

    def _emit(self) -> None:
        """One frame; what stands still is always sent."""
        if self._chains is None:
            return
        self._free.clear()
        rate = None
        if self._playing and len(self._marks) > 1 and self._marks[-1][0] > self._marks[0][0]:
            rate = (len(self._marks) - 1) / (self._marks[-1][0] - self._marks[0][0])
        c, back = self._chains, self._back
        self.framed.emit(ChainsFrame(c.step_of(back), back, c.pictures(back), c.frozen, c.kept, rate, self._history.last()))

    def _show(self) -> None:
        """All that is wanted, now."""
        if self._chains is None:
            return
        self._emit()
        self._told.clear()
        self._show_some(at_once=True)

    def _show_some(self, *, at_once: bool = False) -> None:
        """What is wanted and has not been sent for a while; one thing between two steps, or everything."""
        for name, every, act in (
            ("judge", _JUDGE, self._judge),
            ("traces", _TRACE, self._trace),
            ("strip", _STRIP, self._strip),
            ("mixing", _MIX, self._mix),
        ):
            if name in self._wanted and time.monotonic() >= self._told.get(name, 0.0) + every:
                started = time.monotonic()
                act()
                now = time.monotonic()
                self._told[name] = now + 4 * (now - started)  # what is dear is sent less often
                if not at_once:
                    return

    def _judge(self) -> None:
        scores = self._chains.scorer_log_p()
        if scores is not None:
            self._history.judged = [pair for pair in self._history.judged if pair[0] < self._chains.t]
            self._history.judged.append((self._chains.t, np.asarray(scores, np.float32)))
        self.judged.emit(views.judged(self._chains, self._chain))

    def _trace(self) -> None:
        self.traced.emit(self._history.traces(self._chain, self._chains.frozen))

    def _strip(self) -> None:
        self.stripped.emit(views.strip(self._chains, self._chain, self._frames))

    def _mix(self) -> None:
        self.mixed.emit(views.mixing(self._history, self._chains.frozen))

    def _tell(self, error: Exception, asked: str) -> None:
        self.trouble.emit(trouble_of(error, "Something unexpected happened to the chains: reset them, or open the run again."), asked)
