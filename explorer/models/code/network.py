"""Standalone PyTorch code of a network, to be copied into other projects.

Importing this does not import torch.
"""

from textwrap import fill

from explorer.models.catalogue import network_config
from explorer.models.code.blocks import BLOCK_NAMES, block_definitions, sharing
from explorer.models.code.parts import LINE, convolution, norm_after, sequential
from explorer.models.config import NetworkConfig
from explorer.models.names import DEEP_STEMS
from explorer.models.size import parameter_count
from explorer.models.structure import block_shapes, ends_with_norm, stem_widths

_RESIDUAL = "Deep Residual Learning for Image Recognition, He, Zhang, Ren and Sun 2015, arXiv 1512.03385"
_DENSE = "Densely Connected Convolutional Networks, Huang, Liu, van der Maaten and Weinberger 2017, arXiv 1608.06993"
_PRE = "Identity Mappings in Deep Residual Networks, He, Zhang, Ren and Sun 2016, arXiv 1603.05027"
_WIDE = "Wide Residual Networks, Zagoruyko and Komodakis 2016, arXiv 1605.07146"
_GROUPED = (
    "Aggregated Residual Transformations for Deep Neural Networks, Xie, Girshick, Dollar, Tu and He 2017, "
    "arXiv 1611.05431"
)
_EXCITATION = "Squeeze-and-Excitation Networks, Hu, Shen and Sun 2018, arXiv 1709.01507"
_TRICKS = (
    "Bag of Tricks for Image Classification with Convolutional Neural Networks, He, Zhang, Zhang, Zhang, Xie and Li "
    "2019, arXiv 1812.01187"
)
_SKIPINIT = (
    "Batch Normalization Biases Residual Blocks Towards the Identity Function in Deep Networks, De and Smith 2020, "
    "arXiv 2002.10444"
)
_EFFICIENT = "ECA-Net, Wang, Wu, Zhu, Li, Zuo and Hu 2020, arXiv 1910.03151"
_BLUR = "Making Convolutional Networks Shift-Invariant Again, Zhang 2019, arXiv 1904.11486"
_GROUP_NORM = "Group Normalization, Wu and He 2018, arXiv 1803.08494"
_FIXUP = "Fixup Initialization: Residual Learning Without Normalization, Zhang, Dauphin and Ma 2019, arXiv 1901.09321"


def standalone_code(network: str | NetworkConfig) -> str:
    """Standalone code of a network, with only the parts that it has; imports nothing but torch.

    Parameters have the same names, order and initialisation as those of `models.network.build`.

    Args:
        network: a name, or a configuration.

    Raises:
        UnknownName: no network is called so.
    """
    config = network_config(network) if isinstance(network, str) else network
    code = "\n\n".join([*block_definitions(config), _network(config), _main(config)])
    constants = _constants(config)
    return f"{_docstring(config)}\n{_imports(constants + code)}\n{constants}\n\n{code}"


def _docstring(config: NetworkConfig) -> str:
    side = config.image_size
    kind = {"plain": "a plain network", "residual": "a residual network", "dense": "a densely connected network"}
    text = (
        f"{parameter_count(config):,} parameters. Input: images (N, {config.channels}, {side}, {side}), normalised as "
        f"in training; other sizes work too. Output: scores (N, {config.classes}) before softmax."
    )
    return "\n".join(
        [
            *_title(config, kind[config.kind]),
            "",
            "Sources:",
            *(fill(paper, LINE, initial_indent="- ", subsequent_indent="  ") for paper in _papers(config)),
            "",
            fill(text, LINE),
            "",
            "Weights saved by ResNet Explorer have the same names:",
            "",
            "    from safetensors.torch import load_file",
            "",
            "    network = Network()",
            '    network.load_state_dict(load_file("checkpoint.safetensors"))',
            "    network.eval()",
            '"""',
            "",
        ]
    )


def _title(config: NetworkConfig, kind: str) -> list[str]:
    line = f'"""{config.name}: {kind} of {config.depth} weighted layers.'
    return [line] if len(line) <= LINE else [f'"""{kind[0].upper()}{kind[1:]}.', "", f"Its name: {config.name}."]


