"""What every system of the catalog must keep to."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import itertools
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from models import catalog, checkpoint, knobs
from models.contract import Algorithm, Phase, Plan, Progress, View
from models.errors import BadInput
from models.run import Run

SYSTEMS = list(catalog.ALGORITHMS)

# settings under which save -> load -> continue must be bit-equal: (config, knobs)
VARIANTS: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {
    "began": [
        ({}, {}),
        ({"residual": True, "carry_steps": 5}, {"eta": 2}),
        ({"layout": "figure", "mirror": True}, {"update": "alternating"}),
    ],
    "ppgn": [  # the other phases are in tests/models/algorithms/test_ppgn.py
        ({}, {}),
        ({"channels": 1}, {"robust": 0.0, "shift": 0}),
        ({"attributes": "first", "captions": False}, {"halving": 10, "beta1": 0.5}),
    ],
    "seqgan": [  # the other phases are in tests/models/algorithms/test_seqgan.py
        ({}, {"measure_every": 2}),
        ({"unit": "chars"}, {"replace": 0.5}),
        ({"long": "drop", "punctuation": "strip"}, {"halving": 10, "measure_every": 0}),
    ],
    "maskgan": [  # the other phases are in tests/models/algorithms/test_maskgan_training.py
        ({}, {}),
        (
            {"shared": True, "critic": "prefix"},
            {"dropout": "recurrent", "redraw": True, "noisy_reward": True, "measure_every": 2},
        ),
        (
            {"unit": "chars", "layers": 1},
            {"advantage": "td", "exponent": "place", "strategy": "random", "T_from": 4, "T_every": 1, "present_steps": 3, "present_from": 0.9},
        ),
    ],
    "bgan": [  # texts, toys and REINFORCE are in tests/models/algorithms/test_bgan.py
        ({}, {"M": 4}),
        (
            {"pixels": "palette", "colours": 2, "size": 32, "spectral": True, "full": 0},
            {"estimator": "global", "divergence": "dv", "M": 3, "learn": 1, "penalty": 2.0},
        ),
        ({"pixels": "continuous"}, {"d_steps": 2, "divergence": "kl", "penalty": 0.5, "boundary": "zero"}),
    ],
}
LACKING = (("maskgan", "fill"),)  # views some of whose numbers may be NaN, which means that there is none
LABELLED = ("ppgn",)  # systems that need classes
BLACK_AND_WHITE = ("bgan",)  # systems that take such pictures unless told otherwise
REFUSED = (("bgan", "toy"),)  # views of other data than the pictures that a system is trained on here
SHUFFLED = {"began": {"mirror": True}}  # settings that make batches more random
VIEWS: dict[str, dict[str, dict[str, Any]]] = {
    "began": {
        "samples": {"n": 5, "seed": 1, "ema": True},
        "real": {"n": 2},
        "detail": {"seed": 1, "index": 3, "ema": False},
        "interpolation": {"seed": 1, "a": 0, "b": 3, "steps": 4, "ema": True},
        "recovery": {"a": 0, "b": 2, "steps": 3, "iterations": 21},
        "held_out": {"n": 3},
        "scores": {"seed": 1, "n": 5, "ema": True},
        "loop": {"seed": 1, "n": 3, "frames": 6, "ema": True},
    },
    "ppgn": {
        "samples": {"n": 5, "seed": 1},
        "reconstruction": {"n": 2},
        "classes": {"n": 3},
        "captions": {"n": 2},
        "detail": {"seed": 1, "index": 3},
    },
    "seqgan": {
        "samples": {"n": 5, "seed": 1, "temperature": 0.8, "top_k": 5, "nucleus": 0.9, "prompt": "ba", "net": "seqgan"},
        "real": {"n": 2},
        "rewards": {"seed": 1, "index": 2, "N": 3},
        "tradeoff": {"n": 6, "seed": 0, "temperatures": (0.5, 1.0)},
        "blind": {"each": 3, "seed": 0, "temperature": 1.0},
    },
    "maskgan": {
        "samples": {"n": 5, "seed": 1, "temperature": 0.8, "top_k": 5, "nucleus": 0.9, "prompt": "ba", "net": "maskmle"},
        "real": {"n": 2},
        "fill": {"tokens": ("ba", "", "du", "never", "."), "blanks": (1, 2), "n": 3, "seed": 2, "k": 4, "open_end": False, "fixed": ((2, "fo"),)},
        "fixed": {},
        "drawn": {"seed": 3},
        "blind": {"each": 3, "seed": 0, "temperature": 1.0},
    },
    "bgan": {
        "samples": {"n": 5, "seed": 1, "ema": True},
        "real": {"n": 2},
        "weights": {"seed": 1, "z": 2, "M": 3, "ema": True},
        "marginals": {"n": 10, "seed": 1},
        "toy": {},
        "detail": {"seed": 1, "index": 3, "ema": False},
        "compare": {"seed": 1, "steps": 3, "every": 2, "divergences": ("gan", "chi2"), "estimator": "reinforce"},
        "variance": {"redraws": 3, "seed": 1},
    },
}


@pytest.fixture
def pictures(request, pictures, classes, black_and_white, sentences) -> Path:
    """What a system is trained on here."""
    name = request.node.callspec.params["name"]
    given = classes if name in LABELLED else black_and_white if name in BLACK_AND_WHITE else pictures
    return sentences if catalog.algorithm(name).WRITES == "text" else given


def equal(a: Any, b: Any) -> bool:
    """Whether two batches are: tensors, or tuples with tensors."""
    pairs = [(a, b)] if isinstance(a, torch.Tensor) else zip(a, b, strict=True)
    return all(torch.equal(p, q) for p, q in pairs if isinstance(p, torch.Tensor))


def plan(precision: Any = "float32", channels_last: bool = True) -> Plan:
    return Plan("cpu", 1, precision, channels_last, "off")


def started(name: str, small: dict, pictures: Path, seed: int = 3, how: Plan | None = None, config: Any = None, knob_values: Any = None):
    """(system, state, data, config, knobs, step) where step(n) takes n steps."""
    system = catalog.algorithm(name)
    cfg = knobs.make(system.Config, small[name] | (config or {}))
    knb = knobs.make(system.Knobs, knob_values or {})
    how = how or plan()
    torch.set_num_threads(how.threads)
    data = system.open_data(str(pictures), cfg)
    if hasattr(system, "fitted"):
        cfg = system.fitted(cfg, data)
    state = system.init(cfg, seed, how)
    if hasattr(system, "prepare"):
        system.prepare(state, data)
    return system, state, data, cfg, knb


def go(system, state, data, cfg, knb, steps: int, seed: int = 3) -> list[Any]:
    feed = system.batches(data, cfg, seed, state.step)
    return [system.step(state, next(feed), knb) for _ in range(steps)]


def looked(name: str, state: Any, data: Any, knb: Any) -> Iterator[tuple[str, list[View]]]:
    """Every view of a system with what it answers; one that is of other data refuses in a sentence."""
    for view, request in VIEWS[name].items():
        show = catalog.algorithm(name).views[view]
        if (name, view) in REFUSED:
            with pytest.raises(BadInput):
                show(state, data, knb, **request)
            continue
        answer = show(state, data, knb, **request)
        yield view, [answer] if isinstance(answer, View) else list(answer)


def digest(state) -> tuple[str, str]:
    tensors, header = checkpoint.flatten(state)
    return checkpoint.state_hash(tensors), repr(header)


# --- its file -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SYSTEMS)
def test_it_has_all_names_of_the_protocol(name):
    system = catalog.algorithm(name)
    wanted = set(Algorithm.__annotations__) | {k for k, v in vars(Algorithm).items() if isinstance(v, staticmethod)}
    assert wanted <= set(vars(system))
    for function in (k for k, v in vars(Algorithm).items() if isinstance(v, staticmethod)):
        ours = list(inspect.signature(getattr(system, function)).parameters)
        theirs = list(inspect.signature(getattr(Algorithm, function)).parameters)
        assert ours[: len(theirs) - (function == "sample")] == theirs[: len(theirs) - (function == "sample")], function


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_step_is_not_told_how_many_there_are(name):
    system = catalog.algorithm(name)
    assert list(inspect.signature(system.step).parameters) == ["state", "batch", "knobs"]


@pytest.mark.parametrize("name", SYSTEMS)
def test_presets_can_be_made_and_plots_draw_what_info_has(name):
    system = catalog.algorithm(name)
    assert next(iter(system.PRESETS)) == "quick"
    for key, preset in system.PRESETS.items():
        assert key == preset.name
        assert preset.doc
        assert preset.steps == sum(p.steps for p in preset.phases) > 0
        assert all(isinstance(p, Phase) and p.name for p in preset.phases)
        knobs.make(system.Config, preset.config)
        knobs.make(system.Knobs, preset.knobs)
    drawn = {c.field for plot in system.PLOTS for c in plot.curves}
    assert drawn <= set(system.Info._fields)
    assert system.BETWEEN > 0


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_state_is_what_a_checkpoint_can_hold(name, small):
    system = catalog.algorithm(name)
    state = system.init(knobs.make(system.Config, small[name]), 0, plan())
    assert (state.step, state.phase) == (0, 0)
    for f in dataclasses.fields(state):
        if f.metadata.get("saved", True):
            value = getattr(state, f.name)
            kinds = torch.nn.Module | torch.optim.Optimizer | torch.Generator | torch.Tensor | int | float | str | list | dict
            assert isinstance(value, kinds), f.name


# --- a step -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_seed_decides_over_everything(name, small, pictures):
    runs = []
    for seed in (3, 3, 4):
        torch.manual_seed(len(runs))  # the global generator must not matter
        case = started(name, small, pictures, seed)
        go(*case, 3, seed)
        runs.append(digest(case[1]))
    assert runs[0] == runs[1]
    assert runs[0][0] != runs[2][0]
    first, second = (digest(started(name, small, pictures, seed)[1])[0] for seed in (3, 4))
    assert first != second


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_knob_decides_over_the_very_next_step(name, small, pictures):
    case = started(name, small, pictures)
    go(*case, 2)
    twin = copy.deepcopy(case[1])
    system, _, data, cfg, knb = case
    go(*case, 1)
    go(system, twin, data, cfg, knobs.changed(knb, {"lr": 0.5 * knb.lr}), 1)
    assert digest(twin)[0] != digest(case[1])[0]


class _NoSync(TorchDispatchMode):
    """Fails on anything that waits for the device."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        assert func not in (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.is_nonzero.default, torch.ops.aten.nonzero.default), func
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("variant", [0, 1, 2])
def test_info_is_scalars_off_the_graph_and_no_step_waits_for_the_device(name, variant, small, pictures):
    config, knob_values = VARIANTS[name][variant]
    case = started(name, small, pictures, config=config, knob_values=knob_values)
    system, state = case[:2]
    feed = system.batches(case[2], case[3], 3, 0)
    for t in range(3):
        batch = next(feed)
        with _NoSync():
            info = system.step(state, batch, case[4])
        assert state.step == t + 1
        assert type(info) is system.Info
        for key, value in info._asdict().items():
            if value is not None:
                assert value.shape == (), key
                assert not value.requires_grad, key
                assert value.isfinite(), key


