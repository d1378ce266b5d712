"""Which weights are in a file, and what lies beside them: by names and shapes, in the dictionaries that people save."""

from collections import OrderedDict

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from explorer.weights.sets import sets_in
from tests.unit.weights.layouts.classic import Akamaster
from tests.unit.weights.layouts.parts import drawn


@pytest.fixture(scope="module")
def state():
    return drawn(Akamaster()).state_dict()


@pytest.fixture(scope="module")
def other():
    return {key: tensor + 1 for key, tensor in drawn(Akamaster()).state_dict().items()}


def under(prefix, state):
    return {f"{prefix}{key}": tensor for key, tensor in state.items()}


def places(content):
    return list(sets_in(content).weights)


def same(found, expected):
    return found.keys() == expected.keys() and all(found[key] is expected[key] for key in expected)


def test_a_state_dict_is_the_file_itself(state):
    assert same(sets_in(state).weights[""], state)


def test_sets_are_named_by_their_place(state, other):
    assert places({"state_dict": state, "epoch": 3, "state_dict_ema": other}) == ["state_dict", "state_dict_ema"]
    assert places({"checkpoint": {"model": state}}) == ["checkpoint.model"]
    assert places({"models": [state, other], "acc": 0.9}) == ["models.0", "models.1"]
    assert places((state, 0.9)) == ["0"]
    assert places({f"fold{n}": OrderedDict(state if n else other) for n in range(2)}) == ["fold0", "fold1"]


@pytest.mark.parametrize("names", [("student.", "teacher."), ("encoder_q.", "encoder_k."), ("fold0.", "fold1."),
                                   ("model.", "ema_model.module."), ("online.net.", "target.net."),
                                   ("models.0.", "models.1.")])  # fmt: skip
def test_networks_under_two_prefixes_are_two_sets(state, other, names):
    both = under(names[0], state) | under(names[1], other)
    found = sets_in({"state_dict": both}).weights
    first, second = (name.split(".")[0] for name in names)
    expected = ["models.0", "models.1"] if names[0] == "models.0." else [first, second]
    assert list(found) == [f"state_dict.{each}" for each in expected]
    assert all(same(one, given) for one, given in zip(found.values(), (state, other), strict=True))


def test_networks_in_a_network_that_is_attacked_are_told_apart(state, other):
    """As in MadryLab's robustness: the network, its copy in the attacker, and what normalises before each."""
    mean = {"normalizer.new_mean": torch.full((3, 1, 1), 0.5), "normalizer.new_std": torch.full((3, 1, 1), 0.25)}
    whole = mean | under("model.", state) | under("attacker.model.", other) | under("attacker.", mean)
    found = sets_in({"model": under("module.", whole)})
    assert list(found.weights) == ["model.model", "model.attacker"]
    assert same(found.weights["model.model"], state)
    assert found.mean.flatten().tolist() == [0.5, 0.5, 0.5]
    again = sets_in(under("model.", state) | under("attacker.model.", state))
    assert list(again.weights) == ["model"]
    assert again.left_out == {"attacker": "the same as model"}


@pytest.mark.parametrize("prefix", ["module.", "model.", "_orig_mod.", "module.model.", "_orig_mod.module.net.",
                                    "model._orig_mod.", "backbone.", "model.backbone.", "resnet."])  # fmt: skip
def test_wrappers_around_a_network_are_removed(state, prefix):
    assert same(sets_in({"state_dict": under(prefix, state)}).weights["state_dict"], state)


def test_wrappers_inside_of_a_network_are_removed(state):
    inside = {key.replace("layer1.", "layer1._orig_mod."): tensor for key, tensor in state.items()}
    assert same(sets_in(inside).weights[""], state)


@pytest.mark.parametrize("end", ["linear.", "fc.", "head.linear."])
def test_a_prefix_of_all_but_the_classifier_is_removed(state, end):
    body = {key: tensor for key, tensor in state.items() if not key.startswith("linear.")}
    map_ = {f"{end}{key}": state[f"linear.{key}"] for key in ("weight", "bias")}
    assert same(sets_in(under("backbone.module.", body) | map_).weights[""], body | map_)


def test_a_network_saved_in_two_parts_is_joined(state):
    body = {key: tensor for key, tensor in state.items() if not key.startswith("linear.")}
    found = sets_in({"model": body, "classifier": {key: state[f"linear.{key}"] for key in ("weight", "bias")}})
    assert list(found.weights) == ["model+classifier"]
    assert len(found.weights["model+classifier"]) == len(state)


@pytest.mark.parametrize("name", ["n_averaged", "criterion.weight", "loss_fn.weight", "train_acc.correct",
                                  "val_metrics.tp", "queue", "queue_ptr", "mu", "total_ops", "layer1.total_params",
                                  "confmat", "global_step", "triplet_loss.centers"])  # fmt: skip
@pytest.mark.parametrize("prefix", ["", "model."])
def test_tensors_of_no_layer_are_left_out_and_named(state, name, prefix):
    normalisation = {"mu": torch.zeros(1, 3, 1, 1), "sigma": torch.ones(1, 3, 1, 1)}
    more = normalisation if name == "mu" else {name: torch.ones(7)}
    found = sets_in({"state_dict": under(prefix, state) | more})
    assert same(found.weights["state_dict"], state)
    assert list(found.left_out) == [f"state_dict.{each}" for each in more]


