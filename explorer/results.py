"""What studies, measurements and imports give, as frozen records: they cross between processes, so no PyTorch here."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from explorer import tables

Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """What trains on this machine.

    Attributes:
        device: its type, such as "cpu" or "cuda"; name: its model.
        precision: of training on images of 32 x 32 pixels, unless another is asked for.
        threads: of a training process; cores: of the machine.
        torch, python: versions.
    """

    device: str
    name: str
    precision: Precision
    threads: int
    cores: int
    memory_gib: float
    torch: str
    python: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """Expected time of an experiment; start-up (a few seconds) and other work on the machine not counted.

    Attributes:
        seconds: all networks and seeds, with evaluations and looks at the layers.
        step_seconds: one training step, by network name.
        precision: that was measured.
    """

    seconds: float
    step_seconds: dict[str, float]
    precision: Precision


@dataclass(frozen=True, slots=True)
class NetworkCost:
    """What it takes to train a network on this machine.

    Attributes:
        step_seconds: one training step, with what is computed twice where `recomputes` says so.
        evaluation_seconds: one image in evaluation.
        training_bytes: memory of a step: weights, gradients, momentum, and what the backward pass needs of each layer.
        recomputed_bytes: the same where blocks compute their inner results again in the backward pass.
        recomputes: whether they do, since `training_bytes` is too much of `available_bytes`.
        available_bytes: memory at hand now, of the device.
        device: type of what computes; precision: that was measured.
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
    """A written file.

    Attributes:
        reference: of the network; network: its name.
        image_size: side in pixels of the images it takes.
        facts: what is written in it besides the network: name, reference; where known data, classes (names, a JSON
            list), normalisation, mean and std (JSON lists, a value a channel or the mean image, on the 0..1 scale).
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
    """A network made from a trained one, and how the two compare; errors are fractions wrong.

    Attributes:
        id: its name; `load_checkpoint` finds it by that where it was saved beside the runs, else by its path.
        path: the .safetensors file.
        source: id or path of the checkpoint it was made from, `source_network`: the name of the network there.
        inserted_blocks: of two layers each.
        images: test images whose scores were compared, 2,000 of them or all.
        largest_difference: between any score of the two networks on them, absolute.
        train_error: on up to 2,000 of the images that the source was trained on, test_error: on those test images.
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
class Imported:
    """A checkpoint made of somebody else's weights, and what was decided on the way.

    Attributes:
        id: its name; `load_checkpoint` finds it by that.
        path: the .safetensors file.
        network: name of the network.
        data: name of the data set that it is shown; empty where that is not known.
        normalisation: a kind, see `data.normalisations`.
        sample_error: fraction wrong on `sample_images` test images; None where they are not on this machine.
        decisions: what the file does not say and was found out or assumed, one sentence each.
        warnings: what speaks against the result.
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


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """How a network, or several together, do on test images.

    Attributes:
        reference, network, kind, depth, step: the network, see `tables.MEASURED_KEYS`. Of several together reference
            and network say so in words, kind is "ensemble", depth that of the deepest, and step is None.
        data: name of the data set.
        classes: names, in order of label.
        images: how many; crops: views of each, 1 or 10.
        error, standard_error, top5_error, loss, ece: see `analysis.evaluated.summary`.
        seconds: it took, without reading network and images; that of members is part of an ensemble's.
        answers: `tables.EVALUATED`, one row an image, in the order of the test set.
        class_errors, confusion, calibration: tables by these names.
        mistakes: `tables.EVALUATED`, those that it is surest of first.
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
    answers: pd.DataFrame
    class_errors: pd.DataFrame
    confusion: pd.DataFrame
    calibration: pd.DataFrame
    mistakes: pd.DataFrame


@dataclass(frozen=True, slots=True, eq=False)
class Ensemble:
    """Several networks together: the mean of their class probabilities.

    Attributes:
        joint: how they do.
        members: `tables.MEMBERS`, with what the others do without each.
        pairs: `tables.MEMBER_PAIRS`, a and b are references.
        shared: `tables.SHARED_MISTAKES`; the last row are the images that no member has right.
    """

    joint: Evaluation
    members: pd.DataFrame
    pairs: pd.DataFrame
    shared: pd.DataFrame


def evaluation_table(found: Sequence[Evaluation]) -> pd.DataFrame:
    """The columns of `tables.EVALUATIONS`, one row an evaluation."""
    rows = [[getattr(each, column) for column in tables.EVALUATIONS] for each in found]
    return pd.DataFrame(rows, columns=tables.EVALUATIONS)
