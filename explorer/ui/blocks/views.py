"""The views of the Blocks page, in the order of its menu."""

from explorer.ui.blocks.choice import BlocksChoice
from explorer.ui.blocks.inside import show_inside
from explorer.ui.blocks.landscape import show_landscape
from explorer.ui.blocks.operate import show_operating_table
from explorer.ui.blocks.paths import show_paths
from explorer.ui.blocks.probes import show_probes
from explorer.ui.blocks.refinement import show_refinement
from explorer.ui.blocks.similarity import show_similarity
from explorer.ui.blocks.studies import show_studies
from explorer.ui.widgets.views import View

OPERATE = "operate"  # the view whose picture takes the whole width

VIEWS: dict[str, View[BlocksChoice]] = {
    OPERATE: View(
        "Operate",
        show_operating_table,
        "What is one block worth? Each bar is the rise of the error without it. Click blocks off in the row above, or "
        "swap, repeat, re-initialise and weaken them.",
    ),
    "studies": View(
        "Many operations",
        show_studies,
        "How many blocks can go, how far may their order change, how weak may shortcuts be, and which blocks have "
        "learned what the network cannot do without?",
    ),
    "inside": View(
        "Inside a block",
        show_inside,
        "A residual block adds F(x) to its input. What does it compute on one picture, what do its filters look for, "
        "and what does it add to the scores?",
    ),
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
