"""Networks, classes and pictures by the names that people write; importing this does not import torch."""

from collections.abc import Sequence
from dataclasses import dataclass

from explorer.data.catalogue import dataset
from explorer.data.pictures import Picture, picture
from explorer.data.unknown import is_unknown
from explorer.errors import BadSettings
from explorer.models.catalogue import network_config
from explorer.models.config import NetworkConfig
from explorer.registry import lookup
from explorer.runs.checkpoint_facts import facts_and_data


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


def named_networks(references: Sequence[str], data: str = "") -> list[NamedNetwork]:
    """The named networks; untrained ones take the data set of the first trained one, else the digits.

    Args:
        data: name of the data set for all; empty takes the one that each was trained on.

    Raises:
        BadSettings: none is named.
        RunError, StorageError, UnknownName: one cannot be found or read.
    """
    return [
        NamedNetwork(reference, facts.network if facts else network_config(reference), name, facts.step if facts else 0)
        for reference, (facts, name) in facts_and_data(references, data).items()
    ]


def picture_reference(text: str) -> str:
    """The reference to a picture; a bare number means a test image."""
    return f"test:{int(text)}" if text.isascii() and text.isdecimal() and len(text) < 10 else text