def _papers(config: NetworkConfig) -> list[str]:
    papers = {
        _RESIDUAL: not config.dense,
        _DENSE: config.dense,
        _PRE: config.order == "pre" or config.shortcut_scale != 1,
        _WIDE: config.widen > 1 or config.group_width > config.width,
        _GROUPED: config.groups > 1,
        _EXCITATION: config.excitation and config.excitation_by == "se",
        _EFFICIENT: config.excitation and config.excitation_by == "eca",
        _TRICKS: config.stem in DEEP_STEMS or config.shortcut == "D",
        _BLUR: config.antialias == "blur",
        _GROUP_NORM: config.norm == "group",
        _SKIPINIT: config.norm == "skipinit",
        _FIXUP: config.norm == "fixup",
    }
    return [paper for paper, applies in papers.items() if applies]


def _imports(code: str) -> str:
    standard = "import math\n" * ("math." in code) + "from collections import OrderedDict\n" * ("OrderedDict(" in code)
    functional = "import torch.nn.functional as F\n" if "F." in code else ""
    return f"{standard}{standard and chr(10)}import torch\n{functional}from torch import Tensor, nn\n"


def _constants(config: NetworkConfig) -> str:
    """Code of the constants: a table of stages."""
    if config.dense:
        layers = f"LAYERS = {config.stage_blocks}  # of each stage\n"
        return f"GROWTH = {config.growth}  # channels added by each layer\n{layers}"
    rows = []
    for stage, blocks in enumerate(config.stage_blocks, start=1):
        first = next(shape for shape in block_shapes(config) if shape.stage == stage)
        widths = [first.width] if config.block == "basic" else [first.inner_width, first.width]
        rows.append(f"({', '.join(map(str, [blocks, *widths, first.stride]))}),")
    inner = "" if config.block == "basic" else "inner width, "
    table = "\n".join(["", *(f"    {row}" for row in rows), ""]) if len(rows) > 1 else rows[0]
    return f"# Of each stage: blocks, {inner}width, stride of its first block\nSTAGES = ({table})\n"


def _network(config: NetworkConfig) -> str:
    open_end = ends_with_norm(config)
    end = {"norm": norm_after(config.norm, "width"), "relu": "nn.ReLU()"}
    features = "self.stages(self.stem(images))"
    lines = [
        "class Network(nn.Module):",
        '    """Stem, stages of blocks, average pooling, classifier."""',
        "",
        f"    def __init__(self, classes: int = {config.classes}) -> None:",
        "        super().__init__()",
        f"        self.stem = {sequential(_stem(config), indent=8)}",
        *(f"        {line}" for line in (_dense_stages(config) if config.dense else _residual_stages(config))),
        *([f"        self.end = {sequential(end, indent=8)}"] if open_end else []),
        "        self.pool = nn.AdaptiveAvgPool2d(1)",
        "        self.classifier = nn.Linear(width, classes)",
        "        self.initialise()",
        "",
        *(f"    {line}".rstrip() for line in _initialise(config)),
        "",
        "    def forward(self, images: Tensor) -> Tensor:",
        f"        features = {f'self.end({features})' if open_end else features}",
        "        return self.classifier(self.pool(features).flatten(1))",
        "",
    ]
    return "\n".join(lines)


def _stem(config: NetworkConfig) -> dict[str, str]:
    """Expressions of the modules of `models.stems.build_stem`, by name."""
    modules: dict[str, str] = {}
    norm = config.norm
    if config.enlarged:
        size = (config.enlarged, config.enlarged)
        modules["enlarge"] = f'nn.Upsample({size}, mode="bilinear")'
    if config.stem in DEEP_STEMS:
        widths = stem_widths(config)
        for number in (1, 2, 3):
            stride = ["2"] if number == 1 else []
            modules[f"conv{number}"] = convolution(widths[number - 1], widths[number], 3, *stride, norm=norm)
            modules[f"norm{number}"] = norm_after(norm, widths[number])
            modules[f"relu{number}"] = "nn.ReLU()"
    else:
        kernel, stride = (3, []) if config.stem == "small" else (7, ["2"])
        modules["conv"] = convolution(config.channels, config.width, kernel, *stride, norm=norm)
        if not config.bare_stem:
            modules |= {"norm": norm_after(norm, config.width), "relu": "nn.ReLU()"}
    if config.pooled_stem:
        pooling = {
            "none": {"pool": "nn.MaxPool2d(3, stride=2, padding=1)"},
            "blur": {"pool": "nn.MaxPool2d(3, stride=1, padding=1)", "blur": "Blur()"},
            "average": {"pool": "nn.AvgPool2d(2)"},
        }
        modules |= pooling[config.antialias]
    return modules


