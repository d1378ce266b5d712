"""Network configuration; importing this does not import torch."""

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from explorer.errors import BadSettings, quoted
from explorer.models.names import DEEP_STEMS, SCALE_DECIMALS, name_of
from explorer.settings import Settings, require_between

Shortcut = Literal["none", "A", "B", "C", "D"]
Kind = Literal["plain", "residual", "dense"]
Block = Literal["basic", "bottleneck", "dense", "dense-bottleneck"]
Order = Literal["post", "pre"]
Stem = Literal["small", "large", "deep", "tiered"]
Norm = Literal["batch", "skipinit", "fixup", "group"]
ShortcutStart = Literal["activation", "projection", "input"]
Antialias = Literal["none", "blur", "average"]
ExcitationBy = Literal["se", "eca"]

LAYERS_IN_BLOCK: dict[Block, int] = {"basic": 2, "bottleneck": 3, "dense": 1, "dense-bottleneck": 2}
EXCITATION_REDUCTION = 16  # ratio of channels between the two layers of an excitation, Hu et al. 2018, section 4
DENSE_BOTTLENECK = 4  # outputs of a dense layer's 1x1 convolution per growth, Huang et al. 2017, section 3
CHANNEL_NORMS = ("batch", "group")  # norms with a scale and an offset for each channel
NORM_GROUPS = 32  # of a group norm, fewer where they do not divide the channels; Wu and He 2018, section 4.1
EXPANSION = 4  # output channels of a bottleneck per channel of width

