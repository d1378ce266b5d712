"""From the values of a method to one number a position."""

import pytest
import torch

from explorer.attribution.attribute import attribute, explained
from explorer.attribution.maps import position_maps
from explorer.attribution.methods import METHODS


def test_values_are_summed_or_the_largest_is_taken():
    values = torch.tensor([[[[1.0, -2.0]], [[3.0, -4.0]], [[2.0, 0.0]]]])  # (1, 3, 1, 2)
    assert position_maps(values, (1, 2), summed=True).tolist() == [[[6, -6]]]
    assert position_maps(values, (1, 2), summed=False).tolist() == [[[3, 0]]]


def test_the_map_of_a_layer_is_drawn_out_bilinearly_to_the_size_of_the_image():
    """By hand: the centres of two positions stand at 1 and 3 of four pixels' middles 0.5, 1.5, 2.5, 3.5."""
    values = torch.tensor([0.0, 4.0]).expand(1, 1, 2, 2)
    assert position_maps(values, (4, 4), summed=True)[0].tolist() == [[0, 1, 3, 4]] * 4
    assert position_maps(values, (2, 6), summed=True).shape == (1, 2, 6)


def test_each_image_has_a_map():
    values = torch.arange(2 * 3 * 4 * 5.0).view(2, 3, 4, 5)
    torch.testing.assert_close(position_maps(values, (4, 5), summed=True), values.sum(1))


def test_methods_give_values_below_zero_only_where_they_are_signed(lived_in, images, quick):
    network, batch = lived_in("resnet8-w4"), images(3, 3, 8, 8)
    ways = [(method, {}) for method in METHODS]
    ways += [("saliency", {"absolute": False}), ("grad_cam", {"positive": True, "layer": "stage1"})]
    ways += [("smooth_grad", given) for given in ({"of": "guided_backprop"}, {"kind": "vargrad"})]
    for method, given in ways:
        found = explained(network, batch, torch.tensor([7, 0, 3]), method, **quick(METHODS[method]), **given)
        assert found.signed == bool((found.values < -1e-6).any()), (method, given)


def test_regions_have_one_value_each(lived_in, images):
    """All values of a cell are the same, in all channels."""
    for method in ("feature_ablation", "kernel_shap"):
        found = attribute(lived_in("plain8-w4"), images(1, 3, 8, 8), 0, method, grid=2)
        cells = found.view(3, 2, 4, 2, 4).movedim(3, 2).reshape(3, 4, 16)
        assert torch.equal(cells, cells[:1, :, :1].expand_as(cells)), method
        assert len(found.unique()) == 4


def test_the_map_of_a_region_is_what_the_score_falls_by_when_it_is_hidden(lived_in, images):
    network, image = lived_in("plain8-w4"), images(1, 3, 8, 8)
    found = explained(network, image, 0, "feature_ablation", grid=2)
    shown = image.clone()
    shown[:, :, :4, :4] = 0
    with torch.no_grad():
        fall = network.eval()(image)[0, 0] - network(shown)[0, 0]
    upper_left = position_maps(found.values, (8, 8), summed=found.summed)[0, :4, :4]
    torch.testing.assert_close(upper_left, fall.expand(4, 4))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("count", [1, 3])
def test_a_map_of_an_image_does_not_depend_on_its_neighbours(method, count, lived_in, images, quick):
    network, batch, few = lived_in("resnet8-w4"), images(4, 3, 8, 8), quick(METHODS[method])
    if any(each.name == "seed" for each in METHODS[method].parameters):
        return  # the random numbers are others
    alone = attribute(network, batch[:count], 3, method, **few)
    torch.testing.assert_close(attribute(network, batch, 3, method, **few)[:count], alone, rtol=1e-4, atol=1e-6)
