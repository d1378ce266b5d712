"""Progress and problems of an experiment, and the buttons Pause, Resume and Stop."""

from collections.abc import Callable

import streamlit as st

from explorer.escaping import in_markdown, message_in_markdown
from explorer.progress import Pace
from explorer.runs.control import requested
from explorer.runs.experiments import Experiment
from explorer.runs.facts import HERE
from explorer.runs.mending import mend
from explorer.runs.store import FORCED, Run
from explorer.training import launch
from explorer.ui import cached
from explorer.ui.errors import readable_errors, show_error
from explorer.ui.names import experiment_name, network_name
from explorer.ui.wording import duration, processes, since

LOG_LINES = 30
MOST_TROUBLES = 12  # runs with a message of their own


def controls(found: Experiment) -> None:
    """Pause, resume and stop, where the state allows them."""
    if found.active or found.resumable:
        with st.container(horizontal=True, width="content"):
            asked = {requested(run.path) for run in found.runs if run.state in ("starting", "running")} - {None}
            if _silence(found) is not None:  # the reader may ask again
                asked.clear()
            if found.active:
                _button("Pause", "pause", launch.pause, found, disabled=bool(asked))
            if found.resumable:
                _button("Resume", "play_arrow", launch.resume, found)
            if found.active or any(run.state in ("paused", "crashed") for run in found.runs):
                _button("Stop", "stop", launch.stop, found, disabled="stop" in asked)


def _button(label: str, icon: str, action: Callable[[str], None], found: Experiment, *, disabled: bool = False) -> None:
    key, primary = f"{label.lower()}-{found.id}", label == "Resume"
    if st.button(
        label, icon=f":material/{icon}:", key=key, disabled=disabled, type="primary" if primary else "secondary"
    ):
        action(found.id)
        cached.forget()
        st.rerun()


def progress(found: Experiment) -> None:
    """A bar with the state and the time left, and the problems of the runs."""
    done, total = _steps(found)
    remaining = _time_left(found.id, done, total) if found.state == "running" else None
    left = "" if remaining is None else f" About {duration(remaining)} left."
    st.progress(min(1.0, done / total), text=_sentence(found) + left)
    if (silence := _silence(found)) is not None:
        st.warning(
            f"The training does not answer: there has been no sign of it since {since(silence)} ({duration(silence)}), "
            "much longer than its usual step. If it does not react to Pause or Stop within some seconds, it is ended "
            "by force; Resume then continues from the last saved state.",
            icon=":material/hourglass_disabled:",
        )
    troubled = [run for run in found.runs if _is_troubled(run)]
    for run in troubled[:MOST_TROUBLES]:
        _trouble(run)
    if len(troubled) > MOST_TROUBLES:
        st.caption(f"{len(troubled) - MOST_TROUBLES} more runs have such messages: the table below has their states.")


def offer_mending(run: Run) -> None:
    """A button that restores a damaged run from what can be read."""
    help_text = "Keeps the metrics that can be read; an unfinished training can then continue."
    if st.button("Mend", icon=":material/healing:", key=f"mend-{run.id}", help=help_text):
        with readable_errors():
            mend(run.id)
            cached.forget()
            st.rerun()


def _steps(found: Experiment) -> tuple[int, int]:
    """Steps done and total steps, summed over the runs."""
    runs = [run for run in found.runs if run.facts]
    return sum(run.progress.step for run in runs), max(1, sum(run.steps for run in runs))


def _silence(found: Experiment) -> float | None:
    """Seconds since the last sign of a training that hangs; None if none does."""
    return max((run.silent_seconds for run in found.runs if run.silent_seconds is not None), default=None)


def _sentence(found: Experiment) -> str:
    asked = {requested(run.path) for run in found.runs if run.state == "running"}
    if "stop" in asked or "pause" in asked:
        return "Stopping after the current step." if "stop" in asked else "Pausing after the current step."
    if found.state == "queued":
        return _queue_position(found)
    if found.state == "running" and _silence(found) is not None:
        return "Training hangs."
    if found.state in ("paused", "stopped") and any(run.reason.startswith(FORCED) for run in found.runs):
        return "Ended by force. Resume continues from the last saved state."
    return {
        "starting": _starting(found),
        "running": f"Training{_place(found)}. You may close this page: training continues.",
        "paused": "Paused. Resume continues exactly where it stopped.",
        "stopped": "Stopped. What was measured is kept; Resume continues from there.",
        "finished": "Finished.",
        "failed": "A network failed; the reason is below.",
        "crashed": "The training process is gone. Resume continues from the last saved state.",
        "damaged": "A file of this experiment cannot be read.",
        "shipped": "Shipped with the program.",
    }[found.state]


def _starting(found: Experiment) -> str:
    cluster = next((run.facts.where.engine for run in found.runs if run.facts), HERE.engine) != HERE.engine
    if cluster:
        return "Waiting for nodes of the cluster, or for PyTorch to load there."
    return "Starting: PyTorch is loading, which takes about ten seconds."


def _place(found: Experiment) -> str:
    """In how many processes, or on which nodes of a cluster, an experiment trains."""
    running = [run.facts for run in found.runs if run.state == "running" and run.facts]
    nodes = sorted({str(facts.environment["node"]) for facts in running if "node" in facts.environment})
    if nodes:
        more = f" and {len(nodes) - 3} more nodes" if len(nodes) > 3 else ""
        return f" {len(running)} networks on {in_markdown(', '.join(nodes[:3]))}{more}"
    lane = next((facts.lane for facts in running), None)
    return f" in {processes(lane.of, lane.threads)}" if lane else ""


def _queue_position(found: Experiment) -> str:
    def place(each: Experiment) -> float:
        return min((run.facts.queued for run in each.runs if run.facts and run.state == "queued"), default=0.0)

    ahead = [e for e in cached.experiments() if e.state == "queued" and place(e) < place(found)]
    busy = [e for e in cached.experiments() if e.state in ("starting", "running")]
    text = f"Waiting: number {len(ahead) + 1} in the queue"
    return f"{text}, after {in_markdown(experiment_name(busy[0]))}." if busy else f"{text}."


def _time_left(experiment_id: str, done: int, total: int) -> float | None:
    """Estimated from the pace since this page was opened."""
    pace: Pace = st.session_state.setdefault(f"pace-{experiment_id}", Pace())
    return pace.seconds_left(done, total)


def _notice(run: Run) -> str:
    return run.facts.notice if run.facts else ""


def _is_troubled(run: Run) -> bool:
    return bool(run.reason or run.elsewhere or _notice(run)) or run.state in ("failed", "damaged", "crashed")


def _trouble(run: Run) -> None:
    """The problem of a run, with the end of its log."""
    reason = run.reason
    name = network_name(run)
    if run.state in ("failed", "damaged"):
        show_error(f"{name}: {reason}")
    elif run.state == "crashed":
        why = f" {reason}" if reason else ""
        show_error(f"{name}: the training process is gone.{why} The log is {run.path / 'worker.log'}.")
    elif run.elsewhere:
        st.info(
            f"{name} is trained by another user of this machine; only that user can pause or stop it.",
            icon=":material/person:",
        )
    elif reason:
        st.warning(message_in_markdown(f"{name}: {reason}"), icon=":material/warning:")
    if notice := _notice(run):
        st.info(message_in_markdown(f"{name}: {notice}"), icon=":material/healing:")
    if run.state == "damaged":
        offer_mending(run)
    if run.state in ("failed", "crashed") and (log := cached.log_tail(run.path / "worker.log", LOG_LINES)):
        with st.expander(f"Last lines of the log of {name}", icon=":material/description:"):
            st.code(log, language=None)
