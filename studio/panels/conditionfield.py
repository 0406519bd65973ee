"""What chains are asked for: a kind, a text with completion, and the sentence where it is not understood."""

from __future__ import annotations

import re
from typing import Any

from PySide6.QtCore import QEvent, QObject, QStringListModel, Qt, QTimer, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QCompleter, QLineEdit, QWidget

from models.errors import BadInput
from studio import theme
from studio.chainmessages import Knows
from studio.widgets import Combo, column, label, row

CLASS, CAPTION, NEURON, SEVERAL = range(4)
KINDS = (
    ("class", "A class of an attribute, such as glasses=round; :-1 behind it turns it round, :0.5 makes it weaker"),
    ("caption", "A sentence in the captioner's words"),
    ("hidden neuron", "A unit of E: h/12, or h1/5 for the middle of a map"),
    ("several", "Several of them between commas, each with a weight: glasses, smile:0.5, beard:-1, caption:a tall hat"),
)
PLACEHOLDERS = ("a class, such as {}", "a sentence, such as a smiling person", "a neuron, such as h/12", "for example {}, {}:-0.5")


def wishes_of(kind: int, text: str) -> tuple[str, ...]:
    """What was typed, as `models.samplers.conditions` takes it."""
    words = [w.strip() for w in text.split(",")] if kind == SEVERAL else [text.strip()]
    prefix = {CAPTION: "caption:", NEURON: "unit:"}.get(kind, "")
    return tuple(w if w.startswith(prefix) else prefix + w for w in words if w)


def understood(kind: int, text: str, knows: Knows) -> tuple[str, ...]:
    """The same; of classes, where a text is none as a whole, what is between its commas and plus signs: "3, 7:-0.5", "3 + 7"."""
    wishes = wishes_of(kind, text)
    if kind in (CLASS, SEVERAL) and wishes and check(wishes, knows):
        several = tuple(w.strip() for w in re.split(r",|(?<!:)\+", text) if w.strip())
        return several if len(several) > len(wishes) else wishes
    return wishes


def kind_and_text(wishes: tuple[str, ...]) -> tuple[int, str]:
    """The way back."""
    if len(wishes) > 1:
        return SEVERAL, ", ".join(wishes)
    one = wishes[0] if wishes else ""
    for kind, prefix in ((CAPTION, "caption:"), (NEURON, "unit:")):
        if one.startswith(prefix):
            return kind, one.removeprefix(prefix)
    return CLASS, one


def weighted(wishes: tuple[str, ...], knows: Knows, share: float) -> list[str]:
    """The same with their weights times a share above 0."""
    from dataclasses import replace

    from models.samplers.conditions import parse

    found = [parse(w, _room(knows)) for w in wishes]
    return [str(replace(c, weight=c.weight * share)) for c in found]


def check(wishes: tuple[str, ...], knows: Knows) -> str:
    """The sentence that says what is wrong; "" if all is understood."""
    from models.samplers.conditions import parse

    if not wishes:
        return "Name what the chains shall show: a class, a sentence or a neuron."
    try:
        for w in wishes:
            parse(w, _room(knows))
    except BadInput as error:
        return str(error)
    return ""


def _room(knows: Knows) -> Any:
    from models.samplers.conditions import Room

    return Room(knows.heads, knows.words, knows.layers)


