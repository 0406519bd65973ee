"""Exported files dropped on the window: what their card says, and where each of its ways leads."""

import json
import shutil
import sys
import threading

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt

from studio import recipe
from studio.cli import main
from studio.export.contact import cells_in
from studio.pages import receiving
from tests.studio.driving import enter
from tests.studio.tiny import pictures, run_with_history


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run of 30 steps, and sheets of its steps 12 and 30."""
    place = tmp_path_factory.mktemp("doors")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAMPLING_STUDIO_HOME", str(place / "home"))
        run = run_with_history(place / "run", pictures(place / "pictures"))
        for step, seed in ((12, 5), (30, 8)):
            words = ["sample", str(run), "--step", str(step), "--seed", str(seed), "-n", "6", "--no-ema", "--out", str(place / f"{step}.png")]
            assert main(words) == 0
        assert main(["sample", str(run), "--step", "12", "--out", str(place / "curves.csv")]) == 0
    return place


@pytest.fixture
def opened(qtbot, window):
    """Wait until a run is open after something was done."""

    def wait(act):
        with qtbot.waitSignal(window.session.opened, timeout=30_000):
            act()
        return window.session.run

    return wait


def test_all_opens_the_run_as_it_was_and_a_click_another_of_its_samples(qtbot, window, made, opened):
    run = opened(lambda: enter(window, made / "12.png"))
    page, card = window.page, window.receiving.card
    assert (run.step, run.reading, run.path) == (12, True, made / "run")
    assert (page.seed.value(), page.ema.isChecked()) == (5, False)
    assert card.isHidden()
    assert page.samples.selection() == -1

    window.receive(made / "12.png")  # of the state that is open: nothing is opened again
    view = card.view
    assert card.facts.full_text().startswith("BEGAN · run · step 12 · seed 5 · ")
    place = view.cell(4).center()
    qtbot.mouseMove(view, QPoint(2, 2))
    qtbot.mouseMove(view, place)
    assert view.marked() == 4
    assert "Sample 4" in card.pointed.full_text()
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: page.samples.selection() == 4, timeout=20_000)
    assert window.session.run.step == 12
    assert page.seed.value() == 5
    assert card.isVisible()  # for the next click
    view.setFocus()
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Up, Qt.Key.Key_Return):
        qtbot.keyClick(view, key)
    qtbot.waitUntil(lambda: page.samples.selection() == 0, timeout=20_000)
    qtbot.keyClick(card, Qt.Key.Key_Escape)
    assert card.isHidden()


def test_the_newest_step_is_opened_to_go_on_with_and_parts_of_a_file_can_be_taken(window, made, opened):
    run = opened(lambda: enter(window, made / "30.png", "no-seed"))
    page = window.page
    assert (run.step, run.reading) == (30, False)
    assert page.seed.value() != 8
    enter(window, made / "12.png", "seed")
    assert window.session.run is run
    assert page.seed.value() == 5
    page.ema.setChecked(True)
    run = opened(lambda: enter(window, made / "12.png", "model"))
    assert (run.step, run.reading) == (12, True)
    assert (page.seed.value(), page.ema.isChecked()) == (5, True)


def test_ways_that_are_closed_say_why(window, made):
    window.receive(made / "12.png")
    card = window.receiving.card
    assert {take: b.isEnabled() for take, b in card.takes.items()} == {"all": True, "no-seed": True, "seed": False, "model": True}
    assert "Open a run first" in card.takes["seed"].toolTip()
    window.receive(made / "curves.csv")
    assert card.takes["all"].isEnabled()
    assert "no seed" in card.takes["no-seed"].toolTip()
    assert card.words.text().startswith("step,loss_real")


def test_a_recipe_beside_a_file_opens_that_file(window, made, tmp_path):
    for name in ("curves.csv", "curves.csv.recipe.json"):
        shutil.copy(made / name, tmp_path / name)
    window.receive(tmp_path / "curves.csv.recipe.json")
    card = window.receiving.card
    assert card.door.path == tmp_path / "curves.csv"
    (tmp_path / "curves.csv").unlink()
    window.receive(tmp_path / "curves.csv.recipe.json")
    assert card.title.full_text() == "Curves, of which only the recipe is here · curves.csv.recipe.json"
    assert card.takes["all"].isEnabled()
    assert not card.verify_button.isEnabled()


def test_samples_of_several_runs_that_are_not_seen_have_numbers(qtbot, window, made, opened, tmp_path):
    told = recipe.read(made / "12.png")
    parts = [recipe.of_sample(told, 1), recipe.of_sample(told | {"run": {"id": "f" * 16, "name": "another"}}, 2)]
    (tmp_path / "a.csv").write_text("text\na\nb\n")
    recipe.save_beside(tmp_path / "a.csv", recipe.gathered("board-csv", parts, [{}, {}]))
    window.receive(tmp_path / "a.csv")
    card = window.receiving.card
    assert card.pointed.full_text() == "The samples are of several runs: choose one by its number"
    assert card.picker.isVisible()
    card.number.setValue(1)
    assert "another" in card.pointed.full_text()
    card.open_button.click()
    assert "another is not where it was" in card.problem.text()
    assert card.find_button.isVisible()
    card.number.setValue(0)
    run = opened(card.open_button.click)
    assert (run.step, run.path) == (12, made / "run")


def test_a_picture_of_a_demo_sets_the_demo_up(qtbot, window, opened, tmp_path):
    from studio import demos

    shutil.copy(demos.demo("began").moving[0], tmp_path / "a.webp")
    window.receive(tmp_path / "a.webp")
    card = window.receiving.card
    assert card.demo_button.text() == "Set up the demo of BEGAN"
    assert not card.takes["all"].isEnabled()
    card.demo_button.click()
    qtbot.waitUntil(card.takes["all"].isEnabled, timeout=20_000)
    assert not card.demo_button.isVisible()
    run = opened(card.takes["all"].click)
    assert run.name == "demo-began"


def test_a_checkpoint_that_is_gone_offers_the_others(window, made, opened, tmp_path):
    shutil.copytree(made / "run", tmp_path / "run")
    (tmp_path / "run/checkpoints/000000012.safetensors").unlink()
    moved(made / "12.png", tmp_path / "12.png", {"path": str(tmp_path / "run")})
    window.receive(tmp_path / "12.png")
    card = window.receiving.card
    assert card.problem.text() == "run has no checkpoint of step 12; it has 0, 20, 30."
    assert not card.takes["all"].isEnabled()
    assert (card.nearest_button.text(), card.newest_button.text()) == ("Take step 20", "Take step 30")
    card.nearest_button.click()
    run = opened(card.takes["all"].click)
    assert (run.step, run.reading, window.page.seed.value()) == (20, True, 5)


def moved(source, path, run):
    """The same file, which tells something else of its run."""
    told = recipe.read(source)
    told["run"] |= run
    with Image.open(source) as image:
        recipe.save_png(image, path, told)


def test_a_run_that_was_moved_is_found_once_and_remembered(window, made, opened, tmp_path, monkeypatch):
    shutil.copytree(made / "run", tmp_path / "there")
    other = tmp_path / "other"
    shutil.copytree(made / "run", other)
    (other / "run.json").write_text(json.dumps(json.loads((made / "run/run.json").read_text()) | {"id": "f" * 16}))
    moved(made / "12.png", tmp_path / "12.png", {"path": str(tmp_path / "gone")})
    card = window.receiving.card
    for chosen, says in ((other, "another run"), (tmp_path, "not a run"), (tmp_path / "there", "")):
        monkeypatch.setattr(window.page, "ask_path", lambda title, at, pattern, use, there, chosen=chosen: use(chosen))
        window.receive(tmp_path / "12.png")
        assert "is not where it was" in card.problem.text()
        assert not card.takes["all"].isEnabled()
        card.find_button.click()
        assert says in window.page.card.sentence.text()
        assert card.takes["all"].isEnabled() == (not says)
    assert opened(card.takes["all"].click).path == tmp_path / "there"
    window.receive(tmp_path / "12.png")
    assert card.takes["all"].isEnabled()  # remembered


TOLD = 'import json, sys; print(json.dumps({"verdict": "identical", "reason": " ".join(sys.argv[1:])}))'
PROCESSES = [
    ((sys.executable, "-c", TOLD), "Identical: "),
    ((sys.executable, "-c", "raise SystemExit('sampling-studio: The run is gone.')"), "The run is gone."),
    (("/nowhere/python",), "It could not be verified: no process could be started."),
]


@pytest.mark.parametrize(("process", "says"), [*PROCESSES, pytest.param(None, "Identical: made again", marks=pytest.mark.slow)])
def test_verify_goes_on_beside(qtbot, window, made, monkeypatch, process, says):
    if process is not None:
        monkeypatch.setattr(receiving, "VERIFY", process)
    window.receive(made / "12.png")
    card = window.receiving.card
    card.verify_button.click()
    qtbot.waitUntil(lambda: card.verdict.text() not in ("", "Verifying …"), timeout=60_000)
    assert card.verdict.text().startswith(says)
    assert card.verify_button.isEnabled()
    if process is PROCESSES[0][0]:
        assert card.verdict.text() == f"Identical: {made / '12.png'} --json --run {made / 'run'}"


@pytest.mark.parametrize(
    "run",
    [{"path": "../../etc"}, {"path": "//machine/share"}, {"path": "/etc/passwd"}, {"path": "relative"}, {"name": "<img src=x>" * 300, "path": ""}],
)
def test_a_hostile_recipe_opens_nothing_but_its_card(window, made, tmp_path, run):
    moved(made / "12.png", tmp_path / "12.png", {"id": "e" * 16, **run})
    window.receive(tmp_path / "12.png")
    card = window.receiving.card
    assert window.session.run is None
    assert not card.takes["all"].isEnabled()
    assert card.problem.textFormat() == Qt.TextFormat.PlainText


def test_a_file_with_a_damaged_recipe_is_one_sentence(window, made, tmp_path):
    shutil.copy(made / "curves.csv", tmp_path)
    (tmp_path / "curves.csv.recipe.json").write_text("{")
    window.receive(tmp_path / "curves.csv")
    assert "damaged" in window.page.card.sentence.text()
    assert window.receiving.card.isHidden()


def test_chains_of_a_file_walk_again(qtbot, window, walkable, opened, tmp_path):
    out = tmp_path / "chains.png"
    words = ["chain", str(walkable), "--condition", "right", "--variant", "dgn-am", "--chains", "3", "--steps", "6", "--seed", "9", "--threads", "1"]
    assert main([*words, "--out", str(out)]) == 0
    opened(lambda: enter(window, out))
    page = window.page
    face = page.chains
    qtbot.waitUntil(lambda: face.frame is not None and face.frame.step == 6, timeout=30_000)
    assert page.walking
    assert (face.steering.variant, face.side.chains.value(), face.side.seed.value()) == ("dgn-am", 3, 9)
    assert face.stage.bar.condition.wishes() == ("right",)
    with Image.open(out) as image:
        pixels = np.asarray(image)
    x, y, wide, high = cells_in(recipe.read(out), pixels.shape[1], pixels.shape[0]).place(1)
    assert np.array_equal(face.frame.pictures[1], pixels[y : y + high : high // 32, x : x + wide : wide // 32])
    window.receive(out)
    card = window.receiving.card
    qtbot.mouseClick(card.view, Qt.MouseButton.LeftButton, pos=card.view.cell(2).center())
    qtbot.waitUntil(lambda: face.stage.chain == 2, timeout=20_000)
    enter(window, out, "no-seed")
    qtbot.waitUntil(lambda: face.frame is not None and face.frame.step == 0, timeout=30_000)
    assert face.side.seed.value() != 9
    assert main(["sample", str(walkable), "-n", "2", "--seed", "6", "--out", str(tmp_path / "sheet.png")]) == 0
    enter(window, tmp_path / "sheet.png")  # of samples, not of chains
    qtbot.waitUntil(lambda: page.seed.value() == 6, timeout=20_000)
    assert not page.walking
    assert face.side.seed.value() != 6


def test_a_walk_of_the_lab_is_taken_again(qtbot, window, tmp_path):
    out = tmp_path / "walk.csv"
    assert main(["lab", "mala-approx", "--target", "donut", "--chains", "8", "--steps", "20", "--seed", "4", "--start=1,0", "--out", str(out)]) == 0
    enter(window, out)
    page = window.page
    qtbot.waitUntil(lambda: page.opened is not None and page.opened.name == "donut", timeout=20_000)
    assert (page.walk.kernels, page.walk.chains, page.walk.seed, page.walk.start) == (("mala-approx",), 8, 4, (1.0, 0.0))


def test_an_export_tells_how_far_it_is_and_can_be_cancelled(qtbot, window, made, opened, tmp_path, monkeypatch):
    from studio.export import gallery
    from studio.workers import writing

    opened(lambda: window.open_run(made / "run"))
    page, gate, plain = window.page, threading.Semaphore(20), gallery.as_png
    monkeypatch.setattr(writing, "EVERY", 0.0)
    monkeypatch.setattr(gallery, "as_png", lambda picture: (gate.acquire(timeout=20), plain(picture))[1])
    page.exporting.export("gallery", tmp_path / "a.html")
    qtbot.waitUntil(lambda: page.notice.full_text() == "Exporting a.html … 31%", timeout=20_000)
    assert page.exporting.cancel_button.isVisible()
    page.exporting.cancel_button.click()
    gate.release(1000)
    qtbot.waitUntil(lambda: page.notice.full_text() == "Cancelled: nothing of a.html is left.", timeout=20_000)
    assert not page.exporting.cancel_button.isVisible()
    assert list(tmp_path.glob("*a.html*")) == []
    with qtbot.waitSignal(window.session.exported, timeout=20_000):
        page.exporting.export("gallery", tmp_path / "a.html")
    assert (tmp_path / "a.html").is_file()
    assert not page.exporting.cancel_button.isVisible()
