import itertools
import math

import pytest

from explorer.training.schedules import SCHEDULES

PROGRESS = [step / 1000 for step in range(1000)]


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_is_a_fraction_of_the_peak_and_reaches_it(name):
    rates = [SCHEDULES[name](progress) for progress in PROGRESS]
    assert all(0 < rate <= 1 for rate in rates)
    assert max(rates) == pytest.approx(1)


def test_he2015_divides_by_ten_at_32k_and_48k_of_64k_steps():
    rate = [SCHEDULES["he2015"](step / 64_000) for step in (0, 31_999, 32_000, 47_999, 48_000, 63_999)]
    assert rate == [1, 1, 0.1, 0.1, 0.01, 0.01]


def test_one_cycle_rises_for_30_percent_and_falls_to_almost_nothing():
    rate = SCHEDULES["one_cycle"]
    assert [rate(0), rate(0.15), rate(0.3)] == pytest.approx([0.04, 0.52, 1])
    assert rate(0.65) == pytest.approx(0.5)
    assert 0 < rate(0.9999) < 1e-3


def test_cosine_is_half_a_wave():
    assert [SCHEDULES["cosine"](p) for p in (0, 1 / 3, 0.5, 2 / 3)] == pytest.approx([1, 0.75, 0.5, 0.25])


def test_constant_is_constant():
    assert {SCHEDULES["constant"](progress) for progress in PROGRESS} == {1.0}


def test_no_schedule_jumps_except_the_papers():
    for name, schedule in SCHEDULES.items():
        rates = [schedule(progress) for progress in PROGRESS]
        jump = max(math.fabs(after - before) for before, after in itertools.pairwise(rates))
        assert (jump > 0.1) == (name == "he2015")
