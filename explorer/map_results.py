"""Attribution maps and their checks as results, like those of `results`; does not import PyTorch."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explorer.cards import Shown, in_greys

Badge = Literal["follows_weights", "ignores_weights", "cannot_tell"]  # of a map, see `attribution.randomisation`
Verdict = Literal["better_than_random", "not_better"]  # on a map, see `Curves`


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class MapFacts(Shown):
    """What an attribution map is of.

    Attributes:
        reference, network, kind, depth, step: the network, see `tables.MEASURED_KEYS`.
        image: the picture's reference; title: what to write beside it.
        method: its name; layer: which one was asked for, as given.
        target: the class whose score is explained; None is the predicted one, where that is not known.
        classes: names, in order of class.
    """

    reference: str
    network: str
    kind: str
    depth: int
    step: int | None
    image: str
    title: str
    method: str
    layer: str
    target: int | None
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class MissingMap(MapFacts):
    """A map that could not be computed.

    Attributes:
        failure: why not.
    """

    failure: str


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class AttributionMap(MapFacts):
    """What a method says about one network and one picture.

    Attributes:
        label: the picture's true class; None where that is not known.
        probabilities: (classes,).
        score: of the target, before softmax.
        map: (H, W), one number a position, at the size of the picture.
        values: (C, h, w), what the method gave.
        pixels: uint8 (H, W, C), what the network saw.
        signed: values below zero speak against the target.
        delta: how far the values are from adding up to what they explain; None where the method promises no sum.
        seconds: it took.
    """

    target: int
    label: int | None
    probabilities: NDArray[np.float32]
    score: float
    map: NDArray[np.float32]
    values: NDArray[np.float32]
    pixels: NDArray[np.uint8]
    signed: bool
    delta: float | None
    seconds: float

    @property
    def prediction(self) -> int:
        """The class with the highest score."""
        return int(self.probabilities.argmax())

    def headline(self) -> str:
        named = self.classes[self.target] if self.classes else self.target
        return f"{self.method} of {self.network} for class {named}, {self.title}"

    def pictures(self) -> str:
        return in_greys(self.pixels, self.map, signed=self.signed)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Curves(Shown):
    """Deletion and insertion in the order of a map, and of the same map shifted at random.

    Attributes:
        table: the columns of `tables.DELETION_INSERTION`, row by row along deletion, then insertion.
        deletion, insertion: area under the map's curve, 0 to 1: a mean probability.
        random_deletion, random_insertion: the same for each shifted map.
    """

    table: pd.DataFrame
    deletion: float
    insertion: float
    random_deletion: tuple[float, ...]
    random_insertion: tuple[float, ...]

    @property
    def verdict(self) -> Verdict:
        """Better than random: the score falls faster, and rises faster, than in the order of every shifted map."""
        better = self.deletion < min(self.random_deletion) and self.insertion > max(self.random_insertion)
        return "better_than_random" if better else "not_better"


@dataclass(frozen=True, slots=True)
class Infidelity:
    """How badly a map foretells what hiding squares of the image does to the score.

    Attributes:
        value: expected squared error, in squared units of the score, for the best scale of the map.
        unexplained: `value` as a part of the expected squared change of the score, 0 to 1: comparable between
            networks, whose scores differ in size. NaN where hiding changes nothing.
        even: what a map that is the same everywhere leaves unexplained; a map that says where has less.
    """

    value: float
    unexplained: float
    even: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Check(Shown):
    """Whether a map can be trusted, as far as it was asked.

    Attributes:
        sensitivity: see `attribution.checks.sensitivity`.
        randomisation: the columns of `tables.RANDOMISATION`; badge: what it says.
        threshold: the similarity there that a map must not keep.
    """

    map: AttributionMap
    curves: Curves
    infidelity: Infidelity
    sensitivity: float
    randomisation: pd.DataFrame
    badge: Badge
    threshold: float
