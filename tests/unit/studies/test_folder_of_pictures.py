"""A folder of pictures takes the place of a data set: networks are shown it as they were trained to see images."""

import numpy as np
import pytest
import torch
from PIL import Image

from explorer.attribution.question import Question
from explorer.data.batches import Normalisation
from explorer.data.catalogue import dataset
from explorer.data.imagenet import categories
from explorer.data.normalisations import NORMALISATIONS
from explorer.data.pixels import load_data
from explorer.errors import BadSettings
from explorer.models.config import NetworkConfig
from explorer.models.network import build
from explorer.runs.checkpoint_facts import CheckpointFacts
from explorer.runs.checkpoints import save_checkpoint
from explorer.studies import attributions as attribution_maps
from explorer.studies import evaluations, predictions
from explorer.studies import layers as inspection
from explorer.studies.named_networks import named_networks
from explorer.studies.references import _image_size, resolved
from explorer.training.evaluation import evaluate
from explorer.training.loop import train
from explorer.training.plan import Plan
from explorer.training.recipe import Recipe

SMALL = "resnet8-w4"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))


@pytest.fixture
def write(tmp_path):
    """Writes two pictures of random pixels into each of some folders below "pets"; gives the folder."""
    generator = np.random.default_rng(0)

    def written(*names, side=40):
        for name in names:
            for number in range(2):
                file = tmp_path / "pets" / name / f"{number}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(generator.integers(0, 256, (side, side + 9, 3), np.uint8)).save(file)
        return tmp_path / "pets"

    return written


@pytest.fixture
def imagenet_like(tmp_path):
    """A small network of ImageNet's 1,000 classes, as somebody else's weights become a checkpoint; gives its path."""

    def made(**facts):
        network = build(SMALL, classes=1000, seed=3)
        path = tmp_path / "weights.safetensors"
        save_checkpoint(network, path, CheckpointFacts(network=network.config, normalisation="imagenet", **facts))
        return str(path)

    return made


def one(reference, **options):
    (found,) = resolved([reference], **options)
    return found


@pytest.mark.parametrize("facts", [{}, {"classes": categories()}, {"data": "imagenet"}])
def test_a_network_of_imagenets_classes_labels_a_folder_among_them(facts, imagenet_like, write):
    folder = write("goldfish", "tench")
    found = one(imagenet_like(**facts), data=f"folder:{folder}")
    assert (found.data, found.normalisation) == (f"imagenet:{folder}", "imagenet")
    table = predictions.predictions([found.reference], data=f"folder:{folder}")
    assert table["label"].tolist() == [1, 1, 0, 0]


def test_predictions_are_those_of_a_network_shown_the_normalised_pictures(imagenet_like, write):
    folder = write("goldfish", "tench")
    reference = imagenet_like()
    table = predictions.predictions([reference], data=f"folder:{folder}")
    row = NORMALISATIONS["imagenet"]
    pixels = torch.from_numpy(np.asarray(load_data(f"folder:{folder}", 32).test_pixels)).permute(0, 3, 1, 2) / 255
    images = (pixels - torch.tensor(row.mean)[:, None, None]) / torch.tensor(row.std)[:, None, None]
    network = build(SMALL, classes=1000, seed=3).eval()
    probabilities = network(images).softmax(1)
    assert table["prediction"].tolist() == probabilities.argmax(1).tolist()
    np.testing.assert_allclose(table["probability"], probabilities.amax(1).detach(), atol=1e-6)


def test_networks_for_large_images_are_shown_them_at_224_pixels(write):
    data = f"folder:{write('a', 'b')}"
    assert one(SMALL, data=data).image_size == 32
    large = NetworkConfig(depth=8, width=4, stem="large", stages=(1, 1, 1))
    row = dataset(data)
    assert _image_size(None, large, row) == 224
    assert _image_size(CheckpointFacts(network=large, recipe={"image_size": 64}), large, row) == 64
    assert _image_size(CheckpointFacts(network=large, data="cifar10"), large, row) == 32


