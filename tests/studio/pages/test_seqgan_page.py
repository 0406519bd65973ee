"""The SeqGAN page, as a person trains with it."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from PySide6.QtCore import Qt

from models.algorithms import seqgan
from models.contract import Phase, Preset
from studio.messages import NewRun, OldRun
from studio.pages.seqgan import PLANE, REWARD, SAMPLES, TEMPERATURES
from studio.panels.drawing import DrawingBar
from tests.studio.driving import step, until
from tests.studio.test_cli_text import sentences
from tests.studio.test_text_commands import VERSES

TINY = {"T": 8, "vocab": 60, "e": 4, "h": 4, "e_D": 4, "filters": "narrow", "batch": 4, "negatives": 8, "oracle_size": 64, "held_out": 0.3}
KNOBS = {"N": 2, "d_steps": 1, "epochs": 1, "measure_every": 2}
STEPS = 3  # of every phase


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Phases of a few steps; the built-in texts, which the form begins with, are small."""
    from models.data import grammar

    monkeypatch.setitem(
        seqgan.PRESETS, "quick", Preset("quick", "a few steps", tuple(Phase(name, STEPS) for name in seqgan.PHASES), config=TINY, knobs=KNOBS)
    )
    monkeypatch.setattr(grammar, "COUNT", 80)


@pytest.fixture
def text(tmp_path):
    return sentences(tmp_path / "cats.txt")


def opened(qtbot, window, data, folder, *, start=False, **more):
    page = window.show_page("seqgan")
    with qtbot.waitSignal(window.session.opened, timeout=60_000):
        window.session.open(NewRun("seqgan", str(data), "quick", config=TINY | more, path=folder, threads=1), start=start)
    return page


def drawn(qtbot, page):
    """The samples, once there are some of both."""
    qtbot.waitUntil(lambda: bool(page.ours.sentences() and page.theirs.sentences()), timeout=20_000)
    return page.ours.sentences()


def typed(qtbot, page, words):
    page.drawing.prompt.setFocus()
    page.drawing.prompt.selectAll()
    page.drawing.prompt.insert(words)
    qtbot.keyClick(page.drawing.prompt, Qt.Key.Key_Return)


def plots(page):
    return [card._plot.title for card in page.curves.cards if not card.isHidden()]


def test_a_text_file_is_trained_on_from_the_form(qtbot, window, text):
    page = window.show_page("seqgan")
    window.receive(text)
    qtbot.waitUntil(page.new.start_button.isEnabled, timeout=60_000)
    assert page.new.picker.source() == str(text)
    with qtbot.waitSignal(window.session.opened, timeout=60_000):
        qtbot.mouseClick(page.new.start_button, Qt.MouseButton.LeftButton)
    assert page.stage.currentWidget() is page.live
    assert not page.phases.isAncestorOf(page.focusWidget())  # a space must not leave the phase
    until(qtbot, window, "finished")
    assert window.session.step == 3 * STEPS
    assert drawn(qtbot, page)


def test_all_phases_with_their_plots_and_numbers(qtbot, window, text, tmp_path):
    page = opened(qtbot, window, text, tmp_path / "run")
    step(qtbot, window, 2)
    assert plots(page) == ["NLL_gen", "BLEU", "Discriminator"]
    of_oracle, of_text = page.readouts
    assert (of_oracle.isVisible(), of_text.isVisible()) == (False, True)
    assert of_text.values["NLL_gen"].text() != "–"
    step(qtbot, window, 2 * STEPS - 1)  # a step of the last phase, of which only the reward is known
    assert page.phases.looked_at() == "adversarial"
    assert "Reward" in plots(page)
    step(qtbot, window, 2)  # measured now: what was not there joins
    assert plots(page) == ["NLL_gen", "BLEU", "Reward", "Discriminator"]


def test_an_oracle_has_its_own_numbers(qtbot, window, tmp_path):
    page = opened(qtbot, window, "oracle", tmp_path / "run")
    step(qtbot, window, 2)
    of_oracle, of_text = page.readouts
    assert (of_oracle.isVisible(), of_text.isVisible()) == (True, False)
    assert float(of_oracle.values["floor"].text()) < float(of_oracle.values["NLL_oracle"].text())
    assert plots(page)[0] == "NLL_oracle"
    assert all(word.isdecimal() for sentence in drawn(qtbot, page) for word in sentence)


