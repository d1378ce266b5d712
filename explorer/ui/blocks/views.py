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
        "Where in the network is the class known? The error of a linear classifier on the features after each block.",
    ),
    "similarity": View(
        "Similarity",
        show_similarity,
        "Which layers have similar features, within a network, between networks, and between moments of training?",
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
        "How does the loss change around a trained network? All networks are drawn on one scale.",
    ),
    "refinement": View(
        "Refinement",
        show_refinement,
        "Do the blocks of a stage refine one estimate step by step, or does each of them make new features?",
    ),
}
