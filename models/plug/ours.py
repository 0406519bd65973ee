"""Networks of our own kinds: a run's, and those that a person gives away as safetensors with a manifest. Nothing in either can run code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from models import checkpoint
from models.device import choose
from models.errors import BadFile, BadInput
from models.files import write_bytes
from models.nets.conv import Classifier as ClassifierNet
from models.nets.conv import Scorer
from models.nets.judge import JudgeNet
from models.plug.manifest import KEY, LARGEST, Manifest, beside, dumped, parsed
from models.plug.proof import proven
from models.plug.seeing import Eye, adapted, as_logits, eye_of, fitting, named
from models.run import Run
from models.samplers.parts import Classifier, Logits

NETS: Mapping[str, Callable[[Manifest], nn.Module]] = {  # role -> the net without values
    "classifier": lambda m: ClassifierNet(m.size, m.channels, m.net["n"], m.net["h"], m.outputs, m.net["depth"]),
    "scorer": lambda m: Scorer(m.size, m.channels, m.net["n"], m.outputs),
    "judge": lambda m: JudgeNet(m.size, m.channels, m.outputs),
}


# --- a run --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Opened:
    """A run's net that classifies."""

    run: Run
    part: str  # "C" or "scorer"

    @property
    def net(self) -> nn.Module:
        """E with C's heads, or the scorer."""
        return self.run.state.E if self.part == "C" else self.run.state.scorer

    @property
    def name(self) -> str:
        """For people."""
        return f"{'C' if self.part == 'C' else 'the scorer'} of {self.run.folder.path.name}"


def opened(spec: str, device: str) -> Opened:
    """The run of "RUN", "RUN#C" or "RUN#scorer" at its last checkpoint, without its data; raises BadInput where it has no such net."""
    part = "scorer" if spec.endswith("#scorer") else "C"
    path = Path(spec.removesuffix("#scorer").removesuffix("#C")).expanduser()
    threads = torch.get_num_threads()
    try:
        run = Run.open(path, data=False, write=False, device_name=choose(device).device)
    finally:
        torch.set_num_threads(threads)  # the chain goes on with its own
    run.close()
    if not hasattr(run.algorithm, "parts"):
        raise BadInput(f"{path.name} is a run of {run.algorithm.TITLE}, which has no classifier: give a run of PPGN.")
    phase = "encoder" if part == "C" else "scorer"
    if not run.state.trained[phase]:
        raise BadInput(f"{path.name} has not trained its {phase} yet: train the phase {phase!r} first, or give another run.")
    return Opened(run, part)


def open_run(spec: str, *, size: int, channels: int, device: str) -> Classifier:
    """C (and the captioner) or the scorer of a run, as they are at its last checkpoint; raises BadInput and below."""
    found = opened(spec, device)
    parts = found.run.algorithm.parts(found.run.state)
    fitting(found.name, parts.size, size)

    def logits(x: Tensor) -> Logits:
        x = adapted(x, parts.channels)
        return parts.scorer_logits(x) if found.part == "scorer" else parts.C_logits(parts.E_features(x)[1])

    def caption(sentence: str, x: Tensor) -> Tensor:
        return parts.caption_log_p(sentence, parts.E_features(adapted(x, parts.channels))[1])

    def score(x: Tensor) -> Tensor:
        return torch.cat(list(logits(x).values()), 1)

    proven(found.name, score, size=size, channels=channels, device=str(parts.device), labels=sum(map(len, parts.heads.values())))
    origin = {
        "spec": spec,
        "kind": "run",
        "part": found.part,
        "sha256": checkpoint.hash_of(found.run.state),
        "step": found.run.state.step,
        "size": parts.size,
        "channels": parts.channels,
    }
    speaks = bool(parts.words) and found.part == "C" and parts.trained["captioner"] > 0
    return Classifier(found.name, parts.heads, logits, caption if speaks else None, origin)


# --- safetensors and a manifest -----------------------------------------------------------------------------------


def open_safetensors(path: Path, *, size: int, channels: int, device: str) -> Classifier:
    """One of our nets with the weights of a file; raises BadInput and below where file, manifest and net do not fit each other."""
    manifest, tensors, digest = _read(path)
    name = manifest.name or path.stem
    eye, where = eye_of(manifest), choose(device).device
    if manifest.resize is None:
        fitting(name, manifest.size, size)
    net = _filled(manifest, tensors, path).to(where)
    cut, plain = named(manifest.heads), as_logits(manifest.output)
    score = _scoring(net, manifest.role, eye, plain)
    proven(name, score, size=size, channels=channels, device=where, labels=manifest.outputs)
    origin = {"spec": str(path), "kind": "safetensors", "sha256": digest, "size": manifest.size, "manifest": dumped(manifest)}
    return Classifier(name, {a: tuple(v) for a, v in manifest.heads.items()}, lambda x: cut(score(x)), None, origin)


def save_classifier(path: Path, source: str, *, licence: str = "", name: str = "") -> Manifest:
    """Give a run's C ("RUN") or scorer ("RUN#scorer") away as FILE.safetensors with its manifest inside.

    Args:
        path: where to; the ending must be .safetensors.
        licence: under which others may use it, in words.
        name: for people; the run's name if empty.

    Raises:
        BadInput: the ending is another, or the run has no such net. DiskTrouble: the file could not be written.
    """
    if path.suffix != ".safetensors":
        raise BadInput(f"{path.name} would be a safetensors file: give it a name that ends in .safetensors.")
    net, manifest = given_away(source, licence=licence, name=name)
    return save_net(path, net, manifest)