# Far larger than any trained network; memory is checked separately, see `models.size`
DEEPEST = 10_000  # layers
MOST_CLASSES = 1_000_000
WIDEST = 4096  # channels
LARGEST_IMAGE = 16_384  # pixels a side
LARGEST_SEED = 2**32 - 1


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
            "deep" has three 3x3 in place of the 7x7 (He et al. 2019, section 4.2), "tiered" the same with 3/8, 1/2 and
            all of the width (timm's ResNet-T).
        stages: blocks of each stage; empty: three equal stages that give the depth.
        widen: width of the first stage over that of the stem (Zagoruyko and Komodakis 2016).
        groups: of a bottleneck's 3x3 convolution (the cardinality of Xie et al. 2017).
        group_width: channels of each group in the first stage; 0: `width` divided by `groups`.
        stride_on: convolution of a bottleneck that has the stride: "1x1" in He et al. 2015, "3x3" in
            torchvision. In a basic block the first has it, or the "second".
        excitation: each channel is weighted at the end of each branch (Hu et al. 2018).
        excitation_by: "se", squeeze-and-excitation; "eca", a convolution over the channels' means (Wang et al. 2020).
        excitation_on: the "branch", or its "sum" with the shortcut.
        excitation_least: channels between the two layers of squeeze-and-excitation, at least; timm has 8.
        norm: "batch"; "skipinit" has instead a scalar, initially zero, at the end of each branch (De and Smith 2020);
            "fixup" has instead scalars and smaller initial weights (Zhang et al. 2019); "group" normalises 32 groups of
            channels (Wu and He 2018), fewer where 32 do not divide the channels.
        growth: channels that each dense layer adds.
        shortcut_scale: factor of every shortcut before the sum, rounded to four decimals (the constant scaling of He et
            al. 2016, section 3.1).
        pool: 3x3 max pooling with stride 2 after the stem: "usual" is "none" after a small one, "max" after others.
        padding: where option A adds its zeros: "half" before and half after the channels, or all at the "end".
        subsampling: which positions option A takes where the image size is halved: every second ("stride"), or the
            "average" of 2x2.
        shortcut_start: of pre-activation blocks. "activation": after the first norm and ReLU where the shape changes,
            and in the first block after a stem without ReLU (He et al. 2016, appendix A); "projection": only where the
            shape changes; "input": nowhere.
        first_projection: options B and D project in the first block too, although its shape does not change.
        end_norm: norm and ReLU follow the last pre-activation block.
        stem_norm: norm and ReLU follow a small stem before pre-activation blocks, as they do after other stems.
        antialias: of the strided 3x3 convolutions and the stem's pooling: stride 1, then the "blur" of Zhang 2019 or
            the "average" of 2x2 has the stride.
        widths: of each stage (bottlenecks give four times as many); empty: `width` times `widen`, doubled from stage to
            stage.
        enlarged: side in pixels to which images are enlarged before the stem, by bilinear interpolation; 0: they are
            not.
    """

    depth: int = Field(ge=1, le=DEEPEST)
    shortcut: Shortcut = "A"
    width: int = Field(default=16, ge=1, le=WIDEST)
    classes: int = Field(default=10, ge=2, le=MOST_CLASSES)
    channels: int = Field(default=3, ge=1, le=1024)
    block: Block = "basic"
    order: Order = "post"
    stem: Stem = "small"
    stages: tuple[int, ...] = Field(default=(), max_length=6)
    widen: int = Field(default=1, ge=1, le=64)
    groups: int = Field(default=1, ge=1, le=1024)
    group_width: int = Field(default=0, ge=0, le=4096)
    stride_on: Literal["3x3", "1x1", "second"] = "3x3"
    excitation: bool = False
    excitation_by: ExcitationBy = "se"
    excitation_on: Literal["branch", "sum"] = "branch"
    excitation_least: int = Field(default=1, ge=1, le=512)
    norm: Norm = "batch"
    growth: int = Field(default=0, ge=0, le=512)
    shortcut_scale: float = Field(default=1.0, ge=0, le=1)
    pool: Literal["usual", "max", "none"] = "usual"
    padding: Literal["half", "end"] = "half"
    subsampling: Literal["stride", "average"] = "stride"
    shortcut_start: ShortcutStart = "activation"
    first_projection: bool = False
    end_norm: bool = True
    stem_norm: bool = False
    antialias: Antialias = "none"
    widths: tuple[int, ...] = Field(default=(), max_length=6)
    enlarged: int = Field(default=0, ge=0, le=LARGEST_IMAGE)

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
        ints = all(isinstance(each, int) for each in widths)
        if ints and widths[0] * widths[1] == widths[2] and not values.get("widths"):
            defaults["group_width"] = 0
        if values.get("pool") == ("none" if values.get("stem", "small") == "small" else "max"):
            defaults["pool"] = "usual"
        return values | defaults

    @field_validator("stages")
    @classmethod
    def _blocks_in_each(cls, stages: tuple[int, ...]) -> tuple[int, ...]:
        if stages and min(stages) < 1:
            raise ValueError(f"`stages` (={quoted(stages)[1:-1]}): each stage has 1 block or more.")
        if sum(stages) > DEEPEST:
            raise ValueError(f"`stages` (={quoted(stages)[1:-1]}) have more than {DEEPEST:,} blocks. Take fewer.")
        return stages

    @field_validator("widths")
    @classmethod
    def _at_least_one_channel(cls, widths: tuple[int, ...]) -> tuple[int, ...]:
        if widths and not 1 <= min(widths) <= max(widths) <= WIDEST:
            raise ValueError(f"`widths` (={quoted(widths)[1:-1]}): each stage has from 1 to {WIDEST:,} channels.")
        return widths

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
            "B, C or D.": self.norm in ("skipinit", "fixup") and (self.shortcut == "none" or self.dense),
            "`norm='group'` is not built in dense layers; take `norm='batch'`.": self.norm == "group" and self.dense,
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
                self.shortcut_scale != 1 and self.norm in ("skipinit", "fixup")
            ),
            "Dense layers concatenate their input and have no other shortcut, excitation or order: leave out "
            "`excitation` and `order`, and take `shortcut='none'`.": (
                self.dense and (self.excitation or self.order == "pre" or self.shortcut != "none")
            ),
        }
        return next((rule for rule, broken in rules.items() if broken), "") or self._detail_problem()

    def details(self) -> dict[str, tuple[str, bool]]:
        """For each setting of a detail: what it needs, and whether this network has that; it need not be valid."""
        pads, projects = self.shortcut == "A" and not self.dense, self.shortcut in ("B", "D")
        first_width = self.widths[0] if self.widths else self.width * self.widen
        return {
            "padding": ("shortcut='A'", pads),
            "subsampling": ("shortcut='A'", pads),
            "shortcut_start": ("order='pre'", self.order == "pre"),
            "end_norm": ("order='pre'", self.order == "pre"),
            "stem_norm": ("order='pre'` and `stem='small'", self.order == "pre" and self.stem == "small"),
            "first_projection": (
                "shortcut='B', in a network whose first stage is as wide as its stem",
                projects and self.block == "basic" and first_width == self.width,
            ),
            "antialias": (
                "order='post'` and `stride_on='3x3'",
                self.order == "post" and self.stride_on == "3x3" and not self.dense,
            ),
            "excitation_by": ("excitation=True", self.excitation),
            "excitation_on": ("excitation=True` in a residual network", self.excitation and self.kind == "residual"),
            "excitation_least": (
                "excitation=True` and `excitation_by='se'", self.excitation and self.excitation_by == "se",
            ),
            "widths": (
                "widen=1` and the `group_width` of groups, in a network without dense layers",
                self.widen == 1 and (self.groups == 1 or self.group_width > 0) and not self.dense,
            ),
        }  # fmt: skip

    def _detail_problem(self) -> str:
        """Which detail has no effect or does not fit; empty if all do."""
        for name, (what, has_effect) in self.details().items():
            value = getattr(self, name)
            if value != type(self).model_fields[name].default and not has_effect:
                return f"`{name}` (={value}) needs `{what}`. Set that, or leave out `{name}`."
        if self.stride_on == "second" and self.block != "basic":
            return "`stride_on='second'` is of basic blocks; take `block='basic'`."
        if self.widths and len(self.widths) != len(self.stage_blocks):
            return (
                f"`widths` names {len(self.widths)} stages; this network has {len(self.stage_blocks)}. Name one width "
                "for each stage."
            )
        return ""

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
    def stage_widths(self) -> tuple[int, ...]:
        """Width of each stage; bottlenecks give four times as many channels."""
        if self.widths or self.dense:
            return self.widths
        return tuple(self.width * self.widen << stage for stage in range(len(self.stage_blocks)))

    @property
    def pooled_stem(self) -> bool:
        """Whether max pooling follows the stem."""
        return self.pool == "max" or (self.pool == "usual" and self.stem != "small")

    @property
    def bare_stem(self) -> bool:
        """Whether no norm and ReLU follow the stem, since the first block starts with them."""
        return self.stem == "small" and (self.order == "pre" or self.dense) and not self.stem_norm

    @property
    def blocks_per_stage(self) -> int:
        """Blocks of each of three equal stages."""
        return (self.depth - _other_layers(self.block, 3, self.stem)) // (3 * LAYERS_IN_BLOCK[self.block])

    @property
    def image_size(self) -> int:
        """Side in pixels of the images that the network is designed for: 32, or 224 for ImageNet."""
        return 32 if self.stem == "small" or self.enlarged else 224

    @property
    def name(self) -> str:
        """Network name: plain20, resnet56-b, resnet50, wrn-28-10; the inverse of `network_config`."""
        return name_of(self)


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
    return (3 if stem in DEEP_STEMS else 1) + 1 + (stages - 1 if block.startswith("dense") else 0)
