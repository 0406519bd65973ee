"""What BGAN shows: views against direct computations."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from models import checkpoint
from models.algorithms import bgan
from models.algorithms.bgan import shown
from models.contract import View
from models.data.sentences import BETWEEN_TOKENS
from models.divergences import DIVERGENCES
from models.errors import BadInput, BadSetting
from models.nets.discrete import draw
from tests.models.algorithms.bgans import Case, look, made

ESTIMATORS = ("per-z", "global", "reinforce")


# --- samples ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["text", "toy"], indirect=True)
def test_samples_of_texts_and_toys_are_words(source):
    case = made(*source)
    case.go(5, lr=0.05)
    view = bgan.sample(case.state, 70, 4)
    assert not view.pictures
    assert len(view.words["samples"]) == len(view.words["tokens"]) == len(view.numbers["length"]) == 70
    for said, tokens, length in zip(view.words["samples"], view.words["tokens"], view.numbers["length"], strict=True):
        parts = tokens.split(BETWEEN_TOKENS) if tokens else []
        assert set(parts) <= set(case.data.words)
        assert case.data.joiner.join(parts) == said
        assert len(parts) == length <= case.config.T
    assert len(set(view.words["samples"])) > 30
    few = bgan.sample(case.state, 3, 4)
    assert few.words["samples"] == view.words["samples"][:3]
    assert bgan.sample(case.state, 3, 5).words != few.words
    assert bgan.sample(case.state, 70, 4, ema=False).words != view.words
    assert bgan.sample(case.state, 0, 4).words["samples"] == []
    assert bgan.writes(case.config) == "text"


def test_samples_of_a_palette_have_its_colours(black_and_white):
    case = made(black_and_white, {"pixels": "palette", "colours": 2})
    pictures = bgan.sample(case.state, 5, 1).pictures["samples"]
    assert pictures.shape == (5, 28, 28, 3)
    assert set(map(tuple, pictures.reshape(-1, 3).tolist())) == set(map(tuple, case.data.palette.tolist()))
    assert case.state.palette == case.data.palette.tolist()


def test_samples_of_a_toy_are_of_its_distribution():
    case = made("toy-categories")
    state = case.state
    values = shown.drawn(state, 20_000, 1, ema=False)[:, 0]
    q = state.G.q().detach().double().numpy()
    assert np.abs(np.bincount(values, minlength=32) / 20_000 - q).max() < 5 * np.sqrt(q.max() / 20_000)


@pytest.mark.parametrize("source", ["binary", "text", "toy"], indirect=True)
def test_real_ones_are_held_out(source):
    case = made(*source)
    (view,) = look(case, "real", n=3)
    held = case.data.held_out[:3]
    if view.pictures:
        np.testing.assert_array_equal(view.pictures["real"], case.data.pictures(held))
    else:
        assert view.words["samples"] == [case.data.text(int(i)) for i in held]


# --- weights ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("divergence", ["gan", "dv"])
@pytest.mark.parametrize("source", ["binary", "palette", "continuous", "rows", "toy"], indirect=True)
def test_weights_are_normalised_within_each_z(source, divergence):
    case = made(*source, {"divergence": divergence})
    case.go(3, lr=3e-3)
    z, M = 3, 7
    (view,) = look(case, "weights", seed=1, z=z, M=M)
    n = view.numbers
    w = n["w"].reshape(z, M)
    np.testing.assert_allclose(w.sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(n["ess"], 1 / np.square(w).sum(1), rtol=1e-4)
    every = n["all"].reshape(-1, M)
    np.testing.assert_allclose(every.mean(1), 1, rtol=1e-5)
    np.testing.assert_allclose(every[:z], w * M, rtol=1e-5)
    np.testing.assert_allclose(n["ess_all"], M / np.square(every).mean(1), rtol=1e-4)
    assert (n["ess_all"] >= 1).all()
    assert (n["ess_all"] <= M * (1 + 1e-6)).all()
    assert n["M"].tolist() == [M]
    assert every.std() > 0
    F = judged(case, view).reshape(z, M)  # samples and weights go together: D judges those that are shown
    assert np.abs(F).max() < 10
    wanted = np.exp(F) / np.exp(F).sum(1, keepdims=True)
    np.testing.assert_allclose(w, wanted, rtol=0.02 if case.config.kind == "continuous" else 1e-3)  # pictures are rounded to bytes
    if divergence == "dv":
        assert n["log_beta"] == pytest.approx(0, abs=1e-5)


def judged(case: Case, view: View) -> np.ndarray:
    """F of samples as a view has them."""
    state, config, told = case.state, case.config, view.pictures.get("samples")
    if config.kind == "continuous":
        values = np.ascontiguousarray(told.transpose(0, 3, 1, 2))
    elif config.kind == "binary":
        values = (told.reshape(len(told), -1) // 255).astype(np.int64)
    elif config.kind == "palette":
        gaps = told.reshape(len(told), -1, 1, 3).astype(np.int64) - np.array(state.palette, np.int64)
        values = np.square(gaps).sum(-1).argmin(-1)
    else:
        values = np.array([[case.data.words.index(token) for token in row.split(BETWEEN_TOKENS)] for row in view.words["tokens"]])
    with torch.no_grad(), bgan.calm(state.D):
        return bgan.judged(state, values).numpy()


@pytest.mark.parametrize("given", [{"z": 0, "M": 5}, {"z": 33, "M": 5}, {"z": 2, "M": 0}, {"z": 2, "M": 1001}])
def test_weights_of_too_few_or_many_are_refused(given, black_and_white):
    with pytest.raises(BadInput, match="1 to 32 latents with 1 to 1,000 samples each"):
        look(made(black_and_white), "weights", seed=0, **given)


@pytest.mark.parametrize("source", ["binary", "palette", "continuous", "text"], indirect=True)
def test_scores_are_the_weights_of_the_samples(source):
    case = made(*source, {"divergence": "kl"})
    case.go(3, lr=3e-3)
    (view,) = look(case, "scores", seed=1, n=70, ema=False)
    values = shown.drawn(case.state, 70, 1, ema=False)
    values = values.transpose(0, 3, 1, 2).copy() if case.config.kind == "continuous" else values
    with torch.no_grad(), bgan.calm(case.state.D):
        F = bgan.judged(case.state, values)
    np.testing.assert_allclose(view.numbers["log w"], F.clamp(-10, 10).double().numpy(), atol=1e-5)
    assert view.numbers["log w"].std() > 0


@pytest.mark.parametrize("source", ["binary", "palette", "continuous"], indirect=True)
def test_a_loop_is_closed_and_changes_with_its_latents_alone(source):
    case = made(*source)
    path = look(case, "loop", seed=1, n=3, frames=12, ema=False)[0].pictures["path"]
    assert len(path) == 12
    change = np.array([np.abs(a.astype(int) - b).mean() for a, b in zip(path, np.roll(path, -1, 0), strict=True)])
    assert change.max() > 0
    assert change.max() < np.abs(path[0].astype(int) - bgan.sample(case.state, 2, 9).pictures["samples"][1]).mean()
    more = look(case, "loop", seed=1, n=3, frames=12, ema=False)[0].pictures["path"]
    np.testing.assert_array_equal(path, more)


def test_no_loop_of_a_text(sentences):
    with pytest.raises(BadInput, match="A loop through latents is of pictures"):
        look(made(sentences), "loop", seed=1, n=3, frames=12, ema=False)


# --- marginals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["binary", "palette", "continuous", "text", "toy"], indirect=True)
def test_marginals_are_the_frequencies_of_samples_and_data(source):
    case = made(*source)
    n = 18
    (view,) = look(case, "marginals", n=n, seed=2)
    numbers, data, config = view.numbers, case.data, case.config
    rows = data.order(0, 0, min(2 * n, len(data.train)))
    half = len(rows) // 2
    if config.kind in ("binary", "continuous"):
        share = lambda pictures: pictures.reshape(len(pictures), -1).mean(0) / 255  # noqa: E731
        take, fake = data.pictures, bgan.sample(case.state, half, 2).pictures["samples"]
        assert view.pictures["difference"].shape == (1, 28, 28, 1)
    else:
        share = lambda values: np.bincount(values.ravel(), minlength=config.V) / values.size  # noqa: E731
        take, fake = data.codes if config.kind == "palette" else data.rows, shown.drawn(case.state, half, 2)
        assert len(view.words["names"]) == config.V
    one, two = share(take(rows[:half])), share(take(rows[half:]))
    real, other = (data.p, one) if config.kind == "toy" else (one, two)
    np.testing.assert_allclose(numbers["real"], real, atol=1e-6)
    np.testing.assert_allclose(numbers["fake"], share(fake), atol=1e-6)
    assert numbers["distance"] == pytest.approx(np.abs(real - share(fake)).mean(), abs=1e-6)
    assert numbers["floor"] == pytest.approx(np.abs(real - other).mean(), abs=1e-6)
    assert numbers["distance"] > 0
    if config.kind == "palette":
        assert view.words["names"] == ["#000000", "#ffffff"]


def test_marginals_of_a_single_training_sample_are_refused(black_and_white):
    case = made(black_and_white)
    alone = copy.copy(case.data)
    alone.train = alone.train[:1]
    with pytest.raises(BadInput, match="use 2 or more"):
        look(case._replace(data=alone), "marginals", n=5, seed=0)


# --- the truth of a toy -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("divergence", list(DIVERGENCES))
def test_a_toy_is_shown_beside_its_truth(divergence):
    case = made("toy-ring", {"batch": 64}, {"divergence": divergence, "lr": 1e-2})
    case.go(3)
    n = look(case, "toy")[0].numbers
    assert n["shape"].tolist() == [16, 16]
    np.testing.assert_allclose(n["p"], case.data.p, rtol=1e-5)
    np.testing.assert_allclose(n["ratio"], n["p"] / n["q"])
    np.testing.assert_allclose(n["tilde"], n["w"] * n["q"] / (n["w"] * n["q"]).sum())
    assert n["q"].sum() == pytest.approx(1)
    assert n["D_f"] - n["V"] == pytest.approx(n["gap"])
    assert n["gap"] > 0
    assert n["bias"] == pytest.approx(np.abs(n["p"] - n["tilde"]).sum() / 2)
    assert n["error"] == pytest.approx((n["q"] * np.abs(n["w"] - n["ratio"])).sum())
    with torch.no_grad():  # the best D: no gap, no bias
        u = torch.from_numpy(n["ratio"])
        case.state.D.layers.weight.copy_(DIVERGENCES[divergence].F_star(u)[None])
    best = look(case, "toy")[0].numbers
    for name in ("gap", "bias", "error"):
        assert float(best[name][0]) == pytest.approx(0, abs=2e-5)


# --- side by side -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["binary", "toy"], indirect=True)
def test_compared_divergences_are_runs_of_their_own(source):
    case = made(source[0], source[1] | {"warm": 2})  # which a comparison has no time for
    case.go(2)
    before = checkpoint.hash_of(case.state)
    request = {"seed": 3, "steps": 5, "every": 2, "estimator": "global"}
    views = look(case, "compare", divergences=("kl", "gan", "chi2"), **request)
    assert checkpoint.hash_of(case.state) == before
    assert [v.numbers["done"].tolist() for v in views] == [[t, 5] for t in range(1, 6)]
    assert ["steps" in v.numbers for v in views] == [False, True, False, True, True]
    last = views[-1].numbers
    assert last["steps"].tolist() == [2, 4, 5]
    alone = look(case, "compare", divergences=("gan",), **request)[-1]
    for name in ("V", "ESS", "D_real", "D_fake"):
        np.testing.assert_array_equal(alone.numbers[f"gan.{name}"], last[f"gan.{name}"])  # whatever stands beside it
        assert last[f"kl.{name}"].shape == (3,)
    fresh = made(*source, seed=3)  # and that is what a run of this seed does
    infos = fresh.go(5, estimator="global")
    assert last["gan.V"].tolist() == [float(infos[i].V) for i in (1, 3, 4)]
    assert ("gan.KL" in last) == (case.config.kind == "toy")
    if case.config.kind == "toy":
        assert [len(views[-1].words[name]) for name in ("kl", "gan", "chi2")] == [6, 6, 6]
    else:
        assert views[-1].pictures["chi2"].shape == (9, 28, 28, 1)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"divergences": ("gan", "wasserstein")}, "Compare one or more of gan, jsd.*wasserstein"),
        ({"divergences": ()}, "got none"),
        ({"steps": 0}, "0 steps"),
        ({"every": 0}, "at least one step"),
    ],
)
def test_what_cannot_be_compared(given, says):
    request = {"seed": 0, "steps": 2, "every": 1, "divergences": ("gan",), "estimator": "per-z"} | given
    with pytest.raises(BadInput, match=says):
        look(made("toy-line"), "compare", **request)
    with pytest.raises(BadSetting, match="estimator"):
        look(made("toy-line"), "compare", **request | {"divergences": ("gan",), "steps": 2, "every": 1, "estimator": "other"})


# --- the gradient's variance --------------------------------------------------------------------------------------


def test_the_variance_of_the_gradient_is_that_of_redrawn_gradients():
    """Numpy alone: the gradient of a table of logits by hand, with the trace of its covariance from all redraws at once."""
    case = made("toy-categories", {"batch": 6, "rows": 2}, {"M": 4})
    case.go(20, d_lr=10.0, lr=1e-2)
    state, redraws = case.state, 12
    numbers = look(case, "variance", redraws=redraws, seed=5)[-1].numbers
    rng = torch.Generator().manual_seed(5)
    table = state.G.table.weight.detach().double().numpy()
    F = state.D.layers.weight.detach().double().numpy()[0]
    g = np.exp(table) / np.exp(table).sum(1, keepdims=True)
    b, found = float(state.baseline), {name: [] for name in ESTIMATORS}
    for _ in range(redraws):
        z, u = torch.rand(6, 1, generator=rng), torch.rand(4, 6, 1, generator=rng)
        rows = (z[:, 0] * 2).long().numpy()
        x = draw(torch.from_numpy(table[rows])[:, :, None].float(), u)[..., 0].numpy()  # (M, N)
        log_w = F[x]
        e = np.exp(log_w)
        share = {"per-z": e / e.sum(0) / 6, "global": e / e.sum(), "reinforce": (log_w - b) / 24}
        for name, weight in share.items():
            gradient = np.zeros_like(table)
            for m in range(4):
                for n in range(6):
                    gradient[rows[n]] -= weight[m, n] * (np.eye(32)[x[m, n]] - g[rows[n]])
            found[name].append(gradient.ravel())
    for name, gradients in found.items():
        trace = np.var(gradients, axis=0, ddof=1).sum()
        assert numbers[name] == pytest.approx(trace, rel=1e-3), name
        length = np.square(np.mean(gradients, axis=0)).sum() - trace / redraws
        assert numbers[f"{name}.relative"] == pytest.approx(trace / max(length, trace / redraws), rel=1e-2), name
    assert numbers["done"].tolist() == [12, 12]


@pytest.mark.parametrize("source", ["binary", "text"], indirect=True)
def test_looking_at_the_variance_leaves_the_run_alone_and_reports_as_it_goes(source):
    case = made(*source)
    case.go(2)
    before = checkpoint.hash_of(case.state)
    views = look(case, "variance", redraws=12, seed=1)
    assert [v.numbers["done"].tolist() for v in views] == [[10, 12], [12, 12]]
    assert checkpoint.hash_of(case.state) == before
    assert all(p.grad is None for p in case.state.G.parameters())
    assert all(0 < float(views[-1].numbers[f"{name}.relative"][0]) <= 12 for name in ESTIMATORS)


def test_no_variance_of_one_redraw_or_of_continuous_pixels(black_and_white):
    with pytest.raises(BadInput, match="at least 2 redraws"):
        look(made("toy-line"), "variance", redraws=1, seed=0)
    with pytest.raises(BadInput, match="Continuous pixels"):
        look(made(black_and_white, {"pixels": "continuous"}), "variance", redraws=5, seed=0)
