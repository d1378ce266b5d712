"""Attribute a network's score for a class to its input or to a layer."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from threading import RLock
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from explorer import progress
from explorer.attribution import layer_methods, pixel_methods, region_methods, relevance
from explorer.attribution.baselines import baseline_images
from explorer.attribution.fitness import Traits, reason_unsupported, traits
from explorer.attribution.given import Images, Target, class_names, giving_scores, target_numbers, tensor_of
from explorer.attribution.job import Job, ValuesAndDelta
from explorer.attribution.layer_methods import layer_module
from explorer.attribution.methods import METHODS
from explorer.attribution.rows import Method
from explorer.cards import Shown
from explorer.errors import BadSettings
from explorer.models.layers import network_name
from explorer.models.network import Network
from explorer.models.two_classes import with_class_scores, with_whole_scores
from explorer.registry import lookup

MEMORY = 1 << 30  # bytes for the intermediate results of one pass
MOST_AT_ONCE = 256

_MODULES = (pixel_methods, layer_methods, region_methods, relevance)
# Each method's function has the name of its row.
_COMPUTE: dict[str, Callable[..., ValuesAndDelta]] = {
    name: next(vars(module)[name] for module in _MODULES if name in vars(module)) for name in METHODS
}

# Random states and warning filters are global to the process, so only one thread at a time may set them.
_GLOBAL_STATE = RLock()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Attribution(Shown):
    """Result of an attribution method.

    Attributes:
        values: see `attribute`.
        delta: convergence delta (N,): the sum of an image's values minus what they should add up to; None if the method
            has no such property.
        target: (N,), the classes that were explained.
        scores: (N, classes), before softmax.
        signed: negative values are evidence against the target.
        summed: a position's value is the sum over its channels; else the channels are equal, as in a region, or have
            no sign.
    """

    values: Tensor
    delta: Tensor | None
    target: Tensor
    scores: Tensor
    signed: bool
    summed: bool


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Prepared(Shown):
    """A copy of a network with its traits, reused for several explanations.

    Attributes:
        network: in evaluation mode, without gradients of weights, used nowhere else; discard it if a method raised.
        traits: of the network, for images of the same size.
    """

    network: nn.Module
    traits: Traits


def prepared(network: nn.Module, images: Tensor) -> Prepared:
    """A copy of `network` with its traits, found with the first of `images`.

    Raises:
        BadSettings: `images` do not fit the network.
    """
    _require_images(network, images)
    own = with_class_scores(deepcopy(network)).eval().requires_grad_(False)
    if not isinstance(own, Network):
        own = giving_scores(own)
    return Prepared(own, traits(own, _converted(own, images)))


def attribute(
    network: nn.Module,
    images: Images,
    target: Target = None,
    method: str = "saliency",
    *,
    baseline: str | Tensor = "mean",
    classes: Sequence[str] = (),
    **parameters: Any,
) -> Tensor:
    """Attribution of a network's class score to its input values or positions.

    The score explained is the one before softmax; of a network with one output (see `NetworkConfig.sigmoid`) the output
    for class 1, and minus the output for class 0. The network is copied, so its mode, weights, gradients and hooks do
    not change; batch norm uses its running statistics. It may be called under `torch.no_grad` or
    `torch.inference_mode`.

    Args:
        network: any module that returns (N, classes), or has them as the first of a tuple, as `logits` or under a key
            "logits"; a method that would give a wrong map of it raises.
        images: (N, C, H, W), normalised as the network was trained; a tensor or a numpy array.
        target: a class, or one for each image (N,), as numbers or names; None takes the predicted classes.
        method: name in `attribution.methods.METHODS`.
        baseline: for methods that use one: "mean" (zeros: the mean colour), "blur", or images, (C, H, W) or
            (N, C, H, W); GradientSHAP samples from them.
        classes: names in order of class, for targets by name; empty takes the attribute `classes` of the network or
            `config.id2label` of a transformers network.
        parameters: of the method, see its row.

    Returns:
        As Captum returns it: (N, C, H, W) for methods of scope "pixels" and "regions"; for scope "layer" the layer's
        (N, 1, h, w) for grad_cam and (N, channels, h, w) for layer_conductance.

    Raises:
        UnknownName: no such method.
        BadSettings: a parameter, the target, the images or the layer do not fit, or the method cannot run on this
            network; the message says why.
    """
    given = tensor_of(images)
    explaining = target_numbers(target, classes or class_names(network))
    with torch.inference_mode(mode=False), torch.enable_grad():
        return explained(network, given, explaining, method, baseline=baseline, **parameters).values


def explained(
    network: nn.Module | Prepared,
    images: Tensor,
    target: int | Tensor | None = None,
    method: str = "saliency",
    *,
    baseline: str | Tensor = "mean",
    **parameters: Any,
) -> Attribution:
    """`attribute` with scores and convergence delta."""
    row = lookup(METHODS, method, "attribution method")
    given = _settings(row, baseline, parameters)
    with _GLOBAL_STATE, _seeded(int(given.get("seed", 0))):
        ready = network if isinstance(network, Prepared) else prepared(network, images)
        own, found = with_whole_scores(ready.network), ready.traits
        _require_images(own, images)
        images = _converted(own, images)
        for each in (row, METHODS[given["of"]]) if "of" in given else (row,):
            if reason := reason_unsupported(each, found):
                raise BadSettings(f"{each.title} cannot run on {network_name(own)}: {reason}.")
        layer = layer_module(own, given["layer"], images[:1]) if "a layer" in row.needs else None
        at_once = int(np.clip(MEMORY // max(1, found.bytes), 1, MOST_AT_ONCE))
        scores = _scores(ready.network, images, at_once)
        classes = _targets(target, scores)
        starts = range(0, len(images), at_once)
        parts = []
        for number, start in enumerate(starts):
            chosen = slice(start, start + at_once)
            job = Job(
                own,
                images[chosen].clone().requires_grad_(),
                classes[chosen],
                layer,
                baseline_images(baseline, images, chosen, distribution=method == "gradient_shap"),
                at_once,
            )
            with progress.part(number, len(starts)), _counted(own, row.passes(given, *job.side) * len(job.images)):
                parts.append(_COMPUTE[method](job, **given))
    values = torch.cat([each.detach() for each, _ in parts])
    deltas = [delta.detach() for _, delta in parts if delta is not None]
    signed = row.signed(given)
    delta = torch.cat(deltas) if deltas else None
    return Attribution(values, delta, classes, scores, signed, summed=signed and row.scope != "regions")


def _settings(row: Method, baseline: str | Tensor, parameters: dict[str, Any]) -> dict[str, Any]:
    """All parameters of a method; a baseline is rejected like any other parameter that the method does not have."""
    usual = not isinstance(baseline, Tensor) and baseline == "mean"
    if not any(each.name == "baseline" for each in row.parameters):
        return row.checked(parameters if usual else parameters | {"baseline": baseline})
    if isinstance(baseline, Tensor):
        return row.checked(parameters) | {"baseline": baseline}
    return row.checked(parameters | {"baseline": baseline})


def _require_images(network: nn.Module, images: Tensor) -> None:
    if images.ndim != 4 or not len(images):
        hint = " Add a batch dimension with `images[None]`." if images.ndim == 3 else ""
        raise BadSettings(f"`images` has shape {tuple(images.shape)}; expected (N, C, H, W).{hint}")
    if not images.is_floating_point() or not torch.isfinite(images).all():
        raise BadSettings("`images` must be finite floating-point numbers, normalised for the network.")
    channels = _channels(network) or images.shape[1]
    if channels != images.shape[1]:
        hint = " Give them as (N, C, H, W), with `images.permute(0, 3, 1, 2)`." if images.shape[3] == channels else ""
        raise BadSettings(f"`images` has {images.shape[1]} channels; {network_name(network)} takes {channels}.{hint}")


def _channels(network: nn.Module) -> int:
    """Of the images that a network takes; 0 if unknown."""
    if isinstance(network, Network):
        return network.config.channels
    first = next((each for each in network.modules() if isinstance(each, nn.Conv2d)), None)
    return first.in_channels if first is not None and first.groups == 1 else 0


def _converted(network: nn.Module, images: Tensor) -> Tensor:
    """The images on the network's device, in its data type."""
    return images.detach().to(next(network.parameters(), images))


