"""Columns of operations on the blocks of trained networks."""

from explorer.tables.layers import MEASURED_KEYS

# One block operated on; one row per block.
BLOCK_KEYS = [
    "stage",
    "block",  # within its stage, from 1
    "index",  # along the network, from 1
]
OPERATED_ERRORS = [
    "images",  # test images
    "error",
    "intact_error",  # of the network without operations, on the same images
    "rise",  # error - intact_error
]

# Each block deleted in turn; in a plain network the layers of a block.
LESION = [
    *MEASURED_KEYS,
    *BLOCK_KEYS,
    *OPERATED_ERRORS,
    "standard_error",  # of the rise, as an estimate from these images
    "reshapes",  # whether the block changes the shape: it halves the image size, or changes the width
    "border",  # whether it is the last block of a stage before another, or the first after it
    "refused",  # why it cannot be deleted; empty if it can. Errors are then empty.
]

# The same for each class.
LESION_CLASSES = [*MEASURED_KEYS, *BLOCK_KEYS, "class", *OPERATED_ERRORS]

SPREAD = ["repeats", "images", "error", "low", "high", "intact_error"]  # mean error and quartiles over the repeats

# Several blocks deleted at random.
RANDOM_LESIONS = [*MEASURED_KEYS, "deleted", *SPREAD]

# Blocks in another order.
SHUFFLES = [
    *MEASURED_KEYS,
    "distance",  # Kendall tau distance: pairs of blocks in reversed order, of all pairs that can be exchanged
    "tau",  # rank correlation of the orders, 1 - 2 distance
    *SPREAD,
]

# All shortcuts multiplied by one factor.
SHORTCUT_STRENGTHS = [*MEASURED_KEYS, "alpha", *OPERATED_ERRORS]

# Each block with weights of another moment; one row per block and moment.
CRITICAL = [
    *MEASURED_KEYS,
    *BLOCK_KEYS,
    "weights",  # a step of the training, or a seed such as seed0 for new ones
    "weights_step",  # the step; empty for new ones
    *OPERATED_ERRORS,
]

# A network with operations; one row for all images, with an empty class, and one per class.
OPERATED = [*MEASURED_KEYS, "operations", "class", *OPERATED_ERRORS]
