"""A system whose runs write pictures or text, as their data are: exports, the command line, verify and the worker go by the run."""

from __future__ import annotations

import pytest

from models import catalog
from models.data import glyphs
from models.data.toys import TOYS
from models.errors import BadInput
from models.run import Run
from studio import recipe
from studio.export import curves, writes_of
from studio.export.taking import record_of
from studio.messages import Export, OldRun
from studio.workers.jobs import TrainingJob
from tests.studio.tiny import refused
from tests.studio.toymixed import SYSTEM, lines, listed, mixed_run


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run on pictures, and one on text."""
    place = tmp_path_factory.mktemp("mixed")
    with pytest.MonkeyPatch.context() as patch:
        listed(patch)
        patch.setenv("SAMPLING_STUDIO_HOME", str(place / "home"))
        patch.setattr(glyphs, "COUNTS", dict.fromkeys(glyphs.COUNTS, 60))
        mixed_run(place / "drawn", "glyphs-binary")
        mixed_run(place / "written", str(lines(place / "a.txt")))
    return place


@pytest.fixture
def place(made, monkeypatch):
    listed(monkeypatch)
    monkeypatch.setattr(glyphs, "COUNTS", dict.fromkeys(glyphs.COUNTS, 60))
    return made


def test_the_config_decides_where_the_system_leaves_it_to_it() -> None:
    assert (writes_of(SYSTEM), writes_of(SYSTEM, {"kind": "text"}), writes_of(SYSTEM, SYSTEM.Config())) == ("pictures", "text", "pictures")
    seqgan = catalog.algorithm("seqgan")
    assert (writes_of(seqgan), writes_of(seqgan, seqgan.Config()), writes_of(catalog.algorithm("began"), {})) == ("text", "text", "pictures")


@pytest.mark.parametrize(("name", "ending", "other"), [("drawn", ".png", ".txt"), ("written", ".txt", ".png")])
def test_each_run_is_exported_as_what_it_writes(place, do, tmp_path, name, ending, other):
    out = tmp_path / f"a{ending}"
    assert do("sample", place / name, "-n", 6, "--seed", 2, "--out", out, "--json").json["count"] == 6
    plain = tmp_path / f"plain{ending}"
    assert do("sample", place / name, "-n", 6, "--seed", 2, "--no-ema", "--out", plain).status == 0
    assert out.read_bytes() != plain.read_bytes()
    kept = recipe.read(plain)["made"]
    assert (kept["options"] if name == "written" else kept)["ema"] is False
    for file in (out, plain):
        assert do("verify", file, "--json").json["verdict"] == "identical"
    refused(do("sample", place / name, "--out", tmp_path / f"a{other}"), other, name)


def test_an_option_that_has_no_meaning_is_refused(place, do, tmp_path):
    refused(do("sample", place / "written", "--out", tmp_path / "a.txt", "--temperature", 0.5), "--temperature has no meaning for written")
    refused(do("sample", place / "drawn", "--out", tmp_path / "a.png", "--top-k", 5), "--top-k is for systems that write text")
    run = Run.open(place / "written", write=False)
    with pytest.raises(BadInput, match="ema must be true or false"):
        record_of(run, seed=0, count=2, options={"ema": "no"})
    run.close()


def test_the_page_of_sentences_and_the_report_tell_what_was_drawn_from(place, do, tmp_path, monkeypatch):
    monkeypatch.setattr(curves, "_drawn", lambda *_: b'<svg width="1mm" height="1mm" viewBox="0 0 1 1"></svg>')
    for words, told in (((), False), (("--no-ema",), True)):
        for name in ("a.html", "a.md"):
            assert do("sample", place / "written", "-n", 4, *words, "--out", tmp_path / name).status == 0
            page = (tmp_path / name).read_text("utf-8")
            assert ("without moving average" in page) is told
            assert "ema True" not in page
            assert "--ema" not in page
            assert do("verify", tmp_path / name, "--json").json["verdict"] == "identical"
        assert ("--no-ema --out samples.txt" in page) is told  # of the report: how to draw them again


@pytest.mark.parametrize(
    ("name", "exporter", "other", "keys"), [("drawn", "sheet", "txt", ("ema",)), ("written", "txt", "sheet", ("options", "ema"))]
)
def test_the_worker_exports_what_the_run_writes(place, tmp_path, name, exporter, other, keys):
    job = TrainingJob(OldRun(place / name))
    job.open(lambda done, total: None)
    (file, *_) = job.export(Export(exporter, tmp_path / ("a.png" if name == "drawn" else "a.txt"), seed=1, count=4, ema=False))()
    told = recipe.read(file)["made"]
    for word in keys:
        told = told[word]
    assert told is False
    with pytest.raises(KeyError):
        job.export(Export(other, tmp_path / "b", seed=1, count=4))
    job.close(save=False)


def test_toys_are_known_by_name() -> None:
    from models.data import sources

    assert tuple(sources.TOYS) == TOYS
    assert [s["name"] for s in sources.sources() if s["kind"] == "toy"] == list(TOYS)
    assert {sources.kind(name) for name in TOYS} == {"toy"}
