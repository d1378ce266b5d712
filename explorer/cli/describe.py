"""Commands that describe and compare networks: describe, diff."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import Positional, arg

from explorer import tables
from explorer.cli.numbers import WRONG_USAGE
from explorer.cli.output import AsCsv, AsJson, message, show, show_table, text_facts, text_table

if TYPE_CHECKING:
    from explorer.models.config import NetworkConfig
    from explorer.models.description import Description

LAYER_COLUMNS = [column for column in tables.DESCRIBED_LAYERS if column not in ("stage", "block")]
PART_COLUMNS = [column for column in tables.DESCRIBED_PARTS if column not in ("stage", "block")]
DIFFERENCE_COLUMNS = [column for column in tables.DIFFERENT_LAYERS if column not in ("layer_a", "layer_b", "differs")]
TOTALS = ("parameters", "multiply_adds", "kept_values", "receptive_field")
BATCH = 128  # images per step, for the memory of training, as in He et al. 2015

Names = Annotated[
    Positional[tuple[str, ...]], arg(metavar="NAME...", help="Such as resnet56, preresnet110, wrn-28-10, resnet50.")
]
Name = Annotated[Positional[str], arg(metavar="NAME", help="Such as resnet56, preresnet110, wrn-28-10, resnet50.")]
Other = Annotated[Positional[str], arg(metavar="OTHER", help="The same.")]
ImageSize = Annotated[int | None, arg(help="Side of the images in pixels; by default the usual one of such networks.")]
Classes = Annotated[int | None, arg(help="Outputs of the classifier; by default 10, with a stem for ImageNet 1000.")]
OtherClasses = Annotated[int | None, arg(help="Of the second network; by default as `--classes`.")]
Channels = Annotated[int, arg(help="Of an image: 3 for colour, 1 for grey.")]


def describe(
    names: Names,
    /,
    *,
    image_size: ImageSize = None,
    classes: Classes = None,
    channels: Channels = 3,
    by: Literal["stage", "block", "layer"] = "stage",
    csv: AsCsv = False,
    json: AsJson = False,
) -> int:
    """Describe networks: shapes, parameters, multiply-adds, receptive fields, memory of training.

    Args:
        by: rows of the text and of --csv; --json has all, of several networks as a list.
    """
    from explorer.models.description import description, sizes

    if not names:
        message("error: name at least one network, such as resnet20. `python -m explorer networks` lists them.")
        return WRONG_USAGE
    configs = [_config(name, classes, channels) for name in names]
    if csv:
        return show_table("rows", sizes(configs, by=by, image_size=image_size), csv=True, json=False)
    columns = LAYER_COLUMNS if by == "layer" else PART_COLUMNS
    found = [description(config, image_size) for config in configs]
    texts = [
        "\n".join([text_facts(_facts(each)), "", text_table(getattr(each, f"{by}s").to_dict("records"), columns)])
        for each in found
    ]
    documents = [_document(each) for each in found]
    return show(documents if len(documents) > 1 else documents[0], "\n\n".join(texts), as_json=json)


def diff(
    name: Name,
    other: Other,
    /,
    *,
    image_size: ImageSize = None,
    classes: Classes = None,
    other_classes: OtherClasses = None,
    channels: Channels = 3,
    csv: AsCsv = False,
    json: AsJson = False,
) -> int:
    """Compare two networks: settings, totals, and layers, those in the same place of a block in one row."""
    from explorer.models.description import differences, layer_differences

    if csv:
        table = layer_differences(
            _config(name, classes, channels),
            _config(other, classes if other_classes is None else other_classes, channels),
            image_size=image_size,
        )
        return show_table("layers", table, csv=True, json=False)
    others = classes if other_classes is None else other_classes
    found = differences(_config(name, classes, channels), _config(other, others, channels), image_size)
    settings, layers = (each.to_dict("records") for each in (found.settings, found.layers))
    sides = {"a": found.a, "b": found.b}
    totals = [{"total": total, **{side: getattr(each, total) for side, each in sides.items()}} for total in TOTALS]
    ends = {side: {"name": each.config.name, "config": each.config.model_dump()} for side, each in sides.items()}
    different = [row for row in layers if row["differs"]]
    parts = [
        text_table([row for row in settings if row["differs"]] or settings[:1], ["setting", "a", "b"]),
        text_table(totals, ["total", "a", "b"]),
        text_table(different, DIFFERENCE_COLUMNS) if different else "",
    ]
    document = ends | {"totals": totals, "settings": settings, "layers": layers}
    show(document, "\n\n".join(filter(None, parts)), as_json=json)
    if not json:
        message(f"{len(different)} of {len(layers)} layers differ")
    return 0


def _config(name: str, classes: int | None, channels: int) -> "NetworkConfig":
    from explorer.models.catalogue import network_config
    from explorer.models.config import NetworkConfig

    settings = network_config(name).model_dump() | {"channels": channels}
    return NetworkConfig(**settings | ({} if classes is None else {"classes": classes}))


def _facts(found: "Description") -> dict[str, Any]:
    known = [row for row in found.totals.to_dict("records") if row["published"]]
    published = {
        f"published {row['total'].replace('_', '-')}": f"{row['published']:,.0f}, here {row['ratio']:.4f} times that "
        f"({row['source']})"
        for row in known
    }
    return {
        "name": found.config.name,
        "kind": found.config.kind,
        "depth": found.config.depth,
        "images": f"{found.image_size}×{found.image_size}, {found.config.channels} channels",
        "classes": found.config.classes,
        "parameters": f"{found.parameters:,}",
        "multiply-adds": f"{found.multiply_adds:,}",
        **published,
        "receptive field": f"{found.receptive_field} pixels a side, at the last convolution",
        f"training, {BATCH} images": f"{found.tensor_bytes(BATCH) / 1e9:.2f} GB of tensors in fp32",
    }


def _document(found: "Description") -> dict[str, Any]:
    return {
        "name": found.config.name,
        "family": found.family,
        "source": found.source,
        "kind": found.config.kind,
        "depth": found.config.depth,
        "image_size": found.image_size,
        "config": found.config.model_dump(),
        **{total: getattr(found, total) for total in TOTALS},
        "tensor_bytes": found.tensor_bytes(BATCH),
        **{table: getattr(found, table).to_dict("records") for table in ("totals", "stages", "blocks", "layers")},
    }
