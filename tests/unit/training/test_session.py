"""One run in a process: where it starts, and that it goes on from where it was left."""

import shutil
import sqlite3
from contextlib import closing
from functools import partial

import pytest
import torch

from explorer.errors import RunError, StorageError
from explorer.models.network import build
from explorer.runs.checkpoint_facts import CheckpointFacts, checkpoint_facts, snapshot_steps
from explorer.runs.checkpoints import save_checkpoint
from explorer.runs.experiments import live_blocks, live_layers, metrics
from explorer.runs.facts import settings_digest, training_settings
from explorer.runs.mending import mend
from explorer.runs.metrics import read_live, read_metrics
from explorer.runs.snapshots import resume_state, write_latest
from explorer.runs.state_files import remove_states
from explorer.runs.store import read_facts, read_run, run_folder, write_facts
from explorer.training import memory, session
from explorer.training.devices import threads
from explorer.training.launch import queue
from explorer.training.loop import Training, train
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe
from explorer.training.session import Session, Shared

RECIPE = Recipe(steps=6, batch_size=16, evaluate_every=3, evaluate_images=20, probe_every=2)


@pytest.fixture(autouse=True)
def one_thread(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    with threads(1):
        yield


@pytest.fixture
def initial(tmp_path):
    """A checkpoint whose weights no seed of the plan draws."""
    network = build("plain8-w2", channels=1, seed=77)
    save_checkpoint(network, tmp_path / "small.safetensors", CheckpointFacts(network=network.config))
    return tmp_path / "small.safetensors"


def queued(initial="", network="plain8-w2", **recipe):
    plan = Plan(networks=(network,), recipe=RECIPE.model_copy(update=recipe), initial=str(initial))
    return f"{queue(plan)}-{network}-s0"


def weights(session):
    return torch.cat([tensor.flatten().double() for tensor in session.training.network.state_dict().values()]).cpu()


def finished(session):
    while session.advance():
        pass
    return session


def test_a_run_starts_from_its_initial_weights_or_draws_them(initial):
    for run_id, seed in ((queued(initial), 77), (queued(), 0)):
        session = Session(read_run(run_id), Shared())
        expected = build("plain8-w2", channels=1, seed=seed).stem.conv.weight
        assert torch.equal(session.training.network.stem.conv.weight.cpu(), expected)
        assert session.training.network.training
        session.close()


@pytest.mark.parametrize("left_after", [0, pytest.param(1, marks=pytest.mark.slow), 4])
def test_a_run_with_initial_weights_goes_on_exactly(left_after, initial):
    whole = finished(Session(read_run(queued(initial)), Shared()))
    run_id = queued(initial)
    session = Session(read_run(run_id), Shared())
    for _ in range(left_after):
        session.advance()
    session.leave("paused")
    again = Session(read_run(run_id), Shared())
    assert again.step == max(0, left_after - 1)
    assert torch.equal(weights(finished(again)), weights(whole))
    columns = ["step", "loss", "train_error", "test_error"]
    tables = [metrics([each], points=None)[columns] for each in (whole.run.id, run_id)]
    assert tables[0].equals(tables[1])
    for live in (live_layers, live_blocks):
        looks = [live([each]).drop(columns=["experiment", "run"]) for each in (whole.run.id, run_id)]
        assert looks[0].equals(looks[1])


@pytest.mark.parametrize("left_after", [1, *(pytest.param(each, marks=pytest.mark.slow) for each in (3, 4)), 5])
def test_a_run_left_inside_a_block_of_steps_goes_on_exactly(left_after, monkeypatch):
    whole = finished(Session(read_run(queued(probe_every=0, steps=20)), Shared()))
    monkeypatch.setattr(session, "train", partial(train, block_steps=16))
    run_id = queued(probe_every=0, steps=20)
    first = Session(read_run(run_id), Shared())
    while first.step < left_after:
        first.advance()
    first.leave("paused")
    again = Session(read_run(run_id), Shared())
    assert again.step == left_after
    assert torch.equal(weights(finished(again)), weights(whole))
    columns = ["step", "loss", "batch_error", "test_error"]
    assert metrics([run_id], points=None)[columns].equals(metrics([whole.run.id], points=None)[columns])
    assert read_run(run_id).facts.environment["block_steps"] == 16


@pytest.mark.parametrize("left_after", [pytest.param(1, marks=pytest.mark.slow), 4])
def test_a_run_with_stochastic_depth_goes_on_exactly(left_after):
    whole = finished(Session(read_run(queued(network="resnet20-w2", stochastic_depth=0.5)), Shared()))
    run_id = queued(network="resnet20-w2", stochastic_depth=0.5)
    session = Session(read_run(run_id), Shared())
    while session.step < left_after:
        session.advance()
    session.leave("paused")
    assert torch.equal(weights(finished(Session(read_run(run_id), Shared()))), weights(whole))
    columns = ["step", "loss", "batch_error", "test_error"]
    assert metrics([run_id])[columns].equals(metrics([whole.run.id])[columns])


def test_a_step_that_cannot_be_captured_is_noted_once(monkeypatch):
    monkeypatch.setattr(Training, "capture_failure", "no such operation")
    run = finished(Session(read_run(queued(probe_every=0)), Shared())).run
    assert read_run(run.id).facts.notice == (
        "Its steps could not be captured in a CUDA graph, which makes them slower: no such operation."
    )


def test_lost_initial_weights_are_never_replaced_by_drawn_ones(initial):
    run_id = queued(initial)
    (run_folder(run_id) / "initial.safetensors").unlink()
    with pytest.raises(StorageError, match="There is no file .*initial.safetensors"):
        Session(read_run(run_id), Shared())


def test_other_initial_weights_are_not_taken_for_those_it_started_from(initial):
    run_id = queued(initial)
    network = build("plain8-w2", channels=1, seed=78)
    save_checkpoint(network, run_folder(run_id) / "initial.safetensors", CheckpointFacts(network=network.config))
    with pytest.raises(StorageError, match="holds other weights than .* started from"):
        Session(read_run(run_id), Shared())


def test_a_run_keeps_its_layers_and_blocks_at_the_steps_asked_for():
    run_id = finished(Session(read_run(queued()), Shared())).run.id
    layers, blocks = live_layers([run_id]), live_blocks([run_id])
    assert layers.groupby("step").size().to_dict() == {0: 8, 2: 8, 4: 8, 6: 8}
    assert blocks.groupby("step").size().to_dict() == {0: 3, 2: 3, 4: 3, 6: 3}
    assert layers["gradient_norm"].gt(0).all()


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("no memory"), TypeError("no float64"), KeyError("no layer")])
def test_a_look_that_fails_is_noted_and_does_not_end_the_training(error, monkeypatch, capsys):
    def fails(training):
        raise error

    monkeypatch.setattr(Training, "probe", fails)
    run = finished(Session(read_run(queued()), Shared())).run
    assert read_run(run.id).state == "finished"
    assert live_layers([run.id]).empty
    assert f"its layers could not be measured at step 4: {error}" in capsys.readouterr().out
    noted = f"Layers could not be measured at some steps ({error}); the log names them."
    assert read_facts(run.path).notice == noted


