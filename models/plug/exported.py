"""Programs of torch.export (.pt2): opened once a person has trusted the file's hash, and written from a run's networks.

Our own reader (models.plug.program) runs no code of the file. The confirmation stays: the file was made elsewhere, its operations run in PyTorch's
native code on whatever weights it brings, and other programs that load it are less careful. Files that this studio exported are known by their hash.
"""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import torch
from torch import Tensor, nn

from models.data.decode import quiet
from models.device import choose
from models.errors import BadFile, BadInput
from models.files import home, write_bytes, write_json
from models.plug import Untrusted
from models.plug.manifest import KEY, Manifest, beside, dumped, parsed
from models.plug.ours import forward_of, given_away
from models.plug.program import Program, read
from models.plug.proof import proven
from models.plug.seeing import Eye, as_logits, eye_of, fitting, named
from models.samplers.parts import Classifier

LARGEST = 4 << 30  # bytes of a file


def open_pt2(path: Path, *, size: int, channels: int, device: str, trust: str | None = None) -> Classifier:
    """The classifier that a .pt2 computes, with the manifest beside or inside it.

    Without a manifest it sees pictures in [-1, 1], as the studio's own nets do, and its classes are numbered. What it gives are logits, unless its
    rows are probabilities (then their logarithms are taken).

    Raises:
        Untrusted: `trust` is not the file's SHA-256, and this studio did not export it.
        BadInput and below: it is hostile, damaged, not differentiable, for a fixed batch or another size.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise BadFile(f"{path.name} is larger than {LARGEST >> 30} GB: export a smaller network.")
        content = path.read_bytes()
    except OSError as error:
        raise BadFile(f"{path} cannot be read ({error.strerror or error}).") from None
    digest, where = hashlib.sha256(content).hexdigest(), choose(device).device
    program = read(content, path.name, where)  # a hostile file is refused before anybody is asked to trust it
    _trusted(path.name, digest, trust)
    manifest = _manifest(path, program)
    name = manifest.name if manifest is not None and manifest.name else path.stem
    eye = _eye(manifest, program, name, size=size, channels=channels)

    def raw(x: Tensor) -> Tensor:
        return program(eye(x)).float()

    wanted = manifest.outputs if manifest is not None else None
    found = proven(name, raw, size=size, channels=channels, device=where, labels=wanted)
    output = _output(manifest, found, name)
    heads = {a: tuple(v) for a, v in manifest.heads.items()} if manifest else {"class": tuple(map(str, range(found.shape[1])))}
    cut, plain = named(heads), as_logits(output)
    about = dumped(manifest) if manifest is not None else None
    origin = {"spec": str(path), "kind": "pt2", "sha256": digest, "size": eye.size, "output": output, "manifest": about}
    return Classifier(name, heads, lambda x: cut(plain(raw(x))), None, origin)


def export_pt2(path: Path, source: str, *, licence: str = "", name: str = "") -> str:
    """Write a run's C ("RUN") or scorer ("RUN#scorer") as a .pt2 with its manifest inside, for other programs; returns its SHA-256.

    This studio knows the file from then on and opens it without being asked to trust it.

    Raises:
        BadInput: the ending is another, the run has no such net, or this PyTorch exports another format. DiskTrouble: it could not be written.
    """
    if path.suffix != ".pt2":
        raise BadInput(f"{path.name} would be a .pt2 file: give it a name that ends in .pt2.")
    net, manifest = given_away(source, licence=licence, name=name)
    inside = Manifest.model_validate(manifest.model_dump(by_alias=True) | {"role": "exported", "net": {}})
    content = exported_bytes(Whole(net, manifest.role), inside)
    try:
        read(content, path.name, "cpu")
    except BadFile as error:
        raise BadInput(
            f"This PyTorch ({torch.__version__}) exports a format that cannot be read back ({error}) Use the one that is pinned."
        ) from None
    digest = hashlib.sha256(content).hexdigest()
    write_bytes(path, content)
    write_json(_list(), sorted({*_known(), digest}))
    return digest


class Whole(nn.Module):
    """A net of ours from pictures to the logits of all heads, side by side."""

    def __init__(self, net: nn.Module, role: str) -> None:
        super().__init__()
        self.net, self.role = net, role

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, size, size) in [-1, 1] to (batch, outputs)."""
        return forward_of(self.net, self.role)(x)