def test_a_network_of_cifar10_sees_a_folder_normalised_as_its_training_images(make_weights, write):
    folder = write("cat", "dog")
    run = make_weights(SMALL, channels=3, data="cifar10") + "@5"
    found = one(run, data=f"folder:{folder}")
    assert (found.data, found.image_size, found.normalisation) == (f"cifar10:{folder}", 32, "channel:cifar10")
    table = predictions.predictions([run], data=f"folder:{folder}")
    assert table["label"].tolist() == [3, 3, 5, 5]
    pixels = np.asarray(load_data(f"folder:{folder}", 32).test_pixels)
    images = Normalisation.known("cifar10")(pixels)
    expected = build(SMALL, seed=5).eval()(images).softmax(1).amax(1)
    np.testing.assert_allclose(table["probability"], expected.detach(), atol=1e-4)  # weights in half precision


def test_classes_that_the_network_does_not_know_are_refused(make_weights, write):
    run = make_weights(SMALL, channels=3, data="cifar10")
    with pytest.raises(BadSettings, match="'zebra' is not named after one of the 10 classes of CIFAR-10"):
        one(run + "@5", data=f"folder:{write('cat', 'zebra')}")


def test_untrained_networks_get_the_classes_of_the_folder_or_of_the_first_trained_one(imagenet_like, write):
    folder = write("goldfish", "tench")
    alone = one(SMALL, data=f"folder:{folder}/")
    assert (alone.data, alone.normalisation) == (f"folder:{folder}", "imagenet")
    assert alone.network.config.classes == 2
    beside = list(resolved([SMALL, imagenet_like()], data=f"folder:{folder}"))
    assert [each.data for each in beside] == [f"imagenet:{folder}"] * 2
    assert beside[0].network.config.classes == 1000


def test_responses_and_gradients_are_measured_on_a_folder(imagenet_like, write):
    folder = write("goldfish", "tench")
    table = inspection.response_std([SMALL, imagenet_like()], data=f"folder:{folder}", images=4)
    assert len(table) == 2 * 8
    assert (table["response_std"] > 0).all()
    table = inspection.gradient_profile([SMALL], data=f"folder:{folder}", images=4)  # of test images: it has no others
    assert (table["gradient_norm"] > 0).all()


def test_maps_explain_pictures_of_a_folder(imagenet_like, write):
    folder = write("goldfish", "tench")
    found = attribution_maps.attribution_map(imagenet_like(), "test:2", Question(data=f"folder:{folder}", target=1))
    assert (found.classes[found.label], found.classes[found.target]) == ("tench", "goldfish")
    np.testing.assert_array_equal(found.pixels, load_data(f"folder:{folder}", 32).test_pixels[2])
    assert found.map.shape == (32, 32)
    assert np.abs(found.map).max() > 0


def test_photographs_are_explained_to_a_network_of_imagenet_without_its_images(imagenet_like):
    found = attribution_maps.attribution_map(imagenet_like(), "china.jpg", Question("input_x_gradient", target=7))
    assert found.classes[found.target] == "cock"
    assert found.label is None


def test_a_shell_knows_the_classes_by_name(imagenet_like, write):
    (subject,) = named_networks([imagenet_like()], f"folder:{write('goldfish', 'tench')}")
    assert subject.target("Siamese cat") == 284
    assert subject.picture("test:0").label == 1


def test_a_class_is_meant_by_its_name_even_if_that_is_the_number_of_another(write):
    (subject,) = named_networks([SMALL], f"folder:{write('1', '2')}")
    assert [subject.target(text) for text in ("1", "2", "0")] == [0, 1, 0]


def test_an_evaluation_takes_a_folder(write):
    folder = write("goldfish", "tench")
    network = build(SMALL, classes=1000, seed=3)
    network.normalisation = "imagenet"
    found = evaluate(network, f"imagenet:{folder}")
    assert found["images"] == 4
    data = load_data(f"imagenet:{folder}", 32)
    assert data.test_labels.tolist() == [1, 1, 0, 0]
    scores = network.eval()(Normalisation.of(data, "imagenet")(data.test_pixels))
    assert evaluate(network, data)["error"] == (scores.argmax(1) != torch.tensor(data.test_labels)).double().mean()
    with pytest.raises(BadSettings, match=f"or another network, or name it imagenet:{folder}, with subfolders"):
        evaluate(network, load_data(f"folder:{folder}", 32))


