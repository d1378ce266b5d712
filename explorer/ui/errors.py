"""The one place that turns errors which a user can fix into messages on the page."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec

import streamlit as st

from explorer.errors import ExplorerError, one_line
from explorer.escaping import message_in_markdown
from explorer.files import os_error_message

P = ParamSpec("P")


def show_error(text: str) -> None:
    """Show a message as an error box; text in backticks stays code."""
    st.error(message_in_markdown(text), icon=":material/error:")


@contextmanager
def readable_errors() -> Iterator[None]:
    """Show an `ExplorerError` or an `OSError` as an error box; anything else is a bug and propagates."""
    try:
        yield
    except ExplorerError as error:
        show_error(one_line(error))
    except OSError as error:
        show_error(one_line(os_error_message(error)))


def fragment(function: Callable[P, None], *, run_every: float | None = None) -> Callable[P, None]:
    """`st.fragment` with readable errors in its reruns too."""

    @functools.wraps(function)
    def readable(*arguments: P.args, **options: P.kwargs) -> None:
        with readable_errors():
            function(*arguments, **options)

    return st.fragment(readable, run_every=run_every)
