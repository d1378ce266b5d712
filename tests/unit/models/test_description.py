"""A network in numbers, and two beside each other."""

import pytest

from explorer import tables
from explorer.errors import BadSettings
from explorer.models.catalogue import NETWORKS, network_config
from explorer.models.config import NetworkConfig
from explorer.models.description import description, differences
from explorer.models.size import multiply_adds, parameter_count


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_blocks_and_stages_add_up(name):
    config = NETWORKS[name].config
    found = description(config)
    assert found.parameters == parameter_count(config)
    assert found.multiply_adds == multiply_adds(config)
    for table in (found.layers, found.blocks, found.stages):
        assert table["parameters"].sum() == found.parameters
        assert table["multiply_adds"].sum() == found.multiply_adds
        assert table["kept_values"].sum() == found.kept_values
    assert found.blocks["layers"].sum() == found.stages["layers"].sum() == found.layers["layer"].max() == config.depth
    assert found.stages["blocks"].sum() == len(found.blocks) - 2


def test_tables_have_their_columns():
    found = description(network_config("resnet20"))
    assert list(found.layers) == tables.DESCRIBED_LAYERS
    assert list(found.blocks) == list(found.stages) == tables.DESCRIBED_PARTS
    assert list(found.totals) == tables.TOTALS


def test_a_projection_is_a_row_of_its_own_beside_the_main_path():
    found = description(network_config("resnet20-b")).layers.set_index("name")
    projection = found.loc["stages.1.0.shortcut.conv"]
    assert found["layer"].isna().sum() == 2
    assert (projection["kernel"], projection["stride"], projection["parameters"]) == (1, 2, 16 * 32 + 2 * 32)


def test_totals_stand_beside_the_published_ones():
    found = description(network_config("resnet34")).totals.set_index("total")
    assert found.loc["multiply_adds", "published"] == 3.6e9
    assert found.loc["multiply_adds", "ratio"] == pytest.approx(3_663_761_408 / 3.6e9)
    assert "He et al. 2015" in found.loc["multiply_adds", "source"]


@pytest.mark.parametrize(
    ("config", "size"),
    [(NetworkConfig(depth=110, classes=100), 32), (network_config("resnet110-w32"), 32)],
    ids=["other classes", "other width"],
)
def test_other_networks_are_not_compared_with_the_published_ones(config, size):
    assert description(config, size).totals["published"].isna().all()


def test_multiply_adds_of_another_image_size_are_not_compared():
    found = description(network_config("resnet50-v1"), 128).totals.set_index("total")
    assert found.loc["multiply_adds", "published"] is None


def test_memory_of_training_is_weights_three_times_and_what_each_image_leaves():
    found = description(network_config("resnet20"))
    assert found.tensor_bytes(1) - found.tensor_bytes(0) == 4 * (found.kept_values + 3 * 16 * 32**2)
    assert found.tensor_bytes(0) == 12 * found.parameters


def test_images_that_vanish_on_their_way_are_refused():
    with pytest.raises(BadSettings, match="densenet121 cannot take images of 8 pixels"):
        description(network_config("densenet121"), 8)


def test_twins_differ_in_name_kind_and_shortcut_alone():
    found = differences(network_config("plain20"), network_config("resnet20"))
    assert list(found.settings.loc[found.settings["differs"], "setting"]) == ["name", "kind", "shortcut"]
    assert not found.layers["differs"].any()


def test_layers_in_the_same_place_of_a_block_stand_in_one_row():
    found = differences(network_config("resnet20"), network_config("resnet32-b")).layers
    rows = found.set_index(["stage", "block", "place"])
    assert not rows.loc[(3, 3, "conv2"), "differs"]
    deeper, projection = rows.loc[(3, 5, "conv1")], rows.loc[(2, 1, "shortcut.conv")]
    assert (deeper["a"], deeper["b"]) == ("", "3×3, 64 → 64, side 8")
    assert (projection["parameters_a"], projection["parameters_b"]) == (None, 16 * 32 + 2 * 32)
    assert found["place"].iloc[-1] == "classifier"
    assert found["stage"].iloc[-2] == 3


def test_a_layer_with_another_norm_differs_though_its_shape_is_the_same():
    rows = differences(network_config("resnet20"), network_config("preresnet20")).layers
    stem = rows.iloc[0]
    assert stem["a"] == stem["b"]
    assert (stem["parameters_a"], stem["parameters_b"], stem["differs"]) == (464, 432, True)
    assert list(rows.loc[rows["differs"], "layer_b"]) == [1, 8, 14, 20]


def test_networks_of_three_and_four_stages_have_one_classifier_each():
    found = differences(network_config("resnet20"), network_config("resnet18"), 64).layers
    last = found.iloc[-1]
    assert (found["place"] == "classifier").sum() == 1
    assert (last["a"], last["b"]) == ("64 → 10", "512 → 1000")


def test_what_is_in_one_place_of_each_comes_in_order_of_depth():
    found = differences(network_config("plain20"), network_config("resnet50"), 64).layers
    inside = found[found["stage"].notna()]
    assert list(inside["stage"]) == sorted(inside["stage"])


def test_the_deepest_network_is_described_at_once():
    assert len(description(network_config("resnet1202")).layers) == 1202
