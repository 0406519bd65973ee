"""What every door ends in: a network that takes the chain's pictures and tells, for each alone, which way to go."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from models.errors import BadInput

CLOSE = 0.02  # of 1 + the largest answer: what rounding, also to bfloat16, may change


def proven(name: str, score: Callable[[Tensor], Tensor], *, size: int, channels: int, device: str, labels: int | None = None) -> Tensor:
    """Ask about two and about three pictures of noise, and follow the gradients back.

    Args:
        name: for the messages.
        score: pictures (batch, channels, size, size) in [-1, 1] to answers (batch, outputs): logits, or log p of words.
        labels: how many answers there must be.

    Returns:
        the answers (3, outputs), detached.

    Raises:
        BadInput: it does not take these pictures or any number of them, its answers are not numbers, differ from call to call, hang on the
            other pictures or do not match the labels, or they have no gradient.
    """
    generator = torch.Generator().manual_seed(0)
    x = (torch.rand(3, channels, size, size, generator=generator) * 2 - 1).to(device)
    three, slopes = _asked(name, score, x)
    if labels is not None and three.shape[1] != labels:
        raise BadInput(f"{name} has {three.shape[1]:,} outputs and {labels:,} labels: name one label for every output.")
    _sloped(name, slopes)
    two, slopes = _asked(name, score, x[:2])
    _sloped(name, slopes)
    again = _asked(name, score, x[:2])[0]
    room = CLOSE * (1 + float(three.abs().max()))
    if float((again - two).abs().max()) > room:
        raise BadInput(f"{name} answers differently each time it is asked, so dropout or noise is still on: export it in the mode of evaluation.")
    if float((three[:2] - two).abs().max()) > room:
        raise BadInput(f"{name} answers for a picture by what else is in the batch, so its normalisation still trains: export it after .eval().")
    return three


def _asked(name: str, score: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, Tensor | None]:
    """Answers, and the gradient of a random mixture of them."""
    what = f"{len(x)} pictures of {x.shape[-1]} px and {x.shape[1]} channel{'s' * (x.shape[1] > 1)}"
    x = x.clone().requires_grad_()
    try:
        with torch.enable_grad():
            y = score(x)
    except BadInput:
        raise
    except Exception as error:  # whatever a foreign network raises
        raise BadInput(f"{name} does not take {what} ({_first(error)}): choose one for such pictures, with a free batch size.") from None
    if not isinstance(y, Tensor) or y.ndim != 2 or len(y) != len(x) or not y.shape[1]:
        found = f"{tuple(y.shape)}" if isinstance(y, Tensor) else type(y).__name__
        raise BadInput(f"{name} answers {what} with {found}, not with one row of numbers a picture: choose one with a free batch size.")
    if not y.is_floating_point() or not bool(y.isfinite().all()):
        raise BadInput(f"{name} answers {what} with values that are not finite numbers: its weights or its normalisation are wrong.")
    if not y.requires_grad:
        return y.detach(), None
    weights = torch.randn(y.shape, generator=torch.Generator().manual_seed(1)).to(y.device)
    try:
        slopes = torch.autograd.grad((y.float() * weights).sum(), x, allow_unused=True)[0]
    except Exception as error:
        raise BadInput(f"{name} cannot be differentiated ({_first(error)}): export it without the operation that has no gradient.") from None
    return y.detach(), slopes


def _sloped(name: str, slopes: Tensor | None) -> None:
    if slopes is None:
        raise BadInput(f"{name} is not differentiable: its answers do not hang on the pictures by any gradient; export it without no_grad or detach.")
    if not bool(slopes.isfinite().all()):
        raise BadInput(
            f"{name} has gradients that are not finite numbers, so no chain can follow them: use another network, or export it in float32."
        )
    if not bool(slopes.flatten(1).abs().amax(1).gt(0).all()):
        raise BadInput(
            f"{name} has a gradient of zero with respect to the pictures, so no chain can follow it: export it without rounding or detach."
        )


def _first(error: BaseException) -> str:
    """The first line of what went wrong, short and without its full stop."""
    lines = str(error).strip().splitlines()
    return (lines[0][:160] if lines else type(error).__name__).rstrip(". :")
