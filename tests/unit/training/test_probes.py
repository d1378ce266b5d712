"""A look into a network in training: right by plain hooks and a plain backward pass, and without a trace."""

import copy
from dataclasses import fields

import pytest
import torch
from torch import nn
from torch.nn import functional

from explorer import tables
from explorer.models.network import build
from explorer.training.loop import train
from explorer.training.probes import LiveBlock, LiveLayer, probe
from explorer.training.recipe import PROBE_IMAGES, Recipe

RECIPE = Recipe(steps=4, batch_size=16, learning_rate=0.05, evaluate_images=20, precision="fp32", probe_every=1)


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(3)
    return torch.randn(8, 3, 16, 16, generator=generator), torch.arange(8)


def differentiated(network, images, labels, *watched):
    """A copy after a plain backward pass in training mode, and the outputs of the modules of these names."""
    network = copy.deepcopy(network).train()
    outputs = []

    def keep(module, inputs, output):
        output.retain_grad()
        outputs.append(output)

    for name in watched:
        network.get_submodule(name).register_forward_hook(keep)
    functional.cross_entropy(network(images), labels).backward()
    return network, outputs


def test_rows_have_the_columns_of_the_tables():
    assert [field.name for field in fields(LiveLayer)] == tables.LIVE_LAYERS
    assert [field.name for field in fields(LiveBlock)] == tables.LIVE_BLOCKS


def test_each_layer_and_block_has_a_row_in_order_of_depth(batch):
    found = probe(build("resnet14-w4"), *batch, step=7)
    assert [row.layer for row in found.layers] == list(range(1, 15))
    assert [(row.stage, row.block) for row in found.blocks] == [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2)]
    assert {row.step for row in (*found.layers, *found.blocks)} == {7}


def test_responses_are_those_of_a_plain_hook(batch):
    network = build("plain8-w4")
    row = probe(network, *batch, step=0).layers[2]
    _, (norm, relu) = differentiated(network, *batch, "stages.0.0.norm2", "stages.0.0.relu2")
    assert row.name == "stages.0.0.conv2"
    assert row.response_std == pytest.approx(norm.std(correction=0).item(), rel=1e-5)
    assert row.response_mean == pytest.approx(norm.mean().item(), abs=1e-6)
    assert row.zeros == (relu == 0).double().mean().item()
    assert row.response_gradient == pytest.approx(norm.grad.norm().item(), rel=1e-4)


def test_gradient_norms_are_those_of_a_plain_backward_pass(batch):
    network = build("resnet14-w4")
    found = probe(network, *batch, step=0)
    reference, _ = differentiated(network, *batch)
    expected = [reference.get_submodule(row.name).weight.grad.norm().item() for row in found.layers]
    assert [row.gradient_norm for row in found.layers] == pytest.approx(expected, rel=1e-4)


def test_the_shortcuts_share_is_that_of_the_gradient_at_the_sum(batch):
    network = build("resnet14-w4")
    row = probe(network, *batch, step=0).blocks[1]
    _, (entering, branch) = differentiated(network, *batch, "stages.0.0.relu2", "stages.0.1.norm2")
    by_shortcut = branch.grad  # of the sum, handed on as it is to both summands
    by_branch = entering.grad - by_shortcut
    assert row.shortcut_share == pytest.approx((by_shortcut.norm() / (by_shortcut.norm() + by_branch.norm())).item())
    ratios = branch.flatten(1).norm(dim=1) / entering.flatten(1).norm(dim=1)
    assert row.branch_ratio == pytest.approx(ratios.mean().item(), rel=1e-4)


def test_a_plain_block_has_no_share_by_a_shortcut(batch):
    found = probe(build("plain14-w4"), *batch, step=0)
    assert [row.shortcut_share for row in found.blocks] == [0] * 6
    assert [row.cosine is None for row in found.blocks] == [False, False, True, False, True, False]


def test_bf16_measures_about_the_same(batch):
    network = build("resnet8-w4")
    exact, rough = (probe(network, *batch, step=0, precision=precision) for precision in ("fp32", "bf16"))
    spreads = [[row.response_std for row in found.layers] for found in (exact, rough)]
    assert spreads[1] == pytest.approx(spreads[0], rel=0.05)
    assert spreads[1] != spreads[0]


def test_what_is_not_finite_is_empty(batch):
    network = build("resnet8-w4")
    with torch.no_grad():
        network.stages[1][0].conv1.weight.fill_(float("nan"))
        network.classifier.weight.fill_(1e38)
    found = probe(network, *batch, step=0)
    assert found.layers[0].response_std > 0
    assert found.layers[4].response_mean is None
    assert found.layers[4].gradient_norm is None
    assert found.blocks[1].branch_ratio is None


def test_a_network_without_blocks_has_layers_only(batch):
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 14 * 14, 10))
    found = probe(network, *batch, step=0)
    assert [row.name for row in found.layers] == ["0", "4"]
    assert found.blocks == []


class Forgetful(nn.Module):
    """Draws random numbers in training mode."""

    def __init__(self):
        super().__init__()
        self.network = build("resnet8-w4", channels=1)
        self.dropout = nn.Dropout(0.2)

    def forward(self, images):
        return self.network(self.dropout(images))


@pytest.mark.parametrize("make", [lambda: build("plain8-w4", channels=1), Forgetful])
def test_training_with_looks_gives_the_bits_of_one_without(make):
    ends = []
    for looks in (False, True):
        torch.manual_seed(0)
        training = train(make(), "digits", RECIPE, device="cpu")
        losses = []
        for record in training:
            losses.append(record.loss)
            if looks:
                assert len(training.probe().layers) == 8
        optimiser = training.state()["optimiser"]["state"]
        ends.append(
            (
                losses,
                [*training.network.state_dict().values(), *(each["momentum_buffer"] for each in optimiser.values())],
            )
        )
    assert ends[0][0] == ends[1][0]
    assert all(torch.equal(a, b) for a, b in zip(ends[0][1], ends[1][1], strict=True))


def test_a_look_leaves_mode_gradients_and_hooks_as_they_were(batch):
    network = build("resnet8-w4").eval()
    network.stages[0].train()
    before = {name: (module.training, len(module._forward_hooks)) for name, module in network.named_modules()}
    probe(network, *batch, step=0)
    assert {name: (module.training, len(module._forward_hooks)) for name, module in network.named_modules()} == before
    assert all(parameter.grad is None for parameter in network.parameters())


def test_the_batch_is_the_same_at_every_step_and_for_every_network(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "explorer.training.loop.probe", lambda network, images, labels, **more: seen.append((images, labels))
    )
    recipe = RECIPE.model_copy(update={"augment": True})
    for name in ("plain8-w2", "resnet8-w2"):
        training = train(name, "digits", recipe, seed=2, device="cpu")
        for _ in training:
            training.probe()
    images, labels = seen[0]
    assert len(seen) == 10
    assert len(images) == PROBE_IMAGES
    assert labels.bincount().tolist() == pytest.approx([PROBE_IMAGES / 10] * 10, abs=1)
    assert all(torch.equal(images, others) for others, _ in seen)
    inside = training.batches.normalisation(training.batches.data.train_pixels)
    assert all((inside == image).all(dim=(1, 2, 3)).any() for image in images), "images as they are, not augmented"


def test_the_recipe_says_when_a_look_is_due():
    training = train("plain8-w2", "digits", RECIPE.model_copy(update={"probe_every": 3}), device="cpu")
    assert [record.step for record in training if training.probe_due] == [0, 3, 4]
