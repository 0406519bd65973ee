"""The blind test: keys, order, what is hidden until the end, and what is told then."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QLabel

from models.errors import BadInput
from models.metrics.blind import Row, results
from studio import theme
from studio.panels.blindresults import p_words, reading
from studio.panels.blindtest import BlindTestPanel

SOURCES = {name: [f"{name.lower()[0]}{i} is a sentence" for i in range(12)] for name in ("real", "SeqGAN", "MLE")}
SETTINGS = {"each": 4, "seed": 5, "title": "poems, step 400"}


@pytest.fixture
def panel(qtbot, dressed) -> BlindTestPanel:
    out = BlindTestPanel()
    qtbot.addWidget(out)
    out.resize(900, 600)
    with qtbot.waitExposed(out):
        out.show()
    return out


@pytest.fixture
def begun(panel: BlindTestPanel) -> BlindTestPanel:
    panel.begin(SOURCES, **SETTINGS)
    return panel


def sources(panel: BlindTestPanel) -> list[str]:
    """Of all sentences, in their order; known to the test only."""
    return [item.source for item in panel._items]


def test_nothing_before_it_is_begun(panel: BlindTestPanel, qtbot) -> None:
    assert panel.pages.currentWidget() is panel.empty
    with qtbot.assertNotEmitted(panel.answered):
        qtbot.keyClick(panel, Qt.Key.Key_H)
    panel.show_reason("The run has no sentences yet.")
    assert panel.reason.text() == "The run has no sentences yet."


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (Qt.Key.Key_H, True),
        (Qt.Key.Key_Right, True),
        (Qt.Key.Key_M, False),
        (Qt.Key.Key_Left, False),
        (Qt.Key.Key_Space, None),
        (Qt.Key.Key_Down, None),
    ],
)
def test_keys(begun: BlindTestPanel, qtbot, key, value) -> None:
    assert begun.hasFocus() or begun.focusPolicy() == Qt.FocusPolicy.StrongFocus
    with qtbot.waitSignal(begun.answered) as told:
        qtbot.keyClick(begun, key)
    assert told.args == [0, value]
    assert begun.progress.text() == "2 of 12"


def test_buttons_do_the_same(begun: BlindTestPanel, qtbot) -> None:
    for name, value in (("human", True), ("machine", False), ("skipped", None)):
        with qtbot.waitSignal(begun.answered) as told:
            begun.buttons[name].click()
        assert told.args[1] is value
    assert [a["answer"] for a in begun.answers()] == ["human", "machine", "skipped"]
    begun.back_button.click()
    assert begun.progress.text() == "3 of 12"


def test_back_shows_what_was_said_and_takes_another_answer(begun: BlindTestPanel, qtbot) -> None:
    first = begun.sentence.text()
    qtbot.keyClick(begun, Qt.Key.Key_Backspace)  # there is nothing before the first
    assert begun.sentence.text() == first
    qtbot.keyClick(begun, Qt.Key.Key_H)
    assert begun.before.text() == ""
    qtbot.keyClick(begun, Qt.Key.Key_Backspace)
    assert (begun.sentence.text(), begun.before.text()) == (first, "You said: a person.")
    qtbot.keyClick(begun, Qt.Key.Key_M)
    assert [(a["order"], a["text"], a["answer"]) for a in begun.answers()] == [(1, first, "machine")]


def test_a_held_key_and_keys_of_the_window_judge_nothing(begun: BlindTestPanel, qtbot) -> None:
    with qtbot.assertNotEmitted(begun.answered):
        held = QKeyEvent(QKeyEvent.Type.KeyPress, Qt.Key.Key_H, Qt.KeyboardModifier.NoModifier, "h", True)
        QApplication.sendEvent(begun, held)
        qtbot.keyClick(begun, Qt.Key.Key_H, Qt.KeyboardModifier.ControlModifier)
        qtbot.keyClick(begun, Qt.Key.Key_X)
    assert held.isAccepted()


def test_no_source_is_told_before_the_end(begun: BlindTestPanel) -> None:
    for _ in range(11):
        words = [text for one in begun.test.findChildren(QLabel) for text in (one.text(), one.toolTip(), one.accessibleName())]
        assert not any(name in text for name in SOURCES for text in words)
        begun.answer("human")


def test_to_the_end(begun: BlindTestPanel, qtbot) -> None:
    order = sources(begun)
    assert sorted(order) == ["MLE"] * 4 + ["SeqGAN"] * 4 + ["real"] * 4
    with qtbot.waitSignal(begun.finished) as told:
        for source in order:
            qtbot.keyClick(begun, Qt.Key.Key_H if source == "real" else Qt.Key.Key_M)
    rows = told.args[0]
    assert rows == begun.rows() == results(begun._items, [source == "real" for source in order])
    assert begun.pages.currentWidget() is begun.results
    assert [cell.text() for cell in begun.results.cells["SeqGAN"] if isinstance(cell, QLabel)] == ["SeqGAN", "4", "0", "0.029"]
    assert begun.results.cells["real"][3].toolTip() == "100% (51% to 100%)"
    assert "Fisher's exact test" in begun.results.test.text()
    assert begun.results.list.topLevelItemCount() == 12
    first = begun.results.list.topLevelItem(0)
    assert first is not None
    assert first.text(2) == order[0]
    with qtbot.assertNotEmitted(begun.answered):
        qtbot.keyClick(begun, Qt.Key.Key_H)
    for b, signal in ((begun.results.export_button, begun.export_wanted), (begun.results.again_button, begun.again)):
        with qtbot.waitSignal(signal):
            b.click()
    begun.begin(SOURCES, **{**SETTINGS, "seed": 6})
    assert begun.pages.currentWidget() is begun.test
    assert begun.answers() == begun.rows() == []


def test_results_need_an_answer_of_every_source(begun: BlindTestPanel, qtbot) -> None:
    seen: set[str] = set()
    for source in sources(begun):
        assert begun.results_button.isEnabled() == (seen == set(SOURCES))
        begun.answer("human")
        seen.add(source)
        if len(seen) == 3:
            break
    count = len(begun.answers())
    with qtbot.waitSignal(begun.finished) as told:
        begun.results_button.click()
    assert sum(row.judged for row in told.args[0]) == count


def test_skipped_sentences_do_not_count(begun: BlindTestPanel, qtbot) -> None:
    with qtbot.waitSignal(begun.finished) as told:
        for _ in range(12):
            begun.answer("skipped")
    assert [row.score for row in told.args[0]] == [None, None, None]
    assert "nothing to compare" in begun.results.reading.text()
    begun.grab()


def test_left_and_come_back(begun: BlindTestPanel) -> None:
    for answer in ("human", "machine", "skipped"):
        begun.answer(answer)
    given = begun.answers()
    begun.show_reason("Another page.")
    begun.begin(SOURCES, **SETTINGS)
    assert begun.answers() == given
    assert begun.progress.text() == "4 of 12"
    begun.begin(SOURCES, **{**SETTINGS, "seed": 9})
    assert begun.answers() == []
    begun.restore({0: True, 2: None, 3: False, 99: True})
    assert [a["answer"] for a in begun.answers()] == ["human", "skipped", "machine"]
    assert begun.progress.text() == "2 of 12"
    for _ in range(2):
        begun.answer("human")
    assert begun.progress.text() == "4 of 12"  # on in order, also over one that has been judged


def test_too_few_sentences(panel: BlindTestPanel) -> None:
    with pytest.raises(BadInput, match="too few"):
        panel.begin({"real": ["a"], "MLE": ["b"]}, **SETTINGS)


def test_characters_stand_apart(panel: BlindTestPanel) -> None:
    panel.begin({"real": ["床前明月光"], "MLE": ["疑是地上霜"]}, each=1, seed=0, title="", joiner="")
    assert panel.sentence.font().letterSpacing() > 100
    assert panel.title.full_text() == "Blind test"


def test_another_scheme(begun: BlindTestPanel, qapp) -> None:
    for _ in range(12):
        begun.answer("human")
    theme.apply(qapp, "dark")
    assert not begun.grab().isNull()


def row(source: str, judged: int, human: int, p: float | None) -> Row:
    return Row(source, judged, human, human / judged if judged else None, 0.1, 0.9, p, "a test" if p is not None else "")


def test_an_honest_sentence() -> None:
    real, near, far = row("real", 20, 15, None), row("SeqGAN", 19, 11, 0.31), row("MLE", 20, 2, 0.0001)
    assert reading([real, far, near]) == (
        "Sentences of MLE were called human less often than real ones; between real sentences and those of SeqGAN no difference was found, "
        "which does not show that there is none: 19 judgements a source by one person can show large differences only."
    )
    assert reading([real, row("MLE", 20, 10, 0.04), near]).startswith(
        "Between real sentences and those of MLE and SeqGAN no"
    )  # 0.04 is above 0.05 / 2
    assert reading([real, row("MLE", 20, 10, 0.04)]).startswith("Sentences of MLE were called human less often")
    assert "MLE more often" in reading([row("real", 200, 20, None), row("MLE", 200, 180, 1e-9)])
    assert reading([row("real", 200, 20, None), row("MLE", 200, 21, 0.9)]).endswith("200 judgements a source by one person are one person’s view.")


@pytest.mark.parametrize(("p", "text"), [(None, "–"), (1e-9, "< 0.001"), (0.0312, "0.031"), (0.25, "0.25"), (1.0, "1.00")])
def test_p_in_words(p, text) -> None:
    assert p_words(p) == text
