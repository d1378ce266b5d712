"""The choice of networks, data and recipe, kept in the URL."""

import re
from typing import Any
from zlib import crc32

import streamlit as st

from explorer.data.catalogue import DATASETS, dataset
from explorer.data.own_folders import folders_there
from explorer.models.catalogue import NETWORKS
from explorer.training.presets import PRESETS
from explorer.training.recipe import Recipe
from explorer.training.schedules import SCHEDULES
from explorer.ui import wording
from explorer.ui.address import bound_number
from explorer.ui.widgets.data_choice import built_in, folder_labels, refuse_others
from explorer.ui.widgets.plan_fields import Fields

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
    networks = _networks(fields)
    data, image_size, train_images = _data(fields)
    recipe = _recipe(fields) | {"image_size": image_size, "train_images": train_images}
    with st.expander("More settings", icon=":material/tune:"):
        recipe |= _more(fields)
        seeds = fields.whole("Seeds", "seeds", len(preset.plan.seeds), 1, 20, 1, help="Runs per network: 0, 1, 2, ...")
        title = st.text_input("Title", key="title", max_chars=200, placeholder="made from the networks and the data")
    return {"networks": networks, "data": data, "recipe": recipe, "seeds": tuple(range(seeds)), "title": title}


def _networks(fields: Fields) -> tuple[str, ...]:
    default = tuple(st.query_params.get_all("network")) or fields.preset.plan.networks
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
                **fields.bound(kind),
            )
            chosen += [f"{stem}{depth}" for depth in sorted(depths)]
        others = st.text_input(
            "More networks, by name",
            value=" ".join(name for name in default if name not in listed),
            placeholder="resnet38, preresnet56, wrn-16-4, densenet-40-12",
            help="Any name of the literature; -b or -c chooses a shortcut option of a residual network, -w32 a "
            "width. The Build page shows what they are.",
            **fields.bound("others"),
        )
    return (*chosen, *re.findall(r"[^\s,;]+", others))


def _data(fields: Fields) -> tuple[str, int | None, int | None]:
    plan = fields.preset.plan
    folders = folder_labels()
    titles = built_in() | {
        name: wording.escaped(folders[name]) for name, row in folders_there().items() if row.train_images
    }
    refuse_others(f"{fields.name}_data", titles)
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
            **fields.bound("data"),
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
            **fields.bound(f"{key}_size"),
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
            **bound_number(f"{fields.name}_{key}_images", fewest, row.train_images),
        )
    return row.name, None if size == row.sizes[0] else int(size), images


def _recipe(fields: Fields) -> dict[str, Any]:
    usual = fields.preset.plan.recipe
    with st.container(border=True):
        st.markdown("##### :material/science: Recipe")
        with st.grid(5, min_column_width=130, vertical_alignment="bottom"):
            return {
                "steps": fields.setting("Steps", "steps", usual.steps, 50),
                "batch_size": fields.setting("Images a step", "batch_size", usual.batch_size, 16),
                "learning_rate": fields.decimal("Learning rate", "learning_rate", usual.learning_rate, 0.01),
                "schedule": fields.one_of("Schedule", "schedule", list(SCHEDULES), usual.schedule, help=_SCHEDULES),
                "warmup_steps": fields.setting("Warm-up", "warmup_steps", usual.warmup_steps, 10),
            }


def _more(fields: Fields) -> dict[str, Any]:
    usual = fields.preset.plan.recipe
    augment = next(text for text, value in AUGMENT.items() if value == usual.augment)
    with st.grid(4, min_column_width=190, vertical_alignment="bottom"):
        return {
            "augment": AUGMENT[fields.one_of("Crop and mirror", "augment", list(AUGMENT), augment)],
            "normalisation": fields.one_of(
                "Normalisation",
                "normalisation",
                ["channel", "pixel"],
                usual.normalisation,
                help="By mean and deviation per channel, or by the mean image as in the paper.",
            ),
            "precision": fields.one_of(
                "Precision",
                "precision",
                ["auto", "fp32", "bf16"],
                usual.precision,
                help="auto: bf16 where this device gains from it.",
            ),
            "momentum": fields.decimal("Momentum", "momentum", usual.momentum, 0.05),
            "weight_decay": fields.decimal("Weight decay", "weight_decay", usual.weight_decay, 0.0001),
            "evaluate_every": fields.maybe(
                "Steps between evaluations", "evaluate_every", usual.evaluate_every, "automatic"
            ),
            "evaluate_images": fields.setting("Images an evaluation", "evaluate_images", usual.evaluate_images, 50),
            "last_images": fields.maybe(
                "Images of the last evaluation", "last_images", usual.last_images, "2,000 and all test images"
            ),
            "stochastic_depth": fields.decimal(
                "Stochastic depth",
                "stochastic_depth",
                usual.stochastic_depth,
                0.1,
                high=0.99,
                help="Of residual networks: the probability that a step leaves out the branch of the last block, "
                "less for earlier ones; 0.5 in Huang et al. 2016.",
            ),
            "probe_every": _probe_every(fields),
        }


def _probe_every(fields: Fields) -> int | None:
    usual = fields.preset.plan.recipe.probe_every
    choice = fields.one_of(
        "Look inside while training",
        "look",
        [*LOOKS, EVERY],
        next((text for text, value in LOOKS.items() if value == usual), EVERY),
        help="Responses, gradients and shortcuts of every layer on a fixed batch of 64 training images. Automatic: "
        "more often at the beginning, for about 3% of the training time; very short trainings are not looked into.",
    )
    if choice in LOOKS:
        return LOOKS[choice]
    return fields.setting("Steps between looks", "probe_every", usual or 10, 10)


_SCHEDULES = "  \n".join(
    f"**{name.replace('_', ' ')}**: {(rule.__doc__ or '').splitlines()[0]}" for name, rule in SCHEDULES.items()
)
