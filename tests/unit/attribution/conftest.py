import os
from pathlib import Path

import pytest
import torch
from torch import nn

from explorer.data.batches import Normalisation
from explorer.data.pixels import load_test
from explorer.models.network import build

# Small values of the parameters that make methods slow
QUICK = {"steps": 4, "samples": 10, "grid": 2, "window": 4}

# Mean and standard deviation with which the foreign weights were trained
IMAGENET = [torch.tensor(each)[:, None, None] for each in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))]
FOREIGN = {20: "resnet20-12fca82f.th", 56: "resnet56-4bfd9763.th"}


@pytest.fixture
def quick():
    """Gives small values for those of a method's parameters that make it slow."""

    def made(row):
        return {each.name: QUICK[each.name] for each in row.parameters if each.name in QUICK}

    return made


@pytest.fixture
def lived_in():
    """Makes a network whose batch norms are not as they begin: statistics, scales and shifts differ by channel."""

    def made(name, **options):
        network = build(name, **options)
        stream = torch.Generator().manual_seed(0)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                for values, low, high in (
                    (module.weight, 0.5, 1.5),
                    (module.bias, -0.3, 0.3),
                    (module.running_mean, -0.3, 0.3),
                    (module.running_var, 0.5, 2.0),
                ):
                    values.data.uniform_(low, high, generator=stream)
        return network.eval()

    return made


@pytest.fixture
def images():
    """Makes a batch of random images, channels last in memory as the program's are."""

    def made(*shape):
        drawn = torch.randn(*shape, generator=torch.Generator().manual_seed(1))
        return drawn.to(memory_format=torch.channels_last)

    return made


@pytest.fixture(scope="session")
def foreign():
    """Loads a ResNet of a depth with weights that others have trained and published, into ours."""
    folder = os.environ.get("EXPLORER_FOREIGN")
    if not folder:
        pytest.skip("EXPLORER_FOREIGN does not name a folder with " + " and ".join(FOREIGN.values()))

    def made(depth):
        found = torch.load(Path(folder) / FOREIGN[depth], weights_only=True, map_location="cpu")
        network = build(f"resnet{depth}").eval()
        network.load_state_dict({_our_name(name): values for name, values in found["state_dict"].items()})
        return network

    return made


@pytest.fixture(scope="session")
def cifar():
    """CIFAR-10 test images as the foreign weights were trained on them, with their labels; random ones without it."""
    if not os.environ.get("EXPLORER_DATA"):
        return torch.randn(100, 3, 32, 32, generator=torch.Generator().manual_seed(0)), None
    test = load_test("cifar10", 32)
    return Normalisation(*IMAGENET)(test.pixels[:100]), torch.tensor(test.labels[:100])


def _our_name(name):
    """module.layer1.0.bn1.weight -> stages.0.0.norm1.weight."""
    parts = name.removeprefix("module.").replace("bn", "norm").split(".")
    if parts[0].startswith("layer"):
        return ".".join(["stages", str(int(parts[0].removeprefix("layer")) - 1), *parts[1:]])
    place = {"conv1": "stem.conv", "norm1": "stem.norm", "linear": "classifier"}[parts[0]]
    return ".".join([place, *parts[1:]])
