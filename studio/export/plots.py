"""`python -m studio.export.plots FOLDER`: draws the plots that FOLDER/request.json asks for, as the window does."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget


def main(folder: Path) -> int:
    """Read request.json and rows.npy, write the file it names; returns the exit status."""
    import numpy as np
    from PySide6.QtCore import QCoreApplication
    from PySide6.QtWidgets import QApplication

    from models import catalog
    from studio import theme

    request = json.loads((folder / "request.json").read_text())
    rows = np.load(folder / "rows.npy", allow_pickle=False)
    app = QApplication(sys.argv[:1])
    theme.apply(app, request["theme"])

    from studio.panels.curves import CurvesPanel

    panel = CurvesPanel(catalog.algorithm(request["system"]).PLOTS)
    panel.resize(request["width"], request["height"])
    panel.setProperty("kind", "stage")
    panel.append(1, dict(zip(request["columns"], rows.T, strict=True)))
    for step, text in request["marks"]:
        panel.mark_knob(step, text)
    panel.for_export()
    panel.show()  # draws what has come
    for _ in range(5):
        QCoreApplication.processEvents()
    path = str(folder / request["file"])
    if path.endswith(".png"):
        return 0 if panel.grab().toImage().save(path) else 1
    return 0 if _as_svg(panel, path, request["title"]) else 1


def _as_svg(panel: QWidget, path: str, title: str) -> bool:
    """Paint the panel as vectors, a unit for each pixel."""
    from PySide6.QtCore import QPoint, QRect
    from PySide6.QtGui import QPainter
    from PySide6.QtSvg import QSvgGenerator

    svg = QSvgGenerator(QSvgGenerator.SvgVersion.Svg11)
    svg.setFileName(path)
    svg.setSize(panel.size())
    svg.setViewBox(QRect(QPoint(0, 0), panel.size()))
    svg.setResolution(96)
    svg.setTitle(title)
    painter = QPainter()
    if not painter.begin(svg):
        return False
    panel.render(painter, QPoint(0, 0))
    return painter.end()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
