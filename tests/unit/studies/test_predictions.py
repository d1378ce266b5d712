"""What networks say about test images: the right answers to the right images, and which of them are worth a look."""

import numpy as np
import pandas as pd
import pytest

from explorer import progress, tables
from explorer.analysis.answers import ranked_images
from explorer.data.batches import TEST_SAMPLE_SEED, Batches, balanced_subset
from explorer.data.pixels import load_data
from explorer.errors import BadSettings, RunError
from explorer.runs.checkpoints import load_checkpoint
from explorer.studies.predictions import predictions
from explorer.training.evaluation import evaluate


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))


def test_a_table_says_what_each_network_answers_about_each_image(run):
    table = predictions([run, f"{run}@5", "plain8-w4"], images=30)
    assert list(table.columns) == tables.PREDICTIONS
    found = table[tables.MEASURED_KEYS].drop_duplicates().values.tolist()
    assert found == [
        [run, "resnet8-w4", "residual", 8, 10],
        [f"{run}@5", "resnet8-w4", "residual", 8, 5],
        ["plain8-w4", "plain8-w4", "plain", 8, 0],
    ]
    assert list(table["index"].iloc[:30]) == list(table["index"].iloc[60:])


def test_the_answers_are_the_networks_own(run):
    table = predictions([run], images=300)  # more than are computed at once
    sample = Batches(load_data("digits"), batch_size=1).test_sample(300)
    images, labels = sample.normalisation(sample.pixels), sample.labels
    scores = load_checkpoint(run)(images).detach().double().softmax(1)
    assert table["label"].tolist() == labels.tolist()
    assert table["prediction"].tolist() == scores.argmax(1).tolist()
    np.testing.assert_allclose(table["probability"], scores.amax(1), atol=1e-6)
    np.testing.assert_allclose(table["label_probability"], scores[range(300), labels], atol=1e-6)


def test_images_are_a_fixed_sample_numbered_as_in_the_test_set(run):
    table = predictions([run], images=50)
    labels = load_data("digits").test_labels
    assert table["index"].tolist() == balanced_subset(labels, 50, TEST_SAMPLE_SEED).tolist()
    assert table["label"].tolist() == labels[table["index"]].tolist()


def test_more_images_than_there_are_gives_all_and_the_test_error(run):
    table = predictions([run], images=10_000)
    assert table["index"].tolist() == list(range(360))
    wrong = (table["prediction"] != table["label"]).mean()
    assert wrong == pytest.approx(evaluate(load_checkpoint(run), "digits")["error"])


def test_how_far_it_is_is_reported(run):
    heard = []
    with progress.listening(heard.append):
        predictions([run, f"{run}@5"], images=300)
    assert heard == sorted(heard)
    assert heard[0] == pytest.approx(250 / 300 / 2)
    assert heard[-1] == 1


def test_networks_of_different_data_sets_have_no_image_in_common(run, make_weights):
    other = make_weights("plain8-w4", channels=3, data="cifar10")
    with pytest.raises(BadSettings) as error:
        predictions([run, f"{other}@5"])
    assert "trained on different data sets (cifar10, digits), which have no image in common" in str(error.value)


def test_what_cannot_be_asked_is_told(run):
    with pytest.raises(RunError, match="There is no run 'nothing'"):
        predictions(["nothing"])
    with pytest.raises(BadSettings, match="Cannot draw 0 images"):
        predictions([run], images=0)


def answered(**images):
    """A table of networks a, b, c, ...: for each image its label and their answers, (class, probability) each."""
    rows = []
    for number, (label, answers) in enumerate(images.values()):
        for name, (prediction, probability) in zip("abcdef", answers, strict=False):
            right = probability if prediction == label else 1 - probability
            rows.append((name, "net", "plain", 8, 0, number, label, prediction, probability, right))
    table = pd.DataFrame(rows, columns=tables.PREDICTIONS)
    return table.sort_values(["reference", "index"], ignore_index=True)  # as `predictions` orders them


TABLE = answered(
    all_right=(3, [(3, 0.9), (3, 0.8), (3, 0.9), (3, 0.9)]),
    one_wrong=(3, [(3, 0.9), (5, 0.99), (3, 0.9), (3, 0.9)]),
    all_wrong_unsure=(1, [(2, 0.5), (2, 0.5), (2, 0.5), (2, 0.5)]),
    all_wrong_sure=(3, [(2, 0.9), (2, 0.9), (2, 0.9), (4, 0.9)]),
    two_and_two=(1, [(1, 0.9), (1, 0.9), (2, 0.6), (2, 0.6)]),
)


def test_all_images_come_in_the_order_of_the_test_set():
    found = ranked_images(TABLE)
    assert list(found.columns) == tables.ANSWERS
    assert found["index"].tolist() == [0, 1, 2, 3, 4]
    assert found["label"].tolist() == [3, 3, 1, 3, 1]
    assert found["networks"].tolist() == [4] * 5
    assert found["wrong"].tolist() == [0, 1, 4, 4, 2]
    assert found["predictions"].tolist() == [(3, 3, 3, 3), (3, 5, 3, 3), (2, 2, 2, 2), (2, 2, 2, 4), (1, 1, 2, 2)]


def test_what_most_have_wrong_comes_first_then_the_surest_mistakes():
    found = ranked_images(TABLE, show="wrong")
    assert found["index"].tolist() == [3, 2, 4, 1]
    assert found["mistake_probability"].tolist() == pytest.approx([0.9, 0.5, 0.6, 0.99])


def test_what_most_pairs_disagree_about_comes_first_then_what_their_probabilities_differ_most_about():
    found = ranked_images(TABLE, show="disagree")
    assert found["index"].tolist() == [4, 1, 3]
    assert found["disagreement"].tolist() == pytest.approx([4 / 6, 3 / 6, 3 / 6])
    assert found["spread"].tolist() == pytest.approx([0.5, 0.89, 0.0])


def test_more_answers_are_more_disagreement():
    table = answered(two=(0, [(0, 1.0), (0, 1.0), (1, 1.0)]), three=(0, [(0, 1.0), (1, 1.0), (2, 1.0)]))
    assert ranked_images(table)["disagreement"].tolist() == pytest.approx([2 / 3, 1])


def test_one_class_can_be_chosen():
    assert ranked_images(TABLE, label=1)["index"].tolist() == [2, 4]
    assert ranked_images(TABLE, show="wrong", label=3)["index"].tolist() == [3, 1]
    assert list(ranked_images(TABLE, show="wrong", label=7).columns) == tables.ANSWERS


def test_one_network_has_nobody_to_disagree_with():
    table = TABLE[TABLE["reference"] == "a"]
    assert ranked_images(table)["disagreement"].tolist() == [0] * 5
    assert ranked_images(table, show="disagree").empty
    assert ranked_images(table, show="wrong")["index"].tolist() == [3, 2]


def test_an_unknown_choice_is_told():
    with pytest.raises(BadSettings, match=r"^`show` \(='odd'\) is not known\. Known: 'all', 'wrong', 'disagree'\.$"):
        ranked_images(TABLE, show="odd")
