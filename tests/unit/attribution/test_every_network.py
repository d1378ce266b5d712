"""All methods run on all networks, or say why they would be wrong there."""

import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional

from explorer.attribution.attribute import attribute
from explorer.attribution.methods import METHODS
from explorer.errors import BadSettings
from explorer.models.layers import network_name
from explorer.models.network import build

LEFT_ALONE = "it rectifies outside of nn.ReLU modules ({}), which this method does not see"
NEED_RELUS = ("deep_lift", "guided_backprop", "deconvolution", "guided_grad_cam", "lrp")


class Small(nn.Module):
    """Convolution, what a test puts there, classifier."""

    def __init__(self, *between):
        super().__init__()
        self.conv, self.between = nn.Conv2d(3, 4, 3), nn.Sequential(*between)
        self.pool, self.classifier = nn.AdaptiveAvgPool2d(1), nn.Linear(4, 10)

    def forward(self, images):
        return self.classifier(self.pool(self.between(self.conv(images))).flatten(1))


class OneReLU(Small):
    def forward(self, images):
        out = self.between(self.between(self.conv(images)))
        return self.classifier(self.pool(out).flatten(1))


class PlainSum(Small):
    def forward(self, images):
        out = self.conv(images)
        return self.classifier(self.pool(self.between(out) + out).flatten(1))


class Rectifies(nn.Module):
    def forward(self, x):
        return functional.relu(x)


class OwnReLU(nn.ReLU):
    pass


class OneConvolution(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.relu = nn.Conv2d(4, 4, 3, padding=1), nn.ReLU()

    def forward(self, x):
        return self.relu(self.conv(self.conv(x)))


def refusal(method, network, images, **given):
    """What the method says against the network; empty where it runs."""
    try:
        found = attribute(network, images, 3, method, **given)
    except BadSettings as error:
        title, _, reason = str(error).partition(f" cannot run on {network_name(network)}: ")
        assert title == METHODS[method].title
        return reason.removesuffix(".")
    assert found.isfinite().all()
    assert len(found) == len(images)
    return ""


def layer_of(method, name):
    return {"layer": name} if "a layer" in METHODS[method].needs else {}


@pytest.mark.parametrize("depth", [20, *(pytest.param(each, marks=pytest.mark.slow) for each in (56, 110))])
@pytest.mark.parametrize("kind", ["plain", "resnet"])
def test_all_methods_run_on_all_depths(kind, depth, images, quick):
    network = build(f"{kind}{depth}-w4").eval()
    batch = images(1, 3, 8, 8)
    for method, row in METHODS.items():
        few = {name: {"steps": 2, "window": 8}.get(name, value) for name, value in quick(row).items()}
        few |= {"samples": 2} if method in ("smooth_grad", "gradient_shap") else {}
        found = attribute(network, batch, 3, method, **few)
        assert found.isfinite().all(), method
        shape = {"grad_cam": (1, 1, 2, 2), "layer_conductance": (1, 16, 2, 2)}.get(method, (1, 3, 8, 8))
        assert tuple(found.shape) == shape, method


FAMILIES = {  # and why relevance propagation has no rules there
    "preresnet8-w4": "",
    "preresnet11-bottleneck-w4": "",
    "wrn-10-2-w4": "",
    "resnet11-bottleneck-w4": "",
    "resnext11-2x4d-w8": "",
    "resnet8-d-w4": "",
    "resnet8-alpha0.5-w4": "",
    "resnet18-w4": "",
    "seresnet8-w4": "there is no rule for its modules of the class Sigmoid",
    "densenet-7-4-w8": "it computes cat outside of modules, where relevance has no rule",
    "resnet8-fixup-w4": "there is no rule for its modules of the class ScaleAndShift, Shift",
    "resnet8-skipinit-w4": "there is no rule for its modules of the class Scale",
}


@pytest.fixture(params=FAMILIES)
def member(request):
    """A network of each family as if trained: no weights and scalars at zero, running statistics of its own."""
    network = build(request.param, classes=10)
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.3, generator=generator)
    network.train()(torch.randn(16, 3, 16, 16, generator=generator))
    return network.eval()


def test_all_methods_run_on_all_families_or_say_why_not(member, images, quick):
    batch = images(1, 3, 16, 16)
    for method, row in METHODS.items():
        few = {key: {"steps": 2, "window": 8}.get(key, value) for key, value in quick(row).items()}
        assert refusal(method, member, batch, **few) == (FAMILIES[member.config.name] if method == "lrp" else "")


def test_relevance_with_the_smallest_epsilon_is_input_times_gradient(member, images):
    if not FAMILIES[member.config.name]:
        batch = images(2, 3, 16, 16)
        expected = attribute(member, batch, 3, "input_x_gradient")
        found = attribute(member, batch, 3, "lrp", epsilon=1e-9)
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3 * expected.abs().max().item())


@pytest.mark.thorough
def test_on_an_imagenet_network_all_run_but_those_that_need_a_relu_for_each_use(images, quick):
    network, batch = torchvision.models.resnet18().eval(), images(1, 3, 64, 64)
    said = {}
    for method, row in METHODS.items():
        few = quick(row) | ({"window": 32} if method == "occlusion" else {})
        said[method] = refusal(method, network, batch, **few)
    once = "its module 'layer1.0.relu' is used 2 times in a pass; each use needs a ReLU of its own"
    assert said == dict.fromkeys(METHODS, "") | {"deep_lift": once, "lrp": once}
    assert attribute(network, batch, 3, "grad_cam").shape == (1, 1, 2, 2), "the last block"
    assert attribute(network, batch, 3, "grad_cam", layer="stage2.block1").shape == (1, 1, 8, 8)


