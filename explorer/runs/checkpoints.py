"""Checkpoints: weights as safetensors, with their facts in a JSON file of the same name."""

import hashlib
from collections.abc import Hashable
from pathlib import Path

import torch
from safetensors.torch import load as read_tensors
from safetensors.torch import save as tensor_bytes
from torch import nn

from explorer.data.catalogue import DATASETS, IMAGENET, dataset
from explorer.errors import RunError, StorageError
from explorer.files import file_identity, write_bytes_atomically
from explorer.models.network import Network, build
from explorer.runs.checkpoint_facts import (
    CheckpointFacts,
    checkpoint_facts,
    checkpoint_file,
    moments,
    read_checkpoint,
    run_and_step,
    snapshot_steps,
    write_checkpoint_facts,
)
from explorer.runs.facts import RunFacts
from explorer.runs.snapshots import read_snapshot
from explorer.runs.state_files import state_name
from explorer.runs.store import read_run, run_folder


def save_checkpoint(network: nn.Module, path: Path, facts: CheckpointFacts) -> CheckpointFacts:
    """Write `path` (.safetensors) and its JSON file, each atomically.

    Returns:
        The facts with the hash filled in.

    Raises:
        StorageError: the disk is full or the folder read-only.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    content = tensor_bytes(tensors)
    facts = facts.model_copy(update={"sha256": hashlib.sha256(content).hexdigest()})
    write_bytes_atomically(path, content)
    write_checkpoint_facts(path, facts)
    return facts


def load_checkpoint(id_or_path: str | Path) -> Network:
    """A trained network, in evaluation mode.

    Args:
        id_or_path: a .safetensors file with its .json, the id of a run (its final weights, or its last snapshot while
            there are none), "RUN@STEP" for one of its `moments`, or the name of a file in `checkpoint_folder()`.

    Raises:
        RunError: there is no such run or checkpoint, or the run has no weights yet.
        StorageError: a file is missing, damaged, or does not fit the network its facts describe.
    """
    path = checkpoint_file(id_or_path)
    if path is not None:
        return _load_file(path)
    run_id, step = run_and_step(str(id_or_path))
    run = read_run(run_id)
    if run.facts is None:
        raise RunError(f"{run_id} is damaged: {run.damage}")
    kept = snapshot_steps(run.path)
    if step == 0 and 0 not in kept:
        return initial_network(run.path, run.facts).eval()
    final = checkpoint_file(run_id)
    if final is not None and checkpoint_facts(final).step == step:  # without a step it was returned above
        return _load_file(final)
    if not kept and run.state == "shipped":
        raise RunError(f"Of {run_id} only the history ships. Seed 0 of {run.facts.network.name} has weights.")
    if not kept and final is None:
        wait = "Wait for its first snapshot" if run.facts.snapshots else "It keeps only those of its end: let it finish"
        raise RunError(f"{run_id} has no weights yet: it is {run.state}. {wait}.")
    if step is not None and step not in kept:
        there = ", ".join(map(str, moments(run)))
        raise StorageError(f"{run_id} has no weights of step {step}. There are those of steps {there}. {_WHO_KEEPS}")
    state = read_snapshot(run.path, kept[-1] if step is None else step)
    network = Network(run.facts.network)
    network.normalisation = str(run.facts.recipe.get("normalisation", "channel"))
    network.classes = _class_names(run.facts.data)
    return _with_weights(network, state["network"], run_id)


_WHO_KEEPS = (
    "Snapshots are kept for the first seed of an experiment, and a zip has them if it was exported with all snapshots."
)


def weights_identity(id_or_path: str | Path, facts: CheckpointFacts) -> tuple[Hashable, ...]:
    """With the facts, another where `load_checkpoint` gives other weights; no file is read.

    Args:
        facts: of the checkpoint. They hold the hash of its content, but not that of a snapshot's; nor do they tell
            whether a file has been damaged since.

    Raises:
        RunError: neither a path nor the id of a run.
    """
    path = checkpoint_file(id_or_path)
    if path is not None:
        return file_identity(path)
    folder = run_folder(run_and_step(str(id_or_path))[0])
    places = f"snapshots/{state_name(facts.step or 0)}", "checkpoint.safetensors", "initial.safetensors"
    return tuple(file_identity(folder / each) for each in places)


def initial_network(folder: Path, facts: RunFacts) -> Network:
    """The network of a run at step 0: from the checkpoint it started from, else initialised with its seed."""
    if facts.initial:
        path = folder / "initial.safetensors"
        if read_checkpoint(path)[0].sha256 != facts.initial_sha256:
            raise StorageError(f"{path} holds other weights than {folder.name} started from. Restore it from a copy.")
        return _load_file(path)
    network = build(facts.network, seed=facts.seed)
    network.normalisation = str(facts.recipe.get("normalisation", "channel"))
    network.classes = _class_names(facts.data)
    return network


def _load_file(path: Path) -> Network:
    facts, content = read_checkpoint(path)
    network = Network(facts.network)
    network.normalisation = facts.normalisation
    network.classes = facts.classes or _class_names(facts.data)
    return _with_weights(network, read_tensors(content), str(path))


def _with_weights(network: Network, tensors: dict[str, torch.Tensor], source: str) -> Network:
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise StorageError(f"The weights of {source} do not fit {network.config.name}: {error}") from None
    return network.eval()


def _class_names(data: str) -> tuple[str, ...]:
    """Names of a data set's classes; empty for a folder, which may have changed."""
    return dataset(data).classes if data in DATASETS or data == IMAGENET else ()
