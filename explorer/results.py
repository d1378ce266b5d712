"""Results of studies, measurements and imports as frozen dataclasses that cross processes; does not import PyTorch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from explorer import tables
from explorer.cards import Shown
from explorer.numerals import percent

Precision = Literal["fp32", "bf16"]
Part = Literal["errors", "class_errors", "confusion", "calibration", "mistakes", "pairs"]  # of evaluations


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """The training device of this machine.

    Attributes:
        device: its type, such as "cpu" or "cuda"; name: its model.
        precision: default for training on images of 32 x 32 pixels.
        threads: of a training process; cores: of the machine.
        torch, python: versions.
    """

    device: str
    name: str
    precision: Precision
    cores: int
    memory_gib: float
    torch: str
    python: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """Expected time of an experiment, without start-up (a few seconds) and other load on the machine.

    Attributes:
        seconds: for all networks and seeds, with evaluations and probes.
        step_seconds: of one training step, by network name.
        precision: with which it was measured.
        lanes: processes that train at the same time; threads: of each.
    """

    seconds: float
    step_seconds: dict[str, float]
    precision: Precision
    lanes: int
    threads: int


@dataclass(frozen=True, slots=True)
class NetworkCost:
    """Time and memory of training a network on this machine.

    Attributes:
        step_seconds: of one training step, with activation checkpointing if `recomputes`.
        evaluation_seconds: of one image in evaluation.
        training_bytes: memory of a step: weights, gradients, momentum, and the activations kept for the backward pass.
        recomputed_bytes: the same with activation checkpointing of blocks.
        recomputes: whether training uses it, since `training_bytes` is too much of `available_bytes`.
        available_bytes: free memory of the device.
        device: its type; precision: with which it was measured.
    """

    step_seconds: float
    evaluation_seconds: float
    training_bytes: int
    recomputed_bytes: int
    recomputes: bool
    available_bytes: int
    device: str
    precision: Precision


@dataclass(frozen=True, slots=True)
class OnnxFile:
    """An exported ONNX file.

    Attributes:
        reference: of the network; network: its name.
        image_size: side in pixels of its input.
        facts: metadata in the file: name, reference; if known data, classes (names, a JSON list), normalisation, mean
            and std (JSON lists, a value per channel or the mean image, on the 0..1 scale).
        bytes: its size.
    """

    path: Path
    reference: str
    network: str
    channels: int
    image_size: int
    classes: int
    facts: dict[str, str]
    bytes: int


@dataclass(frozen=True, slots=True)
class Construction:
    """A deeper network constructed from a trained one, and a comparison of the two; errors are fractions wrong.

    Attributes:
        id: its name; `load_checkpoint` accepts it if the file is in the checkpoint folder, else its path.
        path: the .safetensors file.
        source: id or path of the checkpoint it was made from; source_network: the network's name.
        inserted_blocks: of two layers each.
        images: number of test images whose scores were compared, at most 2,000.
        largest_difference: largest absolute difference between the scores of the two networks.
        train_error: on up to 2,000 of the source's training images; test_error: on those test images.
    """

    id: str
    path: Path
    source: str
    network: str
    source_network: str
    inserted_blocks: int
    images: int
    largest_difference: float
    train_error: float
    source_train_error: float
    test_error: float
    source_test_error: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A network that third-party weights fit, measured on images of its data set.

    Attributes:
        network: its name; what: how it differs from the network that was assumed first, empty for that one.
        normalisation: a kind, see `data.normalisations`.
        loss: mean cross-entropy in nats; error: fraction wrong; both of `images` images, fewer where the candidate was
            clearly worse than another.
        possible: whether it is not clearly worse than the chosen one.
    """

    network: str
    what: str
    normalisation: str
    loss: float
    error: float
    images: int
    possible: bool


