"""Training on a SLURM cluster through submitit: a job for each run, in a home below EXPLORER_HOME, which nodes share.

EXPLORER_SLURM holds options of sbatch, such as "partition=gpu time=240 mem=8GB"; `time` is in minutes. There,
"cluster=local" runs the jobs as processes of this machine.
"""

import os
import platform
import shlex
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from explorer.data.catalogue import data_folder
from explorer.errors import BadSettings, ExplorerError, quoted, reason_in
from explorer.files import PROJECT, home, read_file, write_text_atomically
from explorer.processes import sleep
from explorer.runs import heartbeat, mirror
from explorer.runs.control import Request, request
from explorer.runs.facts import Where
from explorer.runs.mirror import Changes, Seen, Start, unpack
from explorer.runs.tidying import ELSEWHERE
from explorer.training.engines.cluster import PlaceLost, require_installed, required
from explorer.training.workplace import start_worker

MINUTES = 240  # of a job, unless EXPLORER_SLURM says another `time`
HOLD_SECONDS = 30.0  # between two signs of life of the coordinator
TETHER_SECONDS = 600.0  # without one before a job pauses its run and ends
END_SECONDS = 30.0  # for jobs to end by themselves
CLUSTERS = ("slurm", "local", "debug")


def options() -> tuple[str, dict[str, str | int]]:
    """The kind of cluster and the options of sbatch that EXPLORER_SLURM holds.

    Raises:
        BadSettings: it is not of the form "name=value name=value".
    """
    given = os.environ.get("EXPLORER_SLURM", "")
    values: dict[str, str | int] = {}
    for word in given.split():
        name, equals, value = word.partition("=")
        if not (name.isidentifier() and equals and value):
            raise BadSettings(
                f"EXPLORER_SLURM (={quoted(given)}) has {quoted(word)}, which is not name=value. Write it like "
                '"partition=gpu time=240 mem=8GB".'
            )
        values[name] = int(value) if value.isdecimal() else value
    cluster = str(values.pop("cluster", "slurm"))
    if cluster not in CLUSTERS:
        raise BadSettings(f"EXPLORER_SLURM has cluster={quoted(cluster)}. Use one of {', '.join(CLUSTERS)}.")
    return cluster, values


def require(where: Where) -> None:
    """Raise ExplorerError if jobs cannot be submitted as asked."""
    if where.gpus_per_run != int(where.gpus_per_run):
        raise BadSettings(f"`gpus_per_run` (={where.gpus_per_run}) must be a whole number: SLURM gives whole GPUs.")
    require_installed("submitit")
    cluster, _ = options()
    if cluster == "slurm" and not shutil.which("sbatch"):
        raise ExplorerError("There is no `sbatch` on this machine. Start the experiment where jobs are submitted.")


def train(place: str, experiment_id: str, data: str) -> None:
    """Train a run in its home at `place`: what a job does, until the run has ended or its coordinator is gone."""
    scratch = Path(place)
    write_text_atomically(scratch / "node", platform.node())
    worker = start_worker(scratch, scratch / scratch.name, experiment_id, data)
    sign, held = b"", time.monotonic()
    while worker.poll() is None:
        sleep(0.5)
        with suppress(ExplorerError, OSError):
            now = read_file(scratch / "tether", 100)
            sign, held = now, held if now == sign else time.monotonic()
        if time.monotonic() - held > TETHER_SECONDS and worker.stdin and not worker.stdin.closed:
            worker.stdin.close()


