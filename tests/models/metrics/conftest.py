"""One thread: beside other work two are many times slower."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _one_thread(_threads):
    torch.set_num_threads(1)
