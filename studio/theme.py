"""Every colour, size and dash of the window, as one table, and the palette, style sheet, pens and icons made from it.

Nothing else in the studio names a colour. A widget says what it *is* by the property "kind" (a card, a caption, the primary
button …); a page says which system it shows with `set_accent`; what is painted by hand reads `theme()` while it paints.
"""

from __future__ import annotations

import atexit
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Literal
from weakref import ref

from PySide6.QtCore import QByteArray, QEvent, QObject, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QPainter, QPalette, QPen, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget
from shiboken6 import isValid

from studio.assets import asset
from studio.style import ACCENT_SHEET, SHEET

if TYPE_CHECKING:
    from models.contract import Role

Scheme = Literal["light", "dark", "system"]
Dash = tuple[float, ...]  # lengths in pen widths; () is solid

CHINESE = ("Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", "WenQuanYi Micro Hei", "Droid Sans Fallback")
SOLID: Dash = ()
DASHES: Mapping[str, Dash] = {
    "real": SOLID,
    "generated": (5, 3),
    "controller": SOLID,
    "measure": SOLID,
    "judge": (7, 3, 1.5, 3),
    "baseline": (1.5, 2.5),
}
SERIES: Mapping[str, Dash] = {  # accents as lines, where more things of one kind lie over each other than there are roles
    "bgan": SOLID,
    "seqgan": (5, 3),
    "began": SOLID,
    "ppgn": (5, 3),
    "maskgan": SOLID,
    "lab": (7, 3, 1.5, 3),
    "home": (1.5, 2.5),
}
RAW_OPACITY, GRID_OPACITY, TINT_OPACITY, STALE_OPACITY = 0.27, 0.15, 0.14, 0.60


@dataclass(frozen=True)
class Theme:
    """One scheme of the table; colours are "#RRGGBB"."""

    name: Literal["light", "dark"]
    window: str  # gutters
    panel: str  # panels, cards, rail, header, transport
    stage: str
    field: str
    hairline: str  # cards, splits
    edge: str  # buttons, fields
    ink: str
    muted: str
    good: str
    warn: str
    bad: str
    on_accent: str
    accents: Mapping[str, str]
    curves: Mapping[str, str]
    scale: float = 1.0

    def px(self, size: float) -> int:
        """A length of the table at the present UI scale."""
        return max(1, round(size * self.scale))

    def accent(self, system: str) -> str:
        """The colour of a system; slate for what is none."""
        return self.accents.get(system, self.accents["home"])

    @property
    def hover(self) -> str:
        """The ground of what the mouse is on."""
        return mix(self.panel, self.ink, 0.06)

    @property
    def press(self) -> str:
        """The ground of what is pressed or chosen."""
        return mix(self.panel, self.ink, 0.12)

    def heat(self, value: float) -> str:
        """Diverging blue - neutral - orange for a value in [-1, 1]; 0 is the hairline grey."""
        return mix(self.hairline, self.curves["real" if value < 0 else "generated"], min(1.0, abs(value)))


LIGHT = Theme(
    name="light",
    window="#F4F5F7",
    panel="#FFFFFF",
    stage="#E9EBEF",
    field="#FFFFFF",
    hairline="#D5D9E0",
    edge="#8A93A0",
    ink="#1A1D21",
    muted="#59626E",
    good="#1E7B45",
    warn="#946200",
    bad="#B3261E",
    on_accent="#FFFFFF",
    accents={
        "home": "#4A5568",
        "began": "#0B7A75",
        "bgan": "#6B4BD1",
        "seqgan": "#1F5FCC",
        "maskgan": "#B02A6B",
        "ppgn": "#B1500A",
        "lab": "#47761A",
        "gallery": "#4A5568",
        "runs": "#4A5568",
    },
    curves={
        "real": "#1F6FB5",
        "generated": "#C2570C",
        "controller": "#7A3FB8",
        "measure": "#1A1D21",
        "judge": "#2B7F4F",
        "baseline": "#6B7480",
    },
)
DARK = Theme(
    name="dark",
    window="#17191D",
    panel="#1F2227",
    stage="#0F1114",
    field="#15171B",
    hairline="#31363E",
    edge="#6B7480",
    ink="#E8EAED",
    muted="#A0A9B4",
    good="#57C98A",
    warn="#E8B44A",
    bad="#FF8A80",
    on_accent="#0F1114",
    accents={
        "home": "#AAB6C6",
        "began": "#37C9BD",
        "bgan": "#AC94FF",
        "seqgan": "#74A9FF",
        "maskgan": "#F57DB5",
        "ppgn": "#FFA04D",
        "lab": "#9CCB57",
        "gallery": "#AAB6C6",
        "runs": "#AAB6C6",
    },
    curves={
        "real": "#5AAEF0",
        "generated": "#FF9A52",
        "controller": "#C79BFF",
        "measure": "#E8EAED",
        "judge": "#5FCF93",
        "baseline": "#9AA4B0",
    },
)


