from __future__ import annotations

import hashlib
import io
import json
import os
import re
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

from models.errors import BadFile, BadInput
from models.plug import Untrusted, open_classifier
from models.plug.exported import export_pt2
from models.plug.program import read
from tests.models.plug.foreign import Foreign, changed, exported, made

MODEL = "models/model.json"
WEIGHTS = "data/weights/model_weights_config.json"
SAMPLE = "data/sample_inputs/model.pt"


def put(tmp_path: Path, content: bytes) -> tuple[Path, str]:
    path = tmp_path / "net.pt2"
    path.write_bytes(content)
    return path, hashlib.sha256(content).hexdigest()


def opened(tmp_path: Path, content: bytes, *, size: int = 16, channels: int = 3):
    path, digest = put(tmp_path, content)
    return open_classifier(str(path), size=size, channels=channels, trust=digest)


def noise(n: int = 3, size: int = 16) -> torch.Tensor:
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(3)) * 2 - 1


# --- trust --------------------------------------------------------------------------------------------------------


def test_a_program_from_elsewhere_waits_for_trust(foreign, tmp_path):
    path, digest = put(tmp_path, foreign[1])
    with pytest.raises(Untrusted, match=f"can run code when it is loaded: .* --trust {digest}") as error:
        open_classifier(str(path), size=16, channels=3)
    assert error.value.sha256 == digest
    for wrong in (digest[:16], "0" * 64, "yes"):
        with pytest.raises(Untrusted, match=f"is not the file that was trusted .* --trust {digest} "):
            open_classifier(str(path), size=16, channels=3, trust=wrong)
    found = open_classifier(str(path), size=16, channels=3, trust=f" {digest.upper()} ")
    assert (found.origin["sha256"], found.origin["kind"], found.name) == (digest, "pt2", "net")


def test_it_computes_what_the_net_computes(foreign, tmp_path):
    net, content = foreign
    found = opened(tmp_path, content)
    assert dict(found.heads) == {"class": ("0", "1", "2", "3")}
    x, y = noise().requires_grad_(), noise().requires_grad_()
    ours, theirs = found.logits(x)["class"], net(y)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
    torch.testing.assert_close(*(torch.autograd.grad(v.square().sum(), w)[0] for v, w in ((ours, x), (theirs, y))), rtol=0, atol=0)
    assert found.logits(noise(7))["class"].shape == (7, 4)


@pytest.mark.parametrize("part", ["", "#scorer"])
def test_what_this_studio_exported_needs_no_trust(part, trained, pixels, tmp_path):
    path = tmp_path / "given.pt2"
    digest = export_pt2(path, f"{trained}{part}", licence="MIT", name="hair")
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    found, run = (open_classifier(spec, size=32, channels=3) for spec in (str(path), f"{trained}{part}"))
    assert (found.name, dict(found.heads)) == ("hair", {"class": ("long", "short")})
    torch.testing.assert_close(found.logits(pixels)["class"], run.logits(pixels)["class"])
    loaded = torch.export.load(io.BytesIO(path.read_bytes())).module()  # other programs read it too
    torch.testing.assert_close(loaded(pixels), run.logits(pixels)["class"])
    path.write_bytes(changed(path.read_bytes(), {MODEL: lambda whole: whole.update(torch_version="x")}))
    with pytest.raises(Untrusted):
        open_classifier(str(path), size=32, channels=3)


def test_exporting_refuses_other_endings(trained, tmp_path):
    with pytest.raises(BadInput, match=r"ends in \.pt2"):
        export_pt2(tmp_path / "net.onnx", str(trained))


# --- hostile files ------------------------------------------------------------------------------------------------


