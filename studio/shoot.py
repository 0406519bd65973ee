"""`python -m studio.shoot REQUEST`: draws a page off-screen and writes it. The command line calls it in a process of its own."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any


def main(request: dict[str, Any]) -> int:
    """Draw what `studio.commands.shoot` asks for; returns the exit status."""
    from PySide6.QtCore import QCoreApplication, QEventLoop
    from PySide6.QtWidgets import QApplication

    from models import catalog
    from models.errors import BadInput
    from studio import theme
    from studio.messages import OldRun
    from studio.pages import ASIDE, PAGES
    from studio.window import Window

    if request["page"] not in PAGES | ASIDE:
        raise BadInput(f"There is no page {request['page']!r}; the pages are {', '.join(PAGES | ASIDE)}.")
    for name in catalog.ALGORITHMS:
        catalog.algorithm(name)
    app = QApplication(sys.argv[:1])
    theme.apply(app, request["theme"], request["scale"])
    shown = Window()
    shown.resize(request["width"], request["height"])
    shown._on_ready("")
    shown.show()
    problems: list[str] = []
    shown.session.trouble.connect(lambda trouble: problems.append(trouble.sentence))

    def settle(seconds: float, until: Any = lambda: False) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not until():
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 50)
            time.sleep(0.01)

    page = shown.show_page(request["page"])
    if request["run"]:
        shown.session.posing = True
        shown.session.open(OldRun(Path(request["run"]), write=False))
        settle(120, lambda: shown.session.run is not None or problems)
        if problems:
            raise BadInput(problems[0])
        settle(2.5)
    elif hasattr(page, "new"):
        if request["data"]:
            page.new.choose_data(request["data"])
        settle(300, page.new.is_ready)
    if request["page"] == "report":
        settle(30, lambda: page.checks is not None)
    if request["page"] == "lab":
        page.setup.set_chains(64)
        page.setup.changed.emit()
        settle(20, lambda: page.frame is not None and len(page.frame.lanes[0].heads) == 64)
        for _ in range(150):
            page.worker.step()
        settle(30, lambda: page.frame.lanes[0].step == 150)
        settle(1.5)
    settle(0.5)
    _set(page, request["state"], settle)
    picture = shown.grab()
    ok = picture.toImage().save(request["out"])
    shown.close()
    if not ok:
        raise BadInput(f"{request['out']} could not be written: choose another folder, and a name that ends in .png.")
    return 0


def _set(page: Any, state: str, settle: Any) -> None:
    """Bring a page into one of its states."""
    from models.errors import BadInput

    if state == "usual":
        return
    if state == "chains" and hasattr(page, "chains") and page.session.run is not None:
        _walk(page, settle)
        return
    if hasattr(page, "judging") and page.session.run is not None and state in (poses := getattr(page, "states", dict)()):
        begin, is_there = poses[state]
        begin()
        settle(120, is_there)
        settle(0.5)
        return
    if state == "past" and hasattr(page, "time") and page.time.bar.has_frames():
        frames = page.time.bar.marks.frames
        page.time.scrub(frames[len(frames) // 3])
        settle(10, lambda: not page.time.frames.is_reading())
        settle(0.5)
        return
    if not hasattr(page, "judging") or state not in ("quality", "data") or (state == "quality" and page.session.run is None):
        raise BadInput(f"This page has no state {state!r}: leave --state out, or give a page and a run that have it.")
    if state == "quality":
        page.tabs.setCurrentIndex(1)
    elif page.session.run is not None:
        page.show_data()
        settle(300, page.browsing.is_ready)
    else:
        page.new.browse_all()
    settle(0.5)


def _walk(page: Any, settle: Any, steps: int = 120) -> None:
    """Chains of the run, some steps on."""
    page.faces.choose(1)
    face = page.chains
    settle(60, lambda: face.frame is not None)
    face.toggle()
    settle(60, lambda: face.frame is not None and face.frame.step >= steps)
    face.foot.pause.emit()
    settle(3)


if __name__ == "__main__":
    from models.errors import StudioError

    try:
        sys.exit(main(json.loads(sys.argv[1])))
    except StudioError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
