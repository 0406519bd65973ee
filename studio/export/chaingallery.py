"""The gallery of chains: each one's last picture with its condition, log p and verdict, and all of them over their steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from models.files import write_bytes
from studio import recipe as recipes
from studio.export.chaining import ChainsRecord
from studio.export.gallery import Item, Page, footer, packed, strips_of, written

STYLE = """
.pictures { gap: 10px 8px; }
.pictures .named { display: block; padding-top: 3px; overflow: hidden; font-size: 11px; line-height: 1.3;
  color: var(--ink); text-align: center; text-overflow: ellipsis; white-space: nowrap; }
.pictures .told { display: block; line-height: 1.3; }
"""
VERDICTS = {True: "the independent classifier agrees", False: "the independent classifier does not agree", None: "not judged"}


def write_gallery(record: ChainsRecord, path: Path) -> Sequence[Path]:
    """All chains on one page; raises DiskTrouble."""
    pngs = packed(record.pictures)
    reel = dict(zip(record.frame_steps, record.frames, strict=True))
    page = Page(
        title=record.title,
        tab=f"{record.title}, {record.steps:,} steps",
        facts=" · ".join([f"{len(pngs):,} chain{'s' * (len(pngs) != 1)}", *record.facts()]),
        label="Chains",
        system=record.recipe["system"],
        items=[_item(record, i, png) for i, png in enumerate(pngs)],
        side=(record.pictures.shape[1], record.pictures.shape[2]),
        footer=footer(record.recipe),
        score="log p",
        strips=strips_of(reel, sum(map(len, pngs))) if len(reel) > 1 else {},
        strips_title="The chains over their steps",
        strips_alt="The first {count} chains at step {step:,}",
        slider="Step of the chains",
        style=STYLE,
    )
    made = {"seed": record.seed, "count": len(pngs), "backs": list(record.backs)}
    write_bytes(path, written(page, recipes.make("chains-gallery", record.recipe, **made)).encode())
    return [path]


def _item(record: ChainsRecord, i: int, png: bytes) -> Item:
    wish, log_p = record.conditions[i], record.log_p[i]
    verdict = "diverged, and frozen where it last was finite" if record.frozen[i] else VERDICTS[record.agreed[i]]
    told = f"chain {i} · {wish} · {verdict} · by the condition network"
    value = f"{log_p:.4g}" if math.isfinite(log_p) else "nan"
    return Item(
        png, f"{record.variant} chain {i} after {record.steps:,} steps, asked for {wish}", told, value, f"{record.asked(i)} {record.mark(i)}".rstrip()
    )
