"""Fields for the parts of a network, and the nearest valid networks where the parts do not fit together."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import streamlit as st

from explorer import glossary, labels
from explorer.errors import BadSettings
from explorer.escaping import message_in_markdown
from explorer.models.config import LAYERS_IN_BLOCK, NetworkConfig, depth_rule
from explorer.models.nearest import applicable, nearest_networks
from explorer.settings import limits
from explorer.ui.build.choice import (
    CHANGED,
    DEEPEST,
    LARGEST_IMAGE,
    BuildChoice,
    chosen_settings,
    set_settings,
    set_size,
    show_network,
)
from explorer.ui.errors import show_error
from explorer.ui.widgets.number_field import within

BLOCKS = {"basic": "Basic", "bottleneck": "Bottleneck", "dense": "Dense", "dense-bottleneck": "Dense bottleneck"}
ORDERS = {"post": "after the convolution", "pre": "before it (pre-activation)"}
NORMS = {"batch": "batch norm", "skipinit": "none: SkipInit", "fixup": "none: Fixup"}
STEMS = {"small": "3×3, small images", "large": "7×7 and pooling", "deep": "three 3×3 and pooling"}
REFUSED = "build_refused"  # in the session
STRIDES = {"3x3": "3×3 (torchvision)", "1x1": "1×1 (He et al. 2015)"}


def change_parts(choice: BuildChoice) -> None:
    """Fields for the settings that have a meaning for the network's block."""
    settings = chosen_settings()
    kept = applicable(settings)
    st.markdown("##### :material/tune: Parts")
    with st.grid(2, min_column_width=130, vertical_alignment="bottom"):
        _menu("Block", "block", BLOCKS, glossary.explain("residual_block", "bottleneck_block"))
        _depth(settings)
        _stages(settings)
        _number(
            "Width of the stem",
            "width",
            glossary.explain("width", note="The first stage has as many, before widening."),
        )
        _fields(_MAIN, kept)
        _size(choice)
        _number("Classes", "classes", "Outputs of the classifier.")
    with (
        st.expander("More parts", icon=":material/add:"),
        st.grid(2, min_column_width=130, vertical_alignment="bottom"),
    ):
        _menu("Stem", "stem", STEMS)
        _fields(_MORE, kept)


def show_problem(choice: BuildChoice) -> None:
    """What cannot be built, with the nearest valid networks, or cannot take images of this size."""
    if refused := st.session_state.pop(REFUSED, ""):
        show_error(refused)
    settings = chosen_settings()
    try:
        config = NetworkConfig(**settings)
    except BadSettings as error:
        st.warning(
            message_in_markdown(f"This cannot be built: {error} Shown below: {choice.config.name}."),
            icon=":material/block:",
        )
        found = [each for each in nearest_networks(settings, {st.session_state[CHANGED]}) if each.depth <= DEEPEST]
        with st.container(horizontal=True):
            for each in found:
                st.button(f"Use {each.name}", key=f"take-{each.name}", on_click=show_network, args=(each,))
            if choice.config not in found:
                st.button(
                    f"Back to {choice.config.name}", key="take-shown", on_click=show_network, args=(choice.config,)
                )
    else:
        if config.depth > DEEPEST:
            st.warning(f"{config.depth:,} layers are more than this page draws ({DEEPEST:,}).", icon=":material/block:")
    if choice.problem:
        show_error(choice.problem)


def _fields(widgets: Mapping[str, Callable[[], None]], kept: set[str]) -> None:
    for name, draw in widgets.items():
        if name in kept:
            draw()


def _menu(label: str, name: str, options: Mapping[str, str], help: str | None = None) -> None:  # noqa: A002
    st.session_state[f"build_{name}"] = chosen_settings()[name]
    st.selectbox(
        label, list(options), format_func=options.__getitem__, key=f"build_{name}", help=help, on_change=_changed,
        args=(name,),
    )  # fmt: skip


def _number(label: str, name: str, help: str) -> None:  # noqa: A002
    low, high = limits(NetworkConfig, name)
    bounds = (1 if name == "growth" else low, high)
    _number_field(label, name, chosen_settings()[name], bounds, partial(_changed, name), help=help)


