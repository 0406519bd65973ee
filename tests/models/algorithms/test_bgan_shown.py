"""What BGAN shows, measures and warns of: views against direct computations, alarms, evaluations, refusals."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch

from models import checkpoint, knobs
from models.algorithms import bgan
from models.algorithms.bgan import given, measures, shown
from models.contract import View
from models.data.sentences import BETWEEN_TOKENS
from models.divergences import DIVERGENCES
from models.errors import BadInput, BadSetting
from models.nets.discrete import draw
from tests.models.algorithms.bgans import Case, made

ESTIMATORS = ("per-z", "global", "reinforce")


def look(case: Case, view: str, **request: Any) -> list[View]:
    """All that a view answers."""
    answer = bgan.views[view](case.state, case.data, case.knobs, **request)
    return [answer] if isinstance(answer, View) else list(answer)


@pytest.fixture
def source(request, black_and_white, sentences) -> tuple[str, dict[str, Any]]:
    """A kind of data as its source and settings."""
    pictures = str(black_and_white)
    return {
        "binary": (pictures, {}),
        "palette": (pictures, {"pixels": "palette", "colours": 2}),
        "continuous": (pictures, {"pixels": "continuous"}),
        "text": (str(sentences), {}),
        "rows": (str(sentences), {"T": 5}),  # all are cut, so none has an end
        "toy": ("toy-ring", {}),
    }[request.param]


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
        values = measures._values(state, told)
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
        take, fake = data.pictures, bgan.sample(case.state, n, 2).pictures["samples"]
        assert view.pictures["difference"].shape == (1, 28, 28, 1)
    else:
        share = lambda values: np.bincount(values.ravel(), minlength=config.V) / values.size  # noqa: E731
        take, fake = data.codes if config.kind == "palette" else data.rows, shown.drawn(case.state, n, 2)
        assert len(view.words["names"]) == config.V
    one, two = share(take(rows[:half])), share(take(rows[half:]))
    real = data.p if config.kind == "toy" else (one + two) / 2
    np.testing.assert_allclose(numbers["real"], real, atol=1e-6)
    np.testing.assert_allclose(numbers["fake"], share(fake), atol=1e-6)
    assert numbers["distance"] == pytest.approx(np.abs(real - share(fake)).mean(), abs=1e-6)
    assert numbers["floor"] == pytest.approx(np.abs(one - two).mean(), abs=1e-6)
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


# --- alarms -------------------------------------------------------------------------------------------------------


def told(case: Case, size: float, held: float = 0.0) -> list[str]:
    recent = {"ESS": np.full(50, size), "clamped": np.full(50, held)}
    events = bgan.between(case.state, recent, case.knobs)
    assert all(e.what == "alarm" for e in events)
    return [e.text for e in events]


def test_weights_that_collapse_are_told_once_and_again_only_after_they_recovered():
    case = made("toy-line", {}, {"M": 20})
    assert told(case, 10.0) == []
    (said,) = told(case, 1.5)
    assert "M = 20" in said
    assert "1.5 count" in said
    assert "lower d_lr, raise M, or set a penalty" in said
    assert told(case, 1.5) == []
    assert told(case, 2.2) == []  # above the limit of 2, but not clear of it
    assert told(case, 1.9) == []  # so this is no new collapse
    assert told(case, 3.0) == []
    assert len(told(case, 1.9)) == 1


def test_an_only_sample_of_a_z_is_an_alarm_where_weights_are_normalised_over_it():
    for estimator, count in (("per-z", 1), ("global", 0), ("reinforce", 0)):
        case = made("toy-line", {}, {"M": 1, "estimator": estimator})
        found = told(case, 1.0)
        assert len(found) == count
        assert all("M = 1" in said and "estimator=global" in said for said in found)
        assert told(case, 1.0) == []


def test_held_outputs_are_told_with_hysteresis(black_and_white):
    case = made(black_and_white, {"pixels": "continuous"}, {"divergence": "kl"})
    assert told(case, 1.0, 0.04) == []  # and the ESS of continuous pixels says nothing
    (said,) = told(case, 1.0, 0.3)
    assert said.startswith("30% of D's outputs are beyond what KL can take")
    assert told(case, 1.0, 0.02) == []
    assert told(case, 1.0, 0.3) == []
    assert told(case, 1.0, 0.005) == []
    assert len(told(case, 1.0, 0.06)) == 1


def test_what_is_told_is_part_of_the_state():
    case = made("toy-line", {}, {"M": 20})
    assert told(case, 1.0)
    assert checkpoint.flatten(case.state)[1]["plain"]["told"] == ["ESS"]


def test_reinforce_does_not_weigh():
    assert told(made("toy-line", {}, {"M": 20, "estimator": "reinforce"}), 1.0) == []


# --- evaluation ---------------------------------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch) -> None:
    """A fresh D that learns for a few steps."""
    monkeypatch.setattr(measures, "STEPS", 12)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("source", ["text", "toy"], indirect=True)
def test_an_evaluation_is_of_the_step_at_which_it_began(source):
    one, two = made(*source), made(*source)
    for case in (one, two):
        case.go(2)
    before = checkpoint.hash_of(one.state)
    alone = list(bgan.evaluate(one.state, one.data, one.knobs, n=40, seed=1))
    assert checkpoint.hash_of(one.state) == before
    beside = []
    for part in bgan.evaluate(two.state, two.data, two.knobs, n=40, seed=1):
        beside.append(part)
        two.go(1)
    assert beside[-1].scores == alone[-1].scores
    assert [p.done for p in beside] == sorted(p.done for p in beside)
    assert {p.total for p in beside} == {beside[-1].done}
    assert all(not p.scores for p in beside[:-1])
    assert all(score.value is not None and score.doc.endswith(".") for score in beside[-1].scores.values())


@pytest.mark.usefixtures("quick")
def test_scores_of_a_text(sentences):
    case = made(sentences, {}, {"divergence": "dv"})
    scores = list(bgan.evaluate(case.state, case.data, case.knobs, n=100, seed=1))[-1].scores
    assert set(scores) == {
        *(f"fresh_{name}" for name in ("js", "kl", "hellinger", "w1")),
        *(f"ngram_js{n}" for n in range(1, 5)),
        *("marginals", "D_fake", "duplicates", "novel"),
    }
    for n in range(1, 5):
        assert scores[f"ngram_js{n}"].value > scores[f"ngram_js{n}"].reference  # noise of a fresh G against real rows
    assert scores["marginals"].value > scores["marginals"].reference
    assert scores["novel"].value == 1
    said = bgan.sample(case.state, 100, 1).words["tokens"]
    assert scores["duplicates"].value == pytest.approx(1 - len(set(said)) / 100)
    assert 0 < scores["D_fake"].value < 1


def test_a_fresh_discriminator_tells_different_sets_from_equal_ones(sentences, monkeypatch):
    monkeypatch.setattr(measures, "STEPS", 60)
    case = made(sentences)
    values = np.random.default_rng(0).integers(2, case.config.V, (160, case.config.T))
    other = values.copy()
    other[:, ::2] = 2
    run = lambda a, b: drained(measures._estimates(case.state, measures._halves(a), measures._halves(b), 0))  # noqa: E731
    apart, alike = run(values[:80], other[80:]), run(values[:80], values[80:])
    assert apart["js"] > 0.3
    assert apart["js"] <= np.log(2) + 1e-6
    assert apart["hellinger"] <= 2
    for name in ("js", "kl", "hellinger", "w1"):
        assert apart[name] > 3 * abs(alike[name]), name
    assert run(values[:80], other[80:]) == apart


def drained(work: Any) -> Any:
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def test_scores_of_a_toy_are_its_exact_numbers():
    case = made("toy-categories")
    info = case.go(2)[-1]
    scores = list(bgan.evaluate(case.state, case.data, case.knobs, n=10, seed=0))[-1].scores
    assert set(scores) == {"KL", "D_f", "gap", "bias", "error"}
    for name, score in scores.items():
        assert score.value == pytest.approx(float(getattr(info, name)), abs=1e-6), name
        assert score.n == 32
    assert scores["D_f"].reference is None


# --- bad input ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", ["oracle", "some/where.npz"])
def test_an_oracle_is_refused(spec, monkeypatch):
    monkeypatch.setattr(given, "kind_of", lambda spec: "text")
    with pytest.raises(BadInput, match="oracle's tokens are numbers"):
        bgan.open_data(spec, bgan.Config())


def test_a_run_that_has_no_room_is_refused(cpu, monkeypatch):
    monkeypatch.setattr(bgan.device, "memory", lambda plan: 10**8)
    with pytest.raises(BadSetting, match=r"this cpu has 0 GB: lower batch"):
        bgan.init(bgan.Config(), 0, cpu)
    bgan.init(bgan.Config(n=4, full=8, batch=4), 0, cpu)


def test_what_is_only_of_other_data_is_refused(black_and_white, sentences):
    for spec in (black_and_white, sentences):
        with pytest.raises(BadInput, match="of a toy alone"):
            look(made(spec), "toy")
    with pytest.raises(BadInput, match="among pictures"):
        look(made(sentences), "detail", seed=0, index=0, ema=True)


# --- its cost -----------------------------------------------------------------------------------------------------


def test_the_work_of_a_step_counts_what_D_sees(black_and_white):
    case = made(black_and_white)
    count = lambda **values: shown.work(case.config, knobs.changed(case.knobs, values))["adversarial"]  # noqa: E731
    few, more = count(M=4), count(M=8)
    assert count(M=8, learn=4) == pytest.approx(more - (more - few) * 2 / 3)  # four are weighed and not learnt from: one pass of three
    assert count(M=4, learn=9) == few
    assert count(M=8, learn=0) == more


@pytest.mark.parametrize("source", ["binary", "palette", "continuous", "text", "toy"], indirect=True)
def test_the_seconds_of_a_preset_grow_with_its_steps(source):
    case = made(*source)
    preset = bgan.PRESETS["quick"]
    found = shown.predicted_seconds(case.config, case.state.plan, preset)
    assert 0 < found < 4000 * 60
    assert torch.get_num_threads() == 1
