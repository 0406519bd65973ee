"""What a MaskGAN is built from and steered by, its presets, and the curves it draws."""

from __future__ import annotations

from typing import Literal

from models import knobs as settings
from models.contract import Curve, Phase, Plot, Preset
from models.data.sentences import TextConfig
from models.knobs import knob

PHASES = ("lm", "maskmle", "discriminator", "gan")  # every preset has all of them, in this order; each may be left at once


class Config(TextConfig):
    """What a MaskGAN is built from, and how its data are read."""

    h: int = knob(650, "neurons of an LSTM, and numbers in an embedding", low=2, high=2048, group="Nets")
    layers: int = knob(2, "LSTMs above each other, in every encoder and decoder", low=1, high=4, group="Nets")
    shared: bool = knob(False, "D looks tokens up in G's embedding, and does not change it", group="Nets")
    critic: Literal["discriminator", "prefix"] = knob(
        "discriminator", "critic reads: D's state, which knows m(x) (paper), or the tokens before alone (code)", group="Nets"
    )
    D_from: Literal["lm", "maskmle"] = knob("lm", "D begins as: the language model (code), or the best MaskMLE", group="Nets")
    batch: int = knob(64, "sentences a step", low=2, high=4096, group="Training")


class Knobs(settings.Knobs):
    """What a MaskGAN is steered by while it trains."""

    strategy: Literal["contiguous", "random", "all"] = knob(
        "contiguous", "kind of blanks: one stretch, single ones, or nothing given", group="Blanks"
    )
    present: float = knob(0.5, "share that is given", low=0.0, high=0.99, group="Blanks")
    present_from: float = knob(0.5, "share given at first, where the curriculum has steps", low=0.0, high=0.99, group="Blanks")
    present_steps: int = knob(0, "updates until then: the curriculum of the share; 0 is none", low=0, high=10_000_000, log=False, group="Blanks")
    T_from: int = knob(20, "length at first, where the curriculum has steps", low=2, high=64, group="Blanks")
    T_every: int = knob(0, "updates a token longer: the curriculum of the length; 0 is none", low=0, high=10_000_000, log=False, group="Blanks")
    lr: float = knob(1e-3, "Adam step size by likelihood", symbol="lr", low=1e-8, high=1e-1, log=True, group="Likelihood")
    halving: int = knob(1_000_000, "steps over which lr halves", low=10, high=10_000_000, log=True, group="Likelihood")
    lr_PG: float = knob(1e-4, "Adam step size of G, by policy gradient", symbol="lr_PG", low=1e-8, high=1e-1, log=True, group="Actor")
    gamma: float = knob(0.9, "discount of a reward by its distance", symbol="γ", low=0.0, high=1.0, group="Actor")
    exponent: Literal["distance", "place"] = knob(
        "distance", "discount counts: a reward's distance, Σ γ^(s−t) r_s (code), or its place, Σ γ^s r_s (as printed)", group="Actor"
    )
    advantage: Literal["mc", "td"] = knob("mc", "advantage: R − b, or r + γ V(s′) − V(s)", group="Actor")
    baseline: Literal["critic", "ema", "batch", "none", "permuted"] = knob(
        "critic", "baseline b: the critic's, a running mean, the others of the batch, none, or the critic's of other sentences", group="Actor"
    )
    clip_A: float = knob(5.0, "largest advantage", low=0.01, high=1e6, log=True, group="Actor")
    whiten: bool = knob(False, "whiten: mean and deviation are taken out of the batch's advantages", group="Actor")
    clip: float = knob(10.0, "longest gradient of a net", low=1e-3, high=1e6, log=True, group="Actor")
    keep_G: float = knob(0.75, "share of G that dropout keeps", low=0.05, high=1.0, group="Dropout")
    keep_D: float = knob(0.75, "share of D that dropout keeps", low=0.05, high=1.0, group="Dropout")
    dropout: Literal["locked", "recurrent"] = knob(
        "locked", "kind of dropout: a mask a sentence on inputs and outputs (fast), or on the recurrent state too (code)", group="Dropout"
    )
    redraw: bool = knob(False, "redraw dropout: for real, filled and critic, as in the code; else the same", group="Dropout")
    noisy_reward: bool = knob(False, "dropout in rewards: stays on while D judges, as in the code", group="Dropout")
    lr_D: float = knob(5e-4, "Adam step size of D", symbol="lr_D", low=1e-8, high=1e-1, log=True, group="Discriminator")
    lr_V: float = knob(5e-4, "Adam step size of the critic", symbol="lr_V", low=1e-9, high=1e-1, log=True, group="Discriminator")
    d_steps: int = knob(1, "updates of D and critic for one of G", symbol="d", low=0, high=1000, group="Discriminator")
    loss_of: Literal["blanks", "all"] = knob("blanks", "loss is of: blanks, or all tokens", group="Discriminator")
    critic_trains: Literal["head", "discriminator"] = knob("head", "critic changes: its head alone, or D's LSTMs as well", group="Discriminator")
    measure_every: int = knob(100, "steps between two measurements of fillings; 0 is never", low=0, high=1_000_000, log=False, group="Measuring")


