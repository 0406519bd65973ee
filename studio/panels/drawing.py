"""How sentences are drawn: seed, temperature, the likeliest tokens only, and the words that they begin with."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from models.knobs import Knobs, describe, knob
from studio.panels.knob import KnobRow
from studio.widgets import column, label, row, spin


class Drawing(Knobs):
    """What decides over a sentence beside the net and the noise."""

    temperature: float = knob(1.0, "temperature, divides the logits", symbol="τ", low=0.05, high=3.0)
    nucleus: float = knob(1.0, "nucleus, the smallest set of tokens that holds this share; 1 is all", symbol="p", low=0.01, high=1.0)
    top_k: int = knob(0, "top-k, so many of the likeliest tokens; 0 is all", symbol="k", low=0, high=1000)


class DrawingPanel(QWidget):
    """Controls for the side of a page.

    Signals:
        changed (): the sentences are to be drawn anew.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.seed = spin(0, 2**31 - 1, 0, "Seed of the samples: the same noise at every look")
        self.prompt = QLineEdit()
        self.prompt.setPlaceholderText("Words that every sentence begins with")
        self.prompt.setAccessibleName("Prompt")
        self.prompt.setToolTip("Words that every sentence begins with; Enter completes them")
        self.prompt.setClearButtonEnabled(True)
        self.rows = {k.name: KnobRow(k) for k in describe(Drawing)}
        body = column(self, spacing=8)
        body.addWidget(self.prompt)
        for line in self.rows.values():
            line.changed.connect(lambda *_: self.changed.emit())
            body.addWidget(line)
        body.addLayout(row(label("Seed of the samples"), 1, self.seed))
        self.seed.valueChanged.connect(lambda *_: self.changed.emit())
        self.prompt.editingFinished.connect(self._on_prompt)
        self.prompt.textChanged.connect(lambda text: None if text else self._on_prompt())
        self._asked = ""

    def options(self) -> dict[str, Any]:
        """What `sample` of a system that writes text takes: temperature, top_k, nucleus, prompt."""
        return {name: line.value for name, line in self.rows.items()} | {"prompt": self._asked}

    def told(self) -> str:
        """In a few words, where it is not the usual."""
        usual = Drawing().model_dump()
        return " · ".join(
            [f"seed {self.seed.value()}", *(f"{line.knob.symbol} {line.value:g}" for name, line in self.rows.items() if line.value != usual[name])]
        )

    def _on_prompt(self) -> None:
        if self.prompt.text().strip() != self._asked:
            self._asked = self.prompt.text().strip()
            self.changed.emit()
