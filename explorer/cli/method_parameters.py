"""Parsing of parameters of attribution methods: steps=32, or for one of several methods lrp.epsilon=0.1."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from explorer.attribution.methods import METHODS
from explorer.attribution.rows import Parameter, Value
from explorer.errors import BadSettings, quoted
from explorer.numerals import real, whole
from explorer.registry import lookup, nearest_hint

_READ: Mapping[type, Callable[[str], Value]] = {
    bool: lambda text: {"true": True, "false": False}[text.lower()],
    int: whole,
    float: real,
    str: str,
}


def parameters_of(methods: Sequence[str], settings: Iterable[str]) -> dict[str, dict[str, Value]]:
    """The parameters of each method; a setting applies to all methods with a parameter of that name.

    Args:
        methods: names in `attribution.methods.METHODS`.
        settings: NAME=VALUE or METHOD.NAME=VALUE.

    Raises:
        UnknownName: no such method.
        BadSettings: none of them has that parameter, or the value is not allowed.
    """
    rows = {name: lookup(METHODS, name, "attribution method") for name in methods}
    given: dict[str, dict[str, Value]] = {name: {} for name in rows}
    for setting in settings:
        key, equals, text = setting.partition("=")
        method, _, name = key.rpartition(".")
        if not equals:
            raise BadSettings(f"{quoted(setting)} is not a setting. Give NAME=VALUE, such as steps=32.")
        matching = {
            each: parameter
            for each, row in rows.items()
            for parameter in row.parameters
            if parameter.name == name and method in ("", each)
        }
        if not matching:
            known = dict.fromkeys(parameter.name for row in rows.values() for parameter in row.parameters)
            raise BadSettings(
                f"{', '.join(rows)}: no parameter {quoted(key)} there.{nearest_hint(name, known)} "
                f"Known: {', '.join(known) or 'none'}."
            )
        for each, parameter in matching.items():
            given[each][name] = _read(parameter, text)
    return given


def _read(parameter: Parameter, text: str) -> Value:
    value: Value = text
    with suppress(ValueError, KeyError):  # then the parameter refuses the text
        value = _READ[type(parameter.default)](text)
    return parameter.checked(value)
