"""Error, loss and class probabilities of networks in evaluation mode."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import log
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer import progress, tables
from explorer.data.batches import Normalisation, Sample
from explorer.data.catalogue import IMAGENET, DatasetRow, data_for_classes, dataset, no_training_images
from explorer.data.crops import CROPS, ten_crops
from explorer.data.file_pixels import FilePixels
from explorer.data.pixels import Data, load_data
from explorer.errors import BadSettings
from explorer.models.fused import fused
from explorer.models.threads import LEAST_IMAGES, PIXELS, several_at_once
from explorer.models.two_classes import with_class_scores
from explorer.results import Precision


def evaluate(network: nn.Module, data: str | Data, *, split: str = "test", crops: int = 1) -> dict[str, Any]:
    """Error and loss of a network on a data set, computed on the network's device; its mode is restored.

    Args:
        network: its inputs are normalised by its attribute `normalisation`, by default "channel".
        data: a name, or the result of `load_data`, for example at another image size. Pictures of a folder by name are
            resized to the network's usual size, converted to grey for a network with one channel, and labelled with
            ImageNet's classes if the network has 1,000.
        split: "test" or "train".
        crops: 1, the whole image, or 10, see `log_probabilities`.

    Returns:
        error (fraction wrong, top-1), top5_error (the label is not among the five most probable classes; None with
        five classes or fewer), loss (mean cross-entropy, nats), images (how many).

    Raises:
        BadSettings: an unknown split or number of crops, images with other channels than the network takes, or no
            images to train on.
        DataMissing: the data set is not on this machine.
    """
    if split not in ("train", "test"):
        raise BadSettings(f"`split` (={split!r}) is not known. Known: 'train', 'test'.")
    data = _fitting(network, data) if isinstance(data, str) else data
    require_channels(network, data)
    test = split == "test"
    if not test and not len(data.train_labels):
        raise BadSettings(no_training_images(data.title))
    sample = Sample(
        data.test_pixels if test else data.train_pixels,
        data.test_labels if test else data.train_labels,
        Normalisation.of(data, getattr(network, "normalisation", "channel")),
        next(network.parameters()).device,
    )
    predicted = log_probabilities(network, sample, crops=crops)
    labels = torch.tensor(sample.labels)  # a copy: torch warns of arrays that are read-only
    classes = predicted.shape[1]
    in_top = (predicted.topk(min(tables.TOP, classes), dim=1).indices == labels[:, None]).any(1)
    return {
        "error": _fraction(predicted.argmax(1) != labels),
        "top5_error": _fraction(~in_top) if classes > tables.TOP else None,
        "loss": functional.nll_loss(predicted.double(), labels).item(),
        "images": len(sample),
    }


def log_probabilities(network: nn.Module, sample: Sample, *, crops: int = 1) -> Tensor:
    """Log-probabilities of the classes, in float32; the network's mode is restored.

    The probabilities (softmax) of ten crops are averaged, as in Krizhevsky et al. 2012, not the scores before softmax.
    Progress is reported.

    Args:
        network: a classifier, on the device of the sample.
        sample: normalised for the network.
        crops: 1, the whole images, or the 10 of `data.crops.ten_crops` at their size, which for pictures of a folder
            are taken from the uncropped picture.

    Returns:
        (N, classes), on the CPU.

    Raises:
        BadSettings: another number of crops, or ten of pictures of a folder with a mean image as normalisation.
    """
    if crops not in CROPS:
        raise BadSettings(f"`crops` (={crops}) is not known. Known: {', '.join(map(str, CROPS))}.")
    network, side = with_class_scores(network), sample.pixels.shape[1]
    if crops > 1 and isinstance(sample.pixels, FilePixels):
        if sample.normalisation.mean.shape[1] > 1:
            raise BadSettings(
                f"Ten crops are cut from larger pictures, which a mean image of {side} pixels does not fit. Choose "
                "`crops=1`."
            )
        sample = replace(sample, pixels=sample.pixels.uncut)
    together = max(1, max(LEAST_IMAGES, PIXELS // side**2) // crops)  # images in a forward pass
    found: list[Tensor] = []
    done = 0
    with evaluation_mode(network):
        answering = _answering(network, crops * len(sample) * side**2)

        def passed(images: Tensor) -> Tensor:
            with torch.inference_mode():
                views = [images] if crops == 1 else list(ten_crops(images, side))
                each = answering(torch.cat(views)).float().log_softmax(1).view(len(views), len(images), -1)
                mean: Tensor = each.logsumexp(0) - log(len(views))
                return mean.cpu()

        several = answering is not network and sample.device.type == "cpu"
        parts = (part for batch, _ in sample for part in batch.split(together))  # type: ignore[no-untyped-call]
        for each in several_at_once(passed, parts) if several else map(passed, parts):
            found.append(each)
            done += len(each)
            progress.report(done / len(sample))
    return torch.cat(found)


def _fitting(network: nn.Module, name: str) -> Data:
    config = getattr(network, "config", None)
    if config is None or not dataset(name).any_size:
        return load_data(name)
    imagenet = dataset(IMAGENET).classes
    classes = imagenet if config.classes == len(imagenet) else ()
    return load_data(data_for_classes(name, classes, config.channels), config.image_size)


def _answering(network: nn.Module, pixels: int) -> nn.Module:
    """The network, fused if for images of so many pixels that takes less time than it saves."""
    return fused(network) if pixels > PIXELS else network


def _fraction(which: Tensor) -> float:
    return int(which.sum()) / len(which)


def error_and_loss(
    network: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], precision: Precision = "fp32"
) -> tuple[float, float]:
    """Fraction wrong and mean cross-entropy over all images of `batches`; the network's mode is restored."""
    network = with_class_scores(network)
    wrong, loss, count = 0, 0.0, 0
    with torch.inference_mode(), evaluation_mode(network):
        if precision == "fp32" and isinstance(batches, Sample):  # in bf16 the plain pass is quicker
            network = _answering(network, len(batches) * batches.pixels.shape[1] ** 2)
        for images, labels in batches:
            with torch.autocast(images.device.type, torch.bfloat16, enabled=precision == "bf16"):
                scores = network(images)
            wrong += int((scores.argmax(1) != labels).sum())
            loss += float(functional.cross_entropy(scores.float(), labels, reduction="sum"))
            count += len(labels)
            if isinstance(batches, Sample):
                progress.report(count / len(batches))
    return wrong / count, loss / count


