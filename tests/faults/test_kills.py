"""Killed by SIGKILL at 200 random moments, the program loses nothing, doubles nothing and leaves nothing behind.

Workers are forked from a process that has imported PyTorch, which saves its seconds; servers are real ones, and so are
the workers that these start. Half of the kills come after a random time, the others right before a random change of a
file.
"""

import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections import Counter
from contextlib import suppress
from functools import cache
from pathlib import Path

import psutil
import pytest

from explorer.errors import ExplorerError
from explorer.files import PROJECT
from explorer.runs import experiments, store, transfer, trash
from explorer.runs.experiments import experiment, list_experiments, live_blocks, live_layers, metrics
from explorer.runs.snapshots import is_snapshot_step, read_snapshot
from explorer.runs.store import read_facts, read_run
from explorer.training import launch, starting
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe
from tests.faults.conftest import free_port, same

KILLS = {"worker": 80, "resume": 20, "import": 20, "export": 20, "delete": 20, "server": 20, "server and worker": 20}
assert sum(KILLS.values()) == 200

SHORT = Plan(
    networks=("plain8-w1", "resnet8-w1"),
    recipe=Recipe(steps=60, batch_size=16, learning_rate=0.03, evaluate_every=20, evaluate_images=20, probe_every=20,
                  last_images=40, augment=True),
)  # fmt: skip
LONG = SHORT.model_copy(update={"recipe": SHORT.recipe.model_copy(update={"steps": 300})})
PAUSED_AT = 30
MOST_SECONDS = 300  # for anything to be finished

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


# ---- processes that are killed


def _act(environment, shipped, kill, action, *arguments):
    """In a process of its own: call `action`; `kill` says what is killed before which change of a file."""
    os.environ.update(environment)
    store.SHIPPED = shipped
    store.STARTING_SECONDS = 1.0
    victim, before = kill
    starting.start_detached = lambda command, **_: _forked_worker(*command[1:], before if victim == "worker" else 0)
    if victim == "caller":
        _kill_before(before)
    places = (launch, transfer, sys.modules[__name__])
    getattr(next(each for each in places if hasattr(each, action)), action)(*arguments)


def delete(experiment_id):
    """As `runs delete` does."""
    trash.discard(experiments.set_aside(experiment_id))


class _forked_worker:  # noqa: N801 stands for a function that gives a process
    """What `python -m explorer.training.worker` does, begun by a fork; keeps its state often."""

    def __init__(self, experiment_id, lane, before):
        self.pid = os.fork()
        if self.pid:
            return
        code = 1
        try:
            os.setsid()
            begun = Path(os.environ["EXPLORER_HOME"]).with_name("begun")
            begun.mkdir(exist_ok=True)
            (begun / str(os.getpid())).touch()
            from explorer.training import session, worker

            session.LATEST_SECONDS = 0.02
            if before:
                _kill_before(before)
            code = worker.main(experiment_id, int(lane))
        finally:
            os._exit(code)


CHANGES = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "shutil.rmtree", "shutil.copyfile",
           "shutil.move", "sqlite3.connect", "tempfile.mkdtemp")  # fmt: skip


def _kill_before(number):
    """Let this process be killed right before its file operation of this number."""
    folder, count = str(Path(os.environ["EXPLORER_HOME"]).parent), 0

    def hook(event, arguments):
        nonlocal count
        if event in CHANGES and str(arguments[0]).startswith(folder):
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


@pytest.fixture(scope="module")
def context():
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(["explorer.training.session", "explorer.training.worker", "sklearn.datasets"])
    return found


