"""A .pt2 file of torch.export as a list of operations, without PyTorch's own loader.

`torch.export.load` can run code that a file brings. Shown on torch 2.13: a weight marked use_pickle is unpickled; so are the sample inputs; the shape
expressions are evaluated by sympy; and the guards become Python source that runs when the program is called. This reader does none of that. It takes
the raw bytes of weights and the list of nodes, and runs those nodes itself, by functions of a fixed list alone. Sample inputs, guards, metadata and
compiled parts are never looked into; shapes are those of the tensors.

What the format is: torch/_export/serde/schema.py and torch/export/pt2_archive of PyTorch 2.13.
"""

from __future__ import annotations

import io
import json
import math
import operator
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from models.errors import BadFile

LARGEST_GRAPH = 64 << 20  # bytes of JSON
DTYPES = {
    1: torch.uint8, 2: torch.int8, 3: torch.int16, 4: torch.int32, 5: torch.int64, 6: torch.float16, 7: torch.float32, 8: torch.float64,
    12: torch.bool, 13: torch.bfloat16,
}  # fmt: skip
LAYOUTS = {1: torch.contiguous_format, 2: torch.channels_last, 4: torch.preserve_format}
_ARITHMETIC = "add sub mul floordiv truediv mod neg eq ne lt le gt ge"
NUMBERS: Mapping[str, Callable[..., Any]] = {  # on sizes
    **{f"_operator.{n}": getattr(operator, n) for n in _ARITHMETIC.split()},
    "math.trunc": math.trunc,
    "torch.sym_max": torch.sym_max,
    "torch.sym_min": torch.sym_min,
    "torch.sym_int": torch.sym_int,
    "torch.sym_float": torch.sym_float,
    "torch.sym_not": torch.sym_not,
}  # fmt: skip
SILENT = ("_assert_scalar", "_assert_async", "_assert_tensor_metadata", "sym_constrain_range", "sym_constrain_range_for_size")
_OPERATIONS = """
    abs adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool2d add add_ addcmul addmm alias all amax amin any arange argmax avg_pool1d
    avg_pool2d baddbmm batch_norm bmm broadcast_to cat ceil celu chunk clamp clamp_ clamp_max clamp_min clone concat constant_pad_nd contiguous
    conv1d conv2d conv_transpose2d convolution copy cos cumsum detach div div_ dropout dropout_ einsum elu elu_ embedding eq erf exp expand
    expand_as expm1 feature_dropout flatten flip floor floor_divide full full_like gather ge gelu glu group_norm gt hardsigmoid hardsigmoid_
    hardswish hardswish_ hardtanh hardtanh_ index index_select instance_norm isnan layer_norm le leaky_relu leaky_relu_ lift_fresh_copy
    linalg_vector_norm linear log log1p log_softmax _log_softmax logical_and logical_not logical_or logsigmoid logsumexp lt masked_fill matmul max
    max_pool1d max_pool2d max_pool2d_with_indices maximum mean min minimum mish mm movedim mul mul_ mv narrow native_batch_norm
    _native_batch_norm_legit_no_training native_group_norm native_layer_norm ne neg norm numpy_T ones ones_like pad permute pixel_shuffle
    pixel_unshuffle pow prelu reciprocal reflection_pad1d reflection_pad2d relu relu6 relu_ remainder repeat repeat_interleave replication_pad2d
    reshape reshape_as rms_norm roll rot90 round rsqrt rsub scalar_tensor scaled_dot_product_attention select selu selu_ sigmoid sigmoid_ sign
    silu silu_ sin slice softmax _softmax softplus split split_with_sizes sqrt square squeeze stack std sub sub_ sum swapaxes sym_numel sym_size t
    tan tanh tanh_ tensor_split threshold tile to _to_copy transpose tril triu type_as unbind unflatten unfold _unsafe_view unsqueeze
    upsample_bicubic2d upsample_bilinear2d upsample_nearest2d _upsample_bilinear2d_aa _upsample_bicubic2d_aa var view view_as where zeros
    zeros_like
"""
OPERATIONS = frozenset(_OPERATIONS.split())
_SYMBOLS = """
    Symbol Integer Rational positive negative nonnegative integer real True False Add Mul Pow Max Min Mod PythonMod FloorDiv CleanDiv CeilDiv
    ModularIndexing floor ceiling Eq Ne Lt Le Gt Ge And Or Not oo int_oo zoo Identity evaluate
"""
SYMBOLS = frozenset(_SYMBOLS.split())


