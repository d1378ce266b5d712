"""Network names: those of the literature, with suffixes for differences.

    [se][pre](plain|resnet)DEPTH[d]   plain20, resnet56, preresnet110, seresnet50, resnet50d (He et al. 2019)
    [se][pre]resnextDEPTH-GROUPSxWIDTHd  resnext29-8x64d, resnext50-32x4d
    [se]wrn-LAYERS-WIDEN              wrn-28-10, counted as in its paper: with three projections, without the classifier
    [se][pre]wide-resnetDEPTH-TIMES   wide-resnet50-2
    densenet-[bc-]DEPTH-GROWTH        densenet-40-12, densenet-bc-100-12
    densenetDEPTH                     densenet121

18, 34, 50, 101 and 152 layers are those of ImageNet networks. Suffixes: -a -b -c -d -plain (shortcut), -basic
-bottleneck, -v1 (stride on the 1x1), -deep (stem), -cifar (an ImageNet network with a stem for small images), -skipinit
-fixup, -alpha0.5 (factor of the shortcuts), -w32 (width), -s2.3.4 (blocks of each stage; with a stem for small images
unless -large), -head512.32 (hidden linear layers before the classifier), -sigmoid (one output for two classes), those
of `DETAILS`, and -se8, -up224 and -widths64.128.256, which `NetworkConfig` explains. A t in place of the d is timm's
tiered stem (resnet26t), eca in place of se its other excitation.
"""

import re
from functools import lru_cache
from typing import Any

# He et al. 2015, table 1
IMAGENET = {
    18: ("basic", (2, 2, 2, 2)),
    34: ("basic", (3, 4, 6, 3)),
    50: ("bottleneck", (3, 4, 6, 3)),
    101: ("bottleneck", (3, 4, 23, 3)),
    152: ("bottleneck", (3, 8, 36, 3)),
}
IMAGENET_TIERED = IMAGENET | {  # timm's ResNet-T
    10: ("basic", (1, 1, 1, 1)),
    14: ("bottleneck", (1, 1, 1, 1)),
    26: ("bottleneck", (2, 2, 2, 2)),
}
BOTTLENECK_DEPTHS = (164, 1001)  # of He et al. 2016, unless a suffix says otherwise

# Huang et al. 2017, table 1: blocks and growth
IMAGENET_DENSE = {
    121: ((6, 12, 24, 16), 32),
    161: ((6, 12, 36, 24), 48),
    169: ((6, 12, 32, 32), 32),
    201: ((6, 12, 48, 32), 32),
}
DEEP_STEMS = ("deep", "tiered")  # of three convolutions
IMAGENET_CLASSES = 1000
LONGEST_NAME = 100  # characters
ENDS: tuple[str, ...] = ("head", "sigmoid")  # suffixes about what follows the average pooling
SCALE_DECIMALS = 4  # of a factor of shortcuts

# Suffixes that give one setting one value
DETAILS: dict[str, tuple[str, object]] = {
    "v1": ("stride_on", "1x1"),
    "stride2": ("stride_on", "second"),
    "skipinit": ("norm", "skipinit"),
    "fixup": ("norm", "fixup"),
    "gn": ("norm", "group"),
    "pool": ("pool", "max"),
    "nopool": ("pool", "none"),
    "ceilpool": ("pool", "ceil"),
    "end": ("padding", "end"),
    "avg": ("subsampling", "average"),
    "rawfirst": ("shortcut_start", "projection"),
    "raw": ("shortcut_start", "input"),
    "projectfirst": ("first_projection", True),
    "noend": ("end_norm", False),
    "stemnorm": ("stem_norm", True),
    "blur": ("antialias", "blur"),
    "aa": ("antialias", "average"),
    "sesum": ("excitation_on", "sum"),
    "serelu": ("excitation_on", "activation"),
}

