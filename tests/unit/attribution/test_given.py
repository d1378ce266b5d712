"""`attribute` as people call it: what they have at hand gives the map of the plain call."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from captum.attr import Saliency
from torch import nn

import explorer
from explorer.attribution.attribute import attribute
from explorer.attribution.methods import METHODS
from explorer.errors import BadSettings, UnknownName
from explorer.models.network import build
from explorer.runs.checkpoints import load_checkpoint


class Wrapped(nn.Module):
    """A network whose output holds the scores among other things."""

    def __init__(self, form):
        super().__init__()
        self.network, self.form = build("resnet8-w4", seed=1).eval(), form

    def forward(self, images):
        return self.form(self.network(images))


def images(count=2, side=16):
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def network():
    return build("resnet8-w4", seed=1).eval()


FORMS = {
    "a tuple": lambda scores: (scores, scores.mean()),
    "a list": lambda scores: [scores],
    "an object with logits": lambda scores: SimpleNamespace(logits=scores, loss=None),
    "a dictionary": lambda scores: {"loss": None, "logits": scores},
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize(("method", "given"), [("saliency", {}), ("deep_lift", {}), ("occlusion", {}),
                                               ("grad_cam", {"layer": "network.stages.2.0"})])  # fmt: skip
def test_scores_are_found_in_other_outputs(network, form, method, given):
    plain = attribute(network, images(), method=method, **({"layer": "stages.2.0"} if given else {}))
    wrapped = Wrapped(form)
    torch.testing.assert_close(attribute(wrapped, images(), method=method, **given), plain)
    assert not wrapped._forward_hooks


def test_an_output_without_scores_is_told():
    with pytest.raises(BadSettings, match="The network gives str, in which no scores were found. Wrap it"):
        attribute(Wrapped(str), images())


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad])
def test_modes_without_gradients_are_left_for_the_call(network, mode):
    expected = attribute(network, images(), method="integrated_gradients", steps=4)
    with mode():
        made_there = images()
        found = attribute(network, made_there, method="integrated_gradients", steps=4)
        assert torch.is_inference_mode_enabled() == (mode is torch.inference_mode)
        assert not torch.is_grad_enabled()
        built_there = build("resnet8-w4", seed=1).eval()
        torch.testing.assert_close(attribute(built_there, made_there, method="integrated_gradients", steps=4), expected)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(attribute(network, made_there, method="integrated_gradients", steps=4), expected)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_images_may_be_numpys(network, kind):
    torch.testing.assert_close(attribute(network, images().numpy().astype(kind)), attribute(network, images()))


def test_images_may_be_a_list_of_tensors(network):
    torch.testing.assert_close(attribute(network, list(images())), attribute(network, images()))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (images().permute(0, 2, 3, 1), r"`images` has 16 channels; resnet8-w4 takes 3\. Give them as \(N, C, H, W\)"),
        (np.zeros((1, 3, 16, 16), np.uint8), "must be finite floating-point numbers, normalised"),
        ("cat.png", "`images` is str, which is no array of numbers"),
        (images()[0].numpy(), r"shape \(3, 16, 16\); expected \(N, C, H, W\)\. Add a batch dimension"),
    ],
)
def test_images_that_do_not_fit_are_told(network, given, message):
    with pytest.raises(BadSettings, match=message):
        attribute(network, given)


def test_channels_of_networks_of_others_are_told():
    with pytest.raises(BadSettings, match="`images` has 3 channels; Sequential takes 1"):
        attribute(nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(784, 2)), images())


@pytest.mark.parametrize("target", [[3, 5], (3, 5), np.array([3, 5]), torch.tensor([3, 5]), ["cat", "dog"]])
def test_targets_may_be_lists_arrays_and_names(network, target):
    classes = explorer.NetworkConfig(depth=8).classes
    names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"][:classes]
    expected = attribute(network, images(), torch.tensor([3, 5]))
    torch.testing.assert_close(attribute(network, images(), target, classes=names), expected)


def test_names_that_are_not_known_are_told(network):
    with pytest.raises(BadSettings, match=r"`target` \(='cat'\) is a name, .* Give them in order with `classes`"):
        attribute(network, images(), "cat")
    with pytest.raises(UnknownName, match="No class is called 'cot'. Did you mean 'cat'"):
        attribute(network, images(), "cot", classes=[*"abcdefgh", "cat", "dog"])
    with pytest.raises(BadSettings, match="give a class, or one for each image"):
        attribute(network, images(), [0.5, 1])


def test_names_are_those_of_the_network(network):
    theirs = Wrapped(FORMS["an object with logits"])
    theirs.config = SimpleNamespace(id2label={number: f"label {number}" for number in range(10)})
    torch.testing.assert_close(attribute(theirs, images(), "label 4"), attribute(network, images(), 4))


def test_a_loaded_checkpoint_knows_its_classes(tmp_path, monkeypatch, make_imported):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path))
    loaded = load_checkpoint(make_imported())
    torch.testing.assert_close(attribute(loaded, images(), "yes"), attribute(loaded, images(), 1))


# Absolute values, or positive parts of gradients
WITHOUT_SIGN = ("saliency", "smooth_grad", "grad_cam", "guided_grad_cam", "guided_backprop", "deconvolution")


@pytest.mark.parametrize("method", METHODS)
def test_of_one_output_class_1_is_explained_by_the_output_and_class_0_by_minus_that(method):
    network = build("resnet8-w4-sigmoid", seed=2).eval()
    small = {"steps": 4} if any(each.name == "steps" for each in METHODS[method].parameters) else {}
    yes, no = (attribute(network, images(1), target, method, **small) for target in (1, 0))
    if method not in WITHOUT_SIGN:
        torch.testing.assert_close(no, -yes, rtol=1e-3, atol=1e-4)
    assert yes.abs().sum() + no.abs().sum() > 0
    if method == "saliency":
        torch.testing.assert_close(yes, Saliency(network).attribute(images(1).requires_grad_(), target=0))
    predicted = attribute(network, images(1), None, method, **small)
    torch.testing.assert_close(predicted, yes if network(images(1)) > 0 else no)
