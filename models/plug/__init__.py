"""Plug and play: a network from elsewhere in the place of the condition network C.

    A door                      What it opens
    RUN, RUN#scorer             a run of the studio: its C (and captioner), or its scorer           models.plug.ours
    FILE.safetensors            weights and a manifest that names one of our nets: the safe door    models.plug.ours
    FOLDER, hub:NAME            a model of Hugging Face, from config.json and safetensors alone     models.plug.huggingface
    FILE.pt2                    a program of torch.export, after the person has trusted its hash    models.plug.exported

Everything else is refused with the reason. Pickled files are never opened, whatever they are called: to unpickle is to run what the file says.
All doors end in the same proof (models.plug.proof): right input, finite answers, a gradient for every picture, as many labels as outputs.

Importing this loads neither torch nor transformers.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import BadFile, BadInput, BadSetting

if TYPE_CHECKING:
    from models.samplers.parts import Classifier

PICKLED = (".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle", ".joblib", ".t7")
PARTS = ("#scorer", "#C")
SAFE = "ask for its weights as .safetensors with a manifest, for a Hugging Face folder with safetensors, or for a .pt2 that torch.export.save wrote"
OPENS = "a run, FILE.safetensors, a Hugging Face folder, hub:NAME, or FILE.pt2"


class Untrusted(BadFile):
    """A .pt2 that nobody has trusted yet.

    Attributes:
        sha256: what a person confirms, in 64 hexadecimal digits.
    """

    def __init__(self, message: str, sha256: str) -> None:
        self.sha256 = sha256
        super().__init__(message)


def open_classifier(spec: str, *, size: int, channels: int, device: str = "cpu", trust: str | None = None) -> Classifier:
    """The network that `spec` names, ready to stand in the place of C.

    Args:
        spec: one of the doors above; "RUN#scorer" is a run's scorer.
        size: side of the chain's pictures in pixels.
        channels: channels of the chain's pictures; 1 and 3 are adapted to each other (averaged, repeated).
        device: where it computes: cpu, cuda, mps or auto.
        trust: the SHA-256 of a .pt2, in hexadecimal digits, from a person who trusts where it came from.

    Returns:
        a Classifier on float32 pictures (batch, channels, size, size) in [-1, 1]; gradients reach the pictures and no weight.

    Raises:
        BadInput and below: it cannot be opened, or not be used; the message is one sentence with the remedy. Untrusted: a .pt2 that waits for trust.
    """
    if size < 1 or channels not in (1, 3):
        raise BadSetting(f"A classifier sees square pictures of 1 or 3 channels; got {size} px and {channels} channels.")
    spec = spec.strip()
    if spec.startswith("hub:") or (kind(spec) == "huggingface"):
        from models.plug.huggingface import open_huggingface

        return open_huggingface(spec, size=size, channels=channels, device=device)
    match kind(spec):
        case "run":
            from models.plug.ours import open_run

            return open_run(spec, size=size, channels=channels, device=device)
        case "safetensors":
            from models.plug.ours import open_safetensors

            return open_safetensors(Path(spec).expanduser(), size=size, channels=channels, device=device)
        case _:
            from models.plug.exported import open_pt2

            return open_pt2(Path(spec).expanduser(), size=size, channels=channels, device=device, trust=trust)


def kind(spec: str) -> str:
    """Which door a spec goes through: run, safetensors, huggingface or pt2; raises BadInput for what goes through none."""
    if not spec:
        raise BadInput(f"No classifier is named: give {OPENS}.")
    if spec.startswith("hub:"):
        return "huggingface"
    path = Path(next((spec.removesuffix(p) for p in PARTS if spec.endswith(p)), spec)).expanduser()
    try:
        folder, file = path.is_dir(), path.is_file()
    except (OSError, ValueError):
        folder = file = False
    if folder:
        if (path / "run.json").is_file():
            return "run"
        if str(path) == str(Path(spec).expanduser()):
            return "huggingface"  # which says what the folder lacks
    if not file:
        raise BadFile(f"There is no classifier at {spec!r}: give {OPENS}.")
    return _file_kind(path)


def _file_kind(path: Path) -> str:
    ending = path.suffix.lower()
    if ending in PICKLED or is_pickled(path):
        raise BadFile(f"{path.name} is a pickled file, which can run any code when it is opened, so it never is: {SAFE}.")
    if ending == ".safetensors":
        return "safetensors"
    if ending == ".pt2":
        return "pt2"
    raise BadFile(f"{path.name} is not a kind of classifier that can be opened: give {OPENS}.")


def is_pickled(path: Path) -> bool:
    """Whether a file is one that unpickling would be needed for: a pickled object, or a zip file around one, as torch.save writes."""
    import zipfile

    try:
        with path.open("rb") as file:
            head = file.read(9)
        if len(head) > 1 and head[0] == 0x80 and head[1] <= 5 and head[8:] != b"{":  # a safetensors file may begin so: 8 bytes of length, then JSON
            return True
        if head[:2] != b"PK":
            return False
        with zipfile.ZipFile(path) as archive:
            depth = [name.split("/") for name in archive.namelist()]
    except (OSError, zipfile.BadZipFile):
        return False
    return any(parts[-1] in ("data.pkl", "constants.pkl") and len(parts) <= 2 for parts in depth)
