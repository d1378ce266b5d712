"""Export of networks to ONNX."""

import copy
from collections.abc import Mapping

import onnx
import torch

from explorer.errors import BadSettings
from explorer.models.network import Network
from explorer.models.size import parameter_count, require_size

INPUT, OUTPUT = "images", "scores"
LARGEST = 2**31  # bytes of a file, a limit of the format
EXAMPLES = 2  # images in the traced batch; a batch size of 1 would be exported as a constant


def onnx_model(network: Network, image_size: int | None = None, *, facts: Mapping[str, str] | None = None) -> bytes:
    """The content of an .onnx file of a network in evaluation mode; takes seconds, for 1,000 layers minutes.

    Its input "images" is float32 (N, channels, side, side), normalised, with any N; its output "scores" (N, classes).
    The network is not changed.

    Args:
        image_size: side in pixels; None takes `network.config.image_size`.
        facts: further metadata of the file, by name.

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
    assert program is not None  # only with dynamo=False
    model = program.model_proto
    _remove_origins(model)
    model.producer_name = "ResNet Explorer"
    onnx.helper.set_model_props(model, dict(facts or {}))
    content: bytes = model.SerializeToString()
    return content


def _remove_origins(model: onnx.ModelProto) -> None:
    """Remove the source locations, with paths on this machine, that the exporter writes to each node."""
    graph = model.graph
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
