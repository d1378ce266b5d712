"""What a state dict lacks, told as what it is."""

from collections.abc import Mapping

from torch import Tensor

from explorer.errors import BadSettings
from explorer.weights.modules import is_convolution, is_norm, modules_of


def require_statistics(state: Mapping[str, Tensor]) -> None:
    """Raise BadSettings if norms lack running statistics, and are not called group norms (gn1, group_norm)."""
    modules = modules_of(state)
    if any(map(is_norm, modules.values())):
        return
    widths = {len(each["weight"]) for each in modules.values() if is_convolution(each)}
    norms = [
        name
        for name, each in modules.items()
        if {"weight", "bias"} <= each.keys() and each["weight"].ndim == 1 and len(each["weight"]) in widths
    ]
    if not norms:
        return
    partial = next((key for key in state if key.endswith(("running_mean", "running_var"))), None)
    if partial:
        raise BadSettings(
            f"The norms have no complete running statistics: there is {partial}, but not the other of running_mean and "
            "running_var. Save `model.state_dict()` whole."
        )
    if any(word in name.lower() for name in norms for word in ("gn", "group")):
        return
    raise BadSettings(
        f"The {len(norms)} norms of these weights, such as {norms[0]}, have no running statistics (running_mean and "
        "running_var). Batch norms need them: save `model.state_dict()`, which has them, rather than "
        "`named_parameters()`, which has not. If they are group norms, name the network with `network`, such as "
        "resnet50-gn."
    )
