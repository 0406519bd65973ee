"""Q under every word, and the roll-outs behind it as a tree."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetricsF, QGuiApplication
from PySide6.QtWidgets import QStyle, QWidget

from studio import theme
from studio.panels.rewards import RewardView, sharpest
from studio.panels.rolloutree import UNFOLD, Branch, RolloutTree, grow, scale_of
from studio.panels.tokenheat import SIZES, HeatKey, Token, TokenHeat, cut, digits, flow, leans, reach_of, said, short
from studio.widgets import column

pytestmark = pytest.mark.usefixtures("dressed")

WORDS = ["the", "old", "cats", "near", "the", "house", "sleep", "quietly", "."]
T = len(WORDS)
Q = np.array([0.5, 0.52, 0.2, 0.25, 0.3, 0.6, 0.61, 0.62, 0.63])
N = 4


def rollouts() -> tuple[list[list[list[str]]], list[np.ndarray]]:
    texts, verdicts = [], []
    for t in range(T - 1):
        texts.append([WORDS[t + 1 :], [*WORDS[t + 1 : t + 2], "dogs"], ["fish"], ["fish"]])
        verdicts.append(Q[t] + np.array([0.1, -0.1, 0.05, -0.05]))
    return texts, verdicts


@pytest.fixture
def view(qtbot) -> RewardView:
    out = RewardView()
    qtbot.addWidget(out)
    out.resize(800, 400)
    out.show()
    return out


def show(view: RewardView, **more) -> None:
    view.show_rewards(WORDS, Q, 0.63, *rollouts(), **more)


class TestTree:
    def test_common_beginnings_are_shared_and_the_best_is_first(self) -> None:
        texts = [["a", "b", "c"], ["a", "b", "d"], ["x", "y"], ["a", "e"]]
        tree = grow(texts, [0.1, 0.3, 0.9, 0.2])
        assert tree.tokens == ()
        assert tree.verdict == pytest.approx(0.375)
        assert [child.tokens for child in tree.children] == [("x", "y"), ("a",)]
        a = tree.children[1]
        assert (a.members, a.verdict) == ((0, 1, 3), pytest.approx(0.2))
        assert [(child.tokens, child.members) for child in a.children] == [(("b",), (0, 1)), (("e",), (3,))]
        assert [leaf.members for leaf in tree.leaves()] == [(2,), (1,), (0,), (3,)]

    def test_what_ends_where_others_go_on_is_a_leaf_without_tokens(self) -> None:
        tree = grow([["a"], ["a", "b"], []], [0.5, 0.4, 0.1])
        assert [(leaf.tokens, leaf.members) for leaf in tree.leaves()] == [((), (0,)), (("b",), (1,)), ((), (2,))]

    def test_equal_ones_are_one_leaf(self) -> None:
        tree = grow([["a", "b"], ["c"], ["a", "b"]], [0.5, 0.1, 0.3])
        assert [(leaf.tokens, leaf.members, leaf.verdict) for leaf in tree.leaves()] == [(("a", "b"), (0, 2), 0.4), (("c",), (1,), 0.1)]

    def test_all_alike_is_the_trunk_alone(self) -> None:
        assert grow([["a", "b"]] * 3, [0.5] * 3) == Branch(("a", "b"), (0, 1, 2), 0.5)

    @pytest.mark.parametrize("seed", range(5))
    def test_any_roll_outs_come_back_out_of_it(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        texts = [[str(w) for w in rng.integers(0, 3, rng.integers(0, 5))] for _ in range(64)]
        verdicts = rng.random(64)
        tree, found = grow(texts, verdicts), {}

        def walk(branch: Branch, before: tuple[str, ...]) -> None:
            here = before + branch.tokens
            assert branch.verdict == pytest.approx(verdicts[list(branch.members)].mean())
            assert [c.verdict for c in branch.children] == sorted((c.verdict for c in branch.children), reverse=True)
            firsts = [c.tokens[:1] for c in branch.children]
            assert len(set(firsts)) == len(firsts)  # what begins alike is one branch
            assert sorted(m for c in branch.children for m in c.members) == (sorted(branch.members) if branch.children else [])
            for child in branch.children:
                walk(child, here)
            if not branch.children:
                found.update(dict.fromkeys(branch.members, here))

        walk(tree, ())
        assert found == {i: tuple(text) for i, text in enumerate(texts)}

    def test_none(self) -> None:
        assert grow([], []).members == ()

    def test_where_the_bars_end(self) -> None:
        assert scale_of([np.array([0.03, 0.04]), np.array([0.01])]) == 0.05
        assert scale_of([np.array([0.3, np.nan])]) == 0.5
        assert scale_of([np.array([1.2])]) == 1.0


class TestNumbers:
    def test_heat(self) -> None:
        values = np.array([0.9, 0.5, 0.4, np.nan])
        assert reach_of(values, 0.5) == pytest.approx(0.4)
        assert leans(values, 0.5, 0.4) == pytest.approx([-1, 0, 0.25, 0])  # high is blue, which is below zero for the theme
        assert reach_of(np.array([0.51, 0.49]), 0.5) == 0.05  # nothing is made to look dramatic
        assert leans(np.array([2.0, -2.0]), 0.0, 1.0) == pytest.approx([-1, 1])

    def test_decimals_tell_values_apart(self) -> None:
        assert digits(np.array([0.1, 0.9])) == 2
        assert digits(np.array([0.011, 0.012])) == 3
        assert digits(np.array([np.nan])) == 2
        assert (short(-0.5, 2), short(float("nan"), 2)) == ("−0.50", "–")

    def test_flow(self) -> None:
        assert flow([40, 40, 40, 200, 10], 100, 10) == [(0, 0), (50, 0), (0, 1), (0, 2), (0, 3)]

    def test_words_are_cut_whole(self, dressed) -> None:
        metrics = QFontMetricsF(theme.font(13))
        numbers = ["4711", "1234", "5678"]
        room = metrics.horizontalAdvance("4711 1234 …") + 1
        assert cut(numbers, " ", metrics, room) == "4711 1234 …"
        assert cut(numbers, " ", metrics, room, left=True) == "… 1234 5678"
        assert cut(numbers, " ", metrics, 1000) == "4711 1234 5678"
        assert cut(list("秦川雄"), "", metrics, metrics.horizontalAdvance("秦…") + 1) == "秦…"
        assert cut(["quietly"], " ", metrics, metrics.horizontalAdvance("qui…") + 2).endswith("…")

    def test_said(self) -> None:
        assert said(["dogs", ",", "too", "."], " ") == "dogs, too."
        assert said(list("秦川"), "") == "秦川"

    def test_the_sharpest_turn(self) -> None:
        assert sharpest(Q) == 2
        assert sharpest(np.array([0.5])) == 0
        assert sharpest(np.array([0.1, np.nan, 0.2, 0.9])) == 3
        assert sharpest(np.array([np.nan, np.nan])) == 0


class TestView:
    def test_the_word_of_the_sharpest_turn_is_chosen_first(self, view: RewardView) -> None:
        show(view, step=12400)
        assert view.place() == 2
        assert view.tree.prefix == tuple(WORDS[:3])
        assert sum(len(leaf.members) for leaf in view.tree.leaves) == N
        assert view.right.full_text() == "D(Y) 0.630 · step 12,400"

    def test_the_choice_stays_with_the_sentence(self, view: RewardView) -> None:
        show(view)
        view.choose(5)
        show(view, step=1)
        assert view.place() == 5
        texts, verdicts = rollouts()
        view.show_rewards(["a", *WORDS[1:]], Q, 0.63, texts, verdicts)
        assert view.place() == 2

    def test_keys_and_mouse_choose(self, view: RewardView, qtbot) -> None:
        show(view)
        for key, at in [("Right", 3), ("Left", 2), ("End", T - 1), ("Home", 0)]:
            with qtbot.waitSignal(view.chosen) as told:
                qtbot.keyClick(view.words, getattr(Qt.Key, f"Key_{key}"))
            assert told.args == [at] == [view.place()]
            assert view.tree.prefix == tuple(WORDS[: at + 1])
        with qtbot.assertNotEmitted(view.chosen):
            qtbot.keyClick(view.words, Qt.Key.Key_Left)
        with qtbot.waitSignal(view.chosen) as told:
            qtbot.mouseClick(view.words, Qt.MouseButton.LeftButton, pos=view.words.box_of(6).center().toPoint())
        assert told.args == [6]
        assert view.words.accessibleDescription().startswith("sleep: 0.61")

    def test_the_last_word_has_one_verdict(self, view: RewardView, qtbot) -> None:
        show(view)
        view.choose(T - 1)
        assert [leaf.verdict for leaf in view.tree.leaves] == [0.63]
        assert "no roll-outs" in view.head.accessibleName()
        assert "D(Y) 0.630" in view.head.accessibleName()

    def test_the_mean_is_where_q_is(self, view: RewardView) -> None:
        show(view)
        bars = view.tree.bars()
        assert view.tree.mean_x() == pytest.approx(bars.left() + 0.2 * bars.width())
        assert "4 roll-outs after “cats”, word 3 of 9 Q 0.200" in view.head.accessibleName()

    def test_a_verdict_has_the_colour_of_a_word_of_that_q(self, view: RewardView) -> None:
        show(view)
        for token in view.words.tokens:
            assert view.tree._heat(token.value) == pytest.approx(token.lean)
        show(view, baseline=np.full(T, 0.6))
        assert view.words.tokens[5].lean == 0
        assert view.words.tokens[2].lean == 1
        assert "baseline 0.600" in view.words.words_of(2)

    def test_it_unfolds_within_120_ms_or_at_once(self, view: RewardView, qtbot, monkeypatch) -> None:
        show(view)
        assert view.tree.share_grown() == 1.0  # another look does not move
        with qtbot.waitSignal(view.tree.grown, timeout=1000):
            qtbot.keyClick(view.words, Qt.Key.Key_Right)
            assert view.tree.share_grown() < 1.0
        assert view.tree._unfolding.duration() <= UNFOLD
        assert view.tree.share_grown() == 1.0

        class Still:
            def styleHint(self, hint, option, widget) -> int:
                assert hint == QStyle.StyleHint.SH_Widget_Animation_Duration
                return 0

        monkeypatch.setattr(view.tree, "style", Still)
        with qtbot.waitSignal(view.tree.grown):
            qtbot.keyClick(view.words, Qt.Key.Key_Right)
            assert view.tree.share_grown() == 1.0

    def test_up_and_down_scroll_the_roll_outs(self, view: RewardView, qtbot) -> None:
        rng = np.random.default_rng(0)
        texts = [[[str(i)] for i in range(64)] for _ in range(T - 1)]
        view.show_rewards(WORDS, Q, 0.63, texts, [rng.random(64) for _ in range(T - 1)])
        bar = view.area.verticalScrollBar()
        qtbot.waitUntil(lambda: bar.maximum() > 0)
        qtbot.keyClick(view.words, Qt.Key.Key_Down)
        assert bar.value() == theme.theme().px(22)
        qtbot.keyClick(view.words, Qt.Key.Key_PageDown)
        assert bar.value() > 22
        low, high = view.tree._seen()
        assert low < view.tree._y(range(64)) < high  # the trunk stays in view
        qtbot.keyClick(view.words, Qt.Key.Key_Right)
        assert bar.value() == 0  # another word begins at the top

    @pytest.mark.parametrize("size", [(500, 200), (500, 600), (1400, 200), (1400, 600)])
    def test_words_leave_room_for_the_tree(self, view: RewardView, size: tuple[int, int], qtbot) -> None:
        view.resize(*size)
        texts = [[["1"]]] * 19
        view.show_rewards([str(1000 + i) for i in range(20)], np.linspace(0, 1, 20), 1.0, texts, [np.ones(1)] * 19)
        assert view.words._size in SIZES
        assert view.line.height() <= max(0.45 * size[1], 60)
        qtbot.waitUntil(lambda: view.area.height() >= 44)

    def test_nothing_to_show(self, view: RewardView) -> None:
        assert view.empty.isVisible()
        show(view)
        assert not view.empty.isVisible()
        assert view.area.isVisible()
        view.show_reason("D has not begun")
        assert view.empty.text() == "D has not begun"
        assert not view.area.isVisible()
        assert view.place() == -1
        view.choose(3)
        assert view.place() == -1
        view.show_rewards([], np.zeros(0), 0.0, [], [])
        assert view.empty.isVisible()

    def test_stale_and_another_scheme_paint_anew(self, view: RewardView, dressed) -> None:
        show(view)
        fresh = view.grab().toImage()
        view.set_stale(True)
        stale = view.grab().toImage()
        assert stale != fresh
        show(view)
        assert view.grab().toImage() == fresh
        dressed.apply(QGuiApplication.instance(), "dark")
        assert view.grab().toImage() != fresh

    def test_one_word_and_values_that_are_none(self, view: RewardView) -> None:
        view.show_rewards(["秦"], np.array([np.nan]), float("nan"), [], [], joiner="")
        assert view.place() == 0
        assert view.grab().width() == 800
        view.show_rewards(["秦", "川"], np.array([0.5, np.nan]), float("nan"), [[["雄"], []]], [np.array([0.4, np.nan])], joiner="")
        assert "–" in view.tree.accessibleDescription()
        assert view.grab().width() == 800

    @pytest.mark.parametrize(
        ("values", "texts", "verdicts", "words"),
        [
            (Q[:-1], None, None, "9 tokens"),
            (Q, [], [], "roll-outs of 8"),
            (Q, None, [np.zeros(3)] * 8, "4 roll-outs with 3"),
        ],
    )
    def test_numbers_that_do_not_fit(self, view: RewardView, values, texts, verdicts, words: str) -> None:
        usual = rollouts()
        with pytest.raises(ValueError, match=words):
            view.show_rewards(WORDS, values, 0.6, usual[0] if texts is None else texts, usual[1] if verdicts is None else verdicts)


def test_a_row_of_the_tree_says_all(qtbot) -> None:
    tree = RolloutTree()
    qtbot.addWidget(tree)
    tree.show_tree(["the"], [["a", "cat"], ["a", "cat"], []], np.array([0.25, 0.25, 0.5]), 1 / 3, joiner=" ", scale=1.0, heat=lambda _: 0.0)
    assert tree.words_of(0) == "the\n0.5"
    assert tree.words_of(1) == "the a cat\n0.25, drawn 2 times"
    assert (tree.row_at(10), tree.row_at(30), tree.row_at(300)) == (0, 1, -1)
    tree.clear()
    assert tree.row_at(10) == -1


def test_words_alone_can_be_shown(qtbot) -> None:
    line = TokenHeat("D's realism")
    qtbot.addWidget(line)
    line.resize(200, 100)
    line.show_tokens([Token("old", 0.8, -0.5), Token("<unk>", -0.25, 0.5, "made up"), Token("cats", float("nan"), 0.0)])
    assert line.words_of(1) == "<unk>: −0.25\nmade up"
    line.choose(2)
    line.show_tokens([Token("old", 0.8, -0.5)])
    assert line.place() == -1
    assert line.place_at(-50, -50) == -1
    line.set_size(13, numbers=False)
    low = line.minimumHeight()
    line.set_size(13)
    assert line.minimumHeight() > low


def test_the_key_says_its_colours(qtbot) -> None:
    key = HeatKey()
    qtbot.addWidget(key)
    narrow = key.sizeHint().width()
    key.show_ends("below baseline", "above")
    assert key.sizeHint().width() > narrow
    assert key.accessibleName() == "Orange is below baseline, blue is above"


def test_it_can_be_made_small_again(qtbot) -> None:
    """The words' fixed height of a large view does not keep a layout from shrinking it."""
    outer = QWidget()
    qtbot.addWidget(outer)
    view = RewardView()
    column(outer).addWidget(view)
    outer.resize(600, 700)
    outer.show()
    show(view)
    large = view.words._size
    outer.resize(420, 190)
    qtbot.waitUntil(lambda: view.height() == 190)
    assert view.words._size < large
