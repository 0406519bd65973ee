"""What the quick preset promises, reproduced: minutes, so `make results` runs it."""

from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

from models.algorithms.bgan import PRESETS
from models.chains import Chains
from models.divergences import DIVERGENCES
from models.run import Run
from tests.bench import bgan_results, maskgan_results

MNIST = Path(__file__).parents[3] / "shared" / "data" / "train-images-idx3-ubyte.gz"


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_held_out_error_and_convergence_fall_on_faces(tmp_path, monkeypatch):
    monkeypatch.setenv("SAMPLING_STUDIO_HOME", str(tmp_path / "home"))
    run = Run.create(tmp_path / "run", "began", "faces", config={"n": 16})
    held_out = {}
    for state, info in run.train(run.total):
        if info is not None and state.step in (500, run.total):
            held_out[state.step] = float(run.view("held_out", n=512).numbers["error"].mean())
    M = run.rows[:, run.folder.columns.index("M_global")]
    run.close()
    assert held_out[run.total] < held_out[500]
    assert np.mean(M[-200:]) < np.mean(M[300:500])


def evaluated(path, data: str, **options) -> dict[int, dict[str, float | None]]:
    """The scores of 2,000 samples of a quick run at step 500 and at its end."""
    run, found = Run.create(path, "began", data, **options), {}
    for state, info in run.train(run.total):
        if info is not None and state.step in (500, run.total):
            for _ in run.evaluation(n=2_000):
                pass
            found[state.step] = {name: score["value"] for name, score in run.lines[-1]["scores"].items()}
    run.close()
    return found


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_quick_samples_of_faces_come_nearer_without_twins(tmp_path, monkeypatch):
    monkeypatch.setenv("SAMPLING_STUDIO_HOME", str(tmp_path / "home"))
    first, last = evaluated(tmp_path / "run", "faces").values()
    assert last["frechet"] < first["frechet"]  # not half of it: see CHANGELOG and README for what was seen
    assert last["sliced_wasserstein"] < first["sliced_wasserstein"]
    assert last["duplicates"] < 0.05


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_diversity_rises_with_gamma(tmp_path, monkeypatch):
    """The paper's figure 3, in numbers."""
    monkeypatch.setenv("SAMPLING_STUDIO_HOME", str(tmp_path / "home"))
    found = [list(evaluated(tmp_path / str(g), "faces", knob_values={"gamma": g}).values())[-1] for g in (0.3, 0.5, 0.7)]
    assert found[0]["coverage"] < found[1]["coverage"] < found[2]["coverage"]
    assert found[0]["ssim"] > found[1]["ssim"] > found[2]["ssim"]


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.skipif(not MNIST.exists(), reason="../shared/data is not here")
@pytest.mark.timeout(3600)
def test_chains_of_digits_are_what_was_asked_for(tmp_path, monkeypatch):
    """Noiseless Joint PPGN-h from N(0, 1), last frames, judged by a classifier that nothing climbs; bench/ppgn_results.py has the whole table."""
    monkeypatch.setenv("SAMPLING_STUDIO_HOME", str(tmp_path / "home"))
    run = Run.create(tmp_path / "run", "ppgn", str(MNIST))
    for _ in run.train(run.total):
        pass
    parts = run.algorithm.parts(run.state)
    run.close()
    wishes = [[str(digit)] for digit in range(10) for _ in range(20)]
    chains = Chains(parts, "noiseless-joint", wishes, chains=200, seed=7)
    chains.step(200)
    right = np.array(chains.agreed(), dtype=float).reshape(10, 20).mean(1)
    assert right.mean() >= 0.9
    assert right.min() >= 0.7
    still = Chains(parts, "noiseless-joint", wishes, {"epsilon2": 0}, chains=200, seed=7)
    still.step(200)
    assert (still.agreement() or 0) < 0.25


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_likelihood_comes_most_of_the_way_to_an_oracle_and_d_learns_what_is_left(tmp_path, monkeypatch):
    """Whether the policy gradient then beats it is what tests/bench/seqgan_results.py tells; nothing is promised here."""
    monkeypatch.setenv("SAMPLING_STUDIO_HOME", str(tmp_path / "home"))
    run = Run.create(tmp_path / "run", "seqgan", "oracle")
    for _ in run.train(run.phases[0].steps + run.phases[1].steps):
        pass
    column = dict(zip(run.folder.columns, run.rows.T, strict=True))
    last = {name: values[np.isfinite(values)][-1] for name, values in column.items() if np.isfinite(values).any()}
    run.close()
    assert last["NLL_oracle"] < last["ceiling"] - 0.5 * (last["ceiling"] - last["floor"])
    assert last["right_fresh"] > 0.55


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_blanks_of_the_grammar_are_filled_and_the_tables_of_it_can_be_made(tmp_path, monkeypatch, capsys):
    """A tenth of the quick preset. Whether MaskGAN then beats MaskMLE is what tests/bench/maskgan_results.py tells; nothing is promised here."""
    monkeypatch.setenv("SAMPLING_STUDIO_HOME", str(tmp_path / "home"))
    options = Namespace(path=tmp_path, seeds=[1], set=[], steps=300, threads=1, redraws=40)
    found, _ = maskgan_results.one_seed(options, 1)
    mle, matched = found["MaskMLE"], found["MaskMLE, distinct-2 matched"]
    assert found["real"]["validity"] == 1
    assert mle["perplexity"] < 20 < 107  # of as many words
    assert mle["top-1"] < mle["top-5"] < 1
    assert found["MaskGAN"]["perplexity"] < 1.5 * mle["perplexity"]
    assert abs(matched["distinct-2"] - found["MaskGAN"]["distinct-2"]) < 0.02
    capsys.readouterr()
    options.path = tmp_path / "grammar-1"
    maskgan_results.of_critic(options)
    rows = [line.split("|") for line in capsys.readouterr().out.splitlines() if "±" in line and line.startswith("|")]
    traces = {name.strip(): float(trace.split("±")[0]) for _, name, trace, *_ in rows}
    assert traces["critic"] < traces["none"]
    maskgan_results.of_text(options)
    told = capsys.readouterr().out
    assert all(f"| {name} |" in told for name in ("real", "LM", "MaskMLE", "MaskGAN"))


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("hidden", "limit"), [(0, 0.05), (64, 0.15)])
@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_weights_of_a_toy_are_the_ratio_and_its_generator_arrives(hidden, limit, divergence):
    """BGAN, 32 categories: E_q|w − p/q| when D has learnt alone, and KL(p‖q) at the last step; exact sums."""
    error, _, start, end, least = bgan_results.toy_run(PRESETS["toy"], hidden, divergence, 11)
    assert start >= 0.5
    assert least >= 0.005
    assert error <= limit
    assert end < 0.01


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_digits_are_far_nearer_than_independent_pixels(tmp_path, monkeypatch):
    if not MNIST.exists():
        pytest.skip("MNIST is not here")
    monkeypatch.setenv("SAMPLING_STUDIO_HOME", str(tmp_path / "home"))
    wanted = Namespace(path=tmp_path, data=str(MNIST), steps=None, set=["pixels=threshold"], threads=1)
    run = bgan_results.trained(wanted, "gan", 11)
    found = bgan_results.measured(run)
    run.close()
    assert found["of independent pixels"] <= 0.5
    assert found["classes"] > 0.8
