"""Baseline images."""

import pytest
import torch
from torchvision.transforms.functional import gaussian_blur

from explorer.attribution.baselines import blurred


@pytest.mark.parametrize(("side", "size", "sigma"), [(2, 3, 1.0), (8, 7, 8 / 6), (32, 23, 32 / 6)])
def test_the_blur_is_that_of_torchvision(side, size, sigma):
    images = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(blurred(images), gaussian_blur(images, [size, size], [sigma, sigma]))
