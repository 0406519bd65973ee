"""Above the stage: what is asked for, and which variant walks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from studio import theme
from studio.chainmessages import Facts, Member
from studio.panels.conditionfield import ConditionField
from studio.widgets import Combo, ElidedLabel, button, column, row, tool

BELOW = 12  # pixels of room


class ConditionBar(QWidget):
    """Condition and variant.

    Signals:
        entered(tuple): other conditions.
        variant_chosen(str): another variant.
        unblended(): the condition alone is wanted again.
    """

    entered = Signal(object)
    variant_chosen = Signal(str)
    unblended = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._members: Sequence[Member] = ()
        self.condition = ConditionField()
        self.condition.entered.connect(self.entered)
        self.apply = button("Apply", tip="Ask for this from the next step on (Enter)", clicked=self.condition.enter)
        self.condition.line.addWidget(self.apply)
        self.blend, self.alone = ElidedLabel("", "strong"), tool("close", "A alone: the blend's point goes back to A", self.unblended.emit)
        self.blend.setToolTip("The blend that the chains climb: A is the condition at the left, B stands on the tab Blend")
        self.sign = QWidget()
        self.sign.setLayout(row(self.blend, self.alone, spacing=4))
        self.sign.hide()
        self.variants = Combo()
        self.variants.setAccessibleName("Variant")
        self.variants.activated.connect(self._on_variant)
        self.line = row(self.condition, self.sign, self.variants, spacing=8)
        self.line.setStretch(0, 1)
        for w in (self.sign, self.variants):
            self.line.setAlignment(w, Qt.AlignmentFlag.AlignTop)
        self._body = column(self, spacing=0)
        self._body.addLayout(self.line)
        self.condition.said.connect(self._on_said)
        self._on_said(False)
        theme.notifier.changed.connect(self._sizes)
        self._sizes()

    def show_facts(self, facts: Facts, chosen: str) -> None:
        """What this run can do; what it cannot is grey, and its tooltip says why."""
        self._members = facts.members
        self.condition.show_knows(facts.knows)
        self.variants.clear()
        model: Any = self.variants.model()
        for i, member in enumerate(self._members):
            self.variants.addItem(member.title, member.name)
            model.item(i).setEnabled(not member.why_not)
            self.variants.setItemData(i, f"{member.doc} {member.why_not}".strip(), Qt.ItemDataRole.ToolTipRole)
        self.select(chosen)

    def select(self, name: str) -> None:
        """Show a variant without telling anybody."""
        place = self.variants.findData(name)
        self.variants.setCurrentIndex(place)
        if place >= 0:
            self.variants.setToolTip(self._members[place].doc)

    def show_blend(self, words: str) -> None:
        """What the condition is blended with; "" for nothing."""
        self.blend.setText(words)
        self.sign.setVisible(bool(words))

    def _on_said(self, on: bool) -> None:
        """A sentence stands in the room below the bar, so that it moves nothing."""
        self._body.setContentsMargins(0, 0, 0, 0 if on else BELOW)

    def _on_variant(self, place: int) -> None:
        self.variants.setToolTip(self._members[place].doc)
        self.variant_chosen.emit(self._members[place].name)

    def _sizes(self) -> None:
        self.variants.setFixedWidth(theme.theme().px(188))
        self.blend.setMaximumWidth(theme.theme().px(220))
        self.sign.setFixedHeight(self.condition.field.sizeHint().height())
