"""The reel: pictures of the same latents at fixed steps of a training, one lossless PNG for each step.

A frame is a sheet of its pictures without gaps, so that any viewer shows it; how many pictures it holds is in its text chunk.
"""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from models.errors import BadFile
from models.files import trouble, write_bytes
from models.tiling import tile, untile

MOST, BYTES = 64, 1_000_000  # pictures of a frame, and their raw bytes; one picture is always kept
FRAMES = 100  # about as many come of a preset
_KEY = "sampling-studio-reel"
_PIXELS = 16_000_000  # of a file that is read as a frame


class Reel:
    """The frames in one folder, RUN/reel.

    Attributes:
        folder: where they are; made by the first one.
        every: steps between two frames.
    """

    def __init__(self, folder: Path, every: int) -> None:
        self.folder, self.every = folder, every

    @staticmethod
    def every_for(total: int, between: int) -> int:
        """Steps between two frames of a training of `total` steps: a multiple of `between`, with about FRAMES frames."""
        return between * max(1, round(total / FRAMES / between))

    @staticmethod
    def room(height: int, width: int, channels: int) -> int:
        """How many pictures of this size a frame takes."""
        return max(1, min(MOST, BYTES // (height * width * channels)))

    def add(self, step: int, pictures: np.ndarray) -> None:
        """Write the frame of a step: (n, H, W, 1 or 3) uint8, of which the first `room` are kept; raises DiskTrouble."""
        kept = pictures[: self.room(*pictures.shape[1:])]
        sheet = tile(kept)
        columns = sheet.shape[1] // kept.shape[2]
        info = PngImagePlugin.PngInfo()
        info.add_text(_KEY, json.dumps({"count": len(kept), "columns": columns}))
        buffer = io.BytesIO()
        Image.fromarray(sheet[..., 0] if sheet.shape[2] == 1 else sheet).save(buffer, "PNG", pnginfo=info)
        write_bytes(self._path(step), buffer.getvalue())

    def steps(self) -> list[int]:
        """Steps that have a frame, in order."""
        return sorted(int(p.stem) for p in self.folder.glob("*.png") if p.stem.isascii() and p.stem.isdigit())

    def frame(self, step: int) -> np.ndarray:
        """The pictures of a step, (n, H, W, 1 or 3) uint8; raises BadFile if there is no such frame or it is damaged."""
        path = self._path(step)
        try:
            with Image.open(path, formats=["PNG"]) as image:
                if image.width * image.height > _PIXELS or image.mode not in ("L", "RGB"):
                    raise ValueError(f"{image.width}×{image.height} pixels of mode {image.mode}")
                image.load()
                about = json.loads(str(getattr(image, "text", {})[_KEY]))
                sheet = np.array(image)
            count, columns = int(about["count"]), int(about["columns"])
            if not (0 < count <= MOST and 0 < columns <= MOST):
                raise ValueError(f"{count} pictures")
            return untile(sheet[..., None] if sheet.ndim == 2 else sheet, count, columns)
        except FileNotFoundError:
            raise BadFile(f"The reel in {self.folder} has no frame of step {step:,}: it was removed, or the run went another way.") from None
        except (OSError, ValueError, KeyError, TypeError, SyntaxError, Image.DecompressionBombError) as error:
            raise BadFile(f"{path} cannot be read ({error}): the frame is damaged; remove it to have a reel without it.") from None

    def cut(self, step: int) -> None:
        """Forget the frames after a step, and what a killed process left half written; raises DiskTrouble."""
        try:
            for torn in self.folder.glob(".*.part"):
                torn.unlink(missing_ok=True)
            for later in [s for s in self.steps() if s > step]:
                self._path(later).unlink(missing_ok=True)
        except OSError as error:
            raise trouble(error, self.folder) from None

    def _path(self, step: int) -> Path:
        return self.folder / f"{step:09d}.png"
