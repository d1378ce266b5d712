"""Numbers in command-line arguments, parsed by `explorer.numerals`."""

from collections.abc import Callable
from typing import Any

from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from explorer.errors import BadSettings, ExplorerError
from explorer.numerals import real, whole

WRONG_USAGE = 2  # the exit code
NUMBERS = ConstructorRegistry()


class WrongNumber(ExplorerError):
    """An argument that is not a number; not a ValueError, which tyro would print in several lines."""


@NUMBERS.primitive_rule
def _number(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    kind = info.type
    if kind is not int and kind is not float:
        return None
    read: Callable[[str], float] = whole if kind is int else real

    def instance(texts: list[str]) -> float:
        try:
            return read(texts[0])
        except BadSettings as error:
            raise WrongNumber(str(error)) from None

    return PrimitiveConstructorSpec(
        nargs=1,
        metavar=kind.__name__.upper(),
        instance_from_str=instance,
        is_instance=lambda value: type(value) is kind or (kind is float and type(value) is int),
        str_from_instance=lambda value: [str(value)],
    )
