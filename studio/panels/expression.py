"""A log density that a person types."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from models.errors import BadInput
from models.samplers import formula
from studio.widgets import ValueField, button, column, label, row

EXAMPLES = (
    ("two hills", "logsumexp(-(x-1.5)**2 - y**2, -(x+1.5)**2 - y**2)"),
    ("cross", "-x**2*y**2 - (x**2 + y**2)/8"),
    ("waves", "cos(3*x) + cos(3*y) - (x**2 + y**2)/6"),
    ("double well", "-x**4 + 4*x**2"),
    ("spiked", "-abs(x) - abs(y)"),
    ("five axes", "-x1**2 - x2**2 - x3**2 - x4**2 - x5**2"),
)


class ExpressionPanel(QWidget):
    """A field that is checked while one types, and becomes the target with Enter.

    Signals:
        entered(str): a formula that can be read.
    """

    entered = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        body = column(self, spacing=4)
        self.field = ValueField()
        self.field.setProperty("kind", "")
        self.field.setAlignment(Qt.AlignmentFlag.AlignLeft)
        self.field.setText(EXAMPLES[0][1])
        self.field.setAccessibleName("Log density of x and y, or of x1, x2, …")
        self.field.setToolTip("Log density of x and y, or of x1 … x20: + − * / ** ( ), abs exp log sqrt sin cos tanh, min max logsumexp, pi e")
        self.field.textEdited.connect(self.check)
        self.field.returnPressed.connect(self.enter)
        self.use_button = button("Use", tip="Make it the target (Enter)", clicked=self.enter)
        line = row(self.field, self.use_button)
        line.setStretch(0, 1)
        body.addWidget(label("log p(x, y) =", "caption"))
        body.addLayout(line)
        self.sentence = label("", "bad")
        self.sentence.setWordWrap(True)
        self.sentence.hide()
        body.addWidget(self.sentence)
        for half in (EXAMPLES[:3], EXAMPLES[3:]):
            buttons = [button(name, kind="quiet", tip=text, clicked=lambda text=text: self.use(text)) for name, text in half]
            body.addLayout(row(*buttons, 1, spacing=0))

    def check(self, text: str) -> bool:
        """Say what is wrong, if anything."""
        try:
            formula.read(text)
        except BadInput as error:
            self.refuse(str(error))
            return False
        self.refuse("")
        return True

    def refuse(self, sentence: str) -> None:
        """One sentence under the field; none if it is well."""
        self.field.set_bad(bool(sentence))
        self.sentence.setText(sentence)
        self.sentence.setVisible(bool(sentence))

    def enter(self) -> None:
        """Hand it over, if it can be read."""
        if self.check(self.field.text()):
            self.entered.emit(self.field.text().strip())

    def use(self, text: str) -> None:
        """An example."""
        self.field.setText(text)
        self.enter()
