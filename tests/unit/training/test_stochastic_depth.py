"""Branches are left out as often as the paper says, exactly resumed, and never where a network is measured."""

import copy

import pytest
import torch
from torch import nn

from explorer.errors import BadSettings
from explorer.models.config import NetworkConfig
from explorer.models.network import build
from explorer.training.loop import train
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe
from explorer.training.stochastic_depth import branch_factors, branches_left_out, computed_share

RECIPE = Recipe(steps=6, batch_size=16, evaluate_every=3, evaluate_images=20, precision="fp32", stochastic_depth=0.5)
SMALL = {"width": 4, "depth": 20}
BLOCKS = {
    "basic": {"end": "norm2", **SMALL},
    "projected": {"end": "norm2", "shortcut": "B", **SMALL},
    "weaker": {"end": "norm2", "shortcut_scale": 0.5, **SMALL},
    "excited": {"end": "excitation", "excitation": True, **SMALL},
    "fixup": {"end": "norm2", "norm": "fixup", **SMALL},
    "bottleneck": {"end": "norm3", "block": "bottleneck", "width": 4, "depth": 29},
    "pre": {"end": "conv2", "order": "pre", **SMALL},
    "pre skipinit": {"end": "norm3", "order": "pre", "norm": "skipinit", **SMALL},
    "pre bottleneck": {"end": "conv3", "order": "pre", "block": "bottleneck", "width": 4, "depth": 29},
}


def trained(name="resnet20-w4", **changes):
    return train(name, "digits", RECIPE.model_copy(update=changes), device="cpu")


def bits(training):
    state = training.state()
    momentum = [entry["momentum_buffer"] for entry in state["optimiser"]["state"].values()]
    return [*state["network"].values(), *momentum]


def test_each_branch_is_left_out_as_often_as_its_place_says():
    """Of four blocks with 0.8 at the last: 0.2, 0.4, 0.6, 0.8; 4,000 draws have a standard error below 0.008."""
    drawn = torch.tensor([branch_factors(4, 0.8, seed=0, step=step) for step in range(4000)], dtype=torch.float64)
    left_out = (drawn == 0).double().mean(0)
    torch.testing.assert_close(left_out, torch.tensor([0.2, 0.4, 0.6, 0.8]).double(), atol=0.03, rtol=0)
    assert computed_share(4, 0.8) == pytest.approx(1 - 0.5)


def test_a_branch_counts_fully_on_average():
    drawn = torch.tensor([branch_factors(3, 0.5, seed=0, step=step) for step in range(4000)], dtype=torch.float64)
    assert sorted(drawn[:, 2].unique().tolist()) == [0.0, 2.0]
    torch.testing.assert_close(drawn.mean(0), torch.ones(3).double(), atol=0.05, rtol=0)


def test_seed_and_step_alone_decide():
    assert branch_factors(9, 0.5, 1, 7) == branch_factors(9, 0.5, 1, 7)
    assert branch_factors(9, 0.5, 1, 7) != branch_factors(9, 0.5, 1, 8)
    assert branch_factors(9, 0.5, 1, 7) != branch_factors(9, 0.5, 2, 7)


@pytest.mark.parametrize("settings", BLOCKS.values(), ids=BLOCKS)
@pytest.mark.parametrize(("stage", "place"), [(0, 1), (1, 0)])
def test_a_block_computes_shortcut_plus_factor_times_branch(settings, stage, place):
    settings = dict(settings)
    end = settings.pop("end")
    config = NetworkConfig(**settings)
    block = build(config).eval().stages[stage][place]
    came = {}

    def keep(name):
        return lambda module, given, output: came.setdefault(name, output)

    getattr(block, end).register_forward_hook(keep("branch"))
    block.shortcut.register_forward_hook(keep("beside"))
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.add_(0.05)  # so that no branch begins with zeros
        x = torch.randn(2, block.shape.in_width, 8, 8)
        block(x)
        assert came["branch"].std() > 0
        for factor in (0.0, 2.0):
            block.addition.branch_factor = factor
            expected = config.shortcut_scale * came["beside"] + factor * came["branch"]
            torch.testing.assert_close(block(x), expected if config.order == "pre" else expected.relu())


