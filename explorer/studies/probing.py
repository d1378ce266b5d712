"""Linear probes of networks by reference: after which block the class is known, on average and image by image."""

from collections.abc import Iterator, Sequence

import pandas as pd
from torch import Tensor

from explorer import progress, tables
from explorer.analysis.linear_probes import FEWEST, STRENGTHS, linear_probes
from explorer.analysis.probed_images import probed_images
from explorer.data.batches import Batches, Sample
from explorer.data.catalogue import MOST_IMAGES
from explorer.data.pixels import load_data
from explorer.results import Probing
from explorer.settings import require_between
from explorer.studies.references import resolved

TRAIN_IMAGES, TEST_IMAGES = 2000, 1000


def probing(
    references: Sequence[str],
    *,
    data: str = "",
    train_images: int = TRAIN_IMAGES,
    test_images: int = TEST_IMAGES,
    strengths: Sequence[float] | None = None,
) -> Probing:
    """Errors of linear probes after the stem and after every block, and their predictions for each test image.

    Few images and values of C give a first picture in seconds; the same call with more of them replaces it.

    Args:
        references: of networks, see `studies.references`; RUN@STEP for moments of training.
        data: name of the data set; empty takes the one that each network was trained on, for untrained networks that
            of the first trained one, else the digits.
        train_images: number of training images to fit probes to, balanced over classes.
        test_images: number of test images.
        strengths: values of C to choose from; None takes those of `analysis.linear_probes.STRENGTHS`.

    Raises:
        UnknownName, RunError, StorageError: a network cannot be found or read.
        BadSettings: it does not take these images or has no blocks, no network was named, there are no training images.
        DataMissing: the data set is not on this machine.
    """
    require_between("train_images", train_images, FEWEST, MOST_IMAGES)
    require_between("test_images", test_images, 1, MOST_IMAGES)
    total = len(dict.fromkeys(references))
    errors, images = [], []
    for done, each in enumerate(resolved(references, data=data)):
        with progress.part(done, total):
            batches = Batches(load_data(each.data, each.image_size), batch_size=1, normalisation=each.normalisation,
                              device=each.device, resident=False)  # fmt: skip
            indices, test = each.test_sample(test_images)
            train = batches.train_sample(train_images)
            found = linear_probes(each.network, _reported(train), _reported(test), strengths=strengths or STRENGTHS)
        keys = dict(zip(tables.MEASURED_KEYS, each.keys, strict=True))
        errors.append(found.errors.assign(**keys))
        images.append(probed_images(found.predictions, found.own, found.labels, indices).assign(**keys))
    return Probing(
        pd.concat(errors, ignore_index=True)[[*tables.MEASURED_KEYS, *tables.PROBES]],
        pd.concat(images, ignore_index=True)[[*tables.MEASURED_KEYS, *tables.PROBED_IMAGES]],
    )


def _reported(sample: Sample) -> Iterator[tuple[Tensor, Tensor]]:
    """The batches of a sample, with progress."""
    done = 0
    for images, labels in sample:
        yield images, labels
        done += len(labels)
        progress.report(done / len(sample))
