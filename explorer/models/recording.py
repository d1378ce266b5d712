"""Record responses, block flows and gradients by hooks that keep sums, not values.

Each recorder is a context manager that removes its hooks again, also after an error. Values are summed inside the hook,
since a later in-place operation may overwrite them; and only once if a block is recomputed in the backward pass. Rows
are summed on the device in single precision, their sums on the CPU in double precision, which Apple GPUs do not have.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from math import isnan, nan, sqrt
from typing import Any, Literal

import torch
from torch import Tensor, nn

from explorer.models.blocks import ResidualBlock
from explorer.models.layers import Block, Layer, blocks, main_path
from explorer.models.recomputation import once

Statistics = Literal["running", "batch"]  # used by batch norm: the network's own, or each batch's

MEAN_ABOVE_SPREAD = 10.0  # above this the sum of squares alone would lose digits


@dataclass(slots=True)
class Moments:
    """Count, mean and spread of values accumulated over batches, in double precision.

    Source: Chan, Golub and LeVeque 1983, the pairwise update of means and squared deviations.
    """

    count: int = 0
    mean: float = 0.0
    deviations: float = 0.0  # sum of squared deviations from the mean

    def add(self, rows: Tensor) -> None:
        """Add all values of a matrix; a row is short enough to be summed in single precision."""
        count = rows.numel()
        mean = rows.sum(1).cpu().double().sum().item() / count
        deviations = _squares(rows) - count * mean * mean
        if count * mean * mean > MEAN_ABOVE_SPREAD * abs(deviations):
            deviations = _squares(rows - mean)
        total = self.count + count
        shift = mean - self.mean
        self.deviations += deviations + shift * shift * self.count * count / total
        self.mean += shift * count / total
        self.count = total

    @property
    def std(self) -> float:
        """NaN if there are no values, or some that are not finite."""
        if not self.count or isnan(self.deviations):
            return nan
        return sqrt(max(0.0, self.deviations) / self.count)  # rounding may give a small negative number


@dataclass(slots=True)
class Response:
    """Statistics of a layer's responses, and of the ReLU after them.

    Attributes:
        moments: over images, channels and positions.
        passed: ReLU outputs above zero, of all `outputs`; the ReLU may follow an addition.
        active: per channel, whether any ReLU output was above zero.
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
        """Fraction of channels whose ReLU outputs are zero everywhere, in all images; NaN where no ReLU follows."""
        return nan if self.active is None else 1 - self.active.float().mean().item()


@dataclass(slots=True)
class BlockFlow:
    """The two summands of a block, and the gradients that reach its input through each.

    Attributes:
        ratios: sum over images of |F(x)| / |s(x)|, the norms of the outputs of branch and shortcut, the latter times
            its factor; in a plain network s(x) is x.
        cosines: sum over `compared` images of the cosine of the two; none where the shapes differ.
        shortcut_gradient, branch_gradient: summed squared norms of the gradients that reach x through each.
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
        """Norms of the gradients through shortcut and branch."""
        return sqrt(self.shortcut_gradient), sqrt(self.branch_gradient)

    @property
    def shares(self) -> tuple[float, float]:
        """The two gradient norms as fractions of their sum; NaN without a gradient."""
        shortcut, branch = self.gradients
        whole = shortcut + branch
        return (shortcut / whole, branch / whole) if whole else (nan, nan)

    @property
    def gamma(self) -> float:
        """Mean absolute weight of the branch's last batch norm; NaN without one."""
        weight = getattr(self.block.layers[-1].norm, "weight", None)
        return nan if weight is None else weight.detach().abs().mean().item()

    def add(self, branch: Tensor, shortcut: Tensor) -> None:
        """Add the summands of some images, both (N, C, H, W)."""
        branch_norm, shortcut_norm = (torch.linalg.vector_norm(_rows(each), dim=1) for each in (branch, shortcut))
        self.images += len(branch)
        self.ratios += (branch_norm / shortcut_norm).cpu().double().sum().item()
        if branch.shape == shortcut.shape:
            products = (branch.float() * shortcut.float()).flatten(1).sum(1)
            self.compared += len(branch)
            self.cosines += (products / (branch_norm * shortcut_norm)).cpu().double().sum().item()


