"""Numbers, times and states as pages write them."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from explorer.numerals import duration as duration
from explorer.numerals import minus as minus
from explorer.numerals import percent as percent
from explorer.runs.experiments import Experiment
from explorer.runs.facts import State
from explorer.runs.states import state_of_experiment, state_of_run
from explorer.runs.store import Run

AT_INITIALISATION = "At initialisation"  # a study of the Responses page: title, and value in the address

# state: colour and icon of its chip
STATES: dict[State, tuple[str, str]] = {
    "queued": ("gray", "schedule"),
    "starting": ("blue", "hourglass_top"),
    "running": ("blue", "play_arrow"),
    "paused": ("orange", "pause"),
    "stopped": ("gray", "stop"),
    "finished": ("green", "check"),
    "failed": ("red", "error"),
    "crashed": ("red", "heart_broken"),
    "damaged": ("red", "broken_image"),
    "shipped": ("violet", "inventory_2"),
}


def chip(shown: Experiment | Run) -> str:
    """The state of an experiment or a run as a coloured Markdown chip."""
    colour, icon = STATES[shown.state]
    text = state_of_run(shown) if isinstance(shown, Run) else state_of_experiment(shown)
    return f":{colour}-badge[:material/{icon}: {text}]"


def title(found: Experiment) -> str:
    """The title of an experiment, or its id if it has none."""
    return found.title or found.id


def short(text: str, most: int) -> str:
    """A text cut to this many letters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def distinct(labels: Mapping[str, str]) -> dict[str, str]:
    """Unique labels by name, with the name appended where several are equal: the browser returns labels."""
    shared = Counter(labels.values())
    return {name: f"{label}, {name}" if shared[label] > 1 else label for name, label in labels.items()}


def processes(lanes: int, threads: int) -> str:
    """How many processes train at the same time, and the threads of each if it has several."""
    several = lanes > 1
    with_threads = f" with {threads} threads{' each' if several else ''}" if threads > 1 else ""
    return f"{lanes} processes{with_threads}" if several else f"one process{with_threads}"


def size(count: int) -> str:
    """A number of bytes."""
    if count >= 1e9:
        return f"{count / 1e9:.2f} GB"
    return f"{count / 1e6:,.0f} MB" if count >= 1e6 else f"{count / 1e3:,.0f} kB"


def since(seconds: float) -> str:
    """The local time of day, this many seconds ago."""
    return (datetime.now().astimezone() - timedelta(seconds=seconds)).strftime("%H:%M")


def when(moment: datetime | None) -> str:
    """A local date and time; empty for None."""
    return "" if moment is None else moment.astimezone().strftime("%d %b %Y, %H:%M")
