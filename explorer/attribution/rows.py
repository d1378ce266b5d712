"""Rows of the table of attribution methods; importing this does not import torch, so menus are quick."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from explorer.errors import BadSettings, quoted
from explorer.registry import nearest_hint

Value = bool | int | float | str
Parameters = Mapping[str, Value]  # by name
Need = Literal["ReLU modules", "one ReLU per use", "rules", "a layer"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a method.

    Attributes:
        low, high: range of a number, both included.
        choices: allowed texts; empty if any text is allowed.
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
        """`value`, validated.

        Raises:
            BadSettings: `value` is of another type, out of range, or not among the choices.
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
        scope: what gets a score: "pixels" each input value, "layer" each position of a layer, "regions" each region,
            the same for all its pixels.
        passes: images passed through the network for one image, from the parameters and its height and width.
        means: what a map shows; limits: what it does not show.
        source: publication.
        needs: what a network must have.
        signed: whether negative values are evidence against the target, given the parameters; else there are none.
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
        """All parameters, validated, with defaults for those not given.

        Raises:
            BadSettings: no such parameter, or an invalid value.
        """
        known = {each.name: each for each in self.parameters}
        for name in given:
            if name not in known:
                all_known = f"It has {', '.join(known)}." if known else "It has none."
                raise BadSettings(f"{self.title} has no parameter `{name}`.{nearest_hint(name, known)} {all_known}")
        return {name: each.checked(given.get(name, each.default)) for name, each in known.items()}
