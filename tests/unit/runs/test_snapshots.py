"""Snapshots and complete states: when they are kept, that damage is seen, from which one a run resumes."""

import builtins
import errno
import os
import shutil
import zipfile

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
from explorer.runs.state_files import newest_verified_step, state_name


def state(step):
    return {"step": step, "network": {"weight": torch.full((100,), float(step))}, "optimiser": {"state": {}}}


def write_early_snapshot(folder, early):
    """A snapshot of an earlier version, which was a complete state."""
    write_latest(folder, early)
    (folder / "snapshots" / "latest.pt").rename(folder / "snapshots" / state_name(early["step"]))


def test_steps_are_kept_log_spaced_and_at_the_end():
    kept = [step for step in range(301) if is_snapshot_step(step, 300)]
    assert kept == [0, 1, 2, 5, 10, 20, 50, 100, 200, 300]


def test_a_snapshot_comes_back(tmp_path):
    write_snapshot(tmp_path, state(5))
    assert snapshot_steps(tmp_path) == [5]
    assert read_snapshot(tmp_path, 5)["network"]["weight"][0] == 5


def test_a_snapshot_has_weights_only_in_half_precision_but_for_norms(tmp_path):
    weights = {"conv": torch.rand(3, 4), "norm": torch.rand(5) + 1e-9, "huge": torch.full((2, 2), 1e6)}
    write_snapshot(tmp_path, {"step": 5, "network": weights, "optimiser": {"state": {}}})
    found = read_snapshot(tmp_path, 5)
    assert list(found) == ["step", "network"]
    assert torch.equal(found["network"]["conv"], weights["conv"].half())
    assert same({**found["network"], "conv": 0}, {**weights, "conv": 0})
    assert newest_verified_step(tmp_path) is None
    assert resume_state(tmp_path, last_step=5) == (None, ["all states are missing"])


def test_a_missing_step_names_those_there_are(tmp_path):
    write_snapshot(tmp_path, state(5))
    with pytest.raises(StorageError, match="no snapshot at step 6. There are: 5."):
        read_snapshot(tmp_path, 6)


