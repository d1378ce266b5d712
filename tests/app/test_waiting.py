"""A page that waits for PyTorch says so when nothing comes any more, and lets the reader end it."""

import re
import time
from time import sleep

import pytest
from streamlit.testing.v1 import AppTest

from explorer.compute import client as module
from explorer.compute.client import ComputeClient
from explorer.ui.widgets import waiting

TOLD = r"PyTorch has not answered for \d+ s; \*Cancel\* restarts it"


@pytest.fixture
def compute(monkeypatch):
    """A process of this test's own, for which a second is long."""
    for name, seconds in [("TICK", 0.05), ("INTERRUPTED", 0.3), ("TERMINATED", 0.3), ("SILENT", 1.0)]:
        monkeypatch.setattr(module, f"{name}_SECONDS", seconds)
    own = ComputeClient()
    monkeypatch.setattr(waiting, "compute", own)
    yield own
    own.close()


def until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    assert condition()


def show():
    from time import sleep

    import streamlit as st

    from explorer.ui.widgets import waiting

    waiting.show_result(waiting.compute.ask(sleep, 600), "Asking ...", st.write)


def test_a_part_that_waits_in_vain_offers_to_end_the_process(compute):
    app = AppTest.from_function(show, default_timeout=30).run()
    assert app.markdown[0].value == "Asking ..."
    until(lambda: compute.silent)
    app.run()
    assert re.search(TOLD, app.markdown[1].value)
    app.button[0].click().run()
    assert "cancelled" in app.markdown[0].value
    app.button[0].click().run()
    assert app.markdown[0].value == "Asking ..."
    assert compute.ask(sleep, 600).pending


def test_the_reason_of_a_long_wait_is_told(compute):
    first, second = compute.ask(time.sleep, 601), compute.ask(time.sleep, 602)
    until(lambda: first.begun)
    assert "Loading PyTorch" in waiting._reason([first], 0.0)
    assert "Earlier requests" in waiting._reason([second], 0.0)
    assert waiting._reason([first], 0.5) == ""
    until(lambda: compute.silent)
    for part in (0.0, 0.5):
        assert re.search(TOLD, waiting._reason([second], part))


@pytest.mark.parametrize(
    ("seconds", "first", "part", "left"), [(10, 0.0, 0.5, 10), (10, 0.5, 0.75, 10), (10, 0.5, 0.51, None)]
)
def test_the_rest_is_estimated_from_the_pace_so_far(seconds, first, part, left):
    assert waiting._left(seconds, first, part) == left
    assert waiting._reason([], part, left) == ("" if left is None else " About 10 s left.")


def wait_for_two():
    from time import sleep

    from explorer.ui.widgets import waiting

    calls = [waiting.compute.ask(abs, -3), waiting.compute.ask(sleep, 0.5)]
    waiting.awaited(calls, "Computing", lambda ended: waiting.seen.append([each.value for each in ended]))


def test_what_has_ended_is_shown_while_others_are_pending(compute, monkeypatch):
    monkeypatch.setattr(waiting, "seen", seen := [], raising=False)
    AppTest.from_function(wait_for_two, default_timeout=30).run()
    assert seen == [[3]]
