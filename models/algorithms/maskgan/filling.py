"""The desk: blanks of one sentence are filled, judged and explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from models.algorithms.maskgan import Knobs, State, advantage, returns
from models.algorithms.maskgan.fillings import COLUMNS, END_WORD, Desk, Fillings, desk_of
from models.data import grammar
from models.data.sentences import alive, check_drawing, nearest, noise
from models.data.vocabulary import END, UNKNOWN, UNKNOWN_WORD
from models.errors import BadInput
from models.nets.seq2seq import Blanks, Context, Filler, How

NETS = ("maskgan", "maskmle")
MOST = 64  # alternatives
WINDOWS = 16  # of a text that is longer than T


def parse(state: State, text: str, open_end: bool = False) -> Desk:
    """A line with ___ at its blanks, as this run's data are read; raises BadInput where it has none."""
    desk = desk_of(text, state.config.unit, state.config.punctuation, open_end)
    _check(desk.tokens, desk.blanks, open_end)
    return desk


def _check(words: Sequence[str], blanks: Sequence[int], open_end: bool) -> None:
    if not words and not open_end:
        raise BadInput("There is no sentence: write one, with ___ where a word is to be filled in.")
    if not blanks and not open_end:
        raise BadInput("The sentence has no blank: write ___ where a word is to be filled in, or blank a word on the desk.")


@dataclass
class _Window:
    """A part of the sentence that the nets read at once."""

    start: int
    wide: int  # tokens of the sentence in it
    ids: Tensor  # (1, T') on the CPU, ends behind the sentence
    mask: Tensor  # (1, T') bool, blanks that nobody has filled
    fixed: tuple[int, ...]  # places in the window that a person has filled


@torch.no_grad()
def fill(
    state: State,
    desk: Desk,
    n: int,
    seed: int,
    *,
    temperature: float = 1.0,
    top_k: int = 0,
    nucleus: float = 1.0,
    net: str = "maskgan",
    shown: int = 0,
    k: int = 9,
    knobs: Knobs | None = None,
) -> Fillings:
    """`n` ways to fill the blanks of a desk; alternative i of a seed is the same whatever n is.

    Args:
        temperature, top_k, nucleus: as in `sample`; the unknown word is never drawn.
        net: "maskgan", or "maskmle" for the baseline.
        shown: the alternative whose candidates and token table are wanted.
        k: candidates of a blank.
        knobs: γ, the kind of advantage … of the table.

    Raises:
        BadInput: no blank, a value out of its range, or a text that is far too long.
    """
    check_drawing(temperature, top_k, nucleus, net, NETS, "MaskGAN")
    if not 1 <= n <= MOST:
        raise BadInput(f"The desk shows 1 to {MOST} alternatives; got {n}.")
    if k < 1:
        raise BadInput(f"A blank has at least one candidate; {k} were asked for.")
    _check(desk.tokens, desk.blanks, desk.open_end)
    if not desk.tokens and not state.config.ends:
        raise BadInput(f"There is no sentence, and this run's have {state.config.T} tokens and no end: write one, with ___ for a blank.")
    if any(not 0 <= b < len(desk.tokens) for b in (*desk.blanks, *(b for b, _ in desk.fixed))):
        raise BadInput(f"The sentence has {len(desk.tokens)} tokens, and a blank lies outside it.")
    if len(desk.tokens) > WINDOWS * state.config.T:
        raise BadInput(f"The text has {len(desk.tokens):,} tokens, and the desk takes {WINDOWS * state.config.T:,} at most: fill it in parts.")
    windows, notes = _read(state, desk)
    chosen = state.G if net == "maskgan" else state.mle
    shown = min(max(0, shown), n - 1)
    u = noise(n, len(windows) * state.config.T, seed).split(state.config.T, 1)
    how = How(temperature, top_k, nucleus, unknown=False)
    parts = [_part(state, chosen, w, u[i][:, : w.ids.shape[1]], shown, k, knobs or Knobs(), how) for i, w in enumerate(windows)]
    return _joined(state, desk, windows, parts, net, shown, notes)


# --- what is read -------------------------------------------------------------------------------------------------


