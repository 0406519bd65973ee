"""The gallery's page, as a person uses it."""

import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QPixmapCache
from PySide6.QtWidgets import QToolTip

from models.files import home
from models.settings import change
from studio import recipe as recipes
from studio.export.telling import tell
from studio.gallery import Gallery, giving
from studio.gallery.store import gallery_path
from studio.pages.gallery import BLANK, GRID, GalleryPage
from studio.panels.comparepair import BESIDE, FLICKER, marked, mean_difference
from studio.panels.galleryboards import BOARD
from studio.panels.gallerydetail import facts_of
from studio.panels.gallerygrid import line_of, ordered_after
from studio.panels.gallerymodel import MIME
from tests.studio.gallery.kept import faces, fill, pictures


@pytest.fixture
def page(qtbot, dressed):
    fill()
    shown = GalleryPage()
    qtbot.addWidget(shown)
    shown.resize(1200, 800)
    shown.show()
    yield shown
    shown.stop()


def ids(page):
    return list(page.model.ids)


def press(qtbot, page, key, modifier=Qt.KeyboardModifier.NoModifier):
    qtbot.keyClick(page.grid, key, modifier)


def test_an_empty_gallery_tells_what_to_do(qtbot, dressed):
    shown = GalleryPage()
    qtbot.addWidget(shown)
    shown.show()
    assert shown.stage.currentIndex() == BLANK
    assert "press Keep, or K" in shown.empty.lines.text()
    assert not shown.doors.export_button.isEnabled()
    assert not shown.sides.isVisible()
    with qtbot.waitSignal(shown.page_wanted) as asked:
        shown.empty.start.emit()
    assert asked.args == ["began"]
    fill()  # another window keeps something
    shown._look_again()
    assert (shown.stage.currentIndex(), shown.subtitle.full_text()) == (GRID, "13 samples")
    assert shown.sides.isVisible()
    shown.stop()


def test_filters_and_orders(qtbot, page):
    assert len(ids(page)) == 13
    assert not page.grid.cards
    page.filter.choose("system", "seqgan")
    assert ({*ids(page)}, page.grid.cards) == ({7, 8, 9, 10}, True)
    page.filter.search.setText("hat")
    qtbot.waitUntil(lambda: ids(page) == [8], timeout=2_000)
    assert page.foot.status.full_text().startswith("1 shown")
    page.foot.reset_button.click()
    assert len(ids(page)) == 13
    page.filter.kinds.buttons[1].click()
    page.filter.order.setCurrentIndex(page.filter.order.findData("oldest"))
    page.filter.order.activated.emit(1)
    assert ids(page) == [1, 2, 3, 4, 5, 6, 11, 12, 13]
    page.filter.choose("label", "hat")
    assert ids(page) == [12]
    page.filter.search.setText("nothing like it")
    page.show_entries()
    assert (page.none.isVisible(), page.grid.isVisible()) == (True, False)
    assert page.as_command() == "sampling-studio gallery list --label hat --kind picture --find 'nothing like it' --sort oldest"


def test_what_is_copied_shows_the_same(page, do, capfd):
    import shlex

    page.filter.choose("system", "ppgn")
    page.filter.choose("label", "glasses")
    shown = ids(page)
    assert [e["id"] for e in do(*shlex.split(page.as_command())[1:], "--json").json["entries"]] == shown == [11, 13]
    exec(page.as_python(), {})
    assert [int(line.split()[0]) for line in capfd.readouterr().out.splitlines()] == shown


def test_deeds_are_taken_back(qtbot, page):
    page.grid.select([2, 3])
    press(qtbot, page, Qt.Key.Key_S)
    assert {*page.gallery.query(starred=True)} == {2, 3}
    assert page.own_history.undoText() == "Star 2 samples"
    page.detail.tags.field.setText("odd")
    page.grid.select([2])
    page.detail.tagged.emit("odd", True)
    assert page.gallery.entry(2).tags == ("odd",)
    page.detail.note.setPlainText("so it is")
    page.undo()  # a note that is being typed is the last deed
    assert page.gallery.entry(2).note == ""
    page.undo()
    page.undo()
    assert (page.gallery.entry(2).tags, page.gallery.count(starred=True)) == ((), 0)
    page.redo()
    assert page.gallery.count(starred=True) == 2
    page.grid.select([5])
    press(qtbot, page, Qt.Key.Key_Delete)
    assert 5 not in ids(page)
    assert page.notice.full_text().startswith("Removed 1 sample")
    page.undo()
    assert 5 in ids(page)


