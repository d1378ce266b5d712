"""The choice of networks, data and recipe, kept in the URL, and the plan they make."""

import re
import shlex
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import streamlit as st

from explorer.data.catalogue import DATASETS, dataset
from explorer.data.own_folders import folders_there
from explorer.errors import BadSettings
from explorer.models.catalogue import NETWORKS
from explorer.settings import limits
from explorer.training.plan import Plan
from explorer.training.presets import PRESETS, Preset
from explorer.training.recipe import Recipe
from explorer.training.schedules import SCHEDULES
from explorer.ui import wording
from explorer.ui.address import bound_number
from explorer.ui.data_choice import built_in, folder_labels, refuse_others

# kind: family of the catalogue and how its names begin
FAMILIES = {"plain": ("Plain, for small images", "plain"), "residual": ("ResNet, for small images", "resnet")}
DEPTHS = {
    kind: [row.config.depth for row in NETWORKS.values() if row.family == family]
    for kind, (family, _) in FAMILIES.items()
}
AUGMENT = {"as the data set does": None, "yes": True, "no": False}
FOLDER_SIZES = (32, 64, 128, 224)  # pixels a side, to which a folder's pictures can be scaled
LOOKS = {"automatic": None, "off": 0}
EVERY = "every so many steps"


def training_form() -> dict[str, Any]:
    """Draw the widgets and give what they say: the fields of a `Plan`, not checked yet."""
    name = st.segmented_control(
        "Start from",
        list(PRESETS),
        default=next(iter(PRESETS)),
        required=True,
        format_func=lambda key: PRESETS[key].title,
        key="preset",
        bind="query-params",
    )
    preset = PRESETS[str(name)]
    st.caption(f"{preset.note} On two CPU cores: {preset.time}.")
    fields = Fields(str(name), preset)
    networks = fields.networks()
    data, image_size, train_images = fields.data()
    recipe = fields.recipe() | {"image_size": image_size, "train_images": train_images}
    with st.expander("More settings", icon=":material/tune:"):
        recipe |= fields.more()
        seeds = fields.whole("Seeds", "seeds", len(preset.plan.seeds), 1, 20, 1, help="Runs per network: 0, 1, 2, ...")
        title = st.text_input("Title", key="title", max_chars=200, placeholder="made from the networks and the data")
    return {"networks": networks, "data": data, "recipe": recipe, "seeds": tuple(range(seeds)), "title": title}


def plan_of(choices: dict[str, Any]) -> Plan:
    """The plan that was chosen.

    Raises:
        BadSettings: no network is chosen, or the choices do not fit together; the message says which.
    """
    if not choices["networks"]:
        raise BadSettings("No network is chosen. Pick at least one; a plain and a residual one make a comparison.")
    return Plan(**choices | {"recipe": Recipe(**choices["recipe"])})


def shell_command(plan: Plan) -> str:
    """The command that trains the same from a shell."""
    words = ["python -m explorer train", *plan.networks, f"--data {shlex.quote(plan.data)}"]
    for name, value in plan.recipe.model_dump().items():
        if value != Recipe.model_fields[name].default:
            words.append(f"--{name.replace('_', '-')} {value}")
    if plan.seeds != (0,):
        words.append(f"--seeds {' '.join(map(str, plan.seeds))}")
    if plan.initial:
        words.append(f"--initial {shlex.quote(plan.initial)}")
    return " ".join(words)


