"""The views of the Blocks page, in the order of its menu."""

from explorer.ui.blocks.choice import BlocksChoice
from explorer.ui.blocks.landscape import show_landscape
from explorer.ui.blocks.paths import show_paths
from explorer.ui.blocks.probes import show_probes
from explorer.ui.blocks.refinement import show_refinement
from explorer.ui.blocks.similarity import show_similarity
from explorer.ui.widgets.views import View

VIEWS: dict[str, View[BlocksChoice]] = {
    "probes": View(
        "Probes",
        show_probes,
        "Where is the answer known? The error of a linear classifier on the features after each block, and the images "
        "that need all blocks, or lose the right answer on the way.",
    ),
    "similarity": View(
        "Similarity",
        show_similarity,
        "Which layers have similar features? Linear CKA of every layer with every other one, within a network, between "
        "plain and residual ones, between depths, and between moments of training.",
    ),
    "paths": View(
        "Paths",
        show_paths,
        "Each block doubles the paths through a residual network: along the branch, or along the shortcut. How long "
        "are the paths that carry the gradient?",
    ),
    "landscape": View(
        "Loss landscape",
        show_landscape,
        "Is the loss around a trained network smooth? Random directions, each filter with its own norm, or those of "
        "the training itself; all networks on one scale.",
    ),
    "refinement": View(
        "Refinement",
        show_refinement,
        "Do the blocks of a stage refine one estimate, rather than make new features each? Whether they move downhill "
        "in the loss, and what happens if one is applied several times.",
    ),
}
