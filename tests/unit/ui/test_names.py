"""Names as a person would give them: without ids and states, and the same whatever else there is."""

from datetime import UTC, datetime, timedelta

import pytest

from explorer.runs.experiments import experiment
from explorer.ui.names import experiment_name, network_name, run_name, time_of


@pytest.fixture
def made(tmp_path, monkeypatch, make_run):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))

    def make(title="One minute: plain and residual networks on digits", networks=("plain8",), **facts):
        for order, network in enumerate(networks):
            make_run(network, title=title, order=order, **facts)
        return experiment("e1")

    return make


def test_a_run_is_named_by_network_seed_experiment_and_time(made, make_run):
    now = datetime.now(UTC)
    found, later = made(created=now, seed=3), f"One minute, {now.astimezone():%H:%M}"
    assert run_name(found.runs[0], found) == f"plain8 · {later}"
    make_run("plain8", seed=4)
    found = experiment("e1")
    assert run_name(found.runs[0], found) == f"plain8, seed 3 · {later}"


@pytest.mark.parametrize("state", ["queued", "paused", "finished"])
def test_a_name_has_no_state_so_that_it_stays(made, state):
    found = made("Mine", created=datetime(2021, 3, 4, 12, tzinfo=UTC), state=state)
    assert experiment_name(found)[:18] == "Mine, 04 Mar 2021,"


def test_a_title_that_lists_many_networks_becomes_their_number(made):
    networks = ("plain8", "resnet8", "plain20")
    found = made(f"{', '.join(networks)} on Digits", networks, created=None)
    assert experiment_name(found).startswith("3 networks on ")


def test_without_a_title_it_is_the_id(made):
    assert experiment_name(made("", created=None)) == "e1"


def test_the_date_is_said_unless_it_is_today():
    now = datetime.now().astimezone()
    assert time_of(now) == f"{now:%H:%M}"
    assert time_of(now - timedelta(days=400)) == f"{now - timedelta(days=400):%d %b %Y, %H:%M}"


def test_a_damaged_run_has_its_id(made, tmp_path):
    run = made().runs[0]
    (run.path / "run.json").write_text("{")
    assert network_name(experiment(run.id).runs[0]) == run.id