@pytest.mark.parametrize("name", SYSTEMS)
def test_infos_are_not_changed_by_later_steps(name, small, pictures):
    case = started(name, small, pictures)
    infos = go(*case, 2)
    before = [[None if v is None else v.clone() for v in info] for info in infos]
    go(*case, 3)
    for info, old in zip(infos, before, strict=True):
        assert all(a is b is None or torch.equal(a, b) for a, b in zip(info, old, strict=True))


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_global_generators_are_left_alone(name, small, pictures):
    torch.manual_seed(5)
    np.random.seed(5)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[index]
    case = started(name, small, pictures)
    go(*case, 2)
    case[0].sample(case[1], 2, 0)
    assert list(looked(name, case[1], case[2], case[4]))
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])  # type: ignore[index]


@pytest.mark.parametrize("name", SYSTEMS)
def test_looking_changes_nothing(name, small, pictures):
    case = started(name, small, pictures)
    system, state, data, _, knb = case
    go(*case, 2)
    before = digest(state)
    modes = [m.training for f in vars(state).values() if isinstance(f, torch.nn.Module) for m in f.modules()]
    assert list(looked(name, state, data, knb))
    system.sample(state, 3, 0)
    system.cost(case[3])
    assert digest(state) == before
    assert modes == [m.training for f in vars(state).values() if isinstance(f, torch.nn.Module) for m in f.modules()]
    twin = started(name, small, pictures)
    go(*twin, 4)
    go(*case, 2)
    assert digest(state) == digest(twin[1])


