"""What callers of `attribute` give, in the forms they have it in: images, targets, networks with other outputs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from explorer.errors import BadSettings
from explorer.registry import lookup

Images = Tensor | NDArray[Any] | Sequence[Tensor]
Target = int | str | Tensor | NDArray[Any] | Sequence[int] | Sequence[str] | None


def tensor_of(images: Images) -> Tensor:
    """Images as one tensor, which a gradient can reach also if they were made under `torch.inference_mode`.

    Raises:
        BadSettings: they are no array of numbers.
    """
    if isinstance(images, Tensor):
        return images.clone() if images.is_inference() else images
    try:
        if isinstance(images, Sequence) and images and all(isinstance(each, Tensor) for each in images):
            return torch.stack(list(images))
        return torch.from_numpy(np.array(images))  # a copy: torch warns of arrays that are read-only
    except (TypeError, ValueError, RuntimeError):
        raise BadSettings(
            f"`images` is {type(images).__name__}, which is no array of numbers. Give a tensor or a numpy array (N, C, "
            "H, W) of finite floating-point numbers, normalised for the network."
        ) from None


def target_numbers(target: Target, names: Sequence[str]) -> int | Tensor | None:
    """Targets as numbers; names of classes become their places.

    Raises:
        BadSettings: a name is given where none is known, or what is given are no numbers.
        UnknownName: no class has that name.
    """
    if target is None or isinstance(target, Tensor | int):
        return target
    if isinstance(target, str):
        return _place(target, names)
    try:
        numbers = [_place(each, names) if isinstance(each, str) else each for each in target]
        return torch.as_tensor(np.asarray(numbers))
    except TypeError:
        raise BadSettings(
            f"`target` (={target!r}) is not a whole number: give a class, or one for each image, as numbers or names."
        ) from None


def _place(name: str, names: Sequence[str]) -> int:
    if not names:
        raise BadSettings(
            f"`target` (={name!r}) is a name, and the names of this network's classes are not known. Give them in "
            "order with `classes`, or give the number of the class."
        )
    return lookup({each: place for place, each in enumerate(names)}, name, "class")


def class_names(network: nn.Module) -> tuple[str, ...]:
    """The names of a network's classes: its attribute `classes`, or those of Hugging Face; empty if unknown."""
    named = getattr(network, "classes", ())
    if isinstance(named, Sequence) and not isinstance(named, str) and all(isinstance(each, str) for each in named):
        found = tuple(named)
        if found:
            return found
    by_number = getattr(getattr(network, "config", None), "id2label", None)
    if isinstance(by_number, Mapping):
        return tuple(str(by_number[number]) for number in sorted(by_number))
    return ()


def giving_scores(network: nn.Module) -> nn.Module:
    """Let a network whose output holds scores among other things give the scores alone; its outputs else stay."""
    network.register_forward_hook(lambda module, inputs, output: _scores_in(output))
    return network


def _scores_in(output: object) -> Tensor | None:
    if isinstance(output, Tensor):
        return None  # which leaves it as it is
    found = getattr(output, "logits", None)
    if found is None and isinstance(output, Mapping):
        found = output.get("logits")
    if found is None and isinstance(output, tuple | list) and output:
        found = output[0]
    if not isinstance(found, Tensor):
        raise BadSettings(
            f"The network gives {type(output).__name__}, in which no scores were found. Wrap it in a module that "
            "returns the scores (N, classes) alone."
        )
    return found
