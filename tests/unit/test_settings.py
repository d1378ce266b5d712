import math

import pytest
from pydantic import Field, field_validator

from explorer.errors import BadSettings
from explorer.settings import Settings


class Oven(Settings):
    heat: float = Field(default=180.0, gt=0)
    name: str = "oven"

    @field_validator("name")
    @classmethod
    def _is_lower_case(cls, name: str) -> str:
        if name != name.lower():
            raise ValueError(f"`name` (={name!r}) has capitals. Write it small.")
        return name


def refusal(**values: object) -> str:
    with pytest.raises(BadSettings) as caught:
        Oven(**values)
    return str(caught.value)


def test_settings_go_to_json_and_back():
    oven = Oven(heat=200, name="kiln")
    assert Oven(**oven.model_dump(mode="json")) == oven


def test_settings_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Oven().heat = 3.0


def test_an_unknown_setting_names_the_known_ones():
    assert refusal(heet=1) == "`heet` is not a setting of Oven. Known: heat, name."


def test_a_bad_value_tells_value_and_rule():
    assert refusal(heat=-1) == "`heat` (=-1) must be greater than 0."


def test_a_sentence_of_a_validator_is_told_as_it_is():
    assert refusal(name="Kiln") == "`name` (='Kiln') has capitals. Write it small."


def test_every_problem_is_told_at_once():
    assert refusal(heat="hot", colour="red") == (
        "`heat` (='hot') must be a number. `colour` is not a setting of Oven. Known: heat, name."
    )


def test_an_error_names_the_settings_at_fault():
    for values, names in (({"heat": -1, "name": "Kiln"}, ("heat", "name")), ({"heet": 1}, ("heet",))):
        with pytest.raises(BadSettings) as caught:
            Oven(**values)
        assert caught.value.settings == names


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_nan_and_infinity_are_refused(value):
    assert "`heat`" in refusal(heat=value)
