"""The networks of He et al. 2015, section 4.2: sizes from the paper, functions worked out independently."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from explorer.errors import BadSettings, UnknownName
from explorer.models.catalogue import network_config
from explorer.models.config import NetworkConfig
from explorer.models.network import Network, build, initialise
from explorer.models.shortcuts import PadShortcut
from explorer.models.size import networks

# He et al. 2015, table 6, with option A; exact counts follow from section 4.2
PARAMETERS = {20: 269_722, 32: 464_154, 44: 658_586, 56: 853_018, 110: 1_727_962, 1202: 19_421_274}


@pytest.fixture(scope="module")
def catalogue():
    return networks().set_index("name")


@pytest.mark.parametrize("depth", PARAMETERS)
def test_parameter_counts_are_the_papers(catalogue, depth):
    assert catalogue.loc[f"resnet{depth}", "parameters"] == PARAMETERS[depth]
    if f"plain{depth}" in catalogue.index:
        assert catalogue.loc[f"plain{depth}", "parameters"] == PARAMETERS[depth]


def test_multiply_adds_of_resnet20_are_those_of_its_layers(catalogue):
    stem, stages, classifier = 1024 * 16 * 27, 0, 640
    for positions, width, first in ((1024, 16, 16), (256, 32, 16), (64, 64, 32)):
        stages += positions * 9 * width * (first + 5 * width)
    assert catalogue.loc["resnet20", "multiply_adds"] == stem + stages + classifier == 40_551_040


@pytest.mark.parametrize("option", ["none", "A", "B", "C"])
def test_any_width_classes_channels_and_shortcut(option):
    network = Network(NetworkConfig(depth=8, shortcut=option, width=5, classes=7, channels=1))
    assert network(torch.zeros(2, 1, 8, 8)).shape == (2, 7)


@pytest.mark.parametrize(("option", "projections"), [("A", 0), ("B", 2), ("C", 9)])
def test_options_project_nowhere_where_the_shape_changes_or_everywhere(option, projections):
    network = Network(NetworkConfig(depth=20, shortcut=option))
    assert sum(isinstance(m, nn.Conv2d) and m.kernel_size == (1, 1) for m in network.modules()) == projections


def test_a_residual_block_adds_its_input_and_a_plain_one_does_not():
    x = torch.randn(2, 16, 8, 8)
    for name, adds in (("plain8", 0.0), ("resnet8", 1.0)):
        block = build(name).stages[0][0].eval()
        branch = block.norm2(block.conv2(functional.relu(block.norm1(block.conv1(x)))))
        torch.testing.assert_close(block(x), functional.relu(branch + adds * x))


def test_option_a_gives_its_input_a_gradient_of_the_same_memory_format():
    shortcut = PadShortcut(16, 32, 2)
    for memory_format in (torch.channels_last, torch.contiguous_format):
        x = torch.randn(2, 16, 7, 7).to(memory_format=memory_format).requires_grad_()
        gradients = []
        y = x * 1
        y.register_hook(gradients.append)
        shortcut(y).sum().backward()
        assert gradients[0].is_contiguous(memory_format=memory_format)
        assert gradients[0].sum() == 2 * 16 * 4 * 4


def test_option_a_pads_the_strided_input_with_zeros_on_both_sides():
    x = torch.randn(1, 16, 6, 6)
    shortcut = build("resnet8").stages[1][0].shortcut(x)
    assert torch.equal(shortcut[:, 8:24], x[:, :, ::2, ::2])
    assert shortcut[:, :8].abs().sum() == shortcut[:, 24:].abs().sum() == 0


def test_twins_start_from_the_same_weights_whatever_their_shortcuts():
    plain = build("plain20", seed=3).state_dict()
    for twin in ("resnet20", "resnet20-b", "resnet20-c"):
        other = build(twin, seed=3).state_dict()
        assert all(torch.equal(tensor, other[name]) for name, tensor in plain.items())
    assert not torch.equal(plain["stem.conv.weight"], build("plain20", seed=4).state_dict()["stem.conv.weight"])


def test_convolutions_start_with_the_spread_of_he_et_al():
    weight = build("resnet20").stages[2][1].conv1.weight  # fan in 64 x 9
    assert weight.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.02)


def test_no_relu_is_shared_or_in_place():
    relus = [m for m in build("resnet20").modules() if isinstance(m, nn.ReLU)]
    assert len(relus) == 19  # one for the stem, two for each of nine blocks
    assert not any(relu.inplace for relu in relus)


@pytest.mark.parametrize("name", ["plain8", "resnet38", "resnet56-b", "resnet20-c-w32", "plain26-w4"])
def test_names_without_a_row_are_read_and_spelt_the_same(name):
    assert network_config(name).name == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet22", "No network is called 'resnet22': 22 is not 6n+2. The nearest are resnet20 and resnet26."),
        ("plain3", "No network is called 'plain3': 3 is not 6n+2. The nearest are plain8 and plain14."),
        ("plain20-b", "No network is called 'plain20-b'. Did you mean 'plain20'? Names are those of the literature"),
        ("vgg16", "No network is called 'vgg16'. Names are those of the literature: plain or resnet with a depth 6n+2"),
        (
            "resnet20-w0",
            "No network is called 'resnet20-w0': `width` (=0) must be 1 or more.",
        ),
        ("resnet9999", "9999 is not 6n+2. The nearest is resnet9998."),
        (
            "resnet20000",
            "No network is called 'resnet20000': 20,000 layers are more than the 10,000 that",
        ),
        ("resnet20000-w0", "`depth` (=20000) must be at most 10,000. `width` (=0) must be 1 or more."),
        ("resnet0", "0 is not 6n+2. The nearest are resnet8 and resnet14."),
        ("wrn-27-10", "the layers of a Wide ResNet are 6n+4. The nearest are wrn-22-10 and wrn-28-10."),
        ("resnext30-8x64d", "30 is not 9n+2. The nearest are resnext29-8x64d and resnext38-8x64d."),
        ("densenet-bc-101-12", "101 is not 6n+4. The nearest are densenet-bc-100-12 and densenet-bc-106-12."),
        ("densenet122", "No network is called 'densenet122'. Did you mean 'densenet121'?"),
        ("plain20-fixup", "so it needs a shortcut: choose `shortcut` A, B, C or D."),
    ],
)
def test_bad_names_say_what_is_near(name, message):
    with pytest.raises(UnknownName) as error:
        build(name)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"depth": 21}, "`depth` (=21) is not 6n+2. The nearest are 20 and 26."),
        ({"depth": 20, "width": 0}, "`width` (=0)"),
        ({"depth": 20, "stages": (3, 3, 4)}, "3, 3, 4 basic blocks, which have 22 layers with stem and classifier."),
        ({"depth": 20, "groups": 2}, "`groups` and `group_width` are of bottlenecks; take `block='bottleneck'`."),
        ({"depth": 20, "block": "bottleneck", "groups": 3}, "`width` (=16) is not divisible by `groups` (=3)"),
        ({"depth": 20, "order": "pre", "shortcut": "none"}, "`order='pre'` needs a shortcut: choose"),
        ({"depth": 20, "widen": 4}, "`widen` (=4) is of basic blocks with `order='pre'`"),
        ({"depth": 40, "block": "dense", "shortcut": "none"}, "`growth` (=0): a dense layer adds 1 channel or more"),
        ({"depth": 40, "block": "dense", "growth": 12}, "Dense layers concatenate their input"),
        ({"depth": 20, "shortcut_scale": 1.5}, "`shortcut_scale` (=1.5) must be"),
        ({"depth": 20, "shortcut": "none", "shortcut_scale": 0.5}, "`shortcut_scale` (=0.5) is a factor of shortcuts"),
        ({"depth": 22, "block": "dense", "shortcut": "none", "growth": 4, "shortcut_scale": 0.9}, "(=0.9) is a factor"),
        ({"depth": 20, "norm": "fixup", "shortcut_scale": 0.5}, "would only shrink its input; take `norm='batch'`."),
        ({"depth": 20, "filters": 3}, "`filters` is not a setting of NetworkConfig."),
    ],
)
def test_bad_configurations_say_the_rule(settings, message):
    with pytest.raises(BadSettings) as error:
        NetworkConfig(**settings)
    assert message in str(error.value)


def test_build_refuses_what_is_neither_name_nor_config():
    with pytest.raises(BadSettings, match="neither a name nor a NetworkConfig"):
        build(20)
    with pytest.raises(BadSettings, match="must be between 0"):
        build("resnet20", seed=-1)


def test_a_linear_map_without_a_bias_can_be_drawn_anew():
    network = torch.nn.Linear(4, 2, bias=False)
    torch.nn.init.zeros_(network.weight)
    initialise(network, seed=0)
    assert network.weight.abs().min() > 0
