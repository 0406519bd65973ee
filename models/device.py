"""How a run computes: a rule on what the device can do, never a timing, so that the same machine always gives the same plan."""

from __future__ import annotations

import os
import platform
import time
from typing import Any, Literal

import torch
from torch import nn

from models import knobs as settings
from models.contract import Plan
from models.errors import BadSetting
from models.knobs import knob

Precision = Literal["auto", "float32", "bfloat16"]
Compile = Literal["off", "default", "reduce-overhead"]


class Choice(settings.Config):
    """What a person may force; the defaults follow the rule of `choose`."""

    device: Literal["auto", "cpu", "cuda", "mps"] = knob("auto", "device to compute on", group="Device")
    precision: Literal["auto", "float32", "bfloat16"] = knob("auto", "precision of the convolutions", group="Device")
    threads: int = knob(0, "threads; 0 takes all cores but one", low=0, high=256, group="Device")
    compile: Literal["off", "default", "reduce-overhead"] = knob("off", "compile the nets; reduce-overhead uses CUDA graphs", group="Device")


def choose(device: str = "auto", threads: int | None = None, precision: Precision = "auto", compile: Compile = "off") -> Plan:
    """The plan for a new run.

    `auto` takes CUDA, then Apple's GPU, then the CPU. All cores but one compute, so that a window stays free, and the same
    number without a window, because one and two threads give different bits. bfloat16 where the hardware multiplies it.
    """
    name = _device(device)
    return Plan(
        device=name,
        threads=threads or max(1, (os.cpu_count() or 2) - 1),
        precision=("bfloat16" if has_bfloat16(name) else "float32") if precision == "auto" else precision,
        channels_last=name != "mps",
        compile=compile,
    )


def use(plan: Plan) -> None:
    """Make this thread compute as the plan says."""
    torch.set_num_threads(plan.threads)


def warm_up() -> None:
    """Import what torch puts off until its first optimiser steps (some 800 modules, a second), so that no run waits for it."""
    optimiser = torch.optim.Adam([nn.Parameter(torch.zeros(1))], fused=True)
    optimiser.param_groups[0]["params"][0].grad = torch.zeros(1)
    optimiser.step()


class Compiled:
    """A net under torch.compile, or as it is where compiling does not work.

    Attributes:
        fell_back: why it runs uncompiled; empty if it does not.
    """

    def __init__(self, net: nn.Module, mode: str) -> None:
        self.net, self.fell_back, self._proven = net, "", False
        self._fast = torch.compile(net, mode=mode)

    def __call__(self, *inputs: Any) -> Any:
        """The net's output."""
        if self.fell_back:
            return self.net(*inputs)
        if self._proven:
            return self._fast(*inputs)
        try:
            out = self._fast(*inputs)
        except Exception as error:  # no compiler, no Triton, an operation it does not know
            self.fell_back = str(error).strip().splitlines()[0][:200]
            return self.net(*inputs)
        self._proven = True
        return out


def compiled(net: nn.Module, plan: Plan) -> Any:
    """The net as the plan wants it to be run."""
    return net if plan.compile == "off" else Compiled(net, plan.compile)


def available() -> list[str]:
    """Devices that can be named: always "cpu"."""
    return [*(["cuda"] if torch.cuda.is_available() else []), *(["mps"] if torch.backends.mps.is_available() else []), "cpu"]


def memory(plan: Plan) -> int:
    """Bytes that the device has in all; what a CPU can use is the machine's memory. 2**63 where it cannot be told."""
    if plan.device == "cuda" and torch.cuda.is_available():
        return torch.cuda.get_device_properties(0).total_memory
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows
        return 2**63


def has_bfloat16(device: str) -> bool:
    """Whether the device multiplies bfloat16 in hardware."""
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device == "cpu":
        capability = torch.backends.cpu.get_cpu_capability()
        return capability.startswith("AVX512") and _cpu_flag("avx512_bf16")
    return False


def describe(plan: Plan) -> str:
    """For the status line: 'cpu, 1 thread, bfloat16'."""
    where = torch.cuda.get_device_name() if plan.device == "cuda" and torch.cuda.is_available() else plan.device
    parts = [where, f"{plan.threads} thread{'s' * (plan.threads > 1)}", plan.precision]
    return ", ".join(parts + ([f"compiled ({plan.compile})"] if plan.compile != "off" else []))


def speed(plan: Plan, width: int, size: int, seconds: float = 0.25) -> float:
    """GFLOP/s of one 3x3 convolution of that width and picture size, forward and backward: what predicted times are made from."""
    use(plan)
    conv = nn.utils.skip_init(nn.Conv2d, width, width, 3, padding=1, device=plan.device)
    nn.init.constant_(conv.weight, 0.01)  # pyright: ignore[reportArgumentType]
    x = torch.full((4, width, size, size), 0.5, device=plan.device, requires_grad=True)
    if plan.channels_last:
        conv, x = conv.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last).detach().requires_grad_()  # pyright: ignore[reportCallIssue]

    def once() -> None:
        with torch.autocast(plan.device, torch.bfloat16, enabled=plan.precision == "bfloat16"):
            y = conv(x)
        y.backward(torch.ones_like(y))
        if plan.device == "cuda":
            torch.cuda.synchronize()

    once()
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        once()
        count += 1
    return 3 * 2 * 9 * width * width * size * size * 4 * count / (time.perf_counter() - start) / 1e9


def _device(asked: str) -> str:
    if asked == "auto":
        return available()[0]
    if asked not in ("cpu", "cuda", "mps"):
        raise BadSetting(f"device must be one of auto, cpu, cuda, mps; got {asked!r}.")
    if asked not in available():
        raise BadSetting(f"This machine has no usable {asked} device; choose one of auto, {', '.join(available())}.")
    return asked


def _cpu_flag(flag: str) -> bool:
    if platform.system() != "Linux":
        return False
    try:
        with open("/proc/cpuinfo") as file:
            return any(flag in line.split() for line in file if line.startswith("flags"))
    except OSError:
        return False
