"""Image features to words: a recurrent decoder with gates (GRU; Cho et al. 2014), after the LRCN that PPGN conditions on.

Word 0 begins and ends every sentence. A sentence's log-probability is the sum over its words and its end, and takes one pass
for all words (the authors' code runs the net once a word).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.nets.autoencoder import Dense

END = 0


class Captioner(nn.Module):
    """p(sentence | features), differentiable with respect to the features."""

    def __init__(self, features: int, words: int, width: int) -> None:
        """`words`: room of the vocabulary, with the end."""
        super().__init__()
        self.width = width
        self.look = Dense(features, 2 * width)  # the first state, and what is added to every input
        self.embed = Dense(words, width, bias=False)  # column w is word w
        self.inputs = Dense(width, 3 * width)
        self.recur = Dense(width, 3 * width)
        self.words = Dense(width, words)

    def start(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features (batch, f) to the first state (batch, width), and what is added to every input (batch, width)."""
        state, seen = self.look(features).chunk(2, 1)
        return torch.tanh(state), seen

    def step(self, state: Tensor, word: Tensor, seen: Tensor) -> Tensor:
        """The state after a word (batch,)."""
        return self._cell(self.inputs(self._embedded(word) + seen), state)

    def forward(self, features: Tensor, tokens: Tensor, words: int) -> Tensor:
        """Teacher-forced log p of every word of sentences.

        Args:
            features: (batch, f).
            tokens: (batch, T) int64, each row closed by at least one END.
            words: how many words the vocabulary has, with the end; the rest of the room has probability 0.

        Returns:
            (batch, T): log p(w_t | w_<t, features), 0 after the first END of a row.
        """
        state, seen = self.start(features)
        before = F.pad(tokens[:, :-1], (1, 0), value=END)
        given = self.inputs(self._embedded(before) + seen[:, None])
        states = []
        for t in range(tokens.shape[1]):
            state = self._cell(given[:, t], state)
            states.append(state)
        log_p = self.log_p(torch.stack(states, 1), words)
        over = (tokens == END).cumsum(1) - (tokens == END).long() > 0
        return log_p.gather(2, tokens[:, :, None])[:, :, 0].masked_fill(over, 0.0)

    def log_p(self, state: Tensor, words: int) -> Tensor:
        """States (…, width) to log-probabilities of the next word (…, words)."""
        return F.log_softmax(self.words(state)[..., :words].float(), -1)

    @torch.no_grad()
    def greedy(self, features: Tensor, words: int, longest: int) -> Tensor:
        """The most probable word at each place: (batch, longest) int64, END from the end on; the last place is always END."""
        state, seen = self.start(features)
        word = torch.full((len(features),), END, device=features.device)
        out, over = [], torch.zeros_like(word, dtype=torch.bool)
        for _ in range(longest - 1):
            state = self.step(state, word, seen)
            word = self.log_p(state, words).argmax(1).masked_fill(over, END)
            over = over | (word == END)
            out.append(word)
        return torch.stack([*out, torch.full_like(word, END)], 1)

    def _embedded(self, word: Tensor) -> Tensor:
        return F.embedding(word, self.embed.weight.T)

    def _cell(self, given: Tensor, state: Tensor) -> Tensor:
        """One gated step: reset r, update z, candidate c."""
        r, z, c = given.chunk(3, 1)
        hr, hz, hc = self.recur(state).chunk(3, 1)
        z = torch.sigmoid(z + hz)
        return torch.lerp(torch.tanh(c + torch.sigmoid(r + hr) * hc), state, z)
