"""What the tables of MaskGAN beside MaskMLE are made of."""

import pytest
import torch

from models import device
from models.algorithms import maskgan
from models.nets.seq2seq import Blanks
from tests.bench.maskgan_results import Part, distinct2, guessed, matched, ratio, tempered

CPU = torch.device("cpu")


def blanks(*rows: str) -> Blanks:
    return Blanks(torch.tensor([[c == "_" for c in row] for row in rows]), True, CPU)


def test_pairs_count_that_touch_a_blank_and_no_end():
    tokens = torch.tensor([[2, 3, 4, 5, 0, 0], [2, 3, 4, 6, 7, 0]])
    # 23 34 of the first; 23 34 of the second, whose last blank is an end
    assert distinct2(tokens, blanks("._....", "._..._"), True) == 2 / 4
    # 45 and 67; neither what is given alone nor a pair with an end
    assert distinct2(tokens, blanks("...___", "....__"), True) == 2 / 2
    assert distinct2(tokens, blanks("....__", "....._"), True) == 0


@pytest.fixture
def net_and_part():
    torch.set_num_threads(1)
    state = maskgan.init(maskgan.Config(vocab=40, T=8, h=8, ends=False), 0, device.choose("cpu", 1, "float32"))
    with torch.no_grad():
        state.G.bias.copy_(torch.linspace(0, 6, 40))  # some words are much likelier
    generator = torch.Generator().manual_seed(0)
    tokens, mask = torch.randint(2, 40, (200, 8), generator=generator), torch.rand(200, 8, generator=generator) < 0.5
    return state.G, Part(tokens, Blanks(mask, False, CPU), torch.rand(200, 8, generator=generator))


@pytest.mark.parametrize("tau", [0.6, 1.0, 1.5])
def test_the_temperature_of_a_distinct_2_is_found_again(net_and_part, tau):
    net, part = net_and_part
    context = net.encode(part.tokens, part.blanks.mask)
    of = lambda tau: distinct2(tempered(net, tau).draw(part.tokens, part.blanks, context, part.u), part.blanks, False)  # noqa: E731
    found = matched(net, part, of(tau), False)
    assert found == pytest.approx(tau, abs=0.1)  # the curve has small steps back
    assert of(found) == pytest.approx(of(tau), abs=0.005)


def test_a_distinct_2_that_no_temperature_has_is_told(net_and_part, capsys):
    net, part = net_and_part
    assert matched(net, part, 1.5, False) == 3
    assert "NOT MATCHED" in capsys.readouterr().out


def test_a_temperature_is_no_part_of_the_order_of_guesses(net_and_part):
    net, part = net_and_part
    warm, plain = guessed(tempered(net, 2.0), part, False), guessed(net, part, False)
    assert (warm["top-1"], warm["top-5"]) == (plain["top-1"], plain["top-5"])
    assert warm["perplexity"] != pytest.approx(plain["perplexity"], rel=0.01)


def test_a_ratio_of_blocks_has_the_error_of_its_blocks():
    assert ratio([2, 4, 6], [1, 2, 3]) == "2.0000 ± 0.0000"
    assert ratio([1, 3], [1, 1]) == "2.0000 ± 1.0000"  # of the mean of 1 and 3