@dataclass(frozen=True, slots=True)
class Fields:
    """The widgets of one preset: its plan gives their defaults, `name` stands before their keys in the URL."""

    name: str
    preset: Preset

    def bound(self, key: str) -> dict[str, Any]:
        return {"key": f"{self.name}_{key}", "bind": "query-params"}

    def networks(self) -> tuple[str, ...]:
        default = tuple(st.query_params.get_all("network")) or self.preset.plan.networks
        listed = [f"{stem}{depth}" for kind, (_, stem) in FAMILIES.items() for depth in DEPTHS[kind]]
        chosen: list[str] = []
        with st.container(border=True):
            st.markdown("##### :material/account_tree: Networks")
            for kind, (_, stem) in FAMILIES.items():
                depths = st.pills(
                    kind.capitalize(),
                    DEPTHS[kind],
                    selection_mode="multi",
                    default=[depth for depth in DEPTHS[kind] if f"{stem}{depth}" in default],
                    format_func=lambda depth: f"{depth} layers",
                    **self.bound(kind),
                )
                chosen += [f"{stem}{depth}" for depth in sorted(depths)]
            others = st.text_input(
                "More networks, by name",
                value=" ".join(name for name in default if name not in listed),
                placeholder="resnet38, preresnet56, wrn-16-4, densenet-40-12",
                help="Any name of the literature; -b or -c chooses a shortcut option of a residual network, -w32 a "
                "width. The Build page shows what they are.",
                **self.bound("others"),
            )
        return (*chosen, *re.findall(r"[^\s,;]+", others))

    def data(self) -> tuple[str, int | None, int | None]:
        plan = self.preset.plan
        folders = folder_labels()
        titles = built_in() | {
            name: wording.escaped(folders[name]) for name, row in folders_there().items() if row.train_images
        }
        refuse_others(f"{self.name}_data", titles)
        with (
            st.container(border=True),
            st.container(horizontal=True, vertical_alignment="bottom", gap="medium"),
        ):
            name = st.segmented_control(
                ":material/dataset: Data",
                list(titles),
                default=plan.data,
                required=True,
                format_func=titles.__getitem__,
                **self.bound("data"),
            )
            row = dataset(str(name))
            own = row.name not in DATASETS
            sizes = FOLDER_SIZES if own else row.sizes
            key = f"folder{crc32(row.name.encode()):08x}" if own else row.name  # an address names no path
            usual = plan.recipe if row.name == plan.data else Recipe()
            size = st.segmented_control(
                "Image size",
                list(sizes),
                default=usual.image_size or sizes[0],
                required=True,
                format_func=lambda side: f"{side} x {side}",
                help="Half the side trains about four times as fast.",
                **self.bound(f"{key}_size"),
            )
            fewest = min(10, row.train_images)
            images = st.number_input(
                f"Training images, of {row.train_images:,}",
                min_value=fewest,
                max_value=row.train_images,
                value=usual.train_images,
                step=1000 if row.train_images > 10_000 else 100,
                placeholder="all",
                width=240,
                **bound_number(f"{self.name}_{key}_images", fewest, row.train_images),
            )
        return row.name, None if size == row.sizes[0] else int(size), images

    def recipe(self) -> dict[str, Any]:
        usual = self.preset.plan.recipe
        with st.container(border=True):
            st.markdown("##### :material/science: Recipe")
            with st.grid(5, min_column_width=130, vertical_alignment="bottom"):
                return {
                    "steps": self.setting("Steps", "steps", usual.steps, 50),
                    "batch_size": self.setting("Images a step", "batch_size", usual.batch_size, 16),
                    "learning_rate": self.decimal("Learning rate", "learning_rate", usual.learning_rate, 0.01),
                    "schedule": self.one_of("Schedule", "schedule", list(SCHEDULES), usual.schedule, help=_SCHEDULES),
                    "warmup_steps": self.setting("Warm-up", "warmup_steps", usual.warmup_steps, 10),
                }

    def more(self) -> dict[str, Any]:
        usual = self.preset.plan.recipe
        augment = next(text for text, value in AUGMENT.items() if value == usual.augment)
        with st.grid(4, min_column_width=190, vertical_alignment="bottom"):
            return {
                "augment": AUGMENT[self.one_of("Crop and mirror", "augment", list(AUGMENT), augment)],
                "normalisation": self.one_of(
                    "Normalisation",
                    "normalisation",
                    ["channel", "pixel"],
                    usual.normalisation,
                    help="By mean and deviation per channel, or by the mean image as in the paper.",
                ),
                "precision": self.one_of(
                    "Precision",
                    "precision",
                    ["auto", "fp32", "bf16"],
                    usual.precision,
                    help="auto: bf16 where this device gains from it.",
                ),
                "momentum": self.decimal("Momentum", "momentum", usual.momentum, 0.05),
                "weight_decay": self.decimal("Weight decay", "weight_decay", usual.weight_decay, 0.0001),
                "evaluate_every": self.maybe(
                    "Steps between evaluations", "evaluate_every", usual.evaluate_every, "automatic"
                ),
                "evaluate_images": self.setting("Images an evaluation", "evaluate_images", usual.evaluate_images, 50),
                "last_images": self.maybe(
                    "Images of the last evaluation", "last_images", usual.last_images, "2,000 and all test images"
                ),
                "stochastic_depth": self.decimal(
                    "Stochastic depth",
                    "stochastic_depth",
                    usual.stochastic_depth,
                    0.1,
                    high=0.99,
                    help="Of residual networks: the probability that a step leaves out the branch of the last block, "
                    "less for earlier ones; 0.5 in Huang et al. 2016.",
                ),
                "probe_every": self.probe_every(),
            }

    def probe_every(self) -> int | None:
        usual = self.preset.plan.recipe.probe_every
        choice = self.one_of(
            "Look inside while training",
            "look",
            [*LOOKS, EVERY],
            next((text for text, value in LOOKS.items() if value == usual), EVERY),
            help="Responses, gradients and shortcuts of every layer on a fixed batch of 64 training images. Automatic: "
            "more often at the beginning, for about 3% of the training time; very short trainings are not looked into.",
        )
        if choice in LOOKS:
            return LOOKS[choice]
        return self.setting("Steps between looks", "probe_every", usual or 10, 10)

    def whole(self, label: str, key: str, value: int, low: int, high: int, step: int, **options: Any) -> int:
        bound = bound_number(f"{self.name}_{key}", low, high)
        chosen: int | None = st.number_input(label, low, high, value, step, **bound, **options)
        return int(value if chosen is None else chosen)

    def setting(self, label: str, key: str, value: int, step: int, **options: Any) -> int:
        """A whole number of the recipe, within its limits there."""
        return self.whole(label, key, value, *limits(Recipe, key), step, **options)

    def maybe(self, label: str, key: str, value: int | None, placeholder: str) -> int | None:
        """The same, which may be left empty."""
        low, high = limits(Recipe, key)
        bound = bound_number(f"{self.name}_{key}", low, high)
        chosen: int | None = st.number_input(label, low, high, value, placeholder=placeholder, **bound)
        return chosen

    def decimal(self, label: str, key: str, value: float, step: float, *, high: float = 0, **options: Any) -> float:
        """A number of the recipe, from 0 to its limit there, or to `high`."""
        high = float(high or limits(Recipe, key)[1])
        bound = bound_number(f"{self.name}_{key}", 0, high, fraction=True)
        chosen: float | None = st.number_input(label, 0.0, high, float(value), step, "%g", **bound, **options)
        return float(value if chosen is None else chosen)

    def one_of(self, label: str, key: str, options: list[str], value: str, **more: Any) -> str:
        return str(st.selectbox(label, options, options.index(value), **self.bound(key), **more))


_SCHEDULES = "  \n".join(
    f"**{name.replace('_', ' ')}**: {(rule.__doc__ or '').splitlines()[0]}" for name, rule in SCHEDULES.items()
)
