"""The process beside the server in which PyTorch computes: calls come in on standard input, answers go out.

Started by `ui.pytorch` as `python -m explorer.ui.pytorch_process`; it ends when its standard input does, so it does not
outlive the server, however that ends.
"""

import os
import pickle
import sys
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from importlib import import_module
from typing import Any

from explorer.errors import ExplorerError

# name of a function ("package.module:function"), its arguments, the EXPLORER_ variables of the environment
Call = tuple[str, tuple[Any, ...], Mapping[str, Any], Mapping[str, str]]
Outcome = tuple[Any, ExplorerError | None]


def main() -> None:
    """Answer until there are no more calls."""
    calls = sys.stdin.buffer
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not get between the answers
    while True:
        try:
            call: Call = pickle.load(calls)
        except EOFError:
            return
        pickle.dump(outcome(*call), answers)
        answers.flush()


def outcome(
    name: str, arguments: tuple[Any, ...], options: Mapping[str, Any], environment: Mapping[str, str]
) -> Outcome:
    """What a function gives, a dataclass as a dictionary, or why it gives nothing."""
    for variable in [each for each in os.environ if each.startswith("EXPLORER_") and each not in environment]:
        del os.environ[variable]
    os.environ.update(environment)
    module, _, function = name.partition(":")
    try:
        value = getattr(import_module(module), function)(*arguments, **options)
    except ExplorerError as error:
        return None, error
    except Exception as error:  # noqa: BLE001 a bug there must not take the page along
        return None, ExplorerError(f"{function} failed: {type(error).__name__}: {error}. Please report this.")
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value, None


if __name__ == "__main__":
    main()
