"""A run for TensorBoard: its curves and the pictures of its reel as event files, written beside the run's own.

TensorBoard reads the event files of a folder in the order of their names. Each opening of a run begins a new one, whose START mark
takes back every event of its step and later ones (TensorBoard, `purge_step`): so going back, or a run that was killed, leaves no old curve.
"""

from __future__ import annotations

import io
import struct
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from models.files import trouble
from models.tiling import tile

_START = 1  # SessionLog.START


class TensorBoard:
    """The event files in one folder, RUN/tensorboard. Nothing is imported or written before there is something to tell.

    Attributes:
        folder: where they are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._writer: Any = None

    def add(self, first_step: int, rows: np.ndarray, columns: Sequence[str]) -> None:
        """Scalars of consecutive steps, one tag a column: rows (steps, columns); what is not finite is left out. Raises DiskTrouble."""
        Summary = _messages()[1].Summary
        for step, row in enumerate(rows, first_step):
            values = [Summary.Value(tag=tag, simple_value=float(v)) for tag, v in zip(columns, row, strict=True) if np.isfinite(v)]
            if values:
                self._write(step, first_step, summary=Summary(value=values))
        self._flush()

    def pictures(self, step: int, name: str, pictures: np.ndarray) -> None:
        """(n, H, W, 1 or 3) uint8 as one grid; raises DiskTrouble."""
        Summary, grid = _messages()[1].Summary, tile(pictures)
        buffer = io.BytesIO()
        Image.fromarray(grid[..., 0] if grid.shape[2] == 1 else grid).save(buffer, "PNG")
        image = Summary.Image(height=grid.shape[0], width=grid.shape[1], colorspace=grid.shape[2], encoded_image_string=buffer.getvalue())
        self._write(step, step, summary=Summary(value=[Summary.Value(tag=name, image=image)]))
        self._flush()

    def text(self, step: int, name: str, words: str) -> None:
        """Words, on TensorBoard's page of texts; raises DiskTrouble."""
        from tensorboardX import summary

        self._write(step, step, summary=summary.text(name, words))
        self._flush()

    def cut(self, step: int) -> None:
        """Take back everything after a step; raises DiskTrouble."""
        if self._writer is not None or self._files():
            self.close()
            self._open(step + 1)
            self._flush()

    def close(self) -> None:
        """Nothing more comes for now."""
        if self._writer is not None:
            writer, self._writer = self._writer, None
            try:
                writer.close()
            except OSError as error:
                raise trouble(error, self.folder) from None

    # --- inside ---------------------------------------------------------------------------------------------------

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("events.out.tfevents.*"))

    def _open(self, first_step: int) -> None:
        """Begin a file; if there are others, it takes back what they say of `first_step` and later."""
        from tensorboardX.event_file_writer import EventsWriter

        others = self._files()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            # the name begins with the second it was made in; two files of one second are told apart, in order, by their number
            self._writer = EventsWriter(str(self.folder / "events"), f".{len(others):06d}")
        except OSError as error:
            raise trouble(error, self.folder) from None
        if others:
            self._write(first_step, first_step, session_log=_messages()[0].SessionLog(status=_START))

    def _write(self, step: int, first_step: int, **what: Any) -> None:
        if self._writer is None:
            self._open(first_step)
        assert self._writer is not None
        try:
            self._writer.write_event(_messages()[0].Event(wall_time=time.time(), step=step, **what))
        except OSError as error:
            raise trouble(error, self.folder) from None

    def _flush(self) -> None:
        try:
            if self._writer is not None:
                self._writer.flush()
        except OSError as error:
            raise trouble(error, self.folder) from None


def read(path: Path) -> tuple[dict[str, dict[int, float]], dict[str, str]]:
    """Scalars and texts of one event file, by tag: {step: value}, words.

    Raises:
        ValueError: it is no event file, or damaged (lengths and checksums are checked).
    """
    from google.protobuf.message import DecodeError
    from tensorboardX.crc32c import crc32c

    scalars: dict[str, dict[int, float]] = {}
    texts: dict[str, str] = {}
    content, at = path.read_bytes(), 0
    while at < len(content):
        try:
            (length,) = struct.unpack_from("<Q", content, at)
            body = content[at + 12 : at + 12 + length]
            (check,) = struct.unpack_from("<I", content, at + 12 + length)
            crc = crc32c(body)
            if check != ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF:
                raise ValueError("a checksum of the event file does not fit")
            event = _messages()[0].Event.FromString(body)
        except (struct.error, OverflowError, DecodeError) as error:
            raise ValueError(f"no event file, or one that is cut short: {error}") from None
        for value in event.summary.value:
            if value.HasField("simple_value"):
                scalars.setdefault(value.tag, {})[event.step] = value.simple_value
            elif value.tensor.string_val:
                texts[value.tag.removesuffix("/text_summary")] = value.tensor.string_val[0].decode("utf-8", "replace")
        at += 16 + length
    return scalars, texts


def _messages() -> tuple[Any, Any]:
    """The modules of TensorBoard's messages: events, and summaries."""
    from tensorboardX.proto import event_pb2, summary_pb2

    return event_pb2, summary_pb2
