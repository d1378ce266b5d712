"""The views of the Blocks page, in the order of its menu."""

from explorer.ui.blocks.choice import BlocksChoice
from explorer.ui.blocks.inside import show_inside
from explorer.ui.blocks.paths import show_paths
from explorer.ui.widgets.views import View

VIEWS: dict[str, View[BlocksChoice]] = {
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
