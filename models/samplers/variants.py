"""The eight samplers of the PPGN paper as lists of terms, and the settings that chains are steered by.

    v' = v + ε1 · prior(v) + ε2 · ∇_v objective(x) + ε4 · ∇_v context(x) + N(0, ε3²)        mode "paper" (Eq. 11; with a mask Eq. 12)
    d  =     ε1 · prior(v) + ε2 · ∇_v objective(x) + ε4 · ∇_v context(x) + N(0, ε3²)
    v' = clip(v + step_size · d / mean |d|)                                                mode "released" (the authors' code)

v is the picture x itself, or a code h with x = G(h). In "released" the noise is scaled with the rest, only the ratios of the ε act, and every
step moves each coordinate by step_size on average. So an ε of one mode means nothing in the other: the paper's (1e-5, 1, 1e-17) is of "released".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from torch import Tensor

from models import knobs as settings
from models.errors import BadInput
from models.knobs import knob
from models.samplers.conditions import Objective

Mode = Literal["paper", "released"]
MODES: tuple[Mode, ...] = ("paper", "released")
Prior = Literal["none", "gaussian", "handmade", "R_x", "R_h", "E"]


class Knobs(settings.Knobs):
    """What chains are steered by; turned between any two steps."""

    epsilon1: float = knob(1e-2, "pull of the prior, towards what is likely whatever the condition", symbol="ε1", low=0.0, high=1e6, log=True)
    epsilon2: float = knob(1.0, "pull of the condition, towards the class or sentence", symbol="ε2", low=0.0, high=1e6, log=True)
    epsilon3: float = knob(0.0, "standard deviation of the noise, which explores", symbol="ε3", low=0.0, high=1e6, log=True)
    epsilon4: float = knob(0.0, "pull of the context: the picture outside the mask is kept", symbol="ε4", low=0.0, high=1e6, log=True)
    step_size: float = knob(0.1, "mean size of a step in each coordinate; mode released alone", symbol="step", low=1e-6, high=100.0, log=True)
    clip: float = knob(
        3.0, "codes stay in [0, mean + clip · deviation] of each neuron, pictures in [−1, 1]; 0 is off", symbol="clip", low=0.0, high=100.0
    )
    mode: Mode = knob("paper", "the step as Eq. 11 prints it, or normalised as in the authors' code", symbol="mode")
    objective: Objective = knob("log-prob", "what the condition climbs: log p(c|x), the authors' gradient, or the bare logit", symbol="objective")
    handmade: Literal["blur", "variation"] = knob("blur", "the hand-designed prior of `handmade`: smooth, or flat pictures", symbol="hand-made")


EPSILONS = ("epsilon1", "epsilon2", "epsilon3", "epsilon4")
PER_CHAIN = (*EPSILONS, "step_size", "clip")  # what may differ from chain to chain


@dataclass(frozen=True)
class Variant:
    """One member of the family."""

    name: str  # on the command line
    title: str
    section: str  # of the paper
    doc: str  # one sentence
    space: Literal["x", "h"]
    prior: Prior
    needs: tuple[str, ...]  # phases of training whose parts it uses
    defaults: Mapping[Mode, Mapping[str, float]] = field(default_factory=dict)
    joint: bool = False  # G is the one that was trained with noise

    def knobs(self, mode: Mode, change: Mapping[str, object] | None = None) -> Knobs:
        """Its own settings in a mode, some replaced; raises BadSetting."""
        return settings.make(Knobs, {"mode": mode, **self.defaults[mode], **(change or {})})


def _both(paper: tuple[float, float, float], released: tuple[float, float, float], step: float) -> Mapping[Mode, Mapping[str, float]]:
    names = ("epsilon1", "epsilon2", "epsilon3")
    return {"paper": dict(zip(names, paper, strict=True)), "released": {**dict(zip(names, released, strict=True)), "step_size": step}}


VARIANTS = {
    v.name: v
    for v in (
        Variant(
            "am",
            "Activation maximisation",
            "2",
            "Pixels climb the class alone: no prior.",
            "x",
            "none",
            ("encoder",),
            _both((0, 1, 0), (0, 1, 0), 0.02),
        ),
        Variant(
            "gaussian",
            "Gaussian prior",
            "2",
            "Pixels climb the class, and decay towards grey: p(x) is normal.",
            "x",
            "gaussian",
            ("encoder",),
            _both((1e-2, 1, 0), (1e-2, 1, 0), 0.02),
        ),
        Variant(
            "handmade",
            "Hand-designed prior",
            "2",
            "Pixels climb the class, and are smoothed: by a blur, or by total variation.",
            "x",
            "handmade",
            ("encoder",),
            _both((1e-1, 1, 0), (1e-1, 1, 0), 0.02),
        ),
        Variant(
            "ppgn-x",
            "PPGN-x",
            "3.1",
            "Pixels, with a denoising auto-encoder R_x as the prior.",
            "x",
            "R_x",
            ("encoder", "dae-x"),
            _both((1e-1, 1, 1e-2), (1e-1, 1, 1e-2), 0.02),
        ),
        Variant(
            "dgn-am",
            "DGN-AM",
            "3.2",
            "Codes climb the class through G, which is all the prior there is (Eq. 10).",
            "h",
            "none",
            ("encoder", "generator"),
            _both((0, 1, 0), (0, 1, 1e-17), 0.1),
        ),
        Variant(
            "ppgn-h",
            "PPGN-h",
            "3.3",
            "Codes, with the seven-layer denoising auto-encoder R_h as the prior.",
            "h",
            "R_h",
            ("encoder", "generator", "dae-h"),
            _both((1e-2, 1, 1e-5), (1e-5, 1, 1e-5), 0.1),
        ),
        Variant(
            "joint",
            "Joint PPGN-h",
            "3.4",
            "Codes, with G and E as one denoising auto-encoder h → x → h1 → h.",
            "h",
            "E",
            ("encoder", "generator", "joint"),
            _both((1e-2, 1, 1e-5), (1e-5, 1, 1e-5), 0.1),
            joint=True,
        ),
        Variant(
            "noiseless-joint",
            "Noiseless Joint PPGN-h",
            "3.5",
            "Codes, with E(G(h)) trained without noise as the prior: the paper's best pictures.",
            "h",
            "E",
            ("encoder", "generator"),
            _both((1e-2, 1, 1e-15), (1e-5, 1, 1e-17), 0.1),
        ),
    )
}


def variant(name: str, trained: Mapping[str, int]) -> Variant:
    """A variant by name; raises BadInput for an unknown one, or where a part that it needs has not been trained."""
    if name not in VARIANTS:
        raise BadInput(f"There is no variant {name!r}; there are {', '.join(VARIANTS)}.")
    found = VARIANTS[name]
    missing = [phase for phase in found.needs if not trained.get(phase, 0)]
    if missing:
        phases = " and ".join(repr(m) for m in missing)
        raise BadInput(f"{found.title} needs the phase {phases}, which this run has not trained: go on with the run, or choose another variant.")
    return found


class Steered(NamedTuple):
    """Knobs as a step uses them: one ε a term, each a number or (chains, 1)."""

    epsilons: tuple[float | Tensor, ...]
    epsilon3: float | Tensor
    step_size: float | Tensor
    clip: float | Tensor


def steered(knobs: Knobs, terms: tuple[str, ...], each: Mapping[str, Tensor]) -> Steered:
    """`each`: values that differ from chain to chain, (chains, 1), by name of PER_CHAIN."""
    value = {name: each.get(name, getattr(knobs, name)) for name in PER_CHAIN}
    of = {"prior": "epsilon1", "condition": "epsilon2", "context": "epsilon4"}
    return Steered(tuple(value[of[t]] for t in terms), value["epsilon3"], value["step_size"], value["clip"])
