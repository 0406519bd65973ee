"""Text files of two kinds."""

from __future__ import annotations

from pathlib import Path

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
