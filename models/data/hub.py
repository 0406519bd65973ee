"""Data sets of the Hugging Face hub, and folders that its `datasets` tools wrote, with the extra "hub"; code from a data set is never run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from models.data import cache
from models.data.assemble import Findings, Wanted, classes
from models.data.decode import FILE_LIMIT, Unreadable, quiet
from models.data.encoded import Item, decoded, read_file
from models.data.images import ImageSet
from models.data.reach import offline_unless_reachable
from models.errors import BadData

TABLES = (".parquet", ".arrow")


def open_hub(wanted: Callable[[str, str], Wanted], spec: str) -> ImageSet:
    """The pictures of hub:NAME[:SPLIT] or hub:FOLDER[:SPLIT]; the split is "train" unless given, or the only one.

    A folder is what `Dataset.save_to_disk` wrote, or one of parquet files or pictures; it needs no network. Of the columns the first that holds
    pictures is taken, and every ClassLabel is an attribute.

    Args:
        wanted: makes the Wanted from the spec and the title.
        spec: begins with "hub:".

    Raises:
        BadData: the extra is not installed, the name is unknown, there is no network, or no column holds pictures.
    """
    name, split = _parse(spec.removeprefix("hub:"))
    path = _folder(name)
    if path is None and name.startswith(("/", ".", "~", "\\")):
        raise BadData(f"There is no folder {name!r}: give hub:FOLDER for a folder that is here, or hub:NAME for a data set of the hub.")
    with _library() as library:
        try:
            found = _load(library, name, path, split)
        except BadData:
            raise
        except Exception as error:  # the library's own, those of its network and of pyarrow
            raise BadData(_trouble(name, path, error)) from None
        table, split = _split(library, found, name, split)
        column, labels = _columns(library, table, name)
        title = f"{path.name if path else name}{'' if split in ('', 'train') else f' {split}'}"
        plain = table.cast_column(column, library.Image(decode=False))
        whole = f"hub:{path or name}{f':{split}' if split else ''}"
        return decoded(
            wanted(whole, title), f"{spec!r}", ["hub", whole, table._fingerprint, column],
            partial(_items, plain, column), len(plain), partial(_label, plain, column, labels),
        )  # fmt: skip


def _parse(words: str) -> tuple[str, str]:
    """Name and split; a colon may belong to a path."""
    if not words.strip():
        raise BadData("hub: needs a name, for example --data hub:NAME, hub:NAME:SPLIT or hub:FOLDER.")
    if _folder(words) is None and ":" in words:
        name, split = words.rsplit(":", 1)
        return name, split
    return words, ""


def _folder(name: str) -> Path | None:
    try:
        path = Path(os.path.abspath(Path(name).expanduser()))
        return path if path.is_dir() else None
    except (OSError, ValueError, RuntimeError):
        return None


@contextmanager
def _library() -> Iterator[Any]:
    """The `datasets` package, which keeps its progress bars and warnings to itself meanwhile."""
    with quiet():
        try:
            import datasets
        except ImportError:
            raise BadData('hub: needs the extra "hub": install it with  pip install "sampling-studio[hub]"  and try again.') from None
        import logging

        from huggingface_hub.utils import logging as hub_logging
        from tqdm import tqdm

        level, bars, hub_level = datasets.logging.get_verbosity(), datasets.is_progress_bar_enabled(), hub_logging.get_verbosity()
        datasets.logging.set_verbosity(logging.CRITICAL)
        hub_logging.set_verbosity(logging.CRITICAL)
        tqdm.monitor_interval = 0  # or its bars, even those not shown, leave a thread behind
        datasets.disable_progress_bars()
        try:
            yield datasets
        finally:
            datasets.logging.set_verbosity(level)
            hub_logging.set_verbosity(hub_level)
            if bars:
                datasets.enable_progress_bars()


def _load(library: Any, name: str, path: Path | None, split: str) -> Any:
    """A Dataset or a DatasetDict. Only readers of plain files are used for folders; on the hub the library runs no code of data sets."""
    if path is None:
        with offline_unless_reachable():  # what was fetched before is in the library's cache
            return library.load_dataset(name, split=split or None)
    if any((path / f).is_file() for f in ("state.json", "dataset_dict.json")):
        return library.load_from_disk(str(path))
    kept = str(cache.folder() / "hub")
    for ending in TABLES:
        if files := sorted(str(f) for f in path.rglob(f"*{ending}")):
            return library.load_dataset(ending[1:], data_files=_by_split(files), cache_dir=kept)
    return library.load_dataset("imagefolder", data_dir=str(path), cache_dir=kept)


def _by_split(files: list[str]) -> dict[str, list[str]]:
    """Split -> its files, from names such as train-00000-of-00002.parquet; all others are "train"."""
    out: dict[str, list[str]] = {}
    for file in files:
        stem = Path(file).stem.lower()
        out.setdefault(next((s for s in ("test", "validation", "train") if stem.startswith(s)), "train"), []).append(file)
    return out


def _split(library: Any, found: Any, name: str, split: str) -> tuple[Any, str]:
    """The Dataset of the split that was asked for, and the split's name."""
    if not isinstance(found, library.DatasetDict):
        if split and _folder(name) and str(found.split) != split:
            raise BadData(f"{name!r} has no splits, so there is no {split!r}: give it without one.")
        return found, split
    offered = list(found)
    chosen = split or ("train" if "train" in found else offered[0] if len(offered) == 1 else "")
    if chosen not in found:
        asked = f"no split {split!r}" if split else "several splits"
        raise BadData(f"{name!r} has {asked}: give one of {', '.join(offered)}, for example --data hub:{name}:{offered[0]}.")
    return found[chosen], chosen