_BASE = re.compile(
    r"(?P<se>se|eca)?(?P<pre>pre)?"
    r"(?:(?P<kind>plain|resnet)(?P<depth>[0-9]{1,5})(?P<d>d|t)?"
    r"|resnext(?P<next_depth>[0-9]{1,4})-(?P<groups>[0-9]{1,4})x(?P<group_width>[0-9]{1,4})d"
    r"|wrn-(?P<wide_layers>[0-9]{1,4})-(?P<widen>[0-9]{1,2})"
    r"|wide-resnet(?P<wide_depth>[0-9]{1,4})-(?P<times>[0-9]{1,2}))"
    r"(?P<suffixes>(?:-[a-z0-9.]+)*)"
)
_DENSE = re.compile(
    r"densenet(?:(?P<depth>[0-9]{3})|-(?P<bc>bc-)?(?P<small_depth>[0-9]{1,4})-(?P<growth>[0-9]{1,3}))(?P<suffixes>(?:-[a-z0-9.]+)*)"
)
_NAME_LIKE = re.compile(
    r"(se|eca)?(pre)?(plain|resnet|resnext|wide-resnet)[0-9]|(se|eca)?wrn-?[0-9]|densenet(-bc)?-?[0-9]"
)
_SUFFIX = re.compile(
    r"(?P<option>[abcd])|(?P<plain>plain)|(?P<block>basic|bottleneck)|(?P<stem>deep|tiered)|(?P<cifar>cifar)"
    r"|(?P<large>large)|alpha(?P<alpha>[0-9](?:\.[0-9]{1,4})?)|w(?P<width>[0-9]{1,4})"
    r"|s(?P<stages>[0-9]{1,4}(?:\.[0-9]{1,4})*)|se(?P<least>[0-9]{1,3})|up(?P<enlarged>[0-9]{1,5})"
    r"|widths(?P<widths>[0-9]{1,4}(?:\.[0-9]{1,4})*)"
    r"|head(?P<head>[0-9]{1,5}(?:\.[0-9]{1,5})*)|(?P<sigmoid>sigmoid)"
)


def normalised_name(text: str) -> str:
    """A name in the catalogue's spelling: torchvision's wide_resnet50_2 becomes wide-resnet50-2."""
    return text.lower().replace("_", "-") if text.isascii() else text  # some other capitals have ASCII small letters


def is_network_name(text: str) -> bool:
    """Whether a text looks like a network name, valid or not, rather than a run id."""
    return _NAME_LIKE.match(normalised_name(text)) is not None


def settings_of(name: str) -> dict[str, Any] | None:
    """Settings of the `NetworkConfig` of a name, not yet validated; None if it is not spelt like a network name."""
    text = normalised_name(name)
    if len(text) > LONGEST_NAME:
        return None
    found = _BASE.fullmatch(text) or _DENSE.fullmatch(text)
    if found is None:
        return None
    suffixes: dict[str, str] = {}
    details: dict[str, object] = {}
    for each in found["suffixes"].split("-")[1:]:
        match = _SUFFIX.fullmatch(each)
        named: dict[str, Any] = {key: value for key, value in match.groupdict().items() if value} if match else {}
        if each in DETAILS:
            named = dict([DETAILS[each]])
        if not named or named.keys() & (suffixes.keys() | details.keys()):
            return None
        (details if each in DETAILS else suffixes).update(named)
    part = found.groupdict()
    end = _end({key: suffixes.pop(key) for key in ENDS if key in suffixes})
    dense = text.startswith("densenet")
    settings = _dense(part, suffixes) if dense else _residual(part, suffixes)
    return settings and settings | details | end


def _end(suffixes: dict[str, str]) -> dict[str, Any]:
    """Settings of what follows the average pooling."""
    head = {"head": tuple(map(int, suffixes["head"].split(".")))} if "head" in suffixes else {}
    return head | ({"sigmoid": True, "classes": 2} if "sigmoid" in suffixes else {})


