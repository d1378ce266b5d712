"""Attributions from the shell: what is computed, what is written, and what is told where it cannot be."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import explorer
from explorer import tables
from explorer.attribution.methods import METHODS
from explorer.attribution.question import Question
from explorer.cli.main import main
from explorer.cli.method_parameters import parameters_of
from explorer.cli.progress_bar import progress_bar
from explorer.data.batches import Normalisation
from explorer.data.pixels import load_test
from explorer.errors import BadSettings, UnknownName
from explorer.progress import report
from explorer.studies import attributions as attribution_maps


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))


def answer(capsys, *arguments):
    """What a command prints with --json."""
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refusal(capsys, *arguments):
    """The one line of a command that refuses."""
    assert main(arguments) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


def test_every_network_picture_and_method_has_a_row(run, capsys):
    found = answer(capsys, "attribute", run, "plain8-w4", "--image", "3", "7", "--method", "saliency", "grad_cam")
    rows = found["maps"]
    assert list(rows[0]) == tables.ATTRIBUTION_SCORES
    assert [(row["reference"], row["image"], row["method"]) for row in rows] == [
        (network, image, method)
        for network in (run, "plain8-w4")
        for image in ("test:3", "test:7")
        for method in ("saliency", "grad_cam")
    ]
    assert (rows[0]["network"], rows[0]["depth"], rows[0]["kind"], rows[0]["step"]) == ("resnet8-w4", 8, "residual", 10)
    assert rows[0]["label"] == load_test("digits", 8).labels[3].astype(str)


def test_the_numbers_are_those_of_the_method(run, capsys):
    (row,) = answer(capsys, "attribute", run, "--image", "3", "--method", "input_x_gradient", "--target", "4")["maps"]
    images = Normalisation.known("digits", 8, "channel")(load_test("digits", 8).pixels[3:4])
    values = explorer.attribute(explorer.load_checkpoint(run), images, 4, "input_x_gradient")
    assert row["sum"] == pytest.approx(values.sum().item(), rel=1e-5)
    assert row["target"] == "4"


def test_options_can_be_repeated_or_take_several(run, capsys):
    found = answer(capsys, "attribute", run, "--image", "3", "--image", "test:3", "4", "--method", "saliency")
    assert [row["image"] for row in found["maps"]] == ["test:3", "test:4"]


def test_parameters_reach_the_methods_that_have_them(run, capsys):
    options = ["--method", "integrated_gradients", "saliency", "--set", "steps=3", "baseline=blur"]
    rows = answer(capsys, "attribute", run, *options)["maps"]
    expected = attribution_maps.attribution_map(
        run, "test:0", Question("integrated_gradients", parameters={"steps": 3, "baseline": "blur"})
    )
    assert rows[0]["delta"] == pytest.approx(expected.delta, rel=1e-4)
    assert rows[1]["delta"] is None


def test_settings_are_typed_by_the_parameter():
    found = parameters_of(
        ["smooth_grad", "kernel_shap", "saliency"],
        ["samples=30", "noise=1", "absolute=False", "smooth_grad.seed=4", "of=saliency"],
    )
    assert found == {
        "smooth_grad": {"samples": 30, "noise": 1.0, "seed": 4, "of": "saliency"},
        "kernel_shap": {"samples": 30},
        "saliency": {"absolute": False},
    }


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("steps", "'steps' is not a setting. Give NAME=VALUE, such as steps=32."),
        ("stps=3", "no parameter 'stps' there. Did you mean 'steps'? Known: absolute, steps, baseline."),
        ("saliency.steps=3", "no parameter 'saliency.steps' there."),
        ("steps=many", "`steps` (='many') must be a whole number, such as 50."),
        ("steps=1", "`steps` (=1) must be between 2 and 1000."),
        ("absolute=1", "`absolute` (='1') must be True or False"),
        ("baseline=red", "`baseline` (='red') is not known. Known: mean, blur"),
    ],
)
def test_a_setting_that_does_not_fit_is_told(setting, message):
    with pytest.raises(BadSettings) as raised:
        parameters_of(["saliency", "integrated_gradients"], [setting])
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--method", "salienc"], "No attribution method is called 'salienc'. Did you mean 'saliency'?"),
        (["--target", "cat"], "No class of Handwritten digits is called 'cat'. Known: 0, 1, 2"),
        (["--image", "360"], "their numbers go from 0 to 359"),
        (["--image", "no.png"], "There is no file no.png"),
        (["--set", "steps=3"], "Known: absolute."),
        (["--layer", "stage1"], "saliency: no parameter 'layer' there."),
        (["--data", "digit"], "No data set is called 'digit'. Did you mean 'digits'?"),
    ],
)
def test_errors_are_one_line(run, capsys, options, message):
    assert message in refusal(capsys, "attribute", run, *options)


def test_no_network_and_no_such_network_are_errors(capsys):
    assert "Name at least one network" in refusal(capsys, "attribute")
    assert "No experiment or run begins with 'nothing'" in refusal(capsys, "attribute", "nothing")


def test_what_cannot_run_on_one_network_leaves_the_others(run, capsys):
    found = answer(capsys, "attribute", run, "resnet14-w4", "--method", "grad_cam", "--layer", "stage1.block2")
    failed, done = found["maps"]
    assert "has no layer 'stage1.block2'" in failed["failure"]
    assert (failed["depth"], failed["step"], failed["sum"]) == (8, 10, None)
    assert (done["network"], done["failure"], done["layer"]) == ("resnet14-w4", "", "stage1.block2")


def test_it_leaves_with_1_where_nothing_could_be_computed(run, capsys, tmp_path):
    options = ["--method", "grad_cam", "--layer", "stage9", "--out", str(tmp_path / "out")]
    assert main(["attribute", run, *options, "--csv"]) == 1
    out, err = capsys.readouterr()
    assert "has no layer 'stage9'" in out
    assert err.startswith("error: resnet8-w4 has no layer 'stage9'.")
    assert not (tmp_path / "out").exists()


def test_a_picture_can_be_a_file_or_a_photograph(run, capsys, tmp_path):
    path = tmp_path / "red.png"
    Image.new("RGB", (20, 10), "red").save(path)
    rows = answer(capsys, "attribute", run, "--image", str(path), "china.jpg")["maps"]
    assert [(row["image"], row["label"]) for row in rows] == [(str(path), None), ("china.jpg", None)]


def test_text_shows_columns_that_say_something(run, capsys):
    assert main(["attribute", run]) == 0
    heading, line = capsys.readouterr().out.splitlines()
    assert heading.split() == [
        *["reference", "network", "step", "image", "method", "target", "prediction", "probability"],
        *["target_probability", "label", "sum", "seconds"],
    ]
    assert line.startswith(run)


def test_the_folder_gets_maps_grid_and_scores(run, capsys, tmp_path):
    folder = tmp_path / "new" / "maps"
    arguments = ["attribute", run, f"{run}@5", "--method", "layer_conductance", "--set", "steps=4"]
    assert main([*arguments, "--out", str(folder), "--csv"]) == 0
    out, err = capsys.readouterr()
    assert sorted(path.name for path in folder.iterdir()) == ["grid.html", "grid.png", "maps.npz", "scores.csv"]
    assert [line.startswith(f"Wrote {folder}") for line in err.splitlines()] == 4 * [True]
    assert (folder / "scores.csv").read_text() == out
    with Image.open(folder / "grid.png") as grid:
        assert grid.size[0] > 100
    expected = attribution_maps.attribution_map(
        f"{run}@5", "test:0", Question("layer_conductance", parameters={"steps": 4})
    )
    with np.load(folder / "maps.npz") as found:
        assert len(found) == 6
        values = found[f"{run}@5__test-0__layer_conductance__values"]
        assert np.allclose(values, expected.values, atol=1e-6)
        assert found[f"{run}@5__test-0__layer_conductance__pixels"].shape == (8, 8, 1)


def test_a_file_is_not_taken_for_a_folder(run, capsys, tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    assert "is a file. Give a folder" in refusal(capsys, "attribute", run, "--out", str(file))
    assert file.read_text() == "mine"


@pytest.mark.thorough
def test_a_check_prints_all_that_was_asked_of_a_map(run, capsys):
    options = ["--image", "3", "--method", "integrated_gradients", "--set", "steps=4", "--target", "5"]
    found = answer(capsys, "attribute-check", run, *options)
    expected = attribution_maps.check(
        run, "test:3", Question("integrated_gradients", target=5, parameters={"steps": 4})
    )
    assert found["map"]["target"] == "5" != found["map"]["prediction"]
    assert found["deletion"] == pytest.approx(expected.curves.deletion, rel=1e-4)
    assert found["random_insertion"] == pytest.approx(list(expected.curves.random_insertion), rel=1e-4)
    assert found["unexplained"] == pytest.approx(expected.infidelity.unexplained, rel=1e-4)
    assert found["sensitivity"] == pytest.approx(expected.sensitivity, rel=1e-3)
    assert found["delta"] == pytest.approx(expected.map.delta, rel=1e-3)
    assert (found["badge"], found["verdict"]) == (expected.badge, expected.curves.verdict)
    assert list(found["randomisation"][0]) == tables.RANDOMISATION
    assert list(found["curves"][0]) == tables.DELETION_INSERTION


def test_a_check_in_words(run, capsys):
    assert main(["attribute-check", run, "--method", "grad_cam", "--layer", "stage1"]) == 0
    said = capsys.readouterr().out
    for word in ("deletion", "insertion", "unexplained", "sensitivity", "delta", "randomisation", "stem.conv"):
        assert word in said


def test_one_map_is_checked_at_a_time(run, make_weights, capsys):
    make_weights("plain8-w4")
    assert "e1 has 2 networks. One map is checked at a time" in refusal(capsys, "attribute-check", "e1")


def test_agreement_of_networks(run, capsys):
    rows = answer(capsys, "attribute-agreement", run, f"{run}@5", "--method", "saliency", "--images", "5")["pairs"]
    expected = attribution_maps.agreement_of_networks([run, f"{run}@5"], 5)
    found = pd.DataFrame(rows)
    assert list(found) == tables.NETWORK_AGREEMENT
    assert found["rank_correlation"].tolist() == pytest.approx(expected["rank_correlation"].tolist(), rel=1e-4)
    assert set(found["images"]) == {5}


def test_agreement_of_methods_on_one_picture(run, capsys):
    options = ["--method", "saliency", "input_x_gradient", "--image", "2", "--set", "absolute=false"]
    rows = answer(capsys, "attribute-agreement", run, *options)["pairs"]
    assert [(row["a"], row["b"]) for row in rows][1] == ("saliency", "input_x_gradient")
    assert {row["images"] for row in rows} == {1}
    expected = attribution_maps.agreement_of_methods(
        run, "test:2", [Question("saliency", parameters={"absolute": False}), Question("input_x_gradient")]
    )
    assert rows[1]["rank_correlation"] == pytest.approx(expected["rank_correlation"][1], rel=1e-4)


def test_agreement_in_text_has_each_pair_once(run, capsys):
    assert main(["attribute-agreement", run, f"{run}@5", f"{run}@0", "--images", "3"]) == 0
    pairs = [tuple(line.split()[:2]) for line in capsys.readouterr().out.splitlines()[1:]]
    assert pairs == [(run, f"{run}@5"), (run, f"{run}@0"), (f"{run}@5", f"{run}@0")]


@pytest.mark.parametrize("methods", [["saliency"], []])
def test_agreement_needs_several_of_one_kind(run, capsys, methods):
    options = ["--method", *methods] if methods else []
    assert "These are 1 networks and 1 methods." in refusal(capsys, "attribute-agreement", run, *options)
    both = refusal(capsys, "attribute-agreement", run, f"{run}@5", "--method", "saliency", "grad_cam")
    assert "These are 2 networks and 2 methods. Compare several networks under one method, or several" in both


def test_methods_are_listed_with_their_parameters(capsys):
    found = answer(capsys, "methods")
    assert [row["name"] for row in found] == list(METHODS)
    gradients = next(row for row in found if row["name"] == "integrated_gradients")
    assert gradients["means"] == METHODS["integrated_gradients"].means
    assert [(each["name"], each["default"]) for each in gradients["parameters"]] == [
        ("steps", 50),
        ("baseline", "mean"),
    ]
    assert main(["methods"]) == 0
    assert "steps=50, baseline=mean" in capsys.readouterr().out


def test_an_unknown_method_has_no_parameters():
    with pytest.raises(UnknownName, match="No attribution method is called 'x'"):
        parameters_of(["x"], [])


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_shown_in_a_terminal_only(terminal, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    with progress_bar("Maps"):
        report(0.25)
    out, err = capsys.readouterr()
    assert out == ""
    assert ("Maps" in err and "25%" in err) if terminal else err == ""
