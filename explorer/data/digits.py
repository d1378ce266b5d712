"""scikit-learn's handwritten digits: real images that need no download."""

from pathlib import Path

import numpy as np

from explorer.data.scikit_learn import scikit_learn_file
from explorer.data.splits import Split, SplitName

CLASSES = tuple("0123456789")
TEST_EVERY = 5


def read(_: Path, split: SplitName, side: int = 8) -> Split:
    """The 1,437 training or the 360 test images of 8x8 (UCI optical digits, test part, as scikit-learn ships them).

    The published set has no split. This one is fixed: every fifth image in order of class is a test image, so the
    shares of the classes are equal to within one image.
    """
    table = np.loadtxt(scikit_learn_file("data", "digits.csv.gz"), delimiter=",", dtype=np.uint8)
    published, labels = table[:, :64], table[:, 64].astype(np.int64)  # pixels of 0 to 16
    pixels = np.rint(published * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8, 1)
    test = np.zeros(len(labels), dtype=bool)
    test[np.argsort(labels, kind="stable")[::TEST_EVERY]] = True
    chosen = test if split == "test" else ~test
    return Split(pixels[chosen], labels[chosen])
