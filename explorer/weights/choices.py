"""What weights do not show about a network: the choices that were made, and the networks that the others would give."""

from collections.abc import Iterator, Sequence

from explorer.errors import BadSettings
from explorer.models.config import NORM_GROUPS, NetworkConfig
from explorer.models.names import DEEP_STEMS, IMAGENET_CLASSES

ENLARGED = (0, 64, 96, 128, 224)  # pixels a side that images of CIFAR are usually enlarged to
_START: dict[object, str] = {
    "activation": "shortcuts that start after the first norm and ReLU where the shape changes and in the first block",
    "projection": "shortcuts that start after the first norm and ReLU only where the shape changes",
    "input": "shortcuts that all start at the input of their blocks",
}
_WORDS: dict[str, dict[object, str]] = {
    "pool": {"max": "max pooling after the stem", "none": "no pooling after the stem"},
    "shortcut": {
        "none": "no shortcuts",
        "A": "shortcuts without parameters",
        "B": "projections of every second position",
        "D": "projections of the mean of 2×2 positions",
    },
    "padding": {
        "half": "zero-padding half before and half after the channels",
        "end": "zero-padding all at the end, behind the channels",
    },
    "subsampling": {
        "stride": "every second position on the padded shortcuts",
        "average": "the mean of 2×2 positions on the padded shortcuts",
    },
    "stride_on": {
        "3x3": "strides on the 3×3 convolutions of bottlenecks",
        "1x1": "strides on the first 1×1 convolutions of bottlenecks",
        "first": "strides on the first convolutions of blocks",
        "second": "strides on the second convolutions of blocks",
    },
    "shortcut_start": _START,
    "excitation_on": {
        "branch": "excitation of the branch, before the sum",
        "sum": "excitation of the sum of branch and shortcut",
    },
    "antialias": {
        "none": "no antialiasing",
        "blur": "blurring before each halving of the image",
        "average": "average pooling in place of the other halvings of the image",
    },
}


def alternatives(config: NetworkConfig) -> list[tuple[NetworkConfig, str]]:
    """Other networks with the same weights, each with what differs, such as "max pooling after the stem".

    Each differs in one choice; for other combinations ask for the alternatives of one of them.
    """
    found: list[tuple[NetworkConfig, str]] = []
    for field, value in _choices(config):
        try:
            other = NetworkConfig(**(_without_dependants(config, field) | {field: value}))
        except BadSettings:  # two settings that exclude each other
            continue
        if other.name != config.name:
            found.append((other, _words(config, field, value)))
    return found


def difference(config: NetworkConfig, other: NetworkConfig) -> str:
    """How a network with the same weights differs from `config`, such as "max pooling after the stem"."""
    fields = dict.fromkeys(field for field, _ in _choices(config) if _current(other, field) != _current(config, field))
    return " and ".join(_words(other, field, _current(other, field)) for field in fields)


def assumptions(config: NetworkConfig) -> list[str]:
    """What was assumed about a network because weights do not show it, one sentence each, with the alternative."""
    return [
        f"Assumed {_words(config, field, _current(config, field))}, which weights do not show; "
        + "; ".join(f"if it has {words}, name the network: {other.name}" for other, words in others)
        + "."
        for field, others in _by_field(config).items()
    ]


def remarks(config: NetworkConfig) -> list[str]:
    """What was assumed where no other network can be named."""
    found = []
    if config.dense:
        found.append(
            "Weights do not show the order in which dense layers concatenate: assumed new channels behind the old "
            "ones, as in torchvision. In a file with the names of kuangliu's DenseNet they come first, and are put in "
            "order."
        )
    if config.excitation and config.order == "post":
        found.append(
            "Weights do not show a ReLU between a branch and its excitation, as weiaicunzai's SENet has it: assumed "
            "none; no network here has one."
        )
    if config.norm == "group":
        found.append(
            f"The norms have no running statistics: assumed group norm with {NORM_GROUPS} groups. If they are batch "
            "norms, the file lacks their statistics: save `model.state_dict()` whole."
        )
    return found


def _by_field(config: NetworkConfig) -> dict[str, list[tuple[NetworkConfig, str]]]:
    found: dict[str, list[tuple[NetworkConfig, str]]] = {}
    for other, words in alternatives(config):
        field = next(name for name, _ in _choices(config) if _current(other, name) != _current(config, name))
        found.setdefault(field, []).append((other, words))
    return found


def _choices(config: NetworkConfig) -> Iterator[tuple[str, object]]:
    """Fields whose value weights do not show, each with another value."""
    pads, residual = config.shortcut == "A", config.kind == "residual"
    unseen = config.shortcut in ("none", "A") and not config.dense
    late = _first_may_start_late(config)
    large = config.stem != "small"
    values: list[tuple[str, bool, Sequence[object]]] = [
        ("pool", True, ("max", "none")),
        ("shortcut", unseen and config.order == "post" and config.norm in ("batch", "group"), ("A", "none")),
        ("shortcut", config.shortcut in ("B", "D") and config.stem in DEEP_STEMS, ("B", "D")),
        ("padding", pads, ("half", "end")),
        ("subsampling", pads, ("stride", "average")),
        ("shortcut_start", config.order == "pre", tuple(_START) if late else ("activation", "input")),
        ("stride_on", config.block == "bottleneck", ("3x3", "1x1")),
        ("stride_on", config.block == "basic", ("3x3", "second")),
        ("excitation_on", config.excitation and residual, ("branch", "sum")),
        ("antialias", large and not config.dense, ("none", "blur", "average")),
        ("enlarged", large and config.classes != IMAGENET_CLASSES, ENLARGED),
    ]
    for field, open_, each in values:
        yield from ((field, value) for value in each if open_ and value != _current(config, field))


def _current(config: NetworkConfig, field: str) -> object:
    if field == "pool":
        return "max" if config.pooled_stem else "none"
    if field == "shortcut_start" and config.shortcut_start == "projection" and not _first_may_start_late(config):
        return "activation"
    return getattr(config, field)


def _first_may_start_late(config: NetworkConfig) -> bool:
    """Whether the shape stays in the first block, and nothing but its own norm and ReLU come before it."""
    if config.dense:
        return False
    changes = config.first_projection or config.block == "bottleneck" or config.stage_widths[0] != config.width
    return config.bare_stem and not changes


def _without_dependants(config: NetworkConfig, field: str) -> dict[str, object]:
    """Its settings, without those that only a shortcut of option A has if there shall be none."""
    settings = config.model_dump()
    if field == "shortcut":
        for name in ("padding", "subsampling", "shortcut_scale", "excitation_on"):
            settings.pop(name)
    return settings


def _words(config: NetworkConfig, field: str, value: object) -> str:
    if field == "enlarged":
        return f"images enlarged to {value} pixels a side" if value else "images as large as they are"
    if field == "stride_on" and config.block == "basic" and value == "3x3":
        return _WORDS[field]["first"]
    return _WORDS[field][value]
