"""Linear probes: what scikit-learn gives when called directly, and which images they are right about."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from explorer import tables
from explorer.analysis.linear_probes import linear_probes
from explorer.analysis.probed_images import probed_images, ranked_probed_images
from explorer.errors import BadSettings
from explorer.models.network import build


def images(count, seed):
    """Of three classes that differ in colour, with noise."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    return torch.randn(count, 3, 8, 8, generator=generator) + 0.5 * torch.eye(3)[labels][:, :, None, None], labels


@pytest.mark.parametrize("name", ["resnet8-w4", "plain8-w4", "preresnet8-w4", "densenet-7-4-w8"])
def test_probes_are_those_of_scikit_learn_called_directly(name, unchanged):
    network = build(name)
    train, test = images(60, 0), images(30, 1)
    check = unchanged(network)
    found = linear_probes(network, [train], [test])
    check()
    network.eval()
    for number, row in found.errors.iterrows():
        with torch.no_grad():
            read = [features_after(network, each[0], number).mean((2, 3)).numpy() for each in (train, test)]
        probe = make_pipeline(StandardScaler(), LogisticRegression(C=row["c"], max_iter=1000))
        probe.fit(read[0], train[1].numpy())
        assert row["error"] == pytest.approx(1 - probe.score(read[1], test[1].numpy()))
        assert list(found.predictions[number]) == list(probe.predict(read[1]))
    assert list(found.errors.columns) == tables.PROBES
    with torch.no_grad():
        assert list(found.own) == network(test[0]).argmax(1).tolist()


def features_after(network, pixels, number):
    features = network.stem(pixels)
    for block in network.blocks[:number]:
        features = block(features)
    return network.end(features) if number > len(network.blocks) else features


def test_c_is_the_one_with_the_fewest_errors_on_every_fifth_training_image():
    network, (pixels, labels) = build("resnet8-w4"), images(60, 0)
    found = linear_probes(network, [(pixels, labels)], [images(10, 1)], strengths=(1e-6, 1.0))
    held_out = torch.arange(60) % 5 == 4
    with torch.no_grad():
        features = network.eval().stem(pixels).mean((2, 3)).numpy()
    errors = {}
    for c in (1e-6, 1.0):
        probe = make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=1000))
        probe.fit(features[~held_out], labels[~held_out])
        errors[c] = 1 - probe.score(features[held_out], labels[held_out])
    assert errors[1.0] != errors[1e-6]
    assert found.errors["c"][0] == min(errors, key=errors.get)
    assert found.errors["held_out_error"][0] == pytest.approx(min(errors.values()))


def test_too_few_images_are_refused():
    with pytest.raises(BadSettings, match="holds 9 images of 3 classes"):
        linear_probes(build("plain8-w4"), [images(9, 0)], [images(9, 1)])


def test_an_image_is_right_from_the_point_after_which_all_probes_are():
    labels = np.array([1, 1, 1, 1])
    predictions = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [1, 1, 0, 0]])  # points x images
    table = probed_images(predictions, np.array([1, 0, 0, 0]), labels, np.array([3, 5, 8, 9]))
    assert list(table.columns) == tables.PROBED_IMAGES
    assert list(table["image"]) == ["test:3", "test:5", "test:8", "test:9"]
    assert list(table["right_from"].fillna(-1)) == [2, 0, -1, -1]
    assert list(table["agrees_from"].fillna(-1)) == [2, -1, 2, 0]
    assert list(table["first_right"].fillna(-1)) == [0, 0, 1, -1]
    assert list(table["right_points"]) == [2, 3, 1, 0]
    shown = {show: list(ranked_probed_images(table, show=show)["index"]) for show in ("deep", "early", "lost", "wrong")}
    assert shown == {"deep": [3], "early": [3], "lost": [5, 8], "wrong": [9]}
    with pytest.raises(BadSettings, match="Known: 'deep', 'early', 'lost', 'wrong'"):
        ranked_probed_images(table, show="all")