def _residual(part: dict[str, str | None], suffixes: dict[str, str]) -> dict[str, Any] | None:
    number = int(part["depth"] or part["next_depth"] or part["wide_depth"] or part["wide_layers"] or 0)
    plain = part["kind"] == "plain" or "plain" in suffixes
    pre, wide = bool(part["pre"] or part["wide_layers"]), bool(part["wide_layers"])
    if wide:
        number -= 2  # three projections do not count here, and the classifier does
    stem = "tiered" if part["d"] == "t" else "deep" if part["d"] else suffixes.get("stem", "")
    deep = bool(stem)
    known = None if "stages" in suffixes or wide else (IMAGENET_TIERED if stem == "tiered" else IMAGENET).get(number)
    grouped = bool(part["groups"] or part["times"])
    stages = tuple(map(int, suffixes["stages"].split("."))) if "stages" in suffixes else known[1] if known else ()
    block = suffixes.get("block") or (
        known[0] if known else "bottleneck" if grouped or (number in BOTTLENECK_DEPTHS and not stages) else "basic"
    )
    large = (known is not None and "cifar" not in suffixes) or "large" in suffixes
    if plain and ("option" in suffixes or part["d"]):
        return None
    usual = usual_shortcut(block, large=known is not None or large, wide=wide)
    option = "D" if part["d"] else suffixes.get("option", usual).upper()
    width = int(suffixes.get("width") or usual_width(imagenet=known is not None or large, grouped=grouped))
    return {
        "depth": number + (2 if deep else 0),
        "shortcut": "none" if plain else option,
        "width": width,
        "classes": IMAGENET_CLASSES if large or deep else 10,
        "block": block,
        "order": "pre" if pre else "post",
        "stem": stem or ("large" if large else "small"),
        "stages": stages,
        "widen": int(part["widen"] or 1),
        "groups": int(part["groups"] or 1),
        "group_width": int(part["group_width"] or 0) or int(part["times"] or 0) * width,
        "excitation": bool(part["se"]),
        "excitation_by": part["se"] or "se",
        "excitation_least": int(suffixes.get("least", 1)),
        "shortcut_scale": float(suffixes.get("alpha", 1)),
        "widths": tuple(map(int, suffixes["widths"].split("."))) if "widths" in suffixes else (),
        "enlarged": int(suffixes.get("enlarged", 0)),
    }


def _dense(part: dict[str, str | None], suffixes: dict[str, str]) -> dict[str, Any] | None:
    if suffixes.keys() - {"width", "stages", "large", "cifar", "enlarged"}:
        return None
    settings: dict[str, Any] = {"shortcut": "none"}
    if part["depth"]:
        if int(part["depth"]) not in IMAGENET_DENSE or "stages" in suffixes:
            return None
        stages: tuple[int, ...]
        stages, growth = IMAGENET_DENSE[int(part["depth"])]
        settings |= {"depth": int(part["depth"]), "stages": stages, "block": "dense-bottleneck"}
    else:
        growth = int(part["growth"] or 0)
        block = "dense-bottleneck" if part["bc"] else "dense"
        stages = tuple(map(int, suffixes["stages"].split("."))) if "stages" in suffixes else ()
        settings |= {"depth": int(part["small_depth"] or 0), "stages": stages, "block": block}
    large = (bool(part["depth"]) and "cifar" not in suffixes) or "large" in suffixes
    return settings | {
        "growth": growth,
        "stem": "large" if large else "small",
        "classes": IMAGENET_CLASSES if large else 10,
        "width": int(suffixes.get("width") or dense_width(settings["block"], growth)),
        "enlarged": int(suffixes.get("enlarged", 0)),
    }


@lru_cache(maxsize=1000)  # lists of hundreds of runs ask again and again
def name_of(config: Any) -> str:
    """The shortest name that `settings_of` reads as this `NetworkConfig`, apart from classes and channels."""
    base, suffixes = _dense_name(config) if config.dense else _residual_name(config)
    suffixes += [f"head{'.'.join(map(str, config.head))}"] * bool(config.head)
    suffixes += ["sigmoid"] * config.sigmoid
    return "-".join([base, *suffixes])


