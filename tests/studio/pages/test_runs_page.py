"""The Runs page: what it lists, what it does to runs, and how it lays them beside each other."""

import numpy as np
import pytest
from PySide6.QtCore import Qt

from models.journal import RunFolder
from models.reel import Reel
from models.settings import change
from studio import lineage, pasts, runs
from studio.messages import Trouble
from studio.pages.runs import CURVES, QUEUE, TWINS, RunsPage
from studio.panels.twins import Twins
from studio.session import Session
from tests.studio.runfolders import made


def fork_of(name, step, **more):
    return {"id": f"id-{name}", "name": name, "path": "", "step": step, "knobs": {}, **more}


@pytest.fixture
def folder(own_home):
    return own_home / "runs"


@pytest.fixture
def page(qtbot, dressed, folder, monkeypatch):
    monkeypatch.setattr("studio.pages.rundeeds.QFile.moveToTrash", lambda self: False)  # the trash of whoever runs the tests is left alone
    made(folder / "one", frames=True)
    made(folder / "two", frames=True, steps=40, parent=fork_of("one", 10))
    made(folder / "hurt").joinpath("run.json").write_text("{")
    session = Session()
    page = RunsPage(session)
    qtbot.addWidget(page)
    page.resize(1200, 740)
    page.show()
    yield page
    page.stop()
    session.close()


def names(page):
    return sorted(run.name for run in page.all)


def test_it_lists_searches_and_sorts(page, folder):
    assert names(page) == ["hurt", "one", "two"]
    assert "3 runs take" in page.foot.full_text()
    assert "1 of them damaged" in page.foot.full_text()
    page.browser.search.setText("faces two")
    assert [run.name for run in page.list.listed.runs] == ["two"]
    page.browser.search.clear()
    page.browser.sort.setCurrentText("Largest")
    sizes = [run.bytes for run in page.list.listed.runs]
    assert sizes == sorted(sizes, reverse=True)
    page.list.select([folder / "hurt"])
    assert not page.acts["Open"].isEnabled()
    assert page.acts["Delete"].isEnabled()


def test_without_runs_nothing_can_be_done_to_one(qtbot, dressed):
    empty = RunsPage(Session())
    qtbot.addWidget(empty)
    empty.show()
    assert not any(act.isEnabled() for act in (*empty.acts.values(), *empty.more.values()))
    empty.stop()


def test_a_run_is_renamed_in_its_place_and_back(qtbot, page, folder):
    page.list.select([folder / "one"])
    page.list.rename()
    editor = page.list.viewport().findChild(type(page.browser.search))
    editor.setText("first")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: (folder / "first").is_dir())
    assert [run.name for run in page.chosen()] == ["first"]
    page.undo()
    assert names(page) == ["hurt", "one", "two"]
    page.redo()
    assert names(page) == ["first", "hurt", "two"]
    page.deeds.rename(page.chosen()[0], "two")
    assert "two-2" in page.card.sentence.text()


def test_runs_are_thrown_away_and_brought_back(qtbot, page, folder):
    page.list.select([folder / "one", folder / "hurt"])
    qtbot.keyClick(page.list, Qt.Key.Key_Delete)
    assert names(page) == ["two"]
    assert page.undo_button.isVisibleTo(page)
    page.undo()
    assert names(page) == ["hurt", "one", "two"]
    page.redo()
    assert names(page) == ["two"]
    made(folder / "one")  # another run has the name now
    page.undo()
    assert names(page) == ["hurt", "one", "one-2", "two"]
    page.redo()
    assert (folder / "one").is_dir()
    assert names(page) == ["one", "two"]


def test_a_run_in_use_elsewhere_is_left_alone(page, folder):
    writer = RunFolder.open(folder / "one")
    page.list.select([folder / "one"])
    page.acts["Delete"].click()
    assert "another process" in page.card.sentence.text()
    assert names(page) == ["hurt", "one", "two"]
    writer.close()


