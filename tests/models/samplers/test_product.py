"""One step of every variant against the paper's formulas, written out chain by chain with autograd on the whole."""

from __future__ import annotations

import pytest
import torch

from models import knobs as settings
from models.errors import BadInput
from models.samplers import priors
from models.samplers.conditions import Wanted, parse, room_of
from models.samplers.parts import Parts
from models.samplers.product import Context, Product, clipped
from models.samplers.variants import VARIANTS, Knobs, variant
from tests.models.samplers.toys import SIZE, H, toy


def target(parts: Parts, name: str, n: int, text: str = "2", context: Context | None = None, **change) -> Product:
    room = room_of(parts)
    wanted = Wanted([(parse(text, room),)] * n, room, torch.device("cpu"))
    return Product(parts, VARIANTS[name], settings.make(Knobs, change), wanted, None, context)


def positions(name: str, n: int) -> torch.Tensor:
    d = SIZE**2 if VARIANTS[name].space == "x" else H
    return torch.randn(n, d, generator=torch.Generator().manual_seed(3))


def textbook(parts: Parts, name: str, v: torch.Tensor) -> dict[str, torch.Tensor]:
    """Terms of one chain (d,): Eq. 11 with log p(y = 2 | x)."""
    v = v.clone().requires_grad_()
    G = {"joint": parts.G_joint}.get(name, parts.G)
    x = v.view(1, 1, SIZE, SIZE) if VARIANTS[name].space == "x" else G(v[None])
    log_p = torch.log_softmax(parts.C_logits(parts.E_features(x)[1])["digit"], 1)[0, 2]
    (condition,) = torch.autograd.grad(log_p, v)
    v, x = v.detach(), x.detach()
    match name:
        case "am" | "dgn-am":
            return {"condition": condition}
        case "gaussian":
            prior = -v
        case "handmade":
            prior = priors.blur(x).flatten()
        case "ppgn-x":
            prior = parts.R_x(x).flatten() - v
        case "ppgn-h":
            prior = parts.R_h(v[None])[0] - v
        case _:
            prior = parts.E_features(x)[1][0] - v
    return {"condition": condition, "prior": prior}


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variants_terms_are_the_papers(name):
    parts, _ = toy()
    v = positions(name, 3)
    made = target(parts, name, 3)
    log_p, scores = made.log_p_and_scores(v)
    assert scores.shape == (3, len(made.terms), v.shape[1])
    for i in range(3):
        want = textbook(parts, name, v[i])
        assert set(want) == set(made.terms)
        for k, term in enumerate(made.terms):
            torch.testing.assert_close(scores[i, k], want[term], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(log_p, made.log_p(v))
    assert not scores.requires_grad


@pytest.mark.parametrize("name", VARIANTS)
def test_a_step_takes_one_pass_through_each_net(name):
    parts, calls = toy()
    made = target(parts, name, 2)
    calls.clear()
    made.log_p_and_scores(positions(name, 2))
    extra = {"ppgn-x": "R_x", "ppgn-h": "R_h"}.get(name)
    G = [] if VARIANTS[name].space == "x" else ["J" if name == "joint" else "G"]
    assert calls == dict.fromkeys(["E", "C", *G, *([extra] if extra else [])], 1)


def test_what_no_term_reads_is_not_computed():
    parts, calls = toy()
    from models.samplers.parts import Classifier

    network = Classifier("other", parts.heads, lambda x: {"digit": x.flatten(1)[:, :3], "glasses": x.flatten(1)[:, :3]}, None, {})
    room = room_of(parts, network)
    wanted = Wanted([(parse("2", room),)], room, torch.device("cpu"))
    made = Product(parts, VARIANTS["dgn-am"], Knobs(), wanted, network, None)
    calls.clear()
    made.log_p_and_scores(positions("dgn-am", 1))
    assert calls == {"G": 1}


@pytest.mark.parametrize("name", ["noiseless-joint", "am"])
def test_the_context_is_equation_12(name):
    parts, _ = toy()
    hole = torch.zeros(1, 1, SIZE, SIZE)
    hole[..., :2] = 1
    image = torch.rand(1, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(5))
    made = target(parts, name, 2, context=Context(image, hole))
    v = positions(name, 2)
    _, scores = made.log_p_and_scores(v)
    w = v.clone().requires_grad_()
    x = w.view(-1, 1, SIZE, SIZE) if name == "am" else parts.G(w)
    loss = 0.5 * ((1 - hole) * (image - x)).square().sum()
    torch.testing.assert_close(scores[:, made.terms.index("context")], -torch.autograd.grad(loss, w, retain_graph=True)[0])
    pasted = hole * x + (1 - hole) * image
    log_p = torch.log_softmax(parts.C_logits(parts.E_features(pasted)[1])["digit"], 1)[:, 2].sum()
    torch.testing.assert_close(scores[:, made.terms.index("condition")], torch.autograd.grad(log_p, w)[0])
    assert torch.equal(made.x * (1 - hole), ((1 - hole) * image).expand_as(made.x))


def test_codes_are_clipped_per_neuron_and_pixels_to_their_range():
    parts, _ = toy()
    h = torch.tensor([[-1.0, 0.3, 5, 5, 5, 5]])
    assert clipped(h, VARIANTS["joint"], parts, 3.0).tolist() == [[0, pytest.approx(0.3), 2, 2, 2, 2]]  # 0.5 + 3 · 0.5
    assert clipped(h, VARIANTS["am"], parts, 1.0).tolist() == [[-1, pytest.approx(0.3), 1, 1, 1, 1]]
    assert clipped(h, VARIANTS["joint"], parts, 0.0) is h
    each = torch.tensor([[0.0], [1.0]])
    two = clipped(h.expand(2, -1), VARIANTS["joint"], parts, each)
    assert torch.equal(two[0], h[0])
    assert two[1].max() == 1


def test_a_part_that_is_missing_is_named_with_its_phase():
    with pytest.raises(BadInput, match="PPGN-h needs the phase 'dae-h', which this run has not trained"):
        variant("ppgn-h", {"encoder": 3, "generator": 3, "dae-h": 0})
    with pytest.raises(BadInput, match="no variant 'ppgn-y'; there are am, gaussian"):
        variant("ppgn-y", {})


def test_variants_have_defaults_in_both_modes_and_the_papers_are_of_released():
    for v in VARIANTS.values():
        for mode in ("paper", "released"):
            assert v.knobs(mode).mode == mode
    found = VARIANTS["noiseless-joint"].knobs("released")
    assert (found.epsilon1, found.epsilon2, found.epsilon3) == (1e-5, 1, 1e-17)
