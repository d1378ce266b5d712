"""Columns of attribution maps and their checks."""

from explorer.tables.layers import MEASURED_KEYS

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
