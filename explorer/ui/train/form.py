"""The fields for networks, data and recipe, kept in the address."""

import re
from typing import Any
from zlib import crc32

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer import glossary, labels
from explorer.data.catalogue import DATASETS, dataset
from explorer.data.own_folders import readable_folders
from explorer.escaping import in_markdown
from explorer.models.catalogue import NETWORKS
from explorer.training.presets import PRESETS
from explorer.training.recipe import Recipe
from explorer.ui.widgets.data_choice import built_in, folder_labels, refuse_others
from explorer.ui.widgets.plan_fields import Fields, help_on
from explorer.ui.widgets.views import choose_view

# kind: family of the catalogue, start of its names
FAMILIES = {"plain": ("Plain, for small images", "plain"), "residual": ("ResNet, for small images", "resnet")}
DEPTHS = {
    kind: [row.config.depth for row in NETWORKS.values() if row.family == family]
    for kind, (family, _) in FAMILIES.items()
}
FOLDER_SIZES = (32, 64, 128, 224)  # pixels a side, to which a folder's pictures can be scaled
PROBES = {"automatic": None, "off": 0}
EVERY = "every N steps"


def choose_preset() -> str:
    """The menu of presets; gives a name in `PRESETS`."""
    titles = {name: preset.title for name, preset in PRESETS.items()}
    return str(choose_view(titles, "preset", default=next(iter(PRESETS)), label="Start from"))


def training_form(name: str, note: DeltaGenerator) -> dict[str, Any]:
    """Draw the fields of a preset and return their values: those of a `Plan`, not checked yet.

    Args:
        name: of the preset.
        note: the place for what it shows.
    """
    preset = PRESETS[name]
    fields = Fields(name, preset)
    networks = _networks(fields)
    data, image_size, train_images = _data(fields)
    recipe = _recipe(fields) | {"image_size": image_size, "train_images": train_images}
    with st.expander("More settings", icon=":material/tune:"):
        recipe |= _more(fields)
        seeds = fields.whole(
            "Seeds",
            "seeds",
            len(preset.plan.seeds),
            1,
            20,
            help=glossary.explain("seed", note="Runs per network: 0, 1, 2, ..."),
        )
        title = st.text_input("Title", key="title", max_chars=200, placeholder="networks and data")
    choices = {"networks": networks, "data": data, "recipe": recipe, "seeds": tuple(range(seeds)), "title": title}
    changed = choices != preset.plan.model_dump(include={"networks", "data", "recipe", "seeds"}) | {"title": title}
    what = f"Changed from the preset {preset.title}." if changed else preset.note
    note.caption(what if changed else f"{what} On two CPU cores: {preset.time}.")
    return choices | {"problems": fields.problems}


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
            help="Any name of the literature; -b or -c chooses a shortcut option of a residual network, "
            "-alpha0.5 halves its shortcuts, -w32 is a width. The Build page shows each network.",
            **fields.bound("others"),
        )
    return (*chosen, *re.findall(r"[^\s,;]+", others))


def _data(fields: Fields) -> tuple[str, int | None, int | None]:
    plan = fields.preset.plan
    folders = folder_labels()
    titles = built_in() | {
        name: in_markdown(folders[name]) for name, row in readable_folders().items() if row.train_images
    }
    refuse_others(f"{fields.name}_data", titles)
    with st.container(border=True), st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
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
        key = f"folder{crc32(row.name.encode()):08x}" if own else row.name  # no path in the address
        usual = plan.recipe if row.name == plan.data else Recipe()
        size = st.segmented_control(
            labels.heading("image_size"),
            list(sizes),
            default=usual.image_size or sizes[0],
            required=True,
            format_func=lambda side: f"{side}×{side}",
            help=Recipe.model_fields["image_size"].description,
            **fields.bound(f"{key}_size"),
        )
        fewest = min(10, row.train_images)
        label = f"{labels.heading('train_images')}, of {row.train_images:,}"
        images = fields.number(
            label,
            f"{key}_images",
            usual.train_images,
            fewest,
            row.train_images,
            step=1000 if row.train_images > 10_000 else 100,
            placeholder="all",
            help=Recipe.model_fields["train_images"].description,
            width=240,
        )
    return row.name, None if size == row.sizes[0] else int(size), images


def _recipe(fields: Fields) -> dict[str, Any]:
    with st.container(border=True):
        st.markdown("##### :material/science: Recipe")
        with st.grid(5, min_column_width=130, vertical_alignment="bottom"):
            return fields.settings("steps", "batch_size", "learning_rate", "schedule", "warmup_steps")


def _more(fields: Fields) -> dict[str, Any]:
    with st.grid(4, min_column_width=190, vertical_alignment="bottom"):
        return fields.settings(
            "augment", "normalisation", "precision", "momentum", "weight_decay", "evaluate_every", "evaluate_images",
            "last_images", "stochastic_depth",
        ) | _probe_every(fields)  # fmt: skip


def _probe_every(fields: Fields) -> dict[str, Any]:
    usual = fields.preset.plan.recipe.probe_every
    choice = str(
        st.selectbox(
            "Probe layers while training",
            [*PROBES, EVERY],
            list(PROBES.values()).index(usual) if usual in PROBES.values() else len(PROBES),
            help=help_on("probe_every"),
            **fields.bound("look"),
        )
    )
    return {"probe_every": PROBES[choice] if choice in PROBES else fields.setting("probe_every", usual or 10)}
