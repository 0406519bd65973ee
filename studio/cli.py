"""The command line. stdout is results, stderr is progress and problems; exit 0, 1 (failed) or 2 (bad usage or input).

Parsing only; what the commands do is in `studio.commands`. Needs no Qt, so a server without its libraries runs everything but the window.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import io
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from models.errors import BadInput, StudioError
from studio.commands.terminal import harmless, tell

DATA = (
    "of pictures: a built-in name, a folder, an archive, an IDX or .npz file, or hub:NAME; of sentences: grammar, oracle, a UTF-8 text file, "
    "an oracle's .npz; of known distributions: toy-categories, toy-line, toy-ring; `sampling-studio data` lists them"
)
CONDITION = "CLASS[:WEIGHT], caption:TEXT[:WEIGHT] or unit:LAYER/INDEX[:WEIGHT]; repeats: every chain wants all of them; a negative weight: not this"
RUN = "its folder, or the name of a run that `sampling-studio runs` lists"
EPSILON = (
    "pull of prior, condition, noise, and with --mask of the context (default: the variant's own in this mode, and 0.1 for the context); "
    "the paper's 1e-5,1,1e-17 are of mode released, where only ratios act"
)


class Parser(argparse.ArgumentParser):
    """Errors in one line, exit 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {harmless(message, lines=False)}\n")


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    common = Parser(add_help=False)
    common.add_argument("--json", action="store_true", help="print the result as one line of JSON, the last of stdout")
    common.add_argument("--seed", type=_seed, default=0, help="a whole number (default 0)")
    common.add_argument("--device", choices=["auto", "cpu", "cuda", "mps"], default="auto", help="where to compute (default auto)")
    common.add_argument("--threads", type=_count, help="threads of torch (default: all cores but one; decides over bits, so it is recorded)")

    top = Parser(prog="sampling-studio", description="Train, steer and sample generative adversarial models. Without a command: the window.")
    top.add_argument("--version", action="version", version=f"sampling-studio {importlib.metadata.version('sampling-studio')}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=text, parents=[common])

    train = add("train", "train a system from the beginning")
    train.add_argument("system", help="began, bgan, ppgn, seqgan or maskgan")
    train.add_argument("--data", help=DATA)
    train.add_argument("--steps", type=_steps, help="stop after this many steps (default: the preset's)")
    train.add_argument("--out", type=Path, help="folder of the run (default: a new one in the studio's home)")
    train.add_argument(
        "--preset",
        help="quick (default); of began also paper-64, paper-128, of bgan toy, text, palette, continuous, mnist, paper-palette, paper-text, "
        "of ppgn attributes, paper-64, of seqgan poems, paper, of maskgan ptb, imdb, paper",
    )
    train.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting; repeats; `sampling-studio train SYSTEM --settings` lists them"
    )
    train.add_argument("--tokens", choices=["words", "chars"], help="of a system that writes text: what a token is; the same as --set unit=…")
    train.add_argument("--settings", action="store_true", help="list what --set accepts, and train nothing")
    train.add_argument("--force", action="store_true", help="replace the run in a folder that is not empty")
    train.add_argument(
        "--precision",
        choices=["auto", "float32", "bfloat16"],
        default="auto",
        help="of the convolutions (default: bfloat16 where the hardware has it)",
    )
    train.add_argument(
        "--compile", choices=["off", "default", "reduce-overhead"], default="off", help="torch.compile; reduce-overhead uses CUDA graphs"
    )

    train.add_argument("--tensorboard", action="store_true", help="write TensorBoard's event files into the run, too")
    train.add_argument("--evaluate-every", type=_count, metavar="N", help="evaluate the samples every N steps and at the end (default: never)")

    resume = add("resume", "go on with a run, to a total of steps")
    resume.add_argument("run", type=Path, metavar="RUN", help=RUN)
    resume.add_argument("--steps", type=_steps, help="total of steps (default: the preset's)")
    resume.add_argument("--data", help="where the data are now, if they were moved")
    resume.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="turn a knob first; repeats")
    resume.add_argument("--evaluate-every", type=_count, metavar="N", help="evaluate the samples every N steps and at the end (default: never)")

    fork = add("fork", "a new run that goes on from a kept step of another")
    fork.add_argument("run", metavar="RUN", help=RUN)
    fork.add_argument("--step", type=_steps, required=True, help="of a checkpoint of that run; `sampling-studio inspect RUN` lists them")
    fork.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="turn a knob at that step; repeats")
    fork.add_argument("--out", type=Path, help="folder of the new run (default: a new one in the runs folder)")
    fork.add_argument("--name", default="", help="of the new run (default: that of its folder)")

    _runs(add("runs", "all runs of this machine with their disk use; or rename, duplicate or delete one"))

    sample = add("sample", "draw samples of a run")
    sample.add_argument("run", type=Path, metavar="RUN", help=RUN)
    sample.add_argument("-n", type=_count, default=64, help="how many (default 64)")
    sample.add_argument(
        "--out",
        type=Path,
        required=True,
        help="FILE.png sheet, .html gallery, .webp .gif .apng .mp4 loop through the n latents, .csv .svg curves, .md report; FOLDER/ single PNGs; "
        "of a system that writes text: .txt .jsonl .csv sentences, .html page of them, .svg curves, .md report",
    )
    sample.add_argument("--step", type=_steps, help="of an earlier checkpoint (default: the last)")
    sample.add_argument("--no-ema", action="store_true", help="from G itself, not from its moving average (began, bgan)")
    _giving(sample, "write into a folder that is not empty, or in the place of a file that is no export")
    sample.add_argument("--plots", action="store_true", help="the curves instead of samples, as .png, .svg or .csv")
    sample.add_argument("--reel", action="store_true", help="the same latents over the training, as .webp, .gif, .apng, .mp4 or .png (animated)")
    sample.add_argument("--frames", type=lambda word: _whole(word, 2, 5_000), help="of a loop (default: 12 for each latent, at most 480)")
    sample.add_argument("--fps", type=lambda word: _whole(word, 1, 50), help="frames a second (default 24; a reel 12)")
    sample.add_argument("--zoom", type=lambda word: _whole(word, 1, 100), help="screen pixels for each pixel (default: what makes it large enough)")
    sample.add_argument("--tensorboard", action="store_true", help="the curves for TensorBoard, in FOLDER/")
    look = sample.add_argument_group("of a sheet (.png)")
    look.add_argument("--columns", type=lambda word: _whole(word, 1, 1_000), help="pictures in a line (default: near a sheet of 4:3)")
    look.add_argument("--gap", type=lambda word: _whole(word, 0, 200), help="pixels between pictures (default 8)")
    look.add_argument("--border", type=lambda word: _whole(word, 0, 400), help="pixels around all of them (default 16)")
    look.add_argument("--captions", metavar="WORDS", help="below each picture, of seed,step,score,run or none (default seed,step)")
    look.add_argument("--paper", choices=["light", "dark"], help="default light")
    words = sample.add_argument_group("of systems that write text")
    _drawing(words)
    words.add_argument("--prompt", metavar="TEXT", help="how every sentence begins")
    words.add_argument(
        "--net", metavar="NAME", help="which of its generators draws (default: its GAN): seqgan or mle; of maskgan maskgan, maskmle or lm"
    )

    _fill(add("fill", "fill the blanks of a sentence with a MaskGAN run"))

    _chain(add("chain", "steer chains of the PPGN family towards classes or captions, on the parts of a run"))

    evaluate = add("evaluate", "how good a run's samples are, beside what real pictures or sentences give")
    evaluate.add_argument("run", type=Path, metavar="RUN", help=RUN)
    evaluate.add_argument("-n", type=_count, default=5_000, help="samples (default 5000; of pictures at most half as many as there are)")
    evaluate.add_argument("--step", type=_steps, help="of an earlier checkpoint (default: the last)")
    evaluate.add_argument("--data", help="where the data are now, if they were moved")

    lab = add("lab", "walk over a density with many chains, exact or approximate")
    lab.add_argument("kernel", help="metropolis, mala, mala-approx")
    lab.add_argument(
        "--target",
        default="banana",
        help="normal, correlated, ill-conditioned[:D], ring, banana (default), funnel, donut, twin; a drawn density (.json, .png); expr:LOG-DENSITY",
    )
    lab.add_argument("--chains", type=_count, default=256, help="default 256")
    lab.add_argument("--steps", type=_steps, default=2000, help="default 2000; the second half is summed up")
    lab.add_argument("--step-size", metavar="SIGMA", help="noise σ; with a gradient the drift is σ²/2 (default: the best for the target)")
    lab.add_argument(
        "--epsilon", metavar="E[,E3]", help="the other convention, drift ε and noise √(2ε); of mala-approx also ε12,ε3, and ε1,ε2,ε3 on the twin"
    )
    lab.add_argument("--start", help="exact (draws of the target), wide, or a point such as 0,0 (default: exact where there are exact draws)")
    lab.add_argument("--out", type=Path, help="FILE.csv: a row for each chain, and the recipe beside it")
    _giving(lab, "write in the place of a file that is no export")

    opening = add("open", "the window on a run, or on what an exported file was made from; --json only tells what would be opened")
    opening.add_argument("file", type=Path, help="an exported file, or a run by its folder or name")
    opening.add_argument(
        "--take",
        choices=["all", "no-seed", "seed", "model"],
        help="all: the run as it was at that step, with seed and settings; no-seed: with a new seed; seed: only the seed, for the run given by "
        "--run; model: only the run as it was (default: the window asks)",
    )
    opening.add_argument("--run", type=Path, help="where the run of the file is now, if it was moved; with --take seed the run that takes it")

    inspect = add("inspect", "what a run, checkpoint or exported file is made of")
    inspect.add_argument("file", type=Path, help="a file, or a run by its folder or name")

    verify = add("verify", "make an exported file again, and compare")
    verify.add_argument("file", type=Path)
    verify.add_argument("--run", type=Path, help="where the run is now, if it was moved")
    verify.add_argument("--trust", metavar="SHA256", help="the hash of a .pt2 classifier that chains climbed, if you vouch for it")

    data = add("data", "the data sources, and what --data accepts; with SPEC: what is in one of them")
    data.add_argument("spec", nargs="?", metavar="SPEC", help="what --data would be given: the card of these pictures or sentences")
    data.add_argument("--size", type=int, choices=[16, 28, 32, 64, 128, 256, 512], default=32, metavar="N", help="pixels a side (default 32)")
    data.add_argument("--out", type=Path, metavar="SHEET.png", help="write a sheet of samples, of pictures")
    data.add_argument("--tokens", choices=["words", "chars"], default="words", help="of text: words (default) or single characters")
    data.add_argument(
        "--punctuation",
        choices=["split", "keep", "strip"],
        default="split",
        help="of text: marks are words of their own (default), kept, or left out",
    )
    data.add_argument("--longest", type=lambda word: _whole(word, 2, 500), default=32, metavar="T", help="of text: tokens of a sentence (default 32)")
    data.add_argument("--vocab", type=_count, default=5_000, metavar="V", help="of text: words that are known at most (default 5000)")

    _gallery(add("gallery", "what is kept of all runs: list it, keep more, write it as files, find what is nearest"))

    shoot = add("shoot", "a picture of a page of the window, drawn off-screen")
    shoot.add_argument("--page", default="home", help="home, began, bgan, ppgn, seqgan, maskgan, lab, gallery, runs, settings, report, about")
    shoot.add_argument("--run", type=Path, help="a run to show on it; without one, the form of a new run")
    shoot.add_argument("--data", help="data to choose on that form (default: the first that are built in)")
    shoot.add_argument(
        "--state",
        choices=["usual", "quality", "past", "data", "chains", "reward", "plane", "desk", "table", "blind", "samples", "divergences", "compare"],
        default="usual",
        help="usual, the evaluations, an earlier step of the run, all of the data; of a run of ppgn its chains; of one of seqgan the reward of a "
        "sentence, the plane of quality and diversity, a blind test; of one of maskgan the desk, the token table, a blind test; of one of bgan "
        "plain samples, the divergences, a comparison",
    )
    shoot.add_argument("--theme", choices=["light", "dark"], default="light")
    shoot.add_argument("--size", type=_size, default=(1280, 800), metavar="WxH", help="default 1280x800")
    shoot.add_argument("--scale", type=float, default=1.0, help="of text and controls, 0.75 to 2 (default 1)")
    shoot.add_argument("--out", type=Path, required=True)

    add("doctor", "check display, Qt, fonts, torch, device and disk")
    desktop = add("desktop", "put Sampling Studio into the menu of a Linux desktop, with its icon")
    desktop.add_argument("--remove", action="store_true", help="take it away again")
    return top


