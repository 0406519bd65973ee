"""The face of the chains, as a person uses it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication

from models.chains import SCALARS, Chains
from models.run import Run
from studio import theme
from studio.chainmessages import Tried
from studio.pages.chainstage import BLEND, MIXING, NORMS, START, TRACES
from studio.pages.page import Page
from studio.pages.ppgnchains import ChainsFace

WAIT = 20_000


class Host(Page):
    """A page with the chains alone."""

    SYSTEM, TITLE = "ppgn", "PPGN"

    def __init__(self) -> None:
        super().__init__()
        self.face = ChainsFace()
        self.stage.addWidget(self.face)
        self.add_side(self.face.side)
        self.add_foot(self.face.foot)
        self.face.failed.connect(self.card.show_error)
        self.face.told.connect(lambda text, path: self.tell(text, path))


@pytest.fixture(scope="module")
def once(qapp):
    """The light theme, put on once."""
    theme.apply(qapp, "light")


@pytest.fixture
def host(qtbot, once):
    made = Host()
    qtbot.addWidget(made)
    made.resize(1200, 800)
    made.show()
    yield made
    made.face.stop()


@pytest.fixture
def face(qtbot, host, chain_run):
    """Four chains on the tiny run."""
    f = host.face
    f.side.chains.setValue(4)
    f.set_run(chain_run, "tiny")
    qtbot.waitUntil(lambda: f.frame is not None and f.judged is not None, timeout=WAIT)
    return f


@pytest.fixture
def until(qtbot):
    return lambda condition: qtbot.waitUntil(condition, timeout=WAIT)


def step(until, face, n=1):
    for _ in range(n):
        to = face.frame.step + 1
        face.foot.step_button.click()
        until(lambda to=to: face.frame.step == to)


def asked(face):
    return [tuple(map(str, own)) for own in face.worker._chains.setup.conditions]


def ask(until, face, text, kind=0):
    field = face.stage.bar.condition
    field.kinds.setCurrentIndex(kind)
    field.field.setText(text)
    field.enter()
    until(lambda: not field.sentence.isHidden() or asked(face)[0] == field.wishes())


def turn(face, name, text):
    row = face.side.epsilons.rows[name]
    row.field.setText(text)
    row.field.setModified(True)
    row.field.editingFinished.emit()


def in_force(face, name):
    return getattr(face.worker._chains.knobs, name)


def test_without_a_run_it_says_what_to_do(qtbot, host):
    face = host.face
    assert face.empty.isVisible()
    assert "Open a run" in face.empty.lines.text()
    assert not face.foot.play_button.isEnabled()
    assert not face.toggle()
    assert not face.step_once()
    face.step_back()
    face.undo()
    with qtbot.waitSignal(face.train_wanted):
        face.empty.button.click()


def test_a_run_without_its_parts_says_which_phase_to_train(host, until, encoder_run):
    face = host.face
    face.prefer("class:nothing of the kind", plays=True)
    face.set_run(encoder_run, "encoder")
    assert face.waiting.isVisible()
    assert face.waiting.title.text() == "Opening encoder …"
    until(lambda: face.frame is not None and face.frame.step > 2)  # by itself
    face.toggle()
    assert face.steering.variant in ("am", "gaussian", "handmade")  # what it can do
    variants = face.stage.bar.variants
    joint = variants.findData("noiseless-joint")
    assert not variants.model().item(joint).isEnabled()
    assert "needs the phase 'generator'" in variants.itemData(joint, Qt.ItemDataRole.ToolTipRole)
    assert face.foot.text.full_text()
    face.set_run(None, "")
    until(lambda: face.facts is None)
    assert face.empty.isVisible()
    assert face.foot.text.full_text() == ""


def test_an_empty_run_says_which_phase_comes_first(host, until, tmp_path):
    from tests.studio.chainrun import make_run

    face = host.face
    face.set_run(make_run(tmp_path / "run", tmp_path / "home", phases=0), "nothing")
    until(lambda: face.facts is not None)
    assert face.empty.isVisible()
    assert "'encoder'" in face.empty.lines.text()
    assert "variant" not in face.empty.lines.text()  # there is nothing to choose one with
    assert not face.toggle()


def test_play_pause_step_back_and_reset(host, until, face, qtbot):
    assert face.toggle()
    until(lambda: face.frame.step > 3 and face.foot.play_button.text() == "Pause")
    assert "steps/s" in face.foot.text.full_text()
    face.toggle()
    until(lambda: not face.foot.playing)
    qtbot.wait(50)
    pictures, at = face.frame.pictures, face.frame.step
    step(until, face)
    assert not np.array_equal(face.frame.pictures, pictures)
    face.step_back()
    until(lambda: face.frame.step == at)
    assert np.array_equal(face.frame.pictures, pictures)
    assert f"step {at}" in face.stage.heading.full_text()
    face.foot.reset_button.click()
    until(lambda: face.frame.step == 0)
    face.toggle()
    until(lambda: face.foot.playing)
    host.hide()
    until(lambda: not face.worker._playing)


def test_conditions_are_swapped_in_the_middle_of_the_chain(until, face):
    step(until, face, 2)
    ask(until, face, "background=mint")
    assert face.frame.step == 2
    ask(until, face, "a red circle", 1)
    assert asked(face)[0] == ("caption:a red circle",)
    ask(until, face, "h/3", 2)
    assert asked(face)[0] == ("unit:h/3",)
    until(lambda: face.stage.agreement.text() == "agreement –")
    ask(until, face, "colour=red, count=two:-0.5", 3)
    assert asked(face)[0] == ("colour=red", "count=two:-0.5")
    step(until, face)
    assert face.frame.step == 3


def test_an_unknown_word_is_told_inline_and_nothing_is_lost(until, face):
    before = asked(face)
    field = face.stage.bar.condition
    field.field.setText("colour=rad")
    field.enter()
    assert "did you mean 'red'" in field.sentence.text()
    assert field.field.text() == "colour=rad"
    assert face.stage.bar.layout().contentsMargins().bottom() == 0  # the sentence stands where there was room
    assert asked(face) == before
    field.field.setText("colour=red")
    field.field.textEdited.emit("colour=red")
    assert field.sentence.isHidden()
    ask(until, face, "a red cirkle", 1)
    assert "the word 'cirkle'" in field.sentence.text()
    step(until, face)


def test_knobs_act_at_the_next_step_and_ctrl_z_takes_them_back(until, face):
    step(until, face)
    turn(face, "epsilon2", "7.5")
    until(lambda: in_force(face, "epsilon2") == 7.5)
    assert face.frame.step == 1
    turn(face, "epsilon1", "0")
    until(lambda: in_force(face, "epsilon1") == 0)
    assert "no prior pulls" in face.side.epsilons.temperature.text()
    turn(face, "epsilon1", "0.02")
    turn(face, "epsilon3", "0.2")
    assert face.side.epsilons.temperature.text().endswith("1.00")
    face.undo()
    face.undo()
    until(lambda: in_force(face, "epsilon1") == 0.01)
    face.undo()
    until(lambda: in_force(face, "epsilon2") == 1.0)
    assert face.side.epsilons.rows["epsilon2"].value == 1.0
    face.undo()  # there is nothing left


def test_sliders_have_an_exact_zero_and_reach_what_matters(face):
    for name, least in (("epsilon1", 1e-6), ("epsilon2", 1e-2), ("epsilon3", 1e-17)):
        row = face.side.epsilons.rows[name]
        assert row.scale.value(0) == 0
        assert row.scale.value(1) <= least
        assert row.scale.place(1.0) > row.scale.place(least) > 0
    turn(face, "epsilon2", "5e5")  # beyond the slider, and in the range of the knob
    assert face.side.epsilons.rows["epsilon2"].value == 5e5
    turn(face, "epsilon2", "-1")
    assert face.side.epsilons.rows["epsilon2"].value == 5e5


def test_each_mode_has_its_own_values(until, face):
    epsilons = face.side.epsilons
    assert not epsilons.rows["step_size"].isEnabled()
    assert "Only the mode released" in epsilons.rows["step_size"].toolTip()
    epsilons.rows["mode"].choice.buttons[1].click()
    until(lambda: in_force(face, "mode") == "released")
    assert (in_force(face, "epsilon1"), in_force(face, "epsilon3")) == (1e-5, 1e-17)
    assert epsilons.rows["step_size"].isEnabled()
    assert "mean something here alone" in epsilons.mode_words.text()
    turn(face, "step_size", "0.5")
    epsilons.own_button.click()
    until(lambda: in_force(face, "step_size") == 0.1)
    face.undo()
    until(lambda: in_force(face, "step_size") == 0.5)
    face.undo()
    face.undo()
    until(lambda: in_force(face, "mode") == "paper")
    assert in_force(face, "epsilon1") == 1e-2
    assert not epsilons.rows["step_size"].isEnabled()


def test_another_variant_walks_with_its_own_values(until, face):
    for name in ("dgn-am", "ppgn-x"):
        place = face.stage.bar.variants.findData(name)
        face.stage.bar.variants.setCurrentIndex(place)
        face.stage.bar.variants.activated.emit(place)
        until(lambda name=name: face.opened.wish.variant == name)
        step(until, face)
    assert in_force(face, "epsilon1") == 0.1
    assert face.stage.norms.norm.title.text() == "‖x‖"
    place = face.stage.bar.variants.findData("dgn-am")
    face.stage.bar.variants.activated.emit(place)
    until(lambda: face.opened.wish.variant == "dgn-am")
    assert not face.side.epsilons.rows["epsilon1"].isEnabled()


def test_a_chain_is_selected_and_its_forces_shown(until, face, qtbot):
    step(until, face, 2)
    grid = face.stage.grid
    qtbot.mouseClick(grid, Qt.MouseButton.LeftButton, pos=grid.rect_of(2).center().toPoint())
    assert "chain 3" in face.stage.heading.full_text()
    until(lambda: face.judged.chain == 2)
    assert np.array_equal(face.stage.large._shown, face.frame.pictures[2])
    bars = {b.name: b for b in face.stage.forces.bars.lines}
    assert set(bars) == {"prior", "condition", "noise"}
    assert max(b.parts[0][0] for b in bars.values()) <= 1
    assert "° apart" in face.stage.forces.angle.text()
    assert len(face.stage.classes.bars.lines) == 8
    assert face.stage.classes.bars.lines[0].strong
    assert face.stage.classes.caption.text()
    right = sum(map(bool, face.judged.agreed))
    assert face.stage.agreement.text() == f"{right} of 4 agree"


def test_the_chains_are_kept_in_the_gallery(until, face, chain_run):
    from models.journal import RunFolder
    from studio.gallery import Gallery

    kept = []
    face.worker.kept.connect(lambda n, path: kept.append((n, path)))
    face.keep()
    until(lambda: bool(kept))
    gallery = Gallery.open(kept[0][1])
    found = gallery.entries(gallery.query(sort="oldest"))
    gallery.close()
    assert kept[0][0] == len(found) == 4
    assert {e.label for e in found} == {" + ".join(own) for own in asked(face)}
    assert found[0].score_name == "log p"
    folder = RunFolder.open(chain_run, write=False)
    assert max(folder.steps()) in folder.pins()


def test_a_frame_of_the_strip_is_looked_at_and_forked(until, face, qtbot):
    step(until, face, 4)
    strip, frames = face.stage.strip, face.stage.strip.frames
    until(lambda: strip._strip is not None and strip._strip.steps[-1] == 4)
    first = strip._strip.pictures[0]
    qtbot.mouseClick(frames, Qt.MouseButton.LeftButton, pos=frames.rect_of(0).center().toPoint())
    until(lambda: face.frame.back == 4)
    assert "Looking at step 0" in face.stage.heading.full_text()
    assert face.stage.classes.title.text() == "Classes now"
    assert np.array_equal(face.frame.pictures[0], first)
    assert strip.fork_button.text() == "Fork here"
    at = frames.rect_of(1).center().toPoint()
    forked = strip._strip.pictures[1]
    qtbot.mouseClick(frames, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, at)
    until(lambda: face.frame.back == 0)
    assert face.frame.step == 4
    assert np.array_equal(face.frame.pictures[0], forked)
    strip.fork_button.click()
    until(lambda: face.worker._chains.place == 6)


def test_the_tabs_ask_for_what_they_show(until, face):
    step(until, face, 17)
    for tab, seen in ((TRACES, face.stage.traces), (NORMS, face.stage.norms), (MIXING, face.stage.mixing)):
        face.stage.tabs.setCurrentIndex(tab)
        assert seen.isVisible()
    until(lambda: face.stage.mixing.cells["norm"][1].text() not in ("–", "0.00"))
    assert "8 draws of 4 chains" in face.stage.mixing.over.full_text()
    face.stage.tabs.setCurrentIndex(NORMS)
    until(lambda: len(face.stage.norms.norm._lines) == 2 and len(face.stage.norms.norm._lines[1].getData()[0]) == 17)
    face.stage.tabs.setCurrentIndex(TRACES)
    until(lambda: bool(face.stage.traces.log_p._lines) and len(face.stage.traces.log_p._lines[1].getData()[0]) == 17)


def test_classes_by_epsilon_are_one_batch(until, face):
    stage = face.stage
    stage.grid_button.click()
    until(lambda: len(face.frame.pictures) == 10)  # count has two classes
    plan = stage.sweep.axes.plan
    assert plan.rows == ("count=one", "count=two")
    assert plan.values == (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    assert asked(face)[4:6] == [("count=one",), ("count=two",)]
    assert face.worker._chains.setup.each == {"epsilon1": plan.values * 2}
    assert not stage.bar.condition.isVisible()
    until(lambda: face.judged is not None and len(face.judged.agreed) == 10)
    column = [face.judged.agreed[1], face.judged.agreed[6]]
    assert stage.sweep.axes.column_words(1) == f"{sum(map(bool, column))} of 2"
    turn(face, "epsilon1", "0.5")
    until(lambda: face.worker._chains.setup.each["epsilon1"][2] == 0.5)
    turn(face, "epsilon2", "3")
    until(lambda: in_force(face, "epsilon2") == 3 and face.worker._chains.setup.each["epsilon1"][2] == 0.5)
    stage.sweep.sweep.buttons[1].click()
    until(lambda: "epsilon2" in face.worker._chains.setup.each)
    assert face.worker._chains.setup.each["epsilon2"][:5] == (0.03, 0.3, 3.0, 30.0, 300.0)
    stage.sweep.field.setText("colour=red, kind=star, nothing")
    stage.sweep.field.returnPressed.emit()
    assert "no class 'nothing'" in stage.sweep.sentence.text()
    stage.sweep.field.setText("colour=red, kind=star, background=mint")
    stage.sweep.field.returnPressed.emit()
    until(lambda: len(face.frame.pictures) == 15)
    step(until, face)
    stage.sweep.axes.grid.clicked.emit(7)
    until(lambda: face.judged.chain == 7)
    stage.grid_button.click()
    until(lambda: len(face.frame.pictures) == 4)
    assert stage.bar.condition.isVisible()


def test_two_conditions_are_blended_under_the_hand(until, face):
    step(until, face)
    ask(until, face, "background=mint")
    blend = face.stage.blend
    face.stage.tabs.setCurrentIndex(BLEND)
    blend.second.field.setText("colour=red")
    blend.second.enter()
    blend.pad._go(0.25, 0.5)
    until(lambda: asked(face)[0] == ("background=mint:0.75", "colour=red:0.25"))
    assert "75% A, 25% B" in blend.words.text()
    assert face.frame.step == 1
    blend.pad._go(1.0, 0.75)
    until(lambda: asked(face)[0] == ("colour=red",) and in_force(face, "epsilon2") == 10)
    assert face.side.epsilons.rows["epsilon2"].value == 10
    turn(face, "epsilon2", "1")
    assert blend.pad.at[1] == pytest.approx(0.5)
    bar = face.stage.bar
    bar.condition.field.setText("background=sky")
    bar.condition.enter()
    blend.pad._go(0.51, 0.5)
    until(lambda: asked(face)[0] == ("background=sky:0.49", "colour=red:0.51"))
    face.stage.tabs.setCurrentIndex(TRACES)
    assert bar.sign.isVisible()
    assert bar.blend.full_text() == "49% A + 51% B: colour=red"
    face.stage.grid_button.click()
    assert not bar.sign.isVisible()
    face.stage.grid_button.click()
    assert bar.sign.isVisible()
    bar.alone.click()
    until(lambda: asked(face)[0] == ("background=sky",))
    assert not bar.sign.isVisible()
    assert blend.pad.at == (0.0, pytest.approx(0.5))


def test_one_drag_on_the_pad_is_one_undo(until, face, qtbot, monkeypatch):
    turn(face, "epsilon1", "0.02")
    face.stage.tabs.setCurrentIndex(BLEND)
    blend, left = face.stage.blend, Qt.MouseButton.LeftButton
    blend.second.field.setText("colour=red")
    blend.second.enter()
    monkeypatch.setattr("studio.history.DRAG", -1.0)  # as if each move took long
    for way in ((20, 30), (60, 60)):
        qtbot.mousePress(blend.pad, left, pos=QPoint(*way))
        for far in (10, 20, 40):
            qtbot.mouseMove(blend.pad, QPoint(way[0] + far, way[1] + far))
        qtbot.mouseRelease(blend.pad, left, pos=QPoint(way[0] + 40, way[1] + 40))
    assert blend.pad.drags == 2
    assert not blend.pad.held
    last = blend.strength()
    until(lambda: in_force(face, "epsilon2") == last)
    face.undo()
    assert face.steering.in_force["epsilon2"] not in (1.0, last)
    face.undo()
    assert face.steering.in_force["epsilon2"] == 1.0
    until(lambda: in_force(face, "epsilon2") == 1.0)
    assert face.steering.in_force["epsilon1"] == 0.02
    face.undo()
    assert face.steering.in_force["epsilon1"] == 0.01


def test_equal_chains_are_told(until, face):
    stage, frame = face.stage, face.frame
    assert "4 chains · step 0" in stage.heading.full_text()
    same = np.repeat(frame.pictures[:1], 4, 0)
    stage.show_frame(replace(frame, pictures=same, step=7), (), SCALARS)
    assert stage.heading.full_text().startswith("4 equal chains: raise ε3 · step 7")
    stage.show_frame(replace(frame, pictures=same), (), SCALARS)
    assert stage.heading.full_text().startswith("4 chains, equal at the start")
    step(until, face)
    face.stage.strip.fork_button.click()
    until(lambda: face.worker._chains.place == 2)
    assert "chains · step 1" in stage.heading.full_text()  # a fork sets them apart


def test_more_chains_than_there_may_be_are_as_many_as_there_may_be(qtbot, face):
    spin = face.side.chains
    spin.lineEdit().selectAll()
    qtbot.keyClicks(spin.lineEdit(), "500")
    qtbot.keyClick(spin.lineEdit(), Qt.Key.Key_Return)
    assert spin.value() == 256


def test_good_news_ends_bad_news(until, host, face, tmp_path):
    face.mended.connect(host.card.close_card)
    face.plug(str(tmp_path / "none.safetensors"))
    until(lambda: not host.card.isHidden())
    face.plug(f"{face.path}#scorer")
    until(lambda: host.card.isHidden())


def test_it_starts_from_a_dropped_picture_and_keeps_what_is_not_painted(until, face, tmp_path):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (40, 40, 3), np.uint8)).save(tmp_path / "p.png")
    face.stage.tabs.setCurrentIndex(START)
    start = face.stage.start
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "p.png"))])
    drop = QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    start.canvas.dropEvent(drop)
    until(lambda: face.opened is not None and not isinstance(face.opened.wish.start, str))
    assert start.kinds.selected() == 2
    assert start.canvas.shown.shape == (32, 32, 3)
    for r in range(4, 14, 2):
        start.canvas.dab((r, 16), True)
    start.canvas.painted.emit()
    until(lambda: face.opened.wish.hole is not None)
    until(lambda: in_force(face, "epsilon4") == 0.1)
    assert face.side.epsilons.rows["epsilon4"].isVisibleTo(face.side)
    step(until, face)
    hole = start.canvas.hole
    assert np.array_equal(face.frame.pictures[0][~hole], start.canvas.shown[~hole])
    assert {b.name for b in face.stage.forces.bars.lines} == {"prior", "condition", "noise", "context"}
    start.invert_button.click()
    until(lambda: face.opened.wish.hole is not None and bool((face.opened.wish.hole == ~hole).all()))
    start.clear_button.click()
    until(lambda: face.opened.wish.hole is None)
    assert face.steering.in_force["epsilon4"] == 0
    start.take_button.click()
    until(lambda: np.array_equal(face.opened.wish.start, face.stage.start.canvas.shown))
    start.kinds.buttons[1].click()
    until(lambda: isinstance(face.opened.wish.start, str) and face.opened.wish.start == "codes")
    taken = [face.history.text(i) for i in range(face.history.count())]
    assert taken == ["start picture", "mask", "mask", "mask", "start picture", "start of the chains"]
    for _ in range(3):  # codes, the chain's own picture, the cleared mask
        face.undo()
    assert np.array_equal(start.canvas.hole, ~hole)
    until(lambda: face.opened.wish.hole is not None and bool((face.opened.wish.hole == ~hole).all()))
    assert (start.kinds.selected(), face.steering.in_force["epsilon4"]) == (2, 0.1)
    face.history.redo()
    until(lambda: face.opened.wish.hole is None)


def test_the_mask_is_painted_by_mouse_and_by_keyboard(qtbot, face):
    face.stage.tabs.setCurrentIndex(START)
    canvas = face.stage.start.canvas
    canvas.show_picture(np.zeros((32, 32, 3), np.uint8))
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(20, 20))
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(20, 20))
    painted = canvas.hole.sum()
    assert painted
    qtbot.mousePress(canvas, Qt.MouseButton.RightButton, pos=QPoint(20, 20))
    qtbot.mouseRelease(canvas, Qt.MouseButton.RightButton, pos=QPoint(20, 20))
    assert not canvas.hole.any()
    qtbot.keyClick(canvas, Qt.Key.Key_Right)
    qtbot.keyClick(canvas, Qt.Key.Key_Return)
    assert canvas.hole[16, 17]
    qtbot.keyClick(canvas, Qt.Key.Key_Delete)
    assert not canvas.hole.any()


def test_a_classifier_is_plugged_and_asked_why(until, face, chain_run):
    face.plug(f"{chain_run}#scorer")
    until(lambda: face.side.plug.own_button.isEnabled())
    assert "scorer" in face.side.plug.name.full_text()
    face.side.plug.why_button.click()
    until(lambda: not face.side.plug.verdict.isHidden())
    assert face.side.plug.verdict.text()
    assert "--classifier" in face.doors.command()
    face.stage.grid_button.click()
    until(lambda: len(face.frame.pictures) == 10)
    face.side.plug.own_button.click()
    until(lambda: not face.side.plug.own_button.isEnabled())
    assert asked(face)[9] == ("count=two",)
    assert face.side.plug.name.full_text() == "C of this run"


def test_a_program_is_trusted_or_left(face, qtbot):
    trust, asked_for = face.stage.trust, []
    trust.trusted.connect(lambda *both: asked_for.append(both))
    face.worker.untrusted.emit("/somewhere/net.pt2", "ab" * 32, "told")
    assert trust.isVisible()
    assert "net.pt2: this file can run code when loaded" in trust.sentence.text()
    assert "ab" * 16 in trust.sentence.text()
    trust.leave_button.click()
    assert not trust.isVisible()
    assert not asked_for
    face.worker.untrusted.emit("/somewhere/net.pt2", "ab" * 32, "told")
    trust.trust_button.click()
    assert asked_for == [("/somewhere/net.pt2", "ab" * 32)]


def test_the_verdict_of_a_failed_test_is_a_warning(face):
    face.side.plug.show_tried(Tried(False, "It does not rise.", "Use another."))
    assert face.side.plug.verdict.property("kind") == "warn"


def test_the_verdict_is_scrolled_into_view(host, until, face):
    host.resize(1200, 560)
    face.side.plug.why_button.click()
    until(face.side.plug.verdict.isVisible)
    until(lambda: not face.side.plug.verdict.visibleRegion().isEmpty())
    assert "Start from noise" not in face.side.plug.verdict.text()


def test_a_newer_checkpoint_waits_for_the_next_reset(until, face, chain_run):
    step(until, face, 2)
    face.set_run(chain_run, "tiny")
    assert face.frame.step == 2
    assert "newer checkpoint" in face.foot.reset_button.toolTip()
    turn(face, "epsilon2", "3")
    face.foot.reset_button.click()
    until(lambda: face.frame.step == 0)
    until(lambda: in_force(face, "epsilon2") == 3)
    assert "newer" not in face.foot.reset_button.toolTip()


def test_diverged_chains_are_marked_and_told_once(host, until, face):
    face.worker._chains.state.scores[1, :, 0] = float("nan")
    step(until, face, 2)
    assert host.card.isVisible()
    assert "One chain has left the finite numbers at step 1" in host.card.sentence.text()
    assert "1 frozen" in face.stage.heading.full_text()
    host.card.close_card()
    step(until, face)
    assert not host.card.isVisible()


def test_the_script_that_is_copied_makes_the_same_chains(until, face, chain_run):
    step(until, face, 2)
    face.worker.ask_for("record")
    until(lambda: "chains.step(2)" in QGuiApplication.clipboard().text())
    assert np.array_equal(ran(QGuiApplication.clipboard().text())["pictures"], face.frame.pictures)
    ask(until, face, "background=mint")
    turn(face, "epsilon3", "0.1")
    step(until, face, 2)
    QGuiApplication.clipboard().clear()
    face.worker.ask_for("record")
    until(lambda: "replay" in QGuiApplication.clipboard().text())
    assert np.array_equal(ran(QGuiApplication.clipboard().text())["pictures"], face.frame.pictures)


def ran(script):
    found: dict = {}
    exec(compile(script, "copied", "exec"), found)
    found["run"].close()
    return found


def test_the_command_that_is_copied_says_what_is_in_force(host, until, face, chain_run):
    import shlex

    ask(until, face, "background=mint, count=two:-0.5", 3)
    turn(face, "epsilon3", "0.1")
    step(until, face, 3)
    words = shlex.split(face.doors.command())
    assert words[:3] == ["sampling-studio", "chain", str(chain_run)]
    given = {w: words[i + 1] for i, w in enumerate(words) if w.startswith("--") and "=" not in w}
    assert (given["--variant"], given["--mode"], given["--chains"], given["--steps"], given["--seed"]) == ("noiseless-joint", "paper", "4", "3", "0")
    assert [words[i + 1] for i, w in enumerate(words) if w == "--condition"] == ["background=mint", "count=two:-0.5"]
    assert "--epsilon=0.01,1.0,0.1" in words
    run = Run.open(chain_run, data=False, write=False)
    epsilons: dict[str, object] = dict(zip(("epsilon1", "epsilon2", "epsilon3"), map(float, ["0.01", "1.0", "0.1"]), strict=True))
    again = Chains(run.algorithm.parts(run.state), "noiseless-joint", ["background=mint", "count=two:-0.5"], epsilons, chains=4, seed=0)
    again.step(3)
    face.foot.reset_button.click()
    until(lambda: face.frame.step == 0)
    step(until, face, 3)
    assert np.array_equal(face.frame.pictures, again.pictures())
    face.stage.grid_button.click()
    until(lambda: len(face.frame.pictures) == 10)
    assert face.doors.command() == ""
    assert "copy as a Python script" in host.card.sentence.text()


def test_the_stage_is_exported(host, face, tmp_path):
    face.doors.export("stage", tmp_path / "stage.png")
    assert (tmp_path / "stage.png").stat().st_size > 1000
    assert "Exported" in host.notice.full_text()
    face.doors.export("stage", tmp_path / "no" / "stage.png")
    assert "could not be written" in host.card.sentence.text()
    face.doors.export("no such exporter", tmp_path / "x")


def test_everything_fits(host, until, face, qtbot):
    stage = face.stage
    for chains in (1, 4, 30):
        face.side.chains.setValue(chains)
        until(lambda chains=chains: len(face.frame.pictures) == chains)
        for size in ((1040, 700), (1200, 800), (1840, 1080)):
            host.resize(*size)
            qtbot.wait(10)
            fits(face)
    stage.grid_button.click()
    until(lambda: len(face.frame.pictures) == 10)
    for size in ((1040, 700), (1200, 800), (1840, 1080)):
        host.resize(*size)
        qtbot.wait(10)
        fits(face)


def fits(face):
    stage = face.stage
    for part in (stage.left, stage.right, stage.strip, stage.classes, face.foot, stage.bar):
        there = part.geometry()
        assert there.right() <= part.parentWidget().width()
        assert there.bottom() <= part.parentWidget().height()
        assert there.width() >= part.minimumSizeHint().width()
