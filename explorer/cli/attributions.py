"""Commands for attribution maps: attribute, attribute-check, attribute-agreement, methods."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, UseAppendAction, arg

from explorer import tables
from explorer.attribution.methods import METHODS
from explorer.cli.method_parameters import parameters_of
from explorer.cli.named_networks import Data, References, references
from explorer.cli.output import AsCsv, AsJson, message, show, show_table, text_facts, text_table
from explorer.cli.progress_bar import progress_bar
from explorer.data.pictures import PHOTOGRAPHS
from explorer.errors import BadSettings, StorageError
from explorer.files import storage_errors, write_bytes_atomically
from explorer.map_results import MissingMap
from explorer.processes import wait_passively
from explorer.studies import map_files, named_maps
from explorer.studies.commands import ALL_BLOCKS

Several = UseAppendAction[tuple[tuple[str, ...], ...]]
PICTURE_HELP = f"The number of a test image, {', '.join(PHOTOGRAPHS)}, or the path of a PNG, JPEG or WebP file."
Images = Annotated[Several, arg(name="image", metavar="REF...", help=f"{PICTURE_HELP} Left out, test image 0.")]
Image = Annotated[str, arg(metavar="REF", help=PICTURE_HELP)]
Methods = Annotated[
    Several, arg(name="method", metavar="METHOD...", help="See the command `methods`. Left out, saliency.")
]
Method = Annotated[str, arg(metavar="METHOD", help="See the command `methods`.")]
Target = Annotated[str, arg(metavar="CLASS")]
Targets = Annotated[tuple[str, ...], arg(name="target", metavar="CLASS...")]
LAYER_HELP = "For methods of a layer: stage2, stage2.block3 or a module; else the last block."
Layer = Annotated[str, arg(metavar="LAYER", help=LAYER_HELP)]
Layers = Annotated[str, arg(name="layer", metavar="LAYER", help=f"{LAYER_HELP} {ALL_BLOCKS}: a map of every block.")]
Settings = Annotated[
    Several,
    arg(
        name="set",
        metavar="NAME=VALUE...",
        help="Parameters, for every method that has one of that name, such as steps=32 baseline=blur, or for one: "
        "occlusion.window=4.",
    ),
]

CURVES = ("deletion", "random_deletion", "insertion", "random_insertion", "verdict")  # of a check, in JSON
SHOWN = [column for column in tables.ATTRIBUTION_SCORES if column not in ("kind", "depth", "score")]


def methods(*, json: AsJson = False) -> int:
    """List the attribution methods with their parameters; --json also gives what their maps mean."""
    facts = ("title", "scope", "parameters", "needs", "means", "limits", "source")
    document = [{"name": name} | {fact: asdict(row)[fact] for fact in facts} for name, row in METHODS.items()]
    defaults = {name: [f"{each.name}={each.default}" for each in row.parameters] for name, row in METHODS.items()}
    rows = [row | {"parameters": defaults[str(row["name"])]} for row in document]
    return show(document, text_table(rows, ["name", "title", "scope", "parameters", "source"]), as_json=json)


def attribute(
    networks: References,
    /,
    *,
    images: Images = (),
    methods: Methods = (),
    targets: Targets = (),
    layer: Layers = "",
    settings: Settings = (),
    data: Data = "",
    out: Annotated[Path | None, arg(metavar="FOLDER")] = None,
    csv: AsCsv = False,
    json: AsJson = False,
) -> int:
    """Explain the scores of networks for pictures by attribution maps; one line per map.

    If a method cannot run on a network, the column `failure` gives the reason, and the others are computed.

    Args:
        targets: classes whose scores are explained, by name or number; by default what each network predicts.
        out: folder for the maps (maps.npz), the grid (grid.png, grid.html) and the table (scores.csv).
    """
    given = parameters_of(_flat(methods) or ["saliency"], _flat(settings))
    if out is not None and out.exists() and not out.is_dir():
        raise StorageError(f"{out} is a file. Give a folder with `--out`; it is created if needed.")
    wait_passively()
    with progress_bar("Maps"):
        maps = named_maps.maps(
            references(networks), images=_flat(images) or ["0"], methods=given, target=targets, layer=layer, data=data
        )
    table = map_files.scores(maps)
    columns = [name for name in SHOWN if table[name].replace("", None).notna().any()]
    show_table("maps", table, csv=csv, json=json, columns=columns)
    failures = [each.failure for each in maps if isinstance(each, MissingMap)]
    if len(failures) == len(maps):
        message(f"error: {failures[0]}")
        return 1
    if out is not None:
        _write(out, maps)
    return 0


def check(
    network: Annotated[Positional[str], arg(metavar="NETWORK")],
    /,
    *,
    image: Image = "0",
    method: Method = "saliency",
    target: Target = "",
    layer: Layer = "",
    settings: Settings = (),
    data: Data = "",
    csv: AsCsv = False,
    json: AsJson = False,
) -> int:
    """Check whether a map can be trusted.

    Areas under deletion and insertion curves compared with those of the shifted map, infidelity, sensitivity,
    convergence delta, and similarity of the map as layers are randomised from the top down.

    Args:
        target: class whose score is explained, by name or number; by default what the network predicts.
    """
    given = parameters_of([method], _flat(settings))[method]
    name, *others = references([network])
    if others:
        raise BadSettings(f"{network} has {1 + len(others)} networks. One map is checked at a time: name one of them.")
    wait_passively()
    with progress_bar("Checks"):
        found = named_maps.check(
            name, image=image, method=method, parameters=given, target=target, layer=layer, data=data
        )
    if csv:
        return show_table("randomisation", found.randomisation, csv=True, json=False)
    (row,) = map_files.scores([found.map]).to_dict("records")
    delta, curves, infidelity, table = found.map.delta, found.curves, found.infidelity, found.randomisation
    stages = table.to_dict("records")
    document = {
        "map": row,
        **{name: getattr(curves, name) for name in CURVES},
        "infidelity": infidelity.value,
        "unexplained": infidelity.unexplained,
        "sensitivity": found.sensitivity,
        "delta": delta,
        "badge": found.badge,
        "randomisation": stages,
        "curves": curves.table.to_dict("records"),
    }
    similarity = table.loc[table["randomised"] > 0, "rank_correlation"].mean()
    facts = {name: row[name] for name in ("reference", "image", "method", "target", "target_probability")} | {
        "deletion": f"{curves.deletion:.4g}, shifted {_span(curves.random_deletion)}; lower is better",
        "insertion": f"{curves.insertion:.4g}, shifted {_span(curves.random_insertion)}; higher is better",
        "both": f"{curves.verdict.replace('_', ' ')}, compared with the same map shifted at random",
        "unexplained": f"{infidelity.unexplained:.4g} of the change of the score; 0 is best (infidelity)",
        "sensitivity": f"{found.sensitivity:.4g}; the largest relative change of the map for a close neighbour",
        "delta": "-" if delta is None else f"{delta:.4g}; the sum of the values minus what it should be",
        "randomisation": f"{found.badge.replace('_', ' ')}: mean rank correlation {similarity:.2f} with random weights",
    }
    return show(document, f"{text_facts(facts)}\n\n{text_table(stages, tables.RANDOMISATION)}", as_json=json)


def agreement(
    networks: References,
    /,
    *,
    methods: Methods = (),
    images: int = 20,
    image: Annotated[str, arg(metavar="REF", help="One picture instead, as for the command `attribute`.")] = "",
    target: Target = "",
    layer: Layer = "",
    settings: Settings = (),
    data: Data = "",
    csv: AsCsv = False,
    json: AsJson = False,
) -> int:
    """Compare the maps of several networks under one method, or those of several methods for one network.

    Rank correlation, overlap of the highest tenth of the positions, and structural similarity, one line per pair; means
    and standard deviations over images.

    Args:
        images: number of test images, balanced over classes.
        target: class whose score is explained, by name or number; by default the true one.
    """
    given = parameters_of(_flat(methods) or ["saliency"], _flat(settings))
    wait_passively()
    with progress_bar("Maps"):
        table = named_maps.agreement(
            references(networks), methods=given, images=images, image=image, target=target, layer=layer, data=data
        )
    place = {name: number for number, name in enumerate(dict.fromkeys(table["a"]))}
    once = table["a"].map(place) < table["b"].map(place)  # all ordered pairs for programs, each pair once for people
    shown = table if csv or json else table[once]
    columns = [name for name in tables.MEAN_AGREEMENT if shown[name].notna().any()]
    return show_table("pairs", shown, csv=csv, json=json, columns=columns)


def _flat(several: Sequence[Sequence[str]]) -> list[str]:
    """Distinct values of an option that can be repeated and takes several values."""
    return list(dict.fromkeys(each for group in several for each in group))


def _write(folder: Path, maps: Sequence[map_files.Map]) -> None:
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    files = {
        "maps.npz": map_files.npz(maps),
        "grid.png": map_files.png(maps),
        "grid.html": map_files.html(maps).encode(),
        "scores.csv": map_files.scores(maps).to_csv(index=False).encode(),
    }
    for name, content in files.items():
        write_bytes_atomically(folder / name, content)
        message(f"Wrote {folder / name}")


def _span(values: Sequence[float]) -> str:
    return f"{min(values):.4g} to {max(values):.4g}"
