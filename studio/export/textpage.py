"""The page of sentences: one HTML page in the style of the gallery, which asks no address for anything and forbids itself to.

Without JavaScript it shows all sentences; with it they are searched, sorted and moved through, see textpage.js.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from models.files import write_bytes
from studio import recipe as recipes
from studio.export import Record
from studio.export.gallery import document, footer, head, help_of, style_of
from studio.export.texts import Row, made, rows

NEUTRAL = {"top_k": 0, "nucleus": 1.0, "prompt": "", "net": ""}  # options that change nothing, and are not told
SCRIPTS = (("ja", r"[\u3040-\u30ff]"), ("ko", r"[\uac00-\ud7af]"), ("zh", r"[\u3400-\u9fff\U00020000-\U0003ffff]"))  # decide over glyphs
KEYS = (
    ("↑ ↓", "go from sentence to sentence"),
    ("Home, End", "the first, the last"),
    ("Enter", "copy the sentence"),
    ("/", "search; Esc ends it"),
    ("o", "another order"),
    ("t", "light or dark"),
    ("c", "copy the recipe"),
    ("?", "these keys"),
)


def write_page(record: Record, path: Path) -> Sequence[Path]:
    """All sentences of a record on one page; raises DiskTrouble."""
    write_bytes(path, page(record, recipes.make("page", record.recipe, **made(record))).encode())
    return [path]


def page(record: Record, recipe: recipes.Recipe) -> str:
    """The page as text."""
    found = list(rows(record))
    scored, measured = any(row.log_p for row in found), any(row.length for row in found)
    prompt = str(record.options.get("prompt", ""))
    barred = scored and measured and not prompt  # log p is of what follows the prompt, and that has other tokens
    body = (
        head(record.title, _facts(record), _tools(scored, measured)),
        f'<section aria-label="Sentences">\n<ol class="sentences"{language(record.sentences)}{" data-bars" if barred else ""}>',
        *(_item(row, prompt) for row in found),
        '</ol>\n<p id="none" hidden>No sentence has these words.</p>\n</section>\n</main>',
        f"<footer>{html.escape(footer(record.recipe))}{_legend(barred)}</footer>\n{help_of(KEYS)}",
    )
    style = style_of(record.recipe["system"]) + Path(__file__).with_name("textpage.css").read_text("utf-8")
    return document(f"{record.title}, step {record.step:,}", style, "textpage.js", recipe, body)


def board_page(title: str, facts: str, system: str, told: Sequence[tuple[Row, str]], recipe: recipes.Recipe) -> str:
    """Sentences of any runs on a page; with each a line about where it is from."""
    scored, measured = any(row.log_p for row, _ in told), any(row.length for row, _ in told)
    body = (
        head(title, facts, _tools(scored, measured)),
        f'<section aria-label="Sentences">\n<ol class="sentences"{language([row.text for row, _ in told])}>',
        *(_item(row, "", more) for row, more in told),
        '</ol>\n<p id="none" hidden>No sentence has these words.</p>\n</section>\n</main>',
        f"<footer>Sampling Studio · {html.escape(facts)} · the recipe in this page makes each of them again</footer>\n{help_of(KEYS)}",
    )
    style = style_of(system) + Path(__file__).with_name("textpage.css").read_text("utf-8")
    return document(title, style, "textpage.js", recipe, body)


def shown(log_p: str) -> str:
    """A log p as the page shows it, from its digits in a file."""
    return f"{float(log_p):.2f}".replace("-", "−")


def begins(sentence: str, prompt: str) -> int:
    """How many letters of a sentence are its prompt, which may be spaced or punctuated otherwise; 0 if it begins differently."""
    for counts in (lambda letter: not letter.isspace(), str.isalnum):
        end = _through(sentence, prompt, counts)
        if end:
            return end
    return 0


def _through(sentence: str, prompt: str, counts: Callable[[str], bool]) -> int:
    wanted = [letter.casefold() for letter in prompt if counts(letter)]
    for i, letter in enumerate(sentence):
        if not wanted:
            return i
        if counts(letter) and letter.casefold() != wanted.pop(0):
            return 0
    return 0 if wanted else len(sentence)


def _item(row: Row, prompt: str, more: str = "") -> str:
    end = begins(row.text, prompt) if prompt else 0
    marked = f"<mark>{html.escape(row.text[:end])}</mark>" if end else ""
    words = f'<p dir="auto">{marked}{html.escape(row.text[end:])}</p>' if row.text else '<p class="empty">no word</p>'
    told = [html.escape(more)] if more else []
    if row.log_p:
        told.append(f'log p <span class="p" data-log-p="{row.log_p}">{shown(row.log_p)}</span>')
    if row.length:
        told.append(f'<span class="l">{row.length}</span> token{"" if row.length == "1" else "s"}')
    return f'<li id="s{row.number}"><span class="n">{row.number}</span>{words}<span class="told">{" · ".join(told)}</span></li>'


def _facts(record: Record) -> str:
    n = len(record.sentences)
    told = [f"{n:,} sentence{'' if n == 1 else 's'}", f"seed {record.seed}", f"step {record.step:,}"]
    for name, value in record.options.items():
        if name == "ema":
            told += [] if value else ["without moving average"]
        elif value != NEUTRAL.get(name):
            words = f"“{value}”" if name == "prompt" else f"{value:g}" if isinstance(value, float) else str(value)
            told.append(f"{name.replace('_', '-')} {words}")
    return " · ".join(told)


def _tools(scored: bool, measured: bool) -> str:
    choices = [("drawn", "as drawn")]
    if scored:
        choices += [("p-high", "log p, highest first"), ("p-low", "log p, lowest first")]
    if measured:
        choices += [("length-high", "longest first"), ("length-low", "shortest first")]
    options = "".join(f'<option value="{value}">{text}</option>' for value, text in choices)
    order = f'<label>Order <select id="sort">{options}</select></label>' if len(choices) > 1 else ""
    return (
        '<div class="tools" hidden><output id="found" aria-live="polite"></output>'
        '<label><input type="search" id="find" placeholder="Search" aria-label="Search the sentences"></label>'
        f'{order}<button type="button" id="theme">Light or dark</button><button type="button" id="copy">Copy recipe</button>'
        '<button type="button" id="ask" aria-label="Keys">?</button></div>'
    )


def _legend(barred: bool) -> str:
    return " · bars: likelihood of a token, e to the power of log p / tokens, beside the highest here" if barred else ""


def language(sentences: Sequence[str]) -> str:
    """The attribute with the script that most sentences are in, where it decides over the shape of letters."""
    for name, letters in SCRIPTS:
        if 2 * sum(re.search(letters, text) is not None for text in sentences) > len(sentences):
            return f' lang="{name}"'
    return ""
