"""Read features along a network: after the stem, after every block and, if asked for, inside the blocks."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor, nn

from explorer.errors import BadSettings
from explorer.models.layers import block_names, main_path, network_name

Part = Literal["output", "interior"]
Parts = Literal["outputs", "interiors", "all"]


@dataclass(frozen=True, slots=True)
class FeaturePoint:
    """A place in a network where features are read.

    Attributes:
        name: of `module`, but "stem" for the input of the first block.
        module: name of the module whose output they are, or whose input for the stem.
        part: "output" of stem, block or network, or "interior": the response of a layer inside a block.
        stage, block: as in `models.layers.Layer`; stem and end have block 0.
        layer: number of the last weighted layer before it.
    """

    name: str
    module: str
    part: Part
    stage: int
    block: int
    layer: int


def feature_points(network: nn.Module, parts: Parts = "outputs") -> list[FeaturePoint]:
    """The points of a network in the order of the forward pass.

    Outputs are those of the stem, of every block after its addition and ReLU, and of the norm and ReLU at the end of a
    pre-activation or dense network. Interiors are the responses of all layers in blocks; that of a block's last layer
    is the output of its branch, before the addition.

    Args:
        network: of `build` or another one with blocks, such as torchvision's.
        parts: "outputs", "interiors" or "all".

    Raises:
        BadSettings: it has no blocks, or `parts` is none of these.
    """
    if parts not in ("outputs", "interiors", "all"):
        raise BadSettings(f"`parts` (={parts!r}) is not known. Known: 'outputs', 'interiors', 'all'.")
    names = block_names(network)
    if not names:
        raise BadSettings(
            f"{network_name(network)} has no blocks after which features could be read. Give a network of `build`, or "
            "another one with two or more convolutions in each block."
        )
    layers = main_path(network)
    modules = {module: name for name, module in network.named_modules()}
    stem = max((layer.number for layer in layers if layer.stage == 0), default=0)
    found = [FeaturePoint("stem", next(iter(names.values())), "output", 0, 0, stem)]
    for (stage, block), name in names.items():
        inside = [layer for layer in layers if (layer.stage, layer.block) == (stage, block)]
        for layer in inside:
            response = modules[layer.response]
            found.append(FeaturePoint(response, response, "interior", stage, block, layer.number))
        found.append(FeaturePoint(name, name, "output", stage, block, inside[-1].number))
    if isinstance(getattr(network, "end", None), nn.Module):
        found.append(FeaturePoint("end", "end", "output", found[-1].stage + 1, 0, found[-1].layer))
    return [point for point in found if parts == "all" or parts.startswith(point.part)]


@contextmanager
def record_features(
    network: nn.Module, points: list[FeaturePoint], measure: Callable[[Tensor], Tensor]
) -> Iterator[list[Tensor]]:
    """Record `measure` of the features at every point; the list has those of the latest forward pass.

    It is computed inside the hook, since a later in-place operation may overwrite the features.

    Args:
        network: the one of the points, or its `models.fused.fused` copy, which has the same outputs.
        points: see `feature_points`.
        measure: of features (N, C, H, W).
    """
    latest: list[Tensor] = []

    def of_input(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        latest.append(measure(inputs[0].detach()))

    def of_output(module: nn.Module, inputs: Any, output: Tensor) -> None:
        latest.append(measure(output.detach()))

    with ExitStack() as hooks:
        hooks.callback(network.register_forward_pre_hook(lambda module, inputs: latest.clear()).remove)
        for point in points:
            module = network.get_submodule(point.module)
            handle = (
                module.register_forward_pre_hook(of_input)
                if point.name == "stem"
                else module.register_forward_hook(of_output)
            )
            hooks.callback(handle.remove)
        yield latest
