"""Confounds: other explanations for a difference between networks, each with a source and a remedy."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from explorer import labels
from explorer.models.config import NetworkConfig
from explorer.models.size import parameter_count

FEWEST_SEEDS = 3
SHALLOWEST = 20  # of the paper's CIFAR networks
SHORT_STEPS = 10_000  # below it a schedule is short compared with the paper's 64,000
DEEP = 56
HIGH_RATE = 0.1
SMALL_SUBSET = 10_000  # images
MANY_EPOCHS = 20.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison of networks, before or after training.

    Attributes:
        recipes: settings of `training.recipe.Recipe`, one per different recipe among the runs.
        train_images: number used by the first recipe, out of `available_images` in the data set.
        trained_on: names of the networks that started from a checkpoint instead of random initialisation.
    """

    networks: tuple[NetworkConfig, ...]
    recipes: tuple[Mapping[str, Any], ...]
    seeds: tuple[int, ...]
    train_images: int
    available_images: int
    trained_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Confound:
    """A difference other than depth and shortcuts, or a misleading setting.

    Attributes:
        name: of the rule.
        reason: what is wrong, with the actual values.
        source: publication.
        remedy: label of the button that applies `changes`.
        changes: fields of `training.plan.Plan` that fix it; "recipe" has only the settings to change.
    """

    name: str
    reason: str
    source: str
    remedy: str
    changes: Mapping[str, Any] = field(default_factory=dict)


def confounds(comparison: Comparison) -> list[Confound]:
    """All confounds of a comparison, the most serious first."""
    return [each for rule in RULES for each in rule(comparison)]


def _different_recipes(compared: Comparison) -> Iterator[Confound]:
    if len(compared.recipes) < 2:
        return
    first = compared.recipes[0]
    differing = sorted({key for other in compared.recipes[1:] for key in first if other.get(key) != first[key]})
    values = "; ".join(
        f"{labels.label(key)}: {', '.join(labels.value(recipe.get(key)) for recipe in compared.recipes)}"
        for key in differing
    )
    yield Confound(
        "different_recipes",
        f"The recipes differ ({values}), so the recipe may be the reason for any difference.",
        "He et al. 2015, section 4.2: all networks under one recipe",
        "Train all under the first recipe",
        {"recipe": dict(first)},
    )


def _trained_on(compared: Comparison) -> Iterator[Confound]:
    if not compared.trained_on:
        return
    yield Confound(
        "trained_on",
        f"{', '.join(compared.trained_on)} started from the weights of a checkpoint, so this is not what training "
        "finds from scratch.",
        "He et al. 2015, section 1: a constructed solution exists; whether training finds it is the question",
        "Train from random initialisation",
        {"initial": ""},
    )


def _unequal_parameters(compared: Comparison) -> Iterator[Confound]:
    pairs = [
        (plain, residual)
        for plain in compared.networks
        for residual in compared.networks
        if plain.kind == "plain" and residual.kind == "residual" and plain.depth == residual.depth
    ]
    unequal = [(p, r) for p, r in pairs if parameter_count(p) != parameter_count(r)]
    if not unequal:
        return
    plain, residual = unequal[0]
    twins = {
        r.name: NetworkConfig(**(p.model_dump() | {"shortcut": "A", "shortcut_scale": r.shortcut_scale})).name
        for p, r in unequal
    }
    yield Confound(
        "unequal_parameters",
        f"{residual.name} has {parameter_count(residual):,} parameters, {plain.name} {parameter_count(plain):,}: the "
        "difference may come from those. Option A shortcuts have none.",
        "He et al. 2015, sections 3.3 and 4.2",
        f"Use {', '.join(dict.fromkeys(twins.values()))}",
        {"networks": tuple(dict.fromkeys(twins.get(each.name, each.name) for each in compared.networks))},
    )