class Payload:
    """Makes a folder when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def pickled(marker: Path) -> bytes:
    buffer = io.BytesIO()
    torch.save({"x": Payload(marker)}, buffer)
    return buffer.getvalue()


def by_weight(content: bytes, marker: Path) -> bytes:
    def mark(whole):
        next(iter(whole["config"].values())).update(use_pickle=True, path_name="weight_0")

    return changed(content, {WEIGHTS: mark, "data/weights/weight_0": pickled(marker)})


def by_sample_inputs(content: bytes, marker: Path) -> bytes:
    return changed(content, {SAMPLE: pickled(marker)})


def by_shape(content: bytes, marker: Path) -> bytes:
    def write(whole):
        whole["graph_module"]["graph"]["tensor_values"]["x"]["sizes"][0]["as_expr"]["expr_str"] = f"__import__('os').mkdir({str(marker)!r})"

    return changed(content, {MODEL: write})


def by_guard(content: bytes, marker: Path) -> bytes:
    return changed(content, {MODEL: lambda whole: whole.update(guards_code=[f"__import__('os').mkdir({str(marker)!r}) is None"])})


def by_operation(content: bytes, marker: Path) -> bytes:
    def call(whole):
        nodes = whole["graph_module"]["graph"]["nodes"]
        path = {"name": "", "arg": {"as_string": str(marker)}, "kind": 1}
        nodes.insert(0, {**nodes[0], "target": "torch.os.mkdir", "inputs": [path], "outputs": [], "name": "made"})

    return changed(content, {MODEL: call})


HOSTILE = {"weight": by_weight, "sample inputs": by_sample_inputs, "shape": by_shape, "guard": by_guard, "operation": by_operation}
REFUSED = {"weight": "would be unpickled", "shape": "no plain arithmetic", "operation": r"calls 'torch\.os\.mkdir'"}


@pytest.mark.parametrize("way", HOSTILE)
def test_hostile_files_run_nothing_trusted_or_not(way, foreign, tmp_path):
    marker = tmp_path / "marker"
    content = HOSTILE[way](foreign[1], marker)
    path, digest = put(tmp_path, content)
    with pytest.raises(BadFile):
        open_classifier(str(path), size=16, channels=3)
    assert not marker.exists()
    if way in REFUSED:
        with pytest.raises(BadFile, match=REFUSED[way]):
            open_classifier(str(path), size=16, channels=3, trust=digest)
    else:  # what is never read does no harm
        found = open_classifier(str(path), size=16, channels=3, trust=digest)
        torch.testing.assert_close(found.logits(noise())["class"], foreign[0](noise()))
    assert not marker.exists()


@pytest.mark.parametrize("way", ["weight", "sample inputs", "shape", "guard"])
def test_pytorch_s_own_loader_would_run_them(way, foreign, tmp_path):
    marker = tmp_path / "marker"
    content = HOSTILE[way](foreign[1], marker)
    try:
        torch.export.load(io.BytesIO(content)).module()(noise())
    except Exception:  # after the payload
        pass
    assert marker.exists()


def expressions(text: str):
    def write(whole):
        whole["graph_module"]["graph"]["tensor_values"]["x"]["sizes"][0]["as_expr"]["expr_str"] = text

    return write


@pytest.mark.parametrize("text", ["eval('1')", "s0.__class__", "lambda: 1", "[s0]", "open('/tmp/x')", "s0;s1", "Symbol('s0', **{})", "x" * 20_000])
def test_shapes_are_arithmetic(text, foreign, tmp_path):
    with pytest.raises(BadFile, match="no plain arithmetic"):
        opened(tmp_path, changed(foreign[1], {MODEL: expressions(text)}))


@pytest.mark.parametrize("text", ["2*s0 + 1", "FloorDiv(Add(Symbol('s31', integer=True), Integer(-1)), Integer(2))"])
def test_ordinary_shapes_pass(text, foreign, tmp_path):
    assert opened(tmp_path, changed(foreign[1], {MODEL: expressions(text)})).heads


# --- files that will not do ---------------------------------------------------------------------------------------


def grow(whole):
    next(iter(whole["config"].values()))["tensor_meta"]["sizes"][0]["as_int"] = 10**9


def stride(whole):
    next(iter(whole["config"].values()))["tensor_meta"]["strides"][0]["as_int"] = -1


def graph(edit):
    return {MODEL: lambda whole: edit(whole["graph_module"]["graph"])}


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        ({WEIGHTS: grow}, "larger than what is stored"),
        ({WEIGHTS: stride}, "larger than what is stored"),
        ({"data/weights/weight_0": None}, "cannot be read|can be read"),
        ({MODEL: b"{"}, "not a .pt2 that can be read"),
        ({MODEL: b"[]"}, "not a .pt2 that can be read"),
        ({MODEL: None}, "holds 0 programs"),
        ({"models/other.json": b"{}"}, "holds 2 programs"),
        ({"archive_format": b"zip"}, "another kind"),
        ({"data/aotinductor/model/a.so": b"x"}, "compiled code"),
        ({"data/weights/model.pt": b"x"}, "pickled, as older versions"),
        ({"serialized_exported_program.json": b"{}"}, "had to be unpickled"),
        (graph(lambda g: g["nodes"][0].update(target="torch.ops.aten.from_file.default")), "from_file"),
        (graph(lambda g: g["nodes"][0].update(target="torch.ops.aten.relu.out")), "."),
        (graph(lambda g: g["nodes"][0].update(target="torch.load")), "torch.load"),
        (graph(lambda g: g["nodes"][0].update(target="torch.ops.higher_order.cond")), "cuts gradients or branches"),
        (graph(lambda g: g["nodes"][0]["inputs"][0].update(arg={"as_graph": {"name": "x", "graph": {}}})), "no number or tensor"),
    ],
)
def test_files_that_do_not_hold(records, reason, foreign, tmp_path):
    with pytest.raises(BadInput, match=reason) as error:
        opened(tmp_path, changed(foreign[1], records))
    assert "\n" not in str(error.value)
    assert not list(tmp_path.glob("*.part"))


def test_broken_and_deceiving_archives(foreign, tmp_path):
    content = foreign[1]
    for cut in (b"", b"PK", content[: len(content) // 2]):
        with pytest.raises(BadFile, match="can be read"):
            opened(tmp_path, cut)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    with pytest.raises(BadFile, match="compressed"):
        opened(tmp_path, out.getvalue())
    twice = io.BytesIO(content)
    with zipfile.ZipFile(twice, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(next(n for n in archive.namelist() if n.endswith("model.json")), b"{}")
    with pytest.raises(BadFile, match="two things of one name"):
        opened(tmp_path, twice.getvalue())


class Cut(Foreign):
    def forward(self, x):
        return super().forward(x.detach())


class Rounded(Foreign):
    def forward(self, x):
        return super().forward(x.round())


class Broken(Foreign):
    def forward(self, x):
        return super().forward(x) / 0 - super().forward(x) / 0


class Dropped(Foreign):
    def forward(self, x):
        return super().forward(nn.functional.dropout(x, 0.5, training=True))


class Mixed(Foreign):
    def forward(self, x):
        y = super().forward(x)
        return y - y.mean(0, keepdim=True)


class Mapped(Foreign):
    def forward(self, x):
        return self.conv(x)


class Shares(Foreign):
    def forward(self, x):
        return super().forward(x).softmax(1)


@pytest.mark.parametrize(
    ("net", "reason"),
    [
        (Cut, "not differentiable"),
        (Rounded, "gradient of zero"),
        (Broken, "not finite numbers"),
        (Dropped, "differently each time"),
        (Mixed, "by what else is in the batch"),
        (Mapped, "no table of numbers"),
    ],
)
def test_networks_that_no_chain_can_follow(net, reason, tmp_path):
    with pytest.raises(BadInput, match=reason):
        opened(tmp_path, exported(made(net)))


def test_a_fixed_batch_a_fixed_size_and_training(foreign, tmp_path):
    with pytest.raises(BadFile, match=r"batches of exactly 2: export it with dynamic_shapes"):
        opened(tmp_path, exported(made(), free=False))
    with pytest.raises(BadInput, match="sees pictures of 16 px, and the chain makes pictures of 32 px"):
        opened(tmp_path, foreign[1], size=32)
    with pytest.raises(BadInput, match=r"normalisation still trains: export it after \.eval\(\)"):
        opened(tmp_path, exported(made().train()))
    with pytest.raises(BadFile, match=r"as in training: export it after \.eval\(\)"):
        opened(tmp_path, exported(made().train(), core=True))


def test_a_program_of_core_operations_alone(foreign, tmp_path):
    found = opened(tmp_path, exported(foreign[0], core=True))
    torch.testing.assert_close(found.logits(noise())["class"], foreign[0](noise()))


def test_one_that_branches_on_no_grad_is_refused(tmp_path):
    class Silent(Foreign):
        def forward(self, x):
            with torch.no_grad():
                return super().forward(x)

    with pytest.raises(BadInput, match=r"cuts gradients|not differentiable"):
        opened(tmp_path, exported(made(Silent)))


# --- its manifest -------------------------------------------------------------------------------------------------


def manifest(**more) -> str:
    return json.dumps({"role": "exported", "size": 16, "channels": 3, "heads": {"kind": ["a", "b", "c", "d"]}} | more)


def test_a_manifest_beside_it_names_classes_range_and_size(foreign, tmp_path):
    (tmp_path / "net.json").write_text(manifest(name="Fruits", range=[0, 1], resize="bilinear"))
    found = opened(tmp_path, foreign[1], size=32, channels=1)
    assert (found.name, dict(found.heads), found.origin["size"]) == ("Fruits", {"kind": ("a", "b", "c", "d")}, 16)
    x = noise(2, 32)[:, :1]
    small = nn.functional.interpolate(x.expand(-1, 3, -1, -1), (16, 16), mode="bilinear", antialias=True)
    torch.testing.assert_close(found.logits(x)["kind"], foreign[0]((small + 1) / 2))


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"heads": {"kind": ["a", "b"]}}, "has 4 outputs and 2 labels"),
        ({"size": 32, "resize": "bilinear"}, "exported for pictures of 3×16×16, and its manifest says 3×32×32"),
        ({"channels": 1}, "its manifest says 1×16×16"),
        ({"role": "scorer", "net": {"n": 4}}, "a .pt2 has the role exported"),
        ({"output": "probabilities"}, "values below 0"),
    ],
)
def test_manifests_that_do_not_fit(more, reason, foreign, tmp_path):
    (tmp_path / "net.json").write_text(manifest(**more))
    with pytest.raises(BadInput, match=re.escape(reason)):
        opened(tmp_path, foreign[1])


def test_probabilities_are_noticed(tmp_path):
    net = made(Shares)
    content = exported(net)
    found = opened(tmp_path, content)
    assert found.origin["output"] == "probabilities"
    torch.testing.assert_close(found.logits(noise())["class"].softmax(1), net(noise()))
    (tmp_path / "net.json").write_text(manifest())
    with pytest.raises(BadInput, match="gives probabilities, and its manifest calls them logits"):
        opened(tmp_path, content)


def test_the_reader_shares_what_is_stored_once(foreign):
    program = read(foreign[1], "net", "cpu")
    assert program.shape == (3, 16, 16)
    assert all(not v.requires_grad for v in program.values.values())