class Notifier(QObject):
    """Tells those who paint by hand.

    Signals:
        changed(): another scheme or another UI scale holds.
    """

    changed = Signal()


@dataclass
class _Now:
    theme: Theme = LIGHT
    asked: Scheme = "light"
    follows: bool = False  # connected to the system's scheme
    fonts: bool = False  # tried to load


_now = _Now()
notifier = Notifier()


def theme() -> Theme:
    """The scheme that holds now."""
    return _now.theme


def apply(app: QApplication, scheme: Scheme, scale: float = 1.0) -> None:
    """Dress the whole application; may be called again at any time."""
    if not _now.follows:
        _now.follows = True
        app.styleHints().colorSchemeChanged.connect(_on_system_scheme)
    _now.asked = scheme
    dark = scheme == "dark" or (scheme == "system" and app.styleHints().colorScheme() == Qt.ColorScheme.Dark)
    _now.theme = replace(DARK if dark else LIGHT, scale=min(2.0, max(0.75, scale)))
    load_fonts()
    if not app.styleSheet():
        app.setStyle("Fusion")
    app.setFont(font(13))
    app.setPalette(_palette(_now.theme))
    _dress(app, _sheet(_now.theme))
    for widget in app.allWidgets():
        if widget.property("accent"):
            if widget.isHidden() and not widget.isWindow():
                _late.wait_for(widget)
            else:
                set_accent(widget, widget.property("accent"))
        if widget.property("icon_name") and isinstance(widget, QAbstractButton):
            set_icon(widget, widget.property("icon_name"), widget.property("icon_role"))
    notifier.changed.emit()


def hold(window: QWidget) -> None:
    """Give a window the style sheet itself: a change of the application's own styles each widget once for every widget around it."""
    _windows.append(ref(window))
    window.setStyleSheet(_sheet(_now.theme))


def _dress(app: QApplication, sheet: str) -> None:
    """The windows that are seen; without one, all that there is."""
    _windows[:] = [r for r in _windows if (w := r()) is not None and isValid(w)]
    held = [w for r in _windows if (w := r()) is not None]
    for window in held:
        window.setStyleSheet(sheet)
    if not any(window.isVisible() for window in held) and app.styleSheet() != sheet:
        app.setStyleSheet(sheet)


class _Late(QObject):
    """Gives pages their accent when they are shown: all of them at once would stop the window."""

    def wait_for(self, page: QWidget) -> None:
        """Once, however often it changes until then."""
        page.removeEventFilter(self)
        page.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The page is shown."""
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget):
            watched.removeEventFilter(self)
            set_accent(watched, watched.property("accent"))
        return False


_late = _Late()
_windows: list[ref[QWidget]] = []


def _on_system_scheme() -> None:
    app = QApplication.instance()
    if _now.asked == "system" and isinstance(app, QApplication):
        QTimer.singleShot(0, app, lambda: apply(app, "system", _now.theme.scale))


# --- what widgets ask for ---------------------------------------------------------------------------------------


def set_kind(widget: QWidget, kind: str) -> None:
    """Say what a widget is, and restyle it if it has been shown."""
    if widget.property("kind") != kind:
        widget.setProperty("kind", kind)
        restyle(widget)


def restyle(widget: QWidget) -> None:
    """Read the style sheet again after a property of the widget has changed."""
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def set_accent(widget: QWidget, system: str) -> None:
    """Give a page, with all that is in it, the accent of a system."""
    widget.setProperty("accent", system)
    widget.setStyleSheet(_accent_sheet(_now.theme, _now.theme.accent(system)))


def accent(of: str | QWidget) -> str:
    """The accent of a system, or of the page that a widget is on."""
    if isinstance(of, str):
        return _now.theme.accent(of)
    widget: QWidget | None = of
    while widget is not None:
        if name := widget.property("accent"):
            return _now.theme.accent(name)
        widget = widget.parentWidget()
    return _now.theme.accent("home")


def font(size: float, weight: int = 400) -> QFont:
    """The window's font at a size of the table, with figures of equal width."""
    face = QFont(["Inter", "Noto Sans", "Segoe UI", "DejaVu Sans", *CHINESE, "sans-serif"])
    face.setPixelSize(_now.theme.px(size))
    face.setWeight(QFont.Weight(weight))
    face.setFeature(QFont.Tag("tnum"), 1)
    return face


