"""Attribution maps of networks by reference; references to pictures are those of `data.pictures`."""

import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer import progress, tables
from explorer.attribution import checks, randomisation
from explorer.attribution.agreement import agreement_over_images
from explorer.attribution.attribute import Attribution, Prepared, explained
from explorer.attribution.fitness import traits
from explorer.attribution.maps import position_maps
from explorer.attribution.methods import METHODS
from explorer.attribution.question import Question as Question  # part of the public `explorer.attribution_maps`
from explorer.cache import ByteCache
from explorer.data.batches import Normalisation
from explorer.data.catalogue import dataset
from explorer.data.pictures import Picture, fitted, picture
from explorer.errors import BadSettings
from explorer.map_results import AttributionMap, Check
from explorer.models.layers import block_names
from explorer.registry import lookup
from explorer.runs.checkpoint_facts import facts_and_data
from explorer.runs.checkpoints import weights_identity
from explorer.settings import require_between
from explorer.studies.references import ResolvedNetwork, resolved

BASELINE_IMAGES = 32  # images from which GradientSHAP samples baselines
MOST_COMPARED = 10_000  # test images on which maps are compared, all in memory
CALIBRATION = 100  # images for the statistics of randomised networks
MOST_KEPT = 2**30  # bytes of cached networks

DEFAULT, DEFAULT_OF_LAYERS = Question(), Question("grad_cam")


@dataclass(frozen=True, slots=True, eq=False)
class _Inputs:
    """What the maps of one network and picture are computed from.

    Attributes:
        key: of the network in the cache.
        image: the picture as the network takes it, (1, C, H, W).
    """

    key: Hashable
    net: ResolvedNetwork
    prepared: Prepared
    picture: Picture
    pixels: NDArray[np.uint8]
    image: Tensor


def attribution_map(reference: str, image: str, question: Question = DEFAULT) -> AttributionMap:
    """Attribution map of one network and picture.

    Args:
        reference: of a network.
        image: reference to a picture.
        question: method, class and data set.

    Raises:
        UnknownName, RunError, StorageError: a network, picture or method cannot be found or read.
        BadSettings: the method cannot run on this network, or a parameter does not fit.
        DataMissing: the data set is not on this machine.
    """
    return _mapped(_inputs(reference, image, question), question)


def layer_maps(reference: str, image: str, question: Question = DEFAULT_OF_LAYERS) -> list[AttributionMap]:
    """Attribution map of every block, from the first to the last; args and errors as for `attribution_map`.

    Raises:
        BadSettings: the method does not explain a layer.
    """
    row = lookup(METHODS, question.method, "attribution method")
    if "a layer" not in row.needs:
        layer_methods = ", ".join(name for name, each in METHODS.items() if "a layer" in each.needs)
        raise BadSettings(f"{row.title} does not explain a layer. Choose one of {layer_methods}.")
    shown = _inputs(reference, image, question)
    found = []
    places = [f"stage{stage}.block{block}" for stage, block in block_names(shown.net.network)]
    for number, place in enumerate(places):
        with progress.part(number, len(places)):
            found.append(_mapped(shown, replace(question, parameters={**question.parameters, "layer": place})))
    return found


def check(reference: str, image: str, question: Question = DEFAULT) -> Check:
    """Infidelity, sensitivity, deletion and insertion, and the randomisation check of one map.

    Args and errors as for `attribution_map`.
    """
    shown = _inputs(reference, image, question)
    network = shown.net.network
    with progress.part(0, 10):
        found = _mapped(shown, question)
    ranking = torch.from_numpy(found.map)
    given = _given(shown.net, question)
    with progress.part(1, 10):
        curves = checks.deletion_and_insertion(network, shown.image, found.target, ranking)
    with progress.part(2, 10):
        infidelity = checks.infidelity(network, shown.image, found.target, ranking)
    with progress.part(1, 3):
        sensitivity = checks.sensitivity(network, shown.image, found.target, question.method, given)
    calibration = _some_images(shown.net, CALIBRATION)
    with progress.part(2, 3):
        table = randomisation.randomisation(network, shown.image, found.target, question.method, given, calibration)
    return Check(found, curves, infidelity, sensitivity, table, randomisation.badge(table), randomisation.DISSIMILAR)


def agreement_of_networks(
    references: Sequence[str], images: int | str = 20, question: Question = DEFAULT
) -> pd.DataFrame:
    """Agreement of the maps of networks under one method.

    All maps of an image explain the same class: that of the question, else the true one, else the first network's
    prediction.

    Args:
        references: of two or more networks that take the same images.
        images: number of test images, balanced over classes, or a reference to one picture.
        question: as for `attribution_map`.

    Returns:
        The columns of `tables.NETWORK_AGREEMENT`, one row per ordered pair.

    Raises:
        BadSettings: the networks take different images; and what `attribution_map` raises.
    """
    if len(set(references)) < 2:
        raise BadSettings("Name two networks or more, so that their maps can be compared.")
    networks = list(resolved(references, data=question.data))
    if len({(each.data, each.image_size) for each in networks}) > 1:
        raise BadSettings("Maps can be compared on the same images only: take networks of one data set and image size.")
    maps, target = {}, question.target
    for number, each in enumerate(networks):
        with progress.part(number, len(networks)):
            maps[each.reference], target = _maps_of(each, images, replace(question, target=target))
    table = agreement_over_images(maps)
    for side in ("a", "b"):
        for key in ("name", "kind", "depth"):
            known = {each.reference: getattr(each.network.config, key) for each in networks}
            table[f"{key.replace('name', 'network')}_{side}"] = table[side].map(known)
    return table[tables.NETWORK_AGREEMENT]


