"""The runs that the lesson shows: networks of one experiment, with their results and weights."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from explorer.analysis.verdict import last_steps
from explorer.data.catalogue import data_status, known_dataset
from explorer.errors import RunError, quoted
from explorer.models.config import Kind, NetworkConfig
from explorer.runs.checkpoint_facts import checkpoint_facts, moments
from explorer.runs.experiments import Experiment, experiment, list_experiments, metrics
from explorer.runs.store import Run
from explorer.studies.degradation import Report, report

if TYPE_CHECKING:
    import pandas as pd

SHIPPED = ("shipped-cifar10", "shipped-digits")  # the first is shown unless the reader chooses others

POINTS = 20_000  # of a run; with every step of a shorter one the curves end at exactly the errors of the findings


@dataclass(frozen=True, slots=True, eq=False)
class LessonRuns:
    """Plain and residual networks of one experiment.

    Attributes:
        report: its verdicts.
        metrics: reads `tables.METRICS` after `tables.RUN_KEYS` of all its runs.
        plain, residual: names of networks that have finished, the shallowest first.
    """

    experiment: Experiment
    report: Report
    metrics: "Callable[[], pd.DataFrame]"
    plain: tuple[str, ...]
    residual: tuple[str, ...]

    @property
    def shallow(self) -> str:
        return self.plain[0]

    @property
    def deep(self) -> str:
        return self.plain[-1]

    @property
    def tail(self) -> int:
        """Steps at the end of the schedule over which training errors are averaged."""
        return last_steps(self.experiment.steps)

    def config(self, network: str) -> NetworkConfig:
        return next(
            run.facts.network for run in self.experiment.runs if run.facts and run.facts.network.name == network
        )

    def weights(self, networks: Iterable[str], *, first: bool = False) -> list[str]:
        """References to the last weights of networks, one run of each; with `first`, also those before training.

        Networks without weights are left out.
        """
        found = []
        for name in dict.fromkeys(networks):
            for run in self._runs(name):
                steps = moments(run)
                if steps:
                    kept = dict.fromkeys((steps[0], steps[-1]) if first else (steps[-1],))
                    found += [f"{run.id}@{step}" for step in kept]
                    break
        return found

    def trained(self, network: str) -> str:
        """Id of a run of a network with weights at the end of the schedule; empty without one."""
        return next((run.id for run in self._runs(network) if (run.path / "checkpoint.safetensors").exists()), "")

    def measured_errors(self, network: str) -> tuple[float, float] | None:
        """Training and test error of the weights of `trained`, both without augmentation; None without them."""
        run = self.trained(network)
        facts = checkpoint_facts(run) if run else None
        if facts is None or facts.train_error is None or facts.test_error is None:
            return None
        return facts.train_error, facts.test_error

    def _runs(self, network: str) -> list[Run]:
        return [run for run in self.experiment.runs if run.facts and run.facts.network.name == network]

    def facts(self) -> dict[str, str]:
        """What stands at the placeholders of questions."""
        row = known_dataset(self.experiment.data)
        return {
            "plain": ", ".join(self.plain),
            "shallow": self.shallow,
            "deep": self.deep,
            "shallow_layers": str(self.config(self.shallow).depth),
            "deep_layers": str(self.config(self.deep).depth),
            "residual": self.residual[-1],
            "shallow_residual": self.residual[0],
            "data": row.title if row else self.experiment.data,
            "steps": f"{self.experiment.steps:,}",
        }


def lesson_runs(found: Experiment, *, reported: Callable[[Experiment], Report] | None = None) -> LessonRuns:
    """The networks of an experiment as the lesson needs them.

    Args:
        reported: gives the report of an experiment; None computes it.

    Raises:
        RunError: it is not `usable`.
    """
    if not usable(found):
        raise RunError(
            f"{quoted(found.id)} has no finished plain and residual networks of two depths each, which the lesson "
            "compares. Choose another experiment: `python -m explorer runs list` shows them."
        )
    return LessonRuns(
        found,
        reported(found) if reported else report([found]),
        partial(metrics, found.run_ids, points=POINTS),
        _finished(found, "plain"),
        _finished(found, "residual"),
    )


def usable(found: Experiment) -> bool:
    """Whether an experiment has finished plain and residual networks of two depths each."""
    return not found.active and all(
        len({run.facts.network.depth for run in _ended(found) if run.facts and run.facts.network.kind == kind}) > 1
        for kind in ("plain", "residual")
    )


def choices(experiments: Sequence[Experiment]) -> list[Experiment]:
    """The shipped experiments and the newest one of the reader that is usable, in this order."""
    shipped = {each.id: each for each in experiments if each.state == "shipped"}
    own = [each for each in experiments if each.state != "shipped" and usable(each)]
    return [shipped[name] for name in SHIPPED if name in shipped and usable(shipped[name])] + own[:1]


def chosen(experiment_id: str) -> LessonRuns:
    """The networks of an experiment; empty takes the first of `choices`.

    Raises:
        RunError: there is none, or it is not `usable`.
    """
    if experiment_id:
        return lesson_runs(experiment(experiment_id))
    offered = choices(list_experiments())
    if not offered:
        raise RunError(
            "There is no finished experiment with plain and residual networks of two depths. Train one with "
            "`python -m explorer degradation run`."
        )
    return lesson_runs(offered[0])


def images_there(shown: LessonRuns) -> bool:
    """Whether the images that its networks were trained on are on this machine."""
    return known_dataset(shown.experiment.data) is not None and data_status(shown.experiment.data).available


def _ended(found: Experiment) -> list[Run]:
    return [run for run in found.runs if run.facts and run.state != "damaged" and run.progress.step == run.steps > 0]


def _finished(found: Experiment, kind: Kind) -> tuple[str, ...]:
    configs = {run.facts.network.name: run.facts.network for run in _ended(found) if run.facts}
    of_kind = [config for config in configs.values() if config.kind == kind]
    return tuple(config.name for config in sorted(of_kind, key=lambda config: (config.depth, config.name)))
