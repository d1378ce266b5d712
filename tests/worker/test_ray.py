"""A Ray cluster of two nodes on this machine, each with one core."""

import multiprocessing
import statistics
import time

import pytest

from explorer.runs.experiments import experiment
from explorer.runs.facts import Where
from explorer.runs.metrics import read_metrics
from explorer.training.launch import start, stop
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe

ray_cluster = pytest.importorskip(
    "ray.cluster_utils", reason="needs Ray: python -m pip install -r requirements-cluster.txt"
)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200), pytest.mark.filterwarnings("ignore")]

ALONE = Where(lanes=multiprocessing.cpu_count())  # one thread each, as on the cluster
RAY = Where(engine="ray")


def plan(steps, seeds):
    recipe = Recipe(steps=steps, batch_size=32, learning_rate=0.03, evaluate_every=steps, evaluate_images=50)
    return Plan(networks=("plain8", "resnet8"), seeds=tuple(range(seeds)), recipe=recipe)


@pytest.fixture
def nodes(home, monkeypatch):
    """A cluster with one node; `add_node(num_cpus=1)` adds another."""
    cluster = ray_cluster.Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    yield cluster
    for found in (experiment(each) for each in begun):
        if found.active:
            stop(found.id)
    begun.clear()  # the next test has another home
    cluster.shutdown()


begun = []


def ended(where, chosen, each_time=lambda found: None):
    """Train a plan to its end; the experiment and the seconds it took."""
    began = time.monotonic()
    begun.append(start(chosen, where))
    while (found := experiment(begun[-1])).active:
        each_time(found)
        time.sleep(0.2)
    return found, time.monotonic() - began


def weights(found):
    return [run.facts.checkpoint_sha256 for run in found.runs]


def test_a_node_is_lost_and_its_runs_go_on_elsewhere(nodes):
    left = [nodes.add_node(num_cpus=1)]

    def lose(found):
        half_way = sum(20 <= run.progress.step < 200 for run in found.runs)
        if left and half_way == 2 and sum(run.state == "finished" for run in found.runs) >= 4:
            nodes.remove_node(left.pop(), allow_graceful=False)

    chosen = plan(steps=300, seeds=12)
    found, _ = ended(RAY, chosen, lose)
    assert not left
    assert {run.state for run in found.runs} == {"finished"}
    moved = [run.facts.notice for run in found.runs if run.facts.notice]
    print(moved)
    assert moved
    assert all("training went on elsewhere" in each for each in moved)
    local, _ = ended(ALONE, chosen)
    assert weights(found) == weights(local)
    assert [[row[0] for row in read_metrics(run.path)] for run in found.runs] == [list(range(301))] * 24


def test_two_nodes_train_more_than_one(nodes):
    """Runs an hour after the first of each node, so that connecting and the first start on a node do not count."""
    rates = {1: [], 2: []}
    for steps in (300, 301):  # each experiment is another
        for count in rates:
            more = [nodes.add_node(num_cpus=1) for _ in range(count - 1)]
            times = []  # when runs were seen to have finished
            ended(RAY, plan(steps + 2 * count, seeds=3), lambda found, times=times: times.extend(
                [time.monotonic()] * (sum(run.state == "finished" for run in found.runs) - len(times))
            ))  # fmt: skip
            ends = [*times, *[time.monotonic()] * (6 - len(times))]
            rates[count].append(3600 * (6 - count) / (ends[-1] - ends[count - 1]))
            for each in more:
                nodes.remove_node(each)
    print({count: [round(each) for each in found] for count, found in rates.items()}, "runs an hour by nodes")
    assert statistics.median(rates[2]) / statistics.median(rates[1]) >= 1.6
