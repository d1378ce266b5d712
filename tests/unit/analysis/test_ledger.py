"""The ledger of blocks whose every entry can be worked out by hand, and of real ones."""

import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional

from explorer import tables
from explorer.analysis.ledger import residual_ledger
from explorer.errors import BadSettings
from explorer.models.blocks import BasicBlock, PreBasicBlock
from explorer.models.excitation import Excitation
from explorer.models.network import build
from explorer.models.structure import BlockShape
from explorer.weights.matching import load_foreign_state


class TwoBlocks(nn.Module):
    """Two blocks on non-negative features of four channels, then the mean over positions as scores."""

    def __init__(self, first, second, shortcut="identity"):
        super().__init__()
        self.blocks = nn.Sequential(*(passing(factor, shortcut) for factor in (first, second)))

    def forward(self, images):
        return self.blocks(images).mean((2, 3))


def passing(factor, shortcut):
    """A block whose branch multiplies its (non-negative) input by `factor`."""
    block = BasicBlock(BlockShape(1, 1, "basic", in_width=4, inner_width=4, width=4, shortcut=shortcut))
    for convolution, norm in ((block.conv1, block.norm1), (block.conv2, block.norm2)):
        nn.init.dirac_(convolution.weight)
        norm.eps = 0.0
    nn.init.constant_(block.norm2.weight, factor)
    return block.eval()


@pytest.fixture
def images():
    return torch.rand(5, 4, 3, 3, generator=torch.Generator().manual_seed(0)) + 0.1


LABELS = torch.tensor([0, 1, 2, 3, 0])


def test_two_blocks_by_hand(images):
    """F(x) = f x: ratio and gamma are |f|, the cosine its sign, and of the gradient f of 1 + f comes by the branch."""
    table = residual_ledger(TwoBlocks(0.5, -0.25), images, LABELS)
    assert list(table.columns) == tables.LEDGER
    assert list(table["branch_ratio"]) == pytest.approx([0.5, 0.25], rel=1e-5)
    assert list(table["cosine"]) == pytest.approx([1.0, -1.0], rel=1e-5)
    assert list(table["gamma"]) == pytest.approx([0.5, 0.25])
    assert list(table["branch_share"]) == pytest.approx([0.5 / 1.5, 0.25 / 1.25], rel=1e-5)
    assert list(table["shortcut_share"]) == pytest.approx([1 / 1.5, 1 / 1.25], rel=1e-5)
    assert list(table["shortcut"]) == ["identity", "identity"]


def test_a_weaker_shortcut_by_hand(images):
    """s(x) = x / 2: twice the ratio, half of the gradient by the shortcut."""
    network = TwoBlocks(0.5, -0.25)
    for block in network.blocks:
        block.addition.shortcut_factor = 0.5
    table = residual_ledger(network, images, LABELS)
    assert list(table["branch_ratio"]) == pytest.approx([1.0, 0.5], rel=1e-5)
    assert list(table["shortcut_share"]) == pytest.approx([0.5 / 1.0, 0.5 / 0.75], rel=1e-5)


@pytest.mark.parametrize("shares", [False, True])
def test_a_pre_activation_branch_by_hand(images, shares):
    """The branch begins before its norm, which here doubles, unless the shortcut comes after that too."""
    shape = BlockShape(1, 1, "basic", 4, 4, 4, shortcut="identity", order="pre", shares_activation=shares)
    block = PreBasicBlock(shape)
    for convolution, norm in ((block.conv1, block.norm1), (block.conv2, block.norm2)):
        nn.init.dirac_(convolution.weight)
        norm.eps = 0.0
    nn.init.constant_(block.norm1.weight, 2.0)
    block.conv2.weight.data *= 0.25
    network = TwoBlocks(0.5, 0.5)
    network.blocks = nn.Sequential(block.eval())
    (row,) = residual_ledger(network, images, LABELS).itertuples()
    assert row.branch_ratio == pytest.approx(0.25 if shares else 0.5, rel=1e-5)
    assert row.branch_share == pytest.approx(0.25 / 1.25 if shares else 0.5 / 1.5, rel=1e-5)


def test_an_excitation_is_part_of_the_branch(images):
    network = TwoBlocks(0.5, 0.5)
    block = network.blocks[0]
    block.excitation = Excitation(4, 1)
    nn.init.zeros_(block.excitation.expand.weight)
    nn.init.zeros_(block.excitation.expand.bias)  # the gate is a half for all
    assert list(residual_ledger(network, images, LABELS)["branch_ratio"]) == pytest.approx([0.25, 0.5], rel=1e-5)


def test_gradients_by_hand(images):
    """The gradient at the sum of the second block goes on, times one and times f, to either way."""
    table = residual_ledger(TwoBlocks(0.5, 0.25), images, LABELS)
    features = images * 1.5
    scores = (features * 1.25).mean((2, 3)).requires_grad_()
    functional.cross_entropy(scores, LABELS).backward()
    arriving = (scores.grad[:, :, None, None] / 9).expand(5, 4, 3, 3).norm().item()
    assert table["shortcut_gradient"][1] == pytest.approx(arriving, rel=1e-4)
    assert table["branch_gradient"][1] == pytest.approx(0.25 * arriving, rel=1e-4)
    assert table["shortcut_gradient"][0] == pytest.approx(1.25 * arriving, rel=1e-4)


