"""ONNX files say how to show images to the network in them."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from explorer.data.normalisations import NORMALISATIONS
from explorer.data.pixels import load_data
from explorer.errors import BadSettings, RunError, StorageError, UnknownName
from explorer.models.network import build
from explorer.runs import onnx_files
from explorer.runs.checkpoint_facts import CheckpointFacts
from explorer.runs.checkpoints import load_checkpoint, save_checkpoint
from explorer.runs.onnx_files import export_onnx
from explorer.training.evaluation import evaluate


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "runs"))
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path / "data"))


@pytest.fixture
def described(tmp_path, monkeypatch):
    """Makes a checkpoint of which so much is known, and gives what its ONNX file says, made without the network."""

    def made(name="resnet8-w4", **facts):
        network = build(name)
        path = tmp_path / "known.safetensors"
        save_checkpoint(network, path, CheckpointFacts(network=network.config, **facts))
        monkeypatch.setattr(onnx_files, "onnx_model", lambda network, side, facts: f"{side}".encode())
        return export_onnx(path, tmp_path / "known.onnx")

    return made


@pytest.mark.thorough
def test_pixels_and_what_the_file_says_are_enough_to_get_the_networks_errors(make_weights, tmp_path):
    run = make_weights()
    found = export_onnx(run, tmp_path / "run.onnx")
    facts = {each.key: each.value for each in onnx.load(found.path).metadata_props}
    assert facts == found.facts
    assert (facts["name"], facts["reference"], facts["data"], found.image_size) == ("resnet8-w4", run, "digits", 8)
    data = load_data("digits")
    assert json.loads(facts["classes"]) == list(data.classes)
    mean, std = (np.array(json.loads(facts[key]), np.float32)[:, None, None] for key in ("mean", "std"))
    images = (data.test_pixels.transpose(0, 3, 1, 2).astype(np.float32) / 255 - mean) / std
    scores = onnxruntime.InferenceSession(found.path).run(["scores"], {"images": images})[0]
    assert (scores.argmax(1) != data.test_labels).mean() == evaluate(load_checkpoint(run), data)["error"]


def test_a_fixed_normalisation_is_told_though_no_data_set_is_known(described):
    facts = described(normalisation="imagenet").facts
    assert json.loads(facts["mean"]) == list(NORMALISATIONS["imagenet"].mean)
    assert json.loads(facts["std"]) == list(NORMALISATIONS["imagenet"].std)
    assert "data" not in facts
    assert "classes" not in facts


def test_one_number_is_told_for_every_channel(described):
    assert json.loads(described(normalisation="half").facts["std"]) == [0.5, 0.5, 0.5]


def test_a_mean_image_is_told_whole(described):
    facts = described(normalisation="pixel", data="digits").facts
    assert np.array(json.loads(facts["mean"])).shape == (1, 8, 8)


def test_what_was_measured_on_missing_images_is_not_told(described):
    found = described(normalisation="pixel", data="cifar10")
    assert found.facts["normalisation"] == "pixel"
    assert "mean" not in found.facts
    assert json.loads(found.facts["classes"])[3] == "cat"


@pytest.mark.parametrize(
    ("name", "facts", "side"),
    [
        ("resnet8-w4", {"data": "cifar10", "recipe": {"image_size": 16}}, 16),
        ("resnet8-w4", {"data": "digits"}, 8),
        ("resnet8-w4", {"data": "folder:/nowhere"}, 32),
        ("resnet10-w4-s1.1.1.1-large", {}, 224),
    ],
)
def test_images_are_as_large_as_in_training(described, name, facts, side):
    found = described(name, **facts)
    assert (found.image_size, found.path.read_bytes()) == (side, f"{side}".encode())


def test_an_untrained_network_is_that_of_its_name(monkeypatch, tmp_path):
    taken = []
    monkeypatch.setattr(onnx_files, "onnx_model", lambda *arguments, **facts: taken.append(arguments) or b"")
    found = export_onnx("resnet8-w4", tmp_path / "x.onnx", image_size=16)
    (network, side), *_ = taken
    assert side == found.image_size == 16
    assert torch.equal(network.stem.conv.weight, build("resnet8-w4").stem.conv.weight)
    assert found.facts == {"name": "resnet8-w4", "reference": "resnet8-w4"}


@pytest.mark.parametrize(
    ("reference", "file", "error", "message"),
    [
        ("resnet8", "x.pt", BadSettings, "does not end in .onnx"),
        ("resnet9", "x.onnx", UnknownName, "9 is not 6n"),
        ("nothing", "x.onnx", RunError, "nothing"),
        ("resnet8-w4", "missing/x.onnx", StorageError, "missing"),
    ],
)
def test_what_cannot_be_written_is_refused_and_nothing_is_left(monkeypatch, tmp_path, reference, file, error, message):
    monkeypatch.setattr(onnx_files, "onnx_model", lambda *arguments, **facts: b"")
    with pytest.raises(error, match=message):
        export_onnx(reference, tmp_path / file)
    assert list(tmp_path.iterdir()) == []
