"""The desk of the MaskGAN page under mouse and keys."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEventLoop, QMimeData, QPointF, Qt, QTimer
from PySide6.QtGui import QDropEvent, QGuiApplication

from models.algorithms.maskgan.fillings import Desk
from models.run import Run
from studio.export.filled import alternatives, fill_exporters
from studio.messages import OldRun, Reply, Trouble
from studio.pages.desk import END_WORD, NO_BLANK, NO_RUN, NO_WORD
from studio.pages.maskgan import DESK
from studio.recipe import read
from tests.studio.driving import enter, step, until
from tests.studio.maskgan import KNOBS, TINY, closed, deeds, laid, opened, settled
from tests.studio.test_text_commands import VERSES

SAID = ("the", "cat", "sees", "the", "dog", ".")


@pytest.fixture(scope="module")
def shared(qapp, tmp_path_factory):
    """One window with a run for all tests that leave both as they were."""
    from studio import theme
    from studio.window import Window

    place = tmp_path_factory.mktemp("desk")
    theme.apply(qapp, "light")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAMPLING_STUDIO_HOME", str(place / "home"))
        Run.create(place / "run", "maskgan", str(deeds(place / "cats.txt")), config=TINY, knob_values=KNOBS).close()
        shown = Window()
        shown.resize(1280, 800)
        shown._on_ready("")
        shown.show()
        shown.show_page("maskgan")
        loop = QEventLoop()
        shown.session.opened.connect(loop.quit)
        QTimer.singleShot(20_000, loop.quit)
        shown.session.open(OldRun(place / "run"))
        loop.exec()
        yield shown
        shown.close()


@pytest.fixture
def page(qtbot, shared):
    out = shared.show_page("maskgan")
    out.faces.choose(DESK)
    desk = out.desk
    desk.drawing.set_values({"temperature": 1.0, "top_k": 0, "nucleus": 1.0, "seed": 0})
    desk._how = desk.drawing.values()
    desk.blanking.set_n(5)
    desk.blanking.set_truth(False)
    desk.shown = dict.fromkeys(desk.shown, 0)
    desk.source = "maskgan"
    desk.history.clear()
    desk.put(Desk(()), remember=False)
    out.card.close_card()
    if desk.table.isVisible():
        desk.more.click()
    return out


@pytest.fixture
def desk(qtbot, page):
    """With a sentence that is known, of which one word is blank."""
    return laid(qtbot, page, Desk(SAID, (1,)))


def at(desk, place):
    return desk.panel.words.box_of(place).center().toPoint()


def click(qtbot, desk, place):
    qtbot.mouseClick(desk.panel.words, Qt.MouseButton.LeftButton, pos=at(desk, place))


def keys(qtbot, desk, *pressed):
    desk.panel.words.setFocus()
    for key in pressed:
        qtbot.keyClick(desk.panel.words, key)


def press(qtbot, button):
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def shown(desk):
    """The words as they lie there."""
    return tuple(token.word for token in desk.panel.words.tokens[:-1])


def rows(desk, net):
    return [row.tokens for row in desk.lists[net].lines()]


# --- a sentence -----------------------------------------------------------------------------------------------------


def test_a_new_run_lays_a_sentence_down(qtbot, window, small, text, tmp_path):
    page = opened(qtbot, window, text, tmp_path / "run")
    page.faces.choose(DESK)
    desk = settled(qtbot, page)
    assert desk.desk.tokens[0] == "the"
    assert desk.desk.blanks
    assert not desk.undo_button.isEnabled()  # nobody has changed anything
    assert len(rows(desk, "maskgan")) == len(rows(desk, "maskmle")) == 5


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_a_drawn_sentence_is_one_step_and_has_a_blank(qtbot, desk, page, rate):
    before = desk.desk
    desk.blanking.set_rate(rate)
    press(qtbot, desk.draw_button)
    qtbot.waitUntil(lambda: desk.desk != before, timeout=20_000)
    drawn = settled(qtbot, page).desk
    assert len(drawn.blanks) == (len(drawn.tokens) - 1 if rate else 1)  # never the full stop by the rule
    desk.undo()
    assert desk.desk == before


def test_the_demo_lays_its_sentence_down_filled_as_home_shows_it(qtbot, desk, page):
    page.show_demo({"desk": {"text": "the ___ sees the dog .", "n": 3, "seed": 4, "temperature": 0.6}})
    qtbot.waitUntil(page.desk.is_filled, timeout=20_000)
    found = page.desk.fillings["maskgan"]
    assert (page.desk.desk.tokens, found.blanks, len(found.tokens)) == (("the", "", "sees", "the", "dog", "."), (1,), 3)
    assert (page.desk.request("maskgan")["seed"], page.desk.request("maskgan")["temperature"]) == (4, 0.6)


def test_typed_pasted_and_dropped(qtbot, desk, page):
    keys(qtbot, desk, Qt.Key.Key_E)
    assert desk.panel.editor.text() == "the ___ sees the dog."
    desk.panel.editor.setText("  the old ___ near a ___ . ")
    qtbot.keyClick(desk.panel.editor, Qt.Key.Key_Return)
    assert desk.desk == Desk(("the", "old", "", "near", "a", "", "."), (2, 5))
    settled(qtbot, page)
    assert "'old'" in desk.notes.text()  # not of the vocabulary: told
    QGuiApplication.clipboard().setText("a ___\nsees")
    desk.panel.words.setFocus()
    qtbot.keyClick(desk.panel.words, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert desk.desk.tokens == ("a", "", "sees")
    data = QMimeData()
    data.setText("the ___ likes ___")
    no = Qt.KeyboardModifier.NoModifier
    desk.panel.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, no))
    assert desk.desk == Desk(("the", "", "likes", ""), (1, 3))
    settled(qtbot, page)
    assert shown(desk)[0] == "the"
    assert "" not in shown(desk)


def test_many_unknown_words_leave_room_for_the_rest(qtbot, page):
    desk = laid(qtbot, page, Desk((*(f"zebra{i}" for i in range(12)), ""), (12,)))
    assert desk.notes.text().count("not among") == 2
    assert "And 11 more" in desk.notes.text()  # ten words, and that it is read in windows
    assert desk.notes.toolTip().count("not among") == 12


def test_right_to_left_and_combining_characters(qtbot, page):
    desk = laid(qtbot, page, Desk(("القطط", "", "cafe\u0301", "नमस्ते"), (1,)))
    assert shown(desk)[2] == "cafe\u0301"
    assert desk.panel.words.box_of(0).left() > desk.panel.words.box_of(2).left()
    assert not desk.widget.grab().isNull()


def test_a_text_longer_than_the_run_knows(qtbot, page):
    desk = laid(qtbot, page, Desk((*SAID * 4, ""), (1, 12, 24)))
    assert "windows" in desk.notes.text()
    assert len(rows(desk, "maskgan")[0]) == 25
    desk.table.choose(20)
    assert desk.table.place() == 20
    desk.put(Desk(("the",) * 200, (3,)))
    qtbot.waitUntil(lambda: "fill it in parts" in desk.lists["maskgan"].empty.text(), timeout=20_000)
    assert not page.card.isVisible()
    desk.blanking.truth.toggle()
    assert "fill it in parts" in desk.cards.empty.text()  # and stays until something else lies there
    desk.undo()
    settled(qtbot, page)


# --- blanks ---------------------------------------------------------------------------------------------------------


def test_blanks_by_hand(qtbot, desk):
    click(qtbot, desk, 4)
    assert desk.desk.blanks == (1, 4)
    click(qtbot, desk, 1)
    assert desk.desk == Desk(SAID, (4,))  # the truth is back
    words = desk.panel.words
    qtbot.mousePress(words, Qt.MouseButton.LeftButton, pos=at(desk, 0))
    qtbot.mouseMove(words, at(desk, 2))
    qtbot.mouseRelease(words, Qt.MouseButton.LeftButton, pos=at(desk, 2))
    assert desk.desk.blanks == (0, 1, 2, 4)
    keys(qtbot, desk, Qt.Key.Key_End, Qt.Key.Key_Left, Qt.Key.Key_Space)
    assert desk.desk.blanks == (0, 1, 2, 4, 5)
    for _ in range(4):
        desk.undo()
    assert desk.desk == Desk(SAID, (1,))


@pytest.mark.parametrize(
    ("rule", "blanks"), [("every third", (2,)), ("first half", (0, 1, 2)), ("second half", (3, 4)), ("clear", ()), ("random", (0, 1, 2, 3, 4))]
)
def test_blanks_by_rule_are_one_step(qtbot, desk, rule, blanks):
    desk.put(desk.desk._replace(tokens=("the", "", *SAID[2:]), blanks=(1, 4)))
    before = desk.desk
    desk.blanking.set_rate(1.0)
    settled(qtbot, desk._page)
    word = shown(desk)[1]
    press(qtbot, desk.blanking.buttons[rule])
    assert desk.desk.blanks == blanks
    assert desk.desk.tokens[1] == ("" if 1 in blanks else word)  # what was shown is the word now
    press(qtbot, desk.undo_button)
    assert desk.desk == before


def test_a_blank_without_any_word_stays_one(qtbot, window, dressed):
    page = window.show_page("maskgan")
    page.faces.choose(DESK)
    desk = page.desk
    desk.panel.editor.setText("the ___ sat")
    qtbot.keyClick(desk.panel.editor, Qt.Key.Key_Return)
    assert desk.desk == Desk(("the", "", "sat"), (1,))
    assert desk.lists["maskgan"].empty.text() == NO_RUN
    click(qtbot, desk, 1)
    assert desk.desk.blanks == (1,)
    assert page.notice.full_text() == NO_WORD
    desk.by_rule("clear")
    assert desk.desk.blanks == (1,)
    for b in (desk.draw_button, desk.redraw_button, desk.doors.export_button):
        assert not b.isEnabled()
    keys(qtbot, desk, Qt.Key.Key_Return)
    assert desk.drawing.values()["seed"] == 0


def test_no_blank_waits_for_nothing(qtbot, desk, page):
    press(qtbot, desk.blanking.buttons["clear"])
    assert desk.lists["maskmle"].empty.text() == NO_BLANK
    assert not page.looking._waiting
    assert not desk.redraw_button.isEnabled()
    assert not desk.doors.export_button.isEnabled()
    click(qtbot, desk, 2)
    settled(qtbot, page)


def test_everything_is_blank(qtbot, page):
    desk = laid(qtbot, page, Desk(SAID, tuple(range(6)), True))
    assert "nothing is given" in desk.notes.text()


# --- fillings -------------------------------------------------------------------------------------------------------


def test_a_candidate_is_picked_by_mouse_and_by_figure(qtbot, desk, page):
    card = desk.cards.cards[0]
    qtbot.mouseClick(card.bars, Qt.MouseButton.LeftButton, pos=card.bars.rect().topLeft() + QPointF(20, 30).toPoint())
    second = desk.fillings["maskgan"].candidates[0][1]
    assert desk.desk.fixed == ((1, second),)
    settled(qtbot, page)
    assert {row[1] for net in desk.lists for row in rows(desk, net)} == {second}
    third = desk.fillings["maskgan"].candidates[0][2]
    desk.panel.choose(1)
    keys(qtbot, desk, Qt.Key.Key_3)
    assert desk.desk.fixed == ((1, third),)
    settled(qtbot, page)
    keys(qtbot, desk, Qt.Key.Key_L)
    assert desk.desk.fixed == ()
    keys(qtbot, desk, Qt.Key.Key_L)
    assert desk.desk.fixed == ((1, third),)  # what is seen is what is locked, though the nets may not have answered yet
    click(qtbot, desk, 1)
    assert desk.desk == Desk(SAID, ())


def test_quick_fingers_need_not_wait_for_the_nets(qtbot, page):
    desk = laid(qtbot, page, Desk(SAID, (1, 4)))
    names = desk.fillings["maskgan"].candidates
    desk.panel.choose(1)
    keys(qtbot, desk, Qt.Key.Key_2, Qt.Key.Key_Tab, Qt.Key.Key_3)
    assert desk.desk.fixed == ((1, names[0][1]), (4, names[1][2]))
    settled(qtbot, page)
    assert shown(desk) == ("the", names[0][1], "sees", "the", names[1][2], ".")


def test_rerolling_leaves_what_is_locked(qtbot, page):
    desk = laid(qtbot, page, Desk(SAID, (1, 4)))
    desk.lock(1, True)
    word = settled(qtbot, page).desk.fixed[0][1]
    before = rows(desk, "maskgan")
    keys(qtbot, desk, Qt.Key.Key_Return)
    assert desk.drawing.values()["seed"] == 1
    qtbot.waitUntil(lambda: rows(desk, "maskgan") != before, timeout=20_000)
    assert {row[1] for row in rows(desk, "maskgan")} == {word}


def test_how_it_is_drawn(qtbot, page):
    desk = laid(qtbot, page, Desk(SAID, (1, 4)))
    desk.drawing.rows["top_k"].changed.emit(1)
    desk.drawing.set_values({"top_k": 1})
    desk._look()
    qtbot.waitUntil(lambda: len(set(rows(desk, "maskgan"))) == 1, timeout=20_000)
    desk.blanking.alternatives.setValue(3)
    qtbot.waitUntil(lambda: len(rows(desk, "maskmle")) == 3, timeout=20_000)
    before = desk.drawing.values()
    desk.drawing.set_values({"top_k": 0, "temperature": 3.0, "nucleus": 0.5})
    assert desk.drawing.values() != before
    assert desk.request("maskmle")["temperature"] == 3.0


def test_an_alternative_of_either_net_lies_on_the_desk(qtbot, page):
    desk = laid(qtbot, page, Desk(SAID, (1, 4)))
    ours, theirs = desk.lists["maskgan"], desk.lists["maskmle"]
    assert [row.name[0] for row in ours.lines()] == list("▸2345")
    assert [row.name[0] for row in theirs.lines()] == list("12345")
    qtbot.mouseClick(theirs.rows, Qt.MouseButton.LeftButton, pos=theirs.rows.rect_of(2).center().toPoint())
    qtbot.waitUntil(lambda: shown(desk) == theirs.lines()[2].tokens, timeout=20_000)
    qtbot.waitUntil(lambda: desk.table.right.full_text() == "MaskMLE, alternative 3", timeout=20_000)
    assert [row.name[0] for row in ours.lines()] == list("12345")
    assert (ours.rows.selection, theirs.rows.selection) == (-1, 2)
    desk.blanking.truth.click()
    assert theirs.lines()[0].name == "truth"
    assert theirs.rows.selection == 3
    desk.blanking.alternatives.setValue(2)
    qtbot.waitUntil(lambda: len(theirs.lines()) == 3 and theirs.rows.selection == 2, timeout=20_000)


def test_the_table_and_the_desk_choose_the_same_word(qtbot, page):
    desk = laid(qtbot, page, Desk(SAID, (1, 4)))
    press(qtbot, desk.more)
    assert desk.table.isVisible()
    assert not desk.cards.isVisible()
    assert desk.more.text() == "Candidates"
    desk.table.view.selectRow(4)
    assert desk.panel.place() == 4
    desk.panel.words.setFocus()
    qtbot.keyClick(desk.panel.words, Qt.Key.Key_Home)
    assert desk.table.place() == 0
    table = desk.fillings["maskgan"].table
    assert np.isnan(table["r"][0])
    assert np.isfinite(table["r"][4])


def test_an_open_end(qtbot, page):
    desk = laid(qtbot, page, Desk(SAID[:2]))
    click(qtbot, desk, 2)
    assert desk.desk == Desk(SAID[:2], (), True)
    qtbot.waitUntil(lambda: desk.is_filled() and len(shown(desk)) >= 2, timeout=20_000)
    assert desk.blanking.open_end.isChecked()
    for seed in range(1, 40):  # until something follows
        if len(shown(desk)) > 3:
            break
        desk.drawing.set_values({"seed": seed})
        desk._look()
        qtbot.waitUntil(lambda seed=seed: not page.looking._waiting, timeout=20_000)
    words = shown(desk)
    behind = [card for card in desk.cards.cards if card.isVisible() and "(end)" in card.head.full_text()]
    assert len(behind) == (len(words) < 8)
    desk.lock(3, True)
    assert desk.desk == Desk((*SAID[:2], "", ""), (2, 3), True, ((3, words[3]),))
    settled(qtbot, page)
    assert shown(desk)[3] == words[3]
    desk.undo()
    settled(qtbot, page)
    candidates = desk.fillings["maskgan"].candidates[0]
    desk.pick(2, candidates.index(END_WORD))
    assert desk.desk == Desk(SAID[:2])  # it ends there


def test_what_belongs_to_another_desk_is_faded_and_never_taken(qtbot, desk, page):
    old = desk.fillings["maskgan"]
    desk.blank([4], True)
    assert desk.lists["maskgan"].rows.stale
    assert desk.panel.words._stale
    assert not desk.is_filled()
    settled(qtbot, page)
    assert not desk.lists["maskgan"].rows.stale
    desk._asked["maskgan"] = Desk(SAID, (1,))
    page.show_reply(Reply("fill maskgan", 1, 0, old.view(), 0.01))  # was asked for before
    assert desk.fillings["maskgan"].blanks == (1, 4)
    desk.put(Desk(("a", *SAID[1:]), (1,)))
    assert desk.lists["maskgan"].lines() == []


def test_training_refills_the_desk(qtbot, window, small, text, tmp_path):
    page = opened(qtbot, window, text, tmp_path / "run")
    page.faces.choose(DESK)
    desk = settled(qtbot, page)
    step(qtbot, window, 2)
    qtbot.waitUntil(lambda: all(found.step == 2 for found in desk.fillings.values()), timeout=20_000)
    with qtbot.waitSignal(window.session.conditioned):
        window.session.go()
    until(qtbot, window, "finished")
    total = window.session.step
    qtbot.waitUntil(lambda: all(found.step == total for found in desk.fillings.values()), timeout=20_000)
    assert f"step {total}" in desk.lists["maskmle"].right.full_text()
    desk.ask()  # answers that come after the run was closed
    desk.draw()
    before = desk.desk
    closed(qtbot, window)
    assert desk.desk == before
    qtbot.waitUntil(lambda: desk.lists["maskgan"].empty.text() == NO_RUN, timeout=20_000)
    assert not desk.draw_button.isEnabled()


def test_nothing_held_out(qtbot, window, small, text, tmp_path):
    page = opened(qtbot, window, text, tmp_path / "run", held_out=0.0)
    page.faces.choose(DESK)
    qtbot.waitUntil(page.desk.draw_button.isEnabled, timeout=20_000)
    page.show_trouble(Trouble("no", panel="drawn"))  # of the sentence that it wanted by itself
    assert not page.card.isVisible()
    press(qtbot, page.desk.draw_button)
    qtbot.waitUntil(page.card.isVisible, timeout=20_000)
    assert "type one" in page.card.sentence.text()


# --- files ----------------------------------------------------------------------------------------------------------


def test_both_nets_fillings_are_kept_in_the_gallery(qtbot, desk, page):
    from studio.gallery import Gallery

    qtbot.waitUntil(desk.is_filled, timeout=20_000)
    page.buttons.keep.click()
    qtbot.waitUntil(lambda: page.notice.full_text() == "Kept 10 in the gallery", timeout=20_000)
    gallery = Gallery.open()
    found = gallery.entries(gallery.query(sort="oldest"))
    assert [e.text for e in found] == [one.text for net in ("maskgan", "maskmle") for one in alternatives(desk.fillings[net])]
    made = gallery.recipe(found[-1].id)["made"]
    assert (made["nets"], made["number"]) == (["maskmle"], 4)
    gallery.close()
    desk.put(Desk(SAID), remember=False)  # nothing is blank
    page.keep()
    assert "Nothing is filled yet" in page.notice.full_text()


def test_an_exported_file_brings_the_desk_back(qtbot, shared, page, do, tmp_path):
    window = shared
    desk = laid(qtbot, page, Desk(SAID, (1, 4), False, ((4, "bird"),)))
    desk.blanking.alternatives.setValue(4)
    desk.drawing.set_values({"temperature": 0.5, "seed": 7, "nucleus": 0.9, "top_k": 30})
    desk.choose("maskmle", 2)
    out = tmp_path
    for name, exporter in fill_exporters().items():
        out = tmp_path / f"a{exporter.extension}"
        with qtbot.waitSignal(window.session.exported, timeout=20_000):
            desk.doors.export(name, out)
        assert page.notice.full_text() == f"Exported {out.name}"
    settled(qtbot, page)
    words, how = shown(desk), desk.drawing.values()
    closed(qtbot, window)
    for exporter in fill_exporters().values():
        assert do("verify", tmp_path / f"a{exporter.extension}", "--json").json["verdict"] == "identical"
    desk.put(Desk(("a", ""), (1,)))
    desk.choose("maskgan", 0)
    desk.drawing.set_values({"temperature": 1.0, "seed": 0, "nucleus": 1.0, "top_k": 0})
    desk.blanking.alternatives.setValue(5)
    page.faces.choose(0)
    with qtbot.waitSignal(window.session.opened, timeout=20_000):
        enter(window, out)
    assert page.faces.place() == DESK
    assert page.transport.isVisible()
    settled(qtbot, page)
    assert desk.desk == Desk(SAID, (1, 4), False, ((4, "bird"),))
    assert (desk.source, desk.shown["maskmle"], desk.blanking.n, desk.drawing.values()) == ("maskmle", 2, 4, how)
    qtbot.waitUntil(lambda: shown(desk) == words, timeout=20_000)
    assert read(out)["made"]["nets"] == ["maskmle", "maskgan"]


def test_a_file_that_was_changed_is_told(page):
    page.restore({"kind": "fillings-page", "made": {}})
    assert "describes no desk" in page.card.sentence.text()


# --- other runs -----------------------------------------------------------------------------------------------------


def test_another_vocabulary_leaves_the_sentence_and_characters_begin_anew(qtbot, window, small, text, tmp_path):
    page = opened(qtbot, window, text, tmp_path / "run")
    page.faces.choose(DESK)
    desk = laid(qtbot, page, Desk(SAID, (1,)))
    path = tmp_path / "others.txt"
    path.write_text("".join(f"a {who} {does} {how} .\n" for who in "abcdef" for does in "ghij" for how in "klmn"), "utf-8")
    opened(qtbot, window, path, tmp_path / "other")
    settled(qtbot, page)
    assert desk.desk == Desk(SAID, (1,))
    assert "'the' is not among the" in desk.notes.text()
    assert desk.panel.words._unread(0)
    assert desk.panel.words.tokens[2].tip == "The net reads it as <unk>"
    path = tmp_path / "verses.txt"
    path.write_text(VERSES.replace(" ", "\n") + "\n", "utf-8")
    opened(qtbot, window, path, tmp_path / "verses", unit="chars")
    qtbot.waitUntil(lambda: len(desk.desk.tokens) == 5, timeout=20_000)
    settled(qtbot, page)
    assert not desk.undo_button.isEnabled()  # the way back leads to no sentence of this run
    keys(qtbot, desk, Qt.Key.Key_E)
    desk.panel.editor.setText("春_不觉_")
    qtbot.keyClick(desk.panel.editor, Qt.Key.Key_Return)
    assert desk.desk == Desk(("春", "", "不", "觉", ""), (1, 4))
    settled(qtbot, page)
    assert desk.panel.words.text() == "".join(shown(desk))


def test_the_desk_is_copied_and_its_choices_are_taken_back(qtbot, page, desk, capsys):
    import shlex

    from studio.cli import main

    assert page.history is desk.history
    desk.choose("maskmle", 2)
    desk.drawing.changed.emit("temperature", 0.5)
    assert (desk.history.undoText(), desk.source) == ("τ 1 → 0.5", "maskmle")
    command = page.as_command()
    assert "--net maskmle" in command
    assert main(shlex.split(command)[1:]) == 0
    names: dict = {}
    exec(page.as_python(), names)
    assert names["filled"].net == "maskmle"
    page.undo()
    page.undo()
    assert (desk.source, desk.drawing.values()["temperature"]) == ("maskgan", 1.0)
    page.redo()
    assert (desk.source, desk.shown["maskmle"]) == ("maskmle", 2)
    page.undo()
    settled(qtbot, page)
