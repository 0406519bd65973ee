"""The desk: what it shows of a sentence and its blanks, and what mouse and keys ask for."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QWidget

from studio import theme
from studio.panels.desk import DeskPanel, written
from studio.panels.deskwords import NONE
from studio.panels.tokenheat import SIZES, from_right
from studio.widgets import column
from tests.studio.filled import BLANKS, CATS, filled

pytestmark = pytest.mark.usefixtures("dressed")
ARABIC = ["القطط", "القديمة", "بالقرب", "من", "المنزل", "تنام"]


@pytest.fixture
def desk(qtbot) -> DeskPanel:
    out = DeskPanel()
    qtbot.addWidget(out)
    theme.set_accent(out, "maskgan")
    out.resize(900, 160)
    out.show()
    out.show_desk(CATS, BLANKS, fillings=filled())
    return out


@pytest.fixture
def heard(desk) -> list[tuple]:
    """Everything that it says, in order."""
    said: list[tuple] = []
    for name in ("blanked", "end_toggled", "picked", "locked", "rerolled", "typed", "chosen"):
        getattr(desk, name).connect(lambda *args, name=name: said.append((name, *args)))
    return said


def at(desk: DeskPanel, place: int) -> QPoint:
    return desk.words.box_of(place).center().toPoint()


def click(desk: DeskPanel, place: int) -> None:
    QTest.mouseClick(desk.words, Qt.MouseButton.LeftButton, pos=at(desk, place))


def key(desk: DeskPanel, *keys) -> None:
    for one in keys:
        QTest.keyClick(desk.words, one)


def drag(desk: DeskPanel, first: int, last: int) -> None:
    QTest.mousePress(desk.words, Qt.MouseButton.LeftButton, pos=at(desk, first))
    QTest.mouseMove(desk.words, at(desk, last))
    QTest.mouseRelease(desk.words, Qt.MouseButton.LeftButton, pos=at(desk, last))


def shown(desk: DeskPanel) -> list[str]:
    return [token.word for token in desk.words.tokens]


class TestWhatItShows:
    def test_the_shown_alternative_stands_in_the_blanks(self, desk) -> None:
        assert shown(desk) == ["the", "old", "cats", "near", "the", "river", "run", "quietly", ".", "end"]
        desk.show_desk(CATS, BLANKS, fillings=filled(shown=1))
        assert shown(desk)[5:7] == ["river", "sleep"]
        facts = filled(shown=1)
        assert [t.value for t in desk.words.tokens[:-1]] == pytest.approx(facts.realism[1])
        assert desk.words.tokens[8].lean == pytest.approx(1 - 2 * facts.realism[1, 8])  # 0.5 is grey

    def test_a_dash_where_nothing_fills_a_blank(self, desk) -> None:
        desk.show_desk(CATS, (2, 3), ((3, "far"),))
        assert shown(desk)[2:4] == [NONE, "far"]
        desk.show_desk(CATS, (2, 7), fillings=filled())  # 7 was not a blank when these were made
        assert shown(desk)[7] == NONE
        assert shown(desk)[5] == "house"  # no blank any more: the truth

    def test_words_of_an_open_end_follow(self, desk, heard) -> None:
        facts = filled(blanks=(2, 9, 10, 11), rows=[["dogs", "and", "run", ""]], k=3)
        desk.show_desk(CATS, (2,), (), True, fillings=facts)
        assert shown(desk)[9:] == ["and", "run", "open end"]
        assert {9, 10} <= desk.words.blanks
        click(desk, 9)
        key(desk, Qt.Key.Key_Space, Qt.Key.Key_2, Qt.Key.Key_L)
        assert heard == [("chosen", 9), ("picked", 9, 1), ("locked", 9, True)]  # but never blanked
        click(desk, 11)
        assert heard[-1] == ("end_toggled", False)

    def test_what_is_said_of_a_word(self, desk) -> None:
        desk.choose(5)
        about = desk.words.accessibleDescription()
        assert about.startswith("river\nD takes it for real with p 0.248\np 0.250 of this word")
        assert desk.words.accessibleName() == "The sentence on the desk"
        facts = filled(given=("the", "<unk>", "", "near", "the", "", "", "quietly", "."))
        desk.show_desk(CATS, BLANKS, fillings=facts)
        assert "The net reads it as <unk>" in desk.words.words_of(1)

    def test_blanks_are_in_boxes_of_the_accent_and_a_lock_takes_room(self, desk) -> None:
        plain = desk.words.box_of(2).width()
        desk.show_desk(CATS, BLANKS, ((2, "cats"),), fillings=filled(fixed=(2,)))
        assert desk.words.box_of(2).width() == pytest.approx(plain + 16)
        image, accent = desk.words.grab().toImage(), theme.accent("maskgan")

        def edge(place: int) -> str:
            box = desk.words.box_of(place)
            return image.pixelColor(round(box.center().x()), round(box.top()) + 1).name().upper()

        assert edge(2) == edge(5) == accent
        assert edge(3) != accent

    def test_right_to_left_flows_from_the_right(self, desk, heard) -> None:
        assert from_right(ARABIC)
        assert not from_right(["1", "—", "the", ARABIC[0]])
        desk.show_desk(ARABIC, (1,), fillings=filled(ARABIC, (1,), [["كلب"]]))
        lefts = [desk.words.box_of(i).left() for i in range(len(ARABIC) + 1)]
        assert lefts == sorted(lefts, reverse=True)
        assert desk.words.box_of(0).right() >= desk.words.width() - 2
        desk.choose(1)
        key(desk, Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Right)
        assert heard == [("chosen", 2), ("chosen", 1), ("chosen", 0)]

    def test_a_word_longer_than_a_line_ends_in_dots_and_is_whole_in_its_tip(self, desk) -> None:
        long = "Donau" * 40
        desk.show_desk([long, "é", "à̂"], ())
        assert desk.words.box_of(0).width() <= desk.words.width()
        assert long in desk.words.words_of(0)
        desk.grab()

    def test_long_sentences_get_smaller_words_and_the_height_stays_while_they_are_the_same(self, desk) -> None:
        low = desk.area.height()
        assert desk.words._size == SIZES[0]
        desk.show_desk(CATS * 12, ())
        assert desk.words._size < SIZES[0]
        assert low < desk.area.height() <= 240
        high = desk.area.height()
        desk.show_desk(CATS * 12, range(0, 108, 2))  # dashes are narrow: fewer lines
        assert desk.area.height() >= high
        desk.show_desk(CATS, ())
        assert desk.area.height() == low

    def test_stale_is_faint_until_the_next_look(self, desk) -> None:
        fresh = desk.grab().toImage()
        desk.set_stale(True)
        assert desk.grab().toImage() != fresh
        desk.show_desk(CATS, BLANKS, fillings=filled())
        assert desk.grab().toImage() == fresh


class TestMouse:
    def test_a_click_toggles_a_blank(self, desk, heard) -> None:
        click(desk, 3)
        click(desk, 5)
        assert heard == [("chosen", 3), ("blanked", [3], True), ("chosen", 5), ("blanked", [5], False)]

    def test_the_end(self, desk, heard) -> None:
        click(desk, len(CATS))
        assert heard == [("chosen", 9), ("end_toggled", True)]

    def test_a_drag_makes_all_what_the_first_was_not(self, desk, heard) -> None:
        drag(desk, 4, 7)
        assert heard[-1] == ("blanked", [4, 7], True)  # 5 and 6 are blanks already
        drag(desk, 6, 1)
        assert heard[-1] == ("blanked", [2, 5, 6], False)
        drag(desk, 7, 9)  # the end is no word
        assert heard[-1] != ("end_toggled", True)

    def test_fillings_that_come_while_a_button_is_held_do_not_lose_the_click(self, desk, heard) -> None:
        QTest.mousePress(desk.words, Qt.MouseButton.LeftButton, pos=at(desk, 1))
        desk.show_desk(CATS, BLANKS, fillings=filled(shown=1))
        QTest.mouseRelease(desk.words, Qt.MouseButton.LeftButton, pos=at(desk, 1))
        assert heard[-1] == ("blanked", [1], True)

    def test_a_double_click_takes_the_click_back_and_types(self, desk, heard) -> None:
        click(desk, 3)
        desk.show_desk(CATS, (*BLANKS, 3))
        QTest.mouseDClick(desk.words, Qt.MouseButton.LeftButton, pos=at(desk, 3))
        assert heard[1:] == [("blanked", [3], True), ("blanked", [3], False)]
        assert desk.editing()

    def test_what_is_dropped_is_the_sentence(self, desk, heard) -> None:
        data = QMimeData()
        data.setText("a ___ \n dog\t.")
        copy, none = Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
        desk.dropEvent(QDropEvent(QPointF(5, 5), copy, data, Qt.MouseButton.LeftButton, none))
        assert heard == [("typed", "a ___ dog .")]


class TestKeys:
    def test_space_figures_lock_and_enter(self, desk, heard) -> None:
        desk.choose(2)
        key(desk, Qt.Key.Key_Space, Qt.Key.Key_4, Qt.Key.Key_5, Qt.Key.Key_L, Qt.Key.Key_Return)
        assert heard == [("blanked", [2], False), ("picked", 2, 3), ("locked", 2, True), ("rerolled",)]  # there is no fifth
        desk.show_desk(CATS, BLANKS, ((2, "cats"),), fillings=filled(fixed=(2,)))
        key(desk, Qt.Key.Key_L)
        assert heard[-1] == ("locked", 2, False)

    def test_on_a_given_word_there_is_nothing_to_pick_or_lock(self, desk, heard) -> None:
        desk.choose(3)
        key(desk, Qt.Key.Key_1, Qt.Key.Key_L)
        desk.show_desk(CATS, (3,))
        key(desk, Qt.Key.Key_1, Qt.Key.Key_L)  # an empty blank
        assert heard == []

    def test_arrows(self, desk, heard) -> None:
        key(desk, Qt.Key.Key_Home, Qt.Key.Key_Right, Qt.Key.Key_End, Qt.Key.Key_Left)
        assert [place for _, place in heard] == [0, 1, 9, 8]

    def test_tab_goes_from_blank_to_blank_and_then_away(self, qtbot, desk, heard) -> None:
        before, after, holder = QLineEdit(), QLineEdit(), QWidget()
        qtbot.addWidget(holder)
        body = column(holder)
        for part in (before, desk, after):
            body.addWidget(part)
        holder.show()
        with qtbot.waitActive(holder):
            holder.activateWindow()
        before.setFocus()
        for _ in range(4):
            QTest.keyClick(holder.focusWidget(), Qt.Key.Key_Tab)
        assert [place for name, place in heard if name == "chosen"] == [2, 5, 6]
        assert after.hasFocus()
        for _ in range(4):
            QTest.keyClick(holder.focusWidget(), Qt.Key.Key_Backtab)
        assert [place for name, place in heard if name == "chosen"] == [2, 5, 6, 5, 2]
        assert before.hasFocus()
        desk.setParent(None)  # who made it closes it

    def test_copy_and_paste(self, desk, heard) -> None:
        QTest.keyClick(desk.words, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
        assert QGuiApplication.clipboard().text() == "the old cats near the river run quietly."
        QGuiApplication.clipboard().setText("a\n___ dog")
        QTest.keyClick(desk.words, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
        assert heard == [("typed", "a ___ dog")]


class TestTyping:
    @pytest.mark.parametrize(
        ("words", "blanks", "fixed", "joiner", "text"),
        [
            ("the cats sleep .", (1, 2), (), " ", "the ___ ___ ."),
            ("the cats , sleep .", (1,), (), " ", "the ___ , sleep."),
            ("the cats sleep .", (1, 2), ((2, "run"),), " ", "the ___ run."),
            ("床 前 明 月", (1,), (), "", "床 ___ 明月"),
        ],
    )
    def test_as_a_person_writes_it(self, words, blanks, fixed, joiner, text) -> None:
        assert written(words.split(), blanks, fixed, joiner) == text

    def test_enter_takes_what_changed(self, desk, heard) -> None:
        key(desk, Qt.Key.Key_E)
        assert desk.editor.text() == "the old ___ near the ___ ___ quietly."
        QTest.keyClick(desk.editor, Qt.Key.Key_Return)
        assert not desk.editing()
        assert heard == []
        key(desk, Qt.Key.Key_F2)
        desk.editor.setText("the ___ sleep")
        desk.show_desk(CATS, BLANKS, fillings=filled(shown=1))  # fillings that come meanwhile leave it alone
        assert desk.editor.text() == "the ___ sleep"
        QTest.keyClick(desk.editor, Qt.Key.Key_Return)
        assert heard == [("typed", "the ___ sleep")]

    def test_escape_and_another_sentence_close_it(self, desk, heard) -> None:
        desk.edit()
        desk.editor.setText("other")
        QTest.keyClick(desk.editor, Qt.Key.Key_Escape)
        assert not desk.editing()
        desk.edit()
        desk.show_desk(["hello"], ())
        assert not desk.editing()
        assert heard == []

    def test_an_empty_desk_says_what_to_do_and_can_be_typed_on(self, desk, heard) -> None:
        desk.show_desk((), ())
        assert desk.empty.isVisible()
        assert desk.editor.isVisible()
        assert not desk.area.isVisible()
        desk.editor.setText("the ___ sleep")
        QTest.keyClick(desk.editor, Qt.Key.Key_Return)
        assert heard == [("typed", "the ___ sleep")]
        desk.show_desk(["the", "x", "sleep"], (1,))
        assert desk.area.isVisible()
        assert not desk.editor.isVisible()