def test_copies_and_queued_runs_are_seen(qtbot, page, folder):
    page.list.select([folder / "two"])
    page.more["Duplicate"].trigger()
    qtbot.waitUntil(lambda: len(page.all) == 4)
    (copy,) = page.chosen()
    assert copy.name.startswith("two-copy")
    page.ask_more()
    page.more_form.steps.setValue(500)
    page.more_form.add_button.click()
    assert page.tabs.currentIndex() == QUEUE
    (job,) = page.session.queue.jobs
    assert (job.name, job.more, job.state) == (copy.name, 500, "waiting")
    assert page.tabs.tabText(QUEUE) == "Queue (1)"
    page.queue.rows[0].buttons["Remove"].click()
    assert page.session.queue.jobs == []


def test_a_fork_that_cannot_be_is_told_in_the_form(qtbot, page, folder):
    page.list.select([folder / "one"])
    page.ask_fork()
    form = page.fork_form
    form.name.setText("two")
    form.fork_button.click()
    assert "two-2" in form.problem.text()
    form.name.setText("three")
    form.fork_button.click()  # its checkpoints are no checkpoints
    qtbot.waitUntil(lambda: bool(form.problem.text()) and "two-2" not in form.problem.text(), timeout=20_000)
    assert not (folder / "three").exists()


def test_branches_never_cross(folder):
    made(folder / "root", steps=40)
    made(folder / "late", steps=40, parent=fork_of("root", 30))
    made(folder / "early", steps=40, parent=fork_of("root", 10))
    made(folder / "early2", steps=40, parent=fork_of("early", 20))
    made(folder / "lost", parent=fork_of("nobody", 10))
    made(folder / "ring1", parent=fork_of("ring2", 10))
    made(folder / "ring2", parent=fork_of("ring1", 10))
    found = {lane.run.name: lane for family in lineage.families(runs.listing()) for lane in family}
    assert len(found) == 7
    assert [found[name].row for name in ("root", "late", "early", "early2")] == [0, 1, 2, 3]
    assert (found["early2"].parent, found["lost"].parent, found["lost"].lost) == (2, None, "nobody")


def test_the_tree_chooses_and_opens(qtbot, page, folder):
    tree = page.tree.tree
    place = next(p for p in tree._placed if p.lane.run.name == "two")
    qtbot.mouseClick(tree, Qt.MouseButton.LeftButton, pos=tree._box(place).center().toPoint())
    assert [run.name for run in page.chosen()] == ["two"]
    with qtbot.waitSignal(tree.opened) as opened:
        qtbot.keyClick(tree, Qt.Key.Key_Return)
    assert opened.args[0].name == "two"


def test_curves_lie_over_each_other_and_are_saved(qtbot, page, folder, tmp_path):
    page.compare([folder / "one", folder / "two", folder / "hurt"])
    assert page.tabs.currentIndex() == CURVES
    assert page.curves.measure.currentText() == "M_global"
    shown = page.curves.panel.history.series
    expected = [pasts.read(folder / run.name).points("M_global")[1] for run in page.chosen() if run.state == "ok"]
    assert [len(s.x) for s in shown.values()] == [len(values) for values in expected]
    page._save_csv(tmp_path / "m.csv")
    rows = (tmp_path / "m.csv").read_text().splitlines()
    assert sorted(rows[0].split(",")) == ["one", "step", "two"]
    assert len(rows) == 41
    np.testing.assert_allclose(float(rows[1].split(",")[1]), expected[0][0], rtol=1e-6)