def working_copy(network: nn.Module, statistics: Statistics = "running") -> nn.Module:
    """A copy for measurements, so that mode, hooks, gradients and running statistics of `network` do not change."""
    return deepcopy(network).train(statistics == "batch").requires_grad_(True)


@contextmanager
def record_responses(network: nn.Module) -> Iterator[list[Response]]:
    """Record statistics of every layer's responses while the network is called; in order of depth."""
    found = [Response(layer) for layer in main_path(network)]
    latest: list[Response] = []  # the last layer called, to which the next ReLU belongs

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
    """Record the flow through every block while the network is called and differentiated."""
    found = [BlockFlow(block) for block in blocks(network)]
    with ExitStack() as hooks:
        for flow in found:
            _record(flow, hooks)
            _record_gradients(flow, hooks)
        yield found


def _record(flow: BlockFlow, hooks: ExitStack) -> None:
    block = flow.block
    summands: dict[str, Tensor] = {}

    def keep_output(name: str, weighted: Callable[[Tensor], Tensor] = Tensor.detach) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: Any, output: Tensor) -> None:
            summands[name] = weighted(output.detach())  # kept before the addition, which may be in place
            if len(summands) == 2:
                flow.add(summands.pop("branch"), summands.pop("shortcut"))

        return hook

    def keep_input(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        summands["shortcut"] = inputs[0].detach()

    _register(hooks, block.end.register_forward_hook(once(keep_output("branch"))))
    if block.shortcut is None:
        _register(hooks, block.module.register_forward_pre_hook(once(keep_input)))
    else:
        weighted = block.module.addition.weighted if isinstance(block.module, ResidualBlock) else Tensor.detach
        _register(hooks, block.shortcut.register_forward_hook(once(keep_output("shortcut", weighted))))


def _record_gradients(flow: BlockFlow, hooks: ExitStack) -> None:
    by_branch: list[Tensor] = []

    def branch(gradient: Tensor) -> None:
        flow.branch_gradient += _squares(_rows(gradient))
        if flow.block.adds_input:
            by_branch.append(gradient)

    def shortcut(gradient: Tensor) -> None:
        flow.shortcut_gradient += _squares(_rows(gradient))

    def both(gradient: Tensor) -> None:  # comes last, when the two are added
        shortcut(gradient - by_branch.pop())

    def separate(module: nn.Module, keep: Callable[[Tensor], None]) -> None:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
            if not inputs[0].requires_grad:
                return None
            own = inputs[0].view_as(inputs[0])  # a tensor of its own, so that gradients do not mix
            own.register_hook(lambda gradient: keep(gradient.detach()))  # type: ignore[no-untyped-call]
            return (own,)

        _register(hooks, module.register_forward_pre_hook(once(hook)))

    separate(flow.block.start, branch)
    if flow.block.adds_input:
        separate(flow.block.module, both)
    elif flow.block.shortcut is not None:
        separate(flow.block.shortcut, shortcut)


@contextmanager
def record_response_gradients(network: nn.Module) -> Iterator[dict[int, float]]:
    """Record the norm of the gradient of each layer's responses, by layer number, in each backward pass."""
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
    """(N, everything else) without copying for any memory format; the order within a row depends on the format."""
    values = values if values.dtype == torch.float64 else values.float()
    if values.ndim == 4 and values.is_contiguous(memory_format=torch.channels_last):
        values = values.permute(0, 2, 3, 1)
    return values.reshape(len(values), -1)


def _squares(rows: Tensor) -> float:
    return float(torch.linalg.vector_norm(rows, dim=1).cpu().double().square().sum())
