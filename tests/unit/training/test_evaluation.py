"""Errors of networks on a data set, each against a naive computation."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from explorer import progress
from explorer.data.batches import Normalisation, Sample
from explorer.data.pixels import load_data
from explorer.errors import BadSettings, Cancelled
from explorer.models.fused import fused
from explorer.models.network import build
from explorer.training import evaluation
from explorer.training.devices import threads
from explorer.training.evaluation import error_and_loss, evaluate, log_probabilities

SMALL = "resnet8-w2"


@pytest.fixture
def network():
    return build(SMALL, channels=1, seed=3)


@pytest.fixture
def sample():
    """Seven test images."""
    data = load_data("digits")
    return Sample(data.test_pixels[:7], data.test_labels[:7].copy(), Normalisation.of(data), torch.device("cpu"))


def shifted(image, down, right):
    """An image (C, 8, 8) padded by a zero at each edge, cut from (down, right)."""
    padded = np.zeros((image.shape[0], 10, 10), np.float32)
    padded[:, 1:9, 1:9] = image
    return padded[:, down : down + 8, right : right + 8]


def test_ten_crops_are_averaged_as_probabilities_one_by_one(network, sample):
    found = log_probabilities(network, sample, crops=10)
    images, _ = sample.whole("cpu")
    network.eval()
    for place, image in enumerate(images.numpy()):
        views = [shifted(image, down, right) for down, right in ((0, 0), (0, 2), (2, 0), (2, 2), (1, 1))]
        views += [view[:, :, ::-1].copy() for view in views]
        with torch.no_grad():
            each = [functional.softmax(network(torch.from_numpy(view)[None]).double(), 1)[0] for view in views]
        np.testing.assert_allclose(found[place].double().exp(), sum(each) / 10, atol=1e-6)


def test_one_crop_is_the_image_itself(network, sample):
    with torch.no_grad():
        expected = network.eval()(sample.whole("cpu")[0]).log_softmax(1)
    torch.testing.assert_close(log_probabilities(network, sample), expected, atol=1e-5, rtol=0)


def test_ten_crops_change_what_evaluate_finds(network):
    one, ten = evaluate(network, "digits"), evaluate(network, "digits", crops=10)
    sample = load_data("digits")
    whole = Sample(sample.test_pixels, sample.test_labels, Normalisation.of(sample), torch.device("cpu"))
    labels = torch.from_numpy(sample.test_labels.copy())
    assert ten["loss"] != pytest.approx(one["loss"])
    expected = functional.nll_loss(log_probabilities(network, whole, crops=10), labels).item()
    assert ten["loss"] == pytest.approx(expected, rel=1e-5)


def test_the_top_five_are_those_of_scikit_learn(network):
    metrics = pytest.importorskip("sklearn.metrics")
    data = load_data("digits")
    with torch.no_grad():
        scores = network.eval()(Normalisation.of(data)(data.test_pixels))
    expected = 1 - metrics.top_k_accuracy_score(data.test_labels, scores.numpy(), k=5)
    found = evaluate(network, "digits")["top5_error"]
    assert found == pytest.approx(expected)
    assert 0 < found < 1


def test_five_classes_have_no_top_five_error():
    data = load_data("digits")
    few = data.test_labels < 5
    small = type(data)("few", "Few", data.classes[:5], data.train_pixels, data.train_labels, data.test_pixels[few],
                       data.test_labels[few], augment=False, fingerprint="")  # fmt: skip
    assert evaluate(build(SMALL, channels=1, classes=5), small)["top5_error"] is None


def test_the_training_images_can_be_taken(network):
    assert evaluate(network, "digits", split="train")["images"] == 1437


def test_networks_that_are_not_ours_are_evaluated_in_their_own_mode():
    network = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 10))
    assert evaluate(network, "digits") == evaluate(network, "digits")
    assert network[1].training


def test_a_network_that_is_not_ours_is_refused_where_its_channels_differ():
    colour = nn.Sequential(nn.Conv2d(3, 10, 8), nn.Flatten())
    with pytest.raises(BadSettings, match="Sequential takes images of 3 channels; .* has 1. Choose other images, or"):
        evaluate(colour, "digits")


def test_how_far_it_is_is_reported(network):
    heard = []
    with progress.listening(heard.append):
        evaluate(network, "digits")
    assert heard == sorted(heard)
    assert heard[-1] == 1


@pytest.mark.parametrize("crops", [0, 2, 100])
def test_another_number_of_crops_is_refused(network, crops):
    with pytest.raises(BadSettings, match=rf"^`crops` \(={crops}\) is not known\. Known: 1, 10\.$"):
        evaluate(network, "digits", crops=crops)


def test_every_batch_of_an_evaluation_is_heard(network, sample):
    heard = []
    with progress.listening(heard.append):
        error_and_loss(network, sample)
    assert heard == [1.0]


def test_many_images_are_evaluated_by_a_fused_network(network, sample, monkeypatch):
    expected = log_probabilities(network, sample)
    monkeypatch.setattr(evaluation, "PIXELS", 4 * 8 * 8)
    fusings = []
    monkeypatch.setattr(evaluation, "fused", lambda each: fusings.append(each) or fused(each))
    torch.testing.assert_close(log_probabilities(network, sample), expected, atol=1e-5, rtol=0)
    assert fusings == [network]
    error_and_loss(network, sample, "bf16")
    assert fusings == [network]
    error_and_loss(network, sample)
    assert fusings == [network, network]


def test_several_threads_give_the_scores_of_one(monkeypatch):
    network = build("resnet8", seed=1)
    pixels = np.random.default_rng(0).integers(0, 256, (450, 32, 32, 3), np.uint8)
    normalisation = Normalisation(torch.full((3, 1, 1), 0.5), torch.full((3, 1, 1), 0.25))
    sample = Sample(pixels, np.zeros(450, np.int64), normalisation, torch.device("cpu"))
    found, heard = {}, []
    for count in (1, 3):
        with threads(count), progress.listening(heard.append):
            found[count] = log_probabilities(network, sample)
            assert torch.get_num_threads() == count
    assert torch.allclose(found[1], found[3], atol=1e-5)
    assert heard[-1] == 1.0

    def cancelled(fraction):
        raise Cancelled

    with threads(3):
        with pytest.raises(Cancelled), progress.listening(cancelled):
            log_probabilities(network, sample)
        assert torch.get_num_threads() == 3
