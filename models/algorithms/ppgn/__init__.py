"""PPGN: Plug and Play Generative Networks. The training of all parts; the chains that use them are in `models.samplers`.

Nguyen, Clune, Bengio, Dosovitskiy, Yosinski (CVPR 2017), arXiv:1612.00005v2. G and its losses: Dosovitskiy, Brox (2016), arXiv:1602.02644.

    Paper           Here                     Meaning
    E, C            State.E                  encoder and classifier, one net: x -> h1 -> h -> logits
    h1, h           E.trunk(x), E.top(h1)    last pooled map (pool5); fully connected layer after its ReLU (fc6)
    G               State.G                  generator h -> x, trained without noise (3.5, Noiseless Joint PPGN-h)
    G of Joint      State.J                  the same, gone on with noise on h, x and h1 (3.4, Joint PPGN-h)
    D               State.D                  discriminator of pairs (x, h)
    R_x, R_h        State.R_x, State.R_h     denoising auto-encoders of PPGN-x (3.1) and PPGN-h (3.3)
    L_img, L_h1, L_h, L_adv                  losses of G (S9, figure 3), each with a weight w_…
    r               Info.r                   (L_D(real) + L_D(fake)) / L_adv, which pauses D or G (S9)
    captioner       State.captioner          E's h -> words (section 4, image captioning)
    -               State.scorer             a second classifier of another kind, never optimised against, that only judges samples

Each phase trains one part and leaves the others alone; E is frozen after its own. A part may be skipped, then it keeps its first weights.

Read in the authors' code or in public copies of their training script: the losses, D's pairs, r's thresholds, Adam's betas, LeakyReLU 0.3, the
3-layer start of G, the 7-layer R_h. Recalled, not verified: noise levels of R_x (10 % of the range) and R_h (1 % of the mean of h). Unknown: the
noise levels of Joint and the weight of L_h.

Departures:
    1. Weights are per-dimension means: the paper's sums at 227 px come to 25 : 0.46 : 1 for L_img : L_h1 : L_adv; L_h1 and L_h are divided by the
       mean square of h1 and h, so that the weights mean the same for every E.
    2. Pictures are 32 or 64 px, and the nets are as much smaller. E takes averages where CaffeNet takes maxima.
    3. G doubles and then convolves 3x3, instead of transposed 4x4 convolutions. D has no dropout.
    4. r is averaged over BETWEEN steps and D or G is paused for whole such stretches: a paused net takes no step at all, not one of size 0.
    5. h is normalised over the batch before its ReLU. E sees shifted pictures, and half of them changed by at most `robust` against it (Goodfellow
       et al. 2015; random start: Wong et al. 2020): C's gradient then points to pictures of the class. `robust = 0` and `shift = 0` turn it off.
    6. Learning rates halve smoothly every `halving` steps of a part, where the authors halve them at fixed steps.
    7. While E learns its classes, G learns beside it to show x again, and the error of its pixels goes on to E (`w_seen`): a few hundred neurons
       taught a few attributes forget most of a picture, which CaffeNet's 4096, taught 1000 classes, do not. `w_seen = 0` turns it off.
    8. In the preset `quick` matrices take Muon's steps (`muon`), and G has one fully connected layer (`layers`): what fits into minutes on a CPU.
    9. The captioner learns captions and, half of the time, shorter ones that name some of the same things (`shorten`), so that what a caption
       does not name is left open; otherwise a chain would also drive away all that goes unsaid. Noise on h (`noise_c`) asks for clear evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from models import knobs as settings
from models.contract import Curve, Event, Phase, Plan, Plot, Preset, View
from models.data.labelled import SHORTER, LabelledSet, labelled
from models.data.sources import open_images
from models.knobs import knob
from models.nets.autoencoder import macs
from models.nets.captioner import Captioner
from models.nets.conv import Classifier, CodeDAE, Discriminator, PictureDAE, Scorer, he
from models.nets.inverter import Inverter
from models.nets.muon import Muon
from models.nets.pixels import autocast, to_model, to_pictures

NAME = "ppgn"
TITLE = "PPGN"
PAPER = "Nguyen, Clune, Bengio, Dosovitskiy, Yosinski (2017), Plug & Play Generative Networks, arXiv:1612.00005"
WRITES = "pictures"
BETWEEN = 25
PHASES = ("encoder", "scorer", "generator", "joint", "dae-x", "dae-h", "captioner")  # every preset has all of them, in this order
KEPT = 2048  # codes of training pictures that the State keeps
LONGEST = 64  # words of a sentence that the captioner says


class Config(settings.Config):
    """What the parts are built from."""

    size: Literal[32, 64] = knob(32, "side of the pictures in pixels", group="Pictures")
    channels: Literal[1, 3] = knob(3, "channels of the pictures: 3, or 1 for grey", group="Pictures")
    attributes: Literal["all", "first"] = knob("all", "labels that are classes: all attributes of the data, or the first", group="Pictures")
    without: str = knob("", "compositions left out of training, as in: glasses=round & hat=cap; hair=long", group="Pictures")
    captions: bool = knob(True, "train a captioner, where the data have captions", group="Pictures")
    n: int = knob(24, "filters of E, the scorer and D at the first scale; they double to 4n", low=4, high=512, group="Nets")
    depth: int = knob(1, "convolutions of E at 8 px, before its last pooling; CaffeNet has 3", low=1, high=8, group="Nets")
    g: int = knob(32, "filters of G at the last scale; at the first it has 4g", low=4, high=512, group="Nets")
    h: int = knob(256, "neurons of h", symbol="h", low=8, high=8192, group="Nets")
    full: int = knob(256, "neurons of G's fully connected layers", low=4, high=8192, group="Nets")
    layers: int = knob(3, "fully connected layers of G; the authors have 3", low=1, high=8, group="Nets")
    recurrent: int = knob(128, "neurons of the captioner's state", low=4, high=4096, group="Nets")
    outputs: int = knob(128, "room for the classes of all attributes together", low=2, high=10_000, group="Nets")
    words: int = knob(256, "room for the captioner's words", low=4, high=100_000, group="Nets")
    batch: int = knob(64, "pictures a step", low=2, high=4096, group="Training")
    muon: bool = knob(False, "Muon for matrices of E, the scorer and G, orthogonalised momentum; Adam for all else", group="Training")


class Knobs(settings.Knobs):
    """What the parts are steered by while they train."""

    lr: float = knob(1e-3, "Adam step size of all parts but G and D", symbol="lr", low=1e-7, high=1e-1, log=True, group="Optimiser")
    lr_G: float = knob(2e-4, "Adam step size of G and D", symbol="lr_G", low=1e-7, high=1e-1, log=True, group="Optimiser")
    halving: int = knob(200_000, "steps of a part over which lr halves", low=10, high=10_000_000, log=True, group="Optimiser")
    halving_G: int = knob(200_000, "steps of a phase over which lr_G halves", low=10, high=10_000_000, log=True, group="Optimiser")
    beta1: float = knob(0.9, "Adam decay of the mean", symbol="β₁", low=0.0, high=0.999, group="Optimiser")
    beta2: float = knob(0.999, "Adam decay of the square", symbol="β₂", low=0.0, high=0.9999, group="Optimiser")
    shift: int = knob(2, "pixels by which E and the scorer see pictures shifted, at most", low=0, high=16, group="Encoder")
    robust: float = knob(0.05, "largest change of a pixel against E, the range being 2; 0 is off", symbol="ε_E", low=0.0, high=1.0, group="Encoder")
    w_seen: float = knob(
        0.0, "weight of the squared error of pixels of G(h) while E learns; 0 is off", symbol="w_seen", low=0.0, high=1000.0, group="Encoder"
    )
    w_img: float = knob(25.0, "weight of the squared error of pixels", symbol="w_img", low=0.0, high=1000.0, group="Generator")
    w_h1: float = knob(0.46, "weight of the relative squared error of h1", symbol="w_h1", low=0.0, high=1000.0, group="Generator")
    w_adv: float = knob(1.0, "weight of D's judgement", symbol="w_adv", low=0.0, high=1000.0, group="Generator")
    r_low: float = knob(0.1, "below this r, D pauses", symbol="r_low", low=0.0, high=100.0, group="Generator")
    r_resume: float = knob(0.5, "above this r, D goes on", symbol="r_on", low=0.0, high=100.0, group="Generator")
    r_high: float = knob(10.0, "above this r, G pauses", symbol="r_high", low=0.0, high=1e6, log=True, group="Generator")
    w_h: float = knob(1.0, "weight of the relative squared error of h (Joint)", symbol="w_h", low=0.0, high=1000.0, group="Joint")
    noise_h: float = knob(0.5, "most noise on h, in standard deviations of each neuron (Joint)", symbol="σ_h", low=0.0, high=10.0, group="Joint")
    noise_x: float = knob(0.1, "noise on x, the range being 2 (Joint)", symbol="σ_x", low=0.0, high=2.0, group="Joint")
    noise_h1: float = knob(0.1, "noise on h1, over its root mean square (Joint)", symbol="σ_h1", low=0.0, high=10.0, group="Joint")
    shorten: float = knob(0.5, "share of the captions that name only some of what they list", low=0.0, high=1.0, group="Captioner")
    noise_c: float = knob(0.0, "most noise on h for the captioner, in standard deviations", symbol="σ_c", low=0.0, high=10.0, group="Captioner")
    sigma_x: float = knob(0.2, "noise that R_x removes, the range being 2", symbol="σ(R_x)", low=1e-4, high=2.0, log=True, group="Denoisers")
    sigma_h: float = knob(0.01, "noise that R_h removes, over the mean of h", symbol="σ(R_h)", low=1e-4, high=10.0, log=True, group="Denoisers")


def _phases(*steps: int) -> tuple[Phase, ...]:
    return tuple(Phase(name, count) for name, count in zip(PHASES, steps, strict=True))


PRESETS = {
    p.name: p
    for p in (
        Preset(
            "quick",
            "32 px: all parts in about a quarter of an hour on two cores",
            _phases(4_500, 2_400, 1_500, 500, 400, 1_000, 2_400),
            config={"n": 32, "depth": 2, "layers": 1, "muon": True},
            knobs={
                "lr": 3e-3,
                "lr_G": 1e-3,
                "halving": 750,
                "halving_G": 300,
                "shift": 1,
                "robust": 0.03,
                "w_seen": 10.0,
                "w_img": 25.0,
                "w_h1": 10.0,
                "w_adv": 0.3,
                "noise_c": 1.0,
            },
        ),
        Preset(
            "paper-64",
            "64 px, the paper's weights of the losses: hours on a GPU",
            _phases(30_000, 30_000, 300_000, 50_000, 25_000, 100_000, 50_000),
            config={"size": 64, "n": 64, "depth": 3, "g": 64, "h": 1024, "full": 1024, "recurrent": 512},
        ),
    )
}

PLOTS = (
    Plot(
        "Classifier and scorer",
        (Curve("loss_C", "C", "real"), Curve("loss_S", "scorer", "judge")),
        "Cross-entropy over its value for a guess, mean over the attributes: 1 is guessing.",
    ),
    Plot("Right answers", (Curve("right_C", "C", "real"), Curve("right_S", "scorer", "judge")), "Share of the batch, mean over the attributes."),
    Plot(
        "Losses of G",
        (Curve("L_img", "L_img", "real"), Curve("L_h1", "L_h1", "generated"), Curve("L_h", "L_h", "baseline"), Curve("L_adv", "L_adv", "judge")),
        "Pixels, features and D's judgement, without their weights; L_h in the Joint phase.",
    ),
    Plot(
        "Balance r",
        (Curve("r", "r", "measure"), Curve("D_on", "D trains", "controller")),
        "(L_D(real) + L_D(fake)) / L_adv: below 0.1 D pauses until 0.5, above 10 G pauses.",
    ),
    Plot("Denoisers", (Curve("loss_x", "R_x", "real"), Curve("loss_h", "R_h", "generated")), "Squared error, over the variance of x or h."),
    Plot("Captioner", (Curve("nats", "−log p a word", "measure"),), "Teacher forced, on the batch; it falls to what the pictures leave open."),
)


class Info(NamedTuple):
    """One step in numbers, all 0-d; None where the phase does not have it."""

    loss_C: Tensor | None = None
    right_C: Tensor | None = None
    loss_S: Tensor | None = None
    right_S: Tensor | None = None
    L_img: Tensor | None = None
    L_h1: Tensor | None = None
    L_h: Tensor | None = None
    L_adv: Tensor | None = None
    L_D: Tensor | None = None
    r: Tensor | None = None
    D_on: Tensor | None = None  # 1 while D trains
    G_on: Tensor | None = None
    loss_x: Tensor | None = None
    loss_h: Tensor | None = None
    nats: Tensor | None = None
    lr: Tensor | None = None  # as used


class Batch(NamedTuple):
    """Some training pictures and what is known about them."""

    x: Tensor  # (batch, channels, size, size) uint8
    labels: Tensor  # (batch, heads) int64
    tokens: Tensor  # (batch, T) int64; T is 0 without captions
    shorter: Tensor  # the same: sentences that name some of it
    data: LabelledSet  # for the names of classes and words alone


@dataclass
class State:
    """All that changes."""

    E: Classifier
    scorer: Scorer
    G: Inverter
    J: Inverter
    D: Discriminator
    R_x: PictureDAE
    R_h: CodeDAE
    captioner: Captioner
    optimiser_E: torch.optim.Adam
    optimiser_scorer: torch.optim.Adam
    optimiser_G: torch.optim.Adam
    optimiser_J: torch.optim.Adam
    optimiser_D: torch.optim.Adam
    optimiser_R_x: torch.optim.Adam
    optimiser_R_h: torch.optim.Adam
    optimiser_captioner: torch.optim.Adam
    rng: torch.Generator  # on the CPU, so that a run can change its device
    codes: Tensor  # (KEPT, h): E's codes of the training pictures seen last; a ring
    kept: int = 0  # codes written so far
    step: int = 0
    phase: int = 0
    trained: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PHASES, 0))  # steps of every phase
    heads: dict[str, list[str]] = field(default_factory=dict)  # attribute -> names of its values; known from the first step on
    words: list[str] = field(default_factory=list)  # vocabulary; the first one is the end
    D_on: bool = True  # the r rule
    G_on: bool = True
    # fixed, rebuilt by init and not saved
    config: Config = field(default_factory=Config, metadata={"saved": False})
    plan: Plan | None = field(default=None, metadata={"saved": False})


def open_data(spec: str, config: Config, progress: Callable[[int, int], None] | None = None) -> LabelledSet:
    """The labelled pictures that `spec` names, at the model's size; raises BadData where they have no labels or too few a class."""
    data = open_images(spec, size=config.size, progress=progress, channels=config.channels)
    return labelled(
        data, first=config.attributes == "first", captions=config.captions, outputs=config.outputs, room=config.words, without=config.without
    )


