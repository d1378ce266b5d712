"""Export of networks to ONNX files, with the metadata needed to prepare their input."""

import json
from contextlib import suppress
from pathlib import Path

from torch import Tensor

from explorer.data.batches import Normalisation
from explorer.data.catalogue import dataset, side_in_training
from explorer.data.normalisations import normalisation_row
from explorer.errors import BadSettings, ExplorerError
from explorer.files import write_bytes_atomically
from explorer.models.network import build
from explorer.models.onnx_export import onnx_model
from explorer.results import OnnxFile
from explorer.runs.checkpoint_facts import CheckpointFacts, checkpoint_facts, is_untrained
from explorer.runs.checkpoints import load_checkpoint


def export_onnx(reference: str | Path, path: str | Path, *, image_size: int | None = None) -> OnnxFile:
    """Write a network as ONNX: input "images" (N, channels, side, side), normalised; output "scores" (N, classes).

    Args:
        reference: a run or checkpoint, as for `load_checkpoint`, or a name such as "resnet56" for an untrained network.
        path: the .onnx file.
        image_size: side in pixels; None takes that of its training, else the usual one of such networks.

    Raises:
        UnknownName, RunError: there is no such network, run or checkpoint.
        BadSettings: `path` does not end in .onnx; see `models.onnx_export.onnx_model`.
        StorageError: the weights cannot be read, or the file cannot be written.
    """
    path = Path(path)
    if path.suffix != ".onnx":
        raise BadSettings(f"`path` (={path}) does not end in .onnx. Add that.")
    untrained = is_untrained(str(reference))
    known = None if untrained else checkpoint_facts(reference)
    network = build(str(reference)) if untrained else load_checkpoint(reference)
    config = network.config
    side = image_size
    if side is None:
        side = (side_in_training(known.data, known.recipe) if known else None) or config.image_size
    facts = {"name": config.name, "reference": str(reference)} | (_of_training(known) if known else {})
    content = onnx_model(network, side, facts=facts)
    write_bytes_atomically(path, content)
    return OnnxFile(path, str(reference), config.name, config.channels, side, config.classes, facts, len(content))


def _of_training(known: CheckpointFacts) -> dict[str, str]:
    classes = list(known.classes)
    with suppress(ExplorerError):
        classes = classes or list(dataset(known.data).classes)
    facts = {
        "data": known.data,
        "classes": json.dumps(classes) if classes else "",
        "normalisation": known.normalisation,
    }
    with suppress(ExplorerError):  # the images to measure it on are not on this machine
        mean, std = _mean_and_std(known)
        facts |= {"mean": json.dumps(mean), "std": json.dumps(std)}
    return {name: value for name, value in facts.items() if value}


def _mean_and_std(known: CheckpointFacts) -> tuple[list[float], list[float]]:
    """Mean and std per channel on the 0..1 scale; a mean image is nested lists (C, H, W)."""
    row = normalisation_row(known.normalisation)
    if not row.measured:
        times = known.network.channels // len(row.mean)  # a single number applies to every channel
        return list(row.mean * times), list(row.std * times)
    kind, _, other = known.normalisation.partition(":")
    measured = Normalisation.known(other or known.data, None if other else known.recipe.get("image_size"), kind)
    return _values(measured.mean), _values(measured.std)


def _values(tensor: Tensor) -> list[float]:
    values: list[float] = (tensor[:, 0, 0] if tensor.shape[1:] == (1, 1) else tensor).tolist()
    return values
