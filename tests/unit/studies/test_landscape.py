"""Landscapes by reference: no point twice, cancellable, the way of a run through its own plane, and the shell."""

import json
from math import hypot

import pytest
import torch

from explorer import progress, tables
from explorer.analysis import landscape as analysis
from explorer.cli.main import main
from explorer.data.batches import Batches
from explorer.data.pixels import load_data
from explorer.errors import BadSettings, Cancelled, RunError
from explorer.runs.checkpoints import load_checkpoint
from explorer.studies import landscape as study
from explorer.training.evaluation import error_and_loss


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(study, "_kept", study.ByteCache(study.MOST_KEPT))


@pytest.fixture
def computed(monkeypatch):
    """The places that were computed."""
    places = []
    real = analysis.losses

    def counted(network, directions, wanted, *inputs):
        places.extend(map(tuple, wanted))
        return real(network, directions, wanted, *inputs)

    monkeypatch.setattr(analysis, "losses", counted)
    return places


def test_the_origin_has_the_loss_of_the_network_on_its_training_images(run):
    table = study.landscape([run], images=30, points=3)
    assert list(table.columns) == [*tables.MEASURED_KEYS, *tables.LANDSCAPE]
    ((_, middle),) = table[(table["a"] == 0) & (table["b"] == 0)].iterrows()
    sample = Batches(load_data("digits"), batch_size=1).train_sample(30)
    error, loss = error_and_loss(load_checkpoint(run), sample)
    assert (middle["loss"], middle["error"]) == pytest.approx((loss, error), rel=1e-5)
    assert middle["reference"] == run


def test_no_point_is_computed_twice(run, computed):
    tables_of = {points: study.landscape([run], images=10, points=points) for points in progress.GRIDS[:3]}
    assert len(computed) == len(set(computed)) == len({*_points(3), *_points(5), *_points(11)})
    line = study.landscape([run], images=10, points=11, dimensions=1)
    assert len(computed) == len(set(computed))  # it is a row of the plane
    row = tables_of[11][tables_of[11]["b"] == 0]
    assert list(line["loss"]) == list(row["loss"])
    assert list(line["a"]) == pytest.approx([-1 + 0.2 * place for place in range(11)])
    study.landscape([run], images=10, points=3, seed=1)
    study.landscape([f"{run}@5"], images=10, points=3)
    assert len(computed) == 9 + 16 + 112 + 2 * 9


def _points(count):
    ticks = [round(-1 + 2 * place / (count - 1), 6) for place in range(count)]
    return {(a, b) for a in ticks for b in ticks}


def test_a_cancelled_grid_continues_where_it_was(run, computed):
    def cancel(fraction):
        if fraction > 0.5:
            raise Cancelled

    with pytest.raises(Cancelled), progress.listening(cancel):
        study.landscape([run], images=10, points=5)
    done = 0.5 * len(computed)
    computed.clear()
    seen = []
    with progress.listening(seen.append):
        study.landscape([run], images=10, points=5)
    assert len(computed) == pytest.approx(25 - done, abs=2)
    assert seen == sorted(seen)
    assert seen[-1] == 1


def test_plain_and_residual_are_in_one_table(run, make_weights):
    other = make_weights("plain8-w4", experiment="e2")
    table = study.landscape([run, other], images=10, points=3)
    assert list(table["network"].unique()) == ["resnet8-w4", "plain8-w4"]
    assert len(table) == 18


def test_a_single_parameter_moves_alone(run):
    name = "stages.0.0.conv1.weight[3,0,1,1]"
    table = study.landscape([run], images=10, points=3, dimensions=1, parameters=[name])
    network = load_checkpoint(run)
    with torch.no_grad():
        weight = network.stages[0][0].conv1.weight
        weight[3, 0, 1, 1] += weight[3].norm()
    _, loss = error_and_loss(network, Batches(load_data("digits"), batch_size=1).train_sample(10))
    assert table["loss"].iloc[-1] == pytest.approx(loss, rel=1e-4)


def test_a_run_goes_through_its_own_plane(run):
    found = study.trajectory(run, images=20, points=3)
    assert list(found.moments.columns) == tables.TRAJECTORY
    assert list(found.surface.columns) == tables.LANDSCAPE
    assert list(found.moments["step"]) == [0, 5, 10]
    assert sum(found.explained) == pytest.approx(1)  # three moments lie in a plane
    assert list(found.moments["outside"]) == pytest.approx([0, 0, 0], abs=1e-3)
    networks = [load_checkpoint(f"{run}@{step}") for step in (0, 5, 10)]
    weights = [torch.cat([each.flatten() for each in analysis.moving_weights(net).values()]) for net in networks]
    for row, each in zip(found.moments.itertuples(), weights, strict=True):
        assert hypot(row.a, row.b) == pytest.approx(float((each - weights[-1]).norm()), rel=1e-4, abs=1e-4)
    _, loss = error_and_loss(networks[0], Batches(load_data("digits"), batch_size=1).train_sample(20))
    assert found.moments["loss"].iloc[0] == pytest.approx(loss, rel=1e-4)
    for column in ("a", "b"):
        assert found.surface[column].min() < found.moments[column].min()
        assert found.surface[column].max() > found.moments[column].max()


def test_wrong_numbers_and_runs_are_refused(run, make_run):
    with pytest.raises(BadSettings, match=r"`points` \(=4\) is even.*Take 5"):
        study.landscape([run], points=4)
    with pytest.raises(BadSettings, match=r"`dimensions` \(=3\) is not 1"):
        study.landscape([run], dimensions=3)
    with pytest.raises(BadSettings, match="`parameters` names 1, for 2 dimensions"):
        study.landscape([run], parameters=["classifier.weight"])
    with pytest.raises(RunError, match=r"has the weights of 0 moments \(none\); a plane needs 3"):
        study.trajectory(make_run("plain8", experiment="e2"))


def test_the_shell_prints_points_and_trajectories(run, capsys):
    assert main(["landscape", run, "--points", "3", "--images", "10", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["points"]
    assert [(row["a"], row["b"]) for row in rows[:4]] == [(-1, -1), (0, -1), (1, -1), (-1, 0)]
    options = ["--dimensions", "1", "--parameter", "stem.conv.weight", "--points", "3", "--images", "10", "--csv"]
    assert main(["landscape", run, *options]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == ",".join([*tables.MEASURED_KEYS, *tables.LANDSCAPE])
    assert len(lines) == 4
    assert main(["landscape", run, "--trajectory", "--points", "3", "--images", "10", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [row["step"] for row in document["moments"]] == [0, 5, 10]
    assert len(document["points"]) == 9
    assert main(["landscape", run, "--trajectory", "--points", "3", "--images", "10"]) == 0
    assert "explained variance: " in capsys.readouterr().out
    assert main(["landscape", run, "plain8-w4", "--trajectory"]) == 1
    assert "A trajectory is that of one run; 2 are named." in capsys.readouterr().err
