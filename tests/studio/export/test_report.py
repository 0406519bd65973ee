"""The report: what it tells, that its links lead somewhere, and that its commands are commands."""

import re
import shlex
from dataclasses import replace

import pytest

from models.contract import Note, SetKnobs
from models.run import Run
from studio import recipe
from studio.cli import parser
from studio.export import curves, exporters, report, taking
from tests.studio.tiny import TINY, pictures


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    place = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAMPLING_STUDIO_HOME", str(place / "home"))
        run = Run.create(place / "my run", "began", str(pictures(place / "some pictures")), config=TINY, knob_values={"gamma": 0.3}, seed=3)
        for state, _ in run.train(60):
            if state.step == 20:
                run.apply(SetKnobs({"gamma": 0.4, "lr": 2e-4}))
            if state.step == 50:
                run.apply(Note("a | b *strong* <b>bold</b>\nsecond line"))
        for step in (20, 60):
            scores = {"frechet": score(0.123456 * step, "FD"), "kid": score(None, "KID"), "precision": score(0.5, "precision", "higher")}
            run.log("evaluated", "", step=step, scores=scores, n=100, seed=1)
        yield run
        run.close()


def score(value, label, direction="lower"):
    return {"value": value, "n": 100, "reference": 0.25, "direction": direction, "label": label, "doc": f"{label} in words", "spread": None}


@pytest.fixture
def written(run, tmp_path, monkeypatch):
    drawn = b'<svg width="1mm" height="1mm" viewBox="0 0 1 1"></svg>'  # what the drawing process makes is tested elsewhere
    monkeypatch.setattr(curves, "_drawn", lambda *_: drawn)
    record = taking.record_of(run, seed=2, count=6, needs=exporters()["report"].needs)
    return exporters()["report"].write(record, tmp_path / "the report.md")


def section(text, name):
    return text.split(f"\n## {name}\n")[1].split("\n## ")[0]


def test_its_files_lie_beside_it_and_its_links_lead_to_them(written, tmp_path):
    assert [str(f.relative_to(tmp_path)) for f in written] == [
        "the report.md",
        "the report.md.recipe.json",
        "the report_files/curves.svg",
        "the report_files/samples.png",
        "the report_files/reel.png",
    ]
    links = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", written[0].read_text("utf-8"))
    assert len(links) == 3
    for link in links:
        assert (tmp_path / link.replace("%20", " ")).is_file()
        assert "://" not in link
    for file in (written[0], *written[2:]):
        assert recipe.read(file)["state_hash"]


def test_what_it_tells(written, run):
    text = written[0].read_text("utf-8")
    assert text.startswith("# BEGAN on ")
    assert "arXiv:1703.10717" in text
    assert re.search(r": 24 pictures, \d+ of them for training; most are 36 × 40, colour", text)
    assert "6 samples of seed 2 at step 60" in text
    settings = section(text, "Settings")
    assert "| `n` |  | 4 | 24 | filters at the first scale; they grow linearly |" in settings
    assert "| `gamma` | γ | 0.4 | 0.75 | diversity ratio |" in settings
    assert "| 20 | `gamma` = 0.4, `lr` = 0.0002 |" in settings
    assert run.recipe()["state_hash"] in text


def test_evaluations_with_their_floors(written):
    told = section(written[0].read_text("utf-8"), "Evaluation")
    assert "Step 60, 100 samples of seed 1." in told
    assert "| FD | 7.407 | 0.25 | lower is better | 100 | FD in words |" in told
    assert "| KID | – | 0.25 |" in told
    assert "| step | FD | KID | precision |\n| --- | --- | --- | --- |\n| 20 | 2.469 | – | 0.5 |\n| 60 | 7.407 | – | 0.5 |" in told


def test_what_a_person_wrote_is_no_markup(written):
    told = section(written[0].read_text("utf-8"), "Journal")
    assert "| a \\| b \\*strong\\* &lt;b>bold&lt;/b> second line |" in told
    assert "evaluated" not in told
    rows = [line for line in told.splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1


def test_its_commands_make_the_run_again(written, run):
    block = re.search(r"```sh\n(.*?)```", written[0].read_text("utf-8"), re.DOTALL)
    commands = [shlex.split(line) for line in block[1].splitlines()]
    assert [c[:2] for c in commands] == [["sampling-studio", word] for word in ("train", "resume", "sample")]
    train, resume, sample = (parser().parse_args(c[1:]) for c in commands)
    assert train.data == run.folder.record["data"]["spec"]
    assert (train.seed, train.threads, train.steps, str(train.out)) == (3, run.plan.threads, 20, "my run")
    assert {"n=4", "h=8", "z=8", "batch=4", "gamma=0.3"} <= set(train.set)
    assert (resume.set, resume.steps) == (["gamma=0.4", "lr=0.0002"], 60)
    assert (sample.n, sample.seed) == (6, 2)


def test_the_commands_lead_to_the_same_weights(written, run, tmp_path, capsys, monkeypatch):
    from studio.cli import main

    monkeypatch.chdir(tmp_path)
    block = re.search(r"```sh\n(.*?)```", written[0].read_text("utf-8"), re.DOTALL)
    for line in block[1].splitlines()[:-1]:
        assert main(shlex.split(line)[1:]) == 0, capsys.readouterr()
    again = Run.open(tmp_path / "my run", write=False, data=False)
    assert again.recipe()["state_hash"] == run.recipe()["state_hash"]


def test_without_reel_evaluations_or_data_they_are_left_out(run, tmp_path):
    record = taking.record_of(run, seed=2, count=2)
    text = report.text(record, ["f/curves.svg", "f/samples.png"])
    assert "Over the training" not in text
    assert ": 24 pictures" not in text
    plain = [line for line in record.lines if line["what"] != "evaluated"]
    assert "Evaluation" not in report.text(replace(record, lines=tuple(plain)), ["f/curves.svg", "f/samples.png"])
