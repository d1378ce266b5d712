"""Shell commands; importing this does not import torch.

Options that are None, False or empty are left out of the command.
"""

import shlex
from collections.abc import Mapping

from explorer.runs.facts import HERE, Where
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe

ALL_BLOCKS = "all-blocks"  # `--layer` of the command `attribute`: a map of every block

Options = dict[str, object]  # of a command, by name


def command(*words: str, **options: object) -> str:
    """A command line; options that are None, False or empty are left out, and True gives a flag."""
    parts = ["python -m explorer", *map(shlex.quote, words)]
    for name, value in options.items():
        if value is None or value is False or value in ("", ()):
            continue
        values = [] if value is True else value if isinstance(value, list | tuple) else [value]
        texts = [shlex.quote(str(each)) for each in values]
        option = f"--{name.replace('_', '-')}"
        # a value such as the class "-x" would be taken for another option
        parts += [f"{option}={texts[0]}"] if len(values) == 1 and str(values[0]).startswith("-") else [option, *texts]
    return " ".join(parts)


def train(plan: Plan, where: Where = HERE) -> str:
    """Train a plan."""
    default = Recipe()
    recipe = {name: value for name, value in plan.recipe.model_dump().items() if value != getattr(default, name)}
    changed = {name: str(value) if isinstance(value, bool) else value for name, value in recipe.items()}
    seeds = plan.seeds if plan.seeds != (0,) else ()
    place = {name: value for name, value in where.model_dump().items() if value != getattr(HERE, name)}
    return command("train", *plan.networks, data=plan.data, **changed, seeds=seeds, initial=plan.initial, **place)


def attribution_options(settings: Mapping[str, object]) -> Options:
    """Options of the commands for attributions from the settings of the functions in `studies.attributions`."""
    options = dict(settings)
    methods = options.pop("methods", None) or {options.pop("method", ""): options.pop("parameters", None) or {}}
    assert isinstance(methods, Mapping)
    if isinstance(options.get("images"), tuple | list):  # pictures, not their number
        options["image"] = options.pop("images")
    several = len(methods) > 1  # then a setting names its method
    options["method"] = tuple(filter(None, methods))
    options["set"] = tuple(
        f"{method}.{key}={value}" if several else f"{key}={value}"
        for method, parameters in methods.items()
        for key, value in parameters.items()
    )
    return options


def identity(checkpoint: str, depth: int) -> str:
    """Construct a deeper network that computes the same function."""
    return command("construct", "identity", checkpoint, depth=depth)


def export_checkpoint(name: str) -> str:
    """Export the two files of a checkpoint into the current folder."""
    return command("checkpoints", "export", name)
