"""The data of a run on a page's stage: sentences for a system that writes them, pictures for the others."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtWidgets import QLabel

from models import catalog
from models.knobs import describe
from studio.pages.browsing import Browsing
from studio.pages.page import Page
from studio.panels.browse import BrowsePanel
from studio.panels.textdata import TextBrowsePanel


class Plain(Page):
    SYSTEM = "seqgan"
    TITLE = "SeqGAN"


@pytest.fixture
def page(qtbot, dressed) -> Page:
    out = Plain()
    qtbot.addWidget(out)
    out.before = QLabel("what was there")  # type: ignore[attr-defined]
    out.stage.addWidget(out.before)  # type: ignore[attr-defined]
    out.stage.setCurrentWidget(out.before)  # type: ignore[attr-defined]
    out.show()
    return out


def run_on(path: Path) -> Any:
    config = {k.name: k.default for k in describe(catalog.algorithm("seqgan").Config)}
    return SimpleNamespace(system="seqgan", data_spec=str(path), data="lines", config={**config, "T": 8})


def test_sentences_of_a_run_are_read_once(page: Page, qtbot, tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_text("\n".join(f"sentence {'very ' * (i % 3)}number {i}" for i in range(40)))
    browsing = Browsing(page, "text")
    panel = browsing.panel
    assert isinstance(panel, TextBrowsePanel)
    browsing.show_run(run_on(path))
    assert panel.title.full_text() == "Reading lines …"
    qtbot.waitUntil(lambda: browsing.is_ready() and panel.list.listed.rowCount() == 40, timeout=10_000)
    assert page.stage.currentWidget() is panel
    assert panel.card.facts["Sentences"].full_text() == "40"
    panel.back.click()
    assert page.stage.currentWidget() is page.before  # type: ignore[attr-defined]
    path.unlink()
    browsing.show_run(run_on(path))  # from memory
    assert panel.list.listed.rowCount() == 40
    browsing.stop()


def test_what_cannot_be_read_is_told(page: Page, qtbot, tmp_path: Path) -> None:
    browsing = Browsing(page, "text")
    browsing.show_run(run_on(tmp_path / "gone.txt"))
    qtbot.waitUntil(lambda: browsing.is_ready() and page.card.isVisible(), timeout=10_000)
    assert page.stage.currentWidget() is page.before  # type: ignore[attr-defined]
    browsing.stop()


def test_pictures_are_the_default(page: Page) -> None:
    assert isinstance(Browsing(page).panel, BrowsePanel)
