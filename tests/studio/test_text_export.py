"""Exports of a system that writes text: what is in the files and on the page, that each carries its recipe, and what the command line takes."""

import base64
import csv
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QObject, Signal

from models import catalog
from models.errors import BadInput, DiskTrouble
from models.run import Run
from studio import recipe
from studio.export import Record, curves, exporters, report, textpage, texts
from studio.export.taking import record_of
from studio.messages import Export, OldRun
from studio.pages.exporting import Exporting
from studio.pages.page import CARRIERS, Page
from studio.workers.jobs import TrainingJob
from tests.studio.driving import enter
from tests.studio.export.test_gallery import Page as Parsed
from tests.studio.export.test_gallery import node
from tests.studio.tiny import pictures as some_pictures
from tests.studio.tiny import refused, run_with_history
from tests.studio.toytext import listed, toy_run

SOURCE = {
    "system": "seqgan",
    "step": 4000,
    "knob_history": [],
    "state_hash": "0123456789abcdef" * 4,
    "run": {"name": "poems-1", "path": "/home/x"},
    "data": {"title": "poems"},
}
SENTENCES = ("春眠不觉晓", "", 'a <b>"bold"</b> & , cat', "=1+1", "春眠 …")
HOW = {"temperature": 0.8, "top_k": 0, "nucleus": 1.0, "prompt": "春眠", "net": "mle"}
DRAWING = b'<svg width="1mm" height="1mm" viewBox="0 0 1 1"></svg>'


