"""Refinement: blocks iterated as by hand, cosines and estimation errors as from their definitions."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional

from explorer.analysis.refinement import iterated, refinement
from explorer.errors import BadSettings
from explorer.models.network import build

FAMILIES = ["plain14-w4", "resnet14-w4", "preresnet14-w4", "preresnet20-bottleneck-w4", "resnet20-bottleneck-w4",
            "wrn-16-2-w4", "resnext20-2x4d-w8", "seresnet14-w4", "resnet8-c-w4", "resnet14-skipinit-w4",
            "resnet14-alpha0.5-w4"]  # fmt: skip


@pytest.fixture(params=FAMILIES)
def network(request):
    network = build(request.param, classes=10)
    with torch.no_grad():
        for value in network.parameters():
            if value.ndim == 0:
                value += 0.3
        network(torch.randn(16, 3, 16, 16, generator=torch.Generator().manual_seed(1)))
    return network.eval()


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(12, 3, 16, 16, generator=generator), torch.arange(12) % 10


def test_a_block_is_applied_so_many_times(network, batch, unchanged):
    images, labels = batch
    check = unchanged(network)
    table = pd.concat(iterated(network, images, labels, most=3))
    check()
    assert list(table["times"]) == [0, 1, 2, 3] * table["name"].nunique()
    for name, rows in table.groupby("name"):
        chosen = network.get_submodule(name)
        for times, expected in zip(rows["times"], rows["loss"], strict=True):
            with torch.no_grad():
                out = network.stem(images)
                for block in network.blocks:
                    for _ in range(times if block is chosen else 1):
                        out = block(out)
                out = out if network.end is None else network.end(out)
                scores = network.classifier(network.pool(out).flatten(1))
            assert float(functional.cross_entropy(scores, labels)) == pytest.approx(expected, rel=1e-4)


def test_once_is_the_network_itself(network, batch):
    images, labels = batch
    with torch.no_grad():
        scores = network(images)
    table = pd.concat(iterated(network, images, labels, most=1))
    assert list(table.loc[table["times"] == 1, "error"]) == pytest.approx(
        [(scores.argmax(1) != labels).double().mean().item()] * (len(table) // 2)
    )


def test_cosines_and_estimation_errors_are_those_of_the_definitions(network, batch, unchanged):
    images, labels = batch
    check = unchanged(network)
    table = refinement(network, images, labels).set_index("name")
    check()
    inputs, outputs, branches = [], [], []
    out = network.stem(images).detach()
    for block in network.blocks:
        ends = []
        handle = block.addition.register_forward_hook(lambda module, given, result, ends=ends: ends.append(given[0]))
        inputs.append(out.detach().requires_grad_())
        out = block(inputs[-1])
        outputs.append(out)
        branches.append(ends)
        handle.remove()
    for number, block in enumerate(network.blocks):
        rest = outputs[number]
        for later in network.blocks[number + 1 :]:
            rest = later(rest)
        rest = rest if network.end is None else network.end(rest)
        loss = functional.cross_entropy(network.classifier(network.pool(rest).flatten(1)), labels)
        (gradient,) = torch.autograd.grad(loss, inputs[number], retain_graph=True)
        row = table.iloc[number]
        last = max(place for place, each in enumerate(network.blocks) if each.shape.stage == block.shape.stage)
        difference = (outputs[number] - outputs[last]).detach().double()
        assert row["estimation_error"] == pytest.approx(float(difference.mean()), abs=1e-5)
        assert row["estimation_spread"] == pytest.approx(float(difference.mean(0).std(correction=0)), rel=1e-3)
        relative = float(difference.norm() / outputs[last].detach().double().norm())
        assert row["distance"] == pytest.approx(relative, rel=1e-3)
        if branches[number] and branches[number][0].shape == inputs[number].shape:
            cosine = functional.cosine_similarity(branches[number][0].flatten(1), -gradient.flatten(1))
            assert row["cosine"] == pytest.approx(float(cosine.detach().mean()), abs=1e-4)
            assert row["cosine_low"] <= row["cosine_high"]
        elif network.config.shortcut != "none":
            assert np.isnan(row["cosine"])


def test_what_cannot_follow_itself_is_refused_with_the_reason(batch):
    network = build("resnet8-w4")
    with pytest.raises(BadSettings, match=r"Block 1 of stage 2 of resnet8-w4 changes the shape.*keep the shape: 1\.1"):
        next(iterated(network, *batch, stage=2, block=1))
    with pytest.raises(BadSettings, match="Block 7 of stage 1 of resnet8-w4 does not exist"):
        next(iterated(network, *batch, stage=1, block=7))
    with pytest.raises(BadSettings, match="Stage 2 of resnet8-w4 has no block that keeps the shape"):
        next(iterated(network, *batch, stage=2))
    for study in (lambda net: next(iterated(net, *batch)), lambda net: refinement(net, *batch)):
        with pytest.raises(BadSettings, match="densenet-7-4-w8 keeps its input beside its output"):
            study(build("densenet-7-4-w8"))
        with pytest.raises(BadSettings, match="Sequential is not a network of `build`"):
            study(torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3)))
