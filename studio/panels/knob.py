"""One described setting as one control."""

from __future__ import annotations

import re
from html import escape

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QCheckBox, QLabel, QMenu, QWidget

from models.errors import BadSetting
from models.knobs import Knob, Value, limits, read
from studio.panels.scale import Scale
from studio.widgets import Combo, DoubleClicks, Segmented, Slider, ValueField, column, label, row, symbol_html

_SEGMENTED = 26  # so many letters fit side by side
_SYMBOL = re.compile(r"[A-Za-z]{1,2}_[A-Za-z]{1,3}|\w{1,3}")  # a name that is a symbol as well, such as lr_PG


def written(value: Value) -> str:
    """A value as it stands in its field: all its digits, no zeros that say nothing."""
    if isinstance(value, float):
        return re.sub(r"e([+-])0*(\d)", lambda m: f"e{'-' if m[1] == '-' else ''}{m[2]}", f"{value:.12g}")
    return str(value)


def words(knob: Knob) -> tuple[str, str]:
    """Symbol and first words: ("γ", "diversity ratio"); no symbol where it is only the field's name."""
    first = re.split(r"[,;:]| [(-]|\.\s", knob.doc, maxsplit=1)[0].strip() or knob.name.replace("_", " ")
    symbol = "" if knob.symbol == knob.name and not _SYMBOL.fullmatch(knob.name) else knob.symbol
    return symbol, first if symbol else first[:1].upper() + first[1:]