@pytest.fixture
def record():
    numbers = {"log_p": np.array([-12.3456789, -0.5, np.nan, -1e-9, -40.25], np.float32), "length": np.array([6, 1, 7, 4, 5])}
    return Record("SeqGAN on poems", SOURCE, seed=7, sentences=SENTENCES, numbers=numbers, options=HOW)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A run of the toy, and one of BEGAN; nobody changes them."""
    folder = tmp_path_factory.mktemp("texts")
    with pytest.MonkeyPatch.context() as patch:
        listed(patch)
        patch.setenv("SAMPLING_STUDIO_HOME", str(folder / "home"))
        toy_run(folder / "verses")
        run_with_history(folder / "faces", some_pictures(folder / "pictures"))
    return folder


@pytest.fixture
def run(place, monkeypatch):
    listed(monkeypatch)
    return place / "verses"


def write(record, name, path):
    found = exporters("text")[name].write(record, path)
    assert found[0] == path
    return path.read_text("utf-8")


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_sentence_is_a_line(record, tmp_path):
    text = write(record, "txt", tmp_path / "a.txt")
    assert text.split("\n") == [*SENTENCES, ""]
    assert json.loads((tmp_path / "a.txt.recipe.json").read_text("utf-8"))["kind"] == "txt"


def test_lines_of_json(record, tmp_path):
    objects = [json.loads(line) for line in write(record, "jsonl", tmp_path / "a.jsonl").splitlines()]
    carried = objects[0].pop("recipe")
    assert carried == recipe.read(tmp_path / "a.jsonl")
    assert all(list(found) == ["text", "log_p", "length", "index"] for found in objects)
    assert [found["text"] for found in objects] == list(SENTENCES)
    assert [found["index"] for found in objects] == list(range(5))
    assert [found["length"] for found in objects] == [6, 1, 7, 4, 5]
    assert objects[2]["log_p"] is None
    assert [np.float32(objects[i]["log_p"]) for i in (0, 1, 3, 4)] == [record.numbers["log_p"][i] for i in (0, 1, 3, 4)]


def test_a_table(record, tmp_path):
    write(record, "texts", tmp_path / "a.csv")
    with open(tmp_path / "a.csv", encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["index", "text", "log_p", "length"]
    assert [row[1] for row in rows] == list(SENTENCES)
    assert [row[2] for row in rows] == ["-12.3456793", "-0.5", "", "-9.99999972e-10", "-40.25"]
    assert [(row[0], row[3]) for row in rows] == [("0", "6"), ("1", "1"), ("2", "7"), ("3", "4"), ("4", "5")]


@pytest.mark.parametrize(("name", "ending"), [("txt", ".txt"), ("jsonl", ".jsonl"), ("texts", ".csv"), ("page", ".html")])
def test_the_recipe_survives_any_letters(record, tmp_path, name, ending):
    odd = "床前 “明月” 光 </script> — \U0001f319 \x7f"
    path = tmp_path / f"a{ending}"
    write(replace(record, options=HOW | {"prompt": odd}), name, path)
    found = recipe.read(path)
    assert found["kind"] == name
    assert found["made"] == {"seed": 7, "count": 5, "rows": [0, 5], "options": HOW | {"prompt": odd}}
    if name == "jsonl":  # it has lost the file beside it
        recipe.beside(path).unlink()
        assert recipe.read(path) == found


def test_json_lines_of_somebody_else(tmp_path):
    for content in ("", "{}", "[1]", '{"recipe": "soup"}', '{"recipe": {"name": "soup"}}', "words"):
        (tmp_path / "a.jsonl").write_text(content)
        with pytest.raises(recipe.BadFile, match=r"no recipe|cannot be read"):
            recipe.read(tmp_path / "a.jsonl")


def test_a_sentence_never_has_a_line_break():
    for letter in "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029":
        assert texts.one_line(f"one{letter}{letter}two") == "one two"
    assert texts.one_line("春  眠\t") == "春  眠\t"
    assert "".join(chr(i) for i in range(0x3000) if chr(i).splitlines() == [""]) == "\n\x0b\x0c\r\x1c\x1d\x1e\x85\u2028\u2029"  # all there are


def test_a_place_that_cannot_be_written(record, tmp_path):
    (tmp_path / "file").write_text("")
    for name in ("txt", "jsonl", "texts", "page"):
        with pytest.raises(DiskTrouble, match="could not be written"):
            exporters()[name].write(record, tmp_path / "file" / "a")


# --- the page ---------------------------------------------------------------------------------------------------------


class Sentences(HTMLParser):
    """What the paragraphs of a page say, and what of it is marked."""

    def __init__(self, text):
        super().__init__()
        self.said, self.marked, self.inside = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.inside = "" if ("class", "empty") in attrs else tag
        if tag == "p" and ("dir", "auto") in attrs:
            self.said.append("")
            self.marked.append("")

    def handle_endtag(self, tag):
        self.inside = "p" if tag == "mark" else ""

    def handle_data(self, data):
        if self.inside in ("p", "mark") and self.said:
            self.said[-1] += data
        if self.inside == "mark":
            self.marked[-1] += data


@pytest.fixture
def text(record, tmp_path):
    return write(record, "page", tmp_path / "a.html")


def test_every_sentence_is_on_the_page(text):
    found = Sentences(text.split('<p id="none"')[0])
    assert found.said == [sentence for sentence in SENTENCES if sentence]
    assert found.marked == ["春眠", "", "", "春眠"]
    assert '<p class="empty">no word</p>' in text
    assert "5 sentences · seed 7 · step 4,000 · temperature 0.8 · prompt “春眠” · net mle" in text
    assert re.findall(r'data-log-p="([^"]+)">([^<]+)<', text)[0] == ("-12.3456793", "−12.35")
    assert len(re.findall(r"data-log-p=", text.split("</ol>")[0])) == 4  # one is not known
    assert '<span class="l">1</span> token<' in text


def test_the_page_is_whole_and_asks_no_address_for_anything(text):
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
    assert "--accent: var(--seqgan);" in text
    assert re.search(r"SYSTEM|CELL_PX|STRIP_PX", text) is None


def test_words_are_inert_on_the_page(record, tmp_path):
    evil = '</ol></script><script>alert(1)</script><img src=x onerror="a"> & '
    text = write(replace(record, title=evil, sentences=(evil,) * 5, options=HOW | {"prompt": evil}), "page", tmp_path / "a.html")
    assert len(Parsed(text).all("script")) == 2
    assert Parsed(text).all("img") == []
    assert Sentences(text.split('<p id="none"')[0]).said == [evil] * 5


@pytest.mark.parametrize(
    ("sentence", "prompt", "marked"),
    [
        ("the cat sat.", "the cat", "the cat"),
        ("The cat sat.", "the  CAT", "The cat"),
        ("春眠不觉", "春 眠", "春眠"),
        ("hello world, she said", "Hello, world", "hello world"),
        ("the cat", "the cat", "the cat"),
        ("the cat", "the cat sat", ""),
        ("a cat", "the", ""),
        ("the cat", "…", ""),
        ("", "the", ""),
    ],
)
def test_the_prompt_is_found(sentence, prompt, marked):
    assert sentence[: textpage.begins(sentence, prompt)] == marked


def test_letters_are_shaped_for_their_language(record, tmp_path):
    for sentence, wanted in (("春眠不觉晓", "zh"), ("春の朝", "ja"), ("봄 아침", "ko"), ("spring", None)):
        text = write(replace(record, sentences=(sentence,) * 5), "page", tmp_path / "a.html")
        (words,) = Parsed(text).all("ol")
        assert words.get("lang") == wanted


def test_the_script_searches_sorts_and_measures():
    code = "\n".join(Path(textpage.__file__).with_name(name).read_text("utf-8") for name in ("common.js", "textpage.js"))

    def asked(*expressions):
        return node(f"{code}\nconst g = module.exports; console.log(JSON.stringify([{','.join(expressions)}]))")

    assert asked(
        'g.matches("The CAT sat", "cat the")',
        'g.matches("The CAT sat", " ")',
        'g.matches("The CAT sat", "dog")',
        'g.matches("ｃａｔ 春眠", "CAT 眠")',
        'g.matches("a.b", ".")',
    ) == [True, True, False, True, True]
    shares = asked("g.likely([-2, -4, NaN, -1, 0], [2, 2, 1, 0, 0])", "g.likely([], [])")
    assert shares == [pytest.approx([1, np.exp(-1), 0, 0, 0]), []]
    assert asked(*(f'g.wish("{key}")' for key in "/?tcox")) == ["find", "help", "theme", "copy", "sort", None]
    assert asked('g.order([-1, NaN, -3], "high")', 'g.moved("ArrowDown", 0, 3, 1)') == [[0, 2, 1], 1]


# --- taken from a run -------------------------------------------------------------------------------------------------


@pytest.fixture
def opened(run):
    return Run.open(run, write=False, data=True)


def test_a_record_tells_all_options(opened):
    found = record_of(opened, seed=4, count=6, options={"temperature": 2, "prompt": "春"}, needs=("reel", "card"))
    assert found.pictures is None
    assert found.count == len(found.sentences) == 6
    assert found.options == {"temperature": 2.0, "top_k": 0, "nucleus": 1.0, "prompt": "春", "net": "seqgan"}
    assert all(text.startswith("春") for text in found.sentences)
    assert {name: len(values) for name, values in found.numbers.items()} == {"log_p": 6, "length": 6}
    assert found.about["card"]["vocabulary"] == 10
    assert found.reel == {}
    assert record_of(opened, seed=4, count=6, samples=False).sentences == ()


def test_options_decide_over_the_sentences(opened):
    plain = record_of(opened, seed=4, count=20).sentences
    for options in ({"temperature": 3.0}, {"top_k": 1}, {"nucleus": 0.3}, {"prompt": "cat"}, {"net": "mle"}):
        assert record_of(opened, seed=4, count=20, options=options).sentences != plain, options
    assert record_of(opened, seed=4, count=5).sentences == plain[:5]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"temperature": 0}, "temperature must be a number above 0 and at most 10; got 0"),
        ({"temperature": 10.5}, "at most 10"),
        ({"temperature": float("nan")}, "above 0"),
        ({"temperature": True}, "above 0"),
        ({"temperature": "1"}, "above 0"),
        ({"top_k": -1}, "top_k must be a whole number from 0"),
        ({"top_k": 1.5}, "whole number"),
        ({"top_k": 10**400}, "whole number"),
        ({"nucleus": 1.01}, "nucleus must be a number above 0 and at most 1"),
        ({"prompt": 7}, "prompt must be words"),
        ({"prompt": "two\nlines"}, "one line"),
        ({"prompt": "x" * 20_000}, "10,000 letters"),
        ({"prompt": "\udcff"}, "UTF-8"),
        ({"spice": 1}, "no option 'spice'"),
    ],
)
def test_bad_options(opened, options, says):
    with pytest.raises(BadInput, match=re.escape(says)):
        record_of(opened, seed=0, count=1, options=options)


def test_pictures_have_no_such_options(place):
    with pytest.raises(BadInput, match="systems that write text"):
        record_of(Run.open(place / "faces", write=False, data=False), seed=0, count=1, options={"temperature": 1.0})


def test_the_report_shows_a_dozen(opened, tmp_path, monkeypatch):
    monkeypatch.setattr(curves, "_drawn", lambda *_: DRAWING)
    taken = record_of(opened, seed=4, count=64, options={"prompt": "cat <b>&", "temperature": 0.5}, needs=("reel", "card"))
    files = exporters("text")["report"].write(taken, tmp_path / "r.md")
    assert [f.name for f in files] == ["r.md", "r.md.recipe.json", "curves.svg"]
    text = files[0].read_text("utf-8")
    rows = re.findall(r"^\| \d+ \| .* \| -[\d.]+ \| \d \|$", text, re.MULTILINE)
    assert len(rows) == report.SENTENCES == 12
    assert "12 samples of seed 4 at step 20: temperature 0.5, top\\_k 0" in text
    assert "<b>" not in text.split("```")[0] + text.split("```")[2]
    assert "100 sentences, 90 of them for training; a vocabulary of 10, at most 6 tokens each; left out: 1 line was empty. And 2 more." in text
    assert "sample verses -n 12 --seed 4 --temperature=0.5 --top-k=0 --nucleus=1.0 --prompt='cat <b>&' --net=seqgan --out samples.txt" in text
    assert recipe.read(files[0])["made"]["options"] == taken.options


def test_a_job_writes_what_the_page_shows(place, run, tmp_path):
    job = TrainingJob(OldRun(run, write=False))
    job.open(lambda done, total: None)
    try:
        wish = Export("txt", tmp_path / "a.txt", seed=4, count=5, options={"prompt": "the cat"})
        assert [f.name for f in job.export(wish)()] == ["a.txt", "a.txt.recipe.json"]
        assert all(line.startswith("the cat") for line in (tmp_path / "a.txt").read_text("utf-8").splitlines())
        with pytest.raises(KeyError):  # no picture is asked for
            job.export(Export("sheet", tmp_path / "a.png"))
    finally:
        job.close(save=False)


# --- the command line -------------------------------------------------------------------------------------------------


def sample(do, run, out, *more):
    return do("sample", run, "-n", 5, "--seed", 4, "--out", out, *more)


def test_all_endings(do, run, tmp_path, opened):
    taken = record_of(opened, seed=4, count=5, options={"temperature": 0.7, "top_k": 3, "nucleus": 0.9, "prompt": "春 眠", "net": "mle"})
    how = ["--temperature", "0.7", "--top-k", "3", "--nucleus", "0.9", "--prompt", "春 眠", "--net", "mle", "--json"]
    for name, ending in (("txt", ".txt"), ("jsonl", ".jsonl"), ("texts", ".csv"), ("page", ".HTML")):
        out = tmp_path / f"a{ending}"
        assert sample(do, run, out, *how).json == {"out": str(out), "count": 5, "seed": 4, "step": 20}
        write(taken, name, tmp_path / f"b{ending}")
        if ending != ".HTML":
            assert out.read_bytes() == (tmp_path / f"b{ending}").read_bytes()
        assert recipe.read(out)["kind"] == name
    assert 20 in Run.open(run, write=False, data=False).folder.pins()


def test_curves_of_every_system(do, place, run, tmp_path):
    for name, rows in (("verses", 20), ("faces", 30)):
        assert do("sample", place / name, "--plots", "--out", tmp_path / f"{name}.csv", "--json").json["count"] == rows
        assert (tmp_path / f"{name}.csv").read_text().startswith("step,")
    assert do("sample", run, "--tensorboard", "--out", tmp_path / "tb").status == 0


@pytest.mark.parametrize(
    ("name", "words", "says"),
    [
        ("verses", ["--out", "a.png"], [".png is for systems that draw pictures", ".txt, .jsonl, .csv, .html, .svg, .md, --plots"]),
        ("verses", ["--out", "a.webp"], [".webp is for systems that draw pictures"]),
        ("verses", ["--out", "folder"], ["A folder of single pictures is for systems that draw pictures"]),
        ("verses", ["--out", "a.psd"], ["Nothing here writes '.psd'"]),
        ("verses", ["--out", "a.mp4"], [".mp4 is for systems that draw pictures"]),
        ("verses", ["--reel", "--out", "a.webp"], ["--reel is for systems that draw pictures"]),
        ("verses", ["--zoom", "2", "--out", "a.txt"], ["--zoom has no meaning"]),
        ("verses", ["--frames", "9", "--out", "a.html"], ["--frames has no meaning"]),
        ("verses", ["--no-ema", "--out", "a.txt"], ["--no-ema is for systems that draw pictures"]),
        ("verses", ["--top-k", "3", "--plots", "--out", "a.csv"], ["--top-k has no meaning for a.csv"]),
        ("verses", ["--prompt", "x\ny", "--out", "a.txt"], ["prompt", "one line"]),
        ("verses", ["--net", "best", "--out", "a.txt"], ["no net 'best'"]),
        ("verses", ["--temperature", "0", "--out", "a.txt"], ["--temperature", "above 0 and at most 10"]),
        ("verses", ["--temperature", "nan", "--out", "a.txt"], ["--temperature"]),
        ("verses", ["--temperature", "hot", "--out", "a.txt"], ["--temperature", "'hot'"]),
        ("verses", ["--top-k=-1", "--out", "a.txt"], ["--top-k", "from 0"]),
        ("verses", ["--nucleus", "1.1", "--out", "a.txt"], ["--nucleus", "at most 1"]),
        ("faces", ["--out", "a.txt"], [".txt is for systems that write text, and faces draws pictures; --out takes"]),
        ("faces", ["--out", "a.jsonl"], [".jsonl is for systems that write text"]),
        ("faces", ["--temperature", "1", "--out", "a.png"], ["--temperature is for systems that write text"]),
        ("faces", ["--prompt", "", "--out", "a.html"], ["--prompt is for systems that write text"]),
        ("faces", ["--top-k", "0", "--out", "a.md"], ["--top-k is for systems that write text"]),
    ],
)
def test_what_does_not_fit_is_refused(do, place, run, monkeypatch, tmp_path, name, words, says):
    monkeypatch.chdir(tmp_path)
    refused(do("sample", place / name, *words), *says)
    assert not [path for path in tmp_path.iterdir() if path.name not in ("home", "config")]


def test_inspect_tells_the_options(do, run, tmp_path):
    for ending in (".txt", ".jsonl", ".csv", ".html"):
        sample(do, run, tmp_path / f"a{ending}", "--prompt", "春")
        told = do("inspect", tmp_path / f"a{ending}", "--json").json
        assert (told["seed"], told["steps"], told["made"]["options"]["prompt"]) == (4, 20, "春")


# --- the window -------------------------------------------------------------------------------------------------------


class Stub(QObject):
    exported, export_progressed, trouble = Signal(object, object), Signal(object, int, int), Signal(object)
    run = None

    def export(self, wish):
        self.wish = wish


def test_the_menu_offers_what_the_system_writes(qtbot, dressed, tmp_path):
    page, session = Page(), Stub()
    qtbot.addWidget(page)
    doors = {
        writes: Exporting(session, page, lambda: {"seed": 1, "count": 2, "options": {"top_k": 3}}, {"loop"}, writes)
        for writes in ("text", "pictures")
    }
    shown = {writes: [action.text() for action in one.button.menu().actions()] for writes, one in doors.items()}
    both = ["Curves (CSV)", "Plots (PNG)", "Plots (SVG)", "Report (Markdown)", "TensorBoard (folder)"]
    assert shown["text"] == ["Sentences (text)", "Sentences (JSON lines)", "Sentences (CSV)", "Page of sentences (HTML)", *both]
    assert len(shown["pictures"]) == 10
    assert "Gallery (HTML)" in shown["pictures"]
    doors["text"].export("txt", tmp_path / "a.txt")
    assert session.wish == Export("txt", tmp_path / "a.txt", seed=1, count=2, options={"top_k": 3})


def test_a_dropped_file_opens_the_run_that_made_it(window, run, do, tmp_path, monkeypatch):
    went = []
    monkeypatch.setattr(window, "open_run", lambda path, *_, **__: went.append(path))
    for ending in (".txt", ".jsonl", ".csv", ".html"):
        assert ending in CARRIERS
        sample(do, run, tmp_path / f"a{ending}")
        enter(window, tmp_path / f"a{ending}")
    assert went == [run] * 4
    assert catalog.algorithm("toytext").WRITES == "text"
