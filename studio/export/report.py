"""The report: a run as one Markdown file, with its figures in a folder beside it."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from models.alarm import FIRST
from models.files import write_bytes
from studio import recipe as recipes
from studio.export import Record, animation, curves, sheet, texts

SAMPLES, SENTENCES = 64, 12  # pictures of the sheet; sentences of the table
ROWS, SCORES = 20, 6  # of the table of evaluations over the steps
DIRECTIONS = {"lower": "lower is better", "higher": "higher is better", "target": "near the reference is better", "": ""}


def write_report(record: Record, path: Path) -> Sequence[Path]:
    """FILE.md, its recipe, and FILE_files/ with the figures; raises DiskTrouble, RunFailed."""
    folder = path.with_name(f"{path.stem}_files")
    if record.pictures is None:
        record = replace(record, sentences=record.sentences[:SENTENCES])
        drawn, files = texts.made(record), [*curves.write_svg(record, folder / "curves.svg")]
    else:
        record = replace(record, pictures=record.pictures[:SAMPLES], scores={})
        drawn = {"seed": record.seed, "ema": record.ema, "count": record.count, "rows": [0, record.count]}
        files = [*curves.write_svg(record, folder / "curves.svg"), *sheet.write_sheet(record, folder / "samples.png")]
    if record.reel:
        files += animation.write_strip(record, folder / "reel.png")
    made = {
        "stem": path.stem,
        **drawn,
        "steps": sorted(record.reel),
        "lines": len(record.lines),
        "marks": len(record.marks),
        "card": record.about.get("card"),
        "figures": [file.name for file in files],
    }
    write_bytes(path, text(record, [f"{folder.name}/{file.name}" for file in files]).encode())
    recipes.save_beside(path, recipes.make("report", record.recipe, **made))
    return [path, recipes.beside(path), *files]


def text(record: Record, figures: Sequence[str]) -> str:
    """The Markdown; figures are paths relative to it."""
    links = {Path(f).stem: f.replace(" ", "%20") for f in figures}
    parts = [
        f"# {_plain(record.title)}, step {record.step:,}",
        _what(record),
        f"## Curves\n\n![Curves of {_plain(record.title)} up to step {record.step:,}]({links['curves']})",
        "## Samples\n\n" + _samples(record, links),
    ]
    if "reel" in links:
        parts.append(f"## Over the training\n\n![Samples of the same latents at different steps]({links['reel']})")
    parts += [_evaluations(record), _settings(record), _journal(record.lines), _again(record), _made_of(record)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _samples(record: Record, links: Mapping[str, str]) -> str:
    told = f"{record.count} samples of seed {record.seed} at step {record.step:,}"
    if record.pictures is not None:
        return f"![{told}]({links['samples']})"
    asked = [f"{name} {value}" for name, value in record.options.items() if name != "ema" and value != ""]
    drawn = ", ".join([*asked, *([] if record.ema else ["without moving average"])])
    rows = [(str(row.number), _words(row.text), _digits(row.log_p), row.length) for row in texts.rows(record)]
    return f"{told}{': ' if drawn else ''}{_plain(_words(drawn))}.\n\n{_table(('', 'sentence', 'log p', 'tokens'), rows)}"


def _what(record: Record) -> str:
    about, recipe = record.about, record.recipe
    data = recipe["data"]
    facts = [
        ("System", f"{about['title']}. {about['paper']}"),
        ("Data", f"{data['title']} (`--data {data['spec']}`, content {data['id']}){_card(about.get('card'))}"),
        ("Preset", f"{about['preset']}: " + ", ".join(f"{name} {steps:,} steps" for name, steps in about["phases"])),
        ("Steps so far", f"{record.step:,}"),
        ("Seed of the training", str(recipe["training_seed"])),
        ("Made", str(about["created"])),
    ]
    return _table(("", ""), facts)


def _card(card: Mapping[str, Any] | None) -> str:
    """What a person should know of the data, in one line."""
    if not card:
        return ""
    if "vocabulary" in card:
        return _text_card(card)
    size = card["original"]["common"]
    told = f": {card['count']:,} pictures, {card['train']:,} of them for training; most are {size[0]} × {size[1]}, {card['colour']}"
    twins = f"; {card['duplicates']['count']:,} are there more than once" if card["duplicates"]["count"] else ""
    return f"{told}{twins}"


def _text_card(card: Mapping[str, Any]) -> str:
    told = f": {card['count']:,} sentences, {card['train']:,} of them for training; a vocabulary of {card['vocabulary']:,}, "
    told += f"at most {card['longest']} tokens each"
    oracle = card["oracle"]
    if oracle:
        told += (
            f"; of the oracle {oracle['hash']}, whose own NLL is {oracle['floor']:.4g}, that of an untrained net {oracle['ceiling']:.4g} nats a token"
        )
    more = card["left_out"] - len(card["skipped"])
    return told + (f"; left out: {' '.join(card['skipped'])}{f' And {more:,} more.' if more else ''}" if card["skipped"] else "")


def _settings(record: Record) -> str:
    names: Mapping[str, Any] = record.about["fields"]
    defaults = {**record.about["defaults"]["config"], **record.about["defaults"]["knobs"]}
    rows = []
    for group in ("config", "knobs"):
        for name, value in record.recipe[group].items():
            symbol, doc = names.get(name, [name, ""])
            changed = "" if value == defaults.get(name) else str(defaults.get(name, ""))
            rows.append((f"`{name}`", "" if symbol == name else symbol, str(value), changed, doc))
    history = [(f"{h['step']:,}", ", ".join(f"`{k}` = {v}" for k, v in h["change"].items())) for h in record.recipe["knob_history"]]
    told = f"\n\n### Knobs that were turned\n\n{_table(('step', 'change'), history)}" if history else "\n\nNo knob was turned."
    return f"## Settings\n\n{_table(('name', 'symbol', 'value', 'preset has', 'meaning'), rows)}{told}"


def _evaluations(record: Record) -> str:
    step, real = record.step, "sentences" if record.pictures is None else "pictures"
    found = [line for line in record.lines if line["what"] == "evaluated"]
    if not found:
        return ""
    last, age = found[-1], step - found[-1]["step"]
    rows = [
        (s["label"], _number(s["value"]), _number(s["reference"]), DIRECTIONS.get(s["direction"], ""), f"{s['n']:,}", s["doc"])
        for s in last["scores"].values()
    ]
    head = f"## Evaluation\n\nStep {last['step']:,}, {last['n']:,} samples of seed {last['seed']}. The floor is the same measure of real {real}."
    if age > 0:
        head += f" These scores are {age:,} steps older than the samples above."
    out = f"{head}\n\n{_table(('measure', 'value', 'floor', '', 'n', 'meaning'), rows)}"
    if len(found) > 1:
        names = sorted(last["scores"], key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))[:SCORES]
        labels = [last["scores"][name]["label"] for name in names]
        values = [(f"{line['step']:,}", *(_number(line["scores"].get(n, {}).get("value")) for n in names)) for line in found[-ROWS:]]
        out += f"\n\n### Over the steps\n\n{_table(('step', *labels), values)}"
    return out


def _journal(lines: Iterable[Mapping[str, Any]]) -> str:
    rows = [
        (f"{line['step']:,}", _when(line.get("time")), line["what"], _words(line.get("text", ""))) for line in lines if line["what"] != "evaluated"
    ]
    return f"## Journal\n\nTimes are UTC.\n\n{_table(('step', 'time', 'what', ''), rows)}" if rows else ""


def _again(record: Record) -> str:
    return "## Make it again\n\n```sh\n" + "\n".join(commands(record)) + "\n```\n\n" + _caveats(record)


def commands(record: Record) -> list[str]:
    """The command lines that make this run again, step for step, and draw its samples."""
    recipe, about = record.recipe, record.about
    run, plan = shlex.quote(recipe["run"]["name"]), recipe["plan"]
    first = {**recipe["config"], **about["first_knobs"]}
    defaults = {**about["defaults"]["config"], **about["defaults"]["knobs"]}
    turns = [(h["step"], h["change"]) for h in recipe["knob_history"]]
    ends = [step for step, _ in turns] + [record.step]
    head = f"sampling-studio train {recipe['system']} --data {shlex.quote(recipe['data']['spec'] or 'THE DATA')} --preset {about['preset']}"
    fixed = f" --seed {recipe['training_seed']} --device {plan['device']} --threads {plan['threads']} --precision {plan['precision']}"
    compiled = f" --compile {plan['compile']}" if plan["compile"] != "off" else ""
    out = [f"{head}{fixed}{compiled}{_sets({k: v for k, v in first.items() if v != defaults.get(k)})} --steps {ends[0]} --out {run}"]
    out += [f"sampling-studio resume {run}{_sets(change)} --steps {end}" for (_, change), end in zip(turns, ends[1:], strict=True)]
    how = "".join(f" --{name.replace('_', '-')}={shlex.quote(str(value))}" for name, value in record.options.items() if name != "ema" and value != "")
    how += "" if record.ema else " --no-ema"
    out.append(f"sampling-studio sample {run} -n {record.count} --seed {record.seed}{how} --out samples.{'png' if record.sentences == () else 'txt'}")
    return out


def _caveats(record: Record) -> str:
    told = ["On the same machine and with the same versions every bit is the same; elsewhere the numbers are close."]
    skipped = [line for line in record.lines if line["what"] == "phase" and line.get("asked")]
    told += [f"The phase {_plain(line['text'])} was entered by hand at step {line['step']:,}, which only the window does." for line in skipped]
    return " ".join(told)


def _made_of(record: Record) -> str:
    recipe = record.recipe
    rows = [("state", f"`{recipe['state_hash']}`"), *((k, str(v)) for k, v in {**recipe["versions"], **recipe["plan"]}.items())]
    return f"## Made of\n\n{_table(('', ''), rows)}"


# --- Markdown -----------------------------------------------------------------------------------------------------


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_plain(cell) for cell in line) + " |" for line in lines)


def _plain(words: str) -> str:
    """Words that stay on their line and in their cell, and are no HTML."""
    return " ".join(str(words).split()).replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")


def _words(words: str) -> str:
    """What a person wrote: none of it is markup."""
    return re.sub(r"([\\`*_\[\]#~])", r"\\\1", words)


def _sets(values: Mapping[str, Any]) -> str:
    return "".join(f" --set {shlex.quote(f'{name}={value}')}" for name, value in values.items())


def _digits(written: str) -> str:
    return _number(float(written) if written else None)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _when(seconds: float | None) -> str:
    return "" if seconds is None else time.strftime("%Y-%m-%d %H:%M", time.gmtime(seconds))
