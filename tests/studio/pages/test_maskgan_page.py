"""The MaskGAN page, as a person trains with it."""

from __future__ import annotations

import json

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage

from models.algorithms import maskgan
from studio.messages import OldRun
from studio.pages.maskgan import DESK, SENTENCES, TEST, TRAIN
from tests.studio.driving import step, until
from tests.studio.maskgan import KNOBS, STEPS, closed, opened, settled
from tests.studio.test_text_commands import VERSES
from tests.studio.tiny import studio

pytestmark = pytest.mark.usefixtures("small")


@pytest.fixture
def page(qtbot, window, text, tmp_path):
    return opened(qtbot, window, text, tmp_path / "run")


def sampled(qtbot, page):
    """The samples, once there are some."""
    qtbot.waitUntil(lambda: bool(page.samples.sentences()), timeout=20_000)
    return page.samples.sentences()


def typed(qtbot, page, words):
    page.drawing.prompt.setFocus()
    page.drawing.prompt.selectAll()
    page.drawing.prompt.insert(words)
    qtbot.keyClick(page.drawing.prompt, Qt.Key.Key_Return)


def plots(page):
    return [card._plot.title for card in page.curves.cards if not card.isHidden()]


def test_a_text_file_is_trained_on_from_the_form(qtbot, window, text):
    page = window.show_page("maskgan")
    window.receive(text)  # stays on the page that writes text
    qtbot.waitUntil(page.new.start_button.isEnabled, timeout=60_000)
    assert page.new.picker.source() == str(text)
    with qtbot.waitSignal(window.session.opened, timeout=60_000):
        qtbot.mouseClick(page.new.start_button, Qt.MouseButton.LeftButton)
    until(qtbot, window, "finished")
    assert window.session.step == len(maskgan.PHASES) * STEPS
    assert len(sampled(qtbot, page)) == SENTENCES
    qtbot.waitUntil(lambda: len(page.looks.lines()) > 2, timeout=20_000)
    assert plots(page)[:2] == ["Perplexity", "Valid"]


def test_phases_with_their_plots_and_numbers(qtbot, window, page):
    step(qtbot, window, STEPS)
    assert plots(page) == ["Likelihood"]
    with qtbot.waitSignal(window.session.line, timeout=20_000):
        page.phases.enter_wanted.emit("gan")
    step(qtbot, window, 2)
    assert page.phases.looked_at() == "gan"
    assert plots(page) == ["Perplexity", "Valid", "Reward", "Critic", "D"]
    of_grammar, of_text = page.readouts
    assert (of_grammar.isVisible(), of_text.isVisible()) == (False, True)
    assert float(of_text.values["perplexity"].text()) > 1


def test_the_grammar_has_its_own_numbers(qtbot, window, tmp_path):
    page = opened(qtbot, window, "grammar", tmp_path / "run", T=20)
    with qtbot.waitSignal(window.session.line, timeout=20_000):
        page.phases.enter_wanted.emit("gan")
    step(qtbot, window, 2)
    of_grammar, of_text = page.readouts
    assert (of_grammar.isVisible(), of_text.isVisible()) == (True, False)
    assert 0 <= float(of_grammar.values["validity"].text()) <= 1
    page.faces.choose(DESK)
    desk = settled(qtbot, page)
    assert "of 5 valid" in desk.lists["maskgan"].right.full_text()
    page.faces.choose(TRAIN)
    qtbot.waitUntil(lambda: bool(page.looks.lines()), timeout=20_000)
    first = page.looks.lines()[0].tokens
    page.looks.on.click()
    assert page.looks.sentence() == 1
    assert page.looks.lines()[0].tokens != first
    assert page.looks.lines()[0].valid in (0.0, 1.0)


