"""The table of actions: nothing is bound twice, everything it names is there."""

from __future__ import annotations

from collections import Counter

import pytest
from PySide6.QtGui import QKeySequence

from studio.actions import ACTIONS, BY_ID, GROUPS, MENU, STAGE_KEYS
from studio.pages import PAGES


def norm(keys: str) -> str:
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.PortableText)


def test_no_key_is_bound_twice():
    keys = [norm(k) for a in ACTIONS for k in a.keys]
    assert [k for k, n in Counter(keys).items() if n > 1] == []
    assert all(keys)  # Qt can read every one


def test_no_key_of_a_stage_is_bound_twice_or_taken_by_the_window():
    told = [(page, key.where, part.strip()) for key in STAGE_KEYS for page in key.pages for part in key.keys.replace(" or ", ",").split(",")]
    assert [k for k, n in Counter(told).items() if n > 1] == []
    taken = {k for a in ACTIONS for k in a.keys}
    assert taken & {part for _, _, part in told} == set()


def test_everything_that_is_named_is_there():
    assert len(BY_ID) == len(ACTIONS)
    assert {a.group for a in ACTIONS} == set(GROUPS)
    assert {name for name in MENU if name} <= set(BY_ID)
    assert {page for key in STAGE_KEYS for page in key.pages} <= set(PAGES)
    assert {f"page.{name}" for name in PAGES} <= set(BY_ID)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda a: a.id)
def test_a_title_is_a_sentence_without_a_stop(action):
    assert action.title[0].isupper()
    assert not action.title.endswith(".")
