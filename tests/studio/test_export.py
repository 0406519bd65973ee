"""Exporters: what is on the sheet, in the folder, in the table; and that each carries its recipe."""

import csv
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from models import sink
from models.errors import BadInput, DiskTrouble
from studio import recipe
from studio.export import Record, exporters, sheet
from studio.export.curves import table

SOURCE = {"system": "began", "step": 1200, "knobs": {"gamma": 0.5}, "knob_history": []}


@pytest.fixture
def record():
    rng = np.random.default_rng(0)
    rows = rng.random((50, 6), np.float32)
    rows[3, 2] = np.nan
    columns = ("loss_real", "loss_fake", "k_t", "M_global", "w1", "lr")
    return Record("BEGAN on faces", SOURCE, rng.integers(0, 256, (10, 32, 32, 3), np.uint8), 7, True, rows, columns, ((20, "γ 0.5 → 0.4"),))


def test_the_list_of_exporters():
    found = exporters()
    both = ["curves", "plots", "svg", "report", "tensorboard"]
    assert list(exporters("pictures")) == ["sheet", "singles", "gallery", "animation", "reel", *both]
    assert list(exporters("text")) == ["txt", "jsonl", "texts", "page", *both]
    assert set(found) == {*exporters("pictures"), *exporters("text")}
    assert {e.extension for e in found.values()} == {".png", "", ".csv", ".html", ".webp", ".svg", ".md", ".txt", ".jsonl"}


def test_a_sheet_shows_every_picture_and_carries_its_recipe(record, tmp_path):
    (path,) = exporters()["sheet"].write(record, tmp_path / "a.png")
    made = recipe.read(path)["made"]
    look = {"gap": 8, "border": 16, "captions": ["seed", "step"], "paper": "light"}
    geometry = {"count": 10, "columns": 5, "origin": [16, 40], "cell": [96, 96], "pitch": [104, 136]}
    assert made == {"seed": 7, "ema": True, "count": 10, "rows": [0, 10], "columns": 5, "zoom": 3, **look, "geometry": geometry}
    with Image.open(path) as image:
        pixels = np.asarray(image)
    side = 32 * made["zoom"]
    for i, picture in enumerate(record.pictures):
        x, y = 16 + i % 5 * (side + 8), 40 + i // 5 * (side + 32 + 8)
        assert np.array_equal(pixels[y : y + side : 3, x : x + side : 3], picture)


def test_the_captions_are_the_seed_the_number_and_the_step(record, tmp_path, monkeypatch):
    said = []
    plain = sheet.ImageDraw.ImageDraw.text
    monkeypatch.setattr(
        sheet.ImageDraw.ImageDraw, "text", lambda self, at, text, *a, **k: (said.append((at, text)), plain(self, at, text, *a, **k))[1]
    )
    exporters()["sheet"].write(record, tmp_path / "a.png", columns=4, zoom=4)
    pixels = np.asarray(Image.open(tmp_path / "a.png"))
    words = [text for _, text in said]
    assert words[:2] == ["BEGAN on faces", "step 1,200 · seed 7"]
    assert words[2:] == [text for i in range(10) for text in (f"seed 7 #{i}", "step 1,200")]
    for (x, y), _ in said[2:]:  # below its picture, and something is drawn there
        strip = pixels[int(y) : int(y) + 12, int(x) - 40 : int(x) + 40]
        assert strip.min() < 150


@pytest.mark.parametrize("zoom", [1, 3, 4, 8])
def test_captions_stay_inside_their_cell(record, zoom):
    width = 32 * zoom
    long = f"seed {record.seed} #{9} · step {record.step:,}" if width >= 128 else f"{record.seed} #9 · {record.step:,}"
    if zoom >= 3:  # the zoom that layout() chooses for 32 px
        assert sheet.font("Regular", 11).getlength(long) <= width + sheet.GAP


def test_the_sheet_changes_with_step_and_seed(record, tmp_path):
    draw = []
    for step, seed in ((1, 1), (2, 1), (1, 2)):
        exporters()["sheet"].write(replace(record, seed=seed, recipe={**record.recipe, "step": step}), tmp_path / "a.png")
        draw.append(np.asarray(Image.open(tmp_path / "a.png")))
    assert (draw[0] != draw[1]).any()
    assert (draw[0] != draw[2]).any()


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (3, 2), (4, 2), (5, 3), (7, 4), (64, 8), (100, 10)])
def test_layout_is_near_four_to_three(count, columns):
    assert sheet.layout(np.empty((count, 32, 32, 3)), None, None) == (columns, 3)
    assert sheet.layout(np.empty((count, 256, 256, 3)), 5, 2) == (5, 2)