class SlurmCluster:
    """The jobs of the runs of an experiment; first ends those that a coordinator that was killed has left."""

    def __init__(self, where: Where, run_ids: Sequence[str]) -> None:
        require(where)
        self._submitit = required("submitit")
        self._cluster, self._options = options()
        self._gpus = int(where.gpus_per_run)
        self._root = home() / ELSEWHERE
        self._ending: list[SlurmPlace] = []
        self._end_jobs([self._root / run_id for run_id in run_ids if (self._root / run_id).is_dir()])

    def left_behind(self, run_id: str) -> "SlurmPlace | None":
        """The home of a run whose job was ended."""
        scratch = self._root / run_id
        return SlurmPlace(scratch, self._ending) if (scratch / run_id / "run.json").is_file() else None

    def place(self, run_id: str, start: Callable[[], Start]) -> "SlurmPlace":
        """Submit the job of a run."""
        scratch = self._root / run_id
        shutil.rmtree(scratch, ignore_errors=True)
        facts = unpack(start(), scratch / run_id)
        executor = self._submitit.AutoExecutor(folder=scratch / "job", cluster=self._cluster)
        try:
            executor.update_parameters(
                name=run_id,
                timeout_min=MINUTES,
                cpus_per_task=facts.lane.threads if facts.lane else 1,
                gpus_per_node=self._gpus,
                slurm_setup=[f"export PYTHONPATH={shlex.quote(str(PROJECT))}"],
                **{f"slurm_{name}": value for name, value in self._options.items()},
            )
        except NameError as error:  # of submitit, about an unknown option
            raise BadSettings(f"EXPLORER_SLURM is not valid: {reason_in(error)}.") from None
        place = SlurmPlace(scratch, self._ending)
        place.hold()
        place.job = executor.submit(train, str(scratch), facts.experiment, str(data_folder()))
        write_text_atomically(scratch / "job.id", str(place.job.job_id))
        return place

    def close(self) -> None:
        """Wait until the jobs whose runs have ended are over, and remove their homes."""
        end = time.monotonic() + END_SECONDS
        for place in self._ending:
            while place.job and not place.job.done() and time.monotonic() < end:
                sleep(0.2)
            place.remove()

    def _end_jobs(self, places: Sequence[Path]) -> None:
        """Ask jobs to pause, wait, and cancel them."""
        for scratch in places:
            with suppress(ExplorerError):
                request(scratch / scratch.name, "pause")
        end = time.monotonic() + END_SECONDS
        while time.monotonic() < end and any((p / p.name / heartbeat.NAME).exists() for p in places):
            sleep(0.2)
        if self._cluster == "slurm":
            for scratch in places:
                with suppress(ExplorerError, OSError):
                    identity = read_file(scratch / "job.id", 100).decode()
                    self._submitit.SlurmJob(scratch / "job", identity).cancel(check=False)


class SlurmPlace:
    """The home of a run on the shared file system, and its job."""

    def __init__(self, scratch: Path, ending: list["SlurmPlace"]) -> None:
        self.node = ""
        self.job: Any = None  # None if it was left behind
        self._scratch = scratch
        self._ending = ending
        self._ended = False
        self._held = 0.0

    def poll(self, seen: Seen) -> Changes | None:
        """What is new in the home since `seen`."""
        self.hold()
        over = self.job is None or self.job.done()  # before the files are read
        if not self.node:
            with suppress(FileNotFoundError):
                self.node = read_file(self._scratch / "node", 300).decode()
        if not self.node and self.job is not None:
            if over:
                raise PlaceLost(f"job {self.job.job_id} ended before it began ({self.job.state})")
            return None
        try:
            new = mirror.changes(self._scratch / self._scratch.name, seen)
        except ExplorerError as error:
            raise PlaceLost(reason_in(error)) from None
        if over and self.job is not None and new.complete and not new.ended:
            return replace(new, lost=f"job {self.job.job_id} ended ({self.job.state})")
        self._ended = new.ended
        return new

    def hold(self) -> None:
        """Show the job that its coordinator lives."""
        if time.monotonic() - self._held > HOLD_SECONDS:
            self._held = time.monotonic()
            write_text_atomically(self._scratch / "tether", str(time.time()))

    def request(self, action: Request) -> None:
        """Ask the worker there to pause or stop."""
        request(self._scratch / self._scratch.name, action)

    def close(self) -> None:
        """Let the job come to its end if its run has ended, else cancel it."""
        if self._ended and self.job is not None:
            shutil.rmtree(self._scratch / self._scratch.name, ignore_errors=True)
            self._ending.append(self)
        else:
            self.remove()

    def remove(self) -> None:
        """Cancel the job unless it is over, and remove the home."""
        with suppress(Exception):  # of submitit, or of scancel
            if self.job is not None and not self.job.done():
                self.job.cancel(check=False)
        shutil.rmtree(self._scratch, ignore_errors=True)