@dataclass(frozen=True, slots=True)
class Imported:
    """A checkpoint imported from third-party weights, and the decisions made.

    Attributes:
        id: its name, for `load_checkpoint`.
        path: the .safetensors file.
        network: name of the network.
        data: name of its data set; empty if unknown.
        normalisation: a kind, see `data.normalisations`.
        sample_error: fraction wrong on `sample_images` test images; None if they are not on this machine.
        decisions: what was inferred or assumed since the file does not say it, one sentence each.
        warnings: reasons to doubt the result.
        candidates: the networks of these weights that were compared, the chosen one first; empty where weights show
            everything, or there are no images to measure on.
        weights: which set of weights in the file was taken, see `weights.contents.WeightsFile`; other_weights: the
            others.
    """

    id: str
    path: Path
    network: str
    depth: int
    classes: int
    parameters: int
    data: str
    normalisation: str
    sample_error: float | None
    sample_images: int
    decisions: tuple[str, ...]
    warnings: tuple[str, ...]
    candidates: tuple[Candidate, ...] = ()
    weights: str = ""
    other_weights: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Evaluation(Shown):
    """The evaluation of a network, or of an ensemble, on test images.

    Attributes:
        reference, network, kind, depth, step: the network, see `tables.MEASURED_KEYS`. For an ensemble, reference and
            network are descriptions, kind is "ensemble", depth that of the deepest member, and step is None.
        data: name of the data set.
        classes: names, in order of label.
        images: how many; crops: views of each, 1 or 10.
        error, standard_error, top5_error, loss, ece: see `analysis.evaluated.summary`.
        seconds: time of the evaluation, without reading network and images; an ensemble's includes its members'.
        predictions: `tables.EVALUATED`, one row per image, in the order of the test set.
        class_errors, confusion, calibration: tables by these names.
        mistakes: `tables.EVALUATED`, the most confident first.
    """

    reference: str
    network: str
    kind: str
    depth: int
    step: int | None
    data: str
    classes: tuple[str, ...]
    images: int
    crops: int
    error: float
    standard_error: float
    top5_error: float | None
    loss: float
    ece: float
    seconds: float
    predictions: pd.DataFrame
    class_errors: pd.DataFrame
    confusion: pd.DataFrame
    calibration: pd.DataFrame
    mistakes: pd.DataFrame

    def headline(self) -> str:
        return f"{self.network} on {self.data}: {percent(self.error)} of {self.images:,} images wrong"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Ensemble(Shown):
    """An ensemble of networks, whose class probabilities are averaged.

    Attributes:
        joint: the evaluation of the ensemble.
        members: `tables.MEMBERS`, with the error of the ensemble without each.
        pairs: `tables.MEMBER_PAIRS`, a and b are references.
        shared: `tables.SHARED_MISTAKES`; the last row counts the images that every member misclassifies.
    """

    joint: Evaluation
    members: pd.DataFrame
    pairs: pd.DataFrame
    shared: pd.DataFrame


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Probing(Shown):
    """Linear probes of networks.

    Attributes:
        errors: `tables.MEASURED_KEYS` and `tables.PROBES`, one row per network and point.
        images: `tables.MEASURED_KEYS` and `tables.PROBED_IMAGES`, one row per network and test image.
    """

    errors: pd.DataFrame
    images: pd.DataFrame


def evaluation_table(evaluations: Sequence[Evaluation]) -> pd.DataFrame:
    """The columns of `tables.EVALUATIONS`, one row per evaluation."""
    rows = [[getattr(each, column) for column in tables.EVALUATIONS] for each in evaluations]
    return pd.DataFrame(rows, columns=tables.EVALUATIONS)


def part_table(evaluations: Sequence[Evaluation], part: Part) -> pd.DataFrame:
    """A part of all evaluations, such as "class_errors", after `tables.MEASURED_KEYS`."""
    parts: list[pd.DataFrame] = []
    for each in evaluations:
        rows = getattr(each, part)
        keys = {key: [getattr(each, key)] * len(rows) for key in tables.MEASURED_KEYS}
        parts.append(pd.DataFrame(keys, index=rows.index).join(rows))
    return pd.concat(parts, ignore_index=True)
