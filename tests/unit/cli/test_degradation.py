"""The commands of the lab: verdicts as text and as JSON."""

import json

import pytest

from explorer import tables
from explorer.cli.main import main


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))


@pytest.fixture
def trained(make_run):
    for network, end in {"plain20": 0.1, "plain32": 0.3, "resnet32": 0.05}.items():
        for seed in range(3):
            make_run(network, experiment="e1", seed=seed, steps=40, end=end)


@pytest.mark.usefixtures("trained")
def test_verdict_gives_one_json_document(capsys):
    assert main(["degradation", "verdict", "e1", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["id"] == "e1"
    assert answer["degradation"]["outcome"] == answer["shortcut"]["outcome"] == "seen"
    assert list(answer["gaps"][0]) == tables.GAPS
    assert {run["network"] for run in answer["runs"]} == {"plain20", "plain32", "resnet32"}
    assert answer["confounds"] == []
    assert answer["finding"]["main"].startswith("From 20 to 32 layers, the training error of plain networks rises")
    assert answer["chance"] == pytest.approx(0.9)


@pytest.mark.usefixtures("trained")
def test_verdict_in_words(capsys):
    assert main(["degradation", "verdict", "e"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("From 20 to 32 layers, the training error of plain networks rises by 15")
    assert "Depth hurts the plain networks." in said
    assert "plain32 ends 15" in said


def test_verdict_of_one_seed_warns(capsys, make_run):
    make_run("plain20", steps=40, end=0.1)
    make_run("plain32", steps=40, end=0.3)
    main(["degradation", "verdict", "e1"])
    assert "Caveat: One seed gives no interval" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--preset", "lunch"], "'lunch'"),
        (["run", "--depths", "21"], "=21) is not 6n+2"),
        (["verdict", "nothing"], "No experiment or run begins with 'nothing'"),
        (["verdict"], "Name at least one experiment"),
    ],
)
def test_errors_are_one_line(capsys, arguments, message):
    assert main(["degradation", *arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1
