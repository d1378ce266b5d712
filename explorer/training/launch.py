"""Starting, queueing, pausing and resuming experiments, without waiting for training or importing torch.

The queue is the set of runs in state "queued". Starting one requires `supervisor.lock`, so that browser tabs, servers
and shells never start the same run twice. On this machine one experiment trains at a time.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from filelock import Timeout

from explorer.data.catalogue import require
from explorer.errors import BadSettings, RunError, StorageError, quoted
from explorer.files import home, storage_errors
from explorer.models.config import NetworkConfig
from explorer.processes import lock
from explorer.runs.checkpoint_facts import checkpoint_file, read_checkpoint
from explorer.runs.control import Request, request, withdraw
from explorer.runs.experiments import Experiment, experiment, list_experiments
from explorer.runs.facts import ACTIVE, HERE, MOST_NUMBER, RESUMABLE, RunFacts, Where
from explorer.runs.state_files import newest_verified_step
from explorer.runs.store import (
    SUPERVISOR,
    Run,
    checkpoint_folder,
    create_run,
    list_runs,
    new_id,
    next_number,
    update_run,
)
from explorer.runs.tidying import tidy
from explorer.seals import sealed_text
from explorer.training.engines.catalogue import ENGINES, Engine, engine
from explorer.training.memory import require_step_memory
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe
from explorer.training.room import require_room
from explorer.training.starting import spawn

LOCK_SECONDS = 30.0


def start(plan: Plan, where: Where = HERE) -> str:
    """Queue an experiment, and start it if no other is training.

    If an identical experiment is queued or running, its id is returned instead, so that a Start pressed in two tabs
    trains once.

    Returns:
        The experiment's id.

    Raises:
        DataMissing: the data set is not on this machine.
        ExplorerError: `where` is a cluster whose library is not installed, or that cannot train as asked.
        RunError, BadSettings: there is no such checkpoint to start from, or it is of another network.
        StorageError: the runs folder cannot be written, the disk has too little space, or the checkpoint cannot be
            read.
    """
    return start_all([plan], where)[0]


def start_all(plans: Sequence[Plan], where: Where = HERE) -> list[str]:
    """Queue several experiments as `start` does one, and start what can be started; their ids.

    Raises:
        ExplorerError: as `start` does; nothing is queued if a plan is at fault.
    """
    chosen = engine(where.engine)
    chosen.require(where)
    for plan in plans:
        require(plan.data)
        for config in plan.network_configs() if chosen.here else ():
            require_step_memory(config, plan.recipe, plan.dataset.side(plan.recipe.image_size))
    initial = [_initial(plan)[0] for plan in plans]
    tidy()
    with supervising():
        active = [each for each in list_experiments() if each.active]
        same = [
            next((each.id for each in active if _is_of(each, plan, sha256)), None)
            for plan, sha256 in zip(plans, initial, strict=True)
        ]
        new = [plan for plan, known in zip(plans, same, strict=True) if known is None]
        require_room(
            "Training",
            [
                (config, plan.recipe, None, place == 0)
                for plan in new
                for place in range(len(plan.seeds))
                for config in plan.network_configs()
            ],
        )
        number, place = next_number(), _last_place()
        begun = iter([queue(plan, where, number=number + n, place=place + n) for n, plan in enumerate(new)])
        _start_next()
    return [known or next(begun) for known in same]


def queue(plan: Plan, where: Where = HERE, *, number: int = 0, place: float = 0.0) -> str:
    """Make the run folders of an experiment without starting it, see `start_next`.

    Args:
        number, place: see `RunFacts`; 0 takes the next.

    Returns:
        The experiment's id.

    Raises:
        RunError, BadSettings, StorageError: as `start` does.
    """
    initial_sha256, files = _initial(plan)
    experiment_id = new_id()
    number, place = number or next_number(), place or _last_place()
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
            where=where,
            snapshots=seed == plan.seeds[0],
            initial=plan.initial,
            assignment=plan.assignment,
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
                (run.facts.network, Recipe(**run.facts.recipe), newest_verified_step(run.path), run.facts.snapshots)
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
        spawn("watchdog", found.id, folder=active[0].path)


def _start_next() -> str | None:
    """Start what can be started; the id of the first. A run folder with, say, a link in place of a file is skipped.

    On this machine one experiment trains at a time; its own queued runs are trained beside the others.
    """
    found = list_experiments()
    training = {each.id: [run for run in each.runs if _trains(run)] for each in found}
    here = [name for name, runs in training.items() if any(_engine(run).here for run in runs)]
    queued = {each.id: [run for run in each.runs if run.state == "queued" and run.facts] for each in found}
    waiting = {name: min(run.facts.queued for run in runs if run.facts) for name, runs in queued.items() if runs}
    begun: list[str] = []
    trouble: list[StorageError] = []
    for experiment_id in sorted(waiting, key=waiting.__getitem__):
        chosen = _engine(queued[experiment_id][0])
        if chosen.here and here not in ([], [experiment_id]):
            continue
        try:
            chosen.begin(experiment_id, queued[experiment_id], training[experiment_id])
        except StorageError as error:
            trouble.append(error)
            continue
        begun.append(experiment_id)
        here += [experiment_id] if chosen.here else []
    if trouble and not begun:
        raise trouble[0]
    return begun[0] if begun else None


def _trains(run: Run) -> bool:
    return run.state in ("starting", "running") and not _unstarted(run)


def _engine(run: Run) -> Engine:
    """Where a run trains; this machine if run.json names an unknown place."""
    return ENGINES.get(run.facts.where.engine if run.facts else "local", ENGINES["local"])


def _last_place() -> float:
    """A place at the end of the queue; continues from the times that earlier versions stored there."""
    last = max((run.facts.queued for run in list_runs() if run.facts and run.state == "queued"), default=0.0)
    return min(last + 1, MOST_NUMBER)  # bounded, since run.json is not trusted


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
        and all(each.assignment == plan.assignment for each in facts)
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