class _Words(QCompleter):
    """Completes the last word of a sentence, or the last item of a list, and leaves what is before it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(QStringListModel(parent), parent)
        self.between = ""
        self.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.setMaxVisibleItems(10)
        found = self.popup()
        assert found is not None
        self.list = found
        self.list.setAttribute(Qt.WidgetAttribute.WA_NoMouseReplay)  # the filter below presses the button, and nobody else

    def eventFilter(self, o: QObject, e: QEvent) -> bool:
        """A click on a button beside the list closes it and presses the button, where Qt would only close it."""
        if isinstance(e, QMouseEvent) and e.type() == QEvent.Type.MouseButtonPress and o is self.list:
            below = QApplication.widgetAt(e.globalPosition().toPoint())
            if isinstance(below, QAbstractButton):
                self.list.hide()
                QTimer.singleShot(0, below, below.click)
                return True
        return super().eventFilter(o, e)

    def offer(self, words: list[str], between: str) -> None:
        """Other words; `between` is what parts them, "" for none."""
        model = self.model()
        assert isinstance(model, QStringListModel)
        model.setStringList(words)
        self.between = between
        self.setFilterMode(Qt.MatchFlag.MatchStartsWith if between == " " else Qt.MatchFlag.MatchContains)

    def splitPath(self, path: str) -> list[str]:
        """What is being typed."""
        return [path.rpartition(self.between)[2].strip() if self.between else path]

    def pathFromIndex(self, index: Any) -> str:
        """All of the text, with the word in it."""
        word, field = super().pathFromIndex(index), self.widget()
        if not self.between or not isinstance(field, QLineEdit):
            return word
        before = field.text()[: field.cursorPosition()].rpartition(self.between)
        return f"{before[0]}{self.between}{' ' if self.between == ',' else ''}{word}" if before[1] else word


class ConditionField(QWidget):
    """Kind, text and sentence. What is not understood is never passed on, and never lost.

    Signals:
        entered(tuple): conditions that are understood, after Enter or the choice of a completion.
        said(bool): there is a sentence, or there is none any more.
    """

    entered = Signal(object)
    said = Signal(bool)

    def __init__(self, name: str = "Condition") -> None:
        super().__init__()
        self.knows = Knows({}, (), {})
        self.kinds = Combo([word for word, _ in KINDS])
        self.kinds.setAccessibleName(f"Kind of {name.lower()}")
        self.kinds.setToolTip(KINDS[0][1])
        self.kinds.activated.connect(self._on_kind)
        self.field = QLineEdit()
        self.field.setAccessibleName(name)
        self.completer = _Words(self.field)
        self.field.setCompleter(self.completer)
        self.completer.activated.connect(lambda *_: QTimer.singleShot(0, self, self._on_completed))  # after the text has changed
        self.field.returnPressed.connect(self.enter)
        self.field.textEdited.connect(lambda _: self._judge())
        self.field.textEdited.connect(lambda _: QTimer.singleShot(0, self, self._close_exact))  # after the list has opened
        self.sentence = label("", "bad")
        self.sentence.setWordWrap(True)
        self.sentence.hide()
        self.line = row(self.kinds, self.field)
        self.line.setStretch(1, 1)
        body = column(self, spacing=2)
        body.addLayout(self.line)
        body.addWidget(self.sentence)
        theme.notifier.changed.connect(self._sizes)
        self._sizes()

    def show_knows(self, knows: Knows) -> None:
        """Other networks are asked."""
        self.knows = knows
        model: Any = self.kinds.model()
        has = (bool(knows.heads), knows.words is None or bool(knows.words), bool(knows.layers), True)
        for i, on in enumerate(has):
            model.item(i).setEnabled(on)
        self._offer()
        if self.field.text():
            self._judge(full=True)

    def show_wishes(self, wishes: tuple[str, ...]) -> None:
        """Take conditions without telling anybody."""
        kind, text = kind_and_text(wishes)
        self.kinds.setCurrentIndex(kind)
        self._offer()
        self.field.setText(text)
        self._say("")

    def wishes(self) -> tuple[str, ...]:
        """As typed."""
        return understood(self.kinds.currentIndex(), self.field.text(), self.knows)

    def is_good(self) -> bool:
        """Whether it is understood."""
        return bool(self.field.text().strip()) and not check(self.wishes(), self.knows)

    def enter(self) -> None:
        """Pass it on, if it is understood."""
        wishes = self.wishes()
        wrong = check(wishes, self.knows)
        self._say(wrong)
        if not wrong:
            if wishes != wishes_of(self.kinds.currentIndex(), self.field.text()):
                self.show_wishes(wishes)  # as it was understood
            self.entered.emit(wishes)

    def refuse(self, sentence: str) -> None:
        """It was understood, and cannot be had."""
        self._say(sentence)

    def _on_completed(self) -> None:
        if self.kinds.currentIndex() in (CLASS, NEURON):
            self.enter()
        else:
            self._judge()

    def _close_exact(self) -> None:
        """Nothing is left to complete."""
        model = self.completer.completionModel()
        one = model.rowCount() == 1 and model.index(0, 0).data() == self.completer.completionPrefix()
        if one and self.completer.list.isVisible():
            self.completer.list.hide()

    def _on_kind(self, kind: int) -> None:
        self.kinds.setToolTip(KINDS[kind][1])
        self._offer()
        self._judge(full=bool(self.field.text()))
        self.field.setFocus()

    def _judge(self, *, full: bool = False) -> None:
        """While one types only what becomes right is said at once; what is wrong, once it was entered or cannot become right."""
        if full or not self.sentence.isHidden():
            self._say(check(self.wishes(), self.knows) if self.field.text().strip() else "")

    def _say(self, sentence: str) -> None:
        self.sentence.setText(sentence)
        self.sentence.setVisible(bool(sentence))
        self.said.emit(bool(sentence))
        state = "bad" if sentence else ""
        if (self.field.property("state") or "") != state:
            self.field.setProperty("state", state)
            theme.restyle(self.field)

    def _offer(self) -> None:
        kind, k = self.kinds.currentIndex(), self.knows
        names = _class_names(k)
        first = names[0] if names else "h/0"
        self.field.setPlaceholderText(PLACEHOLDERS[kind].format(first, names[-1] if names else "h/1"))
        match kind:
            case 1:
                self.completer.offer(sorted(k.words or ()), " ")
            case 2:
                self.completer.offer([f"{layer}/{i}" for layer, shape in k.layers.items() for i in range(shape[0])], "")
            case _:
                self.completer.offer(names, "," if kind == SEVERAL else "")

    def _sizes(self) -> None:
        self.kinds.setMinimumWidth(theme.theme().px(112))


def _class_names(knows: Knows) -> list[str]:
    """Each class as it can be typed: alone where that is clear, else with its attribute."""
    values = [v for other in knows.heads.values() for v in other]
    out = [a for a, other in knows.heads.items() if any(v in ("none", "no") for v in other)]
    for attribute, own in knows.heads.items():
        out += [v if values.count(v) == 1 and v not in knows.heads else f"{attribute}={v}" for v in own]
    return out
