"""The layer lens: every block of one network."""

from dataclasses import replace
from functools import partial

import streamlit as st

from explorer.attribution.methods import METHODS
from explorer.compute.client import compute
from explorer.compute.functions import attributions
from explorer.figures import layer_lens
from explorer.figures.maps.pages import lens_page_count, lens_pages
from explorer.labels import capital
from explorer.studies import map_files as map_export
from explorer.studies.commands import ALL_BLOCKS
from explorer.ui.attributions.maps import choose_scale, choose_show
from explorer.ui.attributions.method_choice import choose_method, show_meaning
from explorer.ui.attributions.scene import Scene, methods_of, view
from explorer.ui.attributions.stage import page_numbers, show_page
from explorer.ui.widgets.live_chart import live_chart
from explorer.ui.widgets.moment import at_moment
from explorer.ui.widgets.network_choice import choose_network
from explorer.ui.widgets.presenting import is_presenting
from explorer.ui.widgets.take_along import take_along
from explorer.ui.widgets.waiting import awaited, show_failure

LAYERED = [name for name, row in METHODS.items() if row.scope == "layer"]


def show_lens(scene: Scene) -> None:
    """A map for each block, from the first to the last, at the moment of the slider."""
    with scene.fields, st.container(horizontal=True, vertical_alignment="bottom"):
        candidate = choose_network(scene.chosen, index=len(scene.chosen) - 1)
        method = choose_method(LAYERED, key="lens", layered=False)
        show, scale = choose_show(), choose_scale("map")

    def at(step: int | None) -> None:
        (answer,) = awaited(
            [
                compute.ask(
                    attributions.layer_maps,
                    candidate.reference(step),
                    scene.picture.reference,
                    scene.question(candidate, method, scene.target),
                )
            ],
            "Computing a map for every block",
        )
        if show_failure(answer):
            return
        cells = map_export.map_cells(answer.value, "stage", "block")
        if is_presenting():
            pages = lens_pages(cells, show=show, scale=scale)
            question = f"Where in {candidate.config.name} does the evidence form?"
            show_page(pages, lambda page: f"{question} {capital(page.heading)}.")
            return
        draw = partial(layer_lens, cells, show=show, scale=scale)
        live_chart(
            draw(),
            key="lens_maps",
            alt=f"{method.row.title} of every block of {candidate.config.name}.",
            filename="layer-lens",
        )
        st.caption(
            "Every map explains the same score. Early blocks have fine maps of simple features, late ones coarse "
            "maps of what decides: where does the evidence for this class form?"
        )
        shown = view(
            "maps", [candidate.reference(step)], scene, images=[scene.picture.reference], methods=methods_of([method]),
            layer=ALL_BLOCKS,
        )  # fmt: skip
        shown = replace(shown, figure="attributions.lens", look={"show": show, "scale": scale})
        take_along(shown, map_export.scores(answer.value), draw, name="layer-lens", chart="lens_maps")
        show_meaning([method])

    at_moment([candidate], at, scene.fields, page_numbers(lens_page_count(candidate.config.stage_blocks)))
