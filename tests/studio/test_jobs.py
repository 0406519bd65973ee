"""The job without a thread: what a worker drives, and that it needs no Qt."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

from models.contract import SetKnobs
from models.errors import BadFile
from models.run import Run
from studio.messages import Export, NewRun, OldRun
from studio.verify import verify
from studio.workers.jobs import TrainingJob, memory
from tests.studio.tiny import REPO, TINY, pictures


@pytest.fixture
def wish(tmp_path):
    return NewRun("began", str(pictures(tmp_path / "pictures")), "quick", TINY, {"gamma": 0.5}, seed=2, path=tmp_path / "run")


@pytest.fixture
def job(wish):
    job = TrainingJob(wish)
    job.open(lambda done, total: None)
    yield job
    job.close(save=True)


def steps(job, count):
    driven = job.steps(None)
    for _ in range(count + 1):
        next(driven)


def test_it_needs_no_qt():
    program = "import sys; import studio.workers.jobs, studio.messages; print([m for m in sys.modules if m.startswith('PySide6')])"
    done = subprocess.run([sys.executable, "-c", program], cwd=REPO, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr


def test_a_new_run_tells_about_itself_in_picklable_words(job):
    about = job.about()
    assert (about.system, about.step, about.knobs["gamma"], about.config["n"]) == ("began", 0, 0.5, 4)
    assert about.rows.shape == (0, len(about.columns))
    assert about.held_out == len(job.run.data.held_out)
    assert pickle.loads(pickle.dumps(about)).path == about.path


def test_news_come_once_and_whole(job):
    steps(job, 3)
    first, rows = job.news()
    assert (first, len(rows)) == (0, 3)
    steps(job, 2)
    again, more = job.news()
    assert (again, len(more)) == (3, 2)
    assert np.array_equal(np.concatenate([rows, more]), job.run.rows)
    assert len(job.news()[1]) == 0


def test_going_back(job):
    steps(job, 2)
    job.run.save(pin=True)
    steps(job, 3)
    job.apply(SetKnobs({"gamma": 0.7}))
    about = job.go_back(2)
    assert (about.step, about.knobs["gamma"], len(about.rows)) == (2, 0.5, 2)
    assert job.news()[1].shape[0] == 0
    with pytest.raises(BadFile, match="no checkpoint of step 77"):
        job.go_back(77)


@pytest.mark.parametrize("name", ["sheet", "singles", "curves"])
def test_exports_are_drawn_now_and_written_later(job, tmp_path, name):
    steps(job, 2)
    write = job.export(Export(name, tmp_path / ("x" if name == "singles" else "x.csv" if name == "curves" else "x.png"), seed=3, count=4))
    steps(job, 2)  # the run goes on before anything is written
    files = write()
    assert 2 in job.run.folder.pins()
    assert verify(files[0]).verdict == "identical"


def test_an_old_run_that_is_only_looked_at_is_not_touched(job, wish):
    steps(job, 1)
    job.run.save()
    before = {p: p.stat().st_mtime_ns for p in wish.path.rglob("*") if p.is_file()}
    looking = TrainingJob(OldRun(wish.path, write=False))
    assert looking.open(lambda done, total: None).step == 1
    looking.view("samples", n=2, seed=0, ema=True)
    looking.close(save=True)
    assert {p: p.stat().st_mtime_ns for p in wish.path.rglob("*") if p.is_file()} == before


def test_closing_saves_only_a_good_state(wish):
    for save, kept in ((True, 2), (False, 0)):
        job = TrainingJob(NewRun(**{**vars(wish), "path": wish.path.with_name(f"run-{save}")}))
        job.open(lambda done, total: None)
        steps(job, 2)
        job.close(save=save)
        assert Run.open(job.run.folder.path, write=False, data=False).state.step == kept


def test_closing_what_never_opened(wish):
    TrainingJob(wish).close(save=True)


def test_memory_is_a_plausible_number_of_megabytes():
    assert 20 < memory() < 1e6
