"""The stack of what can be taken back."""

from __future__ import annotations

import pytest

from studio import history as module
from studio.history import LIMIT, History

pytestmark = pytest.mark.usefixtures("qapp")


class Box:
    """A value, and a history of its changes."""

    def __init__(self) -> None:
        self.value, self.history = 0, History()

    def put(self, value: int, merge: str = "", *, named: bool = True) -> None:
        before, self.value = self.value, value
        values = (str(before), str(value)) if named else ()
        self.history.done("x" if named else f"x is {value}", lambda: self.set(before), lambda: self.set(value), merge, values)

    def set(self, value: int) -> None:
        self.value = value
        self.put(value)  # as a page's setter would, which must not be remembered


def test_back_and_again() -> None:
    box = Box()
    box.put(5)
    box.put(7)
    assert (box.history.count(), box.history.undoText()) == (2, "x 5 → 7")
    box.history.undo()
    assert (box.value, box.history.undoText(), box.history.redoText()) == (5, "x 0 → 5", "x 5 → 7")
    box.history.undo()
    box.history.undo()  # nothing is left
    assert (box.value, box.history.count()) == (0, 2)
    box.history.redo()
    box.history.redo()
    assert (box.value, box.history.canRedo()) == (7, False)


def test_a_drag_is_one_entry_and_goes_back_to_its_beginning() -> None:
    box = Box()
    for value in (1, 2, 3):
        box.put(value, "x")
    box.put(9, "y")
    assert [box.history.text(i) for i in range(box.history.count())] == ["x 0 → 3", "x 3 → 9"]
    box.history.undo()
    box.history.undo()
    assert box.value == 0
    box.history.redo()
    assert box.value == 3


def test_what_is_slow_or_comes_after_a_step_back_is_no_drag(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    box = Box()
    box.put(1, "x")
    now[0] = 0.9
    box.put(2, "x")
    now[0] = 2.0
    box.put(3, "x")
    assert box.history.count() == 2
    box.history.undo()
    box.put(4, "x")
    assert [box.history.text(i) for i in range(box.history.count())] == ["x 0 → 2", "x 2 → 4"]


def test_a_drag_to_where_it_began_leaves_nothing() -> None:
    box = Box()
    box.put(1, "x")
    box.put(0, "x")
    assert not box.history.canUndo()


def test_without_values_the_last_text_counts() -> None:
    box = Box()
    box.put(1, "x", named=False)
    box.put(2, "x", named=False)
    assert (box.history.count(), box.history.undoText()) == (1, "x is 2")


def test_it_is_bounded_and_can_be_forgotten() -> None:
    box = Box()
    for value in range(1, LIMIT + 51):
        box.put(value)
    assert box.history.count() == LIMIT
    for _ in range(LIMIT + 1):
        box.history.undo()
    assert box.value == 50
    box.history.clear()
    assert (box.history.canUndo(), box.history.canRedo()) == (False, False)