def _residual_stages(config: NetworkConfig) -> list[str]:
    name = BLOCK_NAMES[config.block, config.order]
    inner = "" if config.block == "basic" else "inner, "
    options = ", shares=True" if sharing(config) == "first" else ""
    options += ", projects=not stages" if config.first_projection else ""
    return [
        "stages: list[nn.Module] = []",
        f"in_width = {config.width}",
        f"for blocks, {inner}width, stride in STAGES:",
        f"    first = {name}(in_width, {inner}width, stride{options})",
        f"    others = ({name}(width, {inner}width) for _ in range(blocks - 1))",
        "    stages.append(nn.Sequential(first, *others))",
        "    in_width = width",
        "self.stages = nn.Sequential(*stages)",
    ]


def _dense_stages(config: NetworkConfig) -> list[str]:
    left = "width // 2" if config.block == "dense-bottleneck" else "width"
    transition = [
        "    if stages:",
        f"        modules.append(Transition(width, {left}))",
        *(["        width = width // 2"] if left != "width" else []),
    ]
    return [
        "stages: list[nn.Module] = []",
        f"width = {config.width}",
        "for layers in LAYERS:",
        "    modules: list[nn.Module] = []",
        *(transition if len(config.stage_blocks) > 1 else []),
        "    for _ in range(layers):",
        f"        modules.append({BLOCK_NAMES[config.block, config.order]}(width, GROWTH))",
        "        width += GROWTH",
        "    stages.append(nn.Sequential(*modules))",
        "self.stages = nn.Sequential(*stages)",
    ]


def _initialise(config: NetworkConfig) -> list[str]:
    """Code of `models.network.initialise`; linear layers keep PyTorch's initialisation, which is the same there."""
    eca = config.excitation and config.excitation_by == "eca"
    convolutions = "nn.Conv2d | nn.Conv1d" if eca else "nn.Conv2d"
    lines = [
        "def initialise(self) -> None:",
        '    """Initial weights, by the rule of He et al. 2015, arXiv 1502.01852."""',
        "    for module in self.modules():",
        f"        if isinstance(module, {convolutions}):",
        '            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")',
    ]
    if config.norm == "skipinit" or (config.excitation and not eca):
        lines += ["            if module.bias is not None:", "                nn.init.zeros_(module.bias)"]
    if config.norm != "fixup":
        return lines
    inner, last = (["conv1"], "conv2") if config.block == "basic" else (["conv1", "conv2"], "conv3")
    return [
        *lines,
        "    # Fixup: branches start smaller the more there are, and with an output of zero",
        "    blocks = [block for stage in self.stages for block in stage]",
        "    with torch.no_grad():",
        "        for block in blocks:",
        *(f"            block.{name}.weight *= len(blocks) ** (-1 / {2 * len(inner)})" for name in inner),
        f"            nn.init.zeros_(block.{last}.weight)",
        "    nn.init.zeros_(self.classifier.weight)",
        "    nn.init.zeros_(self.classifier.bias)",
    ]


def _main(config: NetworkConfig) -> str:
    side = config.image_size
    return "\n".join(
        [
            'if __name__ == "__main__":',
            "    network = Network().eval()",
            "    with torch.inference_mode():",
            f"        scores = network(torch.zeros(2, {config.channels}, {side}, {side}))",
            '    print("output", tuple(scores.shape))',
            '    print(f"{sum(each.numel() for each in network.parameters()):,} parameters")',
            "",
        ]
    )
