from itertools import pairwise

import pytest

from explorer.errors import BadSettings
from explorer.training.recipe import Recipe
from explorer.training.schedules import SCHEDULES


def refusal(**values: object) -> str:
    with pytest.raises((BadSettings, ValueError)) as caught:
        Recipe(**values)
    return str(caught.value)


def test_the_defaults_are_the_papers():
    recipe = Recipe()
    assert (recipe.batch_size, recipe.learning_rate, recipe.momentum, recipe.weight_decay) == (128, 0.1, 0.9, 1e-4)
    assert (recipe.schedule, recipe.warmup_steps) == ("he2015", 0)


def test_a_recipe_goes_to_json_and_back():
    recipe = Recipe(steps=7, schedule="cosine", warmup_steps=3, train_images=1000, augment=False)
    assert Recipe(**recipe.model_dump(mode="json")) == recipe


def test_a_batch_larger_than_the_subset_is_refused_with_the_way_out():
    assert refusal(batch_size=128, train_images=100) == (
        "`batch_size` (=128) is larger than `train_images` (=100), so an epoch has no full batch. "
        "Lower `batch_size` or use more images."
    )


def test_a_warm_up_longer_than_the_training_is_refused():
    assert refusal(steps=10, warmup_steps=11) == (
        "`warmup_steps` (=11) is more than `steps` (=10), so the peak rate is never reached. "
        "Lower `warmup_steps` or train longer."
    )


def test_an_unknown_schedule_names_the_nearest():
    assert refusal(schedule="cosin") == (
        f"No schedule is called 'cosin'. Did you mean 'cosine'? Known: {', '.join(SCHEDULES)}."
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("steps", 0),
        ("batch_size", 1),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("momentum", 1.0),
        ("weight_decay", -1e-4),
        ("warmup_steps", -1),
        ("train_images", 0),
        ("evaluate_images", 9),
        ("probe_every", -1),
        ("precision", "fp16"),
        ("normalisation", "none"),
    ],
)
def test_values_out_of_range_are_refused_by_name(field, value):
    assert f"`{field}` (=" in refusal(**{field: value})


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_warm_up_grows_linearly_to_the_rate_of_any_schedule(schedule):
    warm, cold = Recipe(steps=100, schedule=schedule, warmup_steps=4), Recipe(steps=100, schedule=schedule)
    fractions = [warm.learning_rate_at(step) / cold.learning_rate_at(step) for step in range(6)]
    assert fractions == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1])


def test_the_gentle_start_is_a_tenth_as_in_the_paper():
    assert Recipe().learning_rate_at(0, gentle=True) == pytest.approx(0.01)


@pytest.mark.parametrize(("steps", "every"), [(36, 10), (400, 30), (64_000, 379)])
def test_long_trainings_are_evaluated_more_often_but_less_densely(steps, every):
    recipe = Recipe(steps=steps)
    evaluated = [step for step in range(steps + 1) if recipe.evaluates_at(step)]
    assert evaluated[:2] == [0, every]
    assert evaluated[-1] == steps


@pytest.mark.parametrize("steps", [1, 2, 19, 20, 21])
def test_short_trainings_are_evaluated_at_both_ends(steps):
    recipe = Recipe(steps=steps)
    assert recipe.evaluates_at(0)
    assert recipe.evaluates_at(steps)


def test_evaluations_can_be_set():
    recipe = Recipe(steps=25, evaluate_every=10)
    assert [step for step in range(26) if recipe.evaluates_at(step)] == [0, 10, 20, 25]


def looks(recipe, **where):
    return [step for step in range(recipe.steps + 1) if recipe.probes_at(step, **where)]


@pytest.mark.parametrize("accelerated", [False, True])
@pytest.mark.parametrize("batch_size", [16, 64, 128])
@pytest.mark.parametrize("steps", [50, 100, 300, 3000, 64_000])
def test_automatic_looks_take_three_percent_of_the_steps_at_most(steps, batch_size, accelerated):
    recipe = Recipe(steps=steps, batch_size=batch_size)
    cost = len(looks(recipe, accelerated=accelerated)) * recipe.probe_cost(accelerated=accelerated)
    assert cost <= 0.03 * steps


def test_automatic_looks_grow_rarer_from_the_first_step_to_the_last():
    steps = looks(Recipe(steps=3000, batch_size=128))
    gaps = [later - earlier for earlier, later in pairwise(steps)]
    assert (steps[0], steps[-1]) == (0, 3000)
    assert len(steps) > 100
    assert gaps[0] == 1
    assert gaps[-1] > 40
    assert all(later >= earlier - 1 for earlier, later in pairwise(gaps))  # to a whole step


def test_a_long_training_is_not_looked_into_for_ever():
    assert len(looks(Recipe(steps=64_000))) <= 200


@pytest.mark.parametrize(("steps", "expected"), [(10, []), (30, [30]), (50, [0, 50])])
def test_a_short_training_has_few_looks_or_none(steps, expected):
    assert looks(Recipe(steps=steps, batch_size=128)) == expected


def test_looks_can_be_set_and_switched_off():
    assert looks(Recipe(steps=25, probe_every=10)) == [0, 10, 20, 25]
    assert looks(Recipe(steps=25_000, probe_every=0)) == []


def test_a_schedule_may_be_written_as_on_pages():
    assert Recipe(schedule="one-cycle") == Recipe(schedule="one_cycle")
