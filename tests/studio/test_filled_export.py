"""Exports of fillings: what is in the files and on the page, that each carries its recipe, and that the recipe leads back to the desk."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from models.algorithms.maskgan.fillings import Desk
from models.errors import BadInput, DiskTrouble
from studio import recipe
from studio.export import filled, filledpage
from studio.export.filled import DEFAULTS, DeskRecord, alternatives, desk_of, fill_exporters, recipe_of, said_of
from tests.studio.export.test_gallery import Page as Parsed
from tests.studio.export.test_gallery import node
from tests.studio.toyfill import DESK, ROWS, SOURCE, made_up

HEBREW = Desk(("החתול", "ישן", "é", "."), (1,), False, ())


def both(desk=DESK, rows=ROWS, **more):
    return {net: made_up(desk, rows, net=net, seed=i, **more) for i, net in enumerate(("maskgan", "maskmle"))}


@pytest.fixture
def record():
    return DeskRecord("MaskGAN on grammar", SOURCE, DESK, both(), 7, {**DEFAULTS, "temperature": 0.8})


def write(record, name, path):
    found = fill_exporters()[name].write(record, path)
    assert found[0] == path
    return path.read_text("utf-8")


# --- alternatives -----------------------------------------------------------------------------------------------------


def test_an_alternative_stops_at_its_end():
    desk = Desk(("the", "cat"), (1,), True, ())
    rows = (("the", "dog", "sleeps", ".", ""), ("the", "dog", "", "", ""), ("", "", "", "", ""))
    found = made_up(desk, rows)
    one, two, none = alternatives(found)
    assert (one.text, one.tokens, one.blanks) == ("the dog sleeps.", ("the", "dog", "sleeps", "."), (1, 2, 3))
    assert (two.text, two.tokens, two.blanks) == ("the dog", ("the", "dog"), (1,))
    assert (none.text, none.tokens, none.blanks, none.probabilities, none.realism) == ("", (), (), (), ())
    for i, each in enumerate((one, two)):
        assert each.probabilities == tuple(pytest.approx(p, rel=1e-7) for p in found.p[i, : len(each.blanks)])
        assert each.realism == tuple(pytest.approx(r, rel=1e-7) for r in found.realism[i, : len(each.tokens)])
        assert each.log_p == pytest.approx(found.log_p[i], rel=1e-7)
    assert [each.valid for each in (one, two, none)] == [True, False, None]


def test_an_end_inside_a_long_text_is_no_word(record, tmp_path):
    """A window before the last may end by itself; what follows it was given, and stays."""
    desk = Desk(("the", "cat", "the", "dog"), (1, 3), False, ())
    rows = (("the", "", "the", "cat"), ("the", "cat", "the", ""))
    one, two = alternatives(made_up(desk, rows))
    assert (one.text, one.tokens, one.blanks) == ("the the cat", rows[0], (1, 3))
    assert (two.text, two.tokens, two.blanks) == ("the cat the", rows[1][:3], (1,))
    text = write(replace(record, desk=desk, fillings=both(desk, rows)), "page", tmp_path / "a.html")
    assert [" ".join(said.split()) for said in Said(text, "said").said] == ["the the cat", "the cat the"] * 2


def test_numbers_keep_the_digits_of_float32():
    found = made_up()
    for i, one in enumerate(alternatives(found)):
        assert [np.float32(p) for p in one.probabilities] == list(found.p[i])
        assert [np.float32(r) for r in one.realism] == list(found.realism[i])


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_filling_is_a_line(record, tmp_path):
    text = write(record, "txt", tmp_path / "a.txt")
    assert text.splitlines() == ["the dog sleeps.", "the dogs sleeps.", 'the <b a="1">& runs.'] * 2


def test_lines_of_json(record, tmp_path):
    objects = [json.loads(line) for line in write(record, "jsonl", tmp_path / "a.jsonl").splitlines()]
    carried = objects[0].pop("recipe")
    assert carried == recipe.read(tmp_path / "a.jsonl")
    keys = ["net", "index", "text", "tokens", "blanks", "probabilities", "realism", "log_p", "valid", "why"]
    assert all(list(found) == keys for found in objects)
    assert [(found["net"], found["index"]) for found in objects] == [(net, i) for net in ("maskgan", "maskmle") for i in range(3)]
    assert [found["valid"] for found in objects] == [True, False, None] * 2
    assert [found["tokens"] for found in objects] == [list(row) for row in ROWS] * 2
    for found in objects:
        assert (len(found["probabilities"]), len(found["realism"])) == (2, 4)


@pytest.mark.parametrize("name", ["page", "jsonl", "txt"])
def test_the_recipe_survives_any_letters(record, tmp_path, name):
    desk = Desk(("床前", "</script>", "— \U0001f319", "\x7f"), (1, 3), True, ((3, "“<&>”"),))
    path = tmp_path / f"a{fill_exporters()[name].extension}"
    write(replace(record, desk=desk, fillings=both(desk)), name, path)
    found = recipe.read(path)
    assert found["kind"] == f"fillings-{name}"
    back, asked = desk_of(found)
    assert back == desk
    assert asked == {"n": 3, "seed": 7, "nets": ("maskgan", "maskmle"), "options": {**DEFAULTS, "temperature": 0.8}}


def test_a_place_that_cannot_be_written(record, tmp_path):
    (tmp_path / "file").write_text("")
    for exporter in fill_exporters().values():
        with pytest.raises(DiskTrouble, match="could not be written"):
            exporter.write(record, tmp_path / "file" / "a")


# --- the way back -----------------------------------------------------------------------------------------------------


def test_the_sentence_of_a_recipe(record):
    assert said_of(recipe_of(record, "txt")) == "the ___ ___."
    desk = Desk(("the", "", "sleeps"), (1, 2), True, ((2, "runs"),))
    assert said_of(recipe_of(replace(record, desk=desk), "txt")) == "the ___ runs…"
    letters = {**SOURCE, "config": {"unit": "chars"}}
    assert said_of(recipe_of(replace(record, recipe=letters, desk=Desk(("a", "b"), (1,))), "txt")) == "a___"


HOSTILE = {
    "kind": ("kind", "txt"),
    "no desk": ("made.desk", None),
    "words for tokens": ("made.desk.tokens", "the cat"),
    "a number for a token": ("made.desk.tokens", ["the", 3]),
    "a line break in a token": ("made.desk.tokens", ["the", "a\nb", "c", "d"]),
    "half a letter": ("made.desk.tokens", ["the", "\ud800", "c", "d"]),
    "too many tokens": ("made.desk.tokens", ["a"] * 10_001),
    "too many letters": ("made.desk.tokens", ["a" * 200_001, "b", "c", "d"]),
    "blanks beyond the end": ("made.desk.blanks", [1, 9]),
    "blanks twice": ("made.desk.blanks", [1, 1]),
    "blanks falling": ("made.desk.blanks", [2, 1]),
    "a blank below 0": ("made.desk.blanks", [-1]),
    "truth for a blank": ("made.desk.blanks", [True]),
    "half a blank": ("made.desk.blanks", [1.5]),
    "blanks of words": ("made.desk.blanks", "12"),
    "an end that is 1": ("made.desk.open_end", 1),
    "fixed beyond the end": ("made.desk.fixed", [[4, "a"]]),
    "fixed twice": ("made.desk.fixed", [[1, "a"], [1, "b"]]),
    "fixed without a word": ("made.desk.fixed", [[1]]),
    "fixed with a list": ("made.desk.fixed", [[1, ["a"]]]),
    "more in the desk": ("made.desk.more", 1),
    "no seed": ("made.seed", None),
    "a seed below 0": ("made.seed", -1),
    "a seed too large": ("made.seed", 2**70),
    "no alternative": ("made.count", 0),
    "a million alternatives": ("made.count", 10**6),
    "no net": ("made.nets", []),
    "another net": ("made.nets", ["../../x"]),
    "a net twice": ("made.nets", ["maskgan", "maskgan"]),
    "nets of letters": ("made.nets", "maskgan"),
    "no options": ("made.options", None),
    "heat": ("made.options.temperature", "hot"),
    "cold": ("made.options.temperature", 0),
    "top-k": ("made.options.top_k", -1),
    "nucleus": ("made.options.nucleus", 1.5),
    "spice": ("made.options.spice", 1),
    "shown that is not there": ("made.options.shown", 3),
    "too many candidates": ("made.options.k", 10**9),
    "no candidates": ("made.options.k", 0),
    "not made": ("made", [1]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_values_in_a_recipe_are_refused(record, name):
    path, value = HOSTILE[name]
    told = json.loads(json.dumps(recipe_of(record, "jsonl")))
    inner = told
    *way, last = path.split(".")
    for step in way:
        inner = inner[step]
    inner[last] = value
    with pytest.raises(BadInput, match="This recipe describes no desk with blanks") as caught:
        desk_of(told)
    assert "\n" not in str(caught.value)


def test_a_recipe_of_something_else():
    for told in ({}, {"kind": "fillings-txt"}, {"kind": "fillings-txt", "made": {}}, {"kind": None, "made": {"desk": {}}}):
        with pytest.raises(BadInput, match="no desk"):
            desk_of(told)


# --- the page ---------------------------------------------------------------------------------------------------------


class Said(HTMLParser):
    """What the paragraphs of a class say, and what of it is marked."""

    def __init__(self, text, kind):
        super().__init__()
        self.kind, self.said, self.marked, self.inside, self.mark = kind, [], [], False, False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "p":
            self.inside = ("class", self.kind) in attrs
            if self.inside:
                self.said.append("")
                self.marked.append([])
        elif tag == "mark" and self.inside:
            self.mark = True
            self.marked[-1].append("")

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "p"
        self.mark = self.mark and tag != "mark"

    def handle_data(self, data):
        if self.inside:
            self.said[-1] += data
            if self.mark:
                self.marked[-1][-1] += data


def test_both_nets_are_on_the_page(record, tmp_path):
    text = write(record, "page", tmp_path / "a.html")
    found = Said(text, "said")
    assert found.said == [one.text for net in record.fillings.values() for one in alternatives(net)]
    assert found.marked == [[row[1], row[2]] for row in ROWS] * 2
    desk = Said(text, "sentence")
    assert (desk.said, desk.marked) == (["the ___ ___."], [["___", "___"]])
    assert Said(text, "stood").said == ["the cat sleeps."]
    assert re.findall(r"<h2>(\w+) <span", text) == ["MaskGAN", "MaskMLE"]
    assert "3 alternatives of each net · seed 7 · step 300 · temperature 0.8" in text
    assert text.count("1 of 2 valid") == 2
    assert text.count('<span class="bad">not valid</span>') == text.count("do not agree in number.</p>") == 2
    assert "&#x27;zebra&#x27; is not in the vocabulary" in text
    assert text.count('<mark class="right">') == 4  # "sleeps" is what stood there, in two alternatives of each


def test_every_number_is_on_the_page(record, tmp_path):
    lines = write(record, "page", tmp_path / "a.html").split("\n")
    for net, found in record.fillings.items():
        for i in range(found.n):
            (line,) = (line for line in lines if line.startswith(f'<li id="{net}-{i}"'))
            numbers = filledpage.parted(line)[1]
            wanted = sorted([*found.realism[i].tolist(), *found.p[i].tolist(), float(found.log_p[i])])
            assert sorted(numbers) == pytest.approx(wanted, rel=1e-7)
    cards = [filledpage.parted(line)[1] for line in lines if line.startswith('<div class="card">')]
    assert cards == [pytest.approx(tuple(row), rel=1e-7) for found in record.fillings.values() for row in found.candidates_p]


def test_a_number_that_was_changed_only_where_it_is_seen_stays_a_word(record, tmp_path):
    line = next(line for line in write(record, "page", tmp_path / "a.html").split("\n") if line.startswith('<li id="maskgan-0"'))
    words, numbers = filledpage.parted(line)
    for seen in (r'p\(real\) (0\.\d+)"', r">(\d+ %)<", r"heat h(\d+)", r">(−\d\.\d+)<"):
        changed = re.sub(seen, lambda found: found[0].replace(found[1], "0.01" if found[1] != "0.01" else "1"), line, count=1)
        assert changed != line, seen
        other, fewer = filledpage.parted(changed)
        assert (other != words, len(fewer)) == (True, len(numbers) - 1)


def test_fixed_words_and_an_open_end(record, tmp_path):
    desk = Desk(("the", "cat", "that"), (1, 2), True, ((2, "that"),))
    rows = (("the", "dog", "that", "sleeps", ""), ("the", "dog", "that", "", ""))
    text = write(replace(record, desk=desk, fillings=both(desk, rows)), "page", tmp_path / "a.html")
    assert Said(text, "sentence").said == ["the ___ that…"]
    assert Said(text, "said").marked == [["dog", "that", "sleeps"], ["dog", "that"]] * 2
    assert text.count('<mark class="own">') == 5
    assert len(re.findall('<div class="card">', text)) == 6  # of each net: dog, sleeps, the end; the fixed one has none


def test_without_truth_there_is_nothing_to_hide(record, tmp_path):
    text = write(replace(record, fillings=both(truth=False)), "page", tmp_path / "a.html")
    assert 'id="truth"' not in text
    assert 'class="stood"' not in text
    assert 'class="right"' not in text


def test_the_page_is_whole_and_asks_no_address_for_anything(record, tmp_path):
    text = write(record, "page", tmp_path / "a.html")
    page = Parsed(text)
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for name in re.findall(r'one\("#([\w-]+)"\)', text):
        assert name in ids, name
    assert all(button["type"] == "button" for button in page.all("button"))
    bare = re.sub(r"<script type=.*?</script>", "", text).replace("http://www.w3.org/2000/svg", "")
    for word in ("://", "http:", "url(", "@import", "fetch(", "XMLHttpRequest", "import(", "srcset", "innerHTML", "eval("):
        assert word not in bare, word
    policy = next(a["content"] for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    for name, tag in (("style-src", "style"), ("script-src", "script")):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert rules[name] == f"'sha256-{base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()}'"
    assert not any(key.startswith("on") or key == "style" for _, attributes in page.elements for key in attributes)
    assert "--accent: var(--maskgan);" in text


def test_words_are_inert_on_the_page(record, tmp_path):
    evil = '</ol></script><script>alert(1)</script><img src=x onerror="a"> & '
    desk = Desk((evil, "cat", evil), (1,), False, ())
    rows = ((evil, evil, evil),)
    nets = {net: replace(found, why=(evil,), notes=(evil,)) for net, found in both(desk, rows).items()}
    text = write(replace(record, title=evil, desk=desk, fillings=nets), "page", tmp_path / "a.html")
    page = Parsed(text)
    assert len(page.all("script")) == 2
    assert page.all("img") == []
    assert Said(text, "said").marked == [[evil], [evil]]


def test_right_to_left_and_combining_letters_are_in_one_paragraph(record, tmp_path):
    rows = (("החתול", "רץ", "é", "."),)
    text = write(replace(record, desk=HEBREW, fillings=both(HEBREW, rows)), "page", tmp_path / "a.html")
    assert Said(text, "said").said == ["החתול רץ é."] * 2
    assert '<p class="said" dir="auto">' in text
    words = write(replace(record, desk=HEBREW, fillings=both(HEBREW, rows)), "txt", tmp_path / "a.txt")
    assert words.splitlines() == ["החתול רץ é."] * 2


def test_letters_are_shaped_for_their_language(record, tmp_path):
    desk = Desk(tuple("春眠不觉晓"), (2, 3), False, ())
    text = write(replace(record, desk=desk, fillings=both(desk, (tuple("春眠处处晓"),), joiner="")), "page", tmp_path / "a.html")
    assert Said(text, "said").said == ["春眠处处晓"] * 2
    assert 'class="fillings" lang="zh"' in text


def test_its_colours_are_those_of_the_studio():
    from studio import theme

    css = re.sub(r"\s+", " ", Path(filledpage.__file__).with_name("filledpage.css").read_text("utf-8"))
    blocks = re.findall(r"{ (--real: .*?;) }", css)
    assert len(blocks) == 3
    for scheme, block in zip((theme.LIGHT, theme.DARK, theme.DARK), blocks, strict=True):
        wanted = {"real": scheme.curves["real"], "generated": scheme.curves["generated"], "good": scheme.good, "bad": scheme.bad}
        assert dict(re.findall(r"--(\w+): (#\w+);", block)) == wanted


def test_the_script_moves_through_the_alternatives():
    code = "\n".join(Path(filledpage.__file__).with_name(name).read_text("utf-8") for name in ("common.js", "filledpage.js"))

    def asked(*expressions):
        return node(f"{code}\nconst g = module.exports; console.log(JSON.stringify([{','.join(expressions)}]))")

    assert asked(*(f'g.wish("{key}")' for key in "?tcgx")) == ["help", "theme", "copy", "truth", None]
    assert asked(
        'g.gone("ArrowDown", 0, 0, [3, 2])',
        'g.gone("ArrowDown", 0, 2, [3, 2])',
        'g.gone("ArrowRight", 0, 2, [3, 2])',
        'g.gone("ArrowLeft", 1, 1, [3, 2])',
        'g.gone("ArrowLeft", 0, 1, [3, 2])',
        'g.gone("End", 1, 0, [3, 2])',
        'g.gone("x", 1, 0, [3, 2])',
    ) == [[0, 1], None, [1, 1], [0, 1], None, [1, 1], None]


def test_each_kind_has_a_reader():
    from studio.verify.lines import FILLED

    assert set(FILLED) == {f"fillings-{name}" for name in filled.fill_exporters()}
