"""Loss landscapes: equal to passes with weights moved by hand, at the origin the loss itself; nothing else moves."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from explorer.analysis import landscape
from explorer.errors import BadSettings, UnknownName
from explorer.models.network import build

FAMILIES = ["plain8-w4", "preresnet8-w4", "resnet11-bottleneck-w4", "resnext11-2x4d-w8", "seresnet8-w4", "resnet18d-w4",
            "densenet-7-4-w8", "resnet8-fixup-w4", "resnet8-skipinit-w4"]  # fmt: skip


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(12, 3, 32, 32, generator=generator), torch.arange(12) % 10


def trained(name):
    """With running statistics and scalars that are not as at the start."""
    network = build(name, classes=10)
    with torch.no_grad():
        for value in network.parameters():
            if value.ndim < 2 or not value.any():
                value += 0.1
        for _ in range(2):
            network(torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(1)))
    return network.eval()


def loss_of(network, images, labels):
    with torch.no_grad():
        scores = network(images)
    return float(functional.cross_entropy(scores, labels)), float((scores.argmax(1) != labels).float().mean())


@pytest.mark.parametrize("name", FAMILIES)
def test_a_point_has_the_loss_of_weights_moved_by_hand(name, batch, unchanged):
    network = trained(name)
    check = unchanged(network)
    directions = [landscape.random_direction(network, axis=axis) for axis in range(2)]
    found = list(landscape.losses(network, directions, [(0, 0), (0.5, -0.25)], *batch))
    check()
    assert found[0] == pytest.approx(loss_of(network, *batch), rel=1e-5)
    with torch.no_grad():
        for key, value in network.named_parameters():
            if key in directions[0]:
                value += 0.5 * directions[0][key] - 0.25 * directions[1][key]
    assert found[1] == pytest.approx(loss_of(network, *batch), rel=1e-4)
    assert found[0] != found[1]


def test_directions_have_the_norm_of_each_filter_and_leave_norms_and_biases():
    network = trained("resnet8-w4")
    direction = landscape.random_direction(network)
    assert set(direction) == {name for name, value in network.named_parameters() if value.ndim > 1}
    assert "classifier.weight" in direction
    for name, value in direction.items():
        expected = network.get_parameter(name).flatten(1).norm(dim=1)
        torch.testing.assert_close(value.flatten(1).norm(dim=1), expected)
    other = landscape.random_direction(network, axis=1)
    assert not torch.equal(other["stem.conv.weight"], direction["stem.conv.weight"])


def test_twins_move_in_the_same_direction():
    plain, residual = (landscape.random_direction(build(name, seed=0)) for name in ("plain8-w4", "resnet8-w4"))
    assert all(torch.equal(plain[name], residual[name]) for name in plain)


def test_one_parameter_or_one_value_of_it_moves():
    network = trained("resnet8-w4")
    name = "stages.0.0.conv1.weight"
    assert set(landscape.random_direction(network, parameter=name)) == {name}
    (moved,) = landscape.random_direction(network, parameter=f"{name}[3,0,1,1]").values()
    weight = network.get_parameter(name)
    assert moved.count_nonzero() == 1
    assert moved[3, 0, 1, 1] == pytest.approx(weight[3].norm().item())
    (moved,) = landscape.random_direction(network, parameter="stages.0.0.norm1.bias[2]").values()
    assert moved.tolist() == pytest.approx([0, 0, 0.1, 0])
    with pytest.raises(BadSettings, match=r"is not a value of stages.0.0.conv1.weight.*the last is .*\[3,3,2,2\]"):
        landscape.random_direction(network, parameter=f"{name}[4,0,0,0]")
    with pytest.raises(UnknownName, match="No parameter of resnet8-w4 is called 'stem.weight'"):
        landscape.random_direction(network, parameter="stem.weight")


def test_other_modules_have_a_landscape_too(batch):
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(),
                                  torch.nn.Linear(4, 10))  # fmt: skip
    direction = landscape.random_direction(network)
    first, second, again = landscape.losses(network, [direction], [(0,), (1,), (0,)], *batch)
    assert first == pytest.approx(loss_of(network, *batch), rel=1e-5)
    assert first == again
    assert first != second


def weights(*rows):
    return [{"w": torch.tensor([row])} for row in rows]


def test_a_path_in_a_plane_is_explained_by_it():
    plane = landscape.plane_of(weights([4.0, 0, 1], [2, 2, 1], [0, 3, 1], [0, 0, 1]))
    assert sum(plane.explained) == pytest.approx(1)
    assert plane.outside == pytest.approx([0] * 4, abs=1e-5)
    assert plane.places[-1] == pytest.approx([0, 0])
    assert np.hypot(*plane.places.T) == pytest.approx([4, 8**0.5, 3, 0])
    first, second = (each["w"].flatten() for each in plane.directions)
    assert [float(first @ first), float(second @ second), float(first @ second)] == pytest.approx([1, 1, 0], abs=1e-6)


def test_principal_directions_are_those_of_scikit_learn():
    from sklearn.decomposition import PCA

    rows = np.random.default_rng(0).normal(size=(6, 40)).astype(np.float32)
    found = landscape.plane_of(weights(*rows.tolist()))
    expected = PCA(2).fit(rows - rows[-1])
    assert found.explained == pytest.approx(expected.explained_variance_ratio_, rel=1e-5)
    ours = np.array([each["w"].flatten().numpy() for each in found.directions])
    assert np.abs(np.sum(ours * expected.components_, axis=1)) == pytest.approx([1, 1], rel=1e-5)
    rest = (rows - rows[-1]) - found.places @ ours
    assert found.outside == pytest.approx(np.linalg.norm(rest, axis=1), abs=1e-4)


def test_a_plane_needs_three_different_moments():
    with pytest.raises(BadSettings, match="3 moments or more; there are 2"):
        landscape.plane_of(weights([1.0], [2.0]))
    with pytest.raises(BadSettings, match="of all moments are equal"):
        landscape.plane_of(weights([1.0], [1.0], [1.0]))
