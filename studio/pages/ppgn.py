"""PPGN: the training of all its parts, phase by phase, and the chains that are made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QLayout, QPushButton, QStackedWidget, QTabBar, QWidget

from models.algorithms import ppgn
from models.contract import Save, View
from models.journal import RunFolder
from models.settings import settings
from studio.doors import Take
from studio.finding import Settable
from studio.history import History
from studio.messages import OldRun, Opened, Reply
from studio.pages.ppgnchains import ChainsFace
from studio.pages.settable import of_rows, of_spin
from studio.pages.training import TrainingPage
from studio.panels.beside import Beside
from studio.panels.captions import CaptionsPanel
from studio.panels.detail import DetailPanel
from studio.panels.readouts import Readouts
from studio.panels.samples import ImageGrid
from studio.panels.shares import SharesPanel
from studio.session import Session
from studio.widgets import column, label, row, spin
from studio.workers.frames import Frame

SAMPLES, PAIRS, SENTENCES, JUDGED = 64, 24, 12, 256  # pictures of each view
PICTURES, DRAWN, SAID = range(3)  # the tabs
MOST = 5  # differences between C and the scorer that are told about one sample
NO_CAPTIONS = "These data have no captions, so there is no captioner to train: its phase can be left at once."


class PpgnPage(TrainingPage):
    """Everything about one PPGN run.

    Attributes:
        chains: the face on which chains are stepped; it opens the run's checkpoint by itself, once it is looked at.
    """

    SYSTEM, TITLE = "ppgn", "PPGN"

    def __init__(self, session: Session) -> None:
        self._detail_of = 0
        self._tab_before: int | None = None  # that was shown in the present
        super().__init__(session, ppgn)
        self.samples.clicked.connect(self._on_sample)
        self.samples.selected.connect(lambda index: self.detail.close_panel() if index < 0 else None)
        self.seed.valueChanged.connect(lambda *_: self.looking.again())
        self.shown.currentChanged.connect(self._on_tab)
        self._kept: str | None = None  # the name of the checkpoint that is looked at
        self._chains_wanted = False  # by a file whose run is being opened
        self.session.opened.connect(lambda _: self._show_chains())
        self._opened_at: tuple[Path, int] | None = None  # run and step that the chains were given
        self.chains = ChainsFace()
        self.opening.stages.append(self.chains.waiting)
        self.faces.add("Chains", self.chains, self.chains.side, self.chains.foot)
        self.chains.failed.connect(self.card.show_error)
        self.chains.mended.connect(self.card.close_card)
        self.chains.told.connect(self.tell)
        self.chains.worker.kept.connect(self.tell_kept)
        self.chains.train_wanted.connect(lambda: self.faces.choose(0))
        self.faces.chosen.connect(self._on_chains)
        self.session.conditioned.connect(lambda condition, _: self._on_saved(condition))

    def make_pictures(self) -> QWidget:
        """What G makes of pictures, of codes, and what the captioner says; beside them how well the classifiers judge."""
        self.pairs = ImageGrid("Held-out x", columns=8)
        self.pairs.set_max_columns(PAIRS)
        self.samples = ImageGrid("Samples G(h)", columns=8)
        self.captions = CaptionsPanel("Held-out x: said, and true")
        self.shown, self.pictures = QTabBar(), QStackedWidget()
        self.shown.setExpanding(False)
        for word, panel in (("Reconstruction", self.pairs), ("Samples", self.samples), ("Captions", self.captions)):
            self.shown.addTab(word)
            self.pictures.addWidget(panel)
        left = QWidget()
        body = column(left, spacing=8)
        body.addWidget(self.shown)
        body.addWidget(self.pictures, 1)
        keys = (("C", "C", "real"), ("scorer", "scorer", "judge"), ("chance", "chance", "baseline"))
        self.classes = SharesPanel("Right answers, %", keys)
        self.classes.heading.setToolTip(f"Shares of {JUDGED} pictures that no net has seen, one row an attribute; chance is the commonest answer")
        self.readouts = Readouts(
            [
                ("C", "C", "Share of held-out pictures that C judges right, mean over the attributes"),
                ("scorer", "scorer", "The same of the independent classifier, which sees no generated picture"),
                ("error", "x − G(E(x))", "Root mean square over held-out pictures, in grey levels of 255"),
            ],
            columns=3,
        )
        self.beside = Beside(self.classes, self.readouts, detail=DetailPanel(columns=3, side=80), grows=self.classes)
        self.detail = self.beside.detail
        upper = QWidget()
        line = row(left, self.beside, spacing=16)
        line.setStretch(0, 1)
        upper.setLayout(line)
        return upper

    def view_controls(self) -> Sequence[QWidget | QLayout]:
        """Which codes."""
        self.seed = spin(0, 2**31 - 1, 0, "Seed of the samples: their codes h, near those of training pictures")
        return [row(label("Seed of the samples"), 1, self.seed)]

    def show_samples(self) -> None:
        """In their tab, on the face of the training."""
        self.faces.choose(0)
        self.shown.setCurrentIndex(DRAWN)

    # --- the chains -------------------------------------------------------------------------------------------

    @property
    def walking(self) -> bool:
        """Whether the chains are looked at: keys and exports are theirs."""
        return self.faces.place() > 0

    def _on_chains(self, place: int) -> None:
        self.export_button.setVisible(place == 0)  # the chains have their own
        if place:
            self._open_chains()

    def _open_chains(self) -> None:
        """From a checkpoint of now, which a run that can still change is asked for."""
        run = self.session.run
        if run is None and self.session.condition == "opening":
            self._await_run()
        elif run is None:
            self._opened_at = None
            self.chains.set_run(None, "")
        else:
            if self.session.condition in ("running", "paused"):
                self.session.send(Save())
            self._await_checkpoint(run, self.session.step, 100)

    def _await_run(self) -> None:
        if not (self.opening.is_same() and self.chains.opened is not None):  # the same run, as it was at a step, is no news
            self.chains.await_run()

    def _await_checkpoint(self, run: Opened, step: int, tries: int) -> None:
        if not self.walking or self.session.run is not run:
            return
        newest = run.step if run.reading else max(RunFolder.open(run.path, write=False).steps(), default=0)
        if newest < step and tries and self.session.condition in ("running", "paused"):
            QTimer.singleShot(100, self, lambda: self._await_checkpoint(run, step, tries - 1))
        elif self._opened_at != (run.path, newest):
            self._opened_at = (run.path, newest)
            self.chains.set_run(run.path, run.name, (newest, self._kept) if run.reading else (None, None))
            self.tell(f"Chains are made of the parts at step {newest:,}.")

    def _on_saved(self, condition: str) -> None:
        if condition == "opening":
            self._await_run()
        if self.walking and condition in ("paused", "finished", "empty"):  # each with a checkpoint of the last step
            self._open_chains()

    def show_demo(self, about: Mapping[str, Any]) -> None:
        """The chains, on their way to the caption that Home shows."""
        run, facts = self.session.run, self.chains.facts
        if run is not None and (facts is None or facts.path != run.path):
            self.chains.prefer(f"caption:{about['caption']}", plays=not settings().reduce_motion)
        self.faces.choose(1)

    def open_run(self, path: Path, source: OldRun | None = None) -> None:
        """Open a run, whose chains are made of the same checkpoint."""
        self._kept = source.kept if source is not None else None
        super().open_run(path, source)

    def restore(self, recipe: Mapping[str, Any], take: Take = "all") -> None:
        """Chains of an exported file on their face; of other files the samples."""
        if "chains" not in recipe:
            super().restore(recipe, take)
            return
        self.chains.restoring.want(recipe, take)
        self._chains_wanted = True
        if self.session.run is not None and self.session.condition != "opening":
            self._show_chains()

    def _show_chains(self) -> None:
        if self._chains_wanted:
            self._chains_wanted = False
            self.faces.choose(1)
            self._open_chains()

    def take_seed(self, seed: int) -> None:
        """Of the chains while they are looked at."""
        if self.walking:
            self.chains.side.seed.setValue(seed)
        else:
            super().take_seed(seed)

    def toggle(self) -> bool:
        """Ctrl+Enter."""
        return self.chains.toggle() if self.walking else super().toggle()

    def step_once(self) -> bool:
        """Ctrl+."""
        return self.chains.step_once() if self.walking else super().step_once()

    def step_back(self) -> None:
        """Ctrl+,"""
        if self.walking:
            self.chains.step_back()

    @property
    def history(self) -> History:
        """Of the chains while they are looked at."""
        return self.chains.history if self.walking else self.own_history

    def settable(self) -> list[Settable]:
        """Of the chains while they are looked at."""
        side = self.chains.side
        if not self.walking:
            return super().settable()
        if self.chains.opened is None:
            return []
        counts = (of_spin(("seed",), side.seed, "seed of the chains"), of_spin(("chains",), side.chains, "number of chains"))
        return [*of_rows(side.epsilons.rows), *counts]

    def as_command(self) -> str:
        """Of the chains while they are looked at."""
        return self.chains.doors.command() if self.walking else super().as_command()

    def copy_python(self) -> None:
        """The script of chains is asked of the worker, which has their record; it is copied when it comes."""
        if not self.walking:
            super().copy_python()
        elif self.chains.opened is not None:
            self.chains.worker.ask_for("record")

    def export_buttons(self) -> list[QPushButton]:
        """Of the chains while they are looked at."""
        return [self.chains.export_button] if self.walking else super().export_buttons()

    def choose_export(self) -> None:
        """Ctrl+E."""
        (self.chains.choose_export if self.walking else super().choose_export)()

    def stop(self) -> None:
        """The window is closing."""
        self.chains.stop()
        super().stop()

    # --- what a person does -----------------------------------------------------------------------------------

    def _on_tab(self, place: int) -> None:
        self.pictures.setCurrentIndex(place)
        if place != DRAWN:
            self.samples.select(-1)
        self.looking.again()

    def _on_sample(self, index: int) -> None:
        if self.time.past:
            return
        self._detail_of = index
        self.session.ask("detail", "detail", seed=self.seed.value(), index=index)

    # --- what the session says --------------------------------------------------------------------------------

    def show_frame(self, frame: Frame) -> None:
        """The reel's samples, in their tab; what the classifiers say is known of the present alone."""
        if frame.pictures is not None:
            if self._tab_before is None:
                self._tab_before = self.shown.currentIndex()
                self.shown.setCurrentIndex(DRAWN)
                self.readouts.show_values(dict.fromkeys(self.readouts.values))
                self.classes.show_shares((), {}, "Classifiers are asked at the present step only: Live shows what they say.")
            self.samples.show_images(frame.pictures)
            self.samples.set_heading("Samples G(h)", frame.words)

    def leave_frame(self) -> None:
        """The tab that was shown before."""
        if self._tab_before is not None:
            before, self._tab_before = self._tab_before, None
            self.shown.setCurrentIndex(before)

    def show_run(self, run: Opened) -> None:
        """Another run, or the same one set back."""
        del run
        self.beside.show_panels()
        self.readouts.show_values(dict.fromkeys(self.readouts.values))

    def show_phase(self, name: str) -> None:
        """The pictures that the phase is about."""
        self.shown.setCurrentIndex(SAID if name == "captioner" else PICTURES)

    def show_reply(self, reply: Reply) -> None:
        """A view."""
        view: View = reply.view
        if reply.panel in ("reconstruction", "samples", "captions"):
            self.looking.answered(reply.seconds)
        match reply.panel:
            case "reconstruction":
                self._show_pairs(view)
            case "samples":
                self.samples.show_images(view.pictures["samples"])
                self.samples.set_heading("Samples G(h), h near the codes of training pictures", f"seed {self.seed.value()}")
            case "captions":
                self._show_captions(view)
            case "classes":
                self._show_classes(view)
            case "detail":
                self._show_detail(reply)
            case _:
                pass

    def set_stale(self) -> None:
        """The pictures are of no good State."""
        for grid in (self.pairs, self.samples):
            grid.set_stale(True)

    # --- looking ----------------------------------------------------------------------------------------------

    def drawn(self) -> dict[str, Any]:
        """The samples; PPGN keeps no moving average."""
        return {"seed": self.seed.value(), "count": SAMPLES}

    def to_keep(self) -> dict[str, Any]:
        """The selected sample, or all."""
        chosen = self.samples.selection()
        return self.drawn() | ({"rows": (chosen,)} if chosen >= 0 else {})

    def keep(self) -> None:
        """Of the chains what they are now, elsewhere samples."""
        (self.chains.keep if self.walking else super().keep)()

    def look_often(self) -> None:
        """What the chosen tab shows."""
        match self.shown.currentIndex():
            case 0:
                self.session.ask("reconstruction", "reconstruction", n=PAIRS)
            case 1:
                self.session.ask("samples", "samples", n=SAMPLES, seed=self.seed.value())
            case _:
                self.session.ask("captions", "captions", n=SENTENCES)

    def look_seldom(self) -> None:
        """The classifiers, and the sample that is shown large."""
        self.session.ask("classes", "classes", n=JUDGED)
        if self.beside.shows_detail():
            self._on_sample(self._detail_of)

    def _has_begun(self, phase: str) -> bool:
        """Whether a phase has had a step."""
        first, last = self.phases.span(phase)
        return last >= first

    def _show_pairs(self, view: View) -> None:
        """Each held-out picture over what G makes of its code, and below it that of Joint; what has not been trained is left out."""
        names = ["real", *(name for name, phase in (("G", "generator"), ("joint", "joint")) if self._has_begun(phase) and name in view.pictures)]
        self.pairs.set_columns({1: 8, 2: 5, 3: 3}[len(names)])  # so that they fill the height; a wide window has more
        self.pairs.show_images(np.concatenate([view.pictures[name] for name in names], 1))
        words = {"G": "G(E(x)) below", "joint": "that of Joint at the bottom"}
        note = f"{view.numbers['error'].mean():.1f} of 255 away (rms)" if "G" in names and len(view.numbers["error"]) else ""
        without = "" if "G" in names else ": G has not been trained yet"
        self.pairs.set_heading(", ".join(["Held-out x", *(words[name] for name in names[1:])]) + without, note)
        self.readouts.show_values({"error": float(view.numbers["error"].mean()) if note else None})
        if "G" in names:
            self.keep_preview(view.pictures["G"])

    def _show_captions(self, view: View) -> None:
        said, truth = list(view.words["captions"]), list(view.words["truth"])
        if not self._has_begun("captioner"):
            self.captions.show_reason("The captioner has not been trained yet.")
        elif not said:
            self.captions.show_reason(NO_CAPTIONS)
        else:
            both = zip(view.numbers["log_p"], view.numbers["log_p_truth"], strict=True)
            notes = [f"log p {ours:.1f}, of the truth {theirs:.1f}".replace("-", "−") for ours, theirs in both]
            self.captions.show_captions(view.pictures["real"], said, truth, notes)

    def _show_classes(self, view: View) -> None:
        if not view.numbers:
            self.classes.show_shares((), {}, "No pictures are held out of these data, so nothing can be judged.")
            return
        begun = {"C": self._has_begun("encoder"), "scorer": self._has_begun("scorer"), "chance": True}
        shares = {name: values if begun[name] else np.full_like(values, np.nan) for name, values in view.numbers.items()}
        self.classes.show_shares(view.words["heads"], shares)
        self.readouts.show_values({name: float(shares[name].mean()) for name in ("C", "scorer")})

    def _show_detail(self, reply: Reply) -> None:
        view = reply.view
        both = list(zip(view.words["C"], view.words["scorer"], strict=True))
        differ = [f"{ours} (scorer: {theirs.partition(': ')[2]})" for ours, theirs in both if ours != theirs]
        words = f"C and the scorer agree on {len(both) - len(differ)} of {len(both)} attributes."
        if differ:
            words += f" C sees {', '.join(differ[:MOST])}" + (f" and {len(differ) - MOST} more." if len(differ) > MOST else ".")
        self.detail.show_detail(
            {"sample": view.pictures["sample"][0], "again": view.pictures["again"][0], "nearest": view.pictures["nearest"][0]},
            {
                "sample": f"G(h), seed {self.seed.value()} #{self._detail_of}",
                "again": "G(E(G(h)))",
                "nearest": f"nearest: {view.words['nearest'][0]}, {view.numbers['distance'][0]:.0f} of 255 away",
            },
            f"Sample {self._detail_of} at step {reply.step:,}",
            words,
        )
        self.detail.words.setToolTip("\n".join(f"{ours}; scorer: {theirs.partition(': ')[2]}" for ours, theirs in both))
        self.beside.show_detail()
