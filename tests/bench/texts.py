"""Texts: seconds of their metrics, as one line of JSON."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import numpy as np

from models.metrics import text
from tests.bench.clock import seconds

SAMPLES, WORDS, T = 10_000, 5_000, 20
FEW, SOME = 4, 400  # hypotheses and references that nltk is given: it counts every reference again for every hypothesis


def measuring() -> dict[str, float]:
    """BLEU-1…5 of 10,000 sentences of 20 tokens against 10,000, Self-BLEU of 10,000, a point of a live curve, and nltk beside them."""
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

    rng = np.random.default_rng(0)
    chances = 1 / np.arange(1, WORDS + 1)
    a, b = (rng.choice(WORDS, (SAMPLES, T), p=chances / chances.sum()) for _ in range(2))
    full = np.full(SAMPLES, T)
    known = text.References(b, full)
    smooth = SmoothingFunction().method1
    weights = [[1 / n] * n for n in range(2, 6)]
    references = b[:SOME].tolist()

    def theirs() -> None:
        for row in a[:FEW].tolist():
            sentence_bleu(references, row, weights, smooth)

    bleu = seconds(lambda: text.bleu(a, full, b, full))
    nltk = seconds(theirs) * (SAMPLES / FEW) * (SAMPLES / SOME)
    return {
        "bleu_10k_10k": bleu,
        "self_bleu_10k": seconds(lambda: text.self_bleu(a, full)),
        "bleu_1k_known_10k": seconds(lambda: known.bleu(a[:1_000], full[:1_000])),
        "unique_1k": seconds(lambda: text.unique_ngrams(a[:1_000], full[:1_000])),
        "nltk_bleu_extrapolated": nltk,  # from 4 x 400 to 10,000 x 10,000: its time is proportional to both
        "nltk_ratio_extrapolated": nltk / bleu,
    }


def main() -> int:
    """Measure everything; a folder may be named, as for the other benches, and is not needed."""
    print(json.dumps(measuring()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
