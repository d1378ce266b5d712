"""Build any ResNet, train plain and residual networks, and look at what the shortcuts change.

Names are fetched when they are first used, so `import explorer` is quick and does not import torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer import attribution_maps, construct, degradation, evaluations, figures, inspection, predictions
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
    from explorer.training.evaluation import evaluate
    from explorer.training.launch import pause, resume, start, stop
    from explorer.training.loop import train
    from explorer.training.plan import Plan
    from explorer.training.recipe import Recipe

__version__ = "0.1.0"

__all__ = [
    "ExplorerError",
    "NetworkConfig",
    "Plan",
    "Recipe",
    "attribute",
    "attribution_maps",
    "build",
    "construct",
    "degradation",
    "evaluate",
    "evaluations",
    "experiments",
    "export_onnx",
    "figures",
    "gradient_profile",
    "import_checkpoint",
    "inspection",
    "load_checkpoint",
    "load_data",
    "load_foreign_state",
    "metrics",
    "networks",
    "pause",
    "predictions",
    "residual_ledger",
    "response_std",
    "resume",
    "standalone_code",
    "start",
    "stop",
    "train",
]

_MODULES = ("attribution_maps", "construct", "degradation", "evaluations", "figures", "inspection", "predictions")
_HOME = {
    "ExplorerError": "explorer.errors",
    "NetworkConfig": "explorer.models.config",
    "Plan": "explorer.training.plan",
    "Recipe": "explorer.training.recipe",
    "attribute": "explorer.attribution.attribute",
    "build": "explorer.models.network",
    "evaluate": "explorer.training.evaluation",
    "experiments": "explorer.runs.listing",
    "export_onnx": "explorer.runs.onnx_files",
    "gradient_profile": "explorer.analysis.gradients",
    "import_checkpoint": "explorer.imports",
    "load_checkpoint": "explorer.runs.checkpoints",
    "load_data": "explorer.data.pixels",
    "load_foreign_state": "explorer.models.foreign",
    "metrics": "explorer.runs.experiments",
    "networks": "explorer.models.size",
    "pause": "explorer.training.launch",
    "residual_ledger": "explorer.analysis.ledger",
    "response_std": "explorer.analysis.responses",
    "resume": "explorer.training.launch",
    "standalone_code": "explorer.models.code.network",
    "start": "explorer.training.launch",
    "stop": "explorer.training.launch",
    "train": "explorer.training.loop",
}


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(f"explorer.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'explorer' has no attribute {name!r}. Public names: {', '.join(__all__)}.")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
