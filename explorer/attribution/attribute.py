"""Attribute a network's score for a class to its input or to a layer."""

import warnings
from collections.abc import Callable, Iterator
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
from explorer.attribution.fitness import Traits, lacking, traits
from explorer.attribution.job import Job, Outcome
from explorer.attribution.layer_methods import layer_module
from explorer.attribution.methods import METHODS
from explorer.attribution.rows import Method
from explorer.errors import BadSettings
from explorer.models.layers import network_name
from explorer.registry import lookup

MEMORY = 1 << 30  # bytes that the results of one pass may take together
MOST_AT_ONCE = 256

_MODULES = (pixel_methods, layer_methods, region_methods, relevance)
# The function of each row: it has the row's name.
_COMPUTE: dict[str, Callable[..., Outcome]] = {
    name: next(vars(module)[name] for module in _MODULES if name in vars(module)) for name in METHODS
}

# Seeds and warnings belong to the whole process, so two threads take turns. The networks are copies anyway.
_ONE_AT_A_TIME = RLock()


@dataclass(frozen=True, slots=True, eq=False)
class Attribution:
    """What a method gave.

    Attributes:
        values: see `attribute`.
        delta: how far the sum of the values of an image is from what they should add up to, (N,); None where the method
            promises no sum.
        target: (N,), the classes that were explained.
        scores: (N, classes), before softmax.
        signed: values below zero speak against the target.
        summed: what a position counts for is the sum over its channels; else all of them have the same value, as those
            of a region, or no sign.
    """

    values: Tensor
    delta: Tensor | None
    target: Tensor
    scores: Tensor
    signed: bool
    summed: bool


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A network made ready for one explanation after the other, which spares copying and examining it each time.

    Attributes:
        network: in evaluation mode, its weights take no gradient, and nobody else's; used up by a method that raised.
        traits: what was seen of it, on images of the same size.
    """

    network: nn.Module
    traits: Traits


def prepared(network: nn.Module, images: Tensor) -> Prepared:
    """A copy of `network`, examined with the first of `images`.

    Raises:
        BadSettings: `images` do not fit.
    """
    _require_images(network, images)
    own = deepcopy(network).eval().requires_grad_(False)
    return Prepared(own, traits(own, _fitting(own, images)))


def attribute(
    network: nn.Module,
    images: Tensor,
    target: int | Tensor | None = None,
    method: str = "saliency",
    *,
    baseline: str | Tensor = "mean",
    **parameters: Any,
) -> Tensor:
    """A score for each input value or position: what made the network's score for a class.

    Scores explained are those before softmax. The network is copied, so mode, weights, gradients and hooks stay as they
    are; batch norm uses its running statistics.

    Args:
        network: any module that gives (N, classes); methods that would give a wrong map of it refuse.
        images: (N, C, H, W), normalised as the network was trained.
        target: class, or one for each image (N,); None takes the predicted ones.
        method: name in `attribution.methods.METHODS`.
        baseline: for methods that have one: "mean" (zeros: the mean colour), "blur", or images, (C, H, W) or
            (N, C, H, W); GradientSHAP draws from them.
        parameters: of the method, see its row.

    Returns:
        As Captum gives it: (N, C, H, W) for methods of scope "pixels" and "regions"; for scope "layer" the layer's
        (N, 1, h, w) for grad_cam and (N, channels, h, w) for layer_conductance.

    Raises:
        UnknownName: no such method.
        BadSettings: a parameter, the target, the images or the layer do not fit, or the method cannot run on this
            network; the message says why.
    """
    return explained(network, images, target, method, baseline=baseline, **parameters).values


def explained(
    network: nn.Module | Prepared,
    images: Tensor,
    target: int | Tensor | None = None,
    method: str = "saliency",
    *,
    baseline: str | Tensor = "mean",
    **parameters: Any,
) -> Attribution:
    """The same as `attribute`, with the scores and the convergence delta."""
    row = lookup(METHODS, method, "attribution method")
    given = _settings(row, baseline, parameters)
    with _ONE_AT_A_TIME, _undisturbed(int(given.get("seed", 0))):
        ready = network if isinstance(network, Prepared) else prepared(network, images)
        own, seen = ready.network, ready.traits
        _require_images(own, images)
        images = _fitting(own, images)
        for each in (row, METHODS[given["of"]]) if "of" in given else (row,):
            if reason := lacking(each, seen):
                raise BadSettings(f"{each.title} cannot run on {network_name(own)}: {reason}.")
        layer = layer_module(own, given["layer"], images[:1]) if "a layer" in row.needs else None
        at_once = int(np.clip(MEMORY // max(1, seen.bytes), 1, MOST_AT_ONCE))
        scores = _scores(own, images, at_once)
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
    """All parameters of a method; a baseline that it does not have is refused like any other it does not have."""
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
    channels = getattr(getattr(network, "config", None), "channels", images.shape[1])
    if channels != images.shape[1]:
        raise BadSettings(f"`images` has {images.shape[1]} channels; {network_name(network)} takes {channels}.")


def _fitting(network: nn.Module, images: Tensor) -> Tensor:
    """Where the network is, and as precise."""
    return images.detach().to(next(network.parameters(), images))


def _scores(network: nn.Module, images: Tensor, at_once: int) -> Tensor:
    with torch.no_grad():
        scores = torch.cat([network(images[start : start + at_once]) for start in range(0, len(images), at_once)])
    if scores.ndim != 2:
        raise BadSettings(f"The network gives {tuple(scores.shape)}; expected one score a class, (N, classes).")
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
    """Report progress by the images that go through the network."""
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
def _undisturbed(seed: int) -> Iterator[None]:
    """Random numbers by the seed, those of the program kept; what Captum warns of, hooks being set, is not told."""
    before = np.random.get_state()  # noqa: NPY002 Captum draws from it
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
