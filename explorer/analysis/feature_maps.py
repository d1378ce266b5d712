"""Feature maps: the arithmetic of a block on one image, filters, and the images that excite a channel most."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from explorer import progress
from explorer.analysis.images import Images, parts, require_images
from explorer.block_results import Arithmetic
from explorer.errors import BadSettings
from explorer.models.layers import block_names, main_path, network_name
from explorer.models.network import Network
from explorer.models.receptive_field import Field, receptive_fields
from explorer.models.recording import working_copy
from explorer.models.shortcuts import PadShortcut
from explorer.registry import lookup

Maps = NDArray[np.float32]  # (channels, height, width)


def block_arithmetic(network: nn.Module, image: Tensor, place: str) -> Arithmetic:
    """x, F(x), shortcut(x), their sum and the ReLU of one block for one image; batch norm in evaluation mode.

    Args:
        network: of `build` or `load_checkpoint`.
        image: (1, C, H, W), normalised for `network`, on its device.
        place: of the block, such as "stage2.block3".

    Raises:
        UnknownName: there is no such block.
        BadSettings: `image` is not one that the network accepts, or it is no network of `build`.
    """
    require_images(network, image)
    if len(image) != 1:
        raise BadSettings(f"`image` holds {len(image)} images; expected (1, C, H, W). Give one of them.")
    copy = working_copy(_own(network)).requires_grad_(requires_grad=False)
    block = copy.get_submodule(lookup(block_places(copy), place, f"block of {network_name(network)}"))
    kept: dict[str, Maps] = {}

    def keep(name: str, *, given: int | None = None, weighted: Any = Tensor.detach) -> Any:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            kept[name] = weighted(output if given is None else inputs[given])[0].float().numpy(force=True).copy()

        return hook

    watched = [(block, keep("x", given=0)), (block, keep("output"))]
    addition, shape = getattr(block, "addition", None), getattr(block, "shape", None)
    joined: Literal["sum", "concatenation", "none"] = "none"
    if addition is not None and getattr(block, "shortcut", None) is not None:
        joined = "sum"
        watched += [(addition, keep("branch", given=0)), (addition, keep("joined"))]
        watched.append((addition, keep("shortcut", given=1, weighted=addition.weighted)))
    elif shape is not None:  # a plain block
        watched.append((_branch_end(block), keep("branch")))
    elif not hasattr(block, "pool"):  # a dense layer
        joined = "concatenation"
        watched.append((list(block.children())[-1], keep("branch")))
    handles = [module.register_forward_hook(hook) for module, hook in watched]
    try:
        with torch.no_grad():
            copy(image)
    finally:
        for handle in handles:
            handle.remove()
    if joined == "concatenation":
        kept |= {"shortcut": kept["x"], "joined": kept["output"]}
    return Arithmetic(
        place=place,
        module=next(name for name, each in copy.named_modules() if each is block),
        x=kept["x"],
        branch=kept.get("branch", kept["output"]),
        shortcut=kept.get("shortcut"),
        joined=kept.get("joined", kept.get("branch", kept["output"])),
        relu=kept["output"] if shape is not None and shape.order == "post" else None,
        by=joined,
        before=shortcut.padding[4] if isinstance(shortcut := getattr(block, "shortcut", None), PadShortcut) else 0,
        shared_activation=shape is not None and shape.shares_activation,
    )


def _branch_end(block: nn.Module) -> nn.Module:
    """The last module of a branch before addition and ReLU."""
    excitation = getattr(block, "excitation", None)
    return (
        excitation if excitation is not None else block.get_submodule("norm3" if hasattr(block, "conv3") else "norm2")
    )


def block_places(network: nn.Module) -> dict[str, str]:
    """Module names by place, "stage1.block1" for the first block."""
    return {f"stage{stage}.block{block}": name for (stage, block), name in block_names(network).items()}


def filters(network: nn.Module, layer: str) -> NDArray[np.float32]:
    """The weights of a convolution, (filters, input channels of a group, height, width).

    Args:
        layer: its module's name, such as "stem.conv".

    Raises:
        UnknownName: the network has no such convolution.
    """
    found = {name: each for name, each in network.named_modules() if isinstance(each, nn.Conv2d)}
    return lookup(found, layer, f"convolution of {network_name(network)}").weight.detach().float().numpy(force=True)


@dataclass(frozen=True, slots=True, eq=False)
class Excitement:
    """The maximum of each channel in each image.

    Attributes:
        layer: name of the convolution, the last one of a block.
        maxima: (images, channels); positions: the same, row * columns + column.
        columns: of the layer's positions.
        field: receptive field of the positions.
    """

    layer: str
    maxima: NDArray[np.float32]
    positions: NDArray[np.int64]
    columns: int
    field: Field


def excitement(network: nn.Module, images: Images, place: str, *, of: int | None = None) -> Excitement:
    """Where and how strongly each image excites the channels of a layer or block most.

    Args:
        network: of `build` or `load_checkpoint`.
        images: (N, C, H, W), normalised for `network`, on its device; or batches of them, with or without labels.
        place: a block, such as "stage2.block3", for its output; or a convolution on the main path, such as
            "stages.1.0.conv1", for its response, after its norm.
        of: number of images, for the progress.

    Raises:
        UnknownName: there is no such block or layer.
        BadSettings: `images` is not a batch that the network accepts, or it is no network of `build`.
    """
    copy = working_copy(_own(network)).requires_grad_(requires_grad=False)
    assert isinstance(copy, Network)
    places = block_places(copy)
    layers = {each.name: each for each in main_path(copy) if isinstance(each.module, nn.Conv2d)}
    name = lookup(places | {each: each for each in layers}, place, f"block or layer of {network_name(network)}")
    if place in places:
        module, layer = copy.get_submodule(name), [each for each in layers if each.startswith(f"{name}.")][-1]
    else:
        module, layer = layers[name].response, name
    values: list[NDArray[np.float32]] = []
    positions: list[NDArray[np.int64]] = []
    columns = side = 0

    def keep(module: nn.Module, inputs: object, output: Tensor) -> None:
        nonlocal columns
        columns = output.shape[3]
        highest, where = output.flatten(2).max(2)
        values.append(highest.float().numpy(force=True))
        positions.append(where.numpy(force=True))

    handle = module.register_forward_hook(keep)
    try:
        with torch.inference_mode():
            for part in parts(images):
                require_images(copy, part)
                side = part.shape[2]
                copy(part)
                if of:
                    progress.report(sum(map(len, values)) / of)
    finally:
        handle.remove()
    if not values:
        raise BadSettings("`images` holds no images. Give at least one.")
    field = _field(copy, layer, side, pooled=place in places and hasattr(module, "pool"))
    return Excitement(layer, np.concatenate(values), np.concatenate(positions), columns, field)


def _field(network: Network, layer: str, side: int, *, pooled: bool) -> Field:
    field = receptive_fields(network.config, side)[layer]
    field = field.through(2, 2) if pooled else field  # a transition of a dense network ends with a pooling
    return field.seen_in(side, network.config.enlarged) if network.config.enlarged else field


def most_exciting(values: Iterable[float], count: int) -> NDArray[np.int64]:
    """Indices of the highest values, the highest first."""
    return np.argsort(-np.asarray(values), kind="stable")[:count]


def _own(network: nn.Module) -> Network:
    if not isinstance(network, Network):
        raise BadSettings(
            f"{network_name(network)} is not a network of `build`, so its blocks are not known. Load its weights into "
            "one of `build` with `load_foreign_state`."
        )
    return network
