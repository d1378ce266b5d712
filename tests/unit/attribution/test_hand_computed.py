"""Maps and sums that can be worked out with pencil and paper, and identities that are known from papers."""

import pytest
import torch
from torch import nn

from explorer.attribution.attribute import attribute, explained
from explorer.attribution.methods import METHODS
from explorer.models.blocks import Addition


class Tiny(nn.Module):
    """Two features of a pixel x, rectified and averaged: x and 3 - x; two classes weigh them 2, -1 and -1, 2."""

    def __init__(self):
        super().__init__()
        self.features, self.relu = nn.Conv2d(1, 2, kernel_size=1), nn.ReLU()
        self.pool, self.classifier = nn.AdaptiveAvgPool2d(1), nn.Linear(2, 2, bias=False)
        with torch.no_grad():
            self.features.weight[:, 0, 0, 0] = torch.tensor([1.0, -1.0])
            self.features.bias[:] = torch.tensor([0.0, 3.0])
            self.classifier.weight[:] = torch.tensor([[2.0, -1.0], [-1.0, 2.0]])

    def forward(self, images):
        return self.classifier(self.pool(self.relu(self.features(images))).flatten(1))


IMAGE = torch.tensor([[1.0, 2.0], [3.0, 4.0]])[None, None]
FEATURES = {"layer": "features"}
PIXELS = {"window": 1, "stride": 1}

# The features of the image are 1 2 3 4 and 2 1 0 -1, their gradients for class 0 are 1/2 everywhere and -1/4 -1/4 0 0,
# for class 1 -1/4 everywhere and 1/2 1/2 0 0. Without evidence (x = 0) they are 0 and 3, and rectified they have
# changed by 1 2 3 4 and -1 -2 -3 -3, so a pixel adds (2 * 1 + 1) / 4, (2 * 2 + 2) / 4, ... to the score of class 0.
SHARES = [0.75, 1.5, 2.25, 2.75]
BY_HAND = {
    "saliency": [({}, 0, [0.75, 0.75, 0.5, 0.5]), ({"absolute": False}, 1, [-0.75, -0.75, -0.25, -0.25])],
    "input_x_gradient": [({}, 0, [0.75, 1.5, 1.5, 2])],
    "integrated_gradients": [({"steps": 400}, 0, SHARES)],
    "smooth_grad": [
        ({"noise": 0.0}, 0, [0.75, 0.75, 0.5, 0.5]),
        ({"noise": 0.0, "of": "input_x_gradient", "kind": "smoothgrad_sq"}, 0, [0.5625, 2.25, 2.25, 4]),
        ({"noise": 0.0, "kind": "vargrad"}, 0, [0, 0, 0, 0]),
    ],
    "gradient_shap": [({"noise": 0.0, "samples": 1000}, 0, SHARES)],
    "deep_lift": [({}, 0, SHARES)],
    "guided_backprop": [({}, 0, [0.5, 0.5, 0.5, 0.5]), ({}, 1, [-0.5, -0.5, 0, 0])],
    "deconvolution": [({}, 0, [0.5, 0.5, 0.5, 0.5]), ({}, 1, [-0.5, -0.5, -0.5, -0.5])],
    "grad_cam": [
        (FEATURES, 0, [0.25, 0.875, 1.5, 2.125]),  # 1/2 of the first feature less 1/8 of the second
        (FEATURES, 1, [0.25, -0.25, -0.75, -1.25]),
        (FEATURES | {"positive": True}, 1, [0.25, 0, 0, 0]),
    ],
    "guided_grad_cam": [(FEATURES, 1, [-0.5 * 0.25, 0, 0, 0])],
    "layer_conductance": [(FEATURES | {"steps": 400}, 0, [0.5, 1, 1.5, 2, 0.25, 0.5, 0.75, 0.75])],
    "occlusion": [(PIXELS, 0, SHARES)],
    "feature_ablation": [({"grid": 2}, 0, SHARES)],
    "kernel_shap": [({"grid": 2}, 0, SHARES)],  # the pixels do not interact, so each has its own share
    "lrp": [({}, 0, [0.75, 1.5, 1.5, 2])],
}


def test_there_is_a_computation_by_hand_for_every_method():
    assert list(BY_HAND) == list(METHODS)


