"""The thousand classes of ImageNet, by torchvision's names; importing this imports neither torch nor torchvision."""

import ast
import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

_SYNSET = re.compile(r"n[0-9]{8}")


@lru_cache(maxsize=1)
def categories() -> tuple[str, ...]:
    """Their names in order of class, those of torchvision's weights."""
    try:  # the list stands in a file of its own, which can be read in milliseconds; its name is not promised
        found = find_spec("torchvision")  # does not import it
        assert found is not None
        assert found.origin is not None
        return _listed((Path(found.origin).parent / "models" / "_meta.py").read_text(encoding="utf-8"))
    except (OSError, LookupError):
        from torchvision.models import get_weight  # takes seconds, and imports torch

        return tuple(get_weight("ResNet50_Weights.IMAGENET1K_V1").meta["categories"])


def are_synsets(folders: tuple[str, ...]) -> bool:
    """Whether these, in order, are all the folders of ImageNet's images by their WordNet ids, as n01440764.

    They are numbered in that order.
    """
    return len(folders) == len(categories()) and all(map(_SYNSET.fullmatch, folders))


def _listed(source: str) -> tuple[str, ...]:
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_IMAGENET_CATEGORIES":
            return tuple(ast.literal_eval(node.value))
    raise LookupError("_IMAGENET_CATEGORIES")
