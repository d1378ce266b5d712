"""TensorBoard's own reader finds in the files what `explorer.metrics` and the probes say, however they were written."""

import io
import os
import zipfile

import numpy as np
import pytest
from tensorboard.backend.event_processing import plugin_event_accumulator
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.metadata import parse_session_start_info_plugin_data
from tensorboard.util.tensor_util import make_ndarray

import explorer
from explorer import tables
from explorer.errors import ExplorerError, RunError, StorageError
from explorer.export import tensorboard
from explorer.export.tensorboard import EventFiles, export_tensorboard, zipped_tensorboard
from explorer.processes import lock
from explorer.runs.experiments import live_blocks, live_layers
from explorer.runs.metrics import MetricsWriter, read_live
from explorer.runs.store import read_run, run_folder, update_run

CREATED = 1767225600.0  # 2026-01-01, of `make_run`


@pytest.fixture
def probed(make_run):
    """Makes a run that came to a step, with probes at even steps; gives its id."""

    def made(step=10, **facts):
        run_id = make_run("resnet8-w4", step=step, **facts)
        with MetricsWriter(run_folder(run_id)) as metrics:
            for each in range(0, step + 1, 2):
                add_probe(metrics, each)
        return run_id

    return made


def add_probe(metrics, step, value=0.5):
    layers = [(step, n, f"layer{n}", n, 1, value + n, 0.1, 0.2, 0.3 if n else None, 0.4) for n in range(3)]
    metrics.append_probe(layers, [(step, 1, 1, 0.25, value, None, 0.5)])


def reader(folder):
    """TensorBoard's, which keeps every point."""
    return EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()


def shown(folder, tag):
    """Steps and values of a tag as TensorBoard's own server reads them."""
    found = plugin_event_accumulator.EventAccumulator(str(folder), tensor_size_guidance={"scalars": 0}).Reload()
    return [(point.step, make_ndarray(point.tensor_proto).tolist()) for point in found.Tensors(tag)]


def require_equal(found, run_id):
    """Tags, steps, values and times of a run in TensorBoard are those of the program."""
    metrics = explorer.metrics([run_id], points=None)
    seconds = dict(zip(metrics.step, metrics.seconds, strict=True))
    expected = {name: metrics[["step", name]].dropna() for name in tables.METRICS[1:] if metrics[name].notna().any()}
    for table, keys in ((live_layers, ("layer", "name")), (live_blocks, ("stage", "block"))):
        for place, rows in table([run_id], steps=None).groupby(list(keys)):
            tag = f"{place[0]} {place[1]}" if table is live_layers else f"stage {place[0]} block {place[1]}"
            measures = tables.LIVE_LAYERS[5:] if table is live_layers else tables.LIVE_BLOCKS[3:]
            expected |= {
                f"{name}/{tag}": rows[["step", name]].dropna() for name in measures if rows[name].notna().any()
            }
    assert set(found.Tags()["scalars"]) == set(expected)
    for tag, rows in expected.items():
        points = found.Scalars(tag)
        assert [point.step for point in points] == rows.step.tolist(), tag
        values = rows.iloc[:, 1].to_numpy(np.float32)
        np.testing.assert_array_equal(np.array([point.value for point in points], np.float32), values, err_msg=tag)
        times = [CREATED + seconds[point.step] for point in points]
        assert [point.wall_time for point in points] == pytest.approx(times, abs=1e-3), tag
        if tag in ("seconds", "response_std/1 layer1"):
            assert shown(found.path, tag) == list(zip(rows.step, map(float, values), strict=True))


def test_the_files_say_what_the_tables_say(tmp_path, probed, make_run):
    ids = [probed(), make_run("plain8")]
    files = export_tensorboard(ids, tmp_path / "new" / "logs")
    assert [file.parent.name for file in files] == ids
    for run_id, file in zip(ids, files, strict=True):
        require_equal(reader(file.parent), run_id)
    assert {"loss", "response_std/2 layer2", "cosine/stage 1 block 1"} <= set(reader(files[0].parent).Tags()["scalars"])


