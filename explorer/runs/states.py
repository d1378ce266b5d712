"""The states of runs and experiments in words, for pages and the command line."""

from explorer.runs.experiments import Experiment
from explorer.runs.store import Run


def state_of_run(run: Run) -> str:
    """The state of a run as displayed, with a remark if a user should know more."""
    if run.elsewhere:
        return f"{run.state} (another user's)"
    if run.silent_seconds is not None:
        return f"{run.state} (does not answer)"
    return f"{run.state} (forced)" if run.forced else run.state


def state_of_experiment(experiment: Experiment) -> str:
    """The state of an experiment as displayed, with the first remark about a run in this state."""
    texts = (state_of_run(run) for run in experiment.runs if run.state == experiment.state)
    return next((text for text in texts if text != experiment.state), experiment.state)
