"""One run inside a worker: its training, its metrics, its snapshots."""

import time
from contextlib import suppress
from dataclasses import asdict, astuple
from importlib.metadata import version

import torch

from explorer import progress
from explorer.data.batches import Batches
from explorer.data.decoded import keep
from explorer.data.pixels import load_data
from explorer.errors import ExplorerError, RunError, one_line, reason_in
from explorer.runs.checkpoint_facts import CheckpointFacts
from explorer.runs.checkpoints import initial_network, save_checkpoint
from explorer.runs.facts import Lane, StoredState, settings_digest, training_settings, with_notice
from explorer.runs.metrics import MetricsWriter, read_progress
from explorer.runs.metrics_file import metrics_sha256
from explorer.runs.snapshots import is_snapshot_step, resume_state, write_latest, write_snapshot
from explorer.runs.state_files import remove_states
from explorer.runs.store import Run, update_run
from explorer.training.devices import best_device, device_facts
from explorer.training.loop import Record, Training, batches_for, train
from explorer.training.recipe import Recipe

LATEST_SECONDS = 30.0  # of training that a crash can lose


class Shared:
    """The device and the batches of each seed, shared by the runs of an experiment."""

    def __init__(self, lane: Lane | None = None) -> None:
        self.device = best_device()
        torch.set_num_threads(lane.threads if lane else 1)
        self._batches: dict[tuple[str, str, int], Batches] = {}

    def batches(self, data: str, recipe: Recipe, seed: int) -> Batches:
        """The batches of a recipe and seed, prepared once for all networks in lockstep."""
        key = (data, recipe.model_dump_json(), seed)
        if key not in self._batches:
            keep(data, recipe.image_size)
            self._batches[key] = batches_for(load_data(data, recipe.image_size), recipe, seed, self.device)
        return self._batches[key]


