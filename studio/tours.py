"""What the guided tours say, and where they point: for each page a few steps, about two minutes in all. No Qt.

A target is the way from the page to a widget, such as "transport.run_button" or "knobs.rows.gamma"; of a list or a dict the first that is
seen counts. `pose` brings the page to where the target is, `until` tells that the person has done what the step asks for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Step(NamedTuple):
    """One call-out."""

    target: str
    title: str
    text: str
    pose: Callable[[Any], object] = lambda page: None
    until: Callable[[Any], bool] | None = None


def _face(place: int) -> Callable[[Any], object]:
    return lambda page: page.faces.choose(place)


def _runs(page: Any) -> bool:
    return page.session.condition == "running"


TOURS: dict[str, tuple[Step, ...]] = {
    "home": (
        Step(
            "cards.began",
            "Six ways in",
            "Each card is one system. What moves is drawn by the demo that comes with the studio; “Open the demo” makes a run of it that is "
            "yours to steer, train on and sample.",
        ),
        Step("cards.began.tour_button", "Shown around", "Every system has a tour like this one. It opens the demo and points at the real controls."),
        Step("starters.began", "Your own training", "“Train…” asks for data and a size. The faces are drawn here, so nothing has to be fetched."),
        Step(
            "cards.lab", "Where to begin", "New to Markov chains? The lab shows samplers on densities that fit on a page, with the truth beside them."
        ),
    ),
    "began": (
        Step(
            "samples",
            "What the generator draws",
            "G(z) for the same 64 latents z at every look, so a face keeps its place while it learns. Click one: beside it comes the nearest "
            "training picture, which tells learning from copying.",
            _face(0),
        ),
        Step(
            "real",
            "A discriminator that redraws",
            "BEGAN’s D is an auto-encoder. Above are held-out pictures x, below D(x). D does not say real or fake: its error L(v) = |v − D(v)| "
            "is what is matched, real against generated.",
        ),
        Step(
            "knobs.rows.gamma",
            "Diversity against sharpness",
            "γ = L(G(z)) / L(x) is the equilibrium you ask for. Turn it down and faces get cleaner and more alike; turn it up for variety. "
            "It acts at the next step, and Ctrl+Z takes it back.",
        ),
        Step(
            "transport.run_button",
            "Let it train",
            "Press Run: the demo goes on from where it was left. Everything is written down step by step, so it can be stopped at any time.",
            until=_runs,
        ),
        Step(
            "curves",
            "Watch the balance",
            "L(x) and L(G(z)) are pulled to the ratio γ: if G gets ahead, kₜ rises and D attends to it more. M_global = L(x) + |γ L(x) − L(G(z))| "
            "is the paper’s measure of convergence: the lower, the better.",
            lambda page: page.tabs.setCurrentIndex(0),
        ),
        Step(
            "time.bar",
            "The time machine",
            "Drag along the training: the same latents, the cursor on the curves and the knobs go with you. A fork begins at a kept checkpoint. "
            "The demo brings one, of its last step; as it trains on, it keeps more, and a flag (B) makes one stay.",
        ),
    ),
    "bgan": (
        Step(
            "weights",
            "Samples and their weights",
            "Pixels that are black or white have no gradient, so G cannot be trained through them. Instead M samples are drawn for each z, and the "
            "bar under each is its normalised importance weight: how real D finds it among its siblings.",
            lambda page: (page.faces.choose(0), page.shown.select(0)),
        ),
        Step(
            "histogram",
            "How many really count",
            "Of the weights, a few may carry all. The effective sample size ESS says how many samples of a z count: near M the gradient is calm, "
            "near 1 a single sample decides.",
        ),
        Step(
            "readouts",
            "The bound that D climbs",
            "V is a lower bound on an f-divergence between data and samples. β, the mean weight, is 1 where D is the best there is; "
            "D(real) and D(fake) meet at ½ when it cannot tell them apart.",
        ),
        Step(
            "faces.switch",
            "Seven divergences",
            "The face “Divergences” is the paper’s table to play with: generator f, conjugate f*, weights w. Choose one there, and the run "
            "trains with it from the next step on.",
        ),
        Step(
            "transport.run_button",
            "Let it train",
            "Press Run. The policy is log p(x|z) weighted by w̃: no temperature, no relaxation, and a variance that you can watch.",
            until=_runs,
        ),
        Step("curves", "What to watch", "ESS and β tell early when D has run away from G; V falls as the two distributions come together."),
    ),
    "ppgn": (
        Step(
            "chains.stage.bar",
            "Say what you want to see",
            "A class, several with weights, or a caption in words. A classifier or captioner that was trained on pictures alone is climbed "
            "through the generator: nothing was trained for the request.",
            _face(1),
        ),
        Step(
            "chains.stage.pictures",
            "Chains, not pictures",
            "Each tile is a Markov chain in the code h. One step is the paper’s Eq. 5: h + ε₁ · prior + ε₂ · condition + noise ε₃.",
        ),
        Step(
            "chains.side.epsilons",
            "Three forces under your hand",
            "ε₁ pulls to codes that look like data, ε₂ to what was asked for, ε₃ shakes. More ε₂ gives clearer and stranger pictures, "
            "more ε₃ other ones: that is diversity.",
        ),
        Step(
            "chains.foot.play_button",
            "Let them walk",
            "Play and Pause; change what is asked for while they walk. Step makes one step of all chains, Back takes steps back exactly.",
        ),
        Step(
            "chains.stage.forces",
            "Seen, not guessed",
            "The lengths of the three terms and the angle between prior and condition, live. Where they fight, the angle is wide and chains stall.",
        ),
        Step(
            "chains.stage.strip",
            "The film of one chain",
            "The last moments of the chain you selected. Click one to look back, Ctrl+click to fork new chains from it.",
        ),
    ),
    "seqgan": (
        Step(
            "ours",
            "Sentences by reward",
            "What G writes after the adversarial phase, each token drawn from its softmax. Pick one by a click to see what its tokens were worth.",
            lambda page: (page.faces.choose(0), page.shown.setCurrentIndex(0)),
        ),
        Step(
            "theirs",
            "The baseline is always there",
            "The same noise through G as likelihood alone had left it. Is the reward worth it? Judge by reading, or on the face “Blind test”.",
        ),
        Step(
            "rewards",
            "What a token was worth",
            "Q(s, a): from every prefix N roll-outs finish the sentence, and D says how real they are; the mean is the reward of the token. "
            "Under a token: blue is above the baseline, orange below.",
            lambda page: page.shown.setCurrentIndex(1),
        ),
        Step(
            "readouts",
            "Measured on what is known",
            "BLEU against held-out sentences, or the NLL of an oracle that made the data. Beside each stands the level that likelihood had reached.",
            lambda page: page.shown.setCurrentIndex(0),
        ),
        Step(
            "transport.run_button",
            "Let it train",
            "Press Run: g-steps of policy gradient and d-steps of D take turns, as in the paper’s Algorithm 1.",
            until=_runs,
        ),
        Step(
            "phases",
            "Three phases",
            "Likelihood first, then D, then both. Click a phase to see its curves; a phase can be left early or made longer.",
        ),
    ),
    "maskgan": (
        Step(
            "desk.panel",
            "A sentence on the desk",
            "Click a word to blank it, click again to have it back. G reads the words left and right of a blank, not only those before it.",
            _face(1),
        ),
        Step(
            "desk.lists.maskgan",
            "Filled by the GAN",
            "Alternatives by MaskGAN. Its generator was taught by policy gradient: a word is rewarded by how real D finds it there.",
        ),
        Step(
            "desk.lists.maskmle",
            "Filled by likelihood",
            "MaskMLE is the same network before the adversarial phase, with the same blanks and the same noise; what differs is coloured.",
        ),
        Step(
            "desk.cards",
            "What else it thought of",
            "The likeliest words of each blank with their probabilities. Press 1 to 9 to choose, L to lock one.",
        ),
        Step(
            "looks",
            "The same blanks over training",
            "Fixed blanks filled at every look of the training: early nonsense, then grammar, then agreement across a clause.",
            _face(0),
        ),
        Step(
            "transport.run_button",
            "Let it train",
            "Press Run: the actor fills, D judges every word, and a critic learns what reward to expect, so that the gradient is calmer.",
            until=_runs,
        ),
    ),
    "lab": (
        Step(
            "setup.targets",
            "A density whose truth is known",
            "The chains shall sample this. Here one can see what PPGN does in a thousand dimensions; you may also paint or type a density.",
        ),
        Step(
            "lanes.0.view",
            "Chains on it",
            "Each dot is a chain. For the one you watch, the blue arrow is the drift towards higher density, the orange one the noise.",
        ),
        Step(
            "playback.play_button",
            "Let them walk",
            "Press Play. Slow speeds show drift and noise apart; Back takes a step back, exactly.",
            until=lambda page: page.playback.playing,
        ),
        Step(
            "side.lanes.0",
            "One step size",
            "Small steps creep, large ones are refused. “Best step” finds the acceptance that theory calls best: 0.574 for MALA.",
        ),
        Step(
            "side.kernels.mala-approx",
            "Exact beside approximate",
            "MALA-approx, which PPGN uses, never rejects. Put it beside MALA: its limit is another density, and the error is measured.",
        ),
        Step(
            "diagnostics",
            "Can it be trusted?",
            "ESS says how many independent draws the chains are worth, R-hat whether they agree, bias how far they are from the truth.",
        ),
    ),
}


def found(page: Any, target: str) -> list[Any]:
    """The widgets that a target may mean, in order; none if the page has no such part."""
    here: Any = page
    for word in target.split("."):
        try:
            here = here[int(word)] if word.isdigit() else here[word] if isinstance(here, dict) else getattr(here, word)
        except (AttributeError, KeyError, IndexError):
            return []
    if isinstance(here, dict):
        return [*here.values()]
    return [*here] if isinstance(here, (list, tuple)) else [here]