def test_scores_are_drawn_where_all_have_them(page, folder):
    for name, values in (("one", (3.0, 2.0)), ("two", (5.0, None))):
        run = RunFolder.open(folder / name, write=False)
        for step, value in zip((10, 20), values, strict=True):
            run.add_line(step, "evaluated", "…", scores={"frechet": {"value": value, "label": "Fréchet distance"}, name: {"value": 1.0}})
    page.compare([folder / "one", folder / "two", folder / "hurt"])
    words = [page.curves.measure.itemText(i) for i in range(page.curves.measure.count())]
    assert words == ["M_global", "k_t", "Fréchet distance (evaluated)"]
    page.curves.measure.setCurrentIndex(2)
    page.curves.measure.activated.emit(2)
    assert {name: (x.tolist(), y.tolist()) for name, (x, y) in page.curves.curves().items()} == {"one": ([10, 20], [3, 2]), "two": ([10], [5])}


def test_a_runs_folder_that_is_gone_is_told_on_the_page(page, tmp_path):
    change(runs_folder=str(tmp_path / "disk"))
    page.refresh()
    assert page.all == []
    assert str(tmp_path / "disk") in page.alarm.sentence.text()


def test_what_is_copied_runs(page, folder, do, capfd):
    page.compare([folder / "one", folder / "two", folder / "hurt"])
    exec(page.as_python(), {})
    assert [line.split()[:2] for line in capfd.readouterr().out.splitlines()] in ([["one", "30"], ["two", "40"]], [["two", "40"], ["one", "30"]])
    page.tabs.setCurrentIndex(0)
    exec(page.as_python(), {})
    assert len(capfd.readouterr().out.splitlines()) == 3
    assert "one" in do(*page.as_command().split()[1:]).out
    page.list.select([folder / "one"])
    page.ask_fork()
    page.fork_form.knob.setCurrentIndex(1)
    said = do(*page.as_command().split()[1:])
    assert (said.status, "one" in page.as_command(), "--set gamma=0.5" in page.as_command()) == (2, True, True)


def test_two_runs_are_scrubbed_together(qtbot, page, folder):
    page.list.select([folder / "two"])  # a fork is seen beside what it comes from
    page.tabs.setCurrentIndex(TWINS)
    twins: Twins = page.twins
    one, two = twins.sides
    assert (one.name, two.name, twins.current()) == ("one", "two", 40)
    assert "its last" in one.at.full_text()
    assert two.grid.picture(0)[0, 0, 0] - one.grid.picture(0)[0, 0, 0] == two.frame(40)[0, 0, 0, 0] - one.frame(30)[0, 0, 0, 0]
    twins.go_to(20)
    assert (one.at.full_text(), two.at.full_text()) == ("step 20", "step 20")
    Reel(folder / "two" / "reel").add(41, one.frame(20))  # it has trained on meanwhile
    RunFolder.open(folder / "two", write=False).checkpoint(41).write_bytes(b"0")
    page.refresh()
    assert (twins.current(), twins.track.marks.frames[-1]) == (20, 41)
    (folder / "two" / "reel" / "000000041.png").unlink()
    for _ in range(2):
        twins.show_runs([])  # also when the list is read again
    assert twins.reason.isVisible()
    twins.show_runs(page._pair(page.chosen()))
    one.grid.select(2)
    assert two.grid.selection() == 2
    twins.how.buttons[1].click()
    twins.wipe.set_share(2.0)
    assert twins.wipe.share == 1.0
    twins.go_to(0)
    twins.toggle()
    qtbot.waitUntil(lambda: twins.current() == 40 and not twins.is_playing(), timeout=5_000)


def test_the_end_of_a_training_is_told(window, monkeypatch):
    page = window.show_page("runs")
    herald, session = window.herald, window.session
    seen = []
    monkeypatch.setattr("studio.herald.QApplication.alert", lambda widget: seen.append(widget))
    monkeypatch.setattr(type(window), "isActiveWindow", lambda self: False)
    session._condition("running", "")
    herald._since -= 100  # it took long
    assert herald.awake.held or herald.awake.why
    session.trouble.emit(Trouble("The disk is full."))
    session._condition("failed", "")
    assert "The disk is full" in page.notice.full_text()
    assert seen == [window]
    assert not herald.awake.held
    session._condition("running", "")
    session._condition("finished", "")  # a moment later: somebody has been watching
    assert len(seen) == 1
