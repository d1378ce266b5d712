"""A map for every block of a network."""

import numpy as np
import pytest

from explorer.figures import layer_lens


@pytest.fixture
def lens(map_cell):
    """Cells of a network with so many blocks a stage; every map has a value of its own."""

    def made(blocks):
        places = [(stage, block) for stage in (1, 2, 3) for block in range(1, blocks + 1)]
        return [
            map_cell(f"stage {stage}", f"block {block}", low=10 * stage + block, high=10 * stage + block)
            for stage, block in places
        ]

    return made


def places(figure):
    return [trace.uid for trace in figure.data if trace.uid.startswith("cell-")]


def words(figure):
    return [text for trace in figure.data if trace.uid == "texts" for text in trace.text]


def test_stages_are_rows_and_blocks_stand_in_order(lens):
    figure = layer_lens(lens(3))
    assert places(figure) == [f"cell-{stage}-{block}" for stage in range(3) for block in range(3)]
    np.testing.assert_allclose(figure.data[4].z, 22)
    assert words(figure).count("block 2") == 3
    assert words(figure).count("<b>stage 2</b>") == 1


@pytest.mark.parametrize(("blocks", "rows", "columns"), [(9, 3, 9), (18, 6, 9), (10, 6, 5)])
def test_a_stage_of_more_than_nine_blocks_has_several_rows(lens, blocks, rows, columns):
    found = places(layer_lens(lens(blocks)))
    assert len(found) == 3 * blocks
    assert found[-1] == f"cell-{rows - 1}-{columns - 1}"


def test_each_map_has_its_own_scale_unless_stages_share_one(lens):
    cells = lens(3)
    assert [trace.zmax for trace in layer_lens(cells).data[:3]] == pytest.approx([11, 12, 13])
    shared = layer_lens(cells, scale="row").data
    assert shared[0].zmax == shared[2].zmax < shared[3].zmax


def test_the_prediction_stands_there_once(lens):
    assert "".join(words(layer_lens(lens(3)))).count("predicts cat: 97 %") == 1


def test_a_click_gives_the_position_of_the_cell(lens):
    assert layer_lens(lens(18)).data[20].customdata[0][0] == [20]


def test_no_cells_give_an_empty_figure():
    assert places(layer_lens([])) == []
