"""Which attribution methods a network supports, from traits found in one forward pass."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from explorer.attribution.rows import Method
from explorer.models.blocks import Addition
from explorer.models.shortcuts import PadShortcut

RECTIFIERS = frozenset({"relu", "clamp", "clamp_min", "maximum", "threshold", "hardtanh", "leaky_relu", "elu", "celu",
                        "gelu", "silu", "mish", "hardswish", "softplus",
                        "_prelu_kernel", "rrelu_with_noise"})  # fmt: skip
# Operations that return a view of a tensor
VIEWS = frozenset({"view", "_unsafe_view", "reshape", "flatten", "t", "transpose", "permute", "expand", "alias",
                   "detach", "squeeze", "unsqueeze"})  # fmt: skip
WITH_RULES = (nn.Conv2d, nn.Linear, nn.BatchNorm2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.MaxPool2d, nn.Identity,
              nn.ReLU, Addition, PadShortcut)  # fmt: skip


@dataclass(slots=True)
class Traits:
    """What the methods need to know of a network, from one forward pass.

    Attributes:
        calls: number of calls of each module without children, by name.
        relus: names of the `nn.ReLU` among them.
        rectifiers: names of rectifying operations outside of `nn.ReLU`.
        functional: names of operations outside of modules without children.
        ruleless: classes of called modules without a rule for relevance propagation.
        bytes: of all intermediate results for one image, which a backward pass keeps.
    """

    calls: Counter[str] = field(default_factory=Counter)
    relus: set[str] = field(default_factory=set)
    rectifiers: set[str] = field(default_factory=set)
    functional: set[str] = field(default_factory=set)
    ruleless: set[str] = field(default_factory=set)
    bytes: int = 0


def traits(network: nn.Module, images: Tensor) -> Traits:
    """Traits of `network`, called with the first of `images`; its hooks are removed again."""
    recorder, first = _Recorder(), images[:1]  # sliced here, since the recorder would see it
    with ExitStack() as hooks:
        for name, module in network.named_modules():
            if not list(module.children()):
                hooks.callback(module.register_forward_pre_hook(recorder.enter(name)).remove)
                hooks.callback(module.register_forward_hook(recorder.leave).remove)
        with torch.no_grad(), recorder:
            network(first)
    return recorder.found


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Record every operation, and the module that runs it."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: to skip the compiler, which does not run here, the class imports it, which takes a second or two."""
        return False

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found = Traits()
        self._running: list[nn.Module] = []

    def enter(self, name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: Any) -> None:
            self._running.append(module)
            self.found.calls[name] += 1
            if type(module) is nn.ReLU:  # Captum ignores subclasses
                self.found.relus.add(name)
            if not isinstance(module, WITH_RULES):
                self.found.ruleless.add(type(module).__name__)

        return hook

    def leave(self, module: nn.Module, inputs: Any, output: Any) -> None:
        self._running.pop()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        name = function.overloadpacket.__name__.removesuffix("_")
        if name not in VIEWS:
            results = result if isinstance(result, tuple | list) else (result,)
            self.found.bytes += sum(each.numel() * each.element_size() for each in results if isinstance(each, Tensor))
            if not self._running:
                self.found.functional.add(name)
            if name in RECTIFIERS and not (self._running and type(self._running[-1]) is nn.ReLU):
                self.found.rectifiers.add(name)
        return result


def reason_unsupported(method: Method, found: Traits) -> str:
    """Why a method would give a wrong map of a network with these traits; empty if it is supported."""
    reasons: Mapping[str, str] = {
        "ReLU modules": _relu_modules(found),
        "one ReLU per use": _one_use(found),
        "rules": _rules(found),
    }
    return next((reasons[need] for need in method.needs if reasons.get(need)), "")


def _relu_modules(found: Traits) -> str:
    if found.rectifiers:
        names = ", ".join(sorted(found.rectifiers))
        return f"it rectifies outside of nn.ReLU modules ({names}), which this method does not see"
    return "" if found.relus else "it has no ReLU module"


def _one_use(found: Traits) -> str:
    name = max(sorted(found.relus), key=found.calls.__getitem__, default="")
    count = found.calls[name]
    return f"its module {name!r} is used {count} times in a pass; each use needs a ReLU of its own" if count > 1 else ""


def _rules(found: Traits) -> str:
    if found.ruleless:
        return f"there is no rule for its modules of the class {', '.join(sorted(found.ruleless))}"
    if found.functional:
        return f"it computes {', '.join(sorted(found.functional))} outside of modules, where relevance has no rule"
    repeated = [name for name, count in found.calls.items() if count > 1]
    return f"its modules {', '.join(repeated)} are used more than once in a pass" if repeated else ""
