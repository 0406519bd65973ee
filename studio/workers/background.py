"""Short work beside the window: importing torch, and looking at a data source before a run is made from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QThread, Signal

from models.errors import StudioError

if TYPE_CHECKING:
    from models.contract import Preset

PREVIEW, SENTENCES = 21, 12  # pictures, or sentences, of a preview


class WarmUp(QThread):
    """Imports torch and the papers, so that the window can appear before them.

    Signals:
        ready (str): empty, or why torch cannot be imported.
    """

    ready = Signal(str)

    def run(self) -> None:
        """The imports."""
        try:
            from models import catalog, device

            for name in catalog.ALGORITHMS:
                catalog.algorithm(name)
            device.warm_up()
            self.ready.emit("")
        except Exception as error:
            self.ready.emit(f"PyTorch does not start here ({error}): run `sampling-studio doctor`.")


class Preview(QThread):
    """Opens a data source, makes its card, and predicts how long a run would take.

    Signals:
        progressed (int, int): done, total.
        shown (ndarray or list of str, ImageSet or TextSet, dict): a few pictures (n, H, W, C) uint8 or sentences, all of them, and the card.
        predicted (float): seconds.
        failed (str, tuple): the sentence, and the ways out of `models.errors.BadData`.
    """

    progressed = Signal(int, int)
    shown = Signal(object, object, object)
    predicted = Signal(float)
    failed = Signal(str, object)

    def __init__(
        self,
        system: str,
        data: str,
        config: Mapping[str, Any],
        plan: Mapping[str, Any],
        preset: Preset | None,
        parent: Any = None,
        *,
        look: bool = True,
    ) -> None:
        """`look` opens the data; without a preset nothing is predicted."""
        super().__init__(parent)
        self._system, self._data, self._config, self._plan, self._preset, self._look = system, data, config, plan, preset, look

    def run(self) -> None:
        """In the thread."""
        from models import catalog, device, knobs
        from models.opening import predicted_seconds

        try:
            algorithm = catalog.algorithm(self._system)
            config = knobs.make(algorithm.Config, self._config)
            if self._look:
                data = algorithm.open_data(self._data, config, self._progress)
                if self.isInterruptionRequested():
                    return
                self.shown.emit(*_told(data))
                config = algorithm.fitted(config, data) if hasattr(algorithm, "fitted") else config
            if self._preset is not None and not self.isInterruptionRequested():
                self.predicted.emit(predicted_seconds(algorithm, config, device.choose(**self._plan), self._preset))
        except InterruptedError:
            pass
        except StudioError as error:
            if not self.isInterruptionRequested():
                self.failed.emit(str(error), getattr(error, "offers", ()))
        except Exception as error:
            self.failed.emit(f"{self._data} cannot be read ({error}).", ())

    def _progress(self, done: int, total: int) -> None:
        if self.isInterruptionRequested():
            raise InterruptedError
        self.progressed.emit(done, total)


def _told(data: Any) -> tuple[Any, Any, dict[str, Any]]:
    """A few of the data, all of it, and its card."""
    from models.data.card import card, sample
    from models.data.text import TextSet

    if isinstance(data, TextSet):
        known = hasattr(data, "p")  # its card shows all of it
        few = [] if known else [data.text(int(i)) for i in data.order(0, 0, min(SENTENCES, len(data.train)))]
    else:
        few = data.pictures(sample(data, PREVIEW))
    return few, data, card(data)
