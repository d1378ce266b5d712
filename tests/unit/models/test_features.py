"""Features along a network, for every family and torchvision's own networks."""

import pytest
import torch
from torch import nn
from torchvision.models import resnet18, resnet50

from explorer.errors import BadSettings
from explorer.models.features import feature_points, record_features
from explorer.models.fused import fused
from explorer.models.network import build

FAMILIES = [
    "plain8-w4", "resnet8-w4", "resnet11-bottleneck-w4", "preresnet8-w4", "preresnet11-bottleneck-w4", "wrn-10-2-w4",
    "resnext11-2x4d-w8", "seresnet8-w4", "resnet18-w4", "resnet18d-w4", "densenet-7-4-w8", "densenet-bc-10-4",
    "resnet8-fixup-w4", "resnet8-skipinit-w4",
]  # fmt: skip


@pytest.fixture(scope="module")
def images():
    return torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", FAMILIES)
def test_outputs_are_those_of_a_forward_pass_written_out(name, images, unchanged):
    network = build(name).eval()
    features, expected = network.stem(images), []
    expected.append(features)
    for block in network.blocks:
        features = block(features)
        expected.append(features)
    if network.end is not None:
        expected.append(network.end(features))
    check = unchanged(network)
    points = feature_points(network)
    with torch.no_grad(), record_features(network, points, torch.clone) as latest:
        network(images)
    check()
    assert len(points) == len(expected)
    for one, other in zip(latest, expected, strict=True):
        torch.testing.assert_close(one, other)
    quick = fused(network)
    with torch.no_grad(), record_features(quick, points, torch.clone) as latest:
        quick(images)
    for one, other in zip(latest, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_points_are_in_the_order_of_the_forward_pass():
    points = feature_points(build("preresnet8-w4"), "all")
    assert [(each.name, each.part, each.stage, each.block, each.layer) for each in points][:4] == [
        ("stem", "output", 0, 0, 1),
        ("stages.0.0.norm2", "interior", 1, 1, 2),
        ("stages.0.0.conv2", "interior", 1, 1, 3),
        ("stages.0.0", "output", 1, 1, 3),
    ]
    assert points[-1].name == "end"
    outputs, interiors = (feature_points(build("preresnet8-w4"), parts) for parts in ("outputs", "interiors"))
    assert sorted(map(hash, [*outputs, *interiors])) == sorted(map(hash, points))


@pytest.mark.parametrize(("network", "blocks"), [(resnet18(width_per_group=64), 8), (resnet50(), 16)])
def test_networks_of_torchvision_have_them_too(network, blocks, images):
    points = feature_points(network.eval(), "all")
    with torch.no_grad(), record_features(network, points, lambda features: features.mean((2, 3))) as latest:
        network(images)
    assert [each.part for each in points].count("output") == 1 + blocks
    assert [each.shape[0] for each in latest] == [4] * len(points)


def test_networks_without_blocks_are_refused():
    with pytest.raises(BadSettings, match="Sequential has no blocks after which"):
        feature_points(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4, 2)))
    with pytest.raises(BadSettings, match=r"`parts` \(='inside'\) is not known"):
        feature_points(build("plain8-w4"), "inside")