def _drawing(words: argparse._ActionsContainer) -> None:
    """How words are drawn."""
    words.add_argument("--temperature", type=lambda word: _above(word, 10), metavar="T", help="above 0, at most 10 (default 1); below 1 is safer")
    words.add_argument("--top-k", type=lambda word: _whole(word, 0, 1_000_000), metavar="K", help="only the K likeliest words (default 0: all)")
    words.add_argument(
        "--nucleus", type=lambda word: _above(word, 1), metavar="P", help="only the likeliest words that have P together (default 1: all)"
    )


def _runs(runs: argparse.ArgumentParser) -> None:
    actions = runs.add_subparsers(dest="action", metavar="ACTION", parser_class=Parser)
    for name, text in (
        ("rename", "give a run and its folder another name"),
        ("duplicate", "copy a whole run"),
        ("delete", "move a run into the studio's trash folder"),
    ):
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print the result as one line of JSON")
        action.add_argument("run", metavar="RUN", help=RUN)
        if name == "rename":
            action.add_argument("name", metavar="NAME")
        elif name == "duplicate":
            action.add_argument("--out", type=Path, help="folder of the copy (default: a free name in the runs folder)")
        else:
            action.add_argument("--forever", action="store_true", help="delete it for good instead, which frees its room")


def _fill(fill: argparse.ArgumentParser) -> None:
    fill.add_argument("run", type=Path, metavar="RUN", help=RUN)
    fill.add_argument("text", help='a sentence in which ___ (two underscores or more) stands for every word to fill: "the ___ sat on the ___"')
    fill.add_argument("-n", type=lambda word: _whole(word, 1, 64), default=5, help="how many alternatives, at most 64 (default 5)")
    _drawing(fill)
    fill.add_argument("--net", choices=["maskgan", "maskmle"], help="which of its generators fills (default maskgan; on an .html page both)")
    fill.add_argument("--open-end", action="store_true", help="the end is a blank as well: the net goes on as long as it likes")
    fill.add_argument("--step", type=_steps, help="of an earlier checkpoint (default: the last)")
    fill.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help=".html page with both nets side by side, .jsonl or .txt a filling a line; the recipe goes with it",
    )
    _giving(fill, "write in the place of a file that is no export")


