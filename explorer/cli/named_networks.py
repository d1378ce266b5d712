"""Networks named in a command; importing this does not import torch."""

from collections.abc import Iterator, Sequence
from typing import Annotated

from tyro.conf import Positional, arg

from explorer.cli.runs import find
from explorer.errors import BadSettings, RunError
from explorer.runs.checkpoint_facts import checkpoint_file, is_untrained, moments

References = Annotated[
    Positional[tuple[str, ...]],
    arg(
        metavar="NETWORK...",
        help="Each an id of a run or experiment, RUN@STEP, a checkpoint, a .safetensors file, or a name such as "
        "resnet56 for the untrained network.",
    ),
]
Data = Annotated[str, arg(help="Data set; by default the one a network was trained on, else digits.")]


def references(identities: Sequence[str]) -> list[str]:
    """Full references of networks; an experiment stands for all of its runs that have weights.

    Raises:
        RunError: there is no such run or experiment, or it has no weights.
    """
    return list(dict.fromkeys(each for identity in identities for each in _references(identity)))


def one_reference(identity: str) -> str:
    """The full reference of one network; raises as `references`, and BadSettings if it stands for several."""
    found = references([identity])
    if len(found) > 1:
        raise BadSettings(f"{identity} stands for {len(found)} networks; this is shown of one. Name one of its runs.")
    return found[0]


def _references(identity: str) -> Iterator[str]:
    name, _, step = identity.partition("@")
    if is_untrained(identity) or identity.endswith(".safetensors"):
        yield identity
        return
    if not step and "/" not in name and checkpoint_file(name) is not None:
        yield name
        return
    found, run = find(name)
    chosen = [each for each in (found.runs if run is None else (run,)) if moments(each)]
    if not chosen:
        raise RunError(f"{name} has no weights. `python -m explorer runs show {name}` shows its state.")
    yield from (f"{each.id}@{step}" if step else each.id for each in chosen)
