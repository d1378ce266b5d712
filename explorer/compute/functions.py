"""The modules whose functions pages call in the PyTorch process.

Editors and mypy see the modules themselves. At run time they are stand-ins that know the names of functions only, since
the server must not wait for PyTorch to be imported.
"""

from types import SimpleNamespace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.runs import onnx_files as onnx_files
    from explorer.studies import attributions as attributions
    from explorer.studies import evaluations as evaluations
    from explorer.studies import identity as identity
    from explorer.studies import layers as layers
    from explorer.studies import predictions as predictions
    from explorer.training import devices as devices
    from explorer.training import estimate as estimate
    from explorer.weights import importing as importing
    from explorer.weights import torchvision as torchvision
else:

    class _StandIn:
        """A module of which any name gives that of a function."""

        def __init__(self, module: str) -> None:
            self._module = module

        def __getattr__(self, name: str) -> SimpleNamespace:
            return SimpleNamespace(__module__=self._module, __qualname__=name)

    onnx_files = _StandIn("explorer.runs.onnx_files")
    attributions = _StandIn("explorer.studies.attributions")
    evaluations = _StandIn("explorer.studies.evaluations")
    identity = _StandIn("explorer.studies.identity")
    layers = _StandIn("explorer.studies.layers")
    predictions = _StandIn("explorer.studies.predictions")
    devices = _StandIn("explorer.training.devices")
    estimate = _StandIn("explorer.training.estimate")
    importing = _StandIn("explorer.weights.importing")
    torchvision = _StandIn("explorer.weights.torchvision")
