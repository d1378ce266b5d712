"""Attribution maps of networks by reference, on pictures by reference: for pages, the shell and notebooks.

Networks are named as in `studies.references`, pictures as in `explorer.data.pictures`.
"""

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
from explorer.data.batches import Normalisation, sample_of_test_set
from explorer.data.catalogue import dataset
from explorer.data.pictures import Picture, fitted, picture
from explorer.errors import BadSettings
from explorer.models.layers import block_names
from explorer.registry import lookup
from explorer.results import AttributionMap, Check
from explorer.runs.checkpoint_facts import facts_and_data
from explorer.runs.checkpoints import weights_identity
from explorer.settings import require_between
from explorer.studies.references import Referenced, referenced

BASELINE_IMAGES = 32  # test images that GradientSHAP draws its baselines from
MOST_COMPARED = 10_000  # test images that maps are compared on; all are in memory at once
CALIBRATION = 100  # test images that give the norms of a randomised network their statistics
MOST_KEPT = 2**30  # bytes of networks kept for the next map

USUAL, OF_LAYERS = Question(), Question("grad_cam")


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """A network and a picture as it sees it: (1, C, H, W).

    Attributes:
        key: of the network among those kept.
        ready: the subject's network, examined.
    """

    key: Hashable
    subject: Referenced
    ready: Prepared
    picture: Picture
    pixels: NDArray[np.uint8]
    image: Tensor


def attribution_map(reference: str, image: str, question: Question = USUAL) -> AttributionMap:
    """The map of one network and picture.

    Args:
        reference: of a network.
        image: of a picture.
        question: by which method, for which class.

    Raises:
        UnknownName, RunError, StorageError: a network, picture or method cannot be found or read.
        BadSettings: the method cannot run on this network, or a parameter does not fit.
        DataMissing: the data set is not on this machine.
    """
    return _mapped(_shown(reference, image, question), question)


def layer_maps(reference: str, image: str, question: Question = OF_LAYERS) -> list[AttributionMap]:
    """The map of every block of a network, from the first to the last; args and errors as for `attribution_map`.

    Raises:
        BadSettings: the method does not look at a layer.
    """
    row = lookup(METHODS, question.method, "attribution method")
    if "a layer" not in row.needs:
        those = ", ".join(name for name, each in METHODS.items() if "a layer" in each.needs)
        raise BadSettings(f"{row.title} does not look at a layer. Those that do: {those}.")
    shown = _shown(reference, image, question)
    found = []
    places = [f"stage{stage}.block{block}" for stage, block in block_names(shown.subject.network)]
    for number, place in enumerate(places):
        with progress.part(number, len(places)):
            found.append(_mapped(shown, replace(question, parameters={**question.parameters, "layer": place})))
    return found


def check(reference: str, image: str, question: Question = USUAL) -> Check:
    """Infidelity, sensitivity, deletion and insertion, and the randomisation check of one map.

    Args and errors as for `attribution_map`.
    """
    shown = _shown(reference, image, question)
    network = shown.subject.network
    with progress.part(0, 10):
        found = _mapped(shown, question)
    ranking = torch.from_numpy(found.map)
    given = _given(shown.subject, question)
    with progress.part(1, 10):
        curves = checks.deletion_and_insertion(network, shown.image, found.target, ranking)
    with progress.part(2, 10):
        infidelity = checks.infidelity(network, shown.image, found.target, ranking)
    with progress.part(1, 3):
        sensitivity = checks.sensitivity(network, shown.image, found.target, question.method, given)
    calibration, _ = _test_images(shown.subject, CALIBRATION)
    with progress.part(2, 3):
        table = randomisation.randomisation(network, shown.image, found.target, question.method, given, calibration)
    return Check(found, curves, infidelity, sensitivity, table, randomisation.badge(table), randomisation.DISSIMILAR)


def agreement_of_networks(
    references: Sequence[str], images: int | str = 20, question: Question = USUAL
) -> pd.DataFrame:
    """How alike the maps of networks are, under one method.

    All maps of an image explain the same class: that of the question, else the true one, else what the first network
    predicts.

    Args:
        references: of two networks or more that take the same images.
        images: how many test images, in equal parts of the classes, or one picture by reference.
        question: as for `attribution_map`.

    Returns:
        The columns of `tables.NETWORK_AGREEMENT`, a row for each ordered pair.

    Raises:
        BadSettings: the networks take different images; and whatever `attribution_map` raises.
    """
    if len(set(references)) < 2:
        raise BadSettings("Name two networks or more, so that their maps can be compared.")
    subjects = list(referenced(references, data=question.data))
    if len({(each.data, each.image_size) for each in subjects}) > 1:
        raise BadSettings("Maps can be compared on the same images only: take networks of one data set and image size.")
    maps, target = {}, question.target
    for number, each in enumerate(subjects):
        with progress.part(number, len(subjects)):
            maps[each.reference], target = _maps_of(each, images, replace(question, target=target))
    table = agreement_over_images(maps)
    for side in ("a", "b"):
        for key in ("name", "kind", "depth"):
            known = {each.reference: getattr(each.network.config, key) for each in subjects}
            table[f"{key.replace('name', 'network')}_{side}"] = table[side].map(known)
    return table[tables.NETWORK_AGREEMENT]


