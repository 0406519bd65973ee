"""A random LSTM that stands for the true source of sentences, so that NLL under the truth can be measured (Yu et al. 2017, section 4).

Its numbers are from N(0, 1), or from an .npz in the paper's own convention: row vectors times matrices, x W + h U + b, gates i, f, o and the
candidate c; the output layer is h V + c. The first token is drawn after token 0.
"""

from __future__ import annotations

import hashlib
import io
import math
import zipfile
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.data import cache, tables
from models.data.assemble import readable
from models.errors import BadData, DiskTrouble
from models.files import write_bytes
from models.nets.recurrent import Recurrent, initialise

GATES = "ifco"  # in torch's order, where the candidate is called g
LSTM = {"W": "weight_ih_l0", "U": "weight_hh_l0", "b": "bias_ih_l0"}
NAMES = ("emb", "Wi", "Ui", "bi", "Wf", "Uf", "bf", "Wo", "Uo", "bo", "Wc", "Uc", "bc", "V", "c")
WORDS = 200_000  # a vocabulary has at most
WIDTH = 4096  # an embedding, or the hidden layer, has at most
VERSION = 1  # raised when the same seed gives other sentences
OWN = 2_000  # sentences that floor and ceiling are means of
CHUNK = 500  # sentences drawn or scored between two calls of progress
_DATA, _FLOOR, _CEILING, _UNTRAINED = range(4)  # streams of noise

Told = Callable[[int, int], None]


@dataclass(eq=False)
class Oracle:
    """The true source, with what can be reached: all NLLs in nats a token."""

    net: Recurrent  # float32, takes no gradient
    hash: str  # 16 hex digits over its arrays
    floor: float = math.nan  # NLL of its own sentences; set by `measure`
    floor_se: float = math.nan  # standard error of that mean
    ceiling: float = math.nan  # NLL of sentences of an untrained net of the same size, N(0, 0.1)

    @property
    def V(self) -> int:
        """Size of its vocabulary; every number is an ordinary token."""
        return self.net.V

    def nll(self, tokens: Tensor | np.ndarray) -> np.ndarray:
        """Nats a token of each sentence: (n,) float64, of tokens (n, T).

        Raises:
            BadData: a token is not of its vocabulary.
        """
        where = self.net.out.weight.device
        rows = torch.as_tensor(np.asarray(tokens) if not isinstance(tokens, Tensor) else tokens).to(where, torch.int64)
        if rows.numel() and not (int(rows.min()) >= 0 and int(rows.max()) < self.V):
            raise BadData(
                f"Token {int(rows.max()):,} is not of the oracle's vocabulary, 0 … {self.V - 1:,}: score sentences of a run on this oracle."
            )
        with torch.inference_mode():
            parts = [self.net.log_p(chunk).double().mean(1).cpu().numpy() for chunk in rows.split(CHUNK)]
        return -np.concatenate(parts) if len(rows) else np.empty(0)

    def draw(self, seed: int, n: int, T: int, *, stream: int = _DATA, told: Told | None = None) -> np.ndarray:
        """n of its own sentences, (n, T) int32; sentence i is a function of (seed, stream, i) and T.

        In float64, so that the order of sums, which differs between machines, does not decide over a token.
        """
        return _drawn(self.net, seed, n, T, stream, told)

    def measure(self, T: int, seed: int = 0) -> None:
        """Set floor and ceiling, from sentences of T tokens."""
        own = self.nll(self.draw(seed, OWN, T, stream=_FLOOR))
        net = Recurrent(self.V, self.net.embedding.embedding_dim, self.net.lstm.hidden_size)
        initialise(net, torch.Generator().manual_seed(_UNTRAINED), 0.1)
        self.floor, self.floor_se = float(own.mean()), float(own.std(ddof=1) / math.sqrt(OWN))
        self.ceiling = float(self.nll(_drawn(net, seed, OWN, T, _CEILING)).mean())

    def sentences(self, seed: int, n: int, T: int, told: Told | None = None) -> np.ndarray:
        """What `draw` gives, and what `measure` sets, kept on disk: at 5,000 tokens drawing 10,000 sentences takes seconds."""
        path = cache.folder() / f"{cache.key('oracle', VERSION, self.hash, seed, n, T)}.npz"
        if (kept := _kept(path, (n, T))) is not None:
            rows, (self.floor, self.floor_se, self.ceiling) = kept
            return rows
        rows = self.draw(seed, n, T, told=told)
        self.measure(T)
        facts = np.array([self.floor, self.floor_se, self.ceiling])
        file = io.BytesIO()
        np.savez(file, rows=rows, facts=facts, digest=_digest(rows, facts))
        try:
            write_bytes(path, file.getvalue())
        except DiskTrouble:  # it is drawn again the next time
            pass
        return rows

    def save(self, path: Path) -> None:
        """Write its arrays as an .npz that `load` opens; raises DiskTrouble."""
        file = io.BytesIO()
        np.savez(file, **_arrays(self.net))  # type: ignore[arg-type]
        write_bytes(path, file.getvalue())


