"""The views of the Blocks page, in the order of its menu."""

from explorer.ui.blocks.choice import BlocksChoice
from explorer.ui.blocks.inside import show_inside
from explorer.ui.blocks.operate import show_operating_table
from explorer.ui.blocks.paths import show_paths
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
    "paths": View(
        "Paths",
        show_paths,
        "Each block doubles the paths through a residual network: along the branch, or along the shortcut. How long "
        "are the paths that carry the gradient?",
    ),
    "inside": View(
        "Inside a block",
        show_inside,
        "A residual block adds F(x) to its input. What does it compute on one picture, what do its filters look for, "
        "and what does it add to the scores?",
    ),
}
