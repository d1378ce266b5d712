"""Feature maps, filters, exciting images and shares of the scores by reference."""

import numpy as np
import pytest
import torch

from explorer import tables
from explorer.analysis import feature_maps as analysis
from explorer.data.batches import Normalisation
from explorer.data.pixels import load_test
from explorer.errors import BadSettings, UnknownName
from explorer.runs.checkpoints import load_checkpoint
from explorer.studies import features as study


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(study, "_excitements", study.ByteCache(study.MOST_KEPT))


def image(number):
    pixels, _ = load_test("digits")
    return Normalisation.known("digits")(pixels[number : number + 1])


def test_the_arithmetic_is_of_the_picture_as_in_training(run):
    found = study.block_arithmetic(run, "test:7", "stage2.block1")
    expected = analysis.block_arithmetic(load_checkpoint(run), image(7), "stage2.block1")
    assert np.array_equal(found.x, expected.x)
    assert np.array_equal(found.joined, expected.joined)


def test_filters_are_those_of_the_first_convolution_or_a_named_one(run):
    assert study.filters(run).shape == (4, 1, 3, 3)
    assert study.filters(run, "stages.1.0.conv2").shape == (8, 8, 3, 3)


def test_the_most_exciting_images_are_those_with_the_highest_maxima(run, monkeypatch):
    found = study.exciting_images(run, "stage2.block1", 3, images=40, count=5)
    assert list(found.table.columns) == tables.EXCITING
    network = load_checkpoint(run)
    chosen, sample = next(iter(study.resolved([run]))).test_sample(40)
    with torch.no_grad():
        maps = network.stages[:2](network.stem(sample.whole("cpu")[0]))[:, 3]
    best = maps.amax((1, 2)).argsort(descending=True)[:5]
    assert list(found.table["image"]) == [f"test:{chosen[index]}" for index in best]
    for row in found.table.itertuples():
        values = maps[list(chosen).index(int(row.image.removeprefix("test:")))]
        assert float(values[row.row, row.column]) == pytest.approx(row.value, rel=1e-5)
    assert np.array_equal(found.pixels[0], load_test("digits").pixels[chosen[best[0]]])
    field = found.table.iloc[0]
    assert field["left"] + (field["side"] - 1) / 2 == 2 * field["column"]  # the second stage has every other position
    monkeypatch.setattr(analysis, "excitement", None)  # another channel takes no further pass
    assert study.exciting_images(run, "stage2.block1", 0, images=40).channel == 0
    with pytest.raises(BadSettings, match=r"`channel` \(=8\) is not one of stage2.block1, which has 0 to 7"):
        study.exciting_images(run, "stage2.block1", 8, images=40)


def test_contributions_sum_to_the_scores(make_weights):
    run = make_weights("preresnet8-w4")
    found = study.contributions(run, "test:3")
    assert list(found.table.columns) == tables.LOGIT_PARTS
    assert list(found.table["part"].unique()) == ["stem", "block", "bias"]
    with torch.no_grad():
        scores = load_checkpoint(run)(image(3))[0].numpy()
    assert found.table.groupby("label")["contribution"].sum().to_numpy() == pytest.approx(scores, abs=1e-4)
    assert found.scores == pytest.approx(scores, abs=1e-5)
    assert found.prediction == scores.argmax()
    assert found.label == load_test("digits").labels[3]


def test_what_is_not_there_is_said(run):
    with pytest.raises(BadSettings, match="resnet8-w4 applies a ReLU after every sum"):
        study.contributions(run)
    with pytest.raises(UnknownName, match=r"No block of resnet8-w4 is called 'stage9.block1'"):
        study.block_arithmetic(run, place="stage9.block1")
    with pytest.raises(UnknownName, match="No block or layer of resnet8-w4 is called 'stem'"):
        study.exciting_images(run, "stem", images=10)
