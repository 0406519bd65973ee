"""What stands around the desk: alternatives, candidates, the token table, blanks by rule, fillings over training."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtTest import QTest

from studio import theme
from studio.panels.bars import ROW
from studio.panels.blankcards import BlankCards
from studio.panels.blanking import BlankingBar
from studio.panels.fillhistory import FillHistory
from studio.panels.fillings import FillingsPanel
from studio.panels.fillrows import FillRow, blamed
from studio.panels.tokentable import HEADS, TIPS, TokenTable
from tests.studio.filled import BLANKS, CATS, filled

pytestmark = pytest.mark.usefixtures("dressed")
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def shown(qtbot, panel, wide: int = 500, high: int = 260):
    qtbot.addWidget(panel)
    theme.set_accent(panel, "maskgan")
    panel.resize(wide, high)
    panel.show()
    return panel


class TestRows:
    def test_what_differs_from_the_first_and_from_the_truth(self) -> None:
        row = FillRow.of(["the", "dogs", "sleep", "run"], (1, 2, 3), ["the", "cats", "sleep", "run"], ["the", "dogs", "", "sleep"])
        assert (row.fresh, row.same, row.off) == ({1}, {2, 3}, {3})
        assert FillRow.of(["a", "b"], (1,)).fresh == {1}  # nothing to compare with

    def test_what_stands_behind_an_end_is_left_out(self) -> None:
        row = FillRow.of(["a", "b", "", "c", ""], (1, 2, 3, 4), ["a", "x", "", "c", ""])
        assert row.tokens == ("a", "b", "c")
        assert (row.fresh, row.same) == ({1}, {2})

    @pytest.mark.parametrize(
        ("why", "word"),
        [
            ("'cats … sleeps' do not agree in number.", "sleeps"),
            ("'sleep' (word 3) should be 'sleeps': it does not agree in number.", "sleep"),
            ("Word 3, 'dgos', is not a word of the grammar.", "dgos"),
            ("\"king's\" (word 2) cannot stand after 'the'.", "king's"),
            ("It ends too soon, after 'the'.", ""),
            ("", ""),
        ],
    )
    def test_the_word_that_is_wrong(self, why, word) -> None:
        assert blamed(why) == word

    def test_every_sentence_of_the_grammar_that_blames_a_word_blames_one_of_it(self) -> None:
        from models.data.grammar import why

        wrong = (["the", "the", "cats", "sleep", "."], ["the", "dgos", "sleep", "."], [*CATS[:6], "sleeps", *CATS[7:]])
        for words in (CATS, *wrong):
            said = why(words)
            assert (blamed(said) in words) if said else not blamed(said)


class TestFillingsPanel:
    def test_alternatives(self, qtbot) -> None:
        panel = shown(qtbot, FillingsPanel())
        panel.show_fillings(filled(shown=1, net="maskmle"), False)
        lines = panel.lines()
        assert panel.heading.text() == "MaskMLE"
        assert panel.right.full_text() == "1 of 2 valid · step 1,200 · log p"
        assert [line.name for line in lines] == ["1", "▸ 2", "3"]
        assert [line.caption for line in lines] == ["−1.00", "−2.00", "−3.00"]
        assert [(line.fresh, line.same) for line in lines] == [({2, 5, 6}, set()), ({2, 6}, {5}), ({5, 6}, {2})]
        assert all(not line.off for line in lines)
        assert panel.rows.selection == 1

    def test_the_truth_is_a_row_of_its_own_and_cannot_be_chosen(self, qtbot) -> None:
        panel = shown(qtbot, FillingsPanel())
        panel.show_fillings(filled(), True)
        lines = panel.lines()
        assert lines[0].tokens == tuple(CATS)
        assert [line.off for line in lines] == [set(), {5, 6}, {2, 5}, {5, 6}]
        with qtbot.assertNotEmitted(panel.chosen):
            QTest.mouseClick(panel.rows, LEFT, NONE, panel.rows.rect_of(0).center().toPoint())
        assert panel.rows.selection == 1
        with qtbot.waitSignal(panel.chosen) as caught:
            QTest.mouseClick(panel.rows, LEFT, NONE, panel.rows.rect_of(2).center().toPoint())
        assert caught.args == [1]
        panel.show_fillings(filled(truth=("",) * 9), True)  # nobody knows it
        assert len(panel.lines()) == 3

    def test_what_a_person_locked_is_calm(self, qtbot) -> None:
        panel = shown(qtbot, FillingsPanel())
        panel.show_fillings(filled(fixed=(5,)), False)
        assert (panel.lines()[0].fresh, panel.lines()[0].same) == ({2, 6}, {5})

    def test_keys_choose_and_copy(self, qtbot) -> None:
        panel = shown(qtbot, FillingsPanel())
        panel.show_fillings(filled(), False)
        QTest.keyClick(panel.rows, Qt.Key.Key_Down)
        with qtbot.waitSignal(panel.chosen) as caught:
            QTest.keyClick(panel.rows, Qt.Key.Key_Return)
        assert caught.args == [1]
        QTest.keyClick(panel.rows, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
        assert QGuiApplication.clipboard().text() == "the old dogs near the river sleep quietly."

    def test_why_a_row_is_wrong(self, qtbot) -> None:
        panel = shown(qtbot, FillingsPanel())
        panel.show_fillings(filled(), False)
        assert panel.rows.tip_of(1).startswith("'cats … sleeps' do not agree in number.\nStrong:")
        assert panel.rows.tip_of(0).startswith("Of the grammar's language\n")
        assert panel.rows.tip_of(2).startswith("Strong:")  # not known

    def test_marks_have_the_colours_of_good_and_bad(self, qtbot) -> None:
        panel = shown(qtbot, FillingsPanel())
        panel.show_fillings(filled(), False)
        image, t = panel.rows.grab().toImage(), theme.theme()

        def has(row: int, color: str) -> bool:
            box = panel.rows.rect_of(row).toRect()
            want = QColor(color)
            places = [(x, y) for x in range(panel.rows.columns()[1], box.right() - 3) for y in range(box.top() + 4, box.bottom() - 3)]
            seen = [image.pixelColor(*place) for place in places]
            return any(abs(c.red() - want.red()) + abs(c.green() - want.green()) + abs(c.blue() - want.blue()) < 60 for c in seen)

        assert [(has(i, t.good), has(i, t.bad)) for i in range(3)] == [(True, False), (False, True), (False, False)]

    def test_none(self, qtbot) -> None:
        panel = shown(qtbot, FillingsPanel())
        panel.show_reason("No blank")
        assert panel.empty.isVisible()
        assert panel.lines() == []
        panel.show_fillings(filled(), False)
        assert not panel.empty.isVisible()
        panel.set_stale(True)
        assert panel.rows.stale
        panel.show_fillings(filled(), False)
        assert not panel.rows.stale

    def test_right_to_left_rows_end_at_the_left(self, qtbot) -> None:
        words = ["القطط", "القديمة", "بالقرب"]
        panel = shown(qtbot, FillingsPanel())
        panel.show_fillings(filled(words, (1,), [["كلب"]]), False)
        panel.rows.grab()
        text = panel.lines()[0].text
        assert text is not None
        line = text.lineAt(0)
        left, right = panel.rows.columns()
        assert line.naturalTextRect().right() == pytest.approx(right - left, abs=1)


class TestBlankCards:
    def test_a_card_a_blank(self, qtbot) -> None:
        cards = shown(qtbot, BlankCards(), 800)
        cards.show_fillings(filled(fixed=(5,)), True)
        assert [card.head.full_text() for card in cards.cards] == ["blank 1 · cats", "blank 2 · river", "blank 3 · run"]
        assert [card.lock.isChecked() for card in cards.cards] == [False, True, False]
        bars = cards.cards[1].bars
        assert [(b.name, b.words, b.strong) for b in bars.lines][:2] == [("1 5.0", "0.50", False), ("2 river", "0.37", True)]
        assert bars.truth == "house"
        assert "This stood there" in cards.cards[0].bars.tip_of(1)
        cards.show_fillings(filled(), False)
        assert bars.truth == ""
        assert np.ptp([card.width() for card in cards.cards]) <= 1

    def test_a_click_picks_and_the_lock_locks(self, qtbot) -> None:
        cards = shown(qtbot, BlankCards(), 800)
        cards.show_fillings(filled(), False)
        bars, lock = cards.cards[2].bars, cards.cards[2].lock
        with qtbot.waitSignal(cards.picked) as caught:
            QTest.mouseClick(bars, LEFT, NONE, QPoint(20, theme.theme().px(ROW) * 3 + 5))
        assert caught.args == [6, 3]
        with qtbot.waitSignal(cards.locked) as caught:
            lock.click()
        assert caught.args == [6, True]

    def test_keys(self, qtbot) -> None:
        cards = shown(qtbot, BlankCards(), 800)
        cards.show_fillings(filled(), False)
        bars, picked = cards.cards[0].bars, []
        cards.picked.connect(lambda *args: picked.append(args))
        for key in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Up, Qt.Key.Key_Space, Qt.Key.Key_4, Qt.Key.Key_5):
            QTest.keyClick(bars, key)
        assert picked == [(2, 1), (2, 0), (2, 3)]  # there is no fifth

    def test_more_room_shows_more_candidates_and_many_blanks_scroll(self, qtbot) -> None:
        cards = shown(qtbot, BlankCards(), 800, 140)
        cards.show_fillings(filled(k=9), False)
        assert cards.cards[0].bars.seen() == 4
        cards.resize(800, 400)
        assert cards.cards[0].bars.seen() == 9
        tokens = ["w"] * 12
        cards.show_fillings(filled(tokens, range(12), [["x"] * 12]), False)
        QGuiApplication.processEvents()
        bar = cards.area.horizontalScrollBar()
        assert bar.maximum() > 0
        cards.see(11)
        assert bar.value() > 0
        cards.show_fillings(filled(), False)
        assert [card.isVisible() for card in cards.cards] == [True] * 3 + [False] * 9

    def test_blanks_behind_an_end_have_no_card(self, qtbot) -> None:
        cards = shown(qtbot, BlankCards(), 800)
        facts = filled(blanks=(2, 9, 10, 11), rows=[["dogs", "and", "", ""]], k=3)
        p = facts.candidates_p.copy()
        p[3] = np.nan  # behind the end that the net put at place 10
        cards.show_fillings(filled(blanks=(2, 9, 10, 11), rows=[["dogs", "and", "", ""]], k=3, candidates_p=p), False)
        assert [card.head.full_text() for card in cards.cards if card.isVisible()] == ["blank 1 · dogs", "blank 2 · and", "blank 3 · (end)"]
        assert not cards.cards[2].lock.isEnabled()

    def test_none(self, qtbot) -> None:
        cards = shown(qtbot, BlankCards())
        cards.show_fillings(filled(blanks=(), rows=[[]]), False)
        assert cards.empty.isVisible()
        cards.show_reason("Too long")
        assert cards.empty.text() == "Too long"


class TestTokenTable:
    def test_rows(self, qtbot) -> None:
        table = shown(qtbot, TokenTable())
        table.show_fillings(filled(shown=1))
        model = table.view.model()
        assert (model.rowCount(), model.columnCount()) == (9, 7)
        facts = filled(shown=1)
        said = [[model.index(r, c).data() for c in range(7)] for r in range(9)]
        assert [line[0] for line in said] == list(facts.tokens[1])
        assert said[5][1] == f"{facts.realism[1, 5]:.3f}"
        assert said[5][2:] == ["−2.000", f"{math.log(facts.realism[1, 5]):.3f}".replace("-", "−"), "−2.200", "−2.300", "−2.400"]
        assert said[0][2] == said[0][4] == "–"
        assert table.right.full_text() == "MaskGAN, alternative 2"
        accent = model.index(2, 0).data(Qt.ItemDataRole.ForegroundRole).name().upper()
        assert accent == theme.accent("maskgan")
        assert model.headerData(4, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole) == TIPS[4]

    def test_what_stands_behind_an_end_is_left_out(self, qtbot) -> None:
        table = shown(qtbot, TokenTable())
        table.show_fillings(filled(blanks=(2, 9, 10), rows=[["dogs", "and", ""]], k=3))
        assert table.view.model().rowCount() == 10

    def test_copy_and_choose(self, qtbot) -> None:
        table = shown(qtbot, TokenTable())
        table.show_fillings(filled())
        with qtbot.waitSignal(table.chosen) as caught:
            table.view.selectRow(3)
        assert caught.args == [3]
        with qtbot.assertNotEmitted(table.chosen):
            table.choose(5)
            table.show_fillings(filled(shown=2))
        assert table.place() == 5
        QTest.keyClick(table.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
        lines = QGuiApplication.clipboard().text().split("\n")
        assert lines[0].split("\t") == list(HEADS)
        assert lines[1].split("\t")[2] == ""
        assert lines[3].split("\t")[0] == "cats"
        assert float(lines[3].split("\t")[4]) == -1.2
        table.show_reason("No fillings")
        assert not table.view.isVisible()


class TestBlankingBar:
    def test_buttons_and_numbers(self, qtbot) -> None:
        bar = shown(qtbot, BlankingBar(), 272, 300)
        asked, truth, n, end = [], [], [], []
        bar.asked.connect(asked.append)
        bar.truth_changed.connect(truth.append)
        bar.n_changed.connect(n.append)
        bar.end_changed.connect(end.append)
        for b in bar.buttons.values():
            b.click()
        bar.truth.click()
        bar.open_end.click()
        bar.alternatives.setValue(12)
        assert sorted(asked) == ["clear", "every third", "first half", "random", "second half"]
        assert (truth, n, end) == ([True], [12], [True])
        assert (bar.rate, bar.n) == (0.3, 12)
        bar.set_rate(0.55)
        assert bar.rate == 0.55
        bar.alternatives.setValue(99)
        assert bar.n == 20
        assert bar.minimumSizeHint().width() <= 272  # of 304, with 16 at each side

    def test_what_it_is_told_it_does_not_tell(self, qtbot) -> None:
        bar = shown(qtbot, BlankingBar(), 272, 300)
        with qtbot.assertNotEmitted(bar.end_changed), qtbot.assertNotEmitted(bar.truth_changed), qtbot.assertNotEmitted(bar.n_changed):
            bar.show_desk(open_end=True)
            bar.set_truth(True)
            bar.set_n(7)
        assert bar.open_end.isChecked()
        assert bar.truth.isChecked()
        assert bar.n == 7
        bar.show_desk(open_end=False, some=False)
        assert not any(b.isEnabled() for b in bar.buttons.values())


class TestFillHistory:
    def test_newest_on_top_and_the_changes_stand_out(self, qtbot) -> None:
        panel = shown(qtbot, FillHistory())
        assert panel.empty.isVisible()
        first, second = filled().tokens[:2]
        panel.show_history([0, 1200], [[(first, BLANKS), (["a", "b"], (1,))], [(second, BLANKS), (["a", "c"], (1,))]], valid=[[1.0, 0.0], [0.0, 1.0]])
        lines = panel.lines()
        assert [line.name for line in lines] == ["step 1,200", "step 0"]
        assert [(line.fresh, line.same) for line in lines] == [({2, 6}, {5}), ({2, 5, 6}, set())]
        assert [line.valid for line in lines] == [0.0, 1.0]
        assert panel.which.full_text() == "sentence 1 of 2"
        panel.on.click()
        assert (panel.sentence(), panel.lines()[0].tokens) == (1, ("a", "c"))
        panel.on.click()
        panel.back.click()
        assert panel.sentence() == 1
        panel.show_history([0], [[(first, BLANKS)]])  # fewer sentences: the arrows go
        assert panel.sentence() == 0
        assert not panel.on.isVisible()
        assert math.isnan(panel.lines()[0].valid)

    def test_what_does_not_fit_together_is_refused(self, qtbot) -> None:
        panel = shown(qtbot, FillHistory())
        with pytest.raises(ValueError, match="2 steps take as many looks, not 1"):
            panel.show_history([0, 1], [[(CATS, BLANKS)]])


@pytest.mark.parametrize("made", [FillingsPanel, BlankCards, TokenTable, FillHistory])
def test_another_look_of_the_window(qtbot, qapp, made) -> None:
    panel = shown(qtbot, made())
    if isinstance(panel, FillHistory):
        panel.show_history([0], [[(CATS, BLANKS)]])
    elif isinstance(panel, TokenTable):
        panel.show_fillings(filled())
    else:
        panel.show_fillings(filled(), True)
    light = panel.grab().toImage()
    theme.apply(qapp, "dark")
    assert panel.grab().toImage() != light
