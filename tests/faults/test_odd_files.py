"""Whatever is in a run folder, that run alone is listed as damaged or is sound; every command and page goes on."""

import re
import shlex
import time
import zipfile

import pytest
import streamlit as st

from explorer.cli import checkpoints, construct, data, degradation, runs
from explorer.cli.main import app, main
from explorer.errors import ExplorerError
from explorer.runs import experiments, trash
from explorer.runs.checkpoints import load_checkpoint
from explorer.runs.experiments import list_experiments
from explorer.runs.store import read_run
from explorer.training import launch, worker
from explorer.ui.navigation import PAGES
from tests.app.reading import texts
from tests.faults.conftest import LONG, PLAN, SECRET, listing, unblocked
from tests.faults.odd_runs import ODD, make_odd

SOUND = ("finished", "paused", "stopped", "failed", "crashed", "queued", "starting", "running")
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ud800-\udfff]")

# GOOD stands for a good run, ID for the run that the command is about, TARGET for a file to write.
LISTING = [
    "runs list",
    "runs list --json",
    "checkpoints list",
    "checkpoints compare",
    "checkpoints list --json",
    "data status",
    "networks",
    "device",
    "methods",
    "describe resnet20",
    "diff plain20 resnet20",
]
READING = ["runs show ID", "runs metrics ID", "degradation verdict ID", "code ID", "runs export ID TARGET"]
READING_AGAIN = [  # the same answers by other words
    "runs show ID --json",
    "runs metrics ID --json",
    "degradation verdict ID --json",
    "checkpoints list",
    "checkpoints export ID TARGET.safetensors",
    "report ID --to TARGET.html --no-responses",
    "runs metrics ID --parquet TARGET.parquet",
    "runs export ID --plan TARGET.yaml",
    "runs export ID --tensorboard TARGET",
]
MEASURING = [
    "evaluate ID --images 20",
    "evaluate ID@5 --images 20",
    "responses ID --images 20",
    "gradients ID --images 20",
    "ledger ID --images 20",
    "attribute ID --image test:1 --method saliency",
    "attribute-check ID --image test:1",
    "attribute-agreement ID --image test:1",
    "export-onnx ID TARGET.onnx",
    "construct identity ID --depth 14 --to TARGET.safetensors",
    "report ID --to TARGET.html",
]
CHANGING = [
    "runs pause ID",
    "runs rename ID another-title",
    "runs note ID a-note",
    "runs mend ID",
    "runs resume ID",
    "runs stop ID",
    "runs delete ID --yes",
]
ELSEWHERE = {  # what these do is no question of the runs that are there, or other tests ask it
    "app", "train", "load", "degradation run", "degradation assign", "degradation hand-in",
    "runs import", "runs undo-import", "checkpoints import", "checkpoints delete", "data add",
    "data check", "data remove", "data download", "data verify", "xray", "shattering", "lesson",
    "operate", "lesion", "shuffle", "shortcut-strength", "critical", "probe", "cka", "cka-pitfall", "paths",
    "landscape", "refine", "block", "contributions", "filters", "exciting",
}  # fmt: skip

LINKS = {  # pages that open what a link names
    "train": "experiment",
    "runs": "experiment",
    "degradation": "experiment",
    "responses": "networks",
    "blocks": "twins",
    "attributions": "networks",
    "evaluate": "networks",
    "checkpoints": "checkpoint",
}


@pytest.fixture
def told(capsys, tmp_path):
    """Runs commands about a run; gives what is wrong with how they end, one line a fault."""

    def run(commands, run_id, good=""):
        faults = []
        for number, command in enumerate(commands):
            target = tmp_path / "target" / f"{number}-{len(list((tmp_path / 'target').glob('*')))}"
            target.parent.mkdir(exist_ok=True)
            words = [
                word.replace("ID", run_id).replace("GOOD", good).replace("TARGET", str(target))
                for word in shlex.split(command)
            ]
            begun, code = time.process_time(), None
            try:
                code = main(words)
            except Exception as error:  # noqa: BLE001 any is a fault
                faults.append(f"{command}: {type(error).__name__}: {str(error)[:200]}")
            except SystemExit as left:
                faults.append(f"{command}: leaves with {left.code}")
            printed = capsys.readouterr()
            if odd := CONTROL.search(printed.out + printed.err):
                faults.append(f"{command}: prints {odd[0]!r}")
            if code == 1 and printed.err.count("\n") != 1:
                faults.append(f"{command}: tells its error in {printed.err.count(chr(10))} lines: {printed.err[:300]}")
            if "Traceback" in printed.out + printed.err:
                faults.append(f"{command}: shows a stack trace")
            if (seconds := time.process_time() - begun) > LONG:
                faults.append(f"{command}: takes {seconds:.1f} s")
        return faults

    return run


