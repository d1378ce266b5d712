"""The attribution methods in menu order, one row each; importing this does not import torch."""

import math
from collections.abc import Mapping
from typing import Any

from explorer.attribution.rows import Method, Parameter

BASELINES = ("mean", "blur", "black", "white")
BASELINE = Parameter(
    "baseline",
    "Baseline",
    "mean",
    "What an image without the evidence looks like: the data's mean colour, the blurred image, black, or white.",
    choices=BASELINES,
)
DISTRIBUTION = Parameter(
    "baseline",
    "Baseline",
    "mean",
    BASELINE.help[:-1] + ", or other images of the test set.",
    choices=(*BASELINES, "images"),
)
LAYER = Parameter("layer", "Layer", "", "stage2, stage2.block3 or the name of a module; empty takes the last block.")
SEED = Parameter("seed", "Seed", 0, "Of the random numbers; the same seed gives the same map.", 0, 2**31 - 1)
STEPS = Parameter("steps", "Steps", 50, "Points on the line from the baseline; more make the sum more exact.", 2, 1000)
NOISE_HELP = "Standard deviation, in units of normalised pixels, whose own is about 1."

SMOOTHED = ("saliency", "input_x_gradient", "integrated_gradients", "guided_backprop", "deconvolution")


def window_and_stride(window: int, stride: int, side: int) -> tuple[int, int]:
    """Occluding window and stride in pixels; 0 means a sixth of the side, and half the window."""
    size = window or max(1, side // 6)
    return size, stride or max(1, size // 2)


def _windows(parameters: Mapping[str, Any], height: int, width: int) -> int:
    """Number of window positions; in Captum the last one may extend over the edge."""
    size, step = window_and_stride(parameters["window"], parameters["stride"], min(height, width))
    return math.prod(1 + math.ceil((side - size) / step) for side in (height, width))


def _smoothed(parameters: Mapping[str, Any]) -> int:
    """Passes of SmoothGrad: one per sample, or as many as integrated gradients need."""
    each = STEPS.default if parameters["of"] == "integrated_gradients" else 1
    return int(parameters["samples"]) * int(each)


METHODS: dict[str, Method] = {
    "saliency": Method(
        title="Saliency",
        scope="pixels",
        passes=lambda parameters, height, width: 1,
        means="How strongly the score would change if a pixel changed a little.",
        limits="Not the evidence for the class: a pixel can be decisive although small changes of it have no effect.",
        source="Simonyan et al. 2013, arXiv 1312.6034",
        parameters=(
            Parameter("absolute", "Absolute values", True, "The size of the gradient only; off keeps its sign."),
        ),
        signed=lambda parameters: not parameters["absolute"],
    ),
    "input_x_gradient": Method(
        title="Input × gradient",
        scope="pixels",
        passes=lambda parameters, height, width: 1,
        means="What each pixel contributes to the score, if the network were linear around this image.",
        limits="Pixels of the mean colour get zero whatever they show, since their normalised value is zero.",
        source="Shrikumar et al. 2016, arXiv 1605.01713",
    ),
    "integrated_gradients": Method(
        title="Integrated gradients",
        scope="pixels",
        passes=lambda parameters, height, width: parameters["steps"] + 2,
        means="What each pixel contributes to the difference between this image's score and the baseline's; "
        "the contributions add up to it, up to the delta shown.",
        limits="Another baseline gives another map: it explains a difference, not the score itself.",
        source="Sundararajan et al. 2017, arXiv 1703.01365",
        parameters=(STEPS, BASELINE),
    ),
    "smooth_grad": Method(
        title="SmoothGrad",
        scope="pixels",
        passes=lambda parameters, height, width: _smoothed(parameters),
        means="The mean of another method's maps over noisy copies of the image: what a little noise does not change.",
        limits="It smooths the map, not the network; the noisy images are unlike those it was trained on.",
        source="Smilkov et al. 2017, arXiv 1706.03825",
        parameters=(
            Parameter("of", "Maps of", "saliency", "The method whose maps are averaged.", choices=SMOOTHED),
            Parameter(
                "kind",
                "Average",
                "smoothgrad",
                "Mean (smoothgrad), mean square (smoothgrad_sq) or variance (vargrad).",
                choices=("smoothgrad", "smoothgrad_sq", "vargrad"),
            ),
            Parameter("samples", "Samples", 20, "Noisy copies of the image.", 2, 1000),
            Parameter("noise", "Noise", 0.3, NOISE_HELP, 0.0, 10.0),
            SEED,
        ),
        signed=lambda parameters: parameters["kind"] == "smoothgrad" and parameters["of"] != "saliency",
    ),
    "gradient_shap": Method(
        title="GradientSHAP",
        scope="pixels",
        passes=lambda parameters, height, width: 3 * parameters["samples"],
        means="Integrated gradients, on average over random baselines, points and noise.",
        limits="An estimate: few samples give a noisy map, and it changes with the seed.",
        source="Lundberg and Lee 2017, arXiv 1705.07874",
        parameters=(
            Parameter("samples", "Samples", 20, "Random points between baseline and image.", 1, 1000),
            Parameter("noise", "Noise", 0.1, NOISE_HELP, 0.0, 10.0),
            DISTRIBUTION,
            SEED,
        ),
    ),
    "deep_lift": Method(
        title="DeepLIFT",
        scope="pixels",
        passes=lambda parameters, height, width: 4,
        means="What each pixel contributes to the difference from the baseline's score, by differences of activations "
        "instead of gradients.",
        limits="Another baseline gives another map; two networks with the same outputs can get different maps.",
        source="Shrikumar et al. 2017, arXiv 1704.02685, the Rescale rule",
        parameters=(BASELINE,),
        needs=("ReLU modules", "one ReLU per use"),
    ),
    "guided_backprop": Method(
        title="Guided backpropagation",
        scope="pixels",
        passes=lambda parameters, height, width: 1,
        means="Which patterns of the image excite the features on the way to the score.",
        limits="Hardly depends on the class or the weights of the last layers: it is close to recovering the image's "
        "edges (Adebayo et al. 2018).",
        source="Springenberg et al. 2015, arXiv 1412.6806",
        needs=("ReLU modules",),
    ),
    "deconvolution": Method(
        title="Deconvolution",
        scope="pixels",
        passes=lambda parameters, height, width: 1,
        means="Which patterns would excite the features of the score, sent back through the network.",
        limits="Independent of this image's ReLU activations: what they block in the forward pass is not blocked.",
        source="Zeiler and Fergus 2014, arXiv 1311.2901",
        needs=("ReLU modules",),
    ),
    "grad_cam": Method(
        title="Grad-CAM",
        scope="layer",
        passes=lambda parameters, height, width: 1,
        means="Where in a layer the features that raise the score are.",
        limits="As coarse as the layer: the last stage of a network for small images has 8×8 positions, of one for "
        "ImageNet 7×7, and each sees far beyond its square.",
        source="Selvaraju et al. 2017, arXiv 1610.02391",
        parameters=(
            LAYER,
            Parameter("positive", "Only positive evidence", False, "Zero where the map is negative, as in the paper."),
        ),
        signed=lambda parameters: not parameters["positive"],
        needs=("a layer",),
    ),
    "guided_grad_cam": Method(
        title="Guided Grad-CAM",
        scope="pixels",
        passes=lambda parameters, height, width: 2,
        means="Guided backpropagation where Grad-CAM is positive: its patterns at the places that matter.",
        limits="The fine detail is guided backpropagation's, with its limits; Grad-CAM's positions are enlarged "
        "without smoothing, as Captum does.",
        source="Selvaraju et al. 2017, arXiv 1610.02391",
        parameters=(LAYER,),
        needs=("ReLU modules", "a layer"),
    ),
    "layer_conductance": Method(
        title="Layer conductance",
        scope="layer",
        passes=lambda parameters, height, width: parameters["steps"] + 3,
        means="How much of the difference between this image's score and the baseline's flows through each position "
        "of a layer.",
        limits="Where it flows, not where it comes from: positions deep in the network see large parts of the image.",
        source="Dhamdhere et al. 2018, arXiv 1805.12233",
        parameters=(LAYER, STEPS, BASELINE),
        needs=("a layer",),
    ),
    "occlusion": Method(
        title="Occlusion",
        scope="regions",
        passes=lambda parameters, height, width: 1 + _windows(parameters, height, width),
        means="How far the score falls when a window hides this position.",
        limits="The result depends on what the window shows instead; evidence that is there twice is not found.",
        source="Zeiler and Fergus 2014, arXiv 1311.2901",
        parameters=(
            Parameter("window", "Window", 0, "Side in pixels; 0 takes a sixth of the image's.", 0, 512),
            Parameter("stride", "Stride", 0, "Pixels from one place to the next; 0 takes half the window.", 0, 512),
            BASELINE,
        ),
    ),
    "feature_ablation": Method(
        title="Feature ablation",
        scope="regions",
        passes=lambda parameters, height, width: 1 + parameters["grid"] ** 2,
        means="How far the score falls when one cell of a grid is hidden.",
        limits="Cells are hidden one at a time: evidence that is there twice is not found.",
        source="Zeiler and Fergus 2014, arXiv 1311.2901, on a grid; Captum",
        parameters=(Parameter("grid", "Grid", 8, "Cells per side.", 1, 64), BASELINE),
    ),
    "kernel_shap": Method(
        title="KernelSHAP",
        scope="regions",
        passes=lambda parameters, height, width: parameters["samples"],
        means="The fair share of each cell of a grid in the score's difference from the baseline's, over all sets of "
        "visible cells.",
        limits="An estimate from random sets: take several times as many samples as cells, and another seed to see "
        "how far it can be trusted.",
        source="Lundberg and Lee 2017, arXiv 1705.07874",
        parameters=(
            Parameter("grid", "Grid", 5, "Cells per side.", 2, 32),
            Parameter("samples", "Samples", 200, "Random sets of visible cells.", 10, 20000),
            BASELINE,
            SEED,
        ),
    ),
    "lrp": Method(
        title="LRP",
        scope="pixels",
        passes=lambda parameters, height, width: 2,
        means="The score, passed back layer by layer in the shares in which a layer's inputs made it up.",
        limits="Batch norms take a part of it, the delta shown. With a tiny epsilon and no split it is exactly input × "
        "gradient (Ancona et al. 2018, arXiv 1711.06104).",
        source="Bach et al. 2015, doi 10.1371/journal.pone.0130140; split sums: Otsuki et al. 2024, arXiv 2407.09115",
        parameters=(
            Parameter(
                "epsilon",
                "Epsilon",
                1e-9,
                "Added to the denominator; larger values absorb weak relevance.",
                1e-12,
                10.0,
            ),
            Parameter(
                "sums",
                "At additions",
                "epsilon",
                "Share relevance by the same rule (epsilon), or by the size of branch and shortcut (split).",
                choices=("epsilon", "split"),
            ),
        ),
        needs=("ReLU modules", "one ReLU per use", "rules"),
    ),
}
