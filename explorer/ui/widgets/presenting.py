"""Presenting a page to a room: one sentence and one figure fill the window, in letters to be read from the last row.

A page names its beats, the things to show one after the other, and puts the figure of each on the stage:

    beat = present(("race", "gaps"))  # the Present button, where it stands on the page
    with stage("Depth raises the training error.", beat == "race"):
        live_chart(...)
    with stage(report.headline, beat == "gaps"):
        live_chart(...)

The page runs as always; a style hides all but the stage, so that fields keep their values. Without `?present=1` in the
address `beat` is None and `stage` an ordinary container without the sentence. One stage at a time is shown, with one
figure in it: a `live_chart` sees that it is on a stage and enlarges its type itself.

Keys: P begins, Escape ends; right arrow, space and Page Down go on, left arrow and Page Up go back, as the remote
controls of presenters send them. They do nothing while a field has the focus.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import sqrt
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

import streamlit as st

from explorer.ui.address import write_address

STAGE = "stage"  # key of the container; `live_chart.js` looks for it
ONE_BEAT = ("figure",)  # of a page that shows one thing
LONG_SENTENCE = 150  # widths of a letter, beyond which its letters are smaller
MOST_WORDS = 230  # the same, of several sentences

_HTML = """
<div class="explorer-present">
  <button class="explorer-present-begin" title="Present: fills the window (P)">
    <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M3 4h18v12H3zM12 16v4M8 20h8M10 7.5v5l4-2.5z"/></svg>Present
  </button>
  <div class="explorer-present-bar">
    <button data-by="-1" title="Back (left arrow, Page Up)" aria-label="Back">‹</button>
    <span aria-live="polite"></span>
    <button data-by="1" title="Next (right arrow, space, Page Down)" aria-label="Next">›</button>
    <button class="explorer-present-end" title="End (Escape)" aria-label="End presenting">×</button>
  </div>
</div>
"""

_CSS = """
.explorer-present button {
  color: var(--st-text-color); background: none; cursor: pointer; font: inherit;
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius); padding: 0.2rem 0.8rem;
}
.explorer-present button:hover:enabled { border-color: var(--st-primary-color); color: var(--st-primary-color); }
.explorer-present button:disabled { opacity: 0.35; cursor: default; }
.explorer-present-begin { display: inline-flex; align-items: center; gap: 0.4rem; min-height: 2.4rem; }
.explorer-present-begin svg {
  width: 1.2em; height: 1.2em; fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round;
}
.explorer-present-bar {
  display: none; position: fixed; right: 2vw; bottom: 0.8vh; gap: 0.6rem; align-items: center;
  font-size: max(2.4vh, 23px); color: var(--st-text-color); visibility: visible;
}
.explorer-present-bar button { border-color: transparent; padding: 0 0.5em; font-size: 1.2em; line-height: 1.2; }
.explorer-presents .explorer-present-bar { display: flex; }
.explorer-presents .explorer-present-begin { display: none; }
"""

# Hidden, not left out: a field that is not drawn would lose its value.
_STAGED = """<style>
[data-testid=stHeader], [data-testid=stToolbar], [data-testid=stSidebar] { display: none !important; }
[data-testid=stMain] { overflow: hidden !important; }
[data-testid=stMainBlockContainer] {
  visibility: hidden; height: 0 !important; min-height: 0; overflow: hidden; padding: 0 !important;
}
.st-key-stage {
  visibility: visible; position: fixed !important; inset: 0 3vw; width: auto !important; gap: 0 !important;
  overflow: hidden;
}
.st-key-stage [data-testid=stMarkdown] { height: 19vh; }
.st-key-stage [data-testid=stMarkdown] [data-testid=stMarkdownContainer] {
  height: 19vh; display: flex; align-items: center;
}
.st-key-stage [data-testid=stMarkdownContainer] p {
  font-size: calc(SIZE * min(5vh, 2.9vw)); line-height: 1.2; font-weight: 600; margin: 0;
}
</style>"""

_component = st.components.v2.component(
    "resnet_explorer_present",
    html=_HTML,
    css=_CSS,
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def is_presenting() -> bool:
    """Whether the page fills the window for a room."""
    return st.query_params.get("present") == "1"


def present(beats: Sequence[str], *, key: str = "beat", first: str = "") -> str | None:
    """The Present button, in the place where it is called; the current beat while presenting, else None.

    Args:
        beats: names of what is shown one after the other; at least one.
        key: of the current beat in the address, so that a link opens it.
        first: beat with which it begins; else the first one.
    """
    presenting = is_presenting()
    beat = current_beat(beats, key=key, first=first)
    _component(
        key="present-button",
        data={"beats": list(beats), "at": beats.index(beat), "presenting": presenting},
        height="content",
        width="content",
        on_go_change=lambda: _go(st.session_state["present-button"].go, beats, key),
    )
    return beat if presenting else None


def current_beat(beats: Sequence[str], *, key: str = "beat", first: str = "") -> str:
    """The beat in the address; args as for `present`."""
    asked = st.query_params.get(key, "")
    return asked if asked in beats else first or beats[0]


@contextmanager
def stage(sentence: str, shown: bool = True) -> Iterator[Callable[[str], None]]:
    """A container of one figure; while it is `shown` in a presentation, it fills the window below the sentence.

    Gives a function that puts another sentence in its place.

    Args:
        sentence: in Markdown, without a line break.
        shown: it is the beat's turn; nothing happens outside of a presentation.
    """
    if not (shown and is_presenting()):
        with st.container():
            yield lambda _: None
        return
    with st.container(key=STAGE):
        style, words = st.empty(), st.empty()

        def say(what: str) -> None:
            size = min(1.0, sqrt(LONG_SENTENCE / max(1, _width(what))))
            style.html(_STAGED.replace("SIZE", f"{size:.2f}"))
            words.markdown(what)

        say(sentence)
        yield say


def first_sentences(sentences: Sequence[str]) -> str:
    """The first of them, and as many more as can be read from the last row."""
    said = sentences[0]
    for more in sentences[1:]:
        if _width(f"{said} {more}") > MOST_WORDS:
            break
        said += f" {more}"
    return said


def _width(text: str) -> int:
    """Widths of a Latin letter; Korean letters have two."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _go(where: Any, beats: Sequence[str], key: str) -> None:
    """What the browser asks for: the number of a beat, or the end."""
    if where == "end":
        write_address("present", None)
    elif isinstance(where, int) and 0 <= where < len(beats):
        st.query_params.update({"present": "1", key: beats[where]})
