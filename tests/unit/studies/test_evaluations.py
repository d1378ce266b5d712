"""Networks by reference on their test set: the same numbers as a naive computation, one by one and together."""

import json
import shutil
from dataclasses import asdict

import numpy as np
import pytest
import torch

from explorer import progress, tables
from explorer.cache import ByteCache
from explorer.data.batches import Normalisation, balanced_subset
from explorer.data.catalogue import data_status
from explorer.data.pixels import load_data
from explorer.errors import BadSettings, RunError
from explorer.files import PROJECT
from explorer.models.network import build
from explorer.runs import store
from explorer.runs.checkpoint_facts import (
    CheckpointFacts,
    checkpoint_facts,
    checkpoint_file,
    lacks_test_error,
    record_test_error,
)
from explorer.runs.checkpoints import load_checkpoint, save_checkpoint
from explorer.runs.comparison import comparison
from explorer.studies import evaluations as library
from explorer.studies.evaluations import ensemble, evaluation, evaluation_table, evaluations
from explorer.training.evaluation import evaluate

NUMBERS = ["error", "standard_error", "top5_error", "loss", "ece"]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(library, "_kept", type(library._kept)(library.MOST_KEPT))


@pytest.fixture
def other(make_weights):
    """Another network on the digits."""
    return make_weights("plain8-w4", experiment="e2", scale=0.5)


def probabilities(reference):
    """Of the whole test set, computed image by image."""
    data, network = load_data("digits"), load_checkpoint(reference)
    images = Normalisation.of(data)(data.test_pixels)
    with torch.no_grad():
        return np.stack([network(image[None])[0].double().softmax(0).numpy() for image in images])


def test_the_numbers_are_those_of_a_loop_over_images(run):
    labels, found = load_data("digits").test_labels, evaluation(run)
    each = probabilities(run)
    assert found.images == 360
    assert found.error == sum(row.argmax() != label for row, label in zip(each, labels, strict=True)) / 360
    expected = sum(label not in np.argsort(row)[-5:] for row, label in zip(each, labels, strict=True)) / 360
    assert found.top5_error == expected
    assert found.loss == pytest.approx(-np.mean([np.log(row[label]) for row, label in zip(each, labels, strict=True)]))
    assert found.standard_error == pytest.approx(np.sqrt(found.error * (1 - found.error) / 360))


@pytest.mark.parametrize("crops", [1, 10])
def test_they_are_those_of_evaluate(run, crops):
    found, expected = evaluation(run, crops=crops), evaluate(load_checkpoint(run), "digits", crops=crops)
    assert (found.error, found.top5_error) == (expected["error"], expected["top5_error"])
    assert found.loss == pytest.approx(expected["loss"])
    assert found.crops == crops


def test_tables_are_of_the_same_answers(run):
    found = evaluation(run)
    assert found.confusion["images"].sum() == found.calibration["images"].sum() == found.images
    assert found.class_errors["wrong"].sum() == round(found.error * found.images)
    assert found.mistakes["probability"].is_monotonic_decreasing
    assert (found.mistakes["label"] != found.mistakes["prediction"]).all()


def test_images_are_a_fixed_sample_numbered_as_in_the_test_set(run):
    labels = load_data("digits").test_labels
    found = evaluation(run, images=50).predictions
    assert found["index"].tolist() == balanced_subset(labels, 50, 0).tolist()
    assert found["label"].tolist() == labels[found["index"]].tolist()


def test_networks_come_in_their_order_in_a_table(run, other):
    table = evaluation_table(evaluations([other, f"{run}@5", "plain8-w2"], images=20))
    assert list(table.columns) == tables.EVALUATIONS
    assert table[["reference", "network", "step"]].values.tolist() == [
        [other, "plain8-w4", 10],
        [f"{run}@5", "resnet8-w4", 5],
        ["plain8-w2", "plain8-w2", 0],
    ]


def test_an_ensemble_is_the_mean_of_probabilities(run, other):
    labels, references = load_data("digits").test_labels, [run, f"{run}@5", other]
    each = [probabilities(reference) for reference in references]
    joint = np.array([sum(member[image] for member in each) / 3 for image in range(360)])
    found = ensemble(references)
    assert found.joint.error == (joint.argmax(1) != labels).mean()
    assert found.joint.loss == pytest.approx(-np.log(joint[range(360), labels]).mean())
    assert found.members["error"].tolist() == [(member.argmax(1) != labels).mean() for member in each]
    two = (each[1] + each[2]) / 2
    assert found.members["error_without"][0] == (two.argmax(1) != labels).mean()
    none_right = (np.stack([member.argmax(1) for member in each]) != labels).all(0)
    assert found.shared["images"].iloc[-1] == none_right.sum()
    assert len(found.pairs) == 3


