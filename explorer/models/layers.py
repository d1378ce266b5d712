"""The layers of a network in order of depth, with their sizes."""

from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from explorer.models.config import NetworkConfig
from explorer.models.network import Network


def layer_table(config: NetworkConfig, image_size: int = 32) -> pd.DataFrame:
    """Sizes of every convolution and of the classifier, in the order in which they run.

    One blank image goes through the network: quicker than PyTorch's meta device, even at 1202 layers.

    Args:
        config: the network.
        image_size: height and width of an image in pixels.

    Returns:
        One row per layer: layer (1, 2, ...), name, shape (of the output for one image), parameters (a convolution
        with its batch norm), multiply_adds (for one image; batch norm, ReLU and sums not counted, as in the paper).
    """
    rows: list[dict[str, Any]] = []
    network = Network(config).eval()
    names = {module: name for name, module in network.named_modules()}

    def record(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        parameters = sum(p.numel() for p in module.parameters())
        if isinstance(module, nn.BatchNorm2d):
            rows[-1]["parameters"] += parameters
            return
        positions = output[0, 0].numel()
        rows.append(
            {
                "layer": len(rows) + 1,
                "name": names[module],
                "shape": tuple(output.shape[1:]),
                "parameters": parameters,
                "multiply_adds": module.get_parameter("weight").numel() * positions,
            }
        )

    for module in names:
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d | nn.Linear):
            module.register_forward_hook(record)
    with torch.inference_mode():
        network(torch.zeros(1, config.channels, image_size, image_size))
    return pd.DataFrame(rows)
