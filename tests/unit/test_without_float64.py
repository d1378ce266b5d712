"""Apple GPUs have no float64: all that is measured on a device gets there with float32, or sums on the CPU."""

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

from explorer.analysis.gradients import gradient_profile
from explorer.analysis.initialisation import xray
from explorer.analysis.ledger import residual_ledger
from explorer.analysis.responses import response_histogram, response_std
from explorer.analysis.shattering import gradient_autocorrelation
from explorer.attribution.attribute import attribute
from explorer.attribution.checks import deletion_and_insertion, infidelity, sensitivity
from explorer.attribution.methods import METHODS
from explorer.attribution.randomisation import randomisation
from explorer.models.network import build
from explorer.training.evaluation import evaluate
from explorer.training.loop import train
from explorer.training.probes import probe
from explorer.training.recipe import Recipe

LABELS = torch.arange(6)
QUICK = {"steps": 2, "samples": 10, "grid": 2, "window": 4}


class RefusesFloat64(TorchDispatchMode):
    """Stands for such a device: it holds all tensors but those that `Tensor.cpu` gave, and what is computed of them."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        given, out = tensors((args, kwargs)), func(*args, **kwargs)
        for each in tensors(out):
            if given and all(hasattr(one, "on_cpu") or one.dtype == torch.float64 for one in given):
                each.on_cpu = True
            elif given and each.dtype == torch.float64 not in {one.dtype for one in given}:
                raise TypeError(f"{func}: this device has no float64")
        return out


def tensors(tree):
    return [each for each in tree_iter(tree) if isinstance(each, Tensor)]


@pytest.fixture(autouse=True)
def device(monkeypatch):
    def cpu(tensor):
        moved = tensor.clone()
        moved.on_cpu = True
        return moved

    monkeypatch.setattr(Tensor, "cpu", cpu)
    with RefusesFloat64():
        yield


@pytest.fixture(scope="module")
def network():
    return build("resnet8-w4").eval()


@pytest.fixture(scope="module")
def network_of_digits():
    return build("resnet8-w4", channels=1)


@pytest.fixture(scope="module")
def images():
    return torch.randn(6, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def test_the_device_of_these_tests_refuses_float64(images):
    for double in (Tensor.double, lambda each: each.to(torch.float64), lambda each: each.sum(dtype=torch.float64)):
        with pytest.raises(TypeError, match="has no float64"):
            double(images)
    assert images.cpu().double().sum().item() == pytest.approx(images.sum().item(), abs=1e-3)


@pytest.mark.parametrize(
    "study",
    [
        response_std,
        lambda network, images: response_histogram(network, images, 3),
        lambda network, images: residual_ledger(network, images, LABELS),
        lambda network, images: gradient_profile(network, images, LABELS, batch_size=3),
        lambda network, images: xray(["resnet8-w4"], images, LABELS),
        lambda network, images: gradient_autocorrelation(network, images, lines=2, points=8),
        lambda network, images: probe(network, images, LABELS, step=0).layers,
        lambda network, images: probe(network, images, LABELS, step=0).blocks,
    ],
)
def test_layers_are_studied(study, network, images):
    assert len(study(network, images))


@pytest.mark.parametrize("method", METHODS)
def test_each_method_gives_a_map(method, network, images):
    few = {each.name: QUICK[each.name] for each in METHODS[method].parameters if each.name in QUICK}
    assert attribute(network, images[:1], 3, method, **few).isfinite().all()


@pytest.mark.parametrize(
    "check",
    [
        lambda network, image, ranking: deletion_and_insertion(network, image, 3, ranking, steps=4, random_orders=2),
        lambda network, image, ranking: infidelity(network, image, 3, ranking, samples=4),
        lambda network, image, ranking: sensitivity(network, image, 3, "saliency", {}, samples=2),
        lambda network, image, ranking: randomisation(network, image, 3, "grad_cam", {}, image.repeat(2, 1, 1, 1)),
    ],
)
def test_each_check_of_a_map_runs(check, network, images):
    ranking = torch.rand(16, 16, generator=torch.Generator().manual_seed(0))
    check(network, images[:1], ranking)


def test_a_network_is_trained_and_evaluated(network_of_digits):
    training = train(network_of_digits, "digits", Recipe(steps=1, batch_size=16, evaluate_images=20, probe_every=1))
    for _ in training:
        assert training.probe().layers
    assert 0 <= evaluate(network_of_digits, "digits")["error"] <= 1
