"""Nearest valid networks for invalid settings; importing this does not import torch."""

from collections.abc import Collection, Mapping
from itertools import combinations
from typing import Any

from explorer.errors import BadSettings
from explorer.models.config import NetworkConfig, depth_of, nearest_depths

MOST_CHANGES = 3
DEFAULT_GROWTH = 12

# Settings that apply to some blocks only, and their neutral values.
NEUTRAL = {
    "shortcut": "none",
    "order": "post",
    "norm": "batch",
    "excitation": False,
    "shortcut_scale": 1.0,
    "groups": 1,
    "group_width": 0,
    "stride_on": "3x3",
    "widen": 1,
    "growth": 0,
}
RESIDUAL = {"shortcut", "order", "norm", "excitation"}


def applicable(settings: Mapping[str, Any]) -> set[str]:
    """Settings of `NEUTRAL`, and of details, that apply to the block of these settings."""
    unchecked = NetworkConfig.model_construct(**settings)
    return _of_block(settings) | {name for name, (_, has_effect) in unchecked.details().items() if has_effect}


def _of_block(settings: Mapping[str, Any]) -> set[str]:
    block = settings["block"]
    if block.startswith("dense"):
        return {"growth"}
    kept = RESIDUAL | ({"shortcut_scale"} if settings["shortcut"] != "none" and settings["norm"] == "batch" else set())
    if block == "bottleneck":
        return kept | {"groups", "group_width", "stride_on"}
    kept |= {"stride_on"}
    return kept | ({"widen"} if settings["order"] == "pre" else set())


def completed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with neutral values where they do not apply, and with the depth that `stages` give."""
    kept = _of_block(settings)
    found = dict(settings) | {name: value for name, value in NEUTRAL.items() if name not in kept}
    details = NetworkConfig.model_construct(**found).details()
    found |= {name: default(name) for name, (_, has_effect) in details.items() if not has_effect}
    if found["stride_on"] == "second" and found["block"] != "basic":
        found["stride_on"] = "3x3"
    if found["widths"] and len(found["widths"]) != len(found["stages"] or (1, 1, 1)):
        found["widths"] = ()
    if "growth" in kept and not found["growth"]:
        found["growth"] = DEFAULT_GROWTH
    if found["stages"]:
        found["depth"] = depth_of(found["block"], tuple(found["stages"]), found["stem"])
    return found


def default(name: str) -> Any:
    """The usual value of a setting."""
    return NetworkConfig.model_fields[name].default


def nearest_networks(settings: Mapping[str, Any], keep: Collection[str] = ()) -> list[NetworkConfig]:
    """At most two valid networks, with the fewest changes; empty if more than three changes are needed.

    Args:
        settings: all of a `NetworkConfig`.
        keep: settings that are not changed, if possible.
    """
    others = [(name, value) for name, values in _others(settings).items() for value in values]
    for kept in (set(keep), set()):
        tried = [(name, value) for name, value in others if name not in kept and value != settings[name]]
        for count in range(1, MOST_CHANGES + 1):
            built = [_built(dict(settings) | dict(changes)) for changes in combinations(tried, count)]
            if any(built):
                return list({each.name: each for each in built if each}.values())[:2]
    return []


def _others(settings: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Values that each setting may be changed to, the likeliest setting first."""
    width, groups = settings["width"], settings["groups"]
    multiple = max(1, width // groups) * groups
    return {
        "depth": list(nearest_depths(settings["depth"], settings["block"], settings["stem"])),
        "shortcut": ["A", "none"],
        "width": [multiple, multiple + groups],
        "order": ["post"],
        "norm": ["batch", "skipinit"],
        "group_width": [0, width],
        "growth": [DEFAULT_GROWTH, 0],
        **{name: [NEUTRAL[name]] for name in ("groups", "widen", "excitation", "stride_on", "shortcut_scale")},
        "stages": [()],
    }


def _built(settings: Mapping[str, Any]) -> NetworkConfig | None:
    try:
        return NetworkConfig(**settings)
    except BadSettings:
        return None
