"""Verify, for fillings: the desk is filled again from checkpoint and recipe, and every change is found and named."""

import json
import re
import shutil

import pytest

from studio import recipe, verify
from studio.cli import main
from studio.export import filledpage
from tests.studio.tiny import cut_short, pictures, refused, run_with_history
from tests.studio.toyfill import FILLS, _fill, listed
from tests.studio.toytext import toy_run

FILES = ("a.html", "a.jsonl", "a.txt")
HOW = ["--temperature", "0.8", "--top-k", "8", "--nucleus", "0.95", "--open-end"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run, and one export of each kind at step 8."""
    place = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        listed(patch)
        patch.setenv("SAMPLING_STUDIO_HOME", str(place / "home"))
        toy_run(place / "run", "toyfill")
        for name in FILES:
            assert (
                main(["fill", str(place / "run"), "春 ___ the ___ 晓", "--step", "8", "-n", "6", "--seed", "5", *HOW, "--out", str(place / name)])
                == 0
            )
    return place


@pytest.fixture
def mine(made, tmp_path, monkeypatch):
    """Copies that may be spoilt."""
    listed(monkeypatch)
    shutil.copytree(made, tmp_path / "mine", ignore=shutil.ignore_patterns("home"))
    return tmp_path / "mine"


def check(path):
    return verify.verify(path, path.parent / "run")


def rewrite(path, change):
    """Another recipe for the same file, wherever it is carried."""
    told = recipe.read(path)
    change(told)
    text = path.read_text("utf-8")
    if path.suffix == ".html":
        path.write_text(re.sub(r'<script type="application/json".*?</script>', lambda _: recipe.as_script(told), text, flags=re.DOTALL), "utf-8")
    else:
        recipe.save_beside(path, told)


def elsewhere(path):
    rewrite(path, lambda told: told["versions"].update(torch="1.0"))


def replaced(path, old, new):
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8", newline="")


# --- the same ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
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
def test_another_place_and_version_with_the_same_fillings(mine, name):
    rewrite(mine / name, lambda told: told["run"].update(path="/elsewhere", name="other"))
    elsewhere(mine / name)
    assert check(mine / name).verdict == "identical"


# --- something was changed --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "says"), [("a.txt", "line 3"), ("a.jsonl", "line 3"), ("a.html", "alternative 2 of maskgan")])
def test_the_first_line_that_differs_is_named(mine, name, says):
    path = mine / name
    lines = path.read_text("utf-8").split("\n")
    first = next(i for i, line in enumerate(lines) if name != "a.html" or line.startswith('<li id="maskgan-0"'))
    for i in (4, 2):
        assert "春" in lines[first + i]
        lines[first + i] = lines[first + i].replace("春", "夏", 1)
    path.write_text("\n".join(lines), "utf-8")
    assert check(path) == verify.Verdict("different", None, f"{says} is not what the recipe makes")
    elsewhere(path)
    found = check(path)
    assert found.verdict == "different"
    assert found.reason.startswith(f"{says} is not what the recipe makes; made here on another torch")


@pytest.mark.parametrize("name", FILES)
def test_every_byte_counts(mine, name):
    """A bit turned or a byte taken anywhere but in the recipe is a difference."""
    path = mine / name
    shutil.copy(path, mine / f"was-{name}")
    content = path.read_bytes()
    carried = re.search(rb'<script type="application/json".*?</script>|, "recipe": .*(?=}\n)', content, re.DOTALL if name == "a.html" else 0)
    inside = range(*carried.span()) if carried else ()
    for place in range(0, len(content), max(1, len(content) // 150)):
        if place in inside:
            continue
        for damaged in (content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :], content[:place] + content[place + 1 :]):
            path.write_bytes(damaged)
            try:
                gap = verify.compare(path, mine / f"was-{name}", f"fillings-{'page' if name == 'a.html' else name[2:]}", {})
            except verify.BadFile:
                continue
            assert gap.difference != 0, (place, content[place - 20 : place + 20])


@pytest.mark.parametrize("name", ["probabilities", "realism", "log_p"])
def test_a_number_that_was_changed_in_json_lines_is_measured(mine, name):
    path = mine / "a.jsonl"
    digits = re.findall(rf'"{name}": \[?([^],]+)', path.read_text("utf-8"))[1]
    replaced(path, digits, f"{float(digits) + 0.001:.9g}")
    _measured(path)


@pytest.mark.parametrize("kind", ["p", "heat", "nats", "bar"])
def test_a_number_that_was_changed_on_the_page_is_measured(mine, kind):
    path, writes = mine / "a.html", filledpage._WRITTEN[kind]
    value = float(re.findall(f'data-{kind}="([^"]*)"', path.read_text("utf-8"))[1])
    replaced(path, writes(value), writes(value + 0.001))
    _measured(path)


def _measured(path):
    result = check(path)
    assert (result.verdict, result.max_difference) == ("different", pytest.approx(0.001, rel=1e-3))
    assert ", first the numbers of " in result.reason
    elsewhere(path)
    result = check(path)
    assert (result.verdict, result.max_difference) == ("close", pytest.approx(0.001, rel=1e-3))


@pytest.mark.parametrize("name", FILES)
def test_a_system_with_other_roundings(mine, name, monkeypatch):
    def fill(*args, **asked):
        view = _fill(*args, **asked)
        view.numbers["realism"][:] += 1e-4
        return view

    monkeypatch.setitem(FILLS.views, "fill", fill)
    assert check(mine / name).verdict == ("identical" if name == "a.txt" else "different")  # plain lines have no numbers
    elsewhere(mine / name)
    found = check(mine / name)
    assert found.verdict == ("identical" if name == "a.txt" else "close")
    assert found.max_difference == pytest.approx(0 if name == "a.txt" else 1e-4, rel=0.02)


def test_a_number_that_became_something_else(mine):
    text = (mine / "a.jsonl").read_text("utf-8")
    digits = re.search(r'"log_p": ([^,]+),', text)[1]
    for other in (f"[{digits}]", '"a number"', "null", "NaN", f'"{digits}"'):
        (mine / "a.jsonl").write_text(text.replace(f'"log_p": {digits},', f'"log_p": {other},', 1), "utf-8")
        assert check(mine / "a.jsonl").verdict == "different", other


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seed", 6),
        ("seed", -1),
        ("count", 5),
        ("count", 10**9),
        ("nets", ["maskmle"]),
        ("nets", ["../x"]),
        ("options", None),
        ("options.temperature", 0.7),
        ("options.temperature", "hot"),
        ("options.top_k", 2),
        ("options.nucleus", 0.5),
        ("options.shown", 7),
        ("options.spice", 1),
        ("desk.tokens", ["春", "", "cat", "", "晓"]),
        ("desk.tokens", 7),
        ("desk.blanks", [1]),
        ("desk.blanks", [1, 99]),
        ("desk.open_end", False),
        ("desk.fixed", [[1, "cat"]]),
        ("desk.fixed", [[1, {}]]),
        ("desk", None),
    ],
)
def test_another_setting_or_nonsense_in_the_recipe(mine, name, key, value):
    def change(told):
        inner, (*way, last) = told["made"], key.split(".")
        for step in way:
            inner = inner[step]
        inner[last] = value

    rewrite(mine / name, change)
    assert check(mine / name).verdict == "different"


def test_candidates_are_those_of_the_alternative_that_was_shown(mine):
    rewrite(mine / "a.html", lambda told: told["made"]["options"].update(shown=1))
    assert check(mine / "a.html").verdict == "different"


@pytest.mark.parametrize("name", FILES)
def test_a_run_that_fills_nothing(mine, name, tmp_path):
    toy_run(tmp_path / "verses")
    run_with_history(tmp_path / "faces", pictures(tmp_path / "pictures"))
    for run in ("verses", "faces"):
        assert main(["sample", str(tmp_path / run), "-n", "2", "--plots", "--out", str(tmp_path / "c.csv")]) == 0
        told = recipe.read(tmp_path / "c.csv")
        theirs = recipe.read(mine / name)
        recipe.save_beside(mine / name, told | {"kind": theirs["kind"], "made": theirs["made"]})
        assert verify.verify(mine / name, tmp_path / run).verdict == "different"


@pytest.mark.parametrize("kind", ["txt", "jsonl", "texts", "page", "sheet", "chains-csv"])
def test_a_recipe_of_another_kind(mine, kind):
    rewrite(mine / "a.txt", lambda told: told.update(kind=kind))
    assert check(mine / "a.txt").verdict == "different"


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_cut_short_is_told_in_one_sentence(mine, name, do):
    cut_short(do, mine / name, mine / "run", (0.95, 0.5, 0.02, 0))


def test_json_of_the_verdict_and_a_run_that_is_gone(mine, do):
    replaced(mine / "a.txt", "春", "夏")
    done = do("verify", mine / "a.txt", "--json", "--run", mine / "run")
    assert (done.status, done.json["verdict"], done.json["reason"]) == (1, "different", "line 1 is not what the recipe makes")
    refused(do("verify", mine / "a.html", "--run", mine / "gone"), "There is no run")
    assert json.loads((mine / "a.jsonl").read_text("utf-8").split("\n")[0])["recipe"]["kind"] == "fillings-jsonl"