def _number_field(
    label: str, name: str, value: float, bounds: tuple[Any, Any], take: Callable[[], None], **options: Any
) -> None:
    """A number; one out of bounds is refused with a message, and the field shows the value before."""
    key = f"build_{name}"
    st.session_state[key] = value

    def changed() -> None:
        try:
            within(label, value if st.session_state[key] is None else st.session_state[key], *bounds)
        except BadSettings as error:
            st.session_state[REFUSED] = str(error)
        else:
            take()

    st.number_input(label, **{"step": 1} | options, key=key, on_change=changed)


def _changed(name: str) -> None:
    value = st.session_state[f"build_{name}"]
    if value is not None:
        set_settings(chosen_settings() | {name: value}, name)


def _depth(settings: Mapping[str, Any]) -> None:
    """Number of layers; a step leads to the next valid depth."""
    given = bool(settings["stages"])
    rule = depth_rule(settings["block"], settings["stem"])
    _number_field(
        "Depth", "depth", settings["depth"], limits(NetworkConfig, "depth"), partial(_changed, "depth"),
        step=3 * LAYERS_IN_BLOCK[settings["block"]], disabled=given,
        help="Follows from the blocks of each stage." if given
        else glossary.explain("depth", note=f"In three equal stages of such blocks: {rule}."),
    )  # fmt: skip


def _stages(settings: Mapping[str, Any]) -> None:
    st.session_state["build_stages"] = ", ".join(map(str, settings["stages"]))
    st.text_input(
        "Blocks of each stage", key="build_stages", placeholder="three equal stages", on_change=_stages_changed,
        help=glossary.explain("stage", note="Such as 3, 4, 6, 3 for ResNet-50. Empty: three equal stages."),
    )  # fmt: skip


def _stages_changed() -> None:
    counts = tuple(int(each) for each in re.findall(r"[0-9]{1,5}", st.session_state["build_stages"]))
    set_settings(chosen_settings() | {"stages": counts}, "stages")


def _size(choice: BuildChoice) -> None:
    def take() -> None:
        set_size(choice.config, int(st.session_state["build_size"] or choice.image_size))

    _number_field("Image size", "size", choice.image_size, (1, LARGEST_IMAGE), take, help="Side in pixels.")


def _excitation() -> None:
    st.session_state["build_excitation"] = chosen_settings()["excitation"]
    st.toggle("Squeeze-and-excitation", key="build_excitation", on_change=_changed, args=("excitation",))


def _shortcut_scale() -> None:
    _number_field(
        "Shortcut scale", "shortcut_scale", chosen_settings()["shortcut_scale"],
        limits(NetworkConfig, "shortcut_scale"), partial(_changed, "shortcut_scale"), step=0.1, format="%g",
        help="Every shortcut is multiplied by it before the sum; below 1 networks train less well (He et al. 2016).",
    )  # fmt: skip


_MAIN: dict[str, Callable[[], None]] = {
    "shortcut": lambda: _menu(
        "Shortcut", "shortcut", labels.SHORTCUTS, glossary.explain("shortcut", note="D: He et al. 2019.")
    ),
    "order": lambda: _menu("Norm and ReLU", "order", ORDERS, glossary.explain("pre_activation")),
    "norm": lambda: _menu(
        "Norm",
        "norm",
        NORMS,
        glossary.explain("batch_norm", note="Without it, learned scalars start each branch at zero."),
    ),
    "growth": lambda: _number("Growth", "growth", "Channels that each dense layer adds."),
}
_MORE: dict[str, Callable[[], None]] = {
    "groups": lambda: _number("Groups", "groups", "Of the 3×3 convolution: the cardinality of a ResNeXt."),
    "group_width": lambda: _number(
        "Channels of a group", "group_width", "In the first stage; 0 divides the width equally."
    ),
    "stride_on": lambda: _menu("Stride on the", "stride_on", STRIDES),
    "widen": lambda: _number("Widening", "widen", "How much wider than the stem: the k of a Wide ResNet."),
    "excitation": _excitation,
    "shortcut_scale": _shortcut_scale,
}
