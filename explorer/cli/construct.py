"""Commands that construct networks from trained ones."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg
from tyro.extras import SubcommandApp

from explorer.cli.output import AsJson, show
from explorer.numerals import percent
from explorer.results import Construction

app = SubcommandApp()

Checkpoint = Annotated[
    Positional[str],
    arg(metavar="CHECKPOINT", help="Id of a run, RUN@STEP, name of a checkpoint, or .safetensors file."),
]


@app.command
def identity(
    checkpoint: Checkpoint, /, *, depth: int = 56, data: str = "", to: Path | None = None, json: AsJson = False
) -> int:
    """Construct a deeper network of the same function by inserting identity blocks (He et al. 2015, section 1).

    It shows that a deeper plain network need not have a higher training error. Continue its training with
    `train --initial`.

    Args:
        depth: of the new network, 6n+2.
        data: data set to compare the two on, if the checkpoint has none.
        to: the .safetensors file to write; by default a checkpoint that is found by its name.
    """
    from explorer.studies.identity import identity as construct

    found = construct(checkpoint, depth, data=data, to=to)
    return show(asdict(found), _text(found), as_json=json)


def _text(found: Construction) -> str:
    return "\n".join(
        [
            f"{found.network} made of {found.source_network}: {found.inserted_blocks} blocks inserted, two layers each",
            f"largest difference of any output on {found.images:,} test images {found.largest_difference:.1e}",
            f"training error {_before_and_after(found.source_train_error, found.train_error)}",
            f"test error {_before_and_after(found.source_test_error, found.test_error)}",
            f"saved as {found.id}: {found.path}",
        ]
    )


def _before_and_after(before: float, after: float) -> str:
    if before == after:
        return f"{percent(before)} before and after"
    return f"{percent(before, 2)} before, {percent(after, 2)} after"
