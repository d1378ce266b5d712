"""Small networks as akamaster, kuangliu, weiaicunzai, xternalz, timm and bearpaw lay them out."""

import torch.nn.functional as F
from torch import nn

from tests.unit.weights.layouts.parts import conv


class AkamasterBlock(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.conv1, self.bn1 = conv(before, after, 3, stride), nn.BatchNorm2d(after)
        self.conv2, self.bn2 = conv(after, after), nn.BatchNorm2d(after)
        self.stride, self.added = stride, after - before

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        beside = x[:, :, :: self.stride, :: self.stride]
        return F.relu(out + F.pad(beside, (0, 0, 0, 0, self.added // 2, self.added // 2)))


class Akamaster(nn.Module):
    """akamaster/pytorch_resnet_cifar10: option A."""

    def __init__(self, blocks=1):
        super().__init__()
        self.conv1, self.bn1 = conv(3, 16), nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(*(AkamasterBlock(16, 16, 1) for _ in range(blocks)))
        self.layer2 = nn.Sequential(AkamasterBlock(16, 32, 2), *(AkamasterBlock(32, 32, 1) for _ in range(blocks - 1)))
        self.layer3 = nn.Sequential(AkamasterBlock(32, 64, 2), *(AkamasterBlock(64, 64, 1) for _ in range(blocks - 1)))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        out = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        return self.linear(out.mean((2, 3)))


class KuangliuBasic(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.conv1, self.bn1 = conv(before, after, 3, stride), nn.BatchNorm2d(after)
        self.conv2, self.bn2 = conv(after, after), nn.BatchNorm2d(after)
        self.shortcut = nn.Sequential()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(conv(before, after, 1, stride), nn.BatchNorm2d(after))

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(out + self.shortcut(x))


class KuangliuBottleneck(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.conv1, self.bn1 = conv(before, after, 1), nn.BatchNorm2d(after)
        self.conv2, self.bn2 = conv(after, after, 3, stride), nn.BatchNorm2d(after)
        self.conv3, self.bn3 = conv(after, 4 * after, 1), nn.BatchNorm2d(4 * after)
        self.shortcut = nn.Sequential()
        if stride != 1 or before != 4 * after:
            self.shortcut = nn.Sequential(conv(before, 4 * after, 1, stride), nn.BatchNorm2d(4 * after))

    def forward(self, x):
        out = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        return F.relu(self.bn3(self.conv3(out)) + self.shortcut(x))


class Kuangliu(nn.Module):
    """kuangliu/pytorch-cifar: four stages of ImageNet's widths on small images."""

    def __init__(self, block, times, blocks, classes=10):
        super().__init__()
        self.conv1, self.bn1 = conv(3, 8), nn.BatchNorm2d(8)
        before = 8
        for number, count in enumerate(blocks):
            layers = []
            for place in range(count):
                layers.append(block(before, 8 << number, 2 if number and not place else 1))
                before = times * (8 << number)
            setattr(self, f"layer{number + 1}", nn.Sequential(*layers))
        self.linear = nn.Linear(before, classes)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.layer4(self.layer3(self.layer2(self.layer1(out))))
        return self.linear(out.mean((2, 3)))


class WeiaicunzaiBlock(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.residual_function = nn.Sequential(
            conv(before, after, 3, stride), nn.BatchNorm2d(after), nn.ReLU(), conv(after, after), nn.BatchNorm2d(after)
        )
        self.shortcut = nn.Sequential()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(conv(before, after, 1, stride), nn.BatchNorm2d(after))

    def forward(self, x):
        return F.relu(self.residual_function(x) + self.shortcut(x))


class Weiaicunzai(nn.Module):
    """weiaicunzai/pytorch-cifar100."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Sequential(conv(3, 8), nn.BatchNorm2d(8), nn.ReLU())
        self.conv2_x = nn.Sequential(WeiaicunzaiBlock(8, 8, 1), WeiaicunzaiBlock(8, 8, 1))
        self.conv3_x = nn.Sequential(WeiaicunzaiBlock(8, 16, 2), WeiaicunzaiBlock(16, 16, 1))
        self.conv4_x = nn.Sequential(WeiaicunzaiBlock(16, 32, 2))
        self.fc = nn.Linear(32, 100)

    def forward(self, x):
        return self.fc(self.conv4_x(self.conv3_x(self.conv2_x(self.conv1(x)))).mean((2, 3)))


class WideBlock(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(before), conv(before, after, 3, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(after), conv(after, after)
        self.convShortcut = None if before == after else conv(before, after, 1, stride)

    def forward(self, x):
        active = F.relu(self.bn1(x))
        out = self.conv2(F.relu(self.bn2(self.conv1(active))))
        return out + (x if self.convShortcut is None else self.convShortcut(active))


class WideGroup(nn.Module):
    def __init__(self, before, after, stride, blocks):
        super().__init__()
        rest = [WideBlock(after, after, 1) for _ in range(blocks - 1)]
        self.layer = nn.Sequential(WideBlock(before, after, stride), *rest)

    def forward(self, x):
        return self.layer(x)


class Wide(nn.Module):
    """xternalz/WideResNet-pytorch, WRN-16-2."""

    def __init__(self):
        super().__init__()
        self.conv1 = conv(3, 16)
        self.block1 = WideGroup(16, 32, 1, 2)
        self.block2 = WideGroup(32, 64, 2, 2)
        self.block3 = WideGroup(64, 128, 2, 2)
        self.bn1 = nn.BatchNorm2d(128)
        self.fc = nn.Linear(128, 10)

    def forward(self, x):
        out = self.block3(self.block2(self.block1(self.conv1(x))))
        return self.fc(F.relu(self.bn1(out)).mean((2, 3)))


class TimmExcitation(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1, self.fc2 = nn.Conv2d(width, width // 16, 1), nn.Conv2d(width // 16, width, 1)

    def forward(self, x):
        return x * self.fc2(F.relu(self.fc1(x.mean((2, 3), keepdim=True)))).sigmoid()


class LinearExcitation(nn.Module):
    """moskomule/senet.pytorch: without biases."""

    def __init__(self, width):
        super().__init__()
        self.fc = nn.Sequential(
            nn.Linear(width, width // 16, bias=False),
            nn.ReLU(),
            nn.Linear(width // 16, width, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, x):
        return x * self.fc(x.mean((2, 3)))[:, :, None, None]


class TimmBottleneck(nn.Module):
    def __init__(self, before, after, stride, excitation):
        super().__init__()
        self.conv1, self.bn1 = conv(before, after, 1), nn.BatchNorm2d(after)
        self.conv2, self.bn2 = conv(after, after, 3, stride), nn.BatchNorm2d(after)
        self.conv3, self.bn3 = conv(after, 4 * after, 1), nn.BatchNorm2d(4 * after)
        self.se = excitation(4 * after) if excitation else nn.Identity()
        self.downsample = None
        if stride != 1 or before != 4 * after:
            pool = nn.Identity() if stride == 1 else nn.AvgPool2d(2, 2, ceil_mode=True, count_include_pad=False)
            self.downsample = nn.Sequential(pool, conv(before, 4 * after, 1), nn.BatchNorm2d(4 * after))

    def forward(self, x):
        out = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        out = self.se(self.bn3(self.conv3(out)))
        return F.relu(out + (x if self.downsample is None else self.downsample(x)))


class Timm(nn.Module):
    """timm's ResNet-D, with squeeze-and-excitation or without."""

    def __init__(self, excitation=None):
        super().__init__()
        self.conv1 = nn.Sequential(
            *(conv(3, 8, 3, 2), nn.BatchNorm2d(8), nn.ReLU()), *(conv(8, 8), nn.BatchNorm2d(8), nn.ReLU()), conv(8, 16)
        )
        self.bn1 = nn.BatchNorm2d(16)
        before = 16
        for number, count in enumerate((2, 2, 1, 1)):
            layers = []
            for place in range(count):
                layers.append(TimmBottleneck(before, 16 << number, 2 if number and not place else 1, excitation))
                before = 64 << number
            setattr(self, f"layer{number + 1}", nn.Sequential(*layers))
        self.fc = nn.Linear(before, 10)

    def forward(self, x):
        out = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return self.fc(self.layer4(self.layer3(self.layer2(self.layer1(out)))).mean((2, 3)))


class GroupedBottleneck(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        inner = after // 2
        self.conv_reduce, self.bn_reduce = conv(before, inner, 1), nn.BatchNorm2d(inner)
        self.conv_conv, self.bn = conv(inner, inner, 3, stride, groups=4), nn.BatchNorm2d(inner)
        self.conv_expand, self.bn_expand = conv(inner, after, 1), nn.BatchNorm2d(after)
        self.shortcut = nn.Sequential()
        if before != after:
            self.shortcut.add_module("shortcut_conv", conv(before, after, 1, stride))
            self.shortcut.add_module("shortcut_bn", nn.BatchNorm2d(after))

    def forward(self, x):
        out = F.relu(self.bn(self.conv_conv(F.relu(self.bn_reduce(self.conv_reduce(x))))))
        return F.relu(self.bn_expand(self.conv_expand(out)) + self.shortcut(x))


class Grouped(nn.Module):
    """bearpaw/pytorch-classification, ResNeXt for small images."""

    def __init__(self):
        super().__init__()
        self.conv_1_3x3, self.bn_1 = conv(3, 16), nn.BatchNorm2d(16)
        before = 16
        for stage, after in enumerate((64, 128, 256), start=1):
            group = nn.Sequential()
            for place in range(2):
                block = GroupedBottleneck(before, after, 2 if stage > 1 and not place else 1)
                group.add_module(f"stage_{stage}_bottleneck_{place}", block)
                before = after
            setattr(self, f"stage_{stage}", group)
        self.classifier = nn.Linear(before, 10)

    def forward(self, x):
        out = F.relu(self.bn_1(self.conv_1_3x3(x)))
        return self.classifier(self.stage_3(self.stage_2(self.stage_1(out))).mean((2, 3)))
