"""Sentences: what is new in them, how they are laid out, and what a person does with them."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QColor, QGuiApplication, QPixmap

from studio.panels.sentencerow import CALM, LINE, PAD, changed
from studio.panels.sentences import SentencesPanel

pytestmark = pytest.mark.usefixtures("dressed")

CATS = ["the", "old", "cats", "near", "the", "house", "sleep", "quietly", "."]


@pytest.fixture
def panel(qtbot) -> SentencesPanel:
    out = SentencesPanel("SeqGAN")
    qtbot.addWidget(out)
    out.resize(420, 300)
    out.show()
    return out


@pytest.mark.parametrize(
    ("old", "new", "marks"),
    [
        ("a b c", "a b c", "..."),
        ("a b c", "a x c", ".x."),
        ("a b c", "a x b c", ".x.."),  # a word put in
        ("a b c", "a c", ".."),  # a word left out
        ("a b c", "x y z", "xxx"),
        ("a b c d e", "a x c y e", ".x.x."),  # two places, what is between them stays
        ("", "a b", "xx"),
        ("a b", "", ""),
        ("a a", "a a a", "..x"),
    ],
)
def test_what_is_new(old: str, new: str, marks: str) -> None:
    assert changed(old.split(), new.split()) == [m == "x" for m in marks]


def test_the_first_look_marks_nothing_the_second_what_changed_the_third_what_changed_since(panel: SentencesPanel) -> None:
    panel.show_sentences([CATS, CATS], step=1)
    assert not any(panel.marks(0))
    dogs = [w.replace("cats", "dogs") for w in CATS]
    panel.show_sentences([dogs, CATS], step=2, note="temperature 1.00")
    assert [w for w, new in zip(dogs, panel.marks(0), strict=True) if new] == ["dogs"]
    assert not any(panel.marks(1))
    assert panel.right.full_text() == "temperature 1.00 · step 2"
    panel.show_sentences([dogs, CATS], step=2)  # the same look once more
    assert any(panel.marks(0))
    panel.show_sentences([dogs, CATS], step=3)
    assert not any(panel.marks(0))


def test_further_rows_are_not_marked_and_fewer_deselect(panel: SentencesPanel, qtbot) -> None:
    panel.show_sentences([CATS])
    panel.show_sentences([CATS, ["dogs"]], step=1)
    assert panel.marks(1) == [False]
    panel.select(1)
    with qtbot.waitSignal(panel.selected) as told:
        panel.show_sentences([CATS], step=2)
    assert told.args == [-1]
    assert panel.sentences() == [tuple(CATS)]


def test_only_sentences_that_changed_are_laid_out_again(panel: SentencesPanel) -> None:
    panel.show_sentences([CATS] * 64)
    texts = [line.text for line in panel.rows.rows]
    children = panel.findChildren(QObject)
    panel.show_sentences([*[CATS] * 63, ["dogs"]], step=1)
    after = [line.text for line in panel.rows.rows]
    assert all(a is b for a, b in zip(texts[:63], after[:63], strict=True))
    assert after[63] is not texts[63]
    assert panel.findChildren(QObject) == children  # no widget is made for a look


def test_only_rows_that_are_seen_are_painted(panel: SentencesPanel) -> None:
    panel.show_sentences([CATS] * 64)
    seen = panel.rows._between(0, 100)
    assert seen == range(5)
    assert panel.rows._between(-10, -1) == range(0)


def test_a_new_word_has_the_accent_an_unknown_one_is_muted(panel: SentencesPanel, dressed) -> None:
    dressed.set_accent(panel, "seqgan")
    panel.show_sentences([["a", "b", "<unk>"]])
    panel.show_sentences([["a", "c", "<unk>"]], step=1)
    for scheme in ("light", "dark"):
        dressed.apply(QGuiApplication.instance(), scheme)
        text = panel.rows.rows[0].text
        assert text is not None
        ranges = text.formats()
        looks = [(text.text()[f.start : f.start + f.length], f.format.foreground().color().name(), f.format.fontWeight()) for f in ranges]
        accent, muted = (QColor(color).name() for color in (dressed.theme().accent("seqgan"), dressed.theme().muted))
        assert [look[:2] for look in looks] == [("c", accent), ("<unk>", muted)]
        assert looks[0][2] == 600


def test_numbers_stand_in_columns(panel: SentencesPanel) -> None:
    panel.show_sentences([["4711", "7", "23"], ["1", "<unk>", "3"]])
    text = panel.rows.rows[0].text
    assert text is not None
    assert text.text() == "4711  \u2007\u2007\u20077  \u2007\u200723"
    panel.rows.select(0)
    panel.copy()
    assert QGuiApplication.clipboard().text() == "4711 7 23"


def test_a_new_number_is_as_wide_as_an_old_one(panel: SentencesPanel) -> None:
    panel.show_sentences([["4711", "1234", "9999"]])
    before = panel.rows.rows[0].text
    assert before is not None
    wide = before.lineAt(0).naturalTextWidth()
    panel.show_sentences([["4712", "1235", "9998"]], step=1)
    after = panel.rows.rows[0].text
    assert after is not None
    assert panel.marks(0) == [True] * 3
    assert after.lineAt(0).naturalTextWidth() == pytest.approx(wide, abs=2)


def test_characters_stand_without_spaces_and_wrap_anywhere(panel: SentencesPanel) -> None:
    panel.show_sentences([list("秦川雄帝宅" * 12)], joiner="")
    line = panel.rows.rows[0]
    assert line.text is not None
    assert line.text.text() == "秦川雄帝宅" * 12
    assert line.lines > 1
    panel.copy()
    assert QGuiApplication.clipboard().text() == "秦川雄帝宅" * 12


def test_a_row_keeps_its_room_for_a_while(panel: SentencesPanel) -> None:
    panel.show_sentences([CATS * 4, CATS])
    tall = panel.rows.rect_of(0).height()
    assert tall > LINE + 2 * PAD
    for step in range(1, CALM + 1):
        panel.show_sentences([CATS, CATS], step=step)
    assert panel.rows.rect_of(0).height() == tall
    panel.show_sentences([CATS, CATS], step=CALM + 1)
    assert panel.rows.rect_of(0).height() == LINE + 2 * PAD


def test_an_empty_sentence_is_said_to_be_empty(panel: SentencesPanel) -> None:
    panel.show_sentences([[], CATS])
    text = panel.rows.rows[0].text
    assert text is not None
    assert text.text() == "(empty)"


class TestHands:
    def test_a_click_selects(self, panel: SentencesPanel, qtbot) -> None:
        panel.show_sentences([CATS] * 3)
        at = panel.rows.rect_of(1).center().toPoint()
        with qtbot.waitSignal(panel.clicked) as told, qtbot.waitSignal(panel.selected) as chosen:
            qtbot.mouseClick(panel.rows, Qt.MouseButton.LeftButton, pos=at)
        assert told.args == chosen.args == [1]
        qtbot.mouseClick(panel.rows, Qt.MouseButton.LeftButton, pos=QPoint(20, panel.rows.height() - 2))
        assert panel.selection() == -1

    def test_keys(self, panel: SentencesPanel, qtbot) -> None:
        panel.show_sentences([[str(i)] for i in range(40)], captions=[f"−{i}" for i in range(40)])
        for key, at in [("Down", 0), ("Down", 1), ("Up", 0), ("Up", 0), ("End", 39), ("Down", 39), ("Home", 0), ("Escape", -1)]:
            qtbot.keyClick(panel.rows, getattr(Qt.Key, f"Key_{key}"))
            assert panel.selection() == at
        panel.select(39)
        assert panel.area.verticalScrollBar().value() > 0  # it is scrolled into view
        with qtbot.waitSignal(panel.clicked) as told:
            qtbot.keyClick(panel.rows, Qt.Key.Key_Return)
        assert told.args == [39]
        assert panel.rows.accessibleDescription() == "40: 39"

    def test_copy(self, panel: SentencesPanel, qtbot) -> None:
        panel.show_sentences([CATS, ["dogs", ",", "too"]])
        qtbot.keyClick(panel.rows, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
        assert QGuiApplication.clipboard().text() == "the old cats near the house sleep quietly.\ndogs, too"
        panel.select(1)
        qtbot.keyClick(panel.rows, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
        assert QGuiApplication.clipboard().text() == "dogs, too"


def test_none_says_why(panel: SentencesPanel) -> None:
    assert panel.empty.isVisible()
    assert panel.empty.text()
    panel.show_sentences([CATS])
    assert not panel.empty.isVisible()
    panel.show_reason("MLE has not begun")
    assert panel.empty.text() == "MLE has not begun"
    assert panel.empty.isVisible()
    assert not panel.area.isVisible()
    panel.show_sentences([CATS], step=1)
    assert not any(panel.marks(0))  # nothing to compare it with


def test_stale_is_faint_until_the_next_look(panel: SentencesPanel, qtbot) -> None:
    panel.show_sentences([CATS])
    fresh = panel.rows.grab().toImage()
    panel.set_stale(True)
    assert panel.rows.grab().toImage() != fresh
    panel.show_sentences([CATS])
    assert panel.rows.grab().toImage() == fresh


def test_what_comes_while_it_is_hidden_is_there_when_it_is_shown(panel: SentencesPanel, qtbot) -> None:
    panel.hide()
    panel.show_sentences([CATS] * 30)
    assert panel.rows.rows[0].text is None
    panel.select(2)
    assert panel.rows.rect_of(2).height() == LINE + 2 * PAD  # who asks is answered all the same
    panel.show_sentences([CATS] * 31, step=1)
    panel.show()
    qtbot.waitUntil(lambda: panel.rows.rows[0].text is not None)
    assert panel.rows.minimumHeight() > 30 * LINE


def test_another_scheme_and_width_paint_anew(panel: SentencesPanel, dressed, qtbot) -> None:
    panel.show_sentences([CATS * 2] * 3, captions=["−3.21", "−4.5"])
    light = panel.grab().toImage()
    dressed.apply(QGuiApplication.instance(), "dark")
    assert panel.grab().toImage() != light
    lines = panel.rows.rows[0].lines
    panel.resize(220, 300)
    qtbot.waitUntil(lambda: panel.rows.rows[0].lines > lines)
    panel.rows.leaveEvent(QEvent(QEvent.Type.Leave))
    assert isinstance(panel.grab(), QPixmap)
