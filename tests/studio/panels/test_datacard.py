"""The data's card: facts, classes, notes, and what was left out."""

from __future__ import annotations

import pytest

from studio.panels.datacard import MOST_ROWS, ClassBars, DataCard, facts

CARD = {
    "title": "pets (1,204 pictures)",
    "spec": "/pets",
    "id": "0123456789abcdef",
    "count": 1204,
    "train": 1080,
    "held_out": 124,
    "size": 64,
    "original": {"smallest": [40, 48], "largest": [1200, 800], "common": [256, 256]},
    "colour": "grey",
    "classes": {"kind": {"cat": 700, "dog": 504}, "indoors": {"no": 4, "yes": 1200}},
    "duplicates": {"count": 3, "examples": [["a.png", "b.png"]]},
    "skipped": ["x.png is not a picture.", "y.png is too large."],
    "left_out": 2,
    "notes": ["Of animated pictures the first frame is taken."],
}


@pytest.fixture
def card(qtbot, dressed) -> DataCard:
    out = DataCard()
    qtbot.addWidget(out)
    out.resize(500, 400)
    out.show()
    return out


def test_facts_in_words() -> None:
    told = {name: value for name, value, _ in facts(CARD)}
    assert told == {
        "Pictures": "1,204 at 64 px",
        "To train on · held out": "1,080 · 124",
        "Colour": "grey",
        "Original size": "40×48 to 1,200×800",
        "Duplicates": "3",
        "Left out": "2",
    }
    assert any("a.png = b.png" in tip for _, _, tip in facts(CARD))
    plain = {name: value for name, value, _ in facts({"count": 7, "size": 32, "colour": "binary"})}
    assert (plain["Duplicates"], plain["Left out"], plain["Colour"]) == ("none", "none", "black and white")


def test_one_attribute_at_a_time(card: DataCard) -> None:
    card.show_card(CARD)
    assert [name for name, _, _ in card.bars.cells()] == ["cat", "dog"]
    card.attribute.setCurrentIndex(1)
    assert [(name, count) for name, count, _ in card.bars.cells()] == [("no", 4), ("yes", 1200)]
    card.show_card(CARD)  # read again, for example at another size: the person's choice stays
    assert card.attribute.currentText() == "indoors"
    card.show_card({**CARD, "classes": {"kind": {"cat": 1204}}})
    assert not card.attribute.isVisible()
    card.show_card({**CARD, "classes": {}})
    assert not card.classes.isVisible()


def test_what_was_left_out_can_be_read_in_full(card: DataCard) -> None:
    card.show_card(CARD)
    assert not card.reasons.isVisible()
    card.why.click()
    assert card.reasons.isVisible()
    assert card.reasons.toPlainText().splitlines() == CARD["skipped"]
    card.show_card({**CARD, "left_out": 900})
    assert "898 more" in card.reasons.toPlainText()
    card.show_card({**CARD, "skipped": [], "left_out": 0, "notes": []})
    assert not card.why.isVisible()
    assert not card.notes.isVisible()


def test_notes_are_told(card: DataCard) -> None:
    card.show_card(CARD)
    assert card.notes.isVisible()
    assert card.notes.text() == CARD["notes"][0]


def test_all_pictures_are_one_press_away(card: DataCard, qtbot) -> None:
    card.show_card(CARD)
    with qtbot.waitSignal(card.browse):
        card.browse_button.click()


def test_more_classes_than_fit_are_summed_up(qtbot, dressed) -> None:
    bars = ClassBars()
    qtbot.addWidget(bars)
    bars.resize(360, 100)
    bars.show()
    bars.show_counts({f"class {i}": i for i in range(300)})
    cells = bars.cells()
    assert len(cells) == 2 * MOST_ROWS
    assert cells[0][:2] == ("class 299", 299)
    assert cells[-1][0] == f"and {300 - 2 * MOST_ROWS + 1} more"
    assert all(box.right() <= bars.width() for _, _, box in cells)
    assert max(box.bottom() for _, _, box in cells) <= bars.height()
    bars.grab()


def test_a_bar_tells_its_share(qtbot, dressed) -> None:
    bars = ClassBars()
    qtbot.addWidget(bars)
    bars.resize(400, 40)
    bars.show_counts({"square": 30, "circle": 10})
    box = bars.cells()[0][2]
    assert bars.tip_at(box.center().x(), box.center().y()) == "square: 30 of 40 pictures, 75.0%"
    assert bars.tip_at(-5, -5) == ""
