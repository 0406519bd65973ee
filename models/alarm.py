"""Tells when the samples of a run collapse, from its evaluations: a rule on numbers, told with the numbers.

Two signs. Near twins: a share of the samples that looks like another sample, and did not before. A loss of variety: real
pictures without a sample near them, or classes that are no longer drawn, while D reconstructs samples worse than before;
that L(G) rises as a BEGAN collapses is what its users report, and without it a fall may be a knob that was turned.

A model that has just begun draws one blot, then noise, then one blot again: its first steps are no sign and no measure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

Scores = Mapping[str, Any]  # score name -> {"value": …, "n": …, "reference": …}, and "step"

TWINS = 0.10  # share of near twins, beyond that of real pictures, from which on they are a sign
EXTREME = 0.50  # share from which on they are one without an earlier evaluation
UNTRAINED = 1_000  # steps in which evaluations say nothing
FORMING = 0.8  # M_global below this part of what it was: the model is still finding its form
FALL = 0.5  # of the best earlier value, below which variety has fallen
LEAST = 0.15  # and by how much at least
RISE = 1.05  # of what it was at that best evaluation, from which on a loss has risen

FIRST = ("frechet", "coverage", "NLL_oracle", "NLL_gen", "BLEU2", "self_BLEU2", "duplicates", "loss_held_out")  # scores that a person reads first

_VARIETY = {"coverage": "coverage", "recall": "recall", "classes": "the share of classes drawn"}
_LOSSES = {"loss_fake": "L(G)", "gamma_hat": "L(G)/L(x)", "M_global": "M_global"}


def alarm(earlier: Sequence[Scores], now: Scores) -> str:
    """One sentence if samples are collapsing, else "".

    Args:
        earlier: the scores of earlier evaluations, as the journal has them, each with its "step"; may be empty.
        now: those of the present one.
    """
    if now["step"] < UNTRAINED:
        return ""
    earlier = [s for s in earlier if s["step"] >= UNTRAINED]
    signs = [sign for sign in (_twins(earlier, now), *_falls(earlier, now)) if sign]
    return f"Samples are collapsing: {_joined(signs)}." if signs else ""


def _twins(earlier: Sequence[Scores], now: Scores) -> str:
    share, n = _value(now, "duplicates"), _size(now, "duplicates")
    real = _value(now, "duplicates", "reference") or 0.0
    if share is None or share < real + TWINS:
        return ""
    told = f"{share:.0%} of {n:,} have a near twin"
    known = [(value, s) for s in earlier if (value := _value(s, "duplicates")) is not None]
    if not known:
        return told if share >= real + EXTREME else ""
    least, when = min(known, key=lambda pair: (pair[0], -pair[1]["step"]))
    before, after = _value(when, "M_global"), _value(now, "M_global")
    forming = before is not None and after is not None and after < FORMING * before
    if forming or share < least + TWINS / 2 + _noise(share, n) or share < 2 * least:
        return ""
    return f"{told} ({least:.0%} at step {when['step']:,})"


def _falls(earlier: Sequence[Scores], now: Scores) -> list[str]:
    found = []
    for name, words in _VARIETY.items():
        value = _value(now, name)
        known = [(v, s) for s in earlier if (v := _value(s, name)) is not None]
        if value is None or not known:
            continue
        best, when = max(known, key=lambda pair: (pair[0], pair[1]["step"]))
        if value > FALL * best or best - value < LEAST + _noise(best, _size(now, name)):
            continue
        rise = _rise(when, now)
        if rise:
            found.append((f"{words} fell from {best:.2f} at step {when['step']:,} to {value:.2f}", rise))
    return [*(fall for fall, _ in found), found[0][1]] if found else []


def _rise(before: Scores, now: Scores) -> str:
    """The loss that rose most since an evaluation, in words; empty if none did."""
    rises = [(b / a, name, a, b) for name in _LOSSES if (a := _value(before, name)) and (b := _value(now, name)) and b > RISE * a > 0]
    if not rises:
        return ""
    _, name, a, b = max(rises)
    return f"{_LOSSES[name]} rose from {a:.3g} to {b:.3g}"


def _noise(share: float, n: int) -> float:
    """Three standard errors of a share of n samples."""
    return 3 * math.sqrt(max(share * (1 - share), 0.0) / max(1, n))


def _value(scores: Scores, name: str, key: str = "value") -> float | None:
    value = (scores.get(name) or {}).get(key)
    return float(value) if value is not None and math.isfinite(value) else None


def _size(scores: Scores, name: str) -> int:
    return int((scores.get(name) or {}).get("n") or 0)


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
