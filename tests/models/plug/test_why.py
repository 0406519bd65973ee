from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.plug.why import diagnose

STARTS = torch.randn(16, 6, generator=torch.Generator().manual_seed(0)) * 3


def told(objective, **more):
    return diagnose(objective, STARTS, **more)


def test_a_hill_is_climbed_to_its_top():
    found = told(lambda h: -h.square().sum(1), step_size=2.0)
    assert found.works
    assert found.rose == 1
    assert found.verdict.startswith("It works: without noise and prior, log p rises in 100% of the chains")
    torch.testing.assert_close(found.before, -STARTS.square().sum(1))
    torch.testing.assert_close(found.gradient, 2 * STARTS.norm(dim=1))
    assert (found.after > -0.01).all()
    assert (found.after <= 0).all()


def test_the_step_has_the_length_that_was_asked_for():
    found = told(lambda h: h[:, 0], steps=5, step_size=0.25)
    torch.testing.assert_close(found.after - found.before, torch.full((16,), 1.25))
    assert told(lambda h: -h.square().sum(1), step_size=1e3).works  # too long a step is halved until it helps


def test_each_chain_goes_its_own_way():
    both = told(lambda h: -(h - 1).square().sum(1))
    alone = diagnose(lambda h: -(h - 1).square().sum(1), STARTS[3:4])
    torch.testing.assert_close(both.after[3:4], alone.after)


def cut(h: Tensor) -> Tensor:
    return h.detach().square().sum(1).neg()


def flat(h: Tensor) -> Tensor:
    return (h * 0).sum(1) - 4


def unused(h: Tensor) -> Tensor:
    return torch.full((len(h),), -4.0, requires_grad=True) * 1


@pytest.mark.parametrize("objective", [cut, flat, unused])
def test_no_gradient(objective):
    found = told(objective)
    assert not found.works
    assert found.rose == 0
    assert "is zero" in found.verdict
    torch.testing.assert_close(found.after, found.before)


def test_values_that_are_not_finite():
    found = told(lambda h: h[:, 0].log())
    bad = int((STARTS[:, 0] <= 0).sum())
    assert f"not a finite number at {bad} of 16 starts" in found.verdict
    assert not found.works
    assert "finite" in told(lambda h: h[:, 0].clamp(max=0).mul(0).add(1e-30).sqrt() * 1e38 * 1e38).verdict


class Turned(torch.autograd.Function):
    """-|h|² with the gradient of +|h|²: the sign mistake of public re-implementations."""

    @staticmethod
    def forward(ctx, h):
        ctx.save_for_backward(h)
        return -h.square().sum(1)

    @staticmethod
    def backward(ctx, grad):
        return 2 * ctx.saved_tensors[0] * grad[:, None]


def test_a_gradient_of_the_wrong_sign():
    found = told(Turned.apply)
    assert not found.works
    assert found.rose == 0
    assert "rises in only 0% of the chains, although the gradient is not zero" in found.verdict


def test_half_of_the_chains():
    found = told(lambda h: torch.where(torch.arange(len(h)) < 8, Turned.apply(h), -h.square().sum(1)))
    assert (found.rose, found.works) == (0.5, False)


def test_nothing_left_to_climb():
    found = told(lambda h: -(h * 1e-9).square().sum(1))
    assert found.works
    assert "nothing left to climb" in found.verdict


def test_it_changes_nothing():
    before, random = STARTS.clone(), torch.get_rng_state()
    told(lambda h: -h.square().sum(1))
    torch.testing.assert_close(STARTS, before, rtol=0, atol=0)
    assert torch.equal(random, torch.get_rng_state())
    assert not STARTS.requires_grad


def test_every_verdict_is_one_sentence_with_a_remedy():
    for objective in (cut, Turned.apply, lambda h: h[:, 0].log(), lambda h: -h.square().sum(1)):
        found = told(objective)
        assert all(text.endswith(".") and "\n" not in text for text in (found.verdict, found.remedy))


def test_what_cannot_be_asked():
    for more in ({"steps": 0}, {"step_size": 0.0}):
        with pytest.raises(ValueError, match="at least one start and step"):
            told(cut, **more)


def test_a_real_classifier_rises_from_codes_and_from_noise(trained):
    from models.run import Run

    run = Run.open(trained, data=False, write=False)
    parts = run.algorithm.parts(run.state)
    starts = torch.cat([parts.codes[:4], parts.mean + parts.sd * STARTS[:4, :1]])
    found = diagnose(lambda h: parts.C_logits(h)["class"].log_softmax(1)[:, 1], starts)
    assert found.works
    assert found.rose == 1
