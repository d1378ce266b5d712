"""State dicts that hold the same function in other tensors: the networks they come from are the independent answer."""

import warnings

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune

from explorer.errors import BadSettings, UnknownName
from explorer.models.config import NetworkConfig
from explorer.models.network import build
from explorer.weights.config import config_of_parts
from explorer.weights.layers import parts_of
from explorer.weights.matching import load_foreign_state
from explorer.weights.rewriting import rewritten
from tests.unit.weights.layouts.classic import Akamaster, Kuangliu, KuangliuBasic, KuangliuBottleneck, Wide
from tests.unit.weights.layouts.parts import drawn


def kuangliu():
    return drawn(Kuangliu(KuangliuBasic, 1, (2, 1, 1, 1)))


def bottlenecks():
    return drawn(Kuangliu(KuangliuBottleneck, 4, (1, 1, 2, 1)))


def same(theirs, state=None, *, changes=None, **options):
    """The network that is recognised gives the same scores; gives it and the sentences."""
    state = dict(theirs.state_dict() if state is None else state)
    before = {key: tensor.clone() for key, tensor in state.items()}
    plain, said = rewritten(state, **options)
    config = config_of_parts(parts_of(plain))
    ours = build(NetworkConfig(**(config.model_dump() | (changes or {})))).eval()
    load_foreign_state(ours, plain)
    images = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = theirs.eval()(images)
        torch.testing.assert_close(ours(images), expected, rtol=1e-4, atol=1e-4)
    assert expected.std() > 1e-3
    assert all(torch.equal(before[key], tensor) for key, tensor in state.items())
    return ours, " ".join(said)


def in_alphabetical_order(state):
    return {key: state[key] for key in sorted(state)}


def convolutions(network):
    return [each for each in network.modules() if isinstance(each, nn.Conv2d)]


def test_plain_weights_stay_as_they_are():
    for theirs in (kuangliu(), bottlenecks(), drawn(Akamaster()), drawn(Wide())):
        state = theirs.state_dict()
        found, said = rewritten(state)
        assert found == state
        assert not said


def test_pruning_masks_are_applied():
    theirs = kuangliu()
    for each in convolutions(theirs):
        prune.random_unstructured(each, "weight", amount=0.5)
    prune.random_unstructured(theirs.linear, "weight", amount=0.5)
    _, said = same(theirs)
    assert "Pruning masks of 15 weights were applied: 50 % of their values are zero." in said
    same(theirs, in_alphabetical_order(theirs.state_dict()))


@pytest.mark.parametrize("apply", [nn.utils.weight_norm, parametrizations.weight_norm])
def test_weight_norms_are_multiplied_out(apply):
    theirs = bottlenecks()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, each in enumerate([*convolutions(theirs), theirs.linear]):
            apply(each, dim=None if number % 5 == 0 else 0)
    for name, tensor in theirs.named_parameters():
        if name.endswith(("_g", "original0")):
            tensor.data *= 0.8
    _, said = same(theirs)
    assert "Weight norms of 21 weights were applied." in said
    same(theirs, in_alphabetical_order(theirs.state_dict()))


@pytest.mark.parametrize("apply", [nn.utils.spectral_norm, parametrizations.spectral_norm])
def test_spectral_norms_are_applied(apply):
    theirs = kuangliu()
    for each in [*convolutions(theirs), theirs.linear]:
        apply(each)
    theirs(torch.randn(2, 3, 32, 32))  # a step of the power iteration
    _, said = same(theirs)
    assert "Spectral norms of 15 weights were applied." in said


def test_another_parametrization_is_named():
    theirs = kuangliu()
    parametrize.register_parametrization(theirs.layer1[0].conv1, "weight", nn.Tanh())
    with pytest.raises(BadSettings, match=r"The weight of layer1\.0\.conv1 is computed from others"):
        rewritten(theirs.state_dict())


