"""Attribution methods for the positions of one layer, and guided Grad-CAM."""

import torch
from captum.attr import GuidedGradCam, LayerConductance, LayerGradCam
from torch import Tensor, nn

from explorer.attribution.job import Job, ValuesAndDelta
from explorer.errors import BadSettings
from explorer.models.layers import block_names, network_name
from explorer.registry import nearest_hint


def grad_cam(job: Job, *, layer: str, positive: bool) -> ValuesAndDelta:
    """(N, 1, h, w): the layer's channels weighted by the mean gradient of the score with respect to each."""
    return LayerGradCam(job.network, job.layer).attribute(
        job.images, target=job.target, relu_attributions=positive
    ).detach(), None


def guided_grad_cam(job: Job, *, layer: str) -> ValuesAndDelta:
    """Guided backpropagation times the positive part of Grad-CAM."""
    return GuidedGradCam(job.network, job.layer).attribute(job.images, target=job.target), None


def layer_conductance(job: Job, *, layer: str, steps: int, baseline: str) -> ValuesAndDelta:
    """(N, channels of the layer, h, w): the integrated gradients that flow through each value."""
    values, delta = LayerConductance(job.network, job.layer).attribute(
        job.images,
        baselines=job.baseline,
        target=job.target,
        n_steps=steps,
        internal_batch_size=job.at_once,
        return_convergence_delta=True,
    )
    return values.detach(), delta.detach()


def layer_module(network: nn.Module, text: str, image: Tensor) -> nn.Module:
    """The module of a layer, see `layer_name`; `image` is (1, C, H, W).

    Raises:
        BadSettings: there is no such block or module, or its output has no positions.
    """
    name = layer_name(network, text)
    module, found = network.get_submodule(name), []
    handle = module.register_forward_hook(lambda module, inputs, output: found.append(output))
    try:
        with torch.no_grad():
            network(image)
    finally:
        handle.remove()
    if not found:
        raise BadSettings(f"{network_name(network)} does not call its module {name!r}. Choose one that it calls.")
    if not isinstance(found[-1], Tensor) or found[-1].ndim != 4:
        raise BadSettings(
            f"The layer {name!r} of {network_name(network)} has no positions, (N, C, h, w). Choose a block."
        )
    return module


def layer_name(network: nn.Module, text: str) -> str:
    """The module name of a layer.

    Args:
        text: "stage2" (its last block), "stage2.block3", or a module name; empty is the last block.

    Raises:
        BadSettings: there is no such block or module.
    """
    named = block_names(network)
    places = {f"stage{stage}.block{block}": name for (stage, block), name in named.items()}
    places |= {f"stage{stage}": name for (stage, _), name in named.items()}  # the last block of each stage
    if not text:
        if not named:
            raise BadSettings(
                f"{network_name(network)} has no blocks. Name a module with `layer`, as in named_modules()."
            )
        return next(reversed(named.values()))
    if text in places:
        return places[text]
    modules = dict(network.named_modules())
    if text in modules:
        return text
    known = ", ".join(place for place in places if "." not in place) or "the names in named_modules()"
    hint = nearest_hint(text, modules if text.count(".") > 1 else places) or nearest_hint(text, modules)
    raise BadSettings(
        f"{network_name(network)} has no layer {text!r}.{hint} Layers are {known}, a block such as "
        "stage1.block1, or a module's name."
    )
