from __future__ import annotations

import os

import pytest
import torch

from models import device
from models.contract import Plan
from models.errors import BadSetting


def test_the_plan_is_a_rule_not_a_timing():
    plan = device.choose()
    assert plan == device.choose()
    assert plan.device == device.available()[0]
    assert plan.threads == max(1, (os.cpu_count() or 2) - 1)
    assert plan.precision == ("bfloat16" if device.has_bfloat16(plan.device) else "float32")
    assert plan.compile == "off"


def test_what_is_forced_is_kept():
    assert device.choose("cpu", 3, "bfloat16", "default") == Plan("cpu", 3, "bfloat16", True, "default")
    assert device.choose("cpu", precision="float32").precision == "float32"


def test_a_device_that_is_not_here_is_told_with_those_that_are(monkeypatch):
    monkeypatch.setattr(device, "available", lambda: ["cpu"])
    assert device.choose().device == "cpu"
    with pytest.raises(BadSetting, match=r"no usable cuda device; choose one of auto, cpu"):
        device.choose("cuda")
    with pytest.raises(BadSetting, match=r"one of auto, cpu, cuda, mps; got 'tpu'"):
        device.choose("tpu")
    monkeypatch.setattr(device, "available", lambda: ["cuda", "cpu"])
    monkeypatch.setattr(device, "has_bfloat16", lambda name: name == "cuda")
    assert (device.choose().device, device.choose().precision, device.choose("cpu").precision) == ("cuda", "bfloat16", "float32")


def test_use_sets_the_threads():
    device.use(Plan("cpu", 2, "float32", True, "off"))
    assert torch.get_num_threads() == 2
    device.use(Plan("cpu", 1, "float32", True, "off"))
    assert torch.get_num_threads() == 1


def test_the_plan_in_words():
    assert device.describe(Plan("cpu", 1, "float32", True, "off")) == "cpu, 1 thread, float32"
    assert device.describe(Plan("cpu", 2, "bfloat16", True, "reduce-overhead")) == "cpu, 2 threads, bfloat16, compiled (reduce-overhead)"


def test_a_net_that_cannot_be_compiled_runs_as_it_is_and_says_why(monkeypatch):
    calls = []

    def broken(net, mode):
        def fast(*inputs):
            calls.append(mode)
            raise RuntimeError("no compiler found\nand more")

        return fast

    monkeypatch.setattr(torch, "compile", broken)
    net = torch.nn.Linear(2, 2)
    run = device.compiled(net, Plan("cpu", 1, "float32", True, "default"))
    x = torch.ones(1, 2)
    for _ in range(3):
        assert torch.equal(run(x), net(x))
    assert calls == ["default"]  # tried once
    assert run.fell_back == "no compiler found"
    assert device.compiled(net, Plan("cpu", 1, "float32", True, "off")) is net


def test_a_net_that_compiles_is_run_compiled_and_its_errors_are_its_own(monkeypatch):
    def works(net, mode):
        def fast(x):
            if x.shape[0] == 3:
                raise RuntimeError("out of memory")
            return net(x) * 2

        return fast

    monkeypatch.setattr(torch, "compile", works)
    net = torch.nn.Linear(2, 2)
    run = device.compiled(net, Plan("cpu", 1, "float32", True, "default"))
    assert torch.equal(run(torch.ones(1, 2)), net(torch.ones(1, 2)) * 2)
    assert run.fell_back == ""
    with pytest.raises(RuntimeError, match="out of memory"):  # once it has worked, an error is no reason to fall back
        run(torch.ones(3, 2))


def test_speed_is_a_rate():
    assert 0.01 < device.speed(Plan("cpu", 1, "float32", True, "off"), 8, 16, 0.02) < 1e6