def test_plain_blocks_by_hand(images):
    """Nothing is added: F(x) is compared with x, and the gradient has one way."""
    table = residual_ledger(TwoBlocks(0.5, 2.0, shortcut="none"), images, LABELS)
    assert list(table["branch_ratio"]) == pytest.approx([0.5, 2.0], rel=1e-5)
    assert list(table["shortcut"]) == ["none", "none"]
    assert list(table["shortcut_share"]) == [0, 0]
    assert list(table["branch_share"]) == [1, 1]


def test_entries_of_a_real_network_are_those_of_its_tensors(used, batch):
    network, kept = used("resnet8-c-w4").eval(), {}
    table = residual_ledger(network, *batch)
    block = network.stages[1][0]
    block.norm2.register_forward_hook(lambda module, inputs, output: kept.update(branch=output.flatten(1)))
    block.shortcut.register_forward_hook(lambda module, inputs, output: kept.update(beside=output.flatten(1)))
    network(batch[0])
    ratios = kept["branch"].norm(dim=1) / kept["beside"].norm(dim=1)
    cosines = torch.cosine_similarity(kept["branch"], kept["beside"])
    assert table["branch_ratio"][1] == pytest.approx(ratios.mean().item(), rel=1e-5)
    assert table["cosine"][1] == pytest.approx(cosines.mean().item(), rel=1e-4)
    assert list(table["shortcut"]) == ["projection"] * 3


def test_both_ways_together_bring_the_whole_gradient(used, batch):
    """What reaches a block's input is the sum of what comes by the shortcut and by the branch."""
    network = used("resnet8-w4").eval().requires_grad_(True)
    table, kept = residual_ledger(network, *batch), []
    network.stages[2].register_full_backward_pre_hook(lambda module, gradient: kept.append(gradient[0]))
    block = network.stages[2][0]
    inputs = {}
    block.register_forward_pre_hook(lambda module, given: inputs.update(x=given[0].detach().requires_grad_()))
    functional.cross_entropy(network(batch[0]), batch[1]).backward()
    x = inputs["x"]
    active = (block.norm2(block.conv2(block.relu1(block.norm1(block.conv1(x))))) + block.shortcut(x)) > 0
    (by_shortcut,) = torch.autograd.grad(block.shortcut(x), x, kept[0] * active)
    assert table["shortcut_gradient"][2] == pytest.approx(by_shortcut.norm().item(), rel=1e-4)


def test_where_a_plain_block_changes_the_shape_there_is_no_cosine(batch):
    table = residual_ledger(build("plain8-w4"), *batch)
    assert table["cosine"].isna().tolist() == [False, True, True]
    assert table["branch_ratio"].notna().all()


def test_parts_give_what_the_whole_gives(used, batch, monkeypatch):
    whole = residual_ledger(used("resnet8-w4"), *batch)
    monkeypatch.setattr("explorer.analysis.images.PART", 4)
    parts = residual_ledger(used("resnet8-w4"), *batch)
    for column in ("branch_ratio", "cosine", "shortcut_gradient", "branch_share"):
        assert list(parts[column]) == pytest.approx(list(whole[column]), rel=1e-4)


def test_the_network_stays_as_it_was(used, unchanged, batch):
    network = used("resnet8-w4")
    check = unchanged(network)
    with torch.no_grad():
        residual_ledger(network, *batch, statistics="batch")
    check()
    with pytest.raises(IndexError):
        residual_ledger(network, batch[0], batch[1] + 100)
    check()


@pytest.mark.parametrize("statistics", ["running", "batch"])
def test_torchvisions_blocks_give_what_ours_with_their_weights_give(batch, statistics):
    """Theirs add the input without a module, in place, and use one ReLU twice."""
    theirs, ours = torchvision.models.resnet18(num_classes=10), build("resnet18", classes=10)
    load_foreign_state(ours, theirs.state_dict())
    images = functional.interpolate(batch[0], size=32)
    found, expected = (residual_ledger(each, images, batch[1], statistics=statistics) for each in (theirs, ours))
    for column in set(tables.LEDGER) - {"name", "shortcut"}:
        assert list(found[column]) == pytest.approx(list(expected[column]), rel=1e-3, abs=1e-6, nan_ok=True), column
    assert list(found["shortcut"]) == list(expected["shortcut"])
    assert not found["shortcut_share"].isin([0.0, 1.0]).any()


def test_an_empty_sequence_as_shortcut_is_the_identity(images):
    network = TwoBlocks(0.5, -0.25)
    for block in network.blocks:
        block.shortcut = nn.Sequential()
    assert list(residual_ledger(network, images, LABELS)["shortcut"]) == ["identity", "identity"]


def test_what_has_no_known_blocks_is_refused(batch):
    with pytest.raises(BadSettings, match="Conv2d has no blocks that add something to a shortcut"):
        residual_ledger(nn.Conv2d(3, 3, 3), *batch)
    with pytest.raises(BadSettings, match=r"`labels` has shape \(5,\); expected \(6,\)"):
        residual_ledger(build("plain8-w4"), batch[0], batch[1][:5])