@pytest.fixture
def workers(home, context):
    """Runs an action of `launch`, `experiments` or `transfer` in a process of its own; gives whether it was killed."""

    def run(action, *arguments, kill=("nothing", 0), after=None):
        environment = {name: value for name, value in os.environ.items() if name.startswith("EXPLORER_")}
        process = context.Process(target=_act, args=(environment, store.SHIPPED, kill, action, *arguments))
        process.start()
        process.join(after)
        if process.exitcode is None:
            process.kill()
        process.join(MOST_SECONDS)
        code = process.exitcode
        process.close()
        assert code in (0, -signal.SIGKILL), f"{action}: ends with {code}"
        return code != 0

    yield run
    for pid in worker_pids():
        psutil.Process(pid).kill()


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(store, "STARTING_SECONDS", 1.0, raising=False)
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def worker_pids():
    """Of the living workers of this home, also of those that have not said yet that they are."""
    begun = Path(os.environ["EXPLORER_HOME"]).with_name("begun")
    found = [int(each.name) for each in begun.glob("*") if is_running(int(each.name))]
    for run in (run for each in list_experiments() for run in each.runs):
        worker = run.facts.worker if run.facts else None
        if worker is not None and run.state in ("starting", "running") and psutil.pid_exists(worker.pid):
            found.append(worker.pid)
    return list(dict.fromkeys(found))


def is_running(pid):
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


@pytest.fixture
def finish(workers):
    """Brings an experiment to its end by what the program offers: resuming, starting what waits."""

    def go_on(experiment_id):
        end = time.monotonic() + MOST_SECONDS
        while (found := experiment(experiment_id)).state != "finished":
            told = [(run.state, run.damage or (run.facts.reason if run.facts else "")) for run in found.runs]
            assert time.monotonic() < end, f"not finished in {MOST_SECONDS} s: {told}"
            if found.state == "queued":
                workers("start_next")
            elif not found.active:
                assert found.resumable, f"cannot go on: {told}"
                workers("resume", experiment_id)
            time.sleep(0.02)
        assert all(run.state == "finished" for run in found.runs), [
            (run.id, run.state, run.damage) for run in found.runs
        ]
        wait_for(lambda: not worker_pids())

    return go_on


def wait_for(happened, seconds=MOST_SECONDS):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


# ---- what should be there in the end


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, context):
    """Gives the folders of the runs of a plan, "short", "long" or "paused" half way, as left alone in another home."""
    home = tmp_path_factory.mktemp("undisturbed") / "home"
    home.mkdir()

    @cache
    def trained(plan):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("EXPLORER_HOME", str(home))
            experiment_id = launch.queue(LONG if plan == "long" else SHORT)
            process = context.Process(target=_train, args=(str(home), experiment_id, plan == "paused"))
            process.start()
            process.join(MOST_SECONDS)
            assert process.exitcode == 0
            process.close()
            return [run.path for run in experiment(experiment_id).runs]

    return trained


def experiment_of(folders):
    return read_facts(folders[0]).experiment


@pytest.fixture
def archive(undisturbed, tmp_path):
    """The short experiment as a zip."""
    folders = undisturbed("short")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_HOME", str(folders[0].parent))
        return transfer.export(experiment_of(folders), tmp_path, all_snapshots=True)


def _train(home, experiment_id, paused):
    os.environ["EXPLORER_HOME"] = home
    from explorer.training import worker
    from explorer.training.session import Session, Shared

    if not paused:
        sys.exit(worker.main(experiment_id))
    shared = Shared()
    for run in experiment(experiment_id).runs:
        session = Session(run, shared)
        while session.step < PAUSED_AT:
            session.advance()
        session.leave("paused")


