"""The moment of training: a slider over the steps of the snapshots, with play."""

import time
from collections.abc import Callable, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from explorer import glossary
from explorer.runs.checkpoint_facts import is_untrained
from explorer.ui.widgets.network_choice import Candidate
from explorer.ui.widgets.presenting import ONE_BEAT, present

PLAY_SECONDS = 1.0  # between moments while it plays
WHO_KEEPS = (
    "The first seed of each network in an experiment keeps snapshots; of other seeds, and of experiments that were "
    "exported without all snapshots, there are the first and the last weights."
)
NOTICE_SECONDS = 0.05  # at most, until a click is noticed


def at_moment(
    chosen: Sequence[Candidate],
    show: Callable[[int | None], None],
    fields: DeltaGenerator,
    pages: Sequence[str] = ONE_BEAT,
) -> None:
    """Show something at the moment of the slider; last on a page, as nothing after it runs while it plays.

    No fragment: a click in one, such as on Cancel, would wait for the computation.

    In a presentation the moments are the beats, or what is shown of one moment in several pages.

    Args:
        chosen: the networks whose snapshots the slider offers.
        show: draws a step; None where no network has several.
        fields: where the slider is drawn.
        pages: beats of one moment; `show` asks `current_beat` for the one to show.
    """
    steps = sorted({step for each in chosen for step in each.moments})
    if len(steps) < 2:
        with fields:
            present(pages)
        show(steps[0] if steps else None)
        return
    if "step" in st.session_state and st.session_state.step not in steps:
        st.session_state.step = steps[-1]
    with fields, st.container(horizontal=True, vertical_alignment="bottom"):
        _play_button(steps)  # first, so that Pause keeps the moment shown
        if st.session_state.pop("rewind", False):
            st.session_state.step = steps[0]
        elif st.session_state.get("playing"):
            _advance(steps)
        step = _slider(steps)
        paged = len(pages) > 1
        beat = present(pages) if paged else present([str(each) for each in steps], first=str(step))
    if beat:
        show(step if paged else int(beat))
        return
    show(step)
    _say_nearest(chosen, step)
    st.session_state.shown_step = step
    if st.session_state.get("playing"):
        _go_on()


def _say_nearest(chosen: Sequence[Candidate], step: int) -> None:
    """The step of each network if one has no snapshot of this step, such as an untrained one."""
    steps = [
        (each.config.name, each.moment(step) if each.moments else 0)
        for each in chosen
        if each.moments or is_untrained(each.name)
    ]
    if {shown for _, shown in steps} - {step}:
        text = ", ".join(f"{name} {shown:,}" for name, shown in steps)
        st.caption(f"Steps shown, the nearest snapshots: {text}.", help=WHO_KEEPS)


def _go_on() -> None:
    """Rerun the page in a second, or earlier if the reader clicks on something."""
    end, place = time.monotonic() + PLAY_SECONDS, st.empty()
    while time.monotonic() < end:
        time.sleep(NOTICE_SECONDS)
        place.empty()  # where Streamlit notices a click
    st.rerun()


def _advance(steps: Sequence[int]) -> None:
    """Go to the next moment if the current one has been shown; stop at the end."""
    now = st.session_state.get("step", steps[-1])
    if st.session_state.get("shown_step") != now:
        return
    if now == steps[-1]:
        st.session_state.playing = False
        st.rerun()
    st.session_state.step = steps[steps.index(now) + 1]


def _play_button(steps: Sequence[int]) -> None:
    playing = bool(st.session_state.get("playing"))
    if st.button(
        "Pause" if playing else "Play",
        icon=":material/pause:" if playing else ":material/play_arrow:",
        key="play",
        help="From the first moment to the last; results are kept.",
    ):
        st.session_state.playing = not playing
        if not playing and st.session_state.get("step", steps[-1]) == steps[-1]:
            st.session_state.rewind = True
        st.rerun()


def _slider(steps: Sequence[int]) -> int:
    return int(
        st.select_slider(
            "Moment of training, in steps",
            steps,
            value=steps[-1],  # also while it plays: the address leaves out the default
            format_func=str,
            help=glossary.explain("snapshot"),
            key="step",
            bind="query-params",
        )
    )