def _gallery(gallery: argparse.ArgumentParser) -> None:
    gallery.add_argument("act", nargs="?", choices=["list", "keep", "export", "nearest"], default="list", help="what to do (default list)")
    gallery.add_argument(
        "what", nargs="?", type=Path, metavar="RUN|FILE", help="keep: a run, or an exported file; nearest: a picture, or words in quotes"
    )
    gallery.add_argument("-n", type=_count, help="how many: keep 64, nearest 6, list all")
    gallery.add_argument("--step", type=_steps, help="keep: of an earlier checkpoint (default: the last)")
    gallery.add_argument("--board", metavar="NAME", help="this board, in its order; keep: put them on it, a new one if need be")
    gallery.add_argument("--starred", action="store_true", help="starred samples only")
    gallery.add_argument("--system", metavar="NAME", help="of one system")
    gallery.add_argument("--run", metavar="NAME", help="of one run, by name or id")
    gallery.add_argument("--label", metavar="CLASS", help="of one class: what a chain was asked for")
    gallery.add_argument("--kind", choices=["picture", "text"], help="pictures or sentences alone")
    gallery.add_argument("--tag", metavar="TAG", help="with this tag")
    gallery.add_argument("--find", metavar="WORDS", help="with these words in sentence, note, run, class or tags")
    gallery.add_argument(
        "--sort", choices=["newest", "oldest", "run", "step", "score", "class", "board"], help="default: newest, of a board its own order"
    )
    gallery.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="export: .png sheet, .html page, .webp .gif .apng .mp4 animation, .txt .jsonl .csv sentences; FOLDER/ single PNGs",
    )


