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
