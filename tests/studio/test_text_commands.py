"""SeqGAN on the command line: sampled, inspected and verified, on characters, on words and on an oracle."""

import csv
import json
import re
import shlex
from pathlib import Path

import pytest

from models.run import Run
from studio import recipe
from studio.cli import parser
from studio.export import curves
from tests.studio.tiny import refused

SMALL = {"T": 8, "e": 4, "h": 6, "e_D": 4, "filters": "narrow", "batch": 4, "negatives": 12}
KINDS = {  # a run on each kind of text -> its data, its settings, a prompt
    "verses": ("verses.txt", {"unit": "chars"}, "春眠"),
    "grammar": ("grammar", {"T": 20}, "the dog"),
    "oracle": ("oracle", {"oracle_V": 30, "oracle_size": 64}, "3 4"),
}
VERSES = "春眠不觉晓 处处闻啼鸟 夜来风雨声 花落知多少 床前明月光 疑是地上霜 举头望明月 低头思故乡 白日依山尽 黄河入海流 欲穷千里目 更上一层楼"
ENDINGS = (".txt", ".jsonl", ".csv", ".html")


@pytest.fixture(scope="session")
def written(tmp_path_factory) -> Path:
    """A run of SeqGAN on each kind of text, 3 steps old."""
    place = tmp_path_factory.mktemp("seqgan")
    (place / "verses.txt").write_text(VERSES.replace(" ", "\n") + "\n", "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAMPLING_STUDIO_HOME", str(place / "home"))
        for name, (data, more, _) in KINDS.items():
            spec = str(place / data) if data.endswith(".txt") else data
            run = Run.create(place / name, "seqgan", spec, config=SMALL | more, seed=3)
            for _ in run.train(3):
                pass
            run.close()
    return place


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("ending", ENDINGS)
def test_sentences_are_drawn_and_verified(written, do, tmp_path, name, ending):
    out, prompt = tmp_path / f"a{ending}", KINDS[name][2]
    how = ["--temperature", 0.7, "--top-k", 9, "--nucleus", 0.9, "--prompt", prompt]
    done = do("sample", written / name, "-n", 5, "--seed", 8, "--out", out, "--json", *how)
    assert done.json == {"out": str(out), "count": 5, "seed": 8, "step": 3}
    made = recipe.read(out)["made"]
    assert made["options"] == {"temperature": 0.7, "top_k": 9, "nucleus": 0.9, "prompt": prompt, "net": "seqgan"}
    assert do("inspect", out, "--json").json["made"] == made
    done = do("verify", out, "--json")
    assert (done.json["verdict"], done.json["max_difference"]) == ("identical", 0.0)


@pytest.mark.parametrize("name", KINDS)
def test_all_files_say_the_same(written, do, tmp_path, name):
    for ending in ENDINGS:
        do("sample", written / name, "-n", 5, "--prompt", KINDS[name][2], "--out", tmp_path / f"a{ending}")
    lines = (tmp_path / "a.txt").read_text("utf-8").splitlines()
    objects = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text("utf-8").splitlines()]
    with open(tmp_path / "a.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    page = (tmp_path / "a.html").read_text("utf-8")
    assert len(lines) == len(set(lines)) == 5
    assert lines == [found["text"] for found in objects] == [row["text"] for row in rows]
    assert all(line.startswith(KINDS[name][2]) for line in lines)
    assert [found["log_p"] for found in objects] == [float(row["log_p"]) for row in rows] == [float(v) for v in re.findall(r'-log-p="(.*?)"', page)]
    assert all(found["log_p"] < 0 for found in objects)
    assert [found["length"] for found in objects] == [int(row["length"]) for row in rows]
    assert page.count("<mark>") == 5
    assert 'lang="zh"' in page or name != "verses"


def test_a_sentence_does_not_depend_on_how_many(written, do, tmp_path):
    for n in (3, 70):
        do("sample", written / "verses", "-n", n, "--out", tmp_path / f"{n}.csv")
    few, many = ((tmp_path / f"{n}.csv").read_bytes().splitlines() for n in (3, 70))
    assert many[:4] == few


def test_the_baseline_is_another_writer(written, do, tmp_path):
    for net in ("seqgan", "mle"):
        do("sample", written / "verses", "-n", 3, "--net", net, "--out", tmp_path / f"{net}.jsonl")
    made = [recipe.read(tmp_path / f"{net}.jsonl")["made"] for net in ("seqgan", "mle")]
    assert [m["options"].pop("net") for m in made] == ["seqgan", "mle"]
    assert made[0] == made[1]


def test_what_a_prompt_cannot_be(written, do, tmp_path):
    for name, prompt, says in (
        ("verses", "zebra", "vocabulary"),
        ("grammar", "the zzzz", "does not have 'zzzz'"),
        ("oracle", "31", "from 0 to 29"),
        ("oracle", "1 2 3 4 5 6 7 8", "leave room"),
    ):
        refused(do("sample", written / name, "--prompt", prompt, "--out", tmp_path / "a.txt"), says)
    refused(do("sample", written / "oracle", "--net", "best", "--out", tmp_path / "a.txt"), "seqgan and mle")
    assert not (tmp_path / "a.txt").exists()


def test_another_word_is_found(written, do, tmp_path):
    out = tmp_path / "a.txt"
    do("sample", written / "verses", "-n", 4, "--prompt", "春眠", "--out", out)
    lines = out.read_text("utf-8").splitlines()
    lines[2] += "霜"
    out.write_text("\n".join(lines) + "\n", "utf-8")
    done = do("verify", out, "--json")
    assert (done.status, done.json) == (1, {"verdict": "different", "max_difference": None, "reason": "line 3 is not what the recipe makes"})


def test_the_report_tells_sentences_data_and_commands(written, do, tmp_path, monkeypatch):
    monkeypatch.setattr(curves, "_drawn", lambda *_: b'<svg width="1mm" height="1mm" viewBox="0 0 1 1"></svg>')
    for name, (_, _, prompt) in KINDS.items():
        out = tmp_path / f"{name}.md"
        assert do("sample", written / name, "-n", 40, "--prompt", prompt, "--out", out, "--json").json["count"] == 12
        text = out.read_text("utf-8")
        assert len(re.findall(r"^\| \d+ \| .* \| -[\d.]+ \| \d+ \|$", text, re.MULTILINE)) == 12
        assert re.search(r"[\d,]+ sentences, [\d,]+ of them for training; a vocabulary of [\d,]+, at most \d+ tokens each", text)
        assert (re.search(r"of the oracle [0-9a-f]+, whose own NLL is [\d.]+", text) is not None) == (name == "oracle")
        commands = text.split("```sh\n")[1].split("\n```")[0].splitlines()
        asked = parser().parse_args(shlex.split(commands[-1])[1:])
        assert (asked.prompt, asked.n, asked.out) == (prompt, 12, Path("samples.txt"))
        assert do("verify", out, "--json").json["verdict"] == "identical"


def test_curves_and_events(written, do, tmp_path):
    assert do("sample", written / "oracle", "--plots", "--out", tmp_path / "c.csv", "--json").json["count"] == 3
    assert (tmp_path / "c.csv").read_text("utf-8").splitlines()[0].startswith("step,loss,")
    assert do("verify", tmp_path / "c.csv", "--json").json["verdict"] == "identical"
    assert do("sample", written / "oracle", "--tensorboard", "--out", tmp_path / "tb").status == 0