def test_hyperparameters_are_recipe_and_network(tmp_path, make_run):
    run_id = make_run("resnet8-w4", seed=3, recipe={"learning_rate": 0.02, "augment": False})
    (file,) = export_tensorboard([run_id], tmp_path)
    found = parse_session_start_info_plugin_data(
        reader(file.parent).SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    )
    values = {name: getattr(value, value.WhichOneof("kind")) for name, value in found.hparams.items()}
    expected = {"network": "resnet8-w4", "depth": 8, "seed": 3, "learning_rate": 0.02, "augment": False}
    assert {name: values[name] for name in expected} == expected
    assert "train_images" not in values  # left open
    assert found.group_name == run_id


def test_exporting_again_changes_nothing(tmp_path, probed):
    (file,) = export_tensorboard([probed()], tmp_path)
    before = file.read_bytes()
    assert export_tensorboard([file.parent.name], tmp_path) == [file]
    assert file.read_bytes() == before


@pytest.mark.parametrize("anew", [False, True], ids=["followed", "exported again"])
def test_a_run_that_goes_on_is_continued_without_doubled_points(tmp_path, probed, anew):
    run_id = probed(step=4)
    files = EventFiles(tmp_path)
    for last in (4, 5, 6, 9):
        files = EventFiles(tmp_path) if anew else files
        file = files.update(read_run(run_id))
        require_equal(reader(file.parent), run_id)
        with MetricsWriter(run_folder(run_id)) as metrics:
            for step in range(metrics.last_step() + 1, last + 1):
                metrics.append((step, 2.0, 0.5, 0.1, step / 10, None, None, None))
                add_probe(metrics, step)
    require_equal(reader(files.update(read_run(run_id)).parent), run_id)


@pytest.mark.parametrize("anew", [False, True], ids=["followed", "exported again"])
@pytest.mark.parametrize("back", [0, 5])
@pytest.mark.parametrize("until", [6, 12])
def test_steps_that_are_computed_again_replace_the_old_ones(tmp_path, probed, anew, back, until):
    run_id = probed(step=8)
    files = EventFiles(tmp_path)
    files.update(read_run(run_id))
    with MetricsWriter(run_folder(run_id)) as metrics:
        metrics.delete_after(back - 1)
        for step in range(back, until + 1):
            metrics.append((step, 3.0, 0.25, 0.1, step / 5, 0.3, 0.4, 50.0))
            add_probe(metrics, step, 0.75)
    file = (EventFiles(tmp_path) if anew else files).update(read_run(run_id))
    found = reader(file.parent)
    require_equal(found, run_id)
    assert len(shown(file.parent, "_hparams_/session_start_info")) == 1
    size = file.stat().st_size
    export_tensorboard([run_id], tmp_path)
    assert file.stat().st_size == size


def test_points_after_one_that_was_replaced_stay(tmp_path, probed):
    run_id = probed(step=8)
    export_tensorboard([run_id], tmp_path)
    with MetricsWriter(run_folder(run_id)) as metrics:
        rows = [metrics.row(step) for step in range(5, 9)]
        metrics.delete_after(4)
        for row in rows:
            metrics.append((*row[:1], 9.0, *row[2:]) if row[0] == 5 else row)
    (file,) = export_tensorboard([run_id], tmp_path)
    require_equal(reader(file.parent), run_id)


def test_a_record_that_was_cut_off_is_written_again(tmp_path, probed):
    run_id = probed()
    (file,) = export_tensorboard([run_id], tmp_path)
    whole = file.read_bytes()
    file.write_bytes(whole[:-7])
    export_tensorboard([run_id], tmp_path)
    assert file.read_bytes() == whole


def test_a_probe_that_arrives_while_it_is_read_is_whole_the_next_time(tmp_path, probed, monkeypatch):
    run_id = probed(step=4)
    files = EventFiles(tmp_path)
    files.update(read_run(run_id))
    with MetricsWriter(run_folder(run_id)) as metrics:
        metrics.append((5, 2.0, 0.5, 0.1, 0.5, None, None, None))

        def slow(folder, table, *arguments):
            rows = read_live(folder, table, *arguments)
            if table == "layers":
                add_probe(metrics, 5)
            return rows

        with monkeypatch.context() as patched:
            patched.setattr(tensorboard, "read_live", slow)
            files.update(read_run(run_id))
    require_equal(reader(files.update(read_run(run_id)).parent), run_id)


