"""Operated networks compute what a forward pass written without them computes, and leave their original alone."""

import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

from explorer.errors import BadSettings
from explorer.models.catalogue import NETWORKS, network_config
from explorer.models.config import NetworkConfig
from explorer.models.fused import fused
from explorer.models.network import build
from explorer.models.operated import operated
from explorer.models.operations import possible
from explorer.models.recording import record_responses
from explorer.weights.matching import load_foreign_state
from tests.unit.conftest import trained

# One of every kind of block, with blocks that change the shape and blocks that do not
TINY = [
    "plain14-w4", "resnet14-w4", "resnet14-c-w4", "resnet14-d-w4", "preresnet20-w4", "seresnet14-w8", "wrn-22-2",
    "resnet29-bottleneck-v1-w4", "preresnet29-bottleneck-w4", "resnext29-2x4d", "wide-resnet29-2-w4", "resnet18-w4",
    "densenet-22-4", "densenet-bc-40-4", "resnet14-fixup-w4", "preresnet20-skipinit-w4", "resnet14-b-alpha0.5-w4",
    "preresnet20-alpha0.9-w4",
]  # fmt: skip


def images(side=16):
    return torch.randn(3, 3, side, side, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def scores(network, of=None):
    return network.eval()(images() if of is None else of)


# The forward pass of every family, written once more from its papers, with the weights of a network


def norm(tensors, name, x):
    """Batch norm, or what stands in its place."""
    if f"{name}.running_mean" in tensors:
        mean, var, weight, bias = (
            tensors[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        scale = weight / (var + 1e-5).sqrt()
        return x * scale[:, None, None] + (bias - mean * scale)[:, None, None]
    return x * tensors.get(f"{name}.weight", 1) + tensors.get(f"{name}.bias", 0)


def conv(tensors, name, x, stride=1, groups=1):
    weight = tensors[f"{name}.weight"]
    x = x + tensors.get(f"{name}.shift", 0)
    return F.conv2d(x, weight, tensors.get(f"{name}.bias"), stride, weight.shape[-1] // 2, groups=groups)


def branch_of(config, tensors, name, x, stride):
    layers = sum(f"{name}.conv{number}.weight" in tensors for number in (1, 2, 3))
    strided = 1 if layers == 2 or config.stride_on == "1x1" else 2
    for number in range(1, layers + 1):
        kernel = (stride if number == strided else 1, config.groups if layers == 3 and number == 2 else 1)
        if config.order == "pre":
            x = conv(tensors, f"{name}.conv{number}", norm(tensors, f"{name}.norm{number}", x).relu(), *kernel)
        else:
            x = norm(tensors, f"{name}.norm{number}", conv(tensors, f"{name}.conv{number}", x, *kernel))
            x = x.relu() if number < layers else x
    if config.order == "pre":
        x = norm(tensors, f"{name}.norm{layers + 1}", x)
    if config.excitation:
        squeezed = x.mean((2, 3))
        first, second = (excitation(tensors, name, place) for place in (0, 1))
        x = x * F.linear(F.linear(squeezed, *first).relu(), *second).sigmoid()[:, :, None, None]
    return x


def excitation(tensors, name, place):
    inside = [key for key in tensors if key.startswith(f"{name}.excitation.")]
    weight, bias = ([key for key in inside if key.endswith(end)][place] for end in ("weight", "bias"))
    return tensors[weight].flatten(1), tensors[bias]


def shortcut_of(config, tensors, name, x, width, stride):
    if config.shortcut == "none":
        return None
    if f"{name}.shortcut.conv.weight" in tensors:
        pooled = config.shortcut == "D" and stride > 1
        if pooled:
            x = F.avg_pool2d(x, stride, ceil_mode=True, count_include_pad=False)
        x = conv(tensors, f"{name}.shortcut.conv", x, 1 if pooled else stride)
        return norm(tensors, f"{name}.shortcut.norm", x)
    if stride == 1 and x.shape[1] == width:
        return x
    missing = width - x.shape[1]
    return F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, missing // 2, missing - missing // 2))


def forward(network, order, *, without=(), alpha=None, beta=None, weights=None):
    """Scores with the blocks in this order (stage and block, from 1), some without their branches.

    Args:
        order: for each place its block and its stride, width: lists of (stage, block).
        alpha, beta: factors of shortcut and branch by block.
        weights: state dicts of other weights by block.
    """
    config, own = network.config, dict(network.state_dict())
    x = network.stem(images())
    shapes = {(block.shape.stage, block.shape.block): block.shape for block in network.blocks}
    for place in order:
        shape, name = shapes[place], f"stages.{place[0] - 1}.{place[1] - 1}"
        tensors = (weights or {}).get(place, own)
        a, b = (alpha or {}).get(place, 1.0), (beta or {}).get(place, 1.0)
        if config.shortcut == "none":
            x = x if place in without else branch_of(config, tensors, name, x, shape.stride).relu()
            continue
        active = norm(tensors, f"{name}.norm1", x).relu() if shape.shares_activation else x
        beside = config.shortcut_scale * a * shortcut_of(config, tensors, name, active, shape.width, shape.stride)
        out = beside if place in without else beside + b * branch_of(config, tensors, name, x, shape.stride)
        x = out if config.order == "pre" else out.relu()
    if network.end is not None:
        x = network.end(x)
    return network.classifier(x.mean((2, 3)))


def places_of(network):
    return [(block.shape.stage, block.shape.block) for block in network.blocks]


def close(found, expected):
    assert expected.std() > 0
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4 * float(expected.std()))


RESIDUAL = [name for name in TINY if "dense" not in name]


@pytest.mark.parametrize("name", RESIDUAL)
@torch.no_grad()
def test_the_forward_pass_written_here_is_that_of_the_network(name):
    network = trained(name)
    close(scores(network), forward(network, places_of(network)))


@pytest.mark.parametrize("name", RESIDUAL)
@torch.no_grad()
def test_a_deleted_block_is_a_forward_pass_without_it(name):
    network = trained(name)
    for each in possible(network.config):
        if "delete" not in each.refused and each.block < 3:
            place = (each.stage, each.block)
            found = operated(network, f"delete:{each.stage}.{each.block}")
            close(scores(found), forward(network, places_of(network), without={place}))


@pytest.mark.parametrize("name", RESIDUAL)
@torch.no_grad()
def test_repeated_swapped_and_new_blocks(name):
    network = trained(name)
    order = places_of(network)
    able = next(each for each in possible(network.config) if each.partners and "repeat" not in each.refused)
    place, other = (able.stage, able.block), able.partners[0]
    text = f"{place[0]}.{place[1]}"
    at = order.index(place)
    close(
        scores(operated(network, f"repeat:{text},repeat:{text}")),
        forward(network, [*order[:at], place, place, *order[at:]]),
    )
    swapped = [{place: other, other: place}.get(each, each) for each in order]
    close(scores(operated(network, f"swap:{text}-{other[0]}.{other[1]}")), forward(network, swapped))
    states = {7: build(name, seed=7).state_dict()}
    drawn = operated(network, f"reinit:{text}@seed7")
    close(scores(drawn), forward(network, order, weights={place: states[7]}))
    earlier = operated(network, f"reinit:{text}@7", snapshots=lambda step: states[step])
    assert torch.equal(scores(earlier), scores(drawn))


@pytest.mark.parametrize("name", [name for name in RESIDUAL if "plain" not in name])
@torch.no_grad()
def test_weighted_shortcuts_and_branches(name):
    network = trained(name)
    order = places_of(network)
    second = order[1]
    text = f"{second[0]}.{second[1]}"
    close(scores(operated(network, "shortcut:0.5")), forward(network, order, alpha=dict.fromkeys(order, 0.5)))
    close(scores(operated(network, f"branch:{text}@0.25")), forward(network, order, beta={second: 0.25}))
    both = operated(network, f"delete:{text},shortcut:{text}@0.5")
    close(scores(both), forward(network, order, without={second}, alpha={second: 0.5}))


@pytest.mark.parametrize("name", ["densenet-22-4", "densenet-bc-40-4"])
@torch.no_grad()
def test_a_deleted_dense_layer_adds_zeros(name):
    network = trained(name)
    x = network.stem(images())
    for number, block in enumerate(network.blocks):
        out = block(x)
        x = torch.cat([x, torch.zeros_like(out[:, x.shape[1] :])], 1) if number == 1 else out
    expected = network.classifier(network.end(x).mean((2, 3)))
    close(scores(operated(network, "delete:1.2")), expected)
    torch.testing.assert_close(scores(operated(network, "branch:1.2@0")), scores(operated(network, "delete:1.2")))


@pytest.mark.parametrize("name", TINY)
def test_a_factor_of_one_and_swapping_twice_change_nothing_to_the_bit(name):
    network = trained(name)
    expected = scores(network)
    texts = [""]
    if network.config.kind == "residual":
        texts += ["shortcut:1,branch:1"]
    able = next((each for each in possible(network.config) if each.partners), None)
    if able:
        swap = f"swap:{able.stage}.{able.block}-{able.partners[0][0]}.{able.partners[0][1]}"
        texts.append(f"{swap},{swap}")
        assert not torch.equal(scores(operated(network, swap)), expected)
    for text in texts:
        assert torch.equal(scores(operated(network, text)), expected), text


@pytest.mark.parametrize("name", TINY)
def test_a_fused_operated_network_gives_the_same_scores(name):
    network = trained(name)
    blocks = possible(network.config)
    first = next(each for each in blocks if "delete" not in each.refused)
    texts = [f"delete:{first.stage}.{first.block}", "reinit:1.1@seed3"]
    if network.config.kind == "residual":
        texts.append("delete:2.1,branch:1.1@0.5,shortcut:0.7,shortcut:3.1@0")
    able = next((each for each in blocks if "repeat" not in each.refused), None)
    texts += [f"repeat:{able.stage}.{able.block}"] if able else []
    for text in texts:
        changed = operated(network, text)
        close(scores(fused(changed)), scores(changed))


@pytest.mark.parametrize("name", ["plain20-w4", "resnet20-w4"])
def test_the_original_stays_as_it_is(name, used, unchanged):
    """Weights, buffers, modes, hooks and gradients, also when the operated network is trained."""
    network = used(name)
    check = unchanged(network)
    text = "delete:1.2,swap:2.2-2.3,repeat:3.2,reinit:1.1@seed1"
    changed = operated(network, text + (",branch:3.3@0.5" if name.startswith("resnet") else ""))
    check()
    changed.train()(images()).sum().backward()
    with torch.no_grad():
        for each in [*changed.parameters(), *changed.buffers()]:
            each.zero_()
    check()


def test_the_new_network_has_the_modes_of_the_old_one_and_none_of_its_hooks(used):
    network = used("resnet20-w4")
    changed = operated(network, "delete:1.2,repeat:2.2,reinit:3.1@seed1")
    assert [changed.training, changed.stages[0].training, changed.stages[1].training] == [False, False, True]
    assert not changed.stem.conv.weight.requires_grad
    assert changed.stages[1][1][1].training
    with record_responses(network) as responses:
        operated(network, "delete:1.2")(images())
    assert all(each.moments.count == 0 for each in responses)


def test_numbers_and_names_of_layers_stay():
    network = trained("resnet14-w4")
    with record_responses(operated(network, "delete:1.2,repeat:2.2")) as responses:
        pass
    with record_responses(network) as usual:
        pass
    assert [(each.layer.stage, each.layer.block) for each in usual[:9]] == [
        (each.layer.stage, each.layer.block) for each in responses[:9]
    ]


@pytest.mark.parametrize("row", {row.family: name for name, row in NETWORKS.items() if row.config.depth < 120}.values())
def test_every_family_of_the_catalogue_can_be_operated_on(row):
    """At a small width, on one image."""
    config = network_config(row)
    small = {
        "width": 8,
        "groups": min(config.groups, 2),
        "group_width": 0,
        "widen": min(config.widen, 2),
        "classes": 10,
    }
    if config.growth:
        small["growth"] = 4
    network = build(NetworkConfig(**config.model_dump() | small)).eval()
    x = images(32)[:1]
    with torch.no_grad():
        assert network(x).isfinite().all()
        assert operated(network, f"delete:{'2.2' if config.kind != 'residual' else '2.1'}")(x).shape == (1, 10)


@torch.no_grad()
def test_torchvisions_weights_without_a_block():
    """Torchvision's own network with the block's last norm set to zero, which leaves its branch nothing."""
    theirs = torchvision.models.resnet18(num_classes=10).eval()
    network = build("resnet18", classes=10).eval()
    load_foreign_state(network, theirs.state_dict())
    found = scores(operated(network, "delete:2.1,delete:3.2"), images(64))
    for block in (theirs.layer2[0], theirs.layer3[1]):
        nn.init.zeros_(block.bn2.weight)
        nn.init.zeros_(block.bn2.bias)
    close(found, theirs(images(64)))


def test_networks_of_others_and_missing_snapshots_say_what_to_do():
    with pytest.raises(BadSettings, match=r"`network` \(=ResNet\) is not one of this program.*load_foreign_state"):
        operated(torchvision.models.resnet18(), "delete:1.1")
    with pytest.raises(BadSettings, match=r"step 0 needs the weights of that step: pass `snapshots`.*seed0"):
        operated(build("resnet8"), "reinit:1.1@0")