def pen(role: Role | str, raw: bool = False) -> QPen:
    """The pen of a curve: its role, or its place in SERIES, fixes colour and dash; a raw curve is faint and solid.

    Faint is mixed with the panel's ground beforehand: true opacity would add up where a noisy curve crosses itself.
    """
    color, dash = line_color(role), dash_of(role)
    out = QPen(QColor(mix(_now.theme.panel, color, RAW_OPACITY) if raw else color), 1)
    out.setCosmetic(True)
    if dash and not raw:
        out.setDashPattern(dash)
        out.setCapStyle(Qt.PenCapStyle.FlatCap)
    return out


def line_color(role: Role | str) -> str:
    """The colour of a role, or of an accent of SERIES."""
    return _now.theme.curves[role] if role in _now.theme.curves else _now.theme.accents[role]


def dash_of(role: Role | str) -> Dash:
    """Its dash."""
    return DASHES[role] if role in DASHES else SERIES[role]


def icon(name: str, color: str | None = None) -> QIcon:
    """An icon of assets/icons in one colour (ink when none is given); grey where it is disabled."""
    return _icon(name, color or _now.theme.ink, _now.theme.edge)


def set_icon(button: QAbstractButton, name: str, role: str = "ink") -> None:
    """Give a button an icon that follows the scheme; the role is a colour of the table or a system's name."""
    button.setProperty("icon_name", name)
    button.setProperty("icon_role", role)
    button.setIcon(icon(name, getattr(_now.theme, role, None) or _now.theme.accent(role)))


def mix(ground: str, color: str, share: float) -> str:
    """What `color` laid over `ground` with an opacity of `share` looks like."""
    pairs = zip(QColor(ground).getRgb()[:3], QColor(color).getRgb()[:3], strict=True)  # pyright: ignore[reportIndexIssue,reportArgumentType]
    return QColor(*(round(a + (b - a) * share) for a, b in pairs)).name().upper()


def contrast(ink: str, ground: str) -> float:
    """The WCAG contrast ratio of two colours."""
    a, b = sorted((_luminance(ink), _luminance(ground)))
    return (b + 0.05) / (a + 0.05)


def _luminance(color: str) -> float:
    c = QColor(color)
    parts = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (c.redF(), c.greenF(), c.blueF())]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@lru_cache(maxsize=512)
def _icon(name: str, color: str, disabled: str) -> QIcon:
    out = QIcon()
    for mode, tint in ((QIcon.Mode.Normal, color), (QIcon.Mode.Disabled, disabled)):
        renderer = QSvgRenderer(QByteArray(_tinted(name, tint)))
        for size in (16, 20, 24, 32, 40, 48, 64):
            pixmap = QPixmap(size, size)
            pixmap.fill(Qt.GlobalColor.transparent)
            painter = QPainter(pixmap)
            renderer.render(painter, QRectF(0, 0, size, size))
            painter.end()
            out.addPixmap(pixmap, mode)
    return out


def _tinted(name: str, color: str) -> bytes:
    return asset(f"icons/{name}.svg").read_bytes().replace(b"currentColor", color.encode())


# --- what Qt is given -------------------------------------------------------------------------------------------