def agreement_of_methods(reference: str, images: int | str, questions: Sequence[Question]) -> pd.DataFrame:
    """How alike the maps of methods are, for one network; as `agreement_of_networks`.

    Args:
        questions: of two methods or more, about one class and data set.

    Returns:
        The columns of `tables.MEAN_AGREEMENT`, where a and b are names of methods.
    """
    if len({each.method for each in questions}) < 2:
        raise BadSettings("Name two methods or more, so that their maps can be compared.")
    if len({(each.target, each.data) for each in questions}) > 1:
        raise BadSettings("Maps can be compared for one class and data set only: give all questions the same.")
    (subject,) = referenced([reference], data=questions[0].data)
    maps, target = {}, questions[0].target
    for number, each in enumerate(questions):
        with progress.part(number, len(questions)):
            maps[each.method], target = _maps_of(subject, images, replace(each, target=target))
    return agreement_over_images(maps)


def _maps_of(subject: Referenced, images: int | str, question: Question) -> tuple[NDArray[np.float32], int | None]:
    """Maps (N, H, W) of one picture or of N test images, and the class explained where it is one."""
    labels: Tensor | int | None
    if isinstance(images, str):
        found, pixels = _picture(subject, images, question)
        inputs, labels = _normalised(subject, pixels[None]), found.label
    else:
        require_between("images", images, 1, MOST_COMPARED)
        inputs, labels = _test_images(subject, images)
    target = labels if question.target is None else question.target
    done = explained(subject.network, inputs, target, question.method, **_given(subject, question))
    only = int(done.target[0]) if isinstance(images, str) else question.target
    return _maps(done, inputs).numpy(force=True), only


_networks: ByteCache[tuple[Referenced, Prepared]] = ByteCache(MOST_KEPT)  # a grid has several maps of each


def _shown(reference: str, image: str, question: Question) -> _Shown:
    ((found, name),) = facts_and_data([reference], question.data).values()
    known_by = (found.model_dump_json(), *weights_identity(reference, found)) if found else ()
    key = reference, known_by, dataset(name)  # the data set is another object once a folder has changed
    kept = _networks.get(key)
    if kept is None:
        (subject,) = referenced([reference], data=question.data)
        network = subject.network.eval().requires_grad_(False)
        some = torch.zeros(1, network.config.channels, subject.image_size, subject.image_size)
        kept = subject, Prepared(network, traits(network, some.to(next(network.parameters()))))
        _networks.keep(key, kept, sum(each.nbytes for each in network.state_dict().values()))
    subject, ready = kept
    shown, pixels = _picture(subject, image, question)
    return _Shown(key, subject, ready, shown, pixels, _normalised(subject, pixels[None]))


def _picture(subject: Referenced, image: str, question: Question) -> tuple[Picture, NDArray[np.uint8]]:
    """A picture, and what the network sees of it."""
    found = picture(image, data=subject.data, image_size=subject.image_size, paths=question.paths)
    return found, fitted(found.pixels, subject.image_size, subject.network.config.channels)


def _normalised(subject: Referenced, pixels: NDArray[np.uint8]) -> Tensor:
    device = next(subject.network.parameters()).device
    return Normalisation.known(subject.data, subject.image_size, subject.normalisation)(pixels, device)


def _test_images(subject: Referenced, count: int) -> tuple[Tensor, Tensor]:
    """A fixed class-balanced sample: images (N, C, H, W) and labels (N,)."""
    _, sample = sample_of_test_set(subject.data, subject.image_size, count, normalisation=subject.normalisation)
    return sample.whole(next(subject.network.parameters()).device)


def _given(subject: Referenced, question: Question) -> dict[str, Any]:
    """All parameters of the method, with baselines as images where only this level knows them."""
    parameters = lookup(METHODS, question.method, "attribution method").checked(question.parameters)
    name = parameters.get("baseline")
    if name == "images":
        return parameters | {"baseline": _test_images(subject, BASELINE_IMAGES)[0]}
    if name in ("black", "white"):
        shape = (1, subject.image_size, subject.image_size, subject.network.config.channels)
        pixels = np.full(shape, 255 if name == "white" else 0, np.uint8)
        return parameters | {"baseline": _normalised(subject, pixels)}
    return dict(parameters)


def _mapped(shown: _Shown, question: Question) -> AttributionMap:
    subject, config = shown.subject, shown.subject.network.config
    given = _given(subject, question)
    begun = time.perf_counter()
    try:
        found = explained(shown.ready, shown.image, question.target, question.method, **given)
    except BaseException:
        _networks.drop(shown.key)  # a method that raised may have left something in the network
        raise
    return AttributionMap(
        reference=subject.reference,
        network=config.name,
        kind=config.kind,
        depth=config.depth,
        step=subject.step,
        image=shown.picture.reference,
        title=shown.picture.title,
        method=question.method,
        layer=str(question.parameters.get("layer", "")),
        target=int(found.target[0]),
        label=shown.picture.label,
        classes=dataset(subject.data).classes,
        probabilities=found.scores[0].softmax(0).float().numpy(force=True),
        score=float(found.scores[0, found.target[0]]),
        map=_maps(found, shown.image)[0].numpy(force=True),
        values=found.values[0].float().numpy(force=True),  # noqa: PD011 a tensor
        pixels=shown.pixels,
        signed=found.signed,
        delta=None if found.delta is None else float(found.delta[0]),
        seconds=time.perf_counter() - begun,
    )


def _maps(found: Attribution, images: Tensor) -> Tensor:
    height, width = images.shape[2:]
    return position_maps(found.values, (height, width), summed=found.summed).float()