@dataclass(frozen=True)
class Ref:
    """A value that an earlier node made."""

    name: str


@dataclass(frozen=True)
class Step:
    """One node: a function, its arguments with Refs in them, and the names of what it gives (a tuple where it gives a list)."""

    run: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    gives: tuple[Any, ...]


@dataclass(frozen=True)
class Program:
    """What a .pt2 computes from one batch of pictures.

    Attributes:
        shape: (channels, height, width) of a picture; None where any will do.
        manifest: bytes of the manifest that this studio puts inside, or None.
    """

    name: str
    steps: tuple[Step, ...]
    values: Mapping[str, Tensor]
    input: str
    output: str
    dtype: torch.dtype
    shape: tuple[int | None, int | None, int | None]
    manifest: bytes | None

    def __call__(self, x: Tensor) -> Tensor:
        """Pictures (batch, channels, height, width) to what the file gives for them, with its gradient."""
        known: dict[str, Any] = {**self.values, self.input: x.to(self.dtype, copy=True)}  # an operation in place shall not change the chain
        for step in self.steps:
            made = step.run(*_taken(step.args, known), **{k: _taken(v, known) for k, v in step.kwargs.items()})
            _bind(step.gives, made, known)
        return known[self.output]


def _taken(value: Any, known: Mapping[str, Any]) -> Any:
    """An argument with its Refs followed."""
    if isinstance(value, Ref):
        return known[value.name]
    if isinstance(value, list | tuple):
        return type(value)(_taken(v, known) for v in value)
    return value


def _bind(gives: tuple[Any, ...], made: Any, known: dict[str, Any]) -> None:
    if len(gives) == 1:
        made = (made,)
    for name, value in zip(gives, made, strict=True):
        if isinstance(name, tuple):
            known.update(zip(name, value, strict=True))
        elif name is not None:
            known[name] = value


# --- the archive --------------------------------------------------------------------------------------------------


def read(content: bytes, name: str, device: str) -> Program:
    """The program in a file's bytes, its weights on `device`; runs nothing.

    Raises:
        BadFile: it is no .pt2 of the present format, would have to be unpickled, holds compiled code, expressions that are no plain arithmetic or
            operations that are not on the list, or was exported for a fixed batch or in training.
    """
    try:
        records = _records(content, name)
        for record in records:
            if record.startswith("data/aotinductor/") or record.endswith((".so", ".dll", ".dylib", ".pyd")):
                raise BadFile(f"{name} holds compiled code ({record}), which is never run: export it with torch.export.save.")
        graph = _json(records, "models/model.json", name)
        _expressions(graph, name)
        weights = _tensors(records, "data/weights/", "model_weights_config.json", name)
        constants = _tensors(records, "data/constants/", "model_constants_config.json", name)
        return _program(graph, weights, constants, name, device, records.get("extra/manifest.json"))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RuntimeError, RecursionError, zipfile.BadZipFile, EOFError) as error:
        what = str(error).strip().splitlines()
        raise BadFile(
            f"{name} is not a .pt2 that can be read ({type(error).__name__}{': ' + what[0][:100] if what else ''}): export it again with "
            "torch.export.save of a present PyTorch."
        ) from None