def test_samples_follow_what_is_chosen(qtbot, page):
    first = sampled(qtbot, page)
    page.drawing.seed.setValue(7)
    qtbot.waitUntil(lambda: page.samples.sentences() != first, timeout=20_000)
    typed(qtbot, page, "the cat")
    qtbot.waitUntil(lambda: all(said[:2] == ("the", "cat") for said in page.samples.sentences()), timeout=20_000)
    page.net.setCurrentIndex(2)
    page.net.activated.emit(2)
    assert page.drawn() == {
        "seed": 7,
        "count": SENTENCES,
        "options": {"temperature": 1.0, "top_k": 0, "nucleus": 1.0, "prompt": "the cat", "net": "lm"},
    }
    typed(qtbot, page, "the zebra")
    qtbot.waitUntil(page.card.isVisible, timeout=20_000)
    assert "'zebra'" in page.card.sentence.text()
    assert page.drawn()["options"]["prompt"] == "the cat"
    page.drawing.prompt.clear()
    qtbot.waitUntil(lambda: not page.card.isVisible(), timeout=20_000)


def test_undo_and_export_are_those_of_the_face(qtbot, window, page):
    page.knobs.changed.emit("lr", 0.05)
    assert window.session.knobs["lr"] == 0.05
    page.faces.choose(DESK)
    desk = settled(qtbot, page)
    before, knobs = desk.desk, dict(window.session.knobs)
    desk.by_rule("clear")
    qtbot.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert desk.desk == before
    assert window.session.knobs == knobs
    page.faces.choose(TRAIN)
    qtbot.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert window.session.knobs["lr"] == KNOBS.get("lr", 1e-3)
    qtbot.keyClick(window, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    assert window.session.knobs["lr"] == page.knobs.values()["lr"] == 0.05


def test_a_blind_test(qtbot, page):
    assert page.faces.switch.tabRect(TEST).right() <= page.faces.switch.width()
    page.desk.drawing.set_values({"temperature": 2.0})
    page.faces.choose(TEST)
    page.blind.each.setValue(2)
    qtbot.mouseClick(page.blind.begin_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(page.blind.panel.is_asking, timeout=20_000)
    for key in "HMHMHM":
        qtbot.keyClick(page.blind.panel, key)
    assert {row.source for row in page.blind.panel.rows()} == {"real", "MaskMLE", "MaskGAN"}
    assert page.blind._made["temperature"] == 2.0


def test_an_older_run_of_characters_is_opened_again(qtbot, window, tmp_path):
    path = tmp_path / "verses.txt"
    path.write_text(VERSES.replace(" ", "\n") + "\n", "utf-8")
    page = opened(qtbot, window, path, tmp_path / "run", unit="chars")
    first = sampled(qtbot, page)
    closed(qtbot, window)
    page.faces.choose(DESK)
    with qtbot.waitSignal(window.session.opened, timeout=60_000):
        window.session.open(OldRun(tmp_path / "run"))
    assert page.transport.isVisible()  # which is the desk's as well
    settled(qtbot, page)
    page.faces.choose(TRAIN)
    qtbot.waitUntil(lambda: page.samples.sentences() == first, timeout=20_000)
    assert page.samples.rows.joiner == ""
    page.show_data()
    qtbot.waitUntil(page.browsing.is_ready, timeout=20_000)


def test_a_broken_step_fades_what_is_shown_and_leads_back(qtbot, window, page):
    page.faces.choose(DESK)
    desk = settled(qtbot, page)
    window.session.trouble.emit(type("T", (), {"sentence": "no", "remedy": "", "details": "", "panel": ""})())
    assert desk.lists["maskgan"].rows.stale
    assert page.samples.rows.stale
    window.session.go_back()
    qtbot.waitUntil(lambda: desk.is_filled() and not desk.lists["maskgan"].rows.stale, timeout=20_000)


@pytest.mark.parametrize("state", ["desk", "table", "blind"])
def test_a_state_comes_about_by_itself(qtbot, page, state):
    page.blind.each.setValue(2)
    begin, is_there = page.states()[state]
    begin()
    qtbot.waitUntil(is_there, timeout=20_000)


def test_the_desk_is_shot(qtbot, window, page, tmp_path):
    closed(qtbot, window)
    done = studio("shoot", "--page", "maskgan", "--run", tmp_path / "run", "--state", "table", "--theme", "dark", "--out", tmp_path / "a.png")
    assert done.status == 0, done.err
    image = QImage(str(tmp_path / "a.png"))
    stage = image.copy(96, 500, 880, 240)
    assert len({stage.pixel(x, y) for x in range(0, 880, 2) for y in range(0, 240, 2)}) > 20
    assert json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))["system"] == "maskgan"
