"""Shares of the scores: they sum to the scores, and are those of a network taken apart by hand."""

import pytest
import torch

from explorer.analysis.logit_contributions import logit_contributions
from explorer.errors import BadSettings
from explorer.models.network import build

ADDITIVE = ["preresnet14-w4", "preresnet20-bottleneck-w4", "wrn-16-2-w4", "preresnet8-b-w4", "preresnet8-c-w4",
            "preresnet14-skipinit-w4", "preresnet50-w4", "preresnet14-alpha0.5-w4"]  # fmt: skip


def trained(name):
    network = build(name, classes=10)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for value in network.parameters():
            if value.ndim < 2:
                value += 0.3 * torch.randn(value.shape, generator=generator)
        network(torch.randn(16, 3, 32, 32, generator=torch.Generator().manual_seed(1)))
    return network.eval()


@pytest.fixture
def images():
    return torch.randn(5, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", ADDITIVE)
def test_the_parts_sum_to_the_scores(name, images, unchanged):
    network = trained(name)
    check = unchanged(network)
    parts, shares = logit_contributions(network, images)
    check()
    with torch.no_grad():
        scores = network(images).numpy()
    assert parts == [
        "stem",
        *(f"stages.{each.shape.stage - 1}.{each.shape.block - 1}" for each in network.blocks),
        "bias",
    ]
    assert shares.shape == (5, len(parts), 10)
    assert shares.sum(1) == pytest.approx(scores, abs=1e-4 * max(1, float(abs(scores).max())))


def test_a_block_has_the_share_of_its_output_through_the_last_norm(images):
    """The last block is followed by norm, ReLU, pooling and classifier alone."""
    network = trained("preresnet14-w4")
    parts, shares = logit_contributions(network, images, classes=[3])
    with torch.no_grad():
        features = network.stages(network.stem(images))
        *_, last = network.blocks
        before = network.stages[:2](network.stem(images))
        branch = features - network.stages[2][0](before)
        norm = network.end.norm
        mask = norm(features) > 0
        scaled = mask * branch * (norm.weight / (norm.running_var + norm.eps).sqrt())[:, None, None]
        expected = scaled.mean((2, 3)) @ network.classifier.weight[3]
    assert parts[-2] == "stages.2.1"
    assert last.shape.block == 2
    assert shares[:, -2, 0] == pytest.approx(expected.numpy(), abs=1e-5)


def test_without_branches_and_biases_the_stem_has_all(images):
    network = trained("preresnet8-w4")
    with torch.no_grad():
        for block in network.blocks:
            block.conv2.weight.zero_()
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.zero_()
                module.bias.zero_()
        network.classifier.bias.zero_()
        scores = network(images).numpy()
    _, shares = logit_contributions(network, images)
    assert shares[:, 0] == pytest.approx(scores, abs=1e-5)
    assert not shares[:, 1:].any()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("resnet8-w4", "applies a ReLU after every sum"),
        ("seresnet8-w4", "applies a ReLU after every sum"),
        ("plain8-w4", "has no shortcuts"),
        ("densenet-7-4-w8", "joins what its layers compute side by side"),
    ],
)
def test_other_networks_have_no_such_parts(name, why, images):
    with pytest.raises(BadSettings, match=f"{name} {why}.*Take a pre-activation network, such as preresnet110"):
        logit_contributions(build(name), images)
