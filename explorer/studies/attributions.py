"""Attribution maps of networks by reference, on pictures by reference: for pages, the shell and notebooks.

Networks are named as in `studies.references`, pictures as in `explorer.data.pictures`.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer import progress, tables
from explorer.attribution import checks, randomisation
from explorer.attribution.agreement import agreement_over_images
from explorer.attribution.attribute import Attribution, Prepared, explained, prepared
from explorer.attribution.maps import position_maps
from explorer.attribution.methods import METHODS
from explorer.data.batches import Normalisation, sample_of_test_set
from explorer.data.catalogue import data_folder, dataset
from explorer.data.pictures import Picture, fitted, picture
from explorer.errors import BadSettings
from explorer.files import home
from explorer.models.layers import block_names
from explorer.registry import lookup
from explorer.runs.checkpoint_facts import is_untrained
from explorer.settings import require_between
from explorer.studies.references import Referenced, referenced

BASELINE_IMAGES = 32  # test images that GradientSHAP draws its baselines from
MOST_COMPARED = 10_000  # test images that maps are compared on; all are in memory at once
CALIBRATION = 100  # test images that give the norms of a randomised network their statistics


@dataclass(frozen=True, slots=True, eq=False)
class AttributionMap:
    """What a method says about one network and one picture.

    Attributes:
        reference, network, kind, depth, step: the network, see `tables.MEASURED_KEYS`.
        image: the picture's reference; title: what to write beside it.
        method: its name; layer: which one was asked for, as given.
        target: the class whose score is explained.
        label: the picture's true class; None where that is not known.
        classes: names, in order of class.
        probabilities: (classes,).
        score: of the target, before softmax.
        map: (H, W), one number a position, at the size of the picture.
        values: (C, h, w), what the method gave.
        pixels: uint8 (H, W, C), what the network saw.
        signed: values below zero speak against the target.
        delta: how far the values are from adding up to what they explain; None where the method promises no sum.
        seconds: it took.
    """

    reference: str
    network: str
    kind: str
    depth: int
    step: int | None
    image: str
    title: str
    method: str
    layer: str
    target: int
    label: int | None
    classes: tuple[str, ...]
    probabilities: NDArray[np.float32]
    score: float
    map: NDArray[np.float32]
    values: NDArray[np.float32]
    pixels: NDArray[np.uint8]
    signed: bool
    delta: float | None
    seconds: float

    @property
    def prediction(self) -> int:
        """The class with the highest score."""
        return int(self.probabilities.argmax())


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """Whether a map can be trusted, as far as it was asked.

    Attributes:
        curves: deletion and insertion, see `attribution.checks.Curves`.
        infidelity: see `attribution.checks.Infidelity`.
        sensitivity: see `attribution.checks.sensitivity`.
        randomisation: the columns of `tables.RANDOMISATION`.
        badge: what that says: "follows_weights", "ignores_weights" or "cannot_tell".
        threshold: the similarity there that a map must not keep.
        verdict: what the curves say: "better_than_random" or "not_better".
    """

    map: AttributionMap
    curves: checks.Curves
    infidelity: checks.Infidelity
    sensitivity: float
    randomisation: pd.DataFrame
    badge: str
    threshold: float
    verdict: str


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """A network and a picture as it sees it: (1, C, H, W)."""

    subject: Referenced
    picture: Picture
    pixels: NDArray[np.uint8]
    image: Tensor


def attribution_map(
    reference: str,
    image: str,
    method: str = "saliency",
    *,
    target: int | None = None,
    data: str = "",
    paths: bool = False,
    parameters: Mapping[str, Any] | None = None,
) -> AttributionMap:
    """The map of one network, picture and method.

    Args:
        reference: of a network.
        image: of a picture.
        method: name in `attribution.methods.METHODS`.
        target: class; None takes the predicted one.
        data: name of the data set; empty takes the one that the network was trained on, for untrained ones the digits.
        paths: whether `image` may be the path of a file.
        parameters: of the method, see its row; the baselines "black", "white" and "images" can be had here.

    Raises:
        UnknownName, RunError, StorageError: a network, picture or method cannot be found or read.
        BadSettings: the method cannot run on this network, or a parameter does not fit.
        DataMissing: the data set is not on this machine.
    """
    return _mapped(_shown_by_name(reference, image, data, paths=paths), method, target, parameters or {})


def layer_maps(
    reference: str,
    image: str,
    method: str = "grad_cam",
    *,
    target: int | None = None,
    data: str = "",
    paths: bool = False,
    parameters: Mapping[str, Any] | None = None,
) -> list[AttributionMap]:
    """The map of every block of a network, from the first to the last; args and errors as for `attribution_map`.

    Raises:
        BadSettings: `method` does not look at a layer.
    """
    if "a layer" not in lookup(METHODS, method, "attribution method").needs:
        those = ", ".join(name for name, row in METHODS.items() if "a layer" in row.needs)
        raise BadSettings(f"{METHODS[method].title} does not look at a layer. Those that do: {those}.")
    shown = _shown_by_name(reference, image, data, paths=paths)
    found = []
    places = [f"stage{stage}.block{block}" for stage, block in block_names(shown.subject.network)]
    for number, place in enumerate(places):
        with progress.part(number, len(places)):
            found.append(_mapped(shown, method, target, {**(parameters or {}), "layer": place}))
    return found


def check(
    reference: str,
    image: str,
    method: str = "saliency",
    *,
    target: int | None = None,
    data: str = "",
    paths: bool = False,
    parameters: Mapping[str, Any] | None = None,
) -> Check:
    """Infidelity, sensitivity, deletion and insertion, and the randomisation check of one map.

    Args and errors as for `attribution_map`.
    """
    shown = _shown_by_name(reference, image, data, paths=paths)
    network = shown.subject.network
    with progress.part(0, 10):
        found = _mapped(shown, method, target, parameters or {})
    ranking = torch.from_numpy(found.map)
    given = _given(shown.subject, parameters or {})
    with progress.part(1, 10):
        curves = checks.deletion_and_insertion(network, shown.image, found.target, ranking)
    with progress.part(2, 10):
        infidelity = checks.infidelity(network, shown.image, found.target, ranking)
    with progress.part(1, 3):
        sensitivity = checks.sensitivity(network, shown.image, found.target, method, given)
    calibration, _ = _test_images(shown.subject, CALIBRATION)
    with progress.part(2, 3):
        table = randomisation.randomisation(network, shown.image, found.target, method, given, calibration)
    badge = randomisation.badge(table)
    return Check(found, curves, infidelity, sensitivity, table, badge, randomisation.UNLIKE, curves.verdict)


def agreement_of_networks(
    references: Sequence[str],
    method: str = "saliency",
    *,
    images: int | str = 20,
    target: int | None = None,
    data: str = "",
    paths: bool = False,
    parameters: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """How alike the maps of networks are, under one method.

    All maps of an image explain the same class: `target`, else the true one, else what the first network predicts.

    Args:
        references: of two networks or more that take the same images.
        method: name in `attribution.methods.METHODS`.
        images: how many test images, in equal parts of the classes, or one picture by reference.
        target, data, paths, parameters: as for `attribution_map`.

    Returns:
        The columns of `tables.NETWORK_AGREEMENT`, a row for each ordered pair.

    Raises:
        BadSettings: the networks take different images; and whatever `attribution_map` raises.
    """
    if len(set(references)) < 2:
        raise BadSettings("Name two networks or more, so that their maps can be compared.")
    subjects = list(referenced(references, data=data))
    if len({(each.data, each.image_size) for each in subjects}) > 1:
        raise BadSettings("Maps can be compared on the same images only: take networks of one data set and image size.")
    maps, explained_class = {}, target
    for number, each in enumerate(subjects):
        with progress.part(number, len(subjects)):
            maps[each.reference], explained_class = _maps_of(
                each, images, method, explained_class, parameters or {}, paths=paths
            )
    table = agreement_over_images(maps)
    for side in ("a", "b"):
        for key in ("name", "kind", "depth"):
            known = {each.reference: getattr(each.network.config, key) for each in subjects}
            table[f"{key.replace('name', 'network')}_{side}"] = table[side].map(known)
    return table[tables.NETWORK_AGREEMENT]


def agreement_of_methods(
    reference: str,
    methods: Sequence[str],
    *,
    images: int | str = 20,
    target: int | None = None,
    data: str = "",
    paths: bool = False,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
) -> pd.DataFrame:
    """How alike the maps of methods are, for one network; as `agreement_of_networks`.

    Args:
        methods: two names or more in `attribution.methods.METHODS`.
        parameters: of each method, by its name.

    Returns:
        The columns of `tables.MEAN_AGREEMENT`, where a and b are names of methods.
    """
    if len(set(methods)) < 2:
        raise BadSettings("Name two methods or more, so that their maps can be compared.")
    (subject,) = referenced([reference], data=data)
    maps, explained_class = {}, target
    for number, method in enumerate(methods):
        with progress.part(number, len(methods)):
            maps[method], explained_class = _maps_of(
                subject, images, method, explained_class, (parameters or {}).get(method, {}), paths=paths
            )
    return agreement_over_images(maps)


def _maps_of(
    subject: Referenced,
    images: int | str,
    method: str,
    target: int | None,
    parameters: Mapping[str, Any],
    *,
    paths: bool,
) -> tuple[NDArray[np.float32], int | None]:
    """Maps (N, H, W) of one picture or of N test images, and the class explained where it is one."""
    row = lookup(METHODS, method, "attribution method")
    if isinstance(images, str):
        shown = _shown_to(subject, images, paths=paths)
        found = _mapped(shown, method, shown.picture.label if target is None else target, parameters)
        return found.map[None], found.target
    require_between("images", images, 1, MOST_COMPARED)
    inputs, labels = _test_images(subject, images)
    given = _given(subject, row.checked(parameters))
    done = explained(subject.network, inputs, labels if target is None else target, method, **given)
    return _maps(done, inputs).numpy(force=True), target


def _shown_by_name(reference: str, image: str, data: str, *, paths: bool) -> _Shown:
    snapshot = "@" in reference and not reference.endswith(".safetensors")
    if snapshot or is_untrained(reference):
        subject = _unchanging(reference, data, home(), data_folder())
    else:
        (subject,) = referenced([reference], data=data)
    return _shown_to(subject, image, paths=paths)


@lru_cache(maxsize=8)  # of the maps of a grid several are of one network, which is not read for each
def _unchanging(reference: str, data: str, *folders: Path) -> Referenced:
    """A snapshot or an untrained network: what is the same whenever it is read from the same folders."""
    (subject,) = referenced([reference], data=data)
    return subject


@lru_cache(maxsize=8)
def _ready(subject: Referenced) -> Prepared:
    channels, side = subject.network.config.channels, subject.image_size
    return prepared(subject.network, torch.zeros(1, channels, side, side))


def _shown_to(subject: Referenced, image: str, *, paths: bool) -> _Shown:
    found = picture(image, data=subject.data, image_size=subject.image_size, paths=paths)
    pixels = fitted(found.pixels, subject.image_size, subject.network.config.channels)
    return _Shown(subject, found, pixels, _normalised(subject, pixels[None]))


def _normalised(subject: Referenced, pixels: NDArray[np.uint8]) -> Tensor:
    device = next(subject.network.parameters()).device
    return Normalisation.known(subject.data, subject.image_size, subject.normalisation)(pixels, device)


def _test_images(subject: Referenced, count: int) -> tuple[Tensor, Tensor]:
    """A fixed class-balanced sample: images (N, C, H, W) and labels (N,)."""
    _, sample = sample_of_test_set(subject.data, subject.image_size, count, normalisation=subject.normalisation)
    return sample.whole(next(subject.network.parameters()).device)


def _given(subject: Referenced, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with baselines as images where only this level knows them."""
    name = parameters.get("baseline")
    if name == "images":
        return {**parameters, "baseline": _test_images(subject, BASELINE_IMAGES)[0]}
    if name in ("black", "white"):
        shape = (1, subject.image_size, subject.image_size, subject.network.config.channels)
        pixels = np.full(shape, 255 if name == "white" else 0, np.uint8)
        return {**parameters, "baseline": _normalised(subject, pixels)}
    return dict(parameters)


def _mapped(shown: _Shown, method: str, target: int | None, parameters: Mapping[str, Any]) -> AttributionMap:
    row = lookup(METHODS, method, "attribution method")
    subject, config = shown.subject, shown.subject.network.config
    given = _given(subject, row.checked(parameters))
    begun = time.perf_counter()
    try:
        found = explained(_ready(subject), shown.image, target, method, **given)
    except BaseException:
        _ready.cache_clear()  # a method that raised may have left something in its copy
        raise
    return AttributionMap(
        reference=subject.reference,
        network=config.name,
        kind=config.kind,
        depth=config.depth,
        step=subject.step,
        image=shown.picture.reference,
        title=shown.picture.title,
        method=method,
        layer=str(parameters.get("layer", "")),
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