@pytest.fixture
def as_undisturbed(home, undisturbed):
    """Checks that runs have the bits and the rows of those that were left alone."""

    def facts_of(runs, steps):
        found = []
        for run in runs:
            state = [read_snapshot(run.path, step) for step in range(1, steps) if is_snapshot_step(step, steps)]
            table = metrics([run.id], points=None).drop(columns=["experiment", "run", "seconds", "images_per_second"])
            looks = [
                live([run.id], steps=None).drop(columns=["experiment", "run"]) for live in (live_layers, live_blocks)
            ]
            weights = (run.path / "checkpoint.safetensors").read_bytes()
            found.append((run.facts.network.name, state, table, looks, weights))
        return found

    def check(experiment_id, plan="short"):
        steps = {"short": SHORT, "long": LONG}[plan].recipe.steps
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("EXPLORER_HOME", str(undisturbed(plan)[0].parent))
            expected = facts_of([read_run(folder.name) for folder in undisturbed(plan)], steps)
        for one, other in zip(expected, facts_of(experiment(experiment_id).runs, steps), strict=True):
            assert one[0] == other[0]
            assert same(one[1], other[1]), "other weights"
            assert other[2]["step"].tolist() == list(range(steps + 1)), "rows are lost or doubled"
            assert one[2].equals(other[2]), "other metrics"
            assert all(a.equals(b) for a, b in zip(one[3], other[3], strict=True)), "other looks inside"
            assert one[4] == other[4], "another checkpoint"

    return check


LEFT = (".tmp", ".partial")
ASIDE = (".import-", ".deleted-")


def left_over(folder):
    """What no run needs and nobody works on, by its path."""
    found = [each for each in folder.rglob("*") if each.name.endswith(LEFT) or each.name.startswith(ASIDE)]
    for run in (run for each in list_experiments() for run in each.runs if run.state == "finished"):
        found += [path for name in ("latest.pt", "previous.pt") if (path := run.path / "snapshots" / name).exists()]
    return sorted(str(each.relative_to(folder)) for each in found)


@pytest.fixture
def nothing_left(home):
    """Checks that after the next start of the program no file is left over."""

    def check():
        for arguments in (
            ["runs", "list"],
            ["train", "plain8-w1", "--steps", "2", "--batch-size", "16", "--evaluate-images", "20"],
        ):
            command = [sys.executable, "-m", "explorer", *arguments]
            subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, timeout=MOST_SECONDS)
        assert not left_over(home)

    return check


@pytest.fixture(scope="module")
def tally(request):
    """Counts kills by what was killed; prints one line at the end."""
    counted = Counter()
    yield counted
    told = ", ".join(f"{kind} {number}" for kind, number in counted.items())
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\n{sum(counted.values())} kills survived ({told})")


# ---- the kills


def test_worker(home, workers, finish, as_undisturbed, nothing_left, tally):
    """Also while states are written: that is most of what these workers do."""
    moments, killed = random.Random(10), 0
    while killed < KILLS["worker"]:
        experiment_id = launch.queue(SHORT)
        for _ in range(5):
            by_time = moments.random() < 0.5
            moment = moments.uniform(0, 0.8) if by_time else moments.randint(1, 250)
            found = experiment(experiment_id)
            if found.state == "finished":
                break
            kill = ("nothing", 0) if by_time else ("worker", moment)
            workers(*(["start_next"] if found.state == "queued" else ["resume", experiment_id]), kill=kill)
            pids = worker_pids()
            if by_time:
                time.sleep(moment)
                for pid in pids:
                    os.kill(pid, signal.SIGKILL)
            wait_for(lambda: not worker_pids())
            wait_for(lambda: not experiment(experiment_id).active)  # noqa: B023 called at once
            killed += experiment(experiment_id).state != "finished"
        finish(experiment_id)
        as_undisturbed(experiment_id)
    nothing_left()
    tally["worker"] += killed


def test_resume(home, workers, finish, as_undisturbed, nothing_left, undisturbed, tally):
    folders = undisturbed("paused")
    experiment_id = experiment_of(folders)

    def bring_back():
        for pid in worker_pids():  # of a call that ended before its kill
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not worker_pids())
        for folder in folders:
            shutil.rmtree(home / folder.name, ignore_errors=True)
            shutil.copytree(folder, home / folder.name)

    bring_back()
    for _ in killed_calls(workers, KILLS["resume"], 20, bring_back, lambda: ["resume", experiment_id], tally, "resume"):
        finish(experiment_id)
        as_undisturbed(experiment_id)
    nothing_left()


