"""The commands that tell what a network is made of, and what two differ in."""

import json

import pytest

from explorer.cli.main import main
from explorer.models.catalogue import NETWORKS, network_config
from explorer.models.size import parameter_count


def run(capsys, *arguments):
    code = main(list(arguments))
    return code, capsys.readouterr()


def test_describe_tells_totals_beside_the_published_ones(capsys):
    code, told = run(capsys, "describe", "resnet50")
    assert code == 0
    assert "25,557,032, here 1.0000 times that (torchvision.models)" in told.out
    assert "427 pixels a side" in told.out
    assert [line.split("  ")[0] for line in told.out.splitlines()[-6:]] == [
        "stem", "stage 1", "stage 2", "stage 3", "stage 4", "classifier",
    ]  # fmt: skip


def test_describe_as_json_has_every_layer(capsys):
    document = json.loads(run(capsys, "describe", "seresnet20", "--classes", "7", "--channels", "1", "--json")[1].out)
    config = network_config("seresnet20").model_copy(update={"classes": 7, "channels": 1})
    assert document["parameters"] == parameter_count(config)
    assert sum(layer["parameters"] for layer in document["layers"]) == document["parameters"]
    assert document["layers"][3]["layer"] is None  # an excitation
    assert document["config"]["classes"] == 7


@pytest.mark.parametrize(("by", "rows"), [("stage", 5), ("block", 11), ("layer", 20)])
def test_describe_as_csv(capsys, by, rows):
    _, told = run(capsys, "describe", "resnet20", "--by", by, "--csv")
    assert len(told.out.splitlines()) == rows + 1


def test_describe_says_which_rule_is_broken(capsys):
    code, told = run(capsys, "describe", "resnet22")
    assert code == 1
    assert told.err.startswith("error: No network is called 'resnet22': 22 is not 6n+2. The nearest are resnet20 and")
    assert told.err.count("\n") == 1


def test_describe_refuses_images_that_vanish(capsys):
    code, told = run(capsys, "describe", "densenet121", "--image-size", "8")
    assert (code, told.out) == (1, "")
    assert "nothing is left of them in stage 3" in told.err


def test_diff_tells_settings_totals_and_layers_that_differ(capsys):
    code, told = run(capsys, "diff", "resnet50", "resnet50-v1")
    assert code == 0
    assert "stride_on  3x3       1x1" in told.out
    assert "multiply_adds    4089184256  3857973248" in told.out
    assert told.err == "6 of 54 layers differ\n"


def test_diff_as_json_has_all_layers(capsys):
    document = json.loads(run(capsys, "diff", "plain20", "resnet20", "--json")[1].out)
    assert (document["a"]["name"], document["b"]["name"]) == ("plain20", "resnet20")
    assert len(document["layers"]) == 20
    assert not any(layer["differs"] for layer in document["layers"])


def test_networks_fit_a_line(capsys):
    _, told = run(capsys, "networks")
    lines = told.out.splitlines()
    assert len(lines) == len(NETWORKS) + 1
    assert max(map(len, lines)) <= 120
