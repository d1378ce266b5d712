"""What can be asked of a method, and what is said where it cannot."""

import pytest
import torch

from explorer.attribution.attribute import attribute
from explorer.attribution.methods import METHODS
from explorer.errors import BadSettings, UnknownName
from explorer.models.network import build

PARAMETERS = [(method, each) for method, row in METHODS.items() for each in row.parameters]
NUMBERS = [(method, each) for method, each in PARAMETERS if type(each.default) in (int, float)]
CHOICES = [(method, each) for method, each in PARAMETERS if each.choices]
TEXTS = [(method, each) for method, each in PARAMETERS if isinstance(each.default, str)]
WITH_BASELINE = [method for method, each in PARAMETERS if each.name == "baseline"]
LAYER = "Layers are stage1, stage2, stage3, a block such as stage1.block1, or a module's name."


def each_of(pairs):
    names = [f"{method}-{each.name}" for method, each in pairs]
    return pytest.mark.parametrize(("method", "parameter"), pairs, ids=names)


def said(call, *arguments, **options):
    with pytest.raises(BadSettings) as error:
        call(*arguments, **options)
    return str(error.value)


def test_every_row_says_what_menus_need():
    for method, row in METHODS.items():
        for text in (row.title, row.means, row.limits, row.source):
            assert text.strip(), method
        names = [each.name for each in row.parameters]
        assert len(set(names)) == len(names), method
        for each in row.parameters:
            assert each.title and each.help.endswith("."), (method, each.name)  # noqa: PT018
            assert (each.low is None) == (type(each.default) in (bool, str)), (method, each.name)


@pytest.mark.parametrize("method", METHODS)
def test_defaults_can_be_given_or_left_out(method):
    row = METHODS[method]
    defaults = {each.name: each.default for each in row.parameters}
    assert row.checked({}) == row.checked(defaults) == defaults


@each_of(PARAMETERS)
def test_another_kind_of_value_is_refused(method, parameter):
    kinds = {bool: "True or False", int: "a whole number", float: "a number", str: "a text"}
    for wrong in (True, 3, 0.5, "text", None, [1]):
        fits = type(wrong) is type(parameter.default) or (type(parameter.default) is float and wrong == 3)
        if not fits:
            assert said(METHODS[method].checked, {parameter.name: wrong}) == (
                f"`{parameter.name}` (={wrong!r}) must be {kinds[type(parameter.default)]}, such as "
                f"{parameter.default!r}."
            )


@each_of(NUMBERS)
def test_a_number_has_a_lowest_and_a_highest_value(method, parameter):
    row, kind = METHODS[method], type(parameter.default)
    for allowed in (kind(parameter.low), kind(parameter.high)):
        assert row.checked({parameter.name: allowed})[parameter.name] == allowed
    outside = [kind(parameter.low) - 1, kind(parameter.high) + 1]
    outside += [float("nan"), float("inf")] if kind is float else []
    for wrong in outside:
        assert said(row.checked, {parameter.name: wrong}) == (
            f"`{parameter.name}` (={wrong}) must be between {parameter.low:g} and {parameter.high:g}."
        )


@each_of(CHOICES)
def test_a_choice_is_one_of_those_listed(method, parameter):
    row = METHODS[method]
    assert parameter.default in parameter.choices
    for choice in parameter.choices:
        assert row.checked({parameter.name: choice})[parameter.name] == choice
    assert said(row.checked, {parameter.name: "bluest"}) == (
        f"`{parameter.name}` (='bluest') is not known. Known: {', '.join(parameter.choices)}."
    )


def test_a_whole_number_may_stand_for_a_number():
    assert METHODS["smooth_grad"].checked({"noise": 1})["noise"] == 1.0


@each_of(PARAMETERS)
def test_a_misspelt_parameter_is_named_with_the_nearest(method, parameter):
    there = ", ".join(each.name for each in METHODS[method].parameters)
    misspelt = f"{parameter.name}x"
    assert said(METHODS[method].checked, {misspelt: 1}) == (
        f"{METHODS[method].title} has no parameter `{misspelt}`. Did you mean {parameter.name!r}? It has {there}."
    )


def test_a_method_without_parameters_says_so():
    text = "Input × gradient has no parameter `steps`. It has none."
    assert said(METHODS["input_x_gradient"].checked, {"steps": 3}) == text


def test_an_unknown_method_is_named_with_the_nearest(images):
    with pytest.raises(UnknownName, match="No attribution method is called 'salency'. Did you mean 'saliency'?"):
        attribute(build("plain8-w4"), images(1, 3, 8, 8), 0, "salency")


