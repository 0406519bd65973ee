from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from models.data import faces, glyphs, reading, shapes
from models.errors import BadInput
from models.samplers import conditions
from models.samplers.conditions import Room, Seen, Wanted, parse, room_of
from models.samplers.parts import Classifier
from tests.models.samplers.toys import HEADS, SIZE, toy

ROOM = Room(HEADS, ("", "a", "person", "with", "hat"), {"h": (6,), "h1": (4, 4, 4)})


@pytest.mark.parametrize(
    ("text", "kind", "head", "members", "weight", "place"),
    [
        ("2", "class", "digit", (2,), 1, None),
        ("digit=2", "class", "digit", (2,), 1, None),
        ("round", "class", "glasses", (1,), 1, None),
        ("glasses", "class", "glasses", (1, 2), 1, None),
        ("2:0.5", "class", "digit", (2,), 0.5, None),
        ("glasses=round:-1", "class", "glasses", (1,), -1, None),
        ("unit:h/3", "unit", "h", (3,), 1, None),
        ("unit:h1/3", "unit", "h1", (3,), 1, (2, 2)),
        ("unit:h1/3/0/1:2", "unit", "h1", (3,), 2, (0, 1)),
        ("caption:a person with a hat", "caption", "", (), 1, None),
        ("caption:a hat:0.25", "caption", "", (), 0.25, None),
    ],
)
def test_conditions_as_they_are_typed(text, kind, head, members, weight, place):
    c = parse(text, ROOM)
    assert (c.kind, c.head, c.members, c.weight, c.place) == (kind, head, members, weight, place)
    assert parse(str(c), ROOM) == c


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("rounnd", "There is no class 'rounnd'; did you mean 'round'"),
        ("xyz", "There is no class 'xyz'; there are glasses, 0, 1, 2"),
        ("digit=7", "digit has no value '7'; there are 0, 1, 2"),
        ("glases=round", "no attribute 'glases'; did you mean 'glasses'"),
        ("digit", "digit alone is no class: write digit=0"),
        ("2:0", "weight of a condition is a number other than 0"),
        ("2:inf", "weight of a condition is a number other than 0"),
        ("caption:a parson", "does not know the word 'parson'; did you mean 'person'"),
        ("caption:", "needs at least one word"),
        ("unit:fc9/1", "no layer 'fc9' of hidden neurons; the layers are h, h1"),
        ("unit:h/6", "index below 6"),
        ("unit:h/x", "index below 6"),
        ("unit:h1/1/4/0", "below 4 and 4"),
    ],
)
def test_what_cannot_be_asked_for_is_said_with_what_is_near(text, sentence):
    with pytest.raises(BadInput) as caught:
        parse(text, ROOM)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_value_of_two_attributes_needs_its_attribute():
    room = Room({"eyes": ("round", "closed"), "glasses": ("none", "round")}, (), {})
    with pytest.raises(BadInput, match="'round' is a value of eyes, glasses: write eyes=round"):
        parse("round", room)


def test_captions_without_a_captioner_and_classes_without_classes():
    with pytest.raises(BadInput, match="no captioner here: train the phase 'captioner'"):
        parse("caption:a hat", Room(HEADS, (), {}))
    with pytest.raises(BadInput, match="knows no classes"):
        parse("2", Room({}, None, {}))


