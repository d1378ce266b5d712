"""Settings are frozen, checked when made, and go to JSON and back."""

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from explorer.errors import BadSettings


class Settings(BaseModel):
    """A frozen group of settings: unknown names, NaN and infinity are refused.

    Raises:
        BadSettings: in place of pydantic's report, one sentence a problem.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise BadSettings(_sentences(type(self), error)) from None


def _sentences(settings: type[Settings], error: ValidationError) -> str:
    parts = []
    for problem in error.errors():
        cause = problem.get("ctx", {}).get("error")
        field = ".".join(str(part) for part in problem["loc"])
        if isinstance(cause, Exception):  # raised by a validator of ours: already a full sentence
            parts.append(str(cause))
        elif problem["type"] == "extra_forbidden":
            known = ", ".join(settings.model_fields)
            parts.append(f"`{field}` is not a setting of {settings.__name__}. Known: {known}.")
        else:
            parts.append(f"`{field}` (={problem['input']!r}): {problem['msg']}.")
    return " ".join(parts)