@pytest.mark.parametrize("method", METHODS)
def test_a_baseline_is_refused_where_a_method_has_none(method, images):
    if method in WITH_BASELINE:
        return
    for baseline in ("blur", torch.zeros(3, 8, 8), None):
        text = said(attribute, build("plain8-w4"), images(1, 3, 8, 8), 0, method, baseline=baseline)
        assert text.startswith(f"{METHODS[method].title} has no parameter `baseline`. It has ")


@pytest.mark.parametrize(
    ("layer", "module"),
    [
        ("", "stages.2.1"),
        ("stage2", "stages.1.1"),
        ("stage2.block1", "stages.1.0"),
        ("stages.0.1.norm2", "stages.0.1.norm2"),
        ("stem.relu", "stem.relu"),
        ("stages.1", "stages.1"),
    ],
)
def test_a_layer_is_a_stage_a_block_or_a_module(layer, module, lived_in, images):
    network, batch, kept = lived_in("resnet14-w4"), images(2, 3, 8, 8), []
    found = attribute(network, batch, 3, "grad_cam", layer=layer)
    network.get_submodule(module).register_forward_hook(lambda module, inputs, output: kept.append(output))
    network(batch)[:, 3].sum().backward(inputs=kept[0].retain_grad() or kept[0])
    by_hand = (kept[0].grad.mean((2, 3), keepdim=True) * kept[0]).sum(1, keepdim=True)
    torch.testing.assert_close(found, by_hand.detach())


@pytest.mark.parametrize("method", ["grad_cam", "guided_grad_cam", "layer_conductance"])
@pytest.mark.parametrize(
    ("layer", "text"),
    [
        ("stage4", f"resnet8-w4 has no layer 'stage4'. Did you mean 'stage3'? {LAYER}"),
        ("stage2.block2", f"resnet8-w4 has no layer 'stage2.block2'. Did you mean 'stage2.block1'? {LAYER}"),
        ("stem.nrm", f"resnet8-w4 has no layer 'stem.nrm'. Did you mean 'stem.norm'? {LAYER}"),
        ("stages.0.0.norm3", f"resnet8-w4 has no layer 'stages.0.0.norm3'. Did you mean 'stages.0.0.norm2'? {LAYER}"),
        ("?", f"resnet8-w4 has no layer '?'. {LAYER}"),
        (
            "classifier",
            "The layer 'classifier' of resnet8-w4 has no positions, (N, C, h, w). Choose a block.",
        ),
    ],
)
def test_what_is_no_layer_is_refused(method, layer, text, images):
    assert said(attribute, build("resnet8-w4"), images(1, 3, 8, 8), 0, method, layer=layer) == text


def test_a_module_that_is_not_called_is_refused(images):
    network = build("plain8-w4")
    network.spare = torch.nn.Conv2d(3, 3, 3)
    text = said(attribute, network, images(1, 3, 8, 8), 0, "grad_cam", layer="spare")
    assert text == "plain8-w4 does not call its module 'spare'. Choose one that it calls."


def test_a_network_without_blocks_needs_a_module_by_name(images):
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    text = said(attribute, network, images(1, 3, 8, 8), 0, "grad_cam")
    assert text == "Sequential has no blocks. Name a module with `layer`, as in named_modules()."
    assert attribute(network, images(1, 3, 8, 8), 0, "grad_cam", layer="0").shape == (1, 1, 6, 6)


def test_a_target_is_one_class_or_one_for_each_image_or_the_predicted_one(lived_in, images):
    network, batch = lived_in("resnet8-w4"), images(3, 3, 8, 8)
    each = attribute(network, batch, torch.tensor([1, 4, 4]))
    for number, target in enumerate((1, 4, torch.tensor(4))):
        torch.testing.assert_close(attribute(network, batch, target)[number], each[number])
    predicted = network(batch).argmax(1)
    assert torch.equal(attribute(network, batch), attribute(network, batch, predicted))


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (10, "`target` (=10) is not a class: there are 10, from 0 to 9."),
        (-1, "`target` (=-1) is not a class: there are 10, from 0 to 9."),
        (torch.tensor([0, 1, 99]), "`target` (=tensor([ 0,  1, 99])) is not a class: there are 10, from 0 to 9."),
        (torch.tensor([0, 1]), "`target` has shape (2,); expected a class or one for each of 3 images."),
        (torch.zeros(3, 1).long(), "`target` has shape (3, 1); expected a class or one for each of 3 images."),
        (1.0, "`target` (=1.0) is not a whole number: give a class, or one for each image, as numbers or names."),
        (True, "`target` (=True) is not a whole number: give a class, or one for each image."),
    ],
    ids=str,
)
def test_what_is_no_target_is_refused(target, text, images):
    assert said(attribute, build("plain8-w4"), images(3, 3, 8, 8), target) == text


