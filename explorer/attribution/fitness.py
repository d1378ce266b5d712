"""What a network is made of, as far as methods depend on it, found by one forward pass; and what it lacks for one."""

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
# Operations that only look at a tensor in another shape
VIEWS = frozenset({"view", "_unsafe_view", "reshape", "flatten", "t", "transpose", "permute", "expand", "alias",
                   "detach", "squeeze", "unsqueeze"})  # fmt: skip
WITH_RULES = (nn.Conv2d, nn.Linear, nn.BatchNorm2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.MaxPool2d, nn.Identity,
              nn.ReLU, Addition, PadShortcut)  # fmt: skip


@dataclass(slots=True)
class Traits:
    """What was seen in one forward pass.

    Attributes:
        calls: how often each module without children was called, by name.
        relus: names of the `nn.ReLU` among them.
        rectifiers: names of rectifying operations that no `nn.ReLU` did.
        loose: names of operations that no module without children did.
        ruleless: classes of called modules that relevance propagation has no rule for.
        bytes: of all results along the way, for one image: what a backward pass has to keep.
    """

    calls: Counter[str] = field(default_factory=Counter)
    relus: set[str] = field(default_factory=set)
    rectifiers: set[str] = field(default_factory=set)
    loose: set[str] = field(default_factory=set)
    ruleless: set[str] = field(default_factory=set)
    bytes: int = 0


def traits(network: nn.Module, images: Tensor) -> Traits:
    """Call `network` with the first of `images` and see what happens; its hooks are taken off again."""
    watch, first = _Watch(), images[:1]
    with ExitStack() as hooks:
        for name, module in network.named_modules():
            if not list(module.children()):
                hooks.callback(module.register_forward_pre_hook(watch.enter(name)).remove)
                hooks.callback(module.register_forward_hook(watch.leave).remove)
        with torch.no_grad(), watch:
            network(first)
    return watch.seen


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operation, and which module is at work."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen = Traits()
        self._at_work: list[nn.Module] = []

    def enter(self, name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: Any) -> None:
            self._at_work.append(module)
            self.seen.calls[name] += 1
            if type(module) is nn.ReLU:  # Captum leaves subclasses alone
                self.seen.relus.add(name)
            if not isinstance(module, WITH_RULES):
                self.seen.ruleless.add(type(module).__name__)

        return hook

    def leave(self, module: nn.Module, inputs: Any, output: Any) -> None:
        self._at_work.pop()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        name = function.overloadpacket.__name__.removesuffix("_")
        if name not in VIEWS:
            results = result if isinstance(result, tuple | list) else (result,)
            self.seen.bytes += sum(each.numel() * each.element_size() for each in results if isinstance(each, Tensor))
            if not self._at_work:
                self.seen.loose.add(name)
            if name in RECTIFIERS and not (self._at_work and type(self._at_work[-1]) is nn.ReLU):
                self.seen.rectifiers.add(name)
        return result


def lacking(method: Method, seen: Traits) -> str:
    """Why a method would give a wrong map of a network with these traits; empty where it would not."""
    reasons: Mapping[str, str] = {
        "ReLU modules": _relu_modules(seen),
        "one ReLU a use": _one_use(seen),
        "rules": _rules(seen),
    }
    return next((reasons[need] for need in method.needs if reasons.get(need)), "")


def _relu_modules(seen: Traits) -> str:
    if seen.rectifiers:
        those = ", ".join(sorted(seen.rectifiers))
        return f"it rectifies otherwise than by nn.ReLU modules ({those}), which this method does not see"
    return "" if seen.relus else "it has no ReLU module"


def _one_use(seen: Traits) -> str:
    name = max(sorted(seen.relus), key=seen.calls.__getitem__, default="")
    count = seen.calls[name]
    return f"its module {name!r} is used {count} times in a pass; each use needs a ReLU of its own" if count > 1 else ""


def _rules(seen: Traits) -> str:
    if seen.ruleless:
        return f"there is no rule for its modules of the class {', '.join(sorted(seen.ruleless))}"
    if seen.loose:
        return f"it computes {', '.join(sorted(seen.loose))} outside of modules, where relevance has no rule"
    again = [name for name, count in seen.calls.items() if count > 1]
    return f"its modules {', '.join(again)} are used more than once in a pass" if again else ""