def make(seed: int, V: int = 5000, e: int = 32, h: int = 32, T: int = 20) -> Oracle:
    """An oracle whose numbers are all from N(0, 1), measured on sentences of T tokens, or not if T is 0.

    Raises:
        BadData: a size out of range.
    """
    _check(V, e, h)
    net = Recurrent(V, e, h)
    initialise(net, torch.Generator().manual_seed(seed), 1.0)
    return _finished(net, T)


def load(path: str | Path, T: int = 20) -> Oracle:
    """The oracle of an .npz with the arrays emb (V, e), Wi Wf Wo Wc (e, h), Ui Uf Uo Uc (h, h), bi bf bo bc (h,), V (h, V) and c (V,).

    Measured on sentences of T tokens, or not if T is 0.

    Raises:
        BadData: the file is not an .npz, an array is missing, misshapen, no floats or not finite; the sentence names it.
    """
    path = Path(path)
    with ExitStack() as stack:
        try:
            archive = stack.enter_context(zipfile.ZipFile(path))
        except OSError as error:
            raise BadData(f"{path} cannot be read ({error.strerror or error}): check the file and its permissions.") from None
        except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError):
            raise BadData(f"{path} is not an .npz that can be read: it is damaged or cut short; copy or save it again.") from None
        members = {m.filename.removesuffix(".npy"): m for m in archive.infolist() if m.filename.endswith(".npy")}
        missing = [name for name in NAMES if name not in members]
        if missing:
            has = ", ".join(map(readable, list(members)[:15])) or "none"
            raise BadData(f"{path} has no array {missing[0]!r} (its arrays: {has}): an oracle has {' '.join(NAMES)}.")
        tables_ = {name: tables.member(archive, path, members[name]) for name in NAMES}
        _check_shapes(path, tables_)
        arrays = {name: _floats(table) for name, table in tables_.items()}
    return _finished(_net(arrays), T)


def _check(V: int, e: int, h: int) -> None:
    if not 2 <= V <= WORDS:
        raise BadData(f"An oracle cannot have {V:,} tokens: its vocabulary is 2 to {WORDS:,}; choose another size.")
    for name, size in (("embeddings of", e), ("", h)):
        if not 1 <= size <= WIDTH:
            raise BadData(f"An oracle cannot have {name} {size:,} neurons: 1 to {WIDTH:,} are possible.".replace("  ", " "))


def _check_shapes(path: Path, found: dict[str, tables.Table]) -> None:
    emb, bias = found["emb"].shape, found["bi"].shape
    if len(emb) != 2:
        raise BadData(f"'emb' in {path} has the shape {emb}: an oracle's embedding is (V, e), vocabulary by size.")
    if len(bias) != 1:
        raise BadData(f"'bi' in {path} has the shape {bias}: an oracle's bias is (h,), one number a neuron.")
    (V, e), h = emb, bias[0]
    _check(V, e, h)
    wanted = {"emb": (V, e), "V": (h, V), "c": (V,)}
    wanted |= {f"{kind}{gate}": shape for gate in GATES for kind, shape in (("W", (e, h)), ("U", (h, h)), ("b", (h,)))}
    for name in NAMES:
        table = found[name]
        if table.shape != wanted[name]:
            raise BadData(
                f"{name!r} in {path} has the shape {table.shape} and should have {wanted[name]}: V = {V:,} and e = {e} are of 'emb', h = {h} of 'bi'."
            )
        if table.dtype.kind != "f" or table.dtype.itemsize > 8:
            raise BadData(f"{name!r} in {path} holds {table.dtype} and should hold floats of shape {wanted[name]}: save it as float32.")


