"""Every method gives what Captum gives when it is called directly, with the same network, parameters and seed."""

import copy
import warnings

import captum.attr
import numpy as np
import pytest
import torch
from captum.attr._utils.lrp_rules import EpsilonRule
from torch import nn
from torchvision.transforms.functional import gaussian_blur

from explorer.attribution.attribute import attribute, explained
from explorer.attribution.methods import METHODS

NETWORKS = [
    "resnet8-w4",
    *(pytest.param(name, marks=pytest.mark.thorough) for name in ("plain8-w4", "resnet8-b-w4", "resnet8-c-w4")),
]
TARGETS = torch.tensor([7, 0, 3])


def baseline(images, given):
    """The mean colour, the image blurred by a sixth of its side, or the images given."""
    found, images = given.get("baseline", "mean"), images.detach()
    if isinstance(found, str):
        return gaussian_blur(images, 7, 4 / 3) if found == "blur" else torch.zeros_like(images)
    return found.expand_as(images)


def layer(network, given):
    place = {"": getattr(network, "last", "stages.2.0"), "stage1": "stages.0.0", "stage2.block1": "stages.1.0"}
    name = given.get("layer", "")
    return network.get_submodule(place.get(name, name))


def grid(images, cells):
    """The number of each position's cell, written the long way."""
    height, width = images.shape[2:]
    numbers = [
        [(row * cells // height) * cells + column * cells // width for column in range(width)] for row in range(height)
    ]
    return torch.tensor(numbers)[None, None].expand(1, *images.shape[1:])


def smooth_grad(network, images, target, given):
    of = {
        "saliency": captum.attr.Saliency,
        "input_x_gradient": captum.attr.InputXGradient,
        "integrated_gradients": captum.attr.IntegratedGradients,
        "guided_backprop": captum.attr.GuidedBackprop,
        "deconvolution": captum.attr.Deconvolution,
    }[given.get("of", "saliency")]
    return captum.attr.NoiseTunnel(of(network)).attribute(
        images,
        nt_type=given.get("kind", "smoothgrad"),
        nt_samples=given["samples"],
        stdevs=given.get("noise", 0.3),
        target=target,
    )


def gradient_shap(network, images, target, given):
    """Image by image, since a blurred image is a baseline for itself alone."""
    draws = given.get("baseline", "mean")
    own = baseline(images, given) if isinstance(draws, str) else None
    return torch.cat(
        [
            captum.attr.GradientShap(network).attribute(
                images[each : each + 1],
                draws if own is None else own[each : each + 1],
                n_samples=given["samples"],
                stdevs=given.get("noise", 0.1),
                target=target[each : each + 1],
            )
            for each in range(len(images))
        ]
    )


def kernel_shap(network, images, target, given):
    method, from_ = captum.attr.KernelShap(network), baseline(images, given)
    return torch.cat(
        [
            method.attribute(
                images[each : each + 1],
                from_[each : each + 1],
                target[each : each + 1],
                feature_mask=grid(images, given["grid"]),
                n_samples=given["samples"],
            )
            for each in range(len(images))
        ]
    )


class OwnTensor(nn.Module):
    def forward(self, x):
        return x.clone()


def lrp(network, images, target, given):
    """Captum cannot tell the output of an identity from its input, so each gives a copy."""
    network = copy.deepcopy(network)
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.Identity):
            network.set_submodule(name, OwnTensor())
    for module in network.modules():
        if not list(module.children()) and not isinstance(module, nn.ReLU):
            module.rule = EpsilonRule(given.get("epsilon", 1e-9))
    return captum.attr.LRP(network).attribute(images, target)


DIRECT = {
    "saliency": lambda network, images, target, given: captum.attr.Saliency(network).attribute(
        images, target, abs=given.get("absolute", True)
    ),
    "input_x_gradient": lambda network, images, target, given: captum.attr.InputXGradient(network).attribute(
        images, target
    ),
    "integrated_gradients": lambda network, images, target, given: captum.attr.IntegratedGradients(network).attribute(
        images, baseline(images, given), target, n_steps=given["steps"]
    ),
    "smooth_grad": smooth_grad,
    "gradient_shap": gradient_shap,
    "deep_lift": lambda network, images, target, given: captum.attr.DeepLift(network).attribute(
        images, baseline(images, given), target
    ),
    "guided_backprop": lambda network, images, target, given: captum.attr.GuidedBackprop(network).attribute(
        images, target
    ),
    "deconvolution": lambda network, images, target, given: captum.attr.Deconvolution(network).attribute(
        images, target
    ),
    "grad_cam": lambda network, images, target, given: captum.attr.LayerGradCam(
        network, layer(network, given)
    ).attribute(images, target, relu_attributions=given.get("positive", False)),
    "guided_grad_cam": lambda network, images, target, given: captum.attr.GuidedGradCam(
        network, layer(network, given)
    ).attribute(images, target),
    "layer_conductance": lambda network, images, target, given: captum.attr.LayerConductance(
        network, layer(network, given)
    ).attribute(images, baseline(images, given), target, n_steps=given["steps"]),
    "occlusion": lambda network, images, target, given: captum.attr.Occlusion(network).attribute(
        images,
        (images.shape[1], given["window"], given["window"]),
        (images.shape[1], given.get("stride", given["window"] // 2), given.get("stride", given["window"] // 2)),
        baseline(images, given),
        target,
    ),
    "feature_ablation": lambda network, images, target, given: captum.attr.FeatureAblation(network).attribute(
        images, baseline(images, given), target, feature_mask=grid(images, given["grid"])
    ),
    "kernel_shap": kernel_shap,
    "lrp": lrp,
}

OTHER_SETTINGS = [
    ("saliency", {"absolute": False}),
    ("integrated_gradients", {"steps": 9, "baseline": "blur"}),
    *(("smooth_grad", {"of": of, "samples": 3}) for of in METHODS["smooth_grad"].parameters[0].choices),
    ("smooth_grad", {"kind": "smoothgrad_sq", "noise": 0.05, "seed": 4}),
    ("smooth_grad", {"kind": "vargrad", "samples": 7}),
    ("gradient_shap", {"samples": 7, "noise": 0.0, "seed": 2, "baseline": "blur"}),
    ("gradient_shap", {"baseline": torch.linspace(-1, 1, 5 * 3 * 64).view(5, 3, 8, 8)}),
    ("deep_lift", {"baseline": "blur"}),
    ("grad_cam", {"layer": "stage1", "positive": True}),
    ("grad_cam", {"layer": "stem.norm"}),
    ("guided_grad_cam", {"layer": "stage2.block1"}),
    ("layer_conductance", {"layer": "stage2.block1", "steps": 3, "baseline": "blur"}),
    ("occlusion", {"window": 3, "stride": 3, "baseline": "blur"}),
    ("occlusion", {"window": 5, "stride": 1, "baseline": torch.full((3, 8, 8), 0.5)}),
    ("feature_ablation", {"grid": 3, "baseline": torch.linspace(-1, 1, 3 * 3 * 64).view(3, 3, 8, 8)}),
    ("kernel_shap", {"grid": 3, "samples": 30, "seed": 5, "baseline": "blur"}),
    ("lrp", {"epsilon": 0.1}),
]


def assert_same(found, direct):
    torch.testing.assert_close(found, direct, rtol=1e-4, atol=1e-5 * float(direct.abs().max()))
    assert found.abs().max() > 0


def check(network, images, target, method, given):
    torch.manual_seed(given.get("seed", 0))
    np.random.seed(given.get("seed", 0))  # noqa: NPY002 Captum draws from it
    with warnings.catch_warnings(action="ignore"):  # Captum warns that it sets hooks
        direct = DIRECT[method](network, images.clone().requires_grad_(), target, given)
    assert_same(attribute(network, images, target, method, **given), direct.detach())


def test_there_is_a_direct_call_for_every_method():
    assert list(DIRECT) == list(METHODS)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("method", METHODS)
def test_on_our_networks(method, name, lived_in, images, quick):
    check(lived_in(name), images(3, 3, 8, 8), TARGETS, method, quick(METHODS[method]))


@pytest.mark.parametrize("name", ["plain8-w4", "resnet8-w4"])
@pytest.mark.parametrize("method", METHODS)
def test_on_digits(method, name, lived_in, images, quick):
    check(lived_in(name, channels=1), images(3, 1, 8, 8), TARGETS, method, quick(METHODS[method]))


@pytest.mark.parametrize(
    ("method", "given"), OTHER_SETTINGS, ids=lambda each: each if isinstance(each, str) else ",".join(each)
)
def test_with_other_settings(method, given, lived_in, images, quick):
    check(lived_in("resnet8-w4"), images(3, 3, 8, 8), TARGETS, method, quick(METHODS[method]) | given)


def test_the_other_settings_touch_every_parameter():
    touched = {(method, name) for method, given in OTHER_SETTINGS for name in given}
    all_of_them = {(method, each.name) for method, row in METHODS.items() for each in row.parameters}
    assert all_of_them - touched == {("lrp", "sums")}, "which Captum does not have"


@pytest.mark.parametrize("depth", [20, pytest.param(56, marks=pytest.mark.slow)])
@pytest.mark.parametrize("method", METHODS)
def test_on_networks_that_others_have_trained(method, depth, foreign, cifar, quick):
    few = quick(METHODS[method]) | ({"window": 16} if method == "occlusion" else {})
    few |= {"samples": 2} if method in ("smooth_grad", "gradient_shap") else {}
    few |= {"steps": 2} if "steps" in few else {}
    network = foreign(depth)
    network.last = f"stages.2.{network.config.blocks_per_stage - 1}"
    check(network, cifar[0][:2], TARGETS[:2], method, few)


@pytest.mark.parametrize("depth", [20, 56])
def test_the_weights_of_others_see_here_what_they_saw_there(depth, foreign, cifar):
    images, labels = cifar
    if labels is None:
        pytest.skip("EXPLORER_DATA does not name a folder with CIFAR-10")
    with torch.no_grad():
        right = (foreign(depth)(images).argmax(1) == labels).float().mean()
    assert right > 0.87  # 91.8 and 93.6 percent of all test images, as their files say


@pytest.mark.parametrize("at_once", [1, 2])
@pytest.mark.parametrize("method", METHODS)
def test_however_few_images_are_taken_at_once(method, at_once, lived_in, images, quick, monkeypatch):
    """Little memory changes nothing but the order in which random numbers are drawn."""
    network, batch, given = lived_in("resnet8-w4"), images(3, 3, 8, 8), quick(METHODS[method])
    if method in ("smooth_grad", "gradient_shap"):
        given |= {"noise": 0.0}
    whole = explained(network, batch, TARGETS, method, **given)
    most = 0

    def count(module, inputs):
        nonlocal most
        most = max(most, len(inputs[0]))

    network.stem.conv.register_forward_pre_hook(count)
    monkeypatch.setattr("explorer.attribution.attribute.MOST_AT_ONCE", at_once)
    parts = explained(network, batch, TARGETS, method, **given)
    if method != "gradient_shap":  # its points are random
        assert_same(parts.values, whole.values)
    assert parts.values.shape == whole.values.shape
    assert (parts.delta is None) == (whole.delta is None)
    twice = method in ("deep_lift", "layer_conductance")  # image and baseline; both ends of a step
    assert most <= at_once * (2 if twice else 1)


@pytest.mark.parametrize(
    "method", ["integrated_gradients", "deep_lift", "layer_conductance", "occlusion", "feature_ablation"]
)
def test_each_image_keeps_its_baseline_where_few_are_taken_at_once(method, lived_in, images, quick, monkeypatch):
    network, batch, own = lived_in("resnet8-w4"), images(3, 3, 8, 8), torch.linspace(-1, 1, 3 * 192).view(3, 3, 8, 8)
    for given in (own, "blur"):
        whole = attribute(network, batch, TARGETS, method, baseline=given, **quick(METHODS[method]))
        with monkeypatch.context() as little_memory:
            little_memory.setattr("explorer.attribution.attribute.MOST_AT_ONCE", 1)
            assert_same(attribute(network, batch, TARGETS, method, baseline=given, **quick(METHODS[method])), whole)
