"""Standalone code of blocks: only the definitions that a network needs.

Modules and their order are those of `models.blocks` and `models.dense`, so parameters have the same names.
"""

from typing import Literal

from explorer.models.code.parts import (
    LINE,
    antialiasing,
    assignment,
    changing,
    convolution,
    definitions,
    excitation,
    norm_after,
    norm_at_end,
    shortcut,
    source,
)
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

# In which blocks the shortcut starts after the first norm and ReLU: all, where the width changes, first of each stage
Sharing = Literal["none", "all", "changing", "first"]


def block_definitions(config: NetworkConfig) -> list[str]:
    """Code of the classes and functions of a network's blocks, in order of use; the block itself comes last."""
    if config.dense:
        names = [BLOCK_NAMES[config.block, config.order], *["Transition"] * (len(config.stage_blocks) > 1)]
        return [source("dense", name) for name in names]
    shortcuts = {shape.shortcut for shape in block_shapes(config)}
    return [*definitions(config, shortcuts), _residual_block(config, shortcuts)]


def sharing(config: NetworkConfig) -> Sharing:
    """In which blocks of a pre-activation network the shortcut starts after the first ReLU."""
    shapes = block_shapes(config)
    if not any(shape.shares_activation for shape in shapes):
        return "none"
    if all(shape.shares_activation for shape in shapes):
        return "all"
    changes = all(shape.shares_activation == (shape.shortcut != "identity") for shape in shapes)
    return "changing" if changes else "first"


def _residual_block(config: NetworkConfig, shortcuts: set[ShortcutKind]) -> str:
    init, steps = _pre_branch(config) if config.order == "pre" else _post_branch(config)
    if config.excitation:
        init += excitation(config)
    of_sum = config.excitation_on == "sum"
    if config.excitation and not of_sum:
        steps.append("out = self.excitation(out)")
    shared = sharing(config)
    addend = {"none": "x", "all": "active"}.get(shared, "active if self.shares else x")
    if shared in ("changing", "first"):
        init.append(f"self.shares = {'shares' if shared == 'first' else changing(config)}")
    if module := shortcut(config, shortcuts):
        init += assignment("self.shortcut", module)
        addend = f"self.shortcut({addend})"
    elif " " in addend:
        addend = f"({addend})"
    if config.shortcut_scale != 1:
        addend = f"{config.shortcut_scale} * {addend}"
    total = "out" if config.kind == "plain" else f"out + {addend}"
    if of_sum:
        total = f"self.excitation({total})"
    if config.order == "post":
        relu = f"self.relu{len(_convolutions(config))}"
        init.append(f"{relu} = nn.ReLU()")
        total = f"{relu}({total})"
    widths = "in_width: int, width: int" if config.block == "basic" else "in_width: int, inner: int, width: int"
    shares = ", shares: bool = False" if shared == "first" else ""
    projects = ", projects: bool = False" if config.first_projection else ""
    arguments = f"{widths}, stride: int = 1{shares}{projects}"
    steps.append(f"return {total}")
    return _class(BLOCK_NAMES[config.block, config.order], _docstring(config), arguments, init, steps)


def _convolutions(config: NetworkConfig) -> list[tuple[str, str, str]]:
    """Input width, output width and expression of each convolution of a branch."""
    on_first = config.stride_on == ("3x3" if config.block == "basic" else "1x1")
    stride = ["stride"] if config.antialias == "none" else []
    first, second = (stride, []) if on_first else ([], stride)
    if config.block == "basic":
        shapes = [("in_width", "width", 3, first), ("width", "width", 3, second)]
    else:
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
    """Statements of `__init__` and `forward` of a branch: convolution, norm, ReLU."""
    init, steps = [], []
    convolutions = _convolutions(config)
    value = "x"
    for number, (_, width, expression) in enumerate(convolutions, start=1):
        last = number == len(convolutions)
        init.append(f"self.conv{number} = {expression}")
        value = f"self.conv{number}({value})"
        if norm := norm_at_end(config.norm, width) if last else norm_after(config.norm, width):
            init.append(f"self.norm{number} = {norm}")
            value = f"self.norm{number}({value})"
        if not last:
            init.append(f"self.relu{number} = nn.ReLU()")
            value = f"self.relu{number}({value})"
        if config.antialias != "none" and number == len(convolutions) - 1:
            init.append(f"self.antialias = {antialiasing(config)}")
            value = f"self.antialias({value})"
        steps.append(f"out = {value}")
        value = "out"
    return init, steps


