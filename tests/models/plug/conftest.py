"""A small run of PPGN whose classifier and scorer have been trained for two steps."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from tqdm import tqdm

from models.contract import NextPhase, Plan, Stop
from models.run import Run
from tests.models.plug.foreign import exported, made

PLAN = Plan("cpu", 1, "float32", True, "off")
SMALL = {"n": 4, "g": 4, "h": 8, "full": 8, "recurrent": 8, "outputs": 6, "words": 8, "batch": 4}

tqdm.monitor_interval = 0  # models are made and saved here, too, and the bars of that would leave a thread for later tests to find


@pytest.fixture(scope="session")
def trained(classes, tmp_path_factory) -> Path:
    """A run at 32 px in colour, of two classes, with a captioner of three words."""
    path = tmp_path_factory.mktemp("runs") / "small"
    run = Run.create(path, "ppgn", str(classes), config=SMALL, plan=PLAN)
    steps = run.train()
    for command in (None, None, None, NextPhase(), None, None):
        steps.send(command)
    run.state.words, run.state.trained["captioner"] = ["", "long", "short"], 1
    with pytest.raises(StopIteration):
        steps.send(Stop())
    run.close()
    return path


@pytest.fixture(scope="session")
def untrained(classes, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "fresh"
    Run.create(path, "ppgn", str(classes), config=SMALL, plan=PLAN).close()
    return path


@pytest.fixture
def pixels() -> torch.Tensor:
    """(3, 3, 32, 32) in [-1, 1]"""
    return torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(5)) * 2 - 1


@pytest.fixture(scope="session")
def foreign() -> tuple[nn.Module, bytes]:
    """A net in the mode of evaluation, and the .pt2 that torch.export.save makes of it."""
    net = made()
    return net, exported(net)
