"""TensorBoard's files, read back as TensorBoard does: in the order of their names, a START mark taking back what it repeats."""

import io
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.errors import DiskTrouble
from models.sink import TensorBoard, read
from models.tiling import tile

COLUMNS = ("loss_real", "k_t")


def events(folder):
    """Every Event of the folder; each record's lengths and checksums are checked."""
    from tensorboardX.crc32c import crc32c
    from tensorboardX.proto.event_pb2 import Event

    def masked(content):
        crc = crc32c(content)
        return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF

    for path in sorted(folder.iterdir()):
        assert path.name.startswith("events.out.tfevents.")
        content = path.read_bytes()
        while content:
            (length,) = struct.unpack("<Q", content[:8])
            assert struct.unpack("<I", content[8:12])[0] == masked(content[:8])
            body = content[12 : 12 + length]
            assert struct.unpack("<I", content[12 + length : 16 + length])[0] == masked(body)
            yield Event.FromString(body)
            content = content[16 + length :]


def shown(folder):
    """What TensorBoard shows: tag -> {step: value}, with its rule for restarts (EventAccumulator, file version 2)."""
    out = {}
    for event in events(folder):
        if event.HasField("session_log") and event.session_log.status == 1:
            out = {tag: {s: v for s, v in found.items() if s < event.step} for tag, found in out.items()}
        for value in event.summary.value:
            out.setdefault(value.tag, {})[event.step] = value.image if value.HasField("image") else value.simple_value
    return out


def rows(first, count, offset=0.0):
    steps = np.arange(first, first + count, dtype=np.float32)
    return np.stack([steps + offset, -steps], 1)


def test_a_tag_for_every_column_and_a_value_for_every_step(tmp_path):
    board = TensorBoard(tmp_path / "tensorboard")
    board.add(1, rows(1, 50), COLUMNS)
    board.add(51, rows(51, 50), COLUMNS)
    assert shown(board.folder)["loss_real"] == {s: float(s) for s in range(1, 101)}  # readable before it is closed
    board.close()
    assert shown(board.folder)["k_t"] == {s: -float(s) for s in range(1, 101)}
    first = next(events(board.folder))
    assert first.file_version == "brain.Event:2"
    assert abs(first.wall_time - Path(board.folder).stat().st_mtime) < 60


def test_what_is_not_finite_is_left_out(tmp_path):
    board = TensorBoard(tmp_path)
    table = rows(1, 3)
    table[0, 0], table[1] = np.nan, [np.inf, np.nan]
    board.add(1, table, COLUMNS)
    board.close()
    assert shown(tmp_path) == {"k_t": {1: -1.0, 3: -3.0}, "loss_real": {3: 3.0}}


def test_nothing_is_written_before_there_is_something(tmp_path):
    board = TensorBoard(tmp_path / "tensorboard")
    board.cut(0)
    board.close()
    assert not board.folder.exists()
    code = "import sys, models.sink; models.sink.TensorBoard(models.sink.Path('x')); print('tensorboardX' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert done.stdout.strip() == "False"


def test_going_back_shows_the_new_way_only(tmp_path):
    board = TensorBoard(tmp_path)
    board.add(1, rows(1, 30), COLUMNS)
    board.cut(20)
    assert list(shown(tmp_path)["loss_real"]) == list(range(1, 21))  # at once, before anything new comes
    board.add(21, rows(21, 5, offset=0.5), COLUMNS)
    board.cut(22)
    board.add(23, rows(23, 2, offset=0.25), COLUMNS)
    board.close()
    found = shown(tmp_path)["loss_real"]
    assert found == {**{s: float(s) for s in range(1, 21)}, 21: 21.5, 22: 22.5, 23: 23.25, 24: 24.25}
    assert len(list(tmp_path.iterdir())) == 3


def test_a_run_that_was_killed_and_is_opened_again(tmp_path):
    killed = TensorBoard(tmp_path)
    killed.add(1, rows(1, 30), COLUMNS)  # and never closed
    again = TensorBoard(tmp_path)
    again.add(21, rows(21, 20, offset=0.5), COLUMNS)
    again.close()
    assert shown(tmp_path)["loss_real"] == {s: s + (0.5 if s > 20 else 0.0) for s in range(1, 41)}
    killed.close()


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_are_one_lossless_grid(tmp_path, channels):
    given = np.random.default_rng(0).integers(0, 256, (6, 8, 8, channels), np.uint8)
    board = TensorBoard(tmp_path)
    board.pictures(50, "samples", given)
    board.close()
    image = shown(tmp_path)["samples"][50]
    assert (image.width, image.height, image.colorspace) == (24, 16, channels)
    with Image.open(io.BytesIO(image.encoded_image_string)) as opened:
        assert np.array_equal(np.asarray(opened).reshape(16, 24, channels), tile(given))


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskTrouble, match="could not be written"):
        TensorBoard(tmp_path / "file" / "tensorboard").add(1, rows(1, 2), COLUMNS)


def test_scalars_and_texts_are_read_back(tmp_path):
    board = TensorBoard(tmp_path)
    board.add(1, rows(1, 3), COLUMNS)
    board.text(3, "recipe", '{"γ": 0.5}')
    board.close()
    (path,) = tmp_path.iterdir()
    assert read(path) == ({"loss_real": {1: 1.0, 2: 2.0, 3: 3.0}, "k_t": {1: -1.0, 2: -2.0, 3: -3.0}}, {"recipe": '{"γ": 0.5}'})
    content = path.read_bytes()
    for damaged in (content[:-1], content[:20], b"hello", b"\xff" * 100, content[:40] + b"\0" + content[41:]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="event file"):
            read(path)
