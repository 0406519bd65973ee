from __future__ import annotations

import dataclasses
import errno
import json
import os
import resource

import pytest
import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from models import checkpoint
from models.errors import BadFile, DiskTrouble


class Tied(nn.Module):
    """Two layers that share a weight."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(5, 3)
        self.out = nn.Linear(3, 5, bias=False)
        self.out.weight = self.embed.weight
        self.register_buffer("seen", torch.zeros(2, dtype=torch.int64))


class Same(nn.Module):
    """A second module that shares a weight with another."""

    def __init__(self, weight: nn.Parameter) -> None:
        super().__init__()
        self.weight = weight


@dataclasses.dataclass
class State:
    first: Tied
    second: Same
    conv: nn.Conv2d
    optimiser: torch.optim.Adam
    rng: torch.Generator
    k: Tensor
    flag: Tensor
    step: int = 0
    phase: int = 0
    words: list[str] = dataclasses.field(default_factory=list)
    rebuilt: object = dataclasses.field(default=None, metadata={"saved": False})


def made(seed: int = 0, width: int = 4) -> State:
    torch.manual_seed(seed)
    first = Tied()
    conv = nn.Conv2d(width, 6, 3).to(memory_format=torch.channels_last)
    second = Same(first.embed.weight)
    optimiser = torch.optim.Adam([{"params": [first.embed.weight], "lr": 0.1}, {"params": conv.parameters()}], fused=True)
    rng = torch.Generator().manual_seed(seed)
    return State(first, second, conv, optimiser, rng, torch.tensor(0.5 + seed), torch.tensor(True), words=["γ", "\u2028"], rebuilt=object())


def work(state: State, steps: int = 2) -> None:
    for _ in range(steps):
        state.optimiser.zero_grad()
        x = torch.rand(2, state.conv.in_channels, 5, 5, generator=state.rng).to(memory_format=torch.channels_last)
        loss = state.conv(x).square().mean() + state.first.out(state.first.embed(torch.arange(5))).square().mean()
        loss.backward()
        state.optimiser.step()
        state.k = state.k * 0.9
        state.step += 1


@pytest.fixture
def kept(tmp_path):
    state, path = made(), tmp_path / "checkpoints" / "000000002.safetensors"
    work(state)
    digest = checkpoint.save(path, state, {"system": "toy", "step": 2})
    return state, path, digest


def load(path, state: State) -> None:
    tensors, header = checkpoint.read(path)
    checkpoint.restore(state, tensors, header, path)


def test_a_round_trip_is_exact_and_goes_on_alike(kept):
    state, path, digest = kept
    other = made(seed=1)
    work(other, 1)
    load(path, other)
    assert checkpoint.state_hash(checkpoint.flatten(other)[0]) == digest
    assert (other.step, other.words, other.k) == (2, ["γ", "\u2028"], state.k)
    work(state)
    work(other)
    assert checkpoint.state_hash(checkpoint.flatten(other)[0]) == checkpoint.state_hash(checkpoint.flatten(state)[0]) != digest


def test_the_header_alone_tells_what_it_is(kept):
    _, path, digest = kept
    header = checkpoint.read_header(path)
    assert header["state_hash"] == digest
    assert header["about"] == {"system": "toy", "step": 2}
    assert header["format"] == checkpoint.FORMAT


def test_tied_weights_are_stored_once_and_stay_tied(kept):
    state, path, _ = kept
    tensors, header = checkpoint.read(path)
    same = [k for k in tensors if tensors[k].shape == (5, 3) and "optimiser" not in k]
    assert same == ["first.embed.weight"]
    assert header["aliases"] == {"first.out.weight": "first.embed.weight", "second.weight": "first.embed.weight"}
    other = made(seed=1)
    load(path, other)
    assert other.first.out.weight is other.first.embed.weight is other.second.weight
    assert torch.equal(other.first.out.weight, state.first.embed.weight)
    work(other, 1)
    assert torch.equal(other.first.out.weight, other.second.weight)


def test_moments_come_back_in_the_parameters_layout(kept):
    state, path, _ = kept
    other = made(seed=1)
    load(path, other)
    for ours, theirs in zip(state.optimiser.param_groups, other.optimiser.param_groups, strict=True):
        assert {k: v for k, v in ours.items() if k != "params"} == {k: v for k, v in theirs.items() if k != "params"}
        for p, q in zip(ours["params"], theirs["params"], strict=True):
            assert set(state.optimiser.state[p]) == set(other.optimiser.state[q]) == {"step", "exp_avg", "exp_avg_sq"}
            for key, value in state.optimiser.state[p].items():
                found = other.optimiser.state[q][key]
                assert torch.equal(found, value)
                assert found.stride() == value.stride()
                assert found.data_ptr() != value.data_ptr()
    assert other.optimiser.state[other.conv.weight]["exp_avg"].is_contiguous(memory_format=torch.channels_last)
    assert other.conv.weight.is_contiguous(memory_format=torch.channels_last)


def test_an_optimiser_that_never_stepped_is_restored_as_such(tmp_path):
    path = tmp_path / "x.safetensors"
    checkpoint.save(path, made(), {})
    other = made(seed=1)
    work(other)
    load(path, other)
    assert not other.optimiser.state


def test_the_hash_sees_every_weight_name_type_and_shape():
    base = {"a": torch.zeros(2, 3), "b": torch.tensor(1)}
    digest = checkpoint.state_hash(base)
    assert checkpoint.state_hash(dict(reversed(base.items()))) == digest
    assert checkpoint.state_hash({"a": torch.zeros(2, 3).T.contiguous().T.contiguous(), "b": torch.tensor(1)}) == digest
    changed = torch.zeros(2, 3)
    changed[1, 2] = 1e-30
    for other in (
        {"a": changed},
        {"a": torch.zeros(3, 2)},
        {"a": torch.zeros(2, 3, dtype=torch.int32)},
        {"b": torch.tensor(2)},
        {"c": torch.tensor(1)},
    ):
        assert checkpoint.state_hash(base | other) != digest


def test_a_hash_covers_odd_types():
    tensors = {"bool": torch.tensor([True, False]), "bf16": torch.ones(3, dtype=torch.bfloat16), "empty": torch.empty(0), "scalar": torch.tensor(2.0)}
    assert len(checkpoint.state_hash(tensors)) == 64


# --- what cannot be read ------------------------------------------------------------------------------------------


def test_a_file_cut_short_anywhere_is_refused(kept, tmp_path):
    content = kept[1].read_bytes()
    path = tmp_path / "cut.safetensors"
    for length in sorted({0, 1, 7, 8, 9, 100, *range(0, len(content), max(1, len(content) // 40)), len(content) - 1}):
        path.write_bytes(content[:length])
        for read in (checkpoint.read, checkpoint.read_header):
            with pytest.raises(BadFile, match=r"cut\.safetensors is damaged or cut short") as raised:
                read(path)
            assert "\n" not in str(raised.value)


@pytest.mark.parametrize("content", [b"\xff" * 64, b"\x80\x04K\x01.", b"PK\x03\x04" + bytes(60), (2**40).to_bytes(8, "little") + b"{}", bytes(4096)])
def test_what_is_no_safetensors_is_refused(tmp_path, content):
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(BadFile):
        checkpoint.read(path)


@pytest.mark.parametrize(
    "note", [None, {}, {"format": "pt"}, {"studio": "[]"}, {"studio": "{}"}, {"studio": '{"format": "x", "about": {}}'}, {"studio": '{"format": 1}'}]
)
def test_a_foreign_file_is_refused(tmp_path, note):
    path = tmp_path / "x.safetensors"
    safetensors.torch.save_file({"a": torch.zeros(2)}, path, note)
    with pytest.raises(BadFile, match="this studio did not write"):
        checkpoint.read(path)
    with pytest.raises(BadFile, match="this studio did not write"):
        checkpoint.read_header(path)


def test_a_header_that_is_no_json_is_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    safetensors.torch.save_file({"a": torch.zeros(2)}, path, {"studio": "{"})
    with pytest.raises(BadFile, match="damaged"):
        checkpoint.read(path)


def test_a_newer_format_is_refused_by_name(kept, monkeypatch):
    monkeypatch.setattr(checkpoint, "FORMAT", checkpoint.FORMAT - 1)
    with pytest.raises(BadFile, match=r"written by a newer version \(format 1, this one reads 0\): update"):
        checkpoint.read(kept[1])


def test_missing_and_unreadable_files_are_told_apart(tmp_path):
    with pytest.raises(BadFile, match="There is no checkpoint"):
        checkpoint.read(tmp_path / "none.safetensors")
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(BadFile):
        checkpoint.read(tmp_path / "folder.safetensors")


def rewritten(path, change) -> None:
    """A checkpoint with some tensors changed and the header kept."""
    with safetensors.safe_open(path, framework="pt") as file:
        note = file.metadata()
    tensors, _ = checkpoint.read(path)
    change(tensors)
    safetensors.torch.save_file(tensors, path, note)


def test_one_changed_weight_changes_the_hash(kept):
    _, path, digest = kept

    def change(tensors):
        tensors["conv.weight"].view(-1)[7] += 1e-3

    rewritten(path, change)
    tensors, header = checkpoint.read(path)
    assert header["state_hash"] == digest
    assert checkpoint.state_hash(tensors) != digest


def test_a_checkpoint_of_another_model_does_not_fit(kept):
    _, path, _ = kept
    with pytest.raises(BadFile, match=r"does not fit this model \(conv\.weight"):
        load(path, made(width=3))
    rewritten(path, lambda tensors: tensors.pop("conv.bias"))
    with pytest.raises(BadFile, match=r"conv\.bias is missing"):
        load(path, made())


def test_tensors_that_nothing_takes_are_refused(kept):
    rewritten(kept[1], lambda tensors: tensors.update(extra=torch.zeros(1), more=torch.zeros(1)))
    with pytest.raises(BadFile, match=r"holds tensors this model does not have \(extra and 1 more\)"):
        load(kept[1], made())


def test_plain_values_that_are_missing_are_refused(kept):
    tensors, header = checkpoint.read(kept[1])
    del header["plain"]["words"]
    with pytest.raises(BadFile):
        checkpoint.restore(made(), tensors, header, kept[1])


# --- what cannot be written ---------------------------------------------------------------------------------------


def untouched(path, before: bytes) -> None:
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "is full"), (errno.EACCES, "no permission"), (errno.EIO, "could not be written")])
@pytest.mark.parametrize("kind", ["python", "rust"])
def test_a_disk_that_refuses_is_told_and_the_old_file_stays(kept, monkeypatch, number, words, kind):
    state, path, _ = kept
    before = path.read_bytes()

    def fail(tensors, where, metadata):
        where.write_bytes(b"half")
        if kind == "rust":  # as safetensors 0.8 words it
            raise safetensors.SafetensorError(f"Error while serializing: I/O error: {os.strerror(number)} (os error {number})")
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(checkpoint, "save_file", fail)
    with pytest.raises(DiskTrouble, match=words):
        checkpoint.save(path, state, {})
    untouched(path, before)


def test_a_file_system_that_really_refuses_is_told_and_the_old_file_stays(kept):
    state, path, _ = kept
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
        with pytest.raises(DiskTrouble):
            checkpoint.save(path, state, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    untouched(path, before)
    checkpoint.save(path, state, {"again": True})
    assert checkpoint.read_header(path)["about"] == {"again": True}


def test_the_header_is_strict_json(kept):
    state, path, _ = kept
    with pytest.raises(ValueError, match="JSON"):
        checkpoint.save(path, state, {"value": float("nan")})
    with safetensors.safe_open(path, framework="pt") as file:
        json.loads(file.metadata()["studio"])
