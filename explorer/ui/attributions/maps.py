"""The grid of maps: rows and columns are two of network, method, class and moment."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import count

import pandas as pd
import streamlit as st

from explorer.escaping import in_markdown
from explorer.figures import attribution_grid
from explorer.figures.maps.cells import SCALES, MapCell
from explorer.figures.maps.colours import SHOWN
from explorer.figures.maps.pages import grid_pages, page_count
from explorer.figures.network_lines import moment
from explorer.map_results import AttributionMap, MissingMap
from explorer.studies import map_files as map_export
from explorer.ui import wording
from explorer.ui.attributions.method_choice import Chosen, choose_method, choose_methods, show_meaning
from explorer.ui.attributions.scene import MapRequest, Scene, maps, methods_of, view
from explorer.ui.attributions.stage import page_numbers, show_page
from explorer.ui.widgets.live_chart import cached_drawing, live_chart
from explorer.ui.widgets.moment import at_moment
from explorer.ui.widgets.network_choice import Candidate, choose_network
from explorer.ui.widgets.presenting import is_presenting, present
from explorer.ui.widgets.take_along import download, take_along

AXES = {"method": "method", "network": "network", "target": "class explained", "step": "moment of training"}
SENTENCES = {  # of a presentation, by what is in the rows
    "method": "{}: where do the networks look{after}?",
    "network": "Where does {} look{after}?",
    "target": "What speaks for {}{after}?",
    "step": "Where do the networks look at {}?",
}
MOST_MAPS = 64
FIRST_STEPS, FIRST_TARGETS = 5, 3
SHOW_TITLES = {"overlay": "Overlay", "map": "Map", "contour": "Contour"}
SCALE_TITLES = {"map": "each map", "row": "a row", "column": "a column", "all": "all maps"}


def show_maps(scene: Scene) -> None:
    """A grid of maps at the moment of the slider, or at several."""
    first, then, further = (scene.fields.container(horizontal=True, vertical_alignment="bottom") for _ in range(3))
    with then:
        show = choose_show()
        with st.popover("Grid", icon=":material/grid_on:"):
            rows, columns = _axes()
            scale = choose_scale("row")
    if rows == columns:
        st.info("Rows and columns are the same. Choose two different ones.")
        return
    with first:
        chosen = choose_methods() if "method" in (rows, columns) else [choose_method()]
    with further:
        networks = _networks(scene, several="network" in (rows, columns))
        targets = _targets(scene, networks) if "target" in (rows, columns) else [scene.target]
        steps = _steps(networks) if "step" in (rows, columns) else []
    if not chosen or not targets or ("step" in (rows, columns) and not steps):
        st.info("Choose at least one method, class and moment.")
        return

    counts = {"method": len(chosen), "network": len(networks), "target": len(targets), "step": len(steps)}
    if is_presenting() and counts[columns] < counts[rows]:  # a stage is wide
        rows, columns, scale = columns, rows, {"row": "column", "column": "row"}.get(scale, scale)
    pages = page_numbers(page_count(counts[rows], counts[columns]))

    def at(moments: Sequence[int | None]) -> None:
        wanted = [
            MapRequest(candidate, step, method, target)
            for method in chosen
            for candidate in networks
            for step in _own(candidate, moments)
            for target in targets
        ]
        if len(wanted) > MOST_MAPS:
            st.info(f"These are {len(wanted)} maps; more than {MOST_MAPS} cannot be told apart. Choose fewer.")
            return
        _grid(scene, wanted, chosen, rows=rows, columns=columns, show=show, scale=scale)

    if steps:
        present(pages)
        at(steps)
    else:
        at_moment(networks, lambda step: at([step]), scene.fields, pages)


def _axes() -> tuple[str, str]:
    names = list(AXES)
    rows = st.selectbox("Rows", names, format_func=AXES.__getitem__, key="rows", bind="query-params")
    columns = st.selectbox("Columns", names, index=1, format_func=AXES.__getitem__, key="columns", bind="query-params")
    return str(rows), str(columns)


def choose_show() -> str:
    """How maps are drawn."""
    return str(
        st.segmented_control(
            "Show as", list(SHOWN), format_func=SHOW_TITLES.__getitem__, default="overlay", required=True, key="show",
            bind="query-params",
        )
    )  # fmt: skip


def choose_scale(usual: str) -> str:
    """A field for which maps share a colour scale; each view has its own default."""
    names = list(SCALES)
    return str(
        st.selectbox(
            "One colour scale for", names, index=names.index(usual), format_func=SCALE_TITLES.__getitem__,
            key=f"scale-{usual}", bind="query-params", width=170,
        )
    )  # fmt: skip


def _own(candidate: Candidate, moments: Sequence[int | None]) -> Sequence[int | None]:
    """Of several moments those of the network; a network without any is shown at the last one."""
    if len(moments) == 1:
        return moments
    return [step for step in moments if step in candidate.moments] if candidate.moments else moments[-1:]


def _networks(scene: Scene, *, several: bool) -> list[Candidate]:
    return list(scene.chosen) if several else [choose_network(scene.chosen)]


def _targets(scene: Scene, networks: Sequence[Candidate]) -> list[int]:
    """Classes; by default the most probable ones of the first network."""
    first = maps(scene, [MapRequest(networks[0], None, Chosen("saliency"), None)], "Finding the most probable classes")[
        0
    ]
    likely = [] if isinstance(first, MissingMap) else first.probabilities.argsort()[::-1][:FIRST_TARGETS].tolist()
    names = st.multiselect(
        "Classes explained",
        scene.classes,
        default=[scene.classes[each] for each in likely],
        key=f"targets-{scene.picture.reference}",
        bind="query-params",
        wrap=True,
    )
    return [scene.classes.index(name) for name in names]


def _steps(networks: Sequence[Candidate]) -> list[int]:
    """Moments; by default some spread over all."""
    kept = sorted({step for each in networks for step in each.moments})
    spread = {kept[round(place * (len(kept) - 1) / (FIRST_STEPS - 1))] for place in range(FIRST_STEPS)} if kept else ()
    return sorted(st.multiselect("Moments, in steps", kept, default=sorted(spread), key="steps", bind="query-params"))


def _grid(
    scene: Scene,
    wanted: Sequence[MapRequest],
    chosen: Sequence[Chosen],
    *,
    rows: str,
    columns: str,
    show: str,
    scale: str,
) -> None:
    alt = f"Attribution maps of {scene.picture.title}, in rows by {AXES[rows]}, in columns by {AXES[columns]}."
    number = count()

    def show_some(first: Sequence[map_export.Map]) -> None:
        figure = attribution_grid(map_export.map_cells(first, rows, columns), show=show, scale=scale)
        live_chart(figure, key=f"first-maps-{next(number)}", alt=alt, filename="attributions")

    at_once = is_presenting() or "maps" in st.session_state  # those of the run before stay until all are there
    found = maps(scene, wanted, show_some=None if at_once else show_some, every=len(wanted) // len(chosen))
    cells = map_export.map_cells(found, rows, columns)
    if is_presenting():
        _on_stage(cells, None if "step" in (rows, columns) else wanted[0].step, by=rows, show=show, scale=scale)
        return
    place = _selected(found)
    selected = None if place is None else found[place]
    asked = [(each.candidate.reference(each.step), each.method, each.target) for each in wanted]
    failures = [each.failure if isinstance(each, MissingMap) else "" for each in found]
    drawing = cached_drawing(
        repr((scene.data, scene.picture.reference, asked, failures, rows, columns, show, scale, place)),
        lambda: attribution_grid(cells, show=show, scale=scale, selected=place),
    )
    live_chart(
        drawing,
        key="maps",
        alt=alt,
        filename="attributions",
        on_click=lambda point: _select(found[int(point[0])]),
    )
    if isinstance(selected, AttributionMap):
        _numbers(selected)
    else:
        st.caption("Click a map for its numbers, and to check whether it can be trusted.")
    references = list(dict.fromkeys(each.reference for each in found))
    targets = list(dict.fromkeys(each.target for each in wanted))
    shown = view(
        "maps", references, scene, targets, images=[scene.picture.reference], methods=methods_of(chosen)
    )  # fmt: skip
    look = {"rows": rows, "columns": columns, "show": show, "scale": scale}
    by_network = sorted(found, key=lambda each: references.index(each.reference))
    downloads = partial(_downloads, found, rows=rows, columns=columns, show=show, scale=scale)
    take_along(
        replace(shown, look=look), map_export.scores(by_network), name="attributions", chart="maps", more=downloads
    )
    with st.expander("What these maps mean, and what they do not", icon=":material/help:", expanded=True):
        show_meaning(chosen)


def _on_stage(cells: Sequence[MapCell], step: int | None, *, by: str, show: str, scale: str) -> None:
    """A row of the grid; the moment of training stands in the sentence, not in each heading."""
    ending = f", {moment(step)}"
    plain = [
        replace(cell, row=cell.row.removesuffix(ending), column=cell.column.removesuffix(ending)) for cell in cells
    ]
    pages = grid_pages(plain, show=show, scale=scale)
    after = "" if step is None else f" after {step:,} steps"
    show_page(pages, lambda page: SENTENCES[by].format(page.heading, after=after))


def _select(found: map_export.Map) -> None:
    st.session_state.map_selected = _identity(found), _place(found)


def _selected(found: Sequence[map_export.Map]) -> int | None:
    """Position of the clicked map, or of the same map at another moment or for another class."""
    identity, last = st.session_state.get("map_selected", (None, ()))
    places = [place for place, each in enumerate(found) if _identity(each) == identity]
    return max(
        places, key=lambda place: sum(a == b for a, b in zip(_place(found[place]), last, strict=True)), default=None
    )


def _identity(found: map_export.Map) -> tuple[str, str, str]:
    return found.reference.partition("@")[0], found.method, found.layer


def _place(found: map_export.Map) -> tuple[int | None, int | None]:
    return found.step, found.target


def _numbers(found: AttributionMap) -> None:
    """Score, sum and predictions of the clicked map."""
    classes, probabilities = found.classes, found.probabilities
    with st.container(border=True), st.container(horizontal=True):
        with st.container(width=430):
            st.markdown(f"**{found.network}**, {Chosen(found.method).row.title}")
            delta = "" if found.delta is None else f", delta {found.delta:.3g}"
            total = found.values.sum()  # noqa: PD011 an array
            sentence = f"{found.score:.3g}; the values add up to {total:.3g}{delta}. Computed in {found.seconds:.2f} s."
            st.markdown(f"Score of **{in_markdown(classes[found.target])}** {wording.minus(sentence)}")
            if st.button(
                "Can it be trusted?", icon=":material/verified:", type="primary", on_click=_check, args=(found,)
            ):
                st.rerun()  # the whole page, of which this is a part
        best = probabilities.argsort()[::-1][:5]
        st.dataframe(
            pd.DataFrame({"class": [classes[each] for each in best], "probability": probabilities[best]}),
            hide_index=True,
            width=420,
            column_config={"probability": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1)},
        )


def _check(found: AttributionMap) -> None:
    """Open the checks of this map; its parameters have the same fields there."""
    target = found.classes[found.target]
    st.session_state.update({"view": "trust", "network": _identity(found)[0], "method": found.method, "target": target})
    if "@" in found.reference:
        st.session_state.step = found.step


def _downloads(found: Sequence[map_export.Map], *, rows: str, columns: str, show: str, scale: str) -> None:
    png = partial(map_export.png, found, rows, columns, show=show, scale=scale)
    html = partial(map_export.html, found, rows, columns, show=show, scale=scale)
    download("Grid (PNG)", png, "attributions.png", "image")
    download("Grid (HTML)", html, "attributions.html", "grid_on")
    download("Maps (NPZ)", lambda: map_export.npz(found), "attributions.npz", "data_array")
