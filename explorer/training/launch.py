"""Starting, queueing, pausing and resuming experiments, without waiting for training or importing torch.

The queue is the set of runs in state "queued". Starting one requires `supervisor.lock`, so that browser tabs, servers
and shells never start the same run twice. One experiment trains at a time.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from subprocess import Popen
from typing import Literal

import psutil
from filelock import Timeout

from explorer.data.catalogue import data_folder, require
from explorer.errors import BadSettings, RunError, StorageError, quoted
from explorer.files import appending, home, storage_errors
from explorer.models.config import NetworkConfig
from explorer.processes import lock, start_detached
from explorer.runs.checkpoint_facts import checkpoint_file, read_checkpoint
from explorer.runs.control import Request, request, withdraw
from explorer.runs.experiments import Experiment, experiment, list_experiments
from explorer.runs.facts import ACTIVE, MOST_NUMBER, RESUMABLE, RunFacts, WorkerProcess
from explorer.runs.state_files import newest_verified_step
from explorer.runs.store import (
    SUPERVISOR,
    Run,
    checkpoint_folder,
    create_run,
    list_runs,
    new_id,
    next_number,
    run_folder,
    update_run,
)
from explorer.runs.tidying import tidy
from explorer.seals import sealed_text
from explorer.training.memory import require_step_memory
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe
from explorer.training.room import require_room

LOCK_SECONDS = 30.0


def start(plan: Plan) -> str:
    """Queue an experiment, and start it if no other is training.

    If an identical experiment is queued or running, its id is returned instead, so that a Start pressed in two tabs
    trains once.

    Returns:
        The experiment's id.

    Raises:
        DataMissing: the data set is not on this machine.
        RunError, BadSettings: there is no such checkpoint to start from, or it is of another network.
        StorageError: the runs folder cannot be written, the disk has too little space, or the checkpoint cannot be
            read.
    """
    require(plan.data)
    for config in plan.network_configs():
        require_step_memory(config, plan.recipe, plan.dataset.side(plan.recipe.image_size))
    initial_sha256, _ = _initial(plan)
    tidy()
    with supervising():
        for each in list_experiments():
            if each.active and _is_of(each, plan, initial_sha256):
                return each.id
        require_room("Training", [(config, plan.recipe, None) for _ in plan.seeds for config in plan.network_configs()])
        experiment_id = queue(plan)
        _start_next()
    return experiment_id


def queue(plan: Plan) -> str:
    """Make the run folders of an experiment without starting it, see `start_next`.

    Returns:
        The experiment's id.

    Raises:
        RunError, BadSettings, StorageError: as `start` does.
    """
    initial_sha256, files = _initial(plan)
    experiment_id = new_id()
    number, place = next_number(), _last_place()
    for order, (seed, config) in enumerate((s, c) for s in plan.seeds for c in plan.network_configs()):
        facts = RunFacts(
            id=f"{experiment_id}-{config.name}-s{seed}",
            experiment=experiment_id,
            title=plan.display_title(),
            order=order,
            created=datetime.now(UTC),
            network=config,
            data=plan.data,
            recipe=plan.recipe.model_dump(),
            seed=seed,
            number=number,
            queued=place,
            initial=plan.initial,
            initial_sha256=initial_sha256,
        )
        create_run(facts, files)
    return experiment_id


def start_next() -> str | None:
    """Start the first experiment in the queue if none is training; its id, or None."""
    if not home().is_dir():
        return None
    with supervising():
        return _start_next()


def pause(experiment_id: str) -> None:
    """Pause an experiment after its current step, from which `resume` continues exactly.

    A worker that does not respond is killed by `training.watchdog`; then training resumes from the last saved state.

    Raises:
        RunError: there is no such experiment, none of it is queued or running, or another user trains it.
    """
    with supervising():
        found = experiment(experiment_id)
        if not found.active:
            raise RunError(f"{experiment_id} is {found.state}. Only a queued or running experiment can be paused.")
        for run in found.runs:
            if run.state == "queued":
                update_run(run.id, state="paused")
        _ask(found, "pause")


def stop(experiment_id: str) -> None:
    """End an experiment early after its current step, keeping its metrics and states.

    A worker that does not respond is killed by `training.watchdog`.

    Raises:
        RunError: there is no such experiment, it has ended, or another user trains it.
    """
    with supervising():
        found = experiment(experiment_id)
        if not any(run.state in (*ACTIVE, "paused", "crashed") for run in found.runs):
            raise RunError(f"{experiment_id} is {found.state}. It has ended already.")
        for run in found.runs:
            if run.state in ("queued", "paused", "crashed"):
                update_run(run.id, state="stopped", worker=None, reason=run.reason)
        _ask(found, "stop")


def resume(experiment_id: str) -> None:
    """Queue the paused, stopped and crashed runs of an experiment again.

    Raises:
        RunError: there is no such experiment, or none of its runs can be resumed.
        DataMissing: its data set is not on this machine.
        StorageError: the disk has too little space.
    """
    with supervising():
        found = experiment(experiment_id)
        waiting = [run for run in found.runs if run.state in RESUMABLE]
        still_pausing = [run for run in found.runs if run.state in ("starting", "running")]
        if not waiting and not still_pausing:
            raise RunError(f"{experiment_id} is {found.state}: none of its runs can go on. Start a new experiment.")
        require(found.data)
        require_room(
            "Resuming",
            [
                (run.facts.network, Recipe(**run.facts.recipe), newest_verified_step(run.path))
                for run in waiting
                if run.facts is not None
            ],
        )
        for run in (*waiting, *still_pausing):
            withdraw(run.path)
        place = _last_place()
        for run in waiting:
            update_run(run.id, state="queued", queued=place, worker=None, reason="")
        _start_next()


def _ask(found: Experiment, action: Request) -> None:
    """Send a request to the workers of an experiment, and start the watchdog that enforces it."""
    active = [run for run in found.runs if run.state in ("starting", "running")]
    for run in active:
        try:
            request(run.path, action)
        except StorageError:
            if not run.elsewhere:
                raise
            raise RunError(
                f"{run.id} is trained by another user of this machine, in a folder that you may not write: "
                f"only that user can {action} it."
            ) from None
    if active:
        _spawn("watchdog", found.id, active[0].path)


def _start_next() -> str | None:
    """Start the first experiment in the queue that can be started: not one with, say, a link in place of its lock."""
    found = list_experiments()
    if any(run.state in ("starting", "running") and not _unstarted(run) for each in found for run in each.runs):
        return None
    queued = {each.id: [r for r in each.runs if r.state == "queued"] for each in found}
    waiting = {name: min(r.facts.queued for r in runs if r.facts) for name, runs in queued.items() if runs}
    trouble: StorageError | None = None
    for experiment_id in sorted(waiting, key=waiting.__getitem__):
        try:
            _begin(experiment_id, [run.id for run in queued[experiment_id]])
        except StorageError as error:
            trouble = trouble or error
        else:
            return experiment_id
    if trouble:
        raise trouble
    return None


def _begin(experiment_id: str, ids: list[str]) -> None:
    try:
        for run_id in ids:
            update_run(run_id, state="starting", worker=None)
        process = _spawn("worker", experiment_id, run_folder(ids[0]))
    except StorageError:
        for run_id in ids:
            with suppress(StorageError):
                update_run(run_id, state="queued")
        raise
    started = time.time()
    with suppress(psutil.NoSuchProcess):  # it has ended already; the log says why
        started = psutil.Process(process.pid).create_time()
    for run_id in ids:
        update_run(run_id, worker=WorkerProcess(pid=process.pid, started=started))


def _last_place() -> float:
    """A place at the end of the queue; continues from the times that earlier versions stored there."""
    last = max((run.facts.queued for run in list_runs() if run.facts and run.state == "queued"), default=0.0)
    return min(last + 1, MOST_NUMBER)  # bounded, since run.json is not trusted


def _spawn(module: Literal["worker", "watchdog"], experiment_id: str, folder: Path) -> Popen[bytes]:
    """Start a process for an experiment, with its output in the log of the run in `folder`."""
    with appending(folder / "worker.log") as output:
        return start_detached(
            [f"explorer.training.{module}", experiment_id],
            folder=home(),
            output=output,
            environment={"EXPLORER_HOME": str(home()), "EXPLORER_DATA": str(data_folder())},
        )


def _initial(plan: Plan) -> tuple[str, dict[str, bytes]]:
    """The hash of the checkpoint that `plan` starts from and its files in a run's folder, checked that it fits.

    Both are empty for random initialisation.
    """
    if not plan.initial:
        return "", {}
    path = checkpoint_file(plan.initial)
    if path is None:
        raise RunError(
            f"`initial` (={quoted(plan.initial)}) is neither a finished run nor a checkpoint in {checkpoint_folder()}. "
            "Give the id of one, or the path of a .safetensors file."
        )
    facts, weights = read_checkpoint(path)
    for config in plan.network_configs():
        if config != facts.network:
            raise BadSettings(
                f"`initial` (={plan.initial!r}) is {_described(facts.network)}; the plan has {_described(config)}. "
                f"Train {facts.network.name} alone, on data of that kind, or start from another checkpoint."
            )
    if facts.normalisation != plan.recipe.normalisation:
        raise BadSettings(
            f"`normalisation` (={plan.recipe.normalisation!r}) is not the one that `initial` (={plan.initial!r}) was "
            f"trained with. Use {facts.normalisation!r}."
        )
    return facts.sha256, {"initial.safetensors": weights, "initial.json": sealed_text(facts).encode()}


def _described(config: NetworkConfig) -> str:
    return f"{config.name} (classes={config.classes}, channels={config.channels})"


def _is_of(found: Experiment, plan: Plan, initial_sha256: str) -> bool:
    """Whether an experiment trains exactly what `plan` describes."""
    facts = [run.facts for run in found.runs if run.facts is not None]
    return (
        found.networks == plan.networks
        and found.seeds == plan.seeds
        and found.data == plan.data
        and all(each.recipe == plan.recipe.model_dump() and each.initial_sha256 == initial_sha256 for each in facts)
    )


@contextmanager
def supervising() -> Iterator[None]:
    """Hold the lock of the queue, so that one process at a time starts or stops runs."""
    with storage_errors(home()):
        home().mkdir(parents=True, exist_ok=True)
        held = lock(home() / SUPERVISOR, timeout=LOCK_SECONDS)
        try:
            held.acquire()
        except Timeout:
            raise StorageError(
                f"{home() / SUPERVISOR} has been held by another process for {LOCK_SECONDS:.0f} s. End that process, "
                "then try again."
            ) from None
    try:
        for run in list_runs():
            if _unstarted(run):  # a killed process had marked it as starting
                with suppress(StorageError):  # in that run's folder only
                    update_run(run.id, state="queued")
        yield
    finally:
        held.release()


def _unstarted(run: Run) -> bool:
    """Whether a run is marked as starting without a worker, which is wrong while this process holds the lock."""
    return run.state == "starting" and run.facts is not None and run.facts.worker is None