def build(config: Config) -> dict[str, nn.Module]:
    """All nets of a State by name, without values."""
    c = config
    return {
        "E": Classifier(c.size, c.channels, c.n, c.h, c.outputs, c.depth),
        "scorer": Scorer(c.size, c.channels, c.n, c.outputs),
        "G": Inverter(c.size, c.channels, c.g, c.h, c.full, c.layers),
        "J": Inverter(c.size, c.channels, c.g, c.h, c.full, c.layers),
        "D": Discriminator(c.size, c.channels, c.n, c.h),
        "R_x": PictureDAE(c.size, c.channels, c.n),
        "R_h": CodeDAE(c.h),
        "captioner": Captioner(c.h, c.words, c.recurrent),
    }


def init(config: Config, seed: int, plan: Plan) -> State:
    """A fresh State; every random number comes from `seed`."""
    rng = torch.Generator().manual_seed(seed)
    nets = build(config)
    for net in nets.values():
        he(net, rng)
    layout = torch.channels_last if plan.channels_last else torch.contiguous_format
    nets = {k: net.to(device=plan.device, memory_format=layout) for k, net in nets.items()}  # pyright: ignore[reportCallIssue]
    optimisers = {f"optimiser_{k}": _optimiser(net, config.muon and k in ("E", "scorer", "G", "J")) for k, net in nets.items()}
    learns: dict[str, Any] = {**nets, **optimisers}
    return State(**learns, rng=rng, codes=torch.zeros(KEPT, config.h, device=plan.device), config=config, plan=plan)


