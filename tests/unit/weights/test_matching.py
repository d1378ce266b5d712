"""Other projects' weights: their own modules are the independent answer."""

import copy
from functools import cache

import pytest
import torch
import torchvision
from torch import nn

from explorer.errors import BadSettings
from explorer.models.catalogue import network_config
from explorer.models.network import Network, build
from explorer.weights.choices import assumptions
from explorer.weights.config import config_of_parts
from explorer.weights.layers import parts_of
from explorer.weights.matching import load_foreign_state, require_fit
from tests.unit.weights.layouts.classic import (
    Akamaster,
    Grouped,
    Kuangliu,
    KuangliuBasic,
    KuangliuBottleneck,
    LinearExcitation,
    Timm,
    TimmExcitation,
    Weiaicunzai,
    Wide,
)
from tests.unit.weights.layouts.parts import drawn


def config_of(state):
    return config_of_parts(parts_of(state))


LAYOUTS = {
    "akamaster": (lambda: Akamaster(), "resnet8"),
    "akamaster, 12 blocks": (lambda: Akamaster(12), "resnet74"),
    "kuangliu": (lambda: Kuangliu(KuangliuBasic, 1, (2, 2, 2, 2)), "resnet18-cifar-w8"),
    "kuangliu, bottlenecks": (lambda: Kuangliu(KuangliuBottleneck, 4, (1, 2, 1, 1)), "resnet17-bottleneck-w8-s1.2.1.1"),
    "weiaicunzai": (lambda: Weiaicunzai(), "resnet12-b-w8-s2.2.1"),
    "xternalz": (lambda: Wide(), "wrn-16-2"),
    "timm, resnet-D": (lambda: Timm(), "resnet20d-bottleneck-s2.2.1.1"),
    "timm, excitation": (lambda: Timm(TimmExcitation), "seresnet20d-bottleneck-s2.2.1.1"),
    "linear excitation": (lambda: Timm(LinearExcitation), "seresnet20d-bottleneck-s2.2.1.1"),
    "bearpaw, ResNeXt": (lambda: Grouped(), "resnext20-4x8d-w16"),
}
TORCHVISION = ("resnet18", "resnet34", "resnet50", "resnext50_32x4d", "densenet121")
LARGER = ("wide_resnet50_2", "resnet101", "resnet152", "resnext101_32x8d", "wide_resnet101_2")

OWN = [
    *("resnet20", "resnet20-b", "resnet20-c", "resnet20-w5", "resnet164", "preresnet56-b", "preresnet164", "wrn-40-4"),
    *("resnext29-8x64d", "seresnet20", "densenet-40-12", "densenet-bc-100-12", "resnet18", "resnet34-c", "resnet50"),
    *("resnet50d", "seresnet50", "preresnet50"),
]


def each_layout(function):
    return pytest.mark.parametrize(("make", "name"), LAYOUTS.values(), ids=LAYOUTS)(function)


@cache
def torchvisions(name):
    """One of torchvision's networks, with weights drawn; tests leave them as they are."""
    return drawn(getattr(torchvision.models, name)())


def require_same(theirs, side):
    """Load weights into ours and compare the outputs in both modes."""
    state = theirs.state_dict()
    ours = build(config_of(state), seed=1)
    load_foreign_state(ours, state)
    images = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        evaluated, expected = ours.eval()(images), theirs.eval()(images)
        torch.testing.assert_close(evaluated, expected, rtol=0, atol=1e-4)
        assert not torch.allclose(expected[0], expected[1], atol=1e-3)
        torch.testing.assert_close(ours.train()(images), theirs.train()(images), rtol=0, atol=1e-4)
    return ours


@pytest.mark.thorough
@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvisions_weights_give_the_same_outputs(name):
    ours = require_same(copy.deepcopy(torchvisions(name)), 64)
    assert ours.config == network_config(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGER)
def test_the_larger_ones_too(name):
    assert require_same(drawn(getattr(torchvision.models, name)()), 64).config == network_config(name)


@pytest.mark.thorough
def test_a_shallow_wide_one_of_torchvisions():
    theirs = torchvision.models.ResNet(torchvision.models.resnet.Bottleneck, [1, 1, 1, 1], width_per_group=128)
    assert require_same(drawn(theirs), 64).config.name == "wide-resnet14-2-large-s1.1.1.1"


@each_layout
def test_other_projects_weights_give_the_same_outputs(make, name):
    assert require_same(drawn(make()), 32).config.name == name


@each_layout
def test_the_order_of_keys_does_not_matter_in_an_alphabetical_file(make, name):
    state = drawn(make()).state_dict()
    if name.startswith("resnext"):  # its names have no numbers that say the order within a block
        with pytest.raises(BadSettings, match="form no blocks: .* here are 3x3, 1x1, 1x1"):
            config_of(dict(sorted(state.items())))
        return
    ours = build(config_of(state))
    load_foreign_state(ours, state)
    again = build(config_of(dict(sorted(state.items()))), seed=1)
    load_foreign_state(again, dict(sorted(state.items())))
    torch.testing.assert_close(again.state_dict(), ours.state_dict(), rtol=0, atol=0)


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["densenet121", "resnet50"])
def test_nor_in_one_of_torchvisions(name):
    theirs = torchvisions(name)
    state = dict(sorted(theirs.state_dict().items()))
    ours = build(config_of(state))
    load_foreign_state(ours, state)
    images = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(ours.eval()(images), theirs.eval()(images), rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    "name",
    OWN,
)
def test_our_own_weights_say_what_they_are_of(name):
    with torch.device("meta"):
        network = Network(network_config(name))
    assert config_of(network.state_dict()) == network_config(name)