def outcome(what, action, *arguments):
    """A list with the fault of a call that ends in anything but a result or an `ExplorerError`."""
    begun = time.process_time()
    try:
        action(*arguments)
    except ExplorerError as error:
        if CONTROL.search(str(error)):
            return [f"{what}: control characters in {str(error)[:200]!r}"]
    except Exception as error:  # noqa: BLE001
        return [f"{what}: {type(error).__name__}: {str(error)[:200]}"]
    seconds = time.process_time() - begun
    return [f"{what}: takes {seconds:.1f} s"] if seconds > LONG else []


def listed():
    return {run.id: run for found in list_experiments() for run in found.runs}


def badly_listed(run, expected):
    """Whether a run is listed otherwise than it should be, in words; empty where all is well."""
    if run is None:
        return "is not in the list"
    if expected != "either" and (run.state == "damaged") != (expected == "damaged"):
        return f"is {run.state}, not {expected}: {run.damage}"
    if run.state == "damaged" and not run.damage:
        return "is damaged without a reason"
    if run.state == "damaged" and (CONTROL.search(run.damage) or "\n" in run.damage or len(run.damage) > 1000):
        return f"is damaged for a reason that is no line of text: {run.damage[:300]!r}"
    return "" if run.state == "damaged" or run.state in SOUND else f"is {run.state}"


def test_these_are_all_commands():
    groups = {
        "checkpoints": checkpoints.app,
        "construct": construct.app,
        "data": data.app,
        "degradation": degradation.app,
        "runs": runs.app,
    }
    known = {f"{group} {name}" for group, commands in groups.items() for name in commands._subcommands}
    known |= set(app._subcommands) - set(groups)
    tried = [*LISTING, *READING, *READING_AGAIN, *MEASURING, *CHANGING]
    assert known == ELSEWHERE | {name for name in known if any(f"{each} ".startswith(f"{name} ") for each in tried)}


# ---- each odd run beside two good ones


# Many, and alike: all broken fields, and five of six of the others
ALIKE = {name for name in ODD if name.startswith("field-")}
ALIKE |= {name for number, name in enumerate(sorted(ODD.keys() - ALIKE)) if number % 6}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow if name in ALIKE else ()) for name in ODD])
def test_a_run_with_one_thing_wrong(home, trained, told, name):
    run_id = make_odd(trained, home, name)
    with unblocked(home) as waited:
        faults = _faults_about(run_id, home, trained, told, ODD[name].listed)
    faults += [f"waits for somebody to write into {pipe}" for pipe in dict.fromkeys(waited)]
    assert not faults, "\n".join(faults)


def _faults_about(run_id, home, trained, told, expected):
    """What goes wrong where a run is listed, read, resumed, stopped and deleted."""
    good = {trained.finished.name: "finished", trained.paused.name: "paused"}
    outside = listing(home.parent / "outside")
    begun = time.process_time()
    try:
        found = listed()
    except Exception as error:  # noqa: BLE001
        return [f"the list: {type(error).__name__}: {str(error)[:200]}"]
    if (seconds := time.process_time() - begun) > LONG:
        return [f"the list takes {seconds:.1f} s"]
    faults = []
    if {each: found[each].state for each in good} != good:
        faults.append("the good runs are not listed as what they are")
    if bad := badly_listed(found.get(run_id), expected):
        faults.append(f"it {bad}")
    if found.get(run_id) is None:
        return faults
    faults += told(["runs list", *READING], run_id)
    faults += outcome("load_checkpoint", load_checkpoint, run_id)
    faults += told(["runs rename ID another-title"], run_id)
    faults += _resumed(run_id, home)
    faults += told(["runs stop ID", "runs delete ID --yes"], run_id)
    for archive in (home.parent / "target").glob("*"):
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                taken = [each for each in opened.namelist() if SECRET.encode() in opened.read(each)]
            faults += [f"export takes {each} from outside of the home" for each in taken]
    if listing(home.parent / "outside") != outside:
        faults.append("what is outside of the home was changed")
    if {run_id: listed()[run_id].state for run_id in good} != good:
        faults.append("the good runs are not what they were")
    return faults


