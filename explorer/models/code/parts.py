"""Standalone code of the parts of blocks: convolutions, norms, excitation, shortcuts.

Classes that are the same in every network are copied from the source of `explorer.models`.
"""

import ast
import math
from functools import cache
from importlib.resources import files
from typing import Literal

from explorer.models.config import DENSE_BOTTLENECK, EXCITATION_REDUCTION, NORM_GROUPS, NetworkConfig, Norm
from explorer.models.structure import ShortcutKind

_NORMS: dict[Norm, tuple[str, ...]] = {
    "batch": (),
    "group": (),
    "skipinit": ("Scale",),
    "fixup": ("Shift", "ScaleAndShift", "ShiftedConv2d"),
}
LINE = 100  # characters

_CONSTANTS = {"DENSE_BOTTLENECK": DENSE_BOTTLENECK}


@cache
def source(module: Literal["norms", "excitation", "shortcuts", "dense", "pooling"], name: str) -> str:
    """Source of a class of `explorer.models`, constants inserted; read as text, since its module imports torch."""
    text = files("explorer.models").joinpath(f"{module}.py").read_text(encoding="utf-8")
    found = next(each for each in ast.parse(text).body if isinstance(each, ast.ClassDef) and each.name == name)
    code = "\n".join(text.splitlines()[found.lineno - 1 : found.end_lineno])
    for constant, value in _CONSTANTS.items():
        code = code.replace(constant, str(value))
    return f"{code}\n"


def definitions(config: NetworkConfig, shortcuts: set[ShortcutKind]) -> list[str]:
    """Code of the classes and functions, other than blocks, of a network without dense layers."""
    found = [source("norms", name) for name in _NORMS[config.norm]]
    if config.antialias == "blur":
        found.append(source("pooling", "Blur"))
    if config.excitation:
        found.append(source("excitation", excitation_class(config)))
    if "pad" in shortcuts:
        found.append(source("shortcuts", "PadShortcut"))
    if shortcuts & {"projection", "pooled"}:
        found.append(_projection(config, pooled="pooled" in shortcuts))
    return found


def excitation_class(config: NetworkConfig) -> str:
    """Name of the class of a network's excitations."""
    return "EfficientExcitation" if config.excitation_by == "eca" else "Excitation"


def excitation(config: NetworkConfig) -> list[str]:
    """Lines of `__init__` that assign a block's excitation."""
    if config.excitation_by == "eca":
        return [
            "neighbours = max(3, int((math.log2(width) + 1) / 2) // 2 * 2 + 1)",
            "self.excitation = EfficientExcitation(neighbours)",
        ]
    reduced = f"max({config.excitation_least}, width // {EXCITATION_REDUCTION})"
    return [f"self.excitation = Excitation(width, {reduced})"]


def antialiasing(config: NetworkConfig) -> str:
    """Expression of what has the stride in place of a convolution; where a block has none, it is the identity."""
    if config.antialias == "blur":
        return "Blur() if stride > 1 else nn.Identity()"
    return "nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False)"


def convolution(in_width: object, width: object, kernel: int, *options: str, norm: Norm, shifted: bool = False) -> str:
    """Expression of a convolution; `options` are further arguments, positional ones first."""
    named = [option for option in options if "=" in option]
    positional = [str(in_width), str(width), str(kernel), *(option for option in options if "=" not in option)]
    if shifted and norm == "fixup":
        return f"ShiftedConv2d({', '.join([*positional, *named])})"
    padding = (f"padding={kernel // 2}",) if kernel > 1 else ()
    bias = () if norm == "skipinit" else ("bias=False",)
    return f"nn.Conv2d({', '.join([*positional, *padding, *named, *bias])})"


def norm_after(norm: Norm, width: object) -> str:
    """Expression of the norm after a convolution inside a branch; empty if there is none."""
    return {**_channel_norms(width), "skipinit": "", "fixup": "Shift()"}[norm]


def norm_at_end(norm: Norm, width: str) -> str:
    """Expression of the norm after the last convolution of a branch."""
    return {**_channel_norms(width), "skipinit": "Scale()", "fixup": "ScaleAndShift()"}[norm]


def _channel_norms(width: object) -> dict[str, str]:
    groups = math.gcd(NORM_GROUPS, width) if isinstance(width, int) else f"math.gcd({NORM_GROUPS}, {width})"
    return {"batch": f"nn.BatchNorm2d({width})", "group": f"nn.GroupNorm({groups}, {width})"}


def shortcut(config: NetworkConfig, kinds: set[ShortcutKind]) -> str:
    """Expression of a block's shortcut; empty for an identity or none."""
    if kinds <= {"none", "identity"}:
        return ""
    options = ", end=True" * (config.padding == "end") + ", mean=True" * (config.subsampling == "average")
    module = f"{'PadShortcut' if 'pad' in kinds else 'projection'}(in_width, width, stride{options})"
    if "identity" not in kinds:
        return module
    return f"{module} if {changing(config)} else nn.Identity()"


def assignment(name: str, expression: str) -> list[str]:
    """Lines of `__init__` that assign an expression; a conditional one that is too long is broken."""
    if len(f"        {name} = {expression}") <= LINE:
        return [f"{name} = {expression}"]
    if len(f"            {expression}") <= LINE:
        return [f"{name} = (", f"    {expression}", ")"]
    value, _, rest = expression.partition(" if ")
    condition, _, other = rest.partition(" else ")
    return [f"{name} = (", f"    {value}", f"    if {condition}", f"    else {other}", ")"]


def changing(config: NetworkConfig) -> str:
    """Condition on which a block changes the shape, or projects nevertheless."""
    doubles = not config.widths  # else neighbouring stages may be equally wide
    return ("in_width != width" if doubles else "in_width != width or stride > 1") + (
        " or projects" if config.first_projection else ""
    )


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
            f'    """The shortcut {where}: a 1x1 convolution{" after average pooling" if pooled else ""}."""',
            f"    return {sequential(modules, indent=4)}",
            "",
        ]
    )


def sequential(modules: dict[str, str], *, indent: int) -> str:
    """Expression of a sequence of named modules; those with an empty expression are left out."""
    space = " " * indent
    named = [f"{space}        {name}={expression},\n" for name, expression in modules.items() if expression]
    if len(named) == 1:
        return f"nn.Sequential(OrderedDict({named[0].strip().rstrip(',')}))"
    return f"nn.Sequential(\n{space}    OrderedDict(\n{''.join(named)}{space}    )\n{space})"
