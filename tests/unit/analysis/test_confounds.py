"""Each confound is found where it applies, and its remedy removes it."""

import pytest

from explorer.analysis.confounds import RULES, Comparison, confounds
from explorer.models.catalogue import network_config
from explorer.studies import degradation
from explorer.training.plan import Plan
from explorer.training.presets import PRESETS
from explorer.training.recipe import Recipe

FAIR = Plan(
    networks=("plain20", "plain32", "resnet20", "resnet32"),
    data="cifar10",
    recipe=Recipe(steps=200, learning_rate=0.1, schedule="one_cycle"),
    seeds=(0, 1, 2),
)


def changed(recipe=None, **changes):
    return Plan(**FAIR.model_dump() | changes | {"recipe": Recipe(**FAIR.recipe.model_dump() | (recipe or {}))})


UNFAIR = {
    "unequal_parameters": changed(networks=("plain20", "resnet20-b", "resnet32")),
    "few_seeds": changed(seeds=(7,)),
    "too_shallow": changed(networks=("plain8", "plain20", "plain32")),
    "constant_rate": changed({"schedule": "constant", "learning_rate": 0.03}),
    "no_warmup": changed({"schedule": "cosine"}, networks=("plain20", "plain56")),
    "trained_on": changed(networks=("plain32",), initial="plain32-from-plain20"),
    "memorised": changed({"train_images": 1000, "steps": 400}),
}


def names(plan):
    return [found.name for found in degradation.plan_confounds(plan)]


def test_a_fair_plan_has_none():
    assert names(FAIR) == []


@pytest.mark.parametrize("name", UNFAIR)
def test_each_is_found_says_why_and_goes_away_with_its_remedy(name):
    (found,) = degradation.plan_confounds(UNFAIR[name])
    assert found.name == name
    assert all((found.reason, found.source, found.remedy))
    assert names(degradation.without(UNFAIR[name], found)) == []


def test_unequal_parameters_names_both_numbers():
    (found,) = degradation.plan_confounds(UNFAIR["unequal_parameters"])
    assert "resnet20-b has 272,474 parameters, plain20 269,722" in found.reason
    assert found.changes["networks"] == ("plain20", "resnet20", "resnet32")
    (found,) = degradation.plan_confounds(changed(networks=("plain20", "resnet20-b-alpha0.5", "resnet32")))
    assert found.changes["networks"] == ("plain20", "resnet20-alpha0.5", "resnet32")


def test_the_remedy_of_a_small_data_set_is_fewer_steps():
    plan = Plan(**FAIR.model_dump() | {"data": "digits", "recipe": Recipe(steps=1000, schedule="one_cycle")})
    (found,) = degradation.plan_confounds(plan)
    assert found.remedy == "Stop after 224 steps"


def test_runs_of_different_recipes_are_told_apart_by_what_differs():
    both = ((0.1, "one_cycle"), (0.05, "he2015"))
    recipes = [Recipe(steps=200, learning_rate=rate, schedule=schedule).model_dump() for rate, schedule in both]
    compared = Comparison(
        networks=(network_config("plain20"), network_config("plain32")),
        recipes=tuple(recipes),
        seeds=(0, 1, 2),
        train_images=50_000,
        available_images=50_000,
    )
    (found,) = confounds(compared)
    assert found.name == "different_recipes"
    assert "(learning rate: 0.1, 0.05; schedule: one-cycle, He et al. 2015)" in found.reason
    assert "batch_size" not in found.reason


@pytest.mark.parametrize("name", [name for name in PRESETS if name != "paper"])
def test_the_short_presets_have_none(name):
    assert names(PRESETS[name].plan) == []


def test_the_paper_itself_trained_few_seeds():
    assert names(PRESETS["paper"].plan) == ["few_seeds"]


def test_every_rule_is_tried_here():
    assert len(RULES) == len(UNFAIR) + 1  # and different recipes
