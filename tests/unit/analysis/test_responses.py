"""Responses are what plain hooks see, in networks that compute in place too, and nothing is left behind."""

import weakref

import pytest
import torch
import torchvision
from torch import nn

from explorer import tables
from explorer.analysis.images import part_size, parts
from explorer.analysis.responses import response_histogram, response_std
from explorer.errors import BadSettings
from explorer.files import PROJECT
from explorer.models.blocks import BasicBlock
from explorer.models.network import build
from explorer.runs.checkpoints import load_checkpoint

NETWORKS = ["plain8-w4", "resnet8-w4", "resnet8-b-w4", "resnet8-c-w4"]
SHIPPED = sorted(path.parent.name for path in PROJECT.glob("checkpoints/shipped-cifar10-*/checkpoint.safetensors"))


def by_plain_hooks(network, images):
    """Every norm's output, kept whole; then the spread of each."""
    kept = {}
    hooks = [
        module.register_forward_hook(lambda module, inputs, output, name=name: kept.update({name: output.clone()}))
        for name, module in network.named_modules()
        if isinstance(module, nn.BatchNorm2d) and "shortcut" not in name and "downsample" not in name
    ]
    with torch.no_grad():
        network.eval()(images)
    for hook in hooks:
        hook.remove()
    return [value.double().std(correction=0).item() for value in kept.values()]


class InPlaceBlock(BasicBlock):
    """Overwrites what its hooks have seen."""

    def forward(self, x):
        out = self.relu1(self.norm1(self.conv1(x)))
        out = self.norm2(self.conv2(out))
        if self.shortcut is not None:
            out += self.shortcut(x)
        return self.relu2(out)


def in_place(network):
    """The same network, computing in place wherever it can."""
    for module in network.modules():
        if isinstance(module, BasicBlock):
            module.__class__ = InPlaceBlock
        if isinstance(module, nn.ReLU):
            module.inplace = True
    return network


@pytest.mark.parametrize("name", NETWORKS)
def test_spreads_are_those_of_plain_hooks(name, used, batch):
    table = response_std(used(name), batch[0])
    assert list(table.columns) == tables.RESPONSES
    assert list(table["response_std"][:-1]) == pytest.approx(by_plain_hooks(used(name), batch[0]), abs=1e-5)


@pytest.mark.parametrize("name", SHIPPED)
def test_so_they_are_on_the_shipped_cifar_networks(name, monkeypatch):
    monkeypatch.setattr("explorer.runs.store.SHIPPED", PROJECT / "checkpoints")
    images = torch.randn(40, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    network = load_checkpoint(name)
    expected = by_plain_hooks(network, images)
    assert list(response_std(network, images)["response_std"][:-1]) == pytest.approx(expected, abs=1e-5)


def test_an_in_place_network_is_measured_correctly(used, batch):
    name = "resnet14-w4"
    plain, overwriting = response_std(used(name), batch[0]), response_std(in_place(used(name)), batch[0])
    for column in ("response_std", "response_mean", "zeros", "dead"):
        assert list(overwriting[column]) == pytest.approx(list(plain[column]), abs=1e-6, nan_ok=True), column


def test_torchvision_networks_are_measured_too():
    network = torchvision.models.resnet18(num_classes=10).eval()
    images = torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    table = response_std(network, images)
    assert list(table["response_std"][:-1]) == pytest.approx(by_plain_hooks(network, images), rel=1e-4)
    assert table["zeros"][:-1].between(0.05, 0.95).all()


def test_parts_give_what_the_whole_gives(used, batch):
    whole = response_std(used("resnet8-w4"), batch[0])
    parts = response_std(used("resnet8-w4"), [(batch[0][:1], batch[1][:1]), batch[0][1:]])
    for column in ("response_std", "response_mean", "zeros", "dead"):
        assert list(parts[column]) == pytest.approx(list(whole[column]), rel=1e-5, nan_ok=True)


def test_memory_does_not_grow_with_the_number_of_images(batch):
    """Of the parts that were measured at most the last one is still there when another is asked for."""
    seen = []

    def parts():
        for _ in range(4):
            assert sum(reference() is not None for reference in seen) <= 1
            images = batch[0].clone()
            seen.append(weakref.ref(images))
            yield images
            del images

    response_std(build("plain8-w4"), parts())
    assert len(seen) == 4


def test_no_digits_are_lost_where_the_mean_is_far_above_the_spread(used, batch):
    network = used("plain8-w4")
    nn.init.constant_(network.stages[0][0].norm1.bias, 3000.0)
    expected = by_plain_hooks(network, batch[0])[1]
    assert response_std(network, batch[0])["response_std"][1] == pytest.approx(expected, rel=1e-4)


def test_zeros_are_those_of_the_relu_after_the_addition(used, batch):
    network = used("resnet8-w4").eval()
    kept = {}
    network.stages[0][0].relu1.register_forward_hook(lambda module, inputs, output: kept.update(first=output))
    network.stages[0][0].relu2.register_forward_hook(lambda module, inputs, output: kept.update(second=output))
    table = response_std(network, batch[0])
    network(batch[0])
    assert table["zeros"][1] == pytest.approx((kept["first"] == 0).float().mean().item())
    assert table["zeros"][2] == pytest.approx((kept["second"] == 0).float().mean().item())
    assert table["zeros"].isna().tolist() == [False] * 7 + [True]  # no ReLU follows the classifier


def test_a_second_relu_after_a_response_is_not_counted():
    """The second one sees what the first has let through, less all of it."""
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), nn.AvgPool2d(1), nn.Threshold(1e9, 0.0), nn.ReLU())
    nn.init.constant_(network[0].weight, 1.0)
    nn.init.zeros_(network[0].bias)
    table = response_std(network, torch.tensor([-1.0, 1.0, 2.0, 3.0]).reshape(4, 1, 1, 1))
    assert table["zeros"][0] == pytest.approx(0.25)
    assert table["dead"][0] == 0


