"""What is given up under a budget: log-like, and never the first, the last or a kept one."""

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from models.thinning import surplus

steps = st.dictionaries(st.integers(0, 10**9), st.integers(1, 1000), min_size=1, max_size=40)


@given(steps, st.integers(0, 20_000), st.sets(st.integers(0, 10**9), max_size=5))
def test_the_rest_fits_or_nothing_more_can_go(sizes, budget, keep):
    gone = surplus(sizes, budget, keep)
    left = sorted(set(sizes) - set(gone))
    assert len(gone) == len(set(gone))
    assert not set(gone) & {min(sizes), max(sizes), *keep}
    assert sum(sizes[s] for s in left) <= budget or set(left) <= {min(sizes), max(sizes), *keep}


def test_enough_room_takes_nothing():
    assert surplus({0: 5, 10: 5, 20: 5}, 15) == []
    assert surplus({}, 0) == []


def test_what_is_left_is_even_on_a_logarithmic_axis():
    sizes = dict.fromkeys(range(0, 100_001, 200), 1)
    left = sorted(set(sizes) - set(surplus(sizes, 20)))
    assert (len(left), left[0], left[-1]) == (20, 0, 100_000)
    gaps = [math.log((b + 1) / (a + 1)) for a, b in pairwise(left[1:])]
    assert max(gaps) < 4 * min(gaps)