def _floats(table: tables.Table) -> np.ndarray:
    values = np.concatenate(list(table.chunks())) if table.shape[0] else np.empty(table.shape)
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(values, np.float32)
    strange = values.size - int(np.count_nonzero(np.isfinite(values)))
    if strange:
        raise BadData(f"{table.name} of shape {table.shape} holds {strange:,} numbers that are NaN or infinite: save finite float32.")
    return values


def _net(arrays: dict[str, np.ndarray]) -> Recurrent:
    (V, e), h = arrays["emb"].shape, len(arrays["bi"])
    net = Recurrent(V, e, h)

    def gates(kind: str) -> Tensor:
        return torch.from_numpy(np.concatenate([arrays[f"{kind}{gate}"].T for gate in GATES]))

    with torch.no_grad():
        net.embedding.weight.copy_(torch.from_numpy(arrays["emb"]))
        for kind, name in LSTM.items():
            net.lstm.get_parameter(name).copy_(gates(kind))
        net.out.weight.copy_(torch.from_numpy(arrays["V"].T))
        net.out.bias.copy_(torch.from_numpy(arrays["c"]))
    return net


def _arrays(net: Recurrent) -> dict[str, np.ndarray]:
    """Its numbers in the paper's convention, in the order of `NAMES`."""

    def plain(values: Tensor) -> np.ndarray:
        return np.ascontiguousarray(values.detach().cpu().numpy())

    out = {"emb": plain(net.embedding.weight), "V": plain(net.out.weight.T), "c": plain(net.out.bias)}
    for kind, name in LSTM.items():
        parts = net.lstm.get_parameter(name).chunk(4)
        out |= {f"{kind}{gate}": plain(part.T if part.ndim == 2 else part) for gate, part in zip(GATES, parts, strict=True)}
    return {name: out[name] for name in NAMES}


def _finished(net: Recurrent, T: int) -> Oracle:
    net.requires_grad_(False).eval()
    digest = hashlib.sha256()
    for name, values in _arrays(net).items():
        digest.update(f"{name}{values.shape}".encode())
        digest.update(values.astype("<f4").tobytes())
    oracle = Oracle(net, digest.hexdigest()[:16])
    if T:
        oracle.measure(T)
    return oracle


def _kept(path: Path, shape: tuple[int, int]) -> tuple[np.ndarray, list[float]] | None:
    """Sentences and facts as they were written; None where there are none, or they are damaged."""
    try:
        with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:  # numpy leaves a damaged file open
            rows, facts, digest = file["rows"], file["facts"], file["digest"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
    good = rows.shape == shape and rows.dtype == np.int32 and np.array_equal(digest, _digest(rows, facts))
    return (rows, facts.tolist()) if good else None


def _digest(rows: np.ndarray, facts: np.ndarray) -> np.ndarray:
    return np.frombuffer(hashlib.sha256(rows.tobytes() + facts.tobytes()).digest(), np.uint8)


def _drawn(net: Recurrent, seed: int, n: int, T: int, stream: int, told: Told | None = None) -> np.ndarray:
    exact = deepcopy(net).cpu().double()
    noise = np.random.Philox(key=np.array([seed % 2**64, stream], np.uint64))  # its raw words stay the same in every version of numpy
    out = np.empty((n, T), np.int32)
    for start in range(0, n, CHUNK):
        if told:
            told(start, n)
        rows = min(CHUNK, n - start)
        u = (noise.random_raw(rows * T) >> np.uint64(11)).astype(np.float64) * 2.0**-53
        out[start : start + rows] = exact.draw(torch.from_numpy(u.reshape(rows, T))).numpy()
    return out
