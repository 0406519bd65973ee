from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from models.nets import textcnn
from models.nets.textcnn import FILTERS_20, FILTERS_32, Frozen, TextCNN, initialise

V, T, E = 11, 8, 5
FILTERS = ((1, 6), (2, 5), (3, 7), (5, 4), (8, 3))


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def judge(seed: int = 0, T: int = T, filters: textcnn.Filters = FILTERS, scale: float = 4.0) -> TextCNN:
    """A D with logits that differ from sentence to sentence."""
    made = TextCNN(V, T, E, filters)
    initialise(made, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        for conv in made.kernels():
            conv.weight *= scale
    return made


def sentences(n: int, seed: int = 1, ends: bool = False, T: int = T) -> Tensor:
    """Some without any end, some of one token, some empty."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randint(1, V, (n, T), generator=generator)
    if ends:
        length = torch.arange(n) % (T + 1)
        rows[torch.arange(T) >= length[:, None]] = 0
    return rows


def by_hand(net: TextCNN, row: list[int], ends: bool) -> float:
    """The logit of one sentence, window by window in float64."""
    row_ = torch.tensor(row)
    x = net.embedding.weight.detach().double()[row_]
    end = row.index(0) if 0 in row and ends else len(row)
    features = []
    for conv, (width, count) in zip(net.kernels(), net.filters, strict=True):
        assert conv.bias is not None
        weight, bias = conv.weight.detach().double(), conv.bias.detach().double()
        best = torch.full((count,), -math.inf, dtype=torch.float64)
        for i in range(len(row) - width + 1):
            if i == 0 or i <= end:
                best = torch.maximum(best, (weight * x[i : i + width].T).sum((1, 2)) + bias)
        features.append(best.clamp(min=0))
    c = torch.cat(features)
    layer = lambda linear: linear.weight.detach().double() @ c + linear.bias.detach().double()  # noqa: E731
    tau = torch.sigmoid(layer(net.gate))
    c = tau * layer(net.turn).clamp(min=0) + (1 - tau) * c
    real, fake = layer(net.out)
    return float(real - fake)


# --- its shape ----------------------------------------------------------------------------------------------------


def test_the_papers_discriminator_has_as_many_numbers_as_the_authors():
    D = TextCNN(5000, 20, 64, FILTERS_20)
    convolutions = sum(width * 64 * count + count for width, count in FILTERS_20)
    assert D.features == sum(count for _, count in FILTERS_20) == 1720
    highway = 2 * (1720 * 1720 + 1720)
    want = 5000 * 64 + convolutions + highway + 2 * 1720 + 2
    assert highway == 5_920_240
    assert sum(p.numel() for p in D.parameters()) == want == 7_045_402
    assert TextCNN(10, 32, 4, FILTERS_32).features == 1400 + 3 * 160
    assert [w for w, _ in FILTERS_32] == [*range(1, 11), 16, 24, 32]


def test_numbers_begin_as_the_authors_do():
    D = TextCNN(400, 20, 32, FILTERS_20)
    initialise(D, torch.Generator().manual_seed(0))
    emb = D.embedding.weight.detach()
    assert float(emb.abs().max()) <= 1
    assert float(emb.std()) == pytest.approx(1 / math.sqrt(3), rel=0.02)
    for layer in (*D.kernels(), D.out):
        w = layer.weight.detach()
        assert float(w.abs().max()) <= 0.2  # two deviations
        assert float(w.std()) == pytest.approx(0.1 * 0.8796, rel=0.05)  # of a normal that is cut there
        assert layer.bias is not None
        assert (layer.bias == 0.1).all()
    bound = math.sqrt(6 / (2 * D.features))
    for layer in (D.gate, D.turn):
        assert float(layer.weight.detach().abs().max()) <= bound
        assert float(layer.weight.detach().std()) == pytest.approx(bound / math.sqrt(3), rel=0.02)
        assert (layer.bias == 0).all()
    torch.manual_seed(5)
    before = torch.get_rng_state()
    D(torch.zeros(2, 20, dtype=torch.int64), torch.Generator().manual_seed(0))
    judge()
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("ends", [False, True])
def test_the_logit_is_that_of_convolutions_maxima_and_a_highway_by_hand(ends):
    D, rows = judge(), sentences(20, ends=ends)
    want = torch.tensor([by_hand(D, row, ends) for row in rows.tolist()])
    assert float(want.std()) > 0.05
    torch.testing.assert_close(D(rows).detach(), want.float(), rtol=1e-5, atol=1e-5)
    two = D.out(hidden(D, rows)).softmax(1)  # the authors' reward is the probability of the first of two classes
    torch.testing.assert_close(D(rows).sigmoid(), two[:, 0])


def hidden(D: TextCNN, rows: Tensor) -> Tensor:
    """What the last layer sees, without dropout."""
    kept: list[Tensor] = []
    handle = D.out.register_forward_pre_hook(lambda module, args: kept.append(args[0]))
    D(rows)
    handle.remove()
    return kept[0]


# --- ends ---------------------------------------------------------------------------------------------------------


def test_room_after_the_end_changes_nothing():
    """The same weights on the same sentences in less room: D may not know how long the rows are."""
    filters = ((1, 6), (2, 5), (3, 7))
    long, short = judge(T=8, filters=filters), judge(T=6, filters=filters)
    rows = sentences(18, ends=True)
    for length in range(4):  # with the end, and the widest window that begins there, it fits into 6
        some = rows[(rows != 0).sum(1) == length]
        assert len(some)
        torch.testing.assert_close(long(some), short(some[:, :6]), rtol=1e-5, atol=1e-6)


# --- dropout and the weight of the last layer ---------------------------------------------------------------------


def test_dropout_is_there_in_training_alone():
    D, rows = judge(), sentences(200)
    assert torch.equal(D(rows), D(rows))
    D.train()
    assert torch.equal(D(rows), judge()(rows))  # the mode of the module does not matter
    one, two, other = (D(rows, torch.Generator().manual_seed(s)) for s in (0, 0, 1))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert not torch.equal(one, D(rows))
    D.dropout = 0.0
    assert torch.equal(D(rows, torch.Generator().manual_seed(0)), D(rows))


@pytest.mark.parametrize("share", [0.25, 0.6])
def test_dropout_leaves_out_its_share_and_keeps_the_mean(share):
    D, rows = judge(), sentences(2000)
    D.dropout = share
    kept: list[Tensor] = []
    handle = D.out.register_forward_pre_hook(lambda module, args: kept.append(args[0].detach()))
    D(rows)
    D(rows, torch.Generator().manual_seed(0))
    handle.remove()
    plain, dropped = kept
    there = plain != 0
    assert float((dropped[there] == 0).float().mean()) == pytest.approx(share, abs=0.01)
    on = dropped != 0
    torch.testing.assert_close(dropped[on], plain[on] / (1 - share))


def test_the_penalty_is_half_the_square_of_the_last_layer_alone():
    D = judge()
    want = 0.5 * sum(float(p.detach().double().square().sum()) for p in (D.out.weight, D.out.bias))
    assert float(D.penalty().detach()) == pytest.approx(want, rel=1e-6)
    grads = torch.autograd.grad(D.penalty(), list(D.parameters()), allow_unused=True)
    told = {name for (name, _), g in zip(D.named_parameters(), grads, strict=True) if g is not None}
    assert told == {"out.weight", "out.bias"}
    assert torch.equal(dict(zip(dict(D.named_parameters()), grads, strict=True))["out.weight"], D.out.weight)


def test_it_learns_to_tell_two_kinds_apart():
    D = judge(scale=1.0)
    rows = sentences(64, ends=True)
    rows[:32, 0] = 5
    rows[32:, 0] = 6
    truth = (torch.arange(64) < 32).float()
    adam, rng = torch.optim.Adam(D.parameters(), 1e-2), torch.Generator().manual_seed(0)
    for _ in range(30):
        adam.zero_grad()
        F.binary_cross_entropy_with_logits(D(rows, rng), truth).backward()
        adam.step()
    assert float(((D(rows) > 0).float() == truth).float().mean()) == 1


# --- frozen -------------------------------------------------------------------------------------------------------

N = 3


def rolled(rows: Tensor, ends: bool, seed: int = 4) -> Tensor:
    """Roll-outs (T-1, N, n, T) of sentences, drawn from nothing in particular."""
    generator = torch.Generator().manual_seed(seed)
    n, T = rows.shape
    out = rows.expand(T - 1, N, n, T).clone()
    for t in range(1, T):
        out[t - 1, :, :, t:] = torch.randint(0 if ends else 1, V, (N, n, T - t), generator=generator)
    if ends:
        over = (out == 0).cumsum(-1)
        out[over > 0] = 0
    return out


@pytest.mark.parametrize("ends", [False, True])
def test_tables_say_what_convolutions_say_of_sentences(ends, monkeypatch):
    D, rows = judge(), sentences(50, ends=ends)
    want = D(rows).detach()
    torch.testing.assert_close(Frozen(D).sentences(rows), want, rtol=1e-5, atol=1e-5)
    monkeypatch.setattr(textcnn, "CHUNK", 7)
    torch.testing.assert_close(Frozen(D).sentences(rows), want, rtol=1e-5, atol=1e-5)
    assert Frozen(D).sentences(rows[:1]).shape == (1,)


@pytest.mark.parametrize("chunk", [256, 2])
@pytest.mark.parametrize("ends", [False, True])
@pytest.mark.parametrize("filters", [FILTERS, ((1, 4),), ((8, 4),), ((2, 3), (7, 3))])
def test_tables_say_what_convolutions_say_of_rollouts(filters, ends, chunk, monkeypatch):
    monkeypatch.setattr(textcnn, "CHUNK", chunk)
    D, rows = judge(filters=filters), sentences(18, ends=ends)
    out = rolled(rows, ends)
    want = D(out.flatten(0, 2)).detach().view(T - 1, N, 18)
    got = Frozen(D).rollouts(rows, out)
    assert got.shape == (T - 1, N, 18)
    torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("ends", [False, True])
def test_in_bfloat16_what_is_rounded_moves_logits_little(ends):
    """bfloat16 has 8 bits: the logits, sums of 25 products of numbers below 3, may be 0.05 off, and are on the same side where they are larger."""
    D, rows = judge(), sentences(18, ends=ends)
    out = rolled(rows, ends)
    half = Frozen(D, "bfloat16")
    got, want = half.rollouts(rows, out), D(out.flatten(0, 2)).detach().view(T - 1, N, 18)
    assert got.dtype == torch.float32
    assert not torch.equal(got, Frozen(D).rollouts(rows, out))
    torch.testing.assert_close(got, want, rtol=0, atol=0.05)
    torch.testing.assert_close(half.sentences(rows), D(rows).detach(), rtol=0, atol=0.05)
    assert float((got - want).abs().mean()) < 0.01


def test_tables_leave_the_net_as_it_is_and_do_not_follow_it():
    D, rows = judge(), sentences(18, ends=True)
    before = copy.deepcopy(D.state_dict())
    frozen, out = Frozen(D), rolled(rows, True)
    first = frozen.rollouts(rows, out).clone()
    assert torch.equal(frozen.rollouts(rows, out), first)
    assert all(torch.equal(v, before[k]) for k, v in D.state_dict().items())
    assert all(p.requires_grad and p.grad is None for p in D.parameters())
    (-D(rows, torch.Generator().manual_seed(0)).sum()).backward()  # it still learns
    with torch.no_grad():
        D.embedding.weight.mul_(-1)
    assert torch.equal(frozen.rollouts(rows, out), first)
    assert not torch.equal(Frozen(D).rollouts(rows, out), first)