def _read(state: State, desk: Desk) -> tuple[list[_Window], list[str]]:
    """The windows of a desk, and what a person should know of them."""
    T, ends, number = state.config.T, state.config.ends, {word: i for i, word in enumerate(state.words) if i > UNKNOWN}
    fixed = dict(desk.fixed)
    blanks = set(desk.blanks) - set(fixed)
    said = [fixed.get(i, word) for i, word in enumerate(desk.tokens)]
    notes, unknown = [], [w for i, w in enumerate(said) if i not in blanks and w not in number]
    for word in dict.fromkeys(unknown):
        near = nearest(word, state.words[2:], 3)
        told = f"{word!r} is not among the {len(number):,} words of this run, so the nets read it as unknown"
        notes.append(f"{told}; near to it: {', '.join(near)}." if near else f"{told}.")
    if len(blanks) == len(said) and said:
        notes.append("Everything is blank: nothing is given, so the nets write freely.")
    if len(said) > T:
        notes.append(f"The text has {len(said)} tokens, and this run's sentences have at most {T}: it is read in windows of {T}, each by itself.")
    out = []
    for start in range(0, max(1, len(said)), T):
        part = said[start : start + T]
        last = start + T >= len(said)
        full = T if ends else len(part)
        ids, mask = torch.full((1, full), END, dtype=torch.int64), torch.zeros(1, full, dtype=torch.bool)
        ids[0, : len(part)] = torch.tensor([number.get(w, UNKNOWN) for w in part], dtype=torch.int64)
        mask[0, [i for i in range(len(part)) if start + i in blanks]] = True
        if last and desk.open_end:
            mask[0, len(part) :] = True
            if full == len(part):
                notes.append(_no_end(state, len(part)))
        out.append(_Window(start, len(part), ids, mask, tuple(i - start for i in sorted(fixed) if start <= i < start + len(part))))
    return out, notes


def _no_end(state: State, wide: int) -> str:
    if not state.config.ends:
        return f"The sentences of this run all have {state.config.T} tokens and no end, so an open end changes nothing."
    return f"The sentence has {wide} tokens, which is the longest of this run, so nothing can follow."


# --- what is filled -----------------------------------------------------------------------------------------------


@dataclass
class _Part:
    """What was found in a window; (n, T') unless said otherwise."""

    filled: np.ndarray
    p: np.ndarray  # NaN where there is no blank
    realism: np.ndarray
    candidates: dict[int, tuple[np.ndarray, np.ndarray]]  # by place: (k,) tokens and their probabilities
    table: dict[str, np.ndarray]  # (T',) of the alternative that is shown


def _part(state: State, net: Filler, window: _Window, u: Tensor, shown: int, k: int, knobs: Knobs, how: How) -> _Part:
    n, T = u.shape
    ids, mask = window.ids.expand(n, T), window.mask.expand(n, T)
    blanks, given = _blanks(state, window, mask), ids.to(state.device)
    context = net.encode(given, blanks.mask)
    filled = net.draw(given, blanks, context, u.to(state.device), how=how) if blanks.count else given
    p, found = torch.full((n, T), torch.nan, device=state.device), {}
    if blanks.count:
        shares = _shares(net, filled, blanks, context)
        p = torch.where(blanks.mask, blanks.spread(shares.gather(1, blanks.chosen(filled)[:, None]).squeeze(1)), p)
        mine = blanks.places.div(T, rounding_mode="floor") == shown
        for place, share in zip((blanks.places[mine] % T).tolist(), shares[mine], strict=True):
            found[place] = _likeliest(share, k)
    for place in window.fixed:  # what the net would put there if it were a blank as well
        more = mask.clone()
        more[:, place] = True
        both = _blanks(state, window, more)
        shares = _shares(net, filled, both, net.encode(filled, both.mask))
        mine = shares[both.places % T == place]
        p[:, place] = mine.gather(1, filled[:, place, None]).squeeze(1)
        found[place] = _likeliest(mine[shown], k)
    table = _table(state, filled, blanks, p, shown, knobs)
    sure = _realism(state, filled, blanks, window.wide)
    return _Part(filled.cpu().numpy(), _plain(p), _plain(sure), found, table)


def _blanks(state: State, window: _Window, mask: Tensor) -> Blanks:
    """Blanks (n, T') in which an end may be drawn behind the sentence alone: a blank of the sentence is a word."""
    blanks = Blanks(mask.contiguous(), state.config.ends, state.device)
    blanks.free[:, : window.wide] = False
    return blanks


def _shares(net: Filler, filled: Tensor, blanks: Blanks, context: Context) -> Tensor:
    """softmax at the blanks after what stands before each, (m, V)."""
    return net.logits(blanks.chosen(net.read(filled, context)), blanks.chosen(blanks.free)).softmax(1)


def _likeliest(share: Tensor, k: int) -> tuple[np.ndarray, np.ndarray]:
    known = share.clone()
    known[UNKNOWN] = -1
    top = known.topk(min(k, len(known) - 1))
    return top.indices.cpu().numpy(), _plain(top.values)


