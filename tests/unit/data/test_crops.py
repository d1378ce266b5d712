"""The ten views of an image."""

import pytest
import torch
from torchvision.transforms import functional

from explorer.data.crops import ten_crops
from explorer.errors import BadSettings


def test_crops_of_larger_images_are_those_of_torchvision():
    images = torch.randn(3, 2, 16, 18, generator=torch.Generator().manual_seed(0))
    expected = torch.stack(functional.ten_crop(images, 12))
    corner = [0, 1, 2, 3, 4, 6, 5, 8, 7, 9]  # of the mirrored image there; here the mirrored corner
    assert torch.equal(torch.stack(list(ten_crops(images, 12))), expected[corner])


@pytest.mark.parametrize(("side", "zeros"), [(8, 1), (16, 2), (32, 4)])
def test_images_of_the_crops_side_are_padded_by_an_eighth(side, zeros):
    images = torch.ones(1, 1, side, side)
    top_left, _, _, bottom_right, centre, *mirrored = ten_crops(images, side)
    assert torch.equal(centre, images)
    assert top_left[0, 0, :zeros].sum() == top_left[0, 0, :, :zeros].sum() == 0
    assert top_left.sum() == bottom_right.sum() == (side - zeros) ** 2
    assert len(mirrored) == 5


def test_the_last_five_are_the_first_five_mirrored():
    images = torch.arange(16.0).view(1, 1, 4, 4)
    first, last = torch.stack(list(ten_crops(images, 2))).split(5)
    assert torch.equal(last, first.flip(-1))


def test_an_image_smaller_than_its_crops_is_refused():
    with pytest.raises(BadSettings, match="A crop of 8 pixels cannot be cut from images of 4×8. Give larger ones."):
        list(ten_crops(torch.zeros(1, 1, 4, 8), 8))
