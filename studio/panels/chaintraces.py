"""Scalars of the chains, step by step: log p by both judges, the terms, and the norms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtWidgets import QWidget

from studio import theme
from studio.chainmessages import FORCES, Traces
from studio.panels.forces import ROLES
from studio.panels.lineplot import LinePlot
from studio.widgets import Legend, column, number


class TracePair(QWidget):
    """Two plots, one above the other; thick is the mean over chains, faint the selected one."""

    def __init__(self, first: LinePlot, second: LinePlot) -> None:
        super().__init__()
        body = column(self, spacing=8)
        for plot in (first, second):
            plot.setMinimumHeight(theme.theme().px(68))
            body.addWidget(plot, 1)


class LogAndTerms(TracePair):
    """log p by C and by the independent classifier; the length of each term."""

    def __init__(self) -> None:
        self.log_p = LinePlot(
            "log p(c|x)",
            "How probable what is asked for is: orange as the condition network sees it, green as the independent classifier does; "
            "mean over chains, with the selected chain faint behind it",
        )
        self.terms = LinePlot("‖term‖", "How far each term moves the chains: mean over all chains, with the selected one faint behind it")
        for plot, entries, wide in (
            (self.log_p, [("C", "generated"), ("independent", "judge")], 136),
            (self.terms, [(name, ROLES[name]) for name in FORCES[:3]], 206),
        ):
            legend = Legend(entries)
            legend.setFixedWidth(theme.theme().px(wide))
            plot.head.addWidget(legend)
        super().__init__(self.log_p, self.terms)

    def show_traces(self, traces: Traces, names: Sequence[str]) -> None:
        """Newer numbers; `names` of the scalars."""
        x, at = traces.steps, names.index("log_p")
        judged = traces.judged
        lines = [(x, traces.own[:, at], "generated"), (x, traces.mean[:, at], "generated")]
        if len(judged) and len(x):
            lines += [(judged[:, 0], judged[:, 2], "judge"), (judged[:, 0], judged[:, 1], "judge")]
        self.log_p.show_pairs(lines)
        self.log_p.at.setText(number(float(traces.mean[-1, at])) if len(x) else "")
        forces = [(name, names.index(name)) for name in FORCES if np.isfinite(traces.mean[:, names.index(name)]).any()]
        pairs = [(x, v[:, i], ROLES[name]) for name, i in forces for v in (traces.own, traces.mean)]
        self.terms.show_pairs(pairs)
        for plot in (self.log_p, self.terms):
            plot.set_width(0, max(10, len(x) and x[-1]))


class Norms(TracePair):
    """‖h‖, and how far the prior would move it."""

    def __init__(self) -> None:
        tip = "; mean over all chains, with the selected one faint behind it"
        self.norm = LinePlot("‖h‖", f"Length of the code, or of the pixels{tip}")
        self.gap = LinePlot("‖R(h) − h‖", f"How far the prior would move it: small where codes are likely{tip}")
        super().__init__(self.norm, self.gap)

    def show_traces(self, traces: Traces, names: Sequence[str]) -> None:
        """Newer numbers."""
        for plot, name, role in ((self.norm, "norm", "measure"), (self.gap, "gap", "real")):
            i = names.index(name)
            plot.show_pairs([(traces.steps, traces.own[:, i], role), (traces.steps, traces.mean[:, i], role)])
            plot.at.setText(number(float(traces.mean[-1, i])) if len(traces.steps) else "")
            plot.set_width(0, max(10, len(traces.steps) and traces.steps[-1]))

    def show_space(self, letter: str) -> None:
        """Chains of codes h, or of pictures x."""
        self.norm.title.setText(f"‖{letter}‖")
        self.gap.title.setText(f"‖R({letter}) − {letter}‖")
