"""A State in one safetensors file: tensors as tensors, everything else as JSON in the header. Nothing is ever unpickled.

A State is a dataclass. Each saved field is a module, an optimiser, a torch.Generator, a tensor, or plain JSON; fields with
`metadata={"saved": False}` are rebuilt by the paper's `init`. Values are copied into tensors laid out as `init` made them,
so a run that goes on from a checkpoint computes the same bits as one that was never stopped.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from models.errors import BadFile
from models.files import writing

FORMAT = 1

Tensors = dict[str, Tensor]
Header = dict[str, Any]


def flatten(state: Any) -> tuple[Tensors, Header]:
    """A State as named tensors and a JSON header; each storage once, under its first name."""
    tensors: Tensors = {}
    header: Header = {"plain": {}, "groups": {}, "aliases": {}}
    seen: dict[tuple[int, torch.Size, tuple[int, ...]], str] = {}
    for name, value in _saved(state):
        if isinstance(value, nn.Module):
            for key, tensor in value.state_dict(keep_vars=True).items():
                place = (tensor.data_ptr(), tensor.shape, tensor.stride())
                if place in seen and tensor.numel():
                    header["aliases"][f"{name}.{key}"] = seen[place]
                else:
                    tensors[seen.setdefault(place, f"{name}.{key}")] = tensor
        elif isinstance(value, torch.optim.Optimizer):
            header["groups"][name] = [{k: v for k, v in group.items() if k != "params"} for group in value.param_groups]
            for i, parameter in enumerate(_parameters(value)):
                tensors |= {f"{name}.{i}.{key}": torch.as_tensor(v) for key, v in value.state.get(parameter, {}).items()}
        elif isinstance(value, torch.Generator):
            tensors[name] = value.get_state()
        elif isinstance(value, Tensor):
            tensors[name] = value
        else:
            header["plain"][name] = value
    return {k: v.detach().cpu().contiguous() for k, v in tensors.items()}, header


def state_hash(tensors: Mapping[str, Tensor]) -> str:
    """sha256 over names, types, shapes and bytes of every tensor, in the order of names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def hash_of(state: Any) -> str:
    """The `state_hash` of a State."""
    return state_hash(flatten(state)[0])


def save(path: Path, state: Any, about: Mapping[str, Any], check: Callable[[Tensors], None] = lambda tensors: None) -> str:
    """Write a State, and `about` (system, step, config, …) into its header. Returns the state's hash.

    `check` sees the tensors first, and may raise; then nothing is written. Raises DiskTrouble.
    """
    tensors, header = flatten(state)
    check(tensors)
    return write(path, tensors, header, about)


def write(path: Path, tensors: Tensors, header: Header, about: Mapping[str, Any]) -> str:
    """Write what `flatten` or `read` gave, with another `about`. Returns the state's hash; raises DiskTrouble."""
    digest = state_hash(tensors)
    header = {**header, "format": FORMAT, "state_hash": digest, "about": dict(about)}
    with writing(path) as temporary:
        try:
            save_file(tensors, temporary, {"studio": json.dumps(header, allow_nan=False)})
        except safetensors.SafetensorError as error:  # how it reports a full disk
            number = re.search(r"os error (\d+)", str(error))
            raise OSError(int(number[1]) if number else 0, str(error)) from None
    return digest


def read_header(path: Path) -> Header:
    """The header alone, quickly; raises BadFile."""
    return _read(path, tensors=False)[1]


def read(path: Path) -> tuple[Tensors, Header]:
    """All tensors and the header; raises BadFile if the file is cut short, foreign or from a newer version."""
    return _read(path, tensors=True)


def restore(state: Any, tensors: Mapping[str, Tensor], header: Header, path: Path) -> None:
    """Copy saved values into a State that `init` made; raises BadFile where they do not fit it."""
    left = set(tensors)

    def unfit(name: str) -> BadFile:
        return BadFile(f"{path.name} does not fit this model ({name} is missing or has another shape): open it with the settings it was made with.")

    def take(name: str, shape: torch.Size) -> Tensor:
        found = tensors.get(header["aliases"].get(name, name))
        if found is None or found.shape != shape:
            raise unfit(name)
        left.discard(name)
        return found

    for name, value in _saved(state):
        if isinstance(value, nn.Module):
            for key, tensor in value.state_dict(keep_vars=True).items():
                with torch.no_grad():
                    tensor.copy_(take(f"{name}.{key}", tensor.shape))
        elif isinstance(value, torch.optim.Optimizer):
            try:
                _restore_optimiser(name, value, tensors, header)
            except (KeyError, ValueError):
                raise unfit(name) from None
            left = {k for k in left if not k.startswith(f"{name}.")}
        elif isinstance(value, torch.Generator):
            value.set_state(take(name, value.get_state().shape))
        elif isinstance(value, Tensor):
            value.copy_(take(name, value.shape))
        elif name in header["plain"]:
            setattr(state, name, header["plain"][name])
        else:
            raise unfit(name)
    if left:
        raise BadFile(
            f"{path.name} holds tensors this model does not have ({sorted(left)[0]} and {len(left) - 1} more): it belongs to another version."
        )


def _restore_optimiser(name: str, optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor], header: Header) -> None:
    optimiser.state.clear()
    for i, parameter in enumerate(_parameters(optimiser)):
        prefix = f"{name}.{i}."
        for full in [k for k in tensors if k.startswith(prefix)]:
            saved = tensors[full]
            if saved.shape == parameter.shape:
                target = torch.empty_like(parameter, dtype=saved.dtype, requires_grad=False)  # keeps channels_last
            else:
                target = torch.empty(saved.shape, dtype=saved.dtype, device=parameter.device)
            optimiser.state[parameter][full.removeprefix(prefix)] = target.copy_(saved)
    for group, saved in zip(optimiser.param_groups, header["groups"][name], strict=True):
        group.update({k: tuple(v) if isinstance(v, list) else v for k, v in saved.items()})


def _saved(state: Any) -> Iterator[tuple[str, Any]]:
    for f in dataclasses.fields(state):
        if f.metadata.get("saved", True):
            yield f.name, getattr(state, f.name)


def _parameters(optimiser: torch.optim.Optimizer) -> Iterator[Tensor]:
    for group in optimiser.param_groups:
        yield from group["params"]


def _read(path: Path, *, tensors: bool) -> tuple[Tensors, Header]:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get("studio")
            if text is None:
                raise BadFile(f"{path.name} is a safetensors file that this studio did not write: open a checkpoint of a run.")
            header = json.loads(text)
            found = {name: file.get_tensor(name) for name in file.keys()} if tensors else {}  # noqa: SIM118
    except FileNotFoundError:
        raise BadFile(f"There is no checkpoint at {path}: choose another run or step.") from None
    except OSError as error:
        raise BadFile(f"{path} cannot be read ({error.strerror or error}).") from None
    except (safetensors.SafetensorError, ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else error
        raise BadFile(f"{path.name} is damaged or cut short ({why}): use an earlier checkpoint of the run.") from None
    if not isinstance(header, dict) or not isinstance(header.get("format"), int) or not isinstance(header.get("about"), dict):
        raise BadFile(f"{path.name} is a safetensors file that this studio did not write: open a checkpoint of a run.")
    if header["format"] > FORMAT:
        raise BadFile(f"{path.name} was written by a newer version (format {header['format']}, this one reads {FORMAT}): update Sampling Studio.")
    return found, header
