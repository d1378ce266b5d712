"""Figures: a table or an array in, a plotly Figure out.

Fetched when first used: the Home page needs the colours only, and must not wait for plotly and pandas.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from explorer.figures.comparisons import gaps
    from explorer.figures.curves import training_curves
    from explorer.figures.degradation import race
    from explorer.figures.gradients import gradient_norms

__all__ = ["Figure", "gaps", "gradient_norms", "race", "training_curves"]

# No module is called as its figure: once imported, it would stand in the figure's place.
_HOME = {
    "Figure": "plotly.graph_objects",
    "gaps": "explorer.figures.comparisons",
    "gradient_norms": "explorer.figures.gradients",
    "race": "explorer.figures.degradation",
    "training_curves": "explorer.figures.curves",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'explorer.figures' has no attribute {name!r}. Figures: {', '.join(__all__)}.")