def _scores(network: nn.Module, images: Tensor, at_once: int) -> Tensor:
    with torch.no_grad():
        scores = torch.cat([network(images[start : start + at_once]) for start in range(0, len(images), at_once)])
    if scores.ndim != 2:
        raise BadSettings(f"The network gives {tuple(scores.shape)}; expected one score per class, (N, classes).")
    return scores


def _targets(target: int | Tensor | None, scores: Tensor) -> Tensor:
    if target is None:
        return scores.argmax(1)
    count, classes = scores.shape
    found = torch.as_tensor(target, device=scores.device)
    if found.ndim == 0:
        found = found.expand(count)
    if found.is_floating_point() or found.dtype == torch.bool:
        raise BadSettings(f"`target` (={target}) is not a whole number: give a class, or one for each image.")
    if found.shape != (count,):
        raise BadSettings(
            f"`target` has shape {tuple(found.shape)}; expected a class or one for each of {count} images."
        )
    if not ((found >= 0) & (found < classes)).all():
        raise BadSettings(f"`target` (={target}) is not a class: there are {classes}, from 0 to {classes - 1}.")
    return found.long()


@contextmanager
def _counted(network: nn.Module, passes: int) -> Iterator[None]:
    """Report progress by the number of images passed through the network."""
    passed = 0

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal passed
        passed += len(output)
        progress.report(passed / passes)

    handle = network.register_forward_hook(count)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed the random states, restore them afterwards, and suppress Captum's hook warnings."""
    before = np.random.get_state()  # noqa: NPY002 Captum uses it
    devices = list(range(torch.accelerator.device_count())) if torch.accelerator.is_available() else []
    kind = str(torch.accelerator.current_accelerator()) if devices else "cuda"
    try:
        with warnings.catch_warnings(), torch.random.fork_rng(devices, device_type=kind):
            warnings.simplefilter("ignore", UserWarning)
            torch.manual_seed(seed)
            np.random.seed(seed % 2**32)  # noqa: NPY002
            yield
    finally:
        np.random.set_state(before)  # noqa: NPY002
