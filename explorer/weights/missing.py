"""What a state dict lacks, told as what it is."""

from collections.abc import Mapping

from torch import Tensor

from explorer.errors import BadSettings
from explorer.models.config import NORM_GROUPS
from explorer.weights.modules import is_convolution, is_norm, modules_of


def require_statistics(state: Mapping[str, Tensor]) -> None:
    """Raise BadSettings if norms have weights and biases, but none has running statistics.

    Where they may be group norms of 32 groups, they are taken for those, see `weights.choices.assumptions`.
    """
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
    if not any(len(modules[name]["weight"]) % NORM_GROUPS for name in norms):
        return
    named = next((name for name in norms if any(word in name.lower() for word in ("gn", "group"))), "")
    how = (
        f"{named} and {len(norms) - 1} more are group norms, by their name"
        if named
        else f"The {len(norms)} norms, such as {norms[0]}, have weights and biases only"
    )
    raise BadSettings(
        f"These weights have no running statistics (running_mean and running_var), which batch norm needs. {how}. If "
        "they are batch norms, the file has parameters alone, as from `named_parameters()`: save `model.state_dict()`. "
        f"Group norms have none; here they have {NORM_GROUPS} groups, so channels must be multiples of {NORM_GROUPS}. "
        "Layer norms are not known here."
    )