def _resumed(run_id, home):
    """Faults of resuming: by the program that starts the worker, then in the worker's own code."""
    found = next(each for each in list_experiments() if run_id in each.run_ids)
    if not found.resumable:
        return []
    faults = outcome("resume", launch.resume, found.id)
    run = read_run(run_id)
    if faults or run.steps > 1000:
        return faults
    faults += outcome("queue", lambda: launch.update_run(run_id, state="queued"))
    faults += outcome("worker", worker.main, found.id)
    run = read_run(run_id)
    reason = run.facts.reason if run.facts else run.damage
    if re.match(r"[A-Za-z]*(Error|Exception)\b", reason) or "\n" in reason:
        faults.append(f"worker: the run is {run.state} because of {reason[:200]!r}")
    return faults


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD)
def test_measuring_a_run_with_one_thing_wrong(home, trained, told, name):
    run_id = make_odd(trained, home, name)
    with unblocked(home) as waited:
        faults = told([*READING_AGAIN, *MEASURING], run_id) + waited
    assert not faults, "\n".join(faults)


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD)
def test_pages_about_a_run_with_one_thing_wrong(home, trained, open_page, name):
    run_id, faults = make_odd(trained, home, name), []
    with unblocked(home) as waited:
        for page, key in LINKS.items():
            st.cache_data.clear()
            faults += outcome(page, _opened, open_page, page, key, run_id)
    faults += waited
    assert not faults, "\n".join(faults)


def _opened(open_page, page, key="", asked=None):
    shown = texts(open_page(page, **({key: asked} if key else {})))
    assert "Traceback" not in shown
    assert SECRET not in shown
    assert not (odd := CONTROL.search(shown)), f"shows {odd[0]!r}"


# ---- all of them in one home


@pytest.fixture(scope="module")
def crowd(tmp_path_factory, make_home, trained):
    """A home with the two good runs and all odd ones."""
    home = make_home(tmp_path_factory.mktemp("crowd"))
    for name in ODD:
        make_odd(trained, home, name)
    return home


@pytest.fixture
def crowded(crowd, monkeypatch, tmp_path):
    st.cache_data.clear()
    monkeypatch.setenv("EXPLORER_HOME", str(crowd))
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "data"))
    with unblocked(crowd) as waited:
        yield crowd
    assert not waited


def test_all_are_listed(crowded, trained):
    begun = time.process_time()
    found = listed()
    assert time.process_time() - begun < LONG
    assert found[trained.finished.name].state == "finished"
    assert found[trained.paused.name].state == "paused"
    wrong = {name: badly_listed(found.get(f"odd-{name}"), odd.listed) for name, odd in ODD.items()}
    assert not {name: fault for name, fault in wrong.items() if fault}


def test_commands_about_a_good_run_among_odd_ones(crowded, trained, told):
    assert not told([*LISTING, *READING], trained.finished.name)


@pytest.mark.slow
def test_measuring_a_good_run_among_odd_ones(crowded, trained, told):
    assert not told([*READING_AGAIN, *MEASURING], trained.finished.name)


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=pytest.mark.slow if page in ("attributions", "lesson") else ()) for page in PAGES]
)
def test_pages_among_odd_runs(crowded, open_page, page):
    assert not outcome(page, _opened, open_page, page)


@pytest.mark.parametrize("page", LINKS)
def test_pages_about_a_good_run_among_odd_ones(crowded, trained, open_page, page):
    assert not outcome(page, _opened, open_page, page, LINKS[page], trained.finished.name)


def test_the_queue_goes_on_among_odd_runs(crowded):
    queued = launch.queue(PLAN)
    try:
        found = listed()
        assert {run.id for run in found.values() if run.state in ("starting", "running")} == set()
        assert {run.state for run in found.values() if run.id.startswith(queued)} == {"queued"}
        assert launch.start_next() == queued
    finally:
        for run in experiments.experiment(queued).runs:
            launch.update_run(run.id, state="stopped", worker=None)
        trash.discard(experiments.set_aside(queued))
