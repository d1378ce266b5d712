"""The map of one network minus that of another."""

from dataclasses import replace
from functools import partial

import numpy as np
import streamlit as st

from explorer.escaping import in_markdown
from explorer.figures import attribution_grid
from explorer.figures.maps.cells import MapCell, MapValues
from explorer.figures.maps.pages import grid_pages
from explorer.figures.network_lines import moment
from explorer.map_results import AttributionMap, MissingMap
from explorer.studies import map_files as map_export
from explorer.ui.attributions.maps import choose_show
from explorer.ui.attributions.method_choice import choose_method, show_meaning
from explorer.ui.attributions.scene import MapRequest, Scene, maps, methods_of, view
from explorer.ui.attributions.stage import show_page
from explorer.ui.errors import show_error
from explorer.ui.widgets.live_chart import live_chart
from explorer.ui.widgets.moment import at_moment
from explorer.ui.widgets.network_choice import choose_network
from explorer.ui.widgets.presenting import is_presenting
from explorer.ui.widgets.take_along import take_along

SIGNS = "A, B: orange for the explained class, blue against it; A minus B: orange where A is higher, blue where B is"


def show_difference(scene: Scene) -> None:
    """Two maps and their difference, at the moment of the slider."""
    if len(scene.chosen) < 2:
        st.info("Choose two networks or more.")
        return
    with scene.fields, st.container(horizontal=True, vertical_alignment="bottom"):
        first = choose_network(scene.chosen, "Map of", key="difference-a")
        second = choose_network(scene.chosen, "minus map of", key="difference-b", index=1)
        method = choose_method(key="difference-method")
    with scene.fields, st.container(horizontal=True, vertical_alignment="bottom"):
        show = choose_show()
        scaled = st.toggle(
            "Scale each map to its largest value",
            True,
            key="difference-scaled",
            bind="query-params",
            help="Networks differ in the size of their scores, and so of their maps: unscaled, the difference is "
            "mostly the larger map.",
        )

    def at(step: int | None) -> None:
        found = maps(scene, [MapRequest(each, step, method, scene.target) for each in (first, second)])
        failures = [each.failure for each in found if isinstance(each, MissingMap)]
        if failures:
            show_error(failures[0])
            return
        pair = [each for each in found if isinstance(each, AttributionMap)]
        if pair[0].map.shape != pair[1].map.shape:
            st.info("These networks take images of different sizes: their maps cannot be subtracted.")
            return
        cells = _cells(pair, scaled=scaled)
        scale = "all" if scaled else "map"
        if is_presenting():
            ending = f", {moment(step)}"  # in the sentence, not in each heading
            cells = [replace(cell, column=cell.column.removesuffix(ending)) for cell in cells]
            after = "" if step is None else f" after {step:,} steps"
            pages = grid_pages(cells, show=show, scale=scale, signs=SIGNS)
            show_page(pages, lambda _: f"What does {pair[0].network} see that {pair[1].network} does not{after}?")
            return
        draw = partial(attribution_grid, cells, show=show, scale=scale, signs=SIGNS)
        live_chart(
            draw(),
            key="difference",
            alt=f"{method.row.title} of {pair[0].network} minus that of {pair[1].network}.",
            filename="difference",
        )
        explained = [in_markdown(each.classes[each.target]) for each in pair]
        if explained[0] != explained[1]:
            st.caption(
                f"A explains {explained[0]}, B explains {explained[1]}: their predictions. To compare one class, "
                "choose it in *Class explained*."
            )
        references = [each.reference for each in pair]
        shown = view("maps", references, scene, images=[scene.picture.reference], methods=methods_of([method]))
        take_along(shown, map_export.scores(pair), draw, name="difference", chart="difference")
        show_meaning([method])

    at_moment([first, second], at, scene.fields)


def _cells(found: list[AttributionMap], *, scaled: bool) -> list[MapCell]:
    """Both maps and the difference, side by side."""
    alone = [map_export.map_cells([each])[0] for each in found]  # one by one: both may be of one network
    both = [replace(cell, row="", column=f"{letter}: {cell.row}") for letter, cell in zip("AB", alone, strict=True)]
    if scaled:
        both = [replace(cell, map=_scaled(cell)) for cell in both]
    first, second = (cell.map for cell in both)
    assert first is not None
    assert second is not None
    between = replace(
        both[0],
        column="A minus B",
        map=first - second,
        signed=True,
        prediction="",
        probability=0.0,
        target="",
        right=None,
        note="",
    )
    return [*both, between]


def _scaled(cell: MapCell) -> MapValues:
    assert cell.map is not None
    largest = np.abs(cell.map).max()
    return cell.map / largest if largest else cell.map