def _optimiser(net: nn.Module, muon: bool) -> torch.optim.Adam:
    last = [p for name, p in net.named_parameters() if name.startswith(("heads", "picture"))]  # what a picture or an answer is made of
    return Muon(net.parameters(), last) if muon else torch.optim.Adam(net.parameters(), fused=True)


def batches(data: LabelledSet, config: Config, seed: int, start: int) -> Iterator[Batch]:
    """Batches from the `start`-th on; batch t depends on (seed, t) alone."""
    labels, tokens, shorter = (torch.from_numpy(v) for v in (data.columns, data.tokens, data.shorter))
    t = start
    while True:
        rows = data.order(seed, t * config.batch, config.batch)
        x = torch.from_numpy(np.ascontiguousarray(data.pictures(rows).transpose(0, 3, 1, 2)))
        none = torch.zeros(len(rows), 0, dtype=torch.int64)
        said, less = (tokens[rows], shorter[rows, t % SHORTER]) if len(tokens) else (none, none)
        yield Batch(x, labels[rows], said, less, data)
        t += 1


# --- the algorithm ------------------------------------------------------------------------------------------------


def step(state: State, batch: Batch, knobs: Knobs) -> Info:
    """One update of the part whose phase it is."""
    name = PHASES[min(state.phase, len(PHASES) - 1)]
    if not state.heads:
        state.heads, state.words = {a: list(v) for a, v in batch.data.heads.items()}, list(batch.data.words)
    info = STEPS[name](state, to_model(state.plan, batch.x), batch, knobs)
    state.trained[name] += info.lr is not None  # without captions a captioner is not trained
    state.step += 1
    return info