def with_biases(theirs):
    for number, each in enumerate(convolutions(theirs)):
        each.bias = nn.Parameter(torch.randn(each.out_channels, generator=torch.Generator().manual_seed(number)))
    return theirs


@pytest.mark.parametrize("make", [kuangliu, bottlenecks, lambda: drawn(Akamaster())])
@pytest.mark.parametrize("order", [dict, in_alphabetical_order])
def test_biases_before_norms_are_folded(make, order):
    theirs = with_biases(make())
    same(theirs, order(theirs.state_dict()))


def test_biases_of_modules_in_another_order_go_to_the_norms_after_them():
    theirs = with_biases(drawn(Akamaster()))
    order = sorted(theirs.state_dict(), key=lambda key: (key.rpartition(".")[0].rpartition(".")[0], "bn" in key))
    state = {key: theirs.state_dict()[key] for key in order if key.startswith("layer")}
    others = {key: tensor for key, tensor in theirs.state_dict().items() if key not in state and "linear" not in key}
    same(theirs, others
         | state | {f"linear.{each}": tensor for each, tensor in theirs.linear.state_dict().items()})  # fmt: skip


@pytest.mark.parametrize("order", [dict, in_alphabetical_order])
def test_biases_without_a_norm_after_them_go_through_the_blocks(order):
    theirs = with_biases(drawn(Wide()))
    same(theirs, order(theirs.state_dict()), changes={"shortcut_start": "activation"})


def test_norms_without_weights_get_ones():
    theirs = kuangliu()
    for name, each in list(theirs.named_modules()):
        if isinstance(each, nn.BatchNorm2d):
            norm = nn.BatchNorm2d(each.num_features, affine=False)
            norm.running_var.uniform_(0.5, 1.5)
            holder = theirs.get_submodule(name.rpartition(".")[0])
            setattr(holder, name.rpartition(".")[2], norm)
    _, said = same(theirs)
    assert "norms have no weight or no bias: weights of 1 and biases of 0 were taken" in said


def test_a_classifier_without_bias_gets_zeros():
    theirs = kuangliu()
    theirs.linear = nn.Linear(64, 10, bias=False)
    _, said = same(theirs)
    assert said == "The classifier has no bias: zeros were taken."


class Last(nn.Module):
    """A classifier of a 1x1 convolution."""

    def __init__(self, *, bias):
        super().__init__()
        self.conv = nn.Conv2d(64, 7, 1, bias=bias)

    def forward(self, pooled):
        return self.conv(pooled[:, :, None, None])[:, :, 0, 0]


@pytest.mark.parametrize("bias", [True, False])
def test_a_classifier_may_be_a_convolution(bias):
    theirs = kuangliu()
    theirs.linear = Last(bias=bias)
    _, said = same(theirs)
    assert "The classifier linear.conv is a 1×1 convolution" in said


def norm(width):
    return drawn(nn.Sequential(nn.BatchNorm1d(width)))[0]


class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(64, 9), nn.Linear(9, 64), nn.Linear(64, 5)

    def forward(self, x):
        return self.fc3(self.fc2(self.fc1(x).relu()).relu())


HEADS = {
    "dropout": (lambda: nn.Sequential(nn.Linear(64, 12), nn.ReLU(), nn.Dropout(), nn.Linear(12, 7)), (12,)),
    "three maps": (lambda: Named(), (9, 64)),
    "norm before the ReLU": (
        lambda: nn.Sequential(nn.Linear(64, 12), norm(12), nn.ReLU(), nn.Dropout(), nn.Linear(12, 7)), (12,),
    ),
    "norm after the ReLU": (lambda: nn.Sequential(nn.Linear(64, 12), nn.ReLU(), norm(12), nn.Linear(12, 7)), (12,)),
    "fastai, without its pooling": (
        lambda: nn.Sequential(
            norm(64), nn.Dropout(), nn.Linear(64, 12, bias=False), nn.ReLU(), norm(12), nn.Dropout(), nn.Linear(12, 2)
        ), (12,),
    ),
    "norm after the classifier": (lambda: nn.Sequential(nn.Linear(64, 7), norm(7)), ()),
    "nothing between": (lambda: nn.Sequential(nn.Linear(64, 12), nn.Linear(12, 7)), ()),
    "as many as before": (lambda: nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(),
                                                nn.Linear(64, 3)), (64, 64)),
}  # fmt: skip