def save_net(path: Path, net: nn.Module, manifest: Manifest) -> Manifest:
    """Write a net that NETS can build from its manifest; the manifest comes back with its hash. Raises BadFile, DiskTrouble."""
    tensors = {k: v.detach().cpu().contiguous() for k, v in net.state_dict().items()}
    _filled(manifest, tensors, path)
    manifest = Manifest.model_validate(manifest.model_dump(by_alias=True) | {"sha256": checkpoint.state_hash(tensors)})
    write_bytes(path, save(tensors, {KEY: manifest.json_text()}))
    return manifest


def given_away(source: str, *, licence: str, name: str) -> tuple[nn.Module, Manifest]:
    """A run's net on the CPU with the outputs of its classes alone, and the manifest that describes it; raises BadInput."""
    found = opened(source, "cpu")
    c, heads = found.run.config, {a: list(v) for a, v in found.run.state.heads.items()}
    sizes = {"n": c.n} if found.part == "scorer" else {"n": c.n, "h": c.h, "depth": c.depth}
    manifest = Manifest.model_validate(
        {
            "role": "scorer" if found.part == "scorer" else "classifier",
            "net": sizes,
            "size": c.size,
            "channels": c.channels,
            "heads": heads,
            "name": name or found.name,
            "licence": licence,
        }
    )
    tensors = {k: v.detach().cpu().contiguous() for k, v in found.net.state_dict().items()}
    tensors |= {k: v[: manifest.outputs].clone() for k, v in tensors.items() if k.startswith("heads.")}  # the rest is room that no class took
    return _filled(manifest, tensors, found.run.folder.path), manifest


def _read(path: Path) -> tuple[Manifest, dict[str, Tensor], str]:
    """Manifest, tensors and the file's SHA-256; raises BadFile."""
    outside = beside(path)
    try:
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        tensors = load(content)
        inside = _metadata(content).get(KEY)
    except OSError as error:
        raise BadFile(f"{path} cannot be read ({error.strerror or error}).") from None
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise BadFile(f"{path.name} is not a safetensors file that can be read ({str(error)[:160]}): fetch or export it again.") from None
    if outside is not None:
        manifest, found = outside[0], digest
    elif isinstance(inside, str):
        manifest, found = parsed(inside, path.name), checkpoint.state_hash(tensors)
    else:
        raise BadFile(
            f"{path.name} has no manifest, so nobody knows which net its weights belong to: write {path.stem}.json beside it, which names role, net, "
            "size, channels, heads and sha256."
        )
    if manifest.role not in NETS:
        raise BadFile(f"{path.name} has the role {manifest.role}, which is for .pt2 files: name one of {', '.join(NETS)} in its manifest.")
    if manifest.sha256 != found:
        raise BadFile(
            f"{path.name} was changed after its manifest was written (sha256 is {found}, the manifest has {manifest.sha256 or 'none'}): "
            "fetch both again, or correct the manifest if you trust the file."
        )
    return manifest, tensors, digest


def _metadata(content: bytes) -> dict[str, Any]:
    """The metadata of a safetensors file: 8 bytes of length, then JSON."""
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + min(length, 13 * LARGEST)]).get("__metadata__") or {}


def _filled(manifest: Manifest, tensors: Mapping[str, Tensor], path: Path) -> nn.Module:
    """The net of a manifest with the file's values, built without memory of its own; raises BadFile where they do not fit."""
    with torch.device("meta"):
        net = NETS[manifest.role](manifest)
    wanted = {k: (v.shape, v.is_floating_point()) for k, v in net.state_dict().items()}
    wrong = next((k for k in sorted({*wanted, *tensors}) if k not in wanted or k not in tensors or tensors[k].shape != wanted[k][0]), None)
    if wrong is not None:
        has = shape_of(tensors[wrong].shape) if wrong in tensors else "lacks it"
        needs = shape_of(wanted[wrong][0]) if wrong in wanted else "has none of that name"
        raise BadFile(
            f"{path.name} does not fit its manifest at {wrong!r} (the file: {has}, the net: {needs}): correct role, net, size, channels or heads."
        )
    for key, value in tensors.items():
        if value.is_floating_point() != wanted[key][1] or not bool(value.isfinite().all()):
            raise BadFile(f"{path.name} holds values in {key!r} that are not finite numbers of the right kind: export it again.")
    net.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}, assign=True)
    return net.eval().requires_grad_(False)


def shape_of(shape: torch.Size) -> str:
    """For a message."""
    return "×".join(map(str, shape)) or "a number"


def _scoring(net: nn.Module, role: str, eye: Eye, plain: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Pictures to the logits of all heads, side by side."""
    forward = forward_of(net, role)
    return lambda x: plain(forward(eye(x)))


def forward_of(net: Any, role: str) -> Callable[[Tensor], Tensor]:
    """From what a net of ours sees to the values of all heads."""
    if role == "classifier":
        return lambda x: net.logits(net(x)[1])
    if role == "judge":
        return lambda x: net.logits(net.features(x))
    return net
