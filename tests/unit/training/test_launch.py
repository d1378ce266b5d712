"""Queueing without a worker: what stands in the run folders of a plan that starts from a checkpoint."""

import json
import zipfile

import pytest

from explorer.errors import BadSettings, ExplorerError, RunError, StorageError
from explorer.models.network import build
from explorer.runs import trash
from explorer.runs.checkpoint_facts import CheckpointFacts
from explorer.runs.checkpoints import save_checkpoint
from explorer.runs.experiments import experiment, list_experiments, set_aside
from explorer.runs.facts import MOST_NUMBER, MOST_TEXT, Where, with_notice
from explorer.runs.store import checkpoint_folder, list_runs, read_run, run_folder, run_lock, update_run
from explorer.runs.transfer import export, import_zip
from explorer.training import launch, starting
from explorer.training.engines import cluster
from explorer.training.launch import queue, start, start_all
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe

PLAN = Plan(networks=("plain8-w2",), recipe=Recipe(steps=2, batch_size=16, evaluate_images=10), seeds=(0, 1))


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(launch, "_start_next", lambda: None)  # nothing is trained here
    return tmp_path / "home"


@pytest.fixture
def keep(home):
    """Save a drawn network among the checkpoints; gives its file."""

    def save(name="small", network="plain8-w2", seed=5, normalisation="channel"):
        checkpoint_folder().mkdir(parents=True, exist_ok=True)
        path = checkpoint_folder() / f"{name}.safetensors"
        built = build(network, channels=1, seed=seed)
        save_checkpoint(built, path, CheckpointFacts(network=built.config, normalisation=normalisation))
        return path

    return save


def starting_from(initial):
    return PLAN.model_copy(update={"initial": str(initial)})


def files(run_id):
    return [(run_folder(run_id) / f"initial.{ending}").read_bytes() for ending in ("safetensors", "json")]


@pytest.mark.parametrize("by_path", [False, True])
def test_every_run_folder_gets_a_copy_of_the_checkpoint(by_path, keep):
    path = keep()
    ids = experiment(queue(starting_from(path if by_path else "small"))).run_ids
    assert len(ids) == 2
    weights = path.read_bytes()
    path.unlink()  # the copies are the whole truth
    for run_id in ids:
        assert files(run_id)[0] == weights
        assert json.loads(files(run_id)[1])["sha256"] == read_run(run_id).facts.initial_sha256
        assert read_run(run_id).facts.initial == (str(path) if by_path else "small")


def test_without_a_checkpoint_there_are_no_such_files(keep):
    (run_id, _) = experiment(queue(PLAN)).run_ids
    assert not list(run_folder(run_id).glob("initial.*"))
    assert (read_run(run_id).facts.initial, read_run(run_id).facts.initial_sha256) == ("", "")


def test_the_checkpoints_beside_the_runs_are_not_a_run(keep, home):
    keep()
    (home / "checkpoints" / "run.json").write_text("{")
    assert list_experiments() == []


def test_the_weights_travel_with_an_exported_experiment(keep, tmp_path):
    keep()
    found = experiment(queue(starting_from("small")))
    expected = [files(run_id) for run_id in found.run_ids]
    path = export(found.id, tmp_path)
    names = zipfile.ZipFile(path).namelist()
    assert {f"{found.run_ids[0]}/initial.safetensors", f"{found.run_ids[0]}/initial.json"} <= set(names)
    for run_id in found.run_ids:
        update_run(run_id, state="stopped")
    trash.discard(set_aside(found.id))
    import_zip(path)
    assert [files(run_id) for run_id in found.run_ids] == expected


def test_the_same_plan_from_other_weights_is_another_experiment(keep):
    keep("first", seed=1)
    keep("second", seed=2)
    ids = [start(PLAN), start(starting_from("first")), start(starting_from("second"))]
    assert len(set(ids)) == 3
    assert [start(PLAN), start(starting_from("first")), start(starting_from("second"))] == ids
    keep("third", seed=2)
    assert start(starting_from("third")) == ids[2]  # the same weights by another name


