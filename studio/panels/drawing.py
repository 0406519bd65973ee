"""How sentences are drawn: temperature, the likeliest tokens only, seed, and the words that they begin with."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDoubleSpinBox, QLineEdit, QSizePolicy, QSpinBox, QWidget

from studio import theme
from studio.widgets import decimal, label, row, spin, symbol_html

TEMPERATURE = "Temperature: divides the logits; below 1 the likely tokens become likelier"
NUCLEUS = "Nucleus: only the smallest set of tokens that holds this share; 1 is all"
TOP_K = "Top-k: only so many of the likeliest tokens; 0 is all"
SEED = "Seed of the samples: the same noise at every look"
PROMPT = "Words that every sentence begins with; Enter completes them"


class DrawingBar(QWidget):
    """One line of controls above the sentences.

    Signals:
        changed (): the sentences are to be drawn anew.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.prompt = QLineEdit()
        self.prompt.setPlaceholderText("Begin with …")
        self.prompt.setAccessibleName("Prompt")
        self.prompt.setToolTip(PROMPT)
        self.prompt.setClearButtonEnabled(True)
        self.prompt.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.prompt.setMaximumWidth(theme.theme().px(360))
        self.temperature, self.nucleus = decimal(0.05, 10, 1, TEMPERATURE), decimal(0.01, 1, 1, NUCLEUS)
        self.top_k, self.seed = spin(0, 9_999, 0, TOP_K), spin(0, 2**31 - 1, 0, SEED)
        self.top_k.setFixedWidth(theme.theme().px(72))
        line = row(self.prompt, spacing=6)
        line.setStretch(0, 1)
        fields: list[tuple[str, QDoubleSpinBox | QSpinBox]] = [
            (symbol_html("τ"), self.temperature),
            (symbol_html("p"), self.nucleus),
            (symbol_html("k"), self.top_k),
            ("seed", self.seed),
        ]
        for text, field in fields:
            name = label(text)
            name.setToolTip(field.toolTip())
            line.addSpacing(2)
            line.addWidget(name)
            line.addWidget(field)
            field.valueChanged.connect(lambda *_: self.changed.emit())
        self.setLayout(line)
        self.prompt.editingFinished.connect(self._on_prompt)
        self.prompt.textChanged.connect(lambda text: None if text else self._on_prompt())
        self._asked = ""

    def options(self) -> dict[str, Any]:
        """What `sample` of a system that writes text takes."""
        return {"temperature": self.temperature.value(), "top_k": self.top_k.value(), "nucleus": self.nucleus.value(), "prompt": self._asked}

    def _on_prompt(self) -> None:
        if self.prompt.text().strip() != self._asked:
            self._asked = self.prompt.text().strip()
            self.changed.emit()
