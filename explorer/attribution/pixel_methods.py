"""Attribution methods for every input value, by gradients or modified gradients."""

from typing import Any

import torch
from captum.attr import (
    Attribution,
    Deconvolution,
    DeepLift,
    GradientShap,
    GuidedBackprop,
    InputXGradient,
    IntegratedGradients,
    NoiseTunnel,
    Saliency,
)
from torch import Tensor

from explorer.attribution.job import Job, ValuesAndDelta


def saliency(job: Job, *, absolute: bool) -> ValuesAndDelta:
    """The gradient of the target's score."""
    return Saliency(job.network).attribute(job.images, target=job.target, abs=absolute), None


def input_x_gradient(job: Job) -> ValuesAndDelta:
    """The gradient times the input."""
    return InputXGradient(job.network).attribute(job.images, target=job.target), None


def integrated_gradients(job: Job, *, steps: int, baseline: str) -> ValuesAndDelta:
    """The mean gradient on the straight line from the baseline, times the difference."""
    return _with_delta(IntegratedGradients(job.network), job, n_steps=steps, internal_batch_size=job.at_once)


def gradient_shap(job: Job, *, samples: int, noise: float, baseline: str | Tensor, seed: int) -> ValuesAndDelta:
    """The expected gradient at random points between random baselines and the noisy image, times the difference."""
    method, values, deltas = GradientShap(job.network), [], []
    for each in range(len(job.images)):  # one at a time: a blurred image is the baseline of that image only
        one = slice(each, each + 1)
        total, errors = torch.zeros_like(job.images[one]), []
        for start in range(0, samples, job.at_once):  # Captum would take all samples at once
            count = min(job.at_once, samples - start)
            found, delta = method.attribute(
                job.images[one],
                baselines=job.baseline if isinstance(baseline, Tensor) else job.baseline[one],
                target=job.target[one],
                n_samples=count,
                stdevs=noise,
                return_convergence_delta=True,
            )
            total = total + found.detach() * (count / samples)
            errors.append(delta)
        values.append(total)
        deltas.append(torch.cat(errors).mean()[None])
    return torch.cat(values), torch.cat(deltas)


def deep_lift(job: Job, *, baseline: str) -> ValuesAndDelta:
    """Differences from the baseline's activations, passed back by the Rescale rule."""
    return _with_delta(DeepLift(job.network), job)


def guided_backprop(job: Job) -> ValuesAndDelta:
    """The gradient, where every ReLU also blocks negative gradients."""
    return GuidedBackprop(job.network).attribute(job.images, target=job.target), None


def deconvolution(job: Job) -> ValuesAndDelta:
    """The gradient, where every ReLU rectifies the gradient and ignores its input."""
    return Deconvolution(job.network).attribute(job.images, target=job.target), None


def smooth_grad(job: Job, *, of: str, kind: str, samples: int, noise: float, seed: int) -> ValuesAndDelta:
    """The mean (or mean square, or variance) of another method's maps of noisy copies of the image."""
    options: dict[str, Any] = {"internal_batch_size": job.at_once} if of == "integrated_gradients" else {}
    values = NoiseTunnel(_SMOOTHED[of](job.network)).attribute(
        job.images,
        nt_type=kind,
        nt_samples=samples,
        nt_samples_batch_size=max(1, job.at_once // len(job.images)),
        stdevs=noise,
        target=job.target,
        **options,
    )
    return values, None


_SMOOTHED: dict[str, type[Attribution]] = {
    "saliency": Saliency,
    "input_x_gradient": InputXGradient,
    "integrated_gradients": IntegratedGradients,
    "guided_backprop": GuidedBackprop,
    "deconvolution": Deconvolution,
}


def _with_delta(method: Attribution, job: Job, **options: Any) -> ValuesAndDelta:
    values, delta = method.attribute(
        job.images, baselines=job.baseline, target=job.target, return_convergence_delta=True, **options
    )
    return values, delta
