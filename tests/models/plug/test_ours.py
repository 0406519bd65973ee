from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from models import checkpoint, plug
from models.contract import Plan
from models.errors import BadFile, BadInput, BadSetting
from models.nets.conv import Scorer, he
from models.nets.judge import JudgeNet
from models.plug import open_classifier
from models.plug.manifest import Manifest
from models.plug.ours import save_classifier, save_net
from models.run import Run

HEADS = {"shape": ["ring", "box"], "colour": ["red", "green", "blue"]}


def seen(found, x: torch.Tensor) -> torch.Tensor:
    return torch.cat(list(found.logits(x).values()), 1)


def gradient(found, x: torch.Tensor) -> torch.Tensor:
    x = x.clone().requires_grad_()
    return torch.autograd.grad(seen(found, x).square().sum(), x)[0]


# --- runs ---------------------------------------------------------------------------------------------------------


def test_a_run_stands_in_as_its_classifier_with_its_captioner(trained, pixels):
    found = open_classifier(str(trained), size=32, channels=3)
    run = Run.open(trained, data=False, write=False)
    parts = run.algorithm.parts(run.state)
    expected = parts.C_logits(parts.E_features(pixels)[1])
    for head, logits in found.logits(pixels).items():
        torch.testing.assert_close(logits, expected[head])
    assert dict(found.heads) == {"class": ("long", "short")}
    assert gradient(found, pixels).flatten(1).norm(dim=1).gt(0).all()
    assert found.caption_log_p
    torch.testing.assert_close(found.caption_log_p("long", pixels), parts.caption_log_p("long", parts.E_features(pixels)[1]))
    with pytest.raises(BadInput, match="'green'"):
        found.caption_log_p("green", pixels)
    assert found.origin["sha256"] == checkpoint.hash_of(run.state)
    assert (found.origin["spec"], found.origin["kind"], found.origin["size"]) == (str(trained), "run", 32)
    json.dumps(dict(found.origin), allow_nan=False)


def test_a_run_s_scorer_is_another_net(trained, pixels):
    ours, scorer = (open_classifier(spec, size=32, channels=3) for spec in (str(trained), f"{trained}#scorer"))
    assert scorer.name == "the scorer of small"
    assert scorer.caption_log_p is None
    assert not torch.allclose(seen(ours, pixels), seen(scorer, pixels), atol=1e-3)


def test_opening_a_run_leaves_the_threads_and_the_run_alone(trained):
    torch.set_num_threads(2)
    before = {p: p.stat().st_mtime_ns for p in trained.rglob("*") if p.is_file()}
    open_classifier(str(trained), size=32, channels=3)
    assert torch.get_num_threads() == 2
    assert {p: p.stat().st_mtime_ns for p in trained.rglob("*") if p.is_file()} == before


def test_grey_chains_are_repeated_into_colour(trained, pixels):
    grey = pixels.mean(1, keepdim=True)
    found = open_classifier(str(trained), size=32, channels=1)
    torch.testing.assert_close(seen(found, grey), seen(open_classifier(str(trained), size=32, channels=3), grey.expand(-1, 3, -1, -1)))


def test_runs_that_will_not_do(trained, untrained, pictures, tmp_path):
    with pytest.raises(BadInput, match="sees pictures of 32 px, and the chain makes pictures of 64 px"):
        open_classifier(str(trained), size=64, channels=3)
    with pytest.raises(BadInput, match="train the phase 'encoder' first"):
        open_classifier(str(untrained), size=32, channels=3)
    with pytest.raises(BadInput, match="train the phase 'scorer' first"):
        open_classifier(f"{untrained}#scorer", size=32, channels=3)
    config = {"n": 4, "h": 8, "z": 8, "batch": 4}
    Run.create(tmp_path / "gan", "began", str(pictures), config=config, plan=Plan("cpu", 1, "float32", True, "off")).close()
    with pytest.raises(BadInput, match="a run of BEGAN, which has no classifier"):
        open_classifier(str(tmp_path / "gan"), size=32, channels=3)


