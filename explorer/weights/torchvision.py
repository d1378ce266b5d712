"""Torchvision's weights as checkpoints: downloaded on request or read from a file, and checked."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from explorer import progress
from explorer.data.archive import Archive
from explorer.errors import BadSettings, DataMissing, StorageError, UnknownName
from explorer.files import storage_errors
from explorer.models.names import normalised_name
from explorer.registry import lookup
from explorer.results import Imported
from explorer.runs.checkpoint_facts import checkpoint_file
from explorer.runs.store import checkpoint_folder
from explorer.seals import sha256_of

ADDRESS = "https://download.pytorch.org/models"
RESIZED = 256  # shorter side in pixels of resized pictures here, before the central crop of 224
MIB = 1 << 20  # bytes; torchvision gives sizes in MiB, to three decimals


@dataclass(frozen=True, slots=True)
class WeightsRow:
    """Weights that torchvision publishes, trained on ImageNet.

    Attributes:
        name: of the network in torchvision.
        version: in torchvision; 2 has weights of its longer recipe with more augmentation, 1 the earlier ones. Only
            resnext101-64x4d has the longer recipe in version 1.
        sha256: its first digits, which are part of the file's name.
        mebibytes: size of the file.
        error, top5_error: on ImageNet's validation images, one central crop, as published by torchvision.
        resized: shorter side in pixels of resized pictures in torchvision, before the central crop of 224.
    """

    name: str
    version: int
    sha256: str
    mebibytes: float
    error: float
    top5_error: float
    resized: int = RESIZED

    @property
    def key(self) -> str:
        """Name for `load`: resnet50, resnet50-v2."""
        return f"{normalised_name(self.name)}{'-v2' if self.version == 2 else ''}"

    @property
    def file(self) -> str:
        return f"{self.name}-{self.sha256}.pth"

    @property
    def enum(self) -> str:
        """Name of these weights in torchvision."""
        return f"IMAGENET1K_V{self.version}"

    @property
    def longer_recipe(self) -> bool:
        """Whether they were trained with torchvision's own recipe, not one like the paper's."""
        return self.version == 2 or self.name == "resnext101_64x4d"

    @property
    def bytes(self) -> int:
        """Approximate size of the file."""
        return round(self.mebibytes * MIB)

    @property
    def id(self) -> str:
        """Id of the checkpoint made from it."""
        return f"torchvision-{self.key}"


# Source: the weights' metadata of torchvision 0.29, `torchvision.models.get_model_weights`
_ROWS = (
    WeightsRow("resnet18", 1, "f37072fd", 44.661, 0.30242, 0.10922),
    WeightsRow("resnet34", 1, "b627a593", 83.275, 0.26686, 0.0858),
    WeightsRow("resnet50", 1, "0676ba61", 97.781, 0.2387, 0.07138),
    WeightsRow("resnet50", 2, "11ad3fa6", 97.79, 0.19142, 0.04566, 232),
    WeightsRow("resnet101", 1, "63fe2227", 170.511, 0.22626, 0.06454),
    WeightsRow("resnet101", 2, "cd907fc2", 170.53, 0.18114, 0.0422, 232),
    WeightsRow("resnet152", 1, "394f9c45", 230.434, 0.21688, 0.05954),
    WeightsRow("resnet152", 2, "f82ba261", 230.474, 0.17716, 0.03998, 232),
    WeightsRow("resnext50_32x4d", 1, "7cdf4587", 95.789, 0.22382, 0.06302),
    WeightsRow("resnext50_32x4d", 2, "1a0047aa", 95.833, 0.18802, 0.0466, 232),
    WeightsRow("resnext101_32x8d", 1, "8ba56ff5", 339.586, 0.20688, 0.05474),
    WeightsRow("resnext101_32x8d", 2, "110c445d", 339.673, 0.17166, 0.03772, 232),
    WeightsRow("resnext101_64x4d", 1, "173b62eb", 319.318, 0.16754, 0.03546, 232),
    WeightsRow("wide_resnet50_2", 1, "95faca4d", 131.82, 0.21532, 0.05914),
    WeightsRow("wide_resnet50_2", 2, "9ba9bcbe", 263.124, 0.18398, 0.04242, 232),
    WeightsRow("wide_resnet101_2", 1, "32ee1156", 242.896, 0.21152, 0.05716),
    WeightsRow("wide_resnet101_2", 2, "d733dc28", 484.747, 0.1749, 0.0398, 232),
    WeightsRow("densenet121", 1, "a639ec97", 30.845, 0.25566, 0.08028),
    WeightsRow("densenet161", 1, "8d451a50", 110.369, 0.22862, 0.0644),
    WeightsRow("densenet169", 1, "b2777c0a", 54.708, 0.244, 0.07194),
    WeightsRow("densenet201", 1, "c1103571", 77.373, 0.23104, 0.0663),
)
WEIGHTS: dict[str, WeightsRow] = {row.key: row for row in _ROWS}


def weights_row(name: str) -> WeightsRow:
    """The row of a name, in torchvision's spelling or in ours.

    Raises:
        UnknownName: torchvision has no such weights.
    """
    try:
        return lookup(WEIGHTS, normalised_name(name), "network with weights of torchvision")
    except UnknownName as error:
        raise UnknownName(f"{error} Other weights: `checkpoints import FILE`.") from None


def weights_file(row: WeightsRow) -> Path:
    """Path of the downloaded file, which need not exist."""
    return checkpoint_folder() / ".downloads" / row.file


def download(row: WeightsRow) -> Iterator[tuple[int, int]]:
    """Download a file unless an intact one exists; yields (bytes so far, approximate total).

    An interrupted download is continued. The environment variable `EXPLORER_MIRROR` names another web folder.

    Raises:
        StorageError: no connection, the wrong file, another process downloads it, or the disk is full or read-only.
    """
    target = weights_file(row)
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(target.with_suffix(".lock"), timeout=0):
            if target.exists() and not _fault(row, target):
                yield row.bytes, row.bytes
            else:
                yield from _downloaded(row, target)
    except Timeout:
        raise StorageError(f"{row.file} is already being downloaded by another process. Wait for it.") from None


def _downloaded(row: WeightsRow, target: Path) -> Iterator[tuple[int, int]]:
    part = target.with_suffix(".part")
    # the size is rounded to three decimals of a MiB: the file may be some hundred bytes smaller
    archive = Archive(
        title=row.file, url=f"{ADDRESS}/{row.file}", md5="", size=row.bytes - MIB // 1000, folder="", files={}
    )
    try:
        with storage_errors(part):
            for so_far in archive.fetch(part):
                yield so_far, row.bytes
    except DataMissing as error:
        raise StorageError(
            f"{error.reason}. Start it again, it goes on where it stopped; or get the file elsewhere and name it: "
            f"`load {row.key} --file {row.file}`."
        ) from None
    if fault := _fault(row, part):
        part.unlink()
        raise StorageError(f"What arrived from {archive.address()} is not {row.file}: {fault}. Start it again.")
    with storage_errors(target):
        part.replace(target)


def load_pretrained(name: str, file: str | Path | None = None, *, overwrite: bool = False) -> Imported:
    """Save weights of torchvision as a checkpoint; reports progress.

    Args:
        name: in `WEIGHTS`, such as "resnet50" or "resnet50-v2"; also in torchvision's spelling.
        file: path of an already downloaded file; None downloads it.
        overwrite: replace an existing checkpoint.

    Raises:
        UnknownName: torchvision has no such weights.
        StorageError: the download failed, or the file is not the one that torchvision publishes.
        BadSettings: the checkpoint exists already.
    """
    from explorer.weights.importing import import_checkpoint  # imports torch, which listing names does not need
    from explorer.weights.reading import regular_file

    row = weights_row(name)
    if not overwrite and checkpoint_file(row.id) is not None:
        raise BadSettings(f"There is a checkpoint {row.id} already. Use that, or say `overwrite` to replace it.")
    if file is None:
        with progress.part(0, 2):
            for so_far, total in download(row):
                progress.report(so_far / total)
    path = weights_file(row) if file is None else regular_file(file)[0]
    if file is not None and (fault := _fault(row, path)):
        raise StorageError(
            f"{path} is not {row.file} as torchvision publishes it: {fault}. Import it as any other file: "
            "`checkpoints import FILE`."
        )
    with progress.part(1, 2):
        found = import_checkpoint(
            path,
            name=row.id,
            network=normalised_name(row.name),
            data="imagenet",
            normalisation="imagenet",
            source=f"torchvision's {row.name}, weights {row.enum}, whose published ImageNet error is {row.error:.4f} "
            f"(top-5 {row.top5_error:.4f})",
            overwrite=overwrite,
        )
    if file is None:
        with suppress(OSError):
            path.unlink()  # the checkpoint holds the same numbers
    if row.resized == RESIZED:
        return found
    note = (
        f"torchvision resizes to {row.resized} for these weights, here {RESIZED}: the error may differ a little from "
        "the published one."
    )
    return replace(found, decisions=(*found.decisions, note))


def _fault(row: WeightsRow, path: Path) -> str:
    """What is wrong with a file; empty if its sha256 starts with the digits in its name."""
    found = sha256_of(path)
    return "" if found.startswith(row.sha256) else f"its sha256 begins with {found[:8]}, not {row.sha256}"