# --- objectives ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("objective", conditions.OBJECTIVES)
def test_the_gradient_of_each_objective_is_its_closed_form(objective):
    z = torch.tensor([[0.3, -1.0, 2.0], [1.0, 0.0, 0.5]], dtype=torch.float64, requires_grad=True)
    network = Classifier("toy", {"digit": ("0", "1", "2")}, lambda x: {"digit": z}, None, {})
    parts, _ = toy()
    wanted = Wanted([(parse("2", ROOM),), (parse("0", ROOM),)], Room(network.heads, (), {}), torch.device("cpu"))
    judged = wanted.judge(Seen(parts, torch.zeros(2, 1, SIZE, SIZE), network), objective)
    (g,) = torch.autograd.grad(judged.objective.sum(), z)
    p = F.softmax(z.detach(), 1)
    hot = F.one_hot(torch.tensor([2, 0]), 3).double()
    expected = {"log-prob": hot - p, "released": hot * (1 - p), "logit": hot}[objective]
    torch.testing.assert_close(g, expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(judged.log_p.double(), p.log()[[0, 1], [2, 0]], rtol=1e-5, atol=1e-6)


def test_any_of_several_classes_sums_their_probabilities_and_weights_add_up():
    parts, _ = toy()
    x = torch.randn(2, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(1))
    seen = Seen(parts, x)
    p = {a: v.softmax(1) for a, v in seen.logits.items()}
    wishes = (parse("glasses", ROOM), parse("2:-0.5", ROOM))
    found = Wanted([wishes] * 2, room_of(parts), torch.device("cpu")).judge(Seen(parts, x), "log-prob").log_p
    want = p["glasses"][:, 1:].sum(1).log() - 0.5 * p["digit"][:, 2].log()
    torch.testing.assert_close(found, want)


def test_chains_may_want_different_things_and_get_what_each_would_get_alone():
    parts, _ = toy(words=("", "a", "hat"), trained={**dict.fromkeys(("encoder", "captioner"), 1)})
    x = torch.randn(4, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(2))
    room = room_of(parts)
    each = [(parse("2", room),), (parse("unit:h/3", room),), (parse("caption:a hat", room),), (parse("round", room), parse("1:2", room))]
    whole = Wanted(each, room, torch.device("cpu")).judge(Seen(parts, x), "log-prob")
    for i, wishes in enumerate(each):
        alone = Wanted([wishes], room, torch.device("cpu")).judge(Seen(parts, x[i : i + 1]), "log-prob")
        torch.testing.assert_close(whole.log_p[i : i + 1], alone.log_p)
        torch.testing.assert_close(whole.objective[i : i + 1], alone.objective)


# --- agreement ----------------------------------------------------------------------------------------------------


def test_agreement_is_by_name_and_none_where_it_cannot_be_judged():
    logits = {"digit": torch.tensor([[0.0, 9, 0], [0, 0, 9]]), "glasses": torch.tensor([[0.0, 9, 0], [9.0, 0, 0]])}
    ask = lambda *texts: [tuple(parse(t, ROOM) for t in texts)] * 2  # noqa: E731
    judge = lambda asked: conditions.agreement(asked, logits, HEADS)  # noqa: E731
    assert judge(ask("1")) == [True, False]
    assert judge(ask("1:-1")) == [False, True]
    assert judge(ask("glasses")) == [True, False]
    assert judge(ask("1", "square")) == [False, False]
    assert judge(ask("unit:h/1")) == [None, None]
    assert judge(ask("caption:a hat")) == [None, None]  # nobody knows how to read it
    other = [(parse("7", Room({"digit": ("7", "1")}, (), {})),)] * 2
    assert judge(other) == [None, None]  # the scorer has no 7
    swapped = [(parse("1", Room({"digit": ("1", "0")}, (), {})),)] * 2
    assert judge(swapped) == [True, False]  # by name, wherever it stands in the other network


def test_what_is_drawn_here_is_read_as_it_was_described():
    for i in range(400):
        d, seen = faces.describe(i), reading.read(faces.caption(i), faces.ATTRIBUTES)
        assert all(d[a] == v for a, v in (seen or {}).items())
        assert set(faces.salient(i)) <= set(seen or {})
        d, seen = shapes.describe(i), reading.read(shapes.caption(i), shapes.ATTRIBUTES)
        assert seen
        assert all(d[a] == v for a, v in seen.items())
    assert reading.read("the glyph snake", glyphs.ATTRIBUTES) == {"class": "snake"}


@pytest.mark.parametrize("sentence", ["a person with a red dog", "a bald person with long red hair", "a smiling, frowning person", "a person"])
def test_what_says_nothing_or_contradicts_itself_is_not_read(sentence):
    assert reading.read(sentence, faces.ATTRIBUTES) is None


def test_the_top_classes_are_the_most_probable_over_all_heads():
    logits = {"digit": torch.tensor([[0.0, 2, 0]]), "glasses": torch.tensor([[3.0, 0, 0]])}
    found = conditions.top(logits, HEADS, 0, 2)
    assert [(a, c) for a, c, _ in found] == [("glasses", "none"), ("digit", "1")]
    assert found[0][2] == pytest.approx(math.exp(3) / (math.exp(3) + 2))
