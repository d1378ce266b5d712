"""What the blocks of a network by reference compute: feature maps, filters, exciting images, shares of the scores.

References to pictures are those of `data.pictures`.
"""

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer import tables
from explorer.analysis import feature_maps
from explorer.analysis.inside_blocks import arithmetic_table as arithmetic_table  # parts of `explorer.features`
from explorer.analysis.inside_blocks import filter_table as filter_table
from explorer.analysis.logit_contributions import logit_contributions, require_additive
from explorer.block_results import Arithmetic, ExcitingImages, LogitParts
from explorer.cache import ByteCache
from explorer.data.batches import Normalisation
from explorer.data.catalogue import MOST_IMAGES, dataset
from explorer.data.pictures import Picture, fitted, picture
from explorer.errors import BadSettings
from explorer.settings import require_between
from explorer.studies.references import ResolvedNetwork, resolved

PLACE = "stage1.block1"
IMAGES = 1000
MOST_CLASSES = 10  # whose scores are taken apart, if the network has more: the highest, and the true one
MOST_SHOWN = 100
MOST_KEPT = 2**26  # bytes of maxima

_excitements: ByteCache[tuple[feature_maps.Excitement, NDArray[np.int64]]] = ByteCache(MOST_KEPT)


def block_arithmetic(
    reference: str, image: str = "test:0", place: str = PLACE, *, data: str = "", paths: bool = False
) -> Arithmetic:
    """x, F(x), shortcut(x), their sum and the ReLU of one block, see `analysis.feature_maps.block_arithmetic`.

    Args:
        reference: of a network.
        image: reference to a picture; paths: it may be the path of a file.
        place: of the block, such as "stage2.block3".
        data: name of the data set; empty takes the one that the network was trained on.

    Raises:
        UnknownName, RunError, StorageError: a network, picture or block cannot be found or read.
        DataMissing: the data set is not on this machine.
    """
    (net,) = resolved([reference], data=data)
    _, pixels = _picture(net, image, paths)
    return feature_maps.block_arithmetic(net.network, _normalised(net, pixels), place)


def filters(reference: str, layer: str = "", *, data: str = "") -> NDArray[np.float32]:
    """The weights of a convolution, (filters, input channels of a group, height, width).

    Args:
        reference, data: as for `block_arithmetic`.
        layer: name of its module; empty takes the first.

    Raises:
        UnknownName, RunError, StorageError: the network or convolution cannot be found or read.
    """
    (net,) = resolved([reference], data=data)
    first = next(name for name, each in net.network.named_modules() if isinstance(each, torch.nn.Conv2d))
    return feature_maps.filters(net.network, layer or first)


def exciting_images(
    reference: str, place: str = PLACE, channel: int = 0, *, data: str = "", images: int = IMAGES, count: int = 9
) -> ExcitingImages:
    """The test images that excite one channel most, and where in them; other channels then take no further pass.

    Args:
        reference, data: as for `block_arithmetic`.
        place: a block, such as "stage2.block3", for its output; or a convolution on the main path, such as
            "stages.1.0.conv1", for its response, after its norm.
        channel: from 0.
        images: number of test images, balanced over classes, among which to look.
        count: number of images to give.

    Raises:
        UnknownName, RunError, StorageError: the network, block or layer cannot be found or read.
        BadSettings: there is no such channel, or a number is out of range.
        DataMissing: the data set is not on this machine.
    """
    require_between("images", images, 1, MOST_IMAGES)
    require_between("count", count, 1, MOST_SHOWN)
    (net,) = resolved([reference], data=data)
    key = net.identity, place, images
    kept = _excitements.get(key)
    if kept is None:
        chosen, sample = net.test_sample(images)
        found = feature_maps.excitement(net.network, sample, place, of=len(sample))
        kept = found, chosen
        _excitements.keep(key, kept, found.maxima.nbytes + found.positions.nbytes + chosen.nbytes)
    found, chosen = kept
    channels = found.maxima.shape[1]
    if not 0 <= channel < channels:
        raise BadSettings(f"`channel` (={channel}) is not one of {place}, which has 0 to {channels - 1}.")
    names = dataset(net.data).classes
    rows, pixels = [], []
    for rank, index in enumerate(feature_maps.most_exciting(found.maxima[:, channel], count), start=1):
        number = int(chosen[index])
        shown, seen = _picture(net, f"test:{number}", paths=False)
        assert shown.label is not None
        row, column = divmod(int(found.positions[index, channel]), found.columns)
        corner = found.field.corner(column), found.field.corner(row)
        value = float(found.maxima[index, channel])
        rows.append(
            (rank, shown.reference, shown.label, names[shown.label], value, row, column, *corner, found.field.side)
        )
        pixels.append(seen)
    return ExcitingImages(
        place, found.layer, channel, channels, pd.DataFrame(rows, columns=tables.EXCITING), tuple(pixels)
    )


def contributions(reference: str, image: str = "test:0", *, data: str = "", paths: bool = False) -> LogitParts:
    """What each part of a pre-activation network adds to the scores of one picture.

    See `analysis.logit_contributions`. Of more than 10 classes the highest scores and that of the true class are taken.

    Args and errors as for `block_arithmetic`.

    Raises:
        BadSettings: the network is not a pre-activation network.
    """
    (net,) = resolved([reference], data=data)
    require_additive(net.network)
    shown, pixels = _picture(net, image, paths)
    inputs = _normalised(net, pixels)
    with torch.inference_mode():
        scores = net.network.eval()(inputs)[0].float().numpy(force=True)
    order = np.argsort(-scores, kind="stable")
    chosen = sorted({*map(int, order[:MOST_CLASSES]), *([] if shown.label is None else [shown.label])})
    parts, shares = logit_contributions(net.network, inputs, chosen)
    names = dataset(net.data).classes
    places = {name: place for place, name in feature_maps.block_places(net.network).items()}
    rows = [
        (*_part(part, places), label, names[label], float(shares[0, number, column]))
        for number, part in enumerate(parts)
        for column, label in enumerate(chosen)
    ]
    return LogitParts(
        reference=reference,
        network=net.network.config.name,
        image=shown.reference,
        title=shown.title,
        label=shown.label,
        prediction=int(order[0]),
        scores=scores[chosen],
        table=pd.DataFrame(rows, columns=tables.LOGIT_PARTS),
    )


def _part(name: str, places: dict[str, str]) -> tuple[str, int, int, str]:
    """Part, stage, block, name."""
    if name not in places:
        return name, 0, 0, name
    stage, block = places[name].split(".")
    return "block", int(stage.removeprefix("stage")), int(block.removeprefix("block")), name


def _picture(net: ResolvedNetwork, image: str, paths: bool) -> tuple[Picture, NDArray[np.uint8]]:
    """A picture, and its pixels at the network's image size."""
    found = picture(image, data=net.data, image_size=net.image_size, paths=paths)
    return found, fitted(found.pixels, net.image_size, net.network.config.channels)


def _normalised(net: ResolvedNetwork, pixels: NDArray[np.uint8]) -> Tensor:
    return Normalisation.known(net.data, net.image_size, net.normalisation)(pixels[None], net.device)