def test_boards_are_made_filled_ordered_and_taken_back(qtbot, page):
    page.grid.select([3, 1])
    press(qtbot, page, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    item = page.boards.list.currentItem()
    item.setText("Talk")
    assert page.gallery.boards() == [("Talk", 2)]
    assert page.model.ordered
    assert page.grid.viewport().acceptDrops(), "or nothing can be dragged to another place"
    chosen = page.gallery.board("Talk")
    page.boards.dropped.emit("Talk", [12, chosen[0]])
    assert ids(page) == [*chosen, 12]
    page.grid.select([12])
    press(qtbot, page, Qt.Key.Key_Left, Qt.KeyboardModifier.ControlModifier)
    assert ids(page) == [chosen[0], 12, chosen[1]]
    page.grid.select([chosen[1]])
    data = page.model.mimeData([page.model.index(2)])
    assert page.model.dropMimeData(data, Qt.DropAction.CopyAction, 0, 0, page.grid.rootIndex())
    assert ids(page) == [chosen[1], chosen[0], 12]
    assert page.own_history.undoText() == "Reorder Talk"
    page.undo()
    assert ids(page) == [chosen[0], 12, chosen[1]]
    page.grid.select([12])
    page.foot.off_button.click()
    assert ids(page) == chosen
    page.boards.removed.emit("Talk")
    assert page.gallery.boards() == []
    assert len(ids(page)) == 13
    page.undo()
    assert page.gallery.board("Talk") == chosen
    page.deeds.rename_board("Talk", "")
    assert "1 to 80 letters" in page.card.sentence.text()
    assert page.gallery.boards() == [("Talk", 2)]
    assert ordered_after([1, 2, 3, 4], [4, 1], 2) == [2, 4, 1, 3]


def test_one_sample_at_the_side(qtbot, page):
    page.grid.select([12])
    detail = page.detail
    told = {detail.facts.itemAt(i).widget().text(): detail.facts.itemAt(i + 1).widget().text() for i in range(0, detail.facts.count(), 2)}
    assert told["Class"] == "hat"
    assert {"Step", "Seed", "log p", "Size", "Data", "Kept"} <= told.keys()
    with qtbot.waitSignal(page.sample_chosen) as asked:
        detail.open_button.menu().actions()[1].trigger()
    assert (asked.args[0]["made"], asked.args[1]) == ({"seed": 3, "chain": 1}, "no-seed")
    press(qtbot, page, Qt.Key.Key_N)
    qtbot.waitUntil(lambda: detail.nearest.heading.isVisible(), timeout=5_000)
    with qtbot.waitSignal(detail.nearest.chosen) as went:
        detail.nearest._grid.itemAt(0).widget().click()
    assert page.grid.selected() == went.args
    detail.nearest.data_button.click()
    qtbot.waitUntil(lambda: "size must be" in detail.nearest.words.text(), timeout=20_000)
    assert not detail.nearest.waiting.isVisible()
    page.grid.select([7])
    assert (detail.words.text(), detail.verify_button.isVisible()) == ("the cat sat on the mat", False)
    page.grid.select([1, 2, 3])
    assert "3 samples are selected" in detail.hint.text()


def test_two_are_compared(qtbot, page):
    page.grid.select([1, 2])
    press(qtbot, page, Qt.Key.Key_C)
    pair = page.compare
    assert page.stage.currentWidget() is pair
    a, b = (faces().pictures[i] for i in (1, 0))
    assert pair.difference.text() == f"mean |Δ| {np.abs(a.astype(float) - b).mean():.1f} of 255"
    qtbot.keyClick(pair.canvas, Qt.Key.Key_Right)
    assert pair.canvas.share == pytest.approx(0.52)
    wipe = pair.canvas.grab().toImage()
    pair.ways.buttons[BESIDE].click()
    assert pair.canvas.grab().toImage() != wipe
    pair.ways.buttons[FLICKER].click()
    pair.speed.setValue(100)
    with qtbot.waitSignal(pair._clock.timeout, timeout=5_000):
        pass
    change(reduce_motion=True)
    pair.ways.buttons[FLICKER].click()
    assert not pair._clock.isActive()
    first = pair.canvas.first
    pair.turn_button.click()
    assert pair.canvas.first is not first
    qtbot.keyClick(pair, Qt.Key.Key_Escape)
    assert page.stage.currentIndex() == GRID
    assert {*page.grid.selected()} == {1, 2}
    page.grid.select([7, 8])
    page.compare_two()
    assert pair.difference.text() == "1 word differs"
    page.back()
    page.grid.select([1, 7])
    page.compare_two()
    assert page.stage.currentIndex() == GRID
    assert mean_difference(pictures(1, 0, 8)[0].repeat(2, 0).repeat(2, 1), pictures(1, 0, 8)[0]) < 1
    assert marked(["a", "<b>"], [False, True], " ", "#123456").count("&lt;b&gt;") == 1


def test_a_contact_sheet_is_made_and_saved(qtbot, page, tmp_path):
    page.grid.select([1, 2, 3, 12])
    page.doors.sheet_button.click()
    maker = page.maker
    qtbot.waitUntil(lambda: maker._sheet is not None, timeout=10_000)
    before = maker._sheet.shape
    maker.columns.setValue(4)
    maker.captions["step"].setChecked(False)
    maker.paper.buttons[1].click()
    qtbot.waitUntil(lambda: maker._sheet.shape != before and maker._sheet[0, 0, 0] == 15, timeout=10_000)
    page.doors.export("sheet", tmp_path / "a.png", look=maker.look(), title="Four")
    qtbot.waitUntil(lambda: page.notice.full_text() == "Exported a.png", timeout=10_000)
    found = recipes.read(tmp_path / "a.png")
    assert (found["made"]["title"], found["made"]["look"]["columns"], recipes.count_of(found)) == ("Four", 4, 4)
    assert (np.asarray(Image.open(tmp_path / "a.png")) == maker._sheet).mean() > 0.9  # but for the title
    maker.closed.emit()
    assert page.stage.currentIndex() == GRID


def test_an_export_can_be_stopped(qtbot, page, tmp_path, monkeypatch):
    begun = []

    def slow(gallery, path, *, ids, title):
        while True:
            begun.append(1)
            tell(1, 2)

    monkeypatch.setattr(giving, "givers", lambda kind="": {"slow": giving.Giver("Slow", ".png", True, slow)})
    page.doors.export("slow", tmp_path / "a.png")
    qtbot.waitUntil(lambda: "50%" in page.notice.full_text(), timeout=5_000)
    page.doors.stop_button.click()
    qtbot.waitUntil(lambda: not page.aside._later.is_busy(), timeout=5_000)
    assert "was not written" in page.notice.full_text()
    assert not [*tmp_path.glob("a*")]


def test_an_exported_file_that_is_dropped_is_kept(qtbot, page, tmp_path):
    other = Gallery.open(tmp_path / "other.db")
    new = other.keep(faces(seed=8))
    (sheet,) = giving.givers()["sheet"].give(other, new, tmp_path / "sheet.png")
    other.close()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(sheet))])
    event = QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    page.dropEvent(event)
    assert "6 samples of face run" in page.doors.offer.sentence.text()
    page.doors.offer.remedy_button.click()
    qtbot.waitUntil(lambda: len(ids(page)) == 19, timeout=10_000)
    assert len(page.grid.selected()) == 6
    Image.fromarray(pictures(1, 0)[0]).save(tmp_path / "plain.png")
    page.doors.receive(tmp_path / "plain.png")
    assert "carries no recipe" in page.card.sentence.text()


