"""When enough has been timed."""

import numpy as np
import pytest

from compress.planning.costing.stopping import Patience, standard_error, timed, typical


def test_the_warm_up_does_not_count():
    assert typical([9.0, 8.0, 1.0, 2.0, 3.0]) == 2.0
    assert typical([9.0, 7.0]) == 8.0  # there is nothing else


def test_times_that_agree_are_enough_and_times_that_scatter_are_not():
    patience = Patience(100.0)
    assert patience.enough([5.0, 5.0] + [1.0] * 6)
    assert not patience.enough([5.0, 5.0] + [1.0] * 5)
    assert not patience.enough([5.0, 5.0, 1.0, 2.0, 1.0, 2.0, 1.5, 3.0])


def test_when_the_time_is_over_one_time_behind_the_warm_up_is_enough():
    patience = Patience(3.0)
    assert not patience.enough([2.0, 2.0])
    assert patience.enough([2.0, 2.0, 1.0])
    assert not patience.enough([0.5, 0.5, 1.0])


def test_the_standard_error_is_that_of_a_median():
    """Of 25 normal values the median scatters by about sqrt(pi / 2) / 5."""
    rng = np.random.default_rng(0)
    drawn = rng.standard_normal((4000, 25))
    told = np.mean([standard_error(list(row)) for row in drawn])
    assert told == pytest.approx(np.median(drawn, axis=1).std(), rel=0.06)


def test_work_is_done_until_its_time_is_known():
    done: list[int] = []
    found = timed(lambda: done.append(1), Patience(0.0))
    assert len(done) == 3
    assert 0 <= found < 0.1
