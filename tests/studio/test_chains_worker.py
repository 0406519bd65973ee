"""The thread of the chains: what goes in, what comes out, and that steering it is the same as steering the chains."""

from __future__ import annotations

import pickle
import shutil

import numpy as np
import pytest
from PIL import Image

from models.chains import SCALARS, Chains
from models.run import Run
from studio.chainmessages import ChainsFrame, ChainWish
from studio.workers.chains import RATE, ChainWorker
from studio.workers.chainviews import POINTS, History, example, knows, peaks

WAIT = 20_000
ALL = (frozenset({"judge", "traces", "strip", "mixing"}), 5)
SIGNALS = (
    "ready",
    "opened",
    "framed",
    "traced",
    "judged",
    "stripped",
    "mixed",
    "pictured",
    "plugged",
    "tried",
    "froze",
    "recorded",
    "trouble",
    "written",
)


class Desk:
    """A worker, and everything it has said."""

    def __init__(self, qtbot) -> None:
        self.qtbot, self.worker, self.said = qtbot, ChainWorker(), {name: [] for name in SIGNALS}
        for name in SIGNALS:
            getattr(self.worker, name).connect(lambda *content, name=name: self.said[name].append(content))
        self.worker.framed.connect(lambda _: self.worker.taken())
        self.worker.start()

    def ask(self, kind, content=None, until="framed"):
        """Ask, and wait for the next answer."""
        before = len(self.said[until])
        self.worker.ask_for(kind, content)
        self.qtbot.waitUntil(lambda: len(self.said[until]) > before, timeout=WAIT)
        return self.said[until][-1]

    def step(self):
        """One step, and its frame."""
        to = self.frame.step + 1
        self.worker.ask_for("step")
        self.qtbot.waitUntil(lambda: self.frame.step == to, timeout=WAIT)

    @property
    def frame(self) -> ChainsFrame:
        return self.said["framed"][-1][0]


@pytest.fixture
def desk(qtbot):
    made = Desk(qtbot)
    yield made
    made.worker.quit_chains()
    assert made.worker.wait(WAIT)


@pytest.fixture
def going(desk, chain_run):
    """Four chains on the tiny run."""
    desk.ask("run", (chain_run, "tiny"), "ready")
    desk.ask("open", wish(), "framed")
    return desk


@pytest.fixture(scope="module")
def parts(chain_run):
    run = Run.open(chain_run, data=False, write=False)
    yield run.algorithm.parts(run.state)
    run.close()


def wish(**more) -> ChainWish:
    return ChainWish("noiseless-joint", ("colour=red",), **{"chains": 4, "seed": 3, "change": {"epsilon3": 1e-2}} | more)


def alike(parts) -> Chains:
    w = wish()
    return Chains(parts, w.variant, w.wishes, w.change, chains=w.chains, seed=w.seed)


def test_a_run_is_told_with_what_it_can_do(desk, chain_run, encoder_run):
    (facts,) = desk.ask("run", (chain_run, "tiny"), "ready")
    assert (facts.size, facts.channels, facts.scorer, facts.title) == (32, 3, True, "tiny")
    assert all(not m.why_not for m in facts.members)
    assert facts.knows.heads["colour"][0] == "red"
    assert "circle" in facts.knows.words
    assert facts.knows.layers["h"] == (8,)
    (less,) = desk.ask("run", (encoder_run, "encoder"), "ready")
    why = {m.name: m.why_not for m in less.members}
    assert not why["am"]
    assert "needs the phase 'generator'" in why["noiseless-joint"]
    assert desk.ask("run", None, "ready") == (None,)


def test_frames_are_those_of_the_chains_and_a_step_back_is_exact(going, parts):
    here = alike(parts)
    assert np.array_equal(going.frame.pictures, here.pictures())
    for _ in range(3):
        going.step()
    here.step(3)
    assert going.frame.step == 3
    assert np.array_equal(going.frame.pictures, here.pictures())
    assert going.frame.last == pytest.approx(np.stack([v[:, -1] for v in here.trace().values()], -1), nan_ok=True)
    two = going.said["framed"][-2][0]
    going.ask("back")
    assert going.frame.step == 2
    assert np.array_equal(going.frame.pictures, two.pictures)
    assert pickle.loads(pickle.dumps(going.frame)).step == 2