def _giving(parser: argparse.ArgumentParser, force: str) -> None:
    """How a file is given away."""
    parser.add_argument("--force", action="store_true", help=force)
    parser.add_argument("--private", action="store_true", help="leave paths, machine and notes out of the file (default: as the settings say)")


def _chain(chain: argparse.ArgumentParser) -> None:
    chain.add_argument("run", type=Path, metavar="RUN", help=RUN)
    chain.add_argument(
        "--variant",
        default="noiseless-joint",
        help="am, gaussian, handmade, ppgn-x, dgn-am, ppgn-h, joint or noiseless-joint (default)",
    )
    chain.add_argument("--condition", action="append", default=[], metavar="C", help=CONDITION)
    chain.add_argument(
        "--mode", choices=["paper", "released"], default="paper", help="Eq. 11 as printed (default), or the authors' code: every step normalised"
    )
    chain.add_argument("--epsilon", metavar="E1,E2,E3[,E4]", help=EPSILON)
    chain.add_argument(
        "--objective", choices=["log-prob", "released", "logit"], default="log-prob", help="what is climbed (default log-prob: the exact log p(c|x))"
    )
    chain.add_argument("--step-size", metavar="S", help="mean move of a coordinate in a step; mode released only")
    chain.add_argument("--clip", metavar="K", help="codes stay in [0, mean + K deviations] of each neuron (default 3; 0: anywhere)")
    chain.add_argument("--handmade", choices=["blur", "variation"], help="the prior of the variant handmade (default blur)")
    chain.add_argument(
        "--start", default="noise", metavar="noise|codes|FILE", help="where chains begin: N(0, 1) (default), the codes' own statistics, a picture"
    )
    chain.add_argument(
        "--mask", type=Path, metavar="FILE", help="a picture: white is painted by the chains, black is kept of the one given by --start"
    )
    chain.add_argument("--chains", type=_count, default=16, help="default 16")
    chain.add_argument("--steps", type=lambda word: _whole(word, 0, 1_000_000), default=200, help="default 200; 0 shows the start itself")
    chain.add_argument("--classifier", metavar="SPEC", help="a foreign classifier or captioner in the place of the run's own")
    chain.add_argument("--trust", metavar="SHA256", help="the hash of a .pt2 classifier, which can run code when it is opened: you vouch for it")
    chain.add_argument(
        "--out",
        type=Path,
        required=True,
        help="FILE.png sheet of the last frames, .webp .gif .apng .mp4 animation, .html gallery, .csv .nc scalars; FOLDER/ single PNGs",
    )
    chain.add_argument("--strip", action="store_true", help="write the .png as film strips: a line for each chain, a column for each of a few steps")
    chain.add_argument(
        "--frames", type=lambda word: _whole(word, 2, 240), help="of an animation (default: all kept, at most 240) or a strip (default 12)"
    )
    chain.add_argument("--fps", type=lambda word: _whole(word, 1, 50), help="frames a second of an animation (default 20)")
    chain.add_argument("--zoom", type=lambda word: _whole(word, 1, 100), help="screen pixels for each pixel (default: what makes it large enough)")
    _giving(chain, "write into a folder that is not empty, or in the place of a file that is no export")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill saves, as Ctrl-C does
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        options, rest = parser().parse_known_args(words)
        if rest:
            raise BadInput(
                f"unrecognised arguments: {' '.join(rest)}; see `sampling-studio{' ' + options.command if options.command else ''} --help`."
            )
        return _run(options)
    except SystemExit as leaving:
        return int(leaving.code or 0)
    except BadInput as error:
        tell(str(error))
        return 2
    except StudioError as error:
        tell(str(error))
        return 1
    except KeyboardInterrupt:
        print("sampling-studio: stopped.", file=sys.stderr)
        return 1
    except BrokenPipeError:  # nobody reads any more; Python would complain about it once more when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(options: argparse.Namespace) -> int:
    if options.command is None:
        from studio.app import window  # the only place that leads to Qt's window

        return window()
    from studio import commands

    result, text, status = commands.run(options)
    if options.json:
        print(json.dumps(result, allow_nan=False))  # in ASCII, whatever the terminal or pipe can carry
    elif text:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        print(harmless(text))
    sys.stdout.flush()
    return status


def _seed(word: str) -> int:
    return _whole(word, 0, 2**62)


def _steps(word: str) -> int:
    return _whole(word, 0, 10**12)


def _count(word: str) -> int:
    return _whole(word, 1, 100_000)


def _whole(word: str, low: int, high: int) -> int:
    try:
        number = int(word)
    except ValueError:
        number = None
    if number is None or not low <= number <= high:
        raise argparse.ArgumentTypeError(f"must be a whole number from {low:,} to {high:,}; got {word!r}")
    return number


def _above(word: str, high: float) -> float:
    try:
        number = float(word)
    except ValueError:
        number = 0.0
    if not 0 < number <= high:
        raise argparse.ArgumentTypeError(f"must be a number above 0 and at most {high:g}; got {word!r}")
    return number


def _size(word: str) -> tuple[int, int]:
    width, _, height = word.partition("x")
    if not (width.isdecimal() and height.isdecimal()) or not (640 <= int(width) <= 7680 and 400 <= int(height) <= 4320):
        raise argparse.ArgumentTypeError(f"must be WIDTHxHEIGHT, from 640x400 to 7680x4320; got {word!r}")
    return int(width), int(height)
