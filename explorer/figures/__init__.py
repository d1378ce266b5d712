"""Figures: a table or an array in, a plotly Figure out.

Fetched when first used: the Home page needs the colours only, and must not wait for plotly and pandas.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plotly.graph_objects import Figure as Figure

    from explorer.figures.agreements import agreement_by_depth as agreement_by_depth
    from explorer.figures.agreements import agreement_matrix as agreement_matrix
    from explorer.figures.attribution_cells import MapCell as MapCell
    from explorer.figures.block_maps import layer_lens as layer_lens
    from explorer.figures.by_class import class_errors as class_errors
    from explorer.figures.checks import deletion_insertion as deletion_insertion
    from explorer.figures.checks import randomisation as randomisation
    from explorer.figures.comparisons import gaps as gaps
    from explorer.figures.confusions import confusion_matrix as confusion_matrix
    from explorer.figures.curves import training_curves as training_curves
    from explorer.figures.degradation import race as race
    from explorer.figures.drawing import network_drawing as network_drawing
    from explorer.figures.gradients import gradient_norms as gradient_norms
    from explorer.figures.heat_map import layer_steps as layer_steps
    from explorer.figures.initialisation import xray as xray
    from explorer.figures.ledger import ledger_entries as ledger_entries
    from explorer.figures.map_grid import attribution_grid as attribution_grid
    from explorer.figures.members import member_agreement as member_agreement
    from explorer.figures.reliability import reliability_diagram as reliability_diagram
    from explorer.figures.responses import response_distribution as response_distribution
    from explorer.figures.responses import response_levels as response_levels
    from explorer.figures.shattering import gradient_autocorrelation as gradient_autocorrelation
    from explorer.figures.sizes import layer_sizes as layer_sizes
    from explorer.figures.thumbnails import StripImage as StripImage
    from explorer.figures.thumbnails import image_strip as image_strip
# No module is called as its figure: once imported, it would stand in the figure's place.
_HOME = {
    "Figure": "plotly.graph_objects",
    "MapCell": "explorer.figures.attribution_cells",
    "StripImage": "explorer.figures.thumbnails",
    "agreement_by_depth": "explorer.figures.agreements",
    "agreement_matrix": "explorer.figures.agreements",
    "attribution_grid": "explorer.figures.map_grid",
    "class_errors": "explorer.figures.by_class",
    "confusion_matrix": "explorer.figures.confusions",
    "deletion_insertion": "explorer.figures.checks",
    "gaps": "explorer.figures.comparisons",
    "gradient_autocorrelation": "explorer.figures.shattering",
    "gradient_norms": "explorer.figures.gradients",
    "image_strip": "explorer.figures.thumbnails",
    "layer_lens": "explorer.figures.block_maps",
    "layer_sizes": "explorer.figures.sizes",
    "layer_steps": "explorer.figures.heat_map",
    "ledger_entries": "explorer.figures.ledger",
    "member_agreement": "explorer.figures.members",
    "network_drawing": "explorer.figures.drawing",
    "race": "explorer.figures.degradation",
    "randomisation": "explorer.figures.checks",
    "reliability_diagram": "explorer.figures.reliability",
    "response_distribution": "explorer.figures.responses",
    "response_levels": "explorer.figures.responses",
    "training_curves": "explorer.figures.curves",
    "xray": "explorer.figures.initialisation",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'explorer.figures' has no attribute {name!r}. Figures: {', '.join(__all__)}.")
