import pytest

from explorer.errors import UnknownName
from explorer.registry import lookup, nearest_hint

FRUITS = {"apple": 1, "pear": 2}


def test_a_known_name_gives_its_row():
    assert lookup(FRUITS, "pear", "fruit") == 2


def test_an_unknown_name_lists_the_known_ones_and_the_nearest():
    with pytest.raises(UnknownName) as caught:
        lookup(FRUITS, "aple", "fruit")
    assert str(caught.value) == "No fruit is called 'aple'. Did you mean 'apple'? Known: apple, pear."


def test_nothing_is_suggested_where_nothing_is_near():
    assert nearest_hint("xylophone", FRUITS) == ""
    with pytest.raises(UnknownName, match=r"^No fruit is called 'xylophone'\. Known: apple, pear\.$"):
        lookup(FRUITS, "xylophone", "fruit")


def test_the_error_is_also_a_value_error():
    with pytest.raises(ValueError, match="No fruit"):
        lookup(FRUITS, "", "fruit")
