"""`gallery` on the command line."""

import json

import pytest
from PIL import Image

from models.files import home
from studio.gallery import Gallery
from tests.studio.gallery.kept import fill
from tests.studio.tiny import refused


@pytest.fixture
def filled():
    fill()
    gallery = Gallery.open()
    gallery.star([2])
    gallery.set_board("talk", [3, 1, 8])
    gallery.close()


def test_list(do, filled):
    found = do("gallery", "--json").json
    assert (found["count"], found["boards"]) == (13, [{"name": "talk", "count": 3}])
    assert {"id", "kind", "system", "run", "step", "seed", "row", "label", "scores", "text", "star", "tags", "note"} <= found["entries"][0].keys()
    assert [e["id"] for e in do("gallery", "list", "--board", "talk", "--json").json["entries"]] == [3, 1, 8]
    assert [e["id"] for e in do("gallery", "list", "--starred", "--json").json["entries"]] == [2]
    assert do("gallery", "list", "--system", "ppgn", "--label", "hat", "--json").json["count"] == 1
    assert len(do("gallery", "list", "-n", "2").out.splitlines()) == 2
    refused(do("gallery", "list", "--board", "walk"), "There is no board 'walk'", "talk")
    refused(do("gallery", "list", "--run", "x"), "Nothing is kept of a run 'x'", "face run")
    refused(do("gallery", "list", "extra"), "takes no")


def test_nothing_kept_yet(do):
    done = do("gallery")
    assert (done.status, "Nothing is kept yet" in done.out) == (0, True)
    refused(do("gallery", "export", "--out", "a.png"), "nothing to export")


def test_export_keep_and_nearest(do, filled, tmp_path):
    sheet = tmp_path / "talk.png"
    assert do("gallery", "export", "--board", "talk", "--out", sheet, "--json").json == {"out": str(sheet), "count": 2, "files": 1}
    assert do("gallery", "export", "--board", "talk", "--out", tmp_path / "a.jsonl", "--json").json["count"] == 1
    assert do("gallery", "export", "--starred", "--out", f"{tmp_path}/singles/", "--json").json["files"] == 1
    (single,) = (tmp_path / "singles").iterdir()
    assert do("gallery", "nearest", single, "-n", "1", "--json").json["nearest"][0]["id"] == 2
    assert do("gallery", "nearest", "the cat sat on a hat", "-n", "1", "--json").json["nearest"][0] | {"distance": 1.0} == json.loads(
        json.dumps(do("gallery", "nearest", "the cat sat on a hat", "-n", "1", "--json").json["nearest"][0])
    )
    found = do("gallery", "keep", sheet, "--board", "again", "--json").json
    assert (found["kept"], found["new"], found["ids"], found["gallery"]) == (2, 0, [3, 1], str(home() / "gallery.db"))
    assert [e["id"] for e in do("gallery", "list", "--board", "again", "--json").json["entries"]] == [3, 1]
    Image.new("RGB", (8, 8)).save(tmp_path / "plain.png")
    refused(do("gallery", "keep", tmp_path / "plain.png"), "carries no recipe")
    refused(do("gallery", "keep", tmp_path / "none"), "no file or run")
    refused(do("gallery", "keep"), "needs the folder of a run")
    refused(do("gallery", "export", "--board", "talk"), "needs --out FILE")
    refused(do("gallery", "export", "--board", "talk", "--out", tmp_path / "a.doc"), "are written as")
    refused(do("gallery", "nearest", tmp_path / "a.jsonl"), "no picture that can be read")


def test_samples_of_a_run_are_kept_and_proven(do, chain_run, tmp_path):
    found = do("gallery", "keep", chain_run, "-n", "3", "--seed", "5", "--json").json
    assert (found["kept"], found["seed"]) == (3, 5)
    assert do("gallery", "keep", chain_run, "-n", "3", "--seed", "5", "--json").json["ids"] == found["ids"]
    for name in ("a.png", "a.html", "a.webp"):
        assert do("gallery", "export", "--out", tmp_path / name, "--json").json["count"] == 3
        assert do("verify", tmp_path / name, "--json").json["verdict"] == "identical"
