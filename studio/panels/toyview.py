"""A distribution that is known: what D estimates, over the truth (p = w q at the optimal D; BGAN, theorem 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtWidgets import QSizePolicy, QStackedWidget, QWidget

from studio import picture, theme
from studio.panels.cellplot import CellPlot, RatioScatter, Steps
from studio.panels.marginals import diverging
from studio.panels.plot import Reason
from studio.panels.readouts import Readouts
from studio.panels.samples import ImageGrid
from studio.widgets import Card, Legend, column, label, number, row

if TYPE_CHECKING:
    from models.contract import View

READOUTS = (
    ("KL", "KL(p‖q)", "How far G is from the truth, in nats, an exact sum over all cells; 0 when q = p"),
    ("D_f", "D_f(p‖q)", "The divergence itself, an exact sum over all cells"),
    ("V", "V", "D's bound on the divergence, exact: V ≤ D_f"),
    ("gap", "D_f − V", "How far the bound is from tight; the estimated ratio is right only as far as this is 0"),
    ("bias", "bias, TV", "Total variation between p and w q / β, from 0 to 1: what the weights of this D would lead G to instead of p"),
    ("error", "E_q|w − p/q|", "Mean error of the estimated ratio over what G draws"),
)
NONE, LINE, GRID = range(3)  # pages of the stack
NUMBERS = ("p", "q", "ratio", "w", "tilde")


class ToyPanel(QWidget):
    """Read-outs, and below them p, q and w q / β; their ratio over the true one. Steps on a line, heat on a grid."""

    def __init__(self) -> None:
        super().__init__()
        self.readouts = Readouts(READOUTS, columns=len(READOUTS))
        self.stack, self.reason = QStackedWidget(), Reason()
        holder = Card()
        holder.body.addWidget(self.reason)
        self._numbers: dict[str, np.ndarray] = {}
        self._columns = 1
        for part in (holder, self._make_line(), self._make_grid()):
            self.stack.addWidget(part)
        body = column(self, spacing=12)
        body.addWidget(self.readouts)
        body.addWidget(self.stack, 1)
        for plot in (self.shares, self.ratios, self.scatter):
            plot.tell = self.words_of
        theme.notifier.changed.connect(self._again)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.show_reason("No samples yet")

    def _make_line(self) -> QWidget:
        """Two plots below each other, cell over cell."""
        card = Card(margin=12, spacing=4)
        self.shares, self.ratios = CellPlot("p, q and w q / β over the cells"), CellPlot("Estimated over true ratio", log=True)
        above = Legend([("p, the truth", "real"), ("q, what G draws", "generated"), ("p̃ = w q / β", "controller")])
        below = Legend([("p / q, exact", "real"), ("w, as D estimates it", "controller"), ("1", "baseline")])
        for title, legend, plot, tip in (
            ("Probability of a cell", above, self.shares, "At the optimal D, w q / β is p: the steps lie on each other"),
            ("Ratio", below, self.ratios, "At the optimal D, w is p / q in every cell; logarithmic"),
        ):
            name = label(title, "section")
            name.setToolTip(tip)
            head = row(name, legend, spacing=16)
            head.setStretch(1, 1)
            card.body.addLayout(head)
            card.body.addWidget(plot, 1)
        return card

    def _make_grid(self) -> QWidget:
        """Three maps with one scale and one of what is amiss, and at their right the scatter."""
        whole, maps, points = QWidget(), Card(margin=12, spacing=4), Card(margin=12, spacing=4)
        self.maps, self.scatter = ImageGrid("", 2, whole=True), RatioScatter("Estimated against true ratio")
        self.maps.setAccessibleName("p, q, w q / β and its difference from p as maps")
        self.scale = label("", "caption")
        title = label("Probability of a cell", "section")
        title.setToolTip("At the optimal D, w q / β is p: the third map is the first")
        maps.body.addLayout(row(title, 1, self.scale, spacing=12))
        maps.body.addWidget(self.maps, 1)
        name = label("w, estimated, over p / q, exact", "section")
        name.setToolTip("A dot a cell, larger where G draws more often; at the optimal D all lie on the diagonal")
        points.body.addWidget(name)
        points.body.addWidget(self.scatter, 1)
        line = row(maps, points, spacing=12)
        line.setStretch(0, 2)
        line.setStretch(1, 3)
        whole.setLayout(line)
        return whole

    # --- what the page says ---

    def show_view(self, view: View) -> None:
        """A View `toy`; what was stale is fresh. Raises ValueError where its numbers do not fit each other."""
        numbers = {name: np.asarray(view.numbers[name], float) for name in NUMBERS}
        rows, columns = (int(v) for v in view.numbers["shape"])
        if {len(v) for v in numbers.values()} != {rows * columns}:
            raise ValueError(f"A grid of {rows} x {columns} cells takes {rows * columns} numbers of each kind.")
        self._numbers, self._columns = numbers, columns
        self.readouts.show_values({key: float(view.numbers[key][0]) for key, _, _ in READOUTS})
        self.set_stale(False)
        if rows > 1:
            self._show_grid(rows, columns)
        else:
            self._show_line()
        self.stack.setCurrentIndex(GRID if rows > 1 else LINE)

    def show_reason(self, text: str) -> None:
        """Why there is nothing to see."""
        self.reason.setText(text)
        self.readouts.show_values({key: None for key, _, _ in READOUTS})
        self.stack.setCurrentIndex(NONE)

    def set_stale(self, stale: bool) -> None:
        """Fade what no longer belongs to the present settings."""
        self.maps.set_stale(stale)
        for plot in (self.shares, self.ratios, self.scatter):
            if stale != plot.stale:
                plot.stale = stale
                plot.update()

    def words_of(self, cell: int) -> str:
        """What the mouse is told of a cell."""
        p, q, ratio, w, tilde = (number(float(self._numbers[name][cell])) for name in NUMBERS)
        line, place = divmod(cell, self._columns)
        where = f"cell {place}" if len(self._numbers["p"]) == self._columns else f"row {line}, column {place}"
        return f"{where}\np {p}, q {q}, w q / β {tilde}\np / q {ratio}, w {w}"

    def _again(self) -> None:
        """The colours of the fourth map are the theme's."""
        if self.stack.currentIndex() == GRID:
            self._show_grid(len(self._numbers["p"]) // self._columns, self._columns)
            self.maps.set_stale(self.scatter.stale)

    def _show_line(self) -> None:
        n = self._numbers
        self.shares.show_steps(
            [Steps("p", n["p"], "real", "fill"), Steps("q", n["q"], "generated", "line"), Steps("p̃", n["tilde"], "controller", "line")]
        )
        self.ratios.show_steps([Steps("p/q", n["ratio"], "real", "broad"), Steps("w", n["w"], "controller", "line")])

    def _show_grid(self, rows: int, columns: int) -> None:
        n = self._numbers
        most = float(np.nan_to_num(np.stack([n["p"], n["q"], n["tilde"]])).max()) or 1.0
        maps = [picture.viridis(n[name].reshape(rows, columns), 0.0, most) for name in ("p", "q", "tilde")]
        maps.append(diverging((n["tilde"] - n["p"]).reshape(rows, columns), most / 4))
        tips = [
            "p, the truth",
            "q, what G draws",
            "p̃ = w q / β, what the weights of D lead G to",
            f"p̃ − p, the bias: orange is too much, blue too little; full colour is {number(most / 4)}",
        ]
        self.maps.show_images(np.stack(maps), ["p, the truth", "q, G draws", "p̃ = w q / β", "p̃ − p"], tips)
        self.scale.setText(f"dark 0 to light {number(most)}")
        self.scatter.show_ratios(n["ratio"], n["w"], n["q"])
