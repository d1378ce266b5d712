"""Columns of linear probes, similarities of layers, and paths through a network."""

from explorer.tables.layers import MEASURED_KEYS

# Columns that identify a point of a network where features are read, see `models.features`.
POINT_KEYS = [
    "point",  # 0 for the first, in the order of the forward pass
    "name",  # "stem", or that of a module
    "part",  # output, interior
    "stage",
    "block",  # within its stage, from 1; 0 for stem and end
    "layer",  # number of the last weighted layer before it
]

# Linear probes: a linear classifier on the features after the stem and after every block; errors are fractions wrong.
PROBES = [
    *POINT_KEYS,
    "features",  # channels; each is averaged over positions
    "c",  # scikit-learn's C, the inverse of the regularisation
    "held_out_error",  # by which c was chosen, on training images that the probe had not seen
    "train_error",  # on the training images of the probe
    "error",  # on the test images
    "standard_error",
    "network_error",  # of the network itself on these test images
    "images",  # number of test images
]

# What the probes predict for each test image.
PROBED_IMAGES = [
    "image",  # its reference, test:17
    "index",  # in the test set, from 0
    "label",
    "prediction",  # of the network itself
    "last_probe",  # prediction of the last probe
    "right_from",  # first point from which all probes are right; empty if the last one is wrong
    "agrees_from",  # first point from which all probes predict what the network predicts; empty if the last does not
    "first_right",  # first point whose probe is right; empty for none
    "right_points",  # number of points whose probe is right
]

# Similarity of two layers of one or two networks.
CKA = [
    *(f"{key}_{side}" for side in ("a", "b") for key in (*MEASURED_KEYS, *POINT_KEYS)),
    "cka",  # linear, unbiased: 1 for the same features up to rotation and scale, about 0 for independent ones
]

# CKA of features with the same features, of which some images are moved where the classifier does not look.
CKA_PITFALL = [
    "moved",  # number of images that are moved
    "distance",  # in root mean square distances of the images from their mean
    "cka",  # of all features before and after
    "unbiased_cka",
    "largest_difference",  # of the scores of the classifier, relative to their largest
    "changed_predictions",  # number of images
]

# Paths through a network by the number of branches on them.
PATHS = [
    "length",  # blocks whose branch is on the path; the others are passed on the shortcut
    "layers",  # weighted layers on such a path, mean over the sampled paths; without stem and classifier
    "paths",  # number of paths of this length
    "gradient_norm",  # of the loss of an image with respect to its pixels along one path, mean over sampled paths
    "gradient_low",  # quartiles
    "gradient_high",
    "product",  # paths x gradient_norm
    "share",  # of the sum of products
    "sampled",  # paths that were sampled
]