def test_what_is_left_out_is_not_computed_and_not_updated():
    training = trained()
    next(training)
    before = copy.deepcopy(training.network.state_dict())
    factors = branch_factors(9, 0.5, seed=0, step=0)
    calls = []
    for place, block in enumerate(training.network.blocks):
        block.conv1.register_forward_hook(lambda *_, place=place: calls.append(place))
    next(training)
    assert calls == [place for place, factor in enumerate(factors) if factor]
    assert 0 < len(calls) < 9
    for block, factor in zip(training.network.blocks, factors, strict=True):
        name = next(each for each, module in training.network.named_modules() if module is block)
        after = {each: tensor for each, tensor in training.network.state_dict().items() if each.startswith(name)}
        assert all(torch.equal(tensor, before[each]) for each, tensor in after.items()) == (factor == 0)


def test_between_steps_the_whole_network_is_there():
    training = trained(steps=2, evaluate_every=1)
    list(training)
    assert {block.addition.branch_factor for block in training.network.blocks} == {1.0}
    images = torch.randn(3, 1, 8, 8)
    same = build("resnet20-w4", channels=1)
    same.load_state_dict(training.network.state_dict())
    torch.testing.assert_close(training.network.eval()(images), same.eval()(images))


def test_a_step_that_fails_brings_the_branches_back():
    network = build("resnet8-w4")
    with pytest.raises(ZeroDivisionError), branches_left_out(network.blocks, [0.0, 2.0, 0.0]):
        assert [block.addition.branch_factor for block in network.blocks] == [0.0, 2.0, 0.0]
        raise ZeroDivisionError
    assert [block.addition.branch_factor for block in network.blocks] == [1.0] * 3


@pytest.mark.parametrize("stop_after", [0, 1, 4])
def test_a_restored_training_ends_with_the_same_bits(stop_after):
    whole, first, second = trained(), trained(), trained()
    records = [(record.step, record.loss, record.test_error) for record in whole]
    for _ in range(stop_after + 1):
        next(first)
    second.restore(copy.deepcopy(first.state()))
    rest = [(record.step, record.loss, record.test_error) for record in second]
    assert rest == records[stop_after + 1 :]
    assert all(torch.equal(a, b) for a, b in zip(bits(whole), bits(second), strict=True))


def test_recomputation_leaves_out_the_same():
    plain, recomputing = trained(), trained()
    recomputing.network.recompute = True
    assert [record.loss for record in plain] == [record.loss for record in recomputing]
    assert all(torch.equal(a, b) for a, b in zip(bits(plain), bits(recomputing), strict=True))


def test_without_it_training_is_what_it_was():
    with_none, never = trained(stochastic_depth=0.0), train("resnet20-w4", "digits", RECIPE, device="cpu")
    assert [record.loss for record in with_none] != [record.loss for record in never]
    assert not trained(stochastic_depth=0.0).state()["optimiser"]["state"]


@pytest.mark.parametrize("name", ["plain20", "densenet-40-12"])
def test_networks_without_shortcuts_are_refused(name):
    message = rf"`stochastic_depth` \(=0.5\) drops branches beside shortcuts, and {name} is not a residual network"
    with pytest.raises(BadSettings, match=message):
        Plan(networks=("resnet20", name), recipe=RECIPE)
    with pytest.raises(BadSettings, match=message):
        trained(name)


def test_networks_of_others_are_refused():
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    with pytest.raises(BadSettings, match="is for the networks of `explorer.build`; `network` is a Sequential"):
        trained(network)


@pytest.mark.parametrize("value", [-0.1, 1.0])
def test_a_chance_is_at_least_0_and_less_than_1(value):
    with pytest.raises(BadSettings, match="`stochastic_depth`"):
        Recipe(stochastic_depth=value)
