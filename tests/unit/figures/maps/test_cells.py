"""Which maps share a colour scale, and where it ends."""

import numpy as np
import pytest

from explorer.errors import UnknownName
from explorer.figures.maps.cells import SCALES, colour_scales, grid_headings


@pytest.fixture
def grid(map_cell):
    """Two networks by two methods; the largest value of each map is another."""
    places = [("plain20", "a", 1), ("plain20", "b", 10), ("resnet20", "a", 100), ("resnet20", "b", 1000)]
    return [map_cell(row, column, low=high, high=high) for row, column, high in places]


@pytest.mark.parametrize(
    ("by", "members", "tops"),
    [
        ("map", [(0,), (1,), (2,), (3,)], [1, 10, 100, 1000]),
        ("row", [(0, 1), (2, 3)], [10, 1000]),
        ("column", [(0, 2), (1, 3)], [100, 1000]),
        ("all", [(0, 1, 2, 3)], [1000]),
    ],
)
def test_cells_share_a_scale_as_asked(grid, by, members, tops):
    found = colour_scales(grid, by)
    assert [scale.members for scale in found] == members
    assert [scale.top for scale in found] == pytest.approx(tops)


def test_every_way_of_sharing_is_one_that_works(grid):
    for by in SCALES:
        assert sorted(member for scale in colour_scales(grid, by) for member in scale.members) == [0, 1, 2, 3]


def test_one_position_does_not_take_the_scale(map_cell):
    values = np.full((20, 20), 2.0, np.float32)
    values[3, 3] = -500
    assert colour_scales([map_cell(map=values, signed=True)], "map")[0].top == pytest.approx(2)


def test_the_end_is_a_size_whatever_the_sign(map_cell):
    assert colour_scales([map_cell(low=-8, high=-8)], "map")[0].top == pytest.approx(8)


def test_signed_and_unsigned_maps_never_share(map_cell):
    cells = [map_cell("a", low=-5, high=-5), map_cell("b", low=3, high=3), map_cell("c", low=-7, high=-7)]
    found = colour_scales(cells, "all")
    assert [(scale.signed, scale.members) for scale in found] == [(True, (0, 2)), (False, (1,))]
    assert [scale.top for scale in found] == pytest.approx([7, 3])


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_map_without_a_size_has_a_scale_as_well(map_cell, value):
    assert colour_scales([map_cell(map=np.full((2, 2), value, np.float32))], "map")[0].top == 1


def test_a_cell_without_a_map_has_no_scale(map_cell):
    assert colour_scales([map_cell(map=None, failure="no ReLU")], "all") == []


def test_rows_and_columns_stand_in_order_of_first_appearance(map_cell):
    cells = [map_cell("z", "b"), map_cell("a", "b"), map_cell("z", "a")]
    assert grid_headings(cells) == (["z", "a"], ["b", "a"])


def test_two_cells_in_one_place_are_an_error(map_cell):
    with pytest.raises(ValueError, match="Two cells stand in row 'z', column 'b'"):
        grid_headings([map_cell("z", "b"), map_cell("z", "b")])


def test_an_unknown_way_of_sharing_names_the_known_ones(map_cell):
    with pytest.raises(UnknownName, match="Did you mean 'column'"):
        colour_scales([map_cell()], "colum")


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"map": None}, "either a `map` or a `failure`"),
        ({"failure": "no ReLU"}, "either a `map` or a `failure`"),
        ({"map": np.zeros((3, 4, 4), np.float32)}, r"`map` has shape \(3, 4, 4\)"),
        ({"pixels": np.zeros((4, 4), np.uint8)}, r"`pixels` is uint8 of shape \(4, 4\)"),
        ({"pixels": np.zeros((4, 4, 3))}, "`pixels` is float64"),
    ],
)
def test_what_is_no_cell_is_said(map_cell, facts, message):
    with pytest.raises(ValueError, match=message):
        map_cell(**facts)
