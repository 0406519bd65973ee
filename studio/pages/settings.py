"""The settings of the whole studio: chosen here, kept in one file that the window and the command line read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer, Signal

from models import settings
from models.errors import BadInput, StudioError
from models.files import home
from models.knobs import Knob
from models.settings import Settings
from studio.pages.aside import AsidePage
from studio.panels.settingrow import ChoiceRow, FolderRow, NumberRow, SettingRow, SwitchRow
from studio.session import Session
from studio.shell import SCALE_OF, SOON_MS, dress
from studio.widgets import Card, label

DEVICES = (("auto", "Automatic"), ("cpu", "CPU"), ("cuda", "CUDA"), ("mps", "Apple"))
SCHEMES = (("system", "System"), ("light", "Light"), ("dark", "Dark"))


def knob_of(name: str, low: float | None = None, high: float | None = None, factor: float = 1) -> Knob:
    """A field of Settings as models.knobs describes it, for range checks in the same words; its bounds are those of the field."""
    field = Settings.model_fields[name]
    bounds = {kind: getattr(m, kind) for m in field.metadata for kind in ("ge", "le") if hasattr(m, kind)}
    low, high = bounds.get("ge", low), bounds.get("le", high)
    return Knob(
        name=name,
        kind="int",
        symbol=name,
        doc=field.description or "",
        default=round((field.default or 0) * factor),
        low=None if low is None else low * factor,
        high=None if high is None else high * factor,
        log=False,
        choices=(),
        group="",
    )


class SettingsPage(AsidePage):
    """One row for each field; what is chosen holds at once.

    Signals:
        changed (str): a setting has another value; its name.
    """

    changed = Signal(str)
    TITLE = "Settings"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.rows: dict[str, SettingRow] = {}
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(SOON_MS)
        self._later.timeout.connect(dress)
        self._look()
        self._runs()
        self._exports()
        self.column.addStretch(1)
        self.subtitle.setText("What is chosen holds at once")
        self.refresh()

    def refresh(self) -> None:
        """Show what holds."""
        now = settings.settings()
        for name, row in self.rows.items():
            row.show_value(getattr(now, name))
        if settings.problem:
            self.card.show_error(settings.problem)

    def showEvent(self, event: Any) -> None:
        """Another window, or the key for the theme, may have changed some."""
        super().showEvent(event)
        self.refresh()

    # --- how it is made ---------------------------------------------------------------------------------------

    def _look(self) -> None:
        rows: list[SettingRow] = [
            ChoiceRow("theme", "Theme", _doc("theme"), SCHEMES),
            NumberRow("scale", "Size", "Text and controls, from 75 to 200 % (Ctrl++, Ctrl+-)", knob_of("scale", factor=100), "%", factor=100),
            SwitchRow("reduce_motion", "Reduce motion", "Nothing moves by itself: demos show a still, and changes come at once"),
        ]
        if SCALE_OF in os.environ:
            rows[1].setEnabled(False)
            rows[1].doc.setText(f"The size comes from {SCALE_OF}, which decides while it is set")
        self._add("Look", rows)

    def _runs(self) -> None:
        folder = FolderRow(
            "runs_folder",
            "Folder of runs",
            "New runs go there. Runs that exist are not moved: they stay where they are, and stay in the list",
            lambda: str(home() / "runs"),
        )
        folder.choose_button.clicked.connect(self._choose_folder)
        card = self._add(
            "Runs",
            [
                folder,
                ChoiceRow("device", "Device of new runs", "Where they compute; a run keeps its own", DEVICES),
                NumberRow(
                    "threads",
                    "Threads of new runs",
                    "A number, or auto for all cores but one. They decide over the last bits of every number, so a run keeps its own",
                    knob_of("threads", 1, 1024),
                    "",
                    auto="auto",
                ),
                NumberRow("reel_mb", "Disk for the time machine", "Samples that one run keeps of its training", knob_of("reel_mb"), "MB"),
                NumberRow("checkpoint_mb", "Disk for checkpoints", "Those that one run keeps to be forked from", knob_of("checkpoint_mb"), "MB"),
                SwitchRow("notify", "Tell when a training ends", "With a notification of the desktop, also when it has failed"),
                SwitchRow("keep_awake", "Keep the machine awake", "While a run trains; the screen may go dark"),
            ],
        )
        words = label("The two budgets thin out what is in between: the first, the last and every bookmarked step are never dropped.", "caption")
        words.setWordWrap(True)
        card.body.addWidget(words)

    def _exports(self) -> None:
        privacy = "Leave folders, notes and the name of this machine out of the recipes in exported files"
        self._add("Exports", [SwitchRow("privacy", "Privacy", privacy)])

    def _add(self, title: str, rows: list[SettingRow]) -> Card:
        card = Card(title, margin=16, spacing=14)
        for row in rows:
            self.rows[row.name] = row
            row.changed.connect(lambda value, name=row.name: self.set(name, value))
            card.body.addWidget(row)
        self.column.addWidget(card)
        return card

    # --- what a person does -----------------------------------------------------------------------------------

    def set(self, name: str, value: Any) -> None:
        """Change one; a value that cannot be is told beside it, and the old one stays."""
        before = settings.settings().runs_folder
        try:
            if name == "runs_folder":
                self._prepare(value)
            settings.change(**{name: value})
        except StudioError as error:
            self.rows[name].refuse(str(error))
            return
        self.rows[name].show_value(getattr(settings.settings(), name))
        if name in ("theme", "scale"):
            self._later.start()
        if name == "runs_folder" and before != value:
            self._remember(Path(before).expanduser() if before else home() / "runs")
        self.changed.emit(name)

    def _choose_folder(self) -> None:
        self.ask_path("Folder of runs", settings.runs_folder(), "", lambda path: self.set("runs_folder", str(path)), there=True)

    def _prepare(self, value: str) -> None:
        """A folder that can be written; raises BadInput."""
        folder = Path(value).expanduser()
        if not value:
            return
        if not folder.is_absolute():
            raise BadInput(f"The folder of runs must be a whole path, such as {home() / 'runs'}; got {value!r}.")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            raise BadInput(f"The folder {folder} cannot be made: choose another one.") from None
        if not os.access(folder, os.W_OK):
            raise BadInput(f"The folder {folder} cannot be written to: choose another one.")

    def _remember(self, folder: Path) -> None:
        """Runs of the folder before stay in the list."""
        from studio import runs

        try:
            for file in folder.glob("*/run.json"):
                runs.remember(file.parent)
        except (StudioError, OSError) as error:
            self.card.show_error(f"The runs in {folder} may be missing from the list ({error}): open them with Ctrl+O.")


def _doc(name: str) -> str:
    return Settings.model_fields[name].description or ""
