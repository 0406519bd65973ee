"""Parts of a PPGN in closed form: linear G, E and C on pictures of 4 px, with counters of their calls."""

from __future__ import annotations

from collections import Counter

import torch

from models.samplers.parts import Parts

SIZE, H = 4, 6
HEADS = {"digit": ("0", "1", "2"), "glasses": ("none", "round", "square")}
TRAINED = dict.fromkeys(("encoder", "scorer", "generator", "joint", "dae-x", "dae-h"), 5)


def toy(*, channels: int = 1, trained: dict[str, int] | None = None, words: tuple[str, ...] = ()) -> tuple[Parts, Counter[str]]:
    """Parts whose functions count their calls."""
    rng = torch.Generator().manual_seed(7)
    d = channels * SIZE**2
    draw = lambda *shape: torch.randn(*shape, generator=rng) / shape[-1] ** 0.5  # noqa: E731
    A, J, B, R, X, W, V, S = draw(d, H), draw(d, H), draw(H, d), draw(H, H), draw(d, d), draw(3, H), draw(3, H), draw(6, d)
    calls: Counter[str] = Counter()

    def counted(name, f):
        def call(*args):
            calls[name] += 1
            return f(*args)

        return call

    split = lambda z: {"digit": z[:, :3], "glasses": z[:, 3:]}  # noqa: E731
    shaped = lambda v: v.view(-1, channels, SIZE, SIZE)  # noqa: E731
    parts = Parts(
        E_features=counted("E", lambda x: (x[:, :1].expand(-1, 4, -1, -1) * 2, (x.flatten(1) @ B.T).relu())),
        C_logits=counted("C", lambda h: split(torch.cat([h @ W.T, h @ V.T], 1))),
        G=counted("G", lambda h: shaped((h @ A.T).tanh())),
        G_joint=counted("J", lambda h: shaped((h @ J.T).tanh())),
        R_h=counted("R_h", lambda h: h @ R.T),
        R_x=counted("R_x", lambda x: shaped(x.flatten(1) @ X.T)),
        scorer_logits=lambda x: split(x.flatten(1) @ S.T),
        caption_log_p=lambda sentence, h: torch.log_softmax(h @ W.T, 1)[:, : len(sentence.split())],
        captions=lambda h, longest: torch.ones(len(h), longest, dtype=torch.int64),
        words=words,
        heads=HEADS,
        mean=torch.full((H,), 0.5),
        sd=torch.full((H,), 0.5),
        max=torch.full((H,), 2.0),
        codes=torch.rand(5, H, generator=rng),
        trained=TRAINED if trained is None else trained,
        size=SIZE,
        channels=channels,
        device=torch.device("cpu"),
    )
    return parts, calls
