"""Networks constructed from trained ones, saved as checkpoints and compared with their source."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch

from explorer.data.batches import Batches, Sample
from explorer.data.pixels import load_data
from explorer.errors import BadSettings
from explorer.files import storage_errors, temporary_place
from explorer.models.identity import deepened
from explorer.models.network import Network
from explorer.results import Construction
from explorer.runs.checkpoint_facts import CheckpointFacts, checkpoint_facts, checkpoint_file
from explorer.runs.checkpoints import load_checkpoint, save_checkpoint
from explorer.runs.store import checkpoint_folder
from explorer.scratch import temporary_folder
from explorer.training.evaluation import require_channels
from explorer.training.recipe import LAST_TRAIN_IMAGES

STATISTICS_IMAGES = 500  # for mean and variance of the inserted batch norms
COMPARED_IMAGES = 2000  # of the test set; all 10,000 of CIFAR-10 would take a minute


def identity(checkpoint: str | Path, depth: int = 56, *, data: str = "", to: Path | None = None) -> Construction:
    """Insert identity blocks into a trained network: deeper, with the same function.

    It shows that a deeper plain network with the same training error exists. It can be trained further, as
    `Plan.initial`. Computed on the CPU, since accelerators round the products of a convolution to fewer bits, which
    would appear as a difference.

    Args:
        checkpoint: id or path, as for `load_checkpoint`.
        depth: of the new network, 6n+2.
        data: name of the data set; empty takes the checkpoint's.
        to: the .safetensors file to write; None takes the checkpoint folder, with a name made of both networks.

    Raises:
        BadSettings: the depth is not 6n+2 or not greater, the data set is unknown, or `to` cannot be a checkpoint.
        RunError, StorageError: there is no such checkpoint, it is damaged, or the new one cannot be written.
        DataMissing: the data set is not on this machine.

    Source: He et al. 2015, section 1.
    """
    source = load_checkpoint(checkpoint)
    facts = _facts(checkpoint, data)
    batches = _batches(source, facts)
    deeper = deepened(source, depth, torch.cat([images for images, _ in batches.train_sample(STATISTICS_IMAGES)]))
    network, source_network = deeper.config.name, source.config.name
    blocks = 3 * (deeper.config.blocks_per_stage - source.config.blocks_per_stage)
    path = to or checkpoint_folder() / f"{network}-from-{_short_name(checkpoint)}.safetensors"
    _require_new_file(path, checkpoint)
    seen = _comparison(source, deeper, batches.train_sample(LAST_TRAIN_IMAGES))
    unseen = _comparison(source, deeper, batches.test_sample(COMPARED_IMAGES))
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    changes = {
        "network": deeper.config,
        "step": None,
        "train_error": seen.error,
        "test_error": unseen.error,
        "source": f"{source_network} of {checkpoint} with {blocks} identity blocks inserted",
    }
    save_checkpoint(deeper, path, facts.model_copy(update=changes))
    return Construction(
        id=path.stem,
        path=path,
        source=str(checkpoint),
        network=network,
        source_network=source_network,
        inserted_blocks=blocks,
        images=unseen.images,
        largest_difference=unseen.largest_difference,
        train_error=seen.error,
        source_train_error=seen.source_error,
        test_error=unseen.error,
        source_test_error=unseen.source_error,
    )


def compared(checkpoint: str | Path, depth: int) -> Construction:
    """`identity` without keeping the deeper network; its `path` is gone afterwards."""
    folder = temporary_folder(temporary_place(), "constructed")
    try:
        return identity(checkpoint, depth, to=folder / "constructed.safetensors")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _short_name(checkpoint: str | Path) -> str:
    """Name of a checkpoint in the names of others: its id, or its file without folder and suffix."""
    name = str(checkpoint)
    if name.endswith(".safetensors"):
        path = Path(name).absolute()
        name = path.parent.name if path.stem == "checkpoint" else path.stem  # that of a run is in its folder
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)


def _require_new_file(path: Path, checkpoint: str | Path) -> None:
    if path.suffix != ".safetensors":
        raise BadSettings(f"`to` (={path}) does not end in .safetensors, as the weights of a checkpoint do. Add it.")
    old = checkpoint_file(checkpoint)
    if old is not None and old.resolve() == path.resolve():
        raise BadSettings(f"`to` (={path}) is the checkpoint that the network is made from. Choose another file.")


def _facts(checkpoint: str | Path, data: str) -> CheckpointFacts:
    """Facts of a checkpoint; with another data set they have no recipe."""
    facts = checkpoint_facts(checkpoint)
    if not data and not facts.data:
        raise BadSettings(
            f"{checkpoint} does not say which data set it was trained on. Name one: `data` (`--data`), such as digits."
        )
    return facts if data in ("", facts.data) else facts.model_copy(update={"data": data, "recipe": {}})


def _batches(network: Network, facts: CheckpointFacts) -> Batches:
    """The images that a checkpoint was trained on, and the test set."""
    data = load_data(facts.data, facts.recipe.get("image_size"))
    require_channels(network, data)
    return Batches(
        data,
        batch_size=1,
        train_images=facts.recipe.get("train_images"),
        normalisation=facts.normalisation,
        seed=facts.seed or 0,
    )


@dataclass(frozen=True, slots=True)
class _Comparison:
    images: int
    largest_difference: float
    error: float
    source_error: float


def _comparison(source: Network, deeper: Network, sample: Sample) -> _Comparison:
    largest, wrong, source_wrong = 0.0, 0, 0
    with torch.inference_mode():
        for images, labels in sample:
            scores, source_scores = deeper(images), source(images)
            largest = max(largest, float((scores - source_scores).abs().max()))
            wrong += int((scores.argmax(1) != labels).sum())
            source_wrong += int((source_scores.argmax(1) != labels).sum())
    return _Comparison(len(sample), largest, wrong / len(sample), source_wrong / len(sample))
