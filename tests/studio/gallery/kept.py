"""A small gallery of samples of three runs, made without any run."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from studio.export import Record
from studio.export.chaining import ChainsRecord
from studio.export.filled import DEFAULTS, DeskRecord

SIDE = 16


def source(system: str, name: str, step: int, **more: object) -> dict:
    """What `Run.recipe` gives of a run."""
    run = {"id": f"{sum(name.encode()):016x}", "name": name, "path": f"/runs/{name}"}
    told = {"system": system, "run": run, "data": {"spec": "/nowhere/faces", "id": "0" * 16, "title": "faces"}, "config": {"size": SIDE}, "knobs": {}}
    return {**told, "knob_history": [], "training_seed": 0, "step": step, "state_hash": f"{step:064x}", "checkpoint": "c", **more}


def pictures(n: int, seed: int, side: int = SIDE) -> np.ndarray:
    """(n, side, side, 3) uint8, all different."""
    return np.random.default_rng(seed).integers(0, 256, (n, side, side, 3), np.uint8)


def faces(n: int = 6, seed: int = 0, step: int = 100) -> Record:
    """Pictures of a BEGAN with a score."""
    drawn = pictures(n, seed)
    return Record("BEGAN on faces", source("began", "face run", step), drawn, seed, scores={"L(v)": drawn.mean((1, 2, 3)).astype(np.float32)})


def sentences(seed: int = 0) -> Record:
    """Sentences of a SeqGAN."""
    said = ("the cat sat on the mat", "the cat sat on the hat", "a dog 100% ran_away", "")
    numbers = {"log_p": np.array([-4.0, -3.0, -9.0, np.nan], np.float32)}
    return Record("SeqGAN on words", source("seqgan", "word run", 50), None, seed, sentences=said, numbers=numbers, options={"temperature": 1.0})


def chains(n: int = 3) -> ChainsRecord:
    """Chains of PPGN."""
    recipe = source("ppgn", "chain run", 900, chains={"chains": n})
    none = {"trace": {}, "frames": np.empty((0, n, SIDE, SIDE, 3), np.uint8), "frozen": np.zeros(n, bool), "note": "", "agreement": None}
    wishes = tuple(("glasses", "hat")[i % 2] for i in range(n))
    log_p = np.arange(n, dtype=np.float32)
    return ChainsRecord(
        "PPGN on faces",
        recipe,
        "joint",
        {},
        ("prior",),
        pictures(n, 9),
        40,
        3,
        wishes,
        log_p,
        None,
        (None,) * n,
        **none,  # pyright: ignore
    )


def fillings() -> DeskRecord:
    """Two alternatives of two nets."""
    from models.algorithms.maskgan.fillings import Desk, Fillings

    words = (("the", "cat", "sat"), ("the", "dog", "sat"))

    def one(net: str) -> Fillings:
        shape = (2, 3)
        return Fillings(
            net=net,
            tokens=words,
            joiner=" ",
            blanks=(1,),
            fixed=(),
            p=np.full((2, 1), 0.5, np.float32),
            realism=np.full(shape, 0.5, np.float32),
            log_p=np.array([-1.0, -2.0], np.float32),
            valid=np.ones(2),
            why=("", ""),
            candidates=((),),
            candidates_p=np.zeros((1, 0)),
            given=("the", "", "sat"),
            truth=("the", "x", "sat"),
            shown=0,
            table={},
            notes=(),
        )

    desk = Desk(("the", "x", "sat"), (1,))
    return DeskRecord("MaskGAN on words", source("maskgan", "desk run", 7), desk, {n: one(n) for n in ("maskgan", "maskmle")}, 5, dict(DEFAULTS))


def fill(path: Path | None = None) -> list[int]:
    """Keep six faces, four sentences, three chains; returns their numbers."""
    from studio.gallery import Gallery

    gallery = Gallery.open(path)
    try:
        return [*gallery.keep(faces()), *gallery.keep(sentences()), *gallery.keep(chains())]
    finally:
        gallery.close()
