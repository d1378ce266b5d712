"""Catalogue of named networks, and configurations of all valid names."""

from dataclasses import dataclass
from typing import Any, Literal

from explorer.errors import BadSettings, UnknownName, quoted
from explorer.models.config import DEEPEST, NetworkConfig, depth_rule, nearest_depths
from explorer.models.names import normalised_name, settings_of
from explorer.registry import nearest_hint

HE2015 = "He et al. 2015, table 6"
HE2015_IMAGENET = "He et al. 2015, tables 1 to 3; error with 10 crops"
HE2016 = "He et al. 2016, tables 2 and 5"
WRN = "Zagoruyko and Komodakis 2016, table 5"
RESNEXT = "Xie et al. 2017, table 7"
SE = "Hu et al. 2018, table 4"
DENSE = "Huang et al. 2017, table 2"
TORCHVISION = "torchvision.models"


@dataclass(frozen=True, slots=True)
class NetworkRow:
    """A network that menus list, with the numbers that its paper reports.

    Attributes:
        config: its configuration.
        family: heading in menus.
        source: of the published numbers.
        published_error: top-1 error as a fraction, None if the paper reports none: on the CIFAR-10 test set, for
            ImageNet networks on the ImageNet validation set.
        published_parameters: with the precision of the source.
        published_multiply_adds: for one image, with the precision of the source.
    """

    config: NetworkConfig
    family: str
    source: str = ""
    published_error: float | None = None
    published_parameters: float | None = None
    published_multiply_adds: float | None = None

    @property
    def published_data(self) -> Literal["cifar10", "imagenet"]:
        """The data set of the published error."""
        return "cifar10" if self.config.stem == "small" else "imagenet"


def network_config(name: str) -> NetworkConfig:
    """The configuration of a name: plain20, resnet56-b, resnet50, wrn-28-10 (see `models.names`).

    Raises:
        UnknownName: no network is called so; the message gives the nearest valid names.
    """
    settings = settings_of(name)
    if settings is None:
        raise UnknownName(
            f"No network is called {quoted(name)}.{nearest_hint(normalised_name(name), NETWORKS)} Names are those of "
            "the literature: plain or resnet with a depth 6n+2 such as plain20 or resnet56, resnet50 and its like, "
            "preresnet110, wrn-28-10, resnext29-8x64d, seresnet110, densenet-bc-100-12; -b or -c chooses a shortcut "
            "option, -w32 a width."
        )
    try:
        return NetworkConfig(**settings)
    except BadSettings as error:
        raise UnknownName(f"No network is called {quoted(name)}: {_reason(settings, error)}") from None


def _reason(settings: dict[str, Any], error: BadSettings) -> str:
    """The message of `error`; for a wrong depth, with the nearest names."""
    if error.settings != ("depth",) or settings["stages"]:
        return str(error)
    depth, block, stem = settings["depth"], settings["block"], settings["stem"]
    if depth > DEEPEST:
        return f"{depth:,} layers are more than the {DEEPEST:,} that a network may have. Take fewer."
    depths = [each for each in nearest_depths(depth, block, stem) if each <= DEEPEST]
    nearest = [NetworkConfig(**(settings | {"depth": each})).name for each in depths]
    near = f"The nearest {'are' if len(nearest) > 1 else 'is'} {' and '.join(nearest)}."
    if settings.get("widen", 1) > 1:
        return f"the layers of a Wide ResNet are 6n+4. {near}"
    return f"{depth} is not {depth_rule(block, stem)}. {near}"


def _rows(family: str, source: str, *rows: tuple[Any, ...]) -> dict[str, NetworkRow]:
    return {name: NetworkRow(network_config(name), family, source, *numbers) for name, *numbers in rows}


# In menu order. Name, error, parameters and multiply-adds, as far as the source reports them.
NETWORKS: dict[str, NetworkRow] = (
    _rows("Plain, for small images", "", *((f"plain{depth}",) for depth in (20, 32, 44, 56, 110)))
    | _rows(
        "ResNet, for small images",
        HE2015,
        ("resnet20", 0.0875, 0.27e6),
        ("resnet32", 0.0751, 0.46e6),
        ("resnet44", 0.0717, 0.66e6),
        ("resnet56", 0.0697, 0.85e6),
        ("resnet110", 0.0643, 1.7e6),
        ("resnet1202", 0.0793, 19.4e6),
    )
    | _rows(
        "Pre-activation",
        HE2016,
        ("resnet164", 0.0593),
        ("resnet1001", 0.0761),
        ("preresnet110", 0.0637),
        ("preresnet164", 0.0546),
        ("preresnet1001", 0.0492),
    )
    | _rows("Wide", WRN, ("wrn-40-4", 0.0453, 8.9e6), ("wrn-16-8", 0.0427, 11.0e6), ("wrn-28-10", 0.04, 36.5e6))
    | _rows("ResNeXt", RESNEXT, ("resnext29-8x64d", 0.0365, 34.4e6), ("resnext29-16x64d", 0.0358, 68.1e6))
    | _rows("Squeeze-and-excitation", SE, ("seresnet110", 0.0521), ("seresnet164", 0.0439))
    | _rows("Squeeze-and-excitation", "", ("seresnet20",), ("seresnet50",))
    | _rows("DenseNet", DENSE, ("densenet-40-12", 0.0524, 1.0e6), ("densenet-bc-100-12", 0.0451, 0.8e6))
    | _rows("Without batch norm", "", ("resnet20-skipinit",), ("resnet20-fixup",), ("resnet110-fixup",))
    | _rows(
        "For ImageNet",
        HE2015_IMAGENET,
        ("plain18", 0.2794, None, 1.8e9),
        ("plain34", 0.2854, None, 3.6e9),
        ("resnet18", 0.2788, None, 1.8e9),
        ("resnet34", 0.2452, None, 3.6e9),
        ("resnet34-a", 0.2503, None, 3.6e9),
        ("resnet34-c", 0.2419),
        ("resnet50-v1", 0.2285, None, 3.8e9),
        ("resnet101-v1", 0.2175, None, 7.6e9),
        ("resnet152-v1", 0.2143, None, 11.3e9),
    )
    | _rows(
        "For ImageNet, as in torchvision",
        TORCHVISION,
        ("resnet50", None, 25_557_032),
        ("resnet101", None, 44_549_160),
        ("resnet152", None, 60_192_808),
        ("resnext50-32x4d", None, 25_028_904),
        ("resnext101-32x8d", None, 88_791_336),
        ("wide-resnet50-2", None, 68_883_240),
        ("wide-resnet101-2", None, 126_886_696),
        ("densenet121", None, 7_978_856),
    )
    | _rows("For ImageNet, later", "", ("resnet50d",), ("preresnet50",))
)
