"""Column names of all tables that are shown, stored and exported."""

NETWORKS = [
    "name",
    "family",  # heading in menus
    "kind",  # plain, residual or dense
    "block",
    "depth",
    "shortcut",
    "width",  # channels of the first stage
    "image_size",  # usual side in pixels of its input, for which multiply_adds are given
    "parameters",
    "multiply_adds",
    "published_error",  # top-1, as a fraction; empty where the source gives none
    "published_data",  # cifar10 (test) or imagenet (validation)
    "published_parameters",  # to the digits of the source
    "published_multiply_adds",
    "source",
]

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

# Leading columns that identify the run in tables of several runs.
RUN_KEYS = ["experiment", "run", "network", "kind", "depth", "seed"]

# silent_seconds: time since the last sign of life of a worker that hangs; else empty.
RUNS = [*RUN_KEYS, "title", "data", "state", "step", "steps", "train_error", "test_error", "reason", "silent_seconds"]

EXPERIMENTS = [
    "id",
    "title",
    "state",
    "networks",
    "kinds",  # of its networks: plain, residual, dense
    "depths",  # of its networks
    "seeds",
    "data",
    "schedule",  # of the learning rate
    "learning_rate",  # its peak
    "batch_size",
    "step",  # of the least advanced run
    "steps",
    "best",  # the network with the lowest test error at its last evaluation, mean over seeds
    "train_error",  # of `best`, mean over seeds, as a fraction
    "test_error",  # likewise
    "created",
    "bytes",  # on the disk
    "note",  # the user's
    "silent_seconds",
]

# Runs at the end of their schedule; errors are fractions.
ENDS = [
    *RUN_KEYS,
    "train_error",  # mean over the batches of the last tenth of the schedule
    "test_error",  # of the last evaluation
    "low_error_step",  # first step from which the smoothed training error stays below 10 %; empty if it does not
]

# A comparison of end-of-schedule training errors over the seeds that both networks have; all errors are fractions.
GAPS = [
    "question",  # degradation, residual_depth (degradation of residual networks) or shortcut
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
    "digits",  # decimals of a point with which gap, low and high are printed
    "outcome",  # seen, reversed, cannot_tell, not_started
    "reason",  # why it cannot tell: one_seed, few_steps, includes_zero, both_zero; else empty
    "low_error_step",  # mean over seeds of that of ENDS
    "against_low_error_step",
    "later_low",  # 95% interval of their difference, in steps; empty for one seed
    "later_high",
]

PUBLISHED = [
    "network",
    "kind",
    "depth",
    "test_error",  # fraction, CIFAR-10, the single original view; empty where only a bound is known
    "above",  # the training error stays above this; else empty
    "source",
]

# The weighted layers of the main path, one row each in order of depth, from the configuration alone.
LAYERS = [
    "layer",  # 1 for the stem to `depth` for the classifier
    "name",  # of the module
    "stage",  # from 1; 0 for the stem, the number of stages + 1 for the classifier
    "block",  # within its stage, from 1; 0 for stem and classifier
    "width",  # output channels
    "side",  # of its output, in pixels
    "parameters",  # its own and its batch norm's
    "shortcut",  # of its block: `structure.ShortcutKind`; empty for stem and classifier
]

# All convolutions and linear maps of a network, in module order.
DESCRIBED_LAYERS = [
    "layer",  # as in LAYERS; empty off the main path, in shortcuts and excitations
    "name",
    "stage",
    "block",
    "kernel",  # side of a convolution, in positions; 0 for a linear map
    "stride",
    "groups",
    "in_width",  # input channels
    "width",  # output channels
    "side",  # of the output, in pixels
    "parameters",  # its own, and those of the norm or the scalars that belong to it
    "multiply_adds",  # for one image
    "receptive_field",  # side in pixels of the image; empty off the main path
    "jump",  # pixels of the image between two positions
    "kept_values",  # numbers kept for the backward pass, for one image
]

# DESCRIBED_LAYERS summed over each block or stage; stem and classifier are blocks of their own.
DESCRIBED_PARTS = [
    "part",  # stem, stage 1, stage 1 block 1, ..., classifier
    "stage",
    "block",  # 0 for a whole stage, stem and classifier
    "kind",  # of its blocks
    "shortcut",  # of a block; for a stage, those of its blocks
    "blocks",
    "layers",  # on the main path
    "width",  # output channels
    "side",  # of its last layer's output, before pooling
    "parameters",
    "multiply_adds",
    "receptive_field",  # of its last layer
    "kept_values",
]

# Totals of a network, compared with what its source reports.
TOTALS = ["total", "value", "published", "ratio", "source"]

# Two networks side by side.
DIFFERENT_SETTINGS = ["setting", "a", "b", "differs"]
DIFFERENT_LAYERS = [
    "stage",  # 0 for the stem; empty for the classifier
    "block",
    "place",  # conv1, shortcut.conv, ...; the name of the module within its block
    "a",  # a description, such as 3×3, 16 → 32, side 16; empty if this network has no layer in this place
    "b",
    "layer_a",  # its number on the main path
    "layer_b",
    "parameters_a",
    "parameters_b",
    "multiply_adds_a",
    "multiply_adds_b",
    "differs",
]

# Columns that identify a layer, as in LAYERS.
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

# Leading columns that identify the network and step in a measurement of several.
MEASURED_KEYS = [
    "reference",  # as given: id of a run or checkpoint, RUN@STEP, or the name of an untrained network
    "network",
    "kind",
    "depth",
    "step",  # updates made; empty if unknown
]

