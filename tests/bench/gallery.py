"""A gallery of many entries: seconds from going to the page until its pictures are seen, of a filter, a jump, a search; memory. One line of JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np

ENTRIES, DIFFERENT, TOGETHER = 50_000, 500, 1_000  # entries; pictures that are drawn; entries that share a recipe


def fill(path: Path, count: int) -> float:
    """A gallery of `count` entries of ten runs, every fifth a sentence; returns the seconds that it took."""
    from dataclasses import replace

    from studio.gallery.keeping import picture
    from studio.gallery.store import Gallery, Sample

    rng = np.random.default_rng(0)
    drawn = [
        picture(0, rng.integers(0, 256, (8, 8, 3), np.uint8).repeat(4, 0).repeat(4, 1), "abc"[i % 3], {"log p": -float(i)}) for i in range(DIFFERENT)
    ]
    gallery, started = Gallery.open(path), time.perf_counter()
    for first in range(0, count, TOGETHER):
        run = first // TOGETHER % 10
        made = {"seed": first, "ema": True, "count": TOGETHER, "rows": [0, TOGETHER]}
        base = {"schema": 2, "kind": "sheet", "system": "began", "data": {"spec": "faces", "id": "0" * 16, "title": "faces"}, "step": 100 * run}
        recipe = {**base, "run": {"id": f"{run:016x}", "name": f"run {run}"}, "state_hash": f"{run:064x}", "made": made}
        samples = [
            Sample(i, text=f"sentence {first + i} of a run", scores={"log_p": -1.0}) if i % 5 == 4 else replace(drawn[i % DIFFERENT], place=i)
            for i in range(min(TOGETHER, count - first))
        ]
        gallery.add(recipe, samples)
    gallery.close()
    return time.perf_counter() - started


def resident() -> float:
    """MB of this process."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def main(folder: str, count: int) -> dict[str, float]:
    """Measure."""
    os.environ["SAMPLING_STUDIO_HOME"] = folder
    filled = fill(Path(folder) / "gallery.db", count)
    from PySide6.QtWidgets import QApplication

    from studio import theme
    from studio.gallery.keeping import pixels_of
    from studio.gallery.nearest import nearest_pictures
    from studio.pages.gallery import GalleryPage

    app = QApplication([])
    theme.apply(app, "dark")
    page = GalleryPage()
    page.resize(1840, 1032)
    before, waits = resident(), []

    def settle(seconds: float = 20.0) -> float:
        """Until nothing waits to be decoded; the longest time that the event loop was held."""
        end, longest = time.perf_counter() + seconds, 0.0
        while time.perf_counter() < end:
            at = time.perf_counter()
            app.processEvents()
            longest = max(longest, time.perf_counter() - at)
            if page.thumbs.is_idle():
                return longest
            time.sleep(0.001)
        return longest

    started = time.perf_counter()
    page.show()
    app.processEvents()
    page.repaint()
    opened = time.perf_counter() - started
    settle()
    seen = time.perf_counter() - started
    bar = page.grid.verticalScrollBar()
    frames = []
    for k in range(200):  # all the way down, and a picture of each place
        bar.setValue(round(bar.maximum() * (k + 1) / 200))
        at = time.perf_counter()
        page.grid.viewport().repaint()
        app.processEvents()
        frames.append(time.perf_counter() - at)
        if k % 20 == 0:
            waits.append(settle())
    settle()
    scrolled = resident() - before
    at = time.perf_counter()
    page.filter.choose("run", f"{3:016x}")
    app.processEvents()
    filtered = time.perf_counter() - at
    page.filter.reset()
    at = time.perf_counter()
    page.filter.search.setText("run 7")
    page.show_entries()
    searched = time.perf_counter() - at
    at = time.perf_counter()
    assert page.gallery is not None
    nearest_pictures(page.gallery, pixels_of(page.gallery.png(1)))
    near = time.perf_counter() - at
    page.stop()
    return {
        "entries": count,
        "filled": filled,
        "opened": opened,
        "seen": seen,
        "frame": float(np.quantile(frames, 0.95)),
        "held": max(waits),
        "filtered": filtered,
        "searched": searched,
        "nearest": near,
        "memory": scrolled,
        "file": (Path(folder) / "gallery.db").stat().st_size / 1e6,
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else ENTRIES)))
