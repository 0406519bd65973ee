"""What this program is, and whose work it stands on."""

from __future__ import annotations

from PySide6.QtWidgets import QGridLayout, QPlainTextEdit, QWidget

from studio import facts, logs, theme
from studio.assets import asset
from studio.pages.aside import AsidePage
from studio.session import Session
from studio.widgets import Card, button, label, row

FONTS = "The fonts in it have their own licences, which come with them."


class AboutPage(AsidePage):
    """Version, licence, and the licences of all that it needs, read from what is installed."""

    TITLE = "About"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.column.addWidget(self._itself())
        self.column.addWidget(self._needs())
        self.column.addWidget(self._fonts())
        self.column.addStretch(1)

    def _itself(self) -> QWidget:
        card = Card(margin=16)
        card.body.addWidget(label(f"Sampling Studio {logs.version()}", "title"))
        words = label("Train, steer and sample generative adversarial models: BEGAN, BGAN, PPGN, SeqGAN, MaskGAN, and a lab of samplers.", "muted")
        words.setWordWrap(True)
        card.body.addWidget(words)
        self.text = _plain(facts.licence_text())
        self.text.hide()
        self.text_button = button("Licence (MIT)", "chevron-right", kind="quiet", clicked=lambda: self._fold(self.text))
        card.body.addLayout(row(self.text_button, 1))
        card.body.addWidget(self.text)
        return card

    def _needs(self) -> QWidget:
        card = Card("What it needs, and under which licence", margin=16)
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(4)
        self.packages = facts.packages()
        for i, package in enumerate(self.packages):
            for c, text in enumerate((package.name, package.version, package.licence)):
                cell = label(text, "" if c == 0 else "muted")
                cell.setWordWrap(c == 2)
                grid.addWidget(cell, i, c)
        grid.setColumnStretch(2, 1)
        card.body.addLayout(grid)
        return card

    def _fonts(self) -> QWidget:
        card = Card("Fonts", margin=16)
        words = label(FONTS, "muted")
        card.body.addWidget(words)
        self.fonts: list[QPlainTextEdit] = []
        for file in sorted(asset("fonts").glob("*.txt")):
            text = _plain(file.read_text("utf-8", "replace"))
            text.hide()
            self.fonts.append(text)
            card.body.addLayout(row(button(file.stem, "chevron-right", kind="quiet", clicked=lambda text=text: self._fold(text)), 1))
            card.body.addWidget(text)
        return card

    def _fold(self, text: QPlainTextEdit) -> None:
        text.setVisible(text.isHidden())


def _plain(text: str) -> QPlainTextEdit:
    out = QPlainTextEdit(text)
    out.setReadOnly(True)
    out.setFont(theme.font(11))
    out.setFixedHeight(theme.theme().px(220))
    out.setAccessibleName("Text of a licence")
    return out
