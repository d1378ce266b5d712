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

# The loss gradient at one moment of training, one row per weighted layer of the main path in order of depth.
GRADIENTS = [
    "layer",  # 1 for the stem to `depth` for the classifier
    "name",  # of the module
    "stage",  # 0 for the stem, 1 to 3, 4 for the classifier
    "block",  # within its stage, from 1; 0 for stem and classifier
    "gradient_norm",  # Euclidean norm of the loss gradient with respect to the layer's weights
    "weight_norm",  # of the weights themselves
    "relative",  # gradient_norm / weight_norm
]
