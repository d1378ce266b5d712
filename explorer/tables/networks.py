"""Columns of tables of networks and their layers, from configurations alone."""

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

# First columns of a table of the layers of several networks; image_size is the side in pixels.
DESCRIBED_KEYS = ["network", "kind", "depth", "image_size"]

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
