"""`fill`: what a MaskGAN run puts into the blanks of a sentence."""

from __future__ import annotations

import argparse
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.errors import BadInput, DiskTrouble
from studio.commands.clash import may_write
from studio.commands.clash import told as with_replaced
from studio.commands.terminal import Result, tell

if TYPE_CHECKING:
    from models.run import Run
    from studio.export.filled import DeskRecord, Filling


def fill(options: argparse.Namespace) -> Result:
    """Alternatives for the blanks of a sentence, with the probability of each word and how real it looks to the discriminator; and a file of them."""
    from studio.export.filled import DEFAULTS, NETS, alternatives, desk_record, fill_exporters, object_of

    name = _exporter(options.out)
    replaced = options.out is not None and may_write(options.out, options.force)
    run = _open(options)
    from models.algorithms.maskgan import filling

    desk = filling.parse(run.state, options.text, open_end=options.open_end)
    net = options.net or NETS[0]
    given = {word: getattr(options, word) for word in ("temperature", "top_k", "nucleus") if getattr(options, word) is not None}
    nets = NETS if name == "page" and not options.net else (net,)
    record = desk_record(run, desk, n=options.n, seed=options.seed, nets=nets, options={**DEFAULTS, **given})
    shown = list(alternatives(record.fillings[net]))
    notes = list(record.fillings[net].notes)
    result: dict[str, Any] = {
        "fillings": [object_of(one) for one in shown],
        "net": net,
        "seed": options.seed,
        "step": record.step,
        "notes": notes,
    }
    told = ""
    if name and options.out is not None:
        file = fill_exporters()[name].export(record, options.out, private=options.private or None)[0]
        _keep(run)
        result["out"] = str(options.out)
        told = f"\n{file}: {fill_exporters()[name].label.partition(' (')[0]}, step {record.step:,}, seed {options.seed}"
    if not options.json:
        for note in notes:
            tell(note)
    return with_replaced((result, _table(record, shown) + told, 0), replaced)


def _open(options: argparse.Namespace) -> Run:
    """The run, without its data; raises BadInput for one that fills nothing."""
    from models import catalog
    from models.journal import RunFolder
    from models.run import Run

    algorithm = catalog.algorithm(RunFolder.open(options.run, write=False).record["system"])
    if "fill" not in algorithm.views:
        raise BadInput(f"fill is for MaskGAN runs, which have blanks to fill; {options.run.name} is a {algorithm.TITLE} run.")
    run = Run.open(options.run, write=False, data=False, step=options.step, device_name=options.device)
    tell(run.notice)
    return run


def _exporter(out: Path | None) -> str:
    """By the file's ending; "" for no file."""
    from studio.export.filled import fill_exporters

    if out is None:
        return ""
    if out.is_dir():
        raise BadInput(f"{out} is a folder: give a file name.")
    found = {exporter.extension: name for name, exporter in fill_exporters().items()}
    if out.suffix.lower() not in found:
        raise BadInput(f"Fillings are not written as {out.suffix or out.name!r}; --out takes {', '.join(found)}.")
    return found[out.suffix.lower()]


def _keep(run: Run) -> None:
    """An exported file keeps its checkpoint."""
    try:
        run.folder.pin(run.state.step)
    except DiskTrouble:
        tell(f"{run.folder.path.name} cannot be written to, so its checkpoint of step {run.state.step:,} may be thinned out one day.")


def _table(record: DeskRecord, shown: list[Filling]) -> str:
    """One alternative a line: the filled words in brackets, the probability of each, and whether the grammar has it."""
    (found, *_) = record.fillings.values()
    lines = [(_marked(one, found.joiner), _chances(one), _verdict(one)) for one in shown]
    wide = [max(_columns(line[i]) for line in lines) for i in range(2)]
    return "\n".join("  ".join((_padded(a, wide[0]), _padded(b, wide[1]), c)).rstrip() for a, b, c in lines)


def _padded(text: str, wide: int) -> str:
    return text + " " * (wide - _columns(text))


def _columns(text: str) -> int:
    """Of a terminal: Chinese and Japanese letters have two, marks on a letter none."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else unicodedata.combining(c) == 0 for c in text)


def _marked(one: Filling, joiner: str) -> str:
    from models.data.vocabulary import spaces
    from studio.export.texts import one_line

    words = (f"[{word}]" if i in one.blanks else word for i, word in enumerate(one.tokens))
    return one_line("".join(map("".join, zip(spaces(one.tokens, joiner), words, strict=True))))


def _chances(one: Filling) -> str:
    return "p " + " ".join("–" if p is None else f"{p:.2g}" if p < 0.01 else f"{p:.2f}" for p in one.probabilities) if one.blanks else ""


def _verdict(one: Filling) -> str:
    if one.valid is None:
        return ""
    return "valid" if one.valid else f"not valid: {one.why}" if one.why else "not valid"
