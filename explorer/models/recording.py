"""What passes through the layers of a network while it computes: hooks that keep sums, never the values.

Each recorder is a context manager that takes its hooks off again, also after an error. Everything is summed inside the
hook, since what a hook sees may be overwritten by a later operation in place; and once, also where a block computes the
same again for its backward pass. Rows are summed on the device in single precision, their sums on the CPU in double
precision, which Apple GPUs do not have.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from math import isnan, nan, sqrt
from typing import Any, Literal

import torch
from torch import Tensor, nn

from explorer.models.layers import Block, Layer, blocks, main_path
from explorer.models.recomputation import once

Statistics = Literal["running", "batch"]  # what batch norm normalises with: the network's own, or each batch's

MEAN_ABOVE_SPREAD = 10.0  # from here on the sum of squares alone would lose digits


@dataclass(slots=True)
class Moments:
    """Count, mean and spread of numbers that come batch by batch, summed in double precision.

    Source: Chan, Golub and LeVeque 1983, the pairwise update of means and squared deviations.
    """

    count: int = 0
    mean: float = 0.0
    deviations: float = 0.0  # sum of squared deviations from the mean

    def add(self, rows: Tensor) -> None:
        """Add all numbers of a matrix; a row is short enough to be summed in single precision."""
        count = rows.numel()
        mean = rows.sum(1).cpu().double().sum().item() / count
        deviations = _squares(rows) - count * mean * mean
        if count * mean * mean > MEAN_ABOVE_SPREAD * abs(deviations):
            deviations = _squares(rows - mean)
        total = self.count + count
        apart = mean - self.mean
        self.deviations += deviations + apart * apart * self.count * count / total
        self.mean += apart * count / total
        self.count = total

    @property
    def std(self) -> float:
        """NaN where there are no numbers, or some that are not finite."""
        if not self.count or isnan(self.deviations):
            return nan
        return sqrt(max(0.0, self.deviations) / self.count)  # rounding may leave a little less than nothing


@dataclass(slots=True)
class Response:
    """One layer's responses, and what the ReLU after them lets through.

    Attributes:
        moments: over images, channels and positions.
        passed: ReLU outputs above zero, of `outputs`; the ReLU may come after an addition.
        active: per channel, whether any output was above zero.
    """

    layer: Layer
    moments: Moments = field(default_factory=Moments)
    passed: int = 0
    outputs: int = 0
    active: Tensor | None = None

    @property
    def zeros(self) -> float:
        """Fraction of the ReLU's outputs that are zero; NaN where no ReLU follows."""
        return 1 - self.passed / self.outputs if self.outputs else nan

    @property
    def dead(self) -> float:
        """Fraction of channels whose ReLU let nothing through, anywhere in any image; NaN where no ReLU follows."""
        return nan if self.active is None else 1 - self.active.float().mean().item()


@dataclass(slots=True)
class BlockFlow:
    """What one block adds to its input, and which way the gradient comes back through it.

    Attributes:
        ratios: sum over images of |F(x)| / |s(x)|, the norms of what the branch and the shortcut bring to the
            addition; in a plain network s(x) is x.
        cosines: sum over images of the cosine of the two; of `compared` images, none where the shapes differ.
        shortcut_gradient, branch_gradient: squared norm of the gradient that reaches x by either way, summed.
    """

    block: Block
    images: int = 0
    ratios: float = 0.0
    compared: int = 0
    cosines: float = 0.0
    shortcut_gradient: float = 0.0
    branch_gradient: float = 0.0

    @property
    def ratio(self) -> float:
        """|F(x)| / |s(x)|, mean over images."""
        return self.ratios / self.images if self.images else nan

    @property
    def cosine(self) -> float:
        """Of F(x) and s(x), mean over images; NaN where their shapes differ."""
        return self.cosines / self.compared if self.compared else nan

    @property
    def gradients(self) -> tuple[float, float]:
        """Norms of the gradient that came back by the shortcut and by the branch."""
        return sqrt(self.shortcut_gradient), sqrt(self.branch_gradient)

    @property
    def shares(self) -> tuple[float, float]:
        """The two norms as parts of their sum, so that they add up to one; NaN where no gradient came."""
        shortcut, branch = self.gradients
        whole = shortcut + branch
        return (shortcut / whole, branch / whole) if whole else (nan, nan)

    @property
    def gamma(self) -> float:
        """Mean size of the weights of the branch's last batch norm; NaN without one."""
        weight = getattr(self.block.layers[-1].norm, "weight", None)
        return nan if weight is None else weight.detach().abs().mean().item()

    def add(self, branch: Tensor, beside: Tensor) -> None:
        """Add what came to the addition for some images, both (N, C, H, W)."""
        branch_norm, beside_norm = (torch.linalg.vector_norm(_rows(each), dim=1) for each in (branch, beside))
        self.images += len(branch)
        self.ratios += (branch_norm / beside_norm).cpu().double().sum().item()
        if branch.shape == beside.shape:
            products = (branch.float() * beside.float()).flatten(1).sum(1)
            self.compared += len(branch)
            self.cosines += (products / (branch_norm * beside_norm)).cpu().double().sum().item()


