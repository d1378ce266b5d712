"""What cannot be trained is refused before anything is made."""

import pytest

from explorer.errors import BadSettings
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"networks": ()}, "`networks`"),
        ({"networks": ("resnet22",)}, "22 is not 6n+2. The nearest are resnet20 and resnet26."),
        ({"networks": ("plain8",), "data": "cifar"}, "No data set is called 'cifar'. Did you mean 'cifar10'?"),
        ({"networks": ("plain8",), "seeds": (-1,)}, "`seed` (=-1) must be between 0 and 4,294,967,295."),
        (
            {"networks": ("plain8", "resnet8"), "seeds": tuple(range(501))},
            "1,002 runs; an experiment has at most 1,000. Split it.",
        ),
        (
            {"networks": ("plain8",), "recipe": Recipe(image_size=16)},
            "`image_size` (=16) is not a size of Handwritten digits",
        ),
        ({"networks": ("plain8",), "recipe": Recipe(train_images=5000)}, "more than the 1,437 training images"),
        ({"networks": ("plain8",), "recipe": Recipe(batch_size=2000)}, "larger than the 1,437 training images"),
    ],
)
def test_bad_plans_say_the_rule(settings, message):
    with pytest.raises(BadSettings) as error:
        Plan(**settings)
    assert message in str(error.value)


def test_a_network_named_twice_is_trained_once():
    plan = Plan(networks=("plain8", "plain8", "resnet8-a", "resnet8", "resnet8-w16"), seeds=(1, 1))
    assert (plan.networks, plan.seeds) == (("plain8", "resnet8"), (1,))


def test_networks_are_built_for_the_data():
    (config,) = Plan(networks=("plain8",), data="digits").network_configs()
    assert (config.channels, config.classes) == (1, 10)
