"""Folders stand in for the Hugging Face hub: data that are trained on, and a network that chains climb, from the command line and the window."""

import threading
import time
import warnings
from contextlib import nullcontext

import numpy as np
import pytest
from PIL import Image

from models.data import reach
from studio.doors import read
from studio.verify import verify
from tests.studio.conftest import do, dressed, walkable, window  # noqa: F401
from tests.studio.tiny import SET, refused


@pytest.fixture(scope="module")
def datasets():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = pytest.importorskip("datasets", reason='the extra "hub" is not installed')
    from tqdm import tqdm

    tqdm.monitor_interval = 0
    found.disable_progress_bars()
    yield found
    found.enable_progress_bars()


@pytest.fixture(scope="module")
def folder(datasets, tmp_path_factory):
    """What `Dataset.save_to_disk` writes: pictures in two classes."""
    rng = np.random.default_rng(0)
    pictures = [Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8)) for _ in range(40)]
    features = datasets.Features({"picture": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])})
    place = tmp_path_factory.mktemp("hub") / "animals"
    datasets.Dataset.from_dict({"picture": pictures, "label": [0, 1] * 20}, features=features).save_to_disk(str(place))
    return place


def test_data_of_a_folder_are_trained_on_and_exported(do, folder, tmp_path):  # noqa: F811
    data = f"hub:{folder}"
    told = do("data", data, "--size", "32", "--json").json
    assert told["count"] == 40
    assert "cat" in str(told)
    assert do("train", "began", "--data", data, "--steps", "2", "--out", tmp_path / "run", *SET, "--json").json["steps"] == 2
    assert do("sample", tmp_path / "run", "-n", "4", "--out", tmp_path / "a.png").status == 0
    assert do("resume", tmp_path / "run", "--steps", "3").status == 0
    assert verify(tmp_path / "a.png").verdict == "identical"
    assert read(tmp_path / "a.png").recipe["data"]["spec"] == data


def test_the_window_trains_on_it_too(qtbot, window, folder):  # noqa: F811
    page = window.show_page("began")
    page.new.choose_data(f"hub:{folder}")
    qtbot.waitUntil(page.new.picker.card.isVisible, timeout=60_000)
    assert page.new.picker.card.facts["Pictures"].full_text() == "40 at 32 px"
    qtbot.waitUntil(page.new.start_button.isEnabled, timeout=60_000)
    page.new.settings.set_values({"n": 4, "h": 8, "z": 8, "batch": 4})
    with qtbot.waitSignal(window.session.opened, timeout=60_000):
        page.new.start_button.click()
    qtbot.waitUntil(lambda: window.session.step >= 2, timeout=60_000)


@pytest.mark.slow
def test_chains_climb_a_network_of_a_folder_and_are_verified(do, walkable, tmp_path):  # noqa: F811
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        transformers = pytest.importorskip("transformers", reason='the extra "hub" is not installed')
    names = {"id2label": {0: "cat", 1: "dog"}, "label2id": {"cat": 0, "dog": 1}}
    config = transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", **names)
    transformers.ResNetForImageClassification(config).eval().save_pretrained(tmp_path / "net")
    words = ["chain", walkable, "--variant", "dgn-am", "--condition", "dog", "--chains", "2", "--steps", "3", "--threads", "1"]
    done = do(*words, "--classifier", f"hub:{tmp_path / 'net'}", "--out", tmp_path / "a.png", "--json")
    assert done.status == 0, done
    assert done.json["classifier"] == "net"
    assert verify(tmp_path / "a.png").verdict == "identical"


@pytest.fixture
def nowhere(monkeypatch):
    """An address where nobody listens, and no proxy."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(reach, "getproxies", dict)


def test_without_a_network_names_fail_at_once_with_one_sentence(do, datasets, walkable, nowhere, tmp_path):  # noqa: F811
    pytest.importorskip("transformers", reason='the extra "hub" is not installed')
    began = time.monotonic()
    refused(do("train", "began", "--data", "hub:nobody/nothing", "--out", tmp_path / "run"), "The hub cannot be reached", "hub:FOLDER")
    words = ["chain", walkable, "--condition", "left", "--classifier", "hub:nobody/nothing", "--out", tmp_path / "a.png"]
    refused(do(*words), "The hub cannot be reached", "a folder that is here")
    assert time.monotonic() - began < 15  # the libraries alone take half a minute
    assert not list(tmp_path.iterdir())


def test_a_name_that_is_never_resolved_takes_no_longer_than_our_patience(monkeypatch, nowhere):
    over = threading.Event()

    def never(*_, **__):
        over.wait(30)
        raise OSError

    monkeypatch.setattr(reach.socket, "create_connection", never)
    began = time.monotonic()
    assert not reach.reachable(0.2)
    assert time.monotonic() - began < 2
    over.set()


def test_a_proxy_is_asked_in_the_place_of_the_hub(monkeypatch, nowhere):
    asked = []
    monkeypatch.setattr(reach, "getproxies", lambda: {"http": "http://proxy.example:3128"})
    monkeypatch.setattr(reach.socket, "create_connection", lambda place, timeout: (asked.append(place), nullcontext())[1])
    assert reach.reachable()
    assert asked == [("proxy.example", 3128)]
