"""What the names of subfolders say: training, validation, test or unlabelled pictures, or none of these."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Literal

Role = Literal["train", "validation", "test", "unlabelled"]

_WORDS: dict[str, Role] = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "validate", "dev", "eval", "evaluation", "holdout"), "validation"),
    **dict.fromkeys(("test", "testing", "tests", "tst"), "test"),
    **dict.fromkeys(("pred", "prediction", "predictions", "unlabeled", "unlabelled", "submission"), "unlabelled"),
}

# Words that may stand beside one of these without changing what it says, as in seg_train or "Training Set".
_BESIDE = {
    "cropped", "data", "dataset", "dir", "files", "folder", "image", "images", "img", "imgs", "jpeg", "jpg", "photos",
    "pics", "pictures", "png", "resized", "samples", "seg", "set", "sets", "split",
}  # fmt: skip

_PARTS = re.compile(
    r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+"
)  # also of TrainSet; digits fall away, as in val2017


def composed(name: str) -> str:
    """A name in Unicode's composed form (NFC), which differs on disks written by macOS."""
    return unicodedata.normalize("NFC", name)


def roles(names: Iterable[str]) -> dict[str, Role]:
    """The names that say what their pictures are for, such as train, Training Set, seg_test or val2017.

    Other words in a name are allowed where another name has the same: flowers_train beside flowers_test.
    """
    found: dict[str, Role] = {}
    unsure: dict[tuple[str, ...], dict[str, Role]] = {}
    for name in names:
        words = _words(name)
        told = {_WORDS[word] for word in words if word in _WORDS}
        if len(told) != 1:
            continue
        others = tuple(word for word in words if word not in _WORDS and word not in _BESIDE)
        if others:
            unsure.setdefault(others, {})[name] = told.pop()
        else:
            found[name] = told.pop()
    for alike in unsure.values():
        if len(set(alike.values())) > 1:
            found |= alike
    return found


def role(name: str) -> Role | None:
    """What a single name says; None if nothing."""
    return roles([name]).get(name)


def _words(name: str) -> list[str]:
    words: list[str] = []
    for part in _PARTS.findall(composed(name)):
        word = part.casefold()
        for end in sorted(_BESIDE, key=len, reverse=True):  # trainset, testimages
            if word not in _BESIDE and word.endswith(end) and word.removesuffix(end) in _WORDS:
                word = word.removesuffix(end)
        words.append(word)
    return words
