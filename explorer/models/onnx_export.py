"""Networks in the ONNX format, which programs without PyTorch compute."""

import copy
from collections.abc import Mapping

import onnx
import torch

from explorer.errors import BadSettings
from explorer.models.network import Network
from explorer.models.size import parameter_count, require_size

INPUT, OUTPUT = "images", "scores"
LARGEST = 2**31  # bytes of one file, a limit of the format
EXAMPLES = 2  # images that a network is followed with; one would be taken for a constant


def onnx_model(network: Network, image_size: int | None = None, *, facts: Mapping[str, str] | None = None) -> bytes:
    """A network in evaluation mode as the content of an .onnx file; takes seconds, and minutes for 1,000 layers.

    Its input "images" is float32 (N, channels, side, side), normalised, any number N; its output "scores" (N, classes).
    The network is left as it is.

    Args:
        image_size: side in pixels; None takes that which such networks are made for.
        facts: what is written into the file besides, by name.

    Raises:
        BadSettings: the network cannot take images of this size, or is too large for one file.
    """
    config = network.config
    side = config.image_size if image_size is None else image_size
    if side < 1:
        raise BadSettings(f"`image_size` (={side}) is the side of an image in pixels: 1 or more.")
    require_size(config, side)
    if 4 * parameter_count(config) >= LARGEST:
        raise BadSettings(
            f"{config.name} has {parameter_count(config):,} parameters, and an ONNX file holds 500 million. "
            "Take a narrower network, or its code: `python -m explorer code`."
        )
    copied = copy.deepcopy(network).cpu().eval()
    program = torch.onnx.export(
        copied,
        (torch.zeros(EXAMPLES, config.channels, side, side),),
        dynamo=True,
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_shapes=({0: "N"},),
        verbose=False,
    )
    assert program is not None  # it is with dynamo=False only
    model = program.model_proto
    _forget_origins(model)
    model.producer_name = "ResNet Explorer"
    onnx.helper.set_model_props(model, dict(facts or {}))
    content: bytes = model.SerializeToString()
    return content


def _forget_origins(model: onnx.ModelProto) -> None:
    """Take out what the exporter notes of each node: where in which file of this machine it was computed."""
    graph = model.graph
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