def test_everything_is_turned_between_two_steps(going, parts):
    here = alike(parts)
    going.step()
    here.step()
    going.worker.ask_for("knobs", ({"epsilon2": 7.0}, None))
    going.worker.ask_for("ask", (("background=mint", "count=two:-0.5"), {"epsilon1": 0.3}))
    going.step()
    going.step()
    here.set({"epsilon2": 7.0})
    here.ask(["background=mint", "count=two:-0.5"])
    here.set({"epsilon1": 0.3})
    here.step(2)
    assert np.array_equal(going.frame.pictures, here.pictures())
    record, step = going.ask("record", None, "recorded")
    assert record == here.record()
    assert step == Run.open(going.worker._run.folder.path, data=False, write=False).state.step


def test_a_reset_starts_again_with_what_is_in_force(going, parts):
    going.step()
    going.worker.ask_for("knobs", ({"epsilon2": 7.0}, None))
    going.ask("reset", None, "opened")
    going.step()
    here = Chains(parts, "noiseless-joint", ["colour=red"], {"epsilon3": 1e-2, "epsilon2": 7.0}, chains=4, seed=3)
    here.step()
    assert going.frame.step == 1
    assert np.array_equal(going.frame.pictures, here.pictures())


def test_frames_are_looked_at_and_forked(going, parts):
    for _ in range(3):
        going.step()
    one = going.said["framed"][-3][0].pictures
    going.ask("look", 2)
    assert (going.frame.step, going.frame.back) == (1, 2)
    assert np.array_equal(going.frame.pictures, one)
    going.ask("fork", (2, 2, 0.1))
    here = alike(parts)
    here.step(3)
    here.fork(2, 2, 0.1)
    assert going.frame.back == 0
    assert np.array_equal(going.frame.pictures, here.pictures())
    assert np.array_equal(going.frame.pictures[2], one[2])
    going.ask("back")
    assert np.array_equal(going.frame.pictures, going.said["framed"][-4][0].pictures)
    assert going.worker._history.n == 3


