"""The modules whose functions pages call in the PyTorch process.

Editors and mypy see the modules themselves. At run time they are proxies that only name functions, since the server
must not wait for the import of PyTorch.
"""

from types import SimpleNamespace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.runs import onnx_files as onnx_files
    from explorer.studies import attributions as attributions
    from explorer.studies import blocks as blocks
    from explorer.studies import evaluations as evaluations
    from explorer.studies import features as features
    from explorer.studies import identity as identity
    from explorer.studies import landscape as landscape
    from explorer.studies import layers as layers
    from explorer.studies import paths as paths
    from explorer.studies import predictions as predictions
    from explorer.studies import probing as probing
    from explorer.studies import refinement as refinement
    from explorer.studies import similarity as similarity
    from explorer.training import devices as devices
    from explorer.training import estimate as estimate
    from explorer.weights import importing as importing
    from explorer.weights import torchvision as torchvision
else:

    class _ModuleProxy:
        """Proxy of a module, whose attributes only name functions."""

        def __init__(self, module: str) -> None:
            self._module = module

        def __getattr__(self, name: str) -> SimpleNamespace:
            return SimpleNamespace(__module__=self._module, __qualname__=name)

    onnx_files = _ModuleProxy("explorer.runs.onnx_files")
    attributions = _ModuleProxy("explorer.studies.attributions")
    blocks = _ModuleProxy("explorer.studies.blocks")
    evaluations = _ModuleProxy("explorer.studies.evaluations")
    features = _ModuleProxy("explorer.studies.features")
    identity = _ModuleProxy("explorer.studies.identity")
    landscape = _ModuleProxy("explorer.studies.landscape")
    layers = _ModuleProxy("explorer.studies.layers")
    paths = _ModuleProxy("explorer.studies.paths")
    predictions = _ModuleProxy("explorer.studies.predictions")
    probing = _ModuleProxy("explorer.studies.probing")
    similarity = _ModuleProxy("explorer.studies.similarity")
    refinement = _ModuleProxy("explorer.studies.refinement")
    devices = _ModuleProxy("explorer.training.devices")
    estimate = _ModuleProxy("explorer.training.estimate")
    importing = _ModuleProxy("explorer.weights.importing")
    torchvision = _ModuleProxy("explorer.weights.torchvision")
