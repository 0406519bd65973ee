"""Verify, for sentences: drawn again from checkpoint and recipe, and every change is found and named."""

import json
import re
import shutil

import numpy as np
import pytest

from models.errors import BadFile
from models.run import Run
from studio import recipe, verify
from studio.cli import main
from studio.export import curves, exporters
from studio.export.taking import record_of
from tests.studio.tiny import cut_short, pictures, run_with_history
from tests.studio.toytext import SYSTEM, listed, toy_run

FILES = ("a.txt", "a.jsonl", "a.csv", "a.html")
HOW = ["--temperature", "0.8", "--top-k", "8", "--nucleus", "0.95", "--prompt", "春", "--net", "mle"]
DRAWING = b'<svg width="1mm" height="1mm" viewBox="0 0 1 1"></svg>'


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run, and one export of each kind at step 8."""
    place = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        listed(patch)
        patch.setenv("SAMPLING_STUDIO_HOME", str(place / "home"))
        patch.setattr(curves, "_drawn", lambda *_: DRAWING)
        toy_run(place / "run")
        for name in (*FILES, "r.md"):
            assert main(["sample", str(place / "run"), "--step", "8", "-n", "9", "--seed", "5", *HOW, "--out", str(place / name)]) == 0
        assert main(["sample", str(place / "run"), "--step", "8", "--plots", "--out", str(place / "c.csv")]) == 0
    return place


@pytest.fixture
def mine(made, tmp_path, monkeypatch):
    """Copies that may be spoilt."""
    listed(monkeypatch)
    monkeypatch.setattr(curves, "_drawn", lambda *_: DRAWING)
    shutil.copytree(made, tmp_path / "mine", ignore=shutil.ignore_patterns("home"))
    return tmp_path / "mine"


def check(path):
    return verify.verify(path, path.parent / "run")


def told_by(path, told):
    """Another recipe for the same file, wherever it is carried."""
    text = path.read_text("utf-8")
    if path.suffix == ".html":
        path.write_text(re.sub(r'<script type="application/json".*?</script>', lambda _: recipe.as_script(told), text, flags=re.DOTALL), "utf-8")
    else:
        recipe.save_beside(path, told)


def rewrite(path, change):
    told = recipe.read(path)
    change(told)
    told_by(path, told)


def replace(path, old, new):
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8", newline="")


def elsewhere(path):
    rewrite(path, lambda told: told["versions"].update(torch="1.0"))


def moved(path, by):
    """The log p of sentence 4, off by so much."""
    digits = re.findall(r'-log-p="([^"]+)"|"log_p": ([^,]+),|^\d+,[^,]*,([^,]+),', path.read_text("utf-8"), re.MULTILINE)[4]
    old = next(filter(None, digits))
    new = f"{float(old) + by:.9g}"
    replace(path, old, new)
    if path.suffix == ".html":
        shown = [f"{float(v):.2f}".replace("-", "−") for v in (old, new)]
        replace(path, f'"{new}">{shown[0]}', f'"{new}">{shown[1]}')


# --- the same ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*FILES, "r.md", "c.csv"])
def test_it_is_made_again(mine, name):
    assert check(mine / name) == verify.Verdict("identical", 0.0, "made again from checkpoint and recipe, every bit is the same")


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_read_from_the_file_before_it_is_made_again(mine, name, monkeypatch):
    order = []
    again, compare = verify.again, verify.compare
    monkeypatch.setattr(verify, "again", lambda *a: (order.append("again"), again(*a))[1])
    monkeypatch.setattr(verify, "compare", lambda *a: (order.append("compare"), compare(*a))[1])
    recipe.save_beside(mine / name, recipe.read(mine / name))
    (mine / name).write_bytes(b"something else\n")
    assert check(mine / name).verdict == "different"
    assert order == ["again", "compare"]


def test_json_lines_that_lost_the_file_beside_them(mine):
    recipe.beside(mine / "a.jsonl").unlink()
    assert check(mine / "a.jsonl").verdict == "identical"


@pytest.mark.parametrize("name", FILES)
def test_another_place_and_version_with_the_same_sentences(mine, name):
    rewrite(mine / name, lambda told: told["run"].update(path="/elsewhere", name="other"))
    elsewhere(mine / name)
    assert check(mine / name).verdict == "identical"


# --- something was changed --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "says"), [("a.txt", "line 4"), ("a.jsonl", "line 4"), ("a.csv", "line 5"), ("a.html", "sentence 3")])
def test_the_first_line_that_differs_is_named(mine, name, says):
    """Sentences 3 and 6 get a word more."""
    path = mine / name
    sentences = record_of(
        Run.open(mine / "run", write=False, data=False, step=8), seed=5, count=9, options=recipe.read(path)["made"]["options"]
    ).sentences
    lines = path.read_text("utf-8").split("\n")
    first = next(i for i, line in enumerate(lines) if name != "a.html" or line.startswith('<li id="s0"')) + (name == "a.csv")
    for i in (6, 3):
        assert sentences[i].startswith("春")
        lines[first + i] = lines[first + i].replace("春", "夏", 1)
    path.write_text("\n".join(lines), "utf-8")
    assert check(path) == verify.Verdict("different", None, f"{says} is not what the recipe makes")
    elsewhere(path)
    found = check(path)
    assert (found.verdict, found.max_difference) == ("different", None)
    assert found.reason.startswith(f"{says} is not what the recipe makes; made here on another torch")


@pytest.mark.parametrize(("name", "says"), [("a.jsonl", "line 5"), ("a.csv", "line 6"), ("a.html", "sentence 4")])
def test_log_p_alone(mine, name, says):
    moved(mine / name, 0.004)
    found = check(mine / name)
    assert (found.verdict, found.max_difference) == ("different", pytest.approx(0.004, rel=1e-3))
    assert f"first the log p of {says}" in found.reason
    elsewhere(mine / name)
    found = check(mine / name)
    assert (found.verdict, found.max_difference) == ("close", pytest.approx(0.004, rel=1e-3))
    assert "explained by another torch" in found.reason
    moved(mine / name, 1.0)
    assert check(mine / name).verdict == "different"


@pytest.mark.parametrize("value", ["nan", "NaN", "inf", "1e999", "-1.50", "0x1p3", "1_0", " -1", "", '"x"', "null", "true"])
def test_numbers_that_are_written_otherwise(mine, value):
    for name, pattern in (("a.jsonl", r'(?<="log_p": )[^,]+'), ("a.csv", r"(?<=春,)[^,]+"), ("a.html", r'(?<=-log-p=")[^"]+')):
        path = mine / name
        elsewhere(path)
        text = path.read_text("utf-8")
        changed = re.sub(pattern, value, text, count=1)
        assert changed != text
        path.write_text(changed, "utf-8")
        found = check(path)
        assert (found.verdict, found.max_difference) == ("different", None), (name, found)


@pytest.mark.parametrize("name", FILES)
def test_every_byte_counts(mine, name):
    """Any byte but those of the recipe, changed or gone; the file may then also be no text, which is told."""
    path = mine / name
    content = path.read_bytes()
    carried = re.search(rb'<script type="application/json".*?</script>|, "recipe": .*(?=}\n)', content, re.DOTALL if name == "a.html" else 0)
    inside = range(*carried.span()) if carried else ()
    step = max(1, len(content) // 150)
    for place in range(0, len(content), step):
        if place in inside:
            continue
        for damaged in (content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :], content[:place] + content[place + 1 :]):
            path.write_bytes(damaged)
            try:
                assert compared(mine, name).difference != 0, (place, content[place - 20 : place + 20])
            except BadFile:
                pass


def compared(mine, name):
    """`name` held against the file as it was made."""
    from studio.verify.comparing import compare

    kind = {".txt": "txt", ".jsonl": "jsonl", ".csv": "texts", ".html": "page"}[name[1:]]
    return compare(mine / name, mine / f"was-{name}", kind, {})


@pytest.fixture(autouse=True)
def _as_they_were(request):
    if "mine" in request.fixturenames:
        folder = request.getfixturevalue("mine")
        for name in FILES:
            shutil.copy(folder / name, folder / f"was-{name}")


@pytest.mark.parametrize("name", FILES)
def test_lines_more_or_fewer(mine, name):
    path = mine / name
    whole = path.read_text("utf-8")
    path.write_text(whole + "春\n", "utf-8")
    assert check(path).verdict == "different"
    path.write_text(whole.rstrip("\n"), "utf-8")
    assert "fewer lines" in check(path).reason
    path.write_bytes(whole.replace("\n", "\r\n").encode())
    assert check(path).verdict == "different"


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seed", 6),
        ("rows", [0, 8]),
        ("options", {"temperature": 0.8}),
        ("options", {"temperature": -1.0}),
        ("options", {"temperature": "hot"}),
        ("options", {"spice": 1}),
        ("options", {"net": "../../x"}),
        ("options", {"prompt": ["x"]}),
        ("options", None),
        ("options", "words"),
        ("options", [["temperature", 1]]),
        ("rows", [0, 10**9]),
        ("rows", [3, 3]),
        ("rows", "ab"),
        ("seed", -1),
        ("seed", 0.5),
        ("count", 3),
    ],
)
def test_another_setting_or_nonsense_in_the_recipe(mine, name, key, value):
    rewrite(mine / name, lambda told: told["made"].update({key: value}))
    assert check(mine / name).verdict == "different"


@pytest.mark.parametrize("kind", ["sheet", "single", "gallery", "animation", "reel", "strip", "lines", "chains-sheet"])
def test_a_run_of_text_makes_no_pictures(mine, kind):
    told = recipe.read(mine / "a.txt")
    made = {"seed": 5, "ema": True, "count": 9, "rows": [0, 9], "columns": 3, "zoom": 1, "steps": [], "latents": 3, "frames": 9, "fps": 9, "tiles": 1}
    told |= {"kind": kind, "made": made | {"format": ".webp"}}
    recipe.save_beside(mine / "a.txt", told)
    assert check(mine / "a.txt").verdict == "different"


@pytest.mark.parametrize("kind", ["txt", "jsonl", "texts", "page"])
def test_a_run_of_pictures_writes_no_text(tmp_path, kind, capsys):
    run = run_with_history(tmp_path / "run", pictures(tmp_path / "pictures"))
    assert main(["sample", str(run), "-n", "2", "--plots", "--out", str(tmp_path / "c.csv")]) == 0
    told = recipe.read(tmp_path / "c.csv")
    told |= {"kind": kind, "made": {"seed": 0, "count": 2, "rows": [0, 2], "options": {}}}
    recipe.save_beside(tmp_path / "c.csv", told)
    assert check(tmp_path / "c.csv").verdict == "different"


def test_a_system_that_draws_another_sentence(mine, monkeypatch):
    plain = SYSTEM.sample

    def sample(state, n, seed, *, temperature=1.0, top_k=0, nucleus=1.0, prompt="", net="seqgan"):
        view = plain(state, n, seed, temperature=temperature, top_k=top_k, nucleus=nucleus, prompt=prompt, net=net)
        view.numbers["log_p"][:] += np.float32(1e-4)
        return view

    monkeypatch.setattr(SYSTEM, "sample", sample)
    assert check(mine / "a.txt").verdict == "identical"  # it has no numbers
    for name in FILES[1:]:
        assert check(mine / name).verdict == "different"
        elsewhere(mine / name)
        found = check(mine / name)
        assert (found.verdict, found.max_difference) == ("close", pytest.approx(1e-4, rel=0.02))


def test_no_recipe_and_no_run(mine, capsys):
    shutil.copy(mine / "a.txt", mine / "alone.txt")
    shutil.rmtree(mine / "run")
    gone = ["--run", str(mine / "run")]
    for name, words, says in (("alone.txt", [], "carries no recipe"), ("a.txt", gone, "There is no run")):
        assert main(["verify", str(mine / name), *words]) == 2
        said = capsys.readouterr().err
        assert says in said
        assert len(said.strip().splitlines()) == 1


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_cut_short_is_told_in_one_sentence(mine, name, do):
    cut_short(do, mine / name, mine / "run", (0.95, 0.5, 0.02, 0))


def test_the_report_of_another_prompt(mine):
    rewrite(mine / "r.md", lambda told: told["made"]["options"].update(prompt="cat"))
    assert check(mine / "r.md").verdict == "different"


def test_json_of_the_verdict(mine, capsys):
    replace(mine / "a.txt", "春", "夏")
    assert main(["verify", str(mine / "a.txt"), "--json", "--run", str(mine / "run")]) == 1
    assert json.loads(capsys.readouterr().out) == {"verdict": "different", "max_difference": None, "reason": "line 1 is not what the recipe makes"}


def test_all_kinds_of_text_can_be_verified():
    from studio.verify.lines import READERS

    assert set(READERS) == {name for name, e in exporters().items() if e.writes == "text"}


@pytest.mark.parametrize("extension", [".txt", ".jsonl", ".csv", ".html"])
def test_sentences_of_the_gallery_are_proven(mine, tmp_path, extension):
    from studio.gallery import Gallery, giving
    from studio.gallery.taking import keep_file

    gallery = Gallery.open(tmp_path / "gallery.db")
    ids = keep_file(gallery, mine / "a.txt")
    gallery.tag(ids[:1], "odd")
    gallery.note(ids[2], "mine")
    path = mine / f"board{extension}"
    giving.giver_for(path, "text").give(gallery, [ids[2], ids[7], ids[0]], path)
    gallery.close()
    assert check(path).verdict == "identical"
    first = gallery_line(path)
    replace(path, first, first + "x")
    assert check(path).verdict == "different"


def gallery_line(path):
    """Words of the first sentence of a file."""
    text = path.read_text("utf-8")
    if path.suffix == ".html":
        return re.search(r'<p dir="auto">([^<]+)</p>', text)[1]
    if path.suffix == ".jsonl":
        return json.loads(text.splitlines()[0])["text"]
    return text.splitlines()[1 if path.suffix == ".csv" else 0].split(",")[0]
