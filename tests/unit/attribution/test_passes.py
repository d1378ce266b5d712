"""How far a method is, from how many images have gone through the network."""

import pytest

from explorer import progress
from explorer.attribution.attribute import attribute
from explorer.attribution.methods import METHODS, window_and_stride

OTHER_WAYS = [
    ("integrated_gradients", {"steps": 9}),
    ("smooth_grad", {"samples": 3, "of": "integrated_gradients"}),
    ("smooth_grad", {"samples": 7, "of": "guided_backprop"}),
    ("gradient_shap", {"samples": 3}),
    ("layer_conductance", {"steps": 9, "layer": "stage1"}),
    ("occlusion", {}),
    ("occlusion", {"window": 8}),
    ("occlusion", {"window": 3, "stride": 2}),
    ("occlusion", {"window": 5, "stride": 4}),
    ("feature_ablation", {"grid": 8}),
    ("kernel_shap", {"samples": 30, "grid": 5}),
]


def reports(*arguments, **options):
    heard = []
    with progress.listening(heard.append):
        attribute(*arguments, **options)
    return heard


@pytest.mark.parametrize(("method", "given"), [*((method, None) for method in METHODS), *OTHER_WAYS])
@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (1, 3, 8, 12)])
def test_a_row_knows_how_many_images_go_through_the_network(method, given, shape, lived_in, images, quick):
    network, batch, row, passed = lived_in("plain8-w4"), images(*shape), METHODS[method], 0
    given = quick(row) if given is None else given

    def count(module, inputs):
        nonlocal passed
        passed += len(inputs[0])

    network.stem.register_forward_pre_hook(count)
    attribute(network, batch, 3, method, **given)
    looks = 1 + len(batch) + (1 if "a layer" in row.needs else 0)  # at the network, the scores, the layer
    assert passed - looks == row.passes(row.checked(given), *shape[2:]) * len(batch)


@pytest.mark.parametrize("method", METHODS)
def test_progress_grows_to_one(method, lived_in, images, quick):
    heard = reports(lived_in("plain8-w4"), images(2, 3, 8, 8), 3, method, **quick(METHODS[method]))
    assert heard == sorted(heard)
    assert heard[0] > 0
    assert heard[-1] == 1


def test_progress_is_told_as_it_is_made(lived_in, images, monkeypatch):
    monkeypatch.setattr("explorer.attribution.attribute.MOST_AT_ONCE", 2)
    heard = reports(lived_in("plain8-w4"), images(1, 3, 8, 8), 3, "feature_ablation", grid=3)
    assert heard == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.9, 1.0, 1.0])  # the image, nine cells by two, and the end


def test_images_that_do_not_fit_together_are_parts_of_the_whole(lived_in, images, monkeypatch):
    monkeypatch.setattr("explorer.attribution.attribute.MOST_AT_ONCE", 1)
    heard = reports(lived_in("plain8-w4"), images(2, 3, 8, 8), 3, "saliency")
    assert heard == [0.5, 0.5, 1, 1]


def test_a_window_is_a_sixth_of_the_side_and_goes_on_by_half_of_it():
    assert window_and_stride(0, 0, 32) == (5, 2)
    assert window_and_stride(0, 0, 8) == (1, 1)
    assert window_and_stride(8, 0, 32) == (8, 4)
    assert window_and_stride(0, 3, 32) == (5, 3)