def load_fonts() -> None:
    """Let Qt know the faces that the studio brings along, and a Chinese one that `make setup` put beside its Python."""
    if _now.fonts:
        return
    _now.fonts = True
    beside = Path(sys.prefix) / "share" / "fonts"
    for path in (*sorted(asset("fonts").glob("*.otf")), *sorted(beside.rglob("*.tt[cf]"))):
        QFontDatabase.addApplicationFont(str(path))


def _palette(t: Theme) -> QPalette:
    role = QPalette.ColorRole
    colors = {
        role.Window: t.window,
        role.WindowText: t.ink,
        role.Base: t.field,
        role.AlternateBase: t.window,
        role.Text: t.ink,
        role.Button: t.panel,
        role.ButtonText: t.ink,
        role.BrightText: t.bad,
        role.PlaceholderText: t.muted,
        role.ToolTipBase: t.panel,
        role.ToolTipText: t.ink,
        role.Highlight: mix(t.panel, t.accents["home"], 0.30),
        role.HighlightedText: t.ink,
        role.Accent: t.accents["home"],
        role.Link: t.accents["seqgan"],
        role.LinkVisited: t.accents["bgan"],
        role.Light: mix(t.panel, t.ink, 0.06),
        role.Midlight: t.panel,
        role.Mid: t.hairline,
        role.Dark: t.edge,
        role.Shadow: t.stage,
    }
    palette = QPalette()
    for key, color in colors.items():
        palette.setColor(key, QColor(color))
    for key in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        palette.setColor(QPalette.ColorGroup.Disabled, key, QColor(t.edge))
    return palette


@lru_cache(maxsize=1)
def _image_folder() -> Path:
    folder = mkdtemp(prefix="sampling-studio-icons-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _image(name: str, color: str) -> str:
    """A tinted icon as a file, because a style sheet takes nothing else."""
    path = _image_folder() / f"{name}-{color[1:]}.svg"
    if not path.exists():
        path.write_bytes(_tinted(name, color))
    return f'url("{path.as_posix()}")'


def _sheet(t: Theme) -> str:
    values = {k: getattr(t, k) for k in ("window", "panel", "stage", "field", "hairline", "edge", "ink", "muted", "good", "warn", "bad")}
    values |= {
        "hover": t.hover,
        "press": t.press,
        "badtint": mix(t.panel, t.bad, TINT_OPACITY),
        "down": _image("chevron-down", t.muted),
        "up": _image("chevron-up", t.muted),
        "right": _image("chevron-right", t.muted),
        "down_off": _image("chevron-down", t.edge),
        "check_menu": _image("check", t.ink),
    } | _round_things(t)
    return _fill(SHEET, t, values) + _accent_sheet(t, t.accents["home"])


def _accent_sheet(t: Theme, color: str) -> str:
    values = {
        "accent": color,
        "on": t.on_accent,
        "panel": t.panel,
        "edge": t.edge,
        "ink": t.ink,
        "muted": t.muted,
        "hairline": t.hairline,
        "tint": mix(t.panel, color, TINT_OPACITY),
        "select": mix(t.panel, color, 0.30),
        "lift": mix(color, t.ink, 0.10),
        "check": _image("check", t.on_accent),
        "dash": _image("minus", t.on_accent),
        "dot": _image("dot", t.on_accent),
    } | _round_things(t)
    return _fill(ACCENT_SHEET, t, values)


def _round_things(t: Theme) -> dict[str, str]:
    """Lengths that must be even, or Qt draws squares for circles."""
    bar, knob = 2 * t.px(2), 2 * t.px(7)
    lengths = {"bar": bar, "half_bar": bar // 2, "handle": knob - 4, "over": (bar - knob) // 2, "round": knob // 2}
    return {k: f"{v}px" for k, v in lengths.items()}


def _fill(sheet: str, t: Theme, values: Mapping[str, str]) -> str:
    """Put colours for `$name` and scaled pixels for `7~`."""
    words: list[str] = []
    for line in sheet.splitlines():
        for name in sorted(values, key=len, reverse=True):
            line = line.replace("$" + name, values[name])
        parts = line.split("~")
        for part in parts[:-1]:
            head = part.rstrip("0123456789")
            words.append(f"{head}{t.px(float(part[len(head) :]))}px")
        words.append(parts[-1] + "\n")
    return "".join(words)
