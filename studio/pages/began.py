"""BEGAN: samples, reconstructions and the equilibrium, live."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PySide6.QtWidgets import QCheckBox, QLayout, QWidget

from models.algorithms import began
from studio.messages import Opened, Reply
from studio.pages.training import TrainingPage
from studio.panels.beside import Beside
from studio.panels.interpolation import InterpolationPanel
from studio.panels.readouts import Readouts
from studio.panels.samples import ImageGrid
from studio.session import Session
from studio.widgets import label, row, spin
from studio.workers.frames import Frame

SAMPLES, REAL, HELD_OUT = 64, 8, 256


class BeganPage(TrainingPage):
    """Everything about one BEGAN run."""

    SYSTEM, TITLE = "began", "BEGAN"

    def __init__(self, session: Session) -> None:
        self._detail_of = 0
        super().__init__(session, began)
        self.samples.clicked.connect(self._on_sample)
        self.samples.selected.connect(lambda index: self.detail.close_panel() if index < 0 else None)
        self.ema.toggled.connect(self._on_other_samples)
        self.seed.valueChanged.connect(self._on_other_samples)
        self.interpolation.wanted.connect(self._on_interpolation)
        self.interpolation.dropped.connect(lambda: self.session.drop("interpolation"))

    def make_pictures(self) -> QWidget:
        """Samples, and beside them reconstructions, an interpolation and numbers."""
        self.samples = ImageGrid("Samples G(z), same seeds", columns=8)
        self.real = ImageGrid("Held-out x, and D(x) below", columns=4, rows=2)
        self.interpolation = InterpolationPanel()
        self.readouts = Readouts(
            [
                ("M_global", "M_global", "The paper's measure of convergence, smoothed as the curves are"),
                ("k_t", "k_t", "The controller's weight on the fake loss, from 0 to 1, as it is now"),
                ("gamma_hat", "γ̂", "L(G(z)) / L(x), smoothed: the controller steers it to γ"),
                ("held_out", "L(x) held out", f"Reconstruction error of {HELD_OUT} pictures that D has never seen"),
            ]
        )
        self.beside = Beside(self.real, self.interpolation, self.readouts)
        self.detail = self.beside.detail
        upper = QWidget()
        line = row(self.samples, self.beside, spacing=16)
        line.setStretch(0, 1)
        upper.setLayout(line)
        return upper

    def view_controls(self) -> Sequence[QWidget | QLayout]:
        """Which G, and which latents."""
        self.ema, self.seed = QCheckBox("Averaged G (EMA)"), spin(0, 2**31 - 1, 0, "Seed of the samples: their latents z")
        self.ema.setChecked(True)
        self.ema.setToolTip("Draw from the moving average of G's weights, which is calmer than G itself")
        return [row(self.ema, 1, label("Seed"), self.seed)]

    # --- what a person does -----------------------------------------------------------------------------------

    def _on_other_samples(self, *_: Any) -> None:
        self.looking.again()
        if self.session.run is not None and self.interpolation.between.selected() == 1:
            self.interpolation.ask_again(search=True)

    def _on_sample(self, index: int) -> None:
        if self.time.past:
            return
        self._detail_of = index
        self.session.ask("detail", "detail", seed=self.seed.value(), index=index, ema=self.ema.isChecked())

    def _on_interpolation(self, view: str, arguments: dict[str, Any]) -> None:
        if view == "interpolation":
            arguments = {**arguments, "seed": self.seed.value(), "ema": self.ema.isChecked()}
        self.session.ask("interpolation", view, **arguments)

    # --- what the session says --------------------------------------------------------------------------------

    def show_frame(self, frame: Frame) -> None:
        """The reel's samples."""
        if frame.pictures is not None:
            self.samples.show_images(frame.pictures)
            self.samples.set_heading("Samples G(z), same seeds", frame.words)
            self.readouts.show_values({"held_out": None})
            for panel in (self.real, self.interpolation.strip):
                panel.set_stale(True)

    def show_run(self, run: Opened) -> None:
        """Another run, or the same one set back."""
        self.beside.show_panels()
        self.interpolation.reset(run.held_out, int(run.config["size"]))

    def show_reply(self, reply: Reply) -> None:
        """A view."""
        match reply.panel:
            case "samples":
                self.looking.answered(reply.seconds)
                pictures = reply.view.pictures["samples"]
                self.samples.show_images(pictures)
                self.samples.set_heading("Samples G(z), same seeds", f"{'EMA' if self.ema.isChecked() else 'G itself'} · seed {self.seed.value()}")
                self.keep_preview(pictures)
            case "real":
                view = reply.view
                self.real.show_images(np.concatenate([view.pictures["real"][:4], view.pictures["D"][:4]]))
                self.real.set_heading("Held-out x, and D(x) below", f"L(x) {view.numbers['error'][:4].mean():.3f}")
            case "held_out":
                self.readouts.show_values({"held_out": float(reply.view.numbers["error"].mean())})
            case "interpolation":
                self.interpolation.show_view(reply.view, last=reply.last)
            case "detail":
                self._show_detail(reply)
            case _:
                pass

    def set_stale(self) -> None:
        """The samples are of no good State."""
        self.samples.set_stale(True)

    # --- looking ----------------------------------------------------------------------------------------------

    def drawn(self) -> dict[str, Any]:
        """The samples on the stage."""
        return {"seed": self.seed.value(), "count": SAMPLES, "ema": self.ema.isChecked()}

    def to_keep(self) -> dict[str, Any]:
        """The selected sample, or all."""
        chosen = self.samples.selection()
        return self.drawn() | ({"rows": (chosen,)} if chosen >= 0 else {})

    def look_often(self) -> None:
        """The samples."""
        self.session.ask("samples", "samples", n=SAMPLES, seed=self.seed.value(), ema=self.ema.isChecked())

    def look_seldom(self) -> None:
        """Everything beside them."""
        self.session.ask("real", "real", n=REAL)
        self.session.ask("held_out", "held_out", n=HELD_OUT)
        self.interpolation.ask_again()
        if self.beside.shows_detail():
            self._on_sample(self._detail_of)

    def show_numbers(self) -> None:
        """The paper's numbers, large."""
        smooth = {name: self.curves.history.series[name].at(self.moment) for name in ("M_global", "loss_real", "loss_fake")}
        real, fake = smooth["loss_real"], smooth["loss_fake"]
        ratio = fake / real if real and fake is not None else None
        k_t = self.curves.history.series["k_t"].raw_at(self.moment)
        self.readouts.show_values({"M_global": smooth["M_global"], "k_t": k_t, "gamma_hat": ratio})

    def _show_detail(self, reply: Reply) -> None:
        view = reply.view
        sample, D = view.pictures["sample"][0], view.pictures["D"][0]
        gap = np.abs(sample.astype(np.float32) - D).mean(2) / 127.5
        self.detail.show_detail(
            {"sample": sample, "D": D, "error": gap, "nearest": view.pictures["nearest"][0]},
            {
                "sample": f"G(z), seed {self.seed.value()} #{self._detail_of}",
                "D": f"D(G(z)), L = {view.numbers['error'][0]:.4f}",
                "error": f"|G(z) − D(G(z))|, up to {gap.max():.2f}",
                "nearest": f"nearest training picture: {view.words['nearest'][0]}, {view.numbers['distance'][0]:.0f} of 255 away (rms), "
                f"L = {view.numbers['error_nearest'][0]:.4f}",
            },
            f"Sample {self._detail_of} at step {reply.step:,}",
        )
        self.beside.show_detail()