@pytest.mark.parametrize("name", SYSTEMS)
def test_batch_t_depends_on_seed_and_t_alone(name, small, pictures):
    system, _, data, cfg, _ = started(name, small, pictures, config=SHUFFLED.get(name))
    take = lambda seed, start, n: list(itertools.islice(system.batches(data, cfg, seed, start), n))  # noqa: E731
    whole = take(7, 0, 9)
    for start in (1, 5, 8):
        assert equal(take(7, start, 1)[0], whole[start])
    assert not equal(take(8, 5, 1)[0], whole[5])
    take(2**62, 10**9, 1)  # the largest seed of the command line


# --- save, load, continue -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("variant", [0, 1, 2])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("channels_last", [True, False])
def test_a_run_that_is_saved_and_loaded_goes_on_as_if_it_had_not_been(name, variant, precision, channels_last, small, pictures, tmp_path):
    config, knob_values = VARIANTS[name][variant]
    how = plan(precision, channels_last)
    make = lambda: started(name, small, pictures, how=how, config=config, knob_values=knob_values)  # noqa: E731
    whole, first, second = make(), make(), make()
    straight = go(*whole, 7)
    go(*first, 3)
    checkpoint.save(tmp_path / "x.safetensors", first[1], {})
    go(*second, 1)  # what is loaded must replace everything, also in a state that was used
    tensors, header = checkpoint.read(tmp_path / "x.safetensors")
    checkpoint.restore(second[1], tensors, header, tmp_path / "x.safetensors")
    assert digest(second[1]) == digest(first[1])
    rest = go(*second, 4)
    assert digest(second[1]) == digest(whole[1])
    for a, b in zip(straight[3:], rest, strict=True):
        assert all(p is q is None or torch.equal(p, q) for p, q in zip(a, b, strict=True))
    assert digest(first[1]) != digest(second[1])
    for key, value in vars(second[1]).items():  # the layout in memory decides over speed and bits
        other = getattr(whole[1], key)
        if isinstance(value, torch.optim.Optimizer):
            for p, q in zip(value.param_groups[0]["params"], other.param_groups[0]["params"], strict=True):
                assert p.stride() == q.stride()
                assert set(value.state[p]) == set(other.state[q])
                for k in value.state[p]:
                    assert value.state[p][k].stride() == other.state[q][k].stride(), k
                    assert value.state[p][k].dtype == other.state[q][k].dtype, k


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_total_of_steps_does_not_matter(name, small, pictures, tmp_path):
    hashes = []
    for i, totals in enumerate([(6,), (2, 6), (1, 2, 3, 4, 5, 6)]):
        run = Run.create(tmp_path / str(i), name, str(pictures), config=small[name], plan=plan())
        for total in totals:
            list(run.train(total))
        hashes.append(run.recipe()["state_hash"])
        run.close()
    assert len(set(hashes)) == 1


