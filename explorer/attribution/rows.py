"""What a row of the table of methods says; without PyTorch, so that menus are there at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from explorer.errors import BadSettings, quoted
from explorer.registry import nearest_hint

Value = bool | int | float | str
Parameters = Mapping[str, Value]  # by name
Need = Literal["ReLU modules", "one ReLU a use", "rules", "a layer"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A setting of a method.

    Attributes:
        low, high: the allowed range of a number, both included.
        choices: the allowed texts; none where the text is free.
        help: what it does, with its unit.
    """

    name: str
    title: str
    default: Value
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()

    def checked(self, value: Value) -> Value:
        """`value`, if the parameter may have it.

        Raises:
            BadSettings: another kind of value, out of range, or not among the choices.
        """
        if isinstance(self.default, float) and type(value) is int:
            value = float(value)
        if type(value) is not type(self.default):
            raise BadSettings(
                f"`{self.name}` (={quoted(value)}) must be {_KINDS[type(self.default)]}, such as {self.default!r}."
            )
        if self.choices and value not in self.choices:
            raise BadSettings(f"`{self.name}` (={quoted(value)}) is not known. Known: {', '.join(self.choices)}.")
        if self.low is not None and self.high is not None and not self.low <= float(value) <= self.high:
            raise BadSettings(f"`{self.name}` (={value}) must be between {self.low:g} and {self.high:g}.")
        return value


_KINDS = {bool: "True or False", int: "a whole number", float: "a number", str: "a text"}


@dataclass(frozen=True, slots=True)
class Method:
    """An attribution method; a function of the same name computes it.

    Attributes:
        title: in menus.
        scope: what gets a score: "pixels" one each value of the input, "layer" one each position of a layer, "regions"
            the same for all pixels of a region.
        passes: images that go through the network for one image, from the parameters and the image's height and width.
        means: what a map says; limits: what it does not say.
        source: where it was published.
        needs: what a network must have.
        signed: whether values below zero speak against the target, given the parameters; else there are none.
    """

    title: str
    scope: Literal["pixels", "layer", "regions"]
    passes: Callable[[Mapping[str, Any], int, int], int]
    means: str
    limits: str
    source: str
    parameters: tuple[Parameter, ...] = ()
    needs: tuple[Need, ...] = ()
    signed: Callable[[Mapping[str, Any]], bool] = lambda parameters: True

    def checked(self, given: Parameters) -> dict[str, Value]:
        """All parameters, as given or as usual.

        Raises:
            BadSettings: no such parameter, or a value that it may not have.
        """
        known = {each.name: each for each in self.parameters}
        for name in given:
            if name not in known:
                there = f"It has {', '.join(known)}." if known else "It has none."
                raise BadSettings(f"{self.title} has no parameter `{name}`.{nearest_hint(name, known)} {there}")
        return {name: each.checked(given.get(name, each.default)) for name, each in known.items()}
