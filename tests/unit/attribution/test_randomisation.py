"""Which layers are drawn anew, in what state the network then is, and what becomes of maps that are known."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
import torchvision
from torch import nn

from explorer import tables
from explorer.attribution.randomisation import badge, map_similarity, randomisation
from explorer.data.batches import Normalisation
from explorer.data.pixels import load_data
from explorer.errors import BadSettings
from explorer.files import PROJECT
from explorer.models.layers import main_path
from explorer.models.network import build
from explorer.progress import listening
from explorer.runs.checkpoints import load_checkpoint

TRAINED = PROJECT / "checkpoints" / "shipped-digits-resnet8" / "checkpoint.safetensors"


@pytest.fixture(scope="module")
def digits():
    """A trained network, eight test images of it, and images for calibration."""
    data = load_data("digits")
    normalisation = Normalisation.of(data)
    return load_checkpoint(TRAINED), normalisation(data.test_pixels[::45]), normalisation(data.train_pixels[:100])


def stages_of(network, calibration, **options):
    """State of the network at every stage, by the number of layers drawn anew."""
    states = []

    def position_map(stage):
        assert not any(module.training for module in stage.modules())
        states.append({name: value.clone() for name, value in stage.state_dict().items()})
        return np.arange(4.0).reshape(2, 2)

    counts = map_similarity(network, position_map, calibration, **options)["randomised"]
    return dict(zip(counts, states, strict=True))


def test_the_topmost_layers_are_drawn_anew_with_their_norms_and_shortcuts(batch):
    network = build("resnet8-c-w4", seed=3).eval()
    parts = [
        ["classifier"],
        ["stages.2.0.conv2", "stages.2.0.norm2", "stages.2.0.shortcut"],
        ["stages.2.0.conv1", "stages.2.0.norm1"],
        ["stages.1.0.conv2", "stages.1.0.norm2", "stages.1.0.shortcut"],
        ["stages.1.0.conv1", "stages.1.0.norm1"],
        ["stages.0.0.conv2", "stages.0.0.norm2", "stages.0.0.shortcut"],
        ["stages.0.0.conv1", "stages.0.0.norm1"],
        ["stem"],
    ]
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.5)  # as training does, norms included
    before = network.state_dict()
    states = stages_of(network, batch[0])
    assert list(states) == list(range(9))
    for count, state in states.items():
        expected = tuple(f"{name}." for names in parts[:count] for name in names)
        for name, value in state.items():
            same = torch.equal(value, before[name])
            assert same != name.startswith(expected), (count, name)


def test_layers_once_drawn_stay_as_drawn(batch):
    states = stages_of(build("resnet8-w4", seed=3).eval(), batch[0])
    for name, value in states[4].items():
        if name.startswith(("classifier", "stages.2")) and "running" not in name and "num" not in name:
            assert torch.equal(value, states[8][name]), name


def test_blocks_of_other_peoples_networks_take_their_shortcut_with_them(batch):
    network = torchvision.models.resnet18(num_classes=10).eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    counts = {layer.name: 18 - layer.number + 1 for layer in main_path(network)}
    state = stages_of(network, batch[0], points=6)[counts["layer4.0.conv2"]]
    changed = {name for name, value in state.items() if not torch.equal(value, before[name])}
    assert {"layer4.0.downsample.0.weight", "layer4.0.conv2.weight", "layer4.1.conv1.weight"} <= changed
    assert not any(name.startswith(("layer4.0.conv1", "layer4.0.bn1", "layer3")) for name in changed)


def test_new_weights_are_not_those_that_the_network_started_from(batch):
    for seed in (0, 1):
        network = build("resnet8-w4", seed=seed).eval()
        state = stages_of(network, batch[0], points=2, seed=seed)[8]
        for layer in main_path(network):
            assert not torch.equal(state[f"{layer.name}.weight"], layer.module.weight)


def test_norms_get_the_statistics_of_the_calibration_images():
    """What a re-drawn norm gives for them has mean zero and spread one; norms below are as they were."""
    network, images = build("resnet8-w4").eval(), torch.randn(200, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    spreads = []

    def position_map(stage):
        kept = []
        for layer in main_path(stage)[:-1]:
            layer.norm.register_forward_hook(lambda module, inputs, output: kept.append(output))
        with torch.no_grad():
            stage(images)
        for layer in main_path(stage)[:-1]:
            layer.norm._forward_hooks.clear()
        spreads.append([each.std().item() for each in kept])
        return np.arange(4.0).reshape(2, 2)

    counts = list(map_similarity(network, position_map, images)["randomised"])
    for count, found in zip(counts, spreads, strict=True):
        above = 8 - max(count, 1)  # layers of the seven with a norm that are as they were
        assert found[:above] == pytest.approx(spreads[0][:above])
        assert found[above:] == pytest.approx([1.0] * (7 - above), abs=0.02)


def test_calibration_in_parts_takes_every_image(batch, monkeypatch):
    calls = []
    network = build("plain8-w4").eval()
    network.stem.register_forward_hook(lambda module, inputs, output: calls.append(len(inputs[0])))
    monkeypatch.setattr("explorer.attribution.randomisation.CALIBRATION_BATCH", 4)
    stages_of(network, batch[0], points=2)
    assert calls == [3, 3]  # the classifier alone has no norm


def test_stages_are_spread_evenly_from_the_classifier_to_all_layers(batch):
    def counts(points):
        return list(stages_of(build("plain20-w4").eval(), batch[0], points=points))

    assert counts(10) == [0, 1, 3, 5, 7, 9, 12, 14, 16, 18, 20]
    assert counts(100) == list(range(21))
    assert counts(2) == [0, 1, 20]


def test_rows_say_which_layers(batch):
    table = map_similarity(build("resnet8-w4").eval(), lambda stage: np.eye(4), batch[0], points=3)
    assert list(table.columns) == tables.RANDOMISATION
    assert list(table["layer"]) == [0, 8, 5, 1]
    assert list(table["name"]) == ["", "classifier", "stages.1.0.conv2", "stem.conv"]
    assert list(table["part"]) == [0, 1 / 8, 4 / 8, 1]


def test_measures_compare_each_map_with_the_first(batch):
    second = np.array([[4.0, 3.0], [2.0, 1.0]])
    maps = iter([np.array([[1.0, -2.0], [3.0, -4.0]]), second, second])
    table = map_similarity(build("plain8-w4").eval(), lambda stage: next(maps), batch[0], points=2)
    first, *others = table.to_dict("records")
    assert others[0]["ssim"] == others[1]["ssim"]
    last = others[-1]
    assert [first[each] for each in tables.RANDOMISATION[4:]] == pytest.approx([1, 1, 1, 1])
    assert last["rank_correlation"] == pytest.approx(1 - 6 * (1 + 1 + 4 + 0) / (4 * 15))  # ranks 3 2 4 1 and 4 3 2 1
    assert last["absolute_rank_correlation"] == pytest.approx(-1)
    assert last["top_overlap"] == 0


def test_the_edges_of_the_image_ignore_the_weights(digits):
    network, images, calibration = digits
    edges = images[0, 0].diff(dim=0)[:, 1:].numpy()
    table = map_similarity(network, lambda stage: edges, calibration)
    assert np.allclose(table[tables.RANDOMISATION[4:]], 1)
    assert badge(table) == "ignores_weights"


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("method", "parameters", "expected"),
    [
        ("saliency", {}, "follows_weights"),
        ("integrated_gradients", {"steps": 8}, "follows_weights"),
        ("grad_cam", {"layer": "stage2"}, "follows_weights"),
        ("guided_backprop", {}, "ignores_weights"),
    ],
)
def test_methods_on_a_trained_network_as_adebayo_found(method, parameters, expected, digits):
    network, images, calibration = digits
    with torch.no_grad():
        targets = network(images).argmax(1).tolist()
    found = [
        badge(randomisation(network, images[i : i + 1], targets[i], method, parameters, calibration)) for i in range(3)
    ]
    assert found == [expected] * 3


def test_the_target_stays_the_original_one(batch, monkeypatch):
    asked = []

    def explained(network, images, target, method, **parameters):
        asked.append((target, method, parameters))
        raise KeyboardInterrupt

    monkeypatch.setattr("explorer.attribution.randomisation.explained", explained)
    with pytest.raises(KeyboardInterrupt):
        randomisation(build("plain8-w4"), batch[0][:1], 7, "occlusion", {"window": 3}, batch[0])
    assert asked == [(7, "occlusion", {"window": 3})]


def table_of(*correlations):
    return pd.DataFrame({"randomised": range(len(correlations) + 1), "rank_correlation": [1.0, *correlations]})


@pytest.mark.parametrize(
    ("correlations", "expected"),
    [
        ((1.0, 1.0), "ignores_weights"),
        ((0.9, 0.53), "ignores_weights"),
        ((0.9, 0.5), "cannot_tell"),
        ((0.5, 0.5), "cannot_tell"),
        ((0.5, 0.49), "follows_weights"),
        ((-0.9, -0.9), "follows_weights"),
        ((math.nan, 0.1), "follows_weights"),
        ((math.nan, math.nan, 0.1), "cannot_tell"),
        ((math.nan, math.nan), "cannot_tell"),
    ],
)
def test_badge_by_the_mean_correlation(correlations, expected):
    assert badge(table_of(*correlations)) == expected


def test_constant_maps_tell_nothing(batch):
    assert badge(map_similarity(build("plain8-w4"), lambda stage: np.zeros((8, 8)), batch[0])) == "cannot_tell"


def test_progress_goes_up_to_one(batch):
    heard = []
    with listening(heard.append):
        randomisation(build("plain8-w4"), batch[0][:1], 0, "saliency", {}, batch[0])
    assert heard == sorted(heard)
    assert heard[-1] == pytest.approx(1)
    assert len(set(heard)) >= 9


def test_another_seed_draws_other_weights(batch):
    network = build("resnet8-w4").eval()
    one, same, other = (stages_of(network, batch[0], points=2, seed=seed)[8] for seed in (1, 1, 2))
    assert torch.equal(one["classifier.weight"], same["classifier.weight"])
    assert not torch.equal(one["classifier.weight"], other["classifier.weight"])


def test_the_network_stays_as_it_was(used, unchanged, batch):
    network = used("resnet8-w4")
    check = unchanged(network)
    randomisation(network, batch[0][:1], 3, "saliency", {}, batch[0], points=3)
    check()
    with pytest.raises(BadSettings):
        randomisation(network, batch[0][:1], 3, "grad_cam", {"layer": "nowhere"}, batch[0])
    check()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda n, x: randomisation(n, x, 0, "saliency", {}, x), "expected (1, C, H, W): one image"),
        (lambda n, x: randomisation(n, x[:1], 0, "saliency", {}, x[:1]), "`calibration` has shape (1, 3, 8, 8)"),
        (lambda n, x: randomisation(n, x[:1], 0, "saliency", {}, x, points=1), "`points` (=1) is not at least 2"),
        (lambda n, x: randomisation(nn.Flatten(), x[:1], 0, "saliency", {}, x), "Flatten has no convolution"),
    ],
)
def test_what_cannot_be_checked_is_refused(call, message, batch):
    with pytest.raises(BadSettings) as error:
        call(build("plain8-w4"), batch[0])
    assert message in str(error.value)
