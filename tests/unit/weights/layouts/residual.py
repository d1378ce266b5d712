"""Residual networks for small images, small, in the layouts of the projects named."""

import torch.nn.functional as F
from torch import nn

from tests.unit.weights.layouts.classic import KuangliuBasic, LinearExcitation
from tests.unit.weights.layouts.parts import add_layers, conv, in_turn, stages


class Basic(nn.Module):
    """torchvision's, with a projection called downsample."""

    excited = False

    def __init__(self, before, after, stride):
        super().__init__()
        self.conv1, self.bn1 = conv(before, after, 3, stride), nn.BatchNorm2d(after)
        self.relu = nn.ReLU()
        self.conv2, self.bn2 = conv(after, after), nn.BatchNorm2d(after)
        if self.excited:
            self.se = LinearExcitation(after)
        self.downsample = None
        if stride != 1 or before != after:
            self.downsample = nn.Sequential(conv(before, after, 1, stride), nn.BatchNorm2d(after))

    def forward(self, x):
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out = self.se(out) if self.excited else out
        return self.relu(out + (x if self.downsample is None else self.downsample(x)))


class BasicExcited(Basic):
    """moskomule/senet.pytorch for CIFAR."""

    excited = True


class Bottleneck(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.conv1, self.bn1 = conv(before, after, 1), nn.BatchNorm2d(after)
        self.conv2, self.bn2 = conv(after, after, 3, stride), nn.BatchNorm2d(after)
        self.conv3, self.bn3 = conv(after, 4 * after, 1), nn.BatchNorm2d(4 * after)
        self.relu = nn.ReLU()
        self.downsample = None
        if stride != 1 or before != 4 * after:
            self.downsample = nn.Sequential(conv(before, 4 * after, 1, stride), nn.BatchNorm2d(4 * after))

    def forward(self, x):
        out = self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))))
        return self.relu(self.bn3(self.conv3(out)) + (x if self.downsample is None else self.downsample(x)))


class Cifar(nn.Module):
    """chenyaofo/pytorch-cifar-models, bearpaw's resnet, RepDistiller's (a narrow stem), moskomule's.

    huyvnphan/PyTorch_CIFAR10 has four stages and max pooling after the stem; solo-learn, lightly and MoCo for CIFAR
    replace torchvision's stem in the same way, without the pooling.
    """

    def __init__(self, widths=(8, 16, 32), block=Basic, stem=0, blocks=(1, 2, 1), expansion=1, pool=None, classes=10):
        super().__init__()
        stem = stem or widths[0]
        self.conv1, self.bn1, self.relu = conv(3, stem), nn.BatchNorm2d(stem), nn.ReLU()
        self.maxpool = pool or nn.Identity()
        add_layers(self, stages(block, stem, widths, blocks, expansion))
        self.fc = nn.Linear(widths[-1] * expansion, classes)

    def forward(self, x):
        out = in_turn(self, self.maxpool(self.relu(self.bn1(self.conv1(x)))))
        return self.fc(out.mean((2, 3)))


class Wrapped(nn.Module):
    """A network under a name: solo-learn's backbone, SupContrast's encoder, OpenMMLab's backbone with head.fc."""

    def __init__(self, name, network, head=""):
        super().__init__()
        fc, network.fc = network.fc, nn.Identity()
        self.add_module(name, network)
        self.name, self.head = name, head or "fc"
        if head:
            self.head = nn.Sequential()
            self.head.add_module("fc", fc)
        else:
            self.fc = fc

    def forward(self, x):
        features = getattr(self, self.name)(x)
        return self.fc(features) if isinstance(self.head, str) else self.head(features)


class Numbered(nn.Module):
    """leftthomas/SimCLR: torchvision's modules in one sequence, without names."""

    def __init__(self):
        super().__init__()
        rows = stages(Bottleneck, 8, (8, 16, 32, 64), (1, 1, 2, 1), 4)
        self.f = nn.Sequential(
            conv(3, 8), nn.BatchNorm2d(8), nn.ReLU(), *(nn.Sequential(*row) for row in rows), nn.AdaptiveAvgPool2d(1)
        )
        self.fc = nn.Linear(256, 10)

    def forward(self, x):
        return self.fc(self.f(x).flatten(1))


class PadEnd(nn.Module):
    def __init__(self, average=False):
        super().__init__()
        self.average = average

    def forward(self, x):
        x = F.avg_pool2d(x, 2) if self.average else x[:, :, ::2, ::2]
        return F.pad(x, (0, 0, 0, 0, 0, x.shape[1]))


class DxyBlock(nn.Module):
    average = False

    def __init__(self, before, after, stride):
        super().__init__()
        self.conv_a, self.bn_a = conv(before, after, 3, stride), nn.BatchNorm2d(after)
        self.conv_b, self.bn_b = conv(after, after), nn.BatchNorm2d(after)
        self.downsample = PadEnd(self.average) if stride != 1 else nn.Identity()

    def forward(self, x):
        out = self.bn_b(self.conv_b(F.relu(self.bn_a(self.conv_a(x)))))
        return F.relu(out + self.downsample(x))


class DxyAverageBlock(DxyBlock):
    """2x2 average pooling before the zeros, as in PyramidNet."""

    average = True


