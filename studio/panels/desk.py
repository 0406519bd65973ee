"""The desk: one sentence in large words, its blanks, what fills them, and D's realism under every word."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QLineEdit, QSizePolicy, QWidget

from models.algorithms.maskgan.fillings import Fillings
from models.data.vocabulary import spaces
from studio import theme
from studio.panels.deskwords import DeskWords
from studio.panels.scrolling import scrolled
from studio.panels.tokenheat import SIZES, HeatKey
from studio.widgets import ElidedLabel, column, label, row

BLANK = "___"
KEYS = "click a word to blank it, drag for several · Tab next blank · 1–9 choose · L lock · Enter re-roll · E type"
TYPING = f"{BLANK} is a blank · Enter takes the sentence · Esc leaves it as it was"
EMPTY = f"Type or paste a sentence, drop one here, or draw a test sentence; {BLANK} is a blank, and a click on a word makes it one"
MOST = 240  # pixels that the words may take before they get smaller
_SIZES = SIZES[:3]
_LARGE, _WIDE = (34, 28), 1080  # pixels of the words of a short sentence where the desk is as wide as this


def written(tokens: Sequence[str], blanks: Sequence[int], fixed: Sequence[tuple[int, str]], joiner: str) -> str:
    """A sentence as a person would type it: `___` at each blank that nobody has filled, with spaces around it."""
    held = dict(fixed)
    gaps = set(blanks) - set(held)
    words = [BLANK if i in gaps else held.get(i, token) for i, token in enumerate(tokens)]
    between = [" " if i and (i in gaps or i - 1 in gaps) else space for i, space in enumerate(spaces(words, joiner))]
    return "".join(space + word for space, word in zip(between, words, strict=True))


class DeskPanel(QWidget):
    """The sentence and its keys; it takes what height it needs, up to `set_most`. The page keeps the desk, and shows it after each change.

    A `place` is that of a token, from 0. Places from len(tokens) on are words of an open end: chosen, picked and locked, never blanked.

    Signals:
        blanked(list, bool): these places are to be blanks (True) or given words (False); those that already are, are left out.
        end_toggled(bool): the end is to be open.
        picked(int, int): the blank at this place is to hold its candidate of this rank, from 0.
        locked(int, bool): what is shown in the blank at this place is to stay (to be fixed), or not.
        rerolled(): Enter: other fillings of what is not fixed.
        typed(str): a sentence in one line, `___` for each blank; typed, pasted or dropped.
        chosen(int): another word is chosen; len of what is shown for the end.
    """

    blanked = Signal(list, bool)
    end_toggled = Signal(bool)
    picked = Signal(int, int)
    locked = Signal(int, bool)
    rerolled = Signal()
    typed = Signal(str)
    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.words, self.key = DeskWords(), HeatKey()
        for name in ("blanked", "end_toggled", "picked", "locked", "rerolled", "chosen"):
            getattr(self.words, name).connect(getattr(self, name))
        self.words.edited.connect(self.edit)
        self.words.pasted.connect(self._take)
        self.words.chosen.connect(self._see)
        self.words.setAcceptDrops(False)
        self.area = scrolled(self.words, sideways=False)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.editor = QLineEdit()
        self.editor.setAccessibleName("The sentence, with ___ for each blank")
        self.editor.setPlaceholderText(f"the old {BLANK} near the house")
        self.editor.returnPressed.connect(self._on_typed)
        self.editor.installEventFilter(self)
        self.editor.setAcceptDrops(False)
        self.empty = label(EMPTY, "muted")
        self.empty.setWordWrap(True)
        self.foot = ElidedLabel(KEYS, "caption")
        self.key.show_ends("D: fake", "real")
        self.key.setToolTip("The bar under a word is D's p(real) of it: orange is 0, grey 0.5, blue 1")
        foot = row(self.foot, self.key, spacing=12)
        foot.setStretch(0, 1)
        body = column(self, spacing=8)
        for part in (self.empty, self.area, self.editor):
            body.addWidget(part)
        body.addLayout(foot)
        self.setFocusProxy(self.words)
        self.setAcceptDrops(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._desk: tuple[tuple[str, ...], str] = ((), "")  # tokens, and how they would be typed
        self._most, self._high, self._typing = MOST, 0, False
        self._turn(False)
        theme.notifier.changed.connect(self._restyled)

    # --- what the page says ---

    def show_desk(
        self,
        tokens: Sequence[str],
        blanks: Sequence[int],
        fixed: Sequence[tuple[int, str]] = (),
        open_end: bool = False,
        *,
        fillings: Fillings | None = None,
        joiner: str = " ",
    ) -> None:
        """Show a desk, `tokens` to `open_end` as `Desk` has them; what was stale is fresh, and the chosen word stays where it still is one.

        Of the fillings those of alternative `shown` stand in the blanks, a dash in those that it does not fill; without fillings there is no heat.
        A sentence that is being typed is left alone, unless the tokens are others.
        """
        if tuple(tokens) != self._desk[0]:
            self._high = 0
            self._close()
            self.editor.clear()
        self._desk = (tuple(tokens), written(tokens, blanks, fixed, joiner))
        self.words.show_words(tokens, blanks, fixed, open_end, fillings, joiner)
        self.set_stale(False)
        self._turn(self.editing())

    def set_stale(self, stale: bool) -> None:
        """Fade what no longer belongs to the present settings."""
        self.words.set_stale(stale)

    def choose(self, place: int) -> None:
        """Choose a word, or none for -1, without telling anybody."""
        self.words.choose(place)
        self._see(place)

    def place(self) -> int:
        """The chosen word; -1 for none."""
        return self.words.place()

    def set_most(self, pixels: int) -> None:
        """How high, at UI scale 1, the words may be at 22 px; longer sentences get smaller words, and then scroll."""
        if pixels != self._most:
            self._most, self._high = pixels, 0
            self._fit()

    # --- typing ---

    def edit(self) -> None:
        """Open the field over the sentence."""
        if self._desk[0] and not self.editing():
            self.editor.setText(self._desk[1])
            self.editor.show()
        self.editor.setFocus()  # before the words are hidden: Qt would give it to the next widget
        self.editor.selectAll()
        self._turn(bool(self._desk[0]))

    def editing(self) -> bool:
        """Whether the sentence is being typed."""
        return self._typing

    def _on_typed(self) -> None:
        text, known = self.editor.text(), self._desk[1]
        self._close()
        if text.strip() != known:
            self._take(text)

    def _close(self) -> None:
        if self.editing():
            if self.editor.hasFocus():
                self.area.show()
                self.words.setFocus()  # before the field is hidden
            self._turn(False)

    def _take(self, text: str) -> None:
        line = " ".join(text.split())
        if line:
            self.typed.emit(line)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Text may be dropped."""
        if event.mimeData().hasText() and not event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Text is the sentence."""
        event.acceptProposedAction()
        self._close()
        self._take(event.mimeData().text())

    def mousePressEvent(self, event: object) -> None:
        """Who clicks on an empty desk wants to type."""
        if not self._desk[0]:
            self.editor.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What the words did not want."""
        event.ignore()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Esc in the field leaves the sentence as it was."""
        if watched is self.editor and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Escape:
            self._close()
            return True
        return super().eventFilter(watched, event)

    # --- sizes ---

    def _turn(self, typing: bool) -> None:
        some = bool(self._desk[0])
        self._typing = typing
        self.editor.setVisible(typing or not some)
        self.area.setVisible(not typing and some)
        self.empty.setVisible(not some)
        self.key.setVisible(some)
        self.foot.setText(TYPING if typing else KEYS if some else "Enter takes the sentence")
        self._fit()

    def _fit(self) -> None:
        """The largest words that leave room; the height is kept while the sentence is the same, so that the page does not jump."""
        t, wide = theme.theme(), max(1, self.width())
        most = t.px(self._most)
        large = [size for size in _LARGE if wide >= t.px(_WIDE) and self.words.high(wide, size) <= most / 2]
        size = next((size for size in (*large, *_SIZES) if self.words.high(wide, size) <= most), _SIZES[-1])
        self.words.set_size(size)
        self._high = max(self._high, min(most, self.words.high(wide, size)))
        self.area.setFixedHeight(max(1, self._high))
        self.editor.setFont(theme.font(18))
        self.editor.setMinimumHeight(max(t.px(36), min(self._high, t.px(44))))
        self.updateGeometry()

    def _see(self, place: int) -> None:
        if 0 <= place < len(self.words.tokens):
            at = self.words.box_of(place).center().toPoint()
            self.area.ensureVisible(at.x(), at.y(), 0, theme.theme().px(30))

    def _restyled(self) -> None:
        self._high = 0
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Other lines."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._high = 0
            self._fit()

    def minimumSizeHint(self) -> QSize:
        """A few words wide."""
        return QSize(theme.theme().px(320), super().minimumSizeHint().height())
