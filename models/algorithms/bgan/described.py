"""BGAN's settings, presets and plots."""

from __future__ import annotations

from typing import Literal

from models import knobs as settings
from models.contract import Curve, Phase, Plot, Preset, Role
from models.data.sentences import TextConfig
from models.knobs import knob

Kind = Literal["binary", "palette", "continuous", "text", "toy"]
Name = Literal["gan", "jsd", "kl", "reverse-kl", "hellinger", "chi2", "dv"]
Estimator = Literal["per-z", "global", "reinforce"]
FOUND = ("kind", "V", "ends")  # settings that the data decide over


class Config(TextConfig):
    """What a BGAN is built from. The data decide which of it counts: pictures, characters of a text, or a toy."""

    kind: Kind = knob("binary", "what is learnt; known from the data", group="Data")
    V: int = knob(1, "values a place can have, 1 where it is on or off; known from the data", symbol="V", low=1, high=200_000, group="Data")
    pixels: Literal["binary", "threshold", "bernoulli", "palette", "continuous"] = knob(
        "binary", "pixels: black and white as they are, cut at half brightness, drawn by brightness, of a palette, or not discrete", group="Pictures"
    )
    size: Literal[28, 32, 64] = knob(28, "side of the pictures in pixels", group="Pictures")
    colours: int = knob(8, "colours of the palette", symbol="K", low=2, high=16, group="Pictures")
    T: int = knob(32, "longest row of characters", symbol="T", low=2, high=64, group="Sentences")
    vocab: int = knob(192, "characters that are known, at most", low=4, high=20_000, group="Sentences")
    unit: Literal["words", "chars"] = knob("chars", "what a token is", group="Sentences")
    n: int = knob(64, "filters next to the pixels, or of every layer over characters", low=4, high=1024, group="Nets")
    full: int = knob(1024, "units of the fully connected layers of picture nets; 0 for none", low=0, high=8192, group="Nets")
    z: int = knob(64, "size of the latent z, uniform in [0, 1]", symbol="N_z", low=1, high=1024, group="Nets")
    rows: int = knob(4, "values of z, each with a distribution of its own", low=1, high=256, group="Toy")
    hidden: int = knob(0, "hidden units of D; 0 for one logit a cell", low=0, high=1024, group="Toy")
    spectral: bool = knob(False, "spectral normalisation of D", group="Nets")
    batch: int = knob(64, "latents a step, and as many real samples", symbol="N", low=2, high=4096, group="Training")
    warm: int = knob(0, "first steps in which D learns alone", low=0, high=1_000_000, group="Training")


class Knobs(settings.Knobs):
    """What a BGAN is steered by while it trains."""

    divergence: Name = knob("gan", "the f-divergence that D estimates", group="Boundary seeking")
    estimator: Estimator = knob(
        "per-z", "G's gradient: weights normalised over a z's samples, over all samples, or REINFORCE", group="Boundary seeking"
    )
    M: int = knob(20, "samples of each z", symbol="M", low=1, high=100, group="Boundary seeking")
    decay: float = knob(0.95, "memory of the baseline, the moving average of log β", low=0.0, high=0.9999, group="Boundary seeking")
    boundary: Literal["zero", "baseline"] = knob(
        "baseline", "boundary, of continuous pixels: where F is led to, 0 or the average of log β", group="Boundary seeking"
    )
    freeze_G: bool = knob(False, "G stands still while D learns", group="Boundary seeking")
    lr: float = knob(1e-4, "Adam step size of G", symbol="lr", low=1e-7, high=1e-1, log=True, group="Optimiser")
    d_lr: float = knob(1.0, "step size of D over that of G", low=0.01, high=100.0, log=True, group="Optimiser")
    beta1: float = knob(0.5, "Adam decay of the mean", symbol="β₁", low=0.0, high=0.999, group="Optimiser")
    beta2: float = knob(0.999, "Adam decay of the square", symbol="β₂", low=0.0, high=0.9999, group="Optimiser")
    d_steps: int = knob(1, "updates of D to one of G", low=1, high=100, group="Discriminator")
    learn: int = knob(0, "samples of each z that D learns from, the others are only weighed; 0 for all", low=0, high=100, group="Discriminator")
    penalty: float = knob(0.0, "weight of |∂F/∂x|² at real and drawn samples", symbol="λ", low=0.0, high=1000.0, group="Discriminator")
    ema: float = knob(0.99, "decay of the averaged generator that draws samples", symbol="EMA", low=0.0, high=0.9999, group="Optimiser")


