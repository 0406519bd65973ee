"""What a run notes about itself: its reel, TensorBoard's files, evaluations, the alarm."""

from types import SimpleNamespace

import numpy as np
import pytest

from models import watch as watching
from models.contract import Progress, Score, View
from models.errors import BadData
from models.run import Run


def score(value: float) -> Score:
    return Score(value, 8, 1.0, "lower", "Coverage", "how much", None)


@pytest.fixture
def make(tmp_path, toy, cpu, monkeypatch):
    """make(name="run", ...) is a new run of the toy that draws its weight as a grey, and is evaluated by it in three parts."""
    made: list[Run] = []

    def grey(state, n, seed):
        return View({"samples": np.full((n, 4, 4, 3), int(abs(float(state.net.weight.detach().sum())) * 40) % 256, np.uint8)})

    def evaluate(state, data, knobs, *, n, seed, rows):
        value = float(state.net.weight.detach().mean())
        yield Progress(0, 2, {})
        yield Progress(1, 2, {})
        yield Progress(2, 2, {"coverage": score(value), "frechet": score(float(len(rows)))})

    toy.sample, toy.evaluate = grey, evaluate
    monkeypatch.setattr("models.run.settings", lambda: SimpleNamespace(checkpoint_mb=0))  # none but those that must stay

    def create(name: str = "run", **options) -> Run:
        made.append(Run.create(tmp_path / name, "toy", "data", plan=cpu, **options))
        return made[-1]

    yield create
    for run in made:
        run.close()


def train(run: Run, until: int) -> None:
    for _ in run.train(until):
        pass


def evaluated(run: Run) -> list[int]:
    return [line["step"] for line in run.lines if line["what"] == "evaluated"]


def test_the_reel_has_a_frame_from_the_beginning_and_at_fixed_steps(make):
    run = make()
    train(run, 20)
    every = run.watch.reel.every
    assert run.watch.reel.steps() == list(range(0, 21, every))
    assert len(run.watch.reel.steps()) >= 5
    last = run.watch.reel.steps()[-1]
    assert last == 20
    assert np.array_equal(run.watch.reel.frame(20), run.algorithm.sample(run.state, 64, 0).pictures["samples"])


def test_going_back_forgets_later_frames_and_makes_the_same_ones_again(make):
    run = make()
    train(run, 8)
    train(run, 20)
    before = {s: run.watch.reel.frame(s).copy() for s in run.watch.reel.steps()}
    run.go_back(8)
    assert max(run.watch.reel.steps()) == 8
    train(run, 20)
    assert run.watch.reel.steps() == list(before)
    assert all(np.array_equal(run.watch.reel.frame(s), before[s]) for s in before)


def test_a_system_that_draws_no_pictures_is_asked_once(make, toy):
    asked = []
    toy.sample = lambda state, n, seed: asked.append(state.step) or View()
    train(make(), 20)
    assert asked == [0]


def test_an_evaluation_is_a_line_of_the_step_it_began_at(make):
    run = make()
    train(run, 8)
    weight = float(run.state.net.weight.detach().mean())
    parts = run.evaluation(n=8)
    assert next(parts).numbers["done"].tolist() == [0, 2]
    train(run, 12)
    views = list(parts)
    assert views[-1].numbers["done"].tolist() == [2, 2]
    assert views[-1].numbers["coverage"].tolist() == pytest.approx([weight, 1.0])
    (line,) = [line for line in run.lines if line["what"] == "evaluated"]
    assert (line["step"], line["n"], line["seed"]) == (8, 8, 0)
    assert line["scores"]["coverage"]["value"] == pytest.approx(weight)
    assert line["scores"]["frechet"]["value"] == 8.0
    assert "Coverage" in line["text"]


def test_evaluating_changes_nothing_of_the_run(make):
    plain, watched = make("plain"), make("watched")
    train(plain, 20)
    for until in (4, 8, 12, 20):
        train(watched, until)
        list(watched.evaluation(n=4))
    assert plain.recipe()["state_hash"] == watched.recipe()["state_hash"]
    assert plain.rows.tobytes() == watched.rows.tobytes()


