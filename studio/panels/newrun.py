"""Everything that a run is made from, on one sheet: data, preset, settings, device, and how long it will take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt, QThread, QTimer, Signal
from PySide6.QtWidgets import QCheckBox, QWidget

from models import device
from models.data.sources import kind, sources
from models.errors import BadInput
from models.knobs import Knob, describe, make
from models.settings import settings
from studio import theme
from studio.export import writes_of
from studio.messages import NewRun
from studio.pace import duration
from studio.panels.data import DataPicker, Kind
from studio.panels.knobs import KnobsPanel
from studio.panels.scrolling import scrolled
from studio.widgets import Card, Combo, ElidedLabel, Segmented, button, column, label, row, spin
from studio.workers.background import Preview

READ = (  # settings that change what is read of a source
    *("size", "channels", "attributes", "captions", "pixels", "colours"),
    *("T", "vocab", "unit", "punctuation", "min_count", "long", "held_out", "split", "oracle_seed", "oracle_V", "oracle_size"),
)
SIDE_BY_SIDE = 5  # presets; more are a list
GROUPS = {"Pictures": "pictures", "Sentences": "text", "Toy": "toy"}  # of the settings of a system that takes any data -> the kind that they are for
HEADINGS = {"pictures": "Pictures", "text": "Sentences", "any": "Data"}  # of the data, by what a system takes


class NewRunPanel(QWidget):
    """A form over an algorithm's Config; the paper's Knobs have their own panel once it runs.

    Attributes:
        settings: the panel of the Config, which a page puts at its side.

    Signals:
        started (NewRun): make and start it.
        queued (NewRun): make and train it when nothing else trains.
        cancelled (): back to the run that was open.
        browse (ImageSet or TextSet, dict): all of the chosen data is to be seen; its card.
    """

    started = Signal(object)
    queued = Signal(object)
    cancelled = Signal()
    browse = Signal(object, object)

    def __init__(self, algorithm: Any) -> None:
        super().__init__()
        self._algorithm, self._preview, self._closed = algorithm, None, False
        self._presets = list(algorithm.PRESETS.values())
        self._kind: Kind = "any" if getattr(algorithm, "TAKES", "") == "any" else writes_of(algorithm)
        self.picker = DataPicker(built_in(self._kind, getattr(algorithm, "FIRST_DATA", "")), self._kind)
        self.picker.chosen.connect(self._on_chosen)
        self.picker.browse.connect(self.browse_all)
        self.picker.cancelled.connect(self._cancel_reading)
        self.picker.choosing.connect(self._on_choosing)
        self.picker.offered.connect(self._on_offered)
        shown = Segmented if len(self._presets) <= SIDE_BY_SIDE else PresetList
        self.presets = shown([p.name for p in self._presets], [p.doc for p in self._presets])
        self.presets.chosen.connect(self._on_preset)
        self.doc, self.time = label(kind="muted"), label(kind="strong")
        self.seed = spin(0, 2**31 - 1, 0, "Seed: every random number of the run comes from this")
        self.tensorboard = QCheckBox("Write TensorBoard files too")
        self.tensorboard.setToolTip("Losses and samples as event files in the run's folder, for `tensorboard --logdir`")
        self.settings = KnobsPanel([*machine(), *(k for k in describe(algorithm.Config) if k.name not in getattr(algorithm, "FOUND", ()))])
        self.settings.rows["threads"].set_special(0, "auto")
        self.take_defaults()
        self.settings.changed.connect(lambda *_: self._soon())
        self.start_button = button("Train", "play", kind="primary", clicked=self._start)
        self.queue_button = button("Add to queue", tip="Train it when nothing else trains; Runs shows the queue", clicked=self._queue)
        self.cancel_button = button("Cancel", clicked=self.cancelled.emit)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(400)
        self._later.timeout.connect(lambda: self._look(pictures=self._seen != self._wanted()))
        self._slow = QTimer(self)  # what is read at once shows no bar
        self._slow.setSingleShot(True)
        self._slow.setInterval(150)
        self._slow.timeout.connect(lambda: self.picker.show_progress(0, 0))
        self._seen: tuple[Any, ...] | None = None
        self._shown: tuple[Any, Mapping[str, Any]] | None = None
        self._arrange()
        self._meant: Mapping[str, str] = getattr(algorithm, "PRESET_DATA", {})
        self._take_preset(0)
        self._show_groups(self.picker.source())

    def _arrange(self) -> None:
        data, how = Card(HEADINGS[self._kind]), Card("Preset")
        data.body.addWidget(self.picker)
        how.body.addLayout(row(self.presets, 1))
        for text in (self.doc, self.time):
            text.setWordWrap(True)
            how.body.addWidget(text)
        self.doc.setMinimumHeight(2 * self.doc.fontMetrics().lineSpacing())  # nothing below it moves when another preset is chosen
        how.body.addLayout(row(label("Seed", "muted"), self.seed, 1))
        how.body.addWidget(self.tensorboard)
        how.body.addLayout(row(self.start_button, self.queue_button, self.cancel_button, 1))
        inside = QWidget()
        inside.setProperty("kind", "clear")
        left = column(inside, spacing=12)
        left.addWidget(data)
        left.addStretch(1)
        area = scrolled(inside)
        right = column(spacing=12)
        right.addWidget(how)
        right.addStretch(1)
        cards = row(area, spacing=16)
        cards.addLayout(right)
        cards.setStretch(0, 5)
        cards.setStretch(1, 3)
        middle = QWidget()
        body = column(middle, spacing=12)
        body.addWidget(label(f"New {self._algorithm.TITLE} run", "title"))
        body.addWidget(ElidedLabel(self._algorithm.PAPER, "caption"))
        body.addLayout(cards, 1)
        middle.setMaximumWidth(theme.theme().px(1120))
        whole = row(1, middle, 1, spacing=0)
        whole.setStretch(1, 100)
        self.setLayout(whole)

    def take_defaults(self) -> None:
        """Device and threads as the settings of the studio have them; a device that is not here is left to the rule."""
        chosen = settings()
        devices = self.settings.rows["device"].knob.choices
        self.settings.set_values({"device": chosen.device if chosen.device in devices else "auto", "threads": chosen.threads or 0})

    def set_can_cancel(self, on: bool) -> None:
        """Whether there is a run to go back to."""
        self.cancel_button.setVisible(on)

    def choose_data(self, spec: str) -> None:
        """Take a data source, for example one that was dropped on the window."""
        self.picker.select(spec)
        self._on_chosen(spec)

    def refresh(self) -> None:
        """Look at the data again, when the form appears."""
        self._look(pictures=self._seen != self._wanted())

    def is_ready(self) -> bool:
        """Whether the data have been read, or cannot be."""
        return self._preview is None and not self._later.isActive()

    def rest(self) -> None:
        """Look at no data for now."""
        self._stop_preview()

    def stop(self) -> None:
        """Let the background work end, for good."""
        self._closed = True
        self._stop_preview()
        if self._preview is not None:
            self._preview.wait()

    # --- what the form says -----------------------------------------------------------------------------------

    def request(self) -> NewRun:
        """The run that the form describes."""
        values = self.settings.values()
        plan = {k.name: values.pop(k.name) for k in describe(device.Choice)}
        return NewRun(
            system=self._algorithm.NAME,
            data=self.picker.source(),
            preset=self._presets[self.presets.selected()].name,
            config=values,
            seed=self.seed.value(),
            device=str(plan["device"]),
            threads=int(plan["threads"]) or None,
            precision=str(plan["precision"]),
            compile=str(plan["compile"]),
            tensorboard=self.tensorboard.isChecked(),
        )

    def _wanted(self) -> tuple[Any, ...]:
        values = self.settings.values()
        return self.picker.source(), *(values[name] for name in READ if name in values)

    def _on_preset(self, place: int) -> None:
        """Its settings; and where the chosen data are of no use to it, those that it is meant for."""
        self._take_preset(place)
        meant = self._meant.get(self._presets[place].name)
        if meant is not None and kind(meant) != kind(self.picker.source()):
            self.choose_data(meant)

    def _fit_preset(self, spec: str) -> None:
        """The first preset that is meant for data of this kind, unless the chosen one is."""
        of, meant = kind(spec), [kind(self._meant[p.name]) if p.name in self._meant else "" for p in self._presets]
        if of in meant and meant[self.presets.selected()] not in ("", of):
            self.presets.select(meant.index(of))
            self._take_preset(meant.index(of))

    def _show_groups(self, spec: str) -> None:
        """Settings that say nothing about such data are not seen."""
        if self._kind == "any":
            given = kind(spec)  # which may look into a file
            for name, of in GROUPS.items():
                self.settings.show_group(name, given == of)

    def _take_preset(self, place: int) -> None:
        preset = self._presets[place]
        defaults = {k.name: k.default for k in describe(self._algorithm.Config)}
        self.settings.set_values({**defaults, **preset.config})
        self.doc.setText(f"{preset.doc}. {preset.steps:,} steps.")
        self._soon()

    def _soon(self) -> None:
        """Predict anew once the person has stopped turning; what was predicted no longer holds."""
        self.time.setText("Measuring how fast this machine is …")
        self._later.start()

    def _on_chosen(self, spec: str) -> None:
        self._fit_preset(spec)
        self._show_groups(spec)
        self.picker.show_error("")
        self._look(pictures=True)

    def _on_choosing(self) -> None:
        self._stop_preview()
        self._seen = self._shown = None
        self._allow(False)
        self.time.setText("")

    def _on_offered(self, change: Mapping[str, Any]) -> None:
        self.settings.set_values(change)
        self._on_chosen(self.picker.source())

    def _cancel_reading(self) -> None:
        self._on_choosing()
        self.picker.show_words("Not read: choose it again, or something else.")

    def _start(self) -> None:
        self._stop_preview()
        self.started.emit(self.request())

    def _queue(self) -> None:
        self.queued.emit(self.request())

    def _allow(self, on: bool) -> None:
        """Whether the data have been read, so that a run can be made from them."""
        for b in (self.start_button, self.queue_button):
            b.setEnabled(on)

    # --- looking ahead ----------------------------------------------------------------------------------------

    def _look(self, *, pictures: bool) -> None:
        if self._closed:
            return
        if pictures:
            self._allow(False)
            self._slow.start()
        if self._preview is not None:  # one at a time; the newest wish is looked at when it has ended
            self._preview.requestInterruption()
            self._later.start()
            return
        wish = self.request()
        plan = {"device": wish.device, "threads": wish.threads, "precision": wish.precision, "compile": "off"}
        preset = self._presets[self.presets.selected()]
        self.time.setText("Measuring how fast this machine is …")
        preview = self._preview = Preview(wish.system, wish.data, wish.config, plan, preset, self, look=pictures)
        wanted = self._wanted()
        preview.progressed.connect(self._on_progress)
        preview.shown.connect(lambda few, data, card: self._on_shown(wanted, few, data, card))
        preview.predicted.connect(self._on_predicted)
        preview.failed.connect(lambda sentence, offers: self._on_failed(wanted, sentence, offers))
        preview.finished.connect(self._on_finished)
        preview.start(QThread.Priority.LowPriority)

    def _stop_preview(self) -> None:
        self._later.stop()
        self._slow.stop()
        if self._preview is not None:
            self._preview.requestInterruption()

    def _on_progress(self, done: int, total: int) -> None:
        self._slow.stop()
        preview = self._preview
        if preview is not None and not preview.isInterruptionRequested():
            self.picker.show_progress(done, total)

    def _on_shown(self, wanted: tuple[Any, ...], few: Any, data: Any, card: Mapping[str, Any]) -> None:
        if wanted != self._wanted():  # another source was chosen meanwhile, and is looked at next
            return
        self._slow.stop()
        self._seen, self._shown = wanted, (data, card)
        self.picker.preview(few, card)
        self._allow(True)

    def _on_predicted(self, seconds: float) -> None:
        self.time.setText(f"About {duration(seconds)} here.")

    def _on_failed(self, wanted: tuple[Any, ...], sentence: str, offers: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        if wanted != self._wanted():
            return
        self._slow.stop()
        self._seen = self._shown = None
        self.picker.preview(None)
        self.picker.refuse(sentence, [(words, change) for words, change in offers if self._can_take(change)])
        self._allow(False)
        self.time.setText("")

    def _can_take(self, change: Mapping[str, Any]) -> bool:
        """Whether the settings have these values: what reads a source knows nothing of the system."""
        try:
            make(self._algorithm.Config, change)
        except BadInput:
            return False
        return True

    def browse_all(self) -> None:
        """Ask for all the data to be shown, once they have been read."""
        if self._shown is not None:
            self.browse.emit(*self._shown)

    def _on_finished(self) -> None:
        preview, self._preview = self._preview, None
        if preview is not None:
            preview.wait()
            preview.deleteLater()


class PresetList(Combo):
    """Presets that are too many to stand side by side, chosen as the segments of a Segmented are.

    Signals:
        chosen(int): the place of the one that the person took.
    """

    chosen = Signal(int)

    def __init__(self, texts: Sequence[str], tips: Sequence[str]) -> None:
        super().__init__(texts)
        for place, tip in enumerate(tips):
            self.setItemData(place, tip, Qt.ItemDataRole.ToolTipRole)
        self.setAccessibleName("Preset")
        self.activated.connect(self.chosen)

    def select(self, place: int) -> None:
        """Choose one without telling anybody."""
        self.setCurrentIndex(place)

    def selected(self) -> int:
        """The place of the chosen one."""
        return self.currentIndex()


def built_in(of: str = "pictures", first: str = "") -> list[tuple[str, str]]:
    """The sources of a kind that need no path: what `--data` is given, and a line about each.

    Args:
        of: "pictures", "text", or "any", which has the toys as well and no oracle: the characters of its numbers say nothing.
        first: the source to begin with.
    """
    own = [s for s in sources() if s["example"] == f"--data {s['name']}" and "." not in s["name"]]  # oracle.npz is the name of a file
    own = [s for s in own if (s["name"] != "oracle" if of == "any" else s["kind"] == of)]
    return [(s["name"], f"{s['name']} · {s['what']}") for s in sorted(own, key=lambda s: s["name"] != first)]


def machine() -> list[Knob]:
    """What a person may force about how a run computes; only devices that are here."""
    found = describe(device.Choice)
    return [replace(k, choices=("auto", *reversed(device.available()))) if k.name == "device" else k for k in found]