@pytest.mark.parametrize(("make", "widths"), HEADS.values(), ids=HEADS)
@pytest.mark.parametrize("order", [dict, in_alphabetical_order])
def test_heads_of_several_linear_maps(make, widths, order):
    theirs = kuangliu()
    theirs.linear = make()
    ours, said = same(theirs, order(theirs.state_dict()))
    assert ours.config.head == widths
    assert ("assumed a ReLU between them" in said) == bool(widths)


def test_a_head_without_relus_is_one_map_for_who_says_so():
    theirs = kuangliu()
    theirs.linear = nn.Sequential(nn.Linear(64, 12), nn.Dropout(), nn.Linear(12, 7))
    ours, _ = same(theirs, linear=True)
    assert ours.config.head == ()


def test_our_own_heads_are_read_as_they_were_written():
    network = build("resnet8-w4-head6.6-sigmoid", seed=3).eval()
    found, said = rewritten(in_alphabetical_order(network.state_dict()))
    assert config_of_parts(parts_of(found)).name == network.config.name
    assert not said


def two_heads(rotations=4):
    theirs = kuangliu()
    theirs.rotation = nn.Linear(64, rotations)
    return theirs


def test_of_two_heads_the_number_of_classes_chooses():
    theirs = two_heads()
    ours, said = same(theirs, classes=10)
    assert ours.config.classes == 10
    assert "Of the heads linear (64 → 10) and rotation (64 → 4), that with 10 outputs was taken." in said


@pytest.mark.parametrize(("rotations", "classes"), [(4, 0), (10, 10), (4, 7)])
def test_of_two_heads_none_is_taken_in_silence(rotations, classes):
    with pytest.raises(
        BadSettings, match=r"two heads: linear \(64 → 10\) and rotation \(64 → \d+\)\. Name .* `head`, such as linear"
    ):
        rewritten(two_heads(rotations).state_dict(), classes=classes)


def test_a_head_is_taken_by_its_name():
    theirs = two_heads(10)
    ours, said = same(theirs, head="linear")
    assert ours.config.classes == 10
    assert "linear was taken, as named" in said
    with pytest.raises(UnknownName, match="No head of these weights is called 'liner'. Did you mean 'linear'"):
        rewritten(theirs.state_dict(), head="liner")


def test_a_projection_head_beside_the_classifier_is_another_head():
    theirs = kuangliu()
    theirs.projector = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 16))
    with pytest.raises(BadSettings, match=r"linear \(64 → 10\) and projector\.2 \(64 → 16\)"):
        rewritten(theirs.state_dict())
    ours, _ = same(theirs, classes=10)
    assert ours.config.head == ()


def test_a_classifier_of_an_earlier_stage_is_left_out():
    theirs = kuangliu()
    theirs.auxiliary = nn.Linear(16, 10)
    _, said = same(theirs)
    assert "Left out, since the outputs do not depend on it: auxiliary." in said


def test_one_output_is_that_of_a_sigmoid():
    theirs = kuangliu()
    theirs.linear = nn.Linear(64, 1)
    ours, _ = same(theirs)
    assert (ours.config.classes, ours.config.sigmoid) == (2, True)


def test_parameters_alone_lack_running_statistics():
    with pytest.raises(
        BadSettings,
        match=r"The 14 norms of these weights, such as bn1, have no running statistics .* `named_parameters\(\)`",
    ):
        rewritten(dict(kuangliu().named_parameters()))


