"""The table of the look, and what is made from it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QFontMetrics, QPalette
from PySide6.QtWidgets import QPushButton, QWidget

from studio import theme
from studio.assets import asset

STUDIO = Path(theme.__file__).parent
RAIL = ("home", "began", "bgan", "seqgan", "maskgan", "ppgn", "lab", "gallery")


@pytest.mark.parametrize("table", [theme.LIGHT, theme.DARK], ids=lambda t: t.name)
def test_text_can_be_read_on_every_ground(table: theme.Theme) -> None:
    grounds = (table.window, table.panel, table.stage, table.field)
    for ink in (table.ink, table.muted):
        for ground in grounds:
            assert theme.contrast(ink, ground) >= 4.5, (ink, ground)
    for ink in (table.good, table.warn, table.bad):
        assert theme.contrast(ink, table.panel) >= 4.5, ink
    for accent in table.accents.values():
        assert theme.contrast(table.on_accent, accent) >= 4.5, accent
        assert theme.contrast(table.ink, theme.mix(table.panel, accent, theme.TINT_OPACITY)) >= 4.5, accent


@pytest.mark.parametrize("table", [theme.LIGHT, theme.DARK], ids=lambda t: t.name)
def test_what_is_not_text_stands_out(table: theme.Theme) -> None:
    for color in (*table.curves.values(), *table.accents.values(), table.edge):
        assert theme.contrast(color, table.panel) >= 3.0, color


def test_every_role_has_a_colour_and_a_dash_and_no_two_are_alike() -> None:
    for table in (theme.LIGHT, theme.DARK):
        assert set(table.curves) == set(theme.DASHES)
        assert len({(table.curves[r], theme.DASHES[r]) for r in table.curves}) == len(table.curves)


def test_the_roles_are_those_of_the_contract() -> None:
    text = (STUDIO.parent / "models" / "contract.py").read_text(encoding="utf-8")
    line = next(row for row in text.splitlines() if row.startswith("Role = "))
    assert set(re.findall(r'"(\w+)"', line)) == set(theme.DASHES)


def test_nothing_else_names_a_colour() -> None:
    for path in STUDIO.rglob("*.py"):
        if path.name != "theme.py":
            found = re.findall(r"#[0-9a-fA-F]{6}\b", path.read_text(encoding="utf-8"))
            assert not found, f"{path.relative_to(STUDIO)} names {found}: colours belong into studio/theme.py"


def test_there_is_an_icon_for_every_page_and_every_one_takes_a_tint() -> None:
    for name in RAIL:
        assert asset(f"icons/{name}.svg").is_file()
    for path in asset("icons").glob("*.svg"):
        assert path.stem == "app" or "currentColor" in path.read_text(encoding="utf-8"), path.name


def test_icons_have_the_colour_that_is_asked_for(qapp) -> None:
    image = theme.icon("stop", theme.LIGHT.bad).pixmap(24, 24).toImage()
    assert image.pixelColor(12, 12).name().upper() == theme.LIGHT.bad


def test_applying_sets_palette_and_tells(qapp, qtbot, dressed) -> None:
    with qtbot.waitSignal(theme.notifier.changed):
        theme.apply(qapp, "dark", 1.5)
    assert theme.theme().name == "dark"
    assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(theme.DARK.window)
    assert qapp.font().pixelSize() == 20
    theme.apply(qapp, "light", 9)
    assert theme.theme().scale == 2.0


def test_figures_are_of_equal_width(qapp, dressed) -> None:
    for weight in (400, 600):
        metrics = QFontMetrics(theme.font(22, weight))
        assert len({metrics.horizontalAdvance(d) for d in "0123456789"}) == 1


def test_a_page_gives_its_accent_to_what_is_in_it(qapp, qtbot, dressed) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    child = QPushButton("Run", page)
    assert theme.accent(child) == theme.LIGHT.accent("home")
    theme.set_accent(page, "ppgn")
    theme.set_icon(child, "play", "on_accent")
    assert theme.accent(child) == theme.LIGHT.accents["ppgn"] == theme.accent("ppgn")
    theme.apply(qapp, "dark")
    assert theme.DARK.accents["ppgn"] in page.styleSheet()


def test_pens_and_heat_come_from_the_table(qapp, dressed) -> None:
    assert theme.pen("real").color().name().upper() == theme.LIGHT.curves["real"]
    assert theme.pen("generated").dashPattern() == list(theme.DASHES["generated"])
    raw = theme.pen("generated", raw=True)
    assert not raw.dashPattern()
    assert raw.color().name().upper() == theme.mix(theme.LIGHT.panel, theme.LIGHT.curves["generated"], theme.RAW_OPACITY)
    assert theme.LIGHT.heat(0.0) == theme.LIGHT.hairline
    assert theme.LIGHT.heat(-2.0) == theme.LIGHT.curves["real"]
    assert theme.LIGHT.heat(1.0) == theme.LIGHT.curves["generated"]


def test_the_style_sheet_has_no_holes(qapp) -> None:
    for table in (theme.LIGHT, theme.DARK):
        for sheet in (theme._sheet(table), theme._accent_sheet(table, table.accents["lab"])):
            assert "$" not in sheet
            assert "~" not in sheet


def test_panels_and_theme_import_no_torch() -> None:
    names = [f"studio.panels.{p}" for p in ("knobs", "curves", "samples", "readouts", "transport", "journal", "data", "card", "detail")]
    names += ["studio.pages.home", "studio.pages.gallery", "studio.commands.gallery"]
    code = (
        f"import importlib, sys\nfor n in {['studio.theme', 'studio.widgets', *names]}: importlib.import_module(n)\nassert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=STUDIO.parent, timeout=120)


def test_a_face_that_setup_put_beside_python_is_loaded(qapp, tmp_path, monkeypatch):
    face = tmp_path / "share" / "fonts" / "wqy" / "micro.ttc"
    face.parent.mkdir(parents=True)
    face.write_bytes(asset("fonts/Inter-Regular.otf").read_bytes())
    loaded: list[str] = []
    monkeypatch.setattr(theme.QFontDatabase, "addApplicationFont", loaded.append)
    monkeypatch.setattr(theme.sys, "prefix", str(tmp_path))
    monkeypatch.setattr(theme._now, "fonts", False)
    theme.load_fonts()
    theme.load_fonts()  # once is enough
    assert str(face) in loaded
    assert len(loaded) == len(set(loaded)) == 3
    assert set(theme.CHINESE) <= set(theme.font(13).families())
