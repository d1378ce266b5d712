"""Networks of large libraries, small: timm, transformers, fastai."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from tests.unit.weights.layouts.parts import add_layers, conv, in_turn, stages

TIERED = {"deep": (0.5, 0.5), "tiered": (0.375, 0.5)}  # of the stem's width


class SqueezeExcitation(nn.Module):
    """timm's SEModule: a multiple of 8 channels inside."""

    def __init__(self, width):
        super().__init__()
        inner = max(8, int(width / 16 + 4) // 8 * 8)
        self.fc1, self.fc2 = nn.Conv2d(width, inner, 1), nn.Conv2d(inner, width, 1)

    def forward(self, x):
        return x * self.fc2(F.relu(self.fc1(x.mean((2, 3), keepdim=True)))).sigmoid()


class EfficientAttention(nn.Module):
    """timm's EcaModule."""

    def __init__(self, width):
        super().__init__()
        size = int(abs(math.log2(width) + 1) / 2)
        size = max(size if size % 2 else size + 1, 3)
        self.conv = nn.Conv1d(1, 1, size, padding=size // 2, bias=False)

    def forward(self, x):
        return x * self.conv(x.mean((2, 3))[:, None]).sigmoid().transpose(1, 2)[..., None]


class BlurPool(nn.Module):
    """timm's BlurPool2d, with a filter that is not saved."""

    def forward(self, x):
        row = torch.tensor([0.25, 0.5, 0.25])
        weight = (row[:, None] * row).expand(x.shape[1], 1, 3, 3)
        return F.conv2d(F.pad(x, (1, 1, 1, 1), "reflect"), weight, stride=2, groups=x.shape[1])


class TimmBlock(nn.Module):
    """BasicBlock and Bottleneck of timm."""

    def __init__(self, before, width, stride, options):
        super().__init__()
        basic, norm = options.get("basic", False), options.get("norm", nn.BatchNorm2d)
        antialias = options.get("antialias")
        inner = width * options.get("times", 1)
        after = width if basic else 4 * width
        taken = 1 if antialias else stride
        self.conv1 = conv(before, inner, 3 if basic else 1, taken if basic else 1)
        self.bn1, self.act1 = norm(inner), nn.ReLU()
        self.aa = antialias() if antialias and stride == 2 else nn.Identity()
        last = conv(inner, after, 3 if basic else 1)
        if basic:
            self.conv2, self.bn2 = last, norm(after)
        else:
            self.conv2, self.bn2 = conv(inner, inner, 3, taken, options.get("groups", 1)), norm(inner)
            self.act2 = nn.ReLU()
            self.conv3, self.bn3 = last, norm(after)
        self.basic = basic
        self.se = options["attention"](after) if "attention" in options else nn.Identity()
        self.downsample = None
        if stride != 1 or before != after:
            average = options.get("average", False)
            pool = nn.AvgPool2d(2, 2, ceil_mode=True, count_include_pad=False) if stride == 2 else nn.Identity()
            first = [pool, conv(before, after, 1)] if average else [conv(before, after, 1, stride)]
            self.downsample = nn.Sequential(*first, norm(after))

    def forward(self, x):
        out = self.act1(self.bn1(self.conv1(x)))
        if self.basic:
            out = self.bn2(self.conv2(self.aa(out)))
        else:
            out = self.aa(self.act2(self.bn2(self.conv2(out))))
            out = self.bn3(self.conv3(out))
        return F.relu(self.se(out) + (x if self.downsample is None else self.downsample(x)))


class TimmNet(nn.Module):
    """timm's ResNet: stem "deep" (resnet50d) or "tiered" (resnet26t), attention, aa_layer, norm_layer, and so on."""

    def __init__(self, stem="", width=16, blocks=(1, 2, 1, 1), **options):
        super().__init__()
        norm = options.get("norm", nn.BatchNorm2d)
        if stem:
            first, second = (int(part * width) for part in TIERED[stem])
            self.conv1 = nn.Sequential(
                *(conv(3, first, 3, 2), norm(first), nn.ReLU()),
                *(conv(first, second), norm(second), nn.ReLU()),
                conv(second, width),
            )
        else:
            self.conv1 = conv(3, width, 7, 2)
        self.bn1, self.act1 = norm(width), nn.ReLU()
        antialias = options.get("antialias")
        if antialias is BlurPool:
            self.maxpool = nn.Sequential(nn.MaxPool2d(3, 1, 1), BlurPool())
        else:
            self.maxpool = nn.AvgPool2d(2) if antialias else nn.MaxPool2d(3, 2, 1)
        times = 1 if options.get("basic") else 4
        rows = stages(
            lambda *shape: TimmBlock(*shape, options), width, [width << n for n in range(4)], blocks, expansion=times
        )
        add_layers(self, rows)
        self.fc = nn.Linear(8 * width * times, 10)

    def forward(self, x):
        out = in_turn(self, self.maxpool(self.act1(self.bn1(self.conv1(x)))))
        return self.fc(out.mean((2, 3)))


class FaceLayer(nn.Module):
    """A convolution of transformers' ResNet with its norm."""

    def __init__(self, before, after, kernel, stride=1, active=True):
        super().__init__()
        self.convolution, self.normalization = conv(before, after, kernel, stride), nn.BatchNorm2d(after)
        self.activation = nn.ReLU() if active else nn.Identity()

    def forward(self, x):
        return self.activation(self.normalization(self.convolution(x)))


class FaceBlock(nn.Module):
    def __init__(self, before, width, stride, *, basic):
        super().__init__()
        after = width if basic else 4 * width
        changes = stride != 1 or before != after
        self.shortcut = FaceLayer(before, after, 1, stride, active=False) if changes else nn.Identity()
        if basic:
            self.layer = nn.Sequential(FaceLayer(before, after, 3, stride), FaceLayer(after, after, 3, active=False))
        else:
            self.layer = nn.Sequential(
                FaceLayer(before, width, 1),
                FaceLayer(width, width, 3, stride),
                FaceLayer(width, after, 1, active=False),
            )

    def forward(self, x):
        return F.relu(self.layer(x) + self.shortcut(x))


class Face(nn.Module):
    """transformers' ResNetForImageClassification."""

    def __init__(self, *, basic, width=16, blocks=(1, 2, 1, 1)):
        super().__init__()
        times = 1 if basic else 4
        rows = stages(
            lambda *shape: FaceBlock(*shape, basic=basic),
            width,
            [width << n for n in range(4)],
            blocks,
            expansion=times,
        )
        self.resnet = nn.Module()
        self.resnet.embedder = nn.Module()
        self.resnet.embedder.embedder = FaceLayer(3, width, 7, 2)
        self.resnet.encoder = nn.Module()
        self.resnet.encoder.stages = nn.ModuleList()
        for row in rows:
            stage = nn.Module()
            stage.layers = nn.Sequential(*row)
            self.resnet.encoder.stages.append(stage)
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(8 * width * times, 10))

    def forward(self, x):
        x = F.max_pool2d(self.resnet.embedder.embedder(x), 3, 2, 1)
        for stage in self.resnet.encoder.stages:
            x = stage.layers(x)
        return self.classifier(x.mean((2, 3)))


def convolutional(before, after, kernel=3, stride=1, active=True):
    """fastai's ConvLayer."""
    modules = [conv(before, after, kernel, stride), nn.BatchNorm2d(after)]
    return nn.Sequential(*modules, *([nn.ReLU()] if active else []))


class FastaiBlock(nn.Module):
    def __init__(self, before, width, stride):
        super().__init__()
        after = 4 * width
        self.convpath = nn.Sequential(
            convolutional(before, width, 1),
            convolutional(width, width, 3, stride),
            convolutional(width, after, 1, active=False),
        )
        path = [nn.AvgPool2d(2, ceil_mode=True)] if stride != 1 else []
        if before != after:
            path.append(convolutional(before, after, 1, active=False))
        self.idpath = nn.Sequential(*path)

    def forward(self, x):
        return F.relu(self.convpath(x) + self.idpath(x))


class Fastai(nn.Sequential):
    """fastai's XResNet: a sequence without names."""

    def __init__(self, width=16, blocks=(1, 2, 1, 1)):
        rows = stages(FastaiBlock, width, [width << n for n in range(4)], blocks, 4)
        super().__init__(
            *(
                convolutional(3, width // 2, 3, 2),
                convolutional(width // 2, width // 2),
                convolutional(width // 2, width),
            ),
            nn.MaxPool2d(3, 2, 1),
            *(nn.Sequential(*row) for row in rows),
            *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0), nn.Linear(32 * width, 10)),
        )
