"""Figures: a table or an array in, a plotly Figure out."""

from plotly.graph_objects import Figure

from explorer.figures.training_curves import training_curves

__all__ = ["Figure", "training_curves"]
