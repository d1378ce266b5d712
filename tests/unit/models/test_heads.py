"""What follows the average pooling: hidden linear layers, and one output for two classes."""

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn
from torch.nn import functional

from explorer.models.activations import kept_values
from explorer.models.catalogue import network_config
from explorer.models.code.network import standalone_code
from explorer.models.config import NetworkConfig
from explorer.models.description import description
from explorer.models.layers import main_path
from explorer.models.network import build
from explorer.models.onnx_export import onnx_model
from explorer.models.size import parameter_count
from explorer.models.two_classes import with_class_scores, with_whole_scores

NAMES = [
    "resnet8-w4-head6", "preresnet8-w4-head6.5", "densenet-22-4-head6", "resnet18-cifar-w4-sigmoid",
    "resnet8-w4-head6-sigmoid",
]  # fmt: skip


def images():
    return torch.randn(5, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", NAMES)
def test_a_name_and_its_configuration_belong_together(name):
    config = network_config(name)
    assert config.name == name
    assert NetworkConfig(**config.model_dump()) == config


@pytest.mark.parametrize("name", NAMES)
def test_the_counts_are_those_of_the_network(name):
    config = network_config(name)
    network = build(config)
    assert parameter_count(config) == sum(each.numel() for each in network.parameters())
    assert len(main_path(network)) == config.depth
    assert list(description(config).layers["name"])[-1] == "classifier"
    assert network(images()).shape == (5, config.outputs)


def test_hidden_layers_are_linear_maps_with_a_relu_after_each():
    network = build("resnet8-w4-head6.5").eval()
    plain = build("resnet8-w4").eval()
    plain.load_state_dict({key: value for key, value in network.state_dict().items() if key in plain.state_dict()}
                          | {"classifier.weight": torch.eye(16)[:10], "classifier.bias": torch.zeros(10)})  # fmt: skip
    plain.classifier = nn.Identity()
    pooled = plain(images())
    one, two = network.head.linear1, network.head.linear2
    hidden = functional.linear(pooled, one.weight, one.bias).clamp(min=0)
    hidden = functional.linear(hidden, two.weight, two.bias).clamp(min=0)
    torch.testing.assert_close(network(images()), network.classifier(hidden))


def test_a_training_step_keeps_the_input_of_each_linear_layer():
    kept = kept_values(network_config("preresnet8-w4-head6"))
    without = kept_values(network_config("preresnet8-w4"))
    assert kept["head.linear1"] == without["classifier"]
    assert kept["classifier"] == 6


@pytest.mark.parametrize("name", NAMES)
def test_standalone_code_computes_the_same(name):
    network = build(name).eval()
    space = {"__name__": "standalone"}
    exec(standalone_code(name), space)
    alone = space["Network"]().eval()
    alone.load_state_dict(network.state_dict())
    torch.testing.assert_close(alone(images()), network(images()))


def test_an_exported_network_computes_the_same():
    network = build("resnet8-w4-head6-sigmoid").eval()
    session = onnxruntime.InferenceSession(onnx_model(network))
    (found,) = session.run(None, {"images": images().numpy()})
    np.testing.assert_allclose(found, network(images()).detach().numpy(), rtol=1e-4, atol=1e-5)


def test_the_probability_of_class_1_is_the_sigmoid_of_the_output():
    network = build("resnet8-w4-head6-sigmoid").eval()
    out = network(images())
    both = with_class_scores(network)
    torch.testing.assert_close(both(images()).softmax(1)[:, 1:], out.sigmoid())
    torch.testing.assert_close(with_whole_scores(both)(images()), torch.cat([-out, out], dim=1))
    assert network(images()).shape == (5, 1)  # it is left as it was
    assert both.config == network.config
    assert not both.training
    assert with_class_scores(both) is both


def test_other_networks_are_given_back():
    network, other = build("resnet8-w4"), nn.Linear(3, 1)
    assert with_class_scores(network) is with_whole_scores(network) is network
    assert with_class_scores(other) is with_whole_scores(other) is other


def test_one_output_is_of_two_classes():
    with pytest.raises(ValueError, match=r"`sigmoid` is of networks with two classes, not of `classes` \(=10\)"):
        NetworkConfig(depth=8, sigmoid=True)