def _realism(state: State, filled: Tensor, blanks: Blanks, wide: int) -> Tensor:
    """D's p(real) of every token (n, T): of filled ones as they are; of each of the `wide` given ones as if it had been filled in, too.

    D learns on blanks alone, so what it says of a given token is not learnt; as a blank it is judged like any other.
    """
    n, T = filled.shape
    places = np.flatnonzero(~blanks.mask[0, :wide].cpu().numpy())
    masks = blanks.mask.repeat(len(places) + 1, 1).view(-1, n, T)
    masks[1 + np.arange(len(places)), :, places] = True
    context = state.D.encode(filled.repeat(len(masks), 1), masks.flatten(0, 1))
    sure = state.D(filled.repeat(len(masks), 1), context)[0].sigmoid().view(masks.shape)
    out = sure[0].clone()
    out[:, places] = sure[1 + np.arange(len(places)), :, places].T
    return torch.where(alive(filled, state.config.ends) > 0, out, torch.nan)


def _table(state: State, filled: Tensor, blanks: Blanks, p: Tensor, shown: int, knobs: Knobs) -> dict[str, np.ndarray]:
    """The rows of the authors' table: log p, reward, return, value and advantage at the blanks of one alternative."""
    one = slice(shown, shown + 1)
    tokens, mask = filled[one], blanks.mask[one]
    logits, before = state.D(tokens, state.D.encode(tokens, mask))
    states = state.D.prefix(tokens) if state.config.critic == "prefix" else before
    counts = mask * alive(tokens, state.config.ends)
    r = F.logsigmoid(logits) * counts
    R, V = returns(r, counts, knobs), state.D.values(states)
    columns = (p[one].log(), r, R, V, advantage(r, R, V, counts, knobs.model_copy(update={"whiten": False})))
    return {name: np.where(_plain(counts[0]) > 0, _plain(column[0]), np.nan) for name, column in zip(COLUMNS, columns, strict=True)}


def _plain(values: Tensor) -> np.ndarray:
    return values.float().cpu().numpy().astype(np.float64)


# --- what is told -------------------------------------------------------------------------------------------------


def _joined(state: State, desk: Desk, windows: Sequence[_Window], parts: Sequence[_Part], net: str, shown: int, notes: list[str]) -> Fillings:
    """The windows side by side, as words."""
    going = desk.open_end and state.config.ends
    wide = [w.ids.shape[1] if going and w is windows[-1] else w.wide for w in windows]
    L, n = windows[-1].start + wide[-1], len(parts[0].filled)

    def beside(of: str) -> np.ndarray:
        return np.concatenate([getattr(part, of)[:, :width] for part, width in zip(parts, wide, strict=True)], 1)

    rows, p, realism = beside("filled"), beside("p"), beside("realism")
    fixed = dict(desk.fixed)
    blanks = tuple(sorted({*desk.blanks, *fixed, *range(len(desk.tokens), L)}))
    filled_in = set(blanks) - set(fixed)
    known = set(state.words[UNKNOWN + 1 :])
    said = [[fixed.get(i, desk.tokens[i]) if i not in filled_in else state.words[row[i]] for i in range(L)] for row in rows]
    over = np.zeros((n, L), bool)
    if going:
        over[:, len(desk.tokens) :] = np.cumsum(rows[:, len(desk.tokens) :] == END, 1) > 0
    p[over & (np.cumsum(over, 1) > 1)] = np.nan
    realism[over] = np.nan
    found = {w.start + place: pair for w, part in zip(windows, parts, strict=True) for place, pair in part.candidates.items()}
    drawn = [i for i in blanks if i not in fixed]
    sentences = [[word for word in row if word] for row in said]
    wrong = [grammar.why(words) for words in sentences] if state.language == "grammar" else None
    return Fillings(
        net=net,
        joiner=state.joiner,
        given=tuple("" if i in filled_in else word if (word := fixed.get(i, desk.tokens[i])) in known else UNKNOWN_WORD for i in range(L)),
        truth=(*desk.tokens, *("" for _ in range(L - len(desk.tokens)))),
        blanks=blanks,
        fixed=tuple(sorted(fixed)),
        tokens=tuple(map(tuple, said)),
        p=p[:, list(blanks)],
        realism=realism,
        log_p=np.nansum(np.log(np.maximum(p[:, drawn], 1e-38)), 1) if drawn else np.zeros(n),
        candidates=tuple(tuple(state.words[i] or END_WORD for i in found[b][0]) for b in blanks),
        candidates_p=np.array([found[b][1] for b in blanks]) if blanks else np.zeros((0, 0)),
        shown=shown,
        table={name: np.concatenate([part.table[name][:width] for part, width in zip(parts, wide, strict=True)]) for name in COLUMNS},
        valid=np.full(n, np.nan) if wrong is None else np.array([not why for why in wrong], float),
        why=tuple(wrong or ("" for _ in range(n))),
        notes=tuple(notes),
        step=state.step,
    )
