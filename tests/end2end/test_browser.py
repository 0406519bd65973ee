"""Exported pages and animations in a real browser: headless Chromium, where there is one.

A page is copied with a driver appended, which presses keys and clicks, and writes what it found into the page; that is printed by --dump-dom.
The page's own policy stays in force, with the driver's hash beside those of its scripts: whatever asks an address for anything is blocked and told.
"""

import base64
import hashlib
import json
import re
import shutil
import subprocess
import threading
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from studio import recipe
from studio.export import Record, exporters, moving
from studio.export.filled import DeskRecord, fill_exporters

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--enable-logging=stderr"]
HEAD = """
const seen = { errors: [], blocked: [] };
addEventListener("error", (event) => {
  if (event.target.id !== "large") seen.errors.push(String(event.message || event.target.src)); // which is empty until one is enlarged
}, true);
addEventListener("unhandledrejection", (event) => seen.errors.push(String(event.reason)));
addEventListener("securitypolicyviolation", (event) => seen.blocked.push(`${event.violatedDirective} ${event.blockedURI}`));
"""
FOOT = """
const key = (name, target = document.activeElement) =>
  target.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true }));
const $ = (selector) => document.querySelector(selector);
const texts = (selector) => [...document.querySelectorAll(selector)].map((one) => one.textContent);
const tick = () => new Promise((done) => setTimeout(done, 20));
(async () => {
  try { DRIVER } catch (error) { seen.errors.push(`driver: ${error.stack}`); }
  seen.asked = performance.getEntriesByType("resource").map((one) => one.name).filter((name) => !name.startsWith("data:"));
  const out = document.createElement("pre");
  out.id = "found";
  out.textContent = JSON.stringify(seen);
  document.body.append(out);
  if (window.held) fetch(window.held, { method: "POST", mode: "no-cors", body: "done" });
})();
"""
SOURCE = {
    "system": "began",
    "step": 1200,
    "run": {"id": "ab" * 8, "name": "faces-1", "path": "/runs/faces-1"},
    "data": {"spec": "faces", "id": "x", "title": "faces </script><b>&"},
    "state_hash": "0123456789ab" * 5,
    "knob_history": [],
}

pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here")


class Holding(BaseHTTPRequestHandler):
    """Keeps a page loading until its driver is done: decoders take real time, of which a virtual clock knows nothing."""

    done: threading.Event

    def do_GET(self):
        self.done.wait(60)
        self.send_error(404)

    def do_POST(self):
        self.done.set()
        self.send_response(204)
        self.end_headers()

    def log_message(self, *words):
        """Nothing."""


