"""Thousands of files harmed at random: each is refused in words or is sound; nothing else is touched.

The seed is fixed; a fault names the number of its mutation, whose content `ROUNDS` and the seed give again.
"""

import json
import random
import shutil
import time
from collections import Counter
from dataclasses import dataclass, field

import pytest

from explorer.errors import BadSettings, ExplorerError, StorageError
from explorer.runs import experiments, transfer
from explorer.runs.checkpoint_facts import checkpoint_facts, moments
from explorer.runs.experiments import list_experiments
from explorer.runs.metrics import MetricsWriter
from explorer.runs.snapshots import read_snapshot, resume_state
from explorer.studies import degradation
from explorer.studies.listing import experiment_row, run_errors, run_row
from explorer.training.plan import Plan
from tests.faults.conftest import LONG, PAUSED_AT, PLAN, listing, same
from tests.faults.mutations import mutated, mutated_json, mutated_zip

ROUNDS = 2000
LOOK_EVERY = 100  # rounds: then what is outside of the home is compared
FEW = 10  # faults of a kind that are told in full

pytestmark = pytest.mark.slow


@dataclass
class Watch:
    """Collects faults, and compares what should stay as it is."""

    home: object
    kept: dict
    faults: list = field(default_factory=list)
    kinds: Counter = field(default_factory=Counter)

    def __post_init__(self):
        self.outside = self._outside()

    def tried(self, number, action, *arguments):
        """What `action` gives; None where it is refused, or where it fails, which is a fault."""
        begun = time.process_time()
        try:
            return action(*arguments)
        except ExplorerError:
            self.kinds["refused"] += 1
        except Exception as error:  # noqa: BLE001 any other is a fault
            name = getattr(action, "__name__", str(action))
            self.fault(number, f"{name}: {type(error).__name__}: {str(error)[:160]!r}")
        finally:
            if (seconds := time.process_time() - begun) > LONG:
                self.fault(number, f"takes {seconds:.1f} s")
        return None

    def fault(self, number, text):
        self.faults.append((number, text))

    def look(self, number):
        """Now and then, that the good runs are listed as they were, and nothing outside of the home has changed."""
        found = self.tried(number, list_experiments) or []
        states = {run.id: run.state for each in found for run in each.runs}
        if {run_id: states.get(run_id) for run_id in self.kept} != self.kept:
            self.fault(number, f"the good runs are listed as {states}")
        if number % LOOK_EVERY == LOOK_EVERY - 1 and (now := self._outside()) != self.outside:
            changes = set(now.items()) ^ set(self.outside.items())
            self.fault(number, f"outside of the home: {sorted(name for name, _ in changes)[:5]}")
            self.outside = now
        return found

    def _outside(self):
        """Sizes and times of all beside the home; its own folder's time changes with what is in it."""
        own = self.home.name
        return {name: known for name, known in listing(self.home.parent).items() if name.split("/")[0] != own}

    def check(self):
        by_kind = Counter(text.partition(": ")[2][:60] or text for _, text in self.faults)
        told = "\n".join(f"mutation {number}: {text}" for number, text in self.faults[:FEW])
        assert not self.faults, f"{len(self.faults)} faults, {dict(by_kind)}\n{told}"


@pytest.fixture
def watch(home, trained):
    watched = Watch(home, {trained.finished.name: "finished", trained.paused.name: "paused"})
    yield watched
    watched.check()


@pytest.fixture
def victim(home, trained):
    """A third run, to be harmed; gives its folder."""
    folder = home / "victim"
    shutil.copytree(trained.paused, folder)
    facts = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(facts | {"id": "victim", "experiment": "victim"}))
    return folder


def about(found, run_id):
    """All that lists, pages and commands ask of an experiment without its weights."""
    for each in found:
        if run_id in each.run_ids:
            for run in each.runs:
                run_row(run, run_errors(each)[run.id])
                moments(run)
                if run.facts:
                    checkpoint_facts(run.id)
            experiment_row(each, run_errors(each))
            experiments.metrics(each.run_ids)
            experiments.live_layers(each.run_ids)
            experiments.live_blocks(each.run_ids)


def reported(found, run_id):
    degradation.report([each for each in found if run_id in each.run_ids])


def test_run_json(home, victim, watch):
    generator, original = random.Random(1), (victim / "run.json").read_bytes()
    for number in range(ROUNDS):
        (victim / "run.json").write_bytes(mutated_json(generator, original))
        found = watch.look(number)
        watch.tried(number, about, found, "victim")
        watch.tried(number, reported, found, "victim")
        if number % 10 == 0:
            watch.tried(number, experiments.rename, "victim", "another title")


def test_metrics(home, victim, watch):
    generator, original = random.Random(2), (victim / "metrics.db").read_bytes()
    for number in range(ROUNDS):
        for left in victim.glob("metrics.db-*"):
            left.unlink()
        (victim / "metrics.db").write_bytes(mutated(generator, original))
        found = watch.look(number)
        watch.tried(number, about, found, "victim")
        if number % 5 == 0:
            watch.tried(number, written_on, victim)


def written_on(folder):
    """What a worker does first with the metrics of a run that goes on."""
    with MetricsWriter(folder) as metrics:
        metrics.delete_after(min(metrics.last_step(), 3))
        metrics.append((4, 2.3, 0.5, 0.1, 0.2, None, None, None))