def between(state: State, recent: Mapping[str, np.ndarray], knobs: Knobs) -> list[Event]:
    """The balance of G and D (S9), decided on the mean of r over the last BETWEEN steps: whoever is paused takes no step until the next decision."""
    seen = recent["r"][np.isfinite(recent["r"])]
    if not len(seen):
        return []
    r, before = float(seen.mean()), (state.D_on, state.G_on)
    state.G_on = r <= knobs.r_high  # b) pause training G if r > 10
    state.D_on = r > knobs.r_resume or (state.D_on and r >= knobs.r_low)  # a) pause training D if r < 0.1, resume it at 0.5
    if (state.D_on, state.G_on) == before:
        return []
    paused = [name for name, on in (("D", state.D_on), ("G", state.G_on)) if not on]
    return [Event("balance", f"r = {r:.2g}: {' and '.join(paused) + ' pauses' if paused else 'D and G train'}")]


# --- what the steps and the views share ---------------------------------------------------------------------------


def statistics(state: State) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, standard deviation and maximum of every neuron of h, (h,) each, over the codes kept; 0, 1 and 1 before there are two."""
    codes = state.codes[: min(state.kept, KEPT)]
    if len(codes) < 2:
        zero = torch.zeros_like(state.codes[0])
        return zero, zero + 1, zero + 1
    return codes.mean(0), codes.std(0), codes.amax(0)


def encode(state: State, x: Tensor) -> tuple[Tensor, Tensor]:
    """E's h1 and h of pictures, without gradients, in float32."""
    with torch.no_grad(), autocast(state.plan):
        h1, h = state.E(x)
    return h1.float(), h.float()


