"""MaskGAN itself on the command line: filled, exported, inspected and verified, on words and on characters, from its first step."""

import json
import re
from pathlib import Path

import pytest

from models.algorithms.maskgan import filling
from models.algorithms.maskgan.fillings import Desk
from models.data import grammar
from models.run import Run
from studio import recipe
from studio.export import filled
from studio.export.filled import desk_of, desk_record, fill_exporters
from tests.studio.tiny import refused

SMALL = {"T": 8, "h": 6, "layers": 1, "batch": 4}
KINDS = {  # a run on each kind of text -> its data, its settings, a sentence, and words that it must keep
    "grammar": ("grammar", {"T": 20}, "the ___ sees a ___ .", ("the", "sees", "a", ".")),
    "verses": ("verses.txt", {"unit": "chars"}, "春_不觉_", ("春", "不", "觉")),
}
VERSES = "春眠不觉晓 处处闻啼鸟 夜来风雨声 花落知多少 床前明月光 疑是地上霜 举头望明月 低头思故乡 白日依山尽 黄河入海流 欲穷千里目 更上一层楼"


@pytest.fixture(scope="session")
def fillers(tmp_path_factory) -> Path:
    """A run of MaskGAN on each kind of text, 2 steps old."""
    place = tmp_path_factory.mktemp("maskgan")
    (place / "verses.txt").write_text(VERSES.replace(" ", "\n") + "\n花落\n", "utf-8")  # not all are as long, so there are ends
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAMPLING_STUDIO_HOME", str(place / "home"))
        for name, (data, more, *_) in KINDS.items():
            spec = str(place / data) if data.endswith(".txt") else data
            run = Run.create(place / name, "maskgan", spec, config=SMALL | more, seed=3)
            for _ in run.train(2):
                pass
            run.close()
    (place / "verses.txt").unlink()  # nothing here needs the data again
    return place


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("step", [0, 2])
def test_blanks_are_filled_from_the_first_step(fillers, do, name, step):
    _, _, text, kept = KINDS[name]
    done = do("fill", fillers / name, text, "-n", 4, "--step", step, "--json")
    assert (done.status, done.json["step"], done.json["net"]) == (0, step, "maskgan")
    found = done.json["fillings"]
    assert len(found) == 4
    for one in found:
        assert tuple(word for i, word in enumerate(one["tokens"]) if i not in one["blanks"]) == kept
        assert (len(one["probabilities"]), len(one["realism"])) == (2, len(one["tokens"]))
        assert all(0 <= p <= 1 for p in one["probabilities"] + one["realism"])
        assert one["log_p"] < 0
        assert one["valid"] == (grammar.valid(one["tokens"]) if name == "grammar" else None)
    assert len({one["text"] for one in found}) > 1
    other = do("fill", fillers / name, text, "-n", 4, "--step", step, "--net", "maskmle", "--json").json
    assert other["net"] == "maskmle"
    few = do("fill", fillers / name, text, "-n", 2, "--step", step, "--json").json["fillings"]
    assert [one["text"] for one in few] == [one["text"] for one in found[:2]]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("ending", [".html", ".jsonl", ".txt"])
def test_fillings_are_written_and_verified(fillers, do, tmp_path, name, ending):
    out, text = tmp_path / f"a{ending}", KINDS[name][2]
    how = ["--temperature", 0.7, "--top-k", 9, "--nucleus", 0.9, "--open-end", "--seed", 8, "-n", 3]
    done = do("fill", fillers / name, text, *how, "--out", out, "--json")
    assert (done.status, done.err) == (0, "")
    said = [one["text"] for one in done.json["fillings"]]
    content = out.read_text("utf-8")
    if ending == ".html":
        plain = [re.sub("<[^>]*>", "", words) for words in re.findall(r'<p class="said"[^>]*>(.*?)</p>', content)]
        assert plain[:3] == said
        assert len(plain) == 6
    else:
        assert [line if ending == ".txt" else json.loads(line)["text"] for line in content.splitlines()] == said
    made = recipe.read(out)["made"]
    assert do("inspect", out, "--json").json["made"] == made
    done = do("verify", out, "--json")
    assert (done.json["verdict"], done.json["max_difference"]) == ("identical", 0.0)


