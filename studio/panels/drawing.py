"""How sentences are drawn: temperature, the likeliest tokens only, seed, and the words that they begin with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QSizePolicy, QSpinBox, QWidget

from studio import theme
from studio.widgets import ValueField, decimal, label, row, spin, symbol_html

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
        self.prompt = ValueField()
        self.prompt.setAlignment(Qt.AlignmentFlag.AlignLeft)
        self.prompt.setProperty("kind", "")
        self.prompt.setPlaceholderText("Begin with …")
        self.prompt.setAccessibleName("Prompt")
        self.prompt.setToolTip(PROMPT)
        self.prompt.setClearButtonEnabled(True)
        self.prompt.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.prompt.setMaximumWidth(theme.theme().px(360))
        self.temperature, self.nucleus = decimal(0.05, 10, 1, TEMPERATURE), decimal(0.01, 1, 1, NUCLEUS)
        self.top_k, self.seed = spin(0, 9_999, 0, TOP_K), spin(0, 2**31 - 1, 0, SEED)
        self.top_k.setFixedWidth(theme.theme().px(72))
        line = row(self.prompt, 1, spacing=6)
        line.setStretch(0, 100)  # and what it does not take stays empty
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
        self._asked = self._good = self._refused = ""

    def options(self) -> dict[str, Any]:
        """What `sample` of a system that writes text takes."""
        return {"temperature": self.temperature.value(), "top_k": self.top_k.value(), "nucleus": self.nucleus.value(), "prompt": self._asked}

    def show_options(self, options: Mapping[str, Any]) -> None:
        """Those that are given, as `options` tells them."""
        for name, field in (("temperature", self.temperature), ("nucleus", self.nucleus), ("top_k", self.top_k)):
            if name in options:
                field.setValue(options[name])
        if "prompt" in options:
            self.prompt.setText(options["prompt"])
            self._on_prompt()

    def accept(self, prompt: str) -> None:
        """Sentences that begin with these words have been drawn."""
        self._good = prompt

    def refuse(self, sentence: str) -> bool:
        """The prompt cannot be drawn from, and why: go on with the last one that could be; whether it was the prompt that is asked for."""
        if self._asked in ("", self._good):
            return False
        self._refused, self._asked = self._asked, self._good
        self._mark(sentence)
        return True

    def refused(self) -> str:
        """Why what stands in the field is not what is drawn from; "" where it is."""
        return self.prompt.toolTip() if self._refused else ""

    def forget(self) -> None:
        """Another run, of which it is not known what it can begin with."""
        self._good = self._refused = ""
        self._asked = self.prompt.text().strip()
        self._mark("")

    def _mark(self, sentence: str) -> None:
        self.prompt.set_bad(bool(sentence))
        self.prompt.setToolTip(sentence or PROMPT)

    def _on_prompt(self) -> None:
        asked = self.prompt.text().strip()
        if asked == self._refused and asked:  # leaving the field is no new wish
            return
        self._mark("")
        again, self._refused = bool(self._refused), ""
        if asked != self._asked or again:
            self._asked = asked
            self.changed.emit()
