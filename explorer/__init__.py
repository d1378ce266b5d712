"""Build any ResNet, train plain and residual networks, and study the effect of shortcuts.

Names are imported at first use, so `import explorer` is quick and does not import torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from explorer.version import VERSION

if TYPE_CHECKING:
    from explorer import figures as figures
    from explorer.analysis.gradients import gradient_profile as gradient_profile
    from explorer.analysis.ledger import residual_ledger as residual_ledger
    from explorer.analysis.responses import response_std as response_std
    from explorer.attribution.attribute import attribute as attribute
    from explorer.data.pixels import load_data as load_data
    from explorer.errors import ExplorerError as ExplorerError
    from explorer.export.plans import export_plan as export_plan
    from explorer.export.reports.writing import report as report
    from explorer.export.tensorboard import export_tensorboard as export_tensorboard
    from explorer.export.weights import export_checkpoint as export_checkpoint
    from explorer.export.weights import export_state_dict as export_state_dict
    from explorer.models.code.network import standalone_code as standalone_code
    from explorer.models.config import NetworkConfig as NetworkConfig
    from explorer.models.description import layer_differences as layer_differences
    from explorer.models.description import sizes as sizes
    from explorer.models.network import build as build
    from explorer.models.operated import operated as operated
    from explorer.models.size import networks as networks
    from explorer.notebook.watch import watch as watch
    from explorer.runs.checkpoints import load_checkpoint as load_checkpoint
    from explorer.runs.kept import checkpoint_table as checkpoints
    from explorer.runs.onnx_files import export_onnx as export_onnx
    from explorer.studies import attributions as attribution_maps
    from explorer.studies import blocks as blocks
    from explorer.studies import degradation as degradation
    from explorer.studies import evaluations as evaluations
    from explorer.studies import features as features
    from explorer.studies import identity as construct
    from explorer.studies import landscape as landscape
    from explorer.studies import layers as inspection
    from explorer.studies import named_maps as attributions
    from explorer.studies import paths as paths
    from explorer.studies import predictions as predictions
    from explorer.studies import probing as probing
    from explorer.studies import refinement as refinement
    from explorer.studies import similarity as similarity
    from explorer.studies.lesson import document as lesson
    from explorer.studies.listing import data_sets as data_sets
    from explorer.studies.listing import experiments as experiments
    from explorer.studies.listing import metrics as metrics
    from explorer.training.evaluation import evaluate as evaluate
    from explorer.training.launch import pause as pause
    from explorer.training.launch import resume as resume
    from explorer.training.launch import start as start
    from explorer.training.launch import stop as stop
    from explorer.training.loop import train as train
    from explorer.training.plan import Plan as Plan
    from explorer.training.recipe import Recipe as Recipe
    from explorer.weights.importing import import_checkpoint as import_checkpoint
    from explorer.weights.matching import load_foreign_state as load_foreign_state
__version__ = VERSION

# Location of each public name: "module:name", or a module.
_HOME = {
    "ExplorerError": "explorer.errors:ExplorerError",
    "NetworkConfig": "explorer.models.config:NetworkConfig",
    "Plan": "explorer.training.plan:Plan",
    "Recipe": "explorer.training.recipe:Recipe",
    "attribute": "explorer.attribution.attribute:attribute",
    "attributions": "explorer.studies.named_maps",
    "attribution_maps": "explorer.studies.attributions",
    "blocks": "explorer.studies.blocks",
    "build": "explorer.models.network:build",
    "checkpoints": "explorer.runs.kept:checkpoint_table",
    "construct": "explorer.studies.identity",
    "data_sets": "explorer.studies.listing:data_sets",
    "degradation": "explorer.studies.degradation",
    "evaluate": "explorer.training.evaluation:evaluate",
    "evaluations": "explorer.studies.evaluations",
    "experiments": "explorer.studies.listing:experiments",
    "export_checkpoint": "explorer.export.weights:export_checkpoint",
    "export_onnx": "explorer.runs.onnx_files:export_onnx",
    "features": "explorer.studies.features",
    "export_plan": "explorer.export.plans:export_plan",
    "export_state_dict": "explorer.export.weights:export_state_dict",
    "export_tensorboard": "explorer.export.tensorboard:export_tensorboard",
    "figures": "explorer.figures",
    "gradient_profile": "explorer.analysis.gradients:gradient_profile",
    "import_checkpoint": "explorer.weights.importing:import_checkpoint",
    "inspection": "explorer.studies.layers",
    "landscape": "explorer.studies.landscape",
    "layer_differences": "explorer.models.description:layer_differences",
    "lesson": "explorer.studies.lesson.document",
    "load_checkpoint": "explorer.runs.checkpoints:load_checkpoint",
    "load_data": "explorer.data.pixels:load_data",
    "load_foreign_state": "explorer.weights.matching:load_foreign_state",
    "metrics": "explorer.studies.listing:metrics",
    "networks": "explorer.models.size:networks",
    "operated": "explorer.models.operated:operated",
    "paths": "explorer.studies.paths",
    "pause": "explorer.training.launch:pause",
    "predictions": "explorer.studies.predictions",
    "probing": "explorer.studies.probing",
    "refinement": "explorer.studies.refinement",
    "report": "explorer.export.reports.writing:report",
    "residual_ledger": "explorer.analysis.ledger:residual_ledger",
    "response_std": "explorer.analysis.responses:response_std",
    "resume": "explorer.training.launch:resume",
    "similarity": "explorer.studies.similarity",
    "sizes": "explorer.models.description:sizes",
    "standalone_code": "explorer.models.code.network:standalone_code",
    "start": "explorer.training.launch:start",
    "stop": "explorer.training.launch:stop",
    "train": "explorer.training.loop:train",
    "watch": "explorer.notebook.watch:watch",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'explorer' has no attribute {name!r}. Public names: {', '.join(__all__)}.")
    module, _, attribute = _HOME[name].partition(":")
    value = import_module(module)
    globals()[name] = getattr(value, attribute) if attribute else value
    return globals()[name]


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
