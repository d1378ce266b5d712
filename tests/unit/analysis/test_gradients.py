"""Gradient norms are those of a training step, and the network stays as it was."""

import pandas as pd
import pytest
import torch
from torch.nn import functional

from explorer import tables
from explorer.analysis.gradients import gradient_profile
from explorer.errors import BadSettings
from explorer.models.network import build

NETWORKS = ["plain8-w4", "resnet8-w4", "resnet8-b-w4", "resnet8-c-w4"]


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
def test_the_network_stays_as_it_was(name, batch, used, unchanged):
    network = used(name)
    check = unchanged(network)
    with torch.no_grad():  # also where the caller has switched gradients off
        first = gradient_profile(network, *batch)
    check()
    assert first.equals(gradient_profile(network, *batch))
    with pytest.raises(IndexError):
        gradient_profile(network, batch[0], batch[1] + 100)  # no such classes, found only in the loss
    check()


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_of_responses_are_those_that_come_back_to_the_norms(name, batch):
    images, labels = batch
    profile = gradient_profile(build(name), images, labels).set_index("name")
    network, kept = build(name).train(), {}
    for place, norm in (("stem.conv", network.stem.norm), ("stages.2.0.conv2", network.stages[2][0].norm2)):
        norm.register_full_backward_hook(lambda module, inner, outer, place=place: kept.update({place: outer[0]}))
    functional.cross_entropy(network(images), labels).backward()
    for place, gradient in kept.items():
        assert profile.loc[place, "response_gradient"] == pytest.approx(gradient.norm().item(), rel=1e-4)


def test_over_batches_the_median_and_the_quartiles_are_given(batch):
    images, labels = (torch.cat([each] * 3) for each in batch)
    images = images * torch.linspace(0.5, 2, len(images))[:, None, None, None]
    whole = gradient_profile(build("plain8-w4"), images, labels, batch_size=6)
    each = pd.concat(gradient_profile(build("plain8-w4"), images[i : i + 6], labels[i : i + 6]) for i in (0, 6, 12))
    for column, low, high in (
        ("gradient_norm", "gradient_low", "gradient_high"),
        ("response_gradient", "response_gradient_low", "response_gradient_high"),
    ):
        values = each.groupby("layer")[column]
        assert list(whole[column]) == pytest.approx(list(values.median()))
        assert list(whole[low]) == pytest.approx(list(values.quantile(0.25)))
        assert list(whole[high]) == pytest.approx(list(values.quantile(0.75)))
        assert (whole[low] < whole[high]).all()


@pytest.mark.parametrize("size", [1, 7])
def test_a_batch_size_that_gives_no_batch_is_refused(size, batch):
    with pytest.raises(BadSettings, match=f"`batch_size` \\(={size}\\) is not between 2 and the 6 images"):
        gradient_profile(build("plain8-w4"), *batch, batch_size=size)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        ((3, 8, 8), (3,), "`images` has shape (3, 8, 8); expected (N, 3, H, W). Add a batch dimension"),
        ((4, 1, 8, 8), (4,), "`images` has shape (4, 1, 8, 8); expected (N, 3, H, W)."),
        ((1, 3, 8, 8), (1,), "`images` holds 1 image; batch norm takes its statistics from the batch."),
        ((4, 3, 8, 8), (3,), "`labels` has shape (3,); expected (4,). Give one class for each image."),
        ((4, 3, 8, 8), (4, 1), "`labels` has shape (4, 1); expected (4,)."),
    ],
)
def test_what_is_not_a_batch_with_its_labels_is_refused(images, labels, message):
    with pytest.raises(BadSettings) as error:
        gradient_profile(build("plain8-w4"), torch.zeros(images), torch.zeros(labels, dtype=torch.long))
    assert message in str(error.value)