def _few_seeds(compared: Comparison) -> Iterator[Confound]:
    count = len(compared.seeds)
    if count >= FEWEST_SEEDS:
        return
    what = "One seed gives no interval" if count == 1 else "Two seeds give a very wide interval (t = 12.7; three: 4.3)"
    seeds = (*compared.seeds, *(s for s in range(FEWEST_SEEDS + count) if s not in compared.seeds))[:FEWEST_SEEDS]
    yield Confound(
        "few_seeds",
        f"{what}: initial weights and data order alone move the error of a short run by several points.",
        "Bouthillier et al. 2021 (arXiv 2103.03098)",
        f"Train {FEWEST_SEEDS} seeds",
        {"seeds": seeds},
    )


def _too_shallow(compared: Comparison) -> Iterator[Confound]:
    shallow = [each for each in compared.networks if each.depth < SHALLOWEST]
    deep = tuple(each.name for each in compared.networks if each.depth >= SHALLOWEST)
    if not shallow or not deep:
        return
    yield Confound(
        "too_shallow",
        f"{' and '.join(each.name for each in shallow)}: below {SHALLOWEST} layers more depth may still help a "
        "plain network, so such a comparison mixes two effects.",
        "He et al. 2015, section 4.2 and figure 6: from 20 layers on",
        f"Leave out networks with fewer than {SHALLOWEST} layers",
        {"networks": deep},
    )


def _constant_rate(compared: Comparison) -> Iterator[Confound]:
    recipe = compared.recipes[0]
    if recipe["schedule"] != "constant" or recipe["steps"] >= SHORT_STEPS:
        return
    yield Confound(
        "constant_rate",
        f"The learning rate stays at {recipe['learning_rate']:g} to the end of {recipe['steps']:,} steps, so the last "
        "errors are noisy and show which network is faster rather than where each one ends.",
        "Loshchilov and Hutter 2016 (arXiv 1608.03983): let the rate fall to zero",
        "Let the rate fall (cosine)",
        {"recipe": {"schedule": "cosine"}},
    )


def _no_warmup(compared: Comparison) -> Iterator[Confound]:
    recipe = compared.recipes[0]
    deepest = max(compared.networks, key=lambda each: each.depth)
    begins_high = recipe["schedule"] != "one_cycle" and recipe["warmup_steps"] == 0
    if not begins_high or deepest.depth < DEEP or recipe["learning_rate"] < HIGH_RATE or recipe["steps"] >= SHORT_STEPS:
        return
    warmup = max(1, min(400, recipe["steps"] // 10))
    yield Confound(
        "no_warmup",
        f"{deepest.name} starts at a learning rate of {recipe['learning_rate']:g} without a warm-up: this slows down "
        "deep networks of either kind at first, and a short run ends before they catch up.",
        "He et al. 2015, section 4.2: 0.1 is slightly too large to start 110 layers",
        f"Warm up over {warmup} steps",
        {"recipe": {"warmup_steps": warmup}},
    )


def _memorised(compared: Comparison) -> Iterator[Confound]:
    recipe, images = compared.recipes[0], compared.train_images
    epochs = recipe["steps"] * recipe["batch_size"] / images
    if images >= SMALL_SUBSET or epochs <= MANY_EPOCHS:
        return
    more = images < compared.available_images
    steps = max(1, int(MANY_EPOCHS * images / recipe["batch_size"]))
    yield Confound(
        "memorised",
        f"Each of {images:,} training images is seen {epochs:.0f} times: networks of this size memorise so few images, "
        "and every training error goes to zero.",
        "Zhang et al. 2017 (arXiv 1611.03530)",
        f"Take all {compared.available_images:,} images" if more else f"Stop after {steps:,} steps",
        {"recipe": {"train_images": None} if more else {"steps": steps}},
    )


RULES: Sequence[Callable[[Comparison], Iterator[Confound]]] = (
    _different_recipes,
    _trained_on,
    _unequal_parameters,
    _few_seeds,
    _too_shallow,
    _constant_rate,
    _no_warmup,
    _memorised,
)