@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_damage_is_seen_and_the_run_resumes_from_the_state_before(tmp_path, damage):
    write_latest(tmp_path, state(5))
    write_latest(tmp_path, state(10))
    path = tmp_path / "snapshots" / "latest.pt"
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[content.index(bytes(torch.tensor([10.0]).numpy())) + 2] ^= 1  # inside the weights
    path.write_bytes({"flip": content, "cut": content[: len(content) // 2], "empty": b""}[damage])
    found, (trouble,) = resume_state(tmp_path, last_step=10)
    assert found["step"] == 5
    assert "latest.pt is damaged: " in trouble
    shutil.copy(path, path.with_name("step-0000010.pt"))
    with pytest.raises(StorageError, match="step-0000010.pt is damaged"):
        read_snapshot(tmp_path, 10)


def test_a_run_resumes_from_its_most_advanced_state_that_has_all_its_rows(tmp_path):
    assert resume_state(tmp_path, last_step=-1)[0] is None
    write_early_snapshot(tmp_path, state(10))
    write_latest(tmp_path, state(17))
    assert resume_state(tmp_path, last_step=20)[0]["step"] == 17
    assert resume_state(tmp_path, last_step=16)[0]["step"] == 10
    assert resume_state(tmp_path, last_step=9)[0] is None
    write_early_snapshot(tmp_path, state(20))
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
    assert [file.name for file in (tmp_path / "snapshots").iterdir()] == ["previous.pt"]


def test_two_complete_states_are_kept(tmp_path):
    for step in (5, 7, 9):
        write_latest(tmp_path, state(step))
    found = {path.name: torch.load(path, weights_only=True)["step"] for path in (tmp_path / "snapshots").iterdir()}
    assert found == {"latest.pt": 9, "previous.pt": 7}


def same(a, b):
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return type(a) is type(b) and a == b


def flips(content, every=1):
    """The content with one bit flipped, in each byte or in every so many."""
    for place in range(0, len(content), every):
        yield content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :]


SMALL = {"step": 5, "network": {"a": torch.arange(6.0), "b": torch.arange(6.0) + 1}}


@pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("sealed", [True, False], ids=["with a checksum", "of an earlier version"])
def test_a_flipped_bit_never_loads_as_another_state(tmp_path, sealed, every):
    path = tmp_path / "snapshots" / "step-0000005.pt"
    write_snapshot(tmp_path, SMALL)
    if not sealed:
        torch.save(SMALL, path)
    for damaged in flips(path.read_bytes(), every):
        path.write_bytes(damaged)
        try:
            found = read_snapshot(tmp_path, 5)
        except StorageError:
            continue
        else:
            assert not sealed
            assert same(found, SMALL)


def test_a_state_is_an_ordinary_file_of_torch(tmp_path):
    write_snapshot(tmp_path, SMALL)
    assert same(torch.load(tmp_path / "snapshots" / "step-0000005.pt", weights_only=True), SMALL)


def test_nothing_is_parsed_before_its_checksum_is_verified(tmp_path, monkeypatch):
    write_snapshot(tmp_path, SMALL)
    path = tmp_path / "snapshots" / "step-0000005.pt"
    path.write_bytes(path.read_bytes().replace(b"network", b"netwurk"))
    for parser in (torch, zipfile):
        monkeypatch.setattr(parser, "load" if parser is torch else "ZipFile", lambda *_, **__: pytest.fail("parsed"))
    with pytest.raises(StorageError, match="its checksum is wrong"):
        read_snapshot(tmp_path, 5)


def test_a_state_of_another_step_is_not_taken_for_this_one(tmp_path):
    write_snapshot(tmp_path, SMALL)
    (tmp_path / "snapshots" / "step-0000005.pt").rename(tmp_path / "snapshots" / "step-0000010.pt")
    with pytest.raises(StorageError, match="it is of step 5, not 10"):
        read_snapshot(tmp_path, 10)


def test_a_link_is_not_read_as_a_state(tmp_path):
    (tmp_path / "other").mkdir()
    write_snapshot(tmp_path / "other", SMALL)
    (tmp_path / "run" / "snapshots").mkdir(parents=True)
    (tmp_path / "run/snapshots/step-0000005.pt").symlink_to(tmp_path / "other/snapshots/step-0000005.pt")
    with pytest.raises(StorageError, match="leads out of"):
        read_snapshot(tmp_path / "run", 5)


def test_what_is_wrong_with_newer_states_is_told(tmp_path):
    write_early_snapshot(tmp_path, state(5))
    write_latest(tmp_path, state(17))
    assert resume_state(tmp_path, last_step=20)[1] == []
    assert resume_state(tmp_path, last_step=9)[1] == ["metrics.db ends at step 9, before latest.pt (step 17)"]
    (tmp_path / "snapshots" / "latest.pt").write_bytes(b"")
    found, (trouble,) = resume_state(tmp_path, last_step=20)
    assert found["step"] == 5
    assert "latest.pt is damaged: " in trouble


def test_the_newest_whole_step_is_known_without_reading_weights(tmp_path):
    assert newest_verified_step(tmp_path) is None
    write_early_snapshot(tmp_path, state(5))
    for step in (10, 17):
        write_latest(tmp_path, state(step))
    write_snapshot(tmp_path, state(18))
    assert newest_verified_step(tmp_path) == 17
    for name, rest in (("latest.pt", 10), ("previous.pt", 5)):
        (tmp_path / "snapshots" / name).write_bytes(b"broken")
        assert newest_verified_step(tmp_path) == rest


def test_a_snapshot_cannot_run_code(tmp_path):
    (tmp_path / "snapshots").mkdir()
    torch.save({"step": 5, "network": Trap()}, tmp_path / "snapshots" / "step-0000005.pt")
    with pytest.raises(StorageError, match="is damaged"):
        read_snapshot(tmp_path, 5)


class Trap:
    def __reduce__(self):
        return builtins.exec, ("raise SystemExit('code from a file ran')",)
