"""The field for networks: runs with their snapshots, checkpoints, untrained networks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from explorer import glossary
from explorer.data.catalogue import data_status, side_in_training
from explorer.escaping import in_markdown
from explorer.models.catalogue import NETWORKS, network_config
from explorer.models.config import NetworkConfig
from explorer.runs.checkpoint_facts import kept_checkpoints, moments, training_data
from explorer.runs.experiments import Experiment
from explorer.ui import cached, wording
from explorer.ui.address import forget_unless_offered, write_address
from explorer.ui.names import experiment_name, run_name
from explorer.ui.widgets.in_hand import in_hand, networks_with_weights, way_back

DEEPEST, WIDEST = 1202, 256  # accepted in a link, which is computed without a click
MOST = 8  # more lines in a chart cannot be told apart
FIRST_SHOWN = ("plain20", "resnet20", "plain{deep}", "resnet{deep}")  # of the shipped ones
USUAL = ("plain20", "resnet20", "plain56", "resnet56")  # the first untrained ones
FIRST_DATA = {"cifar10": 56, "digits": 56}  # of shipped networks, with the depth of the deeper ones
CHOOSE_NETWORK = "Choose a network: a shipped one, one of your own, or an untrained one."


@dataclass(frozen=True, slots=True)
class Candidate:
    """A network that can be chosen.

    Attributes:
        name: id of a run or checkpoint, or name of an untrained network.
        data: what it was trained on; empty for an untrained one.
        image_size: pixels a side of the images it was trained on; 0 for an untrained one.
        moments: steps of its snapshots; empty where there is one state only.
    """

    name: str
    label: str
    config: NetworkConfig
    data: str
    image_size: int
    moments: tuple[int, ...]

    def reference(self, step: int | None) -> str:
        """Reference to the last snapshot not past `step`; to the last of all for None."""
        return f"{self.name}@{self.moment(step)}" if self.moments else self.name

    def moment(self, step: int | None) -> int:
        """The step of this snapshot."""
        before = [moment for moment in self.moments if step is None or moment <= step]
        return before[-1] if before else self.moments[0]


@st.cache_data(ttl=2, show_spinner=False)
def candidates() -> dict[str, Candidate]:
    """All networks by name: runs from the newest to the shipped ones, checkpoints, untrained ones."""
    found = []
    for experiment in cached.experiments():
        for run in experiment.runs:
            steps = tuple(moments(run))
            if run.facts is None or not steps:
                continue
            side = side_in_training(run.facts.data, run.facts.recipe) or 0
            shipped = experiment.state == "shipped"  # of which one seed has weights
            name = f"{run.facts.network.name} · {experiment_name(experiment)}" if shipped else run_name(run, experiment)
            found.append(Candidate(run.id, name, run.facts.network, run.facts.data, side, steps))
    for name, facts in kept_checkpoints().items():
        side = side_in_training(facts.data, facts.recipe) or 0
        found.append(Candidate(name, f"{name} · checkpoint", facts.network, training_data(facts), side, ()))
    found += [_untrained(name) for name in dict.fromkeys([*USUAL, *NETWORKS])]
    labels = wording.distinct({each.name: each.label for each in found})
    return {each.name: replace(each, label=labels[each.name]) for each in found}


def choose_networks(
    key: str = "networks", *, most: int = MOST, first: Callable[[Sequence[Candidate]], Sequence[Candidate]] = list
) -> list[Candidate]:
    """A field for networks, kept in the address as `key`; first those of the experiment in hand, or shipped ones.

    Args:
        key: pages with the same one share the choice.
        most: networks that can be chosen.
        first: takes from these networks the ones shown before the reader chooses.
    """
    known = candidates()
    chosen_key, written_key, origin_key = f"{key}_chosen", f"{key}_written", f"{key}_origin"
    found, theirs = _of_experiment_in_hand()
    usual = [each.name for each in first([known[name] for name in theirs or _first_shown(known)])]
    asked = st.query_params.get(key)
    origin = found.id if found and theirs else None
    if asked is not None and asked != st.session_state.get(written_key):
        named = [name for name in dict.fromkeys(asked.split(",")) if name]
        st.session_state[chosen_key] = named[:most]
    elif origin != st.session_state.get(origin_key):
        st.session_state[chosen_key] = usual
    st.session_state[origin_key] = origin
    remembered = st.session_state.get(chosen_key, usual)
    missing = [name for name in remembered if name not in known and not _is_valid(name)]  # such as deleted ones
    if missing:
        st.warning(f"Not on this machine: {', '.join(in_markdown(each[:80]) for each in missing[:most])}.")
    st.session_state[chosen_key] = [name for name in remembered if name not in missing]
    offered = {name: known.get(name) or _untrained(name) for name in [*known, *st.session_state[chosen_key]]}
    chosen = st.multiselect(
        "Networks",
        list(offered),
        format_func=lambda name: offered[name].label,
        key=chosen_key,
        max_selections=most,
        help=glossary.explain("checkpoint", note="Runs, checkpoints, and untrained networks by name."),
        placeholder="Choose networks, trained or not",
        wrap=True,
        persist_state="session",
    )
    written = ",".join(chosen)
    st.session_state[written_key] = written
    write_address(key, written)
    if found:
        way_back(found)
    return [offered[name] for name in chosen]


def choose_network(
    chosen: Sequence[Candidate], label: str = "Network", *, key: str = "network", index: int = 0
) -> Candidate:
    """A field for one of the chosen networks, at first that at `index`; kept in the address as `key`."""
    names = {each.name: each for each in chosen}
    forget_unless_offered(key, names)
    name = st.selectbox(
        label, list(names), index=min(index, len(names) - 1), format_func=lambda each: names[each].label, key=key,
        bind="query-params", width=270,
    )  # fmt: skip
    return names[str(name)]


def _of_experiment_in_hand() -> tuple[Experiment | None, list[str]]:
    """The experiment in hand and its networks; none of them while it has no weights."""
    found = in_hand("the shipped networks are shown")
    theirs = networks_with_weights(found, MOST) if found else []
    if found and not theirs:
        title = in_markdown(wording.title(found))
        st.caption(f"{title} has no weights yet. Until it has some, other networks are shown.")
    return found, theirs


def first_shown() -> list[Candidate]:
    """The networks that pages show before the reader chooses others."""
    known = candidates()
    return [known[name] for name in _first_shown(known)]


def _first_shown(known: dict[str, Candidate]) -> list[str]:
    """Two depths of shipped networks on data that is on this machine; else two untrained ones."""
    for data, deep in FIRST_DATA.items():
        names = [f"shipped-{data}-{pattern.format(deep=deep)}" for pattern in FIRST_SHOWN]
        if data_status(data).available and all(name in known for name in names):
            return names
    return ["plain20", "resnet20"]


def _is_valid(name: str) -> bool:
    try:
        config = network_config(name)
    except ValueError:
        return False
    return config.depth <= DEEPEST and config.width <= WIDEST


def _untrained(name: str) -> Candidate:
    family = f", {NETWORKS[name].family}" if name in NETWORKS else ""
    return Candidate(name, f"{name} · untrained{family}", network_config(name), "", 0, ())