class Dxy(nn.Module):
    """D-X-Y/ResNeXt-DenseNet and he-y/soft-filter-pruning: zeros behind the channels."""

    def __init__(self, block=DxyBlock):
        super().__init__()
        self.conv_1_3x3, self.bn_1 = conv(3, 16), nn.BatchNorm2d(16)
        add_layers(self, stages(block, 16, (16, 32, 64), (2, 2, 2)), "stage_{}")
        self.classifier = nn.Linear(64, 10)

    def forward(self, x):
        out = in_turn(self, F.relu(self.bn_1(self.conv_1_3x3(x))), "stage")
        return self.classifier(out.mean((2, 3)))


class OpenLth(nn.Module):
    """facebookresearch/open_lth: all blocks in one sequence."""

    def __init__(self):
        super().__init__()
        self.conv, self.bn = conv(3, 16), nn.BatchNorm2d(16)
        rows = stages(KuangliuBasic, 16, (16, 32, 64), (3, 3, 3))
        self.blocks = nn.Sequential(*(block for row in rows for block in row))
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        return self.fc(self.blocks(F.relu(self.bn(self.conv(x)))).mean((2, 3)))


class PyclsBlock(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        if stride != 1 or before != after:
            self.proj, self.bn = conv(before, after, 1, stride), nn.BatchNorm2d(after)
        self.f = nn.ModuleDict(
            {"a": conv(before, after, 3, stride), "a_bn": nn.BatchNorm2d(after), "b": conv(after, after)}
            | {"b_bn": nn.BatchNorm2d(after)}
        )

    def forward(self, x):
        out = F.relu(self.f["a_bn"](self.f["a"](x)))
        out = self.f["b_bn"](self.f["b"](out))
        return F.relu(out + (self.bn(self.proj(x)) if hasattr(self, "proj") else x))


class Pycls(nn.Module):
    """facebookresearch/pycls for CIFAR: the projection is built before the branch."""

    def __init__(self):
        super().__init__()
        self.stem = nn.ModuleDict({"conv": conv(3, 16), "bn": nn.BatchNorm2d(16)})
        for number, row in enumerate(stages(PyclsBlock, 16, (16, 32, 64), (2, 2, 2)), start=1):
            stage = nn.Sequential()
            for place, block in enumerate(row, start=1):
                stage.add_module(f"b{place}", block)
            self.add_module(f"s{number}", stage)
        self.head = nn.ModuleDict({"fc": nn.Linear(64, 10)})

    def forward(self, x):
        out = F.relu(self.stem["bn"](self.stem["conv"](x)))
        return self.head["fc"](self.s3(self.s2(self.s1(out))).mean((2, 3)))


class KuangliuGrouped(nn.Module):
    """kuangliu's ResNeXt, which expands twice."""

    def __init__(self, before, inner, stride):
        super().__init__()
        after = 2 * inner
        self.conv1, self.bn1 = conv(before, inner, 1), nn.BatchNorm2d(inner)
        self.conv2, self.bn2 = conv(inner, inner, 3, stride, groups=4), nn.BatchNorm2d(inner)
        self.conv3, self.bn3 = conv(inner, after, 1), nn.BatchNorm2d(after)
        self.shortcut = nn.Sequential()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(conv(before, after, 1, stride), nn.BatchNorm2d(after))

    def forward(self, x):
        out = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        return F.relu(self.bn3(self.conv3(out)) + self.shortcut(x))


class KuangliuNext(nn.Module):
    """kuangliu/pytorch-cifar, ResNeXt: the stem is a 1x1 convolution."""

    def __init__(self, inner=16, stem=8):
        super().__init__()
        self.conv1, self.bn1 = conv(3, stem, 1), nn.BatchNorm2d(stem)
        add_layers(self, stages(KuangliuGrouped, stem, (inner, 2 * inner, 4 * inner), (2, 1, 1), 2))
        self.linear = nn.Linear(8 * inner, 10)

    def forward(self, x):
        return self.linear(in_turn(self, F.relu(self.bn1(self.conv1(x)))).mean((2, 3)))


class WeiaicunzaiGrouped(nn.Module):
    def __init__(self, before, width, stride):
        super().__init__()
        inner, after = width * 2, 4 * width
        self.split_transforms = nn.Sequential(
            *(conv(before, inner, 1, groups=4), nn.BatchNorm2d(inner), nn.ReLU()),
            *(conv(inner, inner, 3, stride, groups=4), nn.BatchNorm2d(inner), nn.ReLU()),
            *(conv(inner, after, 1), nn.BatchNorm2d(after)),
        )
        self.shortcut = nn.Sequential()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(conv(before, after, 1, stride), nn.BatchNorm2d(after))

    def forward(self, x):
        return F.relu(self.split_transforms(x) + self.shortcut(x))


class WeiaicunzaiNext(nn.Module):
    """weiaicunzai/pytorch-cifar100, resnext: the first convolution of a block is grouped too."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Sequential(conv(3, 8), nn.BatchNorm2d(8), nn.ReLU())
        add_layers(self, stages(WeiaicunzaiGrouped, 8, (8, 16, 32), (2, 2, 1), 4), "conv{}_x")
        self.fc = nn.Linear(128, 100)

    def forward(self, x):
        out = self.conv3_x(self.conv2_x(self.conv1_x(self.conv1(x))))
        return self.fc(out.mean((2, 3)))
