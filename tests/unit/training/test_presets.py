import pytest

from explorer.training.presets import PRESETS


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_every_preset_has_a_plain_pair_of_middle_depth_and_a_residual_twin(preset):
    kinds = {(config.kind, config.depth) for config in preset.plan.network_configs()}
    assert {("plain", 20), ("plain", 32), ("plain", 56), ("residual", 20), ("residual", 56)} <= kinds


def test_the_paper_is_as_published():
    recipe = PRESETS["paper"].plan.recipe
    assert (recipe.steps, recipe.batch_size, recipe.learning_rate, recipe.schedule) == (64_000, 128, 0.1, "he2015")
    assert (recipe.momentum, recipe.weight_decay, recipe.normalisation) == (0.9, 1e-4, "pixel")
