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
def _whole(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    return _read_by(whole, int) if info.type is int else None


@NUMBERS.primitive_rule
def _real(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    return _read_by(real, float) if info.type is float else None


def _read_by(read: Callable[[str], float], kind: type[float]) -> PrimitiveConstructorSpec[Any]:
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