@pytest.fixture
def held():
    """An address whose answer waits until something is posted there."""
    kind = type("Held", (Holding,), {"done": threading.Event()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    kind.done.set()
    server.shutdown()
    server.server_close()
    thread.join()


def browse(page, driver, tmp_path, *flags, held=""):
    """What `seen` holds after the driver has run, with the page's errors, what it asked for, and what the browser has logged."""
    text = page.read_text("utf-8")
    head, foot = HEAD, FOOT.replace("DRIVER", driver)
    policy = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'" for code in (head, foot))
    text = re.sub(r"script-src ('sha256-[^']*')", rf"script-src \1 {policy}", text, count=1)
    text = text.replace('<meta name="viewport"', f'<script>{head}</script><meta name="viewport"', 1)
    place = tmp_path / f"driven-{page.name}"
    place.write_text(text.replace("</body>", f"<script>{foot}</script></body>"), "utf-8")
    words = [BROWSER, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", *flags, "--dump-dom", place.as_uri()]
    words[-2:-2] = ["--timeout=60000"] if held else ["--virtual-time-budget=15000"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    found = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, (done.stdout[-2000:], done.stderr[-2000:])
    seen = json.loads(unescape(found[1]))
    seen["asked"] = [name for name in seen["asked"] if not held or not name.startswith(held)]
    logged = [line for line in done.stderr.splitlines() if "CONSOLE" in line and not (held and held in line)]
    assert (seen.pop("errors"), seen.pop("blocked"), seen.pop("asked"), logged) == ([], [], [], [])
    return seen


@pytest.fixture
def record():
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 255, (12, 16, 16, 3), np.uint8)
    scores = {"L(v)": np.array([5, 3, np.nan, 1, 9, 2, 8, 7, 6, 4, 11, 10], np.float32)}
    return Record("BEGAN on faces", SOURCE, pictures, 7, scores=scores, reel=dict.fromkeys((0, 600, 1200), pictures[:4]), loop=pictures)


def test_the_gallery_is_walked_sorted_and_zoomed_by_keys(record, tmp_path):
    (page,) = exporters()["gallery"].export(record, tmp_path / "a.html")
    driver = """
      const shown = () => [...document.querySelectorAll(".pictures > li")].map((li) => li.dataset.told.match(/sample (\\d+)/)[1]).join(" ");
      const place = () => document.activeElement.closest("li").dataset.told.match(/sample (\\d+)/)[1];
      seen.tools = !$(".tools").hidden;
      key("ArrowRight", document.body); seen.right = place();
      key("End"); seen.end = place();
      key("Home"); seen.home = place();
      key("o"); seen.low = shown(); key("o"); seen.high = shown(); key("o"); seen.drawn = shown();
      const width = () => getComputedStyle(document.documentElement).getPropertyValue("--cell");
      const before = width(); key("+"); seen.larger = [before, width()]; key("-");
      $(".pictures button").click(); await tick();
      seen.view = [$("#view").open, $("#caption").textContent, $("#large").naturalWidth];
      key("ArrowRight"); seen.next = $("#caption").textContent;
      $("#view .close").click(); await tick(); seen.closed = !$("#view").open;
      key("?"); seen.help = $("#help").open; $("#help .close").click();
      const ground = () => getComputedStyle(document.body).backgroundColor;
      const light = ground(); key("t"); seen.theme = [light, ground()];
      const time = $("#time"); time.value = 0; time.oninput(); seen.step = $("#step").textContent;
      seen.figures = document.querySelectorAll("figure.now").length;
      const told = document.execCommand; let copied = "";
      document.execCommand = () => { copied = document.activeElement.value; return true; };
      Object.defineProperty(navigator, "clipboard", { value: undefined });
      $("#copy").click(); document.execCommand = told;
      seen.copied = JSON.parse(copied); seen.button = $("#copy").textContent;
    """
    seen = browse(page, driver, tmp_path)
    assert seen["tools"]
    assert (seen["right"], seen["end"], seen["home"]) == ("1", "11", "0")
    assert seen["low"] == "3 5 1 9 0 8 7 6 4 11 10 2"  # what has no number is last
    assert seen["high"] == "10 11 4 6 7 8 0 9 1 5 3 2"
    assert seen["drawn"] == " ".join(map(str, range(12)))
    assert seen["larger"] == ["96px", "112px"]
    assert seen["view"][0] is True
    assert seen["view"][1].startswith("sample 0 · seed 7 · step 1,200")
    assert seen["view"][2] == 16
    assert seen["next"].startswith("sample 1 ")
    assert seen["closed"]
    assert seen["help"]
    assert seen["theme"][0] != seen["theme"][1]
    assert (seen["step"], seen["figures"]) == ("step 0", 1)
    assert seen["copied"] == recipe.read(page)
    assert seen["button"] == "Copied"


@pytest.mark.slow
def test_a_page_of_sentences_is_searched_and_sorted(tmp_path):
    sentences = ("the cat sleeps", "", "a <b>dog</b> runs", "春眠不觉晓", "the old cat")
    numbers = {"log_p": np.array([-3, -9, -2, -5, -4], np.float32), "length": np.array([3, 0, 3, 5, 3], np.float32)}
    record = Record("SeqGAN on verse", {**SOURCE, "system": "seqgan"}, seed=7, sentences=sentences, numbers=numbers, options={"temperature": 1.0})
    page = exporters()["page"].export(record, tmp_path / "a.html")[0]
    driver = """
      const shown = () => [...document.querySelectorAll(".sentences > li")].filter((li) => !li.hidden)
        .map((li) => li.querySelector(".n").textContent);
      key("/", document.body); seen.find = document.activeElement.id;
      const find = $("#find");
      const type = (text) => { find.value = text; find.dispatchEvent(new Event("input", { bubbles: true })); };
      type("CAT the"); seen.cats = shown(); seen.found = $("#found").textContent;
      type("zebra"); seen.none = [shown(), !$("#none").hidden];
      type(""); $("#sort").value = "p-high"; $("#sort").dispatchEvent(new Event("change", { bubbles: true })); seen.high = shown();
      seen.bars = document.querySelectorAll("svg.bar").length; seen.tags = document.querySelectorAll(".sentences b").length;
    """
    seen = browse(page, driver, tmp_path)
    assert seen["find"] == "find"
    assert seen["cats"] == ["0", "4"]
    assert "2" in seen["found"]
    assert seen["none"] == [[], True]
    assert seen["high"] == ["2", "0", "4", "3", "1"]
    assert (seen["bars"], seen["tags"]) == (4, 0)


@pytest.mark.slow
def test_a_page_of_fillings_and_a_dark_one(record, tmp_path):
    from tests.studio.toyfill import DESK, made_up
    from tests.studio.toyfill import SOURCE as FILLED

    fillings = {net: made_up(net=net, seed=i) for i, net in enumerate(("maskgan", "maskmle"))}
    desk = DeskRecord("MaskGAN on grammar", FILLED, DESK, fillings, 0, {"temperature": 1.0, "top_k": 0, "nucleus": 1.0, "shown": 0, "k": 9})
    page = fill_exporters()["page"].export(desk, tmp_path / "a.html")[0]
    seen = browse(page, 'seen.items = document.querySelectorAll("li").length; seen.title = document.title; key("t", document.body);', tmp_path)
    assert seen["items"] >= 6
    assert "MaskGAN" in seen["title"]
    (page,) = exporters()["gallery"].export(record, tmp_path / "b.html")
    ground = "seen.ground = getComputedStyle(document.body).backgroundColor;"
    plain, dark = (browse(page, ground, tmp_path, *flags)["ground"] for flags in ((), ("--blink-settings=preferredColorScheme=0",)))
    assert sum(map(int, re.findall(r"\d+", dark)[:3])) < 200 < sum(map(int, re.findall(r"\d+", plain)[:3]))


SHELL = (
    '<!doctype html><html><head><meta charset="utf-8"><meta name="viewport" content="width=1"></head><body>'
    '<script>window.held = "HELD";</script><img id="large" src="HELD"></body></html>'
)


@pytest.mark.slow
@pytest.mark.parametrize(("ending", "kind"), [(".webp", "image/webp"), (".apng", "image/png"), (".gif", "image/gif")])
def test_every_frame_of_an_animation_is_decoded(record, tmp_path, held, ending, kind):
    path = exporters()["animation"].export(record, tmp_path / f"a{ending}", zoom=2, fps=20)[0]
    (tmp_path / "a.html").write_text(SHELL.replace("HELD", held))
    driver = f"""
      const bytes = Uint8Array.from(atob("{base64.b64encode(path.read_bytes()).decode()}"), (c) => c.charCodeAt(0));
      const decoder = new ImageDecoder({{ data: bytes, type: "{kind}" }});
      await decoder.tracks.ready; await decoder.completed;
      const track = decoder.tracks.selectedTrack;
      seen.count = track.frameCount; seen.repeats = String(track.repetitionCount); seen.frames = [];
      for (let i = 0; i < track.frameCount; i++) {{
        const {{ image }} = await decoder.decode({{ frameIndex: i }});
        const canvas = new OffscreenCanvas(image.displayWidth, image.displayHeight);
        const context = canvas.getContext("2d", {{ willReadFrequently: true }});
        context.drawImage(image, 0, 0);
        seen.frames.push([image.displayWidth, image.displayHeight, image.duration / 1000, [...context.getImageData(5, 9, 1, 1).data.slice(0, 3)]]);
      }}
    """
    seen = browse(tmp_path / "a.html", driver, tmp_path, held=held)
    wanted = list(moving.read(path))
    assert (seen["count"], seen["repeats"]) == (12, "Infinity")
    for (width, height, ms, pixel), frame in zip(seen["frames"], wanted, strict=True):
        assert (height, width, ms) == (*frame.pixels.shape[:2], frame.ms)
        assert np.abs(np.array(pixel) - frame.pixels[9, 5]).max() <= 1


@pytest.mark.slow
def test_a_video_has_its_size_and_time_and_shows_its_frames(record, tmp_path, held):
    pytest.importorskip("av")
    path = exporters()["animation"].export(record, tmp_path / "a.mp4", zoom=8, fps=10)[0]
    (tmp_path / "a.html").write_text(SHELL.replace("HELD", held))
    driver = f"""
      const video = document.createElement("video");
      const ready = new Promise((done, failed) => {{ video.onloadeddata = done; video.onerror = () => failed(video.error.message); }});
      video.muted = true; video.src = "data:video/mp4;base64,{base64.b64encode(path.read_bytes()).decode()}";
      document.body.append(video); await ready;
      seen.size = [video.videoWidth, video.videoHeight, video.duration];
      const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
      const context = canvas.getContext("2d", {{ willReadFrequently: true }});
      seen.pixels = [];
      for (const at of [0.05, 0.55]) {{
        const sought = new Promise((done) => {{ video.onseeked = done; }});
        video.currentTime = at; await sought; context.drawImage(video, 0, 0);
        seen.pixels.push([...context.getImageData(60, 60, 1, 1).data.slice(0, 3)]);
      }}
    """
    seen = browse(tmp_path / "a.html", driver, tmp_path, held=held)
    frames = list(moving.read(path))
    assert seen["size"] == [frames[0].pixels.shape[1], frames[0].pixels.shape[0], pytest.approx(1.2, abs=0.05)]
    for pixel, frame in zip(seen["pixels"], (frames[0], frames[5]), strict=True):
        assert np.abs(np.array(pixel) - frame.pixels[60, 60]).max() <= 12