def test_what_is_outside_of_the_one_network_is_left_out(state):
    found = sets_in(under("net.", state) | {"alpha": torch.ones(3), "other.weight": torch.ones(5)})
    assert same(found.weights[""], state)
    assert found.left_out == {"alpha": "outside of net", "other.weight": "outside of net"}


def test_layers_with_unusual_names_are_kept(state):
    more = {"layer1.0.scale": torch.ones(1), "layer1.0.conv1.weight_mask": torch.ones(3), "bias1": torch.zeros(1)}
    assert same(sets_in(state | more).weights[""], state | more)


def test_unused_copies_of_blocks_are_left_out(state):
    copy = {key.replace("layer1.", "sub_block1."): each for key, each in state.items() if key.startswith("layer1.")}
    found = sets_in(state | copy)
    assert same(found.weights[""], state)
    assert set(found.left_out) == set(copy)


def test_an_average_is_told_by_its_counter(state):
    averaged = AveragedModel(drawn(Akamaster())).state_dict()
    found = sets_in({"model": state, "second": averaged})
    assert found.averaged == {"second"}
    assert found.weights["second"].keys() == state.keys()


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_counters_of_batches_may_have_any_shape(state, shape):
    counted = {
        key: torch.ones(shape) if key.endswith("num_batches_tracked") else tensor for key, tensor in state.items()
    }
    (found,) = sets_in(counted).weights.values()
    kept = {key for key in state if not shape or not key.endswith("num_batches_tracked")}
    assert set(found) == {key for key in state if shape == () or key in kept}


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.Adam])
def test_states_of_optimisers_are_never_weights(state, kind):
    network = drawn(Akamaster())
    optimiser = kind(network.parameters(), 0.1, **({"momentum": 0.9} if kind is torch.optim.SGD else {}))
    sum(each.sum() for each in network.parameters()).backward()
    optimiser.step()
    whole = optimiser.state_dict()
    by_name = {"momentum_buffer": state, "exp_avg": dict(state), "grads": dict(state), "masks": dict(state)}
    assert places({"optimizer": whole, "net": state, **by_name}) == ["net"]
    assert places({"optimizer": whole, "opt": {"param_groups": [], "w": dict(state)}, **by_name}) == []


@pytest.mark.parametrize(
    ("keys", "shape"),
    [
        (("mean", "std"), (3,)),
        (("mu", "sigma"), (1, 3, 1, 1)),
        (("0.mean", "0.std"), (1, 3, 1, 1)),
        (("normalize.mean", "normalize.std"), (3, 1, 1)),
        (("normalizer.new_mean", "normalizer.new_std"), (3, 1, 1)),
        (("pixel_mean", "pixel_std"), (3, 1, 1)),
    ],
)
def test_a_normalisation_before_the_network_is_found(state, keys, shape):
    mean, std = torch.full(shape, 0.4), torch.full(shape, 0.2)
    prefix = "1." if keys[0].startswith("0.") else ""
    found = sets_in({keys[0]: mean, keys[1]: std} | under(prefix, state))
    assert found.mean is mean
    assert found.std is std
    assert same(found.weights[""], state)


def test_a_normalisation_in_the_settings_is_found(state):
    found = sets_in({"state_dict": state, "config": {"mean": [0.4, 0.5, 0.6], "std": (0.2, 0.2, 0.2)}})
    assert (found.mean, found.std) == ((0.4, 0.5, 0.6), (0.2, 0.2, 0.2))


def test_numbers_and_short_texts_beside_the_weights_are_kept(state):
    found = sets_in(
        {
            "net": state, "acc": 93.2, "epoch": 199, "arch": "resnet8", "args": {"lr": 0.1, "deep": {"er": {"x": 1}}},
            "best": float("nan"), "note": "x" * 1000, "two\nlines": 1, "best_prec1": torch.tensor(92.5), "ok": True,
        }
    )  # fmt: skip
    prec1 = found.claims.pop("best_prec1")
    assert found.claims == {"acc": 93.2, "epoch": 199, "arch": "resnet8", "args.lr": 0.1, "ok": True}
    assert float(prec1) == 92.5


def test_without_convolutions_the_largest_mapping_is_taken():
    small, large = {"a": torch.ones(4)}, {"b": torch.ones(4), "c": torch.ones(4)}
    assert places({"best_prec1": torch.ones(1), "one": small, "state_dict": large}) == ["state_dict"]


def test_a_network_with_excitations_under_one_prefix_keeps_its_classifier(state):
    body = {key: tensor for key, tensor in state.items() if not key.startswith("linear.")}
    excited = under("features.", body) | {"features.layer1.0.se.fc.weight": torch.ones(4, 16)}
    whole = excited | {"classifier.weight": torch.ones(10, 64)}
    assert sets_in(whole).weights[""].keys() == whole.keys()


def test_sequences_of_modules_stay_one_network():
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3), nn.Flatten(), nn.Linear(8, 2))
    state = network.state_dict()
    assert same(sets_in(state).weights[""], state)
