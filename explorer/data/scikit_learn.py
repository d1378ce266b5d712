"""Files of scikit-learn's data sets, read without importing it, which takes seconds."""

from importlib.util import find_spec
from pathlib import Path


def scikit_learn_file(*parts: str) -> Path:
    """The path of a file that comes with `sklearn.datasets`.

    Raises:
        OSError: scikit-learn is not installed.
    """
    found = find_spec("sklearn")
    if found is None or found.origin is None:
        raise OSError("scikit-learn is not installed")
    return Path(found.origin).parent.joinpath("datasets", *parts)
