"""Columns of measurements of layers and blocks."""

# Columns that identify a layer, as in LAYERS.
LAYER_KEYS = ["layer", "name", "stage", "block"]

# Leading columns that identify the network and step in a measurement of several.
MEASURED_KEYS = [
    "reference",  # as given: id of a run or checkpoint, RUN@STEP, or the name of an untrained network
    "network",
    "kind",
    "depth",
    "step",  # updates made; empty if unknown
]

# Responses: the outputs of layers after batch norm, before an addition or a ReLU (He et al. 2015, figure 7).
RESPONSES = [
    *LAYER_KEYS,
    "response_std",  # standard deviation over images, channels and positions
    "response_mean",
    "zeros",  # fraction of zeros after the ReLU that follows (in a block's last layer: after the addition)
    "dead",  # fraction of channels that are zero there in every image and position
]

# The distribution of one layer's responses.
HISTOGRAM = [
    *LAYER_KEYS,
    "low",  # lower edge of a bin; the first and the last bin include all values beyond
    "high",
    "fraction",  # of the responses in it
]

# The loss gradient at one step of training; over several batches, the median and the quartiles.
GRADIENTS = [
    *LAYER_KEYS,
    "gradient_norm",  # Euclidean norm of the loss gradient with respect to the layer's weights
    "gradient_low",
    "gradient_high",
    "response_gradient",  # norm with respect to the layer's responses to all images of the batch
    "response_gradient_low",
    "response_gradient_high",
    "weight_norm",  # of the weights themselves
    "relative",  # gradient_norm / weight_norm
]

# The residual ledger: what each block adds to its input, and the paths of the gradient; one row per block.
LEDGER = [
    "stage",
    "block",
    "name",
    "shortcut",  # none, identity, pad, projection
    "branch_ratio",  # |F(x)| / |s(x)|, norms of the branch and the shortcut output, mean over images
    "cosine",  # of the two, mean over images; empty in a plain network where the block changes the shape
    "gamma",  # mean |weight| of the branch's last batch norm; empty without one
    "shortcut_gradient",  # norm of the loss gradient that reaches x through the shortcut
    "branch_gradient",  # the same through the branch
    "shortcut_share",  # shortcut_gradient / (shortcut_gradient + branch_gradient)
    "branch_share",
]

# Untrained networks.
XRAY = ["network", "kind", "depth", "variant", *LAYER_KEYS, "response_std", "gradient_norm", "response_gradient"]
SHATTERING = [
    "network",
    "kind",
    "depth",
    "distance",  # between two inputs, as a fraction of the line between two images
    "autocorrelation",  # of the input gradients at that distance, from -1 to 1
    "low",  # quartiles over lines
    "high",
]