@pytest.mark.parametrize(
    ("saved", "changes", "message"),
    [
        (
            {"network": "plain14-w2"},
            {},
            "`initial` (='small') is plain14-w2 (classes=10, channels=1); the plan has plain8-w2 (",
        ),
        (
            {},
            {"networks": ("plain8-w2", "resnet8-w2")},
            "the plan has resnet8-w2 (classes=10, channels=1). Train plain8-w2 alone",
        ),
        (
            {},
            {"data": "cifar10"},
            "is plain8-w2 (classes=10, channels=1); the plan has plain8-w2 (classes=10, channels=3",
        ),
        (
            {"normalisation": "pixel"},
            {},
            "`normalisation` (='channel') is not the one that `initial` (='small') was trained with. Use 'pixel'.",
        ),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused_before_anything_is_made(saved, changes, message, keep):
    keep(**saved)
    with pytest.raises(BadSettings) as error:
        queue(starting_from("small").model_copy(update=changes))
    assert message in str(error.value)
    assert list_experiments() == []


def test_a_checkpoint_that_is_missing_or_damaged_is_refused_before_anything_is_made(keep):
    with pytest.raises(RunError, match=r"`initial` \(='nothing'\) is neither a finished run nor a checkpoint in "):
        queue(starting_from("nothing"))
    with pytest.raises(RunError, match=r"`initial` \(='run@5'\) is neither a finished run"):
        start(starting_from("run@5"))
    path = keep()
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StorageError, match="small.safetensors is damaged: its sha256"):
        start(starting_from("small"))
    path.unlink()
    with pytest.raises(StorageError, match="There is no file .*small.safetensors"):
        start(starting_from(path))
    assert list_experiments() == []


def test_the_title_tells_where_it_started():
    assert PLAN.display_title() == "plain8-w2 on Handwritten digits"
    assert starting_from("/a/b/net.safetensors").display_title().endswith(", from net.safetensors")


def test_a_start_removes_what_nobody_owns(home):
    home.mkdir()
    left = home / ".run.json.1-1.0123abcd.tmp"  # process 1 did not begin then
    left.touch()
    start(PLAN)
    assert not left.exists()


def test_whoever_asks_starts_somebody_who_sees_to_it(monkeypatch, make_run):
    started = []
    monkeypatch.setattr(starting, "start_detached", lambda arguments, **options: started.append(arguments))
    run_id = make_run(state="running")
    make_run("resnet8", state="queued")
    with run_lock(run_folder(run_id)):
        launch.pause("e1")
        launch.stop("e1")
    assert started == [["explorer.training.watchdog", "e1"]] * 2
    launch.stop("e1")  # it has crashed by now
    assert len(started) == 2


def test_the_reason_of_a_crash_is_kept_when_it_is_stopped(make_run):
    run_id = make_run(state="running")
    (run_folder(run_id) / "worker.log").write_text("reason: The folder is read-only.\n")
    launch.stop("e1")
    assert (read_run(run_id).state, read_run(run_id).reason) == ("stopped", "The folder is read-only.")


def test_no_number_in_another_run_keeps_new_ones_from_starting(make_run):
    make_run(experiment="odd", state="paused", number=MOST_NUMBER, queued=float(MOST_NUMBER), notice="n" * MOST_TEXT)
    (first, _), (second, _) = (experiment(queue(PLAN)).run_ids for _ in range(2))
    assert [read_run(run_id).state for run_id in (first, second)] == ["queued", "queued"]
    (odd,) = (run for run in list_runs() if run.facts.experiment == "odd")
    assert update_run(odd.id, notice=with_notice(odd.facts, "Mended.")).notice.endswith("Mended.")


def test_several_plans_are_queued_in_order_and_one_that_waits_already_is_not_queued_again(home):
    plans = [PLAN.model_copy(update={"seeds": (seed,)}) for seed in range(3)]
    waiting = start(plans[1])
    ids = start_all(plans, Where(lanes=2))
    assert ids[1] == waiting
    queued = {each.id: each.runs[0].facts for each in list_experiments()}
    assert len(queued) == 3
    assert queued[waiting].queued < queued[ids[0]].queued < queued[ids[2]].queued
    assert queued[ids[0]].number + 1 == queued[ids[2]].number
    assert queued[ids[2]].where.lanes == 2


def test_if_one_plan_is_at_fault_none_is_queued():
    with pytest.raises(RunError, match="neither a finished run nor a checkpoint"):
        start_all([PLAN, starting_from("gone")])
    assert list_experiments() == []


def test_a_cluster_without_its_library_is_refused_before_anything_is_made(monkeypatch):
    monkeypatch.setattr(cluster, "find_spec", lambda name: None)
    with pytest.raises(ExplorerError, match="ray is not installed. Install it with"):
        start(PLAN, Where(engine="ray"))
    assert list_experiments() == []
