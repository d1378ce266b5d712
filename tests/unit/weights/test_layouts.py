"""Networks as other projects lay them out: recognised by their weights, and the same outputs."""

import pytest
import torch
from torch import nn

from explorer.models.catalogue import network_config
from explorer.models.config import NetworkConfig
from explorer.models.network import build
from explorer.weights.choices import alternatives, assumptions
from explorer.weights.config import config_of_parts
from explorer.weights.layers import parts_of
from explorer.weights.matching import load_foreign_state
from tests.unit.weights.layouts import classic, dense, libraries, preactivation, residual
from tests.unit.weights.layouts.parts import drawn


def pooled(**options):
    return residual.Cifar((8, 16, 32, 64), blocks=(2, 1, 1, 1), pool=nn.MaxPool2d(3, 2, 1), **options)


def for_cifar(**options):
    return residual.Cifar((8, 16, 32, 64), blocks=(2, 2, 2, 2), **options)


# Each project's layout: the network that is recognised, and that which it is, if weights do not show everything
LAYOUTS = {
    "akamaster": (classic.Akamaster, "resnet8", ""),
    "akamaster, 12 blocks": (lambda: classic.Akamaster(12), "resnet74", ""),
    "chenyaofo": (residual.Cifar, "resnet10-b-w8-s1.2.1", ""),
    "kuangliu, ResNet": (
        lambda: classic.Kuangliu(classic.KuangliuBasic, 1, (2, 2, 2, 2)), "resnet18-cifar-w8", "",
    ),
    "kuangliu, ResNet with bottlenecks": (
        lambda: classic.Kuangliu(classic.KuangliuBottleneck, 4, (1, 2, 1, 1)), "resnet17-bottleneck-w8-s1.2.1.1", "",
    ),
    "kuangliu, PreActResNet": (
        lambda: preactivation.PreAct(preactivation.PreActBlock),
        "preresnet12-b-rawfirst-noend-w8-s2.1.1.1", "",
    ),
    "kuangliu, PreActResNet with bottlenecks": (
        lambda: preactivation.PreAct(preactivation.PreActBottleneck, expansion=4),
        "preresnet17-bottleneck-noend-w8-s2.1.1.1", "",
    ),
    "kuangliu, SENet": (
        lambda: preactivation.PreAct(preactivation.PreActExcited, width=16, stem_norm=True),
        "sepreresnet12-b-noend-stemnorm-s2.1.1.1", "",
    ),
    "kuangliu, ResNeXt": (residual.KuangliuNext, "resnext14-4x4d-w8-s2.1.1", ""),
    "kuangliu, ResNeXt with a narrow stem": (
        lambda: residual.KuangliuNext(32, 8), "resnext14-4x8d-w8-s2.1.1-widths16.32.64", "",
    ),
    "kuangliu, DenseNet": (
        lambda: dense.Dense(dense.KuangliuDenseLayer, "bn", "conv", "linear"),
        "densenet-bc-18-6-s2.3.2", "",
    ),
    "bearpaw, ResNet": (lambda: residual.Cifar((16, 32, 64), blocks=(2, 2, 2)), "resnet14-b", ""),
    "bearpaw, PreResNet": (preactivation.BearpawPre, "preresnet14-b", "preresnet14-b-raw"),
    "bearpaw, ResNeXt": (classic.Grouped, "resnext20-4x8d-w16", ""),
    "bearpaw, WRN": (classic.Wide, "wrn-16-2", ""),
    "bearpaw, DenseNet": (dense.Dense, "densenet-bc-18-6-s2.3.2", ""),
    "weiaicunzai, ResNet": (classic.Weiaicunzai, "resnet12-b-w8-s2.2.1", ""),
    "weiaicunzai, PreActResNet": (
        lambda: preactivation.WeiaicunzaiPreAct(preactivation.BiasedPreBasic, 1),
        "preresnet14-b-noend-stemnorm-w8-s2.2.1.1", "preresnet14-b-raw-noend-stemnorm-w8-s2.2.1.1",
    ),
    "weiaicunzai, PreActResNet with bottlenecks": (
        lambda: preactivation.WeiaicunzaiPreAct(preactivation.BiasedPreBottleneck, 4),
        "preresnet20-bottleneck-noend-stemnorm-w8-s2.2.1.1", "preresnet20-bottleneck-v1-raw-noend-stemnorm-w8-s2.2.1.1",
    ),
    "weiaicunzai, ResNeXt": (residual.WeiaicunzaiNext, "resnext17-4x4d-w8-s2.2.1", ""),
    "weiaicunzai, WideResNet": (preactivation.WeiaicunzaiWide, "wrn-16-2-w8", "wrn-16-2-raw-w8"),
    "xternalz": (classic.Wide, "wrn-16-2", ""),
    "xternalz, widen factor 1": (lambda: preactivation.Trades(widen=1), "preresnet8-b", "preresnet8-b-rawfirst"),
    "szagoruyko": (preactivation.Szagoruyko, "wrn-16-2", ""),
    "meliketoy": (preactivation.Meliketoy, "wrn-12-2-s1.2.1", "wrn-12-2-stride2-raw-s1.2.1"),
    "hysts": (preactivation.Hysts, "preresnet10-b-s2.1.1", ""),
    "huyvnphan": (pooled, "resnet12-b-w8-s2.1.1.1", "resnet12-b-pool-w8-s2.1.1.1"),
    "D-X-Y": (residual.Dxy, "resnet14", "resnet14-a-end"),
    "PyramidNet's shortcuts": (lambda: residual.Dxy(residual.DxyAverageBlock), "resnet14", "resnet14-a-end-avg"),
    "RepDistiller": (
        lambda: residual.Cifar((16, 32, 64), stem=8, blocks=(1, 1, 1), classes=100), "resnet8-b-w8-widths16.32.64", "",
    ),
    "RepDistiller, uneven widths": (
        lambda: residual.Cifar((16, 24, 64), stem=8, blocks=(1, 2, 1)), "resnet10-b-w8-s1.2.1-widths16.24.64", "",
    ),
    "stages of one width": (
        lambda: residual.Cifar((16, 16, 32), blocks=(2, 2, 2)), "resnet14-b-widths16.16.32", "",
    ),
    "TRADES": (lambda: preactivation.Trades(unused=True), "wrn-10-2", ""),
    "RobustBench, WideResNet": (preactivation.Trades, "wrn-10-2", ""),
    "RobustBench, PreActResNet": (
        lambda: preactivation.PreAct(preactivation.PreActRaw),
        "preresnet12-b-rawfirst-noend-w8-s2.1.1.1", "preresnet12-b-raw-noend-w8-s2.1.1.1",
    ),
    "locuslab": (
        lambda: preactivation.PreAct(preactivation.PreActBlock, end_norm=True),
        "preresnet12-b-w8-s2.1.1.1", "preresnet12-b-rawfirst-w8-s2.1.1.1",
    ),
    "Madry lab": (
        lambda: residual.Wrapped("model", residual.Cifar((8, 16, 32, 64), blocks=(2, 2, 2, 2))), "resnet18-cifar-w8", "",
    ),
    "moskomule": (
        lambda: residual.Cifar((16, 32, 64), residual.BasicExcited, blocks=(2, 2, 2)), "seresnet14-b", "",
    ),
    "open_lth": (residual.OpenLth, "resnet20-b", ""),
    "pycls": (residual.Pycls, "resnet14-b", ""),
    "leftthomas, SimCLR": (residual.Numbered, "resnet17-bottleneck-w8-s1.1.2.1", ""),
    "solo-learn": (lambda: residual.Wrapped("backbone", for_cifar()), "resnet18-cifar-w8", ""),
    "SupContrast": (lambda: residual.Wrapped("encoder", for_cifar()), "resnet18-cifar-w8", ""),
    "OpenMMLab": (lambda: residual.Wrapped("backbone", for_cifar(), "head"), "resnet18-cifar-w8", ""),
    "timm, resnet18": (lambda: libraries.TimmNet(basic=True), "resnet12-large-w16-s1.2.1.1", ""),
    "timm, resnet50": (libraries.TimmNet, "resnet17-bottleneck-large-w16-s1.2.1.1", ""),
    "timm, resnet50d": (
        lambda: libraries.TimmNet("deep", average=True), "resnet17d-bottleneck-s1.2.1.1", "",
    ),
    "timm, resnet26t": (
        lambda: libraries.TimmNet("tiered", blocks=(2, 2, 2, 2), average=True), "resnet26t-w16", "",
    ),
    "timm, seresnet": (
        lambda: libraries.TimmNet(attention=libraries.SqueezeExcitation, width=8),
        "seresnet17-bottleneck-large-se8-w8-s1.2.1.1", "",
    ),
    "timm, ecaresnet50t": (
        lambda: libraries.TimmNet("tiered", average=True, attention=libraries.EfficientAttention),
        "ecaresnet17t-bottleneck-s1.2.1.1", "",
    ),
    "timm, resnext": (
        lambda: libraries.TimmNet(groups=4, times=2), "resnext17-4x8d-large-w16-s1.2.1.1", "",
    ),
    "timm, wide_resnet": (lambda: libraries.TimmNet(times=2), "wide-resnet17-2-large-w16-s1.2.1.1", ""),
    "timm, resnet50_gn": (
        lambda: libraries.TimmNet(norm=lambda width: nn.GroupNorm(32, width), width=32),
        "resnet17-bottleneck-large-gn-w32-s1.2.1.1", "",
    ),
    "timm, resnetaa50": (
        lambda: libraries.TimmNet(antialias=lambda: nn.AvgPool2d(2)),
        "resnet17-bottleneck-large-w16-s1.2.1.1", "resnet17-bottleneck-large-aa-w16-s1.2.1.1",
    ),
    "timm, resnetblur50": (
        lambda: libraries.TimmNet(antialias=libraries.BlurPool),
        "resnet17-bottleneck-large-w16-s1.2.1.1", "resnet17-bottleneck-large-blur-w16-s1.2.1.1",
    ),
    "transformers": (lambda: libraries.Face(basic=False), "resnet17-bottleneck-large-w16-s1.2.1.1", ""),
    "transformers, basic blocks": (lambda: libraries.Face(basic=True), "resnet12-large-w16-s1.2.1.1", ""),
    "fastai, xresnet": (libraries.Fastai, "resnet17d-bottleneck-s1.2.1.1", ""),
}  # fmt: skip

