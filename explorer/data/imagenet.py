"""The 1,000 classes of ImageNet, by torchvision's names; importing this imports neither torch nor torchvision."""

import ast
import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

_SYNSET = re.compile(r"n[0-9]{8}")


@lru_cache(maxsize=1)
def categories() -> tuple[str, ...]:
    """The class names in the metadata of torchvision's weights, in order of class."""
    try:  # parsed from torchvision's private file in milliseconds; a later version may move it
        found = find_spec("torchvision")  # does not import it
        assert found is not None
        assert found.origin is not None
        return _listed((Path(found.origin).parent / "models" / "_meta.py").read_text(encoding="utf-8"))
    except (OSError, LookupError):
        from torchvision.models import get_weight  # takes seconds, and imports torch

        return tuple(get_weight("ResNet50_Weights.IMAGENET1K_V1").meta["categories"])


def are_synsets(folders: tuple[str, ...]) -> bool:
    """Whether folders are named by all WordNet ids of ImageNet, such as n01440764, which are in order of class."""
    return len(folders) == len(categories()) and all(map(_SYNSET.fullmatch, folders))


def _listed(source: str) -> tuple[str, ...]:
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_IMAGENET_CATEGORIES":
            return tuple(ast.literal_eval(node.value))
    raise LookupError("_IMAGENET_CATEGORIES")