def _columns(library: Any, table: Any, name: str) -> tuple[str, list[str]]:
    """The first column of pictures, and those of class labels; raises BadData if there are no pictures."""
    features = table.features
    pictures = [c for c, feature in features.items() if isinstance(feature, library.Image)]
    if not pictures:
        raise BadData(f"{name!r} has no column of pictures (its columns: {', '.join(list(features)[:10]) or 'none'}): choose another data set.")
    return pictures[0], [c for c, feature in features.items() if isinstance(feature, library.ClassLabel)]


def _items(table: Any, column: str) -> Iterator[Item]:
    pictures = table.select_columns([column])
    for place in range(len(pictures)):
        yield Item(_name(place), partial(_read, pictures, place, column))


def _name(place: int) -> str:
    return f"row {place}"


def _read(table: Any, place: int, column: str) -> bytes:
    cell = table[place][column]
    if cell is None:
        raise Unreadable("is empty")
    if cell["bytes"] is None:
        return read_file(Path(cell["path"]))
    if len(cell["bytes"]) > FILE_LIMIT:
        raise Unreadable(f"is larger than {FILE_LIMIT >> 20} MB")
    return cell["bytes"]


def _label(table: Any, column: str, labels: list[str], found: Findings) -> None:
    """Each ClassLabel is an attribute, called "class" where there is just one; rows without a label are "none"."""
    rows = [int(name.removeprefix("row ")) for name in found.names]
    for attribute in labels:
        feature = table.features[attribute]
        codes = table.select_columns([attribute])[attribute]
        names = [feature.names[codes[row]] if (codes[row] is not None and codes[row] >= 0) else "none" for row in rows]
        used = set(names)
        classes(found, "class" if len(labels) == 1 else attribute, names, [n for n in (*feature.names, "none") if n in used])


def _trouble(name: str, path: Path | None, error: Exception) -> str:
    """One sentence for what the library raised."""
    if path is not None:
        return f"{path} is not a data set that can be read: give a folder that save_to_disk wrote, or one of parquet files or pictures."
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if kinds & {"ConnectionError", "OfflineModeIsEnabled", "LocalEntryNotFoundError", "Timeout", "ConnectError", "ConnectTimeout", "ReadTimeout"}:
        return f"The hub cannot be reached for {name!r}: check the network, or give a folder that is here (hub:FOLDER)."
    if kinds & {"DatasetNotFoundError", "RepositoryNotFoundError", "HFValidationError"}:
        return f"There is no data set {name!r} on the hub that can be read, or the hub cannot be reached: check the name and the network."
    first = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
    return f"The data set {name!r} cannot be read ({first.rstrip('.')}): choose another, or another split."
