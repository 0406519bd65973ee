"""An icon as a label."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QLabel

from studio import theme


class IconLabel(QLabel):
    """An icon beside a title, made anew for every scheme; in a system's colour, or muted."""

    def __init__(self, name: str, system: str = "") -> None:
        super().__init__()
        self._name, self._system = name, system
        theme.notifier.changed.connect(self._again)
        self._again()

    def _again(self) -> None:
        t = theme.theme()
        self.setPixmap(theme.icon(self._name, t.accent(self._system) if self._system else t.muted).pixmap(QSize(t.px(18), t.px(18))))
