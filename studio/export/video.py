"""Animations as MP4, with the extra [video] (PyAV); the recipe is beside the file and in its comment, which is read without PyAV.

Video keeps fewer colours than pixels have: every other format of `moving` is lossless.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from models.errors import BadInput
from studio import recipe as recipes
from studio.export.telling import tell

if TYPE_CHECKING:
    from studio.export.moving import Frame

CODECS = ("libx264", "libopenh264", "h264_mf", "h264_videotoolbox", "mpeg4")  # the first that is there
# One thread and no macroblock tree, which now and then gives other bits for the same frames: an export is to be made again as it was.
OPTIONS = {"libx264": {"crf": "10", "preset": "medium", "threads": "1", "bf": "0", "x264-params": "mbtree=0"}}
RATES = {"libopenh264": 12_000_000, "h264_mf": 12_000_000, "h264_videotoolbox": 12_000_000, "mpeg4": 12_000_000}  # bits a second
MISSING = 'Video needs PyAV, which is not installed: type  pip install "sampling-studio[video]"  or export as .webp, .gif or .png.'
_WIDEST = 4096  # pixels a side that decoders of H.264 take everywhere
_CONTAINERS = (b"moov", b"udta", b"meta", b"ilst", b"\xa9cmt")  # boxes on the way to the comment
_LARGEST = 20_000_000  # bytes of a box that is searched


def pyav() -> Any:
    """The module `av`; raises BadInput with the line that installs it."""
    try:
        import av
        from av import logging
    except ImportError:
        raise BadInput(MISSING) from None
    logging.set_level(logging.PANIC)
    return av


def encoded(frames: Sequence[Frame], recipe: recipes.Recipe) -> bytes:
    """Frames as an MP4; sides of an odd number of pixels become twice as large, pixel by pixel.

    Raises:
        BadInput: PyAV is missing, or the frames are larger than video can be.
    """
    av = pyav()
    height, width, _ = frames[0].pixels.shape
    zoom = 2 if height % 2 or width % 2 else 1
    height, width = height * zoom, width * zoom
    if max(height, width) > _WIDEST:
        raise BadInput(
            f"A frame of {width:,} × {height:,} pixels is more than the {_WIDEST:,} a side that players of video take: give a smaller zoom."
        )
    name = next((codec for codec in CODECS if codec in av.codecs_available), None)
    if name is None:
        raise BadInput("This build of PyAV writes no MP4: install it from PyPI, or export as .webp, .gif or .png.")
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        container.metadata["comment"] = recipes.ascii_of(recipe)
        stream = container.add_stream(name, rate=Fraction(1000, frames[0].ms), options=OPTIONS.get(name, {}))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        if name in RATES:
            stream.bit_rate = RATES[name]
        for i, (start, ms, pixels) in enumerate(_timed(frames)):
            tell(min(i + 1, len(frames)), len(frames))
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels.repeat(zoom, 0).repeat(zoom, 1)), format="rgb24")
            picture.pts, picture.time_base = start, Fraction(1, 1000)
            picture.duration = ms
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def _timed(frames: Sequence[Frame]) -> Iterator[tuple[int, int, np.ndarray]]:
    """When each frame begins and how long it is seen, in ms; a last one that stays is there once more when its time is nearly over."""
    now, usual = 0, frames[0].ms
    for frame in frames[:-1]:
        yield now, frame.ms, frame.pixels
        now += frame.ms
    last = frames[-1]
    if last.ms > usual:
        yield now, last.ms - usual, last.pixels
        now += last.ms - usual
    yield now, min(last.ms, usual), last.pixels


def read(path: Path) -> Iterator[Frame]:
    """The frames of a video; raises ValueError for a damaged one, BadInput without PyAV."""
    from studio.export.moving import Frame

    av = pyav()
    try:
        with av.open(str(path), "r", format="mov") as container:
            before: tuple[int, np.ndarray] | None = None
            for picture in container.decode(video=0):
                now = round(float(picture.time or 0) * 1000)
                if before is not None:
                    yield Frame(before[1], now - before[0])
                before = now, picture.to_ndarray(format="rgb24")
            if before is not None:
                yield Frame(before[1], 0)
    except av.FFmpegError as error:
        raise ValueError(f"no video: {error.strerror}") from None


def comment(path: Path) -> str | None:
    """The comment of an MP4; None where it has none. Needs no PyAV."""
    with open(path, "rb") as file:
        return _searched(file, path.stat().st_size, 0)


def _searched(file: BinaryIO, end: int, depth: int) -> str | None:
    """The comment in the boxes up to `end`; raises ValueError for boxes that cannot be."""
    while file.tell() + 8 <= end:
        start = file.tell()
        size, kind = struct.unpack(">I4s", file.read(8))
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
        elif size == 0:
            size = end - start
        if size < file.tell() - start or start + size > end:
            raise ValueError("it is cut short")
        if kind == _CONTAINERS[depth]:
            if size > _LARGEST:
                raise ValueError("its comment is larger than 20 MB")
            if kind == b"meta":
                file.seek(4, io.SEEK_CUR)
            if depth == len(_CONTAINERS) - 1:
                return _data(file.read(start + size - file.tell()))
            found = _searched(file, start + size, depth + 1)
            if found is not None:
                return found
        file.seek(start + size)
    return None


def _data(box: bytes) -> str | None:
    """The text of a box "data": size, name, type and locale before it."""
    return box[16:].decode("utf-8") if len(box) > 16 and box[4:8] == b"data" else None
