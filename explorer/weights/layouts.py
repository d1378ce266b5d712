"""State dicts under the names of torchvision and timm, for the networks that are the same function there.

Both libraries call the layers of a network alike. Source: models/resnet.py and densenet.py of torchvision 0.29 and timm
1.0.31, in timm layers/squeeze_excite.py and eca.py too.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from explorer.errors import BadSettings
from explorer.models.catalogue import network_config
from explorer.models.config import NetworkConfig
from explorer.numerals import counted
from explorer.weights.torchvision import WEIGHTS

if TYPE_CHECKING:
    from torch import Tensor

Library = Literal["torchvision", "timm"]

# timm's names of networks and ours, where one is not the other in our spelling
_TIMM = {
    "resnet26": "resnet26-bottleneck-large-s2.2.2.2",
    "resnet26d": "resnet26d-bottleneck-w64-s2.2.2.2",
    "resnet50c": "resnet50-deep",
    "resnet101c": "resnet101-deep",
    "resnet152c": "resnet152-deep",
    "resnet200": "resnet200-bottleneck-large-s3.24.36.3",
    "resnet200d": "resnet200d-bottleneck-w64-s3.24.36.3",
    "resnetaa34d": "resnet34d-aa",
    "resnetaa50": "resnet50-aa",
    "resnetaa50d": "resnet50d-aa",
    "resnetaa101d": "resnet101d-aa",
    "resnetblur18": "resnet18-blur",
    "resnetblur50": "resnet50-blur",
    "resnetblur50d": "resnet50d-blur",
    "resnetblur101d": "resnet101d-blur",
    "resnext50d_32x4d": "resnext50-32x4d-d-deep",
    "seresnet18": "seresnet18-se8",
    "seresnet34": "seresnet34-se8",
    "seresnet200d": "seresnet200d-bottleneck-w64-s3.24.36.3",
    "seresnetaa50d": "seresnet50d-aa",
    "seresnext26d_32x4d": "seresnext26-32x4d-d-deep-s2.2.2.2",
    "seresnext26t_32x4d": "seresnext26-32x4d-d-tiered",
    "ecaresnext26t_32x4d": "ecaresnext26-32x4d-d-tiered",
    "ecaresnext50t_32x4d": "ecaresnext50-32x4d-d-tiered",
}
_TIMM_ALIKE = (
    "resnet10t", "resnet14t", "resnet18", "resnet18d", "resnet26t", "resnet34", "resnet34d", "resnet50", "resnet50d",
    "resnet50t", "resnet50_gn", "resnet101", "resnet101d", "resnet152", "resnet152d", "resnext50_32x4d",
    "resnext101_32x4d", "resnext101_32x8d", "resnext101_32x16d", "resnext101_32x32d", "resnext101_64x4d",
    "wide_resnet50_2", "wide_resnet101_2", "seresnet50", "seresnet50t", "seresnet101", "seresnet152", "seresnet152d",
    "seresnext50_32x4d", "seresnext101_32x4d", "seresnext101_32x8d", "seresnext101_64x4d", "ecaresnet26t",
    "ecaresnet50d", "ecaresnet50t", "ecaresnet101d", "densenet121", "densenet161", "densenet169", "densenet201",
)  # fmt: skip
TWINS: dict[Library, dict[str, str]] = {  # by library: its name of a network, ours
    "torchvision": {row.name: row.name for row in WEIGHTS.values()},
    "timm": {name: name for name in _TIMM_ALIKE} | _TIMM,
}

_OUTSIDE = {  # of blocks: our names of layers, and theirs
    "stem.conv": "conv1",
    "stem.norm": "bn1",
    "stem.conv1": "conv1.0",
    "stem.norm1": "conv1.1",
    "stem.conv2": "conv1.3",
    "stem.norm2": "conv1.4",
    "stem.conv3": "conv1.6",
    "stem.norm3": "bn1",
    "classifier": "fc",
}
_IN_BLOCK = {
    **{f"conv{number}": f"conv{number}" for number in (1, 2, 3)},
    **{f"norm{number}": f"bn{number}" for number in (1, 2, 3)},
    "excitation.reduce": "se.fc1",
    "excitation.expand": "se.fc2",
    "excitation.conv": "se.conv",
    "shortcut.conv": "downsample.0",
    "shortcut.norm": "downsample.1",
}
_AFTER_POOLING = {"shortcut.conv": "downsample.1", "shortcut.norm": "downsample.2"}  # option D
_OUTSIDE_DENSE = {
    "stem.conv": "features.conv0",
    "stem.norm": "features.norm0",
    "end.norm": "features.norm5",
    "classifier": "classifier",
}
_LAYER_IN_BLOCK = re.compile(r"stages\.(\d+)\.(\d+)\.(.+)")


def library_name(config: NetworkConfig, library: Library) -> str:
    """The name in a library of the network that is the same function, for any number of classes.

    Raises:
        BadSettings: the library has none; the message names those that it has.
    """
    same = {"classes": config.classes}
    for name, ours in TWINS[library].items():
        twin = network_config(ours)
        channels = {"channels": config.channels} if library == "timm" else {}  # torchvision's have three
        if NetworkConfig(**(twin.model_dump() | same | channels)) == config:
            return name
    at_hand = ", ".join(sorted(TWINS[library]))
    raise BadSettings(
        f"{library} has no network that is {config.name}{_with_channels(config)}. It has: {at_hand}. Export "
        "the weights as they are, and the network as plain PyTorch with `python -m explorer code`."
    )


def _with_channels(config: NetworkConfig) -> str:
    return "" if config.channels == 3 else f" for {counted(config.channels, 'channel')}"


def library_state(config: NetworkConfig, state: Mapping[str, "Tensor"], library: Library) -> dict[str, "Tensor"]:
    """The tensors of one of our networks under the keys of a library.

    Args:
        config: of the network; it has an equal there, see `library_name`.
        state: its state dict.

    Raises:
        BadSettings: the library has no such network.
    """
    library_name(config, library)
    return {library_key(config, key): tensor for key, tensor in state.items()}


def library_key(config: NetworkConfig, key: str) -> str:
    """The key of torchvision and timm for one of ours: layer1.0.bn1.weight for stages.0.0.norm1.weight."""
    layer, _, last = key.rpartition(".")
    found = _LAYER_IN_BLOCK.fullmatch(layer)
    if found is None:
        return f"{(_OUTSIDE_DENSE if config.dense else _OUTSIDE)[layer]}.{last}"
    stage, block, part = int(found[1]), int(found[2]), found[3]
    if config.dense:
        if part in ("norm", "conv"):  # our transitions are at the beginning of a stage
            return f"features.transition{stage}.{part}.{last}"
        return f"features.denseblock{stage + 1}.denselayer{block + (stage == 0)}.{part}.{last}"
    names = _IN_BLOCK | (_AFTER_POOLING if config.shortcut == "D" else {})
    return f"layer{stage + 1}.{block}.{names[part]}.{last}"