def test_samples_follow_what_is_chosen(qtbot, window, text, tmp_path):
    page = opened(qtbot, window, text, tmp_path / "run")
    first = drawn(qtbot, page)
    page.drawing.seed.setValue(7)
    qtbot.waitUntil(lambda: page.ours.sentences() != first, timeout=20_000)
    typed(qtbot, page, "the cat")
    qtbot.waitUntil(lambda: all(said[:2] == ("the", "cat") for said in page.ours.sentences()), timeout=20_000)
    qtbot.waitUntil(lambda: all(said[:2] == ("the", "cat") for said in page.theirs.sentences()), timeout=20_000)
    assert page.drawn() == {
        "seed": 7,
        "count": 32,
        "options": {"temperature": 1.0, "top_k": 0, "nucleus": 1.0, "prompt": "the cat", "net": "seqgan"},
    }
    page.drawing.top_k.setValue(1)
    qtbot.waitUntil(lambda: len(set(page.ours.sentences())) == 1, timeout=20_000)  # the likeliest token is always the same


def test_unknown_words_are_told_once_and_the_page_goes_on(qtbot, window, text, tmp_path):
    page, told = opened(qtbot, window, text, tmp_path / "run"), []
    window.session.trouble.connect(told.append)
    drawn(qtbot, page)
    typed(qtbot, page, "the cat")
    qtbot.waitUntil(lambda: page.ours.sentences()[0][:2] == ("the", "cat"), timeout=20_000)
    typed(qtbot, page, "the zebra")
    qtbot.waitUntil(page.card.isVisible, timeout=20_000)
    assert page.card.sentence.text().startswith("This run's vocabulary of ")
    assert "'zebra'" in page.card.sentence.text()
    assert page.drawing.prompt.property("state") == "bad"
    step(qtbot, window, 2)
    qtbot.waitUntil(lambda: "step 2" in page.ours.right.full_text(), timeout=20_000)
    assert not page.ours.rows.stale
    assert page.ours.sentences()[0][:2] == ("the", "cat")  # the last prompt that could be
    assert page.drawn()["options"]["prompt"] == "the cat"
    assert len(told) <= 2  # of each generator
    qtbot.keyClick(page.drawing.prompt, Qt.Key.Key_Return)  # and no third time for the same words
    page.drawing.prompt.clear()
    qtbot.waitUntil(lambda: not page.card.isVisible(), timeout=20_000)
    assert page.drawing.prompt.property("state") == ""
    assert len(told) <= 2


def test_the_reward_of_the_sentence_that_was_clicked(qtbot, window, text, tmp_path):
    page = opened(qtbot, window, text, tmp_path / "run", held_out=0.2)
    step(qtbot, window, 2 * STEPS + 1)
    page.drawing.temperature.setValue(0.5)
    typed(qtbot, page, "the dog")
    qtbot.waitUntil(lambda: bool(page.theirs.sentences()) and page.theirs.sentences()[0][:2] == ("the", "dog"), timeout=20_000)
    for panel, net in ((page.theirs, 1), (page.ours, 0)):
        page.shown.setCurrentIndex(SAMPLES)
        rows = panel.rows
        qtbot.mouseClick(rows, Qt.MouseButton.LeftButton, pos=rows.rect_of(1).center().toPoint())
        assert (page.shown.currentIndex(), page.which.value(), page.net.currentIndex()) == (REWARD, 2, net)
        said = panel.sentences()[1]
        qtbot.waitUntil(lambda said=said: tuple(t.word for t in page.rewards.words.tokens)[: len(said)] == said, timeout=20_000)
    place = page.rewards.place()
    page.rewards.words.setFocus()
    qtbot.keyClick(page.rewards.words, Qt.Key.Key_Home if place else Qt.Key.Key_Right)
    assert page.rewards.place() == (0 if place else 1)
    page.rollouts.setValue(3)
    qtbot.waitUntil(lambda: len(page.rewards._rollouts[0]) == 3, timeout=20_000)


