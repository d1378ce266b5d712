"""Waiting for calls in the PyTorch process, with progress and Cancel."""

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pandas as pd
import streamlit as st

from explorer.compute.client import Call, compute
from explorer.numerals import percent
from explorer.ui.errors import fragment, show_error
from explorer.ui.wording import duration

POLL_SECONDS = 0.3
LONG_SECONDS = 2.5  # from here on a reason and Cancel are shown
FORESEEN = 0.05  # completed while we wait, before the rest is estimated
# The figure of before stays where it is while the next one is computed.
OVER_THE_PAGE = """<style>[class*="st-key-awaited"] { height: 0; overflow: visible; z-index: 9; }</style>"""


T = TypeVar("T")


def awaited(
    calls: Sequence[Call[T]],
    doing: str,
    show_some: Callable[[Sequence[Call[T]]], None] | None = None,
    every: int = 1,
) -> Sequence[Call[T]]:
    """The calls, once all have ended; until then a bar shows how far they are in `doing`.

    If the reader leaves the page or changes something, calls that have not begun are withdrawn, and the running one is
    ended.

    Args:
        show_some: draws those that have ended while others are pending, below the bar, each time that there are
            `every` more.
    """
    begun, long, shown = time.monotonic(), False, 0
    started, first = begun, _completed(calls)
    try:
        with st.container(key=f"awaited {doing}"):
            if show_some is None:
                st.html(OVER_THE_PAGE)
            place, button = st.empty(), st.empty()
        some = st.empty()
        while pending := [each for each in calls if each.pending]:
            done, part = len(calls) - len(pending), _completed(calls)
            counted = f"{done} of {len(calls)}" if len(calls) > 1 else percent(part, 0)
            if part == first and not any(each.begun for each in pending):
                started = time.monotonic()
            left = _left(time.monotonic() - started, first, part)
            place.progress(part, f"{doing}: {counted} ...{_reason(pending, part, left) if long else ''}")
            if not long and time.monotonic() - begun > LONG_SECONDS:
                long = True
                with button:
                    _cancel_button(calls, doing)
            if show_some is not None and done >= shown + every:
                shown = done - done % every
                with some.container():
                    show_some([each for each in calls if not each.pending])
            pending[0].wait(POLL_SECONDS)
    finally:
        for each in calls:
            if each.pending:
                compute.withdraw(each)
    for part_of_page in (place, button, some):
        part_of_page.empty()
    _retry_button([each for each in calls if each.cancelled], doing)
    return calls


def _completed(calls: Sequence[Call[Any]]) -> float:
    """The fraction of all calls together."""
    return sum(each.progress if each.pending else 1.0 for each in calls) / len(calls)


def _left(seconds: float, first: float, part: float) -> float | None:
    """Seconds until the end at the pace from the fraction `first` to `part`; None where too little is done to tell."""
    return seconds * (1 - part) / (part - first) if part - first >= FORESEEN else None


def _reason(pending: Sequence[Call[Any]], part: float, left: float | None = None) -> str:
    """Why it takes so long, or how long it will still take, as far as known."""
    if compute.silent:
        return f" {_silence()}"
    if part > 0:
        return "" if left is None else f" About {duration(left)} left."
    if any(each.begun for each in pending):
        return " Loading PyTorch and the images, once."
    return " Earlier requests, from here or another page, come first."


def _silence() -> str:
    return f"PyTorch has not answered for {compute.silent:.0f} s; *Cancel* restarts it."


def _retry_button(cancelled: Sequence[Call[Any]], doing: str) -> None:
    if cancelled:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f":gray[{doing}: cancelled.]", width="content")
            if st.button(
                "Compute", icon=":material/play_arrow:", key=f"again {doing}", on_click=_each,
                args=(compute.forget, cancelled),
            ):  # fmt: skip
                st.rerun()  # the whole page, also where the button is in a fragment


def _each(act: Callable[[Call[Any]], None], calls: Sequence[Call[Any]]) -> None:
    for call in calls:
        act(call)


def coarse_to_fine(asks: Sequence[Callable[[], Call[T]]], doing: str, show: Callable[[T], None]) -> None:
    """Show the finest result there is; while a finer one is computed, a bar above it shows how far that is.

    Last in its part of a page, which runs again after each result.

    Args:
        asks: ask for the same from coarse to fine; a finer one is asked for once all coarser ones are there.
        doing: unique on the page.
        show: draws a result.
    """
    bar, place = st.container(), st.container()
    best, finer = finest(asks)
    if best is not None:
        with place:
            show(best)
    with bar:
        wait_for_finer(finer, doing)


def finest(asks: Sequence[Callable[[], Call[T]]]) -> tuple[T | None, Call[T] | None]:
    """The finest result there is, and the call of the next finer one, unless that failed; args as `coarse_to_fine`."""
    best = None
    for ask in asks:
        call = ask()
        if call.pending or call.cancelled:
            return best, call
        if show_failure(call):
            break
        best = call.value
    return best, None


def wait_for_finer(call: Call[Any] | None, doing: str) -> None:
    """Wait for a call of `finest`, then run the page again; if the reader cancels it, a button computes it after all.

    Args:
        doing: unique on the page.
    """
    if call is not None and not awaited([call], doing)[0].cancelled:
        st.rerun()


def combined(calls: Sequence[Call[pd.DataFrame]]) -> pd.DataFrame | None:
    """The results of calls as one table; failures are shown."""
    for text in dict.fromkeys(str(each.failure) for each in calls if each.failure is not None and not each.cancelled):
        show_error(text)
    tables = [each.value for each in calls if each.failure is None]
    return pd.concat(tables, ignore_index=True) if tables else None


def show_failure(call: Call[Any]) -> bool:
    """Whether a call failed; shows the reason, unless the reader cancelled it."""
    if call.failure is not None and not call.cancelled:
        show_error(str(call.failure))
    return call.failure is not None


def show_result(call: Call[T], waiting: str, show: Callable[[T], None]) -> None:
    """Draw the result of a call with `show`; until then the text `waiting`."""
    pending = call.pending

    def part() -> None:
        if call.pending:
            st.markdown(waiting)
            if compute.silent:
                st.markdown(_silence())
                _cancel_button([call], waiting)
            return
        if pending:
            st.rerun()  # ends the polling
        if call.cancelled:
            _retry_button([call], waiting)
            return
        show(call.value)

    fragment(part, run_every=POLL_SECONDS if pending else None)()


def _cancel_button(calls: Sequence[Call[Any]], doing: str) -> None:
    st.button(
        "Cancel", icon=":material/close:", key=f"cancel {doing}", on_click=_each, args=(compute.cancel, calls)
    )  # fmt: skip
