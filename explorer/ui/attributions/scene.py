"""The scene of all views: networks, a picture, and the class whose score is explained."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer import glossary
from explorer.attribution.question import Question
from explorer.attribution.rows import Parameters
from explorer.compute.client import Call, compute
from explorer.compute.functions import attributions
from explorer.data.catalogue import DatasetRow, dataset, known_dataset
from explorer.data.pictures import Picture
from explorer.errors import BadSettings, ExplorerError
from explorer.escaping import in_markdown
from explorer.export.views import View
from explorer.map_results import AttributionMap
from explorer.runs.checkpoint_facts import data_of_untrained, facts_and_data
from explorer.studies.map_files import Map, missing_map
from explorer.ui.attributions.method_choice import Chosen
from explorer.ui.widgets.data_choice import AS_TRAINED, choose_data
from explorer.ui.widgets.network_choice import CHOOSE_NETWORK, Candidate, choose_networks
from explorer.ui.widgets.picture_choice import choose_picture, classes_known
from explorer.ui.widgets.waiting import awaited

NOT_YET = ExplorerError("computed next")
PREDICTED, TRUE = "the predicted one", "the true one"


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Networks, picture and class.

    Attributes:
        data: name of the data set whose images the networks take.
        target: the class explained; None for each network's prediction.
        fields: the place for the fields of a view.
        given: the reader chose the data set; else it is the one that networks were trained on.
    """

    chosen: tuple[Candidate, ...]
    picture: Picture
    data: str
    target: int | None
    fields: DeltaGenerator
    given: bool = False

    @property
    def classes(self) -> tuple[str, ...]:
        return dataset(self.data).classes

    def data_for(self, candidate: Candidate) -> str:
        """Data set of a network's images: untrained ones take that of the trained ones."""
        return "" if candidate.data and not self.given else self.data

    def question(self, candidate: Candidate, method: Chosen, target: int | None) -> Question:
        """The settings of one map."""
        return Question(method.name, target, self.data_for(candidate), parameters=method.parameters)


@dataclass(frozen=True, slots=True)
class MapRequest:
    """One map to compute: network, step, method, class."""

    candidate: Candidate
    step: int | None
    method: Chosen
    target: int | None


def choose_scene(fields: DeltaGenerator) -> Scene | None:
    """Networks, picture and class, chosen in `fields`; None where something is missing, for the reason shown."""
    with fields:
        networks = choose_networks()
        controls = st.container(horizontal=True, vertical_alignment="bottom")
    folder = choose_data(controls, "folder", AS_TRAINED, builtin=False)
    if not networks:
        st.info(CHOOSE_NETWORK)
        return None
    data, chosen = _of_folder(networks, folder) if folder else _as_trained(networks)
    if not chosen or not classes_known(data):
        return None
    picture = choose_picture(controls, chosen, data)
    if picture is None:
        return None
    classes = dataset(data).classes
    with controls:
        named = st.selectbox(
            "Class explained", [PREDICTED, TRUE, *classes], key="target", bind="query-params", width=200,
            help=glossary.explain("target", note="Networks may predict different classes."),
        )  # fmt: skip
    target = picture.label if named == TRUE else None if named == PREDICTED else classes.index(str(named))
    return Scene(chosen, picture, data, target, fields, given=bool(folder))


def _as_trained(networks: Sequence[Candidate]) -> tuple[str, tuple[Candidate, ...]]:
    """The data set that the first was trained on, and the networks that take its images; names those left out."""
    data = data_of_untrained(each.reference(None) for each in networks)
    chosen = tuple(each for each in networks if each.data in ("", data))
    if len(chosen) < len(networks):
        row = known_dataset(data)
        others = ", ".join(in_markdown(each.label) for each in networks if each not in chosen)
        title = in_markdown(row.title if row else data)
        st.caption(f"Left out, because they take other images than {title}: {others}.")
    return data, chosen


def _of_folder(networks: Sequence[Candidate], folder: str) -> tuple[str, tuple[Candidate, ...]]:
    """The folder under the classes of the first trained network, and the networks with these; names those left out.

    Labels of a folder are indices of the network's classes, see `data.catalogue.data_for_classes`.
    """
    shown: dict[Candidate, str] = {}
    for each in networks:
        try:
            name = facts_and_data([each.reference(None)], folder)[each.reference(None)][1]
            if each.data:
                _require_fit(each, dataset(name))
            shown[each] = name
        except BadSettings as error:
            st.caption(f"Left out: {in_markdown(f'{each.label}. {error}')}")
    data = next((name for each, name in shown.items() if each.data), folder)
    chosen = tuple(each for each, name in shown.items() if not each.data or name == data)
    others = ", ".join(in_markdown(each.label) for each in shown if each not in chosen)
    if others:
        st.caption(f"Left out, because they have other classes: {others}.")
    if not chosen:
        title = in_markdown(dataset(folder).title)
        st.info(f"None of these networks takes the images of {title}. Choose other networks, or other images.")
    return data, chosen


def _require_fit(candidate: Candidate, row: DatasetRow) -> None:
    config = candidate.config
    if (config.channels, config.classes) != (row.channels, len(row.classes)):
        raise BadSettings(
            f"It takes images of {config.channels} channels and has {config.classes} classes; {row.title} has "
            f"{row.channels} channels and {len(row.classes)} classes."
        )


def maps(
    scene: Scene,
    wanted: Sequence[MapRequest],
    doing: str = "Computing maps",
    show_some: Callable[[list[Map]], None] | None = None,
    every: int = 1,
) -> list[Map]:
    """The maps, or the reasons why they are missing, once all are computed.

    Args:
        doing: unique on the page.
        show_some: draws the first maps while others are computed, which are missing as `NOT_YET`, each time that
            there are `every` more.
    """
    asked = [(each, scene.question(each.candidate, each.method, each.target)) for each in wanted]
    calls = [
        compute.ask(
            attributions.attribution_map, each.candidate.reference(each.step), scene.picture.reference, question
        )
        for each, question in asked
    ]

    def found() -> list[Map]:
        return [_map(scene, each, question, call) for (each, question), call in zip(asked, calls, strict=True)]

    awaited(calls, doing, None if show_some is None else lambda _: show_some(found()), every)
    return found()


def _map(scene: Scene, wanted: MapRequest, question: Question, call: Call[AttributionMap]) -> Map:
    failure = NOT_YET if call.pending else call.failure
    if failure is None:
        return call.value
    network = wanted.candidate
    return missing_map(
        network.reference(wanted.step), network.config, wanted.step, scene.picture, question, scene.classes, failure
    )


def view(
    kind: str,
    references: Sequence[str],
    scene: Scene,
    targets: Sequence[int | None] | None = None,
    **settings: object,
) -> View:
    """What is shown of a scene.

    Args:
        kind: in `export.computations`.
        targets: classes explained; None takes that of the scene.
        settings: of the computation, apart from its class and data.
    """
    explained = [scene.target] if targets is None else targets
    names = tuple(scene.classes[each] for each in explained if each is not None)
    data = scene.data if scene.given or scene.data != data_of_untrained(references) else ""
    return View(kind, tuple(references), settings | {"target": names[0] if len(names) == 1 else names, "data": data})


def methods_of(chosen: Sequence[Chosen]) -> dict[str, Parameters]:
    """Parameters of methods by name, as a setting of a view."""
    return {each.name: each.parameters for each in chosen}
