"""One sentence under the reward's lens: Q of every token, and the roll-outs that it is the mean of (SeqGAN, eq. 4)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio import theme
from studio.panels.rolloutree import ROW, RolloutTree, TreeHead, scale_of
from studio.panels.scrolling import scrolled
from studio.panels.tokenheat import SIZES, HeatKey, Token, TokenHeat, leans, reach_of
from studio.widgets import ElidedLabel, column, label, number, row

_PART = 0.45  # of the height that the sentence may take


def sharpest(Q: np.ndarray) -> int:
    """The token at which Q changes most against the one before it; 0 where there is none."""
    jumps = np.abs(np.diff(np.asarray(Q, float)))
    jumps = jumps[: len(Q) - 1]
    return int(np.nanargmax(jumps)) + 1 if np.isfinite(jumps).any() else 0


class RewardView(QWidget):
    """A sentence with Q as heat under its words, and under them the roll-outs of the chosen word as a tree.

    Signals:
        chosen(int): the person chose another word.
    """

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.title, self.right, self.key = label("Reward of one sentence", "section"), ElidedLabel("", "caption"), HeatKey()
        self.title.setToolTip("Q of a word is the mean of D's verdicts on N sentences that begin alike up to it and are drawn to their end")
        self.right.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        head = row(self.title, self.right, self.key, spacing=12)
        head.setStretch(1, 1)
        self.empty = label("No sentence yet", "muted")
        self.empty.setWordWrap(True)
        self.words, self.tree = TokenHeat("Q of each word"), RolloutTree()
        self.head = TreeHead(self.tree)
        self.words.chosen.connect(self._on_chosen)
        self.words.installEventFilter(self)
        self.line, self.area = scrolled(self.words, sideways=False), scrolled(self.tree, sideways=False)
        for area in (self.line, self.area):
            area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.verticalScrollBar().valueChanged.connect(self.tree.update)  # the trunk stays in view
        body = column(self, spacing=6)
        body.addLayout(head)
        body.addWidget(self.empty, 0, Qt.AlignmentFlag.AlignTop)
        body.addWidget(self.line)
        below = column(spacing=0)
        below.addWidget(self.head)
        below.addWidget(self.area, 1)
        body.addLayout(below, 1)
        self.setFocusProxy(self.words)
        self.setAccessibleName("Reward of one sentence")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._Q, self._verdict, self._joiner = np.zeros(0), float("nan"), " "
        self._middle, self._reach, self._scale = np.zeros(0), 1.0, 1.0
        self._rollouts: Sequence[Sequence[Sequence[str]]] = ()
        self._verdicts: Sequence[np.ndarray] = ()
        self.show_reason("No sentence yet")
        theme.notifier.changed.connect(self._fit)

    # --- what the page says ---

    def show_rewards(
        self,
        tokens: Sequence[str],
        Q: np.ndarray,
        verdict: float,
        rollouts: Sequence[Sequence[Sequence[str]]],
        verdicts: Sequence[np.ndarray],
        *,
        baseline: np.ndarray | None = None,
        joiner: str = " ",
        step: int = 0,
    ) -> None:
        """Show a sentence of T tokens; what was stale is fresh. The chosen word stays where the sentence is the same.

        `Q`: (T,), the last is `verdict`, D's of the sentence itself. For each t but the last, `rollouts[t]` are N continuations
        after token t and `verdicts[t]`, (N,), D's of the sentences they make. Heat is against `baseline`, (T,), or the mean of Q.
        Raises ValueError where the numbers do not fit each other.
        """
        if not len(tokens):
            self.show_reason("An empty sentence")
            return
        Q = np.asarray(Q, float)
        _check(len(tokens), Q, rollouts, verdicts, baseline)
        same = list(tokens) == [token.word for token in self.words.tokens]
        place = self.words.place() if same and self.words.place() >= 0 else sharpest(Q)
        self._Q, self._verdict, self._joiner, self._rollouts = Q, float(verdict), joiner, rollouts
        self._verdicts = [np.asarray(v, float) for v in verdicts]
        mean = float(np.nanmean(Q)) if np.isfinite(Q).any() else float("nan")
        self._middle = np.full(len(Q), mean) if baseline is None else np.asarray(baseline, float)
        self._scale = scale_of([*self._verdicts, Q])
        against = "mean" if baseline is None else "baseline"
        tips = [f"{against} {number(float(m))}" for m in self._middle]
        self._reach = reach_of(Q, self._middle)
        heats = leans(Q, self._middle, self._reach)
        self.words.show_tokens([Token(w, float(q), float(h), tip) for w, q, h, tip in zip(tokens, Q, heats, tips, strict=True)], joiner)
        self.key.show_ends(f"below {against}", "above")
        self.right.setText(" · ".join(filter(None, (f"D(Y) {number(self._verdict)}", f"step {step:,}" if step else ""))))
        self._set_shown(True)
        self._fit()
        self.words.choose(place)
        self._show_tree()
        self.set_stale(False)

    def show_reason(self, text: str) -> None:
        """Why there is none, in one line."""
        self.words.show_tokens((), self._joiner)
        self.tree.clear()
        self.right.setText("")
        self.empty.setText(text)
        self._set_shown(False)

    def choose(self, place: int) -> None:
        """Choose a word without telling anybody."""
        if 0 <= place < len(self.words.tokens) and place != self.words.place():
            self.words.choose(place)
            self._show_tree()
            self.tree.unfold()

    def place(self) -> int:
        """The chosen word; -1 for none."""
        return self.words.place()

    def set_stale(self, stale: bool) -> None:
        """Fade what no longer belongs to the present settings."""
        self.words.set_stale(stale)
        self.tree.set_stale(stale)

    # --- the tree ---

    def _show_tree(self) -> None:
        place, tokens = self.words.place(), [token.word for token in self.words.tokens]
        last, q = place == len(tokens) - 1, float(self._Q[place])
        rollouts, verdicts = ([()], np.array([self._verdict])) if last else (self._rollouts[place], self._verdicts[place])
        middle, reach = float(self._middle[place]), self._reach  # a verdict has the colour that a word of that Q would have
        self.tree.show_tree(
            tokens[: place + 1],
            rollouts,
            verdicts,
            q,
            joiner=self._joiner,
            scale=self._scale,
            heat=lambda v: float(leans(v, middle, reach)),
        )
        if last:
            words = "Last word: the sentence is complete, D judges it itself, no roll-outs"
        else:
            words = f"{len(rollouts)} roll-out{'s' if len(rollouts) != 1 else ''} after “{tokens[place]}”, word {place + 1} of {len(tokens)}"
        self.head.show_words(words, self._scale, f"D(Y) {number(self._verdict)}" if last else f"Q {number(q)}")
        at = self.words.box_of(place).center().toPoint()
        self.line.ensureVisible(at.x(), at.y(), 0, theme.theme().px(24))

    def _on_chosen(self, place: int) -> None:
        self.area.verticalScrollBar().setValue(0)
        self._show_tree()
        self.tree.unfold()
        self.chosen.emit(place)

    # --- sizes ---

    def sizeHint(self) -> QSize:
        """Two lines of words and seven roll-outs."""
        return QSize(theme.theme().px(640), theme.theme().px(340))

    def minimumSizeHint(self) -> QSize:
        """Small words and two roll-outs."""
        return QSize(theme.theme().px(360), theme.theme().px(180))

    def _set_shown(self, on: bool) -> None:
        self.empty.setVisible(not on)
        for part in (self.line, self.head, self.area, self.key):
            part.setVisible(on)

    def _fit(self) -> None:
        """The largest words that leave room for the tree; the smallest scroll."""
        self.area.verticalScrollBar().setSingleStep(theme.theme().px(ROW))
        wide, part = max(1, self.width()), round(_PART * self.height())
        ways = [*((size, True) for size in SIZES), (SIZES[-1], False)]
        size, numbers = next((way for way in ways if self.words.high(wide, *way) <= part), ways[-1])
        self.words.set_size(size, numbers=numbers)
        self.line.setFixedHeight(min(self.words.high(wide, size, numbers), max(part, self.words.high(1 << 20, size, numbers))))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Other words."""
        super().resizeEvent(event)
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Up, Down and the page keys on the words scroll the roll-outs."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            bar, row_high = self.area.verticalScrollBar(), theme.theme().px(ROW)
            page = max(row_high, bar.pageStep() // row_high * row_high)
            steps = {Qt.Key.Key_Up: -row_high, Qt.Key.Key_Down: row_high, Qt.Key.Key_PageUp: -page, Qt.Key.Key_PageDown: page}
            if event.key() in steps:
                bar.setValue(bar.value() + steps[Qt.Key(event.key())])
                return True
        return super().eventFilter(watched, event)


def _check(T: int, Q: np.ndarray, rollouts: Sequence[Sequence[Sequence[str]]], verdicts: Sequence[np.ndarray], baseline: np.ndarray | None) -> None:
    if Q.shape != (T,) or (baseline is not None and np.shape(baseline) != (T,)):
        raise ValueError(f"A sentence of {T} tokens takes as many values, not {Q.shape}.")
    if not len(rollouts) == len(verdicts) == T - 1:
        raise ValueError(f"A sentence of {T} tokens takes roll-outs of {T - 1}, not {len(rollouts)} with {len(verdicts)} rows of verdicts.")
    for t, (texts, values) in enumerate(zip(rollouts, verdicts, strict=True)):
        if len(texts) != len(values):
            raise ValueError(f"Token {t}: {len(texts)} roll-outs with {len(values)} verdicts.")
