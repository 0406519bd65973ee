"""A training page in words: what the palette can set on it, and what it shows as lines for the terminal or as Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio import copying
from studio.finding import Settable
from studio.messages import Opened
from studio.pages.settable import of_rows, of_spin, to_step

if TYPE_CHECKING:
    from studio.pages.training import TrainingPage


class Spoken:
    """Of one page; its answers are those of the methods of `Page` with these names."""

    def __init__(self, page: TrainingPage) -> None:
        self._page = page

    def settable(self) -> list[Settable]:
        """The knobs of the open run, its samples' seed and the step to train to; or the settings of the form."""
        page = self._page
        seed, run = page.sample_seed(), page.session.run
        found = [of_spin(("seed", "sample seed"), seed, "seed of the samples")] if seed is not None else []
        if page.stage.currentWidget() is page.new:
            return [of_spin(("seed",), page.new.seed, "seed of the run"), *of_rows(page.new.settings.rows)]
        if run is None or run.reading:
            return found
        return [*of_rows(page.knobs.rows), to_step(page.session), *found]

    def as_command(self) -> str:
        """The training of the open run anew and its samples; or the run that the form describes."""
        run = self._run()
        if run is None:
            return copying.train_command(self._wished())
        step, at = self._page.session.step, copying.checkpoint_of(run.path, self._page.session.step)
        samples = copying.sample_command(run.path.resolve(), at, self._page.drawn(), self._samples()[1])
        return f"{copying.train_command(copying.training_of(run.path, step))}\n{samples}\n"

    def as_python(self) -> str:
        """The same as one script."""
        run = self._run()
        if run is None:
            return copying.train_python(self._wished())
        step, at = self._page.session.step, copying.checkpoint_of(run.path, self._page.session.step)
        samples = copying.sample_python(run.path.resolve(), at, self._page.drawn(), *self._samples())
        return f"{copying.train_python(copying.training_of(run.path, step))}\n\n{samples}"

    def _run(self) -> Opened | None:
        """That which is shown; none while the form is."""
        return self._page.session.run if self._page.stage.currentWidget() is not self._page.new else None

    def _wished(self) -> copying.Training:
        return copying.training_wished(self._page.new.request(), f"{self._page.SYSTEM}-new")

    def _samples(self) -> tuple[str, str]:
        """Exporter and file of what is on the stage."""
        return ("txt", "samples.txt") if self._page.writes == "text" else ("sheet", "samples.png")
