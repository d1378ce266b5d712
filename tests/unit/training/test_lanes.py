"""How runs are shared out over processes."""

import pytest

from explorer.models.catalogue import network_config
from explorer.training import lanes
from explorer.training.lanes import Work, choose, lanes_for, lanes_of_plan
from explorer.training.plan import Plan
from explorer.training.presets import PRESETS
from explorer.training.recipe import Recipe


@pytest.mark.parametrize(
    ("costs", "cores", "expected"),
    [
        ([1], 2, (2, ((0,),))),  # one run alone gets all cores
        ([1, 1], 2, (1, ((0,), (1,)))),
        ([3, 1, 1, 1], 2, (1, ((0,), (1, 2, 3)))),
        ([1, 2, 3, 4], 1, (1, ((0, 1, 2, 3),))),
        ([1] * 6, 4, (1, ((0, 3), (1, 4), (2, 5)))),  # a fourth lane would end no earlier
        ([1] * 2, 8, (4, ((0,), (1,)))),
    ],
)
def test_the_last_lane_ends_early(costs, cores, expected):
    found = choose(costs, cores=cores)
    assert (found.threads, found.shares) == expected


def test_every_run_is_in_one_lane():
    costs = [(7 * number) % 11 + 1 for number in range(30)]
    for cores in range(1, 9):
        found = choose(costs, cores=cores)
        assert sorted(run for share in found.shares for run in share) == list(range(30))
        assert len(found.shares) * found.threads <= cores


def test_what_the_user_asks_for_is_done():
    assert len(choose([1] * 6, cores=2, lanes=5).shares) == 5
    assert len(choose([1] * 3, cores=8, lanes=5).shares) == 3
    assert choose([1] * 6, cores=8, lanes=2).threads == 4
    assert choose([1] * 6, cores=8, lanes=2, threads=1).threads == 1


def test_known_threads_and_memory_are_limits():
    assert len(choose([1] * 6, cores=4, threads=2).shares) == 2
    assert len(choose([1] * 6, cores=4, threads=7).shares) == 1
    assert len(choose([1] * 6, cores=4, most=2).shares) == 2
    assert len(choose([1] * 6, cores=4, most=0).shares) == 1


def test_a_machine_with_little_memory_has_fewer_lanes(monkeypatch):
    monkeypatch.setattr(lanes, "core_count", lambda: 4)
    monkeypatch.setattr(lanes, "has_gpu", lambda: False)
    work = [Work(network_config("resnet20"), Recipe(), 32)] * 8
    monkeypatch.setattr(lanes, "available_memory", lambda: 10**11)
    assert len(lanes_for(work).shares) == 4
    monkeypatch.setattr(lanes, "available_memory", lambda: 2 * 10**9)
    assert len(lanes_for(work).shares) == 1
    monkeypatch.setattr(lanes, "available_memory", lambda: 10**11)
    assert len(lanes_for(work, in_use=3).shares) == 1


def test_a_gpu_is_not_shared_unless_asked(monkeypatch):
    monkeypatch.setattr(lanes, "has_gpu", lambda: True)
    plan = PRESETS["one_minute"].plan
    assert [len(lanes_of_plan(plan, count).shares) for count in (0, 4)] == [1, 4]


def test_the_work_left_counts():
    recipe = Recipe(steps=100, batch_size=32)
    whole = Work(network_config("resnet56"), recipe, 8)
    assert Work(network_config("resnet56"), recipe, 8, step=75).cost == pytest.approx(whole.cost / 4)
    assert 2 < whole.cost / Work(network_config("resnet20"), recipe, 8).cost < 3


def test_the_demo_is_shared_out_evenly(monkeypatch):
    monkeypatch.setattr(lanes, "core_count", lambda: 2)
    monkeypatch.setattr(lanes, "has_gpu", lambda: False)
    found = lanes_of_plan(Plan(**PRESETS["one_minute"].plan.model_dump()))
    assert [len(share) for share in found.shares] == [9, 9]