def resumed(folder):
    """The state from which the run would go on."""
    state, _ = resume_state(folder, PAUSED_AT)
    return state


def test_snapshot(home, victim, watch):
    generator, snapshots = random.Random(3), victim / "snapshots"
    weights = read_snapshot(victim, 5)
    kept, latest = snapshots / "step-0000005.pt", snapshots / "latest.pt"
    original = {path: path.read_bytes() for path in (kept, latest)}
    states = {PAUSED_AT: resumed(victim)}
    latest.unlink()
    states[5] = resumed(victim)
    latest.write_bytes(original[latest])
    assert [state["step"] for state in states.values()] == [PAUSED_AT, 5]
    for number in range(ROUNDS):
        harmed = (kept, latest)[number % 2]
        harmed.write_bytes(mutated(generator, original[harmed]))
        state = watch.tried(number, read_snapshot, victim, 5)
        if state is not None and not same(state, weights):
            watch.fault(number, "another snapshot was taken, unseen")
        state = watch.tried(number, resumed, victim)
        if state is None or not same(state, states.get(state["step"])):
            watch.fault(number, f"goes on from {state and state['step']}, which is not as it was")
        harmed.write_bytes(original[harmed])
        if number % LOOK_EVERY == LOOK_EVERY - 1:
            watch.look(number)


def test_exported_zip(home, trained, watch):
    path = home.parent / "given.zip"
    experiment_id = next(each.id for each in list_experiments() if trained.finished.name in each.run_ids)
    original = transfer.export(experiment_id, path).read_bytes()
    shutil.move(home / trained.finished.name, home.parent / "moved")  # or every import would meet the run it brings
    del watch.kept[trained.finished.name]
    watch.outside = {}
    generator, before, taken = random.Random(4), set(listing(home)), 0
    for number in range(ROUNDS):
        path.write_bytes(mutated_zip(generator, original))
        if number % LOOK_EVERY == 0:
            outside = {name: known for name, known in watch._outside().items() if name != path.name}
            watch.outside = watch.outside or outside
            if outside != watch.outside:
                watch.fault(number, f"outside of the home: {set(outside.items()) ^ set(watch.outside.items())}")
        imported = watch.tried(number, transfer.import_zip, path)
        found = {run.id: each for each in list_experiments() for run in each.runs}
        if trained.paused.name not in found:
            watch.fault(number, "the good run is not in the list")
        come = [each for each in home.iterdir() if each.name not in before and not each.name.endswith(".lock")]
        if imported is None and come:
            watch.fault(number, f"left over after a refused import: {sorted(each.name for each in come)}")
        if imported is not None:
            taken += 1
            if missing := {each.name for each in come} - set(found):
                watch.fault(number, f"not in the list after the import: {missing}")
            for each in come:
                watch.tried(number, about, list(found.values()), each.name)
        for each in come:
            shutil.rmtree(each) if each.is_dir() else each.unlink()
    assert taken > 0


def test_plan_file(home, watch):
    generator, path = random.Random(5), home.parent / "plan.json"
    original, watch.outside = PLAN.model_dump_json().encode(), {}
    taken = 0
    for number in range(ROUNDS):
        path.write_bytes(mutated_json(generator, original))
        plan = watch.tried(number, read_plan, path)
        taken += plan is not None
        if plan is not None:
            watch.tried(number, plan.network_configs)
            watch.tried(number, plan.display_title)
    assert taken > 0


def read_plan(path):
    """A plan from a JSON file, by the program's own reader of JSON once there is one."""
    try:
        from explorer.files import read_json
    except ImportError:

        def read_json(path):
            try:
                return json.loads(path.read_text())
            except (ValueError, RecursionError) as error:
                raise StorageError(f"{path}: {error}") from None

    values = read_json(path)
    if not isinstance(values, dict):
        raise BadSettings(f"{path} is not a plan: it holds {type(values).__name__}, not names with values.")
    return Plan(**values)


def test_every_bit_of_a_state(home, victim, watch):
    """Each flipped once, in the file: refused, or loaded as it was."""
    snapshots = victim / "snapshots"
    for name, read in {
        "step-0000005.pt": lambda: read_snapshot(victim, 5),
        "latest.pt": lambda: resumed(victim),
    }.items():
        original, path, taken = read(), snapshots / name, 0
        content = path.read_bytes()
        others = [each for each in snapshots.glob("*.pt") if each != path]
        for each in others:  # or the next older state is read in place of the damaged one
            each.rename(each.with_suffix(".aside"))
        with path.open("r+b", buffering=0) as file:
            for bit in range(8 * len(content)):
                file.seek(bit // 8)
                file.write(bytes([content[bit // 8] ^ 1 << bit % 8]))
                state = watch.tried(bit, read)
                if state is not None:
                    taken += 1
                    if not same(state, original):
                        watch.fault(bit, f"{name}: another state was taken, unseen")
                file.seek(bit // 8)
                file.write(content[bit // 8 : bit // 8 + 1])
        for each in others:
            each.with_suffix(".aside").rename(each)
        print(f"{name}: {8 * len(content):,} bits flipped, {taken:,} states taken")