def test_of_many_runs_only_those_that_changed_are_written(tmp_path, probed, monkeypatch):
    runs = [read_run(probed(experiment=name)) for name in ("e1", "e2")]
    files = EventFiles(tmp_path)
    files.update_all(runs)
    updated = []
    monkeypatch.setattr(files, "update", lambda run: updated.append(run.id))
    files.update_all(runs)
    assert updated == []
    update_run(runs[1].id, state="queued")
    files.update_all([read_run(run.id) for run in runs])
    assert updated == [runs[1].id]


def test_a_zip_has_the_same_files(tmp_path, probed, make_run):
    ids = [probed(), make_run("plain8")]
    with zipfile.ZipFile(io.BytesIO(zipped_tensorboard(ids))) as archive:
        archive.extractall(tmp_path / "zip")
    assert sorted(each.name for each in (tmp_path / "zip").iterdir()) == sorted(ids)
    for run_id in ids:
        require_equal(reader(tmp_path / "zip" / run_id), run_id)


def test_a_file_of_something_else_is_left_alone(tmp_path, probed):
    (file,) = export_tensorboard([probed()], tmp_path)
    (tmp_path / "other").mkdir()
    (other,) = export_tensorboard([probed(experiment="e2")], tmp_path / "other")
    for content in (b"not an event file", b"", other.read_bytes()):
        file.write_bytes(content)
        with pytest.raises(StorageError, match=r"is not a file that this program wrote about e1-\S+\. Choose another"):
            export_tensorboard([file.parent.name], tmp_path)
        assert file.read_bytes() == content


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_what_is_no_file_is_left_alone(tmp_path, probed, make):
    (file,) = export_tensorboard([probed()], tmp_path)
    file.unlink()
    make(file)
    with pytest.raises(StorageError, match=r"is not a file that this program wrote about"):
        export_tensorboard([file.parent.name], tmp_path)


def test_a_target_that_is_a_file_is_refused(tmp_path, probed):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(StorageError, match="Something else is there; give another name"):
        export_tensorboard([probed()], tmp_path / "file")
    assert (tmp_path / "file").read_text() == "kept"


def test_a_link_out_of_the_folder_is_not_followed(tmp_path, probed):
    run_id = probed()
    (tmp_path / "logs").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "logs" / run_id).symlink_to(tmp_path / "outside")
    with pytest.raises(StorageError, match="leads out of"):
        export_tensorboard([run_id], tmp_path / "logs")
    assert not list((tmp_path / "outside").iterdir())


def test_one_process_writes_at_a_time(tmp_path, probed, monkeypatch):
    (file,) = export_tensorboard([probed()], tmp_path)
    monkeypatch.setattr(tensorboard, "LOCK_SECONDS", 0.1)
    with (
        lock(file.parent / ".lock"),
        pytest.raises(StorageError, match="has been written by another process for 0.1 s. Wait for it"),
    ):
        export_tensorboard([file.parent.name], tmp_path)


def test_a_damaged_run_is_told(tmp_path, probed):
    run_id = probed()
    (run_folder(run_id) / "metrics.db").write_bytes(b"no database")
    with pytest.raises(RunError, match=f"{run_id} is damaged: metrics.db"):
        export_tensorboard([run_id], tmp_path)


def test_without_tensorboard_the_command_that_installs_it_is_told(tmp_path, probed, monkeypatch):
    monkeypatch.setattr(tensorboard, "find_spec", lambda name: None)
    for asked in (lambda: export_tensorboard([probed()], tmp_path / "logs"), lambda: zipped_tensorboard([])):
        with pytest.raises(ExplorerError, match=r"`python -m pip install -r requirements-export\.txt`"):
            asked()
    assert not (tmp_path / "logs").exists()
