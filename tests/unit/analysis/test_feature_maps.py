"""Feature maps: the arithmetic of every kind of block is exact; the most exciting place is where the maximum is."""

import numpy as np
import pytest
import torch

from explorer.analysis.feature_maps import block_arithmetic, block_places, excitement, filters, most_exciting
from explorer.errors import BadSettings, UnknownName
from explorer.models.layers import main_path
from explorer.models.network import build

FAMILIES = ["plain8-w4", "plain11-bottleneck-w4", "resnet8-w4", "resnet8-c-w4", "preresnet8-w4",
            "preresnet11-bottleneck-w4", "wrn-10-2-w4", "resnet11-bottleneck-w4", "resnext11-2x4d-w8",
            "resnet18d-w4", "seresnet8-w4", "densenet-7-4-w8", "densenet-bc-10-4", "resnet8-fixup-w4",
            "resnet8-skipinit-w4", "resnet8-alpha0.5-w4"]  # fmt: skip


@pytest.fixture
def images():
    return torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", FAMILIES)
def test_the_five_arrays_obey_their_equations(name, images, unchanged):
    network = build(name, classes=10)
    check = unchanged(network)
    before = None
    for place, module in block_places(network).items():
        found = block_arithmetic(network, images[:1], place)
        assert (found.place, found.module) == (place, module)
        if found.by == "sum":
            assert np.array_equal(found.joined, found.branch + found.shortcut)
        elif found.by == "concatenation":
            assert np.array_equal(found.joined, np.concatenate([found.shortcut, found.branch]))
        else:
            assert found.shortcut is None
            assert np.array_equal(found.joined, found.branch)
        block = network.get_submodule(module)
        if found.by == "sum" and isinstance(block.shortcut, torch.nn.Identity) and not found.shared_activation:
            assert np.array_equal(found.shortcut, network.config.shortcut_scale * found.x)
        ends_with_relu = network.config.order == "post" and not network.config.dense
        assert (found.relu is not None) == ends_with_relu
        if found.relu is not None:
            assert np.array_equal(found.relu, np.maximum(found.joined, 0))
        end = found.joined if found.relu is None else found.relu
        with torch.no_grad():
            network.eval()
            expected = block(torch.from_numpy(found.x)[None])[0].numpy()
            network.train()
        assert end == pytest.approx(expected, abs=1e-4 * max(1, float(abs(expected).max())))
        assert before is None or np.array_equal(found.x, before)  # the last block's output
        before = end
    check()


def test_no_such_block_or_several_images(images):
    with pytest.raises(UnknownName, match=r"No block of resnet8-w4 is called 'stage1.block2'"):
        block_arithmetic(build("resnet8-w4"), images[:1], "stage1.block2")
    with pytest.raises(BadSettings, match="`image` holds 4 images"):
        block_arithmetic(build("resnet8-w4"), images, "stage1.block1")
    with pytest.raises(BadSettings, match="Sequential is not a network of `build`"):
        block_arithmetic(torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3)), images[:1], "stage1.block1")


def test_filters_are_the_weights():
    network = build("resnet8-b-w4")
    assert np.array_equal(filters(network, "stem.conv"), network.stem.conv.weight.detach().numpy())
    assert filters(network, "stages.1.0.shortcut.conv").shape == (8, 4, 1, 1)
    with pytest.raises(UnknownName, match="No convolution of resnet8-b-w4 is called 'classifier'"):
        filters(network, "classifier")


@pytest.mark.parametrize("name", ["resnet8-w4", "preresnet8-w4", "densenet-bc-10-4", "resnet18-w4"])
def test_the_maximum_of_each_image_and_its_place(name, images):
    network = build(name, classes=10).eval()
    layers = [each for each in main_path(network) if isinstance(each.module, torch.nn.Conv2d)]
    modules = {each.name: each.response for each in layers}
    modules |= {place: network.get_submodule(module) for place, module in block_places(network).items()}
    for place, module in modules.items():
        kept = {}
        handle = module.register_forward_hook(lambda module, given, output, kept=kept: kept.update(out=output))
        with torch.no_grad():
            network(images)
        handle.remove()
        found = excitement(network, images, place)
        values = kept["out"]
        assert found.maxima == pytest.approx(values.amax((2, 3)).numpy(), abs=1e-5)
        assert found.columns == values.shape[3]
        row, column = divmod(int(found.positions[1, 2]), found.columns)
        assert float(values[1, 2, row, column]) == pytest.approx(float(found.maxima[1, 2]), abs=1e-5)


@pytest.mark.parametrize("name", ["resnet8-w4", "densenet-bc-10-4", "preresnet8-w4", "resnet18-w4"])
def test_nothing_outside_the_receptive_field_changes_a_position(name):
    """The gradient of one position lies in its field, and around its middle."""
    network = build(name, classes=10).double().eval()
    for parent in list(network.modules()):
        for child, module in list(parent.named_children()):
            if isinstance(module, torch.nn.ReLU):
                setattr(parent, child, torch.nn.LeakyReLU(0.5))  # where a ReLU is zero no gradient would pass
    side = 128
    images = torch.randn(1, 3, side, side, dtype=torch.float64, requires_grad=True)
    for place, module in block_places(network).items():
        kept = {}
        handle = network.get_submodule(module).register_forward_hook(
            lambda module, given, output, kept=kept: kept.update(out=output)
        )
        network(images)
        handle.remove()
        field = excitement(network.float(), images.detach().float(), place).field
        network.double()
        at = kept["out"].shape[3] // 2
        (gradient,) = torch.autograd.grad(kept["out"][0, :, at, at].sum(), images)
        seen = np.flatnonzero(gradient[0].abs().sum((0, 1)).numpy())
        assert seen.min() >= field.corner(at)
        assert seen.max() <= field.corner(at) + field.side - 1
        if field.corner(at) >= 0 and field.corner(at) + field.side <= side:
            assert abs((seen.min() + seen.max()) / 2 - field.corner(at) - (field.side - 1) / 2) <= field.jump


def test_the_highest_come_first():
    assert most_exciting([1.0, 3.0, 2.0, 3.0], 3).tolist() == [1, 3, 2]
