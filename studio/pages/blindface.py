"""The blind test as a face of a page of text: sentences are asked of the open run, answers go into its journal and into files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import QObject, QSize
from PySide6.QtWidgets import QFrame, QWidget

from models.contract import Note, View
from models.errors import StudioError
from models.files import home
from studio import theme
from studio.export.blind import write_blind
from studio.messages import Reply
from studio.pages.ownrun import OwnRun
from studio.pages.page import Page
from studio.panels.blindtest import BlindTestPanel
from studio.widgets import button, column, label, row, spin

EACH = 20  # of every source, as in the slides
PANEL = "blind"  # as which it asks
BEGIN = "Begin at the right: sentences of the open run, its baseline, and real ones, shuffled and without their names."
DRAWN = "The generators draw at the temperature τ of the samples."
NO_RUN = "Train a run or open one first: the test needs its sentences."


class _Side(QFrame):
    """As wide as every side."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "side")
        self._fit()
        theme.notifier.changed.connect(self._fit)

    def sizeHint(self) -> QSize:
        """Whatever its rows would like."""
        return QSize(self.width(), super().sizeHint().height())

    def _fit(self) -> None:
        self.setFixedWidth(theme.theme().px(304))


class BlindFace(QObject):
    """Widgets of the face: `panel` on the stage, `side`, `foot`.

    Attributes:
        names: what the sources of the view `blind` are called for people.
    """

    def __init__(self, session: OwnRun, page: Page, names: Mapping[str, str], temperature: Callable[[], float], about: str = DRAWN) -> None:
        """`about` says how the generators make their sentences."""
        super().__init__(page)
        self._session, self._page, self.names, self._temperature, self._about = session, page, dict(names), temperature, about
        self._made: dict[str, Any] = {}
        self.panel = BlindTestPanel()
        self.each = spin(2, 500, EACH, "Sentences of every source")
        self.seed = spin(0, 2**31 - 1, 0, "Seed: which sentences, and their order")
        self.begin_button = button("Begin", "play", kind="primary", tip="Ask the open run for sentences", clicked=self.begin)
        self.side, self.foot = _Side(), QWidget()
        self._arrange()
        self.panel.answered.connect(self._on_answered)
        self.panel.finished.connect(self._on_finished)
        self.panel.export_wanted.connect(self._ask_path)
        self.panel.again.connect(self._again)
        session.conditioned.connect(lambda *_: self._allow())
        session.opened.connect(lambda _: self._rest())
        self._rest()
        self._allow()

    def _arrange(self) -> None:
        body = column(self.side, margin=16, spacing=8)
        body.addWidget(label("Blind test", "section"))
        words = label(
            "Real sentences and those of both generators, shuffled. You say of each whether a person wrote it; "
            f"who did is told at the end, with Fisher's exact test against the real ones. {self._about}",
            "muted",
        )
        words.setWordWrap(True)
        body.addWidget(words)
        body.addLayout(row(label("Of every source"), 1, self.each))
        body.addLayout(row(label("Seed"), 1, self.seed))
        body.addWidget(self.begin_button)
        body.addStretch(1)

    # --- what a person does -----------------------------------------------------------------------------------

    def begin(self) -> None:
        """Ask for sentences; the test begins when they come."""
        self._made = {"seed": self.seed.value(), "each": self.each.value(), "temperature": self._temperature()}
        self.panel.show_reason("Drawing sentences …")
        self._session.ask(PANEL, "blind", **self._made)

    def _again(self) -> None:
        self.seed.setValue(self.seed.value() + 1)
        self.begin()

    def _ask_path(self) -> None:
        run = self._session.run
        if run is not None:
            suggestion = home() / "exports" / f"{run.name}-blind.csv"
            suggestion.parent.mkdir(parents=True, exist_ok=True)
            self._page.ask_path("Export the answers", suggestion, "CSV (*.csv);;JSON (*.json)", self.export)

    def export(self, path: Any) -> None:
        """Write the answers with their recipe."""
        run = self._session.run
        if run is None:
            return
        source = {"system": run.system, "run": {"name": run.name, "path": str(run.path)}, "step": self._made.get("step", 0)}
        try:
            files = write_blind(path, self.panel.answers(), self.panel.rows(), source, **{k: v for k, v in self._made.items() if k != "step"})
        except StudioError as error:
            self._page.card.show_error(str(error))
        else:
            self._page.tell(f"Exported {files[0].name}", files[0])

    # --- what comes -------------------------------------------------------------------------------------------

    def show_reply(self, reply: Reply, joiner: str) -> None:
        """The sentences."""
        view: View = reply.view
        run = self._session.run
        self._made["step"] = reply.step
        sources = {self.names.get(name, name): list(said) for name, said in view.words.items()}
        try:
            self.panel.begin(
                sources,
                each=self._made["each"],
                seed=self._made["seed"],
                title=f"{run.data if run else ''} · step {reply.step:,} · τ {self._made['temperature']:g}",
                joiner=joiner,
                real=self.names.get("real", "real"),
            )
        except StudioError as error:
            self.panel.show_reason(str(error))
        else:
            self.begin_button.setText("Begin again")
            self.begin_button.setToolTip("Sentences of the present step; what was judged before stays in the journal")

    def _on_answered(self, place: int, answer: object) -> None:
        said = {True: "a person", False: "a machine", None: "skipped"}[answer]  # pyright: ignore[reportArgumentType]
        one = next((a for a in self.panel.answers() if a["order"] == place + 1), {})
        self._session.send(Note(f"Blind test, sentence {place + 1}: {said}", {"blind": {**self._made, **one}}))

    def _on_finished(self, rows: Any) -> None:
        told = ", ".join(f"{r.source} {r.human} of {r.judged}" for r in rows)
        self._session.send(Note(f"Blind test: called human: {told}", {"blind": {**self._made, "scores": [dict(r._asdict()) for r in rows]}}))

    def _rest(self) -> None:
        """Nothing has been asked for yet."""
        self.begin_button.setText("Begin")
        self.begin_button.setToolTip("Ask the open run for sentences")
        self.panel.show_reason(BEGIN if self._session.run is not None else NO_RUN)

    def _allow(self) -> None:
        self.begin_button.setEnabled(self._session.condition in ("running", "paused", "finished"))
        if self._session.condition in ("empty", "opening") and not self.panel.rows():
            self._rest()
