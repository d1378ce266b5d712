"""Columns of tables of runs, their metrics and what experiments show."""

from explorer.tables.layers import LAYER_KEYS

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
    "best",  # the network with the lowest test error, mean over seeds
    "train_error",  # of `best`, mean over seeds, as a fraction; at the end of the schedule as in ENDS
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
    "network",  # the deeper one; for the shortcut, the one without or with weaker ones
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

# Layers and blocks on a fixed batch during training; one row per layer and step, per block and step.
LIVE_LAYERS = ["step", *LAYER_KEYS, "response_std", "response_mean", "zeros", "gradient_norm", "response_gradient"]
LIVE_BLOCKS = ["step", "stage", "block", "branch_ratio", "cosine", "gamma", "shortcut_share"]

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
