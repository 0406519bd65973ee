from __future__ import annotations

import pytest

from models import catalog
from models.errors import BadInput


def test_every_listed_system_can_be_imported_and_knows_its_name():
    assert [catalog.algorithm(name).NAME for name in catalog.ALGORITHMS] == list(catalog.ALGORITHMS)


def test_an_unknown_system_is_told_with_the_known_ones():
    with pytest.raises(BadInput, match=r"There is no system called 'dcgan'; this version trains began"):
        catalog.algorithm("dcgan")