class Session:
    """A run being trained; made in the worker that holds the run's lock.

    Raises:
        ExplorerError: the run's settings, data or files do not allow training.
    """

    def __init__(self, run: Run, shared: Shared) -> None:
        if run.facts is None:
            raise RunError(f"{run.id} is damaged: {run.damage}")
        self.run = run
        self.facts = facts = run.facts
        self.recipe = Recipe(**facts.recipe)
        batches = shared.batches(facts.data, self.recipe, facts.seed)
        if facts.data_fingerprint not in ("", batches.data.fingerprint):
            raise RunError(
                f"{run.id} was trained on other images of the name {facts.data} than are here now, so it cannot go on "
                "exactly. Restore the data set, or start a new run."
            )
        self.training: Training = train(
            initial_network(run.path, facts),
            batches.data,
            self.recipe,
            seed=facts.seed,
            device=shared.device,
            batches=batches,
        )
        self.facts = facts = facts.model_copy(update={"data_fingerprint": batches.data.fingerprint})
        update_run(run.id, metrics_sha256="")  # before the file changes
        self.metrics = MetricsWriter(run.path)
        self._closed = False
        try:
            notice = self._resume()
        except BaseException:
            self.close()
            raise
        self.facts = facts = facts.model_copy(update={"notice": notice})
        self._saved_at = time.monotonic()
        if self.training.recomputes:
            print(f"{run.id} uses activation checkpointing: its steps need much of the memory here", flush=True)
        environment = asdict(device_facts()) | {
            "device": shared.device.type,
            "precision": self.training.precision,
            "threads": torch.get_num_threads(),
            "lanes": facts.lane.of if facts.lane else 1,
            "recomputes": self.training.recomputes,
            "block_steps": self.training.block_steps,
            "torchvision": version("torchvision"),
        }
        update_run(
            run.id,
            state="running",
            reason="",
            notice=notice,
            environment=environment,
            data_fingerprint=facts.data_fingerprint,
            settings_sha256=settings_digest(facts),
        )

    @property
    def step(self) -> int:
        return self.training.step

    def advance(self) -> bool:
        """Make one step and store its record; False if that was the last or there was none left."""
        record = next(self.training, None)
        if record is not None:
            self._store(record)
        if self.step < self.recipe.steps:
            return True
        self._finish()
        return False

    def leave(self, state: StoredState) -> None:
        """Save the state for resuming, and close."""
        if self.training.started:
            self._save_state()
        self.close()
        update_run(self.run.id, state=state, worker=None)

    def close(self) -> None:
        """Close the metrics and store their checksum."""
        if self._closed:
            return
        self._closed = True
        self.metrics.close()
        with suppress(ExplorerError):  # such as a full disk: then later changes of the file go unnoticed
            update_run(self.run.id, metrics_sha256=metrics_sha256(self.run.path))

    def _resume(self) -> str:
        """Restore the newest undamaged state, if any; gives the run's notice."""
        state, trouble = resume_state(self.run.path, self.metrics.last_step(), training_settings(self.facts))
        if state is not None:
            try:
                self.training.restore(state)
            except Exception as error:
                raise RunError(
                    f"The state of {self.run.id} at step {state['step']} does not fit its network: {one_line(error)}. "
                    "Start a new run."
                ) from error
        self.metrics.delete_after(-1 if state is None else self.training.step)
        print(f"{self.run.id} goes on from step {self.step}" if state else f"{self.run.id} starts", flush=True)
        if not trouble:
            return self.facts.notice
        resumed = f"training went on from step {self.step}" if state else "training started again"
        sentence = f"{'; '.join(trouble)}: {resumed}."
        print(f"{self.run.id}: {sentence}", flush=True)
        return with_notice(self.facts, sentence)

    def _store(self, record: Record) -> None:
        """Store the rows before the state, so that a state on disk always has its rows."""
        self.metrics.append(astuple(record))
        if failure := self.training.capture_failure:
            self._note(f"Its steps could not be captured in a CUDA graph, which makes them slower: {failure}.")
        progress.report(record.step / self.recipe.steps)  # a heartbeat before what may take long
        if self.training.probe_due:
            self._probe()
        if is_snapshot_step(record.step, self.recipe.steps):
            self._save_state(snapshot=self.facts.snapshots and 0 < record.step < self.recipe.steps)
        elif time.monotonic() - self._saved_at > LATEST_SECONDS:
            self._save_state()

    def _probe(self) -> None:
        try:
            result = self.training.probe()
        except Exception as error:  # noqa: BLE001
            # Too little memory for the copy, or unsupported by the device: never a reason to end a training.
            print(f"{self.run.id}: its layers could not be measured at step {self.step}: {error}", flush=True)
            self._note(f"Layers could not be measured at some steps ({reason_in(error)}); the log names them.")
            return
        self.metrics.append_probe(map(astuple, result.layers), map(astuple, result.blocks))

    def _note(self, sentence: str) -> None:
        """Add a sentence to the run's notice, once."""
        notice = with_notice(self.facts, sentence)
        if notice != self.facts.notice:
            self.facts = self.facts.model_copy(update={"notice": notice})
            update_run(self.run.id, notice=notice)

    def _save_state(self, *, snapshot: bool = False) -> None:
        """Save the complete state; before it a snapshot, which a run that goes on from this step would not make."""
        self.metrics.flush()
        state = self.training.state() | {"settings": training_settings(self.facts)}
        if snapshot:
            write_snapshot(self.run.path, state)
        write_latest(self.run.path, state)
        self._saved_at = time.monotonic()

    def _finish(self) -> None:
        self.close()
        last = read_progress(self.run.path)
        started = f", on from {self.facts.initial}" if self.facts.initial else ""
        facts = CheckpointFacts(
            network=self.facts.network,
            normalisation=self.recipe.normalisation,
            classes=self.training.batches.data.classes,
            data=self.facts.data,
            recipe=self.facts.recipe,
            seed=self.facts.seed,
            step=self.step,
            train_error=last.train_error,
            test_error=last.test_error,
            source=f"trained by ResNet Explorer, run {self.run.id}{started}",
        )
        facts = save_checkpoint(self.training.network, self.run.path / "checkpoint.safetensors", facts)
        update_run(self.run.id, state="finished", worker=None, checkpoint_sha256=facts.sha256)
        remove_states(self.run.path)
