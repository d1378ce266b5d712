"""Maps of networks by reference on pictures by reference: every field is what it says."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from explorer import progress, tables
from explorer.attribution.attribute import attribute, explained
from explorer.attribution.question import Question
from explorer.data.batches import TEST_SAMPLE_SEED, Normalisation, balanced_subset
from explorer.data.pixels import load_data
from explorer.errors import BadSettings, RunError, UnknownName
from explorer.runs.checkpoints import load_checkpoint
from explorer.studies.attributions import (
    agreement_of_methods,
    agreement_of_networks,
    attribution_map,
    check,
    layer_maps,
)
from explorer.training.devices import best_device


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))


@pytest.fixture
def run(make_weights):
    """resnet8-w4 with weights of steps 5 and 10; gives its id."""
    return make_weights(scale=3.0)


def same(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def digit(number):
    """Test image `number` as a network sees it, and its label."""
    data = load_data("digits")
    images = Normalisation.of(data)(data.test_pixels[number : number + 1])
    return images.to(best_device()), int(data.test_labels[number])


def network_of(reference):
    return load_checkpoint(reference).to(best_device())


def test_a_map_says_all_about_itself(run):
    found = attribution_map(f"{run}@5", "test:17", Question("integrated_gradients", target=4, parameters={"steps": 9}))
    image, label = digit(17)
    network = network_of(f"{run}@5").eval()
    direct = explained(network, image, 4, "integrated_gradients", steps=9)
    scores = network(image).detach()[0].cpu()
    assert (found.reference, found.network, found.kind, found.depth, found.step) == (
        f"{run}@5", "resnet8-w4", "residual", 8, 5,
    )  # fmt: skip
    assert (found.image, found.method, found.layer, found.target, found.label) == (
        "test:17", "integrated_gradients", "", 4, label,
    )  # fmt: skip
    assert found.title
    assert found.classes == tuple("0123456789")
    same(found.probabilities, scores.softmax(0))
    assert found.prediction == int(scores.argmax())
    assert found.score == pytest.approx(float(scores[4]), abs=1e-5)
    same(found.values, direct.values[0].cpu())
    same(found.map, direct.values[0].sum(0).cpu())
    assert found.delta == pytest.approx(float(direct.delta), abs=1e-6)
    assert np.array_equal(found.pixels, load_data("digits").test_pixels[17])
    assert found.signed is True
    assert found.seconds > 0
    assert len(dataclasses.fields(found)) == 20, "a new field is to be looked at here"


def test_without_a_target_the_predicted_class_is_explained(run):
    found = attribution_map(run, "test:3")
    assert found.target == found.prediction
    assert (found.method, found.signed, found.delta) == ("saliency", False, None)


def test_the_map_of_a_layer_has_the_size_of_the_picture(run):
    found = attribution_map(run, "test:3", Question("grad_cam", parameters={"layer": "stage2"}))
    assert (found.layer, found.values.shape, found.map.shape) == ("stage2", (1, 4, 4), (8, 8))


@pytest.mark.parametrize(("name", "value"), [("black", 0), ("white", 255)])
def test_black_and_white_baselines_are_normalised_as_the_images_are(name, value, run):
    found = attribution_map(run, "test:3", Question("deep_lift", target=1, parameters={"baseline": name}))
    image, _ = digit(3)
    baseline = Normalisation.of(load_data("digits"))(np.full((1, 8, 8, 1), value, np.uint8)).to(image.device)
    direct = attribute(network_of(run), image, 1, "deep_lift", baseline=baseline)
    same(found.values, direct[0].cpu())


def test_gradient_shap_can_draw_its_baselines_from_test_images(run):
    given = {"samples": 4, "baseline": "images"}
    found = attribution_map(run, "test:3", Question("gradient_shap", target=1, parameters=given))
    data = load_data("digits")
    some = data.test_pixels[balanced_subset(data.test_labels, 32, TEST_SAMPLE_SEED)]
    image, _ = digit(3)
    drawn = Normalisation.of(data)(some).to(image.device)
    direct = attribute(network_of(run), image, 1, "gradient_shap", samples=4, baseline=drawn)
    same(found.values, direct[0].cpu())


def test_a_photograph_is_fitted_to_the_network(run):
    found = attribution_map(run, "china.jpg")
    assert (found.pixels.shape, found.label) == ((8, 8, 1), None)


def test_networks_trained_on_a_mean_image_see_it_subtracted(make_weights):
    pixel = attribution_map(
        make_weights(recipe={"normalisation": "pixel"}) + "@5", "test:3", Question("input_x_gradient", target=1)
    )
    data = load_data("digits")
    image = Normalisation.of(data, "pixel")(data.test_pixels[3:4])
    direct = attribute(load_checkpoint("e1-resnet8-w4-s0@5"), image, 1, "input_x_gradient")
    same(pixel.values, direct[0])


def test_every_block_has_a_map(make_weights):
    run, heard = make_weights("plain14-w4"), []
    with progress.listening(heard.append):
        found = layer_maps(run, "test:3", Question("grad_cam", target=2))
    assert [each.layer for each in found] == [f"stage{stage}.block{block}" for stage in (1, 2, 3) for block in (1, 2)]
    assert [each.values.shape for each in found] == [(1, side, side) for side in (8, 8, 4, 4, 2, 2)]
    for each in found:
        alone = attribution_map(run, "test:3", Question("grad_cam", target=2, parameters={"layer": each.layer}))
        np.testing.assert_array_equal(each.map, alone.map)
    assert heard == sorted(heard)
    assert heard[-1] == 1


def test_blocks_can_be_looked_at_by_another_method(run):
    found = layer_maps(run, "test:3", Question("layer_conductance", parameters={"steps": 3}))
    assert [each.values.shape for each in found] == [(4, 8, 8), (8, 4, 4), (16, 2, 2)]


def test_a_method_that_looks_at_no_layer_has_no_maps_of_blocks(run):
    with pytest.raises(BadSettings) as error:
        layer_maps(run, "test:3", Question("saliency"))
    assert str(error.value) == (
        "Saliency does not explain a layer. Choose one of grad_cam, guided_grad_cam, layer_conductance."
    )


def test_a_check_is_about_the_map_it_holds(run):
    heard = []
    with progress.listening(heard.append):
        found = check(run, "test:3", Question("input_x_gradient", target=2))
    np.testing.assert_array_equal(
        found.map.map, attribution_map(run, "test:3", Question("input_x_gradient", target=2)).map
    )
    assert list(found.curves.table.columns) == tables.DELETION_INSERTION
    assert list(found.randomisation.columns) == tables.RANDOMISATION
    start = found.curves.table.query("curve == 'deletion' and fraction == 0")["probability"].item()
    assert start == pytest.approx(found.map.probabilities[2], abs=1e-6)
    assert 0 <= found.infidelity.unexplained <= 1
    assert found.sensitivity > 0
    assert found.badge in ("follows_weights", "ignores_weights", "cannot_tell")
    assert heard == sorted(heard)
    assert heard[-1] == 1


def test_networks_are_compared_on_the_true_classes_of_the_same_images(run):
    found = agreement_of_networks([run, f"{run}@5", "plain8-w4"], 6, Question("input_x_gradient"))
    assert list(found.columns) == tables.NETWORK_AGREEMENT
    assert len(found) == 9
    same = found[found["a"] == found["b"]]
    assert same["rank_correlation"].tolist() == pytest.approx([1, 1, 1])
    assert set(found["images"]) == {6}
    last = found.iloc[-1]
    assert [last[f"{key}_a"] for key in ("network", "kind", "depth")] == ["plain8-w4", "plain", 8]
    assert found.loc[found["a"] == run, "kind_a"].tolist() == ["residual"] * 3


def test_over_images_the_mean_is_taken_and_the_true_classes_are_explained(run):
    found = agreement_of_networks([run, f"{run}@5"], 6, Question("input_x_gradient"))
    data = load_data("digits")
    chosen = balanced_subset(data.test_labels, 6, TEST_SAMPLE_SEED)
    images, labels = Normalisation.of(data)(data.test_pixels[chosen]), torch.tensor(data.test_labels[chosen])
    ours, theirs = (attribute(load_checkpoint(each), images, labels, "input_x_gradient") for each in (run, f"{run}@5"))
    each = [spearmanr(a.flatten(), b.flatten()).statistic for a, b in zip(ours, theirs, strict=True)]
    pair = found.query("a != b").iloc[0]
    assert pair["rank_correlation"] == pytest.approx(np.mean(each), abs=1e-3)
    assert pair["rank_correlation_std"] == pytest.approx(np.std(each, ddof=1), abs=1e-3)


def test_on_one_picture_all_networks_explain_its_class(run):
    found = agreement_of_networks([run, f"{run}@5"], "test:3", Question("input_x_gradient"))
    label = digit(3)[1]
    maps = [
        attribution_map(each, "test:3", Question("input_x_gradient", target=label)).map for each in (run, f"{run}@5")
    ]
    pair = found.query("a != b").iloc[0]
    assert pair["rank_correlation"] == pytest.approx(spearmanr(*(each.flatten() for each in maps)).statistic)
    assert pair["images"] == 1


def test_where_no_class_is_known_all_explain_what_the_first_predicts(run):
    other = f"{run}@5"
    predicted = attribution_map(run, "china.jpg").prediction
    free = agreement_of_networks([run, other], "china.jpg")
    told = agreement_of_networks([run, other], "china.jpg", Question(target=predicted))
    assert free["rank_correlation"].tolist() == told["rank_correlation"].tolist()


def test_methods_are_compared_on_one_network(run):
    heard = []
    with progress.listening(heard.append):
        found = agreement_of_methods(
            run,
            5,
            [Question("saliency"), Question("integrated_gradients", parameters={"steps": 3}), Question("grad_cam")],
        )
    assert list(found.columns) == tables.MEAN_AGREEMENT
    assert found["a"].tolist() == ["saliency"] * 3 + ["integrated_gradients"] * 3 + ["grad_cam"] * 3
    assert heard == sorted(heard)
    assert heard[-1] == 1


def test_networks_that_take_other_images_are_not_compared(run, make_weights):
    other = make_weights("plain8-w4", channels=3, data="cifar10")
    with pytest.raises(BadSettings, match="Maps can be compared on the same images only"):
        agreement_of_networks([run, f"{other}@5"])


def test_what_cannot_be_is_refused(run):
    with pytest.raises(RunError):
        attribution_map("nowhere", "test:3")
    with pytest.raises(UnknownName, match="No attribution method is called 'salience'"):
        attribution_map(run, "test:3", Question("salience"))
    with pytest.raises(UnknownName, match="No picture is called 'portrait.jpg'"):
        attribution_map(run, "portrait.jpg")
    with pytest.raises(BadSettings, match=r"`target` \(=10\) is not a class"):
        attribution_map(run, "test:3", Question(target=10))
    with pytest.raises(BadSettings, match="Saliency has no parameter `steps`"):
        attribution_map(run, "test:3", Question(parameters={"steps": 5}))
    with pytest.raises(BadSettings, match=r"`images` \(=0\) must be between 1"):
        agreement_of_networks([run, "plain8-w4"], 0)
    with pytest.raises(BadSettings, match="Name two networks or more"):
        agreement_of_networks([run])


def test_a_file_is_read_only_where_paths_are_allowed(run, tmp_path):
    from PIL import Image

    path = tmp_path / "grey.png"
    Image.new("L", (20, 20), 128).save(path)
    with pytest.raises(UnknownName):
        attribution_map(run, str(path))
    assert attribution_map(run, str(path), Question(paths=True)).pixels.mean() == 128


def test_a_class_that_there_is_not_is_refused_for_a_table_too(run):
    with pytest.raises(BadSettings, match="is not a class"):
        agreement_of_methods(run, 3, [Question("saliency", 99), Question("grad_cam", 99)])


def test_maps_are_of_the_network_in_evaluation_mode(run):
    """Two images at once give what one gives."""
    first = attribution_map(run, "test:0", Question("input_x_gradient", target=2))
    images = torch.cat([digit(0)[0], digit(9)[0]])
    both = attribute(network_of(run).train(), images, 2, "input_x_gradient")
    same(first.values, both[0].cpu())


def test_a_map_does_not_import_the_compiler():
    code = (
        "import sys; from explorer.studies.attributions import attribution_map\n"
        "print(attribution_map('resnet8', 'test:0').pixels.shape, 'torch._dynamo' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "(8, 8, 1) False"
