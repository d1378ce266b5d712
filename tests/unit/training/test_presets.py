import pytest

from explorer.training.presets import PRESETS, at_depths


@pytest.mark.parametrize("name", [name for name in PRESETS if name != "weaker_shortcuts"])
def test_every_other_preset_has_a_plain_pair_of_middle_depth_and_a_residual_twin(name):
    kinds = {(config.kind, config.depth) for config in PRESETS[name].plan.network_configs()}
    assert {("plain", 20), ("plain", 32), ("plain", 56), ("residual", 20), ("residual", 56)} <= kinds


def test_the_paper_is_as_published():
    recipe = PRESETS["paper"].plan.recipe
    assert (recipe.steps, recipe.batch_size, recipe.learning_rate, recipe.schedule) == (64_000, 128, 0.1, "he2015")
    assert (recipe.momentum, recipe.weight_decay, recipe.normalisation) == (0.9, 1e-4, "pixel")


def test_weaker_shortcuts_go_from_full_ones_to_none_at_each_depth():
    configs = PRESETS["weaker_shortcuts"].plan.network_configs()
    found = {
        depth: sorted(c.shortcut_scale if c.kind == "residual" else 0 for c in configs if c.depth == depth)
        for depth in {config.depth for config in configs}
    }
    assert found == {20: [0, 0.5, 0.9, 1], 56: [0, 0.5, 0.9, 1]}


def test_the_same_kinds_of_networks_at_other_depths():
    networks = ("plain20", "plain56", "resnet20-alpha0.5", "resnet56-alpha0.5")
    assert at_depths(networks, (8, 20)) == ("plain8", "plain20", "resnet8-alpha0.5", "resnet20-alpha0.5")