def _pre_branch(config: NetworkConfig) -> tuple[list[str], list[str]]:
    """Statements of `__init__` and `forward` of a branch: norm, ReLU, convolution; `active` enters the first one."""
    init, steps = [], []
    convolutions = _convolutions(config)
    for number, (in_width, _, expression) in enumerate(convolutions, start=1):
        value = "x" if number == 1 else "out"
        if norm := norm_after(config.norm, in_width):
            init.append(f"self.norm{number} = {norm}")
            value = f"self.norm{number}({value})"
        init += [f"self.relu{number} = nn.ReLU()", f"self.conv{number} = {expression}"]
        value = f"self.relu{number}({value})"
        if number == 1:
            steps.append(f"active = {value}")
            value = "active"
        steps.append(f"out = self.conv{number}({value})")
    if config.norm == "skipinit":
        last = f"self.norm{len(convolutions) + 1}"
        init.append(f"{last} = Scale()")
        steps.append(f"out = {last}(out)")
    return init, steps


def _docstring(config: NetworkConfig) -> list[str]:
    """Lines of a block's docstring."""
    convolutions = "two 3x3 convolutions" if config.block == "basic" else "1x1, 3x3 and 1x1 convolutions"
    if config.order == "pre":
        before = "Norm and ReLU" if norm_after(config.norm, "width") else "ReLU"
        lines = [f"{before} before each of {convolutions} (He et al. 2016, figure 4e)."]
    elif config.kind == "plain":
        lines = [f"{convolutions[0].upper()}{convolutions[1:]}."]
    else:
        figure = 2 if config.block == "basic" else 5
        around = f"and a shortcut around them (He et al. 2015, figure {figure})"
        lines = [f"{convolutions[0].upper()}{convolutions[1:]} {around}."]
    starts = "he shortcut starts after the first ReLU."
    shared = {"none": "", "all": f"T{starts}", "changing": f"Where the shape changes t{starts}"}
    lines.append(shared.get(sharing(config), f"`shares`: t{starts}"))
    scaled = f"The shortcut is multiplied by {config.shortcut_scale} (He et al. 2016, section 3.1)."
    lines.append(scaled if config.shortcut_scale != 1 else "")
    lines.append("The 3x3 convolution is grouped (Xie et al. 2017, figure 3c)." if config.groups > 1 else "")
    lines.append("The stride is on the first 1x1 convolution." if config.stride_on == "1x1" else "")
    lines.append("The stride is on the second convolution." if config.stride_on == "second" else "")
    lines.append("A stride of 2 is that of the antialiasing (Zhang 2019)." if config.antialias == "blur" else "")
    lines.append("The excitation weights the sum." if config.excitation_on == "sum" else "")
    return [line for line in lines if line]


def _class(name: str, lines: list[str], arguments: str, init: list[str], steps: list[str]) -> str:
    """Code of a module class."""
    first, *others = lines
    ending = "".join(f"\n    {line}" for line in others)
    signature = [f"    def __init__(self, {arguments}) -> None:"]
    if len(signature[0]) > LINE:
        signature = ["    def __init__(", f"        self, {arguments}", "    ) -> None:"]
    docstring = f'    """{first}\n{ending}\n    """' if others else f'    """{first}"""'
    return "\n".join(
        [
            f"class {name}(nn.Module):",
            docstring,
            "",
            *signature,
            "        super().__init__()",
            *(f"        {line}" for line in init),
            "",
            "    def forward(self, x: Tensor) -> Tensor:",
            *(f"        {line}" for line in steps),
            "",
        ]
    )