def test_group_norms_are_those_called_so_or_of_a_network_named_so():
    state = {
        key: tensor for key, tensor in kuangliu().state_dict().items() if "running" not in key and "num" not in key
    }
    assert rewritten({key.replace("bn", "gn"): tensor for key, tensor in state.items()})[1] == []
    assert rewritten(state, group_norm=True)[1] == []


def test_half_of_the_statistics_is_told():
    state = {key: tensor for key, tensor in kuangliu().state_dict().items() if not key.endswith("running_var")}
    with pytest.raises(BadSettings, match=r"there is bn1\.running_mean, but not the other"):
        rewritten(state)


# --- Keras ---


def as_keras(state, names):
    """Names and axes as Keras has them, sorted as safetensors sorts them."""
    tensors = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
    found = {}
    for key, tensor in state.items():
        module, _, last = key.rpartition(".")
        if last == "num_batches_tracked":
            continue
        if f"{module}.running_mean" in state:
            found[f"{names(module)}/{tensors[last]}:0"] = tensor
        elif last == "weight":
            found[f"{names(module)}/kernel:0"] = tensor.permute(2, 3, 1, 0) if tensor.ndim == 4 else tensor.T
        else:
            found[f"{names(module)}/bias:0"] = tensor
    return in_alphabetical_order(found)


def with_epsilon(theirs, epsilon):
    for each in theirs.modules():
        if isinstance(each, nn.BatchNorm2d):
            each.eps = epsilon
            each.running_var *= 0.01  # so that the epsilon counts
    return theirs


def applications(module):
    """Of keras.applications' ResNet50."""
    if module in ("conv1", "bn1", "linear"):
        return {"conv1": "conv1_conv", "bn1": "conv1_bn", "linear": "predictions"}[module]
    stage, block, part = module.removeprefix("layer").split(".", 2)
    kind = {"shortcut.0": "0_conv", "shortcut.1": "0_bn"}.get(part) or f"{part[-1]}_{part[:-1]}"
    return f"conv{int(stage) + 1}_block{int(block) + 1}_{kind}"


@pytest.mark.parametrize("nested", [False, True])
def test_kerass_resnets_with_biases_and_the_stride_on_the_first_convolution(nested):
    theirs = with_epsilon(with_biases(bottlenecks()), 1.001e-5)
    for stage in (theirs.layer2, theirs.layer3, theirs.layer4):
        stage[0].conv1.stride, stage[0].conv2.stride = (2, 2), (1, 1)

    def names(module):
        return f"{applications(module)}/{applications(module)}" if nested else applications(module)

    _, said = same(theirs, as_keras(theirs.state_dict(), names), changes={"stride_on": "1x1"})
    assert "of keras.applications are those of Keras; its norms add 1.001e-05" in said


def test_kerass_numbered_layers():
    """Projections are made after the two convolutions of their block, as in Keras's example for CIFAR-10."""
    theirs = with_epsilon(with_biases(kuangliu()), 1e-3)
    modules = [name for name, each in theirs.named_modules() if isinstance(each, nn.Conv2d)]
    norms = [name for name, each in theirs.named_modules() if isinstance(each, nn.BatchNorm2d)]
    assert len(modules) > 10  # conv2d_10 comes before conv2d_2 in the file

    def names(module):
        if module == "linear":
            return "dense"
        place = (modules if module in modules else norms).index(module)
        return f"{'conv2d' if module in modules else 'batch_normalization'}{f'_{place}' if place else ''}"

    _, said = same(theirs, as_keras(theirs.state_dict(), names))
    assert "its norms add 0.001 to the variance" in said


def test_the_second_version_of_kerass_resnets_is_named():
    state = as_keras(bottlenecks().state_dict(), applications) | {"post_bn/gamma:0": torch.ones(4)}
    with pytest.raises(BadSettings, match="second version of Keras's ResNets, by the name post_bn"):
        rewritten(state)