# --- what it shows ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("steps", [0, 2])
def test_every_view_answers_with_plain_arrays_from_the_first_step_on(name, steps, small, pictures):
    case = started(name, small, pictures)
    system, state, data, _, knb = case
    go(*case, steps)
    assert set(VIEWS[name]) == set(system.views)
    for view, answers in looked(name, state, data, knb):
        for v in answers:
            assert isinstance(v, View)
            for key, a in v.pictures.items():
                assert type(a) is np.ndarray, key
                assert a.dtype == np.uint8, key
                assert a.ndim == 4, key
                assert a.shape[-1] in (1, 3), key
            for key, a in v.numbers.items():
                assert type(a) is np.ndarray, key
                assert a.ndim == 1, key
                known = a[~np.isnan(a)] if (name, view) in LACKING else a
                assert np.isfinite(known).all(), key
            assert all(isinstance(w, str) for words in v.words.values() for w in words)
            back = pickle.loads(pickle.dumps(v))
            assert set(back.pictures) == set(v.pictures)


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_sample_does_not_depend_on_how_many_are_drawn(name, precision, small, pictures):
    case = started(name, small, pictures, how=plan(precision))
    system, state = case[:2]
    go(*case, 2)

    def take(n: int, seed: int) -> list[Any]:
        drawn = system.sample(state, n, seed)
        told = [*drawn.words["samples"]] if system.WRITES == "text" else [picture.tobytes() for picture in drawn.pictures["samples"]]
        return [(one, *(values[i] for values in drawn.numbers.values())) for i, one in enumerate(told)]

    many = take(130, 9)
    for n in (0, 1, 3, 17, 64, 65, 129):
        assert take(n, 9) == many[:n], n
    assert take(1, 10) != many[:1]
    assert len(set(many)) > 100


