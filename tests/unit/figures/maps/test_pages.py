"""Pages of maps for a room."""

import pytest

from explorer.figures import theme
from explorer.figures.maps.pages import (
    HEIGHT,
    WIDTH,
    grid_pages,
    lens_page_count,
    lens_pages,
    map_page,
    overview_page,
    page_count,
)


def texts(figure):
    return next(trace for trace in figure.data if trace.uid == "texts")


@pytest.mark.parametrize(("columns", "widths"), [(4, [4]), (5, [5]), (7, [4, 3])])
def test_a_row_of_a_grid_is_a_page_of_at_most_five_maps(map_cell, columns, widths):
    cells = [map_cell(row, f"c{column}") for row in "ab" for column in range(columns)]
    pages = grid_pages(cells, show="overlay", scale="row")
    assert [(page.heading, len(page.cells)) for page in pages] == [(row, width) for row in "ab" for width in widths]
    assert len(pages) == page_count(2, columns)


@pytest.mark.parametrize(("blocks", "sizes"), [(9, [9]), (18, [9, 9])])
def test_a_stage_of_a_lens_is_a_page_of_at_most_ten_maps(map_cell, blocks, sizes):
    cells = [map_cell(f"stage {stage}", f"block {block}") for stage in (1, 2) for block in range(blocks)]
    pages = lens_pages(cells, show="overlay", scale="map")
    assert [len(page.cells) for page in pages] == sizes * 2
    assert len(pages) == lens_page_count((blocks, blocks))


def test_pages_keep_the_scale_of_the_whole_grid(map_cell):
    cells = [map_cell("a", "c", high=1), map_cell("b", "c", high=4)]
    first, second = (map_page(page) for page in grid_pages(cells, show="overlay", scale="all"))
    assert first.data[0].zmax == second.data[0].zmax > 1


@pytest.mark.parametrize("rows", [1, 3])
def test_a_page_fits_a_stage_with_whole_words_in_usual_letters(map_cell, rows):
    names = ["Integrated gradients", "Grad-CAM", "automobile", "resnet56, untrained", "Saliency"]
    cells = [map_cell(f"network {row}", name) for row in range(rows) for name in names]
    page = overview_page(cells) if rows > 1 else grid_pages(cells, show="overlay", scale="row")[0]
    figure = map_page(page)
    assert figure.layout.height <= HEIGHT + 1
    assert figure.layout.meta["width"] <= WIDTH + 1
    assert min(texts(figure).textfont.size) >= theme.TEXT_SIZE - 2
    assert not [text for text in texts(figure).text if "…" in text]
