"""A run that trains elsewhere and its folder here: what goes, what comes back, in which order."""

import pytest
import torch

from explorer.errors import StorageError
from explorer.runs.facts import settings_digest
from explorer.runs.metrics import MetricsWriter, read_live, read_metrics
from explorer.runs.mirror import Mirror, Seen, changes, unpack
from explorer.runs.snapshots import read_snapshot, resume_state, write_latest, write_snapshot
from explorer.runs.state_files import newest_verified_step
from explorer.runs.store import read_run, run_folder, update_run
from explorer.tables import LIVE_LAYERS


def state(step, value=0.0):
    return {"step": step, "network": {"weight": torch.full((10,), float(value))}, "optimiser": {"state": {}}}


def row(step):
    return (step, 1.0, 0.5, 0.1, step / 10, 0.5, 0.5, 100.0)


def layer(step, number):
    return (step, number, f"layer{number}", *[1.0] * (len(LIVE_LAYERS) - 3))


@pytest.fixture
def run(make_run):
    """A run with rows to step 7 and a state of step 5."""
    run_id = make_run(steps=10, step=7, state="queued")
    write_latest(run_folder(run_id), state(5))
    return read_run(run_id)


@pytest.fixture
def elsewhere(run, tmp_path):
    """The mirror of the run, and its folder elsewhere as its worker finds it."""
    mirror = Mirror(run)
    folder = tmp_path / "elsewhere" / run.id
    unpack(mirror.start(), folder)
    yield mirror, folder
    mirror.close()


def steps(folder):
    return [each[0] for each in read_metrics(folder)]


def test_the_newest_state_goes_there_with_its_row_and_rows_past_it_are_forgotten(run, elsewhere):
    mirror, folder = elsewhere
    assert mirror.step == 5
    assert steps(run.path) == [0, 1, 2, 3, 4, 5]
    assert steps(folder) == [5]
    assert resume_state(folder, last_step=5)[0]["step"] == 5


def test_a_run_that_has_begun_but_has_no_state_begins_again_there(make_run, tmp_path, monkeypatch):
    run = read_run(make_run(steps=10, step=3, state="queued"))
    facts = update_run(run.id, data_fingerprint="of the images")
    update_run(run.id, settings_sha256=settings_digest(facts))
    start = Mirror(run).start()
    assert start.row is None
    unpack(start, tmp_path / "elsewhere" / run.id)
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "elsewhere"))
    assert read_run(run.id).state == "queued"


def test_snapshots_stay_here_but_for_those_of_earlier_versions_which_are_complete(run):
    snapshots = run.path / "snapshots"
    write_snapshot(run.path, state(6))
    assert sorted(Mirror(run).start().files) == ["snapshots/latest.pt"]
    (snapshots / "latest.pt").rename(snapshots / "step-0000005.pt")
    write_latest(run.path, state(3))
    assert sorted(Mirror(run).start().files) == ["snapshots/latest.pt", "snapshots/step-0000005.pt"]


def test_damaged_states_go_there_too_so_that_the_worker_names_them(run, tmp_path):
    write_latest(run.path, state(7))
    (run.path / "snapshots" / "latest.pt").write_bytes(b"damaged")
    start = Mirror(run).start()
    assert start.row[0] == 5
    assert sorted(start.files) == ["snapshots/latest.pt", "snapshots/previous.pt"]


def test_rows_states_and_log_come_back_once(run, elsewhere):
    mirror, folder = elsewhere
    with MetricsWriter(folder) as metrics:
        metrics.fill({"metrics": [row(6), row(7)], "layers": [layer(6, 0), layer(6, 1)]})
        write_snapshot(folder, state(7, value=3))
        (folder / "worker.log").write_text("a line\nhalf a li")
        new = changes(folder, mirror.seen)
        assert new.complete
        assert new.log == b"a line\n"
        mirror.write(new)
    assert steps(run.path) == list(range(8))
    assert len(read_live(run.path, "layers")) == 2
    assert read_snapshot(run.path, 7)["network"]["weight"][0] == 3
    again = changes(folder, mirror.seen)
    assert not any(again.rows.values())
    assert not again.files
    assert not again.log


def test_a_state_waits_for_its_rows_and_the_last_one_is_replaced(run, elsewhere):
    mirror, folder = elsewhere
    write_latest(folder, state(6))
    assert "snapshots/latest.pt" not in changes(folder, mirror.seen).files
    with MetricsWriter(folder) as metrics:
        metrics.append(row(6))
    new = changes(folder, mirror.seen)
    assert "snapshots/latest.pt" in new.files
    mirror.write(new)
    assert newest_verified_step(run.path) == 6
    (run.path / "snapshots" / "latest.pt").write_bytes(b"damaged")
    assert newest_verified_step(run.path) == 5  # the one before is kept here too
    write_latest(folder, state(6, value=9))
    assert "snapshots/latest.pt" in changes(folder, mirror.seen).files


def test_rows_come_back_in_parts(run, elsewhere, monkeypatch):
    mirror, folder = elsewhere
    monkeypatch.setattr("explorer.runs.mirror.MOST_STEPS", 2)
    with MetricsWriter(folder) as metrics:
        metrics.fill({"metrics": [row(6), row(7), row(8)]})
    complete = []
    for _ in range(2):
        new = changes(folder, mirror.seen)
        complete.append(new.complete)
        mirror.write(new)
    assert complete == [False, True]
    assert steps(run.path) == list(range(9))


def test_a_damaged_state_does_not_come_back(run, elsewhere):
    mirror, folder = elsewhere
    (folder / "snapshots" / "step-0000002.pt").write_bytes(b"damaged")
    assert "snapshots/step-0000002.pt" not in changes(folder, mirror.seen).files


def test_weights_that_are_not_those_of_run_json_are_refused(run, elsewhere):
    mirror, folder = elsewhere
    new = changes(folder, Seen())
    files = {"checkpoint.safetensors": b"other weights"}
    with pytest.raises(StorageError, match="came back damaged"):
        mirror.write(type(new)(new.seen, {}, files, b"", new.facts, b"", True))
