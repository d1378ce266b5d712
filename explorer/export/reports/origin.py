"""How the results of a report came about: networks, recipe, data, machine, and how to get them again."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib.metadata import version
from itertools import chain
from typing import Any

from explorer import labels
from explorer.data.catalogue import known_dataset, side_in_training
from explorer.errors import ExplorerError, RunError
from explorer.export.plans import plan_text
from explorer.export.reports.content import Block, Code, Grid, Picture, Section, Sentences
from explorer.figures import network_drawing
from explorer.models.config import NetworkConfig
from explorer.models.size import multiply_adds, parameter_count
from explorer.numerals import duration, listed
from explorer.runs.experiments import Experiment
from explorer.runs.facts import RunFacts
from explorer.runs.store import Run
from explorer.settings import field_in_words
from explorer.studies import commands
from explorer.studies.degradation import plan_of
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe
from explorer.version import VERSION

MOST_COMMANDS = 20
MOST_VALUES = 5  # of a fact that differs from run to run
MOST_RECIPES = 5  # side by side
WIDE = 100  # letters of a line of code, as far as it can be broken

MACHINE = {  # facts about a machine, in this order
    "device": "Device",
    "name": "Processor",
    "precision": "Precision",
    "threads": "Threads",
    "cores": "Cores",
    "memory_gib": "Memory (GiB)",
    "python": "Python",
    "torch": "PyTorch",
    "torchvision": "torchvision",
}


def networks_section(found: Sequence[Experiment]) -> Section:
    """All networks in a table, and drawings of the deepest of each kind."""
    sizes: dict[str, tuple[NetworkConfig, int]] = {}
    for facts in _facts(found):
        side = side_in_training(facts.data, facts.recipe) or facts.network.image_size
        sizes.setdefault(facts.network.name, (facts.network, side))
    rows = []
    for name, (config, side) in sizes.items():
        costs = "–"
        with suppress(ExplorerError):
            costs = f"{multiply_adds(config, side) / 1e6:,.1f}"
        blocks = ", ".join(map(str, config.stage_blocks))
        shortcut = labels.SHORTCUTS[config.shortcut]
        rows.append((name, str(config.depth), shortcut, blocks, f"{parameter_count(config):,}", costs))
    columns = ("Network", "Depth", "Shortcuts", "Blocks of each stage", "Parameters", "Multiply-adds (million)")
    numbers = frozenset({"Depth", "Parameters", "Multiply-adds (million)"})
    drawn: dict[str, tuple[NetworkConfig, int]] = {}
    for config, side in sizes.values():
        if config.kind not in drawn or config.depth > drawn[config.kind][0].depth:
            drawn[config.kind] = config, side
    blocks_: list[Block] = [Grid(columns, tuple(rows), numbers)]
    for kind, (config, side) in drawn.items():
        with suppress(ExplorerError):
            alt = f"{config.name}: stem, stages of {', '.join(map(str, config.stage_blocks))} blocks, classifier."
            blocks_.append(Sentences(f"{config.name}, the deepest {kind} network:"))
            blocks_.append(Picture(f"network-{kind}", network_drawing(config, image_size=side), alt))
    return Section("Networks", tuple(blocks_))


def recipe_section(found: Sequence[Experiment]) -> Section:
    """The settings of the training; side by side where they differ."""
    recipes: list[dict[str, Any]] = []
    for facts in _facts(found):
        if facts.recipe not in recipes:
            recipes.append(facts.recipe)
    fields = Recipe.model_fields
    rows = [
        (labels.heading(name), *(field_in_words(fields.get(name), each.get(name)) for each in recipes[:MOST_RECIPES]))
        for name in dict.fromkeys([*fields, *chain.from_iterable(recipes)])
        if any(name in recipe for recipe in recipes)
    ]
    columns = ("Value",) if len(recipes) == 1 else tuple(f"Recipe {number + 1}" for number in range(len(recipes)))
    blocks: list[Block] = [Grid(("Setting", *columns[:MOST_RECIPES]), tuple(rows))]
    if len(recipes) > MOST_RECIPES:
        blocks.append(Sentences(f"Shown are {MOST_RECIPES} of {len(recipes)} recipes.", "note"))
    started = _values(facts.initial for facts in _facts(found) if facts.initial)
    if started:
        blocks.append(Sentences("The networks started from the weights of a checkpoint:"))
        blocks.append(Grid(("Checkpoint",), ((started,),)))
    return Section("Recipe", tuple(blocks))


def data_section(found: Sequence[Experiment]) -> Section:
    """Each data set with the fingerprint of the images."""
    rows = []
    for name in dict.fromkeys(facts.data for facts in _facts(found)):
        members = [facts for facts in _facts(found) if facts.data == name]
        row = known_dataset(name)
        rows.append(("Data set", f"{row.title} ({name})" if row else name))
        if row:
            used = _values(f"{facts.recipe.get('train_images') or row.train_images:,}" for facts in members)
            rows += [
                ("Classes", f"{len(row.classes)}"),
                ("Training images", f"{used} of {row.train_images:,}"),
                ("Test images", f"{row.test_images:,}"),
                ("Source", row.source or "–"),
                ("Licence", row.licence or "unknown"),
            ]
        prints = _values(facts.data_fingerprint for facts in members if facts.data_fingerprint)
        rows.append(("Fingerprint (sha256 of pixels and labels)", prints or "– (no run has begun)"))
    return Section("Data", (Grid(("", ""), tuple(rows)),))


def machine_section(found: Sequence[Experiment]) -> Section:
    """Software and devices, of the training and of the report."""
    environments = [facts.environment for facts in _facts(found) if facts.environment]
    rows = [
        (heading, _values(str(each[name]) for each in environments if each.get(name) is not None))
        for name, heading in MACHINE.items()
    ]
    runs = [run for each in found for run in each.runs]
    seconds = sum(run.progress.seconds for run in runs)
    rows.append(("Training time, all runs", duration(seconds) if seconds else ""))
    rows.append(("This report", f"ResNet Explorer {VERSION}, plotly {version('plotly')}"))
    return Section("Software and machine", (Grid(("", ""), tuple((name, text) for name, text in rows if text)),))


def reproduction_section(found: Sequence[Experiment], responses: str) -> Section:
    """The same training from a shell and from Python, the responses by their command, and this report again."""
    plans: list[Plan] = []
    reasons = []
    for each in found:
        try:
            plan = plan_of([each])
        except ExplorerError as error:
            reasons.append(str(error))
        else:
            plans += [plan] if plan not in plans else []
    ids = " ".join(each.id for each in found[:MOST_COMMANDS])
    blocks: list[Block] = [Sentences(reason, "note") for reason in dict.fromkeys(reasons)]
    if plans:
        shown = plans[:MOST_COMMANDS]
        blocks += [
            Sentences("From a shell:"),
            Code("\n".join(map(commands.train, shown)), "bash"),
            Sentences("In Python:"),
            Code("\n\n".join(["import explorer", *map(python, shown)]), "python"),
            *(_plan_file(found[0]) if len(found) == 1 else []),
            Sentences(
                "On the machine it was trained on, the same plan gives the same curves. Other devices and versions add "
                "in another order, so errors may differ in the last digits, and more so in long runs.",
                "note",
            ),
        ]
        if len(plans) > MOST_COMMANDS:
            blocks.append(Sentences(f"Shown are the first {MOST_COMMANDS} of {len(plans)} plans.", "note"))
    if responses:
        blocks += [Sentences("The responses of these runs:"), Code(responses, "bash")]
    blocks += [Sentences("This report again, where the runs are:"), Code(f"python -m explorer report {ids}", "bash")]
    return Section("How to reproduce it", tuple(blocks))


def _plan_file(found: Experiment) -> list[Block]:
    """All settings as a file that a shell and the Train page take; the reason where there is no one plan."""
    try:
        text = plan_text(found.runs)
    except RunError as error:
        return [Sentences(str(error), "note")]
    return [Sentences("As a file, for `python -m explorer train --from FILE`:"), Code(text, "yaml")]


def python(plan: Plan) -> str:
    """The lines of Python that start the training of a plan."""
    given = {name: getattr(plan, name) for name, field in Plan.model_fields.items() if name != "recipe"}
    arguments = [f"    {name}={value!r}," for name, value in given.items() if value != Plan.model_fields[name].default]
    changed = {name: value for name, value in plan.recipe.model_dump().items() if value != getattr(Recipe(), name)}
    if changed:
        settings = ", ".join(f"{name}={value!r}" for name, value in changed.items())
        arguments.insert(1, f"    recipe=explorer.Recipe({settings}),")
    return "\n".join(["experiment = explorer.start(explorer.Plan(", *arguments, "))"])


def _facts(found: Iterable[Experiment]) -> list[RunFacts]:
    runs: list[Run] = [run for each in found for run in each.runs]
    return [run.facts for run in runs if run.facts is not None]


def _values(texts: Iterable[str]) -> str:
    """The different ones of several texts, separated by semicolons."""
    return listed(list(dict.fromkeys(texts)), MOST_VALUES, "; ")