def _phases(*steps: int) -> tuple[Phase, ...]:
    return tuple(Phase(name, n) for name, n in zip(PHASES, steps, strict=True))


# of quick: what held some eight trials on another seed; the critic's loss must not reach D's LSTMs, or D learns nothing else
# the authors' commands (README, train_mask_gan.py); their MaskMLE of PTB has random blanks and batches of 20
_CODE = {"dropout": "recurrent", "redraw": True, "noisy_reward": True}
PRESETS = {
    p.name: p
    for p in (
        Preset(
            "quick",
            "Two layers of 128 neurons, D begins as MaskMLE: minutes on two cores, not the paper",
            _phases(1_000, 2_000, 1_500, 3_000),
            config={"h": 128, "vocab": 2_000, "long": "drop", "batch": 128, "D_from": "maskmle"},
            knobs={"halving": 1_500, "lr": 2e-3, "lr_PG": 5e-5, "lr_D": 1e-3, "lr_V": 2e-3, "gamma": 0.7, "keep_G": 1.0, "keep_D": 1.0},
        ),
        Preset(
            "ptb",
            "The authors' numbers for Penn Treebank, 650 neurons: hours on two cores",
            _phases(20_000, 50_000, 100, 100_000 * 3),
            config={"h": 650, "vocab": 10_000, "batch": 128, "critic": "prefix"},
            knobs={
                **_CODE,
                "lr": 7.4876e-4,
                "lr_PG": 3.8877e-5,
                "lr_D": 5e-4,
                "lr_V": 5.1761e-7,
                "gamma": 0.89072,
                "d_steps": 2,
                "keep_G": 0.33971,
                "keep_D": 0.71940,
            },
        ),
        Preset(
            "imdb",
            "The authors' numbers for film reviews, 650 neurons, D looks up G's embedding: days on two cores",
            _phases(20_000, 50_000, 100, 100_000 * 9),
            config={"h": 650, "vocab": 90_000, "batch": 128, "critic": "prefix", "shared": True},
            knobs={
                **_CODE,
                "lr": 7.4876e-4,
                "lr_PG": 1.6624e-3,
                "lr_D": 5.85e-5,
                "lr_V": 9.756e-4,
                "gamma": 0.8835659,
                "d_steps": 8,
                "keep_G": 0.5,
                "keep_D": 0.5,
            },
        ),
        Preset(
            "paper",
            "As the text has it where the code differs: the critic is a head of D that knows m(x), the discount is γ^s",
            _phases(20_000, 50_000, 100, 100_000 * 3),
            config={"h": 650, "vocab": 10_000, "batch": 128, "critic": "discriminator"},
            knobs={
                "dropout": "recurrent",
                "exponent": "place",
                "lr": 7.4876e-4,
                "lr_PG": 3.8877e-5,
                "gamma": 0.89072,
                "d_steps": 2,
                "keep_G": 0.34,
                "keep_D": 0.72,
            },
        ),
    )
}

PLOTS = (
    Plot("Likelihood", (Curve("loss", "−log p", "measure"),), "Of the language model at every token, then of MaskMLE at the blanks; nats a token."),
    Plot(
        "Perplexity",
        (Curve("perplexity", "GAN", "real"), Curve("mle_perplexity", "MLE", "generated")),
        "exp of −log p of what stood at the blanks of held-out sentences, of MaskGAN and MaskMLE. A GAN may lose here and yet fill better.",
    ),
    Plot(
        "Valid",
        (Curve("validity", "GAN", "real"), Curve("mle_validity", "MLE", "generated"), Curve("top1", "hits", "judge")),
        "Share of filled sentences that the grammar has, where there is one; dash-dotted: how often the likeliest token is the true one.",
    ),
    Plot(
        "Reward",
        (Curve("reward", "R", "real"), Curve("value", "b", "generated"), Curve("advantage", "A", "baseline")),
        "Means over the blanks: the return R_t of log D, what the critic expected, and the size of their difference.",
    ),
    Plot(
        "Critic",
        (Curve("loss_V", "loss", "generated"), Curve("explained", "explained", "judge")),
        "Squared error of b_t, and the share of R's variance that the critic explains: 1 is all, below 0 is worse than a constant.",
    ),
    Plot(
        "D",
        (Curve("real", "real", "real"), Curve("fake", "filled", "generated"), Curve("loss_D", "loss", "measure")),
        "Mean p(real) of true and of filled tokens at the blanks; ½ for both is a D that cannot tell. In ink: its cross-entropy.",
    ),
)
