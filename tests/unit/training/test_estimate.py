"""The estimate adds up what it measured."""

import pytest
import torch

from explorer.errors import BadSettings
from explorer.models.catalogue import NETWORKS, network_config
from explorer.models.size import multiply_adds
from explorer.training import estimate, memory
from explorer.training.estimate import network_cost, time_estimate
from explorer.training.memory import training_bytes
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe


def test_steps_evaluations_and_seeds_are_counted(monkeypatch):
    monkeypatch.setattr(estimate, "_seconds_per_image", lambda *arguments: (0.001, 0.0001))
    recipe = Recipe(steps=10, batch_size=16, evaluate_every=5, evaluate_images=100)
    plan = Plan(networks=("plain8", "resnet8"), recipe=recipe, seeds=(0, 1))
    found = time_estimate(plan, lanes=1)
    one_run = 10 * 16 * 0.001 + (2 * 2 * 100 + 360 + 1437) * 0.0001  # at 0 and 5 on samples, at 10 on all there is
    assert found.seconds == pytest.approx(4 * one_run)
    assert found.step_seconds == {"plain8": pytest.approx(0.016), "resnet8": pytest.approx(0.016)}
    assert (found.lanes, time_estimate(plan, lanes=2).lanes) == (1, 2)
    assert time_estimate(plan, lanes=2).seconds == pytest.approx(2 * one_run * estimate.LANE_COST)
    assert time_estimate(plan, lanes=3).seconds == pytest.approx(2 * one_run * estimate.LANE_COST)  # one has two runs


def test_looks_at_the_layers_are_counted(monkeypatch):
    monkeypatch.setattr(estimate, "_seconds_per_image", lambda *arguments: (0.001, 0.0))
    monkeypatch.setattr(estimate, "best_device", lambda: torch.device("cpu"))
    plan = Plan(networks=("plain8",), recipe=Recipe(steps=100, batch_size=64, probe_every=20))
    assert time_estimate(plan).seconds == pytest.approx(0.001 * (100 * 64 + 6 * 96))


def test_a_deeper_network_is_measured_slower():
    found = time_estimate(Plan(networks=("plain8", "plain56"), recipe=Recipe(steps=10, batch_size=32)))
    assert found.step_seconds["plain56"] > 2 * found.step_seconds["plain8"]


def measured_for(monkeypatch, networks, **recipe):
    """Which networks are measured, and the seconds of a step of each, where an image takes a millisecond."""
    found = []
    monkeypatch.setattr(estimate, "_seconds_per_image", lambda config, *others: found.append(config.name) or (0.001, 0))
    settings = Recipe(steps=10, batch_size=100, precision="fp32", **recipe)
    return found, time_estimate(Plan(networks=networks, recipe=settings)).step_seconds


def test_what_costs_the_same_is_measured_once_and_nothing_else(monkeypatch):
    networks = ("plain20", "resnet20", "resnet20-b", "resnet20-c", "preresnet20", "seresnet20", "resnet20-fixup")
    networks += ("resnet20-w8", "densenet-40-12", "densenet-40-24")
    found, _ = measured_for(monkeypatch, networks)
    assert sorted(found) == sorted(set(networks) - {"plain20"})


# with three colours instead of one the first layer makes little difference
DEEPER = multiply_adds(network_config("resnet110"), 8) / multiply_adds(network_config("resnet56"), 8)


@pytest.mark.slow
def test_deep_networks_are_timed_by_one_with_fewer_blocks(monkeypatch):
    found, seconds = measured_for(monkeypatch, tuple(f"plain{6 * n + 2}" for n in range(3, 151, 3)))
    assert len(found) <= 11  # two are bottleneck networks of those depths
    assert seconds["plain110"] == pytest.approx(seconds["plain56"] * DEEPER, rel=0.01)


def test_stochastic_depth_and_recomputation_change_a_step(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda device: 2**40)
    assert measured_for(monkeypatch, ("resnet110",), stochastic_depth=0.9)[1] == {
        "resnet110": pytest.approx(0.1 * DEEPER * (1 - 0.9 * 55 / 108), rel=0.01)
    }
    monkeypatch.setattr(memory, "available_bytes", lambda device: 2**20)
    assert measured_for(monkeypatch, ("resnet110",))[1] == {
        "resnet110": pytest.approx(0.1 * DEEPER * estimate.RECOMPUTE_COST, rel=0.01)
    }


def test_a_network_costs_its_steps_and_its_memory(monkeypatch):
    monkeypatch.setattr(estimate, "_seconds_per_image", lambda *arguments: (0.001, 0.0001))
    monkeypatch.setattr(estimate, "best_device", lambda: torch.device("cpu"))
    monkeypatch.setattr(estimate, "best_precision", lambda device, size: "fp32")
    monkeypatch.setattr(memory, "available_bytes", lambda device: 2**40)
    config = network_config("resnet110")
    found = network_cost(config, batch_size=64)
    assert (found.step_seconds, found.evaluation_seconds) == (pytest.approx(0.064), 0.0001)
    assert found.training_bytes == training_bytes(config, batch_size=64, image_size=32)
    assert found.recomputed_bytes == training_bytes(config, batch_size=64, image_size=32, recompute=True)
    assert (found.recomputes, found.device, found.precision) == (False, "cpu", "fp32")
    monkeypatch.setattr(memory, "available_bytes", lambda device: 2**20)
    assert network_cost(config, batch_size=64).step_seconds == pytest.approx(0.064 * estimate.RECOMPUTE_COST)
    with pytest.raises(BadSettings, match="densenet121 cannot take images of 8 pixels"):
        network_cost(network_config("densenet121"), image_size=8)


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_measured_of_a_network_is_small_and_made_of_the_same_blocks(name):
    config = network_config(name)
    shorter = estimate._shortened(config, config.image_size)
    changed = {"depth", "stages"}
    assert shorter.model_dump(exclude=changed) == config.model_dump(exclude=changed)
    assert all(0 < few <= many for few, many in zip(shorter.stage_blocks, config.stage_blocks, strict=True))
    if not config.dense:
        assert multiply_adds(shorter) <= estimate.MEASURE_WORK or max(shorter.stage_blocks) == 2


def test_the_time_of_a_deep_network_is_that_of_a_shorter_one_in_proportion(monkeypatch):
    timed = []
    monkeypatch.setattr(estimate, "_timed_step", lambda network, images, *others: timed.append(network) or len(images))
    config = network_config("resnet110")
    training, evaluation = estimate._seconds_per_image(config, 8, 16, "fp32", torch.device("cpu"), 0.0)
    assert {network.config.depth for network in timed} == {56}
    longer = multiply_adds(config, 8) / multiply_adds(network_config("resnet56"), 8)
    assert (training, evaluation) == (pytest.approx(longer), pytest.approx(longer))
