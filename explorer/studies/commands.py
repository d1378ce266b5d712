"""Shell commands that give what a page shows; importing this does not import torch.

Each function takes the arguments of a study; options that are None, False or empty are left out of the command.
"""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from explorer.attribution.rows import Parameters
from explorer.models.catalogue import network_config
from explorer.models.config import NetworkConfig
from explorer.runs.facts import HERE, Where
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe

ALL_BLOCKS = "all-blocks"  # `--layer` of the command `attribute`: a map of every block

Attributions = Literal["attribute", "attribute-check", "attribute-agreement"]


def command(*words: str, **options: object) -> str:
    """A command line; options that are None, False or empty are left out, and True gives a flag."""
    parts = ["python -m explorer", *map(shlex.quote, words)]
    for name, value in options.items():
        if value is None or value is False or value in ("", ()):
            continue
        values = [] if value is True else value if isinstance(value, list | tuple) else [value]
        parts += [f"--{name.replace('_', '-')}", *(shlex.quote(str(each)) for each in values)]
    return " ".join(parts)


def train(plan: Plan, where: Where = HERE) -> str:
    """Train a plan."""
    default = Recipe()
    recipe = {name: value for name, value in plan.recipe.model_dump().items() if value != getattr(default, name)}
    changed = {name: str(value) if isinstance(value, bool) else value for name, value in recipe.items()}
    seeds = plan.seeds if plan.seeds != (0,) else ()
    place = {name: value for name, value in where.model_dump().items() if value != getattr(HERE, name)}
    return command("train", *plan.networks, data=plan.data, **changed, seeds=seeds, initial=plan.initial, **place)


def describe(config: NetworkConfig, image_size: int, by: str) -> str:
    """Describe a network by stage, block or layer."""
    size = image_size if image_size != config.image_size else None
    return command("describe", config.name, by=by, image_size=size, classes=_nondefault_classes(config))


def diff(a: NetworkConfig, b: NetworkConfig, image_size: int) -> str:
    """Compare two networks."""
    classes = _nondefault_classes(a)
    others = b.classes if classes is not None else None
    return command("diff", a.name, b.name, image_size=image_size, classes=classes, other_classes=others)


def evaluate(references: Sequence[str], *, data: str, images: int | None, crops: int, ensemble: bool = False) -> str:
    """Evaluate networks on test images."""
    views = crops if crops > 1 else None
    return command("evaluate", *references, data=data, images=images, crops=views, ensemble=ensemble)


def study_layers(name: str, references: Iterable[str], *, data: str, images: int, statistics: str = "") -> str:
    """Responses, gradients or residual ledger, by the name of the command."""
    return command(name, *references, data=data, images=images, statistics=statistics)


def study_untrained(name: str, networks: Iterable[str], *, data: str, seed: int) -> str:
    """Study of untrained networks, xray or shattering, by the name of the command."""
    return command(name, *networks, data=data, seed=seed)


def operate(operations: str, references: Iterable[str], *, data: str, images: int) -> str:
    """Networks with operations on their blocks."""
    return command("operate", operations, *references, data=data, images=images)


def block(reference: str, *, place: str, image: str, channels: Sequence[int], data: str) -> str:
    """Feature maps of a block."""
    return command("block", reference, place=place, image=image, channels=tuple(channels), data=data)


def contributions(reference: str, *, image: str, data: str) -> str:
    """What blocks add to the scores of a picture."""
    return command("contributions", reference, image=image, data=data)


def attributions(
    name: Attributions,
    references: Iterable[str],
    methods: Mapping[str, Parameters],
    *,
    image: str = "",
    images: int | None = None,
    target: str = "",
    layer: str = "",
    data: str = "",
) -> str:
    """Attribution maps, the check of one, or agreement of maps.

    Args:
        methods: parameters by method name, without defaults.
        image: reference to a picture; images: number of test images instead.
        target: name of the class explained.
    """
    several = len(methods) > 1  # then a setting names its method
    settings = [
        f"{method}.{key}={value}" if several else f"{key}={value}"
        for method, parameters in methods.items()
        for key, value in parameters.items()
    ]
    return command(
        name, *references, data=data, image=image, images=images, method=tuple(methods), target=target, layer=layer,
        set=tuple(settings),
    )  # fmt: skip


def identity(checkpoint: str, depth: int) -> str:
    """Construct a deeper network that computes the same function."""
    return command("construct", "identity", checkpoint, depth=depth)


def export_checkpoint(name: str) -> str:
    """Export the two files of a checkpoint into the current folder."""
    return command("checkpoints", "export", name)


def _nondefault_classes(config: NetworkConfig) -> int | None:
    return config.classes if config.classes != network_config(config.name).classes else None