@pytest.mark.parametrize(
    ("method", "given", "target", "expected"),
    [(method, *each) for method, all_of_them in BY_HAND.items() for each in all_of_them],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_map_that_was_computed_by_hand(method, given, target, expected):
    found = attribute(Tiny(), IMAGE, target, method, **given).flatten().tolist()
    exact = not any(each in given for each in ("steps", "samples"))
    assert found == pytest.approx(expected, abs=1e-5 if exact else 0.03)


@pytest.mark.parametrize("method", ["integrated_gradients", "deep_lift", "gradient_shap", "layer_conductance"])
def test_the_delta_is_what_the_sum_misses_of_the_difference_from_the_baseline(method, lived_in, images):
    network, batch, targets = lived_in("resnet8-w4"), images(3, 3, 8, 8), torch.tensor([7, 0, 3])
    given = {"steps": {"steps": 5}, "samples": {"samples": 5, "noise": 0.0}}
    names = [each.name for each in METHODS[method].parameters]
    few = next((each for name, each in given.items() if name in names), {})
    found = explained(network, batch, targets, method, baseline=torch.full((3, 8, 8), 0.5), **few)
    with torch.no_grad():
        scores = network(batch) - network(torch.full_like(batch, 0.5))
    difference = scores.gather(1, targets[:, None])[:, 0]
    assert found.delta.tolist() == pytest.approx((found.values.flatten(1).sum(1) - difference).tolist(), abs=1e-5)
    if method != "deep_lift":  # which is exact
        assert found.delta.abs().min() > 1e-3


def test_relevance_misses_what_the_biases_take():
    """By hand: of the score 17/4 the bias of the second feature, 3 at two of four positions, takes -6/4."""
    found = explained(Tiny(), IMAGE, 0, "lrp")
    assert float(found.scores[0, 0]) == pytest.approx(4.25)
    assert float(found.delta) == pytest.approx(1.5)


def test_methods_that_promise_no_sum_have_no_delta(lived_in, images, quick):
    for method, row in METHODS.items():
        found = explained(lived_in("plain8-w4"), images(1, 3, 8, 8), 0, method, **quick(row))
        promises = ("integrated_gradients", "gradient_shap", "deep_lift", "layer_conductance", "lrp")
        assert (found.delta is not None) == (method in promises)


def test_more_steps_make_the_sum_of_integrated_gradients_more_exact(lived_in, images):
    deltas = [
        float(explained(lived_in("resnet8-w4"), images(1, 3, 8, 8), 0, "integrated_gradients", steps=steps).delta.abs())
        for steps in (2, 20, 200)
    ]
    assert deltas[0] > deltas[1] > deltas[2]


@pytest.mark.parametrize("name", ["plain14-w4", "resnet14-w4", "resnet14-b-w4", "resnet14-c-w4", "resnet56-w4"])
def test_relevance_with_a_tiny_epsilon_is_input_x_gradient(name, lived_in, images):
    """Ancona et al. 2018, proposition 1. Identities make Captum's relevance grow without bound where they are left."""
    network, batch = lived_in(name).double(), images(3, 3, 8, 8).double()
    targets = torch.tensor([7, 0, 3])
    relevance = attribute(network, batch, targets, "lrp", epsilon=1e-12)
    product = attribute(network, batch, targets, "input_x_gradient")
    torch.testing.assert_close(relevance, product, rtol=1e-4, atol=1e-6 * float(product.abs().max()))
    usual = attribute(network.float(), batch, targets, "lrp")
    assert (usual - product).norm() < 1e-4 * product.norm()


class TwoWays(nn.Module):
    """Class 0 is the first channel less half of the second, where the former comes by the shortcut."""

    def __init__(self, shortcut_scale=1.0):
        super().__init__()
        self.conv, self.shortcut = nn.Conv2d(2, 2, 1, bias=False), nn.Identity()
        self.addition = Addition(shortcut_scale)
        self.relu, self.pool, self.classifier = nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Linear(2, 2, bias=False)
        with torch.no_grad():
            self.conv.weight[:] = torch.tensor([[0.0, -0.5], [0.0, 0.0]])[:, :, None, None]
            self.classifier.weight[:] = torch.eye(2)

    def forward(self, images):
        out = self.relu(self.addition(self.conv(images), self.shortcut(images)))
        return self.classifier(self.pool(out).flatten(1))


@pytest.mark.parametrize(("sums", "shortcut", "branch"), [("epsilon", 1, -1 / 2), ("split", 2 / 3 * 0.5, 1 / 3 * 0.5)])
def test_at_an_addition_relevance_is_shared_by_value_or_by_size(sums, shortcut, branch):
    """The score of 1/2 is the sum of 1 and -1/2: by value they get as much, by size two thirds and one third of it."""
    found = attribute(TwoWays(), torch.ones(1, 2, 1, 1), 0, "lrp", sums=sums)
    assert found.flatten().tolist() == pytest.approx([shortcut, branch])
    assert float(found.sum()) == pytest.approx(0.5), "none is made or lost"


@pytest.mark.parametrize(("sums", "shortcut", "branch"), [("epsilon", 3 / 4, -1 / 2), ("split", 3 / 20, 1 / 10)])
def test_a_weaker_shortcut_gets_less(sums, shortcut, branch):
    """The score of 1/4 is the sum of 3/4 and -1/2, by size three fifths and two fifths of it."""
    found = attribute(TwoWays(3 / 4), torch.ones(1, 2, 1, 1), 0, "lrp", sums=sums)
    assert found.flatten().tolist() == pytest.approx([shortcut, branch])
