"""Base class of settings: frozen, validated on construction, convertible to JSON and back."""

from collections.abc import Callable, Iterable, Iterator
from math import inf, nextafter
from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema

from explorer.cards import card, short
from explorer.errors import BadSettings, quoted
from explorer.labels import heading, value

_STRICT = ("int", "float", "bool")  # types of fields whose values are not converted


def _strict(schema: Any) -> Any:
    """A pydantic schema with strict numbers and booleans; times are still parsed from text."""
    if isinstance(schema, list | tuple):
        return type(schema)(_strict(each) for each in schema)
    if not isinstance(schema, dict):
        return schema
    copy = {key: value if key in ("metadata", "default") else _strict(value) for key, value in schema.items()}
    return copy | {"strict": True} if schema.get("type") in _STRICT else copy


class Settings(BaseModel):
    """A frozen group of settings: unknown names, NaN and infinity are refused.

    Numbers and booleans are not converted from other types; lists become tuples, and texts times.

    Raises:
        BadSettings: in place of pydantic's report, one sentence per problem.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**{name: _plain(value) for name, value in values.items()})
        except ValidationError as error:
            raise BadSettings(_sentences(type(self), error), settings=_at_fault(error)) from None

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """The settings that are not the default, from which Python makes an equal object."""
        return [(name, value) for name, value in super().__repr_args__() if not self._is_default(name, value)]

    def __str__(self) -> str:
        return repr(self)

    def _is_default(self, name: str | None, value: Any) -> bool:
        field = type(self).model_fields.get(name or "")
        return (
            field is not None
            and not field.is_required()
            and bool(value == field.get_default(call_default_factory=True))
        )

    def _repr_html_(self) -> str:
        return card(type(self).__name__, dict(self._facts()), sentences=["• not the default"])

    def _facts(self) -> Iterator[tuple[str, str]]:
        """Labels and values, those of settings inside last; what is not the default has a mark."""
        inside: list[Settings] = []
        for name, field in type(self).model_fields.items():
            given = getattr(self, name)
            if isinstance(given, Settings):
                inside.append(given)
                continue
            yield heading(name), f"{field_in_words(field, given)}{'' if self._is_default(name, given) else ' •'}"
        for each in inside:
            yield from each._facts()  # noqa: SLF001 of the same class

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema: CoreSchema = _strict(handler(source))
        return schema


def field_in_words(field: FieldInfo | None, given: Any) -> str:
    """The value of a field as pages show it; of one that was left open, what that means."""
    extra = field.json_schema_extra if field else None
    if given is None and isinstance(extra, dict) and "empty" in extra:
        return str(extra["empty"])
    if given in ("", ()):
        return "–"
    return (
        value(given) if isinstance(given, bool | int | float | str | None) else short(given, quote=False).strip("()[]")
    )


def limits(settings: type[Settings], field: str) -> tuple[Any, Any]:
    """The inclusive lower and upper bound of a field; None if there is none."""
    rules = settings.model_fields[field].metadata
    bounds = {name: getattr(rule, name) for rule in rules for name in ("ge", "gt", "le", "lt") if hasattr(rule, name)}
    low = nextafter(bounds["gt"], inf) if "gt" in bounds else bounds.get("ge")
    high = nextafter(bounds["lt"], -inf) if "lt" in bounds else bounds.get("le")
    return low, high


def require_between(name: str, value: float, low: float, high: float) -> None:
    """Raise BadSettings if a number that is not a field of `Settings` is out of bounds."""
    if not low <= value <= high:
        raise BadSettings(f"`{name}` (={quoted(value)}) must be between {_written(low)} and {_written(high)}.")


def _written(number: float) -> str:
    return f"{int(number):,}" if number == int(number) else str(number)


def _plain(value: Any) -> Any:
    """A numpy scalar as a Python number, since fields are strict."""
    return value.item() if hasattr(value, "item") else value


# The rule that a value breaks, by pydantic's type of error
_RULES: dict[str, Callable[[dict[str, Any]], str]] = {
    "int_type": lambda limit: "must be a whole number",
    "float_type": lambda limit: "must be a number",
    "bool_type": lambda limit: "must be true or false",
    "string_type": lambda limit: "must be a text",
    "string_unicode": lambda limit: "has characters that cannot be encoded",
    "finite_number": lambda limit: "must be a finite number",
    "greater_than": lambda limit: f"must be greater than {_written(limit['gt'])}",
    "greater_than_equal": lambda limit: f"must be {_written(limit['ge'])} or more",
    "less_than": lambda limit: f"must be less than {_written(limit['lt'])}",
    "less_than_equal": lambda limit: f"must be at most {_written(limit['le'])}",
    "string_too_long": lambda limit: f"must have at most {limit['max_length']:,} characters",
    "too_long": lambda limit: f"must have at most {limit['max_length']:,} entries",
    "too_short": lambda limit: f"must have at least {limit['min_length']:,}",
}


def _at_fault(error: ValidationError) -> tuple[str, ...]:
    names: list[str] = []
    for problem in error.errors():
        cause = problem.get("ctx", {}).get("error")
        names += cause.settings if isinstance(cause, BadSettings) else map(str, problem["loc"][:1])
    return tuple(dict.fromkeys(names))


def _sentences(settings: type[Settings], error: ValidationError) -> str:
    parts = []
    for problem in error.errors():
        cause = problem.get("ctx", {}).get("error")
        field = ".".join(str(part) for part in problem["loc"])
        if isinstance(cause, Exception):  # from a validator of this program: a full sentence
            parts.append(str(cause))
        elif problem["type"] == "extra_forbidden":
            known = ", ".join(settings.model_fields)
            parts.append(f"`{quoted(field)[1:-1]}` is not a setting of {settings.__name__}. Known: {known}.")
        else:
            rule = _RULES.get(problem["type"])
            text = rule(problem.get("ctx", {})) if rule else f"is not allowed: {problem['msg']}"
            parts.append(f"`{field}` (={quoted(problem['input'])}) {text}.")
    return " ".join(parts)