def test_of_two_networks_there_is_no_error_without_one(run, other):
    assert ensemble([run, other], images=20).members["error_without"].isna().all()


def test_an_ensemble_of_what_was_evaluated_computes_nothing_anew(run, other, monkeypatch):
    evaluations([run, other], images=20)
    monkeypatch.setattr(library, "log_probabilities", None)
    assert ensemble([run, other], images=20).joint.images == 20


def test_other_weights_under_the_same_name_are_evaluated_anew(run):
    before = evaluation(run)
    save_checkpoint(build("resnet8-w4", channels=1, seed=7), checkpoint_file(run), checkpoint_facts(run))
    assert evaluation(run).loss != before.loss


def test_other_crops_and_other_images_are_computed_anew(run):
    losses = [evaluation(run, **options).loss for options in ({}, {"crops": 10}, {"images": 50})]
    assert len(set(losses)) == 3


def test_only_some_answers_are_kept(run, monkeypatch):
    monkeypatch.setattr(library, "_kept", ByteCache(50 * 10 * 4))  # fifty images of ten classes, in float32
    for images in (10, 20, 30):
        evaluation(run, images=images)
    assert [key[5] for key in library._kept._kept] == [20, 30]
    evaluation(run, images=60)
    assert [key[5] for key in library._kept._kept] == [20, 30]


def test_how_far_it_is_is_reported(run, other):
    heard = []
    with progress.listening(heard.append):
        evaluations([run, other])
    assert heard == sorted(heard)
    assert 0.5 in heard
    assert heard[-1] == 1


def test_numbers_can_be_written_as_json(run):
    found = asdict(evaluation(run, images=20))
    assert json.loads(json.dumps({name: found[name] for name in NUMBERS}))["error"] == found["error"]


def test_one_network_is_no_ensemble(run):
    with pytest.raises(BadSettings, match="two networks or more"):
        ensemble([run, run])


def test_networks_of_different_data_sets_are_no_ensemble(run, make_weights):
    other = make_weights("plain8-w4", experiment="e3", channels=3, data="cifar10")
    with pytest.raises(BadSettings, match=r"different data sets \(cifar10, digits\)"):
        ensemble([run, f"{other}@5"])


def test_what_cannot_be_evaluated_is_told(run):
    with pytest.raises(RunError, match="There is no run 'nothing'"):
        evaluation("nothing")
    with pytest.raises(BadSettings, match=r"`images` \(=0\) must be between 1"):
        evaluation(run, images=0)
    with pytest.raises(BadSettings, match="Name at least one network"):
        evaluations([])


@pytest.fixture
def kept(home):
    """A checkpoint beside the runs whose facts say no test error; gives its id."""

    def made(name="theirs", **facts):
        network = build("resnet8-w4", channels=1, seed=3)
        path = store.checkpoint_folder() / f"{name}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        known = {"data": "digits", "source": "a test"} | facts
        save_checkpoint(network, path, CheckpointFacts(network=network.config, **known))
        return name

    return made


def test_the_error_of_the_whole_test_set_is_recorded_where_that_is_asked_for(kept):
    before = checkpoint_facts(kept())
    found = evaluation("theirs")
    assert is_lacking(found)
    record_test_error("theirs", found.error)
    assert checkpoint_facts("theirs") == before.model_copy(update={"test_error": found.error})
    assert comparison().set_index("reference").loc["theirs", "test_error"] == found.error
    assert not is_lacking(found)
    assert evaluation("theirs").error == found.error  # its weights are what they were


@pytest.mark.parametrize("options", [{"images": 100}, {"crops": 10}])
def test_another_measurement_is_no_test_error(kept, options):
    assert not is_lacking(evaluation(kept(), **options))


def test_nor_is_one_on_other_data_than_it_was_trained_on(kept):
    assert not is_lacking(evaluation(kept(data=""), data="digits"))


def test_facts_of_runs_and_of_files_elsewhere_lack_none(kept, run, tmp_path):
    kept()
    elsewhere = tmp_path / "elsewhere.safetensors"
    for ending in (".safetensors", ".json"):
        shutil.copy(checkpoint_file("theirs").with_suffix(ending), elsewhere.with_suffix(ending))
    for reference in (run, f"{run}@5", str(elsewhere), "plain8"):
        assert not is_lacking(evaluation(reference, data="digits"))


def is_lacking(found):
    return lacks_test_error(found.reference, data=found.data, images=found.images, crops=found.crops)


def test_a_shipped_network_has_the_error_that_its_facts_say(monkeypatch):
    status = data_status("cifar10")
    if not status.available:
        pytest.skip(status.detail)
    monkeypatch.setattr(store, "SHIPPED", PROJECT / "checkpoints")
    name = "shipped-cifar10-resnet20"
    found = evaluation(name, images=1000)
    assert abs(found.error - checkpoint_facts(name).test_error) < 4 * found.standard_error
