"""Gradient norms are those of a training step, and the network stays as it was."""

import copy

import pytest
import torch
from torch.nn import functional

from explorer import tables
from explorer.analysis.gradients import gradient_profile
from explorer.errors import BadSettings
from explorer.models.network import build

NETWORKS = ["plain8-w4", "resnet8-w4", "resnet8-b-w4", "resnet8-c-w4"]


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(6, 3, 8, 8, generator=generator), torch.arange(6)


def state(network):
    return {
        "values": copy.deepcopy(network.state_dict()),
        "modes": [module.training for module in network.modules()],
        "frozen": [p.requires_grad for p in network.parameters()],
        "gradients": [None if p.grad is None else p.grad.clone() for p in network.parameters()],
    }


def assert_same(before, after):
    torch.testing.assert_close(after["values"], before["values"], rtol=0, atol=0)
    assert after["modes"] == before["modes"]
    assert after["frozen"] == before["frozen"]
    torch.testing.assert_close(after["gradients"], before["gradients"], rtol=0, atol=0)


def used(name, batch):
    """A network in a state that is easily lost: mixed modes, a frozen layer, a gradient, moved statistics."""
    network = build(name)
    network(batch[0])
    network.eval()
    network.stages[1].train()
    network.stem.conv.weight.requires_grad_(False)
    network.classifier.bias.grad = torch.ones(10)
    return network


@pytest.mark.parametrize("name", NETWORKS)
def test_norms_are_those_of_a_training_step(name, batch):
    images, labels = batch
    profile = gradient_profile(build(name).eval(), images, labels)
    trained = build(name).train()
    functional.cross_entropy(trained(images), labels).backward()
    for row in profile.itertuples():
        weight = trained.get_submodule(row.name).weight
        assert row.gradient_norm == pytest.approx(weight.grad.square().sum().sqrt().item(), rel=1e-4)
        assert row.weight_norm == pytest.approx(weight.square().sum().sqrt().item(), rel=1e-5)
        assert row.relative == pytest.approx(row.gradient_norm / row.weight_norm)


def test_a_gradient_is_the_slope_of_the_loss(batch):
    """By finite differences: a small step along the gradient of a layer raises the loss by step times norm."""
    network, step = build("plain8-w4").double(), 1e-6
    images, labels = batch[0].double(), batch[1]
    norm = gradient_profile(network, images, labels).set_index("name").loc["stages.1.0.conv1", "gradient_norm"]
    before = functional.cross_entropy(network(images), labels)
    weight = network.stages[1][0].conv1.weight
    (gradient,) = torch.autograd.grad(before, weight)
    with torch.no_grad():
        weight += step * gradient / gradient.norm()
    after = functional.cross_entropy(network(images), labels)
    assert (after - before).item() / step == pytest.approx(norm, rel=1e-3)


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_are_those_of_the_main_path_in_order(name, batch):
    profile = gradient_profile(build(name), *batch)
    assert list(profile.columns) == tables.GRADIENTS
    assert list(profile["layer"]) == list(range(1, 9))
    assert list(profile["name"][[0, 1, 2, 7]]) == ["stem.conv", "stages.0.0.conv1", "stages.0.0.conv2", "classifier"]
    assert list(profile["stage"]) == [0, 1, 1, 2, 2, 3, 3, 4]
    assert list(profile["block"]) == [0, 1, 1, 1, 1, 1, 1, 0]


def test_blocks_are_counted_within_their_stage(batch):
    profile = gradient_profile(build("resnet14-w4"), *batch)
    assert len(profile) == 14
    assert list(profile["block"]) == [0, 1, 1, 2, 2, 1, 1, 2, 2, 1, 1, 2, 2, 0]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_network_stays_as_it_was(name, batch):
    network = used(name, batch)
    before = state(network)
    with torch.no_grad():  # also where the caller has switched gradients off
        first = gradient_profile(network, *batch)
    assert_same(before, state(network))
    assert first.equals(gradient_profile(network, *batch))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_network_stays_as_it_was_after_an_error(name, batch):
    network = used(name, batch)
    before = state(network)
    with pytest.raises(IndexError):
        gradient_profile(network, batch[0], batch[1] + 100)  # no such classes, found only in the loss
    assert_same(before, state(network))


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        ((3, 8, 8), (3,), "`images` has shape (3, 8, 8); expected (N, 3, H, W). Add a batch dimension"),
        ((4, 1, 8, 8), (4,), "`images` has shape (4, 1, 8, 8); expected (N, 3, H, W)."),
        ((1, 3, 8, 8), (1,), "`images` holds 1 images; batch norm takes its statistics from the batch."),
        ((4, 3, 8, 8), (3,), "`labels` has shape (3,); expected (4,). Give one class for each image."),
        ((4, 3, 8, 8), (4, 1), "`labels` has shape (4, 1); expected (4,)."),
    ],
)
def test_what_is_not_a_batch_with_its_labels_is_refused(images, labels, message):
    with pytest.raises(BadSettings) as error:
        gradient_profile(build("plain8-w4"), torch.zeros(images), torch.zeros(labels, dtype=torch.long))
    assert message in str(error.value)
