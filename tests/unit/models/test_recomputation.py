"""What is computed again changes nothing but memory."""

import copy

import pytest
import torch
from torch.nn import functional

from explorer.models.network import build
from explorer.models.recomputation import segments
from explorer.models.recording import record_block_flows, record_response_gradients, record_responses
from explorer.training.probes import probe

NAMES = ["plain20-w4", "resnet20-w4", "preresnet20-w4", "densenet-22-4", "seresnet20-w4", "resnet20-fixup-w4"]


def batch():
    stream = torch.Generator().manual_seed(0)
    return torch.randn(4, 3, 8, 8, generator=stream), torch.arange(4)


def step(network, precision="fp32"):
    images, labels = batch()
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        scores = network(images)
    functional.cross_entropy(scores.float(), labels).backward()
    return scores


def twins(name):
    network = build(name)
    with torch.no_grad():  # so that no branch begins with zeros
        for parameter in network.parameters():
            parameter.add_(0.1)
    other = copy.deepcopy(network)
    other.recompute = True
    return network, other


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_scores_gradients_and_running_statistics_are_the_same_bits(name, precision):
    network, other = twins(name)
    for _ in range(2):
        assert torch.equal(step(network, precision), step(other, precision))
    for expected, found in zip(network.parameters(), other.parameters(), strict=True):
        assert expected.grad.abs().sum() > 0
        assert torch.equal(expected.grad, found.grad)
    expected, found = network.state_dict(), other.state_dict()
    assert list(expected) == list(found)
    assert all(torch.equal(tensor, found[each]) for each, tensor in expected.items())


def test_what_is_kept_is_far_less():
    """Tensors saved inside of segments do not come to hooks outside."""
    kept = []

    def keep(tensor):
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        network, other = twins("plain56-w4")
        network(batch()[0])
        all_of_them = len(kept)
        other(batch()[0])
    assert len(kept) - all_of_them < all_of_them / 10


def test_blocks_are_parted_into_about_their_square_root():
    assert [list(each) for each in segments(5)] == [[0, 1, 2], [3, 4]]
    assert [len(each) for each in segments(600)] == [25] * 24
    assert [list(each) for each in segments(1)] == [[0]]


def test_evaluation_computes_everything_once():
    network, other = twins("resnet20-w4")
    images, _ = batch()
    calls = []
    other.stages[1][0].conv1.register_forward_hook(lambda *_: calls.append(1))
    with torch.no_grad():
        assert torch.equal(network.eval()(images), other.eval()(images))
    assert len(calls) == 1


@pytest.mark.parametrize("name", ["plain20-w4", "resnet20-w4", "preresnet20-w4"])
def test_a_look_inside_sees_each_layer_once(name):
    network, other = twins(name)
    images, labels = batch()
    assert probe(other, images, labels, step=3) == probe(network, images, labels, step=3)


def test_recorders_take_a_second_pass_for_what_it_is():
    network, other = twins("resnet8-w4")
    counts = []
    for each in (network, other):
        with (
            record_responses(each) as responses,
            record_block_flows(each) as flows,
            record_response_gradients(each) as gradients,
        ):
            step(each)
        counts.append([response.moments.count for response in responses] + [x.images for x in flows])
        assert len(gradients) == 8
    assert counts[0] == counts[1]


def test_an_error_in_the_second_pass_leaves_the_statistics_alone():
    _, other = twins("resnet8-w4")
    calls = []

    def second_time(module, inputs):
        calls.append(1)
        if len(calls) == 2:
            raise ZeroDivisionError

    other.stages[2][0].norm2.register_forward_pre_hook(second_time)
    before = dict(other.named_buffers())
    with pytest.raises(ZeroDivisionError):
        step(other)
    assert all(tensor is before[name] for name, tensor in other.named_buffers())
    assert [tensor.item() for name, tensor in before.items() if name.endswith("tracked")] == [1] * 7