def working_copy(network: nn.Module, statistics: Statistics = "running") -> nn.Module:
    """A copy to be measured, so that mode, hooks, gradients and running statistics of `network` are never touched."""
    return deepcopy(network).train(statistics == "batch").requires_grad_(True)


@contextmanager
def record_responses(network: nn.Module) -> Iterator[list[Response]]:
    """Sum up the responses of every layer while the network is called; in order of depth."""
    found = [Response(layer) for layer in main_path(network)]
    latest: list[Response] = []  # whose response came last: the next ReLU belongs to it

    def respond(response: Response) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: Any, output: Tensor) -> None:
            response.moments.add(_rows(output.detach()))
            latest[:] = [response]

        return hook

    def rectify(module: nn.Module, inputs: Any, output: Tensor) -> None:
        if not latest:
            return
        (response,), latest[:] = latest, []
        values = output.detach()
        others = tuple(d for d in range(values.ndim) if d != 1)
        passed = values.sign().sum(others, dtype=torch.float32)  # per channel; count_nonzero takes five times as long
        response.active = passed > 0 if response.active is None else response.active | (passed > 0)
        response.passed += int(passed.cpu().double().sum())
        response.outputs += values.numel()

    with ExitStack() as hooks:
        for response in found:
            _register(hooks, response.layer.response.register_forward_hook(once(respond(response))))
        for module in network.modules():
            if isinstance(module, nn.ReLU):
                _register(hooks, module.register_forward_hook(once(rectify)))
        yield found


@contextmanager
def record_block_flows(network: nn.Module) -> Iterator[list[BlockFlow]]:
    """Sum up, for every block, what branch and shortcut bring while the network is called and differentiated."""
    found = [BlockFlow(block) for block in blocks(network)]
    with ExitStack() as hooks:
        for flow in found:
            _watch(flow, hooks)
        yield found


def _watch(flow: BlockFlow, hooks: ExitStack) -> None:
    block = flow.block
    came: dict[str, Tensor] = {}

    def arrive(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: Any, output: Tensor) -> None:
            came[name] = output.detach()  # the addition, which may be in place, comes after both
            if len(came) == 2:
                flow.add(came.pop("branch"), came.pop("beside"))

        return hook

    def enter_plain(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        came["beside"] = inputs[0].detach()

    def way(name: str) -> Callable[..., tuple[Tensor, ...] | None]:
        def square(gradient: Tensor) -> None:
            setattr(flow, name, getattr(flow, name) + _squares(_rows(gradient.detach())))

        def hook(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
            if not inputs[0].requires_grad:
                return None
            own = inputs[0].view_as(inputs[0])  # a way of its own into this module, so that gradients do not mix
            own.register_hook(square)  # type: ignore[no-untyped-call]
            return (own,)

        return hook

    _register(hooks, block.start.register_forward_pre_hook(once(way("branch_gradient"))))
    _register(hooks, block.end.register_forward_hook(once(arrive("branch"))))
    if block.shortcut is None:
        _register(hooks, block.module.register_forward_pre_hook(once(enter_plain)))
    else:
        _register(hooks, block.shortcut.register_forward_pre_hook(once(way("shortcut_gradient"))))
        _register(hooks, block.shortcut.register_forward_hook(once(arrive("beside"))))


@contextmanager
def record_response_gradients(network: nn.Module) -> Iterator[dict[int, float]]:
    """The norm of the gradient with respect to each layer's responses, by number, after each backward pass."""
    norms: dict[int, float] = {}

    def respond(number: int) -> Callable[..., None]:
        def keep(gradient: Tensor) -> None:
            norms[number] = torch.linalg.vector_norm(gradient.detach().float()).item()

        def hook(module: nn.Module, inputs: Any, output: Tensor) -> None:
            output.register_hook(keep)  # type: ignore[no-untyped-call]

        return hook

    with ExitStack() as hooks:
        for layer in main_path(network):
            _register(hooks, layer.response.register_forward_hook(once(respond(layer.number))))
        yield norms


def _register(hooks: ExitStack, handle: Any) -> None:
    hooks.callback(handle.remove)


def _rows(values: Tensor) -> Tensor:
    """(N, everything else) without copying, whichever way the values lie in memory; the order within a row varies."""
    values = values if values.dtype == torch.float64 else values.float()
    if values.ndim == 4 and values.is_contiguous(memory_format=torch.channels_last):
        values = values.permute(0, 2, 3, 1)
    return values.reshape(len(values), -1)


def _squares(rows: Tensor) -> float:
    return float(torch.linalg.vector_norm(rows, dim=1).cpu().double().square().sum())