def test_import(home, workers, as_undisturbed, nothing_left, archive, tally):
    def forget():
        for each in list_experiments():
            trash.discard(experiments.set_aside(each.id))

    for _ in killed_calls(workers, KILLS["import"], 60, forget, lambda: ["import_zip", archive], tally, "import"):
        try:
            found = transfer.import_zip(archive)
        except ExplorerError:  # all of it is here, or a part, which the message says to delete first
            found = list_experiments()[0].id
            if len(experiment(found).runs) < len(SHORT.networks):
                trash.discard(experiments.set_aside(found))
                found = transfer.import_zip(archive)
        as_undisturbed(found)
    nothing_left()


def test_export(home, tmp_path, workers, nothing_left, undisturbed, tally):
    for folder in undisturbed("short"):
        shutil.copytree(folder, home / folder.name)
    found, target = list_experiments()[0].id, tmp_path / "given" / "experiment.zip"
    target.parent.mkdir()
    with zipfile.ZipFile(transfer.export(found, tmp_path / "once.zip")) as given:
        expected = sorted(given.namelist())
    for _ in killed_calls(
        workers,
        KILLS["export"],
        60,
        lambda: target.unlink(missing_ok=True),
        lambda: ["export", found, target],
        tally,
        "export",
    ):
        transfer.export(found, target)
        with zipfile.ZipFile(target) as written:
            assert written.testzip() is None
            assert sorted(written.namelist()) == expected
        assert [each.name for each in target.parent.iterdir()] == [target.name]
    nothing_left()


def test_delete(home, workers, nothing_left, undisturbed, tally):
    folders = undisturbed("short")
    experiment_id = experiment_of(folders)

    def bring_back():
        for folder in folders:
            if not (home / folder.name).exists():
                shutil.copytree(folder, home / folder.name)

    bring_back()
    for _ in killed_calls(workers, KILLS["delete"], 40, bring_back, lambda: ["delete", experiment_id], tally, "delete"):
        for each in list_experiments():
            assert all(run.state == "finished" for run in each.runs), "a part of a run is left"
            trash.discard(experiments.set_aside(each.id))
        assert not list_experiments()
    nothing_left()


def killed_calls(workers, number, operations, prepare, call, tally, kind):
    """Comes back after each of `number` kills of a call; a call that ended before its kill does not count."""
    moments, killed = random.Random(kind), 0
    while killed < number:
        prepare()
        if moments.random() < 0.5:
            was_killed = workers(*call(), after=moments.uniform(0.005, 0.15))
        else:
            was_killed = workers(*call(), kill=("caller", moments.randint(1, operations)))
        if was_killed:
            killed += 1
            yield
    tally[kind] += killed


@pytest.mark.parametrize("kind", ["server", "server and worker"])
def test_server(home, workers, finish, as_undisturbed, nothing_left, tally, kind):
    """Each server starts what waits in the queue; where only it is killed, the worker goes on."""
    moments, begun = random.Random(kind), []
    for _ in range(KILLS[kind]):
        begun.append(launch.queue(LONG))
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.headless", "true",
             "--server.port", str(free_port())],
            cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        children = psutil.Process(server.pid)
        time.sleep(moments.uniform(1, 9))
        helpers = [
            each for each in children.children(recursive=True) if "explorer.training.worker" not in each.cmdline()
        ]
        pids = worker_pids()
        server.kill()
        if kind == "server and worker":
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
        server.wait()
        psutil.wait_procs(helpers, 20)
        assert not [each for each in helpers if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
        if kind == "server":
            assert all(psutil.pid_exists(pid) for pid in pids) or not experiment(begun[0]).active
        elif pids:
            wait_for(lambda: not worker_pids())
    for experiment_id in begun:
        finish(experiment_id)
        as_undisturbed(experiment_id, "long")
    nothing_left()
    tally[kind] += KILLS[kind]
