"""Every test of the studio runs off-screen, with a home and settings of its own."""

from __future__ import annotations

import os

os.environ["QT_QPA_PLATFORM"] = "offscreen"  # before anything imports Qt

import gc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

MANY = 300  # widgets


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs and settings of the person who runs the tests are never touched."""
    from PySide6.QtCore import QSettings

    home = tmp_path / "home"
    monkeypatch.setenv("SAMPLING_STUDIO_HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for kind in (QSettings.Format.NativeFormat, QSettings.Format.IniFormat):
        QSettings.setPath(kind, QSettings.Scope.UserScope, str(tmp_path / "config"))
    return home


@pytest.fixture(autouse=True)
def no_stray_collection() -> Iterator[None]:
    """Cycles with widgets in them are collected here, in the GUI thread, and nowhere else."""
    was = gc.isenabled()
    gc.disable()
    yield
    _let_go()
    gc.collect(1)
    if was:
        gc.enable()


@pytest.fixture(scope="module", autouse=True)
def no_widgets_left() -> Iterator[None]:
    """Few widgets outlive the tests of a file: a theme restyles all there are, which every later change of it would pay for."""
    yield
    if _let_go() > MANY:
        gc.collect()


def _let_go() -> int:
    """Widgets that were told to go do so in an event loop alone; how many are left."""
    from PySide6.QtCore import QCoreApplication, QEventLoop, QTimer
    from PySide6.QtWidgets import QApplication

    if not isinstance(QCoreApplication.instance(), QApplication):
        return 0
    loop = QEventLoop()
    QTimer.singleShot(0, loop.quit)
    loop.exec()
    return len(QApplication.allWidgets())


@pytest.fixture
def do(capfd):
    """A command in this process."""
    from studio.cli import main
    from tests.studio.tiny import Done

    def call(*words):
        status = main([str(w) for w in words])
        said = capfd.readouterr()
        return Done(status, said.out, said.err)

    return call


@pytest.fixture
def dressed(qapp):
    """The application in the light theme, and back to it afterwards."""
    from studio import theme

    def light() -> None:
        """Restyling every widget there is takes seconds, so only where something else was chosen."""
        if not qapp.styleSheet() or theme._now.asked != "light" or theme.theme() != replace(theme.LIGHT, scale=1.0):
            theme.apply(qapp, "light")

    light()
    yield theme
    light()


@pytest.fixture
def window(qtbot, dressed):
    """The window, ready; closed afterwards, and its run with it."""
    from studio.window import Window

    shown = Window()
    qtbot.addWidget(shown)
    shown.resize(1280, 800)
    shown._on_ready("")
    shown.show()
    yield shown
    shown.close()
    qtbot.waitUntil(lambda: shown.session._worker is None, timeout=20_000)


@pytest.fixture(scope="session")
def walkable(tmp_path_factory) -> Path:
    """A run of PPGN that chains can walk on; only to be read."""
    from tests.studio.tiny import ppgn_run, sides

    place = tmp_path_factory.mktemp("walkable")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAMPLING_STUDIO_HOME", str(place / "home"))
        return ppgn_run(place / "sides", sides(place / "data"))


@pytest.fixture(scope="session")
def chain_run(tmp_path_factory) -> Path:
    """A tiny PPGN run with all its parts."""
    from tests.studio.chainrun import make_run

    folder = tmp_path_factory.mktemp("chains")
    return make_run(folder / "run", folder / "home")


@pytest.fixture(scope="session")
def encoder_run(tmp_path_factory) -> Path:
    """A tiny PPGN run that has only its encoder and its scorer."""
    from tests.studio.chainrun import make_run

    folder = tmp_path_factory.mktemp("encoder")
    return make_run(folder / "run", folder / "home", phases=2)
