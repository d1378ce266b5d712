"""Names of runs and experiments as a person would give them; ids are for the shell.

They have the time when an experiment was started, always: a name that changed once another experiment has the same
title would leave its old form in the selectors of open pages, since the browser keeps the labels that it was sent. For
the same reason no name holds a state.
"""

from datetime import datetime

from explorer.data.catalogue import known_dataset
from explorer.runs.experiments import Experiment
from explorer.runs.store import Run
from explorer.ui.wording import short

LONGEST = 32  # letters of a title within a name


def experiment_name(found: Experiment) -> str:
    """The short title of an experiment and when it was started: "One minute, 14:02"; or "shipped"."""
    title = short(_short_title(found), LONGEST)
    if found.state == "shipped":
        return f"{title}, shipped"
    return f"{title}, {time_of(found.created)}" if found.created else title


def run_name(run: Run, found: Experiment) -> str:
    """The network of a run, its seed if there are several, its experiment: "plain20, seed 0 · One minute, 14:02"."""
    network = run.facts.network.name if run.facts and len(found.seeds) == 1 else network_name(run)
    return f"{network} · {experiment_name(found)}"


def network_name(run: Run) -> str:
    """The network and the seed of a run; its id where its facts are damaged."""
    return f"{run.facts.network.name}, seed {run.facts.seed}" if run.facts else run.id


def time_of(moment: datetime) -> str:
    """The local time of day, before it the date if that is not today."""
    local, today = moment.astimezone(), datetime.now().astimezone().date()
    if local.date() == today:
        return f"{local:%H:%M}"
    return f"{local:%d %b, %H:%M}" if local.year == today.year else f"{local:%d %b %Y, %H:%M}"


def _short_title(found: Experiment) -> str:
    """The title up to a colon; of one that lists several networks, their number; else the id."""
    if not found.title:
        return found.id
    row = known_dataset(found.data)
    if len(found.networks) > 2 and found.title.startswith(", ".join(found.networks)):
        return f"{len(found.networks)} networks on {row.title if row else found.data}"
    return found.title.partition(":")[0].strip() or found.title
