"""Build networks from configurations, and initialise their weights."""

import math
from collections import OrderedDict
from collections.abc import Callable
from itertools import groupby, pairwise
from zlib import crc32

import torch
from torch import Tensor, nn

from explorer.cards import card, short
from explorer.errors import BadSettings, quoted
from explorer.models.blocks import BasicBlock, BottleneckBlock, PreBasicBlock, PreBottleneckBlock
from explorer.models.catalogue import network_config
from explorer.models.config import NetworkConfig, require_seed
from explorer.models.dense import DenseBottleneckLayer, DenseLayer, Transition
from explorer.models.norms import Scale, ScaleAndShift, Shift, ShiftedConv2d, norm_after
from explorer.models.recomputation import recomputed
from explorer.models.size import require_memory, size_facts
from explorer.models.stems import build_stem
from explorer.models.structure import BlockShape, block_shapes, ends_with_norm


class Network(nn.Module):
    """Stem, stages of blocks, average pooling, classifier; norm and ReLU before the pooling if blocks end without.

    Input (N, channels, H, W), normalised; output (N, classes), the scores before softmax, or (N, 1), the score before
    the sigmoid.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        if torch.get_default_device().type != "meta":  # there tensors take no memory
            require_memory(config)
        self.config = config
        self.classes: tuple[str, ...] = ()  # their names in order, where they are known
        self.normalisation = "channel"  # of images in training, see data.batches.Normalisation
        self.operations = ""  # done on its blocks, see models.operated
        self.recompute = False  # use activation checkpointing, see models.recomputation
        shapes = block_shapes(config)
        width = shapes[-1].width
        self.stem = build_stem(config)
        self.stages = nn.Sequential(
            *(nn.Sequential(*map(_block, stage)) for _, stage in groupby(shapes, key=lambda shape: shape.stage))
        )
        end = OrderedDict(norm=norm_after(config.norm, width), relu=nn.ReLU())
        self.end = nn.Sequential(end) if ends_with_norm(config) else None
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = _head(width, config.head) if config.head else None
        self.classifier = nn.Linear(config.head[-1] if config.head else width, config.outputs)

    def __repr__(self) -> str:
        """In one line; `str` lists all modules, as PyTorch does."""
        facts = size_facts(self.config)
        cost = facts["multiply-adds"].replace(" for", " multiply-adds for")
        operated = f", operated ({self.operations}; sizes are those before)" if self.operations else ""
        mode = "training" if self.training else "evaluation"
        return (
            f"<{self.config.name}: {facts['kind']}, {facts['parameters']} parameters, {cost}, "
            f"{facts['classes']} classes{operated}; in {mode} mode; print() lists its modules>"
        )

    def __str__(self) -> str:
        return super().__repr__()

    def _repr_html_(self) -> str:
        facts = size_facts(self.config)
        if self.classes:
            facts["classes"] += f": {short(self.classes, quote=False)[1:-1]}"
        if self.operations:
            facts["operated"] = f"{self.operations}; the sizes are those before"
        facts["mode"] = "training; `.eval()` before predictions" if self.training else "evaluation"
        return card(self.config.name, facts, sentences=["`print(network)` lists its modules."])

    @property
    def blocks(self) -> list[nn.Module]:
        """All blocks in order, including transitions."""
        return [block for stage in self.stages.children() for block in stage.children()]

    def forward(self, images: Tensor) -> Tensor:
        features = self.stem(images)
        if self.recompute and torch.is_grad_enabled():
            features = recomputed(self.blocks, features)
        else:
            features = self.stages(features)
        if self.end is not None:
            features = self.end(features)
        return self.scores(features)

    def scores(self, features: Tensor) -> Tensor:
        """The scores of the last features, (N, C, h, w) after `end`."""
        pooled = self.pool(features).flatten(1)
        if self.head is not None:
            pooled = self.head(pooled)
        scores: Tensor = self.classifier(pooled)
        return scores


def _head(width: int, widths: tuple[int, ...]) -> nn.Sequential:
    """Hidden linear layers, each with a ReLU."""
    layers: dict[str, nn.Module] = {}
    for number, (before, after) in enumerate(pairwise((width, *widths)), start=1):
        layers |= {f"linear{number}": nn.Linear(before, after), f"relu{number}": nn.ReLU()}
    return nn.Sequential(OrderedDict(layers))


BLOCKS: dict[tuple[str, str], Callable[[BlockShape], nn.Module]] = {
    ("basic", "post"): BasicBlock,
    ("basic", "pre"): PreBasicBlock,
    ("bottleneck", "post"): BottleneckBlock,
    ("bottleneck", "pre"): PreBottleneckBlock,
    ("dense", "post"): lambda shape: DenseLayer(shape.in_width, shape.width - shape.in_width),
    ("dense-bottleneck", "post"): lambda shape: DenseBottleneckLayer(shape.in_width, shape.width - shape.in_width),
    ("transition", "post"): lambda shape: Transition(shape.in_width, shape.width),
}


def _block(shape: BlockShape) -> nn.Module:
    return BLOCKS[shape.kind, shape.order](shape)


def build(
    network: str | NetworkConfig, *, classes: int | None = None, channels: int | None = None, seed: int = 0
) -> Network:
    """An untrained network in training mode.

    Args:
        network: a name such as "plain20", "resnet56-b", "resnet50", "wrn-28-10" (see `models.names`), or a
            configuration.
        classes: replaces the configuration's number of classes.
        channels: replaces the configuration's number of image channels.
        seed: of the initial weights. A layer's weights depend only on the seed and the layer's name, so a plain
            network and its residual twin start from the same weights.

    Raises:
        UnknownName: `network` is not a valid name; the message gives the nearest valid ones.
        BadSettings: `network` is neither a name nor a configuration, or the seed is negative.
    """
    require_seed(seed)
    config = network_config(network) if isinstance(network, str) else network
    if not isinstance(config, NetworkConfig):
        raise BadSettings(f"`network` (={quoted(network)}) is neither a name nor a NetworkConfig. Try 'resnet20'.")
    changes = {key: value for key, value in (("classes", classes), ("channels", channels)) if value is not None}
    built = Network(NetworkConfig(**(config.model_dump() | changes)))
    initialise(built, seed)
    return built


def initialise(network: nn.Module, seed: int) -> None:
    """Initialise all weights; norms, scalars and running statistics are reset.

    Source: He et al. 2015 (arXiv 1502.01852), equation 10, for convolutions; PyTorch's rule for linear layers. In a
    Fixup network the branches start smaller, their last convolutions and the classifier at zero: Zhang, Dauphin and Ma
    2019, section 3.
    """
    for name, module in network.named_modules():
        # PyTorch's generator uses only 32 bits of its seed, so name and seed are hashed into them
        stream = torch.Generator().manual_seed(crc32(f"{seed} {name}".encode()))
        if isinstance(module, nn.Conv2d | nn.Conv1d):
            nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu", generator=stream)
            for scalar in (module.bias, getattr(module, "shift", None)):
                if scalar is not None:
                    nn.init.zeros_(scalar)
        elif isinstance(module, nn.Linear):
            bound = 1 / math.sqrt(module.in_features)
            nn.init.uniform_(module.weight, -bound, bound, generator=stream)
            if module.bias is not None:
                nn.init.uniform_(module.bias, -bound, bound, generator=stream)
        elif isinstance(module, nn.BatchNorm2d | nn.GroupNorm | Scale | Shift | ScaleAndShift):
            module.reset_parameters()
    if isinstance(network, Network) and network.config.norm == "fixup":
        _fix_up(network)


def _fix_up(network: Network) -> None:
    blocks = network.blocks
    with torch.no_grad():
        for block in blocks:
            *inner, last = (each for each in block.children() if isinstance(each, ShiftedConv2d))
            for convolution in inner:
                convolution.weight *= len(blocks) ** (-1 / (2 * len(inner)))  # m - 1 of m convolutions
            nn.init.zeros_(last.weight)
        nn.init.zeros_(network.classifier.weight)
        nn.init.zeros_(network.classifier.bias)
