"""How often MaskGAN's nets are called, and on how many rows: what keeps an update quick; and that the update measured beside it is the same."""

from collections import Counter
from collections.abc import Iterator

import pytest
import torch

from models import device
from models.algorithms import maskgan
from tests.bench import unrolled
from tests.bench.maskgan import blanks_of_batches, rows_of_logits

N, T, V = 6, 7, 30


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def fresh(**config) -> maskgan.State:
    return maskgan.init(maskgan.Config(vocab=V, T=T, h=8, batch=N, **config), 3, device.choose("cpu", 1, "float32"))


def sentences(ends: bool) -> torch.Tensor:
    tokens = torch.randint(2, V, (N, T), generator=torch.Generator().manual_seed(0))
    if ends:
        tokens[torch.arange(T) >= torch.arange(3, 3 + N)[:, None]] = 0
    return tokens


@pytest.fixture
def blanks() -> Iterator[list[int]]:
    """How many blanks each batch had."""
    with blanks_of_batches() as found:
        yield found


@pytest.fixture
def rows() -> Iterator[dict[bool, int]]:
    """Rows of logits of G, with and without a graph."""
    with rows_of_logits() as found:
        yield found


def counted(state: maskgan.State) -> Counter[tuple[str, bool, int]]:
    """Sequence calls of each LSTM: by its name, whether there is a graph, and rows."""
    found = Counter()
    for name, stack in (
        ("G encoder", state.G.encoder),
        ("G decoder", state.G.decoder),
        ("D encoder", state.D.encoder),
        ("D decoder", state.D.decoder),
    ):
        for k, lstm in enumerate(stack.lstms()):
            label = f"{name} {k}"
            lstm.register_forward_hook(lambda _, given, __, label=label: found.update([(label, torch.is_grad_enabled(), len(given[0]))]))
    return found


def of(calls: Counter[tuple[str, bool, int]], graph: bool, *names: str) -> dict[tuple[str, int], int]:
    return {(name, n): count for (name, grad, n), count in calls.items() if grad is graph and name[:-2] in names}


def each(name: str, n: int, times: int = 1) -> dict[tuple[str, int], int]:
    return {(f"{name} {k}", n): times for k in range(2)}


@pytest.mark.parametrize("ends", [False, True])
def test_g_reads_a_filled_sentence_in_one_call_a_layer_and_has_logits_at_blanks_alone(ends, blanks, rows):
    state = fresh(ends=ends)
    calls = counted(state)
    maskgan.g_step(state, sentences(ends), maskgan.Knobs())
    assert of(calls, True, "G decoder", "G encoder") == each("G decoder", N) | each("G encoder", N)
    assert not of(calls, False, "G encoder")  # drawing and the gradient have one m(x)
    assert of(calls, False, "D encoder", "D decoder") == each("D decoder", N) | each("D encoder", N)  # reward and value
    assert not of(calls, True, "D encoder", "D decoder")
    assert rows == {True: blanks[0], False: blanks[0]}  # the gradient's pass; drawing
    assert 0 < blanks[0] < N * T


def test_d_reads_true_and_filled_sentences_in_one_call_a_layer_and_encodes_once(blanks, rows):
    state = fresh()
    calls = counted(state)
    maskgan.d_step(state, sentences(False), maskgan.Knobs())
    assert of(calls, True, "D encoder", "D decoder") == each("D decoder", 2 * N) | each("D encoder", N)
    assert not of(calls, True, "G encoder", "G decoder")
    assert rows == {False: blanks[0]}


def test_other_masks_of_dropout_take_an_encoder_pass_of_both_halves_but_no_more_calls():
    state = fresh()
    calls = counted(state)
    maskgan.d_step(state, sentences(False), maskgan.Knobs(redraw=True))
    assert of(calls, True, "D encoder", "D decoder") == each("D decoder", 2 * N) | each("D encoder", 2 * N)


def test_a_critic_of_the_tokens_before_takes_one_more_call_a_layer():
    state = fresh(critic="prefix")
    calls = counted(state)
    maskgan.d_step(state, sentences(False), maskgan.Knobs())
    assert of(calls, True, "D decoder") == each("D decoder", 2 * N) | each("D decoder", N)
    calls.clear()
    maskgan.g_step(state, sentences(False), maskgan.Knobs())
    assert of(calls, False, "D decoder") == each("D decoder", N, 2)


@pytest.mark.parametrize("ours", [False, True])
@pytest.mark.parametrize("dropout", ["locked", "recurrent"])
@pytest.mark.parametrize(("ends", "critic"), [(False, "discriminator"), (True, "discriminator"), (True, "prefix")])
def test_the_update_that_goes_token_by_token_is_the_same(ends, critic, dropout, ours):
    mine, other = fresh(ends=ends, critic=critic), fresh(ends=ends, critic=critic)
    tokens, knobs = sentences(ends), maskgan.Knobs(dropout=dropout)
    for _ in range(2):
        for step, naive in ((maskgan.d_step, unrolled.d_step), (maskgan.g_step, unrolled.g_step)):
            info, told = step(mine, tokens, knobs), naive(other, tokens, knobs, ours=ours)
            for name, value in told._asdict().items():
                if value is not None:
                    torch.testing.assert_close(value, getattr(info, name), rtol=1e-3, atol=1e-5, msg=lambda text, name=name: f"{name}: {text}")
    for a, b in ((mine.G, other.G), (mine.D, other.D)):
        for p, q in zip(a.parameters(), b.parameters(), strict=True):
            torch.testing.assert_close(p, q, rtol=0, atol=3e-5)
