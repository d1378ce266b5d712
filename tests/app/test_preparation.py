"""The server asks in the background what pages ask first."""

import pytest
import streamlit as st

from explorer.compute.client import Call, ComputeClient
from explorer.ui import server


@pytest.mark.parametrize("name", ["responses", "attributions", "evaluate"])
def test_the_first_question_of_a_page_is_prepared(name, open_page, make_weights, monkeypatch):
    run = make_weights()
    monkeypatch.setattr("explorer.ui.widgets.network_choice._first_shown", lambda known: [run])
    prepared, asked = [], []

    def key(function, *arguments, **options):
        return Call(f"{function.__module__}:{function.__qualname__}", arguments, options).key

    def ask(client, *question, **options):
        asked.append(key(*question, **options))
        st.stop()

    monkeypatch.setattr(
        ComputeClient, "prepare", lambda _, *question, **options: prepared.append(key(*question, **options))
    )
    monkeypatch.setattr(ComputeClient, "ask", ask)
    server._prepare()
    open_page(name)
    assert asked[0] in prepared
