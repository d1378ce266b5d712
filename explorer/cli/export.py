"""Commands that export networks: code, export-onnx."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from explorer.cli.output import AsJson, show
from explorer.files import write_text_atomically
from explorer.models.catalogue import network_config
from explorer.models.code.network import standalone_code
from explorer.models.config import NetworkConfig
from explorer.processes import wait_passively
from explorer.runs.checkpoint_facts import checkpoint_facts, is_untrained

Network = Annotated[
    Positional[str],
    arg(
        metavar="NETWORK",
        help="A name such as resnet56 for the untrained network, else id of a run, RUN@STEP, name of a checkpoint, or "
        ".safetensors file.",
    ),
]


def code(
    network: Network,
    /,
    *,
    classes: int | None = None,
    channels: int | None = None,
    output: Path | None = None,
    json: AsJson = False,
) -> int:
    """Print a network as a PyTorch file that runs without this program; checkpoints of this program fit it.

    Args:
        classes: outputs; by default those of the network.
        channels: of an image, 1 for grey; by default those of the network.
        output: write to this file instead.
    """
    config = network_config(network) if is_untrained(network) else checkpoint_facts(network).network
    changes = {name: value for name, value in (("classes", classes), ("channels", channels)) if value is not None}
    config = NetworkConfig(**(config.model_dump() | changes))
    text = standalone_code(config)
    document = {"name": config.name, "code": text}
    if output is not None:
        write_text_atomically(output, text)
        document["path"] = str(output)
    return show(document, text.rstrip("\n") if output is None else f"{config.name} written to {output}", as_json=json)


def export_onnx(
    network: Network,
    path: Annotated[Positional[Path], arg(metavar="FILE", help="The .onnx file to write.")],
    /,
    *,
    image_size: int | None = None,
    json: AsJson = False,
) -> int:
    """Write a network as ONNX, for programs without PyTorch: images (N, channels, side, side) in, scores out.

    Args:
        image_size: side in pixels; by default that of its training, else 32 or 224.
    """
    wait_passively()
    from explorer.runs import onnx_files

    found = onnx_files.export_onnx(network, path, image_size=image_size)
    shape = f"(N, {found.channels}, {found.image_size}, {found.image_size})"
    text = f"{found.network} written to {found.path}: images {shape} in, scores (N, {found.classes}) out"
    return show(asdict(found), text, as_json=json)