# Predictions of networks on test images; one row per network and image.
PREDICTIONS = [
    *MEASURED_KEYS,
    "index",  # of the image in the test set, from 0
    "label",  # its class
    "prediction",  # the class with the highest probability
    "probability",  # of the prediction (softmax)
    "label_probability",
]

# Predictions of several networks, summarised; one row per image.
ANSWERS = [
    "index",
    "label",
    "networks",  # how many
    "wrong",  # of them
    "mistake_probability",  # mean probability of the wrong predictions; empty if none is wrong
    "disagreement",  # fraction of the pairs of networks that predict different classes
    "spread",  # highest minus lowest probability of the label
    "predictions",  # tuple, in the order of the networks
]

TOP = 5  # guesses that the top-5 error allows

# Predictions of a network in an evaluation; one row per image.
EVALUATED = [
    "index",  # of the image in the test set, from 0
    "label",
    "prediction",
    "probability",  # of the prediction (softmax): the confidence
    "label_probability",
    "label_rank",  # of the label among the classes by their probability; 1 if the prediction is right
    "loss",  # cross-entropy, nats
]

# Evaluations on test images; one row per network or ensemble.
EVALUATIONS = [
    *MEASURED_KEYS,
    "data",
    "images",  # how many
    "crops",  # views of each image, 1 or 10
    "error",
    "standard_error",  # of the error, as an estimate from these images
    "top5_error",  # the label is not among the five most probable classes; empty with five classes or fewer
    "loss",  # mean cross-entropy, nats
    "ece",  # expected calibration error: |accuracy - confidence|, mean over images
    "seconds",  # time of the evaluation
]

# Accuracy by confidence; one row per bin.
CALIBRATION = ["low", "high", "images", "confidence", "accuracy"]

# Images by label and prediction; the fraction is of the images of the label.
CONFUSION = ["label", "prediction", "images", "fraction"]

CLASS_ERRORS = [
    "label",
    "class",  # its name
    "images",
    "wrong",  # of them
    "error",
    "predicted",  # images predicted as this class, rightly or not
    "taken_for",  # name of the class that it is most often mistaken for; empty if never
    "taken_for_images",
]

# Images by the number of networks that misclassify them; one row per number.
SHARED_MISTAKES = ["wrong", "images", "fraction"]

# Agreement of two networks on the same images, as fractions.
MEMBER_PAIRS = [
    "a",
    "b",
    "same",  # both predict the same class
    "both_wrong",
    "same_mistake",  # both predict the same wrong class
]

# The networks of an ensemble.
MEMBERS = [
    *MEASURED_KEYS,
    "error",
    "error_without",  # of the ensemble of all others; empty if there is only one other
]

# All checkpoints, compared with published results.
COMPARISON = [
    "reference",
    "network",
    "kind",
    "depth",
    "parameters",
    "multiply_adds",  # for an image of the size it was trained on
    "data",
    "image_size",
    "step",
    "test_error",  # fraction of the test set; empty if not measured
    "published_error",  # of the same network on whole images of the same data set
    "source",
    "gap",  # test_error - published_error
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

# Layers and blocks on a fixed batch during training; one row per layer and step, per block and step.
LIVE_LAYERS = ["step", *LAYER_KEYS, "response_std", "response_mean", "zeros", "gradient_norm", "response_gradient"]
LIVE_BLOCKS = ["step", "stage", "block", "branch_ratio", "cosine", "gamma", "shortcut_share"]

# Attribution maps; one row per map, or the reason why there is none.
ATTRIBUTION_SCORES = [
    *MEASURED_KEYS,
    "image",  # reference of the picture
    "method",
    "layer",  # as given; empty for the default
    "target",  # name of the class whose score is explained
    "prediction",  # name of the class
    "probability",  # of the prediction (softmax)
    "target_probability",
    "label",  # name of the true class; empty if unknown
    "score",  # of the target, before softmax
    "sum",  # of all values of the map
    "delta",  # difference of the sum from its theoretical value; empty if the method has none
    "seconds",  # of computing the map
    "failure",  # why there is no map
]

# Deletion and insertion: positions of an image removed, or revealed on a blurred image, the highest of a map first.
DELETION_INSERTION = [
    "curve",  # deletion, insertion
    "fraction",  # of the positions
    "probability",  # of the target, in the order of the map
    "random",  # the same in the order of the map randomly shifted, mean over shifts
    "random_low",  # minimum and maximum over shifts
    "random_high",
]

# Similarity of two maps.
LIKENESS = [
    "rank_correlation",  # Spearman, over positions; -1 to 1, empty if a map is constant
    "top_overlap",  # fraction in common of the highest tenth of the positions
    "ssim",  # structural similarity, at most 1
]
AGREEMENT = ["a", "b", *LIKENESS]
MEAN_AGREEMENT = ["a", "b", *LIKENESS, *(f"{measure}_std" for measure in LIKENESS), "images"]

# Mean agreement of networks under one method; a and b are references.
NETWORK_AGREEMENT = [
    *MEAN_AGREEMENT,
    *(f"{key}_{side}" for side in ("a", "b") for key in ("network", "kind", "depth")),
]

# Cascading randomisation: the map after re-initialising layers from the top down, compared with the trained network's.
RANDOMISATION = [
    "randomised",  # number of re-initialised layers
    "layer",  # number of the lowest of them; 0 if none
    "name",  # of its module
    "part",  # of the layers
    "rank_correlation",
    "absolute_rank_correlation",  # of the absolute values
    "ssim",
    "top_overlap",
]
