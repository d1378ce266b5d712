"""What a training step keeps, worked out from the configuration, is what PyTorch keeps."""

import random

import pytest
import torch

from explorer.errors import BadSettings
from explorer.models.activations import kept_values
from explorer.models.catalogue import NETWORKS, network_config
from explorer.models.config import LAYERS_IN_BLOCK, NetworkConfig
from explorer.models.network import Network

IMAGES = 2
QUICK = [name for name, row in NETWORKS.items() if row.config.depth <= 60 and row.config.width * row.config.widen < 64]
OTHERS = ["resnet18", "resnet50-v1", "resnet50d", "preresnet50", "seresnet50", "densenet121", "resnet20-c-fixup",
          "preresnet20-c-skipinit", "resnet20-d-fixup", "sepreresnet20-b-skipinit",
          "resnet20-alpha0.5", "preresnet20-c-alpha0.5"]  # fmt: skip


def measured(config, image_size):
    """Values of the tensors that autograd saves, each storage once, for one image."""
    network = Network(config).train()
    weights = {weight.untyped_storage().data_ptr() for weight in network.parameters()}
    kept = {}

    def pack(tensor):
        place = tensor.untyped_storage().data_ptr()
        if place not in weights and tensor.dim() > 1 and tensor.shape[0] == IMAGES:
            kept[place] = tensor  # held, so that no other gets its place
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        network(torch.randn(IMAGES, config.channels, image_size, image_size))
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values()) / 4 / IMAGES


@pytest.mark.parametrize("name", QUICK + OTHERS)
def test_values_are_those_that_autograd_keeps(name):
    config = network_config(name)
    size = 12 if config.stem == "small" else 50
    assert sum(kept_values(config, size).values()) == measured(config, size)


def random_config(rng):
    """A small network of any kind, or None where the parts drawn do not go together."""
    block = rng.choice(["basic", "bottleneck", "dense", "dense-bottleneck"])
    settings = {
        "block": block,
        "shortcut": "none" if block.startswith("dense") else rng.choice("ABCD"),
        "order": rng.choice(["post", "pre"]),
        "stem": rng.choice(["small", "large", "deep"]),
        "norm": rng.choice(["batch", "skipinit", "fixup"]),
        "excitation": rng.random() < 0.3,
        "groups": rng.choice([1, 2]),
        "growth": 4 if block.startswith("dense") else 0,
        "stages": (1, 2),
        "width": 8,
    }
    layers = LAYERS_IN_BLOCK[block]
    settings["depth"] = 3 * layers + (4 if settings["stem"] == "deep" else 2) + block.startswith("dense")
    try:
        return NetworkConfig(**settings)
    except BadSettings:
        return None


def test_values_of_networks_of_mixed_parts():
    rng = random.Random(0)
    configs = [config for _ in range(300) if (config := random_config(rng))]
    assert len(configs) > 20
    for config in configs[:60]:
        assert sum(kept_values(config, 33).values()) == measured(config, 33), config.name
