"""The forces on a chain: how far each term moves it, and the angle between prior and condition."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import Qt

from studio.panels.bars import Bar, Bars
from studio.widgets import Card, label, number, row

ROLES = {"prior": "real", "condition": "generated", "noise": "baseline", "context": "controller"}


class ForcesCard(Card):
    """A bar a term for the selected chain, a tick where the mean of all chains is; the longest bar is the strongest force."""

    def __init__(self) -> None:
        super().__init__(margin=12, spacing=2)
        self.body.setContentsMargins(12, 6, 12, 4)
        self.title, self.angle = label("Forces", "section"), label("", "caption")
        self.angle.setToolTip("Between the pulls of prior and condition: below 90° they agree, above 90° they work against each other")
        self.body.addLayout(row(self.title, 1, self.angle))
        self.bars = Bars(3, 74, 66, 18)
        self.bars.setToolTip(
            "Length of each term of the last step, ‖ε · score‖ or ‖noise‖, of the selected chain; the tick is the mean over all chains. "
            "All on one scale, so a force that does next to nothing has no bar"
        )
        self.body.addWidget(self.bars)

    def show_forces(self, last: np.ndarray | None, chain: int, names: Sequence[str]) -> None:
        """`last`: (chains, scalars) of the last step, named by `names`; None before the first."""
        if last is None:
            self.bars.show_bars([Bar(name, ((float("nan"), role),), "–") for name, role in ROLES.items() if name != "context"])
            self.angle.setText("")
            return
        own = {name: float(last[chain, names.index(name)]) for name in ROLES}
        finite = {name: last[:, names.index(name)][np.isfinite(last[:, names.index(name)])] for name in ROLES}
        mean = {name: float(v.mean()) if len(v) else float("nan") for name, v in finite.items()}
        most = max([v for v in (*own.values(), *mean.values()) if np.isfinite(v)], default=1.0) or 1.0
        shown = [name for name in ROLES if name != "context" or np.isfinite(own[name])]
        self.bars.set_rows(len(shown), 18 if len(shown) < 4 else 14)
        self.bars.show_bars(
            [Bar(n, ((own[n] / most, ROLES[n]),), number(own[n]) if np.isfinite(own[n]) else "none", False, mean[n] / most) for n in shown]
        )
        angle = float(last[chain, names.index("angle")])
        apart = f"prior and condition {angle:.0f}° apart" if np.isfinite(angle) else "prior and condition: –"  # one of them pulls nowhere
        self.angle.setText(apart if np.isfinite(own["prior"]) else "no prior")
        self.angle.setAlignment(Qt.AlignmentFlag.AlignRight)
