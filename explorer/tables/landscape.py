"""Columns of loss landscapes, of refinement, and of what is inside of blocks."""

# The loss at points of a line or plane through the weights of a network.
LANDSCAPE = [
    "a",  # coordinates: along the first direction, and the second; the network itself is at 0, 0
    "b",
    "loss",  # mean cross-entropy, nats; may be infinite or empty far from the origin
    "error",  # fraction wrong
]

# The moments of a training in the plane of its two principal directions.
TRAJECTORY = [
    "step",
    "a",
    "b",
    "outside",  # distance of the weights from the plane, as a fraction of their distance from the last weights
    "loss",  # of the network at that moment, with its own norms
    "error",
]

# A block applied several times in a row.
ITERATED = [
    "stage",
    "block",
    "name",
    "times",  # 0 leaves the block out, 1 is the network itself
    "loss",
    "error",
]

# How each block changes the features of its stage.
REFINEMENT = [
    "stage",
    "block",
    "name",
    "cosine",  # of F(x) and the negative loss gradient at x, mean over images; empty where the shape changes
    "cosine_low",  # quartiles over images
    "cosine_high",
    "estimation_error",  # output minus that of the stage's last block: mean over images, then over units
    "estimation_spread",  # standard deviation over units
    "distance",  # root mean square of that difference, relative to the last block's output
]

# What each part of a pre-activation network adds to the scores of one image; the parts of a class sum to its score.
LOGIT_PARTS = [
    "part",  # stem, block or bias
    "stage",
    "block",
    "name",
    "label",  # number of the class
    "class",
    "contribution",  # to its score before softmax
]

# The maps of one image in a block.
ARITHMETIC = [
    "channel",  # of the block's output, from 0
    "part",  # x, F(x), shortcut(x), sum, ReLU; "side by side" for a dense layer
    "row",
    "column",
    "value",
]

# The weights of a convolution.
FILTERS = [
    "filter",  # from 0, the channel that it computes
    "input",  # channel of its group
    "row",
    "column",
    "weight",
]

# The filters' most exciting images for one channel.
EXCITING = [
    "rank",
    "image",  # reference, such as test:17
    "label",
    "class",
    "value",  # of the channel at its maximum in the image
    "row",  # of the maximum, in positions of the layer
    "column",
    "left",  # receptive field of that position, in pixels of the image; it may reach beyond its edges
    "top",
    "side",
]