def test_it_plays_at_most_so_many_frames_and_only_those_that_are_taken(qtbot, chain_run):
    desk = Desk(qtbot)
    try:
        desk.ask("run", (chain_run, "tiny"), "ready")
        desk.ask("open", wish(), "framed")
        desk.ask("want", ALL, "mixed")
        desk.worker.ask_for("play")
        qtbot.waitUntil(lambda: desk.frame.step > 25, timeout=WAIT)
        frames = [f for (f,) in desk.said["framed"]]
        assert len(frames) < desk.frame.step
        assert frames[-1].rate
        with qtbot.waitSignal(desk.worker.paused, timeout=WAIT):
            desk.worker.ask_for("pause")
        desk.ask("want", ALL, "mixed")
        at = desk.frame.step
        qtbot.wait(150)
        assert desk.frame.step == at
        (traces,), (mixed,), (strip,), (judged,) = (desk.said[n][-1] for n in ("traced", "mixed", "stripped", "judged"))
        assert traces.steps.tolist() == list(range(1, at + 1))
        assert traces.mean.shape == traces.own.shape == (at, len(SCALARS))
        assert traces.judged[-1, 0] == at
        assert (mixed.chains, mixed.draws) == (4, at // 2)
        assert strip.steps[0] == 0
        assert strip.steps[-1] == at
        assert len(strip.pictures) == 5
        assert np.array_equal(strip.pictures[-1], desk.frame.pictures[0])
        assert len(judged.agreed) == 4
        assert any(s.name == "red" and s.wanted for s in judged.shares) or any("red" in s.name and s.wanted for s in judged.shares)
        assert RATE <= 15
    finally:
        desk.worker.quit_chains()
        assert desk.worker.wait(WAIT)


def test_a_frame_that_nobody_takes_holds_the_next_ones_back(qtbot, chain_run):
    worker, frames, said = ChainWorker(), [], []
    worker.framed.connect(frames.append)
    worker.opened.connect(said.append)
    worker.start()
    try:
        worker.ask_for("run", (chain_run, "tiny"))
        worker.ask_for("open", wish())
        qtbot.waitUntil(lambda: bool(frames), timeout=WAIT)
        worker.ask_for("play")
        qtbot.waitUntil(lambda: worker._chains.t > 20, timeout=WAIT)
        assert len(frames) == 1
        worker.taken()
        qtbot.waitUntil(lambda: len(frames) == 2, timeout=WAIT)
    finally:
        worker.quit_chains()
        assert worker.wait(WAIT)


def test_slow_is_slow(going, qtbot):
    going.worker.ask_for("speed", 5.0)
    going.worker.ask_for("play")
    qtbot.waitUntil(lambda: going.frame.step >= 2, timeout=WAIT)
    qtbot.wait(400)
    assert going.frame.step <= 6


def test_what_cannot_be_had_is_one_sentence_and_nothing_is_lost(going, tmp_path):
    trouble, asked = going.ask("ask", (("colour=rad",), {}), "trouble")
    assert asked == "ask"
    assert "did you mean 'red'" in trouble.sentence
    assert not trouble.details
    trouble, _ = going.ask("knobs", ({"epsilon2": -1.0}, None), "trouble")
    assert "ε2" in trouble.sentence
    (tmp_path / "no.png").write_bytes(b"no picture")
    trouble, _ = going.ask("picture", tmp_path / "no.png", "trouble")
    assert trouble.sentence == "no.png is not a picture that can be read: choose another picture."
    trouble, _ = going.ask("picture", tmp_path / "gone.png", "trouble")
    assert "gone.png cannot be read" in trouble.sentence
    trouble, _ = going.ask("plug", (str(tmp_path / "gone.safetensors"), None), "trouble")
    assert "There is no classifier at" in trouble.sentence
    going.step()
    assert going.frame.step == 1


def test_a_run_of_another_system_is_refused(desk, tmp_path):
    from tests.studio.tiny import pictures, run_with_history

    run_with_history(tmp_path / "began", pictures(tmp_path / "data"))
    trouble, asked = desk.ask("run", (tmp_path / "began", "b"), "trouble")
    assert asked == "run"
    assert "is no run of PPGN" in trouble.sentence


def test_diverging_chains_are_told_once(going, qtbot):
    going.worker._chains.state.scores[1, :, 0] = float("nan")  # as a network that overflows leaves it
    going.ask("step", None, "froze")
    going.step()
    going.step()
    assert going.said["froze"] == [(1, 1)]
    assert going.frame.frozen.tolist() == [False, True, False, False]


def test_a_picture_starts_the_chains_and_a_mask_keeps_its_rest(going, tmp_path):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (64, 96, 3), np.uint8)).save(tmp_path / "p.png")
    picture, source = going.ask("picture", tmp_path / "p.png", "pictured")
    assert picture.shape == (32, 32, 3)
    assert source.endswith("p.png")
    hole = np.zeros((32, 32), bool)
    hole[8:24, 8:24] = True
    going.ask("open", wish(start=picture, hole=hole, change={"epsilon4": 0.1}), "opened")
    assert going.said["opened"][-1][0].terms == ("prior", "condition", "context")
    going.step()
    shown = going.frame.pictures
    assert np.array_equal(shown[0][~hole], picture[~hole])
    assert not np.array_equal(shown[0][hole], picture[hole])


def test_another_classifier_is_plugged_and_taken_out_again(going, chain_run):
    (plugged,) = going.ask("plug", (f"{chain_run}#scorer", None), "plugged")
    assert plugged.wishes == ("colour=red",)
    assert plugged.name
    assert plugged.knows.words == ()  # a scorer says no sentences
    going.step()
    assert going.worker._chains.setup.classifier is not None
    (own,) = going.ask("own", None, "plugged")
    assert own.name == ""
    assert "circle" in own.knows.words
    (tried,) = going.ask("why", None, "tried")
    assert tried.verdict
    assert tried.remedy


