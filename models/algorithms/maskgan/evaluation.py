"""How good MaskGAN is, when it is asked for: MaskGAN and MaskMLE at the same blanks, both and the language model writing freely, and the critic."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from models.algorithms.maskgan import Knobs, State, criticised, explained, returns, seen
from models.algorithms.maskgan.measures import blanked, filled
from models.algorithms.maskgan.variance import Spread
from models.contract import Progress
from models.data.sentences import alive, noise, spoken_lengths
from models.data.text import TextSet, split_words
from models.metrics import text as measures
from models.nets.seq2seq import Blanks, Filler, LanguageModel
from models.written import LONGEST, Found, Who, closeness, half_of, put_self_bleu, self_bleu

CHUNK = 64  # sentences of a slice
AT_BLANKS = 2_000  # sentences at most whose blanks are filled
FREE = 1_000  # sentences whose n-grams are counted, as in the paper's table 6
REDRAWS, SPREAD = 40, 16  # fillings, and sentences, of the variance of the gradient
WHO = {"maskgan": Who("", ""), "maskmle": Who("mle_", "MaskMLE: "), "lm": Who("lm_", "LM: ")}


def evaluate(state: State, data: TextSet, knobs: Knobs, *, n: int, seed: int, rows: np.ndarray | None = None) -> Iterator[Progress]:
    """All measures, beside those of real sentences.

    Blanks are of `seed`, by the strategy and share of the knobs, in `n` held-out sentences, 2,000 at most; where fewer are held out they are dealt
    again with other blanks. Freely written sentences are `n`, and 1,000 for their n-grams. The first next() copies the nets.
    """
    del rows
    frozen = replace(state, **{name: copy.deepcopy(getattr(state, name)) for name in ("lm", "G", "mle", "D", "ema")}, trained=dict(state.trained))
    work = _Work(frozen, data, knobs, n, seed)
    slices = work.slices()
    for done, (doing, once) in enumerate(slices):
        yield Progress(done, len(slices), doing=doing)
        once()
    yield Progress(len(slices), len(slices), work.found)


class _Work:
    """What an evaluation has found so far."""

    def __init__(self, state: State, data: TextSet, knobs: Knobs, n: int, seed: int) -> None:
        self.state, self.data, self.knobs, self.n, self.seed = state, data, knobs.model_copy(update={"noisy_reward": False}), n, seed
        self.nets: dict[str, Filler | LanguageModel] = {"maskgan": state.G, "maskmle": state.mle, "lm": state.lm}
        self.found = Found()
        held, many = data.held_out, min(n, AT_BLANKS)
        self.truth = torch.from_numpy(data.rows(held[np.arange(many if len(held) else 0) % max(1, len(held))]))
        self.parts = self.truth.split(CHUNK) if len(self.truth) else ()
        self.u = noise(many, state.config.T, seed).split(CHUNK)
        self.at: dict[str, list[tuple[Tensor, ...]]] = {"maskgan": [], "maskmle": []}  # nats, top-1, top-5, and whether a blank counts
        self.filled: dict[str, list[Tensor]] = {"maskgan": [], "maskmle": []}
        self.told: dict[str, list[Tensor]] = {}  # of some sentences: −Σ log p under the language model, and tokens
        self.judged: list[tuple[Tensor, ...]] = []  # R, V, counts of fillings of G
        self.free: dict[str, list[Tensor]] = {name: [] for name in self.nets}
        self.spread: Spread | None = None

    def slices(self) -> list[tuple[str, Callable[[], None]]]:
        """What is to be done, in parts, with what a person reads meanwhile."""
        out: list[tuple[str, Callable[[], None]]] = []
        for i in range(len(self.parts)):
            out += [("filling blanks", lambda i=i, name=name: self._fill(i, name)) for name in self.at]
        for name in self.nets:
            rows = noise(max(self.n, FREE), self.state.config.T, self.seed).split(CHUNK)
            out += [("writing sentences", lambda name=name, u=u: self._write(name, u)) for u in rows]
        if self._critic_is_there():
            out += [("redrawing fillings", lambda i=i: self._redraw(i)) for i in range(0, REDRAWS, 2)]
        last: list[Callable[[], None]] = [self._score_blanks]
        last += [lambda name=name: self._score_fillings(name) for name in self.at if len(self.parts)]
        last += [lambda name=name: self._score_free(name) for name in self.nets]
        bleu = self._bleu()
        last += [lambda: next(bleu, None)] * LONGEST  # one part before the first order, and one for each
        last += [self._score_self_bleu, self._score_critic]
        return [*out, *(("measuring", once) for once in last)]

    def _critic_is_there(self) -> bool:
        return bool(len(self.parts) and self.state.trained["D"])

    # --- what is drawn ------------------------------------------------------------------------------------------------

    def _blanked(self, i: int) -> tuple[Tensor, Blanks]:
        return blanked(self.state, self.parts[i], self.seed + (i << 32), self.knobs.strategy, self.knobs.present)

    @torch.no_grad()
    def _fill(self, i: int, name: str) -> None:
        tokens, blanks = self._blanked(i)
        net, ends = self.nets[name], self.state.config.ends
        assert isinstance(net, Filler)
        hidden = blanks.chosen(net.read(tokens, net.encode(tokens, blanks.mask)))
        logits, wanted = net.logits(hidden, blanks.chosen(blanks.free)), blanks.chosen(tokens)
        nats = torch.nn.functional.cross_entropy(logits, wanted, reduction="none")
        best = logits.topk(min(5, logits.shape[1])).indices == wanted[:, None]
        self.at[name].append((nats, best[:, 0].float(), best.any(1).float(), blanks.chosen(seen(blanks, tokens, ends))))
        out = filled(net, tokens, blanks, self.u[i])
        self.filled[name].append(out.cpu())
        self._tell(f"filled {name}", out)
        if name == "maskgan":
            self._tell("truth", tokens)
            counts = seen(blanks, out, ends)
            r, V = criticised(self.state, tokens, out, blanks, counts, self.knobs)
            self.judged.append((returns(r, counts, self.knobs), V, counts))

    @torch.no_grad()
    def _write(self, name: str, u: Tensor) -> None:
        """Sentences of which nothing is given."""
        net, device = self.nets[name], self.state.device
        start = torch.zeros(u.shape, dtype=torch.int64, device=device)
        blanks = Blanks(torch.ones(u.shape, dtype=torch.bool), self.state.config.ends, device)
        out = filled(net, start, blanks, u) if isinstance(net, Filler) else net.draw(start, blanks, u.to(device))
        self.free[name].append(out.cpu())
        self._tell(f"free {name}", out)

    def _tell(self, what: str, tokens: Tensor) -> None:
        """What the language model says of sentences, where it has learnt."""
        if self.state.trained["lm"]:
            counts = alive(tokens, self.state.config.ends)
            nats = -(self.state.lm.log_p(tokens, self.state.config.ends) * counts)
            self.told.setdefault(what, []).append(torch.stack([nats.double().sum(), counts.double().sum()]))

    def _redraw(self, i: int) -> None:
        if self.spread is None:
            tokens, blanks = blanked(self.state, self.truth[:SPREAD], self.seed, self.knobs.strategy, self.knobs.present)
            self.spread = Spread(self.state, tokens, blanks, self.knobs, ("none", "critic"))
        n, T = self.truth[:SPREAD].shape
        for u in noise(2 * n, T, self.seed + ((i + 1) << 32)).split(n):
            self.spread.once(u)

    # --- what it is worth ---------------------------------------------------------------------------------------------

    def _score_blanks(self) -> None:
        if not len(self.parts):
            why = f"{self.data.title} holds out no sentence whose blanks could be filled: raise held_out."
            self.found.put("perplexity", "perplexity at blanks", None, 0, None, "lower", why)
            return
        told = f"at the blanks of {len(self.truth):,} held-out sentences ({self.knobs.strategy}, {self.knobs.present:g} of the tokens given)"
        for name, parts in self.at.items():
            nats, one, five, counts = (torch.cat(column).double() for column in zip(*parts, strict=True))
            many = int(counts.sum())
            mean = lambda x: float((x * counts).sum() / counts.sum())  # noqa: E731, B023
            key, label = WHO[name]
            put = self.found.put
            put(
                f"{key}perplexity",
                f"{label}perplexity at blanks",
                measures.perplexity(mean(nats)),
                many,
                None,
                "lower",
                f"exp of −log p of what stood {told}.",
            )
            put(f"{key}top1", f"{label}top-1", mean(one), many, None, "higher", f"Share of true tokens that are the net's likeliest, {told}.")
            put(f"{key}top5", f"{label}top-5", mean(five), many, None, "higher", f"Share of true tokens among the net's five likeliest, {told}.")

    def _score_fillings(self, name: str) -> None:
        ends, n, put = self.state.config.ends, len(self.truth), self.found.put
        key, label = WHO[name]
        rows, real = torch.cat(self.filled[name]).numpy(), self.truth.numpy()
        if self.data.valid is not None:
            said = split_words(rows, tuple(self.state.words), ends)
            doc = "Share of filled sentences that are of the grammar's language."
            put(f"{key}validity", f"{label}valid fillings", measures.validity(said, self.data.valid), n, 1.0, "higher", doc)
        variety, truth = (measures.distinct(r, spoken_lengths(r, ends), 2).value for r in (rows, real))
        doc = f"Different 2-grams / all, of {n:,} filled sentences (distinct-2); reference: of the true ones."
        put(f"{key}distinct2", f"{label}distinct-2", variety, n, truth, "target", doc)
        doc = "Perplexity of filled sentences under the frozen language model; reference: of the true ones."
        self._put_likely(f"{key}lm_perplexity", f"{label}LM perplexity of fillings", f"filled {name}", n, doc)

    def _score_free(self, name: str) -> None:
        ends, held = self.state.config.ends, self.data.rows(self.data.held_out[:FREE])
        key, label = WHO[name]
        tokens = torch.cat(self.free[name])
        truth = measures.unique_ngrams(held, spoken_lengths(held, ends)) if len(held) == FREE else None
        rows = tokens[:FREE].numpy()
        for order, share in measures.unique_ngrams(rows, spoken_lengths(rows, ends)).items():
            doc = f"Different {order}-grams / all, of {FREE:,} freely written sentences; reference: of as many held-out ones, where there are."
            reference = truth[order].value if truth else None
            self.found.put(f"{key}unique{order}", f"{label}unique {order}-grams", share.value, FREE, reference, "target", doc)
        doc = "Perplexity of freely written sentences under the frozen language model; reference: of held-out ones."
        self._put_likely(f"{key}samples_lm_perplexity", f"{label}LM perplexity of samples", f"free {name}", len(tokens), doc)

    def _put_likely(self, name: str, label: str, what: str, n: int, doc: str) -> None:
        """Perplexity under the language model, which is None where it has learnt nothing."""
        value, real = self._perplexity(what), self._perplexity("truth")
        if value is None:
            n, doc = 0, "There is no language model to judge by: its phase was left before the first step."
        self.found.put(name, label, value, n, real, "target", doc)

    def _perplexity(self, what: str) -> float | None:
        if what not in self.told:
            return None
        nats, count = torch.stack(self.told[what]).sum(0).tolist()
        return measures.perplexity(nats / count)

    def _bleu(self) -> Iterator[None]:
        sets = {WHO[name]: torch.cat(self.free[name])[: self.n].numpy() for name in self.at}
        yield from closeness(self.found, self.data, sets, "MaskMLE")

    def _score_self_bleu(self) -> None:
        ends, half = self.state.config.ends, half_of(self.data)
        n = min(self.n, half) if half else self.n
        real = self_bleu(self.data.rows(self.data.held_out[half : half + n]), ends) if half else {}
        for name in self.at:
            rows = torch.cat(self.free[name])[:n].numpy()
            put_self_bleu(self.found, WHO[name], self_bleu(rows, ends), real, n)

    def _score_critic(self) -> None:
        put = self.found.put
        if self.spread is None:
            why = "there are no held-out sentences" if self.state.trained["D"] else "D and its critic have not learnt yet"
            put("explained", "critic: explained variance", None, 0, 1.0, "higher", f"Nothing was measured, as {why}.")
            return
        R, V, counts = (torch.cat(column) for column in zip(*self.judged, strict=True))
        doc = "1 − var(R − b) / var(R) at the blanks of held-out sentences that MaskGAN filled, D without dropout; below 0 is worse than a constant."
        put("explained", "critic: explained variance", float(explained(R, V, counts)), int(counts.sum()), 1.0, "higher", doc)
        value = self.spread.value()
        told = f"over {REDRAWS} fillings of the same blanks in {min(SPREAD, len(self.truth))} held-out sentences, nothing clipped, no dropout"
        for kind, label in (("none", "without a baseline"), ("critic", "with the critic")):
            doc = f"Trace of the covariance of the policy gradient {told}."
            put(f"variance_{kind}", f"gradient variance {label}", value[kind], REDRAWS, None, "lower", doc)
        ratio = value["critic"] / value["none"] if value["none"] else None
        put("variance_ratio", "gradient variance, critic / none", ratio, REDRAWS, 1.0, "lower", f"Below 1 the critic helps; {told}.")