@contextmanager
def evaluation_mode(network: nn.Module) -> Iterator[None]:
    """Set evaluation mode, and restore every module's mode, also after an error."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


def require_channels(network: nn.Module, data: Data | DatasetRow) -> None:
    """Raise BadSettings if the channels or classes of a network differ from the data's.

    Of a network of another program only the channels of its first convolution are known before it runs.
    """
    config = getattr(network, "config", None)
    if config is None:
        first = next((each for each in network.modules() if isinstance(each, nn.Conv2d)), None)
        if first is not None and first.groups == 1 and first.in_channels != data.channels:
            raise BadSettings(
                f"{type(network).__name__} takes images of {first.in_channels} channels; {data.title} has "
                f"{data.channels}. Choose other images, or give the network a first convolution of {data.channels}."
            )
        return
    if config.channels != data.channels:
        raise BadSettings(
            f"{config.name} takes images of {config.channels} channels; {data.title} has {data.channels}. "
            f"Choose other images or another network; a new one is built with `channels={data.channels}`."
        )
    if config.classes != len(data.classes):
        kind, _, path = data.name.partition(":")
        other = "imagenet" if config.classes == len(dataset("imagenet").classes) else "cifar10"
        folder = f", or name it {other}:{path}, with subfolders named after its classes" if kind == "folder" else ""
        raise BadSettings(
            f"{config.name} has {config.classes} classes; {data.title} has {len(data.classes)}. "
            f"Choose other images or another network{folder}; a new one is built with `classes={len(data.classes)}`."
        )
