"""The updates are those of `torch.optim.SGD`, to the bit."""

import subprocess
import sys

import pytest
import torch

from explorer.training.descent import Descent


@pytest.mark.parametrize(("momentum", "weight_decay"), [(0.9, 1e-4), (0.0, 0.1), (0.5, 0.0)])
def test_it_is_sgd_also_resumed_and_from_states_of_sgd(momentum, weight_decay):
    torch.manual_seed(0)
    ours = [torch.randn(3, 2), torch.randn(4)]
    theirs = [torch.nn.Parameter(each.clone()) for each in ours]
    descent = Descent(ours, momentum=momentum, weight_decay=weight_decay)
    optimiser = torch.optim.SGD(theirs, lr=1.0, momentum=momentum, weight_decay=weight_decay, fused=True)
    for step in range(6):
        rate = 0.1 / (step + 1)
        optimiser.param_groups[0]["lr"] = rate
        for mine, other in zip(ours, theirs, strict=True):
            mine.grad = torch.randn_like(mine)
            other.grad = mine.grad.clone()
        if step in (2, 4):
            state = descent.state() if step == 2 else optimiser.state_dict()
            descent = Descent(ours, momentum=momentum, weight_decay=weight_decay)
            descent.restore(state)
        descent.step(rate)
        optimiser.step()
        assert all(torch.equal(mine, other) for mine, other in zip(ours, theirs, strict=True))


def test_what_has_no_gradient_stays():
    parameters = [torch.ones(2), torch.ones(2)]
    descent = Descent(parameters, momentum=0.9, weight_decay=0.1)
    for _ in range(2):
        parameters[0].grad = torch.ones(2)
        descent.step(0.1)
    assert parameters[1].tolist() == [1, 1]
    assert descent.state()["state"][1]["momentum_buffer"].tolist() == [0, 0]
    descent.forget_gradients()
    assert parameters[0].grad is None


def test_training_does_not_import_the_compiler():
    code = (
        "import sys; from explorer.training.loop import train; from explorer.training.recipe import Recipe\n"
        "recipe = Recipe(steps=2, batch_size=16, evaluate_images=10, last_images=10, probe_every=1)\n"
        "training = train('resnet8-w2', 'digits', recipe)\n"
        "for _ in training: training.probe(); training.restore(training.state())\n"
        "print([name for name in ('torch._dynamo', 'sklearn') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
