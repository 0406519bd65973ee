"""The start of the window as `sampling-studio` does it: seconds from the start of the process to the first paint, a demo's picture, torch."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).parents[2]))


def age() -> float:
    """Seconds since the system started this process."""
    with open("/proc/self/stat") as file:
        began = int(file.read().rsplit(")", 1)[1].split()[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - began


def main() -> None:
    """Start, watch, leave."""
    from PySide6.QtCore import QEvent, QObject, QTimer
    from PySide6.QtWidgets import QApplication

    import studio.window

    seen: dict[str, float] = {"gap": 0.0}
    plain = studio.window.Window.warm_up

    class Watch(QObject):
        """Sees the first paint of the window itself."""

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Paint and "torch" not in seen:
                seen["torch"] = float("torch" in sys.modules)
                QTimer.singleShot(0, painted)  # when all of the window has been drawn
            return False

    class Pictures(QObject):
        """Sees the first paint of what a demo made."""

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Paint and "picture" not in seen:
                QTimer.singleShot(0, lambda: seen.setdefault("picture", age()))
            return False

    def painted() -> None:
        seen["paint"] = age()

    def warm_up(shown: studio.window.Window) -> None:
        """From here on every gap of the event loop counts."""
        last = time.perf_counter()

        def tick() -> None:
            nonlocal last
            now = time.perf_counter()
            seen["gap"], last = max(seen["gap"], (now - last) * 1e3), now
            if shown.ready and "ready" not in seen:
                seen["ready"] = age()
                QTimer.singleShot(500, shown.close)

        timer = QTimer(shown)
        timer.timeout.connect(tick)
        timer.start(1)
        seen["begun"] = age()
        plain(shown)

    watch, pictures = Watch(), Pictures()
    show = studio.window.Window.showEvent

    def show_event(shown: studio.window.Window, event: QEvent) -> None:
        shown.installEventFilter(watch)
        for card in shown.pages["home"].cards.values():
            card.view.installEventFilter(pictures)
        show(shown, event)

    studio.window.Window.showEvent = show_event  # pyright: ignore[reportAttributeAccessIssue]
    studio.window.Window.warm_up = warm_up
    from studio.app import window

    window()
    del QApplication
    print(json.dumps(seen))


main()
