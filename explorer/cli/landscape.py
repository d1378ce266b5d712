"""Commands for the loss around networks, and for refinement within their stages: landscape, refine."""

from typing import Annotated, Literal

from tyro.conf import arg

from explorer.cli.named_networks import Data, References, references
from explorer.cli.output import AsCsv, AsJson, show, show_table, text_table
from explorer.cli.progress_bar import progress_bar
from explorer.errors import BadSettings
from explorer.processes import wait_passively

Parameters = Annotated[
    tuple[str, ...],
    arg(
        name="parameter",
        metavar="NAME...",
        help="One for each dimension, which alone moves: a weight such as stages.0.0.conv1.weight, or one of its "
        "values, stages.0.0.conv1.weight[3,0,1,1].",
    ),
]


def landscape(
    networks: References,
    /,
    *,
    data: Data = "",
    images: int = 500,
    points: int = 11,
    span: float = 1.0,
    dimensions: Literal[1, 2] = 2,
    seed: int = 0,
    parameters: Parameters = (),
    trajectory: bool = False,
    csv: AsCsv = False,
    json: AsJson = False,
) -> int:
    """Measure the loss around networks along random directions (Li et al. 2018); one line per point.

    Weights of convolutions and of the classifier move by filters of their own norm; norms and biases stay.

    Args:
        images: training images to measure on.
        points: a side of the grid, an odd number; 21 takes four times as long as 11.
        span: to either side of the network; at 1 each filter is moved by one of its own norm.
        dimensions: 1 for a line, 2 for a plane.
        seed: of the directions.
        trajectory: the plane of one run's snapshots instead, and its way through it; --csv gives the way.
    """
    wait_passively()
    from explorer.studies import landscape as study

    named = references(networks)
    if not trajectory:
        with progress_bar("Points"):
            table = study.landscape(
                named,
                data=data,
                images=images,
                points=points,
                span=span,
                dimensions=dimensions,
                seed=seed,
                parameters=parameters,
            )
        return show_table("points", table, csv=csv, json=json)
    if len(named) != 1:
        raise BadSettings(f"A trajectory is that of one run; {len(named)} are named. Name one.")
    with progress_bar("Points"):
        found = study.trajectory(named[0], data=data, images=images, points=points)
    if csv:
        return show_table("moments", found.moments, csv=True, json=False)
    moments, surface = (table.to_dict("records") for table in (found.moments, found.surface))
    first, second = (f"{100 * part:.1f} %" for part in found.explained)
    document = {"id": found.reference, "network": found.network, "explained": found.explained}
    text = f"{text_table(moments, found.moments.columns)}\nexplained variance: {first} along a, {second} along b"
    return show(document | {"moments": moments, "points": surface}, text, as_json=json)


def refine(
    networks: References,
    /,
    *,
    data: Data = "",
    images: int = 500,
    iterated: bool = False,
    stage: int = 0,
    block: int = 0,
    most: int = 5,
    csv: AsCsv = False,
    json: AsJson = False,
) -> int:
    """Measure how the blocks of a stage refine its features; one line per block.

    Gives the cosine of F(x) and the negative loss gradient (Jastrzebski et al. 2018) and the estimation error (Greff et
    al. 2017); with --iterated the error when a block is applied several times in a row.

    Args:
        images: test images to measure on.
        iterated: apply blocks 0, 1, 2, ... times.
        stage: of the iterated block; 0 takes the last block of each stage.
        block: within that stage; 0 takes all of its blocks that keep the shape.
        most: times at most.
    """
    wait_passively()
    from explorer.studies import refinement as study

    named = references(networks)
    with progress_bar("Blocks"):
        if iterated:
            table = study.iterated(named, data=data, images=images, stage=stage, block=block, most=most)
        else:
            table = study.refinement(named, data=data, images=images)
    return show_table("blocks", table, csv=csv, json=json)
