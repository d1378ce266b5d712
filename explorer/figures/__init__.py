"""Figures: a table or an array in, a plotly Figure out.

Fetched when first used: the Home page needs the colours only, and must not wait for plotly and pandas.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from explorer.figures.curves import training_curves

__all__ = ["Figure", "training_curves"]


def __getattr__(name: str) -> object:
    if name == "Figure":
        from plotly.graph_objects import Figure

        return Figure
    if name == "training_curves":
        from explorer.figures.curves import training_curves

        return training_curves
    raise AttributeError(f"module 'explorer.figures' has no attribute {name!r}. Figures: {', '.join(__all__)}.")
