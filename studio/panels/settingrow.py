"""One line of the settings: what it is at the left, the control at the right, and a sentence under it where a value cannot be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QLineEdit, QWidget

from models.errors import BadSetting
from models.knobs import Knob, read
from studio import theme
from studio.widgets import Segmented, ValueField, button, column, label, row


class SettingRow(QWidget):
    """Title, what it means, a control.

    Attributes:
        name: the field of Settings.

    Signals:
        changed (object): the person wants this value.
    """

    changed = Signal(object)

    def __init__(self, name: str, title: str, doc: str) -> None:
        super().__init__()
        self.name = name
        self.title, self.doc = label(title, "strong"), label(doc, "muted")
        self.doc.setWordWrap(True)
        self.sentence = label("", "bad")
        self.sentence.setWordWrap(True)
        self.sentence.hide()
        words = column(spacing=2)
        words.addWidget(self.title)
        words.addWidget(self.doc)
        self.line = row(spacing=16)
        self.line.addLayout(words, 1)
        body = column(self, spacing=2)
        body.addLayout(self.line)
        body.addWidget(self.sentence)

    def show_value(self, value: Any) -> None:
        """Take a value without telling anybody."""
        raise NotImplementedError

    def refuse(self, sentence: str) -> None:
        """Say why a value cannot be; "" for all is well."""
        self.sentence.setText(sentence)
        self.sentence.setVisible(bool(sentence))

    def add(self, control: QWidget) -> None:
        """The control at the right."""
        control.setAccessibleName(self.title.text())
        control.setAccessibleDescription(self.doc.text())
        self.line.addWidget(control)


class SwitchRow(SettingRow):
    """On or off."""

    def __init__(self, name: str, title: str, doc: str) -> None:
        super().__init__(name, title, doc)
        self.check = QCheckBox()
        self.check.toggled.connect(lambda on: self.changed.emit(on))
        self.add(self.check)

    def show_value(self, value: Any) -> None:
        """On or off."""
        self.check.blockSignals(True)
        self.check.setChecked(bool(value))
        self.check.blockSignals(False)


class ChoiceRow(SettingRow):
    """One of a few."""

    def __init__(self, name: str, title: str, doc: str, choices: Sequence[tuple[Any, str]]) -> None:
        super().__init__(name, title, doc)
        self.values = [value for value, _ in choices]
        self.choice = Segmented([word for _, word in choices])
        self.choice.chosen.connect(lambda i: self.changed.emit(self.values[i]))
        self.add(self.choice)

    def show_value(self, value: Any) -> None:
        """One of them; a value of none of them, which a hand has written into the file, presses nothing new."""
        if value in self.values:
            self.choice.select(self.values.index(value))


class NumberRow(SettingRow):
    """A number with its unit; `of` and `back` turn what the settings have into what people read, and back."""

    def __init__(self, name: str, title: str, doc: str, knob: Knob, unit: str, auto: str = "", factor: float = 1) -> None:
        """`auto` is the word for None. What is shown is `factor` times what is set."""
        super().__init__(name, title, doc)
        self.knob, self._auto, self._factor, self.value = knob, auto, factor, None
        self.field = ValueField()
        self.field.textEdited.connect(self._typed)
        self.field.editingFinished.connect(self._commit)
        self.field.stepped.connect(self._step)
        self.field.reset.connect(lambda: self.show_value(self.value))
        self.add(self.field)
        self.unit = label(unit, "muted")
        self.line.addWidget(self.unit)
        theme.notifier.changed.connect(self._fit)
        self._fit()

    def _fit(self) -> None:
        self.unit.setFixedWidth(theme.theme().px(28))

    def show_value(self, value: Any) -> None:
        """A number, or None for the word."""
        self.value = value
        self.field.setText(self._auto if value is None else f"{value * self._factor:.6g}")
        self.field.set_bad(False)
        self.refuse("")

    def _read(self, text: str) -> Any:
        if self._auto and text.strip().lower() in ("", self._auto):
            return None
        value = read(text, self.knob)
        return value / self._factor if self._factor != 1 and not isinstance(value, str) else value

    def _typed(self, text: str) -> None:
        try:
            self._read(text)
        except BadSetting as error:
            self.field.set_bad(True)
            self.refuse(str(error))
        else:
            self.field.set_bad(False)
            self.refuse("")

    def _commit(self) -> None:
        if not self.field.isModified():
            return
        try:
            value = self._read(self.field.text())
        except BadSetting as error:
            self.field.set_bad(True)
            self.refuse(str(error))
            return
        self.field.setModified(False)
        if value != self.value:
            self.value = value
            self.changed.emit(value)

    def _step(self, by: int) -> None:
        now = self.value * self._factor if self.value is not None else float(self.knob.default)
        low, high = self.knob.low or 0, self.knob.high if self.knob.high is not None else now + abs(by)
        stepped = min(high, max(low, now + by * (5 if self._factor != 1 else 1)))
        self.field.setText(f"{stepped:.6g}")
        self.field.setModified(True)
        self._commit()


class FolderRow(SettingRow):
    """A folder, chosen or typed; empty is the studio's own."""

    def __init__(self, name: str, title: str, doc: str, own: Callable[[], str]) -> None:
        super().__init__(name, title, doc)
        self._own = own
        self.field = QLineEdit()
        self.field.setAccessibleName(title)
        self.field.setClearButtonEnabled(False)
        self.field.editingFinished.connect(self._commit)
        self.choose_button = button("Choose…", "folder", tip="Choose a folder")
        self.own_button = button("Default", tip="The studio's own folder", clicked=lambda: self.changed.emit(""))
        self.layout().insertLayout(1, self._line())  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue]

    def _line(self) -> Any:
        line = row(self.field, self.choose_button, self.own_button, spacing=8)
        line.setStretch(0, 1)
        return line

    def show_value(self, value: Any) -> None:
        """A path, or "" for the studio's own."""
        self.value = str(value)
        self.field.setPlaceholderText(self._own())
        self.field.setText(self.value)
        self.own_button.setEnabled(bool(value))
        self.refuse("")

    def _commit(self) -> None:
        if self.field.isModified() and self.field.text().strip() != self.value:
            self.field.setModified(False)
            self.changed.emit(self.field.text().strip())
