"""What every story needs: a command in a process of its own, and the window."""

from __future__ import annotations

import os
import subprocess
import sys


def studio(*words):
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    return subprocess.run([sys.executable, "-m", "studio", *map(str, words)], env=environment, capture_output=True, text=True, check=False)


def window_of(qtbot, qapp):
    from studio import theme
    from studio.window import Window

    theme.apply(qapp, "dark")
    window = Window()
    qtbot.addWidget(window)
    window._on_ready("")
    window.show()
    return window


def close(qtbot, window):
    window.close()
    qtbot.waitUntil(lambda: window.session._worker is None, timeout=20_000)
