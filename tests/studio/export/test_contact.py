"""Contact sheets of samples from anywhere: what is on them, where, and the way back to each sample."""

import numpy as np
import pytest
from PIL import Image

from models.errors import BadInput
from studio import recipe
from studio.export.contact import CAPTIONS, Cell, Geometry, Look, composed, geometry_of, write_contact

RNG = np.random.default_rng(0)


def source(name="faces-1", step=120, **more):
    return {"system": "began", "run": {"id": f"{sum(map(ord, name)):016x}", "name": name, "path": f"/runs/{name}"}, "step": step, **more}


def cell(row=0, side=32, channels=3, name="faces-1", **more):
    made = {"seed": 7, "ema": True, "count": 1, "rows": [row, row + 1]}
    return Cell(RNG.integers(0, 250, (side, side, channels), np.uint8), recipe.make("single", source(name), **made), **more)


CELLS = [cell(0), cell(4, score=("error", -0.5)), cell(2, side=16, name="faces-2", label="smiling"), cell(1, channels=1, name="faces-2")]


def pixels(image):
    return np.asarray(image).astype(int)


def test_every_picture_lies_where_the_recipe_says(tmp_path):
    write_contact(CELLS, tmp_path / "a.png", Look(columns=3, zoom=2, gap=5, border=20))
    made = recipe.read(tmp_path / "a.png")["made"]
    told = Geometry(**{k: tuple(v) if isinstance(v, list) else v for k, v in made["geometry"].items()})
    assert told == Geometry(4, 3, (20, 40), (64, 64), (69, 101))
    with Image.open(tmp_path / "a.png") as image:
        shown = np.asarray(image)
    for i, one in enumerate(CELLS):
        x, y, width, height = told.place(i)
        times = 64 // one.picture.shape[0]  # the small one is enlarged to the same place
        wanted = np.broadcast_to(one.picture, (*one.picture.shape[:2], 3)).repeat(times, 0).repeat(times, 1)
        assert np.array_equal(shown[y : y + height, x : x + width], wanted)


def test_a_place_of_the_sheet_leads_to_its_cell():
    told = Geometry(4, 3, (20, 40), (64, 64), (69, 101))
    for i in range(4):
        x, y, width, height = told.place(i)
        assert {told.at(x, y), told.at(x + width - 1, y + height - 1), told.at(x + 1, y + height + 10)} == {i}  # its captions are its own
        assert told.at(x - 1, y) is None
        assert told.at(x + width, y) is None  # the gap is nobody's
    for nowhere in ((0, 0), (20, 39), (20 + 69, 40 + 101), (10**9, 50), (-5, 50), (20, 40 + 2 * 101)):
        assert told.at(*nowhere) is None


def test_each_cell_gives_its_own_recipe_and_a_source_is_told_once(tmp_path):
    write_contact(CELLS, tmp_path / "a.png")
    found = recipe.read(tmp_path / "a.png")
    assert [s["run"]["name"] for s in found["sources"]] == ["faces-1", "faces-2"]
    assert recipe.count_of(found) == 4
    for i, one in enumerate(CELLS):
        assert recipe.of_sample(found, i) == one.recipe
    assert found["made"]["cells"][1]["score"] == ["error", -0.5]
    assert found["made"]["cells"][2]["label"] == "smiling"
    for nowhere in (-1, 4, 10**9):
        with pytest.raises(BadInput, match="4 samples, from 0 to 3"):
            recipe.of_sample(found, nowhere)


def test_samples_of_one_run_tell_it_as_any_export_does(tmp_path):
    write_contact([cell(3), cell(9)], tmp_path / "a.png")
    found = recipe.read(tmp_path / "a.png")
    assert "sources" not in found
    assert found["run"]["name"] == "faces-1"
    assert recipe.of_sample(found, 1)["made"]["rows"] == [9, 10]


@pytest.mark.parametrize("captions", [(), ("seed",), CAPTIONS])
def test_captions_take_the_room_they_need(captions):
    plain, geometry, _ = composed(CELLS, Look(captions=captions, columns=2))
    assert geometry.pitch[1] - geometry.cell[1] == 8 + (6 + 13 * len(captions) if captions else 0)
    below = pixels(plain)[geometry.origin[1] + geometry.cell[1] : geometry.origin[1] + geometry.pitch[1] - 2, 16:112]
    assert (below.min() < 200) == bool(captions)


def test_what_a_caption_says():
    said = {word: CELLS[1].caption(word) for word in CAPTIONS}
    assert said == {"seed": "seed 7 #4", "step": "step 120", "class": "", "score": "error −0.5", "run": "faces-1"}
    assert CELLS[2].caption("class") == "smiling"
    assert cell(score=("error", float("nan"))).caption("score") == ""


def test_the_paper_is_light_or_dark():
    light, dark = (pixels(composed(CELLS, Look(paper=paper))[0]) for paper in ("light", "dark"))
    assert light[0, 0].tolist() == [255, 255, 255]
    assert dark[0, 0].max() < 40
    assert light.shape == dark.shape


@pytest.mark.parametrize(
    "bad",
    [
        {"columns": 0},
        {"zoom": 101},
        {"gap": -1},
        {"border": 401},
        {"border": None},
        {"captions": ("height",)},
        {"captions": ("seed", "seed")},
        {"captions": 7},
        {"paper": "red"},
        {"columns": True},
        {"zoom": 2.0},
    ],
)
def test_a_look_out_of_range_is_one_sentence(bad):
    with pytest.raises(BadInput, match=next(iter(bad)) if "paper" not in bad else "paper of a sheet"):
        Look(**bad)


def test_too_many_pixels_and_no_cell_are_refused_before_anything_is_drawn():
    with pytest.raises(BadInput, match=r"ask for at most [\d,]+ pictures"):
        geometry_of(100_000, (256, 256), Look())
    with pytest.raises(BadInput, match="no sample"):
        composed([], Look())


def test_progress_can_end_it_and_nothing_is_written(tmp_path):
    class Enough(Exception):
        pass

    def stop(done, total):
        raise Enough

    with pytest.raises(Enough):
        write_contact([cell(i, side=8) for i in range(70)], tmp_path / "a.png", progress=stop)
    assert list(tmp_path.iterdir()) == []
