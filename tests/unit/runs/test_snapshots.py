"""Snapshots: when they are kept, that damage is seen, from which one a run resumes."""

import builtins
import errno
import os

import pytest
import torch

from explorer.errors import StorageError
from explorer.runs.checkpoint_facts import snapshot_steps
from explorer.runs.snapshots import (
    is_snapshot_step,
    read_snapshot,
    resume_state,
    write_latest,
    write_snapshot,
)


def state(step):
    return {"step": step, "network": {"weight": torch.full((100,), float(step))}}


def test_steps_are_kept_log_spaced_and_at_the_end():
    kept = [step for step in range(301) if is_snapshot_step(step, 300)]
    assert kept == [0, 1, 2, 5, 10, 20, 50, 100, 200, 300]


def test_a_snapshot_comes_back(tmp_path):
    write_snapshot(tmp_path, state(5))
    assert snapshot_steps(tmp_path) == [5]
    assert read_snapshot(tmp_path, 5)["network"]["weight"][0] == 5


def test_a_missing_step_names_those_there_are(tmp_path):
    write_snapshot(tmp_path, state(5))
    with pytest.raises(StorageError, match="no snapshot at step 6. There are: 5."):
        read_snapshot(tmp_path, 6)


@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_damage_is_seen_and_the_run_resumes_from_the_snapshot_before(tmp_path, damage):
    write_snapshot(tmp_path, state(5))
    write_snapshot(tmp_path, state(10))
    path = tmp_path / "snapshots" / "step-0000010.pt"
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[content.index(bytes(torch.tensor([10.0]).numpy())) + 2] ^= 1  # inside the weights
    path.write_bytes({"flip": content, "cut": content[: len(content) // 2], "empty": b""}[damage])
    with pytest.raises(StorageError, match="step-0000010.pt is damaged"):
        read_snapshot(tmp_path, 10)
    assert resume_state(tmp_path, last_step=10)[0]["step"] == 5


def test_a_run_resumes_from_its_most_advanced_state_that_has_all_its_rows(tmp_path):
    assert resume_state(tmp_path, last_step=-1)[0] is None
    write_snapshot(tmp_path, state(10))
    write_latest(tmp_path, state(17))
    assert resume_state(tmp_path, last_step=20)[0]["step"] == 17
    assert resume_state(tmp_path, last_step=16)[0]["step"] == 10
    assert resume_state(tmp_path, last_step=9)[0] is None
    write_snapshot(tmp_path, state(20))
    assert resume_state(tmp_path, last_step=20)[0]["step"] == 20


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_full_disk_or_read_only_folder_leaves_the_earlier_state(tmp_path, monkeypatch, code):
    write_latest(tmp_path, state(5))

    def refuse(handle):
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched, pytest.raises(StorageError, match="full|read-only"):
        patched.setattr(os, "fsync", refuse)
        write_latest(tmp_path, state(6))
    assert resume_state(tmp_path, last_step=9)[0]["step"] == 5
    assert [file.name for file in (tmp_path / "snapshots").iterdir()] == ["latest.pt"]


def test_a_snapshot_cannot_run_code(tmp_path):
    (tmp_path / "snapshots").mkdir()
    torch.save({"step": 5, "network": Trap()}, tmp_path / "snapshots" / "step-0000005.pt")
    with pytest.raises(StorageError, match="is damaged"):
        read_snapshot(tmp_path, 5)


class Trap:
    def __reduce__(self):
        return builtins.exec, ("raise SystemExit('code from a file ran')",)