def test_singles_are_the_pictures_themselves(record, tmp_path):
    files = exporters()["singles"].write(record, tmp_path / "many")
    assert [f.name for f in files][:2] == ["step0001200-seed7-0000.png", "step0001200-seed7-0001.png"]
    for i, file in enumerate(files):
        assert recipe.read(file)["made"]["rows"] == [i, i + 1]
        with Image.open(file) as image:
            assert np.array_equal(np.asarray(image), record.pictures[i])


def test_the_table_keeps_every_bit_and_leaves_out_what_is_not_there(record, tmp_path):
    path, side = exporters()["curves"].write(record, tmp_path / "a.csv")
    assert side.name == "a.csv.recipe.json"
    head, *lines = csv.reader(path.read_text().splitlines())
    assert head == ["step", *record.columns]
    assert [int(line[0]) for line in lines] == list(range(1, 51))
    assert lines[3][3] == ""
    back = np.array([[float(v or "nan") for v in line[1:]] for line in lines], np.float32)
    assert np.array_equal(back, record.rows, equal_nan=True)
    assert recipe.read(path)["made"] == {"steps": 50}


def test_an_empty_table_has_its_head(record):
    empty = Record("t", SOURCE, columns=("a", "b"), rows=np.empty((0, 2), np.float32))
    assert table(empty) == "step,a,b\n"


def test_plots_have_the_size_and_theme_that_were_asked_for(record, tmp_path):
    theme = "dark"
    (path,) = exporters()["plots"].write(record, tmp_path / "p.png", theme=theme, width=900, height=300)
    assert recipe.read(path)["made"] == {"theme": theme, "width": 900, "height": 300, "steps": 50, "marks": 1}
    with Image.open(path) as image:
        assert image.size == (900, 300)
        pixels = np.asarray(image.convert("RGB"))
    assert np.median(pixels) < 80
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20


@pytest.mark.parametrize("name", ["sheet", "singles", "curves"])
def test_a_place_that_cannot_be_written_gives_one_sentence(record, tmp_path, name):
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskTrouble, match="could not be written"):
        exporters()[name].write(record, tmp_path / "file" / "a")


def test_a_sheet_that_no_reader_takes_is_refused_before_it_is_drawn(record, tmp_path):
    many = np.broadcast_to(np.zeros((1, 256, 256, 3), np.uint8), (1400, 256, 256, 3))  # takes no memory
    with pytest.raises(BadInput, match="ask for at most 1,") as raised:
        exporters()["sheet"].write(replace(record, pictures=many), tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []
    fit = int(str(raised.value).split("at most ")[1].split()[0].replace(",", ""))
    sheet.check_size((fit, 256, 256, 3), *sheet.layout(many[:fit], None, None))  # what it says does fit


# --- SVG --------------------------------------------------------------------------------------------------------------


def test_an_svg_is_whole_and_shows_what_the_picture_shows(qapp, record, tmp_path):
    from PySide6.QtGui import QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    (path,) = exporters()["svg"].write(record, tmp_path / "p.svg", width=900, height=300)
    assert recipe.read(path)["made"] == {"theme": "light", "width": 900, "height": 300, "steps": 50, "marks": 1}
    text = path.read_text("utf-8")
    root = ElementTree.fromstring(text)
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == ("900", "300", "0 0 900 300")
    words = "".join(e.text or "" for e in root.iter() if e.tag.endswith("text"))
    for word in ("L(x)", "step", "Reconstruction error"):
        assert word in words
    assert "log" not in words.replace("global", "")  # no buttons
    assert "<image" not in text
    assert "<!DOCTYPE" not in text
    renderer = QSvgRenderer(str(path))
    assert renderer.isValid()
    image = QImage(900, 300, QImage.Format.Format_RGB32)
    image.fill(0xFFFF00FF)
    painter = QPainter(image)
    renderer.render(painter)
    painter.end()
    pixels = np.asarray(image.constBits()).reshape(300, 900, 4)[..., 2::-1].astype(int)
    assert not (pixels == [255, 0, 255]).all(2).any()
    (drawn,) = exporters()["plots"].write(record, tmp_path / "p.png", width=900, height=300)
    with Image.open(drawn) as other:
        assert np.abs(pixels - np.asarray(other)).mean() < 12


# --- TensorBoard ------------------------------------------------------------------------------------------------------


def test_event_files_hold_every_number(record, tmp_path):
    (path,) = exporters()["tensorboard"].write(record, tmp_path / "board")
    scalars, texts = sink.read(path)
    assert list(scalars) == list(record.columns)
    assert len(scalars["k_t"]) == 49  # one was not finite
    assert all(np.float32(scalars["loss_fake"][i]) == record.rows[i - 1, 1] for i in range(1, 51))
    assert recipe.read(path)["made"] == {"steps": 50}
    assert list(texts) == ["recipe"]
