"""Build any ResNet, train plain and residual networks, and look at what the shortcuts change.

Names are fetched when they are first used, so `import explorer` is quick and does not import torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer import figures
    from explorer.analysis.gradients import gradient_profile
    from explorer.analysis.ledger import residual_ledger
    from explorer.analysis.responses import response_std
    from explorer.attribution.attribute import attribute
    from explorer.data.pixels import load_data
    from explorer.errors import ExplorerError
    from explorer.imports import import_checkpoint
    from explorer.models.code.network import standalone_code
    from explorer.models.config import NetworkConfig
    from explorer.models.foreign import load_foreign_state
    from explorer.models.network import build
    from explorer.models.size import networks
    from explorer.runs.checkpoints import load_checkpoint
    from explorer.runs.experiments import metrics
    from explorer.runs.listing import experiments
    from explorer.runs.onnx_files import export_onnx
    from explorer.studies import attributions as attribution_maps
    from explorer.studies import degradation, evaluations, predictions
    from explorer.studies import identity as construct
    from explorer.studies import layers as inspection
    from explorer.training.evaluation import evaluate
    from explorer.training.launch import pause, resume, start, stop
    from explorer.training.loop import train
    from explorer.training.plan import Plan
    from explorer.training.recipe import Recipe

__version__ = "0.1.0"

# Where each public name lives: "module:name", or a whole module.
_HOME = {
    "ExplorerError": "explorer.errors:ExplorerError",
    "NetworkConfig": "explorer.models.config:NetworkConfig",
    "Plan": "explorer.training.plan:Plan",
    "Recipe": "explorer.training.recipe:Recipe",
    "attribute": "explorer.attribution.attribute:attribute",
    "attribution_maps": "explorer.studies.attributions",
    "build": "explorer.models.network:build",
    "construct": "explorer.studies.identity",
    "degradation": "explorer.studies.degradation",
    "evaluate": "explorer.training.evaluation:evaluate",
    "evaluations": "explorer.studies.evaluations",
    "experiments": "explorer.runs.listing:experiments",
    "export_onnx": "explorer.runs.onnx_files:export_onnx",
    "figures": "explorer.figures",
    "gradient_profile": "explorer.analysis.gradients:gradient_profile",
    "import_checkpoint": "explorer.imports:import_checkpoint",
    "inspection": "explorer.studies.layers",
    "load_checkpoint": "explorer.runs.checkpoints:load_checkpoint",
    "load_data": "explorer.data.pixels:load_data",
    "load_foreign_state": "explorer.models.foreign:load_foreign_state",
    "metrics": "explorer.runs.experiments:metrics",
    "networks": "explorer.models.size:networks",
    "pause": "explorer.training.launch:pause",
    "predictions": "explorer.studies.predictions",
    "residual_ledger": "explorer.analysis.ledger:residual_ledger",
    "response_std": "explorer.analysis.responses:response_std",
    "resume": "explorer.training.launch:resume",
    "standalone_code": "explorer.models.code.network:standalone_code",
    "start": "explorer.training.launch:start",
    "stop": "explorer.training.launch:stop",
    "train": "explorer.training.loop:train",
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
