"""What blocks are made of, as code for `models.standalone`: convolutions, norms, excitation, shortcuts."""

from explorer.models.config import EXCITATION_REDUCTION, NetworkConfig, Norm
from explorer.models.structure import ShortcutKind

_SCALE = '''\
class Scale(nn.Module):
    """Multiplies with one trained number, which starts at zero: at first a block adds nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * x
'''
_SHIFT = '''\
class Shift(nn.Module):
    """Adds one trained number, which starts at zero."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias
'''
_SCALE_AND_SHIFT = '''\
class ScaleAndShift(nn.Module):
    """Multiplies with one trained number and adds another, which start at one and zero."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * x + self.bias
'''
_SHIFTED_CONVOLUTION = '''\
class ShiftedConv2d(nn.Conv2d):
    """Adds one trained number, which starts at zero, to what it convolves."""

    def __init__(self, *sizes: int, **options: int) -> None:
        super().__init__(*sizes, **options)
        self.shift = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x + self.shift)
'''
_EXCITATION = f'''\
class Excitation(nn.Module):
    """Each channel times a number between 0 and 1 that follows from the means of all channels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        reduced = max(1, width // {EXCITATION_REDUCTION})
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.reduce = nn.Conv2d(width, reduced, 1)
        self.relu = nn.ReLU()
        self.expand = nn.Conv2d(reduced, width, 1)
        self.gate = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(self.expand(self.relu(self.reduce(self.pool(x)))))
'''
_PAD = '''\
class PadShortcut(nn.Module):
    """Every `stride`-th position, and zeros for the new channels, half before and half after."""

    def __init__(self, in_width: int, width: int, stride: int) -> None:
        super().__init__()
        before = (width - in_width) // 2
        self.padding = (0, 0, 0, 0, before, width - in_width - before)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, :: self.stride, :: self.stride], self.padding)
'''


_NORMS: dict[Norm, tuple[str, ...]] = {
    "batch": (),
    "skipinit": (_SCALE,),
    "fixup": (_SHIFT, _SCALE_AND_SHIFT, _SHIFTED_CONVOLUTION),
}


def definitions(config: NetworkConfig, shortcuts: set[ShortcutKind]) -> list[str]:
    """The classes and functions besides blocks that a network without dense layers needs."""
    found = [*_NORMS[config.norm]]
    if config.excitation:
        found.append(_EXCITATION)
    if "pad" in shortcuts:
        found.append(_PAD)
    if shortcuts & {"projection", "pooled"}:
        found.append(_projection(config, pooled="pooled" in shortcuts))
    return found


def convolution(in_width: object, width: object, kernel: int, *options: str, norm: Norm, shifted: bool = False) -> str:
    """The expression that makes a convolution; `options` are further arguments, those without a name first."""
    padding = (f"padding={kernel // 2}",) if kernel > 1 else ()
    named = [option for option in options if "=" in option]
    positional = [str(in_width), str(width), str(kernel), *(option for option in options if "=" not in option)]
    bias = () if norm == "skipinit" else ("bias=False",)
    name = "ShiftedConv2d" if shifted and norm == "fixup" else "nn.Conv2d"
    return f"{name}({', '.join([*positional, *padding, *named, *bias])})"


def norm_after(norm: Norm, width: object) -> str:
    """The expression that makes what follows a convolution inside a branch; empty where nothing does."""
    return {"batch": f"nn.BatchNorm2d({width})", "skipinit": "", "fixup": "Shift()"}[norm]


def norm_at_end(norm: Norm, width: str) -> str:
    """The expression that makes what follows the last convolution of a branch."""
    return {"batch": f"nn.BatchNorm2d({width})", "skipinit": "Scale()", "fixup": "ScaleAndShift()"}[norm]


def shortcut(kinds: set[ShortcutKind]) -> str:
    """The expression that makes a block's shortcut; empty where the input is added as it is, or not at all."""
    if kinds <= {"none", "identity"}:
        return ""
    made = f"{'PadShortcut' if 'pad' in kinds else 'projection'}(in_width, width, stride)"
    return f"{made} if in_width != width else nn.Identity()" if "identity" in kinds else made


def _projection(config: NetworkConfig, *, pooled: bool) -> str:
    modules = {
        "pool": "nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False)" if pooled else "",
        "conv": convolution("in_width", "width", 1, *([] if pooled else ["stride"]), norm=config.norm, shifted=True),
        "norm": norm_after(config.norm, "width") if config.order == "post" else "",
    }
    where = "of every block" if config.shortcut == "C" else "where the width changes"
    return "\n".join(
        [
            "def projection(in_width: int, width: int, stride: int) -> nn.Sequential:",
            f'    """The shortcut {where}: a 1x1 convolution{" of means" if pooled else ""}."""',
            f"    return {sequential(modules, indent=4)}",
            "",
        ]
    )


def sequential(modules: dict[str, str], *, indent: int) -> str:
    """The expression that makes a sequence of named modules; those without an expression are left out."""
    space = " " * indent
    named = [f"{space}        {name}={expression},\n" for name, expression in modules.items() if expression]
    if len(named) == 1:
        return f"nn.Sequential(OrderedDict({named[0].strip().rstrip(',')}))"
    return f"nn.Sequential(\n{space}    OrderedDict(\n{''.join(named)}{space}    )\n{space})"
