"""Blocks as code, for `models.code.network`: the definitions that one network needs, and no others.

Modules and their order are those of `models.blocks` and `models.dense`, so weights have the same names.
"""

from typing import Literal

from explorer.models.code.parts import convolution, definitions, norm_after, norm_at_end, shortcut, source
from explorer.models.config import NetworkConfig
from explorer.models.structure import ShortcutKind, block_shapes

BLOCK_NAMES = {
    ("basic", "post"): "BasicBlock",
    ("basic", "pre"): "PreBasicBlock",
    ("bottleneck", "post"): "BottleneckBlock",
    ("bottleneck", "pre"): "PreBottleneckBlock",
    ("dense", "post"): "DenseLayer",
    ("dense-bottleneck", "post"): "DenseBottleneckLayer",
}

# Of which blocks branch and shortcut part after norm and ReLU only: where the width changes, or the first of each stage
Sharing = Literal["none", "all", "changing", "first"]


def block_definitions(config: NetworkConfig) -> list[str]:
    """The classes and functions that a network's blocks are made of, each before its use; the blocks last."""
    if config.dense:
        names = [BLOCK_NAMES[config.block, config.order], *["Transition"] * (len(config.stage_blocks) > 1)]
        return [source("dense", name) for name in names]
    shortcuts = {shape.shortcut for shape in block_shapes(config)}
    return [*definitions(config, shortcuts), _residual_block(config, shortcuts)]


def sharing(config: NetworkConfig) -> Sharing:
    """Which blocks of a pre-activation network have the shortcut start after their first ReLU."""
    shapes = block_shapes(config)
    if not any(shape.shares_activation for shape in shapes):
        return "none"
    if all(shape.shares_activation for shape in shapes):
        return "all"
    changing = all(shape.shares_activation == (shape.in_width != shape.width) for shape in shapes)
    return "changing" if changing else "first"


def _residual_block(config: NetworkConfig, shortcuts: set[ShortcutKind]) -> str:
    made, done = _pre_branch(config) if config.order == "pre" else _post_branch(config)
    if config.excitation:
        made.append("self.excitation = Excitation(width)")
        done.append("out = self.excitation(out)")
    shared = sharing(config)
    beside = {"none": "x", "all": "active"}.get(shared, "active if self.shares else x")
    if shared in ("changing", "first"):
        made.append(f"self.shares = {'shares' if shared == 'first' else 'in_width != width'}")
    if module := shortcut(shortcuts):
        made.append(f"self.shortcut = {module}")
        beside = f"self.shortcut({beside})"
    elif " " in beside:
        beside = f"({beside})"
    total = "out" if config.kind == "plain" else f"out + {beside}"
    if config.order == "post":
        relu = f"self.relu{len(_convolutions(config))}"
        made.append(f"{relu} = nn.ReLU()")
        total = f"{relu}({total})"
    widths = "in_width: int, width: int" if config.block == "basic" else "in_width: int, inner: int, width: int"
    told = ", shares: bool = False" if shared == "first" else ""
    arguments = f"{widths}, stride: int = 1{told}"
    return _class(BLOCK_NAMES[config.block, config.order], _said(config), arguments, made, [*done, f"return {total}"])


def _convolutions(config: NetworkConfig) -> list[tuple[str, str, str]]:
    """Of each convolution of a branch: the widths that enter and leave, and the expression that makes it."""
    stride = "stride"
    if config.block == "basic":
        shapes = [("in_width", "width", 3, [stride]), ("width", "width", 3, [])]
    else:
        first, second = ([stride], []) if config.stride_on == "1x1" else ([], [stride])
        groups = [f"groups={config.groups}"] if config.groups > 1 else []
        shapes = [
            ("in_width", "inner", 1, first),
            ("inner", "inner", 3, [*second, *groups]),
            ("inner", "width", 1, []),
        ]
    return [
        (in_width, width, convolution(in_width, width, kernel, *options, norm=config.norm, shifted=True))
        for in_width, width, kernel, options in shapes
    ]


def _post_branch(config: NetworkConfig) -> tuple[list[str], list[str]]:
    """Statements that make the modules of a branch, and those that apply them: convolution, norm, ReLU."""
    made, done = [], []
    convolutions = _convolutions(config)
    value = "x"
    for number, (_, width, expression) in enumerate(convolutions, start=1):
        last = number == len(convolutions)
        made.append(f"self.conv{number} = {expression}")
        value = f"self.conv{number}({value})"
        if norm := norm_at_end(config.norm, width) if last else norm_after(config.norm, width):
            made.append(f"self.norm{number} = {norm}")
            value = f"self.norm{number}({value})"
        if not last:
            made.append(f"self.relu{number} = nn.ReLU()")
            value = f"self.relu{number}({value})"
        done.append(f"out = {value}")
        value = "out"
    return made, done


def _pre_branch(config: NetworkConfig) -> tuple[list[str], list[str]]:
    """The same for norm, ReLU, convolution; `active` is what the first convolution gets."""
    made, done = [], []
    convolutions = _convolutions(config)
    for number, (in_width, _, expression) in enumerate(convolutions, start=1):
        value = "x" if number == 1 else "out"
        if norm := norm_after(config.norm, in_width):
            made.append(f"self.norm{number} = {norm}")
            value = f"self.norm{number}({value})"
        made += [f"self.relu{number} = nn.ReLU()", f"self.conv{number} = {expression}"]
        value = f"self.relu{number}({value})"
        if number == 1:
            done.append(f"active = {value}")
            value = "active"
        done.append(f"out = self.conv{number}({value})")
    if config.norm == "skipinit":
        last = f"self.norm{len(convolutions) + 1}"
        made.append(f"{last} = Scale()")
        done.append(f"out = {last}(out)")
    return made, done


def _said(config: NetworkConfig) -> list[str]:
    """The lines of a block's docstring."""
    convolutions = "two 3x3 convolutions" if config.block == "basic" else "1x1, 3x3 and 1x1 convolutions"
    if config.order == "pre":
        before = "Norm and ReLU" if norm_after(config.norm, "width") else "ReLU"
        said = [f"{before} before each of {convolutions} (He et al. 2016, figure 4e)."]
    elif config.kind == "plain":
        said = [f"{convolutions[0].upper()}{convolutions[1:]}."]
    else:
        figure = 2 if config.block == "basic" else 5
        around = f"and a shortcut around them (He et al. 2015, figure {figure})"
        said = [f"{convolutions[0].upper()}{convolutions[1:]} {around}."]
    starts = "he shortcut starts after the first ReLU."
    shared = {"none": "", "all": f"T{starts}", "changing": f"Where the width changes t{starts}"}
    said.append(shared.get(sharing(config), f"`shares`: t{starts}"))
    said.append("The 3x3 has groups (Xie et al. 2017, figure 3c)." if config.groups > 1 else "")
    said.append("The stride is on the first 1x1 convolution." if config.stride_on == "1x1" else "")
    return [line for line in said if line]


def _class(name: str, said: list[str], arguments: str, made: list[str], done: list[str]) -> str:
    """A class with its `__init__` and its `forward` of `x`."""
    first, *others = said
    ending = "".join(f"\n    {line}" for line in others)
    docstring = f'    """{first}\n{ending}\n    """' if others else f'    """{first}"""'
    return "\n".join(
        [
            f"class {name}(nn.Module):",
            docstring,
            "",
            f"    def __init__(self, {arguments}) -> None:",
            "        super().__init__()",
            *(f"        {line}" for line in made),
            "",
            "    def forward(self, x: Tensor) -> Tensor:",
            *(f"        {line}" for line in done),
            "",
        ]
    )
