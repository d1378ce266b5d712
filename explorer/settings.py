"""Settings are frozen, checked when made, and go to JSON and back."""

from collections.abc import Callable
from math import inf, nextafter
from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema

from explorer.errors import BadSettings, quoted

_EXACT = ("int", "float", "bool")  # kinds of fields that take nothing that would have to be converted


def _exact(schema: Any) -> Any:
    """A schema of pydantic's with all its numbers and truth values strict; texts of times stay as they are."""
    if isinstance(schema, list | tuple):
        return type(schema)(_exact(each) for each in schema)
    if not isinstance(schema, dict):
        return schema
    found = {key: value if key in ("metadata", "default") else _exact(value) for key, value in schema.items()}
    return found | {"strict": True} if schema.get("type") in _EXACT else found


class Settings(BaseModel):
    """A frozen group of settings: unknown names, NaN and infinity are refused.

    So is a text or a truth value where a number belongs, and the other way round; lists become tuples, and texts times.

    Raises:
        BadSettings: in place of pydantic's report, one sentence a problem.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**{name: _plain(value) for name, value in values.items()})
        except ValidationError as error:
            raise BadSettings(_sentences(type(self), error), settings=_at_fault(error)) from None

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema: CoreSchema = _exact(handler(source))
        return schema


def limits(settings: type[Settings], field: str) -> tuple[Any, Any]:
    """The smallest and the largest number that a field takes, themselves included; None where there is no limit."""
    rules = settings.model_fields[field].metadata
    found = {name: getattr(rule, name) for rule in rules for name in ("ge", "gt", "le", "lt") if hasattr(rule, name)}
    low = nextafter(found["gt"], inf) if "gt" in found else found.get("ge")
    high = nextafter(found["lt"], -inf) if "lt" in found else found.get("le")
    return low, high


def require_between(name: str, value: float, low: float, high: float) -> None:
    """Raise BadSettings where a number that is no field of `Settings` is out of its limits."""
    if not low <= value <= high:
        raise BadSettings(f"`{name}` (={quoted(value)}) must be between {_written(low)} and {_written(high)}.")


def _written(number: float) -> str:
    return f"{int(number):,}" if number == int(number) else str(number)


def _plain(value: Any) -> Any:
    """A number of numpy's as Python's own, which alone is taken."""
    return value.item() if hasattr(value, "item") else value


# What a value must be, by pydantic's word for the problem
_RULES: dict[str, Callable[[dict[str, Any]], str]] = {
    "int_type": lambda limit: "must be a whole number",
    "float_type": lambda limit: "must be a number",
    "bool_type": lambda limit: "must be true or false",
    "string_type": lambda limit: "must be a text",
    "string_unicode": lambda limit: "holds characters that are none",
    "finite_number": lambda limit: "must be a finite number",
    "greater_than": lambda limit: f"must be more than {_written(limit['gt'])}",
    "greater_than_equal": lambda limit: f"must be {_written(limit['ge'])} or more",
    "less_than": lambda limit: f"must be less than {_written(limit['lt'])}",
    "less_than_equal": lambda limit: f"must be at most {_written(limit['le'])}",
    "string_too_long": lambda limit: f"must have at most {limit['max_length']:,} characters",
    "too_long": lambda limit: f"must have at most {limit['max_length']:,} entries",
    "too_short": lambda limit: f"must have at least {limit['min_length']:,}",
}


def _at_fault(error: ValidationError) -> tuple[str, ...]:
    found: list[str] = []
    for problem in error.errors():
        cause = problem.get("ctx", {}).get("error")
        found += cause.settings if isinstance(cause, BadSettings) else map(str, problem["loc"][:1])
    return tuple(dict.fromkeys(found))


def _sentences(settings: type[Settings], error: ValidationError) -> str:
    parts = []
    for problem in error.errors():
        cause = problem.get("ctx", {}).get("error")
        field = ".".join(str(part) for part in problem["loc"])
        if isinstance(cause, Exception):  # raised by a validator of ours: already a full sentence
            parts.append(str(cause))
        elif problem["type"] == "extra_forbidden":
            known = ", ".join(settings.model_fields)
            parts.append(f"`{quoted(field)[1:-1]}` is not a setting of {settings.__name__}. Known: {known}.")
        else:
            rule = _RULES.get(problem["type"])
            told = rule(problem.get("ctx", {})) if rule else f"is not allowed: {problem['msg']}"
            parts.append(f"`{field}` (={quoted(problem['input'])}) {told}.")
    return " ".join(parts)