def test_a_channel_that_never_fires_is_dead(used, batch):
    network = used("plain8-w4")
    with torch.no_grad():
        network.stages[1][0].norm1.bias[:2] = -1000.0
    dead = response_std(network, batch[0])["dead"]
    assert dead[3] == pytest.approx(2 / 8)
    assert dead[1] == 0


def test_batch_statistics_are_those_of_training(batch):
    """In training mode the norms of an untrained network give spread one, whatever came before."""
    table = response_std(build("resnet14-w4"), batch[0], statistics="batch")
    assert list(table["response_std"][:-1]) == pytest.approx([1.0] * 13, abs=1e-3)
    assert response_std(build("resnet14-w4"), batch[0])["response_std"][5] > 1.1


def test_the_network_stays_as_it_was(used, unchanged, batch):
    network = used("resnet8-c-w4")
    check = unchanged(network)
    response_std(network, batch[0], statistics="batch")
    response_histogram(network, batch[0], 3)
    check()
    with pytest.raises(RuntimeError):
        response_std(network, torch.zeros(2, 3, 8, 8, dtype=torch.complex64))
    with pytest.raises(RuntimeError):
        response_histogram(network, torch.zeros(2, 3, 8, 8, dtype=torch.complex64), 3)
    check()


def test_a_histogram_counts_every_response_once(used, batch):
    network = used("resnet8-w4").eval()
    table = response_histogram(network, [batch[0][:2], batch[0][2:]], 4)
    assert list(table.columns) == tables.HISTOGRAM
    assert table["fraction"].sum() == pytest.approx(1.0)
    kept = []
    network.stages[1][0].norm1.register_forward_hook(lambda module, inputs, output: kept.append(output))
    network(batch[0])
    bin_ = table.iloc[33]
    inside = (kept[0] >= bin_["low"]) & (kept[0] < bin_["high"])
    assert bin_["fraction"] == pytest.approx(inside.float().mean().item(), abs=1e-3)
    assert set(table["name"]) == {"stages.1.0.conv1"}


def test_the_ends_of_a_histogram_hold_what_lies_beyond(used, batch):
    calm, wild = batch[0][:3], batch[0][3:] * 100
    table = response_histogram(used("plain8-w4").eval(), [calm, wild], 1)
    assert table["fraction"].iloc[[0, -1]].sum() > 0.3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda net: response_std(net, torch.zeros(3, 8, 8)), "`images` has shape (3, 8, 8); expected (N, 3, H, W)."),
        (lambda net: response_std(net, torch.zeros(1, 3, 8, 8), statistics="batch"), "Give at least 2."),
        (lambda net: response_std(net, []), "`images` holds no images. Give at least one."),
        (lambda net: response_std(net, torch.zeros(2, 3, 8, 8), statistics="x"), "Known: 'running', 'batch'."),
        (lambda net: response_std(nn.ReLU(), torch.zeros(2, 3, 8, 8)), "ReLU has no convolution or linear layer"),
        (lambda net: response_histogram(net, torch.zeros(2, 3, 8, 8), 9), "`layer` (=9) is not a layer of this"),
    ],
)
def test_what_cannot_be_measured_is_refused(call, message):
    with pytest.raises(BadSettings) as error:
        call(build("plain8-w4"))
    assert message in str(error.value)


@pytest.mark.parametrize(("shape", "size"), [((3, 32, 32), 250), ((3, 224, 224), 16), ((3, 2000, 2000), 2)])
def test_fewer_large_images_are_computed_at_once(shape, size):
    assert part_size(torch.empty(1, *shape, device="meta")) == size
    assert [len(part) for part in parts(torch.empty(size + 3, *shape, device="meta"))] == (
        [size, 3] if size > 2 else [2, 2, 1]
    )