def test_quality_and_diversity_are_measured_while_it_trains(qtbot, window, text, tmp_path):
    page = opened(qtbot, window, text, tmp_path / "run", start=True)
    page.shown.setCurrentIndex(PLANE)
    qtbot.mouseClick(page.measure_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(page.plane.points()) == 2 * len(TEMPERATURES) + 1, timeout=30_000)
    assert page.plane.at.text() == ""  # nothing is being measured any more
    assert "references" in page.plane.foot.full_text()
    before = {(p.model, p.temperature): p.bleu for p in page.plane.points()}
    page.plane.orders.chosen.emit(1)
    page.plane.orders.select(1)
    page._draw_plane()
    assert all(p.bleu <= before[p.model, p.temperature] + 1e-9 for p in page.plane.points() if p.model != "real")  # longer n-grams are rarer


def test_too_few_held_out_is_told_in_the_place(qtbot, window, text, tmp_path):
    page = opened(qtbot, window, text, tmp_path / "run", held_out=0.0)
    page.shown.setCurrentIndex(PLANE)
    qtbot.mouseClick(page.measure_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "raise held_out" in page.plane.reason.text(), timeout=20_000)
    page.faces.choose(1)
    page.blind.begin()
    qtbot.waitUntil(lambda: "ask for fewer" in page.blind.panel.reason.text(), timeout=20_000)
    assert not page.card.isVisible()


