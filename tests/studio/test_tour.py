"""Guided tours: every call-out points at something that is there, and the window can be used all the while."""

import pytest
from PySide6.QtCore import QRect, Qt

from models.data import faces, glyphs, grammar
from models.run import Run
from studio.tour import beside, seen
from studio.tours import TOURS, Step, found


@pytest.fixture
def little(monkeypatch):
    """The demos' data in small; whether they are the same is not looked at."""

    def open_data(run, spec, progress):
        run.data = run.algorithm.open_data(spec or run.folder.record["data"]["spec"], run.config, progress)

    monkeypatch.setattr(Run, "_open_data", open_data)
    monkeypatch.setitem(faces.COUNTS, 32, 64)
    monkeypatch.setitem(glyphs.COUNTS, 28, 64)
    monkeypatch.setattr(grammar, "COUNT", 80)


def there(qtbot, window):
    """Wait for the step that comes; None once it is over."""
    tour = window.tour
    qtbot.waitUntil(lambda: window.tour is None or tour.target is not None, timeout=60_000)
    return window.tour


@pytest.mark.parametrize("name", TOURS)
def test_every_call_out_points_at_what_can_be_seen(qtbot, window, little, name):
    window.start_tour(name)
    visited = []
    while (tour := there(qtbot, window)) is not None:
        visited.append(tour.at)
        assert tour.target in found(tour.page, tour.steps[tour.at].target)
        assert tour.target.isVisible()
        light = seen(tour.target, window)
        assert light.width() > 15
        assert light.height() > 15
        assert window.rect().contains(light)
        assert window.rect().contains(tour.bubble.geometry())
        assert tour.bubble.text.height() >= tour.bubble.text.heightForWidth(tour.bubble.text.width())
        if light.width() < 600 or light.height() < 400:
            assert not light.intersects(tour.bubble.geometry())
        tour.move(1)
    assert visited == [*range(len(TOURS[name]))]
    assert window.page.card.isHidden()


def test_keys_a_missing_widget_and_what_one_is_asked_to_do(qtbot, window, monkeypatch):
    monkeypatch.setattr("studio.tour.PATIENCE", 3)
    steps = (
        Step("warming", "First", "That is here."),
        Step("nothing.here", "Gone", "It is not there."),
        Step("area", "Asked", "Set the flag.", until=lambda page: page.property("done") is True),
        Step("header", "Last", "The end."),
    )
    window.start_tour("home")
    window.tour.steps = steps
    tour = there(qtbot, window)
    assert tour.bubble.hasFocus() or tour.bubble.isVisible()
    assert tour.bubble.count.text() == "1 of 4"
    qtbot.keyClick(tour.bubble, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: tour.at == 2 and tour.target is not None, timeout=10_000)
    tour.page.setProperty("done", True)  # the page under the shade can be used
    qtbot.waitUntil(lambda: tour.at == 3, timeout=5_000)
    qtbot.keyClick(tour.bubble, Qt.Key.Key_Left)
    qtbot.waitUntil(lambda: tour.at == 2 and tour.target is not None, timeout=5_000)
    window.resize(1400, 900)
    qtbot.waitUntil(lambda: tour.shade.size() == window.size(), timeout=5_000)
    assert tour.shade.testAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    qtbot.keyClick(tour.bubble, Qt.Key.Key_Escape)
    assert window.tour is None
    qtbot.waitUntil(lambda: not window.findChildren(type(tour.shade)), timeout=5_000)


def test_it_ends_when_the_person_goes_elsewhere(qtbot, window):
    window.start_tour("home")
    there(qtbot, window)
    window.show_page("lab")
    qtbot.waitUntil(lambda: window.tour is None, timeout=5_000)


def test_a_bubble_stands_beside_the_light_or_in_a_corner_of_it(dressed):
    room, size = QRect(0, 0, 1000, 700), QRect(0, 0, 300, 150).size()
    for hole in (QRect(10, 10, 200, 100), QRect(700, 500, 290, 190), QRect(0, 300, 1000, 60), QRect(0, 0, 1000, 700)):
        place = QRect(beside(hole, size, room), size)
        assert room.contains(place)
        assert not place.intersects(hole) or hole == room