def test_a_file_that_was_set_aside_is_told(qtbot, dressed):
    home().mkdir(parents=True, exist_ok=True)
    gallery_path().write_bytes(b"noise" * 999)
    shown = GalleryPage()
    qtbot.addWidget(shown)
    shown.show()
    assert "set aside as gallery-damaged-1.db" in shown.alarm.sentence.text()
    assert shown.stage.currentIndex() == BLANK
    shown.stop()


def test_only_what_is_seen_is_read_and_decoded(qtbot, page, qtmodeltester):
    gallery = page.gallery
    for seed in range(20, 30):
        gallery.keep(faces(200, seed))
    asked = []
    plain = gallery.png
    gallery.png = lambda number: (asked.append(number), plain(number))[1]
    QPixmapCache.clear()
    page.refresh()
    page.grid.viewport().repaint()
    qtbot.waitUntil(lambda: page.thumbs.is_idle() and bool(asked), timeout=10_000)
    assert len(ids(page)) == 2013
    assert len({*asked}) < 120
    assert len(page.model._blocks) <= 2
    qtmodeltester.check(page.model)
    assert page.model.mimeTypes() == [MIME]


@pytest.mark.parametrize(
    ("says", "told"),
    [
        ("""echo '{"verdict": "identical", "max_difference": 0.0, "reason": "every bit is the same"}'""", "Identical: every bit is the same"),
        ("echo 'sampling-studio: The run that made kept.png is gone.' >&2; exit 2", "The run that made this sample is gone."),
    ],
    ids=["identical", "gone"],
)
def test_a_picture_is_made_again_in_a_process_of_its_own(qtbot, page, tmp_path, monkeypatch, says, told):
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n{says}\n")
    program.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(program))
    page.grid.select([2])
    page.detail.verify_button.click()
    qtbot.waitUntil(lambda: told in (page.notice.full_text(), page.card.sentence.text()), timeout=10_000)