def _residual_name(config: Any) -> tuple[str, list[str]]:
    deep = config.stem in DEEP_STEMS
    number = config.depth - (2 if deep else 0)
    wide = config.widen > 1
    table = IMAGENET_TIERED if config.stem == "tiered" else IMAGENET
    known = not wide and table.get(number, ("", ()))[1] == config.stages != ()
    grouped = config.groups > 1 or config.group_width not in (0, config.width)
    large = config.stem == "large" or (deep and known)
    named_stages = config.stages if not known else ()
    named_stages = named_stages or (config.stage_blocks if number in table and not known and not wide else ())
    named_stages = named_stages or (config.stage_blocks if large and not known else ())
    block = (
        table[number][0] if known
        else "bottleneck" if grouped or (number in BOTTLENECK_DEPTHS and not named_stages) else "basic"
    )  # fmt: skip
    short_d = deep and config.shortcut == "D" and not (grouped or wide)
    suffixes = []
    usual = usual_shortcut(config.block, large=known or large, wide=wide)
    padded = config.padding != "half" or config.subsampling != "stride"
    if config.shortcut not in ("none", "" if padded else usual) and not short_d:
        suffixes.append(config.shortcut.lower())
    suffixes += ["plain"] * (config.kind == "plain" and grouped)
    suffixes += [config.block] * (config.block != block)
    suffixes += [config.stem] * (deep and not short_d)
    suffixes += ["cifar"] * (known and config.stem == "small")
    suffixes += ["large"] * (large and not known)
    suffixes += _details(config)
    suffixes += [f"alpha{factor_text(config.shortcut_scale)}"] * (config.shortcut_scale != 1)
    suffixes += [f"w{config.width}"] * (config.width != usual_width(imagenet=known or large, grouped=grouped))
    suffixes += [f"s{'.'.join(map(str, named_stages))}"] * bool(named_stages)
    suffixes += [f"widths{'.'.join(map(str, config.widths))}"] * bool(config.widths)
    return _base(config, number, short_d=short_d), suffixes


def _details(config: Any) -> list[str]:
    """Suffixes of settings whose name does not depend on others."""
    found = [suffix for suffix, (name, value) in DETAILS.items() if getattr(config, name) == value]
    found += [f"se{config.excitation_least}"] * (config.excitation_least > 1)
    return found + [f"up{config.enlarged}"] * bool(config.enlarged)


def _base(config: Any, number: int, *, short_d: bool) -> str:
    se = config.excitation_by if config.excitation else ""
    if config.widen > 1:
        return f"{se}wrn-{number + 2}-{config.widen}"
    pre = "pre" if config.order == "pre" else ""
    if config.groups > 1:
        return f"{se}{pre}resnext{number}-{config.groups}x{config.group_width or config.width // config.groups}d"
    if config.group_width not in (0, config.width):
        return f"{se}{pre}wide-resnet{number}-{config.group_width // config.width}"
    kind = "plain" if config.kind == "plain" else "resnet"
    return f"{se}{pre}{kind}{number}{('t' if config.stem == 'tiered' else 'd') if short_d else ''}"


def _dense_name(config: Any) -> tuple[str, list[str]]:
    known = IMAGENET_DENSE.get(config.depth) == (config.stages, config.growth) and config.block == "dense-bottleneck"
    suffixes = []
    if known:
        base = f"densenet{config.depth}"
        suffixes += ["cifar"] * (config.stem == "small")
    else:
        bc = "bc-" if config.block == "dense-bottleneck" else ""
        base = f"densenet-{bc}{config.depth}-{config.growth}"
        suffixes += ["large"] * (config.stem != "small")
    suffixes += _details(config)
    suffixes += [f"w{config.width}"] * (config.width != dense_width(config.block, config.growth))
    if config.stages and not known:
        suffixes.append(f"s{'.'.join(map(str, config.stages))}")
    return base, suffixes


def factor_text(factor: float) -> str:
    """A factor as it is written in names: "0.5", "1"."""
    return f"{factor:.{SCALE_DECIMALS}f}".rstrip("0").rstrip(".")


def usual_shortcut(block: str, *, large: bool, wide: bool) -> str:
    """Shortcut option of a name without one."""
    return "B" if large or wide or block == "bottleneck" else "A"


def usual_width(*, imagenet: bool, grouped: bool) -> int:
    """Width of a name without one."""
    return 64 if imagenet or grouped else 16


def dense_width(block: str, growth: int) -> int:
    """Channels of a DenseNet's stem: twice the growth, 16 without bottlenecks. Source: Huang et al. 2017, section 4."""
    return 2 * growth if block == "dense-bottleneck" else 16
