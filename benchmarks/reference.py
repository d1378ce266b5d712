"""ResNet training on CIFAR-10 as commonly written: transforms per image in a DataLoader, NCHW, fp32."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn, optim
from torch.nn import functional
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


class Block(nn.Module):
    """Two 3x3 convolutions and a zero-padding shortcut."""

    def __init__(self, in_width: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_width, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.stride, self.padding = stride, (width - in_width) // 2

    def forward(self, x: Tensor) -> Tensor:
        out = functional.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.stride != 1:
            x = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.padding, self.padding))
        return functional.relu(out + x)


def resnet(depth: int) -> nn.Sequential:
    """The CIFAR network of He et al. 2015 with 6n+2 layers."""
    blocks, in_width = [], 16
    for stage, width in enumerate((16, 32, 64)):
        for block in range((depth - 2) // 6):
            blocks.append(Block(in_width, width, stride=2 if stage and not block else 1))
            in_width = width
    stem = (nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True))
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def training(depth: int, data_folder: str, batch_size: int, workers: int, device: torch.device) -> Iterator[float]:
    """Trains for ever, one step and its loss at a time."""
    crop_and_mirror = [transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip()]
    transform = transforms.Compose([*crop_and_mirror, transforms.ToTensor(), transforms.Normalize(MEAN, STD)])
    images = datasets.CIFAR10(data_folder, train=True, transform=transform)
    loader = DataLoader(images, batch_size, shuffle=True, drop_last=True, num_workers=workers)
    network = resnet(depth).to(device).train()
    criterion = nn.CrossEntropyLoss()
    optimiser = optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    while True:
        for inputs, labels in loader:
            inputs, labels = inputs.to(device), labels.to(device)
            optimiser.zero_grad()
            loss = criterion(network(inputs), labels)
            loss.backward()
            optimiser.step()
            yield loss.item()
