"""How good the samples are, measured at chosen steps while the run goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QCheckBox, QListView, QStackedWidget, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from models.contract import Curve, Plot
from models.metrics.image import ENOUGH
from models.nets.judge import FEATURES
from studio import theme
from studio.messages import Evaluate
from studio.panels.curves import CurvesPanel
from studio.widgets import Card, ElidedLabel, button, column, label, number, row, spin

_Index = QModelIndex | QPersistentModelIndex
LINE = int(Qt.ItemDataRole.UserRole)
EVERY, SAMPLES = 500, 1_000
ORDER = (
    *("KL", "D_f", "gap", "bias", "error", "fresh_js", "fresh_kl", "fresh_hellinger", "fresh_w1", "marginals", "D_fake"),
    *(f"ngram_js{n}" for n in range(1, 5)),
    *("NLL_oracle", "NLL_gen", "perplexity", *(f"BLEU{n}" for n in range(2, 6)), *(f"self_BLEU{n}" for n in range(2, 6)), "validity"),
    *("frechet", "kid", "coverage", "recall", "precision", "density", "duplicates", "nearest"),
    *("classes", "class_entropy", "ssim", "sliced_wasserstein"),
)
LAST = ("loss_held_out", "loss_fake", "gamma_hat", "M_global")  # the page has them in larger type
ARROWS = {"lower": "↓", "higher": "↑", "target": "→"}
MEANS = {"lower": "lower is better", "higher": "higher is better", "target": "the nearer to the reference the better"}
FLOOR = "frechet_floor"
# Curve -> the score whose reference it is; NAME_floor is that of NAME.
FLOORS = {"floor": "NLL_oracle", "real_BLEU2": "BLEU2", "real_self_BLEU2": "self_BLEU2"}
_ABOUT = (
    "An evaluation draws new samples and compares them with {}. Training goes on meanwhile, and an alarm tells when the samples collapse.",
    "Not evaluated yet.\n{}\nPress Evaluate now, or choose after how many steps.",
    "The first evaluation is running.\n{{}}\n{}",
)
_WITH = {
    "pictures": "pictures that were held out: their distance, what they cover, how many repeat each other",
    "data": "the data: by a discriminator that is trained anew, place by place, by what repeats; a distribution that is known is compared exactly",
    "text": "sentences that were held out and with those of MLE: their likelihood, their n-grams, how much they repeat each other",
}
ABOUT = {kind: _ABOUT[0].format(words) for kind, words in _WITH.items()}
EMPTY, BUSY = ({kind: words.format(about) for kind, about in ABOUT.items()} for words in _ABOUT[1:])

TEXT_PLOTS = (
    Plot(
        "NLL_oracle",
        (Curve("NLL_oracle", "G", "measure"), Curve("mle_NLL_oracle", "MLE", "generated"), Curve("floor", "floor", "baseline")),
        "−log p of samples under the oracle, nats a token; the dotted line is its own. Lower is better, but it does not see what G leaves out.",
    ),
    Plot(
        "NLL_gen",
        (Curve("NLL_gen", "G", "measure"), Curve("mle_NLL_gen", "MLE", "generated")),
        "−log p of held-out sentences under G, nats a token: lower is better; it rises when G forgets some of them.",
    ),
    Plot(
        "BLEU-2",
        (Curve("BLEU2", "G", "measure"), Curve("mle_BLEU2", "MLE", "generated"), Curve("real_BLEU2", "real", "baseline")),
        "Samples against held-out sentences; the dotted line is what other held-out ones get. It says nothing about diversity.",
    ),
    Plot(
        "Self-BLEU-2",
        (Curve("self_BLEU2", "G", "measure"), Curve("mle_self_BLEU2", "MLE", "generated"), Curve("real_self_BLEU2", "real", "baseline")),
        "Each sample against the others: the higher, the more alike they are; the dotted line is of real sentences.",
    ),
)
PLOTS = (
    Plot(
        "Fréchet",
        (Curve("frechet", "samples", "measure"), Curve(FLOOR, "real", "baseline")),
        "Distance of the samples' features from those of real pictures; the dotted line is what as many real pictures get: lower is better.",
    ),
    Plot(
        "Variety",
        (Curve("coverage", "coverage", "real"), Curve("recall", "recall", "judge"), Curve("duplicates", "twins", "generated")),
        "Shares: of real pictures that have a sample near them, of real pictures that G could draw, of samples that nearly repeat another.",
    ),
)


class ScoreLine(NamedTuple):
    """One score as it is shown."""

    name: str
    label: str
    value: float | None
    reference: float | None
    direction: str
    change: float | None  # since the evaluation before, relative to it
    better: int  # 1, 0 or -1
    tip: str


def score_lines(now: Mapping[str, Mapping[str, Any]], before: Mapping[str, Mapping[str, Any]]) -> list[ScoreLine]:
    """What an evaluation tells, in the order of the list; `before` is the evaluation before it, or empty."""
    places = {name: i for i, name in enumerate(ORDER)} | {name: 100 + i for i, name in enumerate(LAST)}
    return [_score_line(name, now[name], before.get(name, {})) for name in sorted(now, key=lambda name: (places.get(name, 50), name))]


def _score_line(name: str, score: Mapping[str, Any], before: Mapping[str, Any]) -> ScoreLine:
    value, reference, direction = score.get("value"), score.get("reference"), str(score.get("direction") or "")
    old, better, change = before.get("value"), 0, None
    if value is not None and old is not None:
        change = (value - old) / abs(old) if old else None
        nearer = abs(old - reference) - abs(value - reference) if reference is not None else 0.0
        gain = {"lower": old - value, "higher": value - old, "target": nearer}
        worth = gain.get(direction, 0.0)
        better = 0 if abs(value - old) < 0.01 * abs(old) else (worth > 0) - (worth < 0)
    spread = score.get("spread")
    facts = [
        f"{number(value)}" + (f" ± {number(spread)}" if spread else "") + f", n = {score.get('n', 0):,}" if value is not None else "",
        MEANS.get(direction, ""),
        f"reference {number(reference)}" if reference is not None else "",
        f"{number(old)} the time before" if old is not None else "",
    ]
    title = str(score.get("label") or name)
    tip = f"<p><b>{escape(title)}</b></p><p>{escape(str(score.get('doc') or ''))}</p><p>{escape('; '.join(f for f in facts if f))}</p>"
    return ScoreLine(name, title, value, reference, direction, change, better, tip)


class ScoreModel(QAbstractListModel):
    """The lines of one evaluation."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.lines: list[ScoreLine] = []

    def rowCount(self, parent: _Index | None = None) -> int:
        """All of them."""
        return 0 if parent is not None and parent.isValid() else len(self.lines)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The line; in words for who cannot see it."""
        line = self.lines[index.row()]
        words = f"{line.label} {number(line.value)}" + (f", reference {number(line.reference)}" if line.reference is not None else "")
        return {int(Qt.ItemDataRole.DisplayRole): words, int(Qt.ItemDataRole.ToolTipRole): line.tip, LINE: line}.get(int(role))

    def show_lines(self, lines: list[ScoreLine]) -> None:
        """Another evaluation."""
        self.beginResetModel()
        self.lines = lines
        self.endResetModel()


class _Painter(QStyledItemDelegate):
    """Name and arrow, value, reference, change since the time before."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """One line."""
        t, box, line = theme.theme(), QRectF(option.rect), index.data(LINE)  # pyright: ignore[reportAttributeAccessIssue]
        change = f"{line.change:+.0%}".replace("-", "−") if line.change is not None and 0.005 <= abs(line.change) < 10 else ""
        words = (number(line.value), _brief(line.reference), change)
        colours = (t.ink if line.value is not None else t.muted, t.muted, {1: t.good, -1: t.bad}.get(line.better, t.muted))
        painter.save()
        right = box.right() - 2
        for word, colour, wide, weight in reversed(list(zip(words, colours, WIDTHS, (600, 400, 400), strict=True))):
            painter.setFont(theme.font(11, weight))
            painter.setPen(QColor(colour))
            place = QRectF(right - t.px(wide), box.top(), t.px(wide), box.height())
            painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, word)
            right -= t.px(wide)
        painter.setFont(theme.font(11))
        painter.setPen(QColor(t.ink))
        name = QRectF(box.left() + 2, box.top(), right - box.left() - 2, box.height())
        text = f"{line.label} {ARROWS.get(line.direction, '')}".rstrip()
        text = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, int(name.width()))
        painter.drawText(name, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        """A caption."""
        return QSize(40, theme.theme().px(17))


def _brief(value: float | None) -> str:
    """A reference, which has little room: two digits where it is small."""
    if value is None:
        return ""
    return f"{value:.1g}".replace("-", "−") if 0 < abs(value) < 0.01 else number(value)


WIDTHS = (50, 54, 44)  # pixels of value, reference and change


class Scores(Card):
    """The newest evaluation as a list under its heads."""

    def __init__(self, kind: str = "pictures") -> None:
        super().__init__(margin=12, spacing=2)
        what = {"text": "sentences", "data": "data"}.get(kind, "pictures")
        self.body.setContentsMargins(12, 8, 8, 6)
        self.title, self.samples = label("Scores", "section"), ElidedLabel("", "caption", Qt.TextElideMode.ElideLeft)
        heads = row(self.title, self.samples, spacing=6)
        heads.setStretch(1, 1)
        for word, wide, tip in zip(("value", "real", "change"), WIDTHS, _TIPS, strict=True):
            head = label(word, "caption")
            head.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            head.setFixedWidth(theme.theme().px(wide))
            head.setToolTip(tip.format(what))
            heads.addWidget(head)
        heads.setSpacing(0)
        heads.setContentsMargins(2, 0, 2 + theme.theme().px(10), 0)  # the scroll bar's place
        self.body.addLayout(heads)
        self.view, self.model = QListView(), ScoreModel(self)
        self.view.setModel(self.model)
        self.view.setItemDelegate(_Painter(self))
        self.view.setUniformItemSizes(True)
        self.view.setSelectionMode(QListView.SelectionMode.NoSelection)
        self.view.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setAccessibleName("Scores of the newest evaluation")
        self.body.addWidget(self.view, 1)

    def show_evaluation(self, line: Mapping[str, Any], before: Mapping[str, Any] | None) -> None:
        """A line of the journal, and the one of the evaluation before."""
        self.samples.setText(f" · step {line['step']:,}")
        self.samples.setToolTip(f"{line.get('n', 0):,} samples of seed {line.get('seed', 0)}")
        self.model.show_lines(score_lines(line["scores"], before["scores"] if before else {}))


_BUSY, _TEACHING = "Evaluating {:.0%}", "Teaching judge {:.0%}"
_TIPS = ("Of the samples", "What as many real {} get", "Since the evaluation before")


class EvaluateBar(QWidget):
    """When to evaluate, and how far the present evaluation is.

    Signals:
        changed (Evaluate): the person wants another rhythm.
        now (): evaluate the present step.
    """

    changed = Signal(object)
    now = Signal()

    def __init__(self, kind: str = "pictures") -> None:
        super().__init__()
        self.on = QCheckBox("Evaluate every")
        self.on.setToolTip("Measure the samples at the multiples of so many steps, beside the training")
        self.every = spin(10, 1_000_000, EVERY, "Steps between two evaluations", step=100)
        self.samples = spin(50, 50_000, SAMPLES, "", step=500)
        self.set_kind(kind)
        for field in (self.every, self.samples):
            field.valueChanged.connect(self._tell)
        self.on.toggled.connect(self._tell)
        self.now_button = button(_TEACHING.format(1.0), clicked=self.now.emit)
        theme.notifier.changed.connect(self._fit)
        self._fit()
        self.setLayout(row(1, self.on, self.every, label("steps with"), self.samples, label("samples"), self.now_button, spacing=4))
        self.show_progress(0, 0, 0)

    def set_kind(self, kind: str) -> None:
        """What the samples are: "pictures" or "text"; "data" where a page takes any."""
        more = {"pictures": f"; {ENOUGH * FEATURES:,} or more for the Fréchet distance", "text": ", of each generator"}.get(kind, "")
        self.samples.setToolTip(f"Samples of an evaluation{more}")
        self.samples.setAccessibleName(f"Samples of an evaluation{more}")

    def wish(self) -> Evaluate:
        """What is chosen."""
        return Evaluate(self.every.value() if self.on.isChecked() else 0, self.samples.value())

    def show_progress(self, step: int, done: float, total: float, doing: str = "") -> None:
        """How far the evaluation of a step is, and what it is at, such as "teaching the judge"; a total of 0 is none."""
        busy = done < total
        words = _TEACHING if doing.startswith("teaching") else _BUSY
        self.now_button.setText(words.format(done / total) if busy else "Evaluate now")
        about = f"Step {step:,} is being evaluated" + (f": {doing}" if doing else "")
        self.now_button.setToolTip(about if busy else "Measure the samples of the present step")
        self.now_button.setEnabled(not busy)

    def _fit(self) -> None:
        for field in (self.every, self.samples):
            field.setFixedWidth(theme.theme().px(74))  # in the smallest window all of it stays readable
        words = self.now_button.text()
        self.now_button.setText(_TEACHING.format(1.0))
        self.now_button.setMinimumWidth(self.now_button.sizeHint().width())  # nothing moves when it counts
        self.now_button.setText(words)

    def _tell(self, *_: object) -> None:
        self.changed.emit(self.wish())


class QualityPanel(QStackedWidget):
    """Scores of the newest evaluation, and the main ones over steps."""

    def __init__(self, kind: str = "pictures", plots: Mapping[str, Sequence[Plot]] | None = None) -> None:
        """`kind` of samples: "pictures" or "text", or "data", which may be a toy; `plots` of each kind, where a system has its own."""
        super().__init__()
        self._kind, self._plots = kind, {"pictures": PLOTS, "text": TEXT_PLOTS, **(plots or {})}
        self.lines: list[Mapping[str, Any]] = []
        self.empty = Card()
        self.words = words = label(EMPTY[kind], "muted")
        self.doing, self.skipped = ElidedLabel("", "caption"), ElidedLabel("", "caption")
        words.setWordWrap(True)
        words.setMaximumWidth(theme.theme().px(640))
        self.empty.body.addStretch(1)
        self.empty.body.addLayout(row(1, words, 1))
        self.empty.body.addStretch(1)
        shown = QWidget()
        self._line = row(spacing=12)
        self._put()
        whole = column(shown, spacing=4)
        whole.addLayout(self._line, 1)
        whole.addLayout(row(self.doing, self.skipped, spacing=16))
        for note in (self.doing, self.skipped):
            note.hide()
        self.addWidget(self.empty)
        self.addWidget(shown)

    def _put(self) -> None:
        self.scores, self.curves = Scores(self._kind), CurvesPanel(self._plots.get(self._kind, self._plots["text"]), smoothing=0.0, points=True)
        self.scores.setMinimumWidth(theme.theme().px(300))
        self._line.addWidget(self.scores, 1)
        self._line.addWidget(self.curves, 3)

    def set_kind(self, kind: str) -> None:
        """Scores and curves of samples of another kind."""
        if kind == self._kind:
            return
        self._kind = kind
        for old in (self.scores, self.curves):
            self._line.removeWidget(old)
            old.hide()
            old.deleteLater()
        self._put()
        self.clear()
        self.words.setText(EMPTY[kind])

    def show_line(self, line: Mapping[str, Any]) -> None:
        """A line "evaluated" of the journal; one of an earlier step only joins the curves."""
        self.lines = sorted([old for old in self.lines if old["step"] != line["step"]] + [line], key=lambda one: one["step"])
        self.curves.history.clear()
        for one in self.lines:
            scores = one["scores"]
            values = {name: score.get("value") for name, score in scores.items()}
            values |= {curve: scores.get(name, {}).get("reference") for curve, name in FLOORS.items()}
            values |= {f"{name}_floor": score.get("reference") for name, score in scores.items()}
            self.curves.add_point(one["step"], {name: value for name, value in values.items() if value is not None})
        self.curves.set_end(self._end)
        if self._kind != "pictures":  # an oracle's n-grams say little: every sequence of its tokens may occur
            self.curves.show_plots(
                [name for name in line["scores"] if name not in (("BLEU2", "mle_BLEU2") if "NLL_oracle" in line["scores"] else ())]
            )
        for card in self.curves.cards:
            card.show_reason(self._reason(card.fields()))
        self.scores.show_evaluation(self.lines[-1], self.lines[-2] if len(self.lines) > 1 else None)
        self.setCurrentIndex(1)

    def show_at(self, step: int | None) -> None:
        """The scores that were newest at a step; the newest of all for None."""
        known = [line for line in self.lines if step is None or line["step"] <= step] or self.lines[:1]
        if known:
            self.scores.show_evaluation(known[-1], known[-2] if len(known) > 1 else None)

    def _reason(self, fields: Sequence[str]) -> str:
        """Why none of these scores has a value; empty if one has."""
        measured = [score for line in self.lines for name, score in line["scores"].items() if name in fields]
        if any(score.get("value") is not None for score in measured):
            return ""
        return str(measured[-1].get("doc") or "") if measured else "It is not measured for this run."

    def show_doing(self, text: str) -> None:
        """What the evaluation that runs is at; empty for none."""
        self.doing.setText(text)
        self.doing.setVisible(bool(text))
        self.words.setText(BUSY[self._kind].format(text) if text else EMPTY[self._kind])

    def show_skipped(self, text: str) -> None:
        """Which evaluations were left out, and why; empty for none."""
        self.skipped.setText(text)
        self.skipped.setVisible(bool(text))

    def set_end(self, step: int) -> None:
        """How far the run has come."""
        self._end = step
        self.curves.set_end(step)

    def clear(self) -> None:
        """Another run, or the same one set back."""
        self.lines, self._end = [], 0
        self.curves.clear()
        self.scores.model.show_lines([])
        for card in self.curves.cards:
            card.show_reason("")
        self.setCurrentIndex(0)

    _end = 0
