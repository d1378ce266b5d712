"""Layer studies of every family of networks: layer by layer, and block by block where there are blocks that add."""

import pytest
import torch
from torch import nn

from explorer.analysis.gradients import gradient_profile
from explorer.analysis.initialisation import xray
from explorer.analysis.ledger import residual_ledger
from explorer.analysis.responses import response_std
from explorer.errors import BadSettings
from explorer.models.layers import blocks, main_path
from explorer.models.network import build

FAMILIES = {  # and the panels of the x-ray
    "preresnet8-w4": ["batch norm", "no batch norm"],
    "preresnet11-bottleneck-w4": ["batch norm", "no batch norm"],
    "wrn-10-2-w4": ["batch norm", "no batch norm"],
    "resnet11-bottleneck-w4": ["batch norm", "no batch norm", "last batch norm zero"],
    "resnext11-2x4d-w8": ["batch norm", "no batch norm", "last batch norm zero"],
    "resnet18-w4": ["batch norm", "no batch norm", "last batch norm zero"],
    "resnet18d-w4": ["batch norm", "no batch norm", "last batch norm zero"],
    "seresnet8-w4": ["batch norm", "no batch norm", "last batch norm zero"],
    "resnet8-alpha0.5-w4": ["batch norm", "no batch norm", "last batch norm zero"],
    "densenet-7-4-w8": ["batch norm", "no batch norm"],
    "densenet-bc-10-4": ["batch norm", "no batch norm"],
    "resnet8-fixup-w4": ["Fixup"],
    "resnet8-skipinit-w4": ["SkipInit"],
}


@pytest.fixture(params=FAMILIES)
def network(request):
    """As if trained: no weights and scalars at zero."""
    built = build(request.param, classes=10)
    generator = torch.Generator().manual_seed(0)
    for parameter in built.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.3, generator=generator)
    return built


@pytest.fixture(scope="module")
def batch():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(12, 3, 32, 32, generator=generator), torch.arange(12) % 10


def test_responses_are_those_of_plain_hooks(network, batch):
    """What leaves the norm or scalar after a convolution, or the convolution where an addition comes next."""
    kept = {}
    for layer in main_path(network):
        layer.response.register_forward_hook(lambda module, inputs, out, name=layer.name: kept.update({name: out}))
    with torch.no_grad():
        network.train()(batch[0])
    table = response_std(build_again(network), batch[0], statistics="batch")
    expected = [kept[name].double().std(correction=0).item() for name in table["name"]]
    assert list(table["response_std"]) == pytest.approx(expected, rel=1e-4)


def build_again(network):
    """The same network without the hooks of a test."""
    again = build(network.config)
    again.load_state_dict(network.state_dict())
    return again


def test_the_ledger_adds_up_to_what_leaves_a_block(network, batch):
    if not blocks(network):
        with pytest.raises(BadSettings, match=f"{network.config.name} has no blocks that add something to a shortcut"):
            residual_ledger(network, *batch)
        return
    seen = {}
    for each in blocks(network):
        each.module.addition.register_forward_hook(
            lambda module, inputs, out, name=each.name: seen.update({name: inputs})
        )
    with torch.no_grad():
        network.train()(batch[0])
    table = residual_ledger(build_again(network), *batch, statistics="batch").set_index("name")
    for name, (branch, beside) in seen.items():
        beside = network.config.shortcut_scale * beside
        ratio = (branch.flatten(1).norm(dim=1) / beside.flatten(1).norm(dim=1)).mean().item()
        assert table.loc[name, "branch_ratio"] == pytest.approx(ratio, rel=1e-3)
    assert list(table["branch_share"] + table["shortcut_share"]) == pytest.approx([1.0] * len(table))


def test_gradients_reach_every_layer(network, batch):
    table = gradient_profile(network, *batch, batch_size=6)
    assert len(table) == network.config.depth
    assert (table["gradient_norm"] > 0).all()
    assert (table["response_gradient"] > 0).all()


@pytest.mark.parametrize("name", FAMILIES)
def test_it_is_xrayed_in_the_variants_it_has(name, batch):
    assert list(xray([name], *batch)["variant"].unique()) == FAMILIES[name]
