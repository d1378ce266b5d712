"""Nothing is left behind: the network, the random numbers and other threads are as if nobody had asked."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

from explorer.attribution.attribute import attribute, explained, prepared
from explorer.attribution.methods import METHODS

SEEDED = [name for name, row in METHODS.items() if any(each.name == "seed" for each in row.parameters)]


@pytest.fixture
def randomness():
    """Gives a check that the program's random numbers are where they were when the check was made."""

    def made():
        torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()  # noqa: NPY002 Captum draws from it

        def check():
            assert torch.equal(torch.get_rng_state(), torch_before)
            for found, before in zip(np.random.get_state(), numpy_before, strict=True):  # noqa: NPY002
                assert np.array_equal(found, before)

        return check

    return made


@pytest.mark.parametrize("method", METHODS)
def test_the_network_and_the_random_numbers_stay_as_they_were(method, batch, used, unchanged, quick, randomness):
    network = used("resnet8-w4")
    network.stages[0][0].relu1.inplace = True
    images = batch[0][:2].clone()
    check, undrawn = unchanged(network), randomness()
    first = attribute(network, images, 3, method, **quick(METHODS[method]))
    check()
    undrawn()
    assert torch.equal(images, batch[0][:2])
    assert not images.requires_grad
    assert images.grad is None
    assert not first.requires_grad
    with torch.no_grad():  # also where the caller has switched gradients off
        again = attribute(network, images, 3, method, **quick(METHODS[method]))
    torch.testing.assert_close(again, first)


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_left_of_a_method_that_raised_in_the_middle(method, batch, used, unchanged, quick, randomness):
    network, calls, bad = used("resnet8-w4"), 0, True

    def break_down(module, inputs):
        nonlocal calls
        calls += 1
        if bad and calls > asked_before:
            raise RuntimeError("out of order")

    # A look at the network, one at the scores and, where there is a layer, one at that come before the method
    asked_before = 3 if "a layer" in METHODS[method].needs else 2
    network.stages[1].register_forward_pre_hook(break_down)
    check, undrawn = unchanged(network), randomness()
    with pytest.raises(RuntimeError, match="out of order"):
        attribute(network, batch[0][:2], 3, method, **quick(METHODS[method]))
    assert calls == asked_before + 1
    check()
    undrawn()
    bad = False
    found = attribute(network, batch[0][:2], 3, method, **quick(METHODS[method]))
    torch.testing.assert_close(found, attribute(used("resnet8-w4"), batch[0][:2], 3, method, **quick(METHODS[method])))


@pytest.mark.parametrize("method", METHODS)
def test_relus_in_place_give_the_same_and_stay_in_place(method, lived_in, images, quick):
    network, batch = lived_in("resnet8-w4"), images(2, 3, 8, 8)
    expected = attribute(network, batch, 3, method, **quick(METHODS[method]))
    relus = [module for module in network.modules() if isinstance(module, nn.ReLU)]
    for module in relus:
        module.inplace = True
    torch.testing.assert_close(attribute(network, batch, 3, method, **quick(METHODS[method])), expected)
    assert all(module.inplace for module in relus)


@pytest.mark.thorough
def test_two_threads_get_what_one_gets(lived_in, images):
    network, batch = lived_in("resnet8-w4"), images(1, 3, 8, 8)
    network.stem.register_forward_pre_hook(lambda module, inputs: time.sleep(0.002))  # let the other thread in
    few = {"smooth_grad": {"samples": 3}, "gradient_shap": {"samples": 3}, "layer_conductance": {"steps": 3}}
    methods = ["saliency", "smooth_grad", "guided_backprop", "gradient_shap", "deep_lift", "grad_cam", "lrp"]
    jobs = [(methods[number % 7], number % 10) for number in range(40)]

    def answer(job):
        method, target = job
        seed = {"seed": target} if method in SEEDED else {}
        return attribute(network, batch, target, method, **few.get(method, {}), **seed)

    alone = {job: answer(job) for job in jobs}
    with ThreadPoolExecutor(2) as pool:
        for job, found in zip(jobs, pool.map(answer, jobs), strict=True):
            assert torch.equal(found, alone[job]), job


@pytest.mark.parametrize("method", SEEDED)
def test_a_seed_gives_its_map(method, lived_in, images, quick):
    network, batch, given = lived_in("resnet8-w4"), images(2, 3, 8, 8), quick(METHODS[method])
    maps = [attribute(network, batch, 3, method, **given, seed=seed) for seed in (0, 1, 0, 2**31 - 1)]
    assert torch.equal(maps[0], maps[2])
    assert not torch.allclose(maps[0], maps[1])
    assert not torch.allclose(maps[0], maps[3])


def test_there_are_methods_with_seeds():
    assert SEEDED == ["smooth_grad", "gradient_shap", "kernel_shap"]


@pytest.mark.parametrize("method", [name for name in METHODS if name not in SEEDED])
def test_the_other_methods_draw_nothing(method, lived_in, images, quick, monkeypatch):
    network, batch, given = lived_in("resnet8-w4"), images(2, 3, 8, 8), quick(METHODS[method])
    first = attribute(network, batch, 3, method, **given)
    seed = torch.manual_seed
    monkeypatch.setattr(torch, "manual_seed", lambda _: seed(77))
    torch.testing.assert_close(attribute(network, batch, 3, method, **given), first, rtol=0, atol=0)


@pytest.mark.parametrize("method", METHODS)
def test_a_prepared_network_serves_one_method_after_the_other(method, batch, used, unchanged, quick):
    network, images = used("resnet8-w4"), batch[0][:2]
    ready = prepared(network, images)
    check = unchanged(ready.network)
    for _ in range(2):
        found = explained(ready, images, 3, method, **quick(METHODS[method])).values
        torch.testing.assert_close(found, attribute(network, images, 3, method, **quick(METHODS[method])))
    check()
