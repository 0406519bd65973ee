"""Text files of two kinds, and data of every kind for BGAN."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.models.algorithms.maskgans import written


@pytest.fixture(scope="session")
def ragged(tmp_path_factory) -> Path:
    """Sentences of all lengths from 1 to 6, so they have ends."""
    return written(tmp_path_factory.mktemp("texts"), ends=True)


@pytest.fixture(scope="session")
def even(tmp_path_factory) -> Path:
    """Sentences of six words, without ends."""
    return written(tmp_path_factory.mktemp("texts"), ends=False)


@pytest.fixture(params=[False, True], ids=["even", "ragged"])
def spec(request, ragged, even) -> Path:
    """One of each."""
    return ragged if request.param else even


@pytest.fixture
def source(request, black_and_white, sentences) -> tuple[str, dict[str, Any]]:
    """A kind of data as its source and settings."""
    pictures = str(black_and_white)
    return {
        "binary": (pictures, {}),
        "palette": (pictures, {"pixels": "palette", "colours": 2}),
        "continuous": (pictures, {"pixels": "continuous"}),
        "text": (str(sentences), {}),
        "rows": (str(sentences), {"T": 5}),  # all are cut, so none has an end
        "toy": ("toy-ring", {}),
    }[request.param]