def test_a_program_waits_for_trust(going, tmp_path, qtbot):
    import torch

    class Net(torch.nn.Module):
        def forward(self, x):
            return x.flatten(1)[:, :3]

    path = tmp_path / "net.pt2"
    any_batch = ({0: torch.export.Dim("b")},)
    torch.export.save(torch.export.export(Net(), (torch.zeros(2, 3, 32, 32),), dynamic_shapes=any_batch), path)
    with qtbot.waitSignal(going.worker.untrusted, timeout=WAIT) as blocker:
        going.worker.ask_for("plug", (str(path), None))
    spec, sha, sentence = blocker.args
    assert spec == str(path)
    assert len(sha) == 64
    assert sha in sentence
    assert going.worker._chains.setup.classifier is None
    (plugged,) = going.ask("plug", (spec, sha), "plugged")
    assert plugged.wishes != ("colour=red",)  # it knows no colours, so it is asked for something that it knows
    assert going.worker._chains.setup.classifier is not None


def test_a_run_is_not_held_open(going, chain_run, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(chain_run, copy)
    going.ask("run", (copy, "copy"), "ready")
    run = Run.open(copy, data=False)  # a second writer is refused while there is a first
    assert run.folder.writable
    run.close()


def test_history_follows_steps_and_forgets_them(parts):
    chains = alike(parts)
    history = History(4, len(SCALARS))
    assert history.last() is None
    history._rows = history._rows[:4]
    chains.step(30)
    history.follow(chains)
    assert history.n == 30
    chains.back(20)
    history.cut(chains.t)
    chains.step(2)
    history.follow(chains)
    assert history.n == 12
    want = np.stack(list(chains.trace().values()), -1)
    assert history.scalars(0) == pytest.approx(want.transpose(1, 0, 2), nan_ok=True)
    history.judged = [(2, np.zeros(4)), (12, np.ones(4))]
    history.cut(5)
    assert [step for step, _ in history.judged] == [2]


def test_long_walks_are_thinned_to_what_can_be_seen(parts):
    chains = alike(parts)
    chains.step(5)
    history = History(4, len(SCALARS))
    history._rows = np.random.default_rng(0).random((1024, 4, len(SCALARS)), np.float32)
    history.n = 1001
    frozen = np.array([True, False, False, False])
    traces = history.traces(2, frozen)
    assert len(traces.steps) <= POINTS + 1
    assert traces.steps[-1] == 1001
    assert traces.own[-1] == pytest.approx(history._rows[1000, 2])
    assert traces.mean[-1] == pytest.approx(history._rows[1000, 1:].mean(0))
    assert traces.own.max(0) == pytest.approx(history._rows[:1001, 2].max(0))
    assert traces.mean.min(0) == pytest.approx(history._rows[:1001, 1:].mean(1).min(0))
    thawed = history.traces(2, np.zeros(4, bool))  # other chains count now
    assert thawed.mean[-1] == pytest.approx(history._rows[1000].mean(0))


def test_extremes_stay_however_long_a_line_grows():
    y = np.random.default_rng(0).normal(size=(5000, 2)).astype(np.float32)
    y[2] = 40, -40
    y[:, 1][::3] = np.nan
    drawn = y[:0]
    for n in (10, 399, 401, 1200, 1213, 3001, 5000):
        x = np.arange(1, n + 1)
        at, line = peaks(x, y[:n])
        assert len(at) <= POINTS + 1
        assert np.all(np.diff(at) >= 0)
        assert (np.nanmax(line, 0) == np.nanmax(y[:n], 0)).all()
        assert (np.nanmin(line, 0) == np.nanmin(y[:n], 0)).all()
        assert (at[-1], line[-1, 0]) == (n, y[n - 1, 0])
        if n == 1213:  # as long stretches as of 1200 points
            assert np.array_equal(line[:290], drawn[:290], equal_nan=True)
        drawn = line
    at, line = peaks(np.arange(1000), np.full((1000, 1), np.nan))
    assert np.isnan(line).all()
    rising = peaks(np.arange(1000), np.arange(1000.0)[:, None])[1][:, 0]
    assert np.all(np.diff(rising) >= 0)


def test_an_example_is_understood(parts):
    from models.samplers.conditions import parse, room_of

    found = example(knows(parts, None))
    assert str(parse(found, room_of(parts))) == found
