"""A million sentences, of which only the seen ones are put into words; their search, their card, and the form that takes them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QHelpEvent

from models import catalog
from models.data.text import TextSet, open_texts
from studio import theme
from studio.panels import data as data_panel
from studio.panels import newrun
from studio.panels.data import TEXT_FILE, DataPicker
from studio.panels.newrun import NewRunPanel, built_in
from studio.panels.sentencelist import FIGURE, SentenceList, digits
from studio.panels.textcard import LengthBars, TextCard, facts
from studio.panels.textdata import TextBrowsePanel
from studio.panels.textsearch import found

N = 1_000_000
WORDS = ("", "<unk>", "a", "red", "bus", "Busy", "street", ".")
LINES = ("a red bus.", "a busy street", "a red street.", "<unk> bus", "a street.", "red", "a bus", "a red bus street.")
SETTINGS: dict[str, Any] = {
    **{"T": 6, "vocab": 100, "unit": "words", "punctuation": "split", "min_count": 1, "long": "cut", "held_out": 0.25, "split": 0},
    **{"oracle_seed": 0, "oracle_size": 40},
}
CARD = {
    "title": "captions (9,999 sentences)",
    "unit": "words",
    "count": 9999,
    "train": 8999,
    "held_out": 1000,
    "T": 20,
    "V": 4000,
    "distinct": 6087,
    "unknown": 0.0123,
    "lengths": {"min": 7, "median": 10, "mean": 10.5, "max": 35, "histogram": [[7, 16, 9000], [17, 26, 990], [27, 35, 9]]},
    "cut": 61,
    "dropped": 0,
    "empty": 0,
    "left_out": 0,
    "skipped": [],
    "duplicates": {"count": 3, "examples": ["a red bus."]},
    "common": [["a", 16957], ["with", 3451], ["the", 3349]],
    "notes": ["There are only 7 sentences: a net learns them by heart."],
}


class Many(SimpleNamespace):
    """As many sentences as a set may have, which remember being put into words."""

    def __len__(self) -> int:
        return len(self.tokens)

    def text(self, i: int) -> str:
        self.spoken.add(i)
        return " ".join(WORDS[t] for t in self.tokens[i] if t)


@pytest.fixture(scope="module")
def tokens() -> np.ndarray:
    return np.random.default_rng(0).integers(2, len(WORDS), (N, 6)).astype(np.int32)


@pytest.fixture
def many(tokens) -> Many:
    held = np.arange(0, N, 10)
    return Many(tokens=tokens, words=WORDS, joiner=" ", V=len(WORDS), T=6, ends=True, held_out=held, title="many", spoken=set())


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "lines.txt"
    path.write_text("\n".join(f"{line.replace('<unk>', f'blue{i}')} {'bus ' * (i % 3)}" for i, line in enumerate(LINES * 2)))
    return path


@pytest.fixture
def small(file) -> TextSet:
    return open_texts(str(file), **SETTINGS)


@pytest.fixture(scope="module")
def oracle() -> TextSet:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.data.oracle.OWN", 50)
        return open_texts("oracle", **{**SETTINGS, "vocab": 30})


@pytest.fixture
def panel(qtbot, dressed) -> TextBrowsePanel:
    out = TextBrowsePanel()
    qtbot.addWidget(out)
    out.resize(1000, 640)
    with qtbot.waitExposed(out):
        out.show()
    return out


class TestSearch:
    def rows(self, query: str, joiner: str = " ", words: tuple[str, ...] = WORDS) -> list[int]:
        tokens = np.array([[2, 3, 4, 7], [2, 5, 6, 0], [4, 1, 0, 0], [6, 3, 2, 4]], np.int32)
        return np.flatnonzero(found(tokens, words, joiner, query)).tolist()

    def test_words(self) -> None:
        assert self.rows("") == self.rows("   ") == [0, 1, 2, 3]
        assert self.rows("red") == [0, 3]
        assert self.rows("BUS") == [0, 1, 2, 3]  # "Busy" too
        assert self.rows("bus red") == [0, 3]
        assert self.rows("busy") == [1]
        assert self.rows("<unk>") == [2]
        assert self.rows("green") == []

    def test_characters_in_a_row(self) -> None:
        letters = ("", "<unk>", "春", "眠", "A", "b", "c", "d")
        assert self.rows("春眠", "", letters) == [0]
        assert self.rows("春 眠 a", "", letters) == [0]
        assert self.rows("眠春", "", letters) == [3]
        assert self.rows("春眠春眠春", "", letters) == []

    def test_numbers(self) -> None:
        assert self.rows("4 3", words=()) == [0, 3]
        assert self.rows("1,000", words=()) == self.rows("x", words=()) == []

    def test_many_at_once(self, tokens) -> None:
        start = time.perf_counter()
        hits = found(tokens, WORDS, " ", "red bus")
        assert time.perf_counter() - start < 1.5
        assert np.array_equal(hits, (tokens == 3).any(1) & np.isin(tokens, (4, 5)).any(1))


class TestList:
    def test_opens_at_once_and_speaks_only_what_is_seen(self, panel: TextBrowsePanel, many: Many) -> None:
        start = time.perf_counter()
        panel.show_data(many, {"title": "many", "count": N})
        panel.grab()
        assert time.perf_counter() - start < 1.0
        assert panel.list.listed.rowCount() == N
        assert 5 < len(many.spoken) < 60
        many.spoken.clear()
        panel.list.scrollToBottom()
        panel.grab()
        assert N - 1 in many.spoken
        assert len(many.spoken) < 60
        assert panel.title.full_text() == "many · all 1,000,000 sentences"

    def test_model(self, qtbot, qtmodeltester, dressed, small: TextSet) -> None:
        view = SentenceList()
        qtbot.addWidget(view)
        view.show_sentences(np.array([3, 1]), small.text, most=len(small))
        qtmodeltester.check(view.listed)
        assert view.listed.index(0).data() == small.text(3)
        assert view.listed.data(view.listed.index(5)) is None

    def test_numbers_stand_below_each_other(self, qtbot, dressed) -> None:
        view = SentenceList()
        qtbot.addWidget(view)
        view.show_sentences(np.arange(1), str, most=1, digits=3)
        assert view.aligned("7 123") == f"{FIGURE * 2}7 123"
        view.show_sentences(np.arange(1), str, most=1)
        assert view.aligned("7 123") == "7 123"
        assert (digits(["1 22", "333"]), digits(["1 a"]), digits([])) == (3, 0, 0)

    def test_another_scale(self, qtbot, qapp, dressed) -> None:
        view = SentenceList()
        qtbot.addWidget(view)
        view.show_sentences(np.arange(3), str, most=3)
        low = view.rowHeight(0)
        theme.apply(qapp, "dark", 1.5)
        assert view.rowHeight(0) > low


class TestBrowse:
    def test_search_and_split(self, panel: TextBrowsePanel, small: TextSet, qtbot) -> None:
        panel.show_data(small, CARD)
        qtbot.keyClicks(panel.search, "busy")
        qtbot.waitUntil(lambda: panel.list.listed.rowCount() == 2, timeout=2000)
        assert all("busy" in panel.list.listed.index(i).data() for i in range(2))
        assert panel.title.full_text().endswith("2 shown")
        panel.search.clear()
        qtbot.keyClick(panel.search, Qt.Key.Key_Return)
        assert panel.list.listed.rowCount() == len(small)
        panel.split.buttons[2].click()
        assert sorted(panel.list.listed.places.tolist()) == sorted(small.held_out.tolist())
        panel.split.buttons[1].click()
        assert panel.list.listed.places.tolist() == small.train.tolist()
        panel.search.setText("nothing of it")
        qtbot.keyClick(panel.search, Qt.Key.Key_Return)
        assert panel.nothing.isVisible()
        assert panel.nothing.text() == "No sentence has 'nothing of it'."
        assert not panel.list.isVisible()

    def test_one_in_full(self, panel: TextBrowsePanel, small: TextSet) -> None:
        panel.show_data(small, CARD)
        assert not panel.one.isVisible()
        panel.list.selectRow(1)
        assert panel.one.isVisible()
        assert panel.one.heading.text() == f"Sentence 2 of {len(small)}"
        assert panel.words.text() == small.text(1)
        kept = "held out from training" if 1 in small.held_out else "trained on"
        assert panel.about.text() == f"4 tokens · {kept}"
        panel.split.buttons[2].click()
        assert not panel.one.isVisible()

    def test_unknown_words_are_counted(self, panel: TextBrowsePanel, file: Path) -> None:
        known = open_texts(str(file), **{**SETTINGS, "min_count": 2})
        panel.show_data(known, CARD)
        place = next(i for i in range(len(known)) if "<unk>" in known.text(i))
        panel.list.selectRow(place)
        assert "1 unknown" in panel.about.text()

    def test_an_oracle(self, panel: TextBrowsePanel, oracle: TextSet, qtbot) -> None:
        panel.show_data(oracle, CARD)
        panel.list.selectRow(0)
        assert panel.about.text() == "6 tokens · trained on"
        first = oracle.text(0).split()[0]
        panel.search.setText(first)
        qtbot.keyClick(panel.search, Qt.Key.Key_Return)
        places = panel.list.listed.places
        assert 0 in places
        assert all(int(first) in oracle.tokens[i] for i in places)
        panel.grab()

    def test_waiting_and_the_way_back(self, panel: TextBrowsePanel, small: TextSet, qtbot) -> None:
        panel.show_waiting("Reading lines …")
        assert panel.title.full_text() == "Reading lines …"
        assert not panel.search.isVisible()
        panel.show_data(small, CARD)
        assert panel.search.isVisible()
        with qtbot.waitSignal(panel.closed):
            panel.back.click()
        with qtbot.waitSignal(panel.closed):
            qtbot.keyClick(panel, Qt.Key.Key_Escape)
        qtbot.keyClick(panel, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
        assert panel.focusWidget() is panel.search


class TestCard:
    def test_facts(self) -> None:
        told = {name: value for name, value, _ in facts(CARD)}
        assert told == {
            "Sentences": "9,999",
            "To train on · held out": "8,999 · 1,000",
            "Vocabulary": "3,998 of 6,087",
            "Unknown": "1.23% of tokens",
            "Tokens a sentence": "7–35, median 10",
            "Longer than T = 20": "61 cut",
            "Duplicates": "3",
            "Empty lines": "none",
        }
        dropped = {name: value for name, value, _ in facts({**CARD, "cut": 0, "dropped": 12, "empty": 4})}
        assert (dropped["Longer than T = 20"], dropped["Empty lines"]) == ("12 left out", "4")

    def test_an_oracle(self, qtbot, dressed, oracle: TextSet) -> None:
        card = TextCard()
        qtbot.addWidget(card)
        card.show_card(CARD)
        about = {**CARD, **oracle.about, "unit": "numbers", "V": 30, "T": 6}
        card.show_card(about)
        made = oracle.oracle
        assert made is not None
        assert list(card.facts)[2:] == ["Vocabulary", "Length", "Floor, nats a token", "Ceiling, nats a token", "Oracle"]
        assert card.facts["Floor, nats a token"].full_text() == f"{made.floor:.3f} ± {made.floor_se:.3f}"
        assert card.facts["Oracle"].full_text() == made.hash
        assert card.length_part.isHidden()  # all of one length
        assert card.word_head.text() == "Most common numbers"
        card.show_card(CARD)
        assert "Duplicates" in card.facts

    def test_words_notes_and_no_classes(self, qtbot, dressed) -> None:
        card = TextCard(rows=2)
        qtbot.addWidget(card)
        card.resize(300, 500)
        card.show()
        card.show_card(CARD)
        assert [name for name, _, _ in card.words.cells()] == ["a", "with"]  # the rest is not summed up
        assert card.notes.text() == CARD["notes"][0]
        assert not card.classes.isVisible()
        assert "of these" in card.words.tip_at(5, 5)
        with qtbot.waitSignal(card.browse):
            card.browse_button.click()

    def test_lengths(self, qtbot, dressed, qapp) -> None:
        bars = LengthBars()
        qtbot.addWidget(bars)
        bars.resize(300, 80)
        bars.show_lengths(CARD["lengths"]["histogram"], 20)
        tall = [box.height() for *_, box in bars.bars()]
        assert tall[0] > tall[1] > tall[2] >= 1
        assert bars.limit() == pytest.approx((1 + 4 / 10) * 100 - 1)
        assert bars.tip_at(250) == "27–35 tokens, longer than a row: 9 sentences, 0.1%"
        assert bars.tip_at(-5) == ""
        bars.show_lengths([[3, 3, 5], [4, 4, 0]], 20)
        assert bars.limit() is None
        place = bars.rect().center()
        assert bars.event(QHelpEvent(QHelpEvent.Type.ToolTip, place, bars.mapToGlobal(place)))
        theme.apply(qapp, "dark")
        bars.grab()


class TestPicker:
    @pytest.fixture
    def picker(self, qtbot, dressed) -> DataPicker:
        out = DataPicker([("grammar", "Grammar"), ("oracle", "Oracle")], "text")
        qtbot.addWidget(out)
        out.show()
        return out

    def test_no_folder_and_no_hub(self, picker: DataPicker, monkeypatch, qtbot) -> None:
        entries = [picker.combo.itemText(i) for i in range(picker.combo.count())]
        assert entries == ["Grammar", "Oracle", "", TEXT_FILE]
        asked: list[tuple[Any, ...]] = []
        monkeypatch.setattr(data_panel.QFileDialog, "getOpenFileName", lambda *words: (asked.append(words), ("/texts/poems.txt", ""))[1])
        with qtbot.waitSignal(picker.chosen) as told:
            picker.combo.activated.emit(3)
        assert told.args == ["/texts/poems.txt"]
        assert "*.txt *.txt.gz *.npz" in asked[0][3]

    def test_a_dozen_sentences_and_their_card(self, picker: DataPicker) -> None:
        picker.show_progress(0, 0)
        assert picker.text.full_text() == "reading …"
        picker.show_progress(450, 1000)
        assert picker.text.full_text() == "reading, 45%"
        picker.preview([f"sentence {i}." for i in range(12)], CARD)
        assert isinstance(picker.grid, SentenceList)
        assert picker.grid.isVisible()
        assert picker.grid.listed.rowCount() == 12
        assert picker.grid.rowHeight(0) * 12 <= picker.grid.viewport().height()
        assert picker.card.facts["Sentences"].full_text() == "9,999"
        picker.preview(None)
        assert not picker.grid.isVisible()


class TestForm:
    @pytest.fixture
    def asked(self, file: Path, monkeypatch) -> list[tuple[str, Any]]:
        """What the system was asked to open; the form looks at its first source before another is chosen, and gets the small file for it."""
        out: list[tuple[str, Any]] = []

        def opened(spec: str, config: Any, progress: Any) -> TextSet:
            out.append((spec, config))
            values = {name: getattr(config, name) for name in SETTINGS}
            return open_texts(str(file), **values, progress=progress)

        monkeypatch.setattr("models.opening.predicted_seconds", lambda *_: 700.0)
        monkeypatch.setattr(catalog.algorithm("seqgan"), "open_data", opened)
        return out

    @pytest.fixture
    def form(self, qtbot, dressed, asked) -> Iterator[NewRunPanel]:
        out = NewRunPanel(catalog.algorithm("seqgan"))
        qtbot.addWidget(out)
        out.resize(1000, 700)
        out.show()
        yield out
        out.stop()

    def test_sources_of_its_kind(self) -> None:
        assert [name for name, _ in built_in("text")] == ["grammar", "oracle"]
        assert {"faces", "shapes"} <= {name for name, _ in built_in()}
        assert not {"grammar", "oracle"} & {name for name, _ in built_in()}

    def test_a_file_is_shown_and_read_anew(self, form: NewRunPanel, asked, file: Path, qtbot) -> None:
        form.choose_data(str(file))
        qtbot.waitUntil(lambda: form.is_ready() and form.picker.grid.isVisible(), timeout=10_000)
        assert isinstance(form.picker.grid, SentenceList)
        shown = [form.picker.grid.listed.index(i).data() for i in range(form.picker.grid.listed.rowCount())]
        assert len(shown) == 12
        assert {text.split()[0] for text in shown} <= {"a", "red", *(f"blue{i}" for i in range(16))}
        assert form.time.text() == "About 12 min here."
        assert form.start_button.isEnabled()
        reads = len(asked)
        form.settings.set_values({"unit": "chars"})
        form._look(pictures=form._seen != form._wanted())
        qtbot.waitUntil(lambda: form.is_ready() and len(asked) > reads, timeout=10_000)
        assert asked[-1][1].unit == "chars"
        with qtbot.waitSignal(form.browse) as told:
            form.picker.card.browse_button.click()
        assert told.args[0].joiner == ""

    @pytest.mark.parametrize(
        "name", ["T", "vocab", "punctuation", "min_count", "long", "held_out", "split", "oracle_seed", "oracle_V", "oracle_size"]
    )
    def test_what_changes_the_data(self, name) -> None:
        assert name in newrun.READ
