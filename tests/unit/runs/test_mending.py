"""A run whose metrics are broken keeps what can be read of them; nothing else is lost."""

import json
import shutil
import sqlite3
from contextlib import closing

import pytest

from explorer import tables
from explorer.errors import RunError
from explorer.models.network import build
from explorer.runs.checkpoint_facts import CheckpointFacts
from explorer.runs.checkpoints import save_checkpoint
from explorer.runs.facts import settings_digest
from explorer.runs.mending import mend
from explorer.runs.metrics import MetricsWriter, read_live, read_metrics, read_progress
from explorer.runs.store import read_run, run_folder, run_lock, update_run

STEPS = 400


@pytest.fixture
def made(make_run):
    """A run of many rows with two looks inside, its metrics in pages of 4,096 bytes."""
    run_id = make_run(steps=STEPS, state="stopped")
    with MetricsWriter(run_folder(run_id)) as writer:
        for step in (0, 300):
            layers = [(step, layer, f"layer{layer}", 1, 1, 0.5, 0.0, 0.5, 0.1, 0.2) for layer in range(8)]
            writer.append_probe(layers, [(step, 1, 1, 0.5, None, 0.9, 0.4)])
    return run_id


def damage(run_id, how):
    path = run_folder(run_id) / "metrics.db"
    path.write_bytes(how(path.read_bytes()))


def noise(content, start, end):
    return content[:start] + b"\xa5" * (end - start) + content[end:]


DAMAGES = {
    "of no length": (lambda content: b"", 0),
    "another file": (lambda content: b"another file" * 1000, 0),
    "header overwritten": (lambda content: noise(content, 0, 100), STEPS + 1),
    "first page overwritten": (lambda content: noise(content, 0, 4096), STEPS + 1),
    "tree overwritten": (lambda content: noise(content, 4096, 8192), 0),
    "cut": (lambda content: content[:-5000], 200),
    "cut within a page": (lambda content: content[:9000], 0),
    "a page overwritten": (lambda content: noise(content, 5 * 4096, 6 * 4096), 300),
    "a page emptied": (lambda content: content[: 5 * 4096] + bytes(4096) + content[6 * 4096 :], 300),
}


@pytest.mark.parametrize(("how", "least"), DAMAGES.values(), ids=DAMAGES)
def test_what_can_be_read_is_kept(made, how, least):
    folder = run_folder(made)
    whole = {row[0]: row for row in read_metrics(folder)}
    looks = read_live(folder, "layers")
    damage(made, how)
    broken = (folder / "metrics.db").read_bytes()
    assert read_run(made).state == "damaged"
    said = mend(made)
    rows = read_metrics(folder)
    kept = [row for row in rows if row[1:] != (None,) * (len(tables.METRICS) - 1)]
    assert [row[0] for row in rows] == list(range(len(rows)))
    assert all(row == whole[row[0]] for row in kept)
    assert len(kept) >= least
    assert set(read_live(folder, "layers")) <= set(looks)
    assert (folder / "metrics-damaged.db").read_bytes() == broken
    run = read_run(made)
    assert (run.state, run.facts.notice) == ("stopped", said)
    assert "metrics-damaged.db" in said
    assert not list(folder.glob(".*.tmp"))


def test_both_ends_of_a_damaged_page_are_kept(made):
    damage(made, DAMAGES["a page overwritten"][0])
    mend(made)
    folder = run_folder(made)
    rows = read_metrics(folder)
    assert len(rows) == STEPS + 1
    empty = [row[0] for row in rows if row[4] is None]
    assert 0 < len(empty) < 100
    assert empty == list(range(empty[0], empty[-1] + 1))
    assert len(read_live(folder, "layers")) == 16


