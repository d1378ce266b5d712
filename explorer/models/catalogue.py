"""Named networks: one row each, and the rule that reads every other valid name."""

import re
from dataclasses import dataclass

from explorer.errors import UnknownName
from explorer.models.config import NetworkConfig, Shortcut, nearest_depths


@dataclass(frozen=True, slots=True)
class NetworkRow:
    """A network that menus list, with what its paper reports.

    Attributes:
        config: what it is made of.
        published_error: CIFAR-10 test error as a fraction, or None where the paper gives none.
        source: where that number stands.
    """

    config: NetworkConfig
    published_error: float | None = None
    source: str = ""


HE2015 = "He et al. 2015, table 6"

NETWORKS: dict[str, NetworkRow] = {
    "plain20": NetworkRow(NetworkConfig(depth=20, shortcut="none")),
    "plain32": NetworkRow(NetworkConfig(depth=32, shortcut="none")),
    "plain44": NetworkRow(NetworkConfig(depth=44, shortcut="none")),
    "plain56": NetworkRow(NetworkConfig(depth=56, shortcut="none")),
    "plain110": NetworkRow(NetworkConfig(depth=110, shortcut="none")),
    "resnet20": NetworkRow(NetworkConfig(depth=20), 0.0875, HE2015),
    "resnet32": NetworkRow(NetworkConfig(depth=32), 0.0751, HE2015),
    "resnet44": NetworkRow(NetworkConfig(depth=44), 0.0717, HE2015),
    "resnet56": NetworkRow(NetworkConfig(depth=56), 0.0697, HE2015),
    "resnet110": NetworkRow(NetworkConfig(depth=110), 0.0643, HE2015),
    "resnet1202": NetworkRow(NetworkConfig(depth=1202), 0.0793, HE2015),
}

IMAGENET_DEPTHS = (18, 34, 50, 101, 152)

_NAME = re.compile(r"(?P<kind>plain|resnet)(?P<depth>\d{1,5})(?:-(?P<option>[abc]))?(?:-w(?P<width>\d{1,4}))?")


def is_network_name(text: str) -> bool:
    """Whether a text is meant as the name of a network, valid or not, rather than as the id of a run."""
    return re.match(r"(plain|resnet)\d", text) is not None


def network_config(name: str) -> NetworkConfig:
    """The configuration a name stands for: plain20, resnet38, resnet56-b, resnet20-w32.

    Raises:
        UnknownName: not such a name, a depth that is not 6n+2, or one reserved for ImageNet networks.
    """
    found = _NAME.fullmatch(name)
    if found is None or (found["kind"] == "plain" and found["option"]):
        raise UnknownName(
            f"No network is called {name!r}. Names are plain or resnet with a depth 6n+2, such as plain20 or resnet56; "
            "-b or -c chooses a shortcut option of a resnet and -w32 a width."
        )
    kind, depth = found["kind"], int(found["depth"])
    if depth in IMAGENET_DEPTHS:
        lower, upper = (neighbour for neighbour in _named_neighbours(depth))
        raise UnknownName(
            f"{kind}{depth} is the name of an ImageNet network (He et al. 2015, table 1), which is not built here. "
            f"For small images use {kind}{lower} or {kind}{upper}, or NetworkConfig(depth=...) for any depth 6n+2."
        )
    if depth < 8 or (depth - 2) % 6:
        lower, upper = nearest_depths(depth)
        raise UnknownName(
            f"No network is called {name!r}: {depth} is not 6n+2. The nearest are {kind}{lower} and {kind}{upper}."
        )
    width = int(found["width"] or 16)
    if width < 1:
        raise UnknownName(f"No network is called {name!r}: the width (=0) is at least 1, as in {kind}{depth}-w8.")
    shortcut: Shortcut = "none" if kind == "plain" else _OPTIONS[found["option"] or "a"]
    return NetworkConfig(depth=depth, shortcut=shortcut, width=width)


_OPTIONS: dict[str, Shortcut] = {"a": "A", "b": "B", "c": "C"}


def _named_neighbours(depth: int) -> tuple[int, int]:
    """The nearest valid depths around a reserved one that are not reserved themselves."""
    valid = [d for d in range(8, depth + 20, 6) if d not in IMAGENET_DEPTHS]
    return max((d for d in valid if d < depth), default=8), min(d for d in valid if d > depth)
