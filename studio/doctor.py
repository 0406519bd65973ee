"""Is everything here that the studio needs? Each check has a remedy. Needs no Qt itself: it asks processes of their own."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from models.files import home, write_bytes

LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-xinerama.so.0": "libxcb-xinerama0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
}
GLYPH = """
import sys
from PySide6.QtGui import QFontDatabase, QGuiApplication, QRawFont
app = QGuiApplication([])
count = len(QFontDatabase.families())
from studio.theme import load_fonts
load_fonts()
names = QFontDatabase.families(QFontDatabase.WritingSystem.SimplifiedChinese)
ok = any(QRawFont.fromFont(QFontDatabase.font(n, "", 16)).supportsCharacter(0x6C34) for n in names[:20])
print(count, int(ok))
"""
TORCH = "import torch; print(torch.__version__)"

Check = dict[str, Any]


def checks(device: str = "auto") -> list[Check]:
    """All checks, each {name, ok, found, remedy}."""
    return [_display(), _libraries(), *_fonts(), *_torch(device), _disk(), _awake()]


def _check(name: str, ok: bool, found: str, remedy: str = "") -> Check:
    return {"name": name, "ok": ok, "found": found, "remedy": "" if ok else remedy}


def has_display() -> bool:
    """A window can be shown: on Linux, there is Wayland or an X server answers."""
    if not sys.platform.startswith("linux") or os.environ.get("WAYLAND_DISPLAY"):
        return True
    if not os.environ.get("DISPLAY"):
        return False
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True  # nobody to ask; that the library is missing is said next
    xcb.xcb_connect.restype = ctypes.c_void_p
    for call in (xcb.xcb_connection_has_error, xcb.xcb_disconnect):
        call.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    error = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    return not error


def _display() -> Check:
    if sys.platform in ("win32", "darwin"):
        return _check("display", True, sys.platform)
    found = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    if found and not has_display():
        return _check("display", False, f"{found} does not answer", "set DISPLAY to a running X server, or use the command line")
    return _check(
        "display",
        bool(found),
        found or "none",
        "there is no DISPLAY: use the command line (sampling-studio train …), or start under a desktop, ssh -X or xvfb-run",
    )


def _libraries() -> Check:
    if not sys.platform.startswith("linux"):
        return _check("qt", True, "brought by the wheel")
    missing = missing_libraries()
    return _check(
        "qt", not missing, "all system libraries" if not missing else f"missing: {', '.join(missing)}", f"sudo apt-get install {' '.join(missing)}"
    )


def missing_libraries() -> list[str]:
    """Debian packages of the libraries that Qt needs and that do not load; none where the wheel brings them all."""
    return [package for so, package in LIBRARIES.items() if not _loads(so)] if sys.platform.startswith("linux") else []


def _loads(so: str) -> bool:
    try:
        ctypes.CDLL(so)
        return True
    except OSError:
        return False


def _fonts() -> list[Check]:
    said = _ask(GLYPH)
    if said is None:
        return [_check("fonts", False, "Qt does not start", "see the line `qt`; then: pip install --force-reinstall PySide6-Essentials")]
    families, chinese = said.split()
    return [
        _check("fonts", int(families) > 0, f"{families} families", "sudo apt-get install fonts-dejavu-core"),
        _check(
            "cjk",
            chinese == "1",
            "one Chinese glyph is there" if chinese == "1" else "no face has Chinese",
            _chinese(),
        ),
    ]


def _chinese() -> str:
    """How a face with Chinese is had here."""
    if sys.platform == "darwin":
        return "install a Chinese face with Font Book, for example Noto Sans SC (only Chinese text needs it)"
    if sys.platform == "win32":
        return "add Chinese (Simplified) supplemental fonts under Settings, Optional features (only Chinese text needs it)"
    return "sudo apt-get install fonts-wqy-microhei, or any face with Chinese copied to ~/.local/share/fonts (only Chinese text needs it)"


def _torch(device: str) -> list[Check]:
    said = _ask(TORCH)
    if said is None:
        return [_check("torch", False, "does not import", "run `make setup` again")]
    from models import device as devices
    from models.errors import BadSetting

    try:
        plan = devices.choose(device)
        return [_check("torch", True, said), _check("device", True, devices.describe(plan))]
    except BadSetting as error:
        return [_check("torch", True, said), _check("device", False, device, str(error))]


def _disk() -> Check:
    folder = home()
    try:
        write_bytes(folder / ".doctor", b"ok")
        (folder / ".doctor").unlink()
        free = shutil.disk_usage(folder).free / 1e9
        return _check("disk", free > 1, f"{free:.0f} GB free in {folder}", "free at least 1 GB, or set SAMPLING_STUDIO_HOME to another folder")
    except Exception as error:
        return _check("disk", False, str(folder), f"{error} Or set SAMPLING_STUDIO_HOME to a folder that can be written.")


def _awake() -> Check:
    """No remedy: a machine that falls asleep goes on with the run when it wakes."""
    from studio.awake import attempt

    why = attempt()
    return _check("keep awake", True, f"does not here, because {why}" if why else "works")


def _ask(program: str) -> str | None:
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    where = Path(__file__).parent.parent
    try:
        done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False, cwd=where, timeout=120)
    except subprocess.TimeoutExpired:
        return None
    return done.stdout.strip().splitlines()[-1] if done.returncode == 0 and done.stdout.strip() else None
