"""Description of a network from its configuration, and differences of two networks; imports no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

import pandas as pd

from explorer import tables
from explorer.cards import Shown
from explorer.models.activations import TRANSIENT, kept_values
from explorer.models.catalogue import NETWORKS, NetworkRow, network_config
from explorer.models.config import NetworkConfig
from explorer.models.receptive_field import receptive_fields
from explorer.models.structure import BlockShape, block_shapes, layer_shapes

BYTES = 4  # of an fp32 value
SUMMED = ("parameters", "multiply_adds", "kept_values")
COMPARED = ("layer", "parameters", "multiply_adds")  # in the order of `tables.DIFFERENT_LAYERS`
OPTIONAL = ("layer", "receptive_field", "jump")
STATES = 3  # values per parameter: itself, its gradient, its momentum


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Description(Shown):
    """Sizes and costs of a network.

    Attributes:
        config: its configuration.
        image_size: side in pixels of the images that the counts are for.
        family, source: of the catalogue's row of this name; empty without one.
        parameters: number of trainable parameters.
        multiply_adds: for one image; batch norm, ReLU, pooling and sums not counted.
        kept_values: values that a training step keeps for each image until its backward pass.
        totals: `tables.TOTALS`, with the numbers that the source reports.
        layers: `tables.DESCRIBED_LAYERS`.
        blocks, stages: `tables.DESCRIBED_PARTS`.
    """

    config: NetworkConfig
    image_size: int
    family: str
    source: str
    parameters: int
    multiply_adds: int
    kept_values: int
    totals: pd.DataFrame
    layers: pd.DataFrame
    blocks: pd.DataFrame
    stages: pd.DataFrame

    @property
    def receptive_field(self) -> int:
        """Side of the receptive field of the last convolution, in pixels of the image."""
        convolutions = self.layers[(self.layers["kernel"] > 0) & self.layers["layer"].notna()]
        return int(convolutions["receptive_field"].iloc[-1])

    def tensor_bytes(self, batch_size: int) -> int:
        """Bytes of the tensors of a training step in fp32, without the overhead of kernels and the allocator."""
        largest = int((self.layers["width"] * self.layers["side"] ** 2).max())
        return BYTES * (STATES * self.parameters + batch_size * (self.kept_values + TRANSIENT * largest))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Differences(Shown):
    """Two networks compared; layers at the same place of the same block are in one row.

    Attributes:
        a, b: the networks.
        settings: `tables.DIFFERENT_SETTINGS`.
        layers: `tables.DIFFERENT_LAYERS`.
    """

    a: Description
    b: Description
    settings: pd.DataFrame
    layers: pd.DataFrame


def description(config: NetworkConfig, image_size: int | None = None) -> Description:
    """Sizes and costs of a network, by layer, block and stage.

    Args:
        image_size: side in pixels; None takes `config.image_size`.

    Raises:
        BadSettings: the network cannot take images of this size.
    """
    size = config.image_size if image_size is None else image_size
    layers = _layers(config, size)
    row = NETWORKS.get(config.name)
    sums = {column: sum(layer[column] for layer in layers) for column in SUMMED}
    shapes = block_shapes(config)
    return Description(
        config=config,
        image_size=size,
        family=row.family if row else "",
        source=row.source if row else "",
        **sums,
        totals=_totals(config, size, sums, row),
        layers=pd.DataFrame(layers, columns=tables.DESCRIBED_LAYERS).astype(dict.fromkeys(OPTIONAL, "Int64")),
        blocks=_parts(layers, shapes, stages=False),
        stages=_parts(layers, shapes, stages=True),
    )


def differences(a: NetworkConfig, b: NetworkConfig, image_size: int | None = None) -> Differences:
    """Differences of two networks, by setting and by layer.

    Args:
        image_size: side in pixels for both; None takes each one's `config.image_size`.

    Raises:
        BadSettings: one of them cannot take images of this size.
    """
    first, second = description(a, image_size), description(b, image_size)
    others = _settings(second)
    rows = [(name, value, others[name], value != others[name]) for name, value in _settings(first).items()]
    settings = pd.DataFrame(rows, columns=tables.DIFFERENT_SETTINGS)
    return Differences(first, second, settings, _layer_differences(first, second))


def sizes(
    networks: Sequence[str | NetworkConfig],
    *,
    by: Literal["stage", "block", "layer"] = "stage",
    image_size: int | None = None,
    classes: int | None = None,
) -> pd.DataFrame:
    """`description` of several networks in one table: after a column `network`, layers after `tables.DESCRIBED_KEYS`.

    Args:
        networks: names or configurations.
        by: rows, one each.
        classes: replaces the usual number of classes.
        image_size: as for `description`.

    Raises:
        UnknownName: a name is not valid. BadSettings: a network cannot take images of this size.
    """
    found = [description(_config(each, classes), image_size) for each in networks]
    keys = tables.DESCRIBED_KEYS if by == "layer" else ["network"]
    return pd.concat([_keyed(each, getattr(each, f"{by}s"), keys) for each in found], ignore_index=True)


def _keyed(found: Description, part: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    config = found.config
    known = {"network": config.name, "kind": config.kind, "depth": config.depth, "image_size": found.image_size}
    return pd.DataFrame({key: known[key] for key in keys}, index=part.index).join(part)


def layer_differences(
    a: str | NetworkConfig,
    b: str | NetworkConfig,
    *,
    image_size: int | None = None,
    classes: int | None = None,
    other_classes: int | None = None,
) -> pd.DataFrame:
    """The layers in which two networks differ, `tables.DIFFERENT_LAYERS`; args and errors as for `sizes`.

    Args:
        other_classes: of the second network; None takes `classes`.
    """
    others = classes if other_classes is None else other_classes
    found = differences(_config(a, classes), _config(b, others), image_size).layers
    return found[found["differs"]].reset_index(drop=True)


def layer_words(layer: Mapping[Any, Any]) -> str:
    """A row of `tables.DESCRIBED_LAYERS` as text: 3×3, 16 → 32, side 16, stride 2."""
    if not layer["kernel"]:
        return f"{layer['in_width']} → {layer['width']}"
    text = f"{layer['kernel']}×{layer['kernel']}, {layer['in_width']} → {layer['width']}, side {layer['side']}"
    text += f", stride {layer['stride']}" if layer["stride"] > 1 else ""
    return text + (f", {layer['groups']} groups" if layer["groups"] > 1 else "")


def _config(network: str | NetworkConfig, classes: int | None) -> NetworkConfig:
    config = network_config(network) if isinstance(network, str) else network
    return config if classes is None else NetworkConfig(**config.model_dump() | {"classes": classes})


def _layers(config: NetworkConfig, size: int) -> list[dict[str, Any]]:
    fields, kept = receptive_fields(config, size), kept_values(config, size)
    rows, number = [], 0
    for each in layer_shapes(config, size):
        number += not each.off_main_path
        field = fields.get(each.name)
        rows.append(
            {
                "layer": None if each.off_main_path else number,
                "name": each.name,
                "stage": each.stage,
                "block": each.block,
                "kernel": each.kernel,
                "stride": each.stride,
                "groups": each.groups,
                "in_width": each.in_width,
                "width": each.width,
                "side": each.side,
                "parameters": each.own_parameters + each.norm_parameters,
                "multiply_adds": each.multiply_adds,
                "receptive_field": field.side if field else None,
                "jump": field.jump if field else None,
                "kept_values": kept[each.name],
            }
        )
    return rows


def _parts(layers: list[dict[str, Any]], shapes: list[BlockShape], *, stages: bool) -> pd.DataFrame:
    """Sums over the layers of each part, with the output shape and receptive field of its last main-path layer."""

    def key(part: dict[str, Any]) -> tuple[int, int]:
        return part["stage"], 0 if stages else part["block"]

    inside: dict[tuple[int, int], list[BlockShape]] = {}
    for shape in shapes:
        inside.setdefault((shape.stage, 0 if stages else shape.block), []).append(shape)
    rows = []
    for (stage, block), members in groupby(layers, key):
        part = list(members)
        main = [layer for layer in part if layer["layer"]]
        blocks = inside.get((stage, block), [])
        rows.append(
            {
                "part": _part(stage, block, blocks),
                "stage": stage,
                "block": block,
                "kind": ", ".join(dict.fromkeys(shape.kind for shape in blocks)),
                "shortcut": ", ".join(dict.fromkeys(shape.shortcut for shape in blocks)),
                "blocks": len(blocks),
                "layers": len(main),
                "width": blocks[-1].width if blocks else main[-1]["width"],
                "side": main[-1]["side"],
                "receptive_field": main[-1]["receptive_field"],
            }
            | {column: sum(layer[column] for layer in part) for column in SUMMED}
        )
    return pd.DataFrame(rows, columns=tables.DESCRIBED_PARTS)


def _part(stage: int, block: int, inside: list[BlockShape]) -> str:
    if not inside:
        return "stem" if stage == 0 else "classifier"
    return f"stage {stage} block {block}" if block else f"stage {stage}"


def _totals(config: NetworkConfig, size: int, sums: dict[str, int], row: NetworkRow | None) -> pd.DataFrame:
    """Totals with the published numbers, if they are of exactly this network and image size."""
    same = row if row and row.config == config else None
    sized = same if size == config.image_size else None
    published = {
        "parameters": same and same.published_parameters,
        "multiply_adds": sized and sized.published_multiply_adds,
    }
    rows = [
        (name, value, known, value / known if known else None, row.source if row and known else "")
        for name, value in sums.items()
        for known in [published.get(name)]
    ]
    return pd.DataFrame(rows, columns=tables.TOTALS, dtype=object)


def _settings(found: Description) -> dict[str, Any]:
    config = found.config
    fields = config.model_dump() | {"stages": config.stage_blocks}
    return {"name": config.name, "kind": config.kind} | fields | {"image_size": found.image_size}


def _layer_differences(a: Description, b: Description) -> pd.DataFrame:
    ours, theirs = _places(a), _places(b)
    order = {place: key for place, (key, _) in (theirs | ours).items()}
    rows = []
    for place in sorted(order, key=order.__getitem__):
        (_, first), (_, second) = ours.get(place, (None, None)), theirs.get(place, (None, None))
        texts = [layer_words(each) if each else "" for each in (first, second)]
        counts = [each[column] if each else None for column in COMPARED for each in (first, second)]
        differs = texts[0] != texts[1] or counts[2] != counts[3]
        rows.append((*place, *texts, *counts, differs))
    return pd.DataFrame(rows, columns=tables.DIFFERENT_LAYERS, dtype=object)


def _places(found: Description) -> dict[tuple[int | None, int, str], tuple[tuple[float, ...], Mapping[Any, Any]]]:
    """Each layer, with its sort key, by stage, block and place."""
    places: dict[tuple[int | None, int, str], tuple[tuple[float, ...], Mapping[Any, Any]]] = {}
    for number, layer in enumerate(found.layers.to_dict("records")):
        parts = layer["name"].split(".")
        end = parts[0] in ("head", "classifier")
        place = ".".join(parts[3:] if layer["block"] else parts[1:] or parts)
        stage = None if end else layer["stage"]
        places[stage, layer["block"], place] = ((end, layer["stage"], layer["block"], number), layer)
    return places
