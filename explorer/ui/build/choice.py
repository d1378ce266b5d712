"""The network of the Build page, kept in the address by its name, and the settings chosen for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from explorer.errors import BadSettings, UnknownName
from explorer.models.catalogue import NETWORKS, network_config
from explorer.models.config import NetworkConfig
from explorer.models.nearest import completed
from explorer.models.size import require_size
from explorer.settings import limits
from explorer.ui.address import number_in_link, write_address
from explorer.ui.errors import show_error

FIRST_NETWORK = "resnet20"
DEEPEST, LARGEST_IMAGE = 2000, 1024  # that the page draws; `python -m explorer describe` has no limit
CLASSES = limits(NetworkConfig, "classes")
SETTINGS, CHANGED, WRITTEN = "build_settings", "build_changed", "build_written"  # in the session


@dataclass(frozen=True, slots=True)
class BuildChoice:
    """The networks that the page shows.

    Attributes:
        config: of the network.
        other: another one to compare it with.
        image_size: pixels a side of the images, for both.
        problem: why the networks cannot take images of this size; empty where they can.
    """

    config: NetworkConfig
    other: NetworkConfig | None
    image_size: int
    problem: str = ""

    @property
    def configs(self) -> list[NetworkConfig]:
        return [self.config] if self.other is None else [self.config, self.other]


def choose_build() -> BuildChoice:
    """Two menus: the network, and one to compare it with; each accepts any valid name."""
    _follow_address()
    _menu("Network", "network", str(st.query_params["network"]))
    _menu("Compare with", "beside", st.query_params.get("beside"), placeholder="none")
    config, other = _named(st.query_params["network"]), _named(st.query_params.get("beside", ""))
    assert config is not None
    config = config.model_copy(update={"classes": _number("classes", config.classes, *CLASSES)})
    size = _number("size", max(each.image_size for each in (config, other) if each), 1, LARGEST_IMAGE)
    return BuildChoice(config, other, size, _problem(config, other, size))


def chosen_settings() -> dict[str, Any]:
    """The settings that the reader chose; they need not be consistent."""
    found: dict[str, Any] = st.session_state[SETTINGS]
    return found


def set_settings(settings: Mapping[str, Any], changed: str) -> None:
    """Choose these settings; if they make a network, it is shown.

    Args:
        changed: the setting that was changed last.
    """
    st.session_state[SETTINGS], st.session_state[CHANGED] = completed(settings), changed
    try:
        config = NetworkConfig(**st.session_state[SETTINGS])
    except BadSettings:
        return
    if config.depth <= DEEPEST:
        show_network(config)


def show_network(config: NetworkConfig) -> None:
    """Write a network into the address."""
    write_address("network", config.name)
    usual = config.classes == network_config(config.name).classes
    write_address("classes", None if usual else str(config.classes))
    st.session_state[SETTINGS] = config.model_dump()
    st.session_state[WRITTEN] = _address()


def set_size(config: NetworkConfig, size: int) -> None:
    """Write the image size into the address, unless it is the network's own."""
    write_address("size", None if size == config.image_size else str(size))


def _follow_address() -> None:
    """Choose the settings of the network in the address, if it has changed; report unknown names."""
    asked = st.query_params.get("network") or st.session_state.get(WRITTEN, (FIRST_NETWORK, ""))[0]
    if _named(asked, report=True) is None:
        asked = st.session_state.get(WRITTEN, (FIRST_NETWORK, ""))[0]
    write_address("network", asked)
    if "beside" in st.query_params and _named(st.query_params["beside"], report=True) is None:
        write_address("beside", None)
    if _address() != st.session_state.get(WRITTEN):
        config = network_config(asked)
        classes = _number("classes", config.classes, *CLASSES)
        st.session_state[SETTINGS] = config.model_dump() | {"classes": classes}
        st.session_state[CHANGED] = ""
        st.session_state[WRITTEN] = _address()


def _address() -> tuple[str, str]:
    return st.query_params["network"], st.query_params.get("classes", "")


def _named(name: str, *, report: bool = False) -> NetworkConfig | None:
    """The network of this name; None where there is none, or it is too deep to be drawn."""
    if not name:
        return None
    try:
        config = network_config(name)
    except UnknownName as error:
        if report:
            show_error(str(error))
        return None
    if config.depth > DEEPEST:
        if report:
            st.error(
                f"{config.name} has {config.depth:,} layers; this page draws up to {DEEPEST:,}. It is described by "
                f"`python -m explorer describe {config.name}`.",
                icon=":material/error:",
            )
        return None
    return config


def _menu(label: str, key: str, current: str | None, **options: Any) -> None:
    """A menu of the named networks that also accepts a typed name."""
    names = list(NETWORKS)
    if current and current not in names:
        names.insert(0, current)
    state = f"build_{key}"
    st.session_state[state] = current
    st.selectbox(
        label,
        names,
        index=None,
        format_func=_label,
        key=state,
        accept_new_options=True,
        on_change=lambda: _choose(key, st.session_state[state]),
        help="Choose one, or type any name: resnet38, preresnet56-c, wrn-22-8, resnext29-4x32d, densenet-bc-40-24.",
        **options,
    )


def _choose(key: str, name: str | None) -> None:
    if name:
        write_address(key, name.strip())
        if key == "network":
            for other in ("classes", "size"):
                write_address(other, None)
    elif key == "beside":
        write_address(key, None)


def _label(name: str) -> str:
    return f"{name} · {NETWORKS[name].family}" if name in NETWORKS else name


def _number(key: str, usual: int, low: int, high: int) -> int:
    """A number in the address; the default where there is no valid one."""
    found = number_in_link(key, low, high)
    return usual if found is None else int(found)


def _problem(config: NetworkConfig, other: NetworkConfig | None, size: int) -> str:
    for each in filter(None, (config, other)):
        try:
            require_size(each, size)
        except BadSettings as error:
            return str(error)
    return ""
