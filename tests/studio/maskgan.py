"""A tiny MaskGAN in the window."""

from __future__ import annotations

from studio.messages import NewRun

TINY = {"T": 8, "vocab": 60, "h": 6, "layers": 1, "batch": 4, "held_out": 0.3}
KNOBS = {"measure_every": 2, "d_steps": 1}
STEPS = 2  # of every phase


def deeds(path):
    """A text file in which somebody does something, now and then to somebody."""
    from tests.studio.test_cli_text import NOUNS, VERBS, sentences

    sentences(path)
    with open(path, "a", encoding="utf-8") as file:
        file.writelines(f"the {who} {does} .\n" for who in NOUNS for does in VERBS)
    return path


def opened(qtbot, window, data, folder, *, start=False, **more):
    """The page, on a new run."""
    page = window.show_page("maskgan")
    with qtbot.waitSignal(window.session.opened, timeout=10_000):
        window.session.open(NewRun("maskgan", str(data), "quick", config=TINY | more, path=folder, threads=1), start=start)
    return page


def closed(qtbot, window):
    """Without a run."""
    window.session.stop()
    qtbot.waitUntil(lambda: window.session._worker is None, timeout=20_000)


def settled(qtbot, page):
    """The desk, once both nets have filled it."""
    qtbot.waitUntil(lambda: page.desk.is_filled() and not page.looking._waiting, timeout=20_000)
    return page.desk


def laid(qtbot, page, desk):
    """The same, with something else on it."""
    page.desk.put(desk)
    return settled(qtbot, page) if desk.blanks or desk.open_end else page.desk
