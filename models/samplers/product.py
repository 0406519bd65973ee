"""The target of a chain of the PPGN family, p(x) p(y|x): every term's score at one point, from one pass forth and one back.

One pass through G, one through E's trunk (which the prior, C and the captioner share), and one gradient with respect to the chain's own
coordinates; weights get none. A mask adds a second pass back through G, for the pull of the context.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from models.samplers import priors
from models.samplers.conditions import Seen, Wanted
from models.samplers.mala_approx import After
from models.samplers.parts import Classifier, Parts
from models.samplers.variants import Knobs, Steered, Variant


class Context(NamedTuple):
    """A picture of which a part is kept (Eq. 12)."""

    x: Tensor  # (1, channels, size, size) in [-1, 1]
    hole: Tensor  # (1, 1, size, size): 1 where the chain may paint, 0 where the picture is kept


class Product:
    """What `mala_approx` walks on.

    Attributes:
        d: coordinates of a chain: neurons of h, or pixels times channels.
        terms: "prior" (where the variant has one), "condition", and "context" with a mask.
        x: pictures of the last point, (chains, channels, size, size) in [-1, 1], the kept part of a context pasted in.
        log_c: (chains,): log p(c|x) there.
    """

    def __init__(self, parts: Parts, variant: Variant, knobs: Knobs, wanted: Wanted, classifier: Classifier | None, context: Context | None) -> None:
        self.parts, self.variant, self.knobs = parts, variant, knobs
        self.wanted, self.classifier, self.context = wanted, classifier, context
        self.d = len(parts.mean) if variant.space == "h" else parts.channels * parts.size**2
        self.terms = (("prior",) if variant.prior != "none" else ()) + ("condition",) + (("context",) if context else ())
        self.x, self.log_c = torch.empty(0), torch.empty(0)

    def picture(self, v: Tensor) -> Tensor:
        """(chains, d) to (chains, channels, size, size): G(h), or the pixels themselves."""
        if self.variant.space == "x":
            return v.view(-1, self.parts.channels, self.parts.size, self.parts.size)
        return (self.parts.G_joint if self.variant.joint else self.parts.G)(v)

    def log_p(self, x: Tensor) -> Tensor:
        """(chains,): the objective, without its gradient."""
        with torch.no_grad():
            return self.wanted.judge(self._seen(self.picture(x)), self.knobs.objective).objective

    def log_p_and_scores(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(chains,): the objective; and (chains, terms, d): the scores, in the order of `terms`."""
        v = x.detach().requires_grad_()
        with torch.enable_grad():
            drawn = self.picture(v)
            seen = self._seen(drawn)
            judged = self.wanted.judge(seen, self.knobs.objective)
            (pull,) = torch.autograd.grad(judged.objective.sum(), v, retain_graph=self.context is not None)
        scores = {"condition": pull}
        with torch.no_grad():
            if self.context is not None:
                away = (1 - self.context.hole) * (self.context.x - drawn.detach())  # −∇ of half its square
                scores["context"] = away.flatten(1) if self.variant.space == "x" else torch.autograd.grad(drawn, v, away)[0]
            if self.variant.prior != "none":
                scores["prior"] = self._prior(x, seen)
        self.x, self.log_c = seen.x.detach(), judged.log_p
        return judged.objective.detach(), torch.stack([scores[t] for t in self.terms], 1)

    def _seen(self, drawn: Tensor) -> Seen:
        if self.context is not None:
            drawn = self.context.hole * drawn + (1 - self.context.hole) * self.context.x
        return Seen(self.parts, drawn, self.classifier)

    def _prior(self, v: Tensor, seen: Seen) -> Tensor:
        x = seen.x.detach()
        match self.variant.prior:
            case "gaussian":
                return priors.gaussian(v)
            case "handmade":
                return (priors.blur if self.knobs.handmade == "blur" else priors.variation)(x).flatten(1)
            case "R_x":
                return priors.denoiser(self.parts.R_x(x).flatten(1), v)
            case "R_h":
                return priors.denoiser(self.parts.R_h(v), v)
            case _:
                return priors.denoiser(seen.features[1], v)


def stepped(variant: Variant, parts: Parts, mode: str, steered: Steered) -> After:
    """What happens to a move (x, Σ ε s + noise) in a mode: `after` of `mala_approx.step`."""

    def after(v: Tensor, d: Tensor) -> Tensor:
        if mode == "released":
            d = steered.step_size * d / d.abs().mean(1, keepdim=True).clamp(min=1e-30)
        moved = (v + d).to(v.dtype)
        return clipped(moved, variant, parts, steered.clip)

    return after


def clipped(v: Tensor, variant: Variant, parts: Parts, clip: float | Tensor) -> Tensor:
    """Codes into [0, mean + clip · deviation] of each neuron, measured on training pictures; pixels into [−1, 1]. 0 leaves a chain as it is."""
    if not isinstance(clip, Tensor) and clip == 0:
        return v
    if variant.space == "x":
        bounded = v.clamp(-1, 1)
    else:
        bounded = torch.minimum(v.clamp(min=0), parts.mean + clip * parts.sd)
    return torch.where(clip > 0, bounded, v) if isinstance(clip, Tensor) else bounded
