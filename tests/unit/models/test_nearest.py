"""From settings that cannot be built to the nearest that can."""

import pytest

from explorer.errors import BadSettings
from explorer.models.catalogue import NETWORKS, network_config
from explorer.models.config import NetworkConfig
from explorer.models.nearest import completed, nearest_networks


def settings(name="resnet20", **changes):
    return network_config(name).model_dump() | changes


def names(found):
    return [config.name for config in found]


@pytest.mark.parametrize(
    ("wish", "kept", "expected"),
    [
        (settings(depth=22), ["depth"], ["resnet20", "resnet26"]),
        (settings("resnet32", block="bottleneck"), ["block"], ["resnet29-a-bottleneck", "resnet38-a-bottleneck"]),
        (settings("plain20", order="pre"), ["order"], ["preresnet20"]),
        (settings("preresnet20", norm="fixup"), ["norm"], ["resnet20-fixup"]),
        (settings("resnet20-fixup", shortcut_scale=0.5), ["shortcut_scale"], ["resnet20-alpha0.5"]),
        (settings("resnet29-bottleneck", groups=3), ["groups"], ["resnext29-3x5d", "resnext29-3x6d"]),
    ],
)
def test_the_nearest_have_few_changes_and_keep_what_was_just_chosen(wish, kept, expected):
    with pytest.raises(BadSettings):
        NetworkConfig(**wish)
    found = nearest_networks(wish, kept)
    assert all(wish[name] == config.model_dump()[name] for config in found for name in kept if name != "depth")
    if expected[0].startswith("resnext"):
        assert [config.width for config in found] == [15, 18]
    else:
        assert names(found) == expected


def test_what_has_no_meaning_in_a_block_is_left_out():
    found = completed(settings("seresnet20", block="dense"))
    assert (found["shortcut"], found["excitation"], found["growth"]) == ("none", False, 12)
    assert completed(settings("wrn-16-8", order="post"))["widen"] == 1
    assert completed(settings("resnext29-8x64d", block="basic"))["groups"] == 1
    for changed in ({"shortcut": "none"}, {"norm": "fixup"}, {"block": "dense"}):
        assert completed(settings("resnet20-alpha0.5", **changed))["shortcut_scale"] == 1


@pytest.mark.parametrize(
    ("name", "changed", "left"),
    [
        ("resnet20-a-end-avg", {"shortcut": "B"}, "resnet20-b"),
        ("preresnet20-b-raw-noend", {"order": "post"}, "resnet20-b"),
        ("resnet20-b-projectfirst", {"shortcut": "A"}, "resnet20"),
        ("resnet18-blur", {"order": "pre"}, "preresnet18"),
        ("ecaresnet20-sesum", {"excitation": False}, "resnet20"),
        ("resnet20-b-widths16.24.32", {"stages": (2, 2)}, "resnet10-b-s2.2"),
        ("resnet20-stride2", {"block": "bottleneck", "depth": 29}, "resnet29-a-bottleneck"),
        ("resnet18-cifar-pool-up64", {"norm": "group"}, "resnet18-cifar-gn-pool-up64"),
    ],
)
def test_details_without_effect_are_left_out(name, changed, left):
    assert NetworkConfig(**completed(settings(name, **changed))).name == left


def test_stages_give_the_depth():
    assert completed(settings(stages=(1, 2)))["depth"] == 8


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_that_can_be_built_stays_as_it_is(name):
    wish = NETWORKS[name].config.model_dump()
    assert NetworkConfig(**completed(wish)) == NETWORKS[name].config
