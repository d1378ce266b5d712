"""Figures: a table or an array in, a plotly Figure out.

Imported when first used: the Home page needs the colours only, and must not wait for plotly and pandas.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plotly.graph_objects import Figure as Figure

    from explorer.figures.blocks.arithmetic import block_panels as block_panels
    from explorer.figures.blocks.bars import lesion_bars as lesion_bars
    from explorer.figures.blocks.block_row import BlockRow as BlockRow
    from explorer.figures.blocks.critical import critical_blocks as critical_blocks
    from explorer.figures.blocks.exciting import most_exciting_images as most_exciting_images
    from explorer.figures.blocks.filter_grids import filter_grid as filter_grid
    from explorer.figures.blocks.landscapes import loss_contours as loss_contours
    from explorer.figures.blocks.landscapes import loss_surfaces as loss_surfaces
    from explorer.figures.blocks.logit_bars import logit_bars as logit_bars
    from explorer.figures.blocks.operated_classes import operated_classes as operated_classes
    from explorer.figures.blocks.path_panels import path_lengths as path_lengths
    from explorer.figures.blocks.probes import probe_errors as probe_errors
    from explorer.figures.blocks.refinements import iterated_blocks as iterated_blocks
    from explorer.figures.blocks.refinements import refinement_profiles as refinement_profiles
    from explorer.figures.blocks.similarities import layer_similarity as layer_similarity
    from explorer.figures.blocks.strengths import operated_errors as operated_errors
    from explorer.figures.blocks.trajectories import training_trajectory as training_trajectory
    from explorer.figures.blocks.weight_lines import loss_lines as loss_lines
    from explorer.figures.curves.by_depth import error_by_depth as error_by_depth
    from explorer.figures.curves.comparisons import gaps as gaps
    from explorer.figures.curves.end_bars import end_errors as end_errors
    from explorer.figures.curves.race import race as race
    from explorer.figures.curves.training import training_curves as training_curves
    from explorer.figures.evaluation.by_class import class_errors as class_errors
    from explorer.figures.evaluation.confusions import confusion_matrix as confusion_matrix
    from explorer.figures.evaluation.members import member_agreement as member_agreement
    from explorer.figures.evaluation.reliability import reliability_diagram as reliability_diagram
    from explorer.figures.layers.gradients import gradient_norms as gradient_norms
    from explorer.figures.layers.heat_map import layer_steps as layer_steps
    from explorer.figures.layers.initialisation import xray as xray
    from explorer.figures.layers.ledger import ledger_entries as ledger_entries
    from explorer.figures.layers.responses import response_distribution as response_distribution
    from explorer.figures.layers.responses import response_levels as response_levels
    from explorer.figures.layers.shattering import gradient_autocorrelation as gradient_autocorrelation
    from explorer.figures.layers.sizes import layer_sizes as layer_sizes
    from explorer.figures.maps.agreements import agreement_by_depth as agreement_by_depth
    from explorer.figures.maps.agreements import agreement_matrix as agreement_matrix
    from explorer.figures.maps.cells import MapCell as MapCell
    from explorer.figures.maps.checks import deletion_insertion as deletion_insertion
    from explorer.figures.maps.checks import randomisation as randomisation
    from explorer.figures.maps.grid import attribution_grid as attribution_grid
    from explorer.figures.maps.layer_lens import layer_lens as layer_lens
    from explorer.figures.maps.thumbnails import StripImage as StripImage
    from explorer.figures.maps.thumbnails import image_strip as image_strip
    from explorer.figures.network.around_a_block import residual_block as residual_block
    from explorer.figures.network.drawing import network_drawing as network_drawing
# No module has the name of its figure: once imported, it would hide the figure.
_HOME = {
    "BlockRow": "explorer.figures.blocks.block_row",
    "Figure": "plotly.graph_objects",
    "MapCell": "explorer.figures.maps.cells",
    "StripImage": "explorer.figures.maps.thumbnails",
    "agreement_by_depth": "explorer.figures.maps.agreements",
    "agreement_matrix": "explorer.figures.maps.agreements",
    "attribution_grid": "explorer.figures.maps.grid",
    "block_panels": "explorer.figures.blocks.arithmetic",
    "class_errors": "explorer.figures.evaluation.by_class",
    "confusion_matrix": "explorer.figures.evaluation.confusions",
    "critical_blocks": "explorer.figures.blocks.critical",
    "deletion_insertion": "explorer.figures.maps.checks",
    "end_errors": "explorer.figures.curves.end_bars",
    "error_by_depth": "explorer.figures.curves.by_depth",
    "filter_grid": "explorer.figures.blocks.filter_grids",
    "gaps": "explorer.figures.curves.comparisons",
    "gradient_autocorrelation": "explorer.figures.layers.shattering",
    "gradient_norms": "explorer.figures.layers.gradients",
    "image_strip": "explorer.figures.maps.thumbnails",
    "iterated_blocks": "explorer.figures.blocks.refinements",
    "layer_lens": "explorer.figures.maps.layer_lens",
    "layer_similarity": "explorer.figures.blocks.similarities",
    "layer_sizes": "explorer.figures.layers.sizes",
    "layer_steps": "explorer.figures.layers.heat_map",
    "ledger_entries": "explorer.figures.layers.ledger",
    "lesion_bars": "explorer.figures.blocks.bars",
    "logit_bars": "explorer.figures.blocks.logit_bars",
    "loss_contours": "explorer.figures.blocks.landscapes",
    "loss_lines": "explorer.figures.blocks.weight_lines",
    "loss_surfaces": "explorer.figures.blocks.landscapes",
    "member_agreement": "explorer.figures.evaluation.members",
    "most_exciting_images": "explorer.figures.blocks.exciting",
    "network_drawing": "explorer.figures.network.drawing",
    "operated_classes": "explorer.figures.blocks.operated_classes",
    "operated_errors": "explorer.figures.blocks.strengths",
    "path_lengths": "explorer.figures.blocks.path_panels",
    "probe_errors": "explorer.figures.blocks.probes",
    "race": "explorer.figures.curves.race",
    "randomisation": "explorer.figures.maps.checks",
    "refinement_profiles": "explorer.figures.blocks.refinements",
    "reliability_diagram": "explorer.figures.evaluation.reliability",
    "residual_block": "explorer.figures.network.around_a_block",
    "response_distribution": "explorer.figures.layers.responses",
    "response_levels": "explorer.figures.layers.responses",
    "training_curves": "explorer.figures.curves.training",
    "training_trajectory": "explorer.figures.blocks.trajectories",
    "xray": "explorer.figures.layers.initialisation",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'explorer.figures' has no attribute {name!r}. Figures: {', '.join(__all__)}.")