def test_rows_that_only_the_journal_holds_are_kept(made):
    folder = run_folder(made)
    with closing(sqlite3.connect(folder / "metrics.db")) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA wal_autocheckpoint=0")
        database.execute("DELETE FROM metrics WHERE step > 390")
        database.commit()
        journal = (folder / "metrics.db-wal").read_bytes()
        content = (folder / "metrics.db").read_bytes()
    (folder / "metrics.db").write_bytes(noise(content, 0, 100))
    (folder / "metrics.db-wal").write_bytes(journal)
    mend(made)
    assert read_progress(folder).step == 390
    assert (folder / "metrics-damaged.db-wal").read_bytes() == journal
    assert not (folder / "metrics.db-wal").exists()


@pytest.mark.parametrize(("column", "value"), [("train_error", 1.5), ("loss", float("inf")), ("seconds", "text")])
def test_values_that_cannot_be_are_not_kept(made, column, value):
    with closing(sqlite3.connect(run_folder(made) / "metrics.db")) as database:
        database.execute(f"UPDATE metrics SET {column} = ? WHERE step = 7", (value,))
        database.commit()
    damage(made, DAMAGES["header overwritten"][0])
    assert "400 of 401 rows could be read" in mend(made)
    assert read_metrics(run_folder(made))[7] == (7, *[None] * (len(tables.METRICS) - 1))


def test_a_missing_file_is_damage_once_a_worker_has_begun(made):
    folder = run_folder(made)
    update_run(made, settings_sha256=settings_digest(read_run(made).facts))
    (folder / "metrics.db").unlink()
    assert "metrics.db of e1-plain8-s0 is missing" in read_run(made).damage
    assert mend(made) == "metrics.db was missing, so its rows are empty. Training starts again."
    assert read_run(made).state == "stopped"


def test_a_finished_run_has_its_last_errors_from_the_checkpoint(made):
    update_run(made, state="finished")
    network = build("plain8-w2", seed=0)
    known = CheckpointFacts(network=network.config, step=STEPS, train_error=0.125, test_error=0.25)
    save_checkpoint(network, run_folder(made) / "checkpoint.safetensors", known)
    damage(made, DAMAGES["of no length"][0])
    assert "The last errors are those of checkpoint.json." in mend(made)
    run = read_run(made)
    assert (run.state, run.progress.step, run.progress.test_error) == ("finished", STEPS, 0.25)


def test_only_damaged_runs_of_the_user_that_nobody_trains_are_mended(made, make_run, shipped):
    with pytest.raises(RunError, match="is stopped, not damaged"):
        mend(made)
    damage(made, DAMAGES["of no length"][0])
    with run_lock(run_folder(made)), pytest.raises(RunError, match="is being trained"):
        mend(made)
    other = make_run(experiment="shipped-digits")
    damage(other, DAMAGES["of no length"][0])
    with pytest.raises(RunError, match="read-only"):
        mend(other)


def test_a_queued_run_that_was_mended_waits_for_its_user(made):
    update_run(made, state="queued")
    damage(made, DAMAGES["of no length"][0])
    mend(made)
    assert read_run(made).state == "paused"


def test_other_settings_are_not_accepted(made):
    update_run(made, settings_sha256=settings_digest(read_run(made).facts))
    path = run_folder(made) / "run.json"
    values = json.loads(path.read_text())
    values["recipe"]["learning_rate"] *= 2
    path.write_text(json.dumps(values))
    assert "its settings differ from those the run was trained with" in read_run(made).damage
    with pytest.raises(RunError, match="its settings differ"):
        mend(made)


def test_mending_the_copy_of_a_folder_leaves_its_original_alone(made):
    copy = run_folder(made).with_name("20260101-000000-copied")
    shutil.copytree(run_folder(made), copy)
    before = (run_folder(made) / "run.json").read_bytes()
    damage(copy.name, DAMAGES["of no length"][0])
    assert "none of its rows" in mend(copy.name)
    assert "none of its rows" in read_run(copy.name).facts.notice
    assert (run_folder(made) / "run.json").read_bytes() == before
