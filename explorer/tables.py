"""Columns of the tables that the product shows, stores and exports; one spelling for each."""

NETWORKS = ["name", "kind", "depth", "shortcut", "width", "parameters", "multiply_adds", "published_error", "source"]

METRICS = [
    "step",  # optimiser updates done; 0 is the untrained network
    "loss",  # cross-entropy of the batch, nats
    "batch_error",  # fraction of the batch wrong, before the update
    "learning_rate",
    "seconds",  # spent training this network so far; evaluation not counted
    "train_error",  # fraction wrong, fixed training sample, at the end a larger one, not augmented; else empty
    "test_error",  # fraction wrong, fixed test sample, at the end the whole test set; else empty
    "images_per_second",  # training speed since the last evaluation; else empty
]

# What identifies the run in front of METRICS where several runs share a table.
RUN_KEYS = ["experiment", "run", "network", "kind", "depth", "seed"]

RUNS = [*RUN_KEYS, "title", "data", "state", "step", "steps", "train_error", "test_error", "reason"]

EXPERIMENTS = ["id", "title", "state", "networks", "seeds", "data", "step", "steps", "created"]

# A comparison of end-of-schedule training errors over the seeds that both networks have; all errors are fractions.
GAPS = [
    "question",  # degradation, residual_depth (the same among residual networks) or shortcut
    "network",  # the deeper one; for the shortcut, the plain one
    "against",
    "kind",  # of `network`
    "depth",  # of `network`
    "seeds",  # how many
    "error",  # mean training error of `network`
    "against_error",
    "gap",  # mean over seeds of `network` minus `against`
    "low",  # 95% interval of the gap over seeds; empty for one seed
    "high",
    "outcome",  # seen, reversed, cannot_tell, not_started
]

PUBLISHED = [
    "network",
    "kind",
    "depth",
    "test_error",  # fraction, CIFAR-10, the single original view; empty where only a bound is known
    "above",  # the training error stays above this; else empty
    "source",
]

# The weighted layers of the main path, one row each in order of depth, known from the configuration alone.
LAYERS = [
    "layer",  # 1 for the stem to `depth` for the classifier
    "name",  # of the module
    "stage",  # 0 for the stem, 1 to 3, 4 for the classifier
    "block",  # within its stage, from 1; 0 for stem and classifier
    "width",  # channels that leave it
    "side",  # of its output, in pixels
    "parameters",  # its own and its batch norm's
    "shortcut",  # of its block: none, identity, pad, projection; empty for stem and classifier
]

# Which of the layers a row of a measurement is about; as in LAYERS.
LAYER_KEYS = ["layer", "name", "stage", "block"]

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
    "low",  # lower edge of a bin; the first and the last bin hold all that lies beyond
    "high",
    "fraction",  # of the responses in it
]

# The loss gradient at one moment of training; over several batches the median and the quartiles.
GRADIENTS = [
    *LAYER_KEYS,
    "gradient_norm",  # Euclidean norm of the loss gradient with respect to the layer's weights
    "gradient_low",
    "gradient_high",
    "response_gradient",  # the same with respect to the layer's responses to all images of the batch
    "response_gradient_low",
    "response_gradient_high",
    "weight_norm",  # of the weights themselves
    "relative",  # gradient_norm / weight_norm
]

# The residual ledger: what each block adds to its input, and which way the gradient comes back; one row a block.
LEDGER = [
    "stage",
    "block",
    "name",
    "shortcut",  # none, identity, pad, projection
    "branch_ratio",  # |F(x)| / |s(x)|, norms of what branch and shortcut bring to the addition, mean over images
    "cosine",  # of the two, mean over images; empty in a plain network where the block changes the shape
    "gamma",  # mean |weight| of the branch's last batch norm; empty without one
    "shortcut_gradient",  # norm of the loss gradient that comes back to x by the shortcut
    "branch_gradient",  # the same by the branch
    "shortcut_share",  # shortcut_gradient / (shortcut_gradient + branch_gradient)
    "branch_share",
]

# In front of a measurement of several networks, at several moments.
MEASURED_KEYS = [
    "reference",  # what was asked for: id of a run or checkpoint, RUN@STEP, or the name of an untrained network
    "network",
    "kind",
    "depth",
    "step",  # updates made; empty where that is not known
]

# What a network says about test images; one row a network and image.
PREDICTIONS = [
    *MEASURED_KEYS,
    "index",  # of the image in the test set, from 0
    "label",  # its class
    "prediction",  # the class with the highest probability
    "probability",  # of the prediction (softmax)
    "label_probability",
]

# What several networks say about test images; one row an image.
ANSWERS = [
    "index",
    "label",
    "networks",  # asked
    "wrong",  # of them
    "mistake_probability",  # mean probability of the wrong predictions; empty where none is wrong
    "disagreement",  # fraction of the pairs of networks that predict different classes
    "spread",  # highest minus lowest probability of the label
    "predictions",  # tuple, in the order of the networks
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

# Layers and blocks on a fixed batch while a network trains; one row a layer and step, a block and step.
LIVE_LAYERS = ["step", *LAYER_KEYS, "response_std", "response_mean", "zeros", "gradient_norm", "response_gradient"]
LIVE_BLOCKS = ["step", "stage", "block", "branch_ratio", "cosine", "gamma", "shortcut_share"]

# Attribution maps; one row a map, or a reason why there is none.
ATTRIBUTION_SCORES = [
    *MEASURED_KEYS,
    "image",  # reference of the picture
    "method",
    "layer",  # as asked for; empty where it was not
    "target",  # name of the class whose score is explained
    "prediction",  # name of the class
    "probability",  # of the prediction (softmax)
    "target_probability",
    "label",  # name of the true class; empty where it is not known
    "score",  # of the target, before softmax
    "sum",  # of all values of the map
    "delta",  # how far that is from what it should be; empty where the method promises no sum
    "seconds",  # it took
    "failure",  # why there is no map
]

# Hiding positions of an image, the highest of a map first, or showing them on a blurred image.
DELETION_INSERTION = [
    "curve",  # deletion, insertion
    "fraction",  # of the positions
    "probability",  # of the target, in the order of the map
    "random",  # the same in the order of the map randomly shifted, mean over shifts
    "random_low",  # the lowest and the highest of them
    "random_high",
]

# How alike two maps are.
LIKENESS = [
    "rank_correlation",  # Spearman, over positions; -1 to 1, empty where a map is constant
    "top_overlap",  # the highest tenth of the positions: the part they have in common
    "ssim",  # structural similarity, at most 1
]
AGREEMENT = ["a", "b", *LIKENESS]
MEAN_AGREEMENT = ["a", "b", *LIKENESS, *(f"{measure}_std" for measure in LIKENESS), "images"]

# The same of networks, under one method; a and b are references.
NETWORK_AGREEMENT = [
    *MEAN_AGREEMENT,
    *(f"{key}_{side}" for side in ("a", "b") for key in ("network", "kind", "depth")),
]

# A map of a network whose layers were drawn anew from the top down, compared with its map as trained; one row a stage.
RANDOMISATION = [
    "randomised",  # layers drawn anew
    "layer",  # number of the lowest of them; 0 where there is none
    "name",  # of its module
    "part",  # of the layers
    "rank_correlation",
    "absolute_rank_correlation",  # of the sizes of the values
    "ssim",
    "top_overlap",
]
