"""Figures: a table or an array in, a plotly Figure out."""

from explorer.figures.training_curves import training_curves

__all__ = ["training_curves"]
