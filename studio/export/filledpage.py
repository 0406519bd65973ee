"""The page of fillings: the desk, and what each net put there beside the others; one HTML page that asks no address for anything.

Without JavaScript it shows everything, the truth too; with it one moves through the alternatives and hides the truth, see filledpage.js.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from models.data.vocabulary import spaces
from models.files import write_bytes
from studio import recipe as recipes
from studio.export.filled import BLANK, TITLES, DeskRecord, Filling, alternatives, end_of, recipe_of
from studio.export.gallery import document, footer, head, help_of, style_of
from studio.export.textpage import language
from studio.export.texts import one_line

if TYPE_CHECKING:
    from models.algorithms.maskgan.fillings import Fillings

NEUTRAL = {"temperature": None, "top_k": 0, "nucleus": 1.0}  # options that change nothing, and are not told
KEYS = (
    ("↑ ↓", "go from filling to filling"),
    ("← →", "to the other net"),
    ("Home, End", "the first, the last"),
    ("Enter", "copy the filling"),
    ("g", "show or hide what stood there"),
    ("t", "light or dark"),
    ("c", "copy the recipe"),
    ("?", "these keys"),
)
END = "(end)"  # among candidates
MOST_CARDS = 60  # blanks of which candidates are shown


def write_page(record: DeskRecord, path: Path) -> Sequence[Path]:
    """The fillings of all nets on one page; raises DiskTrouble."""
    write_bytes(path, page(record, recipe_of(record, "page")).encode())
    return [path]


def page(record: DeskRecord, recipe: recipes.Recipe) -> str:
    """The page as text."""
    nets = list(record.fillings.values())
    notes = dict.fromkeys(note for found in nets for note in found.notes)
    told = "".join(f"<li>{html.escape(note)}</li>" for note in notes)
    known = any(found.truth[b] for found in nets for b in found.blanks)
    body = (
        head(record.title, _facts(record), _tools(known)),
        f'<section id="desk" aria-label="The desk">\n{_desk(record, known)}' + (f'\n<ul class="notes">{told}</ul>' if told else "") + "\n</section>",
        '<div class="nets">',
        *(_net(found, known) for found in nets),
        "</div>\n</main>",
        f"<footer>{html.escape(footer(dict(record.recipe)))}{_legend()}</footer>\n{help_of(KEYS)}",
    )
    style = style_of(record.recipe["system"]) + "".join(_style(name) for name in ("textpage.css", "filledpage.css"))
    return document(f"{record.title}, step {record.step:,}", style, "filledpage.js", recipe, body)


def _style(name: str) -> str:
    return Path(__file__).with_name(name).read_text("utf-8")


# --- numbers: their digits are on the page, and all that is seen follows from them -------------------------------------


def digits(value: float) -> str:
    """A number as the page carries it."""
    return f"{value:.9g}"


def percent(value: float) -> str:
    """A probability as it is seen."""
    return f"{100 * value:.0f} %" if value >= 0.0095 else f"{100 * value:.1f} %" if value >= 0.00095 else "< 0.1 %"


def _heat(value: float) -> str:
    level = round(10 * min(1.0, max(0.0, value)))
    return f'<span data-heat="{digits(value)}" class="heat h{level}" title="p(real) {value:.2f}">'


def _bar(value: float) -> str:
    drawn = f'<rect width="{100 * value:.2f}" height="6" rx="1"></rect>'
    bar = f'<svg data-bar="{digits(value)}" class="share" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">{drawn}</svg>'
    return f'{bar}<span class="q">{percent(value)}</span>'


def _p(value: float) -> str:
    return f'<span data-p="{digits(value)}" class="q">{percent(value)}</span>'


def _nats(value: float) -> str:
    return f'log p <span data-nats="{digits(value)}" class="p">{f"{value:.2f}".replace("-", "−")}</span>'


_WRITTEN: Mapping[str, Callable[[float], str]] = {"heat": _heat, "bar": _bar, "p": _p, "nats": _nats}
_NUMBER = re.compile(r'(?:log p )?<(?:span|svg) data-(heat|bar|p|nats)="([^"]*)"')


def parted(line: str) -> tuple[str, tuple[float, ...]]:
    """A line of a page without its numbers, and the numbers; what does not stand there as it is written here is left where it is."""
    rest, numbers, at = [], [], 0
    for found in _NUMBER.finditer(line):
        kind, value = found[1], _float(found[2])
        if value is None or found.start() < at or not line.startswith(written := _WRITTEN[kind](value), found.start()):
            continue
        rest += [line[at : found.start()], f"<{kind}>"]
        numbers.append(value)
        at = found.start() + len(written)
    return "".join([*rest, line[at:]]), tuple(numbers)


def _float(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and digits(value) == text else None


# --- parts ------------------------------------------------------------------------------------------------------------


def _facts(record: DeskRecord) -> str:
    n = max((found.n for found in record.fillings.values()), default=0)
    told = [
        f"{n:,} alternative{'' if n == 1 else 's'}{' of each net' if len(record.fillings) > 1 else ''}",
        f"seed {record.seed}",
        f"step {record.step:,}",
    ]
    for name, neutral in NEUTRAL.items():
        if record.options[name] != neutral:
            told.append(f"{name.replace('_', '-')} {record.options[name]:g}")
    return " · ".join(told)


def _tools(known: bool) -> str:
    truth = '<button type="button" id="truth" aria-pressed="true">What stood there</button>' if known else ""
    return (
        f'<div class="tools" hidden><output id="found"></output>{truth}<button type="button" id="theme">Light or dark</button>'
        '<button type="button" id="copy">Copy recipe</button><button type="button" id="ask" aria-label="Keys">?</button></div>'
    )


def _legend() -> str:
    steps = "".join(f'<span class="heat h{level}">&nbsp;&nbsp;</span>' for level in range(11))
    return (
        f'<br><span class="legend"><span>under a word: the discriminator takes it for filled in {steps} for real</span>'
        "<span><mark>word</mark> filled by the net</span>"
        "<span>% under a filling: p of its word after what stands before it; log p: of all its words together</span></span>"
    )


def _desk(record: DeskRecord, known: bool) -> str:
    """The sentence with its blanks, and under it what stood there."""
    desk, first = record.desk, next(iter(record.fillings.values()))
    joiner, fixed = first.joiner, dict(desk.fixed)
    slots = list(desk.tokens) + (["…"] if desk.open_end else [])
    inside = []
    for i, word in enumerate(slots):
        if i >= len(desk.tokens):
            inside.append('<mark title="the end is open">…</mark>')
        elif i in fixed:
            inside.append(f'<mark class="own">{_words(fixed[i])}</mark>')
        elif i in desk.blanks:
            inside.append(f"<mark>{BLANK}</mark>")
        else:
            inside.append(_words(word))
    lang = language([" ".join(desk.tokens)])
    line = "".join(map("".join, zip(spaces(slots, joiner), inside, strict=True)))
    lines = [f'<p class="sentence" dir="auto"{lang}>{line}</p>']
    if known:
        stood = list(first.truth[: len(first.truth) - next((i for i, word in enumerate(reversed(first.truth)) if word), 0)])
        marked = [f"<mark>{_words(word) if word else '…'}</mark>" if i in first.blanks else _words(word or "…") for i, word in enumerate(stood)]
        line = "".join(map("".join, zip(spaces(stood, joiner), marked, strict=True)))
        lines.append(f'<p class="stood" dir="auto"{lang}>{line}</p>')
    return "\n".join(lines)


def _net(found: Fillings, known: bool) -> str:
    title = html.escape(TITLES.get(found.net, found.net))
    every = list(alternatives(found))
    lang = language([one.text for one in every])
    lines = (
        f'<section class="net" aria-label="{title}">\n<h2>{title}{_tally(every)}</h2>\n<ol class="fillings"{lang}>',
        *(_filling(found, one, known) for one in every),
        "</ol>",
        *_candidates(found, lang),
        "</section>",
    )
    return "\n".join(lines)


def _tally(every: Sequence[Filling]) -> str:
    told = [one.valid for one in every if one.valid is not None]
    return f' <span class="tally">{sum(told)} of {len(told)} valid</span>' if told else ""


def _filling(found: Fillings, one: Filling, known: bool) -> str:
    given = set(one.blanks) - set(one.fixed)
    inside = []
    for i, (space, word, realism) in enumerate(zip(spaces(one.tokens, found.joiner), one.tokens, one.realism, strict=True)):
        if not word:  # the end of a window
            continue
        shown = _words(word) if realism is None else f"{_heat(realism)}{_words(word)}</span>"
        if i in one.fixed:
            shown = f'<mark class="own">{shown}</mark>'
        elif i in given:
            right = known and found.truth[i] == word
            shown = f"{_tag('mark', 'right' if right else '')}{shown}</mark>"
        inside.append(space + shown)
    words = "".join(inside) or '<span class="empty">no word</span>'
    chances = [(one.tokens[b], p) for b, p in zip(one.blanks, one.probabilities, strict=True) if b in given and p is not None]
    pairs = [f"<bdi>{_words(word)}</bdi> {_p(p)}" for word, p in chances if word]
    told = [] if one.log_p is None else [_nats(one.log_p)]
    if one.valid is not None:
        told.append('<span class="good">valid</span>' if one.valid else '<span class="bad">not valid</span>')
    why = f'<p class="why">{html.escape(one_line(one.why))}</p>' if one.why else ""
    number = f'<li id="{html.escape(one.net)}-{one.number}"><span class="n">{one.number}</span>'
    each = f'<p class="each">{" · ".join(pairs)}</p>' if pairs else ""
    return f'{number}<div><p class="said" dir="auto">{words}</p>{each}{why}</div><span class="told">{" · ".join(told)}</span></li>'


def _candidates(found: Fillings, lang: str) -> Iterator[str]:
    """What could stand in each blank of the alternative that is shown, likeliest first."""
    row = found.tokens[found.shown]
    end = end_of(row)
    cards = []
    for b, blank in enumerate(found.blanks):
        pairs = [(w, float(p)) for w, p in zip(found.candidates[b], found.candidates_p[b], strict=True) if math.isfinite(p)]
        if blank in found.fixed or blank > end or not pairs:
            continue
        chosen = row[blank] or END
        items = "".join(f"{_tag('li', 'now' if word == chosen else '')}{_named(word)}{_bar(p)}</li>" for word, p in pairs)
        before = f"after <bdi>{_words(row[blank - 1])}</bdi>" if blank and row[blank - 1] else "at the beginning"
        cards.append(f'<div class="card"><h3>word {blank + 1}, {before}</h3><ol>{items}</ol></div>')
    if cards:
        left = f" (the first {MOST_CARDS} blanks)" if len(cards) > MOST_CARDS else ""
        yield f'<h2>What could stand there, in alternative {found.shown}{left}</h2>\n<div class="cards"{lang}>'
        yield from cards[:MOST_CARDS]
        yield "</div>"


def _named(word: str) -> str:
    return f'<bdi class="c">{_words(word)}</bdi>' if word != END else '<span class="c empty">the end</span>'


def _tag(name: str, kind: str) -> str:
    return f'<{name} class="{kind}">' if kind else f"<{name}>"


def _words(word: str) -> str:
    return html.escape(one_line(word))
