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
unless -large), -head512.32 (hidden linear layers before the classifier), -sigmoid (one output for two classes).
"""

import re
from typing import Any

# He et al. 2015, table 1
IMAGENET = {
    18: ("basic", (2, 2, 2, 2)),
    34: ("basic", (3, 4, 6, 3)),
    50: ("bottleneck", (3, 4, 6, 3)),
    101: ("bottleneck", (3, 4, 23, 3)),
    152: ("bottleneck", (3, 8, 36, 3)),
}
BOTTLENECK_DEPTHS = (164, 1001)  # of He et al. 2016, unless a suffix says otherwise

# Huang et al. 2017, table 1: blocks and growth
IMAGENET_DENSE = {
    121: ((6, 12, 24, 16), 32),
    161: ((6, 12, 36, 24), 48),
    169: ((6, 12, 32, 32), 32),
    201: ((6, 12, 48, 32), 32),
}
IMAGENET_CLASSES = 1000
LONGEST_NAME = 100  # characters
ENDS: tuple[str, ...] = ("head", "sigmoid")  # suffixes about what follows the average pooling
SCALE_DECIMALS = 4  # of a factor of shortcuts

_BASE = re.compile(
    r"(?P<se>se)?(?P<pre>pre)?"
    r"(?:(?P<kind>plain|resnet)(?P<depth>[0-9]{1,5})(?P<d>d)?"
    r"|resnext(?P<next_depth>[0-9]{1,4})-(?P<groups>[0-9]{1,4})x(?P<group_width>[0-9]{1,4})d"
    r"|wrn-(?P<wide_layers>[0-9]{1,4})-(?P<widen>[0-9]{1,2})"
    r"|wide-resnet(?P<wide_depth>[0-9]{1,4})-(?P<times>[0-9]{1,2}))"
    r"(?P<suffixes>(?:-[a-z0-9.]+)*)"
)
_DENSE = re.compile(
    r"densenet(?:(?P<depth>[0-9]{3})|-(?P<bc>bc-)?(?P<small_depth>[0-9]{1,4})-(?P<growth>[0-9]{1,3}))(?P<suffixes>(?:-[a-z0-9.]+)*)"
)
_NAME_LIKE = re.compile(r"(se)?(pre)?(plain|resnet|resnext|wide-resnet)[0-9]|(se)?wrn-?[0-9]|densenet(-bc)?-?[0-9]")
_SUFFIX = re.compile(
    r"(?P<option>[abcd])|(?P<plain>plain)|(?P<block>basic|bottleneck)|(?P<v1>v1)|(?P<deep>deep)|(?P<cifar>cifar)|(?P<large>large)"
    r"|(?P<norm>skipinit|fixup)|alpha(?P<alpha>[0-9](?:\.[0-9]{1,4})?)|w(?P<width>[0-9]{1,4})|s(?P<stages>[0-9]{1,4}(?:\.[0-9]{1,4})*)"
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
    for each in found["suffixes"].split("-")[1:]:
        match = _SUFFIX.fullmatch(each)
        named = {key: value for key, value in match.groupdict().items() if value} if match else {}
        if not named or named.keys() & suffixes.keys():
            return None
        suffixes |= named
    part = found.groupdict()
    head = {key: suffixes.pop(key) for key in ENDS if key in suffixes}
    settings = _dense(part, suffixes) if text.startswith("densenet") else _residual(part, suffixes)
    return None if settings is None else settings | _end(head)


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
    deep = bool(part["d"] or "deep" in suffixes)
    known = None if "stages" in suffixes or wide else IMAGENET.get(number)
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
        "stem": "deep" if deep else "large" if large else "small",
        "stages": stages,
        "widen": int(part["widen"] or 1),
        "groups": int(part["groups"] or 1),
        "group_width": int(part["group_width"] or 0) or int(part["times"] or 0) * width,
        "stride_on": "1x1" if "v1" in suffixes else "3x3",
        "excitation": bool(part["se"]),
        "norm": suffixes.get("norm", "batch"),
        "shortcut_scale": float(suffixes.get("alpha", 1)),
    }


def _dense(part: dict[str, str | None], suffixes: dict[str, str]) -> dict[str, Any] | None:
    if suffixes.keys() - {"width", "stages", "large", "cifar"}:
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
    }


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
