"""From which block on each image is classified correctly; does not import PyTorch."""

from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explorer import tables
from explorer.errors import BadSettings

Show = Literal["deep", "early", "lost", "wrong"]


def probed_images(
    predictions: NDArray[np.int64], own: NDArray[np.int64], labels: NDArray[np.int64], indices: NDArray[np.int64]
) -> pd.DataFrame:
    """What the probes of a network predict for each test image, as `tables.PROBED_IMAGES`.

    The point from which all probes agree with the network is the prediction depth of Baldock, Maennel and Neyshabur
    2021 (arXiv 2106.09647), there with nearest neighbours as probes.

    Args:
        predictions: of the probes, (points, images).
        own: of the network, labels: true classes, indices: in the test set, all (images,).
    """
    right = predictions == labels
    columns = (
        *([f"test:{index}" for index in indices], indices, labels, own, predictions[-1]),
        *(_from(right), _from(predictions == own)),
        *(np.where(right.any(0), right.argmax(0), np.nan), right.sum(0)),
    )
    return pd.DataFrame(dict(zip(tables.PROBED_IMAGES, columns, strict=True)))


def _from(holds: NDArray[Any]) -> NDArray[np.float64]:
    """First point from which something holds at all later ones too; NaN where it does not hold at the last."""
    trailing = np.logical_and.accumulate(holds[::-1], axis=0).sum(0)
    return np.where(trailing > 0, len(holds) - trailing, np.nan).astype(float)


def ranked_probed_images(table: pd.DataFrame, *, show: Show) -> pd.DataFrame:
    """The images of one network that answer a question, the clearest cases first.

    Args:
        table: `tables.PROBED_IMAGES` of one network, also after `tables.MEASURED_KEYS`.
        show: "deep", images that the network and its last probe classify correctly, those that need most blocks
            first; "early", the same in reverse order; "lost", images that the network misclassifies though probes
            were right, those with most such probes first; "wrong", misclassified images that no probe has right.

    Raises:
        BadSettings: `show` is none of these.
    """
    wrong = table["prediction"] != table["label"]
    settled = table[~wrong & table["right_from"].notna()]
    if show == "deep":
        return settled.sort_values(["right_from", "right_points", "index"], ascending=[False, True, True])
    if show == "early":
        return settled.sort_values(["right_from", "index"])
    if show == "lost":
        return table[wrong & (table["right_points"] > 0)].sort_values(
            ["right_points", "index"], ascending=[False, True]
        )
    if show == "wrong":
        return table[wrong & (table["right_points"] == 0)].sort_values("index")
    raise BadSettings(f"`show` (={show!r}) is not known. Known: 'deep', 'early', 'lost', 'wrong'.")