def test_a_blind_test_by_keys_is_journalled_and_exported(qtbot, window, text, tmp_path):
    page = opened(qtbot, window, text, tmp_path / "run")
    face = page.blind
    assert "Begin at the right" in face.panel.reason.text()
    page.drawing.temperature.setValue(2.0)
    page.faces.choose(1)
    face.each.setValue(2)
    qtbot.mouseClick(face.begin_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(face.panel.is_asking, timeout=20_000)
    qtbot.keyClick(face.panel, Qt.Key.Key_M)
    qtbot.keyClick(face.panel, Qt.Key.Key_Backspace)
    for key in "HMHMHM":
        qtbot.keyClick(face.panel, key)
    assert [row.source for row in face.panel.rows()] == ["real", "MLE", "SeqGAN"]
    shown = len(page.journal.model.lines)
    face.export(tmp_path / "answers.csv")
    assert page.notice.full_text() == "Exported answers.csv"
    with open(tmp_path / "answers.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["answer"] for row in rows] == ["human", "machine"] * 3
    assert sorted(row["source"] for row in rows) == ["MLE", "MLE", "SeqGAN", "SeqGAN", "real", "real"]
    recipe = json.loads((tmp_path / "answers.csv.recipe.json").read_text("utf-8"))
    assert recipe["made"]["temperature"] == 2.0
    face.export(tmp_path / "answers.xlsx")
    assert "as .csv or .json" in page.card.sentence.text()
    window.session.stop()
    qtbot.waitUntil(lambda: window.session._worker is None, timeout=20_000)
    lines = [json.loads(line) for line in (tmp_path / "run" / "journal.jsonl").read_text("utf-8").splitlines()]
    blind = [line["blind"] for line in lines if "blind" in line]
    assert [one["answer"] for one in blind[:-1]] == ["machine", *["human", "machine"] * 3]
    assert [score["source"] for score in blind[-1]["scores"]] == ["real", "MLE", "SeqGAN"]
    assert shown <= 3  # the first line and the scores, not each answer


def test_a_finished_run_goes_on_in_a_phase_of_before(qtbot, window, text, tmp_path):
    page = opened(qtbot, window, text, tmp_path / "run", start=True)
    until(qtbot, window, "finished")
    with qtbot.waitSignal(window.session.line, timeout=20_000):
        page.phases.enter_wanted.emit("mle")
    assert (window.session.run.phase, window.session.run.total) == ("mle", 6 * STEPS)
    with qtbot.waitSignal(window.session.line, timeout=20_000):
        page.phases.longer_wanted.emit(2)
    assert window.session.run.total == 6 * STEPS + 2
    assert window.session.condition == "paused"
    page.transport.run_button.click()
    until(qtbot, window, "finished")
    assert window.session.step == 6 * STEPS + 2


def test_quality_of_text_has_its_own_plots(qtbot, window, text, tmp_path):
    page = opened(qtbot, window, text, tmp_path / "run")
    assert "sentences that were held out" in page.judging.panel.words.text()
    assert "Fréchet" not in page.judging.bar.samples.toolTip()
    page.judging.bar.samples.setValue(50)
    qtbot.mouseClick(page.judging.bar.now_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(page.judging.panel.lines), timeout=30_000)
    assert [card._plot.title for card in page.judging.panel.curves.cards if not card.isHidden()] == ["NLL_gen", "BLEU-2", "Self-BLEU-2"]
    assert page.judging.panel.scores.model.lines[0].name == "NLL_gen"
    assert page.journal.model.lines[-1][1].startswith("50 samples: NLL_gen ")


def test_a_run_of_characters_is_opened_again(qtbot, window, tmp_path):
    path = tmp_path / "verses.txt"
    path.write_text(VERSES.replace(" ", "\n") + "\n", "utf-8")
    page = opened(qtbot, window, path, tmp_path / "run", unit="chars")
    first = drawn(qtbot, page)
    assert all(len(said) == 5 for said in first)
    window.session.stop()
    qtbot.waitUntil(lambda: window.session._worker is None, timeout=20_000)
    with qtbot.waitSignal(window.session.opened, timeout=60_000):
        window.session.open(OldRun(tmp_path / "run"))
    qtbot.waitUntil(lambda: page.ours.sentences() == first, timeout=20_000)
    assert page.ours.rows.joiner == ""
    page.show_data()
    qtbot.waitUntil(page.browsing.is_ready, timeout=20_000)
    assert page.stage.currentWidget() is page.browsing.panel


# --- the bar above the sentences ------------------------------------------------------------------------------------


@pytest.fixture
def bar(qtbot, dressed):
    out = DrawingBar()
    qtbot.addWidget(out)
    out.told = []
    out.changed.connect(lambda: out.told.append(out.options()))
    out.show()
    return out


def test_the_bar_tells_every_change(qtbot, bar):
    bar.temperature.setValue(0.7)
    bar.nucleus.setValue(0.9)
    bar.top_k.setValue(5)
    bar.seed.setValue(3)
    assert bar.told[-1] == {"temperature": 0.7, "top_k": 5, "nucleus": 0.9, "prompt": ""}
    assert len(bar.told) == 4
    bar.prompt.setText("  the cat ")
    assert len(bar.told) == 4  # not before Enter
    qtbot.keyClick(bar.prompt, Qt.Key.Key_Return)
    assert bar.told[-1]["prompt"] == "the cat"
    bar.prompt.clear()
    assert bar.options()["prompt"] == ""


def test_a_refused_prompt_gives_way_to_the_last_good_one(qtbot, bar):
    assert not bar.refuse("no")  # nothing was asked for
    for words in ("good", "bad"):
        bar.prompt.setText(words)
        qtbot.keyClick(bar.prompt, Qt.Key.Key_Return)
        if words == "good":
            bar.accept("good")
    assert bar.refuse("unknown")
    assert (bar.options()["prompt"], bar.refused(), bar.prompt.toolTip()) == ("good", "unknown", "unknown")
    assert not bar.refuse("unknown")
    before = len(bar.told)
    bar.prompt.editingFinished.emit()  # the field is left
    assert len(bar.told) == before
    bar.forget()  # another run
    assert (bar.options()["prompt"], bar.refused()) == ("bad", "")
    assert bar.refuse("unknown here as well")
    assert bar.options()["prompt"] == ""


def test_numbers_of_the_reward_fit_their_sentence(qtbot, window, text, tmp_path):
    """What `view_rewards` gives is what the tree shows: every roll-out goes on from its own prefix."""
    page = opened(qtbot, window, text, tmp_path / "run")
    page.shown.setCurrentIndex(REWARD)
    qtbot.waitUntil(lambda: bool(page.rewards.words.tokens), timeout=20_000)
    view = page.rewards
    assert len(view._Q) == len(view.words.tokens)
    for t, verdicts in enumerate(view._verdicts):
        assert np.isclose(view._Q[t], verdicts.mean(), atol=1e-5)
    assert np.isclose(view._Q[-1], view._verdict, atol=1e-5)