def test_the_newest_healthy_checkpoint_stays(make):
    run = make()
    train(run, 2)
    list(run.evaluation(n=4))
    for until in range(3, 12):
        train(run, until)
    assert 2 in run.folder.steps()
    list(run.evaluation(n=4))
    for until in range(12, 17):
        train(run, until)
    assert 2 not in run.folder.steps()
    assert 11 in run.folder.steps()


def test_an_alarm_pins_the_step_before_and_leads_back_to_it(make, monkeypatch):
    run = make()
    spoken = {"now": ""}
    monkeypatch.setattr(watching, "alarm", lambda earlier, now: spoken["now"])
    train(run, 4)
    list(run.evaluation(n=4))
    train(run, 12)
    spoken["now"] = "Samples are collapsing."
    list(run.evaluation(n=4))
    (line,) = [line for line in run.lines if line["what"] == "alarm"]
    assert (line["step"], line["text"], line["before"]) == (12, "Samples are collapsing.", 4)
    assert {4, 12} <= run.folder.pins()
    assert run.watch.healthy == 4
    run.go_back(line["before"])
    assert run.state.step == 4
    assert evaluated(run) == [4]
    assert not [line for line in run.lines if line["what"] == "alarm"]


def test_the_alarm_hears_of_healthy_evaluations_and_is_told_once(make, monkeypatch):
    run, heard = make(), []
    bad = {8, 12, 20}
    monkeypatch.setattr(watching, "alarm", lambda earlier, now: heard.append([e["step"] for e in earlier]) or ("Bad." if now["step"] in bad else ""))
    for until in (4, 8, 12, 16, 20):
        train(run, until)
        list(run.evaluation(n=4))
    assert heard == [[], [4], [4], [4], [4, 16]]
    assert [(line["step"], line["before"]) for line in run.lines if line["what"] == "alarm"] == [(8, 4), (20, 16)]
    assert run.watch.healthy == 16


def test_an_evaluation_survives_going_back_to_its_step_and_a_kill(make):
    run = make()
    train(run, 4)
    parts = run.evaluation(n=4)
    next(parts)
    train(run, 8)
    list(parts)  # written at step 8, of step 4
    run.go_back(4)
    assert evaluated(run) == [4]
    list(run.evaluation(n=4))
    run.folder.close()  # a kill: nothing is saved after the line
    again = Run.open(run.folder.path)
    assert evaluated(again) == [4, 4]
    again.close()


def test_a_run_that_is_only_read_is_evaluated_without_a_word(make):
    run = make()
    train(run, 4)
    run.close()
    reader = Run.open(run.folder.path, write=False)
    before = (run.folder.path / "journal.jsonl").read_bytes()
    assert list(reader.view("evaluation", n=4))[-1].numbers["coverage"].shape == (2,)
    assert (run.folder.path / "journal.jsonl").read_bytes() == before


def test_tensorboard_is_off_unless_wanted(make):
    plain, wanted = make("plain"), make("wanted", tensorboard=True)
    for run in (plain, wanted):
        train(run, 8)
        run.close()
    assert not (plain.folder.path / "tensorboard").exists()
    assert [p for p in (wanted.folder.path / "tensorboard").iterdir() if p.stat().st_size > 0]
    again = Run.open(wanted.folder.path)
    assert again.watch.board is not None
    again.close()


def test_moved_data_are_found_again_and_remembered(make, toy):
    run = make()
    run.close()

    def elsewhere(spec, config, progress=None):
        if spec != "new":
            raise BadData(f"There is no {spec}.")
        return SimpleNamespace(id="0" * 16, spec=spec, title=spec)

    toy.open_data = elsewhere
    with pytest.raises(BadData, match=r"There is no data\. If the data of run were moved, name their new place with --data"):
        Run.open(run.folder.path)
    Run.open(run.folder.path, data_spec="new").close()
    Run.open(run.folder.path).close()


def test_every_checkpoint_has_a_frame(make):
    run = make()
    train(run, 7)
    assert run.folder.steps() == [0, 7]
    assert {0, 7} <= set(run.watch.reel.steps())
