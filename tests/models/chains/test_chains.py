from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from models.chains import SCALARS, Chains, grid, replay
from models.errors import BadInput, BadSetting
from models.samplers.conditions import parse, room_of
from models.samplers.parts import Classifier
from models.samplers.streams import Streams
from models.samplers.variants import VARIANTS
from tests.models.samplers.toys import SIZE, H, toy


def made(name: str = "noiseless-joint", wishes=("2",), change=None, **more) -> Chains:
    return Chains(toy()[0], name, wishes, change, **{"chains": 4, "seed": 1, **more})


def scores(chains: Chains, h: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Prior and condition of Noiseless Joint PPGN-h at h, each (chains, d), from the textbook."""
    h = h.clone().requires_grad_()
    x = chains.parts.G(h)
    code = chains.parts.E_features(x)[1]
    log_p = torch.log_softmax(chains.parts.C_logits(code)["digit"], 1)[:, 2].sum()
    return (code - h).detach(), torch.autograd.grad(log_p, h)[0]


# --- a step -------------------------------------------------------------------------------------------------------


def test_mode_paper_is_equation_11():
    chains = made(change={"epsilon1": 0.2, "epsilon2": 0.7, "epsilon3": 0.05, "clip": 0})
    h = chains.state.x
    prior, condition = scores(chains, h)
    noise = 0.05 * Streams(1, 4).normal(0, H).float()
    chains.step()
    torch.testing.assert_close(chains.state.x, h + 0.2 * prior + 0.7 * condition + noise)
    assert noise.std() > 0.02  # a number for each neuron, whose deviation is ε3 (not ε3², not one number for all)


def test_mode_released_moves_every_coordinate_by_the_step_size_on_average():
    change = {"mode": "released", "epsilon1": 0.2, "epsilon2": 0.7, "epsilon3": 0.05, "step_size": 0.3, "clip": 0}
    chains = made(change=change)
    h = chains.state.x
    prior, condition = scores(chains, h)
    d = 0.2 * prior + 0.7 * condition + 0.05 * Streams(1, 4).normal(0, H).float()
    chains.step()
    torch.testing.assert_close(chains.state.x, h + 0.3 * d / d.abs().mean(1, keepdim=True))
    torch.testing.assert_close((chains.state.x - h).abs().mean(1), torch.full((4,), 0.3))
    tenfold = made(change=change | {"epsilon1": 2, "epsilon2": 7, "epsilon3": 0.5})
    tenfold.step()
    torch.testing.assert_close(tenfold.state.x, chains.state.x)  # only ratios act


def test_noise_of_1e_17_is_a_whole_step_where_nothing_else_pulls():
    chains = made("dgn-am", change={"mode": "released", "epsilon1": 0, "epsilon2": 0, "epsilon3": 1e-17, "step_size": 0.1, "clip": 0})
    h = chains.state.x
    chains.step()
    torch.testing.assert_close((chains.state.x - h).abs().mean(1), torch.full((4,), 0.1))
    still = made("dgn-am", change={"mode": "released", "epsilon2": 0, "epsilon3": 0, "clip": 0})
    h = still.state.x
    still.step()
    assert torch.equal(still.state.x, h)


def test_a_chain_with_a_normal_prior_and_no_condition_has_the_variance_of_theory():
    """v' = (1 − ε1) v + ε3 ξ is stationary with ε3² / (1 − (1 − ε1)²): neither one number of noise for all nor ε3² as a deviation gives it."""
    chains = made("gaussian", change={"epsilon1": 0.1, "epsilon2": 0, "epsilon3": 0.2, "clip": 0}, chains=500)
    chains.step(60)
    x = chains.state.x.double()
    want, n = 0.2**2 / (1 - 0.9**2), x.numel()
    assert abs(float(x.var()) / want - 1) < 4.5 * math.sqrt(2 / n)
    assert abs(float(x.mean())) < 4.5 * math.sqrt(want / n)


def test_the_condition_is_climbed_and_the_prior_alone_closes_the_gap():
    climbing = made(change={"epsilon1": 0, "epsilon2": 1, "epsilon3": 0, "clip": 0})
    before = climbing.log_p().mean()
    climbing.step(60)
    assert climbing.log_p().mean() > before + 0.1
    resting = made(change={"epsilon1": 0.2, "epsilon2": 0, "epsilon3": 0, "clip": 0})
    resting.step(40)
    assert np.isnan(resting.trace()["angle"]).all()  # the condition does not pull
    gap = resting.trace()["gap"]
    assert gap[:, -1].mean() < 0.2 * gap[:, 0].mean()


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("mode", ["paper", "released"])
def test_every_variant_steps_in_both_modes_within_its_bounds(name, mode):
    chains = made(name, change={"mode": mode, "epsilon3": 0.01})
    chains.step(5)
    assert not chains.frozen.any()
    x = chains.state.x
    low, high = (-1, 1) if VARIANTS[name].space == "x" else (0, 2)
    assert low <= float(x.min()) <= float(x.max()) <= high
    assert chains.pictures().shape == (4, SIZE, SIZE, 1)
    rows = chains.trace()
    assert set(rows) == set(SCALARS)
    assert rows["log_p"].shape == (4, 5)
    assert np.isfinite(rows["prior"]).all() == (VARIANTS[name].prior != "none")


def test_a_chain_that_diverges_is_frozen_and_the_others_go_on():
    chains = made("gaussian", change={"epsilon1": 3.0, "epsilon2": 0, "clip": 0}, each={"epsilon1": [0.1, 1e6, 0.1, 0.1]})
    chains.step(20)
    assert chains.frozen.tolist() == [False, True, False, False]
    assert torch.isfinite(chains.state.x).all()
    assert np.isfinite(chains.log_p()).all()
    assert np.isfinite(chains.trace()["log_p"]).all()
    shown = chains.pictures()[1]
    chains.step(3)
    assert np.array_equal(chains.pictures()[1], shown)
    assert chains.agreed()[1] is False


def test_chains_of_one_batch_are_the_chains_one_would_get_alone():
    change = {"epsilon3": 0.05}
    whole = made(change=change, chains=3, each={"epsilon1": [0.0, 0.1, 0.4]}, wishes=[["0"], ["1"], ["2"]])
    whole.step(6)
    for i, e in enumerate((0.0, 0.1, 0.4)):
        alone = made(wishes=[[str(i)]] * 3, change=change | {"epsilon1": e}, chains=3)
        alone.step(6)
        torch.testing.assert_close(whole.state.x[i], alone.state.x[i])
    more = made(change=change, chains=5, each={"epsilon1": [0.0, 0.1, 0.4, 1, 1]}, wishes=[["0"], ["1"], ["2"], ["2"], ["2"]])
    more.step(6)
    torch.testing.assert_close(more.state.x[:3], whole.state.x)  # more chains change none


# --- a person's hand ----------------------------------------------------------------------------------------------


def test_steps_back_are_exact_and_so_are_the_steps_again():
    chains = made(change={"epsilon3": 0.1})
    chains.step(3)
    at, shown, rows = chains.state, chains.pictures(), chains.trace()
    chains.step(4)
    later = chains.state.x
    assert chains.back(4) == 4
    assert chains.t == 3
    assert torch.equal(chains.state.x, at.x)
    assert np.array_equal(chains.pictures(), shown)
    assert all(np.array_equal(chains.trace()[k], rows[k], equal_nan=True) for k in SCALARS)
    chains.step(4)
    assert torch.equal(chains.state.x, later)
    assert chains.back(100) == 7
    assert chains.back() == 0


def test_what_is_turned_acts_at_the_next_step_and_stays_when_steps_are_taken_back():
    chains = made()
    chains.step(2)
    chains.set({"epsilon1": 0, "epsilon2": 0, "epsilon3": 0, "clip": 0})
    here = chains.state.x
    chains.step(3)
    assert torch.equal(chains.state.x, here)
    chains.back(4)
    assert chains.knobs.epsilon1 == 0
    again = chains.state.x
    chains.step()
    assert torch.equal(chains.state.x, again)
    with pytest.raises(BadSetting, match="ε1"):
        chains.set({"epsilon1": -1.0})
    assert chains.knobs.epsilon1 == 0


def test_a_condition_and_its_network_are_swapped_in_the_middle():
    chains = made(wishes=["0"])
    chains.step(4)
    before = chains.log_p()
    chains.ask(["2", "1:-0.5"])
    assert not np.array_equal(chains.log_p(), before)  # of what is wanted now
    chains.step(4)
    with pytest.raises(BadInput, match="no class '9'"):
        chains.ask(["9"])
    parts = chains.parts
    network = Classifier("other", {"kind": ("cat", "dog")}, lambda x: {"kind": x.flatten(1)[:, :2] * 5}, None, {"spec": "other", "sha256": "0"})
    chains.plug(network, ["dog"])
    before = chains.log_p().mean()
    chains.step(20)
    assert chains.log_p().mean() > before
    assert chains.agreement() is None  # the scorer knows no dog
    assert chains.scorer_log_p() is None
    assert chains.top(0)[0][3] is None
    again = replay(parts, json.loads(json.dumps(chains.record())), [network])
    assert torch.equal(again.state.x, chains.state.x)
    with pytest.raises(BadInput, match="the classifier 'other', which is not at hand"):
        replay(parts, chains.record())
    chains.plug(None, ["2"])
    chains.step(2)
    again = replay(parts, json.loads(json.dumps(chains.record())), [network])
    assert torch.equal(again.state.x, chains.state.x)


def test_what_is_turned_and_turned_back_leaves_no_trace():
    chains = made()
    chains.step()
    before = chains.record()
    chains.set({"epsilon1": 0.5})
    chains.set({"epsilon1": 0.01})
    assert chains.record() == before


def test_a_frame_is_forked_into_all_chains():
    chains = made(change={"epsilon3": 0.05})
    chains.step(5)
    source = chains.pictures(3)[2]
    chains.fork(2, 3, 0.0)
    assert all(np.array_equal(p, source) for p in chains.pictures())
    assert chains.t == 5
    chains.step(2)
    assert not np.array_equal(chains.pictures()[0], chains.pictures()[1])
    assert chains.back(3) == 3  # a fork is taken back, too
    assert chains.t == 5
    chains.fork(2, 0, 0.5)
    assert np.array_equal(chains.pictures()[2], chains.pictures(1)[2])
    assert not np.array_equal(chains.pictures()[0], chains.pictures()[2])
    with pytest.raises(BadInput, match="Frames are kept of chains 0 to 3"):
        chains.fork(9)


def test_everything_a_hand_did_is_made_again_from_the_record():
    chains = made("joint", ["0"], {"epsilon3": 0.02}, chains=3)
    chains.step(3)
    chains.set({"epsilon1": 0.3})
    chains.step(2)
    chains.ask(["1"])
    chains.step(3)
    chains.fork(1, 4, 0.2)
    chains.step(2)
    chains.back(1)
    chains.set({"mode": "released", "objective": "logit"}, each={"epsilon2": [0.1, 1, 2]})
    chains.step(2)
    chains.back(1)
    chains.fork(0, 1, 0.0)
    chains.set({"objective": "released"})
    chains.step(2)
    record = json.loads(json.dumps(chains.record(), allow_nan=False))
    again = replay(toy()[0], record)
    assert torch.equal(again.state.x, chains.state.x)
    assert np.array_equal(again.pictures(), chains.pictures())
    assert again.record() == chains.record()
    assert all(np.array_equal(again.trace()[k], chains.trace()[k], equal_nan=True) for k in SCALARS)


# --- starts -------------------------------------------------------------------------------------------------------


def test_starts_from_noise_codes_and_a_picture():
    parts, _ = toy()
    assert made(chains=400).state.x.std() == pytest.approx(1, abs=0.1)
    codes = made(chains=400, start="codes").state.x
    assert float(codes.min()) >= 0
    assert float(codes.mean()) == pytest.approx(0.54, abs=0.05)  # of N(0.5, 0.5²) cut at 0
    picture = np.arange(SIZE * SIZE, dtype=np.uint8).reshape(SIZE, SIZE, 1) * 10
    x = torch.from_numpy(picture.astype(np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
    torch.testing.assert_close(made(start=picture).state.x, parts.E_features(x)[1].expand(4, -1))
    assert np.array_equal(made("am", start=picture).pictures()[3], picture)
    each = np.stack([picture, picture[::-1], picture, picture[:, ::-1]])
    assert np.array_equal(made("am", start=each).pictures(), each)
    again = replay(parts, json.loads(json.dumps(made("am", start=each).record())))
    assert np.array_equal(again.pictures(), each)


def test_a_mask_keeps_the_picture_outside():
    picture = np.full((SIZE, SIZE, 1), 200, np.uint8)
    hole = np.zeros((SIZE, SIZE), bool)
    hole[1:3, 1:3] = True
    chains = made(start=picture, hole=hole, change={"epsilon4": 0.1})
    chains.step(5)
    assert (chains.pictures()[:, ~hole] == 200).all()
    assert not (chains.pictures()[:, hole] == 200).all()
    assert np.isfinite(chains.trace()["context"]).all()
    again = replay(chains.parts, json.loads(json.dumps(chains.record())))
    assert np.array_equal(again.pictures(), chains.pictures())


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"start": "middle"}, "start from noise, codes or a picture; got 'middle'"),
        ({"start": np.zeros((5, 5, 1), np.uint8)}, "The start picture is 5×5×1, and this run's are 4×4×1"),
        ({"start": np.zeros((2, SIZE, SIZE, 1), np.uint8)}, "4 chains and 2 start pictures"),
        ({"hole": np.ones((SIZE, SIZE), bool)}, "needs the picture"),
        ({"start": np.zeros((SIZE, SIZE, 1), np.uint8), "hole": np.ones((3, 3), bool)}, "The mask is 3×3"),
        ({"start": np.zeros((SIZE, SIZE, 1), np.uint8), "hole": np.ones((SIZE, SIZE), bool)}, "covers everything"),
        ({"chains": 0}, "1 to 4,096 chains; got 0"),
        ({"each": {"epsilon1": [1.0]}}, "epsilon1 has 1 values, and there are 4 chains"),
        ({"each": {"mode": [1.0] * 4}}, "mode is the same for all chains"),
        ({"each": {"epsilon1": [-1.0] * 4}}, "ε1"),
        ({"wishes": []}, "at least one condition"),
        ({"wishes": [["1"], ["2"]]}, "4 chains and conditions for 2"),
        ({"change": {"epsilon3": math.nan}}, "ε3"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(more, sentence):
    with pytest.raises(BadInput) as caught:
        made(**more)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


# --- what is seen -------------------------------------------------------------------------------------------------


def test_agreement_top_and_frames():
    chains = made(chains=6)
    chains.step(12)
    theirs = chains.parts.scorer_logits(chains.seen())["digit"].argmax(1) == 2
    assert chains.agreed() == theirs.tolist()
    assert chains.agreement() == pytest.approx(float(theirs.float().mean()))
    log_p = chains.scorer_log_p()
    assert log_p is not None
    assert log_p.shape == (6,)
    best = chains.top(1, 3)
    assert len(best) == 3
    assert best[0][2] >= best[1][2] >= best[2][2]
    backs, frames = chains.strip(4, 5)
    assert backs[0] == 12
    assert backs[-1] == 0
    assert frames.shape == (5, SIZE, SIZE, 1)
    assert all(np.array_equal(f, chains.pictures(b)[4]) for f, b in zip(frames, backs, strict=True))
    assert [chains.step_of(b) for b in backs][-1] == 12
    assert chains.caption(0) == ""


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr("models.chains.MEMORY", 30_000)
    chains = made()
    chains.step(60)
    assert 2 <= chains.kept < 60
    assert chains.back(100) < 60
    assert chains.trace()["log_p"].shape[1] == chains.t


def test_a_grid_is_one_batch():
    wishes, each = grid([["0"], ["1"]], [{"epsilon1": 0.1}, {"epsilon1": 0.2}, {"epsilon1": 0.3}])
    assert wishes == [["0"]] * 3 + [["1"]] * 3
    assert each == {"epsilon1": [0.1, 0.2, 0.3, 0.1, 0.2, 0.3]}
    chains = made(wishes=wishes, chains=6, each=each)
    chains.step(2)
    assert chains.setup.conditions[4] == (parse("1", room_of(chains.parts)),)