# --- samples ------------------------------------------------------------------------------------------------------

CHUNK = 64  # samples are drawn in whole chunks, so that a sample's bits do not depend on how many were asked for


def latents(state: State, n: int, seed: int) -> Tensor:
    """Codes (n, h) on the CPU: those of training pictures, moved by a tenth of the neurons' deviations; N(0, 1) before there are any.

    Code i is the same whatever n is.
    """
    rng = torch.Generator().manual_seed(seed)
    width = state.config.h + 1
    numbers = torch.randn(-(-n // CHUNK) * CHUNK, width, generator=rng)[:n]  # whole chunks: how few are drawn changes how they are drawn
    count = min(state.kept, KEPT)
    if count < 2:
        return numbers[:, 1:]
    which = torch.special.ndtr(numbers[:, 0]).mul(count).long().clamp(max=count - 1)
    return (state.codes.cpu()[which] + 0.1 * statistics(state)[1].cpu() * numbers[:, 1:]).clamp(min=0)


@torch.no_grad()
def generate(state: State, G: Inverter, h: Tensor) -> np.ndarray:
    """Pictures of codes (n, h) on the CPU: uint8 (n, size, size, channels)."""
    drawn = [np.empty((0, state.config.size, state.config.size, state.config.channels), np.uint8)]
    for rows in h.split(CHUNK) if len(h) else ():
        full = torch.cat([rows, rows.new_zeros(CHUNK - len(rows), rows.shape[1])]).to(state.codes.device)
        with autocast(state.plan):
            drawn.append(to_pictures(G(full))[: len(rows)])
    return np.concatenate(drawn)


def sample(state: State, n: int, seed: int, **options: object) -> View:
    """`n` pictures G(h) of codes near those of training pictures; not yet PPGN's samples, which chains on h find for a condition. No options."""
    del options
    return View(pictures={"samples": generate(state, state.G, latents(state, n, seed))})


def cost(config: Config) -> float:
    """GFLOP of one step, a mean over the phases of the preset `quick`, counted on the nets."""
    work = {k: macs(net) for k, net in build(config).items()}
    E, adversarial = work["E"], 3 * work["G"] + 3 * work["E"] + 8 * work["D"]  # D on two pictures
    passes = {
        "encoder": 4 * E + 3 * work["G"],  # 3, and half a batch forth and back to its pixels; G learns beside it
        "scorer": 3 * work["scorer"],
        "generator": adversarial,
        "joint": adversarial,
        "dae-x": 3 * work["R_x"],
        "dae-h": E + 3 * work["R_h"],
        "captioner": E + 3 * 16 * work["captioner"],  # of 16 words
    }
    phases = PRESETS["quick"].phases
    return config.batch * 2 * sum(p.steps * passes[p.name] for p in phases) / sum(p.steps for p in phases) / 1e9


from models.algorithms.ppgn.phases import STEPS  # noqa: E402
from models.algorithms.ppgn.plug import Parts, parts  # noqa: E402, F401
from models.algorithms.ppgn.shown import evaluate, views  # noqa: E402, F401 (they show what is above)
