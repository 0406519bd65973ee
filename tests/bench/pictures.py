"""Data, metrics and galleries: seconds and sizes, as one line of JSON."""

from __future__ import annotations

import io
import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import torch

from models.data.sources import open_images
from models.metrics import image
from models.nets import judge as judges
from tests.bench.clock import seconds

SAMPLES, SIZE = 5_000, 32


def measuring() -> dict[str, float]:
    """Fréchet distance, kernel distance and precision … coverage of 5,000 samples, from their pixels on."""
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.kid import KernelInceptionDistance

    data = open_images("faces", size=SIZE)
    start = time.perf_counter()
    judge = image.whole(judges.prepare(data))
    trained = time.perf_counter() - start
    real, fake = data.pictures(data.train[:SAMPLES]), data.pictures(data.order(1, 0, SAMPLES))[..., ::-1].copy()
    a = judge.features(real)

    def ours() -> None:
        b = judge.features(fake)
        image.frechet(a, b)
        image.kid(a, b)
        image.prdc(a, b)

    class Given(torch.nn.Module):
        num_features = judges.FEATURES

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.float()

    b = judge.features(fake)

    def theirs() -> None:
        for measure in (
            FrechetInceptionDistance(feature=Given(), normalize=True),
            KernelInceptionDistance(feature=Given(), subsets=50, normalize=True),
        ):
            measure.update(a, real=True)
            measure.update(b, real=False)
            measure.compute()

    def shared() -> None:
        image.frechet(a, b)
        image.kid(a, b)

    return {"measured": seconds(ours), "judge": trained, "oracle": seconds(theirs) / seconds(shared)}


def idx(folder: Path) -> dict[str, float]:
    """60,000 pictures of 28 x 28 in an IDX file: the first opening decodes, the second maps."""
    rng = np.random.default_rng(0)
    file = folder / "train-images-idx3-ubyte"
    pictures = rng.integers(0, 256, (60_000, 28, 28), np.uint8)
    file.write_bytes(b"\0\0\x08\x03" + np.array(pictures.shape, ">i4").tobytes() + pictures.tobytes())
    start = time.perf_counter()
    open_images(str(file), size=SIZE)
    first = time.perf_counter() - start
    return {"idx_first": first, "idx_second": seconds(lambda: open_images(str(file), size=SIZE))}


def gallery(folder: Path) -> dict[str, float]:
    """A page of 1,000 pictures, beside their PNGs."""
    from PIL import Image

    from models.run import Run
    from studio.export import exporters
    from studio.verify import record_of

    run = Run.create(folder / "run", "began", "faces", config={"n": 8})
    record = record_of(run, seed=0, count=1_000)
    faces = run.data.pictures(np.arange(1_000))
    import dataclasses

    record = dataclasses.replace(record, pictures=faces)
    start = time.perf_counter()
    exporters()["gallery"].write(record, folder / "gallery.html")
    took = time.perf_counter() - start
    pngs = 0
    for picture in faces:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "PNG")
        pngs += buffer.tell()
    run.close()
    return {"gallery": took, "gallery_size": (folder / "gallery.html").stat().st_size / pngs}


def browsing() -> dict[str, float]:
    """10,000 pictures in the window: from the call to the first picture on the screen, and a wheel's turn."""
    from PySide6.QtWidgets import QApplication

    from studio import theme
    from studio.panels.samples import ImageGrid

    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    theme.apply(app, "dark")
    pictures = open_images("faces", size=SIZE).images

    def shown() -> None:
        grid = ImageGrid(columns=16)
        grid.resize(1000, 700)
        grid.show_images(pictures)
        grid.show()
        grid.grab()
        grid.close()

    return {"browse": seconds(shown)}


def main() -> int:
    """Measure everything in a folder of its own."""
    torch.set_num_threads(max(1, (os.cpu_count() or 2) - 1))
    folder = Path(sys.argv[1])
    print(json.dumps({**measuring(), **idx(folder), **gallery(folder), **browsing()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
