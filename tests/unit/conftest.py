import copy
from pathlib import Path

import pytest
import torch

from explorer.models.catalogue import NETWORKS
from explorer.models.network import build

# Files that train, start processes or compute for seconds: `make test` runs them, a quick look does not.
THOROUGH = {
    ".": "cards without_float64",
    "analysis": "every_family linear_probes paths similarity",
    "attribution": "captum checks every_network maps parameters passes randomisation untouched",
    "cli": "attributions evaluate runs_and_training",
    "compute": "client",
    "data": "download file_pixels",
    "export": "tensorboard weights",
    "models": "identity operated recomputation size",
    "models/code": "network",
    "notebook": "here screens",
    "runs": "archive mending",
    "studies": "attributions blocks evaluations features identity kept_networks landscape layers probing read_only",
    "training": "estimate every_network loop session stochastic_depth watchdog worker",
    "weights": "importing matching reading their_names torchvision",
}
FOLDER = Path(__file__).parent
THOROUGH_FILES = {FOLDER / place / f"test_{name}.py" for place, names in THOROUGH.items() for name in names.split()}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """A quick look takes the shallowest network of each family, no CIFAR-10, and none of `THOROUGH`.

    The deeper networks in `THOROUGH` are for `make test-slow`.
    """
    assert all(path.is_file() for path in THOROUGH_FILES)
    families = {NETWORKS[name].family: name for name in sorted(NETWORKS, key=lambda name: -NETWORKS[name].config.depth)}
    others = set(NETWORKS) - set(families.values())
    for item in items:
        values = item.callspec.params.values() if hasattr(item, "callspec") else ()
        texts = {each for each in values if isinstance(each, str)}
        cifar10 = "cifar10" in texts or "cifar10" in item.fixturenames
        another = bool(texts & others)
        if another or cifar10 or item.path in THOROUGH_FILES:
            item.add_marker("thorough")
        if another and item.path in THOROUGH_FILES:
            item.add_marker("slow")


def trained(name):
    """A network whose every number differs from its initial value, as after training."""
    network, stream = build(name).eval(), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for each in [*network.parameters(), *network.buffers()]:
            if each.is_floating_point():
                each.add_(torch.rand(each.shape, generator=stream), alpha=0.1)
    return network


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(6, 3, 8, 8, generator=generator), torch.arange(6)


@pytest.fixture
def used(batch):
    """Makes a network in a state that is easily lost: mixed modes, a frozen layer, a gradient, a hook, statistics."""

    def made(name):
        network = build(name)
        network(batch[0])
        network.eval()
        network.stages[1].train()
        network.stem.conv.weight.requires_grad_(False)
        network.classifier.bias.grad = torch.ones(10)
        network.stem.norm.register_forward_hook(lambda module, inputs, output: None)
        return network

    return made


@pytest.fixture
def unchanged():
    """Gives a check that a network is as it was when the check was made."""

    def state(network):
        return {
            "values": copy.deepcopy(network.state_dict()),
            "modes": [module.training for module in network.modules()],
            "frozen": [p.requires_grad for p in network.parameters()],
            "gradients": [None if p.grad is None else p.grad.clone() for p in network.parameters()],
            "hooks": [
                [
                    len(each)
                    for each in (m._forward_hooks, m._forward_pre_hooks, m._backward_hooks, m._backward_pre_hooks)
                ]
                for m in network.modules()
            ],
            "in place": [getattr(module, "inplace", None) for module in network.modules()],
        }

    def made(network):
        before = state(network)

        def check():
            after = state(network)
            for part in ("values", "gradients"):
                torch.testing.assert_close(after[part], before[part], rtol=0, atol=0)
            for part in ("modes", "frozen", "hooks", "in place"):
                assert after[part] == before[part], part

        return check

    return made


@pytest.fixture
def run(make_weights):
    """resnet8-w4 on digits, with weights of steps 5 and 10; gives its id. Needs EXPLORER_HOME."""
    return make_weights()
