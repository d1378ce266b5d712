"""State dicts under the names of torchvision and timm: torchvision's own networks, timm's as they are laid out."""

import pytest
import torch
import torchvision

from explorer.errors import BadSettings
from explorer.models.catalogue import network_config
from explorer.models.config import NetworkConfig
from explorer.models.network import Network
from explorer.weights.config import config_of_parts
from explorer.weights.layers import parts_of
from explorer.weights.layouts import TWINS, library_key, library_name, library_state
from explorer.weights.matching import load_foreign_state, mapped
from tests.unit.conftest import trained
from tests.unit.weights.layouts.parts import drawn
from tests.unit.weights.test_layouts import LAYOUTS

TIMM = {name: row for name, row in LAYOUTS.items() if name.startswith("timm, ")}
UNSEEN = ("-aa", "-blur")  # suffixes of what weights do not show
LARGE = 60  # layers, above which a network takes long


def with_classes(name, classes=7):
    return NetworkConfig(**(network_config(name).model_dump() | {"classes": classes}))


def empty(config):
    """A network without values."""
    with torch.device("meta"):
        return Network(config)


@pytest.mark.parametrize("name", TWINS["torchvision"])
def test_names_and_shapes_are_torchvisions(name):
    config = with_classes(name)
    assert library_name(config, "torchvision") == name
    with torch.device("meta"):
        theirs = torchvision.models.get_model(name, num_classes=7).state_dict()
    found = library_state(config, empty(config).state_dict(), "torchvision")
    assert {key: tensor.shape for key, tensor in found.items()} == {key: each.shape for key, each in theirs.items()}


@pytest.mark.parametrize("name", ["resnet18", "resnext50_32x4d", "densenet121"])
def test_torchvisions_network_computes_the_same(name):
    made = drawn(torchvision.models.get_model(name, num_classes=7)).eval()
    ours = Network(with_classes(name)).eval()
    load_foreign_state(ours, made.state_dict())
    again = torchvision.models.get_model(name, num_classes=7).eval()
    again.load_state_dict(library_state(ours.config, ours.state_dict(), "torchvision"))
    torch.testing.assert_close(again.state_dict(), made.state_dict(), rtol=0, atol=0)
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = ours(images)
        assert expected.isfinite().all()
        torch.testing.assert_close(again(images), expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.parametrize(("make", "recognised", "actual"), TIMM.values(), ids=TIMM)
def test_a_network_in_timms_layout_computes_the_same(make, recognised, actual):
    theirs = drawn(make())
    config = with_classes(actual or recognised, 10)
    ours = trained(config)
    theirs.load_state_dict({library_key(config, key): tensor for key, tensor in ours.state_dict().items()})
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = ours(images)
        torch.testing.assert_close(theirs.eval()(images), expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if network_config(ours).depth > LARGE else ())
        for name, ours in TWINS["timm"].items()
    ],
)
def test_an_import_of_timms_state_dict_gives_each_tensor_its_place_again(name):
    config = with_classes(TWINS["timm"][name])
    assert library_name(config, "timm") == name
    network = empty(config)
    own = network.state_dict()
    theirs = library_state(config, own, "timm")
    assert next(iter(theirs)).startswith(("conv1", "features.conv0"))
    if config.norm == "batch":
        expected = config.name
        for suffix in UNSEEN:
            expected = expected.replace(suffix, "")
        assert config_of_parts(parts_of(theirs)).name == expected
    found = mapped(network, theirs)
    assert all(found[key] is tensor for key, tensor in own.items())


def test_images_of_one_channel_are_timms_alone():
    config = NetworkConfig(**(network_config("resnet18").model_dump() | {"channels": 1}))
    assert library_name(config, "timm") == "resnet18"
    with pytest.raises(BadSettings, match=r"torchvision has no network that is resnet18 for 1 channel\. It has: dense"):
        library_name(config, "torchvision")


@pytest.mark.parametrize("name", ["resnet20", "resnet18-cifar", "resnet50-v1", "resnet18-head64", "resnet18-sigmoid"])
@pytest.mark.parametrize("library", TWINS)
def test_other_networks_have_none(name, library):
    with pytest.raises(
        BadSettings, match=rf"{library} has no network that is {name}\. It has: .*resnet18, .*wide_"
    ) as told:
        library_name(network_config(name), library)
    assert "`python -m explorer code`" in str(told.value)