def exported_bytes(net: nn.Module, manifest: Manifest) -> bytes:
    """A net in the mode of evaluation as a .pt2 with a free batch size."""
    buffer, x = io.BytesIO(), torch.zeros(2, manifest.channels, manifest.size, manifest.size)
    with quiet():
        program = torch.export.export(net.eval(), (x,), dynamic_shapes=({0: torch.export.Dim("batch")},))
        torch.export.save(program, buffer, extra_files={f"{KEY}.json": manifest.json_text()})
    return buffer.getvalue()


# --- trust --------------------------------------------------------------------------------------------------------


def _trusted(name: str, digest: str, trust: str | None) -> None:
    """Raises Untrusted unless a person has trusted this very file, or this studio wrote it."""
    said = (trust or "").strip().lower()
    if said == digest or digest in _known():
        return
    if said:
        raise Untrusted(
            f"{name} is not the file that was trusted ({said[:64]}), and a program from elsewhere can run code when it is loaded: fetch it again, or "
            f"if you trust this one too, confirm it with --trust {digest} (its SHA-256).",
            digest,
        )
    raise Untrusted(
        f"{name} is a program from elsewhere, and such a file can run code when it is loaded: if you trust where it came from, confirm it with "
        f"--trust {digest} (its SHA-256).",
        digest,
    )


def _list() -> Path:
    return home() / "exported.json"


def _known() -> list[str]:
    """Hashes of the files that this studio exported."""
    try:
        found = json.loads(_list().read_text("utf-8"))
    except (OSError, ValueError):
        return []
    return [h for h in found if isinstance(h, str)] if isinstance(found, list) else []


# --- what the outputs mean ----------------------------------------------------------------------------------------


def _manifest(path: Path, program: Program) -> Manifest | None:
    outside = beside(path)
    manifest = outside[0] if outside is not None else parsed(program.manifest, path.name) if program.manifest is not None else None
    if manifest is not None and manifest.role != "exported":
        raise BadFile(f"The manifest of {path.name} has the role {manifest.role}: a .pt2 has the role exported.")
    return manifest


def _eye(manifest: Manifest | None, program: Program, name: str, *, size: int, channels: int) -> Eye:
    """How it sees, checked against the shape that it was exported for; raises BadInput."""
    wide, height, width = program.shape
    wants = manifest.size if manifest is not None else height or size
    depth = manifest.channels if manifest is not None else wide or channels
    if (height or wants, width or wants, wide or depth) != (wants, wants, depth) or depth not in (1, 3):
        shape = "×".join("any" if v is None else str(v) for v in (wide, height, width))
        said = f"and its manifest says {depth}×{wants}×{wants}" if manifest is not None else "and a chain's are square, with 1 or 3 channels"
        raise BadInput(f"{name} was exported for pictures of {shape}, {said}: export it for other pictures, or correct the manifest.")
    if manifest is None or manifest.resize is None:
        fitting(name, wants, size)
    return eye_of(manifest) if manifest is not None else Eye(wants, depth)


def _output(manifest: Manifest | None, found: Tensor, name: str) -> str:
    """What the outputs are: as the manifest says, or as they look."""
    shares = bool((found >= 0).all()) and float((found.sum(1) - 1).abs().max()) < 1e-3 and found.shape[1] > 1
    if manifest is None:
        return "probabilities" if shares else "logits"
    if shares and manifest.output == "logits":
        raise BadInput(f'{name} gives probabilities, and its manifest calls them logits: write "output": "probabilities" in it.')
    if manifest.output == "probabilities" and bool((found < 0).any()):
        raise BadInput(f'{name} gives values below 0, and its manifest calls them probabilities: write "output": "logits" in it.')
    return manifest.output
