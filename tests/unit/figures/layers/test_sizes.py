"""How large layers are and what they see, a panel for each count."""

import pytest

from explorer.figures import layer_sizes, theme
from explorer.models.catalogue import NETWORKS, network_config
from explorer.models.description import sizes


def table(*names):
    return sizes(names, by="layer")


@pytest.mark.parametrize("name", [name for name, row in NETWORKS.items() if row.config.depth < 200])
def test_each_layer_of_the_main_path_is_a_point_in_each_panel(name):
    figure = layer_sizes(table(name))
    lines = [trace for trace in figure.data if not trace.uid.startswith("side")]
    assert [trace.xaxis for trace in lines] == ["x", "x2", "x3"]
    assert all(len(trace.x) == network_config(name).depth for trace in lines)


def test_points_have_the_counts_of_their_layer():
    parameters, adds, fields = layer_sizes(table("resnet20")).data[:3]
    assert (parameters.y[1], adds.y[1], fields.y[1]) == (16 * 16 * 9 + 32, 16 * 16 * 9 * 32**2, 5)
    assert list(parameters.customdata[1]) == [2, "stages.0.0.conv1", 1, 1, "resnet20"]


def test_two_networks_are_named_once_each():
    figure = layer_sizes(table("plain20", "resnet50"))
    named = [trace.name for trace in figure.data if trace.showlegend]
    assert named == ["plain20", "resnet50"]
    assert {trace.y[0] for trace in figure.data if trace.uid.startswith("side")} == {32, 224}


def test_dark_pages_get_dark_colours_alone():
    text = layer_sizes(table("resnet20"), dark=True).to_json()
    assert not [colour for colour in theme.LIGHT.colours if colour in text]