@pytest.mark.parametrize("name", ["resnet20-fixup", "resnet20-skipinit", "plain20"])
def test_our_own_weights_load_under_their_own_keys(name):
    ours, other = build(name, seed=1), build(name, seed=0)
    load_foreign_state(ours, other.state_dict())
    torch.testing.assert_close(ours.state_dict(), other.state_dict(), rtol=0, atol=0)


def test_classes_and_channels_come_from_the_weights():
    found = config_of(build("resnet8", classes=7, channels=1).state_dict())
    assert (found.classes, found.channels) == (7, 1)


def test_files_without_counts_of_batches_load():
    state = {key: value for key, value in Akamaster().state_dict().items() if "num_batches" not in key}
    ours = build("resnet8")
    load_foreign_state(ours, state)
    assert ours.stem.norm.num_batches_tracked == 0


def test_a_plain_network_is_taken_for_a_residual_one_and_that_is_said():
    (said,) = assumptions(config_of(Akamaster().state_dict()))
    assert "plain8" in said
    (said,) = assumptions(network_config("resnet50"))
    assert "resnet50-v1" in said


@pytest.mark.parametrize(
    ("name", "plain"),
    [("resnet20", "plain20"), ("seresnet20", "seplain20"), ("resnet164-a", "plain164"), ("preresnet56", None)],
)
def test_shortcuts_that_leave_no_weights_are_told_of(name, plain):
    said = assumptions(config_of(build(name).state_dict()))[0]
    assert f"assumed {name}, with zero-padding" in said
    assert said.endswith(f"name the network: {plain}.") if plain else said.endswith("(option A).")
    if plain:
        ours = build(plain)
        load_foreign_state(ours, build(name, seed=1).state_dict())


def test_a_refusal_names_the_first_differences():
    ours = build("resnet14")
    with pytest.raises(BadSettings) as error:
        load_foreign_state(ours, Akamaster().state_dict())
    assert str(error.value).startswith(
        "These weights do not fit resnet14: layer2.0.conv1.weight has shape (32, 16, 3, 3), expected (16, 16, 3, 3) as "
        "stages.0.1.conv1.weight; "
    )
    assert "and " in str(error.value)
    assert "more." in str(error.value)


def test_a_refusal_names_what_is_missing_and_what_is_too_much():
    state = Akamaster().state_dict()
    ours = build("resnet8")
    with pytest.raises(BadSettings, match=r"layer3\.0\.bn2\.running_mean is missing|stages\.2\.0\.norm2"):
        load_foreign_state(ours, {key: value for key, value in state.items() if key != "layer3.0.bn2.running_mean"})
    with pytest.raises(BadSettings, match=r"mask\.weight is unexpected\.$"):
        load_foreign_state(ours, state | {"mask.weight": torch.zeros(3)})


def test_convolutions_with_bias_are_refused_by_name():
    state = Akamaster().state_dict()
    with pytest.raises(BadSettings, match=r"do not fit resnet8: layer1\.0\.conv1\.bias is unexpected\.$"):
        load_foreign_state(build("resnet8"), state | {"layer1.0.conv1.bias": torch.zeros(16)})


@pytest.mark.parametrize("kind", [torch.int8, torch.uint8, torch.bool, torch.int64])
def test_whole_numbers_are_no_weights(kind):
    for state, key in (
        (Akamaster().state_dict(), "layer1.0.conv1.weight"),
        (build("resnet8").state_dict(), "stages.0.0.conv1.weight"),
    ):
        with pytest.raises(BadSettings, match=rf"{key} has whole numbers \({str(kind)[6:]}\), as quantised"):
            load_foreign_state(build("resnet8"), state | {key: state[key].to(kind)})


def test_a_network_with_more_layers_than_there_are_tensors_is_not_built():
    with pytest.raises(BadSettings, match=r"do not fit resnet9998: \d+ tensors are not 9998 layers"):
        require_fit(network_config("resnet9998"), Akamaster().state_dict())


@pytest.mark.parametrize("word", ["skipnet.", "shortcutless.", "skipping_"])
def test_words_for_shortcuts_in_the_name_of_a_whole_network_do_not_count(word):
    state = {f"{word}{key}": tensor for key, tensor in LAYOUTS["kuangliu"][0]().state_dict().items()}
    assert config_of(state).name == "resnet18-cifar-w8"


def test_nothing_is_loaded_where_one_layer_differs(unchanged):
    ours = build("resnet8", classes=7)
    check = unchanged(ours)
    with pytest.raises(BadSettings, match="linear.weight has shape"):
        load_foreign_state(ours, Akamaster().state_dict())
    check()


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"fc.weight": torch.zeros(10, 3)}, "they have 0 convolutions and 1 linear maps"),
        (nn.Sequential(nn.Conv2d(3, 8, 3), nn.Linear(8, 10)).state_dict(), "no convolution follows the stem"),
        (torchvision.models.alexnet().state_dict(), "form no blocks"),
        ({"state_dict": {}}, "'state_dict', which is dict and no tensor"),
        ({"conv.weight": torch.zeros(8, 0, 3, 3), "fc.weight": torch.zeros(10, 8)}, "The weight of conv has no values"),
        (
            {"shortcut.weight": torch.zeros(8, 3, 3, 3), "fc.weight": torch.zeros(10, 8)},
            "all convolutions are on shortcuts",
        ),
        ({f"skip.{key}": tensor for key, tensor in Akamaster().state_dict().items()}, "such as skip.conv1, all"),
    ],
    ids=["linear", "one convolution", "alexnet", "nested", "empty", "a shortcut", "skip"],
)
def test_other_networks_are_refused(state, message):
    with pytest.raises(BadSettings, match=message):
        config_of(state)