def agreement_of_methods(reference: str, images: int | str, questions: Sequence[Question]) -> pd.DataFrame:
    """Agreement of the maps of methods for one network; see `agreement_of_networks`.

    Args:
        questions: with two or more methods, for one class and data set.

    Returns:
        The columns of `tables.MEAN_AGREEMENT`, where a and b are method names.
    """
    if len({each.method for each in questions}) < 2:
        raise BadSettings("Name two methods or more, so that their maps can be compared.")
    if len({(each.target, each.data) for each in questions}) > 1:
        raise BadSettings("Maps can be compared for one class and data set only: give all questions the same.")
    (net,) = resolved([reference], data=questions[0].data)
    maps, target = {}, questions[0].target
    for number, each in enumerate(questions):
        with progress.part(number, len(questions)):
            maps[each.method], target = _maps_of(net, images, replace(each, target=target))
    return agreement_over_images(maps)


def _maps_of(net: ResolvedNetwork, images: int | str, question: Question) -> tuple[NDArray[np.float32], int | None]:
    """Maps (N, H, W) of one picture or N test images, and the class explained if it is the same for all."""
    labels: Tensor | int | None
    if isinstance(images, str):
        found, pixels = _picture(net, images, question)
        inputs, labels = _normalised(net, pixels[None]), found.label
    else:
        require_between("images", images, 1, MOST_COMPARED)
        inputs, labels = _test_images(net, images)
    target = labels if question.target is None else question.target
    done = explained(net.network, inputs, target, question.method, **_given(net, question))
    only = int(done.target[0]) if isinstance(images, str) else question.target
    return _maps(done, inputs).numpy(force=True), only


_networks: ByteCache[tuple[ResolvedNetwork, Prepared]] = ByteCache(MOST_KEPT)  # a grid has several maps of each network


def _inputs(reference: str, image: str, question: Question) -> _Inputs:
    ((found, name),) = facts_and_data([reference], question.data).values()
    known_by = (found.model_dump_json(), *weights_identity(reference, found)) if found else ()
    key = reference, known_by, dataset(name)  # the data set is a new object if a folder has changed
    kept = _networks.get(key)
    if kept is None:
        (net,) = resolved([reference], data=question.data)
        network = net.network.eval().requires_grad_(False)
        some = torch.zeros(1, network.config.channels, net.image_size, net.image_size)
        kept = net, Prepared(network, traits(network, some.to(net.device)))
        _networks.keep(key, kept, sum(each.nbytes for each in network.state_dict().values()))
    net, prepared = kept
    shown, pixels = _picture(net, image, question)
    return _Inputs(key, net, prepared, shown, pixels, _normalised(net, pixels[None]))


def _picture(net: ResolvedNetwork, image: str, question: Question) -> tuple[Picture, NDArray[np.uint8]]:
    """A picture, and its pixels at the network's image size."""
    found = picture(image, data=net.data, image_size=net.image_size, paths=question.paths)
    return found, fitted(found.pixels, net.image_size, net.network.config.channels)


def _normalised(net: ResolvedNetwork, pixels: NDArray[np.uint8]) -> Tensor:
    return Normalisation.known(net.data, net.image_size, net.normalisation)(pixels, net.device)


def _test_images(net: ResolvedNetwork, count: int) -> tuple[Tensor, Tensor]:
    """A fixed class-balanced sample: images (N, C, H, W) and labels (N,)."""
    return net.test_sample(count)[1].whole(net.device)


def _some_images(net: ResolvedNetwork, count: int) -> Tensor:
    """Images of the network's data set; crops of photographs where it has none."""
    return _test_images(net, count)[0] if net.has_images else net.photographs(count)


def _given(net: ResolvedNetwork, question: Question) -> dict[str, Any]:
    """All parameters of the method; baselines that depend on the data set are given as images."""
    parameters = lookup(METHODS, question.method, "attribution method").checked(question.parameters)
    name = parameters.get("baseline")
    if name == "images":
        return parameters | {"baseline": _some_images(net, BASELINE_IMAGES)}
    if name in ("black", "white"):
        shape = (1, net.image_size, net.image_size, net.network.config.channels)
        pixels = np.full(shape, 255 if name == "white" else 0, np.uint8)
        return parameters | {"baseline": _normalised(net, pixels)}
    return dict(parameters)


def _mapped(shown: _Inputs, question: Question) -> AttributionMap:
    net, config = shown.net, shown.net.network.config
    given = _given(net, question)
    start = time.perf_counter()
    try:
        found = explained(shown.prepared, shown.image, question.target, question.method, **given)
    except BaseException:
        _networks.drop(shown.key)  # a method that raised may have left hooks in the network
        raise
    return AttributionMap(
        reference=net.reference,
        network=config.name,
        kind=config.kind,
        depth=config.depth,
        step=net.step,
        image=shown.picture.reference,
        title=shown.picture.title,
        method=question.method,
        layer=question.layer,
        target=int(found.target[0]),
        label=shown.picture.label,
        classes=dataset(net.data).classes,
        probabilities=found.scores[0].softmax(0).float().numpy(force=True),
        score=float(found.scores[0, found.target[0]]),
        map=_maps(found, shown.image)[0].numpy(force=True),
        values=found.values[0].float().numpy(force=True),  # noqa: PD011 a tensor
        pixels=shown.pixels,
        signed=found.signed,
        delta=None if found.delta is None else float(found.delta[0]),
        seconds=time.perf_counter() - start,
    )


def _maps(found: Attribution, images: Tensor) -> Tensor:
    height, width = images.shape[2:]
    return position_maps(found.values, (height, width), summed=found.summed).float()