def test_a_recipe_leads_back_to_the_desk(fillers, do, tmp_path):
    out = tmp_path / "a.jsonl"
    do("fill", fillers / "grammar", KINDS["grammar"][2], "--out", out, "-n", 3)
    desk, asked = desk_of(recipe.read(out))
    run = Run.open(fillers / "grammar", write=False, data=False)
    fill_exporters()["jsonl"].write(desk_record(run, desk, **asked), tmp_path / "b.jsonl")
    assert (tmp_path / "b.jsonl").read_bytes() == out.read_bytes()


@pytest.mark.parametrize("ending", [".html", ".jsonl", ".txt"])
def test_a_desk_with_a_truth_and_a_fixed_word(fillers, do, tmp_path, ending):
    """As the window exports it: words blanked by hand, one of them chosen by hand, the candidates of the second alternative."""
    run = Run.open(fillers / "grammar", write=False, data=False)
    desk = Desk(grammar.sentence(3), (0, 1, 2), True, ((1, "cats"),))
    record = desk_record(run, desk, n=3, seed=1, options={"shown": 1, "k": 4})
    assert all(found.candidates_p.shape[1] == 4 for found in record.fillings.values())
    name = next(name for name, exporter in fill_exporters().items() if exporter.extension == ending)
    out = tmp_path / f"a{ending}"
    fill_exporters()[name].write(record, out)
    run.folder.pin(run.state.step)
    assert do("verify", out, "--json").json["verdict"] == "identical"
    assert desk_of(recipe.read(out))[0] == desk
    if ending == ".html":
        text = out.read_text("utf-8")
        assert text.count('<mark class="own">') == 7  # on the desk, and in each alternative of each net
        assert 'id="truth"' in text


def test_a_text_longer_than_the_run_knows_is_read_in_windows(fillers, do, tmp_path):
    text = "春_不觉晓处处_" * 3
    done = do("fill", fillers / "verses", text, "-n", 6, "--json")
    assert any("windows" in note for note in done.json["notes"])
    for one in done.json["fillings"]:
        assert "".join(one["tokens"]) == one["text"]
        assert one["tokens"][16:23] == list("春") + one["tokens"][17:18] + list("不觉晓处处")
    do("fill", fillers / "verses", text, "-n", 6, "--out", tmp_path / "a.html")
    assert do("verify", tmp_path / "a.html", "--json").json["verdict"] == "identical"


def test_what_is_told_and_what_is_refused(fillers, do, tmp_path):
    run = fillers / "grammar"
    done = do("fill", run, "the zebra ___ .", "--json")
    assert any("'zebra'" in note for note in done.json["notes"])
    assert "'zebra'" in do("fill", run, "the zebra ___ .").err
    refused(do("fill", run, "the cat sleeps ."), "no blank", "___")
    refused(do("fill", run, ""), "sentence")
    refused(do("fill", run, "the ___ " * 400), "tokens")
    assert do("fill", run, "___ ___ ___", "--json").status == 0


def test_the_limit_is_that_of_the_desk():
    assert (filled.MOST, filled.NETS) == (filling.MOST, filling.NETS)


@pytest.mark.parametrize("net", ["maskgan", "maskmle", "lm"])
def test_whole_sentences_are_drawn_and_verified(fillers, do, tmp_path, net):
    for ending in (".txt", ".jsonl", ".csv", ".html"):
        out = tmp_path / f"a{ending}"
        done = do("sample", fillers / "verses", "-n", 5, "--net", net, "--prompt", "春", "--out", out, "--json")
        assert done.json["count"] == 5
        assert recipe.read(out)["made"]["options"]["net"] == net
        assert do("verify", out, "--json").json["verdict"] == "identical"
    refused(do("sample", fillers / "verses", "--net", "mle", "--out", tmp_path / "b.txt"), "maskgan", "maskmle", "lm")


def test_a_desk_on_which_every_blank_was_chosen_by_hand(fillers, do, tmp_path):
    run = Run.open(fillers / "grammar", write=False, data=False)
    desk = Desk(("the", "cat", "sleeps", "."), (1, 2), False, ((1, "dog"), (2, "runs")))
    record = desk_record(run, desk, n=2, seed=0)
    for exporter in fill_exporters().values():
        path = exporter.write(record, tmp_path / f"a{exporter.extension}")[0]
        assert do("verify", path, "--json").json["verdict"] == "identical"
    assert (tmp_path / "a.txt").read_text("utf-8") == "the dog runs.\n" * 4
