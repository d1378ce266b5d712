"""Checks of one map: does it depend on the weights, does it find the decisive positions?"""

from dataclasses import replace

import streamlit as st

from explorer.attribution.question import Question
from explorer.compute.client import compute
from explorer.compute.functions import attributions
from explorer.escaping import in_markdown
from explorer.export.views import View
from explorer.figures import attribution_grid, deletion_insertion, randomisation
from explorer.map_results import Check
from explorer.studies import map_files as map_export
from explorer.ui import wording
from explorer.ui.address import write_address
from explorer.ui.attributions.method_choice import Chosen, choose_method, show_meaning
from explorer.ui.attributions.scene import Scene, view
from explorer.ui.widgets.live_chart import live_chart
from explorer.ui.widgets.moment import at_moment
from explorer.ui.widgets.network_choice import choose_network
from explorer.ui.widgets.presenting import stage
from explorer.ui.widgets.take_along import take_along
from explorer.ui.widgets.waiting import awaited, show_failure

BADGES = {
    "follows_weights": ":green-badge[:material/check: follows the weights]",
    "ignores_weights": ":red-badge[:material/close: ignores the weights]",
    "cannot_tell": ":gray-badge[:material/question_mark: cannot tell]",
}
MEANINGS = {
    "follows_weights": "As layers are randomised, little of this map is left: it shows what the network has learned, "
    "not only the picture.",
    "ignores_weights": "As layers are randomised, the map hardly changes: it shows the picture, whatever the network "
    "has learned. Do not read it as what this network looks at.",
    "cannot_tell": "As layers are randomised, a part of the map is left, but not most of it; or the map is constant.",
}
UNEXPLAINED = (
    "Infidelity: the part of the score's changes that the map does not predict when squares are hidden; 0 % is best "
    "(Yeh et al. 2019, arXiv 1901.09392)."
)
EVEN = "The same for a constant map: a useful map has a lower value."
SENSITIVITY = (
    "The largest relative change of the attribution when every value of the image changes by at most 0.02; smaller is "
    "more stable (Yeh et al. 2019)."
)
DELTA = "Sum of the values minus what it should be; only for methods that define a sum."
CHECKED = "checked"  # in the address: the map's checks are shown
MAP_WIDTH = 640  # pixels
VERDICTS = {
    "better_than_random": ":green-badge[:material/check: better than chance]",
    "not_better": ":orange-badge[:material/close: not better than chance]",
}
SHIFTED = {
    "better_than_random": "Deleting positions in the order of this map lowers the probability faster than in the order "
    "of each of {count} copies of it that are shifted at random, and inserting them raises it faster.",
    "not_better": "Of {count} copies of this map that are shifted at random, at least one lowers the probability as "
    "fast when positions are deleted in its order, or raises it as fast when they are inserted.",
}


def show_checks(scene: Scene) -> None:
    """The checks of one map at the moment of the slider, computed on request."""
    with scene.fields, st.container(horizontal=True, vertical_alignment="bottom"):
        candidate = choose_network(scene.chosen)
        method = choose_method()

    def at(step: int | None) -> None:
        _check(scene, candidate.reference(step), method, scene.question(candidate, method, scene.target))
        show_meaning([method])

    at_moment([candidate], at, scene.fields)


def _check(scene: Scene, reference: str, method: Chosen, question: Question) -> None:
    key = f"{reference} {scene.picture.reference} {question}"
    linked = st.query_params.get(CHECKED) == "1"  # somebody has checked it, and the link opens what they saw
    checked = st.session_state.setdefault("checked_maps", [key] if linked else [])
    if st.button("Check this map", icon=":material/verified:", type="primary"):
        checked.append(key)
    if key not in checked:
        write_address(CHECKED, None)
        st.info(
            "The checks hide and show parts of the picture, perturb it slightly, and randomise the network's layers "
            "one after the other, computing the map each time: seconds for one-pass methods, minutes for slow ones."
        )
        return
    write_address(CHECKED, "1")
    (answer,) = awaited(
        [compute.ask(attributions.check, reference, scene.picture.reference, question)], "Checking the map"
    )
    if not show_failure(answer):
        shown = view(
            "check", [reference], scene, image=scene.picture.reference, method=method.name,
            parameters=dict(method.parameters) or None,
        )  # fmt: skip
        _show(answer.value, replace(shown, look={"threshold": answer.value.threshold}))


def _show(check: Check, shown: View) -> None:
    found = check.map
    target = found.classes[found.target]
    with st.container(horizontal=True, gap="large"):
        with st.container(width=MAP_WIDTH):
            live_chart(
                attribution_grid(map_export.map_cells([found], "method", "network"), scale="map", width=MAP_WIDTH),
                key="checked_map",
                alt=f"The map of {found.network} that is checked.",
                filename="map",
            )
        with st.container():
            st.markdown(f"#### Does it depend on what was learned?\n\n{BADGES[check.badge]}")
            st.markdown(MEANINGS[check.badge])
            st.markdown(f"#### Does it find the decisive positions?\n\n{VERDICTS[check.curves.verdict]}")
            st.markdown(SHIFTED[check.curves.verdict].format(count=len(check.curves.random_deletion)))
    st.markdown("#### As layers are randomised")
    with stage(MEANINGS[check.badge]):
        live_chart(
            randomisation(check.randomisation, threshold=check.threshold),
            key="check_randomisation",
            alt="Similarity of the map to the original one as layers are randomised.",
            filename="randomisation",
        )
    st.caption(
        "Layers are randomised from the classifier down to the stem, with batch norms recalibrated; the similarity "
        "should fall below the dotted line (check: Adebayo et al. 2018, arXiv 1810.03292; threshold: ours)."
    )
    curves = check.curves
    st.markdown("#### As positions are deleted and inserted")
    live_chart(
        deletion_insertion(curves.table),
        key="check_curves",
        alt=f"Probability of {target} as the highest positions of the map are deleted, and inserted.",
        filename="deletion-insertion",
    )
    st.caption(
        f"Deleting the highest positions of the map should make the probability of {in_markdown(target)} fall fast "
        "(small area), inserting them should make it rise fast (large area), faster than for the same map shifted at "
        "random, ten times (Petsiuk et al. 2018, arXiv 1806.07421; the comparison is ours). Pictures with holes are "
        "unlike the training images: a fall may also come from that."
    )
    st.markdown("#### In numbers")
    delta = "–" if found.delta is None else wording.minus(f"{found.delta:.3g}")
    unfaithful = check.infidelity
    numbers = {
        "Unexplained part": (wording.percent(unfaithful.unexplained, 0), UNEXPLAINED),
        "Constant map": (wording.percent(unfaithful.even, 0), EVEN),
        "Sensitivity": (f"{check.sensitivity:.3g}", SENSITIVITY),
        "Delta": (delta, DELTA),
        "Deletion, insertion": (f"{curves.deletion:.2f}, {curves.insertion:.2f}", "Areas under the two curves."),
    }
    with st.container(horizontal=True):
        for label, (value, words) in numbers.items():
            st.metric(label, value, help=words)
    take_along(
        shown,
        check.randomisation,
        lambda: randomisation(check.randomisation, threshold=check.threshold),
        name="check",
        chart="check_randomisation",
    )
