"""What a SeqGAN is built from and steered by, its presets, and the curves it draws."""

from __future__ import annotations

from typing import Literal

from models import knobs as settings
from models.contract import Curve, Phase, Plot, Preset
from models.data.sentences import TextConfig
from models.knobs import knob

PHASES = ("mle", "discriminator", "adversarial")  # every preset has all of them, in this order


class Config(TextConfig):
    """What a SeqGAN is built from, and how its data are read."""

    oracle_seed: int = knob(0, "seed of the oracle", low=0, high=2**31 - 1, group="Oracle")
    oracle_V: int = knob(5000, "size of the vocabulary of the oracle that is made here", low=4, high=200_000, group="Oracle")
    oracle_size: int = knob(10_000, "sentences drawn of the oracle to train on", low=64, high=1_000_000, group="Oracle")
    e: int = knob(32, "numbers in an embedding of G", low=2, high=2048, group="Nets")
    h: int = knob(32, "neurons of G", low=2, high=2048, group="Nets")
    e_D: int = knob(64, "numbers in an embedding of D", low=2, high=2048, group="Nets")
    filters: Literal["paper", "narrow"] = knob("paper", "filters of D: the paper's table for T, or 240 of widths 1 to 5 and 10", group="Nets")
    batch: int = knob(64, "sentences a step", low=2, high=4096, group="Training")
    negatives: int = knob(10_000, "sentences drawn of G at a time for D", low=2, high=1_000_000, group="Training")


class Knobs(settings.Knobs):
    """What a SeqGAN is steered by while it trains."""

    lr: float = knob(1e-2, "Adam step size of G, by likelihood", symbol="lr", low=1e-7, high=1e-1, log=True, group="Likelihood")
    halving: int = knob(1_000_000, "steps over which lr halves", low=10, high=10_000_000, log=True, group="Likelihood")
    replace: float = knob(0.0, "scheduled sampling: growth an epoch of the chance to feed back a drawn token", low=0.0, high=1.0, group="Likelihood")
    N: int = knob(16, "roll-outs of every prefix", symbol="N", low=1, high=512, group="Policy gradient")
    lr_PG: float = knob(1e-2, "Adam step size of G, by policy gradient", symbol="lr_PG", low=1e-7, high=1e-1, log=True, group="Policy gradient")
    g_steps: int = knob(1, "updates of G in a round", symbol="g", low=0, high=1000, group="Policy gradient")
    clip: float = knob(5.0, "longest gradient of G", low=1e-3, high=1e6, log=True, group="Policy gradient")
    delay: float = knob(0.0, "share of β that stays at the end of a round; 0 is β ← θ", symbol="β", low=0.0, high=1.0, group="Policy gradient")
    reward: Literal["D", "BLEU", "permuted", "constant"] = knob(
        "D", "reward: D, BLEU of the roll-outs (PG-BLEU), D's of other sentences, or the same for all", group="Policy gradient"
    )
    baseline: bool = knob(False, "take the batch's mean off the reward, place by place", group="Policy gradient")
    whiten: bool = knob(False, "divide the reward by its deviation, over the batch and place by place", group="Policy gradient")
    lr_D: float = knob(1e-4, "Adam step size of D", symbol="lr_D", low=1e-7, high=1e-1, log=True, group="Discriminator")
    d_steps: int = knob(5, "draws of negatives in a round", symbol="d", low=0, high=1000, group="Discriminator")
    epochs: int = knob(3, "epochs of D on each", symbol="k", low=1, high=1000, group="Discriminator")
    dropout: float = knob(0.25, "share of D's features that is dropped in training", low=0.0, high=0.95, group="Discriminator")
    l2: float = knob(0.2, "weight of ½‖·‖² of D's last layer", symbol="L2", low=0.0, high=100.0, group="Discriminator")
    measure_every: int = knob(50, "steps between two measurements of the samples; 0 is never", low=0, high=1_000_000, log=False, group="Measuring")


def _phases(mle: int, discriminator: int, adversarial: int) -> tuple[Phase, ...]:
    return tuple(Phase(name, steps) for name, steps in zip(PHASES, (mle, discriminator, adversarial), strict=True))


# enough of the oracle's sentences that D learns them and not by heart, batches and a baseline for gradients with less noise: what gave the most of
# some ten settings that were tried on oracles of other seeds than those that are reported
_QUICK_KNOBS = {"halving": 800, "lr_PG": 1e-3, "N": 8, "g_steps": 5, "baseline": True, "d_steps": 1, "epochs": 1, "lr_D": 2e-3}
_QUICK = {"filters": "narrow", "batch": 128, "negatives": 3_200}
PRESETS = {
    p.name: p
    for p in (
        Preset(
            "quick",
            "A narrow D, an oracle of 500 words: minutes on two cores, not the paper",
            _phases(2_000, 4_000, 2_200),
            config={**_QUICK, "vocab": 2_000, "oracle_V": 500, "oracle_size": 50_000},
            knobs=_QUICK_KNOBS,
        ),
        Preset("paper", "Every number of the authors: hours on two cores", _phases(120 * 156, 50 * 3 * 312, 200 * (1 + 5 * 3 * 312))),
        Preset(
            "poems",
            "Lines without their punctuation and a narrow D: for quatrains and other short verse",
            _phases(4_000, 1_000, 2_200),
            config={**_QUICK, "punctuation": "strip", "e": 64, "h": 64, "held_out": 0.2},
            knobs=_QUICK_KNOBS,
        ),
    )
}

PLOTS = (
    Plot(
        "NLL_oracle",
        (
            Curve("NLL_oracle", "G", "measure"),
            Curve("mle_oracle", "MLE", "generated"),
            Curve("floor", "floor", "baseline"),
            Curve("ceiling", "ceiling", "controller"),
        ),
        "−log p of samples under the oracle, nats a token, between the oracle's own and an untrained G's. It rewards collapse: look at NLL_gen, too.",
    ),
    Plot(
        "NLL_gen",
        (Curve("NLL_gen", "G", "real"), Curve("mle_gen", "MLE", "generated"), Curve("entropy", "samples", "baseline")),
        "−log p of held-out sentences under G, nats a token: it rises when G forgets some of them. Dotted: of its own samples.",
    ),
    Plot(
        "BLEU",
        (Curve("BLEU2", "BLEU-2", "real"), Curve("BLEU3", "BLEU-3", "judge"), Curve("mle_BLEU2", "MLE", "generated")),
        "Samples against held-out sentences; of MLE BLEU-2. It says nothing about diversity.",
    ),
    Plot("Reward", (Curve("reward", "Q", "measure"),), "Mean of Q over the tokens of a batch of G; 0.5 is what D says of what it cannot tell."),
    Plot(
        "Discriminator",
        (Curve("loss_D", "loss", "generated"), Curve("right_D", "right", "real"), Curve("right_fresh", "fresh", "judge")),
        "Cross-entropy and share of right answers on its batch; dash-dotted: on held-out sentences and fresh samples.",
    ),
)
