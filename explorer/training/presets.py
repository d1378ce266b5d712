"""Predefined plans; times and notes were measured on two CPU cores."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from explorer.models.catalogue import network_config
from explorer.models.config import NetworkConfig
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Preset:
    """A predefined plan, and what to expect of it.

    Attributes:
        title: in menus.
        plan: what it trains.
        time: how long it took on two CPU cores without a GPU, as text.
        note: what it shows and what it cannot show, as measured.
    """

    title: str
    plan: Plan
    time: str
    note: str


def twins(depths: Iterable[int]) -> tuple[str, ...]:
    """Names of the plain and residual networks of these depths, plain first."""
    depths = tuple(depths)
    return tuple(f"{kind}{depth}" for kind in ("plain", "resnet") for depth in depths)


def at_depths(networks: Iterable[str], depths: Iterable[int]) -> tuple[str, ...]:
    """Names of the same kinds of networks at these depths; raises BadSettings if a depth is not 6n+2."""
    depths = tuple(depths)
    kinds = {config.model_dump_json(exclude={"depth"}): config for config in map(network_config, networks)}
    return tuple(
        NetworkConfig(**(config.model_dump() | {"depth": depth})).name for config in kinds.values() for depth in depths
    )


_SHORT: dict[str, Any] = {"schedule": "one_cycle", "evaluate_images": 100}
_HALVED = _SHORT | {"image_size": 16, "augment": False, "learning_rate": 0.1}  # CIFAR-10 at half its side
_MINUTE = Recipe(**_SHORT, steps=100, batch_size=32, learning_rate=0.03, evaluate_every=25, last_images=300)

PRESETS: dict[str, Preset] = {
    "one_minute": Preset(
        "One minute",
        Plan(
            networks=twins((20, 32, 56)),
            data="digits",
            recipe=_MINUTE,
            seeds=(0, 1, 2),
            title="One minute: plain and residual networks on digits",
        ),
        "45 seconds",
        "Built-in images of digits, 8×8 pixels. Depth raises the training error of plain32 by about 40 points and of "
        "plain56 by almost 80, that of the residual networks by one to three: so short a training still costs them "
        "something.",
    ),
    "weaker_shortcuts": Preset(
        "Weaker shortcuts",
        Plan(
            networks=(
                "plain20",
                "plain56",
                "resnet20",
                "resnet56",
                "resnet20-alpha0.9",
                "resnet56-alpha0.9",
                "resnet20-alpha0.5",
                "resnet56-alpha0.5",
            ),
            data="digits",
            recipe=_MINUTE,
            seeds=(0, 1, 2),
            title="Weaker shortcuts: residual networks on digits, shortcuts times 1, 0.9, 0.5 and 0",
        ),
        "about a minute",
        "Residual networks on digits with every shortcut times 0.9 or 0.5, between full shortcuts and none. 56 layers "
        "end at 4 % training error with full shortcuts, 5 % at 0.9, 65 % at 0.5 and 84 % without; 20 layers at 1 to "
        "6 %. Three seeds do not tell 0.9 from 1. In He et al. 2016, table 1, 110 layers fail at 0.5 after a whole "
        "training.",
    ),
    "lecture": Preset(
        "Lecture",
        Plan(
            networks=("plain20", "plain32", "plain56", "resnet20", "resnet56"),
            data="cifar10",
            recipe=Recipe(**_HALVED, steps=550, batch_size=32, evaluate_every=50, last_images=1000),
            seeds=(0, 1, 2),
            title="Lecture: plain and residual networks on CIFAR-10",
        ),
        "3.5 minutes",
        "CIFAR-10 at 16×16 pixels. plain32 ends about 11 points of training error above plain20; plain56 hardly starts "
        "to train. resnet56 ends 6 points above resnet20: in so short a training depth costs residual networks too, "
        "but less.",
    ),
    "coffee_break": Preset(
        "Coffee break",
        Plan(
            networks=twins((20, 32, 56)),
            data="cifar10",
            recipe=Recipe(**_HALVED | {"evaluate_images": 200}, steps=600, batch_size=64, last_images=2000),
            seeds=(0, 1, 2),
            title="Coffee break: plain and residual networks on CIFAR-10",
        ),
        "7 minutes",
        "CIFAR-10 at 16×16 pixels, twice the lecture's images for each network. plain32 ends about 9 points of "
        "training error above plain20, plain56 22, and it has started to train. resnet56 ends 5 points above resnet20, "
        "resnet32 within chance of it.",
    ),
    "paper": Preset(
        "The paper",
        Plan(
            networks=twins((20, 32, 44, 56)),
            data="cifar10",
            recipe=Recipe(steps=64_000, batch_size=128, learning_rate=0.1, schedule="he2015", normalisation="pixel"),
            title="The paper: 64,000 steps on CIFAR-10",
        ),
        "hours on a GPU, weeks on a CPU",
        "He et al. 2015, section 4.2: 64,000 steps of 128 images, all of CIFAR-10. Start it only where a GPU can "
        "run for hours.",
    ),
}