@pytest.mark.parametrize(
    ("batch", "text"),
    [
        (
            torch.zeros(3, 8, 8),
            "`images` has shape (3, 8, 8); expected (N, C, H, W). Add a batch dimension with `images[None]`.",
        ),
        (torch.zeros(8, 8), "`images` has shape (8, 8); expected (N, C, H, W)."),
        (torch.zeros(0, 3, 8, 8), "`images` has shape (0, 3, 8, 8); expected (N, C, H, W)."),
        (torch.zeros(1, 1, 8, 8), "`images` has 1 channels; plain8-w4 takes 3."),
        (
            torch.full((1, 3, 8, 8), float("nan")),
            "`images` must be finite floating-point numbers, normalised for the network.",
        ),
        (
            torch.zeros(1, 3, 8, 8, dtype=torch.uint8),
            "`images` must be finite floating-point numbers, normalised for the network.",
        ),
    ],
    ids=lambda each: "" if isinstance(each, str) else f"{tuple(each.shape)}",
)
def test_what_is_no_batch_of_images_is_refused(batch, text):
    assert said(attribute, build("plain8-w4"), batch, 0) == text


def test_a_network_that_gives_no_score_a_class_is_refused(images):
    text = said(attribute, torch.nn.Conv2d(3, 2, 3), images(1, 3, 8, 8), 0)
    assert text == "The network gives (1, 2, 6, 6); expected one score per class, (N, classes)."


@pytest.mark.parametrize("method", WITH_BASELINE)
def test_a_baseline_may_be_one_image_for_all_or_one_for_each(method, lived_in, images, quick):
    network, batch, few = lived_in("plain8-w4"), images(2, 3, 8, 8), quick(METHODS[method])
    mean = attribute(network, batch, 0, method, **few)
    for zeros in (torch.zeros(3, 8, 8), torch.zeros(1, 3, 8, 8)):
        torch.testing.assert_close(attribute(network, batch, 0, method, baseline=zeros, **few), mean)
    if method not in ("gradient_shap", "kernel_shap"):  # whose random numbers are others for the second image alone
        two = torch.stack([torch.zeros(3, 8, 8), torch.ones(3, 8, 8)])
        found = attribute(network, batch, 0, method, baseline=two, **few)
        ones = attribute(network, batch[1:], 0, method, baseline=torch.ones(3, 8, 8), **few)
        torch.testing.assert_close(found[0], mean[0])
        torch.testing.assert_close(found[1:], ones)


@pytest.mark.parametrize(
    ("baseline", "text"),
    [
        (torch.zeros(8, 8), "`baseline` has shape (8, 8); expected (3, 8, 8), or one per image."),
        (torch.zeros(3, 9, 8), "`baseline` has shape (3, 9, 8); expected (3, 8, 8), or one per image."),
        (torch.zeros(1, 8, 8), "`baseline` has shape (1, 8, 8); expected (3, 8, 8), or one per image."),
        (torch.zeros(3, 3, 8, 8), "`baseline` has shape (3, 3, 8, 8); expected (3, 8, 8), or one per image."),
        (torch.full((3, 8, 8), float("inf")), "`baseline` must be finite numbers, normalised as the images are."),
        ("black", "`baseline` (='black') is neither 'mean' nor 'blur'. Give others as a tensor, (C, H, W)."),
        (None, "`baseline` (=None) must be a text, such as 'mean'."),
    ],
    ids=lambda each: f"{tuple(each.shape)}" if isinstance(each, torch.Tensor) else "",
)
def test_what_is_no_baseline_is_refused(baseline, text, images):
    for method in WITH_BASELINE:
        if method == "gradient_shap" and text.startswith("`baseline` has shape (3, 3"):
            continue  # images to draw from, however many
        assert said(attribute, build("plain8-w4"), images(2, 3, 8, 8), 0, method, baseline=baseline) == text


@pytest.mark.parametrize(
    ("method", "given", "text"),
    [
        ("occlusion", {"window": 9}, "`window` (=9) is larger than the image of 8×8 pixels. Lower it."),
        (
            "occlusion",
            {"window": 3, "stride": 4},
            "`stride` (=4) is larger than the window of 3: pixels would be left out. Lower it.",
        ),
        ("feature_ablation", {"grid": 9}, "`grid` (=9) has more cells than the image of 8×8 pixels. Lower it."),
        ("kernel_shap", {"grid": 9}, "`grid` (=9) has more cells than the image of 8×8 pixels. Lower it."),
    ],
)
def test_regions_are_not_larger_or_more_than_the_image_holds(method, given, text, images):
    assert said(attribute, build("plain8-w4"), images(1, 3, 8, 8), 0, method, **given) == text
