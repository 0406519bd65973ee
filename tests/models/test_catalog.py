from __future__ import annotations

import pytest

from models import catalog
from models.errors import BadInput


def test_every_listed_system_can_be_imported_and_knows_its_name():
    assert [catalog.algorithm(name).NAME for name in catalog.ALGORITHMS] == list(catalog.ALGORITHMS)


@pytest.mark.parametrize("name", catalog.PLANNED)
def test_a_planned_system_says_that_it_is_to_come(name):
    with pytest.raises(BadInput, match=f"{name} is still to come; this version trains began"):
        catalog.algorithm(name)


def test_an_unknown_system_is_told_with_the_known_ones():
    with pytest.raises(BadInput, match=r"There is no system called 'dcgan'; this version trains began"):
        catalog.algorithm("dcgan")
