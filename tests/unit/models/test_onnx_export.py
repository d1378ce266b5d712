"""ONNX models give what our networks give, computed by onnxruntime."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from explorer.errors import BadSettings
from explorer.models.catalogue import network_config
from explorer.models.network import Network, build
from explorer.models.onnx_export import onnx_model

pytestmark = pytest.mark.thorough

# Each kind of block, order, shortcut, stem and norm once
KINDS = [
    "resnet8-w4",
    "resnet11d-bottleneck-w8",
    "preresnext11-4x2d-c-w8",
    "preresnet8-skipinit-w4",
    "seresnet8-fixup-w4",
    "resnet8-alpha0.5-w4",
    "densenet-7-4",
    "densenet-bc-10-4",
]


def moved(name):
    """A network whose statistics and scalars are not where they start, in training mode."""
    network = build(name, channels=1, classes=7)
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for tensor in network.state_dict().values():
            if tensor.is_floating_point():
                tensor.add_(torch.rand(tensor.shape, generator=draw), alpha=0.1)
    return network


def computed(content, images):
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run(["scores"], {"images": images.numpy()})[0]


@pytest.mark.parametrize("name", [*KINDS[::2], *(pytest.param(name, marks=pytest.mark.slow) for name in KINDS[1::2])])
def test_a_file_computes_what_its_network_does_and_says_what_it_holds(name, unchanged):
    network = moved(name)
    network.stages[1].eval()
    check = unchanged(network)
    side = 17 if network.config.stem == "small" else 50  # odd ones on the way, where poolings have edges
    content = onnx_model(network, side, facts={"name": name, "mean": "[0.5]"})
    check()
    network.eval()
    for count in (1, 5):  # any number of images
        images = torch.randn(count, 1, side, side, generator=torch.Generator().manual_seed(count))
        with torch.no_grad():
            np.testing.assert_allclose(computed(content, images), network(images).numpy(), rtol=1e-4, atol=1e-4)
    require_described(content, {"name": name, "mean": "[0.5]"}, (1, side, side), classes=7)


def require_described(content, facts, image, classes):
    """The file is sound, says what it holds, and nothing of this machine."""
    model = onnx.load_from_string(content)
    onnx.checker.check_model(model, full_check=True)
    assert {each.key: each.value for each in model.metadata_props} == facts
    assert [dim.dim_param or dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim] == ["N", *image]
    assert [dim.dim_param or dim.dim_value for dim in model.graph.output[0].type.tensor_type.shape.dim] == [
        "N",
        classes,
    ]
    assert b"site-packages" not in content
    assert b"explorer/models" not in content


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("resnet8", 0, "`image_size` (=0)"),
        ("densenet121", 16, "densenet121 cannot take images of 16 pixels a side"),
        ("resnet8-w4096", 32, "and an ONNX file holds 500 million"),
    ],
)
def test_what_cannot_be_exported_is_refused(name, size, message):
    with torch.device("meta"):
        network = Network(network_config(name))
    with pytest.raises(BadSettings) as error:
        onnx_model(network, size)
    assert message in str(error.value)