def test_a_folder_with_training_images_trains(write):
    folder = write("train/a", "train/b", "val/a", "val/b")
    plan = Plan(networks=(SMALL,), data=f"folder:{folder}", recipe=Recipe(steps=2, batch_size=2, image_size=32))
    assert [config.classes for config in plan.network_configs()] == [2]
    records = list(train(SMALL, plan.data, plan.recipe, device="cpu"))
    assert [record.step for record in records] == [0, 1, 2]
    assert all(np.isfinite(record.loss) for record in records[1:])


def test_a_plan_without_training_images_is_refused(write):
    with pytest.raises(ValueError, match="The folder pets has no training images"):
        Plan(networks=(SMALL,), data=f"folder:{write('a', 'b')}")


def test_a_network_trained_on_a_folder_is_shown_it_as_in_training(tmp_path, write):
    folder = write("train/a", "train/b", "val/a", "val/b")
    network = build(SMALL, classes=2)
    facts = CheckpointFacts(network=network.config, data=f"folder:{folder}", recipe={"image_size": 48})
    save_checkpoint(network, tmp_path / "own.safetensors", facts)
    found = one(str(tmp_path / "own.safetensors"))
    assert (found.data, found.image_size, found.normalisation) == (f"folder:{folder}", 48, "channel")
    table = inspection.gradient_profile([found.reference], images=4)
    assert (table["gradient_norm"] > 0).all()


def test_other_classes_than_those_trained_on_are_refused(tmp_path, write):
    network = build(SMALL, classes=2)
    path = tmp_path / "own.safetensors"
    save_checkpoint(network, path, CheckpointFacts(network=network.config, classes=("a", "b")))
    with pytest.raises(
        BadSettings, match="The network's classes are a, b; the subfolders of .*/pets are a, c. They must"
    ):
        one(str(path), data=f"folder:{write('a', 'c')}")


def test_the_training_images_of_a_folder_without_any_are_told_to_lack(write):
    folder = write("goldfish", "tench")
    network = build(SMALL, classes=2)
    network.normalisation = "imagenet"
    with pytest.raises(BadSettings, match="The folder pets has no training images. Choose another data set"):
        evaluate(network, f"folder:{folder}", split="train")


def test_a_network_of_a_thousand_classes_is_evaluated_on_a_folder_with_labels_among_them(write):
    folder = write("goldfish", "tench")
    network = build(SMALL, classes=1000, seed=3)
    network.normalisation = "imagenet"
    data = load_data(f"imagenet:{folder}", 32)  # the size that it is made for
    scores = network.eval()(Normalisation.of(data, "imagenet")(data.test_pixels))
    expected = torch.nn.functional.cross_entropy(scores, torch.tensor([1, 1, 0, 0])).item()
    assert evaluate(network, f"folder:{folder}")["loss"] == pytest.approx(expected, rel=1e-5)


def test_a_network_of_digits_is_told_which_classes_the_folder_has(make_weights, write):
    with pytest.raises(BadSettings, match="'a' is not named after one of the 10 classes of Handwritten digits"):
        one(make_weights(SMALL) + "@5", data=f"folder:{write('a', 'b')}")


def test_untrained_networks_are_measured_on_a_folder_of_few_pictures(write):
    data = f"folder:{write('a', 'b')}"
    assert np.isfinite(inspection.xray([SMALL], data=data, variants=["norm"])["response_std"]).all()
    assert len(inspection.gradient_autocorrelation([SMALL], data=data, points=8))


def test_an_evaluation_sees_pictures_that_were_added_meanwhile(imagenet_like, write):
    folder = write("goldfish", "tench")
    reference = imagenet_like()
    assert evaluations.evaluation(reference, data=f"folder:{folder}").images == 4
    write("Siamese cat")
    found = evaluations.evaluation(reference, data=f"folder:{folder}")
    assert (found.images, found.predictions["label"].tolist()) == (6, [284, 284, 1, 1, 0, 0])
