"""A fused network gives the scores of its original, which it leaves alone."""

import pytest
import torch
from torch import nn

from explorer.models import fused as module
from explorer.models.catalogue import network_config
from explorer.models.config import NetworkConfig
from explorer.models.fused import fused
from explorer.models.network import build
from explorer.models.recording import record_responses

NAMES = [
    "plain20-w4", "resnet20-w4", "resnet20-b-w4", "plain18-w4", "resnet18-w4", "resnet50-w4", "resnet50-d-w4",
    "resnet50-v1-w4", "preresnet20-w4", "resnet164-w4", "wrn-10-2", "resnext29-2x4d", "seresnet20-w4", "densenet-22-4",
    "densenet-bc-40-4", "resnet20-fixup-w4", "resnet20-skipinit-w4", "resnet20-alpha0.5-w4",
]  # fmt: skip
DEEP = 100  # whose numbers would grow beyond all bounds; a shallower one has the same kind of blocks


def trained(name):
    """A network whose every number differs from its initial value, as after training."""
    config = network_config(name)
    if config.depth > DEEP:
        config = NetworkConfig(**(config.model_dump() | {"depth": 11}))
    network, stream = build(config).eval(), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for each in [*network.parameters(), *network.buffers()]:
            if each.is_floating_point():
                each.add_(torch.rand(each.shape, generator=stream), alpha=0.1)
    return network


def images(side=32):
    return torch.randn(3, 3, side, side, generator=torch.Generator().manual_seed(0))


def scores(network, of):
    with torch.inference_mode():
        return network(of)


@pytest.mark.parametrize("one_pass", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_scores_are_the_same(name, one_pass, monkeypatch):
    if not one_pass:
        monkeypatch.setattr(module, "in_one_pass", lambda: False)
    network = trained(name)
    expected = scores(network, images())
    assert expected.std() > 0
    for each in (images(), images().contiguous(memory_format=torch.channels_last)):
        found = scores(fused(network), each)
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5 * float(expected.std()))


@pytest.mark.parametrize("name", ["plain20-w4", "resnet20-w4", "resnet20-b-w4", "resnet50-w4", "resnet50-d-w4"])
def test_no_norm_and_no_separate_relu_are_left_in_networks_of_2015(name):
    left = [each for each in fused(build(name)).modules() if isinstance(each, nn.BatchNorm2d | nn.ReLU)]
    assert left == []


def test_inner_norms_of_preactivation_blocks_are_folded():
    network = fused(build("preresnet20-w4"))
    norms = [name for name, each in network.named_modules() if isinstance(each, nn.BatchNorm2d)]
    assert norms == [f"stages.{stage}.{block}.norm1" for stage in range(3) for block in range(3)] + ["end.norm"]


@pytest.mark.parametrize("training", [True, False])
def test_the_network_and_the_images_stay_as_they_are(training, unchanged):
    network, given = trained("resnet20-w4").train(training), images()
    check = unchanged(network)
    scores(fused(network), given)
    check()
    assert torch.equal(given, images())


def test_a_network_with_hooks_is_run_as_it_is():
    network = trained("resnet20-w4")
    with record_responses(network):
        assert fused(network) is network
    assert fused(network) is not network


def test_a_network_of_others_is_run_as_it_is():
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU())
    assert fused(network) is network


@pytest.mark.parametrize("error", [AttributeError, RuntimeError, TypeError])
def test_without_the_operations_of_onednn_several_passes_are_made(error, monkeypatch):
    def missing(*_):
        raise error

    monkeypatch.setattr(module.FusedConvolution, "one_pass", missing)
    assert not module.in_one_pass.__wrapped__()


def test_operations_that_give_other_numbers_are_not_used(monkeypatch):
    monkeypatch.setattr(module.FusedConvolution, "one_pass", lambda _, images, other: images)
    assert not module.in_one_pass.__wrapped__()
