"""The two names of one step, with the numbers that hold now. No Qt."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from studio.widgets import number

ROLES = {"metropolis": "baseline", "mala": "judge", "mala-approx": "generated"}  # of each kernel's curves

RULES = {
    "metropolis": "x′ = x + σ ξ, taken with probability min(1, p(x′) / p(x))",
    "mala": "x′ = x + σ²/2 ∇log p(x) + σ ξ, taken with probability min(1, p(x′) q(x | x′) / p(x) q(x′ | x))",
    "mala-approx": "x′ = x + Σ ε ∇log p(x) + ε3 ξ, always taken: exact only as the steps get small",
}


def conventions(kernel: str, knobs: Mapping[str, float], terms: Sequence[str]) -> list[tuple[str, str]]:
    """(what, how much) a line: drift and noise in the slides' words and in those of the Langevin literature, and T."""
    if kernel == "metropolis":
        return [("noise σ", number(float(knobs["step_size"]))), ("drift", "none: it follows no gradient")]
    if kernel == "mala":
        sigma = float(knobs["step_size"])
        epsilon = sigma**2 / 2
        return [
            ("slides", f"drift σ²/2 = {number(epsilon)}, noise σ = {number(sigma)}"),
            ("Langevin", f"drift ε = {number(epsilon)}, noise √(2ε) = {number(sigma)}"),
        ]
    noise = float(knobs["epsilon3"])
    epsilons = [(symbol, float(knobs[name])) for name, symbol in (("epsilon12", "ε12"), ("epsilon1", "ε1"), ("epsilon2", "ε2")) if name in knobs]
    first = epsilons[0][1]
    lines = [
        ("drift", f"ε = {number(first)}, which is σ²/2 in the slides"),
        ("noise", f"ε3 = {number(noise)}; √(2ε) = {number(math.sqrt(2 * first))}, the slides' σ, gives T = 1"),
    ]
    for (symbol, epsilon), term in zip(epsilons, terms, strict=False):
        of = f" of the {term}" if len(epsilons) > 1 else ""
        lines.append(("T", f"ε3²/(2 {symbol}) = {number(noise**2 / (2 * epsilon) if epsilon else math.inf)}{of}"))
    return lines
