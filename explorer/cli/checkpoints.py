"""Commands on checkpoints: list, import, export, delete, and load for torchvision's weights."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import Positional, arg
from tyro.extras import SubcommandApp

from explorer.cli.output import AsCsv, AsJson, show, show_table, text_table
from explorer.cli.progress_bar import progress_bar
from explorer.export.weights import export_checkpoint, export_state_dict
from explorer.numerals import percent
from explorer.processes import wait_passively
from explorer.results import Imported
from explorer.runs import kept
from explorer.runs.comparison import comparison
from explorer.weights.torchvision import WEIGHTS

app = SubcommandApp()

Id = Annotated[Positional[str], arg(metavar="ID", help="Id of a run, or name of a checkpoint.")]
File = Annotated[
    Positional[Path],
    arg(metavar="FILE", help="A file written by torch.save (.pt, .pth, .th, .ckpt, ...), or .safetensors."),
]
NAME_HELP = f"Weights of torchvision: {', '.join(WEIGHTS)}."


@app.command(name="list")
def list_all(*, csv: AsCsv = False, json: AsJson = False) -> int:
    """List all checkpoints: imported, constructed, of runs, and shipped with the program."""
    table = kept.checkpoint_table()
    if csv:
        return show_table("checkpoints", table, csv=True, json=False)
    rows = table.to_dict("records")
    return show(
        rows, text_table(rows, [name for name in kept.COLUMNS if name not in ("source", "classes")]), as_json=json
    )


@app.command
def compare(*, csv: AsCsv = False, json: AsJson = False) -> int:
    """Compare all checkpoints: size, test error, and the published error of the same network."""
    return show_table("checkpoints", comparison(), csv=csv, json=json)


@app.command(name="import")
def import_file(
    path: File,
    /,
    *,
    name: str = "",
    network: str = "",
    data: str = "",
    normalisation: str = "",
    classes: str = "",
    head: str = "",
    weights: str | None = None,
    overwrite: bool = False,
    json: AsJson = False,
) -> int:
    """Import third-party weights: nothing in the file is executed, all assumptions are printed.

    Args:
        name: of the checkpoint; by default the file's.
        network: name such as plain20, if the weights fit several; by default inferred from their shapes.
        data: data set it was trained on; by default inferred from the numbers of classes and channels.
        normalisation: of the images it was trained on, such as channel, imagenet or cifar10; by default measured.
        classes: names in order of class, separated by commas; by default the data set's.
        head: last layer of the head to take, such as fc, if there are several.
        weights: which of several sets of weights in the file, such as model_ema; by default the first that fits.
        overwrite: replace a checkpoint of the same name.
    """
    wait_passively()
    from explorer.weights.importing import import_checkpoint

    with progress_bar("Importing"):
        found = import_checkpoint(
            path,
            name=name,
            network=network,
            data=data,
            normalisation=normalisation,
            classes=tuple(each.strip() for each in classes.split(",")) if classes else (),
            head=head,
            weights=weights,
            overwrite=overwrite,
        )
    return _show(found, json=json)


@app.command
def export(
    identity: Id,
    target: Positional[Path] = Path(),
    /,
    *,
    format_: Annotated[Literal["explorer", "torchvision", "timm"], arg(name="format")] = "explorer",
    json: AsJson = False,
) -> int:
    """Copy a checkpoint: weights as .safetensors, metadata as .json, a model card as README.md.

    Or write its weights as a state dict for torchvision or timm, where these have the same network.

    Args:
        target: the .safetensors file, or a folder in which it is named after the checkpoint; for a state dict also a
            .pth or .pt file.
        format_: explorer: as they are; torchvision, timm: under the keys of that library.
    """
    if format_ == "explorer":
        found = export_checkpoint(identity, target)
    else:
        wait_passively()
        found = export_state_dict(identity, format_, target)
    card = None if found.card is None else found.card.resolve()
    document = {"id": identity, "path": found.path.resolve(), "format": format_, "card": card, "code": found.code}
    lines = [str(found.path), *([f"Model card: {found.card}"] if found.card else []), f"Load it with: {found.code}"]
    return show(document, "\n".join(lines), as_json=json)


@app.command
def delete(identity: Id, /, *, json: AsJson = False) -> int:
    """Delete an imported or constructed checkpoint."""
    kept.delete_checkpoint(identity)
    return show({"id": identity, "deleted": True}, f"Deleted {identity}.", as_json=json)


def load(
    name: Annotated[Positional[str], arg(metavar="NAME", help=NAME_HELP)],
    /,
    *,
    file: Path | None = None,
    overwrite: bool = False,
    json: AsJson = False,
) -> int:
    """Save torchvision's weights of a network as a checkpoint; downloaded once, and verified by their checksum.

    Args:
        file: use this file instead of a download.
        overwrite: replace an existing checkpoint.
    """
    wait_passively()
    from explorer.weights.torchvision import load_pretrained

    with progress_bar("Loading"):
        found = load_pretrained(name, file, overwrite=overwrite)
    return _show(found, json=json)


def _show(found: Imported, *, json: bool) -> int:
    return show(asdict(found), _text(found), as_json=json)


def _text(found: Imported) -> str:
    facts: list[Any] = [
        f"{found.id}: {found.network}, {found.parameters:,} parameters, {found.classes:,} classes",
        *found.decisions,
    ]
    if found.sample_error is not None:
        facts.append(f"Error on {found.sample_images} test images: {percent(found.sample_error)}.")
    facts += [f"Warning: {each}" for each in found.warnings]
    if found.candidates:
        rows = [
            {"network": each.network, "difference": each.what, "loss": f"{each.loss:.3g}",
             "error": percent(each.error), "images": each.images}
            for each in found.candidates
        ]  # fmt: skip
        facts.append(f"Networks with the same weights:\n{text_table(rows, list(rows[0]))}")
    return "\n".join([*facts, f"saved as {found.id}: {found.path}"])
