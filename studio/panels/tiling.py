"""How pictures fill a rectangle when only whole-number zooms are allowed. No Qt."""

from __future__ import annotations

from typing import NamedTuple


class Layout(NamedTuple):
    """How pictures are laid out, in device pixels."""

    zoom: int
    columns: int
    rows: int  # whole rows that fit


def fit(
    space: tuple[int, int],
    n: int,
    size: tuple[int, int],
    columns: int,
    most: int = 0,
    *,
    gap: int = 4,
    below: int = 0,
    whole: bool = False,
    strict: bool = False,
    max_zoom: int = 0,
) -> Layout:
    """The largest whole zoom at which `columns` fit the width and enough rows the height; then more columns, up to `most`.

    Enough is every row if `whole`, else half as many rows as columns. Where the wished columns would leave much of the space
    empty, another number of them is taken, unless `strict`. `space` and `size` are (width, height) in device pixels.
    """
    n = max(1, n)
    wished = max(1, min(columns, n))
    box = (space, n, size, gap, below, whole, max_zoom)
    best = base = _at(wished, most, *box)
    good = strict or (base.zoom > 1 and base.columns * base.rows >= n)
    for other in () if good else range(max(1, wished // 2), wished):
        place = _at(other, other, *box)
        if _worth(place, n, whole) > max(1.15 * _worth(base, n, whole), _worth(best, n, whole)):
            best = place
    return best


def _at(columns: int, most: int, space: tuple[int, int], n: int, size: tuple[int, int], gap: int, below: int, whole: bool, max_zoom: int) -> Layout:
    rows = -(-n // columns)
    needed = rows if whole else min(rows, max(1, columns // 2))
    by_width = ((space[0] + gap) // columns - gap) // size[0]
    by_height = ((space[1] + gap) // needed - gap - below) // size[1]
    zoom = max(1, min(by_width, by_height, max_zoom or by_width))
    fitting = (space[0] + gap) // (size[0] * zoom + gap)
    columns = max(1, min(fitting, max(columns, most), n))
    rows = min(-(-n // columns), (space[1] + gap) // (size[1] * zoom + gap + below))
    return Layout(zoom, columns, max(1, rows))


def _worth(place: Layout, n: int, whole: bool) -> float:
    shown = min(n, place.columns * place.rows)
    return 0.0 if whole and shown < n else place.zoom**1.3 * shown
