"""The CIFAR networks of He et al. 2015, section 4.2, plain and residual."""

import math
from collections import OrderedDict
from zlib import crc32

import torch
from torch import Tensor, nn

from explorer.errors import BadSettings
from explorer.models.blocks import BasicBlock
from explorer.models.catalogue import network_config
from explorer.models.config import NetworkConfig


class Network(nn.Module):
    """Stem, three stages of blocks, average pooling, classifier.

    Input (N, channels, H, W), normalised, H and W at least 4; output (N, classes), the scores before softmax.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.normalisation = "channel"  # how its images were normalised in training, see data.batches.Normalisation
        width = config.width
        self.stem = nn.Sequential(
            OrderedDict(
                conv=nn.Conv2d(config.channels, width, kernel_size=3, padding=1, bias=False),
                norm=nn.BatchNorm2d(width),
                relu=nn.ReLU(),
            )
        )
        self.stages = nn.Sequential(
            _stage(config, width, width, stride=1),
            _stage(config, width, 2 * width, stride=2),
            _stage(config, 2 * width, 4 * width, stride=2),
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(4 * width, config.classes)

    def forward(self, images: Tensor) -> Tensor:
        features = self.pool(self.stages(self.stem(images)))
        scores: Tensor = self.classifier(features.flatten(1))
        return scores


def _stage(config: NetworkConfig, in_width: int, width: int, stride: int) -> nn.Sequential:
    first = BasicBlock(in_width, width, stride, config.shortcut)
    others = (BasicBlock(width, width, 1, config.shortcut) for _ in range(config.blocks_per_stage - 1))
    return nn.Sequential(first, *others)


def build(
    network: str | NetworkConfig, *, classes: int | None = None, channels: int | None = None, seed: int = 0
) -> Network:
    """An untrained network in training mode.

    Args:
        network: a name such as "plain20", "resnet56", "resnet56-b", "resnet20-w32", or a configuration.
        classes: replaces the configuration's number of classes.
        channels: replaces the configuration's number of image channels.
        seed: of the initial weights. A layer's weights depend on the seed and the layer's name alone, so a plain
            network and its residual twin start from the same ones.

    Raises:
        UnknownName: `network` is not a valid name; the nearest valid ones are named.
        BadSettings: `network` is neither a name nor a configuration, or the seed is negative.
    """
    if seed < 0:
        raise BadSettings(f"`seed` (={seed}) is negative. Use 0 or more.")
    config = network_config(network) if isinstance(network, str) else network
    if not isinstance(config, NetworkConfig):
        raise BadSettings(f"`network` (={network!r}) is neither a name nor a NetworkConfig. Try 'resnet20'.")
    changes = {key: value for key, value in (("classes", classes), ("channels", channels)) if value is not None}
    built = Network(NetworkConfig(**(config.model_dump() | changes)))
    initialise(built, seed)
    return built


def initialise(network: nn.Module, seed: int) -> None:
    """Draw all weights anew; batch norms start at one and zero with fresh running statistics.

    Source: He et al. 2015 (arXiv 1502.01852), equation 10, for convolutions; PyTorch's own rule for the classifier.
    """
    for name, module in network.named_modules():
        # PyTorch's generator looks at 32 bits of its seed only, so name and seed are mixed into those
        stream = torch.Generator().manual_seed(crc32(f"{seed} {name}".encode()))
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu", generator=stream)
        elif isinstance(module, nn.Linear):
            bound = 1 / math.sqrt(module.in_features)
            nn.init.uniform_(module.weight, -bound, bound, generator=stream)
            if module.bias is not None:
                nn.init.uniform_(module.bias, -bound, bound, generator=stream)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