def _records(content: bytes, name: str) -> dict[str, bytes]:
    """Path inside the archive -> bytes; raises BadFile for other kinds of archives."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        root = entries[0].filename.split("/")[0] + "/" if entries else ""
        names = [e.filename.removeprefix(root) for e in entries]
        if any(n.split("/")[-1] in ("serialized_exported_program.json", "serialized_state_dict.pt") for n in names):
            raise BadFile(f"{name} is of a format that had to be unpickled: export it again with torch.export.save of a present PyTorch.")
        if len(set(names)) != len(names) or any(not e.filename.startswith(root) for e in entries):
            raise BadFile(f"{name} is an archive with two things of one name, made to deceive: export it again with torch.export.save.")
        if any(e.compress_type != zipfile.ZIP_STORED or e.file_size > len(content) for e in entries):
            raise BadFile(f"{name} is compressed, as torch.export.save does not do: export it again.")
        records = {n: archive.read(e) for n, e in zip(names, entries, strict=True) if not e.filename.startswith(f"{root}data/sample_inputs/")}
    if records.get("archive_format") != b"pt2":
        raise BadFile(f"{name} is an archive of another kind, not one that torch.export.save wrote: export the network with it.")
    models = [n for n in records if n.startswith("models/")]
    if models != ["models/model.json"]:
        raise BadFile(f"{name} holds {len(models)} programs, and the one called model is wanted alone: export it again with torch.export.save.")
    if any(n in ("data/weights/model.pt", "data/constants/model.pt") for n in records):
        raise BadFile(
            f"{name} keeps its weights pickled, as older versions of PyTorch do, and they never are unpickled: export it with a present one."
        )
    return records


def _json(records: Mapping[str, bytes], record: str, name: str) -> dict[str, Any]:
    if len(records[record]) > LARGEST_GRAPH:
        raise BadFile(f"{name} has a graph larger than {LARGEST_GRAPH >> 20} MB: export a smaller network.")
    return json.loads(records[record])


def _expressions(value: Any, name: str) -> None:
    """Shapes are plain arithmetic on symbols; they are not evaluated here, but whoever writes anything else means harm."""
    waiting = [value]
    while waiting:
        v = waiting.pop()
        if isinstance(v, dict):
            text = v.get("expr_str", "")
            words = re.findall(r"[A-Za-z_]\w*", text)
            plain = re.fullmatch(r"[\w\s(),'=+\-*/<>]*", text) and len(text) < 10_000
            if not plain or any(w not in SYMBOLS and not re.fullmatch(r"[a-z]{1,2}\d+", w) for w in words):
                raise BadFile(f"{name} has a shape that is no plain arithmetic ({text[:60]!r}), as if to run code: do not use this file.")
            waiting += v.values()
        elif isinstance(v, list):
            waiting += v


def _tensors(records: Mapping[str, bytes], folder: str, config: str, name: str) -> dict[str, Tensor]:
    """The tensors of a config, cut from raw bytes."""
    made, stores = {}, {}
    for key, about in _json(records, folder + config, name)["config"].items():
        if about["use_pickle"] or about.get("tensor_meta") is None:
            raise BadFile(f"{name} has a value that would be unpickled ({key!r}), which can run any code and is never done: do not use this file.")
        meta, path = about["tensor_meta"], about["path_name"]
        dtype = DTYPES[meta["dtype"]]
        if (path, dtype) not in stores:
            raw = records[folder + path]
            stores[path, dtype] = torch.frombuffer(bytearray(raw), dtype=dtype) if raw else torch.empty(0, dtype=dtype)
        sizes, strides = ([int(v["as_int"]) for v in meta[side]] for side in ("sizes", "strides"))
        offset, store = int(meta["storage_offset"]["as_int"]), stores[path, dtype]
        last = offset + sum((n - 1) * s for n, s in zip(sizes, strides, strict=True)) if all(sizes) else -1
        if min([0, offset, *sizes, *strides]) < 0 or last >= len(store) or math.prod(sizes) > len(store):
            raise BadFile(f"{name} has a weight that is larger than what is stored of it ({key!r}): the file is damaged, fetch it again.")
        made[key] = store.as_strided(sizes, strides, offset)
    return made


# --- the graph ----------------------------------------------------------------------------------------------------


def _program(
    whole: Mapping[str, Any], weights: Mapping[str, Tensor], constants: Mapping[str, Tensor], name: str, device: str, manifest: bytes | None
) -> Program:
    graph, signature = whole["graph_module"]["graph"], whole["graph_module"]["signature"]
    values, given = {}, []
    for spec in signature["input_specs"]:
        ((kind, about),) = spec.items()
        if kind == "parameter":
            values[about["arg"]["name"]] = weights[about["parameter_name"]]
        elif kind == "buffer":
            key = about["buffer_name"]
            values[about["arg"]["name"]] = weights[key] if key in weights else constants[key]
        elif kind == "tensor_constant":
            values[about["arg"]["name"]] = constants[about["tensor_constant_name"]]
        elif kind == "user_input" and "as_tensor" in about["arg"]:
            given.append(about["arg"]["as_tensor"]["name"])
        elif kind not in ("constant_input", "user_input") or (kind == "user_input" and "as_none" not in about["arg"]):
            raise BadFile(f"{name} takes an input that is no picture ({kind}): export a network of one tensor of pictures.")
    if len(given) != 1:
        raise BadFile(f"{name} takes {len(given)} tensors, and a classifier takes one, the pictures: export it so.")
    meta = graph["tensor_values"][given[0]]
    output = _output(graph, signature, name)
    steps = tuple(_step(node, name, device) for node in graph["nodes"] if _base(node["target"]) not in SILENT)
    moved = {k: v.to(device) for k, v in values.items()}
    return Program(name, steps, moved, given[0], output, DTYPES[meta["dtype"]], _shape(meta, name), manifest)


def _shape(meta: Mapping[str, Any], name: str) -> tuple[int | None, int | None, int | None]:
    sizes = [size.get("as_int") for size in meta["sizes"]]
    if len(sizes) != 4:
        raise BadFile(f"{name} takes a tensor of {len(sizes)} dimensions, not pictures (batch, channels, height, width): export it for pictures.")
    if sizes[0] is not None:
        raise BadFile(
            f"{name} was exported for batches of exactly {sizes[0]}: export it with dynamic_shapes=({{0: torch.export.Dim('b')}},), a free one."
        )
    return sizes[1], sizes[2], sizes[3]


def _output(graph: Mapping[str, Any], signature: Mapping[str, Any], name: str) -> str:
    """The one output, or the first one of two dimensions."""
    names = []
    for spec in signature["output_specs"]:
        ((kind, about),) = spec.items()
        if kind != "user_output":
            raise BadFile(f"{name} changes itself when it is asked ({kind}), as in training: export it after .eval().")
        if "as_tensor" in about["arg"]:
            names.append(about["arg"]["as_tensor"]["name"])
    flat = [n for n in names if len(graph["tensor_values"][n]["sizes"]) == 2]
    if not flat:
        raise BadFile(f"{name} gives no table of numbers (batch, classes): export a classifier.")
    return flat[0]


def _base(target: str) -> str:
    return target.split(".")[3] if target.startswith("torch.ops.aten.") else ""


def _step(node: Mapping[str, Any], name: str, device: str) -> Step:
    target, base = node["target"], _base(node["target"])
    found = re.fullmatch(r"torch\.ops\.aten\.(\w+)\.(\w+)", target)
    if target in NUMBERS:
        args = tuple(_argument(i["arg"], name, device) for i in node["inputs"])
        return Step(NUMBERS[target], args, {}, _given(node, name))
    if not found or base not in OPERATIONS:
        why = "which cuts gradients or branches" if "higher_order" in target else "which classifiers of pictures do not need"
        raise BadFile(f"{name} calls {target[:80]!r}, {why}, so it is not run: export a plain classifier in the mode of evaluation.")
    run = getattr(getattr(torch.ops.aten, base), found[2])
    return Step(run, (), {i["name"]: _argument(i["arg"], name, device) for i in node["inputs"]}, _given(node, name))


def _given(node: Mapping[str, Any], name: str) -> tuple[Any, ...]:
    gives = []
    for out in node["outputs"]:
        ((kind, about),) = out.items()
        if kind == "as_tensor":
            gives.append(about["name"])
        elif kind == "as_tensors":
            gives.append(tuple(a["name"] for a in about))
        elif kind in ("as_sym_int", "as_sym_float", "as_sym_bool"):
            gives.append(about["as_name"])
        elif kind == "as_none":
            gives.append(None)
        else:
            raise BadFile(f"{name} makes a value of an unknown kind ({kind}): export it with a present PyTorch.")
    return tuple(gives)


def _argument(argument: Mapping[str, Any], name: str, device: str) -> Any:
    """An argument as Python has it, Refs in the place of what nodes made."""
    ((kind, v),) = argument.items()
    match kind:
        case "as_none":
            return None
        case "as_tensor":
            return Ref(v["name"])
        case "as_tensors":
            return [Ref(a["name"]) for a in v]
        case "as_int" | "as_bool" | "as_string" | "as_ints" | "as_bools":
            return v
        case "as_float":
            return float(v)
        case "as_floats":
            return [float(a) for a in v]
        case "as_sym_int" | "as_sym_float" | "as_sym_bool":
            return _symbol(v)
        case "as_sym_ints" | "as_sym_floats" | "as_sym_bools":
            return [_symbol(a) for a in v]
        case "as_optional_tensor":
            return _argument(v, name, device)
        case "as_optional_tensors":
            return [_argument(a, name, device) for a in v]
        case "as_scalar_type":
            return DTYPES[v]
        case "as_memory_format":
            return LAYOUTS[v]
        case "as_layout":
            return torch.strided
        case "as_device":
            return torch.device(device)
        case _:
            raise BadFile(f"{name} hands an operation something that is no number or tensor ({kind}): export a plain classifier.")


def _symbol(value: Mapping[str, Any]) -> Any:
    ((kind, v),) = value.items()
    return Ref(v) if kind == "as_name" else v