class KnobRow(QWidget):
    """Label, field and slider; or a checkbox; or a choice; or a line of text.

    Signals:
        changed(object): the person has set another value.
    """

    changed = Signal(object)

    def __init__(self, knob: Knob, title: str | None = None) -> None:
        """`title` stands in the place of the description's first words; "" for a row without a label."""
        super().__init__()
        self.knob, self.value, self._title = knob, knob.default, title
        self._special: tuple[Value, str] | None = None
        self.field: ValueField | None = None
        self.slider: Slider | None = None
        self.check: QCheckBox | None = None
        self.choice: Combo | Segmented | None = None
        self.body = column(self, spacing=2)
        self.sentence = label(kind="bad")
        self.sentence.setWordWrap(True)
        self.sentence.hide()
        self._tip = f"<p><b style='font-weight:600'>{symbol_html(knob.symbol)}</b> {escape(knob.doc)}.</p><p>{escape(limits(knob).capitalize())}; "
        self._tip += f"default {escape(written(knob.default))}; on the command line {escape(knob.name)}.</p>"
        self.setToolTip(self._tip)
        {"bool": self._build_check, "choice": self._build_choice}.get(knob.kind, self._build_number)()
        self.body.addWidget(self.sentence)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._menu)
        self.show_value(knob.default)

    def show_value(self, value: Value) -> None:
        """Take a value without telling anybody."""
        self.value = value
        if self.field is not None:
            if not (self.field.hasFocus() and self.field.isModified()):
                self.field.setText(self._written(value))
            self._judge("")
        if self.slider is not None:
            self.slider.blockSignals(True)
            self.slider.setValue(self.scale.place(float(value)))
            self.slider.blockSignals(False)
        if self.check is not None:
            self.check.blockSignals(True)
            self.check.setChecked(bool(value))
            self.check.blockSignals(False)
        if isinstance(self.choice, Segmented):
            self.choice.select(self.knob.choices.index(value))
        elif self.choice is not None:
            self.choice.setCurrentIndex(self.knob.choices.index(value))

    def set_special(self, value: Value, word: str) -> None:
        """Show and take a word for one value, such as "auto" for 0."""
        self._special = (value, word)
        self.show_value(self.value)

    def _written(self, value: Value) -> str:
        return self._special[1] if self._special is not None and value == self._special[0] else written(value)

    def take(self, value: Value) -> None:
        """Take a value as if the person had set it here."""
        self._take(value)

    def reset(self) -> None:
        """Back to the default."""
        self._take(self.knob.default)

    def allow(self, on: bool, why: str = "") -> None:
        """Grey out what has no effect now, and say why."""
        self.setEnabled(on)
        self.setToolTip(self._tip if on else f"<p>{escape(why)}</p>{self._tip}")

    # --- the five kinds ---

    def _build_number(self) -> None:
        self.field = ValueField()
        self.field.setAccessibleName(f"{self.knob.symbol}: {self.knob.doc}")
        self.field.textEdited.connect(self._typed)
        self.field.editingFinished.connect(self._commit)
        self.field.stepped.connect(self._step)
        self.field.reset.connect(self._restore)
        if self.knob.kind == "text":  # below its label, as wide as the panel
            self.field.setAlignment(Qt.AlignmentFlag.AlignLeft)
            self.field.setProperty("kind", "")
            self.body.addWidget(self._label())
            self.body.addWidget(self.field)
            return
        line = row(self._label(), self.field)
        line.setStretch(0, 1)
        self.body.addLayout(line)
        if self.knob.low is not None and self.knob.high is not None and self.knob.high > self.knob.low:
            self.scale = Scale(self.knob)
            self.slider = Slider(self.scale.steps)
            self.slider.setAccessibleName(f"{self.knob.symbol}: {self.knob.doc}")
            self.slider.valueChanged.connect(lambda place: self._take(self.scale.value(place)))
            self.body.addWidget(self.slider)

    def _build_check(self) -> None:
        symbol, first = words(self.knob)
        self.check = QCheckBox(f"{symbol}  {first}" if symbol else first)
        self.check.toggled.connect(self._take)
        self.body.addWidget(self.check)

    def _build_choice(self) -> None:
        texts = [str(c).replace("_", " ") for c in self.knob.choices]
        if len(texts) <= 4 and sum(len(t) + 2 for t in texts) <= _SEGMENTED:
            self.choice = Segmented(texts)
            self.choice.chosen.connect(lambda i: self._take(self.knob.choices[i]))
        else:
            self.choice = Combo(texts)
            self.choice.activated.connect(lambda i: self._take(self.knob.choices[i]))
        self.choice.setAccessibleName(f"{self.knob.symbol}: {self.knob.doc}")
        if self._title != "":
            self.body.addWidget(self._label())
        self.body.addWidget(self.choice)

    def _label(self) -> QLabel:
        symbol, first = words(self.knob)
        first = self._title or first
        mark = f"<span style='font-weight:600'>{symbol_html(symbol)}</span>&nbsp; " if symbol else ""
        out = label(f"{mark}{escape(first)}")
        out.setTextFormat(Qt.TextFormat.RichText)
        out.setWordWrap(True)
        DoubleClicks(out, self.reset)
        return out

    # --- what the person does ---

    def _take(self, value: Value) -> None:
        if value != self.value:
            if self.field is not None:
                self.field.setModified(False)
            self.show_value(value)
            self.changed.emit(value)
        elif self.field is not None:
            self._restore()

    def _read(self, text: str) -> Value:
        if self._special is not None and text.strip().lower() == self._special[1]:
            return self._special[0]
        return read(text, self.knob)

    def _typed(self, text: str) -> None:
        try:
            self._read(text)
        except BadSetting:
            self._judge(f"{self.knob.symbol} must be {limits(self.knob)}")
        else:
            self._judge("")

    def _commit(self) -> None:
        assert self.field is not None
        if not self.field.isModified():
            return
        try:
            value = self._read(self.field.text())
        except BadSetting:
            if not self.field.hasFocus():
                self._restore()
            return
        self.field.setModified(False)
        self._take(value)

    def _restore(self) -> None:
        assert self.field is not None
        self.field.setText(self._written(self.value))
        self.field.setModified(False)
        self._judge("")

    def _judge(self, sentence: str) -> None:
        if self.field is not None:
            self.field.set_bad(bool(sentence))
            self.field.setToolTip(sentence or self._tip)
            self.sentence.setText(sentence)
            self.sentence.setVisible(bool(sentence))

    def _step(self, by: int) -> None:
        if self.slider is not None:
            self.slider.setValue(self.slider.value() + by * self.slider.singleStep())

    def _menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        action = QAction(f"Reset to {self._written(self.knob.default)}", menu)
        action.triggered.connect(self.reset)
        menu.addAction(action)
        menu.popup(self.mapToGlobal(place))
        menu.aboutToHide.connect(menu.deleteLater)
