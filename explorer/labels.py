"""How pages write what a shell and Python call by a name: settings, their values, columns of tables."""

import re

# Labels in the middle of a sentence; names that are not here have spaces for underscores
LABELS = {
    "steps": "steps",
    "batch_size": "batch size",
    "learning_rate": "learning rate",
    "schedule": "schedule",
    "warmup_steps": "warm-up",
    "momentum": "momentum",
    "weight_decay": "weight decay",
    "train_images": "training images",
    "image_size": "image size",
    "normalisation": "normalisation",
    "stochastic_depth": "stochastic depth",
    "augment": "crop and mirror",
    "precision": "precision",
    "evaluate_every": "evaluate every N steps",
    "evaluate_images": "evaluation images",
    "last_images": "final evaluation images",
    "probe_every": "probe every N steps",
    "networks": "networks",
    "data": "data set",
    "seeds": "seeds",
    "title": "title",
    "assignment": "assignment",
    "initial": "initial weights",
    "lanes": "processes",
    "gpus_per_run": "GPUs for each run",
    "depth": "depth",
    "shortcut": "shortcut",
    "width": "width",
    "classes": "classes",
    "block": "block",
    "order": "norm and ReLU",
    "norm": "norm",
    "stem": "stem",
    "stages": "blocks of each stage",
    "widen": "widening",
    "groups": "groups",
    "group_width": "channels of a group",
    "stride_on": "stride on",
    "excitation": "excitation",
    "excitation_by": "kind of excitation",
    "excitation_on": "excitation of",
    "excitation_least": "least channels in an excitation",
    "pool": "pooling after the stem",
    "padding": "zeros of option A",
    "subsampling": "positions of option A",
    "shortcut_start": "start of shortcuts",
    "first_projection": "projection in the first block",
    "stem_norm": "norm and ReLU after the stem",
    "end_norm": "norm and ReLU at the end",
    "antialias": "antialiasing",
    "widths": "widths of stages",
    "enlarged": "images enlarged to",
    "head": "hidden layers of the head",
    "sigmoid": "one output",
    "growth": "growth",
    "shortcut_scale": "shortcut scale",
    "name": "name",
    "layer": "layer",
    "target": "class explained",
    "images": "images",
    "overwrite": "overwrite",
    "weights": "weights in the file",
    "train_error": "training error",
    "multiply_adds": "multiply-adds",
    "published_multiply_adds": "published multiply-adds",
    "cka": "CKA",
    "unbiased_cka": "unbiased CKA",
}

# Shortcuts of He et al. 2015, section 4.1, and of He et al. 2019
SHORTCUTS = {
    "none": "none (plain)",
    "A": "A: zeros for new channels",
    "B": "B: projection where the shape changes",
    "C": "C: projection in every block",
    "D": "D: average pooling, then projection",
}

# Values whose name is not a word
_VALUES = {"he2015": "He et al. 2015", "one_cycle": "one-cycle", None: "default", True: "yes", False: "no"}

_NAME = r"`(?P<name>[a-z]+(?:_[a-z]+)*)`"
_VALUE = r"""(?P<value>(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|\([^()]*\)|[^()'"])*)"""
_MUST = re.compile(rf"{_NAME} \(={_VALUE}\) (?P<rule>must (?:[^.:;]|\.(?=\d))*)")
_GIVEN = re.compile(rf"{_NAME} \(={_VALUE}\)")
_SET = re.compile(r"`(?P<name>[a-z]+(?:_[a-z]+)*)=(?P<value>'\w+'|\d+)`")
_MENTIONED = re.compile(_NAME)


def label(name: str) -> str:
    """A setting in the middle of a sentence or, with a capital, at its beginning: "learning rate"."""
    return LABELS.get(name, name.replace("_", " "))


def heading(name: str) -> str:
    """The same at the beginning of a sentence or as the label of a field: "Learning rate"."""
    return capital(label(name))


def capital(text: str) -> str:
    """A text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def value(given: object) -> str:
    """The value of a setting: "one-cycle", "0.03", "1,000"."""
    if isinstance(given, float):
        return f"{given:g}"
    if isinstance(given, int) and not isinstance(given, bool):
        return f"{given:,}"
    return _VALUES.get(given, str(given)) if isinstance(given, str | bool | None) else str(given)


def in_words(message: str) -> str:
    """A message with labels for the settings in backticks; other code stays.

    "`learning_rate` (=-1) must be greater than 0." becomes "Learning rate must be greater than 0 (you gave -1)."
    """

    def words(found: re.Match[str]) -> str:
        parts = found.groupdict()
        name, given = parts["name"], parts.get("value")
        if given is None and name not in LABELS:
            return found[0]
        starts = not found.start() or found.string[: found.start()].endswith((". ", "? "))
        text = heading(name) if starts else label(name)
        if rule := parts.get("rule"):
            return f"{text} {rule.rstrip()} (you gave {given}){rule[len(rule.rstrip()) :]}"
        return text if given is None else f"{text} {given}" if found.re is _SET else f"{text} ({given})"

    for pattern in (_MUST, _GIVEN, _SET, _MENTIONED):
        message = pattern.sub(words, message)
    return message
