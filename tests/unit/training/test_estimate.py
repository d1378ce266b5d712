"""The estimate adds up what it measured."""

import pytest
import torch

from explorer.training import estimate
from explorer.training.estimate import time_estimate
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe


def test_steps_evaluations_and_seeds_are_counted(monkeypatch):
    monkeypatch.setattr(estimate, "_seconds_per_image", lambda *arguments: (0.001, 0.0001))
    recipe = Recipe(steps=10, batch_size=16, evaluate_every=5, evaluate_images=100)
    found = time_estimate(Plan(networks=("plain8", "resnet8"), recipe=recipe, seeds=(0, 1)))
    one_run = 10 * 16 * 0.001 + (2 * 2 * 100 + 360 + 1437) * 0.0001  # at 0 and 5 on samples, at 10 on all there is
    assert found.seconds == pytest.approx(4 * one_run)
    assert found.step_seconds == {"plain8": pytest.approx(0.016), "resnet8": pytest.approx(0.016)}


def test_looks_at_the_layers_are_counted(monkeypatch):
    monkeypatch.setattr(estimate, "_seconds_per_image", lambda *arguments: (0.001, 0.0))
    monkeypatch.setattr(estimate, "best_device", lambda: torch.device("cpu"))
    plan = Plan(networks=("plain8",), recipe=Recipe(steps=100, batch_size=64, probe_every=20))
    assert time_estimate(plan).seconds == pytest.approx(0.001 * (100 * 64 + 6 * 96))


def test_a_deeper_network_is_measured_slower():
    found = time_estimate(Plan(networks=("plain8", "plain56"), recipe=Recipe(steps=10, batch_size=32)))
    assert found.step_seconds["plain56"] > 2 * found.step_seconds["plain8"]
