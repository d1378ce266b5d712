"""Names of tensors that lie beside the weights of a network and belong to no layer of it."""

import re

# Of the mean and the deviation that a module in front of a network subtracts and divides by
MEAN_NAMES = (
    "mean",
    "mu",
    "new_mean",
    "_mean",
    "image_mean",
    "img_mean",
    "pixel_mean",
    "norm_mean",
    "data_mean",
    "means",
)
STD_NAMES = ("std", "sigma", "new_std", "_std", "image_std", "img_std", "pixel_std", "norm_std", "data_std", "stds")

_SPLIT = r"(?:train|training|val|valid|validation|test|eval)"
_REASONS = tuple(
    (re.compile(pattern, re.IGNORECASE), reason)
    for pattern, reason in (
        (r"(?:.*\.)?n_averaged", "counter of what was averaged"),
        (r"(?:.*\.)?(?:total_ops|total_params)", "counted operations, of a profiler"),
        (r"(?:.*\.)?(?:\w+_)?queue(?:_\w+)?", "queue of a contrastive method"),
        (r"(?:\w+_)?(?:criterion|criteria|loss|losses|loss_?fn|loss_?func(?:tion)?|objective)\w*\..*", "of a loss"),
        (rf"(?:{_SPLIT}_?)?(?:metrics?|acc|accuracy|acc_?\d|top_?\d|auroc|f1_score|confmat)\w*\..*", "of a metric"),
        (rf"{_SPLIT}_(?:loss|error|err|step)\w*\..*", "of a metric"),
        (r"(?:.*\.)?(?:confmat|confusion_matrix)", "of a metric"),
        (r"(?:global_)?(?:step|epoch|iteration|num_updates)|decay|best_\w+", "of the training"),
        (r"(?:.*\.)?(?:logit_scale|temperature)", "scale of scores in training"),
        (r"sub_block1\..*", "copy of block1 that TRADES' networks have and do not use"),
    )
)


def stranger(key: str) -> str:
    """Why a tensor of this name belongs to no layer, in a few words; empty if it may."""
    return next((reason for pattern, reason in _REASONS if pattern.fullmatch(key)), "")
