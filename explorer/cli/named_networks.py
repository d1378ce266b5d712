"""Networks and pictures named in a command; importing this does not import torch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from tyro.conf import Positional, arg

from explorer.cli.runs import find
from explorer.data.catalogue import dataset
from explorer.data.pictures import Picture, picture
from explorer.data.unknown import is_unknown
from explorer.errors import BadSettings, RunError
from explorer.models.catalogue import network_config
from explorer.models.config import NetworkConfig
from explorer.registry import lookup
from explorer.runs.checkpoint_facts import checkpoint_file, facts_and_data, is_untrained, moments

References = Annotated[
    Positional[tuple[str, ...]],
    arg(
        metavar="NETWORK...",
        help="Each an id of a run or experiment, RUN@STEP, a checkpoint, a .safetensors file, or a name such as "
        "resnet56 for the untrained network.",
    ),
]
Data = Annotated[str, arg(help="Data set; by default the one a network was trained on, else digits.")]


@dataclass(frozen=True, slots=True)
class NamedNetwork:
    """A network by reference, without its weights.

    Attributes:
        data: name of the data set.
        step: of training; None if unknown.
    """

    reference: str
    config: NetworkConfig
    data: str
    step: int | None

    @property
    def classes(self) -> tuple[str, ...]:
        return dataset(self.data).classes

    def target(self, text: str) -> int | None:
        """The class with this name or number; None for an empty text.

        Raises:
            UnknownName: there is no such class.
        """
        names = {name: number for number, name in enumerate(self.classes)}
        numbers = {str(number): number for number in names.values() if str(number) not in names}
        return lookup(names | numbers, text, f"class of {dataset(self.data).title}") if text else None

    def picture(self, reference: str) -> Picture:
        """A picture by reference or path; errors as of `data.pictures.picture`.

        Raises:
            BadSettings: it is a test image, and the network's images are not known.
        """
        if reference.startswith("test:") and is_unknown(self.data):
            raise BadSettings(
                f"Which images {self.reference} was trained on is not known, so it has no test images. Name a picture "
                "with `--image`, such as china.jpg or the path of a file; or images with `--data`."
            )
        return picture(reference, data=self.data, paths=True)


def named_networks(identities: Sequence[str], data: str) -> list[NamedNetwork]:
    """The named networks; untrained ones take the data set of the first trained one, else the digits.

    Args:
        identities: see `references`.
        data: name of the data set for all; empty takes the one that each was trained on.

    Raises:
        BadSettings: none is named.
        RunError, StorageError, UnknownName: one cannot be found or read.
    """
    return [
        NamedNetwork(reference, facts.network if facts else network_config(reference), name, facts.step if facts else 0)
        for reference, (facts, name) in facts_and_data(references(identities), data).items()
    ]


def picture_reference(text: str) -> str:
    """The reference to a picture; a bare number means a test image."""
    return f"test:{int(text)}" if text.isascii() and text.isdecimal() and len(text) < 10 else text


def references(identities: Sequence[str]) -> list[str]:
    """Full references of networks; an experiment stands for all of its runs that have weights.

    Raises:
        RunError: there is no such run or experiment, or it has no weights.
    """
    return list(dict.fromkeys(each for identity in identities for each in _references(identity)))


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
