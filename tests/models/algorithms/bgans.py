"""Small runs of BGAN."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from models import knobs
from models.algorithms import bgan
from models.algorithms.bgan import Config, Info, Knobs, State
from models.contract import Plan, View

TINY = {"n": 4, "full": 8, "z": 8, "T": 12, "batch": 4}


class Case(NamedTuple):
    """A run in memory."""

    state: State
    data: Any
    config: Config
    knobs: Knobs

    def go(self, steps: int, **changes: Any) -> list[Info]:
        """So many steps more, with some knobs as told."""
        now = knobs.changed(self.knobs, changes)
        feed = bgan.batches(self.data, self.config, 3, self.state.step)
        return [bgan.step(self.state, batch, now) for batch in itertools.islice(feed, steps)]

    def batch(self) -> Tensor:
        """What the next step is given."""
        return next(bgan.batches(self.data, self.config, 3, self.state.step))


def made(spec: str | Path, config: dict[str, Any] | None = None, values: dict[str, Any] | None = None, seed: int = 3) -> Case:
    """A fresh run."""
    plan = Plan("cpu", 1, "float32", True, "off")
    torch.set_num_threads(1)
    cfg = knobs.make(Config, TINY | (config or {}))
    data = bgan.open_data(str(spec), cfg)
    cfg = bgan.fitted(cfg, data)
    state = bgan.init(cfg, seed, plan)
    bgan.prepare(state, data)
    return Case(state, data, cfg, knobs.make(Knobs, {"M": 5} | (values or {})))


def weights(net: nn.Module) -> list[Tensor]:
    """Copies of what a net learns."""
    return [p.detach().clone() for p in net.parameters()]


def same(a: list[Tensor], b: list[Tensor]) -> bool:
    """Whether all are equal."""
    return all(torch.equal(p, q) for p, q in zip(a, b, strict=True))


def look(case: Case, view: str, **request: Any) -> list[View]:
    """All that a view answers."""
    answer = bgan.views[view](case.state, case.data, case.knobs, **request)
    return [answer] if isinstance(answer, View) else list(answer)
