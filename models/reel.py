"""The reel: what the same latents give at fixed steps of a training, one file for each step. The time machine runs on it.

A frame of pictures, STEP.png, is a lossless sheet of them without gaps, so that any viewer shows it; how many it holds is in its text
chunk. A frame of sentences is STEP.json. Under a budget frames are thinned out (`models.thinning`), but never a bookmarked one.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, PngImagePlugin

from models.errors import BadFile
from models.files import trouble, write_bytes, write_json
from models.thinning import surplus
from models.tiling import tile, untile

MOST, BYTES = 64, 1_000_000  # pictures of a frame, and their raw bytes; one picture is always kept
SENTENCES, LONGEST = 32, 2_000  # of a frame, and characters of each
FRAMES = 100  # about as many come of a preset
_KEY = "sampling-studio-reel"
_PIXELS = 16_000_000  # of a file that is read as a frame
_TEXT = 4 * SENTENCES * LONGEST  # bytes of one
_MARKS = "bookmarks.json"


class Reel:
    """The frames in one folder, RUN/reel.

    Attributes:
        folder: where they are; made by the first one.
        every: steps between two frames.
    """

    def __init__(self, folder: Path, every: int = 1) -> None:
        self.folder, self.every = folder, every

    @staticmethod
    def of(run: Path) -> Reel:
        """The reel of a run's folder, to look at."""
        return Reel(run / "reel")

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

    def write(self, step: int, sentences: Sequence[str]) -> None:
        """Write the frame of a step: the first SENTENCES of them, each at most LONGEST characters; raises DiskTrouble."""
        write_json(self._path(step, ".json"), {"sentences": [text[:LONGEST] for text in sentences[:SENTENCES]]})

    def steps(self) -> list[int]:
        """Steps that have a frame, in order."""
        return sorted(self._files())

    def file(self, step: int) -> Path:
        """The file of a step's frame, or where one of pictures would be."""
        return self._files().get(step, self._path(step))

    @property
    def writes(self) -> Literal["pictures", "text", ""]:
        """What its frames hold; "" while there is none."""
        first = next(iter(self._files().values()), None)
        return "" if first is None else "text" if first.suffix == ".json" else "pictures"

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
        except (OSError, ValueError, KeyError, TypeError, SyntaxError, RecursionError, Image.DecompressionBombError) as error:
            raise BadFile(f"{path} cannot be read ({error}): the frame is damaged; remove it to have a reel without it.") from None

    def sentences(self, step: int) -> list[str]:
        """The sentences of a step; raises BadFile if there is no such frame or it is damaged."""
        path = self._path(step, ".json")
        try:
            if path.stat().st_size > _TEXT:
                raise ValueError(f"it is larger than {_TEXT:,} bytes")
            found = json.loads(path.read_text("utf-8"))["sentences"]
            if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
                raise ValueError("it holds something else than sentences")
            return found
        except FileNotFoundError:
            raise BadFile(f"The reel in {self.folder} has no frame of step {step:,}: it was removed, or the run went another way.") from None
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise BadFile(f"{path} cannot be read ({error}): the frame is damaged; remove it to have a reel without it.") from None

    # --- what stays -----------------------------------------------------------------------------------------------

    def bookmarks(self) -> set[int]:
        """Steps whose frames are never thinned out."""
        try:
            return {int(step) for step in json.loads((self.folder / _MARKS).read_text("utf-8"))}
        except (OSError, ValueError, TypeError, OverflowError, RecursionError):
            return set()

    def bookmark(self, step: int, on: bool = True) -> None:
        """Keep the frame of a step for good, or no longer; raises DiskTrouble."""
        write_json(self.folder / _MARKS, sorted(self.bookmarks() | {step} if on else self.bookmarks() - {step}))

    def thin(self, budget: int) -> None:
        """Give up frames until the rest has at most `budget` bytes; raises DiskTrouble."""
        try:
            files = self._files()
            for step in surplus({s: p.stat().st_size for s, p in files.items()}, budget, self.bookmarks()):
                files[step].unlink(missing_ok=True)
        except OSError as error:
            raise trouble(error, self.folder) from None

    def cut(self, step: int) -> None:
        """Forget the frames after a step, and what a killed process left half written; raises DiskTrouble."""
        try:
            for torn in self.folder.glob(".*.part"):
                torn.unlink(missing_ok=True)
            for later, path in self._files().items():
                if later > step:
                    path.unlink(missing_ok=True)
            if marks := {s for s in self.bookmarks() if s > step}:
                write_json(self.folder / _MARKS, sorted(self.bookmarks() - marks))
        except OSError as error:
            raise trouble(error, self.folder) from None

    def _files(self) -> dict[int, Path]:
        found = [*self.folder.glob("*.png"), *self.folder.glob("*.json")]
        return {int(p.stem): p for p in found if p.stem.isascii() and p.stem.isdigit()}

    def _path(self, step: int, ending: str = ".png") -> Path:
        return self.folder / f"{step:09d}{ending}"
