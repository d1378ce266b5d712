"""Attribution maps by the names of methods, classes and pictures, as people write them.

Importing this does not import torch: a wrong name is told at once.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from explorer import progress
from explorer.attribution.methods import METHODS
from explorer.attribution.question import Question
from explorer.attribution.rows import Parameters
from explorer.errors import BadSettings
from explorer.figures import Figure, attribution_grid, layer_lens
from explorer.map_results import Check
from explorer.registry import lookup
from explorer.studies.commands import ALL_BLOCKS
from explorer.studies.map_files import Map, map_cells, missing_map
from explorer.studies.map_files import scores as scores
from explorer.studies.named_networks import named_networks, picture_reference

Methods = str | Sequence[str] | Mapping[str, Parameters]
USUAL_METHODS = ("saliency",)


def maps(
    references: Sequence[str],
    *,
    images: Sequence[str] = ("test:0",),
    methods: Methods = USUAL_METHODS,
    target: str | Sequence[str] = "",
    layer: str = "",
    data: str = "",
) -> list[Map]:
    """Attribution maps by the names of methods and classes; network by network, then by image, method and class.

    A map that cannot be computed is a `MissingMap`, with the reason.

    Args:
        references: of networks.
        images: references to pictures, or paths.
        methods: their parameters by name, or only names.
        target: name or number of the class explained, or several; empty is the predicted one.
        layer: for methods of a layer; `commands.ALL_BLOCKS` gives a map of every block.
        data: name of the data set; empty takes the one that each network was trained on.

    Raises:
        UnknownName, RunError, StorageError: a network, picture, class or method cannot be found or read.
        DataMissing: the data set is not on this machine.
    """
    given = _by_method(methods, "" if layer == ALL_BLOCKS else layer)
    targets = [target] if isinstance(target, str) else list(target) or [""]
    wanted = [
        (net, net.picture(image), Question(method, net.target(each), net.data, True, parameters))
        for net in named_networks(references, data)
        for image in dict.fromkeys(map(picture_reference, images))
        for method, parameters in given.items()
        for each in targets
    ]
    from explorer.studies.attributions import attribution_map, layer_maps

    found: list[Map] = []
    for number, (net, shown, question) in enumerate(wanted):
        with progress.part(number, len(wanted)):
            try:
                if layer == ALL_BLOCKS:
                    found += layer_maps(net.reference, shown.reference, question)
                else:
                    found.append(attribution_map(net.reference, shown.reference, question))
            except BadSettings as error:
                found.append(missing_map(net.reference, net.config, net.step, shown, question, net.classes, error))
    return found


def grid(
    found: Sequence[Map], rows: str = "network", columns: str = "method", *, show: str = "overlay", scale: str = "map"
) -> Figure:
    """Maps in rows and columns, see `map_files.map_cells` and `figures.attribution_grid`."""
    return attribution_grid(map_cells(found, rows, columns), show=show, scale=scale)


def lens(found: Sequence[Map], *, show: str = "overlay", scale: str = "map") -> Figure:
    """Maps of all blocks of a network, a row for each stage, see `figures.layer_lens`."""
    return layer_lens(map_cells(found, "stage", "block"), show=show, scale=scale)


def check(
    reference: str,
    *,
    image: str = "test:0",
    method: str = "saliency",
    parameters: Parameters | None = None,
    target: str = "",
    layer: str = "",
    data: str = "",
) -> Check:
    """`attributions.check` by the names of method and class; args and errors as for `maps`."""
    ((name, given),) = _by_method({method: parameters or {}}, layer).items()
    (net,) = named_networks([reference], data)
    question = Question(name, net.target(target), net.data, True, given)
    shown = net.picture(picture_reference(image)).reference
    from explorer.studies import attributions

    return attributions.check(net.reference, shown, question)


def agreement(
    references: Sequence[str],
    *,
    methods: Methods = USUAL_METHODS,
    images: int = 20,
    image: str = "",
    target: str = "",
    layer: str = "",
    data: str = "",
) -> pd.DataFrame:
    """Agreement of the maps of several networks under one method, or of several methods for one network.

    Args and errors as for `maps`, and:
        images: number of test images, balanced over classes.
        image: one picture instead.
        target: name or number of the class explained; empty is the true one.

    Returns:
        As `attributions.agreement_of_networks` or `agreement_of_methods`.
    """
    given = _by_method(methods, layer)
    networks = named_networks(references, data)
    if (len(networks) > 1) == (len(given) > 1):
        raise BadSettings(
            f"These are {len(networks)} networks and {len(given)} methods. Compare several networks under one method, "
            "or several methods for one network."
        )
    first = networks[0]
    on = first.picture(picture_reference(image)).reference if image else images
    explained_class = first.target(target)
    questions = [Question(name, explained_class, data, True, parameters) for name, parameters in given.items()]
    from explorer.studies.attributions import agreement_of_methods, agreement_of_networks

    if len(questions) > 1:
        return agreement_of_methods(first.reference, on, questions)
    return agreement_of_networks([each.reference for each in networks], on, questions[0])


def _by_method(methods: Methods, layer: str) -> dict[str, Parameters]:
    """The parameters of each method, with the layer for all that have one."""
    names = [methods] if isinstance(methods, str) else methods
    given = methods if isinstance(methods, Mapping) else {name: {} for name in names}
    found: dict[str, Parameters] = {}
    for name, parameters in given.items():
        layered = any(each.name == "layer" for each in lookup(METHODS, name, "attribution method").parameters)
        found[name] = {**parameters, "layer": layer} if layer and layered else parameters
    if layer and not any("layer" in parameters for parameters in found.values()):
        of_layers = [name for name, row in METHODS.items() if any(each.name == "layer" for each in row.parameters)]
        raise BadSettings(
            f"{', '.join(found)}: no parameter 'layer' there. Leave it out, or choose one of {', '.join(of_layers)}."
        )
    return found
