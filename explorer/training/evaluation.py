"""Error and loss of a network on images it is not trained on at that moment."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.data.batches import Batches
from explorer.data.catalogue import DatasetRow
from explorer.data.pixels import Data, load_data
from explorer.errors import BadSettings
from explorer.training.devices import Precision


def evaluate(network: nn.Module, data: str | Data, *, split: str = "test") -> dict[str, Any]:
    """How a network does on a whole data set, on the device it is on; its mode is restored.

    Args:
        network: normalised inputs are chosen by its `normalisation`, "channel" where it has none.
        data: a name or what `load_data` gave (of another image size, say).
        split: "test" or "train".

    Returns:
        error (fraction wrong, top-1), loss (mean cross-entropy, nats), images (how many).

    Raises:
        BadSettings: an unknown split, or images with other channels than the network takes.
        DataMissing: the data set is not on this machine.
    """
    if split not in ("train", "test"):
        raise BadSettings(f"`split` (={split!r}) is not known. Known: 'train', 'test'.")
    data = load_data(data) if isinstance(data, str) else data
    require_channels(network, data)
    batches = Batches(
        data,
        batch_size=1,
        normalisation=getattr(network, "normalisation", "channel"),
        device=next(network.parameters()).device,
    )
    sample = batches.test_set() if split == "test" else batches.train_sample(len(data.train_labels))
    error, loss = error_and_loss(network, sample)
    return {"error": error, "loss": loss, "images": len(sample)}


def error_and_loss(
    network: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], precision: Precision = "fp32"
) -> tuple[float, float]:
    """Fraction wrong and mean cross-entropy over all images of `batches`; the network's mode is restored."""
    wrong, loss, count = 0, 0.0, 0
    with torch.inference_mode(), evaluation_mode(network):
        for images, labels in batches:
            with torch.autocast(images.device.type, torch.bfloat16, enabled=precision == "bf16"):
                scores = network(images)
            wrong += int((scores.argmax(1) != labels).sum())
            loss += float(functional.cross_entropy(scores.float(), labels, reduction="sum"))
            count += len(labels)
    return wrong / count, loss / count


@contextmanager
def evaluation_mode(network: nn.Module) -> Iterator[None]:
    """Batch norm with its running statistics; every module's mode is restored, also after an error."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


def require_channels(network: nn.Module, data: Data | DatasetRow) -> None:
    """Raise BadSettings where a network of ours cannot take the data's images or tell its classes apart."""
    config = getattr(network, "config", None)
    if config is None:
        return
    if config.channels != data.channels:
        raise BadSettings(
            f"{config.name} takes images of {config.channels} channels; {data.title} has {data.channels}. "
            f"Build it with `channels={data.channels}`."
        )
    if config.classes != len(data.classes):
        raise BadSettings(
            f"{config.name} has {config.classes} classes; {data.title} has {len(data.classes)}. "
            f"Build it with `classes={len(data.classes)}`."
        )
