"""Good first choices for the Train page; one row each."""

from dataclasses import dataclass

from explorer.training.plan import ONE_MINUTE_DEMO, Plan
from explorer.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Preset:
    """A plan to start from, and what to expect of it."""

    title: str
    plan: Plan
    note: str


PRESETS: dict[str, Preset] = {
    "digits": Preset(
        "One minute on digits",
        ONE_MINUTE_DEMO,
        "Built-in images of 8x8 pixels. The deeper a plain network, the higher its error; the residual ones all learn.",
    ),
    "cifar": Preset(
        "Minutes on CIFAR-10",
        Plan(
            networks=("plain20", "plain32", "resnet20", "resnet32"),
            data="cifar10",
            recipe=Recipe(
                steps=150,
                learning_rate=0.03,
                schedule="constant",
                train_images=10_000,
                image_size=16,
                augment=False,
            ),
        ),
        "10,000 photographs at 16x16 pixels: plain32 already trails plain20. Long runs may end otherwise.",
    ),
    "paper": Preset(
        "CIFAR-10 as in the paper",
        Plan(
            networks=("plain20", "plain56", "resnet20", "resnet56"),
            data="cifar10",
            recipe=Recipe(steps=64_000, batch_size=128, learning_rate=0.1, schedule="he2015", normalisation="pixel"),
        ),
        "He et al. 2015, section 4.2: 64,000 steps of 128 images. Hours on a GPU, weeks on a CPU.",
    ),
}