# --- safetensors --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["", "#scorer"])
def test_a_run_s_nets_can_be_given_away(part, trained, pixels, tmp_path):
    path = tmp_path / "given.safetensors"
    manifest = save_classifier(path, f"{trained}{part}", licence="CC0 1.0", name="hair")
    assert (manifest.licence, manifest.heads, manifest.size) == ("CC0 1.0", {"class": ["long", "short"]}, 32)
    found = open_classifier(str(path), size=32, channels=3)
    torch.testing.assert_close(seen(found, pixels), seen(open_classifier(f"{trained}{part}", size=32, channels=3), pixels))
    assert (found.name, dict(found.heads)) == ("hair", {"class": ("long", "short")})
    assert found.origin["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert gradient(found, pixels).flatten(1).norm(dim=1).gt(0).all()


def scorer(**more) -> tuple[torch.nn.Module, Manifest]:
    net = Scorer(32, 3, 4, 5)
    he(net, torch.Generator().manual_seed(1))
    return net, Manifest.model_validate({"role": "scorer", "net": {"n": 4}, "size": 32, "channels": 3, "heads": HEADS} | more)


def written(tmp_path: Path, *, inside: bool = False, **more) -> Path:
    """A scorer, with its manifest inside the file or beside it."""
    net, manifest = scorer(**more)
    path = tmp_path / "net.safetensors"
    if inside:
        save_net(path, net, manifest)
    else:
        save_file(net.state_dict(), path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        path.with_suffix(".json").write_text(json.dumps(json.loads(manifest.json_text()) | {"sha256": digest}))
    return path


@pytest.mark.parametrize("inside", [False, True])
def test_the_manifest_is_inside_or_beside(inside, tmp_path, pixels):
    path = written(tmp_path, inside=inside)
    found = open_classifier(str(path), size=32, channels=3)
    net, _ = scorer()
    torch.testing.assert_close(seen(found, pixels), net(pixels))
    assert {a: v.shape[1] for a, v in found.logits(pixels).items()} == {"shape": 2, "colour": 3}


def test_a_header_of_a_length_that_looks_like_a_pickle(tmp_path):
    path = tmp_path / "net.safetensors"
    for extra in range(0, 512, 8):
        save_file({"a": torch.zeros(1)}, path, {"licence": "x" * extra})
        if path.read_bytes()[0] == 0x80:
            break
    assert path.read_bytes()[:2] in (b"\x80\0", b"\x80\1")
    with pytest.raises(BadFile, match="has no manifest"):  # and not that it is pickled
        open_classifier(str(path), size=32, channels=3)


def test_range_normalisation_and_size_are_the_manifest_s(tmp_path, pixels):
    more = {"range": [0, 1], "mean": [0.1, 0.2, 0.3], "std": [0.5, 0.6, 0.7], "resize": "bilinear"}
    found = open_classifier(str(written(tmp_path, **more)), size=16, channels=1)
    net, _ = scorer()
    small = pixels[:, :1, :16, :16]
    wide = torch.nn.functional.interpolate(small.expand(-1, 3, -1, -1), (32, 32), mode="bilinear", antialias=True)
    x = ((wide + 1) / 2 - torch.tensor([0.1, 0.2, 0.3])[:, None, None]) / torch.tensor([0.5, 0.6, 0.7])[:, None, None]
    torch.testing.assert_close(seen(found, small), net(x))
    assert gradient(found, small).shape == small.shape


def test_probabilities_become_their_logarithms(tmp_path, pixels):
    net, manifest = scorer()
    found = open_classifier(str(written(tmp_path, output="probabilities")), size=32, channels=3)
    torch.testing.assert_close(seen(found, pixels), net(pixels).clamp(min=1e-30).log())
    assert manifest.output == "logits"


def test_the_judge_can_be_plugged_in(tmp_path, pixels):
    net = JudgeNet(32, 3, 5)
    he(net, torch.Generator().manual_seed(2))
    manifest = Manifest.model_validate({"role": "judge", "size": 32, "channels": 3, "heads": HEADS})
    save_net(tmp_path / "judge.safetensors", net.eval(), manifest)
    found = open_classifier(str(tmp_path / "judge.safetensors"), size=32, channels=3)
    with torch.no_grad():
        torch.testing.assert_close(seen(found, pixels), net.logits(net.features(pixels)))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"role": "generator"}, "role: Input should be"),
        ({"role": "exported", "net": {}}, "which is for .pt2 files"),
        ({"net": {"n": 8}}, "does not fit its manifest at"),
        ({"net": {"n": 100_000}}, r"net\.n must be from 1 to 512"),
        ({"net": {"n": 4, "module": 1}}, "net must name n"),
        ({"net": {"n": "4"}}, "net.n: Input should be a valid integer"),
        ({"size": 33}, "size must be one of 8, 16"),
        ({"channels": 1}, "does not fit its manifest at"),
        ({"heads": {"shape": ["ring", "box"]}}, "does not fit its manifest at 'heads"),
        ({"heads": {"shape": ["ring", "ring"], "colour": ["a", "b", "c"]}}, "name a class twice"),
        ({"heads": {}}, "heads"),
        ({"mean": [0.5]}, "one number a channel"),
        ({"std": [0.5, 0, 0.5]}, "std.1: Input should be greater than 0"),
        ({"range": [1, -1]}, "the smaller first"),
        ({"range": [0, float("inf")]}, "finite number"),
        ({"sha256": "0" * 64}, "was changed after its manifest was written"),
        ({"sha256": ""}, "was changed after its manifest was written"),
        ({"execute": "rm"}, "Extra inputs are not permitted"),
        ({"format": 2}, "format"),
    ],
)
def test_manifests_that_do_not_hold(change, reason, tmp_path):
    path = written(tmp_path)
    beside = path.with_suffix(".json")
    beside.write_text(json.dumps(json.loads(beside.read_text()) | change))
    with pytest.raises(BadFile, match=reason) as error:
        open_classifier(str(path), size=32, channels=3)
    assert "\n" not in str(error.value)
    assert str(error.value).endswith(".")


