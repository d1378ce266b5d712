"""Plans of experiments."""

from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from explorer.data.catalogue import DatasetRow, dataset, no_training_images
from explorer.errors import BadSettings
from explorer.models.catalogue import network_config
from explorer.models.config import NetworkConfig, require_seed
from explorer.models.size import require_size
from explorer.runs.facts import LARGEST_EXPERIMENT, LONGEST_ASSIGNMENT
from explorer.settings import Settings
from explorer.training.recipe import Recipe

LONGEST_PATH = 4096  # characters


class Plan(Settings):
    """Networks and seeds to be trained on one data set under one recipe.

    Attributes:
        networks: names, in display order.
        data: name of the data set.
        seeds: each network is trained once per seed.
        title: display text; if empty, made from the networks and the data.
        initial: id or path of a checkpoint with the initial weights of every network; empty for random initialisation.
        assignment: name of the assignment it is a part of, see `training.assignment`; empty for none.
    """

    networks: tuple[str, ...] = Field(min_length=1, max_length=1000)
    data: str = Field(default="digits", max_length=LONGEST_PATH)
    recipe: Recipe = Recipe()
    seeds: tuple[int, ...] = Field(default=(0,), min_length=1, max_length=1000)
    title: str = Field(default="", max_length=200)
    initial: str = Field(default="", max_length=LONGEST_PATH)
    assignment: str = Field(default="", max_length=LONGEST_ASSIGNMENT)

    @field_validator("networks")
    @classmethod
    def _known_and_each_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(network_config(name).name for name in names))

    @field_validator("seeds")
    @classmethod
    def _each_seed_once(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(dict.fromkeys(seeds))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for seed in self.seeds:
            require_seed(seed)
        runs = len(self.networks) * len(self.seeds)
        if runs > LARGEST_EXPERIMENT:
            raise ValueError(
                f"{len(self.networks)} networks with {len(self.seeds)} seeds are {runs:,} runs; an experiment has "
                f"at most {LARGEST_EXPERIMENT:,}. Split it."
            )
        row, recipe = self.dataset, self.recipe
        side = row.side(recipe.image_size)
        if not row.train_images:
            raise ValueError(no_training_images(row.title))
        images = recipe.train_images or row.train_images
        if images > row.train_images:
            raise ValueError(
                f"`train_images` (={images}) is more than the {row.train_images:,} training images of {row.title}. "
                "Lower it or leave it out to take all."
            )
        if recipe.batch_size > images:
            raise ValueError(
                f"`batch_size` (={recipe.batch_size}) is larger than the {images:,} training images of {row.title}, "
                "so an epoch has no full batch. Lower `batch_size`."
            )
        for name in self.networks:
            require_trainable(network_config(name), recipe, side)
        return self

    @property
    def dataset(self) -> DatasetRow:
        return dataset(self.data)

    def network_configs(self) -> list[NetworkConfig]:
        """The networks as they will be built, with the data's classes and channels."""
        changes = {"classes": len(self.dataset.classes), "channels": self.dataset.channels}
        return [NetworkConfig(**(network_config(name).model_dump() | changes)) for name in self.networks]

    def display_title(self) -> str:
        """The title, or one made from the networks and the data."""
        started = f", from {Path(self.initial).name}" if self.initial else ""
        return self.title or f"{', '.join(self.networks)} on {self.dataset.title}{started}"


def require_trainable(config: NetworkConfig, recipe: Recipe, image_size: int) -> None:
    """Raise BadSettings if a network cannot be trained under a recipe on images of this size."""
    require_size(config, image_size)
    if config.sigmoid:
        raise BadSettings(
            f"{config.name} has one output for two classes; networks are trained here with one output per class. Take "
            f"{NetworkConfig(**(config.model_dump() | {'sigmoid': False})).name}."
        )
    if recipe.stochastic_depth and config.kind != "residual":
        raise BadSettings(
            f"`stochastic_depth` (={recipe.stochastic_depth}) drops branches beside shortcuts, and "
            f"{config.name} is not a residual network. Set it to 0, or train residual networks alone."
        )
