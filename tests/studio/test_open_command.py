"""`sampling-studio open`: what would be opened, without a display, and what cannot be."""

import json
import shutil
from pathlib import Path

import pytest

from studio import recipe
from tests.studio.tiny import refused

OLDER = Path(__file__).with_name("older") / "schema1"


@pytest.fixture
def chains(chain_run, tmp_path):
    """A file that a run which is here has made, as its recipe says."""
    for name in ("chains.csv", "chains.csv.recipe.json"):
        shutil.copy(OLDER / name, tmp_path / name)
    told = recipe.read(tmp_path / "chains.csv")
    recipe.save_beside(tmp_path / "chains.csv", {**told, "schema": 2, "run": {**told["run"], "path": str(chain_run)}})
    return tmp_path / "chains.csv"


def test_what_would_be_opened(do, chains, chain_run):
    found = do("open", chains, "--json").json
    wanted = {"kind": "chains-csv", "system": "ppgn", "run": str(chain_run), "step": 13, "seed": 0, "take": None}
    assert {k: found[k] for k in wanted} == wanted
    assert set(found["ways"]) == {"all", "no-seed", "seed", "model"}
    assert found["ways"]["model"] is None or "checkpoint" in found["ways"]["model"]
    taken = do("open", chains, "--take", "seed", "--run", chain_run, "--json").json
    assert (taken["take"], taken["ways"]["seed"]) == ("seed", None)


def test_what_is_missing(do, chain_run):
    found = do("open", OLDER / "sheet.png", "--json").json
    assert (found["run"], found["step"], found["seed"], found["checkpoints"]) == (None, 3, 5, [])
    assert "is not where it was" in found["missing"]
    assert "find it first" in found["ways"]["all"]
    refused(do("open", OLDER / "sheet.png", "--run", chain_run, "--json"), "another run")
    refused(do("open", OLDER / "sheet.png", "--run", OLDER, "--json"), "is not a run")
    refused(do("open", OLDER / "sheet.png", "--take", "all"), "cannot be opened", "find it first")
    refused(do("open", OLDER / "sheet.png", "--take", "seed"), "Give the run that is to take it with --run")
    assert do("open", OLDER / "curves.csv", "--json").json["ways"]["seed"] == "This file has no seed."


def test_a_run_and_what_is_none(do, chain_run, tmp_path):
    found = do("open", chain_run, "--json").json
    assert (found["system"], found["step"]) == ("ppgn", max(found["checkpoints"]))
    refused(do("open", chain_run, "--take", "all", "--json"), "is a run")
    refused(do("open", tmp_path / "none.png", "--json"), "no file")
    refused(do("open", tmp_path, "--json"), "is a folder")
    (tmp_path / "a.csv").write_text("x")
    refused(do("open", tmp_path / "a.csv"), "no recipe")


def test_what_a_stranger_wrote_cannot_steer_the_terminal(do, chains):
    told = recipe.read(chains)
    recipe.save_beside(chains, {**told, "run": {**told["run"], "name": "a\x1b[2J\u202eb\nsystem  c"}, "state_hash": "\x9b1m"})
    shown = do("inspect", chains).out
    assert "a\\x1b[2J\\u202eb\\nsystem" in shown
    assert "\\x9b1m" in shown
    assert not {"\x1b", "\u202e", "\x9b"} & {*shown}
    path = chains.with_name("\x1b]0;b\x07.csv")
    refused(do("inspect", path), "\\x1b]0;b\\x07")
    assert do("inspect", chains, "--json").json["run"]["name"].startswith("a\x1b")


def test_a_name_of_the_list_will_do_for_a_run(do, chain_run, own_home):
    (own_home / "runs").mkdir(parents=True)
    (own_home / "runs" / "walker").symlink_to(chain_run)
    assert do("inspect", "walker", "--json").json["kind"] == "run"
    assert do("open", "walker", "--json").json["system"] == "ppgn"
    refused(do("evaluate", "stroller"), "There is no run stroller")
    refused(do("inspect", "stroller"), "There is no file or run stroller")


def test_the_window_gets_the_file(do, monkeypatch, chains):
    asked = []
    monkeypatch.setattr("studio.app.window", lambda then: (asked.append(then), 0)[1])
    assert do("open", chains).status == 0
    went = []
    window = type("Window", (), {"open_exported": lambda self, *words: went.append(words)})()
    asked[0](window)
    assert went == [(chains, None, None)]


def test_a_foreign_file_is_never_replaced_and_an_older_export_not_silently(do, tmp_path):
    side = tmp_path / "a.csv.recipe.json"
    words = ["lab", "mala", "--target", "normal", "--chains", "2", "--steps", "2", "--threads", "1", "--out", tmp_path / "a.csv"]
    side.write_text('{"$schema": "mine", "schema": "of mine"}')
    refused(do(*words), "is there already, and is no recipe")
    side.unlink()
    (tmp_path / "a.csv").write_text("mine")
    refused(do(*words), "is there already", "--force")
    assert (tmp_path / "a.csv").read_text() == "mine"
    assert do(*words, "--force", "--private").status == 0
    assert recipe.read(tmp_path / "a.csv")["private"] is True
    again = do(*words)
    assert (again.status, "was replaced" in again.out, again.err) == (0, True, "")
    assert do(*words, "--json").json["replaced"] is True
    assert "private" not in recipe.read(tmp_path / "a.csv")
    assert json.dumps(recipe.read(tmp_path / "a.csv")["versions"]).count("machine") == 1
