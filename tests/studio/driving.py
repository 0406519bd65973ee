"""The window's run, driven from a test."""

from __future__ import annotations


def until(qtbot, window, condition):
    """Wait for a condition of the session."""
    qtbot.waitUntil(lambda: window.session.condition == condition, timeout=30_000)


def step(qtbot, window, count=1):
    """Some steps, each to its end."""
    for _ in range(count):
        done = window.session.step
        window.session.step_once()
        qtbot.waitUntil(lambda done=done: window.session.step == done + 1 and window.session.condition == "paused", timeout=20_000)


def enter(window, path, take="all"):
    """Drop an exported file, and go one of the ways back."""
    window.receive(path)
    card = window.receiving.card
    assert card.isVisible(), window.page.card.sentence.text()
    assert card.takes[take].isEnabled(), card.takes[take].toolTip()
    card.takes[take].click()