PRESETS = {
    p.name: p
    for p in (
        Preset(
            "quick",
            "28 px black and white, narrow nets, M = 10: minutes on a laptop",
            (Phase("adversarial", 4_000),),
            config={"n": 32, "full": 256},
            knobs={"M": 10, "lr": 1e-3, "d_lr": 0.3, "learn": 2},
        ),
        Preset(
            "toy",
            "distributions that are known: D alone first, so that its weights can be held against p/q, then G",
            (Phase("adversarial", 16_000),),
            config={"warm": 8_000, "batch": 256},
            knobs={"M": 4, "lr": 3e-3, "d_lr": 1.5, "ema": 0.9},
        ),
        Preset(
            "text",
            "rows of 32 characters, 128 filters",
            (Phase("adversarial", 4_000),),
            config={"n": 128, "z": 64},
            knobs={"M": 10, "lr": 3e-4, "d_lr": 0.3, "learn": 5},
        ),
        Preset(
            "palette",
            "32 px in 8 colours",
            (Phase("adversarial", 4_000),),
            config={"size": 32, "pixels": "palette", "n": 32, "full": 0},
            knobs={"M": 10, "lr": 1e-3, "d_lr": 0.3, "learn": 2},
        ),
        Preset(
            "continuous",
            "grey or coloured pixels, boundary-seeking loss",
            (Phase("adversarial", 6_000),),
            config={"pixels": "continuous", "n": 32, "full": 256},
        ),
        Preset("mnist", "the authors' 28 px nets, M = 20, 100 epochs of MNIST: a GPU", (Phase("adversarial", 93_700),)),
        Preset(
            "paper-palette",
            "the authors' 32 px nets, 16 colours, M = 20: a GPU",
            (Phase("adversarial", 100_000),),
            config={"size": 32, "pixels": "palette", "colours": 16, "n": 128, "full": 0, "z": 100},
            knobs={"lr": 1e-3},
        ),
        Preset(
            "paper-text",
            "the authors' nets for 32 characters, M = 20: a GPU",
            (Phase("adversarial", 100_000),),
            config={"n": 256, "z": 100},
            knobs={"lr": 1e-3},
        ),
    )
}

PRESET_DATA = {  # what a preset is meant for, of what is built in
    **dict.fromkeys(("quick", "mnist"), "glyphs-binary"),
    **dict.fromkeys(("palette", "paper-palette", "continuous"), "shapes"),
    **dict.fromkeys(("text", "paper-text"), "grammar"),
    "toy": "toy-categories",
}

PLOTS = (
    Plot(
        "Bound V",
        (Curve("V", "V", "judge"), Curve("weighted", "by weights", "measure"), Curve("D_f", "D_f(P‖Q)", "real")),
        "What D makes of samples and data: near its least value when it cannot tell them apart.",
    ),
    Plot("D(x)", (Curve("D_real", "real", "real"), Curve("D_fake", "drawn", "generated")), "σ(log w): ½ is the boundary that G seeks."),
    Plot(
        "log β",
        (Curve("log_beta", "log β", "measure"), Curve("baseline", "its average", "baseline")),
        "0 where D is the best one; far below, the samples have next to no weight.",
    ),
    Plot(
        "Effective samples",
        (Curve("ESS", "ESS of w̃", "controller"),),
        "From 1, one sample has all the weight, to M, all weigh the same.",
    ),
    Plot(
        "Tightness",
        (Curve("gap", "D_f − V", "judge"), Curve("bias", "bias of ŵq/β", "measure")),
        "The bias of the weighted samples depends on nothing but how tight the bound is.",
    ),
    Plot(
        "Distance to p",
        (Curve("KL", "KL(p‖q)", "generated"), Curve("error", "E_q|ŵ − p/q|", "judge")),
        "Exact sums over all cells.",
    ),
)

_ROLES: tuple[Role, ...] = ("real", "judge", "generated", "measure")  # of n-grams, the shortest first
_FRESH = Plot(
    "JS by a fresh D",
    (Curve("fresh_js", "samples", "measure"), Curve("fresh_js_floor", "real", "baseline")),
    "A lower bound in nats, at most 0.69, by a discriminator that is trained anew; the dotted line is of real data: lower is better.",
)
_MARGINALS = Plot(
    "Marginals",
    (Curve("marginals", "samples", "measure"), Curve("marginals_floor", "real", "baseline")),
    "Every place by itself: the mean difference from the data; the dotted line is of two halves of them.",
)
QUALITY = {  # of the evaluations, by what is written; a toy has the last two alone
    "pictures": (
        _FRESH,
        Plot(
            "Fréchet",
            (Curve("frechet", "samples", "measure"), Curve("frechet_floor", "real", "baseline")),
            "Distance of the samples' features from those of real pictures; the dotted line is what as many real pictures get: lower is better.",
        ),
        _MARGINALS,
    ),
    "text": (
        _FRESH,
        Plot(
            "n-gram JS",
            tuple(Curve(f"ngram_js{n}", f"n = {n}", role) for n, role in enumerate(_ROLES, 1)),
            "Jensen-Shannon divergence in nats between the n-grams of samples and of data: lower is better.",
        ),
        _MARGINALS,
        Plot("KL(p‖q)", (Curve("KL", "KL(p‖q)", "generated"),), "Of a toy, an exact sum over its cells: lower is better."),
        Plot(
            "Weights",
            (Curve("error", "E_q|ŵ − p/q|", "judge"), Curve("bias", "bias of ŵq/β", "measure")),
            "Of a toy, exactly: how far D's weights are from the true ratio.",
        ),
    ),
}