each_layout = pytest.mark.parametrize(("make", "recognised", "actual"), LAYOUTS.values(), ids=LAYOUTS)


def side_of(config):
    return 32 if config.stem == "small" else 64


def state_of(theirs):
    return {key: tensor for key, tensor in theirs.state_dict().items() if "num_batches" not in key}


def of_name(config, name):
    """The network of a name, for as many classes."""
    return NetworkConfig(**(network_config(name).model_dump() | {"classes": config.classes})) if name else config


@each_layout
def test_a_layout_is_recognised_and_computes_the_same(make, recognised, actual):
    theirs = drawn(make())
    state = state_of(theirs)
    found = config_of_parts(parts_of(state))
    assert found.name == recognised
    config = of_name(found, actual)
    assert config.name == (actual or recognised)
    ours = build(config, seed=1)
    load_foreign_state(ours, state)
    side = side_of(config)
    images = torch.randn(3, 3, side, side, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        for mode in (True, False) if not actual else (False,):
            given, expected = ours.train(mode)(images), theirs.train(mode)(images)
            torch.testing.assert_close(given, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))
        assert not torch.allclose(expected[0], expected[1], atol=1e-3)


@each_layout
def test_what_its_weights_do_not_show_is_told_with_the_name_of_the_network(make, recognised, actual):
    found = config_of_parts(parts_of(state_of(make())))
    wanted = of_name(found, actual)
    said = " ".join(assumptions(found))
    one_step = {other.name: words for other, words in alternatives(found)}
    for name, words in one_step.items():
        assert f"if it has {words}, name the network: {name}" in said
    differing = [each for each in NetworkConfig.model_fields if getattr(found, each) != getattr(wanted, each)]
    assert bool(differing) == bool(actual)
    for field in differing:
        value = getattr(wanted, field)
        assert any(getattr(other, field) == value for other, _ in alternatives(found)), field


@each_layout
def test_sorted_keys_give_the_same_network(make, recognised, actual):
    theirs = drawn(make())
    state = state_of(theirs)
    sorted_state = dict(sorted(state.items()))
    assert config_of_parts(parts_of(sorted_state)).name == recognised
    ours, again = (
        build(of_name(config_of_parts(parts_of(state)), actual)),
        build(of_name(config_of_parts(parts_of(state)), actual), seed=1),
    )
    load_foreign_state(ours, state)
    load_foreign_state(again, sorted_state)
    torch.testing.assert_close(again.state_dict(), ours.state_dict(), rtol=0, atol=0)