def test_a_run_that_computes_twice_says_so(monkeypatch, capsys):
    monkeypatch.setattr(memory, "available_bytes", lambda device: 2**10)
    monkeypatch.setattr(memory, "HOLES", {False: 1, True: 1})
    session = Session(read_run(queued(network="plain20-w2")), Shared())
    session.close()
    assert "uses activation checkpointing" in capsys.readouterr().out
    assert read_run(session.run.id).facts.environment["recomputes"] is True


def left(steps, **facts):
    """A run that was paused after so many steps; gives its id and folder."""
    run_id = queued(**facts)
    session = Session(read_run(run_id), Shared())
    while session.step < steps:
        session.advance()
    session.leave("paused")
    return run_id, run_folder(run_id)


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def test_a_damaged_state_costs_the_steps_since_the_one_before_and_is_told():
    whole = finished(Session(read_run(queued()), Shared()))
    run_id, folder = left(4)
    flip(folder / "snapshots" / "latest.pt")
    session = Session(read_run(run_id), Shared())
    notice = read_run(run_id).facts.notice
    assert session.step == 2
    assert notice == "latest.pt is damaged: its checksum is wrong: training went on from step 2."
    assert torch.equal(weights(finished(session)), weights(whole))
    assert read_run(run_id).facts.notice == notice


@pytest.mark.parametrize(
    ("name", "setting"), [("recipe", "recipe.learning_rate"), ("seed", "seed"), ("network", "network.width")]
)
def test_a_state_of_other_settings_is_refused_by_their_name(name, setting):
    run_id, folder = left(4)
    other = {
        "recipe": RECIPE.model_copy(update={"learning_rate": 0.5}).model_dump(),
        "seed": 3,
        "network": read_run(run_id).facts.network.model_copy(update={"width": 4}),
    }
    facts = read_run(run_id).facts.model_copy(update={name: other[name]})
    write_facts(folder, facts.model_copy(update={"settings_sha256": settings_digest(facts)}))
    with pytest.raises(RunError, match=f"step 4 was made with another `{setting}` than run.json says"):
        Session(read_run(run_id), Shared())
    assert read_run(run_id).state == "paused"  # and its metrics are as they were


def test_both_states_damaged_cost_all_steps_and_the_result_is_the_same():
    whole = finished(Session(read_run(queued()), Shared()))
    run_id, folder = left(4)
    for name in ("latest.pt", "previous.pt"):
        flip(folder / "snapshots" / name)
    session = Session(read_run(run_id), Shared())
    assert "training started again." in read_run(run_id).facts.notice
    assert torch.equal(weights(finished(session)), weights(whole))


