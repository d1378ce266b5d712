"""Networks of one output as networks of two classes, as classes are evaluated and explained."""

from typing import TypeVar

import torch
from torch import nn

from explorer.models.network import Network

# Softmax of minus and plus half the output is the sigmoid of the output
HALF = 0.5

N = TypeVar("N", bound=nn.Module)


def with_class_scores(network: N) -> N:
    """A network that gives (N, classes) for one that gives (N, 1); every other network itself.

    The two scores are minus and plus half the output, so that their softmax has the sigmoid of the output as the
    probability of class 1. All modules but the classifier are those of `network`, not copies.
    """
    if isinstance(network, Network) and network.config.sigmoid and network.classifier.out_features == 1:
        return _with_classifier(network, torch.tensor([[-HALF], [HALF]]))  # type: ignore[return-value]
    return network


def with_whole_scores(network: N) -> N:
    """The network whose scores are explained: of `with_class_scores`, minus and plus the whole output.

    A map of class 1 is then one of the output itself. Every other network is given back.
    """
    if isinstance(network, Network) and network.config.sigmoid and network.classifier.out_features > 1:
        return _with_classifier(network, torch.eye(2) / HALF)  # type: ignore[return-value]
    return network


def _with_classifier(network: Network, factors: torch.Tensor) -> Network:
    """The same modules, with a classifier whose outputs are `factors` times those of the one there."""
    own = network.classifier
    with torch.device("meta"):
        found = Network(network.config)
    for name, module in network.named_children():
        setattr(found, name, module)
    factors = factors.to(own.weight)
    with torch.no_grad():
        classifier = nn.Linear(own.in_features, len(factors), device=own.weight.device, dtype=own.weight.dtype)
        classifier.weight.copy_(factors @ own.weight)
        classifier.bias.copy_(factors @ own.bias)
    found.classifier = classifier.requires_grad_(own.weight.requires_grad).train(own.training)
    found.classes = network.classes
    found.normalisation, found.recompute, found.training = network.normalisation, network.recompute, network.training
    return found