def test_a_gallery_that_cannot_be_read_any_more_is_told(qtbot, page):
    page.grid.select([2])
    page.gallery._db.execute("DROP TABLE tags")
    page.deeds.tag([2], "odd", True)
    assert "is damaged: start Sampling Studio again" in page.card.sentence.text()
    page.card.close_card()
    page.refresh()
    assert "is damaged" in page.card.sentence.text()


def test_a_tag_is_typed_for_all_that_are_selected(qtbot, page):
    page.type_tag()
    assert page.notice.full_text() == "Select a sample first, or several."
    page.grid.select([2, 3, 5])
    press(qtbot, page, Qt.Key.Key_T)
    qtbot.waitUntil(page.detail.many_tags.field.hasFocus)
    qtbot.keyClicks(page.detail.many_tags.field, "good")
    qtbot.keyClick(page.detail.many_tags.field, Qt.Key.Key_Return)
    assert page.gallery.which(range(1, 14), tag="good") == {2, 3, 5}
    assert page.own_history.undoText() == "Tag 3 samples good"
    page.undo()
    assert page.gallery.which(range(1, 14), tag="good") == set()
    page.grid.select([2])
    assert page.detail.many_tags.isHidden()


def test_a_board_that_keeps_its_order_says_why(qtbot, page):
    page.boards.choose(BOARD, page.deeds.new_board([1, 2, 3]))
    page.grid.select([1])
    assert "kept" in page.foot.status.full_text()
    page.filter.kinds.select(1)
    page.filter.changed.emit()
    assert "show all" in page.foot.status.full_text().lower()
    page.grid.select([1])
    press(qtbot, page, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    assert page.notice.full_text() == "Show all to reorder the board"
    page.filter.reset()
    page.foot.resize(500, page.foot.height())
    qtbot.waitUntil(lambda: page.foot.status.full_text() == "1 of 3 selected")


def test_a_caption_is_shown_without_its_prefix(page):
    entry = replace(page.entries([11])[0], label="caption:a smiling person")
    assert line_of(entry, False) == "a smiling person"
    assert ("Class", "a smiling person") in facts_of(entry)


def test_the_scroll_bar_tells_the_day_of_what_is_seen(page):
    day = time.strftime("%d %b %Y", time.localtime(page.entries([page.model.ids[0]])[0].made))
    assert page.grid.day_seen() == day
    page.grid.verticalScrollBar().sliderMoved.emit(0)
    assert QToolTip.text() == day
    page.filter.search.setText("nothing of this")
    page.show_entries()
    assert page.grid.day_seen() == ""