def test_a_run_that_ends_while_a_snapshot_is_written_makes_it_again(monkeypatch):
    run_id = queued()

    def power_failure(folder, state):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(session, "write_snapshot", power_failure)
        finished(Session(read_run(run_id), Shared()))
    finished(Session(read_run(run_id), Shared()))
    assert snapshot_steps(run_folder(run_id)) == [1, 2, 5]


def test_the_first_seed_of_each_network_keeps_snapshots_and_no_finished_run_a_state():
    experiment_id = queue(Plan(networks=("plain8-w2", "resnet8-w2"), recipe=RECIPE, seeds=(3, 4)))
    ids = [f"{experiment_id}-{name}-w2-s{seed}" for seed in (3, 4) for name in ("plain8", "resnet8")]
    for run_id in ids:
        finished(Session(read_run(run_id), Shared()))
    assert [snapshot_steps(run_folder(run_id)) for run_id in ids] == [[1, 2, 5], [1, 2, 5], [], []]
    assert not [path for run_id in ids for path in (run_folder(run_id) / "snapshots").glob("[!s]*")]


def test_a_state_of_another_run_is_passed_over_for_an_own_one():
    whole = finished(Session(read_run(queued()), Shared()))
    run_id, folder = left(4)
    state, _ = resume_state(folder, 3)
    write_latest(folder, state)
    write_latest(folder, state | {"step": 4, "settings": state["settings"] | {"seed": 3}})
    session = Session(read_run(run_id), Shared())
    assert session.step == 2
    assert read_run(run_id).facts.notice == (
        "latest.pt of step 4 was made with another `seed` than run.json says: training went on from step 2."
    )
    assert torch.equal(weights(finished(session)), weights(whole))


def test_it_is_told_that_no_state_was_left():
    run_id, folder = left(4)
    shutil.rmtree(folder / "snapshots")
    Session(read_run(run_id), Shared()).close()
    assert read_run(run_id).facts.notice == "all states are missing: training started again."


def test_a_state_without_settings_is_one_of_an_earlier_version():
    run_id, folder = left(4)
    state, _ = resume_state(folder, 3)
    del state["settings"]
    remove_states(folder)
    torch.save(state, folder / "snapshots" / "step-0000002.pt")  # a snapshot was a complete state
    session = Session(read_run(run_id), Shared())
    session.close()
    assert session.step == 2
    assert read_run(run_id).facts.notice == ""


@pytest.mark.parametrize("end", ["paused", "finished", "closed"])
def test_changed_metrics_are_seen_once_the_training_has_ended(end):
    session = Session(read_run(queued()), Shared())
    folder = session.run.path
    assert read_facts(folder).metrics_sha256 == ""
    session.advance()
    {"paused": lambda: session.leave("paused"), "finished": lambda: finished(session), "closed": session.close}[end]()
    assert read_run(session.run.id).state != "damaged"
    with closing(sqlite3.connect(folder / "metrics.db")) as database:
        database.execute("UPDATE metrics SET test_error = 0.01")
        database.commit()
    assert "metrics.db of" in read_run(session.run.id).damage
    assert "was changed since the training ended" in read_run(session.run.id).damage


def test_a_run_with_mended_metrics_ends_with_the_same_weights():
    whole = finished(Session(read_run(queued()), Shared()))
    run_id, folder = left(4)
    (folder / "metrics.db").write_bytes(b"")
    assert "none of its rows could be read. Training goes on from step 4." in mend(run_id)
    session = Session(read_run(run_id), Shared())
    assert session.step == 4
    assert torch.equal(weights(finished(session)), weights(whole))
    rows, expected = metrics([run_id], points=None), metrics([whole.run.id], points=None)
    assert rows["step"].tolist() == [*range(7)]
    assert rows["loss"][:5].isna().all()
    assert rows["loss"][5:].equals(expected["loss"][5:])
    assert read_run(run_id).progress.test_error == read_run(whole.run.id).progress.test_error


FILES = ["run.json", "metrics.db", "checkpoint.json"]


@pytest.mark.parametrize("every", [97, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_in_a_finished_run_changes_nothing_unseen(name, every):
    run_id = finished(Session(read_run(queued()), Shared())).run.id

    def told():
        run = read_run(run_id)
        if run.state == "damaged":
            return None
        try:
            results = checkpoint_facts(run_id), read_metrics(run.path), read_live(run.path, "layers")
        except StorageError:
            return None
        return run.state, run.progress, training_settings(run.facts), *results  # the rest says nothing of a result

    expected = told()
    path = run_folder(run_id) / name
    content = path.read_bytes()
    seen = 0
    for place in range(0, len(content), every):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :])
        found = told()
        assert found in (None, expected)
        seen += found is None
    assert seen
