"""Network configuration; importing this does not import torch."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from explorer.errors import BadSettings, quoted
from explorer.models.names import (
    BOTTLENECK_DEPTHS,
    IMAGENET,
    IMAGENET_DENSE,
    SCALE_DECIMALS,
    dense_width,
    factor_text,
    usual_shortcut,
    usual_width,
)
from explorer.settings import Settings, require_between

Shortcut = Literal["none", "A", "B", "C", "D"]
Kind = Literal["plain", "residual", "dense"]
Block = Literal["basic", "bottleneck", "dense", "dense-bottleneck"]
Order = Literal["post", "pre"]
Stem = Literal["small", "large", "deep"]
Norm = Literal["batch", "skipinit", "fixup"]

LAYERS_IN_BLOCK: dict[Block, int] = {"basic": 2, "bottleneck": 3, "dense": 1, "dense-bottleneck": 2}
EXCITATION_REDUCTION = 16  # ratio of channels between the two layers of an excitation, Hu et al. 2018, section 4
DENSE_BOTTLENECK = 4  # outputs of a dense layer's 1x1 convolution per growth, Huang et al. 2017, section 3
EXPANSION = 4  # output channels of a bottleneck per channel of width

# Far larger than any trained network; memory is checked separately, see `models.size`
DEEPEST = 10_000  # layers
MOST_CLASSES = 1_000_000
LARGEST_IMAGE = 16_384  # pixels a side
LARGEST_SEED = 2**32 - 1
WIDEST_HEAD = 65_536


class NetworkConfig(Settings):
    """Configuration of a plain, residual or densely connected network.

    Attributes:
        depth: weighted layers on the main path. Without `stages` there are three equal ones: 6n+2 layers in basic
            blocks, 9n+2 in bottlenecks, 3n+4 and 6n+4 in the two kinds of dense layers.
        shortcut: "none" makes the network plain; "A" pads with zeros, "B" projects where the shape changes, "C"
            projects everywhere (He et al. 2015, section 3.3); "D" is B that averages 2x2 before it projects (He et al.
            2019, section 4.2). Dense layers have no other shortcut than the concatenation.
        width: channels of the stem; of the first stage too, before `widen`. 16 in the paper's networks for small
            images.
        classes: number of outputs of the classifier.
        channels: of an image: 3 for colour, 1 for greyscale.
        block: "basic" has two 3x3 convolutions, "bottleneck" a 3x3 between two 1x1 of which the last gives four times
            the width (He et al. 2015, figure 5); "dense" and "dense-bottleneck" are the layers of Huang et al. 2017.
        order: "post" puts norm and ReLU after each convolution, "pre" before it (He et al. 2016).
        stem: "small" is a 3x3 convolution; "large" the 7x7 with stride 2 and the max pooling of ImageNet networks;
            "deep" has three 3x3 in place of the 7x7 (He et al. 2019, section 4.2).
        stages: blocks of each stage; empty: three equal stages that give the depth.
        widen: width of the first stage over that of the stem (Zagoruyko and Komodakis 2016).
        groups: of a bottleneck's 3x3 convolution (the cardinality of Xie et al. 2017).
        group_width: channels of each group in the first stage; 0: `width` divided by `groups`.
        stride_on: convolution of a bottleneck that has the stride: "1x1" in He et al. 2015, "3x3" in
            torchvision.
        excitation: squeeze-and-excitation at the end of each branch (Hu et al. 2018).
        norm: "batch"; "skipinit" has instead a scalar, initially zero, at the end of each branch (De and Smith 2020);
            "fixup" has instead scalars and smaller initial weights (Zhang et al. 2019).
        growth: channels that each dense layer adds.
        shortcut_scale: factor of every shortcut before the sum, rounded to four decimals (the constant scaling of He et
            al. 2016, section 3.1).
        head: widths of hidden linear layers, each with a ReLU, between the average pooling and the classifier; not
            counted in `depth`.
        sigmoid: one output instead of two, whose sigmoid is the probability of class 1.
    """

    depth: int = Field(ge=1, le=DEEPEST)
    shortcut: Shortcut = "A"
    width: int = Field(default=16, ge=1, le=4096)
    classes: int = Field(default=10, ge=2, le=MOST_CLASSES)
    channels: int = Field(default=3, ge=1, le=1024)
    block: Block = "basic"
    order: Order = "post"
    stem: Stem = "small"
    stages: tuple[int, ...] = Field(default=(), max_length=6)
    widen: int = Field(default=1, ge=1, le=64)
    groups: int = Field(default=1, ge=1, le=1024)
    group_width: int = Field(default=0, ge=0, le=4096)
    stride_on: Literal["3x3", "1x1"] = "3x3"
    excitation: bool = False
    norm: Norm = "batch"
    growth: int = Field(default=0, ge=0, le=512)
    shortcut_scale: float = Field(default=1.0, ge=0, le=1)
    head: tuple[Annotated[int, Field(ge=1, le=WIDEST_HEAD)], ...] = Field(default=(), max_length=4)
    sigmoid: bool = False

    @model_validator(mode="before")
    @classmethod
    def _canonical(cls, values: Any) -> dict[str, Any]:
        """Replace settings equivalent to a default by it, so that a network has one configuration and name."""
        if not isinstance(values, dict):
            raise ValueError(f"a network (={quoted(values)}) must be a dict of settings.")  # noqa: TRY004 for pydantic
        defaults: dict[str, Any] = {}
        stages = values.get("stages")
        if isinstance(stages, tuple | list) and len(stages) == 3 and len(set(stages)) == 1:
            defaults["stages"] = ()
        widths = values.get("group_width", 0), values.get("groups", 1), values.get("width", 16)
        if all(isinstance(each, int) for each in widths) and widths[0] * widths[1] == widths[2]:
            defaults["group_width"] = 0
        return values | defaults

    @field_validator("stages")
    @classmethod
    def _blocks_in_each(cls, stages: tuple[int, ...]) -> tuple[int, ...]:
        if stages and min(stages) < 1:
            raise ValueError(f"`stages` (={quoted(stages)[1:-1]}): each stage has 1 block or more.")
        if sum(stages) > DEEPEST:
            raise ValueError(f"`stages` (={quoted(stages)[1:-1]}) have more than {DEEPEST:,} blocks. Take fewer.")
        return stages

    @field_validator("shortcut_scale")
    @classmethod
    def _as_named(cls, scale: float) -> float:
        return abs(round(scale, SCALE_DECIMALS))  # no minus before a zero

    @model_validator(mode="after")
    def _can_be_built(self) -> Self:
        if problem := self._depth_problem():
            raise BadSettings(problem, settings=("depth",))
        if problem := self._part_problem():
            raise BadSettings(problem)
        return self

    def _depth_problem(self) -> str:
        """Why no network has this depth; empty if one has."""
        if self.stages:
            layers = depth_of(self.block, self.stages, self.stem)
            blocks = ", ".join(map(str, self.stages))
            return "" if self.depth == layers else (
                f"`depth` (={self.depth}) is not that of {blocks} {self.block} blocks, which have {layers} layers with "
                f"stem and classifier. Take `depth={layers}`."
            )  # fmt: skip
        lower, upper = nearest_depths(self.depth, self.block, self.stem)
        if self.depth in (lower, upper):
            return ""
        rule = depth_rule(self.block, self.stem)
        return f"`depth` (={self.depth}) is not {rule}. The nearest are {lower} and {upper}."

    def _part_problem(self) -> str:
        """Which settings are incompatible; empty if none are. Settings without effect are rejected too."""
        rules = {
            "`groups` and `group_width` are of bottlenecks; take `block='bottleneck'`.": (
                self.block != "bottleneck" and (self.groups > 1 or self.group_width)
            ),
            f"`width` (={self.width}) is not divisible by `groups` (={self.groups}); take a multiple, or set "
            "`group_width`, the channels of each group.": not self.group_width and self.width % self.groups,
            f"`group_width` (={self.group_width}) is that of one group, which is how many times as wide as the block; "
            f"take a multiple of `width` (={self.width}).": (
                self.groups == 1 and self.group_width and self.group_width % self.width
            ),
            "`stride_on='1x1'` is of bottlenecks; take `block='bottleneck'`.": (
                self.stride_on == "1x1" and self.block != "bottleneck"
            ),
            f"`widen` (={self.widen}) is of basic blocks with `order='pre'`, as in Zagoruyko and Komodakis 2016; "
            "raise `width` instead.": self.widen > 1 and (self.block != "basic" or self.order != "pre"),
            "`order='pre'` needs a shortcut: choose `shortcut` A, B, C or D.": (
                self.order == "pre" and self.shortcut == "none" and not self.dense
            ),
            f"`norm='{self.norm}'` starts with branches that output zero, so it needs a shortcut: choose `shortcut` A, "
            "B, C or D.": self.norm != "batch" and (self.shortcut == "none" or self.dense),
            "`norm='fixup'` is made for `order='post'`; take that, or `norm='skipinit'`.": (
                self.norm == "fixup" and self.order == "pre"
            ),
            f"`growth` (={self.growth}): a dense layer adds 1 channel or more, such as 12.": (
                self.dense and not self.growth
            ),
            "`growth` is of dense layers; take `block='dense'`.": self.growth and not self.dense,
            f"`shortcut_scale` (={self.shortcut_scale:g}) is a factor of shortcuts that are added to a branch, and "
            "this network has none: choose `shortcut` A, B, C or D in a network without dense layers.": (
                self.shortcut_scale != 1 and self.kind != "residual"
            ),
            f"`shortcut_scale` (={self.shortcut_scale:g}) with `norm='{self.norm}'`: its branches start with outputs "
            "of zero, so each block would only shrink its input; take `norm='batch'`.": (
                self.shortcut_scale != 1 and self.norm != "batch"
            ),
            f"`sigmoid` is of networks with two classes, not of `classes` (={self.classes}); leave it out, or take "
            "`classes=2`.": self.sigmoid and self.classes != 2,
            "Dense layers concatenate their input and have no other shortcut, excitation or order: leave out "
            "`excitation` and `order`, and take `shortcut='none'`.": (
                self.dense and (self.excitation or self.order == "pre" or self.shortcut != "none")
            ),
        }
        return next((rule for rule, broken in rules.items() if broken), "")

    @property
    def dense(self) -> bool:
        return self.block.startswith("dense")

    @property
    def kind(self) -> Kind:
        if self.dense:
            return "dense"
        return "plain" if self.shortcut == "none" else "residual"

    @property
    def stage_blocks(self) -> tuple[int, ...]:
        """Blocks of each stage."""
        if self.stages:
            return self.stages
        return (self.blocks_per_stage,) * 3

    @property
    def blocks_per_stage(self) -> int:
        """Blocks of each of three equal stages."""
        return (self.depth - _other_layers(self.block, 3, self.stem)) // (3 * LAYERS_IN_BLOCK[self.block])

    @property
    def outputs(self) -> int:
        """Outputs of the classifier."""
        return 1 if self.sigmoid else self.classes

    @property
    def image_size(self) -> int:
        """Side in pixels of the images that the network is designed for: 32, or 224 for ImageNet."""
        return 32 if self.stem == "small" else 224

    @property
    def name(self) -> str:
        """Network name: plain20, resnet56-b, resnet50, wrn-28-10; the inverse of `network_config`."""
        return _name(self)


def require_seed(seed: int) -> None:
    """Raise BadSettings unless `seed` is between 0 and `LARGEST_SEED`."""
    require_between("seed", seed, 0, LARGEST_SEED)


def depth_of(block: Block, stages: tuple[int, ...], stem: Stem) -> int:
    """Weighted layers on the main path of a network with these blocks per stage."""
    return _other_layers(block, len(stages), stem) + LAYERS_IN_BLOCK[block] * sum(stages)


def depth_rule(block: Block, stem: Stem = "small") -> str:
    """Formula of the depths with three equal stages, such as 6n+2."""
    return f"{3 * LAYERS_IN_BLOCK[block]}n+{_other_layers(block, 3, stem)}"


def nearest_depths(depth: int, block: Block = "basic", stem: Stem = "small") -> tuple[int, int]:
    """The nearest valid depths with three equal stages; the first is `depth` itself if that is valid."""
    step, others = 3 * LAYERS_IN_BLOCK[block], _other_layers(block, 3, stem)
    lower = others + step * max(1, (depth - others) // step)
    return lower, lower + step


def _other_layers(block: Block, stages: int, stem: Stem) -> int:
    """Layers outside of blocks: stem, classifier and, in dense networks, transitions."""
    return (3 if stem == "deep" else 1) + 1 + (stages - 1 if block.startswith("dense") else 0)


def _name(config: NetworkConfig) -> str:
    """The shortest name that `names.settings_of` reads as this configuration, apart from classes and channels."""
    base, suffixes = _dense_name(config) if config.dense else _residual_name(config)
    suffixes += [f"head{'.'.join(map(str, config.head))}"] * bool(config.head)
    suffixes += ["sigmoid"] * config.sigmoid
    return "-".join([base, *suffixes])


def _residual_name(config: NetworkConfig) -> tuple[str, list[str]]:
    deep = config.stem == "deep"
    number = config.depth - (2 if deep else 0)
    wide = config.widen > 1
    known = not wide and IMAGENET.get(number, ("", ()))[1] == config.stages != ()
    grouped = config.groups > 1 or config.group_width not in (0, config.width)
    large = config.stem == "large" or (deep and known)
    named_stages = config.stages if not known else ()
    named_stages = named_stages or (config.stage_blocks if number in IMAGENET and not known and not wide else ())
    named_stages = named_stages or (config.stage_blocks if large and not known else ())
    block = (
        IMAGENET[number][0] if known
        else "bottleneck" if grouped or (number in BOTTLENECK_DEPTHS and not named_stages) else "basic"
    )  # fmt: skip
    short_d = deep and config.shortcut == "D" and not (grouped or wide)
    suffixes = []
    if config.shortcut not in ("none", usual_shortcut(config.block, large=known or large, wide=wide)) and not short_d:
        suffixes.append(config.shortcut.lower())
    suffixes += ["plain"] * (config.kind == "plain" and grouped)
    suffixes += [config.block] * (config.block != block)
    suffixes += ["v1"] * (config.stride_on == "1x1")
    suffixes += ["deep"] * (deep and not short_d)
    suffixes += ["cifar"] * (known and config.stem == "small")
    suffixes += ["large"] * (large and not known)
    suffixes += [config.norm] * (config.norm != "batch")
    suffixes += [f"alpha{factor_text(config.shortcut_scale)}"] * (config.shortcut_scale != 1)
    suffixes += [f"w{config.width}"] * (config.width != usual_width(imagenet=known or large, grouped=grouped))
    suffixes += [f"s{'.'.join(map(str, named_stages))}"] * bool(named_stages)
    return _base(config, number, short_d=short_d), suffixes


def _base(config: NetworkConfig, number: int, *, short_d: bool) -> str:
    se = "se" if config.excitation else ""
    if config.widen > 1:
        return f"{se}wrn-{number + 2}-{config.widen}"
    pre = "pre" if config.order == "pre" else ""
    if config.groups > 1:
        return f"{se}{pre}resnext{number}-{config.groups}x{config.group_width or config.width // config.groups}d"
    if config.group_width not in (0, config.width):
        return f"{se}{pre}wide-resnet{number}-{config.group_width // config.width}"
    kind = "plain" if config.kind == "plain" else "resnet"
    return f"{se}{pre}{kind}{number}{'d' if short_d else ''}"


def _dense_name(config: NetworkConfig) -> tuple[str, list[str]]:
    known = IMAGENET_DENSE.get(config.depth) == (config.stages, config.growth) and config.block == "dense-bottleneck"
    suffixes = []
    if known:
        base = f"densenet{config.depth}"
        suffixes += ["cifar"] * (config.stem == "small")
    else:
        bc = "bc-" if config.block == "dense-bottleneck" else ""
        base = f"densenet-{bc}{config.depth}-{config.growth}"
        suffixes += ["large"] * (config.stem != "small")
    suffixes += [f"w{config.width}"] * (config.width != dense_width(config.block, config.growth))
    if config.stages and not known:
        suffixes.append(f"s{'.'.join(map(str, config.stages))}")
    return base, suffixes
