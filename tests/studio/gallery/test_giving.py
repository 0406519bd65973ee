"""Samples of the gallery as files, files back in the gallery, and the nearest of a sample."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from models.errors import BadFile, BadInput
from models.settings import change
from studio import recipe as recipes
from studio.export import exporters, moving
from studio.export.thumbs import thumb, whole
from studio.gallery import Gallery, giving, nearest
from studio.gallery.keeping import pixels_of
from studio.gallery.taking import keep_file
from tests.studio.gallery.kept import chains, faces, fill, pictures, sentences

ORDER = [3, 11, 1, 12]  # faces and chains


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    path = tmp_path_factory.mktemp("gallery") / "gallery.db"
    fill(path)
    opened = Gallery.open(path)
    yield opened
    opened.close()


@pytest.mark.parametrize("name", [*giving.givers()])
def test_every_way_keeps_the_order_and_every_recipe(gallery, tmp_path, name):
    giver = giving.givers()[name]
    ids = ORDER if giver.kind == "picture" else [9, 7, 10]
    told = []
    files = giver.give(
        gallery, [7, *ids] if giver.kind == "picture" else [1, *ids], tmp_path / f"a{giver.extension}", progress=lambda *p: told.append(p)
    )
    own = [gallery.recipe(i) for i in ids]
    if name == "singles":
        assert [recipes.read(file) for file in files] == own
        assert all((np.asarray(Image.open(file)) == pixels_of(gallery.png(i))).all() for file, i in zip(files, ids, strict=True))
    else:
        found = recipes.read(files[0])
        assert [recipes.of_sample(found, i) for i in range(recipes.count_of(found))] == own
        assert ("sources" in found) == (giver.kind == "picture")
    if giver.kind == "picture":
        assert told
    if name == "animation":
        frames = [frame.pixels for frame in moving.read(files[0])]
        assert len(frames) == 4
        assert all((frame[::16, ::16] == pixels_of(gallery.png(i))).all() for frame, i in zip(frames, ids, strict=True))
    if name in ("animation", "gallery"):
        found = recipes.read(files[0])
        seen = thumb(files[0], found)
        assert whole(found, seen)
        assert seen.pixels is not None
        assert seen.geometry is not None
        for cell, i in enumerate(ids):
            x, y, wide, high = seen.geometry.place(cell)
            assert (seen.pixels[y : y + high, x : x + wide][high // 2, wide // 2] == pixels_of(gallery.png(i))[8, 8]).all()

    if name == "jsonl":
        lines = [json.loads(line) for line in files[0].read_text("utf-8").splitlines()]
        assert [line["text"] for line in lines] == ["a dog 100% ran_away", "the cat sat on the mat", ""]


@pytest.mark.parametrize("ending", [".gif", ".apng", ".mp4"])
def test_frames_that_are_alike_are_each_a_cell(gallery, tmp_path, ending):
    if ending == ".mp4":
        pytest.importorskip("av")
    path = giving.givers()["animation"].give(gallery, [1, 1, 1, 3, 3], tmp_path / f"a{ending}")[0]
    found = recipes.read(path)
    assert whole(found, thumb(path, found))
    flat = np.zeros((300, 200, 3), np.uint8)
    moving.save(path, [moving.Frame(flat, 167)], found)  # not what the recipe tells: no cell is taken for a sample
    assert thumb(path, found).geometry is None


def test_what_is_stopped_leaves_nothing(gallery, tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    for name in ("singles", "animation", "sheet", "gallery"):
        with pytest.raises(KeyboardInterrupt):
            giving.givers()[name].give(gallery, ORDER, tmp_path / f"a{giving.givers()[name].extension}", progress=stop)
    assert not [*tmp_path.iterdir()]


def test_what_cannot_be_given_says_so(gallery, tmp_path):
    with pytest.raises(BadInput, match="no picture among these"):
        giving.givers()["sheet"].give(gallery, [7], tmp_path / "a.png")
    with pytest.raises(BadInput, match="two pictures at least"):
        giving.givers()["animation"].give(gallery, [1], tmp_path / "a.webp")
    (tmp_path / "there").write_text("mine")
    with pytest.raises(BadInput, match="not mixed with other files"):
        giving.givers()["singles"].give(gallery, ORDER, tmp_path / "there")
    with pytest.raises(BadInput, match=r"written as .*\.webp"):
        giving.giver_for(tmp_path / "a.doc", "picture")


def test_privacy_leaves_paths_and_notes_out(gallery, tmp_path):
    gallery.note(7, "my own words")
    change(privacy=True)
    (sheet,) = giving.givers()["sheet"].give(gallery, ORDER, tmp_path / "a.png")
    lines = giving.givers()["jsonl"].give(gallery, [7], tmp_path / "a.jsonl")
    for file in (sheet, lines[0]):
        found = recipes.read(file)
        assert found["private"] is True
        assert "/runs/" not in json.dumps(found)
    assert "my own words" not in lines[0].read_text("utf-8")


def test_files_come_back_as_what_they_were(gallery, tmp_path):
    (sheet,) = giving.givers()["sheet"].give(gallery, ORDER, tmp_path / "a.png")
    singles = giving.givers()["singles"].give(gallery, ORDER, tmp_path / "singles")
    lines = giving.givers()["jsonl"].give(gallery, [8, 7], tmp_path / "a.jsonl")
    for name, ending in (("gallery", ".html"), ("animation", ".webp"), ("animation", ".png")):
        assert keep_file(gallery, giving.givers()[name].give(gallery, ORDER, tmp_path / f"b{ending}")[0]) == ORDER
    (own,) = exporters()["sheet"].write(faces(), tmp_path / "own.png")
    assert keep_file(gallery, sheet) == ORDER
    assert [keep_file(gallery, file)[0] for file in singles] == ORDER
    assert keep_file(gallery, lines[0]) == [8, 7]
    assert keep_file(gallery, own) == [*range(1, 7)]
    other = Gallery.open(tmp_path / "other.db")
    kept = [other.entry(i) for i in keep_file(other, sheet)]
    assert [(e.run, e.step, e.seed, e.row, e.label, e.width) for e in kept] == [
        (e.run, e.step, e.seed, e.row, e.label, e.width) for e in (gallery.entry(i) for i in ORDER)
    ]
    assert other.entry(1).score == pytest.approx(gallery.entry(3).score)
    other.close()


def test_files_without_samples_or_recipe_are_refused(gallery, tmp_path):
    Image.fromarray(pictures(1, 0)[0]).save(tmp_path / "plain.png")
    with pytest.raises(BadFile, match="carries no recipe"):
        keep_file(gallery, tmp_path / "plain.png")
    (page,) = giving.givers()["page"].give(gallery, [7, 8], tmp_path / "a.html")
    with pytest.raises(BadFile, match="cannot be cut out"):
        keep_file(gallery, page)
    (sheet,) = giving.givers()["sheet"].give(gallery, ORDER, tmp_path / "a.png")
    recipe = recipes.read(sheet)
    recipes.save_png(Image.open(sheet).crop((0, 0, 120, 90)), tmp_path / "cut.png", recipe)
    with pytest.raises(BadFile, match="does not hold what its recipe tells"):
        keep_file(gallery, tmp_path / "cut.png")
    txt = giving.givers()["txt"].give(gallery, [7, 8], tmp_path / "a.txt")[0]
    txt.write_text("one line\n")
    with pytest.raises(BadFile, match="1 lines, and the recipe is of 2"):
        keep_file(gallery, txt)


def test_the_nearest_pictures_are_those_of_a_search_through_all(tmp_path):
    gallery = Gallery.open(tmp_path / "g.db")
    drawn = pictures(300, 3, 4).repeat(8, 1).repeat(8, 2)  # far apart in their blocks
    ids = gallery.keep(replace(faces(), pictures=drawn, scores={}))
    for place in (0, 77):
        wanted = (drawn[place].astype(int) + np.random.default_rng(1).integers(-20, 20, drawn[place].shape)).clip(0, 255).astype(np.uint8)
        gaps = [float(np.sqrt(np.mean(np.square(wanted.astype(float) - d)))) for d in drawn]
        best = sorted(range(300), key=gaps.__getitem__)[:5]
        found = nearest.nearest_pictures(gallery, wanted, 5)
        assert [f.id for f in found] == [ids[i] for i in best]
        assert found[0].distance == pytest.approx(gaps[place])
    assert nearest.nearest_pictures(gallery, drawn[5], 1, skip=[ids[5]])[0].id != ids[5]
    large = pictures(1, 3, 4).repeat(16, 1).repeat(16, 2)[0]  # of another size
    assert nearest.nearest_pictures(gallery, large, 1)[0] == (ids[0], 0.0)
    gallery.close()


def test_blocks_of_any_size_keep_the_mean():
    for side in (8, 13, 28, 32, 5):
        picture = pictures(1, side, side)[0]
        assert nearest.pooled(picture).mean() == pytest.approx(picture.mean(), rel=1e-5)
    grey = pictures(1, 0)[0][..., :1]
    assert nearest.code_of(grey) == nearest.code_of(grey.repeat(3, -1))


def test_the_nearest_sentences(gallery):
    found = nearest.nearest_sentences(gallery, "the cat sat on the mat", 2)
    assert found == [(7, 0.0), (8, 1.0)]
    assert nearest.nearest_sentences(gallery, "the cat sat on the mat", 1, skip=[7]) == [(8, 1.0)]
    assert nearest.edit_distance("kitten", "sitting") == 3
    assert nearest.split("我们去吃饭") == list("我们去吃饭")


def test_the_nearest_in_the_training_data(tmp_path):
    from models import catalog, knobs
    from tests.studio.tiny import TINY
    from tests.studio.tiny import pictures as folder

    algorithm = catalog.algorithm("began")
    config = knobs.make(algorithm.Config, {**TINY, "size": 32})
    spec = str(folder(tmp_path / "data", 12))
    data = algorithm.open_data(spec, config, None)
    recipe = {"system": "began", "config": config.model_dump(), "data": {"spec": spec, "id": data.id, "title": "data"}}
    i = int(data.train[3])
    told = []
    training = nearest.TrainingData(recipe, lambda *p: told.append(p))
    found = training.nearest(data.pictures([i])[0])
    assert (found.name, found.distance, found.title) == (data.names[i], 0.0, "data")
    assert (found.picture == data.pictures([i])[0]).all()
    assert told
    with pytest.raises(BadFile, match="does not say"):
        nearest.TrainingData({"system": "began"})
    text = tmp_path / "text.txt"
    text.write_text("".join(f"{a} {b} the {c}\n" for a in ("big", "small") for b in ("cats", "dogs", "cows") for c in ("hay", "mat")))
    algorithm = catalog.algorithm("seqgan")
    config = knobs.make(algorithm.Config, {})
    data = algorithm.open_data(str(text), config, None)
    recipe = {"system": "seqgan", "config": config.model_dump(), "data": {"spec": str(text), "id": data.id, "title": "text"}}
    first = data.text(int(data.train[0]))
    found = nearest.TrainingData(recipe).nearest(text=first)
    assert (found.text, found.distance) == (first, 0.0)


def test_chains_and_sentences_go_in_and_out(gallery):
    assert gallery.keep(chains(), rows=[2]) == [13]
    assert gallery.keep(sentences(), rows=[0]) == [7]