# --- how good it is -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("told", [False, True])
def test_an_evaluation_is_of_the_step_at_which_it_began(name, told, small, pictures):
    """Whatever is trained, drawn or looked at between its slices; and it leaves the State and the generators alone."""
    one, two = started(name, small, pictures), started(name, small, pictures)
    rows = []
    for case in (one, two):
        rows = np.array([[np.nan if v is None else float(v) for v in info] for info in go(*case, 3)], np.float32)
    how: Any = {"n": 10, "seed": 4, "rows": rows if told else None}
    system, state, data, _, knb = one
    torch.manual_seed(5)
    before = digest(state), torch.get_rng_state()
    alone = list(system.evaluate(state, data, knb, **how))
    assert (digest(state), torch.get_rng_state().tolist()) == (before[0], before[1].tolist())
    beside = []
    for part in system.evaluate(two[1], two[2], two[4], **how):
        beside.append(part)
        if len(beside) in (1, 2, 30):
            go(*two, 1)
    assert beside[-1].scores == alone[-1].scores
    go(*one, two[1].step - 3)
    assert digest(state) == digest(two[1])


@pytest.mark.parametrize("name", SYSTEMS)
def test_scores_are_plain_and_come_with_the_last_part(name, small, pictures):
    system, state, data, _, knb = started(name, small, pictures)
    parts = list(system.evaluate(state, data, knb, n=10, seed=0))
    assert all(isinstance(p, Progress) for p in parts)
    assert all(a.done <= b.done and a.total == b.total for a, b in itertools.pairwise(parts))
    assert all(not p.scores and p.done < p.total for p in parts[:-1])
    assert parts[-1].done == parts[-1].total
    assert parts[-1].scores
    for key, score in parts[-1].scores.items():
        assert score.direction in ("lower", "higher", "target", ""), key
        assert score.label, key
        assert score.doc.endswith("."), key
        assert "FID" not in score.label, key
        assert isinstance(score.n, int), key
        for value in (score.value, score.reference, score.spread):
            assert value is None or (type(value) is float and np.isfinite(value)), key
    json.dumps({k: s._asdict() for k, s in parts[-1].scores.items()}, allow_nan=False)


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_cost_of_a_step_grows_with_the_batch(name):
    system = catalog.algorithm(name)
    one, two = (system.cost(knobs.make(system.Config, {"batch": b})) for b in (8, 16))
    assert two == pytest.approx(2 * one)
    assert one > 0