def test_what_is_overwritten_in_place_is_explained_as_it_was(images):
    """torchvision adds the shortcut into the output of the last norm of a block."""
    network, batch = torchvision.models.resnet18().eval(), images(1, 3, 64, 64)
    found = attribute(network, batch, 3, "grad_cam", layer="layer4.1.bn2")
    kept, block = [], network.layer4[1]
    block.bn2.register_forward_hook(lambda module, inputs, output: kept.append(output) or output.clone())
    for module in network.modules():
        module.inplace = False
    network(batch)[0, 3].backward(inputs=kept[0].retain_grad() or kept[0])
    by_hand = (kept[0].grad.mean((2, 3), keepdim=True) * kept[0]).sum(1, keepdim=True)
    torch.testing.assert_close(found, by_hand.detach())


@pytest.mark.parametrize("method", METHODS)
def test_a_function_in_place_of_a_relu_module_is_seen_where_it_matters(method, images, quick):
    said = refusal(
        method, Small(nn.ReLU(), Functional()), images(2, 3, 8, 8), **quick(METHODS[method]), **layer_of(method, "conv")
    )
    assert said == (LEFT_ALONE.format("relu") if method in NEED_RELUS else "")


class Functional(nn.Module):
    """Not a module without children: its function stands between modules."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(4)

    def forward(self, x):
        return functional.relu(self.norm(x))


@pytest.mark.parametrize(
    ("rectifier", "name"),
    [
        (Rectifies(), "relu"),
        (OwnReLU(), "relu"),
        (nn.ReLU6(), "hardtanh"),
        (nn.LeakyReLU(), "leaky_relu"),
        (nn.PReLU(), "_prelu_kernel"),
        (nn.ELU(), "elu"),
        (nn.GELU(), "gelu"),
        (nn.SiLU(), "silu"),
        (nn.Hardswish(), "hardswish"),
    ],
    ids=lambda each: each if isinstance(each, str) else type(each).__name__,
)
def test_other_rectifiers_are_refused_where_only_relus_are_treated(rectifier, name, images):
    network = Small(nn.ReLU(), rectifier).eval()
    for method in NEED_RELUS:
        assert refusal(method, network, images(1, 3, 8, 8), **layer_of(method, "conv")) == LEFT_ALONE.format(name)


def test_without_a_relu_module_there_is_nothing_to_guide(images):
    for method in NEED_RELUS:
        said = refusal(method, Small(nn.BatchNorm2d(4)), images(1, 3, 8, 8), **layer_of(method, "conv"))
        assert said == "it has no ReLU module"


@pytest.mark.parametrize("method", METHODS)
def test_a_relu_that_is_used_twice(method, images, quick):
    network = OneReLU(nn.ReLU())
    said = refusal(method, network, images(1, 3, 8, 8), **quick(METHODS[method]), **layer_of(method, "conv"))
    once = "its module 'between.0' is used 2 times in a pass; each use needs a ReLU of its own"
    assert said == (once if method in ("deep_lift", "lrp") else "")


@pytest.mark.parametrize("method", METHODS)
def test_a_sum_that_is_no_module_has_no_rule(method, images, quick):
    network = PlainSum(nn.ReLU())
    said = refusal(method, network, images(1, 3, 8, 8), **quick(METHODS[method]), **layer_of(method, "conv"))
    assert said == ("it computes add outside of modules, where relevance has no rule" if method == "lrp" else "")


@pytest.mark.parametrize(
    ("between", "reason"),
    [
        ((nn.ReLU(), nn.GroupNorm(2, 4)), "there is no rule for its modules of the class GroupNorm"),
        (
            (nn.ReLU(), nn.Dropout(), nn.InstanceNorm2d(4)),
            "there is no rule for its modules of the class Dropout, InstanceNorm2d",
        ),
        ((OneConvolution(),), "its modules between.0.conv are used more than once in a pass"),
    ],
    ids=["norm", "two classes", "used twice"],
)
def test_relevance_needs_a_rule_for_every_module(between, reason, images):
    assert refusal("lrp", Small(*between).eval(), images(1, 3, 8, 8)) == reason


@pytest.mark.parametrize("of", ["guided_backprop", "deconvolution"])
def test_smooth_grad_needs_what_the_method_needs_that_it_smooths(of, images):
    network = Small(Functional()).eval()
    with pytest.raises(BadSettings) as error:
        attribute(network, images(1, 3, 8, 8), 3, "smooth_grad", of=of)
    assert str(error.value) == f"{METHODS[of].title} cannot run on Small: {LEFT_ALONE.format('relu')}."
    assert attribute(network, images(1, 3, 8, 8), 3, "smooth_grad").shape == (1, 3, 8, 8)


def test_our_networks_are_called_by_their_name(images):
    network = build("resnet8-w4")
    network.stages[2][0].relu2 = nn.GELU()
    with pytest.raises(
        BadSettings, match="Guided backpropagation cannot run on resnet8-w4: it rectifies outside of nn.ReLU"
    ):
        attribute(network, images(1, 3, 8, 8), 0, "guided_backprop")


def test_a_network_without_weights_and_one_of_double_precision_can_be_explained(images):
    averages = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert attribute(averages, images(1, 3, 8, 8), 2)[0, :, 0, 0].tolist() == pytest.approx([0, 0, 1 / 64])
    double = build("plain8-w4").double()
    found = attribute(double, images(1, 3, 8, 8), 2, "integrated_gradients", baseline=torch.ones(3, 8, 8))
    assert found.dtype == torch.float64
