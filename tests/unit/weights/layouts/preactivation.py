"""Pre-activation and wide networks, small, in the layouts of the projects named."""

import torch
import torch.nn.functional as F
from torch import nn

from tests.unit.weights.layouts.classic import WideGroup
from tests.unit.weights.layouts.parts import add_layers, conv, in_turn, stages


class PreActBlock(nn.Module):
    """kuangliu's, without a shortcut module where the shape stays."""

    excited = False

    def __init__(self, before, after, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(before), conv(before, after, 3, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(after), conv(after, after)
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(conv(before, after, 1, stride))
        if self.excited:
            self.fc1, self.fc2 = nn.Conv2d(after, after // 16, 1), nn.Conv2d(after // 16, after, 1)

    def beside(self, x, active):
        return self.shortcut(active) if hasattr(self, "shortcut") else x

    def forward(self, x):
        active = F.relu(self.bn1(x))
        out = self.conv2(F.relu(self.bn2(self.conv1(active))))
        if self.excited:
            out = out * self.fc2(F.relu(self.fc1(out.mean((2, 3), keepdim=True)))).sigmoid()
        return out + self.beside(x, active)


class PreActExcited(PreActBlock):
    excited = True


class PreActRaw(PreActBlock):
    """RobustBench's: projections start at the input of the block."""

    def beside(self, x, active):
        return self.shortcut(x) if hasattr(self, "shortcut") else x


class PreActBottleneck(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(before), conv(before, after, 1)
        self.bn2, self.conv2 = nn.BatchNorm2d(after), conv(after, after, 3, stride)
        self.bn3, self.conv3 = nn.BatchNorm2d(after), conv(after, 4 * after, 1)
        if stride != 1 or before != 4 * after:
            self.shortcut = nn.Sequential(conv(before, 4 * after, 1, stride))

    def forward(self, x):
        active = F.relu(self.bn1(x))
        out = self.conv2(F.relu(self.bn2(self.conv1(active))))
        out = self.conv3(F.relu(self.bn3(out)))
        return out + (self.shortcut(active) if hasattr(self, "shortcut") else x)


class PreAct(nn.Module):
    """kuangliu/pytorch-cifar's PreActResNet and SENet (norm after the stem), RobustBench's and locuslab's (at the end)."""

    def __init__(self, block, width=8, blocks=(2, 1, 1, 1), expansion=1, stem_norm=False, end_norm=False):
        super().__init__()
        self.conv1 = conv(3, width)
        if stem_norm:
            self.bn1 = nn.BatchNorm2d(width)
        add_layers(self, stages(block, width, [width << n for n in range(4)], blocks, expansion))
        if end_norm:
            self.bn = nn.BatchNorm2d(8 * width * expansion)
        self.linear = nn.Linear(8 * width * expansion, 10)

    def forward(self, x):
        out = self.conv1(x)
        out = in_turn(self, F.relu(self.bn1(out)) if hasattr(self, "bn1") else out)
        out = F.relu(self.bn(out)) if hasattr(self, "bn") else out
        return self.linear(out.mean((2, 3)))


class BiasedPreBasic(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.residual = nn.Sequential(
            *(nn.BatchNorm2d(before), nn.ReLU(), nn.Conv2d(before, after, 3, stride, 1)),
            *(nn.BatchNorm2d(after), nn.ReLU(), nn.Conv2d(after, after, 3, 1, 1)),
        )
        changes = stride != 1 or before != after
        self.shortcut = nn.Conv2d(before, after, 1, stride) if changes else nn.Sequential()

    def forward(self, x):
        return self.residual(x) + self.shortcut(x)


class BiasedPreBottleneck(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.residual = nn.Sequential(
            *(nn.BatchNorm2d(before), nn.ReLU(), nn.Conv2d(before, after, 1, stride)),
            *(nn.BatchNorm2d(after), nn.ReLU(), nn.Conv2d(after, after, 3, 1, 1)),
            *(nn.BatchNorm2d(after), nn.ReLU(), nn.Conv2d(after, 4 * after, 1)),
        )
        changes = stride != 1 or before != 4 * after
        self.shortcut = nn.Conv2d(before, 4 * after, 1, stride) if changes else nn.Sequential()

    def forward(self, x):
        return self.residual(x) + self.shortcut(x)


class WeiaicunzaiPreAct(nn.Module):
    """weiaicunzai/pytorch-cifar100, preactresnet: biases everywhere, norm after the stem, none at the end."""

    def __init__(self, block, expansion):
        super().__init__()
        self.pre = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        add_layers(self, stages(block, 8, (8, 16, 32, 64), (2, 2, 1, 1), expansion), "stage{}")
        self.linear = nn.Linear(64 * expansion, 100)

    def forward(self, x):
        return self.linear(in_turn(self, self.pre(x), "stage").mean((2, 3)))


class WeiaicunzaiWideBlock(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.residual = nn.Sequential(
            *(nn.BatchNorm2d(before), nn.ReLU(), nn.Conv2d(before, after, 3, stride, 1)),
            *(nn.BatchNorm2d(after), nn.ReLU(), nn.Dropout(0), nn.Conv2d(after, after, 3, 1, 1)),
        )
        changes = stride != 1 or before != after
        self.shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride)) if changes else nn.Sequential()

    def forward(self, x):
        return self.residual(x) + self.shortcut(x)


class WeiaicunzaiWide(nn.Module):
    """weiaicunzai/pytorch-cifar100, wideresidual."""

    def __init__(self):
        super().__init__()
        self.init_conv = nn.Conv2d(3, 8, 3, 1, 1)
        add_layers(self, stages(WeiaicunzaiWideBlock, 8, (16, 32, 64), (2, 2, 2)), "conv{}_x")
        self.bn = nn.BatchNorm2d(64)
        self.linear = nn.Linear(64, 100)

    def forward(self, x):
        return self.linear(F.relu(self.bn(in_turn(self, self.init_conv(x), "conv"))).mean((2, 3)))


class MeliketoyBlock(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(before), nn.Conv2d(before, after, 3, 1, 1)
        self.bn2, self.conv2 = nn.BatchNorm2d(after), nn.Conv2d(after, after, 3, stride, 1)
        self.shortcut = nn.Sequential()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride))

    def forward(self, x):
        out = self.conv1(F.relu(self.bn1(x)))
        return self.conv2(F.relu(self.bn2(out))) + self.shortcut(x)


class Meliketoy(nn.Module):
    """meliketoy/wide-resnet.pytorch: the second convolution has the stride, all have biases."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1)
        add_layers(self, stages(MeliketoyBlock, 16, (32, 64, 128), (1, 2, 1)))
        self.bn1 = nn.BatchNorm2d(128)
        self.linear = nn.Linear(128, 10)

    def forward(self, x):
        return self.linear(F.relu(self.bn1(in_turn(self, self.conv1(x)))).mean((2, 3)))


class BearpawPreBlock(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(before), conv(before, after, 3, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(after), conv(after, after)
        changes = stride != 1 or before != after
        self.downsample = nn.Sequential(conv(before, after, 1, stride)) if changes else None

    def forward(self, x):
        out = self.conv2(F.relu(self.bn2(self.conv1(F.relu(self.bn1(x))))))
        return out + (x if self.downsample is None else self.downsample(x))


class BearpawPre(nn.Module):
    """bearpaw/pytorch-classification, preresnet."""

    def __init__(self):
        super().__init__()
        self.conv1 = conv(3, 16)
        add_layers(self, stages(BearpawPreBlock, 16, (16, 32, 64), (2, 2, 2)))
        self.bn = nn.BatchNorm2d(64)
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        return self.fc(F.relu(self.bn(in_turn(self, self.conv1(x)))).mean((2, 3)))


class Trades(nn.Module):
    """yaodongyu/TRADES and RobustBench's WideResNet, with a sub_block1 that is never called, or without."""

    def __init__(self, unused=False, widen=2):
        super().__init__()
        self.conv1 = conv(3, 16)
        self.block1 = WideGroup(16, 16 * widen, 1, 1)
        if unused:
            self.sub_block1 = WideGroup(16, 16 * widen, 1, 1)
        self.block2 = WideGroup(16 * widen, 32 * widen, 2, 1)
        self.block3 = WideGroup(32 * widen, 64 * widen, 2, 1)
        self.bn1 = nn.BatchNorm2d(64 * widen)
        self.fc = nn.Linear(64 * widen, 10)

    def forward(self, x):
        out = self.block3(self.block2(self.block1(self.conv1(x))))
        return self.fc(F.relu(self.bn1(out)).mean((2, 3)))


class HystsPreBlock(nn.Module):
    starts_late = False

    def __init__(self, before, after, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(before), conv(before, after, 3, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(after), conv(after, after)
        self.shortcut = nn.Sequential()
        if before != after:
            self.shortcut.add_module("conv", conv(before, after, 1, stride))

    def forward(self, x):
        active = F.relu(self.bn1(x))
        out = self.conv2(F.relu(self.bn2(self.conv1(active))))
        return out + self.shortcut(active if self.starts_late else x)


class Hysts(nn.Module):
    """hysts/pytorch_image_classification, resnet_preact."""

    def __init__(self):
        super().__init__()
        self.conv = conv(3, 16)
        for number, row in enumerate(stages(HystsPreBlock, 16, (16, 32, 64), (2, 1, 1)), start=1):
            stage = nn.Sequential()
            row[0].starts_late = True
            for place, block in enumerate(row, start=1):
                stage.add_module(f"block{place}", block)
            self.add_module(f"stage{number}", stage)
        self.bn = nn.BatchNorm2d(64)
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        return self.fc(F.relu(self.bn(in_turn(self, self.conv(x), "stage"))).mean((2, 3)))


class Szagoruyko(nn.Module):
    """szagoruyko/wide-residual-networks in PyTorch: a function of tensors, whose convolutions have no modules."""

    def __init__(self, widen=2, blocks=2):
        super().__init__()
        self.tensors = {"conv0": torch.randn(16, 3, 3, 3) / 5}
        before = 16
        for group, after in enumerate((16 * widen, 32 * widen, 64 * widen)):
            for place in range(blocks):
                name = f"group{group}.block{place}"
                self.tensors |= {
                    f"{name}.conv0": torch.randn(after, before, 3, 3) / (3 * before**0.5),
                    f"{name}.conv1": torch.randn(after, after, 3, 3) / (3 * after**0.5),
                    **self._norm(f"{name}.bn0", before),
                    **self._norm(f"{name}.bn1", after),
                }
                if before != after:
                    self.tensors[f"{name}.convdim"] = torch.randn(after, before, 1, 1) / before**0.5
                before = after
        self.tensors |= self._norm("bn", before)
        self.tensors |= {"fc.weight": torch.randn(10, before) / before**0.5, "fc.bias": torch.randn(10)}
        self.groups = [(group, place) for group in range(3) for place in range(blocks)]

    @staticmethod
    def _norm(name, width):
        drawn = {"weight": torch.rand(width) + 0.5, "bias": torch.randn(width) / 10}
        statistics = {"running_mean": torch.randn(width) / 10, "running_var": torch.rand(width) + 0.5}
        return {f"{name}.{key}": tensor for key, tensor in (drawn | statistics).items()}

    def state_dict(self):
        return self.tensors

    def _normed(self, x, name):
        mean, variance, weight, bias = (
            self.tensors[f"{name}.{each}"] for each in ("running_mean", "running_var", "weight", "bias")
        )
        return F.relu(F.batch_norm(x, mean, variance, weight, bias, training=self.training))

    def forward(self, x):
        x = F.conv2d(x, self.tensors["conv0"], padding=1)
        for group, place in self.groups:
            name = f"group{group}.block{place}"
            stride = 2 if group and not place else 1
            active = self._normed(x, f"{name}.bn0")
            out = F.conv2d(active, self.tensors[f"{name}.conv0"], stride=stride, padding=1)
            out = F.conv2d(self._normed(out, f"{name}.bn1"), self.tensors[f"{name}.conv1"], padding=1)
            wider = self.tensors.get(f"{name}.convdim")
            x = out + (x if wider is None else F.conv2d(active, wider, stride=stride))
        return F.linear(self._normed(x, "bn").mean((2, 3)), self.tensors["fc.weight"], self.tensors["fc.bias"])
