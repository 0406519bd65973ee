"""`python -m studio.export.plots FOLDER`: draws the plots that FOLDER/request.json asks for, as the window does."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(folder: Path) -> int:
    """Read request.json and rows.npy, write plots.png; returns the exit status."""
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
    panel.show()  # draws what has come
    for _ in range(5):
        QCoreApplication.processEvents()
    return 0 if panel.grab().toImage().save(str(folder / "plots.png")) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