def test_weights_that_were_changed_are_refused(tmp_path):
    path = written(tmp_path, inside=True)
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(BadFile, match="was changed after its manifest"):
        open_classifier(str(path), size=32, channels=3)


def test_weights_that_are_no_numbers_are_refused(tmp_path):
    path = written(tmp_path)
    tensors = load_file(path)
    tensors["heads.bias"][0] = torch.nan
    save_file(tensors, path)
    beside = path.with_suffix(".json")
    beside.write_text(json.dumps(json.loads(beside.read_text()) | {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}))
    with pytest.raises(BadFile, match="not finite numbers"):
        open_classifier(str(path), size=32, channels=3)


def test_files_without_a_manifest_or_sense(tmp_path):
    path = written(tmp_path)
    path.with_suffix(".json").unlink()
    with pytest.raises(BadFile, match="has no manifest"):
        open_classifier(str(path), size=32, channels=3)
    path.with_suffix(".json").write_text("{")
    with pytest.raises(BadFile, match="is not JSON"):
        open_classifier(str(path), size=32, channels=3)
    path.with_suffix(".json").unlink()
    path.write_bytes(b"\xff\xff\0\0\0\0\0\0{}")
    with pytest.raises(BadFile, match="not a safetensors file"):
        open_classifier(str(path), size=32, channels=3)


def test_another_size_is_refused_unless_the_manifest_resizes(tmp_path):
    with pytest.raises(BadInput, match="sees pictures of 32 px, and the chain makes pictures of 64 px"):
        open_classifier(str(written(tmp_path)), size=64, channels=3)
    assert open_classifier(str(written(tmp_path, resize="bicubic")), size=64, channels=3).origin["size"] == 32


def test_giving_away_refuses_other_endings_and_misfits(trained, tmp_path):
    with pytest.raises(BadInput, match=r"ends in \.safetensors"):
        save_classifier(tmp_path / "net.pt", str(trained))
    net, _ = scorer()
    with pytest.raises(BadFile, match="does not fit its manifest"):
        save_net(tmp_path / "net.safetensors", net, scorer(net={"n": 6})[1])
    assert not list(tmp_path.iterdir())


# --- what goes through no door ------------------------------------------------------------------------------------


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("name", ["net.pt", "net.pth", "net.bin", "net.ckpt", "net.pkl", "net.safetensors", "net.pt2", "net.dat"])
@pytest.mark.parametrize("zipped", [False, True])
def test_pickled_files_are_refused_whatever_they_are_called(name, zipped, tmp_path):
    import pickle

    path, marker = tmp_path / name, tmp_path / "marker"
    if zipped:
        torch.save({"weights": Payload(marker)}, path)
    else:
        path.write_bytes(pickle.dumps(Payload(marker)))
    with pytest.raises(BadFile, match=r"pickled file, which can run any code .* safetensors"):
        open_classifier(str(path), size=32, channels=3, trust=hashlib.sha256(path.read_bytes()).hexdigest())
    assert not marker.exists()
    with path.open("rb") as file:  # the payload is a live one
        torch.load(file, weights_only=False) if zipped else pickle.load(file)
    assert marker.exists()


def test_things_that_are_no_classifier(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    for spec, reason in (("", "No classifier is named"), (str(tmp_path / "gone"), "no classifier at"), (str(tmp_path / "notes.txt"), "not a kind")):
        with pytest.raises(BadInput, match=reason):
            open_classifier(spec, size=32, channels=3)
    with pytest.raises(BadFile, match="neither a run"):
        open_classifier(str(tmp_path), size=32, channels=3)
    with pytest.raises(BadFile, match="no classifier at"):
        open_classifier("x\0y", size=32, channels=3)
    with pytest.raises(BadSetting, match="1 or 3 channels"):
        open_classifier("x", size=32, channels=2)
    with pytest.raises(BadSetting, match="device"):
        open_classifier(str(written(tmp_path)), size=32, channels=3, device="abacus")


def test_importing_the_package_loads_no_torch():
    code = "import sys, models.plug; print(sorted(m for m in ('torch', 'transformers', 'numpy') if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(plug.__file__).parents[2], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
