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
    from explorer.figures.drawing import network_drawing
    from explorer.figures.gradients import gradient_norms
    from explorer.figures.heat_map import layer_steps
    from explorer.figures.initialisation import xray
    from explorer.figures.ledger import ledger_entries
    from explorer.figures.responses import response_distribution, response_levels
    from explorer.figures.shattering import gradient_autocorrelation

__all__ = [
    "Figure",
    "gaps",
    "gradient_autocorrelation",
    "gradient_norms",
    "layer_steps",
    "ledger_entries",
    "network_drawing",
    "race",
    "response_distribution",
    "response_levels",
    "training_curves",
    "xray",
]

# No module is called as its figure: once imported, it would stand in the figure's place.
_HOME = {
    "Figure": "plotly.graph_objects",
    "gaps": "explorer.figures.comparisons",
    "gradient_autocorrelation": "explorer.figures.shattering",
    "gradient_norms": "explorer.figures.gradients",
    "layer_steps": "explorer.figures.heat_map",
    "ledger_entries": "explorer.figures.ledger",
    "network_drawing": "explorer.figures.drawing",
    "race": "explorer.figures.degradation",
    "response_distribution": "explorer.figures.responses",
    "response_levels": "explorer.figures.responses",
    "training_curves": "explorer.figures.curves",
    "xray": "explorer.figures.initialisation",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'explorer.figures' has no attribute {name!r}. Figures: {', '.join(__all__)}.")
