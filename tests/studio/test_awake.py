"""The machine is kept awake while something trains, and a desktop that does not let one do so stops nothing."""

import pytest

from models.settings import change
from studio import awake
from studio.awake import Awake


@pytest.fixture
def willing(monkeypatch):
    monkeypatch.setenv("WAKEPY_FAKE_SUCCESS", "yes")


def test_it_holds_and_lets_go(willing):
    keeper = Awake()
    keeper.hold(True)
    keeper.hold(True)
    assert keeper.held
    keeper.close()
    assert not keeper.held
    assert (keeper.why, awake.attempt()) == ("", "")


def test_it_is_not_asked_where_a_person_does_not_want_it(willing):
    change(keep_awake=False)
    keeper = Awake()
    keeper.hold(True)
    assert not keeper.held


def test_why_it_does_not_work_is_known_and_it_is_not_tried_again(monkeypatch):
    def refuse():
        raise OSError("no bus")

    monkeypatch.setattr(awake, "_mode", refuse)
    keeper = Awake()
    keeper.hold(True)
    keeper.close()
    assert keeper.why == awake.attempt() == "OSError: no bus"
    keeper.hold(True)
    assert not keeper.held


def test_a_training_goes_on_without(monkeypatch, tmp_path):
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    with awake.keeping():
        pass


def test_the_doctor_tells(monkeypatch):
    from studio import doctor

    monkeypatch.setattr(awake, "attempt", lambda: "there is no desktop session to ask (no D-Bus)")
    told = doctor._awake()
    assert told["ok"]
    assert told["found"] == "does not here, because there is no desktop session to ask (no D-Bus)"
