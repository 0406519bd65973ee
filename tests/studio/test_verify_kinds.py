"""Verify, for what moves, pages, drawings, reports and event files: made again, and every change is found."""

import base64
import io
import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from models import sink
from models.contract import Save, SetKnobs
from models.errors import BadFile
from models.run import Run
from studio import recipe, verify
from studio.cli import main
from studio.export import curves, exporters, moving
from tests.studio.tiny import TINY, cut_short, pictures

FILES = ("g.html", "l.webp", "l.gif", "l.apng", "r.webp", "r.png", "r.gif")
SCORE = {"value": 0.1, "n": 10, "reference": 0.05, "direction": "lower", "label": "FD", "doc": "a distance", "spread": None}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run of 110 steps with frames at 0, 50 and 100, and one export of each kind at step 100."""
    place = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAMPLING_STUDIO_HOME", str(place / "home"))
        run = Run.create(place / "run", "began", str(pictures(place / "pictures")), config=TINY, seed=3)
        for state, _ in run.train(110):
            if state.step == 60:
                run.apply(SetKnobs({"gamma": 0.4}))
            if state.step == 100:
                run.log("evaluated", "10 samples: FD 0.1", scores={"frechet": SCORE}, n=10, seed=0)
                run.apply(Save(pin=True))
        run.close()
        words = ["sample", str(run.folder.path), "--step", "100", "--seed", "5", "-n", "3", "--out"]
        for name in FILES:
            more = ["--reel"] if name.startswith("r") else ["--frames", "9", "--zoom", "2"] if name.startswith("l") else []
            assert main([*words, str(place / name), *more]) == 0
        assert main([*words, str(place / "c.svg")]) == 0
        patch.setattr(curves, "_drawn", drawing(place))
        assert main([*words, str(place / "m.md")]) == 0
        assert main([*words, str(place / "tb"), "--tensorboard"]) == 0
    return place


@pytest.fixture
def mine(made, tmp_path):
    """Copies that may be spoilt, of files and run; plots are drawn once and for all."""
    for name in (*FILES, "c.svg", "m.md", "m.md.recipe.json"):
        shutil.copy(made / name, tmp_path / name)
    for name in ("run", "tb", "m_files"):
        shutil.copytree(made / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def drawn(made, monkeypatch):
    """The drawing process takes seconds; its drawing is the one that is in the file."""
    monkeypatch.setattr(curves, "_drawn", drawing(made))


def drawing(place):
    text = re.sub(r"\n<metadata>.*?</metadata>", "", (place / "c.svg").read_text("utf-8"))
    return lambda *_: text.encode()


def check(path, folder):
    return verify.verify(path, folder / "run")


def events(folder):
    (path,) = (folder / "tb").iterdir()
    return path


def rewrite(path, change):
    """The same file with another recipe."""
    told = recipe.read(path)
    told = change(told) or told
    if path.suffix == ".md":
        recipe.save_beside(path, told)
    elif path.suffix == ".html":
        text = path.read_text("utf-8")
        path.write_text(text.replace(text[text.index(recipe.SCRIPT) : text.index("</script>") + 9], recipe.as_script(told)), "utf-8")
    else:
        moving.save(path, list(moving.read(path)), told)


def set_made(key, value):
    def change(told):
        told["made"][key] = value

    return change


# --- the same ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_it_is_made_again(mine, name):
    found = check(mine / name, mine)
    assert found.verdict == ("close" if name.endswith(".gif") else "identical"), found
    assert found.max_difference == 0
    assert ("recorded while it trained" in found.reason) == (name[0] in "rg")
    assert ("step 100 was drawn anew" in found.reason) == (name[0] in "rg")


def test_a_drawing_is_drawn_again(mine):
    assert check(mine / "c.svg", mine).verdict == "identical"


def test_reports_and_event_files_are_made_again(mine, drawn):
    assert check(mine / "m.md", mine).verdict == "identical"
    assert check(events(mine), mine).verdict == "identical"


def test_figures_of_a_report_stand_for_themselves(mine, drawn):
    for file in sorted((mine / "m_files").iterdir()):
        assert check(file, mine).verdict == "identical", file


def test_every_file_can_be_inspected(mine, capsys):
    kinds = {"g": "gallery", "l": "animation", "r": "reel", "c": "svg", "m": "report"}
    for path in [*(mine / name for name in FILES), mine / "c.svg", mine / "m.md", events(mine)]:
        assert main(["inspect", str(path), "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["kind"], found["steps"], found["system"]) == (kinds.get(path.name[0], "tensorboard"), 100, "began")
        assert found["state_hash"]


def test_later_lines_of_the_journal_do_not_matter(mine, drawn):
    run = Run.open(mine / "run", data=False, step=100)
    run.log("evaluated", "20 samples", scores={"frechet": SCORE}, n=20, seed=1)
    run.close()
    assert check(mine / "m.md", mine).verdict == "identical"


# --- something was changed --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES[1:])
def test_one_pixel_of_one_frame(mine, name):
    frames = list(moving.read(mine / name))
    pixels = frames[1].pixels.copy()
    by = 90 if name.endswith(".gif") else 1
    pixels[5, 5, 0] = pixels[5, 5, 0] + by if pixels[5, 5, 0] < 128 else pixels[5, 5, 0] - by
    moving.save(mine / name, [frames[0], frames[1]._replace(pixels=pixels), *frames[2:]], recipe.read(mine / name))
    found = check(mine / name, mine)
    assert found.verdict == "different"
    assert found.max_difference >= 1 / 256


@pytest.mark.parametrize("name", ["l.webp", "r.png"])
def test_a_frame_less_or_longer(mine, name):
    frames, told = list(moving.read(mine / name)), recipe.read(mine / name)
    for other in (frames[:-1], [frames[0]._replace(ms=500), *frames[1:]], frames[::-1]):
        moving.save(mine / name, other, told)
        assert check(mine / name, mine).verdict == "different"


@pytest.mark.parametrize("which", [0, 2, -1])
def test_one_pixel_of_the_gallery(mine, which):
    path = mine / "g.html"
    text = path.read_text("utf-8")
    source = re.findall(r'(?<=src="data:image/png;base64,)[^"]+', text)[which]
    with Image.open(io.BytesIO(base64.b64decode(source))) as image:
        pixels = np.array(image)
    pixels[3, 3, 1] ^= 1
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    path.write_text(text.replace(source, base64.b64encode(buffer.getvalue()).decode()), "utf-8")
    found = check(path, mine)
    assert (found.verdict, found.max_difference) == ("different", pytest.approx(1 / 255))


def test_the_same_pixels_packed_in_another_way_are_the_same(mine):
    path = mine / "g.html"
    text = path.read_text("utf-8")
    source = re.findall(r'(?<=src="data:image/png;base64,)[^"]+', text)[-1]
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(base64.b64decode(source))) as image:
        image.save(buffer, "PNG", compress_level=1)
    path.write_text(text.replace(source, base64.b64encode(buffer.getvalue()).decode()), "utf-8")
    assert check(path, mine).verdict == "identical"


@pytest.mark.parametrize(("old", "new"), [("sample 1 ", "sample 2 "), ("step 100", "step 900"), ("function order", "function Order"), ("</ol>", "")])
def test_words_of_the_gallery(mine, old, new):
    path = mine / "g.html"
    assert old in path.read_text("utf-8")
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    assert check(path, mine).verdict == "different"


def test_a_score_of_the_gallery(mine):
    path = mine / "g.html"
    text = path.read_text("utf-8")
    (score, *_) = re.findall(r'data-score="([^"]+)"', text)
    path.write_text(text.replace(f'data-score="{score}"', 'data-score="9.9"', 1), "utf-8")
    assert check(path, mine).verdict == "different"


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("g.html", "seed", 6),
        ("g.html", "steps", [0, 50]),
        ("l.webp", "seed", 6),
        ("l.webp", "latents", 4),
        ("l.webp", "frames", 10),
        ("l.webp", "ema", False),
        ("l.webp", "tiles", 2),
        ("l.gif", "fps", 12),
        ("r.webp", "steps", [0, 100]),
        ("r.webp", "shape", [1, 2, 3, 4]),
        ("r.png", "zoom", 1),
        ("m.md", "count", 2),
        ("m.md", "lines", 1),
    ],
)
def test_a_setting_in_the_recipe(mine, drawn, name, key, value):
    rewrite(mine / name, set_made(key, value))
    assert check(mine / name, mine).verdict == "different"


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("l.webp", "frames", 10**9),
        ("l.webp", "frames", 90_000),
        ("l.webp", "latents", -1),
        ("l.webp", "zoom", 100),
        ("l.webp", "tiles", 10**6),
        ("l.webp", "format", "../../x.png"),
        ("l.webp", "fps", 0),
        ("r.webp", "steps", "abc"),
        ("r.webp", "steps", []),
        ("r.webp", "steps", [7]),
        ("r.webp", "steps", [10**9]),
        ("r.webp", "steps", [0] * 1000),
        ("g.html", "steps", None),
        ("g.html", "rows", [3, 3]),
        ("m.md", "stem", "../../up"),
        ("m.md", "figures", ["/etc/hosts"]),
        ("m.md", "lines", 10**9),
        ("m.md", "card", "words"),
    ],
)
def test_nonsense_in_a_recipe_is_different_and_cheap(mine, drawn, name, key, value):
    if (key, value) == ("zoom", 100):
        rewrite(mine / name, set_made("frames", 500))
    rewrite(mine / name, set_made(key, value))
    assert check(mine / name, mine).verdict == "different"


def test_another_frame_in_the_run(mine):
    reel = Run.open(mine / "run", write=False, data=False).watch.reel
    for step in (50, 100):
        frame = reel.frame(step).copy()
        reel.add(step, 255 - frame)
        found = check(mine / "r.webp", mine)
        assert found.verdict == ("different" if step == 50 else "identical")  # that of step 100 is drawn anew
        reel.add(step, frame)


def test_a_drawing(mine, drawn):
    path = mine / "c.svg"
    text = path.read_text("utf-8")
    place = text.index(' d="M', text.index("</defs>") if "</defs>" in text else 0) + 5
    path.write_text(text[:place] + ("1" if text[place] != "1" else "2") + text[place + 1 :], "utf-8")
    assert check(path, mine).verdict == "different"


def test_words_and_figures_of_a_report(mine, drawn):
    path = mine / "m.md"
    text = path.read_text("utf-8")
    path.write_text(text.replace("γ", "δ"), "utf-8")
    assert check(path, mine) == verify.Verdict("different", None, "its words are not those that the recipe makes")
    path.write_text(text, "utf-8")
    with Image.open(mine / "m_files/samples.png") as image:
        pixels = np.array(image)
    pixels[60, 60, 0] ^= 1
    recipe.save_png(Image.fromarray(pixels), mine / "m_files/samples.png", recipe.read(mine / "m_files/samples.png"))
    assert check(path, mine).max_difference == pytest.approx(1 / 255)
    (mine / "m_files/samples.png").unlink()
    with pytest.raises(BadFile, match=r"lost its figure m_files/samples\.png"):
        check(path, mine)


def test_numbers_of_event_files(mine):
    path = events(mine)
    record = verify.record_of(Run.open(mine / "run", write=False, data=False, step=100), seed=0, count=0, samples=False)
    told = recipe.read(path)
    path.unlink()
    rows = record.rows.copy()
    rows[7, 1] += 1e-3
    board = sink.TensorBoard(mine / "tb")
    board.add(1, rows, record.columns)
    board.text(100, "recipe", json.dumps(told))
    board.close()
    found = check(events(mine), mine)
    assert (found.verdict, found.max_difference) == ("different", pytest.approx(1e-3, rel=1e-2))
    events(mine).unlink()
    board = sink.TensorBoard(mine / "tb")
    board.add(1, record.rows[:-1], record.columns)
    board.text(100, "recipe", json.dumps(told))
    board.close()
    assert check(events(mine), mine).verdict == "different"


def test_another_version_explains_a_small_difference(mine):
    frames = list(moving.read(mine / "l.webp"))
    told = recipe.read(mine / "l.webp")
    told["versions"]["torch"] = "2.8.0"
    frames[1].pixels[4, 4, 0] ^= 3
    moving.save(mine / "l.webp", frames, told)
    found = check(mine / "l.webp", mine)
    assert (found.verdict, "torch" in found.reason) == ("close", True)


# --- it cannot be told ------------------------------------------------------------------------------------------------


def test_a_frame_of_the_reel_is_gone(mine, capsys):
    (mine / "run/reel/000000050.png").unlink()
    assert main(["verify", str(mine / "r.webp"), "--run", str(mine / "run")]) == 2
    said = capsys.readouterr()
    assert "no frame of step 50" in said.err
    assert len(said.err.strip().splitlines()) == 1


@pytest.mark.parametrize("name", [*FILES, "c.svg"])
def test_a_file_that_is_cut_short_is_told_in_one_sentence(mine, drawn, name, do):
    cut_short(do, mine / name, mine / "run", (0.95, 0.5, 0.02))


def test_event_files_that_are_damaged(mine):
    path = events(mine)
    content = path.read_bytes()
    for damaged in (content[:-5], content[: len(content) // 2], b"x" * 100):
        path.write_bytes(damaged)
        with pytest.raises(BadFile, match="event file"):
            check(path, mine)


def test_a_reel_that_is_not_there_yet(mine, capsys):
    shutil.rmtree(mine / "run/reel")
    assert main(["sample", str(mine / "run"), "--reel", "--out", str(mine / "no.webp")]) == 2
    assert "no reel up to step 110" in capsys.readouterr().err
    assert not (mine / "no.webp").exists()


def test_going_back_and_another_way_leaves_the_reel_that_was(mine):
    """What is gone from the run is told; what is there still fits."""
    run = Run.open(mine / "run", data=False)
    record = verify.record_of(run, seed=0, count=0, samples=False, needs=("reel",))
    run.close()
    assert list(record.reel) == [0, 50, 100, 110]  # the last with the checkpoint
    assert replace(record, reel={}).reel == {}
    first = verify.record_of(Run.open(mine / "run", write=False, data=False, step=100), seed=0, count=2, samples=False, needs=("reel",))
    assert all(np.array_equal(first.reel[s], record.reel[s]) for s in (0, 50, 100))
    exporters()["reel"].write(first, mine / "again.webp")
    assert check(mine / "again.webp", mine).verdict == "identical"
