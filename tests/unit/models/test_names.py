"""Every configuration has a name that is read as the same one, and the literature's names mean its networks."""

import random

import pytest

from explorer.errors import BadSettings
from explorer.models.catalogue import NETWORKS, network_config
from explorer.models.config import NetworkConfig
from explorer.models.names import is_network_name
from explorer.models.size import networks

VALUES = {
    "shortcut": ["none", "A", "B", "C", "D"],
    "width": [8, 16, 64],
    "block": ["basic", "bottleneck", "dense", "dense-bottleneck"],
    "order": ["post", "pre"],
    "stem": ["small", "large", "deep", "tiered"],
    "stages": [(), (2, 2, 2, 2), (3, 4, 6, 3), (8, 8, 8), (1, 2), (6, 12, 24, 16), (3, 8, 36, 3)],
    "widen": [1, 4],
    "groups": [1, 2, 8],
    "group_width": [0, 4, 16, 128],
    "stride_on": ["3x3", "1x1", "second"],
    "excitation": [False, True],
    "excitation_by": ["se", "eca"],
    "excitation_on": ["branch", "sum"],
    "excitation_least": [1, 8],
    "norm": ["batch", "skipinit", "fixup", "group"],
    "growth": [0, 12, 32],
    "shortcut_scale": [1.0, 0.9, 0.5, 0.0, 0.1234],
    "pool": ["usual", "max", "none"],
    "padding": ["half", "end"],
    "subsampling": ["stride", "average"],
    "shortcut_start": ["activation", "projection", "input"],
    "first_projection": [False, True],
    "end_norm": [True, False],
    "antialias": ["none", "blur", "average"],
    "widths": [(), (64, 128, 256), (16, 24, 64, 8)],
    "enlarged": [0, 224],
}
DEPTHS = [10, 14, 16, 18, 20, 26, 28, 34, 40, 50, 52, 100, 101, 121, 152, 164, 166, 1001]


def valid_configurations(count):
    """Drawn at random with a fixed seed, some parts as they usually are."""
    draw = random.Random(0)
    while count:
        settings = {key: draw.choice(values) for key, values in VALUES.items() if draw.random() < 0.3}
        try:
            config = NetworkConfig(depth=draw.choice(DEPTHS), **settings)
        except BadSettings:
            continue
        count -= 1
        yield config


def test_every_configuration_has_a_name_of_its_own():
    seen = {}
    for config in valid_configurations(600):
        name = config.name
        assert network_config(name).model_copy(update={"classes": 10}) == config, name
        assert seen.setdefault(name, config) == config
        assert is_network_name(name)
    assert len(seen) > 300


@pytest.mark.parametrize("name", NETWORKS)
def test_rows_are_called_what_their_configuration_is(name):
    assert NETWORKS[name].config.name == name


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("wide_resnet50_2", "wide-resnet50-2"),
        ("resnext101_32x8d", "resnext101-32x8d"),
        ("WRN-28-10", "wrn-28-10"),
        ("resnet50-deep-d", "resnet50d"),
        ("wrn-40-1", "preresnet38-b"),
        ("resnet20-s3.3.3", "resnet20"),
        ("resnet20-alpha0.50", "resnet20-alpha0.5"),
        ("resnet20-alpha1", "resnet20"),
        ("plain20-alpha1.0", "plain20"),
    ],
)
def test_other_spellings_mean_the_same(spelling, name):
    assert network_config(spelling) == network_config(name)
    assert network_config(spelling).name == name


@pytest.mark.parametrize(
    "text", ["20261122-053640-bfca38", "shipped-digits-resnet20", "resnet", "my-resnet20", "dense"]
)
def test_ids_are_no_names(text):
    assert not is_network_name(text)


# Exact counts: torchvision.models, and networks of the papers as their authors' code counts them (Hu et al. and
# timm for seresnet50, Zagoruyko and Komodakis for wrn-28-10)
PARAMETERS = {
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "resnext50-32x4d": 25_028_904,
    "resnext101-32x8d": 88_791_336,
    "wide-resnet50-2": 68_883_240,
    "wide-resnet101-2": 126_886_696,
    "densenet121": 7_978_856,
    "wrn-28-10": 36_479_194,
    "seresnet50": 28_088_024,
    "resnet50d": 25_576_264,
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_are_exactly_those_of_the_reference(name):
    assert networks().set_index("name").loc[name, "parameters"] == PARAMETERS[name]


def test_sizes_are_those_that_the_papers_give():
    table = networks()
    costs = table.dropna(subset="published_multiply_adds")
    assert ((costs["multiply_adds"] / costs["published_multiply_adds"] - 1).abs() < 0.02).all()
    assert set(costs["name"]) >= {"resnet18", "resnet34", "resnet50-v1", "resnet101-v1", "resnet152-v1"}
    sizes = table.dropna(subset="published_parameters")
    assert ((sizes["parameters"] / sizes["published_parameters"] - 1).abs() < 0.05).all()  # papers give two digits


def test_a_factor_of_shortcuts_has_four_decimals_and_no_sign():
    for given, name in ((0.50001, "resnet20-alpha0.5"), (0.99999, "resnet20"), (-0.0, "resnet20-alpha0")):
        assert NetworkConfig(depth=20, shortcut_scale=given).name == name
